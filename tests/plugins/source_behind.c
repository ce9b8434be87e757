/* source_behind.c - a source whose positions are where rows begin. */
#define NAME "source_behind"
#define IS_BEHIND
#include "broken_source.h"
