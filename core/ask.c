/* ask.c - questions: their tables, their accounts, and the small ones answered here. */
#include "ask.h"

#include "calendar.h"
#include "hash.h"
#include "money.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

/* ---- tables --------------------------------------------------------------------------------------------------- */

int table_begin(struct table *table, const struct scrip_answer *answer, const char *title,
                const struct scrip_column *columns, size_t column_count)
{
    table->answer = answer;
    table->title = title;
    table->columns = columns;
    table->column_count = column_count;
    table->at = 0;
    return SCRIP_OK;
}

static int table_start(struct table *table)
{
    const struct scrip_answer *answer = table->answer;
    const char *title = table->title;

    table->title = NULL;
    return title && answer->begin ? answer->begin(answer->sink, title, table->columns, table->column_count) : SCRIP_OK;
}

void table_none(struct table *table)
{
    table->cells[table->at++] = (struct scrip_cell){ SCRIP_CELL_NONE, "" };
}

static void table_put(struct table *table, const char *text)
{
    table->cells[table->at] = (struct scrip_cell){ table->columns[table->at].type, text };
    table->at++;
}

void table_text(struct table *table, const char *text)
{
    if (text == NULL || text[0] == 0)
        table_none(table);
    else
        table_put(table, text);
}

void table_amount(struct table *table, int64_t amount, int decimals)
{
    money_write(amount, decimals, table->texts[table->at], sizeof table->texts[0]);
    table_put(table, table->texts[table->at]);
}

void wide_write(wide amount, int decimals, char out[WIDE_TEXT_SIZE])
{
    char digits[WIDE_TEXT_SIZE];
    int count = 0, is_negative = amount < 0;
    wide rest = amount;

    do
        digits[count++] = (char)('0' + abs((int)(rest % 10)));
    while ((rest /= 10) != 0 || count <= decimals);
    if (is_negative)
        *out++ = '-';
    while (count > 0) {
        if (count == decimals)
            *out++ = '.';
        *out++ = digits[--count];
    }
    *out = 0;
}

void table_wide(struct table *table, wide amount, int decimals)
{
    wide_write(amount, decimals, table->texts[table->at]);
    table_put(table, table->texts[table->at]);
}

void table_count(struct table *table, uint64_t count)
{
    snprintf(table->texts[table->at], sizeof table->texts[0], "%" PRIu64, count);
    table_put(table, table->texts[table->at]);
}

void table_decimal(struct table *table, const struct scrip_decimal *value)
{
    decimal_write(value, table->texts[table->at], sizeof table->texts[0]);
    table_put(table, table->texts[table->at]);
}

void table_time(struct table *table, int64_t time_us)
{
    if (time_us == SCRIP_TIME_NONE) {
        table_none(table);
        return;
    }
    time_write(time_us, table->texts[table->at], sizeof table->texts[0]);
    table_put(table, table->texts[table->at]);
}

int table_row(struct table *table)
{
    size_t count = table->at;
    int code = table_start(table);

    table->at = 0;
    return code ? code : table->answer->row(table->answer->sink, table->cells, count);
}

int table_end(struct table *table)
{
    int code = table_start(table);

    if (code)
        return code;
    return table->answer->end ? table->answer->end(table->answer->sink) : SCRIP_OK;
}

/* ---- accounts of a question ------------------------------------------------------------------------------------ */

struct each {
    int (*each)(void *sink, const struct scrip_account_row *row);
    void *sink;
};

static int each_row(void *sink, const void *row)
{
    struct each *each = sink;

    return each->each(each->sink, row);
}

int accounts_each(struct scrip *scrip, const char *account,
                  int (*each)(void *sink, const struct scrip_account_row *row), void *sink, struct scrip_error *err)
{
    struct each one = { each, sink };
    struct scrip_scan scan = { .table = SCRIP_TABLE_ACCOUNTS, .account = account, .from_period = INT64_MIN,
                               .to_period = INT64_MAX, .row = each_row, .sink = &one };

    return host_scan(scrip, &scan, err);
}

int query_instant(const struct scrip_query *query, int64_t *out, struct scrip_error *err)
{
    struct timespec now;

    if (query->as_of_us != SCRIP_TIME_NONE && query->before_us != SCRIP_TIME_NONE)
        return error_set(err, SCRIP_EINVALID, "as-of and before: give one of both");
    if (query->as_of_us != SCRIP_TIME_NONE)
        *out = query->as_of_us;
    else if (query->before_us != SCRIP_TIME_NONE)
        *out = query->before_us - 1;
    else {
        clock_gettime(CLOCK_REALTIME, &now);
        *out = (int64_t)now.tv_sec * SCRIP_SECOND + now.tv_nsec / 1000;
    }
    return SCRIP_OK;
}

