/* event.c - events from native JSON and from fields: what is read, exactly as it was written, and what is refused. */
#include "unit.h"

#include "event.h"
#include "money.h"

static struct arena arena;
static struct names *names;
static struct scrip_error err;

static void setup(void)
{
    memset(&arena, 0, sizeof arena);
    memset(&err, 0, sizeof err);
    names = names_open();
}

static void teardown(void)
{
    arena_free(&arena);
    names_close(names);
}

static int read_bytes(const char *json, size_t size, struct event *event)
{
    struct scrip_field fields[EVENT_FIELD_LIMIT];
    size_t count = 0;
    int code;

    error_clear(&err);
    code = event_fields_from_json(json, size, fields, &count, &arena, &err);
    return code < 0 ? code
                    : event_read(event, fields, count, SCRIP_TIME_NONE, SCRIP_TIME_NONE, names_add(names, "local", 5),
                                 names,
                                 &arena, &err);
}

/* A usage with more members of `data` behind the usual ones. */
static const char *usage(const char *more)
{
    static char text[70000];

    snprintf(text, sizeof text, "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"crm\",\"type\":\"scrip.usage\","
             "\"subject\":\"team\",\"time\":\"2022-03-29T10:00:00Z\",\"data\":{\"product\":\"ACD\"%s%s}}",
             more[0] ? "," : "", more);
    return text;
}

static int reads(const char *json, struct event *event)
{
    int code = read_bytes(json, strlen(json), event);

    ck_assert_msg(code == SCRIP_OK, "%s: %s", json, err.message);
    return code;
}

static void refuses(const char *json, const char *what)
{
    struct event event;
    int code = read_bytes(json, strlen(json), &event);

    ck_assert_msg(code < 0, "'%.100s' was taken, wanted: %s", json, what);
    ck_assert_int_eq(err.code, code);
    ck_assert_msg(strstr(err.message, what) != NULL, "'%s' does not say '%s' (%.100s)", err.message, what, json);
}

START_TEST(every_member_finds_its_place)
{
    struct event event;

    reads("{\"specversion\":\"1.0\",\"id\":\"e-1\",\"source\":\"crm\",\"type\":\"scrip.usage\",\"subject\":\"team a\","
          "\"time\":\"2022-03-29T12:00:00+02:00\",\"datacontenttype\":\"application/json\",\"extension\":7,"
          "\"data\":{\"service\":\"s\",\"product\":\"p\",\"user\":\"u\",\"quantity\":\"1.50\",\"unit\":\"h\","
          "\"end\":\"2022-03-29T11:00:00Z\",\"attributes\":{\"b\":\"2\",\"a\":\"1\",\"with.point\":\"3\"},"
          "\"amount\":\"7\",\"currency\":\"gold\",\"grant\":\"g\",\"accept\":null}}", &event);
    ck_assert_int_eq(event.shown.type, SCRIP_USAGE);
    ck_assert_str_eq(event.shown.id, "e-1");
    ck_assert_str_eq(event.shown.source, "crm");
    ck_assert_str_eq(event.shown.account, "team a");
    ck_assert_int_eq(event.shown.time_us, INT64_C(1648548000000000));
    ck_assert_int_eq(event.shown.end_us, INT64_C(1648551600000000));
    ck_assert_str_eq(event.shown.service, "s");
    ck_assert_str_eq(event.shown.product, "p");
    ck_assert_str_eq(event.shown.user, "u");
    ck_assert_str_eq(event.shown.unit, "h");
    ck_assert_str_eq(event.shown.currency, "gold");
    ck_assert_int_eq(event.shown.quantity.whole, 1);
    ck_assert_int_eq(event.shown.quantity.atto, SCRIP_ATTO / 2);
    ck_assert_int_eq(event.shown.has_amount, 1);
    ck_assert_int_eq(event.shown.amount.whole, 7);
    ck_assert_uint_eq(event.shown.attribute_count, 3);
    ck_assert_str_eq(event.shown.attributes[0].name, "a");
    ck_assert_str_eq(event.shown.attributes[1].value, "2");
    ck_assert_str_eq(event.shown.attributes[2].name, "with.point");
    ck_assert_str_eq(event_text(&event, SCRIP_F_GRANT), "g");
    ck_assert_str_eq(event_text(&event, SCRIP_F_ACCEPT), "");
    reads("{\"id\":\"g\",\"type\":\"scrip.grant\",\"subject\":\"t\",\"time\":\"2022-03-29\","
          "\"data\":{\"currency\":\"gold\","
          "\"amount\":\"unlimited\",\"cost\":{\"amount\":\"9.5\",\"currency\":\"USD\"},\"priority\":3,"
          "\"scope\":{\"products\":[\"A\",\"B\"],\"attributes\":{\"pool\":[\"x\"]}}}}", &event);
    ck_assert_str_eq(event.shown.source, "local");
    ck_assert_int_eq(event.shown.has_amount, 0);
    ck_assert_str_eq(event_text(&event, SCRIP_F_AMOUNT), "unlimited");
    ck_assert_str_eq(event_text(&event, SCRIP_F_COST_AMOUNT), "9.5");
    ck_assert_str_eq(event_text(&event, SCRIP_F_COST_CURRENCY), "USD");
    ck_assert_str_eq(event_text(&event, SCRIP_F_PRIORITY), "3");
    ck_assert_str_eq(event_text(&event, SCRIP_F_SCOPE_PRODUCTS), "A\nB");
    ck_assert_str_eq(event_field(&event, SCRIP_F_SCOPE_ATTRIBUTE)->name, "pool");
}
END_TEST

