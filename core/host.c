/* host.c - opens a host from its configuration, and closes it: instances, sessions, the table of services. */
#include "migrate.h"
#include "outbox.h"

#include "calendar.h"
#include "follow.h"
#include "hash.h"
#include "money.h"
#include "order.h"

#include <dlfcn.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

const char scrip_version[] = "0.1.0";

/* ---- the host's own keys -------------------------------------------------------------------------------------- */

static const struct scrip_option host_keys[] = {
    { "plugins", SCRIP_OPTION_LIST, NULL, NULL, 0, "folders searched for plugins before the default one" },
    { "profiles", SCRIP_OPTION_LIST, NULL, NULL, 0, "folders searched for profiles before the default one" },
    { "max_future", SCRIP_OPTION_DURATION, "1d", NULL, 0, "events later than the clock by more go to quarantine" },
    { "dimensions", SCRIP_OPTION_LIST, NULL, NULL, 0, "attributes that usage may be grouped by" },
    { "store", SCRIP_OPTION_NAME, NULL, NULL, 0, "the section in use, where there are several stores" },
    SCRIP_OPTIONS_END,
};
static const struct scrip_option service_keys[] = {
    { "products", SCRIP_OPTION_LIST, NULL, NULL, 0, "wants usage of these products; NAME or PREFIX*" },
    { "units", SCRIP_OPTION_LIST, NULL, NULL, 0, "wants usage in these units" },
    { "where.*", SCRIP_OPTION_TEXT, NULL, NULL, 0, "wants usage whose attribute is one of these values" },
    SCRIP_OPTIONS_END,
};
static const struct scrip_option source_keys[] = {
    { "profile", SCRIP_OPTION_NAME, NULL, NULL, 0,
      "a profile, or ./FILE.ini: gives the keys that this section leaves out; auto: for each feed the one that fits it" },
    { "always", SCRIP_OPTION_BOOL, "no", NULL, 0, "`ingest` reads this source to its end before the named files" },
    SCRIP_OPTIONS_END,
};
const struct scrip_option *host_keys_of(int kind)
{
    return kind == SCRIP_SERVICE  ? service_keys
           : kind == SCRIP_SOURCE ? source_keys
           : kind == SCRIP_REPORT ? report_keys
                                  : NULL;
}

const struct scrip_host host_table = {
    .size = sizeof host_table,
    .fail = registry_fail,
    .log = registry_log,
    .option_given = registry_option_given,
    .option_text = registry_option_text,
    .option_int = registry_option_int,
    .option_decimal = registry_option_decimal,
    .option_item = registry_option_item,
    .option_member = registry_option_member,
    .option_where = registry_option_where,
    .decimal_parse = decimal_parse,
    .decimal_write = decimal_write,
    .decimal_add = decimal_add,
    .decimal_multiply = decimal_multiply,
    .decimal_divide = decimal_divide,
    .decimal_round = decimal_round,
    .decimal_compare = decimal_compare,
    .time_parse = time_parse,
    .time_write = time_write,
    .time_add = time_add,
    .time_floor = time_floor,
    .hash = hash_short,
    .state_get = route_state_get,
    .state_put = route_state_put,
    .timer_set = route_timer_set,
    .account_zone = route_account_zone,
    .usage_name = route_usage_name,
    .line_add = route_line_add,
    .verdict = route_verdict,
    .price = route_price,
    .currency_find = route_currency_find,
    .digest_add = registry_digest_add,
    .order_check = order_check,
    .order_key = order_key,
    .feed_add = intake_feed_add,
    .row_add = intake_row_add,
    .row_skip = intake_row_skip,
    .row_bad = intake_row_bad,
    .row_json = intake_row_json,
    .write = report_write,
    .name = host_name,
    .shared = host_shared,
    .feed_grows = intake_feed_grows,
    .feed_size = intake_feed_size,
};

struct scrip *host_of(struct scrip_ctx *ctx)
{
    return ((struct instance *)ctx->host_private)->owner;
}

