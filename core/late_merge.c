/* late_merge.c - what an account that was made anew changes of the account itself: its state is taken over, and what
 * came out differently is posted as entries of the late event, with the dates of the old ones. */
#include "late_inner.h"

#include "hash.h"

/* ---- back into the account ------------------------------------------------------------------------------------ */

static void grant_take(struct account *account, struct grant *grant, const struct grant *made)
{
    int is_same = grant->row.expires_us == made->row.expires_us && grant->row.next_us == made->row.next_us &&
                  memcmp(grant->row.balance, made->row.balance, sizeof grant->row.balance) == 0;

    grant->stage = made->stage;
    if (is_same)
        return;
    grant->row.expires_us = made->row.expires_us;
    grant->row.next_us = made->row.next_us;
    memcpy(grant->row.balance, made->row.balance, sizeof grant->row.balance);
    account_grant_touch(account, grant);
}

/* Grants are the same by their ids; new ones get numbers of their own, and what no event makes any more holds nothing.
 */
static void grants_merge(struct making *m)
{
    struct account *account = m->late->account, *scratch = m->scratch;
    size_t known = account->grant_count;

    m->grants = memory_get((scratch->grant_count + 1) * sizeof *m->grants);
    for (size_t i = 0; i < scratch->grant_count; i++) {
        const struct grant *made = scratch->grants[i];
        struct grant *grant = account_grant_find(account, made->row.id, made->row.id_size);

        if (grant == NULL) {
            struct scrip_grant_row row = made->row;

            row.number = ++account->row.grant_count;
            grant = account_grant_add(account, &row, made->terms);
            account_grant_touch(account, grant);
        }
        grant_take(account, grant, made);
        m->grants[i] = grant;
    }
    for (size_t i = 0; i < known; i++)
        if (account_grant_find(scratch, account->grants[i]->row.id, account->grants[i]->row.id_size) == NULL) {
            memset(account->grants[i]->row.balance, 0, sizeof account->grants[i]->row.balance);
            account->grants[i]->row.next_us = SCRIP_TIME_NONE;
            if (account->grants[i]->stage != GRANT_DEBT)
                account->grants[i]->row.expires_us = account->grants[i]->row.effective_us;
            account_grant_touch(account, account->grants[i]);
        }
}

static struct claim *claim_same(const struct account *account, const struct claim *claim)
{
    struct claim *oldest = NULL;

    for (struct claim *other = account_claim_like(account, &claim->row); other != NULL; other = other->before)
        if (other->row.event == claim->row.event && other->row.line == claim->row.line)
            oldest = other;
    return oldest;
}

static void claims_merge(struct making *m)
{
    struct account *account = m->late->account, *scratch = m->scratch;

    for (size_t i = 0; i < scratch->claim_count; i++) {
        const struct claim *made = scratch->claims[i];
        struct claim *claim = claim_same(account, made);

        if (claim == NULL) {
            struct scrip_claim_row row = made->row;

            row.number = ++account->row.claim_count;
            row.draws_size = 0;
            claim = account_claim_add(account, &row, &made->event, made->terms);
        }
        claim->terms = made->terms;
        claim->row.terms = made->row.terms;
        claim->row.stage = made->row.stage;
        claim->row.amount = made->row.amount;
        claim->row.expires_us = made->row.expires_us;
        claim->nominal = made->nominal;
        claim->captured_by = made->captured_by;
        claim->draw_count = 0;
        for (size_t k = 0; k < made->draw_count; k++) {
            struct claim_draw draw = made->draws[k];

            draw.grant = draw.grant ? m->grants[draw.grant->row.number - 1] : NULL;
            claim_draw_add(claim, &draw);
        }
        account_claim_touch(account, claim);
    }
    for (size_t i = 0; i < account->claim_count; i++)
        if (claim_same(scratch, account->claims[i]) == NULL && account->claims[i]->row.stage == SCRIP_CLAIM_OPEN) {
            account->claims[i]->row.stage = SCRIP_CLAIM_SETTLED;
            account->claims[i]->row.amount = 0;
            account->claims[i]->draw_count = account->claims[i]->row.kind == SCRIP_CLAIM_DEBT;
            account_claim_touch(account, account->claims[i]);
        }
}