/* ---- plugins, profiles, heads ----------------------------------------------------------------------------------- */

struct plugin_listing {
    struct scrip *scrip;
    struct table table;
    int code;
};

/* The sections that use it. */
static void uses_write(const struct config *config, int kind, const char *name, char *out, size_t out_size)
{
    size_t used = 0;

    for (size_t i = 0; i < config->section_count && used < out_size; i++) {
        const struct config_section *section = &config->sections[i];

        if (section->kind == kind && strcmp(section->plugin, name) == 0)
            used += (size_t)snprintf(out + used, out_size - used, "%s%s", used ? " " : "", section->instance);
    }
}

/* The keys that a section must give. */
static void wants_write(const struct plugin *plugin, char *out, size_t out_size)
{
    size_t used = 0;

    for (const struct scrip_option *option = plugin->options; option->key != NULL && used < out_size; option++)
        if (option->required)
            used += (size_t)snprintf(out + used, out_size - used, "%s%s", used ? " " : "", option->key);
}

static void plugin_row(void *sink, int kind, const char *name, const char *file)
{
    struct plugin_listing *listing = sink;
    struct table *table = &listing->table;
    struct scrip_error why = { 0 };
    struct plugin *plugin = NULL;
    char uses[256] = "", wants[256] = "", abi[16] = "";

    if (listing->code != SCRIP_OK)
        return;
    if (kind != 0)
        host_plugin(listing->scrip, kind, name, "plugins", &plugin, &why);
    if (plugin != NULL && file != NULL && strcmp(plugin->file, file) != 0) { /* a folder before its own has one, too */
        error_set(&why, SCRIP_EINVALID, "not in use: %s comes first", plugin->file);
        plugin = NULL;
    } else
        uses_write(listing->scrip->config, kind, name, uses, sizeof uses);
    if (plugin != NULL) {
        snprintf(abi, sizeof abi, "%d.%d", SCRIP_ABI_MAJOR, plugin->abi_minor);
        wants_write(plugin, wants, sizeof wants);
    }
    table_text(table, kind_names[kind]);
    table_text(table, name);
    table_text(table, plugin ? plugin->api.head.summary : why.message);
    table_text(table, abi);
    table_text(table, wants);
    table_text(table, uses);
    table_text(table, file ? file : plugin ? plugin->file : "");
    listing->code = table_row(table);
}

/* Those that sections name by their files, each once. */
static void plugin_files(struct plugin_listing *listing, const struct config *config)
{
    for (size_t i = 0; i < config->section_count; i++) {
        const struct config_section *section = &config->sections[i];
        size_t first = 0;

        while (config->sections[first].kind != section->kind ||
               strcmp(config->sections[first].plugin, section->plugin) != 0)
            first++;
        if (first == i && strchr(section->plugin, '/') != NULL)
            plugin_row(listing, section->kind, section->plugin, NULL);
    }
}

static int ask_plugins(struct scrip *scrip, const struct scrip_answer *answer, struct scrip_error *err)
{
    static const struct scrip_column columns[] = {
        { "kind", SCRIP_CELL_TEXT },  { "name", SCRIP_CELL_TEXT },      { "summary", SCRIP_CELL_TEXT },
        { "abi", SCRIP_CELL_TEXT },   { "wants", SCRIP_CELL_TEXT },     { "instances", SCRIP_CELL_TEXT },
        { "file", SCRIP_CELL_TEXT },
    };
    struct plugin_listing listing = { .scrip = scrip };
    int code;

    listing.code = table_begin(&listing.table, answer, "plugins", columns, sizeof columns / sizeof *columns);
    code = registry_list(scrip->registry, plugin_row, &listing, err);
    plugin_files(&listing, scrip->config);
    if (listing.code != SCRIP_OK || code < 0)
        return listing.code != SCRIP_OK ? listing.code : code;
    return table_end(&listing.table);
}

