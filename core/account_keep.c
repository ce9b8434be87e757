/* account_keep.c - what an account keeps beside its grants: holds and debts, limits, and what services remember and
 * wait for. */
#include "account.h"

#include "hash.h"

/* ---- claims --------------------------------------------------------------------------------------------------- */

void claim_draw_add(struct claim *claim, const struct claim_draw *draw)
{
    ARRAY_ROOM(claim->draws, claim->draw_count, claim->draw_room);
    claim->draws[claim->draw_count++] = *draw;
}

static struct claim_index *index_of(struct account *account, const struct claim *claim)
{
    return claim->row.kind == SCRIP_CLAIM_HOLD ? &account->holds : &account->debts;
}

static int same_key(const struct scrip_claim_row *a, const struct scrip_claim_row *b)
{
    if (a->kind == SCRIP_CLAIM_DEBT)
        return a->event == b->event && a->line == b->line;
    return a->id_size == b->id_size && memcmp(a->id, b->id, a->id_size) == 0;
}

/* Where the claim of this key is, or would be. */
static size_t index_slot(const struct claim_index *index, const struct scrip_claim_row *key)
{
    uint64_t hash = key->kind == SCRIP_CLAIM_DEBT ? hash_mix(key->event, key->line) : hash_short(key->id, key->id_size);
    size_t at = hash & (index->size - 1);

    while (index->slots[at] != NULL && !same_key(&index->slots[at]->row, key))
        at = (at + 1) & (index->size - 1);
    return at;
}

static void index_add(struct claim_index *index, struct claim *claim)
{
    struct claim **old = index->slots;
    size_t old_size = index->size, at;

    if ((index->count + 1) * 2 > index->size) {
        index->size = old_size ? old_size * 2 : 16;
        index->slots = memory_get(index->size * sizeof *index->slots);
        for (size_t i = 0; i < old_size; i++)
            if (old[i] != NULL)
                index->slots[index_slot(index, &old[i]->row)] = old[i];
        free(old);
    }
    at = index_slot(index, &claim->row);
    index->count += index->slots[at] == NULL;
    if (index->slots[at] != NULL &&
        index->slots[at]->row.number > claim->row.number) { /* closed ones may be loaded later */
        claim->before = index->slots[at]->before;
        index->slots[at]->before = claim;
    } else {
        claim->before = index->slots[at];
        index->slots[at] = claim;
    }
}

static void open_add(struct account *account, struct claim *claim)
{
    if (claim->in_open || claim->row.kind != SCRIP_CLAIM_HOLD || claim->row.stage != SCRIP_CLAIM_OPEN)
        return;
    claim->in_open = 1;
    ARRAY_ROOM(account->open_holds, account->open_hold_count, account->open_hold_room);
    account->open_holds[account->open_hold_count++] = claim;
}

struct claim *account_claim_add(struct account *account, const struct scrip_claim_row *row, const struct event *event,
                                const struct terms *terms)
{
    struct claim *claim = memory_get(sizeof *claim);
    struct scrip_event_row copy = { 0 };
    struct json_out scratch = { 0 };

    claim->row = *row;
    claim->terms = terms;
    claim->row.account = account->row.name;
    claim->row.id = row->id_size ? arena_text(&account->claim_arena, row->id, row->id_size) : "";
    claim->row.group = row->group_size ? arena_text(&account->claim_arena, row->group, row->group_size) : "";
    claim->row.draws = NULL;
    claim->row.draws_size = 0;
    if (row->draws_size) {
        uint8_t *draws = memory_get(row->draws_size);

        memcpy(draws, row->draws, row->draws_size);
        claim->row.draws = draws;
        claim->row.draws_size = row->draws_size;
    }
    event_to_row(event, &copy, &scratch, &account->claim_arena);
    event_from_row(&copy, &claim->event, &account->claim_arena, NULL);
    json_free(&scratch);
    ARRAY_ROOM(account->claims, account->claim_count, account->claim_room);
    account->claims[account->claim_count++] = claim;
    index_add(index_of(account, claim), claim);
    open_add(account, claim);
    return claim;
}

void account_claim_drop(struct account *account)
{
    struct claim *claim = account->claims[--account->claim_count];
    struct claim_index *index = index_of(account, claim);
    size_t at = index_slot(index, &claim->row);

    /* It came last, so nothing stands in a slot because this one was taken. */
    index->slots[at] = claim->before;
    index->count -= claim->before == NULL;
    account->open_hold_count -= (size_t)claim->in_open; /* it came last there, too */
    free(claim->draws);
    free((void *)claim->row.draws);
    free(claim);
}

