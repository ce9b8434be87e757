/* check_store.c - rows for the tests of a store, and a model of what it must hold: too simple to be wrong. */
#include "check_store.h"

#include "migrate.h"

#include <stdio.h>

static const char out_of_order[] = "What a scan yields: a pointer to the row struct of that table; and in which order.";
/* What each table says of its rows. */
static const char *const clauses[SCRIP_TABLE_COUNT] = {
    [SCRIP_TABLE_ACCOUNTS] = "Key: account. Written whenever it changed.",
    [SCRIP_TABLE_GRANTS] = "Key: (account, number). Written whenever it changed.",
    [SCRIP_TABLE_EVENTS] = "An event with its outcome. Key: (account, number).",
    [SCRIP_TABLE_ENTRIES] = "One double-entry row. Key: (account, number), in the order posted.",
    [SCRIP_TABLE_CHECKPOINTS] =
        "State of an account after event `number`, a multiple of 1,024. Key: (account, number).",
    [SCRIP_TABLE_STATES] = "What a service remembers. Key: (account, service, key). value_size 0: forget.",
    [SCRIP_TABLE_DAYS] = "A rollup of draws. In a commit the counts are to be added.",
    [SCRIP_TABLE_MONTHS] = "A rollup of draws. In a commit the counts are to be added.",
    [SCRIP_TABLE_TERMS] = "The terms of a currency at one time; immutable once written.",
    [SCRIP_TABLE_RATES] = "One price as it was quoted; immutable once written, shared by the events that it priced.",
    [SCRIP_TABLE_CURSORS] = "Key: (source, feed). Replaced as a whole.",
    [SCRIP_TABLE_QUARANTINE] = "Key: key. One that is there already stays as it is.",
    [SCRIP_TABLE_CLAIMS] = "What is still to be settled: a hold, or the debt of a charge. Key: (account, number).",
    [SCRIP_TABLE_LIMITS] = "A limit and what was used of it. Key: (account, number). Written whenever it changed.",
    [SCRIP_TABLE_TIMERS] = "What a service waits for. Key: (account, service, key). due_us SCRIP_TIME_NONE: no more.",
    [SCRIP_TABLE_BATCHES] = "Which events of an account were committed when. Key: (account, first).",
};

const struct scrip_store *store_api(const struct check_instance *session)
{
    return session->api;
}

struct suite *suite_of(struct check *check)
{
    return *check_self(check);
}

void *suite_bytes(struct suite *suite, const void *bytes, uint64_t size)
{
    char *copy = memory_grow(NULL, size + 1);

    if (size)
        memcpy(copy, bytes, size);
    copy[size] = 0;
    ARRAY_ROOM(suite->texts, suite->text_count, suite->text_room);
    return suite->texts[suite->text_count++] = copy;
}

const struct scrip_name *suite_name(struct suite *suite, const char *text)
{
    return suite->reader.ctx->host->name(suite->reader.ctx, text, strlen(text));
}

int64_t number_of(uint32_t table, const void *row)
{
    int64_t number;

    memcpy(&number, (const char *)row + scrip_tables[table].number, sizeof number);
    return number;
}

static const struct scrip_name *account_of(uint32_t table, const void *row)
{
    const struct scrip_name *name;

    memcpy(&name, (const char *)row + scrip_tables[table].account, sizeof name);
    return name;
}

/* ---- lists of rows -------------------------------------------------------------------------------------------- */

static void *rows_room(struct rows *rows, uint32_t table)
{
    uint32_t size = scrip_tables[table].row_size;

    if (rows->count == rows->room) {
        rows->room = rows->room * 2 + 16;
        rows->list = memory_grow(rows->list, rows->room * size);
    }
    return rows->list + rows->count++ * size;
}

static void *row_at(const struct rows *rows, uint32_t table, uint64_t at)
{
    return rows->list + at * scrip_tables[table].row_size;
}

void rows_add(struct suite *suite, struct rows *rows, uint32_t table, const void *row)
{
    char *copy = rows_room(rows, table);

    memcpy(copy, row, scrip_tables[table].row_size);
    for (uint32_t m = 0; m < scrip_tables[table].member_count; m++) {
        const struct scrip_member *member = &scrip_tables[table].members[m];
        uint64_t size;
        const void *bytes = member_bytes(member, row, &size);
        char *text;

        if (member->kind != SCRIP_MEMBER_BYTES && member->kind != SCRIP_MEMBER_TEXT)
            continue;
        text = suite_bytes(suite, bytes, size);
        memcpy(copy + member->at, &text, sizeof text);
    }
}

