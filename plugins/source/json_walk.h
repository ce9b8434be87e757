/* json_walk.h - JSON in a source: a text in pieces, its leaves with their paths, the elements of one array each as a
 * text of its own. The only file of a source that knows the JSON library.
 *
 *   {"page":{"next":"abc"},"rows":[{"a":1},{"a":2}]}    leaf page.next; with rows = "rows" the texts {"a":1} and
 * {"a":2}
 *
 * A number comes as it was written: nothing passes through a double.
 */
#ifndef SCRIP_JSON_WALK_H
#define SCRIP_JSON_WALK_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <yajl/yajl_gen.h>
#include <yajl/yajl_parse.h>

#define JSON_DEPTH_LIMIT 32
#define JSON_PATH_SIZE 1024
#define JSON_FAULT_SIZE 256

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING };

/* A value that holds no others. path: names of members and indices of elements, joined by '.'; list_size: the path's
 * bytes without the index, of an element; else path_size. text need not end in NUL. */
struct json_leaf {
    const char *path;
    size_t path_size, list_size;
    enum json_kind kind;
    const char *text;
    size_t size;
};

struct json_walk {
    /* Set by the caller. Each may be NULL; what they answer below 0 stops the walk. */
    const char *rows; /* path of the array whose elements are wanted; "": the whole text is that array */
    int (*row)(void *sink, const char *text, size_t size);
    int (*leaf)(void *sink, const struct json_leaf *leaf);
    void *sink;
    /* The walk's own. */
    yajl_handle parser;
    yajl_gen copy;  /* of the element at hand */
    int copy_depth; /* where that element stands; 0: none at hand */
    int has_rows;   /* the array was there, or null in its place */
    char path[JSON_PATH_SIZE];
    size_t size;
    struct json_level {
        size_t start; /* of this level's own part of the path */
        int is_array, is_rows;
        uint64_t index;
    } levels[JSON_DEPTH_LIMIT + 1];
    int depth;
    int code;                    /* of a callback */
    char fault[JSON_FAULT_SIZE]; /* what is wrong with the text, once something is */
};

static inline int json_walk_fault(struct json_walk *walk, const char *what)
{
    snprintf(walk->fault, sizeof walk->fault, "%s at '%.*s'", what, (int)(walk->size < 100 ? walk->size : 100),
             walk->path);
    return 0;
}

static inline int json_part_put(struct json_walk *walk, const char *text, size_t size)
{
    size_t start = walk->levels[walk->depth].start;

    if (start + size + 2 > sizeof walk->path)
        return json_walk_fault(walk, "a path of members longer than 1000 bytes");
    if (start > 0)
        walk->path[start++] = '.';
    memcpy(walk->path + start, text, size);
    walk->size = start + size;
    return 1;
}

/* Before a value: an element's index is its part of the path, and an element of the wanted array begins to be copied.
 */
static inline int json_value_start(struct json_walk *walk)
{
    struct json_level *level = &walk->levels[walk->depth];
    char index[24];

    if (walk->depth > 0 && level->is_array) {
        snprintf(index, sizeof index, "%llu", (unsigned long long)level->index++);
        if (!json_part_put(walk, index, strlen(index)))
            return 0;
        if (level->is_rows && walk->copy_depth == 0)
            walk->copy_depth = walk->depth;
    }
    return 1;
}

/* After a value: an element that was copied is handed out. */
static inline int json_value_end(struct json_walk *walk)
{
    const unsigned char *text;
    size_t size;

    if (walk->copy_depth == 0 || walk->depth != walk->copy_depth)
        return 1;
    yajl_gen_get_buf(walk->copy, &text, &size);
    walk->code = walk->row ? walk->row(walk->sink, (const char *)text, size) : 0;
    yajl_gen_clear(walk->copy);
    yajl_gen_reset(walk->copy, NULL);
    walk->copy_depth = 0;
    return walk->code >= 0;
}

static inline int json_is_rows(const struct json_walk *walk)
{
    return walk->rows != NULL && walk->copy_depth == 0 && strlen(walk->rows) == walk->size &&
           memcmp(walk->rows, walk->path, walk->size) == 0;
}

static inline int json_leaf_put(struct json_walk *walk, enum json_kind kind, const char *text, size_t size)
{
    const struct json_level *level = &walk->levels[walk->depth];
    struct json_leaf leaf = { walk->path, 0, 0, kind, text, size };

    if (!json_value_start(walk))
        return 0;
    if (walk->copy_depth != 0) {
        switch (kind) {
        case JSON_NULL:
            yajl_gen_null(walk->copy);
            break;
        case JSON_BOOL:
            yajl_gen_bool(walk->copy, text[0] == 't');
            break;
        case JSON_NUMBER:
            yajl_gen_number(walk->copy, text, size);
            break;
        case JSON_STRING:
            yajl_gen_string(walk->copy, (const unsigned char *)text, size);
        }
        return json_value_end(walk);
    }
    if (json_is_rows(walk)) {
        if (kind != JSON_NULL)
            return json_walk_fault(walk, "a single value where the array of rows is wanted");
        walk->has_rows = 1;
    }
    leaf.path_size = leaf.list_size = walk->size;
    if (walk->depth > 0 && level->is_array)
        leaf.list_size = level->start;
    walk->code = walk->leaf ? walk->leaf(walk->sink, &leaf) : 0;
    return walk->code >= 0;
}

