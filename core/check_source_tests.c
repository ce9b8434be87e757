/* check_source_tests.c - what every source must do, clause by clause of plugin.h. */
#include "check_source.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#define FEED_LIMIT 4    /* that are read */
#define BLOCK_LIMIT 512 /* rows that are asked for at a time, as the host does */
#define CURSOR_LIMIT 12 /* cursors that are gone on from, of each feed */
#define SAME "The same feed gives the same rows, whatever the limit, row for row."
#define GOES_ON                                                                                                        \
    "What it gives then is all that followed the cursor's row, and perhaps rows before it once more, as they were"

struct suite {
    struct check_host *host;
    char **feeds;
    size_t count;
    struct reading first[FEED_LIMIT]; /* each feed's rows, and their marks */
};

static struct suite *suite_of(struct check *check)
{
    return *check_self(check);
}

static const struct scrip_cursor from_start;

/* ---- tests ---------------------------------------------------------------------------------------------------- */

static void suite_end(void *self)
{
    struct suite *suite = self;

    for (size_t i = 0; i < FEED_LIMIT; i++)
        reading_close(&suite->first[i]);
    for (size_t i = 0; i < suite->count; i++)
        free(suite->feeds[i]);
    free(suite->feeds);
    check_host_close(suite->host);
    free(suite);
}

/* Both times, and by both instances, the same ones in the same order. */
static void feeds_compare(struct check *check, const struct reading *one, const struct reading *two)
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
    struct reading one, two;

    check_keep(check, suite, suite_end);
    suite->host = check_host_open(check);
    if (suite->host == NULL)
        return;
    reading_open(&one, check, suite->host);
    reading_open(&two, check, suite->host);
    if (!check_is_stopped(check) && source_api(&one)->feeds == NULL)
        check_skip(check, "it names none of its own");
    else if (!check_is_stopped(check)) {
        reading_feeds(&one);
        reading_feeds(&two);
        if (!check_is_broken(check))
            feeds_compare(check, &one, &two);
    }
    suite->feeds = memory_get((one.feed_count + 1) * sizeof *suite->feeds);
    if (given != NULL)
        suite->feeds[suite->count++] = memory_text(realpath(given, whole) ? whole : given);
    for (size_t i = 0; i < one.feed_count && given == NULL && suite->count < FEED_LIMIT; i++)
        if (strcmp(one.feeds[i], "-") != 0)
            suite->feeds[suite->count++] = memory_text(one.feeds[i]);
    reading_close(&one);
    reading_close(&two);
}

/* The first reading: all others are compared with it. */
static void test_read(struct check *check)
{
    struct suite *suite = suite_of(check);
    size_t rows = 0;

    if (check_is_stopped(check))
        return;
    for (size_t i = 0; i < suite->count && !check_is_broken(check); i++) {
        struct reading *r = &suite->first[i];

        reading_open(r, check, suite->host);
        if (check_is_broken(check))
            return;
        r->is_judged = 1;
        if (reading_take(r, suite->feeds[i], &from_start, BLOCK_LIMIT, SIZE_MAX) < 0 && !check_is_broken(check))
            check_stop(check, "%s: %s", suite->feeds[i], check_said(&r->instance));
        rows += r->rows.count;
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
            struct reading r;
            char how[64];

            reading_open(&r, check, suite->host);
            reading_take(&r, suite->feeds[i], &from_start, limits[k], SIZE_MAX);
            snprintf(how, sizeof how, "read again, %" PRIu64 " rows at a time,", limits[k]);
            if (!check_is_broken(check) && answers_differ(&r.rows, all) >= 0)
                differs(check, suite->feeds[i], &r.rows, all, 0, how);
            reading_close(&r);
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
            struct reading left, next;
            char how[64];

            reading_open(&left, check, suite->host);
            reading_open(&next, check, suite->host);
            reading_take(&left, suite->feeds[i], &from_start, 1, at);
            reading_take(&next, suite->feeds[i], &suite->first[i].marks[at - 1], BLOCK_LIMIT, SIZE_MAX);
            snprintf(how, sizeof how, "gone on with behind row %zu, it", at);
            if (!check_is_broken(check) && !rows_follow(&next.rows, all, at))
                differs(check, suite->feeds[i], &next.rows, all, at, how);
            reading_close(&left);
            reading_close(&next);
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
        struct reading r;

        reading_open(&r, check, suite->host);
        if (!check_is_stopped(check) && at > 0 && source_api(&r)->settled != NULL) {
            reading_take(&r, suite->feeds[i], &from_start, 1, at);
            reading_settle(&r, suite->feeds[i], &suite->first[i].marks[at - 1]);
            reading_take(&r, suite->feeds[i], &suite->first[i].marks[at - 1], BLOCK_LIMIT, SIZE_MAX);
            told++;
            if (!check_is_broken(check) && !rows_follow(&r.rows, all, at))
                differs(check, suite->feeds[i], &r.rows, all, at, "once it was told what is committed, it");
        }
        reading_close(&r);
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
        struct reading r;

        if (all->count == 0)
            continue;
        cursor = suite->first[i].marks[all->count / 2];
        cursor.tail_hash ^= 1;
        reading_open(&r, check, suite->host);
        reading_take(&r, suite->feeds[i], &cursor, BLOCK_LIMIT, SIZE_MAX);
        asked++;
        if (!check_is_broken(check) && !rows_follow(&r.rows, all, all->count / 2 + 1))
            differs(check, suite->feeds[i], &r.rows, all, 0, "with another row where the cursor's was, it");
        reading_close(&r);
    }
    if (asked == 0)
        check_skip(check, "there is no row to read");
}

