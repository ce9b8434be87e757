/* service_remembers.c - a service that remembers in its instance what it should have put. */
#define NAME "service_remembers"
#define IS_REMEMBERING
#include "broken_service.h"