const struct scrip_name *host_name(struct scrip_ctx *ctx, const char *text, uint64_t size)
{
    return names_add(host_of(ctx)->names, text, size);
}

/* Memory of a store's section, for as long as the host is open. */
struct shared {
    struct shared *next;
    const struct config_section *section;
    void (*end)(void *shared);
    void *memory;
};

void *host_shared(struct scrip_ctx *ctx, uint64_t size, void (*end)(void *shared))
{
    struct instance *instance = ctx->host_private;
    struct scrip *scrip = instance->owner;
    struct shared *shared;

    for (shared = scrip->shared; shared != NULL; shared = shared->next)
        if (shared->section == instance->section)
            return shared->memory;
    shared = memory_get(sizeof *shared);
    shared->next = scrip->shared;
    shared->section = instance->section;
    shared->end = end;
    shared->memory = memory_get(size);
    scrip->shared = shared;
    return shared->memory;
}

static void shared_end(struct scrip *scrip)
{
    while (scrip->shared != NULL) {
        struct shared *next = scrip->shared->next;

        if (scrip->shared->end != NULL)
            scrip->shared->end(scrip->shared->memory);
        free(scrip->shared->memory);
        free(scrip->shared);
        scrip->shared = next;
    }
}

struct currency *host_currency(struct scrip *scrip, const char *code)
{
    for (size_t i = 0; i < scrip->currency_count; i++)
        if (strcmp(scrip->currencies[i].name->text, code) == 0)
            return &scrip->currencies[i];
    return NULL;
}

int host_currency_unknown(const struct scrip *scrip, const char *field, const char *code, struct scrip_error *err)
{
    const char *more;
    char known[160] = "";
    size_t used = 0;

    for (size_t i = 0; i < scrip->currency_count && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
                                 scrip->currencies[i].name->text);
    text_trim(known);
    more = used >= sizeof known ? " ..." : "";
    if (code[0] == 0)
        return error_set(err, SCRIP_EINVALID, "%s: missing: want one of %s%s", field, known, more);
    return error_set(err, SCRIP_EINVALID,
                     "%s '%s': not configured: want one of %s%s, or add a section [currency/... %s]", field, code,
                     known, more, code);
}

int host_writes(struct scrip *scrip, struct scrip_error *err)
{
    return scrip->writer ? SCRIP_OK
                         : error_set(err, SCRIP_EINVALID, "host: opened to read only: open it with SCRIP_ACCESS_WRITE");
}

int host_scan(struct scrip *scrip, const struct scrip_scan *scan, struct scrip_error *err)
{
    struct instance *reader = scrip->reader;
    int code;

    error_clear(&reader->error);
    code = store_of(reader)->scan(&reader->ctx, scan);
    if (code < 0 && reader->error.message[0])
        error_set(err, code, "store: %s", reader->error.message);
    return code;
}

int host_snapshot(struct scrip *scrip, int is_open, struct scrip_error *err)
{
    struct instance *reader = scrip->reader;
    int code;

    if (reader == NULL || store_of(reader)->snapshot == NULL)
        return SCRIP_OK;
    error_clear(&reader->error);
    code = store_of(reader)->snapshot(&reader->ctx, is_open);
    return code < 0 ? error_set(err, code, "store: %s", reader->error.message) : SCRIP_OK;
}

/* ---- plugins and instances ------------------------------------------------------------------------------------ */

/* The folder of the program or library that this code is in, without its last slash. */
static char *own_folder(void)
{
    Dl_info info;
    char *path, *slash;

    if (dladdr((void *)(uintptr_t)scrip_open, &info) == 0 || info.dli_fname == NULL)
        return NULL;
    path = strchr(info.dli_fname, '/') ? realpath(info.dli_fname, NULL) : realpath("/proc/self/exe", NULL);
    if (path != NULL && (slash = strrchr(path, '/')) != NULL)
        *slash = 0;
    return path;
}

