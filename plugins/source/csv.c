/* csv.c - the source `csv`: rows of CSV files into events, as the section's map says.
 *
 *   row_find: the next row's cells -> row_make: filters, fields, id -> row_give: to the host
 *
 * A row that cannot be taken apart goes to quarantine as the line that it begins with, and reading goes on with the
 * line behind it: a stray quote costs its line, not the rest of the file.
 *
 * Equal rows are told apart by their ordinals among those before them. So where reading goes on in the middle of a feed
 * whose ids come from rows, the part before is read too, quietly.
 */
#include <scrip/plugin.h>

#include "csv_map.h"
#include "csv_row.h"
#include "csv_seen.h"
#include "csv_value.h"
#include "feed.h"

#define SCRATCH_SIZE ((size_t)4 * SCRIP_ROW_SIZE)
#define LIST_SIZE 65536 /* of a list's text: the host's limit */

struct csv {
    struct scrip_ctx *ctx;
    struct csv_map map;
    unsigned char classes[256];
    struct csv_cell cells[CSV_COLUMN_LIMIT];
    /* Of the feed at hand: */
    struct feed feed;
    struct csv_kept *kept;
    struct csv_header header;
    uint64_t first_position, first_line; /* where rows begin */
    int identity;
    uint64_t quiet_until; /* rows before this position were given in an earlier run */
    uint64_t start;       /* of the row at hand */
    int is_done;
    struct csv_seen seen;
    int64_t id_day; /* the day written at the begin of id */
    char id[SCRIP_NAME_SIZE + 1];
    char *scratch; /* SCRATCH_SIZE bytes for the row at hand */
    size_t scratch_used;
    struct scrip_field fields[CSV_FIELD_LIMIT + 2];
    char reason[SCRIP_MESSAGE_SIZE];
};

static const struct scrip_option options[] = {
    FEED_OPTIONS,
    { "map.*", SCRIP_OPTION_TEXT, NULL, NULL, 0,
      "map.FIELD = COLUMN, COLUMN: the first that the header has; a last `?`: may be missing" },
    { "const.*", SCRIP_OPTION_TEXT, NULL, NULL, 0, "const.FIELD = TEXT: the same in every row" },
    { "type", SCRIP_OPTION_NAME, "scrip.usage", NULL, 0, "event type of rows where no column gives it" },
    { "type.map.*", SCRIP_OPTION_TEXT, NULL, NULL, 0,
      "type.map.TEXT = TYPE: event type of rows with this text in the column of map.type" },
    { "delimiter", SCRIP_OPTION_CHOICE, "comma", "comma,semicolon,tab", 0, "what stands between cells" },
    { "header", SCRIP_OPTION_LIST, NULL, NULL, 0, "names of the columns, for files without a header" },
    { "decimal", SCRIP_OPTION_CHOICE, "point", "point,comma", 0, "decimal mark of numbers" },
    { "amounts", SCRIP_OPTION_CHOICE, "strict", "strict,loose", 0,
      "loose: takes $1,234.50 and (12.00) too" },
    { "sign", SCRIP_OPTION_CHOICE, "keep", "keep,flip", 0,
      "flip: `amount` with the other sign: what a feed gives as consumed, as an adjustment" },
    { "time", SCRIP_OPTION_TEXT, NULL, NULL, 0,
      "pattern of times such as %d.%m.%Y %H:%M; absent: RFC 3339 or a date" },
    { "zone", SCRIP_OPTION_ZONE, "UTC", NULL, 0, "zone of times that name none" },
    { "list", SCRIP_OPTION_CHOICE, "semicolon", "semicolon,comma,bar", 0,
      "what stands between names in a cell of a scope" },
    { "identity", SCRIP_OPTION_LIST, NULL, NULL, 0,
      "columns that make a row's id, or `row`; absent: map.id, else `row`" },
    { "filter.*", SCRIP_OPTION_TEXT, NULL, NULL, 0, "filter.COLUMN = TEXT, TEXT: only rows with one of these" },
    { "skip.*", SCRIP_OPTION_TEXT, NULL, NULL, 0, "skip.COLUMN = TEXT, TEXT: no rows with one of these" },
    SCRIP_OPTIONS_END,
};

