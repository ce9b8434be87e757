/* memory_tables.h - the rows of the memory store: each a block of its own that never changes, found by its key, listed
 * by its account, taken back where its commit fails.
 *
 * A row that is replaced stays as long as a scan may still look at it: a scan takes the pointers of its rows first and
 * calls back without the lock, so that a callback may scan, too, and a commit need not wait for it. */
#ifndef SCRIP_MEMORY_TABLES_H
#define SCRIP_MEMORY_TABLES_H

#include "store.h"

#include <pthread.h>
#include <scrip/rows.h>

enum { BY_KEY, BY_IDENTITY, INDEX_COUNT };

struct list;

struct row {
    struct row *next[INDEX_COUNT]; /* in its bucket */
    uint64_t hash[INDEX_COUNT];
    struct list *list;
    size_t at; /* in its list */
    uint32_t table;
    max_align_t fields[]; /* the row, then its bytes and texts */
};

struct list {
    struct row **rows;
    size_t count, room;
    int is_mixed; /* not in order */
};

struct index {
    struct row **buckets;
    size_t count, room; /* room: a power of 2 */
};

struct holder { /* an account */
    const struct scrip_name *name;
    struct list lists[SCRIP_TABLE_COUNT];
};

struct step { /* of the commit at hand; both: added replaces removed */
    struct row *added, *removed;
};

struct tables {
    const struct scrip_host *host;
    struct index keys[SCRIP_TABLE_COUNT];
    struct index identities;              /* of events */
    struct list lists[SCRIP_TABLE_COUNT]; /* of rows that have no account, of accounts, of rollups */
    struct holder **holders;              /* by number of name */
    size_t holders_room;
    char **tops; /* greatest id of a source, by number of its name */
    size_t tops_room;
    struct step *steps;
    size_t step_count, step_room;
    struct row **garbage; /* that a scan may still look at */
    size_t garbage_count, garbage_room;
    size_t scans; /* that go on */
    uint8_t *scratch;
    size_t scratch_size, scratch_room;
};

static inline const void *fields_of(const struct row *row)
{
    return row->fields;
}

static inline uint64_t number_at(const void *fields, uint32_t at)
{
    uint64_t number;

    memcpy(&number, (const char *)fields + at, sizeof number);
    return number;
}

static inline const struct scrip_name *name_at(const void *fields, uint32_t at)
{
    const struct scrip_name *name;

    memcpy(&name, (const char *)fields + at, sizeof name);
    return name;
}

static inline const char *text_at(const void *fields, uint32_t at)
{
    const char *text;

    memcpy(&text, (const char *)fields + at, sizeof text);
    return text ? text : "";
}

static void scratch_add(struct tables *t, const void *bytes, size_t size)
{
    if (t->scratch_room - t->scratch_size < size) {
        t->scratch_room = (t->scratch_size + size) * 2;
        t->scratch = store_grow(t->scratch, t->scratch_room);
    }
    if (size)
        memcpy(t->scratch + t->scratch_size, bytes, size);
    t->scratch_size += size;
}

static void scratch_number(struct tables *t, uint64_t number)
{
    scratch_add(t, &number, sizeof number);
}

/* ---- keys ----------------------------------------------------------------------------------------------------- */

static void key_add(struct tables *t, const struct scrip_member *m, const void *fields)
{
    switch (m->kind) {
    case SCRIP_MEMBER_NAME:
        scratch_number(t, name_at(fields, m->at)->number);
        break;
    case SCRIP_MEMBER_BYTES:
        scratch_add(t, text_at(fields, m->at), number_at(fields, m->size));
        break;
    case SCRIP_MEMBER_TEXT:
        scratch_add(t, text_at(fields, m->at), strlen(text_at(fields, m->at)));
        break;
    default:
        scratch_add(t, (const char *)fields + m->at, m->size);
    }
}

static uint64_t scratch_hash(struct tables *t)
{
    uint64_t hash = t->host->hash(t->scratch, t->scratch_size);

    t->scratch_size = 0;
    return hash;
}

static uint64_t key_hash(struct tables *t, uint32_t table, const void *fields)
{
    for (uint32_t m = 0; m < scrip_tables[table].member_count; m++)
        if (scrip_tables[table].members[m].is_key)
            key_add(t, &scrip_tables[table].members[m], fields);
    return scratch_hash(t);
}

