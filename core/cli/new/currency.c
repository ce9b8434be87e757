/* @NAME@.c - a currency: a set of rules, asked by the host, which draws. In this one a grant lasts `days`, and what ends first
 * pays first. */
#include <scrip/plugin.h>

static const struct scrip_option options[] = {
    { "days", SCRIP_OPTION_INT, "365", NULL, 0, "how long a grant lasts that says nothing of it" },
    SCRIP_OPTIONS_END,
};

/* Asked once. *out comes in with defaults: see struct scrip_policy. */
static int policy(struct scrip_ctx *ctx, struct scrip_policy *out)
{
    (void)ctx;
    out->decimals = 2;
    out->rounding = SCRIP_HALF_EVEN;
    out->split = SCRIP_SPLIT_ANY;
    out->draw_order = "expires, created";
    return SCRIP_OK;
}

/* Asked for each new grant: settles its class, its dates and its place in the order; SCRIP_EREFUSED refuses it. */
static int grant(struct scrip_ctx *ctx, struct scrip_grant *grant, void *key, uint64_t *key_size)
{
    if (grant->expires_us == SCRIP_TIME_NONE)
        grant->expires_us = grant->effective_us + ctx->host->option_int(ctx, "days") * INT64_C(86400000000);
    if (grant->expires_us <= grant->effective_us)
        return scrip_fail(ctx, SCRIP_EREFUSED, "it ends before it begins");
    return ctx->host->order_key(ctx, "expires, created", grant, key, key_size);
}

SCRIP_CURRENCY_PLUGIN("@NAME@", "rules of @NAME@", .options = options, .policy = policy, .grant = grant);
