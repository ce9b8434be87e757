/* ask_claims.c - open holds, debts and limits; and what to buy where little is left. */
#include "ask.h"

#include "money.h"
#include "replay.h"

struct listing {
    struct scrip *scrip;
    struct table table;
    int question;
    int64_t at_us;
    struct scrip_error *err;
};

static int claim_line(struct listing *l, const struct claim *claim)
{
    struct table *table = &l->table;
    int decimals = (int)claim->terms->row.decimals;

    table_text(table, claim->row.account->text);
    table_text(table, claim->row.kind == SCRIP_CLAIM_HOLD ? claim->row.id : claim->event.shown.id);
    table_time(table, claim->event.shown.time_us);
    table_text(table, claim->event.product->text);
    table_text(table, claim->event.user->text);
    table_text(table, claim->terms->row.currency->text);
    table_amount(table, claim->row.amount, decimals);
    if (claim->row.kind == SCRIP_CLAIM_HOLD) {
        table_amount(table, claim->nominal, decimals);
        table_time(table, claim->row.expires_us);
    }
    return table_row(table);
}

/* What was used of a limit in the period that begins then. */
static int64_t used_in(const struct limit *limit, int64_t start_us)
{
    for (size_t i = limit->window_count; i-- > 0;)
        if (limit->windows[i].start_us == start_us)
            return limit->windows[i].used;
    return 0;
}

static int limit_line(struct listing *l, const struct account *account, const struct limit *limit)
{
    struct table *table = &l->table;
    int decimals = (int)limit->terms->row.decimals;
    int64_t start_us = limit_period(account, limit, l->at_us);

    table_text(table, limit->row.account->text);
    table_text(table, limit->row.id);
    table_text(table, limit->terms->row.currency->text);
    table_amount(table, limit->row.amount, decimals);
    table_text(table, limit->row.per_size ? limit->row.per : "for ever");
    table_text(table, limit->scope.text);
    table_time(table, limit->row.expires_us);
    table_time(table, start_us == SCRIP_TIME_MIN ? SCRIP_TIME_NONE : start_us);
    table_amount(table, used_in(limit, start_us), decimals);
    return table_row(table);
}

static int claims_write(struct listing *l, struct engine *engine, struct account *account)
{
    int kind = l->question == SCRIP_ASK_HOLDS ? SCRIP_CLAIM_HOLD : SCRIP_CLAIM_DEBT, code = SCRIP_OK;

    if (l->at_us >= account->row.clock_us)
        engine_timers(engine, account, l->at_us);
    for (size_t i = 0; l->question != SCRIP_ASK_LIMITS && i < account->claim_count && code == SCRIP_OK; i++)
        if (account->claims[i]->row.kind == kind && account->claims[i]->row.stage == SCRIP_CLAIM_OPEN)
            code = claim_line(l, account->claims[i]);
    for (size_t i = 0; l->question == SCRIP_ASK_LIMITS && i < account->limit_count && code == SCRIP_OK; i++)
        code = limit_line(l, account, account->limits[i]);
    return code;
}

/* The number of the last event before the first one after the instant. */
struct last_by {
    int64_t at_us;
    uint64_t number;
};

static int last_by_row(void *sink, const void *found)
{
    struct last_by *last = sink;
    const struct scrip_event_row *row = found;

    if (row->time_us > last->at_us)
        return 1;
    last->number = row->number;
    return SCRIP_OK;
}

/* As they stood when the account came to the instant, from its events anew: what was late and came afterwards is not in
 * it. */
static int account_claims_then(struct listing *l, const struct scrip_name *name)
{
    struct last_by last = { l->at_us, 0 };
    struct scrip_scan scan = { .table = SCRIP_TABLE_EVENTS, .account = name->text, .from_period = INT64_MIN,
                               .to_period = INT64_MAX, .row = last_by_row, .sink = &last };
    struct replay replay;
    int code = host_scan(l->scrip, &scan, l->err);

    if (code < 0 || last.number == 0)
        return code < 0 ? code : SCRIP_OK;
    replay_open(&replay, l->scrip, l->err);
    replay.until = last.number;
    code = replay_account(&replay, name);
    if (code == SCRIP_OK && replay.is_broken)
        code = error_set(l->err, SCRIP_EIO, "account '%s': its events are damaged: run verify", name->text);
    if (code == SCRIP_OK)
        code = claims_write(l, &replay.engine, replay.account);
    replay_close(&replay);
    return code;
}

static int account_claims(void *sink, const struct scrip_account_row *found)
{
    struct listing *l = sink;
    struct account *account;
    int code = account_copy(l->scrip, found->name->text, &account, l->err);

    if (code < 0 || account == NULL)
        return code;
    code = l->at_us < account->row.clock_us ? account_claims_then(l, found->name)
                                            : claims_write(l, &l->scrip->engine, account);
    account_free(account);
    return code;
}

