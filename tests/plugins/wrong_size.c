/* wrong_size.c - a size that its minor never had. */
#include "trap.h"

TRAP_SERVICE(SCRIP_MAGIC, SCRIP_ABI_MAJOR, 0, SCRIP_SERVICE_SIZE_0 + 4, "wrong_size", "four bytes more");
