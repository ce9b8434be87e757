/* csv_order.h - a row of an order list into a grant: what its article and quantity leave open is filled from a price
 * sheet.
 *
 * What the row gives itself counts: a cost, a class, dates, an amount. The article stays with the grant as an
 * attribute. */
#ifndef SCRIP_CSV_ORDER_H
#define SCRIP_CSV_ORDER_H

#include "csv_maker.h"

#define ORDER_NUMBER_SIZE 64
#define ORDER_ATTRIBUTE "article"

struct order {
    struct csv_maker *self;
    const struct price_row *price;
    struct scrip_field *fields;
    size_t count; /* of fields */
    struct scrip_decimal quantity;
    int64_t start_us; /* of the lot */
};

static inline struct scrip_field *order_field(const struct order *order, uint64_t key)
{
    for (size_t i = 0; i < order->count; i++)
        if (order->fields[i].key == key && order->fields[i].size > 0)
            return &order->fields[i];
    return NULL;
}

static inline void order_text(struct order *order, uint64_t key, const char *text)
{
    if (text[0] && order_field(order, key) == NULL)
        order->fields[order->count++] = (struct scrip_field){ key, NULL, text, strlen(text) };
}

/* 0: there is no room for it. */
static inline int order_decimal(struct order *order, uint64_t key, const struct scrip_decimal *value)
{
    struct csv_maker *self = order->self;
    char *text = self->scratch + self->scratch_used;

    if (CSV_SCRATCH_SIZE - self->scratch_used < ORDER_NUMBER_SIZE)
        return 0;
    self->scratch_used += (size_t)self->ctx->host->decimal_write(value, text, ORDER_NUMBER_SIZE) + 1;
    order_text(order, key, text);
    return 1;
}

static inline int order_fault(struct csv_maker *self, const char *key, const char *text, size_t size,
                              const char *wanted)
{
    snprintf(self->reason, sizeof self->reason, "%s: '%.*s': %s", key, (int)csv_cut(text, size < 80 ? size : 80), text,
             wanted);
    return 0;
}

static inline int order_quantity(struct order *order)
{
    static const struct scrip_decimal none = { 0, 0 };
    const struct scrip_field *field = order_field(order, SCRIP_F_QUANTITY);
    const struct scrip_host *host = order->self->ctx->host;

    order->quantity = (struct scrip_decimal){ 1, 0 };
    if (field == NULL || (host->decimal_parse(field->text, field->size, &order->quantity) == SCRIP_OK &&
                          host->decimal_compare(&order->quantity, &none) > 0))
        return 1;
    return order_fault(order->self, "quantity", field->text, field->size,
                       "want a number above 0: what was sent back is "
                       "no order: void its grant");
}

static inline int order_price(struct order *order, const struct scrip_field *product, int64_t time_us)
{
    struct csv_maker *self = order->self;
    const struct scrip_host *host = self->ctx->host;
    char what[SCRIP_MESSAGE_SIZE / 2], when[40], many[ORDER_NUMBER_SIZE];
    int is_known;

    order->price = price_find(host, &self->prices, product->text, product->size, time_us, &order->quantity, &is_known);
    if (order->price != NULL)
        return 1;
    host->time_write(time_us, when, sizeof when);
    host->decimal_write(&order->quantity, many, sizeof many);
    if (is_known)
        snprintf(what, sizeof what, "has no price for %s of it on %.10s: add a row to %.100s", many, when,
                 self->prices.name);
    else
        snprintf(what, sizeof what, "has no price: add a row to %.100s", self->prices.name);
    return order_fault(self, "product", product->text, product->size, what);
}

static inline int order_start(struct order *order, int64_t time_us)
{
    const struct scrip_field *field = order_field(order, SCRIP_F_EFFECTIVE);
    struct csv_maker *self = order->self;

    order->start_us = time_us;
    if (field == NULL ||
        self->ctx->host->time_parse(field->text, field->size, NULL, self->map.zone, &order->start_us) == SCRIP_OK)
        return 1;
    return order_fault(self, "effective", field->text, field->size, "is no time");
}

static inline int order_expiry(struct order *order)
{
    struct csv_maker *self = order->self;
    const struct scrip_host *host = self->ctx->host;
    char *text = self->scratch + self->scratch_used;
    int64_t end_us;

    if (order->price->term[0] == 0 || order_field(order, SCRIP_F_EXPIRES) != NULL)
        return 1;
    if (host->time_add(order->start_us, order->price->term, 1, self->map.zone, &end_us) < 0 ||
        CSV_SCRATCH_SIZE - self->scratch_used < ORDER_NUMBER_SIZE)
        return order_fault(self, "term", order->price->term, strlen(order->price->term), "ends beyond the year 9999");
    self->scratch_used += (size_t)host->time_write(end_us, text, ORDER_NUMBER_SIZE) + 1;
    order_text(order, SCRIP_F_EXPIRES, text);
    return 1;
}

static inline int order_amounts(struct order *order)
{
    const struct scrip_host *host = order->self->ctx->host;
    const struct price_row *price = order->price;
    struct scrip_decimal amount, cost;

    if (host->decimal_multiply(&order->quantity, &price->units, &amount) < 0 ||
        price_cost(host, price, &order->quantity, &cost) < 0 || !order_decimal(order, SCRIP_F_AMOUNT, &amount) ||
        !order_decimal(order, SCRIP_F_COST_AMOUNT, &cost))
        return order_fault(order->self, "quantity", "", 0, "so many are more than a number can hold");
    order_text(order, SCRIP_F_CURRENCY, price->currency);
    order_text(order, SCRIP_F_COST_CURRENCY, price->price_currency);
    order_text(order, SCRIP_F_CLASS, price->class_name);
    return 1;
}

/* The article is no field of a grant: it becomes an attribute. */
static inline void order_article(struct order *order, struct scrip_field *product)
{
    for (size_t i = 0; i < order->count; i++)
        if (order->fields[i].key == SCRIP_F_ATTRIBUTE && strcmp(order->fields[i].name, ORDER_ATTRIBUTE) == 0) {
            *product = order->fields[--order->count];
            return;
        }
    product->key = SCRIP_F_ATTRIBUTE;
    product->name = ORDER_ATTRIBUTE;
}

/* Fills a row whose fields are made, where it is an order; *count: of its fields, for which there is room for more. 0:
 * it is bad, and self->reason says why. */
static inline int csv_order_fill(struct csv_maker *self, const struct scrip_row *row, struct scrip_field *fields,
                                 size_t *count)
{
    static const char grant[] = "scrip.grant";
    struct order order = { .self = self, .fields = fields, .count = *count };
    struct scrip_field *product = order_field(&order, SCRIP_F_PRODUCT);

    if (self->prices.name == NULL || product == NULL || fields[0].size != sizeof grant - 1 ||
        memcmp(fields[0].text, grant, sizeof grant - 1) != 0)
        return 1;
    if (row->time_us == SCRIP_TIME_NONE)
        return order_fault(self, "time", "", 0, "missing: an order is priced by its date");
    if (!order_quantity(&order) || !order_price(&order, product, row->time_us) || !order_start(&order, row->time_us) ||
        !order_expiry(&order) || !order_amounts(&order))
        return 0;
    order_article(&order, product);
    *count = order.count;
    return 1;
}

#endif
