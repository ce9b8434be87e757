/* report_mute.c - a report that fails without a message. */
#define NAME "report_mute"
#define IS_MUTE
#include "broken_report.h"
