/* check_source.c - reads a source as the host does, and writes down what it gives. */
#include "check_source.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define EMPTY_LIMIT 1000 /* reads in succession that give nothing and say that there is more */

/* ---- what a source calls -------------------------------------------------------------------------------------- */

static struct reading *reading_of(struct scrip_ctx *ctx)
{
    return (struct reading *)ctx->host;
}

static int on_feed_add(struct scrip_ctx *ctx, struct scrip_rows *out, const char *feed)
{
    struct reading *r = reading_of(ctx);

    (void)out;
    if (!r->is_naming)
        check_break(r->check, "during feeds", "feed_add was called outside of feeds");
    ARRAY_ROOM(r->feeds, r->feed_count, r->feed_room);
    r->feeds[r->feed_count++] = memory_text(feed);
    return SCRIP_OK;
}

static void fields_judge(struct reading *r, const struct scrip_row *row)
{
    for (uint64_t i = 0; i < row->field_count; i++) {
        const struct scrip_field *field = &row->fields[i];
        int is_family = field->key == SCRIP_F_ATTRIBUTE || field->key == SCRIP_F_LABEL || field->key == SCRIP_F_SHARE ||
                        field->key == SCRIP_F_SCOPE_ATTRIBUTE || field->key == SCRIP_F_LINE;

        if (field->key >= SCRIP_FIELD_COUNT)
            check_break(r->check, "Every field that an event may carry, by its name in the native format",
                        "line %" PRIu64 ": field %" PRIu64 ": there is none of that number", row->line, field->key);
        else if (is_family && (field->name == NULL || field->name[0] == 0))
            check_break(r->check, "are families: their row field carries NAME.",
                        "line %" PRIu64 ": field %" PRIu64 " has no name", row->line, field->key);
    }
}

static void row_judge(struct reading *r, const struct scrip_row *row)
{
    if (row->bytes == NULL || row->line == 0 || row->position == 0 || row->position < r->position)
        check_break(r->check, "Positions are above 0 and never fall from row to row",
                    "line %" PRIu64 ": a row of %" PRIu64 " bytes that ends at %" PRIu64
                    ", behind one that ends at %" PRIu64,
                    row->line, row->size, row->position, r->position);
    else if ((row->time_us != SCRIP_TIME_NONE && (row->time_us < SCRIP_TIME_MIN || row->time_us >= SCRIP_TIME_MAX)) ||
             (row->end_us != SCRIP_TIME_NONE && (row->end_us < SCRIP_TIME_MIN || row->end_us >= SCRIP_TIME_MAX)))
        check_break(r->check, "Times are microseconds since 1970-01-01T00:00:00Z (`_us`), years 1900 to 9999;",
                    "line %" PRIu64 ": its time is outside of them", row->line);
}

static int row_take(struct scrip_ctx *ctx, const struct scrip_row *row, const char *kind)
{
    struct reading *r = reading_of(ctx);
    uint64_t size = row->size > SCRIP_ROW_SIZE ? SCRIP_ROW_SIZE : row->size;
    struct scrip_cursor *cursor;

    if (!r->is_reading || ++r->added > r->limit) {
        check_break(r->check, AT_MOST, "more than %" PRIu64 " rows", r->is_reading ? r->limit : 0);
        return scrip_fail(ctx, SCRIP_ELIMIT, "source: more rows than asked for");
    }
    if (r->is_judged)
        row_judge(r, row);
    if (check_is_broken(r->check))
        return scrip_fail(ctx, SCRIP_EINVALID, "the suite has seen enough");
    if (r->rows.count == r->mark_room) {
        r->mark_room = r->mark_room * 2 + 64;
        r->marks = memory_grow(r->marks, r->mark_room * sizeof *r->marks);
    }
    cursor = &r->marks[r->rows.count];
    *cursor = (struct scrip_cursor){ row->position, row->line, size, ctx->host->hash(row->bytes, size) };
    for (uint64_t i = 0; i < size; i++)
        cursor->line += row->bytes[i] == '\n';
    r->position = row->position;
    answers_add(&r->rows, "%s at %" PRIu64 " line %" PRIu64 " ", kind, row->position, row->line);
    answers_add_bytes(&r->rows, row->bytes, size);
    return SCRIP_OK;
}

static int on_row_add(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row)
{
    struct reading *r = reading_of(ctx);
    int code = row_take(ctx, row, "row");

    (void)out;
    if (code < 0)
        return code;
    if (r->is_judged)
        fields_judge(r, row);
    answers_add(&r->rows, " time %" PRId64 " %" PRId64, row->time_us, row->end_us);
    for (uint64_t i = 0; i < row->field_count; i++) {
        answers_add(&r->rows, " %" PRIu64 " %s=", row->fields[i].key, row->fields[i].name ? row->fields[i].name : "");
        answers_add_bytes(&r->rows, row->fields[i].text, row->fields[i].size);
    }
    answers_end(&r->rows);
    return SCRIP_OK;
}

static int on_row_skip(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row)
{
    int code = row_take(ctx, row, "skipped");

    (void)out;
    if (code == SCRIP_OK)
        answers_end(&reading_of(ctx)->rows);
    return code;
}

static int on_row_json(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row)
{
    int code = row_take(ctx, row, "json");

    (void)out;
    if (code == SCRIP_OK)
        answers_end(&reading_of(ctx)->rows);
    return code;
}

static int on_row_bad(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row, const char *format,
                      ...) __attribute__((format(printf, 4, 5)));
