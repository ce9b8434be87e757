/* postgres_rows.h - the tables as a commit writes them: the columns of each, and the values of a row. */
#ifndef SCRIP_POSTGRES_ROWS_H
#define SCRIP_POSTGRES_ROWS_H

#include "postgres_names.h"

#define CHUNK_ROWS 2000 /* rows a statement: what a server keeps in memory, and the next is made while it works */

typedef char decimals[2][48];

/* One table: how its rows are written. Columns by name, split by blanks; `types` as in postgres_value.h. */
struct rows {
    const char *table, *columns, *types;
    const char *conflict; /* the end of the statement */
    void (*put)(const struct base *b, const void *row, struct value *v, decimals scratch);
    size_t row_size;
    int has_check; /* the last column, made of the others */
    int is_delete; /* rows whose key columns are these */
    int is_single; /* one row an account */
};

/* ---- rows of accounts ----------------------------------------------------------------------------------------- */

static void account_put(const struct base *b, const void *from, struct value *v, decimals scratch)
{
    const struct scrip_account_row *row = from;

    (void)scratch;
    v[0] = number_of(id_of(b, row->name));
    v[1] = number_of((int64_t)row->event_count);
    v[2] = number_of((int64_t)row->entry_count);
    v[3] = number_of((int64_t)row->grant_count);
    v[4] = number_of(row->clock_us);
    v[5] = number_of(row->latest_us);
    v[6] = text_of(row->head, sizeof row->head);
    v[7] = text_or_null(row->data, row->data_size);
    v[8] = number_of(row->clock_rank);
    v[9] = number_of((int64_t)row->clock_event);
    v[10] = time_of(row->closed_us);
    v[11] = number_of((int64_t)row->claim_count);
    v[12] = number_of((int64_t)row->limit_count);
    v[13] = number_of((int64_t)row->timer_count);
}

static void event_put(const struct base *b, const void *from, struct value *v, decimals scratch)
{
    const struct scrip_event_row *row = from;

    v[0] = number_of(id_of(b, row->account));
    v[1] = number_of((int64_t)row->number);
    v[2] = number_of(row->time_us);
    v[3] = number_of((int64_t)row->digest);
    v[4] = number_of(id_of(b, row->source));
    v[5] = text_of(row->id, row->id_size);
    v[6] = number_of(row->type);
    v[7] = number_of(row->outcome);
    v[8] = number_or_null(id_of(b, row->product));
    v[9] = number_or_null(id_of(b, row->user));
    v[10] = number_or_null(id_of(b, row->service));
    v[11] = number_or_null(id_of(b, row->unit));
    v[12] = number_or_null(id_of(b, row->currency));
    v[13] = number_or_null((int64_t)row->rate);
    v[14] = number_of(row->flags);
    v[15] = decimal_of(b, row->has_quantity, &row->quantity, scratch[0]);
    v[16] = decimal_of(b, row->has_amount, &row->amount, scratch[1]);
    v[17] = text_or_null(row->data, row->data_size);
    v[18] = text_or_null(row->lines, row->lines_size);
    v[19] = text_or_null(row->reason, row->reason_size);
}

static void entry_put(const struct base *b, const void *from, struct value *v, decimals scratch)
{
    const struct scrip_entry_row *row = from;

    (void)scratch;
    v[0] = number_of(id_of(b, row->account));
    v[1] = number_of((int64_t)row->number);
    v[2] = number_of((int64_t)row->event);
    v[3] = number_of((int64_t)row->line);
    v[4] = number_of(row->time_us);
    v[5] = number_of(row->debit);
    v[6] = number_of(row->credit);
    v[7] = number_of((int64_t)row->grant);
    v[8] = number_of((int64_t)row->terms);
    v[9] = number_of(row->amount);
    v[10] = number_of((int64_t)row->of);
}

static void grant_put(const struct base *b, const void *from, struct value *v, decimals scratch)
{
    const struct scrip_grant_row *row = from;

    v[0] = number_of(id_of(b, row->account));
    v[1] = number_of((int64_t)row->number);
    v[2] = text_of(row->id, row->id_size);
    v[3] = number_of((int64_t)row->event);
    v[4] = number_or_null(id_of(b, row->class_name));
    v[5] = number_of((int64_t)row->terms);
    v[6] = number_of(row->created_us);
    v[7] = number_of(row->effective_us);
    v[8] = time_of(row->expires_us);
    v[9] = row->has_priority ? number_of(row->priority) : null_value();
    v[10] = decimal_of(b, row->has_cost, &row->cost, scratch[0]);
    v[11] = number_or_null(id_of(b, row->cost_currency));
    v[12] = text_or_null(row->scope, row->scope_size);
    v[13] = text_of(row->order_key, row->order_key_size);
    v[14] = number_of(row->floor);
    v[15] = number_of(row->unlimited);
    for (int book = 0; book < SCRIP_BOOK_COUNT; book++)
        v[16 + book] = number_of(row->balance[book]);
    v[24] = text_or_null(row->rules, row->rules_size);
    v[25] = time_of(row->next_us);
    v[26] = number_of((int64_t)row->changed);
}

