/* packed.h - the text in gzip and zip files, read as if it were the file: no temporary file, and no row of a damaged
 * one.
 *
 * A packed file can only be unpacked from its start. What was unpacked last stays in a window, so that reading on, and
 * back by a row's length, is free; further back costs a new start.
 *
 *   file -> zlib or libzip -> window [from, to) of the text -> read(position)
 */
#ifndef SCRIP_PACKED_H
#define SCRIP_PACKED_H

#include "feed.h"

#include <zip.h>
#include <zlib.h>

#define PACKED_OPTIONS FEED_OPTIONS_OF("; packed by gzip or zip, too; A.zip/B: what is in an archive")
#define PACKED_BLOCK_SIZE ((size_t)64 * 1024)
#define PACKED_BACK_SIZE ((size_t)SCRIP_ROW_SIZE + FEED_BLOCK_SIZE) /* kept of what was read */
#define PACKED_ROOM (2 * PACKED_BACK_SIZE)
#define PACKED_SHOWN 3 /* members named in a message */

struct packed {
    struct scrip_ctx *ctx;
    char *name;
    char *window; /* PACKED_ROOM bytes */
    uint64_t from, to;
    int at_end;
    /* gzip: */
    int fd; /* lent */
    int is_inflating;
    z_stream inflate;
    unsigned char *block; /* PACKED_BLOCK_SIZE bytes of the file; NULL: it is a zip */
    uint64_t file_at;     /* of the file, behind the block */
    int is_between;       /* one member of the gzip file has ended */
    /* zip: */
    zip_t *archive;
    zip_int64_t index;
    zip_file_t *member;
};

static inline int packed_fault(struct packed *packed, const char *what)
{
    return scrip_fail(packed->ctx, SCRIP_EIO, "%s: %s: nothing of it is taken: fetch it again", packed->name, what);
}

static inline void packed_close(void *self)
{
    struct packed *packed = self;

    if (packed->is_inflating)
        inflateEnd(&packed->inflate);
    if (packed->member != NULL)
        zip_fclose(packed->member);
    if (packed->archive != NULL)
        zip_discard(packed->archive);
    free(packed->block);
    free(packed->window);
    free(packed->name);
    free(packed);
}

/* ---- gzip ----------------------------------------------------------------------------------- */

static inline int gzip_start(struct packed *packed)
{
    if (packed->is_inflating)
        inflateEnd(&packed->inflate);
    memset(&packed->inflate, 0, sizeof packed->inflate);
    packed->is_inflating = inflateInit2(&packed->inflate, 15 + 16) == Z_OK; /* 16: gzip's own head and checksum */
    packed->file_at = 0;
    packed->is_between = 0;
    return packed->is_inflating ? SCRIP_OK
                                : scrip_fail(packed->ctx, SCRIP_ENOMEM, "%s: no memory to unpack it", packed->name);
}

/* More of the file. 1: there is some; 0: it ends. */
static inline int gzip_feed(struct packed *packed)
{
    ssize_t n;

    do
        n = pread(packed->fd, packed->block, PACKED_BLOCK_SIZE, (off_t)packed->file_at);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return scrip_fail(packed->ctx, SCRIP_EIO, "%s: cannot be read at byte %llu: %s", packed->name,
                          (unsigned long long)packed->file_at, strerror(errno));
    packed->file_at += (uint64_t)n;
    packed->inflate.next_in = packed->block;
    packed->inflate.avail_in = (unsigned)n;
    return n > 0;
}

/* Behind a member another may follow; zeros up to a block's end are allowed. 1: one follows; 0: the end. */
static inline int gzip_next(struct packed *packed)
{
    z_stream *z = &packed->inflate;
    int code = 1;

    for (;;) {
        while (z->avail_in > 0 && *z->next_in == 0) {
            z->next_in++;
            z->avail_in--;
        }
        if (z->avail_in > 0)
            break;
        if ((code = gzip_feed(packed)) <= 0)
            return code;
    }
    if (*z->next_in != 0x1f)
        return packed_fault(packed, "holds something else behind its end");
    packed->is_between = 0;
    return inflateReset(z) == Z_OK ? 1 : packed_fault(packed, "cannot be unpacked");
}

