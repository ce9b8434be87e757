/* plugin.h - all that a plugin author reads: the contract between scrip and its plugins.
 *
 * A plugin is one shared object that exports one constant, `scrip_plugin`, filled by the macro of its kind:
 *
 *     SCRIP_SERVICE_PLUGIN("acme", "ACME rate card", .quote = quote);
 *
 * The kinds: a currency says how a unit of account behaves; a service prices usage; a source brings events in;
 * a store keeps state; a report writes answers, or tells subscribers what was committed. The host reads the constant
 * before it runs anything: magic, ABI version, size, kind, name and required functions must fit, or the plugin is refused.
 *
 * A configured use of a plugin is an *instance*: `[service/acme]`, or `[service/acme east]` for a second one. Each has
 * a `struct scrip_ctx`; what it keeps hangs on `ctx->self`, never on a static variable. `scrip plugin check FILE` holds a
 * plugin to what is said here, and names the sentence that it breaks.
 *
 * Four laws of memory
 *   1. Lent in: what the host passes is yours to read until you return.
 *   2. Copied out: what you pass to a host call is copied before that call returns.
 *   3. No handover: memory never changes its owner. What you allocate, you free.
 *   4. One at a time: an instance is never entered twice at once (it may be entered from different threads in turn).
 *
 * Errors: a function returns 0 (SCRIP_OK) or a negative code, and says why through the call that failed:
 *     return scrip_fail(ctx, SCRIP_EINVALID, "rate: want AMOUNT/PER, got '%s'", text);
 * The message says what is wrong and what mends it; it belongs to that call and is at most SCRIP_MESSAGE_SIZE bytes.
 * What a call of the host refused did not happen: pass its code on, but for SCRIP_ENOTFOUND of what may not be there.
 *
 * The ABI is 1.0. A plugin that was built for 1.MINOR runs on every host from 1.MINOR on, unchanged: nothing that stands
 * here goes, moves or changes its meaning before 2.0.
 *   - Structs grow at their end only, by pointers and 64-bit fields: those that the host makes (struct scrip_host, event,
 *     grant, policy, commit, scan, delivery ...) and those of the kinds. Those that stand in lists, or that a plugin makes
 *     (decimal, attribute, option, line, field, row, cursor, column, cell, the rows of stores), do not grow.
 *   - A plugin asks for 1.0, the oldest, and has what 1.0 had. `#define SCRIP_WANTS_MINOR 1` before the include asks for
 *     more: its kind's struct may then set what 1.1 added, and an older host refuses it. Who can do without a service of
 *     the host asks instead whether it is there: SCRIP_HAS(ctx, member).
 *   - A member that the plugin's minor did not have counts as absent (0, NULL): nothing new is asked of an older plugin.
 *   - Lists of numbers (enums, event types, fields) grow at their ends. A number that a plugin does not know is no fault:
 *     a service has no price for such an event, a store keeps it as it came, a report shows its text.
 *   - A release's plugins are kept, with the header that they were built against, and tried on every host after it.
 *
 * Text is UTF-8, NUL-terminated; an absent text is "", never NULL, unless a comment says otherwise. Times are
 * microseconds since 1970-01-01T00:00:00Z (`_us`), years 1900 to 9999; an absent time is SCRIP_TIME_NONE. Ends are
 * exclusive. Amounts are whole minor units of their currency.
 */
#ifndef SCRIP_PLUGIN_H
#define SCRIP_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SCRIP_MAGIC UINT32_C(0x53435250) /* "SCRP" */
#define SCRIP_ABI_MAJOR 1
#define SCRIP_ABI_MINOR 0
/* The minor that a plugin asks for; see "the macros" below. */
#ifndef SCRIP_WANTS_MINOR
#define SCRIP_WANTS_MINOR 0
#endif
#if SCRIP_WANTS_MINOR > SCRIP_ABI_MINOR
#error "SCRIP_WANTS_MINOR: this plugin.h is older: build against a newer one"
#endif
#define SCRIP_MESSAGE_SIZE 512

#define SCRIP_TIME_NONE INT64_MIN
#define SCRIP_TIME_MIN INT64_C(-2208988800000000)  /* 1900-01-01T00:00:00Z */
#define SCRIP_TIME_MAX INT64_C(253402300800000000) /* 10000-01-01T00:00:00Z, exclusive */
#define SCRIP_SECOND INT64_C(1000000)
#define SCRIP_DAY (INT64_C(86400) * SCRIP_SECOND)

/* Limits that a user can meet. The host refuses what is beyond, naming the limit. */
#define SCRIP_NAME_SIZE 255        /* bytes of a name or id, without the NUL */
#define SCRIP_ATTRIBUTE_LIMIT 64   /* attributes of an event */
#define SCRIP_LINE_LIMIT 64        /* lines of a quote */
#define SCRIP_STATE_KEY_SIZE 255   /* bytes of a state key */
#define SCRIP_STATE_VALUE_SIZE 4096
#define SCRIP_ORDER_KEY_SIZE 512   /* bytes of a grant's order key */
#define SCRIP_ROW_SIZE 1048576     /* bytes of one row of a feed */

enum scrip_code {
    SCRIP_OK = 0,
    SCRIP_EINVALID = -1,  /* an input or a configuration is wrong */
    SCRIP_EREFUSED = -2,  /* understood, and not granted: the event becomes a stored refusal */
    SCRIP_ENOTFOUND = -3, /* nothing there */
    SCRIP_EIO = -4,       /* a file or a store failed */
    SCRIP_ELIMIT = -5,    /* one of the limits above */
    SCRIP_ERANGE = -6,    /* a number does not fit */
    SCRIP_ECONFLICT = -7, /* another writer was first, or the same id came with other content */
    SCRIP_EBUSY = -8,     /* somebody else holds it */
    SCRIP_ENOMEM = -9,
    SCRIP_EVERSION = -10, /* a schema, a file or an ABI of another version */
    SCRIP_EAGAIN = -11    /* a store's: what was being read is gone with its server: ask anew, from the start */
};

enum scrip_kind { SCRIP_CURRENCY = 1, SCRIP_SERVICE, SCRIP_SOURCE, SCRIP_STORE, SCRIP_REPORT };

/* ---- values ------------------------------------------------------------------------------------------------ */

/* An exact decimal with 18 digits after the point: whole + atto / 10^18, with 0 <= atto < 10^18.
 * -0.25 is { -1, 750000000000000000 }. */
struct scrip_decimal {
    int64_t whole;
    int64_t atto;
};
#define SCRIP_ATTO INT64_C(1000000000000000000)

struct scrip_attribute {
    const char *name;
    const char *value;
};

/* The event types of the format's manual, in the order of their numbers, which never change. */
#define SCRIP_EVENT_TYPES(X)                                                                                  \
    X(USAGE, "scrip.usage")                                                                                   \
    X(GRANT, "scrip.grant")                                                                                   \
    X(ACCOUNT, "scrip.account")                                                                               \
    X(ADJUSTMENT, "scrip.adjustment")                                                                         \
    X(VOID, "scrip.void")                                                                                     \
    X(LIMIT, "scrip.limit")                                                                                   \
    X(HOLD, "scrip.hold")                                                                                     \
    X(EXTEND, "scrip.extend")                                                                                 \
    X(CAPTURE, "scrip.capture")                                                                               \
    X(RELEASE, "scrip.release")                                                                               \
    X(REVERSAL, "scrip.reversal")                                                                             \
    X(CONVERSION, "scrip.conversion")                                                                         \
    X(TRANSFER, "scrip.transfer")                                                                             \
    X(RESET, "scrip.reset")                                                                                   \
    X(CLOSE, "scrip.close")                                                                                   \
    X(RERATE, "scrip.rerate")

