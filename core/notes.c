/* notes.c - what an event adds to usage, as its rows tell it. */
#include "notes.h"

#include "late.h"
#include "varint.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- from entries --------------------------------------------------------------------------------------------- */

int account_kind(void *sink, uint64_t grant, struct grant_kind *out)
{
    const struct account *account = sink;

    if (grant == 0 || grant > account->grant_count)
        return 0;
    out->class_name = account->grants[grant - 1]->row.class_name;
    out->unit = account->grants[grant - 1]->rules ? account->grants[grant - 1]->rules->unit : 1;
    return 1;
}

static void note_add(struct note_list *list, const struct event *subject, const struct rate *rate,
                     const struct scrip_name *class_name, int64_t time_us, int64_t amount, int64_t charge_count)
{
    struct usage_note *note;

    ARRAY_ROOM(list->notes, list->count, list->room);
    note = &list->notes[list->count++];
    note->subject = NULL;
    note->rate = rate;
    note->time_us = time_us;
    note->row = (struct scrip_usage_row){ .user = subject->user,
                                          .product = subject->product,
                                          .service = rate ? rate->row.service : subject->service,
                                          .class_name = class_name,
                                          .currency = rate ? rate->terms->row.currency : &names_none,
                                          .account = subject->account,
                                          .amount = amount,
                                          .charge_count = charge_count };
}

int notes_derive(struct note_list *list, const struct event *event, const struct quote *quote, int outcome,
                 const struct scrip_entry_row *entries, size_t count, grant_kind_find *kind, void *sink)
{
    uint64_t counted = UINT64_MAX;
    struct grant_kind of;

    list->count = 0;
    if (event->shown.type != SCRIP_USAGE)
        return 1;
    for (size_t i = 0; i < count; i++) {
        const struct scrip_entry_row *entry = &entries[i];

        if (entry->of != 0 || entry->debit != SCRIP_BOOK_USED)
            continue;
        if (entry->line >= quote->count || !kind(sink, entry->grant, &of))
            return 0;
        note_add(list, quote_subject(quote, entry->line, event), quote->lines[entry->line].rate, of.class_name,
                 quote->lines[entry->line].time_us, entry->amount / of.unit, entry->line != counted);
        counted = entry->line;
    }
    if (list->count > 0 || quote->item_count > 0 || (outcome != SCRIP_ZERO && outcome != SCRIP_CHARGED))
        return 1;
    if (quote->count == 0 || quote->verdict == SCRIP_GATE)
        note_add(list, event, NULL, &names_none, event->shown.time_us, 0, 1);
    else if (quote->count == 1)
        note_add(list, event, quote->lines[0].rate, &names_none, quote->lines[0].time_us, 0, 1);
    return 1;
}

static int note_same(const struct usage_note *a, const struct usage_note *b)
{
    return a->rate == b->rate && a->time_us == b->time_us && a->row.user == b->row.user &&
           a->row.product == b->row.product && a->row.service == b->row.service &&
           a->row.class_name == b->row.class_name && a->row.currency == b->row.currency &&
           a->row.amount == b->row.amount && a->row.charge_count == b->row.charge_count;
}

static int list_same(const struct note_list *list, const struct effect *effect)
{
    if (list->count != effect->note_count)
        return 0;
    for (size_t i = 0; i < list->count; i++)
        if (!note_same(&list->notes[i], &effect->notes[i]))
            return 0;
    return 1;
}

int notes_are_derived(struct note_list *scratch, const struct event *event, const struct quote *quote,
                      const struct account *account, const struct effect *effect)
{
    return notes_derive(scratch, event, quote, effect->outcome, effect->entries, effect->entry_count, account_kind,
                        (void *)account) &&
           list_same(scratch, effect);
}

/* ---- recorded ------------------------------------------------------------------------------------------------- */

static void number_write(struct json_out *out, int64_t number)
{
    char text[24];

    json_raw(out, text, (size_t)snprintf(text, sizeof text, "%" PRId64, number));
}

