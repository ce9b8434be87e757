/* pay.c - which grants pay a line, and how much each: in draw order, in proportion, as listed, or those of another
 * time. */
#include "engine_inner.h"

#include "money.h"

#include <stdio.h>

/* ---- takes ---------------------------------------------------------------------------------------------------- */

static void take(struct engine *engine, const struct payment *p, struct grant *grant, int64_t amount, int book)
{
    int64_t cost = grant != NULL && p->is_scoped ? grant_cost(grant, amount) : amount;

    ARRAY_ROOM(engine->draws, engine->draw_count, engine->draw_room);
    engine->draws[engine->draw_count++] = (struct draw){ grant, amount, cost, p->line, book };
    if (grant != NULL && !grant->row.unlimited)
        grant->row.balance[book] -= cost;
}

void pay_undo(struct engine *engine, size_t first_draw, size_t first_use)
{
    while (engine->draw_count > first_draw) {
        struct draw *draw = &engine->draws[--engine->draw_count];

        if (draw->grant == NULL || draw->grant->row.unlimited)
            continue;
        draw->grant->row.balance[draw->book] += draw->cost;
        account_grant_gain(draw->grant);
    }
    limits_undo(engine, first_use);
}

int64_t grant_movable(const struct grant *grant)
{
    int64_t floor = grant->row.floor > 0 ? grant->row.floor : 0, left = grant->row.balance[SCRIP_BOOK_AVAILABLE];

    return grant->row.unlimited || left <= floor ? 0 : left - floor;
}

/* What a grant that lives has for this: for a charge in units of it, else of the balance as it stands. */
static int64_t room_of(const struct payment *p, const struct grant *grant)
{
    int64_t room;

    if (p->is_scoped)
        return grant_room(grant);
    if (p->is_move || grant->row.unlimited)
        return grant_movable(grant);
    if (grant->row.floor == INT64_MIN ||
        __builtin_sub_overflow(grant->row.balance[SCRIP_BOOK_AVAILABLE], grant->row.floor, &room))
        return INT64_MAX;
    return room;
}

/* What a grant may still give to this charge, of `room` that it has. */
static int64_t room_left(const struct engine *engine, const struct payment *p, const struct grant *grant, int64_t room)
{
    int64_t cap = grant->rules && grant->rules->max_per_charge ? grant->rules->max_per_charge : INT64_MAX;

    if (!p->is_scoped)
        return room;
    if (cap == INT64_MAX && !grant->row.unlimited)
        return room;
    for (size_t i = 0; p->claim != NULL && cap != INT64_MAX && i < p->claim->draw_count; i++)
        cap -= p->claim->draws[i].grant == grant ? p->claim->draws[i].amount : 0;
    for (size_t i = 0; i < engine->draw_count; i++)
        if (engine->draws[i].grant == grant) {
            cap -= engine->draws[i].line == p->line ? engine->draws[i].amount : 0;
            room -= grant->row.unlimited ? engine->draws[i].amount : 0;
        }
    return cap < room ? cap : room;
}

/* ---- of a list of grants -------------------------------------------------------------------------------------- */

static int by_order(const void *a, const void *b)
{
    return grant_order(*(struct grant *const *)a, *(struct grant *const *)b);
}

/* What a grant could pay: now, or at another instant by its own dates from what is left of it. */
static int64_t room_at(const struct engine *engine, const struct payment *p, const struct grant *grant, int *book)
{
    const struct scrip_grant_row *row = &grant->row;

    *book = SCRIP_BOOK_AVAILABLE;
    if (p->is_now)
        return grant->stage == GRANT_LIVE ? room_left(engine, p, grant, room_of(p, grant)) : 0;
    if (grant->stage == GRANT_DEBT || row->effective_us > p->time_us ||
        (row->expires_us != SCRIP_TIME_NONE && row->expires_us <= p->time_us))
        return 0;
    if (grant->stage != GRANT_ENDED)
        return room_left(engine, p, grant, room_of(p, grant));
    if (!p->is_scoped && row->unlimited)
        return 0;
    if (row->balance[SCRIP_BOOK_VOIDED] > 0 || row->expires_us == SCRIP_TIME_NONE)
        return 0;
    *book = row->unlimited ? SCRIP_BOOK_AVAILABLE : SCRIP_BOOK_EXPIRED;
    if (row->unlimited)
        return room_left(engine, p, grant, grant_room(grant));
    return room_left(engine, p, grant,
                     row->balance[SCRIP_BOOK_EXPIRED] / (grant->rules && p->is_scoped ? grant->rules->unit : 1));
}

