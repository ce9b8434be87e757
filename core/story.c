/* story.c - an account's events again, as a subscriber is told them: each with what it brought and the balances after
 * it, and in between the alerts that time alone brings.
 *
 * The account is replayed from its last checkpoint before the position. What falls due between two events is run at its
 * own instant, which is what the next event would do: so an alert has the instant of what it is about, whether it is
 * told before that event comes or after. */
#include "outbox.h"
#include "replay.h"

#include "calendar.h"

struct story {
    struct scrip *scrip;
    const struct subscriber *subscriber;
    const struct position *position;
    struct replay replay;
    struct message_list *out;
    struct scrip_entry_row *entries; /* since the last event */
    size_t entry_count, entry_room;
    struct burn burn;
    int *was_below; /* by rule: alert_is_below, as it was last seen */
    int has_dates, has_balances, has_burns;
    struct json_out scratch;
};

static uint64_t story_at(const struct story *story)
{
    return story->replay.account->row.event_count;
}

/* ---- groups: what is told together ------------------------------------------------------------------------------ */

/* The messages since `first` were the last of their instant: a position moves over all of them, or none. */
static void group_end(struct story *story, size_t first, int64_t told_us)
{
    for (size_t i = first; i < story->out->count; i++) {
        story->out->list[i].told_us = told_us;
        story->out->list[i].is_last = i + 1 == story->out->count;
    }
}

/* What an alert comes of: the event at hand, or time alone. */
enum tell { TELL_NOT, TELL_OF_EVENT, TELL_OF_TIME };

static void alert(struct story *story, const struct alert_rule *rule, enum tell tell, int64_t time_us,
                  const struct grant *grant, const struct claim *hold, wide amount)
{
    if (time_us >= story->subscriber->since_us)
        message_alert(story->out, story->replay.account, rule, tell == TELL_OF_EVENT, time_us, grant, hold, amount);
}

/* ---- balances --------------------------------------------------------------------------------------------------- */

/* Sees how each balance is now; tells of those that were not below before. */
static void balances_see(struct story *story, int64_t time_us, enum tell tell)
{
    for (size_t i = 0; i < story->subscriber->rule_count; i++) {
        const struct alert_rule *rule = &story->subscriber->rules[i];
        wide available;
        int is_below;

        if (rule->kind != ALERT_BALANCE)
            continue;
        is_below = alert_is_below(rule, story->replay.account, &available);
        if (tell != TELL_NOT && is_below == 1 && story->was_below[i] == 0)
            alert(story, rule, tell, time_us, NULL, NULL, available);
        story->was_below[i] = is_below;
    }
}

/* ---- grants that expire, holds that stay ------------------------------------------------------------------------ */

static wide grant_left(const struct grant *grant)
{
    return (wide)grant->row.balance[SCRIP_BOOK_AVAILABLE] + grant->row.balance[SCRIP_BOOK_HELD];
}

typedef void dated_see(struct story *story, const struct alert_rule *rule, int64_t due_us, const struct grant *grant,
                       const struct claim *hold, void *sink);

/* Calls for each rule with a date and each grant or hold that has one. */
static void dated_each(struct story *story, dated_see *see, void *sink)
{
    const struct account *account = story->replay.account;

    for (size_t i = 0; i < story->subscriber->rule_count; i++) {
        const struct alert_rule *rule = &story->subscriber->rules[i];

        for (size_t k = 0; k < account->grant_count && rule->kind == ALERT_EXPIRING; k++)
            if (grant_left(account->grants[k]) > 0)
                see(story, rule, alert_grant_due(rule, account, account->grants[k]), account->grants[k], NULL, sink);
        for (size_t k = 0; k < account->open_hold_count && rule->kind == ALERT_HOLD; k++)
            see(story, rule, alert_hold_due(rule, account, account->open_holds[k]), NULL, account->open_holds[k], sink);
    }
}

static void dated_tell(struct story *story, const struct alert_rule *rule, int64_t time_us, const struct grant *grant,
                       const struct claim *hold)
{
    alert(story, rule, TELL_OF_TIME, time_us, grant, hold, grant ? grant_left(grant) : hold->row.amount);
}

/* Those whose time had come when the event made them. */
static void born_see(struct story *story, const struct alert_rule *rule, int64_t due_us, const struct grant *grant,
                     const struct claim *hold, void *sink)
{
    const struct scrip_account_row *row = &story->replay.account->row;

    (void)sink;
    if ((grant ? grant->row.event : hold->row.event) == row->event_count && due_us <= row->clock_us)
        dated_tell(story, rule, row->clock_us, grant, hold);
}

/* Those whose time is now. What was there at the position was told of then, as far as alerts were told; what came since
 * was not. */
static void due_see(struct story *story, const struct alert_rule *rule, int64_t due_us, const struct grant *grant,
                    const struct claim *hold, void *sink)
{
    int is_new = (grant ? grant->row.event : hold->row.event) > story->position->number;

    if (due_us == *(const int64_t *)sink && (due_us > story->position->told_us || is_new))
        dated_tell(story, rule, due_us, grant, hold);
}

