/* money.c - decimals and amounts: each function against GMP's rationals on random numbers, and at every edge of
 * int64. */
#include "unit.h"

#include "money.h"

#include <gmp.h>

#define ROUNDS 20000

static const int roundings[] = { SCRIP_HALF_EVEN, SCRIP_HALF_UP, SCRIP_UP, SCRIP_DOWN };

/* ---- the model: too simple to be wrong ------------------------------------------------------------------------ */

static void number_to_z(int64_t number, mpz_t out)
{
    char text[24];

    snprintf(text, sizeof text, "%lld", (long long)number);
    mpz_set_str(out, text, 10);
}

static void decimal_to_q(const struct scrip_decimal *value, mpq_t out)
{
    mpq_t atto;

    mpq_init(atto);
    number_to_z(value->whole, mpq_numref(out));
    mpz_set_ui(mpq_denref(out), 1);
    number_to_z(value->atto, mpq_numref(atto));
    number_to_z(SCRIP_ATTO, mpq_denref(atto));
    mpq_canonicalize(atto);
    mpq_add(out, out, atto);
    mpq_clear(atto);
}

/* Rounds by looking at both neighbours. */
static void model_round(const mpq_t value, int rounding, mpz_t out)
{
    mpz_t low;
    mpq_t part, half;
    int is_up, middle;

    mpz_init(low);
    mpq_inits(part, half, NULL);
    mpq_set_ui(half, 1, 2);
    mpz_fdiv_q(low, mpq_numref(value), mpq_denref(value));
    mpq_set_z(part, low);
    mpq_sub(part, value, part); /* in [0, 1) */
    middle = mpq_cmp(part, half);
    if (mpq_sgn(part) == 0)
        is_up = 0;
    else if (rounding == SCRIP_UP) /* away from zero */
        is_up = mpq_sgn(value) > 0;
    else if (rounding == SCRIP_DOWN)
        is_up = mpq_sgn(value) < 0;
    else if (middle != 0)
        is_up = middle > 0;
    else if (rounding == SCRIP_HALF_UP) /* a half goes away from zero */
        is_up = mpq_sgn(value) > 0;
    else
        is_up = mpz_odd_p(low) != 0;
    mpz_set(out, low);
    if (is_up)
        mpz_add_ui(out, out, 1);
    mpq_clears(part, half, NULL);
    mpz_clear(low);
}

static int z_fits(const mpz_t value)
{
    mpz_t least, most;
    int fits;

    mpz_inits(least, most, NULL);
    number_to_z(INT64_MIN, least);
    number_to_z(INT64_MAX, most);
    fits = mpz_cmp(value, least) >= 0 && mpz_cmp(value, most) <= 0;
    mpz_clears(least, most, NULL);
    return fits;
}

static void z_is(const mpz_t wanted, int64_t found, const char *what)
{
    mpz_t z;
    char *text = mpz_get_str(NULL, 10, wanted);

    mpz_init(z);
    number_to_z(found, z);
    ck_assert_msg(mpz_cmp(z, wanted) == 0, "%s: found %lld, wanted %s", what, (long long)found, text);
    mpz_clear(z);
    free(text);
}

/* A value of 18 digits, rounded, is the decimal; or the decimal does not fit and the code says so. */
static void decimal_is(const mpq_t wanted, int rounding, int code, const struct scrip_decimal *found, const char *what)
{
    mpq_t scaled, got;
    mpz_t units, most, whole;

    mpq_inits(scaled, got, NULL);
    mpz_inits(units, most, whole, NULL);
    number_to_z(SCRIP_ATTO, most);
    mpq_set_z(scaled, most);
    mpq_mul(scaled, scaled, wanted);
    model_round(scaled, rounding, units);
    mpz_fdiv_q(whole, units, most);
    if (!z_fits(whole))
        ck_assert_msg(code == SCRIP_ERANGE, "%s: code %d where the result does not fit", what, code);
    else {
        ck_assert_msg(code == SCRIP_OK, "%s: code %d", what, code);
        ck_assert_msg(found->atto >= 0 && found->atto < SCRIP_ATTO, "%s: atto %lld", what, (long long)found->atto);
        decimal_to_q(found, got);
        mpq_set_z(scaled, units);
        mpz_set(mpq_denref(scaled), most);
        mpq_canonicalize(scaled);
        ck_assert_msg(mpq_equal(got, scaled), "%s: found %lld + %lld atto", what, (long long)found->whole,
                      (long long)found->atto);
    }
    mpq_clears(scaled, got, NULL);
    mpz_clears(units, most, whole, NULL);
}

