/* rules.c - what is kept as JSON of policies and grants: the rules that few of them have. */
#include "account.h"

#include "calendar.h"
#include "json.h"
#include "money.h"

#include <inttypes.h>
#include <stdio.h>

const char grant_debt_rules[] = "{\"debt\":\"yes\"}";

/* ---- writing -------------------------------------------------------------------------------------------------- */

static void text_put(struct json_out *out, const char *key, const char *text)
{
    if (out->size == 0)
        json_open(out, '{');
    json_key(out, key, strlen(key));
    json_string(out, text, strlen(text));
}

static void number_put(struct json_out *out, const char *key, int64_t number)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, number);
    text_put(out, key, text);
}

static void unless(struct json_out *out, const char *key, int64_t number, int64_t usual)
{
    if (number != usual)
        number_put(out, key, number);
}

static void end_put(struct json_out *out)
{
    if (out->size)
        json_close(out, '}');
}

void rules_write(const struct scrip_policy *policy, struct json_out *out)
{
    char decay[DECIMAL_TEXT_SIZE];

    json_clear(out);
    unless(out, "overdraft", policy->overdraft, SCRIP_OVERDRAFT_NONE);
    unless(out, "overdraft_limit", policy->overdraft_limit, INT64_MAX);
    unless(out, "draw_mode", policy->draw_mode, SCRIP_DRAW_ORDERED);
    unless(out, "refund_us", policy->refund_us, 0);
    unless(out, "capture_over", policy->capture_over, 0);
    unless(out, "hold_us", policy->hold_us, 0);
    unless(out, "hold_rule", policy->hold_rule, SCRIP_HOLD_SUM);
    unless(out, "reset_keeps", policy->reset_keeps, 0);
    if (policy->hold_decay.whole != 1 || policy->hold_decay.atto != 0) {
        decimal_write(&policy->hold_decay, decay, sizeof decay);
        text_put(out, "hold_decay", decay);
    }
    if (policy->hold_group && policy->hold_group[0])
        text_put(out, "hold_group", policy->hold_group);
    if (policy->draw_order && strlen(policy->draw_order) < sizeof ((struct rules *)NULL)->draw_order)
        text_put(out, "draw_order", policy->draw_order);
    end_put(out);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

/* The leaf's text with a NUL; 0 where it is no text of at most `room`. */
static int leaf_text(const struct json_leaf *leaf, char *out, size_t room)
{
    if (leaf->type != JSON_STRING || leaf->size >= room)
        return 0;
    memcpy(out, leaf->text, leaf->size);
    out[leaf->size] = 0;
    return 1;
}

static int leaf_is(const struct json_leaf *leaf, const char *key)
{
    return leaf->path_size == strlen(key) && memcmp(leaf->path, key, leaf->path_size) == 0;
}

/* 1: it was this key, and the number is read. */
static int leaf_number(const struct json_leaf *leaf, const char *key, int64_t *out)
{
    char text[24], *end;

    if (!leaf_is(leaf, key) || !leaf_text(leaf, text, sizeof text))
        return 0;
    *out = strtoll(text, &end, 10);
    return end != text && *end == 0;
}

static int rules_leaf(void *sink, const struct json_leaf *leaf)
{
    struct rules *rules = sink;
    struct {
        const char *key;
        int64_t *out;
    } numbers[] = { { "overdraft", &rules->overdraft },       { "overdraft_limit", &rules->overdraft_limit },
                    { "draw_mode", &rules->draw_mode },       { "refund_us", &rules->refund_us },
                    { "capture_over", &rules->capture_over }, { "hold_us", &rules->hold_us },
                    { "hold_rule", &rules->hold_rule },       { "reset_keeps", &rules->reset_keeps } };

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (leaf_number(leaf, numbers[i].key, numbers[i].out))
            return SCRIP_OK;
    if (leaf_is(leaf, "hold_decay"))
        return decimal_parse(leaf->text, leaf->size, &rules->hold_decay);
    if (leaf_is(leaf, "draw_order") && leaf_text(leaf, rules->draw_order, sizeof rules->draw_order))
        return SCRIP_OK;
    return leaf_is(leaf, "hold_group") && leaf_text(leaf, rules->hold_group, sizeof rules->hold_group) ? SCRIP_OK
                                                                                                     : SCRIP_EINVALID;
}

int rules_read(const char *json, size_t size, struct rules *out)
{
    memset(out, 0, sizeof *out);
    out->overdraft_limit = INT64_MAX;
    out->hold_decay.whole = 1;
    return size ? json_read(json, size, rules_leaf, out, NULL) : SCRIP_OK;
}

/* ---- of grants ------------------------------------------------------------------------------------------------ */

static const char *const from_names[] = { "anchor", "calendar", "start", "first-use" };

static int choice_read(const struct event *event, int key, const char *const *names, size_t count, const char *wanted,
                       int *out, struct scrip_error *err)
{
    const char *text = event_text(event, key);

    *out = 0;
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, names[i]) == 0)
            *out = (int)i;
    if (text[0] && strcmp(names[*out], text) != 0)
        return error_set(err, SCRIP_EINVALID, "%s: '%s' is not known: want %s", field_text(key), text, wanted);
    return SCRIP_OK;
}

