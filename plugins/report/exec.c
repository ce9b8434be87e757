/* exec.c - the report `exec`: an answer as JSON lines to the standard input of any program; what it writes is the
 * report. Or deliveries: the program is run for each, with one CloudEvent on its standard input, and takes it by ending
 * with 0.
 *
 * Of a report first a line {"title": ..., "columns": [{"name": ..., "type": "text"|"number"|"time"}]}, then one object a row; a number is an
 * exact decimal as text. A program that fails fails the report.
 */
#include "../process.h"
#include "json_text.h"

#include <poll.h>

static const struct scrip_option options[] = {
    PROCESS_OPTIONS,
    { "folder", SCRIP_OPTION_PATH, ".", NULL, 0, "where the program runs, relative to the configuration file" },
    { "timeout", SCRIP_OPTION_DURATION, "30s", NULL, 0, "for each delivery: a program that takes longer is ended" },
    SCRIP_OPTIONS_END,
};

#define BUFFER_SIZE 65536

struct exec {
    struct process process;
    char **names;
    uint64_t count;
    size_t used;
    char buffer[BUFFER_SIZE];
};

static void names_free(struct exec *self)
{
    for (uint64_t i = 0; i < self->count; i++)
        free(self->names[i]);
    free(self->names);
    self->names = NULL;
    self->count = 0;
}

static int exec_open(struct scrip_ctx *ctx)
{
    struct exec *self = calloc(1, sizeof *self);

    if (self == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "no memory for a report");
    self->process = (struct process)PROCESS_NONE;
    ctx->self = self;
    return SCRIP_OK;
}

static void exec_close(struct scrip_ctx *ctx)
{
    struct exec *self = ctx->self;

    if (self != NULL) {
        process_end(&self->process, 1);
        names_free(self);
    }
    free(self);
    ctx->self = NULL;
}

/* What the program wrote goes on. 0: it has closed its output. */
static int answer_pass(struct scrip_ctx *ctx)
{
    struct exec *self = ctx->self;
    char bytes[BUFFER_SIZE];
    ssize_t n = read(self->process.out, bytes, sizeof bytes);
    int code;

    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? 1 : scrip_fail(ctx, SCRIP_EIO, "the program's answer: %s", strerror(errno));
    if (n == 0) {
        process_fd_close(&self->process.out);
        return 0;
    }
    code = ctx->host->write(ctx, bytes, (uint64_t)n);
    return code < 0 ? code : 1;
}

/* Sends what is in the buffer, and takes what comes meanwhile, so that neither waits for the other for ever. A program that reads
 * no further is not sent the rest: its end tells whether that is a fault. */
static int buffer_send(struct scrip_ctx *ctx)
{
    struct exec *self = ctx->self;
    size_t sent = 0;

    while (sent < self->used && self->process.in >= 0) {
        struct pollfd ends[] = { { self->process.in, POLLOUT, 0 }, { self->process.out, POLLIN, 0 } };
        ssize_t n;
        int code;

        if (poll(ends, 2, -1) < 0 && errno != EINTR)
            return scrip_fail(ctx, SCRIP_EIO, "poll: %s", strerror(errno));
        if ((ends[1].revents & (POLLIN | POLLHUP)) && (code = answer_pass(ctx)) < 0)
            return code;
        if (!(ends[0].revents & (POLLOUT | POLLERR | POLLHUP)))
            continue;
        n = send(self->process.in, self->buffer + sent, self->used - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0)
            sent += (size_t)n;
        else if (errno != EAGAIN && errno != EINTR)
            process_fd_close(&self->process.in);
    }
    self->used = 0;
    return SCRIP_OK;
}

static int put(struct scrip_ctx *ctx, const void *bytes, uint64_t size)
{
    struct exec *self = ctx->self;
    const char *at = bytes;

    while (size > 0) {
        size_t room = BUFFER_SIZE - self->used, part = size < room ? (size_t)size : room;
        int code;

        memcpy(self->buffer + self->used, at, part);
        self->used += part;
        at += part;
        size -= part;
        if (self->used == BUFFER_SIZE && (code = buffer_send(ctx)) < 0)
            return code;
    }
    return SCRIP_OK;
}

static int put_text(struct scrip_ctx *ctx, const char *text)
{
    return put(ctx, text, strlen(text));
}

static int exec_begin(struct scrip_ctx *ctx, const char *title, const struct scrip_column *columns, uint64_t column_count)
{
    static const char *const types[] = { "none", "text", "number", "time" };
    struct exec *self = ctx->self;
    char *const none[] = { NULL };
    int code = process_start(ctx, &self->process, ctx->host->option_text(ctx, "folder"), none, 1);

    self->used = 0;
    names_free(self);
    self->names = calloc(column_count + 1, sizeof *self->names);
    if (self->names == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "no memory for a report");
    if (code == SCRIP_OK)
        code = put_text(ctx, "{\"title\":");
    if (code == SCRIP_OK)
        code = json_string(ctx, put, title ? title : "");
    if (code == SCRIP_OK)
        code = put_text(ctx, ",\"columns\":[");
    for (uint64_t i = 0; i < column_count && code == SCRIP_OK; i++) {
        if ((self->names[i] = strdup(columns[i].name)) == NULL)
            return scrip_fail(ctx, SCRIP_ENOMEM, "no memory for a report");
        self->count++;
        code = put_text(ctx, i ? ",{\"name\":" : "{\"name\":");
        if (code == SCRIP_OK)
            code = json_string(ctx, put, columns[i].name);
        if (code == SCRIP_OK)
            code = put_text(ctx, ",\"type\":");
        if (code == SCRIP_OK)
            code = json_string(ctx, put, types[columns[i].type < 4 ? columns[i].type : 0]);
        if (code == SCRIP_OK)
            code = put_text(ctx, "}");
    }
    return code < 0 ? code : put_text(ctx, "]}\n");
}

