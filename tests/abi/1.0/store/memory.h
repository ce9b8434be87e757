/* memory.h - the memory store's sessions: what they share, how they begin, and what they answer. Apart from memory.c so
 * that a test may build a store that does one thing wrong. */
#ifndef SCRIP_MEMORY_H
#define SCRIP_MEMORY_H

#include "memory_journal.h"

/* What the sessions of one section share; ends with the host. */
struct shared {
    pthread_mutex_t lock; /* of all of it */
    struct tables tables;
    int is_started, is_made, has_writer;
    int fd;      /* of the file; -1: none */
    off_t taken; /* bytes of it that are in the tables */
};

struct session {
    struct shared *shared;
    int kind;
    int lock_fd;
};

static void shared_end(void *memory)
{
    struct shared *shared = memory;

    if (!shared->is_started)
        return;
    tables_free(&shared->tables);
    if (shared->fd >= 0)
        close(shared->fd);
    pthread_mutex_destroy(&shared->lock);
}

static int memory_open(struct scrip_ctx *ctx)
{
    struct session *session = store_grow(NULL, sizeof *session);

    *session = (struct session){ ctx->host->shared(ctx, sizeof(struct shared), shared_end), SCRIP_SESSION_READ, -1 };
    if (!session->shared->is_started) {
        pthread_mutex_init(&session->shared->lock, NULL);
        session->shared->tables.host = ctx->host;
        session->shared->fd = -1;
        session->shared->is_started = 1;
    }
    ctx->self = session;
    return SCRIP_OK;
}

static void memory_close(struct scrip_ctx *ctx)
{
    struct session *session = ctx->self;

    if (session == NULL)
        return;
    pthread_mutex_lock(&session->shared->lock);
    if (session->kind != SCRIP_SESSION_READ)
        session->shared->has_writer = 0;
    pthread_mutex_unlock(&session->shared->lock);
    if (session->lock_fd >= 0)
        close(session->lock_fd);
    free(session);
    ctx->self = NULL;
}

/* ---- begin ---------------------------------------------------------------------------------------------------- */

static int file_begin(struct scrip_ctx *ctx, struct session *session, int kind)
{
    struct shared *shared = session->shared;
    const char *file = ctx->host->option_text(ctx, "file");
    int code = store_file(ctx, file, kind);

    if (code == SCRIP_OK && kind != SCRIP_SESSION_READ)
        code = store_lock(ctx, file, &session->lock_fd);
    if (code == SCRIP_OK && shared->fd < 0) {
        code = journal_open(ctx, file, kind, &shared->fd);
        shared->taken = JOURNAL_START;
    }
    if (code == SCRIP_OK)
        code = journal_read(&shared->tables, ctx, file, shared->fd, &shared->taken);
    /* What a killed writer left behind the last whole record goes. */
    if (code == SCRIP_OK && kind != SCRIP_SESSION_READ && ftruncate(shared->fd, shared->taken) != 0)
        code = scrip_fail(ctx, SCRIP_EIO, "%s: %s", file, strerror(errno));
    return code;
}

static int memory_begin(struct scrip_ctx *ctx, int kind)
{
    struct session *session = ctx->self;
    struct shared *shared = session->shared;
    int has_file = ctx->host->option_given(ctx, "file"), code = SCRIP_OK;

    pthread_mutex_lock(&shared->lock);
    if (kind != SCRIP_SESSION_READ && shared->has_writer)
        code = scrip_fail(ctx, SCRIP_EBUSY, "memory: another session writes to it: wait until it is done");
    else if (has_file)
        code = file_begin(ctx, session, kind);
    else if (kind == SCRIP_SESSION_INIT)
        shared->is_made = 1;
    else if (!shared->is_made)
        code = scrip_fail(ctx, SCRIP_ENOTFOUND,
                          "memory: nothing is kept from one command to the next: give it a file, or ask in"
                          " the program that writes");
    if (code == SCRIP_OK && kind != SCRIP_SESSION_READ) {
        session->kind = kind;
        shared->has_writer = 1;
    }
    pthread_mutex_unlock(&shared->lock);
    return code == SCRIP_OK && !has_file ? SCRIP_VOLATILE : code;
}

