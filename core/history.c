/* history.c - what was recorded of an account before: events and entries, in the store and in batches on their way to
 * it. */
#include "late.h"

#include <inttypes.h>

/* ---- one event ------------------------------------------------------------------------------------------------ */

struct finding {
    uint64_t number;
    int (*row)(void *sink, const struct scrip_event_row *row);
    void *sink;
    int code;
    int is_found;
};

static int finding_row(void *sink, const void *row)
{
    struct finding *finding = sink;

    finding->is_found = 1;
    finding->code = finding->row(finding->sink, row);
    return finding->code;
}

int history_event(struct scrip *scrip, const struct scrip_name *account, uint64_t number,
                  int (*row)(void *sink, const struct scrip_event_row *row), void *sink, struct scrip_error *err)
{
    const struct batch *batches[] = { scrip->open, scrip->sent };
    struct finding finding = { .number = number, .row = row, .sink = sink };
    struct scrip_scan scan = { .table = SCRIP_TABLE_EVENTS,
                               .account = account->text,
                               .from_number = number,
                               .to_number = number,
                               .from_period = INT64_MIN,
                               .to_period = INT64_MAX,
                               .row = finding_row,
                               .sink = &finding };
    int code;

    for (size_t b = 0; b < 2 && batches[b] != NULL; b++)
        for (size_t i = 0; i < batches[b]->event_count; i++)
            if (batches[b]->events[i].account == account && batches[b]->events[i].number == number)
                return row(sink, &batches[b]->events[i]);
    code = host_scan(scrip, &scan, err);
    if (code < 0 || finding.is_found)
        return code;
    return error_set(err, SCRIP_ENOTFOUND, "event %" PRIu64 " of '%s': the store does not have it: run verify", number,
                     account->text);
}

/* ---- the draws of one charge ---------------------------------------------------------------------------------- */

/* One charge being put together. */
struct putting {
    struct scrip *scrip;
    struct account *account;
    struct charge *charge;
    struct arena *arena;
    struct quote *quote;   /* of the charge */
    struct quote *rerated; /* its last new price, whose lines count from SCRIP_LINE_LIMIT on; count 0: none */
    size_t room;
    int is_of_others; /* 1: entries of other events are read, that are part of the charge */
    uint64_t before; /* entries from this number on are read from batches, not from the store */
    const struct scrip_event_row *(*row_of)(void *sink, uint64_t number); /* NULL: history_event */
    void *sink;
    uint64_t recorded;  /* events from here on are not recorded yet */
    uint64_t anew_seen; /* the last event that was looked at for a new price */
    uint64_t rerated_seen; /* the same of lines from SCRIP_LINE_LIMIT on */
    struct scrip_error *err;
    int code;
};

static const struct rate *line_rate(const struct putting *p, uint64_t line, struct charge_draw *draw)
{
    const struct quote *quote = line < SCRIP_LINE_LIMIT ? p->quote : p->rerated;
    uint64_t at = line % SCRIP_LINE_LIMIT;

    if (quote == NULL || at >= quote->count)
        return NULL;
    draw->time_us = quote->lines[at].time_us;
    draw->of = p->charge->of;
    if (quote->lines[at].item > 0 && quote->lines[at].item <= p->quote->item_count)
        draw->of = &p->quote->items[quote->lines[at].item - 1];
    return quote->lines[at].rate;
}

/* Settled debts and reversals have these lines, too, and no price. */
static int rerated_row(void *sink, const struct scrip_event_row *row)
{
    struct putting *p = sink;
    struct event event;
    int code;

    if (row->type != SCRIP_RERATE)
        return SCRIP_OK;
    code = event_from_row(row, &event, p->arena, p->err);
    if (p->rerated == NULL)
        p->rerated = arena_get(p->arena, sizeof *p->rerated);
    if (code == SCRIP_OK)
        code = quote_from_row(row, &event, p->scrip->prices, p->scrip->names, p->arena, &p->scrip->scratch, p->rerated,
                              p->err);
    return code;
}

