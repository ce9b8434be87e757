/* intake.c - feeds read, merged and taken in.
 *
 * Every source is read block by block; the events at their heads are merged by time, and those of one instant are put
 * in order of (rank, source, id). Where a batch ends and where a run was interrupted make no difference: what comes
 * next follows from the cursors alone, and cursors are committed with the events before them.
 *
 *   stream (a source's feeds, one after the other) -> blocks of rows -> group of one instant -> take_event
 */
#include "hash.h"
#include "host.h"

#include <stdio.h>
#include <sys/stat.h>

/* One row: an event, or why it is none. */
struct intake {
    struct event event;
    struct origin origin;
    uint64_t position;
    char *bad; /* reason class in reason_class; NULL: an event */
    const char *reason_class;
    int is_skipped;
    size_t stream; /* its source's place */
};

/* Rows read at one time, with their memory. */
struct block {
    struct block *next;
    struct arena arena;
    struct intake rows[BLOCK_ROWS];
    size_t count, taken;
};

/* What a source's calls come back to: the feeds that it names, or the block being filled. */
struct scrip_rows {
    struct scrip *scrip;
    struct instance *source;
    const struct scrip_name *name;
    char **feeds;
    size_t feed_count, feed_room;
    struct block *block;
    const char *feed;
    size_t stream;
};

struct stream {
    struct scrip_rows rows;
    size_t feed_at;
    int is_open, is_done;
    struct block *first, *last; /* blocks that hold rows not yet taken, or of the group at hand */
    struct block *head;         /* where the next row is; its `taken` says which */
    struct block *spare;
    struct scrip_cursor cursor; /* after the last row taken */
    const struct intake *tail; /* the last row taken, while is_moved */
    const struct block *tail_block;
    int is_moved;
    uint64_t feed_size;
};

struct run {
    struct scrip *scrip;
    const struct scrip_run_options *options;
    struct scrip_totals *totals;
    struct stream *streams;
    size_t count;
    struct intake **group;
    size_t group_count, group_room;
    uint64_t shown; /* rows at the last call of progress */
    /* Sums of outcomes when the last batch was sent, and of what is known to be committed. */
    struct scrip_totals sent, sure;
    uint64_t sent_commits; /* the host's count when it was sent */
};

/* ---- rows, as sources give them ------------------------------------------------------------------------------- */

int intake_feed_add(struct scrip_ctx *ctx, struct scrip_rows *out, const char *feed)
{
    if (out->feed_count >= 1000000)
        return scrip_fail(ctx, SCRIP_ELIMIT, "files: more than 1000000 feeds");
    ARRAY_ROOM(out->feeds, out->feed_count, out->feed_room);
    out->feeds[out->feed_count++] = memory_text(feed);
    return SCRIP_OK;
}

static struct intake *intake_open(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row)
{
    struct block *block = out->block;
    struct intake *intake;

    if (block == NULL || block->count == BLOCK_ROWS) {
        scrip_fail(ctx, SCRIP_ELIMIT, "source: more rows than asked for");
        return NULL;
    }
    intake = &block->rows[block->count++];
    intake->origin.source = out->name;
    intake->origin.feed = out->feed;
    intake->origin.line = row->line;
    intake->origin.size = row->size > SCRIP_ROW_SIZE ? SCRIP_ROW_SIZE : row->size;
    intake->origin.bytes = arena_text(&block->arena, row->bytes, intake->origin.size);
    intake->origin.fields = NULL;
    intake->origin.field_count = 0;
    intake->position = row->position;
    intake->bad = NULL;
    intake->is_skipped = 0;
    intake->stream = out->stream;
    return intake;
}

static void intake_fault(struct intake *intake, struct arena *arena, const char *reason_class, const char *reason)
{
    intake->reason_class = reason_class;
    intake->bad = arena_text(arena, reason, strlen(reason));
}

