/* check_service.c - asks a service as the host does, on a world of its own, and writes down what it answers. */
#include "check_service.h"

#include <inttypes.h>
#include <stdio.h>

#define REFUSED "What a call of the host refused did not happen: pass its code on"

/* ---- the world ------------------------------------------------------------------------------------------------ */

static struct note *world_find(const struct world *world, int is_timer, const char *account, const void *key,
                               uint64_t size)
{
    for (size_t i = 0; i < world->count; i++) {
        struct note *note = world->notes[i];

        if (note->is_timer == is_timer && note->key_size == size && memcmp(note->key, key, size) == 0 &&
            strcmp(note->account, account) == 0)
            return note;
    }
    return NULL;
}

static struct note *world_note(struct world *world, int is_timer, const char *account, const void *key, uint64_t size)
{
    struct note *note = world_find(world, is_timer, account, key, size);

    if (note != NULL)
        return note;
    note = memory_get(sizeof *note);
    note->is_timer = is_timer;
    note->account = memory_text(account);
    memcpy(note->key, key, size);
    note->key_size = size;
    note->due_us = SCRIP_TIME_NONE;
    ARRAY_ROOM(world->notes, world->count, world->room);
    return world->notes[world->count++] = note;
}

static int note_order(const struct note *a, const struct note *b)
{
    uint64_t size = a->key_size < b->key_size ? a->key_size : b->key_size;
    int order;

    if (a->due_us != b->due_us)
        return a->due_us < b->due_us ? -1 : 1;
    order = memcmp(a->key, b->key, size);
    return order ? order : (a->key_size > b->key_size) - (a->key_size < b->key_size);
}

struct note *world_first(const struct world *world, const char *account, int64_t until_us)
{
    struct note *first = NULL;

    for (size_t i = 0; i < world->count; i++) {
        struct note *note = world->notes[i];

        if (note->is_timer && note->due_us != SCRIP_TIME_NONE && note->due_us <= until_us &&
            (account == NULL || strcmp(note->account, account) == 0) && (first == NULL || note_order(note, first) < 0))
            first = note;
    }
    return first;
}

struct world world_copy(const struct world *world)
{
    struct world copy = { memory_get((world->count + 1) * sizeof *copy.notes), world->count, world->count + 1 };

    for (size_t i = 0; i < world->count; i++) {
        copy.notes[i] = memory_get(sizeof *copy.notes[i]);
        *copy.notes[i] = *world->notes[i];
        copy.notes[i]->account = memory_text(world->notes[i]->account);
    }
    return copy;
}

void world_free(struct world *world)
{
    for (size_t i = 0; i < world->count; i++) {
        free(world->notes[i]->account);
        free(world->notes[i]);
    }
    free(world->notes);
    memset(world, 0, sizeof *world);
}

/* ---- what a service calls ------------------------------------------------------------------------------------- */

static struct bench *bench_of(struct scrip_ctx *ctx)
{
    return (struct bench *)ctx->host;
}

/* 1: this call is the one that fails. */
static int call_fails(struct bench *bench, const char *name)
{
    if (++bench->calls != bench->fails_at)
        return 0;
    bench->refused = name;
    return 1;
}

static int call_refuse(struct bench *bench, const char *name, int code)
{
    bench->refused = name;
    return code;
}

static int key_check(struct scrip_ctx *ctx, const char *what, uint64_t size)
{
    if (bench_of(ctx)->account == NULL)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: only while a quote is asked for", what);
    if (size == 0 || size > SCRIP_STATE_KEY_SIZE)
        return scrip_fail(ctx, SCRIP_ELIMIT, "%s: a key of %" PRIu64 " bytes, want 1 to %d", what, size,
                          SCRIP_STATE_KEY_SIZE);
    return SCRIP_OK;
}

static int on_state_get(struct scrip_ctx *ctx, const char *key, uint64_t key_size, void *value, uint64_t *value_size)
{
    struct bench *bench = bench_of(ctx);
    struct note *note;
    int code = key_check(ctx, "state", key_size);

    if (code < 0)
        return call_refuse(bench, "state_get", code);
    if (call_fails(bench, "state_get"))
        return scrip_fail(ctx, SCRIP_EIO, "state: the store failed");
    note = world_find(&bench->world, 0, bench->account, key, key_size);
    if (note == NULL || note->value_size == 0)
        return SCRIP_ENOTFOUND;
    if (note->value_size > *value_size)
        return scrip_fail(ctx, SCRIP_ELIMIT, "state: the value has %" PRIu64 " bytes, more than there is room for",
                          note->value_size);
    memcpy(value, note->value, note->value_size);
    *value_size = note->value_size;
    return SCRIP_OK;
}

