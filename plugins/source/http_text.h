/* http_text.h - texts with places to fill: {from} {to} {ticket} {token} {offset} {page} {limit}, in addresses and
 * bodies.
 *
 * In an address a value is written with %XX, in a body as a part of a JSON string. Braces around other words stay as
 * they are: a body of JSON has many.
 */
#ifndef SCRIP_HTTP_TEXT_H
#define SCRIP_HTTP_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_VALUES(X)                                                                                                 \
    X(FROM, "from")           /* the window's begin, RFC 3339 */                                                       \
    X(TO, "to")               /* its end, of which nothing belongs to it */                                            \
    X(FROM_DATE, "from.date") /* 2022-03-01, in the source's zone */                                                   \
    X(TO_DATE, "to.date")                                                                                              \
    X(LAST_DATE, "last.date") /* the last day that belongs to it */                                                    \
    X(FROM_UNIX, "from.unix") /* seconds since 1970 */                                                                 \
    X(TO_UNIX, "to.unix")                                                                                              \
    X(TICKET, "ticket")                                                                                                \
    X(TOKEN, "token")                                                                                                  \
    X(OFFSET, "offset")                                                                                                \
    X(PAGE, "page")                                                                                                    \
    X(LIMIT, "limit")

enum text_value {
#define X(id, text) TEXT_##id,
    TEXT_VALUES(X)
#undef X
        TEXT_COUNT
};

static const char *const text_names[TEXT_COUNT] = {
#define X(id, text) text,
    TEXT_VALUES(X)
#undef X
};

/* The place that begins at text, or TEXT_COUNT; its bytes in *size. */
static inline size_t text_place(const char *text, size_t *size)
{
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        size_t n = strlen(text_names[i]);

        if (strncmp(text + 1, text_names[i], n) == 0 && text[n + 1] == '}') {
            *size = n + 2;
            return i;
        }
    }
    return TEXT_COUNT;
}

static inline int text_has(const char *text, enum text_value value)
{
    size_t size;

    for (; (text = strchr(text, '{')) != NULL; text++)
        if (text_place(text, &size) == (size_t)value)
            return 1;
    return 0;
}

/* The first brace of an address that is no place, or NULL. */
static inline const char *text_unknown(const char *text)
{
    size_t size;

    for (; (text = strchr(text, '{')) != NULL; text++)
        if (text_place(text, &size) == TEXT_COUNT)
            return text;
    return NULL;
}

static inline size_t text_escape(const char *text, int is_address, char *out)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t n = 0;

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        int is_plain =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr("-._~", c) != NULL;

        if (is_address && !is_plain) {
            out[n++] = '%';
            out[n++] = hex[c >> 4];
            out[n++] = hex[c & 15];
        } else if (!is_address && (c == '"' || c == '\\' || c < 0x20)) {
            n += (size_t)sprintf(out + n, "\\u%04x", c);
        } else {
            out[n++] = (char)c;
        }
    }
    return n;
}

/* The text with its places filled, to be freed; NULL: no memory. */
static inline char *text_fill(const char *text, const char *const values[TEXT_COUNT], int is_address)
{
    size_t room = strlen(text) + 1, n = 0, size;
    char *out;

    for (const char *at = text; (at = strchr(at, '{')) != NULL; at++) {
        size_t place = text_place(at, &size);

        room += place < TEXT_COUNT ? 6 * strlen(values[place]) : 0;
    }
    out = malloc(room);
    while (out != NULL && *text) {
        size_t place = *text == '{' ? text_place(text, &size) : TEXT_COUNT;

        if (place < TEXT_COUNT) {
            n += text_escape(values[place], is_address, out + n);
            text += size;
        } else {
            out[n++] = *text++;
        }
    }
    if (out != NULL)
        out[n] = 0;
    return out;
}

#endif