enum scrip_event_type {
#define X(id, text) SCRIP_##id,
    SCRIP_EVENT_TYPES(X)
#undef X
        SCRIP_EVENT_TYPE_COUNT
};

/* Every field that an event may carry, by its name in the native format and as a mapping key of a feed. Numbers never
 * change. How the text of a field is read: N name, D decimal, T time, L list of names split by '\n', X free text.
 * `attribute.NAME` and `label.NAME` are families: their row field carries NAME. */
#define SCRIP_FIELDS(X)                                                                                       \
    X(TYPE, "type", 'N')                                                                                      \
    X(ID, "id", 'N')                                                                                          \
    X(SOURCE, "source", 'N')                                                                                  \
    X(ACCOUNT, "account", 'N')                                                                                \
    X(TIME, "time", 'T')                                                                                      \
    X(SERVICE, "service", 'N')                                                                                \
    X(PRODUCT, "product", 'N')                                                                                \
    X(USER, "user", 'N')                                                                                      \
    X(QUANTITY, "quantity", 'D')                                                                              \
    X(UNIT, "unit", 'N')                                                                                      \
    X(AMOUNT, "amount", 'D') /* a grant's may be "unlimited" */                                               \
    X(CURRENCY, "currency", 'N')                                                                              \
    X(END, "end", 'T')                                                                                        \
    X(GRANT, "grant", 'N')                                                                                    \
    X(ACCEPT, "accept", 'N')                                                                                  \
    X(CLASS, "class", 'N')                                                                                    \
    X(EFFECTIVE, "effective", 'T')                                                                            \
    X(EXPIRES, "expires", 'T')                                                                                \
    X(BALANCE, "balance", 'D')                                                                                \
    X(PRIORITY, "priority", 'D')                                                                              \
    X(COST_AMOUNT, "cost.amount", 'D')                                                                        \
    X(COST_CURRENCY, "cost.currency", 'N')                                                                    \
    X(SCOPE_SERVICES, "scope.services", 'L')                                                                  \
    X(SCOPE_PRODUCTS, "scope.products", 'L')                                                                  \
    X(SCOPE_USERS, "scope.users", 'L')                                                                        \
    X(SCOPE_ATTRIBUTE, "scope.attributes", 'L') /* a family: scope.attributes.NAME, the values allowed */     \
    X(RECURRENCE_EVERY, "recurrence.every", 'N')                                                              \
    X(RECURRENCE_ANCHOR, "recurrence.anchor", 'T')                                                            \
    X(ROLLOVER_MIN, "rollover.min", 'D')                                                                      \
    X(ROLLOVER_MAX, "rollover.max", 'D')                                                                      \
    X(FLOOR, "floor", 'D')                                                                                    \
    X(MAX_PER_CHARGE, "max_per_charge", 'D')                                                                  \
    X(GRANT_UNIT, "grant_unit", 'D')                                                                          \
    X(RENEWS, "renews", 'N')                                                                                  \
    X(LIMIT, "limit", 'N')                                                                                    \
    X(PER, "per", 'N')                                                                                        \
    X(ANCHOR, "anchor", 'T')                                                                                  \
    X(HOLD, "hold", 'N')                                                                                      \
    X(OF_SOURCE, "of.source", 'N')                                                                            \
    X(OF_ID, "of.id", 'N')                                                                                    \
    X(OF_LINE, "of.line", 'D')                                                                                \
    X(REASON, "reason", 'X')                                                                                  \
    X(FROM, "from", 'N')                                                                                      \
    X(TO, "to", 'N')                                                                                          \
    X(RATE, "rate", 'D')                                                                                      \
    X(PRESERVE_OVERAGE, "preserve_overage", 'N')                                                              \
    X(PERIOD, "period", 'N')                                                                                  \
    X(NAME, "name", 'X')                                                                                      \
    X(ZONE, "zone", 'N')                                                                                      \
    X(START, "start", 'T')                                                                                    \
    X(PARENT, "parent", 'N')                                                                                  \
    X(LABEL, "label", 'X')         /* a family: label.NAME */                                                 \
    X(ATTRIBUTE, "attribute", 'X') /* a family: attribute.NAME */                                             \
    X(GRANTS, "grants", 'L')       /* of a usage: these grants pay, in this order */                          \
    X(RECURRENCE_MODE, "recurrence.mode", 'N') /* reset (to the amount; default), or add (the amount) */      \
    X(RECURRENCE_FROM, "recurrence.from", 'N') /* anchor, calendar, start (the account's), first-use */       \
    X(SHARE, "share", 'N') /* a family: share.ACCOUNT of a transfer: 80%, or remaining */                     \
    X(LINE, "line", 'I')   /* a family: line.00.product, .quantity, .unit, .attribute.NAME of a usage of several lines */

enum scrip_field_key {
#define X(id, text, reads) SCRIP_F_##id,
    SCRIP_FIELDS(X)
#undef X
        SCRIP_FIELD_COUNT
};

/* An event as a service or a currency sees it. Lent for the call. */
struct scrip_event {
    int64_t type;    /* enum scrip_event_type */
    int64_t time_us; /* when it happened */
    int64_t end_us;  /* end of a session, or SCRIP_TIME_NONE */
    const char *account;
    const char *source;
    const char *id;
    const char *service; /* the instance that must price it, or "" */
    const char *product;
    const char *user;
    const char *unit;
    const char *currency;          /* the user's choice, or the currency of `amount`, or "" */
    struct scrip_decimal quantity; /* 1 where the event has none */
    struct scrip_decimal amount;   /* the feed's own charge; see has_amount */
    int64_t has_amount;
    const struct scrip_attribute *attributes; /* sorted by name */
    uint64_t attribute_count;
};

/* ---- options ----------------------------------------------------------------------------------------------- */

/* How the text of a configured key is checked before anything runs. */
enum scrip_option_type {
    SCRIP_OPTION_TEXT,
    SCRIP_OPTION_NAME,     /* 1 to 255 bytes, no control characters */
    SCRIP_OPTION_INT,      /* int64 */
    SCRIP_OPTION_DECIMAL,  /* exact decimal */
    SCRIP_OPTION_BOOL,     /* yes or no */
    SCRIP_OPTION_TIME,     /* 2022-03-29, 2022-03-29T00:00:00Z */
    SCRIP_OPTION_DURATION, /* 30m, 24h, 7d, P1Y, P3M, PT30M: kept as text where months are in it */
    SCRIP_OPTION_PATH,     /* relative to the configuration file */
    SCRIP_OPTION_LIST,     /* names split by commas */
    SCRIP_OPTION_CHOICE,   /* one of `choices`, split by commas */
    SCRIP_OPTION_ZONE      /* UTC, +02:00, Europe/Berlin */
};

/* One key of an instance's section. A plugin ends its table with SCRIP_OPTIONS_END. A key that ends in ".*" is a
 * family: `term.*` takes `term.free = P1Y`, `term.trial = 30d`. */
struct scrip_option {
    const char *key;
    uint64_t type;        /* enum scrip_option_type */
    const char *fallback; /* the default as text; NULL: absent unless given */
    const char *choices;  /* of SCRIP_OPTION_CHOICE; else NULL */
    uint64_t required;    /* 1: the section must give it, of a family at least one */
    const char *help;     /* one line */
};
#define SCRIP_OPTIONS_END { NULL, 0, NULL, NULL, 0, NULL }

/* ---- quotes ------------------------------------------------------------------------------------------------ */

