/* service_verdict.c - a service with a verdict that does not exist. */
#define NAME "service_verdict"
#define VERDICT 9
#include "broken_service.h"
