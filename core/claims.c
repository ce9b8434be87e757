/* claims.c - what is still to be settled: holds that are captured, released or time out, and debts.
 *
 * A hold owns its draws, in draw order: a capture uses them from the front, what is given back comes from the end.
 * Holds of one group (returnable capacity) hold together what the currency's rule says; the draws are the group's, and
 * pass on to another open hold of it when one is closed. */
#include "engine_inner.h"

#include "calendar.h"
#include "money.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- what comes back ------------------------------------------------------------------------------------------ */

/* It lives for what came back: its periods are over, and it does not wait for a next use. */
static void reopen(struct account *account, struct grant *grant, int64_t expires_us)
{
    struct timer timer = { .due_us = expires_us, .rank = RANK_EXPIRY, .order = grant->row.number, .grant = grant };

    grant->row.next_us = grant->rules && grant->rules->from == SCRIP_FROM_FIRST_USE ? expires_us : SCRIP_TIME_NONE;

    grant->row.expires_us = expires_us;
    grant->stage = GRANT_LIVE;
    account_timer_put(account, &timer);
}

void draw_return(struct engine *engine, struct account *account, struct grant *grant, int from, int64_t amount,
                 int64_t time_us, int64_t event_time_us, size_t line, int64_t refund_us)
{
    int64_t cost = grant_cost(grant, amount), end_us;
    int to = SCRIP_BOOK_AVAILABLE;

    if (grant->stage == GRANT_DEBT)
        to = SCRIP_BOOK_DEBT;
    else if (grant->row.unlimited)
        to = SCRIP_BOOK_ISSUED;
    else if (grant->row.balance[SCRIP_BOOK_VOIDED] > 0)
        to = SCRIP_BOOK_VOIDED;
    else if (grant->stage == GRANT_ENDED) {
        to = SCRIP_BOOK_EXPIRED;
        if (refund_us > 0 && !__builtin_add_overflow(time_us, refund_us, &end_us) && end_us < SCRIP_TIME_MAX) {
            reopen(account, grant, end_us);
            to = SCRIP_BOOK_AVAILABLE;
        }
    }
    move(engine, account, grant, from, to, cost, time_us, event_time_us, line);
    if (to == SCRIP_BOOK_AVAILABLE || to == SCRIP_BOOK_ISSUED) {
        account_grant_gain(grant);
        purse_gain(account, account_purse(account, grant->terms->row.currency), time_us);
    }
    grant_end_passed(engine, account, grant, event_time_us);
}

/* ---- groups --------------------------------------------------------------------------------------------------- */

static int is_grouped(const struct claim *claim)
{
    return claim->row.group_size > 0;
}

static int same_group(const struct claim *a, const struct claim *b)
{
    return b->row.kind == SCRIP_CLAIM_HOLD && b->row.stage == SCRIP_CLAIM_OPEN &&
           a->terms->row.currency == b->terms->row.currency && a->row.group_size == b->row.group_size &&
           memcmp(a->row.group, b->row.group, a->row.group_size) == 0;
}

/* What the open holds of one product hold together: the n-th counts decay^(n-1) times. */
static int product_total(const struct account *account, const struct claim *one, const struct scrip_name *product,
                         struct scrip_decimal *out)
{
    struct scrip_decimal factor = { 1, 0 }, part;

    *out = (struct scrip_decimal){ 0, 0 };
    for (size_t i = 0; i < account->claim_count; i++) {
        const struct claim *claim = account->claims[i];
        struct scrip_decimal nominal = { claim->nominal, 0 };

        if (!same_group(one, claim) || claim->event.product != product)
            continue;
        if (decimal_multiply(&nominal, &factor, &part) < 0 || decimal_add(out, &part, out) < 0 ||
            decimal_multiply(&factor, &one->terms->rules.hold_decay, &factor) < 0)
            return SCRIP_ERANGE;
    }
    return SCRIP_OK;
}

static int is_first_of_product(const struct account *account, const struct claim *one, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (same_group(one, account->claims[i]) &&
            account->claims[i]->event.product == account->claims[index]->event.product)
            return 0;
    return 1;
}

