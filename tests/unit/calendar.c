/* calendar.c - times, durations and zones: against the C library's own calendar and zone reader, and at every known
 * edge. */
#include "unit.h"

#include "calendar.h"
#include "zone.h"

#include <time.h>

#define ROUNDS 20000

static int parse_in(const char *text, const char *zone, int64_t *out)
{
    return time_parse(text, strlen(text), NULL, zone, out);
}

/* The instant that a text names; the text must be right. */
static int64_t at(const char *text)
{
    int64_t us;

    ck_assert_msg(parse_in(text, "", &us) == SCRIP_OK, "%s", text);
    return us;
}

static void is_time(int64_t found, const char *wanted, const char *what)
{
    char text[TIME_TEXT_SIZE];

    time_write(found, text, sizeof text);
    ck_assert_msg(strcmp(text, wanted) == 0, "%s: found %s, wanted %s", what, text, wanted);
}

/* ---- text ----------------------------------------------------------------------------------------------------- */

START_TEST(times_are_read)
{
    static const struct {
        const char *text, *zone, *wanted;
    } cases[] = {
        { "2022-03-29", "", "2022-03-29T00:00:00Z" },
        { "2022-03-29T01:02:03Z", "", "2022-03-29T01:02:03Z" },
        { "2022-03-29t01:02:03z", "", "2022-03-29T01:02:03Z" },
        { "2022-03-29 01:02:03", "", "2022-03-29T01:02:03Z" },
        { "2022-03-29T01:02Z", "", "2022-03-29T01:02:00Z" },
        { "2022-03-29T01:02:03.5Z", "", "2022-03-29T01:02:03.5Z" },
        { "2022-03-29T01:02:03.000001Z", "", "2022-03-29T01:02:03.000001Z" },
        { "2022-03-29T01:02:03.120000000Z", "", "2022-03-29T01:02:03.12Z" },
        { "2022-03-29T01:02:03+02:00", "", "2022-03-28T23:02:03Z" },
        { "2022-03-29T01:02:03-0530", "", "2022-03-29T06:32:03Z" },
        { "2022-03-29T01:02:03+05", "", "2022-03-28T20:02:03Z" },
        { "2022-03-29T01:02:03-00:00", "Europe/Berlin", "2022-03-29T01:02:03Z" },
        { "2022-03-29T01:02:03", "+02:00", "2022-03-28T23:02:03Z" },
        { "2022-03-29", "-05:30", "2022-03-29T05:30:00Z" },
        { "2022-01-15T12:00:00", "Europe/Berlin", "2022-01-15T11:00:00Z" },
        { "2022-07-15T12:00:00", "Europe/Berlin", "2022-07-15T10:00:00Z" },
        { "2099-07-15T12:00:00", "Europe/Berlin", "2099-07-15T10:00:00Z" },
        { "2022-07-15", "America/New_York", "2022-07-15T04:00:00Z" },
        { "2024-02-29", "", "2024-02-29T00:00:00Z" },
        { "2000-02-29", "", "2000-02-29T00:00:00Z" },
        { "1900-01-01T00:00:00Z", "", "1900-01-01T00:00:00Z" },
        { "9999-12-31T23:59:59.999999Z", "", "9999-12-31T23:59:59.999999Z" },
        { "1969-12-31T23:59:59.999999Z", "", "1969-12-31T23:59:59.999999Z" },
        { "1970-01-01T00:00:00Z", "", "1970-01-01T00:00:00Z" },
        { "10000-01-01T00:00:00+23:00", "", NULL },
        { "9999-12-31T23:30:00-01:00", "", NULL },
        { "1900-01-01T00:30:00+01:00", "", NULL },
        { "1899-12-31T23:30:00-01:00", "", "1900-01-01T00:30:00Z" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t us = 0;
        int code = parse_in(cases[i].text, cases[i].zone, &us);

        if (cases[i].wanted == NULL)
            ck_assert_msg(code < 0, "%s", cases[i].text);
        else {
            ck_assert_msg(code == SCRIP_OK, "%s: %d", cases[i].text, code);
            is_time(us, cases[i].wanted, cases[i].text);
        }
    }
}
END_TEST

START_TEST(what_is_no_time_is_refused)
{
    static const char *const invalid[] = {
        "", "2022", "2022-03", "2022-3-29", "2022-13-01", "2022-00-01", "2022-02-29", "1900-02-29", "2022-04-31",
        "2022-01-00", "2022-01-32", "2022-03-29T24:00:00Z", "2022-03-29T23:60:00Z", "2022-03-29T23:59:60Z",
        "2022-03-29T", "2022-03-29T10", "2022-03-29T10:", "2022-03-29T10:00:", "2022-03-29T10:00:00.",
        "2022-03-29T10:00:00.Z", "2022-03-29T10:00:00.1234567Z", "2022-03-29T10:00:00+24:00",
        "2022-03-29T10:00:00+01:60", "2022-03-29T10:00:00+05:", "2022-03-29T10:00:00+5", "2022-03-29T10:00:00 Z",
        "2022-03-29T10:00:00ZZ", "2022-03-29x10:00:00", " 2022-03-29", "2022-03-29 ", "29.03.2022", "03/29/2022",
        "2022-03-29T10:00:00+", "-022-03-29", "0000-01-01", "2022-03-29T-1:00:00Z",
    };
    static const char *const range[] = { "1899-12-31T23:59:59Z", "0001-01-01", "1899-12-31T23:59:59.999999Z" };
    int64_t us = 77;

    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
        ck_assert_msg(parse_in(invalid[i], "", &us) == SCRIP_EINVALID, "'%s'", invalid[i]);
    for (size_t i = 0; i < sizeof range / sizeof *range; i++)
        ck_assert_msg(parse_in(range[i], "", &us) == SCRIP_ERANGE, "'%s'", range[i]);
    ck_assert_int_eq(us, 77);
    ck_assert_int_eq(parse_in("2022-03-29", "Europe/Nowhere", &us), SCRIP_EINVALID);
}
END_TEST

START_TEST(patterns)
{
    static const struct {
        const char *text, *format, *zone, *wanted;
    } cases[] = {
        { "29.03.2022 14:05", "%d.%m.%Y %H:%M", "", "2022-03-29T14:05:00Z" },
        { "3/9/2022", "%m/%d/%Y", "", "2022-03-09T00:00:00Z" },
        { "20220329140506", "%Y%m%d%H%M%S", "", "2022-03-29T14:05:06Z" },
        { "Mar 29 22", "%b %d %y", "", "2022-03-29T00:00:00Z" },
        { "mar 29 99", "%b %d %y", "", "1999-03-29T00:00:00Z" },
        { "12:30 AM 2022-03-29", "%I:%M %p %Y-%m-%d", "", "2022-03-29T00:30:00Z" },
        { "12:30 pm 2022-03-29", "%I:%M %p %Y-%m-%d", "", "2022-03-29T12:30:00Z" },
        { "1:30 PM 2022-03-29", "%I:%M %p %Y-%m-%d", "", "2022-03-29T13:30:00Z" },
        { "0:30 PM 2022-03-29", "%I:%M %p %Y-%m-%d", "", NULL },
        { "13:30 PM 2022-03-29", "%I:%M %p %Y-%m-%d", "", NULL },
        { "2022-03-29 10:00:00.25 +0200", "%Y-%m-%d %H:%M:%S.%f %z", "", "2022-03-29T08:00:00.25Z" },
        { "2022-07-29 10:00", "%Y-%m-%d %H:%M", "Europe/Berlin", "2022-07-29T08:00:00Z" },
        { "1648512000", "%s", "Europe/Berlin", "2022-03-29T00:00:00Z" },
        { "1648512000.5", "%s.%f", "", "2022-03-29T00:00:00.5Z" },
        { "x", "%sx", "", NULL },
        { "", "%s", "", NULL },
        { "99999999999999", "%s", "", NULL },
        { "100%2022", "100%%%Y", "", "2022-01-01T00:00:00Z" },
        { "2022-03-29", "%Y-%m", "", NULL },
        { "2022-03", "%Y-%m-%d", "", NULL },
        { "2022-02-30", "%Y-%m-%d", "", NULL },
        { "2022-03-29", "%Y-%m-%d%", "", NULL },
        { "2022-03-29", "%Y-%m-%Q", "", NULL },
        { "Foo 29 22", "%b %d %y", "", NULL },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t us = 0;
        int code = time_parse(cases[i].text, strlen(cases[i].text), cases[i].format, cases[i].zone, &us);

        if (cases[i].wanted == NULL)
            ck_assert_msg(code < 0, "'%s' by '%s'", cases[i].text, cases[i].format);
        else {
            ck_assert_msg(code == SCRIP_OK, "'%s' by '%s'", cases[i].text, cases[i].format);
            is_time(us, cases[i].wanted, cases[i].text);
        }
    }
}
END_TEST

START_TEST(the_c_library_agrees)
{
    uint64_t seed = 1;

    for (int i = 0; i < ROUNDS; i++) {
        int64_t second = SCRIP_TIME_MIN / SCRIP_SECOND +
                         (int64_t)(random_next(&seed) % (uint64_t)((SCRIP_TIME_MAX - SCRIP_TIME_MIN) / SCRIP_SECOND));
        int64_t micro = (int64_t)(random_next(&seed) % 1000000), us = second * SCRIP_SECOND + micro, again;
        time_t clock = (time_t)second;
        char text[TIME_TEXT_SIZE], wanted[80];
        struct tm tm;

        gmtime_r(&clock, &tm);
        strftime(wanted, sizeof wanted, "%Y-%m-%dT%H:%M:%S", &tm);
        ck_assert_uint_eq(time_write(us, text, sizeof text), strlen(text));
        ck_assert_msg(strncmp(text, wanted, 19) == 0, "%s, %s", text, wanted);
        ck_assert_int_eq(parse_in(text, "", &again), SCRIP_OK);
        ck_assert_int_eq(again, us);
        ck_assert_int_eq(month_of(us), (tm.tm_year - 70) * 12 + tm.tm_mon);
        ck_assert_int_eq(day_start(day_of(us)),
                         (second - tm.tm_hour * 3600 - tm.tm_min * 60 - tm.tm_sec) * SCRIP_SECOND);
        ck_assert_int_eq(month_start(month_of(us)), day_start(day_of(us) - tm.tm_mday + 1));
    }
}
END_TEST

/* ---- durations ------------------------------------------------------------------------------------------------ */

START_TEST(durations)
{
    static const struct {
        const char *text;
        int64_t us; /* -1: no duration; -2: one with months */
    } cases[] = {
        { "45s", 45 * SCRIP_SECOND }, { "30m", 1800 * SCRIP_SECOND }, { "24h", SCRIP_DAY }, { "7d", 7 * SCRIP_DAY },
        { "2w", 14 * SCRIP_DAY }, { "3mo", -2 }, { "1y", -2 }, { "0s", 0 }, { "P1D", SCRIP_DAY },
        { "P2W", 14 * SCRIP_DAY }, { "PT30M", 1800 * SCRIP_SECOND }, { "P1DT1S", SCRIP_DAY + SCRIP_SECOND },
        { "P1Y", -2 }, { "P1M", -2 }, { "P1Y2M3DT4H", -2 }, { "P0D", 0 },
        { "", -1 }, { "P", -1 }, { "PT", -1 }, { "P1", -1 }, { "P1DT", -1 }, { "1", -1 }, { "d", -1 }, { "1.5h", -1 },
        { "7 d", -1 }, { "7D", -1 }, { "P1H", -1 }, { "PT1D", -1 }, { "P-1D", -1 }, { "12345678d", -1 }, { "P1d", -1 },
        { "never", -1 }, { "7days", -1 }, { "P9999999W9999999W9999999W", -1 },
    };
    int64_t us;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int code = duration_us(cases[i].text, &us);

        ck_assert_msg((code == SCRIP_OK) == (cases[i].us >= 0), "'%s': %d", cases[i].text, code);
        ck_assert_msg((duration_check(cases[i].text) == SCRIP_OK) == (cases[i].us != -1), "'%s'", cases[i].text);
        if (cases[i].us >= 0)
            ck_assert_msg(us == cases[i].us, "'%s': %lld", cases[i].text, (long long)us);
    }
    ck_assert_int_eq(duration_us("-7d", &us), SCRIP_OK);
    ck_assert_int_eq(us, -7 * SCRIP_DAY);
    ck_assert_int_eq(duration_check(NULL), SCRIP_EINVALID);
}
END_TEST

