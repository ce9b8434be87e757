/* checkpoint_usage.c - what an account used until a checkpoint, in sums without periods.
 *
 * Checkpoint k holds the sums of what was used since its parent (checkpoint.c), so that all until then is in k and its
 * line of parents: those are added. The sums of k are its own block's notes and those of the checkpoints between it and
 * its parent: k - 1 and its line, as far as the parent.
 *
 *     head: latest date of anything used, earliest date in its block, 1 where an event was put in its place; then the
 *           size of the sums
 *     sums: count of names, each its size and bytes; count of rows, each: product, user, service, class, currency (by
 *           their places among the names, from 1; 0: none), amount, charges
 *
 * Rows are in the order in which they were first met, so that the same events give the same bytes. */
#include "checkpoint.h"

#include "hash.h"
#include "notes.h"
#include "varint.h"

struct summing {
    struct usage_table table;
    struct checkpoint_head head;
};

static int note_sum(void *sink, const struct usage_note *note)
{
    struct summing *s = sink;
    struct scrip_usage_row row = note->row;

    row.period = 0;
    usage_table_add(&s->table, &row);
    if (s->head.latest_us == SCRIP_TIME_NONE || note->time_us > s->head.latest_us)
        s->head.latest_us = note->time_us;
    if (s->head.earliest_us == SCRIP_TIME_NONE || note->time_us < s->head.earliest_us)
        s->head.earliest_us = note->time_us;
    return SCRIP_OK;
}

/* ---- read ----------------------------------------------------------------------------------------------------- */

static int head_get(struct varints *in, struct checkpoint_head *out, uint64_t *size)
{
    return varint_get_signed(in, &out->latest_us) && varint_get_signed(in, &out->earliest_us) &&
           varint_get_signed(in, &out->is_placed) && varint_get(in, size) && *size <= (uint64_t)(in->end - in->at);
}

int checkpoint_usage_skip(struct varints *in)
{
    struct checkpoint_head head;
    uint64_t size;

    if (!head_get(in, &head, &size))
        return 0;
    in->at += size;
    return 1;
}

int checkpoint_head_read(const struct scrip_checkpoint_row *row, struct checkpoint_head *out)
{
    struct varints in = { row->state, (const uint8_t *)row->state + row->state_size };
    uint64_t size;

    return head_get(&in, out, &size) ? SCRIP_OK : SCRIP_EIO;
}

/* The names of the sums, in an array that the caller frees; NULL: they are damaged. */
static const struct scrip_name **names_get(struct scrip *scrip, struct varints *in, uint64_t *count)
{
    const struct scrip_name **names;
    uint64_t size;

    if (!varint_get(in, count) || *count > (uint64_t)(in->end - in->at))
        return NULL;
    names = memory_get((*count + 1) * sizeof *names);
    names[0] = &names_none;
    for (uint64_t i = 1; i <= *count; i++) {
        if (!varint_get(in, &size) || size == 0 || size > (uint64_t)(in->end - in->at)) {
            free(names);
            return NULL;
        }
        names[i] = names_add(scrip->names, (const char *)in->at, size);
        in->at += size;
    }
    return names;
}

/* Calls for each row of one state's sums. */
static int sums_read(struct scrip *scrip, const struct scrip_name *account, const uint8_t *state, size_t state_size,
                     struct checkpoint_head *head, int (*row)(void *sink, const struct scrip_usage_row *row),
                     void *sink)
{
    struct varints in = { state, state + state_size };
    uint64_t size, name_count, count, place;
    const struct scrip_name **names;
    int code = SCRIP_OK;

    if (!head_get(&in, head, &size))
        return SCRIP_EIO;
    in.end = in.at + size;
    if ((names = names_get(scrip, &in, &name_count)) == NULL)
        return SCRIP_EIO;
    code = varint_get(&in, &count) ? SCRIP_OK : SCRIP_EIO;
    for (uint64_t i = 0; i < count && code >= 0; i++) {
        struct scrip_usage_row next = { .account = account };
        const struct scrip_name **members[] = { &next.product, &next.user, &next.service, &next.class_name,
                                                &next.currency };

        for (int k = 0; k < 5 && code >= 0; k++) {
            code = varint_get(&in, &place) && place <= name_count ? SCRIP_OK : SCRIP_EIO;
            *members[k] = names[code < 0 ? 0 : place];
        }
        if (code >= 0 && (!varint_get_signed(&in, &next.amount) || !varint_get_signed(&in, &next.charge_count)))
            code = SCRIP_EIO;
        if (code >= 0)
            code = row(sink, &next);
    }
    free(names);
    return code < 0 ? code : in.at == in.end ? SCRIP_OK : SCRIP_EIO;
}

