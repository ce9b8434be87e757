/* lots.h - what currencies of lots share: options, policy, terms of grants, sale windows, rates to other currencies. */
#ifndef SCRIP_LOTS_H
#define SCRIP_LOTS_H

#include <scrip/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How amounts are, which lot pays first, how long lots live. */
#define LOT_OPTIONS                                                                                                        \
    { "decimals", SCRIP_OPTION_INT, "0", NULL, 0, "digits after the point of an amount, 0 to 9" },                         \
    { "rounding", SCRIP_OPTION_CHOICE, "half-up", "half-even,half-up,up,down", 0, "how a charge is rounded, once" },       \
    { "split", SCRIP_OPTION_CHOICE, "yes", "no,yes,class", 0,                                                              \
      "one charge may be drawn from several grants: no, one pays all of it; class, several of one class" },                \
    { "draw_order", SCRIP_OPTION_TEXT, "priority, expires, created", NULL, 0,                                              \
      "which grant pays first: priority, class(NAME NAME), restricted, expires, effective, created, amount, cost, sequence; " \
      "or proportional, or listed (by a usage's `grants`)" },                                                              \
    { "class", SCRIP_OPTION_NAME, NULL, NULL, 0, "class of a grant whose event names none" },                              \
    { "term", SCRIP_OPTION_TEXT, "never", NULL, 0, "a grant without an expiry ends this long after it takes effect" },     \
    { "term.*", SCRIP_OPTION_TEXT, NULL, NULL, 0, "the same for one class: term.trial = 30d" },                            \
    { "term_at_most", SCRIP_OPTION_BOOL, "no", NULL, 0,                                                                    \
      "a grant whose event names an expiry ends at that or at its term, whichever is earlier" },                           \
    { "zone", SCRIP_OPTION_ZONE, "UTC", NULL, 0, "where the days and months of a term are counted" },                      \
    { "settle_lag", SCRIP_OPTION_DURATION, "0s", NULL, 0, "how late an event may come and still count as in order" },      \
    { "late", SCRIP_OPTION_CHOICE, "post", "post,replay", 0,                                                               \
      "later ones: post, judged by their own date against what is left; replay, as if they had come in order" },           \
    { "overdraft", SCRIP_OPTION_CHOICE, "no", "no,debt", 0,                                                                \
      "a charge that no grant can pay: no, it is refused; debt, it is owed until a balance settles it" },                  \
    { "overdraft_limit", SCRIP_OPTION_DECIMAL, NULL, NULL, 0, "debt at most; absent: any" },                               \
    { "refund_term", SCRIP_OPTION_DURATION, "0s", NULL, 0,                                                                 \
      "what comes back to a grant after its end lives this long; 0s: it is lost" },                                        \
    { "hold_timeout", SCRIP_OPTION_DURATION, "0s", NULL, 0, "a hold without an expiry is given back after this; 0s: never" }, \
    { "topup_below", SCRIP_OPTION_DECIMAL, NULL, NULL, 0, "`advise` says what to buy where less than this is available" }, \
    { "topup_to", SCRIP_OPTION_DECIMAL, "0", NULL, 0, "up to this" },                                                      \
    { "topup_least", SCRIP_OPTION_DECIMAL, "0", NULL, 0, "at least so much" },                                             \
    { "reset", SCRIP_OPTION_CHOICE, "keep", "keep,lose", 0, "what scrip.reset leaves of a grant without a rollover rule" }

/* What is sold, what is accepted, what it is worth elsewhere. */
#define LOT_SALE_OPTIONS                                                                                                   \
    { "expire_all", SCRIP_OPTION_TIME, NULL, NULL, 0, "nothing of it lives at or after this instant" },                    \
    { "sale_from", SCRIP_OPTION_TIME, NULL, NULL, 0, "grants made before this are refused" },                              \
    { "sale_until", SCRIP_OPTION_TIME, NULL, NULL, 0, "grants made at or after this are refused" },                        \
    { "sale_classes", SCRIP_OPTION_LIST, NULL, NULL, 0, "the classes that sale_from and sale_until are about; absent: all" }, \
    { "accept_from", SCRIP_OPTION_TIME, NULL, NULL, 0, "charges before this are not accepted" },                           \
    { "accept_until", SCRIP_OPTION_TIME, NULL, NULL, 0, "charges at or after this are not accepted" },                     \
    { "capture_over", SCRIP_OPTION_CHOICE, "refuse", "refuse,charge", 0, "a capture of more than is held" },               \
    { "convert.*", SCRIP_OPTION_TEXT, NULL, NULL, 0,                                                                       \
      "convert.CURRENCY = RATE[/PER] [from DATE], ...: what one unit is worth there" },                                    \
    { "convert_keep", SCRIP_OPTION_LIST, "class, expires, priority, cost", NULL, 0,                                        \
      "what a grant that a conversion makes takes over; none" }

