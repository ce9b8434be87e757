/* csv_make.h - a row's cells made into an event's fields, as the section's map says, and into its id. */
#ifndef SCRIP_CSV_MAKE_H
#define SCRIP_CSV_MAKE_H

#include "csv_find.h"
#include "csv_order.h"

#define LIST_SIZE 65536 /* of a list's text: the host's limit */

enum row_fate { ROW_GOOD, ROW_FILTERED, ROW_BAD, ROW_AGAIN, ROW_FAILED };

static inline enum row_fate row_fault(struct csv *self, const char *key, const char *text, size_t size,
                                      const char *wanted)
{
    int shown = (int)csv_cut(text, size < 80 ? size : 80);

    snprintf(self->reason, sizeof self->reason, "%s: '%.*s'%s %s", key, shown, text, size > 80 ? "..." : "", wanted);
    return ROW_BAD;
}

/* As many cells as the header has; a last one may be there for nothing: some programs end each line with a delimiter.
 */
static inline enum row_fate row_check(struct csv *self, const struct scrip_row *row, const struct csv_shape *shape)
{
    const struct csv_header *header = &self->header;
    size_t count = shape->cell_count;

    if (shape->has_nul)
        snprintf(self->reason, sizeof self->reason, "line %llu: holds a NUL byte: is it a text file",
                 (unsigned long long)row->line);
    else if (shape->has_high && !csv_is_utf8(row->bytes, row->size))
        snprintf(self->reason, sizeof self->reason, "line %llu: is not UTF-8: save the file as UTF-8",
                 (unsigned long long)row->line);
    else if (count == header->count + 1 && count <= CSV_COLUMN_LIMIT && self->cells[count - 1].size == 0)
        return ROW_GOOD;
    else if (count + 1 == header->count && header->names[count].size == 0)
        self->cells[count] = (struct csv_cell){ "", 0, 0 };
    else if (count != header->count)
        snprintf(self->reason, sizeof self->reason, "line %llu: too %s columns (found %zu, wanted %zu)",
                 (unsigned long long)row->line, count < header->count ? "few" : "many", count, header->count);
    return self->reason[0] ? ROW_BAD : ROW_GOOD;
}

/* Spreadsheets write rows of nothing but delimiters below the last one. */
static inline int row_is_empty(const struct csv *self, size_t cell_count)
{
    for (size_t i = 0; i < cell_count && i < CSV_COLUMN_LIMIT; i++)
        if (self->cells[i].size > 0)
            return 0;
    return 1;
}

static inline enum row_fate row_filter(struct csv *self)
{
    for (size_t i = 0; i < self->map.filter_count; i++) {
        const struct csv_filter *filter = &self->map.filters[i];
        const struct csv_cell *cell = cell_text(self, filter->column.cell);
        int is_there = 0;

        for (char **value = filter->values; *value != NULL && !is_there; value++)
            is_there = strlen(*value) == cell->size && memcmp(*value, cell->text, cell->size) == 0;
        if (is_there == filter->is_skip)
            return ROW_FILTERED;
    }
    return ROW_GOOD;
}

static inline enum row_fate time_make(struct csv *self, struct csv_field *field, const struct csv_cell *cell,
                                      struct scrip_field *out, struct scrip_row *row)
{
    const struct scrip_host *host = self->ctx->host;

    if (cell->size != field->last_size || memcmp(cell->text, field->last, cell->size) != 0) {
        struct csv_slice text = csv_trim(cell->text, cell->size);

        field->last_size = 0;
        if (host->time_parse(text.text, text.size, self->map.format, self->map.zone, &field->last_us) < 0)
            return row_fault(self, field->column.shown, cell->text, cell->size,
                             self->map.format[0] ? "does not fit the pattern of `time`, or is no time of `zone`"
                                                 : "is not a time such as 2022-03-29 or 2022-03-29T00:00:00Z");
        field->written_size = 0;
        if (cell->size <= sizeof field->last) {
            memcpy(field->last, cell->text, cell->size);
            field->last_size = cell->size;
        }
    }
    if (field->key == SCRIP_F_TIME)
        row->time_us = field->last_us;
    else if (field->key == SCRIP_F_END)
        row->end_us = field->last_us;
    else {
        if (field->written_size == 0)
            field->written_size = (size_t)host->time_write(field->last_us, field->written, sizeof field->written);
        *out = (struct scrip_field){ field->key, field->name, field->written, field->written_size };
    }
    return ROW_GOOD;
}

