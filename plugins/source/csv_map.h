/* csv_map.h - what a section says of columns: which columns become which fields, which rows are wanted, what makes an id; and the
 * header of a feed, in which those columns are looked for.
 */
#ifndef SCRIP_CSV_MAP_H
#define SCRIP_CSV_MAP_H

#include "csv_value.h"

#include <stdio.h>
#include <stdlib.h>

#define CSV_FIELD_LIMIT 120 /* of a row: the host takes 128 */
#define CSV_FILTER_LIMIT 64
#define CSV_TYPE_LIMIT 256
#define CSV_VALUE_LIMIT 100000 /* values of filters, types and aliases together */
#define CSV_NONE SIZE_MAX

/* What every source that maps columns to fields takes. */
#define CSV_MAP_OPTIONS                                                                                                \
    { "map.*", SCRIP_OPTION_TEXT, NULL, NULL, 0,                                                                       \
      "map.FIELD = COLUMN, COLUMN: the first that the header has; a last `?`: may be missing" },                       \
        { "const.*", SCRIP_OPTION_TEXT, NULL, NULL, 0, "const.FIELD = TEXT: the same in every row" },                  \
        { "type", SCRIP_OPTION_NAME, "scrip.usage", NULL, 0, "event type of rows where no column gives it" },          \
        { "type.map.*", SCRIP_OPTION_TEXT, NULL, NULL, 0,                                                              \
          "type.map.TEXT = TYPE: event type of rows with this text in the column of map.type" },                       \
        { "decimal", SCRIP_OPTION_CHOICE, "point", "point,comma", 0, "decimal mark of numbers" },                      \
        { "amounts", SCRIP_OPTION_CHOICE, "strict", "strict,loose", 0,                                                 \
          "loose: takes $1,234.50 and (12.00) too" },                                                                  \
        { "sign", SCRIP_OPTION_CHOICE, "keep", "keep,flip", 0,                                                         \
          "flip: `amount` with the other sign, but for a scrip.usage: what a feed gives as consumed, as an "           \
          "adjustment" },                                                                                              \
        { "negative", SCRIP_OPTION_CHOICE, "refuse", "refuse,adjustment", 0,                                           \
          "what a scrip.usage is whose mapped `amount` is below 0, as a refund; adjustment: a scrip.adjustment that "    \
          "gives it back" },                                                                                           \
        { "time", SCRIP_OPTION_TEXT, NULL, NULL, 0,                                                                    \
          "pattern of times such as %d.%m.%Y %H:%M; absent: RFC 3339 or a date" },                                     \
        { "zone", SCRIP_OPTION_ZONE, "UTC", NULL, 0, "zone of times that name none" },                                 \
        { "list", SCRIP_OPTION_CHOICE, "semicolon", "semicolon,comma,bar", 0,                                          \
          "what stands between names in a cell of a scope" },                                                          \
        { "identity", SCRIP_OPTION_LIST, NULL, NULL, 0,                                                                \
          "columns that make a row's id, A|B: the first that the header has; or `row`; absent: map.id, else `row`" },  \
        { "filter.*", SCRIP_OPTION_TEXT, NULL, NULL, 0,                                                                \
          "filter.COLUMN = TEXT, TEXT: only rows with one of these; A|B: the first that the header has" },             \
        { "skip.*", SCRIP_OPTION_TEXT, NULL, NULL, 0, "skip.COLUMN = TEXT, TEXT: no rows with one of these" },         \
        { "prices", SCRIP_OPTION_PATH, NULL, NULL, 0,                                                                  \
          "a price sheet: what a scrip.grant with product and quantity leaves open (currency, amount, cost, expires, " \
          "class) is looked up by its date: product,from,to,least,currency,units,price,price_currency,discount,term,"  \
          "class" }

/* Memory that is given back all at once. */
struct csv_kept {
    struct csv_kept *next;
    max_align_t bytes[];
};

/* A column by its names, of which the first that the header has counts. */
struct csv_column {
    const char *shown; /* the key that wants it */
    char **names;      /* NULL-terminated */
    int is_optional;
    size_t cell; /* CSV_NONE: the header has none */
};

struct csv_field {
    uint64_t key;     /* enum scrip_field_key */
    const char *name; /* of a family's member, else NULL */
    char reads;       /* as in SCRIP_FIELDS */
    struct csv_column column;
    /* Of a time: the last text and what it was. */
    char last[48];
    size_t last_size;
    int64_t last_us;
    char written[40];
    size_t written_size;
};