START_TEST(numbers_are_read_from_their_text)
{
    static const struct {
        const char *text, *quantity;
    } cases[] = {
        { "0.1", "0.1" },
        { "\"0.1\"", "0.1" },
        { "9007199254740993", "9007199254740993" }, /* no double holds it */
        { "9223372036854775807", "9223372036854775807" },
        { "-9223372036854775808", "-9223372036854775808" },
        { "0.000000000000000001", "0.000000000000000001" },
        { "123456789.123456789123456789", "123456789.123456789123456789" },
        { "1e3", "1000" },
        { "1.5E-3", "0.0015" },
        { "-0", "0" },
        { "\" 1\"", NULL },
        { "\"1,5\"", NULL },
        { "9223372036854775808", NULL },
        { "1e400", NULL },
        { "0.0000000000000000001", NULL },
        { "true", NULL },
        { "\"abc\"", NULL },
    };
    struct event event;
    char more[100], text[64];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(more, sizeof more, "\"quantity\":%s", cases[i].text);
        if (cases[i].quantity == NULL) {
            refuses(usage(more), "quantity: '");
            continue;
        }
        reads(usage(more), &event);
        decimal_write(&event.shown.quantity, text, sizeof text);
        ck_assert_str_eq(text, cases[i].quantity);
    }
    /* Texts that are no JSON numbers do not reach us as such. */
    refuses(usage("\"quantity\":.5"), "JSON: ");
    refuses(usage("\"quantity\":+5"), "JSON: ");
    refuses(usage("\"quantity\":5."), "JSON: ");
    refuses(usage("\"quantity\":0x10"), "JSON: ");
    refuses(usage("\"quantity\":NaN"), "JSON: ");
}
END_TEST

START_TEST(what_is_missing_is_named)
{
    refuses("{}", "type: missing");
    refuses("{\"type\":\"scrip.usage\",\"id\":\"1\",\"time\":\"2022-03-29\"}", "account: missing");
    refuses("{\"type\":\"scrip.usage\",\"id\":\"1\",\"subject\":\"a\"}", "time: missing");
    refuses("{\"type\":\"scrip.usage\",\"subject\":\"a\",\"time\":\"2022-03-29\"}", "id: missing");
    refuses("{\"type\":\"scrip.usage\",\"id\":\"\",\"subject\":\"a\",\"time\":\"2022-03-29\"}", "id: missing");
    refuses("{\"type\":\"scrip.usages\",\"id\":\"1\",\"subject\":\"a\",\"time\":\"2022-03-29\"}",
            "type: 'scrip.usages'");
    refuses("{\"specversion\":\"0.3\",\"type\":\"scrip.usage\",\"id\":\"1\",\"subject\":\"a\",\"time\":\"2022-03-29\"}",
            "specversion: '0.3'");
    refuses("{\"type\":\"scrip.usage\",\"id\":\"1\",\"subject\":\"a\",\"time\":\"29.3.2022\"}", "time: '29.3.2022'");
    refuses("{\"type\":\"scrip.usage\",\"id\":\"1\",\"subject\":\"a\",\"time\":\"1899-12-31T23:59:59Z\"}",
            "years 1900 to 9999");
}
END_TEST

