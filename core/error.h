/* error.h - why a call failed: a code and a message that belong to the call. */
#ifndef SCRIP_CORE_ERROR_H
#define SCRIP_CORE_ERROR_H

#include <scrip/scrip.h>
#include <stdarg.h>

/* Sets code and message ("subject: what is wrong: what mends it") and returns code. err may be NULL. */
int error_set(struct scrip_error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
int error_set_list(struct scrip_error *err, int code, const char *format, va_list list);
void error_clear(struct scrip_error *err);
/* Takes off the end what is left there of a character that was cut for want of room. */
void text_trim(char *text);

/* Memory that is there, or the end of the process with a message and exit code 3: running out of it is not an event
 * that a caller of the host could handle. */
void *memory_get(size_t size);                /* zeroed */
void *memory_grow(void *memory, size_t size); /* realloc */
char *memory_text(const char *text);          /* strdup */
char *memory_text_part(const char *text, size_t size);
char *memory_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Room for one more element of `size` bytes in a growing array; doubles. */
#define ARRAY_ROOM(array, count, room)                                                                        \
    do {                                                                                                      \
        if ((count) == (room)) {                                                                              \
            (room) = (room) ? (room) * 2 : 16;                                                                \
            (array) = memory_grow((array), (size_t)(room) * sizeof *(array));                                 \
        }                                                                                                     \
    } while (0)

#endif
