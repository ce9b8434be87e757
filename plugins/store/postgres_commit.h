/* postgres_commit.h - a commit: all its statements in one pipeline, one round trip (of a large one, the events in
 * between by COPY); then what became of it.
 *
 * No lock makes several writers safe but the fence: the row (account, first number) of batch_rows. Who comes second
 * finds it taken, and has written nothing. The same commit may therefore be tried again after any fault: it is in the
 * store once or not at all, and `mark` tells which where an answer was lost. */
#ifndef SCRIP_POSTGRES_COMMIT_H
#define SCRIP_POSTGRES_COMMIT_H

#include "postgres_copy.h"

/* A writing session's own. */
struct writing {
    char *sql[2][ROWS_COUNT]; /* of any accounts' rows; and of one account's */
    char *copy_events, *copy_entries;
    struct copy copy;
    struct array arrays[ARRAY_LIMIT];
    struct statement **sent; /* what the pipeline holds: a statement being prepared, or NULL */
    size_t sent_count, sent_room;
    struct name_list names; /* not known here */
    struct batch_put *batches;
    uint64_t batch_count;
    int32_t account;   /* of all rows, where an account has a commit of its own; else 0 */
    const void **list; /* rows of a table that are not all of a commit's array */
    size_t list_room;
};

static void writing_free(struct writing *w)
{
    if (w == NULL)
        return;
    for (int i = 0; i < ROWS_COUNT; i++) {
        free(w->sql[0][i]);
        free(w->sql[1][i]);
    }
    for (int i = 0; i < ARRAY_LIMIT; i++)
        free(w->arrays[i].bytes);
    free(w->copy_events);
    free(w->copy_entries);
    free(w->copy.bytes);
    free(w->sent);
    free(w->names.names);
    free(w->batches);
    free(w->list);
    free(w);
}

static struct writing *writing_make(void)
{
    struct writing *w = store_grow(NULL, sizeof *w);

    memset(w, 0, sizeof *w);
    for (int i = 0; i < ROWS_COUNT; i++)
        for (int is_alone = 0; is_alone < 2; is_alone++)
            w->sql[is_alone][i] = rows_statement(&all_rows[i], is_alone);
    w->copy_events = copy_statement(&all_rows[ROWS_EVENTS]);
    w->copy_entries = copy_statement(&all_rows[ROWS_ENTRIES]);
    return w;
}

/* ---- names ---------------------------------------------------------------------------------------------------- */

static void usage_names(struct base *b, const struct scrip_usage_row *rows, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        names_want(b, &b->writing->names, rows[i].user);
        names_want(b, &b->writing->names, rows[i].product);
        names_want(b, &b->writing->names, rows[i].service);
        names_want(b, &b->writing->names, rows[i].class_name);
        names_want(b, &b->writing->names, rows[i].currency);
        names_want(b, &b->writing->names, rows[i].account);
    }
}

static void event_names(struct base *b, const struct scrip_event_row *row)
{
    struct name_list *list = &b->writing->names;

    names_want(b, list, row->account);
    names_want(b, list, row->source);
    names_want(b, list, row->product);
    names_want(b, list, row->user);
    names_want(b, list, row->service);
    names_want(b, list, row->unit);
    names_want(b, list, row->currency);
}

static int commit_names(struct base *b, const struct scrip_commit *c)
{
    struct name_list *list = &b->writing->names;

    list->count = 0;
    for (uint64_t i = 0; i < c->account_count; i++)
        names_want(b, list, c->accounts[i].name);
    for (uint64_t i = 0; i < c->event_count; i++)
        event_names(b, &c->events[i]);
    for (uint64_t i = 0; i < c->grant_count; i++) {
        names_want(b, list, c->grants[i].class_name);
        names_want(b, list, c->grants[i].cost_currency);
    }
    for (uint64_t i = 0; i < c->state_count; i++) {
        names_want(b, list, c->states[i].account);
        names_want(b, list, c->states[i].service);
    }
    for (uint64_t i = 0; i < c->timer_count; i++) {
        names_want(b, list, c->timers[i].account);
        names_want(b, list, c->timers[i].service);
    }
    for (uint64_t i = 0; i < c->terms_count; i++)
        names_want(b, list, c->terms[i].currency);
    for (uint64_t i = 0; i < c->rate_count; i++) {
        names_want(b, list, c->rates[i].service);
        names_want(b, list, c->rates[i].label);
    }
    for (uint64_t i = 0; i < c->cursor_count; i++)
        names_want(b, list, c->cursors[i].source);
    for (uint64_t i = 0; i < c->quarantine_count; i++)
        names_want(b, list, c->quarantine[i].source);
    usage_names(b, c->days, c->day_count);
    usage_names(b, c->months, c->month_count);
    return names_settle(b, list);
}

