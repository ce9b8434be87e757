/* table.h - CSV files with a header, read by the names of their columns: what sheets of prices are written in.
 *
 * Columns may stand in any order; which must be there, the sheet says. A fault names file, line and what was found.
 */
#ifndef SCRIP_TABLE_H
#define SCRIP_TABLE_H

#include <scrip/plugin.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_COLUMNS 32 /* of a file */
#define TABLE_FIELD_SIZE 256
#define TABLE_SIZE (64 * 1024 * 1024)
#define TABLE_LABEL_SIZE 251

struct table {
    struct scrip_ctx *ctx;
    const char *path, *name; /* name: the path's last part */
    char *bytes;
    const char *at, *end;
    uint64_t line;
    const char *const *columns; /* the known ones; NULL-terminated */
    const char *must;           /* those that a file must have, as in messages: "product, rate and currency" */
    int places[TABLE_COLUMNS];  /* which field of a row each known column is; -1: absent */
    char fields[TABLE_COLUMNS][TABLE_FIELD_SIZE];
    int field_count;
};

static inline int table_fault(struct table *t, const char *what, const char *found)
{
    return scrip_fail(t->ctx, SCRIP_EINVALID, "%s:%llu: %s (found '%.60s')", t->path, (unsigned long long)t->line, what,
                      found);
}

/* One field, perhaps quoted; stands behind it afterwards. */
static inline int table_field(struct table *t, char *out)
{
    size_t n = 0;
    int is_quoted = t->at < t->end && *t->at == '"';

    for (t->at += is_quoted; t->at < t->end; t->at++) {
        if (is_quoted && *t->at == '"') {
            if (t->at + 1 >= t->end || t->at[1] != '"') {
                t->at++;
                is_quoted = 0;
                break;
            }
            t->at++;
        } else if (!is_quoted && (*t->at == ',' || *t->at == '\n' || *t->at == '\r'))
            break;
        if (n + 1 >= TABLE_FIELD_SIZE || *t->at == 0)
            return table_fault(t, "a field longer than 255 bytes, or with a NUL: shorten it", "");
        out[n++] = *t->at;
    }
    out[n] = 0;
    if (is_quoted)
        return table_fault(t, "a quote that is never closed", out);
    return SCRIP_OK;
}

/* One line into fields: 1, 0 at the end, or the fault. */
static inline int table_line(struct table *t)
{
    t->field_count = 0;
    if (t->at >= t->end)
        return 0;
    t->line++;
    for (;;) {
        if (t->field_count == TABLE_COLUMNS)
            return table_fault(t, "more than 32 columns", "");
        if (table_field(t, t->fields[t->field_count++]) < 0)
            return SCRIP_EINVALID;
        if (t->at < t->end && *t->at == ',') {
            t->at++;
            continue;
        }
        if (t->at < t->end && *t->at == '\r')
            t->at++;
        if (t->at < t->end && *t->at++ != '\n')
            return table_fault(t, "text behind a closing quote", t->fields[t->field_count - 1]);
        return 1;
    }
}

/* The next row that is not blank: 1, 0 at the end, or the fault. */
static inline int table_next(struct table *t)
{
    int code;

    while ((code = table_line(t)) > 0 && t->field_count == 1 && t->fields[0][0] == 0)
        ;
    for (int f = t->field_count; code > 0 && f-- > 0;) {
        int is_known = 0;

        for (int c = 0; t->columns[c] != NULL; c++)
            is_known |= t->places[c] == f;
        if (!is_known && t->fields[f][0])
            return table_fault(t, "a field under no column: is there a comma too many", t->fields[f]);
    }
    return code;
}

static inline const char *table_text(const struct table *t, int column)
{
    int place = t->places[column];

    return place >= 0 && place < t->field_count ? t->fields[place] : "";
}

/* 1: the file has the column, in whatever rows. */
static inline int table_has(const struct table *t, int column)
{
    return t->places[column] >= 0;
}

