/* sqlite_scan.h - rows read back: scans, single look-ups, the checks of what no replay proves. */
#ifndef SCRIP_SQLITE_SCAN_H
#define SCRIP_SQLITE_SCAN_H

#include "sqlite_base.h"

#include <stdio.h>

#define NUMBER_MASK INT64_C(0xffffffff)

#define EVENT_COLUMNS                                                                                         \
    "key, type, outcome, source, id, time, product, user, service, unit, currency, quantity, amount, rate, digest, data," \
    " lines, reason, flags"

/* ---- rows from statements ------------------------------------------------------------------------------------- */

static void event_read(struct base *b, sqlite3_stmt *s, struct scrip_event_row *row)
{
    int64_t key = sqlite3_column_int64(s, 0);

    memset(row, 0, sizeof *row);
    row->account = name_at(b, key >> 32);
    row->number = (uint64_t)(key & NUMBER_MASK);
    row->type = sqlite3_column_int64(s, 1);
    row->outcome = sqlite3_column_int64(s, 2);
    row->source = column_name(b, s, 3);
    row->id = column_text(s, 4, &row->id_size);
    row->time_us = sqlite3_column_int64(s, 5);
    row->product = column_name(b, s, 6);
    row->user = column_name(b, s, 7);
    row->service = column_name(b, s, 8);
    row->unit = column_name(b, s, 9);
    row->currency = column_name(b, s, 10);
    row->has_quantity = column_decimal(b, s, 11, &row->quantity);
    row->has_amount = column_decimal(b, s, 12, &row->amount);
    row->rate = (uint64_t)sqlite3_column_int64(s, 13);
    row->digest = (uint64_t)sqlite3_column_int64(s, 14);
    row->data = column_text(s, 15, &row->data_size);
    row->lines = column_text(s, 16, &row->lines_size);
    row->reason = column_text(s, 17, &row->reason_size);
    row->flags = sqlite3_column_int64(s, 18);
}

static int event_row(struct base *b, sqlite3_stmt *s, const struct scrip_scan *scan)
{
    struct scrip_event_row row;

    event_read(b, s, &row);
    return scan->row(scan->sink, &row);
}

static int account_row(struct base *b, sqlite3_stmt *s, const struct scrip_scan *scan)
{
    struct scrip_account_row row = { 0 };
    const void *head;
    uint64_t size;

    row.name = column_name(b, s, 0);
    row.event_count = (uint64_t)sqlite3_column_int64(s, 1);
    row.entry_count = (uint64_t)sqlite3_column_int64(s, 2);
    row.grant_count = (uint64_t)sqlite3_column_int64(s, 3);
    row.clock_us = sqlite3_column_int64(s, 4);
    row.latest_us = sqlite3_column_int64(s, 5);
    head = column_blob(s, 6, &size);
    memcpy(row.head, head, size < sizeof row.head ? size : sizeof row.head);
    row.data = column_text(s, 7, &row.data_size);
    row.clock_rank = sqlite3_column_int64(s, 8);
    row.clock_event = (uint64_t)sqlite3_column_int64(s, 9);
    row.closed_us = column_time(s, 10);
    row.claim_count = (uint64_t)sqlite3_column_int64(s, 11);
    row.limit_count = (uint64_t)sqlite3_column_int64(s, 12);
    row.timer_count = (uint64_t)sqlite3_column_int64(s, 13);
    return scan->row(scan->sink, &row);
}

