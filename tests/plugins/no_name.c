/* no_name.c - has no name. */
#include "trap.h"

TRAP_SERVICE(SCRIP_MAGIC, SCRIP_ABI_MAJOR, 1, SCRIP_SERVICE_SIZE_1, NULL, "no name");
