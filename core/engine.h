/* engine.h - the pure function of the books: (account state, event, quote) -> (new state, outcome, entries).
 *
 * No I/O, no clock, no randomness: the same input gives the same bytes. */
#ifndef SCRIP_CORE_ENGINE_H
#define SCRIP_CORE_ENGINE_H

#include "account.h"

struct quote_line {
    const struct rate *rate;
    struct scrip_decimal quantity;
    int64_t time_us;
    uint64_t group;
};

/* What was decided about an event before the engine sees it; recorded with it. */
struct quote {
    int verdict; /* of usage: enum scrip_verdict */
    size_t count;
    struct quote_line lines[SCRIP_LINE_LIMIT];
    char refusal[SCRIP_MESSAGE_SIZE]; /* not "": refused, by a currency's rule and not by a balance */
    const struct terms *terms;        /* of grants and adjustments */
    struct scrip_grant_row grant;     /* as the currency settled it */
};

struct effect {
    int outcome;
    char reason[SCRIP_MESSAGE_SIZE];
    struct scrip_entry_row *entries;
    size_t entry_count, entry_room;
    size_t paid[SCRIP_LINE_LIMIT]; /* the lines that were charged, in order */
    int64_t amounts[SCRIP_LINE_LIMIT];
    size_t paid_count;
};

/* Working memory of the engine, kept between events. */
struct engine {
    struct effect effect;
    struct draw *draws;
    size_t draw_count, draw_room;
    struct grant **found;
    size_t found_count, found_room;
    struct bytes canonical;
    struct bytes head;
    struct arena arena;
    struct json_out scratch;
};

void engine_free(struct engine *engine);

/* Applies one event: runs the timers that are due before it, changes the account, sets engine->effect, moves the head. The
 * event's canonical bytes are in engine->canonical. */
void engine_apply(struct engine *engine, struct account *account, const struct event *event, const struct quote *quote);

/* Runs on an account what falls due by an instant (or before it), without an event: for reads, on a copy. */
void engine_timers(struct engine *engine, struct account *account, int64_t until_us);

/* The quote as a store's row keeps it (rate, lines), and back. */
void quote_to_row(const struct quote *quote, const struct event *event, struct scrip_event_row *row,
                  struct json_out *scratch, struct arena *arena);
int quote_from_row(const struct scrip_event_row *row, const struct event *event, const struct prices *prices,
                   struct names *names, struct arena *arena, struct json_out *scratch, struct quote *quote,
                   struct scrip_error *err);

/* A grant's row as its event tells it (id, amount in balance[ISSUED], dates, cost, scope ...), before the currency settles it.
 * Also of an adjustment. */
int grant_from_event(const struct event *event, const struct terms *terms, struct names *names, struct arena *arena,
                     struct json_out *scratch, struct scrip_grant_row *row, struct scrip_error *err);

/* Draws of an effect as rollup rows: calls add for each with period 0, the time and the rest filled in. */
void effect_usage(const struct effect *effect, const struct account *account, const struct event *event,
                  const struct quote *quote,
                  void (*add)(void *sink, int64_t time_us, const struct scrip_usage_row *row), void *sink);

extern const char *const book_names[];

#endif
