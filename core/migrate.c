/* migrate.c - copies a store into another one, by the interface of stores alone.
 *
 * Account after account goes over with its events as they were, whole batches at a time, then what they made of it;
 * then rollups, cursors and quarantine. Each commit is a whole number of batches behind those that are there, so what
 * was interrupted goes on where it stopped, and a copy that was made before gets what came since. From its first commit
 * to the end of its proof the other store is marked, and no host takes it for its own. */
#include "migrate.h"

#include <stdio.h>

#define COMMIT_ROWS 65536

/* ---- both stores ---------------------------------------------------------------------------------------------- */

int migrate_scan(struct migrating *m, struct instance *session, const struct scrip_scan *scan)
{
    int code;

    error_clear(&session->error);
    code = store_of(session)->scan(&session->ctx, scan);
    if (code < 0 && m->err->code == SCRIP_OK)
        error_set(m->err, code, "store %s: %s", session->ctx.instance,
                  session->error.message[0] ? session->error.message : "a scan failed without a word");
    return code;
}

static struct scrip_scan scan_of(int table, const char *account, int (*row)(void *sink, const void *row), void *sink)
{
    return (struct scrip_scan){ .table = (uint64_t)table,
                                .account = account,
                                .from_period = INT64_MIN,
                                .to_period = INT64_MAX,
                                .row = row,
                                .sink = sink };
}

static int other_data(struct migrating *m, const char *format, const char *name)
{
    char what[SCRIP_MESSAGE_SIZE];

    snprintf(what, sizeof what, format, name);
    return error_set(m->err, SCRIP_EINVALID, "store %s: %s, so it is no copy of this store: name an empty one", m->name,
                     what);
}

/* ---- commits -------------------------------------------------------------------------------------------------- */

/* A row waits for its commit: its texts are copied, its names live as long as the host. */
static void *pile_add(struct migrating *m, struct pile *pile, const struct scrip_table_rows *table, const void *row)
{
    char *copy;

    if (pile->count == pile->room) {
        pile->room = pile->room ? pile->room * 2 : 64;
        pile->rows = memory_grow(pile->rows, pile->room * table->row_size);
    }
    copy = pile->rows + pile->count++ * table->row_size;
    memcpy(copy, row, table->row_size);
    for (uint32_t i = 0; i < table->member_count; i++)
        if (table->members[i].kind == SCRIP_MEMBER_BYTES || table->members[i].kind == SCRIP_MEMBER_TEXT) {
            uint64_t size;
            const void *bytes = member_bytes(&table->members[i], row, &size);
            char *text = arena_text(&m->arena, bytes, size);

            memcpy(copy + table->members[i].at, &text, sizeof text);
        }
    return copy;
}

static void *row_add(struct migrating *m, int table, const void *row)
{
    m->row_count++;
    return pile_add(m, &m->piles[table], &scrip_tables[table], row);
}

static int commit_send(struct migrating *m)
{
    struct scrip_commit commit = { 0 };
    int code;

    for (int t = 0; t < SCRIP_TABLE_COUNT; t++) {
        uint64_t count = m->piles[t].count;

        memcpy((char *)&commit + scrip_tables[t].rows, &m->piles[t].rows, sizeof m->piles[t].rows);
        memcpy((char *)&commit + scrip_tables[t].count, &count, sizeof count);
        m->piles[t].count = 0;
    }
    commit.settled = (const struct scrip_quarantine_row *)(const void *)m->settled.rows;
    commit.settled_count = m->settled.count;
    m->settled.count = m->row_count = 0;
    error_clear(&m->writer->error);
    code = store_of(m->writer)->commit(&m->writer->ctx, &commit);
    arena_reset(&m->arena);
    if (m->options->progress != NULL) {
        struct scrip_progress progress = { "migrate", m->name, m->done, m->done, m->total, m->done, m->total - m->done };

        m->options->progress(m->options->sink, &progress);
    }
    return code < 0 ? error_set(m->err, code, "store %s: %s", m->name, m->writer->error.message) : SCRIP_OK;
}

static int commit_if_full(struct migrating *m)
{
    return m->row_count >= COMMIT_ROWS ? commit_send(m) : SCRIP_OK;
}

