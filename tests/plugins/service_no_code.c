/* service_no_code.c - a service that returns what is no code. */
#define NAME "service_no_code"
#define IS_NO_CODE
#include "broken_service.h"
