/* ratesheet.c - prices a usage by quantity x rate / per from a dated sheet. */
#include "sheet.h"

static const struct scrip_option options[] = { SHEET_OPTIONS, SCRIP_OPTIONS_END };

static int open_sheet(struct scrip_ctx *ctx)
{
    return sheet_open(ctx, sizeof(struct sheet));
}

static int quote(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    int count;

    if (event->product[0] == 0 || !sheet_knows(ctx->self, event->product))
        return SCRIP_OK; /* another service may have a price */
    count = sheet_quote(ctx, ctx->self, event, event->time_us, &event->quantity, 1, out);
    if (count == 0) {
        sheet_missing(ctx, event, event->time_us);
        ctx->host->verdict(ctx, out, SCRIP_UNPRICED);
        return SCRIP_OK;
    }
    ctx->host->verdict(ctx, out, SCRIP_PRICED);
    return count < 0 ? count : SCRIP_OK;
}

SCRIP_SERVICE_PLUGIN("ratesheet", "quantity x rate / per from a dated sheet", .options = options, .open = open_sheet,
                     .close = sheet_close, .quote = quote);