static inline int table_unknown(struct table *t, const char *found)
{
    char wanted[TABLE_FIELD_SIZE] = "an unknown column: want ";
    size_t used = strlen(wanted);

    for (int c = 0; t->columns[c] != NULL && used < sizeof wanted; c++)
        used += (size_t)snprintf(wanted + used, sizeof wanted - used, "%s%s", c ? ", " : "", t->columns[c]);
    return table_fault(t, wanted, found);
}

static inline int table_header(struct table *t)
{
    char what[TABLE_FIELD_SIZE];
    int code;

    if (t->end - t->at >= 3 && memcmp(t->at, "\xef\xbb\xbf", 3) == 0)
        t->at += 3;
    if ((code = table_line(t)) <= 0) {
        snprintf(what, sizeof what, "empty: want a header that has %s", t->must);
        return code < 0 ? code : table_fault(t, what, "");
    }
    for (int c = 0; t->columns[c] != NULL; c++)
        t->places[c] = -1;
    for (int f = 0; f < t->field_count; f++) {
        int c = 0;

        while (t->columns[c] != NULL && strcmp(t->columns[c], t->fields[f]) != 0)
            c++;
        if (t->columns[c] != NULL && t->places[c] >= 0)
            return table_fault(t, "a column given twice", t->fields[f]);
        if (t->columns[c] != NULL)
            t->places[c] = f;
        else if (t->fields[f][0])
            return table_unknown(t, t->fields[f]);
    }
    return SCRIP_OK;
}

/* For a header that lacks a column of `must`. */
static inline int table_missing(struct table *t)
{
    char what[TABLE_FIELD_SIZE];

    snprintf(what, sizeof what, "a column is missing: %s must be there", t->must);
    return table_fault(t, what, t->fields[0]);
}

static inline int table_bytes(struct scrip_ctx *ctx, const char *path, char **bytes, size_t *size)
{
    FILE *in = fopen(path, "rb");
    long length;
    int code = SCRIP_OK;

    if (in == NULL)
        return scrip_fail(ctx, SCRIP_EIO, "sheet %s: %s: name a file that may be read", path, strerror(errno));
    if (fseek(in, 0, SEEK_END) == 0 && (length = ftell(in)) >= 0 && length <= TABLE_SIZE &&
        fseek(in, 0, SEEK_SET) == 0 && (*bytes = malloc((size_t)length + 1)) != NULL)
        *size = fread(*bytes, 1, (size_t)length, in);
    else
        code = scrip_fail(ctx, SCRIP_ELIMIT, "sheet %s: not a file of at most 64 MiB", path);
    fclose(in);
    return code;
}

/* Opens the file and reads its header; its bytes go into the digest of the instance's prices. */
static inline int table_open(struct scrip_ctx *ctx, const char *path, const char *const *columns, const char *must,
                             struct table **out)
{
    struct table *t = calloc(1, sizeof *t);
    const char *slash = strrchr(path, '/');
    size_t size = 0;
    int code;

    *out = t;
    if (t == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "%s: no memory to read it", path);
    t->ctx = ctx;
    t->path = path;
    t->name = slash ? slash + 1 : path;
    t->columns = columns;
    t->must = must;
    if ((code = table_bytes(ctx, path, &t->bytes, &size)) == SCRIP_OK) {
        ctx->host->digest_add(ctx, t->bytes, size);
        t->at = t->bytes;
        t->end = t->bytes + size;
        code = table_header(t);
    }
    if (code == SCRIP_OK)
        return code;
    free(t->bytes);
    free(t);
    *out = NULL;
    return code;
}

static inline void table_close(struct table *t)
{
    free(t->bytes);
    free(t);
}

static inline char *table_copy(const char *text)
{
    char *copy = malloc(strlen(text) + 1);

    return copy ? strcpy(copy, text) : NULL;
}

