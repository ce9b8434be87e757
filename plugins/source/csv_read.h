/* csv_read.h - rows of a CSV feed, from its bytes to events.
 *
 *   csv_row_find: the next row's cells -> csv_row_make: filters, fields, id -> csv_row_give: to the host
 *
 * A row that cannot be taken apart goes to quarantine as the line that it begins with, and reading goes on with the
 * line behind it: a stray quote costs its line, not the rest of the file.
 *
 * Equal rows are told apart by their ordinals among those before them. So where reading goes on in the middle of a feed
 * whose ids come from rows, the part before is read too, quietly.
 */
#ifndef SCRIP_CSV_READ_H
#define SCRIP_CSV_READ_H

#include "csv_head.h"

/* What only text needs; the section's other keys are CSV_MAP_OPTIONS. */
#define CSV_TEXT_OPTIONS                                                                                               \
    { "delimiter", SCRIP_OPTION_CHOICE, "auto", "auto,comma,semicolon,tab,bar", 0,                                     \
      "what stands between cells; auto: what a first line sep=; says, or that under which the header has the "         \
      "columns" },                                                                                                     \
        { "skip_lines", SCRIP_OPTION_INT, "0", NULL, 0,                                                                \
          "lines above the header that are none of the table, as a title" },                                           \
        { "header", SCRIP_OPTION_LIST, NULL, NULL, 0, "names of the columns, for files without a header" }

/* Spreadsheets write rows of nothing but delimiters below the last one. */
static inline int csv_row_is_empty(const struct csv_reader *self, size_t cell_count)
{
    for (size_t i = 0; i < cell_count && i < CSV_COLUMN_LIMIT; i++)
        if (self->make.cells[i].size > 0)
            return 0;
    return 1;
}

/* As many cells as the header has; a last one may be there for nothing: some programs end each line with a delimiter.
 */
static inline enum csv_fate csv_row_check(struct csv_reader *self, const struct scrip_row *row,
                                          const struct csv_shape *shape)
{
    const struct csv_header *header = &self->make.header;
    size_t count = shape->cell_count;

    if (self->make.reason[0])
        return CSV_BAD;
    if (self->make.cells[0].size == 0 && csv_row_is_empty(self, count))
        return CSV_FILTERED;
    if (shape->has_nul)
        snprintf(self->make.reason, sizeof self->make.reason, "line %llu: holds a NUL byte: is it a text file",
                 (unsigned long long)row->line);
    else if (shape->has_high && !csv_is_utf8(row->bytes, row->size))
        snprintf(self->make.reason, sizeof self->make.reason, "line %llu: is not UTF-8: save the file as UTF-8",
                 (unsigned long long)row->line);
    else if (count == header->count + 1 && count <= CSV_COLUMN_LIMIT && self->make.cells[count - 1].size == 0)
        return CSV_GOOD;
    else if (count + 1 == header->count && header->names[count].size == 0)
        self->make.cells[count] = (struct csv_cell){ "", 0, 0 };
    else if (count != header->count)
        snprintf(self->make.reason, sizeof self->make.reason, "line %llu: too %s columns (found %zu, wanted %zu)",
                 (unsigned long long)row->line, count < header->count ? "few" : "many", count, header->count);
    return self->make.reason[0] ? CSV_BAD : CSV_GOOD;
}

/* The part before the row at hand is read again, to count in all of it what is equal. */
static inline int csv_rows_recount(struct csv_reader *self, uint64_t until)
{
    csv_seen_start(&self->make.seen, 1);
    if (self->quiet_until < until)
        self->quiet_until = until;
    return feed_seek(&self->feed, self->first_position, self->first_line);
}

/* A source's `read`. */
static inline int csv_reader_read(struct csv_reader *self, struct scrip_rows *out, uint64_t limit)
{
    struct scrip_ctx *ctx = self->make.ctx;

    for (uint64_t n = 0; n < limit && !self->is_done;) {
        struct scrip_row row = { .time_us = SCRIP_TIME_NONE, .end_us = SCRIP_TIME_NONE };
        struct csv_shape shape;
        enum csv_fate fate;
        int code = csv_row_find(self, &row, &shape);

        if (code <= 0)
            return code;
        fate = csv_row_check(self, &row, &shape);
        if (fate == CSV_GOOD)
            fate = csv_row_make(&self->make, &row, shape.content);
        if (fate == CSV_FAILED)
            return SCRIP_ELIMIT;
        if (fate == CSV_AGAIN) {
            code = csv_rows_recount(self, self->start);
        } else if (self->start >= self->quiet_until) {
            code = csv_row_give(&self->make, out, &row, fate);
            n++;
        } else if (row.position > self->quiet_until) {
            /* No row ends where the cursor stands: this is another feed than it was. */
            ctx->host->log(ctx, "%s: changed since it was last read: it is read from its start again", self->feed.name);
            self->quiet_until = 0;
            csv_seen_start(&self->make.seen, 0);
            code = feed_seek(&self->feed, self->first_position, self->first_line);
        }
        if (code < 0)
            return code;
    }
    return !self->is_done;
}

/* ---- a feed's begin -------------------------------------------------------------------------- */

/* On where the cursor says. Ids from rows need the part before, but only where something comes behind it. */
static inline int csv_cursor_follow(struct csv_reader *self, const struct scrip_cursor *from)
{
    struct scrip_cursor at;
    char byte;
    int64_t more;
    int code = feed_resume(&self->feed, from, self->first_position, &at);

    if (code < 0)
        return code;
    if (code == 0)
        return feed_seek(&self->feed, self->first_position, self->first_line);
    if (self->make.identity != CSV_ID_ROW)
        return feed_seek(&self->feed, at.position, at.line);
    if ((more = feed_peek(&self->feed, at.position, &byte, 1)) < 0)
        return (int)more;
    self->is_done = more == 0;
    self->quiet_until = at.position;
    return feed_seek(&self->feed, self->first_position, self->first_line);
}

/* self->feed was begun: its header, and on where the cursor says. */
static inline int csv_reader_begin(struct csv_reader *self, const struct scrip_cursor *from)
{
    int code;

    csv_maker_stop(&self->make);
    self->quiet_until = 0;
    self->is_done = 0;
    if ((code = csv_header_read(self)) <= 0 ||
        (code = csv_columns_find(&self->make.map, &self->make.header, self->feed.name)) < 0)
        return code;
    csv_maker_start(&self->make, self->feed.name, self->feed.is_stream);
    self->first_position = self->feed.position;
    self->first_line = self->feed.line;
    return from->position == 0 || self->feed.is_stream ? SCRIP_OK : csv_cursor_follow(self, from);
}

#endif