static void limits_merge(struct making *m)
{
    struct account *account = m->late->account;

    for (size_t i = 0; i < m->scratch->limit_count; i++) {
        const struct limit *made = m->scratch->limits[i];
        struct limit *limit = account_limit_find(account, made->row.id, made->row.id_size);
        struct scrip_limit_row row = made->row;

        row.windows_size = 0;
        if (limit == NULL) {
            row.number = ++account->row.limit_count;
            limit = account_limit_add(account, &row, made->terms);
        } else
            limit_set(limit, &row, made->terms);
        memcpy(limit->windows, made->windows, made->window_count * sizeof *made->windows);
        limit->window_count = made->window_count;
        limit->since_us = made->since_us;
        limit->is_dirty = 1;
    }
}

static void states_merge(struct making *m)
{
    struct account *account = m->late->account, *scratch = m->scratch;

    for (size_t i = 0; i < account->state_size; i++) {
        struct state *state = account->states[i];

        if (state != NULL && state->value_size > 0 &&
            account_state_find(scratch, state->service, state->key, state->key_size) == NULL)
            account_state_set(account, state, NULL, 0, SCRIP_TIME_NONE);
    }
    for (size_t i = 0; i < scratch->state_size; i++) {
        const struct state *made = scratch->states[i];
        struct state *state;

        if (made == NULL)
            continue;
        state = account_state_find(account, made->service, made->key, made->key_size);
        if (state == NULL)
            state = account_state_add(account, made->service, made->key, made->key_size);
        if (state->value_size != made->value_size || state->discard_after_us != made->discard_after_us ||
            (made->value_size && memcmp(state->value, made->value, made->value_size) != 0))
            account_state_set(account, state, made->value, made->value_size, made->discard_after_us);
    }
    for (size_t i = 0; i < account->service_timer_count; i++) {
        struct service_timer *timer = account->service_timers[i];
        const struct service_timer *made = account_timer_find(scratch, timer->service, timer->key, timer->key_size);

        account_timer_set(account, timer, made ? made->due_us : SCRIP_TIME_NONE);
    }
    for (size_t i = 0; i < scratch->service_timer_count; i++) {
        const struct service_timer *made = scratch->service_timers[i];

        if (made->due_us != SCRIP_TIME_NONE &&
            account_timer_find(account, made->service, made->key, made->key_size) == NULL)
            account_timer_set(account, account_timer_add(account, made->service, made->key, made->key_size),
                              made->due_us);
    }
}

/* ---- differences ---------------------------------------------------------------------------------------------- */

static int touches(const struct scrip_entry_row *entry, int book)
{
    return entry->debit == book || entry->credit == book;
}

/* What falls due belongs to whichever event brought the time there: only its movement counts. A movement back is one of less
 * than nothing: what was posted both ways is one difference. */
static void net_add(struct making *m, const struct scrip_entry_row *entry, uint64_t grant, int64_t sign)
{
    int64_t closed = m->late->account->row.closed_us;
    int is_charge =
        touches(entry, SCRIP_BOOK_USED) || touches(entry, SCRIP_BOOK_HELD) || touches(entry, SCRIP_BOOK_DEBT);
    int is_back = entry->credit > entry->debit;
    struct net *net;

    ARRAY_ROOM(m->nets, m->net_count, m->net_room);
    net = &m->nets[m->net_count++];
    net->of = is_charge ? (entry->of ? entry->of : entry->event) : 0;
    net->line = is_charge ? entry->line : 0;
    net->grant = grant;
    net->credit = is_back ? entry->debit : entry->credit;
    net->debit = is_back ? entry->credit : entry->debit;
    net->time_us = entry->time_us > closed ? entry->time_us : closed;
    net->amount = (is_back ? -sign : sign) * entry->amount;
}

static int by_net(const void *left, const void *right)
{
    const struct net *a = left, *b = right;

#define BY(member)                                                                                            \
    if (a->member != b->member)                                                                               \
        return a->member < b->member ? -1 : 1
    BY(time_us);
    BY(of);
    BY(line);
    BY(grant);
    BY(credit);
    BY(debit);
#undef BY
    return 0;
}

static void net_post(struct making *m, const struct net *net, int64_t amount)
{
    struct account *account = m->late->account;
    struct effect *effect = &m->late->engine->effect;
    const struct grant *grant = account->grants[net->grant - 1];
    struct scrip_entry_row *entry;

    ARRAY_ROOM(effect->entries, effect->entry_count, effect->entry_room);
    entry = &effect->entries[effect->entry_count++];
    entry->account = account->row.name;
    entry->number = ++account->row.entry_count;
    entry->event = account->row.event_count;
    entry->line = net->line;
    entry->time_us = net->time_us;
    entry->event_time_us = m->own->shown.time_us;
    entry->debit = amount > 0 ? net->debit : net->credit;
    entry->credit = amount > 0 ? net->credit : net->debit;
    entry->grant = net->grant;
    entry->terms = grant->terms->row.number;
    entry->amount = amount > 0 ? amount : -amount;
    entry->of = net->of == account->row.event_count ? 0 : net->of;
}

