/* route.c - who prices which usage: what instances want, in the order of the file, and what becomes of usage that
 * nobody wants. */
#include "unit.h"

#include <scrip/scrip.h>

static char folder[SCRATCH_SIZE];
static struct scrip_error err;

static void setup(void)
{
    char absolute[4096], plugins[4200];

    memset(&err, 0, sizeof err);
    scratch_open(folder);
    ck_assert_ptr_nonnull(realpath(build_folder(), absolute));
    snprintf(plugins, sizeof plugins, "%s/plugins", absolute);
    ck_assert_int_eq(symlink(plugins, scratch_path(folder, "p")), 0);
    snprintf(plugins, sizeof plugins, "%s/tests/plugins", absolute);
    ck_assert_int_eq(symlink(plugins, scratch_path(folder, "t")), 0);
}

static void teardown(void)
{
    scratch_close(folder);
}

/* A host of these services, whose account has a lot of gold and of ore. */
static struct scrip *host_open(const char *services)
{
    static const char *const currencies[] = { "gold", "ore" };
    char text[4096];
    struct scrip *scrip;
    struct scrip_result result;

    snprintf(text, sizeof text, "[scrip]\nplugins = p, t\n[store/sqlite]\nfile = books.db\n"
             "[currency/prepaid gold]\ndecimals = 2\n[currency/prepaid ore]\naccept_until = 2022-06-01\n%s", services);
    ck_assert_msg(scrip_open(scratch_text(folder, "scrip.ini", text), SCRIP_ACCESS_INIT, &scrip, &err) == SCRIP_OK,
                  "%s",
                  err.message);
    for (int i = 0; i < 2; i++) {
        const struct scrip_pair pairs[] = { { "type", "scrip.grant" }, { "account", "team" }, { "id", currencies[i] },
                                            { "time", "2022-01-01" }, { "currency", currencies[i] },
                                                { "amount", "1000" } };

        ck_assert_msg(scrip_submit(scrip, pairs, 6, &result, &err) == SCRIP_OK, "%s", err.message);
        ck_assert_int_eq(result.outcome, SCRIP_APPLIED);
    }
    return scrip;
}

static int detail_find(void *sink, const struct scrip_cell *cells, uint64_t count)
{
    char *out = sink;

    for (uint64_t i = 0; i < count; i++)
        snprintf(out + strlen(out), 4096 - strlen(out), "%s%s", i ? " | " : "", cells[i].text);
    strcat(out, "\n");
    return SCRIP_OK;
}

/* Submits a usage of 1 and answers how it was explained: rule, price, draws. pairs are "key=value" texts; NULL ends
 * them. */
static const char *usage(struct scrip *scrip, int outcome, ...)
{
    static char explained[4096];
    static int number;
    struct scrip_query query = { .question = SCRIP_ASK_EXPLAIN, .as_of_us = SCRIP_TIME_NONE,
                                 .before_us = SCRIP_TIME_NONE,
                                 .from_us = SCRIP_TIME_NONE, .to_us = SCRIP_TIME_NONE };
    struct scrip_answer answer = { NULL, detail_find, NULL, explained };
    struct scrip_pair pairs[16] = { { "type", "scrip.usage" }, { "account", "team" },
                                    { "time", "2022-03-29T10:00:00Z" } };
    struct scrip_result result;
    char texts[16][64], id[32];
    uint64_t count = 4;
    const char *text;
    va_list list;

    snprintf(id, sizeof id, "u%d", ++number);
    pairs[3] = (struct scrip_pair){ "id", id };
    va_start(list, outcome);
    while ((text = va_arg(list, const char *)) != NULL) {
        char *equals;

        snprintf(texts[count], sizeof texts[0], "%s", text);
        equals = strchr(texts[count], '=');
        *equals = 0;
        if (strcmp(texts[count], "time") == 0)
            pairs[2].value = equals + 1;
        else
            pairs[count] = (struct scrip_pair){ texts[count], equals + 1 };
        count += strcmp(texts[count], "time") != 0;
    }
    va_end(list);
    ck_assert_msg(scrip_submit(scrip, pairs, count, &result, &err) == SCRIP_OK, "%s", err.message);
    ck_assert_msg(result.outcome == outcome, "%s: %s: %s", id, scrip_outcome_name(result.outcome), result.reason);
    snprintf(explained, sizeof explained, "%s", result.reason);
    if (outcome == SCRIP_QUARANTINED || outcome == SCRIP_REFUSED)
        return explained;
    explained[0] = 0;
    query.id = id;
    ck_assert_msg(scrip_ask(scrip, &query, &answer, &err) == SCRIP_OK, "%s", err.message);
    return explained;
}

