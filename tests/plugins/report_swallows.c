/* report_swallows.c - a report that goes on where the output takes no more. */
#define NAME "report_swallows"
#define IS_SWALLOWING
#include "broken_report.h"