/* By its type, which is made before all else. */
static inline int row_is_usage(const struct csv *self)
{
    static const char usage[] = "scrip.usage";

    return self->fields[0].size == sizeof usage - 1 && memcmp(self->fields[0].text, usage, sizeof usage - 1) == 0;
}

static inline enum row_fate number_make(struct csv *self, const struct csv_field *field, const struct csv_cell *cell,
                                        struct scrip_field *out)
{
    struct csv_slice text = csv_trim(cell->text, cell->size);
    char *made;
    size_t size;

    if (self->map.point != '.' || self->map.is_loose) {
        if ((made = scratch_take(self, CSV_NUMBER_SIZE)) == NULL ||
            !csv_number(text.text, text.size, self->map.point, self->map.is_loose, made, &size))
            return row_fault(self, field->column.shown, cell->text, cell->size,
                             self->map.is_loose ? "is not a number with the decimal mark of `decimal`"
                                                : "is not a number with a decimal comma: see `decimal`, `amounts`");
        text = (struct csv_slice){ made, size };
    }
    if (self->map.is_flipped && field->key == SCRIP_F_AMOUNT && !row_is_usage(self)) {
        if (text.size >= CSV_NUMBER_SIZE || (made = scratch_take(self, CSV_NUMBER_SIZE)) == NULL)
            return row_fault(self, field->column.shown, cell->text, cell->size, "is too long for a number");
        text.size = csv_flip(text.text, text.size, made);
        text.text = made;
    }
    out->text = text.text;
    out->size = text.size;
    return ROW_GOOD;
}

static inline enum row_fate list_make(struct csv *self, const struct csv_field *field, const struct csv_cell *cell,
                                      struct scrip_field *out)
{
    char *made;

    if (cell->size > LIST_SIZE || (made = scratch_take(self, cell->size)) == NULL)
        return row_fault(self, field->column.shown, cell->text, cell->size, "is longer than 65536 bytes");
    out->size = csv_list(cell->text, cell->size, self->map.list_mark, made);
    out->text = made;
    return ROW_GOOD;
}

static inline enum row_fate type_make(struct csv *self, const struct csv_cell *cell, struct scrip_field *out)
{
    for (size_t i = 0; i < self->map.type_count; i++) {
        const struct csv_type *type = &self->map.types[i];

        if (strlen(type->text) == cell->size && memcmp(type->text, cell->text, cell->size) == 0) {
            out->text = type->type[0];
            out->size = strlen(type->type[0]);
            return ROW_GOOD;
        }
    }
    if (self->map.type_count)
        return row_fault(self, self->map.type_field->column.shown, cell->text, cell->size,
                         "is no event type: add type.map.TEXT = scrip.TYPE for this text");
    return ROW_GOOD;
}

/* One mapped field from its cell; an empty cell gives none. */
static inline enum row_fate field_make(struct csv *self, struct csv_field *field, struct scrip_field *out,
                                       struct scrip_row *row)
{
    const struct csv_cell *cell = cell_text(self, field->column.cell);

    *out = (struct scrip_field){ field->key, field->name, cell->text, cell->size };
    if (cell->size == 0)
        return field->key == SCRIP_F_TYPE ? row_fault(self, field->column.shown, "", 0, "gives no event type")
                                          : ROW_GOOD;
    if (field->reads == 'T') {
        out->size = 0;
        return time_make(self, field, cell, out, row);
    }
    if (field->reads == 'D')
        return number_make(self, field, cell, out);
    if (field->reads == 'L')
        return list_make(self, field, cell, out);
    return field->key == SCRIP_F_TYPE ? type_make(self, cell, out) : ROW_GOOD;
}

/* ---- ids ------------------------------------------------------------------------------------ */

static inline void id_set(struct scrip_field *out, const char *text, size_t size)
{
    *out = (struct scrip_field){ SCRIP_F_ID, NULL, text, size };
}

/* YYYYMMDD-HASH, and the ordinal from 2 on. Ids of later days are greater, which a store likes. */
static inline enum row_fate id_from_row(struct csv *self, const struct scrip_row *row, const struct csv_shape *shape,
                                        struct scrip_field *out)
{
    uint64_t hash = self->ctx->host->hash(row->bytes, shape->content);
    int64_t day = INT64_MIN;
    size_t size = 25;
    uint32_t count;