/* Rows with one of the values are kept, or are left out. */
struct csv_filter {
    struct csv_column column;
    char **values;
    int is_skip;
};

struct csv_type {
    const char *text;
    char **type; /* one */
};

/* GIVEN: the source has one for each row. */
enum csv_identity { CSV_ID_FIELD, CSV_ID_ROW, CSV_ID_COLUMNS, CSV_ID_GIVEN };

struct csv_map {
    struct scrip_ctx *ctx;
    struct csv_kept *kept;
    size_t value_count;
    char point, list_mark;
    int is_loose;
    int is_flipped; /* amounts of what is no usage */
    int is_refunding; /* usage of an amount below 0 is an adjustment */
    const char *format, *zone;
    const char *type;
    struct csv_field fields[CSV_FIELD_LIMIT];
    size_t field_count;
    struct csv_field *type_field, *id_field; /* of fields; NULL: not mapped */
    struct scrip_field constants[CSV_FIELD_LIMIT];
    size_t constant_count;
    int64_t time_us, end_us; /* constants too */
    struct csv_filter filters[CSV_FILTER_LIMIT];
    size_t filter_count;
    struct csv_type types[CSV_TYPE_LIMIT];
    size_t type_count;
    int identity; /* as configured; a feed without an optional id falls back to the row */
    struct csv_column id_columns[CSV_FILTER_LIMIT];
    size_t id_column_count;
};

static inline int csv_memory_fault(struct scrip_ctx *ctx)
{
    return scrip_fail(ctx, SCRIP_ENOMEM, "csv: no memory");
}

static inline void *csv_keep(struct csv_kept **list, size_t size)
{
    struct csv_kept *kept = calloc(1, sizeof *kept + size);

    if (kept == NULL)
        return NULL;
    kept->next = *list;
    *list = kept;
    return kept->bytes;
}

static inline void csv_release(struct csv_kept **list)
{
    while (*list != NULL) {
        struct csv_kept *next = (*list)->next;

        free(*list);
        *list = next;
    }
}

/* ---- what a section says -------------------------------------------------------------------- */

/* A mark by its name; `auto` is a comma. */
static inline char csv_mark_read(const char *text)
{
    return strcmp(text, "semicolon") == 0 ? ';' : strcmp(text, "tab") == 0 ? '\t' : strcmp(text, "bar") == 0 ? '|' : ',';
}

/* "Column, "Other, column", Third?" into names; a trailing `?` outside quotes says that the column may be missing. */
static inline int csv_names(struct csv_map *map, const char *key, const char *text, char ***out, int *is_optional)
{
    size_t size = strlen(text), count = 0;
    char **names = csv_keep(&map->kept, (size / 2 + 3) * sizeof *names);
    char *at = csv_keep(&map->kept, size * 2 + 3);

    if (names == NULL || at == NULL)
        return csv_memory_fault(map->ctx);
    do {
        const char *stop;
        struct csv_slice name;

        text += strspn(text, " \t");
        names[count++] = at;
        if (map->value_count++ == CSV_VALUE_LIMIT)
            return scrip_fail(map->ctx, SCRIP_ELIMIT, "%s: more than %d names and values in one section", key,
                              CSV_VALUE_LIMIT);
        if (*text == '"') {
            stop = strchr(++text, '"');
            if (stop == NULL)
                return scrip_fail(map->ctx, SCRIP_EINVALID, "%s: '\"%s': a quote that is never closed", key, text);
            name = (struct csv_slice){ text, (size_t)(stop - text) };
            text = stop + 1 + strspn(stop + 1, " \t");
        } else {
            stop = strchrnul(text, ',');
            name = csv_trim(text, (size_t)(stop - text));
            text = stop;
            if (is_optional != NULL && *stop == 0 && name.size > 0 && name.text[name.size - 1] == '?') {
                name = csv_trim(name.text, name.size - 1);
                *is_optional = 1;
            }
        }
        if (is_optional != NULL && *text == '?' && text[1] == 0) {
            *is_optional = 1;
            text++;
        }
        memcpy(at, name.text, name.size);
        at += name.size + 1;
        if (*text != ',' && *text != 0)
            return scrip_fail(map->ctx, SCRIP_EINVALID, "%s: '%s' behind a quote: want a comma", key, text);
    } while (*text++ == ',');
    *out = names;
    return SCRIP_OK;
}