void account_claim_touch(struct account *account, struct claim *claim)
{
    open_add(account, claim);
    if (claim->is_dirty)
        return;
    claim->is_dirty = 1;
    ARRAY_ROOM(account->dirty_claims, account->dirty_claim_count, account->dirty_claim_room);
    account->dirty_claims[account->dirty_claim_count++] = claim;
}

struct claim *account_claim_like(const struct account *account, const struct scrip_claim_row *row)
{
    const struct claim_index *index = row->kind == SCRIP_CLAIM_HOLD ? &account->holds : &account->debts;

    return index->size ? index->slots[index_slot(index, row)] : NULL;
}

struct claim *account_hold_find(const struct account *account, const char *id, size_t id_size)
{
    return account_claim_like(account,
                              &(struct scrip_claim_row){ .kind = SCRIP_CLAIM_HOLD, .id = id, .id_size = id_size });
}

struct claim *account_debt_find(const struct account *account, uint64_t event, uint64_t line)
{
    return account_claim_like(account,
                              &(struct scrip_claim_row){ .kind = SCRIP_CLAIM_DEBT, .event = event, .line = line });
}

static void number_put(uint8_t **at, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        *(*at)++ = (uint8_t)(number >> 8 * i);
}

static uint64_t number_get(const uint8_t **at)
{
    uint64_t number = 0;

    for (int i = 7; i >= 0; i--)
        number = number << 8 | (*at)[i];
    *at += 8;
    return number;
}

/* nominal, then per draw: grant, rate, line, amount, time; of a captured hold at last the capture's event; 8 bytes each, little
 * endian. */
#define CLAIM_DRAW_SIZE 40

void claim_pack(struct claim *claim)
{
    size_t size = 8 + claim->draw_count * CLAIM_DRAW_SIZE + (claim->captured_by ? 8 : 0);
    uint8_t *bytes = memory_get(size), *at = bytes;

    number_put(&at, (uint64_t)claim->nominal);
    for (size_t i = 0; i < claim->draw_count; i++) {
        const struct claim_draw *draw = &claim->draws[i];

        number_put(&at, draw->grant ? draw->grant->row.number : 0);
        number_put(&at, draw->rate->row.number);
        number_put(&at, draw->line);
        number_put(&at, (uint64_t)draw->amount);
        number_put(&at, (uint64_t)draw->time_us);
    }
    if (claim->captured_by)
        number_put(&at, claim->captured_by);
    free((void *)claim->row.draws);
    claim->row.draws = bytes;
    claim->row.draws_size = size;
}

void claim_close(struct claim *claim)
{
    const uint8_t *at = claim->row.draws;

    if (claim->row.draws_size >= 16 && (claim->row.draws_size - 8) % CLAIM_DRAW_SIZE == 8) {
        at += claim->row.draws_size - 8;
        claim->captured_by = number_get(&at);
    }
    free((void *)claim->row.draws);
    claim->row.draws = NULL;
    claim->row.draws_size = 0;
}

int claim_unpack(struct account *account, struct claim *claim, const struct prices *prices)
{
    const uint8_t *at = claim->row.draws;
    size_t count, rest;

    if (claim->row.draws_size < 8)
        return SCRIP_EINVALID;
    count = (claim->row.draws_size - 8) / CLAIM_DRAW_SIZE;
    rest = (claim->row.draws_size - 8) % CLAIM_DRAW_SIZE;
    if (rest != 0 && rest != 8)
        return SCRIP_EINVALID;
    claim->nominal = (int64_t)number_get(&at);
    for (size_t i = 0; i < count; i++) {
        uint64_t grant = number_get(&at);
        struct claim_draw draw = { .rate = prices_rate_at(prices, number_get(&at)) };

        if (grant > account->grant_count || draw.rate == NULL)
            return SCRIP_EINVALID;
        draw.grant = grant ? account->grants[grant - 1] : NULL;
        draw.line = number_get(&at);
        draw.amount = (int64_t)number_get(&at);
        draw.time_us = (int64_t)number_get(&at);
        claim_draw_add(claim, &draw);
    }
    claim->captured_by = rest ? number_get(&at) : 0;
    return SCRIP_OK;
}

/* The older debt first: by the date of the charge, then by its event's own order, however they came. */
static int debt_order(const struct claim *a, const struct claim *b)
{
    int order;

    if (a->draws[0].time_us != b->draws[0].time_us)
        return a->draws[0].time_us < b->draws[0].time_us ? -1 : 1;
    if (a->event.shown.time_us != b->event.shown.time_us)
        return a->event.shown.time_us < b->event.shown.time_us ? -1 : 1;
    if ((order = strcmp(a->event.source->text, b->event.source->text)) != 0 ||
        (order = strcmp(a->event.shown.id, b->event.shown.id)) != 0)
        return order;
    return (a->row.line > b->row.line) - (a->row.line < b->row.line);
}

