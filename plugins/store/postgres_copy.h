/* postgres_copy.h - many rows of one table by COPY, which takes a server about two thirds of the time that statements
 * do. It cannot be in a pipeline: the one before it is at its end, and another begins behind it, in the same
 * transaction. */
#ifndef SCRIP_POSTGRES_COPY_H
#define SCRIP_POSTGRES_COPY_H

#include "postgres_rows.h"

#define COPY_LEAST 256          /* rows that are worth two more round trips */
#define COPY_PART (64u * 1024u) /* bytes handed over at a time */

struct copy {
    char *bytes;
    size_t size, room;
};

/* Room for a value, with every byte of it escaped. */
static char *copy_room(struct copy *copy, size_t size)
{
    if (copy->room - copy->size < 2 * size + 32)
        copy->bytes = store_grow(copy->bytes, copy->room = (copy->size + 2 * size + 32) * 2);
    return copy->bytes + copy->size;
}

/* A value in COPY's text form: \N is none, and a backslash comes before what would end a value or a row. */
static void copy_value(struct copy *copy, const struct value *value)
{
    const char *bytes = value->bytes;
    char *at = copy_room(copy, value->kind == VALUE_BYTES ? value->size : 24), *start = at;

    if (value->kind == VALUE_NULL)
        at += sprintf(at, "\\N");
    else if (value->kind == VALUE_NUMBER)
        at += sprintf(at, "%lld", (long long)value->number);
    else
        for (uint64_t i = 0; i < value->size; i++) {
            char letter = bytes[i];

            if (letter == '\\' || letter == '\t' || letter == '\n' || letter == '\r') {
                *at++ = '\\';
                letter = (char)(letter == '\t' ? 't' : letter == '\n' ? 'n' : letter == '\r' ? 'r' : letter);
            }
            *at++ = letter;
        }
    copy->size += (size_t)(at - start);
}

/* `copy T (a, b) from stdin`; the table has no bytea, whose text form is another. */
static char *copy_statement(const struct rows *rows)
{
    struct text all = { 0 };
    char *at;

    text_add(&all, "copy %s (%s) from stdin", rows->table, rows->columns);
    for (at = strchr(all.start, '('); *at != ')'; at++)
        *at = *at == ' ' ? ',' : *at;
    return all.start;
}

/* Hands rows over. 0: the connection is gone, or takes no more: what is read next tells. */
static int copy_rows(struct base *b, const struct rows *rows, const void *array, uint64_t count, struct copy *copy)
{
    int columns = (int)strlen(rows->types), is_taken = 1;

    copy->size = 0;
    for (uint64_t i = 0; i < count && is_taken; i++) {
        struct value values[ARRAY_LIMIT];
        decimals scratch;

        rows->put(b, (const char *)array + i * rows->row_size, values, scratch);
        for (int column = 0; column < columns; column++) {
            copy_value(copy, &values[column]);
            copy->bytes[copy->size++] = column + 1 < columns ? '\t' : '\n';
        }
        if (copy->size >= COPY_PART || i + 1 == count) {
            is_taken = PQputCopyData(b->conn, copy->bytes, (int)copy->size) == 1;
            copy->size = 0;
        }
    }
    return is_taken;
}

/* Outside of a pipeline. What became of it: FATE_DONE, or what the fault means. */
static enum fate copy_once(struct base *b, const struct rows *rows, const char *sql, const void *array, uint64_t count,
                           struct copy *copy)
{
    PGresult *r = PQexec(b->conn, sql);
    enum fate fate = FATE_DONE;
    int is_open = PQresultStatus(r) == PGRES_COPY_IN;

    if (!is_open)
        fault_keep(b, "commit", r);
    PQclear(r);
    if (!is_open)
        return fault_fate(b);
    if (copy_rows(b, rows, array, count, copy) == 0 || PQputCopyEnd(b->conn, NULL) != 1) {
        fault_keep(b, "commit", NULL);
        fate = FATE_UNKNOWN;
    }
    while (PQstatus(b->conn) == CONNECTION_OK && (r = PQgetResult(b->conn)) != NULL) {
        if (!is_good(r) && fate == FATE_DONE) {
            fault_keep(b, "commit", r);
            fate = fault_fate(b);
        }
        PQclear(r);
    }
    if (PQstatus(b->conn) != CONNECTION_OK && fate == FATE_DONE) {
        fault_keep(b, "commit", NULL);
        fate = FATE_UNKNOWN;
    }
    return fate;
}

#endif
