/* engine.c - how an event changes an account: timers, grants, draws, entries, the head. */
#include "engine.h"

#include "calendar.h"
#include "hash.h"
#include "money.h"

#include <stdio.h>

const char *const book_names[] = {
#define X(id, text) text,
    SCRIP_BOOKS(X)
#undef X
};

/* What one grant gives to the line being paid; undone when the charge fails. */
struct draw {
    struct grant *grant;
    int64_t amount;
    size_t line;
    int from_expired; /* a late charge that a grant pays which lived at its time */
};

void engine_free(struct engine *engine)
{
    free(engine->effect.entries);
    free(engine->draws);
    free(engine->found);
    free(engine->canonical.start);
    free(engine->head.start);
    arena_free(&engine->arena);
    json_free(&engine->scratch);
    memset(engine, 0, sizeof *engine);
}

/* ---- entries -------------------------------------------------------------------------------------------------- */

/* Moves an amount of a grant from one book to another. Issued counts what came in, so it grows as a source. */
static void post(struct engine *engine, struct account *account, struct grant *grant, int from, int to, int64_t amount,
                 int64_t time_us, int64_t event_time_us, size_t line)
{
    struct effect *effect = &engine->effect;
    struct scrip_entry_row *entry;

    ARRAY_ROOM(effect->entries, effect->entry_count, effect->entry_room);
    entry = &effect->entries[effect->entry_count++];
    memset(entry, 0, sizeof *entry);
    entry->account = account->row.name;
    entry->number = ++account->row.entry_count;
    entry->event = account->row.event_count;
    entry->line = line;
    entry->time_us = time_us;
    entry->event_time_us = event_time_us;
    entry->debit = to;
    entry->credit = from;
    entry->grant = grant->row.number;
    entry->terms = grant->terms->row.number;
    entry->amount = amount;
    account_grant_touch(account, grant);
}

static void move(struct engine *engine, struct account *account, struct grant *grant, int from, int to, int64_t amount,
                 int64_t time_us, const struct event *event, size_t line)
{
    int64_t *balance = grant->row.balance;

    balance[from] += from == SCRIP_BOOK_ISSUED ? amount : -amount;
    balance[to] += to == SCRIP_BOOK_ISSUED ? -amount : amount;
    post(engine, account, grant, from, to, amount, time_us, event->shown.time_us, line);
}

