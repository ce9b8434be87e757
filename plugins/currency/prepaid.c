/* prepaid.c - a prepaid currency: lots that are bought or given, drawn in an order, and expire. */
#include <scrip/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct scrip_option options[] = {
    { "decimals", SCRIP_OPTION_INT, "0", NULL, 0, "digits after the point of an amount, 0 to 9" },
    { "rounding", SCRIP_OPTION_CHOICE, "half-up", "half-even,half-up,up,down", 0, "how a charge is rounded, once" },
    { "split", SCRIP_OPTION_BOOL, "yes", NULL, 0, "one charge may be drawn from several grants" },
    { "draw_order", SCRIP_OPTION_TEXT, "priority, expires, created", NULL, 0,
      "which grant pays first: priority, class(NAME NAME), restricted, expires, effective, created, amount, cost, sequence" },
    { "class", SCRIP_OPTION_NAME, NULL, NULL, 0, "class of a grant whose event names none" },
    { "term", SCRIP_OPTION_TEXT, "never", NULL, 0, "a grant without an expiry ends this long after it takes effect" },
    { "term.*", SCRIP_OPTION_TEXT, NULL, NULL, 0, "the same for one class: term.trial = 30d" },
    { "zone", SCRIP_OPTION_ZONE, "UTC", NULL, 0, "where the days and months of a term are counted" },
    { "expire_all", SCRIP_OPTION_TIME, NULL, NULL, 0, "nothing of it lives at or after this instant" },
    { "sale_from", SCRIP_OPTION_TIME, NULL, NULL, 0, "grants made before this are refused" },
    { "sale_until", SCRIP_OPTION_TIME, NULL, NULL, 0, "grants made at or after this are refused" },
    { "sale_classes", SCRIP_OPTION_LIST, NULL, NULL, 0, "the classes that sale_from and sale_until are about; absent: all" },
    { "accept_from", SCRIP_OPTION_TIME, NULL, NULL, 0, "charges before this are not accepted" },
    { "accept_until", SCRIP_OPTION_TIME, NULL, NULL, 0, "charges at or after this are not accepted" },
    { "settle_lag", SCRIP_OPTION_DURATION, "0s", NULL, 0, "how late an event may come and still count as in order" },
    { "late", SCRIP_OPTION_CHOICE, "post", "post", 0, "what is done with later ones: post, judged by their own date" },
    SCRIP_OPTIONS_END,
};

/* The value of an option that may be absent. */
static int64_t time_of(struct scrip_ctx *ctx, const char *key)
{
    return ctx->host->option_given(ctx, key) ? ctx->host->option_int(ctx, key) : SCRIP_TIME_NONE;
}

static int term_check(struct scrip_ctx *ctx, const char *key, const char *term)
{
    int64_t end_us;

    if (strcmp(term, "never") == 0 || (ctx->host->time_add(0, term, 1, "", &end_us) == SCRIP_OK && end_us > 0))
        return SCRIP_OK;
    return scrip_fail(ctx, SCRIP_EINVALID, "%s: '%s' is no term: want never, or a duration such as P1Y or 30d", key, term);
}

static int open_currency(struct scrip_ctx *ctx)
{
    const struct scrip_host *host = ctx->host;
    const char *suffix, *value;
    int64_t decimals = host->option_int(ctx, "decimals");
    int code = SCRIP_OK;

    if (decimals < 0 || decimals > 9)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: decimals = %d: want 0 to 9", host->option_where(ctx, "decimals"),
                          (int)decimals);
    for (uint64_t i = 0; code == SCRIP_OK && host->option_member(ctx, "term.*", i, &suffix, &value) == SCRIP_OK; i++)
        code = term_check(ctx, suffix, value);
    if (code == SCRIP_OK)
        code = term_check(ctx, "term", host->option_text(ctx, "term"));
    return code < 0 ? code : host->order_check(ctx, host->option_text(ctx, "draw_order"));
}

