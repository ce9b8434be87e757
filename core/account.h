/* account.h - the state of one account in memory: its grants in draw order, its timers, its claims and limits, what services
 * remember.
 *
 *   account -> purse (a currency) -> bucket (grants of one scope and class) -> tree in draw order of the grants that live
 *           |                     -> debts, oldest first; grants that wait for their first use
 *           -> timers: what takes effect, expires, recurs or times out, by (instant, rank)
 *
 * A draw takes the first among those of the buckets whose scope fits, so its cost does not grow with the grants.
 */
#ifndef SCRIP_CORE_ACCOUNT_H
#define SCRIP_CORE_ACCOUNT_H

#include "event.h"
#include "prices.h"

__extension__ typedef __int128 wide;

/* What comes first at one instant, of timers and events alike. */
enum rank {
    RANK_ACCOUNT,
    RANK_EXPIRY,
    RANK_ACTIVATION,
    RANK_RESET,
    RANK_RECURRENCE,
    RANK_SETTLEMENT,
    RANK_RELEASE,
    RANK_REVERSAL,
    RANK_USAGE,
    RANK_HOLD,
    RANK_CAPTURE,
    RANK_REST,
    RANK_END
};

struct grant;
struct claim;

/* Which usage a grant pays for, or a limit counts; no lists: any. */
struct scope_list {
    int key;          /* SCRIP_F_SCOPE_... */
    const char *name; /* of SCRIP_F_SCOPE_ATTRIBUTE */
    char **items;     /* NULL-terminated */
};
struct scope {
    char *text; /* canonical JSON, "" for none */
    struct scope_list *lists;
    size_t list_count;
};

struct bucket {
    struct scope scope;
    const struct scrip_name *class_name;
    struct grant *root; /* bucket.c */
    struct grant *first; /* the first that offers anything; NULL: to be searched for */
    uint64_t mark;      /* its purse's, where it fits the usage at hand */
};

struct bucket_key {
    uint64_t hash; /* of what is looked up */
    struct bucket *bucket;
};

/* A grant that has ended, by the end that it had then: it may have got another since. */
struct ended {
    int64_t expires_us;
    struct grant *grant;
};

struct purse {
    const struct scrip_name *currency;
    struct bucket **buckets;
    size_t count, room;
    struct bucket **wide; /* those that no key leads to: of any usage */
    size_t wide_count, wide_room;
    struct bucket_key *keys; /* open addressing; several of one hash */
    size_t key_count, key_size;
    struct bucket **fitting; /* of the usage at hand: purse_fit */
    size_t fitting_count, fitting_room;
    uint64_t mark;
    struct grant *debt;      /* the grant that stands for what is owed; NULL: never any */
    struct claim **debts;    /* open, oldest first */
    size_t debt_count, debt_room;
    wide owed;
    wide spent;              /* used and held of all grants: what rollups add up must fit an amount */
    struct grant **sleepers; /* live grants that issue at their first use, by number */
    size_t sleeper_count, sleeper_room;
    struct ended *ended; /* what paid for a usage of its time that comes late: by their ends, while is_ended_sorted */
    size_t ended_count, ended_room;
    int is_ended_sorted;
    int has_units; /* a grant of it gives several of its balance for one of a charge */
};

enum grant_stage { GRANT_WAITING, GRANT_LIVE, GRANT_ENDED, GRANT_DEBT };

/* What few grants have; from the `rules` of their rows. */
struct grant_rules {
    int is_debt;
    int from; /* enum scrip_recurrence_from */
    int adds;
    char every[32]; /* "": does not recur */
    int64_t anchor_us;
    int64_t amount; /* of a recurrence */
    int has_rollover;
    int64_t rollover_min, rollover_max;
    int64_t max_per_charge; /* 0: none */
    int64_t unit;           /* of its balance for one of a charge; 1 */
};

struct grant {
    struct scrip_grant_row row;
    const struct terms *terms;
    struct grant_rules *rules; /* NULL: none */
    struct bucket *bucket;
    int stage;
    int in_bucket;
    int is_dirty;
    struct grant *later, *earlier; /* by when they changed last */
    struct grant *left, *right, *up; /* in its bucket */
    int64_t offer, most; /* what it has at most; the most of those below it, too */
};