static inline int json_on_null(void *ctx)
{
    return json_leaf_put(ctx, JSON_NULL, "", 0);
}

static inline int json_on_bool(void *ctx, int value)
{
    return json_leaf_put(ctx, JSON_BOOL, value ? "true" : "false", value ? 4 : 5);
}

static inline int json_on_number(void *ctx, const char *text, size_t size)
{
    return json_leaf_put(ctx, JSON_NUMBER, text, size);
}

static inline int json_on_string(void *ctx, const unsigned char *text, size_t size)
{
    return json_leaf_put(ctx, JSON_STRING, (const char *)text, size);
}

static inline int json_level_open(struct json_walk *walk, int is_array)
{
    struct json_level *level;

    if (!json_value_start(walk))
        return 0;
    if (walk->depth == JSON_DEPTH_LIMIT)
        return json_walk_fault(walk, "nested deeper than 32 levels");
    level = &walk->levels[walk->depth + 1];
    *level = (struct json_level){ walk->size, is_array, 0, 0 };
    if (json_is_rows(walk)) {
        if (!is_array)
            return json_walk_fault(walk, "an object where the array of rows is wanted");
        level->is_rows = walk->has_rows = 1;
    }
    walk->depth++;
    if (walk->copy_depth != 0)
        is_array ? yajl_gen_array_open(walk->copy) : yajl_gen_map_open(walk->copy);
    return 1;
}

static inline int json_level_close(struct json_walk *walk)
{
    if (walk->copy_depth != 0 && walk->depth > walk->copy_depth)
        walk->levels[walk->depth].is_array ? yajl_gen_array_close(walk->copy) : yajl_gen_map_close(walk->copy);
    walk->size = walk->levels[walk->depth].start;
    walk->depth--;
    return json_value_end(walk);
}

static inline int json_on_map(void *ctx)
{
    return json_level_open(ctx, 0);
}

static inline int json_on_array(void *ctx)
{
    return json_level_open(ctx, 1);
}

static inline int json_on_end(void *ctx)
{
    return json_level_close(ctx);
}

static inline int json_on_key(void *ctx, const unsigned char *text, size_t size)
{
    struct json_walk *walk = ctx;

    if (walk->copy_depth != 0)
        yajl_gen_string(walk->copy, text, size);
    return json_part_put(walk, (const char *)text, size);
}

static const yajl_callbacks json_callbacks = { json_on_null,   json_on_bool,   NULL,        NULL,
                                               json_on_number, json_on_string, json_on_map, json_on_key,
                                               json_on_end,    json_on_array,  json_on_end };

/* Begins a text. 0: no memory. json_walk_end is due in any case. */
static inline int json_walk_begin(struct json_walk *walk)
{
    walk->parser = yajl_alloc(&json_callbacks, NULL, walk);
    walk->copy = yajl_gen_alloc(NULL);
    walk->copy_depth = walk->has_rows = walk->depth = walk->code = 0;
    walk->size = 0;
    walk->fault[0] = 0;
    memset(walk->levels, 0, sizeof walk->levels[0]);
    return walk->parser != NULL && walk->copy != NULL;
}

/* The next piece; size 0: there is none any more. 0; or below 0: walk->fault says what is wrong with the text, or is
 * empty where a callback stopped it. */
static inline int json_walk_piece(struct json_walk *walk, const char *text, size_t size)
{
    yajl_status status =
        size ? yajl_parse(walk->parser, (const unsigned char *)text, size) : yajl_complete_parse(walk->parser);
    unsigned char *message;

    if (status == yajl_status_ok)
        return 0;
    if (walk->code >= 0 && walk->fault[0] == 0) {
        message = yajl_get_error(walk->parser, 0, (const unsigned char *)text, size);
        snprintf(walk->fault, sizeof walk->fault, "%.*s", (int)strcspn((const char *)message, "\n"),
                 (const char *)message);
        yajl_free_error(walk->parser, message);
    }
    return walk->code < 0 ? walk->code : -1;
}

static inline void json_walk_end(struct json_walk *walk)
{
    if (walk->parser != NULL)
        yajl_free(walk->parser);
    if (walk->copy != NULL)
        yajl_gen_free(walk->copy);
    walk->parser = NULL;
    walk->copy = NULL;
}

#endif
