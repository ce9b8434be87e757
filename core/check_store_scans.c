/* check_store_scans.c - which rows a store's scans yield, and in which order. */
#include "check_store.h"

#include "account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Accounts whose names, numbers and times of arrival are in three different orders. */
static void accounts_mixed(struct build *build, struct holder *holders, size_t count, const char *prefix)
{
    struct suite *suite = suite_of(build->check);

    for (size_t i = 0; i < count; i++) {
        char name[64];

        snprintf(name, sizeof name, "%s %zu", prefix, (i * 5 + 3) % count);
        holder_set(&holders[i], name);
    }
    for (int round = 0; round < 3 && !check_is_broken(build->check); round++) {
        for (size_t i = 0; i < count; i++) {
            struct holder *holder = &holders[(i * 3 + (size_t)round) % count];
            const struct scrip_name *account = suite_name(suite, holder->name);

            holder->timers++;
            build_events(build, holder, 2);
            build_grant(build, holder, ++holder->grants);
            for (uint32_t table = SCRIP_TABLE_STATES; table != SCRIP_TABLE_BATCHES;
                 table = table == SCRIP_TABLE_STATES ? SCRIP_TABLE_TIMERS : SCRIP_TABLE_BATCHES) {
                struct scrip_timer_row *row = build_add(build, table); /* a state's key stands in the same place */
                char key[32];

                snprintf(key, sizeof key, "%d %zu", 9 - round, i);
                row->account = account;
                row->service = suite_name(suite, round % 2 ? "a service" : "b service");
                row->key = suite_bytes(suite, key, strlen(key));
                row->key_size = strlen(key);
            }
        }
        for (int i = 0; i < 4; i++) {
            build_add(build, SCRIP_TABLE_CURSORS);
            build_add(build, SCRIP_TABLE_QUARANTINE);
        }
        build_keep(build);
    }
}

static const struct scrip_name *holder_of(uint32_t table, const struct rows *rows, uint64_t at)
{
    const struct scrip_name *name;

    memcpy(&name, rows->list + at * scrip_tables[table].row_size + scrip_tables[table].account, sizeof name);
    return name;
}

/* Accounts come in the order in which they come among the events. */
static void same_order(struct suite *suite, const struct rows *events, uint32_t table)
{
    struct scrip_scan scan = scan_for(table, NULL);
    struct rows found;
    uint64_t at = 0;

    rows_scan(suite, &suite->reader, &scan, &found);
    for (uint64_t i = 0; i < found.count && !check_is_broken(suite->check); i++) {
        const struct scrip_name *name = holder_of(table, &found, i);

        while (at < events->count && holder_of(SCRIP_TABLE_EVENTS, events, at) != name)
            at++;
        if (at == events->count)
            check_break(suite->check, "but it is the same in every scan.",
                        "%s: account '%.40s' comes elsewhere than among events", scrip_tables[table].name, name->text);
    }
    free(found.list);
}

void check_store_order(struct check *check)
{
    static const uint32_t tables[] = { SCRIP_TABLE_GRANTS, SCRIP_TABLE_ENTRIES, SCRIP_TABLE_STATES, SCRIP_TABLE_TIMERS,
                                       SCRIP_TABLE_BATCHES };
    struct suite *suite = suite_of(check);
    struct build build = { .check = check };
    struct holder holders[7];

    if (suite_start(check)) {
        struct scrip_scan scan = scan_for(SCRIP_TABLE_EVENTS, NULL);
        struct rows events;

        accounts_mixed(&build, holders, 7, "order");
        suite->is_ordering = 1;
        model_compare(suite, &suite->reader, NULL);
        suite->is_ordering = 0;
        rows_scan(suite, &suite->reader, &scan, &events);
        for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
            same_order(suite, &events, tables[i]);
        free(events.list);
    }
    suite_end(check);
}

/* ---- bounds --------------------------------------------------------------------------------------------------- */

/* A scan yields rows with these numbers (0 ends), in this order. */
static void want(struct suite *suite, const char *what, struct scrip_scan scan, const int64_t *numbers)
{
    uint32_t table = (uint32_t)scan.table;
    int is_day = table == SCRIP_TABLE_DAYS;
    struct rows found;
    uint64_t i = 0;

    rows_scan(suite, &suite->reader, &scan, &found);
    for (; i < found.count; i++) {
        const char *row = found.list + i * scrip_tables[table].row_size;
        int64_t number = is_day ? ((const struct scrip_usage_row *)(const void *)row)->period : number_of(table, row);

        if (number != numbers[i]) {
            check_break(suite->check, NULL, "%s: row %d is number %lld, want %lld", what, (int)i + 1, (long long)number,
                        (long long)numbers[i]);
            break;
        }
    }
    if (i == found.count && numbers[i] != 0)
        check_break(suite->check, NULL, "%s: %d rows, and number %lld is missing", what, (int)found.count,
                    (long long)numbers[i]);
    free(found.list);
}