/* A reading session sees what another process has written meanwhile. Locked. */
static int catch_up(struct scrip_ctx *ctx, struct session *session)
{
    struct shared *shared = session->shared;

    if (shared->fd < 0 || shared->has_writer)
        return SCRIP_OK;
    return journal_read(&shared->tables, ctx, ctx->host->option_text(ctx, "file"), shared->fd, &shared->taken);
}

/* ---- commits -------------------------------------------------------------------------------------------------- */

static int memory_commit(struct scrip_ctx *ctx, const struct scrip_commit *c)
{
    struct session *session = ctx->self;
    struct shared *shared = session->shared;
    struct tables *t = &shared->tables;
    int code;

    pthread_mutex_lock(&shared->lock);
    code = commit_try(t, ctx, c);
    if (code == SCRIP_OK && shared->fd >= 0) {
        commit_write(t, c);
        code = journal_write(ctx, ctx->host->option_text(ctx, "file"), shared->fd, shared->taken, t->scratch,
                             t->scratch_size);
        if (code == SCRIP_OK)
            shared->taken += (off_t)t->scratch_size;
        t->scratch_size = 0;
    }
    if (code == SCRIP_OK)
        commit_keep(t, c);
    else
        steps_undo(t);
    pthread_mutex_unlock(&shared->lock);
    return code;
}

/* ---- scans ---------------------------------------------------------------------------------------------------- */

/* The rows that a scan yields, as pointers taken at its start. */
struct picked {
    const struct row **rows;
    size_t count, room;
};

static int is_wanted(const struct scrip_scan *scan, const void *fields)
{
    const struct scrip_claim_row *claim = fields;
    const struct scrip_usage_row *usage = fields;

    switch (scan->table) {
    case SCRIP_TABLE_DAYS:
    case SCRIP_TABLE_MONTHS:
        return usage->period >= scan->from_period && usage->period <= scan->to_period &&
               (scan->account == NULL || strcmp(usage->account->text, scan->account) == 0);
    case SCRIP_TABLE_CLAIMS:
        if (scan->account != NULL && scan->id != NULL)
            return claim->id_size == strlen(scan->id) && memcmp(claim->id, scan->id, claim->id_size) == 0;
        return scan->account == NULL || !scan->only_open || claim->stage == SCRIP_CLAIM_OPEN;
    case SCRIP_TABLE_ENTRIES:
        return scan->account == NULL || scan->of == 0 || ((const struct scrip_entry_row *)fields)->of == scan->of;
    default:
        return 1;
    }
}

