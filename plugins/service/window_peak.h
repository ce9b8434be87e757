/* window_peak.h - the most that ran at once in any interval of a period.
 *
 * Time is cut into intervals from midnight UTC. A session runs in those that begin while it does, so that the first,
 * partial one does not count. Kept for each interval: who ran in it, as hashes in blocks of 512; for each period: the
 * peak so far. What raises it is charged as it does, dated by the interval that did, or all of it at the period's end.
 */
#ifndef SCRIP_WINDOW_PEAK_H
#define SCRIP_WINDOW_PEAK_H

#include "period.h"
#include "sheet.h"
#include "usage.h"

#define PEAK_INTERVALS 10000 /* of one session */
#define PEAK_BLOCKS 26       /* of one interval */
#define PEAK_BLOCK_SIZE SCRIP_STATE_VALUE_SIZE

struct peak {
    struct scrip_decimal most;
    int64_t is_closed;
    struct period period;
    struct usage_key key;
    struct scrip_decimal before; /* as it was stored */
    int64_t raised_us;           /* where it was raised first; SCRIP_TIME_NONE: it was not */
};

/* How many instants of a clock are before a time. */
static inline int64_t clock_after(int64_t time_us, int64_t every_us)
{
    int64_t count = time_us / every_us;

    return count + (count * every_us < time_us);
}

static int peak_of_sessions(struct scrip_ctx *ctx)
{
    return ctx->host->option_int(ctx, "of") == 0;
}

static int peak_open(struct scrip_ctx *ctx)
{
    if (peak_of_sessions(ctx) != ctx->host->option_given(ctx, "every"))
        return scrip_fail(ctx, SCRIP_EINVALID, "every: want it with of = sessions, and without it for of = quantity");
    if (ctx->host->option_int(ctx, "count_by") != COUNT_BY_PRODUCT)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: count_by: a peak is of each product: leave it out",
                          ctx->host->option_where(ctx, "count_by"));
    return SCRIP_OK;
}

static int peak_load(struct scrip_ctx *ctx, int64_t time_us, const char *product, struct peak *out)
{
    char bytes[24];
    uint64_t size = sizeof bytes;
    int code;

    memset(out, 0, sizeof *out);
    out->raised_us = SCRIP_TIME_NONE;
    if (period_at(ctx, time_us, &out->period) < 0 ||
        usage_key(ctx, 'P', out->period.start_us, product, "", &out->key) < 0)
        return SCRIP_EINVALID;
    code = ctx->host->state_get(ctx, out->key.bytes, out->key.size, bytes, &size);
    if (code < 0)
        return code == SCRIP_ENOTFOUND ? SCRIP_OK : code;
    decimal_read_bytes(bytes, &out->most);
    out->is_closed = int64_read(bytes + 16);
    out->before = out->most;
    return SCRIP_OK;
}

/* Stores a peak that was raised, and charges for it if it is time. Returns how many lines, or the fault. */
static int peak_settle(struct scrip_ctx *ctx, const struct scrip_event *event, struct peak *peak,
                       struct scrip_quote *out)
{
    struct sheet_ask ask = { event->product, event->unit, peak->raised_us, { 0, 0 }, NULL, 1 };
    struct calc c = { ctx, SCRIP_OK };
    char bytes[24];
    int code;

    if (peak->raised_us == SCRIP_TIME_NONE)
        return 0;
    decimal_write_bytes(bytes, &peak->most);
    int64_write(bytes + 16, peak->is_closed);
    code = ctx->host->state_put(ctx, peak->key.bytes, peak->key.size, bytes, sizeof bytes,
                                peak->period.end_us + ctx->host->option_int(ctx, "keep"));
    if (code < 0)
        return code;
    if (ctx->host->option_int(ctx, "charge") == 1 && !peak->is_closed) {
        code = ctx->host->timer_set(ctx, peak->key.bytes, peak->key.size, peak->period.end_us - 1);
        return code < 0 ? code : 0;
    }
    ask.quantity = calc_subtract(&c, peak->most, peak->before);
    if (ask.time_us < event->time_us)
        ask.time_us = event->time_us;
    code = sheet_price(ctx, ctx->self, &ask, out);
    return code == 0 ? scrip_fail(ctx, SCRIP_ENOTFOUND,
                                  "product '%s': the sheet has it, but no row for this time: add one", event->product)
                     : code;
}

