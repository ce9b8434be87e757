/* postgres_check.h - what the rows themselves cannot prove: hashes of rows, identities, accounts. */
#ifndef SCRIP_POSTGRES_CHECK_H
#define SCRIP_POSTGRES_CHECK_H

#include "postgres_scan.h"

typedef int finding_taker(void *sink, const char *text);

/* Tables whose rows carry a hash, in the columns' order of their writing: t text, b bytes, d decimal, else numbers.
 * `key` says in words which row it is. */
static const struct checked {
    const char *table, *columns, *types, *key;
} checked[] = {
    { "meta", "key, value", "tt", "key" },
    { "names", "id, name", "4t", "id" },
    { "outcomes", "number, name", "2t", "number" },
    { "books", "number, name", "2t", "number" },
    { "types", "number, name", "2t", "number" },
    { "stages", "number, name", "2t", "number" },
    { "term_rows", "number, currency, decimals, unit, rounding, split, settle_lag, late, rules", "44282282t",
      "number" },
    { "rate_rows", "number, service, terms, rate::text, per::text, label, digest", "444dd48", "number" },
    { "state_rows", "account, service, key, value, discard_after", "44bb8", "account || ', service ' || service" },
    { "timer_rows", "account, service, key, due", "44b8", "account || ', service ' || service" },
    { "batch_rows", "account, first, last, recorded, mark", "44488", "account || ', first ' || first" },
    { "cursor_rows", "source, feed, position, line, tail_size, tail_hash", "4b8888", "source" },
    { "quarantine_rows", "key, source, feed, line, class, reason, bytes, time, account, id, event", "b4b8tbb8bbb",
      "encode(key, 'hex')" },
};

/* Each yields a sentence for every fault. */
static const char *const checks[] = {
    "select 'account_rows: ' || account || ': it waits for ' || timers || ' timers, not ' || there from (select "
    "account,"
    " timers, (select count(*) from timer_rows t where t.account = a.account) as there from account_rows a) x"
    " where timers <> there",
    "select 'event_rows: account ' || account || ': the account is missing' from event_rows where account not in"
    " (select account from account_rows) group by account",
    "select 'entry_rows: account ' || account || ': the account is missing' from entry_rows where account not in"
    " (select account from account_rows) group by account",
    "select 'grant_rows: account ' || account || ': the account is missing' from grant_rows where account not in"
    " (select account from account_rows) group by account",
    "select 'claim_rows: account ' || account || ': the account is missing' from claim_rows where account not in"
    " (select account from account_rows) group by account",
    "select 'limit_rows: account ' || account || ': the account is missing' from limit_rows where account not in"
    " (select account from account_rows) group by account",
    "select 'checkpoint_rows: account ' || account || ': the account is missing' from checkpoint_rows where account "
    "not in"
    " (select account from account_rows) group by account",
    "select 'account_rows: ' || account || ': has no name' from account_rows where account not in (select id from "
    "names)",
    "select 'account_rows: ' || account || ': has no events' from account_rows a where not exists (select 1 from "
    "event_rows e"
    " where e.account = a.account)",
    "select 'event_identities: account ' || account || ', id ' || id || ': is there twice' from event_rows group by "
    "source,"
    " id, account having count(*) > 1",
};

static int words_find(struct base *b, const PGresult *r, finding_taker *finding, void *sink)
{
    (void)b;
    for (int row = 0; row < PQntuples(r); row++)
        finding(sink, PQgetisnull(r, row, 0) ? "a row was changed" : PQgetvalue(r, row, 0));
    return SCRIP_OK;
}

/* Values as they were when the row was written. */
static int hashes_find(struct base *b, const struct checked *c, const PGresult *r, finding_taker *finding, void *sink)
{
    int count = (int)strlen(c->types);

    for (int row = 0; row < PQntuples(r); row++) {
        struct value values[ARRAY_LIMIT];
        char text[SCRIP_MESSAGE_SIZE];

        for (int i = 0; i < count; i++) {
            uint64_t size;
            const char *bytes = get_text(r, row, i, &size);

            if (PQgetisnull(r, row, i))
                values[i] = null_value();
            else if (c->types[i] == 't' || c->types[i] == 'b' || c->types[i] == 'd')
                values[i] = text_of(bytes, size);
            else
                values[i] = number_of(get_number(r, row, i));
        }
        if (!PQgetisnull(r, row, count) && get_number(r, row, count) == check_of(b, c->table, values, count))
            continue;
        snprintf(text, sizeof text, "%s: %s: the row was changed", c->table, PQgetvalue(r, row, count + 1));
        finding(sink, text);
    }
    return SCRIP_OK;
}

/* All rows of a question, page by page; c NULL: they are sentences. */
static int question_ask(struct base *b, const char *sql, const struct checked *c, finding_taker *finding, void *sink)
{
    char text[1200];
    int code, rows;

    snprintf(text, sizeof text, "declare scrip_check no scroll cursor for %s", sql);
    code = execute(b, text);
    do {
        PGresult *r = code == SCRIP_OK ? PQexecParams(b->conn, "fetch forward " PAGE_TEXT " from scrip_check", 0, NULL,
                                                      NULL, NULL, NULL, 1)
                                       : NULL;

        if (r == NULL)
            return code;
        if (!is_good(r)) {
            fault_keep(b, "check", r);
            code = fault_tell(b);
        } else
            code = c ? hashes_find(b, c, r, finding, sink) : words_find(b, r, finding, sink);
        rows = PQntuples(r);
        PQclear(r);
    } while (code == SCRIP_OK && rows == PAGE_ROWS);
    return code == SCRIP_OK ? execute(b, "close scrip_check") : code;
}

static int postgres_check(struct scrip_ctx *ctx, finding_taker *finding, void *sink)
{
    struct base *b = ctx->self;
    int is_within = b->cursors > 0, code;
    PGresult *r = is_within ? NULL : ask(b, "begin", 0, NULL);
    char sql[1024];

    code = b->fault;
    for (size_t i = 0; i < sizeof checked / sizeof *checked && code == SCRIP_OK; i++) {
        snprintf(sql, sizeof sql, "select %s, chk, (%s)::text from %s", checked[i].columns, checked[i].key,
                 checked[i].table);
        code = question_ask(b, sql, &checked[i], finding, sink);
    }
    for (size_t i = 0; i < sizeof checks / sizeof *checks && code == SCRIP_OK; i++)
        code = question_ask(b, checks[i], NULL, finding, sink);
    PQclear(r);
    if (!is_within)
        transaction_end(b);
    return settle(b, code);
}

#endif
