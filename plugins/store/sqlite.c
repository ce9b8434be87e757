/* sqlite.c - the default store: one SQLite file, one writer, any number of readers.
 *
 * scrip-needs: sqlite3 libsqlite3-dev
 */
#include "sqlite_base.h"
#include "sqlite_rows.h"
#include "sqlite_scan.h"
#include "sqlite_schema.h"

#include <stdio.h>

static const struct scrip_option options[] = {
    { "file", SCRIP_OPTION_PATH, NULL, NULL, 1, "the database file" },
    { "synchronous", SCRIP_OPTION_CHOICE, "full", "full,normal", 0,
      "full: what was acknowledged survives a loss of power; normal: it survives a crash of the program" },
    { "cache", SCRIP_OPTION_INT, "64", NULL, 0, "MiB of pages kept in memory" },
    SCRIP_OPTIONS_END,
};

/* ---- sessions ------------------------------------------------------------------------------------------------- */

static int open_store(struct scrip_ctx *ctx)
{
    struct base *b = calloc(1, sizeof *b);

    if (b == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "no memory for a session");
    b->ctx = ctx;
    b->lock_fd = -1;
    b->none = ctx->host->name(ctx, "", 0);
    ctx->self = b;
    return SCRIP_OK;
}

static void close_store(struct scrip_ctx *ctx)
{
    struct base *b = ctx->self;

    if (b == NULL)
        return;
    while (b->kept != NULL) {
        struct kept *next = b->kept->next;

        sqlite3_finalize(b->kept->stmt);
        free(b->kept);
        b->kept = next;
    }
    sqlite3_close(b->db);
    if (b->lock_fd >= 0)
        close(b->lock_fd);
    free(b->ids.ids);
    free(b->fresh);
    free(b->names);
    free(b->bytes.start);
    free(b->lent_text);
    free(b->order);
    free(b);
    ctx->self = NULL;
}

/* scrip_check(table, value ...): the hash that a row carries. */
static void check_function(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct base *b = sqlite3_user_data(context);

    b->is_unread = 0;
    for (int i = 0; i < count; i++)
        check_value(b, values[i]);
    sqlite3_result_int64(context, store_bytes_end(b->ctx, &b->bytes));
    if (b->is_unread)
        sqlite3_result_error_nomem(context);
}

