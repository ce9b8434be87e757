/* past.c - the recorded events of an account: their places in its order, and the prices that count now. */
#include "late.h"

#include <inttypes.h>
#include <stdio.h>

void past_rows_free(struct past_rows *past)
{
    free(past->rows);
    arena_free(&past->arena);
    memset(past, 0, sizeof *past);
}

struct past_row *past_row_at(const struct past_rows *past, uint64_t number)
{
    uint64_t first = past->count ? past->rows[0].row.number : 0;

    return past->count && number >= first && number - first < past->count ? &past->rows[number - first] : NULL;
}

/* New prices in the record of a late event, one after the other. */
struct anew {
    struct past_rows *past; /* that take them over; or, of one event only: */
    uint64_t wanted;
    struct scrip_event_row *out;
    int is_found;
    struct arena *arena;
    uint64_t event, rate;
    char *lines;
    size_t lines_size;
};

static void anew_put(struct anew *anew)
{
    struct scrip_event_row *row = NULL;

    if (anew->past == NULL && anew->event == anew->wanted)
        row = anew->out;
    else if (anew->past != NULL && past_row_at(anew->past, anew->event) != NULL)
        row = &past_row_at(anew->past, anew->event)->row;
    if (anew->event != 0 && row != NULL) {
        anew->is_found = 1;
        row->rate = anew->rate;
        row->lines = anew->lines;
        row->lines_size = anew->lines_size;
    }
    anew->event = anew->rate = 0;
    anew->lines = NULL;
    anew->lines_size = 0;
}

static int anew_leaf(void *sink, const struct json_leaf *leaf)
{
    struct anew *anew = sink;
    const char *key = leaf->path + leaf->path_size;
    char number[24];
    size_t size = 0;

    if (leaf->path_size < 6 || memcmp(leaf->path, "anew.", 5) != 0)
        return SCRIP_OK;
    while (key > leaf->path && key[-1] != '.') {
        key--;
        size++;
    }
    snprintf(number, sizeof number, "%.*s", (int)(leaf->size < 20 ? leaf->size : 20), leaf->text);
    if (size == 5 && memcmp(key, "event", 5) == 0) {
        anew_put(anew);
        anew->event = strtoull(number, NULL, 10);
    } else if (size == 4 && memcmp(key, "rate", 4) == 0)
        anew->rate = strtoull(number, NULL, 10);
    else if (size == 5 && memcmp(key, "lines", 5) == 0) {
        anew->lines = arena_text(anew->arena, leaf->text, leaf->size);
        anew->lines_size = leaf->size;
    }
    return SCRIP_OK;
}

static void anew_read(const struct scrip_event_row *row, struct anew *anew)
{
    if (row->lines_size == 0)
        return;
    json_read_own(row->lines, row->lines_size, anew_leaf, anew, NULL);
    anew_put(anew);
}

int place_order(const struct place *a, const struct place *b)
{
    int order;

    if (a->time_us != b->time_us)
        return a->time_us < b->time_us ? -1 : 1;
    if (a->rank != b->rank)
        return a->rank - b->rank;
    return (order = strcmp(a->source, b->source)) != 0 ? order : strcmp(a->id, b->id);
}

/* Where an event stands among the others: by its own order; one that came late and was judged by its date stands behind
 * the last that had come. */
static void place_set(struct past_rows *past, struct past_row *fresh)
{
    struct event event = { .shown.type = fresh->row.type };
    int order;

    fresh->place = (struct place){ fresh->row.time_us, event_rank(&event), fresh->row.source->text, fresh->row.id };
    order = past->clock.source == NULL ? 1 : place_order(&fresh->place, &past->clock);
    if (order < 0 && !(fresh->row.flags & SCRIP_EVENT_PLACED))
        fresh->place = past->clock;
    else if (order > 0)
        past->clock = fresh->place;
}

void past_rows_put(struct past_rows *past, const struct scrip_event_row *row)
{
    struct scrip_event_row *kept;

    ARRAY_ROOM(past->rows, past->count, past->room);
    kept = &past->rows[past->count].row;
    *kept = *row;
    kept->id = arena_text(&past->arena, row->id, row->id_size);
    kept->data = arena_text(&past->arena, row->data, row->data_size);
    kept->lines = arena_text(&past->arena, row->lines, row->lines_size);
    kept->reason = arena_text(&past->arena, row->reason, row->reason_size);
    past->count++;
    place_set(past, &past->rows[past->count - 1]);
}

void past_rows_anew(struct past_rows *past, const struct scrip_event_row *row)
{
    struct anew anew = { .past = past, .arena = &past->arena };

    if (row->flags & EVENT_REMADE)
        anew_read(row, &anew);
}

void past_rows_add(struct past_rows *past, const struct scrip_event_row *row)
{
    past_rows_put(past, row);
    past_rows_anew(past, row);
}

int past_row_anew(const struct scrip_event_row *row, uint64_t event, struct scrip_event_row *out, struct arena *arena)
{
    struct anew anew = { .wanted = event, .out = out, .arena = arena };

    if (row->flags & EVENT_REMADE)
        anew_read(row, &anew);
    return anew.is_found;
}

static int past_row(void *sink, const void *row)
{
    past_rows_add(sink, row);
    return SCRIP_OK;
}

int past_rows_load(struct past_rows *past, struct scrip *scrip, const struct scrip_name *account, uint64_t until,
                   struct scrip_error *err)
{
    struct scrip_scan scan = { .table = SCRIP_TABLE_EVENTS, .account = account->text, .from_period = INT64_MIN,
                               .to_period = INT64_MAX, .row = past_row, .sink = past };
    const struct batch *open = scrip->open;
    int code;

    scan.to_number = until;
    code = host_scan(scrip, &scan, err);
    for (size_t i = 0; i < open->event_count && code == SCRIP_OK && until == 0; i++)
        if (open->events[i].account == account)
            past_rows_add(past, &open->events[i]);
    return code;
}

int past_rows_allow(const struct past_rows *past, const struct event *event)
{
    for (size_t i = 0; i < past->count; i++) {
        const struct scrip_event_row *row = &past->rows[i].row;

        if (row->time_us >= event->shown.time_us &&
            (row->type == SCRIP_CONVERSION ||
             (row->type == SCRIP_TRANSFER &&
              (row->data_size == 0 || memmem(row->data, row->data_size, "\"from\":", 7) == NULL))))
            return 0;
    }
    return 1;
}
