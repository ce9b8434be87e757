/* csv_make.h - cells into an event, as the section's map says: filters, fields, id. Where the cells come from is the
 * source's own: rows of CSV, members of JSON, columns of a database.
 */
#ifndef SCRIP_CSV_MAKE_H
#define SCRIP_CSV_MAKE_H

#include "csv_maker.h"
#include "csv_order.h"

#define CSV_LIST_SIZE 65536 /* of a list's text: the host's limit */

enum csv_fate { CSV_GOOD, CSV_FILTERED, CSV_BAD, CSV_AGAIN, CSV_FAILED };

static inline enum csv_fate csv_row_fault(struct csv_maker *self, const char *key, const char *text, size_t size,
                                          const char *wanted)
{
    int shown = (int)csv_cut(text, size < 80 ? size : 80);

    snprintf(self->reason, sizeof self->reason, "%s: '%.*s'%s %s", key, shown, text, size > 80 ? "..." : "", wanted);
    return CSV_BAD;
}

static inline enum csv_fate csv_row_filter(struct csv_maker *self)
{
    for (size_t i = 0; i < self->map.filter_count; i++) {
        const struct csv_filter *filter = &self->map.filters[i];
        const struct csv_cell *cell = csv_cell_text(self, filter->column.cell);
        int is_there = 0;

        for (char **value = filter->values; *value != NULL && !is_there; value++)
            is_there = strlen(*value) == cell->size && memcmp(*value, cell->text, cell->size) == 0;
        if (is_there == filter->is_skip)
            return CSV_FILTERED;
    }
    return CSV_GOOD;
}

static inline enum csv_fate csv_time_make(struct csv_maker *self, struct csv_field *field, const struct csv_cell *cell,
                                          struct scrip_field *out, struct scrip_row *row)
{
    const struct scrip_host *host = self->ctx->host;

