/* engine.c - how an event changes an account: timers, grants, draws, entries, the head. */
#include "engine_inner.h"

#include "calendar.h"
#include "hash.h"
#include "money.h"

#include <stdio.h>

const char *const book_names[] = {
#define X(id, text) text,
    SCRIP_BOOKS(X)
#undef X
};

void engine_free(struct engine *engine)
{
    free(engine->effect.entries);
    free(engine->effect.notes);
    free(engine->effect.departures);
    free(engine->draws);
    free(engine->found);
    free(engine->parked);
    free(engine->uses);
    free(engine->woken);
    free(engine->canonical.start);
    free(engine->head.start);
    arena_free(&engine->arena);
    json_free(&engine->scratch);
    memset(engine, 0, sizeof *engine);
}

/* ---- entries -------------------------------------------------------------------------------------------------- */

static int is_spent(int book)
{
    return book == SCRIP_BOOK_USED || book == SCRIP_BOOK_HELD;
}

/* Issued counts what came in, so it grows as a source. What belongs to a closed period is dated into the open one. */
void move(struct engine *engine, struct account *account, struct grant *grant, int from, int to, int64_t amount,
          int64_t time_us, int64_t event_time_us, size_t line)
{
    struct effect *effect = &engine->effect;
    int64_t *balance = grant->row.balance;
    struct scrip_entry_row *entry;

    balance[from] += from == SCRIP_BOOK_ISSUED ? amount : -amount;
    balance[to] += to == SCRIP_BOOK_ISSUED ? -amount : amount;
    if (is_spent(from) != is_spent(to))
        account_purse(account, grant->terms->row.currency)->spent += is_spent(to) ? amount : -amount;
    ARRAY_ROOM(effect->entries, effect->entry_count, effect->entry_room);
    entry = &effect->entries[effect->entry_count++];
    entry->account = account->row.name;
    entry->number = ++account->row.entry_count;
    entry->event = account->row.event_count;
    entry->line = line + engine->line_base;
    entry->time_us = time_us > account->row.closed_us ? time_us : account->row.closed_us;
    entry->event_time_us = event_time_us;
    entry->debit = to;
    entry->credit = from;
    entry->grant = grant->row.number;
    entry->terms = grant->terms->row.number;
    entry->amount = amount;
    entry->of = engine->of;
    account_grant_touch(account, grant);
}

void note_usage(struct engine *engine, const struct event *event, const struct rate *rate,
                const struct scrip_name *class_name, int64_t time_us, int64_t amount, int64_t charge_count)
{
    struct effect *effect = &engine->effect;
    struct usage_note *note;

    ARRAY_ROOM(effect->notes, effect->note_count, effect->note_room);
    note = &effect->notes[effect->note_count++];
    note->subject = event;
    note->time_us = time_us;
    note->rate = rate;
    note->row.period = 0;
    note->row.user = event->user;
    note->row.product = event->product;
    note->row.service = rate ? rate->row.service : event->service;
    note->row.class_name = class_name;
    note->row.currency = rate ? rate->terms->row.currency : &names_none;
    note->row.account = event->account;
    note->row.amount = amount;
    note->row.charge_count = charge_count;
}

int refuse(struct engine *engine, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vsnprintf(engine->effect.reason, sizeof engine->effect.reason, format, list);
    text_trim(engine->effect.reason);
    va_end(list);
    return SCRIP_REFUSED;
}

/* ---- usage ---------------------------------------------------------------------------------------------------- */

static int is_charged(const struct effect *effect)
{
    for (size_t i = 0; i < effect->paid_count; i++)
        if (effect->amounts[i] > 0)
            return 1;
    return 0;
}

/* What was asked nothing for is usage, too: the event, or those of its lines that have no price. */
static void free_note(struct engine *engine, const struct event *event, const struct quote *quote)
{
    if (quote->item_count == 0)
        note_usage(engine, event, NULL, &names_none, event->shown.time_us, 0, 1);
    for (size_t i = 0; i < quote->item_count; i++) {
        size_t line = 0;

        while (line < quote->count && (quote->verdict == SCRIP_GATE || quote->lines[line].item != i + 1))
            line++;
        if (line == quote->count)
            note_usage(engine, &quote->items[i], NULL, &names_none, event->shown.time_us, 0, 1);
    }
}

static int usage_apply(struct engine *engine, struct account *account, const struct event *event,
                       const struct quote *quote)
{
    if (quote->verdict == SCRIP_FREE) {
        free_note(engine, event, quote);
        return SCRIP_ZERO;
    }
    if (lines_pay(engine, account, event, quote, engine->is_forced ? 2 : quote->verdict != SCRIP_GATE) < 0)
        return SCRIP_REFUSED;
    engine->effect.reason[0] = 0; /* of alternatives that were tried before the one that paid */
    if (quote->verdict == SCRIP_GATE) {
        pay_undo(engine, 0, 0);
        sleepers_undo(engine, account, 0);
        engine->effect.paid_count = 0;
        free_note(engine, event, quote);
        return SCRIP_ZERO;
    }
    draws_post(engine, account, event, quote, SCRIP_BOOK_USED, event->shown.time_us);
    if (quote->item_count)
        free_note(engine, event, quote);
    return is_charged(&engine->effect) ? SCRIP_CHARGED : SCRIP_ZERO;
}

