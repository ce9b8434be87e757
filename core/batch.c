/* batch.c - what is to be committed: filled by the engine thread, written by another while the next one fills. */
#include "host.h"

#include "hash.h"
#include "notes.h"

#include <stdio.h>
#include <time.h>

/* ---- identities ----------------------------------------------------------------------------------------------- */

static uint64_t identity_hash(const struct scrip_name *account, const struct scrip_name *source, const char *id,
                              size_t id_size)
{
    return hash_mix(hash_text(id, id_size), account->number << 32 | source->number);
}

const struct scrip_event_row *batch_find(const struct batch *batch, const struct event *event)
{
    size_t at;

    if (batch->event_count == 0)
        return NULL;
    at = identity_hash(event->account, event->source, event->shown.id, event->id_size) & (batch->id_slots - 1);
    for (; batch->ids[at] != 0; at = (at + 1) & (batch->id_slots - 1)) {
        const struct scrip_event_row *row = &batch->events[batch->ids[at] - 1];

        if (row->account == event->account && row->source == event->source && row->id_size == event->id_size &&
            memcmp(row->id, event->shown.id, event->id_size) == 0)
            return row;
    }
    return NULL;
}

static void identity_put(struct batch *batch, size_t index)
{
    const struct scrip_event_row *row = &batch->events[index];
    size_t at = identity_hash(row->account, row->source, row->id, row->id_size) & (batch->id_slots - 1);

    while (batch->ids[at] != 0)
        at = (at + 1) & (batch->id_slots - 1);
    batch->ids[at] = (uint32_t)index + 1;
}

static void identity_add(struct batch *batch)
{
    if (batch->event_count * 2 > batch->id_slots) {
        batch->id_slots = batch->id_slots ? batch->id_slots * 2 : 256;
        free(batch->ids);
        batch->ids = memory_get(batch->id_slots * sizeof *batch->ids);
        for (size_t i = 0; i + 1 < batch->event_count; i++)
            identity_put(batch, i);
    }
    identity_put(batch, batch->event_count - 1);
}

/* ---- filling -------------------------------------------------------------------------------------------------- */

static void account_join(struct batch *batch, struct account *account)
{
    if (account->batch == batch->number)
        return;
    if (batch->account_count == batch->account_room) {
        batch->account_room = batch->account_room ? batch->account_room * 2 : 64;
        batch->accounts = memory_grow(batch->accounts, batch->account_room * sizeof *batch->accounts);
        batch->account_rows = memory_grow(batch->account_rows, batch->account_room * sizeof *batch->account_rows);
        batch->account_events = memory_grow(batch->account_events, batch->account_room * sizeof(size_t));
        batch->account_entries = memory_grow(batch->account_entries, batch->account_room * sizeof(size_t));
    }
    account->batch = batch->number;
    account->batch_index = batch->account_count;
    account->row.first_number = account->row.event_count; /* this event was counted already */
    batch->accounts[batch->account_count] = account;
    batch->account_events[batch->account_count] = 0;
    batch->account_entries[batch->account_count++] = 0;
}

static int checkpoint_add(struct scrip *scrip, struct account *account, struct scrip_error *err)
{
    struct batch *batch = scrip->open;
    struct bytes *bytes = &scrip->engine.head; /* free until the next event */
    struct checkpoint_of of = { scrip, account->row.name };
    struct scrip_checkpoint_row *row;
    int code;

    bytes->size = 0;
    scrip->kept_size -= account->kept_notes.size;
    if ((code = checkpoint_make(scrip, account, checkpoint_recorded, &of, bytes, err)) < 0)
        return code;
    ARRAY_ROOM(batch->checkpoints, batch->checkpoint_count, batch->checkpoint_room);
    row = &batch->checkpoints[batch->checkpoint_count++];
    row->account = account->row.name;
    row->number = account->row.event_count;
    row->entry_count = account->row.entry_count;
    row->latest_us = account->row.latest_us;
    row->earliest_us = account->block_earliest_us;
    memcpy(row->head, account->row.head, sizeof row->head);
    row->state = arena_text(&batch->arena, bytes->start, bytes->size);
    row->state_size = bytes->size;
    account->block_earliest_us = SCRIP_TIME_NONE;
    return SCRIP_OK;
}

