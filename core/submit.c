/* submit.c - single events: from an embedding program or the command line, and out of quarantine. */
#include "calendar.h"
#include "hash.h"
#include "host.h"

#include <stdio.h>
#include <time.h>

static const char *const outcome_names[] = { "charged",   "zero",        "applied", "refused",
                                             "duplicate", "quarantined", "filtered" };

const char *scrip_outcome_name(int64_t outcome)
{
    return outcome >= 0 && outcome < SCRIP_OUTCOME_COUNT ? outcome_names[outcome] : "unknown";
}

int scrip_time_parse(const char *text, int64_t *out_us)
{
    return time_parse(text, strlen(text), NULL, "", out_us);
}

static int by_key(const void *a, const void *b)
{
    const struct scrip_field *x = *(const struct scrip_field *const *)a, *y = *(const struct scrip_field *const *)b;

    return x->key != y->key ? (x->key > y->key) - (x->key < y->key) : strcmp(x->name, y->name);
}

/* An id that follows from all that an event says, in whatever order it says it. */
static void id_make(const struct scrip_field *fields, size_t count, char text[TIME_TEXT_SIZE])
{
    const struct scrip_field *sorted[EVENT_FIELD_LIMIT];
    struct bytes content = { 0 };
    uint8_t hash[16];

    for (size_t i = 0; i < count; i++)
        sorted[i] = &fields[i];
    qsort(sorted, count, sizeof *sorted, by_key);
    for (size_t i = 0; i < count; i++) {
        bytes_add_number(&content, sorted[i]->key);
        bytes_add_text(&content, sorted[i]->name, strlen(sorted[i]->name));
        bytes_add_text(&content, sorted[i]->text, sorted[i]->size);
    }
    hash_key(content.start, content.size, hash);
    hash_hex(hash, 10, text);
    free(content.start);
}

/* What an event typed by hand may leave out: its time is now, its id follows from its content. */
static int fields_complete(struct scrip_field *fields, size_t *count, struct arena *arena)
{
    int has_time = 0, has_id = 0;
    struct timespec now;
    char text[TIME_TEXT_SIZE];

    for (size_t i = 0; i < *count; i++) {
        has_time |= fields[i].key == SCRIP_F_TIME && fields[i].size;
        has_id |= fields[i].key == SCRIP_F_ID && fields[i].size;
    }
    if (*count + 2 > EVENT_FIELD_LIMIT)
        return SCRIP_ELIMIT;
    if (!has_time) {
        clock_gettime(CLOCK_REALTIME, &now);
        time_write((int64_t)now.tv_sec * SCRIP_SECOND + now.tv_nsec / 1000, text, sizeof text);
        fields[(*count)++] =
            (struct scrip_field){ SCRIP_F_TIME, "", arena_text(arena, text, strlen(text)), strlen(text) };
    }
    if (!has_id) {
        id_make(fields, *count, text);
        fields[(*count)++] =
            (struct scrip_field){ SCRIP_F_ID, "", arena_text(arena, text, strlen(text)), strlen(text) };
    }
    return SCRIP_OK;
}

int fields_from_pairs(const struct scrip_pair *pairs, uint64_t pair_count, struct scrip_field *fields, size_t *count,
                      struct arena *arena, struct scrip_error *err)
{
    *count = 0;
    for (uint64_t i = 0; i < pair_count; i++) {
        const char *name;
        size_t name_size;
        int key = field_find(pairs[i].key, strlen(pairs[i].key), &name, &name_size);

        if (key < 0)
            return error_set(err, SCRIP_EINVALID, "%s: no such field of an event", pairs[i].key);
        if (*count == EVENT_FIELD_LIMIT)
            return error_set(err, SCRIP_ELIMIT, "event: more than %d fields", EVENT_FIELD_LIMIT);
        fields[(*count)++] = (struct scrip_field){ (uint64_t)key, arena_text(arena, name, name_size), pairs[i].value,
                                                   strlen(pairs[i].value) };
    }
    if (fields_complete(fields, count, arena) < 0)
        return error_set(err, SCRIP_ELIMIT, "event: more than %d fields", EVENT_FIELD_LIMIT);
    return SCRIP_OK;
}

static int fields_take(struct scrip *scrip, const struct scrip_field *fields, size_t count, const struct origin *origin,
                       struct scrip_result *result, struct scrip_error *err)
{
    struct event event;
    int code = event_read(&event, fields, count, SCRIP_TIME_NONE, SCRIP_TIME_NONE, origin->source, scrip->names,
                          &scrip->arena, err);

