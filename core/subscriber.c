/* subscriber.c - a report's section that delivers: which events, which alerts, signed with which key. */
#include "outbox.h"

#include "calendar.h"
#include "hash.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#define KEY_LEAST 16
#define KEY_MOST 4096
#define TRIES_MOST 100000
#define WAIT_MOST_US (366 * SCRIP_DAY)

static int is_alert(const struct option_value *value)
{
    return value->suffix != NULL && strcmp(value->option->key, "alert.*") == 0;
}

int subscriber_is(const struct instance *report)
{
    const struct option_value *events = instance_option(report, "events");

    if (events != NULL && events->given)
        return 1;
    for (size_t i = 0; i < report->value_count; i++)
        if (is_alert(&report->values[i]))
            return 1;
    return 0;
}

static int outcomes_read(const struct option_value *events, unsigned *out, struct scrip_error *err)
{
    *out = 0;
    for (char **item = events ? events->items : NULL; item && *item; item++) {
        unsigned found = strcmp(*item, "all") == 0 ? 1u << SCRIP_OUTCOME_COUNT : 0;

        for (int i = SCRIP_CHARGED; i <= SCRIP_REFUSED; i++)
            if (strcmp(*item, scrip_outcome_name(i)) == 0 || found >= 1u << SCRIP_OUTCOME_COUNT)
                found |= 1u << i;
        if (found == 0)
            return error_set(err, SCRIP_EINVALID, "%s: events: '%s': want charged, zero, applied, refused, or all",
                             events->where, *item);
        *out |= found;
    }
    return SCRIP_OK;
}

static int alerts_read(struct scrip *scrip, const struct instance *report, struct subscriber *out,
                       struct scrip_error *err)
{
    struct scrip_error why = { 0 };

    for (size_t i = 0; i < report->value_count; i++) {
        const struct option_value *value = &report->values[i];
        struct alert_rule *rule;

        if (!is_alert(value))
            continue;
        out->rules = memory_grow(out->rules, (out->rule_count + 1) * sizeof *out->rules);
        rule = &out->rules[out->rule_count++];
        memset(rule, 0, sizeof *rule);
        rule->name = value->suffix;
        if (alert_rule_read(scrip, value->text, rule, &why) < 0)
            return error_set(err, SCRIP_EINVALID, "%s: alert.%s: %s", value->where, value->suffix, why.message);
    }
    return SCRIP_OK;
}

/* ---- keys ----------------------------------------------------------------------------------------------------- */

static int key_take(struct subscriber *out, const char *where, const char *text, size_t size, struct scrip_error *err)
{
    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r'))
        size--;
    if (size < KEY_LEAST)
        return error_set(err, SCRIP_EINVALID,
                         "%s: a key of %zu bytes: want %d or more, such as what `openssl rand -hex 32` prints", where,
                         size, KEY_LEAST);
    out->key = memory_text_part(text, size);
    out->key_size = size;
    return SCRIP_OK;
}

static int key_file_read(struct subscriber *out, const struct option_value *file, struct scrip_error *err)
{
    char text[KEY_MOST + 1];
    struct stat info;
    FILE *in = fopen(file->text, "rb");
    size_t size;
    int code;

    if (in == NULL)
        return error_set(err, SCRIP_EIO, "%s: key_file: %s: %s", file->where, file->text, strerror(errno));
    setvbuf(in, NULL, _IONBF, 0); /* no copy of the key stays behind */
    size = fread(text, 1, sizeof text, in);
    if (ferror(in) || fstat(fileno(in), &info) != 0)
        code = error_set(err, SCRIP_EIO, "%s: key_file: %s: %s", file->where, file->text, strerror(errno));
    else if (info.st_mode & 077)
        code = error_set(err, SCRIP_EINVALID, "%s: key_file: %s: others may read or write it: chmod 600 it",
                         file->where, file->text);
    else if (size > KEY_MOST)
        code =
            error_set(err, SCRIP_ELIMIT, "%s: key_file: %s: longer than %d bytes", file->where, file->text, KEY_MOST);
    else
        code = key_take(out, file->where, text, size, err);
    fclose(in);
    hash_forget(text, sizeof text);
    return code;
}

static const struct option_value *given(const struct instance *report, const char *key)
{
    const struct option_value *value = instance_option(report, key);

    return value && value->given ? value : NULL;
}

