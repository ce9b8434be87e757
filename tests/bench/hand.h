/* hand.h - what a plain C program does to read a CSV file: the whole file in memory, one loop over its bytes. No
 * quotes, no checks of UTF-8, no columns by name: the least that any reader must do. Shared by the benchmarks. */
#ifndef SCRIP_BENCH_HAND_H
#define SCRIP_BENCH_HAND_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HAND_CELLS 8

struct hand_cell {
    const char *text;
    size_t size;
};

struct hand {
    const char *start, *at, *end;
    struct hand_cell cells[HAND_CELLS];
    size_t count;
};

static inline void hand_die(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(3);
}

static inline void hand_open(struct hand *hand, const char *path)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &info) < 0 || info.st_size == 0)
        hand_die(path);
    hand->start = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (hand->start == MAP_FAILED)
        hand_die(path);
    close(fd);
    hand->at = hand->start;
    hand->end = hand->start + info.st_size;
}

static inline void hand_close(struct hand *hand)
{
    munmap((void *)hand->start, (size_t)(hand->end - hand->start));
}

/* The cells of the next line: 1; 0 at the end. The generator ends every line with '\n'. */
static inline int hand_line(struct hand *hand)
{
    const char *at = hand->at, *cell = at;

    if (at == hand->end)
        return 0;
    for (hand->count = 0; hand->count < HAND_CELLS; at++)
        if (*at == ',' || *at == '\n') {
            hand->cells[hand->count++] = (struct hand_cell){ cell, (size_t)(at - cell) };
            cell = at + 1;
            if (*at == '\n') {
                hand->at = cell;
                return 1;
            }
        }
    hand_die("a line with too many cells");
    return 0;
}

/* "12.5" at a scale of 10 is 125. */
static inline int64_t hand_number(const struct hand_cell *cell, int64_t scale)
{
    int64_t value = 0;
    size_t i = 0;

    for (; i < cell->size && cell->text[i] != '.'; i++)
        value = value * 10 + (cell->text[i] - '0');
    for (i++; scale > 1; scale /= 10, i++)
        value = value * 10 + (i < cell->size ? cell->text[i] - '0' : 0);
    return value;
}

static inline int64_t hand_digits(const char *text, int count)
{
    int64_t value = 0;

    for (int i = 0; i < count; i++)
        value = value * 10 + (text[i] - '0');
    return value;
}

/* Days since 1970-01-01 of a date. */
static inline int64_t hand_day(int64_t year, int64_t month, int64_t day)
{
    int64_t y = year - (month <= 2), era = y / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* "2022-01-01T00:00:00Z" in seconds. */
static inline int64_t hand_time(const struct hand_cell *cell)
{
    const char *t = cell->text;

    return hand_day(hand_digits(t, 4), hand_digits(t + 5, 2), hand_digits(t + 8, 2)) * 86400 +
           hand_digits(t + 11, 2) * 3600 + hand_digits(t + 14, 2) * 60 + hand_digits(t + 17, 2);
}

#endif