#define WANT(what, scan, ...) want(suite, what, scan, (const int64_t[]){ __VA_ARGS__ })

static struct scrip_scan from_to(uint32_t table, const char *account, uint64_t from, uint64_t to)
{
    struct scrip_scan scan = scan_for(table, account);

    scan.from_number = from;
    scan.to_number = to;
    return scan;
}

/* Two accounts side by side, each with more than one commit. */
static void bounds_make(struct build *build)
{
    struct suite *suite = suite_of(build->check);
    struct holder holders[2];

    holder_set(&holders[0], "bounds");
    holder_set(&holders[1], "bounds beside");
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 2; i++) {
            const struct scrip_name *account = suite_name(suite, holders[i].name);
            uint64_t before = build->rows[SCRIP_TABLE_ENTRIES].count;

            build_events(build, &holders[i], 4);
            ((struct scrip_entry_row *)(void *)build->rows[SCRIP_TABLE_ENTRIES].list)[before + 1].of = 2;
            for (uint64_t n = 1; n < 3; n++) {
                struct scrip_checkpoint_row *checkpoint = build_add(build, SCRIP_TABLE_CHECKPOINTS);
                struct scrip_claim_row *claim = build_add(build, SCRIP_TABLE_CLAIMS);

                checkpoint->account = claim->account = account;
                checkpoint->number = ((uint64_t)round * 2 + n) * 1024;
                claim->number = (uint64_t)round * 2 + n;
                claim->kind = SCRIP_CLAIM_HOLD;
                claim->stage = claim->number % 3 ? SCRIP_CLAIM_CAPTURED : SCRIP_CLAIM_OPEN;
                claim->id = n == 1 ? "hold one" : suite_bytes(suite, i ? "hold x" : "hold y", 6);
                claim->id_size = strlen(claim->id);
                if (n == 1 && round > 0)
                    claim->id_size = 0; /* a debt has none */
            }
        }
        build_keep(build);
    }
}

static void bounds_numbers(struct suite *suite)
{
    struct scrip_scan scan = from_to(SCRIP_TABLE_EVENTS, "bounds", 3, 5);

    WANT("events 3 to 5", scan, 3, 4, 5, 0);
    scan.descending = 1;
    WANT("events 3 to 5 downwards", scan, 5, 4, 3, 0);
    WANT("events from 11", from_to(SCRIP_TABLE_EVENTS, "bounds", 11, 0), 11, 12, 0);
    WANT("events to 2", from_to(SCRIP_TABLE_EVENTS, "bounds", 0, 2), 1, 2, 0);
    WANT("events from 13", from_to(SCRIP_TABLE_EVENTS, "bounds", 13, 0), 0);
    WANT("events 4 to 4", from_to(SCRIP_TABLE_EVENTS, "bounds", 4, 4), 4, 0);
    WANT("events up to the largest number", from_to(SCRIP_TABLE_EVENTS, "bounds", 12, UINT64_MAX), 12, 0);
    WANT("entries 23 on", from_to(SCRIP_TABLE_ENTRIES, "bounds", 23, 0), 23, 24, 0);
    WANT("batches from 2", from_to(SCRIP_TABLE_BATCHES, "bounds", 2, 0), 5, 9, 0);
    scan = from_to(SCRIP_TABLE_BATCHES, "bounds", 0, 5);
    scan.descending = 1;
    WANT("batches to 5 downwards", scan, 5, 1, 0);
    WANT("claims 5 on", from_to(SCRIP_TABLE_CLAIMS, "bounds", 5, 0), 5, 6, 0);
    scan = scan_for(SCRIP_TABLE_CLAIMS, "bounds");
    scan.only_open = 1;
    WANT("open claims", scan, 3, 6, 0);
    scan = scan_for(SCRIP_TABLE_CLAIMS, "bounds");
    scan.id = "hold one";
    WANT("the claim of a hold", scan, 1, 0);
    scan = scan_for(SCRIP_TABLE_ENTRIES, "bounds");
    scan.of = 2;
    WANT("entries of a charge", scan, 2, 10, 18, 0);
    scan = scan_for(SCRIP_TABLE_DAYS, "bounds");
    scan.from_period = 1;
    scan.to_period = 1;
    WANT("days of one period", scan, 1, 1, 0);
    scan.to_period = INT64_MAX;
    scan.from_period = 3;
    WANT("days from a period on", scan, 3, 3, 0);
}

