/* take.c - one event taken in: known already, decided, applied, recorded; or to quarantine. */
#include "calendar.h"
#include "hash.h"
#include "late.h"
#include "money.h"

#include <stdio.h>
#include <time.h>

/* ---- quarantine ----------------------------------------------------------------------------------------------- */

static void result_set(struct scrip_result *result, int outcome, uint64_t number, const char *reason)
{
    result->outcome = outcome;
    result->was_duplicate = 0;
    result->number = number;
    result->reason[0] = 0;
    if (reason[0]) { /* most have none */
        snprintf(result->reason, sizeof result->reason, "%.*s", (int)sizeof result->reason - 1, reason);
        text_trim(result->reason);
    }
}

/* An event that was read is known by its identity; a row that was not, by its place and bytes. */
static void quarantine_key(struct bytes *scratch, const struct origin *origin, const struct event *event,
                           uint8_t key[16])
{
    scratch->size = 0;
    if (event != NULL) {
        bytes_add_text(scratch, event->account->text, event->account->size);
        bytes_add_text(scratch, event->source->text, event->source->size);
        bytes_add_text(scratch, event->shown.id, event->id_size);
        bytes_add_number(scratch, event->digest);
    } else {
        bytes_add_text(scratch, origin->source->text, origin->source->size);
        bytes_add_text(scratch, origin->feed, strlen(origin->feed));
        bytes_add_number(scratch, origin->line);
        bytes_add(scratch, origin->bytes, origin->size);
    }
    hash_key(scratch->start, scratch->size, key);
}

int take_bad(struct scrip *scrip, const struct origin *origin, const char *reason_class, const char *reason,
             const struct event *event, struct scrip_result *result)
{
    struct batch *batch = scrip->open;
    struct scrip_quarantine_row *row;

    ARRAY_ROOM(batch->quarantine, batch->quarantine_count, batch->quarantine_room);
    row = &batch->quarantine[batch->quarantine_count++];
    memset(row, 0, sizeof *row);
    quarantine_key(&scrip->engine.head, origin, event, row->key);
    row->source = origin->source;
    row->feed = arena_text(&batch->arena, origin->feed, strlen(origin->feed));
    row->line = origin->line;
    row->reason_class = reason_class;
    row->reason = arena_text(&batch->arena, reason, strlen(reason));
    row->bytes = arena_text(&batch->arena, origin->bytes, origin->size);
    row->size = origin->size;
    row->time_us = event ? event->shown.time_us : SCRIP_TIME_NONE;
    row->account = event ? event->account->text : "";
    row->id = event ? arena_text(&batch->arena, event->shown.id, event->id_size) : "";
    row->event = "";
    /* What a retry reads: a row's bytes are often no native event. */
    if (event != NULL || origin->field_count) {
        if (event != NULL)
            event_to_flat(event, &scrip->scratch);
        else
            event_fields_to_flat(origin->fields, origin->field_count, &scrip->scratch);
        row->event = arena_text(&batch->arena, scrip->scratch.text, scrip->scratch.size);
        row->event_size = scrip->scratch.size;
    }
    batch->size += row->size + row->event_size;
    result_set(result, SCRIP_QUARANTINED, 0, reason);
    return SCRIP_OK;
}

/* ---- known already -------------------------------------------------------------------------------------------- */

static struct source_top *top_of(struct scrip *scrip, const struct scrip_name *source, struct scrip_error *err)
{
    struct source_top *top;

    for (size_t i = 0; i < scrip->top_count; i++)
        if (scrip->tops[i].source == source)
            return &scrip->tops[i];
    ARRAY_ROOM(scrip->tops, scrip->top_count, scrip->top_room);
    top = &scrip->tops[scrip->top_count];
    top->source = source;
    top->last[0] = 0;
    if (store_of(scrip->reader)->source_last(&scrip->reader->ctx, source->text, top->last) < 0) {
        error_set(err, SCRIP_EIO, "store: %s", scrip->reader->error.message);
        return NULL;
    }
    scrip->top_count++;
    return top;
}

/* 1: *out is the row of an event with this identity; 0: it is new. */
static int known_find(struct scrip *scrip, const struct event *event, const struct scrip_event_row **out,
                      struct scrip_error *err)
{
    struct source_top *top = top_of(scrip, event->source, err);
    const struct scrip_store *store = store_of(scrip->reader);
    int code;

