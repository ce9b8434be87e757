/* check_source.h - a source that is read as the host reads it, and what it gives, written down. */
#ifndef SCRIP_CORE_CHECK_SOURCE_H
#define SCRIP_CORE_CHECK_SOURCE_H

#include "check_bench.h"

#define ROW_LIMIT 50000 /* of each feed */
#define AT_MOST "Adds at most `limit` rows; returns 1 when there are more, 0 at the end of the feed."

/* One instance that reads. `host` comes first: ctx->host is the reading. */
struct reading {
    struct scrip_host host;
    struct check *check;
    struct check_instance instance;
    char **feeds;
    size_t feed_count, feed_room;
    struct answers rows;
    struct scrip_cursor *marks; /* behind each row */
    size_t mark_room;
    uint64_t position;     /* behind the last row */
    uint64_t added, limit; /* in the call at hand */
    int is_naming, is_reading, grows;
    int is_judged;
};

const struct scrip_source *source_api(const struct reading *r);
int reading_open(struct reading *r, struct check *check, struct check_host *host);
void reading_close(struct reading *r);
void reading_feeds(struct reading *r); /* names them into r->feeds */
int reading_begin(struct reading *r, const char *feed, const struct scrip_cursor *from);
int reading_read(struct reading *r, const char *feed, uint64_t limit); /* one call; 1: there is more */
/* A feed from a cursor to its end, or until it has so many rows. The code of what failed, or 0. */
int reading_take(struct reading *r, const char *feed, const struct scrip_cursor *from, uint64_t limit, size_t until);
void reading_settle(struct reading *r, const char *feed, const struct scrip_cursor *cursor);

#endif
