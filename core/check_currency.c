/* check_currency.c - what every currency must do, clause by clause of plugin.h. */
#include "check_bench.h"

#include <inttypes.h>
#include <stdio.h>

#define GRANT_LIMIT 1000 /* that are settled */
#define SAME "The same grant is settled the same way, in every instance and at any time."
#define TIE "The key ends in the grant's id, so that no two of an account tie."
#define OTHERS "Other members stay as they came."
#define POLICY "What an instance of a currency is, asked once when it is opened."
#define RATE "to-amount = amount x rate / per."

/* Grants to settle, and what was first made of them. */
struct suite {
    struct check_host *host;
    struct scrip_host table;
    int64_t decimals;
    struct scrip_grant *grants;
    size_t count;
    struct answers answers;
};

static struct suite *suite_of(struct check *check)
{
    return *check_self(check);
}

static void suite_end(void *self)
{
    struct suite *suite = self;

    check_host_close(suite->host);
    answers_free(&suite->answers);
    free(suite->grants);
    free(suite);
}

static const struct scrip_currency *api_of(const struct check_instance *instance)
{
    return instance->api;
}

/* ---- policies ------------------------------------------------------------------------------------------------- */

/* As the host has it before it asks. */
static struct scrip_policy policy_start(void)
{
    struct scrip_policy policy = { 0 };

    policy.accept_from_us = policy.accept_until_us = SCRIP_TIME_NONE;
    policy.overdraft_limit = INT64_MAX;
    policy.hold_decay.whole = 1;
    policy.topup_below = INT64_MIN;
    policy.hold_group = "";
    policy.convert_keeps = SCRIP_KEEP_CLASS | SCRIP_KEEP_EXPIRES | SCRIP_KEEP_PRIORITY | SCRIP_KEEP_COST;
    return policy;
}

static void policy_judge(struct check *check, const struct scrip_policy *p)
{
    const struct {
        const char *name;
        int64_t value, least, most;
    } ranges[] = {
        { "decimals", p->decimals, 0, 9 },
        { "rounding", p->rounding, SCRIP_HALF_EVEN, SCRIP_DOWN },
        { "split", p->split, SCRIP_SPLIT_NONE, SCRIP_SPLIT_CLASS },
        { "settle_lag_us", p->settle_lag_us, 0, INT64_MAX },
        { "late", p->late, SCRIP_LATE_POST, SCRIP_LATE_REPLAY },
        { "overdraft", p->overdraft, SCRIP_OVERDRAFT_NONE, SCRIP_OVERDRAFT_DEBT },
        { "overdraft_limit", p->overdraft_limit, 0, INT64_MAX },
        { "draw_mode", p->draw_mode, SCRIP_DRAW_ORDERED, SCRIP_DRAW_LISTED },
        { "refund_us", p->refund_us, 0, INT64_MAX },
        { "capture_over", p->capture_over, 0, 1 },
        { "hold_us", p->hold_us, 0, INT64_MAX },
        { "hold_rule", p->hold_rule, SCRIP_HOLD_SUM, SCRIP_HOLD_MAX },
        { "hold_decay.atto", p->hold_decay.atto, 0, SCRIP_ATTO - 1 },
        { "hold_decay.whole", p->hold_decay.whole, 0, p->hold_decay.atto ? 0 : 1 },
        { "reset_keeps", p->reset_keeps, 0, 1 },
        { "convert_keeps", p->convert_keeps, 0, 15 },
    };

    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (ranges[i].value < ranges[i].least || ranges[i].value > ranges[i].most)
            check_break(check, NULL, "%s is %" PRId64 ", want %" PRId64 " to %" PRId64, ranges[i].name, ranges[i].value,
                        ranges[i].least, ranges[i].most);
    if (p->accept_from_us != SCRIP_TIME_NONE && p->accept_until_us != SCRIP_TIME_NONE &&
        p->accept_from_us >= p->accept_until_us)
        check_break(check, "charges are accepted in [from, until); SCRIP_TIME_NONE: open",
                    "from %" PRId64 " us until %" PRId64 " us: nothing would ever be accepted", p->accept_from_us,
                    p->accept_until_us);
    if (p->hold_group == NULL)
        check_break(check, "an absent text is \"\", never NULL, unless a comment says otherwise.",
                    "hold_group is NULL");
}