#define FOLDER_LIMIT 64 /* configured ones that are searched */

struct folders {
    const char *paths[FOLDER_LIMIT + 3];
    size_t count;
};

/* Where something is searched: the folders that `key` of [scrip] names, then where it stands in a build tree, then where
 * it is installed: beside the program, or as it was built. */
static void folders_find(const struct scrip *scrip, const struct instance *host, const char *key, const char *installed,
                         const char *fallback, struct folders *out)
{
    const struct option_value *configured = instance_option(host, key);
    char *own = own_folder();

    out->count = 0;
    for (char **item = configured ? configured->items : NULL; item && *item && out->count < FOLDER_LIMIT; item++)
        out->paths[out->count++] =
            (*item)[0] == '/' ? memory_text(*item) : memory_print("%s/%s", scrip->config->folder, *item);
    if (own != NULL) {
        out->paths[out->count++] = memory_print("%s/%s", own, key);
        out->paths[out->count++] = memory_print("%s/%s", own, installed);
    }
    out->paths[out->count++] = memory_text(fallback);
    free(own);
}

static void folders_free(struct folders *folders)
{
    while (folders->count > 0)
        free((char *)folders->paths[--folders->count]);
}

static void registry_start(struct scrip *scrip, const struct instance *host)
{
    struct folders folders;

    folders_find(scrip, host, "plugins", "../lib/scrip", SCRIP_PLUGIN_FOLDER, &folders);
    scrip->registry = registry_open(folders.paths, folders.count);
    folders_free(&folders);
    folders_find(scrip, host, "profiles", "../share/scrip/profiles", SCRIP_PROFILE_FOLDER, &folders);
    scrip->profiles = profiles_open(scrip->config, folders.paths, folders.count);
    folders_free(&folders);
}

int host_plugin(struct scrip *scrip, int kind, const char *name, const char *where, struct plugin **out,
                struct scrip_error *err)
{
    char *file = strchr(name, '/') && name[0] != '/' ? memory_print("%s/%s", scrip->config->folder, name)
                                                     : memory_text(name);
    int code = registry_load(scrip->registry, kind, file, where, out, err);

    free(file);
    return code;
}

int host_instance(struct scrip *scrip, int kind, const char *plugin_name, const struct config_section *section,
                  const char *name, struct instance **out, struct scrip_error *err)
{
    struct plugin *plugin;
    char *where = section ? memory_print("%s:%d", scrip->config->path, section->line) : memory_text("command line");
    int code = host_plugin(scrip, kind, plugin_name, where, &plugin, err);

    *out = NULL;
    if (code == SCRIP_OK)
        code = instance_make(plugin, scrip->config, section, name, host_keys_of(kind), &host_table, scrip, out, err);
    free(where);
    return code;
}

static int currency_add(struct scrip *scrip, struct instance *instance, struct scrip_error *err)
{
    struct currency *currency;
    int code;

    ARRAY_ROOM(scrip->currencies, scrip->currency_count, scrip->currency_room);
    currency = &scrip->currencies[scrip->currency_count++];
    memset(currency, 0, sizeof *currency);
    currency->instance = instance;
    currency->name = names_add(scrip->names, instance->ctx.instance, strlen(instance->ctx.instance));
    currency->policy.accept_from_us = currency->policy.accept_until_us = SCRIP_TIME_NONE;
    currency->policy.overdraft_limit = INT64_MAX;
    currency->policy.hold_decay.whole = 1;
    currency->policy.topup_below = INT64_MIN;
    currency->policy.hold_group = "";
    currency->policy.convert_keeps = SCRIP_KEEP_CLASS | SCRIP_KEEP_EXPIRES | SCRIP_KEEP_PRIORITY | SCRIP_KEEP_COST;
    if ((code = instance_open(instance, err)) < 0)
        return code;
    code = instance->plugin->api.currency.policy(&instance->ctx, &currency->policy);
    if (code < 0)
        return error_set(err, code, "currency %s: %s", currency->name->text, instance->error.message);
    if (currency->policy.decimals < 0 || currency->policy.decimals > 9 || currency->policy.rounding < SCRIP_HALF_EVEN ||
        currency->policy.rounding > SCRIP_DOWN)
        return error_set(err, SCRIP_EINVALID, "currency %s: its plugin gives decimals or a rounding that do not exist",
                         currency->name->text);
    return SCRIP_OK;
}

