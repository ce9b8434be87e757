/* record.c - what was decided about an event, as its row keeps it: quotes, and the terms of grants. */
#include "engine.h"

#include "calendar.h"
#include "money.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- grants --------------------------------------------------------------------------------------------------- */

/* A decimal field in minor units; absent: fallback. */
static int minor_field(const struct event *event, int key, const struct terms *terms, int64_t fallback, int64_t *out,
                       struct scrip_error *err)
{
    struct scrip_decimal value;

    *out = fallback;
    if (event_decimal(event, key, &value) < 0)
        return SCRIP_OK;
    if (money_from_decimal(&value, (int)terms->row.decimals, out) < 0)
        return error_set(err, SCRIP_EINVALID, "%s: '%s' is no amount of %s, which has %d decimals", field_text(key),
                         event_text(event, key), terms->row.currency->text, (int)terms->row.decimals);
    return SCRIP_OK;
}

/* The event's amount in minor units: must be there and fit; at least `least`. */
int amount_from_event(const struct event *event, const struct terms *terms, int64_t least, int64_t *out,
                      struct scrip_error *err)
{
    char text[DECIMAL_TEXT_SIZE];

    if (!event->shown.has_amount)
        return error_set(err, SCRIP_EINVALID, "amount: missing: give an amount of %s", terms->row.currency->text);
    if (money_from_decimal(&event->shown.amount, (int)terms->row.decimals, out) < 0) {
        decimal_write(&event->shown.amount, text, sizeof text);
        return error_set(err, SCRIP_EINVALID, "amount: '%s' is no amount of %s, which has %d decimals", text,
                         terms->row.currency->text, (int)terms->row.decimals);
    }
    if (*out < least || *out == INT64_MIN)
        return error_set(err, SCRIP_EINVALID, "amount: want an amount %s 0", least > 0 ? "above" : "from");
    return SCRIP_OK;
}

static int amount_fields(const struct event *event, const struct terms *terms, struct scrip_grant_row *row,
                         int64_t *amount, struct scrip_error *err)
{
    int is_adjustment = event->shown.type == SCRIP_ADJUSTMENT, code = SCRIP_OK;

    *amount = 0;
    row->unlimited = event_field(event, SCRIP_F_AMOUNT) != NULL;
    if (row->unlimited && event->shown.type != SCRIP_GRANT)
        return error_set(err, SCRIP_EINVALID, "amount: only a grant can be unlimited");
    if (!row->unlimited && (code = amount_from_event(event, terms, is_adjustment ? INT64_MIN : 1, amount, err)) < 0)
        return code;
    if (is_adjustment && *amount == 0)
        return error_set(err, SCRIP_EINVALID, "amount: want an amount other than 0");
    return minor_field(event, SCRIP_F_BALANCE, terms, *amount, &row->balance[SCRIP_BOOK_ISSUED], err);
}

static int floor_field(const struct event *event, const struct terms *terms, struct scrip_grant_row *row,
                       struct scrip_error *err)
{
    if (strcmp(event_text(event, SCRIP_F_FLOOR), "unlimited") != 0)
        return minor_field(event, SCRIP_F_FLOOR, terms, 0, &row->floor, err);
    row->floor = INT64_MIN;
    return SCRIP_OK;
}

static int priority_field(const struct event *event, struct scrip_grant_row *row, struct scrip_error *err)
{
    struct scrip_decimal value;

    if (event_decimal(event, SCRIP_F_PRIORITY, &value) < 0)
        return SCRIP_OK;
    if (value.atto != 0)
        return error_set(err, SCRIP_EINVALID, "priority: '%s' is no whole number", event_text(event, SCRIP_F_PRIORITY));
    row->has_priority = 1;
    row->priority = value.whole;
    return SCRIP_OK;
}

int grant_from_event(const struct event *event, const struct terms *terms, struct names *names, struct arena *arena,
                     struct json_out *scratch, struct scrip_grant_row *row, struct scrip_error *err)
{
    const char *id = event->shown.type != SCRIP_ADJUSTMENT ? event_text(event, SCRIP_F_GRANT) : "";
    const char *class_name = event_text(event, SCRIP_F_CLASS),
               *cost_currency = event_text(event, SCRIP_F_COST_CURRENCY);
    int64_t amount;
    int code;

