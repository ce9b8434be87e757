/* event_json.c - events and JSON: the native format, the flat form of fields, and a store's row. */
#include "event.h"

#include "calendar.h"
#include "money.h"

#include <stdio.h>

#define MEMBER_SIZE ((size_t)SCRIP_NAME_SIZE * 2) /* of a member's name, with those around it */

struct filling {
    struct scrip_field *fields;
    size_t count;
    struct arena *arena;
    struct scrip_error *err;
};

static int fill(struct filling *f, int key, const char *name, size_t name_size, const char *text, size_t size)
{
    struct scrip_field *field;

    if (f->count == EVENT_FIELD_LIMIT)
        return error_set(f->err, SCRIP_ELIMIT, "event: more than %d fields", EVENT_FIELD_LIMIT);
    field = &f->fields[f->count++];
    field->key = (uint64_t)key;
    field->name = arena_text(f->arena, name, name_size);
    field->text = arena_text(f->arena, text, size);
    field->size = size;
    return SCRIP_OK;
}

/* One more element of a list field: joined to what is there by a line end, which no name holds. */
static int fill_list(struct filling *f, int key, const char *name, size_t name_size, const char *text, size_t size)
{
    struct scrip_field *last = f->count ? &f->fields[f->count - 1] : NULL;
    char *joined;

    if (size == 0 || memchr(text, '\n', size) != NULL)
        return error_set(f->err, SCRIP_EINVALID, "%s: an element is no name: give 1 to 255 bytes", field_text(key));
    if (last == NULL || (int)last->key != key || strlen(last->name) != name_size ||
        memcmp(last->name, name, name_size) != 0)
        return fill(f, key, name, name_size, text, size);
    if (last->size + size + 1 > FIELD_TEXT_SIZE)
        return error_set(f->err, SCRIP_ELIMIT, "%s: a list longer than %d bytes", field_text(key), FIELD_TEXT_SIZE);
    joined = arena_get(f->arena, last->size + size + 2);
    memcpy(joined, last->text, last->size);
    joined[last->size] = '\n';
    memcpy(joined + last->size + 1, text, size);
    joined[last->size + 1 + size] = 0;
    last->text = joined;
    last->size += size + 1;
    return SCRIP_OK;
}

/* A path's part behind a prefix, or NULL. */
static const char *behind(const char *path, size_t size, const char *prefix, size_t *rest_size)
{
    size_t n = strlen(prefix);

    if (size <= n || memcmp(path, prefix, n) != 0)
        return NULL;
    *rest_size = size - n;
    return path + n;
}

/* Cuts ".N" off the end of a path, the index of an array's element: 1 where it was there. */
static int index_cut(const char *path, size_t *size)
{
    size_t n = *size;

    while (n > 0 && path[n - 1] >= '0' && path[n - 1] <= '9')
        n--;
    if (n == *size || n == 0 || path[n - 1] != '.')
        return 0;
    *size = n - 1;
    return 1;
}

/* "7.attributes.x" of an array of lines, as the field "line.07.attribute.x". */
static size_t line_path(const char *rest, size_t size, char out[MEMBER_SIZE])
{
    size_t digits = 0;
    int in_attributes;

    while (digits < size && rest[digits] >= '0' && rest[digits] <= '9')
        digits++;
    if (digits < 1 || digits > 2 || digits == size || rest[digits] != '.')
        return (size_t)snprintf(out, MEMBER_SIZE, "lines.%.*s", (int)size, rest);
    in_attributes = size - digits > 12 && memcmp(rest + digits, ".attributes.", 12) == 0;
    return (size_t)snprintf(out, MEMBER_SIZE, "line.%s%.*s%s%.*s", digits == 1 ? "0" : "", (int)digits, rest,
                            in_attributes ? ".attribute" : "", (int)(size - digits - (in_attributes ? 11 : 0)),
                            rest + digits + (in_attributes ? 11 : 0));
}

static int data_leaf(struct filling *f, const char *path, size_t size, const struct json_leaf *leaf)
{
    static const struct {
        const char *json, *field;
    } families[] = { { "attributes.", "attribute." }, { "labels.", "label." }, { "shares.", "share." } };
    char key[MEMBER_SIZE];
    const char *name, *rest;
    size_t name_size, rest_size;
    int found, is_list = 0;

    char line[MEMBER_SIZE];

    if (size >= sizeof key - 16)
        return error_set(f->err, SCRIP_ELIMIT, "data: a member's name is too long");
    if ((rest = behind(path, size, "lines.", &rest_size)) != NULL) {
        size = line_path(rest, rest_size, line);
        path = line;
    }
    memcpy(key, path, size);
    if (behind(path, size, "grants.", &rest_size) != NULL)
        is_list = index_cut(path, &size);
    if (behind(path, size, "scope.", &rest_size) != NULL && !(is_list = index_cut(path, &size)))
        return error_set(f->err, SCRIP_EINVALID, "data.%.*s: want a list of names: [\"A\", \"B\"]", (int)size, path);
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if ((rest = behind(path, size, families[i].json, &rest_size)) != NULL) {
            size = (size_t)snprintf(key, sizeof key, "%s%.*s", families[i].field, (int)rest_size, rest);
            break;
        }
    for (size_t i = 0; i < size; i++) /* a point inside a member's own name */
        if (key[i] == '\1')
            key[i] = '.';
    found = field_find(key, size, &name, &name_size);
    if (found < 0 || found == SCRIP_F_ID || found == SCRIP_F_TIME || found == SCRIP_F_TYPE || found == SCRIP_F_SOURCE ||
        found == SCRIP_F_ACCOUNT)
        return error_set(f->err, SCRIP_EINVALID, "data.%.*s: no such field: see the table of native events", (int)size,
                         key);
    return is_list ? fill_list(f, found, name, name_size, leaf->text, leaf->size)
                   : fill(f, found, name, name_size, leaf->text, leaf->size);
}

