/* embed.c - libscrip from a program: everything that scrip.h promises, and nothing of core/. */
#include "unit.h"

#include <scrip/scrip.h>

static char folder[SCRATCH_SIZE];
static struct scrip_error err;

static const char config_text[] = "[scrip]\nplugins = p\ndimensions = pool\n"
                                  "[store/sqlite]\nfile = %s.db\n"
                                  "[currency/prepaid gold]\ndecimals = 2\n"
                                  "[service/ratesheet cloud]\nsheet = rates.csv\ncurrencies = gold\n"
                                  "[service/metered]\ncurrency = gold\n"
                                  "[source/events events]\nfiles = feed*.jsonl\n"
                                  "[report/json json]\n";

static const char *config_write(const char *name)
{
    char text[sizeof config_text + 64], file[64];

    snprintf(text, sizeof text, config_text, name);
    snprintf(file, sizeof file, "%s.ini", name);
    return scratch_text(folder, file, text);
}

static struct scrip *host_open(const char *config, int access)
{
    struct scrip *scrip;
    int code;

    memset(&err, 0, sizeof err);
    code = scrip_open(config, access, &scrip, &err);
    ck_assert_msg(code == SCRIP_OK, "%s", err.message);
    return scrip;
}

static void setup(void)
{
    char absolute[4096], plugins[4200];

    memset(&err, 0, sizeof err);
    scratch_open(folder);
    ck_assert_ptr_nonnull(realpath(build_folder(), absolute));
    snprintf(plugins, sizeof plugins, "%s/plugins", absolute);
    ck_assert_int_eq(symlink(plugins, scratch_path(folder, "p")), 0);
    scratch_text(folder, "rates.csv", "product,from,to,rate,per,currency\nRENDER,,,1.25,1,gold\nTHIRD,,,1,3,gold\n");
}

static void teardown(void)
{
    scratch_close(folder);
}

/* One event from "key=value" texts; the list ends with NULL. */
static int submit(struct scrip *scrip, struct scrip_result *result, ...)
{
    struct scrip_pair pairs[40];
    char texts[40][128];
    const char *text;
    uint64_t count = 0;
    va_list list;

    va_start(list, result);
    while ((text = va_arg(list, const char *)) != NULL) {
        snprintf(texts[count], sizeof texts[0], "%s", text);
        pairs[count].key = texts[count];
        pairs[count].value = strchr(texts[count], '=') + 1;
        *strchr(texts[count++], '=') = 0;
    }
    va_end(list);
    memset(&err, 0, sizeof err);
    return scrip_submit(scrip, pairs, count, result, &err);
}

static void submits(struct scrip *scrip, int outcome, const char *id, const char *product, const char *quantity)
{
    struct scrip_result result;
    char id_text[64], product_text[64], quantity_text[64];

    snprintf(id_text, sizeof id_text, "id=%s", id);
    snprintf(product_text, sizeof product_text, "product=%s", product);
    snprintf(quantity_text, sizeof quantity_text, "quantity=%s", quantity);
    ck_assert_msg(submit(scrip, &result, "type=scrip.usage", "account=team", "time=2022-03-29T10:00:00Z", id_text,
                         product_text, quantity_text, NULL) == SCRIP_OK, "%s", err.message);
    ck_assert_msg(result.outcome == outcome, "%s: %s %s", id, scrip_outcome_name(result.outcome), result.reason);
}

static void grants(struct scrip *scrip, const char *amount)
{
    struct scrip_result result;
    char text[64];

    snprintf(text, sizeof text, "amount=%s", amount);
    ck_assert_msg(submit(scrip, &result, "type=scrip.grant", "account=team", "time=2022-01-01T00:00:00Z", "id=g1",
                         "currency=gold", text, "expires=2023-01-01", NULL) == SCRIP_OK, "%s", err.message);
    ck_assert_int_eq(result.outcome, SCRIP_APPLIED);
    ck_assert_uint_eq(result.number, 1);
}

/* ---- answers, as lines of text ----------------------------------------------------------------------------------- */

struct lines {
    char text[8192];
    char columns[1024];
    uint64_t rows, stop_at;
    int ended;
};