/* The same usage at another price: what was drawn goes back, and is drawn anew. It was accepted once, so it stays so.
 */
static int rerate_apply(struct engine *engine, struct account *account, const struct event *event,
                        const struct quote *quote)
{
    const struct charge *charge = charge_now(engine, account, quote->charge);
    struct quote anew = *quote; /* its lines are of the charge's items */

    anew.items = charge->items;
    anew.item_count = charge->item_count;
    charge_return(engine, account, charge, "", INT64_MAX, event);
    if (quote->verdict != SCRIP_FREE) {
        if (lines_pay(engine, account, charge->of, &anew, 2) < 0)
            return SCRIP_REFUSED;
        engine->effect.reason[0] = 0;
        engine->of = charge->event;
        engine->line_base = SCRIP_LINE_LIMIT;
        draws_post(engine, account, charge->of, &anew, SCRIP_BOOK_USED, event->shown.time_us);
        engine->of = engine->line_base = 0;
    }
    return is_charged(&engine->effect) ? SCRIP_CHARGED : SCRIP_ZERO;
}

/* ---- the account's own ---------------------------------------------------------------------------------------- */

int64_t period_end(const char *period, const char *zone)
{
    static const struct {
        size_t size;
        const char *format, *duration;
    } kinds[] = { { 4, "%Y-%m-%d", "P1Y" }, { 7, "%Y-%m-%d", "P1M" }, { 10, "%Y-%m-%d", "P1D" } };
    char text[16];
    int64_t start, end;

    for (size_t i = 0; i < 3; i++)
        if (strlen(period) == kinds[i].size) {
            snprintf(text, sizeof text, "%s%s", period, &"-01-01"[kinds[i].size - 4]);
            if (time_parse(text, strlen(text), kinds[i].format, zone, &start) == SCRIP_OK &&
                time_add(start, kinds[i].duration, 1, zone, &end) == SCRIP_OK)
                return end;
        }
    return SCRIP_TIME_NONE;
}

static int close_apply(struct engine *engine, struct account *account, const struct event *event)
{
    const char *period = event_text(event, SCRIP_F_PERIOD);
    int64_t end = period_end(period, account->zone ? account->zone : "UTC");

    if (end == SCRIP_TIME_NONE)
        return refuse(engine, "period '%s': it is none: want 2022, 2022-03 or 2022-03-29", period);
    if (end > event->shown.time_us)
        return refuse(engine, "period '%s': it is not over at the time of this event", period);
    if (end > account->row.closed_us)
        account->row.closed_us = end;
    return SCRIP_APPLIED;
}

/* What an account says of itself; the latest by date counts. */
static int account_apply(struct engine *engine, struct account *account, const struct event *event)
{
    struct scrip_event_row row;

    if (event->shown.time_us < account->row.clock_us)
        return SCRIP_APPLIED;
    arena_reset(&engine->arena);
    event_to_row(event, &row, &engine->scratch, &engine->arena);
    free((char *)account->row.data);
    account->row.data = row.data_size ? memory_text_part(row.data, row.data_size) : NULL;
    account->row.data_size = row.data_size;
    account_data_read(account);
    return SCRIP_APPLIED;
}

/* ---- the head ------------------------------------------------------------------------------------------------- */

static void head_grant(struct bytes *b, const struct scrip_grant_row *grant)
{
    bytes_add_text(b, grant->class_name->text, grant->class_name->size);
    bytes_add_number(b, (uint64_t)grant->effective_us);
    bytes_add_number(b, (uint64_t)grant->expires_us);
    bytes_add_text(b, grant->order_key, grant->order_key_size);
    bytes_add_text(b, grant->rules, grant->rules_size);
}

