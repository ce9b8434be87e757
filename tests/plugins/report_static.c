/* report_static.c - a report that keeps its lines in a static variable. */
#define NAME "report_static"
#define IS_STATIC
#include "broken_report.h"
