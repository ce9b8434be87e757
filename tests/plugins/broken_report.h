/* broken_report.h - a report of lines with one thing wrong, which its file names before it includes this. */
#include <scrip/plugin.h>

#include <stdlib.h>
#include <string.h>

struct self {
    char text[1 << 16]; /* a line that waits for its end */
    size_t size;
};
#ifdef IS_STATIC
static struct self everybody;
#endif

static struct self *self_of(struct scrip_ctx *ctx)
{
#ifdef IS_STATIC
    return ctx ? &everybody : NULL;
#else
    return ctx->self;
#endif
}

static int open_report(struct scrip_ctx *ctx)
{
    ctx->self = calloc(1, sizeof(struct self));
    return ctx->self ? SCRIP_OK : scrip_fail(ctx, SCRIP_ENOMEM, "no memory");
}

static void close_report(struct scrip_ctx *ctx)
{
    free(ctx->self);
}

static int flush(struct scrip_ctx *ctx)
{
    struct self *self = self_of(ctx);
    int code = ctx->host->write(ctx, self->text, self->size);

#ifdef IS_STALE
    if (code < 0)
        return code;
#endif
    self->size = 0;
#ifdef IS_SWALLOWING
    code = SCRIP_OK;
#endif
    return code;
}

static int put(struct scrip_ctx *ctx, const char *text)
{
    struct self *self = self_of(ctx);
    size_t size = strlen(text);
    int code = size > sizeof self->text - self->size ? flush(ctx) : SCRIP_OK;

    memcpy(self->text + self->size, text, size);
    self->size += size;
    return code;
}

static int begin(struct scrip_ctx *ctx, const char *title, const struct scrip_column *columns, uint64_t column_count)
{
#ifndef IS_STALE
    self_of(ctx)->size = 0;
#endif
    (void)columns, (void)column_count;
#ifdef IS_COUNTING
    static int tables;

    if (tables++ > 8)
        put(ctx, "one more: ");
#endif
    return put(ctx, title);
}

static int row(struct scrip_ctx *ctx, const struct scrip_cell *cells, uint64_t cell_count)
{
#ifdef IS_MUTE
    if (cells[0].type == SCRIP_CELL_NONE)
        return SCRIP_EINVALID;
#endif
#ifdef IS_REFUSING
    if (strchr(cells[0].text, '\n'))
        return scrip_fail(ctx, SCRIP_EINVALID, "a text of two lines");
#endif
#ifdef IS_WRITING
    ((struct scrip_cell *)cells)[0].type = SCRIP_CELL_TEXT;
#endif
    for (uint64_t i = 0; i < cell_count; i++) {
        int code = put(ctx, cells[i].text);

        if (code < 0)
            return code;
    }
    return put(ctx, "\n");
}

static int end(struct scrip_ctx *ctx)
{
    return flush(ctx);
}

static inline int deliver(struct scrip_ctx *ctx, const struct scrip_delivery *delivery)
{
    (void)ctx;
    return delivery->signature[0] ? SCRIP_EIO : SCRIP_OK; /* and no word of it */
}

#ifdef IS_UNHEARD
#define DELIVER deliver
#else
#define DELIVER NULL
#endif
SCRIP_REPORT_PLUGIN(NAME, "lines, and one thing wrong", .open = open_report, .close = close_report, .begin = begin,
                    .row = row, .end = end, .deliver = DELIVER);