/* What the open holds of a claim's group hold together, in minor units; below 0: out of range. */
static int64_t group_total(const struct account *account, const struct claim *one)
{
    static const struct scrip_decimal unit = { 1, 0 };
    struct scrip_decimal total = { 0, 0 }, product;

    for (size_t i = 0; i < account->claim_count; i++) {
        if (!same_group(one, account->claims[i]) || !is_first_of_product(account, one, i))
            continue;
        if (product_total(account, one, account->claims[i]->event.product, &product) < 0)
            return -1;
        if (one->terms->rules.hold_rule == SCRIP_HOLD_MAX)
            total = decimal_compare(&product, &total) > 0 ? product : total;
        else if (decimal_add(&total, &product, &total) < 0)
            return -1;
    }
    return decimal_round(&total, &unit, (int)one->terms->row.rounding, &total) < 0 ? -1 : total.whole;
}

/* What they hold. It is less where the total grew as a hold ended, and nothing was left to pay for that. */
static int64_t group_held(const struct account *account, const struct claim *one)
{
    int64_t held = 0;

    for (size_t i = 0; i < account->claim_count; i++)
        if (same_group(one, account->claims[i]))
            held += account->claims[i]->row.amount;
    return held;
}

/* The text of a hold's group: the values of the keys that the currency names. */
static void group_write(const struct event *event, const char *keys, struct bytes *out)
{
    out->size = 0;
    while (*keys) {
        size_t size = strcspn(keys, ", ");
        const char *text = "";

        if (size == 4 && memcmp(keys, "user", 4) == 0)
            text = event->user->text;
        else if (size == 7 && memcmp(keys, "product", 7) == 0)
            text = event->product->text;
        else if (size > 10 && memcmp(keys, "attribute.", 10) == 0)
            for (uint64_t i = 0; i < event->shown.attribute_count; i++)
                if (strlen(event->shown.attributes[i].name) == size - 10 &&
                    memcmp(event->shown.attributes[i].name, keys + 10, size - 10) == 0)
                    text = event->shown.attributes[i].value;
        bytes_add(out, "|", 1);
        bytes_add(out, text, strlen(text));
        keys += size + strspn(keys + size, ", ");
    }
    if (out->size == 0)
        bytes_add(out, "|", 1);
}

/* ---- a hold's draws ------------------------------------------------------------------------------------------- */

static void draw_keep(struct account *account, struct claim *claim, const struct claim_draw *draw)
{
    struct claim_draw *last = claim->draw_count ? &claim->draws[claim->draw_count - 1] : NULL;

    claim->row.amount += draw->amount;
    account_claim_touch(account, claim);
    if (last != NULL && last->grant == draw->grant && last->rate == draw->rate && last->line == draw->line &&
        last->time_us == draw->time_us)
        last->amount += draw->amount;
    else
        claim_draw_add(claim, draw);
}

/* What was taken becomes the hold's. */
static void draws_hold(struct engine *engine, struct account *account, struct claim *claim, const struct quote *quote,
                       int64_t event_time_us)
{
    draws_post(engine, account, &claim->event, quote, SCRIP_BOOK_HELD, event_time_us);
    for (size_t i = 0; i < engine->draw_count; i++) {
        const struct draw *draw = &engine->draws[i];
        struct claim_draw kept = { draw->grant, quote->lines[draw->line].rate, draw->line, draw->amount,
                                   quote->lines[draw->line].time_us };

        draw_keep(account, claim, &kept);
    }
}

/* Gives an amount back, from the end. */
static void draws_give_back(struct engine *engine, struct account *account, struct claim *claim, int64_t amount,
                            int64_t time_us, int64_t event_time_us)
{
    engine->of = claim->row.event;
    while (amount > 0 && claim->draw_count > 0) {
        struct claim_draw *draw = &claim->draws[claim->draw_count - 1];
        int64_t part = draw->amount < amount ? draw->amount : amount;

        draw_return(engine, account, draw->grant, SCRIP_BOOK_HELD, part, time_us, event_time_us, draw->line, 0);
        limits_add(engine, account, &claim->event, draw->rate, draw->time_us, -part);
        draw->amount -= part;
        claim->row.amount -= part;
        amount -= part;
        claim->draw_count -= draw->amount == 0;
    }
    account_claim_touch(account, claim);
    engine->of = 0;
}

static struct claim *heir_of(const struct account *account, const struct claim *claim)
{
    for (size_t i = account->claim_count; is_grouped(claim) && i-- > 0;)
        if (account->claims[i] != claim && same_group(claim, account->claims[i]))
            return account->claims[i];
    return NULL;
}

