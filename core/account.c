/* account.c - an account's grants in draw order, their scopes, and its timers. */
#include "account.h"

#include "calendar.h"
#include "hash.h"

struct account *account_make(const struct scrip_name *name)
{
    struct account *account = memory_get(sizeof *account);

    account->row.name = name;
    account->row.clock_us = account->row.latest_us = account->block_earliest_us = SCRIP_TIME_NONE;
    account->row.closed_us = account->start_us = SCRIP_TIME_NONE;
    account->claim_arena.chunk_size = 2048; /* most accounts have few claims */
    return account;
}

void scope_free(struct scope *scope)
{
    for (size_t i = 0; i < scope->list_count; i++) {
        for (char **item = scope->lists[i].items; *item != NULL; item++)
            free(*item);
        free(scope->lists[i].items);
        free((char *)scope->lists[i].name);
    }
    free(scope->lists);
    free(scope->text);
    memset(scope, 0, sizeof *scope);
}

static void purse_free(struct purse *purse)
{
    purse_buckets_free(purse);
    free(purse->debts);
    free(purse->ended);
    free(purse->sleepers);
    free(purse);
}

static void kept_free(struct account *account)
{
    for (size_t i = 0; i < account->state_size; i++)
        if (account->states[i] != NULL) {
            free(account->states[i]->value);
            free(account->states[i]);
        }
    for (size_t i = 0; i < account->claim_count; i++) {
        free((void *)account->claims[i]->row.draws);
        free(account->claims[i]->draws);
        free(account->claims[i]);
    }
    for (size_t i = 0; i < account->limit_count; i++) {
        scope_free(&account->limits[i]->scope);
        free((char *)account->limits[i]->row.id); /* and its other texts, one block */
        free((void *)account->limits[i]->row.windows);
        free(account->limits[i]->windows);
        free(account->limits[i]);
    }
    for (size_t i = 0; i < account->service_timer_count; i++)
        free(account->service_timers[i]);
    arena_free(&account->claim_arena);
    free(account->states);
    free(account->claims);
    free(account->holds.slots);
    free(account->debts.slots);
    free(account->dirty_claims);
    free(account->limits);
    free(account->service_timers);
    free(account->dirty_states);
}

void account_free(struct account *account)
{
    for (size_t i = 0; i < account->grant_count; i++) {
        free((char *)account->grants[i]->row.id); /* and all of its texts, one block */
        free(account->grants[i]->rules);
        free(account->grants[i]);
    }
    for (size_t i = 0; i < account->purse_count; i++)
        purse_free(account->purses[i]);
    kept_free(account);
    if (account->base != NULL)
        late_base_free(account->base);
    free((char *)account->row.data);
    free(account->zone);
    free(account->grants);
    free(account->by_id);
    free(account->purses);
    free(account->timers);
    free(account->dirty_grants);
    free(account->kept_notes.start);
    free(account->open_holds);
    free(account);
}

/* ---- what it says of itself ----------------------------------------------------------------------------------- */

static int data_leaf(void *sink, const struct json_leaf *leaf)
{
    struct account *account = sink;

    if (leaf->path_size == 4 && memcmp(leaf->path, "zone", 4) == 0) {
        free(account->zone);
        account->zone = memory_text_part(leaf->text, leaf->size);
    } else if (leaf->path_size == 5 && memcmp(leaf->path, "start", 5) == 0)
        time_parse(leaf->text, leaf->size, NULL, "", &account->start_us);
    return SCRIP_OK;
}

void account_data_read(struct account *account)
{
    free(account->zone);
    account->zone = NULL;
    account->start_us = SCRIP_TIME_NONE;
    if (account->row.data_size)
        json_read(account->row.data, account->row.data_size, data_leaf, account, NULL);
    if (account->zone == NULL || zone_check(account->zone) < 0) {
        free(account->zone);
        account->zone = memory_text("UTC");
    }
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
    struct scope *scope;
    char path[SCRIP_NAME_SIZE * 2];
    size_t item_count;
};

