/* postgres_scan.h - rows read back: scans and single look-ups. A page of rows is read whole before the first of them is
 * handed out, so that the connection is free for what the taker asks meanwhile. */
#ifndef SCRIP_POSTGRES_SCAN_H
#define SCRIP_POSTGRES_SCAN_H

#include "postgres_names.h"

#define PAGE_ROWS 2000
#define PAGE_TEXT "2000"

typedef int row_taker(struct base *b, const PGresult *r, int at, const struct scrip_scan *scan);

/* ---- rows ----------------------------------------------------------------------------------------------------- */

#define EVENT_COLUMNS                                                                                         \
    "account, number, type, outcome, source, id, time, product, user_name, service, unit, currency, quantity::text," \
    " amount::text, rate, digest, data, lines, reason, flags"

static void event_read(struct base *b, const PGresult *r, int at, struct scrip_event_row *row)
{
    memset(row, 0, sizeof *row);
    row->account = get_name(b, r, at, 0);
    row->number = (uint64_t)get_number(r, at, 1);
    row->type = get_number(r, at, 2);
    row->outcome = get_number(r, at, 3);
    row->source = get_name(b, r, at, 4);
    row->id = get_text(r, at, 5, &row->id_size);
    row->time_us = get_number(r, at, 6);
    row->product = get_name(b, r, at, 7);
    row->user = get_name(b, r, at, 8);
    row->service = get_name(b, r, at, 9);
    row->unit = get_name(b, r, at, 10);
    row->currency = get_name(b, r, at, 11);
    row->has_quantity = get_decimal(b, r, at, 12, &row->quantity);
    row->has_amount = get_decimal(b, r, at, 13, &row->amount);
    row->rate = (uint64_t)get_number(r, at, 14);
    row->digest = (uint64_t)get_number(r, at, 15);
    row->data = get_text(r, at, 16, &row->data_size);
    row->lines = get_text(r, at, 17, &row->lines_size);
    row->reason = get_text(r, at, 18, &row->reason_size);
    row->flags = get_number(r, at, 19);
}

static int event_row(struct base *b, const PGresult *r, int at, const struct scrip_scan *scan)
{
    struct scrip_event_row row;

    event_read(b, r, at, &row);
    return scan->row(scan->sink, &row);
}

#define ACCOUNT_COLUMNS                                                                                       \
    "account, events, entries, grants, clock, latest, head, data, clock_rank, clock_event, closed, claims, limits,"   \
    " timers"

static int account_row(struct base *b, const PGresult *r, int at, const struct scrip_scan *scan)
{
    struct scrip_account_row row = { 0 };

    row.name = get_name(b, r, at, 0);
    row.event_count = (uint64_t)get_number(r, at, 1);
    row.entry_count = (uint64_t)get_number(r, at, 2);
    row.grant_count = (uint64_t)get_number(r, at, 3);
    row.clock_us = get_number(r, at, 4);
    row.latest_us = get_number(r, at, 5);
    get_head(r, at, 6, row.head);
    row.data = get_text(r, at, 7, &row.data_size);
    row.clock_rank = get_number(r, at, 8);
    row.clock_event = (uint64_t)get_number(r, at, 9);
    row.closed_us = get_time(r, at, 10);
    row.claim_count = (uint64_t)get_number(r, at, 11);
    row.limit_count = (uint64_t)get_number(r, at, 12);
    row.timer_count = (uint64_t)get_number(r, at, 13);
    return scan->row(scan->sink, &row);
}

#define GRANT_COLUMNS                                                                                         \
    "account, number, id, event, class, terms, created, effective, expires, priority, cost::text, cost_currency,"\
    " scope," \
    " order_key, floor, unlimited, issued, available, held, used, expired, voided, clearing, debt, rules, next, changed"

