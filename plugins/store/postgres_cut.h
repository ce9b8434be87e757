/* postgres_cut.h - a commit cut by account, where tables are spread over machines: a few accounts a transaction, one
 * after the other in the order of their numbers, and last of all where feeds stand and what is in quarantine.
 *
 * Each account's part is in the store as a whole or not at all. Where one fails, or another writer was first, what was
 * committed before it stays; cursors have not moved, so that the rest is read again, and what is there is known. Money
 * that goes from one account to another is never cut: half of it would be lost with the other. */
#ifndef SCRIP_POSTGRES_CUT_H
#define SCRIP_POSTGRES_CUT_H

#include "postgres_commit.h"

#include <stddef.h>

#define CUT(rows, counts, type, member)                                                                                \
    {                                                                                                                  \
        offsetof(struct scrip_commit, rows), offsetof(struct scrip_commit, counts), sizeof(struct type),               \
            offsetof(struct type, member)                                                                              \
    }

/* The tables that have accounts: where a commit has their rows, and where a row has its account. Accounts come first.
 */
static const struct cut_table {
    size_t rows, count, row_size, account;
} cut_tables[] = {
    CUT(accounts, account_count, scrip_account_row, name),
    CUT(events, event_count, scrip_event_row, account),
    CUT(entries, entry_count, scrip_entry_row, account),
    CUT(grants, grant_count, scrip_grant_row, account),
    CUT(claims, claim_count, scrip_claim_row, account),
    CUT(limits, limit_count, scrip_limit_row, account),
    CUT(states, state_count, scrip_state_row, account),
    CUT(timers, timer_count, scrip_timer_row, account),
    CUT(checkpoints, checkpoint_count, scrip_checkpoint_row, account),
    CUT(days, day_count, scrip_usage_row, account),
    CUT(months, month_count, scrip_usage_row, account),
};
#define CUT_TABLES (sizeof cut_tables / sizeof *cut_tables)

/* Rows of one table in the order of their accounts' numbers. */
struct cut_rows {
    char *rows;
    int32_t *keys; /* of each */
    uint64_t count, at;
};

struct cut_place {
    int32_t key;
    uint64_t index;
};