/* The fields are kept only for a row that fails: most do not. */
static void fields_keep(struct intake *intake, struct arena *arena, const struct scrip_field *fields, size_t count)
{
    struct scrip_field *kept = arena_get(arena, count * sizeof *kept);

    for (size_t i = 0; i < count; i++) {
        kept[i] = fields[i];
        kept[i].name = fields[i].name ? arena_text(arena, fields[i].name, strlen(fields[i].name)) : "";
        kept[i].text = arena_text(arena, fields[i].text, fields[i].size);
    }
    intake->origin.fields = kept;
    intake->origin.field_count = count;
}

int intake_row_add(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row)
{
    struct intake *intake = intake_open(ctx, out, row);
    struct scrip_error err = { 0 };
    int code;

    if (intake == NULL)
        return SCRIP_ELIMIT;
    code = event_read(&intake->event, row->fields, row->field_count, row->time_us, row->end_us, out->name,
                      out->scrip->names, &out->block->arena, &err);
    if (code < 0) {
        intake_fault(intake, &out->block->arena, code == SCRIP_ELIMIT ? "limit" : "invalid", err.message);
        fields_keep(intake, &out->block->arena, row->fields, row->field_count);
    }
    return SCRIP_OK;
}

int intake_row_skip(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row)
{
    struct intake *intake = intake_open(ctx, out, row);

    if (intake == NULL)
        return SCRIP_ELIMIT;
    intake->is_skipped = 1;
    return SCRIP_OK;
}

int intake_row_bad(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row, const char *format, ...)
{
    struct intake *intake = intake_open(ctx, out, row);
    char reason[SCRIP_MESSAGE_SIZE];
    va_list list;

    if (intake == NULL)
        return SCRIP_ELIMIT;
    va_start(list, format);
    vsnprintf(reason, sizeof reason, format, list);
    text_trim(reason);
    va_end(list);
    intake_fault(intake, &out->block->arena, "unreadable", reason);
    return SCRIP_OK;
}

int intake_row_json(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row)
{
    struct scrip_field fields[EVENT_FIELD_LIMIT];
    struct scrip_error err = { 0 };
    struct scrip_row filled = *row;
    size_t count;
    int code = event_fields_from_json(row->bytes, row->size, fields, &count, &out->block->arena, &err);

    if (code < 0) {
        struct intake *intake = intake_open(ctx, out, row);

        if (intake == NULL)
            return SCRIP_ELIMIT;
        intake_fault(intake, &out->block->arena, REASON_NATIVE, err.message);
        return SCRIP_OK;
    }
    filled.fields = fields;
    filled.field_count = count;
    filled.time_us = filled.end_us = SCRIP_TIME_NONE;
    return intake_row_add(ctx, out, &filled);
}

/* ---- streams -------------------------------------------------------------------------------------------------- */

static int source_fault(struct instance *source, int code, struct scrip_error *err)
{
    return error_set(err, code < 0 ? code : SCRIP_EIO, "source %s: %s", source->ctx.instance,
                     source->error.message[0] ? source->error.message : "it failed without a word");
}

static int feed_open(struct stream *stream, struct scrip_error *err)
{
    struct scrip_rows *rows = &stream->rows;
    struct scrip *scrip = rows->scrip;
    struct instance *source = rows->source;
    struct stat info;
    int code;

    rows->feed = rows->feeds[stream->feed_at];
    memset(&stream->cursor, 0, sizeof stream->cursor);
    code = store_of(scrip->reader)
               ->cursor_find(&scrip->reader->ctx, rows->name->text, rows->feed, &stream->cursor);
    if (code < 0 && code != SCRIP_ENOTFOUND)
        return error_set(err, code, "store: %s", scrip->reader->error.message);
    stream->feed_size = stat(rows->feed, &info) == 0 ? (uint64_t)info.st_size : 0;
    error_clear(&source->error);
    code = source->plugin->api.source.feed_open(&source->ctx, rows->feed, &stream->cursor);
    if (code < 0) {
        source->plugin->api.source.feed_close(&source->ctx);
        return source_fault(source, code, err);
    }
    stream->is_open = 1;
    return SCRIP_OK;
}

