/* sql_rows.h - what sources of database rows share: which statements, where to go on, rows into events.
 *
 *   select * from (TABLE or QUERY) where KEY > last order by KEY limit BLOCK     a block of rows; the next one, until
 * one is empty select count ...  where KEY <= last                                          before: is what was read
 * still what is there?
 *
 * KEY is a column of whole numbers that only grows, as an identity column does. A cursor's position is the last key
 * plus 1, its line the number of rows up to it. Where fewer rows are there than were read, some vanished, which is
 * said. Where more are there, some came late with keys before the last one, as those of a long transaction do; where
 * the last one is gone, it may be another table: then all is read from the start, and what is known already counts as
 * duplicate.
 */
#ifndef SCRIP_SQL_ROWS_H
#define SCRIP_SQL_ROWS_H

#include "../report/json_text.h"
#include "csv_make.h"

#include <errno.h>

#define SQL_BLOCK 4096 /* rows of one statement: no transaction stays open between two of them */

#define SQL_OPTIONS                                                                                                   \
    { "table", SCRIP_OPTION_NAME, NULL, NULL, 0, "table or view to read: NAME, or SCHEMA.NAME" },                     \
        { "query", SCRIP_OPTION_TEXT, NULL, NULL, 0, "in its place: a select, in one line" },                         \
        { "query_file", SCRIP_OPTION_PATH, NULL, NULL, 0, "the same from a file: for long ones" },                    \
        { "key", SCRIP_OPTION_NAME, NULL, NULL, 1,                                                                    \
          "column of whole numbers from 0 that only grows: where it goes on; and a row's id, where no other is "      \
          "named" },                                                                                                  \
        { "check", SCRIP_OPTION_BOOL, "yes", NULL, 0,                                                                 \
          "yes: rows up to the last known key are counted first, to notice what vanished or came late; no: for "      \
          "tables too large" },                                                                                       \
        CSV_MAP_OPTIONS

struct sql {
    struct csv_maker make;
    char *block; /* the statements */
    char *count;
    char *query; /* of query_file */
    const char *feed;
    size_t key;    /* its column */
    int64_t last;  /* key of the last row; -1: none */
    uint64_t line; /* of the last row: how many there are up to it */
    int is_begun;
    char *bytes; /* of the row at hand, as JSON; SCRIP_ROW_SIZE */
    size_t size;
    int is_too_long;
};

/* ---- statements ------------------------------------------------------------------------------------------- */

/* A name in quotes, at out; what is behind it. Two bytes for each of its bytes, and two more. */
static inline char *sql_quote(char *out, const char *name, size_t size)
{
    *out++ = '"';
    for (size_t i = 0; i < size; i++) {
        if (name[i] == '"')
            *out++ = '"';
        *out++ = name[i];
    }
    *out++ = '"';
    *out = 0;
    return out;
}

/* Where rows come from, to be freed: a name in quotes, or the query in parentheses. */
static inline char *sql_from(const struct sql *self, struct scrip_ctx *ctx)
{
    const char *table = ctx->host->option_text(ctx, "table");
    const char *query = self->query ? self->query : ctx->host->option_text(ctx, "query"), *point = strchr(table, '.');
    size_t size = strlen(query);
    char *out = malloc(2 * strlen(table) + size + 16), *at = out;

    while (size > 0 && strchr("; \t\r\n", query[size - 1]) != NULL)
        size--;
    if (out != NULL && table[0] == 0) {
        sprintf(out, "(%.*s\n) as feed", (int)size, query); /* a comment at its end ends with the line */
    } else if (out != NULL) {
        if (point != NULL) {
            at = sql_quote(at, table, (size_t)(point - table));
            *at++ = '.';
            table = point + 1;
        }
        sql_quote(at, table, strlen(table));
    }
    return out;
}

static inline int sql_query_read(struct sql *self, struct scrip_ctx *ctx)
{
    const char *path = ctx->host->option_text(ctx, "query_file");
    FILE *in = fopen(path, "rb");
    size_t size = 0, most = 65536;
    int code = SCRIP_OK;

    self->query = calloc(1, most + 1);
    if (in == NULL)
        code = scrip_fail(ctx, SCRIP_EIO, "query_file: %s: cannot be opened: %s", path, strerror(errno));
    else if (self->query == NULL)
        code = csv_memory_fault(ctx);
    else if ((size = fread(self->query, 1, most, in)) == most || ferror(in) || strlen(self->query) != size)
        code = scrip_fail(ctx, SCRIP_EINVALID, "query_file: %s: want a select of less than 65536 bytes", path);
    if (in != NULL)
        fclose(in);
    return code;
}

