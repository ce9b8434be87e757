/* cache.c - accounts in memory: loaded when first met, dropped when long unused. */
#include "host.h"

struct loading {
    struct scrip *scrip;
    struct account *account;
    int is_found;
    struct scrip_error *err;
    uint64_t until; /* grants of events up to this number; 0: all */
};

static int account_row(void *sink, const void *found)
{
    struct loading *loading = sink;
    const struct scrip_account_row *row = found;
    struct account *account = loading->account;

    account->row = *row;
    account->row.data = row->data_size ? memory_text_part(row->data, row->data_size) : NULL;
    account_data_read(account);
    /* What the block before held is not known any more: never pass over it. */
    account->block_earliest_us = row->event_count % CHECKPOINT_EVENTS ? SCRIP_TIME_MIN : SCRIP_TIME_NONE;
    account->kept_from = row->event_count;
    loading->is_found = account->is_stored = 1;
    return SCRIP_OK;
}

static int grant_row(void *sink, const void *found)
{
    struct loading *loading = sink;
    const struct scrip_grant_row *row = found;
    const struct terms *terms = prices_terms_at(loading->scrip->prices, row->terms);

    if (loading->until && row->event > loading->until)
        return SCRIP_OK;
    if (terms == NULL || row->number != loading->account->grant_count + 1)
        return error_set(loading->err, SCRIP_EINVALID, "grant %llu of '%s': its number or terms do not fit: run verify",
                         (unsigned long long)row->number, loading->account->row.name->text);
    if (account_grant_add(loading->account, row, terms) == NULL)
        return error_set(loading->err, SCRIP_EINVALID, "grant %llu of '%s': its rules are damaged: run verify",
                         (unsigned long long)row->number, loading->account->row.name->text);
    return SCRIP_OK;
}

/* Claims are read whole before their events are looked up: a store's scan is not entered twice. */
static int claim_row(void *sink, const void *found)
{
    struct loading *loading = sink;
    const struct scrip_claim_row *row = found;
    const struct terms *terms = prices_terms_at(loading->scrip->prices, row->terms);
    struct event event = { 0 };

    if (terms == NULL)
        return error_set(loading->err, SCRIP_EINVALID, "claim %llu of '%s': its terms do not fit: run verify",
                         (unsigned long long)row->number, loading->account->row.name->text);
    for (const struct claim *claim = account_claim_like(loading->account, row); claim != NULL; claim = claim->before)
        if (claim->row.number == row->number)
            return SCRIP_OK; /* in memory, and maybe newer there */
    event.account = event.source = event.product = event.user = event.service = event.unit = event.currency =
        &names_none;
    event.shown.id = "";
    account_claim_add(loading->account, row, &event, terms);
    return SCRIP_OK;
}

static int limit_row(void *sink, const void *found)
{
    struct loading *loading = sink;
    const struct scrip_limit_row *row = found;
    const struct terms *terms = prices_terms_at(loading->scrip->prices, row->terms);

    if (terms == NULL)
        return error_set(loading->err, SCRIP_EINVALID, "limit %llu of '%s': its terms do not fit: run verify",
                         (unsigned long long)row->number, loading->account->row.name->text);
    account_limit_add(loading->account, row, terms);
    return SCRIP_OK;
}

static int timer_row(void *sink, const void *found)
{
    struct loading *loading = sink;
    const struct scrip_timer_row *row = found;
    struct service_timer *timer = account_timer_add(loading->account, row->service, row->key, row->key_size);

    timer->due_us = row->due_us;
    return SCRIP_OK;
}

struct claim_event {
    struct scrip *scrip;
    struct account *account;
    struct claim *claim;
    struct scrip_error *err;
};

static int claim_event(void *sink, const struct scrip_event_row *row)
{
    struct claim_event *of = sink;
    struct event *event = &of->claim->event;
    size_t item = of->claim->row.kind == SCRIP_CLAIM_DEBT ? strtoull(of->claim->row.group, NULL, 10) : 0;
    struct quote quote;
    int code = event_from_row(row, event, &of->account->claim_arena, of->err);

    if (code < 0 || item == 0)
        return code;
    code = quote_items(&quote, event, of->scrip->names, &of->account->claim_arena, of->err);
    if (code == SCRIP_OK && item <= quote.item_count)
        *event = quote.items[item - 1];
    return code;
}

