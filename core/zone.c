/* zone.c - offsets of zones: fixed ones, and TZif files (RFC 8536) read once and kept. */
#include "zone.h"

#include "error.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZONE_FOLDER "/usr/share/zoneinfo"
#define ZONE_LIMIT 1024
#define ZONE_FILE_SIZE 65536

/* The rule behind a table's end: "CET-1CEST,M3.5.0,M10.5.0/3". */
struct rule {
    int month, week, weekday; /* Mm.w.d; or a day of the year where month is 0 */
    int day, is_julian;
    int64_t time_s;
};

struct zone {
    struct zone *next;
    char name[64];
    int64_t *at;
    int64_t *offset; /* from at[i] on */
    size_t count;
    int64_t first; /* before the table */
    int64_t standard, summer;
    int has_footer, has_summer;
    struct rule start, end;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct zone *zones; /* a cache of what files say, the same for every host of the process */
static size_t zone_count;

/* ---- the footer ----------------------------------------------------------------------------------------------- */

static const char *name_skip(const char *at)
{
    if (*at == '<') {
        at = strchr(at, '>');
        return at ? at + 1 : NULL;
    }
    while ((*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z'))
        at++;
    return at;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static const char *clock_read(const char *at, int64_t *out)
{
    int64_t parts[3] = { 0, 0, 0 };
    int sign = 1, n = 0;

    if (*at == '-' || *at == '+')
        sign = *at++ == '-' ? -1 : 1;
    do {
        if (n > 0)
            at++;
        for (; *at >= '0' && *at <= '9'; at++)
            parts[n] = parts[n] * 10 + (*at - '0');
    } while (*at == ':' && ++n < 3);
    *out = sign * (parts[0] * 3600 + parts[1] * 60 + parts[2]);
    return at;
}

static const char *rule_read(const char *at, struct rule *rule)
{
    memset(rule, 0, sizeof *rule);
    rule->time_s = 7200;
    if (*at++ != ',')
        return NULL;
    if (*at == 'M') {
        int used = 0;

        if (sscanf(at, "M%2d.%1d.%1d%n", &rule->month, &rule->week, &rule->weekday, &used) != 3)
            return NULL;
        at += used;
    } else {
        rule->is_julian = *at == 'J';
        rule->day = (int)strtol(at + rule->is_julian, (char **)&at, 10);
    }
    return *at == '/' ? clock_read(at + 1, &rule->time_s) : at;
}

static void footer_read(struct zone *zone, const char *text)
{
    const char *at = name_skip(text);

    if (at == NULL || at == text)
        return;
    at = clock_read(at, &zone->standard);
    zone->standard = -zone->standard;
    zone->has_footer = 1;
    if (*at == 0)
        return;
    at = name_skip(at);
    zone->summer = zone->standard + 3600;
    if (at != NULL && *at != ',') {
        at = clock_read(at, &zone->summer);
        zone->summer = -zone->summer;
    }
    if (at != NULL && (at = rule_read(at, &zone->start)) != NULL && rule_read(at, &zone->end) != NULL)
        zone->has_summer = 1;
}

/* Days since 1970 of a date. */
static int64_t days_from(int64_t year, int month, int day)
{
    int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400, of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* The local second of a year at which a rule takes hold, as if local time were UTC. */
static int64_t rule_second(const struct rule *rule, int64_t year)
{
    int64_t day;

    if (rule->month == 0) {
        day = days_from(year, 1, 1) + rule->day;
        if (rule->is_julian)
            day -= !(is_leap(year) && rule->day >= 60);
    } else {
        int64_t first = days_from(year, rule->month, 1);
        int64_t next = rule->month == 12 ? days_from(year + 1, 1, 1) : days_from(year, rule->month + 1, 1);
        int weekday = (int)(((first + 4) % 7 + 7) % 7);

        day = first + (rule->weekday - weekday + 7) % 7 + (rule->week - 1) * 7;
        while (day >= next)
            day -= 7;
    }
    return day * 86400 + rule->time_s;
}

static int64_t footer_offset(const struct zone *zone, int64_t at_s)
{
    int64_t local = at_s + zone->standard, year = 1970 + local / 31556952, start, end;

    if (!zone->has_summer)
        return zone->standard;
    while (days_from(year + 1, 1, 1) * 86400 <= local)
        year++;
    while (days_from(year, 1, 1) * 86400 > local)
        year--;
    start = rule_second(&zone->start, year) - zone->standard;
    end = rule_second(&zone->end, year) - zone->summer;
    if (start < end)
        return at_s >= start && at_s < end ? zone->summer : zone->standard;
    return at_s >= end && at_s < start ? zone->standard : zone->summer;
}

/* ---- the file ------------------------------------------------------------------------------------------------- */

static int64_t big_endian(const unsigned char *at, int size)
{
    int64_t value = (signed char)at[0];

    for (int i = 1; i < size; i++)
        value = (int64_t)((uint64_t)value << 8 | at[i]);
    return value;
}

struct header {
    int64_t utc, standard, leap, time, type, character;
};

static int header_read(const unsigned char *at, size_t size, struct header *out)
{
    if (size < 44 || memcmp(at, "TZif", 4) != 0)
        return SCRIP_EINVALID;
    out->utc = big_endian(at + 20, 4);
    out->standard = big_endian(at + 24, 4);
    out->leap = big_endian(at + 28, 4);
    out->time = big_endian(at + 32, 4);
    out->type = big_endian(at + 36, 4);
    out->character = big_endian(at + 40, 4);
    return out->type < 1 || out->time < 0 || out->time > ZONE_FILE_SIZE || out->type > 256 ? SCRIP_EINVALID
                                                                                           : SCRIP_OK;
}

static size_t body_size(const struct header *h, int time_size)
{
    return (size_t)(h->time * (time_size + 1) + h->type * 6 + h->character + h->leap * (time_size + 4) + h->standard +
                    h->utc);
}

/* The second, 64-bit body of a file, and its footer. */
static int zone_parse(struct zone *zone, unsigned char *file, size_t size)
{
    struct header h;
    const unsigned char *at = file, *types, *indexes;
    size_t skip, body;
    char *footer;

    if (header_read(at, size, &h) < 0 || at[4] < '2')
        return SCRIP_EINVALID;
    skip = 44 + body_size(&h, 4);
    if (skip >= size || header_read(at + skip, size - skip, &h) < 0)
        return SCRIP_EINVALID;
    at += skip + 44;
    body = body_size(&h, 8);
    if ((size_t)(file + size - at) < body + 1)
        return SCRIP_EINVALID;
    indexes = at + h.time * 8;
    types = indexes + h.time;
    zone->count = (size_t)h.time;
    zone->at = memory_get((zone->count + 1) * sizeof *zone->at);
    zone->offset = memory_get((zone->count + 1) * sizeof *zone->offset);
    zone->first = big_endian(types, 4);
    for (size_t i = 0; i < zone->count; i++) {
        if (indexes[i] >= h.type)
            return SCRIP_EINVALID;
        zone->at[i] = big_endian(at + i * 8, 8);
        zone->offset[i] = big_endian(types + indexes[i] * 6, 4);
    }
    file[size] = 0;
    footer = (char *)at + body;
    if (*footer == '\n') {
        footer[strcspn(footer + 1, "\n") + 1] = 0;
        footer_read(zone, footer + 1);
    }
    return SCRIP_OK;
}

static struct zone *zone_load(const char *name)
{
    unsigned char *file;
    struct zone *zone = NULL;
    char path[160];
    size_t size;
    FILE *in;

    if (name[0] == '/' || strstr(name, "..") != NULL || strlen(name) >= sizeof zone->name || zone_count >= ZONE_LIMIT)
        return NULL;
    snprintf(path, sizeof path, "%s/%s", ZONE_FOLDER, name);
    if ((in = fopen(path, "rb")) == NULL)
        return NULL;
    file = memory_get(ZONE_FILE_SIZE + 1);
    size = fread(file, 1, ZONE_FILE_SIZE, in);
    fclose(in);
    zone = memory_get(sizeof *zone);
    memcpy(zone->name, name, strlen(name) + 1);
    if (zone_parse(zone, file, size) < 0) {
        free(zone->at);
        free(zone->offset);
        free(zone);
        zone = NULL;
    } else {
        zone->next = zones;
        zones = zone;
        zone_count++;
    }
    free(file);
    return zone;
}

static int64_t table_offset(const struct zone *zone, int64_t at_s)
{
    size_t low = 0, high = zone->count;

    if (zone->count == 0 || at_s < zone->at[0])
        return zone->count == 0 && zone->has_footer ? footer_offset(zone, at_s) : zone->first;
    if (at_s >= zone->at[zone->count - 1] && zone->has_footer)
        return footer_offset(zone, at_s);
    while (high - low > 1) {
        size_t middle = (low + high) / 2;

        if (zone->at[middle] <= at_s)
            low = middle;
        else
            high = middle;
    }
    return zone->offset[low];
}

/* Two digits, or -1. */
static int two_digits(const char *at)
{
    return at[0] >= '0' && at[0] <= '9' && at[1] >= '0' && at[1] <= '9' ? (at[0] - '0') * 10 + at[1] - '0' : -1;
}

/* "+HH:MM", "-HHMM", "+HH". */
static int fixed_offset(const char *zone, int64_t *out)
{
    int hours = two_digits(zone + 1), minutes = 0;

    if (hours < 0 || hours > 18)
        return SCRIP_EINVALID;
    if (zone[3] != 0) {
        const char *at = zone + 3 + (zone[3] == ':');

        minutes = two_digits(at);
        if (minutes < 0 || minutes > 59 || at[2] != 0)
            return SCRIP_EINVALID;
    }
    *out = (hours * 3600 + minutes * 60) * (zone[0] == '-' ? -1 : 1);
    return SCRIP_OK;
}

int zone_offset(const char *zone, int64_t at_s, int64_t *out_s)
{
    struct zone *found;
    int code = SCRIP_OK;

    if (zone == NULL || zone[0] == 0 || strcmp(zone, "UTC") == 0 || strcmp(zone, "Z") == 0) {
        *out_s = 0;
        return SCRIP_OK;
    }
    if (zone[0] == '+' || zone[0] == '-')
        return fixed_offset(zone, out_s);
    pthread_mutex_lock(&lock);
    for (found = zones; found != NULL && strcmp(found->name, zone) != 0;)
        found = found->next;
    if (found == NULL)
        found = zone_load(zone);
    if (found == NULL)
        code = SCRIP_EINVALID;
    else
        *out_s = table_offset(found, at_s);
    pthread_mutex_unlock(&lock);
    return code;
}
