/* store_loses.c - a store that answers before its file has anything. */
#include "../../plugins/store/memory.h"

static const struct scrip_option options[] = {
    { "file", SCRIP_OPTION_PATH, NULL, NULL, 0, "as the memory store's" },
    SCRIP_OPTIONS_END,
};

/* As if the file were written when the program ends: here, never. */
static int commit(struct scrip_ctx *ctx, const struct scrip_commit *given)
{
    struct session *session = ctx->self;
    struct shared *shared = session->shared;
    int fd = shared->fd, code;

    shared->fd = -1;
    code = memory_commit(ctx, given);
    shared->fd = fd;
    return code;
}

SCRIP_STORE_PLUGIN("store_loses", "answers before its file has anything", .options = options, .open = memory_open,
                   .close = memory_close, .begin = memory_begin, .commit = commit, .scan = memory_scan,
                   .event_find = memory_event_find, .source_last = memory_source_last, .state_find = memory_state_find,
                   .cursor_find = memory_cursor_find, .check = memory_check);
