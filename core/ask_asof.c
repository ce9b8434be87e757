/* ask_asof.c - accounts as of an instant: from one checkpoint and the entries behind it. */
#include "ask.h"

#include "replay.h"

struct past {
    struct account *account;
    int64_t at_us;
    uint64_t until;      /* number of the last event that counts; 0: all */
    uint64_t checkpoint; /* the one that gives the balances; 0: none */
    struct {
        uint64_t from, to; /* entries of the blocks that hold something by then */
    } *ranges;
    size_t range_count, range_room;
    uint64_t above; /* entry count of the checkpoint above the one at hand; 0: the end */
    int64_t above_earliest_us;
};

static void range_add(struct past *past, uint64_t from, uint64_t to)
{
    ARRAY_ROOM(past->ranges, past->range_count, past->range_room);
    past->ranges[past->range_count].from = from;
    past->ranges[past->range_count++].to = to;
}

/* Checkpoints come newest first. The first one that is wholly past gives the balances; of the blocks after it, those
 * are read that hold anything by then. */
static int checkpoint_see(void *sink, const void *found)
{
    struct past *past = sink;
    const struct scrip_checkpoint_row *row = found;

    if (past->above == 0 || past->above_earliest_us <= past->at_us)
        range_add(past, row->entry_count + 1, past->above);
    past->above = row->entry_count;
    past->above_earliest_us = row->earliest_us;
    if (row->latest_us > past->at_us)
        return SCRIP_OK;
    past->checkpoint = row->number;
    return 1;
}

static int entry_see(void *sink, const void *found)
{
    struct past *past = sink;
    const struct scrip_entry_row *row = found;
    int64_t *balance;

    if (past->until && row->event > past->until)
        return 1;
    if (row->time_us > past->at_us || row->grant == 0 || row->grant > past->account->grant_count ||
        row->debit < 0 || row->debit >= SCRIP_BOOK_COUNT || row->credit < 0 || row->credit >= SCRIP_BOOK_COUNT)
        return SCRIP_OK;
    balance = past->account->grants[row->grant - 1]->row.balance;
    balance[row->credit] += row->credit == SCRIP_BOOK_ISSUED ? row->amount : -row->amount;
    balance[row->debit] += row->debit == SCRIP_BOOK_ISSUED ? -row->amount : row->amount;
    return SCRIP_OK;
}

/* The balances of an instant before the account's newest date: one checkpoint, and the entries since by their dates. */
static int account_rewind(struct scrip *scrip, struct account *account, int64_t at_us, uint64_t until,
                          struct scrip_error *err)
{
    struct past past = { .account = account, .at_us = at_us, .until = until };
    struct scrip_scan scan = { .table = SCRIP_TABLE_CHECKPOINTS,
                               .account = account->row.name->text,
                               .descending = 1,
                               .to_number = until,
                               .from_period = INT64_MIN,
                               .to_period = INT64_MAX,
                               .row = checkpoint_see,
                               .sink = &past };
    int code = host_scan(scrip, &scan, err);

    if (code >= 0 && past.checkpoint == 0 && (past.above == 0 || past.above_earliest_us <= at_us))
        range_add(&past, 1, past.above);
    if (code >= 0)
        code = checkpoint_load(scrip, account, past.checkpoint, 0, err);
    scan.table = SCRIP_TABLE_ENTRIES;
    scan.descending = 0;
    scan.row = entry_see;
    for (size_t i = 0; i < past.range_count && code >= 0; i++) {
        scan.from_number = past.ranges[i].from;
        scan.to_number = past.ranges[i].to;
        code = host_scan(scrip, &scan, err);
    }
    free(past.ranges);
    return code < 0 ? code : SCRIP_OK;
}

int account_after(struct scrip *scrip, struct account *account, uint64_t event, struct scrip_error *err)
{
    return account_rewind(scrip, account, INT64_MAX, event, err);
}

int grant_was_there(const struct grant *grant, int64_t at_us)
{
    for (int book = 0; book < SCRIP_BOOK_COUNT; book++)
        if (grant->row.balance[book] != 0)
            return 1;
    return (grant->row.unlimited ||
            (grant->rules && grant->rules->from == SCRIP_FROM_FIRST_USE && grant->rules->every[0])) &&
           (grant->row.created_us <= at_us || grant->row.effective_us <= at_us);
}

/* Takes entries dated after the instant off the balances as they are now. */
static int entry_unsee(void *sink, const void *found)
{
    struct past *past = sink;
    const struct scrip_entry_row *row = found;
    int64_t *balance;

    if (past->until && row->event > past->until)
        return 1;
    if (row->time_us <= past->at_us || row->grant == 0 || row->grant > past->account->grant_count)
        return SCRIP_OK;
    balance = past->account->grants[row->grant - 1]->row.balance;
    balance[row->credit] -= row->credit == SCRIP_BOOK_ISSUED ? row->amount : -row->amount;
    balance[row->debit] -= row->debit == SCRIP_BOOK_ISSUED ? -row->amount : row->amount;
    return SCRIP_OK;
}

