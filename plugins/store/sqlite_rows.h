/* sqlite_rows.h - the rows of a commit as virtual tables, so that one statement writes all rows of a table:
 *
 *     insert into event_rows select * from commit_events
 *
 * A statement a row costs more to start and to end than its row does to write, and forgets each time where in the tree
 * it was. */
#ifndef SCRIP_SQLITE_ROWS_H
#define SCRIP_SQLITE_ROWS_H

#include "sqlite_base.h"

#include <stdio.h>

/* Identities go in by (source, id), so that ids which ascend in a feed are appended. */
struct identity {
    int64_t source;
    uint64_t start; /* the id's next eight bytes after what all ids have in common: enough to tell most apart */
    const struct scrip_event_row *row;
};

/* One table: how many rows of it the commit has, and the value of a column of one. */
struct commit_table {
    const char *name;
    int columns;
    uint64_t (*count)(const struct scrip_commit *commit);
    void (*column)(struct base *b, sqlite3_context *out, uint64_t at, int column);
};

struct commit_vtab {
    sqlite3_vtab vtab;
    struct base *b;
    const struct commit_table *table;
};

struct commit_cursor {
    sqlite3_vtab_cursor cursor;
    uint64_t at, count;
};

/* ---- values --------------------------------------------------------------------------------------------------- */

static int64_t key_of(int64_t account, uint64_t number)
{
    return account << 32 | (int64_t)number;
}

/* The id of a name that names_write has put there; 0 for the empty one. */
static int64_t id_of(const struct base *b, const struct scrip_name *name)
{
    return store_id_of(&b->ids, name);
}

static void result_id(sqlite3_context *out, int64_t id)
{
    if (id)
        sqlite3_result_int64(out, id);
    else
        sqlite3_result_null(out);
}

static void result_text_or_null(sqlite3_context *out, const char *text, uint64_t size)
{
    if (size)
        sqlite3_result_text64(out, text, size, SQLITE_STATIC, SQLITE_UTF8);
    else
        sqlite3_result_null(out);
}

/* As bind_decimal. */
static void result_decimal(struct base *b, sqlite3_context *out, int64_t is_there, const struct scrip_decimal *value)
{
    char text[48];

    if (!is_there)
        sqlite3_result_null(out);
    else if (value->atto == 0)
        sqlite3_result_int64(out, value->whole);
    else
        sqlite3_result_text64(out, text, b->ctx->host->decimal_write(value, text, sizeof text), SQLITE_TRANSIENT,
                              SQLITE_UTF8);
}

/* ---- tables: columns in the order of the schema ---------------------------------------------------------------- */

static uint64_t events_count(const struct scrip_commit *commit)
{
    return commit->event_count;
}

static void events_column(struct base *b, sqlite3_context *out, uint64_t at, int column)
{
    const struct scrip_event_row *row = &b->commit->events[at];

    switch (column) {
    case 0: sqlite3_result_int64(out, key_of(id_of(b, row->account), row->number)); break;
    case 1: sqlite3_result_int64(out, row->type); break;
    case 2: sqlite3_result_int64(out, row->outcome); break;
    case 3: sqlite3_result_int64(out, id_of(b, row->source)); break;
    case 4: sqlite3_result_text64(out, row->id, row->id_size, SQLITE_STATIC, SQLITE_UTF8); break;
    case 5: sqlite3_result_int64(out, row->time_us); break;
    case 6: result_id(out, id_of(b, row->product)); break;
    case 7: result_id(out, id_of(b, row->user)); break;
    case 8: result_id(out, id_of(b, row->service)); break;
    case 9: result_id(out, id_of(b, row->unit)); break;
    case 10: result_id(out, id_of(b, row->currency)); break;
    case 11: result_decimal(b, out, row->has_quantity, &row->quantity); break;
    case 12: result_decimal(b, out, row->has_amount, &row->amount); break;
    case 13: result_id(out, (int64_t)row->rate); break;
    case 14: sqlite3_result_int64(out, (int64_t)row->digest); break;
    case 15: result_text_or_null(out, row->data, row->data_size); break;
    case 16: result_text_or_null(out, row->lines, row->lines_size); break;
    case 17: result_text_or_null(out, row->reason, row->reason_size); break;
    default: sqlite3_result_int64(out, row->flags);
    }
}