static int grant_row(struct base *b, const PGresult *r, int at, const struct scrip_scan *scan)
{
    struct scrip_grant_row row = { 0 };

    row.account = get_name(b, r, at, 0);
    row.number = (uint64_t)get_number(r, at, 1);
    row.id = get_text(r, at, 2, &row.id_size);
    row.event = (uint64_t)get_number(r, at, 3);
    row.class_name = get_name(b, r, at, 4);
    row.terms = (uint64_t)get_number(r, at, 5);
    row.created_us = get_number(r, at, 6);
    row.effective_us = get_number(r, at, 7);
    row.expires_us = get_time(r, at, 8);
    row.has_priority = !PQgetisnull(r, at, 9);
    row.priority = get_number(r, at, 9);
    row.has_cost = get_decimal(b, r, at, 10, &row.cost);
    row.cost_currency = get_name(b, r, at, 11);
    row.scope = get_text(r, at, 12, &row.scope_size);
    row.order_key = get_text(r, at, 13, &row.order_key_size);
    row.floor = get_number(r, at, 14);
    row.unlimited = get_number(r, at, 15);
    for (int book = 0; book < SCRIP_BOOK_COUNT; book++)
        row.balance[book] = get_number(r, at, 16 + book);
    row.rules = get_text(r, at, 24, &row.rules_size);
    row.next_us = get_time(r, at, 25);
    row.changed = (uint64_t)get_number(r, at, 26);
    return scan->row(scan->sink, &row);
}

#define ENTRY_COLUMNS                                                                                         \
    "r.account, r.number, r.event, r.line, r.time, r.debit, r.credit, r.grant_number, r.terms, r.amount, r.charge,"   \
    " e.time"
#define ENTRY_FROM " from entry_rows r left join event_rows e on e.account = r.account and e.number = r.event"

static int entry_row(struct base *b, const PGresult *r, int at, const struct scrip_scan *scan)
{
    struct scrip_entry_row row = { 0 };

    row.account = get_name(b, r, at, 0);
    row.number = (uint64_t)get_number(r, at, 1);
    row.event = (uint64_t)get_number(r, at, 2);
    row.line = (uint64_t)get_number(r, at, 3);
    row.time_us = get_number(r, at, 4);
    row.debit = get_number(r, at, 5);
    row.credit = get_number(r, at, 6);
    row.grant = (uint64_t)get_number(r, at, 7);
    row.terms = (uint64_t)get_number(r, at, 8);
    row.amount = get_number(r, at, 9);
    row.of = (uint64_t)get_number(r, at, 10);
    row.event_time_us = get_number(r, at, 11);
    return scan->row(scan->sink, &row);
}

#define CHECKPOINT_COLUMNS "account, number, entries, latest, earliest, head, state"

static int checkpoint_row(struct base *b, const PGresult *r, int at, const struct scrip_scan *scan)
{
    struct scrip_checkpoint_row row = { 0 };

    row.account = get_name(b, r, at, 0);
    row.number = (uint64_t)get_number(r, at, 1);
    row.entry_count = (uint64_t)get_number(r, at, 2);
    row.latest_us = get_number(r, at, 3);
    row.earliest_us = get_number(r, at, 4);
    get_head(r, at, 5, row.head);
    row.state = get_text(r, at, 6, &row.state_size);
    return scan->row(scan->sink, &row);
}

#define CLAIM_COLUMNS "account, number, kind, stage, id, event, line, terms, amount, expires, shared, draws"

static int claim_row(struct base *b, const PGresult *r, int at, const struct scrip_scan *scan)
{
    struct scrip_claim_row row = { 0 };

    row.account = get_name(b, r, at, 0);
    row.number = (uint64_t)get_number(r, at, 1);
    row.kind = get_number(r, at, 2);
    row.stage = get_number(r, at, 3);
    row.id = get_text(r, at, 4, &row.id_size);
    row.event = (uint64_t)get_number(r, at, 5);
    row.line = (uint64_t)get_number(r, at, 6);
    row.terms = (uint64_t)get_number(r, at, 7);
    row.amount = get_number(r, at, 8);
    row.expires_us = get_time(r, at, 9);
    row.group = get_text(r, at, 10, &row.group_size);
    row.draws = get_text(r, at, 11, &row.draws_size);
    return scan->row(scan->sink, &row);
}

