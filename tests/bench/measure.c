/* measure.c - runs a command and writes what it took: seconds, peak memory in KiB, and seconds of processor time.
 *
 *     measure FILE COMMAND [ARGUMENT ...]
 *
 * A program of its own, and a small one, because a child's peak counts what its parent had when it was started. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    struct rusage used;
    double start;
    int status;
    pid_t child;
    FILE *out;

    if (argc < 3) {
        fputs("usage: measure FILE COMMAND [ARGUMENT ...]\n", stderr);
        return 2;
    }
    start = now();
    if ((child = fork()) == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &used) < 0 || (out = fopen(argv[1], "w")) == NULL) {
        perror("measure");
        return 3;
    }
    fprintf(out, "%.3f %ld %.3f\n", now() - start, used.ru_maxrss, seconds(used.ru_utime) + seconds(used.ru_stime));
    if (fclose(out) != 0)
        return 3;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
