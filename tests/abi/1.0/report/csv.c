/* csv.c - answers as comma-separated values (RFC 4180) with a header. */
#include <scrip/plugin.h>

#include <string.h>

static const struct scrip_option options[] = {
    { "delimiter", SCRIP_OPTION_CHOICE, "comma", "comma,semicolon,tab", 0, "what stands between columns" },
    SCRIP_OPTIONS_END,
};

static int cell_write(struct scrip_ctx *ctx, const char *text, int is_first)
{
    static const char delimiters[] = ",;\t";
    const char *delimiter = &delimiters[ctx->host->option_int(ctx, "delimiter")], *quote;
    int code = is_first ? SCRIP_OK : ctx->host->write(ctx, delimiter, 1);
    char special[] = { '"', '\n', '\r', *delimiter, 0 };

    if (code < 0 || strpbrk(text, special) == NULL)
        return code < 0 ? code : ctx->host->write(ctx, text, strlen(text));
    code = ctx->host->write(ctx, "\"", 1);
    while (code == SCRIP_OK && (quote = strchr(text, '"')) != NULL) {
        code = ctx->host->write(ctx, text, (size_t)(quote + 1 - text));
        if (code == SCRIP_OK)
            code = ctx->host->write(ctx, "\"", 1);
        text = quote + 1;
    }
    if (code == SCRIP_OK)
        code = ctx->host->write(ctx, text, strlen(text));
    return code < 0 ? code : ctx->host->write(ctx, "\"", 1);
}

static int begin(struct scrip_ctx *ctx, const char *title, const struct scrip_column *columns, uint64_t column_count)
{
    int code = SCRIP_OK;

    (void)title;
    for (uint64_t i = 0; i < column_count && code == SCRIP_OK; i++)
        code = cell_write(ctx, columns[i].name, i == 0);
    return code < 0 ? code : ctx->host->write(ctx, "\n", 1);
}

static int row(struct scrip_ctx *ctx, const struct scrip_cell *cells, uint64_t cell_count)
{
    int code = SCRIP_OK;

    for (uint64_t i = 0; i < cell_count && code == SCRIP_OK; i++)
        code = cell_write(ctx, cells[i].text, i == 0);
    return code < 0 ? code : ctx->host->write(ctx, "\n", 1);
}

SCRIP_REPORT_PLUGIN("csv", "comma-separated values with a header", .options = options, .begin = begin, .row = row);