static int exec_row(struct scrip_ctx *ctx, const struct scrip_cell *cells, uint64_t cell_count)
{
    struct exec *self = ctx->self;
    int code = put_text(ctx, "{");

    for (uint64_t i = 0; i < self->count && i < cell_count && code == SCRIP_OK; i++) {
        code = i ? put_text(ctx, ",") : SCRIP_OK;
        if (code == SCRIP_OK)
            code = json_string(ctx, put, self->names[i]);
        if (code == SCRIP_OK)
            code = put_text(ctx, ":");
        if (code == SCRIP_OK)
            code = cells[i].type == SCRIP_CELL_NONE ? put_text(ctx, "null") : json_string(ctx, put, cells[i].text);
    }
    return code < 0 ? code : put_text(ctx, "}\n");
}

static int exec_end(struct scrip_ctx *ctx)
{
    struct exec *self = ctx->self;
    int code = buffer_send(ctx);
    char why[32];

    process_fd_close(&self->process.in);
    while (code >= 0 && self->process.out >= 0)
        code = answer_pass(ctx);
    process_end(&self->process, code < 0);
    if (code >= 0 && self->process.status != 0)
        code = scrip_fail(ctx, SCRIP_EIO, "%s: ended with %s: the report is not whole", ctx->host->option_text(ctx, "command"),
                          process_end_text(&self->process, why));
    return code < 0 ? code : SCRIP_OK;
}

/* ---- deliveries ---------------------------------------------------------------------------------------------- */

#define SAID_SIZE 160 /* bytes of what it wrote that are shown */
#define TEMPORARY_END 75 /* as sysexits.h has it: later it may go */

/* The body goes in and what the program writes is taken, until it writes no more. */
static int delivery_pass(struct scrip_ctx *ctx, const struct scrip_delivery *delivery, int64_t until_us,
                         char said[SAID_SIZE + 1])
{
    struct process *process = &((struct exec *)ctx->self)->process;
    size_t sent = 0, kept = 0;

    while (process->out >= 0) {
        struct pollfd ends[] = { { process->out, POLLIN, 0 }, { process->in, POLLOUT, 0 } };
        int64_t left_us = until_us - process_clock_us();
        char bytes[4096];
        ssize_t n;

        if (left_us <= 0)
            return scrip_fail(ctx, SCRIP_EIO, "the program took longer than its timeout");
        if (poll(ends, process->in >= 0 ? 2 : 1, (int)(left_us / 1000 + 1)) < 0 && errno != EINTR)
            return scrip_fail(ctx, SCRIP_EIO, "poll: %s", strerror(errno));
        if (process->in >= 0 && ends[1].revents) {
            n = send(process->in, delivery->body + sent, delivery->size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
            sent += n > 0 ? (size_t)n : 0;
            if (sent == delivery->size || (n < 0 && errno != EAGAIN && errno != EINTR))
                process_fd_close(&process->in); /* who reads no further may have read enough */
        }
        if (!ends[0].revents)
            continue;
        n = read(process->out, bytes, sizeof bytes);
        for (ssize_t i = 0; i < n && kept < SAID_SIZE; i++)
            said[kept++] = bytes[i] >= 0x20 && bytes[i] < 0x7f ? bytes[i] : ' ';
        said[kept] = 0;
        if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
            process_fd_close(&process->out);
    }
    process_fd_close(&process->in);
    return SCRIP_OK;
}

/* 126 and 127 are the shell's: it could not run the command at all. */
static int delivery_end(struct scrip_ctx *ctx, const struct process *process, const char *said)
{
    int ended = WIFEXITED(process->status) ? WEXITSTATUS(process->status) : -1;
    int code = ended == 126 || ended == 127 || ended == TEMPORARY_END ? SCRIP_EIO : SCRIP_EREFUSED;
    char why[32];

    if (ended == 0)
        return SCRIP_OK;
    return scrip_fail(ctx, code, "the program ended with %s%s%s", process_end_text(process, why), said[0] ? ": " : "",
                      said);
}

static int exec_deliver(struct scrip_ctx *ctx, const struct scrip_delivery *delivery)
{
    struct exec *self = ctx->self;
    int64_t until_us = process_clock_us() + ctx->host->option_int(ctx, "timeout");
    char id[2048], signature[256], said[SAID_SIZE + 1] = "";
    char *const variables[] = { id, signature, NULL };
    int code;

    snprintf(id, sizeof id, "SCRIP_DELIVERY=%s", delivery->id);
    snprintf(signature, sizeof signature, "SCRIP_SIGNATURE=%s", delivery->signature);
    code = process_start(ctx, &self->process, ctx->host->option_text(ctx, "folder"), variables, 1);
    if (code == SCRIP_OK)
        code = delivery_pass(ctx, delivery, until_us, said);
    if (code == SCRIP_OK && !process_wait(&self->process, until_us))
        code = scrip_fail(ctx, SCRIP_EIO, "the program took longer than its timeout");
    if (code == SCRIP_OK)
        return delivery_end(ctx, &self->process, said);
    process_end(&self->process, 1);
    return code;
}

SCRIP_REPORT_PLUGIN("exec", "JSON lines to any program, which writes the report; or runs it for each delivery",
                    .options = options, .open = exec_open, .close = exec_close, .begin = exec_begin, .row = exec_row,
                    .end = exec_end, .deliver = exec_deliver);
