/* report_stale.c - a report that begins with what another left over. */
#define NAME "report_stale"
#define IS_STALE
#include "broken_report.h"