#define LIMIT_COLUMNS "account, number, id, event, terms, amount, per, anchor, expires, scope, windows"

static int limit_row(struct base *b, const PGresult *r, int at, const struct scrip_scan *scan)
{
    struct scrip_limit_row row = { 0 };

    row.account = get_name(b, r, at, 0);
    row.number = (uint64_t)get_number(r, at, 1);
    row.id = get_text(r, at, 2, &row.id_size);
    row.event = (uint64_t)get_number(r, at, 3);
    row.terms = (uint64_t)get_number(r, at, 4);
    row.amount = get_number(r, at, 5);
    row.per = get_text(r, at, 6, &row.per_size);
    row.anchor_us = get_time(r, at, 7);
    row.expires_us = get_time(r, at, 8);
    row.scope = get_text(r, at, 9, &row.scope_size);
    row.windows = get_text(r, at, 10, &row.windows_size);
    return scan->row(scan->sink, &row);
}

static int timer_row(struct base *b, const PGresult *r, int at, const struct scrip_scan *scan)
{
    struct scrip_timer_row row = { 0 };

    row.account = get_name(b, r, at, 0);
    row.service = get_name(b, r, at, 1);
    row.key = get_text(r, at, 2, &row.key_size);
    row.due_us = get_number(r, at, 3);
    return scan->row(scan->sink, &row);
}

static int batch_row(struct base *b, const PGresult *r, int at, const struct scrip_scan *scan)
{
    struct scrip_batch_row row = { get_name(b, r, at, 0), (uint64_t)get_number(r, at, 1),
                                   (uint64_t)get_number(r, at, 2), get_number(r, at, 3) };

    return scan->row(scan->sink, &row);
}

static int state_row(struct base *b, const PGresult *r, int at, const struct scrip_scan *scan)
{
    struct scrip_state_row row = { 0 };

    row.account = get_name(b, r, at, 0);
    row.service = get_name(b, r, at, 1);
    row.key = get_text(r, at, 2, &row.key_size);
    row.value = get_text(r, at, 3, &row.value_size);
    row.discard_after_us = get_time(r, at, 4);
    return scan->row(scan->sink, &row);
}

static int day_row(struct base *b, const PGresult *r, int at, const struct scrip_scan *scan)
{
    struct scrip_usage_row row = { get_number(r, at, 0), b->none, get_name(b, r, at, 1), get_name(b, r, at, 2),
                                   get_name(b, r, at, 3), get_name(b, r, at, 4), get_name(b, r, at, 5),
                                   get_number(r, at, 6), get_number(r, at, 7) };

    return scan->row(scan->sink, &row);
}

static int month_row(struct base *b, const PGresult *r, int at, const struct scrip_scan *scan)
{
    struct scrip_usage_row row = { get_number(r, at, 0), get_name(b, r, at, 1), get_name(b, r, at, 2), b->none,
                                   get_name(b, r, at, 3), get_name(b, r, at, 4), get_name(b, r, at, 5),
                                   get_number(r, at, 6), get_number(r, at, 7) };

    return scan->row(scan->sink, &row);
}

static int terms_row(struct base *b, const PGresult *r, int at, const struct scrip_scan *scan)
{
    struct scrip_terms_row row = { (uint64_t)get_number(r, at, 0), get_name(b, r, at, 1), get_number(r, at, 2),
                                   get_number(r, at, 3), get_number(r, at, 4), get_number(r, at, 5),
                                   get_number(r, at, 6), NULL, 0 };

    row.rules = get_text(r, at, 7, &row.rules_size);
    return scan->row(scan->sink, &row);
}

static int rate_row(struct base *b, const PGresult *r, int at, const struct scrip_scan *scan)
{
    struct scrip_rate_row row = { 0 };

    row.number = (uint64_t)get_number(r, at, 0);
    row.service = get_name(b, r, at, 1);
    row.terms = (uint64_t)get_number(r, at, 2);
    get_decimal(b, r, at, 3, &row.rate);
    get_decimal(b, r, at, 4, &row.per);
    row.label = get_name(b, r, at, 5);
    row.digest = (uint64_t)get_number(r, at, 6);
    return scan->row(scan->sink, &row);
}

