/* message.c - one delivery as JSON: a CloudEvent 1.0 in structured form, with the words of `explain` and `balance`. */
#include "outbox.h"
#include "replay.h"

#include "calendar.h"
#include "money.h"

#include <inttypes.h>
#include <stdio.h>

void messages_clear(struct message_list *messages)
{
    for (size_t i = 0; i < messages->count; i++) {
        free(messages->list[i].id);
        free(messages->list[i].body);
    }
    messages->count = messages->size = 0;
}

void messages_free(struct message_list *messages)
{
    messages_clear(messages);
    free(messages->list);
    memset(messages, 0, sizeof *messages);
}

/* ---- members -------------------------------------------------------------------------------------------------- */

static void put_text(struct json_out *out, const char *key, const char *text)
{
    json_key(out, key, strlen(key));
    json_string(out, text, strlen(text));
}

/* What is absent is not written. */
static void put_name(struct json_out *out, const char *key, const char *text)
{
    if (text[0])
        put_text(out, key, text);
}

static void put_time(struct json_out *out, const char *key, int64_t time_us)
{
    char text[TIME_TEXT_SIZE];

    if (time_us == SCRIP_TIME_NONE)
        return;
    time_write(time_us, text, sizeof text);
    put_text(out, key, text);
}

static void put_decimal(struct json_out *out, const char *key, const struct scrip_decimal *value)
{
    char text[DECIMAL_TEXT_SIZE];

    decimal_write(value, text, sizeof text);
    put_text(out, key, text);
}

static void put_count(struct json_out *out, const char *key, uint64_t count)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, count);
    put_text(out, key, text);
}

static void put_amount(struct json_out *out, const char *key, int64_t amount, const struct terms *terms)
{
    char text[DECIMAL_TEXT_SIZE];

    money_write(amount, (int)terms->row.decimals, text, sizeof text);
    put_text(out, key, text);
}

/* A sum over grants may be wider than one amount. */
static void put_wide(struct json_out *out, const char *key, wide amount, int decimals)
{
    char text[WIDE_TEXT_SIZE];

    wide_write(amount, decimals, text);
    put_text(out, key, text);
}

static void put_list(struct json_out *out, const char *key)
{
    json_key(out, key, strlen(key));
    json_open(out, '[');
}

/* ---- the envelope --------------------------------------------------------------------------------------------- */

static void envelope_open(struct json_out *out, const char *id, const char *type, const char *account, int64_t time_us)
{
    memset(out, 0, sizeof *out);
    json_open(out, '{');
    put_text(out, "specversion", "1.0");
    put_text(out, "id", id);
    put_text(out, "source", "scrip");
    put_text(out, "type", type);
    put_text(out, "subject", account);
    put_time(out, "time", time_us);
    put_text(out, "datacontenttype", "application/json");
    json_key(out, "data", 4);
    json_open(out, '{');
}

static void envelope_close(struct message_list *messages, struct json_out *out, char *id, uint64_t number)
{
    struct message *message;

    json_close(out, '}');
    json_close(out, '}');
    ARRAY_ROOM(messages->list, messages->count, messages->room);
    message = &messages->list[messages->count++];
    memset(message, 0, sizeof *message);
    message->id = id;
    message->body = out->text;
    message->size = out->size;
    message->number = number;
    message->told_us = SCRIP_TIME_MIN;
    messages->size += out->size;
}

/* ---- events --------------------------------------------------------------------------------------------------- */

static void charges_put(struct json_out *out, const struct quote *quote, const struct effect *effect,
                        const struct event *event)
{
    put_list(out, "charges");
    for (size_t i = 0; i < effect->paid_count; i++) {
        const struct quote_line *line = &quote->lines[effect->paid[i]];
        const struct terms *terms = line->rate->terms;

        json_open(out, '{');
        put_count(out, "line", effect->paid[i]);
        put_name(out, "product", quote_subject(quote, effect->paid[i], event)->product->text);
        put_text(out, "service", line->rate->row.service->text);
        put_name(out, "price", line->rate->row.label->text);
        put_decimal(out, "quantity", &line->quantity);
        put_decimal(out, "rate", &line->rate->row.rate);
        put_decimal(out, "per", &line->rate->row.per);
        put_amount(out, "amount", effect->amounts[i], terms);
        put_text(out, "currency", terms->row.currency->text);
        put_time(out, "time", line->time_us);
        json_close(out, '}');
    }
    json_close(out, ']');
}

/* As explain tells them: a draw is of the event's own charge; an entry is all else that it brought. */
static int is_draw(const struct scrip_entry_row *entry)
{
    return entry->debit == SCRIP_BOOK_USED && entry->credit != SCRIP_BOOK_USED && entry->of == 0;
}

static void entry_put(struct json_out *out, const struct account *account, const struct scrip_entry_row *entry)
{
    const struct grant *grant = account->grants[entry->grant - 1];

    json_open(out, '{');
    put_name(out, "grant", grant->stage == GRANT_DEBT ? "" : grant->row.id);
    put_name(out, "class", grant->row.class_name->text);
    put_amount(out, "amount", entry->amount, grant->terms);
    put_text(out, "currency", grant->terms->row.currency->text);
    put_text(out, "from", book_names[entry->credit]);
    put_text(out, "to", book_names[entry->debit]);
    put_time(out, "time", entry->time_us);
    if (grant->stage != GRANT_DEBT) {
        if (grant->row.unlimited)
            put_text(out, "left", "unlimited");
        else
            put_amount(out, "left", grant->row.balance[SCRIP_BOOK_AVAILABLE], grant->terms);
        put_time(out, "expires", grant->row.expires_us);
    }
    json_close(out, '}');
}

