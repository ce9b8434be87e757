/* lots.c - grants made, changed, moved and given back to: grants, voids, adjustments, resets, conversions, transfers,
 * reversals. */
#include "engine_inner.h"

#include "calendar.h"
#include "hash.h"
#include "money.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- grants made ---------------------------------------------------------------------------------------------- */

void grant_end_passed(struct engine *engine, struct account *account, struct grant *grant, int64_t event_time_us)
{
    int64_t left = grant->row.balance[SCRIP_BOOK_AVAILABLE];

    if (grant->row.unlimited || grant->row.expires_us == SCRIP_TIME_NONE || grant->stage == GRANT_DEBT ||
        !account_is_past(account, grant->row.expires_us, RANK_EXPIRY))
        return;
    if (grant->stage != GRANT_ENDED)
        account_grant_end(account, grant);
    if (left > 0)
        move(engine, account, grant, SCRIP_BOOK_AVAILABLE, SCRIP_BOOK_EXPIRED, left, grant->row.expires_us,
             event_time_us, 0);
}

/* from: issued; or clearing, where it comes from another account. */
struct grant *grant_make(struct engine *engine, struct account *account, const struct event *event,
                         const struct scrip_grant_row *settled, const struct terms *terms, int from, int64_t amount)
{
    int64_t time_us = event->shown.time_us;
    struct scrip_grant_row row = *settled;
    struct grant *grant;

    row.account = account->row.name;
    row.number = ++account->row.grant_count;
    row.event = account->row.event_count;
    row.terms = terms->row.number;
    row.next_us = SCRIP_TIME_NONE;
    memset(row.balance, 0, sizeof row.balance);
    grant = account_grant_add(account, &row, terms);
    account_grant_touch(account, grant);
    if (grant->rules && grant->rules->every[0] && grant->rules->from != SCRIP_FROM_FIRST_USE)
        grant->row.next_us = grant_recurrence_after(account, grant, row.effective_us);
    if (grant->rules && grant->rules->every[0] && grant->rules->from == SCRIP_FROM_FIRST_USE)
        amount = 0; /* issued when it is first used */
    /* Issued at the earlier of both dates, so that no instant shows it spent before it came. */
    if (amount > 0)
        move(engine, account, grant, from, SCRIP_BOOK_AVAILABLE, amount,
             row.effective_us < time_us ? row.effective_us : time_us, time_us, 0);
    account_grant_stage(account, grant);
    grant_end_passed(engine, account, grant, time_us);
    if (grant->stage == GRANT_LIVE)
        purse_gain(account, account_purse(account, terms->row.currency), time_us);
    return grant;
}

/* What a grant gives: each time, or in all. */
static int64_t grant_size(const struct grant *grant)
{
    return grant->rules && grant->rules->every[0] ? grant->rules->amount : grant->row.balance[SCRIP_BOOK_ISSUED];
}

/* A renewal at the same or a higher amount takes over what is left of the grant that it renews. */
static void renewal_carry(struct engine *engine, struct account *account, const struct event *event,
                          struct grant *fresh)
{
    const char *id = event_text(event, SCRIP_F_RENEWS);
    struct grant *old = account_grant_find(account, id, strlen(id));
    int64_t time_us = event->shown.time_us, left;
    int book = SCRIP_BOOK_AVAILABLE;

    if (old == NULL || old == fresh || old->terms->row.currency != fresh->terms->row.currency || old->row.unlimited ||
        grant_size(fresh) < grant_size(old))
        return;
    if (old->stage == GRANT_ENDED && old->row.expires_us != fresh->row.effective_us)
        return; /* it was lost before */
    if (old->stage == GRANT_ENDED)
        book = SCRIP_BOOK_EXPIRED;
    left = old->row.balance[book];
    left = left < grant_capacity(fresh) ? left : grant_capacity(fresh);
    if (left <= 0)
        return;
    move(engine, account, old, book, SCRIP_BOOK_CLEARING, left, time_us, time_us, 0);
    move(engine, account, fresh, SCRIP_BOOK_CLEARING, SCRIP_BOOK_AVAILABLE, left, time_us, time_us, 0);
    account_grant_gain(fresh);
    grant_end_passed(engine, account, fresh, time_us);
}

