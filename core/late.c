/* late.c - a late event put in its place: every event of its account is applied again, in order, on an account of its
 * own; what comes out differently is posted as entries of the late event, with the dates of the old ones.
 *
 *   rows in order -> scratch account -> differences of entries and rollups -> the account itself
 *
 * Services that remember something are asked again, since what they remember may differ; their prices stay as recorded
 * where the lines are the same. What was answered to a caller stays: accepted, it may turn into debt; refused, it stays
 * refused.
 *
 *   late.c         which events are put in their place, and the account made anew
 *   late_base.c    from where on: what came before, nothing can stand behind any more
 *   late_charge.c  the charges and holds that events are about
 *   late_merge.c   what that changes of the account, posted
 */
#include "late_inner.h"

#include "hash.h"

#include <inttypes.h>
#include <stdio.h>

/* So many events behind the base, and it is to follow. */
#define ROWS_MOST 2048

/* ---- which are put in their place ----------------------------------------------------------------------------- */

static int is_late(const struct account *account, const struct event *event)
{
    int rank = event_rank(event), order;

    if (event->shown.time_us != account->row.clock_us)
        return event->shown.time_us < account->row.clock_us;
    if (rank != account->row.clock_rank)
        return rank < account->row.clock_rank;
    if (account->last_source == NULL)
        return 1; /* not known which was last: to put it in its place is always right */
    order = strcmp(event->source->text, account->last_source->text);
    return order ? order < 0 : strcmp(event->shown.id, account->last_id) < 0;
}

static int wants_replay(const struct terms *terms, int64_t behind_us)
{
    return terms->row.late == SCRIP_LATE_REPLAY ||
           (terms->row.settle_lag_us > 0 && behind_us <= terms->row.settle_lag_us);
}

/* The terms that an event without any of its own is about. */
static const struct terms *terms_meant(const struct account *account, const struct event *event,
                                       const struct quote *quote)
{
    const char *id = event_text(event, event->shown.type == SCRIP_VOID ? SCRIP_F_GRANT : SCRIP_F_HOLD);
    const struct claim *claim;
    const struct grant *grant;

    if (quote->terms != NULL)
        return quote->terms;
    if (quote->charge != NULL && quote->charge->count > 0)
        return quote->charge->draws[0].rate->terms;
    if (event->shown.type == SCRIP_VOID)
        return (grant = account_grant_find(account, id, strlen(id))) != NULL ? grant->terms : NULL;
    if (event->shown.type == SCRIP_CAPTURE || event->shown.type == SCRIP_RELEASE || event->shown.type == SCRIP_EXTEND)
        return (claim = account_hold_find(account, id, strlen(id))) != NULL ? claim->terms : NULL;
    return NULL;
}

/* Free usage asks nobody to pay, and what a reversal is about may be still to come: any currency of the account
 * decides; where it has none yet, nothing would come out differently. */
static int any_wants(const struct account *account, int64_t behind_us)
{
    for (size_t i = 0; i < account->grant_count; i++)
        if (wants_replay(account->grants[i]->terms, behind_us))
            return 1;
    return account->grant_count == 0;
}

int late_is_replayed(const struct account *account, const struct event *event, const struct quote *quote)
{
    int64_t behind_us = account->row.clock_us - event->shown.time_us;
    const struct terms *terms;

    if (account->row.event_count == 0 || event->shown.time_us > account->row.clock_us || !is_late(account, event))
        return 0;
    switch (event->shown.type) {
    case SCRIP_ACCOUNT:
    case SCRIP_CLOSE:
    case SCRIP_CONVERSION: /* what they moved elsewhere cannot be moved again */
    case SCRIP_TRANSFER:
    case SCRIP_RERATE:
        return 0;
    case SCRIP_USAGE:
        if (quote->count == 0)
            return any_wants(account, behind_us);
        if (!quote_fits(account, quote))
            return 0; /* nor would what was accepted before it */
        break;
    default:
        break;
    }
    for (size_t i = 0; i < quote->count; i++)
        if (wants_replay(quote->lines[i].rate->terms, behind_us))
            return 1;
    if (quote->count > 0)
        return 0;
    terms = terms_meant(account, event, quote);
    return terms != NULL ? wants_replay(terms, behind_us) : any_wants(account, behind_us);
}

