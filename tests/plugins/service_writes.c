/* service_writes.c - a service that writes to the event that it was lent. */
#define NAME "service_writes"
#define IS_WRITING
#include "broken_service.h"
