/* missing_read.c - a source that cannot read. */
#include "trap.h"

static void trap_feed_close(struct scrip_ctx *ctx)
{
    trap_close(ctx);
}

SCRIP_SOURCE_PLUGIN("missing_read", "cannot read", .open = trap_open, .close = trap_close, .feeds = trap_feeds,
                    .claims = trap_claims, .feed_open = trap_feed_open, .feed_close = trap_feed_close);
