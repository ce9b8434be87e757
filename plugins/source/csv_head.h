/* csv_head.h - the header of a feed: what its columns are called, what stands between its cells, whether it fits the
 * map. */
#ifndef SCRIP_CSV_HEAD_H
#define SCRIP_CSV_HEAD_H

#include "csv_find.h"

#define CSV_MARK_LINE_SIZE 9 /* of a first line "sep=;" with its end */

/* The names from the section: the file has none. */
static inline int csv_header_from_option(struct csv_reader *self, struct csv_kept **kept, struct csv_header *out)
{
    struct scrip_ctx *ctx = self->make.ctx;
    const char *item;
    size_t count = 0;

    for (; (item = ctx->host->option_item(ctx, "header", count)) != NULL; count++) {
        if (count == CSV_COLUMN_LIMIT)
            return scrip_fail(ctx, SCRIP_ELIMIT, "header: more than %d columns", CSV_COLUMN_LIMIT);
        self->make.cells[count] = (struct csv_cell){ item, (uint32_t)strlen(item), 0 };
    }
    return csv_header_keep(ctx, self->make.cells, count, kept, out);
}

static inline int csv_header_fault(struct csv_reader *self, const struct scrip_row *row, const char *what)
{
    return scrip_fail(self->make.ctx, SCRIP_EINVALID, "%s:%llu: header: %s", self->feed.name,
                      (unsigned long long)row->line, what);
}

/* A spreadsheet's own first line, `sep=;`: what stands between cells. 0: there is none. */
static inline char csv_header_mark(const char *text, size_t size, size_t *line_size)
{
    const char *end = memchr(text, '\n', size);
    size_t length = end ? (size_t)(end - text) : size;

    *line_size = end ? length + 1 : length;
    if (length > 0 && text[length - 1] == '\r')
        length--;
    if (length >= 2 && text[0] == '"' && text[length - 1] == '"') {
        text++;
        length -= 2;
    }
    return length == 5 && strncasecmp(text, "sep=", 4) == 0 && strchr(",;\t|", text[4]) ? text[4] : 0;
}

/* Back to the row that was taken last: nothing was read on since, so the bytes are in the buffer still. */
static inline void csv_header_back(struct feed *feed, const struct scrip_row *row)
{
    size_t start = (size_t)(row->bytes - feed->buffer);

    feed->position -= feed->start - start;
    feed->start = start;
    feed->line = row->line;
}

/* Reads the header under a delimiter. 1: it is there, with its names in *out; 0: there is nothing at all; 2: it cannot
 * be taken apart, as self->make.reason says. */
static inline int csv_header_try(struct csv_reader *self, char delimiter, struct scrip_row *row, struct csv_header *out)
{
    struct csv_shape shape;
    int code;

    csv_classes(self->classes, delimiter);
    if ((code = csv_row_find(self, row, &shape)) <= 0)
        return code;
    if (self->make.reason[0] == 0 && (shape.has_nul || (shape.has_high && !csv_is_utf8(row->bytes, row->size))))
        snprintf(self->make.reason, sizeof self->make.reason, "is not UTF-8: save the file as UTF-8");
    if (self->make.reason[0] == 0 && shape.cell_count > CSV_COLUMN_LIMIT)
        snprintf(self->make.reason, sizeof self->make.reason, "more than %d columns", CSV_COLUMN_LIMIT);
    if (self->make.reason[0])
        return 2;
    code = csv_header_keep(self->make.ctx, self->make.cells, shape.cell_count, &self->make.kept, out);
    return code < 0 ? code : 1;
}

