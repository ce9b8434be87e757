/* service_swallows.c - a service that goes on where its line was refused. */
#define NAME "service_swallows"
#define IS_SWALLOWING
#include "broken_service.h"
