/* sheet.h - rate sheets: what the plugins `ratesheet` and `daily` read their prices from.
 *
 * A CSV file with a header: product, from, to, rate, per, currency, unit, label, in any order; product, rate and currency
 * must be there. A row holds in [from, to); an empty end is open. Of the rows that cover a time the one with the latest `from`
 * counts, and of equal ones the later line. The product `*` stands for any that the sheet does not name.
 */
#ifndef SCRIP_SHEET_H
#define SCRIP_SHEET_H

#include <scrip/plugin.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHEET_COLUMNS 8
#define SHEET_FIELD_SIZE 256
#define SHEET_SIZE (64 * 1024 * 1024)

struct sheet_row {
    char *product, *currency, *unit, *label;
    int64_t from_us, to_us;
    struct scrip_decimal rate, per;
    uint64_t line;
};

struct sheet {
    struct sheet_row *rows; /* by product, then currency, then from descending, then line descending */
    size_t count, room;
};

enum sheet_column { SHEET_PRODUCT, SHEET_FROM, SHEET_TO, SHEET_RATE, SHEET_PER, SHEET_CURRENCY, SHEET_UNIT, SHEET_LABEL };

struct sheet_reading {
    struct scrip_ctx *ctx;
    struct sheet *sheet;
    const char *path, *name, *at, *end;
    uint64_t line;
    int places[SHEET_COLUMNS]; /* which field of a row each column is; -1: absent */
    char fields[SHEET_COLUMNS * 2][SHEET_FIELD_SIZE];
    int field_count;
};

static const char *const sheet_columns[] = { "product", "from", "to", "rate", "per", "currency", "unit", "label" };

static int sheet_fault(struct sheet_reading *r, const char *what, const char *found)
{
    return scrip_fail(r->ctx, SCRIP_EINVALID, "%s:%llu: %s (found '%.60s')", r->path, (unsigned long long)r->line, what,
                      found);
}

/* One field, perhaps quoted; stands behind it afterwards. */
static int sheet_field(struct sheet_reading *r, char *out)
{
    size_t n = 0;
    int is_quoted = r->at < r->end && *r->at == '"';

    for (r->at += is_quoted; r->at < r->end; r->at++) {
        if (is_quoted && *r->at == '"') {
            if (r->at + 1 >= r->end || r->at[1] != '"') {
                r->at++;
                is_quoted = 0;
                break;
            }
            r->at++;
        } else if (!is_quoted && (*r->at == ',' || *r->at == '\n' || *r->at == '\r'))
            break;
        if (n + 1 >= SHEET_FIELD_SIZE || *r->at == 0)
            return sheet_fault(r, "a field longer than 255 bytes, or with a NUL: shorten it", "");
        out[n++] = *r->at;
    }
    out[n] = 0;
    if (is_quoted)
        return sheet_fault(r, "a quote that is never closed", out);
    return SCRIP_OK;
}

/* One line into fields: 1, 0 at the end, or the fault. */
static int sheet_line(struct sheet_reading *r)
{
    r->field_count = 0;
    if (r->at >= r->end)
        return 0;
    r->line++;
    for (;;) {
        if (r->field_count == SHEET_COLUMNS * 2)
            return sheet_fault(r, "more than 16 columns", "");
        if (sheet_field(r, r->fields[r->field_count++]) < 0)
            return SCRIP_EINVALID;
        if (r->at < r->end && *r->at == ',') {
            r->at++;
            continue;
        }
        if (r->at < r->end && *r->at == '\r')
            r->at++;
        if (r->at < r->end && *r->at++ != '\n')
            return sheet_fault(r, "text behind a closing quote", r->fields[r->field_count - 1]);
        return 1;
    }
}