    if (top == NULL)
        return SCRIP_EIO;
    if (strcmp(event->shown.id, top->last) > 0)
        return 0;
    if ((*out = batch_find(scrip->open, event)) != NULL)
        return 1;
    if (scrip->sent != NULL && (*out = batch_find(scrip->sent, event)) != NULL)
        return 1;
    code = store->event_find(&scrip->reader->ctx, event->account->text, event->source->text, event->shown.id,
                             event->id_size, out);
    if (code == SCRIP_ENOTFOUND)
        return 0;
    return code < 0 ? error_set(err, code, "store: %s", scrip->reader->error.message) : 1;
}

static void top_raise(struct scrip *scrip, const struct event *event)
{
    for (size_t i = 0; i < scrip->top_count; i++)
        if (scrip->tops[i].source == event->source && strcmp(event->shown.id, scrip->tops[i].last) > 0)
            memcpy(scrip->tops[i].last, event->shown.id, event->id_size + 1);
}

int64_t history_number(struct scrip *scrip, const struct account *account, const char *source, const char *id,
                       struct scrip_error *err)
{
    struct event event = { .account = account->row.name, .source = names_add(scrip->names, source, strlen(source)) };
    const struct scrip_event_row *row = NULL;
    int code;

    event.shown.id = id;
    event.id_size = (uint32_t)strlen(id);
    code = known_find(scrip, &event, &row, err);
    return code <= 0 ? code : (int64_t)row->number;
}

/* ---- decisions ------------------------------------------------------------------------------------------------ */

/* The terms of the event's currency, and its amount where it has one. */
static int decide_terms(struct scrip *scrip, const struct event *event, struct quote *quote, int64_t least,
                        struct scrip_error *err)
{
    const char *code = event->shown.type == SCRIP_CONVERSION ? event_text(event, SCRIP_F_FROM) : event->currency->text;
    struct currency *currency = host_currency(scrip, code);

    if (currency == NULL)
        return host_currency_unknown(scrip, event->shown.type == SCRIP_CONVERSION ? "from" : "currency", code, err);
    quote->terms = currency->terms;
    if (!event->shown.has_amount)
        return SCRIP_OK;
    return amount_from_event(event, quote->terms, least, &quote->grant.balance[SCRIP_BOOK_ISSUED], err);
}

/* The rate of a conversion: the event's own, or the configured one of its date. */
static int decide_conversion(struct scrip *scrip, const struct event *event, struct quote *quote,
                             struct scrip_error *err)
{
    const char *to = event_text(event, SCRIP_F_TO);
    struct currency *from, *currency = host_currency(scrip, to);
    struct instance *instance;
    int code = decide_terms(scrip, event, quote, 1, err);

    if (code < 0)
        return code;
    if (currency == NULL)
        return host_currency_unknown(scrip, "to", to, err);
    if (currency->terms == quote->terms)
        return error_set(err, SCRIP_EINVALID, "to '%s': is the currency that is converted: name another", to);
    quote->to_terms = currency->terms;
    quote->per = (struct scrip_decimal){ 1, 0 };
    from = host_currency(scrip, event_text(event, SCRIP_F_FROM));
    instance = from->instance;
    error_clear(&instance->error);
    if (event_decimal(event, SCRIP_F_RATE, &quote->rate) < 0) {
        code = instance->plugin->api.currency.convert
                   ? instance->plugin->api.currency.convert(&instance->ctx, to, event->shown.time_us, &quote->rate,
                                                            &quote->per)
                   : SCRIP_ENOTFOUND;
        if (code < 0)
            return error_set(err, SCRIP_EINVALID,
                             "rate: missing, and currency %s has none to %s at this time: give one, or configure "
                             "convert.%s",
                             from->name->text, to, to);
    }
    if (quote->rate.whole < 0 || quote->per.whole < 0 || (quote->rate.whole == 0 && quote->rate.atto == 0) ||
        (quote->per.whole == 0 && quote->per.atto == 0))
        return error_set(err, SCRIP_EINVALID, "rate: want a number above 0");
    return SCRIP_OK;
}

struct target {
    int64_t type;
    char hold[SCRIP_NAME_SIZE + 1];
    struct arena *arena;
};

