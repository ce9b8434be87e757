/* store.h - what stores have in common: memory that is there, one writer at a time on a file, the words of views. */
#ifndef SCRIP_STORE_STORE_H
#define SCRIP_STORE_STORE_H

#include <scrip/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static inline void *store_grow(void *memory, size_t size)
{
    static const char message[] = "scrip: store: out of memory: what was committed stands\n";
    void *grown = realloc(memory, size ? size : 1);

    /* As the host does: it is no event to handle, and what is open is not committed. */
    if (grown == NULL && write(STDERR_FILENO, message, sizeof message - 1) != 0)
        _exit(3);
    return grown;
}

/* One writer at a time, told at once: FILE-lock is held as long as *fd is open. The lock is the process's: a kill frees
 * it. */
static inline int store_lock(struct scrip_ctx *ctx, const char *file, int *fd)
{
    size_t size = strlen(file);
    char *path = store_grow(NULL, size + 6);
    int code = SCRIP_OK;

    memcpy(path, file, size);
    memcpy(path + size, "-lock", 6);
    *fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (*fd < 0)
        code = scrip_fail(ctx, SCRIP_EIO, "%s: %s", path, strerror(errno));
    else if (flock(*fd, LOCK_EX | LOCK_NB) != 0)
        code = scrip_fail(ctx, SCRIP_EBUSY, "%s: another scrip writes to it: wait until it is done, or stop it", file);
    free(path);
    return code;
}

/* Makes the file where there is none, so that nobody else may ever read it; for a session that makes no file, tells
 * where there is none. */
static inline int store_file(struct scrip_ctx *ctx, const char *file, int session)
{
    int fd;

    if (session != SCRIP_SESSION_INIT) {
        if (access(file, F_OK) == 0)
            return SCRIP_OK;
        return scrip_fail(ctx, errno == ENOENT ? SCRIP_ENOTFOUND : SCRIP_EIO, "%s: %s: run scrip init", file,
                          strerror(errno));
    }
    fd = open(file, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return scrip_fail(ctx, SCRIP_EIO, "%s: %s%s", file, strerror(errno),
                          errno == ENOENT ? ": make its folder first" : "");
    close(fd);
    return SCRIP_OK;
}

/* The tables of words, which views show for numbers from 0 on. */
static const char *const store_outcomes[] = { "charged", "zero", "applied", "refused" };
static const char *const store_books[] = {
#define X(id, text) text,
    SCRIP_BOOKS(X)
#undef X
};
static const char *const store_types[] = {
#define X(id, text) text,
    SCRIP_EVENT_TYPES(X)
#undef X
};
static const char *const store_stages[] = { "open", "captured", "released", "timed out", "settled" };

#define STORE_WORDS(table, list) { table, list, sizeof(list) / sizeof *(list) }
static const struct store_words {
    const char *table;
    const char *const *words;
    size_t count;
} store_words[] = {
    STORE_WORDS("outcomes", store_outcomes),
    STORE_WORDS("books", store_books),
    STORE_WORDS("types", store_types),
    STORE_WORDS("stages", store_stages),
};
#define STORE_WORDS_COUNT (sizeof store_words / sizeof *store_words)

#endif