/* parameter: how this database names a statement's first one. */
static inline int sql_open(struct sql *self, struct scrip_ctx *ctx, const char *parameter)
{
    static const char *const origins[] = { "table", "query", "query_file" };
    const char *name = ctx->host->option_text(ctx, "key");
    char key[2 * SCRIP_NAME_SIZE + 3], *from;
    int code = csv_maker_open(&self->make, ctx), origin_count = 0;

    self->bytes = malloc(SCRIP_ROW_SIZE);
    if (code == SCRIP_OK && self->bytes == NULL)
        code = csv_memory_fault(ctx);
    for (size_t i = 0; i < 3; i++)
        origin_count += ctx->host->option_given(ctx, origins[i]);
    if (code == SCRIP_OK && origin_count != 1)
        return scrip_fail(ctx, SCRIP_EINVALID, "table: want one of table, query and query_file");
    if (code == SCRIP_OK && ctx->host->option_given(ctx, "query_file"))
        code = sql_query_read(self, ctx);
    if (code < 0)
        return code;
    if (self->make.map.identity == CSV_ID_ROW)
        self->make.map.identity = CSV_ID_GIVEN;
    sql_quote(key, name, strlen(name));
    from = sql_from(self, ctx);
    if (from == NULL ||
        asprintf(&self->block, "select * from %s where %s > %s order by %s limit %d", from, key, parameter, key,
                 SQL_BLOCK) < 0 ||
        asprintf(&self->count,
                 "select sum(case when %s >= 0 then 1 else 0 end), sum(case when %s >= 0 then 0 else 1 end), max(%s) "
                 "from %s "
                 "where %s <= %s or %s < 0 or %s is null",
                 key, key, key, from, key, parameter, key, key) < 0)
        code = csv_memory_fault(ctx);
    free(from);
    return code;
}

static inline void sql_close(struct sql *self)
{
    csv_maker_close(&self->make);
    free(self->block);
    free(self->count);
    free(self->query);
    free(self->bytes);
}

/* ---- where to go on --------------------------------------------------------------------------------------- */

static inline int sql_feeds(struct scrip_ctx *ctx, struct scrip_rows *out, const char *kind)
{
    char name[SCRIP_NAME_SIZE + 16];

    snprintf(name, sizeof name, "%s:%s", kind, ctx->instance);
    return ctx->host->feed_add(ctx, out, name);
}

static inline int sql_feed_open(struct sql *self, const char *kind, const char *name, const struct scrip_cursor *from)
{
    struct scrip_ctx *ctx = self->make.ctx;

    if (strncmp(name, kind, strlen(kind)) != 0 || name[strlen(kind)] != ':')
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: is a file: this source reads a database, by `scrip run`", name);
    self->feed = name;
    self->last = from->position > 0 && from->position <= INT64_MAX ? (int64_t)from->position - 1 : -1;
    self->line = self->last >= 0 ? from->line : 0;
    self->is_begun = 0;
    return SCRIP_OK;
}

/* Of the rows up to the last known key: how many there are, the last one's key (-1: none); and how many rows have no
 * key, or one below 0. */
static inline int sql_known_check(struct sql *self, uint64_t count, int64_t last, uint64_t nulls)
{
    struct scrip_ctx *ctx = self->make.ctx;

    if (nulls > 0)
        return scrip_fail(
            ctx, SCRIP_EINVALID,
            "%s: %llu rows have no %s from 0 on: they would never be read: mend them, or name another key", self->feed,
            (unsigned long long)nulls, ctx->host->option_text(ctx, "key"));
    if (self->last < 0 || (count == self->line && last == self->last))
        return SCRIP_OK;
    if (last != self->last) {
        ctx->host->log(
            ctx,
            "%s: keys went back: the row with key %lld, the last that was read, is not there any more: it is read "
            "from its start again",
            self->feed, (long long)self->last);
    } else if (count > self->line) {
        ctx->host->log(ctx, "%s: %llu rows came late, with keys up to %lld: it is read from its start again",
                       self->feed, (unsigned long long)(count - self->line), (long long)self->last);
    } else {
        ctx->host->log(ctx,
                       "%s: %llu rows that were read are not there any more: what they were charged stays in the books",
                       self->feed, (unsigned long long)(self->line - count));
        self->line = count;
        return SCRIP_OK;
    }
    self->last = -1;
    self->line = 0;
    return SCRIP_OK;
}

