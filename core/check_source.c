/* check_source.c - what every source must do, clause by clause of plugin.h. */
#include "check_bench.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#define FEED_LIMIT 4     /* that are read */
#define ROW_LIMIT 50000  /* of each */
#define BLOCK_LIMIT 512  /* rows that are asked for at a time, as the host does */
#define CURSOR_LIMIT 12  /* cursors that are gone on from, of each feed */
#define EMPTY_LIMIT 1000 /* reads in succession that give nothing and say that there is more */
#define SAME "The same feed gives the same rows, whatever the limit, row for row."
#define GOES_ON "What it gives then is all that followed the cursor's row, and perhaps rows before it once more, as they were"
#define AT_MOST "Adds at most `limit` rows; returns 1 when there are more, 0 at the end of the feed."

/* One instance that reads. `host` comes first: ctx->host is the bench. */
struct bench {
    struct scrip_host host;
    struct check *check;
    struct check_instance instance;
    char **feeds;
    size_t feed_count, feed_room;
    struct answers rows;
    struct scrip_cursor *marks; /* behind each row */
    size_t mark_room;
    uint64_t position;     /* behind the last row */
    uint64_t added, limit; /* in the call at hand */
    int is_naming, is_reading, grows;
    int is_judged;
};

struct suite {
    struct check_host *host;
    char **feeds;
    size_t count;
    struct bench first[FEED_LIMIT]; /* each feed's rows, and their marks */
};

static struct suite *suite_of(struct check *check)
{
    return *check_self(check);
}

/* ---- what a source calls -------------------------------------------------------------------------------------- */

static struct bench *bench_of(struct scrip_ctx *ctx)
{
    return (struct bench *)ctx->host;
}

static int on_feed_add(struct scrip_ctx *ctx, struct scrip_rows *out, const char *feed)
{
    struct bench *bench = bench_of(ctx);

    (void)out;
    if (!bench->is_naming)
        check_break(bench->check, "during feeds", "feed_add was called outside of feeds");
    ARRAY_ROOM(bench->feeds, bench->feed_count, bench->feed_room);
    bench->feeds[bench->feed_count++] = memory_text(feed);
    return SCRIP_OK;
}

static void fields_judge(struct bench *bench, const struct scrip_row *row)
{
    for (uint64_t i = 0; i < row->field_count; i++) {
        const struct scrip_field *field = &row->fields[i];
        int is_family = field->key == SCRIP_F_ATTRIBUTE || field->key == SCRIP_F_LABEL || field->key == SCRIP_F_SHARE ||
                        field->key == SCRIP_F_SCOPE_ATTRIBUTE || field->key == SCRIP_F_LINE;

        if (field->key >= SCRIP_FIELD_COUNT)
            check_break(bench->check, "Every field that an event may carry, by its name in the native format",
                        "line %" PRIu64 ": field %" PRIu64 ": there is none of that number", row->line, field->key);
        else if (is_family && (field->name == NULL || field->name[0] == 0))
            check_break(bench->check, "are families: their row field carries NAME.",
                        "line %" PRIu64 ": field %" PRIu64 " has no name", row->line, field->key);
    }
}

static void row_judge(struct bench *bench, const struct scrip_row *row)
{
    if (row->bytes == NULL || row->line == 0 || row->position == 0 ||
        row->position < bench->position)
        check_break(bench->check, "Positions are above 0 and never fall from row to row",
                    "line %" PRIu64 ": a row of %" PRIu64 " bytes that ends at %" PRIu64 ", behind one that ends at %" PRIu64,
                    row->line, row->size, row->position, bench->position);
    else if ((row->time_us != SCRIP_TIME_NONE && (row->time_us < SCRIP_TIME_MIN || row->time_us >= SCRIP_TIME_MAX)) ||
             (row->end_us != SCRIP_TIME_NONE && (row->end_us < SCRIP_TIME_MIN || row->end_us >= SCRIP_TIME_MAX)))
        check_break(bench->check, "Times are microseconds since 1970-01-01T00:00:00Z (`_us`), years 1900 to 9999;",
                    "line %" PRIu64 ": its time is outside of them", row->line);
}

