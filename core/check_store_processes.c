/* check_store_processes.c - a store and the end of its writers: killed in the middle, or two of them at once. */
#include "check_store.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DURABLE "All of it or nothing, whatever fails; durable when it returns."
#define KILLS 10
#define EVENTS 40 /* of an account in a commit */
#define RACE 20   /* commits of each of two writers */

static int64_t now_us(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * SCRIP_SECOND + at.tv_nsec / 1000;
}

static void wait_us(int64_t us)
{
    struct timespec wait = { us / SCRIP_SECOND, us % SCRIP_SECOND * 1000 };

    while (nanosleep(&wait, &wait) != 0 && errno == EINTR)
        ;
}

/* The suite anew, as another program has it. */
static struct suite *child_start(struct check *check, int *code)
{
    struct suite *suite = calloc(1, sizeof *suite);

    suite->check = check;
    suite->seed = (uint64_t)getpid();
    suite->host = check_host_open(check);
    *check_self(check) = suite;
    *code = check_open(suite->host, SCRIP_SESSION_WRITE, &suite->writer);
    if (*code >= 0)
        *code = check_open(suite->host, SCRIP_SESSION_READ, &suite->reader);
    return suite;
}

/* ---- a writer that is killed ---------------------------------------------------------------------------------- */

static const char *const accounts[] = { "killed a", "killed b" };

/* The n-th commit: of everything a little, so that half of it would show. */
static void killed_build(struct build *build, uint64_t n)
{
    struct suite *suite = suite_of(build->check);
    struct scrip_quarantine_row *quarantine;
    struct scrip_cursor_row *cursor;
    struct scrip_state_row *state;

    for (int i = 0; i < 2; i++) {
        struct holder holder;

        holder_set(&holder, accounts[i]);
        holder.events = (n - 1) * EVENTS;
        holder.entries = 2 * holder.events;
        build_events(build, &holder, EVENTS);
        state = build_add(build, SCRIP_TABLE_STATES);
        state->account = build_account(build)->name;
        state->service = suite_name(suite, "killed");
        state->key = "n";
        state->key_size = 1;
        state->value = suite_bytes(suite, &n, sizeof n);
        state->value_size = sizeof n;
    }
    quarantine = build_add(build, SCRIP_TABLE_QUARANTINE);
    quarantine->reason_class = "killed";
    memcpy(quarantine->key, &n, sizeof n);
    cursor = build_add(build, SCRIP_TABLE_CURSORS);
    cursor->source = suite_name(suite, "killed");
    cursor->feed = "feed";
    cursor->cursor.position = n;
}

static void killed_child(struct check *check, int out)
{
    struct build build = { .check = check };
    struct scrip_cursor cursor = { 0 };
    uint64_t done = 0;
    int code;
    struct suite *suite = child_start(check, &code);

    if (code >= 0)
        store_api(&suite->reader)->cursor_find(suite->reader.ctx, "killed", "feed", &cursor);
    done = code >= 0 ? cursor.position : UINT64_MAX;
    while (write(out, &done, sizeof done) == (ssize_t)sizeof done && done < UINT64_MAX) {
        killed_build(&build, done + 1);
        done = build_commit(&build, &suite->writer) < 0 ? UINT64_MAX : done + 1;
        build_free(&build);
    }
    _exit(1);
}

static int ack_read(int in, uint64_t *out)
{
    struct pollfd poll_in = { in, POLLIN, 0 };

    return poll(&poll_in, 1, 30000) == 1 && read(in, out, sizeof *out) == (ssize_t)sizeof *out && *out < UINT64_MAX;
}

/* Kills a writer about as long after an answer as the answer took; *acked: its last answer. */
static int writer_kill(struct check *check, uint64_t round, uint64_t *acked)
{
    int64_t began = now_us(), took;
    int pipes[2], is_good;
    uint64_t more;
    pid_t child;

    if (pipe(pipes) != 0 || (child = fork()) < 0) {
        check_stop(check, "killed writers: no process could be started: %s", strerror(errno));
        return 0;
    }
    if (child == 0) {
        close(pipes[0]);
        killed_child(check, pipes[1]);
    }
    close(pipes[1]);
    is_good = ack_read(pipes[0], acked);
    began = now_us();
    is_good = is_good && ack_read(pipes[0], acked);
    took = now_us() - began;
    if (is_good)
        wait_us(took * (int64_t)(round * 37 % 100) / 50);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    while (is_good && read(pipes[0], &more, sizeof more) == (ssize_t)sizeof more)
        *acked = more < UINT64_MAX ? more : *acked;
    close(pipes[0]);
    if (!is_good)
        check_break(check, DURABLE, "a writer of another program could not begin or commit");
    return is_good;
}

static uint64_t rows_of(struct suite *suite, uint32_t table, const char *account)
{
    struct scrip_scan scan = scan_for(table, account);
    struct rows rows;
    uint64_t count;

    rows_scan(suite, &suite->reader, &scan, &rows);
    count = rows.count;
    free(rows.list);
    return count;
}

