/* events.c - native events: one JSON object a line. */
#include "feed.h"

static const struct scrip_option options[] = { FEED_OPTIONS, SCRIP_OPTIONS_END };

static int open_events(struct scrip_ctx *ctx)
{
    struct feed *feed = calloc(1, sizeof *feed);

    if (feed == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "no memory for a feed");
    feed->fd = -1;
    ctx->self = feed;
    return SCRIP_OK;
}

static void close_events(struct scrip_ctx *ctx)
{
    free(ctx->self);
    ctx->self = NULL;
}

static int claims(struct scrip_ctx *ctx, const char *feed, const char *start, uint64_t start_size)
{
    (void)ctx;
    (void)feed;
    for (uint64_t i = start_size >= 3 && memcmp(start, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; i < start_size; i++)
        if (start[i] != ' ' && start[i] != '\t' && start[i] != '\r' && start[i] != '\n')
            return start[i] == '{';
    return 0;
}

static int feed_open(struct scrip_ctx *ctx, const char *path, const struct scrip_cursor *from)
{
    struct feed *feed = ctx->self;
    int code = feed_start(ctx, feed, path);

    if (code == SCRIP_OK && (code = feed_resume(ctx, feed, path, from)) == 0)
        feed_mark_skip(feed);
    return code < 0 ? code : SCRIP_OK;
}

static void feed_close(struct scrip_ctx *ctx)
{
    feed_end(ctx->self);
}

static int is_blank(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r' && text[i] != '\n')
            return 0;
    return 1;
}

/* Passes over the rest of a line that is too long, keeping its beginning. */
static int long_line_skip(struct scrip_ctx *ctx, struct feed *feed, struct scrip_rows *out)
{
    struct scrip_row row = { 0 };
    char *start = malloc(4096);
    const char *end;
    int code = SCRIP_OK;

    if (start == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "no memory for a row");
    memcpy(start, feed->buffer + feed->at, 4096);
    while ((end = memchr(feed->buffer + feed->at, '\n', feed->end - feed->at)) == NULL && !feed->is_ended && code == SCRIP_OK) {
        feed->at = feed->end;
        code = feed_fill(ctx, feed);
    }
    feed->at = end ? (size_t)(end + 1 - feed->buffer) : feed->end;
    row.bytes = start;
    row.size = 4096;
    row.line = feed->line++;
    row.position = feed->offset + feed->at;
    if (code == SCRIP_OK)
        code = ctx->host->row_bad(ctx, out, &row, "a line longer than %d bytes: its first 4096 are kept", SCRIP_ROW_SIZE);
    free(start);
    return code;
}

static int read_rows(struct scrip_ctx *ctx, struct scrip_rows *out, uint64_t limit)
{
    struct feed *feed = ctx->self;

    while (limit > 0) {
        const char *start = feed->buffer + feed->at, *end = memchr(start, '\n', feed->end - feed->at);
        struct scrip_row row = { 0 };
        int code = SCRIP_OK;

        if (end == NULL && !feed->is_ended) {
            if (feed->end - feed->at > SCRIP_ROW_SIZE) {
                code = long_line_skip(ctx, feed, out);
                limit--;
            } else
                code = feed_fill(ctx, feed);
            if (code < 0)
                return code;
            continue;
        }
        if (end == NULL && feed->at == feed->end)
            return 0;
        row.bytes = start;
        row.size = (size_t)((end ? end + 1 : feed->buffer + feed->end) - start);
        row.line = feed->line++;
        feed->at += row.size;
        row.position = feed->offset + feed->at;
        if (is_blank(row.bytes, row.size))
            continue;
        limit--;
        if (row.size > SCRIP_ROW_SIZE) {
            row.size = 4096;
            code = ctx->host->row_bad(ctx, out, &row, "a line longer than %d bytes: its first 4096 are kept", SCRIP_ROW_SIZE);
        } else if (!text_fits(row.bytes, row.size))
            code = ctx->host->row_bad(ctx, out, &row, "not UTF-8 text: save the feed as UTF-8");
        else
            code = ctx->host->row_json(ctx, out, &row);
        if (code < 0)
            return code;
    }
    return 1;
}

SCRIP_SOURCE_PLUGIN("events", "native events, one JSON object a line", .options = options, .open = open_events,
                    .close = close_events, .feeds = feed_list, .claims = claims, .feed_open = feed_open,
                    .read = read_rows, .feed_close = feed_close);
