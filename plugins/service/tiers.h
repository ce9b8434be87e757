/* tiers.h - sheets of tiers: what the plugin `tiered` reads its prices from.
 *
 * A CSV file with a header, one row for each tier, the rows of one schedule (product, currency, from, to) together and
 * upwards:
 *
 *     product,model,up_to,rate,flat,currency          product,model,at_least,rate,factor,currency
 *     api,graduated,1000,0.3,,usd                     disk,threshold,0,0.001,,usd
 *     api,,5000,0.2,,usd                              disk,,50,,0.98,usd
 *     api,,,0.1,,usd                                  disk,,200,,0.95,usd
 *
 *   up_to     the tier's last quantity; empty: no end      at_least  or else its first quantity
 *   rate, per the price of one: rate / per                 flat      due once the tier is reached
 *   factor    times the rate                               block     quantity counts in started blocks of this size
 *   free      so much costs nothing                        minimum, maximum  of what a period (or else an event) costs
 *
 * product, currency and model must be there; model, block, free, minimum and maximum stand in a schedule's first row. A
 * schedule holds in [from, to); of those that cover a time the one with the latest `from` counts. The product `*`
 * stands for any that the sheet does not name.
 *
 * Models. graduated: each part of the quantity at the price of the tier that it is in. volume: all of it at the price
 * of the tier that it reaches. package and step: graduated, in blocks. capacity: the flat price of the tier reached.
 * threshold: volume whose tiers are factors to the first tier's rate.
 */
#ifndef SCRIP_TIERS_H
#define SCRIP_TIERS_H

#include "number.h"
#include "../table.h"
#include "paid.h"

struct tier {
    struct scrip_decimal bound; /* up_to, or at_least */
    int is_open;                /* no up_to */
    struct scrip_decimal rate, per, flat;
    char *label;
};

struct schedule {
    char *product; /* first, for table_find */
    char *currency;
    int64_t from_us, to_us;
    uint64_t line;
    int model, is_at_least, has_minimum, has_maximum;
    struct scrip_decimal block, free_quantity, minimum, maximum; /* block 0: none */
    size_t first, count;                                         /* of the tiers */
};

struct tiers {
    struct schedule *schedules; /* by product, then currency, then from descending, then line descending */
    size_t count, room;
    struct tier *all;
    size_t tier_count, tier_room;
    int is_free_at_zero; /* no flat price is due before something was used */
};

enum tiers_column {
    TIERS_PRODUCT, TIERS_FROM, TIERS_TO, TIERS_MODEL, TIERS_UP_TO, TIERS_AT_LEAST, TIERS_RATE, TIERS_PER,
    TIERS_FLAT, TIERS_FACTOR, TIERS_BLOCK, TIERS_FREE, TIERS_MINIMUM, TIERS_MAXIMUM, TIERS_CURRENCY, TIERS_LABEL
};

static const char *const tiers_columns[] = { "product", "from",    "to",       "model",  "up_to", "at_least",
                                             "rate",    "per",     "flat",     "factor", "block", "free",
                                             "minimum", "maximum", "currency", "label",  NULL };

enum tiers_model { MODEL_GRADUATED, MODEL_VOLUME, MODEL_PACKAGE, MODEL_STEP, MODEL_CAPACITY, MODEL_THRESHOLD };

static const char *const tiers_models[] = { "graduated", "volume", "package", "step", "capacity", "threshold", NULL };

