/* store_stops.c - a store that does not stop a scan. */
#include "../../plugins/store/memory.h"

static const struct scrip_option options[] = {
    { "file", SCRIP_OPTION_PATH, NULL, NULL, 0, "as the memory store's" },
    SCRIP_OPTIONS_END,
};

struct going {
    const struct scrip_scan *scan;
    int answer;
};

static int row_go_on(void *sink, const void *fields)
{
    struct going *g = sink;
    int code = g->scan->row(g->scan->sink, fields);

    g->answer = g->answer ? g->answer : code;
    return SCRIP_OK;
}

static int scan(struct scrip_ctx *ctx, const struct scrip_scan *given)
{
    struct going going = { given, SCRIP_OK };
    struct scrip_scan made = *given;
    int code;

    made.row = row_go_on;
    made.sink = &going;
    code = memory_scan(ctx, &made);
    return code < 0 ? code : going.answer;
}

SCRIP_STORE_PLUGIN("store_stops", "does not stop a scan", .options = options, .open = memory_open,
                   .close = memory_close, .begin = memory_begin, .commit = memory_commit, .scan = scan,
                   .event_find = memory_event_find, .source_last = memory_source_last, .state_find = memory_state_find,
                   .cursor_find = memory_cursor_find, .check = memory_check);
