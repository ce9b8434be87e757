/* sqlite_base.h - what the parts of the SQLite store share: a session, its statements, its names. */
#ifndef SCRIP_SQLITE_BASE_H
#define SCRIP_SQLITE_BASE_H

#include "store.h"

#include <sqlite3.h>

/* A statement kept for its next use; scans may be nested, so one may be taken several times. */
struct kept {
    struct kept *next;
    const char *sql; /* of a constant, compared by its address first */
    sqlite3_stmt *stmt;
    int is_busy;
};

struct base {
    struct scrip_ctx *ctx;
    sqlite3 *db;
    int session;
    int lock_fd;
    struct kept *kept;
    struct store_ids ids;
    uint64_t *fresh; /* numbers whose ids came with the commit at hand */
    size_t fresh_count, fresh_room;
    const struct scrip_name **names; /* by id */
    const struct scrip_name *none; /* the empty one */
    size_t names_room;
    struct store_bytes bytes; /* of checks */
    struct scrip_event_row lent; /* of event_find */
    char *lent_text;
    const struct scrip_commit *commit; /* at hand, while its rows are written */
    void *order; /* its identities, sorted */
    size_t order_room;
    int is_committing;
    int is_unread; /* a value of the check at hand could not be read */
    int fault; /* of anything that SQLite could not do in the operation at hand; see settle */
};

static int base_fault(struct base *b, const char *what)
{
    int extended = sqlite3_extended_errcode(b->db), code = extended & 0xff;
    int is_known = extended == SQLITE_CONSTRAINT_PRIMARYKEY || extended == SQLITE_CONSTRAINT_UNIQUE ||
                   extended == SQLITE_CONSTRAINT_ROWID;

    b->fault = code == SQLITE_BUSY ? SCRIP_EBUSY : code == SQLITE_NOMEM ? SCRIP_ENOMEM : is_known ? SCRIP_ECONFLICT : SCRIP_EIO;
    if (code == SQLITE_NOTADB)
        return scrip_fail(b->ctx, b->fault, "%s: file is not a database: name another, or move this one away",
                          sqlite3_db_filename(b->db, "main"));
    return scrip_fail(b->ctx, b->fault, "%s: %s: %s", sqlite3_db_filename(b->db, "main"), what, sqlite3_errmsg(b->db));
}

static int settle(struct base *b, int code)
{
    return store_settle(&b->fault, code);
}

/* ---- statements ----------------------------------------------------------------------------------------------- */

static sqlite3_stmt *take(struct base *b, const char *sql)
{
    struct kept *kept;

    for (kept = b->kept; kept != NULL; kept = kept->next)
        if (!kept->is_busy && (kept->sql == sql || strcmp(kept->sql, sql) == 0))
            break;
    if (kept == NULL) {
        kept = store_grow(NULL, sizeof *kept);
        kept->sql = sql;
        if (sqlite3_prepare_v3(b->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &kept->stmt, NULL) != SQLITE_OK) {
            base_fault(b, "prepare");
            free(kept);
            return NULL;
        }
        kept->next = b->kept;
        b->kept = kept;
    }
    kept->is_busy = 1;
    return kept->stmt;
}

static void give(struct base *b, sqlite3_stmt *stmt)
{
    for (struct kept *kept = b->kept; kept != NULL; kept = kept->next)
        if (kept->stmt == stmt) {
            /* A column that could not be read is told here, and nowhere else. */
            if (sqlite3_reset(stmt) != SQLITE_OK && b->fault == 0)
                base_fault(b, "read");
            sqlite3_clear_bindings(stmt);
            kept->is_busy = 0;
        }
}

/* Steps a statement that yields no row, and makes it ready for the next. After some faults SQLite has rolled back by itself:
 * what came then would be committed alone. */
static int run(struct base *b, sqlite3_stmt *stmt, const char *what)
{
    int code;

    if (b->is_committing && sqlite3_get_autocommit(b->db))
        return b->fault = scrip_fail(b->ctx, SCRIP_EIO, "%s: %s: the transaction is gone", sqlite3_db_filename(b->db, "main"),
                                     what);
    code = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return code == SQLITE_DONE ? SCRIP_OK : base_fault(b, what);
}

static int execute(struct base *b, const char *sql)
{
    return sqlite3_exec(b->db, sql, NULL, NULL, NULL) == SQLITE_OK ? SCRIP_OK : base_fault(b, sql);
}

static void bind_text(sqlite3_stmt *stmt, int at, const char *text, uint64_t size)
{
    sqlite3_bind_text64(stmt, at, text ? text : "", size, SQLITE_STATIC, SQLITE_UTF8);
}

/* NULL for what is absent. */
static void bind_text_or_null(sqlite3_stmt *stmt, int at, const char *text, uint64_t size)
{
    if (size)
        bind_text(stmt, at, text, size);
    else
        sqlite3_bind_null(stmt, at);
}

static void bind_blob(sqlite3_stmt *stmt, int at, const void *bytes, uint64_t size)
{
    if (size)
        sqlite3_bind_blob64(stmt, at, bytes, size, SQLITE_STATIC);
    else
        sqlite3_bind_zeroblob(stmt, at, 0);
}

static void bind_id(sqlite3_stmt *stmt, int at, int64_t id)
{
    if (id)
        sqlite3_bind_int64(stmt, at, id);
    else
        sqlite3_bind_null(stmt, at);
}

