/* stream.c - a source's feeds, one after the other, as blocks of rows. */
#include "intake.h"

#include "hash.h"

#include <stdio.h>
#include <sys/stat.h>

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

int source_fault(struct instance *source, int code, struct scrip_error *err)
{
    return error_set(err, code < 0 ? code : SCRIP_EIO, "source %s: %s", source->ctx.instance,
                     source->error.message[0] ? source->error.message : "it failed without a word");
}

/* What a source may ask or tell about the feed that it has at hand. */
int intake_feed_grows(struct scrip_ctx *ctx)
{
    const struct stream *stream = ((struct instance *)ctx->host_private)->call;

    return stream != NULL ? stream->grows : 0;
}

void intake_feed_size(struct scrip_ctx *ctx, uint64_t size)
{
    struct stream *stream = ((struct instance *)ctx->host_private)->call;

    if (stream != NULL)
        stream->feed_size = size;
}

static int cursor_get(struct stream *stream, struct scrip_error *err)
{
    struct instance *reader = stream->rows.scrip->reader;
    int code;

    memset(&stream->cursor, 0, sizeof stream->cursor);
    if (stream->is_again)
        return SCRIP_OK;
    error_clear(&reader->error);
    code = store_of(reader)->cursor_find(&reader->ctx, stream->rows.name->text, stream->rows.feed, &stream->cursor);
    return code < 0 && code != SCRIP_ENOTFOUND ? error_set(err, code, "store: %s", reader->error.message) : SCRIP_OK;
}

static void feed_shut(struct stream *stream)
{
    struct instance *reader = stream->reader;

    reader->plugin->api.source.feed_close(&reader->ctx);
    reader->call = NULL;
    stream->is_open = 0;
}

static uint64_t file_size(const char *feed)
{
    struct stat info;

    return stat(feed, &info) == 0 && S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
}

static int feed_open(struct stream *stream, struct scrip_error *err)
{
    struct scrip_rows *rows = &stream->rows;
    uint64_t size = file_size(rows->feed);
    int code;

    stream->feed_size = size;
    stream->left -= size < stream->left ? size : stream->left;
    stream->is_told = 0;
    if ((code = source_pick(rows->source, rows->feed, &stream->reader, err)) < 0)
        return code;
    stream->reader->call = stream;
    error_clear(&stream->reader->error);
    code = stream->reader->plugin->api.source.feed_open(&stream->reader->ctx, rows->feed, &stream->cursor);
    if (code < 0) {
        feed_shut(stream);
        return source_fault(stream->reader, code, err);
    }
    stream->is_open = 1;
    stream->read_from = stream->read_at = stream->cursor.position;
    return SCRIP_OK;
}

/* Where the stream stands goes into the batch with the rows before it. */
void cursor_note(struct stream *stream)
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
    for (size_t i = 0; stream->noted != NULL && i < stream->rows.feed_count; i++)
        if (stream->rows.feeds[i] == tail->feed)
            stream->noted[i] = (struct feed_noted){ stream->reader, *cursor };
}

void stream_note(struct stream *stream)
{
    if (stream->rows.source->plugin->api.source.settled != NULL)
        stream->noted = memory_get((stream->rows.feed_count + 1) * sizeof *stream->noted);
}