static void first_see(struct story *story, const struct alert_rule *rule, int64_t due_us, const struct grant *grant,
                      const struct claim *hold, void *sink)
{
    int64_t *first = sink;

    (void)rule, (void)grant, (void)hold;
    if (due_us > story->replay.account->row.clock_us && due_us < *first)
        *first = due_us;
}

/* ---- between two events ----------------------------------------------------------------------------------------- */

/* The next instant behind the clock at which anything falls due. */
static int64_t due_next(struct story *story)
{
    const struct account *account = story->replay.account;
    int64_t next = SCRIP_TIME_MAX;

    if (!story->has_dates && !story->has_balances)
        return next;
    dated_each(story, first_see, &next);
    if (account->timer_count > 0 && account->timers[0].due_us < next)
        next = account->timers[0].due_us > account->row.clock_us ? account->timers[0].due_us : account->row.clock_us;
    return next;
}

static void entries_keep(struct story *story, const struct effect *effect)
{
    for (size_t i = 0; i < effect->entry_count; i++) {
        ARRAY_ROOM(story->entries, story->entry_count, story->entry_room);
        story->entries[story->entry_count++] = effect->entries[i];
    }
}

/* What is due by an instant, as a part of the event to come: its entries bear that event's number. */
static void due_run(struct story *story, int64_t time_us)
{
    struct replay *replay = &story->replay;

    replay->account->row.event_count++;
    engine_timers(&replay->engine, replay->account, time_us);
    replay->account->row.event_count--;
    replay_keep(replay);
    entries_keep(story, &replay->engine.effect);
}

/* Up to an instant, included. Answers when the next is due. */
static int64_t gap_tell(struct story *story, int64_t until_us)
{
    int64_t next;

    while ((next = due_next(story)) <= until_us) {
        size_t first = story->out->count;
        int is_later = next > story->replay.account->row.clock_us; /* else the event told of what is dated */

        due_run(story, next);
        balances_see(story, next, next > story->position->told_us ? TELL_OF_TIME : TELL_NOT);
        if (is_later)
            dated_each(story, due_see, &next);
        group_end(story, first, next);
    }
    return next;
}

/* ---- events ----------------------------------------------------------------------------------------------------- */

static void burns_see(struct story *story, int64_t time_us, int tells)
{
    const struct account *account = story->replay.account;
    size_t count = story->subscriber->rule_count;
    wide *before = memory_get((count + 1) * sizeof *before);

    for (size_t i = 0; i < count && tells; i++)
        if (story->subscriber->rules[i].kind == ALERT_BURN)
            before[i] = burn_sum(&story->burn, &story->subscriber->rules[i], account, account->row.clock_us);
    for (size_t i = 0; i < story->entry_count; i++)
        burn_add(&story->burn, prices_terms_at(story->scrip->prices, story->entries[i].terms), &story->entries[i]);
    for (size_t i = 0; i < count && tells; i++) {
        const struct alert_rule *rule = &story->subscriber->rules[i];
        wide after;

        if (rule->kind != ALERT_BURN)
            continue;
        after = burn_sum(&story->burn, rule, account, account->row.clock_us);
        if (before[i] <= rule->amount && after > rule->amount)
            alert(story, rule, TELL_OF_EVENT, time_us, NULL, NULL, after);
    }
    free(before);
}

static int event_before(void *sink, struct replay *replay, const struct event *event)
{
    struct story *story = sink;

    /* A late event is not reached by time. */
    if (story_at(story) >= story->position->number && event->shown.time_us > replay->account->row.clock_us)
        gap_tell(story, event->shown.time_us - 1);
    return SCRIP_OK;
}

static int event_after(void *sink, struct replay *replay, const struct event *event)
{
    struct story *story = sink;
    const struct subscriber *subscriber = story->subscriber;
    int is_news = replay->row->number > story->position->number;
    size_t first = story->out->count;

    entries_keep(story, &replay->engine.effect);
    if (is_news && (subscriber->outcomes & 1u << replay->row->outcome) && event->shown.time_us >= subscriber->since_us)
        message_event(story->out, &story->scratch, replay, event, story->entries, story->entry_count);
    if (story->has_burns)
        burns_see(story, event->shown.time_us, is_news);
    if (story->has_balances)
        balances_see(story, event->shown.time_us, is_news ? TELL_OF_EVENT : TELL_NOT);
    if (story->has_dates && is_news)
        dated_each(story, born_see, NULL);
    group_end(story, first, SCRIP_TIME_MIN);
    story->entry_count = 0;
    return SCRIP_OK;
}

/* ---- start and end ---------------------------------------------------------------------------------------------- */

/* What was used before the checkpoint, as far back as a rule looks. */
struct looking_back {
    struct story *story;
    int64_t from_us;
    uint64_t first, last; /* entries */
};