static int recurrence_write(const struct event *event, int64_t amount, struct json_out *out, struct scrip_error *err)
{
    static const char *const modes[] = { "reset", "add" };
    const char *every = event_text(event, SCRIP_F_RECURRENCE_EVERY);
    int64_t anchor = event_time(event, SCRIP_F_RECURRENCE_ANCHOR), ignored;
    int adds, from, code;

    if ((code = choice_read(event, SCRIP_F_RECURRENCE_MODE, modes, 2, "reset or add", &adds, err)) < 0 ||
        (code = choice_read(event, SCRIP_F_RECURRENCE_FROM, from_names, 4, "anchor, calendar, start or first-use",
                            &from, err)) < 0)
        return code;
    if (every[0] == 0)
        return event_field(event, SCRIP_F_RECURRENCE_ANCHOR) || event_field(event, SCRIP_F_RECURRENCE_MODE) ||
                       event_field(event, SCRIP_F_RECURRENCE_FROM)
                   ? error_set(err, SCRIP_EINVALID, "recurrence.every: missing: give a duration such as P1M")
                   : SCRIP_OK;
    if (strlen(every) >= sizeof ((struct grant_rules *)0)->every || duration_check(every) < 0 ||
        time_add(0, every, 1, "UTC", &ignored) < 0 || ignored < SCRIP_SECOND)
        return error_set(err, SCRIP_EINVALID,
                         "recurrence.every: '%s' is no duration of at least a second: want P1M, P1D, 24h ...", every);
    if (event_field(event, SCRIP_F_AMOUNT))
        return error_set(err, SCRIP_EINVALID, "recurrence.every: an unlimited grant has nothing that could recur");
    text_put(out, "every", every);
    unless(out, "adds", adds, 0);
    unless(out, "from", from, SCRIP_FROM_ANCHOR);
    unless(out, "anchor", anchor, SCRIP_TIME_NONE);
    number_put(out, "amount", amount);
    return SCRIP_OK;
}

/* An amount of the grant's own currency; 0 in *has where it is absent. */
static int amount_read(const struct event *event, int key, const struct terms *terms, int *has, int64_t *out,
                       struct scrip_error *err)
{
    struct scrip_decimal value;

    *has = event_decimal(event, key, &value) == SCRIP_OK;
    if (*has && (money_from_decimal(&value, (int)terms->row.decimals, out) < 0 || *out < 0))
        return error_set(err, SCRIP_EINVALID, "%s: '%s' is no amount of %s, which has %d decimals, from 0 up",
                         field_text(key), event_text(event, key), terms->row.currency->text, (int)terms->row.decimals);
    return SCRIP_OK;
}

int grant_rules_write(const struct event *event, const struct terms *terms, int64_t amount, struct json_out *out,
                      struct scrip_error *err)
{
    int64_t least = 0, most = INT64_MAX, cap = 0;
    int has_least, has_most, has_cap, code;
    struct scrip_decimal unit;

