/* config.c - the configuration file: read whole or not at all. The only file that knows the .ini library. */
#include "config.h"

#include "error.h"
#include "event.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <ini.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const kind_names[] = { "", "currency", "service", "source", "store", "report", NULL };

/* What the library takes; beyond it, it would cut without a word. */
#define LINE_SIZE 199
#define NAME_SIZE 49

struct reading {
    struct config *config;
    struct scrip_error *err;
    FILE *in;
    int line;
    int code;
    char raw[LINE_SIZE + 8]; /* the line at hand, as it stands in the file */
    struct config_section *section;
    char section_name[NAME_SIZE + 1];
};

static int fault(struct reading *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fault(struct reading *r, const char *format, ...)
{
    char what[SCRIP_MESSAGE_SIZE];
    va_list list;

    if (r->code < 0)
        return r->code; /* the first one counts */
    va_start(list, format);
    vsnprintf(what, sizeof what, format, list);
    va_end(list);
    return r->code = error_set(r->err, SCRIP_EINVALID, "%s:%d: %s", r->config->path, r->line, what);
}

/* ---- sections ------------------------------------------------------------------------------------------------- */

/* "KIND/PLUGIN" or "KIND/PLUGIN INSTANCE". */
static int section_open(struct reading *r, const char *name)
{
    const char *slash = strchr(name, '/'), *blank = strrchr(name, ' ');
    struct config *config = r->config;
    struct config_section fresh = { 0 };

    if (strcmp(name, "scrip") == 0) {
        fresh.plugin = memory_text("");
        fresh.instance = memory_text("scrip");
    } else {
        for (int kind = 1; slash && kind_names[kind]; kind++)
            if (strlen(kind_names[kind]) == (size_t)(slash - name) &&
                strncmp(kind_names[kind], name, (size_t)(slash - name)) == 0)
                fresh.kind = kind;
        if (fresh.kind == 0 || slash[1] == 0 || slash[1] == ' ')
            return fault(r,
                         "section [%s]: want [scrip], [KIND/PLUGIN] or [KIND/PLUGIN INSTANCE], KIND one of currency, "
                         "service, source, store, report",
                         name);
        if (blank != NULL && blank > slash) {
            const char *end = blank;

            while (end > slash && *end == ' ')
                end--;
            fresh.plugin = memory_text_part(slash + 1, (size_t)(end - slash));
            fresh.instance = memory_text(blank + 1);
        } else {
            const char *base = strrchr(slash, '/') + 1;

            fresh.plugin = memory_text(slash + 1);
            fresh.instance = memory_text_part(base, strcspn(base, "."));
        }
    }
    fresh.line = r->line;
    ARRAY_ROOM(config->sections, config->section_count, config->section_room);
    config->sections[config->section_count] = fresh;
    r->section = &config->sections[config->section_count++];
    for (size_t i = 0; i + 1 < config->section_count; i++)
        if (config->sections[i].kind == fresh.kind && strcmp(config->sections[i].instance, fresh.instance) == 0)
            return fault(r, "section [%s]: a %s%s of this name stands in line %d already: give it another INSTANCE",
                         name, fresh.kind ? kind_names[fresh.kind] : "section", fresh.kind ? "" : " [scrip]",
                         config->sections[i].line);
    return SCRIP_OK;
}

/* The library cuts a value at " ;": what it gives must be what the line holds. */
static int value_is_whole(const struct reading *r, const char *value)
{
    const char *at = strpbrk(r->raw, "=:"), *end;
    size_t size;

    if (at == NULL)
        return 0;
    for (at++; *at == ' ' || *at == '\t'; at++)
        ;
    end = at + strlen(at);
    while (end > at && strchr(" \t\r\n", end[-1]) != NULL)
        end--;
    size = strlen(value);
    if ((size_t)(end - at) == size)
        return 1;
    /* What follows is a comment only where a blank and a semicolon begin it. */
    at += size;
    while (*at == ' ' || *at == '\t')
        at++;
    return *at == ';' && strchr(at + 1, '"') == NULL;
}

/* The library's handler: non-zero is success. */
static int handler(void *user, const char *section, const char *name, const char *value)
{
    struct reading *r = user;
    struct config_section *at;

    if (r->code < 0)
        return 1;
    if (r->raw[0] == ' ' || r->raw[0] == '\t')
        return fault(r, "an indented line: a value stands in one line: write the whole of it behind its key"), 1;
    if (r->section == NULL)
        return fault(r, "key '%s' stands before the first section: put it below [scrip] or [KIND/PLUGIN]", name), 1;
    (void)section;
    if (name[0] == 0)
        return fault(r, "a value without a key: want 'key = value'"), 1;
    at = r->section;
    if (strlen(name) >= NAME_SIZE)
        return fault(r, "key '%s...': longer than %d bytes", name, NAME_SIZE - 1), 1;
    if (!value_is_whole(r, value))
        return fault(r, "key '%s': its value would be cut to '%s': leave out the ' ;' in it", name, value), 1;
    if (config_find(at, name) != NULL)
        return fault(r, "key '%s': given twice in this section (line %d): keep one", name, config_find(at, name)->line),
               1;
    ARRAY_ROOM(at->items, at->item_count, at->item_room);
    at->items[at->item_count++] = (struct config_item){ memory_text(name), memory_text(value), r->config->path, r->line };
    return 1;
}

/* ---- lines ---------------------------------------------------------------------------------------------------- */

static void section_see(struct reading *r, const char *line, size_t size)
{
    const char *end = memchr(line, ']', size);

    if (end == NULL)
        fault(r, "section without a ']': want [scrip] or [KIND/PLUGIN INSTANCE]");
    else if (end - line - 1 > NAME_SIZE)
        fault(r, "section: a name longer than %d bytes: shorten it", NAME_SIZE);
    else {
        memcpy(r->section_name, line + 1, (size_t)(end - line - 1));
        r->section_name[end - line - 1] = 0;
        section_open(r, r->section_name);
    }
}

/* The library's line reader: counts lines, and refuses what the library would cut. A section is opened here, since the
 * handler hears of it only with its first key. */
static char *reader(char *text, int room, void *stream)
{
    struct reading *r = stream;
    size_t size = 0, start = 0;
    int c = EOF;

    if (r->code < 0)
        return NULL;
    while (size < LINE_SIZE + 1 && (c = getc(r->in)) != EOF && c != '\n')
        r->raw[size++] = (char)c;
    if (c == EOF && size == 0)
        return NULL;
    r->line++;
    r->raw[size] = 0;
    if (size > LINE_SIZE - 2 || (int)size + 2 > room) {
        fault(r, "a line longer than %d bytes: shorten it, or put long lists into files", LINE_SIZE - 2);
        return NULL;
    }
    if (size > 0 && r->raw[size - 1] == '\r')
        r->raw[--size] = 0;
    if (r->line == 1 && size >= 3 && memcmp(r->raw, "\xef\xbb\xbf", 3) == 0) {
        memmove(r->raw, r->raw + 3, size - 2);
        size -= 3;
    }
    if (strlen(r->raw) != size || utf8_check(r->raw, size, 1) < 0) {
        fault(r, "a line that is no UTF-8 text without control characters: save the file as UTF-8");
        return NULL;
    }
    while (start < size && (r->raw[start] == ' ' || r->raw[start] == '\t'))
        start++;
    if (r->raw[start] == '[')
        section_see(r, r->raw + start, size - start);
    snprintf(text, (size_t)room, "%s\n", r->raw);
    return r->code < 0 ? NULL : text;
}

/* ---- the file ------------------------------------------------------------------------------------------------- */

/* It names plugins, which run with the user's rights: nobody else may have written it. */
static int owner_check(const struct config *config, int fd, struct scrip_error *err)
{
    struct stat info;

    if (fstat(fd, &info) != 0)
        return error_set(err, SCRIP_EIO, "%s: %s", config->path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return error_set(err, SCRIP_EINVALID, "%s: is not a file", config->path);
    if (info.st_uid != 0 && info.st_uid != geteuid())
        return error_set(err, SCRIP_EINVALID, "%s: belongs to user %u: want root or user %u: chown it, or use a copy",
                         config->path, (unsigned)info.st_uid, (unsigned)geteuid());
    if ((info.st_mode & S_IWOTH) || ((info.st_mode & S_IWGRP) && info.st_gid != getegid()))
        return error_set(err, SCRIP_EINVALID, "%s: others may write it (mode %04o): chmod go-w %s", config->path,
                         (unsigned)(info.st_mode & 07777), config->path);
    return SCRIP_OK;
}

/* Paths in the file are relative to its folder: without it, nothing of them is known. */
static int folder_find(struct config *config, struct scrip_error *err)
{
    char *slash;

    config->folder = realpath(config->path, NULL);
    if (config->folder == NULL)
        return error_set(err, SCRIP_EIO, "%s: its folder: %s", config->path, strerror(errno));
    slash = strrchr(config->folder, '/');
    slash[slash == config->folder] = 0;
    return SCRIP_OK;
}

static int file_read(struct reading *r)
{
    int found = ini_parse_stream(reader, r, handler, r);

    if (found < 0 && r->code == SCRIP_OK)
        return error_set(r->err, SCRIP_ENOMEM, "%s: no memory to read it", r->config->path);
    if (found != 0 && r->code == SCRIP_OK) {
        r->line = found;
        fault(r, "neither a section, nor a comment, nor 'key = value'");
    }
    if (ferror(r->in) && r->code == SCRIP_OK)
        return error_set(r->err, SCRIP_EIO, "%s: %s", r->config->path, strerror(errno));
    return r->code;
}

int config_read(const char *path, struct config **out, struct scrip_error *err)
{
    struct config *config = memory_get(sizeof *config);
    struct reading r = { .config = config, .err = err };
    int fd;

    *out = NULL;
    config->path = memory_text(path ? path : "");
    if (path == NULL) { /* none: what is true without one */
        config->folder = memory_text(".");
        *out = config;
        return SCRIP_OK;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe is refused, not waited for */
    if (fd < 0)
        r.code = error_set(err, SCRIP_EINVALID, "%s: %s: name the configuration with -c FILE", path, strerror(errno));
    else if ((r.code = owner_check(config, fd, err)) < 0 || (r.code = folder_find(config, err)) < 0)
        close(fd);
    else if ((r.in = fdopen(fd, "r")) == NULL) {
        r.code = error_set(err, SCRIP_EIO, "%s: %s", path, strerror(errno));
        close(fd);
    } else {
        r.code = file_read(&r);
        fclose(r.in);
    }
    if (r.code < 0) {
        config_free(config);
        return r.code;
    }
    *out = config;
    return SCRIP_OK;
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < config->section_count; i++) {
        struct config_section *section = &config->sections[i];

        for (size_t j = 0; j < section->item_count; j++) {
            free(section->items[j].key);
            free(section->items[j].value);
        }
        free(section->items);
        free(section->plugin);
        free(section->instance);
    }
    free(config->sections);
    free(config->path);
    free(config->folder);
    free(config);
}

struct config_item *config_find(const struct config_section *section, const char *key)
{
    for (size_t i = 0; i < section->item_count; i++)
        if (strcmp(section->items[i].key, key) == 0)
            return &section->items[i];
    return NULL;
}

const struct config_section *config_host(const struct config *config)
{
    static const struct config_section none = { 0, (char *)"", (char *)"scrip", 0, NULL, 0, 0 };

    for (size_t i = 0; i < config->section_count; i++)
        if (config->sections[i].kind == 0)
            return &config->sections[i];
    return &none;
}