static int sheet_header(struct sheet_reading *r)
{
    int code;

    if (r->end - r->at >= 3 && memcmp(r->at, "\xef\xbb\xbf", 3) == 0)
        r->at += 3;
    if ((code = sheet_line(r)) <= 0)
        return code < 0 ? code : sheet_fault(r, "empty: want a header: product,from,to,rate,per,currency", "");
    for (int c = 0; c < SHEET_COLUMNS; c++)
        r->places[c] = -1;
    for (int f = 0; f < r->field_count; f++) {
        int c = 0;

        while (c < SHEET_COLUMNS && strcmp(sheet_columns[c], r->fields[f]) != 0)
            c++;
        if (c < SHEET_COLUMNS && r->places[c] >= 0)
            return sheet_fault(r, "a column given twice", r->fields[f]);
        if (c < SHEET_COLUMNS)
            r->places[c] = f;
        else if (r->fields[f][0])
            return sheet_fault(r, "an unknown column: want product, from, to, rate, per, currency, unit, label",
                               r->fields[f]);
    }
    if (r->places[SHEET_PRODUCT] < 0 || r->places[SHEET_RATE] < 0 || r->places[SHEET_CURRENCY] < 0)
        return sheet_fault(r, "a column is missing: product, rate and currency must be there", r->fields[0]);
    return SCRIP_OK;
}

static const char *sheet_text(struct sheet_reading *r, enum sheet_column column)
{
    int place = r->places[column];

    return place >= 0 && place < r->field_count ? r->fields[place] : "";
}

static char *sheet_copy(const char *text)
{
    char *copy = malloc(strlen(text) + 1);

    return copy ? strcpy(copy, text) : NULL;
}

static int sheet_time(struct sheet_reading *r, enum sheet_column column, int64_t open, int64_t *out)
{
    const char *text = sheet_text(r, column);

    *out = open;
    if (text[0] == 0)
        return SCRIP_OK;
    if (r->ctx->host->time_parse(text, strlen(text), NULL, "", out) < 0)
        return sheet_fault(r, "from or to: want a date such as 2022-03-29, or nothing", text);
    return SCRIP_OK;
}

static int sheet_decimal(struct sheet_reading *r, enum sheet_column column, struct scrip_decimal *out)
{
    const char *text = sheet_text(r, column);

    if (r->ctx->host->decimal_parse(text, strlen(text), out) < 0)
        return sheet_fault(r, column == SHEET_RATE ? "rate: want a decimal number" : "per: want a decimal number", text);
    return SCRIP_OK;
}

static int sheet_row_read(struct sheet_reading *r)
{
    const struct scrip_host *host = r->ctx->host;
    struct sheet *sheet = r->sheet;
    struct sheet_row *row;
    char label[SHEET_FIELD_SIZE * 2], rate[48];

    if (sheet->count == sheet->room) {
        size_t room = sheet->room ? sheet->room * 2 : 64;
        struct sheet_row *rows = realloc(sheet->rows, room * sizeof *rows);

        if (rows == NULL)
            return scrip_fail(r->ctx, SCRIP_ENOMEM, "%s: no memory for its rows", r->path);
        sheet->rows = rows;
        sheet->room = room;
    }
    row = &sheet->rows[sheet->count++];
    memset(row, 0, sizeof *row);
    row->line = r->line;
    row->per.whole = 1;
    if (sheet_text(r, SHEET_PRODUCT)[0] == 0)
        return sheet_fault(r, "product: missing", "");
    if (host->currency_find(r->ctx, sheet_text(r, SHEET_CURRENCY), NULL) < 0)
        return sheet_fault(r, "currency: not configured: add a section [currency/... CODE]",
                           sheet_text(r, SHEET_CURRENCY));
    if (sheet_time(r, SHEET_FROM, INT64_MIN, &row->from_us) < 0 || sheet_time(r, SHEET_TO, INT64_MAX, &row->to_us) < 0 ||
        sheet_decimal(r, SHEET_RATE, &row->rate) < 0 ||
        (sheet_text(r, SHEET_PER)[0] && sheet_decimal(r, SHEET_PER, &row->per) < 0))
        return SCRIP_EINVALID;
    if (row->rate.whole < 0)
        return sheet_fault(r, "rate: want 0 or more", sheet_text(r, SHEET_RATE));
    if (row->per.whole < 0 || (row->per.whole == 0 && row->per.atto == 0))
        return sheet_fault(r, "per: want a number above 0", sheet_text(r, SHEET_PER));
    if (row->from_us >= row->to_us)
        return sheet_fault(r, "to: must be after from", sheet_text(r, SHEET_TO));
    host->decimal_write(&row->rate, rate, sizeof rate);
    snprintf(label, sizeof label, "%s:%llu %s%s%s", r->name, (unsigned long long)r->line, sheet_text(r, SHEET_PRODUCT),
             sheet_text(r, SHEET_LABEL)[0] ? " " : "", sheet_text(r, SHEET_LABEL));
    label[250] = 0;
    row->product = sheet_copy(sheet_text(r, SHEET_PRODUCT));
    row->currency = sheet_copy(sheet_text(r, SHEET_CURRENCY));
    row->unit = sheet_copy(sheet_text(r, SHEET_UNIT));
    row->label = sheet_copy(label);
    return row->product && row->currency && row->unit && row->label
               ? SCRIP_OK
               : scrip_fail(r->ctx, SCRIP_ENOMEM, "%s: no memory for its rows", r->path);
}