int late_is_anew(const struct event *event, const struct quote *quote)
{
    return event->shown.type == SCRIP_REVERSAL && quote->charge != NULL && quote->charge->is_anew;
}

/* ---- the account made anew ------------------------------------------------------------------------------------ */

static int by_place(const void *left, const void *right)
{
    const struct past_row *a = *(struct past_row *const *)left, *b = *(struct past_row *const *)right;
    int order = place_order(&a->place, &b->place);

    return order ? order : (a->row.number > b->row.number) - (a->row.number < b->row.number);
}

static int is_keeper(const struct late_base *base, const struct scrip_name *service)
{
    for (size_t i = 0; i < base->keeper_count; i++)
        if (base->keepers[i] == service)
            return 1;
    return 0;
}

static void keeper_add(struct late_base *base, const struct scrip_name *service)
{
    if (is_keeper(base, service))
        return;
    ARRAY_ROOM(base->keepers, base->keeper_count, base->keeper_room);
    base->keepers[base->keeper_count++] = service;
}

/* Every state of the account that the store has and memory has not comes into memory: it may have to be forgotten. */
static int state_load(void *sink, const void *found)
{
    struct late *late = sink;
    const struct scrip_state_row *row = found;
    struct account *account = late->account;
    struct state *state = account_state_find(account, row->service, row->key, row->key_size);

    if (state != NULL)
        return SCRIP_OK;
    state = account_state_add(account, row->service, row->key, row->key_size);
    account_state_set(account, state, row->value, row->value_size, row->discard_after_us);
    state->is_dirty = 0;
    account->dirty_state_count--;
    late->scrip->state_count++;
    return SCRIP_OK;
}

static int keepers_find(struct late *late, struct scrip_error *err)
{
    struct account *account = late->account;
    struct late_base *base = account->base;
    struct scrip_scan scan = { .table = SCRIP_TABLE_STATES,
                               .account = account->row.name->text,
                               .from_period = INT64_MIN,
                               .to_period = INT64_MAX,
                               .row = state_load,
                               .sink = late };
    int code = account->is_stored && !base->has_states ? host_scan(late->scrip, &scan, err) : SCRIP_OK;

    base->has_states = 1;
    for (size_t i = 0; i < account->state_size; i++)
        if (account->states[i] != NULL && account->states[i]->value_size > 0)
            keeper_add(base, account->states[i]->service);
    for (size_t i = 0; i < account->service_timer_count; i++)
        keeper_add(base, account->service_timers[i]->service);
    return code < 0 ? code : SCRIP_OK;
}

/* ---- prices asked again --------------------------------------------------------------------------------------- */

static int quote_same(const struct quote *a, const struct quote *b)
{
    if (a->verdict != b->verdict || a->count != b->count || strcmp(a->refusal, b->refusal) != 0)
        return 0;
    for (size_t i = 0; i < a->count; i++)
        if (a->lines[i].time_us != b->lines[i].time_us || a->lines[i].group != b->lines[i].group ||
            a->lines[i].item != b->lines[i].item || a->lines[i].quantity.whole != b->lines[i].quantity.whole ||
            a->lines[i].quantity.atto != b->lines[i].quantity.atto ||
            a->lines[i].rate->row.service != b->lines[i].rate->row.service ||
            a->lines[i].rate->terms->row.currency != b->lines[i].rate->terms->row.currency)
            return 0;
    return 1;
}

/* A new price of an earlier event, for the record of the late one; the row takes it over. */
static void anew_note(struct making *m, struct past_row *past, const struct event *event, const struct quote *quote)
{
    struct json_out *out = &m->late->anew;
    struct arena *arena = &m->base->rows.arena;
    char number[24];

    quote_to_row(quote, event, &past->row, &m->late->scrip->scratch, arena);
    if (out->size == 0)
        json_open(out, '[');
    json_open(out, '{');
    json_key(out, "event", 5);
    json_raw(out, number, (size_t)snprintf(number, sizeof number, "%" PRIu64, past->row.number));
    if (past->row.rate) {
        json_key(out, "rate", 4);
        json_raw(out, number, (size_t)snprintf(number, sizeof number, "%" PRIu64, past->row.rate));
    }
    if (past->row.lines_size) {
        json_key(out, "lines", 5);
        json_string(out, past->row.lines, past->row.lines_size);
    }
    json_close(out, '}');
}

