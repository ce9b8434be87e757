/* calendar.c - instants from text and back, dates, durations. */
#include "calendar.h"

#include "zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000)
#define DAY_S INT64_C(86400)

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

/* A date and time of day as a zone shows it. */
struct civil {
    int64_t year;
    int month, day, hour, minute, second;
    int64_t micro;
};

static int is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int64_t year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days since 1970-01-01 and back, on a calendar whose year starts in March. */
static int64_t days_from(int64_t year, int month, int day)
{
    int64_t y = year - (month <= 2), era = floor_div(y, 400), of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void days_to(int64_t days, struct civil *out)
{
    int64_t z = days + 719468, era = floor_div(z, 146097), of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;

    out->day = (int)(of_year - (153 * month + 2) / 5 + 1);
    out->month = (int)(month < 10 ? month + 3 : month - 9);
    out->year = year + era * 400 + (out->month <= 2);
}

static int64_t civil_second(const struct civil *c)
{
    return days_from(c->year, c->month, c->day) * DAY_S + c->hour * 3600 + c->minute * 60 + c->second;
}

static void civil_from(int64_t local_s, struct civil *out)
{
    int64_t days = floor_div(local_s, DAY_S), rest = local_s - days * DAY_S;

    days_to(days, out);
    out->hour = (int)(rest / 3600);
    out->minute = (int)(rest / 60 % 60);
    out->second = (int)(rest % 60);
}

static int civil_check(const struct civil *c)
{
    return c->year < 1 || c->year > 9999 || c->month < 1 || c->month > 12 || c->day < 1 ||
                   c->day > month_days(c->year, c->month) || c->hour < 0 || c->hour > 23 || c->minute < 0 ||
                   c->minute > 59 || c->second < 0 || c->second > 59
               ? SCRIP_EINVALID
               : SCRIP_OK;
}

static int range_check(int64_t second, int64_t micro, int64_t *out)
{
    if (second < SCRIP_TIME_MIN / SECOND || second >= SCRIP_TIME_MAX / SECOND)
        return SCRIP_ERANGE;
    *out = second * SECOND + micro;
    return SCRIP_OK;
}

/* The instant at which a zone shows a local time; the earlier of two; SCRIP_EINVALID where it shows it never. */
static int instant_of(int64_t local_s, const char *zone, int64_t *out_s)
{
    int64_t before, after, offset;

    if (zone_offset(zone, local_s - DAY_S, &before) < 0 || zone_offset(zone, local_s + DAY_S, &after) < 0)
        return SCRIP_EINVALID;
    for (int i = 0; i < 2; i++) {
        int64_t wide = before > after ? before : after, narrow = before > after ? after : before;
        int64_t at = local_s - (i ? narrow : wide);

        if (zone_offset(zone, at, &offset) == SCRIP_OK && at + offset == local_s) {
            *out_s = at;
            return SCRIP_OK;
        }
    }
    return SCRIP_EINVALID;
}

/* The same; and for a local time that the zone skips, the first instant behind the gap. */
static int instant_near(int64_t local_s, const char *zone, int64_t *out_s)
{
    int64_t before, after, low, high, offset;

    if (instant_of(local_s, zone, out_s) == SCRIP_OK)
        return SCRIP_OK;
    if (zone_offset(zone, local_s - DAY_S, &before) < 0 || zone_offset(zone, local_s + DAY_S, &after) < 0)
        return SCRIP_EINVALID;
    low = local_s - (before > after ? before : after); /* before the gap */
    high = local_s - (before > after ? after : before); /* not before it */
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;

        if (zone_offset(zone, middle, &offset) < 0)
            return SCRIP_EINVALID;
        if (middle + offset >= local_s)
            high = middle;
        else
            low = middle;
    }
    *out_s = high;
    return SCRIP_OK;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

/* Exactly `count` digits. */
static int digits(const char *at, const char *end, int count, int *out)
{
    int value = 0;

    if (end - at < count)
        return 0;
    for (int i = 0; i < count; i++) {
        if (at[i] < '0' || at[i] > '9')
            return 0;
        value = value * 10 + (at[i] - '0');
    }
    *out = value;
    return 1;
}

/* Digits of a second's fraction; more than six only when they are 0. */
static int fraction_read(const char **at, const char *end, int64_t *out)
{
    int64_t unit = SECOND / 10;
    const char *start = *at;

    *out = 0;
    for (; *at < end && **at >= '0' && **at <= '9'; ++*at) {
        if (unit == 0 && **at != '0')
            return SCRIP_EINVALID;
        *out += (**at - '0') * unit;
        unit /= 10;
    }
    return *at > start ? SCRIP_OK : SCRIP_EINVALID;
}

/* Z, +HH:MM, -HHMM, +HH at the end of a text. */
static int offset_read(const char **at, const char *end, int64_t *out)
{
    int sign, hours, minutes = 0;

    if (*at < end && (**at == 'Z' || **at == 'z')) {
        ++*at;
        *out = 0;
        return SCRIP_OK;
    }
    if (*at >= end || (**at != '+' && **at != '-'))
        return SCRIP_EINVALID;
    sign = *(*at)++ == '-' ? -1 : 1;
    if (!digits(*at, end, 2, &hours))
        return SCRIP_EINVALID;
    *at += 2;
    if (*at < end && **at == ':') {
        ++*at;
        if (!digits(*at, end, 2, &minutes))
            return SCRIP_EINVALID;
    }
    if (digits(*at, end, 2, &minutes))
        *at += 2;
    if (hours > 23 || minutes > 59)
        return SCRIP_EINVALID;
    *out = sign * (hours * 3600 + minutes * 60);
    return SCRIP_OK;
}

static int civil_finish(const struct civil *c, int has_offset, int64_t offset, const char *zone, int64_t *out_us)
{
    int64_t local, at;

    if (civil_check(c) < 0)
        return SCRIP_EINVALID;
    local = civil_second(c);
    if (has_offset || zone == NULL || zone[0] == 0 || strcmp(zone, "UTC") == 0)
        at = local - offset;
    else if (instant_of(local, zone, &at) < 0)
        return SCRIP_EINVALID;
    return range_check(at, c->micro, out_us);
}

/* YYYY-MM-DD, then perhaps a time of day behind 'T' or a blank, a fraction, an offset. */
static int usual_parse(const char *at, const char *end, const char *zone, int64_t *out_us)
{
    struct civil c = { 0 };
    int64_t offset = 0;
    int year, has_offset = 0;

    if (end - at < 10 || !digits(at, end, 4, &year) || at[4] != '-' || !digits(at + 5, end, 2, &c.month) ||
        at[7] != '-' || !digits(at + 8, end, 2, &c.day))
        return SCRIP_EINVALID;
    c.year = year;
    at += 10;
    if (at < end) {
        if ((*at != 'T' && *at != 't' && *at != ' ') || end - at < 6 || !digits(at + 1, end, 2, &c.hour) ||
            at[3] != ':' || !digits(at + 4, end, 2, &c.minute))
            return SCRIP_EINVALID;
        at += 6;
        if (at < end && *at == ':') {
            if (!digits(at + 1, end, 2, &c.second))
                return SCRIP_EINVALID;
            at += 3;
            if (at < end && *at == '.' && (at++, fraction_read(&at, end, &c.micro)) < 0)
                return SCRIP_EINVALID;
        }
        if (at < end) {
            if (offset_read(&at, end, &offset) < 0 || at != end)
                return SCRIP_EINVALID;
            has_offset = 1;
        }
    }
    return civil_finish(&c, has_offset, offset, zone, out_us);
}

static int month_name(const char **at, const char *end, int *out)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

    if (end - *at < 3)
        return SCRIP_EINVALID;
    for (int i = 0; i < 12; i++)
        if (strncasecmp(names + i * 3, *at, 3) == 0) {
            *out = i + 1;
            *at += 3;
            return SCRIP_OK;
        }
    return SCRIP_EINVALID;
}