static uint64_t identity_hash(struct tables *t, const struct scrip_event_row *row)
{
    scratch_number(t, row->account->number);
    scratch_number(t, row->source->number);
    scratch_add(t, row->id, row->id_size);
    return scratch_hash(t);
}

static int bytes_order(const void *a, uint64_t a_size, const void *b, uint64_t b_size)
{
    uint64_t size = a_size < b_size ? a_size : b_size;
    int order = size ? memcmp(a, b, size) : 0;

    return order ? order : (a_size > b_size) - (a_size < b_size);
}

static int names_order(const struct scrip_name *a, const struct scrip_name *b)
{
    return a == b ? 0 : bytes_order(a->text, a->size, b->text, b->size);
}

static int member_order(const struct scrip_member *m, const void *a, const void *b)
{
    int64_t x, y;

    switch (m->kind) {
    case SCRIP_MEMBER_NAME:
        return names_order(name_at(a, m->at), name_at(b, m->at));
    case SCRIP_MEMBER_BYTES:
        return bytes_order(text_at(a, m->at), number_at(a, m->size), text_at(b, m->at), number_at(b, m->size));
    case SCRIP_MEMBER_TEXT:
        return strcmp(text_at(a, m->at), text_at(b, m->at));
    case SCRIP_MEMBER_NUMBER:
        x = (int64_t)number_at(a, m->at);
        y = (int64_t)number_at(b, m->at);
        return (x > y) - (x < y);
    default:
        return memcmp((const char *)a + m->at, (const char *)b + m->at, m->size);
    }
}

static int key_order(uint32_t table, const void *a, const void *b)
{
    int order = 0;

    for (uint32_t m = 0; m < scrip_tables[table].member_count && order == 0; m++)
        if (scrip_tables[table].members[m].is_key)
            order = member_order(&scrip_tables[table].members[m], a, b);
    return order;
}

static int identity_same(const struct scrip_event_row *a, const struct scrip_event_row *b)
{
    return a->account == b->account && a->source == b->source && bytes_order(a->id, a->id_size, b->id, b->id_size) == 0;
}

/* ---- indexes -------------------------------------------------------------------------------------------------- */

static void index_grow(struct index *index, int which)
{
    size_t room = index->room ? index->room * 2 : 64;
    struct row **buckets = store_grow(NULL, room * sizeof(struct row *));

    memset(buckets, 0, room * sizeof(struct row *));
    for (size_t i = 0; i < index->room; i++)
        for (struct row *row = index->buckets[i], *next; row != NULL; row = next) {
            next = row->next[which];
            row->next[which] = buckets[row->hash[which] & (room - 1)];
            buckets[row->hash[which] & (room - 1)] = row;
        }
    free(index->buckets);
    index->buckets = buckets;
    index->room = room;
}

static void index_add(struct index *index, int which, struct row *row)
{
    struct row **bucket;

    if (index->count >= index->room)
        index_grow(index, which);
    bucket = &index->buckets[row->hash[which] & (index->room - 1)];
    row->next[which] = *bucket;
    *bucket = row;
    index->count++;
}

static void index_remove(struct index *index, int which, const struct row *row)
{
    struct row **at = &index->buckets[row->hash[which] & (index->room - 1)];

    while (*at != row)
        at = &(*at)->next[which];
    *at = row->next[which];
    index->count--;
}

static struct row *key_find(struct tables *t, uint32_t table, const void *fields, uint64_t hash)
{
    struct index *index = &t->keys[table];

    for (struct row *row = index->room ? index->buckets[hash & (index->room - 1)] : NULL; row != NULL;
         row = row->next[BY_KEY])
        if (row->hash[BY_KEY] == hash && key_order(table, row->fields, fields) == 0)
            return row;
    return NULL;
}

static struct row *identity_find(struct tables *t, const struct scrip_event_row *wanted)
{
    struct index *index = &t->identities;
    uint64_t hash = identity_hash(t, wanted);

    for (struct row *row = index->room ? index->buckets[hash & (index->room - 1)] : NULL; row != NULL;
         row = row->next[BY_IDENTITY])
        if (row->hash[BY_IDENTITY] == hash && identity_same(fields_of(row), wanted))
            return row;
    return NULL;
}

