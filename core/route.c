/* route.c - who prices an event: routing by what instances want, quotes collected, grants settled by their currency. */
#include "host.h"

#include "calendar.h"
#include "money.h"

#include <stdio.h>

/* What a service's calls come back to while it quotes. */
struct scrip_quote {
    struct scrip *scrip;
    struct account *account;
    const struct event *event;
    const struct service *service;
    struct quote *quote;
    int verdict;
    size_t first; /* its lines start here */
    size_t item;  /* of a usage of several lines: which, from 1 */
    /* Lines that were dropped: their currency does not accept at that time, or the user chose another. */
    const struct scrip_name *closed;
    int64_t closed_us;
    int dropped_plain;
    uint64_t dropped[SCRIP_LINE_LIMIT]; /* groups */
    size_t dropped_count;
    struct event *named; /* of a timer: the usage that usage_name names */
};

/* What a service waited for, for the same. */
struct timer_undo {
    struct service_timer *timer;
    int64_t due_us;
};

/* A value that a service put, for when its event is refused. */
struct undo {
    struct state *state;
    uint8_t *value;
    size_t value_size;
    int64_t discard_after_us;
};

/* ---- wants ---------------------------------------------------------------------------------------------------- */

/* A name, or a pattern that ends in '*'. */
static int pattern_fits(const char *pattern, const char *text)
{
    size_t size = strlen(pattern);

    return size && pattern[size - 1] == '*' ? strncmp(pattern, text, size - 1) == 0 : strcmp(pattern, text) == 0;
}

static int list_fits(const struct instance *instance, const char *key, const char *text)
{
    const struct option_value *value = instance_option(instance, key);

    if (value == NULL || value->items == NULL)
        return 1;
    for (char **item = value->items; *item != NULL; item++)
        if (pattern_fits(*item, text))
            return 1;
    return 0;
}

static const char *attribute_of(const struct event *event, const char *name)
{
    for (uint64_t i = 0; i < event->shown.attribute_count; i++)
        if (strcmp(event->shown.attributes[i].name, name) == 0)
            return event->shown.attributes[i].value;
    return "";
}

/* One of the values of `where.NAME = A, B`. */
static int where_fits(const struct option_value *where, const char *text)
{
    const char *at = where->text;

    while (*at) {
        const char *end = strchrnul(at, ',');
        const char *stop = end;
        char pattern[SCRIP_NAME_SIZE + 1];

        while (*at == ' ' || *at == '\t')
            at++;
        while (stop > at && (stop[-1] == ' ' || stop[-1] == '\t'))
            stop--;
        if (stop > at && (size_t)(stop - at) < sizeof pattern) {
            memcpy(pattern, at, (size_t)(stop - at));
            pattern[stop - at] = 0;
            if (pattern_fits(pattern, text))
                return 1;
        }
        at = *end ? end + 1 : end;
    }
    return 0;
}

static int service_wants(const struct service *service, const struct event *event)
{
    if (event->service->number && event->service != service->name)
        return 0;
    if (!list_fits(service->instance, "products", event->product->text) ||
        !list_fits(service->instance, "units", event->unit->text))
        return 0;
    for (size_t i = 0; i < service->where_count; i++)
        if (!where_fits(&service->where[i], attribute_of(event, service->where[i].suffix)))
            return 0;
    return 1;
}

/* ---- what a service calls ------------------------------------------------------------------------------------- */

static struct scrip_quote *call_of(struct scrip_ctx *ctx)
{
    return ((struct instance *)ctx->host_private)->call;
}

static int line_drop(struct scrip_quote *call, const struct scrip_line *line)
{
    if (line->group == 0)
        call->dropped_plain = 1;
    else if (call->dropped_count < SCRIP_LINE_LIMIT)
        call->dropped[call->dropped_count++] = line->group;
    return SCRIP_OK;
}