static void entries_differ(struct making *m, const struct making *before)
{
    for (size_t i = 0; i < before->entry_count; i++) {
        const struct scrip_grant_row *row = &before->scratch->grants[before->entries[i].grant - 1]->row;

        net_add(m, &before->entries[i], account_grant_find(m->late->account, row->id, row->id_size)->row.number, -1);
    }
    for (size_t i = 0; i < m->entry_count; i++)
        net_add(m, &m->entries[i], m->grants[m->entries[i].grant - 1]->row.number, 1);
    if (m->net_count)
        qsort(m->nets, m->net_count, sizeof *m->nets, by_net);
    for (size_t i = 0, next; i < m->net_count; i = next) {
        wide amount = 0;

        for (next = i; next < m->net_count && by_net(&m->nets[i], &m->nets[next]) == 0; next++)
            amount += m->nets[next].amount;
        if (amount != 0)
            net_post(m, &m->nets[i], (int64_t)amount);
    }
}

/* By names as they are written, so that every run finds the same order. */
static int by_note(const void *left, const void *right)
{
    const struct usage_note *a = left, *b = right;
    const struct scrip_name *const names[][2] = { { a->row.product, b->row.product },
                                                  { a->row.user, b->row.user },
                                                  { a->row.service, b->row.service },
                                                  { a->row.class_name, b->row.class_name } };
    uint64_t rates[] = { a->rate ? a->rate->row.number : 0, b->rate ? b->rate->row.number : 0 };
    int order;

    if (a->time_us != b->time_us)
        return a->time_us < b->time_us ? -1 : 1;
    for (size_t i = 0; i < 4; i++)
        if ((order = strcmp(names[i][0]->text, names[i][1]->text)) != 0)
            return order;
    return (rates[0] > rates[1]) - (rates[0] < rates[1]);
}

/* What was added before goes off what is added now; what is left is the change. */
static void notes_differ(struct making *m, const struct making *before)
{
    struct effect *effect = &m->late->engine->effect;
    struct note_list *made = &m->made;

    for (size_t i = 0; i < before->made.count; i++) {
        const struct usage_note *note = &before->made.notes[i];

        ARRAY_ROOM(made->notes, made->count, made->room);
        made->notes[made->count] = *note;
        made->notes[made->count].row.amount = -note->row.amount;
        made->notes[made->count++].row.charge_count = -note->row.charge_count;
    }
    if (made->count > 1)
        qsort(made->notes, made->count, sizeof *made->notes, by_note);
    for (size_t i = 0, next; i < made->count; i = next) {
        struct usage_note sum = made->notes[i];

        for (next = i + 1; next < made->count && by_note(&made->notes[i], &made->notes[next]) == 0; next++) {
            sum.row.amount += made->notes[next].row.amount;
            sum.row.charge_count += made->notes[next].row.charge_count;
        }
        if (sum.row.amount == 0 && sum.row.charge_count == 0)
            continue;
        ARRAY_ROOM(effect->notes, effect->note_count, effect->note_room);
        effect->notes[effect->note_count++] = sum;
    }
}

/* ---- all of it ------------------------------------------------------------------------------------------------ */

static void row_merge(struct making *m)
{
    struct scrip_account_row *row = &m->late->account->row;
    const struct scrip_account_row *made = &m->scratch->row;

    row->clock_us = made->clock_us;
    row->clock_rank = made->clock_rank;
    row->clock_event = made->clock_event;
    row->closed_us = made->closed_us > row->closed_us ? made->closed_us : row->closed_us;
    m->late->account->last_source = m->scratch->last_source;
    memcpy(m->late->account->last_id, m->scratch->last_id, sizeof m->late->account->last_id);
}

void late_merge(struct making *m, struct making *before)
{
    struct late *late = m->late;
    struct effect *effect = &late->engine->effect;

    effect->entry_count = effect->note_count = effect->departure_count = effect->paid_count = 0;
    late->account->row.event_count++;
    row_merge(m);
    grants_merge(m);
    claims_merge(m);
    limits_merge(m);
    if (late->asks)
        states_merge(m);
    account_restart(late->account);
    entries_differ(m, before);
    notes_differ(m, before);
}
