/* check_events.h - the events of a suite, between check.c, which keeps them, and check_events.c, which reads them. */
#ifndef SCRIP_CORE_CHECK_EVENTS_H
#define SCRIP_CORE_CHECK_EVENTS_H

struct check;
struct check_events;

struct check_events **check_events_kept(struct check *check);
void check_events_free(struct check *check);

#endif
