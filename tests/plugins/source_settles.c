/* source_settles.c - a source that gives nothing more once it was told what is committed. */
#define NAME "source_settles"
#define IS_SETTLING
#include "broken_source.h"
