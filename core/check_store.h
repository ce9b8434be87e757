/* check_store.h - what the tests of a store share: rows to commit, a model of what must be there, and their comparison.
 */
#ifndef SCRIP_CORE_CHECK_STORE_H
#define SCRIP_CORE_CHECK_STORE_H

#include "suite.h"

/* Rows of one table. */
struct rows {
    char *list;
    uint64_t count, room;
};

/* An account as a test goes on with it. */
struct holder {
    char name[SCRIP_NAME_SIZE + 1];
    uint64_t events, entries, grants, claims, limits, timers;
};

/* What one commit is to hold. */
struct build {
    struct check *check;
    struct rows rows[SCRIP_TABLE_COUNT];
    struct rows settled;
    int64_t recorded_us;
};

/* The suite's own state: two sessions, and the rows that must be there. */
struct suite {
    struct check *check;
    struct check_host *host;
    struct check_instance writer, reader;
    int is_volatile; /* what it keeps ends with the host */
    int is_shared;   /* takes a second writer */
    int is_ordering; /* comparisons look at the order, too: in one test, lest all tests say the same */
    struct rows model[SCRIP_TABLE_COUNT];
    char **texts; /* all that rows point to, until the suite ends */
    uint64_t text_count, text_room;
    uint64_t seed;
};

struct suite *suite_of(struct check *check);
const struct scrip_store *store_api(const struct check_instance *session);
void *suite_bytes(struct suite *suite, const void *bytes, uint64_t size); /* a copy, with a NUL behind it */
const struct scrip_name *suite_name(struct suite *suite, const char *text);

/* Opens the writer and the reader, and takes the model from what is there. 0: the suite cannot go on. */
int suite_start(struct check *check);
void suite_end(struct check *check); /* closes them */

/* ---- rows */
void *build_add(struct build *build, uint32_t table); /* a new row, every member filled; until the next of its table */
void *build_settle(struct build *build);
void holder_set(struct holder *holder, const char *name);
/* Adds the account with `count` new events, two entries each, and their rollups. */
void build_events(struct build *build, struct holder *holder, uint64_t count);
struct scrip_grant_row *build_grant(struct build *build, struct holder *holder, uint64_t number);
struct scrip_account_row *build_account(const struct build *build); /* the last one that was added */
/* Commits it by a session; what was answered. On success the model has it, too. */
int build_commit(struct build *build, const struct check_instance *writer);
int build_keep(struct build *build); /* by the suite's writer; a failure breaks the test */
void build_free(struct build *build);

/* ---- the model */
/* All that the store has against the model, and in its order. clause: of rows that differ; NULL: of their table. */
void model_compare(struct suite *suite, const struct check_instance *reader, const char *clause);
/* The rows of a scan of the store, as copies; the caller frees rows->list. What scan answered. */
int rows_scan(struct suite *suite, const struct check_instance *reader, struct scrip_scan *scan, struct rows *out);
struct scrip_scan scan_for(uint32_t table, const char *account);
void rows_add(struct suite *suite, struct rows *rows, uint32_t table, const void *row);
int64_t number_of(uint32_t table, const void *row);

/* ---- tests of the other files */
void check_store_rollups(struct check *check);
void check_store_cursors(struct check *check);
void check_store_quarantine(struct check *check);
void check_store_states(struct check *check);
void check_store_timers(struct check *check);
void check_store_batches(struct check *check);
void check_store_order(struct check *check);
void check_store_bounds(struct check *check);
void check_store_stop(struct check *check);
void check_store_sums(struct check *check);
void check_store_nested(struct check *check);
void check_store_as_of(struct check *check);
void check_store_readers(struct check *check);
void check_store_killed(struct check *check);
void check_store_race(struct check *check);

#endif