static int on_row_bad(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row, const char *format,
                      ...)
{
    int code = row_take(ctx, row, "bad");
    char reason[SCRIP_MESSAGE_SIZE];
    va_list list;

    (void)out;
    if (code < 0)
        return code;
    va_start(list, format);
    vsnprintf(reason, sizeof reason, format, list);
    va_end(list);
    answers_add(&reading_of(ctx)->rows, " %s", reason);
    answers_end(&reading_of(ctx)->rows);
    if (reason[0] == 0)
        check_break(reading_of(ctx)->check, "to quarantine, with the reason", "line %" PRIu64 ": it has none",
                    row->line);
    return SCRIP_OK;
}

/* What it says of the feeds that the suite made is no news to anybody. */
static void on_log(struct scrip_ctx *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void on_log(struct scrip_ctx *ctx, const char *format, ...)
{
    (void)ctx;
    (void)format;
}

static int on_feed_grows(struct scrip_ctx *ctx)
{
    return reading_of(ctx)->grows;
}

static void on_feed_size(struct scrip_ctx *ctx, uint64_t size)
{
    (void)ctx;
    (void)size;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

const struct scrip_source *source_api(const struct reading *r)
{
    return r->instance.api;
}

int reading_open(struct reading *r, struct check *check, struct check_host *host)
{
    memset(r, 0, sizeof *r);
    r->host = *check_services();
    r->host.log = on_log;
    r->host.feed_add = on_feed_add;
    r->host.row_add = on_row_add;
    r->host.row_skip = on_row_skip;
    r->host.row_bad = on_row_bad;
    r->host.row_json = on_row_json;
    r->host.feed_grows = on_feed_grows;
    r->host.feed_size = on_feed_size;
    r->check = check;
    return check_open_on(host, &r->host, &r->instance);
}

void reading_close(struct reading *r)
{
    check_close(&r->instance);
    answers_free(&r->rows);
    free(r->marks);
    for (size_t i = 0; i < r->feed_count; i++)
        free(r->feeds[i]);
    free(r->feeds);
    memset(r, 0, sizeof *r);
}

/* Its name and its cursor are lent for the call. */
int reading_begin(struct reading *r, const char *feed, const struct scrip_cursor *from)
{
    struct lent lent = lent_open(lent_room(strlen(feed) + 1) + lent_room(sizeof *from));
    const char *name = lent_text(&lent, feed);
    const struct scrip_cursor *cursor = lent_copy(&lent, from, sizeof *from);
    char what[320];
    int code;

    lent_ready(&lent);
    answers_clear(&r->rows);
    r->position = 0;
    check_hush(&r->instance);
    code = source_api(r)->feed_open(r->instance.ctx, name, cursor);
    snprintf(what, sizeof what, "%.200s: feed_open", feed);
    if (lent_close(&lent))
        check_break(r->check, CLAUSE_LENT, "%s: its name or cursor was changed", what);
    code_check(r->check, &r->instance, code, SCRIP_OK, what);
    return code;
}

/* One call of read: 1: there is more. */
int reading_read(struct reading *r, const char *feed, uint64_t limit)
{
    char what[320];
    int code;

    r->added = 0;
    r->limit = limit;
    r->is_reading = 1;
    check_hush(&r->instance);
    code = source_api(r)->read(r->instance.ctx, (struct scrip_rows *)(void *)r, limit);
    r->is_reading = 0;
    snprintf(what, sizeof what, "%.200s: read", feed);
    code_check(r->check, &r->instance, code, 1, what);
    return code;
}

/* Reads a feed from a cursor to its end, or until it has so many rows. The code of what failed, or 0. */
int reading_take(struct reading *r, const char *feed, const struct scrip_cursor *from, uint64_t limit, size_t until)
{
    int code = reading_begin(r, feed, from), more = code == SCRIP_OK, empty = 0;

    while (more == 1 && !check_is_broken(r->check) && r->rows.count < until && r->rows.count < ROW_LIMIT) {
        more = reading_read(r, feed, limit);
        code = more < 0 ? more : SCRIP_OK;
        empty = r->added ? 0 : empty + 1;
        if (empty > EMPTY_LIMIT) {
            check_break(r->check, AT_MOST, "%.200s: %d reads gave nothing, and each said that there is more", feed,
                        EMPTY_LIMIT);
            more = 0;
        }
    }
    source_api(r)->feed_close(r->instance.ctx);
    return code;
}

/* As the host does at the end of a run that went well. */
void reading_settle(struct reading *r, const char *feed, const struct scrip_cursor *cursor)
{
    struct lent lent = lent_open(lent_room(strlen(feed) + 1) + lent_room(sizeof *cursor));
    const char *name = lent_text(&lent, feed);
    const struct scrip_cursor *at = lent_copy(&lent, cursor, sizeof *cursor);

    lent_ready(&lent);
    source_api(r)->settled(r->instance.ctx, name, at);
    if (lent_close(&lent))
        check_break(r->check, CLAUSE_LENT, "%.200s: settled: its name or cursor was changed", feed);
}

void reading_feeds(struct reading *r)
{
    int code;

    r->is_naming = 1;
    check_hush(&r->instance);
    code = source_api(r)->feeds(r->instance.ctx, (struct scrip_rows *)(void *)r);
    r->is_naming = 0;
    if (!code_check(r->check, &r->instance, code, SCRIP_OK, "feeds") && code < 0)
        check_stop(r->check, "feeds: %s", check_said(&r->instance));
}