struct scrip_scan scan_for(uint32_t table, const char *account)
{
    return (struct scrip_scan){ .table = table, .account = account, .from_period = INT64_MIN, .to_period = INT64_MAX };
}

struct collecting {
    struct suite *suite;
    struct rows *rows;
    uint32_t table;
};

static int row_collect(void *sink, const void *row)
{
    struct collecting *c = sink;

    rows_add(c->suite, c->rows, c->table, row);
    return SCRIP_OK;
}

int rows_scan(struct suite *suite, const struct check_instance *reader, struct scrip_scan *scan, struct rows *out)
{
    struct collecting c = { suite, out, (uint32_t)scan->table };
    int code;

    memset(out, 0, sizeof *out);
    scan->row = row_collect;
    scan->sink = &c;
    code = store_api(reader)->scan(reader->ctx, scan);
    if (code < 0)
        check_break(suite->check, "Required. Rows in the table's order.", "a scan of %s failed: %s",
                    scrip_tables[scan->table].name, check_message(reader));
    return code;
}

/* ---- rows to commit ------------------------------------------------------------------------------------------- */

static uint64_t next(struct suite *suite)
{
    suite->seed = suite->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return suite->seed >> 33;
}

/* Any text of a row; JSON, since a store may look into what is said to be JSON. */
static void bytes_fill(struct suite *suite, char *row, const struct scrip_member *member)
{
    char text[64];
    int size = snprintf(text, sizeof text, "{\"a\":\"%llu \xc3\xa4\xe2\x82\xac\"}", (unsigned long long)next(suite));
    uint64_t count = next(suite) % 4 || member->is_key ? (uint64_t)size : 0;
    void *copy = suite_bytes(suite, text, count);

    memcpy(row + member->at, &copy, sizeof copy);
    if (member->kind == SCRIP_MEMBER_BYTES)
        memcpy(row + member->size, &count, sizeof count);
}

static void row_fill(struct suite *suite, uint32_t table, char *row)
{
    memset(row, 0, scrip_tables[table].row_size);
    for (uint32_t m = 0; m < scrip_tables[table].member_count; m++) {
        const struct scrip_member *member = &scrip_tables[table].members[m];
        struct scrip_decimal decimal = { (int64_t)next(suite) % 2000 - 1000, (int64_t)next(suite) * 1000 };
        const struct scrip_name *name;
        uint64_t number = 1 + next(suite) % 100000;
        char text[32];

        switch (member->kind) {
        case SCRIP_MEMBER_NAME:
            snprintf(text, sizeof text, "name %llu", (unsigned long long)next(suite) % 7);
            name = suite_name(suite, text);
            memcpy(row + member->at, &name, sizeof name);
            break;
        case SCRIP_MEMBER_NUMBER:
            memcpy(row + member->at, &number, sizeof number);
            break;
        case SCRIP_MEMBER_FIXED:
            for (uint32_t i = 0; i < member->size; i++)
                row[member->at + i] = (char)next(suite);
            if (member->size == sizeof decimal && !member->is_key)
                memcpy(row + member->at, &decimal, sizeof decimal);
            break;
        default:
            bytes_fill(suite, row, member);
        }
    }
}

