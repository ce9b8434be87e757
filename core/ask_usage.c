/* ask_usage.c - charges grouped: from the rollups where they know enough, else from the charges of the range. */
#include "ask.h"

#include "calendar.h"
#include "hash.h"
#include "late.h"
#include "money.h"
#include "replay.h"

#include <stdio.h>

enum dim {
    DIM_DAY,
    DIM_MONTH,
    DIM_ACCOUNT,
    DIM_PRODUCT,
    DIM_USER,
    DIM_SERVICE,
    DIM_CLASS,
    DIM_CURRENCY,
    DIM_ATTRIBUTE
};

static const char *const dim_names[] = { "day", "month", "account", "product", "user", "service", "class", "currency" };

#define DIM_LIMIT 8
#define WHERE_LIMIT 16

struct column_dim {
    enum dim dim;
    const char *name; /* of an attribute */
};

/* One charge's share, whatever it was read from. */
struct share {
    int64_t time_us; /* of a rollup: the start of its period */
    const struct scrip_name *account, *product, *user, *service, *class_name, *currency;
    const struct event *event; /* NULL from rollups */
    int64_t amount, charge_count;
    int decimals;
};

struct group {
    const struct scrip_name *keys[DIM_LIMIT + 1]; /* the dimensions', then the currency's */
    wide amount;
    int64_t charge_count;
    int decimals;
};

struct usage {
    struct scrip *scrip;
    struct scrip_error *err;
    struct column_dim dims[DIM_LIMIT];
    size_t dim_count;
    struct {
        struct column_dim dim;
        const char *value;
    } where[WHERE_LIMIT];
    size_t where_count;
    int64_t from_us, to_us, known_at_us;
    struct group *groups;
    size_t group_count, group_room;
    uint32_t *slots;
    size_t slot_count;
    int is_day; /* the rollup being read */
    int64_t part_from_us, part_to_us; /* what is read of accounts, and no rollup has */
    int is_by_day;
    int64_t period; /* of the two names below, which most rows share */
    const struct scrip_name *day_name, *month_name;
};

/* ---- dimensions ----------------------------------------------------------------------------------------------- */

static int dim_find(struct usage *u, const char *text, size_t size, struct column_dim *out)
{
    for (int i = 0; i < DIM_ATTRIBUTE; i++)
        if (strlen(dim_names[i]) == size && memcmp(dim_names[i], text, size) == 0) {
            *out = (struct column_dim){ (enum dim)i, dim_names[i] };
            return SCRIP_OK;
        }
    for (size_t i = 0; i < u->scrip->dimension_count; i++)
        if (u->scrip->dimensions[i]->size == size && memcmp(u->scrip->dimensions[i]->text, text, size) == 0) {
            *out = (struct column_dim){ DIM_ATTRIBUTE, u->scrip->dimensions[i]->text };
            return SCRIP_OK;
        }
    return error_set(
        u->err, SCRIP_EINVALID,
        "by '%.*s': no such dimension: want product, user, day, month, service, account, currency, class, or an "
        "attribute that [scrip] names in dimensions",
        (int)size, text);
}

static int dims_read(struct usage *u, const char *by)
{
    const char *at = by ? by : "";

    while (*at) {
        const char *end = strchrnul(at, ',');

        if (u->dim_count == DIM_LIMIT)
            return error_set(u->err, SCRIP_ELIMIT, "by: more than %d dimensions", DIM_LIMIT);
        if (dim_find(u, at, (size_t)(end - at), &u->dims[u->dim_count++]) < 0)
            return SCRIP_EINVALID;
        at = *end ? end + 1 : end;
    }
    return u->dim_count
               ? SCRIP_OK
               : error_set(u->err, SCRIP_EINVALID, "usage: by what: give --by product, or user, day, month ...");
}

static int where_read(struct usage *u, const char *const *where)
{
    for (size_t i = 0; where && where[i]; i++) {
        const char *equals = strchr(where[i], '=');

        if (equals == NULL)
            return error_set(u->err, SCRIP_EINVALID, "where '%s': want DIMENSION=VALUE", where[i]);
        if (u->where_count == WHERE_LIMIT)
            return error_set(u->err, SCRIP_ELIMIT, "where: more than %d conditions", WHERE_LIMIT);
        if (dim_find(u, where[i], (size_t)(equals - where[i]), &u->where[u->where_count].dim) < 0)
            return SCRIP_EINVALID;
        u->where[u->where_count++].value = equals + 1;
    }
    return SCRIP_OK;
}

static int uses(const struct usage *u, enum dim dim)
{
    for (size_t i = 0; i < u->dim_count; i++)
        if (u->dims[i].dim == dim)
            return 1;
    for (size_t i = 0; i < u->where_count; i++)
        if (u->where[i].dim.dim == dim)
            return 1;
    return 0;
}

