/* rerate.c - services asked again about what they priced before: to list the differences, or to charge them.
 *
 * Each account's usage is asked for in its own order on an account of its own, so that services which remember
 * something see what they saw. A difference becomes one event: the old charge goes back and the new one is drawn, in
 * one commit. */
#include "ask.h"

#include "calendar.h"
#include "hash.h"
#include "late.h"
#include "money.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

/* One charge whose price is another now. */
struct change {
    uint64_t event;
    const char *source, *id, *product;
    int64_t time_us;
    struct quote *quote;
    int was_charged;  /* it cost something; else nothing */
    const char *left; /* why it stays as it is, or NULL */
    char was[640], becomes[640];
};

struct rerating {
    struct scrip *scrip;
    const struct scrip_name *service; /* NULL: all */
    int64_t from_us, to_us;
    struct past_rows past;
    uint64_t *rerated; /* by number of event: of its last rerate; 0: none */
    char *given_back;  /* the same: 1: a reversal took back some of it */
    struct arena arena;
    struct change *changes;
    size_t count, room;
    /* requote: */
    int (*finding)(void *sink, const char *text);
    void *sink;
    uint64_t *findings;
    const char *account;
    struct scrip_error *err;
};

/* ---- what differs --------------------------------------------------------------------------------------------- */

static int decimal_same(const struct scrip_decimal *a, const struct scrip_decimal *b)
{
    return a->whole == b->whole && a->atto == b->atto;
}

static int price_same(const struct quote *a, const struct quote *b)
{
    if (a->verdict != b->verdict || a->count != b->count || (a->refusal[0] != 0) != (b->refusal[0] != 0))
        return 0;
    for (size_t i = 0; i < a->count; i++) {
        const struct quote_line *x = &a->lines[i], *y = &b->lines[i];

        if (x->time_us != y->time_us || x->group != y->group || !decimal_same(&x->quantity, &y->quantity) ||
            !decimal_same(&x->rate->row.rate, &y->rate->row.rate) ||
            !decimal_same(&x->rate->row.per, &y->rate->row.per) || x->rate->row.service != y->rate->row.service ||
            x->rate->terms->row.currency != y->rate->terms->row.currency)
            return 0;
    }
    return 1;
}

/* "2 x 7 flex + 3 x 10 flex; or 4 credits": lines, and alternatives. */
static void price_write(const struct quote *quote, char *out, size_t room)
{
    size_t used = 0;

    out[0] = 0;
    if (quote->refusal[0])
        snprintf(out, room, "refused: %s", quote->refusal);
    else if (quote->count == 0)
        snprintf(out, room, "free");
    for (size_t i = 0; i < quote->count && used + 1 < room && !quote->refusal[0]; i++) {
        const struct quote_line *line = &quote->lines[i];
        char quantity[DECIMAL_TEXT_SIZE], rate[DECIMAL_TEXT_SIZE], per[DECIMAL_TEXT_SIZE];

        decimal_write(&line->quantity, quantity, sizeof quantity);
        decimal_write(&line->rate->row.rate, rate, sizeof rate);
        decimal_write(&line->rate->row.per, per, sizeof per);
        used += (size_t)snprintf(out + used, room - used, "%s%s x %s%s%s %s",
                                 i == 0        ? ""
                                 : line->group ? " or "
                                               : " + ",
                                 quantity, rate, strcmp(per, "1") ? "/" : "", strcmp(per, "1") ? per : "",
                                 line->rate->terms->row.currency->text);
        used = used < room ? used : room - 1;
    }
}

static int is_of(const struct rerating *r, const struct quote *quote)
{
    if (r->service == NULL)
        return 1;
    for (size_t i = 0; i < quote->count; i++)
        if (quote->lines[i].rate->row.service == r->service)
            return 1;
    return 0;
}

/* The price that counts now: of the last rerate, or as recorded. */
static int price_now(struct rerating *r, const struct scrip_event_row *row, const struct quote *recorded,
                     struct quote *out)
{
    const struct scrip_event_row *again;
    struct event event;
    int code;

    if (r->rerated[row->number] == 0) {
        *out = *recorded;
        return SCRIP_OK;
    }
    again = &r->past.rows[r->rerated[row->number] - 1].row;
    if ((code = event_from_row(again, &event, &r->arena, r->err)) < 0)
        return code;
    return quote_from_row(again, &event, r->scrip->prices, r->scrip->names, &r->arena, &r->scrip->scratch, out, r->err);
}

