/* checkpoint.h - the parts of a checkpoint's state. */
#ifndef SCRIP_CORE_CHECKPOINT_H
#define SCRIP_CORE_CHECKPOINT_H

#include "host.h"

struct varints;

static inline uint64_t checkpoint_parent(uint64_t number)
{
    uint64_t index = number / CHECKPOINT_EVENTS;

    return (index & (index - 1)) * CHECKPOINT_EVENTS;
}

/* checkpoint_usage.c */
int checkpoint_usage_add(struct scrip *scrip, struct account *account, checkpoint_find *find, void *sink,
                         struct bytes *out, struct scrip_error *err);
int checkpoint_usage_skip(struct varints *in); /* 0: it is damaged */

/* checkpoint.c */
int checkpoint_grants_skip(struct varints *in);

/* checkpoint_books.c */
void checkpoint_books_add(struct account *account, struct bytes *out);

#endif
