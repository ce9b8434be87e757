/* daily.c - prices by the day of one user and product: a rolling window of 24 hours from the first use, or the
 * calendar's.
 *
 * A window is opened by a use that no window covers, and renewed while a session goes on; each is a line of the quote
 * at the window's own start. What it keeps for a user and product: the starts of its last windows, newest last, so that
 * a late use inside an earlier window stays free. A use before all that are kept opens one of its own.
 *
 * A session may tell when it was idle, in an attribute: a day that would begin in such a time begins where work goes
 * on.
 */
#include "period.h"
#include "sheet.h"
#include "usage.h"

#define WINDOWS_KEPT 8
#define DAY_US (INT64_C(86400) * SCRIP_SECOND)
#define KEEP_US (7 * DAY_US)

static const struct scrip_option options[] = {
    SHEET_OPTIONS,
    SHEET_OPTION_GATE,
    { "window", SCRIP_OPTION_CHOICE, "24h", "24h,calendar", 0,
      "24 hours from the first use, or calendar days of the zone" },
    PERIOD_OPTIONS_ZONE,
    { "grace", SCRIP_OPTION_DURATION, "5m", NULL, 0, "a session of at most this length costs nothing" },
    { "idle", SCRIP_OPTION_NAME, NULL, NULL, 0,
      "the attribute that tells a session's idle times: START/END, START/END ..." },
    { "idle_after", SCRIP_OPTION_DURATION, "15m", NULL, 0,
      "so long into an idle time no new day is charged until it ends" },
    SCRIP_OPTIONS_END,
};

struct windows {
    int64_t starts[WINDOWS_KEPT];
    uint64_t count;
};

static int open_sheet(struct scrip_ctx *ctx)
{
    if (length_check(ctx, "grace") < 0 || length_check(ctx, "idle_after") < 0)
        return SCRIP_EINVALID;
    return sheet_open(ctx, sizeof(struct sheet), 1);
}

static int is_calendar(struct scrip_ctx *ctx)
{
    return ctx->host->option_int(ctx, "window") == 1;
}

/* The window that a use at `time` would open: [start, end). */
static int window_at(struct scrip_ctx *ctx, int64_t time_us, int64_t *start, int64_t *end)
{
    const char *zone;

    if (!is_calendar(ctx)) {
        *start = time_us;
        *end = time_us + DAY_US;
        return SCRIP_OK;
    }
    zone = period_zone(ctx);
    if (ctx->host->time_floor(time_us, "day", zone, start) < 0 || ctx->host->time_add(*start, "P1D", 1, zone, end) < 0)
        return scrip_fail(ctx, SCRIP_ERANGE, "time: its day cannot be found in zone %s", zone);
    return SCRIP_OK;
}

/* The end of the known window that covers a time, or SCRIP_TIME_NONE. */
static int64_t covered_until(struct scrip_ctx *ctx, const struct windows *windows, int64_t time_us)
{
    for (uint64_t i = 0; i < windows->count; i++) {
        int64_t start, end;

        if (window_at(ctx, windows->starts[i], &start, &end) == SCRIP_OK && windows->starts[i] <= time_us &&
            time_us < end)
            return end;
    }
    return SCRIP_TIME_NONE;
}

/* Keeps the last starts, in order. */
static void window_keep(struct windows *windows, int64_t start)
{
    uint64_t at = windows->count;

    if (at == WINDOWS_KEPT) {
        if (start < windows->starts[0])
            return; /* older than all that are kept */
        memmove(windows->starts, windows->starts + 1, (WINDOWS_KEPT - 1) * sizeof *windows->starts);
        at--;
        windows->count--;
    }
    for (; at > 0 && windows->starts[at - 1] > start; at--)
        windows->starts[at] = windows->starts[at - 1];
    windows->starts[at] = start;
    windows->count++;
}

static uint64_t key_make(const struct scrip_event *event, char *key)
{
    size_t user = strlen(event->user), product = strlen(event->product);

    if (user + product + 1 > SCRIP_STATE_KEY_SIZE)
        return 0;
    memcpy(key, event->user, user);
    key[user] = '\n';
    memcpy(key + user + 1, event->product, product);
    return user + product + 1;
}

static int windows_load(struct scrip_ctx *ctx, const char *key, uint64_t key_size, struct windows *windows)
{
    char bytes[WINDOWS_KEPT * 8];
    uint64_t size = sizeof bytes;
    int code = ctx->host->state_get(ctx, key, key_size, bytes, &size);

    windows->count = 0;
    if (code < 0)
        return code == SCRIP_ENOTFOUND ? SCRIP_OK : code;
    for (uint64_t i = 0; i < size / 8; i++)
        windows->starts[windows->count++] = int64_read(bytes + i * 8);
    return SCRIP_OK;
}