static int putting_row(struct putting *p, uint64_t number, int (*row)(void *sink, const struct scrip_event_row *row),
                       void *sink)
{
    const struct scrip_event_row *found;

    if (p->row_of == NULL)
        return history_event(p->scrip, p->account->row.name, number, row, sink, p->err);
    found = p->row_of(p->sink, number);
    return found ? row(sink, found) : error_set(p->err, SCRIP_ENOTFOUND, "event %" PRIu64 ": is not there", number);
}

/* A late event may have priced the charge anew. */
static int anew_row(void *sink, const struct scrip_event_row *row)
{
    struct putting *p = sink;
    struct scrip_event_row priced = { .account = row->account };

    p->charge->is_anew |= (row->flags & EVENT_REMADE) != 0;
    if (!past_row_anew(row, p->charge->event, &priced, p->arena))
        return SCRIP_OK;
    return quote_from_row(&priced, p->charge->of, p->scrip->prices, p->scrip->names, p->arena, &p->scrip->scratch,
                          p->quote, p->err);
}

/* What an entry adds to the net draws of the charge. */
static int entry_count(struct putting *p, const struct scrip_entry_row *row)
{
    int64_t sign = row->debit == SCRIP_BOOK_USED ? 1 : row->credit == SCRIP_BOOK_USED ? -1 : 0;
    struct charge *charge = p->charge;
    struct charge_draw *draw = NULL, *grown;
    const struct grant *grant;

    /* What fell due before an event is recorded with it, and is part of other charges. */
    if (row->of != charge->event && (row->event != charge->event || row->of != 0))
        return SCRIP_OK;
    if (sign == 0 || row->grant == 0 || row->grant > p->account->grant_count)
        return SCRIP_OK;
    if (row->event != charge->event && row->event != p->anew_seen && p->row_of == NULL && row->event < p->recorded) {
        p->anew_seen = row->event;
        if ((p->code = putting_row(p, row->event, anew_row, p)) < 0)
            return p->code;
    }
    if (row->line >= SCRIP_LINE_LIMIT && row->event != p->rerated_seen) {
        p->rerated_seen = row->event;
        if ((p->code = putting_row(p, row->event, rerated_row, p)) < 0)
            return p->code;
    }
    grant = p->account->grants[row->grant - 1];
    for (size_t i = 0; i < charge->count && draw == NULL; i++)
        if (charge->draws[i].grant == row->grant && charge->draws[i].line == row->line)
            draw = &charge->draws[i];
    if (draw == NULL) {
        if (charge->count == p->room) {
            grown = arena_get(p->arena, (p->room * 2 + 16) * sizeof *grown);
            if (charge->count)
                memcpy(grown, charge->draws, charge->count * sizeof *grown);
            charge->draws = grown;
            p->room = p->room * 2 + 16;
        }
        draw = &charge->draws[charge->count++];
        *draw = (struct charge_draw){ .grant = row->grant, .line = row->line };
        draw->rate = line_rate(p, row->line, draw);
    }
    draw->amount += sign * (grant->rules ? row->amount / grant->rules->unit : row->amount);
    return SCRIP_OK;
}

static int stored_entry(void *sink, const void *found)
{
    struct putting *p = sink;
    const struct scrip_entry_row *row = found;

    /* Its own entries come from one scan, those of other events from another: none is counted twice. */
    if (!p->is_of_others && row->event > p->charge->event)
        return 1;
    if (row->number >= p->before || (row->event == p->charge->event) == p->is_of_others)
        return SCRIP_OK;
    if (p->is_of_others && row->of != p->charge->event)
        return SCRIP_OK;
    return entry_count(p, row);
}

/* Entries of the charge's own event stand behind the last checkpoint before it. */
static int block_start(void *sink, const void *found)
{
    *(uint64_t *)sink = ((const struct scrip_checkpoint_row *)found)->entry_count + 1;
    return 1;
}