/* Of each table: one account's rows are its rows among all, and nobody has none. */
static void bounds_accounts(struct suite *suite)
{
    for (uint32_t table = 0; table < SCRIP_TABLE_COUNT; table++) {
        struct scrip_scan scan = scan_for(table, "bounds");
        uint64_t there = 0, wrong = 0;
        struct rows found;

        if (scrip_tables[table].account == SCRIP_NO_ACCOUNT)
            continue;
        for (uint64_t i = 0; i < suite->model[table].count; i++)
            there += strcmp(holder_of(table, &suite->model[table], i)->text, "bounds") == 0;
        rows_scan(suite, &suite->reader, &scan, &found);
        for (uint64_t i = 0; i < found.count; i++)
            wrong += strcmp(holder_of(table, &found, i)->text, "bounds") != 0;
        if (wrong || found.count != there)
            check_break(suite->check, NULL, "%s of one account: %d rows, of which %d are another's; want %d",
                        scrip_tables[table].name, (int)found.count, (int)wrong, (int)there);
        free(found.list);
        scan = scan_for(table, "bounds of nobody");
        rows_scan(suite, &suite->reader, &scan, &found);
        if (found.count > 0)
            check_break(suite->check, "one that is not there has no rows", "%s of an unknown account: %d rows",
                        scrip_tables[table].name, (int)found.count);
        free(found.list);
    }
}

void check_store_bounds(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct build build = { .check = check };

    if (suite_start(check)) {
        bounds_make(&build);
        bounds_numbers(suite);
        bounds_accounts(suite);
        model_compare(suite, &suite->reader, NULL);
    }
    suite_end(check);
}

/* ---- callbacks ------------------------------------------------------------------------------------------------ */

struct stopping {
    int left, answer, seen;
};

static int row_stop(void *sink, const void *row)
{
    struct stopping *s = sink;

    (void)row;
    s->seen++;
    return s->left-- > 1 ? SCRIP_OK : s->answer;
}

void check_store_stop(struct check *check)
{
    static const int answers[] = { 1, 77, SCRIP_EINVALID, -77 };
    struct suite *suite = suite_of(check);

    if (suite_start(check)) {
        for (int i = 0; i < 4; i++) {
            struct stopping s = { 2, answers[i], 0 };
            struct scrip_scan scan = scan_for(SCRIP_TABLE_EVENTS, NULL);
            int code;

            scan.row = row_stop;
            scan.sink = &s;
            code = store_api(&suite->reader)->scan(suite->reader.ctx, &scan);
            if (code != answers[i] || s.seen != 2)
                check_break(check, NULL, "the second row answered %d: the scan went on to %d rows and answered %d",
                            answers[i], s.seen, code);
        }
    }
    suite_end(check);
}

/* ---- rollups added up ----------------------------------------------------------------------------------------- */

/* What rows come to that agree in some columns. */
struct sum {
    struct scrip_usage_row key;
    wide amount, charges;
};

struct sums {
    struct sum *list;
    size_t count, room;
};

/* The row without the columns that do not count. */
static struct scrip_usage_row key_of(const struct scrip_usage_row *row, uint64_t by, const struct scrip_name *none)
{
    struct scrip_usage_row key = *row;

    key.period = by & SCRIP_BY_PERIOD ? row->period : 0;
    key.account = by & SCRIP_BY_ACCOUNT ? row->account : none;
    key.product = by & SCRIP_BY_PRODUCT ? row->product : none;
    key.user = by & SCRIP_BY_USER ? row->user : none;
    key.service = by & SCRIP_BY_SERVICE ? row->service : none;
    key.class_name = by & SCRIP_BY_CLASS ? row->class_name : none;
    key.amount = key.charge_count = 0;
    return key;
}

