/* window.c - meters that look at when usage happened: how long a session was, when it was sampled, how many ran.
 *
 *   session   seconds from time to end, at least `minimum`, in started `step`s; rate / per 3600 is then by the hour
 *   samples   the instants of a clock (`every` hour) that the session covers; one between two of them costs nothing
 *   whole     whole units of the quantity only; what is left over is carried to the next usage, whenever that is
 *   peak      the most that ran at once in any interval of a period (window_peak.h)
 *   net       one product's charges of a day above a share of others' (window_net.h)
 */
#include "window_net.h"
#include "window_peak.h"

enum meter { METER_SESSION, METER_SAMPLES, METER_WHOLE, METER_PEAK, METER_NET };

static const struct scrip_option options[] = {
    { "meter", SCRIP_OPTION_CHOICE, NULL, "session,samples,whole,peak,net", 1, "what is counted" },
    SHEET_OPTIONS,
    { "minimum", SCRIP_OPTION_DURATION, NULL, NULL, 0, "session: it counts as at least so long" },
    { "step", SCRIP_OPTION_DURATION, NULL, NULL, 0, "session: counts in started steps of this; absent: exactly" },
    { "every", SCRIP_OPTION_DURATION, NULL, NULL, 0,
      "samples: between two of them, from midnight UTC; peak: an interval's length" },
    { "whole", SCRIP_OPTION_DECIMAL, NULL, NULL, 0, "whole: a unit's size" },
    USAGE_OPTION_COUNT_BY,
    { "who", SCRIP_OPTION_NAME, NULL, NULL, 0,
      "peak: the attribute that tells one machine from another; absent: the user" },
    { "of", SCRIP_OPTION_CHOICE, "sessions", "sessions,quantity", 0,
      "peak: sessions run side by side, each `who` once; quantity: an event tells how many there are at its time" },
    { "charge", SCRIP_OPTION_CHOICE, "growth", "growth,period", 0,
      "peak: what a usage raises it by, when it does; or all of it at the period's end" },
    { "base", SCRIP_OPTION_LIST, NULL, NULL, 0, "net: the products whose charges allow for the netted one's" },
    { "netted", SCRIP_OPTION_NAME, NULL, NULL, 0, "net: the product charged at the period's end for what is above" },
    { "allowance", SCRIP_OPTION_DECIMAL, NULL, NULL, 0, "net: so much of the base's charges, 0.1 is 10 %" },
    PERIOD_OPTION(NULL, "peak and net: over which they are counted"),
    PERIOD_OPTION_ANCHOR,
    PERIOD_OPTIONS_ZONE,
    { "keep", SCRIP_OPTION_DURATION, "35d", NULL, 0,
      "peak and net: so long after its end late events still count in a period" },
    SCRIP_OPTIONS_END,
};

/* Which meter needs a key, and which ones take it: by bits. */
static const struct {
    const char *key;
    unsigned takes, needs;
} uses[] = {
    { "minimum", 1 << METER_SESSION, 0 },
    { "step", 1 << METER_SESSION, 0 },
    { "every", 1 << METER_SAMPLES | 1 << METER_PEAK, 1 << METER_SAMPLES },
    { "whole", 1 << METER_WHOLE, 1 << METER_WHOLE },
    { "who", 1 << METER_PEAK, 0 },
    { "base", 1 << METER_NET, 1 << METER_NET },
    { "netted", 1 << METER_NET, 1 << METER_NET },
    { "allowance", 1 << METER_NET, 1 << METER_NET },
    { "period", 1 << METER_PEAK | 1 << METER_NET, 1 << METER_PEAK | 1 << METER_NET },
    { "anchor", 1 << METER_PEAK | 1 << METER_NET, 0 },
    { "currencies", 1 << METER_SESSION | 1 << METER_SAMPLES | 1 << METER_WHOLE, 0 },
};
static const char *const meter_names[] = { "session", "samples", "whole", "peak", "net" };

static int open_window(struct scrip_ctx *ctx)
{
    static const char *const lengths[] = { "minimum", "keep", "step", "every" }; /* the last two above 0 */
    unsigned meter = 1U << ctx->host->option_int(ctx, "meter");
    const char *name = meter_names[ctx->host->option_int(ctx, "meter")];
    struct scrip_decimal whole;
    int code;

    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        if ((uses[i].needs & meter) && !ctx->host->option_given(ctx, uses[i].key))
            return scrip_fail(ctx, SCRIP_EINVALID, "%s: missing: meter = %s needs it", uses[i].key, name);
        if (!(uses[i].takes & meter) && ctx->host->option_given(ctx, uses[i].key))
            return scrip_fail(ctx, SCRIP_EINVALID, "%s: %s: means nothing to meter = %s: leave it out",
                              ctx->host->option_where(ctx, uses[i].key), uses[i].key, name);
    }
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        if (length_check(ctx, lengths[i]) < 0)
            return SCRIP_EINVALID;
        if (i >= 2 && ctx->host->option_given(ctx, lengths[i]) && ctx->host->option_int(ctx, lengths[i]) == 0)
            return scrip_fail(ctx, SCRIP_EINVALID, "%s: %s: want a length above 0",
                              ctx->host->option_where(ctx, lengths[i]), lengths[i]);
    }
    ctx->host->option_decimal(ctx, "whole", &whole);
    if (ctx->host->option_given(ctx, "whole") && (number_is_negative(whole) || number_is_zero(whole)))
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: whole: want a size above 0", ctx->host->option_where(ctx, "whole"));
    if (ctx->host->option_given(ctx, "period") && ctx->host->option_int(ctx, "period") == PERIOD_NONE)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: period: want hour, day, month, quarter or year",
                          ctx->host->option_where(ctx, "period"));
    if ((code = sheet_open(ctx, sizeof(struct sheet), 0)) < 0)
        return code;
    return meter == 1U << METER_PEAK ? peak_open(ctx) : meter == 1U << METER_NET ? net_open(ctx) : SCRIP_OK;
}

