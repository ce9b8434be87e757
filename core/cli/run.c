/* run.c - commands that take feeds in: run, ingest; and quarantine, which takes them in again. */
#include "cli.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TERMINAL_SECONDS 0.2 /* between two showings of progress */
#define LOG_SECONDS 5.0
#define FOLLOW_SECONDS 5    /* between two looks at followed feeds */
#define FOLLOW_LIMIT 86400
#define SETTLE_US (INT64_C(60) * SCRIP_SECOND) /* what was not written for this long is whole */

struct watch {
    double started, shown;
    int is_terminal, is_dirty;
};

static double now(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void watch_start(struct watch *watch)
{
    watch->started = watch->shown = now();
    watch->is_terminal = isatty(STDERR_FILENO);
    watch->is_dirty = 0;
}

/* What is left, at the rate so far: 40 s, 3 min, 2 h. */
static void left_show(const struct scrip_progress *p, double took)
{
    double left = p->bytes ? (double)p->left * took / (double)p->bytes : 0;

    if (p->bytes == 0 || p->left == 0)
        return;
    if (left < 90)
        fprintf(stderr, ", %.0f s left", left);
    else if (left < 5400)
        fprintf(stderr, ", %.0f min left", left / 60);
    else
        fprintf(stderr, ", %.0f h left", left / 3600);
}

static void progress(void *sink, const struct scrip_progress *p)
{
    struct watch *watch = sink;
    double at = now(), took = at - watch->started;
    const char *base = strrchr(p->feed ? p->feed : "", '/');

    if (at - watch->shown < (watch->is_terminal ? TERMINAL_SECONDS : LOG_SECONDS))
        return;
    watch->shown = at;
    fprintf(stderr, "%s%s %s: %llu rows, %.0f a second", watch->is_terminal ? "\r\033[K" : "scrip: ", p->source ? p->source : "",
            base ? base + 1 : p->feed, (unsigned long long)p->read, (double)p->read / (took + 1e-9));
    if (p->size > p->position && p->position > 0)
        fprintf(stderr, ", %d %%", (int)(p->position * 100 / p->size));
    left_show(p, took);
    if (!watch->is_terminal)
        fputc('\n', stderr);
    watch->is_dirty = watch->is_terminal;
}

static void watch_end(struct watch *watch)
{
    if (watch->is_dirty)
        fputs("\r\033[K", stderr);
    watch->is_dirty = 0;
}

static void totals_add(struct scrip_totals *sum, const struct scrip_totals *more)
{
    sum->read += more->read;
    sum->commits += more->commits;
    for (int i = 0; i < SCRIP_OUTCOME_COUNT; i++)
        sum->outcome[i] += more->outcome[i];
}

/* The sum of outcomes; it is what `run` answers. */
static int totals_show(const struct use *use, const struct scrip_totals *totals)
{
    const char *format = flag_value(use, "format", 0);
    uint64_t bad = totals->outcome[SCRIP_REFUSED] + totals->outcome[SCRIP_QUARANTINED];

    if (format != NULL && strcmp(format, "json") == 0) {
        printf("{\"read\":\"%llu\"", (unsigned long long)totals->read);
        for (int i = 0; i < SCRIP_OUTCOME_COUNT; i++)
            printf(",\"%s\":\"%llu\"", scrip_outcome_name(i), (unsigned long long)totals->outcome[i]);
        printf("}\n");
    } else if (format != NULL && strcmp(format, "csv") == 0) {
        printf("read");
        for (int i = 0; i < SCRIP_OUTCOME_COUNT; i++)
            printf(",%s", scrip_outcome_name(i));
        printf("\n%llu", (unsigned long long)totals->read);
        for (int i = 0; i < SCRIP_OUTCOME_COUNT; i++)
            printf(",%llu", (unsigned long long)totals->outcome[i]);
        printf("\n");
    } else {
        printf("%12llu rows read\n", (unsigned long long)totals->read);
        for (int i = 0; i < SCRIP_OUTCOME_COUNT; i++)
            if (totals->outcome[i])
                printf("%12llu %s\n", (unsigned long long)totals->outcome[i], scrip_outcome_name(i));
    }
    if (totals->outcome[SCRIP_REFUSED])
        fprintf(stderr, "scrip: some events were refused: see scrip events --outcome refused\n");
    if (totals->outcome[SCRIP_QUARANTINED])
        fprintf(stderr, "scrip: some rows are in quarantine: see scrip quarantine list\n");
    return bad ? EXIT_PARTLY : EXIT_DONE;
}

/* ---- run ------------------------------------------------------------------------------------------------------ */

static volatile sig_atomic_t is_interrupted;

static void interrupt(int number)
{
    is_interrupted = 1;
    signal(number, SIG_DFL); /* who asks twice does not want to wait */
}

static int stop(void *sink)
{
    (void)sink;
    return is_interrupted;
}

/* The seconds of --follow[=SECONDS]; 0: it was not given. Exit code of a wrong use, else 0. */
static int follow_flag(const struct use *use, int *seconds)
{
    const char *text = flag_value(use, "follow", 0);
    char *end;
    long value;

    *seconds = 0;
    if (text == NULL)
        return EXIT_DONE;
    value = text[0] ? strtol(text, &end, 10) : FOLLOW_SECONDS;
    if (text[0] && (*end || value < 1 || value > FOLLOW_LIMIT))
        return wrong_use("run: --follow=%s: want whole seconds, 1 to %d", text, FOLLOW_LIMIT);
    if (flag_value(use, "until", 0) != NULL)
        return wrong_use("run: --follow goes on until it is interrupted: leave out --until");
    *seconds = (int)value;
    return EXIT_DONE;
}

static int round_run(struct scrip *scrip, const struct scrip_run_options *options, struct scrip_totals *sum,
                     struct scrip_error *err)
{
    struct watch *watch = options->sink;
    struct scrip_totals totals = { 0 };
    int code;

    watch_start(watch);
    code = scrip_run(scrip, options, &totals, err);
    watch_end(watch);
    totals_add(sum, &totals);
    if (options->settle_us && totals.read)
        fprintf(stderr, "scrip: %llu rows read, %llu of them refused or in quarantine\n",
                (unsigned long long)totals.read, (unsigned long long)(totals.outcome[SCRIP_REFUSED] + totals.outcome[SCRIP_QUARANTINED]));
    return code;
}

/* Round after round until it is interrupted; reports where a round took something in. */
static int rounds_run(struct scrip *scrip, struct scrip_run_options *options, int seconds, struct scrip_totals *sum,
                      struct scrip_error *err)
{
    uint64_t known = UINT64_MAX;
    int code = SCRIP_OK;

    options->settle_us = SETTLE_US;
    options->stop = stop;
    signal(SIGINT, interrupt);
    signal(SIGTERM, interrupt);
    while (code == SCRIP_OK && !is_interrupted) {
        code = round_run(scrip, options, sum, err);
        if (code == SCRIP_OK && sum->read != known)
            code = scrip_write_reports(scrip, err);
        if (code == SCRIP_OK)
            code = deliver_round(scrip, stop, err);
        known = sum->read;
        for (int i = 0; i < seconds && code == SCRIP_OK && !is_interrupted; i++)
            sleep(1);
    }
    return code;
}

int run_feeds(struct use *use)
{
    struct watch watch;
    struct scrip_run_options options = { SCRIP_TIME_NONE, progress, &watch, 0, NULL };
    struct scrip_totals sum = { 0 };
    struct scrip_error err = { 0 };
    struct scrip *scrip;
    int code, seconds, shown;

    if (time_flag(use, "until", &options.until_us) || follow_flag(use, &seconds))
        return EXIT_USE;
    if ((code = opened(use, SCRIP_ACCESS_INIT, &scrip)) != EXIT_DONE)
        return code;
    code = seconds ? rounds_run(scrip, &options, seconds, &sum, &err) : round_run(scrip, &options, &sum, &err);
    shown = totals_show(use, &sum);
    if (code == SCRIP_OK && !seconds)
        code = scrip_write_reports(scrip, &err);
    if (code < 0 || seconds) {
        scrip_close(scrip);
        return code < 0 ? failed(code, &err) : shown;
    }
    code = deliver_after(use, scrip);
    return code != EXIT_DONE ? code : shown;
}

int run_ingest(struct use *use)
{
    struct watch watch;
    struct scrip_run_options options = { SCRIP_TIME_NONE, progress, &watch, 0, NULL };
    struct scrip_totals sum = { 0 }, totals;
    struct scrip_error err = { 0 };
    struct scrip *scrip;
    int code = opened(use, SCRIP_ACCESS_INIT, &scrip), shown;

    if (code != EXIT_DONE)
        return code;
    watch_start(&watch);
    for (int i = 0; i < use->word_count && code == SCRIP_OK; i++) {
        code = scrip_ingest(scrip, use->words[i], flag_value(use, "as", 0), &options, &totals, &err);
        totals_add(&sum, &totals);
    }
    watch_end(&watch);
    scrip_close(scrip);
    shown = totals_show(use, &sum);
    return code < 0 ? failed(code, &err) : shown;
}

int run_reconcile(struct use *use)
{
    struct scrip_reconcile_options options = { use->words[0], flag_value(use, "as", 0), SCRIP_TIME_NONE };
    const char *format = flag_value(use, "format", 0);
    struct scrip_reconcile_totals totals;
    struct scrip_error err = { 0 };
    struct scrip *scrip;
    int code;

    if (time_flag(use, "before", &options.before_us))
        return EXIT_USE;
    if ((code = opened(use, SCRIP_ACCESS_READ, &scrip)) != EXIT_DONE)
        return code;
    code = scrip_reconcile_print(scrip, &options, format ? format : "table", stdout_write, NULL, &totals, &err);
    scrip_close(scrip);
    if (code < 0)
        return failed(code, &err);
    fprintf(stderr, "scrip: %llu rows compared, %llu differences\n", (unsigned long long)totals.rows,
            (unsigned long long)totals.differences);
    return totals.differences ? EXIT_PARTLY : EXIT_DONE;
}

/* The proof comes after the last progress, on a line of its own. */
static int proof_write(void *sink, const char *bytes, uint64_t size)
{
    watch_end(sink);
    return stdout_write(NULL, bytes, size);
}

int run_migrate(struct use *use)
{
    struct watch watch;
    struct scrip_migrate_options options = { use->words[0], progress, &watch };
    const char *format = flag_value(use, "format", 0);
    struct scrip_error err = { 0 };
    struct scrip *scrip;
    uint64_t differences;
    int code;

    if ((code = opened(use, SCRIP_ACCESS_WRITE, &scrip)) != EXIT_DONE)
        return code;
    watch_start(&watch);
    code = scrip_migrate_print(scrip, &options, format ? format : "table", proof_write, &watch, &differences, &err);
    watch_end(&watch);
    scrip_close(scrip);
    if (code < 0)
        return failed(code, &err);
    if (differences)
        fprintf(stderr, "scrip: migrate: the copy is not whole: this store was written to meanwhile, or one of both is damaged: run "
                        "scrip verify here, then scrip migrate again\n");
    return differences ? EXIT_PARTLY : EXIT_DONE;
}

static int quarantine_list(struct use *use, const char *key)
{
    struct scrip_query query = { 0 };

    query.question = SCRIP_ASK_QUARANTINE;
    query.as_of_us = query.before_us = query.from_us = query.to_us = SCRIP_TIME_NONE;
    query.id = key;
    query.by = flag_value(use, "by", 0);
    return answer(use, &query);
}

int run_quarantine(struct use *use)
{
    const char *what = use->words[0], *key = use->word_count > 1 ? use->words[1] : NULL;
    struct scrip_totals totals = { 0 };
    struct scrip_error err = { 0 };
    struct scrip *scrip;
    int code, is_drop = strcmp(what, "drop") == 0;

    if (flag_value(use, "by", 0) != NULL && (strcmp(what, "list") != 0 || key != NULL))
        return wrong_use("quarantine: --by belongs to list");
    if (strcmp(what, "list") == 0 && key == NULL)
        return quarantine_list(use, NULL);
    if (strcmp(what, "show") == 0 && key != NULL)
        return quarantine_list(use, key);
    if (strcmp(what, "retry") != 0 && !(is_drop && key != NULL))
        return wrong_use("quarantine: want %s", use->command->words);
    if ((code = opened(use, SCRIP_ACCESS_WRITE, &scrip)) != EXIT_DONE)
        return code;
    code = is_drop ? scrip_quarantine_drop(scrip, key, &err) : scrip_quarantine_retry(scrip, key, &totals, &err);
    scrip_close(scrip);
    if (code < 0)
        return failed(code, &err);
    return is_drop ? EXIT_DONE : totals_show(use, &totals);
}
