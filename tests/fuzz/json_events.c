/* json_events.c - native events: what is read is the same after each way that it takes through the host. */
#include "fuzz.h"

#include "event.h"

#include <scrip/scrip.h>

static int reads(const struct scrip_field *fields, size_t count, const struct scrip_name *source, struct names *names,
                 struct arena *arena, struct event *event)
{
    struct scrip_error err = { 0 };
    int code = event_read(event, fields, count, SCRIP_TIME_NONE, SCRIP_TIME_NONE, source, names, arena, &err);

    PROMISE(code == SCRIP_OK || err.message[0]);
    PROMISE(memchr(err.message, 0, sizeof err.message) != NULL);
    return code;
}

/* As fields in JSON, as quarantine keeps them, and back. */
static void flat_check(struct event *event, struct names *names, struct arena *arena, struct json_out *out)
{
    struct scrip_field fields[EVENT_FIELD_LIMIT];
    struct scrip_error err = { 0 };
    struct bytes bytes = { 0 };
    struct event again;
    size_t count = 0;

    event_to_flat(event, out);
    PROMISE(event_fields_from_flat(out->text, out->size, fields, &count, arena, &err) == SCRIP_OK);
    PROMISE(reads(fields, count, &names_none, names, arena, &again) == SCRIP_OK);
    event_canonical(&again, &bytes);
    PROMISE(again.digest == event->digest);
    free(bytes.start);
}

/* As a row of a store, and back. */
static void row_check(struct event *event, struct arena *arena, struct json_out *out)
{
    struct scrip_event_row row = { 0 };
    struct scrip_error err = { 0 };
    struct bytes bytes = { 0 };
    struct event again;

    event_to_row(event, &row, out, arena);
    PROMISE(event_from_row(&row, &again, arena, &err) == SCRIP_OK);
    event_canonical(&again, &bytes);
    PROMISE(again.digest == event->digest);
    PROMISE(again.shown.end_us == event->shown.end_us && again.shown.attribute_count == event->shown.attribute_count);
    free(bytes.start);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scrip_field fields[EVENT_FIELD_LIMIT];
    struct names *names = names_open();
    struct json_out out = { 0 };
    struct arena arena = { 0 };
    struct bytes bytes = { 0 };
    struct scrip_error err = { 0 };
    struct event event;
    size_t count = 0;

    if (event_fields_from_json((const char *)data, size, fields, &count, &arena, &err) == SCRIP_OK) {
        event_fields_to_flat(fields, count, &out); /* whatever they hold */
        if (reads(fields, count, names_add(names, "feed", 4), names, &arena, &event) == SCRIP_OK) {
            PROMISE(event.shown.time_us >= SCRIP_TIME_MIN && event.shown.time_us < SCRIP_TIME_MAX);
            PROMISE(event.id_size >= 1 && event.id_size <= SCRIP_NAME_SIZE && strlen(event.shown.id) == event.id_size);
            event_canonical(&event, &bytes);
            flat_check(&event, names, &arena, &out);
            row_check(&event, &arena, &out);
        }
    } else
        PROMISE(err.message[0]);
    free(bytes.start);
    json_free(&out);
    arena_free(&arena);
    names_close(names);
    return 0;
}
