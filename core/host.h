/* host.h - an open host: its instances, the accounts it holds, the batch that it fills. Private to core/. */
#ifndef SCRIP_CORE_HOST_H
#define SCRIP_CORE_HOST_H

#include "engine.h"
#include "profile.h"
#include "registry.h"

#include <pthread.h>

/* A batch is committed when it holds this many events or bytes. Many, because a store keeps an account's rows together:
 * the more of an account come at once, the fewer pages are written for each. */
#define BATCH_EVENT_LIMIT 65536
#define BATCH_SIZE_LIMIT ((size_t)24 << 20)
/* Accounts kept in memory between batches, and what services may remember of them in sum. */
#define ACCOUNT_LIMIT 50000
#define CHECKPOINT_EVENTS 1024
/* How often something is tried again after another writer was first, and the longest wait between two tries. */
#define CONFLICT_LIMIT 200
#define CONFLICT_WAIT_US 250000
/* How often a question is asked anew after the store lost its server in it. */
#define ASK_AGAIN_LIMIT 20
/* Rows of an answer that are held back, so that it can be. */
#define HELD_ROWS 10000
/* Bytes of what events added to usage, kept of accounts in memory until their next checkpoints. */
#define KEPT_LIMIT ((size_t)32 << 20)
/* Rows read from a source at a time; events of one instant that are put in order together. */
#define BLOCK_ROWS 512
#define GROUP_LIMIT 4096
/* Rows of a pipe in one batch: they are kept until they are committed. */
#define PIPE_ROWS 32768

struct currency {
    struct instance *instance;
    const struct scrip_name *name;
    struct scrip_policy policy;
    const struct terms *terms;
};

/* Who wants which usage: the host's own keys of a service's section. */
struct service {
    struct instance *instance;
    const struct scrip_name *name;
    struct option_value *where; /* its where.* members, by count */
    size_t where_count;
};

/* ---- a batch: what one commit holds -------------------------------------------------------------------------- */

struct usage_slot {
    uint32_t index; /* of the row + 1; 0: free */
    uint32_t tag;   /* of its hash, so that hardly another row is looked at */
};

struct usage_table {
    struct scrip_usage_row *rows;
    size_t count, room;
    struct usage_slot *slots;
    size_t slot_count;
};

struct batch {
    uint64_t number;
    struct arena arena;
    size_t size; /* bytes of the arena that events took */
    struct scrip_event_row *events;
    size_t event_count, event_room;
    uint32_t *event_accounts; /* index of each event's account; the same for entries */
    uint32_t *entry_accounts;
    uint32_t *ids; /* open addressing over events by identity: index + 1 */
    size_t id_slots;
    struct scrip_entry_row *entries;
    size_t entry_count, entry_room;
    struct account **accounts; /* that it touches, and per account: */
    struct scrip_account_row *account_rows;
    size_t *account_events, *account_entries;
    size_t account_count, account_room;
    struct scrip_checkpoint_row *checkpoints;
    size_t checkpoint_count, checkpoint_room;
    struct usage_table days, months;
    struct scrip_cursor_row *cursors;
    size_t cursor_count, cursor_room;
    struct scrip_quarantine_row *quarantine;
    size_t quarantine_count, quarantine_room;
    struct scrip_quarantine_row *settled;
    size_t settled_count, settled_room;
    /* Made when it is closed: */
    struct scrip_grant_row *grants;
    size_t grant_count, grant_room;
    struct scrip_state_row *states;
    size_t state_count, state_room;
    struct scrip_claim_row *claims;
    size_t claim_count, claim_room;
    struct scrip_limit_row *limits;
    size_t limit_count, limit_room;
    struct scrip_timer_row *timers;
    size_t timer_count, timer_room;
    struct scrip_commit commit;
};

/* Rows of the batch that is being written, by account: one batch at a time is. */
struct sorted {
    struct scrip_event_row *events;
    struct scrip_entry_row *entries;
    size_t event_room, entry_room;
};

/* The bytewise greatest id that a source ever gave: what is above it is new. */
struct source_top {
    const struct scrip_name *source;
    char last[SCRIP_NAME_SIZE + 1];
};