static void identities_column(struct base *b, sqlite3_context *out, uint64_t at, int column)
{
    const struct identity *identity = (const struct identity *)b->order + at;

    switch (column) {
    case 0: sqlite3_result_int64(out, identity->source); break;
    case 1: sqlite3_result_text64(out, identity->row->id, identity->row->id_size, SQLITE_STATIC, SQLITE_UTF8); break;
    case 2: sqlite3_result_int64(out, id_of(b, identity->row->account)); break;
    default: sqlite3_result_int64(out, (int64_t)identity->row->number);
    }
}

static uint64_t entries_count(const struct scrip_commit *commit)
{
    return commit->entry_count;
}

static void entries_column(struct base *b, sqlite3_context *out, uint64_t at, int column)
{
    const struct scrip_entry_row *row = &b->commit->entries[at];

    switch (column) {
    case 0: sqlite3_result_int64(out, key_of(id_of(b, row->account), row->number)); break;
    case 1: sqlite3_result_int64(out, (int64_t)row->event); break;
    case 2: sqlite3_result_int64(out, (int64_t)row->line); break;
    case 3: sqlite3_result_int64(out, row->time_us - row->event_time_us); break;
    case 4: sqlite3_result_int64(out, row->debit); break;
    case 5: sqlite3_result_int64(out, row->credit); break;
    case 6: sqlite3_result_int64(out, (int64_t)row->grant); break;
    case 7: sqlite3_result_int64(out, (int64_t)row->terms); break;
    case 8: sqlite3_result_int64(out, row->amount); break;
    default: sqlite3_result_int64(out, (int64_t)row->of);
    }
}

static void usage_column(struct base *b, sqlite3_context *out, const struct scrip_usage_row *row, int column)
{
    switch (column) {
    case 0: sqlite3_result_int64(out, row->period); break;
    case 3: sqlite3_result_int64(out, id_of(b, row->class_name)); break;
    case 4: sqlite3_result_int64(out, id_of(b, row->currency)); break;
    case 5: sqlite3_result_int64(out, id_of(b, row->account)); break;
    case 6: sqlite3_result_int64(out, row->amount); break;
    default: sqlite3_result_int64(out, row->charge_count);
    }
}

static uint64_t days_count(const struct scrip_commit *commit)
{
    return commit->day_count;
}

static void days_column(struct base *b, sqlite3_context *out, uint64_t at, int column)
{
    const struct scrip_usage_row *row = &b->commit->days[at];

    switch (column) {
    case 1: sqlite3_result_int64(out, id_of(b, row->product)); break;
    case 2: sqlite3_result_int64(out, id_of(b, row->service)); break;
    default: usage_column(b, out, row, column);
    }
}

static uint64_t months_count(const struct scrip_commit *commit)
{
    return commit->month_count;
}

static void months_column(struct base *b, sqlite3_context *out, uint64_t at, int column)
{
    const struct scrip_usage_row *row = &b->commit->months[at];

    switch (column) {
    case 1: sqlite3_result_int64(out, id_of(b, row->user)); break;
    case 2: sqlite3_result_int64(out, id_of(b, row->product)); break;
    default: usage_column(b, out, row, column);
    }
}

static const struct commit_table commit_tables[] = {
    { "commit_events", 19, events_count, events_column },
    { "commit_identities", 4, events_count, identities_column },
    { "commit_entries", 10, entries_count, entries_column },
    { "commit_days", 8, days_count, days_column },
    { "commit_months", 8, months_count, months_column },
};