static int lines_begin(void *sink, const char *title, const struct scrip_column *columns, uint64_t count)
{
    struct lines *lines = sink;

    ck_assert_str_ne(title, "");
    for (uint64_t i = 0; i < count; i++)
        sprintf(lines->columns + strlen(lines->columns), "%s%s", i ? "|" : "", columns[i].name);
    return SCRIP_OK;
}

static int lines_row(void *sink, const struct scrip_cell *cells, uint64_t count)
{
    struct lines *lines = sink;

    for (uint64_t i = 0; i < count; i++)
        snprintf(lines->text + strlen(lines->text), sizeof lines->text - strlen(lines->text), "%s%s", i ? "|" : "",
                 cells[i].type == SCRIP_CELL_NONE ? "-" : cells[i].text);
    strcat(lines->text, "\n");
    return ++lines->rows == lines->stop_at ? 77 : SCRIP_OK;
}

static int lines_end(void *sink)
{
    ((struct lines *)sink)->ended++;
    return SCRIP_OK;
}

static struct scrip_query query_of(int64_t question)
{
    struct scrip_query query = { .question = question, .as_of_us = SCRIP_TIME_NONE, .before_us = SCRIP_TIME_NONE,
                                 .from_us = SCRIP_TIME_NONE, .to_us = SCRIP_TIME_NONE };

    return query;
}

static struct lines *ask(struct scrip *scrip, const struct scrip_query *query)
{
    static struct lines lines;
    struct scrip_answer answer = { lines_begin, lines_row, lines_end, &lines };
    int code;

    memset(&lines, 0, sizeof lines);
    memset(&err, 0, sizeof err);
    code = scrip_ask(scrip, query, &answer, &err);
    ck_assert_msg(code == SCRIP_OK, "%s", err.message);
    ck_assert_int_eq(lines.ended, 1);
    return &lines;
}

/* available of the only account and currency, at the time of the events. */
static void available_is(struct scrip *scrip, const char *wanted)
{
    struct scrip_query query = query_of(SCRIP_ASK_BALANCE);
    struct lines *lines;
    char start[64];

    query.account = "team";
    ck_assert_int_eq(scrip_time_parse("2022-03-30", &query.as_of_us), SCRIP_OK);
    lines = ask(scrip, &query);
    snprintf(start, sizeof start, "team|gold|%s|", wanted);
    ck_assert_msg(strncmp(lines->text, start, strlen(start)) == 0, "wanted %s, found %s", start, lines->text);
}

static const char *head_of(struct scrip *scrip, char out[256])
{
    struct scrip_query query = query_of(SCRIP_ASK_HEAD);

    snprintf(out, 256, "%.255s", ask(scrip, &query)->text);
    return out;
}

static int finding_fails(void *sink, const char *text)
{
    (void)sink;
    ck_abort_msg("verify: %s", text);
    return SCRIP_OK;
}

static void verifies(struct scrip *scrip, uint64_t wanted)
{
    uint64_t findings = 99, events = 0;

    ck_assert_msg(scrip_verify(scrip, finding_fails, NULL, &findings, &events, &err) == SCRIP_OK, "%s", err.message);
    ck_assert_uint_eq(findings, 0);
    ck_assert_uint_eq(events, wanted);
}

/* ---- events in --------------------------------------------------------------------------------------------------- */

