/* money.c - exact decimals, and the one place that multiplies and rounds amounts.
 *
 * What fits in 128 bits is done there; the rest by GMP, to the same result. */
#include "money.h"

#include <gmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 uwide;

const char *const rounding_names[] = { "half-even", "half-up", "up", "down", NULL };

static const int64_t powers[19] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    INT64_C(10000000000),
    INT64_C(100000000000),
    INT64_C(1000000000000),
    INT64_C(10000000000000),
    INT64_C(100000000000000),
    INT64_C(1000000000000000),
    INT64_C(10000000000000000),
    INT64_C(100000000000000000),
    INT64_C(1000000000000000000),
};

int money_add(int64_t a, int64_t b, int64_t *out)
{
    int64_t sum;

    if (__builtin_add_overflow(a, b, &sum))
        return SCRIP_ERANGE;
    *out = sum;
    return SCRIP_OK;
}

int money_subtract(int64_t a, int64_t b, int64_t *out)
{
    int64_t rest;

    if (__builtin_sub_overflow(a, b, &rest))
        return SCRIP_ERANGE;
    *out = rest;
    return SCRIP_OK;
}

/* ---- text ----------------------------------------------------------------------------------------------------- */

/* Digits of a number in text, and where its point is. */
struct digits {
    uwide value; /* of at most 37 digits */
    int count, scale, is_negative;
};

static int digits_read(const char *at, const char *end, struct digits *out)
{
    int has_point = 0, has_digit = 0, zeros = 0;

    memset(out, 0, sizeof *out);
    if (at < end && (*at == '-' || *at == '+'))
        out->is_negative = *at++ == '-';
    for (; at < end; at++) {
        if (*at == '.' && !has_point) {
            has_point = 1;
            continue;
        }
        if (*at < '0' || *at > '9')
            break;
        has_digit = 1;
        /* Zeros are held back until a digit follows, so that those at the end cost nothing. */
        if (has_point && *at == '0') {
            zeros++;
            continue;
        }
        for (int add = zeros + 1; add > 0; add--) {
            if (out->count >= 37 || out->scale > 40)
                return SCRIP_ERANGE;
            out->value = out->value * 10 + (add == 1 ? (unsigned)(*at - '0') : 0);
            out->count += out->value != 0;
            out->scale += has_point;
        }
        zeros = 0;
    }
    if (!has_digit)
        return SCRIP_EINVALID;
    if (at < end && (*at == 'e' || *at == 'E')) {
        int exponent = 0, is_negative = 0, any = 0;

        if (++at < end && (*at == '-' || *at == '+'))
            is_negative = *at++ == '-';
        for (; at < end && *at >= '0' && *at <= '9' && exponent < 1000; at++, any = 1)
            exponent = exponent * 10 + (*at - '0');
        if (!any)
            return SCRIP_EINVALID;
        out->scale -= is_negative ? -exponent : exponent;
    }
    return at == end ? SCRIP_OK : SCRIP_EINVALID;
}

static int from_wide(wide value, struct scrip_decimal *out)
{
    wide whole = value / SCRIP_ATTO, atto = value % SCRIP_ATTO;

    if (atto < 0) {
        atto += SCRIP_ATTO;
        whole--;
    }
    if (whole > INT64_MAX || whole < INT64_MIN)
        return SCRIP_ERANGE;
    out->whole = (int64_t)whole;
    out->atto = (int64_t)atto;
    return SCRIP_OK;
}

static wide to_wide(const struct scrip_decimal *value)
{
    return (wide)value->whole * SCRIP_ATTO + value->atto;
}

/* Most numbers of a feed: an optional sign and up to 18 digits. */
static int plain_read(const char *at, const char *end, struct scrip_decimal *out)
{
    int is_negative = *at == '-';
    int64_t value = 0;

    at += is_negative;
    if (at == end || end - at > 18)
        return 0;
    for (; at < end; at++) {
        if (*at < '0' || *at > '9')
            return 0;
        value = value * 10 + (*at - '0');
    }
    out->whole = is_negative ? -value : value;
    out->atto = 0;
    return 1;
}

