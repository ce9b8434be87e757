/* memory_commit.h - what a commit does to the tables of the memory store: all of it, or nothing. */
#ifndef SCRIP_MEMORY_COMMIT_H
#define SCRIP_MEMORY_COMMIT_H

#include "memory_tables.h"

/* How a table takes a row whose key is there already. */
enum taking { ONCE, REPLACE, ADD, FIRST };

static const uint8_t takings[SCRIP_TABLE_COUNT] = {
    [SCRIP_TABLE_ACCOUNTS] = REPLACE, [SCRIP_TABLE_GRANTS] = REPLACE, [SCRIP_TABLE_STATES] = REPLACE,
    [SCRIP_TABLE_CLAIMS] = REPLACE,   [SCRIP_TABLE_LIMITS] = REPLACE, [SCRIP_TABLE_TIMERS] = REPLACE,
    [SCRIP_TABLE_CURSORS] = REPLACE,  [SCRIP_TABLE_DAYS] = ADD,       [SCRIP_TABLE_MONTHS] = ADD,
    [SCRIP_TABLE_QUARANTINE] = FIRST,
};

static const char *label_of(uint32_t table, const void *fields)
{
    return scrip_tables[table].account == SCRIP_NO_ACCOUNT ? "" : name_at(fields, scrip_tables[table].account)->text;
}

static int known_fault(struct scrip_ctx *ctx, uint32_t table, const void *fields)
{
    return scrip_fail(ctx, SCRIP_ECONFLICT, "%s: '%s' %llu: is there already: another writer was first",
                      scrip_tables[table].name, label_of(table, fields),
                      scrip_tables[table].number == SCRIP_NO_NUMBER
                          ? 0ull
                          : (unsigned long long)number_at(fields, scrip_tables[table].number));
}

static int account_put(struct tables *t, struct scrip_ctx *ctx, const struct scrip_account_row *given, struct row *old)
{
    const struct scrip_account_row *kept = old ? fields_of(old) : NULL;
    struct scrip_account_row row = *given;

    if (given->first_number != (kept ? kept->event_count : 0) + 1)
        return scrip_fail(ctx, SCRIP_ECONFLICT, "account '%s': another writer was first", given->name->text);
    row.first_number = 0;
    row_change(t, SCRIP_TABLE_ACCOUNTS, &row, old);
    return SCRIP_OK;
}

static int usage_put(struct tables *t, struct scrip_ctx *ctx, uint32_t table, const struct scrip_usage_row *given,
                     struct row *old)
{
    const struct scrip_usage_row *kept = fields_of(old);
    struct scrip_usage_row row = *given;

    if (__builtin_add_overflow(row.amount, kept->amount, &row.amount) ||
        __builtin_add_overflow(row.charge_count, kept->charge_count, &row.charge_count))
        return scrip_fail(ctx, SCRIP_ERANGE, "%s: '%s': the sum of period %lld does not fit", scrip_tables[table].name,
                          given->account->text, (long long)given->period);
    row_change(t, table, &row, old);
    return SCRIP_OK;
}

/* A state without a value and a timer that is not due are taken out. */
static int is_forgotten(uint32_t table, const void *fields)
{
    if (table == SCRIP_TABLE_STATES)
        return ((const struct scrip_state_row *)fields)->value_size == 0;
    return table == SCRIP_TABLE_TIMERS && ((const struct scrip_timer_row *)fields)->due_us == SCRIP_TIME_NONE;
}

static int row_put(struct tables *t, struct scrip_ctx *ctx, uint32_t table, const void *fields)
{
    struct row *old = key_find(t, table, fields, key_hash(t, table, fields));

    if (table == SCRIP_TABLE_ACCOUNTS)
        return account_put(t, ctx, fields, old);
    if (is_forgotten(table, fields)) {
        if (old != NULL)
            row_change(t, table, NULL, old);
        return SCRIP_OK;
    }
    if ((old != NULL && takings[table] == ONCE) ||
        (table == SCRIP_TABLE_EVENTS && identity_find(t, (const struct scrip_event_row *)fields) != NULL))
        return known_fault(ctx, table, fields);
    if (old != NULL && takings[table] == FIRST)
        return SCRIP_OK;
    if (old != NULL && takings[table] == ADD)
        return usage_put(t, ctx, table, fields, old);
    row_change(t, table, fields, old);
    return SCRIP_OK;
}

static int batches_put(struct tables *t, struct scrip_ctx *ctx, const struct scrip_commit *c)
{
    int code = SCRIP_OK;

    for (uint64_t i = 0; i < c->account_count && c->batch_count == 0 && code == SCRIP_OK; i++) {
        const struct scrip_account_row *account = &c->accounts[i];
        struct scrip_batch_row row = { account->name, account->first_number, account->event_count, c->recorded_us };

        code = row_put(t, ctx, SCRIP_TABLE_BATCHES, &row);
    }
    return code;
}

static void top_raise(struct tables *t, const struct scrip_event_row *row)
{
    uint64_t number = row->source->number;
    size_t room = (size_t)number * 2 + 64;

    if (number >= t->tops_room) {
        t->tops = store_grow(t->tops, room * sizeof(char *));
        memset(t->tops + t->tops_room, 0, (room - t->tops_room) * sizeof(char *));
        t->tops_room = room;
    }
    if (t->tops[number] != NULL && bytes_order(t->tops[number], strlen(t->tops[number]), row->id, row->id_size) >= 0)
        return;
    t->tops[number] = store_grow(t->tops[number], row->id_size + 1);
    memcpy(t->tops[number], row->id, row->id_size);
    t->tops[number][row->id_size] = 0;
}

/* What is still to be kept or undone; 0, or the reason why it cannot be. */
static int commit_try(struct tables *t, struct scrip_ctx *ctx, const struct scrip_commit *c)
{
    int code = SCRIP_OK;

    for (uint64_t i = 0; i < c->settled_count; i++) {
        struct row *old =
            key_find(t, SCRIP_TABLE_QUARANTINE, &c->settled[i], key_hash(t, SCRIP_TABLE_QUARANTINE, &c->settled[i]));

        if (old != NULL)
            row_change(t, SCRIP_TABLE_QUARANTINE, NULL, old);
    }
    for (uint32_t table = 0; table < SCRIP_TABLE_COUNT && code == SCRIP_OK; table++) {
        const char *rows = text_at(c, scrip_tables[table].rows);
        uint64_t count = number_at(c, scrip_tables[table].count);

        for (uint64_t i = 0; i < count && code == SCRIP_OK; i++)
            code = row_put(t, ctx, table, rows + i * scrip_tables[table].row_size);
    }
    return code < 0 ? code : batches_put(t, ctx, c);
}

static void commit_keep(struct tables *t, const struct scrip_commit *c)
{
    steps_keep(t);
    for (uint64_t i = 0; i < c->event_count; i++)
        top_raise(t, &c->events[i]);
}

#endif
