/* source_early.c - a source that goes on a row too early, and counts it anew. */
#define NAME "source_early"
#define IS_EARLY
#include "broken_source.h"