enum scrip_verdict {
    SCRIP_NOT_MINE = 0, /* ask the next service */
    SCRIP_PRICED,       /* the lines are the price: at least one, as for a gate */
    SCRIP_FREE,         /* costs nothing; the usage is recorded with outcome zero */
    SCRIP_GATE,         /* each line's amount must be available; nothing is drawn */
    SCRIP_UNPRICED      /* mine, and I have no price: to quarantine */
};

/* One line of a quote: amount = quantity x rate / per, computed exactly by the host and rounded once by the currency.
 * Lines with the same `group` above 0 are alternatives, tried in order; all others are charged together or not at all. */
struct scrip_line {
    int64_t time_us; /* when it is paid; SCRIP_TIME_NONE: the event's time */
    const char *currency;
    struct scrip_decimal quantity;
    struct scrip_decimal rate;
    struct scrip_decimal per; /* must be above 0 */
    const char *label;        /* why: the rate row, the window; shown by `explain` */
    uint64_t group;
};

struct scrip_quote; /* the host's; filled through the calls below */

/* ---- grants, as a currency sees them ------------------------------------------------------------------------ */

struct scrip_grant {
    const char *id;
    const char *account;
    const char *class_name; /* in: the event's, or ""; a currency may set it */
    int64_t created_us;     /* the event's time */
    int64_t effective_us;
    int64_t expires_us; /* SCRIP_TIME_NONE: never */
    int64_t amount;     /* minor units; INT64_MAX: unlimited */
    int64_t has_priority;
    int64_t priority;
    int64_t has_cost;
    struct scrip_decimal cost; /* of the whole lot */
    const char *cost_currency;
    int64_t is_scoped; /* 1: pays for some usage only */
    int64_t number;    /* 1, 2, 3 ... in the account, as they came */
    int64_t floor;     /* minor units; the balance may not fall below; INT64_MIN: none */
    int64_t type;      /* enum scrip_event_type of what makes it: a grant, an adjustment, a conversion or a transfer */
    const char *every; /* its recurrence, "" for none; a currency may set this and the next for a grant that has none */
    int64_t from;      /* enum scrip_recurrence_from */
};

enum scrip_rounding { SCRIP_HALF_EVEN, SCRIP_HALF_UP, SCRIP_UP, SCRIP_DOWN };
enum scrip_late { SCRIP_LATE_POST, SCRIP_LATE_REPLAY };
/* What recurrences are counted from: the grant's anchor or start, the calendar, the account's start; or each use that comes
 * after a period's end begins the next one. */
enum scrip_recurrence_from { SCRIP_FROM_ANCHOR, SCRIP_FROM_CALENDAR, SCRIP_FROM_START, SCRIP_FROM_FIRST_USE };
/* What becomes of the part of a charge that no grant can pay: the charge is refused, or it is paid by debt, which the next
 * balance settles. */
enum scrip_overdraft { SCRIP_OVERDRAFT_NONE, SCRIP_OVERDRAFT_DEBT };
/* Which grants pay: by their order keys; each in proportion to what it has; or as the usage lists them (`grants`). */
enum scrip_draw_mode { SCRIP_DRAW_ORDERED, SCRIP_DRAW_PROPORTIONAL, SCRIP_DRAW_LISTED };
/* What may pay one charge together: one grant pays all of it; any grants; grants of one class, the first in draw order that has
 * enough. */
enum scrip_split { SCRIP_SPLIT_NONE, SCRIP_SPLIT_ANY, SCRIP_SPLIT_CLASS };
/* What the open holds of one group hold together: their sum, or the largest (returnable capacity). */
enum scrip_hold_rule { SCRIP_HOLD_SUM, SCRIP_HOLD_MAX };
/* What a grant that comes out of a conversion takes over from the one that paid. */
#define SCRIP_KEEP_CLASS INT64_C(1)
#define SCRIP_KEEP_EXPIRES INT64_C(2)
#define SCRIP_KEEP_PRIORITY INT64_C(4)
#define SCRIP_KEEP_COST INT64_C(8)

/* What an instance of a currency is, asked once when it is opened. */
struct scrip_policy {
    int64_t decimals; /* 0 to 9 */
    int64_t rounding; /* enum scrip_rounding */
    int64_t split;    /* enum scrip_split */
    int64_t accept_from_us; /* charges are accepted in [from, until); SCRIP_TIME_NONE: open */
    int64_t accept_until_us;
    int64_t settle_lag_us;
    int64_t late; /* enum scrip_late */
    int64_t overdraft;       /* enum scrip_overdraft */
    int64_t overdraft_limit; /* minor units of debt at most; INT64_MAX: no limit */
    int64_t draw_mode;       /* enum scrip_draw_mode */
    int64_t refund_us;       /* what comes back to a grant after its end: lives this long from then; 0: is lost */
    int64_t capture_over;    /* 1: a capture of more than is held charges the rest, too; 0: it is refused */
    int64_t hold_us;         /* a hold without an expiry times out after this; 0: never */
    int64_t hold_rule;       /* enum scrip_hold_rule */
    const char *hold_group;  /* what makes a group: "user, attribute.host"; lent as long as the instance; "": each alone */
    struct scrip_decimal hold_decay; /* the n-th open hold of one product in a group counts decay^(n-1) times; 1: fully */
    int64_t reset_keeps;     /* 1: a reset leaves grants without a rollover rule as they are; 0: what is left is lost */
    int64_t convert_keeps;   /* SCRIP_KEEP_... of grants that come out of conversions into this currency */
    int64_t topup_below; /* `advise` says what to buy where an account has less than this; INT64_MIN: never */
    int64_t topup_to;    /* the same: up to this */
    int64_t topup_least; /* the same: at least so much */
    const char *draw_order; /* in words, for `explain`; lent as long as the instance; NULL or "": none */
};

/* ---- rows of a feed ----------------------------------------------------------------------------------------- */

struct scrip_field {
    uint64_t key;     /* enum scrip_field_key */
    const char *name; /* of a family's member; else NULL */
    const char *text; /* need not end in NUL */
    uint64_t size;
};

/* One row as a source read it. `bytes` is the row as it stands in the feed with its line end, so that the next row
 * starts at `position`. Positions are above 0 and never fall from row to row: bytes of a file, and of another feed what
 * its source counts. A field whose text is empty is absent. A time may be given parsed, in time_us. */
struct scrip_row {
    const char *bytes;
    uint64_t size;
    uint64_t position; /* of the feed, after this row */
    uint64_t line;     /* the row's first line, from 1 */
    const struct scrip_field *fields;
    uint64_t field_count;
    int64_t time_us; /* SCRIP_TIME_NONE: given as a field */
    int64_t end_us;  /* the same for `end` */
};

/* How far a feed was taken in. tail_hash is of the last row's bytes; a source that finds another row there starts again
 * from 0: what is known already counts as duplicate. */
struct scrip_cursor {
    uint64_t position; /* 0: from the start */
    uint64_t line;     /* of the row that starts at position */
    uint64_t tail_size;
    uint64_t tail_hash; /* scrip_hash of the tail_size bytes before position */
};

struct scrip_rows; /* the host's; filled through row_add, row_skip and row_bad */

/* ---- the host's services ------------------------------------------------------------------------------------ */

struct scrip_host;

/* One instance. Lent from open to close. */
struct scrip_ctx {
    const struct scrip_host *host;
    void *self;           /* the instance's own; set by its open */
    const char *instance; /* its name: "acme", or "east" of [service/acme east] */
    void *host_private;
};

struct scrip_name; /* an interned name, see the section on stores */

struct scrip_host {
    uint64_t size; /* of this struct, in the host that runs */

