/* cli.h - the command line: its commands, and what they share. It uses libscrip's public header and nothing else of it. */
#ifndef SCRIP_CLI_H
#define SCRIP_CLI_H

#include <scrip/scrip.h>

#include <stdio.h>

#define EXIT_DONE 0
#define EXIT_PARTLY 1 /* done, but some events were refused or quarantined, or a check failed */
#define EXIT_USE 2    /* wrong use or configuration */
#define EXIT_STORE 3  /* the store or a file failed */

#define FLAG_LIMIT 32
#define WORD_LIMIT 4096

/* An option of a command. `pair`: the event's field that it sets, or NULL. */
struct flag {
    const char *name;
    const char *value; /* what stands for its value in the help; NULL: it takes none */
    const char *pair;
    const char *help;
};

struct use;

struct command {
    const char *name;
    const char *words; /* what follows it, for the help */
    int least, most;   /* words wanted; most -1: any number */
    const char *help;
    const char *example;
    int (*run)(struct use *use);
    const struct flag *flags;
    const struct flag *more; /* a second table, shared with others; may be NULL */
};

/* A command as it was typed. */
struct use {
    const char *config;
    const struct command *command;
    const char *words[WORD_LIMIT];
    int word_count;
    const struct flag *given[FLAG_LIMIT];
    const char *values[FLAG_LIMIT];
    int given_count;
};

extern const struct command commands[];
extern const struct flag format_flags[];
extern const struct flag usage_flags[]; /* of charge and quote */

/* The value of an option, or NULL. index: of the n-th time that it was given. */
const char *flag_value(const struct use *use, const char *name, int index);
/* Prints "scrip: ..." on standard error and returns the exit code of a failed call. */
int failed(int code, const struct scrip_error *err);
/* Opens the host; an exit code, with the message printed where it is not EXIT_DONE. */
int opened(const struct use *use, int access, struct scrip **out);
int wrong_use(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A time given as an option; absent: SCRIP_TIME_NONE. 0, or EXIT_USE with the message printed. */
int time_flag(const struct use *use, const char *name, int64_t *out);
/* Asks and prints in the format of --format. */
int answer(struct use *use, struct scrip_query *query);
int stdout_write(void *sink, const char *bytes, uint64_t size);
/* Flushes standard output; EXIT_STORE where that fails. */
int finish(int code);

int run_feeds(struct use *use);      /* run.c */
int run_ingest(struct use *use);
int run_quarantine(struct use *use);
int run_migrate(struct use *use);
int run_reconcile(struct use *use);
int run_deliver(struct use *use);    /* deliver.c */
int run_subscribers(struct use *use);
/* What a run does last, and closes the host: tells subscribers. An exit code. */
int deliver_after(const struct use *use, struct scrip *scrip);
/* What a run that follows does after each round, until it is over. */
int deliver_round(struct scrip *scrip, int (*is_over)(void *sink), struct scrip_error *err);
int run_operation(struct use *use);  /* event.c: every command that is one event */
int run_quote(struct use *use);
int run_submit(struct use *use);
int plugin_new(struct use *use);     /* new.c */
int run_init(struct use *use);       /* ask.c */
int run_upgrade(struct use *use);
int run_balance(struct use *use);
int run_usage(struct use *use);
int run_expiring(struct use *use);
int run_events(struct use *use);
int run_explain(struct use *use);
int run_head(struct use *use);
int run_statement(struct use *use);
int run_listing(struct use *use); /* holds, debts, limits, advise */
int run_verify(struct use *use);
int run_rerate(struct use *use);
int run_close(struct use *use);
int run_plugins(struct use *use);
int run_profiles(struct use *use);
int run_plugin(struct use *use);

#endif