static void claim_put(const struct base *b, const void *from, struct value *v, decimals scratch)
{
    const struct scrip_claim_row *row = from;

    (void)scratch;
    v[0] = number_of(id_of(b, row->account));
    v[1] = number_of((int64_t)row->number);
    v[2] = number_of(row->kind);
    v[3] = number_of(row->stage);
    v[4] = text_or_null(row->id, row->id_size);
    v[5] = number_of((int64_t)row->event);
    v[6] = number_of((int64_t)row->line);
    v[7] = number_of((int64_t)row->terms);
    v[8] = number_of(row->amount);
    v[9] = time_of(row->expires_us);
    v[10] = text_or_null(row->group, row->group_size);
    v[11] = text_of(row->draws, row->draws_size);
}

static void limit_put(const struct base *b, const void *from, struct value *v, decimals scratch)
{
    const struct scrip_limit_row *row = from;

    (void)scratch;
    v[0] = number_of(id_of(b, row->account));
    v[1] = number_of((int64_t)row->number);
    v[2] = text_of(row->id, row->id_size);
    v[3] = number_of((int64_t)row->event);
    v[4] = number_of((int64_t)row->terms);
    v[5] = number_of(row->amount);
    v[6] = text_or_null(row->per, row->per_size);
    v[7] = time_of(row->anchor_us);
    v[8] = time_of(row->expires_us);
    v[9] = text_or_null(row->scope, row->scope_size);
    v[10] = text_of(row->windows, row->windows_size);
}

static void timer_put(const struct base *b, const void *from, struct value *v, decimals scratch)
{
    const struct scrip_timer_row *row = from;

    (void)scratch;
    v[0] = number_of(id_of(b, row->account));
    v[1] = number_of(id_of(b, row->service));
    v[2] = text_of(row->key, row->key_size);
    v[3] = number_of(row->due_us);
}

static void state_put(const struct base *b, const void *from, struct value *v, decimals scratch)
{
    const struct scrip_state_row *row = from;

    (void)scratch;
    v[0] = number_of(id_of(b, row->account));
    v[1] = number_of(id_of(b, row->service));
    v[2] = text_of(row->key, row->key_size);
    v[3] = text_of(row->value, row->value_size);
    v[4] = time_of(row->discard_after_us);
}

static void checkpoint_put(const struct base *b, const void *from, struct value *v, decimals scratch)
{
    const struct scrip_checkpoint_row *row = from;

    (void)scratch;
    v[0] = number_of(id_of(b, row->account));
    v[1] = number_of((int64_t)row->number);
    v[2] = number_of((int64_t)row->entry_count);
    v[3] = number_of(row->latest_us);
    v[4] = number_of(row->earliest_us);
    v[5] = text_of(row->head, sizeof row->head);
    v[6] = text_of(row->state, row->state_size);
}

/* The fence. `mark` is this commit's own: where the answer to a commit was lost, it tells whose row is there. */
struct batch_put {
    struct scrip_batch_row row;
    int64_t mark;
    int32_t key; /* the account's number */
};

static void batch_put(const struct base *b, const void *from, struct value *v, decimals scratch)
{
    const struct batch_put *batch = from;

    (void)b;
    (void)scratch;
    v[0] = number_of(batch->key);
    v[1] = number_of((int64_t)batch->row.first);
    v[2] = number_of((int64_t)batch->row.last);
    v[3] = number_of(batch->row.recorded_us);
    v[4] = number_of(batch->mark);
}

/* ---- rows of all accounts ------------------------------------------------------------------------------------- */

static void day_put(const struct base *b, const void *from, struct value *v, decimals scratch)
{
    const struct scrip_usage_row *row = from;

    (void)scratch;
    v[0] = number_of(id_of(b, row->account));
    v[1] = number_of(row->period);
    v[2] = number_of(id_of(b, row->product));
    v[3] = number_of(id_of(b, row->service));
    v[4] = number_of(id_of(b, row->class_name));
    v[5] = number_of(id_of(b, row->currency));
    v[6] = number_of(row->amount);
    v[7] = number_of(row->charge_count);
}