static inline int schedule_is_volume(const struct schedule *schedule)
{
    return schedule->model == MODEL_VOLUME || schedule->model == MODEL_CAPACITY || schedule->model == MODEL_THRESHOLD;
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

static inline int tiers_model_read(struct table *t, struct schedule *schedule)
{
    const char *text = table_text(t, TIERS_MODEL);

    while (tiers_models[schedule->model] != NULL && strcmp(tiers_models[schedule->model], text) != 0)
        schedule->model++;
    if (tiers_models[schedule->model] == NULL)
        return table_fault(
            t, "model: want graduated, volume, package, step, capacity or threshold in a schedule's first row", text);
    if ((schedule->model == MODEL_PACKAGE || schedule->model == MODEL_STEP) && number_is_zero(schedule->block))
        return table_fault(t, "block: missing: package and step count in blocks of this size",
                           table_text(t, TIERS_BLOCK));
    if (schedule->model == MODEL_THRESHOLD && !schedule->is_at_least)
        return table_fault(t, "at_least: missing: the tiers of a threshold begin at a quantity", "");
    return SCRIP_OK;
}

/* What stands in the first row of a schedule. */
static inline int tiers_schedule_read(struct table *t, struct schedule *schedule)
{
    schedule->line = t->line;
    schedule->has_minimum = table_text(t, TIERS_MINIMUM)[0] != 0;
    schedule->has_maximum = table_text(t, TIERS_MAXIMUM)[0] != 0;
    schedule->is_at_least = table_text(t, TIERS_AT_LEAST)[0] != 0;
    if (table_text(t, TIERS_PRODUCT)[0] == 0)
        return table_fault(t, "product: missing", "");
    if (table_currency(t, TIERS_CURRENCY) < 0 || table_divisor(t, TIERS_BLOCK, &schedule->block) < 0 ||
        table_decimal(t, TIERS_FREE, &schedule->free_quantity) < 0 ||
        table_decimal(t, TIERS_MINIMUM, &schedule->minimum) < 0 ||
        table_decimal(t, TIERS_MAXIMUM, &schedule->maximum) < 0 || tiers_model_read(t, schedule) < 0)
        return SCRIP_EINVALID;
    if (schedule->from_us >= schedule->to_us)
        return table_fault(t, "to: must be after from", table_text(t, TIERS_TO));
    if (schedule->has_minimum && schedule->has_maximum &&
        t->ctx->host->decimal_compare(&schedule->minimum, &schedule->maximum) > 0)
        return table_fault(t, "maximum: below the minimum", table_text(t, TIERS_MAXIMUM));
    schedule->product = table_copy(table_text(t, TIERS_PRODUCT));
    schedule->currency = table_copy(table_text(t, TIERS_CURRENCY));
    return schedule->product && schedule->currency
               ? SCRIP_OK
               : scrip_fail(t->ctx, SCRIP_ENOMEM, "%s: no memory for its rows", t->path);
}

/* What only a schedule's first row may say. */
static inline int tiers_repeated(struct table *t)
{
    static const int columns[] = { TIERS_MODEL, TIERS_BLOCK, TIERS_FREE, TIERS_MINIMUM, TIERS_MAXIMUM };

    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        if (table_text(t, columns[i])[0]) {
            char what[TABLE_FIELD_SIZE];

            snprintf(what, sizeof what, "%s: only in the first row of a schedule: leave it empty in its other tiers",
                     tiers_columns[columns[i]]);
            return table_fault(t, what, table_text(t, columns[i]));
        }
    return SCRIP_OK;
}

static inline int tiers_bound_read(struct table *t, const struct schedule *schedule, struct tier *tier,
                                   const struct tier *before)
{
    int column = schedule->is_at_least ? TIERS_AT_LEAST : TIERS_UP_TO;
    const char *text = table_text(t, column),
               *other = table_text(t, schedule->is_at_least ? TIERS_UP_TO : TIERS_AT_LEAST);

    if (other[0])
        return table_fault(t, "up_to and at_least: a schedule has one of them in all its rows", other);
    if (table_decimal(t, column, &tier->bound) < 0)
        return SCRIP_EINVALID;
    tier->is_open = text[0] == 0;
    if (schedule->is_at_least && tier->is_open)
        return table_fault(t, "at_least: missing", text);
    if (schedule->is_at_least && before == NULL && !number_is_zero(tier->bound))
        return table_fault(t, "at_least: the first tier must begin at 0", text);
    if (before != NULL && before->is_open)
        return table_fault(t, "a tier behind the one without an end: put that one last", text);
    if (before != NULL && !tier->is_open && t->ctx->host->decimal_compare(&tier->bound, &before->bound) <= 0)
        return table_fault(t, "tiers must go upwards, each once", text);
    return SCRIP_OK;
}

static inline int tiers_tier_read(struct table *t, struct tiers *tiers, struct schedule *schedule)
{
    struct tier *tier, *before = schedule->count ? &tiers->all[schedule->first + schedule->count - 1] : NULL;
    struct calc c = { t->ctx, SCRIP_OK };
    struct scrip_decimal factor = number_one;

    tier = &tiers->all[tiers->tier_count++];
    memset(tier, 0, sizeof *tier);
    tier->per = number_one;
    schedule->count++;
    if (tiers_bound_read(t, schedule, tier, before) < 0 || table_decimal(t, TIERS_RATE, &tier->rate) < 0 ||
        table_divisor(t, TIERS_PER, &tier->per) < 0 || table_decimal(t, TIERS_FLAT, &tier->flat) < 0 ||
        table_decimal(t, TIERS_FACTOR, &factor) < 0)
        return SCRIP_EINVALID;
    if (schedule->model == MODEL_CAPACITY && table_text(t, TIERS_RATE)[0])
        return table_fault(t, "rate: a capacity has flat prices only: use volume for both", table_text(t, TIERS_RATE));
    if (schedule->model == MODEL_THRESHOLD && before != NULL && table_text(t, TIERS_RATE)[0] == 0) {
        tier->rate = tiers->all[schedule->first].rate;
        tier->per = tiers->all[schedule->first].per;
    } else if (table_text(t, TIERS_RATE)[0] == 0 && table_text(t, TIERS_FLAT)[0] == 0)
        return table_fault(t, "rate and flat: both are missing: write 0 for a tier that costs nothing", "");
    tier->rate = calc_multiply(&c, tier->rate, factor);
    tier->label = table_label(t, schedule->product, table_text(t, TIERS_LABEL));
    if (c.code < 0)
        return table_fault(t, "factor: rate x factor is out of range", table_text(t, TIERS_FACTOR));
    return tier->label ? SCRIP_OK : scrip_fail(t->ctx, SCRIP_ENOMEM, "%s: no memory for its rows", t->path);
}

static inline int tiers_row_read(struct table *t, struct tiers *tiers)
{
    struct schedule *last = tiers->count ? &tiers->schedules[tiers->count - 1] : NULL, fresh;

    memset(&fresh, 0, sizeof fresh);
    if (table_time(t, TIERS_FROM, INT64_MIN, &fresh.from_us) < 0 ||
        table_time(t, TIERS_TO, INT64_MAX, &fresh.to_us) < 0)
        return SCRIP_EINVALID;
    if (table_room(t, &tiers->all, sizeof *tiers->all, tiers->tier_count, &tiers->tier_room) < 0)
        return SCRIP_ENOMEM;
    if (last != NULL && strcmp(last->product, table_text(t, TIERS_PRODUCT)) == 0 &&
        strcmp(last->currency, table_text(t, TIERS_CURRENCY)) == 0 && last->from_us == fresh.from_us &&
        last->to_us == fresh.to_us)
        return tiers_repeated(t) < 0 ? SCRIP_EINVALID : tiers_tier_read(t, tiers, last);
    if (table_room(t, &tiers->schedules, sizeof *tiers->schedules, tiers->count, &tiers->room) < 0)
        return SCRIP_ENOMEM;
    fresh.first = tiers->tier_count;
    tiers->schedules[tiers->count] = fresh;
    last = &tiers->schedules[tiers->count++];
    return tiers_schedule_read(t, last) < 0 ? SCRIP_EINVALID : tiers_tier_read(t, tiers, last);
}

static inline int tiers_order(const void *left, const void *right)
{
    const struct schedule *a = left, *b = right;

    return table_key_order(&(struct table_key){ a->product, a->currency, a->from_us, a->line },
                           &(struct table_key){ b->product, b->currency, b->from_us, b->line });
}

static inline void tiers_free(struct tiers *tiers)
{
    for (size_t i = 0; i < tiers->count; i++) {
        free(tiers->schedules[i].product);
        free(tiers->schedules[i].currency);
    }
    for (size_t i = 0; i < tiers->tier_count; i++)
        free(tiers->all[i].label);
    free(tiers->schedules);
    free(tiers->all);
}

/* Reads the sheet at the option `sheet`. */
static inline int tiers_read(struct scrip_ctx *ctx, struct tiers *tiers)
{
    struct table *t;
    int code = table_open(ctx, ctx->host->option_text(ctx, "sheet"), tiers_columns, "product, model and currency", &t);

    if (code < 0)
        return code;
    code = table_has(t, TIERS_PRODUCT) && table_has(t, TIERS_MODEL) && table_has(t, TIERS_CURRENCY) ? SCRIP_OK
                                                                                                   : table_missing(t);
    while (code >= 0 && (code = table_next(t)) > 0)
        code = tiers_row_read(t, tiers);
    if (code == SCRIP_OK && tiers->count)
        qsort(tiers->schedules, tiers->count, sizeof *tiers->schedules, tiers_order);
    for (size_t i = 1; code == SCRIP_OK && i < tiers->count; i++) {
        const struct schedule *a = &tiers->schedules[i], *b = a - 1;

        if (strcmp(a->product, b->product) == 0 && strcmp(a->currency, b->currency) == 0 && a->from_us == b->from_us &&
            a->to_us == b->to_us) {
            t->line = b->line;
            code = table_fault(t, "its schedule stands further up, too: put the rows of one together", b->product);
        }
    }
    table_close(t);
    return code;
}

/* ---- finding ------------------------------------------------------------------------------------------------ */

static inline const struct schedule *tiers_product(const struct tiers *tiers, const char *product)
{
    return table_find(tiers->schedules, tiers->count, sizeof *tiers->schedules, product);
}

/* The product's own first schedule, or that of `*`, or NULL. */
static inline const struct schedule *tiers_known(const struct tiers *tiers, const char *product)
{
    const struct schedule *first = product[0] ? tiers_product(tiers, product) : NULL;

    return first != NULL ? first : tiers_product(tiers, "*");
}

/* The schedule that counts at a time, in a currency or (NULL) in whichever the sheet has, or NULL. */
static inline const struct schedule *tiers_find(const struct tiers *tiers, const char *product, const char *currency,
                                                int64_t time_us)
{
    const struct schedule *first = tiers_known(tiers, product), *end = tiers->schedules + tiers->count, *found = NULL;

    for (const struct schedule *s = first; first != NULL && s < end && strcmp(s->product, first->product) == 0; s++)
        if ((currency == NULL || strcmp(s->currency, currency) == 0) && s->from_us <= time_us && time_us < s->to_us &&
            (found == NULL || s->from_us > found->from_us || (s->from_us == found->from_us && s->line > found->line)))
            found = s;
    return found;
}

/* ---- prices ------------------------------------------------------------------------------------------------- */

/* A price with its arithmetic: lines that the host multiplies, and their sum to 18 digits. */
struct bill {
    struct scrip_line lines[SCRIP_LINE_LIMIT];
    int count;
    struct scrip_decimal total;
};

static inline int bill_add(struct calc *c, struct bill *bill, const struct schedule *schedule, const struct tier *tier,
                           struct scrip_decimal quantity, struct scrip_decimal rate, struct scrip_decimal per)
{
    struct scrip_line line = { SCRIP_TIME_NONE, schedule->currency, quantity, rate, per, tier->label, 0 };

    if (number_is_zero(quantity) || number_is_zero(rate))
        return SCRIP_OK;
    if (bill->count == SCRIP_LINE_LIMIT)
        return scrip_fail(c->ctx, SCRIP_ELIMIT, "tiers: one usage reaches more than %d prices: split it",
                          SCRIP_LINE_LIMIT);
    bill->lines[bill->count++] = line;
    bill->total = calc_add(c, bill->total, calc_price(c, quantity, rate, per));
    return SCRIP_OK;
}

/* What counts of a quantity: beyond what is free, in started blocks. */
static inline struct scrip_decimal schedule_count(struct calc *c, const struct schedule *schedule,
                                                  struct scrip_decimal quantity)
{
    quantity = calc_max(c, calc_subtract(c, quantity, schedule->free_quantity), number_zero);
    if (!number_is_zero(schedule->block))
        quantity = calc_divide(c, calc_round(c, quantity, schedule->block, SCRIP_UP), schedule->block, SCRIP_HALF_EVEN);
    return quantity;
}

/* The tier that a quantity reaches, or NULL: it is above the last. */
static inline const struct tier *schedule_tier(const struct calc *c, const struct tiers *tiers,
                                               const struct schedule *schedule, struct scrip_decimal counted)
{
    const struct tier *first = &tiers->all[schedule->first], *found = NULL;

    for (size_t i = 0; i < schedule->count; i++) {
        int order = calc_compare(c, counted, first[i].bound);

        if (!schedule->is_at_least && (first[i].is_open || order <= 0))
            return &first[i];
        if (schedule->is_at_least && order >= 0)
            found = &first[i];
    }
    return found;
}

static inline int schedule_above(struct calc *c, const struct tiers *tiers, const struct schedule *schedule)
{
    const struct tier *last = &tiers->all[schedule->first + schedule->count - 1];
    char bound[64];

    c->ctx->host->decimal_write(&last->bound, bound, sizeof bound);
    return scrip_fail(c->ctx, SCRIP_ENOTFOUND, "quantity: above the last tier (%s: up_to %s): add a tier", last->label,
                      bound);
}

/* All of the quantity at the price of the tier reached. From another tier than before, the line is the difference. */
static inline int bill_volume(struct calc *c, const struct tiers *tiers, const struct schedule *schedule,
                              const struct scrip_decimal *before, struct scrip_decimal counted, struct bill *bill)
{
    const struct tier *tier = schedule_tier(c, tiers, schedule, counted), *old;
    struct scrip_decimal price;
    int code;

    if (tier == NULL)
        return schedule_above(c, tiers, schedule);
    if (before == NULL) {
        code = bill_add(c, bill, schedule, tier, counted, tier->rate, tier->per);
        return code < 0 ? code : bill_add(c, bill, schedule, tier, number_one, tier->flat, number_one);
    }
    old = schedule_tier(c, tiers, schedule, *before);
    if (old == tier)
        return bill_add(c, bill, schedule, tier, calc_subtract(c, counted, *before), tier->rate, tier->per);
    price = calc_add(c, calc_price(c, counted, tier->rate, tier->per), tier->flat);
    if (old != NULL)
        price = calc_subtract(c, calc_subtract(c, price, old->flat), calc_price(c, *before, old->rate, old->per));
    return bill_add(c, bill, schedule, tier, number_one, price, number_one);
}

/* 1: the quantity is in a tier that begins at `low`, or beyond: a bound up_to is still in the tier below. */
static inline int tier_is_reached(const struct calc *c, const struct schedule *schedule, struct scrip_decimal counted,
                                  struct scrip_decimal low)
{
    int order = calc_compare(c, counted, low);

    return schedule->is_at_least ? order >= 0 : order > 0;
}

/* Each part at the price of its tier; a flat price once its tier is reached, the first one's at once. */
static inline int bill_graduated(struct calc *c, const struct tiers *tiers, const struct schedule *schedule,
                                 const struct scrip_decimal *before, struct scrip_decimal counted, struct bill *bill)
{
    const struct tier *all = &tiers->all[schedule->first];
    struct scrip_decimal low = number_zero, from = before ? *before : number_zero;

    if (schedule_tier(c, tiers, schedule, counted) == NULL)
        return schedule_above(c, tiers, schedule);
    for (size_t i = 0; i < schedule->count; i++) {
        int has_end = schedule->is_at_least ? i + 1 < schedule->count : !all[i].is_open;
        struct scrip_decimal high = schedule->is_at_least && has_end ? all[i + 1].bound : all[i].bound;
        struct scrip_decimal until = calc_max(c, has_end ? calc_min(c, counted, high) : counted, low);
        struct scrip_decimal since = calc_max(c, has_end ? calc_min(c, from, high) : from, low);
        struct scrip_decimal flats = { (i == 0 || tier_is_reached(c, schedule, counted, low)) -
                                           (before != NULL && (i == 0 || tier_is_reached(c, schedule, from, low))), 0 };

        if (bill_add(c, bill, schedule, &all[i], calc_subtract(c, until, since), all[i].rate, all[i].per) < 0 ||
            bill_add(c, bill, schedule, &all[i], flats, all[i].flat, number_one) < 0)
            return SCRIP_ELIMIT;
        low = high;
    }
    return SCRIP_OK;
}

/* The price of what is counted now, less what had been counted before (NULL: nothing yet, so that the first flat price
 * is due). SCRIP_ENOTFOUND: there is no price, and why is told. */
static inline int schedule_bill(struct scrip_ctx *ctx, const struct tiers *tiers, const struct schedule *schedule,
                                const struct scrip_decimal *before, struct scrip_decimal quantity, struct bill *bill)
{
    struct calc c = { ctx, SCRIP_OK };
    struct scrip_decimal counted, earlier = { 0, 0 };
    int code;

    bill->count = 0;
    bill->total = number_zero;
    if (number_is_negative(quantity))
        return scrip_fail(ctx, SCRIP_ENOTFOUND, "quantity: below 0 in sum: nothing has a price there");
    counted = schedule_count(&c, schedule, quantity);
    if (before != NULL) {
        earlier = schedule_count(&c, schedule, *before);
        before = &earlier;
    }
    if (tiers->is_free_at_zero && before != NULL && number_is_zero(earlier))
        before = NULL;
    if (tiers->is_free_at_zero && before == NULL && number_is_zero(counted))
        return SCRIP_OK;
    code = schedule_is_volume(schedule) ? bill_volume(&c, tiers, schedule, before, counted, bill)
                                        : bill_graduated(&c, tiers, schedule, before, counted, bill);
    if (code == SCRIP_OK && c.code < 0)
        return scrip_fail(ctx, SCRIP_ERANGE, "quantity: its price is out of range");
    return code;
}

#endif