void engine_head(struct engine *engine, struct account *account, const struct quote *quote)
{
    const struct effect *effect = &engine->effect;
    struct bytes *b = &engine->head;

    b->size = 0;
    bytes_add(b, account->row.head, sizeof account->row.head);
    bytes_add_number(b, account->row.event_count);
    bytes_add(b, engine->canonical.start, engine->canonical.size);
    bytes_add_number(b, (uint64_t)effect->outcome | (uint64_t)engine->flags << 8);
    bytes_add_text(b, effect->reason, strlen(effect->reason));
    bytes_add_number(b, (uint64_t)quote->verdict);
    for (size_t i = 0; i < quote->count; i++) {
        const struct quote_line *line = &quote->lines[i];

        bytes_add(b, line->rate->mark, sizeof line->rate->mark);
        bytes_add_number(b, (uint64_t)line->quantity.whole);
        bytes_add_number(b, (uint64_t)line->quantity.atto);
        bytes_add_number(b, (uint64_t)line->time_us);
        bytes_add_number(b, line->group);
        if (line->item)
            bytes_add_number(b, line->item);
    }
    if (quote->terms != NULL) {
        bytes_add(b, quote->terms->mark, sizeof quote->terms->mark);
        if (quote->grant.class_name != NULL)
            head_grant(b, &quote->grant);
    }
    if (quote->to_terms != NULL) {
        bytes_add(b, quote->to_terms->mark, sizeof quote->to_terms->mark);
        bytes_add_number(b, (uint64_t)quote->rate.whole);
        bytes_add_number(b, (uint64_t)quote->rate.atto);
        bytes_add_number(b, (uint64_t)quote->per.whole);
        bytes_add_number(b, (uint64_t)quote->per.atto);
        for (size_t i = 0; i < quote->grant_count; i++)
            head_grant(b, &quote->grants[i]);
    }
    for (size_t i = 0; i < effect->entry_count; i++) {
        const struct scrip_entry_row *entry = &effect->entries[i];

        bytes_add_number(b, entry->line << 32 | (uint64_t)entry->debit << 8 | (uint64_t)entry->credit);
        bytes_add_number(b, (uint64_t)entry->time_us);
        bytes_add_number(b, entry->grant);
        bytes_add_number(b, entry->of);
        bytes_add_number(b, (uint64_t)entry->amount);
    }
    hash_strong(b->start, b->size, account->row.head);
}

int event_rank(const struct event *event)
{
    static const unsigned char ranks[SCRIP_EVENT_TYPE_COUNT] = {
        [SCRIP_ACCOUNT] = RANK_ACCOUNT,   [SCRIP_GRANT] = RANK_ACTIVATION, [SCRIP_RESET] = RANK_RESET,
        [SCRIP_RELEASE] = RANK_RELEASE,   [SCRIP_REVERSAL] = RANK_REVERSAL, [SCRIP_USAGE] = RANK_USAGE,
        [SCRIP_HOLD] = RANK_HOLD,         [SCRIP_CAPTURE] = RANK_CAPTURE,  [SCRIP_LIMIT] = RANK_ACCOUNT,
        [SCRIP_ADJUSTMENT] = RANK_REST,   [SCRIP_VOID] = RANK_REST,        [SCRIP_EXTEND] = RANK_REST,
        [SCRIP_CONVERSION] = RANK_REST,   [SCRIP_TRANSFER] = RANK_REST,    [SCRIP_CLOSE] = RANK_REST,
        [SCRIP_RERATE] = RANK_REST,
    };

    return ranks[event->shown.type];
}

static int type_apply(struct engine *engine, struct account *account, const struct event *event, struct quote *quote)
{
    switch (event->shown.type) {
    case SCRIP_USAGE:
        return usage_apply(engine, account, event, quote);
    case SCRIP_GRANT:
        return grant_apply(engine, account, event, quote);
    case SCRIP_VOID:
        return void_apply(engine, account, event);
    case SCRIP_ADJUSTMENT:
        return adjustment_apply(engine, account, event, quote);
    case SCRIP_LIMIT:
        return limit_apply(engine, account, event, quote);
    case SCRIP_HOLD:
        return hold_apply(engine, account, event, quote);
    case SCRIP_EXTEND:
        return extend_apply(engine, account, event);
    case SCRIP_CAPTURE:
        return capture_apply(engine, account, event);
    case SCRIP_RELEASE:
        return release_apply(engine, account, event);
    case SCRIP_REVERSAL:
        return reversal_apply(engine, account, event, quote);
    case SCRIP_CONVERSION:
        return conversion_apply(engine, account, event, quote);
    case SCRIP_TRANSFER:
        return transfer_apply(engine, account, event, quote);
    case SCRIP_RESET:
        return reset_apply(engine, account, event, quote);
    case SCRIP_CLOSE:
        return close_apply(engine, account, event);
    case SCRIP_RERATE:
        return rerate_apply(engine, account, event, quote);
    default:
        return account_apply(engine, account, event);
    }
}

void engine_apply(struct engine *engine, struct account *account, const struct event *event, struct quote *quote)
{
    struct effect *effect = &engine->effect;
    int64_t time_us = event->shown.time_us;
    int rank = event_rank(event);

    effect->entry_count = effect->note_count = effect->departure_count = 0;
    effect->paid_count = 0;
    effect->reason[0] = 0;
    engine->draw_count = engine->use_count = engine->woken_count = 0;
    engine->of = engine->line_base = 0;
    account->row.event_count++;
    if (time_us > account->row.clock_us || (time_us == account->row.clock_us && rank >= account->row.clock_rank)) {
        timers_run(engine, account, time_us, rank, time_us);
        account->row.clock_us = time_us;
        account->row.clock_rank = rank;
        account->row.clock_event = account->row.event_count;
    }
    effect->outcome =
        quote->refusal[0] ? refuse(engine, "%s", quote->refusal) : type_apply(engine, account, event, quote);
    engine_head(engine, account, quote);
}