/* The last checkpoint that is wholly past: all that is dated later stands behind it. */
struct wholly_past {
    int64_t at_us;
    uint64_t number, entry_count;
};

static int wholly_past(void *sink, const void *found)
{
    struct wholly_past *p = sink;
    const struct scrip_checkpoint_row *row = found;

    if (row->latest_us > p->at_us)
        return SCRIP_OK;
    p->number = row->number;
    p->entry_count = row->entry_count;
    return 1;
}

static int wholly_past_find(struct scrip *scrip, const struct account *account, uint64_t until, struct wholly_past *out,
                            struct scrip_error *err)
{
    struct scrip_scan scan = { .table = SCRIP_TABLE_CHECKPOINTS, .account = account->row.name->text, .descending = 1,
                               .to_number = until, .from_period = INT64_MIN, .to_period = INT64_MAX, .row = wholly_past,
                               .sink = out };
    int code = host_scan(scrip, &scan, err);

    return code < 0 ? code : SCRIP_OK;
}

/* What is dated later than the instant goes off balances that hold all of it. */
static int later_unsee(struct scrip *scrip, struct account *account, int64_t at_us, uint64_t until,
                       struct scrip_error *err)
{
    struct past past = { .account = account, .at_us = at_us, .until = until };
    struct wholly_past base = { .at_us = at_us };
    struct scrip_scan scan = { .table = SCRIP_TABLE_ENTRIES,
                               .account = account->row.name->text,
                               .from_period = INT64_MIN,
                               .to_period = INT64_MAX,
                               .row = entry_unsee,
                               .sink = &past };
    int code = wholly_past_find(scrip, account, until, &base, err);

    scan.from_number = base.entry_count + 1;
    code = code < 0 ? code : host_scan(scrip, &scan, err);
    return code < 0 ? code : SCRIP_OK;
}

/* The instant is behind the account's clock, but some entries are dated later: what falls due by then, without those.
 */
static int account_forward(struct scrip *scrip, struct account *account, int64_t at_us, struct scrip_error *err)
{
    int code = services_run(scrip, account, at_us, err);

    if (code < 0)
        return code;
    engine_timers(&scrip->engine, account, at_us);
    return at_us >= account->row.latest_us ? SCRIP_OK : later_unsee(scrip, account, at_us, 0, err);
}

/* ---- as it was known ------------------------------------------------------------------------------------------ */

/* 1: what is stored of a grant beside its balances is what it was after event `last`. */
static int is_as_then(const struct grant *grant, uint64_t last)
{
    if (grant->rules && grant->rules->every[0]) /* its next period */
        return 0;
    return grant->row.changed <= last || !grant_dates_change(grant);
}

static int grants_are_as_then(const struct account *account, uint64_t last)
{
    for (size_t i = 0; i < account->grant_count; i++)
        if (!is_as_then(account->grants[i], last))
            return 0;
    return 1;
}

static int event_later(void *sink, const void *found)
{
    struct past *past = sink;

    past->checkpoint = ((const struct scrip_event_row *)found)->time_us > past->at_us;
    return past->checkpoint != 0;
}

/* 1: by event `last` the account's clock had come past the instant; 0: it had not; else the fault. */
static int was_past(struct scrip *scrip, const struct account *account, int64_t at_us, uint64_t last,
                    struct scrip_error *err)
{
    struct past past = { .at_us = at_us };
    struct wholly_past base = { .at_us = at_us };
    struct scrip_scan scan = { .table = SCRIP_TABLE_EVENTS,
                               .account = account->row.name->text,
                               .descending = 1,
                               .to_number = last,
                               .from_period = INT64_MIN,
                               .to_period = INT64_MAX,
                               .row = event_later,
                               .sink = &past };
    int code = wholly_past_find(scrip, account, last, &base, err);

    scan.from_number = base.number + 1;
    if (code == SCRIP_OK && base.number < last)
        code = host_scan(scrip, &scan, err);
    return code < 0 ? code : (int)past.checkpoint;
}

/* Balances after event `last`, then what falls due by the instant, without what is dated later. */
static int known_forward(struct scrip *scrip, struct account *account, int64_t at_us, uint64_t last,
                         struct scrip_error *err)
{
    int code = account_rewind(scrip, account, INT64_MAX, last, err);

    if (code < 0)
        return code;
    /* What was due before the last event has been: it finds nothing left to be done. */
    account->row.clock_us = SCRIP_TIME_MIN;
    account->row.clock_rank = 0;
    account_restart(account);
    engine_timers(&scrip->engine, account, at_us);
    return later_unsee(scrip, account, at_us, last, err);
}