static inline int csv_column_read(struct csv_map *map, const char *family, const char *suffix, const char *text,
                                  struct csv_column *column)
{
    size_t size = strlen(family) + strlen(suffix) + 1;
    char *shown = csv_keep(&map->kept, size);
    int code;

    if (shown == NULL)
        return csv_memory_fault(map->ctx);
    snprintf(shown, size, "%s%s", family, suffix);
    column->shown = shown;
    column->cell = CSV_NONE;
    if ((code = csv_names(map, shown, text, &column->names, &column->is_optional)) < 0)
        return code;
    for (char **name = column->names; *name != NULL; name++)
        if ((*name)[0] == 0)
            return scrip_fail(map->ctx, SCRIP_EINVALID, "%s: '%s': want the names of columns, split by commas", shown,
                              text);
    return SCRIP_OK;
}

/* "Day used|day_used": names of one column, of which the first that the header has counts. A last `?`, where it may
 * stand: the column may be missing. */
static inline int csv_either_read(struct csv_map *map, const char *shown, const char *item, int takes_mark,
                                  struct csv_column *column)
{
    size_t size = strlen(item), count = 0;
    char *at = csv_keep(&map->kept, size + 1);

    column->names = csv_keep(&map->kept, (size + 2) * sizeof *column->names);
    if (column->names == NULL || at == NULL)
        return csv_memory_fault(map->ctx);
    strcpy(at, item);
    if (takes_mark && size > 0 && at[size - 1] == '?') {
        column->is_optional = 1;
        at[size - 1] = 0;
    }
    while (at != NULL) {
        char *name = strsep(&at, "|");
        struct csv_slice slice = csv_trim(name, strlen(name));

        if (slice.size == 0)
            return scrip_fail(map->ctx, SCRIP_EINVALID, "%s: '%s': want the names of a column, split by |", shown,
                              item);
        name += slice.text - name;
        name[slice.size] = 0;
        column->names[count++] = name;
    }
    column->shown = shown;
    column->cell = CSV_NONE;
    return SCRIP_OK;
}

/* A key of SCRIP_FIELDS, or a member of a family. */
static inline int csv_field_find(struct csv_map *map, const char *family, const char *key, struct csv_field *out)
{
    static const struct {
        const char *text;
        char reads;
    } known[] = {
#define X(id, text, reads) { text, reads },
        SCRIP_FIELDS(X)
#undef X
    };
    char all[320] = "", shown[SCRIP_NAME_SIZE];

    for (size_t i = 0, used = 0; i < sizeof known / sizeof *known; i++) {
        size_t size = strlen(known[i].text);
        int is_family = i == SCRIP_F_SCOPE_ATTRIBUTE || i == SCRIP_F_LABEL || i == SCRIP_F_ATTRIBUTE ||
                        i == SCRIP_F_LINE;

        out->key = i;
        out->reads = known[i].reads;
        out->name = NULL;
        if (!is_family && strcmp(key, known[i].text) == 0)
            return SCRIP_OK;
        if (is_family && strncmp(key, known[i].text, size) == 0 && key[size] == '.' && key[size + 1]) {
            out->name = key + size + 1;
            return SCRIP_OK;
        }
        if (used < sizeof all)
            used += (size_t)snprintf(all + used, sizeof all - used, "%s%s%s", i ? ", " : "", known[i].text,
                                     is_family ? ".NAME" : "");
    }
    snprintf(shown, sizeof shown, "%s%s", family, key);
    return scrip_fail(map->ctx, SCRIP_EINVALID, "%s: %s: no such field: want attribute.NAME or one of %s ...",
                      map->ctx->host->option_where(map->ctx, shown), shown, all);
}

static inline int csv_is_same(uint64_t key, const char *name, uint64_t other_key, const char *other_name)
{
    return key == other_key && strcmp(name ? name : "", other_name ? other_name : "") == 0;
}

static inline int csv_map_add(struct csv_map *map, const char *key, const char *text)
{
    struct csv_field *field = &map->fields[map->field_count];
    int code;

    if (map->field_count + map->constant_count == CSV_FIELD_LIMIT)
        return scrip_fail(map->ctx, SCRIP_ELIMIT, "map.%s: more than %d fields", key, CSV_FIELD_LIMIT);
    if ((code = csv_field_find(map, "map.", key, field)) < 0 ||
        (code = csv_column_read(map, "map.", key, text, &field->column)) < 0)
        return code;
    if (field->key == SCRIP_F_TYPE)
        map->type_field = field;
    if (field->key == SCRIP_F_ID)
        map->id_field = field;
    map->field_count++;
    return SCRIP_OK;
}

