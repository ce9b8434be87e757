/* check.c - holds a plugin to the contract: loads it as a host does, and runs the suite of its kind. */
#include "suite.h"

#include "ask.h"
#include "check_events.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static const struct check_test *const suites[] = {
    [SCRIP_CURRENCY] = check_currency_tests, [SCRIP_SERVICE] = check_service_tests, [SCRIP_SOURCE] = check_source_tests,
    [SCRIP_STORE] = check_store_tests,       [SCRIP_REPORT] = check_report_tests,
};

/* A host whose configuration is empty, and the plugin's section, which only the suite makes instances of. */
struct check_host {
    struct scrip *scrip;
    struct config *config;
    struct check *check;
};

struct check {
    const struct scrip_check_options *options;
    struct scrip_error *err;
    int kind;
    char *plugin;              /* as it was asked for; a file with its whole path */
    struct check_events *events; /* once they are read */
    char folder[64]; /* of the suite: its configurations, and where paths that nobody gave lead */
    char host_file[80], file[80];
    void *self;
    void (*self_end)(void *self);
    /* The test at hand: */
    const char *broken; /* the clause; NULL: none */
    char detail[SCRIP_MESSAGE_SIZE];
    const char *skipped;
    int is_stopped, is_fresh, was_broken;
};

/* ---- what suites call ----------------------------------------------------------------------------------------- */

void check_break(struct check *check, const char *clause, const char *format, ...)
{
    va_list list;

    if (check->broken != NULL)
        return;
    check->broken = clause ? clause : "";
    va_start(list, format);
    vsnprintf(check->detail, sizeof check->detail, format, list);
    va_end(list);
}

void check_stop(struct check *check, const char *format, ...)
{
    va_list list;

    check->is_stopped = 1;
    va_start(list, format);
    error_set_list(check->err, SCRIP_EINVALID, format, list);
    va_end(list);
}

void check_skip(struct check *check, const char *why)
{
    check->skipped = why;
}

int check_is_broken(const struct check *check)
{
    return check->broken != NULL || check->is_stopped;
}

int check_is_stopped(const struct check *check)
{
    return check->is_stopped;
}

int check_was_broken(const struct check *check)
{
    return check->was_broken;
}

int check_is_fresh(const struct check *check)
{
    return check->is_fresh;
}

void **check_self(struct check *check)
{
    return &check->self;
}

void check_keep(struct check *check, void *self, void (*end)(void *self))
{
    check->self = self;
    check->self_end = end;
}

struct check_host *check_host_open(struct check *check)
{
    struct check_host *host = memory_get(sizeof *host);
    char folder[PATH_MAX];

    host->check = check;
    if (getcwd(folder, sizeof folder) == NULL) {
        check_stop(check, "the folder at hand: %s", strerror(errno));
        free(host);
        return NULL;
    }
    if (scrip_open(check->host_file, SCRIP_ACCESS_PLUGINS, &host->scrip, check->err) < 0 ||
        config_read(check->file, &host->config, check->err) < 0) {
        check->is_stopped = 1;
        scrip_close(host->scrip);
        free(host);
        return NULL;
    }
    free(host->config->folder); /* a user's paths are relative to where the user is */
    host->config->folder = memory_text(folder);
    return host;
}

void check_host_close(struct check_host *host)
{
    if (host == NULL)
        return;
    scrip_close(host->scrip);
    config_free(host->config);
    free(host);
}

const struct scrip_host *check_services(void)
{
    return &host_table;
}

int check_open_on(struct check_host *host, const struct scrip_host *table, struct check_instance *out)
{
    const struct config *config = host->config;
    struct scrip_error err = { 0 };
    struct instance *instance;
    struct plugin *plugin;
    int code = host_plugin(host->scrip, host->check->kind, host->check->plugin, "command line", &plugin, &err);

    memset(out, 0, sizeof *out);
    out->host = host;
    if (code == SCRIP_OK)
        code = instance_make(plugin, config, &config->sections[0], "checked", host_keys_of(host->check->kind), table,
                             host->scrip, &instance, &err);
    if (code == SCRIP_OK) {
        out->handle = instance;
        out->ctx = &instance->ctx;
        out->api = &plugin->api;
        code = instance_open(instance, &err);
    }
    if (code < 0) {
        check_stop(host->check, "%s", err.message);
        return code;
    }
    error_clear(&instance->error);
    return SCRIP_OK;
}