/* Gives back what a group no longer needs: of one hold first, then of those that came last. */
static void group_give_back(struct engine *engine, struct account *account, struct claim *first, int64_t amount,
                            int64_t time_us, int64_t event_time_us)
{
    int64_t part = amount < first->row.amount ? amount : first->row.amount;

    draws_give_back(engine, account, first, part, time_us, event_time_us);
    amount -= part;
    for (size_t i = account->claim_count; i-- > 0 && amount > 0;) {
        struct claim *claim = account->claims[i];

        if (claim == first || !same_group(first, claim))
            continue;
        part = amount < claim->row.amount ? amount : claim->row.amount;
        draws_give_back(engine, account, claim, part, time_us, event_time_us);
        amount -= part;
    }
}

/* More than is held: who pays the rest, as a charge of its own line; `quote` gets that line, to post it with. */
static int rest_pay(struct engine *engine, struct account *account, struct claim *claim, int64_t rest, int64_t time_us,
                    int to, struct quote *quote)
{
    struct payment p = { .account = account,
                         .event = &claim->event,
                         .is_now = time_us == account->row.clock_us,
                         .is_scoped = 1,
                         .takes_debt = to == SCRIP_BOOK_USED,
                         .time_us = time_us,
                         .amount = rest,
                         .claim = claim };
    int64_t paid;

    engine->draw_count = engine->use_count = engine->woken_count = 0;
    p.rate = claim->draws[0].rate;
    p.line = claim->draws[0].line;
    if (pay(engine, &p, &paid) < 0) {
        shortage(engine, &p);
        sleepers_undo(engine, account, 0);
        return SCRIP_EREFUSED;
    }
    quote->count = 0;
    quote->lines[p.line].rate = p.rate;
    quote->lines[p.line].time_us = time_us;
    return SCRIP_OK;
}

/* A hold grows by an amount that was set aside for its group or for itself. 0, or SCRIP_EREFUSED with the reason. */
static int hold_grow(struct engine *engine, struct account *account, struct claim *claim, int64_t amount,
                     int64_t time_us, int64_t event_time_us)
{
    struct quote quote;

    if (rest_pay(engine, account, claim, amount, time_us, SCRIP_BOOK_HELD, &quote) < 0)
        return SCRIP_EREFUSED;
    engine->of = claim->row.event;
    draws_hold(engine, account, claim, &quote, event_time_us);
    engine->of = 0;
    return SCRIP_OK;
}

/* Ends a hold: what it still holds goes back, or on to its group as far as that needs it. Where repeats count less, the
 * group may need more without its first: as far as there is some. */
static void hold_end(struct engine *engine, struct account *account, struct claim *claim, int stage, int64_t time_us,
                     int64_t event_time_us)
{
    struct claim *heir = heir_of(account, claim);
    int64_t excess;

    account_claim_touch(account, claim);
    if (heir == NULL) {
        draws_give_back(engine, account, claim, claim->row.amount, time_us, event_time_us);
        claim->row.stage = stage;
        return;
    }
    claim->row.stage = stage;
    for (size_t i = 0; i < claim->draw_count; i++)
        draw_keep(account, heir, &claim->draws[i]);
    claim->draw_count = 0;
    claim->row.amount = 0;
    excess = group_held(account, heir) - group_total(account, heir);
    if (excess > 0)
        group_give_back(engine, account, heir, excess, time_us, event_time_us);
    else if (excess < 0 && heir->draw_count > 0 &&
             hold_grow(engine, account, heir, -excess, time_us, event_time_us) < 0)
        engine->effect.reason[0] = 0;
}

void hold_time_out(struct engine *engine, struct account *account, struct claim *claim, int64_t time_us,
                   int64_t event_time_us)
{
    hold_end(engine, account, claim, SCRIP_CLAIM_TIMED_OUT, time_us, event_time_us);
}

/* ---- holds ---------------------------------------------------------------------------------------------------- */

/* A fresh claim for the event at hand; claim_drop takes it back. */
static struct claim *claim_start(struct engine *engine, struct account *account, const struct event *event,
                                 const char *id, const struct quote *quote)
{
    const struct terms *terms = quote->lines[0].rate->terms;
    struct scrip_claim_row row = { .number = ++account->row.claim_count,
                                   .kind = SCRIP_CLAIM_HOLD,
                                   .id = id,
                                   .id_size = strlen(id),
                                   .event = account->row.event_count,
                                   .terms = terms->row.number };
    static const struct scrip_decimal one = { 1, 0 };
    int is_shared = terms->rules.hold_group[0] || terms->rules.hold_rule == SCRIP_HOLD_MAX ||
                    decimal_compare(&terms->rules.hold_decay, &one) != 0;

    if (is_shared && quote->count == 1) {
        group_write(event, terms->rules.hold_group, &engine->head);
        row.group = (const char *)engine->head.start;
        row.group_size = engine->head.size;
    }
    row.expires_us = event_time(event, SCRIP_F_EXPIRES);
    if (row.expires_us == SCRIP_TIME_NONE && terms->rules.hold_us > 0)
        row.expires_us = event->shown.time_us + terms->rules.hold_us;
    return account_claim_add(account, &row, event, terms);
}

