/* ask.c - commands that ask: balance, usage, expiring, events, explain, head, verify, plugins; and the store's schema. */
#include "cli.h"

#include <string.h>

int stdout_write(void *sink, const char *bytes, uint64_t size)
{
    (void)sink;
    return fwrite(bytes, 1, size, stdout) == size ? 0 : -1;
}

static const char *format_of(const struct use *use)
{
    const char *format = flag_value(use, "format", 0);

    return format ? format : "table";
}

int answer(struct use *use, struct scrip_query *query)
{
    struct scrip_error err = { 0 };
    struct scrip *scrip;
    int needs_store = query->question != SCRIP_ASK_PLUGINS && query->question != SCRIP_ASK_PLUGIN &&
                      query->question != SCRIP_ASK_PROFILES;
    int access = needs_store ? SCRIP_ACCESS_READ : SCRIP_ACCESS_PLUGINS;
    int code = opened(use, access, &scrip);

    if (code != EXIT_DONE)
        return code;
    code = scrip_print(scrip, query, format_of(use), stdout_write, NULL, &err);
    scrip_close(scrip);
    if (code == SCRIP_EIO && ferror(stdout))
        return finish(EXIT_STORE);
    return code < 0 ? failed(code, &err) : EXIT_DONE;
}

static struct scrip_query query_of(struct use *use, int question)
{
    struct scrip_query query = { 0 };

    query.question = question;
    query.account = use->word_count ? use->words[0] : NULL;
    query.as_of_us = query.before_us = query.from_us = query.to_us = SCRIP_TIME_NONE;
    query.by = flag_value(use, "by", 0);
    return query;
}

static int known_flag(const struct use *use, struct scrip_query *query)
{
    int code = time_flag(use, "known-at", &query->known_at_us);

    if (query->known_at_us == SCRIP_TIME_NONE)
        query->known_at_us = 0;
    return code;
}

int run_balance(struct use *use)
{
    struct scrip_query query = query_of(use, SCRIP_ASK_BALANCE);

    if (time_flag(use, "as-of", &query.as_of_us) || time_flag(use, "before", &query.before_us) || known_flag(use, &query))
        return EXIT_USE;
    return answer(use, &query);
}

static int period_answer(struct use *use, struct scrip_query *query)
{
    if (time_flag(use, "from", &query->from_us) || time_flag(use, "to", &query->to_us))
        return EXIT_USE;
    return answer(use, query);
}

int run_usage(struct use *use)
{
    struct scrip_query query = query_of(use, SCRIP_ASK_USAGE);
    const char *where[FLAG_LIMIT + 1] = { NULL };

    for (int i = 0; i < FLAG_LIMIT && (where[i] = flag_value(use, "where", i)) != NULL; i++)
        ;
    query.where = where;
    query.account = flag_value(use, "account", 0);
    if (time_flag(use, "as-of", &query.as_of_us) || time_flag(use, "before", &query.before_us) || known_flag(use, &query))
        return EXIT_USE;
    return period_answer(use, &query);
}

int run_expiring(struct use *use)
{
    struct scrip_query query = query_of(use, SCRIP_ASK_EXPIRING);

    if (time_flag(use, "as-of", &query.as_of_us) || time_flag(use, "before", &query.before_us))
        return EXIT_USE;
    return period_answer(use, &query);
}

int run_events(struct use *use)
{
    struct scrip_query query = query_of(use, SCRIP_ASK_EVENTS);

    query.outcome = flag_value(use, "outcome", 0);
    return period_answer(use, &query);
}

int run_explain(struct use *use)
{
    struct scrip_query query = query_of(use, SCRIP_ASK_EXPLAIN);

    query.id = use->words[0];
    query.account = flag_value(use, "account", 0);
    return answer(use, &query);
}

int run_statement(struct use *use)
{
    struct scrip_query query = query_of(use, SCRIP_ASK_STATEMENT);

    return period_answer(use, &query);
}

int run_listing(struct use *use)
{
    static const struct {
        const char *command;
        int question;
    } listings[] = { { "holds", SCRIP_ASK_HOLDS }, { "debts", SCRIP_ASK_DEBTS }, { "limits", SCRIP_ASK_LIMITS },
                     { "advise", SCRIP_ASK_ADVISE } };
    struct scrip_query query = query_of(use, SCRIP_ASK_ADVISE);

    for (size_t i = 0; i < sizeof listings / sizeof *listings; i++)
        if (strcmp(listings[i].command, use->command->name) == 0)
            query.question = listings[i].question;
    if (time_flag(use, "as-of", &query.as_of_us) || time_flag(use, "before", &query.before_us))
        return EXIT_USE;
    return answer(use, &query);
}

int run_head(struct use *use)
{
    struct scrip_query query = query_of(use, SCRIP_ASK_HEAD);

    return answer(use, &query);
}

int run_profiles(struct use *use)
{
    struct scrip_query query = query_of(use, SCRIP_ASK_PROFILES);

    return answer(use, &query);
}

