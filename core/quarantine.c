/* quarantine.c - out of quarantine: rows that are tried again, and rows that are dropped.
 *
 *   feed still there: read again by its source, as it is configured now -> the rows that wait in quarantine
 *   else:             as it was read: its fields, or a native event's bytes
 *
 * So a mended map, a mended profile or a mended rate sheet is all that it takes.
 */
#include "intake.h"

#include "hash.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

struct kept {
    struct scrip_quarantine_row row;
    int is_done; /* read again */
};

struct keeping {
    struct scrip *scrip;
    struct arena arena;
    const char *key; /* NULL: all */
    struct kept *rows;
    size_t count, room;
};

static int row_keep(void *sink, const void *found)
{
    struct keeping *keeping = sink;
    const struct scrip_quarantine_row *row = found;
    struct kept *kept;
    char hex[33];

    hash_hex(row->key, sizeof row->key, hex);
    if (keeping->key != NULL && strncmp(hex, keeping->key, strlen(keeping->key)) != 0)
        return SCRIP_OK;
    ARRAY_ROOM(keeping->rows, keeping->count, keeping->room);
    kept = &keeping->rows[keeping->count++];
    kept->row = *row;
    kept->row.feed = arena_text(&keeping->arena, row->feed, strlen(row->feed));
    kept->row.bytes = arena_text(&keeping->arena, row->bytes, row->size);
    kept->row.event = arena_text(&keeping->arena, row->event, row->event_size);
    kept->row.reason_class = strcmp(row->reason_class, REASON_NATIVE) == 0 ? REASON_NATIVE : "";
    kept->is_done = 0;
    return SCRIP_OK;
}

static int rows_keep(struct scrip *scrip, const char *key, struct keeping *keeping, struct scrip_error *err)
{
    struct scrip_scan scan = { .table = SCRIP_TABLE_QUARANTINE,
                               .from_period = INT64_MIN,
                               .to_period = INT64_MAX,
                               .row = row_keep,
                               .sink = keeping };
    int code = host_writes(scrip, err);

    memset(keeping, 0, sizeof *keeping);
    keeping->scrip = scrip;
    keeping->key = key;
    if (key != NULL && strlen(key) < 4)
        code = error_set(err, SCRIP_EINVALID, "quarantine: key '%s': give at least its first 4 characters, as listed",
                         key);
    if (code == SCRIP_OK)
        code = host_scan(scrip, &scan, err);
    if (code == SCRIP_OK && key != NULL && keeping->count == 0)
        code = error_set(err, SCRIP_ENOTFOUND, "quarantine: nothing there with key '%s'", key);
    return code;
}

static void row_settle(struct scrip *scrip, const struct scrip_quarantine_row *row)
{
    struct batch *batch = scrip->open;

    ARRAY_ROOM(batch->settled, batch->settled_count, batch->settled_room);
    batch->settled[batch->settled_count++] = *row;
}

/* What became of one that was tried again. What still fails stays where it is. */
static void retry_settle(struct scrip *scrip, const struct scrip_quarantine_row *row, const struct scrip_result *result)
{
    const struct batch *batch = scrip->open;
    int waits = result->outcome == SCRIP_QUARANTINED && !result->was_duplicate;

    /* Understood otherwise than before, and yet not taken: it goes on under its new key and reason. */
    if (!waits || (batch->quarantine_count &&
                   memcmp(batch->quarantine[batch->quarantine_count - 1].key, row->key, sizeof row->key) != 0))
        row_settle(scrip, row);
}

/* ---- as they were read ---------------------------------------------------------------------------------------- */

static int row_retry(struct scrip *scrip, const struct scrip_quarantine_row *row, struct scrip_totals *totals,
                     struct scrip_error *err)
{
    struct origin origin = { row->source, row->feed, row->line, row->bytes, row->size, NULL, 0, 0 };
    struct scrip_field fields[EVENT_FIELD_LIMIT];
    struct scrip_result result = { 0 };
    struct scrip_error why;
    size_t count = 0;
    int code;

    arena_reset(&scrip->arena);
    totals->read++;
    if (row->event_size)
        code = event_fields_from_flat(row->event, row->event_size, fields, &count, &scrip->arena, &why);
    else if (strcmp(row->reason_class, REASON_NATIVE) == 0)
        code = event_fields_from_json(row->bytes, row->size, fields, &count, &scrip->arena, &why);
    else
        code = SCRIP_EINVALID; /* not even its source could read it, and its feed is gone */
    if (code == SCRIP_OK) {
        origin.fields = fields;
        origin.field_count = count;
        code = fields_take(scrip, fields, count, &origin, &result, &why);
        if (host_is_store_fault(scrip, code)) {
            *err = why;
            return code;
        }
    }
    if (code < 0) {
        totals->outcome[SCRIP_QUARANTINED]++;
        return SCRIP_OK;
    }
    totals->outcome[result.was_duplicate ? SCRIP_DUPLICATE : result.outcome]++;
    retry_settle(scrip, row, &result);
    return SCRIP_OK;
}

/* ---- by their source ------------------------------------------------------------------------------------------- */

static int by_place(const void *left, const void *right)
{
    const struct scrip_quarantine_row *a = &((const struct kept *)left)->row, *b = &((const struct kept *)right)->row;
    int order = strcmp(a->source->text, b->source->text);

    if (order == 0)
        order = strcmp(a->feed, b->feed);
    return order ? order : (a->line > b->line) - (a->line < b->line);
}

