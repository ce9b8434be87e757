/* events.c - the source `events`: files of native events, one JSON object a line. */
#include <scrip/plugin.h>

#include "feed.h"

struct events {
    struct feed feed;
};

static const struct scrip_option options[] = {
    FEED_OPTIONS,
    SCRIP_OPTIONS_END,
};

static int events_open(struct scrip_ctx *ctx)
{
    ctx->self = calloc(1, sizeof(struct events));
    return ctx->self ? SCRIP_OK : scrip_fail(ctx, SCRIP_ENOMEM, "events: no memory");
}

static void events_close(struct scrip_ctx *ctx)
{
    struct events *self = ctx->self;

    if (self != NULL)
        feed_free(&self->feed);
    free(self);
    ctx->self = NULL;
}

static int events_claims(struct scrip_ctx *ctx, const char *feed, const char *start, uint64_t start_size)
{
    uint64_t i = start_size >= 3 && memcmp(start, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    (void)ctx, (void)feed;
    while (i < start_size && feed_is_space(start[i]))
        i++;
    return i < start_size && start[i] == '{';
}

static int events_feed_open(struct scrip_ctx *ctx, const char *name, const struct scrip_cursor *from)
{
    struct events *self = ctx->self;
    struct scrip_cursor at;
    int code;

    if ((code = feed_start(&self->feed, ctx, name)) < 0)
        return code;
    if ((code = feed_resume(&self->feed, from, 1, &at)) < 0)
        return code;
    if (code == 1)
        return feed_seek(&self->feed, at.position, at.line);
    return feed_mark_skip(&self->feed);
}

static int events_read(struct scrip_ctx *ctx, struct scrip_rows *out, uint64_t limit)
{
    struct events *self = ctx->self;

    for (uint64_t n = 0; n < limit;) {
        struct scrip_row row = { .time_us = SCRIP_TIME_NONE, .end_us = SCRIP_TIME_NONE };
        int code = feed_line(&self->feed, &row);

        if (code <= 0)
            return code;
        if ((code = feed_event(ctx, out, &row, code)) < 0)
            return code;
        n += (uint64_t)code;
    }
    return 1;
}

static void events_feed_close(struct scrip_ctx *ctx)
{
    feed_stop(&((struct events *)ctx->self)->feed);
}

SCRIP_SOURCE_PLUGIN("events", "native events, one JSON object a line", .options = options, .open = events_open,
                    .close = events_close, .feeds = feed_list, .claims = events_claims,
                    .feed_open = events_feed_open, .read = events_read, .feed_close = events_feed_close);
