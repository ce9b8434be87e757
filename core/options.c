/* options.c - an instance's section against its plugin's option table: every key known, given once, and of its type. */
#include "registry.h"

#include "calendar.h"
#include "error.h"
#include "event.h"
#include "hash.h"
#include "money.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct making {
    struct instance *instance;
    const struct config *config;
    struct scrip_error *err;
};

/* ---- tables --------------------------------------------------------------------------------------------------- */

/* The part of a key behind a family's "NAME.", or NULL; "" for a plain key that is the option's. */
static const char *option_match(const struct scrip_option *option, const char *key)
{
    size_t size = strlen(option->key);

    if (size > 2 && strcmp(option->key + size - 2, ".*") == 0)
        return strncmp(option->key, key, size - 1) == 0 && key[size - 1] ? key + size - 1 : NULL;
    return strcmp(option->key, key) == 0 ? "" : NULL;
}

static const struct scrip_option *option_find(const struct scrip_option *table, const char *key, const char **suffix)
{
    for (; table != NULL && table->key != NULL; table++)
        if ((*suffix = option_match(table, key)) != NULL)
            return table;
    return NULL;
}

/* How many letters must change to make one word of another; 3 stands for more. */
static int distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    int row[64], last, kept;

    if (n >= 63 || m >= 63 || n > m + 2 || m > n + 2)
        return 3;
    for (size_t j = 0; j <= m; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= n; i++) {
        last = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= m; j++) {
            kept = row[j];
            row[j] = last + (a[i - 1] != b[j - 1]);
            row[j] = row[j] < kept + 1 ? row[j] : kept + 1;
            row[j] = row[j] < row[j - 1] + 1 ? row[j] : row[j - 1] + 1;
            last = kept;
        }
    }
    return row[m] > 2 ? 3 : row[m];
}

static int unknown_fault(struct making *m, const struct config_item *item, const struct scrip_option *const tables[2])
{
    char known[SCRIP_MESSAGE_SIZE] = "";
    const char *nearest = NULL;
    size_t used = 0;
    int least = 3;

    for (int t = 0; t < 2; t++)
        for (const struct scrip_option *o = tables[t]; o != NULL && o->key != NULL; o++) {
            if (distance(o->key, item->key) < least) {
                least = distance(o->key, item->key);
                nearest = o->key;
            }
            if (used < sizeof known)
                used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", o->key);
        }
    if (nearest != NULL)
        return error_set(m->err, SCRIP_EINVALID, "%s:%d: key '%s': unknown: did you mean '%s'", item->path,
                         item->line, item->key, nearest);
    return error_set(m->err, SCRIP_EINVALID, "%s:%d: key '%s': unknown: want one of %s", item->path, item->line,
                     item->key, known[0] ? known : "(none: this plugin has no keys)");
}

/* ---- values --------------------------------------------------------------------------------------------------- */

static int value_fault(struct making *m, const struct option_value *value, const char *wanted)
{
    int size = (int)strlen(value->option->key) - (value->suffix != NULL); /* of a family without its star */

    return error_set(m->err, SCRIP_EINVALID, "%s: key '%.*s%s': '%s' is not %s", value->where, size, value->option->key,
                     value->suffix ? value->suffix : "", value->text, wanted);
}

static int items_split(struct making *m, struct option_value *value)
{
    const char *at = value->text;
    size_t count = 0;

    value->items = memory_get(sizeof *value->items);
    while (*at) {
        const char *end = strchrnul(at, ','), *stop = end;

        while (*at == ' ' || *at == '\t')
            at++;
        while (stop > at && (stop[-1] == ' ' || stop[-1] == '\t'))
            stop--;
        if (stop <= at)
            return value_fault(m, value, "a list of names split by commas");
        value->items = memory_grow(value->items, (count + 2) * sizeof *value->items);
        value->items[count++] = memory_text_part(at, (size_t)(stop - at));
        value->items[count] = NULL;
        at = *end ? end + 1 : end;
    }
    return SCRIP_OK;
}

