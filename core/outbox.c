/* outbox.c - deliveries: rounds over the accounts, tries, and the positions that say how far each subscriber was told.
 *
 * A delivery that fails ends its account's turn; the other accounts go on. Positions are saved after they were reached:
 * what a crash leaves unsaved is delivered again, with the same ids. */
#include "outbox.h"

#include "calendar.h"
#include "hash.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define SAVE_COUNT 256 /* deliveries of a round until positions are saved, or so long */
#define SAVE_US (2 * SCRIP_SECOND)
#define UNREACHED_LIMIT 3 /* accounts in a row that say that nobody is there */

static int64_t clock_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * SCRIP_SECOND + now.tv_nsec / 1000;
}

int outbox_add(struct scrip *scrip, struct instance *report, struct scrip_error *err)
{
    struct outbox *outbox = scrip->outbox;

    if (!subscriber_is(report)) {
        if (report->plugin->api.report.row == NULL)
            return error_set(err, SCRIP_EINVALID,
                             "%s:%d: report/%s only delivers: say what, as events = charged, refused",
                             scrip->config->path, report->section->line, report->plugin->name);
        return SCRIP_OK;
    }
    if (outbox == NULL) {
        outbox = scrip->outbox = memory_get(sizeof *outbox);
        outbox->lock_fd = -1;
    }
    outbox->list = memory_grow(outbox->list, (outbox->count + 1) * sizeof *outbox->list);
    return subscriber_open(scrip, report, &outbox->list[outbox->count++], err);
}

void outbox_close(struct scrip *scrip)
{
    struct outbox *outbox = scrip->outbox;

    if (outbox == NULL)
        return;
    for (size_t i = 0; i < outbox->count; i++)
        subscriber_close(&outbox->list[i]);
    free(outbox->list);
    messages_free(&outbox->messages);
    if (outbox->lock_fd >= 0)
        close(outbox->lock_fd);
    free(outbox);
    scrip->outbox = NULL;
}

int scrip_has_subscribers(const struct scrip *scrip)
{
    return scrip->outbox != NULL;
}

/* ---- positions -------------------------------------------------------------------------------------------------- */

struct position *outbox_position(struct subscriber *subscriber, const struct scrip_name *account)
{
    struct position *position;

    if (account->number >= subscriber->position_room) {
        size_t room = (account->number + 1) * 2;

        subscriber->positions = memory_grow(subscriber->positions, room * sizeof *subscriber->positions);
        memset(subscriber->positions + subscriber->position_room, 0,
               (room - subscriber->position_room) * sizeof *subscriber->positions);
        subscriber->position_room = room;
    }
    position = subscriber->positions[account->number];
    if (position == NULL) {
        position = subscriber->positions[account->number] = memory_get(sizeof *position);
        position->account = account;
        position->told_us = position->due_us = SCRIP_TIME_MIN;
    }
    return position;
}

struct loading {
    struct scrip *scrip;
    struct subscriber *subscriber;
};

static int cursor_see(void *sink, const void *found)
{
    struct loading *loading = sink;
    const struct scrip_cursor_row *row = found;
    struct position *position;

    if (row->source != loading->subscriber->source)
        return SCRIP_OK;
    position = outbox_position(loading->subscriber, names_add(loading->scrip->names, row->feed, strlen(row->feed)));
    position->number = row->cursor.position;
    position->tries = row->cursor.line & UINT32_MAX;
    position->part = row->cursor.line >> 32;
    position->next_us = (int64_t)row->cursor.tail_size;
    position->told_us = row->cursor.tail_hash ? (int64_t)row->cursor.tail_hash : SCRIP_TIME_MIN;
    return SCRIP_OK;
}

int outbox_load(struct scrip *scrip, struct subscriber *subscriber, struct scrip_error *err)
{
    struct loading loading = { scrip, subscriber };
    struct scrip_scan scan = { .table = SCRIP_TABLE_CURSORS,
                               .from_period = INT64_MIN,
                               .to_period = INT64_MAX,
                               .row = cursor_see,
                               .sink = &loading };
    int code;

    if (subscriber->is_loaded)
        return SCRIP_OK;
    code = host_scan(scrip, &scan, err);
    subscriber->is_loaded = code == SCRIP_OK;
    return code;
}

