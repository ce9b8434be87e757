/* postgres.c - the source `postgres`: rows of a table or query in a PostgreSQL database, by a key that only grows.
 * sql_rows.h has what all databases share.
 *
 * A server that is lost is waited for; the block of rows that was asked for is asked for again.
 *
 * scrip-needs: libpq libpq-dev
 */
#include <scrip/plugin.h>

#include "clock.h"
#include "sql_rows.h"

#include <libpq-fe.h>

struct postgres {
    struct sql sql; /* first */
    PGconn *conn;
    PGresult *block;
    int row; /* next of the block */
};

static const struct scrip_option options[] = {
    { "connection", SCRIP_OPTION_TEXT, "", NULL, 0,
      "as libpq has it: host=... dbname=...; what it leaves out comes from PGHOST and its like, service and "
      "password file" },
    { "retry", SCRIP_OPTION_DURATION, "60s", NULL, 0, "how long a lost server is waited for" },
    SQL_OPTIONS,
    SCRIP_OPTIONS_END,
};

static int postgres_open(struct scrip_ctx *ctx)
{
    struct postgres *self = calloc(1, sizeof *self);

    ctx->self = self;
    return self ? sql_open(&self->sql, ctx, "$1::bigint") : csv_memory_fault(ctx);
}

static void postgres_feed_close(struct scrip_ctx *ctx)
{
    struct postgres *self = ctx->self;

    PQclear(self->block);
    PQfinish(self->conn);
    self->block = NULL;
    self->conn = NULL;
    csv_maker_stop(&self->sql.make);
}

static void postgres_close(struct scrip_ctx *ctx)
{
    struct postgres *self = ctx->self;

    if (self != NULL) {
        postgres_feed_close(ctx);
        sql_close(&self->sql);
    }
    free(self);
    ctx->self = NULL;
}

static int postgres_feeds(struct scrip_ctx *ctx, struct scrip_rows *out)
{
    return sql_feeds(ctx, out, "postgres");
}

/* ---- the connection --------------------------------------------------------------------------------------- */

static int db_fault(struct scrip_ctx *ctx, const char *what, const char *message)
{
    return scrip_fail(ctx, SCRIP_EIO, "%s: %s: %.*s", ((struct postgres *)ctx->self)->sql.feed, what,
                      (int)strcspn(message, "\n"), message);
}

static void notice_drop(void *none, const char *text)
{
    (void)none, (void)text;
}

/* Texts of times and numbers must not hang on whose session it is; and nothing is written. */
static int connect_once(struct postgres *self, struct scrip_ctx *ctx)
{
    static const char *const words[] = { "connect_timeout", "dbname", "fallback_application_name", "client_encoding",
                                         NULL };
    const char *values[] = { "10", ctx->host->option_text(ctx, "connection"), "scrip", "UTF8", NULL };
    PGresult *set;
    int is_set;

    PQfinish(self->conn);
    self->conn = PQconnectdbParams(words, values, 1);
    if (PQstatus(self->conn) != CONNECTION_OK)
        return 0;
    PQsetNoticeProcessor(self->conn, notice_drop, NULL);
    set = PQexec(self->conn, "set datestyle = iso; set timezone = 'UTC'; set extra_float_digits = 1; "
                             "set default_transaction_read_only = on");
    is_set = PQresultStatus(set) == PGRES_COMMAND_OK;
    PQclear(set);
    return is_set;
}

/* Another connection, for as long as `retry` says. */
static int connect_again(struct scrip_ctx *ctx, int64_t until_us)
{
    struct postgres *self = ctx->self;

    while (!connect_once(self, ctx)) {
        if (clock_us() >= until_us)
            return db_fault(ctx, "cannot be reached", PQerrorMessage(self->conn));
        clock_wait(SCRIP_SECOND / 5);
    }
    return SCRIP_OK;
}