static int row_take(struct scrip_ctx *ctx, const struct scrip_row *row, const char *kind)
{
    struct bench *bench = bench_of(ctx);
    uint64_t size = row->size > SCRIP_ROW_SIZE ? SCRIP_ROW_SIZE : row->size;
    struct scrip_cursor *cursor;

    if (!bench->is_reading || ++bench->added > bench->limit) {
        check_break(bench->check, AT_MOST, "more than %" PRIu64 " rows", bench->is_reading ? bench->limit : 0);
        return scrip_fail(ctx, SCRIP_ELIMIT, "source: more rows than asked for");
    }
    if (bench->is_judged)
        row_judge(bench, row);
    if (check_is_broken(bench->check))
        return scrip_fail(ctx, SCRIP_EINVALID, "the suite has seen enough");
    if (bench->rows.count == bench->mark_room) {
        bench->mark_room = bench->mark_room * 2 + 64;
        bench->marks = memory_grow(bench->marks, bench->mark_room * sizeof *bench->marks);
    }
    cursor = &bench->marks[bench->rows.count];
    *cursor = (struct scrip_cursor){ row->position, row->line, size, ctx->host->hash(row->bytes, size) };
    for (uint64_t i = 0; i < size; i++)
        cursor->line += row->bytes[i] == '\n';
    bench->position = row->position;
    answers_add(&bench->rows, "%s at %" PRIu64 " line %" PRIu64 " ", kind, row->position, row->line);
    answers_add_bytes(&bench->rows, row->bytes, size);
    return SCRIP_OK;
}

static int on_row_add(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row)
{
    struct bench *bench = bench_of(ctx);
    int code = row_take(ctx, row, "row");

    (void)out;
    if (code < 0)
        return code;
    if (bench->is_judged)
        fields_judge(bench, row);
    answers_add(&bench->rows, " time %" PRId64 " %" PRId64, row->time_us, row->end_us);
    for (uint64_t i = 0; i < row->field_count; i++) {
        answers_add(&bench->rows, " %" PRIu64 " %s=", row->fields[i].key,
                    row->fields[i].name ? row->fields[i].name : "");
        answers_add_bytes(&bench->rows, row->fields[i].text, row->fields[i].size);
    }
    answers_end(&bench->rows);
    return SCRIP_OK;
}

static int on_row_skip(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row)
{
    int code = row_take(ctx, row, "skipped");

    (void)out;
    if (code == SCRIP_OK)
        answers_end(&bench_of(ctx)->rows);
    return code;
}

static int on_row_json(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row)
{
    int code = row_take(ctx, row, "json");

    (void)out;
    if (code == SCRIP_OK)
        answers_end(&bench_of(ctx)->rows);
    return code;
}

static int on_row_bad(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row, const char *format,
                      ...) __attribute__((format(printf, 4, 5)));
static int on_row_bad(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row, const char *format,
                      ...)
{
    int code = row_take(ctx, row, "bad");
    char reason[SCRIP_MESSAGE_SIZE];
    va_list list;

    (void)out;
    if (code < 0)
        return code;
    va_start(list, format);
    vsnprintf(reason, sizeof reason, format, list);
    va_end(list);
    answers_add(&bench_of(ctx)->rows, " %s", reason);
    answers_end(&bench_of(ctx)->rows);
    if (reason[0] == 0)
        check_break(bench_of(ctx)->check, "to quarantine, with the reason", "line %" PRIu64 ": it has none", row->line);
    return SCRIP_OK;
}