void account_claim_start(struct account *account, struct claim *claim)
{
    struct purse *purse;
    size_t at;

    if (claim->row.stage != SCRIP_CLAIM_OPEN)
        return;
    if (claim->row.kind == SCRIP_CLAIM_DEBT) {
        purse = account_purse_make(account, claim->terms->row.currency);
        ARRAY_ROOM(purse->debts, purse->debt_count, purse->debt_room);
        for (at = purse->debt_count++; at > 0 && debt_order(claim, purse->debts[at - 1]) < 0; at--)
            purse->debts[at] = purse->debts[at - 1];
        purse->debts[at] = claim;
        purse->owed += claim->row.amount;
    } else if (claim->row.expires_us != SCRIP_TIME_NONE) {
        struct timer timer = { .due_us = claim->row.expires_us, .rank = RANK_RELEASE, .order = claim->row.number,
                               .claim = claim };

        account_timer_put(account, &timer);
    }
}

/* ---- limits --------------------------------------------------------------------------------------------------- */

struct limit *account_limit_find(const struct account *account, const char *id, size_t id_size)
{
    for (size_t i = 0; i < account->limit_count; i++)
        if (account->limits[i]->row.id_size == id_size && memcmp(account->limits[i]->row.id, id, id_size) == 0)
            return account->limits[i];
    return NULL;
}

/* Since when it counts, then start and use per window; 8 bytes each, little endian. */
static void windows_read(struct limit *limit, const uint8_t *at, size_t size)
{
    limit->since_us = (int64_t)number_get(&at);
    size -= 8;
    limit->window_count = size / 16 < LIMIT_WINDOWS ? size / 16 : LIMIT_WINDOWS;
    for (size_t i = 0; i < limit->window_count; i++) {
        limit->windows[i].start_us = (int64_t)number_get(&at);
        limit->windows[i].used = (int64_t)number_get(&at);
    }
}

void limit_set(struct limit *limit, const struct scrip_limit_row *row, const struct terms *terms)
{
    char *old = (char *)limit->row.id, *block = memory_get(row->id_size + row->per_size + 2);
    const void *windows = limit->row.windows;
    uint64_t windows_size = limit->row.windows_size, number = limit->row.number;

    limit->row = *row;
    limit->row.number = number ? number : row->number;
    limit->row.windows = windows;
    limit->row.windows_size = windows_size;
    limit->terms = terms;
    memcpy(block, row->id, row->id_size);
    limit->row.id = block;
    if (row->per_size)
        memcpy(block + row->id_size + 1, row->per, row->per_size);
    limit->row.per = block + row->id_size + 1;
    scope_free(&limit->scope);
    scope_read(&limit->scope, row->scope, row->scope_size);
    limit->row.scope = limit->scope.text;
    free(old);
}

struct limit *account_limit_add(struct account *account, const struct scrip_limit_row *row, const struct terms *terms)
{
    struct limit *limit = memory_get(sizeof *limit);

    limit_set(limit, row, terms);
    limit->row.account = account->row.name;
    limit->windows = memory_get(LIMIT_WINDOWS * sizeof *limit->windows);
    if (row->windows_size >= 8)
        windows_read(limit, row->windows, row->windows_size);
    ARRAY_ROOM(account->limits, account->limit_count, account->limit_room);
    account->limits[account->limit_count++] = limit;
    return limit;
}

void limit_pack(struct limit *limit)
{
    uint8_t *bytes = memory_get(limit->window_count * 16 + 8), *at = bytes;

    number_put(&at, (uint64_t)limit->since_us);
    for (size_t i = 0; i < limit->window_count; i++) {
        number_put(&at, (uint64_t)limit->windows[i].start_us);
        number_put(&at, (uint64_t)limit->windows[i].used);
    }
    free((void *)limit->row.windows);
    limit->row.windows = bytes;
    limit->row.windows_size = limit->window_count * 16 + 8;
}

/* ---- what services wait for ----------------------------------------------------------------------------------- */

struct service_timer *account_timer_find(const struct account *account, const struct scrip_name *service,
                                         const void *key, size_t key_size)
{
    for (size_t i = 0; i < account->service_timer_count; i++) {
        struct service_timer *timer = account->service_timers[i];

        if (timer->service == service && timer->key_size == key_size && memcmp(timer->key, key, key_size) == 0)
            return timer;
    }
    return NULL;
}

