/* due.c - what falls due without an event: expiries, activations, recurrences, settlements of debt, time-outs of holds.
 */
#include "engine_inner.h"

#include "calendar.h"

/* More of a grant, as far as all that it was ever given fits an amount; what was issued. */
static int64_t issue(struct engine *engine, struct account *account, struct grant *grant, wide amount, int64_t time_us,
                     int64_t event_time_us)
{
    int64_t capacity = grant_capacity(grant), part = amount < capacity ? (int64_t)amount : capacity;

    if (part > 0)
        move(engine, account, grant, SCRIP_BOOK_ISSUED, SCRIP_BOOK_AVAILABLE, part, time_us, event_time_us, 0);
    return part;
}

/* A grant's balance becomes another: what is too much expires, what is missing is issued. */
void balance_set(struct engine *engine, struct account *account, struct grant *grant, int64_t wanted, int64_t time_us,
                 int64_t event_time_us)
{
    int64_t left = grant->row.balance[SCRIP_BOOK_AVAILABLE];

    if (left > wanted)
        move(engine, account, grant, SCRIP_BOOK_AVAILABLE, SCRIP_BOOK_EXPIRED, left - wanted, time_us, event_time_us,
             0);
    else if (left < wanted)
        issue(engine, account, grant, (wide)wanted - left, time_us, event_time_us);
    account_grant_gain(grant);
}

void purse_gain(struct account *account, struct purse *purse, int64_t time_us)
{
    struct timer timer = { .due_us = time_us, .rank = RANK_SETTLEMENT, .purse = purse };

    /* Of a late event: it is settled as the account stands, so not before that. */
    if (timer.due_us < account->row.clock_us)
        timer.due_us = account->row.clock_us;
    if (purse->debt_count > 0)
        account_timer_put(account, &timer);
}

/* ---- first use ------------------------------------------------------------------------------------------------ */

/* A period begins with this use, and ends as a recurrence. */
static int wake(struct engine *engine, struct account *account, struct grant *grant, const struct payment *p)
{
    struct timer timer = { .rank = RANK_RECURRENCE, .order = grant->row.number, .grant = grant };
    uint64_t changed = grant->row.changed;

    if (time_add(p->time_us, grant->rules->every, 1, account->zone ? account->zone : "UTC", &timer.due_us) < 0 ||
        issue(engine, account, grant, grant->rules->amount, p->time_us, p->time_us) == 0)
        return 0;
    grant->row.next_us = timer.due_us;
    account_timer_put(account, &timer);
    account_grant_gain(grant);
    ARRAY_ROOM(engine->woken, engine->woken_count, engine->woken_room);
    engine->woken[engine->woken_count++] = (struct woken){ grant, changed };
    purse_gain(account, account_purse(account, grant->terms->row.currency), p->time_us);
    return 1;
}

/* 1: the use lets this grant pay: it names no grants, or this one, too. */
static int is_named(const struct event *event, const struct grant *grant)
{
    const char *only = event_text(event, SCRIP_F_GRANT);
    const struct field *list = event_field(event, SCRIP_F_GRANTS);
    const char *at = list ? list->text : NULL, *end = list ? at + list->size : NULL;

    if (list == NULL)
        return only[0] == 0 || strcmp(only, grant->row.id) == 0;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        stop = stop ? stop : end;
        if ((size_t)(stop - at) == grant->row.id_size && memcmp(at, grant->row.id, grant->row.id_size) == 0)
            return 1;
        at = stop + 1;
    }
    return 0;
}

void sleepers_wake(struct engine *engine, struct purse *purse, const struct payment *p)
{
    size_t kept = 0;

    for (size_t i = 0; i < purse->sleeper_count; i++) {
        struct grant *grant = purse->sleepers[i];

        if (grant->stage != GRANT_LIVE || !is_named(p->event, grant) ||
            !scope_fits(&grant->bucket->scope, p->event, p->rate->row.service) || !wake(engine, p->account, grant, p))
            purse->sleepers[kept++] = grant;
    }
    purse->sleeper_count = kept;
}

static void sleep(struct account *account, struct grant *grant)
{
    grant->row.next_us = SCRIP_TIME_NONE;
    purse_sleeper_add(account_purse(account, grant->terms->row.currency), grant);
}

/* The charge failed: nobody used anything. Their entries are the last ones. */
void sleepers_undo(struct engine *engine, struct account *account, size_t first_woken)
{
    while (engine->woken_count > first_woken) {
        struct grant *grant = engine->woken[--engine->woken_count].grant;
        int64_t amount = engine->effect.entries[--engine->effect.entry_count].amount;

        grant->row.balance[SCRIP_BOOK_AVAILABLE] -= amount;
        grant->row.balance[SCRIP_BOOK_ISSUED] -= amount;
        account->row.entry_count--;
        account_grant_untouch(account, grant, engine->woken[engine->woken_count].changed);
        sleep(account, grant);
    }
}