static int64_t take_found(struct engine *engine, struct payment *p, int64_t rest)
{
    int is_whole = p->rate->terms->row.split == SCRIP_SPLIT_NONE && p->is_scoped, book;

    for (size_t i = 0; i < engine->found_count && rest > 0; i++) {
        int64_t room = room_at(engine, p, engine->found[i], &book);

        if (room <= 0 || (is_whole && room < rest))
            continue;
        room = room < rest ? room : rest;
        take(engine, p, engine->found[i], room, book);
        rest -= room;
    }
    return rest;
}

/* ---- now, in draw order --------------------------------------------------------------------------------------- */

/* The grant that pays first among the buckets that fit; of one class, or of any. */
static struct grant *first_of(const struct purse *purse, int64_t least, const struct scrip_name *class_name)
{
    struct grant *best = NULL;

    for (size_t i = 0; i < purse->fitting_count; i++)
        if (class_name == NULL || purse->fitting[i]->class_name == class_name) {
            struct grant *grant = bucket_first(purse->fitting[i], least);

            if (grant != NULL && (best == NULL || grant_order(grant, best) < 0))
                best = grant;
        }
    return best;
}

/* Passes over a grant until all are back. */
static void park(struct engine *engine, struct grant *grant)
{
    bucket_offer(grant, 0);
    ARRAY_ROOM(engine->parked, engine->parked_count, engine->parked_room);
    engine->parked[engine->parked_count++] = grant;
}

static void parked_back(struct engine *engine)
{
    while (engine->parked_count > 0)
        account_grant_gain(engine->parked[--engine->parked_count]);
}

/* No grant can pay all of it alone: what there is. */
static void whole_short(struct engine *engine, const struct purse *purse, struct payment *p)
{
    for (size_t i = 0; i < p->account->grant_count; i++) {
        struct grant *grant = p->account->grants[i];
        int64_t room;

        if (grant->stage != GRANT_LIVE || grant->terms->row.currency != purse->currency ||
            !bucket_fits(purse, grant->bucket) || (room = room_left(engine, p, grant, grant_room(grant))) <= 0)
            continue;
        p->largest = room > p->largest ? room : p->largest;
        p->available += room;
    }
}

/* From the first grant that can pay all of it alone. Returns what is left to be paid. */
static int64_t take_whole(struct engine *engine, struct purse *purse, struct payment *p, int64_t rest)
{
    struct grant *grant;

    while ((grant = first_of(purse, rest, NULL)) != NULL && room_left(engine, p, grant, grant_room(grant)) < rest)
        park(engine, grant);
    parked_back(engine);
    if (grant == NULL) {
        whole_short(engine, purse, p);
        return rest;
    }
    take(engine, p, grant, rest, SCRIP_BOOK_AVAILABLE);
    return 0;
}

/* From the first class whose grants can pay all of it together. A class that cannot stays passed over until the end. */
static int64_t take_class(struct engine *engine, struct purse *purse, struct payment *p, int64_t rest)
{
    wide sum = 0;

    while (sum < rest) {
        struct grant *grant = first_of(purse, 1, NULL);
        const struct scrip_name *class_name = grant ? grant->row.class_name : NULL;

        if (grant == NULL)
            break;
        if (room_left(engine, p, grant, grant_room(grant)) <= 0) {
            park(engine, grant);
            continue;
        }
        engine->found_count = 0;
        for (sum = 0; sum < rest && (grant = first_of(purse, 1, class_name)) != NULL; park(engine, grant)) {
            int64_t room = room_left(engine, p, grant, grant_room(grant));

            if (room <= 0)
                continue;
            sum += room;
            ARRAY_ROOM(engine->found, engine->found_count, engine->found_room);
            engine->found[engine->found_count++] = grant;
        }
        p->available += sum;
        if (sum < rest && sum > p->largest)
            p->largest = (int64_t)sum;
    }
    parked_back(engine);
    return sum < rest ? rest : take_found(engine, p, rest);
}