START_TEST(what_is_unknown_or_twice_is_named)
{
    refuses(usage("\"produkt\":\"x\""), "data.produkt: no such field");
    refuses(usage("\"id\":\"x\""), "data.id: no such field");
    refuses(usage("\"account\":\"other\""), "data.account: no such field"); /* the subject is the account */
    refuses(usage("\"user\":{\"name\":\"x\"}"), "data.user.name: no such field");
    refuses(usage("\"user\":[\"x\"]"), "data.user.0: no such field");
    refuses(usage("\"product\":\"B\""), "a member given twice");
    refuses(usage("\"attributes\":{\"a\":\"1\",\"a\":\"2\"}"), "a member given twice");
    refuses("{\"id\":\"1\",\"id\":\"1\"}", "a member given twice");
    refuses(usage("\"attributes\":{\"a\":\"1\"},\"attribute.a\":\"2\""), "");
    refuses(usage("\"end\":\"2022-03-29T09:00:00Z\""), "end: the session ends before it starts");
    refuses(usage("\"scope\":{\"products\":\"A\"}"), "want a list of names");
    refuses(usage("\"scope\":{\"products\":[\"\"]}"), "an element is no name");
    refuses(usage("\"scope\":{\"products\":[\"a\\nb\"]}"), "an element is no name");
    refuses(usage("\"scope\":{\"products\":[[\"a\"]]}"), "data.");
}
END_TEST

START_TEST(texts_are_text)
{
    struct event event;
    char name[300], more[400];

    refuses(usage("\"user\":\"\xff\""), "JSON: ");
    refuses(usage("\"user\":\"\xc3\""), "JSON: ");
    refuses(usage("\"user\":\"\xc0\xaf\""), "");      /* an overlong form */
    refuses(usage("\"user\":\"\xed\xa0\x80\""), "");  /* a surrogate */
    refuses(usage("\"user\":\"\xf4\x90\x80\x80\""), ""); /* beyond Unicode */
    refuses(usage("\"user\":\"a\tb\""), "JSON: ");    /* a control character as it is */
    refuses(usage("\"user\":\"a\\tb\""), "user: 'a?b' is not a name");
    refuses(usage("\"user\":\"a\\u0000b\""), "user: ");
    refuses(usage("\"user\":\"a\\u007fb\""), "user: ");
    refuses(usage("\"user\":\"a\\u0085b\""), "user: ");
    refuses(usage("\"attributes\":{\"a\\u0001\":\"1\"}"), "control character");
    refuses(usage("\"attributes\":{\"a\\u0000b\":\"1\"}"), "control character");
    refuses(usage("\"attributes\":{\"a\\nb\":\"1\"}"), "attribute");
    refuses(usage("\"attributes\":{\"\":\"1\"}"), "no such field");
    refuses(usage("\"user\":\"\\ud800\""), "half of a surrogate pair");
    refuses(usage("\"user\":\"\\udc00\""), "half of a surrogate pair");
    refuses(usage("\"user\":\"\\ud83dx\\udcb0\""), "half of a surrogate pair");
    refuses(usage("\"user\":\"\\ud83d\\ud83d\\udcb0\""), "half of a surrogate pair");
    reads(usage("\"user\":\"\\\\ud800\""), &event); /* a backslash, and letters */
    ck_assert_str_eq(event.shown.user, "\\ud800");
    reads(usage("\"user\":\"J\xc3\xbcrgen \xf0\x9f\x92\xb0\""), &event);
    ck_assert_str_eq(event.shown.user, "J\xc3\xbcrgen \xf0\x9f\x92\xb0");
    reads(usage("\"user\":\"\\u004a\\u00fcrgen \\ud83d\\udcb0\""), &event);
    ck_assert_str_eq(event.shown.user, "J\xc3\xbcrgen \xf0\x9f\x92\xb0");
    reads(usage("\"attributes\":{\"note\":\"two\\nlines\"}"), &event);
    ck_assert_str_eq(event.shown.attributes[0].value, "two\nlines");
    /* 255 bytes are a name, 256 are not. */
    memset(name, 'n', sizeof name);
    snprintf(more, sizeof more, "\"user\":\"%.255s\"", name);
    reads(usage(more), &event);
    ck_assert_uint_eq(event.user->size, 255);
    snprintf(more, sizeof more, "\"user\":\"%.256s\"", name);
    refuses(usage(more), "user: '");
    snprintf(more, sizeof more, "\"attributes\":{\"%.255s\":\"1\"}", name);
    reads(usage(more), &event);
    snprintf(more, sizeof more, "\"attributes\":{\"%.256s\":\"1\"}", name);
    refuses(usage(more), "attribute");
    snprintf(more, sizeof more, "\"user\":\"%.127s\xc3\xbc%.127s\"", name, name);
    refuses(usage(more), "user: '"); /* bytes count, not letters */
}
END_TEST