static int mark_send(struct migrating *m, uint64_t stage)
{
    struct scrip_cursor_row row = { names_add(m->scrip->names, MIGRATE_SOURCE, strlen(MIGRATE_SOURCE)),
                                    MIGRATE_FEED,
                                    { .line = stage } };

    row_add(m, SCRIP_TABLE_CURSORS, &row);
    return commit_send(m);
}

/* ---- what is there already ------------------------------------------------------------------------------------ */

static int is_there(void *sink, const void *row)
{
    (void)row;
    *(int *)sink = 1;
    return 1;
}

static int empty_check(struct migrating *m)
{
    for (int t = 0; t < SCRIP_TABLE_COUNT; t++) {
        int found = 0;
        struct scrip_scan scan = scan_of(t, NULL, is_there, &found);

        if (migrate_scan(m, m->reader, &scan) < 0)
            return (int)m->err->code;
        if (found)
            return other_data(m, "it has %s of its own", scrip_tables[t].name);
    }
    return SCRIP_OK;
}

/* A row of one store kept for a comparison with that of the other. */
struct kept {
    struct migrating *m;
    const struct scrip_table_rows *table;
    struct pile pile;
};

static int row_keep(void *sink, const void *row)
{
    struct kept *kept = sink;

    pile_add(kept->m, &kept->pile, kept->table, row);
    return SCRIP_OK;
}

/* The rows of a scan, in m's arena until the next commit; the caller frees pile.rows. */
static int rows_get(struct migrating *m, struct instance *session, struct scrip_scan *scan, struct pile *out)
{
    struct kept kept = { m, &scrip_tables[scan->table], { 0 } };
    int code;

    scan->row = row_keep;
    scan->sink = &kept;
    code = migrate_scan(m, session, scan);
    *out = kept.pile;
    return code;
}

/* Both stores' only row of a scan: 1 equal, 0 not, or the fault. */
static int same_row(struct migrating *m, struct scrip_scan *scan)
{
    struct pile source, other;
    int code = rows_get(m, m->scrip->reader, scan, &source);

    if (code < 0)
        return code;
    code = rows_get(m, m->reader, scan, &other);
    if (code == SCRIP_OK)
        code = source.count == 1 && other.count == 1 && rows_same(&scrip_tables[scan->table], source.rows, other.rows);
    free(source.rows);
    free(other.rows);
    return code;
}

/* An account of the other store is one of ours, up to its last event. */
static int account_check(void *sink, const void *found)
{
    struct migrating *m = sink;
    const struct scrip_account_row *row = found;
    struct scrip_scan scan = scan_of(SCRIP_TABLE_EVENTS, row->name->text, NULL, NULL);
    int code;

    scan.from_number = scan.to_number = row->event_count;
    code = same_row(m, &scan);
    m->done += row->event_count;
    arena_reset(&m->arena);
    return code < 0 ? code : code ? SCRIP_OK : other_data(m, "account '%s' has other events there", row->name->text);
}

/* Terms and rates are numbered in their store: those that are there must be ours. What is new goes over. */
static int prices_copy(struct migrating *m, int table)
{
    struct scrip_scan scan = scan_of(table, NULL, NULL, NULL);
    struct pile source, other;
    int code = rows_get(m, m->scrip->reader, &scan, &source);
    uint32_t size = scrip_tables[table].row_size;

    if (code < 0)
        return code;
    code = rows_get(m, m->reader, &scan, &other);
    for (size_t i = 0; i < other.count && code == SCRIP_OK; i++)
        if (i >= source.count || !rows_same(&scrip_tables[table], source.rows + i * size, other.rows + i * size))
            code = other_data(m, "its %s are others", scrip_tables[table].name);
    for (size_t i = other.count; i < source.count && code == SCRIP_OK; i++)
        row_add(m, table, source.rows + i * size);
    free(source.rows);
    free(other.rows);
    return code;
}

/* ---- accounts ------------------------------------------------------------------------------------------------- */