int run_plugins(struct use *use)
{
    struct scrip_query query = query_of(use, SCRIP_ASK_PLUGINS);

    return answer(use, &query);
}

/* ---- the store ------------------------------------------------------------------------------------------------ */

static int schema_run(struct use *use, int access)
{
    struct scrip *scrip;
    int code = opened(use, access, &scrip);

    if (code == EXIT_DONE)
        scrip_close(scrip);
    return code;
}

int run_init(struct use *use)
{
    return schema_run(use, SCRIP_ACCESS_INIT);
}

int run_upgrade(struct use *use)
{
    return schema_run(use, SCRIP_ACCESS_UPGRADE);
}

static int finding_show(void *sink, const char *text)
{
    uint64_t *shown = sink;

    if (++*shown <= 100)
        printf("%s\n", text);
    return 0;
}

static int findings_end(uint64_t findings)
{
    if (findings > 100)
        printf("... and %llu more\n", (unsigned long long)(findings - 100));
    return findings ? EXIT_PARTLY : EXIT_DONE;
}

/* One of the other proofs; -1: none was asked for. */
static int verify_otherwise(struct use *use, struct scrip *scrip, struct scrip_error *err)
{
    const char *since = flag_value(use, "since", 0);
    uint64_t findings = 0, shown = 0;
    char receipt[SCRIP_RECEIPT_SIZE];
    int code;

    if (flag_value(use, "receipt", 0) != NULL) {
        if ((code = scrip_receipt(scrip, receipt, err)) < 0)
            return failed(code, err);
        printf("%s\n", receipt);
        return EXIT_DONE;
    }
    if (since != NULL) {
        if ((code = scrip_receipt_check(scrip, since, finding_show, &shown, &findings, err)) < 0)
            return failed(code, err);
        printf("%s\n", findings ? "the receipt does not fit" : "the receipt fits: what it stands for is unchanged");
        return findings_end(findings);
    }
    if (flag_value(use, "requote", 0) != NULL) {
        if ((code = scrip_requote(scrip, finding_show, &shown, &findings, err)) < 0)
            return failed(code, err);
        printf("%llu prices would be others now\n", (unsigned long long)findings);
        return findings_end(findings);
    }
    return -1;
}

int run_verify(struct use *use)
{
    uint64_t findings = 0, events = 0, shown = 0;
    struct scrip_error err = { 0 };
    struct scrip *scrip;
    int code = opened(use, SCRIP_ACCESS_READ, &scrip), other;

    if (code != EXIT_DONE)
        return code;
    if ((other = verify_otherwise(use, scrip, &err)) >= 0) {
        scrip_close(scrip);
        return other;
    }
    code = scrip_verify(scrip, finding_show, &shown, &findings, &events, &err);
    scrip_close(scrip);
    if (code < 0)
        return failed(code, &err);
    code = findings_end(findings);
    printf("%llu events replayed, %llu findings\n", (unsigned long long)events, (unsigned long long)findings);
    return code;
}

/* ---- prices and periods --------------------------------------------------------------------------------------- */

int run_rerate(struct use *use)
{
    struct scrip_rerate_options options = { .service = flag_value(use, "service", 0), .account = flag_value(use, "account", 0),
                                    .is_dry = flag_value(use, "dry-run", 0) != NULL };
    struct scrip_totals totals;
    struct scrip_error err = { 0 };
    struct scrip *scrip;
    int code;

    if (options.service == NULL)
        return wrong_use("rerate: of which service: want --service NAME");
    if (time_flag(use, "from", &options.from_us) || time_flag(use, "to", &options.to_us) || time_flag(use, "time", &options.time_us))
        return EXIT_USE;
    if ((code = opened(use, options.is_dry ? SCRIP_ACCESS_READ : SCRIP_ACCESS_WRITE, &scrip)) != EXIT_DONE)
        return code;
    code = scrip_rerate_print(scrip, &options, format_of(use), stdout_write, NULL, &totals, &err);
    scrip_close(scrip);
    if (code < 0)
        return failed(code, &err);
    return totals.outcome[SCRIP_REFUSED] ? EXIT_PARTLY : EXIT_DONE;
}

int run_close(struct use *use)
{
    struct scrip_totals totals;
    struct scrip_error err = { 0 };
    struct scrip *scrip;
    int64_t time_us;
    int code;

    if (time_flag(use, "time", &time_us))
        return EXIT_USE;
    if ((code = opened(use, SCRIP_ACCESS_WRITE, &scrip)) != EXIT_DONE)
        return code;
    code = scrip_close_period(scrip, use->words[0], flag_value(use, "account", 0), time_us, &totals, &err);
    scrip_close(scrip);
    if (code < 0)
        return failed(code, &err);
    printf("%llu accounts: %llu closed, %llu closed before, %llu refused\n", (unsigned long long)totals.read,
           (unsigned long long)totals.outcome[SCRIP_APPLIED], (unsigned long long)totals.outcome[SCRIP_DUPLICATE],
           (unsigned long long)totals.outcome[SCRIP_REFUSED]);
    if (totals.outcome[SCRIP_REFUSED])
        fprintf(stderr, "scrip: close: %s is not over at that time: close it when it is\n", use->words[0]);
    return totals.outcome[SCRIP_REFUSED] ? EXIT_PARTLY : EXIT_DONE;
}

