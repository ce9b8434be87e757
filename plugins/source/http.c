/* http.c - the source `http`: rows that a service answers over the net, page by page, at once or after a while.
 *
 * What a question yields is fetched whole (http_fetch.h) and then read like a file: rows of JSON by json_cells.h, CSV
 * by the reader of the source `csv`.
 *
 * A cursor stands at a window's begin (http_window.h); with resume = yes it counts rows, and the next run goes on
 * behind them.
 *
 * scrip-needs: libcurl libcurl4-openssl-dev
 * scrip-needs: yajl libyajl-dev
 */
#include <scrip/plugin.h>

#include "csv_read.h"
#include "http_fetch.h"
#include "http_window.h"
#include "json_cells.h"

struct http {
    struct fetch fetch;
    struct csv_reader reader;
    struct json_cells cells;
    struct window window;
    struct scrip_cursor from; /* where the feed was opened */
    uint64_t line;            /* of the row at hand */
    int is_counted;           /* resume = yes: positions are counts of rows */
    int is_filled;            /* the window's rows are being read */
    int is_done;
};

static const struct scrip_option options[] = {
    FETCH_OPTIONS,
    WINDOW_OPTIONS,
    { "resume", SCRIP_OPTION_BOOL, "no", NULL, 0,
      "yes: rows only ever come behind the others, and it goes on behind the last known" },
    CSV_MAP_OPTIONS,
    CSV_TEXT_OPTIONS,
    SCRIP_OPTIONS_END,
};

/* ---- the section ------------------------------------------------------------------------------------------ */

/* What stands in some text of the section. */
static int is_placed(struct scrip_ctx *ctx, enum text_value value)
{
    static const char *const keys[] = { "url", "page_url", "submit" };
    const struct http *self = ctx->self;
    int found = 0;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        found |= text_has(ctx->host->option_text(ctx, keys[i]), value);
    for (size_t i = 0; i < BODY_COUNT; i++)
        found |= self->fetch.bodies[i] != NULL && text_has(self->fetch.bodies[i], value);
    return found;
}

static int is_time_placed(struct scrip_ctx *ctx)
{
    return is_placed(ctx, TEXT_FROM) || is_placed(ctx, TEXT_FROM_DATE) || is_placed(ctx, TEXT_FROM_UNIX);
}

static int addresses_check(struct scrip_ctx *ctx)
{
    static const char *const keys[] = { "url", "page_url", "submit" };
    const struct scrip_host *host = ctx->host;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *found = text_unknown(host->option_text(ctx, keys[i]));
        char *origin;
        int code;

        if (found != NULL)
            return scrip_fail(ctx, SCRIP_EINVALID,
                              "%s: %s: '%.*s}' is no place: want {from.date}, {to.date}, {ticket}, {token}, "
                              "{offset}, {page}, {limit} ...",
                              host->option_where(ctx, keys[i]), keys[i], (int)strcspn(found, "}"), found);
        if (!host->option_given(ctx, keys[i]))
            continue;
        origin = call_origin(host->option_text(ctx, keys[i]));
        code = call_address_check(ctx, keys[i], origin);
        free(origin);
        if (code < 0)
            return code;
    }
    return SCRIP_OK;
}

static int wanted_fault(struct scrip_ctx *ctx, const char *key, const char *wanted)
{
    return scrip_fail(ctx, SCRIP_EINVALID, "%s: %s = %s: %s", ctx->host->option_where(ctx, key), key,
                      ctx->host->option_text(ctx, key), wanted);
}

static int pages_check(struct scrip_ctx *ctx, const struct http *self)
{
    const struct scrip_host *host = ctx->host;
    enum fetch_page page = self->fetch.page;

    if (page == PAGE_OFFSET && !is_placed(ctx, TEXT_OFFSET))
        return wanted_fault(ctx, "page", "want {offset} in url or body");
    if (page == PAGE_NUMBER && !is_placed(ctx, TEXT_PAGE))
        return wanted_fault(ctx, "page", "want {page} in url or body");
    if (page == PAGE_TOKEN && (!is_placed(ctx, TEXT_TOKEN) || !host->option_given(ctx, "next")))
        return wanted_fault(ctx, "page", "want {token} in page_url or page_body, and next = the member that holds it");
    if (page != PAGE_NONE && host->option_given(ctx, "download"))
        return wanted_fault(ctx, "page", "what is behind a `download` comes at once: leave one of both out");
    if (host->option_int(ctx, "limit") < 1 || host->option_int(ctx, "first") < 0 ||
        host->option_int(ctx, "retries") < 0)
        return scrip_fail(ctx, SCRIP_EINVALID, "limit, first, retries: want limit = 1 or more, the others 0 or more");
    if (self->fetch.is_csv && page != PAGE_NONE && page != PAGE_LINK && page != PAGE_NUMBER)
        return wanted_fault(ctx, "page", "of CSV want none, link (by the header Link) or number");
    if (self->fetch.is_csv && !host->option_given(ctx, "download") &&
        (host->option_given(ctx, "next") || host->option_given(ctx, "total") || host->option_given(ctx, "status")))
        return wanted_fault(ctx, "format", "an answer of CSV has no members: leave out next, total and status");
    if (self->is_counted && ((page != PAGE_OFFSET && page != PAGE_NUMBER) || self->fetch.is_csv))
        return wanted_fault(ctx, "resume", "want page = offset or number, of JSON");
    if (self->is_counted && (host->option_given(ctx, "from") || self->reader.make.map.identity == CSV_ID_ROW))
        return wanted_fault(ctx, "resume", "want map.id or identity = COLUMNS, and no `from`");
    return SCRIP_OK;
}