/* ---- instances ------------------------------------------------------------------------------ */

static int source_open(struct scrip_ctx *ctx)
{
    struct csv *self = calloc(1, sizeof *self);

    ctx->self = self;
    if (self == NULL || (self->scratch = malloc(SCRATCH_SIZE)) == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "csv: no memory");
    self->ctx = ctx;
    if (csv_map_read(&self->map, ctx) < 0)
        return SCRIP_EINVALID;
    csv_classes(self->classes, self->map.delimiter);
    return SCRIP_OK;
}

static void source_feed_close(struct scrip_ctx *ctx)
{
    struct csv *self = ctx->self;

    feed_stop(&self->feed);
    csv_release(&self->kept);
    free(self->seen.slots);
    memset(&self->seen, 0, sizeof self->seen);
}

static void source_close(struct scrip_ctx *ctx)
{
    struct csv *self = ctx->self;

    if (self == NULL)
        return;
    source_feed_close(ctx);
    feed_free(&self->feed);
    csv_release(&self->map.kept);
    free(self->scratch);
    free(self);
    ctx->self = NULL;
}

/* ---- rows found ----------------------------------------------------------------------------- */

/* The line that the row at hand begins with, as a row that cannot be read. */
static int row_spoil(struct csv *self, struct scrip_row *row, const struct csv_shape *shape, uint64_t line)
{
    int code = feed_line(&self->feed, row);

    if (code == 2 || shape->fault == NULL)
        snprintf(self->reason, sizeof self->reason, "line %llu: longer than %d bytes: mend or split it",
                 (unsigned long long)row->line, SCRIP_ROW_SIZE);
    else
        snprintf(self->reason, sizeof self->reason, "line %llu, cell %zu: %s", (unsigned long long)line,
                 shape->cell_count, shape->fault);
    return code < 0 ? code : 1;
}

/* Lines with nothing in them are no rows. 1: there is a byte that begins one; 0: the end. */
static int blank_skip(struct csv *self)
{
    struct feed *feed = &self->feed;

    for (;;) {
        size_t held = feed_held(feed);
        const char *at = feed_at(feed);
        int code;

        if (held > 0 && *at == '\n') {
            feed_take(feed, 1, 1);
        } else if (held > 1 && *at == '\r' && at[1] == '\n') {
            feed_take(feed, 2, 1);
        } else if (held > 1 || (held == 1 && *at != '\r')) {
            return 1;
        } else if (feed->at_end) {
            feed_take(feed, held, 0);
            return 0;
        } else if ((code = feed_fill(feed)) < 0) {
            return code;
        }
    }
}

/* Takes the next row: its cells, and in *row where it is. 1: a row; 0: the end; self->reason is not empty where it
 * could not be taken apart. What a row is must not depend on how much of the feed is in the buffer: no row may be
 * longer than SCRIP_ROW_SIZE, so no more is looked at. */
static int row_find(struct csv *self, struct scrip_row *row, struct csv_shape *shape)
{
    struct feed *feed = &self->feed;
    int code = blank_skip(self);

    self->reason[0] = 0;
    self->start = feed->position;
    if (code <= 0)
        return code;
    for (;;) {
        size_t held = feed_held(feed), seen = held < SCRIP_ROW_SIZE ? held : SCRIP_ROW_SIZE;
        char *end = feed->buffer + feed->start + seen, behind = *end;
        enum csv_end found;

        *end = '\n';
        found = csv_parse(self->classes, feed_at(feed), end, feed->at_end && seen == held, self->cells, shape);
        *end = behind;
        if (found == CSV_ROW)
            break;
        if (found == CSV_FAULT || held > SCRIP_ROW_SIZE)
            return row_spoil(self, row, shape, feed->line + shape->lines);
        if ((code = feed_fill(feed)) < 0)
            return code;
    }
    row->bytes = feed_at(feed);
    row->size = shape->size;
    row->line = feed->line;
    feed_take(feed, shape->size, shape->lines);
    row->position = feed->position;
    return 1;
}

static char *scratch_take(struct csv *self, size_t size)
{
    char *out = self->scratch + self->scratch_used;

    if (SCRATCH_SIZE - self->scratch_used < size)
        return NULL;
    self->scratch_used += size;
    return out;
}