static int price_see(void *sink, const struct scrip_event_row *row, const struct event *event,
                     const struct quote *recorded, const struct quote *fresh, const char *why)
{
    struct rerating *r = sink;
    struct change change = { .event = row->number, .time_us = row->time_us };
    char text[SCRIP_MESSAGE_SIZE * 4];
    struct quote *now;
    int code;

    if (row->time_us < r->from_us || row->time_us >= r->to_us || row->outcome == SCRIP_REFUSED ||
        row->type != SCRIP_USAGE)
        return SCRIP_OK;
    now = arena_get(&r->arena, sizeof *now);
    if ((code = price_now(r, row, recorded, now)) < 0)
        return code;
    if (fresh == NULL && r->finding != NULL && is_of(r, now)) {
        snprintf(text, sizeof text, "'%s' event %" PRIu64 " (%s): no price now: %s", r->account, row->number, row->id,
                 why);
        ++*r->findings;
        return r->finding(r->sink, text);
    }
    if (fresh == NULL || (!is_of(r, now) && !(now->count == 0 && r->scrip->answered == r->service)) ||
        price_same(now, fresh))
        return SCRIP_OK;
    price_write(now, change.was, sizeof change.was);
    price_write(fresh, change.becomes, sizeof change.becomes);
    if (r->finding != NULL) {
        snprintf(text, sizeof text, "'%s' event %" PRIu64 " (%s): was %s, now %s", r->account, row->number, row->id,
                 change.was, change.becomes);
        ++*r->findings;
        return r->finding(r->sink, text);
    }
    change.source = row->source->text;
    change.id = arena_text(&r->arena, row->id, row->id_size);
    change.product = event->product->text;
    change.was_charged =
        (r->rerated[row->number] ? r->past.rows[r->rerated[row->number] - 1].row.outcome : row->outcome) == SCRIP_CHARGED;
    change.quote = arena_get(&r->arena, sizeof *change.quote);
    *change.quote = *fresh;
    /* How much of another price was given back, or was there to be taken, nobody has said. */
    if (r->given_back[row->number])
        change.left = "left: partly given back: reverse the rest, and charge it again";
    else if (strcmp(event_text(event, SCRIP_F_ACCEPT), "available") == 0)
        change.left = "left: it took what was there: reverse it, and charge it again";
    ARRAY_ROOM(r->changes, r->count, r->room);
    r->changes[r->count++] = change;
    return SCRIP_OK;
}

/* Which rerate of each event was the last, and what was given back. */
static int rerates_find(struct rerating *r)
{
    int code = SCRIP_OK;

    r->rerated = memory_get((r->past.count + 2) * sizeof *r->rerated);
    r->given_back = memory_get(r->past.count + 2);
    for (size_t i = 0; i < r->past.count && code == SCRIP_OK; i++) {
        const struct scrip_event_row *row = &r->past.rows[i].row;
        struct event event;
        const char *id, *source;

        if ((row->type != SCRIP_RERATE && row->type != SCRIP_REVERSAL) || row->outcome == SCRIP_REFUSED)
            continue;
        code = event_from_row(row, &event, &r->arena, r->err);
        source = event_text(&event, SCRIP_F_OF_SOURCE);
        id = event_text(&event, SCRIP_F_OF_ID);
        for (size_t k = 0; k < i && code == SCRIP_OK; k++)
            if (strcmp(r->past.rows[k].row.source->text, source[0] ? source : row->source->text) == 0 &&
                strcmp(r->past.rows[k].row.id, id) == 0) {
                uint64_t number = r->past.rows[k].row.number;

                if (row->type == SCRIP_RERATE)
                    r->rerated[number] = row->number;
                else
                    r->given_back[number] = 1;
            }
    }
    return code;
}

static int account_see(struct rerating *r, const struct scrip_name *account)
{
    static const struct past_hooks hooks = { .priced = price_see };
    int code;

    memset(&r->past, 0, sizeof r->past);
    arena_reset(&r->arena);
    r->count = 0;
    r->account = account->text;
    code = past_rows_load(&r->past, r->scrip, account, 0, r->err);
    if (code == SCRIP_OK)
        code = rerates_find(r);
    if (code == SCRIP_OK)
        code = past_rows_apply(&r->past, r->scrip, account, &hooks, r, r->err);
    free(r->rerated);
    free(r->given_back);
    past_rows_free(&r->past);
    return code;
}

