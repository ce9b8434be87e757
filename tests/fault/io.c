/* io.c - makes writes to a store fail: loaded before libc by tests/system/kill.py.
 *
 * FAULT_PATH: only files whose path contains this. FAULT_AT: the number of the call that fails, from 1; 0: none.
 * FAULT_MODE: once, or always from then on; short: half of it is written. FAULT_ERRNO: its error. FAULT_COUNT: a file that
 * gets the number of calls.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t at);
int ftruncate64(int fd, off_t size);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long calls;

static int is_watched(int fd)
{
    const char *part = getenv("FAULT_PATH");
    char link[64], path[4096];
    ssize_t size;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    size = readlink(link, path, sizeof path - 1);
    if (part == NULL || size <= 0)
        return 0;
    path[size] = 0;
    return strstr(path, part) != NULL;
}

/* 0: go on; 1: fails, errno is set; 2: only half of it. */
static int fault(int fd, int has_size)
{
    const char *at = getenv("FAULT_AT"), *mode = getenv("FAULT_MODE"), *code = getenv("FAULT_ERRNO");
    long call, wanted = at ? atol(at) : 0;

    if (!is_watched(fd))
        return 0;
    pthread_mutex_lock(&lock);
    call = ++calls;
    pthread_mutex_unlock(&lock);
    if (wanted == 0 || call < wanted || (call > wanted && (mode == NULL || strcmp(mode, "always") != 0)))
        return 0;
    if (mode != NULL && strcmp(mode, "short") == 0)
        return has_size ? 2 : 0;
    errno = code ? atoi(code) : EIO;
    return 1;
}

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("FAULT_COUNT");
    FILE *out = path ? fopen(path, "w") : NULL;

    if (out != NULL) {
        fprintf(out, "%ld\n", calls);
        fclose(out);
    }
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WRAP(result, name, parameters, arguments, halved)                                                     \
    result name parameters                                                                                    \
    {                                                                                                         \
        switch (fault(fd, 1)) {                                                                               \
        case 1:                                                                                               \
            return -1;                                                                                        \
        case 2:                                                                                               \
            return REAL(name) halved;                                                                         \
        default:                                                                                              \
            return REAL(name) arguments;                                                                      \
        }                                                                                                     \
    }
#define WRAP_PLAIN(name, parameters, arguments)                                                               \
    int name parameters                                                                                       \
    {                                                                                                         \
        return fault(fd, 0) == 1 ? -1 : REAL(name) arguments;                                                 \
    }

WRAP(ssize_t, write, (int fd, const void *bytes, size_t size), (fd, bytes, size), (fd, bytes, (size + 1) / 2))
WRAP(ssize_t, pwrite, (int fd, const void *bytes, size_t size, off_t at), (fd, bytes, size, at),
     (fd, bytes, (size + 1) / 2, at))
WRAP(ssize_t, pwrite64, (int fd, const void *bytes, size_t size, off_t at), (fd, bytes, size, at),
     (fd, bytes, (size + 1) / 2, at))
WRAP_PLAIN(fsync, (int fd), (fd))
WRAP_PLAIN(fdatasync, (int fd), (fd))
WRAP_PLAIN(ftruncate, (int fd, off_t size), (fd, size))
WRAP_PLAIN(ftruncate64, (int fd, off_t size), (fd, size))
