/* service_silent.c - a service that fails without a message. */
#define NAME "service_silent"
#define IS_SILENT
#include "broken_service.h"
