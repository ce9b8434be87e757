/* check_report.c - what every report must do, clause by clause of plugin.h. */
#include "check_bench.h"

#include <inttypes.h>
#include <stdio.h>

#define COLUMN_LIMIT 8
#define MANY_ROWS 3000
#define FAULT_LIMIT 24 /* places at which the output is full */
#define SAME "The same table gives the same bytes."
#define FULL "Fails where they cannot be written: half a report is none."
#define AGAIN "then perhaps again: after a call that failed, too, with begin."

/* One instance that writes. `host` comes first: ctx->host is the bench. */
struct bench {
    struct scrip_host host;
    struct check *check;
    struct check_instance instance;
    struct answers output; /* of each table one answer */
    uint64_t room, used;   /* bytes that the output takes */
    int is_open;           /* a table is being written */
    int is_full;           /* a write was refused */
};

struct suite {
    struct check_host *host;
    struct answers first; /* what each table became */
};

static struct suite *suite_of(struct check *check)
{
    return *check_self(check);
}

static void suite_end(void *self)
{
    struct suite *suite = self;

    answers_free(&suite->first);
    check_host_close(suite->host);
    free(suite);
}

/* ---- tables --------------------------------------------------------------------------------------------------- */

struct table {
    const char *title;
    uint64_t columns, rows;
    int is_odd; /* texts that a format must not take for its own signs */
};
static const struct table tables[] = {
    { "one of each", 4, 3, 0 },
    { "no row", 4, 0, 0 },
    { "one column", 1, 2, 0 },
    { "odd texts", 4, 24, 1 },
    { "", 3, 1, 0 },
    { "many rows", 4, MANY_ROWS, 0 },
    { "the most columns", COLUMN_LIMIT, 2, 1 },
};
#define TABLE_COUNT (sizeof tables / sizeof *tables)

static const char *const odd[] = {
    "",     "a,b",  "a;b", "say \"yes\"", "two\nlines", "tab\there", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
    "=1+1", "%s%n", "\\n", "'",           "</td>",      " blank ",
};

static const struct scrip_column columns[COLUMN_LIMIT] = {
    { "account", SCRIP_CELL_TEXT }, { "amount", SCRIP_CELL_NUMBER }, { "time", SCRIP_CELL_TIME },
    { "note", SCRIP_CELL_TEXT },    { "e", SCRIP_CELL_TEXT },        { "f", SCRIP_CELL_NUMBER },
    { "g", SCRIP_CELL_TIME },       { "h", SCRIP_CELL_TEXT },
};

static const char *cell_make(const struct table *table, uint64_t row, uint64_t column, uint64_t *type, char text[64])
{
    *type = columns[column].type;
    if ((row + column) % 5 == 4) {
        *type = SCRIP_CELL_NONE;
        text[0] = 0;
    } else if (*type == SCRIP_CELL_NUMBER)
        snprintf(text, 64, "%s%" PRIu64 ".%02" PRIu64, row % 3 == 1 ? "-" : "", row * 1000003 + column, row % 100);
    else if (*type == SCRIP_CELL_TIME)
        snprintf(text, 64, "2022-03-%02" PRIu64 "T00:00:00Z", row % 28 + 1);
    else if (table->is_odd)
        return odd[(row + column) % (sizeof odd / sizeof *odd)];
    else
        snprintf(text, 64, "text %" PRIu64 " %" PRIu64, row, column);
    return text;
}

/* ---- what a report calls -------------------------------------------------------------------------------------- */

static int on_write(struct scrip_ctx *ctx, const void *bytes, uint64_t size)
{
    struct bench *bench = (struct bench *)ctx->host;

    if (!bench->is_open)
        return scrip_fail(ctx, SCRIP_EINVALID, "write: only while a report is written");
    if (size > bench->room - bench->used) {
        bench->is_full = 1;
        return scrip_fail(ctx, SCRIP_EIO, "write: the output could not be written");
    }
    bench->used += size;
    answers_add_bytes(&bench->output, bytes, size);
    return SCRIP_OK;
}