/* The value of a time that may be absent. */
static inline int64_t lots_time(struct scrip_ctx *ctx, const char *key)
{
    return ctx->host->option_given(ctx, key) ? ctx->host->option_int(ctx, key) : SCRIP_TIME_NONE;
}

/* "proportional", "listed", else an order. */
static inline int lots_mode(const char *draw_order)
{
    return strcmp(draw_order, "proportional") == 0 ? SCRIP_DRAW_PROPORTIONAL
           : strcmp(draw_order, "listed") == 0     ? SCRIP_DRAW_LISTED
                                                   : SCRIP_DRAW_ORDERED;
}

/* Both that are no orders fall back on the grants as they came. */
static inline const char *lots_order(struct scrip_ctx *ctx)
{
    const char *text = ctx->host->option_text(ctx, "draw_order");

    return lots_mode(text) == SCRIP_DRAW_ORDERED ? text : "sequence";
}

static inline int lots_term_check(struct scrip_ctx *ctx, const char *key, const char *term)
{
    int64_t end_us;

    if (strcmp(term, "never") == 0 || (ctx->host->time_add(0, term, 1, "", &end_us) == SCRIP_OK && end_us > 0))
        return SCRIP_OK;
    return scrip_fail(ctx, SCRIP_EINVALID, "%s: '%s' is no term: want never, or a duration such as P1Y or 30d", key, term);
}

static inline int lots_open(struct scrip_ctx *ctx)
{
    const struct scrip_host *host = ctx->host;
    const char *suffix, *value;
    int64_t decimals = host->option_int(ctx, "decimals");
    int code = SCRIP_OK;

    if (decimals < 0 || decimals > 9)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: decimals = %d: want 0 to 9", host->option_where(ctx, "decimals"),
                          (int)decimals);
    for (uint64_t i = 0; code == SCRIP_OK && host->option_member(ctx, "term.*", i, &suffix, &value) == SCRIP_OK; i++)
        code = lots_term_check(ctx, suffix, value);
    if (code == SCRIP_OK)
        code = lots_term_check(ctx, "term", host->option_text(ctx, "term"));
    return code < 0 ? code : host->order_check(ctx, lots_order(ctx));
}

/* An amount of this currency in minor units. */
static inline int lots_amount(struct scrip_ctx *ctx, const char *key, int64_t *out)
{
    const struct scrip_host *host = ctx->host;
    struct scrip_decimal value, scale = { 1, 0 };

    host->option_decimal(ctx, key, &value);
    for (int64_t i = host->option_int(ctx, "decimals"); i > 0; i--)
        scale.whole *= 10;
    if (host->decimal_multiply(&value, &scale, &value) < 0 || value.atto != 0 || value.whole < 0)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: %s = %s: want an amount from 0 up with at most %d decimals",
                          host->option_where(ctx, key), key, host->option_text(ctx, key), (int)host->option_int(ctx, "decimals"));
    *out = value.whole;
    return SCRIP_OK;
}

static inline int lots_policy(struct scrip_ctx *ctx, struct scrip_policy *out)
{
    const struct scrip_host *host = ctx->host;

    out->decimals = host->option_int(ctx, "decimals");
    out->rounding = host->option_int(ctx, "rounding");
    out->split = host->option_int(ctx, "split");
    out->settle_lag_us = host->option_int(ctx, "settle_lag");
    out->late = host->option_int(ctx, "late");
    out->overdraft = host->option_int(ctx, "overdraft");
    out->draw_order = host->option_text(ctx, "draw_order");
    out->draw_mode = lots_mode(host->option_text(ctx, "draw_order"));
    out->refund_us = host->option_int(ctx, "refund_term");
    out->hold_us = host->option_int(ctx, "hold_timeout");
    out->reset_keeps = host->option_int(ctx, "reset") == 0;
    if ((host->option_given(ctx, "overdraft_limit") && lots_amount(ctx, "overdraft_limit", &out->overdraft_limit) < 0) ||
        lots_amount(ctx, "topup_to", &out->topup_to) < 0 || lots_amount(ctx, "topup_least", &out->topup_least) < 0)
        return SCRIP_EINVALID;
    return host->option_given(ctx, "topup_below") ? lots_amount(ctx, "topup_below", &out->topup_below) : SCRIP_OK;
}

