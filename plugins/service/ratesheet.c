/* ratesheet.c - prices a usage by quantity x rate / per from a dated sheet.
 *
 * `meters` names attributes that are priced each by a line of its own: the sheet's row of the event's product whose
 * `unit` is the attribute's name. `factor_by` names an attribute that picks a factor for the rate: `factor.VALUE`.
 */
#include "sheet.h"
#include "usage.h"

static const struct scrip_option options[] = {
    SHEET_OPTIONS,
    SHEET_OPTION_GATE,
    { "meters", SCRIP_OPTION_LIST, NULL, NULL, 0,
      "attributes priced instead of the quantity, each by the row of that unit" },
    { "factor_by", SCRIP_OPTION_NAME, NULL, NULL, 0, "the attribute whose value picks a factor for the rate" },
    { "factor.*", SCRIP_OPTION_DECIMAL, NULL, NULL, 0,
      "factor.VALUE = NUMBER; factor.* is for all other values and none" },
    SCRIP_OPTIONS_END,
};

struct ratesheet {
    struct sheet sheet; /* first: sheet.h opens and frees it */
    int has_meters, has_factors;
};

static int open_sheet(struct scrip_ctx *ctx)
{
    const char *value, *text;
    struct scrip_decimal factor;
    int code, has_factors = ctx->host->option_member(ctx, "factor.*", 0, &value, &text) == SCRIP_OK;

    if (has_factors != ctx->host->option_given(ctx, "factor_by"))
        return scrip_fail(ctx, SCRIP_EINVALID, "factor_by and factor.*: one without the other: give both, or none");
    for (uint64_t i = 0; ctx->host->option_member(ctx, "factor.*", i, &value, &text) == SCRIP_OK; i++)
        if (ctx->host->decimal_parse(text, strlen(text), &factor) < 0 || number_is_negative(factor))
            return scrip_fail(ctx, SCRIP_EINVALID, "factor.%s: want a number of 0 or more, got '%s'", value, text);
    if ((code = sheet_open(ctx, sizeof(struct ratesheet), 1)) < 0)
        return code;
    ((struct ratesheet *)ctx->self)->has_factors = has_factors;
    ((struct ratesheet *)ctx->self)->has_meters = ctx->host->option_given(ctx, "meters");
    return SCRIP_OK;
}

/* 1: the rate has a factor; 0: it has none; SCRIP_ENOTFOUND: no factor is configured for this value. */
static int factor_find(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_decimal *out)
{
    const char *by, *found, *value, *text, *other = NULL;

    if (!((const struct ratesheet *)ctx->self)->has_factors)
        return 0;
    by = ctx->host->option_text(ctx, "factor_by");
    found = usage_attribute(event, by);
    for (uint64_t i = 0; ctx->host->option_member(ctx, "factor.*", i, &value, &text) == SCRIP_OK; i++)
        if (found != NULL && strcmp(value, found) == 0)
            return ctx->host->decimal_parse(text, strlen(text), out) < 0 ? SCRIP_EINVALID : 1;
        else if (strcmp(value, "*") == 0)
            other = text;
    if (other != NULL)
        return ctx->host->decimal_parse(other, strlen(other), out) < 0 ? SCRIP_EINVALID : 1;
    if (found == NULL)
        return scrip_fail(ctx, SCRIP_ENOTFOUND,
                          "attribute '%s': missing: it picks the factor; factor.* = 1 would do without", by);
    return scrip_fail(ctx, SCRIP_ENOTFOUND, "attribute '%s': no factor for '%.60s': add factor.%.60s, or factor.*", by,
                      found, found);
}

/* A line for each meter that the event has. Returns how many, or the fault. */
static int meters_price(struct scrip_ctx *ctx, const struct scrip_event *event, struct sheet_ask *ask,
                        struct scrip_quote *out)
{
    const char *meter;
    int count = 0;

    for (uint64_t i = 0; (meter = ctx->host->option_item(ctx, "meters", i)) != NULL; i++) {
        int code;

        if (usage_attribute(event, meter) == NULL)
            continue;
        if ((code = usage_number(ctx, event, meter, &ask->quantity)) < 0)
            return code;
        ask->unit = meter;
        ask->group = i + 1;
        if ((code = sheet_price(ctx, ctx->self, ask, out)) <= 0)
            return code;
        count++;
    }
    if (count == 0)
        return scrip_fail(ctx, SCRIP_ENOTFOUND, "meters: the event has none of these attributes (the first is '%s')",
                          ctx->host->option_item(ctx, "meters", 0));
    return count;
}

static int quote(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    struct sheet_ask ask = { event->product, event->unit, event->time_us, event->quantity, NULL, 1 };
    struct scrip_decimal factor;
    int code;

    if (!sheet_knows(ctx->self, event->product))
        return SCRIP_OK; /* another service may have a price */
    if ((code = sheet_gate(ctx, ctx->self, event, out)) != 0)
        return code < 0 ? code : SCRIP_OK;
    code = factor_find(ctx, event, &factor);
    if (code > 0)
        ask.factor = &factor;
    if (code >= 0)
        code = ((const struct ratesheet *)ctx->self)->has_meters ? meters_price(ctx, event, &ask, out)
                                                                 : sheet_price(ctx, ctx->self, &ask, out);
    if (code == 0)
        return sheet_unpriced(ctx, &ask, out);
    ctx->host->verdict(ctx, out, code == SCRIP_ENOTFOUND ? SCRIP_UNPRICED : SCRIP_PRICED);
    return code < 0 && code != SCRIP_ENOTFOUND ? code : SCRIP_OK;
}

SCRIP_SERVICE_PLUGIN("ratesheet", "quantity x rate / per from a dated sheet", .options = options, .open = open_sheet,
                     .close = sheet_close, .quote = quote);
