/* alert.c - the rules of alerts: read from their text, and asked of an account. All of it follows from the account
 * alone. */
#include "outbox.h"

#include "calendar.h"
#include "money.h"

#include <stdio.h>

#define PERCENT_PART INT64_C(1000000)
#define WORD_LIMIT 8

/* ---- reading -------------------------------------------------------------------------------------------------- */

static int rule_fault(const char *text, struct scrip_error *err)
{
    return error_set(
        err, SCRIP_EINVALID,
        "'%s': want one of: balance CURRENCY below N; balance CURRENCY below N%%; expiring CURRENCY within DURATION; "
        "burn CURRENCY above N per DURATION; hold CURRENCY longer DURATION",
        text);
}

/* "20%": in millionths of a percent. */
static int percent_read(const char *word, struct alert_rule *out)
{
    struct scrip_decimal value;
    size_t size = strlen(word);

    if (size < 2 || word[size - 1] != '%')
        return 0;
    if (decimal_parse(word, size - 1, &value) < 0 || value.whole < 0 || value.whole > 100 ||
        value.atto % (SCRIP_ATTO / PERCENT_PART) != 0)
        return 0;
    out->parts = value.whole * PERCENT_PART + value.atto / (SCRIP_ATTO / PERCENT_PART);
    return out->parts > 0;
}

static int amount_read(const char *word, struct alert_rule *out, struct scrip_error *err)
{
    struct scrip_decimal value;

    if (decimal_parse(word, strlen(word), &value) < 0 || money_from_decimal(&value, out->decimals, &out->amount) < 0 ||
        out->amount <= 0)
        return error_set(err, SCRIP_EINVALID, "'%s': want an amount above 0 of %s, which has %d decimals", word,
                         out->currency->text, out->decimals);
    return SCRIP_OK;
}

static int duration_read(const char *word, struct alert_rule *out, struct scrip_error *err)
{
    if (duration_check(word) < 0 || strlen(word) >= sizeof out->duration)
        return error_set(err, SCRIP_EINVALID, "'%s': want a duration such as 30d, 24h or P1M", word);
    snprintf(out->duration, sizeof out->duration, "%s", word);
    return SCRIP_OK;
}

static int words_read(char *words[WORD_LIMIT], int count, const char *text, struct alert_rule *out,
                      struct scrip_error *err)
{
    int code;

    if (count == 4 && strcmp(words[0], "balance") == 0 && strcmp(words[2], "below") == 0) {
        out->kind = ALERT_BALANCE;
        return percent_read(words[3], out) ? SCRIP_OK : amount_read(words[3], out, err);
    }
    if (count == 4 && strcmp(words[0], "expiring") == 0 && strcmp(words[2], "within") == 0) {
        out->kind = ALERT_EXPIRING;
        return duration_read(words[3], out, err);
    }
    if (count == 4 && strcmp(words[0], "hold") == 0 && strcmp(words[2], "longer") == 0) {
        out->kind = ALERT_HOLD;
        return duration_read(words[3], out, err);
    }
    if (count == 6 && strcmp(words[0], "burn") == 0 && strcmp(words[2], "above") == 0 && strcmp(words[4], "per") == 0) {
        out->kind = ALERT_BURN;
        code = amount_read(words[3], out, err);
        return code < 0 ? code : duration_read(words[5], out, err);
    }
    return rule_fault(text, err);
}

int alert_rule_read(struct scrip *scrip, const char *text, struct alert_rule *out, struct scrip_error *err)
{
    char *copy = memory_text(text), *words[WORD_LIMIT], *rest = copy, *word;
    const struct currency *currency;
    int count = 0, code;

    out->text = text;
    while (count < WORD_LIMIT && (word = strtok_r(rest, " \t", &rest)) != NULL)
        words[count++] = word;
    if (count < 2)
        code = rule_fault(text, err);
    else if ((currency = host_currency(scrip, words[1])) == NULL)
        code = host_currency_unknown(scrip, "currency", words[1], err);
    else {
        out->currency = currency->name;
        out->decimals = (int)currency->policy.decimals;
        code = words_read(words, count, text, out, err);
    }
    free(copy);
    return code;
}

