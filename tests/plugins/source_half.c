/* source_half.c - a source that takes half a row while its feed grows. */
#define NAME "source_half"
#define IS_HALF
#include "broken_source.h"
