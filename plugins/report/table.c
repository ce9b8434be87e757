/* table.c - answers as aligned columns for people. */
#include <scrip/plugin.h>

#include <stdlib.h>
#include <string.h>

/* Rows are held back until their widths are known; beyond this many they go out with the widths so far. */
#define ROW_LIMIT 20000

static const struct scrip_option options[] = { SCRIP_OPTIONS_END };

struct table {
    char *text; /* the cells of the rows held, each ended by NUL */
    size_t size, room;
    size_t rows;
    uint64_t column_count;
    size_t *widths;
    uint64_t *types;
    char **names;
    int has_rows, has_header;
};

static int open_table(struct scrip_ctx *ctx)
{
    ctx->self = calloc(1, sizeof(struct table));
    return ctx->self ? SCRIP_OK : scrip_fail(ctx, SCRIP_ENOMEM, "no memory for a table");
}

static void columns_free(struct table *table)
{
    for (uint64_t i = 0; table->names && i < table->column_count; i++)
        free(table->names[i]);
    free(table->names);
    free(table->widths);
    free(table->types);
    table->names = NULL;
    table->widths = NULL;
    table->types = NULL;
}

static void close_table(struct scrip_ctx *ctx)
{
    struct table *table = ctx->self;

    if (table == NULL)
        return;
    columns_free(table);
    free(table->text);
    free(table);
    ctx->self = NULL;
}

