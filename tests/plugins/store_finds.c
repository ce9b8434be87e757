/* store_finds.c - a store that finds an event by its source and id in any account. */
#include "../../plugins/store/memory.h"

static const struct scrip_option options[] = {
    { "file", SCRIP_OPTION_PATH, NULL, NULL, 0, "as the memory store's" },
    SCRIP_OPTIONS_END,
};

struct finding {
    const char *source, *id;
    const struct scrip_event_row *found;
};

static int row_find(void *sink, const void *fields)
{
    struct finding *f = sink;
    const struct scrip_event_row *row = fields;

    if (strcmp(row->source->text, f->source) != 0 || strcmp(row->id, f->id) != 0)
        return SCRIP_OK;
    f->found = row;
    return 1;
}

static int event_find(struct scrip_ctx *ctx, const char *account, const char *source, const char *id, uint64_t id_size,
                      const struct scrip_event_row **out)
{
    struct finding f = { source, id, NULL };
    struct scrip_scan scan = { .table = SCRIP_TABLE_EVENTS, .row = row_find, .sink = &f };
    int code = memory_event_find(ctx, account, source, id, id_size, out);

    if (code != SCRIP_ENOTFOUND || memory_scan(ctx, &scan) < 0 || f.found == NULL)
        return code;
    *out = f.found;
    return SCRIP_OK;
}

SCRIP_STORE_PLUGIN("store_finds", "finds an event by its source and id in any account", .options = options,
                   .open = memory_open, .close = memory_close, .begin = memory_begin, .commit = memory_commit,
                   .scan = memory_scan, .event_find = event_find, .source_last = memory_source_last,
                   .state_find = memory_state_find, .cursor_find = memory_cursor_find, .check = memory_check);
