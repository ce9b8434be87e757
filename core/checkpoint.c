/* checkpoint.c - an account as it was every CHECKPOINT_EVENTS events: the balances of its grants.
 *
 * Checkpoint k holds what changed since checkpoint k less its lowest bit, its parent:
 *
 *     1 -> 0    2 -> 0    3 -> 2    4 -> 0    5 -> 4    6 -> 4    7 -> 6    8 -> 0 ...
 *
 * So a change is written once for each bit of k at most, grants that nothing happens to cost nothing, and the balances
 * of an instant are in a checkpoint and its line of parents, of which there are no more than bits in k: of each grant,
 * the first that holds it says its balances.
 *
 *     state:  what was used (checkpoint_usage.c), its grants, the rest of its books (checkpoint_books.c)
 *     grants: count, then by number: number less the one before; which balances are not 0 (a bit a book), and in the
 *             bit behind whether its dates are here; those balances; when it expires and recurs
 *
 * All as numbers of varint.h. */
#include "checkpoint.h"

#include "varint.h"

/* ---- written -------------------------------------------------------------------------------------------------- */

static int by_number(const void *left, const void *right)
{
    const struct grant *a = *(struct grant *const *)left, *b = *(struct grant *const *)right;

    return (a->row.number > b->row.number) - (a->row.number < b->row.number);
}

static void grant_add(struct bytes *out, const struct grant *grant, uint64_t before)
{
    uint64_t books = 0;

    for (int book = 0; book < SCRIP_BOOK_COUNT; book++)
        books |= (uint64_t)(grant->row.balance[book] != 0) << book;
    books |= (uint64_t)grant_dates_change(grant) << SCRIP_BOOK_COUNT;
    varint_add(out, grant->row.number - before);
    varint_add(out, books);
    for (int book = 0; book < SCRIP_BOOK_COUNT; book++)
        if (books >> book & 1)
            varint_add_signed(out, grant->row.balance[book]);
    if (books >> SCRIP_BOOK_COUNT) {
        varint_add_signed(out, grant->row.expires_us);
        varint_add_signed(out, grant->row.next_us);
    }
}

/* Those that changed behind the parent, by number: sorted where they are few, picked from all where they are many. */
static struct grant **changed_since(const struct account *account, uint64_t parent, size_t *count)
{
    struct grant **changed = NULL;
    size_t n = 0, room = 0, few = account->grant_count / 8;

    for (struct grant *g = account->changed_last; g != NULL && g->row.changed > parent && n <= few; g = g->earlier) {
        ARRAY_ROOM(changed, n, room);
        changed[n++] = g;
    }
    if (n <= few) {
        if (n > 1)
            qsort(changed, n, sizeof *changed, by_number);
        *count = n;
        return changed;
    }
    n = 0;
    for (size_t i = 0; i < account->grant_count; i++)
        if (account->grants[i]->row.changed > parent) {
            ARRAY_ROOM(changed, n, room);
            changed[n++] = account->grants[i];
        }
    *count = n;
    return changed;
}

static void grants_add(struct bytes *out, const struct account *account)
{
    uint64_t before = 0;
    size_t count;
    struct grant **changed = changed_since(account, checkpoint_parent(account->row.event_count), &count);

    varint_add(out, count);
    for (size_t i = 0; i < count; i++) {
        grant_add(out, changed[i], before);
        before = changed[i]->row.number;
    }
    free(changed);
}

int checkpoint_make(struct scrip *scrip, struct account *account, checkpoint_find *find, void *sink, struct bytes *out,
                    struct scrip_error *err)
{
    int code = checkpoint_usage_add(scrip, account, find, sink, out, err);

    if (code < 0)
        return code;
    grants_add(out, account);
    checkpoint_books_add(account, out);
    return SCRIP_OK;
}

/* ---- read ----------------------------------------------------------------------------------------------------- */

struct reading {
    struct account *account;
    uint8_t *is_known; /* by number - 1: its balances are set */
    int with_dates;
    struct varints in;
    int is_read;
};

static int grant_get(struct reading *r, uint64_t *number)
{
    int64_t *balance, ignored[SCRIP_BOOK_COUNT], expires_us, next_us;
    struct scrip_grant_row *row;
    uint64_t more, books;
    int is_first;

    if (!varint_get(&r->in, &more) || !varint_get(&r->in, &books) || more == 0 ||
        more > r->account->grant_count - *number || books >> (SCRIP_BOOK_COUNT + 1))
        return 0;
    *number += more;
    row = &r->account->grants[*number - 1]->row;
    is_first = !r->is_known[*number - 1];
    balance = is_first ? row->balance : ignored;
    r->is_known[*number - 1] = 1;
    for (int book = 0; book < SCRIP_BOOK_COUNT; book++) {
        balance[book] = 0;
        if ((books >> book & 1) && !varint_get_signed(&r->in, &balance[book]))
            return 0;
    }
    if (books >> SCRIP_BOOK_COUNT == 0)
        return 1;
    if (!varint_get_signed(&r->in, &expires_us) || !varint_get_signed(&r->in, &next_us))
        return 0;
    if (is_first && r->with_dates) {
        row->expires_us = expires_us;
        row->next_us = next_us;
    }
    return 1;
}

int checkpoint_grants_skip(struct varints *in)
{
    uint64_t count, number, books;

    if (!varint_get(in, &count))
        return 0;
    for (; count > 0; count--) {
        if (!varint_get(in, &number) || !varint_get(in, &books) || books >> (SCRIP_BOOK_COUNT + 1))
            return 0;
        for (int value = __builtin_popcountll(books) + (int)(books >> SCRIP_BOOK_COUNT); value > 0; value--)
            if (!varint_get(in, &number))
                return 0;
    }
    return 1;
}

static int state_read(void *sink, const void *found)
{
    const struct scrip_checkpoint_row *row = found;
    struct reading *r = sink;
    uint64_t count, number = 0, size;

    r->in = (struct varints){ row->state, (const uint8_t *)row->state + row->state_size };
    if (!checkpoint_usage_skip(&r->in) || !varint_get(&r->in, &count))
        return 1;
    while (count > 0 && grant_get(r, &number))
        count--;
    r->is_read = count == 0 && varint_get(&r->in, &size) && size == (uint64_t)(r->in.end - r->in.at);
    return 1;
}

int checkpoint_load(struct scrip *scrip, struct account *account, uint64_t number, int with_dates,
                    struct scrip_error *err)
{
    struct reading reading = { .account = account,
                               .is_known = memory_get(account->grant_count + 1),
                               .with_dates = with_dates };
    struct scrip_scan scan = { .table = SCRIP_TABLE_CHECKPOINTS,
                               .account = account->row.name->text,
                               .from_period = INT64_MIN,
                               .to_period = INT64_MAX,
                               .row = state_read,
                               .sink = &reading };
    int code = SCRIP_OK;

    for (size_t i = 0; i < account->grant_count; i++)
        memset(account->grants[i]->row.balance, 0, sizeof account->grants[i]->row.balance);
    for (; number > 0 && code >= 0; number = checkpoint_parent(number)) {
        reading.is_read = 0;
        scan.from_number = scan.to_number = number;
        code = host_scan(scrip, &scan, err);
        if (code >= 0 && !reading.is_read)
            code = error_set(err, SCRIP_EIO, "checkpoint %llu of '%s': it is missing or damaged: run verify",
                             (unsigned long long)number, account->row.name->text);
    }
    free(reading.is_known);
    return code < 0 ? code : SCRIP_OK;
}