static void sums_add(struct sums *sums, const struct scrip_usage_row *key, const struct scrip_usage_row *row, int sign)
{
    size_t at = 0;

    while (at < sums->count && memcmp(&sums->list[at].key, key, sizeof *key) != 0)
        at++;
    if (at == sums->count) {
        if (sums->count == sums->room)
            sums->list = memory_grow(sums->list, (sums->room = sums->room * 2 + 64) * sizeof *sums->list);
        sums->list[sums->count++] = (struct sum){ *key, 0, 0 };
    }
    sums->list[at].amount += sign * (wide)row->amount;
    sums->list[at].charges += sign * (wide)row->charge_count;
}

/* A scan that adds up against the rows that are there. */
static void sums_compare(struct suite *suite, uint32_t table, uint64_t by)
{
    struct scrip_scan scan = scan_for(table, NULL);
    const struct scrip_name *none = suite_name(suite, "");
    const struct rows *model = &suite->model[table];
    struct sums sums = { 0 };
    struct rows found;
    size_t wrong = 0;

    scan.by = by | SCRIP_BY_CURRENCY;
    rows_scan(suite, &suite->reader, &scan, &found);
    for (int is_found = 0; is_found < 2; is_found++) {
        const struct rows *rows = is_found ? &found : model;

        for (uint64_t i = 0; i < rows->count; i++) {
            const struct scrip_usage_row *row = (const void *)(rows->list + i * sizeof *row);
            struct scrip_usage_row key = key_of(row, by, none);

            sums_add(&sums, &key, row, is_found ? -1 : 1);
        }
    }
    while (wrong < sums.count && sums.list[wrong].amount == 0 && sums.list[wrong].charges == 0)
        wrong++;
    if (wrong < sums.count)
        check_break(suite->check, NULL,
                    "%s by columns %llu: period %lld, product '%s', user '%s', account '%s': the sum is another",
                    scrip_tables[table].name, (unsigned long long)by, (long long)sums.list[wrong].key.period,
                    sums.list[wrong].key.product->text, sums.list[wrong].key.user->text,
                    sums.list[wrong].key.account->text);
    free(sums.list);
    free(found.list);
}

void check_store_sums(struct check *check)
{
    static const uint64_t bys[] = { 0,
                                    SCRIP_BY_PERIOD,
                                    SCRIP_BY_ACCOUNT,
                                    SCRIP_BY_PRODUCT,
                                    SCRIP_BY_USER | SCRIP_BY_PRODUCT,
                                    SCRIP_BY_SERVICE | SCRIP_BY_PERIOD,
                                    SCRIP_BY_CLASS };
    struct suite *suite = suite_of(check);
    struct build build = { .check = check };

    if (suite_start(check)) {
        struct holder holder;

        /* Accounts whose sums no single row holds, upwards and downwards. */
        for (int i = 0; i < 6; i++) {
            char name[32];

            snprintf(name, sizeof name, "wide %d", i);
            holder_set(&holder, name);
            build_events(&build, &holder, 2);
            for (uint32_t table = SCRIP_TABLE_DAYS; table <= SCRIP_TABLE_MONTHS; table++) {
                struct scrip_usage_row *row = build_add(&build, table);

                row->account = suite_name(suite, name);
                row->product = suite_name(suite, i < 3 ? "wide up" : "wide down");
                row->class_name = row->currency = suite_name(suite, "wide");
                row->period = 9000 + i % 2;
                row->amount = i < 3 ? INT64_MAX - i : INT64_MIN + i;
            }
        }
        build_keep(&build);
        for (size_t i = 0; i < sizeof bys / sizeof *bys; i++)
            for (uint32_t table = SCRIP_TABLE_DAYS; table <= SCRIP_TABLE_MONTHS; table++)
                sums_compare(suite, table, bys[i]);
    }
    build_free(&build);
    suite_end(check);
}

struct nesting {
    struct suite *suite;
    int seen, inner;
};

static int row_inner(void *sink, const void *row)
{
    (void)row;
    ++*(int *)sink;
    return SCRIP_OK;
}