static int choice_read(struct making *m, struct option_value *value)
{
    const char *at = value->option->choices;
    char wanted[256];

    for (value->number = 0; *at; value->number++) {
        const char *end = strchrnul(at, ',');

        if (strlen(value->text) == (size_t)(end - at) && strncmp(at, value->text, (size_t)(end - at)) == 0)
            return SCRIP_OK;
        at = *end ? end + 1 : end;
    }
    snprintf(wanted, sizeof wanted, "one of %s", value->option->choices);
    return value_fault(m, value, wanted);
}

static int value_read(struct making *m, struct option_value *value)
{
    char *end, *text = value->text;

    switch (value->option->type) {
    case SCRIP_OPTION_NAME:
        return name_check(text, strlen(text)) < 0 ? value_fault(m, value, "a name of 1 to 255 bytes") : SCRIP_OK;
    case SCRIP_OPTION_INT:
        errno = 0;
        value->number = strtoll(text, &end, 10);
        return end == text || *end || errno ? value_fault(m, value, "a whole number") : SCRIP_OK;
    case SCRIP_OPTION_DECIMAL:
        return decimal_parse(text, strlen(text), &value->decimal) < 0 ? value_fault(m, value, "a decimal number")
                                                                      : SCRIP_OK;
    case SCRIP_OPTION_BOOL:
        value->number = strcmp(text, "yes") == 0;
        return value->number || strcmp(text, "no") == 0 ? SCRIP_OK : value_fault(m, value, "yes or no");
    case SCRIP_OPTION_TIME:
        return time_parse(text, strlen(text), NULL, "", &value->number) < 0
                   ? value_fault(m, value, "a time such as 2022-03-29 or 2022-03-29T00:00:00Z")
                   : SCRIP_OK;
    case SCRIP_OPTION_DURATION:
        duration_us(text, &value->number);
        return duration_check(text) < 0 || text[0] == '-'
                   ? value_fault(m, value, "a duration such as 30m, 24h, 7d, P1Y")
                   : SCRIP_OK;
    case SCRIP_OPTION_LIST:
        return items_split(m, value);
    case SCRIP_OPTION_CHOICE:
        return choice_read(m, value);
    case SCRIP_OPTION_ZONE:
        return zone_check(text) < 0 ? value_fault(m, value, "a zone such as UTC, +02:00, Europe/Berlin") : SCRIP_OK;
    case SCRIP_OPTION_PATH:
        if (text[0] == 0)
            return value_fault(m, value, "a path");
        if (text[0] != '/') {
            value->text = memory_print("%s/%s", m->config->folder, text);
            free(text);
        }
        return SCRIP_OK;
    default:
        return SCRIP_OK;
    }
}

static int value_add(struct making *m, const struct scrip_option *option, const char *suffix, const char *text,
                     const struct config_item *item)
{
    struct instance *instance = m->instance;
    struct option_value *value;

    ARRAY_ROOM(instance->values, instance->value_count, instance->value_room);
    value = &instance->values[instance->value_count++];
    memset(value, 0, sizeof *value);
    value->option = option;
    value->suffix = suffix && suffix[0] ? suffix : NULL;
    value->text = memory_text(text ? text : "");
    value->given = text != NULL;
    value->where = item ? memory_print("%s:%d", item->path, item->line) : memory_text("default");
    return text ? value_read(m, value) : SCRIP_OK;
}

/* ---- instances ------------------------------------------------------------------------------------------------ */

static int is_family(const struct scrip_option *option)
{
    size_t size = strlen(option->key);

    return size > 2 && strcmp(option->key + size - 2, ".*") == 0;
}

static int is_given(const struct instance *instance, const struct scrip_option *option)
{
    for (size_t i = 0; i < instance->value_count; i++)
        if (instance->values[i].option == option)
            return 1;
    return 0;
}