static const struct scrip_name *period_name(struct usage *u, int64_t time_us, size_t size)
{
    char text[TIME_TEXT_SIZE];

    time_write(time_us, text, sizeof text);
    return names_add(u->scrip->names, text, size);
}

static const struct scrip_name *share_key(struct usage *u, const struct share *share, const struct column_dim *dim)
{
    switch (dim->dim) {
    case DIM_DAY:
    case DIM_MONTH:
        if (day_of(share->time_us) != u->period || u->day_name == NULL) {
            u->period = day_of(share->time_us);
            u->day_name = period_name(u, share->time_us, 10);
            u->month_name = period_name(u, share->time_us, 7);
        }
        return dim->dim == DIM_DAY ? u->day_name : u->month_name;
    case DIM_ACCOUNT:
        return share->account;
    case DIM_PRODUCT:
        return share->product;
    case DIM_USER:
        return share->user;
    case DIM_SERVICE:
        return share->service;
    case DIM_CLASS:
        return share->class_name;
    case DIM_CURRENCY:
        return share->currency;
    default:
        for (uint64_t i = 0; i < share->event->shown.attribute_count; i++)
            if (strcmp(share->event->shown.attributes[i].name, dim->name) == 0)
                return names_add(u->scrip->names, share->event->shown.attributes[i].value,
                                 strlen(share->event->shown.attributes[i].value));
        return &names_none;
    }
}

/* ---- groups --------------------------------------------------------------------------------------------------- */

static uint64_t group_hash(const struct usage *u, const struct scrip_name *const *keys)
{
    uint64_t h = 0;

    for (size_t i = 0; i <= u->dim_count; i++)
        h = hash_mix(h, keys[i]->number);
    return h;
}

static void slots_grow(struct usage *u)
{
    u->slot_count = u->slot_count ? u->slot_count * 2 : 1024;
    free(u->slots);
    u->slots = memory_get(u->slot_count * sizeof *u->slots);
    for (size_t i = 0; i < u->group_count; i++) {
        size_t at = group_hash(u, u->groups[i].keys) & (u->slot_count - 1);

        while (u->slots[at] != 0)
            at = (at + 1) & (u->slot_count - 1);
        u->slots[at] = (uint32_t)i + 1;
    }
}

static void share_add(struct usage *u, const struct share *share)
{
    const struct scrip_name *keys[DIM_LIMIT + 1];
    struct group *group;
    size_t at;

    for (size_t i = 0; i < u->where_count; i++)
        if (strcmp(share_key(u, share, &u->where[i].dim)->text, u->where[i].value) != 0)
            return;
    for (size_t i = 0; i < u->dim_count; i++)
        keys[i] = share_key(u, share, &u->dims[i]);
    keys[u->dim_count] = share->currency;
    if ((u->group_count + 1) * 2 > u->slot_count)
        slots_grow(u);
    at = group_hash(u, keys) & (u->slot_count - 1);
    for (; u->slots[at] != 0; at = (at + 1) & (u->slot_count - 1))
        if (memcmp(u->groups[u->slots[at] - 1].keys, keys, (u->dim_count + 1) * sizeof *keys) == 0)
            break;
    if (u->slots[at] == 0) {
        ARRAY_ROOM(u->groups, u->group_count, u->group_room);
        group = &u->groups[u->group_count++];
        memset(group, 0, sizeof *group);
        memcpy(group->keys, keys, (u->dim_count + 1) * sizeof *keys);
        group->decimals = share->decimals;
        u->slots[at] = (uint32_t)u->group_count;
    }
    group = &u->groups[u->slots[at] - 1];
    group->amount += share->amount;
    group->charge_count += share->charge_count;
}

static int by_keys(const void *left, const void *right)
{
    const struct group *a = left, *b = right;

    for (size_t i = 0; i <= DIM_LIMIT && a->keys[i] != NULL; i++) {
        int order = strcmp(a->keys[i]->text, b->keys[i]->text);

        if (order != 0)
            return order;
    }
    return 0;
}

