/* subscribers.c - the question how far each subscriber was told. */
#include "outbox.h"

struct telling {
    struct scrip *scrip;
    struct subscriber *subscriber;
    struct table table;
    int by_account;
    uint64_t accounts, waiting, failing, given_up;
    struct scrip_error *err;
};

static const char *stage_of(const struct subscriber *subscriber, const struct position *position, uint64_t last)
{
    if (position->tries >= subscriber->tries)
        return "given up";
    if (position->tries > 0)
        return "failing";
    return position->number < last ? "behind" : "told";
}

static int account_row(struct telling *t, const struct position *position, uint64_t last)
{
    struct table *table = &t->table;

    table_text(table, t->subscriber->instance->ctx.instance);
    table_text(table, position->account->text);
    table_text(table, stage_of(t->subscriber, position, last));
    table_count(table, position->number);
    table_count(table, last - position->number);
    table_count(table, position->tries);
    table_time(table,
               position->tries > 0 && position->tries < t->subscriber->tries ? position->next_us : SCRIP_TIME_NONE);
    return table_row(table);
}

static int account_see(void *sink, const struct scrip_account_row *row)
{
    struct telling *t = sink;
    const struct position *position = outbox_position(t->subscriber, row->name);
    uint64_t last = row->event_count > position->number ? row->event_count : position->number;

    if (t->by_account)
        return account_row(t, position, last);
    t->accounts++;
    t->waiting += last - position->number;
    t->given_up += position->tries >= t->subscriber->tries;
    t->failing += position->tries > 0 && position->tries < t->subscriber->tries;
    return SCRIP_OK;
}

static int sum_row(struct telling *t)
{
    struct table *table = &t->table;

    table_text(table, t->subscriber->instance->ctx.instance);
    table_text(table, t->subscriber->instance->plugin->name);
    table_count(table, t->accounts);
    table_count(table, t->waiting);
    table_count(table, t->failing);
    table_count(table, t->given_up);
    t->accounts = t->waiting = t->failing = t->given_up = 0;
    return table_row(table);
}

int ask_subscribers(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
                    struct scrip_error *err)
{
    static const struct scrip_column sums[] = {
        { "subscriber", SCRIP_CELL_TEXT }, { "plugin", SCRIP_CELL_TEXT },    { "accounts", SCRIP_CELL_NUMBER },
        { "waiting", SCRIP_CELL_NUMBER },  { "failing", SCRIP_CELL_NUMBER }, { "given up", SCRIP_CELL_NUMBER },
    };
    static const struct scrip_column each[] = {
        { "subscriber", SCRIP_CELL_TEXT }, { "account", SCRIP_CELL_TEXT },   { "stage", SCRIP_CELL_TEXT },
        { "told", SCRIP_CELL_NUMBER },     { "waiting", SCRIP_CELL_NUMBER }, { "tries", SCRIP_CELL_NUMBER },
        { "next try", SCRIP_CELL_TIME },
    };
    struct telling t = { .scrip = scrip, .by_account = query->by && strcmp(query->by, "account") == 0, .err = err };
    size_t count = scrip->outbox ? scrip->outbox->count : 0;
    int code;

    if (query->by != NULL && query->by[0] && !t.by_account)
        return error_set(err, SCRIP_EINVALID, "by '%s': subscribers can be listed by account", query->by);
    code = table_begin(&t.table, answer, "subscribers", t.by_account ? each : sums, t.by_account ? 7 : 6);
    for (size_t i = 0; i < count && code == SCRIP_OK; i++) {
        const char *only = query->account;

        t.subscriber = &scrip->outbox->list[i];
        only = only ? only : t.subscriber->account;
        code = outbox_load(scrip, t.subscriber, err);
        if (code == SCRIP_OK && (t.subscriber->account == NULL || strcmp(only, t.subscriber->account) == 0))
            code = accounts_each(scrip, only, account_see, &t, err);
        if (code == SCRIP_OK && !t.by_account)
            code = sum_row(&t);
    }
    return code ? code : table_end(&t.table);
}
