/* clock.h - how time passes, for those who wait: never part of an event. */
#ifndef SCRIP_CLOCK_H
#define SCRIP_CLOCK_H

#include <scrip/plugin.h>

#include <errno.h>
#include <time.h>

/* Microseconds since some begin that does not change while the program runs. */
static inline int64_t clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * SCRIP_SECOND + now.tv_nsec / 1000;
}

/* Waits so long; not at all below 1. */
static inline void clock_wait(int64_t us)
{
    struct timespec wait = { (time_t)(us / SCRIP_SECOND), (long)(us % SCRIP_SECOND) * 1000 };

    while (us > 0 && nanosleep(&wait, &wait) < 0 && errno == EINTR)
        ;
}

#endif