static void position_touch(struct outbox *outbox, struct position *position)
{
    outbox->dirty_count += !position->is_dirty;
    position->is_dirty = 1;
}

static size_t cursors_collect(const struct outbox *outbox, struct scrip_cursor_row *rows)
{
    size_t count = 0;

    for (size_t i = 0; i < outbox->count; i++)
        for (size_t k = 0; k < outbox->list[i].position_room; k++) {
            const struct position *position = outbox->list[i].positions[k];

            if (position == NULL || !position->is_dirty)
                continue;
            rows[count].source = outbox->list[i].source;
            rows[count].feed = position->account->text;
            rows[count++].cursor =
                (struct scrip_cursor){ position->number, position->tries | position->part << 32,
                                       (uint64_t)position->next_us,
                                       position->told_us == SCRIP_TIME_MIN ? 0 : (uint64_t)position->told_us };
        }
    return count;
}

static void positions_clean(struct outbox *outbox)
{
    for (size_t i = 0; i < outbox->count; i++)
        for (size_t k = 0; k < outbox->list[i].position_room; k++)
            if (outbox->list[i].positions[k] != NULL)
                outbox->list[i].positions[k]->is_dirty = 0;
    outbox->dirty_count = 0;
}

/* In the host's own writing session; else in one that is open for this moment only, so that others may write. */
static int cursors_commit(struct scrip *scrip, const struct scrip_commit *commit, struct scrip_error *err)
{
    struct instance *session = scrip->writer;
    int code = SCRIP_OK;

    if (scrip->writer != NULL)
        code = batch_finish(scrip, err);
    else
        code = host_session(scrip, scrip->reader->section, SCRIP_SESSION_WRITE, &session, err);
    if (code >= 0) {
        error_clear(&session->error);
        code = store_of(session)->commit(&session->ctx, commit);
        if (code < 0)
            error_set(err, code, "store: %s", session->error.message);
    }
    if (scrip->writer == NULL && session != NULL) {
        instance_close(session);
        instance_free(session);
    }
    return code < 0 ? code : SCRIP_OK;
}

/* SCRIP_EBUSY: another one writes; they wait. */
static int positions_save(struct scrip *scrip, struct scrip_error *err)
{
    struct outbox *outbox = scrip->outbox;
    struct scrip_commit commit = { 0 };
    struct scrip_cursor_row *rows;
    int code;

    outbox->saved_us = clock_now();
    outbox->unsaved_count = 0;
    if (outbox->dirty_count == 0)
        return SCRIP_OK;
    rows = memory_get(outbox->dirty_count * sizeof *rows);
    commit.cursors = rows;
    commit.cursor_count = cursors_collect(outbox, rows);
    commit.recorded_us = outbox->saved_us;
    code = cursors_commit(scrip, &commit, err);
    if (code == SCRIP_OK)
        positions_clean(outbox);
    free(rows);
    return code;
}

/* ---- one delivery ----------------------------------------------------------------------------------------------- */

struct round {
    struct scrip *scrip;
    struct outbox *outbox;
    struct subscriber *subscriber;
    const struct scrip_deliver_options *options;
    struct scrip_deliver_totals *totals;
    int64_t horizon_us, now_us;
    int unreached; /* in a row */
    struct scrip_error *err;
};

static int is_over(const struct round *round)
{
    return round->options->is_over != NULL && round->options->is_over(round->options->sink);
}

