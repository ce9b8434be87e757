/* migrate.h - what the copy of a store and its proof share. */
#ifndef SCRIP_CORE_MIGRATE_H
#define SCRIP_CORE_MIGRATE_H

#include "ask.h"

#include <scrip/rows.h>

/* While a copy goes on, and after it, its store holds this cursor: `line` says which. A host takes no store for its own
 * that is a copy and not yet whole. */
#define MIGRATE_SOURCE "scrip.migrate"
#define MIGRATE_FEED ""
#define MIGRATE_COPYING 1
#define MIGRATE_WHOLE 2

/* Rows of one table that wait for their commit. */
struct pile {
    char *rows;
    size_t count, room;
};

struct migrating {
    struct scrip *scrip;              /* its reader is the source */
    const char *name;                 /* of the other store's section */
    struct instance *writer, *reader; /* of the other store */
    const struct scrip_migrate_options *options;
    struct scrip_error *err;
    uint64_t total, done; /* events */
    struct arena arena;   /* of the piles' texts */
    struct pile piles[SCRIP_TABLE_COUNT];
    struct pile settled;
    size_t row_count;
};

/* A scan of one of the two stores, with the store's message. */
int migrate_scan(struct migrating *m, struct instance *session, const struct scrip_scan *scan);
int migrate_is_mark(const struct scrip_cursor_row *row);
/* Compares everything: a row of the answer for each table, and the head. *differences counts those that are not equal.
 */
int migrate_prove(struct migrating *m, const struct scrip_answer *answer, uint64_t *differences);
/* Where a row's member stands, as bytes; *size: how many. */
const void *member_bytes(const struct scrip_member *member, const void *row, uint64_t *size);
int rows_same(const struct scrip_table_rows *table, const void *a, const void *b);

#endif