int check_open(struct check_host *host, int session, struct check_instance *out)
{
    int code = check_open_on(host, &host_table, out);

    return code < 0 ? code : store_of(out->handle)->begin(out->ctx, session);
}

void check_close(struct check_instance *instance)
{
    if (instance->handle != NULL) {
        instance_close(instance->handle);
        instance_free(instance->handle);
    }
    memset(instance, 0, sizeof *instance);
}

const char *check_said(const struct check_instance *instance)
{
    const struct instance *handle = instance->handle;

    return handle ? handle->error.message : "";
}

const char *check_message(const struct check_instance *instance)
{
    return check_said(instance)[0] ? check_said(instance) : "it failed without a word";
}

void check_hush(struct check_instance *instance)
{
    error_clear(&((struct instance *)instance->handle)->error);
}

const char *check_events_file(const struct check *check)
{
    return check->options->events;
}

const char *check_folder(const struct check *check)
{
    return check->folder;
}

struct check_events **check_events_kept(struct check *check)
{
    return &check->events;
}

/* ---- the plugin ----------------------------------------------------------------------------------------------- */

/* "store/NAME", or a file whose kind is in it. */
static int plugin_find(struct check *check, const char *wanted)
{
    const char *slash = strchr(wanted, '/');
    char whole[PATH_MAX];

    for (int kind = 1; kind_names[kind] != NULL && slash != NULL; kind++)
        if (strlen(kind_names[kind]) == (size_t)(slash - wanted) &&
            strncmp(wanted, kind_names[kind], (size_t)(slash - wanted)) == 0 && strchr(slash + 1, '/') == NULL &&
            strstr(slash, ".so") == NULL) {
            check->kind = kind;
            check->plugin = memory_text(slash + 1);
            return SCRIP_OK;
        }
    if (realpath(wanted, whole) == NULL)
        return error_set(check->err, SCRIP_EINVALID, "plugin '%s': %s: want KIND/NAME, or a file", wanted,
                         strerror(errno));
    check->plugin = memory_text(whole);
    return SCRIP_OK;
}

/* A file tells its kind when it is loaded: the kind that is not refused. */
static int plugin_load(struct check *check, struct plugin **out)
{
    struct check_host *host = check_host_open(check);
    struct scrip_error first = { 0 };
    int code = SCRIP_EINVALID, from = check->kind ? check->kind : 1, to = check->kind ? check->kind : SCRIP_REPORT;

    if (host == NULL)
        return SCRIP_EINVALID;
    for (int kind = from; kind <= to && code < 0; kind++) {
        struct scrip_error err = { 0 };

        code = host_plugin(host->scrip, kind, check->plugin, "command line", out, &err);
        if (code == SCRIP_OK)
            check->kind = kind;
        else if (first.code == 0 || strstr(first.message, "was asked for: name it in a [") != NULL)
            first = err;
    }
    if (code < 0)
        *check->err = first;
    /* The option table lies in the plugin, which is never unloaded; what the host made of it goes. */
    if (code == SCRIP_OK) {
        struct plugin *kept = memory_get(sizeof *kept);

        *kept = **out;
        *out = kept;
    }
    check_host_close(host);
    return code;
}

static const char *option_given(const struct check *check, const char *key)
{
    for (uint64_t i = 0; i < check->options->pair_count; i++)
        if (strcmp(check->options->pairs[i].key, key) == 0)
            return check->options->pairs[i].value;
    return NULL;
}

static int is_path(const struct scrip_option *options, const char *key)
{
    for (; options->key != NULL; options++)
        if (strcmp(options->key, key) == 0)
            return options->type == SCRIP_OPTION_PATH;
    return 0;
}

