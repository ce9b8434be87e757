/* suite.h - a suite of a kind of plugin: tests that each name the clause of plugin.h that they hold a plugin to.
 *
 * A suite is written against the public headers alone: what it does with a plugin any host may do. */
#ifndef SCRIP_CORE_SUITE_H
#define SCRIP_CORE_SUITE_H

#include <scrip/rows.h>

struct check;      /* one run of a suite */
struct check_host; /* a host with the plugin in it; several are as many programs */

/* An instance of the plugin; of a store a session, begun. */
struct check_instance {
    struct check_host *host;
    struct scrip_ctx *ctx; /* NULL: not open */
    const void *api;       /* struct scrip_store ..., as the host took it */
    void *handle;
};

struct check_test {
    const char *name;
    const char *clause; /* of plugin.h, word by word */
    void (*run)(struct check *check);
};

extern const struct check_test check_currency_tests[]; /* each ends with a name of NULL */
extern const struct check_test check_service_tests[];
extern const struct check_test check_source_tests[];
extern const struct check_test check_store_tests[];
extern const struct check_test check_report_tests[];

/* The test at hand found a clause broken; clause NULL: its own. The first one of a test counts. */
void check_break(struct check *check, const char *clause, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* It cannot be asked here. */
void check_skip(struct check *check, const char *why);
int check_is_broken(const struct check *check); /* the test at hand, or the suite ends */
int check_is_stopped(const struct check *check);
int check_was_broken(const struct check *check); /* a test before this one: what follows from it is no news */
int check_is_fresh(const struct check *check);   /* what the plugin is to open was not there before */
/* Nothing more can be asked: the suite ends. */
void check_stop(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What a suite keeps from test to test. */
void **check_self(struct check *check);
void check_keep(struct check *check, void *self, void (*end)(void *self)); /* end: called once the suite has ended */

struct check_host *check_host_open(struct check *check);
void check_host_close(struct check_host *host);
/* Makes and opens an instance, of a store with its begin; what that answered. Closed with check_close whatever it was.
 */
int check_open(struct check_host *host, int session, struct check_instance *out);
void check_close(struct check_instance *instance);
/* The same of another kind than a store, on a suite's own table of services: a copy of check_services, with those
 * replaced that the suite listens to. A table is told apart by its address: it begins the suite's struct. It outlives the
 * instance. */
int check_open_on(struct check_host *host, const struct scrip_host *table, struct check_instance *out);
const struct scrip_host *check_services(void);
/* The message of the call that failed last; "" where it said none. */
const char *check_said(const struct check_instance *instance);
/* The same, for a sentence. */
const char *check_message(const struct check_instance *instance);
/* Before a call whose message will be asked for. */
void check_hush(struct check_instance *instance);

/* What the user gave with --events, and where paths may lead that the suite makes. */
const char *check_events_file(const struct check *check); /* NULL: none */
const char *check_folder(const struct check *check);

/* Native events of that file, in its order; 0 where none was given. A file that cannot be read ends the suite. */
uint64_t check_event_count(struct check *check);
const struct scrip_event *check_event(struct check *check, uint64_t index);
/* Another field of it, enum scrip_field_key; "" where it is absent. */
const char *check_event_text(struct check *check, uint64_t index, int key);
int64_t check_event_time(struct check *check, uint64_t index, int key);

#endif