static int queries_check(struct scrip_ctx *ctx)
{
    const struct scrip_host *host = ctx->host;

    if (host->option_given(ctx, "submit") != host->option_given(ctx, "ticket") ||
        host->option_given(ctx, "submit") != is_placed(ctx, TEXT_TICKET))
        return scrip_fail(ctx, SCRIP_EINVALID, "submit: it, ticket = MEMBER and {ticket} in url go together");
    if (host->option_given(ctx, "status") != (host->option_item(ctx, "ready", 0) != NULL) ||
        (!host->option_given(ctx, "status") && host->option_item(ctx, "pending", 0) != NULL))
        return scrip_fail(ctx, SCRIP_EINVALID, "status: it and ready = TEXT, TEXT go together");
    if (host->option_given(ctx, "window") && !is_time_placed(ctx))
        return wanted_fault(ctx, "window", "want {from.date}, {from} or {from.unix} in url or body");
    if (!host->option_given(ctx, "from") && is_time_placed(ctx))
        return scrip_fail(ctx, SCRIP_EINVALID, "from: missing: it gives {from} and its like");
    return SCRIP_OK;
}

static int http_open(struct scrip_ctx *ctx)
{
    struct http *self = calloc(1, sizeof *self);
    int code;

    ctx->self = self;
    if (self == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "http: no memory");
    self->is_counted = (int)ctx->host->option_int(ctx, "resume");
    if ((code = csv_reader_open(&self->reader, ctx)) < 0 ||
        (code = json_cells_open(&self->cells, &self->reader.make)) < 0 || (code = addresses_check(ctx)) < 0 ||
        (code = fetch_open(&self->fetch, ctx)) < 0 || (code = window_check(ctx, self->reader.make.map.zone)) < 0 ||
        (code = pages_check(ctx, self)) < 0)
        return code;
    return queries_check(ctx);
}

static void http_close(struct scrip_ctx *ctx)
{
    struct http *self = ctx->self;

    if (self != NULL) {
        fetch_close(&self->fetch);
        csv_reader_close(&self->reader);
        json_cells_close(&self->cells);
    }
    free(self);
    ctx->self = NULL;
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

static void feed_name(struct scrip_ctx *ctx, char out[SCRIP_NAME_SIZE + 8])
{
    snprintf(out, SCRIP_NAME_SIZE + 8, "http:%s", ctx->instance);
}

static int http_feeds(struct scrip_ctx *ctx, struct scrip_rows *out)
{
    char name[SCRIP_NAME_SIZE + 8];

    feed_name(ctx, name);
    return ctx->host->feed_add(ctx, out, name);
}

static int http_feed_open(struct scrip_ctx *ctx, const char *name, const struct scrip_cursor *from)
{
    struct http *self = ctx->self;
    char own[SCRIP_NAME_SIZE + 8];

    feed_name(ctx, own);
    if (strcmp(name, own) != 0)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: is a file: this source reads from the net, by `scrip run`", name);
    self->from = *from;
    self->is_filled = 0;
    self->is_done = !window_begin(&self->window, ctx, self->reader.make.map.zone, from);
    return SCRIP_OK;
}

/* The rows that were fetched become the reader's feed. */
static int rows_begin(struct scrip_ctx *ctx)
{
    struct http *self = ctx->self;
    char name[SCRIP_NAME_SIZE + 8];
    int fd = dup(fileno(self->fetch.rows));

    feed_name(ctx, name);
    if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0)
        return scrip_fail(ctx, SCRIP_EIO, "http: temporary file: %s", strerror(errno));
    self->line = 0;
    return feed_begin(&self->reader.feed, ctx, name, fd);
}

