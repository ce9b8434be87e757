/* order.c - draw orders: the bytes of a key against a comparison that is written out, for every key in every
 * direction. */
#include "unit.h"

#include "host.h"
#include "money.h"
#include "order.h"

static struct instance instance;

static void setup(void)
{
    memset(&instance, 0, sizeof instance);
    instance.ctx.host = &host_table;
    instance.ctx.host_private = &instance;
}

/* ---- the model ------------------------------------------------------------------------------------------------- */

struct wish {
    const char *key; /* "class" may carry a list */
    const char *classes[4];
    int is_descending, nulls_first;
};

static int numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int place_of(const struct wish *wish, const char *name)
{
    int i = 0;

    while (wish->classes[i] && strcmp(wish->classes[i], name) != 0)
        i++;
    return i;
}

static int has_unit_cost(const struct scrip_grant *grant)
{
    return grant->has_cost && grant->amount > 0 && grant->amount != INT64_MAX;
}

static int unit_costs(const struct scrip_grant *a, const struct scrip_grant *b)
{
    struct scrip_decimal x = { a->amount, 0 }, y = { b->amount, 0 };

    ck_assert_int_eq(decimal_divide(&a->cost, &x, SCRIP_HALF_EVEN, &x), SCRIP_OK);
    ck_assert_int_eq(decimal_divide(&b->cost, &y, SCRIP_HALF_EVEN, &y), SCRIP_OK);
    return decimal_compare(&x, &y);
}

static int is_null(const struct wish *wish, const struct scrip_grant *grant)
{
    return strcmp(wish->key, "priority") == 0  ? !grant->has_priority
           : strcmp(wish->key, "expires") == 0 ? grant->expires_us == SCRIP_TIME_NONE
           : strcmp(wish->key, "cost") == 0    ? !has_unit_cost(grant)
                                               : 0;
}

static int values(const struct wish *wish, const struct scrip_grant *a, const struct scrip_grant *b)
{
    if (strcmp(wish->key, "priority") == 0)
        return numbers(a->priority, b->priority);
    if (strcmp(wish->key, "class") == 0)
        return wish->classes[0] ? numbers(place_of(wish, a->class_name), place_of(wish, b->class_name))
                                : strcmp(a->class_name, b->class_name);
    if (strcmp(wish->key, "restricted") == 0)
        return b->is_scoped - a->is_scoped > 0 ? 1 : a->is_scoped - b->is_scoped > 0 ? -1 : 0;
    if (strcmp(wish->key, "expires") == 0)
        return numbers(a->expires_us, b->expires_us);
    if (strcmp(wish->key, "effective") == 0)
        return numbers(a->effective_us, b->effective_us);
    if (strcmp(wish->key, "created") == 0)
        return numbers(a->created_us, b->created_us);
    if (strcmp(wish->key, "amount") == 0)
        return numbers(a->amount, b->amount);
    if (strcmp(wish->key, "cost") == 0)
        return unit_costs(a, b);
    return numbers(a->number, b->number);
}

static int model_compare(const struct wish *wishes, int count, const struct scrip_grant *a, const struct scrip_grant *b)
{
    for (int i = 0; i < count; i++) {
        int a_null = is_null(&wishes[i], a), b_null = is_null(&wishes[i], b), way;

        if (a_null && b_null)
            continue;
        if (a_null || b_null)
            return (a_null ? 1 : -1) * (wishes[i].nulls_first ? -1 : 1);
        way = values(&wishes[i], a, b);
        if (way != 0)
            return (way > 0 ? 1 : -1) * (wishes[i].is_descending ? -1 : 1);
    }
    return strcmp(a->id, b->id) < 0 ? -1 : strcmp(a->id, b->id) > 0;
}

/* ---- random grants --------------------------------------------------------------------------------------------- */

static const char *const class_names[] = { "", "free", "fre", "trial", "purchased", "z\xc3\xbc", "starter" };
static const char *const keys[] = { "priority", "class", "restricted", "expires", "effective",
                                    "created", "amount", "cost", "sequence" };

/* Few values, so that ties come; and the edges of each type. */
static int64_t some_number(uint64_t *seed)
{
    static const int64_t edges[] = { INT64_MIN, INT64_MIN + 1, -1, 0, 1, 2, INT64_MAX - 1, INT64_MAX };

    return random_next(seed) % 3 ? (int64_t)(random_next(seed) % 3) : edges[random_next(seed) % 8];
}

