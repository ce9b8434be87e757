/* late_charge.c - the holds and charges that the events of an account made anew are about: made again, or from before the
 * cut, where what is recorded counts. */
#include "late_inner.h"

#include <stdio.h>

static const struct scrip_event_row *row_of(void *sink, uint64_t number)
{
    const struct making *m = sink;
    const struct past_row *past = past_row_at(m->rows, number);

    return past ? &past->row : NULL;
}

/* A hold that was closed before the cut is no part of the copy, but its id is taken. */
static void hold_bring(struct making *m, const char *id)
{
    size_t size = strlen(id);
    const struct claim *claim;

    if (m->base == NULL || account_hold_find(m->scratch, id, size) != NULL)
        return;
    claim = account_hold_find(m->base->account, id, size);
    if (claim == NULL && (claim = account_hold_find(m->late->account, id, size)) != NULL &&
        (claim->row.event > m->base->number || claim->row.stage == SCRIP_CLAIM_OPEN))
        claim = NULL;
    if (claim != NULL)
        account_claim_copy(m->scratch, claim);
}

void making_hold(struct making *m, const struct event *event)
{
    const char *id = event_text(event, SCRIP_F_HOLD);

    if (event->shown.type == SCRIP_HOLD)
        hold_bring(m, id[0] ? id : event->shown.id);
    else if (event->shown.type == SCRIP_EXTEND || event->shown.type == SCRIP_CAPTURE ||
             event->shown.type == SCRIP_RELEASE)
        hold_bring(m, id);
}

/* The event whose charge an event is about, of a capture that of its hold; 0: there is none. */
static uint64_t charge_event(struct making *m, const struct scrip_event_row *row)
{
    const struct claim *claim;
    struct event of;
    const char *hold;

    if (row->type != SCRIP_CAPTURE || event_from_row(row, &of, &m->arena, NULL) < 0)
        return row->number;
    hold = event_text(&of, SCRIP_F_HOLD);
    hold_bring(m, hold);
    claim = account_hold_find(m->scratch, hold, strlen(hold));
    return claim && claim->captured_by == row->number ? claim->row.event : 0;
}

struct before_cut {
    struct making *m;
    uint64_t number;
};

static int before_cut(void *sink, const struct scrip_event_row *row)
{
    struct before_cut *before = sink;

    before->number = charge_event(before->m, row);
    return SCRIP_OK;
}

static int number_find(struct making *m, const struct event *event, uint64_t *out)
{
    const char *source = event_text(event, SCRIP_F_OF_SOURCE), *id = event_text(event, SCRIP_F_OF_ID);
    const struct scrip_name *account = m->late->account ? m->late->account->row.name : NULL;
    struct before_cut before = { m, 0 };
    int64_t number;
    int code;

    *out = 0;
    source = source[0] ? source : event->source->text;
    for (size_t i = 0; i < m->rows->count; i++) {
        const struct scrip_event_row *row = &m->rows->rows[i].row;

        if (strcmp(row->source->text, source) == 0 && strcmp(row->id, id) == 0) {
            *out = charge_event(m, row);
            return SCRIP_OK;
        }
    }
    if (m->base == NULL || m->base->number == 0)
        return SCRIP_OK;
    number = history_number(m->late->scrip, m->late->account, source, id, m->err);
    if (number <= 0 || (uint64_t)number > m->base->number)
        return number < 0 ? SCRIP_EIO : SCRIP_OK;
    code = history_event(m->late->scrip, account, (uint64_t)number, before_cut, &before, m->err);
    *out = before.number;
    return code < 0 ? code : SCRIP_OK;
}

/* What is recorded counts grants as the account does. */
static void entry_take(struct making *m, struct entry_list *list, const struct scrip_entry_row *entry)
{
    const struct account *account = m->late->account;
    const struct scrip_grant_row *row;
    struct grant *grant;

    if (entry->grant == 0 || entry->grant > account->grant_count)
        return;
    row = &account->grants[entry->grant - 1]->row;
    if ((grant = account_grant_find(m->scratch, row->id, row->id_size)) == NULL)
        return;
    ARRAY_ROOM(list->entries, list->count, list->room);
    list->entries[list->count] = *entry;
    list->entries[list->count++].grant = grant->row.number;
}

/* The entries of a charge from before the cut, then those that were made. */
static int entries_gather(struct making *m, uint64_t number, struct entry_list *out)
{
    const struct late *late = m->late;
    uint64_t until = late->recorded < m->base->number ? late->recorded : m->base->number;
    struct entry_list recorded = { 0 };
    int code = SCRIP_OK;

    if (until > 0)
        code = history_entries(late->scrip, late->account->row.name, number, until, &recorded, m->err);
    for (size_t i = 0; i < recorded.count; i++)
        entry_take(m, out, &recorded.entries[i]);
    free(recorded.entries);
    for (size_t i = 0; i < late->entry_count && code == SCRIP_OK; i++)
        if (late->entries[i].event <= m->base->number)
            entry_take(m, out, &late->entries[i]);
    for (size_t i = 0; i < m->entry_count; i++) {
        ARRAY_ROOM(out->entries, out->count, out->room);
        out->entries[out->count++] = m->entries[i];
    }
    return code;
}

int making_charge(struct making *m, const struct event *event)
{
    struct entry_list entries = { 0 };
    struct charge *charge = NULL;
    uint64_t number = 0;
    int code, is_before;

    if ((event->shown.type != SCRIP_REVERSAL && event->shown.type != SCRIP_RERATE) || m->quote.refusal[0])
        return SCRIP_OK;
    if ((code = number_find(m, event, &number)) < 0)
        return code;
    if (number == 0) {
        snprintf(m->quote.refusal, sizeof m->quote.refusal, "of '%s': it charged nothing before this",
                 event_text(event, SCRIP_F_OF_ID));
        return SCRIP_OK;
    }
    is_before = m->base != NULL && number <= m->base->number;
    code = is_before ? entries_gather(m, number, &entries) : SCRIP_OK;
    if (code == SCRIP_OK)
        code = history_charge_of(m->late->scrip, m->scratch, is_before ? entries.entries : m->entries,
                                 is_before ? entries.count : m->entry_count, number, m->own_quote_number,
                                 is_before ? NULL : row_of, m, &m->arena, &charge, m->err);
    free(entries.entries);
    m->quote.charge = charge;
    return code;
}
