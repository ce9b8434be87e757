/* fuzz.h - what the fuzz targets share. A target is a function of bytes, and aborts where a promise is broken. */
#ifndef SCRIP_TESTS_FUZZ_H
#define SCRIP_TESTS_FUZZ_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PROMISE(condition)                                                                                    \
    do {                                                                                                      \
        if (!(condition)) {                                                                                   \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition);                           \
            abort();                                                                                          \
        }                                                                                                     \
    } while (0)

/* A file in memory that nobody else may write, and a path to it. Close the descriptor afterwards. */
static inline int fuzz_file(const uint8_t *data, size_t size, char path[64])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    PROMISE(fd >= 0 && fchmod(fd, 0600) == 0);
    for (size_t at = 0; at < size;) {
        ssize_t n = write(fd, data + at, size - at);

        PROMISE(n > 0);
        at += (size_t)n;
    }
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

#endif
