/* constructor.c - runs before anybody asks: what the loader does with every shared object. The host refuses it for
 * its magic, too late for this; so only a configuration that nobody else could write may name it. */
#include "trap.h"

static void __attribute__((constructor)) start(void)
{
    mark();
}

TRAP_SERVICE(0, SCRIP_ABI_MAJOR, 0, SCRIP_SERVICE_SIZE_0, "constructor", "runs when it is loaded");
