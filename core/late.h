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

/* All events of an account in the order of their numbers; later ones may have priced earlier ones anew. */
struct past_rows {
    struct past_row *rows;
    size_t count, room;
    struct arena arena;
    struct place clock; /* the last of those added so far */
};
int place_order(const struct place *a, const struct place *b);

void past_rows_free(struct past_rows *past);
/* The event that came after all others; the texts are copied. Takes over the prices that it gave to earlier ones. */
int past_rows_add(struct past_rows *past, const struct scrip_event_row *row);
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

/* What one late event is put in place with. */
struct late {
    struct scrip *scrip;
    struct account *account; /* changed in place */
    struct engine *engine;   /* gets the effect */
    const struct past_rows *past; /* the last row is the event's own, without outcome */
    const struct scrip_entry_row *entries; /* all that were posted before */
    size_t entry_count;
    int asks; /* 1: services that keep state are asked again; 0: what is recorded counts */
    int (*applied)(void *sink, const struct effect *effect); /* the hooks of past_rows_apply */
    int (*priced)(void *sink, const struct scrip_event_row *row, const struct event *event, const struct quote *recorded,
                  const struct quote *fresh, const char *why);
    void *sink;
    struct json_out anew; /* asks: prices that changed, for the event's record; size 0: none */
};

/* Puts the event where its row says, in its place or where it came: the account is as if it had come in order, the effect holds what that changes. */
int late_apply(struct late *late, const struct event *event, struct quote *quote, struct scrip_error *err);

#endif
