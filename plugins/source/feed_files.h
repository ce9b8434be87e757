/* feed_files.h - which files a source reads: the names and patterns of `files`, and what is in archives among them. */
#ifndef SCRIP_FEED_FILES_H
#define SCRIP_FEED_FILES_H

#include <scrip/plugin.h>

#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define FEED_LIMIT 100000 /* files of one source */

/* more: what `files` may name beside files. */
#define FEED_OPTIONS_OF(more)                                                                                          \
    { "files", SCRIP_OPTION_LIST, NULL, NULL, 0,                                                                       \
      "files to read, or patterns such as usage-*.csv, in this order; relative to `folder`" more },                    \
        { "folder", SCRIP_OPTION_PATH, ".", NULL, 0, "folder of `files`, relative to the configuration file" }
#define FEED_OPTIONS FEED_OPTIONS_OF("")

/* ---- which files ---------------------------------------------------------------------------- */

/* How files that hold packed text are read, as if the text were the file: packed.h has one. A file in an archive is
 * named ARCHIVE/MEMBER. */
struct feed_packing {
    /* *out: what the calls below take; NULL: the file is not packed. member: which file of an archive; "": its only
     * one. */
    int (*open)(struct scrip_ctx *ctx, const char *name, int fd, const char *member, void **out);
    /* Reads all of it, and refuses what is damaged before a row of it is taken. *size: of the text. */
    int (*prove)(void *packed, uint64_t *size);
    /* Bytes of the text from position on: how many there are, up to size, or a fault. Cheap while positions ascend, and
     * for a row's length back. */
    int64_t (*read)(void *packed, uint64_t position, void *out, size_t size);
    void (*close)(void *packed);
    /* Calls for each file in an archive; a fault where it is none that is whole. */
    int (*members)(struct scrip_ctx *ctx, const char *archive, int (*found)(void *sink, const char *member),
                   void *sink);
};

struct feed_names {
    struct scrip_ctx *ctx;
    const struct feed_packing *packing; /* NULL: an archive is a file like others */
    const char *members;                /* of archives: a pattern */
    const char *archive;                /* the one at hand */
    size_t member_count;
    struct feed_name {
        char *path;
        size_t order;
    } * names;
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

/* The path becomes the list's. */
static inline int feed_path_add(struct feed_names *list, char *path)
{
    if (path == NULL)
        return scrip_fail(list->ctx, SCRIP_ENOMEM, "files: no memory for their names");
    if (list->count == FEED_LIMIT) {
        free(path);
        return scrip_fail(list->ctx, SCRIP_ELIMIT, "files: more than %d: name fewer", FEED_LIMIT);
    }
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 16;
        struct feed_name *names = realloc(list->names, room * sizeof *names);

        if (names == NULL) {
            free(path);
            return scrip_fail(list->ctx, SCRIP_ENOMEM, "files: no memory for their names");
        }
        list->names = names;
        list->room = room;
    }
    list->names[list->count].path = path;
    list->names[list->count].order = list->count;
    list->count++;
    return SCRIP_OK;
}

/* 1: the same names were looked for just before, and what there is to be said was. */
static inline int feed_is_told(const struct feed_names *list)
{
    return list->ctx->host->feed_grows(list->ctx) > 1;
}

static inline int feed_is_archive(const char *path)
{
    size_t size = strlen(path);

    return size > 4 && strcasecmp(path + size - 4, ".zip") == 0;
}

static inline int feed_member_add(void *sink, const char *member)
{
    struct feed_names *list = sink;
    size_t size = strlen(list->archive) + strlen(member) + 2;
    char *path;

    if (fnmatch(list->members, member, 0) != 0)
        return SCRIP_OK;
    list->member_count++;
    if ((path = malloc(size)) != NULL)
        snprintf(path, size, "%s/%s", list->archive, member);
    return feed_path_add(list, path);
}

/* The files in an archive, each a feed. One that cannot be listed is a feed itself: who opens it says why. */
static inline int feed_archive_add(struct feed_names *list, char *archive)
{
    size_t before = list->count;
    int code;

    list->archive = archive;
    list->member_count = 0;
    code = list->packing->members(list->ctx, archive, feed_member_add, list);
    if (code < 0 && code != SCRIP_ENOMEM && code != SCRIP_ELIMIT) {
        while (list->count > before)
            free(list->names[--list->count].path);
        return feed_path_add(list, archive);
    }
    if (code == SCRIP_OK && list->member_count == 0 && !feed_is_told(list))
        list->ctx->host->log(list->ctx, "files: no file in %s is named %s", archive, list->members);
    free(archive);
    return code;
}

/* The path becomes canonical: a file has one cursor, whoever names it and how. */
static inline int feed_name_add(struct feed_names *list, const char *path, int is_match)
{
    struct stat info;
    char *real;

    real = strcmp(path, "-") == 0 ? strdup(path) : realpath(path, NULL);
    if (real == NULL && errno == ENOENT && list->ctx->host->feed_grows(list->ctx))
        real = strdup(path); /* it may come yet: who opens it says that it is missing */
    if (real == NULL)
        return scrip_fail(list->ctx, SCRIP_ENOTFOUND, "files: %s: %s: name a file that is there", path,
                          strerror(errno));
    if (is_match && stat(real, &info) == 0 && S_ISDIR(info.st_mode)) {
        free(real);
        return SCRIP_OK;
    }
    return list->packing != NULL && feed_is_archive(real) ? feed_archive_add(list, real) : feed_path_add(list, real);
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
        if (!feed_is_told(list))
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
static inline int feed_plain_add(struct feed_names *list, const char *folder, const char *item)
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

/* FILE, or ARCHIVE/MEMBER, both of which may be patterns. */
static inline int feed_item_add(struct feed_names *list, const char *folder, const char *item)
{
    const char *behind = list->packing ? strcasestr(item, ".zip/") : NULL;
    char *archive;
    int code;

    list->members = "*";
    if (behind == NULL)
        return feed_plain_add(list, folder, item);
    if ((archive = strndup(item, (size_t)(behind - item) + 4)) == NULL)
        return scrip_fail(list->ctx, SCRIP_ENOMEM, "files: no memory for their names");
    list->members = behind + 5;
    code = feed_plain_add(list, folder, archive);
    free(archive);
    return code;
}

/* The source's `feeds`: each file once, in the order of `files`, those of a pattern by name. */
static inline int feed_list_of(struct scrip_ctx *ctx, struct scrip_rows *out, const struct feed_packing *packing)
{
    const char *folder = ctx->host->option_text(ctx, "folder"), *item;
    struct feed_names list = { .ctx = ctx, .packing = packing };
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

static inline int feed_list(struct scrip_ctx *ctx, struct scrip_rows *out)
{
    return feed_list_of(ctx, out, NULL);
}

#endif
