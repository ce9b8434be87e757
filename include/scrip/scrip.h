/* scrip.h - all that an embedding program reads: libscrip. The command line is its first user and uses nothing else.
 *
 * A host is opened from a configuration, takes events in, answers questions, and is closed. There is no global state: a
 * process may open several. A host is used by one thread at a time.
 *
 * Calls return 0 or a negative enum scrip_code, with the message in *err ("subject: what is wrong: what mends it").
 */
#ifndef SCRIP_SCRIP_H
#define SCRIP_SCRIP_H

#include <scrip/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What follows is what libscrip.so exports; the rest of it is hidden. */
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

struct scrip_error {
    int64_t code;
    char message[SCRIP_MESSAGE_SIZE * 2];
};

struct scrip; /* a host */

enum scrip_access {
    SCRIP_ACCESS_READ,   /* questions only; works beside a writer */
    SCRIP_ACCESS_WRITE,  /* takes events in; one at a time for a store that says so */
    SCRIP_ACCESS_INIT,   /* creates the store's schema where there is none, then as WRITE */
    SCRIP_ACCESS_UPGRADE,
    SCRIP_ACCESS_PLUGINS /* loads and checks everything, opens no store */
};

/* Reads the configuration at path, loads its plugins, opens its instances. path NULL, with SCRIP_ACCESS_PLUGINS: of no
 * configuration. *out is NULL on failure. */
int scrip_open(const char *path, int access, struct scrip **out, struct scrip_error *err);
void scrip_close(struct scrip *scrip);
/* 1: what its store keeps ends with this host. */
int scrip_is_volatile(const struct scrip *scrip);

/* ---- events in --------------------------------------------------------------------------------------------- */

/* What became of the rows of a run, by enum scrip_outcome; they add up to `read`. */
struct scrip_totals {
    uint64_t read;
    uint64_t outcome[SCRIP_OUTCOME_COUNT];
    uint64_t commits;
};

struct scrip_progress {
    const char *source;
    const char *feed;
    uint64_t read;
    uint64_t position; /* bytes of the feed taken in */
    uint64_t size;     /* of the feed, 0 where unknown */
    uint64_t bytes;    /* of all feeds, read by this run so far */
    uint64_t left;     /* of all feeds, still to be read, as far as known */
};

struct scrip_run_options {
    int64_t until_us; /* events at or after this are left for a later run; SCRIP_TIME_NONE: all */
    /* Called now and then, NULL: never. */
    void (*progress)(void *sink, const struct scrip_progress *progress);
    void *sink;
    /* 0: feeds are whole. Above 0 they go on being written, and runs follow one another on this host: what the end of a file
     * may have cut is left until the file was not changed for this long; a feed that cannot be read is told on standard
     * error, once, and keeps nobody from the others; files that did not change since are not opened again. */
    int64_t settle_us;
    /* Asked again and again; non-zero: the run ends here, and what was taken in is committed. NULL: never. */
    int (*stop)(void *sink);
};

/* Reads every configured source to its end. May be interrupted at any point and repeated. options may be NULL. */
int scrip_run(struct scrip *scrip, const struct scrip_run_options *options, struct scrip_totals *totals,
              struct scrip_error *err);
/* The same for one named file ("-": standard input). source: an instance's name, or NULL: the one that claims the file. */
int scrip_ingest(struct scrip *scrip, const char *file, const char *source, const struct scrip_run_options *options,
                 struct scrip_totals *totals, struct scrip_error *err);
/* Writes every configured report; writes "REPORT: FILE" lines nowhere: what went out is in the reports. */
int scrip_write_reports(struct scrip *scrip, struct scrip_error *err);

/* Tells subscribers (sections of reports with `events` or alerts) what was committed since they were told last: at least
 * once, in order per account. A host that reads may do so beside one that writes; of several at once the second gets
 * SCRIP_EBUSY. */