/* The account at hand. */
struct moving {
    struct migrating *m;
    struct scrip_account_row row;   /* as it will be */
    struct scrip_account_row there; /* as it is */
    uint64_t until, entries;        /* of the chunk: its last event; the last entry that it brings */
    int table;
};

static int moving_add(void *sink, const void *row)
{
    struct moving *v = sink;

    row_add(v->m, v->table, row);
    return SCRIP_OK;
}

static int entry_add(void *sink, const void *found)
{
    struct moving *v = sink;
    const struct scrip_entry_row *row = found;

    if (row->event > v->until)
        return 1;
    row_add(v->m, SCRIP_TABLE_ENTRIES, row);
    v->entries = row->number;
    return SCRIP_OK;
}

static int moving_scan(struct moving *v, int table, uint64_t from, uint64_t to, int (*row)(void *sink, const void *row))
{
    struct scrip_scan scan = scan_of(table, v->row.name->text, row, v);

    scan.from_number = from;
    scan.to_number = to;
    v->table = table;
    return migrate_scan(v->m, v->m->scrip->reader, &scan);
}

/* What is remembered there and no longer here is forgotten. */
static int stale_forget(struct moving *v, int table)
{
    struct scrip_scan scan = scan_of(table, v->row.name->text, NULL, NULL);
    struct pile here, there;
    uint32_t size = scrip_tables[table].row_size;
    int code = rows_get(v->m, v->m->reader, &scan, &there);

    if (code < 0 || there.count == 0) {
        free(there.rows);
        return code;
    }
    code = rows_get(v->m, v->m->scrip->reader, &scan, &here);
    for (size_t i = 0; i < there.count && code == SCRIP_OK; i++) {
        char *row = there.rows + i * size;
        size_t j = 0;

        /* The keys of states and timers stand in the same place. */
        while (j < here.count) {
            const struct scrip_timer_row *a = (const void *)row, *b = (const void *)(here.rows + j * size);

            if (a->service == b->service && a->key_size == b->key_size && memcmp(a->key, b->key, a->key_size) == 0)
                break;
            j++;
        }
        if (j == here.count && table == SCRIP_TABLE_STATES)
            ((struct scrip_state_row *)(void *)row)->value_size = 0;
        else if (j == here.count)
            ((struct scrip_timer_row *)(void *)row)->due_us = SCRIP_TIME_NONE;
        if (j == here.count)
            row_add(v->m, table, row);
    }
    free(here.rows);
    free(there.rows);
    return code;
}

/* The last chunk brings what all events made of the account. */
static int account_end(struct moving *v)
{
    static const int tables[] = { SCRIP_TABLE_GRANTS, SCRIP_TABLE_CLAIMS, SCRIP_TABLE_LIMITS, SCRIP_TABLE_STATES,
                                  SCRIP_TABLE_TIMERS };
    int code = SCRIP_OK;

    if (v->there.event_count > 0 && (code = stale_forget(v, SCRIP_TABLE_STATES)) == SCRIP_OK)
        code = stale_forget(v, SCRIP_TABLE_TIMERS);
    for (size_t i = 0; i < sizeof tables / sizeof *tables && code == SCRIP_OK; i++)
        code = moving_scan(v, tables[i], 0, 0, moving_add);
    return code;
}

/* The events up to a batch's end. */
static int chunk_copy(struct moving *v, uint64_t from, uint64_t until)
{
    struct migrating *m = v->m;
    struct scrip_account_row *row;
    uint64_t entry = v->entries + 1;
    int code, is_last = until == v->row.event_count;

    v->until = until;
    code = moving_scan(v, SCRIP_TABLE_EVENTS, from, until, moving_add);
    if (code == SCRIP_OK)
        code = moving_scan(v, SCRIP_TABLE_ENTRIES, entry, 0, entry_add);
    if (code >= 0)
        code = moving_scan(v, SCRIP_TABLE_CHECKPOINTS, from, until, moving_add);
    if (code == SCRIP_OK && is_last)
        code = account_end(v);
    row = row_add(m, SCRIP_TABLE_ACCOUNTS, &v->row);
    row->first_number = from;
    row->event_count = until;
    row->entry_count = v->entries;
    if (!is_last)
        memset(row->head, 0, sizeof row->head);
    m->done += until - from + 1;
    return code < 0 || is_last ? code : commit_send(m);
}

