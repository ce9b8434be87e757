/* check_store_tests.c - what every store must do, clause by clause of plugin.h. */
#include "check_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ATOMIC "All of it or nothing, whatever fails; durable when it returns."
#define FENCE "SCRIP_ECONFLICT when an account's first_number is not the one after its last"
#define KNOWN "or an event's (source, id) is known in the account: another writer was first."
#define AS_THEY_WENT_IN "All come back as they went in."
#define WHICH_ROWS "Which rows. 0, NULL and SCRIP_TIME_NONE leave a bound open."
#define SCHEMA "and READ refuse a missing schema (SCRIP_ENOTFOUND)"

/* ---- sessions ------------------------------------------------------------------------------------------------- */

static int row_found(void *sink, const void *row)
{
    (void)row;
    ++*(uint64_t *)sink;
    return SCRIP_OK;
}

/* Whether there is anything in a store that could be opened before the suite made it. */
static uint64_t rows_there(const struct check_instance *reader)
{
    uint64_t found = 0;

    for (uint32_t table = 0; table < SCRIP_TABLE_COUNT; table++) {
        struct scrip_scan scan = scan_for(table, NULL);

        scan.row = row_found;
        scan.sink = &found;
        store_api(reader)->scan(reader->ctx, &scan);
    }
    return found;
}

static void test_missing(struct check *check)
{
    static const int kinds[] = { SCRIP_SESSION_READ, SCRIP_SESSION_WRITE };
    struct suite *suite = calloc(1, sizeof *suite);

    *check_self(check) = suite;
    suite->check = check;
    suite->seed = 1;
    suite->host = check_host_open(check);
    for (int i = 0; i < 2 && !check_is_stopped(check); i++) {
        struct check_instance session;
        int code = check_open(suite->host, kinds[i], &session);

        if (code >= 0 && rows_there(&session) > 0)
            check_stop(check, "store: it has rows already: give the suite one of its own");
        else if (code >= 0 && !check_is_fresh(check))
            check_skip(check, "its schema was there already");
        else if (code != SCRIP_ENOTFOUND)
            check_break(check, NULL, "%s began with code %d where nothing was made yet, want %d", i ? "WRITE" : "READ",
                        code, SCRIP_ENOTFOUND);
        check_close(&session);
    }
}

static void test_init(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct build build = { .check = check };
    struct holder first;

    for (int again = 0; again < 2 && !check_is_broken(check); again++) {
        int code = check_open(suite->host, SCRIP_SESSION_INIT, &suite->writer);

        if (code < 0) {
            check_break(check, NULL, "INIT failed%s: %s", again ? " where the schema was there" : "",
                        check_message(&suite->writer));
            check_stop(check, "store: INIT failed: %s", check_message(&suite->writer));
            return;
        }
        suite->is_volatile = code == SCRIP_VOLATILE;
        if (check_open(suite->host, SCRIP_SESSION_READ, &suite->reader) < 0)
            check_break(check, NULL, "READ failed behind INIT: %s", check_message(&suite->reader));
        else if (!again) {
            holder_set(&first, "first");
            build_events(&build, &first, 1);
            build_keep(&build);
        }
        if (!check_is_broken(check))
            model_compare(suite, &suite->reader, NULL);
        suite_end(check);
    }
}

static void test_second_writer(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct check_host *other = check_host_open(check);
    struct check_instance second;
    int code;

    if (suite_start(check)) {
        code = check_open(suite->is_volatile ? suite->host : other, SCRIP_SESSION_WRITE, &second);
        suite->is_shared = code >= 0;
        if (code < 0 && code != SCRIP_EBUSY)
            check_break(check, NULL, "a second writer got code %d, want %d: %s", code, SCRIP_EBUSY,
                        check_message(&second));
        check_close(&second);
    }
    suite_end(check);
    /* What the first one held is free when it is closed. */
    if (!check_is_broken(check) && suite_start(check))
        suite_end(check);
    check_host_close(other);
}