/* ---- charged anew --------------------------------------------------------------------------------------------- */

static void pair(struct scrip_field *fields, size_t *count, int key, const char *text)
{
    fields[(*count)++] = (struct scrip_field){ (uint64_t)key, "", text, strlen(text) };
}

/* One change becomes an event; the same change again is a duplicate. */
static int change_take(struct scrip *scrip, const char *account, const struct change *change, int64_t time_us,
                       struct scrip_result *result, struct scrip_error *err)
{
    char id[64] = "rerate/", when[TIME_TEXT_SIZE];
    struct scrip_field fields[8];
    struct account *opened;
    struct charge *charge;
    struct event event;
    struct bytes bytes = { 0 };
    size_t count = 0;
    uint8_t key[16];
    int64_t number;
    int code;

    bytes_add_text(&bytes, change->source, strlen(change->source));
    bytes_add_text(&bytes, change->id, strlen(change->id));
    bytes_add_text(&bytes, change->was, strlen(change->was));
    bytes_add_text(&bytes, change->becomes, strlen(change->becomes));
    hash_key(bytes.start, bytes.size, key);
    free(bytes.start);
    hash_hex(key, sizeof key, id + strlen(id));
    time_write(time_us, when, sizeof when);
    pair(fields, &count, SCRIP_F_TYPE, event_type_names[SCRIP_RERATE]);
    pair(fields, &count, SCRIP_F_ID, id);
    pair(fields, &count, SCRIP_F_ACCOUNT, account);
    pair(fields, &count, SCRIP_F_TIME, when);
    pair(fields, &count, SCRIP_F_OF_SOURCE, change->source);
    pair(fields, &count, SCRIP_F_OF_ID, change->id);
    arena_reset(&scrip->arena);
    code = event_read(&event, fields, count, SCRIP_TIME_NONE, SCRIP_TIME_NONE, names_add(scrip->names, "rerate", 6),
                      scrip->names, &scrip->arena, err);
    if (code == SCRIP_OK)
        code = account_open(scrip, event.account, &opened, err);
    if (code < 0 || (number = history_number(scrip, opened, "rerate", id, err)) < 0)
        return code < 0 ? code : (int)number;
    result->was_duplicate = number > 0;
    if (number > 0)
        return SCRIP_OK;
    scrip->quote = *change->quote;
    if ((code = history_charge(scrip, opened, change->event, &scrip->arena, &charge, err)) < 0)
        return code;
    scrip->quote.charge = charge;
    scrip->engine.canonical.size = 0;
    event_canonical(&event, &scrip->engine.canonical);
    scrip->undo.size = scrip->timer_undo.size = 0;
    code = take_apply(scrip, opened, &event, 0, err);
    result->outcome = scrip->engine.effect.outcome;
    snprintf(result->reason, sizeof result->reason, "%s", scrip->engine.effect.reason);
    return code;
}

/* 1: all that it had cost was given back: it is charged no more. */
static int change_is_reversed(struct rerating *r, const struct change *change)
{
    const struct scrip_name *name = names_add(r->scrip->names, r->account, strlen(r->account));
    struct account *opened;
    struct charge *charge;
    int code;

    if (!change->was_charged)
        return 0;
    arena_reset(&r->scrip->arena);
    code = account_open(r->scrip, name, &opened, r->err);
    if (code == SCRIP_OK)
        code = history_charge(r->scrip, opened, change->event, &r->scrip->arena, &charge, r->err);
    return code < 0 ? code : charge->count == 0;
}

struct accounts {
    const struct scrip_name **names;
    size_t count, room;
};

static int account_name(void *sink, const struct scrip_account_row *row)
{
    struct accounts *accounts = sink;

    ARRAY_ROOM(accounts->names, accounts->count, accounts->room);
    accounts->names[accounts->count++] = row->name;
    return SCRIP_OK;
}

static int change_show(struct table *table, const char *account, const struct change *change, const char *outcome)
{
    table_text(table, account);
    table_text(table, change->source);
    table_text(table, change->id);
    table_time(table, change->time_us);
    table_text(table, change->product);
    table_text(table, change->was);
    table_text(table, change->becomes);
    table_text(table, outcome);
    return table_row(table);
}

