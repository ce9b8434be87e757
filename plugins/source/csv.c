/* csv.c - the source `csv`: rows of CSV files into events, as the section's map says.
 * scrip-needs: zlib zlib1g-dev
 * scrip-needs: libzip libzip-dev
 *
 *   row_find: the next row's cells -> row_make: filters, fields, id -> row_give: to the host
 *
 * A row that cannot be taken apart goes to quarantine as the line that it begins with, and reading goes on with the
 * line behind it: a stray quote costs its line, not the rest of the file.
 *
 * Equal rows are told apart by their ordinals among those before them. So where reading goes on in the middle of a feed
 * whose ids come from rows, the part before is read too, quietly.
 */
#include <scrip/plugin.h>

#include "csv_find.h"
#include "csv_head.h"
#include "csv_make.h"
#include "packed.h"

static const struct scrip_option options[] = {
    PACKED_OPTIONS,
    { "map.*", SCRIP_OPTION_TEXT, NULL, NULL, 0,
      "map.FIELD = COLUMN, COLUMN: the first that the header has; a last `?`: may be missing" },
    { "const.*", SCRIP_OPTION_TEXT, NULL, NULL, 0, "const.FIELD = TEXT: the same in every row" },
    { "type", SCRIP_OPTION_NAME, "scrip.usage", NULL, 0, "event type of rows where no column gives it" },
    { "type.map.*", SCRIP_OPTION_TEXT, NULL, NULL, 0,
      "type.map.TEXT = TYPE: event type of rows with this text in the column of map.type" },
    { "delimiter", SCRIP_OPTION_CHOICE, "auto", "auto,comma,semicolon,tab,bar", 0,
      "what stands between cells; auto: what a first line sep=; says, or that under which the header has the columns" },
    { "header", SCRIP_OPTION_LIST, NULL, NULL, 0, "names of the columns, for files without a header" },
    { "decimal", SCRIP_OPTION_CHOICE, "point", "point,comma", 0, "decimal mark of numbers" },
    { "amounts", SCRIP_OPTION_CHOICE, "strict", "strict,loose", 0,
      "loose: takes $1,234.50 and (12.00) too" },
    { "sign", SCRIP_OPTION_CHOICE, "keep", "keep,flip", 0,
      "flip: `amount` with the other sign, but for a scrip.usage: what a feed gives as consumed, as an adjustment" },
    { "time", SCRIP_OPTION_TEXT, NULL, NULL, 0,
      "pattern of times such as %d.%m.%Y %H:%M; absent: RFC 3339 or a date" },
    { "zone", SCRIP_OPTION_ZONE, "UTC", NULL, 0, "zone of times that name none" },
    { "list", SCRIP_OPTION_CHOICE, "semicolon", "semicolon,comma,bar", 0,
      "what stands between names in a cell of a scope" },
    { "identity", SCRIP_OPTION_LIST, NULL, NULL, 0,
      "columns that make a row's id, A|B: the first that the header has; or `row`; absent: map.id, else `row`" },
    { "filter.*", SCRIP_OPTION_TEXT, NULL, NULL, 0,
      "filter.COLUMN = TEXT, TEXT: only rows with one of these; A|B: the first that the header has" },
    { "skip.*", SCRIP_OPTION_TEXT, NULL, NULL, 0, "skip.COLUMN = TEXT, TEXT: no rows with one of these" },
    { "prices", SCRIP_OPTION_PATH, NULL, NULL, 0,
      "a price sheet: what a scrip.grant with product and quantity leaves open (currency, amount, cost, expires, class) "
      "is looked up by its date: product,from,to,least,currency,units,price,price_currency,discount,term,class" },
    SCRIP_OPTIONS_END,
};

/* ---- instances ------------------------------------------------------------------------------ */

static int source_open(struct scrip_ctx *ctx)
{
    struct csv *self = calloc(1, sizeof *self);

    ctx->self = self;
    if (self == NULL || (self->scratch = malloc(SCRATCH_SIZE)) == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "csv: no memory");
    self->ctx = ctx;
    self->feed.packing = &packed_files;
    if (csv_map_read(&self->map, ctx) < 0)
        return SCRIP_EINVALID;
    return price_sheet_read(ctx, &self->prices);
}

static void source_feed_close(struct scrip_ctx *ctx)
{
    struct csv *self = ctx->self;

    feed_stop(&self->feed);
    csv_release(&self->kept);
    free(self->seen.slots);
    memset(&self->seen, 0, sizeof self->seen);
}

static void source_close(struct scrip_ctx *ctx)
{
    struct csv *self = ctx->self;

    if (self == NULL)
        return;
    source_feed_close(ctx);
    feed_free(&self->feed);
    csv_release(&self->map.kept);
    price_sheet_free(&self->prices);
    free(self->scratch);
    free(self);
    ctx->self = NULL;
}