int decimal_parse(const char *text, uint64_t size, struct scrip_decimal *out)
{
    struct digits digits;
    int code;

    if (size == 0 || size > 400)
        return SCRIP_EINVALID;
    if (plain_read(text, text + size, out))
        return SCRIP_OK;
    if ((code = digits_read(text, text + size, &digits)) < 0)
        return code;
    if (digits.value == 0) {
        *out = (struct scrip_decimal){ 0, 0 };
        return SCRIP_OK;
    }
    for (; digits.scale > 18; digits.scale--) {
        if (digits.value % 10 != 0)
            return SCRIP_ERANGE;
        digits.value /= 10;
    }
    for (; digits.scale < 18; digits.scale++) {
        if (digits.value > (((uwide)1 << 126) / 10))
            return SCRIP_ERANGE;
        digits.value *= 10;
    }
    return from_wide(digits.is_negative ? -(wide)digits.value : (wide)digits.value, out);
}

/* A number of minor units with its point. Always all decimals, or the shortest form. */
static uint64_t units_write(wide value, int decimals, int is_short, char *out, uint64_t out_size)
{
    char digits[64], text[DECIMAL_TEXT_SIZE + 16];
    uwide rest = value < 0 ? -(uwide)value : (uwide)value;
    int count = 0, drop = 0, at = 0;
    uint64_t low;

    for (; rest > UINT64_MAX; rest /= 10)
        digits[count++] = (char)('0' + (int)(rest % 10));
    for (low = (uint64_t)rest; low > 0 || count <= decimals; low /= 10) /* the machine divides these */
        digits[count++] = (char)('0' + (int)(low % 10));
    while (is_short && drop < decimals && digits[drop] == '0')
        drop++;
    if (value < 0)
        text[at++] = '-';
    for (int i = count - 1; i >= drop; i--) {
        if (i == decimals - 1)
            text[at++] = '.';
        text[at++] = digits[i];
    }
    text[at] = 0;
    if (out_size > 0) {
        size_t size = (uint64_t)at < out_size ? (size_t)at : (size_t)out_size - 1;

        memcpy(out, text, size);
        out[size] = 0;
    }
    return (uint64_t)at;
}

uint64_t decimal_write(const struct scrip_decimal *value, char *out, uint64_t out_size)
{
    if (value->atto == 0)
        return units_write(value->whole, 0, 1, out, out_size);
    return units_write(to_wide(value), 18, 1, out, out_size);
}

uint64_t money_write(int64_t amount, int decimals, char *out, uint64_t out_size)
{
    return units_write(amount, decimals, 0, out, out_size);
}

/* ---- rounding ------------------------------------------------------------------------------------------------- */

/* Which way a quotient goes whose remainder is not 0: 1 is away from zero. half: the remainder against half the
 * divisor. */
static int rounds_away(int rounding, int half, int is_odd)
{
    switch (rounding) {
    case SCRIP_UP:
        return 1;
    case SCRIP_DOWN:
        return 0;
    case SCRIP_HALF_UP:
        return half >= 0;
    default:
        return half > 0 || (half == 0 && is_odd);
    }
}

/* numerator / denominator rounded; the denominator is above 0. */
static wide wide_divide(wide numerator, wide denominator, int rounding)
{
    wide quotient = numerator / denominator, rest = numerator % denominator;
    wide size = rest < 0 ? -rest : rest, other = denominator - size;

    if (rest != 0 && rounds_away(rounding, (size > other) - (size < other), (int)(quotient & 1)))
        quotient += numerator < 0 ? -1 : 1;
    return quotient;
}

static void mpz_from_wide(mpz_t out, wide value)
{
    uwide size = value < 0 ? -(uwide)value : (uwide)value;

    mpz_set_ui(out, (unsigned long)(size >> 64));
    mpz_mul_2exp(out, out, 64);
    mpz_add_ui(out, out, (unsigned long)(size & UINT64_MAX));
    if (value < 0)
        mpz_neg(out, out);
}

static int mpz_to_wide(const mpz_t value, wide *out)
{
    uint64_t words[2] = { 0, 0 };
    uwide size;

    if (mpz_sizeinbase(value, 2) > 126)
        return SCRIP_ERANGE;
    mpz_export(words, NULL, -1, sizeof *words, 0, 0, value);
    size = (uwide)words[1] << 64 | words[0];
    *out = mpz_sgn(value) < 0 ? -(wide)size : (wide)size;
    return SCRIP_OK;
}