static int cursor_row(struct base *b, const PGresult *r, int at, const struct scrip_scan *scan)
{
    struct scrip_cursor_row row = { 0 };
    uint64_t size;

    row.source = get_name(b, r, at, 0);
    row.feed = get_text(r, at, 1, &size);
    row.cursor.position = (uint64_t)get_number(r, at, 2);
    row.cursor.line = (uint64_t)get_number(r, at, 3);
    row.cursor.tail_size = (uint64_t)get_number(r, at, 4);
    row.cursor.tail_hash = (uint64_t)get_number(r, at, 5);
    return scan->row(scan->sink, &row);
}

static int quarantine_row(struct base *b, const PGresult *r, int at, const struct scrip_scan *scan)
{
    struct scrip_quarantine_row row = { 0 };
    const char *key;
    uint64_t size;

    key = get_text(r, at, 0, &size);
    memcpy(row.key, key, size < sizeof row.key ? size : sizeof row.key);
    row.source = get_name(b, r, at, 1);
    row.feed = get_text(r, at, 2, &size);
    row.line = (uint64_t)get_number(r, at, 3);
    row.reason_class = get_text(r, at, 4, &size);
    row.reason = get_text(r, at, 5, &size);
    row.bytes = get_text(r, at, 6, &row.size);
    row.time_us = get_time(r, at, 7);
    row.account = get_text(r, at, 8, &size);
    row.id = get_text(r, at, 9, &size);
    row.event = get_text(r, at, 10, &row.event_size);
    return scan->row(scan->sink, &row);
}

/* ---- how tables are read -------------------------------------------------------------------------------------- */

#define ONE " where account = $1::int4"
#define NUMBERED ONE " and number between $2::int4 and $3::int4"
#define UPWARDS " order by number limit " PAGE_TEXT
#define DOWNWARDS " order by number desc limit " PAGE_TEXT
#define ENTRIES_ONE                                                                                           \
    "select " ENTRY_COLUMNS ENTRY_FROM " where r.account = $1::int4 and r.number between $2::int4 and $3::int4"
#define USAGE_COLUMNS(period, a, b) period ", " a ", " b ", class, currency, account, amount, charges"
#define DAY_COLUMNS USAGE_COLUMNS("day", "product", "service")
#define MONTH_COLUMNS USAGE_COLUMNS("month", "user_name", "product")

/* `all` with the bounds of a period put in by printf where it has any; `one` and `down` of one account ($1), between
 * numbers or periods ($2, $3) where it counts three parameters. `kinds` marks the columns that are names. `at` is
 * the column of the number by which pages follow each other; -1: an account's rows come in one. */
