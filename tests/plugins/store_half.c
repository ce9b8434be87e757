/* store_half.c - a store that commits events first and the rest when they stand. */
#include "../../plugins/store/memory.h"

static const struct scrip_option options[] = {
    { "file", SCRIP_OPTION_PATH, NULL, NULL, 0, "as the memory store's" },
    SCRIP_OPTIONS_END,
};

static int commit(struct scrip_ctx *ctx, const struct scrip_commit *given)
{
    struct scrip_commit first = { .events = given->events, .event_count = given->event_count }, rest = *given;
    int code = memory_commit(ctx, &first);

    rest.event_count = 0;
    return code < 0 ? code : memory_commit(ctx, &rest);
}

SCRIP_STORE_PLUGIN("store_half", "commits events first and the rest when they stand", .options = options,
                   .open = memory_open, .close = memory_close, .begin = memory_begin, .commit = commit,
                   .scan = memory_scan, .event_find = memory_event_find, .source_last = memory_source_last,
                   .state_find = memory_state_find, .cursor_find = memory_cursor_find, .check = memory_check);
