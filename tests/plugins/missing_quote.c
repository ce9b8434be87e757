/* missing_quote.c - a service that cannot quote. */
#include "trap.h"

SCRIP_SERVICE_PLUGIN("missing_quote", "cannot quote", .open = trap_open, .close = trap_close);
