/* source_greedy.c - a source that gives more rows than it was asked for. */
#define NAME "source_greedy"
#define IS_GREEDY
#include "broken_source.h"