static int policy(struct scrip_ctx *ctx, struct scrip_policy *out)
{
    const struct scrip_host *host = ctx->host;

    out->decimals = host->option_int(ctx, "decimals");
    out->rounding = host->option_int(ctx, "rounding");
    out->split = host->option_int(ctx, "split");
    out->accept_from_us = time_of(ctx, "accept_from");
    out->accept_until_us = time_of(ctx, "accept_until");
    out->settle_lag_us = host->option_int(ctx, "settle_lag");
    out->late = SCRIP_LATE_POST;
    return SCRIP_OK;
}

static int is_for_sale(struct scrip_ctx *ctx, const char *class_name)
{
    const char *item;

    if (!ctx->host->option_given(ctx, "sale_classes"))
        return 1;
    for (uint64_t i = 0; (item = ctx->host->option_item(ctx, "sale_classes", i)) != NULL; i++)
        if (strcmp(item, class_name) == 0)
            return 1;
    return 0;
}

static int sale_check(struct scrip_ctx *ctx, const struct scrip_grant *grant)
{
    int64_t from = time_of(ctx, "sale_from"), until = time_of(ctx, "sale_until");
    char limit[40], when[40];

    if (!is_for_sale(ctx, grant->class_name))
        return SCRIP_OK;
    ctx->host->time_write(grant->created_us, when, sizeof when);
    if (until != SCRIP_TIME_NONE && grant->created_us >= until) {
        ctx->host->time_write(until, limit, sizeof limit);
        return scrip_fail(ctx, SCRIP_EREFUSED, "%s: %s%snot sold from %s on, and this was on %s", ctx->instance,
                          grant->class_name, grant->class_name[0] ? " grants are " : "", limit, when);
    }
    if (from != SCRIP_TIME_NONE && grant->created_us < from) {
        ctx->host->time_write(from, limit, sizeof limit);
        return scrip_fail(ctx, SCRIP_EREFUSED, "%s: %s%snot sold before %s, and this was on %s", ctx->instance,
                          grant->class_name, grant->class_name[0] ? " grants are " : "", limit, when);
    }
    return SCRIP_OK;
}

/* The term of the grant's class, else of the currency. */
static const char *term_of(struct scrip_ctx *ctx, const char *class_name)
{
    const char *suffix, *value;

    for (uint64_t i = 0; ctx->host->option_member(ctx, "term.*", i, &suffix, &value) == SCRIP_OK; i++)
        if (strcmp(suffix, class_name) == 0)
            return value;
    return ctx->host->option_text(ctx, "term");
}

static int settle_grant(struct scrip_ctx *ctx, struct scrip_grant *grant, void *key, uint64_t *key_size)
{
    const struct scrip_host *host = ctx->host;
    int64_t all = time_of(ctx, "expire_all");
    int code;

    if (grant->class_name[0] == 0)
        grant->class_name = host->option_text(ctx, "class");
    if ((code = sale_check(ctx, grant)) < 0)
        return code;
    if (grant->expires_us == SCRIP_TIME_NONE) {
        const char *term = term_of(ctx, grant->class_name);

        if (strcmp(term, "never") != 0 &&
            host->time_add(grant->effective_us, term, 1, host->option_text(ctx, "zone"), &grant->expires_us) < 0)
            return scrip_fail(ctx, SCRIP_ERANGE, "term '%s': the grant would end after the year 9999", term);
    }
    if (all != SCRIP_TIME_NONE && (grant->expires_us == SCRIP_TIME_NONE || grant->expires_us > all))
        grant->expires_us = all;
    if (grant->expires_us != SCRIP_TIME_NONE && grant->expires_us <= grant->effective_us) {
        char end[40], start[40];

        host->time_write(grant->expires_us, end, sizeof end);
        host->time_write(grant->effective_us, start, sizeof start);
        return scrip_fail(ctx, SCRIP_EREFUSED, "%s: the grant would end (%s) before it takes effect (%s)", ctx->instance,
                          end, start);
    }
    return host->order_key(ctx, host->option_text(ctx, "draw_order"), grant, key, key_size);
}

SCRIP_CURRENCY_PLUGIN("prepaid", "lots that are bought or given, drawn in an order, and expire", .options = options,
                      .open = open_currency, .policy = policy, .grant = settle_grant);
