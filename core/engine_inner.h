/* engine_inner.h - what the engine's files share. */
#ifndef SCRIP_CORE_ENGINE_INNER_H
#define SCRIP_CORE_ENGINE_INNER_H

#include "engine.h"

/* What one grant gives to the line being paid; undone when the charge fails. */
struct draw {
    struct grant *grant; /* NULL: debt */
    int64_t amount; /* of the charge */
    int64_t cost;        /* of the grant's balance */
    size_t line;
    int book; /* taken from: available, expired (a late charge that a grant pays which lived at its time), debt */
};

/* What a line adds to a period of a limit. */
struct limit_use {
    struct limit *limit;
    int64_t start_us;
    int64_t amount;
};

/* One line being paid. */
struct payment {
    struct account *account;
    const struct event *event; /* whose scope counts, and whose `grant`, `grants`, `accept` */
    const struct rate *rate;
    size_t line;
    int64_t time_us;
    int64_t amount;
    int is_now;      /* grants pay that live as the account stands; else those that lived at time_us */
    int is_scoped;   /* 0: of any grant, as an adjustment */
    int takes_debt;  /* 1: what no grant pays is owed, if the currency lets it; 2: even if it does not */
    const struct claim *claim; /* whose draws were made for the same charge before; NULL: none */
    int is_move;     /* 1: it goes elsewhere as a balance: only what is there, nothing on credit */
    wide available;  /* where it is short: what there was */
    int64_t largest; /* the same: in one grant */
    int is_full;     /* the same: 1: all that was ever used would not fit an amount */
    const struct limit *limit; /* the same: not NULL where a limit allows less than what is wanted: `available` */
};