static int changes_take(struct rerating *r, const struct scrip_rerate_options *options, struct table *table,
                        struct scrip_totals *totals)
{
    int code = SCRIP_OK;

    for (size_t i = 0; i < r->count && code == SCRIP_OK; i++) {
        struct scrip_result result = { 0 };

        if ((code = change_is_reversed(r, &r->changes[i])) < 0)
            return code;
        if (code > 0) {
            code = SCRIP_OK;
            continue;
        }
        totals->read++;
        if (r->changes[i].left != NULL) {
            totals->outcome[SCRIP_FILTERED]++;
            code = change_show(table, r->account, &r->changes[i], r->changes[i].left);
            continue;
        }
        if (!options->is_dry)
            code = change_take(r->scrip, r->account, &r->changes[i], options->time_us, &result, r->err);
        if (code < 0)
            return code;
        totals->outcome[options->is_dry ? SCRIP_FILTERED : result.was_duplicate ? SCRIP_DUPLICATE : result.outcome]++;
        code = change_show(table, r->account, &r->changes[i],
                           options->is_dry ? "would change" : scrip_outcome_name(result.outcome));
    }
    return code;
}

/* All accounts', in one commit. */
static int rerate_once(struct rerating *r, const struct scrip_rerate_options *options,
                       const struct scrip_answer *answer, struct scrip_totals *totals)
{
    static const struct scrip_column columns[] = {
        { "account", SCRIP_CELL_TEXT }, { "source", SCRIP_CELL_TEXT },  { "event", SCRIP_CELL_TEXT },
        { "time", SCRIP_CELL_TIME },    { "product", SCRIP_CELL_TEXT }, { "was", SCRIP_CELL_TEXT },
        { "becomes", SCRIP_CELL_TEXT }, { "outcome", SCRIP_CELL_TEXT },
    };
    struct accounts accounts = { 0 };
    struct table table;
    int code = table_begin(&table, answer, options->is_dry ? "rerate (dry run)" : "rerate", columns, 8);

    memset(totals, 0, sizeof *totals);
    if (code == SCRIP_OK)
        code = accounts_each(r->scrip, options->account, account_name, &accounts, r->err);
    for (size_t i = 0; i < accounts.count && code == SCRIP_OK; i++) {
        code = account_see(r, accounts.names[i]);
        if (code == SCRIP_OK)
            code = changes_take(r, options, &table, totals);
    }
    if (!options->is_dry && r->scrip->writer != NULL) {
        if (code < 0)
            batch_drop(r->scrip);
        else
            code = batch_finish(r->scrip, r->err);
    }
    free(accounts.names);
    return code ? code : table_end(&table);
}

/* What a correction did is told when it is committed: where another writer was first, all of it is made anew. */
int scrip_rerate(struct scrip *scrip, const struct scrip_rerate_options *options, const struct scrip_answer *answer,
                 struct scrip_totals *totals, struct scrip_error *err)
{
    struct rerating r = { .scrip = scrip, .err = err };
    struct scrip_rerate_options own = *options;
    struct scrip_answer to_held;
    struct timespec now;
    struct held held;
    int code = options->is_dry ? SCRIP_OK : host_writes(scrip, err), is_known = 0;

    memset(totals, 0, sizeof *totals);
    for (size_t i = 0; i < scrip->service_count; i++)
        is_known |= strcmp(scrip->services[i].name->text, options->service) == 0;
    if (code == SCRIP_OK && !is_known)
        code = error_set(err, SCRIP_EINVALID, "service '%s': not configured: name the instance of a service's section",
                         options->service);
    r.service = names_add(scrip->names, options->service, strlen(options->service));
    r.from_us = options->from_us == SCRIP_TIME_NONE ? INT64_MIN : options->from_us;
    r.to_us = options->to_us == SCRIP_TIME_NONE ? INT64_MAX : options->to_us;
    clock_gettime(CLOCK_REALTIME, &now);
    if (own.time_us == SCRIP_TIME_NONE)
        own.time_us = (int64_t)now.tv_sec * SCRIP_SECOND + now.tv_nsec / 1000;
    held_open(&held, answer, 0, &to_held);
    for (int attempt = 0; code == SCRIP_OK; attempt++) {
        code = rerate_once(&r, &own, &to_held, totals);
        if (code == SCRIP_OK || !host_again(scrip, code, attempt, err))
            break;
        held_drop(&held);
        code = SCRIP_OK;
    }
    if (code == SCRIP_OK)
        code = held_write(&held);
    held_free(&held);
    free(r.changes);
    arena_free(&r.arena);
    return code;
}

