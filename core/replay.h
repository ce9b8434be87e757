/* replay.h - an account made anew from its recorded events and quotes: no service and no currency is asked. */
#ifndef SCRIP_CORE_REPLAY_H
#define SCRIP_CORE_REPLAY_H

#include "host.h"

struct replay {
    struct scrip *scrip;
    struct account *account; /* as of the event at hand */
    struct engine engine;
    struct quote quote;
    struct arena arena; /* of the event at hand */
    const struct scrip_event_row *row;
    struct scrip_entry_row *entries; /* all that were made */
    size_t entry_count, entry_room;
    int is_broken; /* the account cannot be replayed further */
    uint64_t until; /* number of the last event; 0: all */
    uint64_t base; /* the last event that is not replayed: replay_behind */
    int is_behind;
    /* Before each event is applied; NULL: never. It may run what is due before the event's instant, and keep that. */
    int (*before)(void *sink, struct replay *replay, const struct event *event);
    /* After each event was applied: engine.effect says what it did. Non-zero stops the replay, which returns it. */
    int (*applied)(void *sink, struct replay *replay, const struct event *event);
    /* A row that is not what it was taken in as. is_broken: it stops the account. */
    void (*fault)(void *sink, struct replay *replay, uint64_t number, const char *what);
    void *sink;
    struct scrip_error *err;
};

void replay_open(struct replay *replay, struct scrip *scrip, struct scrip_error *err);
void replay_close(struct replay *replay);
/* Keeps the entries of the effect at hand: replays look back at them. */
void replay_keep(struct replay *replay);
/* Applies the events behind an account as it was at a checkpoint; takes the account over. is_broken, too, where one of
 * them was put in its place: that needs all events. */
int replay_behind(struct replay *replay, struct account *account);
/* Makes the account; replay->account is the caller's to look at until the next call, or replay_close. */
int replay_account(struct replay *replay, const struct scrip_name *name);

#endif