START_TEST(adding)
{
    static const struct {
        const char *from, *duration;
        int count;
        const char *zone, *wanted;
    } cases[] = {
        { "2022-01-31T00:00:00Z", "P1M", 1, "", "2022-02-28T00:00:00Z" },
        { "2024-01-31T00:00:00Z", "P1M", 1, "", "2024-02-29T00:00:00Z" },
        /* From the anchor, not from the month before: the 31st comes back. */
        { "2022-01-31T00:00:00Z", "P1M", 2, "", "2022-03-31T00:00:00Z" },
        { "2024-02-29T12:00:00Z", "P1Y", 1, "", "2025-02-28T12:00:00Z" },
        { "2024-02-29T12:00:00Z", "P1Y", 4, "", "2028-02-29T12:00:00Z" },
        { "2024-02-29T12:00:00Z", "P1Y", -1, "", "2023-02-28T12:00:00Z" },
        { "2022-03-29T00:00:00Z", "P1Y", 1, "", "2023-03-29T00:00:00Z" },
        { "2022-12-31T23:59:59.999999Z", "P1D", 1, "", "2023-01-01T23:59:59.999999Z" },
        { "2022-03-29T00:00:00Z", "30m", 3, "", "2022-03-29T01:30:00Z" },
        { "2022-03-29T00:00:00Z", "-P1D", 1, "", "2022-03-28T00:00:00Z" },
        { "2022-03-29T00:00:00Z", "P1D", 0, "", "2022-03-29T00:00:00Z" },
        { "1970-01-01T00:00:00Z", "P1M", -1, "", "1969-12-01T00:00:00Z" },
        { "2022-03-29T00:00:00Z", "P1Y1M1DT1H", 1, "", "2023-04-30T01:00:00Z" },
        /* A day in a zone is from one local time to the same; 24 hours are not. */
        { "2022-03-26T11:00:00Z", "P1D", 1, "Europe/Berlin", "2022-03-27T10:00:00Z" },
        { "2022-03-26T11:00:00Z", "24h", 1, "Europe/Berlin", "2022-03-27T11:00:00Z" },
        { "2022-10-29T10:00:00Z", "P1D", 1, "Europe/Berlin", "2022-10-30T11:00:00Z" },
        { "2022-02-28T23:00:00Z", "P1M", 1, "Europe/Berlin", "2022-03-31T22:00:00Z" },
        /* Into the hour that is skipped (02:00 to 03:00): the first instant behind it, wherever one aims. */
        { "2022-03-26T01:00:00Z", "P1D", 1, "Europe/Berlin", "2022-03-27T01:00:00Z" },
        { "2022-03-26T01:15:00Z", "P1D", 1, "Europe/Berlin", "2022-03-27T01:00:00Z" },
        { "2022-03-26T01:30:00Z", "P1D", 1, "Europe/Berlin", "2022-03-27T01:00:00Z" },
        { "2022-03-26T01:59:59Z", "P1D", 1, "Europe/Berlin", "2022-03-27T01:00:00Z" },
        { "2022-03-26T02:00:00Z", "P1D", 1, "Europe/Berlin", "2022-03-27T01:00:00Z" },
        /* Into the hour that comes twice: the first of both. */
        { "2022-10-29T00:30:00Z", "P1D", 1, "Europe/Berlin", "2022-10-30T00:30:00Z" },
        /* Samoa had no 2011-12-30 at all. */
        { "2011-12-29T22:00:00Z", "P1D", 1, "Pacific/Apia", "2011-12-30T10:00:00Z" },
        { "2011-12-30T09:00:00Z", "P1D", 1, "Pacific/Apia", "2011-12-30T10:00:00Z" },
        { "2022-03-29T00:00:00Z", "P1M", 1, "+09:00", "2022-04-29T00:00:00Z" },
        { "2022-03-30T16:00:00Z", "P1M", 1, "+09:00", "2022-04-29T16:00:00Z" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t us = 0;

        ck_assert_msg(time_add(at(cases[i].from), cases[i].duration, cases[i].count, cases[i].zone, &us) == SCRIP_OK,
                      "%s + %s", cases[i].from, cases[i].duration);
        is_time(us, cases[i].wanted, cases[i].from);
    }
}
END_TEST

START_TEST(adding_beyond_the_years)
{
    int64_t us = 5;

    ck_assert_int_eq(time_add(at("9999-12-31"), "P1D", 1, "", &us), SCRIP_ERANGE);
    ck_assert_int_eq(time_add(at("9999-12-31"), "24h", 1, "", &us), SCRIP_ERANGE);
    ck_assert_int_eq(time_add(at("1900-01-01"), "P1D", -1, "", &us), SCRIP_ERANGE);
    ck_assert_int_eq(time_add(at("2000-01-01"), "P1Y", 8000, "", &us), SCRIP_ERANGE);
    ck_assert_int_eq(time_add(at("2000-01-01"), "P1Y", INT64_MAX, "", &us), SCRIP_ERANGE);
    ck_assert_int_eq(time_add(at("2000-01-01"), "P1D", INT64_MIN + 1, "", &us), SCRIP_ERANGE);
    ck_assert_int_eq(time_add(at("2000-01-01"), "-P1D", INT64_MIN, "", &us), SCRIP_ERANGE);
    ck_assert_int_eq(time_add(at("2000-01-01"), "9999999h", 1000000, "", &us), SCRIP_ERANGE);
    ck_assert_int_eq(time_add(at("2000-01-01"), "9999999w", 1, "", &us), SCRIP_ERANGE);
    ck_assert_int_eq(time_add(at("2000-01-01"), "sometime", 1, "", &us), SCRIP_EINVALID);
    ck_assert_int_eq(time_add(at("2000-01-01"), "P1D", 1, "No/Zone", &us), SCRIP_EINVALID);
    ck_assert_int_eq(us, 5);
}
END_TEST

START_TEST(floors)
{
    static const struct {
        const char *from, *unit, *zone, *wanted;
    } cases[] = {
        { "2022-03-29T13:14:15.5Z", "hour", "", "2022-03-29T13:00:00Z" },
        { "2022-03-29T13:14:15.5Z", "day", "", "2022-03-29T00:00:00Z" },
        { "2022-03-29T13:14:15.5Z", "month", "", "2022-03-01T00:00:00Z" },
        { "2022-03-29T13:14:15.5Z", "year", "", "2022-01-01T00:00:00Z" },
        { "2022-03-29T00:00:00Z", "day", "", "2022-03-29T00:00:00Z" },
        { "1969-12-31T23:59:59.999999Z", "day", "", "1969-12-31T00:00:00Z" },
        { "1969-12-31T23:59:59.999999Z", "hour", "", "1969-12-31T23:00:00Z" },
        { "2022-03-31T22:30:00Z", "day", "Europe/Berlin", "2022-03-31T22:00:00Z" },
        { "2022-03-31T22:30:00Z", "month", "Europe/Berlin", "2022-03-31T22:00:00Z" },
        { "2022-03-31T21:30:00Z", "month", "Europe/Berlin", "2022-02-28T23:00:00Z" },
        { "2022-07-01T00:00:00Z", "year", "Europe/Berlin", "2021-12-31T23:00:00Z" },
        { "2022-03-29T13:14:15Z", "hour", "Asia/Kolkata", "2022-03-29T12:30:00Z" },
        /* The hour that comes twice has two beginnings. */
        { "2022-10-30T00:30:00Z", "hour", "Europe/Berlin", "2022-10-30T00:00:00Z" },
        { "2022-10-30T01:30:00Z", "hour", "Europe/Berlin", "2022-10-30T01:00:00Z" },
        /* Days without a midnight begin where the clock goes on. */
        { "2017-10-15T12:00:00Z", "day", "America/Sao_Paulo", "2017-10-15T03:00:00Z" },
        { "2011-12-30T12:00:00Z", "day", "Pacific/Apia", "2011-12-30T10:00:00Z" },
        /* A day with two midnights begins with the first. */
        { "2022-11-06T12:00:00Z", "day", "America/Havana", "2022-11-06T04:00:00Z" },
    };
    int64_t us = 0;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_msg(time_floor(at(cases[i].from), cases[i].unit, cases[i].zone, &us) == SCRIP_OK, "%s",
                      cases[i].from);
        is_time(us, cases[i].wanted, cases[i].from);
    }
    ck_assert_int_eq(time_floor(0, "week", "", &us), SCRIP_EINVALID);
    ck_assert_int_eq(time_floor(0, "day", "No/Zone", &us), SCRIP_EINVALID);
    ck_assert_int_eq(time_floor(SCRIP_TIME_MIN, "year", "-05:00", &us), SCRIP_ERANGE);
}
END_TEST

