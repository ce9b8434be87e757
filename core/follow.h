/* follow.h - files that go on being written: which have changed since they were read, and which faults were told. */
#ifndef SCRIP_CORE_FOLLOW_H
#define SCRIP_CORE_FOLLOW_H

#include <stdint.h>
#include <sys/stat.h>

struct follow;

/* A file as it was once seen; is_there 0: there was none of that name. */
struct follow_sight {
    int is_there;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec written, changed;
};

struct follow *follow_open(void);
void follow_close(struct follow *follow); /* may be NULL */
/* A file that was not written for this long is whole. */
void follow_settle(struct follow *follow, int64_t settle_us);
/* 1: the feed is to be read; 0: it is as it was when it was read to its end, or when it failed. *grows: 1: it may still
 * be being written. */
int follow_look(struct follow *follow, const char *source, const char *feed, struct follow_sight *sight, int *grows);
/* The feed was read as far as it goes, or failed: that is told on standard error where it is not the fault of the last
 * time. */
void follow_note(struct follow *follow, const char *source, const char *feed, const struct follow_sight *sight,
                 int is_whole, const char *fault);
/* What was read may not have been committed: every feed is to be looked at again. May be NULL. */
void follow_forget(struct follow *follow);

#endif