/* Each note: product, user, rate (a number) or else service, class, time, amount, charges. */
void notes_write(const struct effect *effect, struct json_out *out)
{
    json_open(out, '[');
    for (size_t i = 0; i < effect->note_count; i++) {
        const struct usage_note *note = &effect->notes[i];

        json_open(out, '[');
        json_string(out, note->row.product->text, note->row.product->size);
        json_string(out, note->row.user->text, note->row.user->size);
        if (note->rate != NULL)
            number_write(out, (int64_t)note->rate->row.number);
        else
            json_string(out, note->row.service->text, note->row.service->size);
        json_string(out, note->row.class_name->text, note->row.class_name->size);
        number_write(out, note->time_us);
        number_write(out, note->row.amount);
        number_write(out, note->row.charge_count);
        json_close(out, ']');
    }
    json_close(out, ']');
}

struct notes_reading {
    struct scrip *scrip;
    const struct scrip_event_row *row;
    struct note_list *list;
    int is_there;
};

/* The n-th member of a note. */
static int member_read(struct notes_reading *r, struct usage_note *note, unsigned long member,
                       const struct json_leaf *leaf)
{
    struct scrip_usage_row *row = &note->row;
    char text[24];
    int64_t number;

    snprintf(text, sizeof text, "%.*s", (int)(leaf->size < 23 ? leaf->size : 23), leaf->text);
    number = leaf->type == JSON_NUMBER ? strtoll(text, NULL, 10) : 0;
    if (member == 2 && leaf->type == JSON_NUMBER) {
        note->rate = prices_rate_at(r->scrip->prices, (uint64_t)number);
        if (note->rate == NULL)
            return SCRIP_EINVALID;
        row->service = note->rate->row.service;
        row->currency = note->rate->terms->row.currency;
    } else if (member < 4) {
        const struct scrip_name **names[] = { &row->product, &row->user, &row->service, &row->class_name };

        if (leaf->type != JSON_STRING)
            return SCRIP_EINVALID;
        *names[member] = names_add(r->scrip->names, leaf->text, leaf->size);
    } else if (member < 7 && leaf->type == JSON_NUMBER)
        *(member == 4 ? &note->time_us : member == 5 ? &row->amount : &row->charge_count) = number;
    else
        return SCRIP_EINVALID;
    return SCRIP_OK;
}

static int recorded_leaf(void *sink, const struct json_leaf *leaf)
{
    struct notes_reading *r = sink;
    unsigned long index, member;
    char path[48], *end;

    if (leaf->path_size < 4 || memcmp(leaf->path, "used", 4) != 0 || leaf->path_size >= sizeof path)
        return SCRIP_OK;
    r->is_there = 1;
    if (leaf->path_size == 4)
        return leaf->type == JSON_EMPTY ? SCRIP_OK : SCRIP_EINVALID;
    memcpy(path, leaf->path, leaf->path_size);
    path[leaf->path_size] = 0;
    index = strtoul(path + 5, &end, 10);
    if (*end != '.' || index > r->list->count)
        return SCRIP_EINVALID;
    member = strtoul(end + 1, &end, 10);
    if (index == r->list->count) {
        struct usage_note *note;

        ARRAY_ROOM(r->list->notes, r->list->count, r->list->room);
        note = &r->list->notes[r->list->count++];
        memset(note, 0, sizeof *note);
        note->row.account = r->row->account;
        note->row.product = note->row.user = note->row.service = &names_none;
        note->row.class_name = note->row.currency = &names_none;
    }
    return member_read(r, &r->list->notes[index], member, leaf);
}

int notes_read(struct scrip *scrip, const struct scrip_event_row *row, struct note_list *list)
{
    struct notes_reading reading = { scrip, row, list, 0 };

    list->count = 0;
    if (row->lines_size > 0 && json_read_own(row->lines, row->lines_size, recorded_leaf, &reading, NULL) < 0)
        return SCRIP_EINVALID;
    return reading.is_there;
}