/* The options of sales, too. */
static inline int lots_sale_policy(struct scrip_ctx *ctx, struct scrip_policy *out)
{
    static const char *const keeps[] = { "class", "expires", "priority", "cost" };
    const char *item;

    out->accept_from_us = lots_time(ctx, "accept_from");
    out->accept_until_us = lots_time(ctx, "accept_until");
    out->capture_over = ctx->host->option_int(ctx, "capture_over");
    out->convert_keeps = 0;
    for (uint64_t i = 0; (item = ctx->host->option_item(ctx, "convert_keep", i)) != NULL; i++) {
        int found = strcmp(item, "none") == 0;

        for (int k = 0; k < 4; k++)
            if (strcmp(item, keeps[k]) == 0) {
                out->convert_keeps |= INT64_C(1) << k;
                found = 1;
            }
        if (!found)
            return scrip_fail(ctx, SCRIP_EINVALID, "%s: convert_keep: '%s': want class, expires, priority, cost, or none",
                              ctx->host->option_where(ctx, "convert_keep"), item);
    }
    return lots_policy(ctx, out);
}

/* ---- grants --------------------------------------------------------------------------------- */

static inline int lots_is_for_sale(struct scrip_ctx *ctx, const char *class_name)
{
    const char *item;

    if (!ctx->host->option_given(ctx, "sale_classes"))
        return 1;
    for (uint64_t i = 0; (item = ctx->host->option_item(ctx, "sale_classes", i)) != NULL; i++)
        if (strcmp(item, class_name) == 0)
            return 1;
    return 0;
}