/* Members one by one: a struct has holes, and texts are compared by what they say. */
static void policy_write(const struct scrip_policy *policy, struct answers *out)
{
    struct scrip_policy numbers = *policy;

    numbers.hold_group = numbers.draw_order = NULL;
    answers_add_bytes(out, &numbers, sizeof numbers); /* 64-bit members only: no holes */
    answers_add(out, " %s; %s", policy->hold_group, policy->draw_order ? policy->draw_order : "");
    answers_end(out);
}

static void test_policy(struct check *check)
{
    struct suite *suite = memory_get(sizeof *suite);
    struct answers answers = { 0 };
    struct check_instance one, two;
    struct scrip_policy policy = policy_start(), again = policy_start();

    check_keep(check, suite, suite_end);
    suite->host = check_host_open(check);
    suite->table = *check_services();
    if (suite->host == NULL)
        return;
    check_open_on(suite->host, &suite->table, &one);
    check_open_on(suite->host, &suite->table, &two);
    if (!check_is_stopped(check)) {
        int code = api_of(&one)->policy(one.ctx, &policy);

        if (!code_check(check, &one, code, SCRIP_OK, "policy") && code < 0)
            check_stop(check, "policy: %s", check_said(&one));
    }
    if (!check_is_broken(check))
        policy_judge(check, &policy);
    if (!check_is_broken(check) && api_of(&two)->policy(two.ctx, &again) == SCRIP_OK) {
        policy_write(&policy, &answers);
        policy_write(&again, &answers);
        if (!answers_same_at(&answers, 0, &answers, 1))
            check_break(check, NULL, "a second instance of the same section has another policy");
    }
    suite->decimals = policy.decimals >= 0 && policy.decimals <= 9 ? policy.decimals : 0;
    answers_free(&answers);
    check_close(&one);
    check_close(&two);
}

/* ---- grants --------------------------------------------------------------------------------------------------- */

static int64_t minor_units(const struct scrip_decimal *value, int64_t decimals)
{
    int64_t scale = 1;

    for (int64_t i = 0; i < decimals; i++)
        scale *= 10;
    return value->whole > INT64_MAX / scale / 2 ? INT64_MAX / 2
                                                : value->whole * scale + value->atto / (SCRIP_ATTO / scale);
}

static void grant_add(struct suite *suite, const struct scrip_grant *grant)
{
    struct scrip_grant *added = &suite->grants[suite->count++];

    *added = *grant;
    added->number = (int64_t)suite->count;
}

/* Grants of the user's events, as the host would show them. */
static void grants_given(struct check *check)
{
    struct suite *suite = suite_of(check);

    for (uint64_t i = 0; i < check_event_count(check) && suite->count < GRANT_LIMIT; i++) {
        const struct scrip_event *event = check_event(check, i);
        const char *id = check_event_text(check, i, SCRIP_F_GRANT);
        struct scrip_grant grant = { .id = id[0] ? id : event->id, .account = event->account, .cost_currency = "" };

        if (event->type != SCRIP_GRANT)
            continue;
        grant.class_name = check_event_text(check, i, SCRIP_F_CLASS);
        grant.created_us = event->time_us;
        grant.effective_us = check_event_time(check, i, SCRIP_F_EFFECTIVE);
        if (grant.effective_us == SCRIP_TIME_NONE)
            grant.effective_us = event->time_us;
        grant.expires_us = check_event_time(check, i, SCRIP_F_EXPIRES);
        grant.amount = event->has_amount ? minor_units(&event->amount, suite->decimals) : INT64_MAX;
        grant.every = check_event_text(check, i, SCRIP_F_RECURRENCE_EVERY);
        grant.type = SCRIP_GRANT;
        grant_add(suite, &grant);
    }
}

