/* intake.c - feeds read, merged and taken in.
 *
 * Every source is read block by block; the events at their heads are merged by time, and those of one instant are put
 * in order of (rank, source, id). Where a batch ends and where a run was interrupted make no difference: what comes
 * next follows from the cursors alone, and cursors are committed with the events before them.
 *
 *   stream (a source's feeds, one after the other) -> blocks of rows -> group of one instant -> take_event
 *
 * What was not committed since another writer was first is taken again: read again from where the store says that its
 * feed stands; of a pipe, which cannot be read twice, from the rows themselves, kept until they are committed.
 */
#include "intake.h"

#include <errno.h>
#include <stdio.h>

struct run {
    struct scrip *scrip;
    const struct scrip_run_options *options;
    struct scrip_totals *totals;
    struct stream *streams;
    size_t count;
    struct intake **group;
    size_t group_count, group_room;
    int is_piped;
    uint64_t shown; /* rows at the last call of progress */
    /* Sums of outcomes when the last batch was sent, and of what is known to be committed. */
    struct scrip_totals sent, sure;
    uint64_t sent_commits; /* the host's count when it was sent */
};

/* ---- groups --------------------------------------------------------------------------------------------------- */

static int by_rank(const void *left, const void *right)
{
    const struct intake *a = *(struct intake *const *)left, *b = *(struct intake *const *)right;
    int order;

    if (is_event(a) != is_event(b))
        return is_event(a) ? 1 : -1;
    if (!is_event(a)) {
        if (a->stream != b->stream)
            return a->stream < b->stream ? -1 : 1;
        return (a->origin.line > b->origin.line) - (a->origin.line < b->origin.line);
    }
    if ((order = event_rank(&a->event) - event_rank(&b->event)) != 0)
        return order;
    if ((order = strcmp(a->event.source->text, b->event.source->text)) != 0)
        return order;
    return strcmp(a->event.shown.id, b->event.shown.id);
}

static void group_add(struct run *run, struct stream *stream, struct intake *intake)
{
    ARRAY_ROOM(run->group, run->group_count, run->group_room);
    run->group[run->group_count++] = intake;
    stream->head->taken++;
    stream->is_moved = 1;
    stream->tail = intake;
    stream->tail_block = stream->head;
}

/* Takes along rows that are no events: they have no time, and touch no account. */
static int stream_pass(struct run *run, struct stream *stream, struct intake **out, struct scrip_error *err)
{
    int code;

    while ((code = stream_peek(stream, out, err)) == SCRIP_OK && *out != NULL && !is_event(*out) &&
           run->group_count < GROUP_LIMIT)
        group_add(run, stream, *out);
    return code;
}

/* Gathers the rows of the earliest instant at the heads of all streams. An empty group: all are at their ends. */
static int group_gather(struct run *run, struct scrip_error *err)
{
    int64_t until = run->options && run->options->until_us != SCRIP_TIME_NONE ? run->options->until_us : INT64_MAX;
    int64_t first = INT64_MAX;
    struct intake *intake;
    int code;

    run->group_count = 0;
    for (size_t i = 0; i < run->count; i++) {
        if ((code = stream_pass(run, &run->streams[i], &intake, err)) < 0)
            return code;
        if (intake != NULL && is_event(intake) && intake->event.shown.time_us < first)
            first = intake->event.shown.time_us;
    }
    if (run->group_count || first >= until) /* rows that are no events go by themselves */
        return SCRIP_OK;
    for (size_t i = 0; i < run->count; i++)
        for (;;) {
            if ((code = stream_pass(run, &run->streams[i], &intake, err)) < 0)
                return code;
            if (intake == NULL || run->group_count >= GROUP_LIMIT || !is_event(intake) ||
                intake->event.shown.time_us != first)
                break;
            group_add(run, &run->streams[i], intake);
        }
    return SCRIP_OK;
}

int intake_take(struct scrip *scrip, struct intake *intake, struct scrip_totals *totals, struct scrip_result *result,
                struct scrip_error *err)
{
    int code;

    totals->read++;
    if (intake->is_skipped) {
        totals->outcome[SCRIP_FILTERED]++;
        return SCRIP_OK;
    }
    arena_reset(&scrip->arena);
    if (intake->bad)
        code = take_bad(scrip, &intake->origin, intake->reason_class, intake->bad, NULL, result);
    else
        code = take_event(scrip, &intake->event, &intake->origin, result, err);
    if (code < 0)
        return code;
    totals->outcome[result->was_duplicate ? SCRIP_DUPLICATE : result->outcome]++;
    return SCRIP_OK;
}

