/* price_sheet.h - what lots are sold for: the sheet that turns the article and quantity of an order into a grant.
 *
 * A CSV file with a header, its columns in any order:
 *
 *   product         the article, as orders name it
 *   from, to        orders of [from, to); an empty end is open
 *   least           the row holds from this quantity on; empty: any
 *   currency        what it is a lot of; units: how much of it one article is (1)
 *   price           of one article, in price_currency
 *   discount        percent off the price (0)
 *   term            how long the lot lives from its start: P1Y; empty: as the currency says
 *   class           of the lot; empty: as the currency says
 *
 * product, currency, price and price_currency must be there. Of the rows that cover an order that with the largest
 * `least` counts, then the latest `from`, then the later line.
 */
#ifndef SCRIP_PRICE_SHEET_H
#define SCRIP_PRICE_SHEET_H

#include "../table.h"

struct price_row {
    char *product, *currency, *price_currency, *term, *class_name;
    int64_t from_us, to_us;
    struct scrip_decimal least, units, price, discount;
    uint64_t line;
};

struct price_sheet {
    struct price_row *rows;
    size_t count, room;
    char *name; /* its file's last part; NULL: there is no sheet */
};

enum price_column {
    PRICE_PRODUCT,
    PRICE_FROM,
    PRICE_TO,
    PRICE_LEAST,
    PRICE_CURRENCY,
    PRICE_UNITS,
    PRICE_PRICE,
    PRICE_PRICE_CURRENCY,
    PRICE_DISCOUNT,
    PRICE_TERM,
    PRICE_CLASS
};

static const char *const price_columns[] = { "product", "from",           "to",       "least", "currency", "units",
                                             "price",   "price_currency", "discount", "term",  "class",    NULL };
#define PRICE_MUST "product, currency, price and price_currency"

static inline int price_row_check(struct table *t, const struct price_row *row)
{
    const struct scrip_host *host = t->ctx->host;
    const char *term = table_text(t, PRICE_TERM);
    int64_t end;

    if (table_text(t, PRICE_PRODUCT)[0] == 0)
        return table_fault(t, "product: missing", "");
    if (table_text(t, PRICE_PRICE)[0] == 0)
        return table_fault(t, "price: missing: want a decimal number of 0 or more", "");
    if (table_text(t, PRICE_PRICE_CURRENCY)[0] == 0)
        return table_fault(t, "price_currency: missing: want one such as USD", "");
    if (row->from_us >= row->to_us)
        return table_fault(t, "to: must be after from", table_text(t, PRICE_TO));
    if (row->discount.whole > 100 || (row->discount.whole == 100 && row->discount.atto > 0))
        return table_fault(t, "discount: want percent, 0 to 100", table_text(t, PRICE_DISCOUNT));
    if (term[0] && (host->time_add(0, term, 1, "UTC", &end) < 0 || end <= 0))
        return table_fault(t, "term: want a duration such as P1Y or 30d, or nothing", term);
    return SCRIP_OK;
}

static inline int price_row_read(struct table *t, struct price_sheet *sheet)
{
    struct price_row *row;

    if (table_room(t, &sheet->rows, sizeof *sheet->rows, sheet->count, &sheet->room) < 0)
        return SCRIP_ENOMEM;
    row = &sheet->rows[sheet->count++];
    memset(row, 0, sizeof *row);
    row->line = t->line;
    row->units.whole = 1;
    if (table_currency(t, PRICE_CURRENCY) < 0 || table_time(t, PRICE_FROM, INT64_MIN, &row->from_us) < 0 ||
        table_time(t, PRICE_TO, INT64_MAX, &row->to_us) < 0 || table_decimal(t, PRICE_LEAST, &row->least) < 0 ||
        table_divisor(t, PRICE_UNITS, &row->units) < 0 || table_decimal(t, PRICE_PRICE, &row->price) < 0 ||
        table_decimal(t, PRICE_DISCOUNT, &row->discount) < 0 || price_row_check(t, row) < 0)
        return SCRIP_EINVALID;
    row->product = table_copy(table_text(t, PRICE_PRODUCT));
    row->currency = table_copy(table_text(t, PRICE_CURRENCY));
    row->price_currency = table_copy(table_text(t, PRICE_PRICE_CURRENCY));
    row->term = table_copy(table_text(t, PRICE_TERM));
    row->class_name = table_copy(table_text(t, PRICE_CLASS));
    return row->product && row->currency && row->price_currency && row->term && row->class_name
               ? SCRIP_OK
               : scrip_fail(t->ctx, SCRIP_ENOMEM, "%s: no memory for its rows", t->path);
}

