/* ask_statement.c - an account's movements, by posting date, with the balance before and after each. A closed period's
 * stay as they are: what comes later is posted after it.
 *
 * The balance is what is available and held, less what is owed. */
#include "ask.h"

#include "money.h"
#include "replay.h"

#include <inttypes.h>
#include <stdio.h>

struct movement {
    int64_t time_us, own_us;
    uint64_t number; /* of its first entry */
    const char *what;
    const char *id, *product, *user;
    const struct terms *terms;
    wide amount;
};

struct statement {
    struct scrip *scrip;
    struct movement *rows;
    size_t count, room;
    struct arena arena;
    const char *id, *product, *user; /* of the event at hand */
    int is_due; /* of none: what falls due by the instant asked about */
    uint64_t event;
};

static int counts(int64_t book)
{
    return book == SCRIP_BOOK_AVAILABLE || book == SCRIP_BOOK_HELD || book == SCRIP_BOOK_DEBT;
}

/* The word for an entry; NULL: the balance does not move. */
static const char *word_of(const struct scrip_entry_row *entry)
{
    int64_t from = entry->credit, to = entry->debit;

    if (counts(from) == counts(to))
        return NULL;
    if (from == SCRIP_BOOK_ISSUED)
        return "funded";
    if (to == SCRIP_BOOK_ISSUED)
        return "taken back";
    if (to == SCRIP_BOOK_USED)
        return "consumed";
    if (from == SCRIP_BOOK_USED)
        return to == SCRIP_BOOK_DEBT ? "settled" : "returned";
    if (to == SCRIP_BOOK_EXPIRED)
        return "expired";
    if (from == SCRIP_BOOK_EXPIRED)
        return "revived";
    if (to == SCRIP_BOOK_VOIDED)
        return "voided";
    if (from == SCRIP_BOOK_VOIDED)
        return "written off";
    return to == SCRIP_BOOK_CLEARING ? "moved out" : "moved in";
}

/* Draws of one event that say the same are one movement. */
static void movement_add(struct statement *s, const struct scrip_entry_row *entry)
{
    const char *what = word_of(entry);
    struct movement *row = NULL;

    if (what == NULL)
        return;
    for (size_t i = s->count; i-- > 0 && s->rows[i].id == s->id && row == NULL;)
        if (s->rows[i].what == what && s->rows[i].time_us == entry->time_us &&
            s->rows[i].terms == prices_terms_at(s->scrip->prices, entry->terms))
            row = &s->rows[i];
    if (row == NULL) {
        ARRAY_ROOM(s->rows, s->count, s->room);
        row = &s->rows[s->count++];
        *row = (struct movement){ entry->time_us,
                                  s->is_due ? entry->time_us : entry->event_time_us,
                                  entry->number,
                                  what,
                                  s->id,
                                  s->product,
                                  s->user,
                                  prices_terms_at(s->scrip->prices, entry->terms),
                                  0 };
    }
    row->amount += counts(entry->debit) ? entry->amount : -entry->amount;
}

static void entries_add(struct statement *s, const struct effect *effect)
{
    for (size_t i = 0; i < effect->entry_count; i++)
        movement_add(s, &effect->entries[i]);
}

static int event_see(void *sink, struct replay *replay, const struct event *event)
{
    struct statement *s = sink;

    if (replay->engine.effect.entry_count == 0)
        return SCRIP_OK;
    s->id = arena_text(&s->arena, event->shown.id, event->id_size);
    s->product = event->product->text;
    s->user = event->user->text;
    entries_add(s, &replay->engine.effect);
    return SCRIP_OK;
}

