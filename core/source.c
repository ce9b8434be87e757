/* source.c - sources as sections make them, and who reads a feed: the source itself, the one whose profile fits, the
 * one that knows a file.
 */
#include "host.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define START_SIZE 65536 /* bytes of a feed that a plugin is shown to know it by */

/* ---- sections ------------------------------------------------------------------------------------------------- */

static int opened_add(struct scrip *scrip, const struct config_section *section, const char *profile,
                      struct instance **out, struct scrip_error *err)
{
    int code = host_instance(scrip, SCRIP_SOURCE, section->plugin, section, section->instance, out, err);

    if (code == SCRIP_OK) {
        (*out)->profile = profile;
        code = instance_open(*out, err);
    }
    if (code < 0) {
        instance_end(*out);
        *out = NULL;
    }
    return code;
}

static int profile_fits(const struct config_section *section, const struct profile *profile)
{
    return profile->section->kind == SCRIP_SOURCE && strcmp(profile->section->plugin, section->plugin) == 0;
}

/* One instance for each profile that the section completes; the first stands for all. */
static int auto_add(struct scrip *scrip, const struct config_section *section, struct instance **out,
                    struct scrip_error *err)
{
    struct scrip_error why = { 0 };
    struct profile **all;
    int code = profiles_all(scrip->profiles, &all, err);

    *out = NULL;
    for (size_t i = 0; code == SCRIP_OK && all[i] != NULL; i++) {
        struct instance *made;

        if (!profile_fits(section, all[i]) ||
            opened_add(scrip, profile_merge(scrip->profiles, section, all[i]), all[i]->name, &made, &why) < 0)
            continue;
        *out = *out ? *out : made;
        ARRAY_ROOM((*out)->profiles, (*out)->profile_count, (*out)->profile_room);
        (*out)->profiles[(*out)->profile_count++] = made;
    }
    if (code == SCRIP_OK && *out == NULL)
        code = error_set(err, SCRIP_EINVALID, "%s:%d: profile = auto: no profile of source/%s is complete here: %s",
                         scrip->config->path, section->line, section->plugin,
                         why.message[0] ? why.message : "there is none: see scrip profiles");
    free(all);
    return code;
}

static int profile_add(struct scrip *scrip, const struct config_section *section, const struct config_item *item,
                       struct instance **out, struct scrip_error *err)
{
    char *where = memory_print("%s:%d", item->path, item->line);
    struct profile *profile;
    int code = profile_find(scrip->profiles, item->value, where, &profile, err);

    if (code == SCRIP_OK && !profile_fits(section, profile))
        code = error_set(err, SCRIP_EINVALID, "%s: profile '%s' is one of %s/%s: want one of source/%s", where,
                         item->value, kind_names[profile->section->kind], profile->section->plugin, section->plugin);
    if (code == SCRIP_OK)
        code = opened_add(scrip, profile_merge(scrip->profiles, section, profile), profile->name, out, err);
    free(where);
    return code;
}

int source_add(struct scrip *scrip, const struct config_section *section, struct scrip_error *err)
{
    const struct config_item *item = config_find(section, "profile");
    struct instance *source = NULL;
    int code = item == NULL                       ? opened_add(scrip, section, NULL, &source, err)
               : strcmp(item->value, "auto") == 0 ? auto_add(scrip, section, &source, err)
                                                  : profile_add(scrip, section, item, &source, err);

    if (source != NULL) {
        ARRAY_ROOM(scrip->sources, scrip->source_count, scrip->source_room);
        scrip->sources[scrip->source_count++] = source;
    }
    return code;
}

void source_end(struct instance *source)
{
    struct instance **profiles = source->profiles;

    for (size_t i = 1; i < source->profile_count; i++)
        instance_end(profiles[i]);
    instance_end(source);
    free(profiles);
}

/* ---- who reads a feed ------------------------------------------------------------------------------------------ */

/* What a plugin is shown of a file: its first bytes, none where it is no file that can be read twice. */
static size_t start_read(const char *file, char start[START_SIZE])
{
    struct stat info;
    FILE *in = stat(file, &info) == 0 && S_ISREG(info.st_mode) ? fopen(file, "rb") : NULL;
    size_t size = in ? fread(start, 1, START_SIZE, in) : 0;

    if (in != NULL)
        fclose(in);
    return size;
}

