/* store_unfenced.c - a store that takes events behind its last wherever their writer thought that was. */
#include "../../plugins/store/memory.h"

static const struct scrip_option options[] = {
    { "file", SCRIP_OPTION_PATH, NULL, NULL, 0, "as the memory store's" },
    SCRIP_OPTIONS_END,
};

static int last_get(void *sink, const void *fields)
{
    *(uint64_t *)sink = ((const struct scrip_account_row *)fields)->event_count;
    return SCRIP_OK;
}

/* What is not in its place is taken where its numbers are free. */
static int commit(struct scrip_ctx *ctx, const struct scrip_commit *given)
{
    struct scrip_commit made = *given;
    struct scrip_account_row *accounts = store_grow(NULL, made.account_count * sizeof *accounts);
    int code = SCRIP_OK;

    for (uint64_t i = 0; i < made.account_count && code == SCRIP_OK; i++) {
        uint64_t last = 0;
        struct scrip_scan scan = {
            .table = SCRIP_TABLE_ACCOUNTS, .account = made.accounts[i].name->text, .row = last_get, .sink = &last
        };

        accounts[i] = made.accounts[i];
        code = memory_scan(ctx, &scan);
        accounts[i].first_number = accounts[i].first_number > last ? last + 1 : accounts[i].first_number;
    }
    made.accounts = accounts;
    if (code == SCRIP_OK)
        code = memory_commit(ctx, &made);
    free(accounts);
    return code;
}

SCRIP_STORE_PLUGIN("store_unfenced", "takes events behind its last wherever their writer thought that was",
                   .options = options, .open = memory_open, .close = memory_close, .begin = memory_begin,
                   .commit = commit, .scan = memory_scan, .event_find = memory_event_find,
                   .source_last = memory_source_last, .state_find = memory_state_find,
                   .cursor_find = memory_cursor_find, .check = memory_check);
