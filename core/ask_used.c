/* ask_used.c - what one account used in a range of time, as its first events tell it: from a checkpoint's sums and the
 * events behind it.
 *
 * What was used before an instant is in the last checkpoint that holds nothing later, and in those blocks behind it
 * that hold anything earlier; a range is the difference of two instants. */
#include "ask.h"

#include "calendar.h"
#include "notes.h"

struct block {
    uint64_t first, last; /* events */
};

struct used {
    struct scrip *scrip;
    const struct scrip_name *account;
    uint64_t until;
    int64_t from_us, to_us;
    int is_by_day, sign;
    struct usage_table *out;
    int is_placed;
    /* Of the instant at hand: */
    uint64_t base; /* checkpoint */
    struct block *blocks;
    size_t block_count, block_room;
    uint64_t above; /* last event of the block over the checkpoint at hand */
    int64_t above_earliest_us;
    /* Grants that were looked up: */
    struct grant_kind *kinds;
    uint64_t grant_count;
    struct scrip_error *err;
};

/* ---- which blocks --------------------------------------------------------------------------------------------- */

static void block_add(struct used *u, uint64_t first)
{
    if (first > u->above || u->above_earliest_us >= u->to_us)
        return;
    ARRAY_ROOM(u->blocks, u->block_count, u->block_room);
    u->blocks[u->block_count++] = (struct block){ first, u->above };
}

/* Newest first. Of sums the first that has nothing from the end on is the base; by day there is none, and blocks are
 * read as far down as anything is in the range. */
static int checkpoint_see(void *sink, const void *found)
{
    const struct scrip_checkpoint_row *row = found;
    struct checkpoint_head head;
    struct used *u = sink;

    if (checkpoint_head_read(row, &head) < 0)
        return error_set(u->err, SCRIP_EIO, "checkpoint %llu of '%s': it is damaged: run verify",
                         (unsigned long long)row->number, u->account->text);
    block_add(u, row->number + 1);
    u->above = row->number;
    u->above_earliest_us = head.earliest_us == SCRIP_TIME_NONE ? INT64_MAX : head.earliest_us;
    u->is_placed |= head.is_placed != 0;
    if (head.latest_us != SCRIP_TIME_NONE && head.latest_us >= (u->is_by_day ? u->from_us : u->to_us))
        return SCRIP_OK;
    u->base = row->number;
    return 1;
}

static int blocks_find(struct used *u)
{
    struct scrip_scan scan = { .table = SCRIP_TABLE_CHECKPOINTS, .account = u->account->text, .descending = 1,
                               .to_number = u->until, .from_period = INT64_MIN, .to_period = INT64_MAX,
                               .row = checkpoint_see, .sink = u };
    int code;

    u->base = u->block_count = 0;
    u->above = u->until;
    u->above_earliest_us = INT64_MIN;
    code = host_scan(u->scrip, &scan, u->err);
    if (code >= 0 && u->base == 0)
        block_add(u, 1);
    return code < 0 ? code : SCRIP_OK;
}

/* ---- what is in them ------------------------------------------------------------------------------------------ */

static int kind_row(void *sink, const void *found)
{
    struct grant_kind *kind = sink;
    const struct scrip_grant_row *row = found;
    struct grant_rules *rules = row->rules_size ? grant_rules_read(row->rules, row->rules_size) : NULL;

    kind->class_name = row->class_name;
    kind->unit = rules ? rules->unit : 1;
    free(rules);
    return 1;
}

static int kind_find(void *sink, uint64_t grant, struct grant_kind *out)
{
    struct used *u = sink;
    struct scrip_scan scan = { .table = SCRIP_TABLE_GRANTS, .account = u->account->text, .from_number = grant,
                               .to_number = grant, .from_period = INT64_MIN, .to_period = INT64_MAX, .row = kind_row };

    if (grant == 0 || grant > u->grant_count)
        return 0;
    if (u->kinds == NULL)
        u->kinds = memory_get(u->grant_count * sizeof *u->kinds);
    scan.sink = &u->kinds[grant - 1];
    if (u->kinds[grant - 1].class_name == NULL &&
        (host_scan(u->scrip, &scan, u->err) < 0 || u->kinds[grant - 1].class_name == NULL))
        return 0;
    *out = u->kinds[grant - 1];
    return 1;
}

static int row_add(void *sink, const struct scrip_usage_row *found)
{
    struct used *u = sink;
    struct scrip_usage_row row = *found;

    row.amount *= u->sign;
    row.charge_count *= u->sign;
    usage_table_add(u->out, &row);
    return SCRIP_OK;
}

static int note_add(void *sink, const struct usage_note *note)
{
    struct used *u = sink;
    struct scrip_usage_row row = note->row;

    row.period = u->is_by_day ? day_of(note->time_us) : 0;
    return note->time_us < u->to_us && (!u->is_by_day || note->time_us >= u->from_us) ? row_add(u, &row) : SCRIP_OK;
}

static int blocks_read(struct used *u)
{
    int code = SCRIP_OK;

    for (size_t i = u->block_count; i-- > 0 && code >= 0;)
        code = notes_scan(u->scrip, u->account, u->blocks[i].first, u->blocks[i].last, kind_find, u, note_add, u,
                          &u->is_placed, u->err);
    return code;
}

/* All that was used before the end of the range, counted by the sign. */
static int before_add(struct used *u)
{
    int code = blocks_find(u);

    if (code >= 0)
        code = checkpoint_usage(u->scrip, u->account, u->base, row_add, u, &u->is_placed, u->err);
    return code < 0 ? code : blocks_read(u);
}

/* What came before the range and went off again is not in it. */
static void nothings_drop(struct usage_table *table)
{
    size_t kept = 0;

    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i].amount != 0 || table->rows[i].charge_count != 0)
            table->rows[kept++] = table->rows[i];
    table->count = kept;
}

int used_sum(struct scrip *scrip, const struct scrip_account_row *account, const struct used_range *range,
             struct usage_table *out, int *is_placed, struct scrip_error *err)
{
    struct used u = { .scrip = scrip,
                      .account = account->name,
                      .until = range->until ? range->until : account->event_count,
                      .from_us = range->from_us,
                      .to_us = range->to_us,
                      .is_by_day = range->is_by_day,
                      .sign = 1,
                      .out = out,
                      .grant_count = account->grant_count,
                      .err = err };
    int code;

    if (u.is_by_day) {
        if ((code = blocks_find(&u)) >= 0)
            code = blocks_read(&u);
    } else {
        code = before_add(&u);
        if (code >= 0 && u.from_us != INT64_MIN) {
            u.to_us = u.from_us;
            u.sign = -1;
            code = before_add(&u);
            nothings_drop(out);
        }
    }
    *is_placed = u.is_placed;
    free(u.blocks);
    free(u.kinds);
    return code < 0 ? code : SCRIP_OK;
}