/* ---- the pipeline --------------------------------------------------------------------------------------------- */

static void sent_note(struct writing *w, struct statement *prepared)
{
    if (w->sent_count == w->sent_room)
        w->sent = store_grow(w->sent, (w->sent_room = w->sent_room * 2 + 64) * sizeof *w->sent);
    w->sent[w->sent_count++] = prepared;
}

/* Sends a statement with the first `count` arrays, and behind them the account that all rows are of where `account` is
 * not 0; 0: the connection is gone. */
static int statement_send_of(struct base *b, const char *sql, int count, int32_t account)
{
    struct statement *s = b->has_names ? statement_of(b, sql) : NULL;
    const char *values[ARRAY_LIMIT];
    int sizes[ARRAY_LIMIT], formats[ARRAY_LIMIT];
    uint8_t number[4];

    if (s != NULL && s->is_prepared == 0) {
        if (!PQsendPrepare(b->conn, s->name, sql, 0, NULL))
            return 0;
        s->is_prepared = -1; /* on its way */
        sent_note(b->writing, s);
    }
    for (int i = 0; i < count; i++) {
        array_end(&b->writing->arrays[i]);
        values[i] = (const char *)b->writing->arrays[i].bytes;
        sizes[i] = (int)b->writing->arrays[i].size;
        formats[i] = 1;
    }
    if (account != 0) {
        put_32(number, (uint32_t)account);
        values[count] = (const char *)number;
        sizes[count] = sizeof number;
        formats[count++] = 1;
    }
    sent_note(b->writing, NULL);
    return s != NULL ? PQsendQueryPrepared(b->conn, s->name, count, values, sizes, formats, 1)
                     : PQsendQueryParams(b->conn, sql, count, NULL, values, sizes, formats, 1);
}

static int statement_send(struct base *b, const char *sql, int count)
{
    return statement_send_of(b, sql, count, 0);
}

/* Sends rows of one table: of an array of structs, or of a list of pointers where `list` is not NULL. */
static int rows_send(struct base *b, enum rows_id id, const void *array, const void *const *list, uint64_t count)
{
    const struct rows *rows = &all_rows[id];
    struct array *arrays = b->writing->arrays;
    int columns = (int)strlen(rows->types);
    int32_t account = is_of_account(rows) ? b->writing->account : 0;

    for (uint64_t from = 0; from < count; from += CHUNK_ROWS) {
        uint64_t until = count - from > CHUNK_ROWS ? from + CHUNK_ROWS : count;

        for (int i = 0; i < columns; i++)
            array_start(&arrays[i]);
        for (uint64_t at = from; at < until; at++) {
            struct value values[ARRAY_LIMIT];
            decimals scratch;

            rows->put(b, list ? list[at] : (const char *)array + at * rows->row_size, values, scratch);
            if (rows->has_check)
                values[columns - 1] = number_of(check_of(b, rows->table, values, columns - 1));
            for (int i = 0; i < columns; i++)
                array_add(&arrays[i], rows->types[i], &values[i]);
        }
        if (!statement_send_of(b, b->writing->sql[account != 0][id], columns, rows->is_single ? 0 : account))
            return 0;
    }
    return 1;
}

/* ---- the parts of a commit ------------------------------------------------------------------------------------ */

static int by_key(const void *left, const void *right)
{
    const struct batch_put *a = left, *b = right;

    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->row.first > b->row.first) - (a->row.first < b->row.first);
}