/* One draw that a claim holds; of a debt the first, without a grant, then what grants that give only so much to one charge gave. */
struct claim_draw {
    struct grant *grant;
    const struct rate *rate;
    uint64_t line;
    int64_t amount;  /* of the charge */
    int64_t time_us; /* of its line */
};

/* A hold, or a debt. */
struct claim {
    struct scrip_claim_row row;
    const struct terms *terms;
    struct event event; /* the usage or hold that made it; its texts are in the account's arena */
    int64_t nominal; /* what it would hold alone */
    uint64_t captured_by; /* the event that captured it; 0: none */
    struct claim_draw *draws;
    size_t draw_count, draw_room;
    struct claim *before; /* an older one of the same key */
    int is_dirty;
    int in_open; /* among the account's open holds */
};

/* Claims by what they are looked up by: of holds the id, of debts event and line. Open addressing: the newest of each key. */
struct claim_index {
    struct claim **slots;
    size_t size, count;
};

/* What was used of a limit in one of its periods. */
struct limit_window {
    int64_t start_us;
    int64_t used;
};
#define LIMIT_WINDOWS 64 /* periods kept of a limit */

struct limit {
    struct scrip_limit_row row;
    const struct terms *terms;
    struct scope scope;
    int64_t since_us; /* what is charged from then on counts */
    struct limit_window *windows; /* ascending */
    size_t window_count;
    int is_dirty;
};

struct timer {
    int64_t due_us;
    int rank;
    uint64_t order; /* number of the grant or claim */
    struct grant *grant;
    struct claim *claim;
    struct purse *purse;
};

/* What a service waits for. */
struct service_timer {
    const struct scrip_name *service;
    uint32_t key_size;
    int64_t due_us; /* SCRIP_TIME_NONE: no more */
    int is_dirty;
    uint8_t key[];
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
    char *zone;                   /* as its data says; "UTC" */
    int64_t start_us;             /* the same; SCRIP_TIME_NONE */
    struct grant **grants;        /* by number - 1 */
    size_t grant_count, grant_room;
    uint32_t *by_id; /* open addressing: number */
    size_t by_id_size;
    struct purse **purses;
    size_t purse_count, purse_room;
    struct timer *timers; /* a heap */
    size_t timer_count, timer_room;
    struct claim **claims; /* those in memory: all that are open */
    size_t claim_count, claim_room;
    struct claim_index holds, debts;
    struct claim **open_holds; /* and some that were closed since the last checkpoint */
    size_t open_hold_count, open_hold_room;
    struct claim **dirty_claims;
    size_t dirty_claim_count, dirty_claim_room;
    struct arena claim_arena;
    struct limit **limits;
    size_t limit_count, limit_room;
    struct service_timer **service_timers;
    size_t service_timer_count, service_timer_room;
    struct state **states; /* open addressing */
    size_t state_count, state_size;
    struct grant *changed_last; /* the first of all grants by when they changed, the last change first */
    struct grant **dirty_grants;
    size_t dirty_grant_count, dirty_grant_room;
    struct state **dirty_states;
    size_t dirty_state_count, dirty_state_room;
    /* The host's: */
    uint64_t batch; /* the last batch that it is part of; 0: none */
    size_t batch_index;
    int64_t block_earliest_us; /* earliest date among the events since the last checkpoint */
    struct bytes kept_notes; /* what events added to usage since then, or since kept_from: notes.c */
    uint64_t kept_from;      /* the event before the first of those */
    int64_t kept_time_us;    /* of the last note */
    int kept_placed;         /* one of the events was put in its place */
    struct late_base *base; /* what events that come late are put in their place on; NULL: none came */
    int is_stored; /* loaded from the store: what is not known here may be there */
    struct account *newer, *older; /* least recently used */
    const struct scrip_name *last_source; /* of the event that is last by its order; NULL: not known */
    char last_id[SCRIP_NAME_SIZE + 1];
};

struct late_base;

struct account *account_make(const struct scrip_name *name);
void account_free(struct account *account);
/* The same account, without claims that were closed, and without the host's part. */
struct account *account_clone(const struct account *account);
void account_claim_copy(struct account *out, const struct claim *claim); /* out has the same grants */
void late_base_free(struct late_base *base);
/* Takes zone and start out of the row's data. */
void account_data_read(struct account *account);