static int file_open(struct base *b, const char *file, int session)
{
    int code = store_file(b->ctx, file, session); /* the files beside it take over its mode */

    if (code == SCRIP_OK && session != SCRIP_SESSION_READ)
        code = store_lock(b->ctx, file, &b->lock_fd);
    if (code < 0)
        return code;
    if (sqlite3_open_v2(file, &b->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return scrip_fail(b->ctx, SCRIP_EIO, "%s: %s: want the right to read and write it and its folder", file,
                          sqlite3_errmsg(b->db));
    sqlite3_busy_timeout(b->db, 5000);
    sqlite3_extended_result_codes(b->db, 1);
    if (sqlite3_create_function(b->db, "scrip_check", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, b, check_function, NULL,
                                NULL) != SQLITE_OK)
        return base_fault(b, "open");
    return SCRIP_OK;
}

static int64_t pragma_number(struct base *b, const char *sql, int *code)
{
    sqlite3_stmt *stmt = take(b, sql);
    int64_t value = 0;

    if (stmt == NULL) {
        *code = SCRIP_EIO;
        return 0;
    }
    if (sqlite3_step(stmt) == SQLITE_ROW)
        value = sqlite3_column_int64(stmt, 0);
    else
        *code = base_fault(b, sql);
    give(b, stmt);
    return value;
}

static int word_put(struct base *b, const char *sql, int64_t number, const char *text)
{
    sqlite3_stmt *stmt = take(b, sql);
    int code;

    if (stmt == NULL)
        return SCRIP_EIO;
    sqlite3_bind_int64(stmt, 1, number);
    bind_text(stmt, 2, text, strlen(text));
    code = run(b, stmt, "schema");
    give(b, stmt);
    return code;
}

static int words_put(struct base *b)
{
    /* In the order of store_words. */
    static const char *const sql[STORE_WORDS_COUNT] = {
        "insert into outcomes values (?1, ?2, scrip_check('outcomes', ?1, ?2))",
        "insert into books values (?1, ?2, scrip_check('books', ?1, ?2))",
        "insert into types values (?1, ?2, scrip_check('types', ?1, ?2))",
        "insert into stages values (?1, ?2, scrip_check('stages', ?1, ?2))",
    };
    int code = SCRIP_OK;

    for (size_t t = 0; t < STORE_WORDS_COUNT; t++)
        for (size_t i = 0; i < store_words[t].count && code == SCRIP_OK; i++)
            code = word_put(b, sql[t], (int64_t)i, store_words[t].words[i]);
    return code;
}

static int schema_make(struct base *b)
{
    char text[128];
    int code = execute(b, "pragma journal_mode = wal");

    if (code == SCRIP_OK)
        code = execute(b, "begin immediate");
    for (size_t i = 0; i < sizeof schema / sizeof *schema && code == SCRIP_OK; i++)
        code = execute(b, schema[i]);
    if (code == SCRIP_OK)
        code = words_put(b);
    if (code == SCRIP_OK)
        code = execute(b, "insert into meta values ('made_by', 'scrip', scrip_check('meta', 'made_by', 'scrip')),"
                          " ('schema', '2', scrip_check('meta', 'schema', '2'))");
    snprintf(text, sizeof text, "pragma application_id = %d; pragma user_version = %d", APPLICATION_ID, SCHEMA_VERSION);
    if (code == SCRIP_OK)
        code = execute(b, text);
    if (code == SCRIP_OK)
        return execute(b, "commit");
    sqlite3_exec(b->db, "rollback", NULL, NULL, NULL);
    return code;
}

static int schema_check(struct base *b, const char *file, int session)
{
    int code = SCRIP_OK;
    int64_t application = pragma_number(b, "pragma application_id", &code);
    int64_t version = pragma_number(b, "pragma user_version", &code);
    int64_t tables_there = code == SCRIP_OK ? pragma_number(b, "select count(*) from sqlite_master", &code) : 0;

    if (code < 0)
        return code;
    if (application == 0 && version == 0 && tables_there == 0)
        return session == SCRIP_SESSION_INIT
                   ? schema_make(b)
                   : scrip_fail(b->ctx, SCRIP_ENOTFOUND, "%s: has no schema: run scrip init", file);
    if (application != APPLICATION_ID)
        return scrip_fail(b->ctx, SCRIP_EVERSION, "%s: is a database of something else: name another file", file);
    /* No older one can be brought up to date: version 1 does not say what its events added to usage. */
    if (version != SCHEMA_VERSION)
        return scrip_fail(b->ctx, SCRIP_EVERSION, "%s: schema version %d, this scrip has %d: %s", file, (int)version,
                          SCHEMA_VERSION,
                          version < SCHEMA_VERSION ? "read its feeds into a new store" : "use a newer scrip");
    return SCRIP_OK;
}

static int sqlite_begin(struct scrip_ctx *ctx, int session)
{
    const struct scrip_host *host = ctx->host;
    const char *file = host->option_text(ctx, "file");
    struct base *b = ctx->self;
    char text[256];
    int code = file_open(b, file, session);

    b->session = session;
    if (code == SCRIP_OK)
        code = schema_check(b, file, session);
    if (code == SCRIP_OK && session != SCRIP_SESSION_READ)
        code = rows_modules_add(b);
    if (code < 0)
        return settle(b, code);
    snprintf(text, sizeof text,
             "pragma synchronous = %s; pragma cache_size = -%lld; pragma wal_autocheckpoint = 4000; pragma temp_store "
             "= memory",
             host->option_int(ctx, "synchronous") ? "normal" : "full",
             (long long)host->option_int(ctx, "cache") * 1024);
    return settle(b, execute(b, text));
}

/* ---- names, in a commit --------------------------------------------------------------------------------------- */

/* The id of a name; made where there is none. 0 for the empty name; below 0: the fault. */
static int64_t name_id(struct base *b, const struct scrip_name *name)
{
    sqlite3_stmt *stmt;
    int64_t id;
    int code;

    if (store_id_of(&b->ids, name) != 0)
        return store_id_of(&b->ids, name);
    if (name->number == 0)
        return 0;
    if ((id = name_find(b, name)) != 0 || b->fault < 0)
        return b->fault < 0 ? b->fault : id;
    stmt = take(
        b, "insert into names select n, ?1, scrip_check('names', n, ?1) from (select coalesce(max(id), 0) + 1 as n from"
           " names)");
    if (stmt == NULL)
        return b->fault;
    bind_text(stmt, 1, name->text, name->size);
    code = run(b, stmt, "names");
    give(b, stmt);
    if (code < 0)
        return code;
    if (b->fresh_count == b->fresh_room) {
        b->fresh_room = b->fresh_room * 2 + 64;
        b->fresh = store_grow(b->fresh, b->fresh_room * sizeof *b->fresh);
    }
    b->fresh[b->fresh_count++] = name->number;
    id = name_find(b, name);
    if (b->fault < 0)
        return b->fault;
    return id > INT32_MAX ? scrip_fail(b->ctx, SCRIP_ELIMIT, "names: more than 2^31") : id;
}

/* Binds the id of a name, or NULL for the empty one. */
static int bind_name(struct base *b, sqlite3_stmt *stmt, int at, const struct scrip_name *name, int is_key)
{
    int64_t id = name_id(b, name);

    if (id < 0)
        return (int)id;
    if (is_key)
        sqlite3_bind_int64(stmt, at, id);
    else
        bind_id(stmt, at, id);
    return SCRIP_OK;
}

static int names_put(struct base *b, const struct scrip_name *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t id = name_id(b, names[i]);

        if (id < 0)
            return (int)id;
    }
    return SCRIP_OK;
}

/* Puts the names of the rows that are written in one statement each. */
static int names_write(struct base *b, const struct scrip_commit *c)
{
    const struct scrip_usage_row *lists[] = { c->days, c->months };
    const uint64_t counts[] = { c->day_count, c->month_count };
    int code;

    for (uint64_t i = 0; i < c->event_count; i++) {
        const struct scrip_event_row *row = &c->events[i];
        const struct scrip_name *names[] = { row->account, row->source, row->product, row->user, row->service,
                                             row->unit, row->currency };

        if ((code = names_put(b, names, sizeof names / sizeof *names)) < 0)
            return code;
    }
    for (int list = 0; list < 2; list++)
        for (uint64_t i = 0; i < counts[list]; i++) {
            const struct scrip_usage_row *row = &lists[list][i];
            const struct scrip_name *names[] = { row->user, row->product, row->service, row->class_name, row->currency,
                                                 row->account };

            if ((code = names_put(b, names, sizeof names / sizeof *names)) < 0)
                return code;
        }
    return SCRIP_OK;
}

/* After a roll-back: what that commit added to the dictionary is not there. */
static void names_forget(struct base *b)
{
    while (b->fresh_count > 0)
        b->ids.ids[b->fresh[--b->fresh_count]] = 0;
}

/* ---- commits -------------------------------------------------------------------------------------------------- */

static int account_write(struct base *b, sqlite3_stmt *s, const struct scrip_account_row *row)
{
    int code;

    if (row->event_count > UINT32_MAX || row->entry_count > UINT32_MAX || row->grant_count > UINT32_MAX)
        return scrip_fail(b->ctx, SCRIP_ELIMIT, "account '%s': more than 2^32 events, entries or grants", row->name->text);
    if ((code = bind_name(b, s, 1, row->name, 1)) < 0)
        return code;
    sqlite3_bind_int64(s, 2, (int64_t)row->event_count);
    sqlite3_bind_int64(s, 3, (int64_t)row->entry_count);
    sqlite3_bind_int64(s, 4, (int64_t)row->grant_count);
    sqlite3_bind_int64(s, 5, row->clock_us);
    sqlite3_bind_int64(s, 6, row->latest_us);
    bind_blob(s, 7, row->head, sizeof row->head);
    bind_text_or_null(s, 8, row->data, row->data_size);
    sqlite3_bind_int64(s, 9, (int64_t)row->first_number - 1);
    sqlite3_bind_int64(s, 10, row->clock_rank);
    sqlite3_bind_int64(s, 11, (int64_t)row->clock_event);
    bind_time(s, 12, row->closed_us);
    sqlite3_bind_int64(s, 13, (int64_t)row->claim_count);
    sqlite3_bind_int64(s, 14, (int64_t)row->limit_count);
    sqlite3_bind_int64(s, 15, (int64_t)row->timer_count);
    code = run(b, s, "accounts");
    if (code == SCRIP_OK && sqlite3_changes(b->db) == 0)
        code = scrip_fail(b->ctx, SCRIP_ECONFLICT, "account '%s': another writer was first", row->name->text);
    return code;
}

/* A new account starts at 1; a known one goes on behind its last event: else another writer was first, and no row changes. */
static int accounts_write(struct base *b, const struct scrip_commit *c)
{
    sqlite3_stmt *insert =
        take(b, "insert into account_rows select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?10, ?11, ?12, ?13, ?14, ?15 where ?9 = 0"
                " on conflict (account) do nothing");
    sqlite3_stmt *update =
        take(b, "update account_rows set events = ?2, entries = ?3, grants = ?4, clock = ?5, latest = ?6, head = ?7,"
                " data = ?8, clock_rank = ?10, clock_event = ?11, closed = ?12, claims = ?13, limits = ?14, timers = ?15"
                " where account = ?1 and events = ?9");
    int code = insert && update ? SCRIP_OK : SCRIP_EIO;

    for (uint64_t i = 0; i < c->account_count && code == SCRIP_OK; i++)
        code = account_write(b, c->accounts[i].first_number == 1 ? insert : update, &c->accounts[i]);
    if (insert != NULL)
        give(b, insert);
    if (update != NULL)
        give(b, update);
    return code;
}

static int by_identity(const void *left, const void *right)
{
    const struct identity *a = left, *b = right;
    uint64_t size = a->row->id_size < b->row->id_size ? a->row->id_size : b->row->id_size;
    int order;

    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    order = memcmp(a->row->id, b->row->id, size);
    return order ? order : (a->row->id_size > b->row->id_size) - (a->row->id_size < b->row->id_size);
}

/* How many bytes all ids begin with. */
static uint64_t ids_common(const struct scrip_commit *c)
{
    uint64_t common = c->event_count ? c->events[0].id_size : 0;

    for (uint64_t i = 1; i < c->event_count; i++) {
        uint64_t n = 0;

        while (n < common && n < c->events[i].id_size && c->events[i].id[n] == c->events[0].id[n])
            n++;
        common = n;
    }
    return common;
}

static void identities_sort(struct base *b, const struct scrip_commit *c)
{
    uint64_t common = ids_common(c);
    struct identity *list;

    if (b->order_room < c->event_count) {
        b->order_room = c->event_count * 2;
        b->order = store_grow(b->order, b->order_room * sizeof *list);
    }
    list = b->order;
    for (uint64_t i = 0; i < c->event_count; i++) {
        const struct scrip_event_row *row = &c->events[i];

        list[i] = (struct identity){ id_of(b, row->source), 0, row };
        for (uint64_t n = common; n < common + 8; n++)
            list[i].start = list[i].start << 8 | (n < row->id_size ? (uint8_t)row->id[n] : 0);
    }
    if (c->event_count > 1)
        qsort(list, c->event_count, sizeof *list, by_identity);
}

/* The tables that grow with the events. `or rollback`: a fault ends the transaction anyway, so that SQLite need not
 * keep what it would take to undo the one statement. */
static int rows_write(struct base *b, const struct scrip_commit *c)
{
    static const char *const statements[] = {
        "insert or rollback into event_rows select * from commit_events",
        "insert or rollback into identities select * from commit_identities",
        "insert or rollback into entry_rows select * from commit_entries",
        "insert or rollback into day_rows select * from commit_days where true on conflict do update set"
        " amount = amount + excluded.amount, charges = charges + excluded.charges",
        "insert or rollback into month_rows select * from commit_months where true on conflict do update set"
        " amount = amount + excluded.amount, charges = charges + excluded.charges",
    };
    int code = names_write(b, c);

    if (code < 0)
        return code;
    identities_sort(b, c);
    b->commit = c;
    for (size_t i = 0; i < sizeof statements / sizeof *statements && code == SCRIP_OK; i++) {
        sqlite3_stmt *s = take(b, statements[i]);

        code = s ? run(b, s, "rows") : SCRIP_EIO;
        if (s != NULL)
            give(b, s);
    }
    b->commit = NULL;
    return code;
}

/* A whole row. */
static int grant_insert(struct base *b, sqlite3_stmt *s, const struct scrip_grant_row *row)
{
    char cost[48];
    int code;

    if ((code = bind_name(b, s, 4, row->class_name, 0)) < 0 ||
        (code = bind_name(b, s, 11, row->cost_currency, 0)) < 0)
        return code;
    sqlite3_bind_int64(s, 1, key_of(name_id(b, row->account), row->number));
    bind_text(s, 2, row->id, row->id_size);
    sqlite3_bind_int64(s, 3, (int64_t)row->event);
    sqlite3_bind_int64(s, 5, (int64_t)row->terms);
    sqlite3_bind_int64(s, 6, row->created_us);
    sqlite3_bind_int64(s, 7, row->effective_us);
    bind_time(s, 8, row->expires_us);
    if (row->has_priority)
        sqlite3_bind_int64(s, 9, row->priority);
    else
        sqlite3_bind_null(s, 9);
    if (row->has_cost)
        bind_decimal(b, s, 10, &row->cost, cost);
    else
        sqlite3_bind_null(s, 10);
    bind_text_or_null(s, 12, row->scope, row->scope_size);
    bind_blob(s, 13, row->order_key, row->order_key_size);
    sqlite3_bind_int64(s, 14, row->floor);
    sqlite3_bind_int64(s, 15, row->unlimited);
    for (int book = 0; book < SCRIP_BOOK_COUNT; book++)
        sqlite3_bind_int64(s, 16 + book, row->balance[book]);
    bind_text_or_null(s, 24, row->rules, row->rules_size);
    bind_time(s, 25, row->next_us);
    sqlite3_bind_int64(s, 26, (int64_t)row->changed);
    return run(b, s, "grants");
}

/* What events change of a row that is there; *is_there: 0 where it is not. */
static int grant_update(struct base *b, sqlite3_stmt *s, const struct scrip_grant_row *row, int *is_there)
{
    int code;

    sqlite3_bind_int64(s, 1, key_of(name_id(b, row->account), row->number));
    bind_time(s, 2, row->expires_us);
    bind_time(s, 3, row->next_us);
    sqlite3_bind_int64(s, 4, (int64_t)row->changed);
    for (int book = 0; book < SCRIP_BOOK_COUNT; book++)
        sqlite3_bind_int64(s, 5 + book, row->balance[book]);
    code = run(b, s, "grants");
    *is_there = sqlite3_changes(b->db) > 0;
    return code;
}

/* Most are there already: those whose event is older than the commit's first of their account. */
static int grants_write(struct base *b, const struct scrip_commit *c)
{
    sqlite3_stmt *insert = take(b, "insert into grant_rows values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
                                   " ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26)");
    sqlite3_stmt *update = take(b, "update grant_rows set expires = ?2, next = ?3, changed = ?4, issued = ?5,"
                                   " available = ?6, held = ?7, used = ?8, expired = ?9, voided = ?10, clearing = ?11,"
                                   " debt = ?12 where key = ?1");
    int code = insert && update ? SCRIP_OK : SCRIP_EIO, is_there;
    uint64_t account = 0;

    for (uint64_t i = 0; i < c->grant_count && code == SCRIP_OK; i++) {
        const struct scrip_grant_row *row = &c->grants[i];

        while (account < c->account_count && c->accounts[account].name != row->account)
            account++; /* grants come in the order of their accounts */
        is_there = account < c->account_count && row->event < c->accounts[account].first_number;
        if (is_there)
            code = grant_update(b, update, row, &is_there);
        if (code == SCRIP_OK && !is_there)
            code = grant_insert(b, insert, row);
    }
    if (insert != NULL)
        give(b, insert);
    if (update != NULL)
        give(b, update);
    return code;
}

static int claims_write(struct base *b, const struct scrip_commit *c)
{
    sqlite3_stmt *s =
        take(b, "insert into claim_rows values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) on conflict (key) do"
                " update set stage = ?3, terms = ?7, amount = ?8, expires = ?9, draws = ?11");
    int code = s ? SCRIP_OK : SCRIP_EIO;

    for (uint64_t i = 0; i < c->claim_count && code == SCRIP_OK; i++) {
        const struct scrip_claim_row *row = &c->claims[i];

        sqlite3_bind_int64(s, 1, key_of(name_id(b, row->account), row->number));
        sqlite3_bind_int64(s, 2, row->kind);
        sqlite3_bind_int64(s, 3, row->stage);
        bind_text_or_null(s, 4, row->id, row->id_size);
        sqlite3_bind_int64(s, 5, (int64_t)row->event);
        sqlite3_bind_int64(s, 6, (int64_t)row->line);
        sqlite3_bind_int64(s, 7, (int64_t)row->terms);
        sqlite3_bind_int64(s, 8, row->amount);
        bind_time(s, 9, row->expires_us);
        bind_text_or_null(s, 10, row->group, row->group_size);
        bind_blob(s, 11, row->draws, row->draws_size);
        code = run(b, s, "claims");
    }
    if (s != NULL)
        give(b, s);
    return code;
}

static int limits_write(struct base *b, const struct scrip_commit *c)
{
    sqlite3_stmt *s = take(b, "insert or replace into limit_rows values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
    int code = s ? SCRIP_OK : SCRIP_EIO;

    for (uint64_t i = 0; i < c->limit_count && code == SCRIP_OK; i++) {
        const struct scrip_limit_row *row = &c->limits[i];

        sqlite3_bind_int64(s, 1, key_of(name_id(b, row->account), row->number));
        bind_text(s, 2, row->id, row->id_size);
        sqlite3_bind_int64(s, 3, (int64_t)row->event);
        sqlite3_bind_int64(s, 4, (int64_t)row->terms);
        sqlite3_bind_int64(s, 5, row->amount);
        bind_text_or_null(s, 6, row->per, row->per_size);
        bind_time(s, 7, row->anchor_us);
        bind_time(s, 8, row->expires_us);
        bind_text_or_null(s, 9, row->scope, row->scope_size);
        bind_blob(s, 10, row->windows, row->windows_size);
        code = run(b, s, "limits");
    }
    if (s != NULL)
        give(b, s);
    return code;
}

static int timers_write(struct base *b, const struct scrip_commit *c)
{
    sqlite3_stmt *put =
        take(b, "insert or replace into timer_rows values (?1, ?2, ?3, ?4, scrip_check('timer_rows', ?1, ?2, ?3, ?4))");
    sqlite3_stmt *forget = take(b, "delete from timer_rows where account = ?1 and service = ?2 and key = ?3");
    int code = put && forget ? SCRIP_OK : SCRIP_EIO;

    for (uint64_t i = 0; i < c->timer_count && code == SCRIP_OK; i++) {
        const struct scrip_timer_row *row = &c->timers[i];
        sqlite3_stmt *s = row->due_us != SCRIP_TIME_NONE ? put : forget;

        if ((code = bind_name(b, s, 1, row->account, 1)) < 0 || (code = bind_name(b, s, 2, row->service, 1)) < 0)
            break;
        bind_blob(s, 3, row->key, row->key_size);
        if (s == put)
            sqlite3_bind_int64(s, 4, row->due_us);
        code = run(b, s, "timers");
    }
    if (put != NULL)
        give(b, put);
    if (forget != NULL)
        give(b, forget);
    return code;
}

/* When which events of each account came in: one row for each, or as a copy brings them. */
static int batches_write(struct base *b, const struct scrip_commit *c)
{
    sqlite3_stmt *s = take(b, "insert into batch_rows values (?1, ?2, ?3, scrip_check('batch_rows', ?1, ?2, ?3))");
    int code = s ? SCRIP_OK : SCRIP_EIO;

    for (uint64_t i = 0; i < (c->batch_count ? c->batch_count : c->account_count) && code == SCRIP_OK; i++) {
        const struct scrip_account_row *account = c->batch_count ? NULL : &c->accounts[i];
        struct scrip_batch_row row = c->batch_count ? c->batches[i]
                                                    : (struct scrip_batch_row){ account->name, account->first_number,
                                                                                account->event_count, c->recorded_us };

        sqlite3_bind_int64(s, 1, key_of(name_id(b, row.account), row.first));
        sqlite3_bind_int64(s, 2, (int64_t)row.last);
        sqlite3_bind_int64(s, 3, row.recorded_us);
        code = run(b, s, "batches");
    }
    if (s != NULL)
        give(b, s);
    return code;
}

static int states_write(struct base *b, const struct scrip_commit *c)
{
    sqlite3_stmt *put =
        take(b, "insert or replace into state_rows values (?1, ?2, ?3, ?4, ?5, scrip_check('state_rows', ?1, ?2,"
                " ?3, ?4, ?5))");
    sqlite3_stmt *forget = take(b, "delete from state_rows where account = ?1 and service = ?2 and key = ?3");
    int code = put && forget ? SCRIP_OK : SCRIP_EIO;

    for (uint64_t i = 0; i < c->state_count && code == SCRIP_OK; i++) {
        const struct scrip_state_row *row = &c->states[i];
        sqlite3_stmt *s = row->value_size ? put : forget;

        if ((code = bind_name(b, s, 1, row->account, 1)) < 0 || (code = bind_name(b, s, 2, row->service, 1)) < 0)
            break;
        bind_blob(s, 3, row->key, row->key_size);
        if (row->value_size) {
            bind_blob(s, 4, row->value, row->value_size);
            bind_time(s, 5, row->discard_after_us);
        }
        code = run(b, s, "states");
    }
    if (put != NULL)
        give(b, put);
    if (forget != NULL)
        give(b, forget);
    return code;
}

static int checkpoints_write(struct base *b, const struct scrip_commit *c)
{
    sqlite3_stmt *s = take(b, "insert into checkpoint_rows values (?1, ?2, ?3, ?4, ?5, ?6)");
    int code = s ? SCRIP_OK : SCRIP_EIO;

    for (uint64_t i = 0; i < c->checkpoint_count && code == SCRIP_OK; i++) {
        const struct scrip_checkpoint_row *row = &c->checkpoints[i];

        sqlite3_bind_int64(s, 1, key_of(name_id(b, row->account), row->number));
        sqlite3_bind_int64(s, 2, (int64_t)row->entry_count);
        sqlite3_bind_int64(s, 3, row->latest_us);
        sqlite3_bind_int64(s, 4, row->earliest_us);
        bind_blob(s, 5, row->head, sizeof row->head);
        bind_blob(s, 6, row->state, row->state_size);
        code = run(b, s, "checkpoints");
    }
    if (s != NULL)
        give(b, s);
    return code;
}

static int prices_write(struct base *b, const struct scrip_commit *c)
{
    sqlite3_stmt *t =
        take(b, "insert into term_rows values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, scrip_check('term_rows', ?1, ?2,"
                " ?3, ?4, ?5, ?6, ?7, ?8, ?9))");
    sqlite3_stmt *r =
        take(b, "insert into rate_rows values (?1, ?2, ?3, ?4, ?5, ?6, ?7, scrip_check('rate_rows', ?1, ?2, ?3, ?4,"
                " ?5, ?6, ?7))");
    int code = t && r ? SCRIP_OK : SCRIP_EIO;
    char rate[48], per[48];

    for (uint64_t i = 0; i < c->terms_count && code == SCRIP_OK; i++) {
        const struct scrip_terms_row *row = &c->terms[i];
        int64_t unit = 1;

        for (int64_t d = 0; d < row->decimals; d++)
            unit *= 10;
        if ((code = bind_name(b, t, 2, row->currency, 1)) < 0)
            break;
        sqlite3_bind_int64(t, 1, (int64_t)row->number);
        sqlite3_bind_int64(t, 3, row->decimals);
        sqlite3_bind_int64(t, 4, unit);
        sqlite3_bind_int64(t, 5, row->rounding);
        sqlite3_bind_int64(t, 6, row->split);
        sqlite3_bind_int64(t, 7, row->settle_lag_us);
        sqlite3_bind_int64(t, 8, row->late);
        bind_text_or_null(t, 9, row->rules, row->rules_size);
        code = run(b, t, "terms");
    }
    for (uint64_t i = 0; i < c->rate_count && code == SCRIP_OK; i++) {
        const struct scrip_rate_row *row = &c->rates[i];

        if ((code = bind_name(b, r, 2, row->service, 1)) < 0 || (code = bind_name(b, r, 6, row->label, 0)) < 0)
            break;
        sqlite3_bind_int64(r, 1, (int64_t)row->number);
        sqlite3_bind_int64(r, 3, (int64_t)row->terms);
        bind_decimal(b, r, 4, &row->rate, rate);
        bind_decimal(b, r, 5, &row->per, per);
        sqlite3_bind_int64(r, 7, (int64_t)row->digest);
        code = run(b, r, "rates");
    }
    if (t != NULL)
        give(b, t);
    if (r != NULL)
        give(b, r);
    return code;
}

static int feeds_write(struct base *b, const struct scrip_commit *c)
{
    sqlite3_stmt *s =
        take(b, "insert or replace into cursor_rows values (?1, ?2, ?3, ?4, ?5, ?6, scrip_check('cursor_rows', ?1,"
                " ?2, ?3, ?4, ?5, ?6))");
    int code = s ? SCRIP_OK : SCRIP_EIO;

    for (uint64_t i = 0; i < c->cursor_count && code == SCRIP_OK; i++) {
        const struct scrip_cursor_row *row = &c->cursors[i];

        if ((code = bind_name(b, s, 1, row->source, 1)) < 0)
            break;
        bind_text(s, 2, row->feed, strlen(row->feed));
        sqlite3_bind_int64(s, 3, (int64_t)row->cursor.position);
        sqlite3_bind_int64(s, 4, (int64_t)row->cursor.line);
        sqlite3_bind_int64(s, 5, (int64_t)row->cursor.tail_size);
        sqlite3_bind_int64(s, 6, (int64_t)row->cursor.tail_hash);
        code = run(b, s, "cursors");
    }
    if (s != NULL)
        give(b, s);
    return code;
}

static int quarantine_write(struct base *b, const struct scrip_commit *c)
{
    sqlite3_stmt *s =
        take(b, "insert or ignore into quarantine_rows values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
                " scrip_check('quarantine_rows', ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11))");
    sqlite3_stmt *drop = take(b, "delete from quarantine_rows where key = ?1");
    int code = s && drop ? SCRIP_OK : SCRIP_EIO;

    for (uint64_t i = 0; i < c->settled_count && code == SCRIP_OK; i++) {
        bind_blob(drop, 1, c->settled[i].key, sizeof c->settled[i].key);
        code = run(b, drop, "quarantine");
    }
    for (uint64_t i = 0; i < c->quarantine_count && code == SCRIP_OK; i++) {
        const struct scrip_quarantine_row *row = &c->quarantine[i];

        if ((code = bind_name(b, s, 2, row->source, 0)) < 0)
            break;
        bind_blob(s, 1, row->key, sizeof row->key);
        bind_text(s, 3, row->feed, strlen(row->feed));
        sqlite3_bind_int64(s, 4, (int64_t)row->line);
        bind_text(s, 5, row->reason_class, strlen(row->reason_class));
        bind_text(s, 6, row->reason, strlen(row->reason));
        bind_blob(s, 7, row->bytes, row->size);
        bind_time(s, 8, row->time_us);
        bind_text(s, 9, row->account, strlen(row->account));
        bind_text(s, 10, row->id, strlen(row->id));
        bind_text(s, 11, row->event, row->event_size);
        code = run(b, s, "quarantine");
    }
    if (s != NULL)
        give(b, s);
    if (drop != NULL)
        give(b, drop);
    return code;
}

static int sqlite_commit(struct scrip_ctx *ctx, const struct scrip_commit *c)
{
    struct base *b = ctx->self;
    int code = execute(b, "begin immediate");

    b->fresh_count = 0;
    if (code < 0)
        return settle(b, code);
    b->is_committing = 1;
    if ((code = accounts_write(b, c)) == SCRIP_OK && (code = prices_write(b, c)) == SCRIP_OK &&
        (code = rows_write(b, c)) == SCRIP_OK && (code = grants_write(b, c)) == SCRIP_OK &&
        (code = claims_write(b, c)) == SCRIP_OK && (code = limits_write(b, c)) == SCRIP_OK &&
        (code = timers_write(b, c)) == SCRIP_OK && (code = batches_write(b, c)) == SCRIP_OK &&
        (code = states_write(b, c)) == SCRIP_OK && (code = checkpoints_write(b, c)) == SCRIP_OK &&
        (code = feeds_write(b, c)) == SCRIP_OK && (code = quarantine_write(b, c)) == SCRIP_OK &&
        (code = b->fault) == SCRIP_OK)
        code = execute(b, "commit");
    if (code < 0) {
        sqlite3_exec(b->db, "rollback", NULL, NULL, NULL);
        names_forget(b);
    }
    b->is_committing = 0;
    return settle(b, code);
}

SCRIP_STORE_PLUGIN("sqlite", "one SQLite file: one writer, any number of readers", .options = options,
                   .open = open_store, .close = close_store, .begin = sqlite_begin, .commit = sqlite_commit,
                   .scan = sqlite_scan, .event_find = sqlite_event_find, .source_last = sqlite_source_last,
                   .state_find = sqlite_state_find, .cursor_find = sqlite_cursor_find, .check = sqlite_check,
                   .snapshot = sqlite_snapshot);