/* The delimiter under which the header has the columns of the map; where none does, under which it has most of them. */
static inline int csv_header_find(struct csv_reader *self, struct scrip_row *row)
{
    static const char marks[] = { ',', ';', '\t', '|', 0 };
    int most = 0, code;
    char best = ',';

    for (const char *mark = marks; *mark; mark++) {
        struct csv_header header = { 0 };
        size_t lacking = 0;
        int count;

        if ((code = csv_header_try(self, *mark, row, &header)) <= 0)
            return code;
        if (row->bytes == self->feed.clip)
            return 2;
        count = code == 1 ? csv_columns_count(&self->make.map, &header, &lacking) : -1;
        csv_header_back(&self->feed, row);
        if (count > most) {
            most = count;
            best = *mark;
        }
        if (count > 0 && lacking == 0)
            break;
    }
    return csv_header_try(self, best, row, &self->make.header);
}

/* Over what stands above the header. 1: done; 0: the file ends in it. */
static inline int csv_header_above(struct csv_reader *self)
{
    struct scrip_ctx *ctx = self->make.ctx;
    struct feed *feed = &self->feed;
    int code;

    for (int64_t left = ctx->host->option_int(ctx, "skip_lines"); left > 0; left--) {
        const char *end;

        while ((end = memchr(feed_at(feed), '\n', feed_held(feed))) == NULL && !feed->at_end) {
            if (feed_held(feed) >= SCRIP_ROW_SIZE)
                return scrip_fail(ctx, SCRIP_ELIMIT, "%s: skip_lines: line %llu is longer than %d bytes", feed->name,
                                  (unsigned long long)feed->line, SCRIP_ROW_SIZE);
            if ((code = feed_fill(feed)) < 0)
                return code;
        }
        if (end == NULL)
            return 0;
        feed_take(feed, (size_t)(end - feed_at(feed)) + 1, 1);
    }
    return 1;
}

/* There is nothing to read yet. */
static inline int csv_header_none(struct csv_reader *self)
{
    struct scrip_ctx *ctx = self->make.ctx;

    if (!self->is_quiet && !self->feed.grows)
        ctx->host->log(ctx, "%s: empty: it has no header yet", self->feed.name);
    self->is_done = 1;
    return 0;
}

/* Reads the header of the file. 1: it is there; 0: there is nothing at all. */
static inline int csv_header_read(struct csv_reader *self)
{
    struct scrip_ctx *ctx = self->make.ctx;
    struct scrip_row row = { 0 };
    char mark = self->delimiter, own;
    size_t line_size;
    int code = feed_mark_skip(&self->feed);

    if (code < 0 || (code = csv_header_above(self)) < 0)
        return code;
    if (code == 0)
        return csv_header_none(self);
    if (ctx->host->option_item(ctx, "header", 0) != NULL) {
        csv_classes(self->classes, mark);
        return (code = csv_header_from_option(self, &self->make.kept, &self->make.header)) < 0 ? code : 1;
    }
    while (feed_held(&self->feed) < CSV_MARK_LINE_SIZE && !self->feed.at_end)
        if ((code = feed_fill(&self->feed)) < 0)
            return code;
    if ((own = csv_header_mark(feed_at(&self->feed), feed_held(&self->feed), &line_size)) != 0) {
        feed_take(&self->feed, line_size, 1);
        mark = mark ? mark : own;
    }
    code = mark ? csv_header_try(self, mark, &row, &self->make.header) : csv_header_find(self, &row);
    if (code == 2)
        return csv_header_fault(self, &row, self->make.reason);
    return code == 0 ? csv_header_none(self) : code;
}

/* How many columns of the map the first line of a feed has; 0: not all that it needs. The feed is opened for it. */
static inline int csv_header_claim(struct csv_reader *self, const char *name)
{
    struct scrip_ctx *ctx = self->make.ctx;
    size_t lacking = 1;
    int count = 0;

    if (ctx->host->option_item(ctx, "header", 0) != NULL)
        return 0;
    self->is_quiet = 1;
    if (feed_start(&self->feed, ctx, name) == SCRIP_OK && csv_header_read(self) == 1)
        count = csv_columns_count(&self->make.map, &self->make.header, &lacking);
    self->is_quiet = 0;
    csv_reader_stop(self);
    return lacking ? 0 : count;
}

#endif
