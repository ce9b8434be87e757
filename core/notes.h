/* notes.h - what an event adds to usage, as its rows tell it.
 *
 * Most events add what their own entries say: each draw that is used is a share of the charge, priced by its line. What
 * does not follow from them (captures, reversals, debts that are settled ...) is recorded with the event. So what any
 * events added is known from their rows, without the books before them. */
#ifndef SCRIP_CORE_NOTES_H
#define SCRIP_CORE_NOTES_H

#include "host.h"

/* What never changes of a grant. */
struct grant_kind {
    const struct scrip_name *class_name;
    int64_t unit;
};
typedef int grant_kind_find(void *sink, uint64_t grant, struct grant_kind *out); /* 0: there is none */
grant_kind_find account_kind; /* of an account in memory */

/* What an event's own entries say. 0: they fit neither its quote nor the grants. */
int notes_derive(struct note_list *list, const struct event *event, const struct quote *quote, int outcome,
                 const struct scrip_entry_row *entries, size_t count, grant_kind_find *kind, void *sink);
/* 1: an effect adds what its entries say; else its record is to hold what notes_write writes: a JSON array. */
int notes_are_derived(struct note_list *scratch, const struct event *event, const struct quote *quote,
                      const struct account *account, const struct effect *effect);
void notes_write(const struct effect *effect, struct json_out *out);
/* Takes what is recorded with an event. 1: something is; 0: nothing; below 0: it is damaged. */
int notes_read(struct scrip *scrip, const struct scrip_event_row *row, struct note_list *list);
/* 1: the event is recorded with what it adds, and with no more: for a proof. */
int notes_are_recorded(struct scrip *scrip, struct note_list *scratch, const struct scrip_event_row *row,
                       const struct event *event, const struct quote *quote, const struct account *account,
                       const struct effect *effect);

/* What the events [first, last] of an account added, in their order; they are in the store, or in the open batch.
 * *is_placed: 1: one of them was put in its place, and may have added to the usage of others. */
int notes_scan(struct scrip *scrip, const struct scrip_name *account, uint64_t first, uint64_t last,
               grant_kind_find *kind, void *kind_sink, int (*note)(void *sink, const struct usage_note *note),
               void *sink, int *is_placed, struct scrip_error *err);

/* Keeps in the account what its newest event added, for the next checkpoint. */
void notes_keep(struct account *account, const struct effect *effect, int flags);
int notes_kept(struct scrip *scrip, const struct account *account,
               int (*note)(void *sink, const struct usage_note *note), void *sink);

#endif