static int target_row(void *sink, const struct scrip_event_row *row)
{
    struct target *target = sink;
    struct event event;

    target->type = row->type;
    if (event_from_row(row, &event, target->arena, NULL) == SCRIP_OK)
        snprintf(target->hold, sizeof target->hold, "%s", event_text(&event, SCRIP_F_HOLD));
    return SCRIP_OK;
}

/* The charge that a reversal or a rerate is about: of a usage, or of a hold through any of its events. */
static int decide_charge(struct scrip *scrip, struct account *account, const struct event *event, struct quote *quote,
                         struct scrip_error *err)
{
    const char *source = event_text(event, SCRIP_F_OF_SOURCE), *id = event_text(event, SCRIP_F_OF_ID);
    struct target target = { .arena = &scrip->arena };
    int64_t number;
    struct claim *claim;
    struct charge *charge;
    int code;

    if (id[0] == 0)
        return error_set(err, SCRIP_EINVALID, "of.id: missing: name the event whose charge is meant");
    number = history_number(scrip, account, source[0] ? source : event->source->text, id, err);
    if (number < 0)
        return (int)number;
    if (number > 0 && (code = history_event(scrip, account->row.name, (uint64_t)number, target_row, &target, err)) < 0)
        return code;
    if (number > 0 && target.type == SCRIP_CAPTURE) {
        if ((code = hold_open(scrip, account, target.hold, err)) < 0)
            return code;
        claim = account_hold_find(account, target.hold, strlen(target.hold));
        if (claim == NULL || claim->captured_by != (uint64_t)number) {
            snprintf(quote->refusal, sizeof quote->refusal, "of '%s': was refused: it charged nothing", id);
            return SCRIP_OK;
        }
        number = (int64_t)claim->row.event;
    } else if (number > 0 && target.type != SCRIP_USAGE && target.type != SCRIP_HOLD) {
        snprintf(quote->refusal, sizeof quote->refusal, "of '%s': is a %s, not a charge", id,
                 event_type_names[target.type]);
        return SCRIP_OK;
    }
    if (number == 0) {
        snprintf(quote->refusal, sizeof quote->refusal,
                 "of '%s': the account has no such event of source '%s': give account, source and id as events shows them",
                 id, source[0] ? source : event->source->text);
        return SCRIP_OK;
    }
    code = history_charge(scrip, account, (uint64_t)number, &scrip->arena, &charge, err);
    quote->charge = charge;
    return code;
}

/* What a usage or a hold costs. */
static int decide_price(struct scrip *scrip, struct account *account, const struct event *event, struct quote *quote,
                        const char **reason_class, struct scrip_error *err)
{
    int code;

    if (event->product->number == 0 && !event->shown.has_amount && event_field(event, SCRIP_F_LINE) == NULL)
        return error_set(err, SCRIP_EINVALID, "product: missing: a usage without an amount names its product");
    if (event->shown.type == SCRIP_HOLD && event->product->number == 0)
        return route_amount(scrip, event, quote, err);
    quote->verdict = SCRIP_FREE;
    code = route_usage(scrip, account, event, quote, err);
    *reason_class = code == SCRIP_ENOTFOUND ? "unpriced" : "invalid";
    return code;
}

static int field_wanted(const struct event *event, int key, const char *wanted, struct scrip_error *err)
{
    return event_field(event, key) ? SCRIP_OK
                                   : error_set(err, SCRIP_EINVALID, "%s: missing: %s", field_text(key), wanted);
}

/* Fields whose text is one of a few words. */
static int words_check(const struct event *event, struct scrip_error *err)
{
    static const struct {
        int key;
        const char *words[6], *wanted;
    } choices[] = {
        { SCRIP_F_ACCEPT, { "all", "available" }, "all or available" },
        { SCRIP_F_PRESERVE_OVERAGE, { "yes", "no", "true", "false", "1", "0" }, "yes or no" },
    };

    for (size_t i = 0; i < sizeof choices / sizeof *choices && event->field_count > 0; i++) {
        const char *text = event_text(event, choices[i].key);
        int is_known = text[0] == 0;

        for (size_t k = 0; k < 6 && choices[i].words[k] != NULL; k++)
            is_known |= strcmp(text, choices[i].words[k]) == 0;
        if (!is_known)
            return error_set(err, SCRIP_EINVALID, "%s: '%s' is not known: want %s", field_text(choices[i].key), text,
                             choices[i].wanted);
    }
    return SCRIP_OK;
}

