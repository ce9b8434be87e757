/* postgres_base.h - what the parts of the PostgreSQL store share: a session, its connection, its statements, its
 * faults. */
#ifndef SCRIP_POSTGRES_BASE_H
#define SCRIP_POSTGRES_BASE_H

#include "store.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define SERVER_LEAST 110000   /* the oldest server that has all that is used: 11 */
#define BACKOFF_CAP_US 500000 /* the longest wait between two tries */

/* A statement by its text, and so is its name: a pooler that mixes connections up has no other statement under it.
 * Names belong to a connection: after another connect all are prepared anew. */
struct statement {
    struct statement *next;
    const char *sql; /* of a constant, or of the session's own; compared by its address first */
    char name[24];
    int is_prepared;
};

/* What became of a request. */
enum fate {
    FATE_DONE,
    FATE_FAILED,  /* for good: a fault that trying again does not mend */
    FATE_STALE,   /* another writer was first */
    FATE_AGAIN,   /* the server took all of it back */
    FATE_UNKNOWN, /* the connection is gone, and with it the answer */
};

struct base {
    struct scrip_ctx *ctx;
    PGconn *conn;
    int session;
    int has_names;               /* statements are prepared under names */
    int has_copy;                /* and many rows come by COPY */
    int64_t accounts_per_commit; /* 0: all that come */
    struct statement *statements;
    int cursors;      /* open ones; above 0 a transaction is open */
    int64_t retry_us; /* how long a lost server is waited for */
    struct store_ids ids;
    const struct scrip_name **names; /* by id */
    const struct scrip_name *none;   /* the empty one */
    size_t names_room;
    struct store_bytes bytes; /* of checks */
    PGresult *lent; /* of event_find */
    struct scrip_event_row lent_row;
    struct writing *writing;          /* of a writing session, see postgres_rows.h */
    char message[SCRIP_MESSAGE_SIZE]; /* of the last fault */
    char state[6];                    /* and its SQLSTATE; "" where the connection had none to give */
    int fault;                        /* of a look-up on the way of an operation; see settle */
    int is_lost;                      /* the last fault was the connection's: it is not to be used again */
};

/* ---- faults --------------------------------------------------------------------------------------------------- */

/* A message of the library or the server on one line. */
static void message_keep(struct base *b, const char *what, const char *text)
{
    size_t used = (size_t)snprintf(b->message, sizeof b->message, "%s: ", what);

    for (; *text && used + 1 < sizeof b->message; text++) {
        int is_blank = *text == '\n' || *text == '\t' || *text == ' ';

        if (!is_blank)
            b->message[used++] = *text;
        else if (used && b->message[used - 1] != ' ')
            b->message[used++] = ' ';
    }
    while (used && b->message[used - 1] == ' ')
        used--;
    b->message[used] = 0;
}

/* Keeps what a result says; NULL: what the connection says. */
static void fault_keep(struct base *b, const char *what, const PGresult *result)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *text = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;

    snprintf(b->state, sizeof b->state, "%s", state ? state : "");
    message_keep(b, what, text ? text : PQerrorMessage(b->conn));
}

static int state_is(const struct base *b, const char *list)
{
    return b->state[0] && strstr(list, b->state) != NULL;
}

/* What the last fault means. The server is gone with classes 08 (connection), 57P01 to 57P03 (shut down, crashed,
 * starting), 53300 (no connection free), 25006 (it leads no more) and XX000 where its postmaster went; 40003: it does
 * not know itself. With 42P05 and 26000 it has other prepared statements than we think: another connection begins with
 * none. */
static enum fate fault_fate(const struct base *b)
{
    if (state_is(b, "40001 40P01 55P03"))
        return FATE_AGAIN;
    if (b->state[0] == 0 || strncmp(b->state, "08", 2) == 0 ||
        state_is(b, "40003 57P01 57P02 57P03 53300 25006 42P05 26000"))
        return FATE_UNKNOWN;
    if (state_is(b, "XX000") && (strstr(b->message, "postmaster") || strstr(b->message, "connection")))
        return FATE_UNKNOWN;
    return state_is(b, "23505 22012") ? FATE_STALE : FATE_FAILED; /* 22012: see guard_send */
}