/* One for each account, or as a copy brings them. In the order of the accounts' numbers, in every writer: who waits for
 * whom is never a ring. */
static void batches_sort(struct base *b, const struct scrip_commit *c, int64_t mark)
{
    uint64_t count = c->batch_count ? c->batch_count : c->account_count;
    struct batch_put *batches = store_grow(b->writing->batches, count * sizeof *batches);

    b->writing->batches = batches;
    b->writing->batch_count = count;
    for (uint64_t i = 0; i < count; i++) {
        const struct scrip_account_row *account = c->batch_count ? NULL : &c->accounts[i];

        batches[i].row = c->batch_count ? c->batches[i]
                                        : (struct scrip_batch_row){ account->name, account->first_number,
                                                                    account->event_count, c->recorded_us };
        batches[i].mark = mark;
        batches[i].key = id_of(b, batches[i].row.account);
    }
    if (count > 1)
        qsort(batches, count, sizeof *batches, by_key);
}

/* States and timers that are there, and then those that are no more. */
static int kept_send(struct base *b, const struct scrip_commit *c)
{
    uint64_t most = c->state_count > c->timer_count ? c->state_count : c->timer_count, count;
    struct writing *w = b->writing;

    if (w->list_room < most)
        w->list = store_grow(w->list, (w->list_room = most * 2) * sizeof *w->list);
    for (int gone = 0; gone < 2; gone++) {
        count = 0;
        for (uint64_t i = 0; i < c->state_count; i++)
            if ((c->states[i].value_size == 0) == gone)
                w->list[count++] = &c->states[i];
        if (!rows_send(b, gone ? ROWS_STATES_GONE : ROWS_STATES, NULL, w->list, count))
            return 0;
        count = 0;
        for (uint64_t i = 0; i < c->timer_count; i++)
            if ((c->timers[i].due_us == SCRIP_TIME_NONE) == gone)
                w->list[count++] = &c->timers[i];
        if (!rows_send(b, gone ? ROWS_TIMERS_GONE : ROWS_TIMERS, NULL, w->list, count))
            return 0;
    }
    return 1;
}

/* Every account must stand where its first number says. What another writer has not committed yet is not seen here:
 * that is what the fence is for. */
static int guard_send(struct base *b, const struct scrip_commit *c)
{
    static const char alone[] = "select 1 / (case when coalesce(max(a.events), 0) = ($1::int8[])[1] then 1 else 0 end)"
                                " from account_rows a where a.account = $2::int4";
    static const char sql[] = "select count(1 / (case when coalesce(a.events, 0) = u.before then 1 else 0 end)) from"
                              " unnest($1::int4[], $2::int8[]) u(account, before) left join account_rows a on"
                              " a.account = u.account";
    struct array *arrays = b->writing->arrays;

    if (c->account_count == 0)
        return 1;
    array_start(&arrays[0]);
    array_start(&arrays[1]);
    for (uint64_t i = 0; i < c->account_count; i++) {
        struct value account = number_of(id_of(b, c->accounts[i].name));
        struct value before = number_of((int64_t)c->accounts[i].first_number - 1);

        array_add(&arrays[b->writing->account != 0], '4', &account);
        array_add(&arrays[b->writing->account == 0], '8', &before);
    }
    return b->writing->account ? statement_send_of(b, alone, 1, b->writing->account) : statement_send(b, sql, 2);
}

/* What several writers may meet on comes first, always in one order. 0: the connection is gone. */
static int meeting_send(struct base *b, const struct scrip_commit *c)
{
    return statement_send(b, "begin", 0) && guard_send(b, c) &&
           rows_send(b, ROWS_TERMS, c->terms, NULL, c->terms_count) &&
           rows_send(b, ROWS_RATES, c->rates, NULL, c->rate_count) &&
           rows_send(b, ROWS_BATCHES, b->writing->batches, NULL, b->writing->batch_count) &&
           rows_send(b, ROWS_ACCOUNTS, c->accounts, NULL, c->account_count);
}