/* ---- writing -------------------------------------------------------------------------------------------------- */

static int bench_open(struct bench *bench, struct check *check, struct check_host *host)
{
    memset(bench, 0, sizeof *bench);
    bench->host = *check_services();
    bench->host.write = on_write;
    bench->check = check;
    bench->room = UINT64_MAX;
    return check_open_on(host, &bench->host, &bench->instance);
}

static void bench_close(struct bench *bench)
{
    check_close(&bench->instance);
    answers_free(&bench->output);
}

static const struct scrip_report *api_of(const struct bench *bench)
{
    return bench->instance.api;
}

static int table_begin_lent(struct bench *bench, const struct table *table)
{
    size_t size = lent_room(strlen(table->title) + 1) + lent_room(table->columns * sizeof *columns);
    struct scrip_column *copies;
    struct lent lent;
    const char *title;
    int code;

    for (uint64_t i = 0; i < table->columns; i++)
        size += lent_room(strlen(columns[i].name) + 1);
    lent = lent_open(size);
    title = lent_text(&lent, table->title);
    copies = lent_copy(&lent, columns, table->columns * sizeof *columns);
    for (uint64_t i = 0; i < table->columns; i++)
        copies[i].name = lent_text(&lent, columns[i].name);
    lent_ready(&lent);
    code = api_of(bench)->begin(bench->instance.ctx, title, copies, table->columns);
    if (lent_close(&lent))
        check_break(bench->check, CLAUSE_LENT, "begin: its title or columns were changed");
    code_check(bench->check, &bench->instance, code, SCRIP_OK, "begin");
    return code;
}

static int row_lent(struct bench *bench, const struct table *table, uint64_t row)
{
    struct lent lent =
        lent_open(lent_room(table->columns * sizeof(struct scrip_cell)) + table->columns * lent_room(64));
    struct scrip_cell made[COLUMN_LIMIT], *cells = lent_copy(&lent, made, 0);
    char text[64];
    int code;

    lent.used = lent_room(table->columns * sizeof *cells);
    for (uint64_t i = 0; i < table->columns; i++)
        cells[i].text = lent_text(&lent, cell_make(table, row, i, &cells[i].type, text));
    lent_ready(&lent);
    code = api_of(bench)->row(bench->instance.ctx, cells, table->columns);
    if (lent_close(&lent))
        check_break(bench->check, CLAUSE_LENT, "row %" PRIu64 ": its cells were changed", row + 1);
    code_check(bench->check, &bench->instance, code, SCRIP_OK, "row");
    return code;
}

static int table_end_ask(struct bench *bench)
{
    int code = api_of(bench)->end ? api_of(bench)->end(bench->instance.ctx) : SCRIP_OK;

    code_check(bench->check, &bench->instance, code, SCRIP_OK, "end");
    return code;
}

/* A whole table; stops where a call fails, as the host does. */
static int table_write(struct bench *bench, const struct table *table)
{
    int code = SCRIP_OK;

    bench->used = 0;
    bench->is_open = 1;
    bench->is_full = 0;
    check_hush(&bench->instance);
    if (api_of(bench)->begin != NULL)
        code = table_begin_lent(bench, table);
    for (uint64_t row = 0; row < table->rows && code == SCRIP_OK && !check_is_broken(bench->check); row++)
        code = row_lent(bench, table, row);
    if (code == SCRIP_OK && !check_is_broken(bench->check))
        code = table_end_ask(bench);
    bench->is_open = 0;
    answers_end(&bench->output);
    return code;
}

/* ---- tests ---------------------------------------------------------------------------------------------------- */