/* Grants of every sort; the second of each pair differs in its id only. */
static void grants_make(struct check *check)
{
    static const char *const classes[] = { "", "purchased", "scrip check" };
    static const int64_t types[] = { SCRIP_GRANT, SCRIP_GRANT, SCRIP_ADJUSTMENT, SCRIP_CONVERSION, SCRIP_TRANSFER };
    static char ids[64][24];
    struct suite *suite = suite_of(check);
    const int64_t start_us = INT64_C(1640995200) * SCRIP_SECOND; /* 2022-01-01 */

    suite->grants = memory_get((GRANT_LIMIT + 64) * sizeof *suite->grants);
    grants_given(check);
    for (int i = 0; i < 60; i++) {
        struct scrip_grant grant = {
            .id = ids[i], .account = "scrip check", .class_name = classes[i / 2 % 3], .every = ""
        };

        snprintf(ids[i], sizeof ids[i], "check-%02d", i);
        grant.created_us = start_us + i / 2 * SCRIP_DAY;
        grant.effective_us = grant.created_us + (i / 2 % 4 == 1 ? SCRIP_DAY : 0);
        grant.expires_us = i / 2 % 3 == 2 ? grant.effective_us + 90 * SCRIP_DAY : SCRIP_TIME_NONE;
        grant.amount = i / 2 % 7 == 6 ? INT64_MAX : 100 + i / 2 * 17;
        grant.has_priority = i / 2 % 2;
        grant.priority = grant.has_priority ? i / 2 - 10 : 0;
        grant.has_cost = i / 2 % 5 == 4;
        grant.cost.whole = grant.has_cost ? 12 : 0;
        grant.cost_currency = grant.has_cost ? "usd" : "";
        grant.is_scoped = i / 2 % 6 == 5;
        grant.floor = 0;
        grant.type = types[i / 2 % 5];
        grant_add(suite, &grant);
    }
}

/* A text that the currency was lent is not its own to hand on; one of its own must last as long as the instance. */
struct settled {
    struct scrip_grant grant;
    uint8_t key[SCRIP_ORDER_KEY_SIZE + 64];
    uint64_t key_size;
    int code;
};

/* 1: the key ends in the id, or in the id and a NUL. */
static int ends_in(const char *key, size_t key_size, const char *id)
{
    size_t size = strlen(id);

    return (key_size >= size && memcmp(key + key_size - size, id, size) == 0) ||
           (key_size > size && key[key_size - 1] == 0 && memcmp(key + key_size - size - 1, id, size) == 0);
}

static void settled_judge(struct check *check, const struct scrip_grant *was, const struct settled *settled)
{
    const struct scrip_grant *grant = &settled->grant;
    size_t at;

    for (at = SCRIP_ORDER_KEY_SIZE; at < sizeof settled->key && settled->key[at] == 0xa5; at++)
        continue;
    if (at < sizeof settled->key || settled->key_size > SCRIP_ORDER_KEY_SIZE)
        check_break(check, "comes in as SCRIP_ORDER_KEY_SIZE.", "grant %s: a key of more than %d bytes", was->id,
                    SCRIP_ORDER_KEY_SIZE);
    if (grant->effective_us < SCRIP_TIME_MIN || grant->effective_us >= SCRIP_TIME_MAX ||
        (grant->expires_us != SCRIP_TIME_NONE &&
         (grant->expires_us <= grant->effective_us || grant->expires_us > SCRIP_TIME_MAX)))
        check_break(
            check,
            "Settles a new grant's class, dates and order key, or refuses it with SCRIP_EREFUSED and the reason.",
            "grant %s: it counts from %" PRId64 " us until %" PRId64 " us", was->id, grant->effective_us,
            grant->expires_us);
    if (grant->class_name == NULL || strlen(grant->class_name) > SCRIP_NAME_SIZE || grant->every == NULL)
        check_break(check, "a currency may set it", "grant %s: its class or recurrence is no text", was->id);
    if (grant->number != was->number || grant->amount != was->amount || grant->created_us != was->created_us ||
        grant->floor != was->floor || grant->has_priority != was->has_priority || grant->priority != was->priority ||
        grant->has_cost != was->has_cost || grant->type != was->type || grant->is_scoped != was->is_scoped)
        check_break(check, OTHERS, "grant %s: its amount, or another member that is not the currency's, was changed",
                    was->id);
}