static int events_send(struct base *b, const struct scrip_commit *c)
{
    return rows_send(b, ROWS_EVENTS, c->events, NULL, c->event_count) &&
           rows_send(b, ROWS_ENTRIES, c->entries, NULL, c->entry_count);
}

static int rest_send(struct base *b, const struct scrip_commit *c)
{
    return rows_send(b, ROWS_GRANTS, c->grants, NULL, c->grant_count) &&
           rows_send(b, ROWS_CLAIMS, c->claims, NULL, c->claim_count) &&
           rows_send(b, ROWS_LIMITS, c->limits, NULL, c->limit_count) && kept_send(b, c) &&
           rows_send(b, ROWS_CHECKPOINTS, c->checkpoints, NULL, c->checkpoint_count) &&
           rows_send(b, ROWS_DAYS, c->days, NULL, c->day_count) &&
           rows_send(b, ROWS_MONTHS, c->months, NULL, c->month_count) &&
           rows_send(b, ROWS_CURSORS, c->cursors, NULL, c->cursor_count) &&
           rows_send(b, ROWS_SETTLED, c->settled, NULL, c->settled_count) &&
           rows_send(b, ROWS_QUARANTINE, c->quarantine, NULL, c->quarantine_count) && statement_send(b, "commit", 0);
}

/* Reads the answer to each statement that was sent, up to the end of the pipeline. The first fault counts: those behind
 * it were not run. *is_committed: the last one said so. */
static enum fate answers_read(struct base *b, int *is_committed)
{
    struct writing *w = b->writing;
    size_t answered = 0;
    int is_failed = 0;
    PGresult *r;

    *is_committed = 0;
    for (; answered < w->sent_count; answered++) {
        if ((r = PQgetResult(b->conn)) == NULL)
            break;
        if (w->sent[answered] != NULL)
            w->sent[answered]->is_prepared = is_good(r);
        if (!is_good(r) && !is_failed && PQresultStatus(r) != PGRES_PIPELINE_ABORTED) {
            fault_keep(b, "commit", r);
            is_failed = 1;
        }
        *is_committed = strcmp(PQcmdStatus(r), "COMMIT") == 0;
        PQclear(r);
        while ((r = PQgetResult(b->conn)) != NULL)
            PQclear(r);
    }
    while (PQstatus(b->conn) == CONNECTION_OK && (r = PQgetResult(b->conn)) != NULL)
        PQclear(r);
    w->sent_count = 0;
    if (is_failed)
        return fault_fate(b);
    if (answered > 0 && PQstatus(b->conn) == CONNECTION_OK)
        return FATE_DONE;
    fault_keep(b, "commit", NULL);
    return FATE_UNKNOWN;
}

/* 1: a pipeline that was filled goes out; 0: it is half a one, which cannot be ended. */
static int pipeline_end(struct base *b, int is_sent)
{
    if (is_sent && PQpipelineSync(b->conn))
        return 1;
    fault_keep(b, "commit", NULL);
    disconnect(b);
    return 0;
}

/* Events and entries by COPY, between what comes before them, which is answered first, and the pipeline of the rest. */
static enum fate copy_between(struct base *b, const struct scrip_commit *c)
{
    struct writing *w = b->writing;
    int is_committed;
    enum fate fate;

    if (!pipeline_end(b, meeting_send(b, c)))
        return FATE_UNKNOWN;
    fate = answers_read(b, &is_committed);
    if (PQstatus(b->conn) != CONNECTION_OK || !PQexitPipelineMode(b->conn))
        return FATE_UNKNOWN;
    if (fate == FATE_DONE)
        fate = copy_once(b, &all_rows[ROWS_EVENTS], w->copy_events, c->events, c->event_count, &w->copy);
    if (fate == FATE_DONE && c->entry_count > 0)
        fate = copy_once(b, &all_rows[ROWS_ENTRIES], w->copy_entries, c->entries, c->entry_count, &w->copy);
    return fate == FATE_DONE && !PQenterPipelineMode(b->conn) ? FATE_UNKNOWN : fate;
}