/* Defaults for what the section leaves out; what it must give and does not is a fault. */
static int defaults_add(struct making *m, const struct scrip_option *table, const struct config_section *section)
{
    for (; table != NULL && table->key != NULL; table++) {
        int code;

        if (is_given(m->instance, table) || (is_family(table) && !table->required))
            continue;
        if (table->required)
            return error_set(m->err, SCRIP_EINVALID, "%s:%d: key '%s': missing: %s", m->config->path,
                             section ? section->line : 0, table->key, table->help);
        if ((code = value_add(m, table, NULL, table->fallback, NULL)) < 0)
            return code;
    }
    return SCRIP_OK;
}

static uint64_t digest_of(uint64_t digest, const char *text)
{
    return hash_mix(digest, hash_short(text, strlen(text)));
}

static int section_read(struct making *m, const struct scrip_option *const tables[2],
                        const struct config_section *section)
{
    for (size_t i = 0; section != NULL && i < section->item_count; i++) {
        const struct config_item *item = &section->items[i];
        const char *suffix = NULL;
        const struct scrip_option *option = option_find(tables[0], item->key, &suffix);
        int code;

        if (option == NULL)
            option = option_find(tables[1], item->key, &suffix);
        if (option == NULL)
            return unknown_fault(m, item, tables);
        if ((code = value_add(m, option, suffix, item->value, item)) < 0)
            return code;
        m->instance->digest = digest_of(digest_of(m->instance->digest, item->key), item->value);
    }
    return SCRIP_OK;
}

int instance_make(const struct plugin *plugin, const struct config *config, const struct config_section *section,
                  const char *name, const struct scrip_option *common, const struct scrip_host *host, void *owner,
                  struct instance **out, struct scrip_error *err)
{
    const struct scrip_option *const tables[2] = { plugin->options, common };
    struct instance *instance = memory_get(sizeof *instance);
    struct making m = { instance, config, err };
    int code;

    *out = instance;
    instance->ctx.host = host;
    instance->ctx.instance = memory_text(name);
    instance->ctx.host_private = instance;
    instance->plugin = plugin;
    instance->section = section;
    instance->owner = owner;
    instance->digest = digest_of(0, plugin->name);
    code = section_read(&m, tables, section);
    if (code == SCRIP_OK)
        code = defaults_add(&m, tables[0], section);
    if (code == SCRIP_OK)
        code = defaults_add(&m, tables[1], section);
    if (code == SCRIP_OK && name_check(name, strlen(name)) < 0)
        code = error_set(err, SCRIP_EINVALID, "%s:%d: instance '%s': want a name of 1 to 255 bytes", config->path,
                         section ? section->line : 0, name);
    if (code < 0) {
        instance_free(instance);
        *out = NULL;
    }
    return code;
}

void instance_free(struct instance *instance)
{
    for (size_t i = 0; i < instance->value_count; i++) {
        for (char **item = instance->values[i].items; item && *item; item++)
            free(*item);
        free(instance->values[i].items);
        free(instance->values[i].text);
        free(instance->values[i].where);
    }
    free(instance->values);
    free((char *)instance->ctx.instance);
    free(instance);
}

/* The members that all kinds share stand at the same place in each. */
int instance_open(struct instance *instance, struct scrip_error *err)
{
    const struct scrip_service *common = &instance->plugin->api.service;
    int code;

    error_clear(&instance->error);
    instance->is_open = 1;
    code = common->open ? common->open(&instance->ctx) : SCRIP_OK;
    if (code < 0)
        return error_set(err, code, "%s/%s %s: %s", kind_names[instance->plugin->kind], instance->plugin->name,
                         instance->ctx.instance,
                         instance->error.message[0] ? instance->error.message : "open failed without a word");
    return SCRIP_OK;
}

void instance_close(struct instance *instance)
{
    const struct scrip_service *common = &instance->plugin->api.service;

    if (instance->is_open && common->close != NULL)
        common->close(&instance->ctx);
    instance->is_open = 0;
}

