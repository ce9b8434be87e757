/* lines.c - a source: rows of a feed become events. This one reads lines "TIME ACCOUNT PRODUCT AMOUNT". */
#include <scrip/plugin.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct feed {
    FILE *file;
    char *line; /* kept from row to row: what a row points to must live until `read` returns */
    size_t room;
    uint64_t position, number;
};

static const struct scrip_option options[] = {
    { "file", SCRIP_OPTION_PATH, NULL, NULL, 1, "the file to read" },
    SCRIP_OPTIONS_END,
};

static int open_source(struct scrip_ctx *ctx)
{
    ctx->self = calloc(1, sizeof(struct feed));
    return ctx->self ? SCRIP_OK : scrip_fail(ctx, SCRIP_ENOMEM, "no memory");
}

static void close_source(struct scrip_ctx *ctx)
{
    if (ctx->self != NULL)
        free(((struct feed *)ctx->self)->line);
    free(ctx->self);
}

static int feeds(struct scrip_ctx *ctx, struct scrip_rows *out)
{
    return ctx->host->feed_add(ctx, out, ctx->host->option_text(ctx, "file"));
}

/* `from` is where the last run got to; what is read twice counts once, by its id. */
static int feed_open(struct scrip_ctx *ctx, const char *name, const struct scrip_cursor *from)
{
    struct feed *feed = ctx->self;

    feed->file = fopen(name, "r");
    if (feed->file == NULL || fseek(feed->file, (long)from->position, SEEK_SET) != 0)
        return scrip_fail(ctx, SCRIP_EIO, "%s: %s", name, strerror(errno));
    feed->position = from->position;
    feed->number = from->position ? from->line : 1;
    return SCRIP_OK;
}

/* One row for each call is enough; `limit` rows are the most that are wanted. */
static int read_rows(struct scrip_ctx *ctx, struct scrip_rows *out, uint64_t limit)
{
    struct feed *feed = ctx->self;
    struct scrip_row row = { .time_us = SCRIP_TIME_NONE, .end_us = SCRIP_TIME_NONE };
    struct scrip_field fields[6];
    char id[32], time[64], account[64], product[64], amount[64];
    const char *const texts[] = { "scrip.usage", id, time, account, product, amount };
    const uint64_t keys[] = { SCRIP_F_TYPE, SCRIP_F_ID, SCRIP_F_TIME, SCRIP_F_ACCOUNT, SCRIP_F_PRODUCT, SCRIP_F_AMOUNT };
    ssize_t size = getline(&feed->line, &feed->room, feed->file);
    int code;

    (void)limit;
    if (size < 0 || (feed->line[size - 1] != '\n' && ctx->host->feed_grows(ctx)))
        return 0; /* the end, or a row that is still being written: `run --follow` reads it once it is whole */
    row.bytes = feed->line;
    row.size = (uint64_t)size;
    row.position = feed->position += (uint64_t)size;
    row.line = feed->number++;
    if (sscanf(feed->line, "%63s %63s %63s %63s", time, account, product, amount) != 4) {
        code = ctx->host->row_bad(ctx, out, &row, "want TIME ACCOUNT PRODUCT AMOUNT"); /* to quarantine, with the reason */
        return code < 0 ? code : 1;
    }
    snprintf(id, sizeof id, "line-%llu", (unsigned long long)row.line);
    for (int i = 0; i < 6; i++)
        fields[i] = (struct scrip_field){ keys[i], NULL, texts[i], strlen(texts[i]) };
    row.fields = fields;
    row.field_count = 6;
    code = ctx->host->row_add(ctx, out, &row);
    return code < 0 ? code : 1;
}

static void feed_close(struct scrip_ctx *ctx)
{
    struct feed *feed = ctx->self;

    if (feed->file != NULL)
        fclose(feed->file);
    feed->file = NULL;
}

SCRIP_SOURCE_PLUGIN("lines", "feeds of lines", .options = options, .open = open_source, .close = close_source,
                    .feeds = feeds, .feed_open = feed_open, .read = read_rows, .feed_close = feed_close);