START_TEST(events_and_what_became_of_them)
{
    struct scrip *scrip = host_open(config_write("books"), SCRIP_ACCESS_INIT);
    struct scrip_result result;

    grants(scrip, "10.00");
    submits(scrip, SCRIP_CHARGED, "u1", "RENDER", "4");
    available_is(scrip, "5.00");
    /* The same again is known; its answer is the first one, and nothing moves. */
    ck_assert_int_eq(submit(scrip, &result, "type=scrip.usage", "account=team", "time=2022-03-29T10:00:00Z", "id=u1",
                            "product=RENDER", "quantity=4.0", NULL), SCRIP_OK);
    ck_assert_int_eq(result.was_duplicate, 1);
    ck_assert_int_eq(result.outcome, SCRIP_CHARGED);
    ck_assert_uint_eq(result.number, 2);
    available_is(scrip, "5.00");
    /* The same id with other content is a conflict. */
    submits(scrip, SCRIP_QUARANTINED, "u1", "RENDER", "5");
    available_is(scrip, "5.00");
    /* Too much is refused, and the refusal is kept. */
    ck_assert_int_eq(submit(scrip, &result, "type=scrip.usage", "account=team", "time=2022-03-29T10:00:00Z", "id=u2",
                            "product=RENDER", "quantity=5", NULL), SCRIP_OK);
    ck_assert_int_eq(result.outcome, SCRIP_REFUSED);
    text_holds(result.reason, "6.25", "5.00", NULL);
    ck_assert_int_eq(submit(scrip, &result, "type=scrip.usage", "account=team", "time=2022-03-29T10:00:00Z", "id=u2",
                            "product=RENDER", "quantity=5", NULL), SCRIP_OK);
    ck_assert_int_eq(result.outcome, SCRIP_REFUSED);
    ck_assert_int_eq(result.was_duplicate, 1);
    text_holds(result.reason, "6.25", NULL);
    /* A third of one is rounded once. */
    submits(scrip, SCRIP_CHARGED, "u3", "THIRD", "1");
    available_is(scrip, "4.67");
    submits(scrip, SCRIP_QUARANTINED, "u4", "NOBODY", "1");
    verifies(scrip, 4);
    scrip_close(scrip);
}
END_TEST

START_TEST(what_cannot_be_read_leaves_nothing)
{
    struct scrip *scrip = host_open(config_write("books"), SCRIP_ACCESS_INIT);
    struct scrip_result result;
    struct scrip_query query = query_of(SCRIP_ASK_QUARANTINE);

    ck_assert_int_eq(submit(scrip, &result, "type=scrip.usage", NULL), SCRIP_EINVALID);
    text_holds(err.message, "account: missing", NULL);
    ck_assert_int_eq(submit(scrip, &result, "account=team", NULL), SCRIP_EINVALID);
    text_holds(err.message, "type: missing", NULL);
    ck_assert_int_eq(submit(scrip, &result, "type=scrip.usage", "account=team", "qantity=1", NULL), SCRIP_EINVALID);
    text_holds(err.message, "qantity: no such field", NULL);
    ck_assert_int_eq(submit(scrip, &result, "type=scrip.usage", "account=team", "product=A", "quantity=x", NULL),
                     SCRIP_EINVALID);
    text_holds(err.message, "quantity: 'x'", NULL);
    ck_assert_int_eq(submit(scrip, &result, "type=scrip.usage", "account=team", "product=A", "product=B", NULL),
                     SCRIP_EINVALID);
    text_holds(err.message, "product: given twice", NULL);
    ck_assert_int_eq(scrip_submit_json(scrip, "{\"id\":", 6, &result, &err), SCRIP_EINVALID);
    text_holds(err.message, "JSON: ", NULL);
    ck_assert_uint_eq(ask(scrip, &query)->rows, 0);
    verifies(scrip, 0);
    scrip_close(scrip);
}
END_TEST

START_TEST(an_event_without_an_id)
{
    struct scrip *scrip = host_open(config_write("books"), SCRIP_ACCESS_INIT);
    struct scrip_result result;

    grants(scrip, "10.00");
    ck_assert_int_eq(submit(scrip, &result, "type=scrip.usage", "account=team", "time=2022-03-29T10:00:00Z",
                            "product=RENDER", "quantity=2", NULL), SCRIP_OK);
    ck_assert_int_eq(result.outcome, SCRIP_CHARGED);
    ck_assert_int_eq(result.was_duplicate, 0);
    /* The same event is the same in any order of its fields. */
    ck_assert_int_eq(submit(scrip, &result, "quantity=2", "product=RENDER", "time=2022-03-29T10:00:00Z", "account=team",
                            "type=scrip.usage", NULL), SCRIP_OK);
    ck_assert_int_eq(result.was_duplicate, 1);
    ck_assert_int_eq(submit(scrip, &result, "type=scrip.usage", "account=team", "time=2022-03-29T10:00:01Z",
                            "product=RENDER", "quantity=2", NULL), SCRIP_OK);
    ck_assert_int_eq(result.was_duplicate, 0);
    available_is(scrip, "5.00");
    /* Its time is now. */
    ck_assert_int_eq(submit(scrip, &result, "type=scrip.account", "account=other", "name=Other", NULL), SCRIP_OK);
    ck_assert_int_eq(result.outcome, SCRIP_APPLIED);
    scrip_close(scrip);
}
END_TEST