static int64_t take_now(struct engine *engine, struct purse *purse, struct payment *p, int64_t rest)
{
    int64_t amount = rest;
    struct grant *grant;

    while (rest > 0 && (grant = first_of(purse, 1, NULL)) != NULL) {
        int64_t room = room_left(engine, p, grant, room_of(p, grant));

        if (room <= 0) {
            park(engine, grant);
            continue;
        }
        room = room < rest ? room : rest;
        take(engine, p, grant, room, SCRIP_BOOK_AVAILABLE);
        rest -= room;
    }
    parked_back(engine);
    p->available = amount - rest;
    return rest;
}

/* ---- at another time, or as listed ----------------------------------------------------------------------------- */

static int gather_one(struct engine *engine, const struct purse *purse, struct payment *p, struct grant *grant)
{
    int book;
    int64_t room;

    if (grant->terms->row.currency != purse->currency || !bucket_fits(purse, grant->bucket) ||
        (room = room_at(engine, p, grant, &book)) <= 0)
        return 0;
    p->available += room;
    p->largest = room > p->largest ? room : p->largest;
    ARRAY_ROOM(engine->found, engine->found_count, engine->found_room);
    engine->found[engine->found_count++] = grant;
    return 1;
}

/* Every grant of the purse that could pay; only: the id of the only one, or "". */
static void gather(struct engine *engine, const struct purse *purse, struct payment *p, const char *only)
{
    struct grant *grant = only[0] ? account_grant_find(p->account, only, strlen(only)) : NULL;

    engine->found_count = 0;
    if (grant != NULL)
        gather_one(engine, purse, p, grant);
    for (size_t i = 0; i < p->account->grant_count && !only[0]; i++)
        gather_one(engine, purse, p, p->account->grants[i]);
    if (engine->found_count > 1)
        qsort(engine->found, engine->found_count, sizeof *engine->found, by_order);
}

/* As much as is needed for another instant: in draw order, of what lives now, beside what has ended since. 0: that is not
 * enough, and more has to be looked at. */
static int gather_past(struct engine *engine, struct purse *purse, struct payment *p, int64_t rest)
{
    int64_t least = p->is_scoped && p->rate->terms->row.split == SCRIP_SPLIT_NONE ? rest : 1;
    struct grant *grant;
    size_t kept = 0;
    wide sum = 0;
    int book;

    engine->found_count = 0;
    for (; sum < rest && (grant = first_of(purse, least, NULL)) != NULL; park(engine, grant)) {
        int64_t room = room_at(engine, p, grant, &book);

        if (room < least)
            continue;
        sum += room;
        ARRAY_ROOM(engine->found, engine->found_count, engine->found_room);
        engine->found[engine->found_count++] = grant;
    }
    parked_back(engine);
    if (sum < rest)
        return 0;
    for (size_t i = purse_ended_by(purse, p->time_us); i < purse->ended_count; i++)
        gather_one(engine, purse, p, purse->ended[i].grant);
    if (engine->found_count > 1)
        qsort(engine->found, engine->found_count, sizeof *engine->found, by_order);
    for (size_t i = 0; i < engine->found_count; i++)
        if (kept == 0 || engine->found[kept - 1] != engine->found[i])
            engine->found[kept++] = engine->found[i];
    engine->found_count = kept;
    return 1;
}

/* All of it must come from grants of one class. */
static int is_of_class(const struct payment *p)
{
    return p->rate->terms->row.split == SCRIP_SPLIT_CLASS && p->is_scoped;
}

