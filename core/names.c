/* names.c - each name once: open addressing to entries that never move. */
#include "names.h"

#include "error.h"
#include "hash.h"

#include <stdlib.h>
#include <string.h>

const struct scrip_name names_none = { 0, 0, "" };

struct slot {
    uint64_t hash;
    struct scrip_name *name; /* NULL: free */
};

/* Names and their texts are cut from chunks; a chunk is never moved or shortened. */
#define CHUNK_SIZE ((size_t)1 << 18)

struct chunk {
    struct chunk *next;
    size_t used;
    max_align_t start[CHUNK_SIZE / sizeof(max_align_t)];
};

struct names {
    struct slot *slots;
    size_t slot_count;
    uint64_t count;
    const struct scrip_name **by_number; /* less 1 */
    size_t room;
    struct chunk *chunks;
};

struct names *names_open(void)
{
    struct names *names = memory_get(sizeof *names);

    names->slot_count = 1024;
    names->slots = memory_get(names->slot_count * sizeof *names->slots);
    return names;
}

void names_close(struct names *names)
{
    if (names == NULL)
        return;
    while (names->chunks != NULL) {
        struct chunk *next = names->chunks->next;

        free(names->chunks);
        names->chunks = next;
    }
    free(names->slots);
    free(names->by_number);
    free(names);
}

static size_t slot_find(const struct names *names, const char *text, size_t size, uint64_t hash)
{
    size_t at = hash & (names->slot_count - 1);

    for (; names->slots[at].name != NULL; at = (at + 1) & (names->slot_count - 1))
        if (names->slots[at].hash == hash && names->slots[at].name->size == size &&
            memcmp(names->slots[at].name->text, text, size) == 0)
            break;
    return at;
}

static void slots_grow(struct names *names)
{
    struct slot *old = names->slots;
    size_t old_count = names->slot_count;

    names->slot_count *= 2;
    names->slots = memory_get(names->slot_count * sizeof *names->slots);
    for (size_t i = 0; i < old_count; i++)
        if (old[i].name != NULL) {
            size_t at = old[i].hash & (names->slot_count - 1);

            while (names->slots[at].name != NULL)
                at = (at + 1) & (names->slot_count - 1);
            names->slots[at] = old[i];
        }
    free(old);
}

static void *chunk_get(struct names *names, size_t size)
{
    struct chunk *chunk = names->chunks;

    size = (size + 15) & ~(size_t)15;
    if (chunk == NULL || sizeof chunk->start - chunk->used < size) {
        chunk = memory_grow(NULL, size > sizeof chunk->start ? sizeof *chunk + size : sizeof *chunk);
        chunk->next = names->chunks;
        chunk->used = 0;
        names->chunks = chunk;
    }
    chunk->used += size;
    return (char *)chunk->start + chunk->used - size;
}

const struct scrip_name *names_add(struct names *names, const char *text, size_t size)
{
    struct scrip_name *name;
    uint64_t hash;
    char *copy;
    size_t at;

    if (size == 0)
        return &names_none;
    hash = hash_text(text, size);
    at = slot_find(names, text, size, hash);
    if (names->slots[at].name != NULL)
        return names->slots[at].name;
    name = chunk_get(names, sizeof *name + size + 1);
    copy = (char *)(name + 1);
    memcpy(copy, text, size);
    copy[size] = 0;
    ARRAY_ROOM(names->by_number, names->count, names->room);
    names->by_number[names->count] = name;
    name->number = ++names->count;
    name->size = size;
    name->text = copy;
    names->slots[at] = (struct slot){ hash, name };
    if (names->count * 2 > names->slot_count)
        slots_grow(names);
    return name;
}

const struct scrip_name *names_find(const struct names *names, const char *text, size_t size)
{
    return size == 0 ? &names_none : names->slots[slot_find(names, text, size, hash_text(text, size))].name;
}

const struct scrip_name *names_at(const struct names *names, uint64_t number)
{
    return number == 0 ? &names_none : names->by_number[number - 1];
}
