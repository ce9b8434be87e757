/* postgres.c - a store on PostgreSQL, and on engines that speak its language: any number of writers and readers.
 *
 * scrip-needs: libpq libpq-dev
 */
#include "postgres_base.h"
#include "postgres_check.h"
#include "postgres_commit.h"
#include "postgres_cut.h"
#include "postgres_names.h"
#include "postgres_read.h"
#include "postgres_rows.h"
#include "postgres_scan.h"
#include "postgres_schema.h"
#include "postgres_value.h"

static const struct scrip_option options[] = {
    { "connection", SCRIP_OPTION_TEXT, "", NULL, 0,
      "where the database is, as libpq has it: host=db dbname=scrip user=scrip, or postgresql://...; what it leaves out"
      " comes from libpq's environment, service and password files" },
    { "retry", SCRIP_OPTION_DURATION, "60s", NULL, 0, "how long a server that went away is waited for" },
    { "statement_names", SCRIP_OPTION_BOOL, "yes", NULL, 0,
      "prepare statements under names; no: behind a pooler that forgets them, as pgbouncer before 1.21" },
    { "copy", SCRIP_OPTION_BOOL, "yes", NULL, 0, "bring many events by COPY; no: on an engine that has none" },
    { "accounts_per_commit", SCRIP_OPTION_INT, "0", NULL, 0,
      "how many accounts share a transaction; 0: all of a batch, or on Citus one, since each is on one machine" },
    SCRIP_OPTIONS_END,
};

/* ---- sessions ------------------------------------------------------------------------------------------------- */

static int open_store(struct scrip_ctx *ctx)
{
    const struct scrip_host *host = ctx->host;
    struct base *b = calloc(1, sizeof *b);
    int64_t until_us;

    if (b == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "no memory for a session");
    ctx->self = b;
    b->ctx = ctx;
    b->none = host->name(ctx, "", 0);
    b->has_names = host->option_int(ctx, "statement_names") != 0;
    b->has_copy = host->option_int(ctx, "copy") != 0;
    b->accounts_per_commit = host->option_int(ctx, "accounts_per_commit");
    if (b->accounts_per_commit < 0 || b->accounts_per_commit > 1000000)
        return scrip_fail(ctx, SCRIP_EINVALID, "accounts_per_commit: %lld: want 0 to 1000000",
                          (long long)b->accounts_per_commit);
    if (host->time_add(0, host->option_text(ctx, "retry"), 1, "", &until_us) < 0 || until_us < 0)
        return scrip_fail(ctx, SCRIP_EINVALID, "retry: '%s': want a duration such as 60s or 5m",
                          host->option_text(ctx, "retry"));
    b->retry_us = until_us;
    return SCRIP_OK;
}

static void close_store(struct scrip_ctx *ctx)
{
    struct base *b = ctx->self;

    if (b == NULL)
        return;
    PQclear(b->lent);
    PQfinish(b->conn);
    while (b->statements != NULL) {
        struct statement *next = b->statements->next;

        free(b->statements);
        b->statements = next;
    }
    writing_free(b->writing);
    free(b->ids.ids);
    free(b->names);
    free(b->bytes.start);
    free(b);
    ctx->self = NULL;
}

/* 1: a server is only just starting; or servers are there and let us in, and none of them leads yet. */
static int is_worth_waiting(const struct base *b)
{
    const char *words[] = { "connect_timeout", "dbname", "target_session_attrs", NULL };
    const char *values[] = { "10", b->ctx->host->option_text(b->ctx, "connection"), "any", NULL };
    PGconn *any;
    int is_there;

    if (PQpingParams(words, values, 1) == PQPING_REJECT)
        return 1;
    any = PQconnectdbParams(words, values, 1);
    is_there = PQstatus(any) == CONNECTION_OK;
    PQfinish(any);
    return is_there;
}