static int ask_profiles(struct scrip *scrip, const struct scrip_answer *answer, struct scrip_error *err)
{
    static const struct scrip_column columns[] = { { "profile", SCRIP_CELL_TEXT },
                                                   { "plugin", SCRIP_CELL_TEXT },
                                                   { "file", SCRIP_CELL_TEXT } };
    struct table table;
    struct profile **all;
    int code = profiles_all(scrip->profiles, &all, err);

    if (code < 0)
        return code;
    code = table_begin(&table, answer, "profiles", columns, 3);
    for (size_t i = 0; all[i] != NULL && code == SCRIP_OK; i++) {
        char *plugin = memory_print("%s/%s", kind_names[all[i]->section->kind], all[i]->section->plugin);

        table_text(&table, all[i]->name);
        table_text(&table, plugin);
        table_text(&table, all[i]->file->path);
        code = table_row(&table);
        free(plugin);
    }
    free(all);
    return code ? code : table_end(&table);
}

struct head_listing {
    struct table table;
    struct bytes all;
    uint64_t events, accounts;
    int by_account;
};

static int head_row(void *sink, const struct scrip_account_row *row)
{
    struct head_listing *listing = sink;
    char hex[2 * HASH_SIZE + 1];

    if (row->event_count == 0)
        return SCRIP_OK;
    bytes_add_text(&listing->all, row->name->text, row->name->size);
    bytes_add_number(&listing->all, row->event_count);
    bytes_add(&listing->all, row->head, sizeof row->head);
    listing->events += row->event_count;
    listing->accounts++;
    if (!listing->by_account)
        return SCRIP_OK;
    hash_hex(row->head, sizeof row->head, hex);
    table_text(&listing->table, row->name->text);
    table_count(&listing->table, row->event_count);
    table_text(&listing->table, hex);
    return table_row(&listing->table);
}

static int ask_head(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
                    struct scrip_error *err)
{
    static const struct scrip_column all[] = { { "accounts", SCRIP_CELL_NUMBER },
                                               { "events", SCRIP_CELL_NUMBER },
                                               { "head", SCRIP_CELL_TEXT } };
    static const struct scrip_column each[] = { { "account", SCRIP_CELL_TEXT },
                                                { "events", SCRIP_CELL_NUMBER },
                                                { "head", SCRIP_CELL_TEXT } };
    struct head_listing listing = { .by_account = query->by && strcmp(query->by, "account") == 0 };
    char hex[2 * HASH_SIZE + 1];
    uint8_t head[HASH_SIZE];
    int code;

    if (query->by != NULL && query->by[0] && !listing.by_account)
        return error_set(err, SCRIP_EINVALID, "by '%s': a head can be listed by account", query->by);
    code = table_begin(&listing.table, answer, "head", listing.by_account ? each : all, 3);
    if (code == SCRIP_OK)
        code = accounts_each(scrip, query->account, head_row, &listing, err);
    if (code == SCRIP_OK && !listing.by_account) {
        hash_strong(listing.all.start, listing.all.size, head);
        hash_hex(head, sizeof head, hex);
        table_count(&listing.table, listing.accounts);
        table_count(&listing.table, listing.events);
        table_text(&listing.table, hex);
        code = table_row(&listing.table);
    }
    free(listing.all.start);
    return code ? code : table_end(&listing.table);
}

static int question_answer(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
                           struct scrip_error *err)
{
    switch (query->question) {
    case SCRIP_ASK_BALANCE:
        return ask_balance(scrip, query, answer, err);
    case SCRIP_ASK_USAGE:
        return ask_usage(scrip, query, answer, err);
    case SCRIP_ASK_EXPIRING:
        return ask_expiring(scrip, query, answer, err);
    case SCRIP_ASK_EVENTS:
        return ask_events(scrip, query, answer, err);
    case SCRIP_ASK_EXPLAIN:
        return ask_explain(scrip, query, answer, err);
    case SCRIP_ASK_QUOTE:
        return ask_quote(scrip, query, answer, err);
    case SCRIP_ASK_QUARANTINE:
        return ask_quarantine(scrip, query, answer, err);
    case SCRIP_ASK_PLUGINS:
        return ask_plugins(scrip, answer, err);
    case SCRIP_ASK_PROFILES:
        return ask_profiles(scrip, answer, err);
    case SCRIP_ASK_HEAD:
        return ask_head(scrip, query, answer, err);
    case SCRIP_ASK_PLUGIN:
        return scrip_plugin_help(scrip, query->id ? query->id : "", answer, err);
    case SCRIP_ASK_STATEMENT:
        return ask_statement(scrip, query, answer, err);
    case SCRIP_ASK_HOLDS:
    case SCRIP_ASK_DEBTS:
    case SCRIP_ASK_LIMITS:
        return ask_claims(scrip, query, answer, err);
    case SCRIP_ASK_ADVISE:
        return ask_advise(scrip, query, answer, err);
    case SCRIP_ASK_SUBSCRIBERS:
        return ask_subscribers(scrip, query, answer, err);
    default:
        return error_set(err, SCRIP_EINVALID, "question %lld: there is no such question", (long long)query->question);
    }
}

