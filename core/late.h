/* late.h - events that come late and are put in their place: the account made anew with them, and the differences posted. */
#ifndef SCRIP_CORE_LATE_H
#define SCRIP_CORE_LATE_H

#include "host.h"

/* One recorded event of an account, with its price as it counts now. */
struct past_row {
    struct scrip_event_row row; /* its texts are in the arena */
    struct place {
        int64_t time_us;
        int rank;
        const char *source, *id;
    } place; /* where it stands among the others, before those that came later: its own, or where it came */
};

/* All events of an account, or all behind one, in the order of their numbers; later ones may have priced earlier ones anew. */
struct past_rows {
    struct past_row *rows;
    size_t count, room;
    struct arena arena;
    struct place clock; /* the last of those added so far, and before; source NULL: none */
};
int place_order(const struct place *a, const struct place *b);
struct past_row *past_row_at(const struct past_rows *past, uint64_t number); /* NULL: it is not among them */

void past_rows_free(struct past_rows *past);
/* The event that came after all others; the texts are copied. Takes over the prices that it gave to earlier ones. */
void past_rows_add(struct past_rows *past, const struct scrip_event_row *row);
/* The first half of that, and the second. */
void past_rows_put(struct past_rows *past, const struct scrip_event_row *row);
void past_rows_anew(struct past_rows *past, const struct scrip_event_row *row);
/* 1: the row gave a new price to an event: rate or lines of *out. */
int past_row_anew(const struct scrip_event_row *row, uint64_t event, struct scrip_event_row *out, struct arena *arena);
/* All of an account that are recorded, in the store and in the open batch; nothing may be on its way to the store. until: only
 * those up to this number, of the store; 0: all. */
int past_rows_load(struct past_rows *past, struct scrip *scrip, const struct scrip_name *account, uint64_t until,
                   struct scrip_error *err);
/* 1: nothing behind the event moved an amount elsewhere: that cannot be done again. */
int past_rows_allow(const struct past_rows *past, const struct event *event);
/* Applies them, each in its place, on an account of their own. */
struct past_hooks {
    int (*applied)(void *sink, const struct effect *effect);
    /* Each usage and hold, with the price that is recorded, and what the services say now: NULL where they fail, with why. */
    int (*priced)(void *sink, const struct scrip_event_row *row, const struct event *event, const struct quote *recorded,
                  const struct quote *fresh, const char *why);
};
int past_rows_apply(const struct past_rows *past, struct scrip *scrip, const struct scrip_name *account,
                    const struct past_hooks *hooks, void *sink, struct scrip_error *err);

/* 1: the event is late by its account's order, and the currency that it is of wants it put in its place. */
int late_is_replayed(const struct account *account, const struct event *event, const struct quote *quote);
/* 1: the account is to be made anew wherever the event stands: it gives back, last draw first, of a charge whose draws are in
 * their order only then. */
int late_is_anew(const struct event *event, const struct quote *quote);
/* What is recorded of an event for which the account was made anew. */
#define EVENT_REMADE (SCRIP_EVENT_PLACED | SCRIP_EVENT_ANEW)

/* What an account was up to a cut, before which no event stands whose place or number is behind it. What comes late behind the cut
 * is put in its place on copies of that account, so that what came before is not applied again. Belongs to its account. */
struct late_base {
    struct account *account;
    uint64_t number;  /* its last event; 0: none */
    struct place cut; /* the last place that is taken; source NULL: none */
    char cut_id[SCRIP_NAME_SIZE + 1];
    struct past_rows rows; /* the events behind it */
    const struct scrip_name **keepers; /* services that keep something of this account */
    size_t keeper_count, keeper_room;
    int has_states;     /* 1: all that services keep is in memory */
};

/* A base without events; or of an account as it is, all of whose events stand before any that is to come. */
struct late_base *late_base_make(const struct account *account, int is_empty);
void late_base_free(struct late_base *base);
/* 1: an event of this time and order may be put in its place behind the cut. */
int late_base_fits(const struct late_base *base, const struct event *event);
/* What one late event is put in place with. */
struct late {
    struct scrip *scrip;
    struct account *account; /* changed in place; the last row of its base is the event's own */
    struct engine *engine;   /* gets the effect */
    uint64_t recorded; /* events up to this one are looked up in the store and in batches */
    const struct scrip_entry_row *entries; /* those of later ones */
    size_t entry_count;
    const struct scrip_event_row *own; /* as it is recorded, in a replay; NULL: it is not yet */
    int asks; /* 1: services that keep state are asked again; 0: what is recorded counts */
    int (*applied)(void *sink, const struct effect *effect); /* the hooks of past_rows_apply */
    int (*priced)(void *sink, const struct scrip_event_row *row, const struct event *event, const struct quote *recorded,
                  const struct quote *fresh, const char *why);
    void *sink;
    struct json_out anew; /* asks: prices that changed, for the event's record; size 0: none */
};

/* The event that came after all others, as it is recorded, is kept for those that come late. */
int late_recorded(struct late *late, const struct scrip_event_row *row, struct scrip_error *err);
/* Puts the event where its row says, in its place or where it came: the account is as if it had come in order, the effect holds what that changes. */
int late_apply(struct late *late, const struct event *event, struct quote *quote, struct scrip_error *err);

#endif