/* The claims from the first-th on get their events and draws. */
static int claims_finish(struct scrip *scrip, struct account *account, size_t first, struct scrip_error *err)
{
    int code = SCRIP_OK;

    for (size_t i = first; i < account->claim_count && code == SCRIP_OK; i++) {
        struct claim_event of = { scrip, account, account->claims[i], err };

        code = history_event(scrip, account->row.name, account->claims[i]->row.event, claim_event, &of, err);
        if (code == SCRIP_OK && claim_unpack(account, account->claims[i], scrip->prices) < 0)
            code = error_set(err, SCRIP_EINVALID, "claim %llu of '%s': its draws are damaged: run verify",
                             (unsigned long long)account->claims[i]->row.number, account->row.name->text);
        if (code == SCRIP_OK)
            account_claim_start(account, account->claims[i]);
    }
    return code;
}

int account_claim_take(struct scrip *scrip, struct account *account, const struct scrip_claim_row *row,
                       struct scrip_error *err)
{
    struct loading loading = { .scrip = scrip, .account = account, .err = err };

    return claim_row(&loading, row);
}

int account_claims_start(struct scrip *scrip, struct account *account, struct scrip_error *err)
{
    return claims_finish(scrip, account, 0, err);
}

int claims_open(struct scrip *scrip, struct account *account, struct scrip_error *err)
{
    struct loading loading = { .scrip = scrip, .account = account, .err = err };
    struct scrip_scan scan = { .table = SCRIP_TABLE_CLAIMS,
                               .account = account->row.name->text,
                               .from_period = INT64_MIN,
                               .to_period = INT64_MAX,
                               .row = claim_row,
                               .sink = &loading };
    size_t first = account->claim_count;
    int code;

    if (!account->is_stored || account->claim_count == account->row.claim_count)
        return SCRIP_OK;
    code = host_scan(scrip, &scan, err);
    return code < 0 ? code : claims_finish(scrip, account, first, err);
}

int hold_open(struct scrip *scrip, struct account *account, const char *id, struct scrip_error *err)
{
    struct loading loading = { .scrip = scrip, .account = account, .err = err };
    struct scrip_scan scan = { .table = SCRIP_TABLE_CLAIMS,
                               .account = account->row.name->text,
                               .from_period = INT64_MIN,
                               .to_period = INT64_MAX,
                               .id = id,
                               .row = claim_row,
                               .sink = &loading };
    size_t first = account->claim_count;
    int code;

    if (!account->is_stored || account->row.claim_count == 0 || account_hold_find(account, id, strlen(id)) != NULL)
        return SCRIP_OK;
    code = host_scan(scrip, &scan, err);
    return code < 0 ? code : claims_finish(scrip, account, first, err);
}

/* What few accounts have. */
static int kept_load(struct loading *loading, struct scrip_scan *scan)
{
    struct account *account = loading->account;
    int code = SCRIP_OK;

    if (account->row.claim_count > 0) {
        scan->table = SCRIP_TABLE_CLAIMS;
        scan->only_open = 1;
        scan->row = claim_row;
        code = host_scan(loading->scrip, scan, loading->err);
    }
    if (code == SCRIP_OK && account->row.limit_count > 0) {
        scan->table = SCRIP_TABLE_LIMITS;
        scan->row = limit_row;
        code = host_scan(loading->scrip, scan, loading->err);
    }
    if (code == SCRIP_OK && account->row.timer_count > 0) {
        scan->table = SCRIP_TABLE_TIMERS;
        scan->row = timer_row;
        code = host_scan(loading->scrip, scan, loading->err);
    }
    return code == SCRIP_OK ? claims_finish(loading->scrip, account, 0, loading->err) : code;
}

