/* source_turns.c - a source that names other feeds each time. */
#define NAME "source_turns"
#define IS_TURNING
#include "broken_source.h"