static int ask_once(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
                    struct scrip_error *err)
{
    struct scrip_error ignored;
    int code = host_snapshot(scrip, 1, err);

    if (code == SCRIP_OK)
        code = question_answer(scrip, query, answer, err);
    host_snapshot(scrip, 0, &ignored);
    return code;
}

int scrip_ask(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
              struct scrip_error *err)
{
    struct scrip_answer to_held;
    struct held held;
    int code = SCRIP_EAGAIN;

    if (scrip->reader == NULL && query->question != SCRIP_ASK_PLUGINS && query->question != SCRIP_ASK_PLUGIN &&
        query->question != SCRIP_ASK_PROFILES)
        return error_set(err, SCRIP_EINVALID, "host: opened without its store: open it to read or write");
    if (query->from_us != SCRIP_TIME_NONE && query->to_us != SCRIP_TIME_NONE && query->from_us > query->to_us)
        return error_set(err, SCRIP_EINVALID, "from: is later than to: give the earlier one first");
    held_open(&held, answer, HELD_ROWS, &to_held);
    /* What has gone out cannot be taken back. */
    for (int attempt = 0; code == SCRIP_EAGAIN && !held.is_out && attempt < ASK_AGAIN_LIMIT; attempt++) {
        if (attempt > 0)
            host_wait(attempt);
        held_drop(&held);
        error_clear(err);
        code = ask_once(scrip, query, &to_held, err);
    }
    if (code == SCRIP_OK && !held.is_out)
        code = held_write(&held);
    held_free(&held);
    return code;
}

/* of: whose they are, the plugin's or the host's. */
static int option_rows(struct table *table, const struct scrip_option *option, const char *of)
{
    static const char *const types[] = { "text", "name", "int",  "decimal", "yes/no", "time",
                                         "duration", "path", "list", "choice", "zone" };
    int code = SCRIP_OK;

    for (; option != NULL && option->key != NULL && code == SCRIP_OK; option++) {
        table_text(table, option->key);
        table_text(table, option->type == SCRIP_OPTION_CHOICE ? option->choices : types[option->type]);
        table_text(table, option->required ? "(required)" : option->fallback);
        table_text(table, option->help);
        table_text(table, of);
        code = table_row(table);
    }
    return code;
}

int scrip_plugin_help(struct scrip *scrip, const char *kind_and_name, const struct scrip_answer *answer,
                      struct scrip_error *err)
{
    static const struct scrip_column columns[] = {
        { "key", SCRIP_CELL_TEXT },
        { "type", SCRIP_CELL_TEXT },
        { "default", SCRIP_CELL_TEXT },
        { "help", SCRIP_CELL_TEXT }, { "of", SCRIP_CELL_TEXT },
    };
    const char *slash = strchr(kind_and_name, '/');
    struct plugin *plugin;
    struct table table;
    int kind = 0, code;
    char *title;

    for (int i = 1; kind_names[i] != NULL && slash != NULL; i++)
        if (strlen(kind_names[i]) == (size_t)(slash - kind_and_name) &&
            strncmp(kind_names[i], kind_and_name, (size_t)(slash - kind_and_name)) == 0)
            kind = i;
    if (kind == 0)
        return error_set(err, SCRIP_EINVALID, "plugin '%s': want KIND/NAME, KIND one of currency, service, source, "
                         "store, report", kind_and_name);
    if ((code = host_plugin(scrip, kind, slash + 1, "command line", &plugin, err)) < 0)
        return code;
    title = memory_print("%s/%s: %s (ABI %d.%d)", kind_names[kind], plugin->name, plugin->api.head.summary,
                         SCRIP_ABI_MAJOR, plugin->abi_minor);
    code = table_begin(&table, answer, title, columns, sizeof columns / sizeof *columns);
    if (code == SCRIP_OK)
        code = option_rows(&table, plugin->options, "plugin");
    if (code == SCRIP_OK)
        code = option_rows(&table, host_keys_of(kind), "host");
    free(title);
    return code ? code : table_end(&table);
}
