/* postgres_read.h - the tables as a scan reads them: the statements of each, and the rows that come of a result. */
#ifndef SCRIP_POSTGRES_READ_H
#define SCRIP_POSTGRES_READ_H

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

/* ---- rollups added up ----------------------------------------------------------------------------------------- */

__extension__ typedef __int128 wide;

/* A sum may be wider than a row's amount: then it comes in several. */
static int summed_row(struct base *b, const PGresult *r, int at, const struct scrip_scan *scan)
{
    int is_day = scan->table == SCRIP_TABLE_DAYS, is_negative, code = SCRIP_OK;
    struct scrip_usage_row row = { 0 };
    uint64_t size;
    const char *digits = get_text(r, at, 6, &size);
    wide sum = 0;

    is_negative = digits[0] == '-';
    for (const char *digit = digits + is_negative; *digit; digit++)
        sum = sum * 10 + (*digit - '0');
    row.period = get_number(r, at, 0);
    row.user = is_day ? b->none : get_name(b, r, at, 1);
    row.product = get_name(b, r, at, is_day ? 1 : 2);
    row.service = is_day ? get_name(b, r, at, 2) : b->none;
    row.class_name = get_name(b, r, at, 3);
    row.currency = get_name(b, r, at, 4);
    row.account = get_name(b, r, at, 5);
    row.charge_count = get_number(r, at, 7);
    do {
        row.amount = sum < INT64_MAX ? (int64_t)sum : INT64_MAX;
        sum -= row.amount;
        row.amount = is_negative ? -row.amount : row.amount;
        code = scan->row(scan->sink, &row);
        row.charge_count = 0;
    } while (sum > 0 && code == SCRIP_OK);
    return code;
}

/* The statement that adds up, into `sql`, bounds of a period left for printf. */
static struct reading reading_summed(const struct scrip_scan *scan, char *sql, size_t room)
{
    int is_day = scan->table == SCRIP_TABLE_DAYS;
    const char *period = is_day ? "day" : "month";
    const struct {
        const char *name;
        uint64_t by;
    } columns[] = {
        { period, SCRIP_BY_PERIOD },
        { is_day ? "product" : "user_name", is_day ? SCRIP_BY_PRODUCT : SCRIP_BY_USER },
        { is_day ? "service" : "product", is_day ? SCRIP_BY_SERVICE : SCRIP_BY_PRODUCT },
        { "class", SCRIP_BY_CLASS },
        { "currency", scan->by }, /* always */
        { "account", SCRIP_BY_ACCOUNT },
    };
    struct reading reading = { sql, NULL, NULL, ".nnnnn", 0, -1, summed_row };
    char groups[128] = "";
    size_t used = (size_t)snprintf(sql, room, "select ");

    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        int counts = (scan->by & columns[i].by) != 0;

        used += (size_t)snprintf(sql + used, room - used, "%s, ", counts ? columns[i].name : "null::int4");
        if (counts)
            snprintf(groups + strlen(groups), sizeof groups - strlen(groups), "%s%s", groups[0] ? ", " : "",
                     columns[i].name);
    }
    snprintf(sql + used, room - used,
             "sum(amount)::text, sum(charges)::int8 from %s_rows where %s between %%lld and %%lld group by %s", period,
             period, groups);
    return reading;
}

#endif
