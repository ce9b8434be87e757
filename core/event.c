/* event.c - events read from fields: every text checked against its kind and made canonical. */
#include "event.h"

#include "calendar.h"
#include "hash.h"
#include "money.h"

const char *const event_type_names[] = {
#define X(id, text) text,
    SCRIP_EVENT_TYPES(X)
#undef X
};

static const struct {
    const char *text;
    uint32_t size;
    char reads;
} field_kinds[] = {
#define X(id, text, reads) { text, sizeof text - 1, reads },
    SCRIP_FIELDS(X)
#undef X
};

/* The fields that have a column of their own, in the order of the canonical bytes. */
static const int column_keys[] = { SCRIP_F_SERVICE, SCRIP_F_PRODUCT, SCRIP_F_USER, SCRIP_F_QUANTITY,
                                   SCRIP_F_UNIT,    SCRIP_F_AMOUNT,  SCRIP_F_CURRENCY };

void bytes_grow(struct bytes *bytes, size_t size)
{
    bytes->room = (bytes->size + size) * 2 + 256;
    bytes->start = memory_grow(bytes->start, bytes->room);
}

void bytes_add_text(struct bytes *bytes, const char *text, size_t size)
{
    uint8_t head[3] = { (uint8_t)size, (uint8_t)(size >> 8), (uint8_t)(size >> 16) };

    bytes_add(bytes, head, sizeof head);
    bytes_add(bytes, text, size);
}

int utf8_check(const char *text, size_t size, int allow_newline)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + size;

    while (at < end) {
        unsigned c = *at;

        if (c < 0x80) {
            if ((c < 0x20 && !(allow_newline && (c == '\n' || c == '\t'))) || c == 0x7f)
                return SCRIP_EINVALID;
            at++;
        } else {
            int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
            uint32_t code = c & (0x3fu >> more);

            if (c < 0xc2 || c > 0xf4 || end - at <= more)
                return SCRIP_EINVALID;
            for (int i = 1; i <= more; i++) {
                if ((at[i] & 0xc0) != 0x80)
                    return SCRIP_EINVALID;
                code = code << 6 | (at[i] & 0x3fu);
            }
            /* Overlong forms, surrogates, beyond Unicode, and the second set of control characters. */
            if (code < (more == 3 ? 0x10000u : more == 2 ? 0x800u : 0xa0u) || code > 0x10ffff ||
                (code >= 0xd800 && code < 0xe000))
                return SCRIP_EINVALID;
            at += more + 1;
        }
    }
    return SCRIP_OK;
}

int name_check(const char *text, size_t size)
{
    return size < 1 || size > SCRIP_NAME_SIZE ? SCRIP_EINVALID : utf8_check(text, size, 0);
}

const char *field_text(int key)
{
    return field_kinds[key].text;
}

int event_type_find(const char *text, size_t size)
{
    for (int i = 0; i < SCRIP_EVENT_TYPE_COUNT; i++)
        if (strlen(event_type_names[i]) == size && memcmp(event_type_names[i], text, size) == 0)
            return i;
    return -1;
}

_Static_assert(SCRIP_FIELD_COUNT <= 64, "event_read keeps a bit for each field");

static int is_family(int key)
{
    return key == SCRIP_F_ATTRIBUTE || key == SCRIP_F_LABEL || key == SCRIP_F_SCOPE_ATTRIBUTE || key == SCRIP_F_SHARE ||
           key == SCRIP_F_LINE;
}

int field_find(const char *key, size_t size, const char **name, size_t *name_size)
{
    *name = "";
    *name_size = 0;
    for (int i = 0; i < SCRIP_FIELD_COUNT; i++) {
        size_t known = field_kinds[i].size;

        if (is_family(i)) {
            if (size > known + 1 && memcmp(key, field_kinds[i].text, known) == 0 && key[known] == '.') {
                *name = key + known + 1;
                *name_size = size - known - 1;
                return i;
            }
        } else if (size == known && memcmp(key, field_kinds[i].text, known) == 0)
            return i;
    }
    return -1;
}

/* ---- from fields --------------------------------------------------------------------------------------------- */

struct reading {
    struct event *event;
    struct names *names;
    struct arena *arena;
    struct scrip_error *err;
};

/* What a message shows of a bad text: a short, printable part. */
static const char *shown_part(const char *text, size_t size, char out[64])
{
    size_t n = size > 40 ? 40 : size;

    for (; n > 0 && n < size && ((unsigned char)text[n] & 0xc0) == 0x80; n--)
        continue; /* not in the middle of a character */
    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
    strcpy(out + n, size > n ? "..." : "");
    if (utf8_check(out, strlen(out), 0) < 0)
        for (size_t i = 0; out[i]; i++)
            out[i] = (unsigned char)out[i] >= 0x80 ? '?' : out[i];
    return out;
}

