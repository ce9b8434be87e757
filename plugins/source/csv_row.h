/* csv_row.h - one row of a CSV file into cells, in one pass over its bytes (RFC 4180).
 *
 *   a,"b ""c""
 *   d",e\r\n      three cells: a | b "c"\nd | e; the second is marked: its doubled quotes are still in it
 *
 * Cells are slices of the bytes. A quote counts where a cell begins; anywhere else in a cell without quotes it is a fault, as is
 * text behind a closing quote: a guess would put a part of one cell into another.
 */
#ifndef SCRIP_CSV_ROW_H
#define SCRIP_CSV_ROW_H

#include <scrip/plugin.h>

#include <string.h>

#define CSV_COLUMN_LIMIT 1024

struct csv_cell {
    const char *text;
    uint32_t size;
    uint32_t is_escaped; /* 1: holds doubled quotes */
};

/* In this order: a scan inside quotes goes on while a byte is below CSV_LF. */
enum csv_class { CSV_PLAIN, CSV_SPLIT, CSV_CR, CSV_LF, CSV_QUOTE, CSV_NUL, CSV_HIGH };

struct csv_shape {
    size_t size;       /* of the row with its line end */
    size_t content;    /* without it */
    size_t cell_count; /* also of those beyond CSV_COLUMN_LIMIT, which are not kept; the one with the fault included */
    uint64_t lines;    /* line ends in it; at a fault: before it */
    int has_high;      /* bytes that are not ASCII */
    int has_nul;
    int is_open;       /* the fault is a quote that is never closed, which what comes may do */
    const char *fault; /* what is wrong, where something is */
};

enum csv_end { CSV_ROW, CSV_MORE, CSV_FAULT };

static inline void csv_classes(unsigned char classes[256], char delimiter)
{
    memset(classes, CSV_PLAIN, 128);
    memset(classes + 128, CSV_HIGH, 128);
    classes[0] = CSV_NUL;
    classes['\r'] = CSV_CR;
    classes['\n'] = CSV_LF;
    classes['"'] = CSV_QUOTE;
    classes[(unsigned char)delimiter] = CSV_SPLIT;
}

static inline const char *csv_plain(const unsigned char *classes, const char *p, struct csv_shape *shape)
{
    for (;; p++) {
        while (classes[(unsigned char)*p] == CSV_PLAIN)
            p++;
        if (classes[(unsigned char)*p] < CSV_NUL)
            return p;
        shape->has_nul |= *p == 0;
        shape->has_high |= *p != 0;
    }
}

/* From behind the opening quote to the closing one; NULL: it is not among these bytes. */
static inline const char *csv_quoted(const unsigned char *classes, const char *p, const char *end, int is_last,
                                     struct csv_shape *shape, uint32_t *is_escaped)
{
    for (;; p++) {
        while (classes[(unsigned char)*p] < CSV_LF)
            p++;
        switch (classes[(unsigned char)*p]) {
        case CSV_LF:
            if (p >= end)
                return NULL;
            shape->lines++;
            break;
        case CSV_QUOTE:
            if (p + 1 >= end)
                return is_last ? p : NULL;
            if (p[1] != '"')
                return p;
            *is_escaped = 1;
            p++;
            break;
        case CSV_NUL:
            shape->has_nul = 1;
            break;
        default:
            shape->has_high = 1;
        }
    }
}

static inline enum csv_end csv_fault(struct csv_shape *shape, const char *fault)
{
    shape->fault = fault;
    return CSV_FAULT;
}

/* The row ends at p, where its line end is or nothing more comes. */
static inline enum csv_end csv_finish(const char *start, const char *p, const char *end, int is_last,
                                      struct csv_shape *shape)
{
    int is_cr = p < end && *p == '\r';

    if (p + is_cr >= end) {
        if (!is_last)
            return CSV_MORE;
    } else if (p[is_cr] != '\n') {
        return csv_fault(shape, "a carriage return inside a cell without quotes: quote the cell, or save "
                                "the file with lines that end in LF");
    } else {
        shape->lines++;
    }
    shape->content = (size_t)(p - start);
    shape->size = shape->content + (size_t)is_cr + (p + is_cr < end);
    return CSV_ROW;
}

/* Reads the row that begins at start. A line end must stand at *end, which is behind the last byte. is_last: nothing comes
 * behind end. CSV_MORE: the row does not end here; shape->fault tells a quote that is open, shape->lines the line of it. */
static inline enum csv_end csv_parse(const unsigned char *classes, const char *start, const char *end, int is_last,
                                     struct csv_cell *cells, struct csv_shape *shape)
{
    const char *p = start, *from;
    struct csv_cell spare;

    memset(shape, 0, sizeof *shape);
    for (;; p++) {
        struct csv_cell *cell = shape->cell_count < CSV_COLUMN_LIMIT ? &cells[shape->cell_count] : &spare;

        cell->is_escaped = 0;
        if (*p == '"') {
            uint64_t line = shape->lines;

            from = p + 1;
            p = csv_quoted(classes, from, end, is_last, shape, &cell->is_escaped);
            if (p == NULL) {
                shape->lines = line;
                shape->cell_count++;
                shape->is_open = 1;
                shape->fault = "a quote is opened here and never closed: close it, or double it";
                return is_last ? CSV_FAULT : CSV_MORE;
            }
            cell->size = (uint32_t)(p - from);
            p++;
        } else {
            from = p;
            p = csv_plain(classes, p, shape);
            cell->size = (uint32_t)(p - from);
        }
        cell->text = from;
        shape->cell_count++;
        switch (classes[(unsigned char)*p]) {
        case CSV_SPLIT:
            continue;
        case CSV_CR:
        case CSV_LF:
            return csv_finish(start, p, end, is_last, shape);
        default:
            return csv_fault(shape, *p == '"'
                                        ? "a quote inside a cell without quotes: quote the cell"
                                        : "text behind a closing quote: double quotes inside a cell");
        }
    }
}

/* A cell's text without the doubling of its quotes; at most its size. */
static inline size_t csv_unescape(const struct csv_cell *cell, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < cell->size; i++) {
        out[n++] = cell->text[i];
        if (cell->text[i] == '"')
            i++;
    }
    return n;
}

/* How many bytes the character at text has; 0: it is none. */
static inline size_t csv_character(const unsigned char *text, size_t size)
{
    static const unsigned char least[5] = { 0, 0, 0x80, 0xa0, 0x90 };
    size_t count = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3
                                                                                : text[0] < 0xf5 ? 4 : 0;

    if (count == 0 || count > size)
        return 0;
    for (size_t i = 1; i < count; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    /* Neither a longer form of a short one, nor half of a pair, nor beyond the last. */
    if ((text[0] == 0xe0 || text[0] == 0xf0) && text[1] < least[count])
        return 0;
    if ((text[0] == 0xed && text[1] > 0x9f) || (text[0] == 0xf4 && text[1] > 0x8f))
        return 0;
    return count;
}

static inline int csv_is_utf8(const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + size;

    while (at < end) {
        size_t count = csv_character(at, (size_t)(end - at));

        if (count == 0)
            return 0;
        at += count;
    }
    return 1;
}

#endif
