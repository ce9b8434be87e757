/* flat.c - a service at one rate, which does what a product's name says: each verdict, and each way to be wrong. */
#include <scrip/plugin.h>

#include <string.h>

static const struct scrip_option options[] = {
    { "rate", SCRIP_OPTION_DECIMAL, NULL, NULL, 1, "gold for one" },
    SCRIP_OPTIONS_END,
};

static int line(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out, const char *currency,
                int64_t rate, uint64_t group)
{
    struct scrip_line line = { SCRIP_TIME_NONE, currency, event->quantity, { rate, 0 }, { 1, 0 }, "flat", group };

    ctx->host->verdict(ctx, out, SCRIP_PRICED);
    return ctx->host->line_add(ctx, out, &line);
}

static int is_product(const struct scrip_event *event, const char *name)
{
    return strcmp(event->product, name) == 0;
}

/* One more each time: what was counted is the rate. */
static int count(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    int64_t counted = 0;
    uint64_t size = sizeof counted;
    int code = ctx->host->state_get(ctx, "count", 5, &counted, &size);

    if (code < 0 && code != SCRIP_ENOTFOUND)
        return code;
    counted++;
    if ((code = ctx->host->state_put(ctx, "count", 5, &counted, sizeof counted, SCRIP_TIME_NONE)) < 0)
        return code;
    if (is_product(event, "count-fails"))
        return scrip_fail(ctx, SCRIP_EINVALID, "it does not work");
    return line(ctx, event, out, "gold", counted, 0);
}

static int sizes(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    static const char bytes[SCRIP_STATE_VALUE_SIZE + 1];

    ctx->host->verdict(ctx, out, SCRIP_FREE);
    return ctx->host->state_put(ctx, bytes, SCRIP_STATE_KEY_SIZE + is_product(event, "long-key"), bytes,
                                SCRIP_STATE_VALUE_SIZE + (uint64_t)is_product(event, "long-value"), SCRIP_TIME_NONE);
}

static int wrong_line(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    struct scrip_line wrong = { SCRIP_TIME_NONE, "gold", event->quantity, { 1, 0 }, { 1, 0 }, NULL, 0 };
    int code = SCRIP_OK;

    ctx->host->verdict(ctx, out, SCRIP_PRICED);
    if (is_product(event, "nowhere"))
        wrong.currency = "lead";
    if (is_product(event, "per"))
        wrong.per.whole = 0;
    if (is_product(event, "late"))
        wrong.time_us = SCRIP_TIME_MAX;
    for (int i = 0; i < (is_product(event, "many") ? SCRIP_LINE_LIMIT + 1 : 1) && code == SCRIP_OK; i++)
        code = ctx->host->line_add(ctx, out, &wrong);
    return code;
}

static int quote(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    int is_first = strcmp(ctx->instance, "first") == 0, code;

    if (!is_first || event->product[0] < 'a')
        return ctx->host->price(ctx, out, "gold", ctx->host->option_text(ctx, "rate"), "flat");
    if (is_product(event, "not-mine"))
        return SCRIP_OK;
    if (is_product(event, "silent"))
        return SCRIP_EINVALID;
    if (is_product(event, "no-verdict")) {
        code = line(ctx, event, out, "gold", 1, 0);
        ctx->host->verdict(ctx, out, SCRIP_NOT_MINE);
        return code;
    }
    if (is_product(event, "fails"))
        return scrip_fail(ctx, SCRIP_EINVALID, "it does not work");
    if (strncmp(event->product, "count", 5) == 0)
        return count(ctx, event, out);
    if (strncmp(event->product, "long", 4) == 0)
        return sizes(ctx, event, out);
    if (is_product(event, "nowhere") || is_product(event, "per") || is_product(event, "many") ||
        is_product(event, "late"))
        return wrong_line(ctx, event, out);
    if (is_product(event, "either") && (code = line(ctx, event, out, "ore", 5, 1)) < 0)
        return code;
    if (is_product(event, "ore"))
        return line(ctx, event, out, "ore", 5, 0);
    code = line(ctx, event, out, "gold", 1, is_product(event, "either"));
    if (is_product(event, "free") || is_product(event, "gate"))
        ctx->host->verdict(ctx, out, is_product(event, "free") ? SCRIP_FREE : SCRIP_GATE);
    if (is_product(event, "unpriced")) {
        scrip_fail(ctx, SCRIP_ENOTFOUND, "no price since yesterday");
        ctx->host->verdict(ctx, out, SCRIP_UNPRICED);
    }
    return code;
}

SCRIP_SERVICE_PLUGIN("flat", "one rate, and every way to be wrong", .options = options, .quote = quote);
