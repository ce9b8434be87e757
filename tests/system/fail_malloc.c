/* fail_malloc.c - preloaded by memory.py: memory that is not there, once, now and then, or from some moment on.
 * FAIL_AT=N: the Nth request; FAIL_EVERY=N: each Nth; FAIL_FROM=N: the Nth and all behind it; FAIL_COUNT=FILE: how
 * many there were. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

static atomic_long requests;

static long setting(const char *name)
{
    const char *text = getenv(name);

    return text ? atol(text) : 0;
}

static int is_there(void)
{
    long now = atomic_fetch_add(&requests, 1) + 1, at = setting("FAIL_AT"), every = setting("FAIL_EVERY"),
         from = setting("FAIL_FROM");

    if (now == at || (every && now % every == 0) || (from && now >= from)) {
        errno = ENOMEM;
        return 0;
    }
    return 1;
}

void *malloc(size_t size)
{
    return is_there() ? __libc_malloc(size) : NULL;
}

void *calloc(size_t count, size_t size)
{
    return is_there() ? __libc_calloc(count, size) : NULL;
}

void *realloc(void *memory, size_t size)
{
    return is_there() ? __libc_realloc(memory, size) : NULL;
}

static void __attribute__((destructor)) report(void)
{
    const char *path = getenv("FAIL_COUNT");
    FILE *out = path ? fopen(path, "w") : NULL;

    if (out != NULL) {
        fprintf(out, "%ld\n", atomic_load(&requests));
        fclose(out);
    }
}
