/* late_base.c - what an account was before the events among which a late one may still stand. */
#include "late_inner.h"

#include <stdio.h>

struct late_base *late_base_make(const struct account *account, int is_empty)
{
    struct late_base *base = memory_get(sizeof *base);

    if (is_empty) {
        base->account = account_make(account->row.name);
        return base;
    }
    base->account = account_clone(account);
    base->number = account->row.event_count;
    memcpy(base->cut_id, account->last_id, sizeof base->cut_id);
    base->cut = (struct place){ account->row.clock_us, (int)account->row.clock_rank, "", base->cut_id };
    if (account->last_source != NULL)
        base->cut.source = account->last_source->text;
    else
        base->cut.rank = RANK_END; /* not known which was last: nothing of its instant stands behind it */
    base->rows.clock = base->cut;
    return base;
}

void late_base_free(struct late_base *base)
{
    if (base == NULL)
        return;
    account_free(base->account);
    past_rows_free(&base->rows);
    free(base->keepers);
    free(base);
}

int late_base_fits(const struct late_base *base, const struct event *event)
{
    struct place place = { event->shown.time_us, event_rank(event), event->source->text, event->shown.id };

    return base->cut.source == NULL || place_order(&place, &base->cut) > 0;
}

void late_base_advance(struct late_base *base, size_t count, const struct place *last)
{
    struct past_rows behind = { 0 };
    char id[sizeof base->cut_id];

    snprintf(id, sizeof id, "%s", last->id);
    memcpy(base->cut_id, id, sizeof id);
    base->cut = *last;
    base->cut.id = base->cut_id;
    base->number = base->rows.rows[count - 1].row.number;
    behind.clock = base->cut;
    for (size_t i = count; i < base->rows.count; i++)
        past_rows_put(&behind, &base->rows.rows[i].row); /* their prices are those that count */
    past_rows_free(&base->rows);
    base->rows = behind;
}