int history_first_entry(struct scrip *scrip, const char *account, uint64_t event, uint64_t *out,
                        struct scrip_error *err)
{
    struct scrip_scan scan = { .table = SCRIP_TABLE_CHECKPOINTS,
                               .account = account,
                               .descending = 1,
                               .from_number = 1,
                               .to_number = event - 1,
                               .from_period = INT64_MIN,
                               .to_period = INT64_MAX,
                               .row = block_start,
                               .sink = out };
    int code;

    *out = 1;
    if (event <= 1)
        return SCRIP_OK;
    code = host_scan(scrip, &scan, err);
    return code < 0 ? code : SCRIP_OK;
}

static int entries_stored(struct putting *p)
{
    const char *account = p->account->row.name->text;
    struct scrip_scan scan;
    uint64_t first;
    int code = history_first_entry(p->scrip, account, p->charge->event, &first, p->err);

    scan = (struct scrip_scan){ .table = SCRIP_TABLE_ENTRIES,
                                .account = account,
                                .from_number = first,
                                .from_period = INT64_MIN,
                                .to_period = INT64_MAX,
                                .row = stored_entry,
                                .sink = p };
    if (code >= 0)
        code = host_scan(p->scrip, &scan, p->err);
    scan.from_number = 0;
    scan.of = p->charge->event;
    p->is_of_others = 1;
    if (code >= 0 && p->code == SCRIP_OK)
        code = host_scan(p->scrip, &scan, p->err);
    return p->code < 0 ? p->code : code < 0 ? code : SCRIP_OK;
}

static int entries_batched(struct putting *p, const struct batch *batch)
{
    int code = SCRIP_OK;

    for (size_t i = 0; batch != NULL && i < batch->entry_count && code == SCRIP_OK; i++) {
        const struct scrip_entry_row *row = &batch->entries[i];

        if (row->account == p->account->row.name && (row->event == p->charge->event || row->of == p->charge->event))
            code = entry_count(p, row);
    }
    return code;
}

/* The number of the first entry of the account that is in a batch. */
static uint64_t batched_from(const struct scrip *scrip, const struct scrip_name *account)
{
    const struct batch *batches[] = { scrip->sent, scrip->open };

    for (size_t b = 0; b < 2; b++)
        for (size_t i = 0; batches[b] != NULL && i < batches[b]->entry_count; i++)
            if (batches[b]->entries[i].account == account)
                return batches[b]->entries[i].number;
    return UINT64_MAX;
}

/* What was given back in whole is no draw any more; the rest has the price that counts now. */
static void draws_settle(struct putting *p)
{
    struct charge *charge = p->charge;
    const struct rate *rate;
    size_t kept = 0;

    for (size_t i = 0; i < charge->count; i++)
        if ((rate = line_rate(p, charge->draws[i].line, &charge->draws[i])) != NULL)
            charge->draws[i].rate = rate;
    for (size_t i = 0; i < charge->count; i++)
        if (charge->draws[i].amount > 0 && charge->draws[i].rate != NULL)
            charge->draws[kept++] = charge->draws[i];
    charge->count = kept;
}

struct own_row {
    struct putting *p;
    struct event *event;
};

static int own_event(void *sink, const struct scrip_event_row *row)
{
    struct own_row *own = sink;
    struct putting *p = own->p;
    struct scrip_event_row copy = *row;
    int code;

    p->charge->is_anew |= (row->flags & EVENT_REMADE) != 0;
    copy.id = arena_text(p->arena, row->id, row->id_size);
    code = event_from_row(&copy, own->event, p->arena, p->err);
    if (code == SCRIP_OK)
        code = quote_from_row(&copy, own->event, p->scrip->prices, p->scrip->names, p->arena, &p->scrip->scratch,
                              p->quote, p->err);
    return code;
}

