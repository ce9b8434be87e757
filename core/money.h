/* money.h - exact decimals and the one place that multiplies and rounds. No floating point. */
#ifndef SCRIP_CORE_MONEY_H
#define SCRIP_CORE_MONEY_H

#include <scrip/plugin.h>

/* These are the host's decimal services; see plugin.h for what they promise. */
int decimal_parse(const char *text, uint64_t size, struct scrip_decimal *out);
uint64_t decimal_write(const struct scrip_decimal *value, char *out, uint64_t out_size);
int decimal_add(const struct scrip_decimal *a, const struct scrip_decimal *b, struct scrip_decimal *out);
int decimal_multiply(const struct scrip_decimal *a, const struct scrip_decimal *b, struct scrip_decimal *out);
int decimal_divide(const struct scrip_decimal *a, const struct scrip_decimal *b, int rounding,
                   struct scrip_decimal *out);
int decimal_round(const struct scrip_decimal *value, const struct scrip_decimal *step, int rounding,
                  struct scrip_decimal *out);
int decimal_compare(const struct scrip_decimal *a, const struct scrip_decimal *b);

#define DECIMAL_TEXT_SIZE 48 /* enough for any decimal or amount, with its NUL */

/* Decimal to minor units of a currency with `decimals`: exact, or SCRIP_EINVALID where it has more digits than the
 * currency, SCRIP_ERANGE where it does not fit in int64. */
int money_from_decimal(const struct scrip_decimal *value, int decimals, int64_t *out);
void money_to_decimal(int64_t amount, int decimals, struct scrip_decimal *out);
/* "12.50" for 1250 with 2 decimals; always all decimals. Returns the length. */
uint64_t money_write(int64_t amount, int decimals, char *out, uint64_t out_size);

/* What one line of a charge is made of. */
struct money_part {
    struct scrip_decimal quantity;
    struct scrip_decimal rate;
    struct scrip_decimal per;
};

/* The amounts of `count` lines of one charge in one currency, in minor units. The exact sum is rounded once: amounts[i] is
 * the rounded sum of lines 0..i less that of lines 0..i-1, so they add up to the rounded total. SCRIP_ERANGE where a
 * sum does not fit; SCRIP_EINVALID where per is not above 0. */
int money_charge(const struct money_part *parts, uint64_t count, int decimals, int rounding, int64_t *amounts);

/* What rounding changed in the charge's total: rounded less exact, in minor units, as a decimal cut after 18
 * digits. For explanations. */
int money_rounding_error(const struct money_part *parts, uint64_t count, int decimals, int rounding,
                         struct scrip_decimal *out);

/* int64 sums that say when they do not fit: 0 or SCRIP_ERANGE, out unchanged. */
int money_add(int64_t a, int64_t b, int64_t *out);
int money_subtract(int64_t a, int64_t b, int64_t *out);

extern const char *const rounding_names[]; /* by enum scrip_rounding: half-even, half-up, up, down; NULL at the end */

#endif