/* The earliest date in the block of events since the last checkpoint, so that a read as of an instant can pass over
 * blocks that are all later. */
static void date_note(struct account *account, int64_t time_us)
{
    if (time_us > account->row.latest_us)
        account->row.latest_us = time_us;
    if (account->block_earliest_us == SCRIP_TIME_NONE || time_us < account->block_earliest_us)
        account->block_earliest_us = time_us;
}

/* The row's quote, with what the event added to usage where its entries do not say it. */
static void quote_record(struct scrip *scrip, const struct account *account, const struct event *event,
                         const struct quote *quote, const struct json_out *anew, struct scrip_event_row *row)
{
    const struct effect *effect = &scrip->engine.effect;
    struct json_out *more = &scrip->used;

    json_clear(more);
    if (anew->size > 0) {
        json_key(more, "anew", 4);
        json_raw(more, anew->text, anew->size);
    }
    if (!notes_are_derived(&scrip->note_scratch, event, quote, account, effect)) {
        json_key(more, "used", 4);
        notes_write(effect, more);
    }
    quote_to_row_with(quote, event, row, more, &scrip->scratch, &scrip->open->arena);
}

int batch_add(struct scrip *scrip, struct account *account, const struct event *event, const struct quote *quote,
              int flags, const struct json_out *anew, struct scrip_error *err)
{
    struct batch *batch = scrip->open;
    struct effect *effect = &scrip->engine.effect;
    struct scrip_event_row *row;
    size_t kept_before = account->kept_notes.size;

    account_join(batch, account);
    if (batch->event_count == batch->event_room)
        batch->event_accounts =
            memory_grow(batch->event_accounts, (batch->event_room ? batch->event_room * 2 : 16) * sizeof(uint32_t));
    ARRAY_ROOM(batch->events, batch->event_count, batch->event_room);
    batch->event_accounts[batch->event_count] = (uint32_t)account->batch_index;
    row = &batch->events[batch->event_count++];
    event_to_row(event, row, &scrip->scratch, &batch->arena);
    quote_record(scrip, account, event, quote, anew, row);
    row->number = account->row.event_count;
    row->id = arena_text(&batch->arena, event->shown.id, event->id_size);
    row->outcome = effect->outcome;
    row->flags = flags;
    row->reason_size = strlen(effect->reason);
    row->reason = row->reason_size ? arena_text(&batch->arena, effect->reason, row->reason_size) : "";
    identity_add(batch);
    date_note(account, row->time_us);
    for (size_t i = 0; i < effect->entry_count; i++) {
        if (batch->entry_count == batch->entry_room)
            batch->entry_accounts =
                memory_grow(batch->entry_accounts, (batch->entry_room ? batch->entry_room * 2 : 16) * sizeof(uint32_t));
        ARRAY_ROOM(batch->entries, batch->entry_count, batch->entry_room);
        batch->entry_accounts[batch->entry_count] = (uint32_t)account->batch_index;
        batch->entries[batch->entry_count++] = effect->entries[i];
        date_note(account, effect->entries[i].time_us);
    }
    batch->account_events[account->batch_index]++;
    batch->account_entries[account->batch_index] += effect->entry_count;
    batch->size += row->id_size + row->data_size + row->lines_size + row->reason_size;
    usage_tables_add(&batch->days, &batch->months, effect);
    notes_keep(account, effect, flags);
    scrip->kept_size += account->kept_notes.size - kept_before;
    return account->row.event_count % CHECKPOINT_EVENTS == 0 ? checkpoint_add(scrip, account, err) : SCRIP_OK;
}

void batch_cursor(struct scrip *scrip, const struct scrip_name *source, const char *feed,
                  const struct scrip_cursor *cursor)
{
    struct batch *batch = scrip->open;
    struct scrip_cursor_row *row;

    for (size_t i = 0; i < batch->cursor_count; i++)
        if (batch->cursors[i].source == source && strcmp(batch->cursors[i].feed, feed) == 0) {
            batch->cursors[i].cursor = *cursor;
            return;
        }
    ARRAY_ROOM(batch->cursors, batch->cursor_count, batch->cursor_room);
    row = &batch->cursors[batch->cursor_count++];
    row->source = source;
    row->feed = arena_text(&batch->arena, feed, strlen(feed));
    row->cursor = *cursor;
}

