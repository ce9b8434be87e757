/* wrong_magic.c - a constant that is no plugin's. */
#include "trap.h"

TRAP_SERVICE(0x12345678, SCRIP_ABI_MAJOR, 0, SCRIP_SERVICE_SIZE_0, "wrong_magic", "another magic");