/* "t=SECONDS,v1=HEX" */
static void signature_write(const struct subscriber *subscriber, const struct message *message, char *out, size_t size)
{
    char stamp[24], hex[HASH_SIGNATURE_SIZE];
    int stamp_size;

    out[0] = 0;
    if (subscriber->key == NULL)
        return;
    stamp_size = snprintf(stamp, sizeof stamp, "%" PRId64 ".", clock_now() / SCRIP_SECOND);
    hash_sign(subscriber->key, subscriber->key_size, stamp, (size_t)stamp_size, message->body, message->size, hex);
    snprintf(out, size, "t=%.*s,v1=%s", stamp_size - 1, stamp, hex);
}

static int message_deliver(struct round *round, const struct position *position, const struct message *message)
{
    struct instance *report = round->subscriber->instance;
    char signature[HASH_SIGNATURE_SIZE + 40];
    struct scrip_delivery delivery = { .id = message->id,
                                       .account = position->account->text,
                                       .body = message->body,
                                       .size = message->size,
                                       .signature = signature,
                                       .attempt = position->tries + 1 };

    signature_write(round->subscriber, message, signature, sizeof signature);
    error_clear(&report->error);
    return report->plugin->api.report.deliver(&report->ctx, &delivery);
}

/* The n-th wait is twice the one before it, up to a limit. */
static int64_t wait_of(const struct subscriber *subscriber, uint64_t tries)
{
    int64_t wait = subscriber->first_wait_us;

    for (uint64_t i = 1; i < tries && wait < subscriber->most_wait_us; i++)
        wait *= 2;
    return wait < subscriber->most_wait_us ? wait : subscriber->most_wait_us;
}

static void delivery_failed(struct round *round, struct position *position, const struct message *message, int code)
{
    const struct instance *report = round->subscriber->instance;
    const struct scrip_deliver_options *options = round->options;

    position->tries++;
    position->next_us = clock_now() + wait_of(round->subscriber, position->tries);
    /* Alerts are told in order of their instants: what comes behind this one is told when it is. */
    if (message->told_us != SCRIP_TIME_MIN && message->told_us <= position->told_us)
        position->told_us = message->told_us - 1;
    position_touch(round->outbox, position);
    round->unreached = code == SCRIP_EIO ? round->unreached + 1 : 0;
    if (options->failed != NULL)
        options->failed(options->sink, report->ctx.instance, message->id,
                        report->error.message[0] ? report->error.message : "failed without a word");
}

static uint64_t id_hash(const char *id)
{
    return (hash_short(id, strlen(id)) >> 33) | 1;
}

static void position_move(struct round *round, struct position *position, const struct message *message)
{
    position->tries = 0;
    position->next_us = 0;
    position->part = message->is_last ? 0 : id_hash(message->id);
    if (message->is_last) {
        position->number = message->number;
        if (message->told_us > position->told_us)
            position->told_us = message->told_us;
    }
    position_touch(round->outbox, position);
}

static int save_now_and_then(struct round *round)
{
    struct outbox *outbox = round->outbox;
    int code;

    if (++outbox->unsaved_count < SAVE_COUNT && clock_now() - outbox->saved_us < SAVE_US + round->options->save_wait_us)
        return SCRIP_OK;
    code = positions_save(round->scrip, round->err);
    return code == SCRIP_EBUSY ? SCRIP_OK : code;
}

/* ---- an account's turn ------------------------------------------------------------------------------------------ */

/* The first that was not delivered yet, of those that are told together first. */
static size_t messages_first(const struct message_list *messages, const struct position *position)
{
    for (size_t i = 0; position->part && i < messages->count && !messages->list[i].is_last; i++)
        if (id_hash(messages->list[i].id) == position->part)
            return i + 1;
    return 0;
}

/* 1: all of them; 0: one failed, or it is over. */
static int messages_deliver(struct round *round, struct position *position)
{
    const struct message_list *messages = &round->outbox->messages;
    int code;

    for (size_t i = messages_first(messages, position); i < messages->count; i++) {
        const struct message *message = &messages->list[i];

        if (is_over(round))
            return 0;
        code = message_deliver(round, position, message);
        if (code < 0) {
            delivery_failed(round, position, message, code);
            return 0;
        }
        round->unreached = 0;
        round->totals->delivered++;
        position_move(round, position, message);
        if ((code = save_now_and_then(round)) < 0)
            return code;
    }
    return 1;
}