const struct option_value *instance_option(const struct instance *instance, const char *key)
{
    for (size_t i = 0; i < instance->value_count; i++)
        if (instance->values[i].suffix == NULL && strcmp(instance->values[i].option->key, key) == 0)
            return instance->values[i].given ? &instance->values[i] : NULL;
    if (instance->plugin->kind == SCRIP_REPORT)
        return NULL; /* a format asked for on the command line has none of the host's keys */
    fprintf(stderr, "scrip: plugin %s asks for key '%s', which its option table does not have: a bug in it\n",
            instance->plugin->name, key);
    abort();
}

const char *instance_text(const struct instance *instance, const char *key)
{
    const struct option_value *value = instance_option(instance, key);

    return value ? value->text : "";
}

/* ---- the host's services -------------------------------------------------------------------------------------- */

static struct instance *instance_of(struct scrip_ctx *ctx)
{
    return ctx->host_private;
}

int registry_fail(struct scrip_ctx *ctx, int code, const char *format, ...)
{
    struct instance *instance = instance_of(ctx);
    va_list list;

    instance->error.code = code;
    va_start(list, format);
    vsnprintf(instance->error.message, SCRIP_MESSAGE_SIZE, format, list);
    text_trim(instance->error.message);
    va_end(list);
    return code;
}

void registry_log(struct scrip_ctx *ctx, const char *format, ...)
{
    char text[SCRIP_MESSAGE_SIZE];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    fprintf(stderr, "scrip: %s: %s\n", ctx->instance, text);
}

int registry_option_given(struct scrip_ctx *ctx, const char *key)
{
    return instance_option(instance_of(ctx), key) != NULL;
}

const char *registry_option_text(struct scrip_ctx *ctx, const char *key)
{
    return instance_text(instance_of(ctx), key);
}

int64_t registry_option_int(struct scrip_ctx *ctx, const char *key)
{
    const struct option_value *value = instance_option(instance_of(ctx), key);

    return value ? value->number : 0;
}

void registry_option_decimal(struct scrip_ctx *ctx, const char *key, struct scrip_decimal *out)
{
    const struct option_value *value = instance_option(instance_of(ctx), key);

    *out = value ? value->decimal : (struct scrip_decimal){ 0, 0 };
}

const char *registry_option_item(struct scrip_ctx *ctx, const char *key, uint64_t index)
{
    const struct option_value *value = instance_option(instance_of(ctx), key);

    for (uint64_t i = 0; value && value->items && value->items[i]; i++)
        if (i == index)
            return value->items[i];
    return NULL;
}

int registry_option_member(struct scrip_ctx *ctx, const char *family, uint64_t index, const char **suffix,
                           const char **value)
{
    struct instance *instance = instance_of(ctx);

    for (size_t i = 0; i < instance->value_count; i++)
        if (instance->values[i].suffix != NULL && strcmp(instance->values[i].option->key, family) == 0 &&
            index-- == 0) {
            *suffix = instance->values[i].suffix;
            *value = instance->values[i].text;
            return SCRIP_OK;
        }
    return SCRIP_ENOTFOUND;
}

/* Also of a family's member, by its whole key. */
const char *registry_option_where(struct scrip_ctx *ctx, const char *key)
{
    const struct instance *instance = instance_of(ctx);
    const struct option_value *value;

    for (size_t i = 0; i < instance->value_count; i++) {
        const char *suffix = instance->values[i].suffix;

        if (suffix != NULL && strncmp(key, instance->values[i].option->key, strlen(instance->values[i].option->key) - 1) == 0 &&
            strcmp(key + strlen(instance->values[i].option->key) - 1, suffix) == 0)
            return instance->values[i].where;
    }
    value = instance_option(instance, key);
    return value ? value->where : "default";
}

void registry_digest_add(struct scrip_ctx *ctx, const void *bytes, uint64_t size)
{
    struct instance *instance = instance_of(ctx);

    instance->digest = hash_mix(instance->digest, hash_short(bytes, size));
}
