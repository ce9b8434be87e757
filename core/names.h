/* names.h - each name once: text to one struct scrip_name that lives as long as the host. */
#ifndef SCRIP_CORE_NAMES_H
#define SCRIP_CORE_NAMES_H

#include <scrip/plugin.h>

struct names;

struct names *names_open(void);
void names_close(struct names *names);
/* The name of a text; number 0 for the empty one. One thread at a time; what it returned may be read by all. */
const struct scrip_name *names_add(struct names *names, const char *text, size_t size);
/* The same, or NULL where it was never added. */
const struct scrip_name *names_find(const struct names *names, const char *text, size_t size);
/* The name that has a number; 0: the empty one. */
const struct scrip_name *names_at(const struct names *names, uint64_t number);
extern const struct scrip_name names_none; /* the empty name */

#endif
