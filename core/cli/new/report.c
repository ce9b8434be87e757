/* @NAME@.c - a report: how an answer is written. This one writes a Markdown table. */
#include <scrip/plugin.h>
#include <string.h>

static int put(struct scrip_ctx *ctx, const char *text)
{
    return ctx->host->write(ctx, text, strlen(text)); /* to the report's file, or to standard output */
}

static int begin(struct scrip_ctx *ctx, const char *title, const struct scrip_column *columns, uint64_t column_count)
{
    int code = put(ctx, "# ");

    if (code == SCRIP_OK)
        code = put(ctx, title);
    if (code == SCRIP_OK)
        code = put(ctx, "\n\n|");
    for (uint64_t i = 0; i < column_count && code == SCRIP_OK; i++)
        if ((code = put(ctx, columns[i].name)) == SCRIP_OK)
            code = put(ctx, "|");
    if (code == SCRIP_OK)
        code = put(ctx, "\n|");
    for (uint64_t i = 0; i < column_count && code == SCRIP_OK; i++)
        code = put(ctx, columns[i].type == SCRIP_CELL_NUMBER ? "--:|" : "---|");
    return code < 0 ? code : put(ctx, "\n");
}

/* A cell without a value has type SCRIP_CELL_NONE. Numbers are exact decimals as text. */
static int row(struct scrip_ctx *ctx, const struct scrip_cell *cells, uint64_t cell_count)
{
    int code = put(ctx, "|");

    for (uint64_t i = 0; i < cell_count && code == SCRIP_OK; i++) {
        if (cells[i].type != SCRIP_CELL_NONE)
            code = put(ctx, cells[i].text);
        if (code == SCRIP_OK)
            code = put(ctx, "|");
    }
    return code < 0 ? code : put(ctx, "\n");
}

SCRIP_REPORT_PLUGIN("@NAME@", "tables as @NAME@ wants them", .begin = begin, .row = row);