    /* Sets the call's message and returns code. */
    int (*fail)(struct scrip_ctx *ctx, int code, const char *format, ...)
#if defined(__GNUC__)
        __attribute__((format(printf, 3, 4)))
#endif
        ;
    /* A line on standard error, with the instance's name. */
    void (*log)(struct scrip_ctx *ctx, const char *format, ...)
#if defined(__GNUC__)
        __attribute__((format(printf, 2, 3)))
#endif
        ;

    /* Options, by the key of the plugin's own table. Valid until close. Asking for a key that the table does not have is a
     * bug, and stops the host. */
    int (*option_given)(struct scrip_ctx *ctx, const char *key); /* 1: given, or has a default */
    const char *(*option_text)(struct scrip_ctx *ctx, const char *key); /* "" where absent; a PATH is made absolute */
    int64_t (*option_int)(struct scrip_ctx *ctx, const char *key);      /* INT, BOOL (0, 1), TIME (us), CHOICE (index) */
    void (*option_decimal)(struct scrip_ctx *ctx, const char *key, struct scrip_decimal *out);
    const char *(*option_item)(struct scrip_ctx *ctx, const char *key, uint64_t index); /* of a LIST; NULL after the last */
    /* Members of a family in the order of the file: *suffix and *value; SCRIP_ENOTFOUND after the last. */
    int (*option_member)(struct scrip_ctx *ctx, const char *family, uint64_t index, const char **suffix,
                         const char **value);
    /* Where a key stands, for messages: "FILE:LINE". Of a family's member by its whole key, as "term.free". */
    const char *(*option_where)(struct scrip_ctx *ctx, const char *key);

    /* Decimals. Parsing takes an optional sign, digits, one point, an exponent; at most 18 digits after the point that are
     * not 0. All return SCRIP_ERANGE where a result does not fit, SCRIP_EINVALID for bad text, and set no message. */
    int (*decimal_parse)(const char *text, uint64_t size, struct scrip_decimal *out);
    uint64_t (*decimal_write)(const struct scrip_decimal *value, char *out, uint64_t out_size); /* shortest form; its length */
    int (*decimal_add)(const struct scrip_decimal *a, const struct scrip_decimal *b, struct scrip_decimal *out);
    int (*decimal_multiply)(const struct scrip_decimal *a, const struct scrip_decimal *b, struct scrip_decimal *out);
    int (*decimal_divide)(const struct scrip_decimal *a, const struct scrip_decimal *b, int rounding, /* enum scrip_rounding */
                          struct scrip_decimal *out);
    int (*decimal_round)(const struct scrip_decimal *value, const struct scrip_decimal *step, int rounding,
                         struct scrip_decimal *out); /* to a multiple of step */
    int (*decimal_compare)(const struct scrip_decimal *a, const struct scrip_decimal *b); /* -1, 0, 1 */

    /* Times. format NULL or "": RFC 3339, or a date alone, or "YYYY-MM-DD HH:MM:SS"; else a pattern of %Y %m %d %H %M %S
     * %f (fraction) %b (Jan) %y %I %p %z %s (seconds since 1970) %%. A text without an offset is read in `zone` ("": UTC).
     * SCRIP_EINVALID: does not fit, or an instant that the zone skips; SCRIP_ERANGE: outside 1900 to 9999. */
    int (*time_parse)(const char *text, uint64_t size, const char *format, const char *zone, int64_t *out_us);
    uint64_t (*time_write)(int64_t time_us, char *out, uint64_t out_size); /* RFC 3339, UTC, shortest fraction */
    /* time plus a duration ("P1Y2M", "P1D", "30m", "24h", "7d"), count times, in a zone; a day that a month lacks becomes its
     * last. */
    int (*time_add)(int64_t time_us, const char *duration, int64_t count, const char *zone, int64_t *out_us);
    /* Start of the hour, day, month or year ("hour", "day", "month", "year") that holds time in a zone. */
    int (*time_floor)(int64_t time_us, const char *unit, const char *zone, int64_t *out_us);

    /* 64-bit hash of bytes: the same in every release and on every machine. */
    uint64_t (*hash)(const void *bytes, uint64_t size);

    /* For a service, during quote: what it remembers, per account and instance. state_get: SCRIP_OK and the size in
     * *value_size (in: room), SCRIP_ENOTFOUND. state_put with size 0 forgets. The host may drop a value once the
     * account's time has passed discard_after_us (SCRIP_TIME_NONE: never). A refused event's puts are undone. */
    int (*state_get)(struct scrip_ctx *ctx, const char *key, uint64_t key_size, void *value, uint64_t *value_size);
    int (*state_put)(struct scrip_ctx *ctx, const char *key, uint64_t key_size, const void *value, uint64_t value_size,
                     int64_t discard_after_us);

    /* For a service, during quote: adds a line. The verdict is set beside it: lines without one are an error. */
    int (*line_add)(struct scrip_ctx *ctx, struct scrip_quote *out, const struct scrip_line *line);
    void (*verdict)(struct scrip_ctx *ctx, struct scrip_quote *out, int verdict);
    /* In short: one line of the event's quantity at `rate` a unit, and the verdict "priced". */
    int (*price)(struct scrip_ctx *ctx, struct scrip_quote *out, const char *currency, const char *rate, const char *label);
    /* The decimals of a configured currency, or SCRIP_ENOTFOUND. */
    int (*currency_find)(struct scrip_ctx *ctx, const char *currency, int64_t *out_decimals);
    /* Names what else decides this instance's prices, as a rate sheet's bytes: it goes into the digest kept with every price. */
    void (*digest_add)(struct scrip_ctx *ctx, const void *bytes, uint64_t size);

    /* For a service, during quote or timer: calls its `timer` when the account's time reaches `due_us`, before the event that
     * reaches it; the same key again moves it, SCRIP_TIME_NONE takes it back. A refused event's settings are undone. */
    int (*timer_set)(struct scrip_ctx *ctx, const char *key, uint64_t key_size, int64_t due_us);
    /* The same and for the account that is quoted for: its time zone ("UTC" where it has none). */
    const char *(*account_zone)(struct scrip_ctx *ctx);
    /* For a service, during timer: the product and user ("": none) that what it quotes is charged as. */
    int (*usage_name)(struct scrip_ctx *ctx, struct scrip_quote *out, const char *product, const char *user);

    /* For a currency, during grant: an order key from a draw_order text, "priority, class(free trial purchased), expires,
     * cost desc nulls first, ...": see the currency `prepaid`. Always ends in the grant's id. */
    int (*order_check)(struct scrip_ctx *ctx, const char *draw_order);
    int (*order_key)(struct scrip_ctx *ctx, const char *draw_order, const struct scrip_grant *grant, void *key,
                     uint64_t *key_size);

    /* For a source: */
    int (*feed_add)(struct scrip_ctx *ctx, struct scrip_rows *out, const char *feed); /* during feeds */
    int (*row_add)(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row);
    int (*row_skip)(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row); /* filtered */
    int (*row_bad)(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row, const char *format, ...)
#if defined(__GNUC__)
        __attribute__((format(printf, 4, 5)))
#endif
        ; /* to quarantine, with the reason */
    /* A row whose bytes are one native JSON event: the host reads it into fields, and adds it or quarantines it. */
    int (*row_json)(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row);

    /* For a report: bytes to where the report goes. Fails where they cannot be written: half a report is none. */
    int (*write)(struct scrip_ctx *ctx, const void *bytes, uint64_t size);

