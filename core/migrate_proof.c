/* migrate_proof.c - proves that two stores hold the same: each table's rows, and the head over all accounts. */
#include "migrate.h"

#include "hash.h"

#define LANES (HASH_SIZE / 8)
#define SHOWN 8 /* bytes of a hash that are printed; all are compared */

/* A sum over the hashes of rows, since stores need not list a table in one order. Each row's key is in it, and is there
 * once. */
struct sum {
    const struct scrip_table_rows *table;
    struct bytes *scratch;
    uint64_t count;
    uint64_t lanes[LANES];
};

const void *member_bytes(const struct scrip_member *member, const void *row, uint64_t *size)
{
    const char *at = (const char *)row + member->at;
    const struct scrip_name *name;
    const char *text;

    *size = member->size;
    if (member->kind == SCRIP_MEMBER_NUMBER || member->kind == SCRIP_MEMBER_FIXED)
        return at;
    memcpy(&text, at, sizeof text);
    if (member->kind == SCRIP_MEMBER_NAME) {
        memcpy(&name, at, sizeof name);
        *size = name->size;
        return name->text;
    }
    if (member->kind == SCRIP_MEMBER_BYTES)
        memcpy(size, (const char *)row + member->size, sizeof *size);
    else
        *size = text ? strlen(text) : 0;
    return text;
}

int rows_same(const struct scrip_table_rows *table, const void *a, const void *b)
{
    for (uint32_t i = 0; i < table->member_count; i++) {
        uint64_t a_size, b_size;
        const void *one = member_bytes(&table->members[i], a, &a_size),
                   *other = member_bytes(&table->members[i], b, &b_size);

        if (a_size != b_size || (a_size && memcmp(one, other, a_size) != 0))
            return 0;
    }
    return 1;
}

int migrate_is_mark(const struct scrip_cursor_row *row)
{
    return strcmp(row->source->text, MIGRATE_SOURCE) == 0 && strcmp(row->feed, MIGRATE_FEED) == 0;
}

static int row_sum(void *sink, const void *row)
{
    struct sum *sum = sink;
    uint64_t hash[LANES];

    if (sum->table->table == SCRIP_TABLE_CURSORS && migrate_is_mark(row))
        return SCRIP_OK;
    sum->scratch->size = 0;
    for (uint32_t i = 0; i < sum->table->member_count; i++) {
        uint64_t size;
        const void *bytes = member_bytes(&sum->table->members[i], row, &size);

        bytes_add_text(sum->scratch, bytes, size);
    }
    hash_strong(sum->scratch->start, sum->scratch->size, (uint8_t *)hash);
    for (int i = 0; i < LANES; i++)
        sum->lanes[i] += hash[i];
    sum->count++;
    return SCRIP_OK;
}

static int head_add(void *sink, const void *found)
{
    struct sum *sum = sink;
    const struct scrip_account_row *row = found;

    bytes_add_text(sum->scratch, row->name->text, row->name->size);
    bytes_add_number(sum->scratch, row->event_count);
    bytes_add(sum->scratch, row->head, HASH_SIZE);
    sum->count += row->event_count;
    return SCRIP_OK;
}

/* The head as `scrip head` prints it; table NULL. */
static int side_sum(struct migrating *m, struct instance *session, const struct scrip_table_rows *table,
                    struct sum *sum)
{
    struct bytes scratch = { 0 };
    struct scrip_scan scan = { .table = table ? table->table : SCRIP_TABLE_ACCOUNTS,
                               .from_period = INT64_MIN,
                               .to_period = INT64_MAX,
                               .row = table ? row_sum : head_add,
                               .sink = sum };
    int code;

    memset(sum, 0, sizeof *sum);
    sum->table = table;
    sum->scratch = &scratch;
    code = migrate_scan(m, session, &scan);
    if (table == NULL)
        hash_strong(scratch.start, scratch.size, (uint8_t *)sum->lanes);
    free(scratch.start);
    return code;
}

static int table_prove(struct migrating *m, const struct scrip_table_rows *rows, const char *name, struct table *table,
                       uint64_t *differences)
{
    char source_hex[2 * SHOWN + 1], other_hex[2 * SHOWN + 1];
    struct sum source, other;
    int is_same, code = side_sum(m, m->scrip->reader, rows, &source);

    if (code == SCRIP_OK)
        code = side_sum(m, m->reader, rows, &other);
    if (code < 0)
        return code;
    is_same = source.count == other.count && memcmp(source.lanes, other.lanes, sizeof source.lanes) == 0;
    *differences += !is_same;
    hash_hex((const uint8_t *)source.lanes, SHOWN, source_hex);
    hash_hex((const uint8_t *)other.lanes, SHOWN, other_hex);
    table_text(table, name);
    table_count(table, source.count);
    table_count(table, other.count);
    table_text(table, source_hex);
    table_text(table, other_hex);
    table_text(table, is_same ? "equal" : "different");
    return table_row(table);
}

int migrate_prove(struct migrating *m, const struct scrip_answer *answer, uint64_t *differences)
{
    static const struct scrip_column columns[] = {
        { "table", SCRIP_CELL_TEXT },  { "rows", SCRIP_CELL_NUMBER }, { "copied", SCRIP_CELL_NUMBER },
        { "digest", SCRIP_CELL_TEXT }, { "copy", SCRIP_CELL_TEXT },   { "result", SCRIP_CELL_TEXT },
    };
    struct table table;
    int code = table_begin(&table, answer, "migrate", columns, sizeof columns / sizeof *columns);

    *differences = 0;
    for (uint32_t i = 0; i < SCRIP_TABLE_COUNT && code == SCRIP_OK; i++)
        code = table_prove(m, &scrip_tables[i],
                           i == SCRIP_TABLE_GRANTS ? "grants and their balances" : scrip_tables[i].name, &table,
                           differences);
    if (code == SCRIP_OK)
        code = table_prove(m, NULL, "head", &table, differences);
    return code < 0 ? code : table_end(&table);
}