static void month_put(const struct base *b, const void *from, struct value *v, decimals scratch)
{
    const struct scrip_usage_row *row = from;

    day_put(b, from, v, scratch);
    v[2] = number_of(id_of(b, row->user));
    v[3] = number_of(id_of(b, row->product));
}

static void terms_put(const struct base *b, const void *from, struct value *v, decimals scratch)
{
    const struct scrip_terms_row *row = from;
    int64_t unit = 1;

    (void)scratch;
    for (int64_t d = 0; d < row->decimals; d++)
        unit *= 10;
    v[0] = number_of((int64_t)row->number);
    v[1] = number_of(id_of(b, row->currency));
    v[2] = number_of(row->decimals);
    v[3] = number_of(unit);
    v[4] = number_of(row->rounding);
    v[5] = number_of(row->split);
    v[6] = number_of(row->settle_lag_us);
    v[7] = number_of(row->late);
    v[8] = text_or_null(row->rules, row->rules_size);
}

static void rate_put(const struct base *b, const void *from, struct value *v, decimals scratch)
{
    const struct scrip_rate_row *row = from;

    v[0] = number_of((int64_t)row->number);
    v[1] = number_of(id_of(b, row->service));
    v[2] = number_of((int64_t)row->terms);
    v[3] = decimal_of(b, 1, &row->rate, scratch[0]);
    v[4] = decimal_of(b, 1, &row->per, scratch[1]);
    v[5] = number_or_null(id_of(b, row->label));
    v[6] = number_of((int64_t)row->digest);
}

static void cursor_put(const struct base *b, const void *from, struct value *v, decimals scratch)
{
    const struct scrip_cursor_row *row = from;

    (void)scratch;
    v[0] = number_of(id_of(b, row->source));
    v[1] = text_of(row->feed, strlen(row->feed));
    v[2] = number_of((int64_t)row->cursor.position);
    v[3] = number_of((int64_t)row->cursor.line);
    v[4] = number_of((int64_t)row->cursor.tail_size);
    v[5] = number_of((int64_t)row->cursor.tail_hash);
}

/* What could not be read need not be text. */
static void quarantine_put(const struct base *b, const void *from, struct value *v, decimals scratch)
{
    const struct scrip_quarantine_row *row = from;

    (void)scratch;
    v[0] = text_of(row->key, sizeof row->key);
    v[1] = number_or_null(id_of(b, row->source));
    v[2] = text_of(row->feed, strlen(row->feed));
    v[3] = number_of((int64_t)row->line);
    v[4] = text_of(row->reason_class, strlen(row->reason_class));
    v[5] = text_of(row->reason, strlen(row->reason));
    v[6] = text_of(row->bytes, row->size);
    v[7] = time_of(row->time_us);
    v[8] = text_of(row->account, strlen(row->account));
    v[9] = text_of(row->id, strlen(row->id));
    v[10] = text_of(row->event, row->event_size);
}

static void settled_put(const struct base *b, const void *from, struct value *v, decimals scratch)
{
    const struct scrip_quarantine_row *row = from;

    (void)b;
    (void)scratch;
    v[0] = text_of(row->key, sizeof row->key);
}

/* ---- tables --------------------------------------------------------------------------------------------------- */

/* In the order in which a commit writes them: first what several writers may meet on, always in one order, so that
 * they wait for each other and never in a ring. */
enum rows_id {
    ROWS_TERMS, ROWS_RATES, ROWS_BATCHES, ROWS_ACCOUNTS, ROWS_EVENTS, ROWS_ENTRIES, ROWS_GRANTS, ROWS_CLAIMS,
    ROWS_LIMITS, ROWS_TIMERS, ROWS_TIMERS_GONE, ROWS_STATES, ROWS_STATES_GONE, ROWS_CHECKPOINTS, ROWS_DAYS,
    ROWS_MONTHS, ROWS_CURSORS, ROWS_SETTLED, ROWS_QUARANTINE, ROWS_COUNT
};

#define SET(c) #c " = excluded." #c
#define BOOKS_SET                                                                                             \
    SET(issued) ", " SET(available) ", " SET(held) ", " SET(used) ", " SET(expired) ", " SET(voided) ", "     \
    SET(clearing) ", " SET(debt)

