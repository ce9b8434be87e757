/* csv_seen.h - how often each row of a feed was there before, by its hash: what tells equal rows apart.
 *
 * Equal rows have the same time, so they are of one day. While days ascend, only the rows of the day at hand are kept, and a
 * new day empties the table at the cost of one addition. A feed whose days do not ascend needs them all.
 */
#ifndef SCRIP_CSV_SEEN_H
#define SCRIP_CSV_SEEN_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CSV_SEEN_LIMIT ((size_t)1 << 26) /* slots: 1 GiB, some 50 million rows */

struct csv_seen_slot {
    uint64_t hash;
    uint32_t round; /* empty where it is not the table's */
    uint32_t count;
};

struct csv_seen {
    struct csv_seen_slot *slots;
    size_t room, used; /* room is a power of two */
    uint32_t round;
    int keeps_all; /* days do not count */
    int has_day;
    int64_t day;
};

static inline void csv_seen_clear(struct csv_seen *seen)
{
    seen->used = 0;
    if (++seen->round == 0) {
        if (seen->slots != NULL)
            memset(seen->slots, 0, seen->room * sizeof *seen->slots);
        seen->round = 1;
    }
}

static inline void csv_seen_start(struct csv_seen *seen, int keeps_all)
{
    csv_seen_clear(seen);
    seen->keeps_all = keeps_all;
    seen->has_day = 0;
}

/* The rows that come are of this day. 0: an earlier day is over already, and what was there of it is forgotten. */
static inline int csv_seen_day(struct csv_seen *seen, int64_t day)
{
    if (seen->keeps_all || (seen->has_day && day == seen->day))
        return 1;
    if (seen->has_day && day < seen->day)
        return 0;
    csv_seen_clear(seen);
    seen->has_day = 1;
    seen->day = day;
    return 1;
}

static inline struct csv_seen_slot *csv_seen_find(const struct csv_seen *seen, uint64_t hash)
{
    size_t at = (size_t)hash & (seen->room - 1);

    while (seen->slots[at].round == seen->round && seen->slots[at].hash != hash)
        at = (at + 1) & (seen->room - 1);
    return &seen->slots[at];
}

/* 0: too many. */
static inline int csv_seen_grow(struct csv_seen *seen)
{
    struct csv_seen grown = *seen;

    grown.room = seen->room ? seen->room * 2 : 1024;
    if (grown.room > CSV_SEEN_LIMIT || (grown.slots = calloc(grown.room, sizeof *grown.slots)) == NULL)
        return 0;
    for (size_t i = 0; i < seen->room; i++)
        if (seen->slots[i].round == seen->round)
            *csv_seen_find(&grown, seen->slots[i].hash) = seen->slots[i];
    free(seen->slots);
    *seen = grown;
    return 1;
}

/* How often it has been there, this time included; 0: too many different rows. */
static inline uint32_t csv_seen_add(struct csv_seen *seen, uint64_t hash)
{
    struct csv_seen_slot *slot;

    if (seen->used >= seen->room / 4 * 3 && !csv_seen_grow(seen))
        return 0;
    slot = csv_seen_find(seen, hash);
    if (slot->round != seen->round) {
        *slot = (struct csv_seen_slot){ hash, seen->round, 0 };
        seen->used++;
    }
    return slot->count == UINT32_MAX ? 0 : ++slot->count;
}

#endif