/* ---- rows come back ------------------------------------------------------------------------------------------- */

/* A row of each table, of an account; number: of those that are numbered. */
static void build_all(struct build *build, struct holder *holder, uint64_t number)
{
    static const uint32_t tables[] = { SCRIP_TABLE_GRANTS, SCRIP_TABLE_CLAIMS, SCRIP_TABLE_LIMITS,
                                       SCRIP_TABLE_STATES, SCRIP_TABLE_TIMERS, SCRIP_TABLE_CHECKPOINTS,
                                       SCRIP_TABLE_MONTHS };
    struct suite *suite = suite_of(build->check);

    holder->timers++;
    build_events(build, holder, 3);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        const struct scrip_name *account = suite_name(suite, holder->name);
        char *row = build_add(build, tables[i]);

        memcpy(row + scrip_tables[tables[i]].account, &account, sizeof account);
        if (scrip_tables[tables[i]].number != SCRIP_NO_NUMBER)
            memcpy(row + scrip_tables[tables[i]].number, &number, sizeof number);
    }
    ((struct scrip_terms_row *)build_add(build, SCRIP_TABLE_TERMS))->number = suite->model[SCRIP_TABLE_TERMS].count + 1;
    ((struct scrip_rate_row *)build_add(build, SCRIP_TABLE_RATES))->number = suite->model[SCRIP_TABLE_RATES].count + 1;
    build_add(build, SCRIP_TABLE_CURSORS);
    build_add(build, SCRIP_TABLE_QUARANTINE);
}

static void test_rows(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct build build = { .check = check };
    struct holder holder;

    if (suite_start(check)) {
        holder_set(&holder, "rows");
        for (uint64_t n = 1; n < 4; n++) {
            build_all(&build, &holder, n);
            build_keep(&build);
        }
        model_compare(suite, &suite->reader, NULL);
    }
    suite_end(check);
}

static void test_replaced(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct build build = { .check = check };
    struct holder holder;

    if (suite_start(check)) {
        holder_set(&holder, "replaced");
        build_events(&build, &holder, 2);
        build_grant(&build, &holder, 1);
        build_grant(&build, &holder, 2);
        build_keep(&build);
        for (int again = 0; again < 2; again++) { /* what events change of a grant that is there */
            struct scrip_grant_row row = *(struct scrip_grant_row *)(void *)suite->model[SCRIP_TABLE_GRANTS].list;

            for (uint64_t i = 0; i < suite->model[SCRIP_TABLE_GRANTS].count; i++)
                if (((struct scrip_grant_row *)(void *)suite->model[SCRIP_TABLE_GRANTS].list)[i].account->size == 8)
                    row = ((struct scrip_grant_row *)(void *)suite->model[SCRIP_TABLE_GRANTS].list)[i];
            build_events(&build, &holder, 1);
            row.changed = holder.events;
            row.expires_us = again ? SCRIP_TIME_NONE : SCRIP_DAY;
            row.next_us = again ? SCRIP_DAY : SCRIP_TIME_NONE;
            for (int book = 0; book < SCRIP_BOOK_COUNT; book++)
                row.balance[book] = again ? INT64_MIN + book : INT64_MAX - book;
            *(struct scrip_grant_row *)build_add(&build, SCRIP_TABLE_GRANTS) = row;
            for (uint64_t n = 1; n < 3; n++) {
                struct scrip_limit_row *limit = build_add(&build, SCRIP_TABLE_LIMITS);

                limit->account = row.account;
                limit->number = n;
            }
            build_keep(&build);
        }
        model_compare(suite, &suite->reader, NULL);
    }
    suite_end(check);
}