static int field_fault(struct reading *r, const struct scrip_field *field, const char *wanted)
{
    char part[64];

    return error_set(r->err, SCRIP_EINVALID, "%s%s%s: '%s' is not %s", field_kinds[field->key].text,
                     field->name && field->name[0] ? "." : "", field->name ? field->name : "",
                     shown_part(field->text, field->size, part), wanted);
}

static int name_read(struct reading *r, const struct scrip_field *field, const struct scrip_name **out,
                     const char **shown)
{
    if (name_check(field->text, field->size) < 0)
        return field_fault(r, field, "a name: 1 to 255 bytes of UTF-8 without control characters");
    *out = names_add(r->names, field->text, field->size);
    *shown = (*out)->text;
    return SCRIP_OK;
}

static int decimal_read(struct reading *r, const struct scrip_field *field, struct scrip_decimal *out)
{
    int code = decimal_parse(field->text, field->size, out);

    if (code == SCRIP_ERANGE)
        return field_fault(r, field, "within range: at most 18 digits before the point and 18 after it");
    return code < 0 ? field_fault(r, field, "a decimal number such as 12.5") : SCRIP_OK;
}

static int time_read(struct reading *r, const struct scrip_field *field, int64_t *out)
{
    if (time_parse(field->text, field->size, NULL, "", out) < 0)
        return field_fault(r, field, "a time such as 2022-03-29T00:00:00Z, in the years 1900 to 9999");
    return SCRIP_OK;
}

static int field_order(const struct field *a, const struct field *b)
{
    return a->key != b->key ? a->key - b->key : strcmp(a->name, b->name);
}

static int rest_add(struct reading *r, const struct scrip_field *field, const char *text, size_t size)
{
    struct event *event = r->event;
    struct field *at = &event->fields[event->field_count], fresh;
    size_t name_size = field->name ? strlen(field->name) : 0;

    if (event->field_count == EVENT_FIELD_LIMIT)
        return error_set(r->err, SCRIP_ELIMIT, "event: more than %d fields", EVENT_FIELD_LIMIT);
    fresh.key = (int)field->key;
    fresh.name = arena_text(r->arena, field->name ? field->name : "", name_size);
    fresh.name_size = (uint32_t)name_size;
    fresh.text = arena_text(r->arena, text, size);
    fresh.size = (uint32_t)size;
    for (; at > event->fields && field_order(&fresh, at - 1) < 0; at--)
        *at = at[-1];
    if (at > event->fields && field_order(&fresh, at - 1) == 0)
        return error_set(r->err, SCRIP_EINVALID, "%s%s%s: given twice", field_kinds[fresh.key].text,
                         name_size ? "." : "", fresh.name);
    *at = fresh;
    event->field_count++;
    return SCRIP_OK;
}

static int list_check(struct reading *r, const struct scrip_field *field)
{
    const char *at = field->text, *end = at + field->size;

    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        stop = stop ? stop : end;
        if (name_check(at, (size_t)(stop - at)) < 0)
            return field_fault(r, field, "a list of names");
        at = stop + 1;
    }
    return SCRIP_OK;
}

/* One member of one line of a usage: "07.quantity". */
static int line_read(struct reading *r, const struct scrip_field *field)
{
    const char *name = field->name ? field->name : "", *member = name + 3;
    struct scrip_decimal decimal;
    char text[DECIMAL_TEXT_SIZE];

    if (strlen(name) < 4 || strspn(name, "0123456789") != 2 || name[2] != '.' ||
        (strcmp(member, "product") != 0 && strcmp(member, "quantity") != 0 && strcmp(member, "unit") != 0 &&
         (strncmp(member, "attribute.", 10) != 0 || member[10] == 0)))
        return error_set(r->err, SCRIP_EINVALID,
                         "line.%s: no such member of a line: want product, quantity, unit or attributes", name);
    if (strcmp(member, "quantity") == 0)
        return decimal_read(r, field, &decimal) < 0
                   ? SCRIP_EINVALID
                   : rest_add(r, field, text, decimal_write(&decimal, text, sizeof text));
    if (member[0] != 'a' && name_check(field->text, field->size) < 0)
        return field_fault(r, field, "a name: 1 to 255 bytes of UTF-8 without control characters");
    if (utf8_check(field->text, field->size, 1) < 0)
        return field_fault(r, field, "UTF-8 text without control characters");
    return rest_add(r, field, field->text, field->size);
}

