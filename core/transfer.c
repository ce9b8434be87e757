/* transfer.c - an amount from one account to others: what left one, each lot with its expiry, class, priority, scope
 * and cost, comes to the other as an event of its own, known by the sender's event, so that it comes once.
 *
 *   sender: available -> clearing      receiver: clearing -> available, one grant a lot */
#include "calendar.h"
#include "hash.h"
#include "host.h"
#include "money.h"

#include <stdio.h>

#define RECEIVER_LIMIT EVENT_FIELD_LIMIT

struct receiver {
    const char *account;
    struct scrip_decimal share; /* of 1 */
    int is_rest;
    int64_t amount;
};

/* ---- shares --------------------------------------------------------------------------------------------------- */

static int share_read(const struct field *field, struct receiver *out, struct scrip_error *err)
{
    static const struct scrip_decimal hundred = { 100, 0 };

    out->account = field->name;
    out->is_rest = strcmp(field->text, "remaining") == 0;
    if (out->is_rest)
        return SCRIP_OK;
    if (field->size < 2 || field->text[field->size - 1] != '%' ||
        decimal_parse(field->text, field->size - 1, &out->share) < 0 || out->share.whole < 0 ||
        decimal_divide(&out->share, &hundred, SCRIP_HALF_EVEN, &out->share) < 0)
        return error_set(err, SCRIP_EINVALID, "share.%s: '%s': want a percentage such as 12.5%%, or remaining",
                         field->name, field->text);
    return SCRIP_OK;
}

static int receivers_read(const struct event *event, struct receiver *out, size_t *count, struct scrip_error *err)
{
    static const struct scrip_decimal one = { 1, 0 };
    struct scrip_decimal sum = { 0, 0 };
    int rests = 0, code;

    *count = 0;
    for (size_t i = 0; i < event->field_count; i++) {
        if (event->fields[i].key != SCRIP_F_SHARE)
            continue;
        memset(&out[*count], 0, sizeof *out);
        if ((code = share_read(&event->fields[i], &out[*count], err)) < 0)
            return code;
        rests += out[*count].is_rest;
        if (decimal_add(&sum, &out[(*count)++].share, &sum) < 0)
            return error_set(err, SCRIP_EINVALID, "share: more than 100%% together");
    }
    if (*count == 0) {
        out[(*count)++] = (struct receiver){ .account = event_text(event, SCRIP_F_TO), .is_rest = 1 };
        return SCRIP_OK;
    }
    if (rests > 1 || decimal_compare(&sum, &one) > 0 || (rests == 0 && decimal_compare(&sum, &one) != 0))
        return error_set(err, SCRIP_EINVALID, "share: want 100%% together, or one share that says remaining");
    return SCRIP_OK;
}

int transfer_check(const struct event *event, struct scrip_error *err)
{
    struct receiver receivers[RECEIVER_LIMIT];
    size_t count;
    int code = receivers_read(event, receivers, &count, err);

    if (code == SCRIP_OK && event_field(event, SCRIP_F_SHARE) && event_field(event, SCRIP_F_TO))
        code = error_set(err, SCRIP_EINVALID, "to: shares name the receivers: leave it out");
    for (size_t i = 0; i < count && code == SCRIP_OK; i++)
        if (strcmp(receivers[i].account, event->account->text) == 0)
            code = error_set(err, SCRIP_EINVALID, "to '%s': is the account itself: name another", receivers[i].account);
    return code;
}

/* Each gets its share cut to whole minor units; what is left over goes out one by one from the first on. */
static void shares_allocate(struct receiver *receivers, size_t count, int64_t amount)
{
    struct scrip_decimal rest = { 1, 0 }, part, negative;
    int64_t left = amount;

    for (size_t i = 0; i < count; i++)
        if (!receivers[i].is_rest) {
            negative = (struct scrip_decimal){ -1, 0 };
            decimal_multiply(&receivers[i].share, &negative, &negative);
            decimal_add(&rest, &negative, &rest);
        }
    for (size_t i = 0; i < count; i++) {
        const struct scrip_decimal *share = receivers[i].is_rest ? &rest : &receivers[i].share, whole = { amount, 0 };

        receivers[i].amount = decimal_multiply(share, &whole, &part) == SCRIP_OK ? part.whole : 0;
        left -= receivers[i].amount;
    }
    for (size_t i = 0; left > 0; i = (i + 1) % count)
        if (receivers[i].is_rest || receivers[i].share.whole != 0 || receivers[i].share.atto != 0) {
            receivers[i].amount++;
            left--;
        }
}

/* ---- what arrives --------------------------------------------------------------------------------------------- */

struct arriving {
    struct scrip_field fields[24 + SCRIP_ATTRIBUTE_LIMIT];
    size_t count;
    struct arena *arena;
};

static void put(struct arriving *a, int key, const char *text)
{
    if (text[0])
        a->fields[a->count++] =
            (struct scrip_field){ (uint64_t)key, "", arena_text(a->arena, text, strlen(text)), strlen(text) };
}

static void put_time(struct arriving *a, int key, int64_t time_us)
{
    char text[TIME_TEXT_SIZE];

    if (time_us == SCRIP_TIME_NONE)
        return;
    time_write(time_us, text, sizeof text);
    put(a, key, text);
}

