/* main.c - the command line: words and options against one table of commands. */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct flag format_flags[] = {
    { "format", "FORMAT", NULL, "table (default), csv, json, or another report plugin" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag plugin_flags[] = {
    { "format", "FORMAT", NULL, "default: a page to read; table, csv, json, or another report plugin" },
    { "option", "KEY=VALUE", NULL, "of check: a key of its section; may be given several times" },
    { "events", "FILE", NULL, "of check: native events that a service prices, grants and conversions of a currency; a feed of a source" },
    { "lang", "c|lua|exec", NULL, "of new: what it is written in; exec is any program; default: c" },
    { NULL, NULL, NULL, NULL },
};

static const struct flag no_flags[] = { { NULL, NULL, NULL, NULL } };

static const struct flag run_flags[] = {
    { "until", "TIME", NULL, "leave events at or after this for a later run" },
    { "follow", "[SECONDS]", NULL, "goes on until it is interrupted: looks every 5 or SECONDS for new files and rows" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag ingest_flags[] = {
    { "as", "SOURCE", NULL, "the configured source that reads the files; default: the one that knows them" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag balance_flags[] = {
    { "as-of", "TIME", NULL, "at this instant, with all that falls due at it; default: now" },
    { "before", "TIME", NULL, "the same, without what falls due at it" },
    { "known-at", "TIME", NULL, "from what had been recorded by then" },
    { "by", "grant|class", NULL, "one row for each grant, in draw order, or for each class" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag usage_query_flags[] = {
    { "by", "DIM[,DIM...]", NULL, "product, user, day, month, service, account, currency, class, or a configured attribute" },
    { "from", "TIME", NULL, "from this instant on" },
    { "to", "TIME", NULL, "before this instant" },
    { "as-of", "TIME", NULL, "up to this instant, included" },
    { "before", "TIME", NULL, "before this instant, as --to" },
    { "known-at", "TIME", NULL, "from what had been recorded by then" },
    { "where", "DIM=VALUE", NULL, "only these; may be given several times" },
    { "account", "ACCOUNT", NULL, "only this account" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag expiring_flags[] = {
    { "from", "TIME", NULL, "that expire at or after this" },
    { "to", "TIME", NULL, "that expire before this" },
    { "as-of", "TIME", NULL, "seen from this instant, with all that falls due at it; default: now" },
    { "before", "TIME", NULL, "the same, without what falls due at it" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag events_flags[] = {
    { "outcome", "OUTCOME", NULL, "charged, zero, applied or refused" },
    { "from", "TIME", NULL, "from this instant on" },
    { "to", "TIME", NULL, "before this instant" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag explain_flags[] = {
    { "account", "ACCOUNT", NULL, "only in this account" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag quarantine_flags[] = {
    { "by", "WHAT", NULL, "of list: counted by class, reason (without what it quotes), source or feed" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag head_flags[] = {
    { "by", "account", NULL, "one head for each account" },
    { NULL, NULL, NULL, NULL },
};
#define EVENT_FLAGS                                                                                           \
    { "id", "ID", "id", "the same id again is the same event; default: made from all that is given" },        \
        { "time", "TIME", "time", "2022-03-29 or 2022-03-29T08:00:00Z; default: now" },                       \
    {                                                                                                         \
        "source", "SOURCE", "source", "part of its identity; default: local"                                  \
    }
#define SCOPE_FLAGS                                                                                                     \
    { "scope-products", "A,B", "scope.products", "only usage of these products" },                                      \
        { "scope-services", "A,B", "scope.services", "only usage priced by these services" },                           \
        { "scope-users", "A,B", "scope.users", "only usage by these users" },                                           \
    {                                                                                                                   \
        "scope-attribute", "NAME=A,B", "scope.attributes.", "only usage whose attribute has one of these values"        \
    }
static const struct flag account_flags[] = {
    EVENT_FLAGS,
    { "name", "TEXT", "name", "what people call it" },
    { "zone", "ZONE", "zone", "such as Europe/Berlin" },
    { "parent", "ACCOUNT", "parent", "for reports only" },
    { "label", "NAME=VALUE", "label.", "may be given several times" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag grant_flags[] = {
    EVENT_FLAGS,
    { "grant", "ID", "grant", "the grant's own id; default: the event's" },
    { "class", "CLASS", "class", "free, trial, starter, purchased ..." },
    { "effective", "TIME", "effective", "from when it counts; default: --time" },
    { "expires", "TIME", "expires", "from when it counts no more; default: the currency's term" },
    { "priority", "N", "priority", "for draw orders that use it" },
    { "cost", "AMOUNT", "cost.amount", "of the whole lot" },
    { "cost-currency", "CURRENCY", "cost.currency", "such as USD" },
    { "floor", "AMOUNT", "floor", "the balance may not fall below; default 0; or unlimited" },
    { "balance", "AMOUNT", "balance", "what is left of it at its start, if not all" },
    { "every", "DURATION", "recurrence.every", "it comes back to its amount every P1M, P1D, 24h ..." },
    { "anchor", "TIME", "recurrence.anchor", "what its periods are counted from; default: its start" },
    { "every-from", "WHAT", "recurrence.from", "anchor (default), calendar, start (the account's), or first-use" },
    { "every-mode", "MODE", "recurrence.mode", "reset (default), or add" },
    { "rollover-min", "AMOUNT", "rollover.min", "a reset leaves at least this" },
    { "rollover-max", "AMOUNT", "rollover.max", "a reset leaves at most this" },
    { "max-per-charge", "AMOUNT", "max_per_charge", "one charge may take at most this" },
    { "unit", "N", "grant_unit", "of its balance for one of a charge; default 1" },
    { "renews", "GRANT", "renews", "takes over what is left of this one, if at least as large" },
    SCOPE_FLAGS,
    { NULL, NULL, NULL, NULL },
};
const struct flag usage_flags[] = {
    EVENT_FLAGS,
    { "user", "USER", "user", "who used it" },
    { "unit", "UNIT", "unit", "of the quantity" },
    { "service", "SERVICE", "service", "the instance that must price it" },
    { "end", "TIME", "end", "end of a session" },
    { "amount", "AMOUNT", "amount", "what the vendor charged, for a metered service" },
    { "currency", "CURRENCY", "currency", "the only one that may pay" },
    { "grant", "ID", "grant", "the only grant that may pay" },
    { "grants", "A,B", "grants", "these grants pay, in this order" },
    { "accept", "all|available", "accept", "available: charge what is there where it is short" },
    { "attribute", "NAME=VALUE", "attribute.", "may be given several times" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag adjust_flags[] = {
    EVENT_FLAGS,
    { "grant", "ID", "grant", "of this grant; default: a new one, or by draw order" },
    { "reason", "TEXT", "reason", "why" },
    { "class", "CLASS", "class", "of a new grant; default adjustment" },
    { "expires", "TIME", "expires", "of a new grant" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag void_flags[] = {
    EVENT_FLAGS,
    { "reason", "TEXT", "reason", "why" },
    { NULL, NULL, NULL, NULL },
};

static const struct flag limit_flags[] = {
    EVENT_FLAGS,
    { "limit", "ID", "limit", "its own id: the same again changes it; default: the event's" },
    { "anchor", "TIME", "anchor", "what its periods are counted from; default: the calendar" },
    { "expires", "TIME", "expires", "from when it counts no more" },
    SCOPE_FLAGS,
    { NULL, NULL, NULL, NULL },
};
static const struct flag hold_flags[] = {
    { "hold", "ID", "hold", "the hold's own id; default: the event's" },
    { "expires", "TIME", "expires", "when it is given back by itself; default: the currency's hold_timeout" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag extend_flags[] = {
    EVENT_FLAGS,
    { "expires", "TIME", "expires", "when it is given back by itself from now on" },
    { "amount", "AMOUNT", "amount", "what is to be held from now on" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag event_flags[] = {
    EVENT_FLAGS,
    { "reason", "TEXT", "reason", "why" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag reverse_flags[] = {
    EVENT_FLAGS,
    { "of-source", "SOURCE", "of.source", "of the charge; default: --source" },
    { "line", "N", "of.line", "only this line of it" },
    { "reason", "TEXT", "reason", "why" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag convert_flags[] = {
    EVENT_FLAGS,
    { "rate", "RATE", "rate", "what one unit is worth there; default: the configured rate of the date" },
    { "grant", "ID", "grant", "out of this grant only" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag transfer_flags[] = {
    EVENT_FLAGS,
    { "to", "ACCOUNT", "to", "the account that gets it" },
    { "share", "ACCOUNT=N%", "share.", "to several: 80%, or remaining; may be given several times" },
    { "grant", "ID", "grant", "out of this grant only; without AMOUNT all that is left of it" },
    { "reason", "TEXT", "reason", "why" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag reset_flags[] = {
    EVENT_FLAGS,
    { "preserve-overage", "yes|no", "preserve_overage", "what is owed is carried on; default no: it is written off" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag instant_flags[] = {
    { "as-of", "TIME", NULL, "at this instant, with all that falls due at it; default: now" },
    { "before", "TIME", NULL, "the same, without what falls due at it" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag period_flags[] = {
    { "from", "TIME", NULL, "from this instant on" },
    { "to", "TIME", NULL, "before this instant" },
    { NULL, NULL, NULL, NULL },
};

static const struct flag verify_flags[] = {
    { "requote", NULL, NULL, "asks the services again, and lists prices that would be others now" },
    { "receipt", NULL, NULL, "prints a line that stands for all that is recorded so far" },
    { "since", "RECEIPT", NULL, "proves that what a receipt stands for is unchanged" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag rerate_flags[] = {
    { "service", "SERVICE", NULL, "the instance whose sheet was corrected; must be given" },
    { "account", "ACCOUNT", NULL, "only this account" },
    { "from", "TIME", NULL, "usage from this instant on" },
    { "to", "TIME", NULL, "usage before this instant" },
    { "time", "TIME", NULL, "when it is done; default: now" },
    { "dry-run", NULL, NULL, "shows the differences and writes nothing" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag close_flags[] = {
    { "account", "ACCOUNT", NULL, "only this account; default: all" },
    { "time", "TIME", NULL, "when it is done; default: now" },
    { NULL, NULL, NULL, NULL },
};

static const struct flag reconcile_flags[] = {
    { "as", "SOURCE", NULL, "the configured source that reads the file; default: the one that knows it" },
    { "before", "TIME", NULL, "the books right before this instant; default: before each row's own time" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag deliver_flags[] = {
    { "follow", NULL, NULL, "goes on as events are committed, until it is stopped" },
    { "as-of", "TIME", NULL, "alerts that time alone brings: up to this instant; default: now" },
    { "account", "ACCOUNT", NULL, "only of this account" },
    { "retry", NULL, NULL, "tries now what waits for its next try, and what was given up" },
    { "skip", NULL, NULL, "passes over what is next of the account, and delivers nothing" },
    { NULL, NULL, NULL, NULL },
};
static const struct flag subscribers_flags[] = {
    { "by", "account", NULL, "one row for each account: how far it was told, and its next try" },
    { NULL, NULL, NULL, NULL },
};

const struct command commands[] = {
    { "init", "", 0, 0, "Creates the store's schema where there is none.", "scrip -c books.ini init", run_init, no_flags, NULL },
    { "upgrade", "", 0, 0, "Brings an older store's schema up to date.", "scrip -c books.ini upgrade", run_upgrade, no_flags, NULL },
    { "migrate", "STORE", 1, 1, "Copies everything to another store of the configuration, and proves it equal. May be interrupted at "
      "any point and repeated.", "scrip -c books.ini migrate store/archive", run_migrate, no_flags, format_flags },
    { "run", "", 0, 0,
      "Reads every configured source to its end, charges, writes every configured report, then tells subscribers. May be "
      "interrupted at any point and repeated. Creates the store where there is none.", "scrip -c books.ini run --until 2022-04-01",
      run_feeds, run_flags, format_flags },
    { "ingest", "FILE...", 1, -1, "Takes in named files ('-': standard input), after the sources with always = yes.",
      "scrip -c books.ini ingest usage-2022-03.csv --as usage", run_ingest, ingest_flags, format_flags },
    { "balance", "[ACCOUNT]", 0, 1, "What accounts hold: available, waiting, held, used, expired, voided, debt.",
      "scrip -c books.ini balance team --as-of 2022-03-29", run_balance, balance_flags, format_flags },
    { "usage", "", 0, 0, "Charges, grouped.", "scrip -c books.ini usage --by product,user --from 2022-01-01 --to 2022-04-01",
      run_usage, usage_query_flags, format_flags },
    { "expiring", "[ACCOUNT]", 0, 1, "What expires or expired unused, and what it had cost.",
      "scrip -c books.ini expiring --from 2022-01-01 --to 2022-04-01", run_expiring, expiring_flags, format_flags },
    { "events", "[ACCOUNT]", 0, 1, "Events with their outcomes and the reasons of refusals.",
      "scrip -c books.ini events team --outcome refused", run_events, events_flags, format_flags },
    { "explain", "ID", 1, 1, "Why a charge is what it is: event, rate, arithmetic, draws, entries.",
      "scrip -c books.ini explain u-17", run_explain, explain_flags, format_flags },
    { "quote", "ACCOUNT PRODUCT [QUANTITY]", 2, 3, "What a usage would cost and which grants would pay. Writes nothing.",
      "scrip -c books.ini quote team RENDER 4", run_quote, usage_flags, format_flags },
    { "account", "ACCOUNT", 1, 1, "Says what an account is called.", "scrip -c books.ini account team --name 'Studio North'",
      run_operation, account_flags, NULL },
    { "grant", "ACCOUNT CURRENCY AMOUNT", 3, 3, "Gives a lot of a currency to an account. AMOUNT in units, or 'unlimited'.",
      "scrip -c books.ini grant team flex 500 --id order-7 --class purchased --cost 1500 --cost-currency USD", run_operation,
      grant_flags, NULL },
    { "charge", "ACCOUNT PRODUCT [QUANTITY]", 2, 3, "Charges one usage.", "scrip -c books.ini charge team RENDER 4 --user ann --id job-12",
      run_operation, usage_flags, NULL },
    { "adjust", "ACCOUNT CURRENCY AMOUNT", 3, 3, "Adds to an account, or takes away (a negative amount, behind --).",
      "scrip -c books.ini adjust team flex --reason 'counted' -- -12", run_operation, adjust_flags, NULL },
    { "void", "ACCOUNT GRANT", 2, 2, "Ends a grant: what is left of it can no longer be drawn.",
      "scrip -c books.ini void team order-7 --reason 'returned'", run_operation, void_flags, NULL },
    { "hold", "ACCOUNT [PRODUCT [QUANTITY]]", 1, 3, "Sets aside what a usage would cost, or --currency and --amount, until it is "
      "captured, released, or times out.", "scrip -c books.ini hold team RENDER 4 --hold job-12 --expires 2022-04-01T12:00:00Z",
      run_operation, usage_flags, hold_flags },
    { "extend", "ACCOUNT HOLD", 2, 2, "Keeps a hold alive, or makes it larger or smaller.",
      "scrip -c books.ini extend team job-12 --expires 2022-04-01T13:00:00Z", run_operation, extend_flags, NULL },
    { "capture", "ACCOUNT HOLD [AMOUNT]", 2, 3, "Charges what a hold set aside, or AMOUNT of it; the rest is given back.",
      "scrip -c books.ini capture team job-12 3", run_operation, event_flags, NULL },
    { "release", "ACCOUNT HOLD [AMOUNT]", 2, 3, "Gives back what a hold set aside, or AMOUNT of it.",
      "scrip -c books.ini release team job-12", run_operation, event_flags, NULL },
    { "reverse", "ACCOUNT ID [AMOUNT]", 2, 3, "Gives a charge back, or AMOUNT of it, to the very grants that paid.",
      "scrip -c books.ini reverse team u-17 --of-source usage --reason 'failed job'", run_operation, reverse_flags, NULL },
    { "convert", "ACCOUNT FROM TO [AMOUNT]", 3, 4, "Makes one currency into another at a dated rate; default: all that is available.",
      "scrip -c books.ini convert team credits flex 300 --rate 0.5", run_operation, convert_flags, NULL },
    { "transfer", "ACCOUNT CURRENCY [AMOUNT]", 2, 3, "Moves an amount, or a grant, to another account, or to several by shares.",
      "scrip -c books.ini transfer team flex 100 --to other", run_operation, transfer_flags, NULL },
    { "reset", "ACCOUNT CURRENCY", 2, 2, "Ends a usage period: each grant keeps what its rollover lets it.",
      "scrip -c books.ini reset team credits --preserve-overage yes", run_operation, reset_flags, NULL },
    { "limit", "ACCOUNT CURRENCY AMOUNT [PER]", 3, 4, "Sets the most that may be charged per hour, day, month, year or duration, or for "
      "ever.", "scrip -c books.ini limit team ai 150 day --limit daily", run_operation, limit_flags, NULL },
    { "submit", "", 0, 0, "Takes one native JSON event from standard input.",
      "scrip -c books.ini submit < event.json", run_submit, no_flags, NULL },
    { "statement", "ACCOUNT", 1, 1, "An account's movements by posting date, with the balance before and after each.",
      "scrip -c books.ini statement team --from 2022-03-01 --to 2022-04-01", run_statement, period_flags, format_flags },
    { "holds", "[ACCOUNT]", 0, 1, "Open holds.", "scrip -c books.ini holds team", run_listing, instant_flags, format_flags },
    { "debts", "[ACCOUNT]", 0, 1, "What is owed, by charge.", "scrip -c books.ini debts", run_listing, instant_flags, format_flags },
    { "limits", "[ACCOUNT]", 0, 1, "Limits, and what is used of each.", "scrip -c books.ini limits team", run_listing, instant_flags,
      format_flags },
    { "advise", "[ACCOUNT]", 0, 1, "Who has less than the currency's topup_below, and what to buy.",
      "scrip -c books.ini advise --as-of 2022-03-29", run_listing, instant_flags, format_flags },
    { "deliver", "[SUBSCRIBER]", 0, 1,
      "Tells subscribers what was committed since, and alerts, as `run` does at its end. Exit 1: some deliveries failed.",
      "scrip -c books.ini deliver --follow", run_deliver, deliver_flags, NULL },
    { "subscribers", "[ACCOUNT]", 0, 1, "How far each subscriber was told, and what waits.",
      "scrip -c books.ini subscribers --by account", run_subscribers, subscribers_flags, format_flags },
    { "quarantine", "list | show KEY | retry [KEY] | drop KEY", 1, 2,
      "What could not be taken in, and why. retry reads it again from its feed, as the "
      "configuration is now; where the feed is gone, it is tried as it was read.",
      "scrip -c books.ini quarantine list --by reason", run_quarantine, quarantine_flags, format_flags },
    { "reconcile", "FILE", 1, 1,
      "Compares what a file says of grants with the books: issued (amount), used (quantity), left (balance). "
      "Changes nothing. Exit 1: there are differences.",
      "scrip -c books.ini reconcile contract.csv --as contract", run_reconcile, reconcile_flags, format_flags },
    { "verify", "", 0, 0, "Proves the books: replays them from recorded events and quotes, and compares every table.",
      "scrip -c books.ini verify", run_verify, verify_flags, NULL },
    { "rerate", "", 0, 0, "Charges anew what a service prices otherwise since its sheet was corrected.",
      "scrip -c books.ini rerate --service cloud --from 2022-03-01 --to 2022-04-01 --dry-run", run_rerate, rerate_flags,
      format_flags },
    { "close", "PERIOD", 1, 1, "Freezes a period: what comes later for it is posted after it.", "scrip -c books.ini close 2022-03",
      run_close, close_flags, NULL },
    { "head", "", 0, 0, "The hash of all that happened, for comparing two stores.", "scrip -c books.ini head", run_head, head_flags,
      format_flags },
    { "plugins", "", 0, 0, "The plugins that are there, and who uses them.", "scrip -c books.ini plugins", run_plugins, no_flags,
      format_flags },
    { "profiles", "", 0, 0, "What sections may name with profile =: the keys that they leave out then.",
      "scrip -c books.ini profiles", run_profiles, no_flags, format_flags },
    { "plugin", "help KIND/NAME | new KIND NAME | check KIND/NAME|FILE", 2, 3, "Lists a plugin's keys, writes a "
      "new plugin that works, or runs a kind's suite over one.\n\n"
      "help: the keys, from the plugin's own table and the host's.\n"
      "new: a folder NAME with a plugin, its configuration and its test, to be changed into yours; KIND is service,\n"
      "  source, report or currency.\n"
      "check: the suite of its kind, which names each clause of plugin.h that it breaks: scrip plugin check ./mine.so\n"
      "  --option sheet=rates.csv --events usage.jsonl. Of a store, what --option names must be the suite's own: it is filled.",
      "scrip -c books.ini plugin help service/daily", run_plugin, plugin_flags, NULL },
    { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL },
};

int wrong_use(const char *format, ...)
{
    va_list list;

    fputs("scrip: ", stderr);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    return EXIT_USE;
}

int failed(int code, const struct scrip_error *err)
{
    fprintf(stderr, "scrip: %s\n", err->message[0] ? err->message : "failed without a word");
    return code == SCRIP_EIO || code == SCRIP_EBUSY || code == SCRIP_EVERSION || code == SCRIP_ECONFLICT || code == SCRIP_ENOMEM ||
                   code == SCRIP_EAGAIN
               ? EXIT_STORE
               : EXIT_USE;
}

static const char usual_config[] = "scrip.ini";

int opened(const struct use *use, int level, struct scrip **out)
{
    struct scrip_error err = { 0 };
    /* What plugins say of themselves needs no configuration. */
    int is_without = level == SCRIP_ACCESS_PLUGINS && use->config == usual_config && access(usual_config, F_OK) != 0;
    int code = scrip_open(is_without ? NULL : use->config, level, out, &err);

    if (code == SCRIP_OK) {
        /* A run has its reports; of all else nothing is left. */
        if (level != SCRIP_ACCESS_PLUGINS && use->command->run != run_feeds && scrip_is_volatile(*out))
            fprintf(stderr, "scrip: store: what it keeps ends with this command: give it a file\n");
        return EXIT_DONE;
    }
    code = code == SCRIP_ENOTFOUND && strncmp(err.message, "store:", 6) == 0 ? SCRIP_EIO : code;
    return failed(code, &err);
}

int finish(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    if (errno != EPIPE)
        fprintf(stderr, "scrip: standard output: %s\n", strerror(errno));
    return EXIT_STORE;
}

const char *flag_value(const struct use *use, const char *name, int index)
{
    for (int i = 0; i < use->given_count; i++)
        if (strcmp(use->given[i]->name, name) == 0 && index-- == 0)
            return use->values[i];
    return NULL;
}

int time_flag(const struct use *use, const char *name, int64_t *out)
{
    const char *text = flag_value(use, name, 0);

    *out = SCRIP_TIME_NONE;
    if (text == NULL || scrip_time_parse(text, out) == SCRIP_OK)
        return EXIT_DONE;
    return wrong_use("--%s: '%s' is no time: want 2022-03-29 or 2022-03-29T08:00:00Z", name, text);
}

/* ---- help ----------------------------------------------------------------------------------------------------- */

static void flags_show(const struct flag *flags)
{
    for (; flags != NULL && flags->name != NULL; flags++) {
        int n = printf("  --%s%s%s", flags->name, flags->value ? " " : "", flags->value ? flags->value : "");

        printf("%*s%s\n", n < 28 ? 28 - n : 1, "", flags->help);
    }
}

static int command_help(const struct command *command)
{
    printf("usage: scrip [-c FILE] %s%s%s [options]\n\n%s\n\noptions\n", command->name, command->words[0] ? " " : "",
           command->words, command->help);
    flags_show(command->flags);
    flags_show(command->more);
    printf("  -c FILE                   the configuration; default: $SCRIP_CONFIG, else scrip.ini\n\nexample: %s\n\n"
           "exit: 0 done; 1 done, but some events were refused or quarantined, or a check failed;\n"
           "      2 wrong use or configuration; 3 the store or a file failed\n", command->example);
    return finish(EXIT_DONE);
}

static int general_help(void)
{
    printf("usage: scrip [-c FILE] COMMAND ...\n\naccounts for prepaid virtual currencies\n\n");
    for (const struct command *command = commands; command->name != NULL; command++) {
        int n = printf("  %s %s", command->name, command->words);

        printf("%*s%.*s\n", n < 44 ? 44 - n : 1, "", (int)strcspn(command->help, "."), command->help);
    }
    printf("\nscrip COMMAND --help tells more. Times are UTC unless they say otherwise.\n");
    return finish(EXIT_DONE);
}

/* ---- parsing -------------------------------------------------------------------------------------------------- */

/* How many letters two words differ by, for hints; coarse. */
static int differs(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), start = 0, end = 0;

    while (start < n && start < m && a[start] == b[start])
        start++;
    while (end < n - start && end < m - start && a[n - 1 - end] == b[m - 1 - end])
        end++;
    n -= start + end;
    m -= start + end;
    return (int)(n > m ? n : m);
}

static const struct command *command_find(const char *name, const char **nearest)
{
    int least = 3;

    *nearest = NULL;
    for (const struct command *command = commands; command->name != NULL; command++) {
        if (strcmp(command->name, name) == 0)
            return command;
        if (differs(command->name, name) < least) {
            least = differs(command->name, name);
            *nearest = command->name;
        }
    }
    return NULL;
}

static const struct flag *flag_find(const struct command *command, const char *name, size_t size, const char **nearest)
{
    const struct flag *tables[] = { command->flags, command->more };
    char wanted[64];
    int least = 3;

    *nearest = NULL;
    snprintf(wanted, sizeof wanted, "%.*s", (int)size, name);
    for (int t = 0; t < 2; t++)
        for (const struct flag *flag = tables[t]; flag != NULL && flag->name != NULL; flag++) {
            if (strcmp(flag->name, wanted) == 0)
                return flag;
            if (differs(flag->name, wanted) < least) {
                least = differs(flag->name, wanted);
                *nearest = flag->name;
            }
        }
    return NULL;
}

/* One option, with its value in the same word or the next. */
static int flag_take(struct use *use, char **argv, int *at)
{
    const char *name = argv[*at] + 2, *equals = strchr(name, '='), *nearest;
    const struct flag *flag = flag_find(use->command, name, equals ? (size_t)(equals - name) : strlen(name), &nearest);

    if (flag == NULL)
        return wrong_use("%s: unknown option '%s'%s%s: see scrip %s --help", use->command->name, argv[*at],
                         nearest ? ": did you mean --" : "", nearest ? nearest : "", use->command->name);
    if (use->given_count == FLAG_LIMIT)
        return wrong_use("%s: more than %d options", use->command->name, FLAG_LIMIT);
    if (flag->value == NULL && equals != NULL)
        return wrong_use("%s: option --%s takes no value", use->command->name, flag->name);
    if (flag->value == NULL) {
        use->given[use->given_count] = flag;
        use->values[use->given_count++] = "yes";
        return EXIT_DONE;
    }
    if (equals == NULL && flag->value[0] == '[') {
        use->given[use->given_count] = flag;
        use->values[use->given_count++] = "";
        return EXIT_DONE;
    }
    if (equals == NULL && argv[*at + 1] == NULL)
        return wrong_use("%s: option %s: want a value: --%s %s", use->command->name, argv[*at], flag->name, flag->value);
    use->given[use->given_count] = flag;
    use->values[use->given_count++] = equals ? equals + 1 : argv[++*at];
    return EXIT_DONE;
}

static int command_parse(struct use *use, char **argv)
{
    const struct command *command = use->command;
    int only_words = 0;

    for (int i = 0; argv[i] != NULL; i++) {
        if (!only_words && strcmp(argv[i], "--") == 0)
            only_words = 1;
        else if (!only_words && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0))
            return -1;
        else if (!only_words && strcmp(argv[i], "-c") == 0 && argv[i + 1] != NULL)
            use->config = argv[++i];
        else if (!only_words && strncmp(argv[i], "--", 2) == 0) {
            if (flag_take(use, argv, &i) != EXIT_DONE)
                return EXIT_USE;
        } else if (!only_words && strcmp(argv[i], "-c") == 0)
            return wrong_use("%s: -c: want a FILE", command->name);
        else if (!only_words && argv[i][0] == '-' && argv[i][1] != 0)
            return wrong_use("%s: '%s': options have two dashes; a word that begins with one comes behind --", command->name,
                             argv[i]);
        else if (use->word_count == WORD_LIMIT)
            return wrong_use("%s: more than %d words", command->name, WORD_LIMIT);
        else
            use->words[use->word_count++] = argv[i];
    }
    if (use->word_count < command->least || (command->most >= 0 && use->word_count > command->most))
        return wrong_use("%s: %s: want scrip %s %s", command->name,
                         use->word_count < command->least ? "something is missing" : "too many words", command->name,
                         command->words);
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    static struct use use;
    const char *nearest;
    int at = 1, code;

    (void)argc;
    signal(SIGPIPE, SIG_IGN); /* what cannot be written is an error to report */
    signal(SIGXFSZ, SIG_IGN);
    use.config = getenv("SCRIP_CONFIG");
    if (use.config == NULL || use.config[0] == 0)
        use.config = usual_config;
    while (argv[at] != NULL && strcmp(argv[at], "-c") == 0 && argv[at + 1] != NULL) {
        use.config = argv[at + 1];
        at += 2;
    }
    if (argv[at] != NULL && (strcmp(argv[at], "-c") == 0 || strcmp(argv[at], "--config") == 0))
        return wrong_use("%s: the configuration is named by -c FILE", argv[at]);
    if (argv[at] == NULL) {
        general_help();
        return wrong_use("want a command");
    }
    if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "help") == 0 || strcmp(argv[at], "-h") == 0)
        return general_help();
    if (strcmp(argv[at], "--version") == 0 || strcmp(argv[at], "version") == 0) {
        printf("scrip %s, plugin ABI %d.%d\n", scrip_version, SCRIP_ABI_MAJOR, SCRIP_ABI_MINOR);
        return finish(EXIT_DONE);
    }
    use.command = command_find(argv[at], &nearest);
    if (use.command == NULL)
        return wrong_use("unknown command '%s'%s%s: see scrip --help", argv[at], nearest ? ": did you mean " : "",
                         nearest ? nearest : "");
    if ((code = command_parse(&use, argv + at + 1)) != EXIT_DONE)
        return code < 0 ? command_help(use.command) : code;
    return finish(use.command->run(&use));
}
