/* pay_lines.c - the lines of a charge: each paid by itself, all or none; and what was drawn becomes entries. */
#include "engine_inner.h"

#include "money.h"

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
static int line_pay(struct engine *engine, struct account *account, const struct event *subject,
                    const struct quote *quote, size_t line, int takes_debt)
{
    struct payment p = { .account = account,
                         .event = quote_subject(quote, line, subject),
                         .rate = quote->lines[line].rate,
                         .line = line,
                         .time_us = quote->lines[line].time_us,
                         .is_scoped = 1,
                         .takes_debt = takes_debt };
    struct effect *effect = &engine->effect;
    size_t first_woken = engine->woken_count;
    int64_t paid = 0;
    int code = line_amount(engine, quote, line, &p.amount);

    if (code < 0 || p.amount < 0) {
        refuse(engine, code < 0 ? "amount: quantity x rate is out of range"
                                : "amount: below 0: a usage cannot give back: use a reversal or an adjustment");
        return SCRIP_EREFUSED;
    }
    p.is_now = p.time_us == account->row.clock_us;
    if (p.amount > 0 && (code = pay(engine, &p, &paid)) < 0) {
        shortage(engine, &p);
        sleepers_undo(engine, account, first_woken);
        return code;
    }
    effect->amounts[effect->paid_count] = paid;
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

/* Of alternatives none of which grants can pay, the first that may be owed. */
static int group_owe(struct engine *engine, struct account *account, const struct event *subject,
                     const struct quote *quote, uint64_t group, int takes_debt)
{
    for (size_t i = 0; i < quote->count && takes_debt; i++)
        if (quote->lines[i].group == group &&
            (takes_debt == 2 || quote->lines[i].rate->terms->rules.overdraft == SCRIP_OVERDRAFT_DEBT) &&
            line_pay(engine, account, subject, quote, i, takes_debt) == SCRIP_OK)
            return SCRIP_OK;
    return SCRIP_EREFUSED;
}

int lines_pay(struct engine *engine, struct account *account, const struct event *subject, const struct quote *quote,
              int takes_debt)
{
    engine->draw_count = engine->use_count = engine->woken_count = 0;
    engine->effect.paid_count = 0;
    for (size_t i = 0; i < quote->count; i++) {
        uint64_t group = quote->lines[i].group;
        int goes_on = group && group_goes_on(quote, i);

        if (group && group_is_paid(&engine->effect, quote, group))
            continue;
        /* Debt comes last: of alternatives, what a grant can pay. */
        if (line_pay(engine, account, subject, quote, i, group ? 0 : takes_debt) < 0 && !goes_on &&
            (group == 0 || group_owe(engine, account, subject, quote, group, takes_debt) < 0)) {
            pay_undo(engine, 0, 0);
            sleepers_undo(engine, account, 0);
            engine->effect.paid_count = 0;
            return SCRIP_EREFUSED;
        }
    }
    return SCRIP_OK;
}

/* Lines that cost nothing are usage, too. */
static void zero_lines_note(struct engine *engine, const struct event *subject, const struct quote *quote)
{
    const struct effect *effect = &engine->effect;

    for (size_t i = 0; i < effect->paid_count; i++)
        if (effect->amounts[i] == 0)
            note_usage(engine, quote_subject(quote, effect->paid[i], subject), quote->lines[effect->paid[i]].rate,
                       &names_none, quote->lines[effect->paid[i]].time_us, 0, 1);
}

void draws_post(struct engine *engine, struct account *account, const struct event *subject, const struct quote *quote,
                int to, int64_t event_time_us)
{
    uint64_t event_number = engine->of ? engine->of : account->row.event_count;
    size_t counted = SIZE_MAX;

    for (size_t i = 0; i < engine->draw_count; i++) {
        struct draw draw = engine->draws[i];
        const struct quote_line *line = &quote->lines[draw.line];
        const struct event *of = quote_subject(quote, draw.line, subject);
        struct grant *grant = draw.grant;
        int64_t cost;

        if (grant == NULL) {
            debt_add(engine, account, of, &draw, line, event_number, event_time_us);
        } else {
            cost = grant_cost(grant, draw.amount);
            if (grant->row.unlimited)
                move(engine, account, grant, SCRIP_BOOK_ISSUED, SCRIP_BOOK_AVAILABLE, cost, line->time_us,
                     event_time_us, draw.line);
            else
                grant->row.balance[draw.book] += cost;
            if (draw.book == SCRIP_BOOK_EXPIRED)
                move(engine, account, grant, SCRIP_BOOK_EXPIRED, SCRIP_BOOK_AVAILABLE, cost, grant->row.expires_us,
                     event_time_us, draw.line);
            move(engine, account, grant, SCRIP_BOOK_AVAILABLE, to, cost, line->time_us, event_time_us, draw.line);
        }
        if (to == SCRIP_BOOK_USED)
            note_usage(engine, of, line->rate,
                       (grant ? grant : account_purse(account, line->rate->terms->row.currency)->debt)->row.class_name,
                       line->time_us, draw.amount, draw.line != counted);
        counted = draw.line;
    }
    if (to == SCRIP_BOOK_USED)
        zero_lines_note(engine, subject, quote);
}