/* What passes is waited for; whatever else stands in the way is told at once. */
static int connect_first(struct base *b)
{
    int64_t until_us = clock_us() + b->retry_us;

    for (int attempt = 0; connect_once(b) != FATE_DONE; attempt++) {
        if (clock_us() >= until_us || !is_worth_waiting(b))
            return fault_tell(b);
        back_off(attempt);
    }
    if (PQserverVersion(b->conn) < SERVER_LEAST)
        return scrip_fail(b->ctx, SCRIP_EVERSION, "server %s: is too old: want %d or newer",
                          PQparameterStatus(b->conn, "server_version"), SERVER_LEAST / 10000);
    if (strcmp(PQparameterStatus(b->conn, "server_encoding"), "UTF8") != 0)
        return scrip_fail(b->ctx, SCRIP_EIO, "database '%s': its encoding is %s: make one with encoding UTF8",
                          PQdb(b->conn), PQparameterStatus(b->conn, "server_encoding"));
    return SCRIP_OK;
}

/* ---- the schema ----------------------------------------------------------------------------------------------- */

static int word_put(struct base *b, const char *table, int64_t number, const char *text)
{
    struct value row[2] = { number_of(number), text_of(text, strlen(text)) };
    char sql[128], number_text[24], check[24];
    const char *values[3] = { number_text, text, check };
    PGresult *r;

    snprintf(sql, sizeof sql, "insert into %s values ($1, $2, $3)", table);
    snprintf(number_text, sizeof number_text, "%lld", (long long)number);
    snprintf(check, sizeof check, "%lld", (long long)check_of(b, table, row, 2));
    r = PQexecParams(b->conn, sql, 3, NULL, values, NULL, NULL, 0);
    if (!is_good(r)) {
        fault_keep(b, "init", r);
        fault_tell(b);
    }
    PQclear(r);
    return b->fault;
}

static int meta_put(struct base *b, const char *key, const char *text)
{
    struct value row[2] = { text_of(key, strlen(key)), text_of(text, strlen(text)) };
    char sql[128];

    snprintf(sql, sizeof sql, "insert into meta values ('%s', '%s', %lld)", key, text,
             (long long)check_of(b, "meta", row, 2));
    return execute(b, sql);
}

static int words_put(struct base *b)
{
    int code = SCRIP_OK;

    for (size_t t = 0; t < STORE_WORDS_COUNT; t++)
        for (size_t i = 0; i < store_words[t].count && code == SCRIP_OK; i++)
            code = word_put(b, store_words[t].table, (int64_t)i, store_words[t].words[i]);
    return code;
}

#define COUNT_OF(list) (sizeof(list) / sizeof *(list))

/* The one step that looks at which engine it is: on Citus the tables of the books are spread by account, so that one
 * account's rows of all of them are on one machine, and every machine has the small ones. */
static int schema_spread(struct base *b)
{
    PGresult *r = run_once(b, "select 1 from pg_extension where extname = 'citus'", 0, NULL);
    int is_citus = r != NULL && PQntuples(r) == 1, code = r != NULL ? SCRIP_OK : fault_tell(b);
    char sql[256];

    PQclear(r);
    if (code < 0 || !is_citus)
        return code;
    code = execute(b, "set local citus.multi_shard_modify_mode to 'sequential'");
    for (size_t i = 0; i < COUNT_OF(schema_tables) && code == SCRIP_OK; i++) {
        int size = (int)strcspn(schema_tables[i], " ");

        if (strncmp(schema_tables[i] + size, " (account ", 10) != 0)
            snprintf(sql, sizeof sql, "select create_reference_table('%.*s')", size, schema_tables[i]);
        else
            snprintf(sql, sizeof sql, "select create_distributed_table('%.*s', 'account', colocate_with => '%s')", size,
                     schema_tables[i], strncmp(schema_tables[i], "account_rows ", 13) == 0 ? "none" : "account_rows");
        code = execute(b, sql);
    }
    return code == SCRIP_OK ? meta_put(b, "accounts_per_commit", "1") : code;
}

