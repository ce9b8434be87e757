/* values.c - decimals, times, durations and zones: lines of text, each read as all of them. */
#include "fuzz.h"

#include "calendar.h"
#include "money.h"

#include <scrip/scrip.h>

static void decimal_check(const char *text, size_t size)
{
    static const struct scrip_decimal none = { 0, 0 }, one = { 1, 0 };
    struct scrip_decimal value, again, sum;
    char out[DECIMAL_TEXT_SIZE];
    size_t n;

    if (decimal_parse(text, size, &value) != SCRIP_OK)
        return;
    PROMISE(value.atto >= 0 && value.atto < SCRIP_ATTO);
    n = (size_t)decimal_write(&value, out, sizeof out);
    PROMISE(n > 0 && n < sizeof out && strlen(out) == n && strspn(out, "-.0123456789") == n);
    PROMISE(decimal_parse(out, n, &again) == SCRIP_OK && decimal_compare(&value, &again) == 0);
    PROMISE(decimal_add(&value, &none, &sum) == SCRIP_OK && decimal_compare(&value, &sum) == 0);
    PROMISE(decimal_multiply(&value, &one, &sum) == SCRIP_OK && decimal_compare(&value, &sum) == 0);
    PROMISE(decimal_divide(&value, &one, SCRIP_HALF_EVEN, &sum) == SCRIP_OK && decimal_compare(&value, &sum) == 0);
    for (int decimals = 0; decimals <= 9; decimals++) {
        int64_t amount;

        if (money_from_decimal(&value, decimals, &amount) != SCRIP_OK)
            continue;
        money_to_decimal(amount, decimals, &again);
        PROMISE(decimal_compare(&value, &again) == 0);
        PROMISE(money_write(amount, decimals, out, sizeof out) < sizeof out);
        PROMISE(decimal_parse(out, strlen(out), &again) == SCRIP_OK && decimal_compare(&value, &again) == 0);
    }
    for (int rounding = SCRIP_HALF_EVEN; rounding <= SCRIP_DOWN; rounding++)
        if (decimal_round(&value, &one, rounding, &again) == SCRIP_OK)
            PROMISE(again.atto == 0 && (again.whole == value.whole || (value.atto && again.whole - 1 == value.whole)));
}

static void time_check(const char *text, size_t size, const char *format, const char *zone)
{
    static const char *const units[] = { "hour", "day", "month", "year" };
    char out[TIME_TEXT_SIZE];
    int64_t time, again;
    size_t n;

    if (time_parse(text, size, format, zone, &time) != SCRIP_OK)
        return;
    PROMISE(time >= SCRIP_TIME_MIN && time < SCRIP_TIME_MAX);
    n = (size_t)time_write(time, out, sizeof out);
    PROMISE(n > 0 && n < sizeof out);
    PROMISE(time_parse(out, n, NULL, "", &again) == SCRIP_OK && again == time);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (time_floor(time, units[i], zone, &again) == SCRIP_OK)
            PROMISE(again <= time && time - again <= 367 * SCRIP_DAY);
    if (time_add(time, "P1D", 0, zone, &again) == SCRIP_OK)
        PROMISE(again == time);
}

static void duration_run(const char *text, const char *zone)
{
    static const int64_t from = INT64_C(1648512000000000); /* 2022-03-29 */
    int64_t us, once, twice;

    if (duration_check(text) != SCRIP_OK) {
        PROMISE(time_add(from, text, 1, zone, &once) < 0 && duration_us(text, &us) < 0);
        return;
    }
    if (duration_us(text, &us) == SCRIP_OK && time_add(from, text, 1, "", &once) == SCRIP_OK)
        PROMISE(once - from == us);
    if (time_add(from, text, 1, zone, &once) == SCRIP_OK && time_add(from, text, 2, zone, &twice) == SCRIP_OK)
        PROMISE(text[0] == '-' ? once <= from && twice <= once && twice >= SCRIP_TIME_MIN
                               : once >= from && twice >= once && twice < SCRIP_TIME_MAX);
    time_add(from, text, INT64_MAX, zone, &once);
    time_add(from, text, INT64_MIN, zone, &once);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char zone[128] = "", format[128] = "";
    const char *at = (const char *)data, *end = at + size;

    for (int line = 0; at < end && line < 16; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((stop ? stop : end) - at);
        char *text = malloc(n + 1); /* of its own, so that a step behind it shows */

        PROMISE(text != NULL);
        memcpy(text, at, n);
        text[n] = 0;
        if (line == 0 && n < sizeof zone && zone_check(text) == SCRIP_OK)
            strcpy(zone, text);
        if (line == 1 && n < sizeof format)
            strcpy(format, text);
        duration_run(text, zone);
        text = realloc(text, n ? n : 1);
        PROMISE(text != NULL);
        decimal_check(text, n);
        time_check(text, n, NULL, zone);
        time_check(text, n, format, zone);
        free(text);
        at = stop ? stop + 1 : end;
    }
    return 0;
}
