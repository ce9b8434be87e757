/* checkpoint_books.c - what else there is to an account at a checkpoint: its clock, what is still to be settled, and
 * its limits. With this and its grants (checkpoint.c) the account is made as it was then, and the events behind it can
 * be applied.
 *
 * Holds and debts that are open may be many. All of them are written where that is little beside the events since they
 * were written last: in every checkpoint where there are no more than BOOKS_WEIGHT, else in every second, or fourth ...
 *
 *     books: size, 0: not here; clock (time, rank, event), end of the last closed period, its own data, count of all
 *            claims; count of open claims, each; count of limits, each */
#include "checkpoint.h"

#include "varint.h"

#define BOOKS_WEIGHT 128

/* ---- written -------------------------------------------------------------------------------------------------- */

static void text_add(struct bytes *out, const void *text, size_t size)
{
    varint_add(out, size);
    bytes_add(out, text, size);
}

/* Those that were closed leave. */
static void open_holds_sweep(struct account *account)
{
    size_t kept = 0;

    for (size_t i = 0; i < account->open_hold_count; i++)
        if (account->open_holds[i]->row.stage == SCRIP_CLAIM_OPEN)
            account->open_holds[kept++] = account->open_holds[i];
        else
            account->open_holds[i]->in_open = 0;
    account->open_hold_count = kept;
}

static size_t weight_of(const struct account *account)
{
    size_t weight = account->open_hold_count;

    for (size_t i = 0; i < account->purse_count; i++)
        weight += account->purses[i]->debt_count;
    for (size_t i = 0; i < account->limit_count; i++)
        weight += 1 + account->limits[i]->window_count / 4;
    return weight;
}

static int by_number(const void *left, const void *right)
{
    const struct claim *a = *(struct claim *const *)left, *b = *(struct claim *const *)right;

    return (a->row.number > b->row.number) - (a->row.number < b->row.number);
}

static void claim_add(struct bytes *out, struct claim *claim)
{
    const struct scrip_claim_row *row = &claim->row;

    claim_pack(claim);
    varint_add(out, row->number);
    varint_add_signed(out, row->kind);
    varint_add(out, row->event);
    varint_add(out, row->line);
    varint_add(out, row->terms);
    varint_add_signed(out, row->amount);
    varint_add_signed(out, row->expires_us);
    text_add(out, row->id, row->id_size);
    text_add(out, row->group, row->group_size);
    text_add(out, row->draws, row->draws_size);
}

static void claims_add(struct bytes *out, const struct account *account)
{
    struct claim **open = NULL;
    size_t count = 0, room = 0;

    for (size_t i = 0; i < account->open_hold_count; i++) {
        ARRAY_ROOM(open, count, room);
        open[count++] = account->open_holds[i];
    }
    for (size_t i = 0; i < account->purse_count; i++)
        for (size_t k = 0; k < account->purses[i]->debt_count; k++) {
            ARRAY_ROOM(open, count, room);
            open[count++] = account->purses[i]->debts[k];
        }
    if (count > 1)
        qsort(open, count, sizeof *open, by_number);
    varint_add(out, count);
    for (size_t i = 0; i < count; i++)
        claim_add(out, open[i]);
    free(open);
}

static void limit_add(struct bytes *out, struct limit *limit)
{
    const struct scrip_limit_row *row = &limit->row;

    limit_pack(limit);
    varint_add(out, row->number);
    varint_add(out, row->event);
    varint_add(out, row->terms);
    varint_add_signed(out, row->amount);
    varint_add_signed(out, row->anchor_us);
    varint_add_signed(out, row->expires_us);
    text_add(out, row->id, row->id_size);
    text_add(out, row->per, row->per_size);
    text_add(out, row->scope, row->scope_size);
    text_add(out, row->windows, row->windows_size);
}

void checkpoint_books_add(struct account *account, struct bytes *out)
{
    const struct scrip_account_row *row = &account->row;
    uint64_t index = row->event_count / CHECKPOINT_EVENTS;
    struct bytes books = { 0 };

    open_holds_sweep(account);
    if (weight_of(account) > BOOKS_WEIGHT * (index & (0 - index))) {
        varint_add(out, 0);
        return;
    }
    varint_add_signed(&books, row->clock_us);
    varint_add_signed(&books, row->clock_rank);
    varint_add(&books, row->clock_event);
    varint_add_signed(&books, row->closed_us);
    text_add(&books, row->data, row->data_size);
    varint_add(&books, row->claim_count);
    claims_add(&books, account);
    varint_add(&books, account->limit_count);
    for (size_t i = 0; i < account->limit_count; i++)
        limit_add(&books, account->limits[i]);
    text_add(out, books.start, books.size);
    free(books.start);
}

/* ---- read ----------------------------------------------------------------------------------------------------- */

static int text_get(struct varints *in, const void *text, uint64_t *size)
{
    if (!varint_get(in, size) || *size > (uint64_t)(in->end - in->at))
        return 0;
    *(const void **)text = in->at;
    in->at += *size;
    return 1;
}

