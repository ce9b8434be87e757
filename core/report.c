/* report.c - answers through report plugins: to a caller's function, to files, to standard output. */
#include "ask.h"
#include "outbox.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

const struct scrip_option report_keys[] = {
    { "query", SCRIP_OPTION_CHOICE, "balance", "balance,usage,expiring,events,quarantine", 0, "what it reports" },
    { "by", SCRIP_OPTION_TEXT, NULL, NULL, 0, "usage: dimensions; balance: grant, or class" },
    { "account", SCRIP_OPTION_NAME, NULL, NULL, 0, "one account only" },
    { "as_of", SCRIP_OPTION_TIME, NULL, NULL, 0, "balance at this instant, with what falls due at it" },
    { "before", SCRIP_OPTION_TIME, NULL, NULL, 0, "balance at this instant, without what falls due at it" },
    { "from", SCRIP_OPTION_TIME, NULL, NULL, 0, "from this instant on" },
    { "to", SCRIP_OPTION_TIME, NULL, NULL, 0, "before this instant" },
    { "outcome", SCRIP_OPTION_TEXT, NULL, NULL, 0, "events with this outcome" },
    { "where", SCRIP_OPTION_LIST, NULL, NULL, 0, "usage: DIMENSION=VALUE" },
    { "file", SCRIP_OPTION_PATH, NULL, NULL, 0, "where it goes; absent: standard output" },
    { "events", SCRIP_OPTION_LIST, NULL, NULL, 0,
      "no report: delivers events with these outcomes: charged, zero, applied, refused, or all" },
    { "alert.*", SCRIP_OPTION_TEXT, NULL, NULL, 0,
      "no report: tells once of each: balance CURRENCY below N, or N%; expiring CURRENCY within DURATION; burn "
      "CURRENCY "
      "above N per DURATION; hold CURRENCY longer DURATION" },
    { "since", SCRIP_OPTION_TIME, NULL, NULL, 0, "delivers nothing that happened before" },
    { "key_file", SCRIP_OPTION_PATH, NULL, NULL, 0,
      "signs what it delivers with the key in this file, which only its owner may read" },
    { "key_env", SCRIP_OPTION_NAME, NULL, NULL, 0, "the same: the variable of the environment that has the key" },
    { "tries", SCRIP_OPTION_INT, "40", NULL, 0, "how often a delivery is tried until it is given up" },
    { "first_wait", SCRIP_OPTION_DURATION, "10s", NULL, 0, "before the second try; each wait is twice the one before" },
    { "most_wait", SCRIP_OPTION_DURATION, "1h", NULL, 0, "the longest wait between two tries" },
    SCRIP_OPTIONS_END,
};

/* Where the bytes of a report go while it is written. */
struct report_call {
    int (*write)(void *sink, const char *bytes, uint64_t size);
    void *sink;
};

int report_write(struct scrip_ctx *ctx, const void *bytes, uint64_t size)
{
    struct report_call *call = ((struct instance *)ctx->host_private)->call;

    if (call == NULL)
        return scrip_fail(ctx, SCRIP_EINVALID, "write: only while a report is written");
    if (call->write(call->sink, bytes, size) != 0)
        return scrip_fail(ctx, SCRIP_EIO, "write: the output could not be written");
    return SCRIP_OK;
}

static int begin(void *sink, const char *title, const struct scrip_column *columns, uint64_t column_count)
{
    struct instance *report = sink;

    return report->plugin->api.report.begin
               ? report->plugin->api.report.begin(&report->ctx, title, columns, column_count)
               : SCRIP_OK;
}

static int row(void *sink, const struct scrip_cell *cells, uint64_t cell_count)
{
    struct instance *report = sink;

    return report->plugin->api.report.row(&report->ctx, cells, cell_count);
}

static int end(void *sink)
{
    struct instance *report = sink;

    return report->plugin->api.report.end ? report->plugin->api.report.end(&report->ctx) : SCRIP_OK;
}

/* What is to be answered: a question, or an operation with a table of what it did. */
struct asking {
    struct scrip *scrip;
    const struct scrip_query *query;
    const struct scrip_rerate_options *rerate; /* NULL: the query */
    struct scrip_totals *totals;
    const struct scrip_migrate_options *migrate;
    const struct scrip_check_options *check;
    uint64_t *differences; /* of both */
    const struct scrip_reconcile_options *reconcile;
    struct scrip_reconcile_totals *reconciled;
};

static int report_run(const struct asking *asking, struct instance *report,
                      int (*write)(void *sink, const char *bytes, uint64_t size), void *sink, struct scrip_error *err)
{
    struct report_call call = { write, sink };
    struct scrip_answer answer = { begin, row, end, report };
    int code;

    error_clear(&report->error);
    error_clear(err);
    report->call = &call;
    code = asking->rerate      ? scrip_rerate(asking->scrip, asking->rerate, &answer, asking->totals, err)
           : asking->check     ? scrip_plugin_check(asking->check, &answer, asking->differences, err)
           : asking->reconcile ? scrip_reconcile(asking->scrip, asking->reconcile, &answer, asking->reconciled, err)
           : asking->migrate   ? scrip_migrate(asking->scrip, asking->migrate, &answer, asking->differences, err)
                               : scrip_ask(asking->scrip, asking->query, &answer, err);
    report->call = NULL;
    if (code < 0 && err->message[0] == 0)
        error_set(err, code, "report %s: %s", report->ctx.instance, report->error.message);
    return code;
}