int grant_apply(struct engine *engine, struct account *account, const struct event *event, const struct quote *quote)
{
    const char *renews = event_text(event, SCRIP_F_RENEWS);
    struct grant *grant, *old = account_grant_find(account, renews, strlen(renews));

    if (account_grant_find(account, quote->grant.id, quote->grant.id_size) != NULL)
        return refuse(engine, "grant '%s': the account has a grant of this id already", quote->grant.id);
    if (renews[0] && (old == NULL || old->terms->row.currency != quote->terms->row.currency))
        return refuse(engine, "renews '%s': the account has no such grant in %s", renews,
                      quote->terms->row.currency->text);
    grant = grant_make(engine, account, event, &quote->grant, quote->terms, SCRIP_BOOK_ISSUED,
                       quote->grant.balance[SCRIP_BOOK_ISSUED]);
    if (renews[0]) {
        if (event->shown.time_us == account->row.clock_us)
            recurrences_catch_up(engine, account, grant, event->shown.time_us);
        renewal_carry(engine, account, event, grant);
    }
    return SCRIP_APPLIED;
}

int void_apply(struct engine *engine, struct account *account, const struct event *event)
{
    const char *id = event_text(event, SCRIP_F_GRANT);
    struct grant *grant = account_grant_find(account, id, strlen(id));
    int64_t left, time_us = event->shown.time_us;

    if (grant == NULL || grant->stage == GRANT_DEBT)
        return refuse(engine, "grant '%s': the account has no such grant", id);
    left = grant->row.balance[SCRIP_BOOK_AVAILABLE];
    if (grant->stage == GRANT_ENDED || (left <= 0 && !grant->row.unlimited))
        return refuse(engine, "grant '%s': nothing of it is left to void", id);
    /* An unlimited grant ends by its date: it has no balance that could say so. */
    if (grant->row.unlimited)
        grant->row.expires_us = time_us > grant->row.effective_us ? time_us : grant->row.effective_us;
    account_grant_end(account, grant);
    account_grant_touch(account, grant);
    if (left > 0)
        move(engine, account, grant, SCRIP_BOOK_AVAILABLE, SCRIP_BOOK_VOIDED, left, time_us, time_us, 0);
    return SCRIP_APPLIED;
}

/* ---- amounts taken out ---------------------------------------------------------------------------------------- */

/* Takes an amount out of a purse, whatever its grants pay for; into engine->draws. 0, or SCRIP_EREFUSED with the
 * reason. */
static int take_out(struct engine *engine, struct account *account, const struct event *event,
                    const struct terms *terms, int64_t amount, int is_move)
{
    struct rate rate = { .row = { .service = &names_none, .label = &names_none }, .terms = terms };
    struct payment p = { .account = account,
                         .event = event,
                         .rate = &rate,
                         .time_us = event->shown.time_us,
                         .amount = amount,
                         .is_now = event->shown.time_us == account->row.clock_us,
                         .is_move = is_move };
    int64_t paid;

    engine->draw_count = engine->use_count = engine->woken_count = 0;
    if (pay(engine, &p, &paid) == SCRIP_OK)
        return SCRIP_OK;
    shortage(engine, &p);
    return SCRIP_EREFUSED;
}

/* Posts what was taken out to a book. */
static void taken_post(struct engine *engine, struct account *account, const struct event *event, int to)
{
    int64_t time_us = event->shown.time_us;

    for (size_t i = 0; i < engine->draw_count; i++) {
        struct draw *draw = &engine->draws[i];

        draw->grant->row.balance[draw->book] += draw->cost;
        move(engine, account, draw->grant, draw->book, to, draw->cost, time_us, time_us, 0);
    }
}