/* The last checkpoint up to an event that has its books. */
struct finding {
    struct scrip_checkpoint_row row;
    struct bytes books;
};

static int books_find(void *sink, const void *found)
{
    const struct scrip_checkpoint_row *row = found;
    struct finding *finding = sink;
    struct varints in = { row->state, (const uint8_t *)row->state + row->state_size };
    const uint8_t *books;
    uint64_t size;

    if (!checkpoint_usage_skip(&in) || !checkpoint_grants_skip(&in) || !text_get(&in, &books, &size) || size == 0)
        return SCRIP_OK; /* an older one, or all events, will do */
    finding->row = *row;
    bytes_add(&finding->books, books, size);
    return 1;
}

static int claim_get(struct scrip *scrip, struct account *account, struct varints *in, struct scrip_error *err)
{
    struct scrip_claim_row row = { .stage = SCRIP_CLAIM_OPEN, .account = account->row.name };

    return varint_get(in, &row.number) && varint_get_signed(in, &row.kind) && varint_get(in, &row.event) &&
           varint_get(in, &row.line) && varint_get(in, &row.terms) && varint_get_signed(in, &row.amount) &&
           varint_get_signed(in, &row.expires_us) && text_get(in, &row.id, &row.id_size) &&
           text_get(in, &row.group, &row.group_size) && text_get(in, &row.draws, &row.draws_size) &&
           account_claim_take(scrip, account, &row, err) == SCRIP_OK;
}

static int limit_get(struct scrip *scrip, struct account *account, struct varints *in)
{
    struct scrip_limit_row row = { .account = account->row.name };
    const struct terms *terms;

    if (!varint_get(in, &row.number) || !varint_get(in, &row.event) || !varint_get(in, &row.terms) ||
        !varint_get_signed(in, &row.amount) || !varint_get_signed(in, &row.anchor_us) ||
        !varint_get_signed(in, &row.expires_us) || !text_get(in, &row.id, &row.id_size) ||
        !text_get(in, &row.per, &row.per_size) || !text_get(in, &row.scope, &row.scope_size) ||
        !text_get(in, &row.windows, &row.windows_size) || (terms = prices_terms_at(scrip->prices, row.terms)) == NULL)
        return 0;
    account_limit_add(account, &row, terms);
    return 1;
}

static int books_read(struct scrip *scrip, struct account *account, const struct finding *finding,
                      struct scrip_error *err)
{
    struct varints in = { finding->books.start, finding->books.start + finding->books.size };
    struct scrip_account_row *row = &account->row;
    const char *data;
    uint64_t size, count;

    row->event_count = finding->row.number;
    row->entry_count = finding->row.entry_count;
    row->grant_count = account->grant_count;
    row->latest_us = finding->row.latest_us;
    memcpy(row->head, finding->row.head, sizeof row->head);
    if (!varint_get_signed(&in, &row->clock_us) || !varint_get_signed(&in, &row->clock_rank) ||
        !varint_get(&in, &row->clock_event) || !varint_get_signed(&in, &row->closed_us) ||
        !text_get(&in, &data, &size) || !varint_get(&in, &row->claim_count))
        return 0;
    free((char *)row->data);
    row->data = size ? memory_text_part(data, size) : NULL;
    row->data_size = size;
    account_data_read(account);
    if (!varint_get(&in, &count))
        return 0;
    for (; count > 0; count--)
        if (!claim_get(scrip, account, &in, err))
            return 0;
    if (!varint_get(&in, &count))
        return 0;
    row->limit_count = count;
    for (; count > 0; count--)
        if (!limit_get(scrip, account, &in))
            return 0;
    return in.at == in.end;
}

int checkpoint_account(struct scrip *scrip, const char *name, uint64_t last, struct account **out,
                       struct scrip_error *err)
{
    struct finding finding = { 0 };
    struct scrip_scan scan = { .table = SCRIP_TABLE_CHECKPOINTS, .account = name, .descending = 1, .to_number = last,
                               .from_period = INT64_MIN, .to_period = INT64_MAX, .row = books_find, .sink = &finding };
    int code = host_scan(scrip, &scan, err);

    *out = NULL;
    if (code >= 0 && finding.row.number != 0)
        code = account_copy_grants(scrip, name, finding.row.number, out, err);
    if (code >= 0 && *out != NULL) {
        code = checkpoint_load(scrip, *out, finding.row.number, 1, err);
        if (code >= 0 && !books_read(scrip, *out, &finding, err))
            code = error_set(err, SCRIP_EIO, "checkpoint %llu of '%s': it is damaged: run verify",
                             (unsigned long long)finding.row.number, name);
        if (code >= 0)
            code = account_claims_start(scrip, *out, err);
        account_settle(*out);
    }
    free(finding.books.start);
    if (code < 0 && *out != NULL) {
        account_free(*out);
        *out = NULL;
    }
    return code < 0 ? code : SCRIP_OK;
}