static void put_decimal(struct arriving *a, int key, const struct scrip_decimal *value)
{
    char text[DECIMAL_TEXT_SIZE];

    decimal_write(value, text, sizeof text);
    put(a, key, text);
}

/* What it pays for stays what it is for. */
static void put_scope(struct arriving *a, const struct scope *scope)
{
    for (size_t i = 0; i < scope->list_count && a->count < sizeof a->fields / sizeof *a->fields; i++) {
        const struct scope_list *list = &scope->lists[i];
        size_t size = 0;
        char *text, *at;

        for (char **item = list->items; *item; item++)
            size += strlen(*item) + 1;
        text = at = arena_get(a->arena, size + 1);
        for (char **item = list->items; *item; item++)
            at += sprintf(at, "%s%s", item == list->items ? "" : "\n", *item);
        a->fields[a->count++] =
            (struct scrip_field){ (uint64_t)list->key, arena_text(a->arena, list->name, strlen(list->name)), text,
                                  (uint64_t)(at - text) };
    }
}

/* One lot for one receiver. Its id follows from the sender's event, its place and its receiver. */
static int lot_arrive(struct scrip *scrip, const struct event *event, const struct receiver *receiver,
                      const struct grant *grant, int64_t amount, size_t place, struct scrip_error *err)
{
    struct arriving a = { .arena = &scrip->arena };
    struct origin origin = { .source = event->source, .feed = "", .bytes = "" };
    struct scrip_result result = { 0 };
    struct scrip_decimal value;
    struct event made;
    char id[SCRIP_NAME_SIZE + 1], number[24];
    uint8_t key[16];
    int code;

    snprintf(id, sizeof id, "%.*s", SCRIP_NAME_SIZE - 60, event->shown.id);
    text_trim(id);
    snprintf(id + strlen(id), 32, "/%zu/", place + 1);
    scrip->engine.head.size = 0;
    bytes_add_text(&scrip->engine.head, event->account->text, event->account->size);
    bytes_add_text(&scrip->engine.head, event->source->text, event->source->size);
    bytes_add_text(&scrip->engine.head, event->shown.id, event->id_size);
    hash_key(scrip->engine.head.start, scrip->engine.head.size, key);
    hash_hex(key, 8, id + strlen(id));
    put(&a, SCRIP_F_TYPE, event_type_names[SCRIP_TRANSFER]);
    put(&a, SCRIP_F_ID, id);
    put(&a, SCRIP_F_ACCOUNT, receiver->account);
    put_time(&a, SCRIP_F_TIME, event->shown.time_us);
    put(&a, SCRIP_F_FROM, event->account->text);
    put(&a, SCRIP_F_CURRENCY, grant->terms->row.currency->text);
    money_to_decimal(amount, (int)grant->terms->row.decimals, &value);
    put_decimal(&a, SCRIP_F_AMOUNT, &value);
    put(&a, SCRIP_F_CLASS, grant->row.class_name->text);
    put_time(&a, SCRIP_F_EXPIRES, grant->row.expires_us);
    if (grant->row.has_priority) {
        snprintf(number, sizeof number, "%lld", (long long)grant->row.priority);
        put(&a, SCRIP_F_PRIORITY, number);
    }
    if (cost_share(&grant->row, amount, &value)) {
        put_decimal(&a, SCRIP_F_COST_AMOUNT, &value);
        put(&a, SCRIP_F_COST_CURRENCY, grant->row.cost_currency->text);
    }
    put_scope(&a, &grant->bucket->scope);
    put(&a, SCRIP_F_REASON, event_text(event, SCRIP_F_REASON));
    code = event_read(&made, a.fields, a.count, SCRIP_TIME_NONE, SCRIP_TIME_NONE, event->source, scrip->names,
                      &scrip->arena, err);
    origin.fields = a.fields;
    origin.field_count = a.count;
    return code < 0 ? code : take_event(scrip, &made, &origin, &result, err);
}

int transfer_arrive(struct scrip *scrip, const struct event *event, struct scrip_result *result,
                    struct scrip_error *err)
{
    size_t count = scrip->engine.effect.departure_count, receiver_count, at = 0, place = 0;
    struct departure *departures = arena_get(&scrip->arena, count * sizeof *departures);
    struct receiver receivers[RECEIVER_LIMIT];
    int64_t sum = 0;
    int code = receivers_read(event, receivers, &receiver_count, err);

    (void)result;
    memcpy(departures, scrip->engine.effect.departures, count * sizeof *departures);
    for (size_t i = 0; i < count; i++)
        sum += departures[i].amount;
    shares_allocate(receivers, receiver_count, sum);
    for (size_t i = 0; i < receiver_count && code == SCRIP_OK; i++)
        while (receivers[i].amount > 0 && code == SCRIP_OK) {
            struct departure *departure = &departures[at];
            int64_t part = departure->amount < receivers[i].amount ? departure->amount : receivers[i].amount;

            code = lot_arrive(scrip, event, &receivers[i], departure->grant, part, place++, err);
            receivers[i].amount -= part;
            departure->amount -= part;
            at += departure->amount == 0;
        }
    return code;
}