static inline int csv_constant_fault(struct csv_map *map, const char *key, const char *text, const char *wanted)
{
    return scrip_fail(map->ctx, SCRIP_EINVALID, "const.%s: '%s' is not %s", key, text, wanted);
}

/* A constant as rows will carry it: its text is read now, once. */
static inline int csv_constant_text(struct csv_map *map, const char *key, const struct csv_field *field,
                                    const char *text, struct scrip_field *out)
{
    struct scrip_decimal decimal;
    size_t room = strlen(text) + 64;
    char *copy = csv_keep(&map->kept, room);
    int64_t time_us;

    if (copy == NULL)
        return csv_memory_fault(map->ctx);
    snprintf(copy, room, "%s", text);
    if (text[0] == 0)
        return csv_constant_fault(map, key, text, "a text: leave the key out");
    if (field->reads == 'T') {
        if (map->ctx->host->time_parse(text, strlen(text), NULL, map->zone, &time_us) < 0)
            return csv_constant_fault(map, key, text, "a time such as 2022-03-29T00:00:00Z");
        map->ctx->host->time_write(time_us, copy, room);
        if (field->key == SCRIP_F_TIME)
            map->time_us = time_us;
        if (field->key == SCRIP_F_END)
            map->end_us = time_us;
    } else if (field->reads == 'D' && strcmp(text, "unlimited") != 0) {
        if (map->ctx->host->decimal_parse(text, strlen(text), &decimal) < 0)
            return csv_constant_fault(map, key, text, "a decimal number such as 12.5");
    } else if (field->reads == 'L') {
        copy[csv_list(text, strlen(text), ',', copy)] = 0;
    }
    *out = (struct scrip_field){ field->key, field->name, copy, strlen(copy) };
    return SCRIP_OK;
}

static inline int csv_constant_add(struct csv_map *map, const char *key, const char *text)
{
    struct csv_field field;
    int code;

    if (map->field_count + map->constant_count == CSV_FIELD_LIMIT)
        return scrip_fail(map->ctx, SCRIP_ELIMIT, "const.%s: more than %d fields", key, CSV_FIELD_LIMIT);
    if ((code = csv_field_find(map, "const.", key, &field)) < 0)
        return code;
    if (field.key == SCRIP_F_ID)
        return scrip_fail(map->ctx, SCRIP_EINVALID, "const.id: every row needs an id of its own: want map.id or identity");
    if (field.key == SCRIP_F_TYPE)
        return scrip_fail(map->ctx, SCRIP_EINVALID, "const.type: want type = %s", text);
    for (size_t i = 0; i < map->field_count; i++)
        if (csv_is_same(field.key, field.name, map->fields[i].key, map->fields[i].name))
            return scrip_fail(map->ctx, SCRIP_EINVALID, "const.%s: map.%s is there too: keep one of both", key, key);
    if ((code = csv_constant_text(map, key, &field, text, &map->constants[map->constant_count])) < 0)
        return code;
    /* Times of the event itself are given to the host parsed. */
    map->constant_count += field.key != SCRIP_F_TIME && field.key != SCRIP_F_END;
    return SCRIP_OK;
}

static inline int csv_filter_add(struct csv_map *map, int is_skip, const char *column, const char *text)
{
    const char *family = is_skip ? "skip." : "filter.";
    struct csv_filter *filter = &map->filters[map->filter_count];
    size_t size = strlen(family) + strlen(column) + 1;
    char *shown = csv_keep(&map->kept, size);
    int code;

    if (shown == NULL)
        return csv_memory_fault(map->ctx);
    snprintf(shown, size, "%s%s", family, column);
    if (map->filter_count++ == CSV_FILTER_LIMIT)
        return scrip_fail(map->ctx, SCRIP_ELIMIT, "%s: more than %d filters", shown, CSV_FILTER_LIMIT);
    if ((code = csv_either_read(map, shown, column, 0, &filter->column)) < 0)
        return code;
    filter->is_skip = is_skip;
    return csv_names(map, shown, text, &filter->values, NULL);
}

static inline int csv_type_check(struct csv_map *map, const char *key, const char *type)
{
    static const char *const known[] = {
#define X(id, text) text,
        SCRIP_EVENT_TYPES(X)
#undef X
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i], type) == 0)
            return SCRIP_OK;
    return scrip_fail(map->ctx, SCRIP_EINVALID, "%s: '%s' is no event type: want scrip.usage, scrip.grant, %s", key, type,
                      "scrip.account, scrip.adjustment, scrip.hold ...");
}