static int service_add(struct scrip *scrip, struct instance *instance, struct scrip_error *err)
{
    struct service *service;

    ARRAY_ROOM(scrip->services, scrip->service_count, scrip->service_room);
    service = &scrip->services[scrip->service_count++];
    memset(service, 0, sizeof *service);
    service->instance = instance;
    service->name = names_add(scrip->names, instance->ctx.instance, strlen(instance->ctx.instance));
    for (size_t i = 0; i < instance->value_count; i++)
        if (instance->values[i].suffix != NULL && strcmp(instance->values[i].option->key, "where.*") == 0) {
            service->where = memory_grow(service->where, (service->where_count + 1) * sizeof *service->where);
            service->where[service->where_count++] = instance->values[i];
        }
    return instance_open(instance, err);
}

/* Currencies come first: services ask for them while they open. */
static int instances_start(struct scrip *scrip, int only_currencies, struct scrip_error *err)
{
    for (size_t i = 0; i < scrip->config->section_count; i++) {
        const struct config_section *section = &scrip->config->sections[i];
        struct instance *instance;
        int code;

        if (section->kind == 0 || section->kind == SCRIP_STORE || (section->kind == SCRIP_CURRENCY) != only_currencies)
            continue;
        if (section->kind == SCRIP_SOURCE) {
            if ((code = source_add(scrip, section, err)) < 0)
                return code;
            continue;
        }
        code = host_instance(scrip, section->kind, section->plugin, section, section->instance, &instance, err);
        if (code == SCRIP_OK && section->kind == SCRIP_CURRENCY)
            code = currency_add(scrip, instance, err);
        else if (code == SCRIP_OK && section->kind == SCRIP_SERVICE)
            code = service_add(scrip, instance, err);
        else if (code == SCRIP_OK) {
            ARRAY_ROOM(scrip->reports, scrip->report_count, scrip->report_room);
            scrip->reports[scrip->report_count++] = instance;
            code = instance_open(instance, err);
            code = code < 0 ? code : outbox_add(scrip, instance, err);
        }
        if (code < 0)
            return code;
    }
    return SCRIP_OK;
}

/* ---- the store ------------------------------------------------------------------------------------------------ */

int host_session(struct scrip *scrip, const struct config_section *section, int session, struct instance **out,
                 struct scrip_error *err)
{
    int code = host_instance(scrip, SCRIP_STORE, section->plugin, section, section->instance, out, err);

    if (code == SCRIP_OK)
        code = instance_open(*out, err);
    if (code == SCRIP_OK && (code = store_of(*out)->begin(&(*out)->ctx, session)) < 0)
        code = error_set(err, code, "store: %s", (*out)->error.message);
    return code;
}

static int terms_row(void *sink, const void *row)
{
    struct scrip *scrip = sink;

    return prices_load_terms(scrip->prices, row, &scrip->load_error);
}

static int rate_row(void *sink, const void *row)
{
    struct scrip *scrip = sink;

    return prices_load_rate(scrip->prices, row, &scrip->load_error);
}

/* Those above the numbers that are known already. */
static int prices_load(struct scrip *scrip, struct scrip_error *err)
{
    struct scrip_scan scan = { .table = SCRIP_TABLE_TERMS, .from_period = INT64_MIN, .to_period = INT64_MAX,
                               .row = terms_row, .sink = scrip };
    int code;

    error_clear(&scrip->load_error);
    code = host_scan(scrip, &scan, err);
    if (code == SCRIP_OK) {
        scan.table = SCRIP_TABLE_RATES;
        scan.row = rate_row;
        code = host_scan(scrip, &scan, err);
    }
    if (scrip->load_error.code < 0)
        *err = scrip->load_error;
    scrip->prices_written_terms = prices_terms_count(scrip->prices);
    scrip->prices_written_rates = prices_rate_count(scrip->prices);
    return code;
}