/* The fault as the host is told it, with what mends it where that is known. Within a transaction nothing can be tried
 * again here: the host is to ask anew. */
static int fault_tell(struct base *b)
{
    enum fate fate = fault_fate(b);
    int is_again = b->cursors > 0 && (fate == FATE_UNKNOWN || fate == FATE_AGAIN);
    const char *mend = "";

    if (state_is(b, "42501"))
        mend = ": grant the role its rights: see the store's part of conf/README.md";
    else if (state_is(b, "53100"))
        mend = ": nothing of this commit was kept: make room";
    else if (state_is(b, "42P05 26000"))
        mend = ": set statement_names = no where a pooler stands in between";
    else if (state_is(b, "42P01 42703"))
        mend = ": run scrip init, or look at the role's search_path";
    b->is_lost = fate == FATE_UNKNOWN;
    return b->fault = scrip_fail(b->ctx, is_again ? SCRIP_EAGAIN : SCRIP_EIO, "%s%s%s%s%s", b->message,
                                 b->state[0] ? " (" : "", b->state, b->state[0] ? ")" : "", mend);
}

static int settle(struct base *b, int code)
{
    return store_settle(&b->fault, code);
}

/* ---- the connection ------------------------------------------------------------------------------------------- */

static int64_t clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static uint64_t random_number(void)
{
    uint64_t number = 0;

    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        number = (uint64_t)clock_us() * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)getpid() << 40;
    return number;
}

/* Waits before the n-th try: longer each time up to a cap, and never the same, so that losers do not meet again. */
static void back_off(int attempt)
{
    uint64_t limit = attempt < 9 ? UINT64_C(2000) << attempt : BACKOFF_CAP_US;
    uint64_t wait_us = limit / 2 + random_number() % (limit / 2 + 1);
    struct timespec wait = { (time_t)(wait_us / 1000000), (long)(wait_us % 1000000) * 1000 };

    nanosleep(&wait, NULL);
}

static void notice_drop(void *sink, const char *text)
{
    (void)sink;
    (void)text;
}

static void disconnect(struct base *b)
{
    PQfinish(b->conn);
    b->conn = NULL;
    b->cursors = b->is_lost = 0;
    for (struct statement *s = b->statements; s != NULL; s = s->next)
        s->is_prepared = 0;
}

static enum fate connect_once(struct base *b)
{
    /* What the configuration says comes later and counts; what it leaves out comes from the environment and the service
     * and password files, as libpq has it. */
    static const char *const words[] = { "connect_timeout", "dbname", "fallback_application_name", "client_encoding",
                                         NULL };
    const char *values[] = { "10", b->ctx->host->option_text(b->ctx, "connection"), "scrip", "UTF8", NULL };

    disconnect(b);
    b->conn = PQconnectdbParams(words, values, 1);
    if (PQstatus(b->conn) == CONNECTION_OK) {
        PQsetNoticeProcessor(b->conn, notice_drop, NULL);
        return FATE_DONE;
    }
    fault_keep(b, "connect", NULL);
    return FATE_UNKNOWN;
}

/* A server that went comes back: until then this waits, as long as the configuration allows. */
static int reconnect(struct base *b, int64_t until_us)
{
    for (int attempt = 0;; attempt++) {
        if (connect_once(b) == FATE_DONE)
            return SCRIP_OK;
        if (clock_us() >= until_us)
            return fault_tell(b);
        back_off(attempt);
    }
}

/* ---- statements ----------------------------------------------------------------------------------------------- */

static struct statement *statement_of(struct base *b, const char *sql)
{
    struct statement *s;

    for (s = b->statements; s != NULL; s = s->next)
        if (s->sql == sql || strcmp(s->sql, sql) == 0)
            return s;
    s = store_grow(NULL, sizeof *s);
    s->sql = sql;
    s->is_prepared = 0;
    snprintf(s->name, sizeof s->name, "scrip_%016llx", (unsigned long long)b->ctx->host->hash(sql, strlen(sql)));
    s->next = b->statements;
    return b->statements = s;
}