static int claim_drop(struct account *account)
{
    account_claim_drop(account);
    account->row.claim_count--;
    return SCRIP_REFUSED;
}

/* Pays for what a group needs beside what it holds, as its members are now. 0, or SCRIP_EREFUSED. */
static int group_pay(struct engine *engine, struct account *account, struct claim *claim, const struct quote *quote)
{
    struct payment p = { .account = account,
                         .event = &claim->event,
                         .rate = quote->lines[0].rate,
                         .time_us = quote->lines[0].time_us,
                         .is_now = quote->lines[0].time_us == account->row.clock_us,
                         .is_scoped = 1 };
    int64_t after = group_total(account, claim), paid;

    engine->draw_count = engine->use_count = engine->woken_count = 0;
    if (after < 0) {
        refuse(engine, "hold: the sum of its group is out of range");
        return SCRIP_EREFUSED;
    }
    p.amount = after - group_held(account, claim);
    if (p.amount > 0 && pay(engine, &p, &paid) < 0) {
        shortage(engine, &p);
        sleepers_undo(engine, account, 0);
        return SCRIP_EREFUSED;
    }
    return SCRIP_OK;
}

int hold_apply(struct engine *engine, struct account *account, const struct event *event, const struct quote *quote)
{
    const char *id = event_text(event, SCRIP_F_HOLD);
    const struct effect *effect = &engine->effect;
    int64_t expires = event_time(event, SCRIP_F_EXPIRES);
    struct claim *claim;

    id = id[0] ? id : event->shown.id;
    if (account_hold_find(account, id, strlen(id)) != NULL)
        return refuse(engine, "hold '%s': the account has a hold of this id already", id);
    if (expires != SCRIP_TIME_NONE && expires <= event->shown.time_us)
        return refuse(engine, "hold '%s': it would time out before it begins", id);
    if (quote->count == 0)
        return refuse(engine, "hold '%s': there is nothing to hold: its usage is free", id);
    claim = claim_start(engine, account, event, id, quote);
    if (is_grouped(claim)) {
        struct money_part part = { quote->lines[0].quantity, quote->lines[0].rate->row.rate,
                                   quote->lines[0].rate->row.per };

        if (money_charge(&part, 1, (int)claim->terms->row.decimals, (int)claim->terms->row.rounding, &claim->nominal) <
                0 ||
            claim->nominal < 0) {
            claim_drop(account);
            return refuse(engine, "amount: quantity x rate is out of range");
        }
        if (group_pay(engine, account, claim, quote) < 0)
            return claim_drop(account);
    } else if (lines_pay(engine, account, event, quote, 0) < 0)
        return claim_drop(account);
    engine->effect.reason[0] = 0;
    for (size_t i = 0; i < effect->paid_count; i++)
        if (quote->lines[effect->paid[i]].rate->terms->row.currency !=
            quote->lines[effect->paid[0]].rate->terms->row.currency) {
            pay_undo(engine, 0, 0);
            claim_drop(account);
            return refuse(engine, "hold '%s': its lines are of more than one currency: hold each by itself", id);
        }
    if (effect->paid_count > 0 && !is_grouped(claim)) {
        claim->terms = quote->lines[effect->paid[0]].rate->terms;
        claim->row.terms = claim->terms->row.number;
        if (expires == SCRIP_TIME_NONE)
            claim->row.expires_us =
                claim->terms->rules.hold_us > 0 ? event->shown.time_us + claim->terms->rules.hold_us : SCRIP_TIME_NONE;
    }
    draws_hold(engine, account, claim, quote, event->shown.time_us);
    if (!is_grouped(claim))
        claim->nominal = claim->row.amount;
    account_claim_touch(account, claim);
    account_claim_start(account, claim);
    return SCRIP_APPLIED;
}

/* The open hold that an event is about, or NULL with the refusal. */
static struct claim *hold_of(struct engine *engine, const struct account *account, const struct event *event)
{
    static const char *const ends[] = { "", "captured already", "released already", "timed out", "settled" };
    const char *id = event_text(event, SCRIP_F_HOLD);
    struct claim *claim = account_hold_find(account, id, strlen(id));
    char when[TIME_TEXT_SIZE] = "";

