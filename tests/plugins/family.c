/* family.c - a service that must be given a family of options: it has no price without one. */
#include <scrip/plugin.h>

static const struct scrip_option options[] = {
    { "price.*", SCRIP_OPTION_DECIMAL, NULL, NULL, 1, "price.PRODUCT = gold for one" },
    SCRIP_OPTIONS_END,
};

static int quote(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    const char *product, *price;

    if (ctx->host->option_member(ctx, "price.*", 0, &product, &price) < 0)
        return scrip_fail(ctx, SCRIP_EINVALID, "price.*: none was given for '%s'", event->product);
    return ctx->host->price(ctx, out, "gold", price, product);
}

SCRIP_SERVICE_PLUGIN("family", "a price for each product", .options = options, .quote = quote);
