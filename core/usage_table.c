/* usage_table.c - rollups merged in memory: a hash table over rows of one period, user, product, service, class, currency
 * and account. */
#include "calendar.h"
#include "hash.h"
#include "host.h"

static uint64_t row_hash(const struct scrip_usage_row *row)
{
    uint64_t h = hash_mix((uint64_t)row->period, row->account->number);

    h = hash_mix(h, row->product->number << 32 | row->user->number);
    return hash_mix(h, row->service->number << 40 | row->class_name->number << 20 | row->currency->number);
}

static int row_same(const struct scrip_usage_row *a, const struct scrip_usage_row *b)
{
    return a->period == b->period && a->account == b->account && a->product == b->product && a->user == b->user &&
           a->service == b->service && a->class_name == b->class_name && a->currency == b->currency;
}

static void grow(struct usage_table *table)
{
    table->slot_count = table->slot_count ? table->slot_count * 2 : 1024;
    free(table->slots);
    table->slots = memory_get(table->slot_count * sizeof *table->slots);
    for (size_t i = 0; i < table->count; i++) {
        uint64_t hash = row_hash(&table->rows[i]);
        size_t at = hash & (table->slot_count - 1);

        while (table->slots[at].index != 0)
            at = (at + 1) & (table->slot_count - 1);
        table->slots[at] = (struct usage_slot){ (uint32_t)i + 1, (uint32_t)(hash >> 32) };
    }
}

void usage_table_add(struct usage_table *table, const struct scrip_usage_row *row)
{
    uint64_t hash = row_hash(row);
    size_t at;

    if ((table->count + 1) * 2 > table->slot_count)
        grow(table);
    at = hash & (table->slot_count - 1);
    for (; table->slots[at].index != 0; at = (at + 1) & (table->slot_count - 1)) {
        struct scrip_usage_row *known = &table->rows[table->slots[at].index - 1];

        if (table->slots[at].tag == (uint32_t)(hash >> 32) && row_same(known, row)) {
            known->amount += row->amount;
            known->charge_count += row->charge_count;
            return;
        }
    }
    ARRAY_ROOM(table->rows, table->count, table->room);
    table->rows[table->count++] = *row;
    table->slots[at] = (struct usage_slot){ (uint32_t)table->count, (uint32_t)(hash >> 32) };
}

void usage_table_clear(struct usage_table *table)
{
    if (table->count)
        memset(table->slots, 0, table->slot_count * sizeof *table->slots);
    table->count = 0;
}

void usage_table_free(struct usage_table *table)
{
    free(table->rows);
    free(table->slots);
    memset(table, 0, sizeof *table);
}

struct usage_tables {
    struct usage_table *days, *months;
};

static void both_add(void *sink, int64_t time_us, const struct scrip_usage_row *row)
{
    struct usage_tables *tables = sink;
    struct scrip_usage_row key = *row;

    key.period = day_of(time_us);
    key.user = &names_none;
    usage_table_add(tables->days, &key);
    key.period = month_of(time_us);
    key.user = row->user;
    key.service = &names_none;
    usage_table_add(tables->months, &key);
}

void usage_tables_add(struct usage_table *days, struct usage_table *months, const struct effect *effect,
                      const struct account *account, const struct event *event, const struct quote *quote)
{
    struct usage_tables tables = { days, months };

    effect_usage(effect, account, event, quote, both_add, &tables);
}