int route_line_add(struct scrip_ctx *ctx, struct scrip_quote *out, const struct scrip_line *line)
{
    struct quote *quote = out->quote;
    struct currency *currency = host_currency(out->scrip, line->currency);
    struct scrip_rate_row rate = { 0 };
    struct quote_line *fresh;
    int64_t time_us = line->time_us == SCRIP_TIME_NONE ? out->event->shown.time_us : line->time_us;

    if (currency == NULL)
        return scrip_fail(ctx, SCRIP_EINVALID, "currency '%s': not configured: add a section [currency/... %s]",
                          line->currency, line->currency);
    if (line->per.whole < 0 || (line->per.whole == 0 && line->per.atto == 0))
        return scrip_fail(ctx, SCRIP_EINVALID, "per: a line's per must be above 0");
    if (time_us < SCRIP_TIME_MIN || time_us >= SCRIP_TIME_MAX)
        return scrip_fail(ctx, SCRIP_ERANGE, "time: a line's time is outside the years 1900 to 9999");
    if (out->event->currency->number && out->event->currency != currency->name)
        return line_drop(out, line);
    if ((currency->policy.accept_from_us != SCRIP_TIME_NONE && time_us < currency->policy.accept_from_us) ||
        (currency->policy.accept_until_us != SCRIP_TIME_NONE && time_us >= currency->policy.accept_until_us)) {
        out->closed = currency->name;
        out->closed_us = time_us;
        return line_drop(out, line);
    }
    if (quote->count == SCRIP_LINE_LIMIT)
        return scrip_fail(ctx, SCRIP_ELIMIT, "lines: more than %d in one quote", SCRIP_LINE_LIMIT);
    rate.service = out->service->name;
    rate.terms = currency->terms->row.number;
    rate.rate = line->rate;
    rate.per = line->per;
    rate.label = names_add(out->scrip->names, line->label ? line->label : "", line->label ? strlen(line->label) : 0);
    rate.digest = out->service->instance->digest;
    fresh = &quote->lines[quote->count++];
    fresh->rate = prices_rate(out->scrip->prices, &rate);
    fresh->quantity = line->quantity;
    fresh->time_us = time_us;
    fresh->group = line->group;
    fresh->item = out->item;
    return SCRIP_OK;
}

void route_verdict(struct scrip_ctx *ctx, struct scrip_quote *out, int verdict)
{
    (void)ctx;
    out->verdict = verdict;
}

int route_price(struct scrip_ctx *ctx, struct scrip_quote *out, const char *currency, const char *rate,
                const char *label)
{
    struct scrip_line line = { SCRIP_TIME_NONE, currency, out->event->shown.quantity, { 0, 0 }, { 1, 0 }, label, 0 };

    if (decimal_parse(rate, strlen(rate), &line.rate) < 0)
        return scrip_fail(ctx, SCRIP_EINVALID, "rate: '%s' is no decimal number", rate);
    out->verdict = SCRIP_PRICED;
    return route_line_add(ctx, out, &line);
}

int route_currency_find(struct scrip_ctx *ctx, const char *currency, int64_t *out_decimals)
{
    struct currency *found = host_currency(host_of(ctx), currency);

    if (found == NULL)
        return SCRIP_ENOTFOUND;
    if (out_decimals != NULL)
        *out_decimals = found->policy.decimals;
    return SCRIP_OK;
}

/* ---- what services remember ----------------------------------------------------------------------------------- */

/* The state, loaded from the store when it is first asked for; one that is not there is kept as forgotten. */
static int state_open(struct scrip_ctx *ctx, struct scrip_quote *call, const char *key, uint64_t key_size,
                      struct state **out)
{
    struct account *account = call->account;
    struct scrip *scrip = call->scrip;
    uint8_t value[SCRIP_STATE_VALUE_SIZE];
    uint64_t size = sizeof value;
    int64_t discard = SCRIP_TIME_NONE;
    int code = SCRIP_ENOTFOUND;