static int is_timer(const struct event *event)
{
    return event->source == event->service && strncmp(event->shown.id, "timer/", 6) == 0;
}

/* The timer of the scratch account that a recorded usage came from, taken off; NULL: nothing waits for it any more. */
static struct service_timer *timer_take(struct making *m, const struct event *event)
{
    for (size_t i = 0; i < m->scratch->service_timer_count; i++) {
        struct service_timer *timer = m->scratch->service_timers[i];
        char hex[17];
        uint8_t key[16];

        hash_key(timer->key, timer->key_size, key);
        hash_hex(key, 8, hex);
        if (timer->service == event->service && timer->due_us == event->shown.time_us &&
            strcmp(event->shown.id + event->id_size - 16, hex) == 0) {
            account_timer_set(m->scratch, timer, SCRIP_TIME_NONE);
            return timer;
        }
    }
    return NULL;
}

static int has_price(const struct event *event)
{
    return (event->shown.type == SCRIP_USAGE || event->shown.type == SCRIP_HOLD) && 
           (event->product->number != 0 || event_field(event, SCRIP_F_LINE) != NULL || is_timer(event));
}

/* Asks again who prices a usage, of the scratch account. */
static int price_ask(struct making *m, struct event *event, struct quote *fresh, struct scrip_error *why)
{
    struct scrip *scrip = m->late->scrip;
    struct service_timer *timer;
    int code = 1;

    quote_clear(fresh);
    scrip->undo.size = scrip->timer_undo.size = 0;
    fresh->verdict = SCRIP_FREE;
    if (is_timer(event)) {
        if ((timer = timer_take(m, event)) != NULL)
            code = route_timer(scrip, m->scratch, timer, event, fresh, why);
        if (timer == NULL || code == 0) {
            fresh->verdict = SCRIP_FREE; /* nothing is due there now */
            fresh->count = 0;
        }
    } else
        code = route_usage(scrip, m->scratch, event, fresh, why);
    return code < 0 ? code : SCRIP_OK;
}

/* The answer of a service that keeps nothing is the recorded one. */
static int price_again(struct making *m, struct past_row *past, struct event *event)
{
    struct quote *fresh = &m->late->scrip->quote;
    struct scrip_error why = { 0 };
    int is_own = past->row.number == m->own_quote_number, code;

    if (!has_price(event))
        return SCRIP_OK;
    code = price_ask(m, event, fresh, &why);
    if (host_is_store_fault(m->late->scrip, code))
        return error_set(m->err, code, "%s", why.message);
    if (code < 0 || m->keeps_prices || !is_keeper(m->base, m->late->scrip->answered) || quote_same(&m->quote, fresh))
        return SCRIP_OK; /* the state that it put is as it would have been */
    m->quote = *fresh;
    if (is_own) /* what is about it finds its lines in its row */
        quote_to_row(fresh, event, &past->row, &m->late->scrip->scratch, &m->base->rows.arena);
    else
        anew_note(m, past, event, fresh);
    return SCRIP_OK;
}

/* ---- one event ------------------------------------------------------------------------------------------------ */

static int is_accepted(int64_t outcome)
{
    return outcome == SCRIP_CHARGED || outcome == SCRIP_ZERO || outcome == SCRIP_APPLIED;
}

/* 1: whether it is refused depends on what is in the books, and on no rule of a currency. */
static int is_about_another(const struct event *event)
{
    return event->shown.type == SCRIP_REVERSAL || event->shown.type == SCRIP_CAPTURE ||
           event->shown.type == SCRIP_RELEASE || event->shown.type == SCRIP_EXTEND || event->shown.type == SCRIP_VOID;
}