static int print(const struct asking *asking, const char *format,
                 int (*write)(void *sink, const char *bytes, uint64_t size), void *sink, struct scrip_error *err)
{
    struct scrip *scrip = asking->scrip;
    struct instance *report = NULL;
    struct plugin *plugin;
    int code = registry_load(scrip->registry, SCRIP_REPORT, format, "format", &plugin, err);

    if (code == SCRIP_OK && plugin->api.report.row == NULL)
        code = error_set(err, SCRIP_EINVALID,
                         "format '%s': only delivers, and writes no tables: want table, csv or json", format);
    if (code == SCRIP_OK)
        code = instance_make(plugin, scrip->config, NULL, format, NULL, &host_table, scrip, &report, err);
    if (code == SCRIP_OK)
        code = instance_open(report, err);
    if (code == SCRIP_OK)
        code = report_run(asking, report, write, sink, err);
    if (report != NULL) {
        instance_close(report);
        instance_free(report);
    }
    return code;
}

int scrip_print(struct scrip *scrip, const struct scrip_query *query, const char *format,
                int (*write)(void *sink, const char *bytes, uint64_t size), void *sink, struct scrip_error *err)
{
    struct asking asking = { .scrip = scrip, .query = query };

    return print(&asking, format, write, sink, err);
}

int scrip_rerate_print(struct scrip *scrip, const struct scrip_rerate_options *options, const char *format,
                       int (*write)(void *sink, const char *bytes, uint64_t size), void *sink,
                       struct scrip_totals *totals, struct scrip_error *err)
{
    struct asking asking = { .scrip = scrip, .rerate = options, .totals = totals };

    return print(&asking, format, write, sink, err);
}

int scrip_reconcile_print(struct scrip *scrip, const struct scrip_reconcile_options *options, const char *format,
                          int (*write)(void *sink, const char *bytes, uint64_t size), void *sink,
                          struct scrip_reconcile_totals *totals, struct scrip_error *err)
{
    struct asking asking = { .scrip = scrip, .reconcile = options, .reconciled = totals };

    return print(&asking, format, write, sink, err);
}

int scrip_migrate_print(struct scrip *scrip, const struct scrip_migrate_options *options, const char *format,
                        int (*write)(void *sink, const char *bytes, uint64_t size), void *sink, uint64_t *differences,
                        struct scrip_error *err)
{
    struct asking asking = { .scrip = scrip, .migrate = options, .differences = differences };

    return print(&asking, format, write, sink, err);
}

int scrip_plugin_check_print(struct scrip *scrip, const struct scrip_check_options *options, const char *format,
                             int (*write)(void *sink, const char *bytes, uint64_t size), void *sink, uint64_t *broken,
                             struct scrip_error *err)
{
    struct asking asking = { .scrip = scrip, .check = options, .differences = broken };

    return print(&asking, format, write, sink, err);
}

/* ---- configured reports --------------------------------------------------------------------------------------- */

static int file_write(void *sink, const char *bytes, uint64_t size)
{
    return fwrite(bytes, 1, size, sink) == size ? 0 : -1;
}

static int64_t time_option(const struct instance *report, const char *key)
{
    const struct option_value *value = instance_option(report, key);

    return value && value->given ? value->number : SCRIP_TIME_NONE;
}

static const char *text_option(const struct instance *report, const char *key)
{
    const char *text = instance_text(report, key);

    return text[0] ? text : NULL;
}

static int report_ask(struct scrip *scrip, struct instance *report, FILE *out, struct scrip_error *err)
{
    static const int questions[] = { SCRIP_ASK_BALANCE, SCRIP_ASK_USAGE, SCRIP_ASK_EXPIRING, SCRIP_ASK_EVENTS,
                                     SCRIP_ASK_QUARANTINE };
    const struct option_value *where = instance_option(report, "where");
    struct asking asking = { .scrip = scrip };
    struct scrip_query query = { 0 };

    query.question = questions[instance_option(report, "query")->number];
    query.account = text_option(report, "account");
    query.by = text_option(report, "by");
    query.outcome = text_option(report, "outcome");
    query.as_of_us = time_option(report, "as_of");
    query.before_us = time_option(report, "before");
    query.from_us = time_option(report, "from");
    query.to_us = time_option(report, "to");
    query.where = where ? (const char *const *)where->items : NULL;
    asking.query = &query;
    return report_run(&asking, report, file_write, out, err);
}

/* A file is written beside its place and moved there whole, so that nobody reads half a report. */
static int report_to_file(struct scrip *scrip, struct instance *report, const char *path, struct scrip_error *err)
{
    char *fresh = memory_print("%s.new", path);
    FILE *out = fopen(fresh, "w");
    int code = SCRIP_OK, is_bad;

    if (out == NULL)
        code = error_set(err, SCRIP_EIO, "report %s: %s: %s", report->ctx.instance, fresh, strerror(errno));
    else {
        code = report_ask(scrip, report, out, err);
        is_bad = fflush(out) != 0 || fsync(fileno(out)) != 0;
        is_bad |= fclose(out) != 0;
        if (code == SCRIP_OK && (is_bad || rename(fresh, path) != 0))
            code = error_set(err, SCRIP_EIO, "report %s: %s: %s", report->ctx.instance, path, strerror(errno));
        if (code < 0)
            unlink(fresh);
    }
    free(fresh);
    return code;
}

int scrip_write_reports(struct scrip *scrip, struct scrip_error *err)
{
    for (size_t i = 0; i < scrip->report_count; i++) {
        const char *path = text_option(scrip->reports[i], "file");
        int code = subscriber_is(scrip->reports[i]) ? SCRIP_OK
                   : path                           ? report_to_file(scrip, scrip->reports[i], path, err)
                                                    : report_ask(scrip, scrip->reports[i], stdout, err);

        if (code < 0)
            return code;
    }
    if (fflush(stdout) != 0)
        return error_set(err, SCRIP_EIO, "report: standard output could not be written: %s", strerror(errno));
    return SCRIP_OK;
}