/* Asks for everything that a host asks for while it looks at an account. */
static int row_nested(void *sink, const void *found)
{
    struct nesting *n = sink;
    struct scrip_account_row row = *(const struct scrip_account_row *)found;
    const struct scrip_store *api = store_api(&n->suite->reader);
    const struct scrip_event_row *event;
    struct scrip_scan scan = scan_for(SCRIP_TABLE_EVENTS, row.name->text);
    struct scrip_cursor cursor;
    int code;

    n->seen++;
    scan.row = row_inner;
    scan.sink = &n->inner;
    code = api->scan(n->suite->reader.ctx, &scan);
    scan.table = SCRIP_TABLE_ACCOUNTS;
    scan.account = NULL;
    if (code == SCRIP_OK)
        code = api->scan(n->suite->reader.ctx, &scan);
    if (code == SCRIP_OK)
        api->event_find(n->suite->reader.ctx, row.name->text, "feed", "x", 1, &event);
    if (code == SCRIP_OK)
        api->cursor_find(n->suite->reader.ctx, "feed", "x", &cursor);
    if (strcmp(((const struct scrip_account_row *)found)->name->text, row.name->text) != 0 ||
        ((const struct scrip_account_row *)found)->event_count != row.event_count)
        check_break(n->suite->check, NULL, "the row that was lent changed while another scan ran");
    return code;
}

void check_store_nested(struct check *check)
{
    struct suite *suite = suite_of(check);

    if (suite_start(check)) {
        struct nesting n = { suite, 0, 0 };
        struct scrip_scan scan = scan_for(SCRIP_TABLE_ACCOUNTS, NULL);
        uint64_t accounts = suite->model[SCRIP_TABLE_ACCOUNTS].count;
        int code;

        scan.row = row_nested;
        scan.sink = &n;
        code = store_api(&suite->reader)->scan(suite->reader.ctx, &scan);
        if (code < 0 || (uint64_t)n.seen != accounts ||
            (uint64_t)n.inner != suite->model[SCRIP_TABLE_EVENTS].count + accounts * accounts)
            check_break(check, NULL, "a scan with others in it answered %d after %d accounts and %d rows", code, n.seen,
                        n.inner);
    }
    suite_end(check);
}

/* ---- as of a time --------------------------------------------------------------------------------------------- */

/* How a host reads the past: the newest checkpoint up to an event, and the events behind it. */
void check_store_as_of(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct build build = { .check = check };
    struct holder holder;

    if (suite_start(check)) {
        holder_set(&holder, "as of");
        for (int i = 0; i < 5; i++) { /* checkpoints come with the commit that passes them */
            build_events(&build, &holder, 300);
            for (uint64_t number = 1024; number <= holder.events; number += 1024)
                if (number > holder.events - 300) {
                    struct scrip_checkpoint_row *row = build_add(&build, SCRIP_TABLE_CHECKPOINTS);

                    row->account = build_account(&build)->name;
                    row->number = number;
                }
            build_keep(&build);
        }
        for (uint64_t until = 1023; until < 1026; until++) {
            struct scrip_scan scan = from_to(SCRIP_TABLE_CHECKPOINTS, "as of", 0, until);

            scan.descending = 1;
            if (until < 1024)
                WANT("checkpoints up to event 1023", scan, 0);
            else
                WANT("checkpoints up to an event", scan, 1024, 0);
        }
        WANT("events behind a checkpoint", from_to(SCRIP_TABLE_EVENTS, "as of", 1025, 1028), 1025, 1026, 1027, 1028, 0);
    }
    suite_end(check);
}

/* A reader that was there before, one of another program, and one that comes after. */
void check_store_readers(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct build build = { .check = check };
    struct check_host *other = check_host_open(check);
    struct check_instance before = { 0 }, after = { 0 };
    struct holder holder;

    if (suite_start(check)) {
        int is_apart = !suite->is_volatile;

        if (is_apart && check_open(other, SCRIP_SESSION_READ, &before) < 0)
            check_break(check, NULL, "a reader of another program, beside the writer: %s", check_message(&before));
        holder_set(&holder, "readers");
        for (int i = 0; i < 3 && !check_is_broken(check); i++) {
            build_events(&build, &holder, 2);
            build_keep(&build);
            for (int apart = 0; apart <= is_apart; apart++) {
                struct scrip_scan scan = scan_for(SCRIP_TABLE_EVENTS, "readers");
                struct rows found;

                rows_scan(suite, apart ? &before : &suite->reader, &scan, &found);
                if (found.count != holder.events)
                    check_break(check, NULL, "a reader%s sees %d of %d events", apart ? " of another program" : "",
                                (int)found.count, (int)holder.events);
                free(found.list);
            }
        }
        if (is_apart && check_open(other, SCRIP_SESSION_READ, &after) < 0)
            check_break(check, NULL, "a second reader: %s", check_message(&after));
    }
    check_close(&after);
    check_close(&before);
    suite_end(check);
    check_host_close(other);
}