    if (key_size == 0 || key_size > SCRIP_STATE_KEY_SIZE)
        return scrip_fail(ctx, SCRIP_ELIMIT, "state: a key of %llu bytes, want 1 to %d", (unsigned long long)key_size,
                          SCRIP_STATE_KEY_SIZE);
    *out = account_state_find(account, call->service->name, key, key_size);
    if (*out != NULL)
        return SCRIP_OK;
    if (account->is_stored)
        code = store_of(scrip->reader)
                   ->state_find(&scrip->reader->ctx, account->row.name->text, call->service->name->text, key, key_size,
                                value, &size, &discard);
    if (code < 0 && code != SCRIP_ENOTFOUND)
        return scrip_fail(ctx, code, "%s", scrip->reader->error.message);
    *out = account_state_add(account, call->service->name, key, key_size);
    scrip->state_count++;
    if (code == SCRIP_OK) {
        account_state_set(account, *out, value, size, discard);
        (*out)->is_dirty = 0;
        account->dirty_state_count--;
    }
    return SCRIP_OK;
}

int route_state_get(struct scrip_ctx *ctx, const char *key, uint64_t key_size, void *value, uint64_t *value_size)
{
    struct scrip_quote *call = call_of(ctx);
    struct state *state;
    int code;

    if (call == NULL)
        return scrip_fail(ctx, SCRIP_EINVALID, "state: only while a quote is asked for");
    if ((code = state_open(ctx, call, key, key_size, &state)) < 0)
        return code;
    if (state->value_size == 0)
        return SCRIP_ENOTFOUND;
    if (state->value_size > *value_size)
        return scrip_fail(ctx, SCRIP_ELIMIT, "state: the value has %u bytes, more than there is room for",
                          state->value_size);
    memcpy(value, state->value, state->value_size);
    *value_size = state->value_size;
    return SCRIP_OK;
}

int route_state_put(struct scrip_ctx *ctx, const char *key, uint64_t key_size, const void *value, uint64_t value_size,
                    int64_t discard_after_us)
{
    struct scrip_quote *call = call_of(ctx);
    struct state *state;
    struct undo undo;
    int code;

    if (call == NULL)
        return scrip_fail(ctx, SCRIP_EINVALID, "state: only while a quote is asked for");
    if (value_size > SCRIP_STATE_VALUE_SIZE)
        return scrip_fail(ctx, SCRIP_ELIMIT, "state: a value of %llu bytes, want at most %d",
                          (unsigned long long)value_size, SCRIP_STATE_VALUE_SIZE);
    if ((code = state_open(ctx, call, key, key_size, &state)) < 0)
        return code;
    undo.state = state;
    undo.value_size = state->value_size;
    undo.discard_after_us = state->discard_after_us;
    undo.value = arena_get(&call->scrip->arena, state->value_size + 1);
    if (state->value_size)
        memcpy(undo.value, state->value, state->value_size);
    bytes_add(&call->scrip->undo, &undo, sizeof undo);
    account_state_set(call->account, state, value, value_size, discard_after_us);
    return SCRIP_OK;
}

int route_timer_set(struct scrip_ctx *ctx, const char *key, uint64_t key_size, int64_t due_us)
{
    struct scrip_quote *call = call_of(ctx);
    struct service_timer *timer;
    struct timer_undo undo;

    if (call == NULL)
        return scrip_fail(ctx, SCRIP_EINVALID, "timer: only while a quote is asked for");
    if (call->service->instance->plugin->api.service.timer == NULL)
        return scrip_fail(ctx, SCRIP_EINVALID, "timer: the service has no function that it could call");
    if (key_size == 0 || key_size > SCRIP_STATE_KEY_SIZE)
        return scrip_fail(ctx, SCRIP_ELIMIT, "timer: a key of %llu bytes, want 1 to %d", (unsigned long long)key_size,
                          SCRIP_STATE_KEY_SIZE);
    if (due_us != SCRIP_TIME_NONE &&
        (due_us < SCRIP_TIME_MIN || due_us >= SCRIP_TIME_MAX || due_us < call->event->shown.time_us ||
         (call->named != NULL && due_us == call->event->shown.time_us)))
        return scrip_fail(ctx, SCRIP_ERANGE, "timer: it must be due after the time at hand, before the year 10000");
    timer = account_timer_find(call->account, call->service->name, key, key_size);
    if (timer == NULL && due_us == SCRIP_TIME_NONE)
        return SCRIP_OK;
    if (timer == NULL)
        timer = account_timer_add(call->account, call->service->name, key, key_size);
    undo = (struct timer_undo){ timer, timer->due_us };
    bytes_add(&call->scrip->timer_undo, &undo, sizeof undo);
    account_timer_set(call->account, timer, due_us);
    return SCRIP_OK;
}