/* Each prices everything that it wants at a rate of its own, so that the draw says who it was. */
#define PRICE(name, rate, more) "[service/flat " name "]\nrate = " rate "\n" more "\n"

START_TEST(products_and_patterns)
{
    struct scrip *scrip = host_open(PRICE("one", "1", "products = A, B*") PRICE("two", "2", "products = Bx, C")
                                    PRICE("star", "3", "products = D**"));

    text_holds(usage(scrip, SCRIP_CHARGED, "product=A", NULL), "1.00 gold", NULL);
    text_holds(usage(scrip, SCRIP_CHARGED, "product=B", NULL), "1.00 gold",
               NULL); /* a pattern takes its own beginning */
    text_holds(usage(scrip, SCRIP_CHARGED, "product=Bx", NULL), "1.00 gold", NULL); /* the first in the file */
    text_holds(usage(scrip, SCRIP_CHARGED, "product=C", NULL), "2.00 gold", NULL);
    text_holds(usage(scrip, SCRIP_CHARGED, "product=D*x", NULL), "3.00 gold", NULL);
    text_holds(usage(scrip, SCRIP_QUARANTINED, "product=AA", NULL), "product 'AA': no service has a price for it",
               NULL);
    text_holds(usage(scrip, SCRIP_QUARANTINED, "product=a", NULL), "no service has a price", NULL);
    text_holds(usage(scrip, SCRIP_QUARANTINED, "product=Cx", NULL), "no service has a price", NULL);
    scrip_close(scrip);
}
END_TEST

START_TEST(units)
{
    struct scrip *scrip = host_open(PRICE("hours", "1", "units = h, min") PRICE("rest", "2", ""));

    text_holds(usage(scrip, SCRIP_CHARGED, "product=A", "unit=h", NULL), "1.00 gold", NULL);
    text_holds(usage(scrip, SCRIP_CHARGED, "product=A", "unit=GB", NULL), "2.00 gold", NULL);
    text_holds(usage(scrip, SCRIP_CHARGED, "product=A", NULL), "2.00 gold", NULL); /* no unit is not any unit */
    scrip_close(scrip);
}
END_TEST

START_TEST(attributes)
{
    struct scrip *scrip = host_open(PRICE("eu", "1", "where.region = eu-*, uk\nwhere.tier = gold") PRICE("rest", "2",
        ""));

    text_holds(usage(scrip, SCRIP_CHARGED, "product=A", "attribute.region=eu-west", "attribute.tier=gold", NULL),
               "1.00 gold",
               NULL);
    text_holds(usage(scrip, SCRIP_CHARGED, "product=A", "attribute.region=uk", "attribute.tier=gold", NULL),
               "1.00 gold", NULL);
    text_holds(usage(scrip, SCRIP_CHARGED, "product=A", "attribute.region=uk", "attribute.tier=base", NULL),
               "2.00 gold", NULL);
    text_holds(usage(scrip, SCRIP_CHARGED, "product=A", "attribute.region=eu-west", NULL), "2.00 gold", NULL);
    text_holds(usage(scrip, SCRIP_CHARGED, "product=A", "attribute.region=ukx", "attribute.tier=gold", NULL),
               "2.00 gold", NULL);
    text_holds(usage(scrip, SCRIP_CHARGED, "product=A", NULL), "2.00 gold", NULL);
    scrip_close(scrip);
}
END_TEST

