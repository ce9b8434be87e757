/* missing_grant.c - a currency that cannot settle a grant. */
#include "trap.h"

SCRIP_CURRENCY_PLUGIN("missing_grant", "cannot settle", .open = trap_open, .close = trap_close, .policy = trap_policy);