    /* For a store: the one interned name of a text; valid until the host is closed. Reading sessions, and any session in its
     * open and begin. */
    const struct scrip_name *(*name)(struct scrip_ctx *ctx, const char *text, uint64_t size);
    /* For a store: memory of this size that all sessions of its section share in this host, zeroed when it is first asked for.
     * `end` (NULL: none) is called on it when the host is closed, after the last session was; then the host frees it. Sessions
     * are entered from several threads: the store guards what it keeps there. In open and begin only. */
    void *(*shared)(struct scrip_ctx *ctx, uint64_t size, void (*end)(void *shared));

    /* For a source, during feed_open and read. 1: the feed at hand may still be being written: what its end may have cut, as
     * a last row without a line end, is left for a later run. During feeds, 1: a file that is named and not there may come;
     * 2: and this host asked for the names before. */
    int (*feed_grows)(struct scrip_ctx *ctx);
    /* During feed_open and read, for progress: how far its positions go; 0: unknown. Without it, the size of the file of that
     * name. */
    void (*feed_size)(struct scrip_ctx *ctx, uint64_t size);
};

#define scrip_fail(ctx, ...) ((ctx)->host->fail((ctx), __VA_ARGS__))

/* ---- the kinds ---------------------------------------------------------------------------------------------- */

/* The head of every plugin's constant. The macros fill it in. */
struct scrip_plugin_head {
    uint32_t magic;
    uint16_t abi_major;
    uint16_t abi_minor;
    uint32_t kind; /* enum scrip_kind */
    uint32_t size; /* of the whole constant, as its ABI minor knew it */
    const char *name;
    const char *summary;
};

/* What every kind may have: options, and an instance's begin and end. */
#define SCRIP_COMMON_MEMBERS                                                                                  \
    struct scrip_plugin_head head;                                                                            \
    const struct scrip_option *options; /* NULL: none */                                                      \
    int (*open)(struct scrip_ctx * ctx);                                                                      \
    void (*close)(struct scrip_ctx * ctx); /* after a failed open too */

/* A service prices usage. What it answers follows from the event, its section and what it put for the account, and from
 * nothing else: the same question gets the same answer in another instance, after a dry run that was thrown away, after a
 * restart, and in another year. */
struct scrip_service {
    SCRIP_COMMON_MEMBERS
    /* Required. Engine thread. Sets a verdict and lines; an error quarantines the event with the message. Called for usage
     * that the instance's section wants (`products`, `units` and `where.*` are the host's own keys). */
    int (*quote)(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out);
    /* What timer_set asked for has come: the service may charge for it, dated `due_us`. It names product and user through
     * usage_name, adds lines and sets a verdict as in quote; what it quotes is recorded as a usage of its own. With the verdict
     * SCRIP_NOT_MINE nothing is charged and nothing recorded. */
    int (*timer)(struct scrip_ctx *ctx, const void *key, uint64_t key_size, int64_t due_us, struct scrip_quote *out);
};

/* A currency is a set of rules; the host draws. */
struct scrip_currency {
    SCRIP_COMMON_MEMBERS
    /* Required. Once, after open. */
    int (*policy)(struct scrip_ctx *ctx, struct scrip_policy *out);
    /* Required. Settles a new grant's class, dates and order key, or refuses it with SCRIP_EREFUSED and the reason. *key_size
     * comes in as SCRIP_ORDER_KEY_SIZE. Class set here must live as long as the instance. Other members stay as they came.
     * The same grant is settled the same way, in every instance and at any time. The key ends in the grant's id, so that no
     * two of an account tie. */
    int (*grant)(struct scrip_ctx *ctx, struct scrip_grant *grant, void *key, uint64_t *key_size);
    /* How much of currency `to` one unit of this one is worth at a time: to-amount = amount x rate / per. SCRIP_ENOTFOUND:
     * no rate is configured. */
    int (*convert)(struct scrip_ctx *ctx, const char *to, int64_t time_us, struct scrip_decimal *rate,
                   struct scrip_decimal *per);
};

/* A source brings rows in. One feed is open at a time. Reader thread. */
struct scrip_source {
    SCRIP_COMMON_MEMBERS
    /* Names every feed that is configured, in the order to be read, through feed_add; may be none. */
    int (*feeds)(struct scrip_ctx *ctx, struct scrip_rows *out);
    /* Above 0: this feed looks like mine, by its name and first bytes (start_size 0: it cannot be read as a file); the
     * greater, the surer: who gives the most gets it. Absent: never without being asked for by name. */
    int (*claims)(struct scrip_ctx *ctx, const char *feed, const char *start, uint64_t start_size);
    /* Required. `from` says where to go on. What it gives then is all that followed the cursor's row, and perhaps rows before
     * it once more, as they were: by its id a row counts once. "-" is standard input. */
    int (*feed_open)(struct scrip_ctx *ctx, const char *feed, const struct scrip_cursor *from);
    /* Required. Adds at most `limit` rows; returns 1 when there are more, 0 at the end of the feed. The same feed gives the
     * same rows, whatever the limit, row for row. */
    int (*read)(struct scrip_ctx *ctx, struct scrip_rows *out, uint64_t limit);
    /* Required; also after a failed feed_open. */
    void (*feed_close)(struct scrip_ctx *ctx);
    /* The store has committed everything up to this cursor of the feed: where else it is kept how far the feed was read, as by a
     * broker, that may follow now. Reader thread, after feed_close, at the end of a run that went well; after a crash the next
     * feed_open's `from` says the same. */
    void (*settled)(struct scrip_ctx *ctx, const char *feed, const struct scrip_cursor *cursor);
};

/* A cell of a report. */
enum scrip_cell_type { SCRIP_CELL_NONE, SCRIP_CELL_TEXT, SCRIP_CELL_NUMBER, SCRIP_CELL_TIME };

struct scrip_column {
    const char *name;
    uint64_t type; /* enum scrip_cell_type: NUMBER is an exact decimal as text, TIME is RFC 3339 text */
};

struct scrip_cell {
    uint64_t type; /* SCRIP_CELL_NONE, or the column's */
    const char *text;
};

/* What a subscriber is told of: an event that was committed, or an alert. */
struct scrip_delivery {
    const char *id;      /* the same whenever it is delivered again */
    const char *account;
    const char *body;    /* one JSON object, a CloudEvent 1.0, without a line end */
    uint64_t size;
    /* "t=SECONDS,v1=HEX": the time, and HMAC-SHA256 with the section's key of SECONDS, a point and the body. "": it has
     * no key. */
    const char *signature;
    uint64_t attempt; /* 1, 2 ... */
};

/* A report writes a table: begin, row ..., end; then perhaps again: after a call that failed, too, with begin. The same table
 * gives the same bytes. Or it is a subscriber, whose section has `events` or alerts: then deliver is called, and nothing else. */
struct scrip_report {
    SCRIP_COMMON_MEMBERS
    int (*begin)(struct scrip_ctx *ctx, const char *title, const struct scrip_column *columns, uint64_t column_count);
    int (*row)(struct scrip_ctx *ctx, const struct scrip_cell *cells, uint64_t cell_count); /* required, or deliver */
    int (*end)(struct scrip_ctx *ctx);
    /* Hands one delivery over. SCRIP_OK: who gets it has it, and will not get it again but after a crash. SCRIP_EIO:
     * nobody could be reached. Else: this one was not taken. What failed is tried again later, and nothing behind it in
     * its account before that. */
    int (*deliver)(struct scrip_ctx *ctx, const struct scrip_delivery *delivery);
};

/* ---- stores ------------------------------------------------------------------------------------------------- */
/* A store keeps what the engine decides. It sees rows, never SQL. The host opens one writing session and may open reading
 * sessions beside it, each an instance with a ctx of its own, each entered by one thread at a time. A reading session sees
 * every commit that returned before its call began. */

