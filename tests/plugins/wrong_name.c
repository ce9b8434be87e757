/* wrong_name.c - is called otherwise than its file. */
#include "trap.h"

TRAP_SERVICE(SCRIP_MAGIC, SCRIP_ABI_MAJOR, 0, SCRIP_SERVICE_SIZE_0, "another_name", "another name");