static struct scrip_decimal random_decimal(uint64_t *seed)
{
    struct scrip_decimal value = { random_number(seed), 0 };
    uint64_t kind = random_next(seed) % 4;

    if (kind == 1) /* a few digits behind the point */
        value.atto = (int64_t)(random_next(seed) % 10000) * (SCRIP_ATTO / 10000);
    else if (kind == 2)
        value.atto = (int64_t)(random_next(seed) % (uint64_t)SCRIP_ATTO);
    else if (kind == 3)
        value.atto = (int64_t)(random_next(seed) % 3) * (SCRIP_ATTO / 2 - 1) + (int64_t)(random_next(seed) % 2);
    return value;
}

/* ---- text ----------------------------------------------------------------------------------------------------- */

static int parse(const char *text, struct scrip_decimal *out)
{
    return decimal_parse(text, strlen(text), out);
}

START_TEST(decimals_are_read_exactly)
{
    static const struct {
        const char *text;
        int64_t whole, atto;
        const char *written;
    } cases[] = {
        { "0", 0, 0, "0" },
        { "-0", 0, 0, "0" },
        { "-0.0", 0, 0, "0" },
        { "+7", 7, 0, "7" },
        { "007.50", 7, 500000000000000000, "7.5" },
        { ".5", 0, 500000000000000000, "0.5" },
        { "5.", 5, 0, "5" },
        { "-0.25", -1, 750000000000000000, "-0.25" },
        { "0.1", 0, 100000000000000000, "0.1" },
        { "0.000000000000000001", 0, 1, "0.000000000000000001" },
        { "-0.000000000000000001", -1, 999999999999999999, "-0.000000000000000001" },
        { "0.1000000000000000000000000000000000", 0, 100000000000000000, "0.1" },
        { "1e3", 1000, 0, "1000" },
        { "1E+3", 1000, 0, "1000" },
        { "12.5e-2", 0, 125000000000000000, "0.125" },
        { "1e-18", 0, 1, "0.000000000000000001" },
        { "100e-20", 0, 1, "0.000000000000000001" },
        { "0e999", 0, 0, "0" },
        { "9223372036854775807", INT64_MAX, 0, "9223372036854775807" },
        { "-9223372036854775808", INT64_MIN, 0, "-9223372036854775808" },
        { "9223372036854775807.999999999999999999", INT64_MAX, 999999999999999999,
          "9223372036854775807.999999999999999999" },
        { "-9223372036854775807.999999999999999999", INT64_MIN, 1, "-9223372036854775807.999999999999999999" },
        { "999999999999999999", 999999999999999999, 0, "999999999999999999" },
        { "-1000000000000000000", -1000000000000000000, 0, "-1000000000000000000" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scrip_decimal value = { 42, 42 };
        char text[DECIMAL_TEXT_SIZE];

        ck_assert_msg(parse(cases[i].text, &value) == SCRIP_OK, "%s", cases[i].text);
        ck_assert_msg(value.whole == cases[i].whole && value.atto == cases[i].atto, "%s: %lld + %lld atto",
                      cases[i].text,
                      (long long)value.whole, (long long)value.atto);
        ck_assert_uint_eq(decimal_write(&value, text, sizeof text), strlen(cases[i].written));
        ck_assert_str_eq(text, cases[i].written);
    }
}
END_TEST

START_TEST(what_is_no_decimal_is_refused)
{
    static const char *const invalid[] = { "", "-", "+", ".", "-.", "e5", "1e", "1e+", "1.2.3", "1,5", " 1", "1 ",
                                           "0x10",
                                           "nan", "inf", "1_000", "--1", "+-1", "1e5.5", ("\xc2\xa0" "1"), "12a",
                                               "1\n" };
    static const char *const range[] = { "9223372036854775808", "-9223372036854775809", "1e19", "-1e19", "1e400",
                                         "0.0000000000000000001", "1e-19", "1.0000000000000000001", "1e-500",
                                         "99999999999999999999999999999999999999999999" };
    struct scrip_decimal value;
    char text[500];

    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
        ck_assert_msg(parse(invalid[i], &value) == SCRIP_EINVALID, "'%s'", invalid[i]);
    for (size_t i = 0; i < sizeof range / sizeof *range; i++)
        ck_assert_msg(parse(range[i], &value) == SCRIP_ERANGE, "'%s'", range[i]);
    memset(text, '1', sizeof text);
    ck_assert_int_lt(decimal_parse(text, sizeof text, &value), 0);
    ck_assert_int_eq(decimal_parse("1\0", 2, &value), SCRIP_EINVALID);
}
END_TEST

START_TEST(text_and_back_is_the_same)
{
    uint64_t seed = 1;

    for (int i = 0; i < ROUNDS; i++) {
        struct scrip_decimal value = random_decimal(&seed), again;
        char text[DECIMAL_TEXT_SIZE];
        uint64_t size = decimal_write(&value, text, sizeof text);

        ck_assert_uint_lt(size, sizeof text);
        ck_assert_uint_eq(size, strlen(text));
        ck_assert_msg(decimal_parse(text, size, &again) == SCRIP_OK && decimal_compare(&value, &again) == 0, "%s",
                      text);
        ck_assert_msg(strchr(text, '.') == NULL || text[size - 1] != '0', "%s is not the shortest form", text);
    }
}
END_TEST

START_TEST(writing_stays_in_its_room)
{
    struct scrip_decimal value = { 1234, 500000000000000000 };
    char text[8] = "xxxxxxx";

    ck_assert_uint_eq(decimal_write(&value, text, 4), 6);
    ck_assert_str_eq(text, "123");
    ck_assert_uint_eq(decimal_write(&value, text, 1), 6);
    ck_assert_str_eq(text, "");
    strcpy(text, "kept");
    ck_assert_uint_eq(decimal_write(&value, text, 0), 6);
    ck_assert_str_eq(text, "kept");
}
END_TEST

/* ---- arithmetic ----------------------------------------------------------------------------------------------- */

START_TEST(arithmetic_is_exact)
{
    uint64_t seed = 2;
    mpq_t a, b, c;

    mpq_inits(a, b, c, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        struct scrip_decimal x = random_decimal(&seed), y = random_decimal(&seed), out;
        int rounding = roundings[i % 4], code;

        decimal_to_q(&x, a);
        decimal_to_q(&y, b);
        code = decimal_add(&x, &y, &out);
        mpq_add(c, a, b);
        decimal_is(c, SCRIP_DOWN, code, &out, "add");
        code = decimal_multiply(&x, &y, &out);
        mpq_mul(c, a, b);
        decimal_is(c, SCRIP_HALF_EVEN, code, &out, "multiply");
        code = decimal_divide(&x, &y, rounding, &out);
        if (mpq_sgn(b) == 0)
            ck_assert_int_eq(code, SCRIP_EINVALID);
        else {
            mpq_div(c, a, b);
            decimal_is(c, rounding, code, &out, "divide");
        }
        ck_assert_int_eq(decimal_compare(&x, &y), (mpq_cmp(a, b) > 0) - (mpq_cmp(a, b) < 0));
    }
    mpq_clears(a, b, c, NULL);
}
END_TEST

START_TEST(rounding_to_a_step)
{
    uint64_t seed = 3;
    mpq_t a, step, steps;
    mpz_t count;

    mpq_inits(a, step, steps, NULL);
    mpz_init(count);
    for (int i = 0; i < ROUNDS; i++) {
        struct scrip_decimal x = random_decimal(&seed), s = random_decimal(&seed), out;
        int rounding = roundings[i % 4], code = decimal_round(&x, &s, rounding, &out);

        decimal_to_q(&x, a);
        decimal_to_q(&s, step);
        if (mpq_sgn(step) <= 0) {
            ck_assert_int_eq(code, SCRIP_EINVALID);
            continue;
        }
        mpq_div(steps, a, step);
        model_round(steps, rounding, count);
        mpq_set_z(steps, count);
        mpq_mul(steps, steps, step);
        decimal_is(steps, SCRIP_DOWN, code, &out, "round");
    }
    mpq_clears(a, step, steps, NULL);
    mpz_clear(count);
}
END_TEST

/* ---- amounts -------------------------------------------------------------------------------------------------- */

START_TEST(amounts_and_decimals)
{
    static const struct {
        const char *text;
        int decimals, code;
        int64_t amount;
        const char *written;
    } cases[] = {
        { "12.5", 2, SCRIP_OK, 1250, "12.50" },
        { "-0.01", 2, SCRIP_OK, -1, "-0.01" },
        { "0", 0, SCRIP_OK, 0, "0" },
        { "0", 9, SCRIP_OK, 0, "0.000000000" },
        { "0.001", 2, SCRIP_EINVALID, 0, NULL },
        { "1.5", 0, SCRIP_EINVALID, 0, NULL },
        { "-0.0000000001", 9, SCRIP_EINVALID, 0, NULL },
        { "9223372036854775807", 0, SCRIP_OK, INT64_MAX, "9223372036854775807" },
        { "-9223372036854775808", 0, SCRIP_OK, INT64_MIN, "-9223372036854775808" },
        { "92233720368547758.07", 2, SCRIP_OK, INT64_MAX, "92233720368547758.07" },
        { "92233720368547758.08", 2, SCRIP_ERANGE, 0, NULL },
        { "-92233720368547758.08", 2, SCRIP_OK, INT64_MIN, "-92233720368547758.08" },
        { "-92233720368547758.09", 2, SCRIP_ERANGE, 0, NULL },
        { "9223372036.854775807", 9, SCRIP_OK, INT64_MAX, "9223372036.854775807" },
        { "9223372036.854775808", 9, SCRIP_ERANGE, 0, NULL },
        { "9223372036854775807", 9, SCRIP_ERANGE, 0, NULL },
        { "-9223372036854775808", 9, SCRIP_ERANGE, 0, NULL },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scrip_decimal value, back;
        int64_t amount = 77;
        char text[DECIMAL_TEXT_SIZE];

        ck_assert_int_eq(parse(cases[i].text, &value), SCRIP_OK);
        ck_assert_msg(money_from_decimal(&value, cases[i].decimals, &amount) == cases[i].code, "%s", cases[i].text);
        if (cases[i].code < 0)
            continue;
        ck_assert_int_eq(amount, cases[i].amount);
        ck_assert_uint_eq(money_write(amount, cases[i].decimals, text, sizeof text), strlen(cases[i].written));
        ck_assert_str_eq(text, cases[i].written);
        money_to_decimal(amount, cases[i].decimals, &back);
        ck_assert_int_eq(decimal_compare(&value, &back), 0);
    }
}
END_TEST

START_TEST(sums_that_do_not_fit_say_so)
{
    int64_t out = 5;

    ck_assert_int_eq(money_add(INT64_MAX, 1, &out), SCRIP_ERANGE);
    ck_assert_int_eq(money_add(INT64_MIN, -1, &out), SCRIP_ERANGE);
    ck_assert_int_eq(money_subtract(INT64_MIN, 1, &out), SCRIP_ERANGE);
    ck_assert_int_eq(money_subtract(0, INT64_MIN, &out), SCRIP_ERANGE);
    ck_assert_int_eq(out, 5);
    ck_assert_int_eq(money_add(INT64_MAX, INT64_MIN, &out), SCRIP_OK);
    ck_assert_int_eq(out, -1);
    ck_assert_int_eq(money_subtract(INT64_MAX, INT64_MAX, &out), SCRIP_OK);
    ck_assert_int_eq(out, 0);
}
END_TEST

START_TEST(halves_of_both_signs)
{
    /* Quantity in halves, rate 1: what each rounding makes of it. */
    static const struct {
        const char *quantity;
        int64_t even, half_up, up, down;
    } cases[] = {
        { "0.5", 0, 1, 1, 0 },    { "1.5", 2, 2, 2, 1 },     { "2.5", 2, 3, 3, 2 },    { "-0.5", 0, -1, -1, 0 },
        { "-1.5", -2, -2, -2, -1 }, { "-2.5", -2, -3, -3, -2 }, { "2.4", 2, 2, 3, 2 },    { "-2.4", -2, -2, -3, -2 },
        { "2.6", 3, 3, 3, 2 },    { "-2.6", -3, -3, -3, -2 }, { "3", 3, 3, 3, 3 },      { "-3", -3, -3, -3, -3 },
        { "0.000000000000000001", 0, 0, 1, 0 }, { "-0.000000000000000001", 0, 0, -1, 0 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int64_t wanted[] = { cases[i].even, cases[i].half_up, cases[i].up, cases[i].down };
        struct money_part part = { { 0, 0 }, { 1, 0 }, { 1, 0 } };

        ck_assert_int_eq(parse(cases[i].quantity, &part.quantity), SCRIP_OK);
        for (int r = 0; r < 4; r++) {
            int64_t amount = 99;

            ck_assert_int_eq(money_charge(&part, 1, 0, roundings[r], &amount), SCRIP_OK);
            ck_assert_msg(amount == wanted[r], "%s %s: %lld", cases[i].quantity, rounding_names[r], (long long)amount);
        }
    }
}
END_TEST

/* The exact amount of a part in minor units. */
static void model_part(const struct money_part *part, int decimals, mpq_t out)
{
    mpq_t x;

    mpq_init(x);
    decimal_to_q(&part->quantity, out);
    decimal_to_q(&part->rate, x);
    mpq_mul(out, out, x);
    decimal_to_q(&part->per, x);
    mpq_div(out, out, x);
    mpq_set_ui(x, 1, 1);
    for (int i = 0; i < decimals; i++)
        mpz_mul_ui(mpq_numref(x), mpq_numref(x), 10);
    mpq_mul(out, out, x);
    mpq_clear(x);
}

static void model_charge(const struct money_part *parts, uint64_t count, int decimals, int rounding)
{
    int64_t amounts[4], sum = 0;
    int code = money_charge(parts, count, decimals, rounding, amounts), fits = 1;
    struct scrip_decimal error;
    mpq_t exact, part;
    mpz_t total;

    mpq_inits(exact, part, NULL);
    mpz_init(total);
    for (uint64_t i = 0; i < count; i++) {
        model_part(&parts[i], decimals, part);
        mpq_add(exact, exact, part);
        model_round(exact, rounding, total);
        fits &= z_fits(total);
    }
    if (!fits)
        ck_assert_int_eq(code, SCRIP_ERANGE);
    else if (code == SCRIP_ERANGE)
        ck_assert_uint_gt(count, 1); /* the difference of two sums that fit need not */
    else {
        ck_assert_int_eq(code, SCRIP_OK);
        for (uint64_t i = 0; i < count; i++)
            ck_assert_int_eq(money_add(sum, amounts[i], &sum), SCRIP_OK);
        z_is(total, sum, "charge");
        ck_assert_int_eq(money_rounding_error(parts, count, decimals, rounding, &error), SCRIP_OK);
        mpq_set_z(part, total);
        mpq_sub(part, part, exact);
        decimal_is(part, SCRIP_DOWN, SCRIP_OK, &error, "rounding error");
    }
    mpq_clears(exact, part, NULL);
    mpz_clear(total);
}

START_TEST(charges_are_exact)
{
    uint64_t seed = 4;

    for (int i = 0; i < ROUNDS; i++) {
        struct money_part parts[4];
        uint64_t count = 1 + random_next(&seed) % 4;

        for (uint64_t k = 0; k < count; k++) {
            parts[k].quantity = random_decimal(&seed);
            parts[k].rate = random_decimal(&seed);
            do
                parts[k].per = random_decimal(&seed);
            while (parts[k].per.whole < 0 || (parts[k].per.whole == 0 && parts[k].per.atto == 0));
            if (i & 1) { /* prices as they are in real life */
                parts[k].quantity.whole %= 1000000;
                parts[k].rate.whole %= 1000;
                parts[k].per = (struct scrip_decimal){ 1 + (int64_t)(random_next(&seed) % 1000), 0 };
            }
        }
        model_charge(parts, count, (int)(random_next(&seed) % 10), roundings[i % 4]);
    }
}
END_TEST

START_TEST(charges_at_the_edge)
{
    struct money_part one = { { INT64_MAX, 0 }, { 1, 0 }, { 1, 0 } }, two[2];
    int64_t amounts[2];

    ck_assert_int_eq(money_charge(&one, 1, 0, SCRIP_HALF_UP, amounts), SCRIP_OK);
    ck_assert_int_eq(amounts[0], INT64_MAX);
    one.quantity.atto = SCRIP_ATTO / 2; /* rounds to one more than there is room for */
    ck_assert_int_eq(money_charge(&one, 1, 0, SCRIP_HALF_UP, amounts), SCRIP_ERANGE);
    ck_assert_int_eq(money_charge(&one, 1, 0, SCRIP_DOWN, amounts), SCRIP_OK);
    one = (struct money_part){ { INT64_MIN, 0 }, { 1, 0 }, { 1, 0 } };
    ck_assert_int_eq(money_charge(&one, 1, 0, SCRIP_UP, amounts), SCRIP_OK);
    ck_assert_int_eq(amounts[0], INT64_MIN);
    ck_assert_int_eq(money_charge(&one, 1, 1, SCRIP_UP, amounts), SCRIP_ERANGE);
    one = (struct money_part){ { INT64_MAX, SCRIP_ATTO - 1 }, { INT64_MAX, SCRIP_ATTO - 1 },
                               { INT64_MAX, SCRIP_ATTO - 1 } };
    ck_assert_int_eq(money_charge(&one, 1, 0, SCRIP_DOWN, amounts), SCRIP_OK);
    ck_assert_int_eq(amounts[0], INT64_MAX);
    one = (struct money_part){ { INT64_MIN, 0 }, { INT64_MIN, 0 }, { 0, 1 } };
    ck_assert_int_eq(money_charge(&one, 1, 9, SCRIP_UP, amounts), SCRIP_ERANGE);
    /* Two lines that fit alone and not together. */
    two[0] = two[1] = (struct money_part){ { INT64_MAX / 2 + 1, 0 }, { 1, 0 }, { 1, 0 } };
    ck_assert_int_eq(money_charge(two, 2, 0, SCRIP_HALF_UP, amounts), SCRIP_ERANGE);
    /* per must be above 0. */
    one = (struct money_part){ { 1, 0 }, { 1, 0 }, { 0, 0 } };
    ck_assert_int_eq(money_charge(&one, 1, 0, SCRIP_UP, amounts), SCRIP_EINVALID);
    one.per = (struct scrip_decimal){ -1, SCRIP_ATTO / 2 };
    ck_assert_int_eq(money_charge(&one, 1, 0, SCRIP_UP, amounts), SCRIP_EINVALID);
}
END_TEST

START_TEST(a_charge_is_rounded_once)
{
    /* Three thirds of one unit: each line alone would round to 0. */
    struct money_part parts[3];
    int64_t amounts[3];

    for (int i = 0; i < 3; i++)
        parts[i] = (struct money_part){ { 1, 0 }, { 1, 0 }, { 3, 0 } };
    ck_assert_int_eq(money_charge(parts, 3, 0, SCRIP_HALF_UP, amounts), SCRIP_OK);
    ck_assert_int_eq(amounts[0] + amounts[1] + amounts[2], 1);
    ck_assert_int_eq(money_charge(parts, 3, 0, SCRIP_DOWN, amounts), SCRIP_OK);
    ck_assert_int_eq(amounts[0] + amounts[1] + amounts[2], 1);
    ck_assert_int_eq(money_charge(parts, 0, 0, SCRIP_DOWN, amounts), SCRIP_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("money");
    TCase *tests = tcase_create("money");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, decimals_are_read_exactly);
    tcase_add_test(tests, what_is_no_decimal_is_refused);
    tcase_add_test(tests, text_and_back_is_the_same);
    tcase_add_test(tests, writing_stays_in_its_room);
    tcase_add_test(tests, arithmetic_is_exact);
    tcase_add_test(tests, rounding_to_a_step);
    tcase_add_test(tests, amounts_and_decimals);
    tcase_add_test(tests, sums_that_do_not_fit_say_so);
    tcase_add_test(tests, halves_of_both_signs);
    tcase_add_test(tests, charges_are_exact);
    tcase_add_test(tests, charges_at_the_edge);
    tcase_add_test(tests, a_charge_is_rounded_once);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
