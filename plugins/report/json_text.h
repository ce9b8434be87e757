/* json_text.h - a text as JSON writes it. */
#ifndef SCRIP_JSON_TEXT_H
#define SCRIP_JSON_TEXT_H

#include <scrip/plugin.h>

#include <string.h>

/* `write` is as the host's: bytes to where they go. */
typedef int json_write(struct scrip_ctx *ctx, const void *bytes, uint64_t size);

static inline int json_string(struct scrip_ctx *ctx, json_write *write, const char *text)
{
    static const char hex[] = "0123456789abcdef";
    const char *start = text;
    int code = write(ctx, "\"", 1);

    for (; *text && code == SCRIP_OK; text++) {
        unsigned char c = (unsigned char)*text;
        char escape[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
            continue;
        code = write(ctx, start, (uint64_t)(text - start));
        if (c == '"' || c == '\\')
            escape[1] = (char)c;
        if (code == SCRIP_OK)
            code = write(ctx, escape, c == '"' || c == '\\' ? 2 : 6);
        start = text + 1;
    }
    if (code == SCRIP_OK)
        code = write(ctx, start, (uint64_t)(text - start));
    return code < 0 ? code : write(ctx, "\"", 1);
}

#endif
