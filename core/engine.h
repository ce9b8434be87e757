/* engine.h - the pure function of the books: (account state, event, quote) -> (new state, outcome, entries).
 *
 * No I/O, no clock, no randomness: the same input gives the same bytes. What it needs to know beside the account's state
 * comes with the quote: prices, a grant's settled terms, the charge that is reversed.
 *
 *   engine.c  one event applied, and the head     pay.c     which grants pay a line
 *   due.c     what falls due without an event     claims.c  holds and debts
 *   lots.c    grants made, changed, moved         limits.c  amounts per period
 */
#ifndef SCRIP_CORE_ENGINE_H
#define SCRIP_CORE_ENGINE_H

#include "account.h"

struct quote_line {
    const struct rate *rate;
    struct scrip_decimal quantity;
    int64_t time_us;
    uint64_t group;
    size_t item; /* of a usage of several lines: which of them, from 1; 0: the usage itself */
};

/* What is left of a charge that was made before: net draws, in the order in which they were made. */
struct charge_draw {
    uint64_t grant; /* its number */
    uint64_t line;
    int64_t amount;  /* of the charge; above 0 */
    int64_t time_us; /* of the line: the period of limits that it counts in */
    const struct rate *rate;
    const struct event *of; /* the usage, or the line of it, that was charged */
};
struct charge {
    uint64_t event; /* its number */
    const struct event *of;
    struct charge_draw *draws;
    size_t count;
    size_t line_count; /* of its quote */
    struct event *items;
    size_t item_count; /* the same */
    int is_anew; /* an event for which the account was made anew has a part in it: its draws may be in another order */
};

#define QUOTE_GRANT_LIMIT 1024 /* grants that one conversion makes */

/* What was decided about an event before the engine sees it; recorded with it. */
struct quote {
    int verdict; /* of usage: enum scrip_verdict */
    size_t count;
    struct quote_line lines[SCRIP_LINE_LIMIT];
    struct event *items; /* of a usage of several lines; in the arena of who asked */
    size_t item_count;
    char refusal[SCRIP_MESSAGE_SIZE]; /* not "": refused, by a currency's rule and not by a balance */
    const struct terms *terms;        /* of grants, adjustments, transfers, conversions (from), resets, limits */
    struct scrip_grant_row grant;     /* as the currency settled it */
    const struct terms *to_terms;     /* of a conversion */
    struct scrip_decimal rate, per;   /* the same */
    struct scrip_grant_row *grants;   /* the same: what came out, settled; made while it is applied, or recorded */
    size_t grant_count;
    const struct charge *charge; /* of a reversal or a rerate */
};

/* A charge's share in the rollups. */
struct usage_note {
    /* The usage, or hold, that it is of; lent until the next event. NULL: one of others that a late event changed. */
    const struct event *subject;
    int64_t time_us;
    const struct rate *rate;    /* NULL: it has no price */
    struct scrip_usage_row row; /* without its period */
};
struct note_list {
    struct usage_note *notes; /* without subjects */
    size_t count, room;
};

/* An amount that left the account for another, drawn from one grant. */
struct departure {
    const struct grant *grant;
    int64_t amount;
};

struct effect {
    int outcome;
    char reason[SCRIP_MESSAGE_SIZE];
    struct scrip_entry_row *entries;
    size_t entry_count, entry_room;
    size_t paid[SCRIP_LINE_LIMIT]; /* the lines that were charged, in order */
    int64_t amounts[SCRIP_LINE_LIMIT];
    size_t paid_count;
    struct usage_note *notes;
    size_t note_count, note_room;
    struct departure *departures;
    size_t departure_count, departure_room;
};

struct draw;
struct limit_use;