/* A number of at most `count` digits, at least one. */
static int number_read(const char **at, const char *end, int count, int *out)
{
    int value = 0, n = 0;

    for (; n < count && *at < end && **at >= '0' && **at <= '9'; ++*at, n++)
        value = value * 10 + (**at - '0');
    *out = value;
    return n ? SCRIP_OK : SCRIP_EINVALID;
}

struct pattern_state {
    struct civil c;
    int64_t offset, epoch;
    int has_offset, has_epoch, is_afternoon, has_half, hour12;
};

static int part_read(struct pattern_state *s, char part, const char **at, const char *end)
{
    int value = 0, code = SCRIP_OK;

    switch (part) {
    case 'Y':
        code = number_read(at, end, 4, &value);
        s->c.year = value;
        return code;
    case 'y':
        code = number_read(at, end, 2, &value);
        s->c.year = value < 70 ? 2000 + value : 1900 + value;
        return code;
    case 'm':
        return number_read(at, end, 2, &s->c.month);
    case 'd':
        return number_read(at, end, 2, &s->c.day);
    case 'b':
        return month_name(at, end, &s->c.month);
    case 'H':
        return number_read(at, end, 2, &s->c.hour);
    case 'I':
        s->has_half = 1;
        return number_read(at, end, 2, &s->hour12);
    case 'p':
        if (end - *at < 2 || (strncasecmp(*at, "am", 2) != 0 && strncasecmp(*at, "pm", 2) != 0))
            return SCRIP_EINVALID;
        s->is_afternoon = (**at | 32) == 'p';
        *at += 2;
        return SCRIP_OK;
    case 'M':
        return number_read(at, end, 2, &s->c.minute);
    case 'S':
        return number_read(at, end, 2, &s->c.second);
    case 'f':
        return fraction_read(at, end, &s->c.micro);
    case 'z':
        s->has_offset = 1;
        return offset_read(at, end, &s->offset);
    case 's':
        s->has_epoch = 1;
        if (*at == end || **at < '0' || **at > '9')
            return SCRIP_EINVALID;
        for (s->epoch = 0; *at < end && **at >= '0' && **at <= '9' && s->epoch < INT64_C(1000000000000); ++*at)
            s->epoch = s->epoch * 10 + (**at - '0');
        return SCRIP_OK;
    default:
        return SCRIP_EINVALID;
    }
}