static int on_state_put(struct scrip_ctx *ctx, const char *key, uint64_t key_size, const void *value,
                        uint64_t value_size, int64_t discard_after_us)
{
    struct bench *bench = bench_of(ctx);
    struct note *note;
    int code = key_check(ctx, "state", key_size);

    if (code == SCRIP_OK && value_size > SCRIP_STATE_VALUE_SIZE)
        code = scrip_fail(ctx, SCRIP_ELIMIT, "state: a value of %" PRIu64 " bytes, want at most %d", value_size,
                          SCRIP_STATE_VALUE_SIZE);
    if (code < 0)
        return call_refuse(bench, "state_put", code);
    if (call_fails(bench, "state_put"))
        return scrip_fail(ctx, SCRIP_EIO, "state: the store failed");
    note = world_note(&bench->world, 0, bench->account, key, key_size);
    if (value_size)
        memcpy(note->value, value, value_size);
    note->value_size = value_size;
    answers_add(&bench->answers, "puts %" PRId64 " ", discard_after_us);
    answers_add_bytes(&bench->answers, key, key_size);
    answers_add_bytes(&bench->answers, "=", 1);
    answers_add_bytes(&bench->answers, value, value_size);
    return SCRIP_OK;
}

static int on_timer_set(struct scrip_ctx *ctx, const char *key, uint64_t key_size, int64_t due_us)
{
    struct bench *bench = bench_of(ctx);
    int code = key_check(ctx, "timer", key_size);

    if (code == SCRIP_OK && ((const struct scrip_service *)bench->instance.api)->timer == NULL)
        code = scrip_fail(ctx, SCRIP_EINVALID, "timer: the service has no function that it could call");
    if (code == SCRIP_OK && due_us != SCRIP_TIME_NONE &&
        (due_us < bench->now_us + bench->is_timer || due_us < SCRIP_TIME_MIN || due_us >= SCRIP_TIME_MAX))
        code = scrip_fail(ctx, SCRIP_ERANGE, "timer: it must be due after the time at hand, before the year 10000");
    if (code < 0)
        return call_refuse(bench, "timer_set", code);
    if (call_fails(bench, "timer_set"))
        return scrip_fail(ctx, SCRIP_ENOMEM, "timer: no memory");
    world_note(&bench->world, 1, bench->account, key, key_size)->due_us = due_us;
    answers_add(&bench->answers, "waits until %" PRId64 " ", due_us);
    answers_add_bytes(&bench->answers, key, key_size);
    return SCRIP_OK;
}

static int is_decimal(const struct scrip_decimal *value)
{
    return value->atto >= 0 && value->atto < SCRIP_ATTO;
}

static int on_line_add(struct scrip_ctx *ctx, struct scrip_quote *out, const struct scrip_line *line)
{
    struct bench *bench = bench_of(ctx);
    int64_t time_us = line->time_us == SCRIP_TIME_NONE ? bench->now_us : line->time_us;
    int code = SCRIP_OK;

    (void)out;
    if (line->currency == NULL || line->currency[0] == 0)
        code = scrip_fail(ctx, SCRIP_EINVALID, "line: it has no currency");
    else if (!is_decimal(&line->quantity) || !is_decimal(&line->rate) || !is_decimal(&line->per))
        code = scrip_fail(ctx, SCRIP_EINVALID, "line: a decimal whose atto is outside 0 to 10^18");
    else if (line->per.whole < 0 || (line->per.whole == 0 && line->per.atto == 0))
        code = scrip_fail(ctx, SCRIP_EINVALID, "per: a line's per must be above 0");
    else if (time_us < SCRIP_TIME_MIN || time_us >= SCRIP_TIME_MAX)
        code = scrip_fail(ctx, SCRIP_ERANGE, "time: a line's time is outside the years 1900 to 9999");
    else if (bench->line_count == SCRIP_LINE_LIMIT)
        code = scrip_fail(ctx, SCRIP_ELIMIT, "lines: more than %d in one quote", SCRIP_LINE_LIMIT);
    if (code < 0)
        return call_refuse(bench, "line_add", code);
    if (call_fails(bench, "line_add"))
        return scrip_fail(ctx, SCRIP_EINVALID, "currency '%s': not configured", line->currency);
    bench->line_count++;
    answers_add(&bench->answers,
                "line %" PRId64 " %s %" PRId64 ".%" PRId64 " %" PRId64 ".%" PRId64 " %" PRId64 ".%" PRId64
                " group %" PRIu64 " '%s' ",
                time_us, line->currency, line->quantity.whole, line->quantity.atto, line->rate.whole, line->rate.atto,
                line->per.whole, line->per.atto, line->group, line->label ? line->label : "");
    return SCRIP_OK;
}

