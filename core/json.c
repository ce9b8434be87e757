/* json.c - JSON in and out; the only file that knows the JSON library. */
#include "json.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#define DEPTH_LIMIT 16
#define PATH_SIZE 1024

/* Where the parser stands: the path, and per level where its part starts and what it is. */
struct reading {
    int (*leaf)(void *sink, const struct json_leaf *leaf);
    void *sink;
    struct scrip_error *err;
    int code;
    char path[PATH_SIZE];
    size_t size;
    struct {
        size_t start; /* of this level's own part of the path */
        int is_array;
        uint64_t index;
        size_t members; /* in keys */
        int is_empty;
    } levels[DEPTH_LIMIT + 1];
    int depth;
    /* Member names of all open objects, each ended by NUL, to find one that comes twice. */
    char *keys;
    size_t keys_size, keys_room;
};

static int fault(struct reading *r, int code, const char *what)
{
    r->code = error_set(r->err, code, "JSON: %s at '%.*s'", what, (int)(r->size > 200 ? 200 : r->size), r->path);
    return 0;
}

static int part_put(struct reading *r, const char *text, size_t size)
{
    size_t start = r->levels[r->depth].start;

    if (start + size + 2 >= sizeof r->path)
        return fault(r, SCRIP_ELIMIT, "a path of member names longer than 1000 bytes");
    if (start > 0)
        r->path[start++] = '.';
    for (size_t i = 0; i < size; i++)
        r->path[start + i] = text[i] == '.' ? '\1' : text[i];
    r->size = start + size;
    return 1;
}

/* Before a value: an element of an array gets its index as its part of the path. */
static int value_start(struct reading *r)
{
    char index[24];
    int n = 0;
    uint64_t rest;

    r->levels[r->depth].is_empty = 0;
    if (r->depth == 0 || !r->levels[r->depth].is_array)
        return 1;
    rest = r->levels[r->depth].index++;
    do
        index[sizeof index - 1 - (size_t)n++] = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    return part_put(r, index + sizeof index - (size_t)n, (size_t)n);
}

static int leaf_put(struct reading *r, enum json_type type, const char *text, size_t size)
{
    struct json_leaf leaf = { r->path, r->size, type, text, size };

    if (type != JSON_EMPTY && !value_start(r))
        return 0;
    leaf.path_size = r->size;
    r->path[r->size] = 0;
    r->code = r->leaf(r->sink, &leaf);
    return r->code == SCRIP_OK;
}

static int on_null(void *ctx)
{
    return leaf_put(ctx, JSON_NULL, "", 0);
}

static int on_boolean(void *ctx, int value)
{
    return leaf_put(ctx, JSON_BOOL, value ? "true" : "false", value ? 4 : 5);
}

static int on_number(void *ctx, const char *text, size_t size)
{
    return leaf_put(ctx, JSON_NUMBER, text, size);
}

static int on_string(void *ctx, const unsigned char *text, size_t size)
{
    return leaf_put(ctx, JSON_STRING, (const char *)text, size);
}

static int level_open(struct reading *r, int is_array)
{
    if (!value_start(r))
        return 0;
    if (r->depth == DEPTH_LIMIT)
        return fault(r, SCRIP_ELIMIT, "nested deeper than 16 levels");
    r->depth++;
    r->levels[r->depth].start = r->size;
    r->levels[r->depth].is_array = is_array;
    r->levels[r->depth].index = 0;
    r->levels[r->depth].members = r->keys_size;
    r->levels[r->depth].is_empty = 1;
    return 1;
}

static int level_close(struct reading *r)
{
    int is_empty = r->levels[r->depth].is_empty;

    r->size = r->levels[r->depth].start;
    r->keys_size = r->levels[r->depth].members;
    r->depth--;
    return is_empty ? leaf_put(r, JSON_EMPTY, "", 0) : 1;
}

static int on_map_start(void *ctx)
{
    return level_open(ctx, 0);
}

static int on_array_start(void *ctx)
{
    return level_open(ctx, 1);
}

static int on_end(void *ctx)
{
    return level_close(ctx);
}

static int on_key(void *ctx, const unsigned char *text, size_t size)
{
    struct reading *r = ctx;

    r->levels[r->depth].is_empty = 0;
    if (!part_put(r, (const char *)text, size))
        return 0;
    if (memchr(text, 0, size) != NULL || memchr(text, 1, size) != NULL)
        return fault(r, SCRIP_EINVALID, "a member's name with a control character");
    for (size_t at = r->levels[r->depth].members; at < r->keys_size; at += strlen(r->keys + at) + 1)
        if (strlen(r->keys + at) == size && memcmp(r->keys + at, text, size) == 0)
            return fault(r, SCRIP_EINVALID, "a member given twice");
    if (r->keys_room - r->keys_size < size + 1) {
        r->keys_room = (r->keys_size + size + 1) * 2;
        r->keys = memory_grow(r->keys, r->keys_room);
    }
    memcpy(r->keys + r->keys_size, text, size);
    r->keys[r->keys_size + size] = 0;
    r->keys_size += size + 1;
    return 1;
}

/* The parser does not look whether it got what it asked for. */
static void *parser_get(void *ctx, size_t size)
{
    (void)ctx;
    return memory_grow(NULL, size);
}

static void *parser_grow(void *ctx, void *memory, size_t size)
{
    (void)ctx;
    return memory_grow(memory, size);
}

static void parser_free(void *ctx, void *memory)
{
    (void)ctx;
    free(memory);
}