int notes_are_recorded(struct scrip *scrip, struct note_list *scratch, const struct scrip_event_row *row,
                       const struct event *event, const struct quote *quote, const struct account *account,
                       const struct effect *effect)
{
    int is_there;

    if (notes_are_derived(scratch, event, quote, account, effect))
        return notes_read(scrip, row, scratch) == 0;
    is_there = notes_read(scrip, row, scratch);
    return is_there == 1 && list_same(scratch, effect);
}

/* ---- of a range of events ------------------------------------------------------------------------------------- */

struct notes_scan {
    struct scrip *scrip;
    uint64_t last;
    struct scrip_entry_row *entries; /* that are used, of their own event's charge */
    size_t count, room, at;
    grant_kind_find *kind;
    void *kind_sink;
    struct note_list list;
    struct quote quote;
    struct arena arena;
    struct json_out scratch;
    int (*note)(void *sink, const struct usage_note *note);
    void *sink;
    int *is_placed;
    struct scrip_error *err;
};

static int entry_see(void *sink, const void *found)
{
    struct notes_scan *scan = sink;
    const struct scrip_entry_row *row = found;

    if (row->event > scan->last)
        return 1;
    if (row->of != 0 || row->debit != SCRIP_BOOK_USED)
        return SCRIP_OK;
    ARRAY_ROOM(scan->entries, scan->count, scan->room);
    scan->entries[scan->count++] = *row;
    return SCRIP_OK;
}

/* A usage of one line says all in its columns. */
static int event_short(struct notes_scan *scan, const struct scrip_event_row *row, struct event *event)
{
    if (row->type != SCRIP_USAGE || row->rate == 0 || row->lines_size > 0)
        return 0;
    memset(event, 0, sizeof *event);
    event->shown.type = SCRIP_USAGE;
    event->shown.time_us = row->time_us;
    event->account = row->account;
    event->product = row->product;
    event->user = row->user;
    event->service = row->service;
    quote_clear(&scan->quote);
    scan->quote.verdict = SCRIP_PRICED;
    scan->quote.count = 1;
    scan->quote.lines[0] = (struct quote_line){ .rate = prices_rate_at(scan->scrip->prices, row->rate),
                                                .time_us = row->time_us };
    return scan->quote.lines[0].rate != NULL;
}

static int event_derive(struct notes_scan *scan, const struct scrip_event_row *row,
                        const struct scrip_entry_row *entries, size_t count)
{
    struct scrip *scrip = scan->scrip;
    struct event event;
    int code;

    arena_reset(&scan->arena);
    if (!event_short(scan, row, &event) &&
        ((code = event_from_row(row, &event, &scan->arena, scan->err)) < 0 ||
         (code = quote_from_row(row, &event, scrip->prices, scrip->names, &scan->arena, &scan->scratch, &scan->quote,
                                scan->err)) < 0))
        return code;
    if (!notes_derive(&scan->list, &event, &scan->quote, (int)row->outcome, entries, count, scan->kind,
                      scan->kind_sink))
        return error_set(scan->err, SCRIP_EIO, "event %" PRIu64 " of '%s': its entries do not fit it: run verify",
                         row->number, row->account->text);
    return SCRIP_OK;
}

static int event_see(void *sink, const void *found)
{
    struct notes_scan *scan = sink;
    const struct scrip_event_row *row = found;
    size_t first = scan->at;
    int code;

    while (scan->at < scan->count && scan->entries[scan->at].event <= row->number)
        scan->at++;
    while (first < scan->at && scan->entries[first].event < row->number)
        first++;
    *scan->is_placed |= (row->flags & EVENT_REMADE) != 0;
    if (row->lines_size == 0 && row->type != SCRIP_USAGE)
        return SCRIP_OK;
    if ((code = notes_read(scan->scrip, row, &scan->list)) < 0)
        return error_set(scan->err, SCRIP_EIO,
                         "event %" PRIu64 " of '%s': what is recorded with it is damaged: run verify", row->number,
                         row->account->text);
    if (code == 0 && (code = event_derive(scan, row, scan->entries + first, scan->at - first)) < 0)
        return code;
    for (size_t i = 0; i < scan->list.count; i++)
        if ((code = scan->note(scan->sink, &scan->list.notes[i])) < 0)
            return code;
    return SCRIP_OK;
}