/* Adds a grant with all that its row says; the row's texts are copied. The account's clock decides its stage: call
 * account_settle after the last one was loaded. SCRIP_EINVALID: its rules are damaged; NULL then. */
struct grant *account_grant_add(struct account *account, const struct scrip_grant_row *row, const struct terms *terms);
void account_settle(struct account *account);
/* Stages, heaps and timers anew, after balances and dates were set from outside. */
void account_restart(struct account *account);
struct grant *account_grant_find(const struct account *account, const char *id, size_t id_size);
struct purse *account_purse(const struct account *account, const struct scrip_name *currency); /* NULL: none */
struct purse *account_purse_make(struct account *account, const struct scrip_name *currency);
void account_grant_touch(struct account *account, struct grant *grant); /* the event at hand changed it */
/* Puts grants that were loaded in the order of their changes. */
void account_changes_order(struct account *account);

/* 1: what is due then with this rank was run. */
static inline int account_is_past(const struct account *account, int64_t due_us, int rank)
{
    return due_us < account->row.clock_us || (due_us == account->row.clock_us && rank < account->row.clock_rank);
}

/* Sets the stage from the clock, and puts timers for what is to come. */
void account_grant_stage(struct account *account, struct grant *grant);
/* Takes a grant out of what may be drawn. */
/* It did not change after all, since an earlier event. */
void account_grant_untouch(struct account *account, struct grant *grant, uint64_t changed);
void purse_sleeper_add(struct purse *purse, struct grant *grant); /* it waits for its first use */
/* How many grants of purse->ended ended by an instant at the latest: those behind may have lived then. */
size_t purse_ended_by(struct purse *purse, int64_t time_us);
void account_grant_end(struct account *account, struct grant *grant);
/* It has more than before: to be called whenever something was added. */
void account_grant_gain(struct grant *grant);
/* When it recurs next after an instant; SCRIP_TIME_NONE: never. */
int64_t grant_recurrence_after(const struct account *account, const struct grant *grant, int64_t after_us);

void account_timer_put(struct account *account, const struct timer *timer);
/* The next timer due before (until, rank), taken off; 0 where there is none. */
int account_timer_next(struct account *account, int64_t until_us, int rank, struct timer *out);

/* What a grant can still be given in all its time: what came to it must fit an amount. */
static inline int64_t grant_capacity(const struct grant *grant)
{
    int64_t carried = grant->row.balance[SCRIP_BOOK_CLEARING]; /* below 0: it came from another grant or account */
    int64_t issued = grant->row.balance[SCRIP_BOOK_ISSUED];    /* below 0: an adjustment took more than was given */

    return INT64_MAX - (issued > 0 ? issued : 0) + (carried < 0 ? carried : 0);
}

/* What a grant can still pay, in units of the charge: what it has, or may owe, as far as what was used of it fits an amount. */
static inline int64_t grant_room(const struct grant *grant)
{
    int64_t room, most = INT64_MAX - grant->row.balance[SCRIP_BOOK_USED] - grant->row.balance[SCRIP_BOOK_HELD];

    if (grant->row.unlimited ||
        __builtin_sub_overflow(grant->row.balance[SCRIP_BOOK_AVAILABLE], grant->row.floor, &room) || room > most)
        room = most;
    return grant->rules && grant->rules->unit > 1 ? room / grant->rules->unit : room;
}

/* 1: events may change when it expires or recurs. */
static inline int grant_dates_change(const struct grant *grant)
{
    const struct terms *terms = grant->terms;

    return (grant->rules && grant->rules->every[0]) || grant->row.unlimited || terms->rules.refund_us != 0 ||
           terms->row.settle_lag_us != 0 || terms->row.late == SCRIP_LATE_REPLAY;
}

static inline int64_t grant_cost(const struct grant *grant, int64_t amount)
{
    return grant->rules ? amount * grant->rules->unit : amount;
}

/* 1: the scope covers this usage by this service. */
int scope_fits(const struct scope *scope, const struct event *event, const struct scrip_name *service);
void scope_read(struct scope *scope, const char *text, size_t size);
void scope_free(struct scope *scope);
int grant_order(const struct grant *a, const struct grant *b);