int adjustment_apply(struct engine *engine, struct account *account, const struct event *event,
                     const struct quote *quote)
{
    const char *id = event_text(event, SCRIP_F_GRANT);
    int64_t amount = quote->grant.balance[SCRIP_BOOK_ISSUED], time_us = event->shown.time_us;
    struct grant *grant;

    if (amount < 0) {
        if (take_out(engine, account, event, quote->terms, -amount, 0) < 0)
            return SCRIP_REFUSED;
        taken_post(engine, account, event, SCRIP_BOOK_ISSUED);
        return SCRIP_APPLIED;
    }
    if (!id[0]) {
        if (account_grant_find(account, quote->grant.id, quote->grant.id_size) != NULL)
            return refuse(engine, "grant '%s': the account has a grant of this id already", quote->grant.id);
        grant_make(engine, account, event, &quote->grant, quote->terms, SCRIP_BOOK_ISSUED, amount);
        return SCRIP_APPLIED;
    }
    grant = account_grant_find(account, id, strlen(id));
    if (grant == NULL || grant->stage == GRANT_DEBT || grant->terms->row.currency != quote->terms->row.currency)
        return refuse(engine, "grant '%s': the account has no such grant in %s", id,
                      quote->terms->row.currency->text);
    if (grant->stage == GRANT_ENDED || grant->row.unlimited)
        return refuse(engine, "grant '%s': it has ended or is unlimited: nothing can be added", id);
    if (amount > grant_capacity(grant))
        return refuse(engine, "grant '%s': the sum is out of range", id);
    move(engine, account, grant, SCRIP_BOOK_ISSUED, SCRIP_BOOK_AVAILABLE, amount, time_us, time_us, 0);
    account_grant_gain(grant);
    purse_gain(account, account_purse(account, grant->terms->row.currency), time_us);
    return SCRIP_APPLIED;
}

/* ---- resets --------------------------------------------------------------------------------------------------- */

static int is_yes(const char *text)
{
    return strcmp(text, "true") == 0 || strcmp(text, "yes") == 0 || strcmp(text, "1") == 0;
}

/* A usage period ends: each grant keeps what its rollover lets it, and what is owed is carried on or written off. */
int reset_apply(struct engine *engine, struct account *account, const struct event *event, const struct quote *quote)
{
    struct purse *purse = account_purse_make(account, quote->terms->row.currency);
    int64_t time_us = event->shown.time_us;

    for (size_t i = 0; i < account->grant_count; i++) {
        struct grant *grant = account->grants[i];
        const struct grant_rules *rules = grant->rules;
        int64_t left = grant->row.balance[SCRIP_BOOK_AVAILABLE], wanted = 0;

        if (grant->stage != GRANT_LIVE || grant->terms->row.currency != purse->currency || grant->row.unlimited)
            continue;
        if (grant->row.effective_us > time_us)
            continue; /* the event came late, and the grant had not begun at its date */
        if (rules && rules->has_rollover) {
            wanted = left > rules->rollover_min ? left : rules->rollover_min;
            wanted = wanted < rules->rollover_max ? wanted : rules->rollover_max;
        } else if (quote->terms->rules.reset_keeps)
            wanted = left;
        balance_set(engine, account, grant, wanted, time_us, time_us);
    }
    if (is_yes(event_text(event, SCRIP_F_PRESERVE_OVERAGE)))
        purse_gain(account, purse, time_us);
    else
        debts_forgive(engine, account, purse, time_us);
    return SCRIP_APPLIED;
}

/* ---- conversions ---------------------------------------------------------------------------------------------- */

static int64_t purse_available(const struct account *account, const struct scrip_name *currency)
{
    wide sum = 0;

    for (size_t i = 0; i < account->grant_count; i++) {
        const struct grant *grant = account->grants[i];

        if (grant->terms->row.currency == currency && grant->stage == GRANT_LIVE)
            sum += grant_movable(grant);
    }
    return sum > INT64_MAX ? INT64_MAX : (int64_t)sum;
}

/* What each draw becomes: all are rounded once, together. 0, or SCRIP_EREFUSED. */
static int conversion_amounts(struct engine *engine, const struct quote *quote, int64_t *amounts)
{
    const struct terms *from = quote->terms, *to = quote->to_terms;
    struct money_part *parts = arena_get(&engine->arena, (engine->draw_count + 1) * sizeof *parts);

    for (size_t i = 0; i < engine->draw_count; i++) {
        money_to_decimal(engine->draws[i].amount, (int)from->row.decimals, &parts[i].quantity);
        parts[i].rate = quote->rate;
        parts[i].per = quote->per;
    }
    if (money_charge(parts, engine->draw_count, (int)to->row.decimals, (int)to->row.rounding, amounts) == SCRIP_OK)
        return SCRIP_OK;
    refuse(engine, "amount: what it is worth in %s is out of range", to->row.currency->text);
    return SCRIP_EREFUSED;
}