/* q = numerator / denominator rounded, the denominator above 0. */
static void mpz_divide(mpz_t q, const mpz_t numerator, const mpz_t denominator, int rounding)
{
    mpz_t rest;
    int half, sign = mpz_sgn(numerator);

    mpz_init(rest);
    mpz_tdiv_qr(q, rest, numerator, denominator);
    if (mpz_sgn(rest) != 0) {
        mpz_mul_2exp(rest, rest, 1);
        half = mpz_cmpabs(rest, denominator);
        if (rounds_away(rounding, half, mpz_odd_p(q) != 0)) {
            if (sign < 0)
                mpz_sub_ui(q, q, 1);
            else
                mpz_add_ui(q, q, 1);
        }
    }
    mpz_clear(rest);
}

/* a * b / c rounded, exact in between. c above 0. */
static int muldiv(wide a, wide b, wide c, int rounding, wide *out)
{
    wide product;
    mpz_t x, y;
    int code;

    if (!__builtin_mul_overflow(a, b, &product)) {
        *out = wide_divide(product, c, rounding);
        return SCRIP_OK;
    }
    mpz_inits(x, y, NULL);
    mpz_from_wide(x, a);
    mpz_from_wide(y, b);
    mpz_mul(x, x, y);
    mpz_from_wide(y, c);
    mpz_divide(x, x, y, rounding);
    code = mpz_to_wide(x, out);
    mpz_clears(x, y, NULL);
    return code;
}

/* ---- decimals ------------------------------------------------------------------------------------------------- */

int decimal_add(const struct scrip_decimal *a, const struct scrip_decimal *b, struct scrip_decimal *out)
{
    return from_wide(to_wide(a) + to_wide(b), out);
}

int decimal_multiply(const struct scrip_decimal *a, const struct scrip_decimal *b, struct scrip_decimal *out)
{
    wide value;

    if (muldiv(to_wide(a), to_wide(b), SCRIP_ATTO, SCRIP_HALF_EVEN, &value) < 0)
        return SCRIP_ERANGE;
    return from_wide(value, out);
}

int decimal_divide(const struct scrip_decimal *a, const struct scrip_decimal *b, int rounding,
                   struct scrip_decimal *out)
{
    wide dividend = to_wide(a), divisor = to_wide(b), value;

    if (divisor == 0)
        return SCRIP_EINVALID;
    if (divisor < 0) {
        dividend = -dividend;
        divisor = -divisor;
    }
    if (muldiv(dividend, SCRIP_ATTO, divisor, rounding, &value) < 0)
        return SCRIP_ERANGE;
    return from_wide(value, out);
}

int decimal_round(const struct scrip_decimal *value, const struct scrip_decimal *step, int rounding,
                  struct scrip_decimal *out)
{
    wide unit = to_wide(step), result;

    if (unit <= 0)
        return SCRIP_EINVALID;
    if (__builtin_mul_overflow(wide_divide(to_wide(value), unit, rounding), unit, &result))
        return SCRIP_ERANGE;
    return from_wide(result, out);
}

int decimal_compare(const struct scrip_decimal *a, const struct scrip_decimal *b)
{
    if (a->whole != b->whole)
        return a->whole < b->whole ? -1 : 1;
    return (a->atto > b->atto) - (a->atto < b->atto);
}

/* ---- amounts -------------------------------------------------------------------------------------------------- */

int money_from_decimal(const struct scrip_decimal *value, int decimals, int64_t *out)
{
    int64_t unit = powers[18 - decimals];
    wide amount;

    if (value->atto % unit != 0)
        return SCRIP_EINVALID;
    amount = (wide)value->whole * powers[decimals] + value->atto / unit;
    if (amount > INT64_MAX || amount < INT64_MIN)
        return SCRIP_ERANGE;
    *out = (int64_t)amount;
    return SCRIP_OK;
}

void money_to_decimal(int64_t amount, int decimals, struct scrip_decimal *out)
{
    from_wide((wide)amount * powers[18 - decimals], out);
}