/* ---- rows given ----------------------------------------------------------------------------- */

/* The part before the row at hand is read again, to count in all of it what is equal. */
static int rows_recount(struct csv *self, uint64_t until)
{
    csv_seen_start(&self->seen, 1);
    if (self->quiet_until < until)
        self->quiet_until = until;
    return feed_seek(&self->feed, self->first_position, self->first_line);
}

static int row_give(struct csv *self, struct scrip_rows *out, const struct scrip_row *row, enum row_fate fate)
{
    const struct scrip_host *host = self->ctx->host;

    if (fate == ROW_GOOD)
        return host->row_add(self->ctx, out, row);
    return fate == ROW_FILTERED ? host->row_skip(self->ctx, out, row)
                                : host->row_bad(self->ctx, out, row, "%s", self->reason);
}

static int source_read(struct scrip_ctx *ctx, struct scrip_rows *out, uint64_t limit)
{
    struct csv *self = ctx->self;

    for (uint64_t n = 0; n < limit && !self->is_done;) {
        struct scrip_row row = { .time_us = SCRIP_TIME_NONE, .end_us = SCRIP_TIME_NONE };
        struct csv_shape shape;
        enum row_fate fate;
        int code = row_find(self, &row, &shape);

        if (code <= 0)
            return code;
        fate = row_make(self, &row, &shape);
        if (fate == ROW_FAILED)
            return SCRIP_ELIMIT;
        if (fate == ROW_AGAIN) {
            code = rows_recount(self, self->start);
        } else if (self->start >= self->quiet_until) {
            code = row_give(self, out, &row, fate);
            n++;
        } else if (row.position > self->quiet_until) {
            /* No row ends where the cursor stands: this is another feed than it was. */
            ctx->host->log(ctx, "%s: changed since it was last read: it is read from its start again",
                           self->feed.name);
            self->quiet_until = 0;
            csv_seen_start(&self->seen, 0);
            code = feed_seek(&self->feed, self->first_position, self->first_line);
        }
        if (code < 0)
            return code;
    }
    return !self->is_done;
}

/* ---- feeds ---------------------------------------------------------------------------------- */

static void feed_state_clear(struct csv *self)
{
    csv_release(&self->kept);
    memset(&self->header, 0, sizeof self->header);
    self->quiet_until = 0;
    self->is_done = 0;
    self->id_day = INT64_MIN;
    for (size_t i = 0; i < self->map.field_count; i++)
        self->map.fields[i].last_size = 0;
}

/* On where the cursor says. Ids from rows need the part before, but only where something comes behind it. */
static int cursor_follow(struct csv *self, const struct scrip_cursor *from)
{
    struct scrip_cursor at;
    char byte;
    int64_t more;
    int code = feed_resume(&self->feed, from, self->first_position, &at);

    if (code < 0)
        return code;
    if (code == 0)
        return feed_seek(&self->feed, self->first_position, self->first_line);
    if (self->identity != CSV_ID_ROW)
        return feed_seek(&self->feed, at.position, at.line);
    if ((more = feed_peek(&self->feed, at.position, &byte, 1)) < 0)
        return (int)more;
    self->is_done = more == 0;
    self->quiet_until = at.position;
    return feed_seek(&self->feed, self->first_position, self->first_line);
}

static int source_feed_open(struct scrip_ctx *ctx, const char *name, const struct scrip_cursor *from)
{
    struct csv *self = ctx->self;
    int code;

    feed_state_clear(self);
    if ((code = feed_start(&self->feed, ctx, name)) < 0 || (code = feed_prove(&self->feed)) < 0 ||
        (code = header_read(self)) <= 0 ||
        (code = csv_columns_find(&self->map, &self->header, name)) < 0)
        return code;
    self->first_position = self->feed.position;
    self->first_line = self->feed.line;
    self->identity = self->map.identity;
    if (self->identity == CSV_ID_FIELD && self->map.id_field->column.cell == CSV_NONE)
        self->identity = CSV_ID_ROW;
    for (size_t i = 0; i < self->map.constant_count; i++)
        self->fields[2 + i] = self->map.constants[i];
    csv_seen_start(&self->seen, self->feed.is_stream);
    return from->position == 0 || self->feed.is_stream ? SCRIP_OK : cursor_follow(self, from);
}

/* A source is entered for one thing at a time: no feed is open while files are claimed. */
static int source_claims(struct scrip_ctx *ctx, const char *feed, const char *start, uint64_t start_size)
{
    (void)start, (void)start_size;
    return strcmp(feed, "-") == 0 ? 0 : header_claim(ctx->self, feed);
}

SCRIP_SOURCE_PLUGIN("csv", "rows of CSV files, by a map of columns", .options = options, .open = source_open,
                    .close = source_close, .feeds = packed_list, .claims = source_claims,
                    .feed_open = source_feed_open, .read = source_read, .feed_close = source_feed_close);