START_TEST(shapes_that_are_no_event)
{
    char deep[200], *large;
    struct event event;

    refuses("", "JSON: ");
    refuses(" ", "JSON: ");
    refuses("{", "JSON: ");
    refuses("{\"id\":\"1\"", "JSON: ");
    refuses("{\"id\":\"1\"}}", "JSON: ");
    refuses("{\"id\":\"1\"} {\"id\":\"2\"}", "JSON: ");
    refuses("{\"id\":\"1\",}", "JSON: ");
    refuses("{'id':'1'}", "JSON: ");
    refuses("{\"id\":\"1\"} // comment", "JSON: ");
    refuses("[]", "");
    refuses("[{\"id\":\"1\"}]", "");
    refuses("7", "");
    refuses("null", "");
    refuses("\"text\"", "");
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = 0;
    refuses(deep, "nested deeper than 16 levels");
    for (int i = 0; i < 20; i++)
        memcpy(deep + i * 5, "{\"a\":", 5);
    deep[100] = 0;
    refuses(deep, "nested deeper than 16 levels");
    ck_assert_int_lt(read_bytes("{}\0", 3, &event), 0);
    large = malloc(SCRIP_ROW_SIZE + 2);
    memset(large, ' ', SCRIP_ROW_SIZE + 2);
    ck_assert_int_eq(read_bytes(large, SCRIP_ROW_SIZE + 1, &event), SCRIP_ELIMIT);
    text_holds(err.message, "longer than 1048576 bytes", NULL);
    free(large);
}
END_TEST

START_TEST(limits_of_an_event)
{
    struct event event;
    char more[8192] = "\"attributes\":{", *at = more + strlen(more);
    static char text[66000];

    for (int i = 0; i < 64; i++)
        at += sprintf(at, "%s\"a%d\":\"%d\"", i ? "," : "", i, i);
    strcpy(at, "}");
    reads(usage(more), &event);
    ck_assert_uint_eq(event.shown.attribute_count, 64);
    sprintf(at, ",\"one more\":\"x\"}");
    refuses(usage(more), "64"); /* SCRIP_ATTRIBUTE_LIMIT */
    at = more + sprintf(more, "\"labels\":{");
    for (int i = 0; i < 130; i++)
        at += sprintf(at, "%s\"a%d\":\"%d\"", i ? "," : "", i, i);
    strcpy(at, "}");
    refuses(usage(more), "event: more than 128 fields");
    memcpy(text, "\"reason\":\"", 10);
    memset(text + 10, 'r', FIELD_TEXT_SIZE);
    strcpy(text + 10 + FIELD_TEXT_SIZE, "\"");
    reads(usage(text), &event);
    strcpy(text + 10 + FIELD_TEXT_SIZE, "r\"");
    refuses(usage(text), "reason: longer than 65536 bytes");
}
END_TEST