static int groups_write(struct usage *u, const struct scrip_answer *answer)
{
    struct scrip_column columns[DIM_LIMIT + 3];
    int shows_currency = 1; /* amounts of two currencies are never added */
    struct table table;
    size_t n = 0;
    int code;

    for (; n < u->dim_count; n++)
        columns[n] = (struct scrip_column){ u->dims[n].name, SCRIP_CELL_TEXT };
    for (size_t i = 0; i < u->dim_count; i++)
        shows_currency &= u->dims[i].dim != DIM_CURRENCY;
    if (shows_currency)
        columns[n++] = (struct scrip_column){ "currency", SCRIP_CELL_TEXT };
    columns[n++] = (struct scrip_column){ "charges", SCRIP_CELL_NUMBER };
    columns[n++] = (struct scrip_column){ "amount", SCRIP_CELL_NUMBER };
    if (u->group_count)
        qsort(u->groups, u->group_count, sizeof *u->groups, by_keys);
    code = table_begin(&table, answer, "usage", columns, n);
    for (size_t i = 0; i < u->group_count && code == SCRIP_OK; i++) {
        for (size_t k = 0; k < n - 2; k++)
            table_text(&table, u->groups[i].keys[k]->text);
        table_count(&table, (uint64_t)u->groups[i].charge_count);
        table_wide(&table, u->groups[i].amount, u->groups[i].decimals);
        code = table_row(&table);
    }
    return code ? code : table_end(&table);
}

/* ---- from rollups --------------------------------------------------------------------------------------------- */

static void row_share(struct usage *u, const struct scrip_usage_row *row, int64_t time_us)
{
    const struct terms *terms = prices_terms_of(u->scrip->prices, row->currency);
    struct share share = { time_us, row->account, row->product, row->user, row->service, row->class_name, row->currency,
                           NULL, row->amount, row->charge_count, terms ? (int)terms->row.decimals : 0 };

    share_add(u, &share);
}

static int rollup_row(void *sink, const void *found)
{
    struct usage *u = sink;
    const struct scrip_usage_row *row = found;

    row_share(u, row, u->is_day ? day_start(row->period) : month_start(row->period));
    return SCRIP_OK;
}

/* The columns that make a difference to what is asked. */
static uint64_t columns_used(const struct usage *u)
{
    static const uint64_t columns[] = { SCRIP_BY_PERIOD, SCRIP_BY_PERIOD,  SCRIP_BY_ACCOUNT, SCRIP_BY_PRODUCT,
                                        SCRIP_BY_USER,   SCRIP_BY_SERVICE, SCRIP_BY_CLASS };
    uint64_t used = SCRIP_BY_CURRENCY;

    for (int dim = DIM_DAY; dim < DIM_CURRENCY; dim++)
        used |= uses(u, (enum dim)dim) ? columns[dim] : 0;
    return used;
}

/* Of whole periods. */
static int rollups_read(struct usage *u, const char *account, int64_t from_us, int64_t to_us)
{
    struct scrip_scan scan = { .account = account, .row = rollup_row, .sink = u, .by = columns_used(u) };

    scan.table = u->is_day ? SCRIP_TABLE_DAYS : SCRIP_TABLE_MONTHS;
    scan.from_period = from_us == INT64_MIN ? INT64_MIN : u->is_day ? day_of(from_us) : month_of(from_us);
    scan.to_period = to_us == INT64_MAX ? INT64_MAX : u->is_day ? day_of(to_us - 1) : month_of(to_us - 1);
    return host_scan(u->scrip, &scan, u->err);
}

/* ---- from charges --------------------------------------------------------------------------------------------- */

/* The very notes that the rollups are made of, with the events behind them. */
static int effect_share(void *sink, const struct effect *effect)
{
    struct usage *u = sink;

    for (size_t i = 0; i < effect->note_count; i++) {
        const struct usage_note *note = &effect->notes[i];
        const struct scrip_usage_row *row = &note->row;
        const struct terms *terms = prices_terms_of(u->scrip->prices, row->currency);
        struct share share = { note->time_us,
                               row->account,
                               row->product,
                               row->user,
                               row->service,
                               row->class_name,
                               row->currency,
                               note->subject,
                               row->amount,
                               row->charge_count,
                               terms ? (int)terms->row.decimals : 0 };

        if (note->time_us >= u->part_from_us && note->time_us < u->part_to_us)
            share_add(u, &share);
    }
    return SCRIP_OK;
}

static int event_share(void *sink, struct replay *replay, const struct event *event)
{
    (void)event;
    return effect_share(sink, &replay->engine.effect);
}

/* Every event of the account applied again: of one with events that were put in their places, in the order that they
 * have now. */
static int account_replay(struct usage *u, const struct scrip_name *name, uint64_t until, int is_placed)
{
    struct replay replay;
    int code;

    if (is_placed) {
        static const struct past_hooks hooks = { .applied = effect_share };
        struct past_rows past = { 0 };

        code = past_rows_load(&past, u->scrip, name, until, u->err);
        if (code == SCRIP_OK)
            code = past_rows_apply(&past, u->scrip, name, &hooks, u, u->err);
        past_rows_free(&past);
        return code;
    }
    replay_open(&replay, u->scrip, u->err);
    replay.applied = event_share;
    replay.until = until;
    replay.sink = u;
    code = replay_account(&replay, name);
    if (code == SCRIP_OK && replay.is_broken)
        code = error_set(u->err, SCRIP_EIO, "account '%s': its events are damaged: run verify", name->text);
    replay_close(&replay);
    return code;
}