/* The first of them is passed over. */
static int messages_skip(struct round *round, struct position *position)
{
    const struct message_list *messages = &round->outbox->messages;

    if (messages->count == 0)
        return 1;
    round->totals->skipped++;
    position_move(round, position, &messages->list[messages_first(messages, position)]);
    return 0;
}

static int account_deliver(struct round *round, struct position *position, uint64_t last)
{
    int64_t due_us;
    uint64_t until;
    int code;

    do {
        code = story_tell(round->scrip, round->subscriber, position, last, round->horizon_us, &round->outbox->messages,
                          &until, &due_us, round->err);
        if (code == SCRIP_OK)
            code = round->options->is_skip ? messages_skip(round, position) : messages_deliver(round, position);
        if (code == 1 && until != position->number) {
            position->number = until;
            position_touch(round->outbox, position);
        }
        if (code == 1)
            position->due_us = due_us;
    } while (code == 1 && until < last);
    messages_clear(&round->outbox->messages);
    return code < 0 ? code : SCRIP_OK;
}

/* 1: there may be something to tell. */
static int is_behind(const struct round *round, const struct position *position, uint64_t last)
{
    return position->number < last || (round->subscriber->rule_count > 0 && position->due_us <= round->horizon_us);
}

/* Its events cannot be told; the other accounts go on. */
static void account_broken(struct round *round, const char *account, const char *why)
{
    const struct scrip_deliver_options *options = round->options;

    round->totals->failed++;
    if (options->failed != NULL)
        options->failed(options->sink, round->subscriber->instance->ctx.instance, account, why);
}

static int account_turn(struct round *round, const struct scrip_account_row *row)
{
    struct position *position = outbox_position(round->subscriber, row->name);
    struct scrip_deliver_totals *totals = round->totals;
    uint64_t last = row->event_count;
    int code = SCRIP_OK, is_given_up = position->tries >= round->subscriber->tries;
    int may_try =
        round->options->is_retry || round->options->is_skip || (!is_given_up && position->next_us <= round->now_us);

    if (position->number > last) {
        account_broken(round, row->name->text,
                       "its position is behind its last event: is the store older than its cursors?");
        return SCRIP_OK;
    }
    if (is_behind(round, position, last) && may_try && round->unreached < UNREACHED_LIMIT && !is_over(round))
        code = account_deliver(round, position, last);
    if (code == SCRIP_EINVALID) {
        account_broken(round, row->name->text, round->err->message);
        error_clear(round->err);
        code = SCRIP_OK;
    }
    is_given_up = position->tries >= round->subscriber->tries;
    totals->given_up += is_given_up;
    totals->failed += position->tries > 0 && !is_given_up;
    totals->waiting += last - position->number;
    return code;
}

struct account_list {
    struct scrip_account_row *rows;
    size_t count, room;
};

/* A delivery takes its time, and a scan should not: so accounts are listed first. */
static int account_note(void *sink, const struct scrip_account_row *row)
{
    struct account_list *list = sink;

    ARRAY_ROOM(list->rows, list->count, list->room);
    list->rows[list->count++] = *row; /* of which its name and its count are looked at */
    return SCRIP_OK;
}

