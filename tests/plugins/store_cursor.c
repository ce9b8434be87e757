/* store_cursor.c - a store that loses all cursors of a commit but the first. */
#include "../../plugins/store/memory.h"

static const struct scrip_option options[] = {
    { "file", SCRIP_OPTION_PATH, NULL, NULL, 0, "as the memory store's" },
    SCRIP_OPTIONS_END,
};

static int commit(struct scrip_ctx *ctx, const struct scrip_commit *given)
{
    struct scrip_commit made = *given;

    made.cursor_count = made.cursor_count > 1 ? 1 : made.cursor_count;
    return memory_commit(ctx, &made);
}

SCRIP_STORE_PLUGIN("store_cursor", "loses all cursors of a commit but the first", .options = options,
                   .open = memory_open, .close = memory_close, .begin = memory_begin, .commit = commit,
                   .scan = memory_scan, .event_find = memory_event_find, .source_last = memory_source_last,
                   .state_find = memory_state_find, .cursor_find = memory_cursor_find, .check = memory_check);