static int windows_store(struct scrip_ctx *ctx, const char *key, uint64_t key_size, const struct windows *windows)
{
    char bytes[WINDOWS_KEPT * 8];

    for (uint64_t i = 0; i < windows->count; i++)
        int64_write(bytes + i * 8, windows->starts[i]);
    return ctx->host->state_put(ctx, key, key_size, bytes, windows->count * 8,
                                windows->starts[windows->count - 1] + DAY_US + KEEP_US);
}

/* One idle time, "START/END"; *at moves behind it. 0: there are no more. */
static int idle_next(struct scrip_ctx *ctx, const char *name, const char **at, int64_t *start, int64_t *end)
{
    const char *text = *at + strspn(*at, " ,\n"), *slash = strchr(text, '/'), *stop = text + strcspn(text, " ,\n");

    *at = stop;
    if (stop == text)
        return 0;
    if (slash == NULL || slash > stop || ctx->host->time_parse(text, (uint64_t)(slash - text), NULL, "", start) < 0 ||
        ctx->host->time_parse(slash + 1, (uint64_t)(stop - slash - 1), NULL, "", end) < 0 || *end < *start)
        return scrip_fail(ctx, SCRIP_EINVALID,
                          "attribute '%s': want idle times as START/END, START/END with the zones in them, got '%.80s'",
                          name, text);
    return 1;
}

/* When work goes on after a time: the time itself, unless the session has been idle for long enough by then. */
static int idle_skip(struct scrip_ctx *ctx, const struct scrip_event *event, int64_t *time_us)
{
    const char *name = ctx->host->option_text(ctx, "idle"), *at = name[0] ? usage_attribute(event, name) : NULL;
    int64_t after = ctx->host->option_int(ctx, "idle_after"), start, end;
    int code = 0;

    while (at != NULL && (code = idle_next(ctx, name, &at, &start, &end)) > 0)
        if (start + after <= *time_us && *time_us < end) {
            *time_us = end;
            at = usage_attribute(event, name); /* they may stand in any order */
        }
    return code;
}

/* Opens windows from `time` on while the session goes on; each adds its lines. Returns how many, or the fault. */
static int windows_open(struct scrip_ctx *ctx, const struct scrip_event *event, struct windows *windows,
                        struct scrip_quote *out)
{
    struct sheet_ask ask = { event->product, event->unit, event->time_us, { 1, 0 }, NULL, 1 };
    int64_t until = event->end_us == SCRIP_TIME_NONE ? event->time_us + 1 : event->end_us, start, end;
    int opened = 0, first = 1, code;

    for (int64_t *time = &ask.time_us; first || *time < until; first = 0) {
        /* To open a product is work, whatever was idle then. */
        if (*time > event->time_us && (code = idle_skip(ctx, event, time)) < 0)
            return code;
        if (*time >= until && !first)
            break;
        if ((end = covered_until(ctx, windows, *time)) != SCRIP_TIME_NONE) {
            *time = end;
            continue;
        }
        if (window_at(ctx, *time, &start, &end) < 0)
            return SCRIP_ERANGE;
        if (opened == SCRIP_LINE_LIMIT)
            return scrip_fail(ctx, SCRIP_ELIMIT, "end: a session of more than %d days: split it", SCRIP_LINE_LIMIT);
        ask.group = (uint64_t)opened + 1;
        if ((code = sheet_price(ctx, ctx->self, &ask, out)) < 0)
            return code;
        if (code == 0)
            return sheet_unpriced(ctx, &ask, out) < 0 ? SCRIP_EINVALID : SCRIP_ENOTFOUND;
        window_keep(windows, start);
        opened++;
        *time = end;
    }
    return opened;
}

static int quote(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    int64_t grace = ctx->host->option_int(ctx, "grace");
    char key[SCRIP_STATE_KEY_SIZE];
    struct windows windows;
    uint64_t key_size;
    int code;

    if (!sheet_knows(ctx->self, event->product))
        return SCRIP_OK;
    if ((code = sheet_gate(ctx, ctx->self, event, out)) != 0)
        return code < 0 ? code : SCRIP_OK;
    if ((key_size = key_make(event, key)) == 0)
        return scrip_fail(ctx, SCRIP_ELIMIT, "user and product: longer than %d bytes together",
                          SCRIP_STATE_KEY_SIZE - 1);
    if ((code = windows_load(ctx, key, key_size, &windows)) < 0)
        return code;
    ctx->host->verdict(ctx, out, SCRIP_FREE);
    if (event->end_us != SCRIP_TIME_NONE && event->end_us - event->time_us <= grace)
        return SCRIP_OK;
    code = windows_open(ctx, event, &windows, out);
    if (code == SCRIP_ENOTFOUND)
        return SCRIP_OK; /* the verdict says so */
    if (code <= 0)
        return code;
    ctx->host->verdict(ctx, out, SCRIP_PRICED);
    return windows_store(ctx, key, key_size, &windows);
}

SCRIP_SERVICE_PLUGIN("daily", "a rate for each day of a user and product", .options = options, .open = open_sheet,
                     .close = sheet_close, .quote = quote);