/* A statement with the last known key. Its answer is to be cleared. */
static int ask(struct scrip_ctx *ctx, const char *text, PGresult **out)
{
    struct postgres *self = ctx->self;
    int64_t until_us = clock_us() + ctx->host->option_int(ctx, "retry");
    char last[24];
    const char *const values[] = { last };
    int code = SCRIP_OK;

    snprintf(last, sizeof last, "%lld", (long long)self->sql.last);
    for (;;) {
        PGresult *result = PQexecParams(self->conn, text, 1, NULL, values, NULL, NULL, 0);

        *out = result;
        if (PQresultStatus(result) == PGRES_TUPLES_OK)
            return SCRIP_OK;
        if (PQstatus(self->conn) == CONNECTION_OK)
            code = db_fault(ctx, "this select is refused", PQresultErrorMessage(result));
        PQclear(result);
        *out = NULL;
        if (code < 0)
            return code;
        ctx->host->log(ctx, "%s: the server is gone: it is waited for", self->sql.feed);
        if ((code = connect_again(ctx, until_us)) < 0)
            return code;
    }
}

/* ---- rows ------------------------------------------------------------------------------------------------- */

static int known_check(struct scrip_ctx *ctx)
{
    struct postgres *self = ctx->self;
    PGresult *count;
    int code = ask(ctx, self->sql.count, &count);

    if (code == SCRIP_OK)
        code = sql_known_check(&self->sql, strtoull(PQgetvalue(count, 0, 0), NULL, 10),
                               PQgetisnull(count, 0, 2) ? -1 : strtoll(PQgetvalue(count, 0, 2), NULL, 10),
                               strtoull(PQgetvalue(count, 0, 1), NULL, 10));
    PQclear(count);
    return code;
}

static int block_read(struct scrip_ctx *ctx)
{
    struct postgres *self = ctx->self;

    PQclear(self->block);
    self->row = 0;
    return ask(ctx, self->sql.block, &self->block);
}

static int columns_read(struct scrip_ctx *ctx)
{
    struct postgres *self = ctx->self;
    const char *names[CSV_COLUMN_LIMIT + 1];
    int count = PQnfields(self->block);

    for (int i = 0; i < count && i <= CSV_COLUMN_LIMIT; i++)
        names[i] = PQfname(self->block, i);
    return sql_columns(&self->sql, names, (size_t)count);
}

static int postgres_feed_open(struct scrip_ctx *ctx, const char *name, const struct scrip_cursor *from)
{
    struct postgres *self = ctx->self;
    int code = sql_feed_open(&self->sql, "postgres", name, from);

    if (code < 0 || (code = connect_again(ctx, clock_us() + ctx->host->option_int(ctx, "retry"))) < 0)
        return code;
    if (ctx->host->option_int(ctx, "check") && (code = known_check(ctx)) < 0)
        return code;
    return (code = block_read(ctx)) < 0 ? code : columns_read(ctx);
}

static int row_read(struct scrip_ctx *ctx, struct scrip_rows *out)
{
    struct postgres *self = ctx->self;

    for (int i = 0; i < (int)self->sql.make.header.count; i++) {
        int size = PQgetlength(self->block, self->row, i);

        self->sql.make.cells[i] = (struct csv_cell){ PQgetvalue(self->block, self->row, i), (uint32_t)size, 0 };
    }
    self->row++;
    return sql_row(&self->sql, out);
}

static int postgres_read(struct scrip_ctx *ctx, struct scrip_rows *out, uint64_t limit)
{
    struct postgres *self = ctx->self;
    int code = SCRIP_OK;

    for (uint64_t n = 0; n < limit && code == SCRIP_OK;) {
        if (self->row < PQntuples(self->block)) {
            code = row_read(ctx, out);
            n++;
        } else if (PQntuples(self->block) < SQL_BLOCK) {
            return 0;
        } else {
            code = block_read(ctx);
        }
    }
    return code < 0 ? code : 1;
}

SCRIP_SOURCE_PLUGIN("postgres", "rows of a PostgreSQL database, by a key that only grows", .options = options,
                    .open = postgres_open, .close = postgres_close, .feeds = postgres_feeds,
                    .feed_open = postgres_feed_open, .read = postgres_read, .feed_close = postgres_feed_close);