/* All in one transaction: a fault leaves nothing behind. */
static int schema_make(struct base *b)
{
    char sql[4096], version[16];
    int code = execute(b, "begin");

    for (size_t i = 0; i < COUNT_OF(schema_tables) && code == SCRIP_OK; i++) {
        snprintf(sql, sizeof sql, "create table %s", schema_tables[i]);
        code = execute(b, sql);
    }
    for (size_t i = 0; i < COUNT_OF(schema_indexes) && code == SCRIP_OK; i++) {
        snprintf(sql, sizeof sql, "create %s", schema_indexes[i]);
        code = execute(b, sql);
    }
    if (code == SCRIP_OK)
        code = schema_spread(b);
    for (size_t i = 0; i < COUNT_OF(schema_views) && code == SCRIP_OK; i++) {
        snprintf(sql, sizeof sql, "create view %s", schema_views[i]);
        code = execute(b, sql);
    }
    snprintf(version, sizeof version, "%d", SCHEMA_VERSION);
    if (code == SCRIP_OK && (code = words_put(b)) == SCRIP_OK && (code = meta_put(b, "made_by", "scrip")) == SCRIP_OK &&
        (code = meta_put(b, "schema", version)) == SCRIP_OK)
        return execute(b, "commit");
    PQclear(PQexec(b->conn, "rollback"));
    return code;
}

static int schema_check(struct base *b, int session);

/* Another host that begins on the same database may be first: what it made is checked as any other. Tables of our names
 * that are somebody else's are no schema of ours. */
static int schema_begin(struct base *b)
{
    char message[SCRIP_MESSAGE_SIZE];
    int code = schema_make(b);

    if (code == SCRIP_OK || !state_is(b, "42P07 42710 23505 40P01 XX000"))
        return code;
    memcpy(message, b->message, sizeof message);
    b->fault = 0;
    code = schema_check(b, SCRIP_SESSION_WRITE);
    return code != SCRIP_ENOTFOUND
               ? code
               : scrip_fail(b->ctx, SCRIP_EVERSION, "%s: give scrip a database or a schema of its own", message);
}

static int schema_check(struct base *b, int session)
{
    PGresult *r = run_again(b, "select value from meta where key = 'schema'", 0, NULL);
    const char *database = PQdb(b->conn);
    int version;

    if (r == NULL && state_is(b, "42P01") && session == SCRIP_SESSION_INIT)
        return schema_begin(b);
    if (r == NULL && state_is(b, "42P01"))
        return scrip_fail(b->ctx, SCRIP_ENOTFOUND, "database '%s': has no schema: run scrip init", database);
    if (r == NULL && !state_is(b, "42703"))
        return fault_tell(b);
    if (r == NULL || PQntuples(r) != 1) {
        PQclear(r);
        return scrip_fail(
            b->ctx, SCRIP_EVERSION,
            "database '%s': its table 'meta' is of something else: give scrip a database or a schema of its own",
            database);
    }
    version = atoi(PQgetvalue(r, 0, 0));
    PQclear(r);
    if (version != SCHEMA_VERSION)
        return scrip_fail(b->ctx, SCRIP_EVERSION, "database '%s': schema version %d, this scrip has %d: %s", database,
                          version, SCHEMA_VERSION,
                          version < SCHEMA_VERSION ? "run scrip upgrade" : "use a newer scrip");
    return SCRIP_OK;
}

/* How commits are cut, where the configuration leaves it to the store. */
static int cut_read(struct base *b)
{
    PGresult *r;

    if (b->accounts_per_commit != 0)
        return SCRIP_OK;
    if ((r = ask(b, "select value from meta where key = 'accounts_per_commit'", 0, NULL)) == NULL)
        return b->fault;
    if (PQntuples(r) == 1)
        b->accounts_per_commit = atoll(PQgetvalue(r, 0, 0));
    PQclear(r);
    return SCRIP_OK;
}

static int postgres_begin(struct scrip_ctx *ctx, int session)
{
    struct base *b = ctx->self;
    int code = connect_first(b);

    b->session = session;
    if (code == SCRIP_OK)
        code = schema_check(b, session);
    if (code == SCRIP_OK)
        code = cut_read(b);
    if (code == SCRIP_OK && session != SCRIP_SESSION_READ)
        b->writing = writing_make();
    return settle(b, code);
}

SCRIP_STORE_PLUGIN("postgres", "PostgreSQL: any number of writers and readers", .options = options, .open = open_store,
                   .close = close_store, .begin = postgres_begin, .commit = postgres_commit, .scan = postgres_scan,
                   .event_find = postgres_event_find, .source_last = postgres_source_last,
                   .state_find = postgres_state_find, .cursor_find = postgres_cursor_find, .check = postgres_check,
                   .snapshot = postgres_snapshot);