int notes_scan(struct scrip *scrip, const struct scrip_name *account, uint64_t first, uint64_t last,
               grant_kind_find *kind, void *kind_sink, int (*note)(void *sink, const struct usage_note *note),
               void *sink, int *is_placed, struct scrip_error *err)
{
    struct notes_scan *scan = memory_get(sizeof *scan);
    struct scrip_scan rows = { .table = SCRIP_TABLE_ENTRIES, .account = account->text, .from_period = INT64_MIN,
                               .to_period = INT64_MAX, .row = entry_see, .sink = scan };
    int code;

    scan->scrip = scrip;
    scan->last = last;
    scan->kind = kind;
    scan->kind_sink = kind_sink;
    scan->note = note;
    scan->sink = sink;
    scan->is_placed = is_placed;
    scan->err = err;
    code = history_first_entry(scrip, account->text, first, &rows.from_number, err);
    if (code >= 0)
        code = host_scan(scrip, &rows, err);
    for (size_t i = 0; code == SCRIP_OK && i < scrip->open->entry_count; i++)
        if (scrip->open->entries[i].account == account)
            code = entry_see(scan, &scrip->open->entries[i]);
    rows.table = SCRIP_TABLE_EVENTS;
    rows.from_number = first;
    rows.to_number = last;
    rows.row = event_see;
    if (code >= 0)
        code = host_scan(scrip, &rows, err);
    for (size_t i = 0; code >= 0 && i < scrip->open->event_count; i++)
        if (scrip->open->events[i].account == account && scrip->open->events[i].number >= first &&
            scrip->open->events[i].number <= last)
            code = event_see(scan, &scrip->open->events[i]);
    arena_free(&scan->arena);
    json_free(&scan->scratch);
    free(scan->entries);
    free(scan->list.notes);
    free(scan);
    return code < 0 ? code : SCRIP_OK;
}

/* ---- kept until the next checkpoint --------------------------------------------------------------------------- */

void notes_keep(struct account *account, const struct effect *effect, int flags)
{
    struct bytes *kept = &account->kept_notes;

    account->kept_placed |= (flags & EVENT_REMADE) != 0;
    for (size_t i = 0; i < effect->note_count; i++) {
        const struct usage_note *note = &effect->notes[i];

        varint_add(kept, note->row.product->number);
        varint_add(kept, note->row.user->number);
        varint_add(kept, note->row.service->number);
        varint_add(kept, note->row.class_name->number);
        varint_add(kept, note->row.currency->number);
        varint_add_signed(kept, note->time_us - account->kept_time_us);
        varint_add_signed(kept, note->row.amount);
        varint_add_signed(kept, note->row.charge_count);
        account->kept_time_us = note->time_us;
    }
}

int notes_kept(struct scrip *scrip, const struct account *account,
               int (*note)(void *sink, const struct usage_note *note), void *sink)
{
    struct varints in = { account->kept_notes.start, account->kept_notes.start + account->kept_notes.size };
    int64_t time_us = 0, more;
    int code = SCRIP_OK;

    while (in.at < in.end && code >= 0) {
        struct usage_note next = { .row.account = account->row.name };
        const struct scrip_name **names[] = { &next.row.product, &next.row.user, &next.row.service,
                                              &next.row.class_name, &next.row.currency };
        uint64_t number;

        for (int i = 0; i < 5; i++) {
            varint_get(&in, &number);
            *names[i] = names_at(scrip->names, number);
        }
        varint_get_signed(&in, &more);
        varint_get_signed(&in, &next.row.amount);
        varint_get_signed(&in, &next.row.charge_count);
        next.time_us = time_us += more;
        code = note(sink, &next);
    }
    return code;
}