static void note_keep(struct note_list *list, const struct usage_note *note)
{
    ARRAY_ROOM(list->notes, list->count, list->room);
    list->notes[list->count] = *note;
    list->notes[list->count++].subject = NULL;
}

static int event_make(struct making *m, struct past_row *past)
{
    struct scrip *scrip = m->late->scrip;
    const struct scrip_event_row *row = &past->row;
    const struct effect *effect = &m->engine.effect;
    int is_own = row->number == m->own_quote_number, code;
    struct event event;

    arena_reset(&m->arena);
    if ((code = event_from_row(row, &event, &m->arena, m->err)) < 0)
        return code;
    if (is_own)
        m->quote = *m->own_quote;
    else if ((code = quote_from_row(row, &event, scrip->prices, scrip->names, &m->arena, &scrip->scratch, &m->quote,
                                    m->err)) < 0)
        return code;
    if (!is_own && !(row->flags & SCRIP_EVENT_TOLD) && is_about_another(&event))
        m->quote.refusal[0] = 0; /* what it is about may be there by now */
    if (m->asks && (m->base->keeper_count > 0 || is_own) && (code = price_again(m, past, &event)) < 0)
        return code;
    if (m->late->priced != NULL && has_price(&event)) {
        struct scrip_error why = { 0 };

        code = price_ask(m, &event, &scrip->quote, &why);
        if ((code = m->late->priced(m->late->sink, row, &event, &m->quote, code < 0 ? NULL : &scrip->quote,
                                    why.message)) < 0)
            return code;
    }
    making_hold(m, &event);
    if ((code = making_charge(m, &event)) < 0)
        return code;
    if (!is_own && (row->flags & SCRIP_EVENT_TOLD) && row->outcome == SCRIP_REFUSED)
        snprintf(m->quote.refusal, sizeof m->quote.refusal, "%.*s", (int)row->reason_size, row->reason);
    m->engine.is_forced = !is_own && (row->flags & SCRIP_EVENT_TOLD) && is_accepted(row->outcome);
    m->engine.canonical.size = 0;
    m->scratch->row.event_count = row->number - 1; /* so that entries say whose they are */
    engine_apply(&m->engine, m->scratch, &event, &m->quote);
    if (effect->outcome == SCRIP_REFUSED)
        route_undo(scrip, m->scratch);
    scrip->undo.size = scrip->timer_undo.size = 0;
    if (m->scratch->row.clock_event == row->number) {
        m->scratch->last_source = row->source;
        snprintf(m->scratch->last_id, sizeof m->scratch->last_id, "%s", row->id);
    }
    for (size_t i = 0; i < effect->entry_count; i++) {
        ARRAY_ROOM(m->entries, m->entry_count, m->entry_room);
        m->entries[m->entry_count++] = effect->entries[i];
    }
    for (size_t i = 0; i < effect->note_count; i++)
        note_keep(&m->made, &effect->notes[i]);
    if (m->late->applied != NULL || m->late->priced != NULL)
        return m->late->applied ? m->late->applied(m->late->sink, effect) : SCRIP_OK;
    if (is_own) {
        m->late->engine->effect.outcome = effect->outcome;
        memcpy(m->late->engine->effect.reason, effect->reason, sizeof effect->reason);
        m->own_final = m->quote;
        m->own_final.charge = NULL;
    }
    return SCRIP_OK;
}

/* ---- all of it ------------------------------------------------------------------------------------------------ */

static struct making *making_start(struct late *late, const struct past_rows *rows, struct late_base *base,
                                   struct account *scratch, struct scrip_error *err)
{
    struct making *m = memory_get(sizeof *m);

    m->late = late;
    m->rows = rows;
    m->base = base;
    m->scratch = scratch;
    m->err = err;
    m->own_quote_number = UINT64_MAX;
    m->engine.debt_name = late->scrip->engine.debt_name;
    if (late->engine != NULL) {
        m->engine.settle = late->engine->settle;
        m->engine.settle_sink = late->engine->settle_sink;
    }
    return m;
}

