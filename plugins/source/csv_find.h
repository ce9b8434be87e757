/* csv_find.h - a reader of CSV text, and the rows of its feed: found one after the other, taken apart into cells. */
#ifndef SCRIP_CSV_FIND_H
#define SCRIP_CSV_FIND_H

#include "csv_make.h"
#include "feed.h"

struct csv_reader {
    struct csv_maker make;
    unsigned char classes[256];
    char delimiter; /* that the section names; 0: the one under which a feed's header fits */
    /* Of the feed at hand: */
    struct feed feed;
    uint64_t first_position, first_line; /* where rows begin */
    uint64_t quiet_until;                /* rows before this position were given in an earlier run */
    uint64_t start;                      /* of the row at hand */
    int is_done;
    int is_quiet; /* the feed is only looked at */
};

static inline int csv_reader_open(struct csv_reader *self, struct scrip_ctx *ctx)
{
    const char *delimiter = ctx->host->option_text(ctx, "delimiter");
    int has_header = ctx->host->option_item(ctx, "header", 0) == NULL;

    self->delimiter = strcmp(delimiter, "auto") == 0 && has_header ? 0 : csv_mark_read(delimiter);
    if (ctx->host->option_int(ctx, "skip_lines") < 0)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: skip_lines: want 0 or more", ctx->host->option_where(ctx, "skip_lines"));
    return csv_maker_open(&self->make, ctx);
}

/* Forgets the feed at hand. */
static inline void csv_reader_stop(struct csv_reader *self)
{
    feed_stop(&self->feed);
    csv_maker_stop(&self->make);
}

static inline void csv_reader_close(struct csv_reader *self)
{
    csv_reader_stop(self);
    feed_free(&self->feed);
    csv_maker_close(&self->make);
}

/* The line that the row at hand begins with, as a row that cannot be read. */
static inline int csv_row_spoil(struct csv_reader *self, struct scrip_row *row, const struct csv_shape *shape,
                                uint64_t line)
{
    int code = feed_line(&self->feed, row);

    if (code == 2 || shape->fault == NULL)
        snprintf(self->make.reason, sizeof self->make.reason, "line %llu: longer than %d bytes: mend or split it",
                 (unsigned long long)row->line, SCRIP_ROW_SIZE);
    else
        snprintf(self->make.reason, sizeof self->make.reason, "line %llu, cell %zu: %s", (unsigned long long)line,
                 shape->cell_count, shape->fault);
    return code < 0 ? code : 1;
}

/* Lines with nothing in them are no rows. 1: there is a byte that begins one; 0: the end. */
static inline int csv_blank_skip(struct csv_reader *self)
{
    struct feed *feed = &self->feed;

    for (;;) {
        size_t held = feed_held(feed);
        const char *at = feed_at(feed);
        int code;

        if (held > 0 && *at == '\n') {
            feed_take(feed, 1, 1);
        } else if (held > 1 && *at == '\r' && at[1] == '\n') {
            feed_take(feed, 2, 1);
        } else if (held > 1 || (held == 1 && *at != '\r')) {
            return 1;
        } else if (feed->at_end) {
            feed_take(feed, held, 0);
            return 0;
        } else if ((code = feed_fill(feed)) < 0) {
            return code;
        }
    }
}

/* 1: what is yet to be written may belong to this row: it has no line end, or stands in quotes that are not closed. */
static inline int csv_end_is_open(const struct feed *feed, const struct csv_shape *shape, enum csv_end found)
{
    if (found == CSV_ROW)
        return shape->size == feed_held(feed) && feed_at(feed)[shape->size - 1] != '\n';
    return shape->is_open || memchr(feed_at(feed), '\n', feed_held(feed)) == NULL;
}

/* Takes the next row: its cells, and in *row where it is. 1: a row; 0: the end; self->make.reason is not empty where it
 * could not be taken apart. What a row is must not depend on how much of the feed is in the buffer: no row may be
 * longer than SCRIP_ROW_SIZE, so no more is looked at. */
static inline int csv_row_find(struct csv_reader *self, struct scrip_row *row, struct csv_shape *shape)
{
    struct feed *feed = &self->feed;
    int code = csv_blank_skip(self);

    self->make.reason[0] = 0;
    self->start = feed->position;
    if (code <= 0)
        return code;
    for (;;) {
        size_t held = feed_held(feed), seen = held < SCRIP_ROW_SIZE ? held : SCRIP_ROW_SIZE;
        char *end = feed->buffer + feed->start + seen, behind = *end;
        enum csv_end found;

        *end = '\n';
        found = csv_parse(self->classes, feed_at(feed), end, feed->at_end && seen == held, self->make.cells, shape);
        *end = behind;
        if (feed->grows && feed->at_end && seen == held && found != CSV_MORE && csv_end_is_open(feed, shape, found))
            return 0;
        if (found == CSV_ROW)
            break;
        /* A line that is there in part is not judged before there is more of it. */
        if (found == CSV_FAULT && (!feed->grows || feed->at_end || memchr(feed_at(feed), '\n', held) != NULL))
            return csv_row_spoil(self, row, shape, feed->line + shape->lines);
        if (held > SCRIP_ROW_SIZE)
            return csv_row_spoil(self, row, shape, feed->line + shape->lines);
        if ((code = feed_fill(feed)) < 0)
            return code;
    }
    row->bytes = feed_at(feed);
    row->size = shape->size;
    row->line = feed->line;
    feed_take(feed, shape->size, shape->lines);
    row->position = feed->position;
    return 1;
}

#endif