static void bind_time(sqlite3_stmt *stmt, int at, int64_t time_us)
{
    if (time_us != SCRIP_TIME_NONE)
        sqlite3_bind_int64(stmt, at, time_us);
    else
        sqlite3_bind_null(stmt, at);
}

/* A whole number as an integer, another as its text. scratch lives until the statement ran. */
static void bind_decimal(struct base *b, sqlite3_stmt *stmt, int at, const struct scrip_decimal *value, char scratch[48])
{
    if (value->atto == 0)
        sqlite3_bind_int64(stmt, at, value->whole);
    else
        bind_text(stmt, at, scratch, b->ctx->host->decimal_write(value, scratch, 48));
}

static int64_t column_time(sqlite3_stmt *stmt, int at)
{
    return sqlite3_column_type(stmt, at) == SQLITE_NULL ? SCRIP_TIME_NONE : sqlite3_column_int64(stmt, at);
}

static const char *column_text(sqlite3_stmt *stmt, int at, uint64_t *size)
{
    const char *text = (const char *)sqlite3_column_text(stmt, at);

    *size = text ? (uint64_t)sqlite3_column_bytes(stmt, at) : 0;
    return text ? text : "";
}

static const void *column_blob(sqlite3_stmt *stmt, int at, uint64_t *size)
{
    const void *bytes = sqlite3_column_blob(stmt, at);

    *size = bytes ? (uint64_t)sqlite3_column_bytes(stmt, at) : 0;
    return bytes ? bytes : "";
}

/* 1: there is a value. What is no decimal becomes 0: `verify` tells, since its event's digest will not fit. */
static int column_decimal(struct base *b, sqlite3_stmt *stmt, int at, struct scrip_decimal *out)
{
    const char *text;
    uint64_t size;

    *out = (struct scrip_decimal){ 0, 0 };
    switch (sqlite3_column_type(stmt, at)) {
    case SQLITE_NULL:
        return 0;
    case SQLITE_INTEGER:
        out->whole = sqlite3_column_int64(stmt, at);
        return 1;
    default:
        text = column_text(stmt, at, &size);
        b->ctx->host->decimal_parse(text, size, out);
        return 1;
    }
}

/* ---- checks of rows ------------------------------------------------------------------------------------------- */

/* The check of a row as it is bound (or read) in columns [0, count): its table, then each value with its type. */
static void check_value(struct base *b, sqlite3_value *value)
{
    uint8_t type = (uint8_t)sqlite3_value_type(value);

    store_bytes_add(&b->bytes, &type, 1);
    if (type == SQLITE_INTEGER)
        store_bytes_add_number(&b->bytes, sqlite3_value_int64(value));
    else if (type != SQLITE_NULL) {
        const void *bytes = sqlite3_value_blob(value);
        uint64_t size = (uint64_t)sqlite3_value_bytes(value);

        b->is_unread |= bytes == NULL && size > 0;
        store_bytes_add(&b->bytes, bytes, bytes ? size : 0);
    }
}

/* ---- names ---------------------------------------------------------------------------------------------------- */

/* The id of a name in this store; 0 where it has none, or where it could not be read: see settle. */
static int64_t name_find(struct base *b, const struct scrip_name *name)
{
    sqlite3_stmt *stmt;
    int64_t id = 0;
    int step;

    if (name->number == 0)
        return 0;
    if (store_id_of(&b->ids, name) != 0)
        return store_id_of(&b->ids, name);
    if ((stmt = take(b, "select id from names where name = ?")) == NULL)
        return 0;
    bind_text(stmt, 1, name->text, name->size);
    if ((step = sqlite3_step(stmt)) == SQLITE_ROW)
        id = sqlite3_column_int64(stmt, 0);
    else if (step != SQLITE_DONE)
        base_fault(b, "names");
    give(b, stmt);
    if (id != 0)
        store_id_keep(&b->ids, name, id);
    return id;
}

/* The name of an id; the empty one for 0 or an id that the dictionary lacks. */
static const struct scrip_name *name_at(struct base *b, int64_t id)
{
    const struct scrip_name *name = b->none;
    sqlite3_stmt *stmt;
    int step;

    if (id <= 0 || id > INT32_MAX)
        return b->none;
    if ((size_t)id < b->names_room && b->names[id] != NULL)
        return b->names[id];
    if ((stmt = take(b, "select name from names where id = ?")) == NULL)
        return b->none;
    sqlite3_bind_int64(stmt, 1, id);
    if ((step = sqlite3_step(stmt)) != SQLITE_ROW && step != SQLITE_DONE)
        base_fault(b, "names");
    if (step == SQLITE_ROW) {
        uint64_t size;
        const char *text = column_text(stmt, 0, &size);

        name = b->ctx->host->name(b->ctx, text, size);
        if ((size_t)id >= b->names_room) {
            size_t room = (size_t)id * 2 + 64;

            b->names = store_grow(b->names, room * sizeof *b->names);
            memset(b->names + b->names_room, 0, (room - b->names_room) * sizeof *b->names);
            b->names_room = room;
        }
        b->names[id] = name;
    }
    give(b, stmt);
    return name;
}

static const struct scrip_name *column_name(struct base *b, sqlite3_stmt *stmt, int at)
{
    return name_at(b, sqlite3_column_int64(stmt, at));
}

#endif