/* A number is met that is not known: another writer's, brought in where none of ours is waiting to be written under it. */
static void prices_more_load(void *sink)
{
    struct scrip *scrip = sink;
    struct scrip_error ignored = { 0 };

    scrip->is_behind = 1;
    if (scrip->is_loading || prices_terms_count(scrip->prices) != scrip->prices_written_terms ||
        prices_rate_count(scrip->prices) != scrip->prices_written_rates)
        return;
    scrip->is_loading = 1;
    if (prices_load(scrip, &ignored) == SCRIP_OK)
        scrip->is_behind = 0;
    scrip->is_loading = 0;
}

/* A currency's amounts are in the store in minor units: their number of decimals cannot change under them. */
static int terms_settle(struct scrip *scrip, struct scrip_error *err)
{
    for (size_t i = 0; i < scrip->currency_count; i++) {
        struct currency *currency = &scrip->currencies[i];
        const struct terms *known = prices_terms_of(scrip->prices, currency->name);
        struct scrip_terms_row row = { 0 };

        if (known != NULL && known->row.decimals != currency->policy.decimals)
            return error_set(
                err, SCRIP_EINVALID,
                "currency %s: decimals = %d, but the store keeps it with %d: amounts there would change: set "
                "decimals = %d, or use another code for a new currency",
                currency->name->text, (int)currency->policy.decimals, (int)known->row.decimals,
                (int)known->row.decimals);
        row.currency = currency->name;
        row.decimals = currency->policy.decimals;
        row.rounding = currency->policy.rounding;
        row.split = currency->policy.split;
        row.settle_lag_us = currency->policy.settle_lag_us;
        row.late = currency->policy.late;
        rules_write(&currency->policy, &scrip->scratch);
        row.rules = scrip->scratch.text;
        row.rules_size = scrip->scratch.size;
        currency->terms = prices_terms(scrip->prices, &row);
    }
    return SCRIP_OK;
}

/* The only section of a store, or the one that `store` names. */
static int store_section(struct scrip *scrip, const struct config_section **out, struct scrip_error *err)
{
    const char *wanted = strncmp(scrip->store, "store/", 6) == 0 ? scrip->store + 6 : scrip->store;

    *out = NULL;
    for (size_t i = 0; i < scrip->config->section_count; i++) {
        const struct config_section *section = &scrip->config->sections[i];

        if (section->kind != SCRIP_STORE || (wanted[0] && strcmp(section->instance, wanted) != 0))
            continue;
        if (*out != NULL)
            return error_set(err, SCRIP_EINVALID,
                             "%s:%d: a second store: say which one is in use: store = %s in [scrip]",
                             scrip->config->path, section->line, (*out)->instance);
        *out = section;
    }
    if (*out != NULL)
        return SCRIP_OK;
    if (wanted[0])
        return error_set(err, SCRIP_EINVALID, "%s: store = %s: there is no section [store/... %s]",
                         scrip->config->path, scrip->store, wanted);
    return error_set(err, SCRIP_EINVALID, "%s: no store: add a section such as [store/sqlite] with file = books.db",
                     scrip->config->path);
}

/* What `migrate` has not brought to its end is no store. */
static int copy_check(struct scrip *scrip, struct scrip_error *err)
{
    struct instance *reader = scrip->reader;
    struct scrip_cursor mark;
    int code;

    error_clear(&reader->error);
    code = store_of(reader)->cursor_find(&reader->ctx, MIGRATE_SOURCE, MIGRATE_FEED, &mark);
    if (code == SCRIP_ENOTFOUND || (code == SCRIP_OK && mark.line == MIGRATE_WHOLE))
        return SCRIP_OK;
    if (code < 0)
        return error_set(err, code, "store: %s", reader->error.message);
    return error_set(err, SCRIP_EBUSY,
                     "store: is a copy that is not whole yet: run scrip migrate again, where it came from");
}