START_TEST(asked_by_name)
{
    struct scrip *scrip = host_open(PRICE("one", "1", "") PRICE("two", "2", "products = A"));

    text_holds(usage(scrip, SCRIP_CHARGED, "product=A", NULL), "1.00 gold", NULL);
    text_holds(usage(scrip, SCRIP_CHARGED, "product=A", "service=two", NULL), "2.00 gold", NULL);
    /* By name, too, only what it wants. */
    text_holds(usage(scrip, SCRIP_QUARANTINED, "product=B", "service=two", NULL), "(asked: 'two')", NULL);
    text_holds(usage(scrip, SCRIP_QUARANTINED, "product=A", "service=three", NULL), "(asked: 'three')", NULL);
    scrip_close(scrip);
}
END_TEST

/* The verdicts, each by the product of its name. */
START_TEST(verdicts)
{
    struct scrip *scrip = host_open(PRICE("first", "1", "") PRICE("second", "2", ""));

    text_holds(usage(scrip, SCRIP_CHARGED, "product=x", NULL), "1.00 gold", NULL);
    text_holds(usage(scrip, SCRIP_CHARGED, "product=not-mine", NULL), "2.00 gold", NULL); /* the second takes it */
    usage(scrip, SCRIP_ZERO, "product=free", NULL);
    usage(scrip, SCRIP_ZERO, "product=gate", NULL); /* 1 is there */
    text_holds(usage(scrip, SCRIP_REFUSED, "product=gate", "quantity=5000", NULL), "gold", NULL);
    text_holds(usage(scrip, SCRIP_QUARANTINED, "product=unpriced", NULL), "first: ", "no price since yesterday", NULL);
    text_holds(usage(scrip, SCRIP_QUARANTINED, "product=fails", NULL), "first: ", "it does not work", NULL);
    text_holds(usage(scrip, SCRIP_QUARANTINED, "product=silent", NULL), "first: the service failed without a word",
               NULL);
    text_holds(usage(scrip, SCRIP_QUARANTINED, "product=no-verdict", NULL), "first: ", "call verdict(", NULL);
    text_holds(usage(scrip, SCRIP_QUARANTINED, "product=nowhere", NULL), "currency 'lead': not configured", NULL);
    text_holds(usage(scrip, SCRIP_QUARANTINED, "product=per", NULL), "per must be above 0", NULL);
    text_holds(usage(scrip, SCRIP_QUARANTINED, "product=many", NULL), "more than 64 in one quote", NULL);
    text_holds(usage(scrip, SCRIP_QUARANTINED, "product=late", NULL), "outside the years 1900 to 9999", NULL);
    scrip_close(scrip);
}
END_TEST

/* Lines of one group are alternatives: the first that can be paid; a currency that does not accept any more is passed
 * over. */
START_TEST(alternatives)
{
    struct scrip *scrip = host_open(PRICE("first", "1", ""));

    text_holds(usage(scrip, SCRIP_CHARGED, "product=either", NULL), "5 ore", NULL);
    text_holds(usage(scrip, SCRIP_CHARGED, "product=either", "time=2022-06-01T00:00:00Z", NULL), "1.00 gold", NULL);
    text_holds(usage(scrip, SCRIP_CHARGED, "product=either", "currency=gold", NULL), "1.00 gold", NULL);
    text_holds(usage(scrip, SCRIP_REFUSED, "product=ore", "time=2022-06-01T00:00:00Z", NULL),
               "ore is not accepted at 2022-06-01",
               NULL);
    text_holds(usage(scrip, SCRIP_REFUSED, "product=ore", "currency=gold", NULL), "does not take gold", NULL);
    text_holds(usage(scrip, SCRIP_CHARGED, "product=ore", "time=2022-05-31T23:59:59.999999Z", NULL), "5 ore", NULL);
    scrip_close(scrip);
}
END_TEST