static void test_tables(struct check *check)
{
    struct suite *suite = memory_get(sizeof *suite);
    uint64_t bytes = 0;

    check_keep(check, suite, suite_end);
    suite->host = check_host_open(check);
    for (size_t i = 0; i < TABLE_COUNT && suite->host != NULL && !check_is_broken(check); i++) {
        struct bench bench;
        size_t size;

        bench_open(&bench, check, suite->host);
        if (!check_is_stopped(check) && api_of(&bench)->row == NULL) {
            bench_close(&bench);
            break;
        }
        if (!check_is_stopped(check) && table_write(&bench, &tables[i]) < 0 && !check_is_broken(check))
            check_break(check, NULL, "table '%s' of %" PRIu64 " columns and %" PRIu64 " rows failed: %s",
                        tables[i].title, tables[i].columns, tables[i].rows, check_said(&bench.instance));
        if (!check_is_broken(check)) {
            const char *text = answers_at(&bench.output, 0, &size);

            answers_add_bytes(&suite->first, text, size);
            answers_end(&suite->first);
            bytes += size;
        }
        bench_close(&bench);
    }
    if (bytes == 0 && !check_is_broken(check))
        check_skip(check,
                   suite->first.count ? "nothing was written: what it does goes elsewhere" : "it writes no tables");
}

/* 1: this test has nothing to ask. */
static int is_moot(struct check *check)
{
    const char *why = check_was_broken(check)             ? "what is broken above would be found here, too"
                      : suite_of(check)->first.count == 0 ? "it writes no tables"
                                                          : NULL;

    if (why != NULL)
        check_skip(check, why);
    return why != NULL || check_is_stopped(check);
}

static void output_compare(struct check *check, const struct bench *bench, size_t at, size_t table, const char *how)
{
    const struct answers *first = &suite_of(check)->first;
    size_t size, wanted;

    if (check_is_broken(check) || answers_same_at(&bench->output, at, first, table))
        return;
    answers_at(&bench->output, at, &size);
    answers_at(first, table, &wanted);
    check_break(check, NULL, "table '%s' became other bytes %s: %zu, first %zu", tables[table].title, how, size,
                wanted);
}

/* All tables one after the other, by one instance, and back. */
static void test_again(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct bench bench;

    if (is_moot(check))
        return;
    bench_open(&bench, check, suite->host);
    for (size_t i = 0; i < 2 * TABLE_COUNT && !check_is_broken(check); i++) {
        size_t table = i < TABLE_COUNT ? i : 2 * TABLE_COUNT - 1 - i;

        if (table_write(&bench, &tables[table]) < 0)
            check_break(check, NULL, "table '%s' failed behind others: %s", tables[table].title,
                        check_message(&bench.instance));
        output_compare(check, &bench, i, table, "behind others");
    }
    bench_close(&bench);
}

/* The output takes no more at some byte: the table fails, and the next one is whole. */
static void full_at(struct check *check, struct bench *bench, size_t table, uint64_t room)
{
    int code;

    bench->room = room;
    answers_clear(&bench->output);
    code = table_write(bench, &tables[table]);
    if (!check_is_broken(check) && bench->is_full && code >= 0)
        check_break(check, FULL, "table '%s': the output was full at byte %" PRIu64 ", and it did not fail",
                    tables[table].title, room);
    bench->room = UINT64_MAX;
    answers_clear(&bench->output);
    if (!check_is_broken(check) && (code = table_write(bench, &tables[0])) < 0)
        check_break(check, AGAIN, "after a table that failed: %s", check_message(&bench->instance));
    else if (!check_is_broken(check) && !answers_same_at(&bench->output, 0, &suite_of(check)->first, 0))
        check_break(check, AGAIN, "after a table that failed at byte %" PRIu64 ", the next one became other bytes",
                    room);
}

static void test_full(struct check *check)
{
    struct suite *suite = suite_of(check);
    uint64_t tried = 0;
    struct bench bench;

    if (is_moot(check))
        return;
    bench_open(&bench, check, suite->host);
    for (size_t i = 0; i < TABLE_COUNT && !check_is_broken(check); i++) {
        size_t size, step;

        answers_at(&suite->first, i, &size);
        step = size * TABLE_COUNT / FAULT_LIMIT + 1;
        for (uint64_t room = 0; room < size && !check_is_broken(check); room += step, tried++)
            full_at(check, &bench, i, room);
        if (size > 0 && !check_is_broken(check))
            full_at(check, &bench, i, size - 1);
    }
    bench_close(&bench);
    if (tried == 0)
        check_skip(check, "nothing was written: what it does goes elsewhere");
}