static int claim(struct instance *source, const char *feed, const char *start, size_t size)
{
    int sure = 0;

    error_clear(&source->error);
    if (source->plugin->api.source.claims != NULL)
        sure = source->plugin->api.source.claims(&source->ctx, feed, start, size);
    return sure > 0 ? sure : 0;
}

static int unfit_fault(const struct instance *source, const char *feed, const char *start, size_t size,
                       struct scrip_error *err)
{
    char first[200] = "";

    size = size && memchr(start, '\n', size) ? (size_t)((const char *)memchr(start, '\n', size) - start) : size;
    while (size > 0 && (start[size - 1] == '\r' || start[size - 1] == '\n'))
        size--;
    if (memchr(start, 0, size) == NULL && utf8_check(start, size, 0) == SCRIP_OK)
        snprintf(first, sizeof first, "%.*s", (int)size, start);
    text_trim(first);
    return error_set(err, SCRIP_EINVALID,
                     "source %s: %s: none of %zu profiles fits its first line '%s'%s: name one with "
                     "profile =, or write one: conf/README.md tells how",
                     source->ctx.instance, feed, source->profile_count, first, size >= sizeof first ? "..." : "");
}

int source_pick(struct instance *source, const char *feed, struct instance **out, struct scrip_error *err)
{
    char start[START_SIZE];
    struct instance *rival = NULL;
    struct stat info;
    int most = 0;
    size_t size;

    *out = source;
    if (source->profile_count == 0 || (stat(feed, &info) == 0 && S_ISREG(info.st_mode) && info.st_size == 0))
        return SCRIP_OK;
    if (strcmp(feed, "-") == 0)
        return error_set(err, SCRIP_EINVALID,
                         "source %s: standard input cannot be looked at before it is read: name its "
                         "profile instead of profile = auto",
                         source->ctx.instance);
    size = start_read(feed, start);
    for (size_t i = 0; i < source->profile_count; i++) {
        int sure = claim(source->profiles[i], feed, start, size);

        if (sure < most || sure == 0)
            continue;
        rival = sure == most ? *out : NULL;
        *out = source->profiles[i];
        most = sure;
    }
    if (most == 0)
        return unfit_fault(source, feed, start, size, err);
    if (rival != NULL)
        return error_set(err, SCRIP_EINVALID,
                         "source %s: %s: profiles '%s' and '%s' fit it alike: name one with profile =",
                         source->ctx.instance, feed, rival->profile, (*out)->profile);
    return SCRIP_OK;
}

struct instance *source_claimant(struct scrip *scrip, const char *file)
{
    struct instance *found = NULL;
    char start[START_SIZE];
    size_t size = start_read(file, start);
    int most = 0;

    for (size_t i = 0; i < scrip->source_count; i++) {
        struct instance *source = scrip->sources[i];

        for (size_t p = 0; p < (source->profile_count ? source->profile_count : 1); p++) {
            int sure = claim(source->profile_count ? source->profiles[p] : source, file, start, size);

            if (sure > most) {
                most = sure;
                found = source;
            }
        }
    }
    if (found == NULL)
        for (size_t i = 0, open = 0; i < scrip->source_count; i++)
            if (!instance_option(scrip->sources[i], "always")->number)
                found = open++ ? NULL : scrip->sources[i];
    return found;
}

int source_named(struct scrip *scrip, const char *name, const char *file, struct instance **out,
                 struct scrip_error *err)
{
    *out = name == NULL ? source_claimant(scrip, file) : NULL;
    for (size_t i = 0; i < scrip->source_count && name != NULL; i++)
        if (strcmp(scrip->sources[i]->ctx.instance, name) == 0)
            *out = scrip->sources[i];
    if (*out != NULL)
        return SCRIP_OK;
    if (name != NULL)
        return error_set(err, SCRIP_EINVALID, "source '%s': not configured: add a section [source/... %s]", name, name);
    if (access(file, F_OK) != 0 && errno == ENOENT)
        return error_set(err, SCRIP_EINVALID, "%s: No such file or directory: name a file that is there", file);
    return error_set(err, SCRIP_EINVALID,
                     "%s: no configured source knows this file: name one with --as, or add a section "
                     "[source/csv NAME] with profile = auto",
                     file);
}