/* What a service remembers: kept when its event was charged, undone when it was refused or failed. */
START_TEST(remembering)
{
    struct scrip *scrip = host_open(PRICE("first", "1", ""));

    text_holds(usage(scrip, SCRIP_CHARGED, "product=count", NULL), "1.00 gold", NULL);
    text_holds(usage(scrip, SCRIP_CHARGED, "product=count", NULL), "2.00 gold", NULL);
    usage(scrip, SCRIP_REFUSED, "product=count", "quantity=5000", NULL);
    text_holds(usage(scrip, SCRIP_CHARGED, "product=count", NULL), "3.00 gold", NULL);
    text_holds(usage(scrip, SCRIP_QUARANTINED, "product=count-fails", NULL), "it does not work", NULL);
    scrip_close(scrip);
    scrip = NULL;
    ck_assert_msg(scrip_open(scratch_path(folder, "scrip.ini"), SCRIP_ACCESS_WRITE, &scrip, &err) == SCRIP_OK, "%s",
                  err.message);
    text_holds(usage(scrip, SCRIP_CHARGED, "product=count", NULL), "4.00 gold", NULL); /* from the store */
    text_holds(usage(scrip, SCRIP_QUARANTINED, "product=long-key", NULL), "a key of 256 bytes, want 1 to 255", NULL);
    text_holds(usage(scrip, SCRIP_QUARANTINED, "product=long-value", NULL),
               "a value of 4097 bytes, want at most 4096", NULL);
    usage(scrip, SCRIP_ZERO, "product=longest", NULL);
    scrip_close(scrip);
}
END_TEST

/* ---- what an instance is given ------------------------------------------------------------------------------------ */

static void refuses(const char *service, const char *wanted)
{
    struct scrip *scrip;
    char text[1024];

    snprintf(text, sizeof text, "[scrip]\nplugins = p, t\n[store/sqlite]\nfile = books.db\n%s", service);
    ck_assert_int_eq(scrip_open(scratch_text(folder, "scrip.ini", text), SCRIP_ACCESS_PLUGINS, &scrip, &err),
                     SCRIP_EINVALID);
    ck_assert_msg(strstr(err.message, wanted) != NULL, "%s", err.message);
}

/* A family that is required was not asked for, and its member was named with the star. */
START_TEST(families)
{
    refuses("[service/family]\n", "scrip.ini:5: key 'price.*': missing: price.PRODUCT = gold for one");
    refuses("[service/family]\nprice.NUT = one\n", "scrip.ini:6: key 'price.NUT': 'one' is not a decimal number");
    scrip_close(host_open("[service/family]\nprice.NUT = 1\n"));
}
END_TEST

static int row_find(void *sink, const struct scrip_cell *cells, uint64_t count)
{
    char *out = sink;

    if (count == 7 && strchr(cells[1].text, '/') != NULL) /* named by a path */
        snprintf(out + strlen(out), 1024 - strlen(out), "%s %s: %s, %s\n", cells[0].text, cells[1].text, cells[2].text,
                 cells[5].text);
    return SCRIP_OK;
}

/* A plugin named by its file, outside of the folders, was not listed, and its help looked for it elsewhere. */
START_TEST(named_by_file)
{
    struct scrip_query query = { .question = SCRIP_ASK_PLUGINS };
    char found[1024] = "";
    const struct scrip_answer answer = { NULL, row_find, NULL, found };
    struct scrip *scrip = host_open("[service/./t/family.so one]\nprice.NUT = 1\n"
                                    "[service/./t/family.so two]\nprice.NUT = 2\n");

    ck_assert_msg(scrip_ask(scrip, &query, &answer, &err) == SCRIP_OK, "%s", err.message);
    ck_assert_str_eq(found, "service ./t/family.so: a price for each product, one two\n");
    ck_assert_msg(scrip_plugin_help(scrip, "service/./t/family.so", &answer, &err) == SCRIP_OK, "%s", err.message);
    scrip_close(scrip);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("route");
    TCase *tests = tcase_create("route");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, products_and_patterns);
    tcase_add_test(tests, units);
    tcase_add_test(tests, attributes);
    tcase_add_test(tests, asked_by_name);
    tcase_add_test(tests, verdicts);
    tcase_add_test(tests, alternatives);
    tcase_add_test(tests, remembering);
    tcase_add_test(tests, families);
    tcase_add_test(tests, named_by_file);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
