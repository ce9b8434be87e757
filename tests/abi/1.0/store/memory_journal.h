/* memory_journal.h - the file of a memory store that is to outlive its program: each commit, one after the other.
 *
 *     "scrip memory 1\n\0"   size hash lists   size hash lists ...
 *
 * A record that breaks off at the file's end was never acknowledged: its writer was killed. The rows are in the order
 * and the bytes of this machine: the file is no format for exchange. */
#ifndef SCRIP_MEMORY_JOURNAL_H
#define SCRIP_MEMORY_JOURNAL_H

#include "memory_commit.h"

#include <stdio.h>
#include <sys/stat.h>

#define JOURNAL_MARK "scrip memory 1\n"
#define JOURNAL_START 16 /* bytes, with its NUL */
#define RECORD_HEAD 16   /* size, hash */

/* ---- writing -------------------------------------------------------------------------------------------------- */

static void bytes_write(struct tables *t, const void *bytes, uint64_t size)
{
    scratch_number(t, size);
    scratch_add(t, bytes, size);
}

static void row_write(struct tables *t, uint32_t table, const void *fields)
{
    for (uint32_t m = 0; m < scrip_tables[table].member_count; m++) {
        const struct scrip_member *member = &scrip_tables[table].members[m];

        switch (member->kind) {
        case SCRIP_MEMBER_NAME:
            bytes_write(t, name_at(fields, member->at)->text, name_at(fields, member->at)->size);
            break;
        case SCRIP_MEMBER_BYTES:
            bytes_write(t, text_at(fields, member->at), number_at(fields, member->size));
            break;
        case SCRIP_MEMBER_TEXT:
            bytes_write(t, text_at(fields, member->at), strlen(text_at(fields, member->at)));
            break;
        default:
            scratch_add(t, (const char *)fields + member->at, member->size);
        }
    }
    if (table == SCRIP_TABLE_ACCOUNTS)
        scratch_number(t, ((const struct scrip_account_row *)fields)->first_number);
}

/* The commit as a record, in the scratch. */
static void commit_write(struct tables *t, const struct scrip_commit *c)
{
    uint64_t size, hash;

    t->scratch_size = 0;
    scratch_number(t, 0);
    scratch_number(t, 0);
    scratch_number(t, (uint64_t)c->recorded_us);
    scratch_number(t, c->settled_count);
    for (uint64_t i = 0; i < c->settled_count; i++)
        scratch_add(t, c->settled[i].key, sizeof c->settled[i].key);
    for (uint32_t table = 0; table < SCRIP_TABLE_COUNT; table++) {
        uint64_t count = number_at(c, scrip_tables[table].count);

        scratch_number(t, count);
        for (uint64_t i = 0; i < count; i++)
            row_write(t, table, text_at(c, scrip_tables[table].rows) + i * scrip_tables[table].row_size);
    }
    size = t->scratch_size - RECORD_HEAD;
    hash = t->host->hash(t->scratch + RECORD_HEAD, size);
    memcpy(t->scratch, &size, sizeof size);
    memcpy(t->scratch + sizeof size, &hash, sizeof hash);
}

