/* report_unheard.c - a subscriber that does not say why nobody could be reached. */
#define NAME "report_unheard"
#define IS_UNHEARD
#include "broken_report.h"