static int account_load(struct loading *loading, const char *name)
{
    struct scrip_scan scan = { 0 };
    int code;

    scan.table = SCRIP_TABLE_ACCOUNTS;
    scan.account = name;
    scan.from_period = INT64_MIN;
    scan.to_period = INT64_MAX;
    scan.row = account_row;
    scan.sink = loading;
    code = host_scan(loading->scrip, &scan, loading->err);
    if (code < 0 || !loading->is_found)
        return code;
    scan.table = SCRIP_TABLE_GRANTS;
    scan.row = grant_row;
    code = host_scan(loading->scrip, &scan, loading->err);
    if (code < 0 || loading->until || (code = kept_load(loading, &scan)) < 0)
        return code;
    account_settle(loading->account);
    return SCRIP_OK;
}

int account_copy_grants(struct scrip *scrip, const char *name, uint64_t until, struct account **out,
                        struct scrip_error *err)
{
    struct loading loading = {
        .scrip = scrip, .account = account_make(names_add(scrip->names, name, strlen(name))), .err = err, .until = until
    };
    int code = account_load(&loading, name);

    *out = loading.account;
    if (code < 0 || !loading.is_found) {
        account_free(loading.account);
        *out = NULL;
    }
    return code;
}

int account_copy(struct scrip *scrip, const char *name, struct account **out, struct scrip_error *err)
{
    return account_copy_grants(scrip, name, 0, out, err);
}

static void unlink_account(struct scrip *scrip, struct account *account)
{
    *(account->newer ? &account->newer->older : &scrip->newest) = account->older;
    *(account->older ? &account->older->newer : &scrip->oldest) = account->newer;
}

static void link_newest(struct scrip *scrip, struct account *account)
{
    account->newer = NULL;
    account->older = scrip->newest;
    *(scrip->newest ? &scrip->newest->newer : &scrip->oldest) = account;
    scrip->newest = account;
}

int account_open(struct scrip *scrip, const struct scrip_name *name, struct account **out, struct scrip_error *err)
{
    struct loading loading = { .scrip = scrip, .err = err };
    int code;

    if (name->number >= scrip->accounts_room) {
        size_t room = (name->number + 1) * 2;

        scrip->accounts = memory_grow(scrip->accounts, room * sizeof *scrip->accounts);
        memset(scrip->accounts + scrip->accounts_room, 0, (room - scrip->accounts_room) * sizeof *scrip->accounts);
        scrip->accounts_room = room;
    }
    *out = scrip->accounts[name->number];
    if (*out != NULL) {
        /* Once a batch is enough: what is in the open one is not dropped anyway. */
        if (*out != scrip->newest && (*out)->batch != scrip->open->number) {
            unlink_account(scrip, *out);
            link_newest(scrip, *out);
        }
        return SCRIP_OK;
    }
    loading.account = account_make(name);
    if ((code = account_load(&loading, name->text)) < 0) {
        account_free(loading.account);
        return code;
    }
    account_changes_order(loading.account);
    *out = scrip->accounts[name->number] = loading.account;
    link_newest(scrip, *out);
    scrip->account_count++;
    return SCRIP_OK;
}

static void drop(struct scrip *scrip, struct account *account)
{
    unlink_account(scrip, account);
    scrip->accounts[account->row.name->number] = NULL;
    scrip->account_count--;
    scrip->state_count -= account->state_count < scrip->state_count ? account->state_count : scrip->state_count;
    scrip->kept_size -= account->kept_notes.size;
    account_free(account);
}

/* Called between batches. What an uncommitted batch holds must stay: a store does not have it yet. */
void accounts_trim(struct scrip *scrip)
{
    struct account *account = scrip->oldest;

    while (account != NULL && (scrip->account_count > ACCOUNT_LIMIT || scrip->state_count > 20 * ACCOUNT_LIMIT ||
                               scrip->kept_size > KEPT_LIMIT)) {
        struct account *newer = account->newer;
        int is_busy = account->batch != 0 && ((scrip->sent && account->batch == scrip->sent->number) ||
                                              account->batch == scrip->open->number);

        if (!is_busy)
            drop(scrip, account);
        account = newer;
    }
}

void accounts_forget(struct scrip *scrip)
{
    while (scrip->oldest != NULL)
        drop(scrip, scrip->oldest);
    scrip->state_count = 0;
}