static void on_verdict(struct scrip_ctx *ctx, struct scrip_quote *out, int verdict)
{
    (void)out;
    bench_of(ctx)->verdict = verdict;
}

static int on_price(struct scrip_ctx *ctx, struct scrip_quote *out, const char *currency, const char *rate,
                    const char *label)
{
    struct bench *bench = bench_of(ctx);
    struct scrip_line line = { SCRIP_TIME_NONE, currency, bench->quantity, { 0, 0 }, { 1, 0 }, label, 0 };

    if (ctx->host->decimal_parse(rate, strlen(rate), &line.rate) < 0)
        return call_refuse(bench, "price", scrip_fail(ctx, SCRIP_EINVALID, "rate: '%s' is no decimal number", rate));
    bench->verdict = SCRIP_PRICED;
    return on_line_add(ctx, out, &line);
}

static int on_currency_find(struct scrip_ctx *ctx, const char *currency, int64_t *out_decimals)
{
    (void)ctx;
    if (currency[0] == 0)
        return SCRIP_ENOTFOUND;
    if (out_decimals != NULL)
        *out_decimals = 6;
    return SCRIP_OK;
}

static const char *on_account_zone(struct scrip_ctx *ctx)
{
    (void)ctx;
    return "UTC";
}

static int on_usage_name(struct scrip_ctx *ctx, struct scrip_quote *out, const char *product, const char *user)
{
    struct bench *bench = bench_of(ctx);

    (void)out;
    if (!bench->is_timer)
        return call_refuse(bench, "usage_name",
                           scrip_fail(ctx, SCRIP_EINVALID, "usage_name: only while a timer is asked for"));
    if (strlen(product) > SCRIP_NAME_SIZE || strlen(user) > SCRIP_NAME_SIZE)
        return call_refuse(bench, "usage_name",
                           scrip_fail(ctx, SCRIP_EINVALID, "usage_name: no name: want 1 to 255 bytes"));
    bench->is_named = 1;
    answers_add(&bench->answers, "named '%s' '%s' ", product, user);
    return SCRIP_OK;
}

/* ---- asking --------------------------------------------------------------------------------------------------- */

void bench_reopen(struct bench *bench, struct check_host *host)
{
    if (bench->instance.ctx != NULL)
        check_close(&bench->instance);
    check_open_on(host, &bench->host, &bench->instance);
}

void bench_open(struct bench *bench, struct check *check, struct check_host *host)
{
    memset(bench, 0, sizeof *bench);
    bench->host = *check_services();
    bench->host.state_get = on_state_get;
    bench->host.state_put = on_state_put;
    bench->host.timer_set = on_timer_set;
    bench->host.line_add = on_line_add;
    bench->host.verdict = on_verdict;
    bench->host.price = on_price;
    bench->host.currency_find = on_currency_find;
    bench->host.account_zone = on_account_zone;
    bench->host.usage_name = on_usage_name;
    bench->check = check;
    bench_reopen(bench, host);
}

void bench_close(struct bench *bench)
{
    check_close(&bench->instance);
    world_free(&bench->world);
    answers_free(&bench->answers);
}

static void call_begin(struct bench *bench, const char *account, int64_t now_us, const struct scrip_decimal *quantity)
{
    bench->account = account;
    bench->now_us = now_us;
    bench->quantity = *quantity;
    bench->verdict = SCRIP_NOT_MINE;
    bench->is_named = 0;
    bench->line_count = bench->calls = 0;
    bench->refused = NULL;
    check_hush(&bench->instance);
}

