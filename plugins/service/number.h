/* number.h - sums of several steps in exact decimals: the first step that does not fit is remembered, and asked for
 * once. */
#ifndef SCRIP_NUMBER_H
#define SCRIP_NUMBER_H

#include <scrip/plugin.h>

struct calc {
    struct scrip_ctx *ctx;
    int code; /* SCRIP_OK, or why the numbers since then mean nothing */
};

static const struct scrip_decimal number_zero = { 0, 0 }, number_one = { 1, 0 };

static inline int number_is_zero(struct scrip_decimal a)
{
    return a.whole == 0 && a.atto == 0;
}

static inline int number_is_negative(struct scrip_decimal a)
{
    return a.whole < 0;
}

static inline struct scrip_decimal calc_done(struct calc *c, int code, struct scrip_decimal value)
{
    if (code < 0 && c->code == SCRIP_OK)
        c->code = code;
    return code < 0 ? number_zero : value;
}

static inline struct scrip_decimal calc_add(struct calc *c, struct scrip_decimal a, struct scrip_decimal b)
{
    struct scrip_decimal out = { 0, 0 };
    int code = c->ctx->host->decimal_add(&a, &b, &out);

    return calc_done(c, code, out);
}

static inline struct scrip_decimal calc_multiply(struct calc *c, struct scrip_decimal a, struct scrip_decimal b)
{
    struct scrip_decimal out = { 0, 0 };
    int code = c->ctx->host->decimal_multiply(&a, &b, &out);

    return calc_done(c, code, out);
}

static inline struct scrip_decimal calc_subtract(struct calc *c, struct scrip_decimal a, struct scrip_decimal b)
{
    static const struct scrip_decimal minus = { -1, 0 };

    return calc_add(c, a, calc_multiply(c, b, minus));
}

static inline struct scrip_decimal calc_divide(struct calc *c, struct scrip_decimal a, struct scrip_decimal b,
                                               int rounding)
{
    struct scrip_decimal out = { 0, 0 };
    int code = c->ctx->host->decimal_divide(&a, &b, rounding, &out);

    return calc_done(c, code, out);
}

/* To a multiple of step; SCRIP_UP and SCRIP_DOWN go away from 0 and towards it. */
static inline struct scrip_decimal calc_round(struct calc *c, struct scrip_decimal a, struct scrip_decimal step,
                                              int rounding)
{
    struct scrip_decimal out = { 0, 0 };
    int code = c->ctx->host->decimal_round(&a, &step, rounding, &out);

    return calc_done(c, code, out);
}

static inline int calc_compare(const struct calc *c, struct scrip_decimal a, struct scrip_decimal b)
{
    return c->ctx->host->decimal_compare(&a, &b);
}

static inline struct scrip_decimal calc_min(const struct calc *c, struct scrip_decimal a, struct scrip_decimal b)
{
    return calc_compare(c, a, b) <= 0 ? a : b;
}

static inline struct scrip_decimal calc_max(const struct calc *c, struct scrip_decimal a, struct scrip_decimal b)
{
    return calc_compare(c, a, b) >= 0 ? a : b;
}

/* quantity x rate / per, to 18 digits after the point: for what is compared or kept; the host charges exactly. */
static inline struct scrip_decimal calc_price(struct calc *c, struct scrip_decimal quantity, struct scrip_decimal rate,
                                              struct scrip_decimal per)
{
    struct scrip_decimal product = calc_multiply(c, quantity, rate);

    return calc_compare(c, per, number_one) == 0 ? product : calc_divide(c, product, per, SCRIP_HALF_EVEN);
}

#endif