static void test_extremes(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct build build = { .check = check };
    struct scrip_grant_row *grant;
    struct scrip_event_row *event;
    struct scrip_cursor_row *cursor;
    struct scrip_entry_row *entry;
    struct scrip_usage_row *day;
    struct holder holder;

    if (suite_start(check)) {
        holder_set(&holder, "extremes");
        build_events(&build, &holder, 1);
        event = (void *)build.rows[SCRIP_TABLE_EVENTS].list;
        event->has_quantity = event->has_amount = 1;
        event->quantity = (struct scrip_decimal){ INT64_MAX, SCRIP_ATTO - 1 };
        event->amount = (struct scrip_decimal){ INT64_MIN, 1 };
        event->digest = UINT64_MAX;
        event->time_us = SCRIP_TIME_MIN;
        entry = (void *)build.rows[SCRIP_TABLE_ENTRIES].list;
        entry[0].amount = INT64_MAX;
        entry[0].time_us = SCRIP_TIME_MAX - 1;
        entry[0].event_time_us = entry[1].event_time_us = SCRIP_TIME_MIN;
        day = (void *)build.rows[SCRIP_TABLE_DAYS].list;
        day[0].amount = INT64_MAX;
        day[1].amount = INT64_MIN;
        day[1].period = -25567; /* 1900 */
        for (int64_t sign = 0; sign < 2; sign++) {
            grant = build_grant(&build, &holder, (uint64_t)sign + 1);
            grant->floor = sign ? INT64_MIN : INT64_MAX;
            grant->has_priority = grant->has_cost = 1;
            grant->priority = sign ? INT64_MIN : INT64_MAX;
            grant->cost = (struct scrip_decimal){ sign ? INT64_MIN : INT64_MAX, 0 };
            for (int book = 0; book < SCRIP_BOOK_COUNT; book++)
                grant->balance[book] = sign ? INT64_MIN : INT64_MAX;
        }
        cursor = build_add(&build, SCRIP_TABLE_CURSORS);
        cursor->cursor = (struct scrip_cursor){ INT64_MAX, INT64_MAX, INT64_MAX, UINT64_MAX };
        build_account(&build)->clock_us = SCRIP_TIME_MAX - 1;
        build_account(&build)->closed_us = SCRIP_TIME_NONE;
        build_keep(&build);
        model_compare(suite, &suite->reader, AS_THEY_WENT_IN);
    }
    suite_end(check);
}

/* ---- texts and bytes ------------------------------------------------------------------------------------------ */

/* Names that a store might take for something else: words of query languages and its own, marks of patterns and quotes,
 * names that differ in case, in a space, or in how a letter is composed. */
static const char *const words[] = {
    "accounts",
    "select",
    "null",
    "NULL",
    "table",
    "user",
    "order",
    "group",
    "0",
    "-1",
    "1e5",
    "true",
    "names",
    "a'b\"c`d",
    "%",
    "_",
    "\\",
    "\\x00",
    "$1",
    "?1",
    ":a",
    "@a",
    "--",
    "/*",
    "; drop table events",
    "{}",
    "{a,b}",
    "(null)",
    "\xf0\x9f\x92\xb6",
    "Team",
    "team",
    "TEAM",
    "team ",
    " team",
    "e\xcc\x81",
    "\xc3\xa9",
    "\xef\xbb\xbf"
    "a",
    "a\xe2\x80\xae"
    "b",
    "name 1",
    "\xf4\x8f\xbf\xbf",
};

static void test_words(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct build build = { .check = check };

    if (suite_start(check)) {
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            struct scrip_cursor_row *cursor = build_add(&build, SCRIP_TABLE_CURSORS);
            struct scrip_event_row *event;
            struct holder holder;

            holder_set(&holder, words[i]);
            build_events(&build, &holder, 1);
            event = (struct scrip_event_row *)(void *)build.rows[SCRIP_TABLE_EVENTS].list + i;
            event->product = event->user = event->unit = suite_name(suite, words[i]);
            event->id = words[i];
            event->id_size = strlen(words[i]);
            cursor->source = suite_name(suite, words[i]);
            cursor->feed = words[sizeof words / sizeof *words - 1 - i];
        }
        build_keep(&build);
        model_compare(suite, &suite->reader, AS_THEY_WENT_IN);
    }
    suite_end(check);
}

