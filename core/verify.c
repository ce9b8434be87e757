/* verify.c - proves the books: replays recorded events and quotes, and compares every row that follows from them.
 *
 * No service and no currency is asked: what they decided is recorded with each event. What no replay can prove (names,
 * rates, cursors, quarantine, what services remember) the store proves by a check of each row. */
#include "ask.h"

#include "hash.h"
#include "notes.h"
#include "replay.h"

#include <inttypes.h>
#include <stdio.h>

struct verifying {
    struct scrip *scrip;
    int (*finding)(void *sink, const char *text);
    void *sink;
    uint64_t *findings;
    uint64_t events;
    struct scrip_error *err;
    /* The account at hand: */
    struct replay replay;
    struct usage_table days, months;
    struct scrip_entry_row *entries; /* as recorded */
    size_t entry_count, entry_room, entry_at;
    struct scrip_checkpoint_row *checkpoints;
    size_t checkpoint_count, checkpoint_room, checkpoint_at;
    struct arena checkpoint_arena;
    size_t grant_at, claim_at, limit_at;
    struct note_list notes; /* of the event at hand */
};

static void find(struct verifying *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void find(struct verifying *v, const char *format, ...)
{
    char text[SCRIP_MESSAGE_SIZE * 2];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    ++*v->findings;
    if (v->finding != NULL)
        v->finding(v->sink, text);
}

/* ---- recorded rows -------------------------------------------------------------------------------------------- */

static int entry_keep(void *sink, const void *row)
{
    struct verifying *v = sink;

    ARRAY_ROOM(v->entries, v->entry_count, v->entry_room);
    v->entries[v->entry_count++] = *(const struct scrip_entry_row *)row;
    return SCRIP_OK;
}

static int checkpoint_keep(void *sink, const void *found)
{
    struct verifying *v = sink;
    const struct scrip_checkpoint_row *row = found;

    ARRAY_ROOM(v->checkpoints, v->checkpoint_count, v->checkpoint_room);
    v->checkpoints[v->checkpoint_count] = *row;
    v->checkpoints[v->checkpoint_count++].state = arena_text(&v->checkpoint_arena, row->state, row->state_size);
    return SCRIP_OK;
}

static void entries_compare(struct verifying *v, const struct scrip_event_row *row)
{
    const struct effect *effect = &v->replay.engine.effect;

    for (size_t i = 0; i < effect->entry_count; i++) {
        const struct scrip_entry_row *made = &effect->entries[i];
        const struct scrip_entry_row *kept = v->entry_at < v->entry_count ? &v->entries[v->entry_at++] : NULL;

        if (kept == NULL || kept->number != made->number || kept->event != made->event || kept->line != made->line ||
            kept->time_us != made->time_us || kept->debit != made->debit || kept->credit != made->credit ||
            kept->grant != made->grant || kept->terms != made->terms || kept->amount != made->amount ||
            kept->of != made->of) {
            find(v, "entries: '%s' entry %" PRIu64 " (of event %" PRIu64 "): %s", row->account->text, made->number,
                 row->number, kept ? "differs from what its event gives" : "is missing");
            return;
        }
    }
}

/* Those before the one at hand: each was compared. */
static int checkpoint_kept(void *sink, uint64_t number, struct bytes *out, struct scrip_error *err)
{
    const struct verifying *v = sink;

    (void)err;
    out->size = 0;
    for (size_t i = 0; i < v->checkpoint_count; i++)
        if (v->checkpoints[i].number == number)
            bytes_add(out, v->checkpoints[i].state, v->checkpoints[i].state_size);
    return SCRIP_OK;
}

static void checkpoint_compare(struct verifying *v, const struct scrip_event_row *row)
{
    const struct scrip_checkpoint_row *kept =
        v->checkpoint_at < v->checkpoint_count ? &v->checkpoints[v->checkpoint_at] : NULL;
    struct account *account = v->replay.account;
    struct bytes state = { 0 };
    struct scrip_error why = { 0 };

    if (row->number % CHECKPOINT_EVENTS != 0)
        return;
    if (checkpoint_make(v->scrip, account, checkpoint_kept, v, &state, &why) < 0 || kept == NULL || kept->number != row->number || kept->entry_count != account->row.entry_count ||
        kept->latest_us != account->row.latest_us || kept->earliest_us > account->block_earliest_us ||
        (kept->earliest_us < account->block_earliest_us && kept->earliest_us != SCRIP_TIME_MIN) ||
        memcmp(kept->head, account->row.head, sizeof kept->head) != 0 || kept->state_size != state.size ||
        memcmp(kept->state, state.start, state.size) != 0)
        find(v, "checkpoints: '%s' checkpoint %" PRIu64 ": %s", account->row.name->text, row->number,
             kept && kept->number == row->number ? "differs from the events before it" : "is missing");
    free(state.start);
    account->block_earliest_us = SCRIP_TIME_NONE;
    if (kept != NULL && kept->number == row->number)
        v->checkpoint_at++;
}

/* ---- the replay ----------------------------------------------------------------------------------------------- */

static void dates_note(struct account *account, int64_t time_us, const struct effect *effect)
{
    for (size_t i = 0; i <= effect->entry_count; i++) {
        int64_t date = i ? effect->entries[i - 1].time_us : time_us;

        if (date > account->row.latest_us)
            account->row.latest_us = date;
        if (account->block_earliest_us == SCRIP_TIME_NONE || date < account->block_earliest_us)
            account->block_earliest_us = date;
    }
}

static int event_verify(void *sink, struct replay *replay, const struct event *event)
{
    struct verifying *v = sink;
    const struct effect *effect = &replay->engine.effect;
    const struct scrip_event_row *row = replay->row;

    v->events++;
    dates_note(replay->account, row->time_us, effect);
    if (effect->outcome != row->outcome || strlen(effect->reason) != row->reason_size ||
        memcmp(effect->reason, row->reason, row->reason_size) != 0)
        find(v, "events: '%s' event %" PRIu64 ": recorded as %s, but its books give %s%s%s", row->account->text,
             row->number, scrip_outcome_name(row->outcome), scrip_outcome_name(effect->outcome),
             effect->reason[0] ? ": " : "", effect->reason);
    entries_compare(v, row);
    if (!notes_are_recorded(v->scrip, &v->notes, row, event, &replay->quote, replay->account, effect))
        find(v, "events: '%s' event %" PRIu64 ": what is recorded of its usage is not what it added",
             row->account->text, row->number);
    notes_keep(replay->account, effect, (int)row->flags);
    usage_tables_add(&v->days, &v->months, effect);
    checkpoint_compare(v, row);
    return SCRIP_OK;
}

static void event_fault(void *sink, struct replay *replay, uint64_t number, const char *what)
{
    struct verifying *v = sink;

    v->events += replay->is_broken != 0;
    find(v, "events: '%s' event %" PRIu64 ": %s", replay->account->row.name->text, number, what);
}

static int text_same(const void *a, uint64_t a_size, const void *b, uint64_t b_size)
{
    return a_size == b_size && (a_size == 0 || memcmp(a, b, a_size) == 0);
}

static int grant_compare(void *sink, const void *found)
{
    struct verifying *v = sink;
    const struct scrip_grant_row *kept = found;
    const struct scrip_grant_row *made;

    if (v->grant_at >= v->replay.account->grant_count ||
        kept->number != v->replay.account->grants[v->grant_at]->row.number) {
        find(v, "grants: '%s' grant %" PRIu64 ": no event made it", kept->account->text, kept->number);
        return SCRIP_OK;
    }
    made = &v->replay.account->grants[v->grant_at++]->row;
    if (!text_same(kept->id, kept->id_size, made->id, made->id_size) || kept->event != made->event ||
        kept->class_name != made->class_name || kept->terms != made->terms || kept->created_us != made->created_us ||
        kept->effective_us != made->effective_us || kept->expires_us != made->expires_us ||
        kept->has_priority != made->has_priority || kept->priority != made->priority ||
        kept->has_cost != made->has_cost || kept->cost.whole != made->cost.whole ||
        kept->cost.atto != made->cost.atto || kept->cost_currency != made->cost_currency ||
        !text_same(kept->scope, kept->scope_size, made->scope, made->scope_size) ||
        !text_same(kept->order_key, kept->order_key_size, made->order_key, made->order_key_size) ||
        kept->floor != made->floor || kept->unlimited != made->unlimited || kept->next_us != made->next_us ||
        kept->changed != made->changed ||
        !text_same(kept->rules, kept->rules_size, made->rules, made->rules_size) ||
        memcmp(kept->balance, made->balance, sizeof kept->balance) != 0)
        find(v, "grants: '%s' grant %" PRIu64 " (%s): differs from what its events give", kept->account->text,
             kept->number, made->id);
    return SCRIP_OK;
}

static int claim_compare(void *sink, const void *found)
{
    struct verifying *v = sink;
    const struct scrip_claim_row *kept = found, *made;

    if (v->claim_at >= v->replay.account->claim_count ||
        kept->number != v->replay.account->claims[v->claim_at]->row.number) {
        find(v, "claims: '%s' claim %" PRIu64 ": no event made it", kept->account->text, kept->number);
        return SCRIP_OK;
    }
    claim_pack(v->replay.account->claims[v->claim_at]);
    made = &v->replay.account->claims[v->claim_at++]->row;
    if (kept->kind != made->kind || kept->stage != made->stage || kept->event != made->event ||
        kept->line != made->line || kept->terms != made->terms || kept->amount != made->amount ||
        kept->expires_us != made->expires_us || !text_same(kept->id, kept->id_size, made->id, made->id_size) ||
        !text_same(kept->group, kept->group_size, made->group, made->group_size) ||
        !text_same(kept->draws, kept->draws_size, made->draws, made->draws_size))
        find(v, "claims: '%s' claim %" PRIu64 ": differs from what its events give", kept->account->text, kept->number);
    return SCRIP_OK;
}

static int limit_compare(void *sink, const void *found)
{
    struct verifying *v = sink;
    const struct scrip_limit_row *kept = found, *made;

    if (v->limit_at >= v->replay.account->limit_count ||
        kept->number != v->replay.account->limits[v->limit_at]->row.number) {
        find(v, "limits: '%s' limit %" PRIu64 ": no event made it", kept->account->text, kept->number);
        return SCRIP_OK;
    }
    limit_pack(v->replay.account->limits[v->limit_at]);
    made = &v->replay.account->limits[v->limit_at++]->row;
    if (kept->event != made->event || kept->terms != made->terms || kept->amount != made->amount ||
        kept->anchor_us != made->anchor_us || kept->expires_us != made->expires_us ||
        !text_same(kept->id, kept->id_size, made->id, made->id_size) ||
        !text_same(kept->per, kept->per_size, made->per, made->per_size) ||
        !text_same(kept->scope, kept->scope_size, made->scope, made->scope_size) ||
        !text_same(kept->windows, kept->windows_size, made->windows, made->windows_size))
        find(v, "limits: '%s' limit %" PRIu64 ": differs from what its events give", kept->account->text, kept->number);
    return SCRIP_OK;
}

/* Holds, debts and limits as their events give them. */
static int kept_verify(struct verifying *v, struct scrip_scan *scan)
{
    int code;

    v->claim_at = v->limit_at = 0;
    scan->table = SCRIP_TABLE_CLAIMS;
    scan->row = claim_compare;
    code = host_scan(v->scrip, scan, v->err);
    if (code == SCRIP_OK && v->claim_at < v->replay.account->claim_count)
        find(v, "claims: '%s' claim %zu: is missing", scan->account, v->claim_at + 1);
    scan->table = SCRIP_TABLE_LIMITS;
    scan->row = limit_compare;
    if (code == SCRIP_OK)
        code = host_scan(v->scrip, scan, v->err);
    if (code == SCRIP_OK && v->limit_at < v->replay.account->limit_count)
        find(v, "limits: '%s' limit %zu: is missing", scan->account, v->limit_at + 1);
    return code;
}

/* Per grant, always: issued = available + held + used + expired + voided + transferred. */
static void identity_check(struct verifying *v)
{
    for (size_t i = 0; i < v->replay.account->grant_count; i++) {
        const struct scrip_grant_row *row = &v->replay.account->grants[i]->row;
        wide rest = row->balance[SCRIP_BOOK_ISSUED];

        for (int book = SCRIP_BOOK_AVAILABLE; book < SCRIP_BOOK_COUNT; book++)
            rest -= row->balance[book];
        if (rest != 0)
            find(v, "grants: '%s' grant %" PRIu64 ": what was issued is not what became of it", row->account->text,
                 row->number);
        if (row->balance[SCRIP_BOOK_AVAILABLE] < row->floor && row->balance[SCRIP_BOOK_AVAILABLE] < 0 &&
            !row->unlimited)
            find(v, "grants: '%s' grant %" PRIu64 ": below its floor", row->account->text, row->number);
    }
}

static int account_verify(void *sink, const struct scrip_account_row *found)
{
    struct verifying *v = sink;
    struct scrip_account_row kept = *found;
    struct scrip_scan scan = { .account = found->name->text, .from_period = INT64_MIN, .to_period = INT64_MAX,
                               .sink = v };
    struct bytes data = { 0 };
    int code;

    bytes_add(&data, found->data, found->data_size);
    v->entry_count = v->entry_at = v->checkpoint_count = v->checkpoint_at = v->grant_at = 0;
    arena_reset(&v->checkpoint_arena);
    scan.table = SCRIP_TABLE_ENTRIES;
    scan.row = entry_keep;
    code = host_scan(v->scrip, &scan, v->err);
    scan.table = SCRIP_TABLE_CHECKPOINTS;
    scan.row = checkpoint_keep;
    if (code == SCRIP_OK)
        code = host_scan(v->scrip, &scan, v->err);
    if (code == SCRIP_OK)
        code = replay_account(&v->replay, found->name);
    if (code == SCRIP_OK && !v->replay.is_broken) {
        const struct scrip_account_row *made = &v->replay.account->row;

        if (v->entry_at < v->entry_count)
            find(v, "entries: '%s' entry %" PRIu64 ": no event made it", kept.name->text,
                 v->entries[v->entry_at].number);
        if (v->checkpoint_at < v->checkpoint_count)
            find(v, "checkpoints: '%s' checkpoint %" PRIu64 ": no event made it", kept.name->text,
                 v->checkpoints[v->checkpoint_at].number);
        if (kept.event_count != made->event_count || kept.entry_count != made->entry_count ||
            kept.grant_count != made->grant_count || kept.clock_us != made->clock_us ||
            kept.clock_rank != made->clock_rank || kept.clock_event != made->clock_event ||
            kept.closed_us != made->closed_us || kept.claim_count != made->claim_count ||
            kept.limit_count != made->limit_count || kept.latest_us != made->latest_us ||
            !text_same(data.start, data.size, made->data, made->data_size))
            find(v, "accounts: '%s': differs from what its events give", kept.name->text);
        if (memcmp(kept.head, made->head, sizeof kept.head) != 0)
            find(v, "accounts: '%s': its head is not that of its events", kept.name->text);
        identity_check(v);
        scan.table = SCRIP_TABLE_GRANTS;
        scan.row = grant_compare;
        code = host_scan(v->scrip, &scan, v->err);
        if (code == SCRIP_OK && v->grant_at < v->replay.account->grant_count)
            find(v, "grants: '%s' grant %zu: is missing", kept.name->text, v->grant_at + 1);
        if (code == SCRIP_OK)
            code = kept_verify(v, &scan);
    }
    free(data.start);
    return code;
}

/* ---- rollups -------------------------------------------------------------------------------------------------- */

struct rollup {
    struct verifying *v;
    struct usage_table *table;
    const char *name;
};

/* Each recorded row is taken off the replayed table; what is left on either side differs. */
static int rollup_subtract(void *sink, const void *found)
{
    struct rollup *rollup = sink;
    struct scrip_usage_row row = *(const struct scrip_usage_row *)found;
    size_t before = rollup->table->count;

    row.amount = -row.amount;
    row.charge_count = -row.charge_count;
    usage_table_add(rollup->table, &row);
    if (rollup->table->count > before) {
        find(rollup->v, "%s: period %" PRId64 ", product '%s', user '%s', account '%s': no event gives this row",
             rollup->name, row.period, row.product->text, row.user->text, row.account->text);
        rollup->table->rows[before].amount = rollup->table->rows[before].charge_count = 0;
    }
    return SCRIP_OK;
}

static int rollup_verify(struct verifying *v, struct usage_table *table, int id, const char *name)
{
    struct rollup rollup = { v, table, name };
    struct scrip_scan scan = { .table = (uint64_t)id, .from_period = INT64_MIN, .to_period = INT64_MAX,
                               .row = rollup_subtract, .sink = &rollup };
    int code = host_scan(v->scrip, &scan, v->err);

    for (size_t i = 0; i < table->count && code == SCRIP_OK; i++) {
        const struct scrip_usage_row *row = &table->rows[i];

        if (row->amount != 0 || row->charge_count != 0)
            find(v, "%s: period %" PRId64 ", product '%s', user '%s', account '%s': is not what its events give", name,
                 row->period, row->product->text, row->user->text, row->account->text);
    }
    return code;
}

static int store_finding(void *sink, const char *text)
{
    find(sink, "%s", text);
    return SCRIP_OK;
}

/* What a replay cannot prove, the store checks row by row. */
static int store_verify(struct verifying *v)
{
    struct instance *reader = v->scrip->reader;
    int code;

    error_clear(&reader->error);
    code = store_of(reader)->check(&reader->ctx, store_finding, v);
    return code < 0 ? error_set(v->err, code, "store: %s", reader->error.message) : SCRIP_OK;
}

/* What a replay proves: every account's books, and the rollups over all of them. */
static int books_verify(struct verifying *v)
{
    int code = accounts_each(v->scrip, NULL, account_verify, v, v->err);

    if (code == SCRIP_OK)
        code = rollup_verify(v, &v->days, SCRIP_TABLE_DAYS, "usage by day");
    if (code == SCRIP_OK)
        code = rollup_verify(v, &v->months, SCRIP_TABLE_MONTHS, "usage by month");
    return code;
}

static int verify_once(struct verifying *v)
{
    struct scrip_error ignored;
    int code = host_snapshot(v->scrip, 1, v->err);

    if (code == SCRIP_OK)
        code = store_verify(v);
    if (code == SCRIP_OK && *v->findings > 0)
        find(v, "store: the books are not replayed from changed rows: restore them, then verify again");
    else if (code == SCRIP_OK)
        code = books_verify(v);
    host_snapshot(v->scrip, 0, &ignored);
    return code;
}

static struct verifying *verifying_make(const struct verifying *wanted)
{
    struct verifying *v = memory_get(sizeof *v);

    *v = *wanted;
    replay_open(&v->replay, v->scrip, v->err);
    v->replay.applied = event_verify;
    v->replay.fault = event_fault;
    v->replay.sink = v;
    return v;
}

static void verifying_free(struct verifying *v)
{
    replay_close(&v->replay);
    usage_table_free(&v->days);
    usage_table_free(&v->months);
    arena_free(&v->checkpoint_arena);
    free(v->entries);
    free(v->notes.notes);
    free(v->checkpoints);
    free(v);
}

/* Begun anew where the store lost its server in it, as long as no finding was told. */
int scrip_verify(struct scrip *scrip, int (*finding)(void *sink, const char *text), void *sink, uint64_t *findings,
                 uint64_t *events, struct scrip_error *err)
{
    struct verifying wanted = {
        .scrip = scrip, .finding = finding, .sink = sink, .findings = findings, .err = err
    };

    *findings = *events = 0;
    if (scrip->reader == NULL)
        return error_set(err, SCRIP_EINVALID, "host: opened without its store: open it to read");
    for (int attempt = 0;; attempt++) {
        struct verifying *v = verifying_make(&wanted);
        int code = verify_once(v);

        *events = v->events;
        verifying_free(v);
        if (code != SCRIP_EAGAIN || *findings > 0 || attempt >= ASK_AGAIN_LIMIT)
            return code;
        error_clear(err);
        host_wait(attempt);
    }
}
