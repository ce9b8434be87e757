/* capacity.c - returnable capacity: units that are checked out while something runs, and given back. Holds take it; a
 * charge of it would use it up. Holds of one group hold together their largest, or their sum; a hold whose heartbeat
 * stays away is given back.
 *
 *   hold_group = user, attribute.host     the largest within one user and host, a sum across them
 *   hold_decay = 0.9                      the second job of one product counts 0.9 times, the third 0.81 times ... */
#include "lots.h"

static const struct scrip_option options[] = {
    LOT_OPTIONS,
    { "hold_rule", SCRIP_OPTION_CHOICE, "max", "sum,max", 0, "what the holds of one group hold together" },
    { "hold_group", SCRIP_OPTION_TEXT, "user", NULL, 0,
      "what makes a group: user, product, attribute.NAME, split by commas; \"\": all holds are one" },
    { "hold_decay", SCRIP_OPTION_DECIMAL, "1", NULL, 0,
      "factor of each further hold of one product in a group, 0 to 1" },
    SCRIP_OPTIONS_END,
};

static int group_check(struct scrip_ctx *ctx)
{
    const char *at = ctx->host->option_text(ctx, "hold_group");

    if (strlen(at) > 250)
        return scrip_fail(ctx, SCRIP_ELIMIT, "hold_group: longer than 250 bytes");
    while (*at) {
        size_t size;

        at += strspn(at, ", \t");
        size = strcspn(at, ", \t");
        if (size && !(size == 4 && memcmp(at, "user", 4) == 0) && !(size == 7 && memcmp(at, "product", 7) == 0) &&
            !(size > 10 && memcmp(at, "attribute.", 10) == 0))
            return scrip_fail(ctx, SCRIP_EINVALID, "%s: hold_group: '%.*s': want user, product or attribute.NAME",
                              ctx->host->option_where(ctx, "hold_group"), (int)size, at);
        at += size;
    }
    return SCRIP_OK;
}

static int open_currency(struct scrip_ctx *ctx)
{
    static const struct scrip_decimal zero = { 0, 0 }, one = { 1, 0 };
    struct scrip_decimal decay;
    int code = lots_open(ctx);

    ctx->host->option_decimal(ctx, "hold_decay", &decay);
    if (code == SCRIP_OK &&
        (ctx->host->decimal_compare(&decay, &zero) < 0 || ctx->host->decimal_compare(&decay, &one) > 0))
        code =
            scrip_fail(ctx, SCRIP_EINVALID, "%s: hold_decay: want 0 to 1", ctx->host->option_where(ctx, "hold_decay"));
    return code < 0 ? code : group_check(ctx);
}

static int policy(struct scrip_ctx *ctx, struct scrip_policy *out)
{
    out->hold_rule = ctx->host->option_int(ctx, "hold_rule");
    out->hold_group = ctx->host->option_text(ctx, "hold_group");
    ctx->host->option_decimal(ctx, "hold_decay", &out->hold_decay);
    return lots_policy(ctx, out);
}

static int settle_grant(struct scrip_ctx *ctx, struct scrip_grant *grant, void *key, uint64_t *key_size)
{
    lots_class(ctx, grant);
    return lots_settle(ctx, grant, SCRIP_TIME_NONE, key, key_size);
}

SCRIP_CURRENCY_PLUGIN("capacity", "units that are held while something runs, and given back", .options = options,
                      .open = open_currency, .policy = policy, .grant = settle_grant);