static struct scrip_grant some_grant(uint64_t *seed, int64_t number)
{
    static const char *const ids[] = { "a", "ab", "b", "g-1", "g-10", "g-2", "\xc3\xbc" };
    struct scrip_grant grant = { .id = ids[number % 7], .account = "a", .cost_currency = "USD", .number = number };

    grant.class_name = class_names[random_next(seed) % 7];
    grant.created_us = some_number(seed);
    grant.effective_us = some_number(seed);
    grant.expires_us = random_next(seed) % 3 ? some_number(seed) : SCRIP_TIME_NONE;
    grant.amount = random_next(seed) % 3 ? (int64_t)(random_next(seed) % 4) : some_number(seed);
    grant.has_priority = (int64_t)(random_next(seed) % 2);
    grant.priority = some_number(seed);
    grant.has_cost = (int64_t)(random_next(seed) % 2);
    grant.cost.whole = (int64_t)(random_next(seed) % 5) - 1;
    grant.cost.atto = (int64_t)(random_next(seed) % 3) * (SCRIP_ATTO / 4);
    grant.is_scoped = (int64_t)(random_next(seed) % 2);
    return grant;
}

static int some_order(uint64_t *seed, struct wish *wishes, char *text, size_t room)
{
    int count = (int)(random_next(seed) % 5);

    text[0] = 0;
    for (int i = 0; i < count; i++) {
        struct wish *wish = &wishes[i];

        memset(wish, 0, sizeof *wish);
        wish->key = keys[random_next(seed) % 9];
        snprintf(text + strlen(text), room - strlen(text), "%s%s", i ? random_next(seed) & 1 ? ", " : "," : "",
                 wish->key);
        if (strcmp(wish->key, "class") == 0 && random_next(seed) & 1) {
            wish->classes[0] = "trial";
            wish->classes[1] = "free";
            wish->classes[2] = random_next(seed) & 1 ? "purchased" : NULL;
            snprintf(text + strlen(text), room - strlen(text), "(trial free%s)",
                     wish->classes[2] ? "  purchased " : "");
        }
        wish->is_descending = (int)(random_next(seed) & 1);
        if (wish->is_descending || random_next(seed) & 1)
            strcat(text, wish->is_descending ? " desc" : " asc");
        wish->nulls_first = (int)(random_next(seed) & 1);
        if (wish->nulls_first || random_next(seed) & 1)
            strcat(text, wish->nulls_first ? " nulls first" : "  nulls  last");
    }
    return count;
}

static int key_compare(const char *order, const struct scrip_grant *a, const struct scrip_grant *b)
{
    uint8_t x[SCRIP_ORDER_KEY_SIZE], y[SCRIP_ORDER_KEY_SIZE];
    uint64_t n = sizeof x, m = sizeof y;
    int way;

    ck_assert_msg(order_key(&instance.ctx, order, a, x, &n) == SCRIP_OK, "%s: %s", order, instance.error.message);
    ck_assert_int_eq(order_key(&instance.ctx, order, b, y, &m), SCRIP_OK);
    way = memcmp(x, y, n < m ? n : m);
    ck_assert_msg(way != 0 || (n == m && strcmp(a->id, b->id) == 0), "%s: one key is the other's beginning", order);
    return (way > 0) - (way < 0);
}

START_TEST(keys_sort_as_the_words_say)
{
    uint64_t seed = 1;
    char text[512];
    struct wish wishes[5];

    for (int i = 0; i < 3000; i++) {
        int count = some_order(&seed, wishes, text, sizeof text);
        int64_t first = 1 + (int64_t)(random_next(&seed) % 1000);

        ck_assert_msg(order_check(&instance.ctx, text) == SCRIP_OK, "%s: %s", text, instance.error.message);
        for (int k = 0; k < 10; k++) {
            struct scrip_grant a = some_grant(&seed, first), b = some_grant(&seed, first + 1 + k % 6);
            int wanted = model_compare(wishes, count, &a, &b);

            ck_assert_msg(key_compare(text, &a, &b) == wanted, "order '%s', round %d, wanted %d", text, i, wanted);
            ck_assert_int_eq(key_compare(text, &b, &a), -wanted);
            ck_assert_int_eq(key_compare(text, &a, &a), 0);
        }
    }
}
END_TEST

