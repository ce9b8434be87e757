/* source_mute.c - a source that fails without a message. */
#define NAME "source_mute"
#define IS_MUTE
#include "broken_source.h"