/* The section as a user would write it; a required path that nobody gave leads into the suite's own folder. */
static int config_write(struct check *check, const char *file, const struct scrip_option *options)
{
    FILE *out = fopen(file, "w");
    int has_path = 0;

    check->is_fresh = 1;
    if (out == NULL || fchmod(fileno(out), 0600) != 0)
        return error_set(check->err, SCRIP_EIO, "%s: %s", file, strerror(errno));
    if (options != NULL) {
        fprintf(out, "[%s/checked]\n", kind_names[check->kind]);
        for (uint64_t i = 0; i < check->options->pair_count; i++) {
            const struct scrip_pair *pair = &check->options->pairs[i];

            fprintf(out, "%s = %s\n", pair->key, pair->value);
            check->is_fresh &= !is_path(options, pair->key) || access(pair->value, F_OK) != 0;
            has_path |= is_path(options, pair->key);
        }
        check->is_fresh &= check->options->pair_count == 0 || has_path; /* a database: who knows */
        for (; options->key != NULL; options++)
            if (options->required && options->type == SCRIP_OPTION_PATH && option_given(check, options->key) == NULL)
                fprintf(out, "%s = %s/%s\n", options->key, check->folder, options->key);
    }
    return fclose(out) == 0 ? SCRIP_OK : error_set(check->err, SCRIP_EIO, "%s: %s", file, strerror(errno));
}

/* ---- a run ---------------------------------------------------------------------------------------------------- */

static int test_run(struct check *check, const struct check_test *test, struct table *table, uint64_t *broken)
{
    check->broken = check->skipped = NULL;
    check->detail[0] = 0;
    test->run(check);
    if (check->is_stopped)
        return SCRIP_EINVALID;
    *broken += check->broken != NULL;
    check->was_broken |= check->broken != NULL;
    table_text(table, test->name);
    table_text(table, check->broken ? "broken" : check->skipped ? "not asked" : "kept");
    table_text(table, check->broken && check->broken[0] ? check->broken : test->clause);
    table_text(table, check->broken ? check->detail : check->skipped ? check->skipped : "");
    return table_row(table);
}

static int suite_run(struct check *check, const struct scrip_answer *answer, uint64_t *broken)
{
    static const struct scrip_column columns[] = {
        { "test", SCRIP_CELL_TEXT },
        { "result", SCRIP_CELL_TEXT },
        { "clause", SCRIP_CELL_TEXT },
        { "found", SCRIP_CELL_TEXT },
    };
    const struct check_test *test = suites[check->kind];
    struct table table;
    int code = table_begin(&table, answer, "plugin check", columns, sizeof columns / sizeof *columns);

    for (; test->name != NULL && code == SCRIP_OK; test++)
        code = test_run(check, test, &table, broken);
    if (check->self_end != NULL)
        check->self_end(check->self);
    else if (check->is_stopped && check->self != NULL) {
        for (test = suites[check->kind]; test[1].name != NULL;)
            test++;
        test->run(check); /* the last one frees what all share */
    }
    return code < 0 ? code : table_end(&table);
}

static int file_remove(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

int scrip_plugin_check(const struct scrip_check_options *options, const struct scrip_answer *answer, uint64_t *broken,
                       struct scrip_error *err)
{
    struct check check = { .options = options, .err = err };
    struct plugin *plugin = NULL;
    const char *tmp = getenv("TMPDIR");
    int code;

    *broken = 0;
    error_clear(err);
    snprintf(check.folder, sizeof check.folder, "%s/scrip-check-XXXXXX", tmp && strlen(tmp) < 40 ? tmp : "/tmp");
    if (mkdtemp(check.folder) == NULL)
        return error_set(err, SCRIP_EIO, "%s: %s", check.folder, strerror(errno));
    snprintf(check.file, sizeof check.file, "%s/check.ini", check.folder);
    snprintf(check.host_file, sizeof check.host_file, "%s/host.ini", check.folder);
    code = plugin_find(&check, options->plugin);
    if (code == SCRIP_OK)
        code = config_write(&check, check.host_file, NULL);
    if (code == SCRIP_OK)
        code = config_write(&check, check.file, NULL);
    if (code == SCRIP_OK)
        code = plugin_load(&check, &plugin);
    if (code == SCRIP_OK)
        code = config_write(&check, check.file, plugin->options);
    if (code == SCRIP_OK)
        code = suite_run(&check, answer, broken);
    nftw(check.folder, file_remove, 8, FTW_DEPTH | FTW_PHYS);
    check_events_free(&check);
    free(plugin);
    free(check.plugin);
    return code;
}