enum writer_stage { WRITER_NONE, WRITER_IDLE, WRITER_BUSY, WRITER_STOP };

struct scrip {
    struct config *config;
    struct registry *registry;
    struct profiles *profiles;
    struct follow *follow; /* what is known of feeds that are followed; NULL: none are */
    struct names *names;
    struct prices *prices;
    int access;
    int64_t max_future_us;
    int64_t now_us; /* the clock when it was last asked for */
    const struct scrip_name **dimensions;
    size_t dimension_count;

    struct currency *currencies;
    size_t currency_count, currency_room;
    struct service *services;
    size_t service_count, service_room;
    struct instance **sources;
    size_t source_count, source_room;
    struct instance **reports;
    size_t report_count, report_room;
    struct outbox *outbox; /* what subscribers were told; NULL: there are none */
    struct instance *reader; /* the store's sessions; NULL: none */
    struct instance *writer;
    struct shared *shared; /* what sessions of one section share */
    int is_volatile;       /* the store ends with the host */
    char *store; /* the section that is the store, where there are several; "" */

    struct account **accounts; /* by number of name */
    size_t accounts_room;
    struct account *newest, *oldest; /* least recently used */
    size_t account_count;
    size_t state_count;
    size_t kept_size;

    struct engine engine;
    struct quote quote, late_quote;
    struct note_list note_scratch;
    struct json_out used;
    struct json_out scratch;
    struct arena arena; /* of the event at hand */
    struct bytes undo; /* what services put while quoting, newest last */
    struct bytes timer_undo; /* and what they wait for */
    uint64_t grant_number; /* of the next grant of the account at hand, in the order in which they were told of */
    const struct scrip_name *answered; /* the service that priced the last usage */
    uint64_t prices_written_terms, prices_written_rates;
    struct source_top *tops;
    size_t top_count, top_room;

    struct batch batches[2];
    struct batch *open; /* being filled */
    struct batch *sent; /* in the writer's hands, or NULL */
    struct sorted sorted;
    uint64_t batch_number;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t change;
    enum writer_stage stage;
    int thread_started;
    struct scrip_error write_error;
    struct scrip_error load_error;
    uint64_t commits;
    /* Several writers on one store: */
    size_t batch_limit; /* events of a batch: fewer after another writer was first, until it goes well again */
    int is_behind;      /* met a number of terms or of a rate that another writer may have given */
    int is_loading;     /* those numbers are being read */
};

/* The reason class of a native event that could not be read: the only rows in quarantine whose bytes are taken for an event again.
 * Those of other feeds are what their source says, whatever they look like. */
#define REASON_NATIVE "native"

/* Where an event came from, for its quarantine. */
struct origin {
    const struct scrip_name *source;
    const char *feed;
    uint64_t line;
    const char *bytes;
    uint64_t size;
    const struct scrip_field *fields;
    size_t field_count;
    int is_told; /* somebody waits for the outcome */
};

/* host.c */
extern const struct scrip_host host_table;
void *host_shared(struct scrip_ctx *ctx, uint64_t size, void (*end)(void *shared));
const struct scrip_name *host_name(struct scrip_ctx *ctx, const char *text, uint64_t size);
struct scrip *host_of(struct scrip_ctx *ctx);
struct currency *host_currency(struct scrip *scrip, const char *code);
/* SCRIP_EINVALID, and which there are. */
int host_currency_unknown(const struct scrip *scrip, const char *field, const char *code, struct scrip_error *err);
/* A plugin by its name, or by its file: that stands beside the configuration. */
int host_plugin(struct scrip *scrip, int kind, const char *name, const char *where, struct plugin **out,
                struct scrip_error *err);
/* An instance of a section, not opened yet. section may be NULL: all defaults. */
int host_instance(struct scrip *scrip, int kind, const char *plugin_name, const struct config_section *section,
                  const char *name, struct instance **out, struct scrip_error *err);
void instance_end(struct instance *instance); /* closes and frees; may be NULL */
/* The keys of the host itself that sections of a kind take beside their plugin's; NULL: none. */
const struct scrip_option *host_keys_of(int kind);
/* 1: the store failed, or another writer was first: it says nothing about the event at hand. */
int host_is_store_fault(const struct scrip *scrip, int code);
/* After another writer was first: forgets what is not committed, brings in what that one wrote, and waits a little. 1: what was
 * not committed may be tried again; 0: the fault stands. */