static int native_leaf(void *sink, const struct json_leaf *leaf)
{
    static const struct {
        const char *json;
        int key;
    } members[] = { { "id", SCRIP_F_ID },     { "source", SCRIP_F_SOURCE },   { "type", SCRIP_F_TYPE },
                    { "time", SCRIP_F_TIME }, { "subject", SCRIP_F_ACCOUNT } };
    struct filling *f = sink;
    const char *rest;
    size_t rest_size;

    if (leaf->type == JSON_NULL || leaf->type == JSON_EMPTY)
        return SCRIP_OK;
    if ((rest = behind(leaf->path, leaf->path_size, "data.", &rest_size)) != NULL)
        return data_leaf(f, rest, rest_size, leaf);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (strlen(members[i].json) == leaf->path_size && memcmp(members[i].json, leaf->path, leaf->path_size) == 0)
            return fill(f, members[i].key, "", 0, leaf->text, leaf->size);
    if (leaf->path_size == 11 && memcmp(leaf->path, "specversion", 11) == 0 &&
        (leaf->size != 3 || memcmp(leaf->text, "1.0", 3) != 0))
        return error_set(f->err, SCRIP_EVERSION, "specversion: '%.*s': this reads CloudEvents 1.0", (int)leaf->size,
                         leaf->text);
    return SCRIP_OK; /* CloudEvents lets others add members of their own */
}

int event_fields_from_json(const char *json, size_t size, struct scrip_field *fields, size_t *count,
                           struct arena *arena, struct scrip_error *err)
{
    struct filling f = { fields, 0, arena, err };
    int code = json_read(json, size, native_leaf, &f, err);

    *count = f.count;
    return code;
}

static int flat_leaf(void *sink, const struct json_leaf *leaf)
{
    struct filling *f = sink;
    char key[MEMBER_SIZE];
    const char *name;
    size_t name_size;
    int found;

    if (leaf->path_size >= sizeof key)
        return error_set(f->err, SCRIP_ELIMIT, "data: a member's name is too long");
    for (size_t i = 0; i < leaf->path_size; i++)
        key[i] = leaf->path[i] == '\1' ? '.' : leaf->path[i];
    found = field_find(key, leaf->path_size, &name, &name_size);
    if (found < 0 || leaf->type != JSON_STRING)
        return error_set(f->err, SCRIP_EINVALID, "data: '%.*s' is no field of an event", (int)leaf->path_size, key);
    return fill(f, found, name, name_size, leaf->text, leaf->size);
}

int event_fields_from_flat(const char *json, size_t size, struct scrip_field *fields, size_t *count,
                           struct arena *arena, struct scrip_error *err)
{
    struct filling f = { fields, *count, arena, err };
    int code = json_read(json, size, flat_leaf, &f, err);

    *count = f.count;
    return code;
}

static void flat_member(struct json_out *out, int key, const char *name, size_t name_size, const char *text,
                        size_t size)
{
    char whole[MEMBER_SIZE + 64]; /* of what cannot be an event, too: its name may be as long as one that is read */
    int n = name_size ? snprintf(whole, sizeof whole, "%s.%.*s", field_text(key), (int)MEMBER_SIZE, name)
                      : snprintf(whole, sizeof whole, "%s", field_text(key));

    json_key(out, whole, (size_t)n);
    json_string(out, text, size);
}

void event_fields_to_flat(const struct scrip_field *fields, size_t count, struct json_out *out)
{
    json_clear(out);
    json_open(out, '{');
    for (size_t i = 0; i < count; i++)
        if (fields[i].size)
            flat_member(out, (int)fields[i].key, fields[i].name, fields[i].name ? strlen(fields[i].name) : 0,
                        fields[i].text, fields[i].size);
    json_close(out, '}');
}

static void column_flat(struct json_out *out, int key, const char *text, size_t size)
{
    if (size > 0)
        flat_member(out, key, "", 0, text, size);
}

