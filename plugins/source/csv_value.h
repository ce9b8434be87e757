/* csv_value.h - texts of cells as people and programs write them, into what the host reads: numbers, lists, names. */
#ifndef SCRIP_CSV_VALUE_H
#define SCRIP_CSV_VALUE_H

#include "csv_row.h"

#define CSV_NUMBER_SIZE 64

struct csv_slice {
    const char *text;
    size_t size;
};

static inline struct csv_slice csv_trim(const char *text, size_t size)
{
    while (size > 0 && (*text == ' ' || *text == '\t')) {
        text++;
        size--;
    }
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t'))
        size--;
    return (struct csv_slice){ text, size };
}

/* ---- numbers -------------------------------------------------------------------------------- */

/* Where a currency's sign or a blank stands at the text's begin or end: its bytes, else 0. */
static inline size_t csv_sign_size(const char *text, size_t size, int at_end)
{
    static const char *const signs[] = { " ", "$", "\xc2\xa0", "\xc2\xa3", "\xc2\xa5", "\xe2\x82\xac" };

    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t n = strlen(signs[i]);

        if (size >= n && memcmp(at_end ? text + size - n : text, signs[i], n) == 0)
            return n;
    }
    return 0;
}

/* Takes away parentheses, signs and currencies around a number. 1: it is negative; -1: it cannot be read. */
static inline int csv_bare(struct csv_slice *slice)
{
    int is_negative = 0, sign_count = 0;
    size_t n;

    if (slice->size >= 2 && slice->text[0] == '(' && slice->text[slice->size - 1] == ')') {
        slice->text++;
        slice->size -= 2;
        is_negative = sign_count = 1;
    }
    while (slice->size > 0) {
        if (slice->text[0] == '-' || slice->text[0] == '+') {
            is_negative |= slice->text[0] == '-';
            sign_count++;
            n = 1;
        } else if ((n = csv_sign_size(slice->text, slice->size, 0)) == 0) {
            break;
        }
        slice->text += n;
        slice->size -= n;
    }
    while ((n = csv_sign_size(slice->text, slice->size, 1)) != 0)
        slice->size -= n;
    return sign_count > 1 ? -1 : is_negative;
}

static inline int csv_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The whole part, whose marks must stand before each three digits; the bytes taken, or 0 where they do not. */
static inline size_t csv_whole(struct csv_slice in, char mark, char *out, size_t *out_size)
{
    size_t i, run = 0, marks = 0;

    for (i = 0; i < in.size; i++) {
        if (csv_is_digit(in.text[i])) {
            out[(*out_size)++] = in.text[i];
            run++;
        } else if (in.text[i] == mark) {
            if (run == 0 || run > 3 || (marks > 0 && run != 3))
                return 0;
            marks++;
            run = 0;
        } else {
            break;
        }
    }
    return marks > 0 && run != 3 ? 0 : i;
}

/* A number with the decimal mark `point`; is_loose: with currencies, thousands marks, parentheses. Writes what the host reads; the
 * host still judges it. 0: it cannot be read without a guess. */
static inline int csv_number(const char *text, size_t size, char point, int is_loose, char *out, size_t *out_size)
{
    struct csv_slice in = csv_trim(text, size);
    int is_negative;
    size_t n = 0;

    *out_size = 0;
    if (in.size >= CSV_NUMBER_SIZE)
        return 0;
    if (is_loose) {
        if ((is_negative = csv_bare(&in)) < 0)
            return 0;
        if (is_negative)
            out[(*out_size)++] = '-';
        if (in.size > 0 && csv_is_digit(in.text[0]))
            n = csv_whole(in, point == '.' ? ',' : '.', out, out_size);
        if (n == 0 && in.size > 0 && csv_is_digit(in.text[0]))
            return 0;
    }
    for (int points = 0; n < in.size; n++) {
        char c = in.text[n];

        if (c == '.' || c == ',') {
            if (c != point || points++)
                return 0;
            c = '.';
        }
        out[(*out_size)++] = c;
    }
    return *out_size > 0;
}

/* The number with the other sign; `out` takes one byte more than it. */
static inline size_t csv_flip(const char *text, size_t size, char *out)
{
    size_t skipped = size > 0 && (text[0] == '-' || text[0] == '+'), n = 0;

    if (size == 0 || text[0] != '-')
        out[n++] = '-';
    memcpy(out + n, text + skipped, size - skipped);
    return n + size - skipped;
}

/* ---- lists ---------------------------------------------------------------------------------- */

/* Names split by a mark, into names split by line ends; at most the text's size. */
static inline size_t csv_list(const char *text, size_t size, char mark, char *out)
{
    const char *end = text + size;
    size_t n = 0;

    while (text < end) {
        const char *stop = memchr(text, mark, (size_t)(end - text));
        struct csv_slice item = csv_trim(text, (size_t)((stop ? stop : end) - text));

        if (item.size > 0) {
            if (n > 0)
                out[n++] = '\n';
            memcpy(out + n, item.text, item.size);
            n += item.size;
        }
        text = stop ? stop + 1 : end;
    }
    return n;
}

/* ---- names ---------------------------------------------------------------------------------- */

static inline void csv_hex(uint64_t value, char out[16])
{
    for (int i = 15; i >= 0; i--, value >>= 4)
        out[i] = "0123456789abcdef"[value & 15];
}

/* A value as a part of an id: what would end a part or is no part of a name is written as %XX. At most 3 times its size. */
static inline size_t csv_escape(const char *text, size_t size, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '|' || c == '%' || c < 0x20 || c == 0x7f) {
            out[n++] = '%';
            out[n++] = "0123456789ABCDEF"[c >> 4];
            out[n++] = "0123456789ABCDEF"[c & 15];
        } else {
            out[n++] = (char)c;
        }
    }
    return n;
}

/* The longest part of at most `most` bytes that ends with a whole character. */
static inline size_t csv_cut(const char *text, size_t most)
{
    while (most > 0 && ((unsigned char)text[most] & 0xc0) == 0x80)
        most--;
    return most;
}

/* YYYYMMDD of a day since 1970, in the Gregorian calendar. Years are counted from a March, so that a leap day is a year's last:
 * 719468 days lie between 0000-03-01 and 1970-01-01, 146097 days are 400 years. */
static inline void csv_day_write(int64_t day, char out[8])
{
    int64_t at = day + 719468, era = at / 146097, of_era = at % 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t march = (5 * of_year + 2) / 153, month = march < 10 ? march + 3 : march - 9;
    int64_t number = (era * 400 + year + (month <= 2)) * 10000 + month * 100 + of_year - (153 * march + 2) / 5 + 1;

    for (int i = 7; i >= 0; i--, number /= 10)
        out[i] = (char)('0' + number % 10);
}

#endif