START_TEST(native_events)
{
    static const char grant[] = "{\"specversion\":\"1.0\",\"id\":\"g\",\"source\":\"crm\",\"type\":\"scrip.grant\","
                                "\"subject\":\"team\",\"time\":\"2022-01-01T00:00:00Z\","
                                "\"data\":{\"currency\":\"gold\",\"amount\":\"12.5\"}}";
    struct scrip *scrip = host_open(config_write("books"), SCRIP_ACCESS_INIT);
    struct scrip_result result;
    char large[100];

    ck_assert_msg(scrip_submit_json(scrip, grant, sizeof grant - 1, &result, &err) == SCRIP_OK, "%s", err.message);
    ck_assert_int_eq(result.outcome, SCRIP_APPLIED);
    ck_assert_int_eq(scrip_submit_json(scrip, grant, sizeof grant - 1, &result, &err), SCRIP_OK);
    ck_assert_int_eq(result.was_duplicate, 1);
    available_is(scrip, "12.50");
    ck_assert_int_eq(scrip_submit_json(scrip, large, SCRIP_ROW_SIZE + 1, &result, &err), SCRIP_ELIMIT);
    text_holds(err.message, "1048576 bytes", NULL);
    scrip_close(scrip);
}
END_TEST

/* ---- feeds ------------------------------------------------------------------------------------------------------- */

static void progress_count(void *sink, const struct scrip_progress *progress)
{
    ck_assert_str_eq(progress->source, "events");
    ++*(int *)sink;
}

#define LINE(id, type, time, data)                                                                            \
    "{\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"feed\",\"type\":\"scrip." type                          \
    "\",\"subject\":\"team\",\"time\":\"" time "\",\"data\":{" data "}}\n"

START_TEST(runs_add_up)
{
    struct scrip *scrip = host_open(config_write("books"), SCRIP_ACCESS_INIT);
    struct scrip_run_options options = { .until_us = SCRIP_TIME_NONE, .progress = progress_count };
    struct scrip_totals totals;
    uint64_t sum = 0;
    int count = 0;

    options.sink = &count;
    scratch_text(folder, "feed1.jsonl",
                 LINE("g", "grant", "2022-01-01T00:00:00Z", "\"currency\":\"gold\",\"amount\":\"10\"")
                 LINE("a", "usage", "2022-02-01T00:00:00Z", "\"product\":\"RENDER\",\"quantity\":\"2\"")
                 LINE("a", "usage", "2022-02-01T00:00:00Z", "\"product\":\"RENDER\",\"quantity\":\"2\"")
                 "not an event\n"
                 LINE("b", "usage", "2022-03-01T00:00:00Z", "\"product\":\"RENDER\",\"quantity\":\"200\"")
                 LINE("c", "usage", "2022-04-01T00:00:00Z", "\"product\":\"UNKNOWN\""));
    ck_assert_int_eq(scrip_time_parse("2022-03-15", &options.until_us), SCRIP_OK);
    ck_assert_msg(scrip_run(scrip, &options, &totals, &err) == SCRIP_OK, "%s", err.message);
    ck_assert_uint_eq(totals.read, 5); /* the last one waits for a later run */
    ck_assert_uint_eq(totals.outcome[SCRIP_APPLIED], 1);
    ck_assert_uint_eq(totals.outcome[SCRIP_CHARGED], 1);
    ck_assert_uint_eq(totals.outcome[SCRIP_DUPLICATE], 1);
    ck_assert_uint_eq(totals.outcome[SCRIP_QUARANTINED], 1);
    ck_assert_uint_eq(totals.outcome[SCRIP_REFUSED], 1);
    ck_assert_int_gt(count, 0);
    ck_assert_msg(scrip_run(scrip, NULL, &totals, &err) == SCRIP_OK, "%s", err.message);
    ck_assert_uint_eq(totals.read, 1);
    ck_assert_uint_eq(totals.outcome[SCRIP_QUARANTINED], 1);
    ck_assert_int_eq(scrip_run(scrip, NULL, &totals, &err), SCRIP_OK);
    for (int i = 0; i < SCRIP_OUTCOME_COUNT; i++)
        sum += totals.outcome[i];
    ck_assert_uint_eq(sum, totals.read);
    ck_assert_uint_eq(totals.read, 0);
    verifies(scrip, 3);
    ck_assert_int_lt(scrip_ingest(scrip, scratch_path(folder, "absent.jsonl"), "events", NULL, &totals, &err), 0);
    text_holds(err.message, "absent.jsonl", NULL);
    ck_assert_int_eq(scrip_ingest(scrip, "x", "nobody", NULL, &totals, &err), SCRIP_EINVALID);
    text_holds(err.message, "source 'nobody': not configured", NULL);
    scrip_close(scrip);
}
END_TEST

