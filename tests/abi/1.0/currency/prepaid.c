/* prepaid.c - a prepaid currency: lots that are bought or given, drawn in an order, and expire. */
#include "lots.h"

static const struct scrip_option options[] = {
    LOT_OPTIONS,
    LOT_SALE_OPTIONS,
    SCRIP_OPTIONS_END,
};

static int open_currency(struct scrip_ctx *ctx)
{
    int code = lots_open(ctx);

    return code < 0 ? code : lots_convert_check(ctx);
}

static int settle_grant(struct scrip_ctx *ctx, struct scrip_grant *grant, void *key, uint64_t *key_size)
{
    int code;

    lots_class(ctx, grant);
    if ((code = lots_sale_check(ctx, grant)) < 0)
        return code;
    return lots_settle(ctx, grant, lots_time(ctx, "expire_all"), key, key_size);
}

SCRIP_CURRENCY_PLUGIN("prepaid", "lots that are bought or given, drawn in an order, and expire", .options = options,
                      .open = open_currency, .policy = lots_sale_policy, .grant = settle_grant,
                      .convert = lots_convert);