static int by_place(const void *left, const void *right)
{
    const struct cut_place *a = left, *b = right;

    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

static int by_number(const void *left, const void *right)
{
    const int32_t *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

/* Accounts between which money went in this commit, in order: those of its transfers, at either end. */
struct linked {
    int32_t *keys;
    size_t count;
};
#define LINKED INT32_MIN /* the key of them all: they come first, and together */

static struct linked linked_find(const struct base *b, const struct scrip_commit *c)
{
    struct linked linked = { store_grow(NULL, c->event_count * sizeof *linked.keys), 0 };

    for (uint64_t i = 0; i < c->event_count; i++)
        if (c->events[i].type == SCRIP_TRANSFER)
            linked.keys[linked.count++] = id_of(b, c->events[i].account);
    if (linked.count > 1)
        qsort(linked.keys, linked.count, sizeof *linked.keys, by_number);
    return linked;
}

static int32_t key_of(const struct linked *linked, int32_t id)
{
    return linked->count && bsearch(&id, linked->keys, linked->count, sizeof id, by_number) != NULL ? LINKED : id;
}

static void cut_rows_sort(const struct base *b, const struct scrip_commit *c, const struct linked *linked,
                          const struct cut_table *table, struct cut_rows *out)
{
    struct cut_place *places;
    const char *rows;

    memcpy(&rows, (const char *)c + table->rows, sizeof rows);
    memcpy(&out->count, (const char *)c + table->count, sizeof out->count);
    places = store_grow(NULL, out->count * sizeof *places);
    for (uint64_t i = 0; i < out->count; i++) {
        const struct scrip_name *account;

        memcpy(&account, rows + i * table->row_size + table->account, sizeof account);
        places[i] = (struct cut_place){ key_of(linked, id_of(b, account)), i };
    }
    if (out->count > 1)
        qsort(places, out->count, sizeof *places, by_place);
    out->rows = store_grow(NULL, out->count * table->row_size);
    out->keys = store_grow(NULL, out->count * sizeof *out->keys);
    for (uint64_t i = 0; i < out->count; i++) {
        memcpy(out->rows + i * table->row_size, rows + places[i].index * table->row_size, table->row_size);
        out->keys[i] = places[i].key;
    }
    free(places);
}

/* The rows up to an account's number become those of a part. */
static void cut_rows_take(struct cut_rows *rows, const struct cut_table *table, int32_t last, struct scrip_commit *part)
{
    const char *first = rows->rows + rows->at * table->row_size;
    uint64_t count = 0;

    for (; rows->at < rows->count && rows->keys[rows->at] <= last; rows->at++)
        count++;
    memcpy((char *)part + table->rows, &first, sizeof first);
    memcpy((char *)part + table->count, &count, sizeof count);
}

/* The account that all rows are of; 0: there are several, or other rows than those of a batch. */
static int32_t account_alone(const struct base *b, const struct scrip_commit *c)
{
    int is_alone = b->accounts_per_commit == 1 && c->account_count == 1 && c->batch_count == 0;

    for (size_t i = 0; i < CUT_TABLES && is_alone; i++) {
        const struct cut_table *table = &cut_tables[i];
        const struct scrip_name *account;
        const char *row;
        uint64_t count;

        memcpy(&row, (const char *)c + table->rows, sizeof row);
        memcpy(&count, (const char *)c + table->count, sizeof count);
        for (; count > 0 && is_alone; count--, row += table->row_size) {
            memcpy(&account, row + table->account, sizeof account);
            is_alone = account == c->accounts->name;
        }
    }
    return is_alone ? id_of(b, c->accounts->name) : 0;
}

static int commit_part(struct base *b, const struct scrip_commit *part)
{
    int64_t mark = (int64_t)(random_number() >> 1);

    b->writing->account = account_alone(b, part);
    batches_sort(b, part, mark);
    return commit_try(b, part, mark);
}

/* The number up to which accounts come into the next part; the last one takes all that is left. */
static int32_t part_last(const struct base *b, const struct cut_rows *accounts)
{
    uint64_t until = accounts->at + (uint64_t)b->accounts_per_commit;

    if (accounts->keys[accounts->at] == LINKED && accounts->keys[accounts->count - 1] != LINKED)
        return LINKED;
    return until < accounts->count ? accounts->keys[until - 1] : INT32_MAX;
}

/* New terms and rates go with the first accounts, which use them. */
static int commit_cut(struct base *b, const struct scrip_commit *c)
{
    struct cut_rows tables[CUT_TABLES] = { 0 };
    struct scrip_commit part = { 0 }, rest = *c;
    struct linked linked = linked_find(b, c);
    int code = SCRIP_OK;

    for (size_t i = 0; i < CUT_TABLES; i++)
        cut_rows_sort(b, c, &linked, &cut_tables[i], &tables[i]);
    free(linked.keys);
    part.terms = c->terms;
    part.terms_count = c->terms_count;
    part.rates = c->rates;
    part.rate_count = c->rate_count;
    while (tables[0].at < tables[0].count && code == SCRIP_OK) {
        int32_t last = part_last(b, &tables[0]);

        part.recorded_us = c->recorded_us;
        for (size_t i = 0; i < CUT_TABLES; i++)
            cut_rows_take(&tables[i], &cut_tables[i], last, &part);
        code = commit_part(b, &part);
        memset(&part, 0, sizeof part);
    }
    for (size_t i = 0; i < CUT_TABLES; i++) {
        tables[i].at = tables[i].count;
        cut_rows_take(&tables[i], &cut_tables[i], LINKED, &rest); /* none is left */
        free(tables[i].rows);
        free(tables[i].keys);
    }
    rest.terms_count = rest.rate_count = 0;
    if (code == SCRIP_OK && rest.cursor_count + rest.quarantine_count + rest.settled_count > 0)
        code = commit_part(b, &rest);
    return code;
}

static int postgres_commit(struct scrip_ctx *ctx, const struct scrip_commit *c)
{
    struct base *b = ctx->self;
    int code = commit_fits(b, c), is_cut;

    if (code == SCRIP_OK && b->conn == NULL)
        code = reconnect(b, clock_us() + b->retry_us);
    if (code == SCRIP_OK)
        code = commit_names(b, c);
    /* A copy of a store brings what belongs together in its own way. */
    is_cut = b->accounts_per_commit > 0 && c->account_count > (uint64_t)b->accounts_per_commit && c->batch_count == 0;
    if (code == SCRIP_OK)
        code = is_cut ? commit_cut(b, c) : commit_part(b, c);
    return settle(b, code);
}

#endif
