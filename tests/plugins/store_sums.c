/* store_sums.c - a store that adds up what it was not asked to: rows of a rollup come without their users. */
#include "../../plugins/store/memory.h"

static const struct scrip_option options[] = {
    { "file", SCRIP_OPTION_PATH, NULL, NULL, 0, "as the memory store's" },
    SCRIP_OPTIONS_END,
};

struct summing {
    const struct scrip_scan *scan;
    const struct scrip_name *none;
};

static int row_empty(void *sink, const void *fields)
{
    struct summing *s = sink;
    struct scrip_usage_row row = *(const struct scrip_usage_row *)fields;

    row.user = s->none;
    return s->scan->row(s->scan->sink, &row);
}

static int scan(struct scrip_ctx *ctx, const struct scrip_scan *given)
{
    struct summing summing = { given, ctx->host->name(ctx, "", 0) };
    struct scrip_scan made = *given;

    if (given->by == 0)
        return memory_scan(ctx, given);
    made.row = row_empty;
    made.sink = &summing;
    return memory_scan(ctx, &made);
}

SCRIP_STORE_PLUGIN("store_sums", "adds up what it was not asked to", .options = options, .open = memory_open,
                   .close = memory_close, .begin = memory_begin, .commit = memory_commit, .scan = scan,
                   .event_find = memory_event_find, .source_last = memory_source_last, .state_find = memory_state_find,
                   .cursor_find = memory_cursor_find, .check = memory_check);
