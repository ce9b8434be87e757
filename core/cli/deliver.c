/* deliver.c - commands about subscribers: deliver, which tells them; subscribers, which says how far they were told. */
#include "cli.h"

#include <signal.h>
#include <string.h>
#include <time.h>

#define SAVE_WAIT_US (5 * SCRIP_SECOND) /* while it follows: others may want to write */
#define UNSAVED_SECONDS 30
#define FOLLOW_MS 500 /* between two looks, and so many times as long as the last one took */
#define FOLLOW_SHARE 4

static volatile sig_atomic_t is_stopped;

static void stop(int signal)
{
    (void)signal;
    is_stopped = 1;
}

static int stopped(void *sink)
{
    (void)sink;
    return is_stopped;
}

static int saves_only(void *sink)
{
    (void)sink;
    return 1;
}

static void failure_show(void *sink, const char *subscriber, const char *id, const char *why)
{
    (void)sink;
    fprintf(stderr, "scrip: subscriber %s: %s: %s\n", subscriber, id, why);
}

static void moment_wait(long milliseconds)
{
    struct timespec moment = { milliseconds / 1000, milliseconds % 1000 * 1000000 };

    nanosleep(&moment, NULL);
}

static void totals_add(struct scrip_deliver_totals *sum, const struct scrip_deliver_totals *more)
{
    uint64_t delivered = sum->delivered + more->delivered, skipped = sum->skipped + more->skipped;

    *sum = *more;
    sum->delivered = delivered;
    sum->skipped = skipped;
}

/* Positions that could not be saved while another one writes: waits for that one a while. */
static int unsaved_wait(struct scrip *scrip, struct scrip_deliver_options *options, struct scrip_deliver_totals *sum,
                        struct scrip_error *err)
{
    struct scrip_deliver_options only_save = *options;
    struct scrip_deliver_totals totals;
    int code = SCRIP_OK;

    only_save.is_over = saves_only;
    only_save.save_wait_us = only_save.is_skip = only_save.is_retry = 0;
    for (int i = 0; i < UNSAVED_SECONDS * 10 && code == SCRIP_OK && sum->unsaved > 0; i++) {
        code = scrip_deliver(scrip, &only_save, &totals, err);
        sum->unsaved = totals.unsaved;
        if (sum->unsaved > 0)
            moment_wait(100);
    }
    return code;
}

static void totals_show(const struct scrip_deliver_totals *totals)
{
    if (totals->delivered)
        printf("%12llu delivered\n", (unsigned long long)totals->delivered);
    if (totals->skipped)
        printf("%12llu passed over\n", (unsigned long long)totals->skipped);
    if (totals->failed)
        printf("%12llu accounts wait for another try\n", (unsigned long long)totals->failed);
    if (totals->given_up)
        printf("%12llu accounts were given up\n", (unsigned long long)totals->given_up);
    if (totals->failed + totals->given_up)
        fprintf(stderr, "scrip: some deliveries failed: see scrip subscribers --by account\n");
    if (totals->unsaved)
        fprintf(stderr, "scrip: another scrip writes to the store: what was delivered now will be delivered again\n");
}

static int deliver_end(int code, const struct scrip_deliver_totals *totals, const struct scrip_error *err)
{
    totals_show(totals);
    if (code < 0)
        return failed(code, err);
    if (totals->unsaved)
        return EXIT_STORE;
    return totals->failed + totals->given_up ? EXIT_PARTLY : EXIT_DONE;
}

static int64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Again and again until a signal ends it. Where looking at all accounts takes long, it looks less often. */
static int follow(struct scrip *scrip, struct scrip_deliver_options *options, struct scrip_deliver_totals *sum,
                  struct scrip_error *err)
{
    struct scrip_deliver_totals totals;
    int code = SCRIP_OK;