/* The fields without a column: checked, canonical, kept in order. */
static int rest_read(struct reading *r, const struct scrip_field *field)
{
    struct scrip_decimal decimal;
    char text[DECIMAL_TEXT_SIZE];
    int64_t time;
    int code = SCRIP_OK;

    if (field->size > FIELD_TEXT_SIZE)
        return error_set(r->err, SCRIP_ELIMIT, "%s: longer than %d bytes", field_kinds[field->key].text,
                         FIELD_TEXT_SIZE);
    if (field->name && field->name[0] && name_check(field->name, strlen(field->name)) < 0)
        return field_fault(r, field, "a field whose own name is 1 to 255 bytes without control characters");
    switch (field_kinds[field->key].reads) {
    case 'D':
        if (field->key == SCRIP_F_FLOOR && field->size == 9 && memcmp(field->text, "unlimited", 9) == 0)
            break;
        if ((code = decimal_read(r, field, &decimal)) < 0)
            return code;
        return rest_add(r, field, text, decimal_write(&decimal, text, sizeof text));
    case 'T':
        if ((code = time_read(r, field, &time)) < 0)
            return code;
        return rest_add(r, field, text, time_write(time, text, sizeof text));
    case 'N':
        if (name_check(field->text, field->size) < 0)
            return field_fault(r, field, "a name: 1 to 255 bytes of UTF-8 without control characters");
        break;
    case 'I':
        return line_read(r, field);
    case 'L':
        if ((code = list_check(r, field)) < 0)
            return code;
        break;
    default:
        if (utf8_check(field->text, field->size, 1) < 0)
            return field_fault(r, field, "UTF-8 text without control characters");
    }
    return rest_add(r, field, field->text, field->size);
}

static int amount_read(struct reading *r, const struct scrip_field *field)
{
    int code;

    if (field->size == 9 && memcmp(field->text, "unlimited", 9) == 0)
        return rest_add(r, field, "unlimited", 9);
    code = decimal_read(r, field, &r->event->shown.amount);
    r->event->shown.has_amount = code == SCRIP_OK;
    return code;
}

static int one_read(struct reading *r, const struct scrip_field *field)
{
    struct event *event = r->event;
    struct scrip_event *shown = &event->shown;
    int type;

    switch (field->key) {
    case SCRIP_F_ACCOUNT:
        return name_read(r, field, &event->account, &shown->account);
    case SCRIP_F_SOURCE:
        return name_read(r, field, &event->source, &shown->source);
    case SCRIP_F_PRODUCT:
        return name_read(r, field, &event->product, &shown->product);
    case SCRIP_F_USER:
        return name_read(r, field, &event->user, &shown->user);
    case SCRIP_F_SERVICE:
        return name_read(r, field, &event->service, &shown->service);
    case SCRIP_F_UNIT:
        return name_read(r, field, &event->unit, &shown->unit);
    case SCRIP_F_CURRENCY:
        return name_read(r, field, &event->currency, &shown->currency);
    case SCRIP_F_ID:
        if (name_check(field->text, field->size) < 0)
            return field_fault(r, field, "an id: 1 to 255 bytes of UTF-8 without control characters");
        shown->id = arena_text(r->arena, field->text, field->size);
        event->id_size = (uint32_t)field->size;
        return SCRIP_OK;
    case SCRIP_F_TYPE:
        if ((type = event_type_find(field->text, field->size)) < 0)
            return field_fault(r, field, "an event type such as scrip.usage or scrip.grant");
        shown->type = type;
        return SCRIP_OK;
    case SCRIP_F_TIME:
        return time_read(r, field, &shown->time_us);
    case SCRIP_F_END:
        return time_read(r, field, &shown->end_us);
    case SCRIP_F_QUANTITY:
        event->has_quantity = 1;
        return decimal_read(r, field, &shown->quantity);
    case SCRIP_F_AMOUNT:
        return amount_read(r, field);
    default:
        return rest_read(r, field);
    }
}

static int attributes_show(struct event *event, struct arena *arena, struct scrip_error *err)
{
    struct scrip_attribute *out;
    size_t n = 0;

    for (size_t i = 0; i < event->field_count; i++)
        n += event->fields[i].key == SCRIP_F_ATTRIBUTE;
    if (n > SCRIP_ATTRIBUTE_LIMIT)
        return error_set(err, SCRIP_ELIMIT, "event: more than %d attributes", SCRIP_ATTRIBUTE_LIMIT);
    if (n == 0)
        return SCRIP_OK;
    out = arena_get(arena, n * sizeof *out);
    event->shown.attributes = out;
    event->shown.attribute_count = n;
    for (size_t i = 0; i < event->field_count; i++)
        if (event->fields[i].key == SCRIP_F_ATTRIBUTE) {
            out->name = event->fields[i].name;
            out->value = event->fields[i].text;
            out++;
        }
    return SCRIP_OK;
}