static int sheet_order(const void *left, const void *right)
{
    const struct sheet_row *a = left, *b = right;
    int order = strcmp(a->product, b->product);

    if (order == 0)
        order = strcmp(a->currency, b->currency);
    if (order != 0)
        return order;
    if (a->from_us != b->from_us)
        return a->from_us > b->from_us ? -1 : 1;
    return a->line > b->line ? -1 : 1;
}

static char *sheet_bytes(struct scrip_ctx *ctx, const char *path, size_t *size)
{
    FILE *in = fopen(path, "rb");
    char *bytes = NULL;
    long length;

    if (in == NULL) {
        scrip_fail(ctx, SCRIP_EIO, "sheet %s: %s", path, strerror(errno));
        return NULL;
    }
    if (fseek(in, 0, SEEK_END) == 0 && (length = ftell(in)) >= 0 && length <= SHEET_SIZE && fseek(in, 0, SEEK_SET) == 0 &&
        (bytes = malloc((size_t)length + 1)) != NULL)
        *size = fread(bytes, 1, (size_t)length, in);
    else
        scrip_fail(ctx, SCRIP_ELIMIT, "sheet %s: not a file of at most 64 MiB", path);
    fclose(in);
    return bytes;
}

static void sheet_free(struct sheet *sheet)
{
    for (size_t i = 0; i < sheet->count; i++) {
        free(sheet->rows[i].product);
        free(sheet->rows[i].currency);
        free(sheet->rows[i].unit);
        free(sheet->rows[i].label);
    }
    free(sheet->rows);
}

/* Reads the sheet at the option `sheet`; its bytes go into the digest of the instance's prices. */
static int sheet_read(struct scrip_ctx *ctx, struct sheet *sheet)
{
    const char *path = ctx->host->option_text(ctx, "sheet"), *slash = strrchr(path, '/');
    struct sheet_reading *r = calloc(1, sizeof *r);
    size_t size = 0;
    char *bytes = r ? sheet_bytes(ctx, path, &size) : NULL;
    int code = SCRIP_EIO;

    if (bytes != NULL) {
        ctx->host->digest_add(ctx, bytes, size);
        r->ctx = ctx;
        r->sheet = sheet;
        r->path = path;
        r->name = slash ? slash + 1 : path;
        r->at = bytes;
        r->end = bytes + size;
        for (code = sheet_header(r); code >= 0 && (code = sheet_line(r)) > 0;)
            if (r->field_count > 1 || r->fields[0][0])
                code = sheet_row_read(r);
        if (code == SCRIP_OK && sheet->count)
            qsort(sheet->rows, sheet->count, sizeof *sheet->rows, sheet_order);
    }
    free(bytes);
    free(r);
    return code;
}