/* engine.c */
int refuse(struct engine *engine, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One entry; the balances change, too. of: engine->of. */
void move(struct engine *engine, struct account *account, struct grant *grant, int from, int to, int64_t amount,
          int64_t time_us, int64_t event_time_us, size_t line);
void note_usage(struct engine *engine, const struct event *event, const struct rate *rate, const struct scrip_name *class_name,
                int64_t time_us, int64_t amount, int64_t charge_count);

/* pay.c */
/* Takes a line's amount from grants (or as debt) into engine->draws. 0 with *paid, or SCRIP_EREFUSED with nothing of it taken and
 * p->available set. */
int pay(struct engine *engine, struct payment *p, int64_t *paid);
/* Gives back all draws, uses of limits and first uses from these on. */
void pay_undo(struct engine *engine, size_t first_draw, size_t first_use);
/* What of a grant may go elsewhere: a conversion's or a transfer's; nothing on credit, nothing of an unlimited one. */
int64_t grant_movable(const struct grant *grant);
/* Adds to effect.reason why a payment was refused. */
void shortage(struct engine *engine, const struct payment *p);
/* Pays what a debt still owes, as far as there is a balance now; what was paid. Draws are in engine->draws. */
int64_t pay_debt(struct engine *engine, struct account *account, const struct claim *claim);

/* pay_lines.c */
/* Turns draws into entries that move them to `to`, and, for used, into usage. */
void draws_post(struct engine *engine, struct account *account, const struct event *subject, const struct quote *quote,
                int to, int64_t event_time_us);
/* Pays all lines of a quote that must be paid, or none: 0 or SCRIP_EREFUSED with the reason. */
int lines_pay(struct engine *engine, struct account *account, const struct event *subject, const struct quote *quote,
              int takes_debt);

/* due.c */
void timers_run(struct engine *engine, struct account *account, int64_t until_us, int rank, int64_t event_time_us);
/* What a grant that is told of late has recurred before then. */
void recurrences_catch_up(struct engine *engine, struct account *account, struct grant *grant, int64_t time_us);
/* Something came into a purse at an instant: what it owes may be settled. */
void purse_gain(struct account *account, struct purse *purse, int64_t time_us);
/* Sets a grant's balance at a recurrence or a reset. */
void balance_set(struct engine *engine, struct account *account, struct grant *grant, int64_t wanted, int64_t time_us,
                 int64_t event_time_us);
/* Wakes the grants of a purse that issue at their first use and may pay for this. */
void sleepers_wake(struct engine *engine, struct purse *purse, const struct payment *p);
void sleepers_undo(struct engine *engine, struct account *account, size_t first_woken);

/* claims.c */
int hold_apply(struct engine *engine, struct account *account, const struct event *event, const struct quote *quote);
int extend_apply(struct engine *engine, struct account *account, const struct event *event);
int capture_apply(struct engine *engine, struct account *account, const struct event *event);
int release_apply(struct engine *engine, struct account *account, const struct event *event);
/* It came, or came back, after the grant's own end: it expires then. */
void grant_end_passed(struct engine *engine, struct account *account, struct grant *grant, int64_t event_time_us);
void hold_time_out(struct engine *engine, struct account *account, struct claim *claim, int64_t time_us, int64_t event_time_us);
/* A draw that is owed becomes a claim. */
void debt_add(struct engine *engine, struct account *account, const struct event *subject, const struct draw *draw,
              const struct quote_line *line, uint64_t event_number, int64_t event_time_us);
/* What a hold drew for a charge whose rest is owed now. */
void debt_payers_keep(struct account *account, uint64_t event_number, uint64_t line, const struct claim_draw *held,
                      size_t count);
/* A draw of a charge went back. */
void debt_payer_less(struct account *account, uint64_t event_number, uint64_t line, const struct grant *grant, int64_t amount);
void debts_settle(struct engine *engine, struct account *account, struct purse *purse, int64_t time_us,
                  int64_t event_time_us);
/* Owes less of one charge, or of all that a purse owes: written off. What it could not take is returned. */
int64_t debt_reduce(struct engine *engine, struct account *account, uint64_t event_number, uint64_t line, int64_t amount);
void debts_forgive(struct engine *engine, struct account *account, struct purse *purse, int64_t time_us);
/* What comes back to a grant: to what is available of it, or to what its end left of it. */
void draw_return(struct engine *engine, struct account *account, struct grant *grant, int from, int64_t amount, int64_t time_us,
                 int64_t event_time_us, size_t line, int64_t refund_us);

/* lots.c */
int grant_apply(struct engine *engine, struct account *account, const struct event *event, const struct quote *quote);
int void_apply(struct engine *engine, struct account *account, const struct event *event);
int adjustment_apply(struct engine *engine, struct account *account, const struct event *event, const struct quote *quote);
int reset_apply(struct engine *engine, struct account *account, const struct event *event, const struct quote *quote);
int conversion_apply(struct engine *engine, struct account *account, const struct event *event, struct quote *quote);
int transfer_apply(struct engine *engine, struct account *account, const struct event *event, const struct quote *quote);
int reversal_apply(struct engine *engine, struct account *account, const struct event *event, const struct quote *quote);
/* A charge as what fell due just before this event left it; the first thing that an event does with it. */
const struct charge *charge_now(struct engine *engine, const struct account *account, const struct charge *charge);
/* Gives a charge's draws back, newest first, up to an amount; what could not be given back. */
int64_t charge_return(struct engine *engine, struct account *account, const struct charge *charge, const char *line,
                      int64_t amount, const struct event *event);
struct grant *grant_make(struct engine *engine, struct account *account, const struct event *event,
                         const struct scrip_grant_row *settled, const struct terms *terms, int from, int64_t amount);

/* limits.c */
int limit_apply(struct engine *engine, struct account *account, const struct event *event, const struct quote *quote);
/* The most that a line may be by every limit that counts it; the first that allows the least in *out (NULL: none counts it). */
int64_t limits_room(const struct account *account, const struct payment *p, const struct limit **out);
/* Counts an amount (below 0: gives it back) in every limit; what is added goes to engine->uses. */
void limits_add(struct engine *engine, struct account *account, const struct event *event, const struct rate *rate,
                int64_t time_us, int64_t amount);
void limits_undo(struct engine *engine, size_t first_use);

#endif
