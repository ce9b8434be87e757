/* source_late.c - a source that passes over a row where it finds another one than its cursor says. */
#define NAME "source_late"
#define IS_LATE
#include "broken_source.h"