static int pattern_parse(const char *at, const char *end, const char *format, const char *zone, int64_t *out_us)
{
    struct pattern_state s = { .c = { .year = 0, .month = 1, .day = 1 } };

    for (; *format; format++) {
        if (*format != '%' || format[1] == '%') {
            format += *format == '%';
            if (at >= end || *at++ != *format)
                return SCRIP_EINVALID;
        } else if (part_read(&s, *++format, &at, end) < 0)
            return SCRIP_EINVALID;
    }
    if (at != end)
        return SCRIP_EINVALID;
    if (s.has_epoch)
        return range_check(s.epoch, s.c.micro, out_us);
    if (s.has_half) {
        if (s.hour12 < 1 || s.hour12 > 12)
            return SCRIP_EINVALID;
        s.c.hour = s.hour12 % 12 + (s.is_afternoon ? 12 : 0);
    }
    return civil_finish(&s.c, s.has_offset, s.offset, zone, out_us);
}

int time_parse(const char *text, uint64_t size, const char *format, const char *zone, int64_t *out_us)
{
    if (size == 0 || size > 100)
        return SCRIP_EINVALID;
    return format == NULL || format[0] == 0 ? usual_parse(text, text + size, zone, out_us)
                                            : pattern_parse(text, text + size, format, zone, out_us);
}

uint64_t time_write(int64_t time_us, char *out, uint64_t out_size)
{
    int64_t second = floor_div(time_us, SECOND), micro = time_us - second * SECOND;
    char text[80];
    struct civil c;
    int n;

    civil_from(second, &c);
    n = snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d", (int)c.year, c.month, c.day, c.hour, c.minute,
                 c.second);
    if (micro) {
        n += snprintf(text + n, sizeof text - (size_t)n, ".%06d", (int)micro);
        while (text[n - 1] == '0')
            n--;
    }
    text[n++] = 'Z';
    text[n] = 0;
    if (out_size)
        snprintf(out, out_size, "%s", text);
    return (uint64_t)n;
}

/* ---- durations ------------------------------------------------------------------------------------------------ */