START_TEST(orders_that_are_none)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        { "priorities", "want one of priority, class(NAME NAME ...)" },
        { "Priority", "want one of" },
        { "priority expires", "a comma" },
        { "priority,", "another key behind the comma" },
        { "priority,,expires", "want one of" },
        { ",priority", "want one of" },
        { "class(free", "a ')' behind the classes" },
        { "expires nulls", "'nulls first' or 'nulls last'" },
        { "expires nulls middle", "'nulls first' or 'nulls last'" },
        { "expires first", "nulls first" },
        { "expires desc desc", "a comma" },
        { "amount(3)", "a comma" },
        { "1", "want one of" },
        { "proportional to what", "want" },
    };
    char many[256] = "amount";

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_msg(order_check(&instance.ctx, cases[i].text) == SCRIP_EINVALID, "'%s'", cases[i].text);
        text_holds(instance.error.message, "draw_order: at '", cases[i].wanted, NULL);
    }
    for (int i = 1; i < 16; i++)
        strcat(many, ",amount");
    ck_assert_int_eq(order_check(&instance.ctx, many), SCRIP_OK);
    strcat(many, ",amount");
    ck_assert_int_eq(order_check(&instance.ctx, many), SCRIP_ELIMIT);
    text_holds(instance.error.message, "more than 16 keys", NULL);
    ck_assert_int_eq(order_check(&instance.ctx, ""), SCRIP_OK);
}
END_TEST

START_TEST(a_key_has_a_limit)
{
    struct scrip_grant grant = { .id = "g", .class_name = NULL, .expires_us = SCRIP_TIME_NONE, .number = 1 };
    char name[600];
    uint8_t key[SCRIP_ORDER_KEY_SIZE + 8];
    uint64_t size = SCRIP_ORDER_KEY_SIZE;

    memset(name, 'c', sizeof name);
    /* 1 byte for null, the name, its end, the id "g" and its end. */
    name[SCRIP_ORDER_KEY_SIZE - 4] = 0;
    grant.class_name = name;
    memset(key, 0x55, sizeof key);
    ck_assert_int_eq(order_key(&instance.ctx, "class", &grant, key, &size), SCRIP_OK);
    ck_assert_uint_eq(size, SCRIP_ORDER_KEY_SIZE);
    name[SCRIP_ORDER_KEY_SIZE - 4] = 'c';
    name[SCRIP_ORDER_KEY_SIZE - 3] = 0;
    size = SCRIP_ORDER_KEY_SIZE;
    ck_assert_int_eq(order_key(&instance.ctx, "class", &grant, key, &size), SCRIP_ELIMIT);
    text_holds(instance.error.message, "longer than 512 bytes", NULL);
    ck_assert_int_eq(key[SCRIP_ORDER_KEY_SIZE], 0x55);
    /* No order but that of ids. */
    size = SCRIP_ORDER_KEY_SIZE;
    ck_assert_int_eq(order_key(&instance.ctx, "", &grant, key, &size), SCRIP_OK);
    ck_assert_uint_eq(size, 2);
}
END_TEST

/* Written keys stand in stores: their bytes never change. */
START_TEST(bytes_are_frozen)
{
    static const uint8_t wanted[] = { 1, 0x80, 0, 0, 0, 0, 0, 0, 5,    /* priority 5 */
                                      1, 0x80, 0, 0, 0, 0, 0, 0, 1,    /* class: second of the list */
                                      2,                               /* expires: never, last */
                                      1, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xf5, /* amount 10, descending */
                                      1, 0x80, 0, 0, 0, 0, 0, 0, 2,    /* cost of one: 2.5 */
                                      0x86, 0xf0, 0x5b, 0x59, 0xd3, 0xb2, 0, 0,
                                      1, 0xff ^ 'f', 0xff ^ 'r', 0xff ^ 'e', 0xff ^ 'e', 0xff,
                                          /* class by name, descending */
                                      'g', '7', 0 };                   /* the grant's id */
    struct scrip_grant grant = { .id = "g7", .class_name = "free", .expires_us = SCRIP_TIME_NONE, .amount = 10, .has_priority = 1,
                                 .priority = 5, .has_cost = 1, .cost = { 25, 0 }, .number = 7 };
    uint8_t key[SCRIP_ORDER_KEY_SIZE];
    uint64_t size = sizeof key;

    ck_assert_int_eq(order_key(&instance.ctx, "priority, class(trial free), expires, amount desc, cost, class desc",
                               &grant,
                               key, &size), SCRIP_OK);
    ck_assert_uint_eq(size, sizeof wanted);
    ck_assert_mem_eq(key, wanted, sizeof wanted);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("order");
    TCase *tests = tcase_create("order");

    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, keys_sort_as_the_words_say);
    tcase_add_test(tests, orders_that_are_none);
    tcase_add_test(tests, a_key_has_a_limit);
    tcase_add_test(tests, bytes_are_frozen);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
