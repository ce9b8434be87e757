/* option_untyped.c - declares a key of a type that this host does not know. */
#include "trap.h"

static const struct scrip_option options[] = {
    { "rate", 99, NULL, NULL, 0, "a rate" },
    SCRIP_OPTIONS_END,
};

SCRIP_SERVICE_PLUGIN("option_untyped", "no such type", .options = options, .open = trap_open, .quote = trap_quote);
