/* limits.c - amounts per period and scope that every matching charge must fit, too. */
#include "engine_inner.h"

#include "calendar.h"
#include "money.h"

#include <stdio.h>

/* ---- periods -------------------------------------------------------------------------------------------------- */

/* Periods of a calendar that are counted from an anchor are as long as the calendar's. */
static const char *anchored(const char *per)
{
    static const char *const names[][2] = {
        { "hour", "PT1H" }, { "day", "P1D" }, { "month", "P1M" }, { "year", "P1Y" }
    };

    for (size_t i = 0; i < 4; i++)
        if (strcmp(per, names[i][0]) == 0)
            return names[i][1];
    return per;
}

int64_t limit_period(const struct account *account, const struct limit *limit, int64_t time_us)
{
    const char *zone = account->zone ? account->zone : "UTC", *per = limit->row.per;
    int64_t anchor = limit->row.anchor_us, start, end;

    if (limit->row.per_size == 0)
        return SCRIP_TIME_MIN;
    if (anchor == SCRIP_TIME_NONE && strchr("hdmy", per[0]) && time_floor(time_us, per, zone, &start) == SCRIP_OK)
        return start;
    if (anchor == SCRIP_TIME_NONE && time_parse("1970-01-01", 10, NULL, zone, &anchor) < 0)
        anchor = 0;
    if (time_period(anchor, anchored(per), zone, time_us, &start, &end) < 0 || start == INT64_MIN)
        return SCRIP_TIME_MIN;
    return start;
}

/* The window of a period; made where there is none. The oldest goes where there is no room; NULL: older than all. */
static struct limit_window *window_at(struct limit *limit, int64_t start_us, int makes)
{
    size_t at = limit->window_count;

    while (at > 0 && limit->windows[at - 1].start_us > start_us)
        at--;
    if (at > 0 && limit->windows[at - 1].start_us == start_us)
        return &limit->windows[at - 1];
    if (!makes || (limit->window_count == LIMIT_WINDOWS && at == 0))
        return NULL;
    if (limit->window_count == LIMIT_WINDOWS) {
        memmove(limit->windows, limit->windows + 1, (LIMIT_WINDOWS - 1) * sizeof *limit->windows);
        limit->window_count--;
        at--;
    }
    memmove(limit->windows + at + 1, limit->windows + at, (limit->window_count - at) * sizeof *limit->windows);
    limit->window_count++;
    limit->windows[at] = (struct limit_window){ start_us, 0 };
    return &limit->windows[at];
}

/* ---- charges -------------------------------------------------------------------------------------------------- */

static int counts(const struct limit *limit, const struct event *event, const struct rate *rate, int64_t time_us)
{
    return limit->terms->row.currency == rate->terms->row.currency && time_us >= limit->since_us &&
           (limit->row.expires_us == SCRIP_TIME_NONE || time_us < limit->row.expires_us) &&
           scope_fits(&limit->scope, event, rate->row.service);
}

int64_t limits_room(const struct account *account, const struct payment *p, const struct limit **out)
{
    int64_t least = INT64_MAX;

    *out = NULL;
    for (size_t i = 0; i < account->limit_count; i++) {
        struct limit *limit = account->limits[i];
        const struct limit_window *window;
        int64_t room;

        if (!counts(limit, p->event, p->rate, p->time_us))
            continue;
        window = window_at(limit, limit_period(account, limit, p->time_us), 0);
        room = limit->row.amount - (window ? window->used : 0);
        if (room < least) {
            least = room;
            *out = limit;
        }
    }
    return least;
}

void limits_add(struct engine *engine, struct account *account, const struct event *event, const struct rate *rate,
                int64_t time_us, int64_t amount)
{
    for (size_t i = 0; i < account->limit_count && amount != 0; i++) {
        struct limit *limit = account->limits[i];
        struct limit_window *window;
        int64_t start, sum;

        if (!counts(limit, event, rate, time_us))
            continue;
        start = limit_period(account, limit, time_us);
        if ((window = window_at(limit, start, amount > 0)) == NULL || money_add(window->used, amount, &sum) < 0)
            continue;
        sum = sum < 0 ? 0 : sum; /* it was charged when the limit had ended, or had another scope */
        ARRAY_ROOM(engine->uses, engine->use_count, engine->use_room);
        engine->uses[engine->use_count++] = (struct limit_use){ limit, start, sum - window->used };
        window->used = sum;
        limit->is_dirty = 1;
    }
}

void limits_undo(struct engine *engine, size_t first_use)
{
    while (engine->use_count > first_use) {
        const struct limit_use *use = &engine->uses[--engine->use_count];
        struct limit_window *window = window_at(use->limit, use->start_us, 0);

        if (window != NULL)
            window->used -= use->amount;
    }
}

/* ---- the event ------------------------------------------------------------------------------------------------ */

int limit_apply(struct engine *engine, struct account *account, const struct event *event, const struct quote *quote)
{
    const char *id = event_text(event, SCRIP_F_LIMIT), *per = event_text(event, SCRIP_F_PER);
    struct scrip_limit_row row = { 0 };
    struct limit *limit;

    row.account = account->row.name;
    row.id = id[0] ? id : event->shown.id;
    row.id_size = strlen(row.id);
    row.event = account->row.event_count;
    row.terms = quote->terms->row.number;
    row.amount = quote->grant.balance[SCRIP_BOOK_ISSUED];
    row.per = per;
    row.per_size = strlen(per);
    row.anchor_us = event_time(event, SCRIP_F_ANCHOR);
    row.expires_us = event_time(event, SCRIP_F_EXPIRES);
    scope_from_event(event, &engine->scratch);
    row.scope = engine->scratch.text;
    row.scope_size = engine->scratch.size;
    limit = account_limit_find(account, row.id, row.id_size);
    if (limit == NULL) {
        row.number = ++account->row.limit_count;
        limit = account_limit_add(account, &row, quote->terms);
        limit->since_us = event->shown.time_us;
    } else if (limit->terms->row.currency != quote->terms->row.currency)
        return refuse(engine, "limit '%s': it is of %s: give a limit of %s another id", row.id,
                      limit->terms->row.currency->text, quote->terms->row.currency->text);
    else {
        /* What was used counts on where the periods are the same. */
        if (strcmp(limit->row.per, row.per) != 0 || limit->row.anchor_us != row.anchor_us) {
            limit->window_count = 0;
            limit->since_us = event->shown.time_us;
        }
        limit_set(limit, &row, quote->terms);
    }
    limit->is_dirty = 1;
    return SCRIP_APPLIED;
}