static int grant_row(struct base *b, sqlite3_stmt *s, const struct scrip_scan *scan)
{
    struct scrip_grant_row row = { 0 };
    int64_t key = sqlite3_column_int64(s, 0);

    row.account = name_at(b, key >> 32);
    row.number = (uint64_t)(key & NUMBER_MASK);
    row.id = column_text(s, 1, &row.id_size);
    row.event = (uint64_t)sqlite3_column_int64(s, 2);
    row.class_name = column_name(b, s, 3);
    row.terms = (uint64_t)sqlite3_column_int64(s, 4);
    row.created_us = sqlite3_column_int64(s, 5);
    row.effective_us = sqlite3_column_int64(s, 6);
    row.expires_us = column_time(s, 7);
    row.has_priority = sqlite3_column_type(s, 8) != SQLITE_NULL;
    row.priority = sqlite3_column_int64(s, 8);
    row.has_cost = column_decimal(b, s, 9, &row.cost);
    row.cost_currency = column_name(b, s, 10);
    row.scope = column_text(s, 11, &row.scope_size);
    row.order_key = column_blob(s, 12, &row.order_key_size);
    row.floor = sqlite3_column_int64(s, 13);
    row.unlimited = sqlite3_column_int64(s, 14);
    for (int book = 0; book < SCRIP_BOOK_COUNT; book++)
        row.balance[book] = sqlite3_column_int64(s, 15 + book);
    row.rules = column_text(s, 23, &row.rules_size);
    row.next_us = column_time(s, 24);
    row.changed = (uint64_t)sqlite3_column_int64(s, 25);
    return scan->row(scan->sink, &row);
}

static int entry_row(struct base *b, sqlite3_stmt *s, const struct scrip_scan *scan)
{
    struct scrip_entry_row row = { 0 };
    int64_t key = sqlite3_column_int64(s, 0);

    row.account = name_at(b, key >> 32);
    row.number = (uint64_t)(key & NUMBER_MASK);
    row.event = (uint64_t)sqlite3_column_int64(s, 1);
    row.line = (uint64_t)sqlite3_column_int64(s, 2);
    row.event_time_us = sqlite3_column_int64(s, 10);
    row.of = (uint64_t)sqlite3_column_int64(s, 9);
    row.time_us = row.event_time_us + sqlite3_column_int64(s, 3);
    row.debit = sqlite3_column_int64(s, 4);
    row.credit = sqlite3_column_int64(s, 5);
    row.grant = (uint64_t)sqlite3_column_int64(s, 6);
    row.terms = (uint64_t)sqlite3_column_int64(s, 7);
    row.amount = sqlite3_column_int64(s, 8);
    return scan->row(scan->sink, &row);
}

static int checkpoint_row(struct base *b, sqlite3_stmt *s, const struct scrip_scan *scan)
{
    struct scrip_checkpoint_row row = { 0 };
    int64_t key = sqlite3_column_int64(s, 0);
    const void *head;
    uint64_t size;

    row.account = name_at(b, key >> 32);
    row.number = (uint64_t)(key & NUMBER_MASK);
    row.entry_count = (uint64_t)sqlite3_column_int64(s, 1);
    row.latest_us = sqlite3_column_int64(s, 2);
    row.earliest_us = sqlite3_column_int64(s, 3);
    head = column_blob(s, 4, &size);
    memcpy(row.head, head, size < sizeof row.head ? size : sizeof row.head);
    row.state = column_blob(s, 5, &row.state_size);
    return scan->row(scan->sink, &row);
}

static int claim_row(struct base *b, sqlite3_stmt *s, const struct scrip_scan *scan)
{
    struct scrip_claim_row row = { 0 };
    int64_t key = sqlite3_column_int64(s, 0);

    row.account = name_at(b, key >> 32);
    row.number = (uint64_t)(key & NUMBER_MASK);
    row.kind = sqlite3_column_int64(s, 1);
    row.stage = sqlite3_column_int64(s, 2);
    row.id = column_text(s, 3, &row.id_size);
    row.event = (uint64_t)sqlite3_column_int64(s, 4);
    row.line = (uint64_t)sqlite3_column_int64(s, 5);
    row.terms = (uint64_t)sqlite3_column_int64(s, 6);
    row.amount = sqlite3_column_int64(s, 7);
    row.expires_us = column_time(s, 8);
    row.group = column_text(s, 9, &row.group_size);
    row.draws = column_blob(s, 10, &row.draws_size);
    return scan->row(scan->sink, &row);
}