/* The part of a lot's cost that an amount of it bears. */
int cost_share(const struct scrip_grant_row *row, int64_t amount, struct scrip_decimal *out)
{
    struct scrip_decimal part = { amount, 0 }, whole = { row->balance[SCRIP_BOOK_ISSUED], 0 };

    return row->has_cost && whole.whole > 0 && decimal_multiply(&row->cost, &part, out) == SCRIP_OK &&
           decimal_divide(out, &whole, SCRIP_HALF_EVEN, out) == SCRIP_OK;
}

/* The grant that comes out of one draw: its own, with what the currency lets it take over. */
static int conversion_settle(struct engine *engine, const struct event *event, struct quote *quote, size_t index,
                             int64_t amount)
{
    const struct grant *paid = engine->draws[index].grant;
    struct scrip_error why = { 0 };
    char id[SCRIP_NAME_SIZE + 24];
    struct scrip_grant_row row = paid->row;
    uint8_t key[16];

    snprintf(id, sizeof id, "%s", event->shown.id);
    if (event->id_size > SCRIP_NAME_SIZE - 8) { /* what is cut off is told apart by its hash */
        snprintf(id, SCRIP_NAME_SIZE - 32, "%s", event->shown.id);
        text_trim(id);
        hash_key(event->shown.id, event->id_size, key);
        strcat(id, "-");
        hash_hex(key, 8, id + strlen(id));
    }
    snprintf(id + strlen(id), 24, "-%zu", index + 1);
    row.id = arena_text(&engine->arena, id, strlen(id));
    row.id_size = strlen(id);
    row.created_us = event->shown.time_us;
    row.effective_us = event->shown.time_us;
    row.floor = 0;
    if (row.has_cost && !cost_share(&paid->row, engine->draws[index].amount, &row.cost))
        row.has_cost = 0;
    row.rules = "";
    row.rules_size = 0;
    row.balance[SCRIP_BOOK_ISSUED] = amount;
    if (engine->settle(engine->settle_sink, event, quote->to_terms, &row, &engine->arena, &why) < 0) {
        refuse(engine, "%s", why.message);
        return SCRIP_EREFUSED;
    }
    quote->grants[quote->grant_count++] = row;
    return SCRIP_OK;
}

static int conversion_grants(struct engine *engine, const struct account *account, const struct event *event,
                             struct quote *quote, const int64_t *amounts)
{
    int was_recorded = quote->grant_count > 0;

    if (!was_recorded)
        quote->grants = arena_get(&engine->arena, (engine->draw_count + 1) * sizeof *quote->grants);
    for (size_t i = 0, at = 0; i < engine->draw_count; i++) {
        if (amounts[i] <= 0)
            continue; /* too little for the smallest unit */
        if (!was_recorded && conversion_settle(engine, event, quote, i, amounts[i]) < 0)
            return SCRIP_EREFUSED;
        if (at >= quote->grant_count) {
            refuse(engine, "conversion: its recorded grants are not what it gives");
            return SCRIP_EREFUSED;
        }
        quote->grants[at].balance[SCRIP_BOOK_ISSUED] = amounts[i];
        if (account_grant_find(account, quote->grants[at].id, quote->grants[at].id_size) != NULL) {
            refuse(engine, "grant '%s': the account has a grant of this id already", quote->grants[at].id);
            return SCRIP_EREFUSED;
        }
        at++;
    }
    return SCRIP_OK;
}