static int stop_after(void *sink)
{
    return --*(int *)sink < 0;
}

/* Runs that follow a feed which is being written; and one that is told to end, which leaves the rest to the next. */
START_TEST(runs_follow)
{
    static const char whole[] =
        LINE("g", "grant", "2022-01-01T00:00:00Z", "\"currency\":\"gold\",\"amount\":\"10\"")
        LINE("a", "usage", "2022-02-01T00:00:00Z", "\"product\":\"RENDER\",\"quantity\":\"1\"")
        LINE("b", "usage", "2022-03-01T00:00:00Z", "\"product\":\"RENDER\",\"quantity\":\"1\"");
    struct scrip *scrip = host_open(config_write("books"), SCRIP_ACCESS_INIT);
    struct scrip_run_options options = { .until_us = SCRIP_TIME_NONE, .settle_us = 60 * SCRIP_SECOND };
    struct scrip_totals totals;
    char half[sizeof whole];
    int rounds = 1;

    memcpy(half, whole, sizeof whole);
    half[sizeof whole - 5] = 0;
    scratch_text(folder, "feed1.jsonl", half);
    ck_assert_msg(scrip_run(scrip, &options, &totals, &err) == SCRIP_OK, "%s", err.message);
    ck_assert_uint_eq(totals.read, 2);
    scratch_text(folder, "feed1.jsonl", whole);
    options.stop = stop_after;
    options.sink = &rounds;
    ck_assert_msg(scrip_run(scrip, &options, &totals, &err) == SCRIP_OK, "%s", err.message);
    ck_assert_uint_eq(totals.read, 1);
    ck_assert_uint_eq(totals.outcome[SCRIP_CHARGED], 1);
    scratch_text(folder, "feed2.jsonl",
                 LINE("c", "usage", "2022-04-01T00:00:00Z", "\"product\":\"RENDER\",\"quantity\":\"1\""));
    rounds = 0;
    ck_assert_int_eq(scrip_run(scrip, &options, &totals, &err), SCRIP_OK);
    ck_assert_uint_eq(totals.read, 0);
    ck_assert_int_eq(scrip_run(scrip, NULL, &totals, &err), SCRIP_OK);
    ck_assert_uint_eq(totals.read, 1);
    verifies(scrip, 4);
    scrip_close(scrip);
}
END_TEST

/* A folder that cannot be read is no folder without files: the run says so and fails. */
START_TEST(folders_that_cannot_be_read)
{
    struct scrip *scrip;
    struct scrip_totals totals;

    ck_assert_int_eq(symlink("loop", scratch_path(folder, "loop")), 0);
    scratch_text(folder, "books.ini", "[scrip]\nplugins = p\n[store/sqlite]\nfile = books.db\n"
                 "[source/events events]\nfiles = nowhere/*.jsonl\n");
    scrip = host_open(scratch_path(folder, "books.ini"), SCRIP_ACCESS_INIT);
    ck_assert_msg(scrip_run(scrip, NULL, &totals, &err) == SCRIP_OK, "%s", err.message);
    scrip_close(scrip);
    scratch_text(folder, "books.ini", "[scrip]\nplugins = p\n[store/sqlite]\nfile = books.db\n"
                 "[source/events events]\nfiles = loop/*.jsonl\n");
    scrip = host_open(scratch_path(folder, "books.ini"), SCRIP_ACCESS_WRITE);
    ck_assert_int_eq(scrip_run(scrip, NULL, &totals, &err), SCRIP_EIO);
    text_holds(err.message, "loop/*.jsonl", "cannot be read", NULL);
    scrip_close(scrip);
}
END_TEST