static enum fate commit_send(struct base *b, const struct scrip_commit *c, int *is_committed)
{
    int is_copied = b->has_copy && b->writing->account == 0 && c->event_count >= COPY_LEAST, is_sent = 1;
    enum fate fate = FATE_DONE;

    if (is_copied)
        fate = copy_between(b, c);
    else
        is_sent = meeting_send(b, c) && events_send(b, c);
    if (fate != FATE_DONE || b->conn == NULL)
        return fate;
    if (!pipeline_end(b, is_sent && rest_send(b, c)))
        return FATE_UNKNOWN;
    return answers_read(b, is_committed);
}

static enum fate commit_once(struct base *b, const struct scrip_commit *c)
{
    enum fate fate = FATE_UNKNOWN;
    int is_committed = 0;

    b->writing->sent_count = 0;
    if (PQenterPipelineMode(b->conn))
        fate = commit_send(b, c, &is_committed);
    if (fate == FATE_DONE && !is_committed) {
        fault_keep(b, "commit", NULL);
        fate = FATE_UNKNOWN;
    }
    if (b->conn == NULL)
        return fate;
    if (PQstatus(b->conn) != CONNECTION_OK || !PQexitPipelineMode(b->conn))
        disconnect(b);
    else if (fate != FATE_DONE)
        PQclear(PQexec(b->conn, "rollback"));
    return fate;
}

/* 1: this commit is in the store; 0: it is not; below 0: that could not be asked. */
static int mark_find(struct base *b, int64_t mark)
{
    const struct batch_put *batch = b->writing->batches;
    char account[16], first[24], text[24];
    const char *values[3] = { account, first, text };
    PGresult *r;
    int is_there;

    if (b->writing->batch_count == 0)
        return 0; /* what it holds may be written twice: see commit_try */
    snprintf(account, sizeof account, "%d", (int)batch->key);
    snprintf(first, sizeof first, "%llu", (unsigned long long)batch->row.first);
    snprintf(text, sizeof text, "%lld", (long long)mark);
    r = ask(b, "select 1 from batch_rows where account = $1::int4 and first = $2::int4 and mark = $3::int8", 3, values);
    if (r == NULL)
        return b->fault;
    is_there = PQntuples(r) == 1;
    PQclear(r);
    return is_there;
}

static int commit_fits(struct base *b, const struct scrip_commit *c)
{
    for (uint64_t i = 0; i < c->account_count; i++)
        if (c->accounts[i].event_count > INT32_MAX || c->accounts[i].entry_count > INT32_MAX)
            return scrip_fail(b->ctx, SCRIP_ELIMIT, "account '%s': more than 2^31 events or entries",
                              c->accounts[i].name->text);
    return SCRIP_OK;
}

/* Tries until it is known what became of the commit, or the time for that is over. */
static int commit_try(struct base *b, const struct scrip_commit *c, int64_t mark)
{
    int64_t until_us = clock_us() + b->retry_us;

    for (int attempt = 0;; attempt++) {
        enum fate fate = b->conn == NULL ? FATE_UNKNOWN : commit_once(b, c);
        int is_there = 0;

        if (fate == FATE_DONE)
            return SCRIP_OK;
        /* A rollup is added to: without a fence, as in a copy, twice would be too much. */
        if (fate == FATE_FAILED ||
            (fate == FATE_UNKNOWN && b->writing->batch_count == 0 && c->day_count + c->month_count > 0))
            return fault_tell(b);
        if (b->conn == NULL || fate == FATE_UNKNOWN) {
            back_off(attempt);
            if (reconnect(b, until_us) < 0)
                return b->fault;
        }
        if ((attempt > 0 || fate == FATE_UNKNOWN) && (is_there = mark_find(b, mark)) != 0)
            return is_there < 0 ? is_there : SCRIP_OK;
        if (fate == FATE_STALE)
            return scrip_fail(b->ctx, SCRIP_ECONFLICT, "another writer was first (%s)", b->message);
        if (clock_us() >= until_us)
            return fault_tell(b);
        if (fate == FATE_AGAIN)
            back_off(attempt);
    }
}

#endif