static int limit_row(struct base *b, sqlite3_stmt *s, const struct scrip_scan *scan)
{
    struct scrip_limit_row row = { 0 };
    int64_t key = sqlite3_column_int64(s, 0);

    row.account = name_at(b, key >> 32);
    row.number = (uint64_t)(key & NUMBER_MASK);
    row.id = column_text(s, 1, &row.id_size);
    row.event = (uint64_t)sqlite3_column_int64(s, 2);
    row.terms = (uint64_t)sqlite3_column_int64(s, 3);
    row.amount = sqlite3_column_int64(s, 4);
    row.per = column_text(s, 5, &row.per_size);
    row.anchor_us = column_time(s, 6);
    row.expires_us = column_time(s, 7);
    row.scope = column_text(s, 8, &row.scope_size);
    row.windows = column_blob(s, 9, &row.windows_size);
    return scan->row(scan->sink, &row);
}

static int timer_row(struct base *b, sqlite3_stmt *s, const struct scrip_scan *scan)
{
    struct scrip_timer_row row = { 0 };

    row.account = column_name(b, s, 0);
    row.service = column_name(b, s, 1);
    row.key = column_blob(s, 2, &row.key_size);
    row.due_us = sqlite3_column_int64(s, 3);
    return scan->row(scan->sink, &row);
}

static int batch_row(struct base *b, sqlite3_stmt *s, const struct scrip_scan *scan)
{
    int64_t key = sqlite3_column_int64(s, 0);
    struct scrip_batch_row row = { name_at(b, key >> 32), (uint64_t)(key & NUMBER_MASK), (uint64_t)sqlite3_column_int64(s, 1),
                                   sqlite3_column_int64(s, 2) };

    return scan->row(scan->sink, &row);
}

static int state_row(struct base *b, sqlite3_stmt *s, const struct scrip_scan *scan)
{
    struct scrip_state_row row = { 0 };

    row.account = column_name(b, s, 0);
    row.service = column_name(b, s, 1);
    row.key = column_blob(s, 2, &row.key_size);
    row.value = column_blob(s, 3, &row.value_size);
    row.discard_after_us = column_time(s, 4);
    return scan->row(scan->sink, &row);
}

static int day_row(struct base *b, sqlite3_stmt *s, const struct scrip_scan *scan)
{
    struct scrip_usage_row row = { sqlite3_column_int64(s, 0), b->none, column_name(b, s, 1), column_name(b, s, 2),
                                   column_name(b, s, 3), column_name(b, s, 4), column_name(b, s, 5),
                                   sqlite3_column_int64(s, 6), sqlite3_column_int64(s, 7) };

    return scan->row(scan->sink, &row);
}

static int month_row(struct base *b, sqlite3_stmt *s, const struct scrip_scan *scan)
{
    struct scrip_usage_row row = { sqlite3_column_int64(s, 0), column_name(b, s, 1), column_name(b, s, 2), b->none,
                                   column_name(b, s, 3), column_name(b, s, 4), column_name(b, s, 5),
                                   sqlite3_column_int64(s, 6), sqlite3_column_int64(s, 7) };

    return scan->row(scan->sink, &row);
}

static int terms_row(struct base *b, sqlite3_stmt *s, const struct scrip_scan *scan)
{
    struct scrip_terms_row row = { (uint64_t)sqlite3_column_int64(s, 0), column_name(b, s, 1), sqlite3_column_int64(s, 2),
                                   sqlite3_column_int64(s, 3), sqlite3_column_int64(s, 4), sqlite3_column_int64(s, 5),
                                   sqlite3_column_int64(s, 6), NULL, 0 };

    row.rules = column_text(s, 7, &row.rules_size);
    return scan->row(scan->sink, &row);
}

