/* service_long.c - a service whose key of a state is too long, and which goes on. */
#define NAME "service_long"
#define IS_LONG
#include "broken_service.h"