static int account_move(struct moving *v)
{
    struct scrip_scan scan = scan_of(SCRIP_TABLE_BATCHES, v->row.name->text, NULL, NULL);
    uint64_t from = v->there.event_count + 1;
    struct pile batches;
    int code;

    scan.from_number = from;
    code = rows_get(v->m, v->m->scrip->reader, &scan, &batches);
    for (size_t i = 0, start = 0; i < batches.count && code == SCRIP_OK; i++) {
        const struct scrip_batch_row *all = (const void *)batches.rows, *batch = &all[i];

        if (batch->first != (i ? all[i - 1].last + 1 : from))
            code = other_data(v->m, "account '%s' stops in the middle of a batch", v->row.name->text);
        else if (i + 1 == batches.count || batch->last - all[start].first >= COMMIT_ROWS / 4) {
            for (size_t n = start; n <= i; n++)
                row_add(v->m, SCRIP_TABLE_BATCHES, &all[n]);
            code = chunk_copy(v, all[start].first, batch->last);
            start = i + 1;
        }
    }
    free(batches.rows);
    return code < 0 ? code : commit_if_full(v->m);
}

static int account_keep(void *sink, const void *row)
{
    *(struct scrip_account_row *)sink = *(const struct scrip_account_row *)row;
    return SCRIP_OK;
}

static int account_see(void *sink, const void *found)
{
    struct migrating *m = sink;
    const struct scrip_account_row *row = found;
    struct moving v = { .m = m, .row = *row };
    struct scrip_scan scan = scan_of(SCRIP_TABLE_ACCOUNTS, row->name->text, account_keep, &v.there);
    int code = migrate_scan(m, m->reader, &scan);

    v.entries = v.there.entry_count;
    if (code < 0 || v.there.event_count < row->event_count)
        return code < 0 ? code : account_move(&v);
    return SCRIP_OK; /* the proof tells whether it is the same */
}

/* ---- rollups -------------------------------------------------------------------------------------------------- */

static int by_key(const void *left, const void *right)
{
    const struct scrip_usage_row *a = left, *b = right;
    const uint64_t ours[] = { a->user->number,       a->product->number,  a->service->number,
                              a->class_name->number, a->currency->number, a->account->number };
    const uint64_t theirs[] = { b->user->number,       b->product->number,  b->service->number,
                                b->class_name->number, b->currency->number, b->account->number };

    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (ours[i] != theirs[i])
            return ours[i] < theirs[i] ? -1 : 1;
    return 0;
}

/* The rows of the period at hand: a store lists a rollup by period. */
struct rolling {
    struct migrating *m;
    int table;
    struct pile rows; /* without texts of their own */
    int64_t period;
};

static int period_copy(struct rolling *r)
{
    struct migrating *m = r->m;
    struct scrip_scan scan = scan_of(r->table, NULL, NULL, NULL);
    struct scrip_usage_row *ours = (void *)r->rows.rows, *theirs;
    struct pile there;
    size_t at = 0;
    int code;

    if (r->rows.count == 0)
        return SCRIP_OK;
    scan.from_period = scan.to_period = r->period;
    if ((code = rows_get(m, m->reader, &scan, &there)) < 0)
        return code;
    theirs = (void *)there.rows;
    qsort(ours, r->rows.count, sizeof *ours, by_key);
    if (there.count > 1)
        qsort(theirs, there.count, sizeof *theirs, by_key);
    for (size_t i = 0; i < r->rows.count && code == SCRIP_OK; i++) {
        struct scrip_usage_row row = ours[i];

        while (at < there.count && by_key(&theirs[at], &row) < 0)
            at++; /* the proof tells of what only the copy has */
        if (at < there.count && by_key(&theirs[at], &row) == 0) {
            if (theirs[at].amount == row.amount && theirs[at].charge_count == row.charge_count)
                continue;
            if (__builtin_sub_overflow(row.amount, theirs[at].amount, &row.amount))
                code = other_data(m, "its %s differs", scrip_tables[r->table].name);
            row.charge_count -= theirs[at].charge_count;
        }
        if (code == SCRIP_OK)
            row_add(m, r->table, &row);
    }
    r->rows.count = 0;
    free(there.rows);
    return code < 0 ? code : commit_if_full(m);
}