static inline void price_sheet_free(struct price_sheet *sheet)
{
    for (size_t i = 0; i < sheet->count; i++) {
        free(sheet->rows[i].product);
        free(sheet->rows[i].currency);
        free(sheet->rows[i].price_currency);
        free(sheet->rows[i].term);
        free(sheet->rows[i].class_name);
    }
    free(sheet->rows);
    free(sheet->name);
    memset(sheet, 0, sizeof *sheet);
}

/* Reads the sheet at the option `prices`, where it is given. */
static inline int price_sheet_read(struct scrip_ctx *ctx, struct price_sheet *sheet)
{
    const char *path = ctx->host->option_text(ctx, "prices");
    struct table *t;
    int code;

    if (path[0] == 0)
        return SCRIP_OK;
    code = table_open(ctx, path, price_columns, PRICE_MUST, &t);
    if (code < 0)
        return code;
    if (!table_has(t, PRICE_PRODUCT) || !table_has(t, PRICE_CURRENCY) || !table_has(t, PRICE_PRICE) ||
        !table_has(t, PRICE_PRICE_CURRENCY))
        code = table_missing(t);
    while (code >= 0 && (code = table_next(t)) > 0)
        code = price_row_read(t, sheet);
    if (code == SCRIP_OK && (sheet->name = table_copy(t->name)) == NULL)
        code = scrip_fail(ctx, SCRIP_ENOMEM, "%s: no memory for its name", t->path);
    table_close(t);
    return code;
}

/* 1: row b counts before row a. */
static inline int price_is_better(const struct scrip_host *host, const struct price_row *a, const struct price_row *b)
{
    int order = a ? host->decimal_compare(&a->least, &b->least) : -1;

    if (order != 0)
        return order < 0;
    return a->from_us != b->from_us ? a->from_us < b->from_us : a->line < b->line;
}

/* NULL: none; *is_known: the sheet has the article, for other dates or quantities. */
static inline const struct price_row *price_find(const struct scrip_host *host, const struct price_sheet *sheet,
                                                 const char *product, size_t size, int64_t time_us,
                                                 const struct scrip_decimal *quantity, int *is_known)
{
    const struct price_row *best = NULL;

    *is_known = 0;
    for (size_t i = 0; i < sheet->count; i++) {
        const struct price_row *row = &sheet->rows[i];

        if (strlen(row->product) != size || memcmp(row->product, product, size) != 0)
            continue;
        *is_known = 1;
        if (time_us >= row->from_us && time_us < row->to_us && host->decimal_compare(&row->least, quantity) <= 0 &&
            price_is_better(host, best, row))
            best = row;
    }
    return best;
}

/* What so many cost: quantity x price, less the discount. SCRIP_ERANGE. */
static inline int price_cost(const struct scrip_host *host, const struct price_row *row,
                             const struct scrip_decimal *quantity, struct scrip_decimal *out)
{
    static const struct scrip_decimal hundred = { 100, 0 };
    struct scrip_decimal rest = { -row->discount.whole, -row->discount.atto };

    if (rest.atto < 0) {
        rest.whole--;
        rest.atto += SCRIP_ATTO;
    }
    if (host->decimal_add(&hundred, &rest, &rest) < 0 || host->decimal_multiply(quantity, &row->price, out) < 0 ||
        host->decimal_multiply(out, &rest, out) < 0)
        return SCRIP_ERANGE;
    return host->decimal_divide(out, &hundred, SCRIP_HALF_EVEN, out);
}

#endif