int conversion_apply(struct engine *engine, struct account *account, const struct event *event, struct quote *quote)
{
    int64_t amount = event->shown.has_amount ? quote->grant.balance[SCRIP_BOOK_ISSUED]
                                             : purse_available(account, quote->terms->row.currency);
    int64_t *amounts;

    arena_reset(&engine->arena);
    if (amount <= 0)
        return refuse(engine, "balance short: no %s is available to convert", quote->terms->row.currency->text);
    if (take_out(engine, account, event, quote->terms, amount, 1) < 0)
        return SCRIP_REFUSED;
    amounts = arena_get(&engine->arena, (engine->draw_count + 1) * sizeof *amounts);
    if (engine->draw_count > QUOTE_GRANT_LIMIT)
        refuse(engine, "amount: it comes from more than %d grants: convert less at a time", QUOTE_GRANT_LIMIT);
    else if (conversion_amounts(engine, quote, amounts) == SCRIP_OK &&
             conversion_grants(engine, account, event, quote, amounts) == SCRIP_OK) {
        taken_post(engine, account, event, SCRIP_BOOK_CLEARING);
        for (size_t i = 0; i < quote->grant_count; i++)
            grant_make(engine, account, event, &quote->grants[i], quote->to_terms, SCRIP_BOOK_ISSUED,
                       quote->grants[i].balance[SCRIP_BOOK_ISSUED]);
        return SCRIP_APPLIED;
    }
    pay_undo(engine, 0, 0);
    quote->grant_count = 0;
    return SCRIP_REFUSED;
}

/* ---- transfers ------------------------------------------------------------------------------------------------ */

/* The half that takes out. What left, and from which grants, is in effect.departures: the host brings it to the other
 * account as events of its own. */
static int transfer_out(struct engine *engine, struct account *account, const struct event *event,
                        const struct quote *quote)
{
    const char *id = event_text(event, SCRIP_F_GRANT);
    const struct grant *only = id[0] ? account_grant_find(account, id, strlen(id)) : NULL;
    int64_t amount = quote->grant.balance[SCRIP_BOOK_ISSUED];
    struct effect *effect = &engine->effect;

    if (id[0] && (only == NULL || only->terms->row.currency != quote->terms->row.currency || only->row.unlimited))
        return refuse(engine, "grant '%s': the account has no such grant in %s that could be moved", id,
                      quote->terms->row.currency->text);
    if (!event->shown.has_amount)
        amount = grant_movable(only);
    if (amount <= 0)
        return refuse(engine, "grant '%s': nothing of it is left to move", id);
    if (take_out(engine, account, event, quote->terms, amount, 1) < 0)
        return SCRIP_REFUSED;
    taken_post(engine, account, event, SCRIP_BOOK_CLEARING);
    for (size_t i = 0; i < engine->draw_count; i++) {
        ARRAY_ROOM(effect->departures, effect->departure_count, effect->departure_room);
        effect->departures[effect->departure_count++] =
            (struct departure){ engine->draws[i].grant, engine->draws[i].amount };
    }
    return SCRIP_APPLIED;
}

int transfer_apply(struct engine *engine, struct account *account, const struct event *event, const struct quote *quote)
{
    if (event_field(event, SCRIP_F_FROM) == NULL)
        return transfer_out(engine, account, event, quote);
    if (account_grant_find(account, quote->grant.id, quote->grant.id_size) != NULL)
        return refuse(engine, "grant '%s': the account has a grant of this id already", quote->grant.id);
    grant_make(engine, account, event, &quote->grant, quote->terms, SCRIP_BOOK_CLEARING,
               quote->grant.balance[SCRIP_BOOK_ISSUED]);
    return SCRIP_APPLIED;
}

/* ---- reversals ------------------------------------------------------------------------------------------------ */

const struct charge *charge_now(struct engine *engine, const struct account *account, const struct charge *charge)
{
    const struct effect *effect = &engine->effect;
    struct charge *now = arena_get(&engine->arena, sizeof *now);

    *now = *charge;
    now->draws = arena_get(&engine->arena, (charge->count + effect->entry_count) * sizeof *now->draws);
    if (charge->count)
        memcpy(now->draws, charge->draws, charge->count * sizeof *now->draws);
    for (size_t i = 0; i < effect->entry_count; i++) {
        const struct scrip_entry_row *entry = &effect->entries[i];
        int64_t sign = entry->debit == SCRIP_BOOK_USED ? 1 : entry->credit == SCRIP_BOOK_USED ? -1 : 0;
        const struct grant *grant = account->grants[entry->grant - 1];
        struct charge_draw *draw = NULL, *other = NULL;

        for (size_t k = 0; k < now->count; k++)
            if (now->draws[k].line == entry->line) {
                other = &now->draws[k];
                draw = other->grant == entry->grant ? other : draw;
            }
        if (entry->of != charge->event || sign == 0 || other == NULL)
            continue;
        if (draw == NULL) {
            draw = &now->draws[now->count++];
            *draw = *other;
            draw->grant = entry->grant;
            draw->amount = 0;
        }
        draw->amount += sign * (grant->rules ? entry->amount / grant->rules->unit : entry->amount);
    }
    return now;
}