struct scrip_deliver_options {
    const char *subscriber; /* an instance's name; NULL: all */
    const char *account;    /* NULL: all */
    int64_t as_of_us;       /* alerts that time alone brings are told up to this instant; SCRIP_TIME_NONE: now */
    int64_t is_retry;       /* 1: what waits for its next try and what was given up is tried now */
    int64_t is_skip;        /* 1: what is next for both is passed over, and nothing delivered */
    int64_t save_wait_us;   /* positions are not saved more often than this; 0: at the end of each call */
    /* Of a delivery that failed, by its id, or of an account that is damaged; NULL: never called. */
    void (*failed)(void *sink, const char *subscriber, const char *id, const char *why);
    int (*is_over)(void *sink); /* asked before each delivery: 1 ends the call; NULL: never */
    void *sink;
};
struct scrip_deliver_totals {
    uint64_t delivered;
    uint64_t skipped;
    uint64_t failed;   /* accounts whose next delivery failed, and is tried again */
    uint64_t given_up; /* the same, no more */
    uint64_t waiting;  /* events behind all positions */
    uint64_t unsaved;  /* positions: others write; the next call saves them */
};
/* options may be NULL. */
int scrip_deliver(struct scrip *scrip, const struct scrip_deliver_options *options, struct scrip_deliver_totals *totals,
                  struct scrip_error *err);
/* 1: there are subscribers. */
int scrip_has_subscribers(const struct scrip *scrip);

/* A field of an event: a key of SCRIP_FIELDS (families as "attribute.NAME") and its text. */
struct scrip_pair {
    const char *key;
    const char *value;
};

struct scrip_result {
    int64_t outcome;      /* enum scrip_outcome */
    int64_t was_duplicate; /* 1: known before; outcome is its first one */
    uint64_t number;      /* in its account */
    char reason[SCRIP_MESSAGE_SIZE]; /* of a refusal or a quarantine; else "" */
};

/* One event, committed when this returns. Needs type and account; id is made where absent from the content, so the same
 * event twice is a duplicate; time defaults to now. An event that cannot be read fails with SCRIP_EINVALID and
 * leaves nothing; one that cannot be priced goes to quarantine. */
int scrip_submit(struct scrip *scrip, const struct scrip_pair *pairs, uint64_t pair_count,
                 struct scrip_result *result, struct scrip_error *err);
/* The same from a native JSON event. */
int scrip_submit_json(struct scrip *scrip, const char *json, uint64_t size, struct scrip_result *result,
                      struct scrip_error *err);

/* Takes what is in quarantine again, all of it or one by its key (as listed): read anew from its feed where that is still
 * there, by its source as it is configured now; else as it was read. */
int scrip_quarantine_retry(struct scrip *scrip, const char *key, struct scrip_totals *totals, struct scrip_error *err);
int scrip_quarantine_drop(struct scrip *scrip, const char *key, struct scrip_error *err);

/* Asks a service again about what it priced in [from, to), after its sheet was corrected; every charge that differs goes back and
 * is charged anew, dated as it was, in one commit. Answers a row for each. is_dry: writes nothing. */
struct scrip_rerate_options {
    const char *service; /* an instance's name */
    const char *account; /* NULL: all */
    int64_t from_us, to_us; /* SCRIP_TIME_NONE: open */
    int64_t time_us;        /* of the events; SCRIP_TIME_NONE: now */
    int is_dry;
};
struct scrip_answer;
int scrip_rerate(struct scrip *scrip, const struct scrip_rerate_options *options, const struct scrip_answer *answer,
                 struct scrip_totals *totals, struct scrip_error *err);

/* Copies everything into another store of the configuration, or what came since it was copied there; may be interrupted at any
 * point and repeated. Then compares both, and answers a row for each table; *differences counts those that are not equal. Until
 * there are none, no host takes the copy for its store. */
struct scrip_migrate_options {
    const char *store; /* the name of its section: "archive" or "store/archive" of [store/sqlite archive] */
    void (*progress)(void *sink, const struct scrip_progress *progress); /* of events; NULL: never */
    void *sink;
};
int scrip_migrate(struct scrip *scrip, const struct scrip_migrate_options *options, const struct scrip_answer *answer,
                  uint64_t *differences, struct scrip_error *err);