int host_again(struct scrip *scrip, int code, int attempt, struct scrip_error *err);
void host_wait(int attempt);
int host_writes(struct scrip *scrip, struct scrip_error *err); /* refuses where the host was opened to read */
/* 1: what is read from here on is one state of the store, whatever others commit meanwhile; 0: that ends. */
int host_snapshot(struct scrip *scrip, int is_open, struct scrip_error *err);
/* A session of a store's section, begun: SCRIP_OK, SCRIP_VOLATILE, or the fault. *out is to be closed and freed whatever is
 * answered. */
int host_session(struct scrip *scrip, const struct config_section *section, int session, struct instance **out,
                 struct scrip_error *err);

/* service_due.c: what services wait for */
/* Fires what services wait for up to an instant: each becomes a usage of its own. */
int services_run(struct scrip *scrip, struct account *copy, int64_t until_us, struct scrip_error *err);
int services_fire(struct scrip *scrip, struct account *account, int64_t until_us, struct scrip_error *err);

/* cache.c: accounts in memory */
int account_open(struct scrip *scrip, const struct scrip_name *name, struct account **out, struct scrip_error *err);
/* A hold that is closed may be in the store only: brings it into the account's memory, where it is there. */
int claims_open(struct scrip *scrip, struct account *account, struct scrip_error *err); /* all of them */
int hold_open(struct scrip *scrip, struct account *account, const char *id, struct scrip_error *err);
/* A copy for reads: loaded apart, freed by the caller. NULL in *out: the account is unknown. */
int account_copy(struct scrip *scrip, const char *name, struct account **out, struct scrip_error *err);
/* Only what it says of itself and the grants that events up to a number made, not settled. */
int account_copy_grants(struct scrip *scrip, const char *name, uint64_t until, struct account **out, struct scrip_error *err);
/* A claim from elsewhere than the store's rows; when all are there, account_claims_start gives them their events. */
int account_claim_take(struct scrip *scrip, struct account *account, const struct scrip_claim_row *row,
                       struct scrip_error *err);
int account_claims_start(struct scrip *scrip, struct account *account, struct scrip_error *err);
void accounts_trim(struct scrip *scrip);
void accounts_forget(struct scrip *scrip);

/* route.c: who prices usage, and what it answers */
/* Fills quote. SCRIP_ENOTFOUND: nobody has a price; the message says so. */
int route_usage(struct scrip *scrip, struct account *account, const struct event *event, struct quote *quote,
                struct scrip_error *err);
/* Decides a grant's or an adjustment's terms. */
int route_grant(struct scrip *scrip, const struct event *event, struct arena *arena, struct quote *quote,
                struct scrip_error *err);
/* Undoes or forgets the undo of what services put while quoting. */
void route_undo(struct scrip *scrip, struct account *account);
int route_line_add(struct scrip_ctx *ctx, struct scrip_quote *out, const struct scrip_line *line);
void route_verdict(struct scrip_ctx *ctx, struct scrip_quote *out, int verdict);
int route_price(struct scrip_ctx *ctx, struct scrip_quote *out, const char *currency, const char *rate, const char *label);
int route_state_get(struct scrip_ctx *ctx, const char *key, uint64_t key_size, void *value, uint64_t *value_size);
int route_state_put(struct scrip_ctx *ctx, const char *key, uint64_t key_size, const void *value, uint64_t value_size,
                    int64_t discard_after_us);
int route_currency_find(struct scrip_ctx *ctx, const char *currency, int64_t *out_decimals);
int route_timer_set(struct scrip_ctx *ctx, const char *key, uint64_t key_size, int64_t due_us);
const char *route_account_zone(struct scrip_ctx *ctx);
int route_usage_name(struct scrip_ctx *ctx, struct scrip_quote *out, const char *product, const char *user);
/* Asks a service what a timer of its own costs. *product and *user: what it is charged as. 0: nothing. */
int route_timer(struct scrip *scrip, struct account *account, const struct service_timer *timer, struct event *event,
                struct quote *quote, struct scrip_error *err);
