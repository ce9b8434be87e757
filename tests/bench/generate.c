/* generate.c - the feed of the benchmarks: usage, grants and prices as CSV files, the same from the same seed.
 *
 *     generate FOLDER ROWS SEED DAYS USERS [ACCOUNTS]
 *
 * 1,000 accounts with four grants each, 50 products, two users for each account. Ids ascend, times ascend over DAYS
 * days. USERS is `own`: two users belong to each account; or `any`: every user uses every account, so that hardly two
 * rows share a month's rollup.
 *
 * Of what an account is likely to use, its first grant holds more than is used until it ends, so that a rest expires;
 * the second and third are used up, so that charges are split between grants; the fourth always suffices. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PRODUCTS 50
#define START INT64_C(1640995200) /* 2022-01-01 */

/* splitmix64 */
static uint64_t number_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static FILE *file_open(const char *folder, const char *name)
{
    char path[4096];
    FILE *out;

    snprintf(path, sizeof path, "%s/%s", folder, name);
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
        perror("generate");
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

/* In hundredths of a credit: 0.05 to 2.50 a unit. */
static int rate_of(int product)
{
    return 5 * (product + 1);
}

static void rates_write(const char *folder)
{
    FILE *out = file_open(folder, "rates.csv");

    fputs("product,rate,per,currency\n", out);
    for (int p = 0; p < PRODUCTS; p++)
        fprintf(out, "product-%02d,%d.%02d,1,credits\n", p, rate_of(p) / 100, rate_of(p) % 100);
    file_close(out);
}

static void grants_write(const char *folder, int64_t rows, int64_t days, int accounts)
{
    static const char *const classes[] = { "free", "starter", "purchased", "purchased" };
    static const int percents[] = { 50, 20, 30, 150 }, ends[] = { 33, 67, 90, 400 };
    /* A row uses about 30.5 units at about 1.28 credits. */
    int64_t likely = rows * 39 / accounts + 1;
    FILE *out = file_open(folder, "grants.csv");
    char start[32], end[32];

    fputs("id,account,time,amount,class,expires\n", out);
    for (int a = 0; a < accounts; a++)
        for (int g = 0; g < 4; g++)
            fprintf(out, "g-%04d-%d,account-%04d,%s,%" PRId64 ".00,%s,%s\n", a, g + 1, a, time_text(START, start),
                    likely * percents[g] / 100 + (g == 3 ? 2000 : 1), classes[g],
                    time_text(START + days * 86400 * ends[g] / 100, end));
    file_close(out);
}

static void usage_write(const char *folder, int64_t rows, uint64_t seed, int64_t days, int own_users, uint64_t accounts)
{
    FILE *out = file_open(folder, "usage.csv");
    char text[32];

    fputs("id,account,time,product,user,quantity\n", out);
    for (int64_t n = 0; n < rows; n++) {
        uint64_t r = number_next(&seed);
        int account = (int)(r % accounts), product = (int)(r / accounts % PRODUCTS);
        int user = own_users ? account * 2 + (int)(r >> 40 & 1) : (int)((r >> 40) % (accounts * 2));
        int whole = 1 + (int)(r >> 52) % 60;
        int64_t at = START + n * days * 86400 / rows;

        fprintf(out, "u-%08" PRId64 ",account-%04d,%s,product-%02d,user-%04d,%d%s\n", n + 1, account,
                time_text(at, text), product, user, whole, r >> 36 & 3 ? "" : ".5");
    }
    file_close(out);
}

int main(int argc, char **argv)
{
    int accounts = argc == 7 ? atoi(argv[6]) : 1000;

    if (argc < 6 || argc > 7 || accounts < 1) {
        fputs("usage: generate FOLDER ROWS SEED DAYS own|any [ACCOUNTS]\n", stderr);
        return 2;
    }
    rates_write(argv[1]);
    grants_write(argv[1], atoll(argv[2]), atoll(argv[4]), accounts);
    usage_write(argv[1], atoll(argv[2]), strtoull(argv[3], NULL, 10), atoll(argv[4]), strcmp(argv[5], "own") == 0,
                (uint64_t)accounts);
    return 0;
}