/* Closes a period ("2022-03", "2022", "2022-03-29") of an account, or of all: what comes later for it is posted after it. */
int scrip_close_period(struct scrip *scrip, const char *period, const char *account, int64_t time_us, struct scrip_totals *totals,
                       struct scrip_error *err);

/* Compares what a file says that accounts hold with the books, and answers a row for each difference. Writes nothing.
 * The file's rows are statements of a grant (`grant`), of a class, or of a currency: `amount` was issued, `quantity` used,
 * `balance` is left (available and held), each as it was right before the row's time. */
struct scrip_reconcile_options {
    const char *file;   /* "-": standard input */
    const char *source; /* an instance's name, or NULL: the one that claims the file */
    int64_t before_us;  /* in place of the rows' times; SCRIP_TIME_NONE: theirs */
};
struct scrip_reconcile_totals {
    uint64_t rows;
    uint64_t differences;
};
int scrip_reconcile(struct scrip *scrip, const struct scrip_reconcile_options *options,
                    const struct scrip_answer *answer, struct scrip_reconcile_totals *totals, struct scrip_error *err);

/* ---- questions --------------------------------------------------------------------------------------------- */

enum scrip_question {
    SCRIP_ASK_BALANCE,    /* available, held, used, expired, voided, debt per account and currency, or by grant */
    SCRIP_ASK_USAGE,      /* charges grouped by `by` */
    SCRIP_ASK_EXPIRING,   /* what expires in [from, to), and what it had cost, as an instant sees it */
    SCRIP_ASK_EVENTS,     /* events with their outcomes; `outcome` picks one */
    SCRIP_ASK_EXPLAIN,    /* one event by id: why it is what it is */
    SCRIP_ASK_QUOTE,      /* what the usage in `pairs` would cost and which grants would pay */
    SCRIP_ASK_QUARANTINE, /* what could not be taken in */
    SCRIP_ASK_PLUGINS,
    SCRIP_ASK_HEAD,       /* the store's head and its events, per account with `by` = account */
    SCRIP_ASK_PLUGIN,     /* the options of the plugin `id`, "KIND/NAME", as scrip_plugin_help */
    SCRIP_ASK_STATEMENT,  /* one account's movements by posting date in [from, to), with the balance before and after each */
    SCRIP_ASK_HOLDS,      /* open holds */
    SCRIP_ASK_DEBTS,      /* what is owed, by charge */
    SCRIP_ASK_LIMITS,     /* limits, and what is used of each */
    SCRIP_ASK_ADVISE,     /* accounts that have less than their currency's top-up threshold, and what to buy */
    SCRIP_ASK_PROFILES,   /* what sections may name with `profile` */
    SCRIP_ASK_SUBSCRIBERS /* how far each subscriber was told; with `by` = account, of each account */
};

struct scrip_query {
    int64_t question;
    const char *account; /* NULL: all */
    int64_t as_of_us;    /* event time; SCRIP_TIME_NONE: now. What falls due at this instant is included */
    int64_t before_us;   /* the same, without what falls due at this instant; at most one of both */
    int64_t known_at_us; /* of balance and usage: only what had been recorded by then; 0: all */
    int64_t from_us;     /* SCRIP_TIME_NONE: open */
    int64_t to_us;
    const char *by;      /* usage: product,user,day,month,service,account,currency,class; balance: grant, class;
                          * quarantine, counted: class, reason, source, feed */
    const char *const *where; /* usage: "DIM=VALUE" ..., NULL-terminated; may be NULL */
    const char *id;      /* of EXPLAIN and PLUGIN; of QUARANTINE a key: that one with its bytes */
    const char *outcome; /* of EVENTS: charged, refused ...; NULL: all */
    const struct scrip_pair *pairs; /* of QUOTE */
    uint64_t pair_count;
};