/* An answer is held to the contract. what: the call, for sentences. */
static void answer_judge(struct bench *bench, int code, const char *what)
{
    struct check *check = bench->check;

    if (code_check(check, &bench->instance, code, SCRIP_OK, what) || code < 0)
        return;
    if (bench->refused != NULL)
        check_break(check, REFUSED, "%s: %s was refused (%s), and it went on as if it had not been", what,
                    bench->refused, check_message(&bench->instance));
    else if (bench->verdict < SCRIP_NOT_MINE || bench->verdict > SCRIP_UNPRICED)
        check_break(check, "Sets a verdict and lines; an error quarantines the event with the message.",
                    "%s: verdict %d, which is none", what, bench->verdict);
    else if ((bench->verdict == SCRIP_PRICED || bench->verdict == SCRIP_GATE) && bench->line_count == 0)
        check_break(check, "the lines are the price: at least one, as for a gate", "%s: %s, and it has no line", what,
                    bench->verdict == SCRIP_PRICED ? "priced" : "a gate");
    else if (bench->verdict == SCRIP_NOT_MINE && bench->line_count > 0)
        check_break(check, "The verdict is set beside it: lines without one are an error.", "%s: a line, and no verdict",
                    what);
    else if (bench->is_timer && bench->verdict == SCRIP_PRICED && !bench->is_named)
        check_break(check, "It names product and user through usage_name, adds lines and sets a verdict as in quote",
                    "%s: priced, and it named nothing", what);
}

static void call_end(struct bench *bench, int code, const char *what)
{
    if (bench->is_judged)
        answer_judge(bench, code, what);
    bench->priced += code == SCRIP_OK && bench->verdict == SCRIP_PRICED;
    answers_add(&bench->answers, "verdict %d code %d %s", code < 0 ? 0 : bench->verdict, code,
                code < 0 || bench->verdict == SCRIP_UNPRICED ? check_said(&bench->instance) : "");
    answers_end(&bench->answers);
    bench->account = NULL;
}

void bench_fire(struct bench *bench, const char *account, int64_t until_us, uint64_t limit)
{
    const struct scrip_service *service = bench->instance.api;
    const struct scrip_decimal one = { 1, 0 };
    struct note *note;

    while (limit-- > 0 && !check_is_broken(bench->check) &&
           (note = world_first(&bench->world, account, until_us)) != NULL) {
        struct lent lent = lent_open(lent_room(note->key_size));
        const void *key = lent_copy(&lent, note->key, note->key_size);
        int64_t due_us = note->due_us;
        char what[80];
        int code;

        lent_ready(&lent);
        note->due_us = SCRIP_TIME_NONE; /* before it is asked: it may wait again */
        call_begin(bench, note->account, due_us, &one);
        bench->is_timer = 1;
        code = service->timer(bench->instance.ctx, key, note->key_size, due_us, (struct scrip_quote *)(void *)bench);
        snprintf(what, sizeof what, "the timer due at %" PRId64 " us", due_us);
        if (lent_close(&lent))
            check_break(bench->check, CLAUSE_LENT, "%s: its key was changed", what);
        call_end(bench, code, what);
        bench->is_timer = 0;
        bench->fired++;
    }
}

static size_t event_room(const struct scrip_event *e)
{
    const char *const texts[] = { e->account, e->source, e->id, e->service, e->product, e->user, e->unit, e->currency };
    size_t size = lent_room(sizeof *e) + lent_room(e->attribute_count * sizeof *e->attributes);

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        size += lent_room(strlen(texts[i]) + 1);
    for (uint64_t i = 0; i < e->attribute_count; i++)
        size += lent_room(strlen(e->attributes[i].name) + 1) + lent_room(strlen(e->attributes[i].value) + 1);
    return size;
}

static const struct scrip_event *event_lend(struct lent *lent, const struct scrip_event *event)
{
    struct scrip_event *e = lent_copy(lent, event, sizeof *event);
    const char **const texts[] = { &e->account, &e->source, &e->id,   &e->service,
                                   &e->product, &e->user,   &e->unit, &e->currency };
    struct scrip_attribute *attributes = lent_copy(lent, e->attributes, e->attribute_count * sizeof *attributes);

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = lent_text(lent, *texts[i]);
    for (uint64_t i = 0; i < e->attribute_count; i++) {
        attributes[i].name = lent_text(lent, attributes[i].name);
        attributes[i].value = lent_text(lent, attributes[i].value);
    }
    e->attributes = attributes;
    lent_ready(lent);
    return e;
}

void bench_ask(struct bench *bench, const struct scrip_event *event)
{
    const struct scrip_service *service = bench->instance.api;
    struct lent lent;
    char what[320];
    int code;

    bench_fire(bench, event->account, event->time_us, 1000);
    if (check_is_broken(bench->check))
        return;
    lent = lent_open(event_room(event));
    call_begin(bench, event->account, event->time_us, &event->quantity);
    code = service->quote(bench->instance.ctx, event_lend(&lent, event), (struct scrip_quote *)(void *)bench);
    snprintf(what, sizeof what, "event %s", event->id);
    if (lent_close(&lent))
        check_break(bench->check, CLAUSE_LENT, "%s: it was changed", what);
    call_end(bench, code, what);
}
