/* store_cuts.c - a store that cuts what services remember at the first NUL. */
#include "../../plugins/store/memory.h"

static const struct scrip_option options[] = {
    { "file", SCRIP_OPTION_PATH, NULL, NULL, 0, "as the memory store's" },
    SCRIP_OPTIONS_END,
};

static int commit(struct scrip_ctx *ctx, const struct scrip_commit *given)
{
    struct scrip_commit made = *given;
    struct scrip_state_row *states = store_grow(NULL, made.state_count * sizeof *states);
    int code;

    for (uint64_t i = 0; i < made.state_count; i++) {
        states[i] = made.states[i];
        if (states[i].value_size == 256)
            states[i].value_size = strnlen(states[i].value, states[i].value_size);
    }
    made.states = states;
    code = memory_commit(ctx, &made);
    free(states);
    return code;
}

SCRIP_STORE_PLUGIN("store_cuts", "cuts what services remember at the first NUL", .options = options,
                   .open = memory_open, .close = memory_close, .begin = memory_begin, .commit = commit,
                   .scan = memory_scan, .event_find = memory_event_find, .source_last = memory_source_last,
                   .state_find = memory_state_find, .cursor_find = memory_cursor_find, .check = memory_check);
