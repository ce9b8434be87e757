/* no_name.c - has no name. */
#include "trap.h"

TRAP_SERVICE(SCRIP_MAGIC, SCRIP_ABI_MAJOR, 0, SCRIP_SERVICE_SIZE_0, NULL, "no name");