/* A cell's text, its quotes undone. Their sum is less than the row, so there is room. */
static const struct csv_cell *cell_text(struct csv *self, size_t index)
{
    struct csv_cell *cell = &self->cells[index];

    if (cell->is_escaped) {
        char *out = scratch_take(self, cell->size);

        if (out == NULL)
            return NULL;
        cell->size = (uint32_t)csv_unescape(cell, out);
        cell->text = out;
        cell->is_escaped = 0;
    }
    return cell;
}

/* ---- rows made ------------------------------------------------------------------------------ */

enum row_fate { ROW_GOOD, ROW_FILTERED, ROW_BAD, ROW_AGAIN, ROW_FAILED };

static enum row_fate row_fault(struct csv *self, const char *key, const char *text, size_t size, const char *wanted)
{
    int shown = (int)csv_cut(text, size < 80 ? size : 80);

    snprintf(self->reason, sizeof self->reason, "%s: '%.*s'%s %s", key, shown, text, size > 80 ? "..." : "", wanted);
    return ROW_BAD;
}

/* As many cells as the header has; a last one may be there for nothing: some programs end each line with a delimiter.
 */
static enum row_fate row_check(struct csv *self, const struct scrip_row *row, const struct csv_shape *shape)
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

static enum row_fate row_filter(struct csv *self)
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

