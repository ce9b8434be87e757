/* paid.h - the currencies that a service's section names: each must be configured, or no usage could be charged. */
#ifndef SCRIP_PAID_H
#define SCRIP_PAID_H

#include <scrip/plugin.h>

/* key: of the section, which names it. */
static inline int paid_check(struct scrip_ctx *ctx, const char *key, const char *currency)
{
    if (ctx->host->currency_find(ctx, currency, NULL) == SCRIP_OK)
        return SCRIP_OK;
    return scrip_fail(ctx, SCRIP_EINVALID, "%s: %s '%s': not configured: add a section [currency/... %s]",
                      ctx->host->option_where(ctx, key), key, currency, currency);
}

/* Those of a list. */
static inline int paid_list_check(struct scrip_ctx *ctx, const char *key)
{
    const char *currency;
    int code = SCRIP_OK;

    for (uint64_t i = 0; code == SCRIP_OK && (currency = ctx->host->option_item(ctx, key, i)) != NULL; i++)
        code = paid_check(ctx, key, currency);
    return code;
}

#endif