static int store_start(struct scrip *scrip, struct scrip_error *err)
{
    const struct config_section *section;
    int code = store_section(scrip, &section, err);

    if (code < 0)
        return code;
    if (scrip->access == SCRIP_ACCESS_INIT || scrip->access == SCRIP_ACCESS_UPGRADE)
        code = host_session(scrip, section,
                            scrip->access == SCRIP_ACCESS_INIT ? SCRIP_SESSION_INIT : SCRIP_SESSION_UPGRADE,
                            &scrip->writer, err);
    else if (scrip->access == SCRIP_ACCESS_WRITE)
        code = host_session(scrip, section, SCRIP_SESSION_WRITE, &scrip->writer, err);
    scrip->is_volatile = code == SCRIP_VOLATILE;
    if (code >= 0)
        code = host_session(scrip, section, SCRIP_SESSION_READ, &scrip->reader, err);
    if (code >= 0)
        code = copy_check(scrip, err);
    if (code == SCRIP_OK)
        code = prices_load(scrip, err);
    prices_more(scrip->prices, prices_more_load, scrip);
    return code < 0 ? code : terms_settle(scrip, err);
}

/* ---- several writers ------------------------------------------------------------------------------------------ */

int host_is_store_fault(const struct scrip *scrip, int code)
{
    return code == SCRIP_EIO || code == SCRIP_EBUSY || code == SCRIP_ECONFLICT || code == SCRIP_EAGAIN ||
           code == SCRIP_ENOMEM || (code < 0 && scrip->is_behind);
}

/* Waits longer each time up to a cap, and never the same, so that losers do not meet again. */
void host_wait(int attempt)
{
    uint64_t limit_us = attempt < 8 ? UINT64_C(1000) << attempt : CONFLICT_WAIT_US;
    struct timespec now, wait = { 0, 0 };

    clock_gettime(CLOCK_REALTIME, &now);
    wait.tv_nsec = (long)(limit_us / 2 + hash_mix((uint64_t)now.tv_nsec, (uint64_t)getpid()) % (limit_us / 2)) * 1000;
    nanosleep(&wait, NULL);
}

int host_again(struct scrip *scrip, int code, int attempt, struct scrip_error *err)
{
    int is_met = code == SCRIP_ECONFLICT || code == SCRIP_EAGAIN || (code < 0 && scrip->is_behind);

    if (!is_met || attempt >= CONFLICT_LIMIT)
        return 0;
    batch_drop(scrip);
    scrip->is_behind = 0;
    scrip->top_count = 0;
    scrip->batch_limit = scrip->batch_limit > 4 ? scrip->batch_limit / 4 : 1;
    host_wait(attempt);
    prices_trim(scrip->prices, scrip->prices_written_terms, scrip->prices_written_rates);
    return prices_load(scrip, err) == SCRIP_OK && terms_settle(scrip, err) == SCRIP_OK;
}

/* ---- open and close ------------------------------------------------------------------------------------------- */

static int host_start(struct scrip *scrip, const char *path, struct instance **host, struct scrip_error *err)
{
    static const struct plugin own = { .name = (char *)"scrip" };
    struct plugin plugin = own;
    const struct option_value *value;
    int code = config_read(path, &scrip->config, err);

    plugin.options = host_keys;
    if (code == SCRIP_OK)
        code = instance_make(&plugin, scrip->config, config_host(scrip->config), "scrip", NULL, &host_table, scrip,
                             host, err);
    if (code < 0)
        return code;
    if (duration_us(instance_text(*host, "max_future"), &scrip->max_future_us) < 0)
        return error_set(err, SCRIP_EINVALID, "max_future: '%s': want a fixed duration such as 1d or 12h",
                         instance_text(*host, "max_future"));
    value = instance_option(*host, "dimensions");
    for (char **item = value ? value->items : NULL; item && *item; item++) {
        scrip->dimensions = memory_grow(scrip->dimensions, (scrip->dimension_count + 1) * sizeof *scrip->dimensions);
        scrip->dimensions[scrip->dimension_count++] = names_add(scrip->names, *item, strlen(*item));
    }
    scrip->store = memory_text(instance_text(*host, "store"));
    registry_start(scrip, *host);
    return SCRIP_OK;
}