/* ---- zones ---------------------------------------------------------------------------------------------------- */

START_TEST(skipped_and_repeated_times)
{
    int64_t us = 0;

    /* 02:00 to 03:00 of 2022-03-27 is no time in Berlin. */
    ck_assert_int_eq(parse_in("2022-03-27T01:59:59", "Europe/Berlin", &us), SCRIP_OK);
    is_time(us, "2022-03-27T00:59:59Z", "before the gap");
    ck_assert_int_eq(parse_in("2022-03-27T02:00:00", "Europe/Berlin", &us), SCRIP_EINVALID);
    ck_assert_int_eq(parse_in("2022-03-27T02:59:59", "Europe/Berlin", &us), SCRIP_EINVALID);
    ck_assert_int_eq(parse_in("2022-03-27T03:00:00", "Europe/Berlin", &us), SCRIP_OK);
    is_time(us, "2022-03-27T01:00:00Z", "behind the gap");
    /* With an offset of its own it is an instant like any other. */
    ck_assert_int_eq(parse_in("2022-03-27T02:30:00+01:00", "Europe/Berlin", &us), SCRIP_OK);
    is_time(us, "2022-03-27T01:30:00Z", "an offset");
    /* 02:00 to 03:00 of 2022-10-30 comes twice: the first is meant. */
    ck_assert_int_eq(parse_in("2022-10-30T02:30:00", "Europe/Berlin", &us), SCRIP_OK);
    is_time(us, "2022-10-30T00:30:00Z", "the first of two");
    ck_assert_int_eq(parse_in("2022-10-30T03:00:00", "Europe/Berlin", &us), SCRIP_OK);
    is_time(us, "2022-10-30T02:00:00Z", "behind both");
    ck_assert_int_eq(parse_in("2011-12-30T12:00:00", "Pacific/Apia", &us), SCRIP_EINVALID);
    ck_assert_int_eq(parse_in("2035-03-25T02:30:00", "Europe/Berlin", &us), SCRIP_EINVALID);
}
END_TEST