/* The events up to the last that was known, replayed: of an account whose holds, debts or periods were then others. */
static int known_replay(struct scrip *scrip, const char *name, int64_t at_us, uint64_t last, struct account **out,
                        struct scrip_error *err)
{
    struct past past = { .at_us = at_us };
    struct replay replay;
    int code, is_ahead;

    replay_open(&replay, scrip, err);
    replay.until = last;
    code = replay_account(&replay, names_add(scrip->names, name, strlen(name)));
    if (code == SCRIP_OK && replay.is_broken)
        code = error_set(err, SCRIP_EIO, "account '%s': its events are damaged: run verify", name);
    if (code == SCRIP_OK) {
        *out = past.account = replay.account;
        replay.account = NULL;
        is_ahead = at_us >= past.account->row.clock_us;
        if (is_ahead)
            engine_timers(&scrip->engine, past.account, at_us);
        for (size_t i = 0; i < past.account->grant_count && !is_ahead; i++)
            memset(past.account->grants[i]->row.balance, 0, sizeof past.account->grants[i]->row.balance);
        for (size_t i = 0; i < replay.entry_count; i++)
            (is_ahead ? entry_unsee : entry_see)(&past, &replay.entries[i]);
    }
    replay_close(&replay);
    return code;
}

/* The account after event `last`, from a checkpoint up to `from` and the events behind it. NULL in *out: there is none that tells
 * enough, or an event behind it was put in its place before it; *from is what to try then, 0: nothing. */
static int replayed_from(struct scrip *scrip, const char *name, uint64_t *from, uint64_t last, struct account **out,
                         struct scrip_error *err)
{
    struct account *account;
    struct replay replay;
    uint64_t base = 0;
    int code = checkpoint_account(scrip, name, *from, &account, err);

    *out = NULL;
    *from = 0;
    if (code < 0 || account == NULL)
        return code;
    base = account->row.event_count;
    replay_open(&replay, scrip, err);
    replay.until = last;
    code = replay_behind(&replay, account);
    if (code == SCRIP_OK && replay.is_broken)
        *from = base - 1;
    else if (code == SCRIP_OK) {
        *out = replay.account;
        replay.account = NULL;
    }
    replay_close(&replay);
    return code;
}

/* The same as known_replay from the last checkpoint that will do. NULL in *out: none of the last few does. */
static int known_behind(struct scrip *scrip, const char *name, int64_t at_us, uint64_t last, struct account **out,
                        struct scrip_error *err)
{
    uint64_t from = last;
    int code = SCRIP_OK;

    *out = NULL;
    for (int tries = 0; tries < 4 && from > 0 && *out == NULL && code == SCRIP_OK; tries++)
        code = replayed_from(scrip, name, &from, last, out, err);
    if (code < 0 || *out == NULL)
        return code;
    if (at_us < (*out)->row.clock_us)
        return account_rewind(scrip, *out, at_us, last, err);
    engine_timers(&scrip->engine, *out, at_us);
    return later_unsee(scrip, *out, at_us, last, err);
}

/* From what had been recorded by then. */
static int account_known(struct scrip *scrip, const char *name, int64_t at_us, int64_t known_at_us,
                         struct account **out, struct scrip_error *err)
{
    uint64_t last;
    int code = recorded_until(scrip, name, known_at_us, &last, err), is_past;

    *out = NULL;
    if (code < 0 || last == 0 || (code = account_copy_grants(scrip, name, last, out, err)) < 0 || *out == NULL)
        return code;
    account_settle(*out);
    is_past = was_past(scrip, *out, at_us, last, err);
    if (is_past >= 0 && (!grants_are_as_then(*out, last) || (!is_past && (*out)->row.claim_count > 0))) {
        account_free(*out);
        code = known_behind(scrip, name, at_us, last, out, err);
        return code < 0 || *out != NULL ? code : known_replay(scrip, name, at_us, last, out, err);
    }
    if (is_past < 0)
        code = is_past;
    else
        code = is_past ? account_rewind(scrip, *out, at_us, last, err) : known_forward(scrip, *out, at_us, last, err);
    return code;
}

int account_as_of(struct scrip *scrip, const char *name, int64_t at_us, int64_t known_at_us, struct account **out,
                  struct scrip_error *err)
{
    int code;

    if (known_at_us != 0)
        code = account_known(scrip, name, at_us, known_at_us, out, err);
    else if ((code = account_copy(scrip, name, out, err)) == SCRIP_OK && *out != NULL)
        code = at_us < (*out)->row.clock_us ? account_rewind(scrip, *out, at_us, 0, err)
                                            : account_forward(scrip, *out, at_us, err);
    if (code < 0 && *out != NULL) {
        account_free(*out);
        *out = NULL;
    }
    return code;
}
