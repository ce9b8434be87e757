/* calendar.h - instants, dates, durations and zones. Proleptic Gregorian; no leap seconds. */
#ifndef SCRIP_CORE_CALENDAR_H
#define SCRIP_CORE_CALENDAR_H

#include <scrip/plugin.h>

#define TIME_TEXT_SIZE 40 /* "9999-12-31T23:59:59.999999Z" and its NUL */

/* These are the host's time services; see plugin.h. Zones: "" and "UTC", "+HH:MM", "-HH:MM", IANA names read from the
 * system's zone files (kept once read). Thread-safe. */
int time_parse(const char *text, uint64_t size, const char *format, const char *zone, int64_t *out_us);
uint64_t time_write(int64_t time_us, char *out, uint64_t out_size);
int time_add(int64_t time_us, const char *duration, int64_t count, const char *zone, int64_t *out_us);
int time_floor(int64_t time_us, const char *unit, const char *zone, int64_t *out_us);
/* The period anchor + n x duration that holds an instant: *start_us <= time_us < *end_us. Each is counted from the anchor, so
 * that the 31st stays the 31st where a month has one. INT64_MIN or INT64_MAX: it has no start or end in the years that there
 * are. SCRIP_EINVALID: no such duration or zone. */
int time_period(int64_t anchor_us, const char *duration, const char *zone, int64_t time_us, int64_t *start_us, int64_t *end_us);

/* 0, or SCRIP_EINVALID for a zone or duration that is not one. */
int zone_check(const char *zone);
int duration_check(const char *duration);
/* A duration without months or years in microseconds; SCRIP_EINVALID otherwise. */
int duration_us(const char *duration, int64_t *out_us);

/* Days and months since 1970 of an instant in UTC; floors. */
int64_t day_of(int64_t time_us);
int64_t month_of(int64_t time_us);
int64_t day_start(int64_t day);
int64_t month_start(int64_t month);

#endif