/* Fields whose text has a form that no reader of fields knows. */
static int forms_check(const struct event *event, struct scrip_error *err)
{
    const char *zone = event_text(event, SCRIP_F_ZONE);
    struct scrip_decimal line;

    if (zone[0] && zone_check(zone) < 0)
        return error_set(err, SCRIP_EINVALID,
                         "zone: '%s' is no zone: want UTC, +02:00, or a name such as Europe/Berlin", zone);
    if (event_decimal(event, SCRIP_F_OF_LINE, &line) == SCRIP_OK &&
        (line.atto != 0 || line.whole < 0 || line.whole >= SCRIP_LINE_LIMIT * 2))
        return error_set(err, SCRIP_EINVALID, "of.line: '%s' is no line of a charge: want a whole number from 0 up",
                         event_text(event, SCRIP_F_OF_LINE));
    return words_check(event, err);
}

static int decide_limit(struct scrip *scrip, const struct event *event, struct quote *quote, struct scrip_error *err)
{
    static const char *const units[] = { "hour", "day", "month", "year" };
    const char *per = event_text(event, SCRIP_F_PER);
    int64_t ignored;

    for (size_t i = 0; i < 4; i++)
        if (strcmp(per, units[i]) == 0)
            per = "";
    if (per[0] && (strchr("hdmy", per[0]) || duration_check(per) < 0 || time_add(0, per, 1, "UTC", &ignored) < 0 ||
                   ignored < SCRIP_SECOND))
        return error_set(err, SCRIP_EINVALID,
                         "per: '%s' is no period: want hour, day, month, year, or a duration such as P7D", per);
    if (!event->shown.has_amount)
        return error_set(err, SCRIP_EINVALID, "amount: missing: give the most that may be charged in a period");
    return decide_terms(scrip, event, quote, 0, err);
}

/* Where the first grant of the account's next event comes among all: also an event that is refused now may give grants once a
 * late one is in its place. */
static uint64_t grant_sequence(const struct account *account)
{
    return (account->row.event_count + 1) * QUOTE_GRANT_LIMIT;
}

/* What the event needs to be known of it before the books change. The reason class of a fault is in *reason_class. */
static int decide(struct scrip *scrip, struct account *account, const struct event *event, const char **reason_class,
                  struct scrip_error *err)
{
    struct quote *quote = &scrip->quote;
    const char *id;
    int code;

    quote_clear(quote);
    scrip->undo.size = scrip->timer_undo.size = 0;
    *reason_class = "invalid";
    if ((code = forms_check(event, err)) < 0)
        return code;
    switch (event->shown.type) {
    case SCRIP_HOLD:
        /* A hold of this id may be closed, and in the store only. */
        id = event_text(event, SCRIP_F_HOLD);
        if ((code = hold_open(scrip, account, id[0] ? id : event->shown.id, err)) < 0)
            return code;
        return decide_price(scrip, account, event, quote, reason_class, err);
    case SCRIP_USAGE:
        return decide_price(scrip, account, event, quote, reason_class, err);
    case SCRIP_GRANT:
    case SCRIP_ADJUSTMENT:
        if (event->currency->number == 0)
            return host_currency_unknown(scrip, "currency", "", err);
        scrip->grant_number = grant_sequence(account);
        return route_grant(scrip, event, &scrip->arena, quote, err);
    case SCRIP_TRANSFER:
        if (event_field(event, SCRIP_F_FROM) != NULL) {
            scrip->grant_number = grant_sequence(account);
            return route_grant(scrip, event, &scrip->arena, quote, err);
        }
        if (event_field(event, SCRIP_F_SHARE) == NULL &&
            (code = field_wanted(event, SCRIP_F_TO, "name the account that gets it", err)) < 0)
            return code;
        if (!event->shown.has_amount && event_field(event, SCRIP_F_GRANT) == NULL)
            return error_set(err, SCRIP_EINVALID, "amount: missing: give an amount, or a grant to move all of it");
        if ((code = transfer_check(event, err)) < 0)
            return code;
        return decide_terms(scrip, event, quote, 1, err);
    case SCRIP_RESET:
        return decide_terms(scrip, event, quote, 0, err);
    case SCRIP_LIMIT:
        return decide_limit(scrip, event, quote, err);
    case SCRIP_CONVERSION:
        scrip->grant_number = grant_sequence(account);
        return decide_conversion(scrip, event, quote, err);
    case SCRIP_EXTEND:
    case SCRIP_CAPTURE:
    case SCRIP_RELEASE:
        if ((code = field_wanted(event, SCRIP_F_HOLD, "name the hold", err)) < 0)
            return code;
        return hold_open(scrip, account, event_text(event, SCRIP_F_HOLD), err);
    case SCRIP_REVERSAL:
        return decide_charge(scrip, account, event, quote, err);
    case SCRIP_RERATE:
        return error_set(err, SCRIP_EINVALID, "type: scrip.rerate is made by `scrip rerate`, not taken from a feed");
    case SCRIP_VOID:
        return field_wanted(event, SCRIP_F_GRANT, "name the grant that is void", err);
    case SCRIP_CLOSE:
        return field_wanted(event, SCRIP_F_PERIOD, "name the period, such as 2022-03", err);
    default:
        return SCRIP_OK;
    }
}

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * SCRIP_SECOND + now.tv_nsec / 1000;
}