int batch_is_full(const struct scrip *scrip)
{
    const struct batch *batch = scrip->open;

    return batch->event_count + batch->quarantine_count >= scrip->batch_limit || batch->size > BATCH_SIZE_LIMIT;
}

/* ---- closing -------------------------------------------------------------------------------------------------- */

#define BY_NUMBER(a, b, member)                                                                               \
    if ((a)->member->number != (b)->member->number)                                                           \
    return (a)->member->number < (b)->member->number ? -1 : 1

static int by_usage_key(const void *left, const void *right)
{
    const struct scrip_usage_row *a = left, *b = right;

    if (a->period != b->period)
        return a->period < b->period ? -1 : 1;
    BY_NUMBER(a, b, user);
    BY_NUMBER(a, b, product);
    BY_NUMBER(a, b, service);
    BY_NUMBER(a, b, class_name);
    BY_NUMBER(a, b, currency);
    BY_NUMBER(a, b, account);
    return 0;
}

/* Events came interleaved; a store wants them by account. Each account's place follows from its count. */
static void rows_scatter(struct batch *batch, struct sorted *sorted)
{
    size_t event_at = 0, entry_at = 0;

    if (sorted->event_room < batch->event_count) {
        sorted->event_room = batch->event_room;
        sorted->events = memory_grow(sorted->events, sorted->event_room * sizeof *sorted->events);
    }
    if (sorted->entry_room < batch->entry_count) {
        sorted->entry_room = batch->entry_room;
        sorted->entries = memory_grow(sorted->entries, sorted->entry_room * sizeof *sorted->entries);
    }
    for (size_t i = 0; i < batch->account_count; i++) {
        size_t events = batch->account_events[i], entries = batch->account_entries[i];

        batch->account_events[i] = event_at;
        batch->account_entries[i] = entry_at;
        event_at += events;
        entry_at += entries;
    }
    for (size_t i = 0; i < batch->event_count; i++)
        sorted->events[batch->account_events[batch->event_accounts[i]]++] = batch->events[i];
    for (size_t i = 0; i < batch->entry_count; i++)
        sorted->entries[batch->account_entries[batch->entry_accounts[i]]++] = batch->entries[i];
}

static void grants_collect(struct batch *batch, struct account *account)
{
    for (size_t i = 0; i < account->dirty_grant_count; i++) {
        struct grant *grant = account->dirty_grants[i];

        ARRAY_ROOM(batch->grants, batch->grant_count, batch->grant_room);
        batch->grants[batch->grant_count++] = grant->row; /* its texts live as long as the account, which stays */
        grant->is_dirty = 0;
    }
    account->dirty_grant_count = 0;
}

static void states_collect(struct batch *batch, struct account *account)
{
    for (size_t i = 0; i < account->dirty_state_count; i++) {
        struct state *state = account->dirty_states[i];
        struct scrip_state_row *row;

        ARRAY_ROOM(batch->states, batch->state_count, batch->state_room);
        row = &batch->states[batch->state_count++];
        row->account = account->row.name;
        row->service = state->service;
        row->key = state->key;
        row->key_size = state->key_size;
        row->value = arena_text(&batch->arena, state->value, state->value_size);
        row->value_size = state->value_size;
        row->discard_after_us = state->discard_after_us;
        state->is_dirty = 0;
    }
    account->dirty_state_count = 0;
}

static void claims_collect(struct batch *batch, struct account *account)
{
    for (size_t i = 0; i < account->dirty_claim_count; i++) {
        struct claim *claim = account->dirty_claims[i];
        struct scrip_claim_row *row;

        claim_pack(claim);
        ARRAY_ROOM(batch->claims, batch->claim_count, batch->claim_room);
        row = &batch->claims[batch->claim_count++];
        *row = claim->row; /* id and group live as long as the account */
        row->draws = arena_text(&batch->arena, claim->row.draws, claim->row.draws_size);
        claim->is_dirty = 0;
    }
    account->dirty_claim_count = 0;
}

