/* order.h - draw orders: a configured text becomes bytes that sort grants. */
#ifndef SCRIP_CORE_ORDER_H
#define SCRIP_CORE_ORDER_H

#include <scrip/plugin.h>

/* These are the host's services of the same names; see plugin.h. */
int order_check(struct scrip_ctx *ctx, const char *draw_order);
int order_key(struct scrip_ctx *ctx, const char *draw_order, const struct scrip_grant *grant, void *key,
              uint64_t *key_size);

#endif