    if (row->time_us != SCRIP_TIME_NONE)
        day = row->time_us / SCRIP_DAY - (row->time_us % SCRIP_DAY < 0);
    if (!csv_seen_day(&self->seen, day))
        return ROW_AGAIN;
    if ((count = csv_seen_add(&self->seen, hash)) == 0) {
        scrip_fail(self->ctx, SCRIP_ELIMIT,
                   "%s: too many different rows to tell equal ones apart: name columns with `identity`",
                   self->feed.name);
        return ROW_FAILED;
    }
    if (day == INT64_MIN)
        memset(self->id, '0', 8);
    else if (day != self->id_day)
        csv_day_write(day, self->id);
    self->id_day = day;
    self->id[8] = '-';
    csv_hex(hash, self->id + 9);
    if (count > 1)
        size += (size_t)snprintf(self->id + size, sizeof self->id - size, "-%u", count);
    id_set(out, self->id, size);
    return ROW_GOOD;
}

/* The columns' texts, split by '|'. */
static inline enum row_fate id_from_columns(struct csv *self, struct scrip_field *out)
{
    size_t used = self->scratch_used, size = 0;
    char *text = self->scratch + used;

    for (size_t i = 0; i < self->map.id_column_count; i++) {
        size_t cell_index = self->map.id_columns[i].cell;
        const struct csv_cell *cell = cell_index == CSV_NONE ? NULL : cell_text(self, cell_index);

        if (SCRATCH_SIZE - self->scratch_used < size + 3 * (cell ? cell->size : 0) + 1)
            return row_fault(self, "identity", "", 0, "its columns are too long together");
        /* Undoing quotes may have taken what is behind the text: it moves. */
        if (self->scratch + self->scratch_used != text) {
            memmove(self->scratch + self->scratch_used, text, size);
            text = self->scratch + self->scratch_used;
        }
        if (i > 0)
            text[size++] = '|';
        if (cell != NULL)
            size += csv_escape(cell->text, cell->size, text + size);
    }
    if (size + 1 == self->map.id_column_count)
        return row_fault(self, "identity", "", 0, "all of its columns are empty");
    if (size > SCRIP_NAME_SIZE) {
        size_t kept = csv_cut(text, SCRIP_NAME_SIZE - 17);

        csv_hex(self->ctx->host->hash(text, size), self->id + kept + 1);
        memcpy(self->id, text, kept);
        self->id[kept] = '~';
        text = self->id;
        size = kept + 17;
        self->id_day = INT64_MIN;
    }
    id_set(out, text, size);
    return ROW_GOOD;
}

static inline enum row_fate id_make(struct csv *self, const struct scrip_row *row, const struct csv_shape *shape,
                                    struct scrip_field *out)
{
    const struct csv_cell *cell;

    if (self->identity == CSV_ID_ROW)
        return id_from_row(self, row, shape, out);
    if (self->identity == CSV_ID_COLUMNS)
        return id_from_columns(self, out);
    cell = cell_text(self, self->map.id_field->column.cell);
    id_set(out, cell->text, cell->size);
    return ROW_GOOD;
}

/* ---- a row from end to end ------------------------------------------------------------------ */

/* Fields: type, id, the constants, the mapped ones. */
static inline enum row_fate row_make(struct csv *self, struct scrip_row *row, const struct csv_shape *shape)
{
    struct csv_map *map = &self->map;
    struct scrip_field *fields = self->fields, *next = fields + 2 + map->constant_count;
    enum row_fate fate;
    size_t count;

    self->scratch_used = 0;
    if (self->reason[0])
        return ROW_BAD;
    if (self->cells[0].size == 0 && row_is_empty(self, shape->cell_count))
        return ROW_FILTERED;
    if ((fate = row_check(self, row, shape)) != ROW_GOOD || (fate = row_filter(self)) != ROW_GOOD)
        return fate;
    row->time_us = map->time_us;
    row->end_us = map->end_us;
    fields[0] = (struct scrip_field){ SCRIP_F_TYPE, NULL, map->type, strlen(map->type) };
    for (size_t i = 0; i < map->field_count; i++) {
        struct csv_field *field = &map->fields[i];

        if (field->column.cell == CSV_NONE || field == map->id_field)
            continue;
        if ((fate = field_make(self, field, field == map->type_field ? fields : next, row)) != ROW_GOOD)
            return fate;
        next += field != map->type_field && next->size > 0;
    }
    count = (size_t)(next - fields);
    if (!order_fill(self, row, fields, &count))
        return ROW_BAD;
    row->fields = fields;
    row->field_count = count;
    return id_make(self, row, shape, &fields[1]);
}

#endif
