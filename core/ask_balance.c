/* ask_balance.c - what accounts hold, and what of it expires. */
#include "ask.h"

#include "money.h"

#include <stdio.h>

struct balances {
    struct scrip *scrip;
    struct table table;
    int64_t at_us, known_at_us;
    enum { BY_CURRENCY, BY_CLASS, BY_GRANT } by;
    int64_t from_us, to_us; /* of expiring */
    const struct scrip_name *only; /* account asked for */
    int found;
    struct scrip_error *err;
};

static int is_live(const struct scrip_grant_row *row, int64_t at_us)
{
    return row->effective_us <= at_us && (row->expires_us == SCRIP_TIME_NONE || row->expires_us > at_us);
}

/* ---- balance -------------------------------------------------------------------------------------------------- */

/* One row of the grants [first, end) in a currency. */
static int purse_row(struct balances *b, const struct account *account, const struct scrip_name *currency, size_t first,
                     size_t end)
{
    wide sum[SCRIP_BOOK_COUNT] = { 0 }, available = 0, waiting = 0;
    int decimals = 0, is_there = 0, is_unlimited = 0;
    struct table *table = &b->table;

    for (size_t i = first; i < end; i++) {
        const struct grant *grant = account->grants[i];
        const struct scrip_grant_row *row = &grant->row;

        if (grant->terms->row.currency != currency || !grant_was_there(grant, b->at_us))
            continue;
        is_there = 1;
        decimals = (int)grant->terms->row.decimals;
        for (int book = 0; book < SCRIP_BOOK_COUNT; book++)
            sum[book] += row->balance[book];
        if (is_live(row, b->at_us)) {
            available += row->balance[SCRIP_BOOK_AVAILABLE];
            is_unlimited |= (int)row->unlimited;
        } else
            waiting += row->balance[SCRIP_BOOK_AVAILABLE];
    }
    if (!is_there)
        return SCRIP_OK;
    table_text(table, account->row.name->text);
    table_text(table, currency->text);
    if (b->by == BY_CLASS)
        table_text(table, account->grants[first]->row.class_name->text);
    if (is_unlimited)
        table_text(table, "unlimited");
    else
        table_wide(table, available, decimals);
    table_wide(table, waiting, decimals);
    table_wide(table, sum[SCRIP_BOOK_HELD], decimals);
    table_wide(table, sum[SCRIP_BOOK_USED], decimals);
    table_wide(table, sum[SCRIP_BOOK_EXPIRED], decimals);
    table_wide(table, sum[SCRIP_BOOK_VOIDED], decimals);
    table_wide(table, -sum[SCRIP_BOOK_DEBT], decimals);
    return table_row(table);
}

/* Of an account that is the question's own copy. */
static void grants_sort(struct account *account, int (*order)(const void *, const void *))
{
    if (account->grant_count)
        qsort(account->grants, account->grant_count, sizeof *account->grants, order);
}

static int by_draw_order(const void *a, const void *b)
{
    const struct grant *left = *(struct grant *const *)a, *right = *(struct grant *const *)b;
    int order = strcmp(left->terms->row.currency->text, right->terms->row.currency->text);

    return order ? order : grant_order(left, right);
}

static int by_class(const void *a, const void *b)
{
    const struct grant *left = *(struct grant *const *)a, *right = *(struct grant *const *)b;
    int order = strcmp(left->terms->row.currency->text, right->terms->row.currency->text);

    return order ? order : strcmp(left->row.class_name->text, right->row.class_name->text);
}

static int class_rows(struct balances *b, struct account *account)
{
    int code = SCRIP_OK;

    grants_sort(account, by_class);
    for (size_t first = 0, end; first < account->grant_count && code == SCRIP_OK; first = end) {
        for (end = first + 1; end < account->grant_count; end++)
            if (by_class(&account->grants[first], &account->grants[end]) != 0)
                break;
        code = purse_row(b, account, account->grants[first]->terms->row.currency, first, end);
    }
    return code;
}

static int grant_line(struct balances *b, const struct grant *grant)
{
    const struct scrip_grant_row *row = &grant->row;
    struct table *table = &b->table;
    int decimals = (int)grant->terms->row.decimals;
    int live = is_live(row, b->at_us);

    table_text(table, row->account->text);
    table_text(table, row->id);
    table_text(table, row->class_name->text);
    table_text(table, grant->terms->row.currency->text);
    table_time(table, grant->stage == GRANT_DEBT ? SCRIP_TIME_NONE : row->effective_us);
    table_time(table, row->expires_us);
    table_text(table, grant->stage == GRANT_DEBT     ? "debt"
                      : live                         ? "live"
                      : row->effective_us > b->at_us ? "waiting"
                                                     : "ended");
    table_amount(table, row->balance[SCRIP_BOOK_ISSUED], decimals);
    if (row->unlimited && live)
        table_text(table, "unlimited");
    else
        table_amount(table, row->balance[SCRIP_BOOK_AVAILABLE], decimals);
    table_amount(table, row->balance[SCRIP_BOOK_HELD], decimals);
    table_amount(table, row->balance[SCRIP_BOOK_USED], decimals);
    table_amount(table, row->balance[SCRIP_BOOK_EXPIRED], decimals);
    table_amount(table, row->balance[SCRIP_BOOK_VOIDED], decimals);
    table_amount(table, row->balance[SCRIP_BOOK_CLEARING], decimals);
    return table_row(table);
}