static int parser_fault(yajl_handle parser, const char *text, size_t size, struct scrip_error *err)
{
    unsigned char *message = yajl_get_error(parser, 0, (const unsigned char *)text, size);
    size_t n = strcspn((const char *)message, "\n");

    error_set(err, SCRIP_EINVALID, "JSON: %.*s (byte %zu)", (int)n, (const char *)message,
              yajl_get_bytes_consumed(parser));
    yajl_free_error(parser, message);
    return SCRIP_EINVALID;
}

/* Four digits behind "\\u", or -1. */
static long escape_read(const char *at, const char *end)
{
    long value = 0;

    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
        return -1;
    for (int i = 2; i < 6; i++) {
        int c = at[i] | 32;

        if (!(at[i] >= '0' && at[i] <= '9') && !(c >= 'a' && c <= 'f'))
            return -1;
        value = value * 16 + (c >= 'a' ? c - 'a' + 10 : at[i] - '0');
    }
    return value;
}

/* The library makes a '?' of half a surrogate pair, so that two names become one: it is a fault instead. */
static int pairs_check(const char *text, size_t size, struct scrip_error *err)
{
    const char *at = text, *end = text + size;

    while ((at = memchr(at, '\\', (size_t)(end - at))) != NULL && end - at > 1) {
        long first = escape_read(at, end), second;

        at += 2;
        if (first < 0xd800 || first > 0xdfff)
            continue;
        second = escape_read(at + 4, end);
        if (first >= 0xdc00 || second < 0xdc00 || second > 0xdfff)
            return error_set(err, SCRIP_EINVALID, "JSON: half of a surrogate pair (byte %zu)", (size_t)(at - text));
        at += 10;
    }
    return SCRIP_OK;
}

int json_read(const char *text, size_t size, int (*leaf)(void *sink, const struct json_leaf *leaf), void *sink,
              struct scrip_error *err)
{
    if (size > SCRIP_ROW_SIZE)
        return error_set(err, SCRIP_ELIMIT, "JSON: longer than %d bytes", SCRIP_ROW_SIZE);
    return json_read_own(text, size, leaf, sink, err);
}

int json_read_own(const char *text, size_t size, int (*leaf)(void *sink, const struct json_leaf *leaf), void *sink,
                  struct scrip_error *err)
{
    static const yajl_callbacks callbacks = { on_null, on_boolean, NULL, NULL, on_number, on_string,
                                              on_map_start, on_key, on_end, on_array_start, on_end };
    struct reading r = { .leaf = leaf, .sink = sink, .err = err };
    yajl_alloc_funcs memory = { parser_get, parser_grow, parser_free, NULL };
    yajl_handle parser;
    yajl_status status;

    if (pairs_check(text, size, err) < 0)
        return SCRIP_EINVALID;
    parser = yajl_alloc(&callbacks, &memory, &r);
    status = yajl_parse(parser, (const unsigned char *)text, size);
    if (status == yajl_status_ok)
        status = yajl_complete_parse(parser);
    if (r.code == SCRIP_OK && status != yajl_status_ok)
        r.code = parser_fault(parser, text, size, err);
    yajl_free(parser);
    free(r.keys);
    if (r.code < 0 && err != NULL && err->message[0] == 0)
        error_set(err, r.code, "JSON: not what was expected at '%s'", r.path);
    return r.code;
}

/* ---- writing -------------------------------------------------------------------------------------------------- */

static void put(struct json_out *out, const char *text, size_t size)
{
    if (out->room - out->size < size + 1) {
        out->room = (out->size + size + 1) * 2 + 128;
        out->text = memory_grow(out->text, out->room);
    }
    memcpy(out->text + out->size, text, size);
    out->size += size;
    out->text[out->size] = 0;
}

static void comma(struct json_out *out)
{
    if (out->needs_comma)
        put(out, ",", 1);
}

void json_clear(struct json_out *out)
{
    out->size = 0;
    out->needs_comma = 0;
    if (out->text != NULL)
        out->text[0] = 0;
}

void json_free(struct json_out *out)
{
    free(out->text);
    memset(out, 0, sizeof *out);
}

void json_open(struct json_out *out, char bracket)
{
    comma(out);
    put(out, &bracket, 1);
    out->needs_comma = 0;
}

void json_close(struct json_out *out, char bracket)
{
    put(out, &bracket, 1);
    out->needs_comma = 1;
}

static void quoted(struct json_out *out, const char *text, size_t size)
{
    static const char hex[] = "0123456789abcdef";
    size_t start = 0;

    put(out, "\"", 1);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        char escape[6] = { '\\', 'u', '0', '0', 0, 0 };

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        put(out, text + start, i - start);
        start = i + 1;
        if (c == '"' || c == '\\') {
            escape[1] = (char)c;
            put(out, escape, 2);
        } else if (c == '\n' || c == '\t') {
            escape[1] = c == '\n' ? 'n' : 't';
            put(out, escape, 2);
        } else {
            escape[4] = hex[c >> 4];
            escape[5] = hex[c & 15];
            put(out, escape, 6);
        }
    }
    put(out, text + start, size - start);
    put(out, "\"", 1);
}

void json_key(struct json_out *out, const char *key, size_t size)
{
    comma(out);
    quoted(out, key, size);
    put(out, ":", 1);
    out->needs_comma = 0;
}

void json_string(struct json_out *out, const char *text, size_t size)
{
    comma(out);
    quoted(out, text, size);
    out->needs_comma = 1;
}

void json_raw(struct json_out *out, const char *text, size_t size)
{
    comma(out);
    put(out, text, size);
    out->needs_comma = 1;
}