static int block_see(void *sink, const void *found)
{
    struct looking_back *back = sink;
    const struct scrip_checkpoint_row *row = found;

    if (row->latest_us > back->from_us)
        return SCRIP_OK;
    back->first = row->entry_count + 1;
    return 1;
}

static int entry_see(void *sink, const void *found)
{
    struct looking_back *back = sink;
    const struct scrip_entry_row *row = found;

    if (row->time_us > back->from_us)
        burn_add(&back->story->burn, prices_terms_at(back->story->scrip->prices, row->terms), row);
    return SCRIP_OK;
}

static int burn_load(struct story *story, const struct account *account, struct scrip_error *err)
{
    struct looking_back back = { .story = story, .from_us = INT64_MAX, .first = 1, .last = account->row.entry_count };
    struct scrip_scan scan = { .table = SCRIP_TABLE_CHECKPOINTS,
                               .account = account->row.name->text,
                               .descending = 1,
                               .to_number = account->row.event_count,
                               .from_period = INT64_MIN,
                               .to_period = INT64_MAX,
                               .row = block_see,
                               .sink = &back };
    int code;

    if (!story->has_burns || account->row.entry_count == 0)
        return SCRIP_OK;
    for (size_t i = 0; i < story->subscriber->rule_count; i++)
        if (story->subscriber->rules[i].kind == ALERT_BURN) {
            int64_t start = alert_start(&story->subscriber->rules[i], account, account->row.clock_us);

            back.from_us = start < back.from_us ? start : back.from_us;
        }
    code = host_scan(story->scrip, &scan, err);
    scan = (struct scrip_scan){ .table = SCRIP_TABLE_ENTRIES,
                                .account = account->row.name->text,
                                .from_number = back.first,
                                .to_number = back.last,
                                .from_period = INT64_MIN,
                                .to_period = INT64_MAX,
                                .row = entry_see,
                                .sink = &back };
    if (code >= 0 && back.first <= back.last)
        code = host_scan(story->scrip, &scan, err);
    return code < 0 ? code : SCRIP_OK;
}

static void story_clear(struct story *story)
{
    messages_clear(story->out);
    story->entry_count = story->burn.count = 0;
    for (size_t i = 0; i < story->subscriber->rule_count; i++)
        story->was_below[i] = -1;
}

/* From the last checkpoint; or from the first event, where there is none, or an event behind it was put in its place.
 */
static int story_run(struct story *story, const struct scrip_name *name, struct scrip_error *err)
{
    struct account *account = NULL;
    uint64_t number = story->position->number;
    int code = number ? checkpoint_account(story->scrip, name->text, number, &account, err) : SCRIP_OK;

    if (code == SCRIP_OK && account != NULL) {
        code = burn_load(story, account, err);
        story->replay.account = account;
        balances_see(story, SCRIP_TIME_MIN, TELL_NOT);
        if (code == SCRIP_OK)
            code = replay_behind(&story->replay, account);
        if (code < 0 || !story->replay.is_broken)
            return code;
        story_clear(story);
        story->replay.is_behind = 0;
        story->replay.base = 0;
    }
    return code < 0 ? code : replay_account(&story->replay, name);
}

static void story_open(struct story *story, uint64_t last)
{
    const struct subscriber *subscriber = story->subscriber;

    for (size_t i = 0; i < subscriber->rule_count; i++) {
        int kind = subscriber->rules[i].kind;

        story->has_balances |= kind == ALERT_BALANCE;
        story->has_burns |= kind == ALERT_BURN;
        story->has_dates |= kind == ALERT_EXPIRING || kind == ALERT_HOLD;
    }
    story->was_below = memory_get((subscriber->rule_count + 1) * sizeof *story->was_below);
    story->replay.before = event_before;
    story->replay.applied = event_after;
    story->replay.sink = story;
    story->replay.until = last;
    story_clear(story);
}

int story_tell(struct scrip *scrip, const struct subscriber *subscriber, const struct position *position, uint64_t last,
               int64_t horizon_us, struct message_list *out, uint64_t *until, int64_t *due_us, struct scrip_error *err)
{
    struct story story = { .scrip = scrip, .subscriber = subscriber, .position = position, .out = out };
    int code;

    *until = last - position->number > STORY_EVENTS ? position->number + STORY_EVENTS : last;
    *due_us = SCRIP_TIME_MAX;
    replay_open(&story.replay, scrip, err);
    story_open(&story, *until);
    code = host_snapshot(scrip, 1, err);
    if (code == SCRIP_OK)
        code = story_run(&story, position->account, err);
    if (code == SCRIP_OK && (story.replay.is_broken || story_at(&story) != *until))
        code = error_set(err, SCRIP_EINVALID, "its events are damaged: run verify");
    if (code == SCRIP_OK && *until == last)
        *due_us = gap_tell(&story, horizon_us);
    host_snapshot(scrip, 0, &(struct scrip_error){ 0 });
    replay_close(&story.replay);
    free(story.entries);
    free(story.burn.parts);
    free(story.was_below);
    json_free(&story.scratch);
    return code;
}
