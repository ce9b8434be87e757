/* postgres_value.h - values on their way to the server: one array a column, in PostgreSQL's binary form, so that one
 * statement with unnest writes many rows and its text is the same for any number of them. */
#ifndef SCRIP_POSTGRES_VALUE_H
#define SCRIP_POSTGRES_VALUE_H

#include "postgres_base.h"

enum value_kind { VALUE_NULL, VALUE_NUMBER, VALUE_BYTES };

struct value {
    enum value_kind kind;
    int64_t number;
    const void *bytes;
    uint64_t size;
};

/* An array as it is sent:
 *
 *     dimensions 4 | has nulls 4 | type 4 | count 4 | lower bound 4 | then each: size 4 (-1: null), bytes */
struct array {
    uint8_t *bytes;
    size_t size, room;
    uint32_t count;
};
#define ARRAY_HEAD 20
#define ARRAY_LIMIT 28 /* columns of the widest table, and one to spare */

/* ---- values --------------------------------------------------------------------------------------------------- */

static struct value number_of(int64_t number)
{
    return (struct value){ VALUE_NUMBER, number, NULL, 0 };
}

static struct value null_value(void)
{
    return (struct value){ VALUE_NULL, 0, NULL, 0 };
}

/* NULL for 0. */
static struct value number_or_null(int64_t number)
{
    return number ? number_of(number) : null_value();
}

static struct value time_of(int64_t time_us)
{
    return time_us != SCRIP_TIME_NONE ? number_of(time_us) : null_value();
}

static struct value text_of(const void *bytes, uint64_t size)
{
    return (struct value){ VALUE_BYTES, 0, size ? bytes : "", size };
}

/* NULL for what is absent. */
static struct value text_or_null(const void *bytes, uint64_t size)
{
    return size ? text_of(bytes, size) : null_value();
}

/* scratch lives until the value was added to its array. */
static struct value decimal_of(const struct base *b, int64_t is_there, const struct scrip_decimal *value,
                               char scratch[48])
{
    return is_there ? text_of(scratch, b->ctx->host->decimal_write(value, scratch, 48)) : null_value();
}

/* ---- checks of rows ------------------------------------------------------------------------------------------- */

/* The hash that a row carries where no replay of the books could prove it: of its table and its values. */
static int64_t check_of(struct base *b, const char *table, const struct value *values, int count)
{
    b->bytes.size = 0;
    store_bytes_add(&b->bytes, table, strlen(table));
    for (int i = 0; i < count; i++) {
        uint8_t kind = (uint8_t)values[i].kind;

        store_bytes_add(&b->bytes, &kind, 1);
        if (values[i].kind == VALUE_NUMBER)
            store_bytes_add_number(&b->bytes, values[i].number);
        else if (values[i].kind == VALUE_BYTES)
            store_bytes_add(&b->bytes, values[i].bytes, values[i].size);
    }
    return store_bytes_end(b->ctx, &b->bytes);
}

/* ---- arrays --------------------------------------------------------------------------------------------------- */

static void put_32(uint8_t *at, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(number >> (24 - 8 * i));
}

static void array_start(struct array *array)
{
    if (array->room == 0)
        array->bytes = store_grow(NULL, array->room = 4096);
    memset(array->bytes, 0, ARRAY_HEAD);
    array->size = ARRAY_HEAD;
    array->count = 0;
}

/* The types of columns: 2, 4 and 8 are integers of so many bytes, t text, b bytes, d decimal (sent as text). */
static uint32_t type_number(char type)
{
    switch (type) {
    case '2':
        return 21;
    case '4':
        return 23;
    case '8':
        return 20;
    case 'b':
        return 17;
    default:
        return 25;
    }
}

static const char *type_array(char type)
{
    switch (type) {
    case '2':
        return "int2[]";
    case '4':
        return "int4[]";
    case '8':
        return "int8[]";
    case 'b':
        return "bytea[]";
    default:
        return "text[]";
    }
}

static void array_add(struct array *array, char type, const struct value *value)
{
    size_t width = type >= '2' && type <= '8' ? (size_t)(type - '0') : value->size;
    uint8_t *at;

    if (array->room - array->size < width + 4)
        array->bytes = store_grow(array->bytes, array->room = (array->size + width + 4) * 2);
    at = array->bytes + array->size;
    array->count++;
    put_32(array->bytes + 8, type_number(type));
    if (value->kind == VALUE_NULL) {
        put_32(at, UINT32_MAX);
        put_32(array->bytes + 4, 1);
        array->size += 4;
        return;
    }
    put_32(at, (uint32_t)width);
    if (value->kind == VALUE_BYTES)
        memcpy(at + 4, value->bytes, width);
    else
        for (size_t i = 0; i < width; i++)
            at[4 + i] = (uint8_t)((uint64_t)value->number >> 8 * (width - 1 - i));
    array->size += 4 + width;
}

static void array_end(struct array *array)
{
    put_32(array->bytes, 1);
    put_32(array->bytes + 12, array->count);
    put_32(array->bytes + 16, 1);
}

/* As run_once, with arrays as parameters. */
static PGresult *run_arrays(struct base *b, const char *sql, struct array *arrays, int count)
{
    const char *values[ARRAY_LIMIT];
    int sizes[ARRAY_LIMIT], formats[ARRAY_LIMIT];
    PGresult *result;

    for (int i = 0; i < count; i++) {
        array_end(&arrays[i]);
        values[i] = (const char *)arrays[i].bytes;
        sizes[i] = (int)arrays[i].size;
        formats[i] = 1;
    }
    result = PQexecParams(b->conn, sql, count, NULL, values, sizes, formats, 1);
    if (is_good(result))
        return result;
    fault_keep(b, "store", result);
    PQclear(result);
    return NULL;
}

#endif