/* The same identity: a duplicate where the content is the same, too; else a conflict. */
static int known_answer(struct scrip *scrip, const struct origin *origin, const struct event *event,
                        const struct scrip_event_row *known, struct scrip_result *result)
{
    char reason[SCRIP_MESSAGE_SIZE];

    if (known->digest == event->digest) {
        snprintf(reason, sizeof reason, "%.*s", (int)known->reason_size, known->reason_size ? known->reason : "");
        result_set(result, (int)known->outcome, known->number, reason);
        result->was_duplicate = 1;
        return SCRIP_OK;
    }
    snprintf(reason, sizeof reason,
             "id '%s': known already with other content (event %llu of '%s'): give it another id, or correct the feed",
             event->shown.id, (unsigned long long)known->number, event->account->text);
    text_trim(reason);
    return take_bad(scrip, origin, "conflict", reason, event, result);
}

/* ---- in its place --------------------------------------------------------------------------------------------- */

struct last {
    struct account *account;
};

static int last_row(void *sink, const struct scrip_event_row *row)
{
    struct account *account = ((struct last *)sink)->account;

    account->last_source = row->source;
    snprintf(account->last_id, sizeof account->last_id, "%.*s", (int)row->id_size, row->id);
    return SCRIP_OK;
}

/* The event's own row, as the last of its account. */
static void own_add(struct scrip *scrip, struct past_rows *past, const struct account *account,
                    const struct event *event, const struct quote *quote, int flags)
{
    struct scrip_event_row row = { 0 };

    event_to_row(event, &row, &scrip->scratch, &scrip->arena);
    quote_to_row(quote, event, &row, &scrip->scratch, &scrip->arena);
    row.number = account->row.event_count + 1;
    row.flags = flags;
    past_rows_put(past, &row);
}

/* What the event is put in its place on: all that is recorded, where what is at hand begins behind it. */
static int base_ready(struct scrip *scrip, struct account *account, const struct event *event, struct scrip_error *err)
{
    int code;

    if (account->base != NULL && late_base_fits(account->base, event))
        return SCRIP_OK;
    late_base_free(account->base);
    account->base = NULL;
    if ((code = batch_wait(scrip, err)) < 0 || (code = claims_open(scrip, account, err)) < 0)
        return code;
    account->base = late_base_make(account, 1);
    return past_rows_load(&account->base->rows, scrip, account->row.name, 0, err);
}

/* 1: the account was made anew with the event, and *flags says how; 0: the event is to be applied to it as it is; else the
 * fault. */
static int take_late(struct scrip *scrip, struct account *account, const struct event *event, int *flags,
                     struct late *late, struct scrip_error *err)
{
    struct last last = { account };
    int code = SCRIP_OK, is_anew = late_is_anew(event, &scrip->quote), is_placed;
    struct past_rows *rows;