static const struct reading {
    const char *all, *one, *down, *kinds;
    int parameters, at;
    row_taker *row;
} readings[] = {
    [SCRIP_TABLE_ACCOUNTS] = { "select " ACCOUNT_COLUMNS " from account_rows join names on id = account order by name",
                               "select " ACCOUNT_COLUMNS " from account_rows" ONE, NULL, "n", 1, -1, account_row },
    [SCRIP_TABLE_GRANTS] = { "select " GRANT_COLUMNS " from grant_rows order by account, number",
                             "select " GRANT_COLUMNS " from grant_rows" NUMBERED UPWARDS, NULL, "n...n......n", 3, 1,
                             grant_row },
    [SCRIP_TABLE_EVENTS] = { "select " EVENT_COLUMNS " from event_rows order by account, number",
                             "select " EVENT_COLUMNS " from event_rows" NUMBERED UPWARDS,
                             "select " EVENT_COLUMNS " from"
                             " event_rows" NUMBERED DOWNWARDS, "n...n..nnnnn", 3, 1, event_row },
    [SCRIP_TABLE_ENTRIES] = { "select " ENTRY_COLUMNS ENTRY_FROM " order by r.account, r.number",
                              ENTRIES_ONE " order by r.number limit " PAGE_TEXT, NULL, "n", 3, 1, entry_row },
    [SCRIP_TABLE_CHECKPOINTS] = { "select " CHECKPOINT_COLUMNS " from checkpoint_rows order by account, number",
                                  "select " CHECKPOINT_COLUMNS " from checkpoint_rows" NUMBERED UPWARDS,
                                  "select " CHECKPOINT_COLUMNS " from checkpoint_rows" NUMBERED DOWNWARDS, "n", 3, 1,
                                  checkpoint_row },
    [SCRIP_TABLE_STATES] = { "select * from state_rows order by account, service, key",
                             "select * from state_rows" ONE " order by service, key", NULL, "nn", 1, -1, state_row },
    [SCRIP_TABLE_DAYS] = { "select " DAY_COLUMNS " from day_rows where day between %lld and %lld order by"
                           " day, product, service, class, currency, account",
                           "select " DAY_COLUMNS " from day_rows" ONE " and day between $2::int8 and $3::int8 order by"
                           " day, product, service, class, currency", NULL, ".nnnnn", 3, -1, day_row },
    [SCRIP_TABLE_MONTHS] = { "select " MONTH_COLUMNS " from month_rows where month between %lld and %lld order by"
                             " month, user_name, product, class, currency, account",
                             "select " MONTH_COLUMNS " from month_rows" ONE " and month between $2::int8 and $3::int8"
                             " order"
                             " by month, user_name, product, class, currency", NULL, ".nnnnn", 3, -1, month_row },
    [SCRIP_TABLE_TERMS] = { "select number, currency, decimals, rounding, split, settle_lag, late, rules from term_rows"
                            " order by number", NULL, NULL, ".n", 0, -1, terms_row },
    [SCRIP_TABLE_RATES] = { "select number, service, terms, rate::text, per::text, label, digest from rate_rows"
                            " order by number", NULL, NULL, ".n...n", 0, -1, rate_row },
    [SCRIP_TABLE_CURSORS] = { "select c.* from cursor_rows c join names n on n.id = c.source order by n.name,"
                              " c.feed", NULL, NULL, "n", 0, -1, cursor_row },
    [SCRIP_TABLE_QUARANTINE] = { "select q.* from quarantine_rows q left join names n on n.id = q.source order by"
                                 " q.class,"
                                 " n.name nulls first, q.feed, q.line, q.key", NULL, NULL, ".n",
                                 0, -1, quarantine_row },
    [SCRIP_TABLE_CLAIMS] = { "select " CLAIM_COLUMNS " from claim_rows order by account, number",
                             "select " CLAIM_COLUMNS " from claim_rows" NUMBERED UPWARDS, NULL, "n", 3, 1, claim_row },
    [SCRIP_TABLE_LIMITS] = { "select " LIMIT_COLUMNS " from limit_rows order by account, number",
                             "select " LIMIT_COLUMNS " from limit_rows" NUMBERED UPWARDS, NULL, "n", 3, 1, limit_row },
    [SCRIP_TABLE_TIMERS] = { "select * from timer_rows order by account, service, key",
                             "select * from timer_rows" ONE " order by service, key", NULL, "nn", 1, -1, timer_row },
    [SCRIP_TABLE_BATCHES] = { "select account, first, last, recorded from batch_rows order by account, first",
                              "select account, first, last, recorded from batch_rows" ONE " and first between"
                              " $2::int4 and"
                              " $3::int4 order by first limit " PAGE_TEXT,
                              "select account, first, last, recorded from batch_rows" ONE " and first between"
                              " $2::int4 and"
                              " $3::int4 order by first desc limit " PAGE_TEXT, "n", 3, 1, batch_row },
};

#define CLAIMS_OPEN "select " CLAIM_COLUMNS " from claim_rows" NUMBERED " and stage = 0" UPWARDS
#define CLAIM_OF_ID "select " CLAIM_COLUMNS " from claim_rows" NUMBERED " and id = $4" UPWARDS
#define ENTRIES_OF_CHARGE ENTRIES_ONE " and r.charge = $4::int4 and r.charge <> 0 order by r.number limit " PAGE_TEXT

