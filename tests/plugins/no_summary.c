/* no_summary.c - does not say what it is. */
#include "trap.h"

TRAP_SERVICE(SCRIP_MAGIC, SCRIP_ABI_MAJOR, 0, SCRIP_SERVICE_SIZE_0, "no_summary", NULL);