/* Settles one grant, lent for the call, and writes down what was made of it. */
static void settle(struct check *check, struct check_instance *instance, const struct scrip_grant *grant, int is_judged,
                   struct answers *out)
{
    struct lent lent = lent_open(lent_room(strlen(grant->id) + 1) + lent_room(strlen(grant->account) + 1) +
                                 lent_room(strlen(grant->class_name) + 1) +
                                 lent_room(strlen(grant->cost_currency) + 1) + lent_room(strlen(grant->every) + 1));
    struct settled settled = { .grant = *grant, .key_size = SCRIP_ORDER_KEY_SIZE };
    char what[320], class_name[SCRIP_NAME_SIZE + 2] = "";

    settled.grant.id = lent_text(&lent, grant->id);
    settled.grant.account = lent_text(&lent, grant->account);
    settled.grant.class_name = lent_text(&lent, grant->class_name);
    settled.grant.cost_currency = lent_text(&lent, grant->cost_currency);
    settled.grant.every = lent_text(&lent, grant->every);
    lent_ready(&lent);
    memset(settled.key, 0xa5, sizeof settled.key);
    check_hush(instance);
    settled.code = api_of(instance)->grant(instance->ctx, &settled.grant, settled.key, &settled.key_size);
    snprintf(what, sizeof what, "grant %s", grant->id);
    if (is_judged && !code_check(check, instance, settled.code, SCRIP_OK, what) && settled.code == SCRIP_OK)
        settled_judge(check, grant, &settled);
    if (settled.code == SCRIP_OK && settled.grant.class_name != NULL)
        snprintf(class_name, sizeof class_name, "%s", settled.grant.class_name);
    answers_add(out, "code %d %s", settled.code, settled.code < 0 ? check_said(instance) : "");
    if (settled.code == SCRIP_OK && !check_is_broken(check)) {
        answers_add(out, "class '%s' from %" PRId64 " until %" PRId64 " every '%s' from %" PRId64 " key ", class_name,
                    settled.grant.effective_us, settled.grant.expires_us, settled.grant.every, settled.grant.from);
        answers_add_bytes(out, settled.key, settled.key_size);
    }
    answers_end(out);
    if (lent_close(&lent))
        check_break(check, CLAUSE_LENT, "%s: a text of it was changed", what);
}

static void differs(struct check *check, const char *clause, int64_t at, const char *how)
{
    check_break(check, clause, "grant %s is settled another way %s", suite_of(check)->grants[at].id, how);
}

static void test_grants(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct check_instance instance;
    size_t taken = 0;

    if (check_is_stopped(check))
        return;
    grants_make(check);
    if (check_is_stopped(check))
        return;
    check_open_on(suite->host, &suite->table, &instance);
    for (size_t i = 0; i < suite->count && !check_is_broken(check); i++) {
        size_t size;

        settle(check, &instance, &suite->grants[i], 1, &suite->answers);
        taken += strncmp(answers_at(&suite->answers, i, &size), "code 0", 6) == 0;
    }
    if (taken == 0 && !check_is_broken(check))
        check_skip(check, "it takes none of the suite's grants: give some that it takes: --events FILE");
    check_close(&instance);
}

/* The keys of grants that differ in their ids only. */
static void test_total(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct check_instance instance;
    struct answers answers = { 0 };

    if (check_was_broken(check) || check_is_stopped(check)) {
        check_skip(check, "what is broken above would be found here, too");
        return;
    }
    check_open_on(suite->host, &suite->table, &instance);
    for (size_t i = 0; i < suite->count && !check_is_broken(check); i++) {
        struct scrip_grant twin = suite->grants[i];
        const char *text;
        size_t size;

        twin.id = "check-twin";
        answers_clear(&answers);
        settle(check, &instance, &suite->grants[i], 0, &answers);
        settle(check, &instance, &twin, 0, &answers);
        text = answers_at(&answers, 0, &size);
        if (check_is_broken(check) || strncmp(text, "code 0", 6) != 0)
            continue;
        if (answers_same_at(&answers, 0, &answers, 1))
            check_break(check, NULL, "grant %s ties with one that has another id and is the same otherwise",
                        suite->grants[i].id);
        else if (!ends_in(text, size, suite->grants[i].id)) /* the key is what comes last */
            check_break(check, NULL, "grant %s: its key does not end in its id", suite->grants[i].id);
    }
    answers_free(&answers);
    check_close(&instance);
}

