/* zone.h - offsets of zones from UTC, from the system's zone files. */
#ifndef SCRIP_CORE_ZONE_H
#define SCRIP_CORE_ZONE_H

#include <stdint.h>

/* Seconds east of UTC at an instant (seconds since 1970). SCRIP_EINVALID: no such zone. */
int zone_offset(const char *zone, int64_t at_s, int64_t *out_s);

#endif