/* ---- bucket.c ------------------------------------------------------------------------------------------------- */

/* The first in draw order that has at least so much, 1 or more; NULL: none. */
struct grant *bucket_first(struct bucket *bucket, int64_t least);
/* What it has, as far as bucket_first is concerned: 0 passes it over until account_grant_gain. */
void bucket_offer(struct grant *grant, int64_t offer);
struct bucket *purse_bucket(struct purse *purse, const char *scope, size_t scope_size, const struct scrip_name *class_name);
void purse_buckets_clear(struct purse *purse);
void purse_buckets_free(struct purse *purse);
/* Sets `fitting` to the buckets whose scope covers a usage by a service; event NULL: to all. */
void purse_fit(struct purse *purse, const struct event *event, const struct scrip_name *service);
static inline int bucket_fits(const struct purse *purse, const struct bucket *bucket)
{
    return bucket->mark == purse->mark;
}

/* ---- claims and limits: account_keep.c ------------------------------------------------------------------------ */

struct claim *account_claim_add(struct account *account, const struct scrip_claim_row *row, const struct event *event,
                                const struct terms *terms);
struct claim *account_hold_find(const struct account *account, const char *id, size_t id_size); /* open or not */
/* The newest of a charge's line, open or not; `before` leads to the older ones. */
struct claim *account_debt_find(const struct account *account, uint64_t event, uint64_t line);
/* The newest of the same key. */
struct claim *account_claim_like(const struct account *account, const struct scrip_claim_row *row);
void account_claim_touch(struct account *account, struct claim *claim); /* it changed */
/* Takes back the one that was added last, and was not touched. */
void account_claim_drop(struct account *account);
void claim_draw_add(struct claim *claim, const struct claim_draw *draw);
/* The opaque draws of a row: written before it goes to a store; read back, with the grants and rates that it names. */
void claim_pack(struct claim *claim);
int claim_unpack(struct account *account, struct claim *claim, const struct prices *prices);
/* Of one that was closed: what captured it; its draws are not looked at. */
void claim_close(struct claim *claim);
/* Puts it where it is waited for: the time-out of a hold, the debts of its purse. */
void account_claim_start(struct account *account, struct claim *claim);

struct limit *account_limit_find(const struct account *account, const char *id, size_t id_size);
struct limit *account_limit_add(struct account *account, const struct scrip_limit_row *row, const struct terms *terms);
/* Its amount, period, scope ... from another row: texts are copied. */
void limit_set(struct limit *limit, const struct scrip_limit_row *row, const struct terms *terms);
void limit_pack(struct limit *limit);
/* Start of the limit's period that holds an instant; SCRIP_TIME_MIN where it has none. */
int64_t limit_period(const struct account *account, const struct limit *limit, int64_t time_us);

struct service_timer *account_timer_find(const struct account *account, const struct scrip_name *service,
                                         const void *key, size_t key_size);
struct service_timer *account_timer_add(struct account *account, const struct scrip_name *service, const void *key,
                                        size_t key_size);
void account_timer_set(struct account *account, struct service_timer *timer, int64_t due_us);
/* The one that is due first, by (due, service, key), or NULL. */
struct service_timer *account_timer_first(const struct account *account);

/* A service's memory: NULL where it is not known here. */
struct state *account_state_find(const struct account *account, const struct scrip_name *service, const void *key,
                                 size_t key_size);
struct state *account_state_add(struct account *account, const struct scrip_name *service, const void *key,
                                size_t key_size);
void account_state_set(struct account *account, struct state *state, const void *value, size_t value_size,
                       int64_t discard_after_us);

/* The canonical JSON of an event's scope fields, "" for none. */
void scope_from_event(const struct event *event, struct json_out *out);

/* ---- rules.c -------------------------------------------------------------------------------------------------- */

/* The rules of a grant's event as JSON, "" for none; amounts in minor units. */
int grant_rules_write(const struct event *event, const struct terms *terms, int64_t amount, struct json_out *out,
                      struct scrip_error *err);
void grant_rules_recur(const char *rules, size_t size, const char *every, int64_t from, int64_t amount, struct json_out *out);
extern const char grant_debt_rules[];
struct grant_rules *grant_rules_read(const char *json, size_t size); /* NULL: damaged */

#endif
