/* reconcile.c - what somebody else says that accounts hold, beside what the books say. Nothing is written.
 *
 * The file is read by a configured source, whose rows are taken for statements: of one grant, or of all of a class, or
 * of all of a currency; `amount` is what was issued, `quantity` what was used, `balance` what is left, of which each
 * may be absent. A row tells how it was right before its time. */
#include "ask.h"
#include "intake.h"

#include "calendar.h"
#include "money.h"

#include <inttypes.h>
#include <stdio.h>

/* A grant that rows have named. */
struct named {
    const struct scrip_name *account, *currency;
    char *grant;
};

struct reconciling {
    struct scrip *scrip;
    const struct scrip_reconcile_options *options;
    struct table table;
    struct account *account; /* as of at_us; NULL: not known then */
    const struct scrip_name *name;
    int64_t at_us;
    struct named *named;
    size_t named_count, named_room;
    struct pair { /* account and currency of which grants were named, and when */
        const struct scrip_name *account, *currency;
        int64_t at_us;
    } * pairs;
    size_t pair_count, pair_room;
    uint64_t rows, differences;
    struct scrip_error *err;
};

/* What the books say of one statement. */
struct holding {
    wide issued, used, left;
    int is_there, decimals;
};

/* ---- rows of the answer --------------------------------------------------------------------------------------- */

struct subject {
    const char *account, *grant, *class_name, *currency;
    uint64_t line; /* 0: of no row */
};

static int difference_row(struct reconciling *r, const struct subject *place, const char *what, const char *theirs,
                          const char *ours, const char *difference)
{
    struct table *table = &r->table;

    r->differences++;
    table_text(table, place->account);
    table_text(table, place->grant);
    table_text(table, place->class_name);
    table_text(table, place->currency);
    table_text(table, what);
    table_text(table, theirs);
    table_text(table, ours);
    table_text(table, difference);
    if (place->line)
        table_count(table, place->line);
    else
        table_none(table);
    return table_row(table);
}

static int amounts_compare(struct reconciling *r, const struct subject *place, const char *what,
                           const struct scrip_decimal *theirs, wide ours, int decimals)
{
    char shown[3][WIDE_TEXT_SIZE] = { "", "", "" };
    int64_t amount;

    wide_write(ours, decimals, shown[1]);
    decimal_write(theirs, shown[0], sizeof shown[0]);
    if (money_from_decimal(theirs, decimals, &amount) == SCRIP_OK) {
        if (amount == ours)
            return SCRIP_OK;
        wide_write(amount, decimals, shown[0]);
        wide_write(amount - ours, decimals, shown[2]);
    }
    return difference_row(r, place, what, shown[0], shown[1], shown[2]);
}

/* ---- what the books say ----------------------------------------------------------------------------------------- */

static int account_show(struct reconciling *r, const struct scrip_name *name, int64_t at_us)
{
    if (r->name == name && r->at_us == at_us)
        return SCRIP_OK;
    if (r->account != NULL)
        account_free(r->account);
    r->account = NULL;
    r->name = name;
    r->at_us = at_us;
    return account_as_of(r->scrip, name->text, at_us, 0, &r->account, r->err);
}

static void holding_add(struct holding *holding, const struct grant *grant)
{
    const int64_t *balance = grant->row.balance;

    holding->is_there = 1;
    holding->issued += balance[SCRIP_BOOK_ISSUED];
    holding->used += balance[SCRIP_BOOK_USED];
    holding->left += (wide)balance[SCRIP_BOOK_AVAILABLE] + balance[SCRIP_BOOK_HELD];
}

static void holding_of(const struct reconciling *r, const struct subject *place, struct holding *holding)
{
    for (size_t i = 0; r->account != NULL && i < r->account->grant_count; i++) {
        const struct grant *grant = r->account->grants[i];

        if (strcmp(grant->terms->row.currency->text, place->currency) != 0 || !grant_was_there(grant, r->at_us) ||
            (place->grant[0] && strcmp(grant->row.id, place->grant) != 0) ||
            (!place->grant[0] && place->class_name[0] && strcmp(grant->row.class_name->text, place->class_name) != 0))
            continue;
        holding_add(holding, grant);
    }
}

/* ---- one statement ---------------------------------------------------------------------------------------------- */

static void named_note(struct reconciling *r, const struct event *event, const char *grant)
{
    size_t i = 0;

    ARRAY_ROOM(r->named, r->named_count, r->named_room);
    r->named[r->named_count++] = (struct named){ event->account, event->currency, memory_text(grant) };
    while (i < r->pair_count && (r->pairs[i].account != event->account || r->pairs[i].currency != event->currency))
        i++;
    if (i == r->pair_count) {
        ARRAY_ROOM(r->pairs, r->pair_count, r->pair_room);
        r->pairs[r->pair_count++] = (struct pair){ event->account, event->currency, r->at_us };
    }
    if (r->at_us > r->pairs[i].at_us)
        r->pairs[i].at_us = r->at_us;
}

static int statement_compare(struct reconciling *r, const struct event *event, const struct subject *place)
{
    const struct currency *currency = host_currency(r->scrip, place->currency);
    struct holding holding = { 0 };
    struct scrip_decimal left;
    int code = SCRIP_OK;

    if (currency == NULL)
        return difference_row(r, place, "unknown currency", place->currency, "", "");
    holding.decimals = (int)currency->policy.decimals;
    holding_of(r, place, &holding);
    if (place->grant[0])
        named_note(r, event, place->grant);
    if (!holding.is_there)
        return difference_row(r, place, "not in the books", "", "", "");
    if (event->shown.has_amount)
        code = amounts_compare(r, place, "issued", &event->shown.amount, holding.issued, holding.decimals);
    if (code == SCRIP_OK && event->has_quantity)
        code = amounts_compare(r, place, "used", &event->shown.quantity, holding.used, holding.decimals);
    if (code == SCRIP_OK && event_decimal(event, SCRIP_F_BALANCE, &left) == SCRIP_OK)
        code = amounts_compare(r, place, "left", &left, holding.left, holding.decimals);
    return code;
}