static inline int64_t gzip_unpack(struct packed *packed, void *out, size_t size)
{
    z_stream *z = &packed->inflate;
    int code;

    z->next_out = out;
    z->avail_out = (unsigned)size;
    while (z->avail_out == size) {
        if (packed->is_between && (code = gzip_next(packed)) <= 0)
            return code;
        if (z->avail_in == 0 && (code = gzip_feed(packed)) <= 0)
            return code < 0 ? code : packed_fault(packed, "breaks off in the middle");
        code = inflate(z, Z_NO_FLUSH);
        if (code == Z_MEM_ERROR)
            return scrip_fail(packed->ctx, SCRIP_ENOMEM, "%s: no memory to unpack it", packed->name);
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
            char what[120];

            snprintf(what, sizeof what, "is damaged near byte %llu (%s)",
                     (unsigned long long)(packed->file_at - z->avail_in), z->msg ? z->msg : "no gzip data");
            return packed_fault(packed, what);
        }
        packed->is_between = code == Z_STREAM_END;
    }
    return (int64_t)(size - z->avail_out);
}

/* ---- zip ------------------------------------------------------------------------------------ */

/* What is a file for a user: neither a folder, nor what some systems add. */
static inline int zip_is_file(const char *name)
{
    const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;

    return base[0] != 0 && base[0] != '.' && strncmp(name, "__MACOSX/", 9) != 0;
}

static inline int zip_archive_open(struct scrip_ctx *ctx, const char *name, int fd, zip_t **out)
{
    int own = dup(fd), why = 0, code;
    zip_error_t error;

    /* The offset is shared with fd, which is read by pread only. */
    *out = own < 0 || lseek(own, 0, SEEK_SET) < 0 ? NULL : zip_fdopen(own, 0, &why);
    if (*out != NULL)
        return SCRIP_OK;
    if (own < 0 || why == 0)
        return scrip_fail(ctx, SCRIP_EIO, "%s: cannot be read: %s", name, strerror(errno));
    close(own);
    zip_error_init_with_code(&error, why);
    code = scrip_fail(ctx, SCRIP_EIO, "%s: is no whole zip file (%s): nothing of it is taken: fetch it again", name,
                      zip_error_strerror(&error));
    zip_error_fini(&error);
    return code;
}

static inline int zip_start(struct packed *packed)
{
    struct zip_stat info;

    if (packed->member != NULL)
        zip_fclose(packed->member);
    packed->member = NULL;
    if (zip_stat_index(packed->archive, (zip_uint64_t)packed->index, 0, &info) == 0 &&
        (info.valid & ZIP_STAT_ENCRYPTION_METHOD) && info.encryption_method != ZIP_EM_NONE)
        return scrip_fail(packed->ctx, SCRIP_EINVALID, "%s: is encrypted: unpack it by hand", packed->name);
    packed->member = zip_fopen_index(packed->archive, (zip_uint64_t)packed->index, 0);
    return packed->member != NULL ? SCRIP_OK : packed_fault(packed, zip_strerror(packed->archive));
}

static inline int64_t zip_unpack(struct packed *packed, void *out, size_t size)
{
    zip_int64_t n = zip_fread(packed->member, out, size);
    char what[160];

    if (n >= 0)
        return n;
    snprintf(what, sizeof what, "is damaged (%s)", zip_file_strerror(packed->member));
    return packed_fault(packed, what);
}

/* The member of this name, or the only one there is. */
static inline int zip_member_find(struct packed *packed, const char *member)
{
    zip_int64_t count = zip_get_num_entries(packed->archive, 0), files = 0;
    char shown[320] = "";
    size_t used = 0;

    packed->index = -1;
    if (zip_name_locate(packed->archive, "[Content_Types].xml", 0) >= 0)
        return scrip_fail(packed->ctx, SCRIP_EINVALID, "%s: a workbook of Excel: save it as CSV UTF-8", packed->name);
    for (zip_int64_t i = 0; i < count; i++) {
        const char *name = zip_get_name(packed->archive, (zip_uint64_t)i, 0);

        if (name == NULL || !zip_is_file(name) || (member[0] && strcmp(name, member) != 0))
            continue;
        if (files++ < PACKED_SHOWN && used < sizeof shown)
            used += (size_t)snprintf(shown + used, sizeof shown - used, "%s%.90s", files > 1 ? ", " : "", name);
        packed->index = i;
    }
    if (files == 1)
        return SCRIP_OK;
    if (files == 0)
        return scrip_fail(packed->ctx, SCRIP_ENOTFOUND, "%s: there is no such file in the archive", packed->name);
    if (member[0])
        return scrip_fail(packed->ctx, SCRIP_EINVALID, "%s: is in the archive twice: unpack it by hand", packed->name);
    return scrip_fail(packed->ctx, SCRIP_EINVALID, "%s: holds %lld files (%s%s): name one, as ARCHIVE.zip/FILE",
                      packed->name, (long long)files, shown, files > PACKED_SHOWN ? " ..." : "");
}