    return code < 0 ? code : take_event(scrip, &event, origin, result, err);
}

static int fields_submit(struct scrip *scrip, const struct scrip_field *fields, size_t count, const char *bytes,
                         size_t size, struct scrip_result *result, struct scrip_error *err)
{
    struct origin origin = { names_add(scrip->names, "local", 5), "", 0, bytes, size, fields, count, 1 };
    struct scrip_error ignored;
    int code;

    for (int attempt = 0;; attempt++) {
        code = fields_take(scrip, fields, count, &origin, result, err);
        if (code < 0 && !host_is_store_fault(scrip, code))
            batch_finish(scrip, &ignored);
        else if (code == SCRIP_OK)
            code = batch_finish(scrip, err);
        if (code == SCRIP_OK || !host_again(scrip, code, attempt, err))
            return code;
    }
}

int scrip_submit(struct scrip *scrip, const struct scrip_pair *pairs, uint64_t pair_count,
                 struct scrip_result *result, struct scrip_error *err)
{
    struct scrip_field fields[EVENT_FIELD_LIMIT];
    size_t count;
    int code = host_writes(scrip, err);

    memset(result, 0, sizeof *result);
    arena_reset(&scrip->arena);
    if (code == SCRIP_OK)
        code = fields_from_pairs(pairs, pair_count, fields, &count, &scrip->arena, err);
    return code < 0 ? code : fields_submit(scrip, fields, count, "", 0, result, err);
}

/* The same, left for the caller to commit. */
int submit_quietly(struct scrip *scrip, const struct scrip_pair *pairs, uint64_t pair_count,
                   struct scrip_result *result, struct scrip_error *err)
{
    struct scrip_field fields[EVENT_FIELD_LIMIT];
    struct origin origin = {
        .source = names_add(scrip->names, "local", 5), .feed = "", .bytes = "", .fields = fields, .is_told = 1
    };
    size_t count;
    int code;

    memset(result, 0, sizeof *result);
    arena_reset(&scrip->arena);
    code = fields_from_pairs(pairs, pair_count, fields, &count, &scrip->arena, err);
    origin.field_count = count;
    return code < 0 ? code : fields_take(scrip, fields, count, &origin, result, err);
}

int scrip_submit_json(struct scrip *scrip, const char *json, uint64_t size, struct scrip_result *result,
                      struct scrip_error *err)
{
    struct scrip_field fields[EVENT_FIELD_LIMIT];
    size_t count;
    int code = host_writes(scrip, err);

    memset(result, 0, sizeof *result);
    arena_reset(&scrip->arena);
    if (code == SCRIP_OK && size > SCRIP_ROW_SIZE)
        code = error_set(err, SCRIP_ELIMIT, "event: longer than %d bytes", SCRIP_ROW_SIZE);
    if (code == SCRIP_OK)
        code = event_fields_from_json(json, size, fields, &count, &scrip->arena, err);
    return code < 0 ? code : fields_submit(scrip, fields, count, json, size, result, err);
}

/* ---- out of quarantine ---------------------------------------------------------------------------------------- */

struct kept {
    struct scrip_quarantine_row row;
    struct kept *next;
};

struct keeping {
    struct scrip *scrip;
    struct arena arena;
    const char *key; /* NULL: all */
    struct kept *first, **end;
};

static int row_keep(void *sink, const void *found)
{
    struct keeping *keeping = sink;
    const struct scrip_quarantine_row *row = found;
    struct kept *kept;
    char hex[33];

    hash_hex(row->key, sizeof row->key, hex);
    if (keeping->key != NULL && strncmp(hex, keeping->key, strlen(keeping->key)) != 0)
        return SCRIP_OK;
    kept = arena_get(&keeping->arena, sizeof *kept);
    kept->row = *row;
    kept->row.feed = arena_text(&keeping->arena, row->feed, strlen(row->feed));
    kept->row.bytes = arena_text(&keeping->arena, row->bytes, row->size);
    kept->row.event = arena_text(&keeping->arena, row->event, row->event_size);
    kept->row.reason_class = strcmp(row->reason_class, REASON_NATIVE) == 0 ? REASON_NATIVE : "";
    kept->next = NULL;
    *keeping->end = kept;
    keeping->end = &kept->next;
    return SCRIP_OK;
}