/* ---- scans ---------------------------------------------------------------------------------------------------- */

/* The number of a name in this store; 0 where it has none, or where it could not be read: see settle. */
static int32_t name_find(struct base *b, const char *text)
{
    const struct scrip_name *name = b->ctx->host->name(b->ctx, text, strlen(text));
    PGresult *r;

    if (name->number == 0 || id_of(b, name) != 0)
        return id_of(b, name);
    if ((r = ask(b, "select id from names where name = $1", 1, &text)) == NULL)
        return 0;
    if (PQntuples(r) == 1)
        id_keep(b, name, (int32_t)get_number(r, 0, 0));
    PQclear(r);
    return id_of(b, name);
}

/* *is_begun: rows were handed out, so that nothing may be done again. */
static int page_take(struct base *b, const PGresult *r, const struct reading *reading, const struct scrip_scan *scan,
                     int *is_begun)
{
    int code = names_read(b, r, reading->kinds);

    for (int at = 0; at < PQntuples(r) && code == SCRIP_OK && b->fault == 0; at++) {
        *is_begun = 1;
        code = reading->row(b, r, at, scan);
    }
    return code;
}

static int64_t bounded(uint64_t number)
{
    return number < INT32_MAX ? (int64_t)number : INT32_MAX;
}

/* One account's rows: page after page, each a statement of its own. */
static int scan_account(struct base *b, const struct reading *reading, const struct scrip_scan *scan)
{
    char texts[4][24];
    const char *values[4] = { texts[0], texts[1], texts[2], texts[3] };
    int is_down = scan->descending && reading->down, parameters = reading->parameters, code = SCRIP_OK;
    int rows, is_begun = 0;
    const char *sql = is_down ? reading->down : reading->one;
    int64_t first = bounded(scan->from_number), last = scan->to_number ? bounded(scan->to_number) : INT32_MAX;

    if (reading->at < 0) {
        first = scan->from_period;
        last = scan->to_period;
    }
    snprintf(texts[0], sizeof texts[0], "%d", (int)name_find(b, scan->account));
    if (scan->table == SCRIP_TABLE_CLAIMS && (scan->id || scan->only_open)) {
        sql = scan->id ? CLAIM_OF_ID : CLAIMS_OPEN;
        values[3] = scan->id;
        parameters = scan->id ? 4 : 3;
    } else if (scan->table == SCRIP_TABLE_ENTRIES && scan->of) {
        sql = ENTRIES_OF_CHARGE;
        snprintf(texts[3], sizeof texts[3], "%lld", (long long)bounded(scan->of));
        parameters = 4;
    }
    do {
        PGresult *r;

        if (strcmp(texts[0], "0") == 0 || first > last)
            break;
        snprintf(texts[1], sizeof texts[1], "%lld", (long long)first);
        snprintf(texts[2], sizeof texts[2], "%lld", (long long)last);
        if ((r = ask(b, sql, parameters, values)) == NULL)
            return b->fault;
        rows = PQntuples(r);
        if (rows && reading->at >= 0)
            *(is_down ? &last : &first) = get_number(r, rows - 1, reading->at) + (is_down ? -1 : 1);
        code = page_take(b, r, reading, scan, &is_begun);
        PQclear(r);
    } while (code == SCRIP_OK && b->fault == 0 && reading->at >= 0 && rows == PAGE_ROWS);
    return code;
}

static int cursor_fetch(struct base *b, const struct reading *reading, const struct scrip_scan *scan, int *is_begun)
{
    char fetch[64];
    int code = SCRIP_OK, rows;

    snprintf(fetch, sizeof fetch, "fetch forward " PAGE_TEXT " from scrip_cursor_%d", b->cursors);
    do {
        PGresult *r = PQexecParams(b->conn, fetch, 0, NULL, NULL, NULL, NULL, 1);

        if (!is_good(r)) {
            fault_keep(b, "store", r);
            PQclear(r);
            return fault_tell(b);
        }
        rows = PQntuples(r);
        code = page_take(b, r, reading, scan, is_begun);
        PQclear(r);
    } while (code == SCRIP_OK && b->fault == 0 && rows == PAGE_ROWS);
    return code;
}

