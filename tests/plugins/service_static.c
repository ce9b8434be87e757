/* service_static.c - a service that counts in a static variable. */
#define NAME "service_static"
#define IS_STATIC
#include "broken_service.h"