    if (claim == NULL) {
        refuse(engine, "hold '%s': the account has no such hold", id);
        return NULL;
    }
    if (claim->row.stage == SCRIP_CLAIM_OPEN)
        return claim;
    if (claim->row.stage == SCRIP_CLAIM_TIMED_OUT)
        time_write(claim->row.expires_us, when, sizeof when);
    refuse(engine, "hold '%s': %s%s%s", id, ends[claim->row.stage], when[0] ? " at " : "", when);
    return NULL;
}

/* The event's amount in the hold's currency, or all that is held. 0, or SCRIP_EREFUSED. */
static int amount_of(struct engine *engine, const struct claim *claim, const struct event *event, int64_t *out)
{
    *out = claim->row.amount;
    if (!event->shown.has_amount)
        return SCRIP_OK;
    if (money_from_decimal(&event->shown.amount, (int)claim->terms->row.decimals, out) == SCRIP_OK && *out >= 0)
        return SCRIP_OK;
    refuse(engine, "amount: it is no amount of %s, which has %d decimals, from 0 up", claim->terms->row.currency->text,
           (int)claim->terms->row.decimals);
    return SCRIP_EREFUSED;
}

/* Uses an amount of what is held, from the front. */
static void draws_use(struct engine *engine, struct account *account, struct claim *claim, int64_t amount,
                      int64_t time_us)
{
    size_t used = 0;

    engine->of = claim->row.event;
    for (size_t i = 0; i < claim->draw_count && amount > 0; i++) {
        struct claim_draw *draw = &claim->draws[i];
        int64_t part = draw->amount < amount ? draw->amount : amount;

        move(engine, account, draw->grant, SCRIP_BOOK_HELD, SCRIP_BOOK_USED, grant_cost(draw->grant, part), time_us,
             time_us, draw->line);
        note_usage(engine, &claim->event, draw->rate, draw->grant->row.class_name, time_us, part, i == 0);
        draw->amount -= part;
        claim->row.amount -= part;
        amount -= part;
        used += draw->amount == 0;
    }
    claim->draw_count -= used;
    if (used > 0)
        memmove(claim->draws, claim->draws + used, claim->draw_count * sizeof *claim->draws);
    engine->of = 0;
}

/* All that is held, and more: what was held was drawn before the rest. */
static int capture_more(struct engine *engine, struct account *account, struct claim *claim, int64_t amount,
                        int64_t time_us)
{
    size_t count = claim->draw_count, line = claim->draws[0].line;
    struct claim_draw *held;
    struct quote quote = { .count = 0 };

    if (rest_pay(engine, account, claim, amount - claim->row.amount, time_us, SCRIP_BOOK_USED, &quote) < 0)
        return SCRIP_REFUSED;
    held = memory_get(count * sizeof *held);
    memcpy(held, claim->draws, count * sizeof *held);
    draws_use(engine, account, claim, claim->row.amount, time_us);
    engine->of = claim->row.event;
    draws_post(engine, account, &claim->event, &quote, SCRIP_BOOK_USED, time_us);
    engine->of = 0;
    debt_payers_keep(account, claim->row.event, line, held, count);
    free(held);
    return SCRIP_CHARGED;
}

int capture_apply(struct engine *engine, struct account *account, const struct event *event)
{
    struct claim *claim = hold_of(engine, account, event);
    int64_t amount, time_us = event->shown.time_us;
    char wanted[DECIMAL_TEXT_SIZE], held[DECIMAL_TEXT_SIZE];
    const struct rate *rate;

    if (claim == NULL || amount_of(engine, claim, event, &amount) < 0)
        return SCRIP_REFUSED;
    if (is_grouped(claim))
        return refuse(engine, "hold '%s': it holds capacity that is given back: release it", claim->row.id);
    if (amount > claim->row.amount && claim->draw_count == 0)
        return refuse(engine, "hold '%s': it holds nothing that could be captured: charge the usage itself",
                      claim->row.id);
    if (amount > claim->row.amount && !claim->terms->rules.capture_over) {
        money_write(amount, (int)claim->terms->row.decimals, wanted, sizeof wanted);
        money_write(claim->row.amount, (int)claim->terms->row.decimals, held, sizeof held);
        return refuse(engine, "hold '%s': %s %s wanted, %s held: capture at most that, or set capture_over = charge",
                      claim->row.id, wanted, claim->terms->row.currency->text, held);
    }
    rate = claim->draw_count ? claim->draws[0].rate : NULL;
    if (amount <= claim->row.amount)
        draws_use(engine, account, claim, amount, time_us);
    else if (capture_more(engine, account, claim, amount, time_us) == SCRIP_REFUSED)
        return SCRIP_REFUSED;
    hold_end(engine, account, claim, SCRIP_CLAIM_CAPTURED, time_us, time_us);
    claim->captured_by = account->row.event_count;
    if (amount > 0)
        return SCRIP_CHARGED;
    if (rate != NULL)
        note_usage(engine, &claim->event, rate, &names_none, time_us, 0, 1);
    return SCRIP_ZERO;
}