static int rows_keep(struct scrip *scrip, const char *key, struct keeping *keeping, struct scrip_error *err)
{
    struct scrip_scan scan = { .table = SCRIP_TABLE_QUARANTINE, .from_period = INT64_MIN, .to_period = INT64_MAX,
                               .row = row_keep, .sink = keeping };
    int code = host_writes(scrip, err);

    memset(keeping, 0, sizeof *keeping);
    keeping->scrip = scrip;
    keeping->key = key;
    keeping->end = &keeping->first;
    if (key != NULL && strlen(key) < 4)
        code = error_set(err, SCRIP_EINVALID, "quarantine: key '%s': give at least its first 4 characters, as listed",
                         key);
    if (code == SCRIP_OK)
        code = host_scan(scrip, &scan, err);
    if (code == SCRIP_OK && key != NULL && keeping->first == NULL)
        code = error_set(err, SCRIP_ENOTFOUND, "quarantine: nothing there with key '%s'", key);
    return code;
}

static void row_settle(struct scrip *scrip, const struct scrip_quarantine_row *row)
{
    struct batch *batch = scrip->open;

    ARRAY_ROOM(batch->settled, batch->settled_count, batch->settled_room);
    batch->settled[batch->settled_count++] = *row;
}

/* Tries one again. What still fails stays where it is. */
static int row_retry(struct scrip *scrip, const struct scrip_quarantine_row *row, struct scrip_totals *totals,
                     struct scrip_error *err)
{
    struct origin origin = { row->source, row->feed, row->line, row->bytes, row->size, NULL, 0, 0 };
    struct scrip_field fields[EVENT_FIELD_LIMIT];
    struct scrip_result result = { 0 };
    struct scrip_error why;
    size_t count = 0;
    int code;

    arena_reset(&scrip->arena);
    totals->read++;
    if (row->event_size)
        code = event_fields_from_flat(row->event, row->event_size, fields, &count, &scrip->arena, &why);
    else if (strcmp(row->reason_class, REASON_NATIVE) == 0)
        code = event_fields_from_json(row->bytes, row->size, fields, &count, &scrip->arena, &why);
    else
        code = SCRIP_EINVALID; /* not even its source could read it: its feed is to be mended */
    if (code == SCRIP_OK) {
        origin.fields = fields;
        origin.field_count = count;
        code = fields_take(scrip, fields, count, &origin, &result, &why);
        if (host_is_store_fault(scrip, code)) {
            *err = why;
            return code;
        }
    }
    if (code < 0 || (result.outcome == SCRIP_QUARANTINED && !result.was_duplicate)) {
        const struct batch *batch = scrip->open;

        totals->outcome[SCRIP_QUARANTINED]++;
        /* Understood this time, and yet not taken: it goes on under its new key and reason. */
        if (code == SCRIP_OK && batch->quarantine_count &&
            memcmp(batch->quarantine[batch->quarantine_count - 1].key, row->key, sizeof row->key) != 0)
            row_settle(scrip, row);
        return SCRIP_OK;
    }
    totals->outcome[result.was_duplicate ? SCRIP_DUPLICATE : result.outcome]++;
    row_settle(scrip, row);
    return SCRIP_OK;
}

int scrip_quarantine_retry(struct scrip *scrip, const char *key, struct scrip_totals *totals, struct scrip_error *err)
{
    struct keeping keeping;
    int code = rows_keep(scrip, key, &keeping, err);

    memset(totals, 0, sizeof *totals);
    for (struct kept *kept = keeping.first; kept != NULL && code == SCRIP_OK; kept = kept->next)
        code = row_retry(scrip, &kept->row, totals, err);
    if (code == SCRIP_OK)
        code = batch_finish(scrip, err);
    arena_free(&keeping.arena);
    return code;
}

int scrip_quarantine_drop(struct scrip *scrip, const char *key, struct scrip_error *err)
{
    struct keeping keeping;
    int code = rows_keep(scrip, key, &keeping, err);

    if (code == SCRIP_OK && keeping.first->next != NULL)
        code = error_set(err, SCRIP_EINVALID, "quarantine: key '%s' fits several: give more of it", key);
    if (code == SCRIP_OK) {
        row_settle(scrip, &keeping.first->row);
        code = batch_finish(scrip, err);
    }
    arena_free(&keeping.arena);
    return code;
}
