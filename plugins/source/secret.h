/* secret.h - a credential: from a file that only its owner can read, or from the environment. It is read when the first
 * request is due, is in no message, and is wiped when it is no longer needed.
 */
#ifndef SCRIP_SECRET_H
#define SCRIP_SECRET_H

#include <scrip/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_SIZE 8192
#define SECRET_PART 8 /* so many bytes of it in a row are a part of it */

#define SECRET_OPTIONS                                                                                                \
    { "credential_file", SCRIP_OPTION_PATH, NULL, NULL, 0,                                                            \
      "file that holds the credential and nothing else; only its owner may read it (mode 0600)" },                    \
        { "credential_env", SCRIP_OPTION_NAME, NULL, NULL, 0, "the same from this variable of the environment" }

struct secret {
    char text[SECRET_SIZE + 1]; /* "": there is none */
};

static inline void secret_wipe(struct secret *secret)
{
    explicit_bzero(secret->text, sizeof secret->text);
}

static inline int secret_is_wanted(struct scrip_ctx *ctx)
{
    return ctx->host->option_given(ctx, "credential_file") || ctx->host->option_given(ctx, "credential_env");
}

static inline int secret_options_check(struct scrip_ctx *ctx)
{
    if (ctx->host->option_given(ctx, "credential_file") && ctx->host->option_given(ctx, "credential_env"))
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: credential_env: credential_file is there too: keep one of both",
                          ctx->host->option_where(ctx, "credential_env"));
    return SCRIP_OK;
}

/* A line end behind it is none of it; one within it would end a header. */
static inline int secret_check(struct scrip_ctx *ctx, struct secret *secret, size_t size, const char *where)
{
    while (size > 0 && (secret->text[size - 1] == '\n' || secret->text[size - 1] == '\r'))
        size--;
    secret->text[size] = 0;
    if (size < SECRET_PART)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: want a credential of %d bytes or more", where, SECRET_PART);
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)secret->text[i] < 0x20 || secret->text[i] == 0x7f)
            return scrip_fail(ctx, SCRIP_EINVALID, "%s: holds control characters: want one line, the credential alone",
                              where);
    return SCRIP_OK;
}

/* Opens the file that holds a credential, where nobody else can read it; its descriptor. */
static inline int secret_file_open(struct scrip_ctx *ctx, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), code;
    struct stat info;

    if (fd < 0)
        return scrip_fail(ctx, SCRIP_EIO, "credential_file: %s: cannot be opened: %s", path, strerror(errno));
    if (fstat(fd, &info) < 0 || !S_ISREG(info.st_mode))
        code = scrip_fail(ctx, SCRIP_EINVALID, "credential_file: %s: is no file", path);
    else if ((info.st_mode & 077) != 0)
        code = scrip_fail(ctx, SCRIP_EINVALID,
                          "credential_file: %s: others may read or write it (mode %04o): chmod 600 it", path,
                          (unsigned)(info.st_mode & 07777));
    else if (info.st_uid != geteuid() && info.st_uid != 0)
        code = scrip_fail(ctx, SCRIP_EINVALID,
                          "credential_file: %s: belongs to another user: it must be yours or root's", path);
    else
        return fd;
    close(fd);
    return code;
}

static inline int secret_from_file(struct scrip_ctx *ctx, struct secret *secret, const char *path)
{
    int fd = secret_file_open(ctx, path), code;
    char more;
    ssize_t got;

    if (fd < 0)
        return fd;
    if ((got = read(fd, secret->text, SECRET_SIZE)) < 0)
        code = scrip_fail(ctx, SCRIP_EIO, "credential_file: %s: cannot be read: %s", path, strerror(errno));
    else if (got == SECRET_SIZE && read(fd, &more, 1) == 1)
        code = scrip_fail(ctx, SCRIP_ELIMIT, "credential_file: %s: longer than %d bytes", path, SECRET_SIZE);
    else
        code = secret_check(ctx, secret, (size_t)got, "credential_file");
    close(fd);
    return code;
}

/* Reads it, where the section names one and it was not read yet. */
static inline int secret_read(struct scrip_ctx *ctx, struct secret *secret)
{
    const char *name = ctx->host->option_text(ctx, "credential_env"), *text;

    if (secret->text[0] || !secret_is_wanted(ctx))
        return SCRIP_OK;
    if (ctx->host->option_given(ctx, "credential_file"))
        return secret_from_file(ctx, secret, ctx->host->option_text(ctx, "credential_file"));
    text = getenv(name);
    if (text == NULL)
        return scrip_fail(ctx, SCRIP_EINVALID, "credential_env: no variable %s in the environment: export it", name);
    if (strlen(text) > SECRET_SIZE)
        return scrip_fail(ctx, SCRIP_ELIMIT, "credential_env: %s: longer than %d bytes", name, SECRET_SIZE);
    memcpy(secret->text, text, strlen(text) + 1);
    return secret_check(ctx, secret, strlen(text), "credential_env");
}

/* 1: a part of the secret stands in the text. */
static inline int secret_is_in(const struct secret *secret, const char *text, size_t size)
{
    size_t secret_size = strlen(secret->text);

    for (size_t i = 0; i + SECRET_PART <= secret_size; i++)
        if (memmem(text, size, secret->text + i, SECRET_PART) != NULL)
            return 1;
    return 0;
}

#endif