static void progress_show(struct run *run, int is_last)
{
    struct scrip_progress progress = { 0 };
    size_t at = 0;

    if (run->options == NULL || run->options->progress == NULL || (!is_last && run->totals->read - run->shown < 2000))
        return;
    run->shown = run->totals->read;
    while (at + 1 < run->count && run->streams[at].is_done)
        at++;
    if (run->count) {
        progress.source = run->streams[at].rows.name->text;
        progress.feed = run->streams[at].rows.feed ? run->streams[at].rows.feed : "";
        progress.position = run->streams[at].read_at;
        progress.size = run->streams[at].feed_size;
    }
    for (size_t i = 0; i < run->count; i++) {
        const struct stream *stream = &run->streams[i];

        progress.bytes += stream->bytes_before + (stream->read_at - stream->read_from);
        progress.left += stream->left + (stream->feed_size > stream->read_at ? stream->feed_size - stream->read_at : 0);
    }
    progress.read = run->totals->read;
    run->options->progress(run->options->sink, &progress);
}

static void sent_is_sure(struct run *run)
{
    run->sure = run->sent;
    for (size_t i = 0; i < run->count; i++)
        run->streams[i].sure = run->streams[i].sent;
}

/* What was sent before and has come to the store. */
static void sent_settle(struct run *run)
{
    if (run->scrip->commits > run->sent_commits)
        sent_is_sure(run);
}

static int run_send(struct run *run, struct scrip_error *err)
{
    int code;

    for (size_t i = 0; i < run->count; i++)
        cursor_note(&run->streams[i]);
    code = batch_send(run->scrip, err);
    sent_settle(run);
    if (code < 0)
        return code;
    run->sent = *run->totals;
    run->sent_commits = run->scrip->commits;
    for (size_t i = 0; i < run->count; i++)
        run->streams[i].sent = stream_place(&run->streams[i]);
    if (run->scrip->sent == NULL) /* nothing is on its way */
        sent_is_sure(run);
    return SCRIP_OK;
}

static int group_take(struct run *run, struct scrip_error *err)
{
    struct scrip_result result;
    int code = SCRIP_OK;

    if (run->group_count > 1)
        qsort(run->group, run->group_count, sizeof *run->group, by_rank);
    for (size_t i = 0; i < run->group_count && code == SCRIP_OK; i++)
        code = intake_take(run->scrip, run->group[i], run->totals, &result, err);
    if (code < 0)
        return code;
    if (batch_is_full(run->scrip) || (run->is_piped && run->totals->read - run->sent.read >= PIPE_ROWS))
        code = run_send(run, err);
    for (size_t i = 0; i < run->count; i++)
        stream_recycle(&run->streams[i]);
    progress_show(run, 0);
    return code;
}

/* Reads from where the streams stand to their ends. */
static int streams_read(struct run *run, struct scrip_error *err)
{
    int code = SCRIP_OK;

    do {
        if (run->options && run->options->stop && run->options->stop(run->options->sink))
            break;
        code = group_gather(run, err);
        if (code == SCRIP_OK && run->group_count)
            code = group_take(run, err);
    } while (code == SCRIP_OK && run->group_count);
    for (size_t i = 0; i < run->count; i++)
        cursor_note(&run->streams[i]);
    if (code < 0)
        batch_drop(run->scrip); /* a group may be half taken: the next run reads it again */
    else
        code = batch_finish(run->scrip, err);
    sent_settle(run);
    return code;
}

/* What was read from a pipe cannot be read again. */
static void pipes_find(struct run *run)
{
    for (size_t i = 0; i < run->count; i++)
        for (size_t feed = 0; feed < run->streams[i].rows.feed_count; feed++)
            if (strcmp(run->streams[i].rows.feeds[feed], "-") == 0)
                run->is_piped = run->streams[i].is_piped = 1;
}

/* Where another writer was first, what was not committed is taken again. */
static int run_streams(struct run *run, struct scrip_error *err)
{
    uint64_t commits = run->scrip->commits, before;
    int code;

    pipes_find(run);
    for (size_t i = 0; i < run->count; i++)
        stream_note(&run->streams[i]);
    run->sent_commits = commits;
    run->sure = run->sent = *run->totals;
    for (int attempt = 0;; attempt++) {
        before = run->scrip->commits;
        code = streams_read(run, err);
        if (run->scrip->commits > before)
            attempt = 0;
        if (code == SCRIP_OK || !host_again(run->scrip, code, attempt, err))
            break;
        for (size_t i = 0; i < run->count; i++)
            stream_rewind(&run->streams[i]);
        follow_forget(run->scrip->follow);
        *run->totals = run->sent = run->sure;
        run->sent_commits = run->scrip->commits;
        run->shown = 0;
    }
    if (code < 0)
        follow_forget(run->scrip->follow);
    for (size_t i = 0; i < run->count && code == SCRIP_OK; i++)
        stream_settle(&run->streams[i]);
    progress_show(run, 1);
    run->totals->commits += run->scrip->commits - commits;
    return code;
}

