/* postgres_names.h - the dictionary: each name once, under a number that all writers share. A name's row never changes,
 * so that what was read of it holds for ever; new ones are committed before the rows that use them. */
#ifndef SCRIP_POSTGRES_NAMES_H
#define SCRIP_POSTGRES_NAMES_H

#include "postgres_value.h"

/* Names whose numbers are looked for. */
struct name_list {
    const struct scrip_name **names;
    size_t count, room;
};

/* ---- from a name to its number -------------------------------------------------------------------------------- */

/* 0: the empty name, or not known here. */
static int64_t id_of(const struct base *b, const struct scrip_name *name)
{
    return store_id_of(&b->ids, name);
}

static void names_want(struct base *b, struct name_list *list, const struct scrip_name *name)
{
    if (name->number == 0 || id_of(b, name) != 0)
        return;
    store_id_keep(&b->ids, name, -1); /* wanted already; settled below */
    if (list->count == list->room) {
        list->room = list->room * 2 + 64;
        list->names = store_grow(list->names, list->room * sizeof *list->names);
    }
    list->names[list->count++] = name;
}

static int by_text(const void *left, const void *right)
{
    const struct scrip_name *a = *(const struct scrip_name *const *)left, *b = *(const struct scrip_name *const *)right;

    return strcmp(a->text, b->text);
}

/* Those of the list, sorted by text, that the dictionary has leave it. */
static enum fate names_find(struct base *b, struct name_list *list, struct array *array)
{
    static const char sql[] = "select id, name from names where name = any($1::text[])";
    PGresult *r;
    size_t kept = 0;

    array_start(array);
    for (size_t i = 0; i < list->count; i++) {
        struct value value = text_of(list->names[i]->text, list->names[i]->size);

        array_add(array, 't', &value);
    }
    if ((r = run_arrays(b, sql, array, 1)) == NULL)
        return fault_fate(b);
    for (int row = 0; row < PQntuples(r); row++) {
        struct scrip_name key = { 0, 0, PQgetvalue(r, row, 1) };
        const struct scrip_name *sought = &key, **found;

        found = bsearch(&sought, list->names, list->count, sizeof *list->names, by_text);
        if (found != NULL)
            store_id_keep(&b->ids, *found, get_number(r, row, 0));
    }
    PQclear(r);
    for (size_t i = 0; i < list->count; i++)
        if (id_of(b, list->names[i]) <= 0)
            list->names[kept++] = list->names[i];
    list->count = kept;
    return FATE_DONE;
}

/* Puts what is left of the list under the next numbers. Another writer may take the same ones: then nothing is put, and
 * the caller begins anew. */
static enum fate names_add(struct base *b, const struct name_list *list, struct array arrays[3])
{
    static const char sql[] = "insert into names (id, name, chk) select u.id, u.name, u.chk from unnest($1::int4[],"
                              " $2::text[], $3::int8[]) u(id, name, chk)";
    PGresult *r = run_once(b, "select coalesce(max(id), 0) from names", 0, NULL);
    int64_t last;

    if (r == NULL)
        return fault_fate(b);
    last = get_number(r, 0, 0);
    PQclear(r);
    if (last + (int64_t)list->count > INT32_MAX) {
        message_keep(b, "names", "more than 2^31");
        memcpy(b->state, "54000", 6);
        return FATE_FAILED;
    }
    for (int i = 0; i < 3; i++)
        array_start(&arrays[i]);
    for (size_t i = 0; i < list->count; i++) {
        struct value values[3] = { number_of(++last), text_of(list->names[i]->text, list->names[i]->size) };

        values[2] = number_of(check_of(b, "names", values, 2));
        array_add(&arrays[0], '4', &values[0]);
        array_add(&arrays[1], 't', &values[1]);
        array_add(&arrays[2], '8', &values[2]);
    }
    if ((r = run_arrays(b, sql, arrays, 3)) == NULL)
        return fault_fate(b);
    PQclear(r);
    return FATE_DONE;
}

/* Every name of the list gets its number. */
static int names_settle(struct base *b, struct name_list *list)
{
    int64_t until_us = clock_us() + b->retry_us;
    struct array arrays[3] = { 0 };
    int code = SCRIP_OK;

    if (list->count > 1)
        qsort(list->names, list->count, sizeof *list->names, by_text);
    for (int attempt = 0; list->count > 0 && code == SCRIP_OK;) {
        enum fate fate = names_find(b, list, &arrays[0]);

        if (fate == FATE_DONE && list->count > 0)
            fate = names_add(b, list, arrays); /* and found in the next round */
        if (fate == FATE_DONE)
            continue;
        if (fate == FATE_FAILED || clock_us() >= until_us)
            code = fault_tell(b);
        else {
            back_off(fate == FATE_STALE ? 0 : attempt++);
            code = fate == FATE_UNKNOWN ? reconnect(b, until_us) : SCRIP_OK;
        }
    }
    for (size_t i = 0; i < list->count; i++)
        store_id_keep(&b->ids, list->names[i], 0); /* not settled */
    for (int i = 0; i < 3; i++)
        free(arrays[i].bytes);
    return code;
}

/* ---- from a number to its name -------------------------------------------------------------------------------- */

/* The name of an id that names_read has met; the empty one for 0 or an id that the dictionary lacks. */
static const struct scrip_name *name_at(const struct base *b, int64_t id)
{
    return id > 0 && (uint64_t)id < b->names_room && b->names[id] != NULL ? b->names[id] : b->none;
}

static const struct scrip_name *get_name(const struct base *b, const PGresult *r, int row, int column)
{
    return PQgetisnull(r, row, column) ? b->none : name_at(b, get_number(r, row, column));
}

/* Reads the names that a page of rows needs and this session has not met. `kinds` says which columns are names: 'n'. */
static int names_read(struct base *b, const PGresult *page, const char *kinds)
{
    char *list = NULL;
    size_t used = 0, room = 0;
    PGresult *r;

    for (int row = 0; row < PQntuples(page); row++)
        for (int column = 0; kinds[column]; column++) {
            int64_t id = kinds[column] == 'n' && !PQgetisnull(page, row, column) ? get_number(page, row, column) : 0;

            if (id <= 0 || id > INT32_MAX || ((size_t)id < b->names_room && b->names[id] != NULL))
                continue;
            if (room - used < 16)
                list = store_grow(list, room = room * 2 + 256);
            used += (size_t)snprintf(list + used, room - used, "%c%d", used ? ',' : '{', (int)id);
            if ((size_t)id >= b->names_room) {
                size_t more = (size_t)id * 2 + 64;

                b->names = store_grow(b->names, more * sizeof *b->names);
                memset(b->names + b->names_room, 0, (more - b->names_room) * sizeof *b->names);
                b->names_room = more;
            }
            b->names[id] = b->none; /* asked for; stays so where the dictionary lacks it */
        }
    if (list == NULL)
        return SCRIP_OK;
    list[used] = '}';
    list[used + 1] = 0;
    r = ask(b, "select id, name from names where id = any($1::int4[])", 1, (const char *const *)&list);
    for (int row = 0; r != NULL && row < PQntuples(r); row++) {
        uint64_t size;
        const char *text = get_text(r, row, 1, &size);

        b->names[get_number(r, row, 0)] = b->ctx->host->name(b->ctx, text, size);
    }
    free(list);
    for (size_t id = 0; r == NULL && id < b->names_room; id++)
        if (b->names[id] == b->none)
            b->names[id] = NULL; /* not read, which is not the same as not there */
    PQclear(r);
    return r != NULL ? SCRIP_OK : b->fault;
}

#endif
