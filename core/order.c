/* order.c - draw orders: "priority, class(free trial), expires, cost desc nulls last" as bytes that compare in that
 * order.
 *
 *   part: one byte for null (0 first, 1 there, 2 last), then the value, big endian, its bits turned over for desc
 *   at the end: the grant's id, so that every order is total
 */
#include "order.h"

#include "money.h"

#include <stdio.h>
#include <string.h>

enum word { PRIORITY, CLASS, RESTRICTED, EXPIRES, EFFECTIVE, CREATED, AMOUNT, COST, SEQUENCE, WORD_COUNT };

static const char *const words[] = { "priority", "class", "restricted", "expires", "effective",
                                     "created", "amount", "cost", "sequence" };

/* One part of an order as it is read. */
struct part {
    enum word word;
    int is_descending;
    int nulls_first;
    const char *classes; /* within the parentheses */
    size_t classes_size;
};

struct cursor {
    struct scrip_ctx *ctx;
    const char *at;
};

static void blanks_skip(struct cursor *c)
{
    while (*c->at == ' ' || *c->at == '\t')
        c->at++;
}

static size_t word_size(const char *at)
{
    size_t n = 0;

    while ((at[n] >= 'a' && at[n] <= 'z') || at[n] == '_')
        n++;
    return n;
}

/* Takes a word when it stands here. */
static int word_take(struct cursor *c, const char *word)
{
    size_t size = word_size(c->at);

    if (strlen(word) != size || memcmp(c->at, word, size) != 0)
        return 0;
    c->at += size;
    blanks_skip(c);
    return 1;
}

static int order_fault(struct cursor *c, const char *wanted)
{
    return scrip_fail(c->ctx, SCRIP_EINVALID, "draw_order: at '%.40s': want %s", c->at, wanted);
}

/* Reads the next part: 1, 0 at the end, or the fault. */
static int part_read(struct cursor *c, struct part *part)
{
    int word = 0;

    blanks_skip(c);
    if (*c->at == 0)
        return 0;
    memset(part, 0, sizeof *part);
    while (word < WORD_COUNT && !word_take(c, words[word]))
        word++;
    if (word == WORD_COUNT)
        return order_fault(
            c, "one of priority, class(NAME NAME ...), restricted, expires, effective, created, amount, cost, "
               "sequence");
    part->word = (enum word)word;
    if (part->word == CLASS && *c->at == '(') {
        const char *end = strchr(c->at, ')');

        if (end == NULL)
            return order_fault(c, "a ')' behind the classes");
        part->classes = c->at + 1;
        part->classes_size = (size_t)(end - c->at - 1);
        c->at = end + 1;
        blanks_skip(c);
    }
    if (word_take(c, "desc"))
        part->is_descending = 1;
    else
        word_take(c, "asc");
    if (word_take(c, "nulls")) {
        part->nulls_first = word_take(c, "first");
        if (!part->nulls_first && !word_take(c, "last"))
            return order_fault(c, "'nulls first' or 'nulls last'");
    }
    if (*c->at == ',') {
        c->at++;
        blanks_skip(c);
        return *c->at ? 1 : order_fault(c, "another key behind the comma");
    }
    return *c->at ? order_fault(c, "asc, desc, nulls first, nulls last, or a comma") : 1;
}

int order_check(struct scrip_ctx *ctx, const char *draw_order)
{
    struct cursor c = { ctx, draw_order };
    struct part part;
    int code, count = 0;

    while ((code = part_read(&c, &part)) > 0)
        if (++count > 16)
            return scrip_fail(ctx, SCRIP_ELIMIT, "draw_order: more than 16 keys");
    return code;
}

/* ---- bytes ---------------------------------------------------------------------------------------------------- */

struct key {
    uint8_t *at, *end;
    int is_short; /* there was no room */
};

static void byte_put(struct key *key, uint8_t byte)
{
    if (key->at == key->end)
        key->is_short = 1;
    else
        *key->at++ = byte;
}