/* Two instances, a row of one and a row of the other. */
static void test_two(struct check *check)
{
    struct suite *suite = suite_of(check);
    const struct answers *all = &suite->first[0].rows;
    struct reading one, two;
    int more_one, more_two;

    if (is_moot(check))
        return;
    if (all->count == 0 || all->count >= ROW_LIMIT) {
        check_skip(check, all->count ? "its feed is too long for it" : "there is no row to read");
        return;
    }
    reading_open(&one, check, suite->host);
    reading_open(&two, check, suite->host);
    more_one = reading_begin(&one, suite->feeds[0], &from_start) == SCRIP_OK;
    more_two = reading_begin(&two, suite->feeds[0], &from_start) == SCRIP_OK;
    for (size_t n = 0; (more_one == 1 || more_two == 1) && n < 3 * ROW_LIMIT && !check_is_broken(check); n++) {
        if (more_one == 1)
            more_one = reading_read(&one, suite->feeds[0], 1);
        if (more_two == 1 && n > 0)
            more_two = reading_read(&two, suite->feeds[0], 1);
    }
    source_api(&one)->feed_close(one.instance.ctx);
    source_api(&two)->feed_close(two.instance.ctx);
    if (!check_is_broken(check) && answers_differ(&one.rows, all) >= 0)
        differs(check, suite->feeds[0], &one.rows, all, 0, "while a second instance reads it, too, it");
    else if (!check_is_broken(check) && answers_differ(&two.rows, all) >= 0)
        differs(check, suite->feeds[0], &two.rows, all, 0, "while another instance reads it, too, it");
    reading_close(&one);
    reading_close(&two);
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
    struct reading whole, cut, rest;
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
    reading_open(&whole, check, suite->host);
    reading_open(&cut, check, suite->host);
    reading_open(&rest, check, suite->host);
    cut.grows = rest.grows = 1;
    if (file_copy(feed, copy, end) < 0)
        check_stop(check, "%s: %s", copy, strerror(errno));
    reading_take(&whole, copy, &from_start, BLOCK_LIMIT, SIZE_MAX);
    file_copy(feed, copy, before + (end - before) / 2);
    reading_take(&cut, copy, &from_start, BLOCK_LIMIT, SIZE_MAX);
    file_copy(feed, copy, end);
    if (!check_is_broken(check) && cut.rows.count != first->count - 1)
        check_break(check, NULL, "%.200s: cut in its last row, %zu rows were read, want %zu", feed, cut.rows.count,
                    first->count - 1);
    if (!check_is_broken(check)) {
        reading_take(&rest, copy, &cut.marks[cut.rows.count - 1], BLOCK_LIMIT, SIZE_MAX);
        if (!check_is_broken(check) && !rows_follow(&rest.rows, &whole.rows, first->count - 1))
            differs(check, feed, &rest.rows, &whole.rows, first->count - 1, "once its last row is whole, it");
    }
    free(copy);
    reading_close(&whole);
    reading_close(&cut);
    reading_close(&rest);
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
        struct reading r;

        if (i == 1)
            mkdir(path, 0700);
        for (int k = 0; i == 2 && out != NULL && k < 4096; k++)
            putc((int)((seed = seed * UINT64_C(6364136223846793005) + 1) >> 56), out);
        if (out != NULL)
            fclose(out);
        reading_open(&r, check, suite->host);
        reading_take(&r, path, &from_start, BLOCK_LIMIT, SIZE_MAX);
        if (!check_is_broken(check) && source_api(&r)->claims != NULL)
            source_api(&r)->claims(r.instance.ctx, path, "\x1f\x8b\0\xff", i == 2 ? 4 : 0);
        reading_close(&r);
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
