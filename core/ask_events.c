/* ask_events.c - single events: listed, explained, and quoted before they happen. */
#include "ask.h"

#include "calendar.h"
#include "money.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- events --------------------------------------------------------------------------------------------------- */

struct listing {
    struct scrip *scrip;
    struct table table;
    const struct scrip_query *query;
    int outcome; /* -1: all */
    struct scrip_error *err;
};

static int event_line(void *sink, const void *found)
{
    struct listing *l = sink;
    const struct scrip_event_row *row = found;
    struct table *table = &l->table;

    if ((l->outcome >= 0 && row->outcome != l->outcome) ||
        (l->query->from_us != SCRIP_TIME_NONE && row->time_us < l->query->from_us) ||
        (l->query->to_us != SCRIP_TIME_NONE && row->time_us >= l->query->to_us))
        return SCRIP_OK;
    table_text(table, row->account->text);
    table_count(table, row->number);
    table_time(table, row->time_us);
    table_text(table, row->type >= 0 && row->type < SCRIP_EVENT_TYPE_COUNT ? event_type_names[row->type] : "?");
    table_text(table, row->source->text);
    table_text(table, row->id);
    table_text(table, row->product->text);
    table_text(table, row->user->text);
    if (row->has_quantity)
        table_decimal(table, &row->quantity);
    else
        table_none(table);
    if (row->has_amount)
        table_decimal(table, &row->amount);
    else
        table_none(table);
    table_text(table, scrip_outcome_name(row->outcome));
    table_text(table, row->reason_size ? row->reason : "");
    return table_row(table);
}

static int account_events(void *sink, const struct scrip_account_row *row)
{
    struct listing *l = sink;
    struct scrip_scan scan = { .table = SCRIP_TABLE_EVENTS, .account = row->name->text, .from_period = INT64_MIN,
                               .to_period = INT64_MAX, .row = event_line, .sink = l };

    return host_scan(l->scrip, &scan, l->err);
}

int ask_events(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
               struct scrip_error *err)
{
    static const struct scrip_column columns[] = {
        { "account", SCRIP_CELL_TEXT },  { "number", SCRIP_CELL_NUMBER }, { "time", SCRIP_CELL_TIME },
        { "type", SCRIP_CELL_TEXT },     { "source", SCRIP_CELL_TEXT },   { "id", SCRIP_CELL_TEXT },
        { "product", SCRIP_CELL_TEXT },  { "user", SCRIP_CELL_TEXT },     { "quantity", SCRIP_CELL_NUMBER },
        { "amount", SCRIP_CELL_NUMBER }, { "outcome", SCRIP_CELL_TEXT },  { "reason", SCRIP_CELL_TEXT },
    };
    struct listing l = { .scrip = scrip, .query = query, .outcome = -1, .err = err };
    int code;

    for (int i = 0; i < SCRIP_OUTCOME_COUNT && query->outcome; i++)
        if (strcmp(scrip_outcome_name(i), query->outcome) == 0)
            l.outcome = i;
    if (query->outcome && l.outcome < 0)
        return error_set(err, SCRIP_EINVALID, "outcome '%s': want charged, zero, applied or refused", query->outcome);
    code = table_begin(&l.table, answer, "events", columns, 12);
    if (code == SCRIP_OK)
        code = accounts_each(scrip, query->account, account_events, &l, err);
    return code ? code : table_end(&l.table);
}

/* ---- explanations --------------------------------------------------------------------------------------------- */

struct explaining {
    struct scrip *scrip;
    struct table table;
    struct arena arena;
    struct event event;
    struct quote quote;
    struct scrip_event_row row;
    const struct scrip_name *account;
    const char *id;
    struct account *holder; /* the account; its balances are those right after the event */
    int found, code;
    size_t draw;    /* of the charge, from 1 */
    uint64_t later; /* the event whose entries are being told */
    struct scrip_error *err;
};