int ask_claims(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
               struct scrip_error *err)
{
    static const struct scrip_column holds[] = {
        { "account", SCRIP_CELL_TEXT },  { "hold", SCRIP_CELL_TEXT },   { "time", SCRIP_CELL_TIME },
        { "product", SCRIP_CELL_TEXT },  { "user", SCRIP_CELL_TEXT },   { "currency", SCRIP_CELL_TEXT },
        { "held", SCRIP_CELL_NUMBER },   { "alone", SCRIP_CELL_NUMBER }, { "expires", SCRIP_CELL_TIME },
    };
    static const struct scrip_column debts[] = {
        { "account", SCRIP_CELL_TEXT }, { "event", SCRIP_CELL_TEXT },    { "time", SCRIP_CELL_TIME },
        { "product", SCRIP_CELL_TEXT }, { "user", SCRIP_CELL_TEXT },     { "currency", SCRIP_CELL_TEXT },
        { "owed", SCRIP_CELL_NUMBER },
    };
    static const struct scrip_column limits[] = {
        { "account", SCRIP_CELL_TEXT },  { "limit", SCRIP_CELL_TEXT }, { "currency", SCRIP_CELL_TEXT },
        { "amount", SCRIP_CELL_NUMBER }, { "per", SCRIP_CELL_TEXT },   { "scope", SCRIP_CELL_TEXT },
        { "expires", SCRIP_CELL_TIME },  { "period", SCRIP_CELL_TIME }, { "used", SCRIP_CELL_NUMBER },
    };
    struct listing l = { .scrip = scrip, .question = (int)query->question, .err = err };
    int code = query_instant(query, &l.at_us, err);

    if (code < 0)
        return code;
    code = l.question == SCRIP_ASK_HOLDS    ? table_begin(&l.table, answer, "holds", holds, 9)
           : l.question == SCRIP_ASK_DEBTS ? table_begin(&l.table, answer, "debts", debts, 7)
                                           : table_begin(&l.table, answer, "limits", limits, 9);
    if (code == SCRIP_OK)
        code = accounts_each(scrip, query->account, account_claims, &l, err);
    return code ? code : table_end(&l.table);
}

/* ---- what to buy ---------------------------------------------------------------------------------------------- */

static int currency_line(struct listing *l, const struct account *account, const struct currency *currency)
{
    const struct scrip_policy *policy = &currency->policy;
    int decimals = (int)policy->decimals, is_unlimited = 0;
    wide available = 0, wanted;

    for (size_t i = 0; i < account->grant_count; i++) {
        const struct grant *grant = account->grants[i];

        if (grant->terms->row.currency != currency->name)
            continue;
        available += grant->row.balance[SCRIP_BOOK_DEBT];
        if (grant->row.effective_us > l->at_us ||
            (grant->row.expires_us != SCRIP_TIME_NONE && grant->row.expires_us <= l->at_us))
            continue;
        is_unlimited |= (int)grant->row.unlimited;
        available += grant->row.balance[SCRIP_BOOK_AVAILABLE];
    }
    if (is_unlimited || available >= policy->topup_below)
        return SCRIP_OK;
    wanted = policy->topup_to - available;
    wanted = wanted > policy->topup_least ? wanted : policy->topup_least;
    table_text(&l->table, account->row.name->text);
    table_text(&l->table, currency->name->text);
    table_wide(&l->table, available, decimals);
    table_amount(&l->table, policy->topup_below, decimals);
    table_wide(&l->table, wanted, decimals);
    return table_row(&l->table);
}

static int account_advise(void *sink, const struct scrip_account_row *found)
{
    struct listing *l = sink;
    struct account *account;
    int code = account_as_of(l->scrip, found->name->text, l->at_us, 0, &account, l->err);

    if (code < 0 || account == NULL)
        return code;
    for (size_t i = 0; i < l->scrip->currency_count && code == SCRIP_OK; i++)
        if (l->scrip->currencies[i].policy.topup_below != INT64_MIN &&
            account_purse(account, l->scrip->currencies[i].name))
            code = currency_line(l, account, &l->scrip->currencies[i]);
    account_free(account);
    return code;
}

int ask_advise(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
               struct scrip_error *err)
{
    static const struct scrip_column columns[] = {
        { "account", SCRIP_CELL_TEXT }, { "currency", SCRIP_CELL_TEXT }, { "balance", SCRIP_CELL_NUMBER },
        { "below", SCRIP_CELL_NUMBER }, { "top up", SCRIP_CELL_NUMBER },
    };
    struct listing l = { .scrip = scrip, .err = err };
    int code = query_instant(query, &l.at_us, err);

    if (code == SCRIP_OK)
        code = table_begin(&l.table, answer, "advise", columns, 5);
    if (code == SCRIP_OK)
        code = accounts_each(scrip, query->account, account_advise, &l, err);
    return code ? code : table_end(&l.table);
}
