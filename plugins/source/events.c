/* events.c - the source `events`: files of native events, one JSON object a line.
 * scrip-needs: zlib zlib1g-dev
 * scrip-needs: libzip libzip-dev
 */
#include <scrip/plugin.h>

#include "packed.h"

struct events {
    struct feed feed;
};

static const struct scrip_option options[] = {
    PACKED_OPTIONS,
    SCRIP_OPTIONS_END,
};

static int events_open(struct scrip_ctx *ctx)
{
    struct events *self = ctx->self = calloc(1, sizeof *self);

    if (self == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "events: no memory");
    self->feed.packing = &packed_files;
    return SCRIP_OK;
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
    struct events *self = ctx->self;
    size_t i = 0;

    (void)start, (void)start_size;
    if (strcmp(feed, "-") == 0 || feed_start(&self->feed, ctx, feed) < 0 || feed_mark_skip(&self->feed) < 0 ||
        feed_fill(&self->feed) < 0) {
        feed_stop(&self->feed);
        return 0;
    }
    while (i < feed_held(&self->feed) && feed_is_space(feed_at(&self->feed)[i]))
        i++;
    i = i < feed_held(&self->feed) && feed_at(&self->feed)[i] == '{';
    feed_stop(&self->feed);
    return (int)i;
}

static int events_feed_open(struct scrip_ctx *ctx, const char *name, const struct scrip_cursor *from)
{
    struct events *self = ctx->self;
    struct scrip_cursor at;
    int code;

    if ((code = feed_start(&self->feed, ctx, name)) < 0 || (code = feed_prove(&self->feed)) < 0)
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
                    .close = events_close, .feeds = packed_list, .claims = events_claims,
                    .feed_open = events_feed_open, .read = events_read, .feed_close = events_feed_close);
