/* broken_currency.h - a currency with one thing wrong, which its file names before it includes this. */
#include <scrip/plugin.h>

#include <string.h>

#ifndef DECIMALS
#define DECIMALS 2
#endif
#ifndef PER
#define PER 1
#endif

#ifdef IS_STATIC
static uint8_t settled;
#endif

static int policy(struct scrip_ctx *ctx, struct scrip_policy *out)
{
    (void)ctx;
    out->decimals = DECIMALS;
    out->split = SCRIP_SPLIT_ANY;
    return SCRIP_OK;
}

static int grant(struct scrip_ctx *ctx, struct scrip_grant *grant, void *key, uint64_t *key_size)
{
    int code = ctx->host->order_key(ctx, "expires, created", grant, key, key_size);

#ifdef IS_TIED
    *key_size -= strlen(grant->id) + 1;
#endif
#ifdef IS_STATIC
    ((uint8_t *)key)[0] = settled++;
#endif
#ifdef IS_MUTE
    if (grant->is_scoped)
        return SCRIP_EREFUSED;
#endif
#ifdef IS_TAKING
    grant->amount -= 1;
#endif
#ifdef IS_BACKWARDS
    grant->expires_us = grant->effective_us;
#endif
#ifdef IS_LONG
    *key_size = SCRIP_ORDER_KEY_SIZE + 1;
#endif
    return code;
}

static int convert(struct scrip_ctx *ctx, const char *to, int64_t time_us, struct scrip_decimal *rate,
                   struct scrip_decimal *per)
{
    (void)ctx, (void)to, (void)time_us;
    *rate = (struct scrip_decimal){ 1, 0 };
    *per = (struct scrip_decimal){ PER, 0 };
    return SCRIP_OK;
}

SCRIP_CURRENCY_PLUGIN(NAME, "one thing wrong", .policy = policy, .grant = grant, .convert = convert);