int release_apply(struct engine *engine, struct account *account, const struct event *event)
{
    struct claim *claim = hold_of(engine, account, event);
    int64_t amount, time_us = event->shown.time_us;

    if (claim == NULL || amount_of(engine, claim, event, &amount) < 0)
        return SCRIP_REFUSED;
    if (amount > claim->row.amount)
        return refuse(engine, "hold '%s': less than that is held: release all of it without an amount", claim->row.id);
    if (is_grouped(claim) && event->shown.has_amount)
        return refuse(engine, "hold '%s': it counts in its group as a whole: release it without an amount",
                      claim->row.id);
    if (!event->shown.has_amount || amount == claim->row.amount)
        hold_end(engine, account, claim, SCRIP_CLAIM_RELEASED, time_us, time_us);
    else {
        draws_give_back(engine, account, claim, amount, time_us, time_us);
        claim->nominal = claim->row.amount;
    }
    return SCRIP_APPLIED;
}

/* `amount` is what is to be held from now on. */
static int hold_resize(struct engine *engine, struct account *account, struct claim *claim, int64_t amount,
                       int64_t time_us)
{
    int64_t before, after, excess, old = claim->nominal;
    int code = SCRIP_OK;

    if (!is_grouped(claim)) {
        if (amount < claim->row.amount)
            draws_give_back(engine, account, claim, claim->row.amount - amount, time_us, time_us);
        else if (amount > claim->row.amount && claim->draw_count == 0)
            return refuse(engine, "hold '%s': it holds nothing that could grow: make another", claim->row.id);
        else if (amount > claim->row.amount)
            code = hold_grow(engine, account, claim, amount - claim->row.amount, time_us, time_us);
        claim->nominal = code < 0 ? old : amount;
        return code < 0 ? SCRIP_REFUSED : SCRIP_APPLIED;
    }
    before = group_total(account, claim);
    claim->nominal = amount;
    after = group_total(account, claim);
    if (after < 0)
        code = refuse(engine, "hold: the sum of its group is out of range");
    else if (claim->draw_count == 0 && after > before)
        code = refuse(engine, "hold '%s': another of its group holds for it: make another hold", claim->row.id);
    else if ((excess = group_held(account, claim) - after) >= 0)
        group_give_back(engine, account, claim, excess, time_us, time_us);
    else if (claim->draw_count > 0)
        code = hold_grow(engine, account, claim, -excess, time_us, time_us);
    if (code != SCRIP_OK)
        claim->nominal = old;
    return code != SCRIP_OK ? SCRIP_REFUSED : SCRIP_APPLIED;
}

int extend_apply(struct engine *engine, struct account *account, const struct event *event)
{
    struct claim *claim = hold_of(engine, account, event);
    int64_t expires = event_time(event, SCRIP_F_EXPIRES), amount;

    if (claim == NULL || amount_of(engine, claim, event, &amount) < 0)
        return SCRIP_REFUSED;
    if (expires != SCRIP_TIME_NONE && expires <= event->shown.time_us)
        return refuse(engine, "hold '%s': it would time out in the past: release it", claim->row.id);
    if (event->shown.has_amount && hold_resize(engine, account, claim, amount, event->shown.time_us) == SCRIP_REFUSED)
        return SCRIP_REFUSED;
    /* A heartbeat without a time: as long again as the currency gives. */
    if (expires == SCRIP_TIME_NONE && !event->shown.has_amount && claim->terms->rules.hold_us > 0)
        expires = event->shown.time_us + claim->terms->rules.hold_us;
    if (expires != SCRIP_TIME_NONE) {
        claim->row.expires_us = expires;
        account_claim_start(account, claim);
    }
    account_claim_touch(account, claim);
    return SCRIP_APPLIED;
}