/* Lent until the host is closed: a name that came in a commit's row may be kept. */
struct scrip_name {
    uint64_t number; /* 1, 2, 3 ... as the host met them; 0 is the empty name. Not stable from run to run. */
    uint64_t size;
    const char *text;
};

enum scrip_outcome {
    SCRIP_CHARGED,
    SCRIP_ZERO,
    SCRIP_APPLIED,
    SCRIP_REFUSED,
    SCRIP_DUPLICATE,
    SCRIP_QUARANTINED,
    SCRIP_FILTERED,
    SCRIP_OUTCOME_COUNT
};

#define SCRIP_BOOKS(X)                                                                                        \
    X(ISSUED, "issued")                                                                                       \
    X(AVAILABLE, "available")                                                                                 \
    X(HELD, "held")                                                                                           \
    X(USED, "used")                                                                                           \
    X(EXPIRED, "expired")                                                                                     \
    X(VOIDED, "voided")                                                                                       \
    X(CLEARING, "clearing")                                                                                   \
    X(DEBT, "debt")

enum scrip_book {
#define X(id, text) SCRIP_BOOK_##id,
    SCRIP_BOOKS(X)
#undef X
        SCRIP_BOOK_COUNT
};

/* The terms of a currency at one time; immutable once written. */
struct scrip_terms_row {
    uint64_t number; /* 1, 2, 3 ... in the store */
    const struct scrip_name *currency;
    int64_t decimals;
    int64_t rounding;
    int64_t split; /* enum scrip_split */
    int64_t settle_lag_us;
    int64_t late;
    const char *rules; /* the rest of its policy, as JSON; rules_size 0: all defaults */
    uint64_t rules_size;
};

/* One price as it was quoted; immutable once written, shared by the events that it priced. */
struct scrip_rate_row {
    uint64_t number; /* 1, 2, 3 ... in the store */
    const struct scrip_name *service;
    uint64_t terms; /* number of the currency's terms */
    struct scrip_decimal rate;
    struct scrip_decimal per;
    const struct scrip_name *label;
    uint64_t digest; /* of the configuration and the sheet that priced it */
};

#define SCRIP_EVENT_TOLD INT64_C(1)   /* its outcome was answered to a caller; else it came in a feed */
#define SCRIP_EVENT_PLACED INT64_C(2) /* it came late, and was put in its place */
#define SCRIP_EVENT_ANEW INT64_C(4)   /* it stands where it came, but its account was made anew for it */

/* An event with its outcome. Key: (account, number). Unique: (source, id) in the account. */
struct scrip_event_row {
    const struct scrip_name *account;
    uint64_t number; /* 1, 2, 3 ... in the account */
    const struct scrip_name *source;
    const char *id;
    uint64_t id_size;
    int64_t time_us;
    int64_t type;
    int64_t outcome;
    const struct scrip_name *product; /* a name with number 0: absent; so for the next four */
    const struct scrip_name *user;
    const struct scrip_name *service;
    const struct scrip_name *unit;
    const struct scrip_name *currency;
    int64_t has_quantity;
    struct scrip_decimal quantity;
    int64_t has_amount;
    struct scrip_decimal amount;
    const char *data; /* the other fields as a JSON object; data_size 0: none */
    uint64_t data_size;
    uint64_t rate;     /* the rate of the only line, which is for the event's amount (or else quantity) at its time; 0: see lines */
    const char *lines; /* other quotes, a grant's settled terms, what it added to usage ..., as JSON; lines_size 0: none */
    uint64_t lines_size;
    const char *reason; /* of a refusal; "" */
    uint64_t reason_size;
    uint64_t digest; /* of the event's content */
    int64_t flags;   /* SCRIP_EVENT_... */
};

/* One double-entry row. Key: (account, number), in the order posted. */
struct scrip_entry_row {
    const struct scrip_name *account;
    uint64_t number; /* 1, 2, 3 ... in the account */
    uint64_t event;  /* number of the event that caused it */
    uint64_t line;   /* of its quote, from 0 */
    int64_t time_us; /* its date */
    int64_t event_time_us;
    int64_t debit; /* enum scrip_book */
    int64_t credit;
    uint64_t grant; /* number in the account; 0: none */
    uint64_t terms; /* the currency */
    int64_t amount; /* above 0 */
    uint64_t of;    /* number of the event whose charge it is part of, where that is another: a hold, what was reversed ...; 0 */
};

/* Key: (account, number). Written whenever it changed. */
struct scrip_grant_row {
    const struct scrip_name *account;
    uint64_t number;
    const char *id;
    uint64_t id_size;
    uint64_t event; /* that made it */
    const struct scrip_name *class_name;
    uint64_t terms;
    int64_t created_us;
    int64_t effective_us;
    int64_t expires_us;
    int64_t has_priority;
    int64_t priority;
    int64_t has_cost;
    struct scrip_decimal cost;
    const struct scrip_name *cost_currency;
    const char *scope; /* JSON, or scope_size 0 */
    uint64_t scope_size;
    const void *order_key;
    uint64_t order_key_size;
    int64_t floor; /* INT64_MIN: none */
    int64_t unlimited;
    int64_t balance[SCRIP_BOOK_COUNT]; /* minor units by book */
    const char *rules; /* recurrence, rollover ... as JSON; rules_size 0: none */
    uint64_t rules_size;
    int64_t next_us; /* of a recurrence; SCRIP_TIME_NONE */
    uint64_t changed; /* number of the event that changed it last */
};

enum scrip_claim_kind { SCRIP_CLAIM_HOLD, SCRIP_CLAIM_DEBT };
enum scrip_claim_stage { SCRIP_CLAIM_OPEN, SCRIP_CLAIM_CAPTURED, SCRIP_CLAIM_RELEASED, SCRIP_CLAIM_TIMED_OUT, SCRIP_CLAIM_SETTLED };

/* What is still to be settled: a hold, or the debt of a charge. Key: (account, number). Written whenever it changed. */
struct scrip_claim_row {
    const struct scrip_name *account;
    uint64_t number; /* 1, 2, 3 ... in the account */
    int64_t kind;
    int64_t stage;
    const char *id; /* of a hold, unique in its account; of a debt id_size 0 */
    uint64_t id_size;
    uint64_t event; /* that made it: the usage or hold whose charge this is */
    uint64_t line;  /* of a debt */
    uint64_t terms;
    int64_t amount;     /* minor units: held now, or owed now */
    int64_t expires_us; /* of a hold; SCRIP_TIME_NONE */
    const char *group;  /* of holds that count together; group_size 0: alone */
    uint64_t group_size;
    const void *draws; /* opaque */
    uint64_t draws_size;
};

/* A limit and what was used of it. Key: (account, number). Written whenever it changed. */
struct scrip_limit_row {
    const struct scrip_name *account;
    uint64_t number; /* 1, 2, 3 ... in the account */
    const char *id;
    uint64_t id_size;
    uint64_t event; /* that set it last */
    uint64_t terms;
    int64_t amount; /* minor units per period */
    const char *per; /* hour, day, month, year, or a duration; "": for ever */
    uint64_t per_size;
    int64_t anchor_us; /* SCRIP_TIME_NONE: the calendar's */
    int64_t expires_us;
    const char *scope; /* JSON, or scope_size 0 */
    uint64_t scope_size;
    const void *windows; /* opaque: what was used in its last periods */
    uint64_t windows_size;
};

/* What a service waits for. Key: (account, service, key). due_us SCRIP_TIME_NONE: no more. */
struct scrip_timer_row {
    const struct scrip_name *account;
    const struct scrip_name *service;
    const void *key;
    uint64_t key_size;
    int64_t due_us;
};