/* A whole table: through a cursor, in a transaction that lasts as long as the outermost scan. */
static int scan_once(struct base *b, const struct reading *reading, const struct scrip_scan *scan, int *is_begun)
{
    char select[1024], text[1200];
    int depth = b->cursors, code;
    PGresult *r = depth ? NULL : ask(b, "begin", 0, NULL);

    if (depth == 0 && r == NULL)
        return b->fault;
    PQclear(r);
    b->cursors = depth + 1;
    snprintf(select, sizeof select, reading->all, (long long)scan->from_period, (long long)scan->to_period);
    snprintf(text, sizeof text, "declare scrip_cursor_%d no scroll cursor for %s", b->cursors, select);
    code = execute(b, text);
    if (code == SCRIP_OK)
        code = cursor_fetch(b, reading, scan, is_begun);
    b->cursors = depth;
    if (depth == 0)
        transaction_end(b);
    else if (b->fault == 0) {
        snprintf(text, sizeof text, "close scrip_cursor_%d", depth + 1);
        PQclear(PQexec(b->conn, text)); /* where a row stopped it, the transaction may be at fault already: that is told */
    }
    return code;
}

/* Tried again where the server went, or took it back, before the first row was handed out. */
static int scan_all(struct base *b, const struct reading *reading, const struct scrip_scan *scan)
{
    int64_t until_us = clock_us() + b->retry_us;

    for (int attempt = 0;; attempt++) {
        int is_begun = 0, code = scan_once(b, reading, scan, &is_begun);
        enum fate fate = fault_fate(b);

        if (b->fault == 0 || is_begun || b->cursors || (fate != FATE_AGAIN && fate != FATE_UNKNOWN) ||
            clock_us() >= until_us)
            return code;
        b->fault = 0;
        back_off(attempt);
    }
}

/* One transaction around all that is read. */
static int postgres_snapshot(struct scrip_ctx *ctx, int is_open)
{
    struct base *b = ctx->self;

    if (is_open && b->cursors == 0) {
        PQclear(ask(b, "begin isolation level repeatable read read only", 0, NULL));
        b->cursors = b->fault == 0;
    } else if (!is_open && b->cursors > 0) {
        b->cursors = 0;
        transaction_end(b);
    }
    return settle(b, SCRIP_OK);
}

static int postgres_scan(struct scrip_ctx *ctx, const struct scrip_scan *scan)
{
    struct base *b = ctx->self;

    if (scan->table > SCRIP_TABLE_BATCHES)
        return scrip_fail(ctx, SCRIP_EINVALID, "scan: there is no table %llu", (unsigned long long)scan->table);
    if (scan->account && readings[scan->table].one)
        return settle(b, scan_account(b, &readings[scan->table], scan));
    return settle(b, scan_all(b, &readings[scan->table], scan));
}

/* ---- single rows ---------------------------------------------------------------------------------------------- */

static int postgres_event_find(struct scrip_ctx *ctx, const char *account, const char *source, const char *id,
                               uint64_t id_size, const struct scrip_event_row **out)
{
    struct base *b = ctx->self;
    char account_text[16], source_text[16];
    const char *values[3] = { source_text, id, account_text };
    int code = SCRIP_ENOTFOUND;

    (void)id_size; /* an id has no NUL in it */
    snprintf(account_text, sizeof account_text, "%d", (int)name_find(b, account));
    snprintf(source_text, sizeof source_text, "%d", (int)name_find(b, source));
    if (b->fault < 0 || account_text[0] == '0' || source_text[0] == '0')
        return settle(b, SCRIP_ENOTFOUND);
    PQclear(b->lent);
    b->lent = ask(b, "select " EVENT_COLUMNS " from event_rows where source = $1::int4 and id = $2 and account ="
                     " $3::int4", 3,
                  values);
    if (b->lent != NULL && PQntuples(b->lent) == 1 &&
        (code = names_read(b, b->lent, readings[SCRIP_TABLE_EVENTS].kinds)) == SCRIP_OK) {
        event_read(b, b->lent, 0, &b->lent_row);
        *out = &b->lent_row;
    }
    return settle(b, code);
}