int64_t charge_return(struct engine *engine, struct account *account, const struct charge *charge, const char *line,
                      int64_t amount, const struct event *event)
{
    int is_rerate = event->shown.type == SCRIP_RERATE;

    engine->of = charge->event;
    engine->use_count = 0;
    for (size_t i = charge->count; i-- > 0 && amount > 0;) {
        const struct charge_draw *draw = &charge->draws[i];
        struct grant *grant = account->grants[draw->grant - 1];
        int64_t part = draw->amount < amount ? draw->amount : amount, forgiven = 0;
        int64_t time_us =
            is_rerate ? draw->time_us : event->shown.time_us; /* a new price counts from the old one's date */

        if (part <= 0 || (line[0] && strtoull(line, NULL, 10) != draw->line))
            continue; /* settled since, or another line */
        if (grant->stage == GRANT_DEBT)
            forgiven = debt_reduce(engine, account, charge->event, draw->line, part);
        if (forgiven > 0)
            move(engine, account, grant, SCRIP_BOOK_USED, SCRIP_BOOK_VOIDED, forgiven, time_us, event->shown.time_us,
                 draw->line);
        debt_payer_less(account, charge->event, draw->line, grant, part);
        if (part > forgiven)
            draw_return(engine, account, grant, SCRIP_BOOK_USED, part - forgiven, time_us, event->shown.time_us,
                        draw->line, draw->rate->terms->rules.refund_us);
        note_usage(engine, draw->of, draw->rate, grant->row.class_name, time_us, -part, 0);
        limits_add(engine, account, draw->of, draw->rate, draw->time_us, -part);
        amount -= part;
    }
    engine->of = 0;
    return amount;
}

/* Back to the very grants that paid, the last one first. */
int reversal_apply(struct engine *engine, struct account *account, const struct event *event, const struct quote *quote)
{
    const char *line = event_text(event, SCRIP_F_OF_LINE);
    const struct charge *charge = charge_now(engine, account, quote->charge);
    char wanted[DECIMAL_TEXT_SIZE], there[DECIMAL_TEXT_SIZE];
    const struct terms *terms = NULL;
    int64_t amount;
    wide left = 0;

    for (size_t i = 0; i < charge->count; i++) {
        if (line[0] && strtoull(line, NULL, 10) != charge->draws[i].line)
            continue;
        if (event->shown.has_amount && terms != NULL &&
            terms->row.currency != charge->draws[i].rate->terms->row.currency)
            return refuse(engine, "amount: the charge is in more than one currency: name a line, or reverse all of it");
        terms = charge->draws[i].rate->terms;
        left += charge->draws[i].amount;
    }
    if (left == 0)
        return refuse(engine, "of '%s': nothing of this charge is left to reverse", event_text(event, SCRIP_F_OF_ID));
    amount = left > INT64_MAX ? INT64_MAX : (int64_t)left;
    if (event->shown.has_amount &&
        (money_from_decimal(&event->shown.amount, (int)terms->row.decimals, &amount) < 0 || amount <= 0))
        return refuse(engine, "amount: want an amount of %s above 0, with at most %d decimals",
                      terms->row.currency->text, (int)terms->row.decimals);
    if (amount > left) {
        money_write(amount, (int)terms->row.decimals, wanted, sizeof wanted);
        money_write((int64_t)left, (int)terms->row.decimals, there, sizeof there);
        return refuse(engine, "amount: %s %s wanted, %s of this charge left to reverse", wanted,
                      terms->row.currency->text, there);
    }
    charge_return(engine, account, charge, line, amount, event);
    return SCRIP_APPLIED;
}