    if (cell->size != field->last_size || memcmp(cell->text, field->last, cell->size) != 0) {
        struct csv_slice text = csv_trim(cell->text, cell->size);

        field->last_size = 0;
        if (host->time_parse(text.text, text.size, self->map.format, self->map.zone, &field->last_us) < 0)
            return csv_row_fault(self, field->column.shown, cell->text, cell->size,
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
    return CSV_GOOD;
}

/* By its type, which is made before all else. */
static inline int csv_row_is_usage(const struct csv_maker *self)
{
    static const char usage[] = "scrip.usage";

    return self->fields[0].size == sizeof usage - 1 && memcmp(self->fields[0].text, usage, sizeof usage - 1) == 0;
}

static inline enum csv_fate csv_number_make(struct csv_maker *self, const struct csv_field *field,
                                            const struct csv_cell *cell, struct scrip_field *out)
{
    struct csv_slice text = csv_trim(cell->text, cell->size);
    char *made;
    size_t size;

    if (self->map.point != '.' || self->map.is_loose) {
        if ((made = csv_scratch(self, CSV_NUMBER_SIZE)) == NULL ||
            !csv_number(text.text, text.size, self->map.point, self->map.is_loose, made, &size))
            return csv_row_fault(self, field->column.shown, cell->text, cell->size,
                                 self->map.is_loose ? "is not a number with the decimal mark of `decimal`"
                                                    : "is not a number with a decimal comma: see `decimal`, `amounts`");
        text = (struct csv_slice){ made, size };
    }
    if (self->map.is_flipped && field->key == SCRIP_F_AMOUNT && !csv_row_is_usage(self)) {
        if (text.size >= CSV_NUMBER_SIZE || (made = csv_scratch(self, CSV_NUMBER_SIZE)) == NULL)
            return csv_row_fault(self, field->column.shown, cell->text, cell->size, "is too long for a number");
        text.size = csv_flip(text.text, text.size, made);
        text.text = made;
    }
    out->text = text.text;
    out->size = text.size;
    return CSV_GOOD;
}

static inline enum csv_fate csv_list_make(struct csv_maker *self, const struct csv_field *field,
                                          const struct csv_cell *cell, struct scrip_field *out)
{
    char *made;

    if (cell->size > CSV_LIST_SIZE || (made = csv_scratch(self, cell->size)) == NULL)
        return csv_row_fault(self, field->column.shown, cell->text, cell->size, "is longer than 65536 bytes");
    out->size = csv_list(cell->text, cell->size, self->map.list_mark, made);
    out->text = made;
    return CSV_GOOD;
}

static inline enum csv_fate csv_type_make(struct csv_maker *self, const struct csv_cell *cell, struct scrip_field *out)
{
    for (size_t i = 0; i < self->map.type_count; i++) {
        const struct csv_type *type = &self->map.types[i];

        if (strlen(type->text) == cell->size && memcmp(type->text, cell->text, cell->size) == 0) {
            out->text = type->type[0];
            out->size = strlen(type->type[0]);
            return CSV_GOOD;
        }
    }
    if (self->map.type_count)
        return csv_row_fault(self, self->map.type_field->column.shown, cell->text, cell->size,
                             "is no event type: add type.map.TEXT = scrip.TYPE for this text");
    return CSV_GOOD;
}

/* One mapped field from its cell; an empty cell gives none. */
static inline enum csv_fate csv_field_make(struct csv_maker *self, struct csv_field *field, struct scrip_field *out,
                                           struct scrip_row *row)
{
    const struct csv_cell *cell = csv_cell_text(self, field->column.cell);

    *out = (struct scrip_field){ field->key, field->name, cell->text, cell->size };
    if (cell->size == 0)
        return field->key == SCRIP_F_TYPE ? csv_row_fault(self, field->column.shown, "", 0, "gives no event type")
                                          : CSV_GOOD;
    if (field->reads == 'T') {
        out->size = 0;
        return csv_time_make(self, field, cell, out, row);
    }
    if (field->reads == 'D')
        return csv_number_make(self, field, cell, out);
    if (field->reads == 'L')
        return csv_list_make(self, field, cell, out);
    return field->key == SCRIP_F_TYPE ? csv_type_make(self, cell, out) : CSV_GOOD;
}

/* ---- ids ------------------------------------------------------------------------------------ */

static inline void csv_id_set(struct scrip_field *out, const char *text, size_t size)
{
    *out = (struct scrip_field){ SCRIP_F_ID, NULL, text, size };
}

/* YYYYMMDD-HASH, and the ordinal from 2 on. Ids of later days are greater, which a store likes. */
static inline enum csv_fate csv_id_from_row(struct csv_maker *self, const struct scrip_row *row, size_t content,
                                            struct scrip_field *out)
{
    uint64_t hash = self->ctx->host->hash(row->bytes, content);
    int64_t day = INT64_MIN;
    size_t size = 25;
    uint32_t count;

    if (row->time_us != SCRIP_TIME_NONE)
        day = row->time_us / SCRIP_DAY - (row->time_us % SCRIP_DAY < 0);
    if (!csv_seen_day(&self->seen, day))
        return CSV_AGAIN;
    if ((count = csv_seen_add(&self->seen, hash)) == 0) {
        scrip_fail(self->ctx, SCRIP_ELIMIT,
                   "%s: too many different rows to tell equal ones apart: name columns with `identity`", self->feed);
        return CSV_FAILED;
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
    csv_id_set(out, self->id, size);
    return CSV_GOOD;
}

/* The columns' texts, split by '|'. */
static inline enum csv_fate csv_id_from_columns(struct csv_maker *self, struct scrip_field *out)
{
    size_t used = self->scratch_used, size = 0;
    char *text = self->scratch + used;

    for (size_t i = 0; i < self->map.id_column_count; i++) {
        size_t cell_index = self->map.id_columns[i].cell;
        const struct csv_cell *cell = cell_index == CSV_NONE ? NULL : csv_cell_text(self, cell_index);

        if (CSV_SCRATCH_SIZE - self->scratch_used < size + 3 * (cell ? cell->size : 0) + 1)
            return csv_row_fault(self, "identity", "", 0, "its columns are too long together");
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
        return csv_row_fault(self, "identity", "", 0, "all of its columns are empty");
    if (size > SCRIP_NAME_SIZE) {
        size_t kept = csv_cut(text, SCRIP_NAME_SIZE - 17);

        csv_hex(self->ctx->host->hash(text, size), self->id + kept + 1);
        memcpy(self->id, text, kept);
        self->id[kept] = '~';
        text = self->id;
        size = kept + 17;
        self->id_day = INT64_MIN;
    }
    csv_id_set(out, text, size);
    return CSV_GOOD;
}

static inline enum csv_fate csv_id_make(struct csv_maker *self, const struct scrip_row *row, size_t content,
                                        struct scrip_field *out)
{
    const struct csv_cell *cell;

    if (self->identity == CSV_ID_ROW)
        return csv_id_from_row(self, row, content, out);
    if (self->identity == CSV_ID_GIVEN) {
        csv_id_set(out, self->id, self->id_size);
        return CSV_GOOD;
    }
    if (self->identity == CSV_ID_COLUMNS)
        return csv_id_from_columns(self, out);
    cell = csv_cell_text(self, self->map.id_field->column.cell);
    csv_id_set(out, cell->text, cell->size);
    return CSV_GOOD;
}

/* ---- a row from end to end ------------------------------------------------------------------ */

/* Usage of an amount below 0 gives that back. */
static inline void csv_refund_make(struct csv_maker *self, struct scrip_field *first, const struct scrip_field *end)
{
    static const char adjustment[] = "scrip.adjustment";

    for (struct scrip_field *field = first; field < end; field++)
        if (field->key == SCRIP_F_AMOUNT && field->text[0] == '-') {
            self->fields[0] = (struct scrip_field){ SCRIP_F_TYPE, NULL, adjustment, sizeof adjustment - 1 };
            field->text++;
            field->size--;
        }
}

/* The row's cells into its fields: type, id, the constants, the mapped ones. content: bytes of the row that count for
 * an id made of them. */
static inline enum csv_fate csv_row_make(struct csv_maker *self, struct scrip_row *row, size_t content)
{
    struct csv_map *map = &self->map;
    struct scrip_field *fields = self->fields, *next = fields + 2 + map->constant_count;
    enum csv_fate fate;
    size_t count;

    self->scratch_used = 0;
    if (self->reason[0])
        return CSV_BAD;
    if ((fate = csv_row_filter(self)) != CSV_GOOD)
        return fate;
    row->time_us = map->time_us;
    row->end_us = map->end_us;
    fields[0] = (struct scrip_field){ SCRIP_F_TYPE, NULL, map->type, strlen(map->type) };
    for (size_t i = 0; i < map->field_count; i++) {
        struct csv_field *field = &map->fields[i];

        if (field->column.cell == CSV_NONE || field == map->id_field)
            continue;
        if ((fate = csv_field_make(self, field, field == map->type_field ? fields : next, row)) != CSV_GOOD)
            return fate;
        next += field != map->type_field && next->size > 0;
    }
    if (map->is_refunding && csv_row_is_usage(self))
        csv_refund_make(self, fields + 2 + map->constant_count, next);
    count = (size_t)(next - fields);
    if (!csv_order_fill(self, row, fields, &count))
        return CSV_BAD;
    row->fields = fields;
    row->field_count = count;
    return csv_id_make(self, row, content, &fields[1]);
}

static inline int csv_row_give(struct csv_maker *self, struct scrip_rows *out, struct scrip_row *row,
                               enum csv_fate fate)
{
    const struct scrip_host *host = self->ctx->host;

    if (self->position)
        row->position = self->position;
    if (fate == CSV_GOOD)
        return host->row_add(self->ctx, out, row);
    return fate == CSV_FILTERED ? host->row_skip(self->ctx, out, row)
                                : host->row_bad(self->ctx, out, row, "%s", self->reason);
}

#endif