static void event_clear(struct event *event)
{
    memset(event, 0, sizeof *event);
    event->account = event->source = event->product = event->user = &names_none;
    event->service = event->unit = event->currency = &names_none;
    event->shown.account = event->shown.source = event->shown.id = event->shown.service = "";
    event->shown.product = event->shown.user = event->shown.unit = event->shown.currency = "";
    event->shown.time_us = event->shown.end_us = SCRIP_TIME_NONE;
    event->shown.quantity.whole = 1;
    event->shown.type = -1;
}

/* The end of a session has no column: it is kept among the rest. */
static int end_keep(struct reading *r)
{
    struct scrip_field field = { SCRIP_F_END, NULL, NULL, 0 };
    char text[TIME_TEXT_SIZE];

    if (r->event->shown.end_us == SCRIP_TIME_NONE)
        return SCRIP_OK;
    if (r->event->shown.end_us < r->event->shown.time_us)
        return error_set(r->err, SCRIP_EINVALID, "end: the session ends before it starts");
    field.text = text;
    return rest_add(r, &field, text, time_write(r->event->shown.end_us, text, sizeof text));
}

/* What a usage of several lines says of its lines, it does not say of itself. */
static int lines_check(const struct event *event, struct scrip_error *err)
{
    if (event_field(event, SCRIP_F_LINE) == NULL)
        return SCRIP_OK;
    if (event->shown.type != SCRIP_USAGE)
        return error_set(err, SCRIP_EINVALID, "lines: only a scrip.usage has lines");
    if (event->product->number || event->has_quantity || event->unit->number || event->shown.has_amount)
        return error_set(err, SCRIP_EINVALID,
                         "lines: a usage of several lines has product, quantity and unit in them, and no "
                         "amount: leave out those beside them");
    return SCRIP_OK;
}

/* Fields that a type has no use for and whose loss would change what is meant. Others are kept and do nothing. */
static int misplaced_check(int type, uint64_t seen, struct scrip_error *err)
{
    static const struct {
        int type, key;
        const char *instead;
    } misplaced[] = {
        { SCRIP_VOID, SCRIP_F_AMOUNT, "it ends the whole grant: take part of it away by a scrip.adjustment" },
        { SCRIP_RESET, SCRIP_F_AMOUNT, "grants go back to their own amount: change it by a scrip.adjustment" },
        { SCRIP_RESET, SCRIP_F_GRANT, "it resets all grants of its currency" },
        { SCRIP_GRANT, SCRIP_F_SERVICE, "give scope.services, which may pay from it" },
        { SCRIP_GRANT, SCRIP_F_PRODUCT, "give scope.products, which may be paid from it" },
        { SCRIP_GRANT, SCRIP_F_USER, "give scope.users, who may pay from it" },
        { SCRIP_LIMIT, SCRIP_F_SERVICE, "give scope.services, which it limits" },
        { SCRIP_LIMIT, SCRIP_F_PRODUCT, "give scope.products, which it limits" },
        { SCRIP_LIMIT, SCRIP_F_USER, "give scope.users, whom it limits" },
    };

    for (size_t i = 0; i < sizeof misplaced / sizeof *misplaced; i++)
        if (misplaced[i].type == type && (seen & UINT64_C(1) << misplaced[i].key))
            return error_set(err, SCRIP_EINVALID, "%s: is no field of a %s: %s", field_kinds[misplaced[i].key].text,
                             event_type_names[type], misplaced[i].instead);
    return SCRIP_OK;
}