static void number_put(struct key *key, int64_t number, int is_descending)
{
    uint64_t bits = (uint64_t)number ^ (UINT64_C(1) << 63);

    if (is_descending)
        bits = ~bits;
    for (int i = 7; i >= 0; i--)
        byte_put(key, (uint8_t)(bits >> i * 8));
}

/* The place of a class in the list, from 0; behind all where it is not there. */
static int64_t class_place(const struct part *part, const char *name)
{
    const char *at = part->classes, *end = at + part->classes_size;
    int64_t place = 0;

    while (at < end) {
        size_t n;

        while (at < end && (*at == ' ' || *at == '\t'))
            at++;
        for (n = 0; at + n < end && at[n] != ' ' && at[n] != '\t';)
            n++;
        if (n == 0)
            break;
        if (strlen(name) == n && memcmp(name, at, n) == 0)
            return place;
        place++;
        at += n;
    }
    return place;
}

/* Bytes of a name: ended by 0, which no name holds; turned over for desc. */
static void name_put(struct key *key, const char *name, int is_descending)
{
    uint8_t turn = is_descending ? 0xff : 0;

    for (; *name; name++)
        byte_put(key, (uint8_t)*name ^ turn);
    byte_put(key, turn);
}

/* Cost of one minor unit, to 18 digits: lots of one currency compare by it. */
static int unit_cost(const struct scrip_grant *grant, struct scrip_decimal *out)
{
    struct scrip_decimal amount = { grant->amount, 0 };

    if (!grant->has_cost || grant->amount <= 0 || grant->amount == INT64_MAX)
        return SCRIP_ENOTFOUND;
    return decimal_divide(&grant->cost, &amount, SCRIP_HALF_EVEN, out);
}

static void part_put(struct key *key, const struct part *part, const struct scrip_grant *grant)
{
    struct scrip_decimal cost = { 0, 0 };
    int64_t value = 0;
    int is_null = 0;

    switch (part->word) {
    case PRIORITY:
        is_null = !grant->has_priority;
        value = grant->priority;
        break;
    case CLASS:
        value = part->classes ? class_place(part, grant->class_name) : 0;
        break;
    case RESTRICTED:
        value = !grant->is_scoped;
        break;
    case EXPIRES:
        is_null = grant->expires_us == SCRIP_TIME_NONE;
        value = grant->expires_us;
        break;
    case EFFECTIVE:
        value = grant->effective_us;
        break;
    case CREATED:
        value = grant->created_us;
        break;
    case AMOUNT:
        value = grant->amount;
        break;
    case COST:
        is_null = unit_cost(grant, &cost) < 0;
        value = cost.whole;
        break;
    default:
        value = grant->number;
    }
    byte_put(key, !is_null ? 1 : part->nulls_first ? 0 : 2);
    if (is_null)
        return;
    if (part->word == CLASS && part->classes == NULL) {
        name_put(key, grant->class_name, part->is_descending);
        return;
    }
    number_put(key, value, part->is_descending);
    if (part->word == COST)
        number_put(key, cost.atto, part->is_descending);
}

int order_key(struct scrip_ctx *ctx, const char *draw_order, const struct scrip_grant *grant, void *key,
              uint64_t *key_size)
{
    struct key out = { key, (uint8_t *)key + *key_size, 0 };
    struct cursor c = { ctx, draw_order };
    struct part part;
    int code;

    while ((code = part_read(&c, &part)) > 0)
        part_put(&out, &part, grant);
    if (code < 0)
        return code;
    name_put(&out, grant->id, 0); /* total, and the same in whatever order the grants came */
    if (out.is_short)
        return scrip_fail(ctx, SCRIP_ELIMIT,
                          "draw_order: a key longer than %d bytes: use fewer keys or shorter classes",
                          SCRIP_ORDER_KEY_SIZE);
    *key_size = (uint64_t)(out.at - (uint8_t *)key);
    return SCRIP_OK;
}
