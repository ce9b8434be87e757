/* outbox.h - what subscribers are told: committed events and alerts, at least once, in order per account.
 *
 *   subscriber.c  a section that delivers: its key, its rules    alert.c  rules, and what they find in an account
 *   story.c       an account's events again, as messages         message.c  one message, as JSON
 *   outbox.c      positions, rounds, tries                       subscribers.c  how each stands: the question
 *
 * The events of the store are the outbox: nothing is written when one is committed. A subscriber keeps a position per
 * account, in the table of cursors:
 *
 *   source "scrip.deliver.NAME", feed: the account
 *   position   number of the last event that it has been told
 *   line       how often the delivery behind that failed so far; and above its 32nd bit, a hash of the id of the last
 * one that was delivered, where others that are told together with it were not; 0: none tail_size  when that is tried
 * again; 0: at once tail_hash  the last instant behind that event of which an alert was told; 0: none
 */
#ifndef SCRIP_CORE_OUTBOX_H
#define SCRIP_CORE_OUTBOX_H

#include "ask.h"

#define OUTBOX_SOURCE "scrip.deliver."

enum alert_kind { ALERT_BALANCE, ALERT_EXPIRING, ALERT_BURN, ALERT_HOLD };

/* One `alert.NAME = RULE`. */
struct alert_rule {
    int kind; /* enum alert_kind */
    const char *name;
    const char *text; /* as it is written */
    const struct scrip_name *currency;
    int decimals;
    int64_t amount; /* of balance and burn */
    int64_t parts;  /* of balance, in percent: millionths of one; 0: an amount */
    char duration[32];
};

struct subscriber {
    struct instance *instance;
    const struct scrip_name *source; /* of its positions */
    const char *account;             /* only this one; NULL: all */
    unsigned outcomes;               /* a bit each: events that are delivered */
    struct alert_rule *rules;
    size_t rule_count;
    int64_t since_us; /* SCRIP_TIME_MIN: always */
    char *key;        /* NULL: nothing is signed, or it was not read yet */
    size_t key_size;
    uint64_t tries;
    int64_t first_wait_us, most_wait_us;
    struct position **positions; /* by number of the account's name */
    size_t position_room;
    int is_loaded;
};

struct position {
    const struct scrip_name *account;
    uint64_t number, tries;
    uint64_t part;   /* of what is told together: hash of the id of the last that was delivered; 0: none */
    int64_t next_us; /* of the next try; 0: at once */
    int64_t told_us; /* SCRIP_TIME_MIN: none */
    int64_t due_us;  /* when time alone may bring an alert; in memory only. SCRIP_TIME_MIN: not known */
    int is_dirty;
};

/* ---- subscriber.c --------------------------------------------------------------------------------------------- */

int subscriber_is(const struct instance *report); /* 1: its section delivers, and writes no report */
int subscriber_open(struct scrip *scrip, struct instance *report, struct subscriber *out, struct scrip_error *err);
/* Reads its key, once: who only asks questions needs none. */
int subscriber_key_read(struct subscriber *subscriber, struct scrip_error *err);
void subscriber_close(struct subscriber *subscriber);

/* ---- alert.c -------------------------------------------------------------------------------------------------- */

/* Entries that used something, by date: what a rule of kind ALERT_BURN looks back at. */
struct burn {
    struct burn_part {
        int64_t time_us;
        const struct terms *terms;
        int64_t amount; /* below 0: it came back */
    } * parts;
    size_t count, room;
};

int alert_rule_read(struct scrip *scrip, const char *text, struct alert_rule *out, struct scrip_error *err);
void burn_add(struct burn *burn, const struct terms *terms, const struct scrip_entry_row *entry);
/* What was used in the rule's time up to an instant. */
wide burn_sum(const struct burn *burn, const struct alert_rule *rule, const struct account *account, int64_t until_us);
/* Start of the rule's time that ends with an instant. */
int64_t alert_start(const struct alert_rule *rule, const struct account *account, int64_t until_us);
/* 1: it is; 0: it is not; -1: the account never had any. *available: in minor units. */
int alert_is_below(const struct alert_rule *rule, const struct account *account, wide *available);
/* When a grant or a hold comes to what the rule is about; SCRIP_TIME_MAX: never. */
int64_t alert_grant_due(const struct alert_rule *rule, const struct account *account, const struct grant *grant);
int64_t alert_hold_due(const struct alert_rule *rule, const struct account *account, const struct claim *hold);

/* ---- message.c ------------------------------------------------------------------------------------------------ */

/* One delivery, and where its account stands when it has arrived. */
struct message {
    char *id;
    char *body;
    size_t size;
    uint64_t number; /* of the event; is_last: it is told of with this one */
    int64_t told_us; /* of an alert that time alone brought: its instant; else SCRIP_TIME_MIN */
    int is_last;
};

struct message_list {
    struct message *list;
    size_t count, room;
    size_t size; /* of all bodies */
};

struct replay;
void messages_clear(struct message_list *messages);
void messages_free(struct message_list *messages);
/* After an event was replayed; entries: all that it brought. */
void message_event(struct message_list *messages, struct json_out *scratch, const struct replay *replay,
                   const struct event *event, const struct scrip_entry_row *entries, size_t entry_count);
/* An alert of an instant, which came of the last event, or of time alone. grant, hold: what it is about, or NULL;
 * amount: what is left, or was used. */
void message_alert(struct message_list *messages, const struct account *account, const struct alert_rule *rule,
                   int is_of_event, int64_t time_us, const struct grant *grant, const struct claim *hold, wide amount);

/* ---- story.c -------------------------------------------------------------------------------------------------- */

#define STORY_EVENTS 1024 /* told at a time */

/* What comes behind a position: messages of at most STORY_EVENTS events; of the last one, alerts up to an instant, too.
 * *until: number of the last event that was looked at. *due_us: when time alone may bring the next alert.
 * SCRIP_EINVALID: the account is damaged. */
int story_tell(struct scrip *scrip, const struct subscriber *subscriber, const struct position *position, uint64_t last,
               int64_t horizon_us, struct message_list *out, uint64_t *until, int64_t *due_us, struct scrip_error *err);

/* ---- outbox.c ------------------------------------------------------------------------------------------------- */

struct outbox {
    struct subscriber *list;
    size_t count;
    size_t dirty_count;   /* positions to be saved */
    int64_t saved_us;     /* when they were last, or should have been */
    size_t unsaved_count; /* deliveries since then */
    int lock_fd;          /* -1: not held */
    struct message_list messages;
};

/* Adds a configured subscriber. */
int outbox_add(struct scrip *scrip, struct instance *report, struct scrip_error *err);
void outbox_close(struct scrip *scrip);
/* Reads its positions from the store, once. */
int outbox_load(struct scrip *scrip, struct subscriber *subscriber, struct scrip_error *err);
/* Where an account stands: made where there is none. */
struct position *outbox_position(struct subscriber *subscriber, const struct scrip_name *account);

#endif
