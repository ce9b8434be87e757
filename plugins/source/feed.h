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

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FEED_BLOCK_SIZE ((size_t)256 * 1024)
#define FEED_ROOM ((size_t)SCRIP_ROW_SIZE + FEED_BLOCK_SIZE)
#define FEED_SHOWN_SIZE 65536 /* bytes kept of a line that is too long */
#define FEED_LIMIT 100000     /* files of one source */

#define FEED_OPTIONS                                                                               \
    { "files", SCRIP_OPTION_LIST, NULL, NULL, 0,                                                   \
      "files to read, or patterns such as usage-*.csv, in this order; relative to `folder`" },     \
        { "folder", SCRIP_OPTION_PATH, ".", NULL, 0,                                               \
          "folder of `files`, relative to the configuration file" }

struct feed {
    struct scrip_ctx *ctx;
    char *name;
    int is_open;
    int fd;
    int is_stream;     /* no way back: standard input, a pipe */
    int at_end;        /* nothing comes behind what is in the buffer */
    char *buffer;      /* FEED_ROOM bytes and the line end behind them; kept from feed to feed */
    char *clip;        /* FEED_SHOWN_SIZE bytes for a line that is too long, once there was one */
    size_t start, end; /* of what was not taken yet */
    uint64_t position; /* of the feed, at start */
    uint64_t line;     /* at start, from 1 */
};

/* ---- which files ---------------------------------------------------------------------------- */

struct feed_names {
    struct scrip_ctx *ctx;
    struct feed_name {
        char *path;
        size_t order;
    } *names;
    size_t count, room;
};

static inline int feed_by_path(const void *left, const void *right)
{
    const struct feed_name *a = left, *b = right;
    int order = strcmp(a->path, b->path);

    return order ? order : (a->order > b->order) - (a->order < b->order);
}

static inline int feed_by_order(const void *left, const void *right)
{
    const struct feed_name *a = left, *b = right;

    return (a->order > b->order) - (a->order < b->order);
}

static inline int feed_by_text(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* The path becomes canonical: a file has one cursor, whoever names it and how. */
static inline int feed_name_add(struct feed_names *list, const char *path, int is_match)
{
    struct stat info;
    char *real;

    if (list->count == FEED_LIMIT)
        return scrip_fail(list->ctx, SCRIP_ELIMIT, "files: more than %d: name fewer", FEED_LIMIT);
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 16;
        struct feed_name *names = realloc(list->names, room * sizeof *names);

        if (names == NULL)
            return scrip_fail(list->ctx, SCRIP_ENOMEM, "files: no memory for their names");
        list->names = names;
        list->room = room;
    }
    real = strcmp(path, "-") == 0 ? strdup(path) : realpath(path, NULL);
    if (real == NULL)
        return scrip_fail(list->ctx, SCRIP_ENOTFOUND, "files: %s: %s: name a file that is there", path,
                          strerror(errno));
    if (is_match && stat(real, &info) == 0 && S_ISDIR(info.st_mode)) {
        free(real);
        return SCRIP_OK;
    }
    list->names[list->count].path = real;
    list->names[list->count].order = list->count;
    list->count++;
    return SCRIP_OK;
}

/* Folder and item as one pattern, in which the folder stands for itself. Two bytes for each of its bytes at most. */
static inline void feed_pattern(const char *folder, const char *item, char *out)
{
    if (item[0] != '/') {
        for (; *folder; folder++) {
            if (strchr("*?[]\\", *folder) != NULL)
                *out++ = '\\';
            *out++ = *folder;
        }
        *out++ = '/';
    }
    strcpy(out, item);
}

/* A folder that is not there holds nothing; any other fault hides files. */
static inline int feed_unreadable(const char *path, int error)
{
    (void)path;
    return error != ENOENT && error != ENOTDIR;
}