static void limits_collect(struct batch *batch, struct account *account)
{
    for (size_t i = 0; i < account->limit_count; i++) {
        struct limit *limit = account->limits[i];
        struct scrip_limit_row *row;

        if (!limit->is_dirty)
            continue;
        limit_pack(limit);
        ARRAY_ROOM(batch->limits, batch->limit_count, batch->limit_room);
        row = &batch->limits[batch->limit_count++];
        *row = limit->row;
        row->id = arena_text(&batch->arena, row->id, row->id_size);
        row->per = arena_text(&batch->arena, row->per, row->per_size);
        row->scope = arena_text(&batch->arena, row->scope, row->scope_size);
        row->windows = arena_text(&batch->arena, row->windows, row->windows_size);
        limit->is_dirty = 0;
    }
}

static void timers_collect(struct batch *batch, struct account *account)
{
    size_t kept = 0;

    for (size_t i = 0; i < account->service_timer_count; i++) {
        struct service_timer *timer = account->service_timers[i];

        if (timer->is_dirty) {
            struct scrip_timer_row *row;

            ARRAY_ROOM(batch->timers, batch->timer_count, batch->timer_room);
            row = &batch->timers[batch->timer_count++];
            row->account = account->row.name;
            row->service = timer->service;
            row->key = arena_text(&batch->arena, timer->key, timer->key_size);
            row->key_size = timer->key_size;
            row->due_us = timer->due_us;
            timer->is_dirty = 0;
        }
        if (timer->due_us == SCRIP_TIME_NONE)
            free(timer);
        else
            account->service_timers[kept++] = timer;
    }
    account->service_timer_count = kept;
}

static void prices_collect(struct scrip *scrip, struct batch *batch)
{
    struct scrip_commit *commit = &batch->commit;
    struct scrip_terms_row *terms;
    struct scrip_rate_row *rates;

    commit->terms_count = prices_terms_count(scrip->prices) - scrip->prices_written_terms;
    commit->rate_count = prices_rate_count(scrip->prices) - scrip->prices_written_rates;
    terms = arena_get(&batch->arena, commit->terms_count * sizeof *terms);
    rates = arena_get(&batch->arena, commit->rate_count * sizeof *rates);
    for (uint64_t i = 0; i < commit->terms_count; i++)
        terms[i] = prices_terms_at(scrip->prices, scrip->prices_written_terms + i + 1)->row;
    for (uint64_t i = 0; i < commit->rate_count; i++)
        rates[i] = prices_rate_at(scrip->prices, scrip->prices_written_rates + i + 1)->row;
    commit->terms = terms;
    commit->rates = rates;
    scrip->prices_written_terms += commit->terms_count;
    scrip->prices_written_rates += commit->rate_count;
}

/* The part of closing that needs nothing but the batch, done while the writer may still be busy with the one before. */
static void rollups_sort(struct batch *batch)
{
    if (batch->days.count > 1)
        qsort(batch->days.rows, batch->days.count, sizeof *batch->days.rows, by_usage_key);
    if (batch->months.count > 1)
        qsort(batch->months.rows, batch->months.count, sizeof *batch->months.rows, by_usage_key);
}

