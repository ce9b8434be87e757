/* broken_service.h - a service at one rate with one thing wrong, which its file names before it includes this. */
#include <scrip/plugin.h>

#include <stdlib.h>
#include <string.h>

#ifndef VERDICT
#define VERDICT SCRIP_PRICED
#endif

struct self {
    int64_t asked; /* questions so far: nothing that an answer may depend on */
};
#ifdef IS_STATIC
static struct self everybody;
#endif

static int open_service(struct scrip_ctx *ctx)
{
    ctx->self = calloc(1, sizeof(struct self));
    return ctx->self ? SCRIP_OK : scrip_fail(ctx, SCRIP_ENOMEM, "no memory");
}

static void close_service(struct scrip_ctx *ctx)
{
    free(ctx->self);
}

static inline int line(struct scrip_ctx *ctx, struct scrip_quote *out, struct scrip_decimal quantity, int64_t rate)
{
    struct scrip_line line = { SCRIP_TIME_NONE, "usd", quantity, { rate, 0 }, { 1, 0 }, "flat", 0 };

    ctx->host->verdict(ctx, out, VERDICT);
#ifdef IS_EMPTY
    (void)line;
    return SCRIP_OK;
#elif defined IS_SWALLOWING
    ctx->host->line_add(ctx, out, &line);
    return SCRIP_OK;
#else
    return ctx->host->line_add(ctx, out, &line);
#endif
}

static int quote(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    int64_t rate = 1;

#ifdef IS_STATIC
    rate = ++everybody.asked;
#endif
#ifdef IS_REMEMBERING
    rate = ++((struct self *)ctx->self)->asked;
#endif
#ifdef IS_SILENT
    if (event->quantity.whole < 0)
        return SCRIP_EINVALID;
#endif
#ifdef IS_NO_CODE
    if (event->quantity.whole < 0)
        return 7;
#endif
#ifdef IS_WRITING
    ((struct scrip_event *)event)->quantity.whole = 1;
#endif
#ifdef IS_LONG
    char key[SCRIP_STATE_KEY_SIZE + 1] = "";
    ctx->host->state_put(ctx, key, sizeof key, "x", 1, SCRIP_TIME_NONE);
#endif
#ifdef IS_WAITING
    int code = ctx->host->timer_set(ctx, "t", 1, event->time_us + WAIT_US);
    if (code < 0)
        return code;
#endif
    return line(ctx, out, event->quantity, rate);
}

static inline int timer(struct scrip_ctx *ctx, const void *key, uint64_t key_size, int64_t due_us,
                        struct scrip_quote *out)
{
    (void)key, (void)key_size, (void)due_us;
    return line(ctx, out, (struct scrip_decimal){ 1, 0 }, 1);
}

SCRIP_SERVICE_PLUGIN(NAME, "one rate, and one thing wrong", .open = open_service, .close = close_service,
                     .quote = quote, .timer = timer);
