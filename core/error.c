/* error.c - messages of failed calls, and memory that is there. */
#include "error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_EXIT 3 /* what the command line calls a failed store or file */

void text_trim(char *text)
{
    size_t size = strlen(text), more = 0;
    unsigned char lead;

    while (more < 3 && more < size && ((unsigned char)text[size - 1 - more] & 0xc0) == 0x80)
        more++;
    if (more == size)
        return;
    lead = (unsigned char)text[size - 1 - more];
    if (more < (lead >= 0xf0 ? 3u : lead >= 0xe0 ? 2u : lead >= 0xc0 ? 1u : 0u))
        text[size - 1 - more] = 0;
}

int error_set_list(struct scrip_error *err, int code, const char *format, va_list list)
{
    if (err != NULL) {
        err->code = code;
        vsnprintf(err->message, sizeof err->message, format, list);
        text_trim(err->message);
    }
    return code;
}

int error_set(struct scrip_error *err, int code, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    error_set_list(err, code, format, list);
    va_end(list);
    return code;
}

void error_clear(struct scrip_error *err)
{
    if (err != NULL) {
        err->code = SCRIP_OK;
        err->message[0] = 0;
    }
}

static void *memory_check(void *memory, size_t size)
{
    if (memory == NULL) {
        char text[96];
        int n = snprintf(text, sizeof text,
                         "scrip: out of memory: no room for %zu bytes: what was committed stands\n", size);

        /* No stream and no handler at exit is to be trusted any more. A transaction that is open is not committed. */
        if (write(STDERR_FILENO, text, (size_t)n) < 0)
            _exit(MEMORY_EXIT);
        _exit(MEMORY_EXIT);
    }
    return memory;
}

void *memory_get(size_t size)
{
    return memory_check(calloc(1, size ? size : 1), size);
}

void *memory_grow(void *memory, size_t size)
{
    return memory_check(realloc(memory, size ? size : 1), size);
}

char *memory_text_part(const char *text, size_t size)
{
    char *copy = memory_get(size + 1);

    memcpy(copy, text, size);
    return copy;
}

char *memory_text(const char *text)
{
    return memory_text_part(text, strlen(text));
}

char *memory_print(const char *format, ...)
{
    va_list list;
    char *text = NULL;

    va_start(list, format);
    if (vasprintf(&text, format, list) < 0)
        text = NULL;
    va_end(list);
    return memory_check(text, 0);
}
