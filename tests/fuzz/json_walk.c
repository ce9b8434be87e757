/* json_walk.c - JSON as sources read it: the first byte says how large the pieces are, the second where rows are looked for, the rest
 * is an answer; and the same text again as one row.
 *
 * What is found is the same however the text is cut; a row is one line of JSON; a row's cells are whole texts without NUL.
 */
#include "fuzz.h"

#include "../../plugins/source/json_cells.h"

struct found {
    uint64_t hash; /* of all leaves and rows, in order */
    uint64_t row_count;
    int code;
};

static void found_add(struct found *found, char kind, const char *text, size_t size)
{
    found->hash = found->hash * UINT64_C(1099511628211) + (unsigned char)kind;
    for (size_t i = 0; i < size; i++)
        found->hash = (found->hash ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
}

static int on_leaf(void *sink, const struct json_leaf *leaf)
{
    PROMISE(leaf->list_size <= leaf->path_size && leaf->path_size < JSON_PATH_SIZE);
    found_add(sink, 'p', leaf->path, leaf->path_size);
    found_add(sink, (char)('0' + leaf->kind), leaf->text, leaf->size);
    return 0;
}

static int on_row(void *sink, const char *text, size_t size)
{
    struct json_walk walk = { .leaf = NULL };
    struct found *found = sink;

    PROMISE(size > 0 && memchr(text, '\n', size) == NULL && memchr(text, 0, size) == NULL);
    PROMISE(json_walk_begin(&walk));
    PROMISE(json_walk_piece(&walk, text, size) == 0 && json_walk_piece(&walk, NULL, 0) == 0);
    json_walk_end(&walk);
    found_add(found, 'r', text, size);
    found->row_count++;
    return 0;
}

static struct found walk_all(const char *text, size_t size, size_t piece, const char *rows)
{
    struct found found = { 0 };
    struct json_walk walk = { .rows = rows, .row = on_row, .leaf = on_leaf, .sink = &found };

    PROMISE(json_walk_begin(&walk));
    for (size_t at = 0; at < size && found.code == 0; at += piece)
        found.code = json_walk_piece(&walk, text + at, size - at < piece ? size - at : piece);
    if (found.code == 0)
        found.code = json_walk_piece(&walk, NULL, 0);
    PROMISE(found.code == 0 || walk.fault[0]);
    PROMISE(found.row_count == 0 || walk.has_rows);
    json_walk_end(&walk);
    return found;
}

/* A map of three columns: two that must be there, one of them by either of two names, and one that may be. */
static void row_check(const char *text, size_t size)
{
    static char *first[] = { "a", "b.c", NULL }, *second[] = { "a.b", NULL }, *third[] = { "id", NULL };
    static struct csv_maker make;
    static struct json_cells cells;

    make.map.list_mark = ';';
    make.map.field_count = 3;
    make.map.fields[0].column = (struct csv_column){ "map.user", first, 0, CSV_NONE };
    make.map.fields[1].column = (struct csv_column){ "map.product", second, 1, CSV_NONE };
    make.map.fields[2].column = (struct csv_column){ "map.id", third, 0, CSV_NONE };
    PROMISE(cells.text != NULL || json_cells_open(&cells, &make) == SCRIP_OK);
    json_cells_objects(&cells);
    PROMISE(cells.column_count == 3);
    json_cells_read(&cells, text, size);
    for (size_t i = 0; i < 3 && make.reason[0] == 0; i++) {
        PROMISE(make.cells[i].text != NULL && make.cells[i].size <= 2 * size + 1);
        PROMISE(memchr(make.cells[i].text, 0, make.cells[i].size) == NULL && csv_is_utf8(make.cells[i].text, make.cells[i].size));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const places[] = { NULL, "", "a", "a.b" };
    struct found whole, cut;
    const char *rows;

    if (size < 2)
        return 0;
    rows = places[data[1] % 4];
    whole = walk_all((const char *)data + 2, size - 2, size, rows);
    cut = walk_all((const char *)data + 2, size - 2, data[0] % 16 + 1, rows);
    PROMISE((whole.code == 0) == (cut.code == 0));
    PROMISE(whole.code != 0 || (whole.hash == cut.hash && whole.row_count == cut.row_count));
    row_check((const char *)data + 2, size - 2);
    return 0;
}
