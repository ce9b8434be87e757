/* replay.c - recorded events and quotes through the engine again. */
#include "late.h"
#include "replay.h"

#include <inttypes.h>
#include <stdio.h>

static void fault(struct replay *replay, int is_end, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void fault(struct replay *replay, int is_end, const char *format, ...)
{
    char text[SCRIP_MESSAGE_SIZE];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    replay->is_broken |= is_end;
    if (replay->fault != NULL)
        replay->fault(replay->sink, replay, replay->row->number, text);
}

/* A currency that refused what would come out of a conversion refused it for a reason that is recorded. */
static int settle_recorded(void *sink, const struct event *event, const struct terms *terms,
                           struct scrip_grant_row *settled, struct arena *arena, struct scrip_error *why)
{
    struct replay *replay = sink;

    (void)event, (void)terms, (void)settled, (void)arena;
    return error_set(why, SCRIP_EREFUSED, "%.*s", (int)replay->row->reason_size, replay->row->reason);
}

/* ---- behind a checkpoint -------------------------------------------------------------------------------------- */

/* A hold that was closed by then is in no checkpoint, but its id is taken. */
static int closed_hold(void *sink, const void *found)
{
    struct replay *replay = sink;
    struct scrip_claim_row row = *(const struct scrip_claim_row *)found;
    int code;

    if (row.kind != SCRIP_CLAIM_HOLD || row.event > replay->account->row.event_count)
        return SCRIP_OK;
    if (row.stage == SCRIP_CLAIM_OPEN)
        row.stage = SCRIP_CLAIM_RELEASED;
    row.group_size = 0;
    code = account_claim_take(replay->scrip, replay->account, &row, replay->err);
    if (code == SCRIP_OK)
        claim_close(replay->account->claims[replay->account->claim_count - 1]);
    return code;
}

static int closed_hold_open(struct replay *replay, const char *id)
{
    struct scrip_scan scan = { .table = SCRIP_TABLE_CLAIMS,
                               .account = replay->account->row.name->text,
                               .from_period = INT64_MIN,
                               .to_period = INT64_MAX,
                               .id = id,
                               .row = closed_hold,
                               .sink = replay };

    if (!replay->is_behind || account_hold_find(replay->account, id, strlen(id)) != NULL)
        return SCRIP_OK;
    return host_scan(replay->scrip, &scan, replay->err);
}

/* The hold that an event makes, or is about. */
static int event_hold_open(struct replay *replay, const struct event *event)
{
    const char *id = event_text(event, SCRIP_F_HOLD);

    switch (event->shown.type) {
    case SCRIP_HOLD:
        return closed_hold_open(replay, id[0] ? id : event->shown.id);
    case SCRIP_EXTEND:
    case SCRIP_CAPTURE:
    case SCRIP_RELEASE:
        return closed_hold_open(replay, id);
    default:
        return SCRIP_OK;
    }
}

/* Entries of one charge: those of events before the checkpoint, then those that were made since. */
static int entries_gather(struct replay *replay, uint64_t number, struct entry_list *out)
{
    int code = history_entries(replay->scrip, replay->account->row.name, number, replay->base, out, replay->err);

    for (size_t i = 0; i < replay->entry_count && code >= 0; i++) {
        ARRAY_ROOM(out->entries, out->count, out->room);
        out->entries[out->count++] = replay->entries[i];
    }
    return code;
}

/* ---- charges that were reversed or rated anew ----------------------------------------------------------------- */

struct meant {
    struct replay *replay;
    int64_t type;
    uint64_t hold_event;
    int code;
};

static void meant_read(struct meant *meant, const struct scrip_event_row *row)
{
    struct claim *claim;
    struct event event;
    const char *id;

    meant->type = row->type;
    if (row->type != SCRIP_CAPTURE || event_from_row(row, &event, &meant->replay->arena, NULL) < 0)
        return;
    id = event_text(&event, SCRIP_F_HOLD);
    meant->code = closed_hold_open(meant->replay, id);
    claim = account_hold_find(meant->replay->account, id, strlen(id));
    meant->hold_event = claim ? claim->row.event : 0;
}

/* The charge that an event is about, from the entries before it. */
static int charge_find(struct replay *replay, const struct event *event)
{
    const char *source = event_text(event, SCRIP_F_OF_SOURCE), *id = event_text(event, SCRIP_F_OF_ID);
    struct instance *reader = replay->scrip->reader;
    const struct scrip_event_row *row = replay->row, *of;
    struct meant meant = { .replay = replay };
    struct entry_list entries = { 0 };
    struct charge *charge = NULL;
    uint64_t number = 0;
    int code;

    if ((row->type != SCRIP_REVERSAL && row->type != SCRIP_RERATE) || replay->quote.refusal[0])
        return SCRIP_OK;
    code = store_of(reader)->event_find(&reader->ctx, row->account->text, source[0] ? source : row->source->text, id,
                                        strlen(id), &of);
    if (code == SCRIP_OK) {
        number = of->number;
        meant_read(&meant, of);
        if (meant.code < 0)
            return meant.code;
        number = meant.type == SCRIP_CAPTURE ? meant.hold_event : number;
    } else if (code != SCRIP_ENOTFOUND)
        return error_set(replay->err, code, "store: %s", reader->error.message);
    if (number == 0 || number >= row->number) {
        fault(replay, 1, "the charge that it is about is not there");
        return SCRIP_OK;
    }
    code = replay->is_behind ? entries_gather(replay, number, &entries) : SCRIP_OK;
    if (code == SCRIP_OK)
        code = history_charge_of(replay->scrip, replay->account,
                                 replay->is_behind ? entries.entries : replay->entries,
                                 replay->is_behind ? entries.count : replay->entry_count, number, UINT64_MAX, NULL,
                                 NULL, &replay->arena, &charge, replay->err);
    free(entries.entries);
    replay->quote.charge = charge;
    return code;
}

/* ---- events --------------------------------------------------------------------------------------------------- */

static int event_decode(struct replay *replay, const struct scrip_event_row *row, struct event *event)
{
    struct scrip *scrip = replay->scrip;
    struct scrip_error why = { 0 };
    uint64_t digest = row->digest;
    int code = SCRIP_OK;

    if (row->type < 0 || row->type >= SCRIP_EVENT_TYPE_COUNT)
        code = error_set(&why, SCRIP_EINVALID, "no such type");
    if (code == SCRIP_OK)
        code = event_from_row(row, event, &replay->arena, &why);
    if (code == SCRIP_OK)
        code = quote_from_row(row, event, scrip->prices, scrip->names, &replay->arena, &scrip->scratch, &replay->quote,
                              &why);
    if (code < 0) {
        fault(replay, 1, "cannot be read: %s", why.message);
        return code;
    }
    replay->engine.canonical.size = 0;
    event_canonical(event, &replay->engine.canonical);
    if (event->digest != digest)
        fault(replay, 0, "its content is not what was taken in");
    return SCRIP_OK;
}

/* What the event is put in its place on; its own row is the last. Behind a checkpoint that is the account as it was there. */
static int base_ready(struct replay *replay, const struct event *event)
{
    struct account *account = replay->account;

    int code = SCRIP_OK;

    if (account->base == NULL || !late_base_fits(account->base, event)) {
        if (replay->is_behind) {
            replay->is_broken = 1;
            return SCRIP_OK;
        }
        late_base_free(account->base);
        account->base = late_base_make(account, 1);
        code = past_rows_load(&account->base->rows, replay->scrip, account->row.name, replay->row->number - 1,
                              replay->err);
    }
    past_rows_put(&account->base->rows, replay->row);
    return code;
}

/* As it was taken in: in order, or in its place though late. */
static int event_apply(struct replay *replay, struct event *event)
{
    struct account *account = replay->account;
    struct late late = { .scrip = replay->scrip,
                         .account = account,
                         .engine = &replay->engine,
                         .recorded = replay->base,
                         .own = replay->row,
                         .entries = replay->entries,
                         .entry_count = replay->entry_count };
    int code = SCRIP_OK, is_placed = late_is_replayed(account, event, &replay->quote);
    int is_anew = (replay->row->flags & SCRIP_EVENT_ANEW) != 0;

    replay->engine.flags = replay->row->flags;
    if (replay->is_behind && (code = event_hold_open(replay, event)) < 0)
        return code;
    if ((is_placed || is_anew) && (code = base_ready(replay, event)) == SCRIP_OK && !replay->is_broken)
        is_placed = is_placed && past_rows_allow(&account->base->rows, event);
    if (code < 0 || replay->is_broken)
        return code;
    if (is_placed != ((replay->row->flags & SCRIP_EVENT_PLACED) != 0))
        fault(replay, 0, "it came late, and %s", is_placed ? "should be in its place" : "should be where it came");
    if (is_placed || is_anew)
        code = late_apply(&late, event, &replay->quote, replay->err);
    else
        engine_apply(&replay->engine, account, event, &replay->quote);
    if (account->row.clock_event == account->row.event_count) {
        account->last_source = event->source;
        memcpy(account->last_id, event->shown.id, event->id_size + 1);
    }
    return code < 0 ? code : late_recorded(&late, replay->row, replay->err);
}

void replay_keep(struct replay *replay)
{
    const struct effect *effect = &replay->engine.effect;

    for (size_t i = 0; i < effect->entry_count; i++) {
        ARRAY_ROOM(replay->entries, replay->entry_count, replay->entry_room);
        replay->entries[replay->entry_count++] = effect->entries[i];
    }
}

static int event_replay(void *sink, const void *found)
{
    struct replay *replay = sink;
    const struct scrip_event_row *row = found;
    struct event event;
    int code;

    if (replay->is_broken || (replay->until && row->number > replay->until))
        return SCRIP_OK;
    replay->row = row;
    arena_reset(&replay->arena);
    if (row->number != replay->account->row.event_count + 1) {
        fault(replay, 1, "event %" PRIu64 " before it is missing", replay->account->row.event_count + 1);
        return SCRIP_OK;
    }
    if (event_decode(replay, row, &event) < 0)
        return SCRIP_OK;
    if ((code = charge_find(replay, &event)) < 0)
        return code;
    if (replay->is_broken)
        return SCRIP_OK;
    if (replay->before != NULL && (code = replay->before(replay->sink, replay, &event)) < 0)
        return code;
    if ((code = event_apply(replay, &event)) < 0 || replay->is_broken)
        return code;
    replay_keep(replay);
    return replay->applied ? replay->applied(replay->sink, replay, &event) : SCRIP_OK;
}

void replay_open(struct replay *replay, struct scrip *scrip, struct scrip_error *err)
{
    memset(replay, 0, sizeof *replay);
    replay->scrip = scrip;
    replay->err = err;
    replay->engine.debt_name = scrip->engine.debt_name;
    replay->engine.settle = settle_recorded;
    replay->engine.settle_sink = replay;
}

void replay_close(struct replay *replay)
{
    if (replay->account != NULL)
        account_free(replay->account);
    engine_free(&replay->engine);
    arena_free(&replay->arena);
    free(replay->entries);
    memset(replay, 0, sizeof *replay);
}

static int clock_event_read(void *sink, const struct scrip_event_row *row)
{
    struct account *account = sink;

    account->last_source = row->source;
    snprintf(account->last_id, sizeof account->last_id, "%.*s", (int)row->id_size, row->id);
    return SCRIP_OK;
}

int replay_behind(struct replay *replay, struct account *account)
{
    struct scrip_scan scan = { .table = SCRIP_TABLE_EVENTS,
                               .account = account->row.name->text,
                               .from_number = account->row.event_count + 1,
                               .to_number = replay->until,
                               .from_period = INT64_MIN,
                               .to_period = INT64_MAX,
                               .row = event_replay,
                               .sink = replay };

    replay->account = account;
    replay->is_behind = 1;
    replay->base = account->row.event_count;
    if (account->row.event_count == replay->until)
        return SCRIP_OK;
    if (account->row.clock_event != 0) {
        int code = history_event(replay->scrip, account->row.name, account->row.clock_event, clock_event_read, account,
                                 replay->err);

        if (code < 0)
            return code;
    }
    account->base = late_base_make(account, 0);
    return host_scan(replay->scrip, &scan, replay->err);
}

int replay_account(struct replay *replay, const struct scrip_name *name)
{
    struct scrip_scan scan = { .table = SCRIP_TABLE_EVENTS,
                               .account = name->text,
                               .to_number = replay->until,
                               .from_period = INT64_MIN,
                               .to_period = INT64_MAX,
                               .row = event_replay,
                               .sink = replay };

    if (replay->account != NULL)
        account_free(replay->account);
    replay->account = account_make(name);
    replay->entry_count = 0;
    replay->is_broken = 0;
    return host_scan(replay->scrip, &scan, replay->err);
}