static inline int lots_sale_check(struct scrip_ctx *ctx, const struct scrip_grant *grant)
{
    int64_t from = lots_time(ctx, "sale_from"), until = lots_time(ctx, "sale_until");
    char limit[40], when[40];

    if (grant->type != SCRIP_GRANT || !lots_is_for_sale(ctx, grant->class_name))
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
static inline const char *lots_term(struct scrip_ctx *ctx, const char *class_name)
{
    const char *suffix, *value;

    for (uint64_t i = 0; ctx->host->option_member(ctx, "term.*", i, &suffix, &value) == SCRIP_OK; i++)
        if (strcmp(suffix, class_name) == 0)
            return value;
    return ctx->host->option_text(ctx, "term");
}

/* Class, expiry and order of a grant. latest_us: nothing lives at or after it. */
static inline int lots_settle(struct scrip_ctx *ctx, struct scrip_grant *grant, int64_t latest_us, void *key, uint64_t *key_size)
{
    const struct scrip_host *host = ctx->host;

    if (grant->expires_us == SCRIP_TIME_NONE || host->option_int(ctx, "term_at_most")) {
        const char *term = lots_term(ctx, grant->class_name);
        int64_t end = SCRIP_TIME_NONE;

        if (strcmp(term, "never") != 0 &&
            host->time_add(grant->effective_us, term, 1, host->option_text(ctx, "zone"), &end) < 0)
            return scrip_fail(ctx, SCRIP_ERANGE, "term '%s': the grant would end after the year 9999", term);
        if (grant->expires_us == SCRIP_TIME_NONE || (end != SCRIP_TIME_NONE && end < grant->expires_us))
            grant->expires_us = end;
    }
    if (latest_us != SCRIP_TIME_NONE && (grant->expires_us == SCRIP_TIME_NONE || grant->expires_us > latest_us))
        grant->expires_us = latest_us;
    if (grant->expires_us != SCRIP_TIME_NONE && grant->expires_us <= grant->effective_us) {
        char end[40], start[40];

        host->time_write(grant->expires_us, end, sizeof end);
        host->time_write(grant->effective_us, start, sizeof start);
        return scrip_fail(ctx, SCRIP_EREFUSED, "%s: the grant would end (%s) before it takes effect (%s)", ctx->instance,
                          end, start);
    }
    return host->order_key(ctx, lots_order(ctx), grant, key, key_size);
}

static inline void lots_class(struct scrip_ctx *ctx, struct scrip_grant *grant)
{
    if (grant->class_name[0] == 0)
        grant->class_name = ctx->host->option_text(ctx, "class");
}

/* ---- rates to other currencies -------------------------------------------------------------- */

/* One of "RATE[/PER] [from DATE]". 1: it counts at the time, and is read; 0: not yet; else the fault. */
static inline int lots_rate_read(struct scrip_ctx *ctx, const char *at, size_t size, int64_t time_us, int64_t *from_us,
                                 struct scrip_decimal *rate, struct scrip_decimal *per)
{
    const struct scrip_host *host = ctx->host;
    size_t n = strcspn(at, " \t"), slash;
    const char *from;

    n = n < size ? n : size;
    slash = memchr(at, '/', n) ? (size_t)((const char *)memchr(at, '/', n) - at) : n;
    *per = (struct scrip_decimal){ 1, 0 };
    *from_us = INT64_MIN;
    if (host->decimal_parse(at, slash, rate) < 0 || (slash < n && host->decimal_parse(at + slash + 1, n - slash - 1, per) < 0))
        return SCRIP_EINVALID;
    from = at + n + strspn(at + n, " \t");
    if (from >= at + size)
        return 1;
    if (strncmp(from, "from ", 5) != 0)
        return SCRIP_EINVALID;
    from += 5 + strspn(from + 5, " \t");
    if (from >= at + size || host->time_parse(from, (uint64_t)(at + size - from), NULL, host->option_text(ctx, "zone"), from_us) < 0)
        return SCRIP_EINVALID;
    return *from_us <= time_us;
}

/* The latest of a list that counts at the time. */
static inline int lots_rate_find(struct scrip_ctx *ctx, const char *text, int64_t time_us, struct scrip_decimal *rate,
                                 struct scrip_decimal *per)
{
    int64_t best = INT64_MIN, from;
    int found = 0;

    while (*text) {
        struct scrip_decimal a, b;
        size_t size;
        int code;

        text += strspn(text, " \t,");
        size = strcspn(text, ",");
        while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t'))
            size--;
        if (size == 0)
            break;
        if ((code = lots_rate_read(ctx, text, size, time_us, &from, &a, &b)) < 0)
            return SCRIP_EINVALID;
        if (code == 1 && (!found || from >= best)) {
            found = 1;
            best = from;
            *rate = a;
            *per = b;
        }
        text += strcspn(text, ",");
    }
    return found ? SCRIP_OK : SCRIP_ENOTFOUND;
}

static inline int lots_convert(struct scrip_ctx *ctx, const char *to, int64_t time_us, struct scrip_decimal *rate,
                               struct scrip_decimal *per)
{
    const char *suffix, *value;

    for (uint64_t i = 0; ctx->host->option_member(ctx, "convert.*", i, &suffix, &value) == SCRIP_OK; i++)
        if (strcmp(suffix, to) == 0)
            return lots_rate_find(ctx, value, time_us, rate, per);
    return SCRIP_ENOTFOUND;
}

static inline int lots_convert_check(struct scrip_ctx *ctx)
{
    const char *suffix, *value;
    struct scrip_decimal rate, per;

    for (uint64_t i = 0; ctx->host->option_member(ctx, "convert.*", i, &suffix, &value) == SCRIP_OK; i++)
        if (lots_rate_find(ctx, value, INT64_MAX, &rate, &per) < 0)
            return scrip_fail(ctx, SCRIP_EINVALID, "convert.%s: '%s': want RATE or RATE/PER, and from DATE where it changes, split "
                              "by commas", suffix, value);
    return SCRIP_OK;
}

/* ---- a currency that is sold: its open and its grants ------------------------------------------------------- */

static inline int lots_sale_open(struct scrip_ctx *ctx)
{
    int code = lots_open(ctx);

    return code < 0 ? code : lots_convert_check(ctx);
}

static inline int lots_sale_grant(struct scrip_ctx *ctx, struct scrip_grant *grant, void *key, uint64_t *key_size)
{
    int code;

    lots_class(ctx, grant);
    if ((code = lots_sale_check(ctx, grant)) < 0)
        return code;
    return lots_settle(ctx, grant, lots_time(ctx, "expire_all"), key, key_size);
}

#endif
