/* event.c - commands that submit one event: grant, charge, hold, reverse ...; and quote, which does not. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

#define PAIR_LIMIT (FLAG_LIMIT + 8)

struct pairs {
    struct scrip_pair list[PAIR_LIMIT];
    uint64_t count;
    char *made[PAIR_LIMIT * 2];
    size_t made_count;
};

static void pair_add(struct pairs *pairs, const char *key, const char *value)
{
    pairs->list[pairs->count++] = (struct scrip_pair){ key, value };
}

static char *made(struct pairs *pairs, const char *a, size_t a_size, const char *b)
{
    size_t b_size = strlen(b);
    char *text = malloc(a_size + b_size + 1);

    if (text == NULL) {
        fprintf(stderr, "scrip: out of memory: no room for an option's value\n");
        exit(EXIT_STORE);
    }
    memcpy(text, a, a_size);
    memcpy(text + a_size, b, b_size + 1);
    return pairs->made[pairs->made_count++] = text;
}

/* A list's commas become the line ends that a list field has. */
static const char *list_value(struct pairs *pairs, const char *value)
{
    char *text = made(pairs, "", 0, value);

    for (char *at = text; *at; at++)
        if (*at == ',')
            *at = '\n';
    return text;
}

/* Options that set a field: "name" as it is, "family." as NAME=VALUE. */
static int flags_add(const struct use *use, struct pairs *pairs)
{
    for (int i = 0; i < use->given_count; i++) {
        const char *pair = use->given[i]->pair, *value = use->values[i], *equals = strchr(value, '=');
        int is_list = pair && (strncmp(pair, "scope.", 6) == 0 || strcmp(pair, "grants") == 0);

        if (pair == NULL)
            continue;
        if (pair[strlen(pair) - 1] == '.') {
            char *name;

            if (equals == NULL || equals == value)
                return wrong_use("--%s: '%s': want %s", use->given[i]->name, value, use->given[i]->value);
            name = made(pairs, value, (size_t)(equals - value), "");
            pair = made(pairs, pair, strlen(pair), name);
            value = equals + 1;
        }
        pair_add(pairs, pair, is_list ? list_value(pairs, value) : value);
    }
    return EXIT_DONE;
}

static void pairs_free(struct pairs *pairs)
{
    while (pairs->made_count > 0)
        free(pairs->made[--pairs->made_count]);
}

static int result_show(const struct scrip_result *result)
{
    printf("%s%s\n", scrip_outcome_name(result->outcome), result->was_duplicate ? " (known before)" : "");
    if (result->reason[0])
        fprintf(stderr, "scrip: %s: %s\n", scrip_outcome_name(result->outcome), result->reason);
    return result->outcome == SCRIP_REFUSED || result->outcome == SCRIP_QUARANTINED ? EXIT_PARTLY : EXIT_DONE;
}

/* Pairs, or JSON where pairs is NULL. */
static int event_submit(const struct use *use, const struct pairs *pairs, const char *json, size_t size)
{
    struct scrip_result result;
    struct scrip_error err = { 0 };
    struct scrip *scrip;
    int code = opened(use, SCRIP_ACCESS_INIT, &scrip);

    if (code != EXIT_DONE)
        return code;
    code = pairs ? scrip_submit(scrip, pairs->list, pairs->count, &result, &err)
                 : scrip_submit_json(scrip, json, size, &result, &err);
    scrip_close(scrip);
    return code < 0 ? failed(code, &err) : result_show(&result);
}

static int pairs_submit(const struct use *use, struct pairs *pairs)
{
    int code = flags_add(use, pairs);

    if (code == EXIT_DONE)
        code = event_submit(use, pairs, NULL, 0);
    pairs_free(pairs);
    return code;
}

/* The event that a command stands for: its type, and the field of each word. */
struct operation {
    const char *command, *type;
    const char *fields[4];
};

static const struct operation operations[] = {
    { "account", "scrip.account", { "account" } },
    { "grant", "scrip.grant", { "account", "currency", "amount" } },
    { "charge", "scrip.usage", { "account", "product", "quantity" } },
    { "adjust", "scrip.adjustment", { "account", "currency", "amount" } },
    { "void", "scrip.void", { "account", "grant" } },
    { "hold", "scrip.hold", { "account", "product", "quantity" } },
    { "extend", "scrip.extend", { "account", "hold" } },
    { "capture", "scrip.capture", { "account", "hold", "amount" } },
    { "release", "scrip.release", { "account", "hold", "amount" } },
    { "reverse", "scrip.reversal", { "account", "of.id", "amount" } },
    { "convert", "scrip.conversion", { "account", "from", "to", "amount" } },
    { "transfer", "scrip.transfer", { "account", "currency", "amount" } },
    { "reset", "scrip.reset", { "account", "currency" } },
    { "limit", "scrip.limit", { "account", "currency", "amount", "per" } },
};

int run_operation(struct use *use)
{
    struct pairs pairs = { .count = 0 };

    if (strcmp(use->command->name, "adjust") == 0 && flag_value(use, "reason", 0) == NULL)
        return wrong_use("adjust: want --reason TEXT: an adjustment says why");
    if (strcmp(use->command->name, "hold") == 0 && use->word_count < 2 && flag_value(use, "amount", 0) == NULL)
        return wrong_use("hold: of what: want a PRODUCT, or --currency and --amount");
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        if (strcmp(operations[i].command, use->command->name) == 0) {
            pair_add(&pairs, "type", operations[i].type);
            for (int k = 0; k < use->word_count; k++)
                pair_add(&pairs, operations[i].fields[k], use->words[k]);
        }
    return pairs_submit(use, &pairs);
}

static void usage_add(struct use *use, struct pairs *pairs)
{
    pair_add(pairs, "type", "scrip.usage");
    pair_add(pairs, "account", use->words[0]);
    pair_add(pairs, "product", use->words[1]);
    if (use->word_count > 2)
        pair_add(pairs, "quantity", use->words[2]);
}

int run_quote(struct use *use)
{
    struct pairs pairs = { .count = 0 };
    struct scrip_query query = { 0 };
    int code;

    usage_add(use, &pairs);
    code = flags_add(use, &pairs);
    query.question = SCRIP_ASK_QUOTE;
    query.as_of_us = query.before_us = query.from_us = query.to_us = SCRIP_TIME_NONE;
    query.pairs = pairs.list;
    query.pair_count = pairs.count;
    if (code == EXIT_DONE)
        code = answer(use, &query);
    pairs_free(&pairs);
    return code;
}

int run_submit(struct use *use)
{
    static char json[SCRIP_ROW_SIZE + 2];
    size_t size = fread(json, 1, SCRIP_ROW_SIZE + 1, stdin);

    return size ? event_submit(use, NULL, json, size) : wrong_use("submit: nothing on standard input: want one JSON event");
}
