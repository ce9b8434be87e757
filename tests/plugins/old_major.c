/* old_major.c - built for ABI 0.1, before it was promised to stay. */
#include "trap.h"

TRAP_SERVICE(SCRIP_MAGIC, 0, 1, SCRIP_SERVICE_SIZE_0, "old_major", "ABI 0.1");
