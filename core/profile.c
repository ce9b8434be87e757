/* profile.c - profiles: found by name, read as configurations are, and laid under the sections that name them. */
#include "profile.h"

#include "error.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct profiles {
    const struct config *config;
    char **folders;
    size_t folder_count;
    struct profile **known;
    size_t count, room;
    struct config_section **merged;
    size_t merged_count, merged_room;
};

struct profiles *profiles_open(const struct config *config, const char *const *folders, size_t folder_count)
{
    struct profiles *profiles = memory_get(sizeof *profiles);

    profiles->config = config;
    profiles->folders = memory_get((folder_count + 1) * sizeof *profiles->folders);
    for (size_t i = 0; i < folder_count; i++)
        profiles->folders[i] = memory_text(folders[i]);
    profiles->folder_count = folder_count;
    return profiles;
}

void profiles_close(struct profiles *profiles)
{
    if (profiles == NULL)
        return;
    for (size_t i = 0; i < profiles->merged_count; i++) {
        free(profiles->merged[i]->items); /* their texts are the files' */
        free(profiles->merged[i]);
    }
    for (size_t i = 0; i < profiles->count; i++) {
        config_free(profiles->known[i]->file);
        free(profiles->known[i]->name);
        free(profiles->known[i]);
    }
    for (size_t i = 0; i < profiles->folder_count; i++)
        free(profiles->folders[i]);
    free(profiles->folders);
    free(profiles->merged);
    free(profiles->known);
    free(profiles);
}

/* ---- files ---------------------------------------------------------------------------------------------------- */

static int profile_read(struct profiles *profiles, const char *name, const char *path, struct profile **out,
                        struct scrip_error *err)
{
    struct config *file;
    struct profile *profile;
    int code;

    for (size_t i = 0; i < profiles->count; i++)
        if (strcmp(profiles->known[i]->file->path, path) == 0) {
            *out = profiles->known[i];
            return SCRIP_OK;
        }
    if ((code = config_read(path, &file, err)) < 0)
        return code;
    if (file->section_count != 1 || file->sections[0].kind == 0) {
        code = error_set(err, SCRIP_EINVALID, "%s: a profile has one section such as [source/csv]: found %zu", path,
                         file->section_count - (file->section_count == 1));
        config_free(file);
        return code;
    }
    if (config_find(&file->sections[0], "profile") != NULL) {
        code = error_set(err, SCRIP_EINVALID, "%s:%d: a profile names no other: leave the key out", path,
                         config_find(&file->sections[0], "profile")->line);
        config_free(file);
        return code;
    }
    profile = memory_get(sizeof *profile);
    profile->name = memory_text(name);
    profile->file = file;
    profile->section = &file->sections[0];
    ARRAY_ROOM(profiles->known, profiles->count, profiles->room);
    profiles->known[profiles->count++] = *out = profile;
    return SCRIP_OK;
}

static int missing_fault(const struct profiles *profiles, const char *name, const char *where, struct scrip_error *err)
{
    char folders[SCRIP_MESSAGE_SIZE] = "";
    size_t used = 0;

    for (size_t i = 0; i < profiles->folder_count && used < sizeof folders; i++)
        used += (size_t)snprintf(folders + used, sizeof folders - used, "%s%s", i ? ", " : "", profiles->folders[i]);
    return error_set(err, SCRIP_ENOTFOUND,
                     "%s: profile '%s': there is no %s.ini in %s: see scrip profiles, or name a "
                     "file by its path, as ./%s.ini",
                     where, name, name, folders, name);
}

int profile_find(struct profiles *profiles, const char *name, const char *where, struct profile **out,
                 struct scrip_error *err)
{
    int code = SCRIP_ENOTFOUND;