/* A new list starts where the path less its index differs from the last one's. */
static int scope_leaf(void *sink, const struct json_leaf *leaf)
{
    struct scope_reading *r = sink;
    struct scope *scope = r->scope;
    size_t size = leaf->path_size;
    struct scope_list *list;

    while (size > 0 && leaf->path[size - 1] != '.')
        size--;
    size -= size > 0;
    if (size == 0 || size >= sizeof r->path || leaf->type != JSON_STRING)
        return SCRIP_EINVALID;
    if (strlen(r->path) != size || memcmp(r->path, leaf->path, size) != 0) {
        scope->lists = memory_grow(scope->lists, (scope->list_count + 1) * sizeof *scope->lists);
        list = &scope->lists[scope->list_count++];
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
    list = &scope->lists[scope->list_count - 1];
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

void scope_read(struct scope *scope, const char *text, size_t size)
{
    struct scope_reading reading = { .scope = scope };

    scope->text = memory_text_part(text ? text : "", size);
    if (size)
        json_read(text, size, scope_leaf, &reading, NULL);
}

int scope_fits(const struct scope *scope, const struct event *event, const struct scrip_name *service)
{
    for (size_t i = 0; i < scope->list_count; i++) {
        const struct scope_list *list = &scope->lists[i];
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

/* ---- purses --------------------------------------------------------------------------------------------------- */

struct purse *account_purse(const struct account *account, const struct scrip_name *currency)
{
    for (size_t i = 0; i < account->purse_count; i++)
        if (account->purses[i]->currency == currency)
            return account->purses[i];
    return NULL;
}

struct purse *account_purse_make(struct account *account, const struct scrip_name *currency)
{
    struct purse *purse = account_purse(account, currency);

    if (purse != NULL)
        return purse;
    purse = memory_get(sizeof *purse);
    purse->currency = currency;
    ARRAY_ROOM(account->purses, account->purse_count, account->purse_room);
    account->purses[account->purse_count++] = purse;
    return purse;
}

int grant_order(const struct grant *a, const struct grant *b)
{
    uint64_t size = a->row.order_key_size < b->row.order_key_size ? a->row.order_key_size : b->row.order_key_size;
    int order = memcmp(a->row.order_key, b->row.order_key, size);

    if (order == 0)
        order = (a->row.order_key_size > b->row.order_key_size) - (a->row.order_key_size < b->row.order_key_size);
    return order ? order : (a->row.number > b->row.number) - (a->row.number < b->row.number);
}

/* ---- timers --------------------------------------------------------------------------------------------------- */

static int timer_before(const struct timer *a, const struct timer *b)
{
    if (a->due_us != b->due_us)
        return a->due_us < b->due_us;
    if (a->rank != b->rank)
        return a->rank < b->rank;
    if (a->purse != NULL && b->purse != NULL) /* the same whether both were due at once or one after the other */
        return strcmp(a->purse->currency->text, b->purse->currency->text) < 0;
    return a->order < b->order;
}

void account_timer_put(struct account *account, const struct timer *timer)
{
    size_t at;

    ARRAY_ROOM(account->timers, account->timer_count, account->timer_room);
    for (at = account->timer_count++; at > 0; at = (at - 1) / 2) {
        if (!timer_before(timer, &account->timers[(at - 1) / 2]))
            break;
        account->timers[at] = account->timers[(at - 1) / 2];
    }
    account->timers[at] = *timer;
}

static void grant_timer(struct account *account, struct grant *grant, int64_t due_us, int rank)
{
    struct timer timer = { .due_us = due_us, .rank = rank, .order = grant->row.number, .grant = grant };

    account_timer_put(account, &timer);
}

int account_timer_next(struct account *account, int64_t until_us, int rank, struct timer *out)
{
    struct timer last;
    size_t at = 0, child;

    if (account->timer_count == 0 || account->timers[0].due_us > until_us ||
        (account->timers[0].due_us == until_us && account->timers[0].rank >= rank))
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
    struct grant_rules *rules = row->rules_size ? grant_rules_read(row->rules, row->rules_size) : NULL;
    struct grant *grant;
    char *block;

    if (row->rules_size && rules == NULL)
        return NULL;
    grant = memory_get(sizeof *grant);
    block = memory_get(row->id_size + row->scope_size + row->order_key_size + row->rules_size + 4);
    grant->row = *row;
    grant->rules = rules;
    grant->terms = terms;
    grant->row.id = block;
    memcpy(block, row->id, row->id_size);
    grant->row.scope = block + row->id_size + 1;
    if (row->scope_size)
        memcpy(block + row->id_size + 1, row->scope, row->scope_size);
    grant->row.order_key = block + row->id_size + row->scope_size + 2;
    if (row->order_key_size)
        memcpy(block + row->id_size + row->scope_size + 2, row->order_key, row->order_key_size);
    grant->row.rules = block + row->id_size + row->scope_size + row->order_key_size + 3;
    if (row->rules_size)
        memcpy(block + row->id_size + row->scope_size + row->order_key_size + 3, row->rules, row->rules_size);
    ARRAY_ROOM(account->grants, account->grant_count, account->grant_room);
    account->grants[account->grant_count++] = grant;
    by_id_put(account, grant);
    grant->bucket = purse_bucket(account_purse_make(account, terms->row.currency), grant->row.scope,
                                 grant->row.scope_size, grant->row.class_name);
    if (rules != NULL && rules->is_debt)
        account_purse(account, terms->row.currency)->debt = grant;
    if (rules != NULL && rules->unit > 1)
        account_purse(account, terms->row.currency)->has_units = 1;
    return grant;
}

/* Takes a grant out of the list of changes, if it is in there. */
static void change_unlink(struct account *account, struct grant *grant)
{
    if (grant->later != NULL)
        grant->later->earlier = grant->earlier;
    if (grant->earlier != NULL)
        grant->earlier->later = grant->later;
    if (account->changed_last == grant)
        account->changed_last = grant->earlier;
    grant->later = grant->earlier = NULL;
}

static void changed_last(struct account *account, struct grant *grant)
{
    if (account->changed_last == grant)
        return;
    change_unlink(account, grant);
    grant->earlier = account->changed_last;
    if (account->changed_last != NULL)
        account->changed_last->later = grant;
    account->changed_last = grant;
}

static int by_change(const void *left, const void *right)
{
    const struct grant *a = *(struct grant *const *)left, *b = *(struct grant *const *)right;

    return (a->row.changed > b->row.changed) - (a->row.changed < b->row.changed);
}

void account_changes_order(struct account *account)
{
    size_t size = account->grant_count * sizeof *account->grants;
    struct grant **order = memory_get(size + 1);

    if (size) {
        memcpy(order, account->grants, size);
        qsort(order, account->grant_count, sizeof *order, by_change);
    }
    for (size_t i = 0; i < account->grant_count; i++)
        changed_last(account, order[i]);
    free(order);
}

void account_grant_touch(struct account *account, struct grant *grant)
{
    grant->row.changed = account->row.event_count;
    changed_last(account, grant);
    if (grant->is_dirty)
        return;
    grant->is_dirty = 1;
    ARRAY_ROOM(account->dirty_grants, account->dirty_grant_count, account->dirty_grant_room);
    account->dirty_grants[account->dirty_grant_count++] = grant;
}

void account_grant_untouch(struct account *account, struct grant *grant, uint64_t changed)
{
    struct grant *earlier, *later = NULL;

    if (grant->row.changed == changed)
        return;
    grant->row.changed = changed;
    change_unlink(account, grant);
    for (earlier = account->changed_last; earlier != NULL && earlier->row.changed > changed; earlier = earlier->earlier)
        later = earlier;
    grant->earlier = earlier;
    grant->later = later;
    if (earlier != NULL)
        earlier->later = grant;
    *(later ? &later->earlier : &account->changed_last) = grant;
}

/* ---- recurrences ---------------------------------------------------------------------------------------------- */

/* The calendar's unit that a period counts in: its largest. */
static const char *period_unit(const char *every)
{
    const char *time = strchr(every, 'T');
    size_t date_size = time ? (size_t)(time - every) : strlen(every);

    if (every[0] != 'P')
        return strchr(every, 'd') || strchr(every, 'w') ? "day" : "hour";
    if (memchr(every, 'Y', date_size))
        return "year";
    if (memchr(every, 'M', date_size))
        return "month";
    return memchr(every, 'D', date_size) || memchr(every, 'W', date_size) ? "day" : "hour";
}

static int64_t anchor_of(const struct account *account, const struct grant *grant, int64_t after_us)
{
    const struct grant_rules *rules = grant->rules;
    int64_t anchor = rules->anchor_us != SCRIP_TIME_NONE ? rules->anchor_us : grant->row.effective_us;

    if (rules->from == SCRIP_FROM_START && account->start_us != SCRIP_TIME_NONE)
        anchor = account->start_us;
    if (rules->from == SCRIP_FROM_CALENDAR &&
        time_floor(after_us, period_unit(rules->every), account->zone ? account->zone : "UTC", &anchor) < 0)
        return SCRIP_TIME_NONE;
    return anchor;
}

int64_t grant_recurrence_after(const struct account *account, const struct grant *grant, int64_t after_us)
{
    int64_t anchor = anchor_of(account, grant, after_us), start, due;

    if (anchor == SCRIP_TIME_NONE ||
        time_period(anchor, grant->rules->every, account->zone ? account->zone : "UTC", after_us, &start, &due) < 0)
        return SCRIP_TIME_NONE;
    return due == INT64_MAX ? SCRIP_TIME_NONE : due;
}

/* ---- stages --------------------------------------------------------------------------------------------------- */

void account_grant_gain(struct grant *grant)
{
    int64_t room = grant->stage == GRANT_LIVE ? grant_room(grant) : 0;

    if (room > 0 && (!grant->in_bucket || room > grant->offer))
        bucket_offer(grant, room);
}

void purse_sleeper_add(struct purse *purse, struct grant *grant)
{
    size_t at = purse->sleeper_count;

    ARRAY_ROOM(purse->sleepers, purse->sleeper_count, purse->sleeper_room);
    for (purse->sleeper_count++; at > 0 && purse->sleepers[at - 1]->row.number > grant->row.number; at--)
        purse->sleepers[at] = purse->sleepers[at - 1];
    purse->sleepers[at] = grant;
}

static void ended_add(struct purse *purse, struct grant *grant)
{
    int64_t expires_us = grant->row.expires_us;
    size_t count = purse->ended_count;

    if (expires_us == SCRIP_TIME_NONE)
        return;
    purse->is_ended_sorted = count == 0 || (purse->is_ended_sorted && purse->ended[count - 1].expires_us <= expires_us);
    ARRAY_ROOM(purse->ended, purse->ended_count, purse->ended_room);
    purse->ended[purse->ended_count++] = (struct ended){ expires_us, grant };
}

static int by_end(const void *left, const void *right)
{
    const struct ended *a = left, *b = right;

    return (a->expires_us > b->expires_us) - (a->expires_us < b->expires_us);
}

size_t purse_ended_by(struct purse *purse, int64_t time_us)
{
    size_t low = 0, high = purse->ended_count;

    if (!purse->is_ended_sorted && high > 1)
        qsort(purse->ended, high, sizeof *purse->ended, by_end);
    purse->is_ended_sorted = 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (purse->ended[middle].expires_us <= time_us)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void recurrence_start(struct account *account, struct grant *grant)
{
    struct purse *purse = account_purse(account, grant->terms->row.currency);

    if (grant->rules->from == SCRIP_FROM_FIRST_USE && grant->row.next_us == SCRIP_TIME_NONE) {
        purse_sleeper_add(purse, grant);
    } else if (grant->row.next_us != SCRIP_TIME_NONE)
        grant_timer(account, grant, grant->row.next_us, RANK_RECURRENCE);
}

void account_grant_stage(struct account *account, struct grant *grant)
{
    const struct scrip_grant_row *row = &grant->row;

    if (grant->rules && grant->rules->is_debt) {
        grant->stage = GRANT_DEBT;
        return;
    }
    /* An unlimited grant that was void before it became effective has no balance that could say so: its dates do. */
    if (row->balance[SCRIP_BOOK_VOIDED] > 0 || (row->unlimited && row->expires_us == row->effective_us) ||
        (row->expires_us != SCRIP_TIME_NONE && account_is_past(account, row->expires_us, RANK_EXPIRY))) {
        grant->stage = GRANT_ENDED;
        ended_add(account_purse(account, grant->terms->row.currency), grant);
        return;
    }
    if (row->expires_us != SCRIP_TIME_NONE)
        grant_timer(account, grant, row->expires_us, RANK_EXPIRY);
    if (row->effective_us > account->row.clock_us) {
        grant->stage = GRANT_WAITING;
        grant_timer(account, grant, row->effective_us, RANK_ACTIVATION);
        return;
    }
    grant->stage = GRANT_LIVE;
    account_grant_gain(grant);
    if (grant->rules && grant->rules->every[0])
        recurrence_start(account, grant);
}

void account_grant_end(struct account *account, struct grant *grant)
{
    struct purse *purse = account_purse(account, grant->terms->row.currency);
    size_t kept = 0;

    for (size_t i = 0; i < purse->sleeper_count; i++)
        if (purse->sleepers[i] != grant)
            purse->sleepers[kept++] = purse->sleepers[i];
    purse->sleeper_count = kept;
    grant->stage = GRANT_ENDED; /* a search that meets it passes over it */
    ended_add(purse, grant);
}

/* Debts that are open may find something to be settled from as soon as time goes on. */
void account_settle(struct account *account)
{
    for (size_t i = 0; i < account->purse_count; i++)
        account->purses[i]->spent = 0;
    for (size_t i = 0; i < account->grant_count; i++) {
        const struct grant *grant = account->grants[i];

        account_purse(account, grant->terms->row.currency)->spent +=
            (wide)grant->row.balance[SCRIP_BOOK_USED] + grant->row.balance[SCRIP_BOOK_HELD];
        account_grant_stage(account, account->grants[i]);
    }
    for (size_t i = 0; i < account->purse_count; i++)
        if (account->purses[i]->debt_count > 0) {
            struct timer timer = { .due_us = account->row.clock_us,
                                   .rank = RANK_SETTLEMENT,
                                   .purse = account->purses[i] };

            account_timer_put(account, &timer);
        }
}

void account_restart(struct account *account)
{
    account->timer_count = 0;
    for (size_t i = 0; i < account->purse_count; i++) {
        struct purse *purse = account->purses[i];

        purse->debt_count = purse->sleeper_count = purse->ended_count = 0;
        purse->owed = 0;
        purse_buckets_clear(purse);
    }
    for (size_t i = 0; i < account->grant_count; i++)
        account->grants[i]->in_bucket = 0;
    for (size_t i = 0; i < account->claim_count; i++)
        account_claim_start(account, account->claims[i]);
    account_settle(account);
}
