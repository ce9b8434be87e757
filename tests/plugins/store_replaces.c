/* store_replaces.c - a store that puts a commit's rollups in place of those that are there. */
#include "../../plugins/store/memory.h"

static const struct scrip_option options[] = {
    { "file", SCRIP_OPTION_PATH, NULL, NULL, 0, "as the memory store's" },
    SCRIP_OPTIONS_END,
};

/* A day's rows, less what is there: the sum is what was given. */
static int row_subtract(void *sink, const void *fields)
{
    struct scrip_usage_row *given = sink;

    if (key_order(SCRIP_TABLE_DAYS, given, fields) == 0) {
        given->amount -= ((const struct scrip_usage_row *)fields)->amount;
        given->charge_count -= ((const struct scrip_usage_row *)fields)->charge_count;
    }
    return SCRIP_OK;
}

static int commit(struct scrip_ctx *ctx, const struct scrip_commit *given)
{
    struct scrip_commit made = *given;
    struct scrip_usage_row *days = store_grow(NULL, made.day_count * sizeof *days);
    int code = SCRIP_OK;

    for (uint64_t i = 0; i < made.day_count && code == SCRIP_OK; i++) {
        struct scrip_scan scan = {
            .table = SCRIP_TABLE_DAYS, .account = made.days[i].account->text, .row = row_subtract, .sink = &days[i]
        };

        days[i] = made.days[i];
        scan.from_period = scan.to_period = days[i].period;
        code = memory_scan(ctx, &scan);
    }
    made.days = days;
    if (code == SCRIP_OK)
        code = memory_commit(ctx, &made);
    free(days);
    return code;
}

SCRIP_STORE_PLUGIN("store_replaces", "puts a commit's rollups in place of those that are there", .options = options,
                   .open = memory_open, .close = memory_close, .begin = memory_begin, .commit = commit,
                   .scan = memory_scan, .event_find = memory_event_find, .source_last = memory_source_last,
                   .state_find = memory_state_find, .cursor_find = memory_cursor_find, .check = memory_check);