/* ---- balances ------------------------------------------------------------------------------------------------- */

/* What its part is of: what it was given, or gets each period. */
static wide grant_whole(const struct grant *grant)
{
    const struct grant_rules *rules = grant->rules;

    return rules && rules->every[0] && !rules->adds ? rules->amount : grant->row.balance[SCRIP_BOOK_ISSUED];
}

int alert_is_below(const struct alert_rule *rule, const struct account *account, wide *available)
{
    wide whole = 0;
    int is_there = 0, is_unlimited = 0;

    *available = 0;
    for (size_t i = 0; i < account->grant_count; i++) {
        const struct grant *grant = account->grants[i];

        if (grant->terms->row.currency != rule->currency || grant->stage == GRANT_DEBT)
            continue;
        is_there = 1;
        if (grant->stage != GRANT_LIVE)
            continue;
        *available += grant->row.balance[SCRIP_BOOK_AVAILABLE];
        whole += grant_whole(grant);
        is_unlimited |= (int)grant->row.unlimited;
    }
    if (!is_there)
        return -1;
    if (is_unlimited)
        return 0;
    if (rule->parts == 0)
        return *available < rule->amount;
    /* Nothing of nothing is as low as it can be. */
    return whole <= 0 || *available * 100 * PERCENT_PART < whole * rule->parts;
}

/* ---- dates ---------------------------------------------------------------------------------------------------- */

static const char *zone_of(const struct account *account)
{
    return account->zone ? account->zone : "UTC";
}

int64_t alert_start(const struct alert_rule *rule, const struct account *account, int64_t until_us)
{
    int64_t start;

    return time_add(until_us, rule->duration, -1, zone_of(account), &start) < 0 ? SCRIP_TIME_MIN : start;
}

int64_t alert_grant_due(const struct alert_rule *rule, const struct account *account, const struct grant *grant)
{
    if (rule->kind != ALERT_EXPIRING || grant->terms->row.currency != rule->currency || grant->stage == GRANT_DEBT ||
        grant->stage == GRANT_ENDED || grant->row.unlimited || grant->row.expires_us == SCRIP_TIME_NONE)
        return SCRIP_TIME_MAX;
    return alert_start(rule, account, grant->row.expires_us);
}

int64_t alert_hold_due(const struct alert_rule *rule, const struct account *account, const struct claim *hold)
{
    int64_t due;

    if (rule->kind != ALERT_HOLD || hold->row.kind != SCRIP_CLAIM_HOLD || hold->row.stage != SCRIP_CLAIM_OPEN ||
        hold->terms->row.currency != rule->currency)
        return SCRIP_TIME_MAX;
    return time_add(hold->event.shown.time_us, rule->duration, 1, zone_of(account), &due) < 0 ? SCRIP_TIME_MAX : due;
}

/* ---- what was used -------------------------------------------------------------------------------------------- */

void burn_add(struct burn *burn, const struct terms *terms, const struct scrip_entry_row *entry)
{
    int64_t amount = entry->debit == SCRIP_BOOK_USED ? entry->amount : -entry->amount;
    size_t at;

    if (terms == NULL || (entry->debit == SCRIP_BOOK_USED) == (entry->credit == SCRIP_BOOK_USED))
        return;
    ARRAY_ROOM(burn->parts, burn->count, burn->room);
    for (at = burn->count; at > 0 && burn->parts[at - 1].time_us > entry->time_us; at--)
        burn->parts[at] = burn->parts[at - 1];
    burn->parts[at] = (struct burn_part){ entry->time_us, terms, amount };
    burn->count++;
}

wide burn_sum(const struct burn *burn, const struct alert_rule *rule, const struct account *account, int64_t until_us)
{
    int64_t start = alert_start(rule, account, until_us);
    wide sum = 0;

    for (size_t i = burn->count; i > 0 && burn->parts[i - 1].time_us > start; i--)
        if (burn->parts[i - 1].terms->row.currency == rule->currency)
            sum += burn->parts[i - 1].amount;
    return sum;
}
