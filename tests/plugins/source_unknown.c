/* source_unknown.c - a source of a field that does not exist. */
#define NAME "source_unknown"
#define IS_UNKNOWN
#include "broken_source.h"