static int row_compare(struct reconciling *r, const struct intake *intake)
{
    const struct event *event = &intake->event;
    struct subject place = { "", "", "", "", intake->origin.line };
    int64_t time_us;
    int code;

    r->rows++;
    if (intake->bad != NULL)
        return difference_row(r, &place, "cannot be read", intake->bad, "", "");
    time_us = r->options->before_us == SCRIP_TIME_NONE ? event->shown.time_us : r->options->before_us;
    place.account = event->account->text;
    place.grant = event_text(event, SCRIP_F_GRANT);
    place.class_name = event_text(event, SCRIP_F_CLASS);
    place.currency = event->currency->text;
    if ((code = account_show(r, event->account, time_us - 1)) < 0)
        return code;
    return statement_compare(r, event, &place);
}

/* ---- what no row speaks of --------------------------------------------------------------------------------------- */

static int is_named(const struct reconciling *r, const struct pair *pair, const struct grant *grant)
{
    for (size_t i = 0; i < r->named_count; i++)
        if (r->named[i].account == pair->account && r->named[i].currency == pair->currency &&
            strcmp(r->named[i].grant, grant->row.id) == 0)
            return 1;
    return 0;
}

/* Where rows name grants of an account and a currency, they name all that were there then. */
static int unnamed_list(struct reconciling *r, const struct pair *pair)
{
    int code = account_show(r, pair->account, pair->at_us);

    for (size_t i = 0; code == SCRIP_OK && r->account != NULL && i < r->account->grant_count; i++) {
        const struct grant *grant = r->account->grants[i];
        struct subject place = { pair->account->text, grant->row.id, grant->row.class_name->text, pair->currency->text,
                               0 };
        char left[WIDE_TEXT_SIZE];

        if (grant->terms->row.currency != pair->currency || grant->stage == GRANT_DEBT ||
            !grant_was_there(grant, r->at_us) || is_named(r, pair, grant))
            continue;
        wide_write((wide)grant->row.balance[SCRIP_BOOK_AVAILABLE] + grant->row.balance[SCRIP_BOOK_HELD],
                   (int)grant->terms->row.decimals, left);
        code = difference_row(r, &place, "not in the file", "", left, "");
    }
    return code;
}

/* ---- the whole file ---------------------------------------------------------------------------------------------- */

static int stream_compare(struct reconciling *r, struct stream *stream)
{
    struct intake *intake;
    int code;

    while ((code = stream_peek(stream, &intake, r->err)) == SCRIP_OK && intake != NULL) {
        if (!intake->is_skipped && (code = row_compare(r, intake)) != SCRIP_OK)
            return code;
        stream->head->taken++;
        stream_recycle(stream);
    }
    for (size_t i = 0; i < r->pair_count && code == SCRIP_OK; i++)
        code = unnamed_list(r, &r->pairs[i]);
    return code;
}

static void reconciling_free(struct reconciling *r)
{
    if (r->account != NULL)
        account_free(r->account);
    for (size_t i = 0; i < r->named_count; i++)
        free(r->named[i].grant);
    free(r->named);
    free(r->pairs);
}

int scrip_reconcile(struct scrip *scrip, const struct scrip_reconcile_options *options,
                    const struct scrip_answer *answer, struct scrip_reconcile_totals *totals, struct scrip_error *err)
{
    static const struct scrip_column columns[] = {
        { "account", SCRIP_CELL_TEXT },  { "grant", SCRIP_CELL_TEXT },        { "class", SCRIP_CELL_TEXT },
        { "currency", SCRIP_CELL_TEXT }, { "what", SCRIP_CELL_TEXT },         { "theirs", SCRIP_CELL_TEXT },
        { "ours", SCRIP_CELL_NUMBER },   { "difference", SCRIP_CELL_NUMBER }, { "line", SCRIP_CELL_NUMBER },
    };
    struct reconciling r = { .scrip = scrip, .options = options, .err = err };
    char *path = strcmp(options->file, "-") == 0 ? NULL : realpath(options->file, NULL);
    struct instance *source;
    struct stream stream;
    int code;

    memset(totals, 0, sizeof *totals);
    if (scrip->reader == NULL) {
        free(path);
        return error_set(err, SCRIP_EINVALID, "host: opened without its store: open it to read");
    }
    if ((code = source_named(scrip, options->source, options->file, &source, err)) < 0) {
        free(path);
        return code;
    }
    stream_start(&stream, scrip, source, 0);
    stream.is_again = 1;
    intake_feed_add(&source->ctx, &stream.rows, path ? path : options->file);
    free(path);
    code = table_begin(&r.table, answer, "reconcile", columns, 9);
    if (code == SCRIP_OK)
        code = host_snapshot(scrip, 1, err);
    if (code == SCRIP_OK)
        code = stream_compare(&r, &stream);
    host_snapshot(scrip, 0, &(struct scrip_error){ 0 });
    stream_free(&stream);
    reconciling_free(&r);
    totals->rows = r.rows;
    totals->differences = r.differences;
    return code ? code : table_end(&r.table);
}