/* Where the stream stands goes into the batch with the rows before it. */
static void cursor_note(struct stream *stream)
{
    const struct origin *tail;
    struct scrip_cursor *cursor = &stream->cursor;

    if (!stream->is_moved)
        return;
    stream->is_moved = 0;
    tail = &stream->tail->origin;
    cursor->position = stream->tail->position;
    cursor->line = tail->line;
    for (uint64_t i = 0; i < tail->size; i++)
        cursor->line += tail->bytes[i] == '\n';
    cursor->tail_size = tail->size;
    cursor->tail_hash = hash_short(tail->bytes, tail->size);
    batch_cursor(stream->rows.scrip, stream->rows.name, tail->feed, cursor);
}

static struct block *block_get(struct stream *stream)
{
    struct block *block = stream->spare;

    if (block != NULL)
        stream->spare = block->next;
    else
        block = memory_get(sizeof *block);
    arena_reset(&block->arena);
    block->next = NULL;
    block->count = block->taken = 0;
    *(stream->last ? &stream->last->next : &stream->first) = block;
    stream->last = block;
    return block;
}

/* Reads the next rows of the stream, over as many feeds as it takes. Leaves head NULL at the end. */
static int stream_fill(struct stream *stream, struct scrip_error *err)
{
    struct scrip_rows *rows = &stream->rows;
    struct instance *source = rows->source;
    int more;

    while (!stream->is_done) {
        if (!stream->is_open) {
            int code;

            cursor_note(stream); /* of the feed before: all of its rows were handed out */
            if (stream->feed_at == rows->feed_count) {
                stream->is_done = 1;
                break;
            }
            if ((code = feed_open(stream, err)) < 0)
                return code;
        }
        rows->block = block_get(stream);
        error_clear(&source->error);
        more = source->plugin->api.source.read(&source->ctx, rows, BLOCK_ROWS);
        if (more < 0)
            return source_fault(source, more, err);
        if (more == 0) {
            source->plugin->api.source.feed_close(&source->ctx);
            stream->is_open = 0;
            stream->feed_at++;
        }
        if (rows->block->count > 0) {
            stream->head = rows->block;
            return SCRIP_OK;
        }
    }
    stream->head = NULL;
    return SCRIP_OK;
}

/* The next row that was not taken, or NULL at the end. */
static int stream_peek(struct stream *stream, struct intake **out, struct scrip_error *err)
{
    int code;

    *out = NULL;
    while (stream->head != NULL && stream->head->taken == stream->head->count)
        stream->head = stream->head->next;
    if (stream->head == NULL) {
        if (stream->is_done)
            return SCRIP_OK;
        if ((code = stream_fill(stream, err)) < 0 || stream->head == NULL)
            return code;
    }
    *out = &stream->head->rows[stream->head->taken];
    return SCRIP_OK;
}

/* Back to where the store says that the feeds stand. */
static void stream_rewind(struct stream *stream)
{
    struct instance *source = stream->rows.source;

    if (stream->is_open)
        source->plugin->api.source.feed_close(&source->ctx);
    if (stream->last != NULL) {
        stream->last->next = stream->spare;
        stream->spare = stream->first;
    }
    stream->first = stream->last = stream->head = NULL;
    stream->tail = NULL;
    stream->tail_block = NULL;
    stream->feed_at = 0;
    stream->is_open = stream->is_done = stream->is_moved = 0;
}

/* Blocks before the head were taken and are no longer needed. */
static void stream_recycle(struct stream *stream)
{
    while (stream->first != NULL && stream->first != stream->head && stream->first->taken == stream->first->count &&
           !(stream->is_moved && stream->first == stream->tail_block)) {
        struct block *block = stream->first;

        stream->first = block->next;
        if (stream->first == NULL)
            stream->last = NULL;
        block->next = stream->spare;
        stream->spare = block;
    }
}

static void stream_free(struct stream *stream)
{
    struct instance *source = stream->rows.source;

    if (stream->is_open)
        source->plugin->api.source.feed_close(&source->ctx);
    for (int list = 0; list < 2; list++) {
        struct block *block = list ? stream->spare : stream->first;

        while (block != NULL) {
            struct block *next = block->next;

            arena_free(&block->arena);
            free(block);
            block = next;
        }
    }
    for (size_t i = 0; i < stream->rows.feed_count; i++)
        free(stream->rows.feeds[i]);
    free(stream->rows.feeds);
}