static int postgres_source_last(struct scrip_ctx *ctx, const char *source, char *out)
{
    struct base *b = ctx->self;
    char text[16];
    const char *value = text;
    uint64_t size;
    PGresult *r;

    out[0] = 0;
    snprintf(text, sizeof text, "%d", (int)name_find(b, source));
    if (b->fault < 0 || text[0] == '0')
        return settle(b, SCRIP_OK);
    r = ask(b, "select id from event_rows where source = $1::int4 order by id desc limit 1", 1, &value);
    if (r != NULL && PQntuples(r) == 1) {
        const char *id = get_text(r, 0, 0, &size);

        if (size <= SCRIP_NAME_SIZE)
            memcpy(out, id, size + 1);
    }
    PQclear(r);
    return settle(b, SCRIP_OK);
}

/* Bytes as a parameter's text: \x6162. */
static char *hex_of(const void *bytes, uint64_t size)
{
    char *text = store_grow(NULL, 2 * size + 3);

    memcpy(text, "\\x", 3);
    for (uint64_t i = 0; i < size; i++)
        snprintf(text + 2 + 2 * i, 3, "%02x", ((const uint8_t *)bytes)[i]);
    return text;
}

static int postgres_state_find(struct scrip_ctx *ctx, const char *account, const char *service, const void *key,
                               uint64_t key_size, void *value, uint64_t *size, int64_t *discard_after_us)
{
    struct base *b = ctx->self;
    char account_text[16], service_text[16], *hex = hex_of(key, key_size);
    const char *values[3] = { account_text, service_text, hex };
    int code = SCRIP_ENOTFOUND;
    PGresult *r = NULL;

    snprintf(account_text, sizeof account_text, "%d", (int)name_find(b, account));
    snprintf(service_text, sizeof service_text, "%d", (int)name_find(b, service));
    if (b->fault == 0 && account_text[0] != '0' && service_text[0] != '0')
        r = ask(b, "select value, discard_after from state_rows where account = $1::int4 and service = $2::int4 and"
                   " key = $3::bytea", 3, values);
    if (r != NULL && PQntuples(r) == 1) {
        uint64_t found;
        const char *bytes = get_text(r, 0, 0, &found);

        code = found <= *size ? SCRIP_OK
                              : scrip_fail(ctx, SCRIP_ELIMIT, "state: a value of %llu"
                                                              " bytes", (unsigned long long)found);
        if (code == SCRIP_OK)
            memcpy(value, bytes, found);
        *size = found;
        *discard_after_us = get_time(r, 0, 1);
    }
    PQclear(r);
    free(hex);
    return settle(b, code);
}

static int postgres_cursor_find(struct scrip_ctx *ctx, const char *source, const char *feed, struct scrip_cursor *out)
{
    struct base *b = ctx->self;
    char text[16], *hex = hex_of(feed, strlen(feed));
    const char *values[2] = { text, hex };
    int code = SCRIP_ENOTFOUND;
    PGresult *r = NULL;

    snprintf(text, sizeof text, "%d", (int)name_find(b, source));
    if (b->fault == 0 && text[0] != '0')
        r = ask(b, "select position, line, tail_size, tail_hash from cursor_rows where source = $1::int4 and"
                   " feed = $2::bytea", 2, values);
    if (r != NULL && PQntuples(r) == 1) {
        *out = (struct scrip_cursor){ (uint64_t)get_number(r, 0, 0), (uint64_t)get_number(r, 0, 1),
                                      (uint64_t)get_number(r, 0, 2), (uint64_t)get_number(r, 0, 3) };
        code = SCRIP_OK;
    }
    PQclear(r);
    free(hex);
    return settle(b, code);
}

#endif