static int keys_check(const struct instance *report, struct scrip_error *err)
{
    const struct option_value *name = given(report, "key_env");

    if (name != NULL && given(report, "key_file") != NULL)
        return error_set(err, SCRIP_EINVALID, "%s: key_env: there is a key_file, too: give one of both", name->where);
    return SCRIP_OK;
}

int subscriber_key_read(struct subscriber *subscriber, struct scrip_error *err)
{
    const struct option_value *file = given(subscriber->instance, "key_file");
    const struct option_value *name = given(subscriber->instance, "key_env");
    const char *text;

    if (subscriber->key != NULL || (file == NULL && name == NULL))
        return SCRIP_OK;
    if (file != NULL)
        return key_file_read(subscriber, file, err);
    text = getenv(name->text);
    if (text == NULL)
        return error_set(err, SCRIP_EINVALID, "%s: key_env: the environment has no variable %s: set it to the key",
                         name->where, name->text);
    return key_take(subscriber, name->where, text, strlen(text), err);
}

/* ---- open and close ------------------------------------------------------------------------------------------- */

static int wait_read(const struct instance *report, const char *key, int64_t *out, struct scrip_error *err)
{
    const struct option_value *value = instance_option(report, key);

    if (duration_us(value->text, out) < 0 || *out < 0 || *out > WAIT_MOST_US)
        return error_set(err, SCRIP_EINVALID, "%s: %s: '%s': want a fixed duration such as 10s or 1h, up to 366d",
                         value->where, key, value->text);
    return SCRIP_OK;
}

static int waits_read(const struct instance *report, struct subscriber *out, struct scrip_error *err)
{
    const struct option_value *tries = instance_option(report, "tries");
    int code = wait_read(report, "first_wait", &out->first_wait_us, err);

    if (code == SCRIP_OK)
        code = wait_read(report, "most_wait", &out->most_wait_us, err);
    if (code == SCRIP_OK && (tries->number < 1 || tries->number > TRIES_MOST))
        code = error_set(err, SCRIP_EINVALID, "%s: tries: '%s': want 1 to %d", tries->where, tries->text, TRIES_MOST);
    out->tries = (uint64_t)tries->number;
    return code;
}

/* What a report has, and a delivery has not. */
static int others_check(const struct instance *report, struct scrip_error *err)
{
    static const char *const keys[] = { "query", "by", "as_of", "before", "from", "to", "outcome", "where", "file" };

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const struct option_value *value = instance_option(report, keys[i]);

        if (value != NULL && value->given && strcmp(value->where, "default") != 0)
            return error_set(err, SCRIP_EINVALID,
                             "%s: %s: is of reports, and this section delivers (events, alert.*): use two sections",
                             value->where, keys[i]);
    }
    return SCRIP_OK;
}

int subscriber_open(struct scrip *scrip, struct instance *report, struct subscriber *out, struct scrip_error *err)
{
    const struct option_value *since = instance_option(report, "since");
    const char *account = instance_text(report, "account");
    char source[SCRIP_NAME_SIZE + 1];
    int code, size = snprintf(source, sizeof source, OUTBOX_SOURCE "%s", report->ctx.instance);

    memset(out, 0, sizeof *out);
    out->instance = report;
    out->account = account[0] ? account : NULL;
    out->since_us = since && since->given ? since->number : SCRIP_TIME_MIN;
    if (report->plugin->api.report.deliver == NULL)
        return error_set(err, SCRIP_EINVALID,
                         "%s:%d: report/%s cannot deliver events or alerts: use report/hook or report/exec",
                         scrip->config->path, report->section->line, report->plugin->name);
    if (size >= (int)sizeof source)
        return error_set(err, SCRIP_ELIMIT, "report %.40s...: its name is too long for one that delivers",
                         report->ctx.instance);
    out->source = names_add(scrip->names, source, (size_t)size);
    code = others_check(report, err);
    if (code == SCRIP_OK)
        code = outcomes_read(instance_option(report, "events"), &out->outcomes, err);
    if (code == SCRIP_OK)
        code = alerts_read(scrip, report, out, err);
    if (code == SCRIP_OK)
        code = waits_read(report, out, err);
    return code < 0 ? code : keys_check(report, err);
}

void subscriber_close(struct subscriber *subscriber)
{
    if (subscriber->key != NULL)
        hash_forget(subscriber->key, subscriber->key_size);
    free(subscriber->key);
    free(subscriber->rules);
    for (size_t i = 0; i < subscriber->position_room; i++)
        free(subscriber->positions[i]);
    free(subscriber->positions);
}
