/* newer_minor.c - asks for more than this host has. */
#include "trap.h"

TRAP_SERVICE(SCRIP_MAGIC, SCRIP_ABI_MAJOR, SCRIP_ABI_MINOR + 1, SCRIP_SERVICE_SIZE_0, "newer_minor", "a newer minor");
