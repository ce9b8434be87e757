/* service_empty.c - a service whose price has no line. */
#define NAME "service_empty"
#define IS_EMPTY
#include "broken_service.h"