/* Room for one more at the end of an array. */
static inline int table_room(struct table *t, void *array, size_t size, size_t count, size_t *room)
{
    size_t wanted = *room ? *room * 2 : 64;
    void *grown, *old;

    if (count < *room)
        return SCRIP_OK;
    memcpy(&old, array, sizeof old);
    if ((grown = realloc(old, wanted * size)) == NULL)
        return scrip_fail(t->ctx, SCRIP_ENOMEM, "%s: no memory for its rows", t->path);
    memcpy(array, &grown, sizeof grown);
    *room = wanted;
    return SCRIP_OK;
}

/* A date, or `open` where the field is empty. */
static inline int table_time(struct table *t, int column, int64_t open, int64_t *out)
{
    const char *text = table_text(t, column);
    char what[TABLE_FIELD_SIZE];

    *out = open;
    if (text[0] == 0 || t->ctx->host->time_parse(text, strlen(text), NULL, "", out) == SCRIP_OK)
        return SCRIP_OK;
    snprintf(what, sizeof what, "%s: want a date such as 2022-03-29, or nothing", t->columns[column]);
    return table_fault(t, what, text);
}

/* A decimal of 0 or more; an empty field leaves *out as it is. */
static inline int table_decimal(struct table *t, int column, struct scrip_decimal *out)
{
    const char *text = table_text(t, column);
    char what[TABLE_FIELD_SIZE];

    if (text[0] == 0 || (t->ctx->host->decimal_parse(text, strlen(text), out) == SCRIP_OK && out->whole >= 0))
        return SCRIP_OK;
    snprintf(what, sizeof what, "%s: want a decimal number of 0 or more", t->columns[column]);
    return table_fault(t, what, text);
}

/* The same for a number that something is divided by. */
static inline int table_divisor(struct table *t, int column, struct scrip_decimal *out)
{
    char what[TABLE_FIELD_SIZE];

    if (table_decimal(t, column, out) < 0)
        return SCRIP_EINVALID;
    if (out->whole > 0 || out->atto > 0 || table_text(t, column)[0] == 0)
        return SCRIP_OK;
    snprintf(what, sizeof what, "%s: want a number above 0", t->columns[column]);
    return table_fault(t, what, table_text(t, column));
}

static inline int table_currency(struct table *t, int column)
{
    if (t->ctx->host->currency_find(t->ctx, table_text(t, column), NULL) < 0)
        return table_fault(t, "currency: not configured: add a section [currency/... CODE]", table_text(t, column));
    return SCRIP_OK;
}

/* What explanations call a row: "rates.csv:7 PRODUCT LABEL". */
static inline char *table_label(const struct table *t, const char *product, const char *label)
{
    char text[TABLE_FIELD_SIZE * 3];
    size_t size;
    int is_cut = 0; /* between characters, not inside one */

    snprintf(text, sizeof text, "%s:%llu %s%s%s", t->name, (unsigned long long)t->line, product, label[0] ? " " : "",
             label);
    size = strlen(text);
    while (size >= TABLE_LABEL_SIZE || (is_cut && ((unsigned char)text[size] & 0xc0) == 0x80)) {
        is_cut = 1;
        size--;
    }
    text[size] = 0;
    return table_copy(text);
}

/* The first of rows that are in the order of what their first member, a text, says; NULL: there is none. */
static inline const void *table_find(const void *rows, size_t count, size_t size, const char *text)
{
    size_t low = 0, high = count;
    char *const *row;

    while (low < high) {
        size_t middle = (low + high) / 2;

        row = (char *const *)((const char *)rows + middle * size);
        if (strcmp(*row, text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    row = (char *const *)((const char *)rows + low * size);
    return low < count && strcmp(*row, text) == 0 ? row : NULL;
}

/* What rows of dated prices are sorted by: product, currency, the newest first, of one date the last line first. */
struct table_key {
    const char *product, *currency;
    int64_t from_us;
    uint64_t line;
};

static inline int table_key_order(const struct table_key *a, const struct table_key *b)
{
    int order = strcmp(a->product, b->product);

    if (order == 0)
        order = strcmp(a->currency, b->currency);
    if (order != 0)
        return order;
    if (a->from_us != b->from_us)
        return a->from_us > b->from_us ? -1 : 1;
    return a->line > b->line ? -1 : 1;
}

#endif
