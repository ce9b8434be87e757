/* trapped.c - a service that is right in everything, and whose functions must not run before it is asked for. */
#include "trap.h"

SCRIP_SERVICE_PLUGIN("trapped", "right in everything", .open = trap_open, .close = trap_close, .quote = trap_quote);