static const struct rows all_rows[ROWS_COUNT] = {
    [ROWS_TERMS] = { "term_rows", "number currency decimals unit rounding split settle_lag late rules"
                     " chk", "44282282t8",
                     "", terms_put, sizeof(struct scrip_terms_row), 1, 0, 0 },
    [ROWS_RATES] = { "rate_rows", "number service terms rate per label digest chk", "444dd488", "", rate_put,
                     sizeof(struct scrip_rate_row), 1, 0, 0 },
    [ROWS_BATCHES] = { "batch_rows", "account first last recorded mark chk", "444888", "", batch_put,
                       sizeof(struct batch_put), 1, 0, 1 },
    [ROWS_ACCOUNTS] = { "account_rows", "account events entries grants clock latest head data clock_rank clock_event"
                        " closed claims limits timers", "444488bt848444",
                        " on conflict (account) do update set " SET(events) ", " SET(entries) ", " SET(grants) ", "
                        SET(clock) ", " SET(latest) ", " SET(head) ", " SET(data) ", " SET(clock_rank) ","
                                   " " SET(clock_event)
                        ", " SET(closed) ", " SET(claims) ", " SET(limits) ", " SET(timers),
                        account_put, sizeof(struct scrip_account_row), 0, 0, 1 },
    [ROWS_EVENTS] = { "event_rows", "account number time digest source id type outcome product user_name service unit"
                      " currency rate flags quantity amount data lines reason", "44884t224444442ddttt", "", event_put,
                      sizeof(struct scrip_event_row), 0, 0, 0 },
    [ROWS_ENTRIES] = { "entry_rows", "account number event line time debit credit grant_number terms amount charge",
                       "44448224484", "", entry_put, sizeof(struct scrip_entry_row), 0, 0, 0 },
    [ROWS_GRANTS] = { "grant_rows", "account number id event class terms created effective expires priority cost"
                      " cost_currency scope order_key floor unlimited issued available held used expired voided"
                      " clearing"
                      " debt rules next changed", "44t4448888d4tb8288888888t84",
                      " on conflict (account, number) do update set " SET(expires) ", " SET(next) ", " SET(changed) ", "
                      BOOKS_SET, grant_put, sizeof(struct scrip_grant_row), 0, 0, 0 },
    [ROWS_CLAIMS] = { "claim_rows", "account number kind stage id event line terms amount expires shared draws",
                      "4422t44488bb", " on conflict (account, number) do update set " SET(stage) ", " SET(terms) ", "
                      SET(amount) ", " SET(expires) ", " SET(draws), claim_put, sizeof(struct scrip_claim_row), 0, 0, 0 },
    [ROWS_LIMITS] = { "limit_rows", "account number id event terms amount per anchor expires scope"
                      " windows", "44t448t88tb",
                      " on conflict (account, number) do update set " SET(id) ", " SET(event) ", " SET(terms) ", "
                      SET(amount) ", " SET(per) ", " SET(anchor) ", " SET(expires) ", " SET(scope) ", " SET(windows),
                      limit_put, sizeof(struct scrip_limit_row), 0, 0, 0 },
    [ROWS_TIMERS] = { "timer_rows", "account service key due chk", "44b88", " on conflict (account, service, key) do"
                      " update"
                      " set " SET(due) ", " SET(chk), timer_put, sizeof(struct scrip_timer_row), 1, 0, 0 },
    [ROWS_TIMERS_GONE] = { "timer_rows", "account service"
                           " key", "44b", "", timer_put, sizeof(struct scrip_timer_row), 0, 1, 0 },
    [ROWS_STATES] = { "state_rows", "account service key value discard_after chk", "44bb88",
                      " on conflict (account, service, key) do update set " SET(value) ", " SET(discard_after) ", "
                      SET(chk), state_put, sizeof(struct scrip_state_row), 1, 0, 0 },
    [ROWS_STATES_GONE] = { "state_rows", "account service"
                           " key", "44b", "", state_put, sizeof(struct scrip_state_row), 0, 1, 0 },
    [ROWS_CHECKPOINTS] = { "checkpoint_rows", "account number entries latest earliest head state", "44488bb", "",
                           checkpoint_put, sizeof(struct scrip_checkpoint_row), 0, 0, 0 },
    [ROWS_DAYS] = { "day_rows", "account day product service class currency amount charges", "44444488",
                    " on conflict (account, day, product, service, class, currency) do update set amount ="
                    " day_rows.amount + excluded.amount, charges = day_rows.charges + excluded.charges", day_put,
                    sizeof(struct scrip_usage_row), 0, 0, 0 },
    [ROWS_MONTHS] = { "month_rows", "account month user_name product class currency amount charges", "44444488",
                      " on conflict (account, month, user_name, product, class, currency) do update set amount ="
                      " month_rows.amount + excluded.amount, charges = month_rows.charges +"
                      " excluded.charges", month_put,
                      sizeof(struct scrip_usage_row), 0, 0, 0 },
    [ROWS_CURSORS] = { "cursor_rows", "source feed position line tail_size tail_hash chk", "4b88888",
                       " on conflict (source, feed) do update set " SET(position) ", " SET(line) ","
                       " " SET(tail_size) ", "
                       SET(tail_hash) ", " SET(chk), cursor_put, sizeof(struct scrip_cursor_row), 1, 0, 0 },
    [ROWS_SETTLED] = { "quarantine_rows", "key", "b", "", settled_put, sizeof(struct scrip_quarantine_row), 0, 1, 0 },
    [ROWS_QUARANTINE] = { "quarantine_rows", "key source feed line class reason bytes time account id event chk",
                          "b4b8tbb8bbb8", " on conflict (key) do nothing", quarantine_put,
                          sizeof(struct scrip_quarantine_row), 1, 0, 0 },
};


