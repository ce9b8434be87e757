/* json_cells.h - a row of JSON into the cells of a map: an object by its members, or an array by a list of columns.
 *
 *   map.user = user.email, mail     the cell is the member `email` of the member `user`; where a row has none, `mail`
 *   map.scope.products = codes      an array of texts is a list
 *
 * A row that has none of a column's names is bad, unless the last of them ends in `?`; a member that is null is an
 * empty cell.
 */
#ifndef SCRIP_JSON_CELLS_H
#define SCRIP_JSON_CELLS_H

#include "csv_make.h"
#include "json_walk.h"

#define JSON_TEXT_SIZE ((size_t)2 * SCRIP_ROW_SIZE) /* of a row's cells */

struct json_cells {
    struct csv_maker *make;
    int is_table; /* rows are arrays, in the order of make->header */
    size_t column_count;
    struct json_cell {
        size_t rank; /* of the name that gave it; CSV_NONE: none did */
        size_t list; /* elements so far; of a single value 0 */
    } found[CSV_COLUMN_LIMIT];
    char *text; /* of all cells */
    size_t used;
};

static inline int json_cells_open(struct json_cells *cells, struct csv_maker *make)
{
    cells->make = make;
    cells->text = malloc(JSON_TEXT_SIZE);
    return cells->text ? SCRIP_OK : csv_memory_fault(make->ctx);
}

static inline void json_cells_close(struct json_cells *cells)
{
    free(cells->text);
    cells->text = NULL;
}

/* Rows are objects: each column of the map is a cell. */
static inline void json_cells_objects(struct json_cells *cells)
{
    struct csv_column *column;

    cells->is_table = 0;
    for (cells->column_count = 0; (column = csv_column_at(&cells->make->map, cells->column_count)) != NULL;)
        column->cell = cells->column_count++;
}

/* Rows are arrays in the order of make->header, in which the columns were found. */
static inline void json_cells_table(struct json_cells *cells)
{
    cells->is_table = 1;
    cells->column_count = cells->make->header.count;
}

static inline int json_cell_fault(struct json_cells *cells, const struct json_leaf *leaf, const char *what)
{
    snprintf(cells->make->reason, sizeof cells->make->reason, "'%.*s': %s",
             (int)csv_cut(leaf->path, leaf->path_size < 100 ? leaf->path_size : 100), leaf->path, what);
    return -1;
}

/* The leaf's text becomes the cell, or the next element of its list. */
static inline int json_cell_put(struct json_cells *cells, size_t index, size_t rank, const struct json_leaf *leaf)
{
    struct csv_cell *cell = &cells->make->cells[index];
    struct json_cell *found = &cells->found[index];
    int is_element = !cells->is_table && leaf->list_size != leaf->path_size;

    if (found->rank < rank)
        return 0;
    if (found->rank == rank && !(is_element && found->list))
        return json_cell_fault(cells, leaf, "is there twice: the sender must give it once");
    if (!csv_is_utf8(leaf->text, leaf->size)) /* the library lets longer forms of short characters pass */
        return json_cell_fault(cells, leaf, "is not UTF-8: the sender must write it so");
    if (memchr(leaf->text, 0, leaf->size) != NULL)
        return json_cell_fault(cells, leaf, "holds a NUL: names and texts have none");
    if (is_element && memchr(leaf->text, cells->make->map.list_mark, leaf->size) != NULL)
        return json_cell_fault(cells, leaf, "holds the mark of `list`: choose another");
    if (leaf->size + 1 > JSON_TEXT_SIZE - cells->used)
        return json_cell_fault(cells, leaf, "is too long with all that the map takes of the row");
    if (found->rank != rank)
        *found = (struct json_cell){ rank, 0 };
    if (found->list == 0)
        *cell = (struct csv_cell){ cells->text + cells->used, 0, 0 };
    else if (cell->text + cell->size != cells->text + cells->used)
        return json_cell_fault(cells, leaf, "is a list within a list: want one of texts");
    else
        cells->text[cells->used++] = cells->make->map.list_mark;
    memcpy(cells->text + cells->used, leaf->text, leaf->size);
    cells->used += leaf->size;
    cell->size = (uint32_t)(cells->text + cells->used - cell->text);
    found->list += is_element ? 1 : 0;
    return 0;
}

static inline int json_is_path(const struct json_leaf *leaf, size_t size, const char *name)
{
    return strlen(name) == size && memcmp(leaf->path, name, size) == 0;
}

static inline int json_object_leaf(void *sink, const struct json_leaf *leaf)
{
    struct json_cells *cells = sink;
    struct csv_column *column;
    int code = 0;

    for (size_t i = 0; code == 0 && (column = csv_column_at(&cells->make->map, i)) != NULL; i++)
        for (size_t rank = 0; code == 0 && column->names[rank] != NULL; rank++)
            if (json_is_path(leaf, leaf->list_size, column->names[rank]) ||
                json_is_path(leaf, leaf->path_size, column->names[rank]))
                code = json_cell_put(cells, i, rank, leaf);
    return code;
}

static inline int json_table_leaf(void *sink, const struct json_leaf *leaf)
{
    struct json_cells *cells = sink;
    size_t index = 0;

    for (size_t i = 0; i < leaf->path_size; i++) {
        if (leaf->path[i] < '0' || leaf->path[i] > '9' || index > CSV_COLUMN_LIMIT)
            return json_cell_fault(cells, leaf,
                                   "is no single value: rows are arrays of them, in the order of `columns`");
        index = index * 10 + (size_t)(leaf->path[i] - '0');
    }
    if (leaf->path_size == 0 || index >= cells->column_count)
        return json_cell_fault(cells, leaf, "is beyond the last of `columns`");
    return json_cell_put(cells, index, 0, leaf);
}

static inline void json_cells_check(struct json_cells *cells)
{
    const struct csv_column *column;

    if (cells->make->reason[0])
        return;
    for (size_t i = 0; i < cells->column_count; i++) {
        if (cells->found[i].rank != CSV_NONE)
            continue;
        if (cells->is_table) {
            snprintf(cells->make->reason, sizeof cells->make->reason, "has %zu values, `columns` has %zu names", i,
                     cells->column_count);
            return;
        }
        cells->make->cells[i] = (struct csv_cell){ "", 0, 0 };
        column = csv_column_at(&cells->make->map, i);
        if (!column->is_optional) {
            snprintf(cells->make->reason, sizeof cells->make->reason,
                     "has no member '%s': mend %s, or end it with `?` where it may be missing", column->names[0],
                     column->shown);
            return;
        }
    }
}

/* Fills make->cells, or make->reason where the row is bad. size: SCRIP_ROW_SIZE at most. */
static inline void json_cells_read(struct json_cells *cells, const char *text, size_t size)
{
    struct json_walk walk = { .leaf = cells->is_table ? json_table_leaf : json_object_leaf, .sink = cells };

    cells->make->reason[0] = 0;
    cells->used = 0;
    for (size_t i = 0; i < cells->column_count; i++)
        cells->found[i] = (struct json_cell){ CSV_NONE, 0 };
    if (!json_walk_begin(&walk))
        snprintf(cells->make->reason, sizeof cells->make->reason, "no memory to read it");
    else if ((json_walk_piece(&walk, text, size) < 0 || json_walk_piece(&walk, NULL, 0) < 0) && walk.fault[0])
        snprintf(cells->make->reason, sizeof cells->make->reason, "JSON: %s", walk.fault);
    json_walk_end(&walk);
    json_cells_check(cells);
}

#endif
