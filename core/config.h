/* config.h - the configuration as it was written: sections and keys with their lines. */
#ifndef SCRIP_CORE_CONFIG_H
#define SCRIP_CORE_CONFIG_H

#include <scrip/plugin.h>
#include <scrip/scrip.h>

struct config_item {
    char *key;
    char *value;
    const char *path; /* of the file that it stands in: its configuration's */
    int line;
};

/* [scrip], or [KIND/PLUGIN] and [KIND/PLUGIN INSTANCE]. */
struct config_section {
    int kind;       /* enum scrip_kind; 0: [scrip] */
    char *plugin;   /* "" for [scrip] */
    char *instance; /* PLUGIN where none is written */
    int line;
    struct config_item *items; /* in the file's order */
    size_t item_count, item_room;
};

struct config {
    char *path;   /* as it was given */
    char *folder; /* absolute, of the file: paths in it are relative to this */
    struct config_section *sections; /* in the file's order; [scrip] may be absent */
    size_t section_count, section_room;
};

/* Reads the file whole or not at all. Refuses, with file and line: a file that somebody else could have written (owner not
 * root or the user; writable by others, or by a group that is not the user's own), lines and names over the parser's limits,
 * a section that is not [scrip] or [KIND/PLUGIN ...], a duplicate section or key, a key outside a section, a line that is
 * no `key = value`, bytes that are not UTF-8. */
int config_read(const char *path, struct config **out, struct scrip_error *err);
void config_free(struct config *config);
struct config_item *config_find(const struct config_section *section, const char *key);
/* [scrip]'s section, or an empty one. */
const struct config_section *config_host(const struct config *config);

extern const char *const kind_names[]; /* by enum scrip_kind: "", currency, service, source, store, report; then NULL */

#endif