static int round_run(struct round *round)
{
    const struct subscriber *subscriber = round->subscriber;
    const char *only = round->options->account ? round->options->account : subscriber->account;
    struct account_list list = { 0 };
    int code = outbox_load(round->scrip, round->subscriber, round->err);

    if (subscriber->account != NULL && only != NULL && strcmp(only, subscriber->account) != 0)
        return code;
    if (code == SCRIP_OK)
        code = accounts_each(round->scrip, only, account_note, &list, round->err);
    for (size_t i = 0; i < list.count && code == SCRIP_OK; i++)
        code = account_turn(round, &list.rows[i]);
    free(list.rows);
    return code;
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

/* One at a time: two that deliver would get each other's order wrong. The lock is the configuration's own file. */
static int outbox_lock(struct scrip *scrip, struct scrip_error *err)
{
    struct outbox *outbox = scrip->outbox;

    if (outbox->lock_fd >= 0)
        return SCRIP_OK;
    outbox->lock_fd = open(scrip->config->path, O_RDONLY | O_CLOEXEC);
    if (outbox->lock_fd < 0)
        return error_set(err, SCRIP_EIO, "%s: %s", scrip->config->path, strerror(errno));
    if (flock(outbox->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return SCRIP_OK;
    close(outbox->lock_fd);
    outbox->lock_fd = -1;
    return error_set(err, SCRIP_EBUSY, "%s: another scrip delivers for it: wait until it is done, or stop it",
                     scrip->config->path);
}

static struct subscriber *subscriber_find(const struct outbox *outbox, const char *name, struct scrip_error *err)
{
    char known[160] = "";
    size_t used = 0;

    for (size_t i = 0; i < outbox->count; i++) {
        if (strcmp(outbox->list[i].instance->ctx.instance, name) == 0)
            return &outbox->list[i];
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
                                     outbox->list[i].instance->ctx.instance);
    }
    text_trim(known);
    error_set(err, SCRIP_EINVALID, "subscriber '%s': there is none: want one of %s", name, known);
    return NULL;
}

static int options_check(struct scrip *scrip, const struct scrip_deliver_options *options, struct subscriber **only,
                         struct scrip_error *err)
{
    *only = NULL;
    if (scrip->outbox == NULL)
        return error_set(err, SCRIP_EINVALID,
                         "%s: no subscriber: add a section such as [report/hook shop] with url = ... and "
                         "events = charged, refused",
                         scrip->config->path);
    if (scrip->reader == NULL)
        return error_set(err, SCRIP_EINVALID, "host: opened without its store: open it to read or write");
    if (options->is_skip && (options->subscriber == NULL || options->account == NULL))
        return error_set(err, SCRIP_EINVALID, "skip: of whom: name the subscriber and the account");
    if (options->subscriber == NULL)
        return SCRIP_OK;
    *only = subscriber_find(scrip->outbox, options->subscriber, err);
    return *only ? SCRIP_OK : SCRIP_EINVALID;
}

int scrip_deliver(struct scrip *scrip, const struct scrip_deliver_options *options, struct scrip_deliver_totals *totals,
                  struct scrip_error *err)
{
    static const struct scrip_deliver_options plain = { .as_of_us = SCRIP_TIME_NONE };
    struct scrip_error save_err = { 0 };
    struct subscriber *only;
    struct round round = { .scrip = scrip, .options = options ? options : &plain, .totals = totals, .err = err };
    int code = options_check(scrip, round.options, &only, err), saved = SCRIP_OK;

    memset(totals, 0, sizeof *totals);
    for (size_t i = 0; code == SCRIP_OK && i < scrip->outbox->count; i++)
        if (only == NULL || only == &scrip->outbox->list[i])
            code = subscriber_key_read(&scrip->outbox->list[i], err);
    if (code == SCRIP_OK)
        code = outbox_lock(scrip, err);
    if (code < 0)
        return code;
    round.outbox = scrip->outbox;
    round.now_us = clock_now();
    round.horizon_us = round.options->as_of_us == SCRIP_TIME_NONE ? round.now_us : round.options->as_of_us;
    for (size_t i = 0; i < round.outbox->count && code == SCRIP_OK; i++) {
        round.subscriber = &round.outbox->list[i];
        round.unreached = 0;
        if (only == NULL || only == round.subscriber)
            code = round_run(&round);
    }
    if (clock_now() - round.outbox->saved_us >= round.options->save_wait_us)
        saved = positions_save(scrip, &save_err);
    totals->unsaved = round.outbox->dirty_count;
    if (code == SCRIP_OK && saved < 0 && saved != SCRIP_EBUSY) {
        *err = save_err;
        code = saved;
    }
    return code;
}