const char *route_account_zone(struct scrip_ctx *ctx)
{
    struct scrip_quote *call = call_of(ctx);

    return call && call->account->zone ? call->account->zone : "UTC";
}

int route_usage_name(struct scrip_ctx *ctx, struct scrip_quote *out, const char *product, const char *user)
{
    if (out->named == NULL)
        return scrip_fail(ctx, SCRIP_EINVALID, "usage_name: only while a timer is asked for: a usage has its names");
    if ((product[0] && name_check(product, strlen(product)) < 0) || (user[0] && name_check(user, strlen(user)) < 0))
        return scrip_fail(ctx, SCRIP_EINVALID,
                          "usage_name: no name: want 1 to 255 bytes of UTF-8 without control characters");
    out->named->product = names_add(out->scrip->names, product, strlen(product));
    out->named->user = names_add(out->scrip->names, user, strlen(user));
    return SCRIP_OK;
}

void route_undo(struct scrip *scrip, struct account *account)
{
    while (scrip->timer_undo.size > 0) {
        struct timer_undo undo;

        scrip->timer_undo.size -= sizeof undo;
        memcpy(&undo, scrip->timer_undo.start + scrip->timer_undo.size, sizeof undo);
        account_timer_set(account, undo.timer, undo.due_us);
    }
    while (scrip->undo.size > 0) {
        struct undo undo;

        scrip->undo.size -= sizeof undo;
        memcpy(&undo, scrip->undo.start + scrip->undo.size, sizeof undo);
        account_state_set(account, undo.state, undo.value, undo.value_size, undo.discard_after_us);
    }
}

/* ---- quotes --------------------------------------------------------------------------------------------------- */

/* A group of one line is no choice: it is recorded as a plain line. */
static void groups_simplify(struct quote *quote)
{
    for (size_t i = 0; i < quote->count; i++) {
        size_t same = 0;

        for (size_t j = 0; j < quote->count && quote->lines[i].group; j++)
            same += quote->lines[j].group == quote->lines[i].group;
        if (same == 1)
            quote->lines[i].group = 0;
    }
}

/* One service asked. 1: it answered; 0: not its own; or the fault. */
static int service_ask(struct scrip_quote *call, struct scrip_error *err)
{
    struct instance *instance = call->service->instance;
    int code;

    error_clear(&instance->error);
    instance->call = call;
    code = instance->plugin->api.service.quote(&instance->ctx, &call->event->shown, call);
    instance->call = NULL;
    if (code < 0)
        return error_set(err, code, "%s: %s", call->service->name->text,
                         instance->error.message[0] ? instance->error.message : "the service failed without a word");
    if (call->verdict == SCRIP_UNPRICED)
        return error_set(err, SCRIP_ENOTFOUND, "%s: %s", call->service->name->text,
                         instance->error.message[0] ? instance->error.message : "no price for this usage");
    if (call->verdict == SCRIP_NOT_MINE && call->quote->count > call->first)
        return error_set(err, SCRIP_EINVALID, "%s: its plugin adds a line and sets no verdict: call verdict(ctx, out, "
                         "SCRIP_PRICED) beside line_add", call->service->name->text);
    return call->verdict != SCRIP_NOT_MINE;
}

