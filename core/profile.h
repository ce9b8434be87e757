/* profile.h - profiles: what sections leave out, written once in files of their own. */
#ifndef SCRIP_CORE_PROFILE_H
#define SCRIP_CORE_PROFILE_H

#include "config.h"

struct profiles;

/* A profile is a file NAME.ini with one section [KIND/PLUGIN]. */
struct profile {
    char *name;
    struct config *file;
    const struct config_section *section; /* of it */
};

/* folders: where NAME.ini is searched, in this order. config: whose sections name profiles. */
struct profiles *profiles_open(const struct config *config, const char *const *folders, size_t folder_count);
void profiles_close(struct profiles *profiles);

/* A profile by its name, or by a path (it has a '/') relative to the configuration; where: "FILE:LINE" of who asked. */
int profile_find(struct profiles *profiles, const char *name, const char *where, struct profile **out,
                 struct scrip_error *err);
/* Every profile in the folders, by name, each once; *out is NULL-terminated and the caller's to free. */
int profiles_all(struct profiles *profiles, struct profile ***out, struct scrip_error *err);
/* The section with what it leaves out. A key of the profile gives way to the same key of the section, and to one that says
 * the same otherwise: map.X and const.X, map.id and identity. Lives as long as the profiles. */
const struct config_section *profile_merge(struct profiles *profiles, const struct config_section *section,
                                           const struct profile *profile);

#endif
