/* csv_row.h - one row of a CSV feed cut into columns (RFC 4180), without a copy where that can be. */
#ifndef SCRIP_CSV_ROW_H
#define SCRIP_CSV_ROW_H

#include "feed.h"

#define CSV_COLUMN_LIMIT 512

struct csv_column {
    const char *text;
    size_t size;
};

struct csv_row {
    struct csv_column columns[CSV_COLUMN_LIMIT];
    size_t count;
    size_t size;   /* of the row with its line end */
    size_t lines;  /* line ends in it */
    char *scratch; /* of quoted columns with doubled quotes */
    size_t scratch_size, scratch_room;
    const char *fault;
};

enum csv_end { CSV_WHOLE, CSV_MORE, CSV_BAD };

/* A quoted column from the quote at `at`: *next behind it. Doubled quotes are taken out into the scratch, which is as long as
 * the row and so never moves. */
static enum csv_end csv_quoted(struct csv_row *row, const char *at, const char *end, const char **next)
{
    struct csv_column *column = &row->columns[row->count];
    const char *start = ++at, *quote;
    char *out = NULL;

    for (;;) {
        quote = memchr(at, '"', (size_t)(end - at));
        if (quote == NULL || quote + 1 == end) {
            *next = quote ? quote + 1 : end;
            if (quote == NULL)
                return CSV_MORE;
            break;
        }
        if (quote[1] != '"')
            break;
        if (out == NULL)
            out = row->scratch + row->scratch_size;
        memcpy(row->scratch + row->scratch_size, start, (size_t)(quote + 1 - start));
        row->scratch_size += (size_t)(quote + 1 - start);
        start = at = quote + 2;
    }
    for (const char *c = start; c < quote; c++)
        row->lines += *c == '\n';
    if (out != NULL) {
        memcpy(row->scratch + row->scratch_size, start, (size_t)(quote - start));
        row->scratch_size += (size_t)(quote - start);
        column->text = out;
        column->size = (size_t)(row->scratch + row->scratch_size - out);
    } else {
        column->text = start;
        column->size = (size_t)(quote - start);
    }
    *next = quote + 1;
    return CSV_WHOLE;
}

/* Cuts the row at start. CSV_MORE: it does not end before `end`; where nothing follows, it ends there. */
static enum csv_end csv_cut(struct csv_row *row, const char *start, const char *end, char delimiter, int is_last)
{
    const char *at = start, *next;

    row->count = row->lines = row->scratch_size = 0;
    row->fault = NULL;
    if (row->scratch_room < (size_t)(end - start)) {
        row->scratch_room = (size_t)(end - start) * 2;
        row->scratch = realloc(row->scratch, row->scratch_room);
        if (row->scratch == NULL)
            abort();
    }
    for (;;) {
        struct csv_column *column = &row->columns[row->count];

        if (at < end && *at == '"') {
            if (csv_quoted(row, at, end, &next) == CSV_MORE)
                return is_last ? (row->fault = "a quote that is never closed", CSV_BAD) : CSV_MORE;
            if (next == end && !is_last)
                return CSV_MORE;
            if (next < end && *next != delimiter && *next != '\n' && !(*next == '\r' && (next + 1 == end || next[1] == '\n')))
                row->fault = "text behind a closing quote";
            while (row->fault && next < end && *next != delimiter && *next != '\n')
                next++;
        } else {
            for (next = at; next < end && *next != delimiter && *next != '\n';)
                next++;
            if (next == end && !is_last)
                return CSV_MORE;
            column->text = at;
            column->size = (size_t)(next - at);
            if ((next == end || *next == '\n') && column->size && next[-1] == '\r')
                column->size--;
        }
        if (row->count + 1 < CSV_COLUMN_LIMIT)
            row->count++;
        else
            row->fault = "more than 512 columns";
        if (next < end && *next == '\r')
            next++;
        if (next >= end || *next == '\n') {
            row->lines += next < end;
            row->size = (size_t)((next < end ? next + 1 : end) - start);
            return row->fault ? CSV_BAD : CSV_WHOLE;
        }
        at = next + 1;
    }
}

#endif
