/* json.c - answers as JSON: one array of objects, or one object a line. Numbers are decimal strings, so that no reader
 * turns an amount into a floating point number. */
#include "json_text.h"

#include <stdlib.h>

static const struct scrip_option options[] = {
    { "lines", SCRIP_OPTION_BOOL, "no", NULL, 0, "one object a line instead of one array" },
    SCRIP_OPTIONS_END,
};

struct json {
    char **names;
    uint64_t count;
    int is_first;
};

static int open_json(struct scrip_ctx *ctx)
{
    ctx->self = calloc(1, sizeof(struct json));
    return ctx->self ? SCRIP_OK : scrip_fail(ctx, SCRIP_ENOMEM, "no memory for a report");
}

static void names_free(struct json *json)
{
    for (uint64_t i = 0; i < json->count; i++)
        free(json->names[i]);
    free(json->names);
    json->names = NULL;
    json->count = 0;
}

static void close_json(struct scrip_ctx *ctx)
{
    if (ctx->self != NULL)
        names_free(ctx->self);
    free(ctx->self);
    ctx->self = NULL;
}

static int put(struct scrip_ctx *ctx, const char *text)
{
    return ctx->host->write(ctx, text, strlen(text));
}

static int has_lines(struct scrip_ctx *ctx)
{
    return ctx->host->option_int(ctx, "lines") != 0;
}

static int begin(struct scrip_ctx *ctx, const char *title, const struct scrip_column *columns, uint64_t column_count)
{
    struct json *json = ctx->self;

    (void)title;
    names_free(json);
    json->names = calloc(column_count + 1, sizeof *json->names);
    if (json->names == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "no memory for a report");
    for (; json->count < column_count; json->count++)
        if ((json->names[json->count] = strdup(columns[json->count].name)) == NULL)
            return scrip_fail(ctx, SCRIP_ENOMEM, "no memory for a report");
    json->is_first = 1;
    return has_lines(ctx) ? SCRIP_OK : put(ctx, "[");
}

static int row(struct scrip_ctx *ctx, const struct scrip_cell *cells, uint64_t cell_count)
{
    struct json *json = ctx->self;
    int code = put(ctx, has_lines(ctx) ? "{" : json->is_first ? "\n{" : ",\n{");

    json->is_first = 0;
    for (uint64_t i = 0; i < json->count && i < cell_count && code == SCRIP_OK; i++) {
        code = i ? put(ctx, ",") : SCRIP_OK;
        if (code == SCRIP_OK)
            code = json_string(ctx, ctx->host->write, json->names[i]);
        if (code == SCRIP_OK)
            code = put(ctx, ":");
        if (code == SCRIP_OK)
            code = cells[i].type == SCRIP_CELL_NONE ? put(ctx, "null") : json_string(ctx, ctx->host->write, cells[i].text);
    }
    return code < 0 ? code : put(ctx, has_lines(ctx) ? "}\n" : "}");
}

static int end(struct scrip_ctx *ctx)
{
    return has_lines(ctx) ? SCRIP_OK : put(ctx, "\n]\n");
}

SCRIP_REPORT_PLUGIN("json", "one array of objects, or one object a line", .options = options, .open = open_json,
                    .close = close_json, .begin = begin, .row = row, .end = end);