static inline int feed_match(struct feed_names *list, const char *item, const char *pattern)
{
    glob_t found = { 0 };
    int code = glob(pattern, GLOB_NOSORT, feed_unreadable, &found);

    if (code == GLOB_NOMATCH) {
        list->ctx->host->log(list->ctx, "files: nothing matches %s", item);
        code = SCRIP_OK;
    } else if (code != 0) {
        code = scrip_fail(list->ctx, SCRIP_EIO, "files: %s: cannot look for it: %s", item,
                          code == GLOB_NOSPACE ? "no memory" : "a folder cannot be read");
    } else {
        qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, feed_by_text);
        for (size_t i = 0; i < found.gl_pathc && code == SCRIP_OK; i++)
            code = feed_name_add(list, found.gl_pathv[i], 1);
    }
    globfree(&found);
    return code;
}

/* A name that is there stands for itself, whatever signs are in it. */
static inline int feed_item_add(struct feed_names *list, const char *folder, const char *item)
{
    size_t size = strlen(folder) * 2 + strlen(item) + 2;
    char *text = malloc(size);
    struct stat info;
    int code;

    if (text == NULL)
        return scrip_fail(list->ctx, SCRIP_ENOMEM, "files: no memory for their names");
    if (item[0] == '/' || strcmp(item, "-") == 0)
        snprintf(text, size, "%s", item);
    else
        snprintf(text, size, "%s/%s", folder, item);
    if (strpbrk(item, "*?[") == NULL || stat(text, &info) == 0) {
        code = feed_name_add(list, text, 0);
    } else {
        feed_pattern(folder, item, text);
        code = feed_match(list, item, text);
    }
    free(text);
    return code;
}

/* The source's `feeds`: each file once, in the order of `files`, those of a pattern by name. */
static inline int feed_list(struct scrip_ctx *ctx, struct scrip_rows *out)
{
    const char *folder = ctx->host->option_text(ctx, "folder"), *item;
    struct feed_names list = { .ctx = ctx };
    size_t kept = 0;
    int code = SCRIP_OK;

    for (uint64_t i = 0; code == SCRIP_OK && (item = ctx->host->option_item(ctx, "files", i)) != NULL; i++)
        code = feed_item_add(&list, folder, item);
    if (list.count)
        qsort(list.names, list.count, sizeof *list.names, feed_by_path);
    for (size_t i = 0; i < list.count; i++) {
        if (kept && strcmp(list.names[kept - 1].path, list.names[i].path) == 0)
            free(list.names[i].path);
        else
            list.names[kept++] = list.names[i];
    }
    if (kept)
        qsort(list.names, kept, sizeof *list.names, feed_by_order);
    for (size_t i = 0; i < kept; i++) {
        if (code == SCRIP_OK)
            code = ctx->host->feed_add(ctx, out, list.names[i].path);
        free(list.names[i].path);
    }
    free(list.names);
    return code;
}

/* ---- blocks --------------------------------------------------------------------------------- */

static inline void feed_stop(struct feed *feed)
{
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
    feed->at_end = 0;
    feed->start = feed->end = 0;
    feed->position = 0;
    feed->line = 1;
    feed->buffer[0] = '\n';
    return SCRIP_OK;
}

static inline int feed_start(struct feed *feed, struct scrip_ctx *ctx, const char *name)
{
    int fd = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
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
    return SCRIP_OK;
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
        ssize_t n = read(feed->fd, feed->buffer + feed->end, room < FEED_BLOCK_SIZE ? room : FEED_BLOCK_SIZE);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return scrip_fail(feed->ctx, SCRIP_EIO, "%s: cannot be read at byte %llu: %s", feed->name,
                              (unsigned long long)(feed->position + feed->end), strerror(errno));
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
    if (lseek(feed->fd, (off_t)position, SEEK_SET) < 0)
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

/* Is the feed still the one that the cursor knows? 1: *out says where to go on. 0: from the start; said in the log where the
 * feed changed. What the buffer holds is lost either way: seek next. least: no row begins before it. */
static inline int feed_resume(struct feed *feed, const struct scrip_cursor *from, uint64_t least,
                              struct scrip_cursor *out)
{
    struct stat info;
    int same = 0, is_clipped = 0;

    *out = *from;
    if (from->position == 0 || feed->is_stream)
        return 0;
    if (fstat(feed->fd, &info) < 0)
        return scrip_fail(feed->ctx, SCRIP_EIO, "%s: cannot be read: %s", feed->name, strerror(errno));
    if ((uint64_t)info.st_size >= from->position && from->position >= least && from->position <= INT64_MAX &&
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
