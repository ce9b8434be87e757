/* unit.h - what unit tests share: a scratch folder and files in it, random numbers that are the same in every run, a
 * runner. */
#ifndef SCRIP_TESTS_UNIT_H
#define SCRIP_TESTS_UNIT_H

#include <check.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRATCH_SIZE 512

/* Where `make` put things. */
static inline const char *build_folder(void)
{
    const char *build = getenv("BUILD");

    return build && build[0] ? build : "build";
}

static inline const char *scratch_open(char folder[SCRATCH_SIZE])
{
    snprintf(folder, SCRATCH_SIZE, "/tmp/scrip-unit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    return folder;
}

static inline int scratch_drop(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info, (void)type, (void)at;
    return remove(path);
}

static inline void scratch_close(const char *folder)
{
    nftw(folder, scratch_drop, 16, FTW_DEPTH | FTW_PHYS);
}

/* FOLDER/NAME; the last eight results stand. */
static inline const char *scratch_path(const char *folder, const char *name)
{
    static char paths[8][SCRATCH_SIZE];
    static int turn;
    char *path = paths[turn++ & 7];

    ck_assert_int_lt(snprintf(path, SCRATCH_SIZE, "%s/%s", folder, name), SCRATCH_SIZE);
    return path;
}

static inline const char *scratch_bytes(const char *folder, const char *name, const void *bytes, size_t size)
{
    const char *path = scratch_path(folder, name);
    FILE *out = fopen(path, "wb");

    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(bytes, 1, size, out), size);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_int_eq(chmod(path, 0600), 0);
    return path;
}

static inline const char *scratch_text(const char *folder, const char *name, const char *text)
{
    return scratch_bytes(folder, name, text, strlen(text));
}

static inline int file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* A text that must hold each of the others; the list ends with NULL. */
static inline void text_holds(const char *text, ...)
{
    const char *part;
    va_list list;

    va_start(list, text);
    while ((part = va_arg(list, const char *)) != NULL)
        ck_assert_msg(strstr(text, part) != NULL, "'%s' is not in '%s'", part, text);
    va_end(list);
}

/* splitmix64: every run draws the same numbers, so that a failure can be seen again. */
static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A whole number of any size, small ones as often as large ones. */
static inline int64_t random_number(uint64_t *state)
{
    uint64_t bits = random_next(state) >> (random_next(state) % 64);

    return random_next(state) & 1 ? (int64_t)bits : (int64_t)(0 - bits);
}

static inline int unit_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
