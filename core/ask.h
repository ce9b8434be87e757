/* ask.h - what the questions share: tables as they are written, and accounts as of an instant. */
#ifndef SCRIP_CORE_ASK_H
#define SCRIP_CORE_ASK_H

#include "host.h"

#define ASK_COLUMN_LIMIT 24

/* A table on its way to an answer: cells are set, then the row goes out. The answer begins with its first row or its end, so that
 * a question that fails before has no answer at all. */
struct table {
    const struct scrip_answer *answer;
    const char *title; /* NULL: it has begun */
    size_t column_count, at;
    const struct scrip_column *columns;
    struct scrip_cell cells[ASK_COLUMN_LIMIT];
    char texts[ASK_COLUMN_LIMIT][80]; /* of numbers and times */
};

/* A sum over many accounts or grants, which may be wider than one amount: "12.50" for 1250 with 2 decimals. */
#define WIDE_TEXT_SIZE 48
void wide_write(wide amount, int decimals, char out[WIDE_TEXT_SIZE]);

int table_begin(struct table *table, const struct scrip_answer *answer, const char *title,
                const struct scrip_column *columns, size_t column_count);
void table_text(struct table *table, const char *text); /* "" is an empty cell; lent until the row goes */
void table_amount(struct table *table, int64_t amount, int decimals);
void table_wide(struct table *table, wide amount, int decimals);
void table_count(struct table *table, uint64_t count);
void table_decimal(struct table *table, const struct scrip_decimal *value);
void table_time(struct table *table, int64_t time_us);
void table_none(struct table *table);
int table_row(struct table *table);
int table_end(struct table *table);

/* An answer that is held back: *out takes it; held_write gives it out, held_drop forgets it. One of more rows than `limit` goes
 * out as it comes: then is_out is 1, and it can no longer be forgotten. limit 0: there is none. */
struct held {
    const struct scrip_answer *answer;
    struct arena arena;
    struct held_call *first, **end;
    uint64_t count, limit; /* of rows */
    int is_out;
};
void held_open(struct held *held, const struct scrip_answer *answer, uint64_t limit, struct scrip_answer *out);
void held_drop(struct held *held);
int held_write(struct held *held);
void held_free(struct held *held);

/* The account as of an instant: its own copy, timers run. known_at_us: from what had been recorded by then; 0: all. NULL: unknown then. at_us: what falls due at it is included. */
int account_as_of(struct scrip *scrip, const char *name, int64_t at_us, int64_t known_at_us, struct account **out,
                  struct scrip_error *err);
/* Sets the balances to those right after the n-th event of the account, which is the question's own copy. */
int account_after(struct scrip *scrip, struct account *account, uint64_t event, struct scrip_error *err);
/* 1: the grant was there at the instant. */
int grant_was_there(const struct grant *grant, int64_t at_us);
/* Calls for each account, in order of their names; account NULL: all. */
int accounts_each(struct scrip *scrip, const char *account,
                  int (*each)(void *sink, const struct scrip_account_row *row), void *sink, struct scrip_error *err);
/* What an account used in [from, to), as its first events tell it. */
struct used_range {
    int64_t from_us, to_us; /* INT64_MIN, INT64_MAX: open */
    uint64_t until;         /* number of the last event that counts; 0: all */
    int is_by_day;          /* rows by days: every event of the range is read; else their period is 0 */
};
/* Adds to a table, which is the caller's to free. *is_placed: 1: an event was put in its place: what each usage of its
 * own came to is known only when all are applied again. */
int used_sum(struct scrip *scrip, const struct scrip_account_row *account, const struct used_range *range,
             struct usage_table *out, int *is_placed, struct scrip_error *err);
/* The number of the last event of an account that had been recorded by an instant; 0: none. */
int recorded_until(struct scrip *scrip, const char *account, int64_t until_us, uint64_t *out, struct scrip_error *err);
/* The instant that a query is about, its last microsecond included. */
int query_instant(const struct scrip_query *query, int64_t *out, struct scrip_error *err);

int ask_balance(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
                struct scrip_error *err);
int ask_expiring(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
                 struct scrip_error *err);
int ask_usage(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
              struct scrip_error *err);
int ask_events(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
               struct scrip_error *err);
int ask_explain(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
                struct scrip_error *err);
int ask_statement(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
                  struct scrip_error *err);
int ask_claims(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
               struct scrip_error *err);
int ask_advise(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
               struct scrip_error *err);
int ask_quarantine(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
                   struct scrip_error *err);
int ask_subscribers(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
                    struct scrip_error *err);
int ask_quote(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
              struct scrip_error *err);

#endif
