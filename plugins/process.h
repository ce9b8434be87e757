/* process.h - a program that a plugin runs: its standard input and output are the plugin's, its standard error is kept as a
 * log. It has a process group of its own, so that what it starts ends with it. */
#ifndef SCRIP_PROCESS_H
#define SCRIP_PROCESS_H

#include <scrip/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROCESS_OPTIONS                                                                                       \
    { "command", SCRIP_OPTION_TEXT, NULL, NULL, 1, "the program and its arguments, as the shell reads them" }, \
        { "log", SCRIP_OPTION_PATH, NULL, NULL, 0, "its standard error goes to the end of this file; absent: to scrip's own" }

struct process {
    pid_t pid;  /* 0: none */
    int in, out; /* -1: none */
    int status; /* once it has ended */
};
#define PROCESS_NONE { 0, -1, -1, 0 }

static inline void process_fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* environ with these variables before it: "NAME=TEXT", ended by NULL. */
static inline char **process_variables(char *const *more)
{
    extern char **environ;
    size_t count = 0, own = 0;
    char **out;

    while (environ != NULL && environ[count] != NULL)
        count++;
    while (more[own] != NULL)
        own++;
    out = malloc((count + own + 1) * sizeof *out);
    if (out == NULL)
        return NULL;
    memcpy(out, more, own * sizeof *out);
    if (count > 0)
        memcpy(out + own, environ, count * sizeof *out);
    out[own + count] = NULL;
    return out;
}

static inline int process_spawn(struct process *process, const char *command, const char *folder, const char *log,
                                char **variables, int child_in, int child_out)
{
    char *arguments[] = { "sh", "-c", NULL, NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t how;
    sigset_t pipes;
    int code;

    arguments[2] = (char *)command; /* which it does not write to */
    sigemptyset(&pipes);
    sigaddset(&pipes, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&how);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigdefault(&how, &pipes);
    if (child_in >= 0)
        posix_spawn_file_actions_adddup2(&actions, child_in, STDIN_FILENO);
    else
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, child_out, STDOUT_FILENO);
    if (log[0])
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (folder[0])
        posix_spawn_file_actions_addchdir_np(&actions, folder);
    code = posix_spawn(&process->pid, "/bin/sh", &actions, &how, arguments, variables);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&how);
    return code;
}

/* Starts `command` in `folder`; wants_in: with a standard input of its own. */
static inline int process_start(struct scrip_ctx *ctx, struct process *process, const char *folder, char *const *more,
                                int wants_in)
{
    const char *command = ctx->host->option_text(ctx, "command");
    int in[2] = { -1, -1 }, out[2] = { -1, -1 }, code = 0;
    char **variables = process_variables(more);

    *process = (struct process)PROCESS_NONE;
    if (variables == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "no memory to start a program");
    /* Not a pipe for its input: what it does not read may not end this process by a signal. */
    if ((wants_in && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) < 0) || pipe2(out, O_CLOEXEC) < 0)
        code = errno;
    else
        code = process_spawn(process, command, folder, ctx->host->option_text(ctx, "log"), variables, in[1], out[1]);
    free(variables);
    process_fd_close(&in[1]);
    process_fd_close(&out[1]);
    if (code != 0) {
        process->pid = 0;
        process_fd_close(&in[0]);
        process_fd_close(&out[0]);
        return scrip_fail(ctx, SCRIP_EIO, "%s: cannot be started: %s", command, strerror(code));
    }
    process->in = in[0];
    process->out = out[0];
    return SCRIP_OK;
}

/* Waits for its end. kills: ends it first, and hard where that is not heeded for two seconds. */
static inline void process_end(struct process *process, int kills)
{
    const struct timespec moment = { 0, 20000000 };

    process_fd_close(&process->in);
    process_fd_close(&process->out);
    if (process->pid == 0)
        return;
    if (kills)
        kill(-process->pid, SIGTERM);
    for (int i = 0; waitpid(process->pid, &process->status, kills ? WNOHANG : 0) != process->pid; i++) {
        if (!kills && errno != EINTR)
            break;
        if (kills && i == 100)
            kill(-process->pid, SIGKILL);
        if (kills)
            nanosleep(&moment, NULL);
    }
    process->pid = 0;
}

static inline int64_t process_clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * SCRIP_SECOND + now.tv_nsec / 1000;
}

/* Waits for its end, until an instant of that clock: 1 where it has ended by itself. */
static inline int process_wait(struct process *process, int64_t until_us)
{
    struct timespec moment = { 0, 500000 };

    while (waitpid(process->pid, &process->status, WNOHANG) != process->pid) {
        if (process_clock_us() >= until_us)
            return 0;
        nanosleep(&moment, NULL);
        if (moment.tv_nsec < 20000000)
            moment.tv_nsec *= 2;
    }
    process->pid = 0;
    return 1;
}

/* "exit 3", "signal 9". */
static inline const char *process_end_text(const struct process *process, char out[32])
{
    if (WIFSIGNALED(process->status))
        snprintf(out, 32, "signal %d", WTERMSIG(process->status));
    else
        snprintf(out, 32, "exit %d", WEXITSTATUS(process->status));
    return out;
}

#endif