static int state_copy(void *sink, const void *found)
{
    const struct scrip_checkpoint_row *row = found;

    bytes_add(sink, row->state, row->state_size);
    return 1;
}

int checkpoint_recorded(void *sink, uint64_t number, struct bytes *out, struct scrip_error *err)
{
    struct checkpoint_of *of = sink;
    const struct batch *batches[] = { of->scrip->open, of->scrip->sent };
    struct scrip_scan scan = { .table = SCRIP_TABLE_CHECKPOINTS, .account = of->account->text, .from_number = number,
                               .to_number = number, .from_period = INT64_MIN, .to_period = INT64_MAX,
                               .row = state_copy, .sink = out };
    int code;

    out->size = 0;
    for (size_t b = 0; b < 2 && batches[b] != NULL; b++)
        for (size_t i = 0; i < batches[b]->checkpoint_count; i++)
            if (batches[b]->checkpoints[i].account == of->account && batches[b]->checkpoints[i].number == number)
                return state_copy(out, &batches[b]->checkpoints[i]) < 0;
    code = host_scan(of->scrip, &scan, err);
    return code < 0 ? code : SCRIP_OK;
}

static int damaged(const struct scrip_name *account, uint64_t number, struct scrip_error *err)
{
    return error_set(err, SCRIP_EIO, "checkpoint %llu of '%s': it is missing or damaged: run verify",
                     (unsigned long long)number, account->text);
}

int checkpoint_usage(struct scrip *scrip, const struct scrip_name *account, uint64_t number,
                     int (*row)(void *sink, const struct scrip_usage_row *row), void *row_sink, int *is_placed,
                     struct scrip_error *err)
{
    struct checkpoint_of of = { scrip, account };
    struct checkpoint_head head;
    struct bytes state = { 0 };
    int code = SCRIP_OK;

    for (; number > 0 && code >= 0; number = checkpoint_parent(number)) {
        if ((code = checkpoint_recorded(&of, number, &state, err)) < 0)
            break;
        code = sums_read(scrip, account, state.start, state.size, &head, row, row_sink);
        *is_placed |= head.is_placed != 0;
        if (code == SCRIP_EIO)
            damaged(account, number, err);
    }
    free(state.start);
    return code < 0 ? code : SCRIP_OK;
}

/* ---- written -------------------------------------------------------------------------------------------------- */

static int row_sum(void *sink, const struct scrip_usage_row *row)
{
    usage_table_add(&((struct summing *)sink)->table, row);
    return SCRIP_OK;
}

/* What the account's block added: what is kept of it, behind what its rows say of events before that. */
static int block_sum(struct scrip *scrip, struct account *account, struct summing *s, struct scrip_error *err)
{
    uint64_t first = account->row.event_count - CHECKPOINT_EVENTS + 1;
    int is_placed = account->kept_placed, code = SCRIP_OK;

    if (account->kept_from >= first)
        code = notes_scan(scrip, account->row.name, first, account->kept_from, account_kind, account, note_sum, s,
                          &is_placed, err);
    if (code >= 0)
        code = notes_kept(scrip, account, note_sum, s);
    s->head.is_placed = is_placed;
    return code;
}

