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

int fields_take(struct scrip *scrip, const struct scrip_field *fields, size_t count, const struct origin *origin,
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
