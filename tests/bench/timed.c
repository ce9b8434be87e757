/* timed.c - takes files in through the library, one after the other, and writes what each took.
 *
 *     timed CONFIG FILE ...
 *
 * A line a file: seconds, seconds of processor time, rows, rows that were refused or put in quarantine. The first
 * file's time begins before the store is opened. */
#include <scrip/scrip.h>

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

static double now(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static double processor(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
    double start = now(), cpu = processor();
    struct scrip_error err = { 0 };
    struct scrip *scrip;

    if (argc < 3) {
        fputs("usage: timed CONFIG FILE ...\n", stderr);
        return 2;
    }
    if (scrip_open(argv[1], SCRIP_ACCESS_INIT, &scrip, &err) < 0) {
        fprintf(stderr, "timed: %s\n", err.message);
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        struct scrip_totals totals;
        double ends, cpu_ends;

        if (scrip_ingest(scrip, argv[i], NULL, NULL, &totals, &err) < 0) {
            fprintf(stderr, "timed: %s: %s\n", argv[i], err.message);
            return 3;
        }
        ends = now();
        cpu_ends = processor();
        printf("%.3f %.3f %llu %llu\n", ends - start, cpu_ends - cpu, (unsigned long long)totals.read,
               (unsigned long long)(totals.outcome[SCRIP_REFUSED] + totals.outcome[SCRIP_QUARANTINED]));
        start = ends;
        cpu = cpu_ends;
    }
    scrip_close(scrip);
    return 0;
}