static int is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* Runs one statement with text parameters; rows come in binary. NULL: it failed, see fault_keep. */
static PGresult *run_once(struct base *b, const char *sql, int count, const char *const *values)
{
    struct statement *s = b->has_names ? statement_of(b, sql) : NULL;
    PGresult *result;

    if (s != NULL && !s->is_prepared) {
        result = PQprepare(b->conn, s->name, sql, 0, NULL);
        if (!is_good(result)) {
            fault_keep(b, "prepare", result);
            PQclear(result);
            return NULL;
        }
        PQclear(result);
        s->is_prepared = 1;
    }
    result = s != NULL ? PQexecPrepared(b->conn, s->name, count, values, NULL, NULL, 1)
                       : PQexecParams(b->conn, sql, count, NULL, values, NULL, NULL, 1);
    if (is_good(result))
        return result;
    fault_keep(b, "store", result);
    PQclear(result);
    return NULL;
}

/* The same, tried again where the server went or took it back: outside of transactions only, and for what may be done
 * twice. NULL: the fault is kept, and not told yet. */
static PGresult *run_again(struct base *b, const char *sql, int count, const char *const *values)
{
    int64_t until_us = clock_us() + b->retry_us;
    PGresult *result;

    for (int attempt = 0; (result = run_once(b, sql, count, values)) == NULL; attempt++) {
        enum fate fate = fault_fate(b);

        if (b->cursors || (fate != FATE_UNKNOWN && fate != FATE_AGAIN) || clock_us() >= until_us)
            break;
        back_off(attempt);
        if (fate == FATE_UNKNOWN && reconnect(b, until_us) < 0)
            break;
    }
    return result;
}

/* The same. NULL: the fault is told; the first one of an operation stands, and nothing more is asked in it. */
static PGresult *ask(struct base *b, const char *sql, int count, const char *const *values)
{
    PGresult *result = b->fault < 0 ? NULL : run_again(b, sql, count, values);

    if (result == NULL && b->fault == 0)
        fault_tell(b);
    return result;
}

static int execute(struct base *b, const char *sql)
{
    PGresult *result = PQexec(b->conn, sql);
    int code = SCRIP_OK;

    if (!is_good(result)) {
        fault_keep(b, "store", result);
        code = fault_tell(b);
    }
    PQclear(result);
    return code;
}

/* Ends a transaction that only read: that it ends is all that matters. */
static void transaction_end(struct base *b)
{
    PQclear(PQexec(b->conn, b->fault == 0 ? "commit" : "rollback"));
    if (b->is_lost || PQtransactionStatus(b->conn) != PQTRANS_IDLE)
        disconnect(b);
}

/* ---- values of rows that were read ---------------------------------------------------------------------------- */

static int64_t get_number(const PGresult *r, int row, int column)
{
    const uint8_t *bytes = (const uint8_t *)PQgetvalue(r, row, column);
    int size = PQgetlength(r, row, column);
    uint64_t number = size && bytes[0] & 0x80 ? UINT64_MAX : 0;

    /* smallint, integer or bigint, whichever the engine made of a column. */
    for (int i = 0; i < size && i < 8; i++)
        number = number << 8 | bytes[i];
    return (int64_t)number;
}

static int64_t get_time(const PGresult *r, int row, int column)
{
    return PQgetisnull(r, row, column) ? SCRIP_TIME_NONE : get_number(r, row, column);
}

static const char *get_text(const PGresult *r, int row, int column, uint64_t *size)
{
    *size = (uint64_t)PQgetlength(r, row, column);
    return PQgetvalue(r, row, column);
}

static void get_head(const PGresult *r, int row, int column, uint8_t head[32])
{
    uint64_t size;
    const char *bytes = get_text(r, row, column, &size);

    memcpy(head, bytes, size < 32 ? size : 32);
}

/* 1: there is a value. What is no decimal becomes 0: `verify` tells, since its event's digest will not fit. */
static int get_decimal(struct base *b, const PGresult *r, int row, int column, struct scrip_decimal *out)
{
    uint64_t size;
    const char *text = get_text(r, row, column, &size);

    *out = (struct scrip_decimal){ 0, 0 };
    if (PQgetisnull(r, row, column))
        return 0;
    b->ctx->host->decimal_parse(text, size, out);
    return 1;
}

#endif
