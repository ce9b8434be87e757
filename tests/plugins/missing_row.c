/* missing_row.c - a report that cannot write a row. */
#include "trap.h"

static int trap_end(struct scrip_ctx *ctx)
{
    return trap_open(ctx);
}

SCRIP_REPORT_PLUGIN("missing_row", "cannot write", .open = trap_open, .close = trap_close, .begin = trap_begin,
                    .end = trap_end);