static void test_bytes(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct build build = { .check = check };
    struct holder holder;
    uint8_t every[256];

    for (int i = 0; i < 256; i++)
        every[i] = (uint8_t)(255 - i); /* 0 is the last: what cuts at it loses one */
    if (suite_start(check)) {
        struct scrip_quarantine_row *quarantine;
        struct scrip_checkpoint_row *checkpoint;
        struct scrip_cursor_row *cursor;
        struct scrip_state_row *state;
        struct scrip_grant_row *grant;

        holder_set(&holder, "bytes");
        build_events(&build, &holder, 1);
        for (uint8_t i = 0; i < 4; i++) { /* keys that differ behind a NUL, or in it alone */
            static const char keys[4][4] = { "a\0b", "a\0c", "a\0", "\0\0" };

            state = build_add(&build, SCRIP_TABLE_STATES);
            state->account = build_account(&build)->name;
            state->service = suite_name(suite, "service");
            state->key = keys[i];
            state->key_size = i == 2 ? 1 : 3;
            state->value = every;
            state->value_size = sizeof every - i;
        }
        grant = build_grant(&build, &holder, 1);
        grant->order_key = every;
        grant->order_key_size = sizeof every;
        checkpoint = build_add(&build, SCRIP_TABLE_CHECKPOINTS);
        checkpoint->account = build_account(&build)->name;
        checkpoint->number = 1024;
        checkpoint->state = every;
        checkpoint->state_size = sizeof every;
        quarantine = build_add(&build, SCRIP_TABLE_QUARANTINE);
        quarantine->bytes = (const char *)every;
        quarantine->size = sizeof every;
        cursor = build_add(&build, SCRIP_TABLE_CURSORS);
        cursor->feed = "/feeds/\xff\xfe not utf-8 \x80.csv";
        build_keep(&build);
        model_compare(suite, &suite->reader, AS_THEY_WENT_IN);
    }
    suite_end(check);
}

static void test_limits(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct build build = { .check = check };
    struct holder holder;

    if (suite_start(check)) {
        char *large = malloc(SCRIP_ROW_SIZE), *name = malloc(SCRIP_NAME_SIZE + 1);
        struct scrip_quarantine_row *quarantine;
        struct scrip_state_row *state;
        struct scrip_event_row *event;

        for (int i = 0; i < SCRIP_ROW_SIZE; i++)
            large[i] = (char)(i * 7 + i / 251);
        for (int i = 0; i < SCRIP_NAME_SIZE; i++)
            name[i] = (char)('a' + i % 26);
        name[SCRIP_NAME_SIZE] = 0;
        for (char last = 'x'; last <= 'z'; last++) { /* all three differ in their last byte alone */
            name[SCRIP_NAME_SIZE - 1] = last;
            holder_set(&holder, name);
            build_events(&build, &holder, 1);
            event = (struct scrip_event_row *)(void *)build.rows[SCRIP_TABLE_EVENTS].list + (last - 'x');
            event->product = build_account(&build)->name;
            event->id = build_account(&build)->name->text;
            event->id_size = SCRIP_NAME_SIZE;
        }
        state = build_add(&build, SCRIP_TABLE_STATES);
        state->account = build_account(&build)->name;
        state->service = state->account;
        state->key = large;
        state->key_size = SCRIP_STATE_KEY_SIZE;
        state->value = large;
        state->value_size = SCRIP_STATE_VALUE_SIZE;
        quarantine = build_add(&build, SCRIP_TABLE_QUARANTINE);
        quarantine->bytes = large;
        quarantine->size = SCRIP_ROW_SIZE;
        build_keep(&build);
        model_compare(suite, &suite->reader, AS_THEY_WENT_IN);
        free(large);
        free(name);
    }
    suite_end(check);
}