/* ---- statements ----------------------------------------------------------------------------------------------- */

struct text {
    char *start;
    size_t size, room;
};

static void text_add(struct text *text, const char *format, const char *a, const char *b)
{
    for (;;) {
        size_t free_size = text->room - text->size;
        int size = snprintf(text->start + text->size, free_size, format, a, b);

        if ((size_t)size < free_size) {
            text->size += (size_t)size;
            return;
        }
        text->start = store_grow(text->start, text->room = text->room * 2 + (size_t)size + 256);
    }
}

/* 1: rows of accounts, which come first among their columns. */
static int is_of_account(const struct rows *rows)
{
    return strncmp(rows->columns, "account ", 8) == 0;
}

/* `insert into T (a, b) select u.a, u.b from unnest($1::int4[], $2::text[]) u(a, b) ...`, or the delete of such
 * keys. is_alone: all rows are of one account, given once more behind the arrays and joined to its row: an engine that
 * spreads tables over machines then sends the whole statement to the one that has the account. Its row itself and its
 * fence come as values. */
static char *rows_statement(const struct rows *rows, int is_alone)
{
    struct text names = { 0 }, values = { 0 }, arrays = { 0 }, keys = { 0 }, all = { 0 }, single = { 0 };
    char list[512], number[16], last[32], *left = list, *name;

    is_alone = is_alone && is_of_account(rows);
    snprintf(last, sizeof last, "$%zu::int4", strlen(rows->types) + 1);
    snprintf(list, sizeof list, "%s", rows->columns);
    for (int i = 0; (name = strtok_r(left, " ", &left)) != NULL; i++) {
        const char *comma = i ? ", " : "";

        snprintf(number, sizeof number, "%s$%d", comma, i + 1);
        text_add(&names, "%s%s", comma, name);
        text_add(&values, rows->types[i] == 'd' ? "%su.%s::numeric" : "%su.%s", comma, name);
        text_add(&arrays, "%s::%s", number, type_array(rows->types[i]));
        text_add(&single, "%s(%s", comma, number + strlen(comma));
        text_add(&single, rows->types[i] == 'd' ? "::%s)[1]::numeric" : "::%s)[1]", type_array(rows->types[i]), "");
        text_add(&keys, i ? " and t.%s = u.%s" : "t.%s = u.%s", name, name);
    }
    if (rows->is_delete) {
        text_add(&all, "delete from %s t using unnest(%s) ", rows->table, arrays.start);
        text_add(&all, "u(%s) where %s", names.start, keys.start);
        if (is_alone)
            text_add(&all, " and t.account = %s", last, "");
    } else {
        text_add(&all, "insert into %s (%s) ", rows->table, names.start);
        if (is_alone && rows->is_single)
            text_add(&all, "values (%s)", single.start, "");
        else {
            text_add(&all, "select %s from %s", values.start, is_alone ? "account_rows a, " : "");
            text_add(&all, "unnest(%s) u(%s)", arrays.start, names.start);
            if (is_alone)
                text_add(&all, " where a.account = %s and u.account = a.account", last, "");
        }
        text_add(&all, "%s", rows->conflict, "");
    }
    free(single.start);
    free(names.start);
    free(values.start);
    free(arrays.start);
    free(keys.start);
    return all.start;
}

#endif
