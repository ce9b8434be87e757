/* debts.c - what is owed where no grant could pay: recorded with its charge, settled oldest first by the next balance.
 *
 * Each purse has one grant that stands for its debt: issued nothing, used what is owed or was written off. */
#include "engine_inner.h"

#include <stdio.h>

static struct grant *debt_grant(struct engine *engine, struct account *account, const struct terms *terms)
{
    struct purse *purse = account_purse_make(account, terms->row.currency);
    char id[SCRIP_NAME_SIZE * 2];
    struct scrip_grant_row row = { .id = id,
                                   .event = account->row.event_count,
                                   .class_name = engine->debt_name,
                                   .terms = terms->row.number,
                                   .created_us = SCRIP_TIME_MIN,
                                   .effective_us = SCRIP_TIME_MIN,
                                   .expires_us = SCRIP_TIME_NONE,
                                   .cost_currency = &names_none,
                                   .scope = "",
                                   .order_key = "",
                                   .rules = grant_debt_rules,
                                   .next_us = SCRIP_TIME_NONE };

    if (purse->debt != NULL)
        return purse->debt;
    row.id_size = (uint64_t)snprintf(id, sizeof id, "scrip.debt.%s", terms->row.currency->text);
    row.account = account->row.name;
    row.number = ++account->row.grant_count;
    row.rules_size = strlen(grant_debt_rules);
    account_grant_add(account, &row, terms);
    account_grant_stage(account, purse->debt);
    return purse->debt;
}

static struct claim *debt_find(const struct account *account, uint64_t event_number, uint64_t line)
{
    struct claim *claim = account_debt_find(account, event_number, line);

    while (claim != NULL && claim->row.stage != SCRIP_CLAIM_OPEN)
        claim = claim->before;
    return claim;
}

/* A grant may give only so much to one charge: what it gave is kept with what is still owed. */
static void payer_keep(struct account *account, struct claim *claim, struct grant *grant, int64_t amount)
{
    struct claim_draw draw = { grant, claim->draws[0].rate, claim->row.line, amount, claim->draws[0].time_us };

    if (grant == NULL || grant->rules == NULL || grant->rules->max_per_charge == 0)
        return;
    claim_draw_add(claim, &draw);
    account_claim_touch(account, claim);
}

void debt_payers_keep(struct account *account, uint64_t event_number, uint64_t line, const struct claim_draw *held,
                      size_t count)
{
    struct claim *claim = debt_find(account, event_number, line);

    for (size_t i = 0; claim != NULL && i < count; i++)
        payer_keep(account, claim, held[i].grant, held[i].amount);
}

void debt_payer_less(struct account *account, uint64_t event_number, uint64_t line, const struct grant *grant,
                     int64_t amount)
{
    struct claim *claim = debt_find(account, event_number, line);

    for (size_t i = 1; claim != NULL && i < claim->draw_count && amount > 0; i++)
        if (claim->draws[i].grant == grant) {
            int64_t part = claim->draws[i].amount < amount ? claim->draws[i].amount : amount;

            claim->draws[i].amount -= part;
            account_claim_touch(account, claim);
            amount -= part;
        }
}

void debt_add(struct engine *engine, struct account *account, const struct event *subject, const struct draw *draw,
              const struct quote_line *line, uint64_t event_number, int64_t event_time_us)
{
    const struct terms *terms = line->rate->terms;
    struct grant *grant = debt_grant(engine, account, terms);
    uint64_t number = draw->line + engine->line_base;
    struct claim *claim = debt_find(account, event_number, number);
    char item[24] = ""; /* which line of a usage of several is owed */
    struct scrip_claim_row row = { .kind = SCRIP_CLAIM_DEBT, .id = "", .event = event_number, .line = number,
                                   .terms = terms->row.number, .expires_us = SCRIP_TIME_NONE, .group = item };
    struct claim_draw kept = { NULL, line->rate, number, draw->amount, line->time_us };

    move(engine, account, grant, SCRIP_BOOK_DEBT, SCRIP_BOOK_USED, draw->amount, line->time_us, event_time_us,
         draw->line);
    if (claim != NULL) {
        claim->row.amount += draw->amount;
        account_purse(account, terms->row.currency)->owed += draw->amount;
    } else {
        if (line->item)
            row.group_size = (uint64_t)snprintf(item, sizeof item, "%zu", line->item);
        row.number = ++account->row.claim_count;
        row.amount = draw->amount;
        claim = account_claim_add(account, &row, subject, terms);
        claim_draw_add(claim, &kept);
        account_claim_start(account, claim);
    }
    for (size_t i = 0; i < engine->draw_count; i++)
        if (engine->draws[i].line == draw->line)
            payer_keep(account, claim, engine->draws[i].grant, engine->draws[i].amount);
    claim->nominal += draw->amount;
    account_claim_touch(account, claim);
    /* Of an earlier date: there may be a balance by now. */
    if (line->time_us < account->row.clock_us)
        purse_gain(account, account_purse(account, terms->row.currency), account->row.clock_us);
}