    json_clear(out);
    if ((code = recurrence_write(event, amount, out, err)) < 0 ||
        (code = amount_read(event, SCRIP_F_ROLLOVER_MIN, terms, &has_least, &least, err)) < 0 ||
        (code = amount_read(event, SCRIP_F_ROLLOVER_MAX, terms, &has_most, &most, err)) < 0 ||
        (code = amount_read(event, SCRIP_F_MAX_PER_CHARGE, terms, &has_cap, &cap, err)) < 0)
        return code;
    if (least > most)
        return error_set(err, SCRIP_EINVALID, "rollover.min: is above rollover.max");
    if (has_cap && cap == 0)
        return error_set(err, SCRIP_EINVALID, "max_per_charge: want an amount above 0");
    if (has_least || has_most) {
        number_put(out, "rollover_min", least);
        number_put(out, "rollover_max", most);
    }
    unless(out, "max_per_charge", cap, 0);
    if (event_decimal(event, SCRIP_F_GRANT_UNIT, &unit) == SCRIP_OK) {
        if (unit.atto != 0 || unit.whole < 1 || unit.whole > 1000000000)
            return error_set(err, SCRIP_EINVALID,
                             "grant_unit: '%s' is no whole number from 1 to 1000000000: it says how much of "
                             "the balance one of a charge costs",
                             event_text(event, SCRIP_F_GRANT_UNIT));
        unless(out, "unit", unit.whole, 1);
    }
    end_put(out);
    return SCRIP_OK;
}

/* A currency gave a recurrence to a grant whose event has none. */
void grant_rules_recur(const char *rules, size_t size, const char *every, int64_t from, int64_t amount,
                       struct json_out *out)
{
    struct grant_rules *known = size ? grant_rules_read(rules, size) : NULL;

    json_clear(out);
    text_put(out, "every", every);
    unless(out, "from", from, SCRIP_FROM_ANCHOR);
    number_put(out, "amount", amount);
    if (known != NULL && known->has_rollover) {
        number_put(out, "rollover_min", known->rollover_min);
        number_put(out, "rollover_max", known->rollover_max);
    }
    if (known != NULL) {
        unless(out, "max_per_charge", known->max_per_charge, 0);
        unless(out, "unit", known->unit, 1);
    }
    end_put(out);
    free(known);
}

static int grant_rules_leaf(void *sink, const struct json_leaf *leaf)
{
    struct grant_rules *rules = sink;
    int64_t number;

    if (leaf_is(leaf, "debt"))
        rules->is_debt = 1;
    else if (leaf_is(leaf, "every"))
        return leaf_text(leaf, rules->every, sizeof rules->every) ? SCRIP_OK : SCRIP_EINVALID;
    else if (leaf_number(leaf, "adds", &number))
        rules->adds = number != 0;
    else if (leaf_number(leaf, "from", &number) && number >= SCRIP_FROM_ANCHOR && number <= SCRIP_FROM_FIRST_USE)
        rules->from = (int)number;
    else if (leaf_number(leaf, "rollover_min", &rules->rollover_min) ||
             leaf_number(leaf, "rollover_max", &rules->rollover_max))
        rules->has_rollover = 1;
    else if (!leaf_number(leaf, "anchor", &rules->anchor_us) && !leaf_number(leaf, "amount", &rules->amount) &&
             !leaf_number(leaf, "max_per_charge", &rules->max_per_charge) &&
             !(leaf_number(leaf, "unit", &rules->unit) && rules->unit >= 1))
        return SCRIP_EINVALID;
    return SCRIP_OK;
}

struct grant_rules *grant_rules_read(const char *json, size_t size)
{
    struct grant_rules *rules = memory_get(sizeof *rules);

    rules->anchor_us = SCRIP_TIME_NONE;
    rules->rollover_max = INT64_MAX;
    rules->unit = 1;
    if (json_read(json, size, grant_rules_leaf, rules, NULL) == SCRIP_OK)
        return rules;
    free(rules);
    return NULL;
}