/* The exact amount of a part in minor units: numerator / denominator, both set. */
static void part_exact(const struct money_part *part, int decimals, mpq_t out)
{
    mpz_t x;

    mpz_init(x);
    mpz_from_wide(mpq_numref(out), to_wide(&part->quantity));
    mpz_from_wide(x, to_wide(&part->rate));
    mpz_mul(mpq_numref(out), mpq_numref(out), x);
    mpz_mul_ui(mpq_numref(out), mpq_numref(out), (unsigned long)powers[decimals]);
    mpz_from_wide(mpq_denref(out), to_wide(&part->per));
    mpz_mul_ui(mpq_denref(out), mpq_denref(out), (unsigned long)SCRIP_ATTO);
    mpq_canonicalize(out);
    mpz_clear(x);
}

/* One line, without an allocation: 1 when it fitted. */
static int charge_small(const struct money_part *part, int decimals, int rounding, int64_t *out)
{
    wide product, amount, per;

    if (part->quantity.atto == 0 && part->rate.atto == 0 && part->per.atto == 0) {
        product = (wide)part->quantity.whole * part->rate.whole;
        per = part->per.whole;
        if (__builtin_mul_overflow(product, (wide)powers[decimals], &product))
            return 0;
    } else {
        /* quantity x 10^18 times rate x 10^18, over per x 10^36 less the currency's decimals: often too wide. */
        wide quantity = to_wide(&part->quantity), rate = to_wide(&part->rate);

        if (__builtin_mul_overflow(quantity, rate, &product))
            return 0;
        per = to_wide(&part->per);
        if (__builtin_mul_overflow(per, (wide)powers[18 - decimals], &per))
            return 0;
    }
    amount = wide_divide(product, per, rounding);
    if (amount > INT64_MAX || amount < INT64_MIN)
        return 0;
    *out = (int64_t)amount;
    return 1;
}

/* The exact sum of all parts is rounded; what each adds to the rounded sum is its amount. */
static int charge_large(const struct money_part *parts, uint64_t count, int decimals, int rounding, int64_t *amounts)
{
    mpq_t sum, part;
    mpz_t rounded;
    int64_t before = 0;
    int code = SCRIP_OK;

    mpq_inits(sum, part, NULL);
    mpz_init(rounded);
    for (uint64_t i = 0; i < count && code == SCRIP_OK; i++) {
        wide now;

        part_exact(&parts[i], decimals, part);
        mpq_add(sum, sum, part);
        mpz_divide(rounded, mpq_numref(sum), mpq_denref(sum), rounding);
        if (mpz_to_wide(rounded, &now) < 0 || now > INT64_MAX || now < INT64_MIN ||
            money_subtract((int64_t)now, before, &amounts[i]) < 0)
            code = SCRIP_ERANGE;
        else
            before = (int64_t)now;
    }
    mpq_clears(sum, part, NULL);
    mpz_clear(rounded);
    return code;
}

int money_charge(const struct money_part *parts, uint64_t count, int decimals, int rounding, int64_t *amounts)
{
    for (uint64_t i = 0; i < count; i++)
        if (parts[i].per.whole < 0 || (parts[i].per.whole == 0 && parts[i].per.atto == 0))
            return SCRIP_EINVALID;
    if (count == 1 && charge_small(parts, decimals, rounding, amounts))
        return SCRIP_OK;
    return charge_large(parts, count, decimals, rounding, amounts);
}

int money_rounding_error(const struct money_part *parts, uint64_t count, int decimals, int rounding,
                         struct scrip_decimal *out)
{
    mpq_t sum, part;
    mpz_t rounded;
    wide value;
    int code;

    mpq_inits(sum, part, NULL);
    mpz_init(rounded);
    for (uint64_t i = 0; i < count; i++) {
        part_exact(&parts[i], decimals, part);
        mpq_add(sum, sum, part);
    }
    mpz_divide(rounded, mpq_numref(sum), mpq_denref(sum), rounding);
    mpq_set_z(part, rounded);
    mpq_sub(part, part, sum);
    mpz_mul_ui(mpq_numref(part), mpq_numref(part), (unsigned long)SCRIP_ATTO);
    mpz_tdiv_q(rounded, mpq_numref(part), mpq_denref(part));
    code = mpz_to_wide(rounded, &value);
    mpq_clears(sum, part, NULL);
    mpz_clear(rounded);
    return code < 0 ? code : from_wide(value, out);
}