    memset(row, 0, sizeof *row);
    row->next_us = SCRIP_TIME_NONE;
    row->id = id[0] ? id : event->shown.id;
    row->id_size = strlen(row->id);
    row->created_us = event->shown.time_us;
    row->effective_us = event_time(event, SCRIP_F_EFFECTIVE);
    if (row->effective_us == SCRIP_TIME_NONE)
        row->effective_us = event->shown.time_us;
    row->expires_us = event_time(event, SCRIP_F_EXPIRES);
    if (event->shown.type == SCRIP_ADJUSTMENT && !class_name[0])
        class_name = "adjustment";
    row->class_name = names_add(names, class_name, strlen(class_name));
    row->cost_currency = names_add(names, cost_currency, strlen(cost_currency));
    row->has_cost = event_decimal(event, SCRIP_F_COST_AMOUNT, &row->cost) == SCRIP_OK;
    if (row->has_cost && row->cost.whole < 0)
        return error_set(err, SCRIP_EINVALID, "cost.amount: '%s': want what the lot cost, from 0 up",
                         event_text(event, SCRIP_F_COST_AMOUNT));
    if (row->has_cost != (cost_currency[0] != 0))
        return error_set(err, SCRIP_EINVALID, "%s: missing: a cost is an amount and its currency, such as 9.50 and EUR",
                         field_text(row->has_cost ? SCRIP_F_COST_CURRENCY : SCRIP_F_COST_AMOUNT));
    if ((code = priority_field(event, row, err)) < 0 || (code = amount_fields(event, terms, row, &amount, err)) < 0 ||
        (code = floor_field(event, terms, row, err)) < 0 ||
        (code = grant_rules_write(event, terms, amount, scratch, err)) < 0)
        return code;
    row->rules = scratch->size ? arena_text(arena, scratch->text, scratch->size) : "";
    row->rules_size = scratch->size;
    scope_from_event(event, scratch);
    row->scope = scratch->size ? arena_text(arena, scratch->text, scratch->size) : "";
    row->scope_size = scratch->size;
    return SCRIP_OK;
}

/* ---- quotes as rows ------------------------------------------------------------------------------------------- */

static int decimal_same(const struct scrip_decimal *a, const struct scrip_decimal *b)
{
    return a->whole == b->whole && a->atto == b->atto;
}

/* What the only line of most events is for: the feed's own amount, or the quantity. */
static const struct scrip_decimal *usual_quantity(const struct event *event)
{
    return event->shown.has_amount ? &event->shown.amount : &event->shown.quantity;
}

static void raw_number(struct json_out *out, const char *key, uint64_t number)
{
    char text[24];

    json_key(out, key, strlen(key));
    json_raw(out, text, (size_t)snprintf(text, sizeof text, "%" PRIu64, number));
}

static void raw_time(struct json_out *out, const char *key, int64_t time_us)
{
    char text[TIME_TEXT_SIZE];

    if (time_us == SCRIP_TIME_NONE)
        return;
    json_key(out, key, strlen(key));
    json_string(out, text, time_write(time_us, text, sizeof text));
}