static int by_currency(const void *a, const void *b)
{
    return strcmp((*(struct purse *const *)a)->currency->text, (*(struct purse *const *)b)->currency->text);
}

static int account_balance(void *sink, const struct scrip_account_row *found)
{
    struct balances *b = sink;
    struct account *account;
    int code = account_as_of(b->scrip, found->name->text, b->at_us, b->known_at_us, &account, b->err);

    if (code < 0 || account == NULL)
        return code;
    b->found = 1;
    if (account->purse_count > 1)
        qsort(account->purses, account->purse_count, sizeof *account->purses, by_currency);
    if (b->by == BY_CURRENCY)
        for (size_t i = 0; i < account->purse_count && code == SCRIP_OK; i++)
            code = purse_row(b, account, account->purses[i]->currency, 0, account->grant_count);
    else if (b->by == BY_CLASS)
        code = class_rows(b, account);
    else {
        grants_sort(account, by_draw_order);
        for (size_t i = 0; i < account->grant_count && code == SCRIP_OK; i++)
            if (grant_was_there(account->grants[i], b->at_us))
                code = grant_line(b, account->grants[i]);
    }
    account_free(account);
    return code;
}

/* Nothing of an account that nobody knows is an error, not an empty table. */
static int found_check(const struct balances *b, const struct scrip_query *query, int code)
{
    if (code == SCRIP_OK && query->account != NULL && !b->found)
        return error_set(b->err, SCRIP_ENOTFOUND, "account '%s': the store has no such account", query->account);
    return code;
}

int ask_balance(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
                struct scrip_error *err)
{
    static const struct scrip_column sums[] = {
        { "account", SCRIP_CELL_TEXT },   { "currency", SCRIP_CELL_TEXT },  { "available", SCRIP_CELL_NUMBER },
        { "waiting", SCRIP_CELL_NUMBER }, { "held", SCRIP_CELL_NUMBER },    { "used", SCRIP_CELL_NUMBER },
        { "expired", SCRIP_CELL_NUMBER }, { "voided", SCRIP_CELL_NUMBER },  { "debt", SCRIP_CELL_NUMBER },
    };
    static const struct scrip_column classes[] = {
        { "account", SCRIP_CELL_TEXT },     { "currency", SCRIP_CELL_TEXT },  { "class", SCRIP_CELL_TEXT },
        { "available", SCRIP_CELL_NUMBER }, { "waiting", SCRIP_CELL_NUMBER }, { "held", SCRIP_CELL_NUMBER },
        { "used", SCRIP_CELL_NUMBER },      { "expired", SCRIP_CELL_NUMBER }, { "voided", SCRIP_CELL_NUMBER },
        { "debt", SCRIP_CELL_NUMBER },
    };
    static const struct scrip_column grants[] = {
        { "account", SCRIP_CELL_TEXT },   { "grant", SCRIP_CELL_TEXT },       { "class", SCRIP_CELL_TEXT },
        { "currency", SCRIP_CELL_TEXT },  { "effective", SCRIP_CELL_TIME },   { "expires", SCRIP_CELL_TIME },
        { "stage", SCRIP_CELL_TEXT },     { "issued", SCRIP_CELL_NUMBER },    { "available", SCRIP_CELL_NUMBER },
        { "held", SCRIP_CELL_NUMBER },    { "used", SCRIP_CELL_NUMBER },      { "expired", SCRIP_CELL_NUMBER },
        { "voided", SCRIP_CELL_NUMBER }, { "transferred", SCRIP_CELL_NUMBER },
    };
    struct balances b = { .scrip = scrip, .known_at_us = query->known_at_us, .err = err };
    char title[64] = "balance", when[40];
    int code = query_instant(query, &b.at_us, err);

