/* missing_symbol.c - exports a constant under a name that no host looks for. */
#include "trap.h"

#define scrip_plugin my_plugin
SCRIP_SERVICE_PLUGIN("missing_symbol", "another symbol", .open = trap_open, .quote = trap_quote);
