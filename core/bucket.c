/* bucket.c - the grants of a purse by scope and class, in draw order, found by what they have to offer.
 *
 * A bucket is a treap: a search tree in draw order whose shape follows from the numbers of its grants. Each node knows
 * the largest offer below it, so that the first grant that offers at least so much is found on one way down. An offer
 * may be too high, as a draw does not change it: it is set right where a search meets it. It is never too low: whatever
 * adds to a grant says so by account_grant_gain.
 *
 * Scopes are many where each user has an allowance, so the buckets that a usage may draw from are found by its user,
 * its attributes, its product or its service: by one list of each scope, the one that says most. */
#include "account.h"

#include "hash.h"

/* ---- the tree ------------------------------------------------------------------------------------------------- */

static uint64_t weight_of(const struct grant *grant)
{
    return hash_mix(grant->row.number, 1);
}

static void most_set(struct grant *grant)
{
    int64_t most = grant->offer;

    if (grant->left != NULL && grant->left->most > most)
        most = grant->left->most;
    if (grant->right != NULL && grant->right->most > most)
        most = grant->right->most;
    grant->most = most;
}

/* Where a grant hangs: at its parent, or as the root. */
static struct grant **place_of(struct bucket *bucket, struct grant *grant)
{
    if (grant->up == NULL)
        return &bucket->root;
    return grant->up->left == grant ? &grant->up->left : &grant->up->right;
}

/* A child changes places with its parent; the order stays. */
static void rise(struct bucket *bucket, struct grant *child)
{
    struct grant *parent = child->up, **place = place_of(bucket, parent), *moved;

    if (parent->left == child) {
        moved = parent->left = child->right;
        child->right = parent;
    } else {
        moved = parent->right = child->left;
        child->left = parent;
    }
    if (moved != NULL)
        moved->up = parent;
    child->up = parent->up;
    parent->up = child;
    *place = child;
    most_set(parent);
    most_set(child);
}

static void insert(struct bucket *bucket, struct grant *grant)
{
    struct grant **place = &bucket->root, *up = NULL;

    while (*place != NULL) {
        up = *place;
        place = grant_order(grant, up) < 0 ? &up->left : &up->right;
    }
    *place = grant;
    grant->left = grant->right = NULL;
    grant->up = up;
    grant->in_bucket = 1;
    while (grant->up != NULL && weight_of(grant) > weight_of(grant->up))
        rise(bucket, grant);
}

void bucket_offer(struct grant *grant, int64_t offer)
{
    struct bucket *bucket = grant->bucket;

    grant->offer = offer;
    if (!grant->in_bucket)
        insert(bucket, grant);
    if (offer <= 0 && bucket->first == grant)
        bucket->first = NULL;
    else if (offer > 0 && bucket->first != NULL && grant_order(grant, bucket->first) < 0)
        bucket->first = grant;
    for (struct grant *g = grant; g != NULL; g = g->up) {
        int64_t before = g->most;

        most_set(g);
        if (g->most == before && g != grant)
            break;
    }
}

static struct grant *first_offer(struct grant *grant, int64_t least)
{
    if (grant == NULL || grant->most < least)
        return NULL;
    for (;;)
        if (grant->left != NULL && grant->left->most >= least)
            grant = grant->left;
        else if (grant->offer >= least)
            return grant;
        else
            grant = grant->right;
}

struct grant *bucket_first(struct bucket *bucket, int64_t least)
{
    struct grant *grant;

    while ((grant = least == 1 && bucket->first ? bucket->first : first_offer(bucket->root, least)) != NULL) {
        int64_t room = grant->stage == GRANT_LIVE ? grant_room(grant) : 0;

        if (least == 1)
            bucket->first = grant;
        if (room >= least)
            return grant;
        bucket_offer(grant, room > 0 ? room : 0);
    }
    return NULL;
}

/* ---- the buckets of a purse ----------------------------------------------------------------------------------- */

static uint64_t key_hash(int key, const char *name, const char *text)
{
    uint64_t hash = hash_mix(hash_text(text, strlen(text)), (uint64_t)key);

    return key == SCRIP_F_SCOPE_ATTRIBUTE ? hash_mix(hash, hash_text(name, strlen(name))) : hash;
}

/* The list that says most of which usage it is; NULL: none can be looked up. */
static const struct scope_list *key_list(const struct scope *scope)
{
    static const int keys[] = { SCRIP_F_SCOPE_USERS, SCRIP_F_SCOPE_ATTRIBUTE, SCRIP_F_SCOPE_PRODUCTS,
                                SCRIP_F_SCOPE_SERVICES };

    for (size_t k = 0; k < 4; k++)
        for (size_t i = 0; i < scope->list_count; i++) {
            const struct scope_list *list = &scope->lists[i];
            int takes_absent = 0; /* a usage without the attribute */

            for (char **item = list->items; list->key == SCRIP_F_SCOPE_ATTRIBUTE && *item != NULL; item++)
                takes_absent |= (*item)[0] == 0;
            if (list->key == keys[k] && !takes_absent)
                return list;
        }
    return NULL;
}

static void key_put(struct purse *purse, uint64_t hash, struct bucket *bucket)
{
    size_t at = hash & (purse->key_size - 1);

    while (purse->keys[at].bucket != NULL)
        at = (at + 1) & (purse->key_size - 1);
    purse->keys[at] = (struct bucket_key){ hash, bucket };
    purse->key_count++;
}

