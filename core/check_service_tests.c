/* check_service_tests.c - what every service must do, clause by clause of plugin.h. */
#include "check_service.h"

#include <inttypes.h>
#include <stdio.h>

#define EVENT_LIMIT 2000 /* that are asked about */
#define OPEN_LIMIT 64    /* times that an instance is opened again */
#define FAULT_LIMIT 200  /* calls that are made to fail */
#define NOW_AND_AGAIN "the same question gets the same answer in another instance, after a dry run"
#define ODD_COUNT 12

/* The events to ask about, by time, and the first answers to them. */
struct suite {
    struct check_host *host;
    const struct scrip_event **events;
    size_t count, known; /* the first `known` are the user's, the others the suite's */
    struct scrip_event odd[ODD_COUNT];
    struct scrip_attribute attributes[SCRIP_ATTRIBUTE_LIMIT];
    char names[SCRIP_ATTRIBUTE_LIMIT][8];
    char longest[SCRIP_NAME_SIZE + 1];
    struct answers answers;
    struct world world; /* after them */
    uint64_t priced, fired;
    int is_whole; /* all first answers are there, to be compared with */
};

static struct suite *suite_of(struct check *check)
{
    return *check_self(check);
}

/* ---- events --------------------------------------------------------------------------------------------------- */

static int by_time(const void *left, const void *right)
{
    const struct scrip_event *a = *(const struct scrip_event *const *)left,
                             *b = *(const struct scrip_event *const *)right;
    int order = (a->time_us > b->time_us) - (a->time_us < b->time_us);

    return order ? order : strcmp(a->id, b->id);
}

static const struct scrip_event plain = {
    .type = SCRIP_USAGE,
    .account = "scrip check",
    .source = "scrip check",
    .service = "",
    .product = "scrip check",
    .user = "",
    .unit = "",
    .currency = "",
    .quantity = { 1, 0 },
};

/* Usage that a feed may hold, whatever the service thinks of it: after the user's, by an account of its own. */
static void odd_add(struct suite *suite, int64_t after_us)
{
    static const char *const ids[ODD_COUNT] = { "odd: plain",
                                                "odd: nothing said",
                                                "odd: quantity 0",
                                                "odd: quantity -1",
                                                "odd: the greatest quantity",
                                                "odd: the least quantity",
                                                "odd: longest names",
                                                "odd: 64 attributes",
                                                "odd: a session of no time",
                                                "odd: a session of 100 years",
                                                "odd: an amount",
                                                "odd: any bytes" };
    const struct scrip_event *model = suite->count ? suite->events[0] : &plain;

    memset(suite->longest, 'x', SCRIP_NAME_SIZE);
    for (int i = 0; i < SCRIP_ATTRIBUTE_LIMIT; i++) {
        snprintf(suite->names[i], sizeof suite->names[i], "a%02d", i);
        suite->attributes[i] = (struct scrip_attribute){ suite->names[i], "1" };
    }
    for (int i = 0; i < ODD_COUNT; i++) {
        struct scrip_event *e = &suite->odd[i];

        *e = i == 0 ? plain : *model; /* of a product that is priced, where one is known */
        e->id = ids[i];
        e->account = plain.account;
        e->time_us = after_us + (i + 1) * SCRIP_SECOND;
        e->end_us = SCRIP_TIME_NONE;
        suite->events[suite->count++] = e;
    }
    suite->odd[1].product = suite->odd[1].user = suite->odd[1].unit = "";
    suite->odd[1].attribute_count = 0;
    suite->odd[2].quantity = (struct scrip_decimal){ 0, 0 };
    suite->odd[3].quantity = (struct scrip_decimal){ -1, 0 };
    suite->odd[4].quantity = (struct scrip_decimal){ INT64_MAX, SCRIP_ATTO - 1 };
    suite->odd[5].quantity = (struct scrip_decimal){ INT64_MIN, 0 };
    suite->odd[6].user = suite->odd[6].unit = suite->odd[6].product = suite->longest;
    suite->odd[7].attributes = suite->attributes;
    suite->odd[7].attribute_count = SCRIP_ATTRIBUTE_LIMIT;
    suite->odd[8].end_us = suite->odd[8].time_us;
    suite->odd[9].end_us = suite->odd[9].time_us + INT64_C(36525) * SCRIP_DAY;
    suite->odd[10].has_amount = 1;
    suite->odd[10].amount = (struct scrip_decimal){ 3, SCRIP_ATTO / 4 };
    suite->odd[11].user = "\"\\,;|\t\xc3\xa4\xe2\x82\xac%s%n";
}

