/* report_refuses.c - a report that cannot write every text. */
#define NAME "report_refuses"
#define IS_REFUSING
#include "broken_report.h"