static int usage_row(void *sink, const void *found)
{
    struct rolling *r = sink;
    const struct scrip_usage_row *row = found;
    int code = row->period != r->period ? period_copy(r) : SCRIP_OK;

    r->period = row->period;
    if (code == SCRIP_OK)
        pile_add(r->m, &r->rows, &scrip_tables[r->table], row);
    return code;
}

static int rollup_copy(struct migrating *m, int table)
{
    struct rolling r = { .m = m, .table = table };
    struct scrip_scan scan = scan_of(table, NULL, usage_row, &r);
    int code = migrate_scan(m, m->scrip->reader, &scan);

    if (code == SCRIP_OK)
        code = period_copy(&r);
    free(r.rows.rows);
    return code;
}

/* ---- cursors and quarantine ----------------------------------------------------------------------------------- */

static int cursor_row(void *sink, const void *row)
{
    struct migrating *m = sink;

    if (!migrate_is_mark(row))
        row_add(m, SCRIP_TABLE_CURSORS, row);
    return commit_if_full(m);
}

struct keys {
    uint8_t (*list)[16];
    size_t count, room;
};

static int key_keep(void *sink, const void *row)
{
    struct keys *keys = sink;

    ARRAY_ROOM(keys->list, keys->count, keys->room);
    memcpy(keys->list[keys->count++], ((const struct scrip_quarantine_row *)row)->key, 16);
    return SCRIP_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, 16);
}

static int keys_get(struct migrating *m, struct instance *session, struct keys *keys)
{
    struct scrip_scan scan = scan_of(SCRIP_TABLE_QUARANTINE, NULL, key_keep, keys);
    int code = migrate_scan(m, session, &scan);

    if (keys->count > 1)
        qsort(keys->list, keys->count, 16, by_bytes);
    return code;
}

static int has_key(const struct keys *keys, const uint8_t key[16])
{
    return keys->count && bsearch(key, keys->list, keys->count, 16, by_bytes) != NULL;
}

struct quarantining {
    struct migrating *m;
    struct keys here, there;
};

/* A row may be as long as a row of a feed: few go at a time. */
static int quarantine_row(void *sink, const void *found)
{
    struct quarantining *q = sink;
    const struct scrip_quarantine_row *row = found;

    if (has_key(&q->there, row->key))
        return SCRIP_OK;
    row_add(q->m, SCRIP_TABLE_QUARANTINE, row);
    q->m->row_count += row->size / 256;
    return commit_if_full(q->m);
}

static int quarantine_copy(struct migrating *m)
{
    struct quarantining q = { m, { 0 }, { 0 } };
    struct scrip_scan scan = scan_of(SCRIP_TABLE_QUARANTINE, NULL, quarantine_row, &q);
    int code = keys_get(m, m->scrip->reader, &q.here);

    if (code == SCRIP_OK)
        code = keys_get(m, m->reader, &q.there);
    for (size_t i = 0; i < q.there.count && code == SCRIP_OK; i++)
        if (!has_key(&q.here, q.there.list[i])) {
            struct scrip_quarantine_row row = { .feed = "", .reason_class = "", .reason = "", .account = "", .id = "" };

            memcpy(row.key, q.there.list[i], sizeof row.key);
            pile_add(m, &m->settled, &scrip_tables[SCRIP_TABLE_QUARANTINE], &row);
            m->row_count++;
        }
    if (code == SCRIP_OK)
        code = migrate_scan(m, m->scrip->reader, &scan);
    free(q.here.list);
    free(q.there.list);
    return code;
}

/* ---- all of it ------------------------------------------------------------------------------------------------ */

static int events_add(void *sink, const void *row)
{
    *(uint64_t *)sink += ((const struct scrip_account_row *)row)->event_count;
    return SCRIP_OK;
}