/* The place of the first row whose number is not below. */
static size_t number_place(const struct list *list, uint32_t table, uint64_t number)
{
    size_t low = 0, high = list->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (number_at(list->rows[middle]->fields, scrip_tables[table].number) < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void list_pick(struct list *list, const struct scrip_scan *scan, struct picked *picked)
{
    uint32_t table = (uint32_t)scan->table;
    size_t from = 0, to = list->count;
    int is_down = scan->account && scan->descending &&
                  (table == SCRIP_TABLE_EVENTS || table == SCRIP_TABLE_CHECKPOINTS || table == SCRIP_TABLE_BATCHES);

    list_sort(list);
    if (scan->account != NULL && scrip_tables[table].number != SCRIP_NO_NUMBER) {
        from = number_place(list, table, scan->from_number);
        if (scan->to_number != 0 && scan->to_number != UINT64_MAX)
            to = number_place(list, table, scan->to_number + 1);
    }
    for (size_t i = from; i < to; i++) {
        const struct row *row = list->rows[is_down ? to - 1 - (i - from) : i];

        if (!is_wanted(scan, row->fields))
            continue;
        if (picked->count == picked->room) {
            picked->room = picked->room ? picked->room * 2 : (to - from < 64 ? 64 : to - from);
            picked->rows = store_grow(picked->rows, picked->room * sizeof(struct row *));
        }
        picked->rows[picked->count++] = row;
    }
}

static void scan_pick(struct scrip_ctx *ctx, struct tables *t, const struct scrip_scan *scan, struct picked *picked)
{
    uint32_t table = (uint32_t)scan->table;
    struct list *accounts = &t->lists[SCRIP_TABLE_ACCOUNTS];
    struct holder *holder;

    if (scan->account != NULL && table == SCRIP_TABLE_ACCOUNTS) {
        struct scrip_account_row wanted = { .name = ctx->host->name(ctx, scan->account, strlen(scan->account)) };
        struct row *row = key_find(t, table, &wanted, key_hash(t, table, &wanted));
        struct list one = { &row, row != NULL, 1, 0 };

        list_pick(&one, scan, picked);
    } else if (!is_held(table))
        list_pick(&t->lists[table], scan, picked);
    else if (scan->account != NULL) {
        holder = holder_find(t, ctx->host->name(ctx, scan->account, strlen(scan->account)));
        if (holder != NULL)
            list_pick(&holder->lists[table], scan, picked);
    } else {
        list_sort(accounts);
        for (size_t i = 0; i < accounts->count; i++) {
            holder = holder_find(t, ((const struct scrip_account_row *)fields_of(accounts->rows[i]))->name);
            if (holder != NULL)
                list_pick(&holder->lists[table], scan, picked);
        }
    }
}

static int memory_scan(struct scrip_ctx *ctx, const struct scrip_scan *scan)
{
    struct session *session = ctx->self;
    struct tables *t = &session->shared->tables;
    struct picked picked = { NULL, 0, 0 };
    int code;

    if (scan->table >= SCRIP_TABLE_COUNT)
        return scrip_fail(ctx, SCRIP_EINVALID, "scan: there is no table %llu", (unsigned long long)scan->table);
    pthread_mutex_lock(&session->shared->lock);
    code = catch_up(ctx, session);
    if (code == SCRIP_OK)
        scan_pick(ctx, t, scan, &picked);
    t->scans++;
    pthread_mutex_unlock(&session->shared->lock);
    for (size_t i = 0; i < picked.count && code == SCRIP_OK; i++)
        code = scan->row(scan->sink, picked.rows[i]->fields);
    pthread_mutex_lock(&session->shared->lock);
    t->scans--;
    garbage_free(t);
    pthread_mutex_unlock(&session->shared->lock);
    free(picked.rows);
    return code;
}

/* ---- single rows ---------------------------------------------------------------------------------------------- */

/* An event never changes, so it may be lent without the lock. */
static int memory_event_find(struct scrip_ctx *ctx, const char *account, const char *source, const char *id,
                             uint64_t id_size, const struct scrip_event_row **out)
{
    struct session *session = ctx->self;
    struct scrip_event_row wanted = { .account = ctx->host->name(ctx, account, strlen(account)),
                                      .source = ctx->host->name(ctx, source, strlen(source)),
                                      .id = id,
                                      .id_size = id_size };
    struct row *row = NULL;
    int code;

    pthread_mutex_lock(&session->shared->lock);
    code = catch_up(ctx, session);
    if (code == SCRIP_OK)
        row = identity_find(&session->shared->tables, &wanted);
    pthread_mutex_unlock(&session->shared->lock);
    if (row != NULL)
        *out = fields_of(row);
    return code < 0 ? code : row ? SCRIP_OK : SCRIP_ENOTFOUND;
}

static int memory_source_last(struct scrip_ctx *ctx, const char *source, char *out)
{
    struct session *session = ctx->self;
    const struct scrip_name *name = ctx->host->name(ctx, source, strlen(source));
    struct tables *t = &session->shared->tables;
    int code;

    out[0] = 0;
    pthread_mutex_lock(&session->shared->lock);
    code = catch_up(ctx, session);
    if (code == SCRIP_OK && name->number < t->tops_room && t->tops[name->number] != NULL)
        memcpy(out, t->tops[name->number], strlen(t->tops[name->number]) + 1);
    pthread_mutex_unlock(&session->shared->lock);
    return code;
}

static int memory_state_find(struct scrip_ctx *ctx, const char *account, const char *service, const void *key,
                             uint64_t key_size, void *value, uint64_t *size, int64_t *discard_after_us)
{
    struct session *session = ctx->self;
    struct tables *t = &session->shared->tables;
    struct scrip_state_row wanted = { .account = ctx->host->name(ctx, account, strlen(account)),
                                      .service = ctx->host->name(ctx, service, strlen(service)),
                                      .key = key,
                                      .key_size = key_size };
    const struct scrip_state_row *found;
    struct row *row = NULL;
    int code;

    pthread_mutex_lock(&session->shared->lock);
    code = catch_up(ctx, session);
    if (code == SCRIP_OK) {
        row = key_find(t, SCRIP_TABLE_STATES, &wanted, key_hash(t, SCRIP_TABLE_STATES, &wanted));
        code = row ? SCRIP_OK : SCRIP_ENOTFOUND;
    }
    found = row ? fields_of(row) : NULL;
    if (found != NULL && found->value_size > *size)
        code = scrip_fail(ctx, SCRIP_ELIMIT, "state: a value of %llu bytes", (unsigned long long)found->value_size);
    else if (found != NULL)
        memcpy(value, found->value, found->value_size);
    if (found != NULL) {
        *size = found->value_size;
        *discard_after_us = found->discard_after_us;
    }
    pthread_mutex_unlock(&session->shared->lock);
    return code;
}

static int memory_cursor_find(struct scrip_ctx *ctx, const char *source, const char *feed, struct scrip_cursor *out)
{
    struct session *session = ctx->self;
    struct tables *t = &session->shared->tables;
    struct scrip_cursor_row wanted = { .source = ctx->host->name(ctx, source, strlen(source)), .feed = feed };
    struct row *row = NULL;
    int code;

    pthread_mutex_lock(&session->shared->lock);
    code = catch_up(ctx, session);
    if (code == SCRIP_OK)
        row = key_find(t, SCRIP_TABLE_CURSORS, &wanted, key_hash(t, SCRIP_TABLE_CURSORS, &wanted));
    if (row != NULL)
        *out = ((const struct scrip_cursor_row *)fields_of(row))->cursor;
    pthread_mutex_unlock(&session->shared->lock);
    return code < 0 ? code : row ? SCRIP_OK : SCRIP_ENOTFOUND;
}

/* ---- checks --------------------------------------------------------------------------------------------------- */

/* The file's records carry hashes of their own; here is what rows of different tables say of each other. */
static void account_check(const struct tables *t, const struct scrip_account_row *row,
                          int (*finding)(void *, const char *), void *sink)
{
    static const uint32_t counted[] = { SCRIP_TABLE_EVENTS, SCRIP_TABLE_ENTRIES, SCRIP_TABLE_TIMERS };
    const uint64_t said[] = { row->event_count, row->entry_count, row->timer_count };
    const struct holder *holder = holder_find(t, row->name);
    char text[512];

    for (int i = 0; i < 3; i++) {
        uint64_t there = holder ? holder->lists[counted[i]].count : 0;

        if (there == said[i])
            continue;
        snprintf(text, sizeof text, "accounts: '%s': has %llu %s, not %llu", row->name->text, (unsigned long long)there,
                 scrip_tables[counted[i]].name, (unsigned long long)said[i]);
        finding(sink, text);
    }
}

static int memory_check(struct scrip_ctx *ctx, int (*finding)(void *sink, const char *text), void *sink)
{
    struct session *session = ctx->self;
    struct tables *t = &session->shared->tables;
    int code;

    pthread_mutex_lock(&session->shared->lock);
    code = catch_up(ctx, session);
    for (size_t i = 0; i < t->lists[SCRIP_TABLE_ACCOUNTS].count && code == SCRIP_OK; i++)
        account_check(t, fields_of(t->lists[SCRIP_TABLE_ACCOUNTS].rows[i]), finding, sink);
    pthread_mutex_unlock(&session->shared->lock);
    return code;
}

#endif
