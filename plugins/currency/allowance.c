/* allowance.c - what a seat, a user or a plan gets again and again: each grant comes back to its amount every period.
 */
#include "lots.h"

static const struct scrip_option options[] = {
    LOT_OPTIONS,
    LOT_SALE_OPTIONS,
    { "every", SCRIP_OPTION_TEXT, "P1M", NULL, 0, "period of a grant whose event gives none: P1M, P1D, 24h ..." },
    { "from", SCRIP_OPTION_CHOICE, "anchor", "anchor,calendar,start,first-use", 0,
      "periods count from the grant's start, the calendar, the account's start, or each from its first use" },
    SCRIP_OPTIONS_END,
};

static int open_currency(struct scrip_ctx *ctx)
{
    int64_t end;
    int code = lots_sale_open(ctx);

    if (code == SCRIP_OK &&
        (ctx->host->time_add(0, ctx->host->option_text(ctx, "every"), 1, "", &end) < 0 || end < SCRIP_SECOND))
        code = scrip_fail(ctx, SCRIP_EINVALID, "%s: every = %s: want a duration of at least a second such as P1M",
                          ctx->host->option_where(ctx, "every"), ctx->host->option_text(ctx, "every"));
    return code;
}

static int settle_grant(struct scrip_ctx *ctx, struct scrip_grant *grant, void *key, uint64_t *key_size)
{
    if (grant->every[0] == 0 && grant->amount != INT64_MAX && grant->type == SCRIP_GRANT) {
        grant->every = ctx->host->option_text(ctx, "every");
        grant->from = ctx->host->option_int(ctx, "from");
    }
    return lots_sale_grant(ctx, grant, key, key_size);
}

SCRIP_CURRENCY_PLUGIN("allowance", "amounts that come back every period", .options = options, .open = open_currency,
                      .policy = lots_sale_policy, .grant = settle_grant, .convert = lots_convert);
