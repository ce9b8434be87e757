/* take.c - one event taken in: known already, decided, applied, recorded; or to quarantine. */
#include "hash.h"
#include "host.h"
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
    if (reason[0]) /* most have none */
        snprintf(result->reason, sizeof result->reason, "%.*s", (int)sizeof result->reason - 1, reason);
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

/* ---- decisions ------------------------------------------------------------------------------------------------ */

/* What the event needs to be known of it before the books change. The reason class of a fault is in *reason_class. */
static int decide(struct scrip *scrip, struct account *account, const struct event *event, const char **reason_class,
                  struct scrip_error *err)
{
    struct quote *quote = &scrip->quote;
    const char *service;
    int code = SCRIP_OK;

    quote->count = 0;
    quote->refusal[0] = 0;
    quote->terms = NULL;
    quote->verdict = SCRIP_NOT_MINE;
    *reason_class = "invalid";
    switch (event->shown.type) {
    case SCRIP_USAGE:
        if (event->product->number == 0 && !event->shown.has_amount)
            return error_set(err, SCRIP_EINVALID, "product: missing: a usage without an amount names its product");
        quote->verdict = SCRIP_FREE;
        code = route_usage(scrip, account, event, quote, err);
        *reason_class = code == SCRIP_ENOTFOUND ? "unpriced" : "invalid";
        return code;
    case SCRIP_GRANT:
    case SCRIP_ADJUSTMENT:
        if (event->currency->number == 0)
            return error_set(err, SCRIP_EINVALID, "currency: missing: name a configured currency");
        scrip->grant_number = account->row.grant_count + 1;
        return route_grant(scrip, event, &scrip->arena, quote, err);
    case SCRIP_VOID:
        if (event_field(event, SCRIP_F_GRANT) == NULL)
            return error_set(err, SCRIP_EINVALID, "grant: missing: name the grant that is void");
        return SCRIP_OK;
    case SCRIP_ACCOUNT:
        return SCRIP_OK;
    default:
        service = event_type_names[event->shown.type];
        return error_set(err, SCRIP_EINVALID, "type: this version does not take %s: it is kept here until one does",
                         service);
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
    return take_bad(scrip, origin, "conflict", reason, event, result);
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
        return take_bad(scrip, origin, "future", "time: later than now by more than max_future: correct the time, or "
                        "retry when it has come", event, result);
    code = decide(scrip, account, event, &reason_class, &why);
    if (code == SCRIP_EIO || code == SCRIP_EBUSY) {
        *err = why;
        return code;
    }
    if (code < 0) {
        route_undo(scrip, account);
        return take_bad(scrip, origin, reason_class, why.message, event, result);
    }
    engine_apply(&scrip->engine, account, event, &scrip->quote);
    if (scrip->engine.effect.outcome == SCRIP_REFUSED)
        route_undo(scrip, account);
    scrip->undo.size = 0;
    batch_add(scrip, account, event, &scrip->quote);
    top_raise(scrip, event);
    result_set(result, scrip->engine.effect.outcome, account->row.event_count, scrip->engine.effect.reason);
    return SCRIP_OK;
}