/* How long a session counts, in seconds. */
static int session_seconds(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_decimal *out)
{
    int64_t length = event->end_us - event->time_us, minimum = ctx->host->option_int(ctx, "minimum");
    int64_t step = ctx->host->option_given(ctx, "step") ? ctx->host->option_int(ctx, "step") : 1;
    struct calc c = { ctx, SCRIP_OK };

    if (length < minimum)
        length = minimum;
    length = (length + step - 1) / step * step;
    *out = calc_divide(&c, (struct scrip_decimal){ length, 0 }, (struct scrip_decimal){ SCRIP_SECOND, 0 },
                       SCRIP_HALF_EVEN);
    *out = calc_multiply(&c, *out, event->quantity);
    return c.code;
}

/* The instants of the clock in [time, end), for each of the quantity. */
static int session_samples(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_decimal *out)
{
    int64_t every = ctx->host->option_int(ctx, "every");
    struct calc c = { ctx, SCRIP_OK };
    struct scrip_decimal samples = { clock_after(event->end_us, every) - clock_after(event->time_us, every), 0 };

    *out = calc_multiply(&c, samples, event->quantity);
    return c.code;
}

/* What is whole of the quantity and what was carried; the rest is carried on. */
static int whole_units(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_decimal *out)
{
    struct calc c = { ctx, SCRIP_OK };
    struct scrip_decimal carried = { 0, 0 }, unit;
    struct usage_key key;
    char bytes[16];
    uint64_t size = sizeof bytes;
    int code;

    if (number_is_negative(event->quantity))
        return scrip_fail(ctx, SCRIP_EINVALID, "quantity: below 0: it cannot be carried");
    if (usage_key_of(ctx, 'W', SCRIP_TIME_MIN, event, &key) < 0)
        return SCRIP_ELIMIT;
    code = ctx->host->state_get(ctx, key.bytes, key.size, bytes, &size);
    if (code < 0 && code != SCRIP_ENOTFOUND)
        return code;
    if (code == SCRIP_OK)
        decimal_read_bytes(bytes, &carried);
    ctx->host->option_decimal(ctx, "whole", &unit);
    carried = calc_add(&c, carried, event->quantity);
    *out = calc_round(&c, carried, unit, SCRIP_DOWN);
    carried = calc_subtract(&c, carried, *out);
    if (c.code < 0)
        return scrip_fail(ctx, c.code, "quantity: out of range");
    decimal_write_bytes(bytes, &carried);
    return ctx->host->state_put(ctx, key.bytes, key.size, bytes, sizeof bytes, SCRIP_TIME_NONE);
}

static int session_price(struct scrip_ctx *ctx, const struct scrip_event *event, int64_t meter, struct scrip_quote *out)
{
    struct sheet_ask ask = { event->product, event->unit, event->time_us, { 0, 0 }, NULL, 1 };
    int code = meter == METER_SESSION   ? session_seconds(ctx, event, &ask.quantity)
               : meter == METER_SAMPLES ? session_samples(ctx, event, &ask.quantity)
                                        : whole_units(ctx, event, &ask.quantity);

    if (code < 0)
        return code;
    ctx->host->verdict(ctx, out, SCRIP_PRICED);
    code = sheet_price(ctx, ctx->self, &ask, out);
    return code == 0 ? sheet_unpriced(ctx, &ask, out) : code < 0 ? code : SCRIP_OK;
}

static int quote(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    int64_t meter = ctx->host->option_int(ctx, "meter");
    int needs_end = meter == METER_SESSION || meter == METER_SAMPLES || (meter == METER_PEAK && peak_of_sessions(ctx));

    if (!sheet_knows(ctx->self, event->product))
        return SCRIP_OK; /* another service may have a price */
    if (needs_end && event->end_us == SCRIP_TIME_NONE) {
        ctx->host->verdict(ctx, out, SCRIP_UNPRICED);
        scrip_fail(ctx, SCRIP_ENOTFOUND, "end: missing: a session has the time of its end, and meter = %s counts by it",
                   meter_names[meter]);
        return SCRIP_OK;
    }
    return meter == METER_PEAK  ? peak_quote(ctx, event, out)
           : meter == METER_NET ? net_quote(ctx, event, out)
                                : session_price(ctx, event, meter, out);
}

static int timer(struct scrip_ctx *ctx, const void *key, uint64_t key_size, int64_t due_us, struct scrip_quote *out)
{
    return ctx->host->option_int(ctx, "meter") == METER_PEAK ? peak_timer(ctx, key, key_size, due_us, out)
                                                             : net_timer(ctx, key, key_size, due_us, out);
}

SCRIP_SERVICE_PLUGIN("window", "sessions, samples, whole units, peaks and net charges over time", .options = options,
                     .open = open_window, .close = sheet_close, .quote = quote, .timer = timer);