/* What it says of the feeds that the suite made is no news to anybody. */
static void on_log(struct scrip_ctx *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void on_log(struct scrip_ctx *ctx, const char *format, ...)
{
    (void)ctx;
    (void)format;
}

static int on_feed_grows(struct scrip_ctx *ctx)
{
    return bench_of(ctx)->grows;
}

static void on_feed_size(struct scrip_ctx *ctx, uint64_t size)
{
    (void)ctx;
    (void)size;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static const struct scrip_source *api_of(const struct bench *bench)
{
    return bench->instance.api;
}

static int bench_open(struct bench *bench, struct check *check, struct check_host *host)
{
    memset(bench, 0, sizeof *bench);
    bench->host = *check_services();
    bench->host.log = on_log;
    bench->host.feed_add = on_feed_add;
    bench->host.row_add = on_row_add;
    bench->host.row_skip = on_row_skip;
    bench->host.row_bad = on_row_bad;
    bench->host.row_json = on_row_json;
    bench->host.feed_grows = on_feed_grows;
    bench->host.feed_size = on_feed_size;
    bench->check = check;
    return check_open_on(host, &bench->host, &bench->instance);
}

static void bench_close(struct bench *bench)
{
    check_close(&bench->instance);
    answers_free(&bench->rows);
    free(bench->marks);
    for (size_t i = 0; i < bench->feed_count; i++)
        free(bench->feeds[i]);
    free(bench->feeds);
    memset(bench, 0, sizeof *bench);
}

/* Its name and its cursor are lent for the call. */
static int feed_begin(struct bench *bench, const char *feed, const struct scrip_cursor *from)
{
    struct lent lent = lent_open(lent_room(strlen(feed) + 1) + lent_room(sizeof *from));
    const char *name = lent_text(&lent, feed);
    const struct scrip_cursor *cursor = lent_copy(&lent, from, sizeof *from);
    char what[320];
    int code;

    lent_ready(&lent);
    answers_clear(&bench->rows);
    bench->position = 0;
    check_hush(&bench->instance);
    code = api_of(bench)->feed_open(bench->instance.ctx, name, cursor);
    snprintf(what, sizeof what, "%.200s: feed_open", feed);
    if (lent_close(&lent))
        check_break(bench->check, CLAUSE_LENT, "%s: its name or cursor was changed", what);
    code_check(bench->check, &bench->instance, code, SCRIP_OK, what);
    return code;
}

/* One call of read: 1: there is more. */
static int feed_read(struct bench *bench, const char *feed, uint64_t limit)
{
    char what[320];
    int code;

    bench->added = 0;
    bench->limit = limit;
    bench->is_reading = 1;
    check_hush(&bench->instance);
    code = api_of(bench)->read(bench->instance.ctx, (struct scrip_rows *)(void *)bench, limit);
    bench->is_reading = 0;
    snprintf(what, sizeof what, "%.200s: read", feed);
    code_check(bench->check, &bench->instance, code, 1, what);
    return code;
}

/* Reads a feed from a cursor to its end, or until it has so many rows. The code of what failed, or 0. */
static int feed_take(struct bench *bench, const char *feed, const struct scrip_cursor *from, uint64_t limit,
                     size_t until)
{
    int code = feed_begin(bench, feed, from), more = code == SCRIP_OK, empty = 0;

    while (more == 1 && !check_is_broken(bench->check) && bench->rows.count < until && bench->rows.count < ROW_LIMIT) {
        more = feed_read(bench, feed, limit);
        code = more < 0 ? more : SCRIP_OK;
        empty = bench->added ? 0 : empty + 1;
        if (empty > EMPTY_LIMIT) {
            check_break(bench->check, AT_MOST, "%.200s: %d reads gave nothing, and each said that there is more", feed,
                        EMPTY_LIMIT);
            more = 0;
        }
    }
    api_of(bench)->feed_close(bench->instance.ctx);
    return code;
}

/* As the host does at the end of a run that went well. */
static void feed_settle(struct bench *bench, const char *feed, const struct scrip_cursor *cursor)
{
    struct lent lent = lent_open(lent_room(strlen(feed) + 1) + lent_room(sizeof *cursor));
    const char *name = lent_text(&lent, feed);
    const struct scrip_cursor *at = lent_copy(&lent, cursor, sizeof *cursor);

    lent_ready(&lent);
    api_of(bench)->settled(bench->instance.ctx, name, at);
    if (lent_close(&lent))
        check_break(bench->check, CLAUSE_LENT, "%.200s: settled: its name or cursor was changed", feed);
}

static const struct scrip_cursor from_start;

/* ---- tests ---------------------------------------------------------------------------------------------------- */

static void suite_end(void *self)
{
    struct suite *suite = self;

    for (size_t i = 0; i < FEED_LIMIT; i++)
        bench_close(&suite->first[i]);
    for (size_t i = 0; i < suite->count; i++)
        free(suite->feeds[i]);
    free(suite->feeds);
    check_host_close(suite->host);
    free(suite);
}

static void feeds_name(struct bench *bench)
{
    int code;

    bench->is_naming = 1;
    check_hush(&bench->instance);
    code = api_of(bench)->feeds(bench->instance.ctx, (struct scrip_rows *)(void *)bench);
    bench->is_naming = 0;
    if (!code_check(bench->check, &bench->instance, code, SCRIP_OK, "feeds") && code < 0)
        check_stop(bench->check, "feeds: %s", check_said(&bench->instance));
}

/* Both times, and by both instances, the same ones in the same order. */
static void feeds_compare(struct check *check, const struct bench *one, const struct bench *two)
{
    int is_same = one->feed_count == two->feed_count;

    for (size_t i = 0; i < one->feed_count && is_same; i++)
        is_same = strcmp(one->feeds[i], two->feeds[i]) == 0;
    if (!is_same)
        check_break(check, NULL, "a second instance names other feeds, or in another order");
}

static void test_feeds(struct check *check)
{
    struct suite *suite = memory_get(sizeof *suite);
    const char *given = check_events_file(check);
    char whole[PATH_MAX];
    struct bench one, two;

    check_keep(check, suite, suite_end);
    suite->host = check_host_open(check);
    if (suite->host == NULL)
        return;
    bench_open(&one, check, suite->host);
    bench_open(&two, check, suite->host);
    if (!check_is_stopped(check) && api_of(&one)->feeds == NULL)
        check_skip(check, "it names none of its own");
    else if (!check_is_stopped(check)) {
        feeds_name(&one);
        feeds_name(&two);
        if (!check_is_broken(check))
            feeds_compare(check, &one, &two);
    }
    suite->feeds = memory_get((one.feed_count + 1) * sizeof *suite->feeds);
    if (given != NULL)
        suite->feeds[suite->count++] = memory_text(realpath(given, whole) ? whole : given);
    for (size_t i = 0; i < one.feed_count && given == NULL && suite->count < FEED_LIMIT; i++)
        if (strcmp(one.feeds[i], "-") != 0)
            suite->feeds[suite->count++] = memory_text(one.feeds[i]);
    bench_close(&one);
    bench_close(&two);
}

/* The first reading: all others are compared with it. */
static void test_read(struct check *check)
{
    struct suite *suite = suite_of(check);
    size_t rows = 0;

    if (check_is_stopped(check))
        return;
    for (size_t i = 0; i < suite->count && !check_is_broken(check); i++) {
        struct bench *bench = &suite->first[i];

        bench_open(bench, check, suite->host);
        if (check_is_broken(check))
            return;
        bench->is_judged = 1;
        if (feed_take(bench, suite->feeds[i], &from_start, BLOCK_LIMIT, SIZE_MAX) < 0 && !check_is_broken(check))
            check_stop(check, "%s: %s", suite->feeds[i], check_said(&bench->instance));
        rows += bench->rows.count;
    }
    if (rows == 0 && !check_is_broken(check))
        check_skip(check, "there is no row to read: name its files by --option, or one by --events FILE");
}

static int is_moot(struct check *check)
{
    if (check_was_broken(check))
        check_skip(check, "what is broken above would be found here, too");
    return check_was_broken(check) || check_is_stopped(check);
}

/* All rows from `from` on, and perhaps some before them? */
static int rows_follow(const struct answers *found, const struct answers *all, size_t from)
{
    size_t first = found->count <= all->count ? all->count - found->count : SIZE_MAX;

    for (size_t i = 0; i < found->count && first <= from; i++)
        if (!answers_same_at(found, i, all, first + i))
            return 0;
    return first <= from;
}

static void differs(struct check *check, const char *feed, const struct answers *found, const struct answers *all,
                    size_t from, const char *how)
{
    size_t at = 0, size = 0;
    const char *text = "nothing";

    while (at < found->count && from + at < all->count && answers_same_at(found, at, all, from + at))
        at++;
    if (at < found->count)
        text = answers_at(found, at, &size);
    check_break(check, NULL, "%.200s: %s gives %zu rows, and there were %zu; the first other one: %.*s", feed, how,
                found->count, all->count - from, size ? (size > 120 ? 120 : (int)size) : 7, text);
}

static void test_limits(struct check *check)
{
    static const uint64_t limits[] = { BLOCK_LIMIT, 1, 7 };
    struct suite *suite = suite_of(check);

    if (is_moot(check))
        return;
    for (size_t i = 0; i < suite->count; i++)
        for (size_t k = 0; k < 3 && !check_is_broken(check); k++) {
            const struct answers *all = &suite->first[i].rows;
            struct bench bench;
            char how[64];

            bench_open(&bench, check, suite->host);
            feed_take(&bench, suite->feeds[i], &from_start, limits[k], SIZE_MAX);
            snprintf(how, sizeof how, "read again, %" PRIu64 " rows at a time,", limits[k]);
            if (!check_is_broken(check) && answers_differ(&bench.rows, all) >= 0)
                differs(check, suite->feeds[i], &bench.rows, all, 0, how);
            bench_close(&bench);
        }
}

/* Left in the middle, and gone on with by another instance. */
static void test_cursors(struct check *check)
{
    struct suite *suite = suite_of(check);
    size_t asked = 0;

    if (is_moot(check))
        return;
    for (size_t i = 0; i < suite->count; i++) {
        const struct answers *all = &suite->first[i].rows;
        size_t step = all->count / CURSOR_LIMIT + 1;

        for (size_t at = 1; at <= all->count && !check_is_broken(check);
             at = at < all->count && at + step > all->count ? all->count : at + step, asked++) {
            struct bench left, next;
            char how[64];

            bench_open(&left, check, suite->host);
            bench_open(&next, check, suite->host);
            feed_take(&left, suite->feeds[i], &from_start, 1, at);
            feed_take(&next, suite->feeds[i], &suite->first[i].marks[at - 1], BLOCK_LIMIT, SIZE_MAX);
            snprintf(how, sizeof how, "gone on with behind row %zu, it", at);
            if (!check_is_broken(check) && !rows_follow(&next.rows, all, at))
                differs(check, suite->feeds[i], &next.rows, all, at, how);
            bench_close(&left);
            bench_close(&next);
        }
    }
    if (asked == 0 && !check_is_broken(check))
        check_skip(check, "there is no row to read");
}

/* Told of what was committed, as a host tells it at a run's end: what comes then is what followed. */
static void test_settled(struct check *check)
{
    struct suite *suite = suite_of(check);
    size_t told = 0;

    if (is_moot(check))
        return;
    for (size_t i = 0; i < suite->count && !check_is_broken(check); i++) {
        const struct answers *all = &suite->first[i].rows;
        size_t at = all->count / 2;
        struct bench bench;

        bench_open(&bench, check, suite->host);
        if (!check_is_stopped(check) && at > 0 && api_of(&bench)->settled != NULL) {
            feed_take(&bench, suite->feeds[i], &from_start, 1, at);
            feed_settle(&bench, suite->feeds[i], &suite->first[i].marks[at - 1]);
            feed_take(&bench, suite->feeds[i], &suite->first[i].marks[at - 1], BLOCK_LIMIT, SIZE_MAX);
            told++;
            if (!check_is_broken(check) && !rows_follow(&bench.rows, all, at))
                differs(check, suite->feeds[i], &bench.rows, all, at, "once it was told what is committed, it");
        }
        bench_close(&bench);
    }
    if (told == 0 && !check_is_broken(check))
        check_skip(check, "it need not know what was committed");
}

/* Another row stands where the cursor's was: nothing is passed over but what was there before. */
static void test_replaced(struct check *check)
{
    struct suite *suite = suite_of(check);
    size_t asked = 0;

    if (is_moot(check))
        return;
    for (size_t i = 0; i < suite->count && !check_is_broken(check); i++) {
        const struct answers *all = &suite->first[i].rows;
        struct scrip_cursor cursor;
        struct bench bench;

        if (all->count == 0)
            continue;
        cursor = suite->first[i].marks[all->count / 2];
        cursor.tail_hash ^= 1;
        bench_open(&bench, check, suite->host);
        feed_take(&bench, suite->feeds[i], &cursor, BLOCK_LIMIT, SIZE_MAX);
        asked++;
        if (!check_is_broken(check) && !rows_follow(&bench.rows, all, all->count / 2 + 1))
            differs(check, suite->feeds[i], &bench.rows, all, 0, "with another row where the cursor's was, it");
        bench_close(&bench);
    }
    if (asked == 0)
        check_skip(check, "there is no row to read");
}

/* Two instances, a row of one and a row of the other. */
static void test_two(struct check *check)
{
    struct suite *suite = suite_of(check);
    const struct answers *all = &suite->first[0].rows;
    struct bench one, two;
    int more_one, more_two;

    if (is_moot(check))
        return;
    if (all->count == 0 || all->count >= ROW_LIMIT) {
        check_skip(check, all->count ? "its feed is too long for it" : "there is no row to read");
        return;
    }
    bench_open(&one, check, suite->host);
    bench_open(&two, check, suite->host);
    more_one = feed_begin(&one, suite->feeds[0], &from_start) == SCRIP_OK;
    more_two = feed_begin(&two, suite->feeds[0], &from_start) == SCRIP_OK;
    for (size_t n = 0; (more_one == 1 || more_two == 1) && n < 3 * ROW_LIMIT && !check_is_broken(check); n++) {
        if (more_one == 1)
            more_one = feed_read(&one, suite->feeds[0], 1);
        if (more_two == 1 && n > 0)
            more_two = feed_read(&two, suite->feeds[0], 1);
    }
    api_of(&one)->feed_close(one.instance.ctx);
    api_of(&two)->feed_close(two.instance.ctx);
    if (!check_is_broken(check) && answers_differ(&one.rows, all) >= 0)
        differs(check, suite->feeds[0], &one.rows, all, 0, "while a second instance reads it, too, it");
    else if (!check_is_broken(check) && answers_differ(&two.rows, all) >= 0)
        differs(check, suite->feeds[0], &two.rows, all, 0, "while another instance reads it, too, it");
    bench_close(&one);
    bench_close(&two);
}

/* ---- feeds that the suite makes ------------------------------------------------------------------------------- */

/* A file of the suite's own with the first `size` bytes of another, under the same name. */
static int file_copy(const char *from, const char *to, uint64_t size)
{
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    int is_good = in != NULL && out != NULL, byte;

    for (; is_good && size > 0 && (byte = getc(in)) != EOF; size--)
        putc(byte, out);
    if (in != NULL)
        fclose(in);
    return out != NULL && fclose(out) == 0 && is_good ? SCRIP_OK : SCRIP_EIO;
}

/* A feed cut in the middle of its last row, which comes later. */
static void test_grows(struct check *check)
{
    struct suite *suite = suite_of(check);
    const char *feed = suite->count ? suite->feeds[0] : "", *base = strrchr(feed, '/') ? strrchr(feed, '/') + 1 : feed;
    const struct answers *first = &suite->first[0].rows;
    struct bench whole, cut, rest;
    struct stat info;
    uint64_t end, before;
    char *copy;

    if (is_moot(check))
        return;
    if (first->count < 2 || stat(feed, &info) != 0 || !S_ISREG(info.st_mode) ||
        (uint64_t)info.st_size != (end = suite->first[0].marks[first->count - 1].position)) {
        check_skip(check, "its feed is no plain file of two rows and more");
        return;
    }
    before = end - suite->first[0].marks[first->count - 1].tail_size;
    copy = memory_print("%s/%s", check_folder(check), base);
    bench_open(&whole, check, suite->host);
    bench_open(&cut, check, suite->host);
    bench_open(&rest, check, suite->host);
    cut.grows = rest.grows = 1;
    if (file_copy(feed, copy, end) < 0)
        check_stop(check, "%s: %s", copy, strerror(errno));
    feed_take(&whole, copy, &from_start, BLOCK_LIMIT, SIZE_MAX);
    file_copy(feed, copy, before + (end - before) / 2);
    feed_take(&cut, copy, &from_start, BLOCK_LIMIT, SIZE_MAX);
    file_copy(feed, copy, end);
    if (!check_is_broken(check) && cut.rows.count != first->count - 1)
        check_break(check, NULL, "%.200s: cut in its last row, %zu rows were read, want %zu", feed, cut.rows.count,
                    first->count - 1);
    if (!check_is_broken(check)) {
        feed_take(&rest, copy, &cut.marks[cut.rows.count - 1], BLOCK_LIMIT, SIZE_MAX);
        if (!check_is_broken(check) && !rows_follow(&rest.rows, &whole.rows, first->count - 1))
            differs(check, feed, &rest.rows, &whole.rows, first->count - 1, "once its last row is whole, it");
    }
    free(copy);
    bench_close(&whole);
    bench_close(&cut);
    bench_close(&rest);
}

/* What is no feed: nothing is there; a folder; any bytes. It may be refused, with a message. */
static void test_wrong(struct check *check)
{
    struct suite *suite = suite_of(check);
    uint64_t seed = 1;

    if (is_moot(check))
        return;
    for (int i = 0; i < 4 && !check_is_broken(check); i++) {
        static const char *const names[] = { "none", "folder", "bytes", "empty" };
        char *path = memory_print("%s/%s", check_folder(check), names[i]);
        FILE *out = i > 1 ? fopen(path, "wb") : NULL;
        struct bench bench;

        if (i == 1)
            mkdir(path, 0700);
        for (int k = 0; i == 2 && out != NULL && k < 4096; k++)
            putc((int)((seed = seed * UINT64_C(6364136223846793005) + 1) >> 56), out);
        if (out != NULL)
            fclose(out);
        bench_open(&bench, check, suite->host);
        feed_take(&bench, path, &from_start, BLOCK_LIMIT, SIZE_MAX);
        if (!check_is_broken(check) && api_of(&bench)->claims != NULL)
            api_of(&bench)->claims(bench.instance.ctx, path, "\x1f\x8b\0\xff", i == 2 ? 4 : 0);
        bench_close(&bench);
        free(path);
    }
}

const struct check_test check_source_tests[] = {
    { "feeds", "Names every feed that is configured, in the order to be read, through feed_add; may be none.",
      test_feeds },
    { "rows", AT_MOST, test_read },
    { "read again", SAME, test_limits },
    { "cursors", GOES_ON, test_cursors },
    { "settled", "The store has committed everything up to this cursor of the feed", test_settled },
    { "another row", "a source that finds another row there starts again from 0", test_replaced },
    { "two instances", CLAUSE_STATIC, test_two },
    { "feeds that grow", "as a last row without a line end, is left for a later run.", test_grows },
    { "no feeds", CLAUSE_CODE, test_wrong },
    { NULL, NULL, NULL },
};