/* Names of the result's columns: where the key is, and what the map wants. */
static inline int sql_columns(struct sql *self, const char *const *names, size_t count)
{
    const char *key = self->make.ctx->host->option_text(self->make.ctx, "key");
    int code;

    if (count > CSV_COLUMN_LIMIT)
        return scrip_fail(self->make.ctx, SCRIP_ELIMIT, "%s: more than %d columns", self->feed, CSV_COLUMN_LIMIT);
    csv_maker_stop(&self->make);
    for (size_t i = 0; i < count; i++)
        self->make.cells[i] = (struct csv_cell){ names[i], (uint32_t)strlen(names[i]), 0 };
    if ((code = csv_header_keep(self->make.ctx, self->make.cells, count, &self->make.kept, &self->make.header)) < 0 ||
        (code = csv_columns_find(&self->make.map, &self->make.header, self->feed)) < 0)
        return code;
    for (self->key = 0; self->key < count && strcmp(names[self->key], key) != 0;)
        self->key++;
    if (self->key == count)
        return scrip_fail(self->make.ctx, SCRIP_EINVALID, "%s: no column '%s': mend key", self->feed, key);
    csv_maker_start(&self->make, self->feed, 1);
    return SCRIP_OK;
}

/* ---- rows ------------------------------------------------------------------------------------------------- */

static inline int sql_put(struct scrip_ctx *ctx, const void *bytes, uint64_t size)
{
    struct sql *self = ctx->self; /* every source of rows begins with it */

    if (size > SCRIP_ROW_SIZE - self->size)
        self->is_too_long = 1;
    else {
        memcpy(self->bytes + self->size, bytes, size);
        self->size += size;
    }
    return SCRIP_OK;
}

/* The row as people see it in quarantine: its columns in order. */
static inline void sql_bytes(struct sql *self)
{
    struct scrip_ctx *ctx = self->make.ctx;

    self->size = 0;
    self->is_too_long = 0;
    for (size_t i = 0; i < self->make.header.count; i++) {
        sql_put(ctx, i ? "," : "{", 1);
        json_string(ctx, sql_put, self->make.header.names[i].text);
        sql_put(ctx, ":", 1);
        json_string(ctx, sql_put, self->make.cells[i].text);
    }
    sql_put(ctx, "}", 1);
}

/* The key as a whole number from 0; -1: it is none. */
static inline int64_t sql_key(const char *text)
{
    int64_t key = 0;

    if (*text == 0)
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(key, 10, &key) ||
            __builtin_add_overflow(key, *text - '0', &key))
            return -1;
    }
    return key < INT64_MAX ? key : -1;
}

/* A row whose cells stand in make.cells, each text ended by NUL; null is "". */
static inline int sql_row(struct sql *self, struct scrip_rows *out)
{
    struct csv_maker *make = &self->make;
    struct scrip_row row = { .time_us = SCRIP_TIME_NONE, .end_us = SCRIP_TIME_NONE };
    const char *text = make->cells[self->key].text, *name = make->ctx->host->option_text(make->ctx, "key");
    int64_t key = sql_key(text);
    enum csv_fate fate;

    if (key < 0)
        return scrip_fail(make->ctx, SCRIP_EINVALID,
                          "%s: %s: '%.40s' is no whole number from 0: name a column of those with `key`", self->feed,
                          name, text);
    if (key <= self->last)
        return scrip_fail(make->ctx, SCRIP_EINVALID,
                          "%s: %s: %lld is there twice: name a column that is unique with `key`", self->feed, name,
                          (long long)key);
    sql_bytes(self);
    make->reason[0] = 0;
    for (size_t i = 0; i < make->header.count && !make->reason[0]; i++)
        if (!csv_is_utf8(make->cells[i].text, make->cells[i].size) ||
            strlen(make->cells[i].text) != make->cells[i].size)
            snprintf(make->reason, sizeof make->reason, "%s: is no UTF-8 text, or holds a NUL",
                     make->header.names[i].text);
    if (self->is_too_long)
        snprintf(make->reason, sizeof make->reason, "longer than %d bytes", SCRIP_ROW_SIZE);
    make->id_size = (size_t)snprintf(make->id, sizeof make->id, "%lld", (long long)key);
    row.bytes = self->bytes;
    row.size = self->size;
    row.line = ++self->line;
    row.position = (uint64_t)key + 1;
    self->last = key;
    if ((fate = csv_row_make(make, &row, row.size)) == CSV_FAILED)
        return SCRIP_ELIMIT;
    return csv_row_give(make, out, &row, fate);
}

#endif