/* All of it on the disk, or the file as it was. */
static int journal_write(struct scrip_ctx *ctx, const char *file, int fd, off_t at, const uint8_t *bytes, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = pwrite(fd, bytes + done, size - done, at + (off_t)done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    if (done == size && fdatasync(fd) == 0)
        return SCRIP_OK;
    scrip_fail(ctx, SCRIP_EIO, "%s: %s", file, strerror(errno));
    if (ftruncate(fd, at) != 0)
        scrip_fail(ctx, SCRIP_EIO, "%s: %s, nor can what was begun be taken back: run scrip verify", file,
                   strerror(errno));
    return SCRIP_EIO;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

struct reading {
    struct tables *t;
    struct scrip_ctx *ctx;
    const uint8_t *at, *end;
    int is_bad;
};

static const uint8_t *bytes_take(struct reading *r, uint64_t size)
{
    const uint8_t *bytes = r->at;

    if (size > (uint64_t)(r->end - r->at)) {
        r->is_bad = 1;
        return NULL;
    }
    r->at += size;
    return bytes;
}

static uint64_t number_take(struct reading *r)
{
    const uint8_t *bytes = bytes_take(r, 8);
    uint64_t number = 0;

    if (bytes != NULL)
        memcpy(&number, bytes, sizeof number);
    return number;
}

/* A text of a row needs its NUL: what is read here lives in *texts until the row was copied. */
static void row_take(struct reading *r, uint32_t table, char *fields, char **texts)
{
    for (uint32_t m = 0; m < scrip_tables[table].member_count && !r->is_bad; m++) {
        const struct scrip_member *member = &scrip_tables[table].members[m];
        int is_fixed = member->kind == SCRIP_MEMBER_NUMBER || member->kind == SCRIP_MEMBER_FIXED;
        uint64_t size = is_fixed ? member->size : number_take(r);
        const uint8_t *bytes = bytes_take(r, size);
        const struct scrip_name *name;

        if (bytes == NULL)
            return;
        if (is_fixed)
            memcpy(fields + member->at, bytes, size);
        else if (member->kind == SCRIP_MEMBER_NAME) {
            name = r->ctx->host->name(r->ctx, (const char *)bytes, size);
            memcpy(fields + member->at, &name, sizeof name);
        } else {
            char *text = *texts;

            memcpy(text, bytes, size);
            text[size] = 0;
            *texts += size + 1;
            memcpy(fields + member->at, &text, sizeof text);
            if (member->kind == SCRIP_MEMBER_BYTES)
                memcpy(fields + member->size, &size, sizeof size);
        }
    }
    if (table == SCRIP_TABLE_ACCOUNTS)
        ((struct scrip_account_row *)(void *)fields)->first_number = number_take(r);
}

static void list_take(struct reading *r, uint32_t table, struct scrip_commit *c, char **texts)
{
    const struct scrip_table_rows *rows = &scrip_tables[table];
    uint64_t count = number_take(r);
    char *list;

    if (count > (uint64_t)(r->end - r->at)) {
        r->is_bad = 1;
        return;
    }
    list = store_grow(NULL, (size_t)count * rows->row_size);
    memset(list, 0, (size_t)count * rows->row_size);
    memcpy((char *)c + rows->rows, &list, sizeof list);
    memcpy((char *)c + rows->count, &count, sizeof count);
    for (uint64_t i = 0; i < count && !r->is_bad; i++)
        row_take(r, table, list + i * rows->row_size, texts);
}

/* One commit again, as it was. */
static int commit_read(struct tables *t, struct scrip_ctx *ctx, const uint8_t *bytes, size_t size)
{
    struct reading r = { t, ctx, bytes, bytes + size, 0 };
    struct scrip_commit c = { .recorded_us = (int64_t)number_take(&r) };
    struct scrip_quarantine_row *settled;
    uint64_t settled_count = number_take(&r);
    char *texts = store_grow(NULL, size * 2 + 1),
         *text = texts; /* each text had its size before it: room for its NUL */
    int code;

    settled_count = settled_count > size ? 0 : settled_count;
    settled = store_grow(NULL, (size_t)settled_count * sizeof *settled);
    for (uint64_t i = 0; i < settled_count && !r.is_bad; i++) {
        const uint8_t *key = bytes_take(&r, sizeof settled[i].key);

        if (key != NULL)
            memcpy(settled[i].key, key, sizeof settled[i].key);
    }
    c.settled = settled;
    c.settled_count = settled_count;
    for (uint32_t table = 0; table < SCRIP_TABLE_COUNT && !r.is_bad; table++)
        list_take(&r, table, &c, &text);
    code = r.is_bad ? SCRIP_EIO : commit_try(t, ctx, &c);
    if (code == SCRIP_OK)
        commit_keep(t, &c);
    else
        steps_undo(t);
    for (uint32_t table = 0; table < SCRIP_TABLE_COUNT; table++) {
        void *list;

        memcpy(&list, (char *)&c + scrip_tables[table].rows, sizeof list);
        free(list);
    }
    free(settled);
    free(texts);
    return code;
}

/* Brings in what the file holds behind *at. A record that breaks off at the end is left: it may still be on its way. */
static int journal_read(struct tables *t, struct scrip_ctx *ctx, const char *file, int fd, off_t *at)
{
    struct stat info;
    uint64_t head[2];
    uint8_t *bytes = NULL;
    int code = SCRIP_OK;

    if (fstat(fd, &info) != 0)
        return scrip_fail(ctx, SCRIP_EIO, "%s: %s", file, strerror(errno));
    while (code == SCRIP_OK && info.st_size - *at >= RECORD_HEAD) {
        if (pread(fd, head, sizeof head, *at) != (ssize_t)sizeof head)
            code = scrip_fail(ctx, SCRIP_EIO, "%s: %s", file, strerror(errno));
        else if (head[0] > (uint64_t)(info.st_size - *at - RECORD_HEAD))
            break;
        if (code < 0)
            break;
        bytes = store_grow(bytes, (size_t)head[0]);
        if (pread(fd, bytes, (size_t)head[0], *at + RECORD_HEAD) != (ssize_t)head[0])
            code = scrip_fail(ctx, SCRIP_EIO, "%s: cannot be read at byte %lld", file, (long long)*at);
        else if (t->host->hash(bytes, head[0]) == head[1])
            code = commit_read(t, ctx, bytes, (size_t)head[0]);
        else if (*at + RECORD_HEAD + (off_t)head[0] == info.st_size)
            break;
        else
            code = SCRIP_EIO;
        if (code < 0)
            code = scrip_fail(ctx, SCRIP_EIO, "%s: damaged at byte %lld: take it from a copy", file, (long long)*at);
        else
            *at += RECORD_HEAD + (off_t)head[0];
    }
    free(bytes);
    return code;
}

/* A file that is there already must be one of ours. */
static int journal_open(struct scrip_ctx *ctx, const char *file, int session, int *fd)
{
    char mark[JOURNAL_START] = { 0 };
    struct stat info;

    int code = SCRIP_OK;

    *fd = open(file, O_RDWR | O_CLOEXEC);
    if (*fd < 0 || fstat(*fd, &info) != 0)
        code = scrip_fail(ctx, SCRIP_EIO, "%s: %s", file, strerror(errno));
    else if (info.st_size == 0 && session == SCRIP_SESSION_INIT)
        code = journal_write(ctx, file, *fd, 0, (const uint8_t *)JOURNAL_MARK, JOURNAL_START);
    else if (info.st_size == 0)
        code = scrip_fail(ctx, SCRIP_ENOTFOUND, "%s: is empty: run scrip init", file);
    else if (pread(*fd, mark, sizeof mark, 0) != (ssize_t)sizeof mark || memcmp(mark, JOURNAL_MARK, sizeof mark) != 0)
        code = scrip_fail(ctx, SCRIP_EVERSION,
                          "%s: is a file of something else, or of another scrip: name another file", file);
    if (code < 0 && *fd >= 0) {
        close(*fd);
        *fd = -1;
    }
    return code;
}

#endif
