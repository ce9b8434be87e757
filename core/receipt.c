/* receipt.c - a line that stands for all that is recorded, and its check later: "scrip1 INSTANT EVENTS HEAD".
 *
 * The head is a hash over every account's name, number of events and head. The check replays each account up to the
 * events that had been recorded by the instant; a changed, missing or added event among them changes the head. */
#include "ask.h"

#include "calendar.h"
#include "hash.h"
#include "replay.h"

#include <inttypes.h>
#include <stdio.h>

struct summing {
    struct scrip *scrip;
    struct bytes all;
    uint64_t events;
    int64_t until_us; /* SCRIP_TIME_NONE: all that is there, with the heads as they stand */
    int64_t newest_us;
    uint64_t last; /* event of the account at hand */
    struct scrip_error *err;
};

static void account_sum(struct summing *s, const struct scrip_name *name, uint64_t events, const uint8_t *head)
{
    if (events == 0)
        return;
    bytes_add_text(&s->all, name->text, name->size);
    bytes_add_number(&s->all, events);
    bytes_add(&s->all, head, HASH_SIZE);
    s->events += events;
}

static int batch_newest(void *sink, const void *found)
{
    struct summing *s = sink;
    const struct scrip_batch_row *row = found;

    if (row->recorded_us > s->newest_us)
        s->newest_us = row->recorded_us;
    return SCRIP_OK;
}

static int batch_last(void *sink, const void *found)
{
    struct summing *s = sink;
    const struct scrip_batch_row *row = found;

    if (row->recorded_us <= s->until_us && row->last > s->last)
        s->last = row->last;
    return SCRIP_OK;
}

/* The number of the last event of an account that had been recorded by an instant. */
int recorded_until(struct scrip *scrip, const char *account, int64_t until_us, uint64_t *out, struct scrip_error *err)
{
    struct summing s = { .scrip = scrip, .until_us = until_us };
    struct scrip_scan scan = { .table = SCRIP_TABLE_BATCHES,
                               .account = account,
                               .from_period = INT64_MIN,
                               .to_period = INT64_MAX,
                               .row = batch_last,
                               .sink = &s };
    int code = host_scan(scrip, &scan, err);

    *out = s.last;
    return code;
}

static int account_now(void *sink, const struct scrip_account_row *row)
{
    account_sum(sink, row->name, row->event_count, row->head);
    return SCRIP_OK;
}

static int account_then(void *sink, const struct scrip_account_row *row)
{
    struct summing *s = sink;
    struct replay replay;
    uint64_t last;
    int code = recorded_until(s->scrip, row->name->text, s->until_us, &last, s->err);

    if (code < 0 || last == 0)
        return code;
    replay_open(&replay, s->scrip, s->err);
    replay.until = last;
    code = replay_account(&replay, row->name);
    if (code == SCRIP_OK)
        account_sum(s, row->name, replay.account->row.event_count, replay.account->row.head);
    replay_close(&replay);
    return code;
}

static void head_write(struct summing *s, char hex[2 * HASH_SIZE + 1])
{
    uint8_t head[HASH_SIZE];

    hash_strong(s->all.start, s->all.size, head);
    hash_hex(head, sizeof head, hex);
    free(s->all.start);
}

int scrip_receipt(struct scrip *scrip, char receipt[SCRIP_RECEIPT_SIZE], struct scrip_error *err)
{
    struct summing s = { .scrip = scrip, .newest_us = SCRIP_TIME_MIN, .err = err };
    struct scrip_scan scan = {
        .table = SCRIP_TABLE_BATCHES, .from_period = INT64_MIN, .to_period = INT64_MAX, .row = batch_newest, .sink = &s
    };
    char when[TIME_TEXT_SIZE], hex[2 * HASH_SIZE + 1];
    int code = scrip->reader ? accounts_each(scrip, NULL, account_now, &s, err)
                             : error_set(err, SCRIP_EINVALID, "host: opened without its store: open it to read");

    if (code == SCRIP_OK)
        code = host_scan(scrip, &scan, err);
    head_write(&s, hex);
    time_write(s.newest_us, when, sizeof when);
    snprintf(receipt, SCRIP_RECEIPT_SIZE, "scrip1 %s %" PRIu64 " %s", when, s.events, hex);
    return code;
}

int scrip_receipt_check(struct scrip *scrip, const char *receipt, int (*finding)(void *sink, const char *text),
                        void *sink, uint64_t *findings, struct scrip_error *err)
{
    struct summing s = { .scrip = scrip, .err = err };
    char when[TIME_TEXT_SIZE], wanted[2 * HASH_SIZE + 1], hex[2 * HASH_SIZE + 1], text[SCRIP_MESSAGE_SIZE];
    uint64_t events;
    int code;

    *findings = 0;
    if (sscanf(receipt, "scrip1 %39s %" SCNu64 " %64s", when, &events, wanted) != 3 ||
        strlen(wanted) != 2 * HASH_SIZE || time_parse(when, strlen(when), NULL, "", &s.until_us) < 0)
        return error_set(err, SCRIP_EINVALID,
                         "receipt: it is none: want the line that `scrip verify --receipt` printed");
    if (scrip->reader == NULL)
        return error_set(err, SCRIP_EINVALID, "host: opened without its store: open it to read");
    code = accounts_each(scrip, NULL, account_then, &s, err);
    head_write(&s, hex);
    if (code < 0)
        return code;
    if (s.events != events || strcmp(hex, wanted) != 0) {
        snprintf(text, sizeof text,
                 "receipt of %s: %" PRIu64 " events with head %.16s..., then recorded: %" PRIu64 " with %.16s...: "
                 "something among them was changed, taken out or put in",
                 when, events, wanted, s.events, hex);
        ++*findings;
        return finding ? finding(sink, text) : SCRIP_OK;
    }
    return SCRIP_OK;
}
