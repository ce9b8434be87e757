/* feed.h - what every source of files shares: which files there are, blocks of bytes, where to go on.
 *
 *   files, folder -> feed_list -> the host -> feed_start (or feed_begin) -> feed_resume -> feed_fill ... feed_stop
 *
 * A feed is read in blocks into one buffer that holds at least a whole row; what stands between `start` and `end` was not taken
 * yet. Behind the last byte stands a line end that is not of the feed, so a scan needs no other end.
 */
#ifndef SCRIP_FEED_H
#define SCRIP_FEED_H

#include <scrip/plugin.h>

#include "feed_files.h"

#include <fcntl.h>
#include <unistd.h>

#define FEED_BLOCK_SIZE ((size_t)256 * 1024)
#define FEED_ROOM ((size_t)SCRIP_ROW_SIZE + FEED_BLOCK_SIZE)
#define FEED_SHOWN_SIZE 65536 /* bytes kept of a line that is too long */

struct feed {
    struct scrip_ctx *ctx;
    char *name;
    int is_open;
    int fd;
    const struct feed_packing *packing; /* set once by who takes packed files, too; else NULL */
    void *packed;      /* what is read instead of fd, where the file is packed; positions are of its text */
    int is_stream;     /* no way back: standard input, a pipe */
    int grows;         /* it may still be being written: what its end may have cut is no row yet */
    int at_end;        /* nothing comes behind what is in the buffer */
    char *buffer;      /* FEED_ROOM bytes and the line end behind them; kept from feed to feed */
    char *clip;        /* FEED_SHOWN_SIZE bytes for a line that is too long, once there was one */
    size_t start, end; /* of what was not taken yet */
    uint64_t position; /* of the feed, at start */
    uint64_t line;     /* at start, from 1 */
};

/* ---- blocks --------------------------------------------------------------------------------- */

static inline void feed_stop(struct feed *feed)
{
    if (feed->packed != NULL)
        feed->packing->close(feed->packed);
    feed->packed = NULL;
    if (feed->is_open && feed->fd != STDIN_FILENO)
        close(feed->fd);
    feed->is_open = 0;
    free(feed->name);
    feed->name = NULL;
}

static inline void feed_free(struct feed *feed)
{
    feed_stop(feed);
    free(feed->buffer);
    free(feed->clip);
}

/* The feed is what comes through an open descriptor, which becomes the feed's own. */
static inline int feed_begin(struct feed *feed, struct scrip_ctx *ctx, const char *name, int fd)
{
    feed_stop(feed);
    feed->ctx = ctx;
    feed->fd = fd;
    feed->is_open = fd >= 0;
    feed->name = strdup(name);
    if (feed->buffer == NULL)
        feed->buffer = malloc(FEED_ROOM + 1);
    if (feed->name == NULL || feed->buffer == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "%s: no memory to read it", name);
    feed->is_stream = 1;
    feed->grows = 0;
    feed->at_end = 0;
    feed->start = feed->end = 0;
    feed->position = 0;
    feed->line = 1;
    feed->buffer[0] = '\n';
    return SCRIP_OK;
}

/* Opens a file, or the archive that it is in; *member: where its name in there begins, else the name's end. */
static inline int feed_file_open(const struct feed *feed, const char *name, const char **member)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY), why = errno;
    char *path;

    *member = name + strlen(name);
    if (fd >= 0 || why != ENOTDIR || feed->packing == NULL || (path = strdup(name)) == NULL) {
        errno = why;
        return fd;
    }
    for (char *slash; fd < 0 && errno == ENOTDIR && (slash = strrchr(path, '/')) != NULL;) {
        *slash = 0;
        *member = name + (slash - path) + 1;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    }
    free(path);
    return fd;
}