    if ((event->shown.time_us > account->row.clock_us && !is_anew) || account->row.event_count == 0)
        return 0;
    if (account->last_source == NULL &&
        (code = history_event(scrip, account->row.name, account->row.clock_event, last_row, &last, err)) < 0)
        return code;
    is_placed = late_is_replayed(account, event, &scrip->quote);
    if ((!is_placed && !is_anew) || (code = base_ready(scrip, account, event, err)) < 0)
        return code;
    rows = &account->base->rows;
    is_placed = is_placed && past_rows_allow(rows, event);
    if (!is_placed && !is_anew)
        return 0;
    route_undo(scrip, account); /* what a service put as if it came last */
    *flags |= is_placed ? SCRIP_EVENT_PLACED : SCRIP_EVENT_ANEW;
    own_add(scrip, rows, account, event, &scrip->quote, *flags);
    scrip->late_quote = scrip->quote;
    scrip->engine.flags = *flags;
    code = late_apply(late, event, &scrip->late_quote, err);
    scrip->quote = scrip->late_quote;
    rows->count--; /* it comes again as it is recorded */
    return code < 0 ? code : 1;
}

/* Applies an event that was decided, and records it. */
int take_apply(struct scrip *scrip, struct account *account, const struct event *event, int is_told,
               struct scrip_error *err)
{
    struct late late = { .scrip = scrip, .account = account, .engine = &scrip->engine, .recorded = UINT64_MAX, .asks = 1 };
    int flags = is_told ? SCRIP_EVENT_TOLD : 0, code = take_late(scrip, account, event, &flags, &late, err);

    if (code < 0)
        return code;
    if (code == 0) {
        scrip->engine.flags = flags;
        engine_apply(&scrip->engine, account, event, &scrip->quote);
        if (scrip->engine.effect.outcome == SCRIP_REFUSED)
            route_undo(scrip, account);
    }
    scrip->undo.size = scrip->timer_undo.size = 0;
    if (account->row.clock_event == account->row.event_count) {
        account->last_source = event->source;
        memcpy(account->last_id, event->shown.id, event->id_size + 1);
    }
    code = batch_add(scrip, account, event, &scrip->quote, flags, &late.anew, err);
    if (code == SCRIP_OK)
        code = late_recorded(&late, &scrip->open->events[scrip->open->event_count - 1], err);
    json_free(&late.anew);
    top_raise(scrip, event);
    if (code < 0)
        batch_drop(scrip); /* an event without its checkpoint is none: it is read again */
    return code;
}

int take_event(struct scrip *scrip, struct event *event, const struct origin *origin, struct scrip_result *result,
               struct scrip_error *err)
{
    const struct scrip_event_row *known = NULL;
    struct scrip_error why = { 0 };
    const char *reason_class;
    struct account *account;
    int code;

    scrip->engine.canonical.size = 0;
    event_canonical(event, &scrip->engine.canonical);
    if ((code = account_open(scrip, event->account, &account, err)) < 0)
        return code;
    if ((code = known_find(scrip, event, &known, err)) != 0)
        return code < 0 ? code : known_answer(scrip, origin, event, known, result);
    /* Asked of the clock only for what is new, and never written. */
    if (event->shown.time_us - scrip->now_us > scrip->max_future_us &&
        event->shown.time_us - (scrip->now_us = now_us()) > scrip->max_future_us)
        return take_bad(scrip, origin, "future", "time: later than now by more than max_future of [scrip]: correct the time, or "
                        "retry when it has come", event, result);
    if (account->row.timer_count > 0) {
        if ((code = services_fire(scrip, account, event->shown.time_us, err)) < 0)
            return code;
        scrip->engine.canonical.size = 0;
        event_canonical(event, &scrip->engine.canonical);
    }
    code = decide(scrip, account, event, &reason_class, &why);
    if (host_is_store_fault(scrip, code)) {
        *err = why;
        return code;
    }
    if (code < 0) {
        route_undo(scrip, account);
        return take_bad(scrip, origin, reason_class, why.message, event, result);
    }
    if ((code = take_apply(scrip, account, event, origin->is_told, err)) < 0)
        return code;
    result_set(result, scrip->engine.effect.outcome, account->row.event_count, scrip->engine.effect.reason);
    if (scrip->engine.effect.departure_count > 0 && (code = transfer_arrive(scrip, event, result, err)) < 0)
        batch_drop(scrip); /* half a transfer is none: what is not committed is read again */
    return code;
}