    options->save_wait_us = SAVE_WAIT_US;
    while (!is_stopped && code == SCRIP_OK) {
        int64_t started_ms = clock_ms();

        code = scrip_deliver(scrip, options, &totals, err);
        totals_add(sum, &totals);
        options->is_retry = 0;
        if (code == SCRIP_OK && !is_stopped && totals.delivered == 0)
            moment_wait(FOLLOW_MS + FOLLOW_SHARE * (long)(clock_ms() - started_ms));
    }
    return code;
}

int run_deliver(struct use *use)
{
    struct scrip_deliver_options options = { .subscriber = use->word_count ? use->words[0] : NULL,
                                             .account = flag_value(use, "account", 0),
                                             .is_retry = flag_value(use, "retry", 0) != NULL,
                                             .is_skip = flag_value(use, "skip", 0) != NULL,
                                             .failed = failure_show,
                                             .is_over = stopped };
    struct scrip_deliver_totals totals = { 0 };
    struct scrip_error err = { 0 };
    struct scrip *scrip;
    int code, does_follow = flag_value(use, "follow", 0) != NULL;

    if (time_flag(use, "as-of", &options.as_of_us))
        return EXIT_USE;
    if (does_follow && (options.is_skip || options.as_of_us != SCRIP_TIME_NONE))
        return wrong_use("deliver: --follow goes on with the clock: leave out --as-of and --skip");
    if ((code = opened(use, SCRIP_ACCESS_READ, &scrip)) != EXIT_DONE)
        return code;
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    code = does_follow ? follow(scrip, &options, &totals, &err) : scrip_deliver(scrip, &options, &totals, &err);
    if (code == SCRIP_OK)
        code = unsaved_wait(scrip, &options, &totals, &err);
    scrip_close(scrip);
    return deliver_end(code, &totals, &err);
}

int deliver_after(const struct use *use, struct scrip *scrip)
{
    struct scrip_deliver_options options = { .as_of_us = SCRIP_TIME_NONE, .failed = failure_show };
    struct scrip_deliver_totals totals = { 0 };
    struct scrip_error err = { 0 };
    int code = EXIT_DONE, is_kept = !scrip_is_volatile(scrip), has_any = scrip_has_subscribers(scrip);

    /* A receiver may be slow: meanwhile others may write. */
    if (is_kept)
        scrip_close(scrip);
    if (has_any && is_kept)
        code = opened(use, SCRIP_ACCESS_READ, &scrip);
    if (code != EXIT_DONE)
        return code;
    if (has_any) {
        code = scrip_deliver(scrip, &options, &totals, &err);
        if (code == SCRIP_EBUSY) /* somebody delivers already */
            return scrip_close(scrip), EXIT_DONE;
        if (code == SCRIP_OK)
            code = unsaved_wait(scrip, &options, &totals, &err);
    }
    if (has_any || !is_kept)
        scrip_close(scrip);
    return has_any ? deliver_end(code, &totals, &err) : EXIT_DONE;
}

int deliver_round(struct scrip *scrip, int (*is_over)(void *sink), struct scrip_error *err)
{
    struct scrip_deliver_options options = { .as_of_us = SCRIP_TIME_NONE, .failed = failure_show, .is_over = is_over };
    struct scrip_deliver_totals totals;
    int code = scrip_has_subscribers(scrip) ? scrip_deliver(scrip, &options, &totals, err) : SCRIP_OK;

    return code == SCRIP_EBUSY ? SCRIP_OK : code; /* somebody delivers already */
}

int run_subscribers(struct use *use)
{
    struct scrip_query query = { .question = SCRIP_ASK_SUBSCRIBERS,
                                 .as_of_us = SCRIP_TIME_NONE,
                                 .before_us = SCRIP_TIME_NONE,
                                 .from_us = SCRIP_TIME_NONE,
                                 .to_us = SCRIP_TIME_NONE,
                                 .account = use->word_count ? use->words[0] : NULL,
                                 .by = flag_value(use, "by", 0) };

    return answer(use, &query);
}
