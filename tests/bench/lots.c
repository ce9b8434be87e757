/* lots.c - the feeds of one account with few grants or many, for what a draw costs.
 *
 *     lots FOLDER SHAPE GRANTS PAYERS USAGES [LIVE STRIDE]
 *
 * The first PAYERS grants in draw order pay for all usage, whatever else is there: so the draws are the same however
 * many grants the account has. They stand evenly among the others, or where SHAPE's order wants them. Scopes make four
 * buckets: anything, one product, one user, both.
 *
 * SHAPE: what else of it there is.
 *   ahead, behind  payers are made first, or last
 *   spent          every grant is a payer, and is used up: a draw of a grant of its own
 *   drained        the same, and each ends soon after it was used up
 *   rests          as spent, but a rest too small for one more usage stays in each, where all live from the start
 *   taken          adjustments take away, instead of usage
 *   ending         payers are made first; the others end one after the other while usage goes on; what is left expires
 *   users          each grant is one user's allowance; payers are made first, and only their users use anything
 *   holds          each usage is held, then captured
 *   periods        the same, but one hold in ten times out after two hours; and payers are filled up every day
 *   limits         limits of the day and of the month, which all usage fits
 *   late           each usage is earlier than the one before
 *   owed           one usage in ten is of a product that no grant is for
 *   spread         none of these
 *
 * Writes grants.csv, usage-1.csv, usage-2.csv of one event, and usage-3.csv: USAGES in the first and in the last.
 *
 * Of spent, drained, rests and ending, each grant comes to its end in its turn. LIVE is GRANTS: all come first; or
 * STRIDE: they come in their turn, too: grants.csv has the first STRIDE, and each grants-K.csv as many as have ended by
 * then, so that the same grants come to their ends, and no more than STRIDE live at a time. Usage is cut into files
 * where an account of STRIDE live grants gets new ones, whatever LIVE is. files-first and files-again list the files of
 * each part. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define START INT64_C(1640995200) /* 2022-01-01 */
#define USAGE_START (START + 86400)
#define STEP 20 /* seconds from one usage to the next */
#define PRODUCTS 10
#define USERS 50

struct feed {
    const char *folder, *shape;
    int64_t grants, payers, usages;
    int64_t live, stride; /* 0: all grants come first, and usage is not cut */
};

static int is(const struct feed *feed, const char *shape)
{
    return strcmp(feed->shape, shape) == 0;
}

/* Every grant is a payer. */
static int is_spent(const struct feed *feed)
{
    return is(feed, "spent") || is(feed, "drained") || is(feed, "rests");
}

/* Every grant has its turn to come to an end. */
static int has_turns(const struct feed *feed)
{
    return is_spent(feed) || is(feed, "ending");
}

static FILE *file_open(const struct feed *feed, const char *name)
{
    char path[4096];
    FILE *out;

    snprintf(path, sizeof path, "%s/%s", feed->folder, name);
    out = fopen(path, "w");
    if (out == NULL) {
        perror(path);
        exit(3);
    }
    return out;
}

static void file_close(FILE *out)
{
    if (ferror(out) | fclose(out)) {
        perror("lots");
        exit(3);
    }
}

static const char *time_text(int64_t seconds, char out[32])
{
    time_t at = (time_t)seconds;
    struct tm parts;

    gmtime_r(&at, &parts);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return out;
}

/* Which payer the n-th grant is, or below 0. */
static int64_t payer_of(const struct feed *feed, int64_t n)
{
    int64_t every = feed->grants / feed->payers;

    if (is_spent(feed))
        return n;
    if (is(feed, "ahead") || is(feed, "users") || is(feed, "ending"))
        return n < feed->payers ? n : -1;
    if (is(feed, "behind"))
        return n >= feed->grants - feed->payers ? n - (feed->grants - feed->payers) : -1;
    return n % every == every - 1 && n / every < feed->payers ? n / every : -1;
}