/* The first row of a product, or NULL. */
static const struct sheet_row *sheet_product(const struct sheet *sheet, const char *product)
{
    size_t low = 0, high = sheet->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (strcmp(sheet->rows[middle].product, product) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < sheet->count && strcmp(sheet->rows[low].product, product) == 0 ? &sheet->rows[low] : NULL;
}

/* The row of a product and currency that counts at a time, or NULL. first: sheet_product's answer. */
static const struct sheet_row *sheet_find(const struct sheet *sheet, const struct sheet_row *first, const char *currency,
                                          const char *unit, int64_t time_us)
{
    const struct sheet_row *end = sheet->rows + sheet->count;

    for (const struct sheet_row *row = first; row < end && strcmp(row->product, first->product) == 0; row++)
        if ((currency == NULL || strcmp(row->currency, currency) == 0) && row->from_us <= time_us &&
            time_us < row->to_us && (row->unit[0] == 0 || strcmp(row->unit, unit) == 0))
            return row;
    return NULL;
}

/* Adds the line of each currency that has a row at the time, in the order of the option `currencies`: alternatives of one
 * group where it names several. Returns how many, or the fault. */
static int sheet_quote(struct scrip_ctx *ctx, const struct sheet *sheet, const struct scrip_event *event,
                       int64_t time_us, const struct scrip_decimal *quantity, uint64_t group, struct scrip_quote *out)
{
    const struct sheet_row *first = sheet_product(sheet, event->product), *row;
    int has_currencies = ctx->host->option_given(ctx, "currencies"), count = 0, code;

    if (first == NULL)
        first = sheet_product(sheet, "*");
    for (uint64_t i = 0; first != NULL; i++) {
        const char *currency = has_currencies ? ctx->host->option_item(ctx, "currencies", i) : NULL;
        struct scrip_line line;

        if ((has_currencies && currency == NULL) || (!has_currencies && i > 0))
            break;
        if ((row = sheet_find(sheet, first, currency, event->unit, time_us)) == NULL)
            continue;
        line.time_us = time_us;
        line.currency = row->currency;
        line.quantity = *quantity;
        line.rate = row->rate;
        line.per = row->per;
        line.label = row->label;
        line.group = has_currencies ? group : 0;
        if ((code = ctx->host->line_add(ctx, out, &line)) < 0)
            return code;
        count++;
    }
    return count;
}

/* Says that the sheet has the product, and yet no price for it then: what an event in quarantine is waiting for. */
static int sheet_missing(struct scrip_ctx *ctx, const struct scrip_event *event, int64_t time_us)
{
    char when[40];

    ctx->host->time_write(time_us, when, sizeof when);
    return scrip_fail(ctx, SCRIP_ENOTFOUND,
                      "product '%s': the sheet has it, but no row%s%s%s at %s: add one, then scrip quarantine retry",
                      event->product, event->unit[0] ? " for unit '" : "", event->unit, event->unit[0] ? "'" : "", when);
}

/* 1: the sheet has a row for the product, at whatever date. */
static int sheet_knows(const struct sheet *sheet, const char *product)
{
    return sheet_product(sheet, product) != NULL || sheet_product(sheet, "*") != NULL;
}

/* Opens an instance whose self is a sheet, or begins with one: `size` bytes, zeroed. */
static int sheet_open(struct scrip_ctx *ctx, size_t size)
{
    const char *currency;

    ctx->self = calloc(1, size);
    if (ctx->self == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "no memory for the sheet");
    for (uint64_t i = 0; (currency = ctx->host->option_item(ctx, "currencies", i)) != NULL; i++)
        if (ctx->host->currency_find(ctx, currency, NULL) < 0)
            return scrip_fail(ctx, SCRIP_EINVALID, "%s: currencies: '%s' is not configured: add a section [currency/... %s]",
                              ctx->host->option_where(ctx, "currencies"), currency, currency);
    return sheet_read(ctx, ctx->self);
}

static void sheet_close(struct scrip_ctx *ctx)
{
    if (ctx->self != NULL)
        sheet_free(ctx->self);
    free(ctx->self);
    ctx->self = NULL;
}

#define SHEET_OPTIONS                                                                                         \
    { "sheet", SCRIP_OPTION_PATH, NULL, NULL, 1, "CSV file: product, from, to, rate, per, currency, unit, label" }, \
    {                                                                                                         \
        "currencies", SCRIP_OPTION_LIST, NULL, NULL, 0, "currencies that may pay, tried in this order; absent: the row's" \
    }

#endif
