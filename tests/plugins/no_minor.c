/* no_minor.c - asks for a minor that never was. */
#include "trap.h"

TRAP_SERVICE(SCRIP_MAGIC, SCRIP_ABI_MAJOR, 0, SCRIP_SERVICE_SIZE_1, "no_minor", "minor 0");