/* Less of a debt is open; a settled one leaves its purse with the next debts_sweep. */
static void debt_lessen(struct account *account, struct claim *claim, int64_t amount, int stage)
{
    claim->row.amount -= amount;
    account_claim_touch(account, claim);
    account_purse(account, claim->terms->row.currency)->owed -= amount;
    if (claim->row.amount <= 0)
        claim->row.stage = stage;
}

static void debts_sweep(struct purse *purse)
{
    size_t kept = 0;

    for (size_t i = 0; i < purse->debt_count; i++)
        if (purse->debts[i]->row.stage == SCRIP_CLAIM_OPEN)
            purse->debts[kept++] = purse->debts[i];
    purse->debt_count = kept;
}

static int64_t debt_settle(struct engine *engine, struct account *account, struct claim *claim, int64_t time_us,
                           int64_t event_time_us)
{
    struct grant *debt = account_purse(account, claim->terms->row.currency)->debt;
    int64_t dated = claim->draws[0].time_us, paid = pay_debt(engine, account, claim);

    engine->of = claim->row.event;
    for (size_t i = 0; i < engine->draw_count; i++) {
        struct draw *draw = &engine->draws[i];
        int64_t cost = grant_cost(draw->grant, draw->amount);

        if (draw->grant->row.unlimited)
            move(engine, account, draw->grant, SCRIP_BOOK_ISSUED, SCRIP_BOOK_AVAILABLE, cost, time_us, event_time_us,
                 draw->line);
        else
            draw->grant->row.balance[SCRIP_BOOK_AVAILABLE] += cost;
        move(engine, account, draw->grant, SCRIP_BOOK_AVAILABLE, SCRIP_BOOK_USED, cost, time_us, event_time_us,
             draw->line);
        move(engine, account, debt, SCRIP_BOOK_USED, SCRIP_BOOK_DEBT, draw->amount, time_us, event_time_us, draw->line);
        note_usage(engine, &claim->event, claim->draws[0].rate, draw->grant->row.class_name, dated, draw->amount, 0);
        note_usage(engine, &claim->event, claim->draws[0].rate, debt->row.class_name, dated, -draw->amount, 0);
        payer_keep(account, claim, draw->grant, draw->amount);
    }
    engine->of = 0;
    if (paid > 0)
        debt_lessen(account, claim, paid, SCRIP_CLAIM_SETTLED);
    return paid;
}

void debts_settle(struct engine *engine, struct account *account, struct purse *purse, int64_t time_us,
                  int64_t event_time_us)
{
    for (size_t i = 0; i < purse->debt_count; i++)
        debt_settle(engine, account, purse->debts[i], time_us, event_time_us);
    debts_sweep(purse);
}

int64_t debt_reduce(struct engine *engine, struct account *account, uint64_t event_number, uint64_t line,
                    int64_t amount)
{
    struct claim *claim = debt_find(account, event_number, line);
    int64_t part = claim == NULL ? 0 : claim->row.amount < amount ? claim->row.amount : amount;

    (void)engine;
    if (part > 0) {
        debt_lessen(account, claim, part, SCRIP_CLAIM_RELEASED);
        debts_sweep(account_purse(account, claim->terms->row.currency));
        /* One grant may be enough for what is left. */
        purse_gain(account, account_purse(account, claim->terms->row.currency), account->row.clock_us);
    }
    return amount - part;
}

void debts_forgive(struct engine *engine, struct account *account, struct purse *purse, int64_t time_us)
{
    for (size_t i = 0; i < purse->debt_count; i++) {
        struct claim *claim = purse->debts[i];

        engine->of = claim->row.event;
        move(engine, account, purse->debt, SCRIP_BOOK_VOIDED, SCRIP_BOOK_DEBT, claim->row.amount, time_us, time_us,
             claim->row.line);
        debt_lessen(account, claim, claim->row.amount, SCRIP_CLAIM_RELEASED);
    }
    debts_sweep(purse);
    engine->of = 0;
}
