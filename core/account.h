/* account.h - the state of one account in memory: its grants in draw order, its timers, what services remember.
 *
 *   account -> purse (a currency) -> bucket (grants of one scope) -> heap by order key of the grants that live
 *           -> timers: what takes effect or expires, by instant
 *
 * A draw takes the least head among the buckets whose scope fits, so its cost does not grow with the grants.
 */
#ifndef SCRIP_CORE_ACCOUNT_H
#define SCRIP_CORE_ACCOUNT_H

#include "event.h"
#include "prices.h"

__extension__ typedef __int128 wide;

struct grant;

/* Which usage a grant pays for; all lists empty: any. */
struct scope_list {
    int key;          /* SCRIP_F_SCOPE_... */
    const char *name; /* of SCRIP_F_SCOPE_ATTRIBUTE */
    char **items;     /* NULL-terminated */
};

struct bucket {
    char *scope; /* canonical JSON, "" for none */
    struct scope_list *lists;
    size_t list_count;
    struct grant **heap;
    size_t count, room;
    wide sum; /* what its live grants have above their floors */
};

struct purse {
    const struct scrip_name *currency;
    struct bucket **buckets;
    size_t count, room;
};

enum grant_stage { GRANT_WAITING, GRANT_LIVE, GRANT_ENDED };

struct grant {
    struct scrip_grant_row row;
    const struct terms *terms;
    struct bucket *bucket;
    int stage;
    int in_heap;
    int is_dirty;
};

struct timer {
    int64_t due_us;
    int rank; /* 0: expiry, 1: activation */
    struct grant *grant;
};

/* What a service keeps of an account. */
struct state {
    const struct scrip_name *service;
    uint64_t hash;
    uint32_t key_size, value_size; /* value_size 0: forgotten */
    int64_t discard_after_us;
    int is_dirty;
    uint8_t *value;
    uint8_t key[];
};

struct account {
    struct scrip_account_row row; /* counts include what the open batch holds */
    struct grant **grants;        /* by number - 1 */
    size_t grant_count, grant_room;
    uint32_t *by_id; /* open addressing: number */
    size_t by_id_size;
    struct purse **purses;
    size_t purse_count, purse_room;
    struct timer *timers; /* a heap */
    size_t timer_count, timer_room;
    struct state **states; /* open addressing */
    size_t state_count, state_size;
    struct grant **dirty_grants;
    size_t dirty_grant_count, dirty_grant_room;
    struct state **dirty_states;
    size_t dirty_state_count, dirty_state_room;
    /* The host's: */
    uint64_t batch; /* the last batch that it is part of; 0: none */
    size_t batch_index;
    int64_t block_earliest_us; /* earliest date among the events since the last checkpoint */
    int is_stored; /* loaded from the store: what is not known here may be there */
    struct account *newer, *older; /* least recently used */
};

struct account *account_make(const struct scrip_name *name);
void account_free(struct account *account);

/* Adds a grant with all that its row says; the row's texts are copied. The account's clock decides its stage: call
 * account_settle after the last one was loaded. */
struct grant *account_grant_add(struct account *account, const struct scrip_grant_row *row, const struct terms *terms);
void account_settle(struct account *account);
struct grant *account_grant_find(const struct account *account, const char *id, size_t id_size);
struct purse *account_purse(struct account *account, const struct scrip_name *currency); /* NULL: none */
void account_grant_touch(struct account *account, struct grant *grant); /* it changed */

/* Sets the stage from the clock, and puts timers for what is to come. */
void account_grant_stage(struct account *account, struct grant *grant);
/* Takes a grant out of what may be drawn. */
void account_grant_end(struct account *account, struct grant *grant);
/* The next timer due by `until`, taken off; 0 where there is none. */
int account_timer_next(struct account *account, int64_t until_us, struct timer *out);

/* What a grant can still pay. */
static inline int64_t grant_room(const struct grant *grant)
{
    int64_t room;

    if (grant->row.unlimited)
        return INT64_MAX;
    return __builtin_sub_overflow(grant->row.balance[SCRIP_BOOK_AVAILABLE], grant->row.floor, &room) ? INT64_MAX
                                                                                                     : room;
}

/* 1: the bucket's grants may pay for this usage by this service. */
int bucket_fits(const struct bucket *bucket, const struct event *event, const struct scrip_name *service);
int grant_order(const struct grant *a, const struct grant *b);
/* The grant that pays first, or NULL; drops what has nothing left. */
struct grant *bucket_first(struct bucket *bucket);
void bucket_push(struct bucket *bucket, struct grant *grant);
void bucket_pop(struct bucket *bucket);

/* A service's memory: NULL where it is not known here. */
struct state *account_state_find(const struct account *account, const struct scrip_name *service, const void *key,
                                 size_t key_size);
struct state *account_state_add(struct account *account, const struct scrip_name *service, const void *key,
                                size_t key_size);
void account_state_set(struct account *account, struct state *state, const void *value, size_t value_size,
                       int64_t discard_after_us);

/* The canonical JSON of an event's scope fields, "" for none. */
void scope_from_event(const struct event *event, struct json_out *out);

#endif