static int copy(struct migrating *m)
{
    struct scrip_scan accounts = scan_of(SCRIP_TABLE_ACCOUNTS, NULL, account_see, m);
    struct scrip_scan count = scan_of(SCRIP_TABLE_ACCOUNTS, NULL, events_add, &m->total);
    struct scrip_scan checked = scan_of(SCRIP_TABLE_ACCOUNTS, NULL, account_check, m);
    struct scrip_scan cursors = scan_of(SCRIP_TABLE_CURSORS, NULL, cursor_row, m);
    struct scrip_cursor mark;
    int code = migrate_scan(m, m->scrip->reader, &count);

    error_clear(&m->reader->error);
    if (code == SCRIP_OK) {
        code = store_of(m->reader)->cursor_find(&m->reader->ctx, MIGRATE_SOURCE, MIGRATE_FEED, &mark);
        if (code == SCRIP_ENOTFOUND)
            code = empty_check(m);
        else if (code < 0)
            return error_set(m->err, code, "store %s: %s", m->name, m->reader->error.message);
        else
            code = migrate_scan(m, m->reader, &checked);
    }
    if (code == SCRIP_OK && (code = prices_copy(m, SCRIP_TABLE_TERMS)) == SCRIP_OK)
        code = prices_copy(m, SCRIP_TABLE_RATES);
    if (code == SCRIP_OK)
        code = mark_send(m, MIGRATE_COPYING);
    if (code == SCRIP_OK)
        code = migrate_scan(m, m->scrip->reader, &accounts);
    if (code == SCRIP_OK)
        code = commit_send(m);
    if (code == SCRIP_OK && (code = rollup_copy(m, SCRIP_TABLE_DAYS)) == SCRIP_OK)
        code = rollup_copy(m, SCRIP_TABLE_MONTHS);
    if (code == SCRIP_OK && (code = migrate_scan(m, m->scrip->reader, &cursors)) == SCRIP_OK)
        code = quarantine_copy(m);
    return code < 0 ? code : commit_send(m);
}

static const struct config_section *section_find(const struct scrip *scrip, const char *name)
{
    const char *wanted = strncmp(name, "store/", 6) == 0 ? name + 6 : name;

    for (size_t i = 0; i < scrip->config->section_count; i++)
        if (scrip->config->sections[i].kind == SCRIP_STORE && strcmp(scrip->config->sections[i].instance, wanted) == 0)
            return &scrip->config->sections[i];
    return NULL;
}

static void migrate_end(struct migrating *m)
{
    struct instance *sessions[] = { m->reader, m->writer };

    for (int i = 0; i < 2; i++)
        if (sessions[i] != NULL) {
            instance_close(sessions[i]);
            instance_free(sessions[i]);
        }
    for (int t = 0; t < SCRIP_TABLE_COUNT; t++)
        free(m->piles[t].rows);
    free(m->settled.rows);
    arena_free(&m->arena);
}

int scrip_migrate(struct scrip *scrip, const struct scrip_migrate_options *options, const struct scrip_answer *answer,
                  uint64_t *differences, struct scrip_error *err)
{
    const struct config_section *section = section_find(scrip, options->store);
    struct migrating m = { .scrip = scrip, .options = options, .err = err };
    int code = host_writes(scrip, err);

    *differences = 0;
    error_clear(err);
    if (code < 0)
        return host_writes(scrip, err);
    if (section == NULL)
        return error_set(err, SCRIP_EINVALID, "store '%s': not configured: add a section [store/... %s]",
                         options->store, options->store);
    if (section == scrip->reader->section)
        return error_set(err, SCRIP_EINVALID, "store '%s': is the store that is copied: name another one",
                         options->store);
    m.name = section->instance;
    code = host_session(scrip, section, SCRIP_SESSION_INIT, &m.writer, err);
    if (code >= 0)
        code = host_session(scrip, section, SCRIP_SESSION_READ, &m.reader, err);
    if (code >= 0)
        code = copy(&m);
    if (code == SCRIP_OK)
        code = migrate_prove(&m, answer, differences);
    if (code == SCRIP_OK && *differences == 0)
        code = mark_send(&m, MIGRATE_WHOLE);
    migrate_end(&m);
    return code;
}
