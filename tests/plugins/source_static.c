/* source_static.c - a source whose ids are counted in a static variable. */
#define NAME "source_static"
#define IS_STATIC
#include "broken_source.h"
