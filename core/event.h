/* event.h - an event in the host: read from fields, checked, canonical, and to and from a store's row. */
#ifndef SCRIP_CORE_EVENT_H
#define SCRIP_CORE_EVENT_H

#include "arena.h"
#include "json.h"
#include "names.h"

#include <endian.h>
#include <scrip/plugin.h>

#define EVENT_FIELD_LIMIT 128
/* A list or a free text of a field may be this long. */
#define FIELD_TEXT_SIZE 65536

/* A field that has no column of its own, in canonical text. */
struct field {
    int key;          /* enum scrip_field_key */
    const char *name; /* of a family's member, else "" */
    const char *text; /* both end in NUL */
    uint32_t name_size;
    uint32_t size;
};

struct event {
    struct scrip_event shown; /* what services see; its texts are those of the names below */
    const struct scrip_name *account, *source, *product, *user, *service, *unit, *currency;
    uint32_t id_size;
    int has_quantity;
    struct field *fields; /* sorted by key, then name */
    size_t field_count;
    uint64_t digest; /* of the canonical bytes */
};

/* Growing bytes, kept between uses. */
struct bytes {
    uint8_t *start;
    size_t size, room;
};
void bytes_grow(struct bytes *bytes, size_t size); /* room for size more */

static inline void bytes_add(struct bytes *bytes, const void *more, size_t size)
{
    if (bytes->room - bytes->size < size)
        bytes_grow(bytes, size);
    if (size)
        memcpy(bytes->start + bytes->size, more, size);
    bytes->size += size;
}

/* 8 bytes, little endian. */
static inline void bytes_add_number(struct bytes *bytes, uint64_t number)
{
    number = htole64(number);
    bytes_add(bytes, &number, sizeof number);
}
void bytes_add_text(struct bytes *bytes, const char *text, size_t size); /* size, then the bytes */

/* Field keys by name. family's rest: "attribute.pool" is SCRIP_F_ATTRIBUTE with *name "pool". -1: no such field. */
int field_find(const char *key, size_t size, const char **name, size_t *name_size);
const char *field_text(int key);
int event_type_find(const char *text, size_t size); /* -1: none */
extern const char *const event_type_names[];

/* Reads fields into an event whose memory is in the arena. time_us and end_us: SCRIP_TIME_NONE where they come as fields.
 * Checks every text against its kind. source: the default of the field. Message: what is wrong with which field. */
int event_read(struct event *event, const struct scrip_field *fields, size_t count, int64_t time_us, int64_t end_us,
               const struct scrip_name *source, struct names *names, struct arena *arena, struct scrip_error *err);

/* A native JSON event into fields (in the arena), at most EVENT_FIELD_LIMIT. */
int event_fields_from_json(const char *json, size_t size, struct scrip_field *fields, size_t *count, struct arena *arena,
                           struct scrip_error *err);
/* The fields as one flat JSON object: {"product":"X","attribute.pool":"CY"}; and back. */
void event_fields_to_flat(const struct scrip_field *fields, size_t count, struct json_out *out);
/* The same of an event that was read. */
void event_to_flat(const struct event *event, struct json_out *out);
int event_fields_from_flat(const char *json, size_t size, struct scrip_field *fields, size_t *count,
                           struct arena *arena, struct scrip_error *err);

/* The event's content as bytes that depend on nothing but it; sets the digest. */
void event_canonical(struct event *event, struct bytes *out);

/* Columns and data of a store's row; data is written into the arena. */
void event_to_row(const struct event *event, struct scrip_event_row *row, struct json_out *scratch, struct arena *arena);
int event_from_row(const struct scrip_event_row *row, struct event *event, struct arena *arena, struct scrip_error *err);

/* A field of the event's rest, or NULL. */
const struct field *event_field(const struct event *event, int key);
/* Its text, or "". */
const char *event_text(const struct event *event, int key);
int event_decimal(const struct event *event, int key, struct scrip_decimal *out); /* SCRIP_ENOTFOUND */
int64_t event_time(const struct event *event, int key);                          /* SCRIP_TIME_NONE */

/* 1 to 255 bytes of UTF-8 without control characters. */
int name_check(const char *text, size_t size);
int utf8_check(const char *text, size_t size, int allow_newline);

#endif