static void entries_put(struct json_out *out, const char *key, int draws, const struct account *account,
                        const struct scrip_entry_row *entries, size_t count)
{
    put_list(out, key);
    for (size_t i = 0; i < count; i++)
        if (is_draw(&entries[i]) == draws && entries[i].grant >= 1 && entries[i].grant <= account->grant_count)
            entry_put(out, account, &entries[i]);
    json_close(out, ']');
}

static void balance_put(struct json_out *out, const struct account *account, const struct scrip_name *currency)
{
    wide sum[SCRIP_BOOK_COUNT] = { 0 }, available = 0;
    int decimals = 0, is_unlimited = 0;

    for (size_t i = 0; i < account->grant_count; i++) {
        const struct grant *grant = account->grants[i];

        if (grant->terms->row.currency != currency)
            continue;
        decimals = (int)grant->terms->row.decimals;
        for (int book = 0; book < SCRIP_BOOK_COUNT; book++)
            sum[book] += grant->row.balance[book];
        if (grant->stage == GRANT_LIVE) {
            available += grant->row.balance[SCRIP_BOOK_AVAILABLE];
            is_unlimited |= (int)grant->row.unlimited;
        }
    }
    json_open(out, '{');
    put_text(out, "currency", currency->text);
    if (is_unlimited)
        put_text(out, "available", "unlimited");
    else
        put_wide(out, "available", available, decimals);
    put_wide(out, "waiting", sum[SCRIP_BOOK_AVAILABLE] - available, decimals);
    put_wide(out, "held", sum[SCRIP_BOOK_HELD], decimals);
    put_wide(out, "used", sum[SCRIP_BOOK_USED], decimals);
    put_wide(out, "expired", sum[SCRIP_BOOK_EXPIRED], decimals);
    put_wide(out, "voided", sum[SCRIP_BOOK_VOIDED], decimals);
    put_wide(out, "debt", -sum[SCRIP_BOOK_DEBT], decimals);
    json_close(out, '}');
}

static void balances_put(struct json_out *out, const struct account *account)
{
    put_list(out, "balances");
    for (size_t i = 0; i < account->purse_count; i++)
        balance_put(out, account, account->purses[i]->currency);
    json_close(out, ']');
}

void message_event(struct message_list *messages, struct json_out *scratch, const struct replay *replay,
                   const struct event *event, const struct scrip_entry_row *entries, size_t entry_count)
{
    const struct account *account = replay->account;
    const struct scrip_event_row *row = replay->row;
    char *id = memory_print("%s/%" PRIu64, account->row.name->text, row->number), type[32];
    struct json_out out;

    snprintf(type, sizeof type, "scrip.%s", scrip_outcome_name(row->outcome));
    envelope_open(&out, id, type, account->row.name->text, row->time_us);
    put_count(&out, "number", row->number);
    put_text(&out, "outcome", scrip_outcome_name(row->outcome));
    put_name(&out, "reason", row->reason_size ? row->reason : "");
    event_to_flat(event, scratch);
    json_key(&out, "event", 5);
    json_raw(&out, scratch->text, scratch->size);
    charges_put(&out, &replay->quote, &replay->engine.effect, event);
    entries_put(&out, "draws", 1, account, entries, entry_count);
    entries_put(&out, "entries", 0, account, entries, entry_count);
    balances_put(&out, account);
    envelope_close(messages, &out, id, row->number);
}

/* ---- alerts --------------------------------------------------------------------------------------------------- */

static void grant_put(struct json_out *out, const struct grant *grant, int decimals, wide left)
{
    put_text(out, "grant", grant->row.id);
    put_name(out, "class", grant->row.class_name->text);
    put_wide(out, "left", left, decimals);
    put_time(out, "expires", grant->row.expires_us);
}

static void hold_put(struct json_out *out, const struct claim *hold, int decimals, wide held)
{
    put_text(out, "hold", hold->row.id);
    put_wide(out, "held", held, decimals);
    put_time(out, "since", hold->event.shown.time_us);
    put_time(out, "expires", hold->row.expires_us);
}

/* An event may cross a threshold that another one crosses at the same instant; what time alone brings comes once. */
static char *alert_id(const struct account *account, const struct alert_rule *rule, int is_of_event, int64_t time_us,
                      const char *subject)
{
    char when[TIME_TEXT_SIZE], number[32] = "";

    time_write(time_us, when, sizeof when);
    if (is_of_event)
        snprintf(number, sizeof number, "%" PRIu64 "/", account->row.event_count);
    return memory_print("%s/%salert/%s/%s%s%s", account->row.name->text, number, rule->name, when,
                        subject[0] ? "/" : "", subject);
}

void message_alert(struct message_list *messages, const struct account *account, const struct alert_rule *rule,
                   int is_of_event, int64_t time_us, const struct grant *grant, const struct claim *hold, wide amount)
{
    const char *subject = grant ? grant->row.id : hold ? hold->row.id : "", *name = account->row.name->text;
    char *id = alert_id(account, rule, is_of_event, time_us, subject);
    struct json_out out;

    envelope_open(&out, id, "scrip.alert", name, time_us);
    put_text(&out, "alert", rule->name);
    put_text(&out, "rule", rule->text);
    put_count(&out, "number", account->row.event_count);
    put_text(&out, "currency", rule->currency->text);
    if (grant != NULL)
        grant_put(&out, grant, rule->decimals, amount);
    else if (hold != NULL)
        hold_put(&out, hold, rule->decimals, amount);
    else
        put_wide(&out, rule->kind == ALERT_BURN ? "used" : "available", amount, rule->decimals);
    envelope_close(messages, &out, id, account->row.event_count);
}