struct duration {
    int64_t months, days, micros;
    int is_negative;
    int seen; /* one bit for each unit: it comes once, so no sum can grow out of its type */
};

static int duration_part(struct duration *d, int64_t value, char unit, int is_time)
{
    static const char units[] = "YMWDHMS";
    const char *at = strchr(units + (is_time ? 4 : 0), unit);
    int bit = at ? 1 << (at - units) : 0;

    if (d->seen & bit)
        return SCRIP_EINVALID;
    d->seen |= bit;
    if (!is_time && unit == 'Y')
        d->months += value * 12;
    else if (!is_time && unit == 'M')
        d->months += value;
    else if (!is_time && unit == 'W')
        d->days += value * 7;
    else if (!is_time && unit == 'D')
        d->days += value;
    else if (is_time && unit == 'H')
        d->micros += value * 3600 * SECOND;
    else if (is_time && unit == 'M')
        d->micros += value * 60 * SECOND;
    else if (is_time && unit == 'S')
        d->micros += value * SECOND;
    else
        return SCRIP_EINVALID;
    return SCRIP_OK;
}

/* "30m", "24h", "7d", "2w", "3mo", "1y", "45s". */
static int short_read(int64_t value, const char *unit, struct duration *d)
{
    static const struct {
        const char *text;
        char unit;
        int is_time;
    } units[] = { { "s", 'S', 1 }, { "m", 'M', 1 },  { "h", 'H', 1 }, { "d", 'D', 0 },
                  { "w", 'W', 0 }, { "mo", 'M', 0 }, { "y", 'Y', 0 } };

    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(unit, units[i].text) == 0)
            return duration_part(d, value, units[i].unit, units[i].is_time);
    return SCRIP_EINVALID;
}

static int duration_read(const char *text, struct duration *d)
{
    int is_time = 0, parts = 0;
    char *end;

    memset(d, 0, sizeof *d);
    if (text == NULL)
        return SCRIP_EINVALID;
    if (*text == '-') {
        d->is_negative = 1;
        text++;
    }
    if (*text >= '0' && *text <= '9') {
        int64_t value = strtoll(text, &end, 10);

        return end - text > 7 ? SCRIP_EINVALID : short_read(value, end, d);
    }
    if (*text++ != 'P')
        return SCRIP_EINVALID;
    for (; *text; parts++) {
        int64_t value;

        if (*text == 'T') {
            is_time = 1;
            text++;
        }
        if (*text < '0' || *text > '9')
            return SCRIP_EINVALID;
        value = strtoll(text, &end, 10);
        if (end - text > 7 || *end == 0 || duration_part(d, value, *end, is_time) < 0)
            return SCRIP_EINVALID;
        text = end + 1;
    }
    return parts ? SCRIP_OK : SCRIP_EINVALID;
}

int duration_check(const char *duration)
{
    struct duration d;

    return duration_read(duration, &d);
}

int duration_us(const char *duration, int64_t *out_us)
{
    struct duration d;

    if (duration_read(duration, &d) < 0 || d.months != 0)
        return SCRIP_EINVALID;
    *out_us = (d.days * DAY_S * SECOND + d.micros) * (d.is_negative ? -1 : 1);
    return SCRIP_OK;
}

int zone_check(const char *zone)
{
    int64_t offset;

    return zone_offset(zone, 0, &offset);
}

/* Months and days move the date that the zone shows; what is shorter moves the instant. A local time that a zone
 * skips becomes the first one after it. */