START_TEST(quarantine_and_out_of_it)
{
    struct scrip *scrip = host_open(config_write("books"), SCRIP_ACCESS_INIT);
    struct scrip_query query = query_of(SCRIP_ASK_QUARANTINE);
    struct scrip_totals totals;
    char key[64];

    grants(scrip, "10");
    submits(scrip, SCRIP_QUARANTINED, "u1", "NEW", "1");
    submits(scrip, SCRIP_QUARANTINED, "u2", "NEVER", "1");
    ck_assert_uint_eq(ask(scrip, &query)->rows, 2);
    ck_assert_int_eq(scrip_quarantine_retry(scrip, NULL, &totals, &err), SCRIP_OK);
    ck_assert_uint_eq(totals.outcome[SCRIP_QUARANTINED], 2);
    ck_assert_int_eq(scrip_quarantine_drop(scrip, "ffffffffffffffff", &err), SCRIP_ENOTFOUND);
    ck_assert_int_eq(scrip_quarantine_drop(scrip, "ff", &err), SCRIP_EINVALID);
    scrip_close(scrip);
    /* The price comes later: it is taken out and charged. */
    scratch_text(folder, "rates.csv", "product,from,to,rate,per,currency\nNEW,,,2,1,gold\n");
    scrip = host_open(scratch_path(folder, "books.ini"), SCRIP_ACCESS_WRITE);
    ck_assert_int_eq(scrip_quarantine_retry(scrip, NULL, &totals, &err), SCRIP_OK);
    ck_assert_uint_eq(totals.read, 2);
    ck_assert_uint_eq(totals.outcome[SCRIP_CHARGED], 1);
    available_is(scrip, "8.00");
    snprintf(key, sizeof key, "%.32s", ask(scrip, &query)->text);
    key[strcspn(key, "|")] = 0;
    ck_assert_msg(scrip_quarantine_drop(scrip, key, &err) == SCRIP_OK, "%s", err.message);
    ck_assert_uint_eq(ask(scrip, &query)->rows, 0);
    verifies(scrip, 2);
    scrip_close(scrip);
}
END_TEST

/* ---- questions --------------------------------------------------------------------------------------------------- */

START_TEST(a_quote_writes_nothing)
{
    struct scrip *scrip = host_open(config_write("books"), SCRIP_ACCESS_INIT);
    const struct scrip_pair pairs[] = { { "type", "scrip.usage" }, { "account", "team" },
                                        { "time", "2022-03-29T10:00:00Z" }, { "product", "RENDER" },
                                        { "quantity", "3" } };
    struct scrip_query query = query_of(SCRIP_ASK_QUOTE);
    char before[256], after[256];
    struct lines *lines;

    grants(scrip, "10");
    head_of(scrip, before);
    query.pairs = pairs;
    query.pair_count = 5;
    lines = ask(scrip, &query);
    ck_assert_uint_gt(lines->rows, 0);
    text_holds(lines->text, "3.75", "g1", NULL);
    ck_assert_str_eq(head_of(scrip, after), before);
    available_is(scrip, "10.00");
    submits(scrip, SCRIP_CHARGED, "u1", "RENDER", "3"); /* and it was no lie */
    available_is(scrip, "6.25");
    ck_assert_str_ne(head_of(scrip, after), before);
    scrip_close(scrip);
}
END_TEST

static int collect(void *sink, const char *bytes, uint64_t size)
{
    struct lines *lines = sink;

    ck_assert_uint_lt(strlen(lines->text) + size, sizeof lines->text);
    strncat(lines->text, bytes, size);
    return SCRIP_OK;
}

static int collect_stop(void *sink, const char *bytes, uint64_t size)
{
    (void)bytes, (void)size;
    ++*(int *)sink;
    return 55;
}

