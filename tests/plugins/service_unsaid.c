/* service_unsaid.c - a service that adds a line and sets no verdict. */
#define NAME "service_unsaid"
#define VERDICT SCRIP_NOT_MINE
#include "broken_service.h"
