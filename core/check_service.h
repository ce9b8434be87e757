/* check_service.h - the bench of a service: a world of accounts whose state and timers it keeps, and which asks for
 * quotes as the host does. */
#ifndef SCRIP_CORE_CHECK_SERVICE_H
#define SCRIP_CORE_CHECK_SERVICE_H

#include "check_bench.h"

/* What a service put for an account, or waits for. */
struct note {
    int is_timer;
    char *account;
    uint8_t key[SCRIP_STATE_KEY_SIZE];
    uint64_t key_size;
    uint8_t value[SCRIP_STATE_VALUE_SIZE];
    uint64_t value_size; /* 0: forgotten */
    int64_t due_us;      /* SCRIP_TIME_NONE: no more */
};
struct world {
    struct note **notes;
    size_t count, room;
};

/* One run of questions. `host` comes first: ctx->host is the bench. */
struct bench {
    struct scrip_host host;
    struct check *check;
    struct check_instance instance;
    struct world world;
    struct answers answers;
    int is_judged; /* answers are held to the contract, too */
    /* Of the call at hand: */
    const char *account; /* NULL: none */
    int64_t now_us;
    struct scrip_decimal quantity; /* the event's, for `price` */
    int verdict, is_named, is_timer;
    uint64_t line_count;
    const char *refused;    /* the call of the host that was refused, and was not the service's to ignore; NULL: none */
    uint64_t calls;         /* that may fail, so far */
    uint64_t fails_at;      /* the number of the one that does; 0: none */
    uint64_t priced, fired; /* how many so far */
};

#define SERVICE_ANSWERS                                                                                                \
    "What it answers follows from the event, its section and what it put for the account, and from nothing else"

void bench_open(struct bench *bench, struct check *check, struct check_host *host);
void bench_close(struct bench *bench);
void bench_reopen(struct bench *bench, struct check_host *host); /* its instance only: the world stays */
/* Fires what is due, then asks for a quote; one answer each is added. */
void bench_ask(struct bench *bench, const struct scrip_event *event);
void bench_fire(struct bench *bench, const char *account, int64_t until_us, uint64_t limit);
/* The first timer of an account (NULL: of any) due by an instant; NULL: none. */
struct note *world_first(const struct world *world, const char *account, int64_t until_us);
struct world world_copy(const struct world *world);
void world_free(struct world *world);

#endif