static void suite_end(void *self)
{
    struct suite *suite = self;

    check_host_close(suite->host);
    answers_free(&suite->answers);
    world_free(&suite->world);
    free(suite->events);
    free(suite);
}

static void suite_make(struct check *check)
{
    struct suite *suite = memory_get(sizeof *suite);
    uint64_t count = check_event_count(check);

    check_keep(check, suite, suite_end);
    suite->events = memory_get((count + ODD_COUNT) * sizeof *suite->events);
    for (uint64_t i = 0; i < count && suite->count < EVENT_LIMIT; i++)
        if (check_event(check, i)->type == SCRIP_USAGE || check_event(check, i)->type == SCRIP_HOLD)
            suite->events[suite->count++] = check_event(check, i);
    if (count > 0 && suite->count == 0 && !check_is_stopped(check))
        check_stop(check, "%s: no usage is in it: give a service what it prices", check_events_file(check));
    suite->known = suite->count;
    if (suite->count)
        qsort(suite->events, suite->count, sizeof *suite->events, by_time);
    odd_add(suite, suite->count ? suite->events[suite->count - 1]->time_us : INT64_C(1640995200) * SCRIP_SECOND);
    suite->host = check_is_stopped(check) ? NULL : check_host_open(check);
}

/* What differs, in words. */
static void differs(struct check *check, const char *clause, const struct answers *answers, int64_t at, const char *how)
{
    const struct answers *wanted = &suite_of(check)->answers;
    size_t size = 0, wanted_size = 0;
    const char *found = (size_t)at < answers->count ? answers_at(answers, (size_t)at, &size) : "nothing";
    const char *first = (size_t)at < wanted->count ? answers_at(wanted, (size_t)at, &wanted_size) : "nothing";

    check_break(check, clause, "answer %" PRId64 " is another one %s: %.*s; first it was: %.*s", at + 1, how,
                size > 150 ? 150 : (int)size, found, wanted_size > 150 ? 150 : (int)wanted_size, first);
}

/* ---- tests ---------------------------------------------------------------------------------------------------- */

/* The first answers: all others are compared with them. */
static void test_answers(struct check *check)
{
    struct suite *suite;
    struct bench bench;

    suite_make(check);
    suite = suite_of(check);
    if (check_is_stopped(check) || suite->host == NULL)
        return;
    bench_open(&bench, check, suite->host);
    bench.is_judged = 1;
    for (size_t i = 0; i < suite->count && !check_is_broken(check); i++)
        bench_ask(&bench, suite->events[i]);
    suite->is_whole = !check_is_broken(check);
    suite->priced = bench.priced;
    suite->answers = bench.answers;
    suite->world = world_copy(&bench.world);
    suite->fired = bench.fired;
    memset(&bench.answers, 0, sizeof bench.answers);
    bench_close(&bench);
    if (suite->priced == 0 && !check_is_broken(check))
        check_skip(check, "none of the events has a price: give some that have one: --events FILE");
}

/* 1: this test cannot say more than one before it. */
static int is_moot(struct check *check, int is_broken)
{
    if (is_broken)
        check_skip(check, "what is broken above would be found here, too");
    return is_broken || check_is_stopped(check);
}

static void test_again(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct bench bench;
    int64_t at;

    if (is_moot(check, !suite->is_whole))
        return;
    bench_open(&bench, check, suite->host);
    for (size_t i = 0; i < suite->count && !check_is_broken(check); i++)
        bench_ask(&bench, suite->events[i]);
    if (!check_is_broken(check) && (at = answers_differ(&bench.answers, &suite->answers)) >= 0)
        differs(check, NULL, &bench.answers, at, "in another instance");
    bench_close(&bench);
}