struct service_timer *account_timer_add(struct account *account, const struct scrip_name *service, const void *key,
                                        size_t key_size)
{
    struct service_timer *timer = memory_get(sizeof *timer + key_size);

    timer->service = service;
    timer->key_size = (uint32_t)key_size;
    timer->due_us = SCRIP_TIME_NONE;
    memcpy(timer->key, key, key_size);
    ARRAY_ROOM(account->service_timers, account->service_timer_count, account->service_timer_room);
    account->service_timers[account->service_timer_count++] = timer;
    return timer;
}

void account_timer_set(struct account *account, struct service_timer *timer, int64_t due_us)
{
    account->row.timer_count += (due_us != SCRIP_TIME_NONE) - (timer->due_us != SCRIP_TIME_NONE);
    timer->due_us = due_us;
    timer->is_dirty = 1;
}

static int timer_order(const struct service_timer *a, const struct service_timer *b)
{
    uint32_t size = a->key_size < b->key_size ? a->key_size : b->key_size;
    int order;

    if (a->due_us != b->due_us)
        return a->due_us < b->due_us ? -1 : 1;
    if ((order = strcmp(a->service->text, b->service->text)) != 0 || (order = memcmp(a->key, b->key, size)) != 0)
        return order;
    return (a->key_size > b->key_size) - (a->key_size < b->key_size);
}

struct service_timer *account_timer_first(const struct account *account)
{
    struct service_timer *first = NULL;

    if (account->row.timer_count == 0)
        return NULL;
    for (size_t i = 0; i < account->service_timer_count; i++)
        if (account->service_timers[i]->due_us != SCRIP_TIME_NONE &&
            (first == NULL || timer_order(account->service_timers[i], first) < 0))
            first = account->service_timers[i];
    return first;
}

/* ---- what services remember ----------------------------------------------------------------------------------- */

static uint64_t state_hash(const struct scrip_name *service, const void *key, size_t key_size)
{
    return hash_mix(hash_short(key, key_size), service->number);
}

static size_t state_slot(const struct account *account, const struct scrip_name *service, uint64_t hash,
                         const void *key, size_t key_size)
{
    size_t at = hash & (account->state_size - 1);

    while (account->states[at] != NULL) {
        const struct state *state = account->states[at];

        if (state->hash == hash && state->service == service && state->key_size == key_size &&
            memcmp(state->key, key, key_size) == 0)
            break;
        at = (at + 1) & (account->state_size - 1);
    }
    return at;
}

struct state *account_state_find(const struct account *account, const struct scrip_name *service, const void *key,
                                 size_t key_size)
{
    if (account->state_size == 0)
        return NULL;
    return account->states[state_slot(account, service, state_hash(service, key, key_size), key, key_size)];
}

static void states_grow(struct account *account)
{
    struct state **old = account->states;
    size_t old_size = account->state_size;

    account->state_size = old_size ? old_size * 2 : 16;
    account->states = memory_get(account->state_size * sizeof *account->states);
    for (size_t i = 0; i < old_size; i++)
        if (old[i] != NULL)
            account->states[state_slot(account, old[i]->service, old[i]->hash, old[i]->key, old[i]->key_size)] =
                old[i];
    free(old);
}

struct state *account_state_add(struct account *account, const struct scrip_name *service, const void *key,
                                size_t key_size)
{
    struct state *state = memory_get(sizeof *state + key_size);

    state->service = service;
    state->hash = state_hash(service, key, key_size);
    state->key_size = (uint32_t)key_size;
    memcpy(state->key, key, key_size);
    state->discard_after_us = SCRIP_TIME_NONE;
    if ((account->state_count + 1) * 2 > account->state_size)
        states_grow(account);
    account->states[state_slot(account, service, state->hash, key, key_size)] = state;
    account->state_count++;
    return state;
}

void account_state_set(struct account *account, struct state *state, const void *value, size_t value_size,
                       int64_t discard_after_us)
{
    if (value_size > state->value_size || state->value == NULL)
        state->value = memory_grow(state->value, value_size);
    if (value_size)
        memcpy(state->value, value, value_size);
    state->value_size = (uint32_t)value_size;
    state->discard_after_us = discard_after_us;
    if (state->is_dirty)
        return;
    state->is_dirty = 1;
    ARRAY_ROOM(account->dirty_states, account->dirty_state_count, account->dirty_state_room);
    account->dirty_states[account->dirty_state_count++] = state;
}