static inline int csv_type_add(struct csv_map *map, const char *text, const char *type)
{
    struct csv_type *made = &map->types[map->type_count];
    int code;

    if (map->type_count++ == CSV_TYPE_LIMIT)
        return scrip_fail(map->ctx, SCRIP_ELIMIT, "type.map: more than %d types", CSV_TYPE_LIMIT);
    made->text = text;
    if ((code = csv_names(map, "type.map", type, &made->type, NULL)) < 0)
        return code;
    return csv_type_check(map, "type.map", made->type[0]);
}

static inline int csv_identity_read(struct csv_map *map)
{
    const struct scrip_host *host = map->ctx->host;
    const char *item;
    int code;

    map->identity = map->id_field ? CSV_ID_FIELD : CSV_ID_ROW;
    if (host->option_item(map->ctx, "identity", 0) == NULL)
        return SCRIP_OK;
    if (map->id_field != NULL)
        return scrip_fail(map->ctx, SCRIP_EINVALID, "identity: map.id is there too: keep one of both");
    if (strcmp(host->option_item(map->ctx, "identity", 0), "row") == 0 &&
        host->option_item(map->ctx, "identity", 1) == NULL)
        return SCRIP_OK;
    map->identity = CSV_ID_COLUMNS;
    for (uint64_t i = 0; (item = host->option_item(map->ctx, "identity", i)) != NULL; i++) {
        if (i == CSV_FILTER_LIMIT)
            return scrip_fail(map->ctx, SCRIP_ELIMIT, "identity: more than %d columns", CSV_FILTER_LIMIT);
        if ((code = csv_either_read(map, "identity", item, 1, &map->id_columns[map->id_column_count++])) < 0)
            return code;
    }
    return SCRIP_OK;
}

/* Members of one family, each handed to its reader. */
static inline int csv_family_read(struct csv_map *map, const char *family,
                                  int (*add)(struct csv_map *map, const char *suffix, const char *value))
{
    const char *suffix, *value;
    int code = SCRIP_OK;

    for (uint64_t i = 0; code == SCRIP_OK &&
                         map->ctx->host->option_member(map->ctx, family, i, &suffix, &value) == SCRIP_OK;
         i++)
        code = add(map, suffix, value);
    return code;
}

static inline int csv_keep_add(struct csv_map *map, const char *column, const char *values)
{
    return csv_filter_add(map, 0, column, values);
}

static inline int csv_skip_add(struct csv_map *map, const char *column, const char *values)
{
    return csv_filter_add(map, 1, column, values);
}

/* Does a column or a constant give this field? */
static inline int csv_has(const struct csv_map *map, uint64_t key)
{
    for (size_t i = 0; i < map->field_count; i++)
        if (map->fields[i].key == key)
            return 1;
    for (size_t i = 0; i < map->constant_count; i++)
        if (map->constants[i].key == key)
            return 1;
    return key == SCRIP_F_TIME && map->time_us != SCRIP_TIME_NONE;
}

/* What a row's other fields mean may depend on its type: that is made first. */
static inline void csv_type_first(struct csv_map *map)
{
    struct csv_field first = map->fields[0];

    if (map->type_field == NULL || map->type_field == map->fields)
        return;
    map->fields[0] = *map->type_field;
    *map->type_field = first;
    if (map->id_field == map->fields)
        map->id_field = map->type_field;
    map->type_field = map->fields;
}

