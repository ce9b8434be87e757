/* service_due.c - what services wait for: each that is due becomes a usage of its own, before the event that brought
 * the account's time there. */
#include "calendar.h"
#include "hash.h"
#include "host.h"

#include <stdio.h>

/* The usage that a timer stands for: its id is the service's key and the instant. */
static void event_make(struct scrip *scrip, const struct account *account, const struct service_timer *timer,
                       struct event *event)
{
    char id[SCRIP_NAME_SIZE + 1], when[TIME_TEXT_SIZE];
    uint8_t key[16];

    memset(event, 0, sizeof *event);
    hash_key(timer->key, timer->key_size, key);
    time_write(timer->due_us, when, sizeof when);
    snprintf(id, sizeof id, "timer/%s/", when);
    hash_hex(key, 8, id + strlen(id));
    event->account = account->row.name;
    event->source = event->service = timer->service;
    event->product = event->user = event->unit = event->currency = &names_none;
    event->shown.account = event->account->text;
    event->shown.source = event->shown.service = timer->service->text;
    event->shown.product = event->shown.user = event->shown.unit = event->shown.currency = "";
    event->shown.id = arena_text(&scrip->arena, id, strlen(id));
    event->id_size = (uint32_t)strlen(id);
    event->shown.type = SCRIP_USAGE;
    event->shown.time_us = timer->due_us;
    event->shown.end_us = SCRIP_TIME_NONE;
    event->shown.quantity.whole = 1;
}

static int fire(struct scrip *scrip, struct account *account, struct service_timer *timer, struct scrip_error *err)
{
    struct origin origin = { .source = timer->service, .feed = "", .bytes = "" };
    struct scrip_result result = { 0 };
    struct scrip_error why = { 0 };
    struct event event;
    int code;

    event_make(scrip, account, timer, &event);
    quote_clear(&scrip->quote);
    scrip->undo.size = scrip->timer_undo.size = 0;
    account_timer_set(account, timer, SCRIP_TIME_NONE); /* before it is asked: it may wait again */
    code = route_timer(scrip, account, timer, &event, &scrip->quote, &why);
    if (code < 0 && !host_is_store_fault(scrip, code)) {
        route_undo(scrip, account);
        return take_bad(scrip, &origin, "invalid", why.message, &event, &result);
    }
    if (code < 0)
        *err = why;
    if (code <= 0)
        return code;
    event.shown.product = event.product->text;
    event.shown.user = event.user->text;
    scrip->engine.canonical.size = 0;
    event_canonical(&event, &scrip->engine.canonical);
    return take_apply(scrip, account, &event, 0, err);
}

/* The same on a copy that is only looked at: nothing is recorded. What a service fails to say is left as it is. */
int services_run(struct scrip *scrip, struct account *copy, int64_t until_us, struct scrip_error *err)
{
    struct service_timer *timer;
    struct scrip_error why;
    struct event event;
    int code;

    while ((timer = account_timer_first(copy)) != NULL && timer->due_us <= until_us) {
        arena_reset(&scrip->arena);
        event_make(scrip, copy, timer, &event);
        quote_clear(&scrip->quote);
        scrip->undo.size = scrip->timer_undo.size = 0;
        account_timer_set(copy, timer, SCRIP_TIME_NONE);
        error_clear(&why);
        code = route_timer(scrip, copy, timer, &event, &scrip->quote, &why);
        if (host_is_store_fault(scrip, code))
            return error_set(err, code, "%s", why.message);
        if (code <= 0)
            continue;
        scrip->engine.canonical.size = 0;
        event_canonical(&event, &scrip->engine.canonical);
        engine_apply(&scrip->engine, copy, &event, &scrip->quote);
        if (scrip->engine.effect.outcome == SCRIP_REFUSED)
            route_undo(scrip, copy);
    }
    return SCRIP_OK;
}

int services_fire(struct scrip *scrip, struct account *account, int64_t until_us, struct scrip_error *err)
{
    struct service_timer *timer;
    int code = SCRIP_OK;

    while (code == SCRIP_OK && (timer = account_timer_first(account)) != NULL && timer->due_us <= until_us)
        code = fire(scrip, account, timer, err);
    return code;
}