int time_add(int64_t time_us, const char *duration, int64_t count, const char *zone, int64_t *out_us)
{
    int64_t second = floor_div(time_us, SECOND), micro = time_us - second * SECOND, offset, months, days, at, extra;
    struct duration d;
    struct civil c;

    if (duration_read(duration, &d) < 0 || zone_offset(zone, second, &offset) < 0)
        return SCRIP_EINVALID;
    if (d.is_negative) {
        d.months = -d.months;
        d.days = -d.days;
        d.micros = -d.micros;
    }
    if (__builtin_mul_overflow(d.months, count, &months) || __builtin_mul_overflow(d.days, count, &days) ||
        __builtin_mul_overflow(d.micros, count, &extra) || months > 120000 || months < -120000 || days > 4000000 ||
        days < -4000000)
        return SCRIP_ERANGE;
    if (months != 0 || days != 0) {
        civil_from(second + offset, &c);
        months += c.year * 12 + c.month - 1;
        c.year = floor_div(months, 12);
        c.month = (int)(months - c.year * 12) + 1;
        if (c.day > month_days(c.year, c.month))
            c.day = month_days(c.year, c.month);
        at = civil_second(&c) + days * DAY_S;
        if (instant_near(at, zone, &second) < 0)
            return SCRIP_EINVALID;
    }
    if (__builtin_add_overflow(second * SECOND + micro, extra, &at))
        return SCRIP_ERANGE;
    second = floor_div(at, SECOND);
    return range_check(second, at - second * SECOND, out_us);
}

/* When the n-th period begins; beyond the years that there are: before or after all. */
static int period_start(int64_t anchor_us, const char *duration, const char *zone, int64_t n, int64_t *out_us)
{
    int code = time_add(anchor_us, duration, n, zone, out_us);

    if (code == SCRIP_ERANGE)
        *out_us = n < 0 ? INT64_MIN : INT64_MAX;
    return code == SCRIP_ERANGE ? SCRIP_OK : code;
}

/* About how long a period is, without what a zone skips: months differ, so it is of a year's where there is one. */
static int64_t period_length(int64_t anchor_us, const char *duration)
{
    int64_t other;

    if (time_add(anchor_us, duration, 12, "UTC", &other) == SCRIP_OK)
        return (other - anchor_us) / 12;
    if (time_add(anchor_us, duration, -1, "UTC", &other) == SCRIP_OK)
        return anchor_us - other;
    return SCRIP_TIME_MAX - SCRIP_TIME_MIN;
}

int time_period(int64_t anchor_us, const char *duration, const char *zone, int64_t time_us, int64_t *start_us,
                int64_t *end_us)
{
    int64_t length = period_length(anchor_us, duration), n;
    int code;

    if (length <= 0)
        return SCRIP_EINVALID;
    n = floor_div(time_us - anchor_us, length);
    if ((code = period_start(anchor_us, duration, zone, n, start_us)) < 0)
        return code;
    while (*start_us > time_us && code == SCRIP_OK)
        code = period_start(anchor_us, duration, zone, --n, start_us);
    if (code == SCRIP_OK)
        code = period_start(anchor_us, duration, zone, n + 1, end_us);
    while (code == SCRIP_OK && *end_us <= time_us) {
        *start_us = *end_us;
        code = period_start(anchor_us, duration, zone, ++n + 1, end_us);
    }
    return code;
}

int time_floor(int64_t time_us, const char *unit, const char *zone, int64_t *out_us)
{
    int64_t second = floor_div(time_us, SECOND), offset;
    struct civil c;

    if (zone_offset(zone, second, &offset) < 0)
        return SCRIP_EINVALID;
    civil_from(second + offset, &c);
    c.second = c.minute = 0;
    if (strcmp(unit, "hour") == 0)
        return range_check(floor_div(second + offset, 3600) * 3600 - offset, 0, out_us);
    c.hour = 0;
    if (strcmp(unit, "month") == 0 || strcmp(unit, "year") == 0)
        c.day = 1;
    if (strcmp(unit, "year") == 0)
        c.month = 1;
    else if (strcmp(unit, "day") != 0 && strcmp(unit, "month") != 0)
        return SCRIP_EINVALID;
    return instant_near(civil_second(&c), zone, &second) < 0 ? SCRIP_EINVALID : range_check(second, 0, out_us);
}

int64_t day_of(int64_t time_us)
{
    return floor_div(time_us, DAY_S * SECOND);
}

int64_t day_start(int64_t day)
{
    return day * DAY_S * SECOND;
}

int64_t month_of(int64_t time_us)
{
    struct civil c;

    days_to(day_of(time_us), &c);
    return (c.year - 1970) * 12 + c.month - 1;
}

int64_t month_start(int64_t month)
{
    int64_t year = floor_div(month, 12);

    return day_start(days_from(1970 + year, (int)(month - year * 12) + 1, 1));
}
