/* @NAME@.c - a service: what a usage costs. */
#include <scrip/plugin.h>
#include <string.h>

/* The keys of the section [service/@NAME@]: checked before anything runs, listed by `scrip plugin help`. */
static const struct scrip_option options[] = {
    { "currency", SCRIP_OPTION_NAME, NULL, NULL, 1, "what pays" },
    { "price.*", SCRIP_OPTION_DECIMAL, NULL, NULL, 1, "price.PRODUCT = AMOUNT for a unit" },
    SCRIP_OPTIONS_END,
};

/* Asked for each usage that the section wants (its keys `products`, `units` and `where.*` are the host's). Who sets no
 * verdict leaves the usage to the next service. The host multiplies quantity x rate, rounds once, draws and stores. `price` is one
 * line and the verdict in short; for more lines, or a rate that is calculated (decimal_multiply ...), call line_add for each, and
 * verdict(ctx, out, SCRIP_PRICED). */
static int quote(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    const char *product, *price;

    for (uint64_t i = 0; ctx->host->option_member(ctx, "price.*", i, &product, &price) == SCRIP_OK; i++)
        if (strcmp(product, event->product) == 0)
            return ctx->host->price(ctx, out, ctx->host->option_text(ctx, "currency"), price, product);
    return SCRIP_OK;
}

SCRIP_SERVICE_PLUGIN("@NAME@", "prices of @NAME@", .options = options, .quote = quote);
