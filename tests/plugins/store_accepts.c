/* store_accepts.c - a store that takes a missing schema for an empty one. */
#include "../../plugins/store/memory.h"

static const struct scrip_option options[] = {
    { "file", SCRIP_OPTION_PATH, NULL, NULL, 0, "as the memory store's" },
    SCRIP_OPTIONS_END,
};

static int begin(struct scrip_ctx *ctx, int session)
{
    int code = memory_begin(ctx, session), fd;

    if (code != SCRIP_ENOTFOUND)
        return code;
    fd = open(ctx->host->option_text(ctx, "file"), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    code = fd < 0 ? SCRIP_EIO : journal_write(ctx, "file", fd, 0, (const uint8_t *)JOURNAL_MARK, JOURNAL_START);
    close(fd);
    return code < 0 ? code : memory_begin(ctx, session);
}

SCRIP_STORE_PLUGIN("store_accepts", "takes a missing schema for an empty one", .options = options, .open = memory_open,
                   .close = memory_close, .begin = begin, .commit = memory_commit, .scan = memory_scan,
                   .event_find = memory_event_find, .source_last = memory_source_last, .state_find = memory_state_find,
                   .cursor_find = memory_cursor_find, .check = memory_check);