static void scope_write(FILE *out, const struct feed *feed, int64_t payer, int64_t n)
{
    int kind = is_spent(feed) ? 0 : (int)((payer < 0 ? n : payer) % 4);

    if (is(feed, "users"))
        fprintf(out, ",,user-%" PRId64 "\n", n);
    else if (is(feed, "owed"))
        fprintf(out, ",product-%d,%s\n", (int)(n % (PRODUCTS - 1)), kind & 2 ? "user-0" : "");
    else
        fprintf(out, ",%s,%s\n", kind & 1 ? "product-0" : "", kind & 2 ? "user-0" : "");
}

static void grant_write(const struct feed *feed, FILE *out, int64_t n, int64_t time)
{
    static const char *const classes[] = { "trial", "starter", "purchased", "free" };
    int64_t last = USAGE_START + 2 * feed->usages * STEP, payer = payer_of(feed, n), amount = 3;
    int64_t ends = last + 86400 * 400 + n;
    char start[32], end[32];

    if (is(feed, "drained") && n < feed->grants - 1)
        ends = USAGE_START + (n + 2) * (2 * feed->usages / feed->grants) * STEP;
    if (is(feed, "spent") || is(feed, "drained"))
        amount = 2 * feed->usages / feed->grants + (n == feed->grants - 1 ? 2 * feed->usages % feed->grants + 1 : 0);
    else if (is(feed, "rests"))
        amount = 2 * (2 * feed->usages / feed->grants) + (feed->live == feed->grants) +
                 (n == feed->grants - 1 ? 2 * (2 * feed->usages % feed->grants + 1) : 0);
    else if (payer >= 0) {
        amount = 4 * feed->usages;
        ends = last + 86400 + payer;
    } else if (is(feed, "ending"))
        ends = USAGE_START + n * (2 * feed->usages * STEP) / feed->grants + 1;
    fprintf(out, "g-%07" PRId64 ",one,%s,%" PRId64 ".00,%s,%s,%d,%d.00,USD,%s", n, time_text(time, start), amount,
            payer < 0 ? classes[n % 3] : classes[3], time_text(ends, end),
            payer < 0 ? (int)(9 + n % 5) : (int)(payer % 5), payer < 0 ? 900 + (int)(n % 7) : 1,
            payer >= 0 && is(feed, "periods") ? "P1D" : "");
    scope_write(out, feed, payer, n);
}

/* Those of [first, end); time 0: one after the other before all usage. */
static void grants_write(const struct feed *feed, const char *name, int64_t first, int64_t end, int64_t time)
{
    FILE *out = file_open(feed, name);

    fputs("id,account,time,amount,class,expires,priority,cost,cost_currency,every,products,users\n", out);
    for (int64_t n = first; n < end; n++)
        grant_write(feed, out, n, time ? time : START + n / 4);
    file_close(out);
}

static int64_t usage_time(const struct feed *feed, int64_t number)
{
    return USAGE_START + (is(feed, "late") ? 2 * feed->usages - number : number) * STEP;
}

static void usage_row(const struct feed *feed, FILE *out, int64_t number)
{
    int is_held = is(feed, "holds") || is(feed, "periods"), is_left = is(feed, "periods") && number / 2 % 10 == 9;
    int64_t of = is_held ? number / 2 : number;
    int product = (int)(of % PRODUCTS), user = (int)(of / 3 % (is(feed, "users") ? feed->payers : USERS));
    char when[32], ends[32];

    fprintf(out, "u-%08" PRId64 ",", number);
    time_text(usage_time(feed, number), when);
    time_text(usage_time(feed, number) + 7200, ends);
    if (is_held && number % 2 && !is_left)
        fprintf(out, "scrip.capture,one,%s,,,,h-%08" PRId64 ",,,,,\n", when, of);
    else if (is_held && number % 2 == 0)
        fprintf(out, "scrip.hold,one,%s,product-%d,user-%d,1,h-%08" PRId64 ",,,,,%s\n", when, product, user, of,
                is(feed, "periods") ? ends : "");
    else if (is(feed, "taken"))
        fprintf(out, "scrip.adjustment,one,%s,,,,,,,credits,-%d.00,\n", when, 1 + (int)(number % 3));
    else
        fprintf(out, "scrip.usage,one,%s,product-%d,user-%d,%d,,,,,,\n", when, product, user,
                is(feed, "rests") ? 2 : is_spent(feed) ? 1 : 1 + (int)(number % 3));
}