START_TEST(answers)
{
    struct scrip *scrip = host_open(config_write("books"), SCRIP_ACCESS_INIT);
    struct scrip_query query = query_of(SCRIP_ASK_USAGE);
    struct lines lines = { 0 };
    struct scrip_answer answer = { lines_begin, lines_row, lines_end, &lines };
    int calls = 0;

    grants(scrip, "10");
    submits(scrip, SCRIP_CHARGED, "u1", "RENDER", "1");
    submits(scrip, SCRIP_CHARGED, "u2", "THIRD", "3");
    query.by = "product";
    ck_assert_str_eq(ask(scrip, &query)->columns, "product|currency|charges|amount");
    ck_assert_int_eq(scrip_print(scrip, &query, "json", collect, &lines, &err), SCRIP_OK);
    text_holds(lines.text, "\"RENDER\"", "\"1.25\"", "\"THIRD\"", "\"1.00\"", NULL);
    /* A callback that has seen enough stops the answer. */
    memset(&lines, 0, sizeof lines);
    lines.stop_at = 1;
    ck_assert_int_eq(scrip_ask(scrip, &query, &answer, &err), 77);
    ck_assert_uint_eq(lines.rows, 1);
    ck_assert_int_ne(scrip_print(scrip, &query, "json", collect_stop, &calls, &err), SCRIP_OK);
    ck_assert_int_eq(calls, 1);
    /* Wrong questions. */
    query.by = "colour";
    ck_assert_int_eq(scrip_ask(scrip, &query, &answer, &err), SCRIP_EINVALID);
    text_holds(err.message, "colour", NULL);
    ck_assert_int_lt(scrip_print(scrip, &query, "nosuchformat", collect, &lines, &err), 0);
    text_holds(err.message, "nosuchformat", NULL);
    query = query_of(99);
    ck_assert_int_eq(scrip_ask(scrip, &query, &answer, &err), SCRIP_EINVALID);
    query = query_of(SCRIP_ASK_BALANCE);
    query.account = "nobody";
    ck_assert_int_eq(scrip_ask(scrip, &query, &answer, &err), SCRIP_ENOTFOUND);
    text_holds(err.message, "nobody", NULL);
    query = query_of(SCRIP_ASK_EXPLAIN);
    query.id = "u1";
    text_holds(ask(scrip, &query)->text, "1.25", NULL);
    query.id = "u9";
    ck_assert_int_eq(scrip_ask(scrip, &query, &answer, &err), SCRIP_ENOTFOUND);
    /* What a plugin takes. */
    memset(&lines, 0, sizeof lines);
    ck_assert_int_eq(scrip_plugin_help(scrip, "currency/prepaid", &answer, &err), SCRIP_OK);
    text_holds(lines.text, "decimals|", "draw_order|", NULL);
    ck_assert_int_lt(scrip_plugin_help(scrip, "currency/nosuch", &answer, &err), 0);
    ck_assert_int_lt(scrip_plugin_help(scrip, "prepaid", &answer, &err), 0);
    scrip_close(scrip);
}
END_TEST

/* ---- hosts beside each other ------------------------------------------------------------------------------------- */

START_TEST(two_hosts_in_one_process)
{
    struct scrip *a = host_open(config_write("first"), SCRIP_ACCESS_INIT);
    struct scrip *b = host_open(config_write("second"), SCRIP_ACCESS_INIT);
    char heads[2][256];

    grants(a, "10");
    grants(b, "10");
    submits(a, SCRIP_CHARGED, "u1", "RENDER", "4");
    available_is(a, "5.00");
    available_is(b, "10.00");
    submits(b, SCRIP_CHARGED, "u1", "RENDER", "1");
    submits(a, SCRIP_CHARGED, "u2", "RENDER", "2");
    available_is(a, "2.50");
    available_is(b, "8.75");
    ck_assert_str_ne(head_of(a, heads[0]), head_of(b, heads[1]));
    scrip_close(a);
    submits(b, SCRIP_CHARGED, "u2", "RENDER", "1"); /* the other's end does not touch it */
    verifies(b, 3);
    scrip_close(b);
    /* The same events make the same books, whichever host took them in and however often it was opened. */
    a = host_open(config_write("third"), SCRIP_ACCESS_INIT);
    grants(a, "10");
    submits(a, SCRIP_CHARGED, "u1", "RENDER", "1");
    scrip_close(a);
    a = host_open(config_write("third"), SCRIP_ACCESS_WRITE);
    submits(a, SCRIP_CHARGED, "u2", "RENDER", "1");
    b = host_open(config_write("second"), SCRIP_ACCESS_READ);
    ck_assert_str_eq(head_of(a, heads[0]), head_of(b, heads[1]));
    scrip_close(b);
    scrip_close(a);
}
END_TEST

