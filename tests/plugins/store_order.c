/* store_order.c - a store that lists events downwards. */
#include "../../plugins/store/memory.h"

static const struct scrip_option options[] = {
    { "file", SCRIP_OPTION_PATH, NULL, NULL, 0, "as the memory store's" },
    SCRIP_OPTIONS_END,
};

struct turning {
    const void **rows;
    size_t count, room;
};

static int row_keep(void *sink, const void *fields)
{
    struct turning *t = sink;

    if (t->count == t->room) {
        t->room = t->room * 2 + 16;
        t->rows = store_grow(t->rows, t->room * sizeof *t->rows);
    }
    t->rows[t->count++] = fields;
    return SCRIP_OK;
}

/* Only where all accounts' are asked for, which no question of a host does. */
static int scan(struct scrip_ctx *ctx, const struct scrip_scan *given)
{
    struct turning t = { NULL, 0, 0 };
    struct scrip_scan made = *given;
    int code;

    if (given->table != SCRIP_TABLE_EVENTS || given->account != NULL)
        return memory_scan(ctx, given);
    made.row = row_keep;
    made.sink = &t;
    code = memory_scan(ctx, &made);
    while (code == SCRIP_OK && t.count > 0)
        code = given->row(given->sink, t.rows[--t.count]); /* events stay where they are */
    free(t.rows);
    return code;
}

SCRIP_STORE_PLUGIN("store_order", "lists events downwards", .options = options, .open = memory_open,
                   .close = memory_close, .begin = memory_begin, .commit = memory_commit, .scan = scan,
                   .event_find = memory_event_find, .source_last = memory_source_last, .state_find = memory_state_find,
                   .cursor_find = memory_cursor_find, .check = memory_check);