/* A grant that comes out of a conversion or an adjustment, settled by its currency. */
int route_settle(void *sink, const struct event *event, const struct terms *terms, struct scrip_grant_row *settled,
                 struct arena *arena, struct scrip_error *why);
/* One line of an amount in a currency, as a hold without a product has it. */
int route_amount(struct scrip *scrip, const struct event *event, struct quote *quote, struct scrip_error *err);

/* take.c: one event taken in */
int take_event(struct scrip *scrip, struct event *event, const struct origin *origin, struct scrip_result *result,
               struct scrip_error *err);
int take_apply(struct scrip *scrip, struct account *account, const struct event *event, int is_told, struct scrip_error *err);
int take_bad(struct scrip *scrip, const struct origin *origin, const char *reason_class, const char *reason,
             const struct event *event, struct scrip_result *result);

/* history.c: what was recorded before, in the store or on its way to it */
int history_event(struct scrip *scrip, const struct scrip_name *account, uint64_t number,
                  int (*row)(void *sink, const struct scrip_event_row *row), void *sink, struct scrip_error *err);
/* The number of the first entry that an event may have: of the block behind the last checkpoint before it. */
int history_first_entry(struct scrip *scrip, const char *account, uint64_t event, uint64_t *out, struct scrip_error *err);
/* What is left of the charge of an event, in the arena. */
int history_charge(struct scrip *scrip, struct account *account, uint64_t number, struct arena *arena, struct charge **out,
                   struct scrip_error *err);
/* The same from entries at hand, for a replay. row_of: where rows come from; NULL: from what is recorded, of events before
 * `recorded`. */
int history_charge_of(struct scrip *scrip, struct account *account, const struct scrip_entry_row *entries, size_t count,
                      uint64_t number, uint64_t recorded, const struct scrip_event_row *(*row_of)(void *sink, uint64_t number),
                      void *sink, struct arena *arena, struct charge **out, struct scrip_error *err);
/* The entries of the charge of an event, by events up to `until`, added to a list that the caller frees. */
struct entry_list {
    struct scrip_entry_row *entries;
    size_t count, room;
};
int history_entries(struct scrip *scrip, const struct scrip_name *account, uint64_t number, uint64_t until, struct entry_list *out,
                    struct scrip_error *err);
/* The number of an event by identity in its account: 0 where there is none; -1 with the fault. */
int64_t history_number(struct scrip *scrip, const struct account *account, const char *source, const char *id, struct scrip_error *err);

/* transfer.c: from one account to others */
int transfer_check(const struct event *event, struct scrip_error *err); /* its receivers and shares */
/* Brings what left to its receivers, each lot as an event of its own. */
int transfer_arrive(struct scrip *scrip, const struct event *event, struct scrip_result *result, struct scrip_error *err);

/* submit.c */
int submit_quietly(struct scrip *scrip, const struct scrip_pair *pairs, uint64_t pair_count, struct scrip_result *result,
                   struct scrip_error *err);
int fields_take(struct scrip *scrip, const struct scrip_field *fields, size_t count, const struct origin *origin,
                struct scrip_result *result, struct scrip_error *err);
int fields_from_pairs(const struct scrip_pair *pairs, uint64_t pair_count, struct scrip_field *fields, size_t *count,
                      struct arena *arena, struct scrip_error *err);

/* batch.c: what is to be committed, and the thread that does */
int batch_add(struct scrip *scrip, struct account *account, const struct event *event, const struct quote *quote,
              int flags, const struct json_out *anew, struct scrip_error *err);
const struct scrip_event_row *batch_find(const struct batch *batch, const struct event *event);
void batch_cursor(struct scrip *scrip, const struct scrip_name *source, const char *feed,
                  const struct scrip_cursor *cursor);
