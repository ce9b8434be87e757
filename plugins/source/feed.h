/* feed.h - files read row by row: what the sources `csv` and `events` share. Paths and patterns, blocks, cursors. */
#ifndef SCRIP_FEED_H
#define SCRIP_FEED_H

#include <scrip/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FEED_BLOCK 262144

/* A file being read: bytes [at, end) of the buffer are ahead. */
struct feed {
    int fd;
    char *buffer;
    size_t room, at, end;
    uint64_t offset; /* of buffer[0] in the file */
    uint64_t line;   /* of the row that starts at `at` */
    int is_ended;    /* nothing is left behind `end` */
};

#define FEED_OPTIONS                                                                                          \
    { "folder", SCRIP_OPTION_PATH, ".", NULL, 0, "where files are, unless their path is absolute" },          \
    {                                                                                                         \
        "files", SCRIP_OPTION_LIST, NULL, NULL, 0, "files or patterns (usage-*.csv), read in order of their names" \
    }

/* feeds(): every file of the option `files`. A pattern may fit none; a plain name must be there. */
static int feed_list(struct scrip_ctx *ctx, struct scrip_rows *out)
{
    const char *folder = ctx->host->option_text(ctx, "folder"), *item;
    int code = SCRIP_OK;

    for (uint64_t i = 0; code == SCRIP_OK && (item = ctx->host->option_item(ctx, "files", i)) != NULL; i++) {
        char path[4096];
        glob_t found;
        int size = item[0] == '/' ? snprintf(path, sizeof path, "%s", item)
                                  : snprintf(path, sizeof path, "%s/%s", folder, item);

        if (size < 0 || (size_t)size >= sizeof path)
            return scrip_fail(ctx, SCRIP_ELIMIT, "files: a path longer than 4095 bytes");
        if (strpbrk(item, "*?[") == NULL) {
            code = ctx->host->feed_add(ctx, out, path);
            continue;
        }
        if (glob(path, 0, NULL, &found) == 0) {
            for (size_t j = 0; j < found.gl_pathc && code == SCRIP_OK; j++)
                code = ctx->host->feed_add(ctx, out, found.gl_pathv[j]);
            globfree(&found);
        }
    }
    return code;
}

/* Moves what is left to the front and reads on. Returns 0, or the fault. */
static int feed_fill(struct scrip_ctx *ctx, struct feed *feed)
{
    ssize_t got;

    if (feed->at > 0) {
        memmove(feed->buffer, feed->buffer + feed->at, feed->end - feed->at);
        feed->offset += feed->at;
        feed->end -= feed->at;
        feed->at = 0;
    }
    if (feed->room - feed->end < FEED_BLOCK / 2) {
        size_t room = feed->room ? feed->room * 2 : FEED_BLOCK;
        char *grown = realloc(feed->buffer, room + 1);

        if (grown == NULL)
            return scrip_fail(ctx, SCRIP_ENOMEM, "no memory for a row of %zu bytes", feed->end);
        feed->buffer = grown;
        feed->room = room;
    }
    do
        got = read(feed->fd, feed->buffer + feed->end, feed->room - feed->end);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return scrip_fail(ctx, SCRIP_EIO, "read: %s", strerror(errno));
    feed->end += (size_t)got;
    feed->is_ended = got == 0;
    return SCRIP_OK;
}

static void feed_end(struct feed *feed)
{
    if (feed->fd > 0)
        close(feed->fd);
    free(feed->buffer);
    memset(feed, 0, sizeof *feed);
    feed->fd = -1;
}

static int feed_start(struct scrip_ctx *ctx, struct feed *feed, const char *path)
{
    memset(feed, 0, sizeof *feed);
    feed->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (feed->fd < 0)
        return scrip_fail(ctx, SCRIP_EIO, "%s: %s", path, strerror(errno));
    feed->line = 1;
    return feed_fill(ctx, feed);
}

/* 1: the file still has the row before the cursor where it was. */
static int cursor_fits(struct scrip_ctx *ctx, const struct feed *feed, const struct scrip_cursor *from)
{
    char *tail;
    int fits;

    if (from->tail_size == 0 || from->tail_size > from->position || from->tail_size > SCRIP_ROW_SIZE ||
        (tail = malloc(from->tail_size)) == NULL)
        return 0;
    fits = pread(feed->fd, tail, from->tail_size, (off_t)(from->position - from->tail_size)) == (ssize_t)from->tail_size &&
           ctx->host->hash(tail, from->tail_size) == from->tail_hash;
    free(tail);
    return fits;
}

/* Goes on where the cursor says; from the start where the file is another one by now. 1: it went on. */
static int feed_resume(struct scrip_ctx *ctx, struct feed *feed, const char *path, const struct scrip_cursor *from)
{
    if (from->position == 0 || strcmp(path, "-") == 0)
        return 0;
    if (!cursor_fits(ctx, feed, from)) {
        ctx->host->log(ctx, "%s: changed before line %llu: read again from its start; what is known counts as duplicate",
                       path, (unsigned long long)from->line);
        return 0;
    }
    if (lseek(feed->fd, (off_t)from->position, SEEK_SET) < 0)
        return scrip_fail(ctx, SCRIP_EIO, "%s: %s", path, strerror(errno));
    feed->at = feed->end = 0;
    feed->offset = from->position;
    feed->line = from->line;
    feed->is_ended = 0;
    return 1;
}

/* Passes over a byte order mark at the start of the file. */
static void feed_mark_skip(struct feed *feed)
{
    if (feed->offset == 0 && feed->at == 0 && feed->end >= 3 && memcmp(feed->buffer, "\xef\xbb\xbf", 3) == 0)
        feed->at = 3;
}

/* UTF-8 without control characters, but for line ends and tabs. Most rows are ASCII, eight bytes at a time. */
static int text_fits(const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + size;

    while (at < end) {
        unsigned c;

        while (end - at >= 8) {
            uint64_t word, low;

            memcpy(&word, at, 8);
            low = word - UINT64_C(0x2020202020202020);
            if ((word & UINT64_C(0x8080808080808080)) || (low & UINT64_C(0x8080808080808080)))
                break;
            at += 8;
        }
        if (at >= end)
            break;
        c = *at;
        if (c < 0x80) {
            if (c < 0x20 && c != '\n' && c != '\r' && c != '\t')
                return 0;
            at++;
        } else {
            int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;

            if (c < 0xc2 || c > 0xf4 || end - at <= more)
                return 0;
            for (int i = 1; i <= more; i++)
                if ((at[i] & 0xc0) != 0x80)
                    return 0;
            at += more + 1;
        }
    }
    return 1;
}

#endif