/* Two instances, a row of one and a row of the other. */
static void test_two(struct check *check)
{
    struct suite *suite = suite_of(check);
    const struct table *table = &tables[0];
    struct bench benches[2];
    int code = SCRIP_OK;

    if (suite->first.count == 0 || check_is_stopped(check)) {
        check_skip(check, "it writes no tables");
        return;
    }
    for (int i = 0; i < 2; i++) {
        bench_open(&benches[i], check, suite->host);
        benches[i].is_open = 1;
    }
    for (int i = 0; i < 2 && code == SCRIP_OK && !check_is_broken(check); i++)
        if (api_of(&benches[i])->begin != NULL)
            code = table_begin_lent(&benches[i], table);
    for (uint64_t row = 0; row < 2 * table->rows && code == SCRIP_OK && !check_is_broken(check); row++)
        code = row_lent(&benches[row % 2], table, row / 2);
    for (int i = 0; i < 2 && code == SCRIP_OK && !check_is_broken(check); i++) {
        code = table_end_ask(&benches[i]);
        answers_end(&benches[i].output);
        if (code == SCRIP_OK)
            output_compare(check, &benches[i], 0, 0, "while another instance writes, too");
    }
    if (code < 0 && !check_is_broken(check))
        check_break(check, NULL, "a table failed while another instance wrote, too");
    for (int i = 0; i < 2; i++)
        bench_close(&benches[i]);
}

/* Deliveries of every sort, each twice. Who gets them may not be there: then that must be said. */
static void test_deliveries(struct check *check)
{
    static const char *const bodies[] = { "{\"specversion\":\"1.0\",\"id\":\"a/1\",\"type\":\"scrip.usage\"}", "{}",
                                          "{\"note\":\"\xc3\xa4 \\n \\\" % ' --\"}" };
    struct suite *suite = suite_of(check);
    struct bench bench;

    if (suite->host == NULL || check_is_stopped(check))
        return;
    bench_open(&bench, check, suite->host);
    if (!check_is_stopped(check) && api_of(&bench)->deliver == NULL)
        check_skip(check, "it is no subscriber");
    for (uint64_t i = 0; i < 6 && !check_is_broken(check) && api_of(&bench)->deliver != NULL; i++) {
        const char *body = bodies[i / 2];
        struct lent lent = lent_open(4 * lent_room(strlen(body) + 1) + 4 * lent_room(80));
        struct scrip_delivery *delivery =
            lent_copy(&lent, &(struct scrip_delivery){ .attempt = i % 2 + 1 }, sizeof *delivery);
        int code;

        delivery->id = lent_text(&lent, i / 2 ? "check/2" : "check/1");
        delivery->account = lent_text(&lent, "scrip check");
        delivery->body = lent_text(&lent, body);
        delivery->size = strlen(body);
        delivery->signature = lent_text(&lent, i / 2 == 1 ? "" : "t=1640995200,v1=00");
        lent_ready(&lent);
        check_hush(&bench.instance);
        code = api_of(&bench)->deliver(bench.instance.ctx, delivery);
        if (lent_close(&lent))
            check_break(check, CLAUSE_LENT, "delivery %" PRIu64 ": it was changed", i + 1);
        code_check(check, &bench.instance, code, SCRIP_OK, "deliver");
    }
    bench_close(&bench);
}

const struct check_test check_report_tests[] = {
    { "tables", "A report writes a table: begin, row ..., end;", test_tables },
    { "again", SAME, test_again },
    { "full output", FULL, test_full },
    { "two instances", CLAUSE_STATIC, test_two },
    { "deliveries", "What failed is tried again later, and nothing behind it in its account before that.",
      test_deliveries },
    { NULL, NULL, NULL },
};
