/* run.c - commands that take feeds in: run, ingest; and quarantine, which takes them in again. */
#include "cli.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

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

/* On a terminal five times a second, in a log every ten seconds. */
static void progress(void *sink, const struct scrip_progress *p)
{
    struct watch *watch = sink;
    double at = now(), rate = (double)p->read / (at - watch->started + 1e-9);
    const char *base = strrchr(p->feed ? p->feed : "", '/');

    if (at - watch->shown < (watch->is_terminal ? 0.2 : 10))
        return;
    watch->shown = at;
    fprintf(stderr, "%s%s %s: %llu rows, %.0f a second", watch->is_terminal ? "\r\033[K" : "scrip: ", p->source ? p->source : "",
            base ? base + 1 : p->feed, (unsigned long long)p->read, rate);
    if (p->size > p->position && p->position > 0)
        fprintf(stderr, ", %d %%", (int)(p->position * 100 / p->size));
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

int run_feeds(struct use *use)
{
    struct watch watch;
    struct scrip_run_options options = { SCRIP_TIME_NONE, progress, &watch };
    struct scrip_totals totals = { 0 };
    struct scrip_error err = { 0 };
    struct scrip *scrip;
    int code, shown;

    if (time_flag(use, "until", &options.until_us))
        return EXIT_USE;
    if ((code = opened(use, SCRIP_ACCESS_INIT, &scrip)) != EXIT_DONE)
        return code;
    watch_start(&watch);
    code = scrip_run(scrip, &options, &totals, &err);
    watch_end(&watch);
    shown = totals_show(use, &totals);
    if (code == SCRIP_OK)
        code = scrip_write_reports(scrip, &err);
    scrip_close(scrip);
    return code < 0 ? failed(code, &err) : shown;
}

int run_ingest(struct use *use)
{
    struct watch watch;
    struct scrip_run_options options = { SCRIP_TIME_NONE, progress, &watch };
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
    return answer(use, &query);
}

int run_quarantine(struct use *use)
{
    const char *what = use->words[0], *key = use->word_count > 1 ? use->words[1] : NULL;
    struct scrip_totals totals = { 0 };
    struct scrip_error err = { 0 };
    struct scrip *scrip;
    int code, is_drop = strcmp(what, "drop") == 0;

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