/* ---- lists ---------------------------------------------------------------------------------------------------- */

/* Quarantine is listed by what people look for; all else by its key. */
static int rows_order(const void *left, const void *right)
{
    const struct row *a = *(struct row *const *)left, *b = *(struct row *const *)right;
    const struct scrip_quarantine_row *p = fields_of(a), *q = fields_of(b);
    int order;

    if (a->table != SCRIP_TABLE_QUARANTINE)
        return key_order(a->table, a->fields, b->fields);
    if ((order = strcmp(p->reason_class, q->reason_class)) != 0 || (order = names_order(p->source, q->source)) != 0 ||
        (order = strcmp(p->feed, q->feed)) != 0)
        return order;
    if (p->line != q->line)
        return p->line < q->line ? -1 : 1;
    return memcmp(p->key, q->key, sizeof p->key);
}

static void list_sort(struct list *list)
{
    if (!list->is_mixed)
        return;
    qsort(list->rows, list->count, sizeof(struct row *), rows_order);
    for (size_t i = 0; i < list->count; i++)
        list->rows[i]->at = i;
    list->is_mixed = 0;
}

static void list_add(struct list *list, struct row *row)
{
    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 8;
        list->rows = store_grow(list->rows, list->room * sizeof(struct row *));
    }
    row->list = list;
    row->at = list->count;
    list->rows[list->count++] = row;
    if (row->at > 0 && !list->is_mixed)
        list->is_mixed = rows_order(&list->rows[row->at - 1], &row) > 0;
}

static void list_remove(struct row *row)
{
    struct list *list = row->list;

    list->rows[row->at] = list->rows[--list->count];
    list->rows[row->at]->at = row->at;
    list->is_mixed |= row->at < list->count;
}

static struct holder *holder_find(const struct tables *t, const struct scrip_name *name)
{
    return name->number < t->holders_room ? t->holders[name->number] : NULL;
}

static struct holder *holder_add(struct tables *t, const struct scrip_name *name)
{
    size_t room = (size_t)name->number * 2 + 64;

    if (name->number >= t->holders_room) {
        t->holders = store_grow(t->holders, room * sizeof(struct holder *));
        memset(t->holders + t->holders_room, 0, (room - t->holders_room) * sizeof(struct holder *));
        t->holders_room = room;
    }
    if (t->holders[name->number] == NULL) {
        t->holders[name->number] = store_grow(NULL, sizeof(struct holder));
        memset(t->holders[name->number], 0, sizeof(struct holder));
        t->holders[name->number]->name = name;
    }
    return t->holders[name->number];
}

/* Rows of accounts themselves and rollups are in one list: they are asked for all at once. */
static int is_held(uint32_t table)
{
    return scrip_tables[table].account != SCRIP_NO_ACCOUNT && table != SCRIP_TABLE_ACCOUNTS &&
           table != SCRIP_TABLE_DAYS && table != SCRIP_TABLE_MONTHS;
}

/* ---- rows ----------------------------------------------------------------------------------------------------- */

static struct row *row_copy(uint32_t table, const void *fields)
{
    const struct scrip_table_rows *rows = &scrip_tables[table];
    size_t size = rows->row_size;
    struct row *row;
    char *at;

    for (uint32_t m = 0; m < rows->member_count; m++)
        if (rows->members[m].kind == SCRIP_MEMBER_BYTES)
            size += number_at(fields, rows->members[m].size) + 1;
        else if (rows->members[m].kind == SCRIP_MEMBER_TEXT)
            size += strlen(text_at(fields, rows->members[m].at)) + 1;
    row = store_grow(NULL, sizeof *row + size);
    memset(row, 0, sizeof *row);
    row->table = table;
    memcpy(row->fields, fields, rows->row_size);
    at = (char *)row->fields + rows->row_size;
    for (uint32_t m = 0; m < rows->member_count; m++) {
        const struct scrip_member *member = &rows->members[m];
        uint64_t length = member->kind == SCRIP_MEMBER_BYTES ? number_at(fields, member->size) : 0;

        if (member->kind != SCRIP_MEMBER_BYTES && member->kind != SCRIP_MEMBER_TEXT)
            continue;
        if (member->kind == SCRIP_MEMBER_TEXT)
            length = strlen(text_at(fields, member->at));
        memcpy(at, text_at(fields, member->at), length);
        at[length] = 0;
        memcpy((char *)row->fields + member->at, &at, sizeof at);
        at += length + 1;
    }
    return row;
}

