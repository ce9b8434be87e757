/* sqlite.c - the source `sqlite`: rows of a table or query in a SQLite database, by a key that only grows. sql_rows.h
 * has what all databases share.
 *
 * scrip-needs: sqlite3 libsqlite3-dev
 */
#include <scrip/plugin.h>

#include "sql_rows.h"

#include <sqlite3.h>

struct sqlite {
    struct sql sql; /* first */
    sqlite3 *db;
    sqlite3_stmt *block;
    int block_rows; /* of the statement at hand, so far */
};

static const struct scrip_option options[] = {
    { "file", SCRIP_OPTION_PATH, NULL, NULL, 1, "the database, which is only read" },
    { "busy", SCRIP_OPTION_DURATION, "30s", NULL, 0, "how long to wait for others who write to it" },
    SQL_OPTIONS,
    SCRIP_OPTIONS_END,
};

static int db_fault(struct scrip_ctx *ctx, const char *what)
{
    struct sqlite *self = ctx->self;

    return scrip_fail(ctx, SCRIP_EIO, "%s: %s: %s", ctx->host->option_text(ctx, "file"), what,
                      sqlite3_errmsg(self->db));
}

static int sqlite_open(struct scrip_ctx *ctx)
{
    struct sqlite *self = calloc(1, sizeof *self);

    ctx->self = self;
    return self ? sql_open(&self->sql, ctx, "?1") : csv_memory_fault(ctx);
}

static void sqlite_feed_close(struct scrip_ctx *ctx)
{
    struct sqlite *self = ctx->self;

    sqlite3_finalize(self->block);
    sqlite3_close(self->db);
    self->block = NULL;
    self->db = NULL;
    csv_maker_stop(&self->sql.make);
}

static void sqlite_close(struct scrip_ctx *ctx)
{
    struct sqlite *self = ctx->self;

    if (self != NULL) {
        sqlite_feed_close(ctx);
        sql_close(&self->sql);
    }
    free(self);
    ctx->self = NULL;
}

static int sqlite_feeds(struct scrip_ctx *ctx, struct scrip_rows *out)
{
    return sql_feeds(ctx, out, "sqlite");
}

/* A statement with the last known key; the statement must not write. */
static int statement_begin(struct scrip_ctx *ctx, const char *text, sqlite3_stmt **out)
{
    struct sqlite *self = ctx->self;

    if (*out == NULL && sqlite3_prepare_v2(self->db, text, -1, out, NULL) != SQLITE_OK)
        return db_fault(ctx, "this select is refused");
    if (!sqlite3_stmt_readonly(*out))
        return scrip_fail(ctx, SCRIP_EINVALID, "query: would write: want a select");
    sqlite3_reset(*out);
    if (sqlite3_bind_int64(*out, 1, self->sql.last) != SQLITE_OK)
        return db_fault(ctx, "this select is refused");
    return SCRIP_OK;
}

static int known_check(struct scrip_ctx *ctx)
{
    struct sqlite *self = ctx->self;
    sqlite3_stmt *count = NULL;
    int code = statement_begin(ctx, self->sql.count, &count);

    if (code == SCRIP_OK && sqlite3_step(count) != SQLITE_ROW)
        code = db_fault(ctx, "cannot be read");
    if (code == SCRIP_OK)
        code = sql_known_check(&self->sql, (uint64_t)sqlite3_column_int64(count, 0),
                               sqlite3_column_type(count, 2) == SQLITE_NULL ? -1 : sqlite3_column_int64(count, 2),
                               (uint64_t)sqlite3_column_int64(count, 1));
    sqlite3_finalize(count);
    return code;
}

static int columns_read(struct scrip_ctx *ctx)
{
    struct sqlite *self = ctx->self;
    const char *names[CSV_COLUMN_LIMIT + 1];
    int count = sqlite3_column_count(self->block);

    for (int i = 0; i < count && i <= CSV_COLUMN_LIMIT; i++)
        if ((names[i] = sqlite3_column_name(self->block, i)) == NULL)
            return csv_memory_fault(ctx);
    return sql_columns(&self->sql, names, (size_t)count);
}

static int sqlite_feed_open(struct scrip_ctx *ctx, const char *name, const struct scrip_cursor *from)
{
    struct sqlite *self = ctx->self;
    const char *file = ctx->host->option_text(ctx, "file");
    int code = sql_feed_open(&self->sql, "sqlite", name, from);

    if (code < 0)
        return code;
    if (sqlite3_open_v2(file, &self->db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        return db_fault(ctx, "cannot be opened");
    sqlite3_busy_timeout(self->db, (int)(ctx->host->option_int(ctx, "busy") / 1000));
    if (ctx->host->option_int(ctx, "check") && (code = known_check(ctx)) < 0)
        return code;
    if ((code = statement_begin(ctx, self->sql.block, &self->block)) < 0)
        return code;
    self->block_rows = 0;
    return columns_read(ctx);
}

static int row_read(struct scrip_ctx *ctx, struct scrip_rows *out)
{
    struct sqlite *self = ctx->self;

    for (size_t i = 0; i < self->sql.make.header.count; i++) {
        const char *text = (const char *)sqlite3_column_text(self->block, (int)i);
        int size = sqlite3_column_bytes(self->block, (int)i);

        if (text == NULL && sqlite3_column_type(self->block, (int)i) != SQLITE_NULL)
            return csv_memory_fault(ctx);
        self->sql.make.cells[i] = (struct csv_cell){ text ? text : "", text ? (uint32_t)size : 0, 0 };
    }
    return sql_row(&self->sql, out);
}

static int sqlite_read(struct scrip_ctx *ctx, struct scrip_rows *out, uint64_t limit)
{
    struct sqlite *self = ctx->self;
    int code = SCRIP_OK;

    for (uint64_t n = 0; n < limit && code == SCRIP_OK;) {
        int step = sqlite3_step(self->block);

        if (step == SQLITE_ROW) {
            code = row_read(ctx, out);
            self->block_rows++;
            n++;
        } else if (step != SQLITE_DONE) {
            return db_fault(ctx, "cannot be read");
        } else if (self->block_rows == 0) {
            return 0;
        } else {
            code = statement_begin(ctx, self->sql.block, &self->block);
            self->block_rows = 0;
        }
    }
    return code < 0 ? code : 1;
}

SCRIP_SOURCE_PLUGIN("sqlite", "rows of a SQLite database, by a key that only grows", .options = options,
                    .open = sqlite_open, .close = sqlite_close, .feeds = sqlite_feeds, .feed_open = sqlite_feed_open,
                    .read = sqlite_read, .feed_close = sqlite_feed_close);
