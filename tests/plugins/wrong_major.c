/* wrong_major.c - built for another major of the ABI. */
#include "trap.h"

TRAP_SERVICE(SCRIP_MAGIC, SCRIP_ABI_MAJOR + 1, 0, SCRIP_SERVICE_SIZE_0, "wrong_major", "another major");