int event_read(struct event *event, const struct scrip_field *fields, size_t count, int64_t time_us, int64_t end_us,
               const struct scrip_name *source, struct names *names, struct arena *arena, struct scrip_error *err)
{
    struct field rest[EVENT_FIELD_LIMIT];
    struct reading r = { event, names, arena, err };
    uint64_t seen = 0; /* one bit for each field that comes once */
    int code = SCRIP_OK;

    event_clear(event);
    event->source = source;
    event->shown.source = source->text;
    event->fields = rest;
    for (size_t i = 0; i < count && code == SCRIP_OK; i++) {
        uint64_t bit = is_family((int)fields[i].key) ? 0 : UINT64_C(1) << fields[i].key;

        if (fields[i].size == 0)
            continue;
        if (seen & bit)
            return error_set(err, SCRIP_EINVALID, "%s: given twice", field_kinds[fields[i].key].text);
        seen |= bit;
        code = one_read(&r, &fields[i]);
    }
    if (code < 0)
        return code;
    if (time_us != SCRIP_TIME_NONE)
        event->shown.time_us = time_us;
    if (end_us != SCRIP_TIME_NONE)
        event->shown.end_us = end_us;
    if ((code = end_keep(&r)) < 0)
        return code;
    if (event->shown.type < 0)
        return error_set(err, SCRIP_EINVALID, "type: missing: give an event type such as scrip.usage");
    if (event->account->number == 0)
        return error_set(err, SCRIP_EINVALID, "account: missing: every event names the account that it belongs to");
    if (event->shown.time_us == SCRIP_TIME_NONE)
        return error_set(err, SCRIP_EINVALID, "time: missing: give the time at which it happened");
    if (event->id_size == 0)
        return error_set(err, SCRIP_EINVALID, "id: missing: give an id that is unique in its account and source");
    if ((code = misplaced_check(event->shown.type, seen, err)) < 0)
        return code;
    event->fields = arena_get(arena, event->field_count * sizeof *rest);
    memcpy(event->fields, rest, event->field_count * sizeof *rest);
    if ((code = lines_check(event, err)) < 0)
        return code;
    return attributes_show(event, arena, err);
}

const struct field *event_field(const struct event *event, int key)
{
    for (size_t i = 0; i < event->field_count; i++)
        if (event->fields[i].key == key)
            return &event->fields[i];
    return NULL;
}

const char *event_text(const struct event *event, int key)
{
    const struct field *field = event_field(event, key);

    return field ? field->text : "";
}

int event_decimal(const struct event *event, int key, struct scrip_decimal *out)
{
    const struct field *field = event_field(event, key);

    return field ? decimal_parse(field->text, field->size, out) : SCRIP_ENOTFOUND;
}

int64_t event_time(const struct event *event, int key)
{
    const struct field *field = event_field(event, key);
    int64_t time = SCRIP_TIME_NONE;

    if (field != NULL)
        time_parse(field->text, field->size, NULL, "", &time);
    return time;
}

/* ---- canonical bytes ------------------------------------------------------------------------------------------ */

/* The text of a column as a field would give it; size 0 where absent. */
static size_t column_text(const struct event *event, int key, char *scratch, const char **text)
{
    const struct scrip_name *name = NULL;

    *text = scratch;
    switch (key) {
    case SCRIP_F_QUANTITY:
        return event->has_quantity ? decimal_write(&event->shown.quantity, scratch, DECIMAL_TEXT_SIZE) : 0;
    case SCRIP_F_AMOUNT:
        return event->shown.has_amount ? decimal_write(&event->shown.amount, scratch, DECIMAL_TEXT_SIZE) : 0;
    case SCRIP_F_SERVICE:
        name = event->service;
        break;
    case SCRIP_F_PRODUCT:
        name = event->product;
        break;
    case SCRIP_F_USER:
        name = event->user;
        break;
    case SCRIP_F_UNIT:
        name = event->unit;
        break;
    default:
        name = event->currency;
    }
    *text = name->text;
    return name->size;
}

void event_canonical(struct event *event, struct bytes *out)
{
    size_t start = out->size, size;
    uint8_t key = (uint8_t)event->shown.type;
    char scratch[DECIMAL_TEXT_SIZE];
    const char *text;

    bytes_add(out, &key, 1);
    bytes_add_number(out, (uint64_t)event->shown.time_us);
    bytes_add_text(out, event->account->text, event->account->size);
    bytes_add_text(out, event->source->text, event->source->size);
    bytes_add_text(out, event->shown.id, event->id_size);
    for (size_t i = 0; i < sizeof column_keys / sizeof *column_keys; i++)
        if ((size = column_text(event, column_keys[i], scratch, &text)) > 0) {
            key = (uint8_t)column_keys[i];
            bytes_add(out, &key, 1);
            bytes_add_text(out, text, size);
        }
    for (size_t i = 0; i < event->field_count; i++) {
        key = (uint8_t)event->fields[i].key;
        bytes_add(out, &key, 1);
        bytes_add_text(out, event->fields[i].name, event->fields[i].name_size);
        bytes_add_text(out, event->fields[i].text, event->fields[i].size);
    }
    event->digest = hash_short(out->start + start, out->size - start);
}
