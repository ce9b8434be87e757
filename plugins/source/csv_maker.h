/* csv_maker.h - what makes events of cells: the section's map and price sheet, the feed at hand, the row at hand.
 *
 *   csv_maker_open -> csv_maker_start for each feed -> cells filled, csv_row_make -> csv_row_give
 */
#ifndef SCRIP_CSV_MAKER_H
#define SCRIP_CSV_MAKER_H

#include "csv_map.h"
#include "csv_seen.h"
#include "price_sheet.h"

#define CSV_SCRATCH_SIZE ((size_t)4 * SCRIP_ROW_SIZE)
#define CSV_ORDER_FIELDS 8 /* that a price sheet may add */

struct csv_maker {
    struct scrip_ctx *ctx;
    struct csv_map map;
    struct price_sheet prices;
    struct csv_cell cells[CSV_COLUMN_LIMIT]; /* of the row at hand */
    /* Of the feed at hand: */
    const char *feed;  /* its name, for messages */
    uint64_t position; /* where every row of it stands, in a feed that does not count bytes; 0: where the row says */
    struct csv_kept *kept;
    struct csv_header header;
    int identity;
    struct csv_seen seen;
    int64_t id_day; /* the day written at the begin of id */
    char id[SCRIP_NAME_SIZE + 1];
    size_t id_size; /* of an id that the source gives */
    char *scratch;  /* CSV_SCRATCH_SIZE bytes for the row at hand */
    size_t scratch_used;
    struct scrip_field fields[CSV_FIELD_LIMIT + 2 + CSV_ORDER_FIELDS];
    char reason[SCRIP_MESSAGE_SIZE];
};

/* Names of columns, copied: the cells are in a buffer that moves on. */
static inline int csv_header_keep(struct scrip_ctx *ctx, const struct csv_cell *cells, size_t count,
                                  struct csv_kept **kept, struct csv_header *out)
{
    out->count = count;
    out->names = csv_keep(kept, count * sizeof *out->names);
    if (out->names == NULL)
        return csv_memory_fault(ctx);
    for (size_t i = 0; i < count; i++) {
        char *text = csv_keep(kept, cells[i].size + 1);

        if (text == NULL)
            return csv_memory_fault(ctx);
        if (cells[i].is_escaped)
            out->names[i] = csv_trim(text, csv_unescape(&cells[i], text));
        else
            out->names[i] = csv_trim(memcpy(text, cells[i].text, cells[i].size), cells[i].size);
    }
    return SCRIP_OK;
}

static inline int csv_maker_open(struct csv_maker *self, struct scrip_ctx *ctx)
{
    int code;

    self->ctx = ctx;
    if ((self->scratch = malloc(CSV_SCRATCH_SIZE)) == NULL)
        return csv_memory_fault(ctx);
    code = csv_map_read(&self->map, ctx);
    return code < 0 ? code : price_sheet_read(ctx, &self->prices);
}

/* Forgets the feed at hand. */
static inline void csv_maker_stop(struct csv_maker *self)
{
    csv_release(&self->kept);
    memset(&self->header, 0, sizeof self->header);
    free(self->seen.slots);
    memset(&self->seen, 0, sizeof self->seen);
}

static inline void csv_maker_close(struct csv_maker *self)
{
    csv_maker_stop(self);
    csv_release(&self->map.kept);
    price_sheet_free(&self->prices);
    free(self->scratch);
}

/* A feed begins, and the map's columns were found in it. keeps_all: its rows cannot be read again to count equal ones.
 */
static inline void csv_maker_start(struct csv_maker *self, const char *feed, int keeps_all)
{
    self->feed = feed;
    self->id_day = INT64_MIN;
    self->identity = self->map.identity;
    if (self->identity == CSV_ID_FIELD && self->map.id_field->column.cell == CSV_NONE)
        self->identity = CSV_ID_ROW;
    for (size_t i = 0; i < self->map.constant_count; i++)
        self->fields[2 + i] = self->map.constants[i];
    for (size_t i = 0; i < self->map.field_count; i++)
        self->map.fields[i].last_size = 0;
    csv_seen_start(&self->seen, keeps_all);
}

static inline char *csv_scratch(struct csv_maker *self, size_t size)
{
    char *out = self->scratch + self->scratch_used;

    if (CSV_SCRATCH_SIZE - self->scratch_used < size)
        return NULL;
    self->scratch_used += size;
    return out;
}

/* A cell's text, its quotes undone. Their sum is less than the row, so there is room. */
static inline const struct csv_cell *csv_cell_text(struct csv_maker *self, size_t index)
{
    struct csv_cell *cell = &self->cells[index];

    if (cell->is_escaped) {
        char *out = csv_scratch(self, cell->size);

        if (out == NULL)
            return NULL;
        cell->size = (uint32_t)csv_unescape(cell, out);
        cell->text = out;
        cell->is_escaped = 0;
    }
    return cell;
}

#endif