/* ---- runs ----------------------------------------------------------------------------------------------------- */

static int run_end(struct run *run, int code)
{
    for (size_t i = 0; i < run->count; i++)
        stream_free(&run->streams[i]);
    free(run->streams);
    free(run->group);
    return code;
}

static int stream_name(struct stream *stream, struct scrip_error *err)
{
    struct instance *source = stream->rows.source;
    int code;

    error_clear(&source->error);
    source->call = stream;
    code = source->plugin->api.source.feeds(&source->ctx, &stream->rows);
    source->call = NULL;
    return code < 0 ? source_fault(source, code, err) : SCRIP_OK;
}

/* The stream's feeds go on being written. Where they cannot even be named, they are tried again by the next run. */
static int stream_follow(struct stream *stream, int64_t settle_us, int code, struct scrip_error *err)
{
    struct scrip *scrip = stream->rows.scrip;

    if (scrip->follow == NULL)
        scrip->follow = follow_open();
    follow_settle(scrip->follow, settle_us);
    stream->follow = scrip->follow;
    if (code == SCRIP_ENOMEM)
        return code;
    follow_note(scrip->follow, stream->rows.name->text, "", &(struct follow_sight){ 0 }, 0,
                code < 0 ? err->message : NULL);
    return SCRIP_OK;
}

/* Reads all configured sources, or only those that come before every named file. */
static int run_sources(struct scrip *scrip, const struct scrip_run_options *options, int only_always,
                       struct scrip_totals *totals, struct scrip_error *err)
{
    struct run run = { .scrip = scrip, .options = options, .totals = totals };
    int code = SCRIP_OK, is_again = scrip->follow != NULL;

    run.streams = memory_get((scrip->source_count + 1) * sizeof *run.streams);
    for (size_t i = 0; i < scrip->source_count && code == SCRIP_OK; i++) {
        struct instance *source = scrip->sources[i];
        struct stream *stream = &run.streams[run.count];

        if (source->plugin->api.source.feeds == NULL || (only_always && !instance_option(source, "always")->number))
            continue;
        stream_start(stream, scrip, source, run.count++);
        stream->grows = options != NULL && options->settle_us > 0 ? 1 + is_again : 0;
        code = stream_name(stream, err);
        if (options != NULL && options->settle_us > 0)
            code = stream_follow(stream, options->settle_us, code, err);
        stream_measure(stream);
    }
    if (code == SCRIP_OK)
        code = run_streams(&run, err);
    return run_end(&run, code);
}

int scrip_run(struct scrip *scrip, const struct scrip_run_options *options, struct scrip_totals *totals,
              struct scrip_error *err)
{
    int code = host_writes(scrip, err);

    memset(totals, 0, sizeof *totals);
    return code < 0 ? code : run_sources(scrip, options, 0, totals, err);
}

/* A file's one name, by which its cursor is known. What is in an archive is ARCHIVE/MEMBER: of the archive's name. NULL:
 * there is none, as of standard input. */
static char *file_name(const char *file)
{
    char *path = realpath(file, NULL), *archive, *slash, *name;

    if (path != NULL || errno != ENOTDIR || strcmp(file, "-") == 0)
        return path;
    archive = memory_text(file);
    while (path == NULL && errno == ENOTDIR && (slash = strrchr(archive, '/')) != NULL) {
        *slash = 0;
        path = realpath(archive, NULL);
    }
    name = path ? memory_print("%s%s", path, file + strlen(archive)) : NULL;
    free(archive);
    free(path);
    return name;
}

int scrip_ingest(struct scrip *scrip, const char *file, const char *source, const struct scrip_run_options *options,
                 struct scrip_totals *totals, struct scrip_error *err)
{
    struct run run = { .scrip = scrip, .options = options, .totals = totals };
    struct scrip_totals before = { 0 };
    struct instance *found = NULL;
    char *path = file_name(file);
    int code = host_writes(scrip, err);

    memset(totals, 0, sizeof *totals);
    if (code == SCRIP_OK)
        code = source_named(scrip, source, file, &found, err);
    if (code == SCRIP_OK)
        code = run_sources(scrip, options, 1, &before, err);
    if (code == SCRIP_OK) {
        run.streams = memory_get(sizeof *run.streams);
        stream_start(&run.streams[0], scrip, found, run.count++);
        intake_feed_add(&found->ctx, &run.streams[0].rows, path ? path : file);
        stream_measure(&run.streams[0]);
        code = run_end(&run, run_streams(&run, err));
    }
    free(path);
    return code;
}