int scrip_requote(struct scrip *scrip, int (*finding)(void *sink, const char *text), void *sink, uint64_t *findings,
                  struct scrip_error *err)
{
    struct rerating r = { .scrip = scrip, .from_us = INT64_MIN, .to_us = INT64_MAX, .finding = finding, .sink = sink,
                          .findings = findings, .err = err };
    struct accounts accounts = { 0 };
    int code = scrip->reader ? accounts_each(scrip, NULL, account_name, &accounts, err)
                             : error_set(err, SCRIP_EINVALID, "host: opened without its store: open it to read");

    *findings = 0;
    for (size_t i = 0; i < accounts.count && code == SCRIP_OK; i++)
        code = account_see(&r, accounts.names[i]);
    free(accounts.names);
    free(r.changes);
    arena_free(&r.arena);
    return code;
}

/* ---- periods closed ------------------------------------------------------------------------------------------- */

/* One account's: known by the time at which it was asked for, so that what was too early may be asked for again. */
static int account_close(struct scrip *scrip, const struct scrip_name *name, const char *period, int64_t time_us,
                         struct scrip_result *result, struct scrip_error *err)
{
    char when[TIME_TEXT_SIZE], id[SCRIP_NAME_SIZE + 1];
    const struct scrip_pair pairs[] = { { "type", "scrip.close" }, { "account", name->text }, { "id", id },
                                        { "period", period },      { "time", when },          { "source", "close" } };
    struct account *account;
    int code = account_open(scrip, name, &account, err);
    int64_t end;

    if (code < 0)
        return code;
    end = period_end(period, account->zone ? account->zone : "UTC");
    if (end != SCRIP_TIME_NONE && end <= account->row.closed_us) {
        result->was_duplicate = 1;
        return SCRIP_OK;
    }
    time_write(time_us, when, sizeof when);
    snprintf(id, sizeof id, "close/%s/%s", period, when);
    return submit_quietly(scrip, pairs, sizeof pairs / sizeof *pairs, result, err);
}

/* All of them in one commit. */
static int accounts_close(struct scrip *scrip, const struct accounts *accounts, const char *period, int64_t time_us,
                          struct scrip_totals *totals, struct scrip_error *err)
{
    int code = SCRIP_OK;

    memset(totals, 0, sizeof *totals);
    for (size_t i = 0; i < accounts->count && code == SCRIP_OK; i++) {
        struct scrip_result result = { 0 };

        code = account_close(scrip, accounts->names[i], period, time_us, &result, err);
        totals->read++;
        totals->outcome[result.was_duplicate ? SCRIP_DUPLICATE : result.outcome]++;
    }
    if (code == SCRIP_OK)
        return batch_finish(scrip, err);
    batch_drop(scrip);
    return code;
}

int scrip_close_period(struct scrip *scrip, const char *period, const char *account, int64_t time_us,
                       struct scrip_totals *totals, struct scrip_error *err)
{
    struct accounts accounts = { 0 };
    int code = host_writes(scrip, err);
    struct timespec now;

    memset(totals, 0, sizeof *totals);
    if (code == SCRIP_OK && period_end(period, "UTC") == SCRIP_TIME_NONE)
        code = error_set(err, SCRIP_EINVALID, "period '%s': it is none: want 2022, 2022-03 or 2022-03-29", period);
    if (code == SCRIP_OK)
        code = accounts_each(scrip, account, account_name, &accounts, err);
    if (code == SCRIP_OK && accounts.count == 0)
        code = error_set(err, SCRIP_ENOTFOUND,
                         account ? "account '%s': the store has no such account" : "store: it has no accounts%s",
                         account ? account : "");
    clock_gettime(CLOCK_REALTIME, &now);
    if (time_us == SCRIP_TIME_NONE)
        time_us = (int64_t)now.tv_sec * SCRIP_SECOND + now.tv_nsec / 1000;
    if (code == SCRIP_OK)
        for (int attempt = 0;; attempt++) {
            code = accounts_close(scrip, &accounts, period, time_us, totals, err);
            if (code == SCRIP_OK || !host_again(scrip, code, attempt, err))
                break;
        }
    free(accounts.names);
    return code;
}
