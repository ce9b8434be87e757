/* prepaid.c - a prepaid currency: lots that are bought or given, drawn in an order, and expire. */
#include "lots.h"

static const struct scrip_option options[] = {
    LOT_OPTIONS,
    LOT_SALE_OPTIONS,
    SCRIP_OPTIONS_END,
};

SCRIP_CURRENCY_PLUGIN("prepaid", "lots that are bought or given, drawn in an order, and expire", .options = options,
                      .open = lots_sale_open, .policy = lots_sale_policy, .grant = lots_sale_grant,
                      .convert = lots_convert);
