/* csv_find.h - an instance of the source `csv`, and the rows of its feed: found one after the other, taken apart into
 * cells. */
#ifndef SCRIP_CSV_FIND_H
#define SCRIP_CSV_FIND_H

#include "csv_map.h"
#include "csv_row.h"
#include "csv_seen.h"
#include "csv_value.h"
#include "feed.h"
#include "price_sheet.h"

#define CSV_ORDER_FIELDS 8 /* that a price sheet may add */
#define SCRATCH_SIZE ((size_t)4 * SCRIP_ROW_SIZE)

struct csv {
    struct scrip_ctx *ctx;
    struct csv_map map;
    struct price_sheet prices;
    unsigned char classes[256];
    struct csv_cell cells[CSV_COLUMN_LIMIT];
    /* Of the feed at hand: */
    struct feed feed;
    struct csv_kept *kept;
    struct csv_header header;
    uint64_t first_position, first_line; /* where rows begin */
    int identity;
    uint64_t quiet_until; /* rows before this position were given in an earlier run */
    uint64_t start;       /* of the row at hand */
    int is_done;
    int is_quiet; /* the feed is only looked at */
    struct csv_seen seen;
    int64_t id_day; /* the day written at the begin of id */
    char id[SCRIP_NAME_SIZE + 1];
    char *scratch; /* SCRATCH_SIZE bytes for the row at hand */
    size_t scratch_used;
    struct scrip_field fields[CSV_FIELD_LIMIT + 2 + CSV_ORDER_FIELDS];
    char reason[SCRIP_MESSAGE_SIZE];
};

/* The line that the row at hand begins with, as a row that cannot be read. */
static inline int row_spoil(struct csv *self, struct scrip_row *row, const struct csv_shape *shape, uint64_t line)
{
    int code = feed_line(&self->feed, row);

    if (code == 2 || shape->fault == NULL)
        snprintf(self->reason, sizeof self->reason, "line %llu: longer than %d bytes: mend or split it",
                 (unsigned long long)row->line, SCRIP_ROW_SIZE);
    else
        snprintf(self->reason, sizeof self->reason, "line %llu, cell %zu: %s", (unsigned long long)line,
                 shape->cell_count, shape->fault);
    return code < 0 ? code : 1;
}

/* Lines with nothing in them are no rows. 1: there is a byte that begins one; 0: the end. */
static inline int blank_skip(struct csv *self)
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
static inline int end_is_open(const struct feed *feed, const struct csv_shape *shape, enum csv_end found)
{
    if (found == CSV_ROW)
        return shape->size == feed_held(feed) && feed_at(feed)[shape->size - 1] != '\n';
    return shape->is_open || memchr(feed_at(feed), '\n', feed_held(feed)) == NULL;
}

/* Takes the next row: its cells, and in *row where it is. 1: a row; 0: the end; self->reason is not empty where it
 * could not be taken apart. What a row is must not depend on how much of the feed is in the buffer: no row may be
 * longer than SCRIP_ROW_SIZE, so no more is looked at. */
static inline int row_find(struct csv *self, struct scrip_row *row, struct csv_shape *shape)
{
    struct feed *feed = &self->feed;
    int code = blank_skip(self);

    self->reason[0] = 0;
    self->start = feed->position;
    if (code <= 0)
        return code;
    for (;;) {
        size_t held = feed_held(feed), seen = held < SCRIP_ROW_SIZE ? held : SCRIP_ROW_SIZE;
        char *end = feed->buffer + feed->start + seen, behind = *end;
        enum csv_end found;

        *end = '\n';
        found = csv_parse(self->classes, feed_at(feed), end, feed->at_end && seen == held, self->cells, shape);
        *end = behind;
        if (feed->grows && feed->at_end && seen == held && found != CSV_MORE && end_is_open(feed, shape, found))
            return 0;
        if (found == CSV_ROW)
            break;
        /* A line that is there in part is not judged before there is more of it. */
        if (found == CSV_FAULT && (!feed->grows || feed->at_end || memchr(feed_at(feed), '\n', held) != NULL))
            return row_spoil(self, row, shape, feed->line + shape->lines);
        if (held > SCRIP_ROW_SIZE)
            return row_spoil(self, row, shape, feed->line + shape->lines);
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

static inline char *scratch_take(struct csv *self, size_t size)
{
    char *out = self->scratch + self->scratch_used;

    if (SCRATCH_SIZE - self->scratch_used < size)
        return NULL;
    self->scratch_used += size;
    return out;
}

/* A cell's text, its quotes undone. Their sum is less than the row, so there is room. */
static inline const struct csv_cell *cell_text(struct csv *self, size_t index)
{
    struct csv_cell *cell = &self->cells[index];

    if (cell->is_escaped) {
        char *out = scratch_take(self, cell->size);

        if (out == NULL)
            return NULL;
        cell->size = (uint32_t)csv_unescape(cell, out);
        cell->text = out;
        cell->is_escaped = 0;
    }
    return cell;
}

#endif