/* Of what was found, one class: the first in order whose grants can pay all of it together. 0: there is none, and p
 * says what the largest class has. */
static int one_class(struct engine *engine, struct payment *p, int64_t amount)
{
    size_t kept = 0;
    int book;

    p->largest = 0;
    for (size_t i = 0; i < engine->found_count; i++) {
        const struct scrip_name *class_name = engine->found[i]->row.class_name;
        wide sum = 0;

        /* From i on: what stands before belongs to classes that were tried. */
        for (size_t j = i; j < engine->found_count; j++)
            if (engine->found[j]->row.class_name == class_name)
                sum += room_at(engine, p, engine->found[j], &book);
        if (sum < amount) {
            p->largest = sum > p->largest ? (int64_t)sum : p->largest;
            continue;
        }
        for (size_t j = i; j < engine->found_count; j++)
            if (engine->found[j]->row.class_name == class_name)
                engine->found[kept++] = engine->found[j];
        engine->found_count = kept;
        p->available = sum;
        return 1;
    }
    return 0;
}

/* Each pays in proportion to what it has, cut to whole minor units; the last ones take the remainder. */
static int64_t take_shares(struct engine *engine, struct payment *p, int64_t rest)
{
    int64_t amount = rest;
    wide total = p->available;
    int book;

    if (total <= amount)
        return take_found(engine, p, rest);
    for (size_t i = 0; i < engine->found_count; i++) {
        int64_t share = (int64_t)((wide)amount * room_at(engine, p, engine->found[i], &book) / total);

        if (i + 1 == engine->found_count || share == 0)
            continue;
        take(engine, p, engine->found[i], share, book);
        rest -= share;
    }
    for (size_t i = engine->found_count; i-- > 0 && rest > 0;) {
        int64_t room = room_at(engine, p, engine->found[i], &book);

        room = room < rest ? room : rest;
        if (room > 0)
            take(engine, p, engine->found[i], room, book);
        rest -= room > 0 ? room : 0;
    }
    return rest;
}

/* The grants that the event names, in its order. */
static int64_t take_listed(struct engine *engine, struct purse *purse, struct payment *p, const struct field *list,
                           int64_t rest)
{
    const char *at = list->text, *end = at + list->size;

    engine->found_count = 0;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        struct grant *grant;
        int book;

        stop = stop ? stop : end;
        grant = account_grant_find(p->account, at, (size_t)(stop - at));
        at = stop + 1;
        if (grant == NULL || grant->terms->row.currency != purse->currency || !bucket_fits(purse, grant->bucket))
            continue;
        p->available += room_at(engine, p, grant, &book);
        ARRAY_ROOM(engine->found, engine->found_count, engine->found_room);
        engine->found[engine->found_count++] = grant;
    }
    if (is_of_class(p) && !one_class(engine, p, rest))
        return rest;
    return take_found(engine, p, rest);
}

/* ---- payments ------------------------------------------------------------------------------------------------- */

static int64_t take_grants(struct engine *engine, struct purse *purse, struct payment *p, int64_t rest)
{
    const char *only = event_text(p->event, SCRIP_F_GRANT);
    const struct field *list = event_field(p->event, SCRIP_F_GRANTS);
    int mode = (int)p->rate->terms->rules.draw_mode, split = (int)p->rate->terms->row.split;
    /* Buckets know what grants have for a charge, in units of it: not always whether something can be taken out of them. */
    int is_known = p->is_scoped || (!purse->has_units && purse->spent < INT64_MAX);

    purse_fit(purse, p->is_scoped ? p->event : NULL, p->rate->row.service);
    /* To settle what is owed is no use. */
    if (purse->sleeper_count > 0 && p->is_now && p->is_scoped &&
        (p->claim == NULL || p->claim->row.kind == SCRIP_CLAIM_HOLD))
        sleepers_wake(engine, purse, p);
    if (list != NULL)
        return take_listed(engine, purse, p, list, rest);
    if (p->is_now && is_known && !only[0] && mode != SCRIP_DRAW_PROPORTIONAL)
        return is_of_class(p)                              ? take_class(engine, purse, p, rest)
               : p->is_scoped && split == SCRIP_SPLIT_NONE ? take_whole(engine, purse, p, rest)
                                                           : take_now(engine, purse, p, rest);
    if (!p->is_now && is_known && !only[0] && mode != SCRIP_DRAW_PROPORTIONAL && !is_of_class(p) &&
        gather_past(engine, purse, p, rest))
        return take_found(engine, p, rest);
    p->available = p->largest = 0;
    gather(engine, purse, p, only);
    if (is_of_class(p) && !one_class(engine, p, rest))
        return rest;
    return mode == SCRIP_DRAW_PROPORTIONAL && split != SCRIP_SPLIT_NONE ? take_shares(engine, p, rest)
                                                                        : take_found(engine, p, rest);
}