START_TEST(a_reader_beside_a_writer)
{
    const char *config = config_write("books");
    struct scrip *writer = host_open(config, SCRIP_ACCESS_INIT), *reader, *second = NULL;
    struct scrip_result result;
    struct scrip_totals totals;

    grants(writer, "10");
    reader = host_open(config, SCRIP_ACCESS_READ);
    available_is(reader, "10.00");
    submits(writer, SCRIP_CHARGED, "u1", "RENDER", "4");
    available_is(reader, "5.00"); /* every commit that returned before */
    ck_assert_int_eq(submit(reader, &result, "type=scrip.account", "account=x", NULL), SCRIP_EINVALID);
    text_holds(err.message, "opened to read only", NULL);
    ck_assert_int_eq(scrip_run(reader, NULL, &totals, &err), SCRIP_EINVALID);
    ck_assert_int_eq(scrip_quarantine_retry(reader, NULL, &totals, &err), SCRIP_EINVALID);
    memset(&err, 0, sizeof err);
    ck_assert_int_eq(scrip_open(config, SCRIP_ACCESS_WRITE, &second, &err), SCRIP_EBUSY);
    ck_assert_ptr_null(second);
    ck_assert_str_ne(err.message, "");
    scrip_close(writer);
    writer = host_open(config, SCRIP_ACCESS_WRITE);
    submits(writer, SCRIP_CHARGED, "u2", "RENDER", "1");
    available_is(reader, "3.75");
    scrip_close(reader);
    scrip_close(writer);
}
END_TEST

START_TEST(opening)
{
    struct scrip *scrip = (struct scrip *)&err;
    const char *config = config_write("books");
    struct scrip_query query = query_of(SCRIP_ASK_PLUGINS);

    ck_assert_int_eq(scrip_open(scratch_path(folder, "absent.ini"), SCRIP_ACCESS_READ, &scrip, &err), SCRIP_EINVALID);
    ck_assert_ptr_null(scrip);
    /* No store yet: named, and none made by looking. */
    ck_assert_int_eq(scrip_open(config, SCRIP_ACCESS_WRITE, &scrip, &err), SCRIP_ENOTFOUND);
    text_holds(err.message, "store: ", "init", NULL);
    ck_assert_int_eq(scrip_open(config, SCRIP_ACCESS_READ, &scrip, &err), SCRIP_ENOTFOUND);
    ck_assert(!file_exists(scratch_path(folder, "books.db")));
    /* Plugins alone need no store. */
    scrip = host_open(config, SCRIP_ACCESS_PLUGINS);
    text_holds(ask(scrip, &query)->text, "currency|prepaid|", "service|metered|", NULL);
    scrip_close(scrip);
    ck_assert(!file_exists(scratch_path(folder, "books.db")));
    scrip_close(NULL);
    ck_assert_str_ne(scrip_version, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("embed");
    TCase *tests = tcase_create("embed");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, events_and_what_became_of_them);
    tcase_add_test(tests, what_cannot_be_read_leaves_nothing);
    tcase_add_test(tests, an_event_without_an_id);
    tcase_add_test(tests, native_events);
    tcase_add_test(tests, runs_add_up);
    tcase_add_test(tests, runs_follow);
    tcase_add_test(tests, folders_that_cannot_be_read);
    tcase_add_test(tests, quarantine_and_out_of_it);
    tcase_add_test(tests, a_quote_writes_nothing);
    tcase_add_test(tests, answers);
    tcase_add_test(tests, two_hosts_in_one_process);
    tcase_add_test(tests, a_reader_beside_a_writer);
    tcase_add_test(tests, opening);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