/* Where an answer goes: a table. Non-zero from a callback stops the answer, which returns it. */
struct scrip_answer {
    int (*begin)(void *sink, const char *title, const struct scrip_column *columns, uint64_t column_count);
    int (*row)(void *sink, const struct scrip_cell *cells, uint64_t cell_count);
    int (*end)(void *sink);
    void *sink;
};

int scrip_ask(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
              struct scrip_error *err);

/* The same through the report plugin `format` (table, csv, json, or another), as bytes. */
int scrip_print(struct scrip *scrip, const struct scrip_query *query, const char *format,
                int (*write)(void *sink, const char *bytes, uint64_t size), void *sink, struct scrip_error *err);
int scrip_rerate_print(struct scrip *scrip, const struct scrip_rerate_options *options, const char *format,
                       int (*write)(void *sink, const char *bytes, uint64_t size), void *sink, struct scrip_totals *totals,
                       struct scrip_error *err);

int scrip_reconcile_print(struct scrip *scrip, const struct scrip_reconcile_options *options, const char *format,
                          int (*write)(void *sink, const char *bytes, uint64_t size), void *sink,
                          struct scrip_reconcile_totals *totals, struct scrip_error *err);
int scrip_migrate_print(struct scrip *scrip, const struct scrip_migrate_options *options, const char *format,
                        int (*write)(void *sink, const char *bytes, uint64_t size), void *sink, uint64_t *differences,
                        struct scrip_error *err);

/* Replays the books from recorded events and quotes and compares every table. Calls finding for each fault; *findings
 * counts them. Returns 0 when it could look, whatever it found. */
int scrip_verify(struct scrip *scrip, int (*finding)(void *sink, const char *text), void *sink, uint64_t *findings,
                 uint64_t *events, struct scrip_error *err);
/* Asks the services again about all that they priced, and calls finding for each difference: which is no fault of the books. */
int scrip_requote(struct scrip *scrip, int (*finding)(void *sink, const char *text), void *sink, uint64_t *findings,
                  struct scrip_error *err);

#define SCRIP_RECEIPT_SIZE 160
/* A line that stands for all that is recorded so far. */
int scrip_receipt(struct scrip *scrip, char receipt[SCRIP_RECEIPT_SIZE], struct scrip_error *err);
/* Replays what had been recorded when a receipt was made: finding is called where it is not what it was. */
int scrip_receipt_check(struct scrip *scrip, const char *receipt, int (*finding)(void *sink, const char *text), void *sink,
                        uint64_t *findings, struct scrip_error *err);

/* ---- small things ------------------------------------------------------------------------------------------- */

const char *scrip_outcome_name(int64_t outcome);
/* Reads "2022-03-29" or RFC 3339. */
int scrip_time_parse(const char *text, int64_t *out_us);
/* Keys, types, defaults and help of a plugin ("service/daily") as a table; then those of the host for its kind. The title says its
 * summary and ABI. */
int scrip_plugin_help(struct scrip *scrip, const char *kind_and_name, const struct scrip_answer *answer,
                      struct scrip_error *err);
/* Runs the suite of a plugin's kind on it, and answers a row for each test: what was kept, what was broken, and the clause of
 * plugin.h. *broken counts. It opens and fills what `pairs` name, which must be the suite's own: a new file, an empty
 * database. Required paths that are not given lead to a folder that is removed afterwards. */
struct scrip_check_options {
    const char *plugin; /* "KIND/NAME", or a file */
    const struct scrip_pair *pairs; /* keys of its section */
    uint64_t pair_count;
    /* What to ask about; NULL: only what the suite thinks of. Of a service a file of native events with usage that it prices, of
     * a currency one with grants and conversions; of a source a feed to read in place of those that it names. */
    const char *events;
};
int scrip_plugin_check(const struct scrip_check_options *options, const struct scrip_answer *answer, uint64_t *broken,
                       struct scrip_error *err);
int scrip_plugin_check_print(struct scrip *scrip, const struct scrip_check_options *options, const char *format,
                             int (*write)(void *sink, const char *bytes, uint64_t size), void *sink, uint64_t *broken,
                             struct scrip_error *err);
extern const char scrip_version[];

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