static int rate_row(struct base *b, sqlite3_stmt *s, const struct scrip_scan *scan)
{
    struct scrip_rate_row row = { 0 };

    row.number = (uint64_t)sqlite3_column_int64(s, 0);
    row.service = column_name(b, s, 1);
    row.terms = (uint64_t)sqlite3_column_int64(s, 2);
    column_decimal(b, s, 3, &row.rate);
    column_decimal(b, s, 4, &row.per);
    row.label = column_name(b, s, 5);
    row.digest = (uint64_t)sqlite3_column_int64(s, 6);
    return scan->row(scan->sink, &row);
}

static int cursor_row(struct base *b, sqlite3_stmt *s, const struct scrip_scan *scan)
{
    struct scrip_cursor_row row = { 0 };
    uint64_t size;

    row.source = column_name(b, s, 0);
    row.feed = column_text(s, 1, &size);
    row.cursor.position = (uint64_t)sqlite3_column_int64(s, 2);
    row.cursor.line = (uint64_t)sqlite3_column_int64(s, 3);
    row.cursor.tail_size = (uint64_t)sqlite3_column_int64(s, 4);
    row.cursor.tail_hash = (uint64_t)sqlite3_column_int64(s, 5);
    return scan->row(scan->sink, &row);
}

static int quarantine_row(struct base *b, sqlite3_stmt *s, const struct scrip_scan *scan)
{
    struct scrip_quarantine_row row = { 0 };
    const void *key;
    uint64_t size;

    key = column_blob(s, 0, &size);
    memcpy(row.key, key, size < sizeof row.key ? size : sizeof row.key);
    row.source = column_name(b, s, 1);
    row.feed = column_text(s, 2, &size);
    row.line = (uint64_t)sqlite3_column_int64(s, 3);
    row.reason_class = column_text(s, 4, &size);
    row.reason = column_text(s, 5, &size);
    row.bytes = column_text(s, 6, &row.size);
    row.time_us = column_time(s, 7);
    row.account = column_text(s, 8, &size);
    row.id = column_text(s, 9, &size);
    row.event = column_text(s, 10, &row.event_size);
    return scan->row(scan->sink, &row);
}

/* ---- scans ---------------------------------------------------------------------------------------------------- */