static void key_add(struct purse *purse, uint64_t hash, struct bucket *bucket)
{
    struct bucket_key *old = purse->keys;
    size_t old_size = purse->key_size;

    if ((purse->key_count + 1) * 2 > old_size) {
        purse->key_size = old_size ? old_size * 2 : 16;
        purse->keys = memory_get(purse->key_size * sizeof *purse->keys);
        purse->key_count = 0;
        for (size_t i = 0; i < old_size; i++)
            if (old[i].bucket != NULL)
                key_put(purse, old[i].hash, old[i].bucket);
        free(old);
    }
    key_put(purse, hash, bucket);
}

/* Buckets themselves are found by their scope and class, too. */
static uint64_t own_hash(const char *scope, size_t scope_size, const struct scrip_name *class_name)
{
    return hash_mix(hash_mix(hash_text(scope, scope_size), class_name->number), UINT64_MAX);
}

static struct bucket *bucket_find(const struct purse *purse, uint64_t hash, const char *scope, size_t scope_size,
                                  const struct scrip_name *class_name)
{
    if (purse->key_size == 0)
        return NULL;
    for (size_t at = hash & (purse->key_size - 1); purse->keys[at].bucket != NULL;
         at = (at + 1) & (purse->key_size - 1)) {
        struct bucket *bucket = purse->keys[at].bucket;

        if (purse->keys[at].hash == hash && bucket->class_name == class_name &&
            strlen(bucket->scope.text) == scope_size && memcmp(bucket->scope.text, scope, scope_size) == 0)
            return bucket;
    }
    return NULL;
}

struct bucket *purse_bucket(struct purse *purse, const char *scope, size_t scope_size,
                            const struct scrip_name *class_name)
{
    uint64_t hash = own_hash(scope, scope_size, class_name);
    struct bucket *bucket = bucket_find(purse, hash, scope, scope_size, class_name);
    const struct scope_list *list;

    if (bucket != NULL)
        return bucket;
    bucket = memory_get(sizeof *bucket);
    scope_read(&bucket->scope, scope, scope_size);
    bucket->class_name = class_name;
    ARRAY_ROOM(purse->buckets, purse->count, purse->room);
    purse->buckets[purse->count++] = bucket;
    key_add(purse, hash, bucket);
    if ((list = key_list(&bucket->scope)) == NULL) {
        ARRAY_ROOM(purse->wide, purse->wide_count, purse->wide_room);
        purse->wide[purse->wide_count++] = bucket;
    } else
        for (char **item = list->items; *item != NULL; item++)
            key_add(purse, key_hash(list->key, list->name, *item), bucket);
    return bucket;
}

void purse_buckets_clear(struct purse *purse)
{
    for (size_t i = 0; i < purse->count; i++)
        purse->buckets[i]->root = purse->buckets[i]->first = NULL;
}

void purse_buckets_free(struct purse *purse)
{
    for (size_t i = 0; i < purse->count; i++) {
        scope_free(&purse->buckets[i]->scope);
        free(purse->buckets[i]);
    }
    free(purse->buckets);
    free(purse->wide);
    free(purse->keys);
    free(purse->fitting);
}

/* ---- which fit a usage ---------------------------------------------------------------------------------------- */

static void fitting_add(struct purse *purse, struct bucket *bucket, const struct event *event,
                        const struct scrip_name *service)
{
    if (bucket->mark == purse->mark || (event != NULL && !scope_fits(&bucket->scope, event, service)))
        return;
    bucket->mark = purse->mark;
    ARRAY_ROOM(purse->fitting, purse->fitting_count, purse->fitting_room);
    purse->fitting[purse->fitting_count++] = bucket;
}

static void keyed_add(struct purse *purse, uint64_t hash, const struct event *event, const struct scrip_name *service)
{
    for (size_t at = hash & (purse->key_size - 1); purse->keys[at].bucket != NULL;
         at = (at + 1) & (purse->key_size - 1))
        if (purse->keys[at].hash == hash)
            fitting_add(purse, purse->keys[at].bucket, event, service);
}

void purse_fit(struct purse *purse, const struct event *event, const struct scrip_name *service)
{
    int is_keyed = purse->wide_count < purse->count;

    purse->mark++;
    purse->fitting_count = 0;
    for (size_t i = 0; i < (event ? purse->wide_count : purse->count); i++)
        fitting_add(purse, event ? purse->wide[i] : purse->buckets[i], event, service);
    if (event == NULL || !is_keyed)
        return;
    keyed_add(purse, key_hash(SCRIP_F_SCOPE_USERS, "", event->user->text), event, service);
    keyed_add(purse, key_hash(SCRIP_F_SCOPE_PRODUCTS, "", event->product->text), event, service);
    keyed_add(purse, key_hash(SCRIP_F_SCOPE_SERVICES, "", service->text), event, service);
    for (uint64_t i = 0; i < event->shown.attribute_count; i++)
        keyed_add(purse,
                  key_hash(SCRIP_F_SCOPE_ATTRIBUTE, event->shown.attributes[i].name, event->shown.attributes[i].value),
                  event, service);
}
