/* csv.c - the source `csv`: rows of CSV files, packed ones too, into events, as the section's map says. csv_read.h has
 * the way of a row.
 *
 * scrip-needs: zlib zlib1g-dev
 * scrip-needs: libzip libzip-dev
 */
#include <scrip/plugin.h>

#include "csv_read.h"
#include "packed.h"

static const struct scrip_option options[] = {
    PACKED_OPTIONS,
    CSV_MAP_OPTIONS,
    CSV_TEXT_OPTIONS,
    SCRIP_OPTIONS_END,
};

static int source_open(struct scrip_ctx *ctx)
{
    struct csv_reader *self = calloc(1, sizeof *self);

    ctx->self = self;
    if (self == NULL)
        return csv_memory_fault(ctx);
    self->feed.packing = &packed_files;
    return csv_reader_open(self, ctx);
}

static void source_close(struct scrip_ctx *ctx)
{
    if (ctx->self != NULL)
        csv_reader_close(ctx->self);
    free(ctx->self);
    ctx->self = NULL;
}

static int source_feed_open(struct scrip_ctx *ctx, const char *name, const struct scrip_cursor *from)
{
    struct csv_reader *self = ctx->self;
    int code;

    if ((code = feed_start(&self->feed, ctx, name)) < 0 || (code = feed_prove(&self->feed)) < 0)
        return code;
    return csv_reader_begin(self, from);
}

static int source_read(struct scrip_ctx *ctx, struct scrip_rows *out, uint64_t limit)
{
    return csv_reader_read(ctx->self, out, limit);
}

static void source_feed_close(struct scrip_ctx *ctx)
{
    csv_reader_stop(ctx->self);
}

/* A source is entered for one thing at a time: no feed is open while files are claimed. */
static int source_claims(struct scrip_ctx *ctx, const char *feed, const char *start, uint64_t start_size)
{
    (void)start, (void)start_size;
    return strcmp(feed, "-") == 0 ? 0 : csv_header_claim(ctx->self, feed);
}

SCRIP_SOURCE_PLUGIN("csv", "rows of CSV files, by a map of columns", .options = options, .open = source_open,
                    .close = source_close, .feeds = packed_list, .claims = source_claims, .feed_open = source_feed_open,
                    .read = source_read, .feed_close = source_feed_close);