/* How a table is read: all of it, one account's (?1 account, ?2 first, ?3 last key or period), and downwards. */
static const struct {
    const char *all, *one, *down;
    int (*row)(struct base *b, sqlite3_stmt *s, const struct scrip_scan *scan);
} tables[] = {
    [SCRIP_TABLE_ACCOUNTS] = { "select r.* from account_rows r join names n on n.id = account order by n.name",
                               "select * from account_rows where account = ?1", NULL, account_row },
    [SCRIP_TABLE_GRANTS] = { "select * from grant_rows order by key",
                             "select * from grant_rows where key between ?2 and ?3 order by key", NULL, grant_row },
    [SCRIP_TABLE_EVENTS] = { "select " EVENT_COLUMNS " from event_rows order by key",
                             "select " EVENT_COLUMNS " from event_rows where key between ?2 and ?3 order by key",
                             "select " EVENT_COLUMNS " from event_rows where key between ?2 and ?3 order by key desc",
                             event_row },
    [SCRIP_TABLE_ENTRIES] = { "select r.*, e.time from entry_rows r left join event_rows e on e.key = (r.key >> 32 << 32)"
                              " + r.event order by r.key",
                              "select r.*, e.time from entry_rows r left join event_rows e on e.key = (r.key >> 32 << 32)"
                              " + r.event where r.key between ?2 and ?3 order by r.key", NULL, entry_row },
    [SCRIP_TABLE_CHECKPOINTS] = { "select * from checkpoint_rows order by key",
                                  "select * from checkpoint_rows where key between ?2 and ?3 order by key",
                                  "select * from checkpoint_rows where key between ?2 and ?3 order by key desc",
                                  checkpoint_row },
    [SCRIP_TABLE_STATES] = { "select * from state_rows", "select * from state_rows where account = ?1", NULL, state_row },
    [SCRIP_TABLE_DAYS] = { "select * from day_rows where day between ?2 and ?3",
                           "select * from day_rows where day between ?2 and ?3 and account = ?1", NULL, day_row },
    [SCRIP_TABLE_MONTHS] = { "select * from month_rows where month between ?2 and ?3",
                             "select * from month_rows where month between ?2 and ?3 and account = ?1", NULL, month_row },
    [SCRIP_TABLE_TERMS] = { "select number, currency, decimals, rounding, split, settle_lag, late, rules from term_rows"
                            " order by number", NULL, NULL, terms_row },
    [SCRIP_TABLE_RATES] = { "select * from rate_rows order by number", NULL, NULL, rate_row },
    [SCRIP_TABLE_CURSORS] = { "select c.* from cursor_rows c join names n on n.id = source order by n.name, feed", NULL,
                               NULL, cursor_row },
    [SCRIP_TABLE_QUARANTINE] = { "select q.* from quarantine_rows q left join names n on n.id = source order by class,"
                                 " n.name, feed, line, key", NULL, NULL, quarantine_row },
    [SCRIP_TABLE_CLAIMS] = { "select * from claim_rows order by key",
                             "select * from claim_rows where key between ?2 and ?3 order by key", NULL, claim_row },
    [SCRIP_TABLE_LIMITS] = { "select * from limit_rows order by key",
                             "select * from limit_rows where key between ?2 and ?3 order by key", NULL, limit_row },
    [SCRIP_TABLE_TIMERS] = { "select * from timer_rows", "select * from timer_rows where account = ?1", NULL, timer_row },
    [SCRIP_TABLE_BATCHES] = { "select * from batch_rows order by key",
                              "select * from batch_rows where key between ?2 and ?3 order by key",
                              "select * from batch_rows where key between ?2 and ?3 order by key desc", batch_row },
};

#define CLAIMS_OPEN "select * from claim_rows where stage = 0 and key between ?2 and ?3 order by key"
#define CLAIM_OF_ID "select * from claim_rows where id = ?4 and key between ?2 and ?3 order by key"
#define ENTRIES_OF_CHARGE                                                                                     \
    "select r.*, e.time from entry_rows r left join event_rows e on e.key = (r.key >> 32 << 32) + r.event where" \
    " r.charge = ?4 and r.charge <> 0 and r.key between ?2 and ?3 order by r.key"

static int64_t account_find(struct base *b, const char *account)
{
    return name_find(b, b->ctx->host->name(b->ctx, account, strlen(account)));
}

static int scan_bind(struct base *b, sqlite3_stmt *stmt, const struct scrip_scan *scan)
{
    int is_period = scan->table == SCRIP_TABLE_DAYS || scan->table == SCRIP_TABLE_MONTHS;
    int64_t account = 0, first = scan->from_period, last = scan->to_period;

    if (scan->account != NULL && (account = account_find(b, scan->account)) == 0)
        return SCRIP_ENOTFOUND;
    if (!is_period) {
        first = account << 32 | (int64_t)(scan->from_number < NUMBER_MASK ? scan->from_number : NUMBER_MASK);
        last = account << 32 | (scan->to_number && scan->to_number < NUMBER_MASK ? (int64_t)scan->to_number : NUMBER_MASK);
    }
    sqlite3_bind_int64(stmt, 1, account);
    sqlite3_bind_int64(stmt, 2, first);
    sqlite3_bind_int64(stmt, 3, last);
    if (scan->id)
        bind_text(stmt, 4, scan->id, strlen(scan->id));
    else if (scan->of)
        sqlite3_bind_int64(stmt, 4, (int64_t)scan->of);
    return SCRIP_OK;
}