/* In the other order, by another instance, with a third one beside it. */
static void test_again(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct check_instance one, two;
    struct answers answers = { 0 }, ignored = { 0 };

    if (check_is_stopped(check) || suite->answers.count < suite->count) {
        check_skip(check, "what is broken above would be found here, too");
        return;
    }
    check_open_on(suite->host, &suite->table, &one);
    check_open_on(suite->host, &suite->table, &two);
    for (size_t i = suite->count; i-- > 0 && !check_is_broken(check);) {
        answers_clear(&answers);
        settle(check, &one, &suite->grants[i], 0, &answers);
        settle(check, &two, &suite->grants[suite->count - 1 - i], 0, &ignored);
        if (!check_is_broken(check) && !answers_same_at(&answers, 0, &suite->answers, i))
            differs(check, NULL, (int64_t)i, "by another instance, or after other grants");
    }
    answers_free(&answers);
    answers_free(&ignored);
    check_close(&one);
    check_close(&two);
}

/* ---- conversions ---------------------------------------------------------------------------------------------- */

static void convert_ask(struct check *check, struct check_instance *instance, const char *to, int64_t time_us,
                        uint64_t *known)
{
    struct scrip_decimal rate = { 0, 0 }, per = { 0, 0 }, again = { 0, 0 }, again_per = { 0, 0 };
    struct lent lent = lent_open(lent_room(strlen(to) + 1));
    const char *name = lent_text(&lent, to);
    char what[320];
    int code;

    lent_ready(&lent);
    check_hush(instance);
    snprintf(what, sizeof what, "convert to %s at %" PRId64 " us", to, time_us);
    code = api_of(instance)->convert(instance->ctx, name, time_us, &rate, &per);
    if (code == SCRIP_OK) {
        ++*known;
        if (rate.whole < 0 || per.whole < 0 || per.whole + per.atto == 0 || rate.atto < 0 || rate.atto >= SCRIP_ATTO ||
            per.atto < 0 || per.atto >= SCRIP_ATTO)
            check_break(check, NULL,
                        "%s: rate %" PRId64 ".%018" PRId64 " per %" PRId64 ".%018" PRId64
                        ", want a rate of at least 0 and a per above 0",
                        what, rate.whole, rate.atto, per.whole, per.atto);
        if (api_of(instance)->convert(instance->ctx, name, time_us, &again, &again_per) != SCRIP_OK ||
            memcmp(&again, &rate, sizeof rate) != 0 || memcmp(&again_per, &per, sizeof per) != 0)
            check_break(check, NULL, "%s: another rate when it is asked again", what);
    } else if (code != SCRIP_ENOTFOUND)
        code_check(check, instance, code, SCRIP_OK, what);
    if (lent_close(&lent))
        check_break(check, CLAUSE_LENT, "%s: the text was changed", what);
}

static void test_convert(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct check_instance instance;
    uint64_t known = 0;

    if (check_is_stopped(check))
        return;
    check_open_on(suite->host, &suite->table, &instance);
    if (!check_is_stopped(check) && api_of(&instance)->convert != NULL) {
        for (uint64_t i = 0; i < check_event_count(check); i++)
            if (check_event(check, i)->type == SCRIP_CONVERSION)
                convert_ask(check, &instance, check_event_text(check, i, SCRIP_F_TO), check_event(check, i)->time_us,
                            &known);
        convert_ask(check, &instance, "scrip check: no such currency", INT64_C(1640995200) * SCRIP_SECOND, &known);
        convert_ask(check, &instance, "", SCRIP_TIME_MIN, &known);
    }
    if (known == 0 && !check_is_broken(check))
        check_skip(check, "no rate was asked for that it has: give conversions: --events FILE");
    check_close(&instance);
}

const struct check_test check_currency_tests[] = {
    { "policy", POLICY, test_policy },
    { "grants", "Settles a new grant's class, dates and order key, or refuses it with SCRIP_EREFUSED and the reason.",
      test_grants },
    { "total order", TIE, test_total },
    { "same grant", SAME, test_again },
    { "rates", RATE, test_convert },
    { NULL, NULL, NULL },
};