static inline int packed_members(struct scrip_ctx *ctx, const char *path, int (*found)(void *sink, const char *member),
                                 void *sink)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), code;
    zip_t *archive;

    if (fd < 0)
        return scrip_fail(ctx, SCRIP_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    code = zip_archive_open(ctx, path, fd, &archive);
    close(fd);
    if (code < 0)
        return code;
    for (zip_int64_t i = 0; i < zip_get_num_entries(archive, 0) && code == SCRIP_OK; i++) {
        const char *name = zip_get_name(archive, (zip_uint64_t)i, 0);

        if (name != NULL && zip_is_file(name))
            code = found(sink, name);
    }
    zip_discard(archive);
    return code;
}

/* ---- the text ------------------------------------------------------------------------------- */

static inline int packed_start(struct packed *packed)
{
    packed->from = packed->to = 0;
    packed->at_end = 0;
    return packed->block != NULL ? gzip_start(packed) : zip_start(packed);
}

/* Unpacks on into the window, which keeps PACKED_BACK_SIZE bytes of what was there before. */
static inline int packed_more(struct packed *packed)
{
    size_t held = (size_t)(packed->to - packed->from);
    int64_t n;

    if (PACKED_ROOM - held < FEED_BLOCK_SIZE) {
        memmove(packed->window, packed->window + held - PACKED_BACK_SIZE, PACKED_BACK_SIZE);
        packed->from = packed->to - PACKED_BACK_SIZE;
        held = PACKED_BACK_SIZE;
    }
    n = packed->block != NULL ? gzip_unpack(packed, packed->window + held, FEED_BLOCK_SIZE)
                              : zip_unpack(packed, packed->window + held, FEED_BLOCK_SIZE);
    if (n < 0)
        return (int)n;
    packed->at_end = n == 0;
    packed->to += (uint64_t)n;
    return SCRIP_OK;
}

static inline int packed_prove(void *self, uint64_t *size)
{
    struct packed *packed = self;
    int code = SCRIP_OK;

    while (code == SCRIP_OK && !packed->at_end)
        code = packed_more(packed);
    *size = packed->to;
    return code;
}

static inline int64_t packed_read(void *self, uint64_t position, void *out, size_t size)
{
    struct packed *packed = self;
    int code = position < packed->from ? packed_start(packed) : SCRIP_OK;

    while (code == SCRIP_OK && !packed->at_end && packed->to - (packed->to < position ? packed->to : position) < size)
        code = packed_more(packed);
    if (code < 0)
        return code;
    if (position < packed->from) /* more was wanted at once than the window holds */
        return scrip_fail(packed->ctx, SCRIP_ELIMIT, "%s: %zu bytes at once", packed->name, size);
    if (position >= packed->to)
        return 0;
    if (size > packed->to - position)
        size = (size_t)(packed->to - position);
    memcpy(out, packed->window + (position - packed->from), size);
    return (int64_t)size;
}

static inline int packed_open(struct scrip_ctx *ctx, const char *name, int fd, const char *member, void **out)
{
    unsigned char magic[4] = { 0 };
    ssize_t got = pread(fd, magic, sizeof magic, 0);
    int is_gzip = got >= 2 && magic[0] == 0x1f && magic[1] == 0x8b;
    int is_zip =
        got == 4 && memcmp(magic, "PK", 2) == 0 && (magic[2] == 3 || magic[2] == 5) && magic[3] == magic[2] + 1;
    struct packed *packed;
    int code = SCRIP_OK;

    *out = NULL;
    if (member[0] && !is_zip)
        return scrip_fail(ctx, SCRIP_EIO, "%s: cannot be opened: what it is said to be in is no zip file", name);
    if (!is_gzip && !is_zip)
        return SCRIP_OK;
    packed = calloc(1, sizeof *packed);
    if (packed == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "%s: no memory to unpack it", name);
    packed->ctx = ctx;
    packed->fd = fd;
    packed->name = strdup(name);
    packed->window = malloc(PACKED_ROOM);
    packed->block = is_gzip ? malloc(PACKED_BLOCK_SIZE) : NULL;
    if (packed->name == NULL || packed->window == NULL || (is_gzip && packed->block == NULL))
        code = scrip_fail(ctx, SCRIP_ENOMEM, "%s: no memory to unpack it", name);
    if (code == SCRIP_OK && is_zip && (code = zip_archive_open(ctx, name, fd, &packed->archive)) == SCRIP_OK)
        code = zip_member_find(packed, member);
    if (code == SCRIP_OK)
        code = packed_start(packed);
    if (code < 0)
        packed_close(packed);
    else
        *out = packed;
    return code;
}

static const struct feed_packing packed_files = { packed_open, packed_prove, packed_read, packed_close,
                                                  packed_members };

static inline int packed_list(struct scrip_ctx *ctx, struct scrip_rows *out)
{
    return feed_list_of(ctx, out, &packed_files);
}

#endif