static int sqlite_scan(struct scrip_ctx *ctx, const struct scrip_scan *scan)
{
    struct base *b = ctx->self;
    const char *sql;
    sqlite3_stmt *stmt;
    int code = SCRIP_OK, step;

    if (scan->table > SCRIP_TABLE_BATCHES)
        return scrip_fail(ctx, SCRIP_EINVALID, "scan: there is no table %llu", (unsigned long long)scan->table);
    sql = scan->account && tables[scan->table].one
              ? (scan->descending && tables[scan->table].down ? tables[scan->table].down : tables[scan->table].one)
              : tables[scan->table].all;
    if (scan->account && scan->table == SCRIP_TABLE_CLAIMS && (scan->id || scan->only_open))
        sql = scan->id ? CLAIM_OF_ID : CLAIMS_OPEN;
    else if (scan->account && scan->table == SCRIP_TABLE_ENTRIES && scan->of)
        sql = ENTRIES_OF_CHARGE;
    if ((stmt = take(b, sql)) == NULL)
        return settle(b, SCRIP_OK);
    if (scan_bind(b, stmt, scan) == SCRIP_OK) {
        while (code == SCRIP_OK && b->fault == 0 && (step = sqlite3_step(stmt)) == SQLITE_ROW)
            code = tables[scan->table].row(b, stmt, scan);
        if (code == SCRIP_OK && b->fault == 0 && step != SQLITE_DONE)
            code = base_fault(b, "scan");
    }
    give(b, stmt);
    return settle(b, code);
}

/* ---- single rows ---------------------------------------------------------------------------------------------- */

/* The row's texts are copied, so that no statement stays open and pins what this session sees. */
static void event_lend(struct base *b, const struct scrip_event_row *row)
{
    const char *const texts[] = { row->id, row->data, row->lines, row->reason };
    const uint64_t sizes[] = { row->id_size, row->data_size, row->lines_size, row->reason_size };
    const char **const outs[] = { &b->lent.id, &b->lent.data, &b->lent.lines, &b->lent.reason };
    char *at;

    b->lent_text = store_grow(b->lent_text, row->id_size + row->data_size + row->lines_size + row->reason_size + 4);
    at = b->lent_text;
    b->lent = *row;
    for (int i = 0; i < 4; i++) {
        memcpy(at, texts[i], sizes[i]);
        at[sizes[i]] = 0;
        *outs[i] = at;
        at += sizes[i] + 1;
    }
}

static int sqlite_event_find(struct scrip_ctx *ctx, const char *account, const char *source, const char *id,
                             uint64_t id_size, const struct scrip_event_row **out)
{
    struct base *b = ctx->self;
    int64_t account_id = account_find(b, account), source_id = account_find(b, source);
    sqlite3_stmt *stmt;
    struct scrip_event_row row;
    int code = SCRIP_ENOTFOUND, step;

    if (account_id == 0 || source_id == 0)
        return settle(b, SCRIP_ENOTFOUND);
    stmt = take(b, "select " EVENT_COLUMNS " from event_rows where key = (select account << 32 | number from identities"
                   " where source = ?1 and id = ?2 and account = ?3)");
    if (stmt == NULL)
        return settle(b, SCRIP_OK);
    sqlite3_bind_int64(stmt, 1, source_id);
    bind_text(stmt, 2, id, id_size);
    sqlite3_bind_int64(stmt, 3, account_id);
    step = sqlite3_step(stmt);
    if (step == SQLITE_ROW) {
        event_read(b, stmt, &row);
        event_lend(b, &row);
        *out = &b->lent;
        code = SCRIP_OK;
    } else if (step != SQLITE_DONE)
        code = base_fault(b, "event_find");
    give(b, stmt);
    return settle(b, code);
}