/* A part of an account's usage that no rollup has. */
static int account_part(void *sink, const struct scrip_account_row *found)
{
    struct usage *u = sink;
    struct used_range range = { .from_us = u->part_from_us, .to_us = u->part_to_us, .is_by_day = u->is_by_day };
    struct usage_table table = { 0 };
    int code, is_placed = 0;

    if (u->known_at_us != 0 &&
        ((code = recorded_until(u->scrip, found->name->text, u->known_at_us, &range.until, u->err)) < 0 ||
         range.until == 0))
        return code;
    if (uses(u, DIM_ATTRIBUTE)) {
        range = (struct used_range){ .from_us = INT64_MIN, .to_us = INT64_MAX, .until = range.until };
        code = used_sum(u->scrip, found, &range, &table, &is_placed, u->err);
        usage_table_free(&table);
        return code < 0 ? code : account_replay(u, found->name, range.until, is_placed);
    }
    code = used_sum(u->scrip, found, &range, &table, &is_placed, u->err);
    for (size_t i = 0; i < table.count && code == SCRIP_OK; i++)
        row_share(u, &table.rows[i], u->is_by_day ? day_start(table.rows[i].period) : u->part_from_us);
    usage_table_free(&table);
    return code;
}

static int part_read(struct usage *u, const char *account, int64_t from_us, int64_t to_us)
{
    u->part_from_us = from_us;
    u->part_to_us = to_us;
    return from_us < to_us ? accounts_each(u->scrip, account, account_part, u, u->err) : SCRIP_OK;
}

/* The start of the period that holds an instant. */
static int64_t period_start(const struct usage *u, int64_t time_us)
{
    return u->is_day ? day_start(day_of(time_us)) : month_start(month_of(time_us));
}

/* Whole periods from their rollup, and what is left at either end from the accounts. */
static int periods_read(struct usage *u, const char *account)
{
    int64_t first = u->from_us, last = u->to_us;
    int code;

    u->is_day = !uses(u, DIM_USER);
    if (first != INT64_MIN && period_start(u, first) != first)
        first = u->is_day ? day_start(day_of(first) + 1) : month_start(month_of(first) + 1);
    if (last != INT64_MAX)
        last = period_start(u, last);
    if (first > last)
        return part_read(u, account, u->from_us, u->to_us);
    code = part_read(u, account, u->from_us, first);
    if (code == SCRIP_OK && first < last)
        code = rollups_read(u, account, first, last);
    return code == SCRIP_OK ? part_read(u, account, last, u->to_us) : code;
}

/* ---- the question --------------------------------------------------------------------------------------------- */

int ask_usage(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
              struct scrip_error *err)
{
    struct usage u = { .scrip = scrip, .err = err };
    int code;

    u.from_us = query->from_us == SCRIP_TIME_NONE ? INT64_MIN : query->from_us;
    u.to_us = query->to_us == SCRIP_TIME_NONE ? INT64_MAX : query->to_us;
    u.known_at_us = query->known_at_us;
    if ((query->as_of_us != SCRIP_TIME_NONE) + (query->before_us != SCRIP_TIME_NONE) +
            (query->to_us != SCRIP_TIME_NONE) >
        1)
        return error_set(err, SCRIP_EINVALID, "as-of, before and to: give one of them: each says where usage ends");
    if (query->as_of_us != SCRIP_TIME_NONE)
        u.to_us = query->as_of_us + 1;
    if (query->before_us != SCRIP_TIME_NONE)
        u.to_us = query->before_us;
    if ((code = dims_read(&u, query->by)) < 0 || (code = where_read(&u, query->where)) < 0)
        return code;
    if (uses(&u, DIM_ATTRIBUTE) || u.known_at_us != 0 ||
        (uses(&u, DIM_USER) && (uses(&u, DIM_DAY) || uses(&u, DIM_SERVICE)))) {
        u.is_by_day = uses(&u, DIM_DAY) || uses(&u, DIM_MONTH);
        if (u.is_by_day || uses(&u, DIM_ATTRIBUTE))
            fprintf(stderr, "scrip: usage: no rollup knows this grouping or range: reading the charges themselves\n");
        code = part_read(&u, query->account, u.from_us, u.to_us);
    } else if (query->account != NULL && !uses(&u, DIM_DAY) && !uses(&u, DIM_MONTH))
        code = part_read(&u, query->account, u.from_us, u.to_us); /* less than everybody's periods */
    else
        code = periods_read(&u, query->account);
    if (code == SCRIP_OK)
        code = groups_write(&u, answer);
    free(u.groups);
    free(u.slots);
    return code;
}
