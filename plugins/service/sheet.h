/* sheet.h - rate sheets: what the plugins `ratesheet`, `daily`, `window` and `formula` read their prices from.
 *
 * A CSV file with a header: product, from, to, rate, per, currency, unit, label, in any order; product, rate and
 * currency must be there. A row holds in [from, to); an empty end is open. Of the rows that cover a time the one with
 * the latest `from` counts, and of equal ones the later line. The product `*` stands for any that the sheet does not
 * name.
 */
#ifndef SCRIP_SHEET_H
#define SCRIP_SHEET_H

#include "../table.h"
#include "paid.h"

struct sheet_row {
    char *product; /* first, for table_find */
    char *currency, *unit, *label;
    int64_t from_us, to_us;
    struct scrip_decimal rate, per;
    uint64_t line;
};

struct sheet {
    struct sheet_row *rows; /* by product, then currency, then from descending, then line descending */
    size_t count, room;
    int has_currencies, has_gate; /* options that are given: asked for once, not for each usage */
};

/* What is to be priced. */
struct sheet_ask {
    const char *product, *unit;
    int64_t time_us;
    struct scrip_decimal quantity;
    const struct scrip_decimal *factor; /* the rate times this; NULL: as it is */
    uint64_t group;                     /* of the alternatives, where several currencies may pay */
};

enum sheet_column {
    SHEET_PRODUCT, SHEET_FROM, SHEET_TO, SHEET_RATE, SHEET_PER, SHEET_CURRENCY, SHEET_UNIT, SHEET_LABEL
};

static const char *const sheet_columns[] = {
    "product", "from", "to", "rate", "per", "currency", "unit", "label", NULL
};

static int sheet_row_read(struct table *t, struct sheet *sheet)
{
    struct sheet_row *row;

    if (table_room(t, &sheet->rows, sizeof *sheet->rows, sheet->count, &sheet->room) < 0)
        return SCRIP_ENOMEM;
    row = &sheet->rows[sheet->count++];
    memset(row, 0, sizeof *row);
    row->line = t->line;
    row->per.whole = 1;
    if (table_text(t, SHEET_PRODUCT)[0] == 0)
        return table_fault(t, "product: missing", "");
    if (table_text(t, SHEET_RATE)[0] == 0)
        return table_fault(t, "rate: missing: want a decimal number of 0 or more", "");
    if (table_currency(t, SHEET_CURRENCY) < 0 || table_time(t, SHEET_FROM, INT64_MIN, &row->from_us) < 0 ||
        table_time(t, SHEET_TO, INT64_MAX, &row->to_us) < 0 || table_decimal(t, SHEET_RATE, &row->rate) < 0 ||
        table_divisor(t, SHEET_PER, &row->per) < 0)
        return SCRIP_EINVALID;
    if (row->from_us >= row->to_us)
        return table_fault(t, "to: must be after from", table_text(t, SHEET_TO));
    row->product = table_copy(table_text(t, SHEET_PRODUCT));
    row->currency = table_copy(table_text(t, SHEET_CURRENCY));
    row->unit = table_copy(table_text(t, SHEET_UNIT));
    row->label = table_label(t, table_text(t, SHEET_PRODUCT), table_text(t, SHEET_LABEL));
    return row->product && row->currency && row->unit && row->label
               ? SCRIP_OK
               : scrip_fail(t->ctx, SCRIP_ENOMEM, "%s: no memory for its rows", t->path);
}

