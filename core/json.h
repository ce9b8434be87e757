/* json.h - JSON in and out; the only file behind it that knows the JSON library. */
#ifndef SCRIP_CORE_JSON_H
#define SCRIP_CORE_JSON_H

#include <scrip/scrip.h>
#include <stddef.h>

/* One leaf of a JSON text, in the order of the text. path: member names joined by '.', array elements by their index:
 * "data.scope.products.0". Numbers come as the text they were written in; nothing passes through a double. */
enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_EMPTY /* {} or [] */ };
struct json_leaf {
    const char *path;
    size_t path_size;
    enum json_type type;
    const char *text; /* "true", "false", the number's text, the string unescaped; not NUL-terminated */
    size_t size;
};

/* Calls leaf for each; a non-zero return stops and is returned. A member name that holds a '.' is passed with '\1' in its
 * place. Depth over 16, a text over SCRIP_ROW_SIZE, bytes that are not UTF-8, a member named twice in one
 * object and anything after the value are SCRIP_EINVALID with the place of the fault. */
int json_read(const char *text, size_t size, int (*leaf)(void *sink, const struct json_leaf *leaf), void *sink,
              struct scrip_error *err);

/* The same of what the host wrote itself: however long. */
int json_read_own(const char *text, size_t size, int (*leaf)(void *sink, const struct json_leaf *leaf), void *sink,
                  struct scrip_error *err);

/* Writes into a growing buffer. */
struct json_out {
    char *text;
    size_t size, room;
    int needs_comma;
};
void json_clear(struct json_out *out); /* keeps the memory */
void json_free(struct json_out *out);
void json_open(struct json_out *out, char bracket);  /* '{' or '[' */
void json_close(struct json_out *out, char bracket); /* '}' or ']' */
void json_key(struct json_out *out, const char *key, size_t size);
void json_string(struct json_out *out, const char *text, size_t size);
void json_raw(struct json_out *out, const char *text, size_t size); /* a number, true, null */

#endif
