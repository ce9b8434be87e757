/* exec.c - the source `exec`: native events, one JSON object a line, from the standard output of any program.
 *
 * Without `files` the program is run once. With `files` it is run once for each of them, which it finds in $SCRIP_FEED: so
 * anything that a program can turn into events is a feed. A program that fails is started again; every row has an id, so
 * what it gives twice counts once. With resume = yes it is told where to go on, by $SCRIP_LINE and $SCRIP_POSITION: the
 * line and the byte of its whole output that are wanted next.
 */
#include "../process.h"
#include "feed.h"

static const struct scrip_option options[] = {
    PROCESS_OPTIONS,
    FEED_OPTIONS,
    { "resume", SCRIP_OPTION_BOOL, "no", NULL, 0, "yes: it goes on at $SCRIP_LINE; no: it gives everything each time" },
    { "restarts", SCRIP_OPTION_INT, "3", NULL, 0, "how often it is started again when it fails" },
    { "wait", SCRIP_OPTION_DURATION, "1s", NULL, 0, "before it is started again; twice as long each time, a minute at most" },
    SCRIP_OPTIONS_END,
};

#define WAIT_LIMIT_US INT64_C(60000000)

struct exec {
    struct feed feed;
    struct process process;
    int64_t restarts; /* so far */
    int is_done;
};

static int exec_open(struct scrip_ctx *ctx)
{
    struct exec *self = calloc(1, sizeof *self);

    if (self == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "exec: no memory");
    self->process = (struct process)PROCESS_NONE;
    ctx->self = self;
    if (ctx->host->option_int(ctx, "restarts") < 0)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: restarts: want 0 or more", ctx->host->option_where(ctx, "restarts"));
    return SCRIP_OK;
}

static void exec_close(struct scrip_ctx *ctx)
{
    struct exec *self = ctx->self;

    if (self != NULL) {
        process_end(&self->process, 1);
        feed_free(&self->feed);
    }
    free(self);
    ctx->self = NULL;
}

static int exec_feeds(struct scrip_ctx *ctx, struct scrip_rows *out)
{
    char name[SCRIP_NAME_SIZE + 8];

    if (ctx->host->option_given(ctx, "files"))
        return feed_list(ctx, out);
    snprintf(name, sizeof name, "exec:%s", ctx->instance);
    return ctx->host->feed_add(ctx, out, name);
}

/* Starts the program where the feed stands. */
static int exec_start(struct scrip_ctx *ctx, const char *name, uint64_t position, uint64_t line)
{
    struct exec *self = ctx->self;
    size_t size = strlen(name) + 32;
    char *feed = malloc(size), at_line[48], at[48];
    char *const variables[] = { feed, at_line, at, NULL };
    int code;

    if (feed == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "exec: no memory");
    snprintf(feed, size, "SCRIP_FEED=%s", name);
    snprintf(at_line, sizeof at_line, "SCRIP_LINE=%llu", (unsigned long long)line);
    snprintf(at, sizeof at, "SCRIP_POSITION=%llu", (unsigned long long)position);
    code = process_start(ctx, &self->process, ctx->host->option_text(ctx, "folder"), variables, 0);
    if (code == SCRIP_OK) {
        code = feed_begin(&self->feed, ctx, name, self->process.out);
        self->process.out = -1; /* the feed's now */
        self->feed.position = position;
        self->feed.line = line;
    }
    free(feed);
    return code;
}

static int exec_feed_open(struct scrip_ctx *ctx, const char *name, const struct scrip_cursor *from)
{
    struct exec *self = ctx->self;
    int goes_on = ctx->host->option_int(ctx, "resume") && from->position > 0;

    self->restarts = 0;
    self->is_done = 0;
    return exec_start(ctx, name, goes_on ? from->position : 0, goes_on ? from->line : 1);
}

/* After it failed: once more, or the fault. The line that it did not finish is not taken. */
static int exec_again(struct scrip_ctx *ctx, uint64_t position, uint64_t line)
{
    struct exec *self = ctx->self;
    int64_t wait_us = ctx->host->option_int(ctx, "wait");
    char *name = self->feed.name, why[32];
    struct timespec wait;
    int code;

    process_end_text(&self->process, why);
    if (self->restarts >= ctx->host->option_int(ctx, "restarts"))
        return scrip_fail(ctx, SCRIP_EIO, "%s: ended with %s at line %llu of its output, and was started %lld times: mend it, and run "
                          "again: what is known already counts once", ctx->host->option_text(ctx, "command"), why,
                          (unsigned long long)line, (long long)self->restarts + 1);
    for (int64_t i = 0; i < self->restarts && wait_us < WAIT_LIMIT_US; i++)
        wait_us *= 2;
    wait_us = wait_us < WAIT_LIMIT_US ? wait_us : WAIT_LIMIT_US;
    self->restarts++;
    ctx->host->log(ctx, "%s: ended with %s at line %llu of its output: is started again in %lld ms",
                   ctx->host->option_text(ctx, "command"), why, (unsigned long long)line, (long long)(wait_us / 1000));
    wait.tv_sec = (time_t)(wait_us / 1000000);
    wait.tv_nsec = (long)(wait_us % 1000000) * 1000;
    nanosleep(&wait, NULL);
    self->feed.name = NULL; /* ours until the program runs again */
    code = exec_start(ctx, name, ctx->host->option_int(ctx, "resume") ? position : 0,
                      ctx->host->option_int(ctx, "resume") ? line : 1);
    free(name);
    return code;
}

/* Once its output has ended. 1: it ended well; 0: it was started again; or the fault. */
static int exec_settle(struct scrip_ctx *ctx, uint64_t position, uint64_t line)
{
    struct exec *self = ctx->self;

    if (self->is_done)
        return 1;
    process_end(&self->process, 0);
    if (self->process.status != 0)
        return exec_again(ctx, position, line);
    self->is_done = 1;
    return 1;
}

static int exec_read(struct scrip_ctx *ctx, struct scrip_rows *out, uint64_t limit)
{
    struct exec *self = ctx->self;

    for (uint64_t n = 0; n < limit;) {
        struct scrip_row row = { .time_us = SCRIP_TIME_NONE, .end_us = SCRIP_TIME_NONE };
        uint64_t position = self->feed.position, line = self->feed.line;
        int kind = feed_line(&self->feed, &row), code;

        if (kind < 0)
            return kind;
        if (self->feed.at_end && (kind == 0 || row.bytes[row.size - 1] != '\n')) {
            if ((code = exec_settle(ctx, position, line)) < 0)
                return code;
            if (code == 0)
                continue;
        }
        if (kind == 0)
            return 0;
        if ((code = feed_event(ctx, out, &row, kind)) < 0)
            return code;
        n += (uint64_t)code;
    }
    return 1;
}

static void exec_feed_close(struct scrip_ctx *ctx)
{
    struct exec *self = ctx->self;

    process_end(&self->process, 1);
    feed_stop(&self->feed);
}

SCRIP_SOURCE_PLUGIN("exec", "native events from any program's output", .options = options, .open = exec_open,
                    .close = exec_close, .feeds = exec_feeds, .feed_open = exec_feed_open, .read = exec_read,
                    .feed_close = exec_feed_close);
