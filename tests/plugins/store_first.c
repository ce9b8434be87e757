/* store_first.c - a store that answers a source's last id in place of its greatest. */
#include "../../plugins/store/memory.h"

static const struct scrip_option options[] = {
    { "file", SCRIP_OPTION_PATH, NULL, NULL, 0, "as the memory store's" },
    SCRIP_OPTIONS_END,
};

struct newest {
    const char *source;
    char *out;
    int64_t time_us;
};

static int row_newest(void *sink, const void *fields)
{
    struct newest *n = sink;
    const struct scrip_event_row *row = fields;

    if (strcmp(row->source->text, n->source) == 0 && row->time_us >= n->time_us) {
        n->time_us = row->time_us;
        memcpy(n->out, row->id, row->id_size + 1);
    }
    return SCRIP_OK;
}

static int source_last(struct scrip_ctx *ctx, const char *source, char *out)
{
    struct newest newest = { source, out, INT64_MIN };
    struct scrip_scan scan = { .table = SCRIP_TABLE_EVENTS, .row = row_newest, .sink = &newest };

    return memory_source_last(ctx, source, out) < 0 ? SCRIP_EIO : memory_scan(ctx, &scan);
}

SCRIP_STORE_PLUGIN("store_first", "answers a source's last id in place of its greatest", .options = options,
                   .open = memory_open, .close = memory_close, .begin = memory_begin, .commit = memory_commit,
                   .scan = memory_scan, .event_find = memory_event_find, .source_last = source_last,
                   .state_find = memory_state_find, .cursor_find = memory_cursor_find, .check = memory_check);