    if (strchr(name, '/') != NULL) {
        char *path = name[0] == '/' ? memory_text(name) : memory_print("%s/%s", profiles->config->folder, name);

        code = profile_read(profiles, name, path, out, err);
        free(path);
        return code;
    }
    for (size_t i = 0; i < profiles->folder_count && code == SCRIP_ENOTFOUND; i++) {
        char *path = memory_print("%s/%s.ini", profiles->folders[i], name);

        if (access(path, F_OK) == 0)
            code = profile_read(profiles, name, path, out, err);
        free(path);
    }
    return code == SCRIP_ENOTFOUND ? missing_fault(profiles, name, where, err) : code;
}

/* ---- all of them ---------------------------------------------------------------------------------------------- */

struct names_found {
    char **names;
    size_t count, room;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A folder that is not there holds nothing; one that cannot be read is a fault. */
static int folder_look(const char *folder, struct names_found *found, struct scrip_error *err)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    if (dir == NULL && errno != ENOENT && errno != ENOTDIR)
        return error_set(err, SCRIP_EIO, "%s: %s", folder, strerror(errno));
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        size_t size = strlen(entry->d_name);

        if (size > 4 && entry->d_name[0] != '.' && strcmp(entry->d_name + size - 4, ".ini") == 0) {
            ARRAY_ROOM(found->names, found->count, found->room);
            found->names[found->count++] = memory_text_part(entry->d_name, size - 4);
        }
    }
    if (dir != NULL)
        closedir(dir);
    return SCRIP_OK;
}

int profiles_all(struct profiles *profiles, struct profile ***out, struct scrip_error *err)
{
    struct names_found found = { 0 };
    size_t count = 0;
    int code = SCRIP_OK;

    for (size_t i = 0; i < profiles->folder_count && code == SCRIP_OK; i++)
        code = folder_look(profiles->folders[i], &found, err);
    if (found.count)
        qsort(found.names, found.count, sizeof *found.names, by_text);
    *out = memory_get((found.count + 1) * sizeof **out);
    for (size_t i = 0; i < found.count; i++) {
        if (code == SCRIP_OK && (i == 0 || strcmp(found.names[i], found.names[i - 1]) != 0) &&
            (code = profile_find(profiles, found.names[i], "profile = auto", &(*out)[count], err)) == SCRIP_OK)
            count++;
    }
    for (size_t i = 0; i < found.count; i++)
        free(found.names[i]);
    free(found.names);
    if (code < 0) {
        free(*out);
        *out = NULL;
    }
    return code;
}

/* ---- sections ------------------------------------------------------------------------------------------------- */

static const char *behind(const char *key, const char *family)
{
    size_t size = strlen(family);

    return strncmp(key, family, size) == 0 ? key + size : NULL;
}

/* 1: a section that has the one key has no use for the other: a field comes from a column or is the same in all rows; an
 * id is a column's or is made of several. */
static int is_instead(const char *own, const char *key)
{
    const char *column = behind(own, "map."), *constant = behind(key, "const.");

    return (column && constant && strcmp(column, constant) == 0) ||
           (strcmp(own, "map.id") == 0 && strcmp(key, "identity") == 0);
}

/* 1: the section has a key that this one of its profile gives way to. */
static int is_overruled(const struct config_section *section, const char *key)
{
    for (size_t i = 0; i < section->item_count; i++) {
        const char *own = section->items[i].key;

        if (strcmp(own, key) == 0 || is_instead(own, key) || is_instead(key, own))
            return 1;
    }
    return 0;
}

const struct config_section *profile_merge(struct profiles *profiles, const struct config_section *section,
                                           const struct profile *profile)
{
    struct config_section *merged = memory_get(sizeof *merged);

    *merged = *section;
    merged->items = NULL;
    merged->item_count = merged->item_room = 0;
    for (int own = 1; own >= 0; own--) {
        const struct config_section *from = own ? section : profile->section;

        for (size_t i = 0; i < from->item_count; i++)
            if (own || !is_overruled(section, from->items[i].key)) {
                ARRAY_ROOM(merged->items, merged->item_count, merged->item_room);
                merged->items[merged->item_count++] = from->items[i];
            }
    }
    ARRAY_ROOM(profiles->merged, profiles->merged_count, profiles->merged_room);
    return profiles->merged[profiles->merged_count++] = merged;
}
