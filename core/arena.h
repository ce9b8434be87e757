/* arena.h - memory that is given piece by piece and taken back all at once. */
#ifndef SCRIP_CORE_ARENA_H
#define SCRIP_CORE_ARENA_H

#include "error.h"

#include <stdlib.h>
#include <string.h>

struct arena_chunk {
    struct arena_chunk *next;
    size_t size;
    max_align_t start[];
};

struct arena {
    struct arena_chunk *first, *now;
    size_t used;       /* of now */
    size_t chunk_size; /* 0: ARENA_CHUNK_SIZE */
};

#define ARENA_CHUNK_SIZE ((size_t)1 << 18)

static inline void arena_reset(struct arena *arena)
{
    arena->now = arena->first;
    arena->used = 0;
}

static inline void arena_free(struct arena *arena)
{
    while (arena->first != NULL) {
        struct arena_chunk *next = arena->first->next;

        free(arena->first);
        arena->first = next;
    }
    arena->now = NULL;
    arena->used = 0;
}

/* The slow part: on to the next chunk that is large enough, or a new one. */
static inline void *arena_get_more(struct arena *arena, size_t size)
{
    struct arena_chunk *chunk = arena->now ? arena->now->next : NULL;

    if (chunk == NULL || chunk->size < size) {
        size_t least = arena->chunk_size ? arena->chunk_size : ARENA_CHUNK_SIZE, room = size > least ? size : least;
        struct arena_chunk *fresh = memory_grow(NULL, sizeof *fresh + room);

        fresh->size = room;
        fresh->next = chunk;
        if (arena->now != NULL)
            arena->now->next = fresh;
        else
            arena->first = fresh;
        chunk = fresh;
    }
    arena->now = chunk;
    arena->used = size;
    return chunk->start;
}

/* Aligned for anything; not zeroed. */
static inline void *arena_get(struct arena *arena, size_t size)
{
    void *memory;

    size = (size + 15) & ~(size_t)15;
    if (arena->now == NULL || arena->now->size - arena->used < size)
        return arena_get_more(arena, size);
    memory = (char *)arena->now->start + arena->used;
    arena->used += size;
    return memory;
}

/* A copy that ends in NUL. */
static inline char *arena_text(struct arena *arena, const void *text, size_t size)
{
    char *copy = arena_get(arena, size + 1);

    if (size)
        memcpy(copy, text, size);
    copy[size] = 0;
    return copy;
}

#endif