    if (query->by != NULL && strcmp(query->by, "grant") == 0)
        b.by = BY_GRANT;
    else if (query->by != NULL && strcmp(query->by, "class") == 0)
        b.by = BY_CLASS;
    else if (query->by != NULL && query->by[0])
        code = error_set(err, SCRIP_EINVALID, "by '%s': a balance can be listed by grant or by class", query->by);
    if (code < 0)
        return code;
    if (query->as_of_us != SCRIP_TIME_NONE || query->before_us != SCRIP_TIME_NONE) {
        host_table.time_write(query->as_of_us != SCRIP_TIME_NONE ? query->as_of_us : query->before_us, when,
                              sizeof when);
        snprintf(title, sizeof title, "balance %s %s", query->as_of_us != SCRIP_TIME_NONE ? "as of" : "before", when);
    }
    if (b.by == BY_GRANT)
        code = table_begin(&b.table, answer, title, grants, 14);
    else if (b.by == BY_CLASS)
        code = table_begin(&b.table, answer, title, classes, 10);
    else
        code = table_begin(&b.table, answer, title, sums, 9);
    if (code == SCRIP_OK)
        code = accounts_each(scrip, query->account, account_balance, &b, err);
    code = found_check(&b, query, code);
    return code ? code : table_end(&b.table);
}

/* ---- expiring ------------------------------------------------------------------------------------------------- */

/* The part of a lot's cost that an amount of it bears, to the cent, half to even. */
static void cost_cell(struct table *table, const struct scrip_grant_row *row, int64_t amount)
{
    static const struct scrip_decimal cent = { 0, SCRIP_ATTO / 100 };
    struct scrip_decimal left = { amount, 0 }, issued = { row->balance[SCRIP_BOOK_ISSUED], 0 }, cost;

    if (!row->has_cost || issued.whole <= 0 || decimal_multiply(&row->cost, &left, &cost) < 0 ||
        decimal_divide(&cost, &issued, SCRIP_HALF_EVEN, &cost) < 0 ||
        decimal_round(&cost, &cent, SCRIP_HALF_EVEN, &cost) < 0)
        table_none(table);
    else
        table_decimal(table, &cost);
}

static int by_expiry(const void *a, const void *b)
{
    const struct scrip_grant_row *left = &(*(struct grant *const *)a)->row, *right = &(*(struct grant *const *)b)->row;

    if (left->expires_us != right->expires_us)
        return left->expires_us < right->expires_us ? -1 : 1;
    return (left->number > right->number) - (left->number < right->number);
}

static int account_expiring(void *sink, const struct scrip_account_row *found)
{
    struct balances *b = sink;
    struct account *account;
    int code = account_as_of(b->scrip, found->name->text, b->at_us, b->known_at_us, &account, b->err);

    if (code < 0 || account == NULL)
        return code;
    b->found = 1;
    grants_sort(account, by_expiry);
    for (size_t i = 0; i < account->grant_count && code == SCRIP_OK; i++) {
        const struct grant *grant = account->grants[i];
        const struct scrip_grant_row *row = &grant->row;
        int64_t amount = row->balance[SCRIP_BOOK_AVAILABLE] + row->balance[SCRIP_BOOK_EXPIRED];

        if (row->expires_us == SCRIP_TIME_NONE || row->expires_us < b->from_us || row->expires_us >= b->to_us ||
            amount <= 0)
            continue;
        table_text(&b->table, row->account->text);
        table_time(&b->table, row->expires_us);
        table_text(&b->table, row->id);
        table_text(&b->table, row->class_name->text);
        table_text(&b->table, grant->terms->row.currency->text);
        table_amount(&b->table, amount, (int)grant->terms->row.decimals);
        table_text(&b->table, row->expires_us <= b->at_us ? "expired" : "will expire");
        cost_cell(&b->table, row, amount);
        table_text(&b->table, row->has_cost ? row->cost_currency->text : "");
        code = table_row(&b->table);
    }
    account_free(account);
    return code;
}

int ask_expiring(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
                 struct scrip_error *err)
{
    static const struct scrip_column columns[] = {
        { "account", SCRIP_CELL_TEXT },  { "expires", SCRIP_CELL_TIME },  { "grant", SCRIP_CELL_TEXT },
        { "class", SCRIP_CELL_TEXT },    { "currency", SCRIP_CELL_TEXT }, { "amount", SCRIP_CELL_NUMBER },
        { "stage", SCRIP_CELL_TEXT },    { "cost", SCRIP_CELL_NUMBER },   { "cost currency", SCRIP_CELL_TEXT },
    };
    struct balances b = { .scrip = scrip, .known_at_us = query->known_at_us, .err = err };
    int code = query_instant(query, &b.at_us, err);

    if (code < 0)
        return code;
    b.from_us = query->from_us == SCRIP_TIME_NONE ? INT64_MIN : query->from_us;
    b.to_us = query->to_us == SCRIP_TIME_NONE ? INT64_MAX : query->to_us;
    code = table_begin(&b.table, answer, "expiring", columns, 9);
    if (code == SCRIP_OK)
        code = accounts_each(scrip, query->account, account_expiring, &b, err);
    code = found_check(&b, query, code);
    return code ? code : table_end(&b.table);
}
