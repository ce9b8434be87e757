/* source_early.c - a source that goes on a row too early. */
#define NAME "source_early"
#define IS_EARLY
#include "broken_source.h"