/* ---- groups --------------------------------------------------------------------------------------------------- */

/* A row that is bad or filtered has no event to look at. */
static int is_event(const struct intake *intake)
{
    return intake->bad == NULL && !intake->is_skipped;
}

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

static int intake_take(struct run *run, struct intake *intake, struct scrip_error *err)
{
    struct scrip_totals *totals = run->totals;
    struct scrip_result result;
    int code;

    totals->read++;
    if (intake->is_skipped) {
        totals->outcome[SCRIP_FILTERED]++;
        return SCRIP_OK;
    }
    arena_reset(&run->scrip->arena);
    if (intake->bad)
        code = take_bad(run->scrip, &intake->origin, intake->reason_class, intake->bad, NULL, &result);
    else
        code = take_event(run->scrip, &intake->event, &intake->origin, &result, err);
    if (code < 0)
        return code;
    totals->outcome[result.was_duplicate ? SCRIP_DUPLICATE : result.outcome]++;
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
        progress.position = run->streams[at].cursor.position;
        progress.size = run->streams[at].feed_size;
    }
    progress.read = run->totals->read;
    run->options->progress(run->options->sink, &progress);
}

/* What was sent before and has come to the store. */
static void sent_settle(struct run *run)
{
    if (run->scrip->commits > run->sent_commits)
        run->sure = run->sent;
}

static int run_send(struct run *run, struct scrip_error *err)
{
    int code;

    for (size_t i = 0; i < run->count; i++)
        cursor_note(&run->streams[i]);
    code = batch_send(run->scrip, err);
    sent_settle(run);
    if (code == SCRIP_OK) {
        run->sent = *run->totals;
        run->sent_commits = run->scrip->commits;
        if (run->scrip->sent == NULL)
            run->sure = *run->totals;
    }
    return code;
}

static int group_take(struct run *run, struct scrip_error *err)
{
    int code = SCRIP_OK;

    if (run->group_count > 1)
        qsort(run->group, run->group_count, sizeof *run->group, by_rank);
    for (size_t i = 0; i < run->group_count && code == SCRIP_OK; i++)
        code = intake_take(run, run->group[i], err);
    if (code < 0)
        return code;
    if (batch_is_full(run->scrip))
        code = run_send(run, err);
    for (size_t i = 0; i < run->count; i++)
        stream_recycle(&run->streams[i]);
    progress_show(run, 0);
    return code;
}

