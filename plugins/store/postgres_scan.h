/* postgres_scan.h - rows read back: scans and single look-ups. A page of rows is read whole before the first of them is
 * handed out, so that the connection is free for what the taker asks meanwhile. */
#ifndef SCRIP_POSTGRES_SCAN_H
#define SCRIP_POSTGRES_SCAN_H

#include "postgres_read.h"

/* ---- scans ---------------------------------------------------------------------------------------------------- */

/* The number of a name in this store; 0 where it has none, or where it could not be read: see settle. */
static int32_t name_find(struct base *b, const char *text)
{
    const struct scrip_name *name = b->ctx->host->name(b->ctx, text, strlen(text));
    PGresult *r;

    if (name->number == 0 || id_of(b, name) != 0)
        return id_of(b, name);
    if ((r = ask(b, "select id from names where name = $1", 1, &text)) == NULL)
        return 0;
    if (PQntuples(r) == 1)
        store_id_keep(&b->ids, name, get_number(r, 0, 0));
    PQclear(r);
    return id_of(b, name);
}

/* *is_begun: rows were handed out, so that nothing may be done again. */
static int page_take(struct base *b, const PGresult *r, const struct reading *reading, const struct scrip_scan *scan,
                     int *is_begun)
{
    int code = names_read(b, r, reading->kinds);

    for (int at = 0; at < PQntuples(r) && code == SCRIP_OK && b->fault == 0; at++) {
        *is_begun = 1;
        code = reading->row(b, r, at, scan);
    }
    return code;
}

static int64_t bounded(uint64_t number)
{
    return number < INT32_MAX ? (int64_t)number : INT32_MAX;
}

/* One account's rows: page after page, each a statement of its own. */
static int scan_account(struct base *b, const struct reading *reading, const struct scrip_scan *scan)
{
    char texts[4][24];
    const char *values[4] = { texts[0], texts[1], texts[2], texts[3] };
    int is_down = scan->descending && reading->down, parameters = reading->parameters, code = SCRIP_OK;
    int rows, is_begun = 0;
    const char *sql = is_down ? reading->down : reading->one;
    int64_t first = bounded(scan->from_number), last = scan->to_number ? bounded(scan->to_number) : INT32_MAX;

    if (reading->at < 0) {
        first = scan->from_period;
        last = scan->to_period;
    }
    snprintf(texts[0], sizeof texts[0], "%d", (int)name_find(b, scan->account));
    if (scan->table == SCRIP_TABLE_CLAIMS && (scan->id || scan->only_open)) {
        sql = scan->id ? CLAIM_OF_ID : CLAIMS_OPEN;
        values[3] = scan->id;
        parameters = scan->id ? 4 : 3;
    } else if (scan->table == SCRIP_TABLE_ENTRIES && scan->of) {
        sql = ENTRIES_OF_CHARGE;
        snprintf(texts[3], sizeof texts[3], "%lld", (long long)bounded(scan->of));
        parameters = 4;
    }
    do {
        PGresult *r;

        if (strcmp(texts[0], "0") == 0 || first > last)
            break;
        snprintf(texts[1], sizeof texts[1], "%lld", (long long)first);
        snprintf(texts[2], sizeof texts[2], "%lld", (long long)last);
        if ((r = ask(b, sql, parameters, values)) == NULL)
            return b->fault;
        rows = PQntuples(r);
        if (rows && reading->at >= 0)
            *(is_down ? &last : &first) = get_number(r, rows - 1, reading->at) + (is_down ? -1 : 1);
        code = page_take(b, r, reading, scan, &is_begun);
        PQclear(r);
    } while (code == SCRIP_OK && b->fault == 0 && reading->at >= 0 && rows == PAGE_ROWS);
    return code;
}

static int cursor_fetch(struct base *b, const struct reading *reading, const struct scrip_scan *scan, int *is_begun)
{
    char fetch[64];
    int code = SCRIP_OK, rows;

    snprintf(fetch, sizeof fetch, "fetch forward " PAGE_TEXT " from scrip_cursor_%d", b->cursors);
    do {
        PGresult *r = PQexecParams(b->conn, fetch, 0, NULL, NULL, NULL, NULL, 1);

        if (!is_good(r)) {
            fault_keep(b, "store", r);
            PQclear(r);
            return fault_tell(b);
        }
        rows = PQntuples(r);
        code = page_take(b, r, reading, scan, is_begun);
        PQclear(r);
    } while (code == SCRIP_OK && b->fault == 0 && rows == PAGE_ROWS);
    return code;
}

