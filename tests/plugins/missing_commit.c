/* missing_commit.c - a store that cannot commit. */
#include "trap.h"

SCRIP_STORE_PLUGIN("missing_commit", "cannot commit", .open = trap_open, .close = trap_close, .begin = trap_session,
                   .scan = trap_scan, .event_find = trap_event_find, .source_last = trap_source_last,
                   .state_find = trap_state_find, .cursor_find = trap_cursor_find, .check = trap_check);