static void row_link(struct tables *t, struct row *row)
{
    uint32_t table = row->table;
    struct list *list = &t->lists[table];

    if (is_held(table))
        list = &holder_add(t, name_at(row->fields, scrip_tables[table].account))->lists[table];
    row->hash[BY_KEY] = key_hash(t, table, row->fields);
    index_add(&t->keys[table], BY_KEY, row);
    if (table == SCRIP_TABLE_EVENTS) {
        row->hash[BY_IDENTITY] = identity_hash(t, fields_of(row));
        index_add(&t->identities, BY_IDENTITY, row);
    }
    list_add(list, row);
}

static void row_unlink(struct tables *t, struct row *row)
{
    index_remove(&t->keys[row->table], BY_KEY, row);
    if (row->table == SCRIP_TABLE_EVENTS)
        index_remove(&t->identities, BY_IDENTITY, row);
    list_remove(row);
}

static void step_add(struct tables *t, struct row *added, struct row *removed)
{
    if (t->step_count == t->step_room) {
        t->step_room = t->step_room * 2 + 64;
        t->steps = store_grow(t->steps, t->step_room * sizeof *t->steps);
    }
    t->steps[t->step_count++] = (struct step){ added, removed };
}

/* Puts a row in place of the one with its key, which may be NULL; fields NULL: takes it out. */
static void row_change(struct tables *t, uint32_t table, const void *fields, struct row *old)
{
    struct row *fresh = fields ? row_copy(table, fields) : NULL;

    if (old != NULL && fresh != NULL) { /* the same place in its list: no order changes */
        size_t at = old->at;
        struct list *list = old->list;

        fresh->hash[BY_KEY] = old->hash[BY_KEY];
        index_remove(&t->keys[table], BY_KEY, old);
        index_add(&t->keys[table], BY_KEY, fresh);
        fresh->list = list;
        fresh->at = at;
        list->rows[at] = fresh;
    } else if (old != NULL)
        row_unlink(t, old);
    else if (fresh != NULL)
        row_link(t, fresh);
    step_add(t, fresh, old);
}

/* The commit at hand fails: nothing of it was. */
static void steps_undo(struct tables *t)
{
    while (t->step_count > 0) {
        struct step *step = &t->steps[--t->step_count];

        if (step->added != NULL)
            row_unlink(t, step->added);
        free(step->added);
        if (step->removed != NULL)
            row_link(t, step->removed);
    }
}

static void garbage_free(struct tables *t)
{
    while (t->scans == 0 && t->garbage_count > 0)
        free(t->garbage[--t->garbage_count]);
}

static void steps_keep(struct tables *t)
{
    for (size_t i = 0; i < t->step_count; i++) {
        if (t->steps[i].removed == NULL)
            continue;
        if (t->garbage_count == t->garbage_room) {
            t->garbage_room = t->garbage_room * 2 + 64;
            t->garbage = store_grow(t->garbage, t->garbage_room * sizeof(struct row *));
        }
        t->garbage[t->garbage_count++] = t->steps[i].removed;
    }
    t->step_count = 0;
    garbage_free(t);
}

static void list_free(struct list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->rows[i]);
    free(list->rows);
}

static void tables_free(struct tables *t)
{
    t->scans = 0;
    garbage_free(t);
    for (uint32_t table = 0; table < SCRIP_TABLE_COUNT; table++) {
        free(t->keys[table].buckets);
        list_free(&t->lists[table]);
    }
    for (size_t i = 0; i < t->holders_room; i++)
        if (t->holders[i] != NULL) {
            for (uint32_t table = 0; table < SCRIP_TABLE_COUNT; table++)
                list_free(&t->holders[i]->lists[table]);
            free(t->holders[i]);
        }
    for (size_t i = 0; i < t->tops_room; i++)
        free(t->tops[i]);
    free(t->identities.buckets);
    free(t->holders);
    free(t->tops);
    free(t->steps);
    free(t->garbage);
    free(t->scratch);
}

#endif