static void batch_close(struct scrip *scrip, struct batch *batch)
{
    struct scrip_commit *commit = &batch->commit;
    struct timespec now;

    memset(commit, 0, sizeof *commit);
    rows_scatter(batch, &scrip->sorted);
    batch->grant_count = batch->state_count = batch->claim_count = batch->limit_count = batch->timer_count = 0;
    for (size_t i = 0; i < batch->account_count; i++) {
        batch->account_rows[i] = batch->accounts[i]->row;
        batch->account_rows[i].data = batch->accounts[i]->row.data_size
                                          ? arena_text(&batch->arena, batch->accounts[i]->row.data,
                                                       batch->accounts[i]->row.data_size)
                                          : NULL;
        grants_collect(batch, batch->accounts[i]);
        states_collect(batch, batch->accounts[i]);
        claims_collect(batch, batch->accounts[i]);
        limits_collect(batch, batch->accounts[i]);
        timers_collect(batch, batch->accounts[i]);
    }
    prices_collect(scrip, batch);
    commit->accounts = batch->account_rows;
    commit->account_count = batch->account_count;
    commit->events = scrip->sorted.events;
    commit->event_count = batch->event_count;
    commit->entries = scrip->sorted.entries;
    commit->entry_count = batch->entry_count;
    commit->grants = batch->grants;
    commit->grant_count = batch->grant_count;
    commit->states = batch->states;
    commit->state_count = batch->state_count;
    commit->checkpoints = batch->checkpoints;
    commit->checkpoint_count = batch->checkpoint_count;
    commit->days = batch->days.rows;
    commit->day_count = batch->days.count;
    commit->months = batch->months.rows;
    commit->month_count = batch->months.count;
    commit->cursors = batch->cursors;
    commit->cursor_count = batch->cursor_count;
    commit->quarantine = batch->quarantine;
    commit->quarantine_count = batch->quarantine_count;
    commit->settled = batch->settled;
    commit->settled_count = batch->settled_count;
    commit->claims = batch->claims;
    commit->claim_count = batch->claim_count;
    commit->limits = batch->limits;
    commit->limit_count = batch->limit_count;
    commit->timers = batch->timers;
    commit->timer_count = batch->timer_count;
    clock_gettime(CLOCK_REALTIME, &now);
    commit->recorded_us = (int64_t)now.tv_sec * SCRIP_SECOND + now.tv_nsec / 1000;
}

static void batch_clear(struct batch *batch)
{
    if (batch->event_count)
        memset(batch->ids, 0, batch->id_slots * sizeof *batch->ids);
    batch->event_count = batch->entry_count = batch->account_count = 0;
    batch->checkpoint_count = batch->cursor_count = batch->quarantine_count = batch->settled_count = 0;
    batch->size = 0;
    usage_table_clear(&batch->days);
    usage_table_clear(&batch->months);
    arena_reset(&batch->arena);
}

void batch_free(struct batch *batch)
{
    arena_free(&batch->arena);
    usage_table_free(&batch->days);
    usage_table_free(&batch->months);
    free(batch->events);
    free(batch->event_accounts);
    free(batch->ids);
    free(batch->entries);
    free(batch->entry_accounts);
    free(batch->accounts);
    free(batch->account_rows);
    free(batch->account_events);
    free(batch->account_entries);
    free(batch->checkpoints);
    free(batch->cursors);
    free(batch->quarantine);
    free(batch->settled);
    free(batch->grants);
    free(batch->states);
    free(batch->claims);
    free(batch->limits);
    free(batch->timers);
    memset(batch, 0, sizeof *batch);
}

/* ---- writing -------------------------------------------------------------------------------------------------- */

static int batch_write(struct scrip *scrip, struct batch *batch, struct scrip_error *err)
{
    struct instance *writer = scrip->writer;
    int code;

    error_clear(&writer->error);
    code = store_of(writer)->commit(&writer->ctx, &batch->commit);
    if (code < 0)
        return error_set(err, code, "store: %s", writer->error.message);
    return SCRIP_OK;
}

static void *writer_main(void *argument)
{
    struct scrip *scrip = argument;

    pthread_mutex_lock(&scrip->lock);
    for (;;) {
        struct scrip_error err = { 0 };
        struct batch *batch;

        while (scrip->stage == WRITER_IDLE)
            pthread_cond_wait(&scrip->change, &scrip->lock);
        if (scrip->stage == WRITER_STOP)
            break;
        batch = scrip->sent;
        pthread_mutex_unlock(&scrip->lock);
        batch_write(scrip, batch, &err);
        pthread_mutex_lock(&scrip->lock);
        if (err.code < 0 && scrip->write_error.code == SCRIP_OK)
            scrip->write_error = err;
        if (scrip->stage == WRITER_BUSY)
            scrip->stage = WRITER_IDLE;
        pthread_cond_broadcast(&scrip->change);
    }
    pthread_mutex_unlock(&scrip->lock);
    return NULL;
}

/* Waits for the batch in the writer's hands. After a failure nothing in memory is what the store has, so all of it is
 * forgotten. */
