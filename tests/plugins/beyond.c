/* beyond.c - sets a member that the minor it asks for does not have, as a newer plugin.h would let it. */
#include "trap.h"

struct later {
    struct scrip_service service;
    int (*later)(void);
};

SCRIP_EXPORT extern const struct later scrip_plugin;
const struct later scrip_plugin = {
    .service = { .head = { SCRIP_MAGIC, SCRIP_ABI_MAJOR, 0, SCRIP_SERVICE, SCRIP_SERVICE_SIZE_0, "beyond", "sets too much" },
                 .open = trap_open, .close = trap_close, .quote = trap_quote },
    .later = trap,
};