/* Members that not any number fits. */
static void row_settle(struct suite *suite, uint32_t table, void *row)
{
    const struct scrip_name *none = suite_name(suite, "");
    struct scrip_event_row *event = row;
    struct scrip_entry_row *entry = row;
    struct scrip_grant_row *grant = row;
    struct scrip_claim_row *claim = row;
    struct scrip_usage_row *usage = row;
    struct scrip_terms_row *terms = row;

    if (table == SCRIP_TABLE_EVENTS) {
        event->type %= SCRIP_EVENT_TYPE_COUNT;
        event->outcome %= SCRIP_DUPLICATE;
        event->has_quantity %= 2;
        event->has_amount %= 2;
        event->flags %= 4;
        event->user = event->number % 3 ? event->user : none;
        if (!event->has_quantity)
            event->quantity = (struct scrip_decimal){ 0, 0 };
        if (!event->has_amount)
            event->amount = (struct scrip_decimal){ 0, 0 };
    } else if (table == SCRIP_TABLE_ENTRIES) {
        entry->debit %= SCRIP_BOOK_COUNT;
        entry->credit %= SCRIP_BOOK_COUNT;
        entry->of = 0;
    } else if (table == SCRIP_TABLE_GRANTS) {
        grant->has_priority %= 2;
        grant->priority = grant->has_priority ? -grant->priority : 0;
        grant->has_cost %= 2;
        if (!grant->has_cost)
            grant->cost = (struct scrip_decimal){ 0, 0 };
        grant->unlimited %= 2;
        grant->expires_us = grant->number % 2 ? SCRIP_TIME_NONE : grant->expires_us;
    } else if (table == SCRIP_TABLE_CLAIMS) {
        claim->kind %= 2;
        claim->stage %= 5;
    } else if (table == SCRIP_TABLE_TERMS) {
        terms->decimals %= 10;
        terms->rounding %= SCRIP_DOWN + 1;
        terms->split %= SCRIP_SPLIT_CLASS + 1;
        terms->late %= SCRIP_LATE_REPLAY + 1;
    } else if (table == SCRIP_TABLE_DAYS)
        usage->user = none;
    else if (table == SCRIP_TABLE_MONTHS)
        usage->service = none;
    else if (table == SCRIP_TABLE_STATES && ((struct scrip_state_row *)row)->value_size == 0) {
        ((struct scrip_state_row *)row)->value = "v";
        ((struct scrip_state_row *)row)->value_size = 1;
    }
}

void *build_add(struct build *build, uint32_t table)
{
    char *row = rows_room(&build->rows[table], table);

    row_fill(suite_of(build->check), table, row);
    row_settle(suite_of(build->check), table, row);
    return row;
}

void *build_settle(struct build *build)
{
    char *row = rows_room(&build->settled, SCRIP_TABLE_QUARANTINE);

    row_fill(suite_of(build->check), SCRIP_TABLE_QUARANTINE, row);
    return row;
}

void holder_set(struct holder *holder, const char *name)
{
    memset(holder, 0, sizeof *holder);
    snprintf(holder->name, sizeof holder->name, "%s", name);
}

static void event_add(struct build *build, struct holder *holder, const struct scrip_name *account)
{
    struct suite *suite = suite_of(build->check);
    struct scrip_event_row *event = build_add(build, SCRIP_TABLE_EVENTS);
    char id[48];
    int size = snprintf(id, sizeof id, "%08llu-%.30s", (unsigned long long)holder->events + 1, account->text);

    event->account = account;
    event->number = ++holder->events;
    event->source = suite_name(suite, "feed");
    event->id = suite_bytes(suite, id, (uint64_t)size);
    event->id_size = (uint64_t)size;
    event->time_us = (int64_t)event->number * SCRIP_DAY / 4;
    for (uint64_t line = 0; line < 2; line++) {
        struct scrip_entry_row *entry = build_add(build, SCRIP_TABLE_ENTRIES);
        struct scrip_usage_row *usage;

        entry->account = account;
        entry->number = ++holder->entries;
        entry->event = event->number;
        entry->line = line;
        entry->time_us = entry->event_time_us = event->time_us;
        usage = build_add(build, SCRIP_TABLE_DAYS);
        usage->account = account;
        usage->period = event->time_us / SCRIP_DAY;
        usage->product = suite_name(suite, line ? "b" : "a");
        usage->service = usage->class_name = usage->currency = suite_name(suite, "all");
        usage->amount = entry->amount;
        usage->charge_count = 1;
    }
}

/* Rollups of one key come once in a commit, in the order of their keys. */
static void days_merge(struct build *build)
{
    struct rows *rows = &build->rows[SCRIP_TABLE_DAYS];
    struct scrip_usage_row *list = (void *)rows->list;
    uint64_t kept = 0;

    for (uint64_t i = 0; i < rows->count; i++) {
        uint64_t j = 0;

        while (j < kept && (list[j].period != list[i].period || list[j].product != list[i].product ||
                            list[j].account != list[i].account || list[j].service != list[i].service))
            j++;
        if (j == kept)
            list[kept++] = list[i];
        else {
            list[j].amount += list[i].amount;
            list[j].charge_count += list[i].charge_count;
        }
    }
    rows->count = kept;
}

struct scrip_account_row *build_account(const struct build *build)
{
    return row_at(&build->rows[SCRIP_TABLE_ACCOUNTS], SCRIP_TABLE_ACCOUNTS,
                  build->rows[SCRIP_TABLE_ACCOUNTS].count - 1);
}