static int writer_wait(struct scrip *scrip, struct scrip_error *err)
{
    int code;

    if (scrip->thread_started) {
        pthread_mutex_lock(&scrip->lock);
        while (scrip->stage == WRITER_BUSY)
            pthread_cond_wait(&scrip->change, &scrip->lock);
        pthread_mutex_unlock(&scrip->lock);
    }
    if (scrip->sent != NULL) {
        if (scrip->write_error.code < 0) {
            scrip->prices_written_terms -= scrip->sent->commit.terms_count;
            scrip->prices_written_rates -= scrip->sent->commit.rate_count;
        } else
            scrip->commits++;
        batch_clear(scrip->sent);
        scrip->sent = NULL;
    }
    code = (int)scrip->write_error.code;
    if (code < 0) {
        if (err != NULL)
            *err = scrip->write_error;
        error_clear(&scrip->write_error);
        batch_clear(scrip->open);
        accounts_forget(scrip);
    }
    return code;
}

int batch_wait(struct scrip *scrip, struct scrip_error *err)
{
    return writer_wait(scrip, err);
}

static int batch_is_empty(const struct batch *batch)
{
    return batch->event_count == 0 && batch->cursor_count == 0 && batch->quarantine_count == 0 &&
           batch->settled_count == 0;
}

/* Where others write to the same accounts, what memory has of them is soon old, and a batch behind one that fails is lost with
 * it: each is waited for, and the next one reads its accounts. */
static int batch_send_alone(struct scrip *scrip, struct scrip_error *err)
{
    int code = batch_finish(scrip, err);

    if (code < 0)
        return code;
    scrip->batch_limit = scrip->batch_limit * 2 < BATCH_EVENT_LIMIT ? scrip->batch_limit * 2 : BATCH_EVENT_LIMIT;
    accounts_forget(scrip);
    scrip->top_count = 0;
    return SCRIP_OK;
}

int batch_send(struct scrip *scrip, struct scrip_error *err)
{
    int code;

    if (scrip->batch_limit < BATCH_EVENT_LIMIT)
        return batch_send_alone(scrip, err);
    rollups_sort(scrip->open);
    code = writer_wait(scrip, err);
    if (code < 0 || batch_is_empty(scrip->open))
        return code;
    if (!scrip->thread_started) {
        scrip->stage = WRITER_IDLE;
        if (pthread_create(&scrip->thread, NULL, writer_main, scrip) != 0)
            return error_set(err, SCRIP_ENOMEM, "writer: no thread could be started: raise the limit of threads");
        scrip->thread_started = 1;
    }
    batch_close(scrip, scrip->open);
    pthread_mutex_lock(&scrip->lock);
    scrip->sent = scrip->open;
    scrip->stage = WRITER_BUSY;
    pthread_cond_broadcast(&scrip->change);
    pthread_mutex_unlock(&scrip->lock);
    scrip->open = scrip->open == &scrip->batches[0] ? &scrip->batches[1] : &scrip->batches[0];
    scrip->open->number = ++scrip->batch_number;
    accounts_trim(scrip);
    return SCRIP_OK;
}

int batch_finish(struct scrip *scrip, struct scrip_error *err)
{
    int code;

    rollups_sort(scrip->open);
    code = writer_wait(scrip, err);
    if (code < 0 || batch_is_empty(scrip->open))
        return code;
    batch_close(scrip, scrip->open);
    batch_write(scrip, scrip->open, &scrip->write_error);
    scrip->sent = scrip->open;
    scrip->open = scrip->open == &scrip->batches[0] ? &scrip->batches[1] : &scrip->batches[0];
    scrip->open->number = ++scrip->batch_number;
    code = writer_wait(scrip, err);
    accounts_trim(scrip);
    return code;
}

void batch_drop(struct scrip *scrip)
{
    writer_wait(scrip, NULL);
    batch_clear(scrip->open);
    accounts_forget(scrip);
}

void batch_stop(struct scrip *scrip)
{
    if (!scrip->thread_started)
        return;
    pthread_mutex_lock(&scrip->lock);
    while (scrip->stage == WRITER_BUSY)
        pthread_cond_wait(&scrip->change, &scrip->lock);
    scrip->stage = WRITER_STOP;
    pthread_cond_broadcast(&scrip->change);
    pthread_mutex_unlock(&scrip->lock);
    pthread_join(scrip->thread, NULL);
    scrip->thread_started = 0;
}