void event_to_flat(const struct event *event, struct json_out *out)
{
    const char *type = event_type_names[event->shown.type];
    char text[DECIMAL_TEXT_SIZE > TIME_TEXT_SIZE ? DECIMAL_TEXT_SIZE : TIME_TEXT_SIZE];

    json_clear(out);
    json_open(out, '{');
    column_flat(out, SCRIP_F_TYPE, type, strlen(type));
    column_flat(out, SCRIP_F_ID, event->shown.id, event->id_size);
    column_flat(out, SCRIP_F_SOURCE, event->source->text, event->source->size);
    column_flat(out, SCRIP_F_ACCOUNT, event->account->text, event->account->size);
    column_flat(out, SCRIP_F_TIME, text, time_write(event->shown.time_us, text, sizeof text));
    column_flat(out, SCRIP_F_SERVICE, event->service->text, event->service->size);
    column_flat(out, SCRIP_F_PRODUCT, event->product->text, event->product->size);
    column_flat(out, SCRIP_F_USER, event->user->text, event->user->size);
    if (event->has_quantity)
        column_flat(out, SCRIP_F_QUANTITY, text, decimal_write(&event->shown.quantity, text, sizeof text));
    column_flat(out, SCRIP_F_UNIT, event->unit->text, event->unit->size);
    if (event->shown.has_amount)
        column_flat(out, SCRIP_F_AMOUNT, text, decimal_write(&event->shown.amount, text, sizeof text));
    column_flat(out, SCRIP_F_CURRENCY, event->currency->text, event->currency->size);
    for (size_t i = 0; i < event->field_count; i++)
        flat_member(out, event->fields[i].key, event->fields[i].name, event->fields[i].name_size,
                    event->fields[i].text, event->fields[i].size);
    json_close(out, '}');
}

/* ---- a store's row -------------------------------------------------------------------------------------------- */

void event_to_row(const struct event *event, struct scrip_event_row *row, struct json_out *scratch, struct arena *arena)
{
    row->account = event->account;
    row->source = event->source;
    row->id = event->shown.id;
    row->id_size = event->id_size;
    row->time_us = event->shown.time_us;
    row->type = event->shown.type;
    row->product = event->product;
    row->user = event->user;
    row->service = event->service;
    row->unit = event->unit;
    row->currency = event->currency;
    row->has_quantity = event->has_quantity;
    row->quantity = event->shown.quantity;
    row->has_amount = event->shown.has_amount;
    row->amount = event->shown.amount;
    row->digest = event->digest;
    row->data = NULL;
    row->data_size = 0;
    if (event->field_count == 0)
        return;
    json_clear(scratch);
    json_open(scratch, '{');
    for (size_t i = 0; i < event->field_count; i++)
        flat_member(scratch, event->fields[i].key, event->fields[i].name, event->fields[i].name_size,
                    event->fields[i].text, event->fields[i].size);
    json_close(scratch, '}');
    row->data = arena_text(arena, scratch->text, scratch->size);
    row->data_size = scratch->size;
}

/* Only fields without a column may stand in a row's data, each once and in order: what this host wrote. */
static int rest_from_row(const struct scrip_event_row *row, struct event *event, struct arena *arena,
                         struct scrip_error *err)
{
    struct scrip_field fields[EVENT_FIELD_LIMIT];
    struct scrip_attribute *attributes;
    size_t count = 0, n = 0;
    int code = event_fields_from_flat(row->data, row->data_size, fields, &count, arena, err);

    if (code < 0)
        return code;
    event->fields = arena_get(arena, count * sizeof *event->fields);
    attributes = arena_get(arena, count * sizeof *attributes);
    for (size_t i = 0; i < count; i++) {
        event->fields[i] = (struct field){ (int)fields[i].key, fields[i].name, fields[i].text,
                                           (uint32_t)strlen(fields[i].name), (uint32_t)fields[i].size };
        if (fields[i].key == SCRIP_F_ATTRIBUTE)
            attributes[n++] = (struct scrip_attribute){ fields[i].name, fields[i].text };
    }
    event->field_count = count;
    event->shown.attributes = attributes;
    event->shown.attribute_count = n;
    event->shown.end_us = event_time(event, SCRIP_F_END);
    return SCRIP_OK;
}

int event_from_row(const struct scrip_event_row *row, struct event *event, struct arena *arena, struct scrip_error *err)
{
    struct scrip_event *shown = &event->shown;

    memset(event, 0, sizeof *event);
    event->account = row->account;
    event->source = row->source;
    event->product = row->product;
    event->user = row->user;
    event->service = row->service;
    event->unit = row->unit;
    event->currency = row->currency;
    event->id_size = (uint32_t)row->id_size;
    event->has_quantity = (int)row->has_quantity;
    event->digest = row->digest;
    shown->type = row->type;
    shown->time_us = row->time_us;
    shown->end_us = SCRIP_TIME_NONE;
    shown->account = row->account->text;
    shown->source = row->source->text;
    shown->id = arena_text(arena, row->id, row->id_size);
    shown->service = row->service->text;
    shown->product = row->product->text;
    shown->user = row->user->text;
    shown->unit = row->unit->text;
    shown->currency = row->currency->text;
    shown->quantity = row->quantity;
    if (!row->has_quantity)
        shown->quantity = (struct scrip_decimal){ 1, 0 };
    shown->amount = row->amount;
    shown->has_amount = row->has_amount;
    return row->data_size ? rest_from_row(row, event, arena, err) : SCRIP_OK;
}