/* What no grant pays is owed, all of it or nothing. */
static int64_t take_debt(struct engine *engine, const struct purse *purse, struct payment *p, int64_t rest)
{
    const struct rules *rules = &p->rate->terms->rules;
    wide owed = purse ? purse->owed : 0;

    if (p->takes_debt == 1 && rules->overdraft != SCRIP_OVERDRAFT_DEBT)
        return rest;
    for (size_t i = 0; i < engine->draw_count; i++)
        owed += engine->draws[i].grant == NULL ? engine->draws[i].amount : 0;
    if (p->takes_debt == 1 && owed + rest > rules->overdraft_limit) {
        p->available += rules->overdraft_limit > owed ? rules->overdraft_limit - owed : 0;
        return rest;
    }
    take(engine, p, NULL, rest, SCRIP_BOOK_DEBT);
    return 0;
}

/* What may still be used of a currency: all that an account ever used of it, with what this charge drew so far, fits an
 * amount. What is owed is counted in any currency. */
static int64_t used_room(const struct engine *engine, const struct purse *purse)
{
    wide spent = purse->spent;

    for (size_t i = 0; i < engine->draw_count; i++)
        if (engine->draws[i].grant == NULL || engine->draws[i].grant->terms->row.currency == purse->currency)
            spent += engine->draws[i].cost;
    return spent >= INT64_MAX ? 0 : (int64_t)(INT64_MAX - spent);
}

int quote_fits(const struct account *account, const struct quote *quote)
{
    for (size_t i = 0; i < quote->count; i++) {
        const struct terms *terms = quote->lines[i].rate->terms;
        const struct purse *purse = account_purse(account, terms->row.currency);
        wide sum = purse ? purse->spent : 0;

        for (size_t j = 0; j <= i; j++) {
            const struct quote_line *line = &quote->lines[j];
            struct money_part part = { line->quantity, line->rate->row.rate, line->rate->row.per };
            int64_t amount;

            if (line->rate->terms->row.currency != terms->row.currency)
                continue;
            if (money_charge(&part, 1, (int)terms->row.decimals, (int)terms->row.rounding, &amount) < 0 ||
                (sum += amount) > INT64_MAX)
                return 0;
        }
    }
    return 1;
}

