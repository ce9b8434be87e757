/* metered.c - the feed says what its vendor charged: the event's own amount is the price. */
#include "paid.h"

static const struct scrip_option options[] = {
    { "currency", SCRIP_OPTION_NAME, NULL, NULL, 0, "of an amount whose event names none" },
    { "label", SCRIP_OPTION_TEXT, "metered by the feed", NULL, 0, "what explanations call the price" },
    SCRIP_OPTIONS_END,
};

static int open_metered(struct scrip_ctx *ctx)
{
    const char *currency = ctx->host->option_text(ctx, "currency");

    return currency[0] ? paid_check(ctx, "currency", currency) : SCRIP_OK;
}

static int quote(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    struct scrip_line line = { SCRIP_TIME_NONE, event->currency, event->amount, { 1, 0 }, { 1, 0 }, NULL, 0 };

    if (!event->has_amount)
        return SCRIP_OK; /* another service may have a price */
    if (line.currency[0] == 0)
        line.currency = ctx->host->option_text(ctx, "currency");
    if (line.currency[0] == 0)
        return scrip_fail(ctx, SCRIP_EINVALID, "currency: the event names none: name one in it, or in this section");
    line.label = ctx->host->option_text(ctx, "label");
    ctx->host->verdict(ctx, out, SCRIP_PRICED);
    return ctx->host->line_add(ctx, out, &line);
}

SCRIP_SERVICE_PLUGIN("metered", "the event's own amount", .options = options, .open = open_metered, .quote = quote);