/* A whole table: through a cursor, in a transaction that lasts as long as the outermost scan. */
static int scan_once(struct base *b, const struct reading *reading, const struct scrip_scan *scan, int *is_begun)
{
    char select[1024], text[1200];
    int depth = b->cursors, code;
    PGresult *r = depth ? NULL : ask(b, "begin", 0, NULL);

    if (depth == 0 && r == NULL)
        return b->fault;
    PQclear(r);
    b->cursors = depth + 1;
    snprintf(select, sizeof select, reading->all, (long long)scan->from_period, (long long)scan->to_period);
    snprintf(text, sizeof text, "declare scrip_cursor_%d no scroll cursor for %s", b->cursors, select);
    code = execute(b, text);
    if (code == SCRIP_OK)
        code = cursor_fetch(b, reading, scan, is_begun);
    b->cursors = depth;
    if (depth == 0)
        transaction_end(b);
    else if (b->fault == 0) {
        snprintf(text, sizeof text, "close scrip_cursor_%d", depth + 1);
        /* Where a row stopped it, the transaction may be at fault already: that is told. */
        PQclear(PQexec(b->conn, text));
    }
    return code;
}

/* Tried again where the server went, or took it back, before the first row was handed out. */
static int scan_all(struct base *b, const struct reading *reading, const struct scrip_scan *scan)
{
    int64_t until_us = clock_us() + b->retry_us;

    for (int attempt = 0;; attempt++) {
        int is_begun = 0, code = scan_once(b, reading, scan, &is_begun);
        enum fate fate = fault_fate(b);

        if (b->fault == 0 || is_begun || b->cursors || (fate != FATE_AGAIN && fate != FATE_UNKNOWN) ||
            clock_us() >= until_us)
            return code;
        b->fault = 0;
        back_off(attempt);
    }
}

/* One transaction around all that is read. */
static int postgres_snapshot(struct scrip_ctx *ctx, int is_open)
{
    struct base *b = ctx->self;

    if (is_open && b->cursors == 0) {
        PQclear(ask(b, "begin isolation level repeatable read read only", 0, NULL));
        b->cursors = b->fault == 0;
    } else if (!is_open && b->cursors > 0) {
        b->cursors = 0;
        transaction_end(b);
    }
    return settle(b, SCRIP_OK);
}

static int postgres_scan(struct scrip_ctx *ctx, const struct scrip_scan *scan)
{
    struct base *b = ctx->self;
    struct reading summed;
    char sql[512];

    if (scan->table > SCRIP_TABLE_BATCHES)
        return scrip_fail(ctx, SCRIP_EINVALID, "scan: there is no table %llu", (unsigned long long)scan->table);
    if (scan->account && readings[scan->table].one)
        return settle(b, scan_account(b, &readings[scan->table], scan));
    if (scan->by == 0 || (scan->table != SCRIP_TABLE_DAYS && scan->table != SCRIP_TABLE_MONTHS))
        return settle(b, scan_all(b, &readings[scan->table], scan));
    summed = reading_summed(scan, sql, sizeof sql);
    return settle(b, scan_all(b, &summed, scan));
}

/* ---- single rows ---------------------------------------------------------------------------------------------- */

static int postgres_event_find(struct scrip_ctx *ctx, const char *account, const char *source, const char *id,
                               uint64_t id_size, const struct scrip_event_row **out)
{
    struct base *b = ctx->self;
    char account_text[16], source_text[16];
    const char *values[3] = { source_text, id, account_text };
    int code = SCRIP_ENOTFOUND;

    (void)id_size; /* an id has no NUL in it */
    snprintf(account_text, sizeof account_text, "%d", (int)name_find(b, account));
    snprintf(source_text, sizeof source_text, "%d", (int)name_find(b, source));
    if (b->fault < 0 || account_text[0] == '0' || source_text[0] == '0')
        return settle(b, SCRIP_ENOTFOUND);
    PQclear(b->lent);
    b->lent = ask(b, "select " EVENT_COLUMNS " from event_rows where source = $1::int4 and id = $2 and account ="
                     " $3::int4", 3,
                  values);
    if (b->lent != NULL && PQntuples(b->lent) == 1 &&
        (code = names_read(b, b->lent, readings[SCRIP_TABLE_EVENTS].kinds)) == SCRIP_OK) {
        event_read(b, b->lent, 0, &b->lent_row);
        *out = &b->lent_row;
    }
    return settle(b, code);
}