/* ---- one content, one digest ------------------------------------------------------------------------------------ */

static uint64_t digest(const char *json)
{
    struct bytes bytes = { 0 };
    struct event event;

    reads(json, &event);
    event_canonical(&event, &bytes);
    free(bytes.start);
    return event.digest;
}

START_TEST(the_same_content_has_the_same_digest)
{
    uint64_t wanted = digest(usage("\"quantity\":\"1.5\",\"user\":\"u\",\"attributes\":{\"a\":\"1\",\"b\":\"2\"}"));

    ck_assert_uint_eq(digest(usage("\"user\":\"u\",\"attributes\":{\"b\":\"2\",\"a\":\"1\"},\"quantity\":15e-1")),
                      wanted);
    ck_assert_uint_eq(digest(usage("\"quantity\":1.500,\"user\":\"\\u0075\","
                                   "\"attributes\":{\"a\":\"1\",\"b\":\"2\"}")), wanted);
    ck_assert_uint_ne(digest(usage("\"quantity\":\"1.6\",\"user\":\"u\",\"attributes\":{\"a\":\"1\",\"b\":\"2\"}")),
                      wanted);
    ck_assert_uint_ne(digest(usage("\"quantity\":\"1.5\",\"user\":\"u\",\"attributes\":{\"a\":\"12\",\"b\":\"\"}")),
                      wanted);
    ck_assert_uint_ne(digest(usage("\"quantity\":\"1.5\",\"user\":\"u\",\"attributes\":{\"a\":\"2\",\"b\":\"1\"}")),
                      wanted);
    ck_assert_uint_ne(digest(usage("\"quantity\":\"1.5\",\"unit\":\"u\",\"attributes\":{\"a\":\"1\",\"b\":\"2\"}")),
                      wanted);
    /* No quantity is not the quantity 1: the feed did not say so. */
    ck_assert_uint_ne(digest(usage("\"quantity\":\"1\"")), digest(usage("")));
    /* Kept in stores: never another in any release. */
    ck_assert_uint_eq(digest(usage("\"quantity\":\"1.5\",\"end\":\"2022-03-29T11:00:00Z\","
                                   "\"attributes\":{\"a\":\"1\"}")),
                      UINT64_C(11968019090996628289));
}
END_TEST

START_TEST(flat_and_back)
{
    struct scrip_field fields[EVENT_FIELD_LIMIT], again[EVENT_FIELD_LIMIT];
    struct json_out out = { 0 };
    const char *json = usage("\"quantity\":1.50,\"attributes\":{\"a.b\":\"q\\\"\\\\\\n\xc3\xbc\"},"
                             "\"scope\":{\"users\":[\"x\",\"y\"]}");
    size_t count = 0, more = 0;

    ck_assert_int_eq(event_fields_from_json(json, strlen(json), fields, &count, &arena, &err), SCRIP_OK);
    event_fields_to_flat(fields, count, &out);
    ck_assert_msg(event_fields_from_flat(out.text, out.size, again, &more, &arena, &err) == SCRIP_OK, "%s",
                  err.message);
    ck_assert_uint_eq(count, more);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(fields[i].key, again[i].key);
        ck_assert_str_eq(fields[i].name, again[i].name);
        ck_assert_uint_eq(fields[i].size, again[i].size);
        ck_assert_mem_eq(fields[i].text, again[i].text, fields[i].size);
    }
    json_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("event");
    TCase *tests = tcase_create("event");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, every_member_finds_its_place);
    tcase_add_test(tests, numbers_are_read_from_their_text);
    tcase_add_test(tests, what_is_missing_is_named);
    tcase_add_test(tests, what_is_unknown_or_twice_is_named);
    tcase_add_test(tests, texts_are_text);
    tcase_add_test(tests, shapes_that_are_no_event);
    tcase_add_test(tests, limits_of_an_event);
    tcase_add_test(tests, the_same_content_has_the_same_digest);
    tcase_add_test(tests, flat_and_back);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