static enum row_fate time_make(struct csv *self, struct csv_field *field, const struct csv_cell *cell,
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

static enum row_fate number_make(struct csv *self, const struct csv_field *field, const struct csv_cell *cell,
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
    if (self->map.is_flipped && field->key == SCRIP_F_AMOUNT) {
        if (text.size >= CSV_NUMBER_SIZE || (made = scratch_take(self, CSV_NUMBER_SIZE)) == NULL)
            return row_fault(self, field->column.shown, cell->text, cell->size, "is too long for a number");
        text.size = csv_flip(text.text, text.size, made);
        text.text = made;
    }
    out->text = text.text;
    out->size = text.size;
    return ROW_GOOD;
}

static enum row_fate list_make(struct csv *self, const struct csv_field *field, const struct csv_cell *cell,
                               struct scrip_field *out)
{
    char *made;

    if (cell->size > LIST_SIZE || (made = scratch_take(self, cell->size)) == NULL)
        return row_fault(self, field->column.shown, cell->text, cell->size, "is longer than 65536 bytes");
    out->size = csv_list(cell->text, cell->size, self->map.list_mark, made);
    out->text = made;
    return ROW_GOOD;
}

static enum row_fate type_make(struct csv *self, const struct csv_cell *cell, struct scrip_field *out)
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
static enum row_fate field_make(struct csv *self, struct csv_field *field, struct scrip_field *out,
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

static void id_set(struct scrip_field *out, const char *text, size_t size)
{
    *out = (struct scrip_field){ SCRIP_F_ID, NULL, text, size };
}

/* YYYYMMDD-HASH, and the ordinal from 2 on. Ids of later days are greater, which a store likes. */
static enum row_fate id_from_row(struct csv *self, const struct scrip_row *row, const struct csv_shape *shape,
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
static enum row_fate id_from_columns(struct csv *self, struct scrip_field *out)
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

static enum row_fate id_make(struct csv *self, const struct scrip_row *row, const struct csv_shape *shape,
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
static enum row_fate row_make(struct csv *self, struct scrip_row *row, const struct csv_shape *shape)
{
    struct csv_map *map = &self->map;
    struct scrip_field *fields = self->fields, *next = fields + 2 + map->constant_count;
    enum row_fate fate;

    self->scratch_used = 0;
    if (self->reason[0])
        return ROW_BAD;
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
    row->fields = fields;
    row->field_count = (uint64_t)(next - fields);
    return id_make(self, row, shape, &fields[1]);
}

/* The part before the row at hand is read again, to count in all of it what is equal. */
static int rows_recount(struct csv *self, uint64_t until)
{
    csv_seen_start(&self->seen, 1);
    if (self->quiet_until < until)
        self->quiet_until = until;
    return feed_seek(&self->feed, self->first_position, self->first_line);
}

static int row_give(struct csv *self, struct scrip_rows *out, const struct scrip_row *row, enum row_fate fate)
{
    const struct scrip_host *host = self->ctx->host;

    if (fate == ROW_GOOD)
        return host->row_add(self->ctx, out, row);
    return fate == ROW_FILTERED ? host->row_skip(self->ctx, out, row)
                                : host->row_bad(self->ctx, out, row, "%s", self->reason);
}

static int source_read(struct scrip_ctx *ctx, struct scrip_rows *out, uint64_t limit)
{
    struct csv *self = ctx->self;

    for (uint64_t n = 0; n < limit && !self->is_done;) {
        struct scrip_row row = { .time_us = SCRIP_TIME_NONE, .end_us = SCRIP_TIME_NONE };
        struct csv_shape shape;
        enum row_fate fate;
        int code = row_find(self, &row, &shape);

        if (code <= 0)
            return code;
        fate = row_make(self, &row, &shape);
        if (fate == ROW_FAILED)
            return SCRIP_ELIMIT;
        if (fate == ROW_AGAIN) {
            code = rows_recount(self, self->start);
        } else if (self->start >= self->quiet_until) {
            code = row_give(self, out, &row, fate);
            n++;
        } else if (row.position > self->quiet_until) {
            /* No row ends where the cursor stands: this is another feed than it was. */
            ctx->host->log(ctx, "%s: changed since it was last read: it is read from its start again",
                           self->feed.name);
            self->quiet_until = 0;
            csv_seen_start(&self->seen, 0);
            code = feed_seek(&self->feed, self->first_position, self->first_line);
        }
        if (code < 0)
            return code;
    }
    return !self->is_done;
}

/* ---- feeds ---------------------------------------------------------------------------------- */

/* Names of columns, copied: the cells are in a buffer that moves on. */
static int header_keep(struct csv *self, const struct csv_cell *cells, size_t count, struct csv_kept **kept,
                       struct csv_header *out)
{
    out->count = count;
    out->names = csv_keep(kept, count * sizeof *out->names);
    if (out->names == NULL)
        return csv_memory_fault(self->ctx);
    for (size_t i = 0; i < count; i++) {
        char *text = csv_keep(kept, cells[i].size + 1);

        if (text == NULL)
            return csv_memory_fault(self->ctx);
        if (cells[i].is_escaped)
            out->names[i] = csv_trim(text, csv_unescape(&cells[i], text));
        else
            out->names[i] = csv_trim(memcpy(text, cells[i].text, cells[i].size), cells[i].size);
    }
    return SCRIP_OK;
}

/* The names from the section: the file has none. */
static int header_from_option(struct csv *self, struct csv_kept **kept, struct csv_header *out)
{
    const char *item;
    size_t count = 0;

    for (; (item = self->ctx->host->option_item(self->ctx, "header", count)) != NULL; count++) {
        if (count == CSV_COLUMN_LIMIT)
            return scrip_fail(self->ctx, SCRIP_ELIMIT, "header: more than %d columns", CSV_COLUMN_LIMIT);
        self->cells[count] = (struct csv_cell){ item, (uint32_t)strlen(item), 0 };
    }
    return header_keep(self, self->cells, count, kept, out);
}

static int header_fault(struct csv *self, const struct scrip_row *row, const char *what)
{
    return scrip_fail(self->ctx, SCRIP_EINVALID, "%s:%llu: header: %s", self->feed.name,
                      (unsigned long long)row->line, what);
}

/* Reads the header of the file. 1: it is there; 0: there is nothing at all. */
static int header_read(struct csv *self)
{
    struct scrip_row row = { 0 };
    struct csv_shape shape;
    int code = feed_mark_skip(&self->feed);

    if (code < 0)
        return code;
    if (self->ctx->host->option_item(self->ctx, "header", 0) != NULL)
        return (code = header_from_option(self, &self->kept, &self->header)) < 0 ? code : 1;
    if ((code = row_find(self, &row, &shape)) < 0)
        return code;
    if (code == 0) {
        self->ctx->host->log(self->ctx, "%s: empty: it has no header yet", self->feed.name);
        self->is_done = 1;
        return 0;
    }
    if (self->reason[0])
        return header_fault(self, &row, self->reason);
    if (shape.has_nul || (shape.has_high && !csv_is_utf8(row.bytes, row.size)))
        return header_fault(self, &row, "is not UTF-8: save the file as UTF-8");
    if (shape.cell_count > CSV_COLUMN_LIMIT)
        return header_fault(self, &row, "more than 1024 columns");
    code = header_keep(self, self->cells, shape.cell_count, &self->kept, &self->header);
    return code < 0 ? code : 1;
}

static void feed_state_clear(struct csv *self)
{
    csv_release(&self->kept);
    memset(&self->header, 0, sizeof self->header);
    self->quiet_until = 0;
    self->is_done = 0;
    self->id_day = INT64_MIN;
    for (size_t i = 0; i < self->map.field_count; i++)
        self->map.fields[i].last_size = 0;
}

/* On where the cursor says. Ids from rows need the part before, but only where something comes behind it. */
static int cursor_follow(struct csv *self, const struct scrip_cursor *from)
{
    struct scrip_cursor at;
    char byte;
    int64_t more;
    int code = feed_resume(&self->feed, from, self->first_position, &at);

    if (code < 0)
        return code;
    if (code == 0)
        return feed_seek(&self->feed, self->first_position, self->first_line);
    if (self->identity != CSV_ID_ROW)
        return feed_seek(&self->feed, at.position, at.line);
    if ((more = feed_peek(&self->feed, at.position, &byte, 1)) < 0)
        return (int)more;
    self->is_done = more == 0;
    self->quiet_until = at.position;
    return feed_seek(&self->feed, self->first_position, self->first_line);
}

static int source_feed_open(struct scrip_ctx *ctx, const char *name, const struct scrip_cursor *from)
{
    struct csv *self = ctx->self;
    int code;

    feed_state_clear(self);
    if ((code = feed_start(&self->feed, ctx, name)) < 0 || (code = header_read(self)) <= 0 ||
        (code = csv_columns_find(&self->map, &self->header, name)) < 0)
        return code;
    self->first_position = self->feed.position;
    self->first_line = self->feed.line;
    self->identity = self->map.identity;
    if (self->identity == CSV_ID_FIELD && self->map.id_field->column.cell == CSV_NONE)
        self->identity = CSV_ID_ROW;
    for (size_t i = 0; i < self->map.constant_count; i++)
        self->fields[2 + i] = self->map.constants[i];
    csv_seen_start(&self->seen, self->feed.is_stream);
    return from->position == 0 || self->feed.is_stream ? SCRIP_OK : cursor_follow(self, from);
}

/* 1: the first line has every column that the map needs. */
static int source_claims(struct scrip_ctx *ctx, const char *feed, const char *start, uint64_t start_size)
{
    struct csv *self = ctx->self;
    struct csv_header header;
    struct csv_kept *kept = NULL;
    struct csv_shape shape;
    char *copy;
    int fits = 0;

    (void)feed;
    if (start_size > SCRIP_ROW_SIZE || ctx->host->option_item(ctx, "header", 0) != NULL)
        return 0;
    if (start_size >= 3 && memcmp(start, "\xef\xbb\xbf", 3) == 0) {
        start += 3;
        start_size -= 3;
    }
    while (start_size > 0 && (*start == '\n' || *start == '\r')) {
        start++;
        start_size--;
    }
    copy = csv_keep(&kept, start_size + 1);
    if (copy != NULL && start_size > 0) {
        memcpy(copy, start, start_size);
        copy[start_size] = '\n';
        if (csv_parse(self->classes, copy, copy + start_size, 1, self->cells, &shape) == CSV_ROW &&
            shape.cell_count <= CSV_COLUMN_LIMIT &&
            header_keep(self, self->cells, shape.cell_count, &kept, &header) == SCRIP_OK)
            fits = csv_columns_fit(&self->map, &header);
    }
    csv_release(&kept);
    return fits;
}

SCRIP_SOURCE_PLUGIN("csv", "rows of CSV files, by a map of columns", .options = options, .open = source_open,
                    .close = source_close, .feeds = feed_list, .claims = source_claims,
                    .feed_open = source_feed_open, .read = source_read, .feed_close = source_feed_close);