void stream_settle(struct stream *stream)
{
    for (size_t i = 0; stream->noted != NULL && i < stream->rows.feed_count; i++) {
        const struct feed_noted *noted = &stream->noted[i];

        if (noted->reader != NULL)
            noted->reader->plugin->api.source.settled(&noted->reader->ctx, stream->rows.feeds[i], &noted->cursor);
    }
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

/* Which profile was found to fit, once there is something to read by it. */
static void profile_tell(struct stream *stream)
{
    if (stream->rows.source->profile_count && !stream->is_told)
        fprintf(stderr, "scrip: %s: %s: is read by profile %s\n", stream->reader->ctx.instance, stream->rows.feed,
                stream->reader->profile);
    stream->is_told = 1;
}

/* The feed at hand ends here: at its end, or where it cannot be read. */
static void feed_leave(struct stream *stream, const struct scrip_error *why)
{
    if (stream->is_open)
        feed_shut(stream);
    if (stream->follow != NULL)
        follow_note(stream->follow, stream->rows.name->text, stream->rows.feed, &stream->seen, !stream->grows,
                    why ? why->message : NULL);
    stream->bytes_before += stream->read_at - stream->read_from;
    stream->read_at = stream->read_from = stream->feed_size = 0;
    stream->feed_at++;
}

/* While feeds are followed, one that cannot be read keeps nobody from the others. */
static int feed_fail(struct stream *stream, int code, struct scrip_error *err)
{
    stream->is_broken = 1;
    if (stream->follow == NULL || code == SCRIP_ENOMEM)
        return code;
    feed_leave(stream, err);
    return SCRIP_OK;
}

/* The next feed that is to be read, opened; none: the stream is done. */
static int feed_next(struct stream *stream, struct scrip_error *err)
{
    struct scrip_rows *rows = &stream->rows;
    int code;

    cursor_note(stream); /* of the feed before: all of its rows were handed out */
    if (stream->feed_at == rows->feed_count) {
        stream->is_done = 1;
        return SCRIP_OK;
    }
    rows->feed = rows->feeds[stream->feed_at];
    stream->grows = 0;
    if (stream->follow != NULL &&
        !follow_look(stream->follow, rows->name->text, rows->feed, &stream->seen, &stream->grows)) {
        stream->feed_at++;
        return SCRIP_OK;
    }
    if ((code = cursor_get(stream, err)) < 0)
        return code;
    code = feed_open(stream, err);
    return code < 0 ? feed_fail(stream, code, err) : SCRIP_OK;
}

/* Reads the next rows of the stream, over as many feeds as it takes. Leaves head NULL at the end. */
static int stream_fill(struct stream *stream, struct scrip_error *err)
{
    struct scrip_rows *rows = &stream->rows;
    int code;

    while (!stream->is_done) {
        int more;

        if (!stream->is_open) {
            if ((code = feed_next(stream, err)) < 0)
                return code;
            continue;
        }
        rows->block = block_get(stream);
        error_clear(&stream->reader->error);
        more = stream->reader->plugin->api.source.read(&stream->reader->ctx, rows, BLOCK_ROWS);
        if (rows->block->count > 0) {
            stream->read_at = rows->block->rows[rows->block->count - 1].position;
            profile_tell(stream);
        }
        if (more < 0 && (code = feed_fail(stream, source_fault(stream->reader, more, err), err)) < 0)
            return code;
        if (more == 0)
            feed_leave(stream, NULL);
        if (rows->block->count > 0) {
            stream->head = rows->block;
            return SCRIP_OK;
        }
    }
    stream->head = NULL;
    return SCRIP_OK;
}

/* The next row that was not taken, or NULL at the end. */
int stream_peek(struct stream *stream, struct intake **out, struct scrip_error *err)
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

void stream_start(struct stream *stream, struct scrip *scrip, struct instance *source, size_t index)
{
    memset(stream, 0, sizeof *stream);
    stream->rows.scrip = scrip;
    stream->rows.source = source;
    stream->rows.name = names_add(scrip->names, source->ctx.instance, strlen(source->ctx.instance));
    stream->rows.stream = index;
}

void stream_measure(struct stream *stream)
{
    stream->left = 0;
    for (size_t i = 0; i < stream->rows.feed_count; i++)
        stream->left += file_size(stream->rows.feeds[i]);
}

struct row_place stream_place(const struct stream *stream)
{
    struct block *at = stream->head ? stream->head : stream->last;

    return (struct row_place){ at, at ? at->taken : 0 };
}

/* Back to the first row that is not committed. */
static void stream_take_again(struct stream *stream)
{
    struct row_place from = stream->sent = stream->sure;

    stream->head = from.block ? from.block : stream->first;
    for (struct block *block = stream->head; block != NULL; block = block->next)
        block->taken = block == from.block ? from.taken : 0;
    stream->tail = NULL;
    stream->tail_block = NULL;
    stream->is_moved = 0;
}

/* Back to where the store says that the feeds stand. */
void stream_rewind(struct stream *stream)
{
    if (stream->is_piped) {
        stream_take_again(stream);
        return;
    }
    if (stream->is_open)
        feed_shut(stream);
    if (stream->last != NULL) {
        stream->last->next = stream->spare;
        stream->spare = stream->first;
    }
    stream->first = stream->last = stream->head = NULL;
    stream->tail = NULL;
    stream->tail_block = NULL;
    stream->feed_at = 0;
    stream->is_open = stream->is_done = stream->is_moved = 0;
    stream->bytes_before = stream->read_at = stream->read_from = stream->feed_size = 0;
    stream_measure(stream);
}

/* Blocks before the head were taken and are no longer needed; of a pipe, those before what is committed. */
void stream_recycle(struct stream *stream)
{
    if (stream->is_piped && stream->sure.block == NULL)
        return;
    while (!(stream->is_piped && stream->first == stream->sure.block) && stream->first != NULL && stream->first != stream->head && stream->first->taken == stream->first->count &&
           !(stream->is_moved && stream->first == stream->tail_block)) {
        struct block *block = stream->first;

        stream->first = block->next;
        if (stream->first == NULL)
            stream->last = NULL;
        block->next = stream->spare;
        stream->spare = block;
    }
}

void stream_free(struct stream *stream)
{
    if (stream->is_open)
        feed_shut(stream);
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
    free(stream->noted);
}