static int sheet_order(const void *left, const void *right)
{
    const struct sheet_row *a = left, *b = right;

    return table_key_order(&(struct table_key){ a->product, a->currency, a->from_us, a->line },
                           &(struct table_key){ b->product, b->currency, b->from_us, b->line });
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

/* Reads the sheet at the option `sheet`. */
static int sheet_read(struct scrip_ctx *ctx, struct sheet *sheet)
{
    struct table *t;
    int code = table_open(ctx, ctx->host->option_text(ctx, "sheet"), sheet_columns, "product, rate and currency", &t);

    if (code < 0)
        return code;
    sheet->has_currencies = ctx->host->option_given(ctx, "currencies");
    code = table_has(t, SHEET_PRODUCT) && table_has(t, SHEET_RATE) && table_has(t, SHEET_CURRENCY) ? SCRIP_OK
                                                                                                  : table_missing(t);
    while (code >= 0 && (code = table_next(t)) > 0)
        code = sheet_row_read(t, sheet);
    if (code == SCRIP_OK && sheet->count)
        qsort(sheet->rows, sheet->count, sizeof *sheet->rows, sheet_order);
    table_close(t);
    return code;
}

/* The first row of a product, or NULL. */
static const struct sheet_row *sheet_product(const struct sheet *sheet, const char *product)
{
    return table_find(sheet->rows, sheet->count, sizeof *sheet->rows, product);
}

/* The row of a product that counts at a time, in a currency and for a unit (NULL: any), or NULL. first: sheet_product's
 * answer. */
static const struct sheet_row *sheet_find(const struct sheet *sheet, const struct sheet_row *first,
                                          const char *currency, const char *unit, int64_t time_us)
{
    const struct sheet_row *end = sheet->rows + sheet->count, *found = NULL;

    for (const struct sheet_row *row = first; row < end && strcmp(row->product, first->product) == 0; row++)
        if ((currency == NULL || strcmp(row->currency, currency) == 0) && row->from_us <= time_us &&
            time_us < row->to_us && (unit == NULL || row->unit[0] == 0 || strcmp(row->unit, unit) == 0) &&
            (found == NULL || row->from_us > found->from_us ||
             (row->from_us == found->from_us && row->line > found->line)))
            found = row;
    return found;
}

/* The rows that may pay, one of each currency of the option `currencies`, in its order; without it the only one. Starts
 * at *at = 0; NULL after the last. */
static const struct sheet_row *sheet_next(struct scrip_ctx *ctx, const struct sheet *sheet, const char *product,
                                          const char *unit, int64_t time_us, uint64_t *at)
{
    const struct sheet_row *first = sheet_product(sheet, product), *row = NULL;
    const char *currency = NULL;

    if (first == NULL)
        first = sheet_product(sheet, "*");
    while (first != NULL && row == NULL) {
        if (sheet->has_currencies && (currency = ctx->host->option_item(ctx, "currencies", *at)) == NULL)
            return NULL;
        if (!sheet->has_currencies && *at > 0)
            return NULL;
        ++*at;
        row = sheet_find(sheet, first, currency, unit, time_us);
    }
    return row;
}

/* Adds a line for each currency that may pay: alternatives of one group where the option `currencies` names several.
 * Returns how many, or the fault. */
static int sheet_price(struct scrip_ctx *ctx, const struct sheet *sheet, const struct sheet_ask *ask,
                       struct scrip_quote *out)
{
    const struct sheet_row *row;
    uint64_t at = 0;
    int count = 0, code;

    while ((row = sheet_next(ctx, sheet, ask->product, ask->unit, ask->time_us, &at)) != NULL) {
        struct scrip_line line = { ask->time_us, row->currency, ask->quantity, row->rate, row->per, row->label, 0 };

        if (ask->factor != NULL && ctx->host->decimal_multiply(&row->rate, ask->factor, &line.rate) < 0)
            return scrip_fail(ctx, SCRIP_ERANGE, "%s: its rate times the factor is out of range", row->label);
        line.group = sheet->has_currencies ? ask->group : 0;
        if ((code = ctx->host->line_add(ctx, out, &line)) < 0)
            return code;
        count++;
    }
    return count;
}

/* What costs nothing may still need a balance: the option `gate` says how much. 1: that is the quote. */
static inline int sheet_gate(struct scrip_ctx *ctx, const struct sheet *sheet, const struct scrip_event *event,
                             struct scrip_quote *out)
{
    struct scrip_line line = { event->time_us, NULL, { 0, 0 }, { 1, 0 }, { 1, 0 }, NULL, 0 };
    const struct sheet_row *row;
    uint64_t at = 0, count = 0;
    int code;

    if (!sheet->has_gate)
        return 0;
    while ((row = sheet_next(ctx, sheet, event->product, event->unit, event->time_us, &at)) != NULL) {
        if (row->rate.whole || row->rate.atto)
            return 0;
        count++;
    }
    ctx->host->option_decimal(ctx, "gate", &line.quantity);
    line.group = (uint64_t)sheet->has_currencies;
    for (at = 0; (row = sheet_next(ctx, sheet, event->product, event->unit, event->time_us, &at)) != NULL;) {
        line.currency = row->currency;
        line.label = row->label;
        if ((code = ctx->host->line_add(ctx, out, &line)) < 0)
            return code;
    }
    if (count)
        ctx->host->verdict(ctx, out, SCRIP_GATE);
    return count > 0;
}

/* The verdict for a usage whose product the sheet has, but no row for its time and unit: what it waits for in
 * quarantine. */
static int sheet_unpriced(struct scrip_ctx *ctx, const struct sheet_ask *ask, struct scrip_quote *out)
{
    int has_unit = ask->unit != NULL && ask->unit[0];
    char when[40];

    ctx->host->time_write(ask->time_us, when, sizeof when);
    ctx->host->verdict(ctx, out, SCRIP_UNPRICED);
    scrip_fail(ctx, SCRIP_ENOTFOUND,
               "product '%s': the sheet has it, but no row%s%s%s at %s: add one, then scrip quarantine retry",
               ask->product, has_unit ? " for unit '" : "", has_unit ? ask->unit : "", has_unit ? "'" : "", when);
    return SCRIP_OK;
}

/* 1: the sheet has a row for the product, at whatever date. */
static inline int sheet_knows(const struct sheet *sheet, const char *product)
{
    return product[0] && (sheet_product(sheet, product) != NULL || sheet_product(sheet, "*") != NULL);
}

/* Opens an instance whose self is a sheet, or begins with one: `size` bytes, zeroed. has_gate: it has that option. */
static inline int sheet_open(struct scrip_ctx *ctx, size_t size, int has_gate)
{
    struct sheet *sheet = ctx->self = calloc(1, size);

    if (sheet == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "no memory for the sheet");
    sheet->has_gate = has_gate && ctx->host->option_given(ctx, "gate");
    if (paid_list_check(ctx, "currencies") < 0)
        return SCRIP_EINVALID;
    return sheet_read(ctx, sheet);
}

static inline void sheet_close(struct scrip_ctx *ctx)
{
    if (ctx->self != NULL)
        sheet_free(ctx->self);
    free(ctx->self);
    ctx->self = NULL;
}

#define SHEET_OPTION_GATE                                                            \
    {                                                                                \
        "gate", SCRIP_OPTION_DECIMAL, NULL, NULL, 0,                                 \
            "balance that must be there for a product whose rate is 0; absent: none" \
    }
#define SHEET_OPTIONS_IF(required_)                                                                  \
    { "sheet", SCRIP_OPTION_PATH, NULL, NULL, (required_),                                           \
      "CSV file: product, from, to, rate, per, currency, unit, label" },                             \
    {                                                                                                \
        "currencies", SCRIP_OPTION_LIST, NULL, NULL, 0,                                              \
            "currencies that may pay, tried in this order; absent: the row's"                        \
    }
#define SHEET_OPTIONS SHEET_OPTIONS_IF(1)

#endif