START_TEST(zone_names)
{
    static const char *const right[] = { "", "UTC", "+02:00", "-0330", "+05", "Europe/Berlin",
                                         "America/Argentina/Ushuaia" };
    static const char *const wrong[] = { "Europe", "Europe/", "europe/berlin", "../../../etc/passwd", "/etc/localtime",
                                         "+19:00", "+02:60", "+2:0x", "+", "-", "CEST!", "Nowhere/Here", "tzdata.zi",
                                         "zone.tab", "+02:00:00", "+1 2" };
    char longest[300];

    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        ck_assert_msg(zone_check(right[i]) == SCRIP_OK, "'%s'", right[i]);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(zone_check(wrong[i]) == SCRIP_EINVALID, "'%s'", wrong[i]);
    memset(longest, 'A', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    ck_assert_int_eq(zone_check(longest), SCRIP_EINVALID);
}
END_TEST

/* The C library reads the same files with code of its own. */
START_TEST(zones_as_the_c_library_reads_them)
{
    static const char *const zones[] = {
        "Europe/Berlin", "Europe/Dublin", "Europe/London", "Europe/Lisbon", "America/New_York", "America/St_Johns",
        "America/Sao_Paulo", "America/Havana", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Gaza", "Asia/Tehran",
        "Africa/Casablanca", "Africa/Monrovia", "Australia/Lord_Howe", "Australia/Sydney", "Pacific/Apia",
        "Pacific/Chatham", "Pacific/Kiritimati", "Antarctica/Troll", "America/Nuuk", "Etc/GMT+5",
    };
    uint64_t seed = 9;
    int seen = 0;

    for (size_t z = 0; z < sizeof zones / sizeof *zones; z++) {
        char path[128];

        snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", zones[z]);
        if (!file_exists(path))
            continue; /* an older or a smaller set of zone files */
        seen++;
        setenv("TZ", zones[z], 1);
        tzset();
        for (int i = 0; i < 2000; i++) {
            /* Half of them in the years that people use, the rest from 1900 to 9999. */
            int64_t second = i & 1 ? (int64_t)(random_next(&seed) % UINT64_C(4102444800))
                                   : SCRIP_TIME_MIN / SCRIP_SECOND +
                                         (int64_t)(random_next(&seed) %
                                                   (uint64_t)((SCRIP_TIME_MAX - SCRIP_TIME_MIN) / SCRIP_SECOND));
            time_t clock = (time_t)second;
            int64_t found;
            struct tm tm;

            localtime_r(&clock, &tm);
            ck_assert_int_eq(zone_offset(zones[z], second, &found), SCRIP_OK);
            ck_assert_msg(found == tm.tm_gmtoff, "%s at %lld: found %lld, the C library has %ld", zones[z],
                          (long long)second, (long long)found, tm.tm_gmtoff);
        }
    }
    ck_assert_int_gt(seen, 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("calendar");
    TCase *tests = tcase_create("calendar");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, times_are_read);
    tcase_add_test(tests, what_is_no_time_is_refused);
    tcase_add_test(tests, patterns);
    tcase_add_test(tests, the_c_library_agrees);
    tcase_add_test(tests, durations);
    tcase_add_test(tests, adding);
    tcase_add_test(tests, adding_beyond_the_years);
    tcase_add_test(tests, floors);
    tcase_add_test(tests, skipped_and_repeated_times);
    tcase_add_test(tests, zone_names);
    tcase_add_test(tests, zones_as_the_c_library_reads_them);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
