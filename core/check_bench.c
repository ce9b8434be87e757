/* check_bench.c - answers written down and compared, memory that is lent. */
#include "check_bench.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- answers -------------------------------------------------------------------------------------------------- */

void answers_add_bytes(struct answers *answers, const void *bytes, size_t size)
{
    if (answers->room - answers->size < size + 1) {
        answers->room = (answers->size + size) * 2 + 256;
        answers->text = memory_grow(answers->text, answers->room);
    }
    if (size)
        memcpy(answers->text + answers->size, bytes, size);
    answers->size += size;
    answers->text[answers->size] = 0;
}

void answers_add(struct answers *answers, const char *format, ...)
{
    char text[1024];
    va_list list;
    int size;

    va_start(list, format);
    size = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    answers_add_bytes(answers, text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
}

void answers_end(struct answers *answers)
{
    ARRAY_ROOM(answers->ends, answers->count, answers->end_room);
    answers->ends[answers->count++] = answers->size;
}

void answers_clear(struct answers *answers)
{
    answers->size = answers->count = 0;
}

void answers_free(struct answers *answers)
{
    free(answers->text);
    free(answers->ends);
    memset(answers, 0, sizeof *answers);
}

const char *answers_at(const struct answers *answers, size_t index, size_t *size)
{
    size_t start = index ? answers->ends[index - 1] : 0;

    *size = answers->ends[index] - start;
    return answers->text ? answers->text + start : "";
}

int answers_same_at(const struct answers *a, size_t a_index, const struct answers *b, size_t b_index)
{
    size_t a_size, b_size;
    const char *left = answers_at(a, a_index, &a_size), *right = answers_at(b, b_index, &b_size);

    return a_size == b_size && memcmp(left, right, a_size) == 0;
}

int64_t answers_differ(const struct answers *a, const struct answers *b)
{
    size_t least = a->count < b->count ? a->count : b->count;

    for (size_t i = 0; i < least; i++)
        if (!answers_same_at(a, i, b, i))
            return (int64_t)i;
    return a->count == b->count ? -1 : (int64_t)least;
}

/* ---- what is lent --------------------------------------------------------------------------------------------- */

size_t lent_room(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

struct lent lent_open(size_t size)
{
    return (struct lent){ memory_get(size + 1), NULL, size, 0 };
}

void *lent_copy(struct lent *lent, const void *bytes, size_t size)
{
    char *copy = lent->start + lent->used;

    if (size)
        memcpy(copy, bytes, size);
    lent->used += lent_room(size);
    return copy;
}

const char *lent_text(struct lent *lent, const char *text)
{
    return lent_copy(lent, text, strlen(text) + 1);
}

void lent_ready(struct lent *lent)
{
    lent->before = memory_grow(NULL, lent->size + 1);
    memcpy(lent->before, lent->start, lent->size + 1);
}

int lent_close(struct lent *lent)
{
    int is_changed = memcmp(lent->start, lent->before, lent->size + 1) != 0;

    memset(lent->start, '#', lent->size);
    lent->start[lent->size] = 0;
    free(lent->start);
    free(lent->before);
    return is_changed;
}

/* ---- codes ---------------------------------------------------------------------------------------------------- */

int code_check(struct check *check, const struct check_instance *instance, int code, int highest, const char *where)
{
    if (code > highest || code < SCRIP_EAGAIN)
        check_break(check, CLAUSE_CODE, "%s: returned %d, which is no code", where, code);
    else if (code < 0 && check_said(instance)[0] == 0)
        check_break(check, CLAUSE_CODE, "%s: failed with code %d and no message", where, code);
    else
        return 0;
    return 1;
}
