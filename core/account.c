/* account.c - an account's grants in draw order, its timers, and what services remember. */
#include "account.h"

#include "hash.h"

struct account *account_make(const struct scrip_name *name)
{
    struct account *account = memory_get(sizeof *account);

    account->row.name = name;
    account->row.clock_us = account->row.latest_us = account->block_earliest_us = SCRIP_TIME_NONE;
    return account;
}

static void bucket_free(struct bucket *bucket)
{
    for (size_t i = 0; i < bucket->list_count; i++) {
        for (char **item = bucket->lists[i].items; *item != NULL; item++)
            free(*item);
        free(bucket->lists[i].items);
        free((char *)bucket->lists[i].name);
    }
    free(bucket->lists);
    free(bucket->scope);
    free(bucket->heap);
    free(bucket);
}

void account_free(struct account *account)
{
    for (size_t i = 0; i < account->grant_count; i++) {
        free((char *)account->grants[i]->row.id); /* and all of its texts, one block */
        free(account->grants[i]);
    }
    for (size_t i = 0; i < account->purse_count; i++) {
        for (size_t j = 0; j < account->purses[i]->count; j++)
            bucket_free(account->purses[i]->buckets[j]);
        free(account->purses[i]->buckets);
        free(account->purses[i]);
    }
    for (size_t i = 0; i < account->state_size; i++)
        if (account->states[i] != NULL) {
            free(account->states[i]->value);
            free(account->states[i]);
        }
    free((char *)account->row.data);
    free(account->grants);
    free(account->by_id);
    free(account->purses);
    free(account->timers);
    free(account->states);
    free(account->dirty_grants);
    free(account->dirty_states);
    free(account);
}

/* ---- scopes --------------------------------------------------------------------------------------------------- */

static const struct {
    int key;
    const char *json;
} scope_keys[] = { { SCRIP_F_SCOPE_SERVICES, "services" },
                   { SCRIP_F_SCOPE_PRODUCTS, "products" },
                   { SCRIP_F_SCOPE_USERS, "users" },
                   { SCRIP_F_SCOPE_ATTRIBUTE, "attributes" } };

static void scope_list_write(struct json_out *out, const struct field *field)
{
    const char *at = field->text, *end = at + field->size;

    json_open(out, '[');
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        stop = stop ? stop : end;
        json_string(out, at, (size_t)(stop - at));
        at = stop + 1;
    }
    json_close(out, ']');
}

void scope_from_event(const struct event *event, struct json_out *out)
{
    int is_open = 0, in_attributes = 0;

    json_clear(out);
    for (size_t i = 0; i < event->field_count; i++)
        for (size_t k = 0; k < 4; k++) {
            const struct field *field = &event->fields[i];

            if (field->key != scope_keys[k].key)
                continue;
            if (!is_open++)
                json_open(out, '{');
            if (field->key == SCRIP_F_SCOPE_ATTRIBUTE) {
                if (!in_attributes++) {
                    json_key(out, "attributes", 10);
                    json_open(out, '{');
                }
                json_key(out, field->name, field->name_size);
            } else
                json_key(out, scope_keys[k].json, strlen(scope_keys[k].json));
            scope_list_write(out, field);
        }
    if (in_attributes)
        json_close(out, '}');
    if (is_open)
        json_close(out, '}');
}

struct scope_reading {
    struct bucket *bucket;
    char path[SCRIP_NAME_SIZE * 2];
    size_t item_count;
};

/* A new list starts where the path less its index differs from the last one's. */
static int scope_leaf(void *sink, const struct json_leaf *leaf)
{
    struct scope_reading *r = sink;
    struct bucket *bucket = r->bucket;
    size_t size = leaf->path_size;
    struct scope_list *list;

    while (size > 0 && leaf->path[size - 1] != '.')
        size--;
    size -= size > 0;
    if (size == 0 || size >= sizeof r->path || leaf->type != JSON_STRING)
        return SCRIP_EINVALID;
    if (strlen(r->path) != size || memcmp(r->path, leaf->path, size) != 0) {
        bucket->lists = memory_grow(bucket->lists, (bucket->list_count + 1) * sizeof *bucket->lists);
        list = &bucket->lists[bucket->list_count++];
        memcpy(r->path, leaf->path, size);
        r->path[size] = 0;
        list->key = -1;
        list->items = memory_get(sizeof *list->items);
        r->item_count = 0;
        for (size_t k = 0; k < 4; k++)
            if (strncmp(r->path, scope_keys[k].json, strlen(scope_keys[k].json)) == 0)
                list->key = scope_keys[k].key;
        list->name = memory_text(list->key == SCRIP_F_SCOPE_ATTRIBUTE && size > 11 ? r->path + 11 : "");
        for (char *c = (char *)list->name; *c; c++)
            if (*c == '\1')
                *c = '.';
    }
    list = &bucket->lists[bucket->list_count - 1];
    list->items = memory_grow(list->items, (r->item_count + 2) * sizeof *list->items);
    list->items[r->item_count++] = memory_text_part(leaf->text, leaf->size);
    list->items[r->item_count] = NULL;
    return SCRIP_OK;
}