/* ---- the fence and identity ----------------------------------------------------------------------------------- */

/* Commits what must be a conflict; nothing of it may be there. */
static void conflict(struct build *build, const char *clause, const char *what)
{
    struct suite *suite = suite_of(build->check);
    int code;

    model_compare(suite, &suite->reader, NULL); /* what is wrong before is no fault of this one */
    code = build_commit(build, &suite->writer);
    if (code != SCRIP_ECONFLICT)
        check_break(build->check, clause, "%s: commit answered %d, want %d", what, code, SCRIP_ECONFLICT);
    build_free(build);
    if (code != SCRIP_OK)
        model_compare(suite, &suite->reader, ATOMIC);
}

static void test_fence(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct build build = { .check = check };
    struct holder holder, stale;

    if (suite_start(check)) {
        holder_set(&holder, "fence");
        stale = holder;
        build_events(&build, &holder, 2);
        build_keep(&build);
        build_events(&build, &stale, 2);
        conflict(&build, NULL, "an account that another writer has made meanwhile");
        stale = holder;
        build_events(&build, &holder, 2);
        build_keep(&build);
        build_events(&build, &stale, 1);
        conflict(&build, NULL, "events behind those that another writer has added to");
        stale = holder;
        stale.events += 1;
        build_events(&build, &stale, 1);
        conflict(&build, NULL, "events that leave a gap");
        holder_set(&stale, "fence of nobody");
        stale.events = 1;
        build_events(&build, &stale, 1);
        conflict(&build, NULL, "a new account that does not begin with 1");
        build_events(&build, &holder, 1);
        build_keep(&build);
        model_compare(suite, &suite->reader, NULL);
    }
    suite_end(check);
}

static void test_identity(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct build build = { .check = check };
    struct scrip_event_row *event;
    struct holder holder, other, next;

    if (suite_start(check)) {
        holder_set(&holder, "identity");
        holder_set(&other, "identity of another");
        build_events(&build, &holder, 2);
        build_events(&build, &other, 1);
        /* The same id is another event in another account, and of another source. */
        event = (void *)build.rows[SCRIP_TABLE_EVENTS].list;
        event[1].id = event[2].id = event[0].id;
        event[1].id_size = event[2].id_size = event[0].id_size;
        event[1].source = suite_name(suite, "another feed");
        build_keep(&build);
        model_compare(suite, &suite->reader, NULL);
        next = holder;
        build_events(&build, &next, 2);
        event = (void *)build.rows[SCRIP_TABLE_EVENTS].list;
        event[1].id = "00000001-identity";
        event[1].id_size = strlen(event[1].id);
        conflict(&build, NULL, "an event that is known");
        next = holder;
        build_events(&build, &next, 2);
        event = (void *)build.rows[SCRIP_TABLE_EVENTS].list;
        event[1].id = event[0].id;
        event[1].id_size = event[0].id_size;
        conflict(&build, NULL, "an event that is twice in one commit");
    }
    suite_end(check);
}

static void test_event_find(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct build build = { .check = check };
    const struct scrip_event_row *found = NULL;
    struct holder holder;
    int code;

    if (suite_start(check)) {
        const struct check_instance *reader = &suite->reader;
        const struct scrip_store *api = store_api(reader);

        holder_set(&holder, "found");
        build_events(&build, &holder, 3);
        build_keep(&build);
        code = api->event_find(reader->ctx, "found", "feed", "00000002-found", 14, &found);
        if (code != SCRIP_OK)
            check_break(check, NULL, "an event that was committed: answered %d: %s", code, check_message(reader));
        else if (found->number != 2 || found->account != suite_name(suite, "found") || found->id_size != 14 ||
                 memcmp(found->id, "00000002-found", 14) != 0)
            check_break(check, NULL, "another event was found: number %" PRIu64, found->number);
        code = api->event_find(reader->ctx, "found", "feed", "00000002-foun", 13, &found);
        if (code != SCRIP_ENOTFOUND)
            check_break(check, NULL, "an id that is not there: answered %d, want %d", code, SCRIP_ENOTFOUND);
        if (api->event_find(reader->ctx, "nobody", "feed", "00000002-found", 14, &found) != SCRIP_ENOTFOUND ||
            api->event_find(reader->ctx, "found", "no feed", "00000002-found", 14, &found) != SCRIP_ENOTFOUND)
            check_break(check, NULL, "it was found in another account, or of another source");
    }
    suite_end(check);
}