/* Lines that no currency would take leave a refusal behind, not a free ride. */
static void closed_refuse(const struct scrip_quote *call, struct quote *quote)
{
    char time[40];

    if (call->closed != NULL) {
        host_table.time_write(call->closed_us, time, sizeof time);
        snprintf(quote->refusal, sizeof quote->refusal, "%s: %s is not accepted at %s", call->service->name->text,
                 call->closed->text, time);
    } else
        snprintf(quote->refusal, sizeof quote->refusal, "%s: does not take %s", call->service->name->text,
                 call->event->currency->text);
    quote->verdict = SCRIP_FREE;
    quote->count = 0;
}

/* 1: a line that must be paid was dropped, or every alternative of a group was. */
static int is_closed(const struct scrip_quote *call)
{
    const struct quote *quote = call->quote;

    if (call->dropped_plain)
        return 1;
    for (size_t i = 0; i < call->dropped_count; i++) {
        size_t left = 0;

        for (size_t j = call->first; j < quote->count; j++)
            left += quote->lines[j].group == call->dropped[i];
        if (left == 0)
            return 1;
    }
    return 0;
}

/* Who prices one event: its lines are added to the quote. */
static int one_ask(struct scrip *scrip, struct account *account, const struct event *event, size_t item,
                   struct quote *quote, struct scrip_error *err)
{
    struct scrip_quote call = {
        .scrip = scrip, .account = account, .event = event, .quote = quote, .first = quote->count, .item = item
    };
    int code = 0;

    for (size_t i = 0; i < scrip->service_count && code == 0; i++) {
        call.service = &scrip->services[i];
        quote->count = call.first;
        call.verdict = SCRIP_NOT_MINE;
        if (service_wants(call.service, event))
            code = service_ask(&call, err);
        scrip->answered = call.service->name;
    }
    if (code < 0)
        return code;
    if (code == 0)
        return error_set(err, SCRIP_ENOTFOUND,
                         "product '%s': no service has a price for it%s%s%s: add one to a rate sheet, then scrip "
                         "quarantine retry",
                         event->product->text, event->service->number ? " (asked: '" : "", event->service->text,
                         event->service->number ? "')" : "");
    quote->verdict = call.verdict;
    if (call.verdict == SCRIP_FREE)
        quote->count = call.first;
    else if (is_closed(&call) || (quote->count == call.first && call.verdict == SCRIP_PRICED))
        closed_refuse(&call, quote);
    return SCRIP_OK;
}

/* Groups of one item are not those of another: each gets the number of its first line, from 1. */
static void groups_renumber(struct quote *quote, size_t first)
{
    uint64_t old[SCRIP_LINE_LIMIT];

    for (size_t i = first; i < quote->count; i++) {
        size_t at = first;

        old[i] = quote->lines[i].group;
        while (at < i && old[at] != old[i])
            at++;
        quote->lines[i].group = old[i] ? at + 1 : 0;
    }
}

/* All lines of a usage, or none: one that is refused refuses it. */
static int items_ask(struct scrip *scrip, struct account *account, struct quote *quote, struct scrip_error *err)
{
    int is_priced = 0, is_gated = 0, code;

    for (size_t i = 0; i < quote->item_count && !quote->refusal[0]; i++) {
        size_t first = quote->count;

        if ((code = one_ask(scrip, account, &quote->items[i], i + 1, quote, err)) < 0)
            return code;
        groups_renumber(quote, first);
        is_priced |= quote->verdict == SCRIP_PRICED;
        is_gated |= quote->verdict == SCRIP_GATE;
    }
    if (is_priced && is_gated && !quote->refusal[0])
        return error_set(err, SCRIP_EINVALID, "lines: some have a price and some only need a balance: send them apart");
    if (!quote->refusal[0])
        quote->verdict = is_priced ? SCRIP_PRICED : is_gated ? SCRIP_GATE : SCRIP_FREE;
    return SCRIP_OK;
}