static void lines_write(const struct quote *quote, const struct event *event, struct json_out *out)
{
    char text[DECIMAL_TEXT_SIZE];

    if (quote->verdict == SCRIP_GATE) {
        json_key(out, "gate", 4);
        json_raw(out, "true", 4);
    }
    json_key(out, "lines", 5);
    json_open(out, '[');
    for (size_t i = 0; i < quote->count; i++) {
        const struct quote_line *line = &quote->lines[i];

        json_open(out, '{');
        raw_number(out, "rate", line->rate->row.number);
        json_key(out, "quantity", 8);
        json_string(out, text, decimal_write(&line->quantity, text, sizeof text));
        if (line->time_us != event->shown.time_us)
            raw_time(out, "time", line->time_us);
        if (line->group)
            raw_number(out, "group", line->group);
        if (line->item)
            raw_number(out, "item", line->item);
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void settled_write(const struct scrip_grant_row *grant, struct json_out *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *key = grant->order_key;
    char text[SCRIP_ORDER_KEY_SIZE * 2];

    json_key(out, "class", 5);
    json_string(out, grant->class_name->text, grant->class_name->size);
    raw_time(out, "effective", grant->effective_us);
    raw_time(out, "expires", grant->expires_us);
    for (size_t i = 0; i < grant->order_key_size; i++) {
        text[i * 2] = digits[key[i] >> 4];
        text[i * 2 + 1] = digits[key[i] & 15];
    }
    json_key(out, "order", 5);
    json_string(out, text, grant->order_key_size * 2);
    if (grant->rules_size) {
        json_key(out, "rules", 5);
        json_string(out, grant->rules, grant->rules_size);
    }
}

/* What came out of a conversion: everything that its currency decided. */
static void made_write(const struct quote *quote, struct json_out *out)
{
    char text[DECIMAL_TEXT_SIZE];

    raw_number(out, "to", quote->to_terms->row.number);
    json_key(out, "rate", 4);
    json_string(out, text, decimal_write(&quote->rate, text, sizeof text));
    json_key(out, "per", 3);
    json_string(out, text, decimal_write(&quote->per, text, sizeof text));
    json_key(out, "grants", 6);
    json_open(out, '[');
    for (size_t i = 0; i < quote->grant_count; i++) {
        const struct scrip_grant_row *grant = &quote->grants[i];

        json_open(out, '{');
        json_key(out, "id", 2);
        json_string(out, grant->id, grant->id_size);
        settled_write(grant, out);
        if (grant->has_priority) {
            json_key(out, "priority", 8);
            json_string(out, text, (size_t)snprintf(text, sizeof text, "%" PRId64, grant->priority));
        }
        if (grant->has_cost) {
            json_key(out, "cost", 4);
            json_string(out, text, decimal_write(&grant->cost, text, sizeof text));
            json_key(out, "cost_currency", 13);
            json_string(out, grant->cost_currency->text, grant->cost_currency->size);
        }
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void terms_write(const struct quote *quote, struct json_out *out)
{
    raw_number(out, "terms", quote->terms->row.number);
    if (quote->grant.class_name != NULL)
        settled_write(&quote->grant, out);
    if (quote->to_terms != NULL)
        made_write(quote, out);
}

void quote_to_row(const struct quote *quote, const struct event *event, struct scrip_event_row *row,
                  struct json_out *scratch, struct arena *arena)
{
    quote_to_row_with(quote, event, row, NULL, scratch, arena);
}

void quote_to_row_with(const struct quote *quote, const struct event *event, struct scrip_event_row *row,
                       const struct json_out *more, struct json_out *scratch, struct arena *arena)
{
    int is_bare = quote->refusal[0] || (quote->terms == NULL && quote->count == 0),
        has_more = more != NULL && more->size > 0;

    row->rate = 0;
    row->lines = NULL;
    row->lines_size = 0;
    if (is_bare && !has_more)
        return; /* a usage is free, or its reason says all */
    if (quote->terms == NULL && quote->count == 1 && quote->verdict == SCRIP_PRICED && quote->lines[0].group == 0 &&
        quote->lines[0].item == 0 && quote->lines[0].time_us == event->shown.time_us && !has_more &&
        decimal_same(&quote->lines[0].quantity, usual_quantity(event))) {
        row->rate = quote->lines[0].rate->row.number;
        return;
    }
    json_clear(scratch);
    json_open(scratch, '{');
    if (is_bare) {
        json_key(scratch, "free", 4);
        json_raw(scratch, "true", 4);
    } else if (quote->terms != NULL)
        terms_write(quote, scratch);
    else
        lines_write(quote, event, scratch);
    if (has_more)
        json_raw(scratch, more->text, more->size);
    json_close(scratch, '}');
    row->lines = arena_text(arena, scratch->text, scratch->size);
    row->lines_size = scratch->size;
}

struct record_reading {
    struct quote *quote;
    const struct event *event;
    const struct prices *prices;
    struct names *names;
    struct arena *arena;
    int is_free;
};

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int order_read(struct record_reading *r, const char *text, size_t size, struct scrip_grant_row *grant)
{
    uint8_t *key = arena_get(r->arena, size / 2 + 1);

    for (size_t i = 0; i < size / 2; i++) {
        if (digit(text[i * 2]) < 0 || digit(text[i * 2 + 1]) < 0)
            return SCRIP_EINVALID;
        key[i] = (uint8_t)(digit(text[i * 2]) << 4 | digit(text[i * 2 + 1]));
    }
    grant->order_key = key;
    grant->order_key_size = size / 2;
    return SCRIP_OK;
}

/* One member of a settled grant. */
static int settled_leaf(struct record_reading *r, const char *key, const char *text, size_t size,
                        struct scrip_grant_row *grant)
{
    if (strcmp(key, "class") == 0)
        grant->class_name = names_add(r->names, text, size);
    else if (strcmp(key, "effective") == 0)
        return time_parse(text, size, NULL, "", &grant->effective_us);
    else if (strcmp(key, "expires") == 0)
        return time_parse(text, size, NULL, "", &grant->expires_us);
    else if (strcmp(key, "order") == 0)
        return order_read(r, text, size, grant);
    else if (strcmp(key, "id") == 0) {
        grant->id = arena_text(r->arena, text, size);
        grant->id_size = size;
    } else if (strcmp(key, "rules") == 0) {
        grant->rules = arena_text(r->arena, text, size);
        grant->rules_size = size;
    } else if (strcmp(key, "priority") == 0) {
        grant->has_priority = 1;
        grant->priority = strtoll(text, NULL, 10);
    } else if (strcmp(key, "cost") == 0) {
        grant->has_cost = 1;
        return decimal_parse(text, size, &grant->cost);
    } else if (strcmp(key, "cost_currency") == 0)
        grant->cost_currency = names_add(r->names, text, size);
    else
        return SCRIP_EINVALID;
    return SCRIP_OK;
}

static int made_leaf(struct record_reading *r, const char *key, const char *text, size_t size, size_t index)
{
    struct quote *quote = r->quote;

    if (index > quote->grant_count || index >= QUOTE_GRANT_LIMIT)
        return SCRIP_EINVALID;
    if (quote->grants == NULL)
        quote->grants = arena_get(r->arena, QUOTE_GRANT_LIMIT * sizeof *quote->grants);
    if (index == quote->grant_count) {
        struct scrip_grant_row *grant = &quote->grants[quote->grant_count++];

        memset(grant, 0, sizeof *grant);
        grant->created_us = r->event->shown.time_us;
        grant->expires_us = grant->next_us = SCRIP_TIME_NONE;
        grant->class_name = grant->cost_currency = &names_none;
        grant->scope = grant->rules = "";
    }
    return settled_leaf(r, key, text, size, &quote->grants[index]);
}

static int line_leaf(struct record_reading *r, const char *key, const char *text, size_t size, size_t index)
{
    struct quote_line *line;

    if (index >= SCRIP_LINE_LIMIT || index > r->quote->count)
        return SCRIP_EINVALID;
    line = &r->quote->lines[index];
    if (index == r->quote->count) {
        r->quote->count++;
        memset(line, 0, sizeof *line);
        line->time_us = r->event->shown.time_us;
    }
    if (strcmp(key, "rate") == 0) {
        line->rate = prices_rate_at(r->prices, strtoull(text, NULL, 10));
        return line->rate ? SCRIP_OK : SCRIP_EINVALID;
    }
    if (strcmp(key, "quantity") == 0)
        return decimal_parse(text, size, &line->quantity);
    if (strcmp(key, "time") == 0)
        return time_parse(text, size, NULL, "", &line->time_us);
    if (strcmp(key, "group") == 0) {
        line->group = strtoull(text, NULL, 10);
        return SCRIP_OK;
    }
    if (strcmp(key, "item") == 0) {
        line->item = strtoull(text, NULL, 10);
        return SCRIP_OK;
    }
    return SCRIP_EINVALID;
}

static int record_leaf(void *sink, const struct json_leaf *leaf)
{
    struct record_reading *r = sink;
    char path[64], text[SCRIP_ORDER_KEY_SIZE * 2 + 1], *end;

    if (leaf->path_size > 5 && memcmp(leaf->path, "anew.", 5) == 0)
        return SCRIP_OK; /* of others */
    if (leaf->path_size >= 4 && memcmp(leaf->path, "used", 4) == 0)
        return SCRIP_OK; /* what it added to usage: notes.c */
    if (leaf->path_size >= sizeof path || leaf->size >= sizeof text)
        return SCRIP_EINVALID;
    memcpy(path, leaf->path, leaf->path_size);
    path[leaf->path_size] = 0;
    memcpy(text, leaf->text, leaf->size);
    text[leaf->size] = 0;
    if (strncmp(path, "lines.", 6) == 0) {
        size_t index = strtoul(path + 6, &end, 10);

        return *end == '.' ? line_leaf(r, end + 1, text, leaf->size, index) : SCRIP_EINVALID;
    }
    if (strncmp(path, "grants.", 7) == 0) {
        size_t index = strtoul(path + 7, &end, 10);

        return *end == '.' ? made_leaf(r, end + 1, text, leaf->size, index) : SCRIP_EINVALID;
    }
    if (strcmp(path, "lines") == 0 || strcmp(path, "grants") == 0)
        return leaf->type == JSON_EMPTY ? SCRIP_OK : SCRIP_EINVALID;
    if (strcmp(path, "free") == 0)
        r->is_free = 1;
    else if (strcmp(path, "gate") == 0)
        r->quote->verdict = SCRIP_GATE;
    else if (strcmp(path, "terms") == 0)
        r->quote->terms = prices_terms_at(r->prices, strtoull(text, NULL, 10));
    else if (strcmp(path, "to") == 0)
        r->quote->to_terms = prices_terms_at(r->prices, strtoull(text, NULL, 10));
    else if (strcmp(path, "rate") == 0)
        return decimal_parse(text, leaf->size, &r->quote->rate);
    else if (strcmp(path, "per") == 0)
        return decimal_parse(text, leaf->size, &r->quote->per);
    else
        return settled_leaf(r, path, text, leaf->size, &r->quote->grant);
    return SCRIP_OK;
}

/* What a grant, an adjustment or a transfer brings: its event says it, its currency settled it. */
static int settled_from_row(struct record_reading *r, const struct scrip_event_row *row, struct json_out *scratch,
                            struct scrip_error *err)
{
    struct scrip_grant_row settled = r->quote->grant;
    int code;

    if (settled.class_name == NULL)
        return error_set(err, SCRIP_EINVALID, "event %" PRIu64 " of '%s': the terms of its grant are not recorded",
                         row->number, row->account->text);
    code = grant_from_event(r->event, r->quote->terms, r->names, r->arena, scratch, &r->quote->grant, err);
    r->quote->grant.class_name = settled.class_name;
    r->quote->grant.effective_us = settled.effective_us;
    r->quote->grant.expires_us = settled.expires_us;
    r->quote->grant.order_key = settled.order_key;
    r->quote->grant.order_key_size = settled.order_key_size;
    r->quote->grant.rules = settled.rules_size ? settled.rules : "";
    r->quote->grant.rules_size = settled.rules_size;
    return code;
}

static int terms_from_row(struct record_reading *r, const struct scrip_event_row *row, struct json_out *scratch,
                          struct scrip_error *err)
{
    if (r->quote->terms == NULL || (row->type == SCRIP_CONVERSION && r->quote->to_terms == NULL))
        return error_set(err, SCRIP_EINVALID, "event %" PRIu64 " of '%s': the terms of its currency are not recorded",
                         row->number, row->account->text);
    if (quote_has_grant(r->event))
        return settled_from_row(r, row, scratch, err);
    r->quote->grant.class_name = NULL;
    if (!r->event->shown.has_amount)
        return SCRIP_OK;
    return amount_from_event(r->event, r->quote->terms, 0, &r->quote->grant.balance[SCRIP_BOOK_ISSUED], err);
}

int quote_has_grant(const struct event *event)
{
    return event->shown.type == SCRIP_GRANT || event->shown.type == SCRIP_ADJUSTMENT ||
           (event->shown.type == SCRIP_TRANSFER && event_field(event, SCRIP_F_FROM) != NULL);
}

int quote_has_terms(const struct event *event)
{
    return quote_has_grant(event) || event->shown.type == SCRIP_LIMIT || event->shown.type == SCRIP_RESET ||
           event->shown.type == SCRIP_CONVERSION || event->shown.type == SCRIP_TRANSFER;
}

void quote_clear(struct quote *quote)
{
    quote->count = quote->grant_count = quote->item_count = 0;
    quote->items = NULL;
    quote->refusal[0] = 0;
    quote->terms = quote->to_terms = NULL;
    quote->grants = NULL;
    quote->charge = NULL;
    quote->rate = quote->per = (struct scrip_decimal){ 0, 0 };
    memset(&quote->grant, 0, sizeof quote->grant);
    quote->grant.expires_us = SCRIP_TIME_NONE;
    quote->verdict = SCRIP_NOT_MINE;
}

static int is_priced(const struct event *event)
{
    return event->shown.type == SCRIP_USAGE || event->shown.type == SCRIP_HOLD || event->shown.type == SCRIP_RERATE;
}

int quote_from_row(const struct scrip_event_row *row, const struct event *event, const struct prices *prices,
                   struct names *names, struct arena *arena, struct json_out *scratch, struct quote *quote,
                   struct scrip_error *err)
{
    struct record_reading r = { quote, event, prices, names, arena, 0 };

    quote_clear(quote);
    if (is_priced(event))
        quote->verdict = SCRIP_FREE;
    if (quote_items(quote, event, names, arena, err) < 0)
        return SCRIP_EINVALID;
    if (row->rate != 0 && row->lines_size)
        return error_set(err, SCRIP_EINVALID, "event %" PRIu64 " of '%s': recorded both with a rate and with lines",
                         row->number, row->account->text);
    if (row->rate != 0) {
        quote->verdict = SCRIP_PRICED;
        quote->lines[0].rate = prices_rate_at(prices, row->rate);
        quote->lines[0].quantity = *usual_quantity(event);
        quote->lines[0].time_us = event->shown.time_us;
        quote->lines[0].group = quote->lines[0].item = 0;
        quote->count = 1;
        if (quote->lines[0].rate == NULL)
            return error_set(err, SCRIP_EINVALID, "event %" PRIu64 " of '%s': no rate %" PRIu64, row->number,
                             row->account->text, row->rate);
    } else if (row->lines_size) {
        quote->verdict = is_priced(event) ? SCRIP_PRICED : SCRIP_NOT_MINE;
        if (json_read_own(row->lines, row->lines_size, record_leaf, &r, err) < 0)
            return error_set(err, SCRIP_EINVALID, "event %" PRIu64 " of '%s': its recorded lines are damaged",
                             row->number, row->account->text);
        for (size_t i = 0; i < quote->count; i++)
            if (quote->lines[i].rate == NULL)
                return error_set(err, SCRIP_EINVALID, "event %" PRIu64 " of '%s': a recorded line has no rate",
                                 row->number, row->account->text);
        if (r.is_free && is_priced(event))
            quote->verdict = SCRIP_FREE;
        if (r.is_free && row->outcome == SCRIP_REFUSED)
            snprintf(quote->refusal, sizeof quote->refusal, "%.*s", (int)row->reason_size, row->reason);
    } else if (row->outcome == SCRIP_REFUSED && row->reason_size)
        snprintf(quote->refusal, sizeof quote->refusal, "%.*s", (int)row->reason_size, row->reason);
    if (quote_has_terms(event) && !quote->refusal[0])
        return terms_from_row(&r, row, scratch, err); /* says that they are missing */
    return SCRIP_OK;
}