static int sqlite_source_last(struct scrip_ctx *ctx, const char *source, char *out)
{
    struct base *b = ctx->self;
    int64_t source_id = account_find(b, source);
    sqlite3_stmt *stmt = take(b, "select max(id) from identities where source = ?1");
    const char *text;
    uint64_t size;
    int code = SCRIP_OK, step;

    out[0] = 0;
    if (stmt == NULL)
        return settle(b, SCRIP_OK);
    sqlite3_bind_int64(stmt, 1, source_id);
    if ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
        text = column_text(stmt, 0, &size);
        if (size <= SCRIP_NAME_SIZE)
            memcpy(out, text, size + 1);
    } else if (step != SQLITE_DONE)
        code = base_fault(b, "source_last");
    give(b, stmt);
    return settle(b, code);
}

static int sqlite_state_find(struct scrip_ctx *ctx, const char *account, const char *service, const void *key,
                             uint64_t key_size, void *value, uint64_t *size, int64_t *discard_after_us)
{
    struct base *b = ctx->self;
    sqlite3_stmt *stmt = take(b, "select value, discard_after from state_rows where account = ?1 and service = ?2 and key = ?3");
    int code = SCRIP_ENOTFOUND, step;

    if (stmt == NULL)
        return settle(b, SCRIP_OK);
    sqlite3_bind_int64(stmt, 1, account_find(b, account));
    sqlite3_bind_int64(stmt, 2, account_find(b, service));
    bind_blob(stmt, 3, key, key_size);
    if ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
        uint64_t found;
        const void *bytes = column_blob(stmt, 0, &found);

        code = found <= *size ? SCRIP_OK : scrip_fail(ctx, SCRIP_ELIMIT, "state: a value of %llu bytes", (unsigned long long)found);
        if (code == SCRIP_OK)
            memcpy(value, bytes, found);
        *size = found;
        *discard_after_us = column_time(stmt, 1);
    } else if (step != SQLITE_DONE)
        code = base_fault(b, "state_find");
    give(b, stmt);
    return settle(b, code);
}

static int cursor_keep(void *sink, const void *row)
{
    *(struct scrip_cursor *)sink = ((const struct scrip_cursor_row *)row)->cursor;
    return SCRIP_OK;
}

static int sqlite_cursor_find(struct scrip_ctx *ctx, const char *source, const char *feed, struct scrip_cursor *out)
{
    struct base *b = ctx->self;
    struct scrip_scan scan = { .row = cursor_keep, .sink = out };
    sqlite3_stmt *stmt = take(b, "select * from cursor_rows where source = ?1 and feed = ?2");
    int code = SCRIP_ENOTFOUND, step;

    if (stmt == NULL)
        return settle(b, SCRIP_OK);
    sqlite3_bind_int64(stmt, 1, account_find(b, source));
    bind_text(stmt, 2, feed, strlen(feed));
    if ((step = sqlite3_step(stmt)) == SQLITE_ROW)
        code = cursor_row(b, stmt, &scan);
    else if (step != SQLITE_DONE)
        code = base_fault(b, "cursor_find");
    give(b, stmt);
    return settle(b, code);
}

/* The state that the first look after this one finds. */
static int sqlite_snapshot(struct scrip_ctx *ctx, int is_open)
{
    struct base *b = ctx->self;

    if (sqlite3_get_autocommit(b->db) != is_open)
        return SCRIP_OK;
    return settle(b, execute(b, is_open ? "begin" : "commit"));
}

/* ---- checks --------------------------------------------------------------------------------------------------- */

