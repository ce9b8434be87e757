/* report_counts.c - a report whose bytes depend on how many there were. */
#define NAME "report_counts"
#define IS_COUNTING
#include "broken_report.h"