/* Each is asked on a copy of the world that is thrown away, and then for good. */
static void test_dry(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct bench bench;
    int64_t at;

    if (is_moot(check, !suite->is_whole))
        return;
    bench_open(&bench, check, suite->host);
    for (size_t i = 0; i < suite->count && !check_is_broken(check); i++) {
        struct world kept = world_copy(&bench.world);
        struct answers answers = bench.answers;

        memset(&bench.answers, 0, sizeof bench.answers);
        bench_ask(&bench, suite->events[i]);
        answers_free(&bench.answers);
        world_free(&bench.world);
        bench.answers = answers;
        bench.world = kept;
        bench_ask(&bench, suite->events[i]);
    }
    if (!check_is_broken(check) && (at = answers_differ(&bench.answers, &suite->answers)) >= 0)
        differs(check, NULL, &bench.answers, at, "after a dry run");
    bench_close(&bench);
}

static void test_reopened(struct check *check)
{
    struct suite *suite = suite_of(check);
    size_t step = suite->count / OPEN_LIMIT + 1;
    struct bench bench;
    int64_t at;

    if (is_moot(check, !suite->is_whole))
        return;
    bench_open(&bench, check, suite->host);
    for (size_t i = 0; i < suite->count && !check_is_broken(check); i++) {
        if (i % step == 0)
            bench_reopen(&bench, suite->host);
        bench_ask(&bench, suite->events[i]);
    }
    if (!check_is_broken(check) && (at = answers_differ(&bench.answers, &suite->answers)) >= 0)
        differs(check, NULL, &bench.answers, at, "where the instance was closed and opened again before it");
    bench_close(&bench);
}

/* A second instance is asked between the questions to the first, about other events. */
static void test_two(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct bench one, two;
    int64_t at;

    if (is_moot(check, !suite->is_whole))
        return;
    bench_open(&one, check, suite->host);
    bench_open(&two, check, suite->host);
    for (size_t i = 0; i < suite->count && !check_is_broken(check); i++) {
        bench_ask(&two, suite->events[suite->count - 1 - i]);
        bench_ask(&one, suite->events[i]);
    }
    if (!check_is_broken(check) && (at = answers_differ(&one.answers, &suite->answers)) >= 0)
        differs(check, NULL, &one.answers, at, "while a second instance is asked, too");
    bench_close(&one);
    bench_close(&two);
}

/* Each call that may fail is made to, once. */
static void test_faults(struct check *check)
{
    struct suite *suite = suite_of(check);
    uint64_t tried = 0;
    struct bench bench;

    if (is_moot(check, check_was_broken(check)))
        return;
    bench_open(&bench, check, suite->host);
    bench.is_judged = 1;
    for (size_t i = 0; i < suite->count && !check_is_broken(check); i++) {
        uint64_t calls = 1;

        bench_fire(&bench, suite->events[i]->account, suite->events[i]->time_us, 1000);
        for (uint64_t n = 1; n <= calls && tried < FAULT_LIMIT && !check_is_broken(check); n++) {
            struct world kept = world_copy(&bench.world);

            bench.fails_at = n;
            bench_ask(&bench, suite->events[i]);
            calls = bench.calls >= n ? n + 1 : 0; /* where it was met, there may be one more */
            tried += calls > 0;
            world_free(&bench.world);
            bench.world = kept;
        }
        bench.fails_at = 0;
        if (!check_is_broken(check))
            bench_ask(&bench, suite->events[i]);
    }
    bench_close(&bench);
    if (tried == 0)
        check_skip(check, "it called nothing of the host that may fail");
}

/* What it waits for comes, also behind the last event. */
static void test_timers(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct bench bench;

    if (is_moot(check, check_was_broken(check)))
        return;
    bench_open(&bench, check, suite->host);
    bench.is_judged = 1;
    world_free(&bench.world);
    bench.world = world_copy(&suite->world);
    bench_fire(&bench, NULL, suite->events[suite->count - 1]->time_us + 3 * 366 * SCRIP_DAY, 500);
    if (bench.fired + suite->fired == 0)
        check_skip(check, "it never waited for anything");
    bench_close(&bench);
}

const struct check_test check_service_tests[] = {
    { "answers", "Sets a verdict and lines; an error quarantines the event with the message.", test_answers },
    { "same question", SERVICE_ANSWERS, test_again },
    { "dry runs", NOW_AND_AGAIN, test_dry },
    { "opened again", SERVICE_ANSWERS, test_reopened },
    { "two instances", CLAUSE_STATIC, test_two },
    { "faults of the host", "What a call of the host refused did not happen: pass its code on", test_faults },
    { "timers", "What timer_set asked for has come: the service may charge for it, dated `due_us`.", test_timers },
    { NULL, NULL, NULL },
};