int route_usage(struct scrip *scrip, struct account *account, const struct event *event, struct quote *quote,
                struct scrip_error *err)
{
    int code = quote_items(quote, event, scrip->names, &scrip->arena, err);

    quote->count = 0;
    if (code == SCRIP_OK)
        code =
            quote->item_count ? items_ask(scrip, account, quote, err) : one_ask(scrip, account, event, 0, quote, err);
    if (code == SCRIP_OK)
        groups_simplify(quote);
    return code;
}

int route_timer(struct scrip *scrip, struct account *account, const struct service_timer *timer, struct event *event,
                struct quote *quote, struct scrip_error *err)
{
    struct scrip_quote call = { .scrip = scrip, .account = account, .event = event, .quote = quote, .named = event };
    struct instance *instance;
    int code;

    for (size_t i = 0; i < scrip->service_count; i++)
        if (scrip->services[i].name == timer->service)
            call.service = &scrip->services[i];
    if (call.service == NULL || call.service->instance->plugin->api.service.timer == NULL)
        return error_set(err, SCRIP_EINVALID,
                         "service '%s': what it waited for has come, but it is not configured: add its section "
                         "again",
                         timer->service->text);
    scrip->answered = timer->service;
    instance = call.service->instance;
    error_clear(&instance->error);
    instance->call = &call;
    code = instance->plugin->api.service.timer(&instance->ctx, timer->key, timer->key_size, timer->due_us, &call);
    instance->call = NULL;
    if (code < 0)
        return error_set(err, code, "%s: %s", timer->service->text, instance->error.message);
    if (call.verdict == SCRIP_NOT_MINE)
        return 0;
    quote->verdict = call.verdict;
    if (call.verdict == SCRIP_FREE)
        quote->count = 0;
    else if (is_closed(&call) || (quote->count == 0 && call.verdict == SCRIP_PRICED))
        closed_refuse(&call, quote);
    groups_simplify(quote);
    return 1;
}

int route_amount(struct scrip *scrip, const struct event *event, struct quote *quote, struct scrip_error *err)
{
    struct currency *currency = host_currency(scrip, event->currency->text);
    struct scrip_rate_row rate = { .service = &names_none, .label = &names_none };
    int64_t amount;
    int code;

    if (currency == NULL)
        return host_currency_unknown(scrip, event->currency->text[0] ? "currency" : "product or currency",
                                     event->currency->text, err);
    if ((code = amount_from_event(event, currency->terms, 0, &amount, err)) < 0)
        return code;
    rate.terms = currency->terms->row.number;
    rate.rate.whole = rate.per.whole = 1;
    quote->verdict = SCRIP_PRICED;
    quote->count = 1;
    quote->lines[0] =
        (struct quote_line){ prices_rate(scrip->prices, &rate), event->shown.amount, event->shown.time_us, 0, 0 };
    return SCRIP_OK;
}

/* ---- grants --------------------------------------------------------------------------------------------------- */

/* The currency settles a grant's class, dates and order. */
static int grant_settle(struct scrip *scrip, const struct currency *currency, const struct event *event,
                        struct scrip_grant_row *row, uint64_t number, struct arena *arena, struct scrip_error *err)
{
    uint8_t *key = arena_get(arena, SCRIP_ORDER_KEY_SIZE);
    uint64_t key_size = SCRIP_ORDER_KEY_SIZE;
    struct instance *instance = currency->instance;
    struct scrip_grant shown = { 0 };
    int code;