/* Each yields a sentence for every fault. */
static const char *const checks[] = {
    "select 'meta: ' || key || ': the row was changed' from meta where chk is not scrip_check('meta', key, value)",
    "select 'names: ' || id || ': the row was changed' from names where chk is not scrip_check('names', id, name)",
    "select 'outcomes: ' || number || ': the row was changed' from outcomes where chk is not scrip_check('outcomes', number,"
    " name)",
    "select 'books: ' || number || ': the row was changed' from books where chk is not scrip_check('books', number, name)",
    "select 'types: ' || number || ': the row was changed' from types where chk is not scrip_check('types', number, name)",
    "select 'term_rows: ' || number || ': the row was changed' from term_rows where chk is not scrip_check('term_rows', number,"
    " currency, decimals, unit, rounding, split, settle_lag, late, rules)",
    "select 'rate_rows: ' || number || ': the row was changed' from rate_rows where chk is not scrip_check('rate_rows', number,"
    " service, terms, rate, per, label, digest)",
    "select 'state_rows: account ' || account || ', service ' || service || ': the row was changed' from state_rows where chk"
    " is not scrip_check('state_rows', account, service, key, value, discard_after)",
    "select 'stages: ' || number || ': the row was changed' from stages where chk is not scrip_check('stages', number, name)",
    "select 'timer_rows: account ' || account || ', service ' || service || ': the row was changed' from timer_rows where chk"
    " is not scrip_check('timer_rows', account, service, key, due)",
    "select 'batch_rows: ' || key || ': the row was changed' from batch_rows where chk is not scrip_check('batch_rows', key,"
    " last, recorded)",
    "select 'account_rows: ' || account || ': it waits for ' || timers || ' timers, not ' || there from (select account, timers,"
    " (select count(*) from timer_rows t where t.account = a.account) as there from account_rows a) where timers <> there",
    "select 'cursor_rows: ' || feed || ': the row was changed' from cursor_rows where chk is not scrip_check('cursor_rows',"
    " source, feed, position, line, tail_size, tail_hash)",
    "select 'quarantine_rows: ' || lower(hex(key)) || ': the row was changed' from quarantine_rows where chk is not"
    " scrip_check('quarantine_rows', key, source, feed, line, class, reason, bytes, time, account, id, event)",
    "select 'identities: ' || i.id || ': no event has this identity' from identities i left join event_rows e on e.key ="
    " (i.account << 32 | i.number) where e.source is not i.source or e.id is not i.id",
    "select 'identities: there are ' || i || ' for ' || e || ' events' from (select (select count(*) from identities) as i,"
    " (select count(*) from event_rows) as e) where i <> e",
    "select 'event_rows: account ' || a || ': the account is missing' from (select distinct key >> 32 as a from event_rows)"
    " where a not in (select account from account_rows)",
    "select 'entry_rows: account ' || a || ': the account is missing' from (select distinct key >> 32 as a from entry_rows)"
    " where a not in (select account from account_rows)",
    "select 'grant_rows: account ' || a || ': the account is missing' from (select distinct key >> 32 as a from grant_rows)"
    " where a not in (select account from account_rows)",
    "select 'checkpoint_rows: account ' || a || ': the account is missing' from (select distinct key >> 32 as a from"
    " checkpoint_rows) where a not in (select account from account_rows)",
    "select 'account_rows: ' || account || ': has no name' from account_rows where account not in (select id from names)",
    "select 'account_rows: ' || account || ': has no events' from account_rows where account not in (select distinct key >> 32"
    " from event_rows)",
    "select 'schema: ' || integrity_check from pragma_integrity_check where integrity_check <> 'ok'",
};

static int sqlite_check(struct scrip_ctx *ctx, int (*finding)(void *sink, const char *text), void *sink)
{
    struct base *b = ctx->self;

    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        sqlite3_stmt *stmt = take(b, checks[i]);
        int step;

        if (stmt == NULL)
            return settle(b, SCRIP_OK);
        while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
            const char *text = (const char *)sqlite3_column_text(stmt, 0);

            finding(sink, text ? text : "a row was changed");
        }
        if (step != SQLITE_DONE)
            base_fault(b, "check");
        give(b, stmt);
        if (b->fault < 0)
            break;
    }
    return settle(b, SCRIP_OK);
}

#endif