static int charge_start(struct putting *p, uint64_t number, struct charge **out)
{
    struct own_row own = { p, arena_get(p->arena, sizeof *own.event) };
    int code;

    *out = p->charge = arena_get(p->arena, sizeof **out);
    memset(p->charge, 0, sizeof *p->charge);
    p->charge->event = number;
    p->charge->of = own.event;
    p->quote = arena_get(p->arena, sizeof *p->quote);
    code = putting_row(p, number, own_event, &own);
    p->charge->line_count = p->quote->count;
    p->charge->items = p->quote->items;
    p->charge->item_count = p->quote->item_count;
    return code;
}

int history_charge(struct scrip *scrip, struct account *account, uint64_t number, struct arena *arena,
                   struct charge **out, struct scrip_error *err)
{
    struct putting p = { .scrip = scrip, .account = account, .arena = arena, .recorded = UINT64_MAX, .err = err };
    int code = charge_start(&p, number, out);

    p.before = batched_from(scrip, account->row.name);
    if (code == SCRIP_OK && account->is_stored)
        code = entries_stored(&p);
    if (code == SCRIP_OK)
        code = entries_batched(&p, scrip->sent);
    if (code == SCRIP_OK)
        code = entries_batched(&p, scrip->open);
    draws_settle(&p);
    return code;
}

/* The entries of one charge as they are recorded. */
struct gathering {
    struct scrip *scrip;
    uint64_t number, until; /* of its event; of the last event that counts */
    uint64_t before;        /* entries from this number on are read from batches */
    int is_of_others;
    struct entry_list *out;
};

static void entry_keep(struct gathering *g, const struct scrip_entry_row *row)
{
    if (row->event > g->until || (row->of != g->number && (row->event != g->number || row->of != 0)))
        return;
    ARRAY_ROOM(g->out->entries, g->out->count, g->out->room);
    g->out->entries[g->out->count++] = *row;
}

static int entry_gather(void *sink, const void *found)
{
    struct gathering *g = sink;
    const struct scrip_entry_row *row = found;

    if (row->number >= g->before || (!g->is_of_others && row->event > g->number))
        return 1;
    if (g->is_of_others == (row->of == g->number))
        entry_keep(g, row);
    return SCRIP_OK;
}

int history_entries(struct scrip *scrip, const struct scrip_name *account, uint64_t number, uint64_t until,
                    struct entry_list *out, struct scrip_error *err)
{
    const struct batch *batches[] = { scrip->sent, scrip->open };
    struct gathering g = { .scrip = scrip, .number = number, .until = until, .out = out };
    struct scrip_scan scan = { .table = SCRIP_TABLE_ENTRIES, .account = account->text, .from_period = INT64_MIN,
                               .to_period = INT64_MAX, .row = entry_gather, .sink = &g };
    int code;

    g.before = batched_from(scrip, account);
    code = history_first_entry(scrip, account->text, number, &scan.from_number, err);
    if (code >= 0)
        code = host_scan(scrip, &scan, err);
    scan.from_number = 0;
    scan.of = number;
    g.is_of_others = 1;
    if (code >= 0)
        code = host_scan(scrip, &scan, err);
    for (size_t b = 0; b < 2 && code >= 0; b++)
        for (size_t i = 0; batches[b] != NULL && i < batches[b]->entry_count; i++)
            if (batches[b]->entries[i].account == account)
                entry_keep(&g, &batches[b]->entries[i]);
    return code < 0 ? code : SCRIP_OK;
}

int history_charge_of(struct scrip *scrip, struct account *account, const struct scrip_entry_row *entries, size_t count,
                      uint64_t number, uint64_t recorded, const struct scrip_event_row *(*row_of)(void *sink, uint64_t number), void *sink,
                      struct arena *arena, struct charge **out, struct scrip_error *err)
{
    struct putting p = { .scrip = scrip, .account = account, .arena = arena, .err = err, .recorded = recorded,
                         .row_of = row_of, .sink = sink };
    int code = charge_start(&p, number, out);

    for (size_t i = 0; i < count && code == SCRIP_OK; i++)
        if (entries[i].event == number || entries[i].of == number)
            code = entry_count(&p, &entries[i]);
    draws_settle(&p);
    return code;
}
