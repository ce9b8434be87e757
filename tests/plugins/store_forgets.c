/* store_forgets.c - a store that takes an event that it knows. */
#include "../../plugins/store/memory_tables.h"
/* What a commit asks, and nothing else: whether the event is known. */
#define identity_find(tables, row) NULL
#include "../../plugins/store/memory_commit.h"
#undef identity_find
#include "../../plugins/store/memory.h"

static const struct scrip_option options[] = {
    { "file", SCRIP_OPTION_PATH, NULL, NULL, 0, "as the memory store's" },
    SCRIP_OPTIONS_END,
};

SCRIP_STORE_PLUGIN("store_forgets", "takes an event that it knows", .options = options, .open = memory_open,
                   .close = memory_close, .begin = memory_begin, .commit = memory_commit, .scan = memory_scan,
                   .event_find = memory_event_find, .source_last = memory_source_last, .state_find = memory_state_find,
                   .cursor_find = memory_cursor_find, .check = memory_check);