/* ---- timers --------------------------------------------------------------------------------------------------- */

static void expire(struct engine *engine, struct account *account, struct grant *grant, const struct timer *timer,
                   int64_t event_time_us)
{
    int64_t left = grant->row.balance[SCRIP_BOOK_AVAILABLE];

    if (grant->stage == GRANT_ENDED || grant->row.expires_us != timer->due_us)
        return;
    account_grant_end(account, grant);
    if (left > 0)
        move(engine, account, grant, SCRIP_BOOK_AVAILABLE, SCRIP_BOOK_EXPIRED, left, timer->due_us, event_time_us, 0);
}

static void activate(struct account *account, struct grant *grant, int64_t time_us)
{
    if (grant->stage != GRANT_WAITING)
        return;
    grant->stage = GRANT_LIVE;
    account_grant_gain(grant);
    if (grant->rules && grant->rules->every[0] && grant->rules->from == SCRIP_FROM_FIRST_USE)
        sleep(account, grant);
    else if (grant->row.next_us != SCRIP_TIME_NONE) {
        struct timer next = { .due_us = grant->row.next_us, .rank = RANK_RECURRENCE, .order = grant->row.number,
                              .grant = grant };

        account_timer_put(account, &next);
    }
    purse_gain(account, account_purse(account, grant->terms->row.currency), time_us);
}

static void recur(struct engine *engine, struct account *account, struct grant *grant, const struct timer *timer,
                  int64_t event_time_us)
{
    const struct grant_rules *rules = grant->rules;
    struct timer next = *timer;

    if (grant->stage != GRANT_LIVE || grant->row.next_us != timer->due_us)
        return;
    account_grant_touch(account, grant);
    if (rules->from == SCRIP_FROM_FIRST_USE) {
        balance_set(engine, account, grant, 0, timer->due_us, event_time_us);
        sleep(account, grant);
        /* One that was overdrawn can pay as much again. */
        purse_gain(account, account_purse(account, grant->terms->row.currency), timer->due_us);
        return;
    }
    if (rules->adds)
        issue(engine, account, grant, rules->amount, timer->due_us, event_time_us);
    else
        balance_set(engine, account, grant, rules->amount, timer->due_us, event_time_us);
    account_grant_gain(grant);
    grant->row.next_us = next.due_us = grant_recurrence_after(account, grant, timer->due_us);
    if (next.due_us != SCRIP_TIME_NONE)
        account_timer_put(account, &next);
    purse_gain(account, account_purse(account, grant->terms->row.currency), timer->due_us);
}

void recurrences_catch_up(struct engine *engine, struct account *account, struct grant *grant, int64_t time_us)
{
    struct timer timer = { .rank = RANK_RECURRENCE, .order = grant->row.number, .grant = grant };

    while (grant->stage == GRANT_LIVE && grant->row.next_us != SCRIP_TIME_NONE && grant->row.next_us < time_us) {
        timer.due_us = grant->row.next_us;
        recur(engine, account, grant, &timer, time_us);
    }
}

static void timer_run(struct engine *engine, struct account *account, const struct timer *timer, int64_t event_time_us)
{
    switch (timer->rank) {
    case RANK_EXPIRY:
        expire(engine, account, timer->grant, timer, event_time_us);
        break;
    case RANK_ACTIVATION:
        activate(account, timer->grant, timer->due_us);
        break;
    case RANK_RECURRENCE:
        recur(engine, account, timer->grant, timer, event_time_us);
        break;
    case RANK_SETTLEMENT:
        debts_settle(engine, account, timer->purse, timer->due_us, event_time_us);
        break;
    default:
        if (timer->claim->row.stage == SCRIP_CLAIM_OPEN && timer->claim->row.expires_us == timer->due_us)
            hold_time_out(engine, account, timer->claim, timer->due_us, event_time_us);
    }
}

void timers_run(struct engine *engine, struct account *account, int64_t until_us, int rank, int64_t event_time_us)
{
    struct timer timer;

    while (account_timer_next(account, until_us, rank, &timer))
        timer_run(engine, account, &timer, event_time_us);
}

void engine_timers(struct engine *engine, struct account *account, int64_t until_us)
{
    engine->effect.entry_count = engine->effect.note_count = engine->effect.departure_count = 0;
    engine->of = 0;
    timers_run(engine, account, until_us, RANK_END, until_us);
    if (until_us >= account->row.clock_us) {
        account->row.clock_us = until_us;
        account->row.clock_rank = RANK_END;
    }
}
