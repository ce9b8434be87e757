/* unresolved.c - calls a function that no library has: found when it is loaded, not when a charge is due. */
#include "trap.h"

int scrip_test_function_that_is_nowhere(void);

static int quote(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    (void)ctx, (void)event, (void)out;
    return scrip_test_function_that_is_nowhere();
}

SCRIP_SERVICE_PLUGIN("unresolved", "calls what is not there", .open = trap_open, .quote = quote);