static void test_source_last(struct check *check)
{
    static const char *const ids[] = { "b", "a\xc3\xa4", "B", "b\xf0\x9f\x92\xb6", "b\xef\xbf\xbd" };
    struct suite *suite = suite_of(check);
    struct build build = { .check = check };
    char last[SCRIP_NAME_SIZE + 1] = "?";
    struct holder holder;

    if (suite_start(check)) {
        const struct check_instance *reader = &suite->reader;

        if (store_api(reader)->source_last(reader->ctx, "greatest", last) != SCRIP_OK || last[0] != 0)
            check_break(check, NULL, "of a source without events: '%s', want ''", last);
        for (int i = 0; i < 5; i++) {
            struct scrip_event_row *event;

            holder_set(&holder, i % 2 ? "greatest a" : "greatest b");
            holder.events = (uint64_t)i / 2;
            holder.entries = 2 * holder.events;
            build_events(&build, &holder, 1);
            event = (void *)build.rows[SCRIP_TABLE_EVENTS].list;
            event->source = suite_name(suite, "greatest");
            event->id = ids[i];
            event->id_size = strlen(ids[i]);
            build_keep(&build);
        }
        if (store_api(reader)->source_last(reader->ctx, "greatest", last) != SCRIP_OK || strcmp(last, ids[3]) != 0)
            check_break(check, NULL, "'%s', want '%s', the bytewise greatest", last, ids[3]);
    }
    suite_end(check);
}

/* ---- all or nothing ------------------------------------------------------------------------------------------- */

static void test_atomic(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct build build = { .check = check };
    struct holder one, two, next_one, next_two;
    struct scrip_usage_row *day;

    if (suite_start(check)) {
        holder_set(&one, "atomic one");
        holder_set(&two, "atomic two");
        build_all(&build, &one, 1);
        build_events(&build, &two, 1);
        build_keep(&build);
        /* The last account is not what its writer thought: the first one's rows and all that has no account go with it.
         */
        next_one = one;
        next_two = two;
        next_two.events = 0;
        build_all(&build, &next_one, 2);
        build_events(&build, &next_two, 1);
        conflict(&build, ATOMIC, "an account of the commit is stale");
        /* The first failure is behind the rows: a sum that does not fit. */
        next_one = one;
        build_all(&build, &next_one, 2);
        day = build_add(&build, SCRIP_TABLE_DAYS);
        *day = *(struct scrip_usage_row *)(void *)suite->model[SCRIP_TABLE_DAYS].list;
        day->amount = day->amount >= 0 ? INT64_MAX : INT64_MIN;
        if (build_commit(&build, &suite->writer) >= 0)
            check_break(check, "A sum of a rollup that would not fit fails the commit.", "the commit was taken");
        build_free(&build);
        model_compare(suite, &suite->reader, ATOMIC);
        /* And what failed may be done right. */
        build_all(&build, &one, 2);
        build_events(&build, &two, 1);
        build_keep(&build);
        model_compare(suite, &suite->reader, ATOMIC);
    }
    suite_end(check);
}

/* ---- the end -------------------------------------------------------------------------------------------------- */

static int finding_count(void *sink, const char *text)
{
    char **kept = sink;

    if (*kept == NULL)
        *kept = strdup(text);
    return SCRIP_OK;
}

