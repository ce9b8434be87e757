/* broken_source.h - a source of lines "ACCOUNT PRODUCT AMOUNT" with one thing wrong, which its file names before it
 * includes this. */
#include <scrip/plugin.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct self {
    FILE *file;
    char *line;
    size_t room;
    uint64_t position, number;
};
static uint64_t skipped; /* behind which nothing is wanted: a position; 0: all is */
#ifdef IS_STATIC
static uint64_t number; /* of lines since a feed was opened, by whomever */
#endif

static const struct scrip_option options[] = {
    { "file", SCRIP_OPTION_PATH, NULL, NULL, 1, "the file to read" },
    SCRIP_OPTIONS_END,
};

static int open_source(struct scrip_ctx *ctx)
{
    ctx->self = calloc(1, sizeof(struct self));
    return ctx->self ? SCRIP_OK : scrip_fail(ctx, SCRIP_ENOMEM, "no memory");
}

static void close_source(struct scrip_ctx *ctx)
{
    free(((struct self *)ctx->self)->line);
    free(ctx->self);
}

static int feeds(struct scrip_ctx *ctx, struct scrip_rows *out)
{
#ifdef IS_TURNING
    static int turn;

    if (turn++ % 2)
        ctx->host->feed_add(ctx, out, "/another");
#endif
    return ctx->host->feed_add(ctx, out, ctx->host->option_text(ctx, "file"));
}

static int feed_open(struct scrip_ctx *ctx, const char *name, const struct scrip_cursor *from)
{
    struct self *self = ctx->self;

    self->file = fopen(name, "r");
    if (self->file == NULL)
#ifdef IS_MUTE
        return SCRIP_EIO;
#else
        return scrip_fail(ctx, SCRIP_EIO, "%s: %s", name, strerror(errno));
#endif
    self->position = from->position;
    self->number = from->position ? from->line : 1;
    if (skipped > 0 && from->position >= skipped) /* the next row counts as committed */
        fseek(self->file, 0, SEEK_END), self->position = (uint64_t)ftell(self->file);
#ifdef IS_EARLY
    if (from->position > 0) /* the cursor's row once more, as if it were the next one */
        self->position -= from->tail_size;
#endif
#ifdef IS_LATE
    char tail[256];
    if (from->position > 0 && fseek(self->file, (long)(from->position - from->tail_size), SEEK_SET) == 0 &&
        fread(tail, from->tail_size, 1, self->file) == 1 && ctx->host->hash(tail, from->tail_size) != from->tail_hash)
        self->position += getline(&self->line, &self->room, self->file) > 0 ? strlen(self->line) : 0;
#endif
#ifdef IS_STATIC
    number = from->position ? from->line - 1 : 0;
#endif
    return fseek(self->file, (long)self->position, SEEK_SET) == 0 ? SCRIP_OK
                                                                  : scrip_fail(ctx, SCRIP_EIO, "%s", strerror(errno));
}

/* One row. 1: there is more. */
static int row_read(struct scrip_ctx *ctx, struct scrip_rows *out)
{
    struct self *self = ctx->self;
    struct scrip_row row = { .time_us = 0, .end_us = SCRIP_TIME_NONE };
    char id[32], account[64], product[64], amount[64];
    const char *const texts[] = { "scrip.usage", id, account, product, amount };
    const uint64_t keys[] = { SCRIP_F_TYPE, SCRIP_F_ID, SCRIP_F_ACCOUNT, SCRIP_F_PRODUCT, SCRIP_F_AMOUNT };
    struct scrip_field fields[5];
    ssize_t size = getline(&self->line, &self->room, self->file);
    int code;

    if (size < 0)
        return 0;
#ifndef IS_HALF
    if (self->line[size - 1] != '\n' && ctx->host->feed_grows(ctx))
        return 0;
#endif
    row.bytes = self->line;
    row.size = (uint64_t)size;
    row.line = self->number++;
#ifdef IS_BEHIND
    row.position = self->position;
    self->position += (uint64_t)size;
#else
    row.position = self->position += (uint64_t)size;
#endif
    snprintf(id, sizeof id, "line-%llu", (unsigned long long)row.line);
#ifdef IS_STATIC
    snprintf(id, sizeof id, "line-%llu", (unsigned long long)++number);
#endif
    if (sscanf(self->line, "%63s %63s %63s", account, product, amount) != 3) {
        code = ctx->host->row_bad(ctx, out, &row, "want ACCOUNT PRODUCT AMOUNT");
        return code < 0 ? code : 1;
    }
    for (int i = 0; i < 5; i++)
        fields[i] = (struct scrip_field){ keys[i], NULL, texts[i], strlen(texts[i]) };
#ifdef IS_UNKNOWN
    fields[0].key = SCRIP_FIELD_COUNT;
#endif
    row.fields = fields;
    row.field_count = 5;
    code = ctx->host->row_add(ctx, out, &row);
    return code < 0 ? code : 1;
}

static int read_rows(struct scrip_ctx *ctx, struct scrip_rows *out, uint64_t limit)
{
    int code = 1;

#ifdef IS_ENDLESS
    code = row_read(ctx, out);
    return code == 0 ? 1 : code;
#endif
#ifdef IS_GREEDY
    limit += 1;
#endif
    for (uint64_t n = 0; n < limit && code == 1; n++)
        code = row_read(ctx, out);
    return code;
}

/* Of what was committed it keeps where it stands itself, which is not where the host goes on. */
static inline void settled(struct scrip_ctx *ctx, const char *feed, const struct scrip_cursor *cursor)
{
    (void)ctx, (void)feed;
    skipped = cursor->position;
}

static void feed_close(struct scrip_ctx *ctx)
{
    struct self *self = ctx->self;

    if (self->file != NULL)
        fclose(self->file);
    self->file = NULL;
}

#ifdef IS_SETTLING
#define SETTLED settled
#else
#define SETTLED NULL
#endif
SCRIP_SOURCE_PLUGIN(NAME, "lines, and one thing wrong", .options = options, .open = open_source, .close = close_source,
                    .feeds = feeds, .feed_open = feed_open, .read = read_rows, .feed_close = feed_close,
                    .settled = SETTLED);
