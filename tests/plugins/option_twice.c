/* option_twice.c - declares one key twice. */
#include "trap.h"

static const struct scrip_option options[] = {
    { "rate", SCRIP_OPTION_DECIMAL, NULL, NULL, 0, "a rate" },
    { "rate", SCRIP_OPTION_TEXT, NULL, NULL, 0, "another" },
    SCRIP_OPTIONS_END,
};

SCRIP_SERVICE_PLUGIN("option_twice", "one key twice", .options = options, .open = trap_open, .quote = trap_quote);