static void expect(struct check *check, const char *what, const char *whose, uint64_t found, uint64_t wanted)
{
    if (found != wanted)
        check_break(check, NULL, "after a kill: %s of '%s': %" PRIu64 ", want %" PRIu64 " as the cursor says", what,
                    whose, found, wanted);
}

/* Everything says the same number of commits. */
static void killed_compare(struct suite *suite, uint64_t commits)
{
    struct check *check = suite->check;
    uint64_t quarantine = 0;

    for (int i = 0; i < 2; i++) {
        struct scrip_scan scan = scan_for(SCRIP_TABLE_DAYS, accounts[i]);
        uint64_t n = 0, size = sizeof n;
        int64_t discard, charges = 0;
        struct rows days;

        expect(check, "accounts", accounts[i], rows_of(suite, SCRIP_TABLE_ACCOUNTS, accounts[i]), 1);
        expect(check, "events", accounts[i], rows_of(suite, SCRIP_TABLE_EVENTS, accounts[i]), commits * EVENTS);
        expect(check, "entries", accounts[i], rows_of(suite, SCRIP_TABLE_ENTRIES, accounts[i]), 2 * commits * EVENTS);
        expect(check, "batches", accounts[i], rows_of(suite, SCRIP_TABLE_BATCHES, accounts[i]), commits);
        store_api(&suite->reader)->state_find(suite->reader.ctx, accounts[i], "killed", "n", 1, &n, &size, &discard);
        expect(check, "state", accounts[i], n, commits);
        rows_scan(suite, &suite->reader, &scan, &days);
        for (uint64_t d = 0; d < days.count; d++)
            charges += ((struct scrip_usage_row *)(void *)days.list)[d].charge_count;
        if (!check_was_broken(check))
            expect(check, "charges in days", accounts[i], (uint64_t)charges, 2 * commits * EVENTS);
        free(days.list);
    }
    for (uint64_t i = 0; i < suite->model[SCRIP_TABLE_QUARANTINE].count; i++)
        quarantine +=
            strcmp(((struct scrip_quarantine_row *)(void *)suite->model[SCRIP_TABLE_QUARANTINE].list)[i].reason_class,
                   "killed") == 0;
    expect(check, "rows in quarantine", "", quarantine, commits);
}

void check_store_killed(struct check *check)
{
    struct suite *suite = suite_of(check);

    if (suite->is_volatile) {
        check_skip(check, "what it keeps ends with the host");
        return;
    }
    for (uint64_t round = 0; round < KILLS && !check_is_broken(check); round++) {
        uint64_t acked;

        if (writer_kill(check, round, &acked) && suite_start(check)) {
            struct scrip_cursor cursor = { 0 };

            store_api(&suite->reader)->cursor_find(suite->reader.ctx, "killed", "feed", &cursor);
            if (cursor.position < acked || cursor.position > acked + 1)
                check_break(check, NULL, "a writer was told of %" PRIu64 " commits and killed: %" PRIu64 " are there",
                            acked, cursor.position);
            killed_compare(suite, cursor.position);
            suite_end(check);
        }
    }
}

/* ---- two writers ---------------------------------------------------------------------------------------------- */

static int events_get(void *sink, const void *row)
{
    *(uint64_t *)sink = ((const struct scrip_account_row *)row)->event_count;
    return SCRIP_OK;
}

/* Reads, commits, and where another was first reads again. */
static void race_child(struct check *check)
{
    struct build build = { .check = check };
    int code, done = 0;
    struct suite *suite = child_start(check, &code);

    while (code >= 0 && done < RACE) {
        struct holder holder;
        struct scrip_scan scan = scan_for(SCRIP_TABLE_ACCOUNTS, "race");

        holder_set(&holder, "race");
        scan.row = events_get;
        scan.sink = &holder.events;
        if ((code = store_api(&suite->reader)->scan(suite->reader.ctx, &scan)) < 0)
            break;
        holder.entries = 2 * holder.events;
        build_events(&build, &holder, 1);
        code = build_commit(&build, &suite->writer);
        build_free(&build);
        done += code == SCRIP_OK;
        code = code == SCRIP_ECONFLICT ? SCRIP_OK : code;
    }
    _exit(code < 0);
}

void check_store_race(struct check *check)
{
    struct suite *suite = suite_of(check);
    int status, failed = 0;
    pid_t children[2];

    if (!suite->is_shared || suite->is_volatile) {
        check_skip(check, "it takes one writer at a time");
        return;
    }
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0)
            race_child(check);
    }
    for (int i = 0; i < 2; i++)
        failed += children[i] < 0 || waitpid(children[i], &status, 0) < 0 || status != 0;
    if (failed)
        check_break(check, NULL, "%d of two writers failed with another code than %d", failed, SCRIP_ECONFLICT);
    if (suite_start(check)) {
        uint64_t events = rows_of(suite, SCRIP_TABLE_EVENTS, "race"),
                 entries = rows_of(suite, SCRIP_TABLE_ENTRIES, "race");

        if (events != 2 * RACE || entries != 4 * RACE)
            check_break(check, NULL,
                        "two writers were told of %d events: %" PRIu64 " and %" PRIu64 " entries are there", 2 * RACE,
                        events, entries);
        suite_end(check);
    }
}