/* Reads from where the streams stand to their ends. */
static int streams_read(struct run *run, struct scrip_error *err)
{
    int code;

    do {
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
static int is_piped(const struct run *run)
{
    for (size_t i = 0; i < run->count; i++)
        for (size_t feed = 0; feed < run->streams[i].rows.feed_count; feed++)
            if (strcmp(run->streams[i].rows.feeds[feed], "-") == 0)
                return 1;
    return 0;
}

/* Where another writer was first, what was not committed is read again from where the store says that the feeds stand. */
static int run_streams(struct run *run, struct scrip_error *err)
{
    uint64_t commits = run->scrip->commits, before;
    int code;

    run->sent_commits = commits;
    run->sure = run->sent = *run->totals;
    for (int attempt = 0;; attempt++) {
        before = run->scrip->commits;
        code = streams_read(run, err);
        if (run->scrip->commits > before)
            attempt = 0;
        if (code == SCRIP_OK || is_piped(run) || !host_again(run->scrip, code, attempt, err))
            break;
        for (size_t i = 0; i < run->count; i++)
            stream_rewind(&run->streams[i]);
        *run->totals = run->sent = run->sure;
        run->sent_commits = run->scrip->commits;
        run->shown = 0;
    }
    progress_show(run, 1);
    run->totals->commits += run->scrip->commits - commits;
    return code;
}

/* ---- runs ----------------------------------------------------------------------------------------------------- */

static void stream_start(struct stream *stream, struct scrip *scrip, struct instance *source, size_t index)
{
    memset(stream, 0, sizeof *stream);
    stream->rows.scrip = scrip;
    stream->rows.source = source;
    stream->rows.name = names_add(scrip->names, source->ctx.instance, strlen(source->ctx.instance));
    stream->rows.stream = index;
}

static int run_end(struct run *run, int code)
{
    for (size_t i = 0; i < run->count; i++)
        stream_free(&run->streams[i]);
    free(run->streams);
    free(run->group);
    return code;
}

/* Reads all configured sources, or only those that come before every named file. */
static int run_sources(struct scrip *scrip, const struct scrip_run_options *options, int only_always,
                       struct scrip_totals *totals, struct scrip_error *err)
{
    struct run run = { .scrip = scrip, .options = options, .totals = totals };
    int code = SCRIP_OK;

    run.streams = memory_get((scrip->source_count + 1) * sizeof *run.streams);
    for (size_t i = 0; i < scrip->source_count && code == SCRIP_OK; i++) {
        struct instance *source = scrip->sources[i];
        struct stream *stream = &run.streams[run.count];

        if (source->plugin->api.source.feeds == NULL || (only_always && !instance_option(source, "always")->number))
            continue;
        stream_start(stream, scrip, source, run.count++);
        error_clear(&source->error);
        if ((code = source->plugin->api.source.feeds(&source->ctx, &stream->rows)) < 0)
            code = source_fault(source, code, err);
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

/* The source that knows a file by its name and first bytes. */
static struct instance *claimant_find(struct scrip *scrip, const char *file)
{
    struct instance *found = NULL;
    char start[65536];
    FILE *in = strcmp(file, "-") == 0 ? NULL : fopen(file, "rb");
    size_t size = in ? fread(start, 1, sizeof start, in) : 0;

    if (in != NULL)
        fclose(in);
    for (size_t i = 0; i < scrip->source_count && found == NULL; i++) {
        struct instance *source = scrip->sources[i];

        if (source->plugin->api.source.claims != NULL && size > 0 &&
            source->plugin->api.source.claims(&source->ctx, file, start, size) > 0)
            found = source;
    }
    /* Where only one source could be meant, it is. */
    if (found == NULL)
        for (size_t i = 0, open = 0; i < scrip->source_count; i++)
            if (!instance_option(scrip->sources[i], "always")->number)
                found = open++ ? NULL : scrip->sources[i];
    return found;
}

int scrip_ingest(struct scrip *scrip, const char *file, const char *source, const struct scrip_run_options *options,
                 struct scrip_totals *totals, struct scrip_error *err)
{
    struct run run = { .scrip = scrip, .options = options, .totals = totals };
    struct scrip_totals before = { 0 };
    struct instance *found = NULL;
    char *path = strcmp(file, "-") == 0 ? NULL : realpath(file, NULL);
    int code = host_writes(scrip, err);

    memset(totals, 0, sizeof *totals);
    for (size_t i = 0; i < scrip->source_count && source != NULL; i++)
        if (strcmp(scrip->sources[i]->ctx.instance, source) == 0)
            found = scrip->sources[i];
    if (source == NULL)
        found = claimant_find(scrip, file);
    if (code == SCRIP_OK && found == NULL)
        code = source ? error_set(err, SCRIP_EINVALID, "source '%s': not configured: add a section [source/... %s]",
                                  source, source)
                      : error_set(err, SCRIP_EINVALID, "%s: no configured source knows this file: name one with --as",
                                  file);
    if (code == SCRIP_OK)
        code = run_sources(scrip, options, 1, &before, err);
    if (code == SCRIP_OK) {
        run.streams = memory_get(sizeof *run.streams);
        stream_start(&run.streams[0], scrip, found, run.count++);
        intake_feed_add(&found->ctx, &run.streams[0].rows, path ? path : file);
        code = run_end(&run, run_streams(&run, err));
    }
    free(path);
    return code;
}