/* Adds one to those who run in an interval, unless it is there. *count: how many there are. 1: it is new. */
static int interval_add(struct scrip_ctx *ctx, const struct scrip_event *event, int64_t start_us, uint64_t who,
                        int64_t *count)
{
    char bytes[PEAK_BLOCK_SIZE];
    struct usage_key key;
    uint64_t size;

    *count = 0;
    for (int block = 0; block < PEAK_BLOCKS; block++) {
        int code;

        size = sizeof bytes;
        if (usage_key(ctx, (char)('a' + block), start_us, event->product, "", &key) < 0)
            return SCRIP_ELIMIT;
        code = ctx->host->state_get(ctx, key.bytes, key.size, bytes, &size);
        if (code < 0 && code != SCRIP_ENOTFOUND)
            return code;
        size = code == SCRIP_ENOTFOUND ? 0 : size;
        for (uint64_t i = 0; i < size; i += 8)
            if ((uint64_t)int64_read(bytes + i) == who)
                return 0;
        *count += (int64_t)size / 8;
        if (size == sizeof bytes)
            continue;
        int64_write(bytes + size, (int64_t)who);
        ++*count;
        code = ctx->host->state_put(ctx, key.bytes, key.size, bytes, size + 8,
                                    start_us + ctx->host->option_int(ctx, "keep"));
        return code < 0 ? code : 1;
    }
    return scrip_fail(ctx, SCRIP_ELIMIT, "peak: more than %d at once in one interval",
                      PEAK_BLOCKS * PEAK_BLOCK_SIZE / 8);
}

static void peak_raise(struct scrip_ctx *ctx, struct peak *peak, struct scrip_decimal count, int64_t time_us)
{
    if (ctx->host->decimal_compare(&count, &peak->most) <= 0)
        return;
    peak->most = count;
    if (peak->raised_us == SCRIP_TIME_NONE)
        peak->raised_us = time_us;
}

/* The intervals of a session, period by period. Returns how many lines, or the fault. */
static int peak_sessions(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    const char *name = ctx->host->option_text(ctx, "who");
    const char *who = name[0] ? usage_attribute(event, name) : event->user;
    int64_t every = ctx->host->option_int(ctx, "every"), first = clock_after(event->time_us, every);
    int64_t end = clock_after(event->end_us, every), count;
    struct peak peak = { .period = { 0, SCRIP_TIME_MIN } };
    int lines = 0, code;

    if (who == NULL || who[0] == 0)
        return scrip_fail(ctx, SCRIP_ENOTFOUND, "%s%s: missing: a peak counts each once",
                          name[0] ? "attribute " : "user", name);
    if (end - first > PEAK_INTERVALS)
        return scrip_fail(ctx, SCRIP_ELIMIT, "end: a session of more than %d intervals: split it", PEAK_INTERVALS);
    for (int64_t at = first; at < end; at++) {
        if (at * every >= peak.period.end_us) {
            if (at > first && (code = peak_settle(ctx, event, &peak, out)) < 0)
                return code;
            lines += at > first ? code : 0;
            if ((code = peak_load(ctx, at * every, event->product, &peak)) < 0)
                return code;
        }
        if ((code = interval_add(ctx, event, at * every, ctx->host->hash(who, strlen(who)), &count)) < 0)
            return code;
        if (code > 0)
            peak_raise(ctx, &peak, (struct scrip_decimal){ count, 0 }, at * every);
    }
    code = first < end ? peak_settle(ctx, event, &peak, out) : 0;
    return code < 0 ? code : lines + code;
}

static int peak_quote(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    struct peak peak;
    int code;

    if (peak_of_sessions(ctx))
        code = peak_sessions(ctx, event, out);
    else if ((code = peak_load(ctx, event->time_us, event->product, &peak)) == SCRIP_OK) {
        peak_raise(ctx, &peak, event->quantity, event->time_us);
        code = peak_settle(ctx, event, &peak, out);
    }
    if (code < 0 && code != SCRIP_ENOTFOUND)
        return code;
    ctx->host->verdict(ctx, out, code > 0 ? SCRIP_PRICED : code == 0 ? SCRIP_FREE : SCRIP_UNPRICED);
    return SCRIP_OK;
}

static int peak_timer(struct scrip_ctx *ctx, const void *bytes, uint64_t size, int64_t due_us, struct scrip_quote *out)
{
    struct sheet_ask ask = { NULL, NULL, due_us, { 0, 0 }, NULL, 1 };
    struct usage_names names;
    struct peak peak;
    char kept[24];
    int code;

    if (usage_names(ctx, bytes, size, &names) < 0 || peak_load(ctx, names.start_us, names.product, &peak) < 0)
        return SCRIP_EINVALID;
    if (peak.is_closed || number_is_zero(peak.most))
        return SCRIP_OK; /* done, or what raised it was refused */
    ask.product = names.product;
    ask.quantity = peak.most;
    if (ctx->host->usage_name(ctx, out, names.product, "") < 0)
        return SCRIP_EINVALID;
    ctx->host->verdict(ctx, out, SCRIP_PRICED);
    if ((code = sheet_price(ctx, ctx->self, &ask, out)) <= 0)
        return code < 0 ? code
                        : scrip_fail(ctx, SCRIP_ENOTFOUND, "product '%s': no row for the period's end", ask.product);
    decimal_write_bytes(kept, &peak.most);
    int64_write(kept + 16, 1);
    return ctx->host->state_put(ctx, peak.key.bytes, peak.key.size, kept, sizeof kept,
                                peak.period.end_us + ctx->host->option_int(ctx, "keep"));
}

#endif
