/* window_net.h - netting: one product costs what its charges of a period are above a share of other products' charges.
 *
 * The base products are charged by the sheet as they are used. The netted one is recorded at no cost, and at the
 * period's end charged for what is above. Kept for each period: what both came to, and what was charged, for events
 * that are late.
 */
#ifndef SCRIP_WINDOW_NET_H
#define SCRIP_WINDOW_NET_H

#include "period.h"
#include "sheet.h"
#include "usage.h"

struct net {
    struct scrip_decimal base, netted, charged;
    int64_t is_closed;
    struct period period;
    struct usage_key key;
};
#define NET_SIZE (3 * 16 + 8)

static int net_open(struct scrip_ctx *ctx)
{
    const char *netted = ctx->host->option_text(ctx, "netted"), *base;
    struct scrip_decimal allowance;

    for (uint64_t i = 0; (base = ctx->host->option_item(ctx, "base", i)) != NULL; i++)
        if (strcmp(base, netted) == 0)
            return scrip_fail(ctx, SCRIP_EINVALID, "%s: netted: '%s' cannot be its own base",
                              ctx->host->option_where(ctx, "netted"), netted);
    ctx->host->option_decimal(ctx, "allowance", &allowance);
    if (number_is_negative(allowance))
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: allowance: want 0 or more",
                          ctx->host->option_where(ctx, "allowance"));
    if (ctx->host->option_int(ctx, "count_by") != COUNT_BY_PRODUCT)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: count_by: the account is netted as a whole: leave it out",
                          ctx->host->option_where(ctx, "count_by"));
    return SCRIP_OK;
}

static int net_load(struct scrip_ctx *ctx, int64_t time_us, struct net *out)
{
    char bytes[NET_SIZE];
    uint64_t size = sizeof bytes;
    int code;

    memset(out, 0, sizeof *out);
    if (period_at(ctx, time_us, &out->period) < 0 ||
        usage_key(ctx, 'N', out->period.start_us, ctx->host->option_text(ctx, "netted"), "", &out->key) < 0)
        return SCRIP_EINVALID;
    code = ctx->host->state_get(ctx, out->key.bytes, out->key.size, bytes, &size);
    if (code < 0)
        return code == SCRIP_ENOTFOUND ? SCRIP_OK : code;
    decimal_read_bytes(bytes, &out->base);
    decimal_read_bytes(bytes + 16, &out->netted);
    decimal_read_bytes(bytes + 32, &out->charged);
    out->is_closed = int64_read(bytes + 48);
    return SCRIP_OK;
}

static int net_store(struct scrip_ctx *ctx, const struct net *net)
{
    char bytes[NET_SIZE];

    decimal_write_bytes(bytes, &net->base);
    decimal_write_bytes(bytes + 16, &net->netted);
    decimal_write_bytes(bytes + 32, &net->charged);
    int64_write(bytes + 48, net->is_closed);
    return ctx->host->state_put(ctx, net->key.bytes, net->key.size, bytes, sizeof bytes,
                                net->period.end_us + ctx->host->option_int(ctx, "keep"));
}

/* Charges what is above and was not charged yet. 1: there was something; 0: nothing; or the fault. */
static int net_charge(struct scrip_ctx *ctx, struct net *net, int64_t time_us, struct scrip_quote *out)
{
    const char *netted = ctx->host->option_text(ctx, "netted");
    const struct sheet_row *first = sheet_product(ctx->self, netted), *row;
    struct scrip_line line = { time_us, NULL, { 0, 0 }, { 1, 0 }, { 1, 0 }, NULL, 0 };
    struct calc c = { ctx, SCRIP_OK };
    struct scrip_decimal allowance, allowed;
    char label[SCRIP_NAME_SIZE + 1], used[64], base[64];
    int code;

    ctx->host->option_decimal(ctx, "allowance", &allowance);
    allowed = calc_multiply(&c, net->base, allowance);
    line.quantity = calc_subtract(&c, calc_subtract(&c, net->netted, allowed), net->charged);
    if (c.code < 0)
        return scrip_fail(ctx, c.code, "net: what is above is out of range");
    if (number_is_negative(line.quantity) || number_is_zero(line.quantity))
        return 0;
    if ((row = sheet_find(ctx->self, first ? first : sheet_product(ctx->self, "*"), NULL, NULL, time_us)) == NULL)
        return scrip_fail(ctx, SCRIP_ENOTFOUND, "product '%s': the sheet has no row for the period's end: add one",
                          netted);
    ctx->host->decimal_write(&net->netted, used, sizeof used);
    ctx->host->decimal_write(&allowed, base, sizeof base);
    snprintf(label, sizeof label, "%.150s: %.40s less %.40s", row->label, used, base);
    line.currency = row->currency;
    line.label = label;
    net->charged = calc_add(&c, net->charged, line.quantity);
    if ((code = ctx->host->line_add(ctx, out, &line)) < 0)
        return code;
    ctx->host->verdict(ctx, out, SCRIP_PRICED);
    return 1;
}

static int net_is_base(struct scrip_ctx *ctx, const char *product)
{
    const char *base;

    for (uint64_t i = 0; (base = ctx->host->option_item(ctx, "base", i)) != NULL; i++)
        if (strcmp(base, product) == 0)
            return 1;
    return 0;
}

static int net_quote(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    struct sheet_ask ask = { event->product, event->unit, event->time_us, event->quantity, NULL, 1 };
    int is_netted = strcmp(event->product, ctx->host->option_text(ctx, "netted")) == 0, code;
    const struct sheet_row *row;
    struct calc c = { ctx, SCRIP_OK };
    uint64_t at = 0;
    struct net net;

    if (!is_netted && !net_is_base(ctx, event->product))
        return SCRIP_OK; /* another service may have a price */
    if ((row = sheet_next(ctx, ctx->self, event->product, event->unit, event->time_us, &at)) == NULL)
        return sheet_unpriced(ctx, &ask, out);
    if ((code = net_load(ctx, event->time_us, &net)) < 0)
        return code;
    if (is_netted)
        net.netted = calc_add(&c, net.netted, calc_price(&c, event->quantity, row->rate, row->per));
    else
        net.base = calc_add(&c, net.base, calc_price(&c, event->quantity, row->rate, row->per));
    if (c.code < 0)
        return scrip_fail(ctx, c.code, "quantity: its price is out of range");
    ctx->host->verdict(ctx, out, is_netted ? SCRIP_FREE : SCRIP_PRICED);
    if (!is_netted)
        code = sheet_price(ctx, ctx->self, &ask, out);
    else if (net.is_closed)
        code = net_charge(ctx, &net, event->time_us, out);
    else
        code = ctx->host->timer_set(ctx, net.key.bytes, net.key.size, net.period.end_us - 1);
    return code < 0 ? code : net_store(ctx, &net);
}

static int net_timer(struct scrip_ctx *ctx, const void *bytes, uint64_t size, int64_t due_us, struct scrip_quote *out)
{
    struct usage_names names;
    struct net net;
    int code;

    if (usage_names(ctx, bytes, size, &names) < 0 || net_load(ctx, names.start_us, &net) < 0)
        return SCRIP_EINVALID;
    if (net.is_closed)
        return SCRIP_OK;
    net.is_closed = 1;
    /* Nothing above is an answer, too: it is recorded, so that what comes late is known to be late. */
    ctx->host->verdict(ctx, out, SCRIP_FREE);
    if (ctx->host->usage_name(ctx, out, names.product, "") < 0 || (code = net_charge(ctx, &net, due_us, out)) < 0)
        return SCRIP_EINVALID;
    return net_store(ctx, &net);
}

#endif