static int list_has(const struct scope_list *list, const char *text)
{
    for (char **item = list->items; *item != NULL; item++)
        if (strcmp(*item, text) == 0)
            return 1;
    return 0;
}

static const char *attribute_find(const struct event *event, const char *name)
{
    for (uint64_t i = 0; i < event->shown.attribute_count; i++)
        if (strcmp(event->shown.attributes[i].name, name) == 0)
            return event->shown.attributes[i].value;
    return "";
}

int bucket_fits(const struct bucket *bucket, const struct event *event, const struct scrip_name *service)
{
    for (size_t i = 0; i < bucket->list_count; i++) {
        const struct scope_list *list = &bucket->lists[i];
        const char *text;

        switch (list->key) {
        case SCRIP_F_SCOPE_SERVICES:
            text = service->text;
            break;
        case SCRIP_F_SCOPE_PRODUCTS:
            text = event->product->text;
            break;
        case SCRIP_F_SCOPE_USERS:
            text = event->user->text;
            break;
        default:
            text = attribute_find(event, list->name);
        }
        if (!list_has(list, text))
            return 0;
    }
    return 1;
}

/* ---- purses and buckets --------------------------------------------------------------------------------------- */

struct purse *account_purse(struct account *account, const struct scrip_name *currency)
{
    for (size_t i = 0; i < account->purse_count; i++)
        if (account->purses[i]->currency == currency)
            return account->purses[i];
    return NULL;
}

static struct bucket *bucket_for(struct account *account, const struct scrip_name *currency, const char *scope,
                                 size_t scope_size)
{
    struct purse *purse = account_purse(account, currency);
    struct scope_reading reading;
    struct bucket *bucket;

    if (purse == NULL) {
        purse = memory_get(sizeof *purse);
        purse->currency = currency;
        ARRAY_ROOM(account->purses, account->purse_count, account->purse_room);
        account->purses[account->purse_count++] = purse;
    }
    for (size_t i = 0; i < purse->count; i++)
        if (strlen(purse->buckets[i]->scope) == scope_size &&
            memcmp(purse->buckets[i]->scope, scope, scope_size) == 0)
            return purse->buckets[i];
    bucket = memory_get(sizeof *bucket);
    bucket->scope = memory_text_part(scope ? scope : "", scope_size);
    memset(&reading, 0, sizeof reading);
    reading.bucket = bucket;
    if (scope_size)
        json_read(scope, scope_size, scope_leaf, &reading, NULL);
    ARRAY_ROOM(purse->buckets, purse->count, purse->room);
    purse->buckets[purse->count++] = bucket;
    return bucket;
}

int grant_order(const struct grant *a, const struct grant *b)
{
    uint64_t size = a->row.order_key_size < b->row.order_key_size ? a->row.order_key_size : b->row.order_key_size;
    int order = memcmp(a->row.order_key, b->row.order_key, size);

    if (order == 0)
        order = (a->row.order_key_size > b->row.order_key_size) - (a->row.order_key_size < b->row.order_key_size);
    return order ? order : (a->row.number > b->row.number) - (a->row.number < b->row.number);
}

void bucket_push(struct bucket *bucket, struct grant *grant)
{
    size_t at;

    ARRAY_ROOM(bucket->heap, bucket->count, bucket->room);
    for (at = bucket->count++; at > 0; at = (at - 1) / 2) {
        if (grant_order(bucket->heap[(at - 1) / 2], grant) <= 0)
            break;
        bucket->heap[at] = bucket->heap[(at - 1) / 2];
    }
    bucket->heap[at] = grant;
    grant->in_heap = 1;
}

void bucket_pop(struct bucket *bucket)
{
    struct grant *last;
    size_t at = 0, child;

    bucket->heap[0]->in_heap = 0;
    last = bucket->heap[--bucket->count];
    while ((child = at * 2 + 1) < bucket->count) {
        if (child + 1 < bucket->count && grant_order(bucket->heap[child + 1], bucket->heap[child]) < 0)
            child++;
        if (grant_order(last, bucket->heap[child]) <= 0)
            break;
        bucket->heap[at] = bucket->heap[child];
        at = child;
    }
    if (bucket->count > 0)
        bucket->heap[at] = last;
}

struct grant *bucket_first(struct bucket *bucket)
{
    while (bucket->count > 0) {
        struct grant *grant = bucket->heap[0];

        if (grant->stage == GRANT_LIVE && grant_room(grant) > 0)
            return grant;
        bucket_pop(bucket);
    }
    return NULL;
}

/* ---- timers --------------------------------------------------------------------------------------------------- */

static int timer_before(const struct timer *a, const struct timer *b)
{
    if (a->due_us != b->due_us)
        return a->due_us < b->due_us;
    if (a->rank != b->rank)
        return a->rank < b->rank;
    return a->grant->row.number < b->grant->row.number;
}

static void timer_push(struct account *account, int64_t due_us, int rank, struct grant *grant)
{
    struct timer timer = { due_us, rank, grant };
    size_t at;

    ARRAY_ROOM(account->timers, account->timer_count, account->timer_room);
    for (at = account->timer_count++; at > 0; at = (at - 1) / 2) {
        if (!timer_before(&timer, &account->timers[(at - 1) / 2]))
            break;
        account->timers[at] = account->timers[(at - 1) / 2];
    }
    account->timers[at] = timer;
}