/* Which events of an account were committed when. Key: (account, first). */
struct scrip_batch_row {
    const struct scrip_name *account;
    uint64_t first; /* numbers of events */
    uint64_t last;
    int64_t recorded_us; /* by the clock of the host that wrote them */
};

/* Key: account. Written whenever it changed. */
struct scrip_account_row {
    const struct scrip_name *name;
    uint64_t event_count;
    uint64_t entry_count;
    uint64_t grant_count;
    int64_t clock_us;  /* its newest time */
    uint8_t head[32];  /* after its last event */
    const char *data;  /* JSON: name, zone, labels ..., as last told */
    uint64_t data_size;
    uint64_t first_number; /* in a commit: number of its first event, the fence */
    int64_t latest_us;     /* the newest date of its events and entries; a line may be dated after the clock */
    int64_t clock_rank;    /* how far its order of ranks was run at the clock */
    uint64_t clock_event;  /* number of the event that is last by (time, rank, source, id) */
    int64_t closed_us;     /* entries are dated at or after this; SCRIP_TIME_NONE: nothing was closed */
    uint64_t claim_count;
    uint64_t limit_count;
    uint64_t timer_count; /* of services, set and not yet come */
};

/* State of an account after event `number`, a multiple of 1,024. Key: (account, number). */
struct scrip_checkpoint_row {
    const struct scrip_name *account;
    uint64_t number;
    uint64_t entry_count;
    int64_t latest_us;    /* its newest date then */
    int64_t earliest_us;  /* earliest time of an entry in its block of events */
    uint8_t head[32];
    const void *state; /* opaque */
    uint64_t state_size;
};

/* What a service remembers. Key: (account, service, key). value_size 0: forget. */
struct scrip_state_row {
    const struct scrip_name *account;
    const struct scrip_name *service;
    const void *key;
    uint64_t key_size;
    const void *value;
    uint64_t value_size;
    int64_t discard_after_us;
};

/* A rollup of draws. In a commit the counts are to be added. Key: all but the last two. Day: days since 1970 in UTC, user
 * empty. Month: months since 1970-01, service empty. */
struct scrip_usage_row {
    int64_t period; /* a day or a month */
    const struct scrip_name *user;
    const struct scrip_name *product;
    const struct scrip_name *service;
    const struct scrip_name *class_name;
    const struct scrip_name *currency;
    const struct scrip_name *account;
    int64_t amount;
    int64_t charge_count;
};

/* Key: (source, feed). Replaced as a whole. */
struct scrip_cursor_row {
    const struct scrip_name *source;
    const char *feed;
    struct scrip_cursor cursor;
};

/* Key: key. One that is there already stays as it is. */
struct scrip_quarantine_row {
    uint8_t key[16];
    const struct scrip_name *source;
    const char *feed;
    uint64_t line;
    const char *reason_class; /* one word: unreadable, native, invalid, unpriced, future, conflict, limit */
    const char *reason;
    const char *bytes;
    uint64_t size;
    int64_t time_us;     /* of the event where known */
    const char *account; /* where known */
    const char *id;      /* where known */
    const char *event;   /* its fields as one flat JSON object, where they were read; event_size 0: not */
    uint64_t event_size;
};

/* What one commit holds. Rows are grouped by account and ascending by number; rollups ascend by key. Each list may be empty:
 * a commit may hold rollups, cursors or quarantine of accounts that are not in it, or accounts alone. Events come with their
 * account's row, and so do grants, claims, limits and checkpoints, which may be of events that were committed before. */
struct scrip_commit {
    const struct scrip_account_row *accounts;
    uint64_t account_count;
    const struct scrip_event_row *events;
    uint64_t event_count;
    const struct scrip_entry_row *entries;
    uint64_t entry_count;
    const struct scrip_grant_row *grants;
    uint64_t grant_count;
    const struct scrip_state_row *states;
    uint64_t state_count;
    const struct scrip_checkpoint_row *checkpoints;
    uint64_t checkpoint_count;
    const struct scrip_usage_row *days;
    uint64_t day_count;
    const struct scrip_usage_row *months;
    uint64_t month_count;
    const struct scrip_terms_row *terms; /* new ones */
    uint64_t terms_count;
    const struct scrip_rate_row *rates; /* new ones */
    uint64_t rate_count;
    const struct scrip_cursor_row *cursors;
    uint64_t cursor_count;
    const struct scrip_quarantine_row *quarantine;
    uint64_t quarantine_count;
    const struct scrip_quarantine_row *settled; /* by key: to be removed from quarantine */
    uint64_t settled_count;
    const struct scrip_claim_row *claims;
    uint64_t claim_count;
    const struct scrip_limit_row *limits;
    uint64_t limit_count;
    const struct scrip_timer_row *timers;
    uint64_t timer_count;
    int64_t recorded_us; /* for each account's row of batches */
    /* A copy of a store brings the rows of batches as they were, in place of one for each account: of each account they cover
     * its events from first_number to event_count. batch_count 0: the store makes them from these and recorded_us. */
    const struct scrip_batch_row *batches;
    uint64_t batch_count;
};

/* What a scan yields: a pointer to the row struct of that table; and in which order. Texts and keys ascend bytewise. `By account`
 * keeps an account's rows together: which account comes first is the store's own choice, and so is which name comes first
 * where a name is a part of a key; but it is the same in every scan. */
enum scrip_table {
    SCRIP_TABLE_ACCOUNTS, /* ascending by name */
    SCRIP_TABLE_GRANTS,   /* by account, number; the same for the next three */
    SCRIP_TABLE_EVENTS,
    SCRIP_TABLE_ENTRIES,
    SCRIP_TABLE_CHECKPOINTS,
    SCRIP_TABLE_STATES,     /* by account, service, key */
    SCRIP_TABLE_DAYS,       /* by key: ascending by period; each key once */
    SCRIP_TABLE_MONTHS,     /* the same */
    SCRIP_TABLE_TERMS,      /* by number */
    SCRIP_TABLE_RATES,      /* by number */
    SCRIP_TABLE_CURSORS,    /* ascending by the source's name, feed */
    SCRIP_TABLE_QUARANTINE, /* ascending by reason class, the source's name, feed, line, key */
    SCRIP_TABLE_CLAIMS,     /* by account, number; the same for limits */
    SCRIP_TABLE_LIMITS,
    SCRIP_TABLE_TIMERS, /* by account, service, key */
    SCRIP_TABLE_BATCHES /* by account, first */
};
#define SCRIP_TABLE_COUNT 16

/* Columns of a rollup that the taker of a scan looks at; the currency always counts. */
#define SCRIP_BY_PERIOD UINT64_C(1)
#define SCRIP_BY_ACCOUNT UINT64_C(2)
#define SCRIP_BY_PRODUCT UINT64_C(4)
#define SCRIP_BY_USER UINT64_C(8)
#define SCRIP_BY_SERVICE UINT64_C(16)
#define SCRIP_BY_CLASS UINT64_C(32)
#define SCRIP_BY_CURRENCY UINT64_C(64)