static void say(struct explaining *x, const char *what, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void say(struct explaining *x, const char *what, const char *format, ...)
{
    char text[2048];
    va_list list;

    if (x->code != SCRIP_OK)
        return;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    table_text(&x->table, what);
    table_text(&x->table, text);
    x->code = table_row(&x->table);
}

static void say_time(struct explaining *x, const char *what, int64_t time_us)
{
    char text[TIME_TEXT_SIZE];

    if (time_us == SCRIP_TIME_NONE)
        return;
    time_write(time_us, text, sizeof text);
    say(x, what, "%s", text);
}

/* "2 x 7 / 1 = 14, rounded half-up to 14": the arithmetic of one line, alone. */
static void say_arithmetic(struct explaining *x, size_t index)
{
    const struct quote_line *line = &x->quote.lines[index];
    const struct terms *terms = line->rate->terms;
    struct money_part part = { line->quantity, line->rate->row.rate, line->rate->row.per };
    char quantity[DECIMAL_TEXT_SIZE], rate[DECIMAL_TEXT_SIZE], per[DECIMAL_TEXT_SIZE], total[DECIMAL_TEXT_SIZE];
    char dropped[DECIMAL_TEXT_SIZE + 64] = "", when[TIME_TEXT_SIZE];
    struct scrip_decimal off = { 0, 0 };
    int64_t amount = 0;

    decimal_write(&line->quantity, quantity, sizeof quantity);
    decimal_write(&line->rate->row.rate, rate, sizeof rate);
    decimal_write(&line->rate->row.per, per, sizeof per);
    money_charge(&part, 1, (int)terms->row.decimals, (int)terms->row.rounding, &amount);
    money_write(amount, (int)terms->row.decimals, total, sizeof total);
    if (money_rounding_error(&part, 1, (int)terms->row.decimals, (int)terms->row.rounding, &off) == SCRIP_OK &&
        (off.whole != 0 || off.atto != 0)) {
        char text[DECIMAL_TEXT_SIZE];

        decimal_write(&off, text, sizeof text);
        snprintf(dropped, sizeof dropped, ", rounded %s (by %s of its smallest unit)",
                 rounding_names[terms->row.rounding], text);
    }
    time_write(line->time_us, when, sizeof when);
    say(x, "line", "%zu: %s%s%s x %s%s%s = %s %s%s, dated %s", index,
        line->item ? quote_subject(&x->quote, index, &x->event)->product->text : "", line->item ? ": " : "", quantity,
        rate, strcmp(per, "1") ? " / " : "", strcmp(per, "1") ? per : "", total, terms->row.currency->text, dropped,
        when);
    say(x, "price", "service %s: %s", line->rate->row.service->text, line->rate->row.label->text);
    if (line->group)
        say(x, "choice", "one of group %" PRIu64 ", tried in this order", line->group);
}

/* "grant G (class free, priority 1, expires 2022-03-29, for its scope only), 3.00 of it left": what its place in the
 * order came from, and what it has after all draws of the event. */
static void grant_words(const struct grant *grant, int with_left, char *out, size_t room)
{
    const struct scrip_grant_row *row = &grant->row;
    char left[DECIMAL_TEXT_SIZE], when[TIME_TEXT_SIZE] = "";
    size_t used;

    money_write(row->balance[SCRIP_BOOK_AVAILABLE], (int)grant->terms->row.decimals, left, sizeof left);
    if (grant->stage == GRANT_DEBT) {
        snprintf(out, room, "debt: no grant could pay");
        return;
    }
    used = (size_t)snprintf(out, room, "grant %s (class %s", row->id,
                            row->class_name->size ? row->class_name->text : "none");
    if (row->has_priority && used < room)
        used += (size_t)snprintf(out + used, room - used, ", priority %" PRId64, row->priority);
    if (row->expires_us != SCRIP_TIME_NONE)
        time_write(row->expires_us, when, sizeof when);
    if (used < room)
        used += (size_t)snprintf(out + used, room - used, ", %s%s%s)", when[0] ? "expires " : "never expires", when,
                                 row->scope_size ? ", for its scope only" : "");
    if (used < room && with_left)
        snprintf(out + used, room - used, ", %s of it left", row->unlimited ? "any amount" : left);
}

static void say_entry(struct explaining *x, const struct scrip_entry_row *row, size_t draw)
{
    const struct terms *terms = prices_terms_at(x->scrip->prices, row->terms);
    char amount[DECIMAL_TEXT_SIZE], when[TIME_TEXT_SIZE], words[SCRIP_NAME_SIZE * 2 + 200] = "no grant";
    const struct grant *grant =
        row->grant && row->grant <= x->holder->grant_count ? x->holder->grants[row->grant - 1] : NULL;

    if (terms == NULL || row->debit < 0 || row->debit >= SCRIP_BOOK_COUNT || row->credit < 0 ||
        row->credit >= SCRIP_BOOK_COUNT)
        return;
    money_write(row->amount, (int)terms->row.decimals, amount, sizeof amount);
    time_write(row->time_us, when, sizeof when);
    if (grant != NULL)
        grant_words(grant, row->event == x->row.number, words, sizeof words);
    if (row->debit == SCRIP_BOOK_USED && row->credit != SCRIP_BOOK_USED && row->of == 0)
        say(x, "draw", "%zu: %s %s from %s to %s, %s, dated %s", draw, amount, terms->row.currency->text,
            book_names[row->credit], book_names[row->debit], words, when);
    else
        say(x, row->of && row->event != x->row.number ? "later" : "entry", "%s %s from %s to %s, %s, dated %s", amount, terms->row.currency->text,
            book_names[row->credit], book_names[row->debit], words, when);
}

static int explain_entry(void *sink, const void *found)
{
    struct explaining *x = sink;
    const struct scrip_entry_row *row = found;

    if (row->event < x->row.number)
        return SCRIP_OK;
    if (row->event > x->row.number)
        return 1;
    /* An event may also bring what fell due before it, and corrections of others: those are not its own charge. */
    x->draw += row->debit == SCRIP_BOOK_USED && row->of == 0;
    say_entry(x, row, x->draw);
    return x->code;
}

static int later_event(void *sink, const struct scrip_event_row *row)
{
    struct explaining *x = sink;
    char when[TIME_TEXT_SIZE];
    struct scrip_event_row copy = *row;
    struct event event;
    size_t count = x->quote.count;

    time_write(row->time_us, when, sizeof when);
    say(x, "later", "event %" PRIu64 ", %s %.*s of %s%s", row->number,
        row->type >= 0 && row->type < SCRIP_EVENT_TYPE_COUNT ? event_type_names[row->type] : "?", (int)row->id_size,
        row->id, when,
        row->flags & SCRIP_EVENT_PLACED ? ": came late, and was put in its place"
        : row->type == SCRIP_RERATE     ? ": the price was corrected: the old charge went back, and was drawn anew"
        : row->type == SCRIP_REVERSAL   ? ": the charge was given back, or a part of it"
        : row->type == SCRIP_CAPTURE    ? ": what was held was charged, or a part of it, and the rest given back"
                                        : "");
    if (row->type == SCRIP_RERATE && x->code == SCRIP_OK &&
        event_from_row(&copy, &event, &x->arena, NULL) == SCRIP_OK &&
        quote_from_row(&copy, &event, x->scrip->prices, x->scrip->names, &x->arena, &x->scrip->scratch, &x->quote,
                       x->err) == SCRIP_OK)
        for (size_t i = 0; i < x->quote.count; i++)
            say_arithmetic(x, i);
    x->quote.count = count;
    return SCRIP_OK;
}

/* What happened to the charge later: entries of other events that are part of it. */
static int later_entry(void *sink, const void *found)
{
    struct explaining *x = sink;
    const struct scrip_entry_row *row = found;
    int code;

    if (row->event == x->row.number)
        return SCRIP_OK;
    if (row->event != x->later) {
        x->later = row->event;
        if ((code = history_event(x->scrip, x->account, row->event, later_event, x, x->err)) < 0)
            return code;
    }
    say_entry(x, row, 0);
    return x->code;
}

/* By what order the grants of each currency paid. */
static void say_orders(struct explaining *x)
{
    for (size_t i = 0; i < x->quote.count; i++) {
        const struct terms *terms = x->quote.lines[i].rate->terms;
        size_t first = 0;

        while (first < i && x->quote.lines[first].rate->terms->row.currency != terms->row.currency)
            first++;
        if (first == i && terms->rules.draw_order[0])
            say(x, "order", "grants of %s pay by %s", terms->row.currency->text, terms->rules.draw_order);
    }
}

static void say_entries(struct explaining *x)
{
    struct scrip_scan scan = { .table = SCRIP_TABLE_ENTRIES, .account = x->account->text, .from_period = INT64_MIN,
                               .to_period = INT64_MAX, .row = explain_entry, .sink = x };
    int code = history_first_entry(x->scrip, x->account->text, x->row.number, &scan.from_number, x->err);

    x->draw = 0;
    x->later = 0;
    if (code == SCRIP_OK)
        code = host_scan(x->scrip, &scan, x->err);
    scan.from_number = 0;
    scan.of = x->row.number;
    scan.row = later_entry;
    if (code >= 0 && x->code == SCRIP_OK)
        code = host_scan(x->scrip, &scan, x->err);
    x->code = code < 0 ? code : x->code;
}

/* Which charge it gives back; which hold it is about. */
static void say_of(struct explaining *x)
{
    const char *hold = event_text(&x->event, SCRIP_F_HOLD), *source = event_text(&x->event, SCRIP_F_OF_SOURCE);

    if (x->row.type == SCRIP_REVERSAL)
        say(x, "of", "%s of source %s", event_text(&x->event, SCRIP_F_OF_ID), source[0] ? source : x->row.source->text);
    else if (hold[0])
        say(x, "hold", "%s", hold);
    if (event_text(&x->event, SCRIP_F_REASON)[0])
        say(x, "reason", "%s", event_text(&x->event, SCRIP_F_REASON));
}

static void explain_event(struct explaining *x)
{
    const struct scrip_event_row *row = &x->row;
    char number[DECIMAL_TEXT_SIZE];

    say(x, "event", "%s of source %s, event %" PRIu64 " of account %s, %s", x->event.shown.id, row->source->text,
        row->number, x->account->text, event_type_names[row->type]);
    say_time(x, "time", row->time_us);
    say_time(x, "until", x->event.shown.end_us);
    say_of(x);
    if (row->product->number)
        say(x, "product", "%s", row->product->text);
    if (row->user->number)
        say(x, "user", "%s", row->user->text);
    if (row->has_quantity) {
        decimal_write(&row->quantity, number, sizeof number);
        say(x, "quantity", "%s%s%s", number, row->unit->number ? " " : "", row->unit->text);
    }
    for (uint64_t i = 0; i < x->event.shown.attribute_count; i++)
        say(x, "attribute", "%s = %s", x->event.shown.attributes[i].name, x->event.shown.attributes[i].value);
    for (size_t i = 0; i < x->quote.count; i++)
        say_arithmetic(x, i);
    if (x->quote.verdict == SCRIP_FREE && row->type == SCRIP_USAGE && row->outcome == SCRIP_ZERO)
        say(x, "price", "free: its service asked nothing for it");
    if (row->flags & SCRIP_EVENT_PLACED)
        say(x, "late", "it came late, and was put in its place: what that changed of others stands with them");
    say(x, "outcome", "%s%s%s", scrip_outcome_name(row->outcome), row->reason_size ? ": " : "",
        row->reason_size ? row->reason : "");
    if (row->outcome == SCRIP_CHARGED)
        say_orders(x);
    if (x->code == SCRIP_OK)
        say_entries(x);
}

static int row_match(void *sink, const void *found)
{
    struct explaining *x = sink;
    const struct scrip_event_row *row = found;

    if (row->id_size != strlen(x->id) || memcmp(row->id, x->id, row->id_size) != 0)
        return SCRIP_OK;
    x->row = *row;
    arena_reset(&x->arena);
    x->row.reason = arena_text(&x->arena, row->reason, row->reason_size);
    x->code = event_from_row(row, &x->event, &x->arena, x->err);
    if (x->code == SCRIP_OK)
        x->code = quote_from_row(row, &x->event, x->scrip->prices, x->scrip->names, &x->arena, &x->scrip->scratch,
                                 &x->quote, x->err);
    if (x->code == SCRIP_OK)
        x->code = account_after(x->scrip, x->holder, row->number, x->err);
    if (x->code < 0)
        return x->code;
    x->found++;
    explain_event(x);
    return x->code;
}

/* Identity is (account, source, id), so one id may explain several events: each is explained. */
static int account_explain(void *sink, const struct scrip_account_row *row)
{
    struct explaining *x = sink;
    struct scrip_scan scan = { .table = SCRIP_TABLE_EVENTS, .account = row->name->text, .from_period = INT64_MIN,
                               .to_period = INT64_MAX, .row = row_match, .sink = x };
    int code = account_copy(x->scrip, row->name->text, &x->holder, x->err);

    if (code < 0 || x->holder == NULL)
        return code;
    x->account = x->holder->row.name;
    code = host_scan(x->scrip, &scan, x->err);
    account_free(x->holder);
    x->holder = NULL;
    return code;
}

static const struct scrip_column explain_columns[] = { { "what", SCRIP_CELL_TEXT }, { "detail", SCRIP_CELL_TEXT } };

int ask_explain(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
                struct scrip_error *err)
{
    struct explaining *x = memory_get(sizeof *x);
    int code;

    x->scrip = scrip;
    x->id = query->id ? query->id : "";
    x->err = err;
    code = table_begin(&x->table, answer, "explain", explain_columns, 2);
    if (code == SCRIP_OK)
        code = accounts_each(scrip, query->account, account_explain, x, err);
    if (code == SCRIP_OK && !x->found)
        code = error_set(err, SCRIP_ENOTFOUND,
                         "event '%s': the store has no event of this id: look in `quarantine list`, too", x->id);
    if (code == SCRIP_OK)
        code = table_end(&x->table);
    arena_free(&x->arena);
    free(x);
    return code;
}

/* ---- quotes --------------------------------------------------------------------------------------------------- */

static void explain_effect(struct explaining *x, const struct effect *effect)
{
    char amount[DECIMAL_TEXT_SIZE], words[SCRIP_NAME_SIZE * 2 + 200];

    for (size_t i = 0; i < effect->entry_count; i++) {
        const struct scrip_entry_row *entry = &effect->entries[i];
        const struct grant *grant = x->holder->grants[entry->grant - 1];

        if (entry->debit != SCRIP_BOOK_USED || entry->of != 0)
            continue;
        money_write(entry->amount, (int)grant->terms->row.decimals, amount, sizeof amount);
        grant_words(grant, 1, words, sizeof words);
        say(x, "would pay", "%s %s by %s", amount, grant->terms->row.currency->text, words);
    }
}

/* The very functions that charge, on a copy of the account that is thrown away. */
static int quote_run(struct explaining *x, const struct scrip_query *query)
{
    struct scrip *scrip = x->scrip;
    struct scrip_field fields[EVENT_FIELD_LIMIT];
    size_t count;
    int code;

    arena_reset(&scrip->arena);
    code = fields_from_pairs(query->pairs, query->pair_count, fields, &count, &scrip->arena, x->err);
    if (code == SCRIP_OK)
        code = event_read(&x->event, fields, count, SCRIP_TIME_NONE, SCRIP_TIME_NONE,
                          names_add(scrip->names, "local", 5), scrip->names, &scrip->arena, x->err);
    if (code == SCRIP_OK && x->event.shown.type != SCRIP_USAGE)
        code = error_set(x->err, SCRIP_EINVALID, "type: a quote is for scrip.usage");
    if (code == SCRIP_OK)
        code = account_copy(scrip, x->event.account->text, &x->holder, x->err);
    if (code < 0)
        return code;
    if (x->holder == NULL)
        x->holder = account_make(x->event.account);
    memset(&x->quote, 0, sizeof x->quote);
    code = route_usage(scrip, x->holder, &x->event, &x->quote, x->err);
    scrip->undo.size = 0;
    if (code < 0)
        return code;
    for (size_t i = 0; i < x->quote.count; i++)
        say_arithmetic(x, i);
    scrip->engine.canonical.size = 0;
    event_canonical(&x->event, &scrip->engine.canonical);
    engine_apply(&scrip->engine, x->holder, &x->event, &x->quote);
    explain_effect(x, &scrip->engine.effect);
    say(x, "outcome", "would be %s%s%s", scrip_outcome_name(scrip->engine.effect.outcome),
        scrip->engine.effect.reason[0] ? ": " : "", scrip->engine.effect.reason);
    return x->code;
}

int ask_quote(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
              struct scrip_error *err)
{
    struct explaining *x = memory_get(sizeof *x);
    int code;

    x->scrip = scrip;
    x->err = err;
    code = table_begin(&x->table, answer, "quote", explain_columns, 2);
    if (code == SCRIP_OK)
        code = quote_run(x, query);
    if (code == SCRIP_OK)
        code = table_end(&x->table);
    if (x->holder != NULL)
        account_free(x->holder);
    free(x);
    return code;
}
