/* asked.c - what a question about the past takes, in milliseconds.
 *
 *     asked CONFIG FROM TO KNOWN KNOWN KNOWN
 *
 * FROM and TO are dates of the account's first and last usage; each KNOWN an instant by which so much had been
 * recorded: little, half, nearly all. Questions are asked early, in the middle and late between FROM and TO, each again
 * and again for a while. A line a question: its name, when, milliseconds, bytes of its answer. */
#include <scrip/scrip.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LEAST_SECONDS 0.1
#define LEAST_COUNT 3

static const char *const whens[] = { "early", "middle", "late" };

/* Processor time: the machine may be used by others, too. */
static double now(void)
{
    struct timespec at;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static int bytes_count(void *sink, const char *bytes, uint64_t size)
{
    (void)bytes;
    *(uint64_t *)sink += size;
    return 0;
}

static void ask(struct scrip *scrip, const char *name, const char *when, const struct scrip_query *query)
{
    struct scrip_error err = { 0 };
    double start = now(), took;
    uint64_t bytes, count = 0;

    do {
        bytes = 0;
        if (scrip_print(scrip, query, "csv", bytes_count, &bytes, &err) < 0) {
            fprintf(stderr, "asked: %s: %s\n", name, err.message);
            exit(3);
        }
        took = now() - start;
    } while (++count < LEAST_COUNT || took < LEAST_SECONDS);
    printf("%s %s %.3f %llu\n", name, when, took / (double)count * 1e3, (unsigned long long)bytes);
}

static int64_t time_read(const char *text)
{
    int64_t time_us;

    if (scrip_time_parse(text, &time_us) < 0) {
        fprintf(stderr, "asked: '%s': no time\n", text);
        exit(2);
    }
    return time_us;
}

static struct scrip_query query_of(int question, const char *by)
{
    struct scrip_query query = { .question = question, .by = by };

    query.from_us = query.to_us = query.as_of_us = query.before_us = SCRIP_TIME_NONE;
    return query;
}

static void balances_ask(struct scrip *scrip, const char *when, int64_t at, int64_t early, int64_t known)
{
    struct scrip_query query = query_of(SCRIP_ASK_BALANCE, NULL);

    query.as_of_us = at;
    ask(scrip, "as-of", when, &query);
    query = query_of(SCRIP_ASK_BALANCE, NULL);
    query.before_us = at;
    ask(scrip, "before", when, &query);
    query = query_of(SCRIP_ASK_BALANCE, NULL);
    query.known_at_us = known;
    query.as_of_us = at + 86400 * INT64_C(1000000);
    ask(scrip, "known", when, &query);
    query.as_of_us = early;
    ask(scrip, "known-then", when, &query);
}

static void usage_ask(struct scrip *scrip, const char *when, int64_t at, int64_t day, int64_t known)
{
    struct scrip_query query = query_of(SCRIP_ASK_USAGE, "product");

    query.account = "one";
    query.as_of_us = day - 1;
    ask(scrip, "usage-days", when, &query);
    query.as_of_us = at;
    ask(scrip, "usage-as-of", when, &query);
    query.as_of_us = SCRIP_TIME_NONE;
    query.before_us = at;
    ask(scrip, "usage-before", when, &query);
    query.from_us = at - 3600 * INT64_C(1000000);
    ask(scrip, "usage-hour", when, &query);
    query = query_of(SCRIP_ASK_USAGE, "product,user");
    query.account = "one";
    query.known_at_us = known;
    ask(scrip, "usage-known", when, &query);
    query.before_us = at;
    ask(scrip, "usage-known-then", when, &query);
}

int main(int argc, char **argv)
{
    struct scrip_error err = { 0 };
    int64_t from, to, known[3];
    struct scrip *scrip;

    if (argc != 7) {
        fputs("usage: asked CONFIG FROM TO KNOWN KNOWN KNOWN\n", stderr);
        return 2;
    }
    if (scrip_open(argv[1], SCRIP_ACCESS_READ, &scrip, &err) < 0) {
        fprintf(stderr, "asked: %s\n", err.message);
        return 2;
    }
    from = time_read(argv[2]);
    to = time_read(argv[3]);
    for (int i = 0; i < 3; i++)
        known[i] = time_read(argv[4 + i]);
    for (int i = 0; i < 3; i++) {
        int64_t at = from + (to - from) / 20 * (i == 0 ? 1 : i == 1 ? 10 : 19) + 1, early = from + (to - from) / 20 + 1;
        int64_t day = at / (86400 * INT64_C(1000000)) * (86400 * INT64_C(1000000));

        balances_ask(scrip, whens[i], at, early, known[i]);
        usage_ask(scrip, whens[i], at, day, known[i]);
    }
    scrip_close(scrip);
    return 0;
}