static int is_same_feed(const struct kept *a, const struct kept *b)
{
    return a->row.source == b->row.source && strcmp(a->row.feed, b->row.feed) == 0;
}

static struct instance *source_of(struct scrip *scrip, const struct kept *kept)
{
    for (size_t i = 0; i < scrip->source_count; i++)
        if (strcmp(scrip->sources[i]->ctx.instance, kept->row.source->text) == 0)
            return scrip->sources[i];
    return NULL;
}

/* A file, or what is said to be in one. */
static int is_there(const char *feed)
{
    return feed[0] == '/' && (access(feed, R_OK) == 0 || errno == ENOTDIR);
}

/* The row that waits: the same bytes in the same line of the feed. Lines ascend on both sides; *at goes along. */
static struct kept *kept_find(struct kept *rows, size_t count, size_t *at, const struct intake *intake)
{
    while (*at < count && rows[*at].row.line < intake->origin.line)
        ++*at;
    for (size_t i = *at; i < count && rows[i].row.line == intake->origin.line; i++)
        if (!rows[i].is_done && rows[i].row.size == intake->origin.size &&
            memcmp(rows[i].row.bytes, intake->origin.bytes, intake->origin.size) == 0)
            return &rows[i];
    return NULL;
}

static int stream_retry(struct scrip *scrip, struct stream *stream, struct kept *rows, size_t count,
                        struct scrip_totals *totals, struct scrip_error *err)
{
    struct intake *intake;
    size_t at = 0;
    int code;

    while ((code = stream_peek(stream, &intake, err)) == SCRIP_OK && intake != NULL && at < count) {
        struct kept *kept = kept_find(rows, count, &at, intake);
        struct scrip_result result = { .outcome = SCRIP_FILTERED };

        if (kept != NULL) {
            if ((code = intake_take(scrip, intake, totals, &result, err)) < 0)
                return code;
            kept->is_done = 1;
            retry_settle(scrip, &kept->row, &result);
            if (batch_is_full(scrip) && (code = batch_send(scrip, err)) < 0)
                return code;
        }
        stream->head->taken++;
        stream_recycle(stream);
    }
    return code;
}

/* Reads a feed again, for all of its rows that wait. Where that cannot be, they are tried as they were read. */
static int feed_retry(struct scrip *scrip, struct kept *rows, size_t count, struct scrip_totals *totals,
                      struct scrip_error *err)
{
    struct instance *source = source_of(scrip, rows);
    struct stream stream;
    int code;

    if (source == NULL || !is_there(rows->row.feed))
        return SCRIP_OK;
    stream_start(&stream, scrip, source, 0);
    stream.is_again = 1;
    intake_feed_add(&source->ctx, &stream.rows, rows->row.feed);
    code = stream_retry(scrip, &stream, rows, count, totals, err);
    stream_free(&stream);
    if (code == SCRIP_OK || !stream.is_broken)
        return code;
    fprintf(stderr, "scrip: %s: its rows in quarantine are tried as they were read\n", err->message);
    return SCRIP_OK;
}

static int all_retry(struct scrip *scrip, const char *key, struct scrip_totals *totals, struct scrip_error *err)
{
    struct keeping keeping;
    int code = rows_keep(scrip, key, &keeping, err);
    size_t first = 0;

    memset(totals, 0, sizeof *totals);
    if (keeping.count)
        qsort(keeping.rows, keeping.count, sizeof *keeping.rows, by_place);
    for (size_t i = 1; i <= keeping.count && code == SCRIP_OK; i++) {
        if (i < keeping.count && is_same_feed(&keeping.rows[first], &keeping.rows[i]))
            continue;
        code = feed_retry(scrip, &keeping.rows[first], i - first, totals, err);
        first = i;
    }
    for (size_t i = 0; i < keeping.count && code == SCRIP_OK; i++)
        if (!keeping.rows[i].is_done && (code = row_retry(scrip, &keeping.rows[i].row, totals, err)) == SCRIP_OK &&
            batch_is_full(scrip))
            code = batch_send(scrip, err);
    if (code == SCRIP_OK)
        code = batch_finish(scrip, err);
    arena_free(&keeping.arena);
    free(keeping.rows);
    return code;
}

/* Where another writer was first, what is in quarantine is read anew: that one may have taken some of it. */
int scrip_quarantine_retry(struct scrip *scrip, const char *key, struct scrip_totals *totals, struct scrip_error *err)
{
    for (int attempt = 0;; attempt++) {
        int code = all_retry(scrip, key, totals, err);

        if (code == SCRIP_OK || !host_again(scrip, code, attempt, err))
            return code;
    }
}

int scrip_quarantine_drop(struct scrip *scrip, const char *key, struct scrip_error *err)
{
    struct keeping keeping;
    int code = rows_keep(scrip, key, &keeping, err);

    if (code == SCRIP_OK && keeping.count > 1)
        code = error_set(err, SCRIP_EINVALID, "quarantine: key '%s' fits several: give more of it", key);
    if (code == SCRIP_OK) {
        row_settle(scrip, &keeping.rows[0].row);
        code = batch_finish(scrip, err);
    }
    arena_free(&keeping.arena);
    free(keeping.rows);
    return code;
}