static inline int csv_map_read(struct csv_map *map, struct scrip_ctx *ctx)
{
    const struct scrip_host *host = ctx->host;
    int code;

    map->ctx = ctx;
    map->list_mark = csv_mark_read(host->option_text(ctx, "list"));
    map->point = strcmp(host->option_text(ctx, "decimal"), "comma") == 0 ? ',' : '.';
    map->is_loose = strcmp(host->option_text(ctx, "amounts"), "loose") == 0;
    map->is_flipped = strcmp(host->option_text(ctx, "sign"), "flip") == 0;
    map->is_refunding = strcmp(host->option_text(ctx, "negative"), "adjustment") == 0;
    map->format = host->option_text(ctx, "time");
    map->zone = host->option_text(ctx, "zone");
    map->type = host->option_text(ctx, "type");
    map->time_us = map->end_us = SCRIP_TIME_NONE;
    if ((code = csv_type_check(map, "type", map->type)) < 0 ||
        (code = csv_family_read(map, "map.*", csv_map_add)) < 0 ||
        (code = csv_family_read(map, "const.*", csv_constant_add)) < 0 ||
        (code = csv_family_read(map, "type.map.*", csv_type_add)) < 0 ||
        (code = csv_family_read(map, "filter.*", csv_keep_add)) < 0 ||
        (code = csv_family_read(map, "skip.*", csv_skip_add)) < 0 || (code = csv_identity_read(map)) < 0)
        return code;
    csv_type_first(map);
    if (map->type_count && map->type_field == NULL)
        return scrip_fail(ctx, SCRIP_EINVALID, "type.map: no column gives a type: want map.type = COLUMN");
    if (!csv_has(map, SCRIP_F_TIME))
        return scrip_fail(ctx, SCRIP_EINVALID, "map.time: missing: name the column with the time, or give const.time");
    if (!csv_has(map, SCRIP_F_ACCOUNT))
        return scrip_fail(ctx, SCRIP_EINVALID, "map.account: missing: name the column with the account, or give "
                                               "const.account");
    return SCRIP_OK;
}

/* ---- the header of a feed ------------------------------------------------------------------- */

struct csv_header {
    struct csv_slice *names;
    size_t count;
};

/* Where the first of the names is: CSV_NONE where none is, CSV_NONE - 1 where it is there twice. */
static inline size_t csv_column_find(const struct csv_column *column, const struct csv_header *header)
{
    for (char **name = column->names; *name != NULL; name++) {
        size_t found = CSV_NONE, size = strlen(*name);

        for (size_t i = 0; i < header->count; i++)
            if (header->names[i].size == size && memcmp(header->names[i].text, *name, size) == 0)
                found = found == CSV_NONE ? i : CSV_NONE - 1;
        if (found != CSV_NONE)
            return found;
    }
    return CSV_NONE;
}

static inline int csv_column_fault(struct csv_map *map, const struct csv_column *column, size_t found,
                                   const struct csv_header *header, const char *feed)
{
    char wanted[120], has[200];
    size_t used = 0;

    wanted[0] = has[0] = 0;
    for (char **name = column->names; *name != NULL && used < sizeof wanted; name++)
        used += (size_t)snprintf(wanted + used, sizeof wanted - used, "%s'%s'", used ? " or " : "", *name);
    used = 0;
    for (size_t i = 0; i < header->count && used < sizeof has; i++)
        used += (size_t)snprintf(has + used, sizeof has - used, "%s'%.*s'", used ? ", " : "",
                                 (int)(header->names[i].size < 60 ? header->names[i].size : 60), header->names[i].text);
    if (used >= sizeof has)
        memcpy(has + csv_cut(has, sizeof has - 4), "...", 4);
    return scrip_fail(map->ctx, SCRIP_EINVALID, "%s: %s (found the columns %s; wanted %s): mend %s (%s)", feed,
                      found == CSV_NONE ? "a column is missing" : "a column is there twice", has, wanted, column->shown,
                      map->ctx->host->option_where(map->ctx, column->shown));
}

/* Every column that the map names, one after the other; NULL after the last. */
static inline struct csv_column *csv_column_at(struct csv_map *map, size_t index)
{
    if (index < map->field_count)
        return &map->fields[index].column;
    index -= map->field_count;
    if (index < map->filter_count)
        return &map->filters[index].column;
    index -= map->filter_count;
    return index < map->id_column_count ? &map->id_columns[index] : NULL;
}

static inline int csv_columns_find(struct csv_map *map, const struct csv_header *header, const char *feed)
{
    struct csv_column *column;

    for (size_t i = 0; (column = csv_column_at(map, i)) != NULL; i++) {
        size_t found = csv_column_find(column, header);

        if (found == CSV_NONE - 1 || (found == CSV_NONE && !column->is_optional))
            return csv_column_fault(map, column, found, header, feed);
        column->cell = found;
    }
    return SCRIP_OK;
}

/* How many columns of the map the header has. *lacking: of those that are needed, how many it has not, or twice. */
static inline int csv_columns_count(struct csv_map *map, const struct csv_header *header, size_t *lacking)
{
    struct csv_column *column;
    int count = 0;

    *lacking = 0;
    for (size_t i = 0; (column = csv_column_at(map, i)) != NULL; i++) {
        int is_there = csv_column_find(column, header) < CSV_NONE - 1;

        count += is_there;
        *lacking += !is_there && !column->is_optional;
    }
    return count;
}

#endif