static int refuse(struct engine *engine, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int refuse(struct engine *engine, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vsnprintf(engine->effect.reason, sizeof engine->effect.reason, format, list);
    va_end(list);
    return SCRIP_REFUSED;
}

/* ---- timers --------------------------------------------------------------------------------------------------- */

static void timer_run(struct engine *engine, struct account *account, const struct timer *timer, int64_t event_time_us)
{
    struct grant *grant = timer->grant;
    int64_t left = grant->row.balance[SCRIP_BOOK_AVAILABLE];

    if (timer->rank == 1) {
        if (grant->stage == GRANT_WAITING) {
            grant->stage = GRANT_LIVE;
            if (grant_room(grant) > 0) {
                grant->bucket->sum += grant_room(grant);
                if (!grant->in_heap)
                    bucket_push(grant->bucket, grant);
            }
        }
        return;
    }
    if (grant->stage == GRANT_ENDED)
        return;
    account_grant_end(account, grant);
    if (left > 0) {
        grant->row.balance[SCRIP_BOOK_AVAILABLE] -= left;
        grant->row.balance[SCRIP_BOOK_EXPIRED] += left;
        post(engine, account, grant, SCRIP_BOOK_AVAILABLE, SCRIP_BOOK_EXPIRED, left, timer->due_us, event_time_us, 0);
    }
}

static void timers_run(struct engine *engine, struct account *account, int64_t until_us, int64_t event_time_us)
{
    struct timer timer;

    while (account_timer_next(account, until_us, &timer))
        timer_run(engine, account, &timer, event_time_us);
}

void engine_timers(struct engine *engine, struct account *account, int64_t until_us)
{
    engine->effect.entry_count = 0;
    timers_run(engine, account, until_us, until_us);
    if (until_us > account->row.clock_us)
        account->row.clock_us = until_us;
}

/* ---- draws ---------------------------------------------------------------------------------------------------- */

/* One line being paid. */
struct payment {
    struct account *account;
    const struct event *event;
    const struct rate *rate;
    size_t line;
    int64_t time_us;
    int64_t amount;
    wide available; /* set where it is short */
    int64_t largest;
};

static void take(struct engine *engine, struct payment *p, struct grant *grant, int64_t amount, int from_expired)
{
    struct draw *draw;

    ARRAY_ROOM(engine->draws, engine->draw_count, engine->draw_room);
    draw = &engine->draws[engine->draw_count++];
    *draw = (struct draw){ grant, amount, p->line, from_expired };
    if (grant->row.unlimited)
        return;
    grant->row.balance[from_expired ? SCRIP_BOOK_EXPIRED : SCRIP_BOOK_AVAILABLE] -= amount;
    if (grant->stage == GRANT_LIVE)
        grant->bucket->sum -= amount;
}

/* Gives back all draws from the first-th on. */
static void untake(struct engine *engine, size_t first)
{
    while (engine->draw_count > first) {
        struct draw *draw = &engine->draws[--engine->draw_count];
        struct grant *grant = draw->grant;

        if (grant->row.unlimited)
            continue;
        grant->row.balance[draw->from_expired ? SCRIP_BOOK_EXPIRED : SCRIP_BOOK_AVAILABLE] += draw->amount;
        if (grant->stage == GRANT_LIVE) {
            grant->bucket->sum += draw->amount;
            if (!grant->in_heap)
                bucket_push(grant->bucket, grant);
        }
    }
}

/* The grant that pays first among the buckets that fit, as of the account's clock. */
static struct grant *first_of(struct purse *purse, const struct payment *p)
{
    struct grant *best = NULL;

    for (size_t i = 0; i < purse->count; i++)
        if (bucket_fits(purse->buckets[i], p->event, p->rate->row.service)) {
            struct grant *grant = bucket_first(purse->buckets[i]);

            if (grant != NULL && (best == NULL || grant_order(grant, best) < 0))
                best = grant;
        }
    return best;
}

/* The first grant that can pay all of it alone. */
static struct grant *whole_of(struct purse *purse, struct payment *p)
{
    struct grant *best = first_of(purse, p);

    if (best == NULL || grant_room(best) >= p->amount)
        return best;
    best = NULL;
    for (size_t i = 0; i < purse->count; i++) {
        struct bucket *bucket = purse->buckets[i];

        if (!bucket_fits(bucket, p->event, p->rate->row.service))
            continue;
        for (size_t j = 0; j < bucket->count; j++) {
            struct grant *grant = bucket->heap[j];

            if (grant->stage != GRANT_LIVE)
                continue;
            if (grant_room(grant) > p->largest)
                p->largest = grant_room(grant);
            if (grant_room(grant) >= p->amount && (best == NULL || grant_order(grant, best) < 0))
                best = grant;
        }
    }
    return best;
}

/* Pays at the account's own clock. 0, or SCRIP_EREFUSED with nothing taken. */
static int pay_now(struct engine *engine, struct purse *purse, struct payment *p)
{
    int64_t rest = p->amount;
    struct grant *grant;

    for (size_t i = 0; i < purse->count; i++)
        if (purse->buckets[i]->sum > 0 && bucket_fits(purse->buckets[i], p->event, p->rate->row.service))
            p->available += purse->buckets[i]->sum;
    if (p->available < rest)
        return SCRIP_EREFUSED;
    if (!p->rate->terms->row.split) {
        if ((grant = whole_of(purse, p)) == NULL)
            return SCRIP_EREFUSED;
        take(engine, p, grant, rest, 0);
        return SCRIP_OK;
    }
    while (rest > 0) {
        int64_t room;

        grant = first_of(purse, p);
        room = grant_room(grant);
        room = room < rest ? room : rest;
        take(engine, p, grant, room, 0);
        rest -= room;
    }
    return SCRIP_OK;
}

static int by_order(const void *a, const void *b)
{
    return grant_order(*(struct grant *const *)a, *(struct grant *const *)b);
}

/* What a grant could pay at an instant that is not the account's clock: by its own dates, from what is left of it. */
static int64_t room_at(const struct account *account, const struct grant *grant, int64_t time_us, int *from_expired)
{
    const struct scrip_grant_row *row = &grant->row;

    *from_expired = 0;
    if (row->effective_us > time_us || (row->expires_us != SCRIP_TIME_NONE && row->expires_us <= time_us))
        return 0;
    if (grant->stage != GRANT_ENDED)
        return grant_room(grant);
    if (row->expires_us == SCRIP_TIME_NONE || row->expires_us > account->row.clock_us)
        return 0; /* voided */
    *from_expired = 1;
    return row->unlimited ? INT64_MAX : row->balance[SCRIP_BOOK_EXPIRED];
}

/* Pays at another instant than the clock's, or from one named grant: looks at every grant. */
static int pay_then(struct engine *engine, struct purse *purse, struct payment *p, const char *only)
{
    int64_t rest = p->amount, room;
    int from_expired;

    engine->found_count = 0;
    for (size_t i = 0; i < p->account->grant_count; i++) {
        struct grant *grant = p->account->grants[i];

        if (grant->terms->row.currency != purse->currency || (only[0] && strcmp(only, grant->row.id) != 0) ||
            (p->event->shown.type == SCRIP_USAGE &&
             !bucket_fits(grant->bucket, p->event, p->rate->row.service)) ||
            (room = room_at(p->account, grant, p->time_us, &from_expired)) <= 0)
            continue;
        p->available += room;
        p->largest = room > p->largest ? room : p->largest;
        ARRAY_ROOM(engine->found, engine->found_count, engine->found_room);
        engine->found[engine->found_count++] = grant;
    }
    if (p->available < rest || (!p->rate->terms->row.split && p->largest < rest))
        return SCRIP_EREFUSED;
    if (engine->found_count > 1)
        qsort(engine->found, engine->found_count, sizeof *engine->found, by_order);
    for (size_t i = 0; i < engine->found_count && rest > 0; i++) {
        struct grant *grant = engine->found[i];

        room = room_at(p->account, grant, p->time_us, &from_expired);
        if (!p->rate->terms->row.split && room < rest)
            continue;
        room = room < rest ? room : rest;
        take(engine, p, grant, room, from_expired);
        rest -= room;
    }
    return SCRIP_OK;
}

/* ---- charges -------------------------------------------------------------------------------------------------- */

static void shortage(struct engine *engine, const struct payment *p)
{
    char *reason = engine->effect.reason, wanted[DECIMAL_TEXT_SIZE], there[DECIMAL_TEXT_SIZE];
    size_t used = strlen(reason), room = sizeof engine->effect.reason - used;
    int decimals = (int)p->rate->terms->row.decimals;
    const char *currency = p->rate->terms->row.currency->text;

    money_write(p->amount, decimals, wanted, sizeof wanted);
    if (p->available >= p->amount) {
        money_write(p->largest, decimals, there, sizeof there);
        snprintf(reason + used, room, "%s%s %s wanted of one grant, the largest has %s", used ? "; " : "balance short: ",
                 wanted, currency, there);
    } else {
        money_write((int64_t)p->available, decimals, there, sizeof there);
        snprintf(reason + used, room, "%s%s %s wanted, %s available", used ? "; " : "balance short: ", wanted, currency,
                 there);
    }
}

/* The amount of a line beside the lines of its currency that are paid already: all are rounded once, together. */
static int line_amount(const struct engine *engine, const struct quote *quote, size_t line, int64_t *out)
{
    const struct effect *effect = &engine->effect;
    const struct terms *terms = quote->lines[line].rate->terms;
    struct money_part parts[SCRIP_LINE_LIMIT];
    int64_t amounts[SCRIP_LINE_LIMIT];
    size_t count = 0;
    int code;

    for (size_t i = 0; i <= effect->paid_count; i++) {
        const struct quote_line *l = &quote->lines[i < effect->paid_count ? effect->paid[i] : line];

        if (l->rate->terms->row.currency == terms->row.currency)
            parts[count++] = (struct money_part){ l->quantity, l->rate->row.rate, l->rate->row.per };
    }
    code = money_charge(parts, count, (int)terms->row.decimals, (int)terms->row.rounding, amounts);
    *out = code < 0 ? 0 : amounts[count - 1];
    return code;
}

/* Pays one line: 0, or SCRIP_EREFUSED with the reason added. */
static int line_pay(struct engine *engine, struct account *account, const struct event *event,
                    const struct quote *quote, size_t line)
{
    struct payment p = { account, event, quote->lines[line].rate, line, quote->lines[line].time_us, 0, 0, 0 };
    const char *only = event_text(event, SCRIP_F_GRANT);
    struct effect *effect = &engine->effect;
    struct purse *purse;
    int code = line_amount(engine, quote, line, &p.amount);

    if (code < 0 || p.amount < 0) {
        refuse(engine, code < 0 ? "amount: quantity x rate is out of range"
                                : "amount: below 0: a usage cannot give back: use a reversal or an adjustment");
        return SCRIP_EREFUSED;
    }
    purse = account_purse(account, p.rate->terms->row.currency);
    if (p.amount > 0) {
        if (purse == NULL)
            code = SCRIP_EREFUSED;
        else if (p.time_us == account->row.clock_us && !only[0])
            code = pay_now(engine, purse, &p);
        else
            code = pay_then(engine, purse, &p, only);
        if (code < 0 && p.available > 0 && p.rate->terms->row.split &&
            strcmp(event_text(event, SCRIP_F_ACCEPT), "available") == 0) {
            p.amount = (int64_t)p.available;
            p.available = p.largest = 0;
            code = p.time_us == account->row.clock_us && !only[0] ? pay_now(engine, purse, &p)
                                                                  : pay_then(engine, purse, &p, only);
        }
        if (code < 0) {
            shortage(engine, &p);
            return code;
        }
    }
    effect->amounts[effect->paid_count] = p.amount;
    effect->paid[effect->paid_count++] = line;
    return SCRIP_OK;
}

static int group_is_paid(const struct effect *effect, const struct quote *quote, uint64_t group)
{
    for (size_t i = 0; i < effect->paid_count; i++)
        if (quote->lines[effect->paid[i]].group == group)
            return 1;
    return 0;
}

static int group_goes_on(const struct quote *quote, size_t line)
{
    for (size_t i = line + 1; i < quote->count; i++)
        if (quote->lines[i].group == quote->lines[line].group)
            return 1;
    return 0;
}

/* Takes for all lines or for none. */
static int lines_pay(struct engine *engine, struct account *account, const struct event *event,
                     const struct quote *quote)
{
    for (size_t i = 0; i < quote->count; i++) {
        uint64_t group = quote->lines[i].group;

        if (group && group_is_paid(&engine->effect, quote, group))
            continue;
        if (line_pay(engine, account, event, quote, i) < 0 && !(group && group_goes_on(quote, i))) {
            untake(engine, 0);
            engine->effect.paid_count = 0;
            return SCRIP_EREFUSED;
        }
    }
    return SCRIP_OK;
}

/* Turns what was taken into entries. */
static void draws_post(struct engine *engine, struct account *account, const struct event *event,
                       const struct quote *quote)
{
    int64_t event_time = event->shown.time_us;

    for (size_t i = 0; i < engine->draw_count; i++) {
        struct draw *draw = &engine->draws[i];
        struct grant *grant = draw->grant;
        int64_t time = quote->lines[draw->line].time_us;

        if (grant->row.unlimited) {
            grant->row.balance[SCRIP_BOOK_ISSUED] += draw->amount;
            post(engine, account, grant, SCRIP_BOOK_ISSUED, SCRIP_BOOK_AVAILABLE, draw->amount, time, event_time,
                 draw->line);
        } else if (draw->from_expired)
            post(engine, account, grant, SCRIP_BOOK_EXPIRED, SCRIP_BOOK_AVAILABLE, draw->amount, grant->row.expires_us,
                 event_time, draw->line);
        grant->row.balance[SCRIP_BOOK_USED] += draw->amount;
        post(engine, account, grant, SCRIP_BOOK_AVAILABLE, SCRIP_BOOK_USED, draw->amount, time, event_time, draw->line);
    }
}

static int usage_apply(struct engine *engine, struct account *account, const struct event *event,
                       const struct quote *quote)
{
    int is_charged = 0;

    engine->draw_count = 0;
    if (quote->verdict == SCRIP_FREE)
        return SCRIP_ZERO;
    if (lines_pay(engine, account, event, quote) < 0)
        return SCRIP_REFUSED;
    engine->effect.reason[0] = 0; /* of alternatives that were tried before the one that paid */
    if (quote->verdict == SCRIP_GATE) {
        untake(engine, 0);
        engine->effect.paid_count = 0;
        return SCRIP_ZERO;
    }
    draws_post(engine, account, event, quote);
    for (size_t i = 0; i < engine->effect.paid_count; i++)
        is_charged |= engine->effect.amounts[i] > 0;
    return is_charged ? SCRIP_CHARGED : SCRIP_ZERO;
}

/* ---- the other events ----------------------------------------------------------------------------------------- */

static struct grant *grant_make(struct engine *engine, struct account *account, const struct event *event,
                                const struct quote *quote, int64_t amount)
{
    struct scrip_grant_row row = quote->grant;
    struct grant *grant;
    int64_t left;

    row.account = account->row.name;
    row.number = ++account->row.grant_count;
    row.event = account->row.event_count;
    row.terms = quote->terms->row.number;
    memset(row.balance, 0, sizeof row.balance);
    grant = account_grant_add(account, &row, quote->terms);
    account_grant_touch(account, grant);
    /* Issued at the earlier of both dates, so that no instant shows it spent before it came. */
    if (amount > 0)
        move(engine, account, grant, SCRIP_BOOK_ISSUED, SCRIP_BOOK_AVAILABLE, amount,
             row.effective_us < event->shown.time_us ? row.effective_us : event->shown.time_us, event, 0);
    account_grant_stage(account, grant);
    left = grant->row.balance[SCRIP_BOOK_AVAILABLE];
    if (grant->stage == GRANT_ENDED && left > 0) /* it came after its own end */
        move(engine, account, grant, SCRIP_BOOK_AVAILABLE, SCRIP_BOOK_EXPIRED, left, row.expires_us, event, 0);
    return grant;
}

static int grant_apply(struct engine *engine, struct account *account, const struct event *event,
                       const struct quote *quote)
{
    if (account_grant_find(account, quote->grant.id, quote->grant.id_size) != NULL)
        return refuse(engine, "grant '%s': the account has a grant of this id already", quote->grant.id);
    grant_make(engine, account, event, quote, quote->grant.balance[SCRIP_BOOK_ISSUED]);
    return SCRIP_APPLIED;
}

static int void_apply(struct engine *engine, struct account *account, const struct event *event)
{
    const char *id = event_text(event, SCRIP_F_GRANT);
    struct grant *grant = account_grant_find(account, id, strlen(id));
    int64_t left;

    if (grant == NULL)
        return refuse(engine, "grant '%s': the account has no such grant", id);
    left = grant->row.balance[SCRIP_BOOK_AVAILABLE];
    if (grant->stage == GRANT_ENDED || (left <= 0 && !grant->row.unlimited))
        return refuse(engine, "grant '%s': nothing of it is left to void", id);
    account_grant_end(account, grant);
    account_grant_touch(account, grant);
    /* An unlimited grant ends by its date: it has no balance that could say so. */
    if (grant->row.unlimited)
        grant->row.expires_us = event->shown.time_us > grant->row.effective_us ? event->shown.time_us
                                                                               : grant->row.effective_us;
    if (left > 0)
        move(engine, account, grant, SCRIP_BOOK_AVAILABLE, SCRIP_BOOK_VOIDED, left, event->shown.time_us, event, 0);
    return SCRIP_APPLIED;
}

/* Takes an amount back out of grants, by draw order or out of one: what was issued too much. */
static int adjust_down(struct engine *engine, struct account *account, const struct event *event,
                       const struct quote *quote, int64_t amount)
{
    struct scrip_rate_row rate_row = { 0, &names_none, 0, { 0, 0 }, { 1, 0 }, &names_none, 0 };
    struct terms terms = *quote->terms;
    struct rate rate = { rate_row, &terms, { 0 } };
    struct payment p = { account, event, &rate, 0, event->shown.time_us, amount, 0, 0 };
    struct purse *purse = account_purse(account, terms.row.currency);

    terms.row.split = 1;
    engine->draw_count = 0;
    if (purse == NULL || pay_then(engine, purse, &p, event_text(event, SCRIP_F_GRANT)) < 0) {
        shortage(engine, &p);
        return SCRIP_REFUSED;
    }
    for (size_t i = 0; i < engine->draw_count; i++) {
        struct draw *draw = &engine->draws[i];

        draw->grant->row.balance[SCRIP_BOOK_ISSUED] -= draw->amount;
        post(engine, account, draw->grant, draw->from_expired ? SCRIP_BOOK_EXPIRED : SCRIP_BOOK_AVAILABLE,
             SCRIP_BOOK_ISSUED, draw->amount, event->shown.time_us, event->shown.time_us, 0);
    }
    return SCRIP_APPLIED;
}

static int adjustment_apply(struct engine *engine, struct account *account, const struct event *event,
                            const struct quote *quote)
{
    const char *id = event_text(event, SCRIP_F_GRANT);
    int64_t amount = quote->grant.balance[SCRIP_BOOK_ISSUED], sum;
    struct grant *grant;

    if (amount < 0)
        return adjust_down(engine, account, event, quote, -amount);
    if (!id[0]) {
        if (account_grant_find(account, quote->grant.id, quote->grant.id_size) != NULL)
            return refuse(engine, "grant '%s': the account has a grant of this id already", quote->grant.id);
        grant_make(engine, account, event, quote, amount);
        return SCRIP_APPLIED;
    }
    grant = account_grant_find(account, id, strlen(id));
    if (grant == NULL || grant->terms->row.currency != quote->terms->row.currency)
        return refuse(engine, "grant '%s': the account has no such grant in %s", id,
                      quote->terms->row.currency->text);
    if (grant->stage == GRANT_ENDED || grant->row.unlimited)
        return refuse(engine, "grant '%s': it has ended or is unlimited: nothing can be added", id);
    if (money_add(grant->row.balance[SCRIP_BOOK_ISSUED], amount, &sum) < 0)
        return refuse(engine, "grant '%s': the sum is out of range", id);
    if (grant->stage == GRANT_LIVE && grant_room(grant) > 0)
        grant->bucket->sum -= grant_room(grant);
    move(engine, account, grant, SCRIP_BOOK_ISSUED, SCRIP_BOOK_AVAILABLE, amount, event->shown.time_us, event, 0);
    if (grant->stage == GRANT_LIVE && grant_room(grant) > 0) {
        grant->bucket->sum += grant_room(grant);
        if (!grant->in_heap)
            bucket_push(grant->bucket, grant);
    }
    return SCRIP_APPLIED;
}

/* What an account says of itself; the latest by date counts. */
static int account_apply(struct engine *engine, struct account *account, const struct event *event)
{
    struct scrip_event_row row;

    if (event->shown.time_us < account->row.clock_us)
        return SCRIP_APPLIED;
    arena_reset(&engine->arena);
    event_to_row(event, &row, &engine->scratch, &engine->arena);
    free((char *)account->row.data);
    account->row.data = row.data_size ? memory_text_part(row.data, row.data_size) : NULL;
    account->row.data_size = row.data_size;
    return SCRIP_APPLIED;
}

/* ---- the head ------------------------------------------------------------------------------------------------- */

static void head_move(struct engine *engine, struct account *account, const struct quote *quote)
{
    const struct effect *effect = &engine->effect;
    struct bytes *b = &engine->head;

    b->size = 0;
    bytes_add(b, account->row.head, sizeof account->row.head);
    bytes_add_number(b, account->row.event_count);
    bytes_add(b, engine->canonical.start, engine->canonical.size);
    bytes_add_number(b, (uint64_t)effect->outcome);
    bytes_add_text(b, effect->reason, strlen(effect->reason));
    bytes_add_number(b, (uint64_t)quote->verdict);
    for (size_t i = 0; i < quote->count; i++) {
        const struct quote_line *line = &quote->lines[i];

        bytes_add(b, line->rate->mark, sizeof line->rate->mark);
        bytes_add_number(b, (uint64_t)line->quantity.whole);
        bytes_add_number(b, (uint64_t)line->quantity.atto);
        bytes_add_number(b, (uint64_t)line->time_us);
        bytes_add_number(b, line->group);
    }
    if (quote->terms != NULL) {
        bytes_add(b, quote->terms->mark, sizeof quote->terms->mark);
        bytes_add_text(b, quote->grant.class_name->text, quote->grant.class_name->size);
        bytes_add_number(b, (uint64_t)quote->grant.effective_us);
        bytes_add_number(b, (uint64_t)quote->grant.expires_us);
        bytes_add_text(b, quote->grant.order_key, quote->grant.order_key_size);
    }
    for (size_t i = 0; i < effect->entry_count; i++) {
        const struct scrip_entry_row *entry = &effect->entries[i];

        bytes_add_number(b, entry->line << 32 | (uint64_t)entry->debit << 8 | (uint64_t)entry->credit);
        bytes_add_number(b, (uint64_t)entry->time_us);
        bytes_add_number(b, entry->grant);
        bytes_add_number(b, (uint64_t)entry->amount);
    }
    hash_strong(b->start, b->size, account->row.head);
}

void engine_apply(struct engine *engine, struct account *account, const struct event *event, const struct quote *quote)
{
    struct effect *effect = &engine->effect;
    int64_t time_us = event->shown.time_us;

    effect->entry_count = 0;
    effect->paid_count = 0;
    effect->reason[0] = 0;
    account->row.event_count++;
    if (time_us >= account->row.clock_us) {
        timers_run(engine, account, time_us, time_us);
        account->row.clock_us = time_us;
    }
    if (quote->refusal[0])
        effect->outcome = refuse(engine, "%s", quote->refusal);
    else if (event->shown.type == SCRIP_USAGE)
        effect->outcome = usage_apply(engine, account, event, quote);
    else if (event->shown.type == SCRIP_GRANT)
        effect->outcome = grant_apply(engine, account, event, quote);
    else if (event->shown.type == SCRIP_VOID)
        effect->outcome = void_apply(engine, account, event);
    else if (event->shown.type == SCRIP_ADJUSTMENT)
        effect->outcome = adjustment_apply(engine, account, event, quote);
    else
        effect->outcome = account_apply(engine, account, event);
    head_move(engine, account, quote);
}

void effect_usage(const struct effect *effect, const struct account *account, const struct event *event,
                  const struct quote *quote,
                  void (*add)(void *sink, int64_t time_us, const struct scrip_usage_row *row), void *sink)
{
    struct scrip_usage_row row = { 0, event->user, event->product, event->service, &names_none,
                                   &names_none, event->account, 0, 1 };

    if (event->shown.type != SCRIP_USAGE || (effect->outcome != SCRIP_CHARGED && effect->outcome != SCRIP_ZERO))
        return;
    if (effect->paid_count == 0)
        add(sink, event->shown.time_us, &row);
    for (size_t i = 0; i < effect->paid_count; i++) {
        const struct quote_line *line = &quote->lines[effect->paid[i]];

        row.service = line->rate->row.service;
        row.currency = line->rate->terms->row.currency;
        row.charge_count = 1;
        if (effect->amounts[i] == 0) {
            row.class_name = &names_none;
            row.amount = 0;
            add(sink, line->time_us, &row);
        }
        for (size_t j = 0; j < effect->entry_count; j++) {
            const struct scrip_entry_row *entry = &effect->entries[j];

            if (entry->debit != SCRIP_BOOK_USED || entry->line != effect->paid[i])
                continue;
            row.class_name = account->grants[entry->grant - 1]->row.class_name;
            row.amount = entry->amount;
            add(sink, line->time_us, &row);
            row.charge_count = 0; /* a charge is counted once, with its first draw */
        }
    }
}