static int by_posting(const void *left, const void *right)
{
    const struct movement *a = left, *b = right;

    if (a->time_us != b->time_us)
        return a->time_us < b->time_us ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

struct balance {
    const struct scrip_name *currency;
    int decimals;
    wide amount;
};

static struct balance *balance_of(struct balance *balances, size_t *count, const struct terms *terms)
{
    for (size_t i = 0; i < *count; i++)
        if (balances[i].currency == terms->row.currency)
            return &balances[i];
    balances[*count] = (struct balance){ terms->row.currency, (int)terms->row.decimals, 0 };
    return &balances[(*count)++];
}

static int opening_write(struct table *table, const struct balance *balance, int64_t from_us)
{
    table_time(table, from_us);
    table_none(table);
    table_text(table, "opening");
    for (int i = 0; i < 3; i++)
        table_none(table);
    table_text(table, balance->currency->text);
    table_wide(table, 0, balance->decimals);
    table_wide(table, balance->amount, balance->decimals);
    table_wide(table, balance->amount, balance->decimals);
    return table_row(table);
}

static int movement_write(struct table *table, const struct movement *row, const struct balance *balance)
{
    int is_its_own;

    table_time(table, row->time_us);
    if (row->own_us != row->time_us && strcmp(row->what, "expired") != 0)
        table_time(table, row->own_us);
    else
        table_none(table);
    table_text(table, row->what);
    /* What expired before the event that wrote it has nothing to do with that one. */
    is_its_own = row->own_us > row->time_us && strcmp(row->what, "expired") == 0;
    table_text(table, is_its_own ? "" : row->id);
    table_text(table, is_its_own ? "" : row->product);
    table_text(table, is_its_own ? "" : row->user);
    table_text(table, balance->currency->text);
    table_wide(table, row->amount, balance->decimals);
    table_wide(table, balance->amount, balance->decimals);
    table_wide(table, balance->amount + row->amount, balance->decimals);
    return table_row(table);
}

static int statement_write(struct statement *s, const struct scrip_query *query, struct table *table)
{
    int64_t from = query->from_us == SCRIP_TIME_NONE ? INT64_MIN : query->from_us;
    int64_t to = query->to_us == SCRIP_TIME_NONE ? INT64_MAX : query->to_us;
    struct balance *balances = memory_get((s->count + 1) * sizeof *balances);
    size_t balance_count = 0, i;
    int code = SCRIP_OK;

    for (i = 0; i < s->count && s->rows[i].time_us < from; i++)
        balance_of(balances, &balance_count, s->rows[i].terms)->amount += s->rows[i].amount;
    for (size_t k = 0; k < balance_count && code == SCRIP_OK; k++)
        code = opening_write(table, &balances[k], from);
    for (; i < s->count && s->rows[i].time_us < to && code == SCRIP_OK; i++) {
        struct balance *balance = balance_of(balances, &balance_count, s->rows[i].terms);

        code = movement_write(table, &s->rows[i], balance);
        balance->amount += s->rows[i].amount;
    }
    free(balances);
    return code;
}

int ask_statement(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
                  struct scrip_error *err)
{
    static const struct scrip_column columns[] = {
        { "posted", SCRIP_CELL_TIME },   { "date", SCRIP_CELL_TIME },     { "what", SCRIP_CELL_TEXT },
        { "event", SCRIP_CELL_TEXT },    { "product", SCRIP_CELL_TEXT },  { "user", SCRIP_CELL_TEXT },
        { "currency", SCRIP_CELL_TEXT }, { "amount", SCRIP_CELL_NUMBER }, { "before", SCRIP_CELL_NUMBER },
        { "after", SCRIP_CELL_NUMBER },
    };
    struct statement s = { .scrip = scrip };
    struct replay replay;
    struct table table;
    int64_t until;
    int code;

    if (query->account == NULL)
        return error_set(err, SCRIP_EINVALID, "statement: of what account: want scrip statement ACCOUNT");
    replay_open(&replay, scrip, err);
    replay.applied = event_see;
    replay.sink = &s;
    code = replay_account(&replay, names_add(scrip->names, query->account, strlen(query->account)));
    if (code == SCRIP_OK && replay.is_broken)
        code = error_set(err, SCRIP_EIO, "account '%s': its events are damaged: run verify", query->account);
    if (code == SCRIP_OK && replay.account->row.event_count == 0)
        code = error_set(err, SCRIP_ENOTFOUND, "account '%s': the store has no such account", query->account);
    if (code == SCRIP_OK && query->to_us != SCRIP_TIME_NONE)
        until = query->to_us - 1;
    else if (code == SCRIP_OK)
        code = query_instant(query, &until, err);
    if (code == SCRIP_OK && until >= replay.account->row.clock_us) {
        engine_timers(&replay.engine, replay.account,
                      until); /* what falls due by then, though no event has said so yet */
        s.id = s.product = s.user = "";
        s.is_due = 1;
        entries_add(&s, &replay.engine.effect);
    }
    if (code == SCRIP_OK && s.count)
        qsort(s.rows, s.count, sizeof *s.rows, by_posting);
    if (code == SCRIP_OK)
        code = table_begin(&table, answer, "statement", columns, 10);
    if (code == SCRIP_OK)
        code = statement_write(&s, query, &table);
    replay_close(&replay);
    arena_free(&s.arena);
    free(s.rows);
    return code ? code : table_end(&table);
}