static int postgres_source_last(struct scrip_ctx *ctx, const char *source, char *out)
{
    struct base *b = ctx->self;
    char text[16];
    const char *value = text;
    uint64_t size;
    PGresult *r;

    out[0] = 0;
    snprintf(text, sizeof text, "%d", (int)name_find(b, source));
    if (b->fault < 0 || text[0] == '0')
        return settle(b, SCRIP_OK);
    r = ask(b, "select id from event_rows where source = $1::int4 order by id desc limit 1", 1, &value);
    if (r != NULL && PQntuples(r) == 1) {
        const char *id = get_text(r, 0, 0, &size);

        if (size <= SCRIP_NAME_SIZE)
            memcpy(out, id, size + 1);
    }
    PQclear(r);
    return settle(b, SCRIP_OK);
}

/* Bytes as a parameter's text: \x6162. */
static char *hex_of(const void *bytes, uint64_t size)
{
    char *text = store_grow(NULL, 2 * size + 3);

    memcpy(text, "\\x", 3);
    for (uint64_t i = 0; i < size; i++)
        snprintf(text + 2 + 2 * i, 3, "%02x", ((const uint8_t *)bytes)[i]);
    return text;
}

static int postgres_state_find(struct scrip_ctx *ctx, const char *account, const char *service, const void *key,
                               uint64_t key_size, void *value, uint64_t *size, int64_t *discard_after_us)
{
    struct base *b = ctx->self;
    char account_text[16], service_text[16], *hex = hex_of(key, key_size);
    const char *values[3] = { account_text, service_text, hex };
    int code = SCRIP_ENOTFOUND;
    PGresult *r = NULL;

    snprintf(account_text, sizeof account_text, "%d", (int)name_find(b, account));
    snprintf(service_text, sizeof service_text, "%d", (int)name_find(b, service));
    if (b->fault == 0 && account_text[0] != '0' && service_text[0] != '0')
        r = ask(b, "select value, discard_after from state_rows where account = $1::int4 and service = $2::int4 and"
                   " key = $3::bytea", 3, values);
    if (r != NULL && PQntuples(r) == 1) {
        uint64_t found;
        const char *bytes = get_text(r, 0, 0, &found);

        code = found <= *size ? SCRIP_OK
                              : scrip_fail(ctx, SCRIP_ELIMIT, "state: a value of %llu"
                                                              " bytes", (unsigned long long)found);
        if (code == SCRIP_OK)
            memcpy(value, bytes, found);
        *size = found;
        *discard_after_us = get_time(r, 0, 1);
    }
    PQclear(r);
    free(hex);
    return settle(b, code);
}

static int postgres_cursor_find(struct scrip_ctx *ctx, const char *source, const char *feed, struct scrip_cursor *out)
{
    struct base *b = ctx->self;
    char text[16], *hex = hex_of(feed, strlen(feed));
    const char *values[2] = { text, hex };
    int code = SCRIP_ENOTFOUND;
    PGresult *r = NULL;

    snprintf(text, sizeof text, "%d", (int)name_find(b, source));
    if (b->fault == 0 && text[0] != '0')
        r = ask(b, "select position, line, tail_size, tail_hash from cursor_rows where source = $1::int4 and"
                   " feed = $2::bytea", 2, values);
    if (r != NULL && PQntuples(r) == 1) {
        *out = (struct scrip_cursor){ (uint64_t)get_number(r, 0, 0), (uint64_t)get_number(r, 0, 1),
                                      (uint64_t)get_number(r, 0, 2), (uint64_t)get_number(r, 0, 3) };
        code = SCRIP_OK;
    }
    PQclear(r);
    free(hex);
    return settle(b, code);
}

#endif