static void usage_write(const struct feed *feed, const char *name, int64_t first, int64_t end)
{
    FILE *out = file_open(feed, name);
    char when[32];

    fputs("id,type,account,time,product,user,quantity,hold,limit,per,currency,amount,expires\n", out);
    if (is(feed, "limits") && first == 0)
        for (int i = 0; i < 2; i++)
            fprintf(out, "l-%d,scrip.limit,one,%s,,,,,limit-%d,%s,credits,%d.00,\n", i, time_text(USAGE_START, when), i,
                    i ? "month" : "day", 100000000);
    for (int64_t number = first; number < end; number++)
        usage_row(feed, out, number);
    file_close(out);
}

/* ---- in turns ------------------------------------------------------------------------------------------------- */

/* How many grants come to their ends in a turn of an account of so many that live. */
static int64_t turn_size(const struct feed *feed, int64_t live)
{
    return live - (is(feed, "ending") ? feed->payers : 0);
}

/* Usage [first, end), cut where turns begin; the grants of a turn before it, where they come in turns. */
static void turns_write(const struct feed *feed, FILE *list, int64_t first, int64_t end)
{
    int64_t per = 2 * feed->usages / feed->grants, size = turn_size(feed, feed->stride), next;
    int64_t others = turn_size(feed, feed->grants), turns = (others + size - 1) / size;
    char name[64];

    for (; first < end; first = next) {
        int64_t turn = first / (size * per) < turns - 1 ? first / (size * per) : turns - 1;

        next = turn == turns - 1 || (turn + 1) * size * per > end ? end : (turn + 1) * size * per;
        if (feed->live < feed->grants && turn > 0 && first == turn * size * per) {
            int64_t from = feed->grants - others + turn * size, to = from + size;

            snprintf(name, sizeof name, "grants-%" PRId64 ".csv", turn);
            grants_write(feed, name, from, to < feed->grants ? to : feed->grants, USAGE_START + first * STEP);
            fprintf(list, "%s/%s\n", feed->folder, name);
        }
        snprintf(name, sizeof name, "usage-%" PRId64 ".csv", first);
        usage_write(feed, name, first, next);
        fprintf(list, "%s/%s\n", feed->folder, name);
    }
}

static void all_write(const struct feed *feed)
{
    int64_t usages = feed->usages;
    FILE *list;

    if (feed->stride == 0 || !has_turns(feed)) {
        grants_write(feed, "grants.csv", 0, feed->grants, 0);
        usage_write(feed, "usage-1.csv", 0, usages);
        usage_write(feed, "usage-2.csv", usages, usages + 1);
        usage_write(feed, "usage-3.csv", usages + 1, 2 * usages + 1);
        return;
    }
    grants_write(feed, "grants.csv", 0, feed->live < feed->grants ? feed->live : feed->grants, 0);
    list = file_open(feed, "files-first");
    turns_write(feed, list, 0, usages);
    file_close(list);
    list = file_open(feed, "files-again");
    turns_write(feed, list, usages, usages + 1);
    turns_write(feed, list, usages + 1, 2 * usages + 1);
    file_close(list);
}

int main(int argc, char **argv)
{
    struct feed feed;
    FILE *rates;

    if (argc != 6 && argc != 8) {
        fputs("usage: lots FOLDER SHAPE GRANTS PAYERS USAGES [LIVE STRIDE]\n", stderr);
        return 2;
    }
    feed = (struct feed){ argv[1], argv[2], atoll(argv[3]), atoll(argv[4]), atoll(argv[5]),
                          argc == 8 ? atoll(argv[6]) : 0, argc == 8 ? atoll(argv[7]) : 0 };
    if (feed.stride && has_turns(&feed) && 2 * feed.usages < feed.grants) {
        fputs("lots: fewer usages than half the grants: not all could come to their ends\n", stderr);
        return 2;
    }
    rates = file_open(&feed, "rates.csv");
    fputs("product,rate,per,currency\n", rates);
    for (int p = 0; p < PRODUCTS; p++)
        fprintf(rates, "product-%d,1.00,1,credits\n", p);
    file_close(rates);
    all_write(&feed);
    return 0;
}