/* Working memory of the engine, kept between events. */
struct engine {
    struct effect effect;
    struct draw *draws;
    size_t draw_count, draw_room;
    struct grant **found;
    size_t found_count, found_room;
    struct grant **parked; /* passed over while a charge is paid */
    size_t parked_count, parked_room;
    struct limit_use *uses;
    size_t use_count, use_room;
    struct woken {
        struct grant *grant;
        uint64_t changed; /* as it was before */
    } *woken; /* first used by the charge at hand */
    size_t woken_count, woken_room;
    uint64_t of;        /* of the entries that are posted */
    uint64_t line_base; /* added to their lines: of a new price for an old charge */
    int64_t flags;      /* of the event at hand: part of the head */
    int is_forced;      /* the usage was accepted once: what is short is owed, whatever the currency says */
    const struct scrip_name *debt_name; /* the class of debt: "debt" */
    struct bytes canonical;
    struct bytes head;
    struct arena arena;
    struct json_out scratch;
    /* Settles a grant that comes out of a conversion: class, dates and order key by its currency. Fills `settled` from what
     * it has; a refusal leaves its message in `why`. */
    int (*settle)(void *sink, const struct event *event, const struct terms *terms, struct scrip_grant_row *settled,
                  struct arena *arena, struct scrip_error *why);
    void *settle_sink;
};

void engine_free(struct engine *engine);
/* The part of a lot's cost that an amount of it bears; 0: it has none. */
int cost_share(const struct scrip_grant_row *row, int64_t amount, struct scrip_decimal *out);

/* The lines of a usage, each as an event of its own: quote->items; none where it has no lines. Message: what is wrong. */
int quote_items(struct quote *quote, const struct event *event, struct names *names, struct arena *arena,
                struct scrip_error *err);
/* What a line of a quote is for: the event, or one of its items. */
const struct event *quote_subject(const struct quote *quote, size_t line, const struct event *event);
/* The end of a period such as 2022-03, 2022 or 2022-03-29 in a zone; SCRIP_TIME_NONE: it is none. */
int64_t period_end(const char *period, const char *zone);

/* 1: an account could ever have used all lines of a quote besides what it has used. */
int quote_fits(const struct account *account, const struct quote *quote);

/* Order at one instant. */
int event_rank(const struct event *event);

/* Applies one event: runs the timers that are due before it, changes the account, sets engine->effect, moves the head. The
 * event's canonical bytes are in engine->canonical. A conversion fills quote->grants. */
void engine_apply(struct engine *engine, struct account *account, const struct event *event, struct quote *quote);

/* Moves the head over what the effect says; for effects that engine_apply did not make. */
void engine_head(struct engine *engine, struct account *account, const struct quote *quote);

/* Runs on an account what falls due by an instant, without an event: for reads, on a copy. */
void engine_timers(struct engine *engine, struct account *account, int64_t until_us);

/* The quote as a store's row keeps it (rate, lines), and back. */
void quote_to_row(const struct quote *quote, const struct event *event, struct scrip_event_row *row,
                  struct json_out *scratch, struct arena *arena);
/* The same with more members of its object, or none: prices that a late event gave to earlier ones ("anew"), and what it
 * added to usage where that is more than its entries say ("used": notes.c). */
void quote_to_row_with(const struct quote *quote, const struct event *event, struct scrip_event_row *row,
                       const struct json_out *more, struct json_out *scratch, struct arena *arena);
int quote_from_row(const struct scrip_event_row *row, const struct event *event, const struct prices *prices,
                   struct names *names, struct arena *arena, struct json_out *scratch, struct quote *quote,
                   struct scrip_error *err);
void quote_clear(struct quote *quote);
/* 1: its quote has a grant that its currency settled; 1: it has the terms of a currency. */
int quote_has_grant(const struct event *event);
int quote_has_terms(const struct event *event);
/* The event's amount in minor units, at least `least`. */
int amount_from_event(const struct event *event, const struct terms *terms, int64_t least, int64_t *out,
                      struct scrip_error *err);

/* A grant's row as its event tells it (id, amount in balance[ISSUED], dates, cost, scope ...), before the currency settles it.
 * Also of an adjustment and of what a transfer brings. */
int grant_from_event(const struct event *event, const struct terms *terms, struct names *names, struct arena *arena,
                     struct json_out *scratch, struct scrip_grant_row *row, struct scrip_error *err);

extern const char *const book_names[];

#endif
