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

/* Values of a row one behind the other, each with its size: what the row's check is made of. */
struct store_bytes {
    uint8_t *start;
    size_t size, room;
};

static inline void store_bytes_add(struct store_bytes *to, const void *bytes, uint64_t size)
{
    if (to->room - to->size < size + 8) {
        to->room = (to->size + size + 8) * 2;
        to->start = store_grow(to->start, to->room);
    }
    for (int i = 0; i < 8; i++)
        to->start[to->size++] = (uint8_t)(size >> 8 * i);
    if (size)
        memcpy(to->start + to->size, bytes, size);
    to->size += size;
}

static inline void store_bytes_add_number(struct store_bytes *to, int64_t number)
{
    uint8_t bytes[8];

    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)number >> 8 * i);
    store_bytes_add(to, bytes, sizeof bytes);
}

/* Their hash; they are empty then. */
static inline int64_t store_bytes_end(struct scrip_ctx *ctx, struct store_bytes *of)
{
    int64_t hash = (int64_t)ctx->host->hash(of->start, of->size);

    of->size = 0;
    return hash;
}

/* Ids of names in a database's own dictionary, by the host's number of a name. 0: not known here. */
struct store_ids {
    int64_t *ids;
    size_t room;
};

static inline int64_t store_id_of(const struct store_ids *known, const struct scrip_name *name)
{
    return name->number < known->room ? known->ids[name->number] : 0;
}

static inline void store_id_keep(struct store_ids *known, const struct scrip_name *name, int64_t id)
{
    if (name->number >= known->room) {
        size_t room = (size_t)name->number * 2 + 64;

        known->ids = store_grow(known->ids, room * sizeof *known->ids);
        memset(known->ids + known->room, 0, (room - known->room) * sizeof *known->ids);
        known->room = room;
    }
    known->ids[name->number] = id;
}

/* What an operation answers: a look-up on its way that failed makes all of it fail. Without this, a name that could not
 * be read would be a name that is not there. *fault: of look-ups; it is settled then. */
static inline int store_settle(int *fault, int code)
{
    int found = *fault;

    *fault = 0;
    return code < 0 && code != SCRIP_ENOTFOUND ? code : found < 0 ? found : code;
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
