/* csv_head.h - the header of a feed: what its columns are called, what stands between its cells, whether it fits the
 * map. */
#ifndef SCRIP_CSV_HEAD_H
#define SCRIP_CSV_HEAD_H

#include "csv_find.h"

#define MARK_LINE_SIZE 9 /* of a first line "sep=;" with its end */

/* Names of columns, copied: the cells are in a buffer that moves on. */
static inline int header_keep(struct csv *self, const struct csv_cell *cells, size_t count, struct csv_kept **kept,
                              struct csv_header *out)
{
    out->count = count;
    out->names = csv_keep(kept, count * sizeof *out->names);
    if (out->names == NULL)
        return csv_memory_fault(self->ctx);
    for (size_t i = 0; i < count; i++) {
        char *text = csv_keep(kept, cells[i].size + 1);

        if (text == NULL)
            return csv_memory_fault(self->ctx);
        if (cells[i].is_escaped)
            out->names[i] = csv_trim(text, csv_unescape(&cells[i], text));
        else
            out->names[i] = csv_trim(memcpy(text, cells[i].text, cells[i].size), cells[i].size);
    }
    return SCRIP_OK;
}

/* The names from the section: the file has none. */
static inline int header_from_option(struct csv *self, struct csv_kept **kept, struct csv_header *out)
{
    const char *item;
    size_t count = 0;

    for (; (item = self->ctx->host->option_item(self->ctx, "header", count)) != NULL; count++) {
        if (count == CSV_COLUMN_LIMIT)
            return scrip_fail(self->ctx, SCRIP_ELIMIT, "header: more than %d columns", CSV_COLUMN_LIMIT);
        self->cells[count] = (struct csv_cell){ item, (uint32_t)strlen(item), 0 };
    }
    return header_keep(self, self->cells, count, kept, out);
}

static inline int header_fault(struct csv *self, const struct scrip_row *row, const char *what)
{
    return scrip_fail(self->ctx, SCRIP_EINVALID, "%s:%llu: header: %s", self->feed.name, (unsigned long long)row->line,
                      what);
}

/* A spreadsheet's own first line, `sep=;`: what stands between cells. 0: there is none. */
static inline char header_mark(const char *text, size_t size, size_t *line_size)
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
static inline void header_back(struct feed *feed, const struct scrip_row *row)
{
    size_t start = (size_t)(row->bytes - feed->buffer);

    feed->position -= feed->start - start;
    feed->start = start;
    feed->line = row->line;
}

/* Reads the header under a delimiter. 1: it is there, with its names in *out; 0: there is nothing at all; 2: it cannot
 * be taken apart, as self->reason says. */
static inline int header_try(struct csv *self, char delimiter, struct scrip_row *row, struct csv_header *out)
{
    struct csv_shape shape;
    int code;

    csv_classes(self->classes, delimiter);
    if ((code = row_find(self, row, &shape)) <= 0)
        return code;
    if (self->reason[0] == 0 && (shape.has_nul || (shape.has_high && !csv_is_utf8(row->bytes, row->size))))
        snprintf(self->reason, sizeof self->reason, "is not UTF-8: save the file as UTF-8");
    if (self->reason[0] == 0 && shape.cell_count > CSV_COLUMN_LIMIT)
        snprintf(self->reason, sizeof self->reason, "more than %d columns", CSV_COLUMN_LIMIT);
    if (self->reason[0])
        return 2;
    code = header_keep(self, self->cells, shape.cell_count, &self->kept, out);
    return code < 0 ? code : 1;
}

/* The delimiter under which the header has the columns of the map; where none does, under which it has most of them. */
static inline int header_find(struct csv *self, struct scrip_row *row)
{
    static const char marks[] = { ',', ';', '\t', '|', 0 };
    int most = 0, code;
    char best = ',';

    for (const char *mark = marks; *mark; mark++) {
        struct csv_header header = { 0 };
        size_t lacking = 0;
        int count;

        if ((code = header_try(self, *mark, row, &header)) <= 0)
            return code;
        if (row->bytes == self->feed.clip)
            return 2;
        count = code == 1 ? csv_columns_count(&self->map, &header, &lacking) : -1;
        header_back(&self->feed, row);
        if (count > most) {
            most = count;
            best = *mark;
        }
        if (count > 0 && lacking == 0)
            break;
    }
    return header_try(self, best, row, &self->header);
}

/* Reads the header of the file. 1: it is there; 0: there is nothing at all. */
static inline int header_read(struct csv *self)
{
    struct scrip_row row = { 0 };
    char mark = self->map.delimiter, own;
    size_t line_size;
    int code = feed_mark_skip(&self->feed);

    if (code < 0)
        return code;
    if (self->ctx->host->option_item(self->ctx, "header", 0) != NULL) {
        csv_classes(self->classes, mark);
        return (code = header_from_option(self, &self->kept, &self->header)) < 0 ? code : 1;
    }
    while (feed_held(&self->feed) < MARK_LINE_SIZE && !self->feed.at_end)
        if ((code = feed_fill(&self->feed)) < 0)
            return code;
    if ((own = header_mark(feed_at(&self->feed), feed_held(&self->feed), &line_size)) != 0) {
        feed_take(&self->feed, line_size, 1);
        mark = mark ? mark : own;
    }
    code = mark ? header_try(self, mark, &row, &self->header) : header_find(self, &row);
    if (code == 2)
        return header_fault(self, &row, self->reason);
    if (code == 0) {
        if (!self->is_quiet && !self->feed.grows)
            self->ctx->host->log(self->ctx, "%s: empty: it has no header yet", self->feed.name);
        self->is_done = 1;
    }
    return code;
}

/* How many columns of the map the first line of a feed has; 0: not all that it needs. The feed is opened for it. */
static inline int header_claim(struct csv *self, const char *name)
{
    size_t lacking = 1;
    int count = 0, code;

    if (self->ctx->host->option_item(self->ctx, "header", 0) != NULL)
        return 0;
    self->is_quiet = 1;
    if ((code = feed_start(&self->feed, self->ctx, name)) == SCRIP_OK && header_read(self) == 1)
        count = csv_columns_count(&self->map, &self->header, &lacking);
    self->is_quiet = 0;
    feed_stop(&self->feed);
    csv_release(&self->kept);
    return lacking ? 0 : count;
}

#endif
