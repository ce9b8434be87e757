/* message.h - messages of a broker: each is one native event, or a JSON object whose members the section maps.
 *
 * The store's cursor says where reading goes on; what the broker itself keeps of that follows it, and is never asked. A
 * message that was lost before it was read stops the run, unless the section says that it may be skipped.
 */
#ifndef SCRIP_MESSAGE_H
#define SCRIP_MESSAGE_H

#include "feed.h"
#include "json_cells.h"

#define MESSAGE_OPTIONS                                                                                               \
    { "lost", SCRIP_OPTION_CHOICE, "stop", "stop,skip", 0,                                                            \
      "where the broker threw messages away before they were read: stop, or say so and go on behind them" },          \
        { "retry", SCRIP_OPTION_DURATION, "60s", NULL, 0, "how long a broker that does not answer is waited for" },   \
        CSV_MAP_OPTIONS

struct message {
    struct csv_maker make;
    struct json_cells cells;
    int is_mapped; /* messages are objects with members to map; 0: native events */
};

static inline int message_open(struct message *self, struct scrip_ctx *ctx)
{
    static const char *const families[] = { "const.*", "filter.*", "skip.*", "type.map.*" };
    const char *name, *text;
    int code;

    self->is_mapped = ctx->host->option_member(ctx, "map.*", 0, &name, &text) == SCRIP_OK;
    if (ctx->host->option_int(ctx, "retry") < SCRIP_SECOND)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: retry: want 1s or more", ctx->host->option_where(ctx, "retry"));
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (!self->is_mapped && ctx->host->option_member(ctx, families[i], 0, &name, &text) == SCRIP_OK)
            return scrip_fail(ctx, SCRIP_EINVALID,
                              "%s: messages are native events: map.FIELD = MEMBER makes events of others", families[i]);
    if (!self->is_mapped && ctx->host->option_given(ctx, "prices"))
        return scrip_fail(ctx, SCRIP_EINVALID,
                          "%s: prices: messages are native events: map.FIELD = MEMBER makes orders of others",
                          ctx->host->option_where(ctx, "prices"));
    if (!self->is_mapped)
        return SCRIP_OK;
    if ((code = csv_maker_open(&self->make, ctx)) < 0 || (code = json_cells_open(&self->cells, &self->make)) < 0)
        return code;
    if (self->make.map.identity == CSV_ID_ROW)
        self->make.map.identity = CSV_ID_GIVEN;
    return SCRIP_OK;
}

static inline void message_close(struct message *self)
{
    if (self->is_mapped) {
        csv_maker_close(&self->make);
        json_cells_close(&self->cells);
    }
}

static inline void message_start(struct message *self, const char *feed)
{
    if (!self->is_mapped)
        return;
    csv_maker_stop(&self->make);
    json_cells_objects(&self->cells);
    csv_maker_start(&self->make, feed, 1);
}

/* A message, and the number of the next one, which is where a cursor behind it stands. place: its id where no member
 * gives one. */
static inline int message_give(struct message *self, struct scrip_ctx *ctx, struct scrip_rows *out, const char *bytes,
                               uint64_t size, uint64_t next, const char *place)
{
    struct scrip_row row = { .bytes = bytes,
                             .size = size,
                             .position = next,
                             .line = next,
                             .time_us = SCRIP_TIME_NONE,
                             .end_us = SCRIP_TIME_NONE };
    enum csv_fate fate;

    if (size > SCRIP_ROW_SIZE) {
        row.size = SCRIP_ROW_SIZE;
        return ctx->host->row_bad(ctx, out, &row, "message %llu: longer than %d bytes: split the event",
                                  (unsigned long long)next - 1, SCRIP_ROW_SIZE);
    }
    if (feed_is_blank(bytes, size))
        return ctx->host->row_skip(ctx, out, &row);
    if (!self->is_mapped)
        return ctx->host->row_json(ctx, out, &row);
    json_cells_read(&self->cells, bytes, size);
    self->make.id_size = (size_t)snprintf(self->make.id, sizeof self->make.id, "%s", place);
    if (self->make.id_size > SCRIP_NAME_SIZE)
        self->make.id_size = SCRIP_NAME_SIZE;
    if ((fate = csv_row_make(&self->make, &row, size)) == CSV_FAILED)
        return SCRIP_ELIMIT;
    return csv_row_give(&self->make, out, &row, fate);
}

/* next: of the message that is wanted; [first, end): what the broker has. 0 and *from: go on there; or the run stops.
 */
static inline int message_range(struct scrip_ctx *ctx, const char *feed, uint64_t next, uint64_t first, uint64_t end,
                                uint64_t *from)
{
    *from = next;
    if (next > end) {
        ctx->host->log(ctx,
                       "%s: message %llu was read, but the last one there is %llu: it is another one now, and is read "
                       "from its start",
                       feed, (unsigned long long)next - 1, (unsigned long long)end - 1);
        *from = first;
    } else if (next < first) {
        *from = first;
        if (strcmp(ctx->host->option_text(ctx, "lost"), "skip") != 0)
            return scrip_fail(ctx, SCRIP_EIO,
                              "%s: messages %llu to %llu are gone: the broker threw them away before they were read: "
                              "bring them in another way, then say lost = skip",
                              feed, (unsigned long long)next, (unsigned long long)first - 1);
        ctx->host->log(ctx, "%s: messages %llu to %llu are gone, and are skipped", feed, (unsigned long long)next,
                       (unsigned long long)first - 1);
    }
    return SCRIP_OK;
}

#endif
