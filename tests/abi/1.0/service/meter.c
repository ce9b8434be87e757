/* meter.c - a price that grows with use and a fee at each month's end: it calls most of what a service may call. */
#include <scrip/plugin.h>

#include <string.h>

static const struct scrip_option options[] = {
    { "currency", SCRIP_OPTION_NAME, NULL, NULL, 1, "what pays" },
    { "rate", SCRIP_OPTION_DECIMAL, "1", NULL, 0, "for a unit of the first use in a month" },
    { "step", SCRIP_OPTION_DECIMAL, "0.25", NULL, 0, "more for each use after it" },
    { "fee.*", SCRIP_OPTION_DECIMAL, NULL, NULL, 0, "fee.PRODUCT: at the end of a month in which it was used" },
    { "free", SCRIP_OPTION_LIST, NULL, NULL, 0, "products that cost nothing" },
    SCRIP_OPTIONS_END,
};

/* What is remembered of a month: how many uses it has seen. */
struct month {
    int64_t start_us;
    int64_t uses;
};

static int open_meter(struct scrip_ctx *ctx)
{
    const char *currency = ctx->host->option_text(ctx, "currency");

    if (ctx->host->currency_find(ctx, currency, NULL) < 0)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: currency '%s': not configured",
                          ctx->host->option_where(ctx, "currency"), currency);
    ctx->host->digest_add(ctx, "meter 1", 7);
    return SCRIP_OK;
}

static int is_free(struct scrip_ctx *ctx, const char *product)
{
    const char *item;

    for (uint64_t i = 0; (item = ctx->host->option_item(ctx, "free", i)) != NULL; i++)
        if (strcmp(item, product) == 0)
            return 1;
    return 0;
}

static int line_add(struct scrip_ctx *ctx, struct scrip_quote *out, const struct scrip_decimal *quantity,
                    const struct scrip_decimal *rate, const char *label)
{
    struct scrip_line line = {
        SCRIP_TIME_NONE, ctx->host->option_text(ctx, "currency"), *quantity, *rate, { 1, 0 }, label, 0
    };

    ctx->host->verdict(ctx, out, SCRIP_PRICED);
    return ctx->host->line_add(ctx, out, &line);
}

/* rate + step x uses before this one. */
static int rate_of(struct scrip_ctx *ctx, int64_t uses, struct scrip_decimal *rate)
{
    struct scrip_decimal step, count = { uses, 0 }, more;

    ctx->host->option_decimal(ctx, "rate", rate);
    ctx->host->option_decimal(ctx, "step", &step);
    if (ctx->host->decimal_multiply(&step, &count, &more) < 0 || ctx->host->decimal_add(rate, &more, rate) < 0)
        return scrip_fail(ctx, SCRIP_ERANGE, "rate: after %lld uses it does not fit", (long long)uses);
    return SCRIP_OK;
}

static int quote(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    const struct scrip_host *host = ctx->host;
    const char *zone = host->account_zone(ctx);
    struct scrip_decimal rate;
    struct month month = { 0, 0 };
    uint64_t size = sizeof month;
    int64_t start_us, end_us;
    int code;

    if (event->type != SCRIP_USAGE)
        return SCRIP_OK;
    if (is_free(ctx, event->product)) {
        host->verdict(ctx, out, SCRIP_FREE);
        return SCRIP_OK;
    }
    code = host->state_get(ctx, event->product, strlen(event->product), &month, &size);
    if (code < 0 && code != SCRIP_ENOTFOUND)
        return code;
    if (host->time_floor(event->time_us, "month", zone, &start_us) < 0 ||
        host->time_add(start_us, "P1M", 1, zone, &end_us) < 0)
        return scrip_fail(ctx, SCRIP_ERANGE, "time: outside of the months there are");
    if (month.start_us != start_us)
        month = (struct month){ start_us, 0 };
    if ((code = rate_of(ctx, month.uses, &rate)) < 0)
        return code;
    month.uses++;
    if ((code = host->state_put(ctx, event->product, strlen(event->product), &month, sizeof month, end_us)) < 0 ||
        (code = host->timer_set(ctx, event->product, strlen(event->product), end_us)) < 0)
        return code;
    return line_add(ctx, out, &event->quantity, &rate, "by use");
}

/* A month has ended: the fees of what was used in it. */
static int timer(struct scrip_ctx *ctx, const void *key, uint64_t key_size, int64_t due_us, struct scrip_quote *out)
{
    const struct scrip_decimal one = { 1, 0 };
    const char *product, *value;
    char name[SCRIP_NAME_SIZE + 1];
    struct scrip_decimal fee;
    int code;

    (void)due_us;
    memcpy(name, key, key_size);
    name[key_size] = 0;
    for (uint64_t i = 0; ctx->host->option_member(ctx, "fee.*", i, &product, &value) == SCRIP_OK; i++)
        if (strcmp(product, name) == 0 && ctx->host->decimal_parse(value, strlen(value), &fee) == SCRIP_OK) {
            code = ctx->host->usage_name(ctx, out, name, "");
            return code < 0 ? code : line_add(ctx, out, &one, &fee, "fee of the month");
        }
    return SCRIP_OK;
}

SCRIP_SERVICE_PLUGIN("meter", "a price that grows with use, and a fee at a month's end", .options = options,
                     .open = open_meter, .quote = quote, .timer = timer);