static void making_free(struct making *m)
{
    if (m->base == NULL || m->scratch != m->base->account)
        account_free(m->scratch);
    engine_free(&m->engine);
    arena_free(&m->arena);
    free(m->made.notes);
    free(m->order);
    free(m->entries);
    free(m->nets);
    free(m->grants);
    free(m);
}

/* The first `count` rows, each in its place. */
static int all_make(struct making *m, size_t count)
{
    int code = SCRIP_OK;

    m->order = memory_get((count + 1) * sizeof *m->order);
    for (size_t i = 0; i < count; i++)
        m->order[i] = &m->rows->rows[i];
    qsort(m->order, count, sizeof *m->order, by_place);
    for (size_t i = 0; i < count && code == SCRIP_OK; i++)
        code = event_make(m, m->order[i]);
    return code;
}

/* Every event in its place, once, without an account that it would change. */
int past_rows_apply(const struct past_rows *past, struct scrip *scrip, const struct scrip_name *account,
                    const struct past_hooks *hooks, void *sink, struct scrip_error *err)
{
    struct late late = { .scrip = scrip, .applied = hooks->applied, .priced = hooks->priced, .sink = sink };
    struct making *m = making_start(&late, past, NULL, account_make(account), err);
    int code = all_make(m, past->count);

    making_free(m);
    return code;
}

/* What is settled by now becomes part of the base. */
static int advance(struct late *late, struct late_base *base, int64_t horizon_us, struct scrip_error *err)
{
    struct place last;
    size_t count = late_base_settled(&base->rows, horizon_us, &last);
    struct making *m;
    int code;

    if (count == 0)
        return SCRIP_OK;
    m = making_start(late, &base->rows, base, base->account, err);
    m->asks = late->asks;
    m->keeps_prices = 1;
    code = all_make(m, count);
    making_free(m);
    if (code == SCRIP_OK)
        late_base_advance(base, count, &last);
    return code;
}

int late_apply(struct late *late, const struct event *event, struct quote *quote, struct scrip_error *err)
{
    struct late_base *base = late->account->base;
    struct making *m, *before;
    int code = late->asks ? keepers_find(late, err) : SCRIP_OK;

    if (code < 0 || (code = advance(late, base, late_horizon_behind(late->account, event->shown.time_us), err)) < 0)
        return code;
    before = making_start(late, &base->rows, base, account_clone(base->account), err);
    m = making_start(late, &base->rows, base, account_clone(base->account), err);
    m->own = event;
    m->own_quote = quote;
    m->own_quote_number = base->rows.rows[base->rows.count - 1].row.number;
    m->asks = late->asks;
    code = all_make(before, base->rows.count - 1);
    if (late->own != NULL)
        past_rows_anew(&base->rows, late->own);
    if (code == SCRIP_OK)
        code = all_make(m, base->rows.count);
    if (code == SCRIP_OK) {
        late_merge(m, before);
        *quote = m->own_final;
        engine_head(late->engine, late->account, quote);
    }
    if (late->anew.size)
        json_close(&late->anew, ']');
    making_free(before);
    making_free(m);
    return code;
}

/* Where many came in order since, what is settled of them goes into the base; one that cannot follow is made anew when it is
 * needed. */
int late_recorded(struct late *late, const struct scrip_event_row *row, struct scrip_error *err)
{
    struct late_base *base = late->account->base;
    int64_t horizon_us;
    int code = SCRIP_OK;

    if (base == NULL)
        return SCRIP_OK;
    if (past_row_at(&base->rows, row->number) == NULL)
        past_rows_add(&base->rows, row);
    if (base->rows.count < ROWS_MOST)
        return SCRIP_OK;
    horizon_us = late_horizon(late->account);
    if (base->rows.rows[base->rows.count / 2].place.time_us < horizon_us)
        horizon_us = base->rows.rows[base->rows.count / 2].place.time_us;
    if ((!late->asks || (code = keepers_find(late, err)) == SCRIP_OK) &&
        (code = advance(late, base, horizon_us, err)) == SCRIP_OK && base->rows.count < ROWS_MOST)
        return SCRIP_OK;
    late_base_free(base);
    late->account->base = NULL;
    return code;
}
