/* report_writes.c - a report that writes to the cells that it was lent. */
#define NAME "report_writes"
#define IS_WRITING
#include "broken_report.h"