int pay(struct engine *engine, struct payment *p, int64_t *paid)
{
    int takes_part = strcmp(event_text(p->event, SCRIP_F_ACCEPT), "available") == 0 && p->takes_debt != 2;
    struct purse *purse = account_purse(p->account, p->rate->terms->row.currency);
    size_t first_draw = engine->draw_count, first_use = engine->use_count;
    int64_t amount = p->amount, rest, room;
    const struct limit *limit = NULL;

    *paid = 0;
    p->available = p->largest = 0;
    p->limit = NULL;
    p->is_full = 0;
    if (purse != NULL && p->is_scoped && (room = used_room(engine, purse)) < amount) {
        p->is_full = !takes_part || room <= 0;
        if (p->is_full)
            return SCRIP_EREFUSED;
        amount = room;
    }
    if (p->account->limit_count > 0 && p->is_scoped && p->takes_debt != 2 &&
        (room = limits_room(p->account, p, &limit)) < amount) {
        if (!takes_part || room <= 0) {
            p->limit = limit;
            p->available = room > 0 ? room : 0;
            return SCRIP_EREFUSED;
        }
        amount = room;
    }
    rest = purse ? take_grants(engine, purse, p, amount) : amount;
    if (rest > 0 && p->rate->terms->row.split == SCRIP_SPLIT_ANY && p->is_now)
        p->available = amount - rest;
    if (rest > 0 && p->takes_debt && !takes_part)
        rest = take_debt(engine, purse, p, rest);
    if (rest > 0 && (!takes_part || rest == amount)) {
        pay_undo(engine, first_draw, first_use);
        return SCRIP_EREFUSED;
    }
    *paid = amount - rest;
    if (p->account->limit_count > 0 && p->is_scoped)
        limits_add(engine, p->account, p->event, p->rate, p->time_us, *paid);
    return SCRIP_OK;
}

/* Adds to the reason what a payment lacked; once, though alternatives are tried again as debts. */
void shortage(struct engine *engine, const struct payment *p)
{
    char *reason = engine->effect.reason, wanted[DECIMAL_TEXT_SIZE], there[DECIMAL_TEXT_SIZE];
    char text[sizeof engine->effect.reason];
    size_t used = strlen(reason);
    const char *currency = p->rate->terms->row.currency->text, *only = event_text(p->event, SCRIP_F_GRANT);
    const struct grant *grant = only[0] ? account_grant_find(p->account, only, strlen(only)) : NULL;
    int decimals = (int)p->rate->terms->row.decimals;

    money_write(p->amount, decimals, wanted, sizeof wanted);
    money_write(p->available > INT64_MAX ? INT64_MAX : (int64_t)p->available, decimals, there, sizeof there);
    if (p->is_full) {
        money_write(INT64_MAX, decimals, there, sizeof there);
        snprintf(text, sizeof text,
                 "amount: %s %s wanted: with it the account would have used more than %s, the most that it can", wanted,
                 currency, there);
    } else if (only[0] && (grant == NULL || grant->stage == GRANT_DEBT)) {
        snprintf(text, sizeof text, "grant '%s': the account has no such grant", only);
    } else if (only[0] && grant->terms->row.currency != p->rate->terms->row.currency) {
        snprintf(text, sizeof text, "grant '%s': it is of %s, and %s %s wanted", only,
                 grant->terms->row.currency->text, wanted, currency);
    } else if (p->limit != NULL) {
        snprintf(text, sizeof text, "limit '%s': %s %s wanted, %s left in its %s", p->limit->row.id, wanted, currency,
                 there, p->limit->row.per_size ? p->limit->row.per : "whole time");
    } else if (p->available >= p->amount) {
        money_write(p->largest, decimals, there, sizeof there);
        snprintf(text, sizeof text, "%s%s %s wanted of one %s, the largest has %s",
                 used ? "" : "balance short: ", wanted, currency,
                 p->rate->terms->row.split == SCRIP_SPLIT_CLASS ? "class" : "grant", there);
    } else
        snprintf(text, sizeof text, "%s%s %s wanted, %s available", used ? "" : "balance short: ", wanted, currency,
                 there);
    if (strstr(reason, text) == NULL)
        snprintf(reason + used, sizeof engine->effect.reason - used, "%s%s", used ? "; " : "", text);
}

int64_t pay_debt(struct engine *engine, struct account *account, const struct claim *claim)
{
    struct payment p = { .account = account,
                         .event = &claim->event,
                         .rate = claim->draws[0].rate,
                         .line = claim->row.line,
                         .time_us = claim->draws[0].time_us,
                         .amount = claim->row.amount,
                         .is_now = 1,
                         .is_scoped = 1,
                         .claim = claim };
    struct purse *purse = account_purse(account, claim->terms->row.currency);

    engine->draw_count = engine->woken_count = 0;
    return claim->row.amount - take_grants(engine, purse, &p, claim->row.amount);
}