/* The checkpoints between this one and its parent. */
static int line_sum(struct scrip *scrip, const struct account *account, checkpoint_find *find, void *sink,
                    struct summing *s, struct scrip_error *err)
{
    uint64_t parent = checkpoint_parent(account->row.event_count), last = account->row.event_count - CHECKPOINT_EVENTS;
    struct checkpoint_head head;
    struct bytes state = { 0 };
    int code = SCRIP_OK;

    for (uint64_t number = last; number > 0 && code >= 0; number = checkpoint_parent(number)) {
        if (number <= parent && number != last)
            break;
        if ((code = find(sink, number, &state, err)) < 0)
            break;
        if (number > parent) {
            code = sums_read(scrip, account->row.name, state.start, state.size, &head, row_sum, s);
            s->head.is_placed |= head.is_placed;
        } else {
            const struct scrip_checkpoint_row row = { .state = state.start, .state_size = state.size };

            code = checkpoint_head_read(&row, &head);
        }
        if (code < 0)
            damaged(account->row.name, number, err);
        else if (number == last && (s->head.latest_us == SCRIP_TIME_NONE || head.latest_us > s->head.latest_us))
            s->head.latest_us = head.latest_us;
    }
    free(state.start);
    return code;
}

/* Names by the order in which they are first met. */
struct dictionary {
    const struct scrip_name **names;
    size_t count, room;
    uint32_t *slots; /* place */
    size_t slot_count;
};

static uint64_t place_of(struct dictionary *d, const struct scrip_name *name)
{
    size_t at = hash_mix(name->number, 3) & (d->slot_count - 1);

    if (name->number == 0)
        return 0;
    for (; d->slots[at] != 0; at = (at + 1) & (d->slot_count - 1))
        if (d->names[d->slots[at] - 1] == name)
            return d->slots[at];
    ARRAY_ROOM(d->names, d->count, d->room);
    d->names[d->count++] = name;
    return d->slots[at] = (uint32_t)d->count;
}

static void sums_write(const struct summing *s, struct bytes *out)
{
    struct bytes rows = { 0 }, sums = { 0 };
    struct dictionary d = { .slot_count = 16 };

    while (d.slot_count < s->table.count * 10)
        d.slot_count *= 2;
    d.slots = memory_get(d.slot_count * sizeof *d.slots);
    varint_add(&rows, s->table.count);
    for (size_t i = 0; i < s->table.count; i++) {
        const struct scrip_usage_row *row = &s->table.rows[i];

        varint_add(&rows, place_of(&d, row->product));
        varint_add(&rows, place_of(&d, row->user));
        varint_add(&rows, place_of(&d, row->service));
        varint_add(&rows, place_of(&d, row->class_name));
        varint_add(&rows, place_of(&d, row->currency));
        varint_add_signed(&rows, row->amount);
        varint_add_signed(&rows, row->charge_count);
    }
    varint_add(&sums, d.count);
    for (size_t i = 0; i < d.count; i++) {
        varint_add(&sums, d.names[i]->size);
        bytes_add(&sums, d.names[i]->text, d.names[i]->size);
    }
    varint_add_signed(out, s->head.latest_us);
    varint_add_signed(out, s->head.earliest_us);
    varint_add_signed(out, s->head.is_placed);
    varint_add(out, sums.size + rows.size);
    bytes_add(out, sums.start, sums.size);
    bytes_add(out, rows.start, rows.size);
    free(d.names);
    free(d.slots);
    free(sums.start);
    free(rows.start);
}

int checkpoint_usage_add(struct scrip *scrip, struct account *account, checkpoint_find *find, void *sink,
                         struct bytes *out, struct scrip_error *err)
{
    struct summing s = { .head = { SCRIP_TIME_NONE, SCRIP_TIME_NONE, 0 } };
    int code = block_sum(scrip, account, &s, err);

    if (code >= 0)
        code = line_sum(scrip, account, find, sink, &s, err);
    if (code >= 0)
        sums_write(&s, out);
    usage_table_free(&s.table);
    account->kept_notes.size = 0;
    account->kept_time_us = 0;
    account->kept_placed = 0;
    account->kept_from = account->row.event_count;
    return code < 0 ? code : SCRIP_OK;
}
