/* usage_table.c - rollups merged in memory: a hash table over rows of one period, user, product, service, class,
 * currency and account. */
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

void usage_tables_add(struct usage_table *days, struct usage_table *months, const struct effect *effect)
{
    for (size_t i = 0; i < effect->note_count; i++) {
        const struct usage_note *note = &effect->notes[i];
        struct scrip_usage_row row = note->row;

        row.period = day_of(note->time_us);
        row.user = &names_none;
        usage_table_add(days, &row);
        row.period = month_of(note->time_us);
        row.user = note->row.user;
        row.service = &names_none;
        usage_table_add(months, &row);
    }
}
