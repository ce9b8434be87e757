/* service_unnamed.c - a service whose timer charges for nothing that has a name. */
#define NAME "service_unnamed"
#define IS_WAITING
#define WAIT_US (400 * SCRIP_DAY)
#include "broken_service.h"