/* Which rows. 0, NULL and SCRIP_TIME_NONE leave a bound open. What a table cannot be asked for is not looked at. */
struct scrip_scan {
    uint64_t table;
    const char *account;  /* one account's, of every table that has accounts; one that is not there has no rows */
    uint64_t from_number; /* with an account: first number (of batches: `first`), for the tables that have one */
    uint64_t to_number;   /* with an account: last number, included */
    int64_t from_period;  /* of days and months; INT64_MIN: open */
    int64_t to_period;    /* included; INT64_MAX: open */
    uint64_t descending;  /* with an account: 1: events, checkpoints and batches by number, downwards */
    uint64_t only_open;   /* with an account: 1: of claims, those in stage open */
    const char *id;       /* with an account: of claims: the hold with this id */
    uint64_t of;          /* with an account: of entries: those with this `of`; 0: all */
    /* Called for each row, which is lent for the call and may ask for another scan or look-up in it. Non-zero stops the scan,
     * which returns it. */
    int (*row)(void *sink, const void *row);
    void *sink;
    /* Of days and months, without an account: SCRIP_BY_...; 0: every column counts. Else a store may add up rows that differ in
     * other columns alone: these come empty, and a period as 0; rows in any order, and a sum that does not fit one row in several. */
    uint64_t by;
};

#define SCRIP_VOLATILE 1 /* what begin answers where nothing outlives the host */

enum scrip_session { SCRIP_SESSION_WRITE, SCRIP_SESSION_READ, SCRIP_SESSION_INIT, SCRIP_SESSION_UPGRADE };

struct scrip_store {
    SCRIP_COMMON_MEMBERS
    /* Required, after open, once. INIT makes the schema where there is none; UPGRADE brings an older one up to date; WRITE
     * and READ refuse a missing schema (SCRIP_ENOTFOUND) and another version (SCRIP_EVERSION). INIT and UPGRADE go on as WRITE.
     * Where a store takes one writer at a time, a second one gets SCRIP_EBUSY. Answers SCRIP_OK, or SCRIP_VOLATILE where what
     * it keeps ends with the host. */
    int (*begin)(struct scrip_ctx *ctx, int session);
    /* Required. All of it or nothing, whatever fails; durable when it returns. SCRIP_ECONFLICT when an account's first_number
     * is not the one after its last, or an event's (source, id) is known in the account: another writer was first. A sum of
     * a rollup that would not fit fails the commit. Names, ids and texts are UTF-8 without NUL, up to their limits; a feed is a
     * file's name, any bytes but NUL; `void *` and the bytes of quarantine are any bytes. All come back as they went in. A store
     * that spreads accounts over machines may be told by its options to commit one after the other, each as a whole, those of a transfer
     * together, and cursors, quarantine and what is settled last: what is read again is known then. */
    int (*commit)(struct scrip_ctx *ctx, const struct scrip_commit *commit);
    /* Required. Rows in the table's order. */
    int (*scan)(struct scrip_ctx *ctx, const struct scrip_scan *scan);
    /* Required. One event by identity; the row is lent until the next call. SCRIP_ENOTFOUND. */
    int (*event_find)(struct scrip_ctx *ctx, const char *account, const char *source, const char *id, uint64_t id_size,
                      const struct scrip_event_row **out);
    /* Required. The bytewise greatest id ever committed of a source, in any account, into out (room for SCRIP_NAME_SIZE + 1);
     * "" where there is none. An id above it is new without a look-up. */
    int (*source_last)(struct scrip_ctx *ctx, const char *source, char *out);
    /* Required. One state value; *size in: room. SCRIP_ENOTFOUND. */
    int (*state_find)(struct scrip_ctx *ctx, const char *account, const char *service, const void *key, uint64_t key_size,
                      void *value, uint64_t *size, int64_t *discard_after_us);
    /* Required. Where a feed stands; SCRIP_ENOTFOUND. */
    int (*cursor_find)(struct scrip_ctx *ctx, const char *source, const char *feed, struct scrip_cursor *out);
    /* Required. Checks what the rows themselves cannot prove (row checks, indexes, dictionaries) and calls `finding` with a
     * sentence naming table and row for each fault; returns 0 when it could look. */
    int (*check)(struct scrip_ctx *ctx, int (*finding)(void *sink, const char *text), void *sink);
    /* is_open 1: from here on this reading session sees one state of the store, whatever others commit, until it is called with 0.
     * Absent: where nobody else commits while a session reads. */
    int (*snapshot)(struct scrip_ctx *ctx, int is_open);
};

/* ---- the macros --------------------------------------------------------------------------------------------- */

#if defined(__GNUC__)
#define SCRIP_EXPORT __attribute__((visibility("default")))
#else
#define SCRIP_EXPORT
#endif

/* Size is the end of the last member that a minor knew: a plugin built against a newer header still asks for no more than
 * it wants. A later minor adds a line for each kind, as SCRIP_SERVICE_SIZE_1. */
#define SCRIP_END_OF(type, member) ((uint32_t)(offsetof(type, member) + sizeof(((type *)0)->member)))
#define SCRIP_SERVICE_SIZE_0 SCRIP_END_OF(struct scrip_service, timer)
#define SCRIP_CURRENCY_SIZE_0 SCRIP_END_OF(struct scrip_currency, convert)
#define SCRIP_SOURCE_SIZE_0 SCRIP_END_OF(struct scrip_source, settled)
#define SCRIP_REPORT_SIZE_0 SCRIP_END_OF(struct scrip_report, deliver)
#define SCRIP_STORE_SIZE_0 SCRIP_END_OF(struct scrip_store, snapshot)
/* 1: the host that runs has this service. */
#define SCRIP_HAS(ctx, member) ((ctx)->host->size >= SCRIP_END_OF(struct scrip_host, member) && (ctx)->host->member)

#define SCRIP_SIZE_OF(kind_, minor_) SCRIP_##kind_##_SIZE_##minor_
#define SCRIP_SIZE(kind_, minor_) SCRIP_SIZE_OF(kind_, minor_)
#define SCRIP_HEAD(kind_, name_, summary_)                                                                    \
    {                                                                                                         \
        SCRIP_MAGIC, SCRIP_ABI_MAJOR, SCRIP_WANTS_MINOR, SCRIP_##kind_, SCRIP_SIZE(kind_, SCRIP_WANTS_MINOR), \
            (name_), (summary_)                                                                               \
    }

#ifndef __cplusplus
#define SCRIP_SERVICE_PLUGIN(name_, summary_, ...)                                                            \
    SCRIP_EXPORT extern const struct scrip_service scrip_plugin;                                              \
    const struct scrip_service scrip_plugin = {                                                               \
        .head = SCRIP_HEAD(SERVICE, name_, summary_), __VA_ARGS__}
#define SCRIP_CURRENCY_PLUGIN(name_, summary_, ...)                                                           \
    SCRIP_EXPORT extern const struct scrip_currency scrip_plugin;                                             \
    const struct scrip_currency scrip_plugin = {                                                              \
        .head = SCRIP_HEAD(CURRENCY, name_, summary_), __VA_ARGS__}
#define SCRIP_SOURCE_PLUGIN(name_, summary_, ...)                                                             \
    SCRIP_EXPORT extern const struct scrip_source scrip_plugin;                                               \
    const struct scrip_source scrip_plugin = {                                                                \
        .head = SCRIP_HEAD(SOURCE, name_, summary_), __VA_ARGS__}
#define SCRIP_REPORT_PLUGIN(name_, summary_, ...)                                                             \
    SCRIP_EXPORT extern const struct scrip_report scrip_plugin;                                               \
    const struct scrip_report scrip_plugin = {                                                                \
        .head = SCRIP_HEAD(REPORT, name_, summary_), __VA_ARGS__}
#define SCRIP_STORE_PLUGIN(name_, summary_, ...)                                                              \
    SCRIP_EXPORT extern const struct scrip_store scrip_plugin;                                                \
    const struct scrip_store scrip_plugin = {                                                                 \
        .head = SCRIP_HEAD(STORE, name_, summary_), __VA_ARGS__}
#endif

#ifdef __cplusplus
}
#endif

#endif