void build_events(struct build *build, struct holder *holder, uint64_t count)
{
    struct suite *suite = suite_of(build->check);
    const struct scrip_name *account = suite_name(suite, holder->name);
    struct scrip_account_row *row = build_add(build, SCRIP_TABLE_ACCOUNTS);

    row->name = account;
    row->first_number = holder->events + 1;
    for (uint64_t i = 0; i < count; i++)
        event_add(build, holder, account);
    row->event_count = holder->events;
    row->entry_count = holder->entries;
    row->timer_count = holder->timers;
    days_merge(build);
}

struct scrip_grant_row *build_grant(struct build *build, struct holder *holder, uint64_t number)
{
    struct scrip_grant_row *row = build_add(build, SCRIP_TABLE_GRANTS);

    row->account = suite_name(suite_of(build->check), holder->name);
    row->number = number;
    row->event = holder->events;
    return row;
}

/* ---- the model ------------------------------------------------------------------------------------------------ */

static int key_same(uint32_t table, const void *a, const void *b)
{
    for (uint32_t m = 0; m < scrip_tables[table].member_count; m++) {
        const struct scrip_member *member = &scrip_tables[table].members[m];
        uint64_t a_size, b_size;
        const void *one, *other;

        if (!member->is_key)
            continue;
        one = member_bytes(member, a, &a_size);
        other = member_bytes(member, b, &b_size);
        if (a_size != b_size || (a_size && memcmp(one, other, a_size) != 0))
            return 0;
    }
    return 1;
}

static void model_put(struct suite *suite, uint32_t table, const void *row)
{
    struct rows *rows = &suite->model[table];
    const struct scrip_usage_row *usage = row;
    struct scrip_usage_row *kept;
    uint64_t at = 0, count;
    int is_forgotten =
        (table == SCRIP_TABLE_STATES && ((const struct scrip_state_row *)row)->value_size == 0) ||
        (table == SCRIP_TABLE_TIMERS && ((const struct scrip_timer_row *)row)->due_us == SCRIP_TIME_NONE);

    while (at < rows->count && !key_same(table, row_at(rows, table, at), row))
        at++;
    if (at == rows->count && !is_forgotten)
        rows_add(suite, rows, table, row);
    else if (at < rows->count && (table == SCRIP_TABLE_DAYS || table == SCRIP_TABLE_MONTHS)) {
        kept = row_at(rows, table, at);
        /* Two sums that do not fit are of a store that should have refused them: its rows are not asked for. */
        kept->amount = (int64_t)((uint64_t)kept->amount + (uint64_t)usage->amount);
        kept->charge_count += usage->charge_count;
    } else if (at < rows->count && table != SCRIP_TABLE_QUARANTINE) {
        count = rows->count;
        memmove(row_at(rows, table, at), row_at(rows, table, count - 1), scrip_tables[table].row_size);
        rows->count--;
        if (!is_forgotten)
            rows_add(suite, rows, table, row);
    }
}

static void model_commit(struct suite *suite, const struct build *build)
{
    const struct rows *accounts = &build->rows[SCRIP_TABLE_ACCOUNTS];
    struct rows *quarantine = &suite->model[SCRIP_TABLE_QUARANTINE];

    for (uint64_t i = 0; i < build->settled.count; i++)
        for (uint64_t j = 0; j < quarantine->count; j++)
            if (key_same(SCRIP_TABLE_QUARANTINE, row_at(quarantine, SCRIP_TABLE_QUARANTINE, j),
                         row_at(&build->settled, SCRIP_TABLE_QUARANTINE, i))) {
                memmove(row_at(quarantine, SCRIP_TABLE_QUARANTINE, j),
                        row_at(quarantine, SCRIP_TABLE_QUARANTINE, quarantine->count - 1),
                        sizeof(struct scrip_quarantine_row));
                quarantine->count--;
                break;
            }
    for (uint32_t table = 0; table < SCRIP_TABLE_COUNT; table++)
        for (uint64_t i = 0; i < build->rows[table].count; i++)
            model_put(suite, table, row_at(&build->rows[table], table, i));
    for (uint64_t i = 0; i < accounts->count && build->rows[SCRIP_TABLE_BATCHES].count == 0; i++) {
        const struct scrip_account_row *account = row_at(accounts, SCRIP_TABLE_ACCOUNTS, i);
        struct scrip_batch_row row = { account->name, account->first_number, account->event_count, build->recorded_us };

        model_put(suite, SCRIP_TABLE_BATCHES, &row);
    }
}