int batch_is_full(const struct scrip *scrip);
/* Waits until nothing is on its way to the store. */
int batch_wait(struct scrip *scrip, struct scrip_error *err);
/* Hands the open batch to the writer. A failure of an earlier one comes out here or in batch_finish. */
int batch_send(struct scrip *scrip, struct scrip_error *err);
/* The same, and waits until everything is committed. */
int batch_finish(struct scrip *scrip, struct scrip_error *err);
/* Forgets the open batch and every account in memory: what was not committed will be read again. */
void batch_drop(struct scrip *scrip);
void batch_stop(struct scrip *scrip); /* ends the thread */
void batch_free(struct batch *batch);
void usage_table_add(struct usage_table *table, const struct scrip_usage_row *row);
void usage_table_clear(struct usage_table *table);
void usage_table_free(struct usage_table *table);
/* Adds an effect's notes to both rollups. */
void usage_tables_add(struct usage_table *days, struct usage_table *months, const struct effect *effect);

/* checkpoint.c: balances as they were every CHECKPOINT_EVENTS events, and what was used until then */
/* Where earlier ones come from: copies the state of one. */
typedef int checkpoint_find(void *sink, uint64_t number, struct bytes *out, struct scrip_error *err);
checkpoint_find checkpoint_recorded; /* in the store, or on its way there; sink: a struct checkpoint_of */
struct checkpoint_of {
    struct scrip *scrip;
    const struct scrip_name *account;
};
/* The state of an account whose last event is the last of a block; begins the next block. */
int checkpoint_make(struct scrip *scrip, struct account *account, checkpoint_find *find, void *sink, struct bytes *out,
                    struct scrip_error *err);
/* Of one state: which dates what was used has. SCRIP_TIME_NONE: nothing was. */
struct checkpoint_head {
    int64_t latest_us;   /* of all until then */
    int64_t earliest_us; /* of its block */
    int64_t is_placed;   /* since its parent an event was put in its place */
};
int checkpoint_head_read(const struct scrip_checkpoint_row *row, struct checkpoint_head *out);
/* What was used until then, in sums without periods. *is_placed: as above, since ever. */
int checkpoint_usage(struct scrip *scrip, const struct scrip_name *account, uint64_t number,
                     int (*row)(void *sink, const struct scrip_usage_row *row), void *row_sink, int *is_placed,
                     struct scrip_error *err);
/* The balances that an account had after an event at which a checkpoint was made; 0: none. with_dates: and when its
 * grants expired and recurred, as far as that changes. */
int checkpoint_load(struct scrip *scrip, struct account *account, uint64_t number, int with_dates,
                    struct scrip_error *err);
/* The account as it was at a checkpoint, the last up to an event that tells all of it, without what services keep. NULL
 * in *out: there is none. */
int checkpoint_account(struct scrip *scrip, const char *name, uint64_t last, struct account **out,
                       struct scrip_error *err);

/* source.c: sources, and the profiles that they read by */
int source_add(struct scrip *scrip, const struct config_section *section, struct scrip_error *err);
void source_end(struct instance *source);
/* The instance that reads a feed: the source itself, or with profile = auto the one whose profile fits. */
int source_pick(struct instance *source, const char *feed, struct instance **out, struct scrip_error *err);
/* The source that knows a file by its name and first bytes; where only one could be meant, that; NULL: none. */
struct instance *source_claimant(struct scrip *scrip, const char *file);
/* The source of a name; NULL: that which knows a file. */
int source_named(struct scrip *scrip, const char *name, const char *file, struct instance **out,
                 struct scrip_error *err);

/* intake.c: rows of feeds */
int intake_feed_add(struct scrip_ctx *ctx, struct scrip_rows *out, const char *feed);
int intake_row_add(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row);
int intake_row_skip(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row);
int intake_row_bad(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
int intake_feed_grows(struct scrip_ctx *ctx);
void intake_feed_size(struct scrip_ctx *ctx, uint64_t size);
int intake_row_json(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row);

/* report.c: answers through report plugins */
extern const struct scrip_option report_keys[];
int report_write(struct scrip_ctx *ctx, const void *bytes, uint64_t size);

/* What a store answers, in one call. */
static inline const struct scrip_store *store_of(const struct instance *session)
{
    return &session->plugin->api.store;
}
/* A scan of the reading session; the store's message becomes err's. */
int host_scan(struct scrip *scrip, const struct scrip_scan *scan, struct scrip_error *err);

#endif
