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

/* ---- how far it goes ------------------------------------------------------------------------------------------- */

/* Before this instant nothing more is to be put in its place, as far as currencies say; INT64_MIN: any may be. */
int64_t late_horizon(const struct account *account)
{
    int64_t lag_us = 0, horizon_us;

    for (size_t i = 0; i < account->grant_count; i++)
        if (account->grants[i]->terms->row.settle_lag_us > lag_us)
            lag_us = account->grants[i]->terms->row.settle_lag_us;
    return __builtin_sub_overflow(account->row.clock_us, lag_us, &horizon_us) ? INT64_MIN : horizon_us;
}

/* The same as an event comes late: the next one may be twice as late. */
int64_t late_horizon_behind(const struct account *account, int64_t time_us)
{
    int64_t horizon_us = late_horizon(account), late_us, twice_us;

    if (__builtin_sub_overflow(account->row.clock_us, time_us, &late_us) ||
        __builtin_sub_overflow(time_us, late_us, &twice_us))
        return INT64_MIN;
    return horizon_us < twice_us ? horizon_us : twice_us < time_us ? twice_us : time_us;
}

/* How many rows from the first on stand before an instant, and before all rows behind them; *last: the last place of them. */
size_t late_base_settled(const struct past_rows *rows, int64_t horizon_us, struct place *last)
{
    const struct place **least = memory_get((rows->count + 1) * sizeof *least), *most = NULL;
    size_t found = 0;

    for (size_t i = rows->count; i-- > 0;)
        least[i] = i + 1 == rows->count || place_order(&rows->rows[i].place, least[i + 1]) < 0 ? &rows->rows[i].place
                                                                                               : least[i + 1];
    for (size_t i = 0; i + 1 < rows->count; i++) {
        if (most == NULL || place_order(&rows->rows[i].place, most) > 0)
            most = &rows->rows[i].place;
        if (most->time_us >= horizon_us)
            break;
        if (place_order(most, least[i + 1]) < 0) {
            found = i + 1;
            *last = *most;
        }
    }
    free(least);
    return found;
}