int build_commit(struct build *build, const struct check_instance *writer)
{
    struct suite *suite = suite_of(build->check);
    struct scrip_commit commit = { .settled = (const void *)build->settled.list,
                                   .settled_count = build->settled.count };
    int code;

    build->recorded_us = (int64_t)(1 + next(suite)) * SCRIP_SECOND;
    commit.recorded_us = build->recorded_us;
    for (uint32_t table = 0; table < SCRIP_TABLE_COUNT; table++) {
        memcpy((char *)&commit + scrip_tables[table].rows, &build->rows[table].list, sizeof(char *));
        memcpy((char *)&commit + scrip_tables[table].count, &build->rows[table].count, sizeof(uint64_t));
    }
    code = store_api(writer)->commit(writer->ctx, &commit);
    if (code == SCRIP_OK)
        model_commit(suite, build);
    return code;
}

int build_keep(struct build *build)
{
    struct suite *suite = suite_of(build->check);
    int code = build_commit(build, &suite->writer);

    if (code < 0)
        check_break(build->check, "All come back as they went in.", "a commit failed that should not: %s",
                    check_message(&suite->writer));
    build_free(build);
    return code;
}

void build_free(struct build *build)
{
    for (uint32_t table = 0; table < SCRIP_TABLE_COUNT; table++) {
        free(build->rows[table].list);
        build->rows[table] = (struct rows){ NULL, 0, 0 };
    }
    free(build->settled.list);
    build->settled = (struct rows){ NULL, 0, 0 };
}

/* ---- comparison ----------------------------------------------------------------------------------------------- */

static void row_show(uint32_t table, const void *row, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "%s", scrip_tables[table].name);

    if (scrip_tables[table].account != SCRIP_NO_ACCOUNT && used < size)
        used += (size_t)snprintf(out + used, size - used, ": account '%.40s'", account_of(table, row)->text);
    if (scrip_tables[table].number != SCRIP_NO_NUMBER && used < size)
        snprintf(out + used, size - used, ": number %lld", (long long)number_of(table, row));
}

static void row_differs(struct suite *suite, uint32_t table, const char *clause, const void *wanted, const void *found)
{
    const char *which = "";
    char text[160];

    row_show(table, wanted ? wanted : found, text, sizeof text);
    for (uint32_t m = 0; m < scrip_tables[table].member_count && wanted && found && which[0] == 0; m++) {
        uint64_t a_size, b_size;
        const void *a = member_bytes(&scrip_tables[table].members[m], wanted, &a_size);
        const void *b = member_bytes(&scrip_tables[table].members[m], found, &b_size);

        if (a_size != b_size || (a_size && memcmp(a, b, a_size) != 0))
            which = scrip_tables[table].members[m].name;
    }
    check_break(suite->check, clause ? clause : clauses[table], "%s: %s%s", text,
                !found    ? "is missing"
                : !wanted ? "should not be there"
                          : "came back with another ",
                which);
}

static int names_order(const struct scrip_name *a, const struct scrip_name *b)
{
    uint64_t size = a->size < b->size ? a->size : b->size;
    int order = size ? memcmp(a->text, b->text, size) : 0;

    return order ? order : (a->size > b->size) - (a->size < b->size);
}

/* -1: a may come before b by what the table's order says of them alone; 0: the same; 1: it may not. */
static int rows_order(uint32_t table, const void *a, const void *b)
{
    const struct scrip_cursor_row *c = a, *d = b;
    const struct scrip_quarantine_row *q = a, *r = b;
    int64_t x, y;
    int order;

    if (table == SCRIP_TABLE_ACCOUNTS)
        return names_order(account_of(table, a), account_of(table, b));
    if (table == SCRIP_TABLE_CURSORS)
        return (order = names_order(c->source, d->source)) ? order : strcmp(c->feed, d->feed);
    if (table == SCRIP_TABLE_QUARANTINE) {
        if ((order = strcmp(q->reason_class, r->reason_class)) != 0 ||
            (order = names_order(q->source, r->source)) != 0 || (order = strcmp(q->feed, r->feed)) != 0)
            return order;
        return q->line != r->line ? (q->line < r->line ? -1 : 1) : memcmp(q->key, r->key, sizeof q->key);
    }
    if (table == SCRIP_TABLE_DAYS || table == SCRIP_TABLE_MONTHS) {
        x = ((const struct scrip_usage_row *)a)->period;
        y = ((const struct scrip_usage_row *)b)->period;
        return x > y ? 1 : -1;
    }
    if (scrip_tables[table].account != SCRIP_NO_ACCOUNT && account_of(table, a) != account_of(table, b))
        return -1;
    if (scrip_tables[table].number == SCRIP_NO_NUMBER) { /* states and timers: members stand in the same place */
        const struct scrip_timer_row *s = a, *t = b;
        uint64_t size = s->key_size < t->key_size ? s->key_size : t->key_size;

        if (s->service != t->service)
            return -1;
        order = size ? memcmp(s->key, t->key, size) : 0;
        return order ? order : (s->key_size > t->key_size) - (s->key_size < t->key_size);
    }
    x = number_of(table, a);
    y = number_of(table, b);
    return (x > y) - (x < y);
}

