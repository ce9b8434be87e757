/* follow.c - files that go on being written: which have changed since they were read, and which faults were told. */
#include "follow.h"

#include "error.h"
#include "hash.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct followed {
    char *key; /* SOURCE '\n' FEED */
    struct follow_sight sight;
    int is_known; /* as `sight` has it, there is nothing more to be read */
    char *fault;  /* the last that was told; NULL: none since it was read well */
};

/* Open addressing: a folder may hold very many files. */
struct follow {
    struct followed **slots;
    size_t room, count; /* room is a power of two */
    int64_t settle_us;
};

struct follow *follow_open(void)
{
    struct follow *follow = memory_get(sizeof *follow);

    follow->room = 64;
    follow->slots = memory_get(follow->room * sizeof *follow->slots);
    return follow;
}

void follow_close(struct follow *follow)
{
    if (follow == NULL)
        return;
    for (size_t i = 0; i < follow->room; i++)
        if (follow->slots[i] != NULL) {
            free(follow->slots[i]->key);
            free(follow->slots[i]->fault);
            free(follow->slots[i]);
        }
    free(follow->slots);
    free(follow);
}

void follow_settle(struct follow *follow, int64_t settle_us)
{
    follow->settle_us = settle_us;
}

void follow_forget(struct follow *follow)
{
    for (size_t i = 0; follow && i < follow->room; i++)
        if (follow->slots[i] != NULL)
            follow->slots[i]->is_known = 0;
}

static size_t slot_find(struct followed *const *slots, size_t room, const char *key)
{
    size_t at = (size_t)hash_short(key, strlen(key)) & (room - 1);

    while (slots[at] != NULL && strcmp(slots[at]->key, key) != 0)
        at = (at + 1) & (room - 1);
    return at;
}

static struct followed *followed_get(struct follow *follow, const char *source, const char *feed)
{
    char *key = memory_print("%s\n%s", source, feed);
    size_t at = slot_find(follow->slots, follow->room, key);

    if (follow->slots[at] != NULL) {
        free(key);
        return follow->slots[at];
    }
    if (++follow->count > follow->room / 2) {
        struct followed **slots = memory_get(follow->room * 2 * sizeof *slots);

        for (size_t i = 0; i < follow->room; i++)
            if (follow->slots[i] != NULL)
                slots[slot_find(slots, follow->room * 2, follow->slots[i]->key)] = follow->slots[i];
        free(follow->slots);
        follow->slots = slots;
        follow->room *= 2;
        at = slot_find(slots, follow->room, key);
    }
    follow->slots[at] = memory_get(sizeof **follow->slots);
    follow->slots[at]->key = key;
    return follow->slots[at];
}

static struct follow_sight sight_take(const char *feed)
{
    struct follow_sight sight = { 0 };
    char *path = memory_text(feed), *slash;
    struct stat info;
    int found;

    /* What is in an archive, ARCHIVE/MEMBER, is as new as that. */
    while ((found = stat(path, &info)) != 0 && errno == ENOTDIR && (slash = strrchr(path, '/')) != NULL)
        *slash = 0;
    free(path);
    if (found == 0 && S_ISREG(info.st_mode))
        sight = (struct follow_sight){ 1, info.st_dev, info.st_ino, info.st_size, info.st_mtim, info.st_ctim };
    return sight;
}

static int is_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static int is_same(const struct follow_sight *a, const struct follow_sight *b)
{
    return a->is_there && b->is_there && a->device == b->device && a->inode == b->inode && a->size == b->size &&
           is_same_time(&a->written, &b->written) && is_same_time(&a->changed, &b->changed);
}

/* A clock that was set back does not make a file grow for ever: what is dated later than now by more than that is
 * whole. */
static int is_fresh(const struct follow_sight *sight, int64_t settle_us)
{
    struct timespec now;
    int64_t age_us;

    clock_gettime(CLOCK_REALTIME, &now);
    age_us = (int64_t)(now.tv_sec - sight->written.tv_sec) * 1000000 + (now.tv_nsec - sight->written.tv_nsec) / 1000;
    return sight->is_there && age_us < settle_us && age_us > -settle_us;
}

int follow_look(struct follow *follow, const char *source, const char *feed, struct follow_sight *sight, int *grows)
{
    const struct followed *known = followed_get(follow, source, feed);

    *sight = sight_take(feed);
    *grows = is_fresh(sight, follow->settle_us);
    return !known->is_known || !is_same(&known->sight, sight);
}

void follow_note(struct follow *follow, const char *source, const char *feed, const struct follow_sight *sight,
                 int is_whole, const char *fault)
{
    struct followed *known = followed_get(follow, source, feed);

    known->sight = *sight;
    known->is_known = is_whole;
    if (fault != NULL && (known->fault == NULL || strcmp(known->fault, fault) != 0))
        fprintf(stderr, "scrip: %s: it is left, and %s\n", fault,
                sight->is_there ? "looked at again when it changes" : "tried again");
    free(known->fault);
    known->fault = fault ? memory_text(fault) : NULL;
}