static inline int feed_start(struct feed *feed, struct scrip_ctx *ctx, const char *name)
{
    const char *member = "";
    int fd = strcmp(name, "-") == 0 ? STDIN_FILENO : feed_file_open(feed, name, &member);
    int why = errno, code = feed_begin(feed, ctx, name, fd);
    struct stat info;

    if (code < 0)
        return code;
    if (fd < 0)
        return scrip_fail(ctx, SCRIP_EIO, "%s: cannot be opened: %s", name, strerror(why));
    if (fstat(feed->fd, &info) < 0)
        return scrip_fail(ctx, SCRIP_EIO, "%s: cannot be read: %s", name, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: a folder: name the files in it, as %s/*", name, name);
    feed->is_stream = feed->fd == STDIN_FILENO || !S_ISREG(info.st_mode);
    if (!feed->is_stream && feed->packing != NULL)
        code = feed->packing->open(ctx, name, feed->fd, member, &feed->packed);
    feed->grows = !feed->is_stream && ctx->host->feed_grows(ctx);
    return code;
}

/* Of a packed file: all of it is read once, so that nothing of a damaged one is taken. Call it before its first row. */
static inline int feed_prove(struct feed *feed)
{
    uint64_t size = 0;
    int code;

    if (feed->packed == NULL)
        return SCRIP_OK;
    if ((code = feed->packing->prove(feed->packed, &size)) == SCRIP_OK)
        feed->ctx->host->feed_size(feed->ctx, size);
    return code;
}

/* The next bytes of the feed that are not in its buffer: how many, 0 at the end, or a fault. */
static inline int64_t feed_more(struct feed *feed, void *out, size_t size)
{
    ssize_t n;

    if (feed->packed != NULL)
        return feed->packing->read(feed->packed, feed->position + (feed->end - feed->start), out, size);
    do
        n = read(feed->fd, out, size);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return scrip_fail(feed->ctx, SCRIP_EIO, "%s: cannot be read at byte %llu: %s", feed->name,
                          (unsigned long long)(feed->position + (feed->end - feed->start)), strerror(errno));
    return n;
}

static inline size_t feed_held(const struct feed *feed)
{
    return feed->end - feed->start;
}

static inline const char *feed_at(const struct feed *feed)
{
    return feed->buffer + feed->start;
}

static inline void feed_take(struct feed *feed, size_t size, uint64_t lines)
{
    feed->start += size;
    feed->position += size;
    feed->line += lines;
}

/* Reads on: at least as much as there is already, so that a long row is looked at few times however small the pieces come. Sets
 * at_end where nothing more comes. Slices of the buffer end to be valid. */
static inline int feed_fill(struct feed *feed)
{
    size_t held = feed_held(feed), wanted = held ? held : 1, got = 0;

    if (feed->start)
        memmove(feed->buffer, feed->buffer + feed->start, held);
    feed->start = 0;
    feed->end = held;
    while (got < wanted && feed->end < FEED_ROOM && !feed->at_end) {
        size_t room = FEED_ROOM - feed->end;
        int64_t n = feed_more(feed, feed->buffer + feed->end, room < FEED_BLOCK_SIZE ? room : FEED_BLOCK_SIZE);

        if (n < 0)
            return (int)n;
        feed->at_end = n == 0;
        feed->end += (size_t)n;
        got += (size_t)n;
    }
    feed->buffer[feed->end] = '\n';
    return SCRIP_OK;
}

/* On with the bytes at position. Not for streams. */
static inline int feed_seek(struct feed *feed, uint64_t position, uint64_t line)
{
    if (feed->packed == NULL && lseek(feed->fd, (off_t)position, SEEK_SET) < 0)
        return scrip_fail(feed->ctx, SCRIP_EIO, "%s: cannot go to byte %llu: %s", feed->name,
                          (unsigned long long)position, strerror(errno));
    feed->start = feed->end = 0;
    feed->buffer[0] = '\n';
    feed->at_end = 0;
    feed->position = position;
    feed->line = line;
    return SCRIP_OK;
}

/* Takes the three bytes with which some programs begin a UTF-8 file. Call it at the top. */
static inline int feed_mark_skip(struct feed *feed)
{
    int code = SCRIP_OK;

    while (feed_held(feed) < 3 && !feed->at_end && code == SCRIP_OK)
        code = feed_fill(feed);
    if (code < 0)
        return code;
    if (feed_held(feed) >= 3 && memcmp(feed_at(feed), "\xef\xbb\xbf", 3) == 0)
        feed_take(feed, 3, 0);
    else if (feed_held(feed) >= 3 && memcmp(feed_at(feed), "\xd0\xcf\x11", 3) == 0)
        return scrip_fail(feed->ctx, SCRIP_EINVALID, "%s: a workbook of Excel: save it as CSV UTF-8", feed->name);
    else if (feed_held(feed) >= 3 &&
             (memcmp(feed_at(feed), "\x1f\x8b", 2) == 0 || memcmp(feed_at(feed), "PK\3", 3) == 0))
        return scrip_fail(feed->ctx, SCRIP_EINVALID, "%s: is packed, and cannot be read twice: name the file itself, or "
                          "unpack it on the way, as gunzip -c FILE | scrip ingest -", feed->name);
    else if (feed_held(feed) >= 2 && (memcmp(feed_at(feed), "\xff\xfe", 2) == 0 || memcmp(feed_at(feed), "\xfe\xff", 2) == 0))
        return scrip_fail(feed->ctx, SCRIP_EINVALID, "%s: UTF-16 text: save it as UTF-8", feed->name);
    return SCRIP_OK;
}

/* The rest of a line that is too long goes by; its first bytes are kept in clip. */
static inline int feed_line_clip(struct feed *feed, struct scrip_row *row)
{
    if (feed->clip == NULL && (feed->clip = malloc(FEED_SHOWN_SIZE)) == NULL)
        return scrip_fail(feed->ctx, SCRIP_ENOMEM, "%s: no memory to read it", feed->name);
    memcpy(feed->clip, feed_at(feed), FEED_SHOWN_SIZE);
    row->bytes = feed->clip;
    row->size = FEED_SHOWN_SIZE;
    for (;;) {
        const char *end = memchr(feed_at(feed), '\n', feed_held(feed));
        int code;

        if (end != NULL) {
            feed_take(feed, (size_t)(end - feed_at(feed)) + 1, 1);
            return SCRIP_OK;
        }
        feed_take(feed, feed_held(feed), 0);
        if (feed->at_end)
            return SCRIP_OK;
        if ((code = feed_fill(feed)) < 0)
            return code;
    }
}

/* Takes one line, with its end, into bytes, size, position and line of the row. 1: a line; 2: a line longer than SCRIP_ROW_SIZE,
 * of which the row has the first bytes; 0: the end. */
static inline int feed_line(struct feed *feed, struct scrip_row *row)
{
    size_t seen = 0;
    int code = SCRIP_OK, is_long;

    for (;;) {
        size_t held = feed_held(feed), most = held < SCRIP_ROW_SIZE ? held : SCRIP_ROW_SIZE;
        const char *end = most > seen ? memchr(feed_at(feed) + seen, '\n', most - seen) : NULL;

        row->line = feed->line;
        is_long = end == NULL && held > SCRIP_ROW_SIZE;
        if (end != NULL || is_long || feed->at_end) {
            row->bytes = feed_at(feed);
            row->size = end ? (size_t)(end - row->bytes) + 1 : held;
            break;
        }
        seen = most;
        if ((code = feed_fill(feed)) < 0)
            return code;
    }
    if (feed->grows && !is_long && row->size > 0 && row->bytes[row->size - 1] != '\n')
        return 0;
    if (is_long)
        code = feed_line_clip(feed, row);
    else
        feed_take(feed, row->size, row->size && row->bytes[row->size - 1] == '\n');
    row->position = feed->position;
    return code < 0 ? code : is_long ? 2 : row->size > 0;
}

static inline int feed_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline int feed_is_blank(const char *text, uint64_t size)
{
    while (size > 0 && feed_is_space(*text)) {
        text++;
        size--;
    }
    return size == 0;
}

/* The line that feed_line took is a native event: `kind` is what it answered. 1: a row; 0: a blank line, which is none. */
static inline int feed_event(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row, int kind)
{
    int code;

    if (kind == 1 && feed_is_blank(row->bytes, row->size))
        return 0;
    code = kind == 2 ? ctx->host->row_bad(ctx, out, row, "line %llu: longer than %d bytes: split the event",
                                          (unsigned long long)row->line, SCRIP_ROW_SIZE)
                     : ctx->host->row_json(ctx, out, row);
    return code < 0 ? code : 1;
}

/* ---- where to go on ------------------------------------------------------------------------- */

/* Bytes of the file; the number of them that there are, or a fault. */
static inline int64_t feed_peek(struct feed *feed, uint64_t position, void *out, size_t size)
{
    size_t got = 0;

    if (feed->packed != NULL)
        return feed->packing->read(feed->packed, position, out, size);
    while (got < size) {
        ssize_t n = pread(feed->fd, (char *)out + got, size - got, (off_t)(position + got));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return scrip_fail(feed->ctx, SCRIP_EIO, "%s: cannot be read at byte %llu: %s", feed->name,
                              (unsigned long long)position, strerror(errno));
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (int64_t)got;
}

/* 1: the size bytes at position hash to this. */
static inline int feed_hash_check(struct feed *feed, uint64_t position, size_t size, uint64_t hash)
{
    int64_t got = feed_peek(feed, position, feed->buffer, size);

    if (got < 0)
        return (int)got;
    return (uint64_t)got == size && feed->ctx->host->hash(feed->buffer, size) == hash;
}

/* The same for a line of which only the first bytes were kept: it ends at position; where it begins is looked for. */
static inline int feed_clip_check(struct feed *feed, const struct scrip_cursor *from)
{
    uint64_t at = from->position - 1; /* the line's own end is not looked at */

    while (at > 0) {
        size_t size = at < FEED_BLOCK_SIZE ? (size_t)at : FEED_BLOCK_SIZE;
        int64_t got = feed_peek(feed, at - size, feed->buffer, size);
        const char *found;

        if (got < 0)
            return (int)got;
        if ((uint64_t)got != size)
            return 0;
        found = memrchr(feed->buffer, '\n', size);
        if (found != NULL) {
            at = at - size + (uint64_t)(found - feed->buffer) + 1;
            break;
        }
        at -= size;
    }
    return feed_hash_check(feed, at, FEED_SHOWN_SIZE, from->tail_hash);
}

/* A last row without a line end may have got one since, or may have grown. 1: *from goes on behind it; 0: it is another row now. */
static inline int feed_tail_check(struct feed *feed, struct scrip_cursor *from, int is_clipped)
{
    char near[3] = { 0 };
    int64_t got = feed_peek(feed, from->position - 1, near, 3);

    if (got < 0)
        return (int)got;
    if (near[0] == '\n') {
        from->line += is_clipped ? 1 : 0;
    } else if (near[1] == '\n') {
        from->position += 1;
        from->line += 1;
    } else if (near[1] == '\r' && near[2] == '\n') {
        from->position += 2;
        from->line += 1;
    } else if (got > 1) {
        return 0;
    }
    return 1;
}

/* 1: the feed has at least this many bytes. */
static inline int feed_is_long(struct feed *feed, uint64_t size)
{
    struct stat info;
    char byte;

    if (feed->packed != NULL) {
        int64_t got = feed->packing->read(feed->packed, size - 1, &byte, 1);

        return got < 0 ? (int)got : got == 1;
    }
    if (fstat(feed->fd, &info) < 0)
        return scrip_fail(feed->ctx, SCRIP_EIO, "%s: cannot be read: %s", feed->name, strerror(errno));
    return (uint64_t)info.st_size >= size;
}

/* Is the feed still the one that the cursor knows? 1: *out says where to go on. 0: from the start; said in the log where the
 * feed changed. What the buffer holds is lost either way: seek next. least: no row begins before it. */
static inline int feed_resume(struct feed *feed, const struct scrip_cursor *from, uint64_t least,
                              struct scrip_cursor *out)
{
    int same = 0, is_clipped = 0, is_long;

    *out = *from;
    if (from->position == 0 || feed->is_stream)
        return 0;
    if ((is_long = feed_is_long(feed, from->position)) < 0)
        return is_long;
    if (is_long && from->position >= least && from->position <= INT64_MAX &&
        from->tail_size <= SCRIP_ROW_SIZE && from->tail_size <= from->position) {
        same = feed_hash_check(feed, from->position - from->tail_size, (size_t)from->tail_size, from->tail_hash);
        if (same == 0 && from->tail_size == FEED_SHOWN_SIZE)
            same = is_clipped = feed_clip_check(feed, from);
        if (same == 1)
            same = feed_tail_check(feed, out, is_clipped);
    }
    if (same == 0)
        feed->ctx->host->log(feed->ctx, "%s: changed since it was last read: it is read from its start again",
                             feed->name);
    return same;
}

#endif