    shown.id = row->id;
    shown.account = event->account->text;
    shown.class_name = row->class_name->text;
    shown.created_us = row->created_us;
    shown.effective_us = row->effective_us;
    shown.expires_us = row->expires_us;
    shown.amount = row->unlimited ? INT64_MAX : row->balance[SCRIP_BOOK_ISSUED];
    shown.has_priority = row->has_priority;
    shown.priority = row->priority;
    shown.has_cost = row->has_cost;
    shown.cost = row->cost;
    shown.cost_currency = row->cost_currency->text;
    shown.is_scoped = row->scope_size > 0;
    shown.number = (int64_t)number;
    shown.floor = row->floor;
    shown.type = event->shown.type;
    shown.every = event_text(event, SCRIP_F_RECURRENCE_EVERY);
    error_clear(&instance->error);
    code = instance->plugin->api.currency.grant(&instance->ctx, &shown, key, &key_size);
    if (code < 0)
        return error_set(err, code, code == SCRIP_EREFUSED ? "%s%s" : "%s: %s",
                         code == SCRIP_EREFUSED ? "" : currency->name->text, instance->error.message);
    row->class_name = names_add(scrip->names, shown.class_name, strlen(shown.class_name));
    row->effective_us = shown.effective_us;
    row->expires_us = shown.expires_us;
    row->order_key = key;
    row->order_key_size = key_size;
    if (shown.every[0] && event_field(event, SCRIP_F_RECURRENCE_EVERY) == NULL) {
        if (duration_check(shown.every) < 0 || shown.from < SCRIP_FROM_ANCHOR || shown.from > SCRIP_FROM_FIRST_USE)
            return error_set(err, SCRIP_EINVALID, "%s: its plugin gives a recurrence that does not exist",
                             currency->name->text);
        grant_rules_recur(row->rules, row->rules_size, shown.every, shown.from, shown.amount, &scrip->scratch);
        row->rules = arena_text(arena, scrip->scratch.text, scrip->scratch.size);
        row->rules_size = scrip->scratch.size;
            }
    return SCRIP_OK;
}

int route_settle(void *sink, const struct event *event, const struct terms *terms, struct scrip_grant_row *settled,
                 struct arena *arena, struct scrip_error *why)
{
    struct scrip *scrip = sink;
    struct currency *currency = host_currency(scrip, terms->row.currency->text);
    int64_t keeps = currency ? currency->policy.convert_keeps : 0;

    if (currency == NULL)
        return error_set(why, SCRIP_EINVALID, "currency '%s': not configured", terms->row.currency->text);
    if (!(keeps & SCRIP_KEEP_CLASS))
        settled->class_name = &names_none;
    if (!(keeps & SCRIP_KEEP_EXPIRES))
        settled->expires_us = SCRIP_TIME_NONE;
    settled->has_priority &= (keeps & SCRIP_KEEP_PRIORITY) != 0;
    settled->has_cost &= (keeps & SCRIP_KEEP_COST) != 0;
    if (!settled->has_cost)
        settled->cost_currency = &names_none;
    settled->scope = "";
    settled->scope_size = 0;
    return grant_settle(scrip, currency, event, settled, scrip->grant_number++, arena, why);
}

int route_grant(struct scrip *scrip, const struct event *event, struct arena *arena, struct quote *quote,
                struct scrip_error *err)
{
    struct currency *currency = host_currency(scrip, event->currency->text);
    struct scrip_error why = { 0 };
    int code;

    if (currency == NULL)
        return host_currency_unknown(scrip, "currency", event->currency->text, err);
    code = grant_from_event(event, currency->terms, scrip->names, arena, &scrip->scratch, &quote->grant, err);
    if (code < 0)
        return code;
    code = grant_settle(scrip, currency, event, &quote->grant, scrip->grant_number, arena, &why);
    if (code == SCRIP_EREFUSED) {
        snprintf(quote->refusal, sizeof quote->refusal, "%.*s", SCRIP_MESSAGE_SIZE - 1, why.message);
        return SCRIP_OK;
    }
    if (code < 0) {
        *err = why;
        return code;
    }
    quote->terms = currency->terms;
    return SCRIP_OK;
}
