/* source_endless.c - a source that says for ever that there is more. */
#define NAME "source_endless"
#define IS_ENDLESS
#include "broken_source.h"
