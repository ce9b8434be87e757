/* items.c - a usage of several lines: each of them as an event of its own, priced alone and charged with the others. */
#include "engine.h"

#include "money.h"

#include <stdio.h>

/* "07.product": the index, and the member behind it. */
static size_t item_index(const struct field *field, const char **member)
{
    *member = field->name + 3;
    return (size_t)(field->name[0] - '0') * 10 + (size_t)(field->name[1] - '0');
}

static int attribute_order(const void *a, const void *b)
{
    return strcmp(((const struct scrip_attribute *)a)->name, ((const struct scrip_attribute *)b)->name);
}

static void attribute_set(struct event *item, struct field *field)
{
    struct scrip_attribute *list = (struct scrip_attribute *)item->shown.attributes;
    uint64_t at = 0;

    for (at = 0; at < item->shown.attribute_count; at++)
        if (strcmp(list[at].name, field->name) == 0)
            break;
    list[at] = (struct scrip_attribute){ field->name, field->text };
    if (at == item->shown.attribute_count)
        item->shown.attribute_count++;
    for (size_t i = 0; i < item->field_count; i++)
        if (item->fields[i].key == SCRIP_F_ATTRIBUTE && strcmp(item->fields[i].name, field->name) == 0) {
            item->fields[i] = *field;
            return;
        }
    item->fields[item->field_count++] = *field;
}

/* What the whole usage says counts for each line: who, when, which grants, and attributes that the line does not have.
 */
static void item_start(const struct event *event, struct event *item, struct arena *arena)
{
    struct scrip_attribute *list = arena_get(arena, (event->field_count + 1) * sizeof *list);

    *item = *event;
    item->shown.quantity = (struct scrip_decimal){ 1, 0 };
    item->fields = arena_get(arena, event->field_count * sizeof *item->fields);
    item->field_count = 0;
    for (size_t i = 0; i < event->field_count; i++)
        if (event->fields[i].key != SCRIP_F_LINE)
            item->fields[item->field_count++] = event->fields[i];
    if (event->shown.attribute_count)
        memcpy(list, event->shown.attributes, event->shown.attribute_count * sizeof *list);
    item->shown.attributes = list;
}

static int field_order(const void *a, const void *b)
{
    const struct field *left = a, *right = b;

    return left->key != right->key ? left->key - right->key : strcmp(left->name, right->name);
}

static int item_member(struct event *item, const char *member, const struct field *field, struct names *names)
{
    struct field attribute = *field;

    if (strcmp(member, "product") == 0) {
        item->product = names_add(names, field->text, field->size);
        item->shown.product = item->product->text;
    } else if (strcmp(member, "unit") == 0) {
        item->unit = names_add(names, field->text, field->size);
        item->shown.unit = item->unit->text;
    } else if (strcmp(member, "quantity") == 0) {
        item->has_quantity = 1;
        return decimal_parse(field->text, field->size, &item->shown.quantity);
    } else {
        attribute.key = SCRIP_F_ATTRIBUTE;
        attribute.name = member + strlen("attribute.");
        attribute.name_size = (uint32_t)strlen(attribute.name);
        attribute_set(item, &attribute);
    }
    return SCRIP_OK;
}

int quote_items(struct quote *quote, const struct event *event, struct names *names, struct arena *arena,
                struct scrip_error *err)
{
    const char *member;
    size_t index;
    int code = SCRIP_OK;

    quote->items = NULL;
    quote->item_count = 0;
    for (size_t i = 0; i < event->field_count && code == SCRIP_OK; i++) {
        if (event->fields[i].key != SCRIP_F_LINE)
            continue;
        index = item_index(&event->fields[i], &member);
        if (quote->items == NULL)
            quote->items = arena_get(arena, SCRIP_LINE_LIMIT * sizeof *quote->items);
        if (index > quote->item_count || index >= SCRIP_LINE_LIMIT)
            return error_set(err, SCRIP_EINVALID, "lines: line %zu is missing: the first is 0, at most %d",
                             quote->item_count, SCRIP_LINE_LIMIT);
        if (index == quote->item_count)
            item_start(event, &quote->items[quote->item_count++], arena);
        code = item_member(&quote->items[index], member, &event->fields[i], names);
    }
    for (size_t i = 0; i < quote->item_count && code == SCRIP_OK; i++) {
        struct event *item = &quote->items[i];

        if (item->product->number == 0)
            return error_set(err, SCRIP_EINVALID, "lines: line %zu has no product", i);
        if (item->shown.attribute_count > SCRIP_ATTRIBUTE_LIMIT)
            return error_set(err, SCRIP_ELIMIT, "lines: line %zu has more than %d attributes", i,
                             SCRIP_ATTRIBUTE_LIMIT);
        qsort((void *)item->shown.attributes, item->shown.attribute_count, sizeof *item->shown.attributes,
              attribute_order);
        qsort(item->fields, item->field_count, sizeof *item->fields, field_order);
    }
    return code;
}

const struct event *quote_subject(const struct quote *quote, size_t line, const struct event *event)
{
    size_t item = quote->lines[line].item;

    return item > 0 && item <= quote->item_count ? &quote->items[item - 1] : event;
}