/* The next character of UTF-8, and how many places it takes on a screen. */
static size_t character(const char *at, size_t *width)
{
    unsigned char c = (unsigned char)*at;
    size_t size = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    uint32_t code = c & (0xffu >> (size == 1 ? 0 : size + 1));

    for (size_t i = 1; i < size; i++) {
        if (((unsigned char)at[i] & 0xc0) != 0x80) {
            *width = 1;
            return 1;
        }
        code = code << 6 | ((unsigned char)at[i] & 0x3f);
    }
    if ((code >= 0x300 && code < 0x370) || (code >= 0x200b && code <= 0x200f) || code == 0xfeff)
        *width = 0; /* combining marks */
    else
        *width = (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) ||
                         (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
                         (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) ||
                         (code >= 0x1f300 && code <= 0x1faff) || (code >= 0x20000 && code <= 0x3fffd)
                     ? 2
                     : 1;
    return size;
}

static size_t width_of(const char *text)
{
    size_t width = 0, one;

    while (*text) {
        text += character(text, &one);
        width += one;
    }
    return width;
}

static int put(struct scrip_ctx *ctx, const char *text, size_t size)
{
    return ctx->host->write(ctx, text, size);
}

static int fill(struct scrip_ctx *ctx, char c, size_t count)
{
    char some[64];
    int code = SCRIP_OK;

    memset(some, c, sizeof some);
    for (; count > 0 && code == SCRIP_OK; count -= count < sizeof some ? count : sizeof some)
        code = put(ctx, some, count < sizeof some ? count : sizeof some);
    return code;
}

static int cell_write(struct scrip_ctx *ctx, const struct table *table, uint64_t column, const char *text)
{
    size_t width = width_of(text), pad = table->widths[column] > width ? table->widths[column] - width : 0;
    int is_right = table->types[column] == SCRIP_CELL_NUMBER, is_last = column + 1 == table->column_count;
    int code = column ? put(ctx, "  ", 2) : SCRIP_OK;

    if (code == SCRIP_OK && is_right)
        code = fill(ctx, ' ', pad);
    if (code == SCRIP_OK)
        code = put(ctx, text, strlen(text));
    if (code == SCRIP_OK && !is_right && !is_last)
        code = fill(ctx, ' ', pad);
    return code == SCRIP_OK && is_last ? put(ctx, "\n", 1) : code;
}

static int rows_flush(struct scrip_ctx *ctx, struct table *table)
{
    const char *at = table->text;
    int code = SCRIP_OK;

    if (!table->has_header) {
        for (uint64_t i = 0; i < table->column_count && code == SCRIP_OK; i++)
            code = cell_write(ctx, table, i, table->names[i]);
        for (uint64_t i = 0; i < table->column_count && code == SCRIP_OK; i++) {
            code = i ? put(ctx, "  ", 2) : SCRIP_OK;
            if (code == SCRIP_OK)
                code = fill(ctx, '-', table->widths[i]);
        }
        if (code == SCRIP_OK)
            code = put(ctx, "\n", 1);
        table->has_header = 1;
    }
    for (size_t r = 0; r < table->rows; r++)
        for (uint64_t i = 0; i < table->column_count && code == SCRIP_OK; i++, at += strlen(at) + 1)
            code = cell_write(ctx, table, i, at);
    table->rows = 0;
    table->size = 0;
    return code;
}

static int begin(struct scrip_ctx *ctx, const char *title, const struct scrip_column *columns, uint64_t column_count)
{
    struct table *table = ctx->self;
    int code;

    columns_free(table);
    table->column_count = column_count;
    table->names = calloc(column_count + 1, sizeof *table->names);
    table->widths = calloc(column_count + 1, sizeof *table->widths);
    table->types = calloc(column_count + 1, sizeof *table->types);
    if (table->names == NULL || table->widths == NULL || table->types == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "no memory for a table");
    for (uint64_t i = 0; i < column_count; i++) {
        table->names[i] = strdup(columns[i].name);
        table->widths[i] = width_of(columns[i].name);
        table->types[i] = columns[i].type;
        if (table->names[i] == NULL)
            return scrip_fail(ctx, SCRIP_ENOMEM, "no memory for a table");
    }
    table->rows = table->size = 0;
    table->has_rows = table->has_header = 0;
    if ((code = put(ctx, title, strlen(title))) < 0)
        return code;
    return put(ctx, "\n", 1);
}

/* Control characters would break the lines, or the terminal. */
static int cell_keep(struct scrip_ctx *ctx, struct table *table, const char *text)
{
    static const char hex[] = "0123456789abcdef";
    size_t size = strlen(text);

    if (table->room - table->size < size * 4 + 1) {
        size_t room = (table->size + size * 4 + 1) * 2;
        char *grown = realloc(table->text, room);

        if (grown == NULL)
            return scrip_fail(ctx, SCRIP_ENOMEM, "no memory for a table");
        table->text = grown;
        table->room = room;
    }
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c >= 0x20 && c != 0x7f) {
            table->text[table->size++] = *text;
            continue;
        }
        table->text[table->size++] = '\\';
        if (c == '\n' || c == '\t' || c == '\r')
            table->text[table->size++] = c == '\n' ? 'n' : c == '\t' ? 't' : 'r';
        else {
            table->text[table->size++] = 'x';
            table->text[table->size++] = hex[c >> 4];
            table->text[table->size++] = hex[c & 15];
        }
    }
    table->text[table->size++] = 0;
    return SCRIP_OK;
}

static int row(struct scrip_ctx *ctx, const struct scrip_cell *cells, uint64_t cell_count)
{
    struct table *table = ctx->self;

    for (uint64_t i = 0; i < table->column_count; i++) {
        size_t start = table->size, width;
        int code = cell_keep(ctx, table, i < cell_count ? cells[i].text : "");

        if (code < 0)
            return code;
        width = width_of(table->text + start);
        if (width > table->widths[i])
            table->widths[i] = width;
    }
    table->rows++;
    table->has_rows = 1;
    return table->rows == ROW_LIMIT ? rows_flush(ctx, table) : SCRIP_OK;
}

static int end(struct scrip_ctx *ctx)
{
    struct table *table = ctx->self;

    return table->has_rows ? rows_flush(ctx, table) : put(ctx, "(none)\n", 7);
}

SCRIP_REPORT_PLUGIN("table", "aligned columns for people", .options = options, .open = open_table, .close = close_table,
                    .begin = begin, .row = row, .end = end);