/* An account's rows come together, and accounts in the order of `accounts`, which grows by what is met first. */
static void order_check(struct suite *suite, uint32_t table, const struct rows *found)
{
    char text[160];

    for (uint64_t i = 1; i < found->count; i++) {
        const void *row = row_at(found, table, i);
        int is_again = 0;

        if (scrip_tables[table].account != SCRIP_NO_ACCOUNT && table != SCRIP_TABLE_ACCOUNTS &&
            table != SCRIP_TABLE_DAYS && table != SCRIP_TABLE_MONTHS &&
            account_of(table, row) != account_of(table, row_at(found, table, i - 1)))
            for (uint64_t j = 0; j + 1 < i && !is_again; j++)
                is_again = account_of(table, row) == account_of(table, row_at(found, table, j));
        if (rows_order(table, row_at(found, table, i - 1), row) < 0 && !is_again)
            continue;
        row_show(table, row, text, sizeof text);
        check_break(suite->check, out_of_order, "%s: comes behind a row that it should come before", text);
        return;
    }
}

static void table_compare(struct suite *suite, const struct check_instance *reader, uint32_t table, const char *clause)
{
    struct rows *model = &suite->model[table], found;
    struct scrip_scan scan = scan_for(table, NULL);
    char *seen = NULL;

    if (rows_scan(suite, reader, &scan, &found) == SCRIP_OK) {
        seen = memory_get(model->count + 1);
        if (suite->is_ordering)
            order_check(suite, table, &found);
        for (uint64_t i = 0; i < found.count; i++) {
            const void *row = row_at(&found, table, i);
            uint64_t at = i; /* most often */

            if (at >= model->count || !key_same(table, row_at(model, table, at), row))
                at = 0;
            while (at < model->count && !key_same(table, row_at(model, table, at), row))
                at++;
            if (at == model->count || seen[at])
                row_differs(suite, table, clause, NULL, row);
            else if (!rows_same(&scrip_tables[table], row_at(model, table, at), row))
                row_differs(suite, table, clause, row_at(model, table, at), row);
            if (at < model->count)
                seen[at] = 1;
        }
        for (uint64_t at = 0; at < model->count; at++)
            if (!seen[at])
                row_differs(suite, table, clause, row_at(model, table, at), NULL);
    }
    free(seen);
    free(found.list);
}

void model_compare(struct suite *suite, const struct check_instance *reader, const char *clause)
{
    for (uint32_t table = 0; table < SCRIP_TABLE_COUNT; table++)
        table_compare(suite, reader, table, clause);
}

/* ---- sessions ------------------------------------------------------------------------------------------------- */

int suite_start(struct check *check)
{
    struct suite *suite = suite_of(check);
    int code = check_open(suite->host, SCRIP_SESSION_WRITE, &suite->writer);

    if (code < 0 && !check_is_broken(check))
        check_stop(check, "store: a writing session could not begin: %s", check_message(&suite->writer));
    if (code >= 0 && (code = check_open(suite->host, SCRIP_SESSION_READ, &suite->reader)) < 0 &&
        !check_is_broken(check))
        check_stop(check, "store: a reading session could not begin: %s", check_message(&suite->reader));
    for (uint32_t table = 0; table < SCRIP_TABLE_COUNT && code >= 0; table++) {
        struct scrip_scan scan = scan_for(table, NULL);

        free(suite->model[table].list);
        if ((code = rows_scan(suite, &suite->reader, &scan, &suite->model[table])) < 0)
            check_stop(check, "store: a scan of %s failed: %s", scrip_tables[table].name,
                       check_message(&suite->reader));
    }
    return code >= 0;
}

void suite_end(struct check *check)
{
    struct suite *suite = suite_of(check);

    check_close(&suite->reader);
    check_close(&suite->writer);
}