static void test_check(struct check *check)
{
    struct suite *suite = suite_of(check);
    char *finding = NULL;

    if (check_was_broken(check))
        check_skip(check, "what is broken above is to be found here, too");
    else if (suite_start(check)) {
        int code = store_api(&suite->reader)->check(suite->reader.ctx, finding_count, &finding);

        if (code < 0)
            check_break(check, NULL, "answered %d: %s", code, check_message(&suite->reader));
        else if (finding != NULL)
            check_break(check, NULL, "of a store that nobody touched: %s", finding);
    }
    free(finding);
    suite_end(check);
}

static void test_end(struct check *check)
{
    struct suite *suite = suite_of(check);

    if (!check_is_stopped(check) && suite_start(check))
        model_compare(suite, &suite->reader, AS_THEY_WENT_IN);
    suite_end(check);
    check_host_close(suite->host);
    for (uint32_t table = 0; table < SCRIP_TABLE_COUNT; table++)
        free(suite->model[table].list);
    while (suite->text_count > 0)
        free(suite->texts[--suite->text_count]);
    free(suite->texts);
    free(suite);
    *check_self(check) = NULL;
}

const struct check_test check_store_tests[] = {
    { "missing schema", SCHEMA, test_missing },
    { "init", "INIT makes the schema where there is none; UPGRADE brings an older one up to date; WRITE", test_init },
    { "second writer", "Where a store takes one writer at a time, a second one gets SCRIP_EBUSY.", test_second_writer },
    { "rows of every table", AS_THEY_WENT_IN, test_rows },
    { "rows that change", "Key: (account, number). Written whenever it changed.", test_replaced },
    { "extremes", AS_THEY_WENT_IN, test_extremes },
    { "names of any word", AS_THEY_WENT_IN, test_words },
    { "any bytes", AS_THEY_WENT_IN, test_bytes },
    { "longest of all", AS_THEY_WENT_IN, test_limits },
    { "fence", FENCE, test_fence },
    { "identity", KNOWN, test_identity },
    { "event_find", "Required. One event by identity; the row is lent until the next call. SCRIP_ENOTFOUND.",
      test_event_find },
    { "source_last", "Required. The bytewise greatest id ever committed of a source, in any account",
      test_source_last },
    { "all or nothing", ATOMIC, test_atomic },
    { "rollups", "A rollup of draws. In a commit the counts are to be added.", check_store_rollups },
    { "cursors", "Key: (source, feed). Replaced as a whole.", check_store_cursors },
    { "quarantine", "Key: key. One that is there already stays as it is.", check_store_quarantine },
    { "states", "What a service remembers. Key: (account, service, key). value_size 0: forget.", check_store_states },
    { "timers", "What a service waits for. Key: (account, service, key). due_us SCRIP_TIME_NONE: no more.",
      check_store_timers },
    { "batches", "Which events of an account were committed when. Key: (account, first).", check_store_batches },
    { "order of scans", "What a scan yields: a pointer to the row struct of that table; and in which order.",
      check_store_order },
    { "bounds of scans", WHICH_ROWS, check_store_bounds },
    { "rollups added up", "Else a store may add up rows that differ in other columns alone: these come empty,", check_store_sums },
    { "scans that stop", "Non-zero stops the scan, which returns it.", check_store_stop },
    { "scans in scans", "which is lent for the call and may ask for another scan or look-up in it.",
      check_store_nested },
    { "as of a time", "State of an account after event `number`, a multiple of 1,024. Key: (account, number).",
      check_store_as_of },
    { "readers", "A reading session sees every commit that returned before its call began.", check_store_readers },
    { "killed writers", ATOMIC, check_store_killed },
    { "two writers", FENCE, check_store_race },
    { "check", "Required. Checks what the rows themselves cannot prove", test_check },
    { "the end", AS_THEY_WENT_IN, test_end },
    { NULL, NULL, NULL },
};