/* ---- plugins -------------------------------------------------------------------------------------------------- */

static int help_begin(void *sink, const char *title, const struct scrip_column *columns, uint64_t column_count)
{
    (void)sink;
    (void)columns;
    (void)column_count;
    printf("%s\n", title);
    return 0;
}

/* sink: whose key was shown last. */
static int help_row(void *sink, const struct scrip_cell *cells, uint64_t cell_count)
{
    char *of = sink;

    (void)cell_count;
    if (strcmp(of, cells[4].text) != 0)
        printf("\n%s:\n", strcmp(cells[4].text, "host") == 0 ? "keys of every plugin of its kind" : "its keys");
    snprintf(of, 8, "%s", cells[4].text);
    if (strcmp(cells[2].text, "(required)") == 0)
        printf("%s (%s), required\n    %s\n", cells[0].text, cells[1].text, cells[3].text);
    else
        printf("%s (%s)%s%s\n    %s\n", cells[0].text, cells[1].text, cells[2].text[0] ? ", default " : "", cells[2].text,
               cells[3].text);
    return 0;
}

static int check_row(void *sink, const struct scrip_cell *cells, uint64_t cell_count)
{
    (void)sink;
    (void)cell_count;
    printf("%-10s %s%s%s\n", cells[1].text, cells[0].text, cells[3].text[0] ? ": " : "", cells[3].text);
    if (strcmp(cells[1].text, "broken") == 0)
        printf("           plugin.h: %s\n", cells[2].text);
    fflush(stdout); /* a suite may take a while */
    return 0;
}

static int plugin_check(struct use *use)
{
    struct scrip_answer answers = { NULL, check_row, NULL, NULL };
    struct scrip_check_options options = { use->words[1], NULL, 0, flag_value(use, "events", 0) };
    struct scrip_pair pairs[FLAG_LIMIT];
    const char *format = flag_value(use, "format", 0), *given;
    static char texts[FLAG_LIMIT][256];
    struct scrip_error err = { 0 };
    struct scrip *scrip;
    uint64_t broken = 0;
    int code;

    while ((given = flag_value(use, "option", (int)options.pair_count)) != NULL) {
        size_t size = strcspn(given, "=");

        if (given[size] == 0 || size >= sizeof *texts)
            return wrong_use("plugin: --option %s: want KEY=VALUE", given);
        memcpy(texts[options.pair_count], given, size);
        pairs[options.pair_count] = (struct scrip_pair){ texts[options.pair_count], given + size + 1 };
        options.pair_count++;
    }
    options.pairs = pairs;
    if (format == NULL)
        code = scrip_plugin_check(&options, &answers, &broken, &err);
    else {
        if ((code = opened(use, SCRIP_ACCESS_PLUGINS, &scrip)) != EXIT_DONE)
            return code;
        code = scrip_plugin_check_print(scrip, &options, format, stdout_write, NULL, &broken, &err);
        scrip_close(scrip);
    }
    if (code < 0)
        return failed(code, &err);
    if (broken)
        fprintf(stderr, "scrip: %llu tests found a clause of plugin.h broken\n", (unsigned long long)broken);
    return broken ? EXIT_PARTLY : EXIT_DONE;
}

int run_plugin(struct use *use)
{
    char of[8] = "";
    struct scrip_answer answers = { help_begin, help_row, NULL, of };
    struct scrip_error err = { 0 };
    struct scrip *scrip;
    int code;

    if (strcmp(use->words[0], "new") == 0)
        return plugin_new(use);
    if (use->word_count != 2)
        return wrong_use("plugin: '%s' is one word too many", use->words[2]);
    if (strcmp(use->words[0], "check") == 0)
        return plugin_check(use);
    if (strcmp(use->words[0], "help") != 0)
        return wrong_use("plugin: want scrip plugin %s", use->command->words);
    if (flag_value(use, "option", 0) != NULL || flag_value(use, "events", 0) != NULL)
        return wrong_use("plugin: --option and --events go with check");
    if (flag_value(use, "format", 0) != NULL) {
        struct scrip_query query = query_of(use, SCRIP_ASK_PLUGIN);

        query.account = NULL;
        query.id = use->words[1];
        return answer(use, &query);
    }
    if ((code = opened(use, SCRIP_ACCESS_PLUGINS, &scrip)) != EXIT_DONE)
        return code;
    code = scrip_plugin_help(scrip, use->words[1], &answers, &err);
    scrip_close(scrip);
    return code < 0 ? failed(code, &err) : EXIT_DONE;
}