/* ---- what SQLite calls ----------------------------------------------------------------------------------------- */

static int rows_connect(sqlite3 *db, void *aux, int count, const char *const *words, sqlite3_vtab **out, char **message)
{
    struct commit_vtab *vtab = sqlite3_malloc(sizeof *vtab);
    char text[256] = "create table rows (c0";
    size_t used = strlen(text);

    (void)message;
    if (vtab == NULL)
        return SQLITE_NOMEM;
    memset(vtab, 0, sizeof *vtab);
    vtab->b = aux;
    for (size_t i = 0; i < sizeof commit_tables / sizeof *commit_tables; i++)
        if (count > 0 && strcmp(commit_tables[i].name, words[0]) == 0)
            vtab->table = &commit_tables[i];
    for (int i = 1; vtab->table != NULL && i < vtab->table->columns; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, ", c%d", i);
    snprintf(text + used, sizeof text - used, ")");
    *out = &vtab->vtab;
    return sqlite3_declare_vtab(db, text);
}

static int rows_disconnect(sqlite3_vtab *vtab)
{
    sqlite3_free(vtab);
    return SQLITE_OK;
}

static int rows_plan(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
    (void)vtab;
    info->estimatedCost = 1e6;
    return SQLITE_OK;
}

static int rows_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out)
{
    struct commit_cursor *cursor = sqlite3_malloc(sizeof *cursor);

    (void)vtab;
    if (cursor == NULL)
        return SQLITE_NOMEM;
    memset(cursor, 0, sizeof *cursor);
    *out = &cursor->cursor;
    return SQLITE_OK;
}

static int rows_close(sqlite3_vtab_cursor *cursor)
{
    sqlite3_free(cursor);
    return SQLITE_OK;
}

static int rows_start(sqlite3_vtab_cursor *cursor, int plan, const char *text, int count, sqlite3_value **values)
{
    struct commit_vtab *vtab = (struct commit_vtab *)cursor->pVtab;
    struct commit_cursor *c = (struct commit_cursor *)cursor;

    (void)plan;
    (void)text;
    (void)count;
    (void)values;
    c->at = 0;
    c->count = vtab->b->commit ? vtab->table->count(vtab->b->commit) : 0;
    return SQLITE_OK;
}

static int rows_next(sqlite3_vtab_cursor *cursor)
{
    ((struct commit_cursor *)cursor)->at++;
    return SQLITE_OK;
}

static int rows_at_end(sqlite3_vtab_cursor *cursor)
{
    return ((struct commit_cursor *)cursor)->at >= ((struct commit_cursor *)cursor)->count;
}

static int rows_column(sqlite3_vtab_cursor *cursor, sqlite3_context *out, int column)
{
    struct commit_vtab *vtab = (struct commit_vtab *)cursor->pVtab;

    vtab->table->column(vtab->b, out, ((struct commit_cursor *)cursor)->at, column);
    return SQLITE_OK;
}

static int rows_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *out)
{
    *out = (sqlite3_int64)((struct commit_cursor *)cursor)->at;
    return SQLITE_OK;
}

/* Without xCreate a module is a table by itself, under its own name. */
static const sqlite3_module rows_module = {
    .xConnect = rows_connect,
    .xBestIndex = rows_plan,
    .xDisconnect = rows_disconnect,
    .xOpen = rows_open,
    .xClose = rows_close,
    .xFilter = rows_start,
    .xNext = rows_next,
    .xEof = rows_at_end,
    .xColumn = rows_column,
    .xRowid = rows_rowid,
};

static int rows_modules_add(struct base *b)
{
    for (size_t i = 0; i < sizeof commit_tables / sizeof *commit_tables; i++)
        if (sqlite3_create_module(b->db, commit_tables[i].name, &rows_module, b) != SQLITE_OK)
            return base_fault(b, commit_tables[i].name);
    return SCRIP_OK;
}

#endif
