/* period.h - the periods over which services count: calendar ones in a zone, or months and days from an anchor. */
#ifndef SCRIP_PERIOD_H
#define SCRIP_PERIOD_H

#include <scrip/plugin.h>

#include <string.h>

/* [start, end), or all of time where the option `period` is none. */
struct period {
    int64_t start_us, end_us;
};

enum period_unit { PERIOD_NONE, PERIOD_HOUR, PERIOD_DAY, PERIOD_MONTH, PERIOD_QUARTER, PERIOD_YEAR };

#define PERIOD_CHOICES "none,hour,day,month,quarter,year"
#define PERIOD_OPTION(fallback_, help_) { "period", SCRIP_OPTION_CHOICE, (fallback_), PERIOD_CHOICES, 0, (help_) }
#define PERIOD_OPTION_ANCHOR                                                                                  \
    {                                                                                                         \
        "anchor", SCRIP_OPTION_TIME, NULL, NULL, 0,                                                           \
            "periods start here and whole periods before and after it; absent: the calendar's"                \
    }
#define PERIOD_OPTIONS_ZONE                                                                                   \
    { "zone", SCRIP_OPTION_ZONE, "UTC", NULL, 0, "of days, months and longer" },                              \
    {                                                                                                         \
        "zone_by", SCRIP_OPTION_CHOICE, "section", "section,account", 0,                                      \
            "section: the key `zone`; account: each account's own, UTC where it has none"               \
    }

/* A length of time is a number of seconds: months have none. */
static inline int length_check(struct scrip_ctx *ctx, const char *key)
{
    const char *text = ctx->host->option_text(ctx, key), *clock = strchr(text, 'T');
    const char *months = text[0] == 'P' ? strpbrk(text, "YM") : NULL;

    if (ctx->host->option_int(ctx, key) < 0 || (months != NULL && (clock == NULL || months < clock)))
        return scrip_fail(ctx, SCRIP_EINVALID,
                          "%s: %s: want a length without months, such as 35d, 15m or PT1H, got '%s'",
                          ctx->host->option_where(ctx, key), key, text);
    return SCRIP_OK;
}

/* Whose midnight counts. */
static inline const char *period_zone(struct scrip_ctx *ctx)
{
    return ctx->host->option_int(ctx, "zone_by") ? ctx->host->account_zone(ctx) : ctx->host->option_text(ctx, "zone");
}

/* The period that starts `anchor` + n durations and holds the time. The first guess takes months as short as they can
 * be in the mean, so that it is never far off; the rest are steps. */
static inline int period_from_anchor(struct scrip_ctx *ctx, int64_t time_us, int64_t unit, const char *duration,
                                     const char *zone, struct period *out)
{
    static const int64_t hours[] = { 0, 1, 24, 730, 2191, 8766 };
    int64_t anchor = ctx->host->option_int(ctx, "anchor"), length = hours[unit] * 3600 * SCRIP_SECOND;
    int64_t count = (time_us - anchor) / length - 1;

    for (;; count++) {
        if (ctx->host->time_add(anchor, duration, count, zone, &out->start_us) < 0 ||
            ctx->host->time_add(anchor, duration, count + 1, zone, &out->end_us) < 0)
            return SCRIP_ERANGE;
        if (out->start_us > time_us)
            count -= 2;
        else if (time_us < out->end_us)
            return SCRIP_OK;
    }
}

static inline int period_from_calendar(struct scrip_ctx *ctx, int64_t time_us, int64_t unit, const char *duration,
                                       const char *zone, struct period *out)
{
    static const char *const floors[] = { "", "hour", "day", "month", "year", "year" };
    int64_t first_us;

    if (ctx->host->time_floor(time_us, floors[unit], zone, &out->start_us) < 0 ||
        ctx->host->time_add(out->start_us, duration, 1, zone, &out->end_us) < 0)
        return SCRIP_ERANGE;
    first_us = out->start_us;
    for (int64_t count = 1; out->end_us <= time_us; count++) /* quarters only: the next ones of the year */
        if (ctx->host->time_add(first_us, duration, count, zone, &out->start_us) < 0 ||
            ctx->host->time_add(first_us, duration, count + 1, zone, &out->end_us) < 0)
            return SCRIP_ERANGE;
    return SCRIP_OK;
}

/* The period of the options `period`, `anchor`, `zone` and `zone_by` that holds a time. */
static inline int period_at(struct scrip_ctx *ctx, int64_t time_us, struct period *out)
{
    static const char *const durations[] = { "", "PT1H", "P1D", "P1M", "P3M", "P1Y" };
    int64_t unit = ctx->host->option_int(ctx, "period");
    const char *zone = period_zone(ctx);
    int code;

    out->start_us = SCRIP_TIME_MIN;
    out->end_us = SCRIP_TIME_NONE;
    if (unit == PERIOD_NONE)
        return SCRIP_OK;
    code = ctx->host->option_given(ctx, "anchor")
               ? period_from_anchor(ctx, time_us, unit, durations[unit], zone, out)
               : period_from_calendar(ctx, time_us, unit, durations[unit], zone, out);
    return code < 0 ? scrip_fail(ctx, SCRIP_ERANGE, "time: its period cannot be found in zone %s", zone) : SCRIP_OK;
}

#endif