/* Where it goes on behind known rows, the last of them was fetched, too. 1: it is the one that the cursor knows. */
static int known_check(struct scrip_ctx *ctx)
{
    struct http *self = ctx->self;
    struct scrip_row row;
    int code = feed_line(&self->reader.feed, &row);

    if (code < 0)
        return code;
    self->line = self->from.position;
    if (code > 0 && row.size == self->from.tail_size && ctx->host->hash(row.bytes, row.size) == self->from.tail_hash)
        return 1;
    ctx->host->log(ctx, "%s: changed since it was last read: it is read from its start again", self->reader.feed.name);
    return 0;
}

/* Fetches the window at hand. */
static int window_fill(struct scrip_ctx *ctx)
{
    struct http *self = ctx->self;
    int is_behind = self->is_counted && self->from.position > 0, code;

    for (int i = TEXT_FROM; self->window.is_on && i <= TEXT_TO_UNIX; i++)
        self->fetch.values[i] = self->window.texts[i];
    if ((code = fetch_all(&self->fetch, is_behind ? self->from.position - 1 : 0)) < 0 || (code = rows_begin(ctx)) < 0)
        return code;
    if (is_behind && (code = known_check(ctx)) == 0) {
        if ((code = fetch_all(&self->fetch, 0)) == SCRIP_OK)
            code = rows_begin(ctx);
    }
    return code < 0 ? code : SCRIP_OK;
}

static int window_open(struct scrip_ctx *ctx)
{
    struct http *self = ctx->self;
    struct csv_maker *make = &self->reader.make;
    struct scrip_cursor start = { 0 };
    int code = window_fill(ctx);

    if (code < 0)
        return code;
    self->is_filled = 1;
    if (self->fetch.is_csv) {
        code = csv_reader_begin(&self->reader, &start);
    } else {
        csv_maker_stop(make);
        make->header = self->fetch.header;
        if (ctx->host->option_given(ctx, "columns") && self->fetch.row_count)
            code = csv_columns_find(&make->map, &make->header, self->reader.feed.name);
        if (ctx->host->option_given(ctx, "columns"))
            json_cells_table(&self->cells);
        else
            json_cells_objects(&self->cells);
        csv_maker_start(make, self->reader.feed.name, 1);
    }
    make->position = self->window.is_on ? (uint64_t)(self->window.begin_us / SCRIP_SECOND) : 1;
    return code;
}

/* 1: a row; 0: the window's end. */
static int json_row_read(struct scrip_ctx *ctx, struct scrip_rows *out)
{
    struct http *self = ctx->self;
    struct csv_maker *make = &self->reader.make;
    struct scrip_row row = { .time_us = SCRIP_TIME_NONE, .end_us = SCRIP_TIME_NONE };
    enum csv_fate fate;
    int code = feed_line(&self->reader.feed, &row);

    if (code <= 0)
        return code;
    row.line = ++self->line;
    if (self->is_counted)
        make->position = self->line;
    if (code == 2)
        snprintf(make->reason, sizeof make->reason, "row %llu: longer than %d bytes", (unsigned long long)row.line,
                 SCRIP_ROW_SIZE);
    else
        json_cells_read(&self->cells, row.bytes, row.size);
    if ((fate = csv_row_make(make, &row, row.size)) == CSV_FAILED)
        return SCRIP_ELIMIT;
    code = csv_row_give(make, out, &row, fate);
    return code < 0 ? code : 1;
}

static int rows_read(struct scrip_ctx *ctx, struct scrip_rows *out, uint64_t limit)
{
    struct http *self = ctx->self;
    int code = 1;

    if (self->fetch.is_csv)
        return csv_reader_read(&self->reader, out, limit);
    for (uint64_t n = 0; n < limit && code == 1; n++)
        code = json_row_read(ctx, out);
    return code;
}

static int http_read(struct scrip_ctx *ctx, struct scrip_rows *out, uint64_t limit)
{
    struct http *self = ctx->self;
    int code;

    if (self->is_done)
        return 0;
    if (!self->is_filled && (code = window_open(ctx)) < 0)
        return code;
    if ((code = rows_read(ctx, out, limit)) != 0)
        return code;
    self->is_filled = 0;
    self->is_done = !window_go(&self->window, self->window.index + 1);
    return !self->is_done;
}

static void http_feed_close(struct scrip_ctx *ctx)
{
    csv_reader_stop(&((struct http *)ctx->self)->reader);
}

SCRIP_SOURCE_PLUGIN("http", "rows that a service answers over the net, in pages or later", .options = options,
                    .open = http_open, .close = http_close, .feeds = http_feeds, .feed_open = http_feed_open,
                    .read = http_read, .feed_close = http_feed_close);