int account_timer_next(struct account *account, int64_t until_us, struct timer *out)
{
    struct timer last;
    size_t at = 0, child;

    if (account->timer_count == 0 || account->timers[0].due_us > until_us)
        return 0;
    *out = account->timers[0];
    last = account->timers[--account->timer_count];
    while ((child = at * 2 + 1) < account->timer_count) {
        if (child + 1 < account->timer_count && timer_before(&account->timers[child + 1], &account->timers[child]))
            child++;
        if (!timer_before(&account->timers[child], &last))
            break;
        account->timers[at] = account->timers[child];
        at = child;
    }
    if (account->timer_count > 0)
        account->timers[at] = last;
    return 1;
}

/* ---- grants --------------------------------------------------------------------------------------------------- */

static size_t id_slot(const struct account *account, const char *id, size_t id_size)
{
    size_t at = hash_short(id, id_size) & (account->by_id_size - 1);

    while (account->by_id[at] != 0) {
        const struct scrip_grant_row *row = &account->grants[account->by_id[at] - 1]->row;

        if (row->id_size == id_size && memcmp(row->id, id, id_size) == 0)
            break;
        at = (at + 1) & (account->by_id_size - 1);
    }
    return at;
}

struct grant *account_grant_find(const struct account *account, const char *id, size_t id_size)
{
    uint32_t number = account->by_id_size ? account->by_id[id_slot(account, id, id_size)] : 0;

    return number ? account->grants[number - 1] : NULL;
}

static void by_id_put(struct account *account, struct grant *grant)
{
    if (account->grant_count * 2 > account->by_id_size) {
        account->by_id_size = account->by_id_size ? account->by_id_size * 2 : 16;
        free(account->by_id);
        account->by_id = memory_get(account->by_id_size * sizeof *account->by_id);
        for (size_t i = 0; i + 1 < account->grant_count; i++)
            account->by_id[id_slot(account, account->grants[i]->row.id, account->grants[i]->row.id_size)] =
                (uint32_t)i + 1;
    }
    account->by_id[id_slot(account, grant->row.id, grant->row.id_size)] = (uint32_t)account->grant_count;
}

struct grant *account_grant_add(struct account *account, const struct scrip_grant_row *row, const struct terms *terms)
{
    struct grant *grant = memory_get(sizeof *grant);
    char *block = memory_get(row->id_size + row->scope_size + row->order_key_size + 3);

    grant->row = *row;
    grant->terms = terms;
    grant->row.id = block;
    memcpy(block, row->id, row->id_size);
    grant->row.scope = block + row->id_size + 1;
    if (row->scope_size)
        memcpy(block + row->id_size + 1, row->scope, row->scope_size);
    grant->row.order_key = block + row->id_size + row->scope_size + 2;
    if (row->order_key_size)
        memcpy(block + row->id_size + row->scope_size + 2, row->order_key, row->order_key_size);
    ARRAY_ROOM(account->grants, account->grant_count, account->grant_room);
    account->grants[account->grant_count++] = grant;
    by_id_put(account, grant);
    grant->bucket = bucket_for(account, terms->row.currency, grant->row.scope, grant->row.scope_size);
    return grant;
}

void account_grant_touch(struct account *account, struct grant *grant)
{
    if (grant->is_dirty)
        return;
    grant->is_dirty = 1;
    ARRAY_ROOM(account->dirty_grants, account->dirty_grant_count, account->dirty_grant_room);
    account->dirty_grants[account->dirty_grant_count++] = grant;
}

void account_grant_stage(struct account *account, struct grant *grant)
{
    const struct scrip_grant_row *row = &grant->row;

    if (row->expires_us != SCRIP_TIME_NONE && row->expires_us <= account->row.clock_us) {
        grant->stage = GRANT_ENDED;
        return;
    }
    if (row->balance[SCRIP_BOOK_VOIDED] > 0) {
        grant->stage = GRANT_ENDED;
        return;
    }
    if (row->expires_us != SCRIP_TIME_NONE)
        timer_push(account, row->expires_us, 0, grant);
    if (row->effective_us > account->row.clock_us) {
        grant->stage = GRANT_WAITING;
        timer_push(account, row->effective_us, 1, grant);
        return;
    }
    grant->stage = GRANT_LIVE;
    if (grant_room(grant) > 0) {
        bucket_push(grant->bucket, grant);
        grant->bucket->sum += grant_room(grant);
    }
}

void account_grant_end(struct account *account, struct grant *grant)
{
    (void)account;
    if (grant->stage == GRANT_LIVE && grant_room(grant) > 0)
        grant->bucket->sum -= grant_room(grant);
    grant->stage = GRANT_ENDED; /* the heap drops it when it comes to its head */
}

void account_settle(struct account *account)
{
    for (size_t i = 0; i < account->grant_count; i++)
        account_grant_stage(account, account->grants[i]);
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