int scrip_open(const char *path, int access, struct scrip **out, struct scrip_error *err)
{
    struct scrip *scrip = memory_get(sizeof *scrip);
    struct instance *host = NULL;
    int code;

    hash_start();
    *out = NULL;
    scrip->access = access;
    scrip->names = names_open();
    scrip->prices = prices_open();
    scrip->engine.debt_name = names_add(scrip->names, "debt", 4);
    scrip->engine.settle = route_settle;
    scrip->engine.settle_sink = scrip;
    scrip->open = &scrip->batches[0];
    scrip->open->number = scrip->batch_number = 1;
    scrip->batch_limit = BATCH_EVENT_LIMIT;
    pthread_mutex_init(&scrip->lock, NULL);
    pthread_cond_init(&scrip->change, NULL);
    code = host_start(scrip, path, &host, err);
    if (code == SCRIP_OK)
        code = instances_start(scrip, 1, err);
    if (code == SCRIP_OK)
        code = instances_start(scrip, 0, err);
    if (code == SCRIP_OK && access != SCRIP_ACCESS_PLUGINS)
        code = store_start(scrip, err);
    if (host != NULL)
        instance_free(host);
    if (code < 0) {
        scrip_close(scrip);
        return code;
    }
    *out = scrip;
    return SCRIP_OK;
}

void instance_end(struct instance *instance)
{
    if (instance == NULL)
        return;
    instance_close(instance);
    instance_free(instance);
}

/* In the reverse of the order of use: who asks before who answers, the store last. */
void scrip_close(struct scrip *scrip)
{
    if (scrip == NULL)
        return;
    batch_stop(scrip);
    accounts_forget(scrip);
    outbox_close(scrip);
    for (size_t i = 0; i < scrip->report_count; i++)
        instance_end(scrip->reports[i]);
    for (size_t i = 0; i < scrip->source_count; i++)
        source_end(scrip->sources[i]);
    for (size_t i = 0; i < scrip->service_count; i++) {
        instance_end(scrip->services[i].instance);
        free(scrip->services[i].where);
    }
    for (size_t i = 0; i < scrip->currency_count; i++)
        instance_end(scrip->currencies[i].instance);
    instance_end(scrip->reader);
    instance_end(scrip->writer);
    shared_end(scrip);
    batch_free(&scrip->batches[0]);
    batch_free(&scrip->batches[1]);
    free(scrip->sorted.events);
    free(scrip->sorted.entries);
    engine_free(&scrip->engine);
    json_free(&scrip->scratch);
    json_free(&scrip->used);
    free(scrip->note_scratch.notes);
    arena_free(&scrip->arena);
    free(scrip->undo.start);
    free(scrip->timer_undo.start);
    free(scrip->accounts);
    free(scrip->tops);
    free(scrip->store);
    free(scrip->reports);
    free(scrip->sources);
    free(scrip->services);
    free(scrip->currencies);
    free(scrip->dimensions);
    prices_close(scrip->prices);
    names_close(scrip->names);
    if (scrip->registry != NULL)
        registry_close(scrip->registry);
    profiles_close(scrip->profiles);
    follow_close(scrip->follow);
    config_free(scrip->config);
    pthread_mutex_destroy(&scrip->lock);
    pthread_cond_destroy(&scrip->change);
    free(scrip);
}

int scrip_is_volatile(const struct scrip *scrip)
{
    return scrip->is_volatile;
}
