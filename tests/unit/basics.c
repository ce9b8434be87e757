/* basics.c - hashes that never change, names that never move, messages that fit, JSON as it is written. */
#include "unit.h"

#include "arena.h"
#include "error.h"
#include "hash.h"
#include "json.h"
#include "names.h"

/* ---- hashes: made by other programs, from the algorithms' own descriptions --------------------------------------- */

START_TEST(short_hashes_are_stable)
{
    static const struct {
        const char *text;
        uint64_t hash;
    } cases[] = {
        { "", UINT64_C(0x06a8052ec1bce437) },
        { "a", UINT64_C(0x3a0824b0e8fe795d) },
        { "abcdefgh", UINT64_C(0x21e05b8557ba3ef9) },
        { "scrip.usage", UINT64_C(0x8563eacc23f53c77) },
    };
    uint8_t all[256];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_uint_eq(hash_short(cases[i].text, strlen(cases[i].text)), cases[i].hash);
    for (int i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    ck_assert_uint_eq(hash_short(all, sizeof all), UINT64_C(0xfe298b569d562274));
}
END_TEST

START_TEST(strong_hashes_are_stable)
{
    uint8_t out[HASH_SIZE];
    char hex[HASH_SIZE * 2 + 1];

    hash_strong("", 0, out);
    hash_hex(out, sizeof out, hex);
    ck_assert_str_eq(hex, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    hash_strong("abc", 3, out);
    hash_hex(out, sizeof out, hex);
    ck_assert_str_eq(hex, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    hash_key("abc", 3, out);
    hash_hex(out, 16, hex);
    ck_assert_str_eq(hex, "cf4ab791c62b8d2b2109c90275287816");
}
END_TEST

/* ---- names ------------------------------------------------------------------------------------------------------- */

START_TEST(each_name_once)
{
    struct names *names = names_open();
    const struct scrip_name *kept[5000];
    char text[600];
    uint64_t seed = 1;

    ck_assert_ptr_eq(names_add(names, "", 0), &names_none);
    ck_assert_ptr_eq(names_find(names, "", 0), &names_none);
    ck_assert_uint_eq(names_none.number, 0);
    for (int i = 0; i < 5000; i++) { /* past several times that the table grows */
        snprintf(text, sizeof text, "name %d", i);
        ck_assert_ptr_null(names_find(names, text, strlen(text)));
        kept[i] = names_add(names, text, strlen(text));
        ck_assert_uint_eq(kept[i]->number, (uint64_t)i + 1);
    }
    for (int i = 0; i < 5000; i++) {
        int k = (int)(random_next(&seed) % 5000);

        snprintf(text, sizeof text, "name %d, and more", k);
        ck_assert_ptr_eq(names_add(names, text, strlen(text) - 10), kept[k]);
        ck_assert_ptr_eq(names_find(names, text, strlen(text) - 10), kept[k]);
        text[strlen(text) - 10] = 0;
        ck_assert_str_eq(kept[k]->text, text);
        ck_assert_uint_eq(kept[k]->size, strlen(text));
    }
    /* Bytes count: no folding of case, no cut at a NUL, and one is not the other's beginning. */
    ck_assert_ptr_ne(names_add(names, "A", 1), names_add(names, "a", 1));
    ck_assert_ptr_ne(names_add(names, "a\0b", 3), names_add(names, "a", 1));
    ck_assert_ptr_ne(names_add(names, "abcdefgh", 8), names_add(names, "abcdefg", 7));
    names_close(names);
    names_close(NULL);
}
END_TEST

START_TEST(long_names)
{
    struct names *names = names_open();
    size_t size = (size_t)1 << 19; /* more than a chunk */
    char *text = malloc(size);
    const struct scrip_name *name, *small = names_add(names, "small", 5);

    memset(text, 'x', size);
    name = names_add(names, text, size);
    ck_assert_uint_eq(name->size, size);
    ck_assert_mem_eq(name->text, text, size);
    ck_assert_int_eq(name->text[size], 0);
    ck_assert_ptr_eq(names_add(names, text, size), name);
    ck_assert_ptr_eq(names_add(names, "small", 5), small);
    ck_assert_uint_eq(names_add(names, "next", 4)->number, 3);
    free(text);
    names_close(names);
}
END_TEST

/* ---- messages ---------------------------------------------------------------------------------------------------- */

START_TEST(messages_belong_to_the_call)
{
    struct scrip_error err = { 0 };
    char long_text[SCRIP_MESSAGE_SIZE * 4];

    ck_assert_int_eq(error_set(&err, SCRIP_EINVALID, "rate: '%s': want %d", "x", 7), SCRIP_EINVALID);
    ck_assert_int_eq(err.code, SCRIP_EINVALID);
    ck_assert_str_eq(err.message, "rate: 'x': want 7");
    error_set(&err, SCRIP_EIO, "other");
    ck_assert_str_eq(err.message, "other");
    memset(long_text, 'm', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = 0;
    error_set(&err, SCRIP_EIO, "%s", long_text);
    ck_assert_uint_eq(strlen(err.message), sizeof err.message - 1);
    error_clear(&err);
    ck_assert_int_eq(err.code, SCRIP_OK);
    ck_assert_str_eq(err.message, "");
    ck_assert_int_eq(error_set(NULL, SCRIP_EIO, "nobody listens"), SCRIP_EIO);
    error_clear(NULL);
}
END_TEST

START_TEST(an_arena_is_taken_back_at_once)
{
    struct arena arena = { 0 };
    char *first = arena_text(&arena, "first", 5), *large;

    for (int round = 0; round < 3; round++) {
        for (size_t size = 1; size < 5000; size += 37) {
            uint8_t *piece = arena_get(&arena, size);

            ck_assert_uint_eq((uintptr_t)piece % 16, 0);
            memset(piece, 0xaa, size);
        }
        large = arena_get(&arena, ARENA_CHUNK_SIZE * 2); /* more than a chunk */
        memset(large, 0xbb, ARENA_CHUNK_SIZE * 2);
        if (round == 0)
            ck_assert_str_eq(first, "first");
        arena_reset(&arena);
        ck_assert_ptr_eq(arena_text(&arena, "", 0), first); /* the same memory again */
    }
    arena_free(&arena);
    ck_assert_ptr_null(arena.first);
}
END_TEST

/* ---- JSON out ---------------------------------------------------------------------------------------------------- */

static int leaf_count(void *sink, const struct json_leaf *leaf)
{
    char *out = sink;

    sprintf(out + strlen(out), "%.*s=%.*s;", (int)leaf->path_size, leaf->path, (int)leaf->size, leaf->text);
    return SCRIP_OK;
}

START_TEST(json_is_written_and_read_back)
{
    struct json_out out = { 0 };
    struct scrip_error err = { 0 };
    char seen[512] = "", control[32];

    json_clear(&out);
    json_open(&out, '{');
    json_key(&out, "a\"b", 3);
    json_string(&out, "x\\y\n\t\x01", 6);
    json_key(&out, "list", 4);
    json_open(&out, '[');
    json_raw(&out, "1.50", 4);
    json_open(&out, '{');
    json_close(&out, '}');
    json_string(&out, "", 0);
    json_close(&out, ']');
    json_close(&out, '}');
    ck_assert_str_eq(out.text, "{\"a\\\"b\":\"x\\\\y\\n\\t\\u0001\",\"list\":[1.50,{},\"\"]}");
    ck_assert_msg(json_read(out.text, out.size, leaf_count, seen, &err) == SCRIP_OK, "%s", err.message);
    ck_assert_str_eq(seen, "a\"b=x\\y\n\t\x01;list.0=1.50;list.1=;list.2=;");
    /* Each control character comes back as it went in. */
    json_clear(&out);
    for (int i = 1; i < 32; i++)
        control[i - 1] = (char)i;
    json_string(&out, control, 31);
    seen[0] = 0;
    ck_assert_int_eq(json_read(out.text, out.size, leaf_count, seen, &err), SCRIP_OK);
    ck_assert_mem_eq(seen + 1, control, 31);
    json_free(&out);
    ck_assert_ptr_null(out.text);
}
END_TEST

static int leaf_stop(void *sink, const struct json_leaf *leaf)
{
    ++*(int *)sink;
    return leaf->size == 1 && leaf->text[0] == '2' ? SCRIP_ECONFLICT : SCRIP_OK;
}

START_TEST(a_leaf_may_stop_the_reading)
{
    struct scrip_error err = { 0 };
    int count = 0;

    ck_assert_int_eq(json_read("[1,2,3]", 7, leaf_stop, &count, &err), SCRIP_ECONFLICT);
    ck_assert_int_eq(count, 2);
    ck_assert_str_ne(err.message, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("basics");
    TCase *tests = tcase_create("basics");

    tcase_add_test(tests, short_hashes_are_stable);
    tcase_add_test(tests, strong_hashes_are_stable);
    tcase_add_test(tests, each_name_once);
    tcase_add_test(tests, long_names);
    tcase_add_test(tests, messages_belong_to_the_call);
    tcase_add_test(tests, an_arena_is_taken_back_at_once);
    tcase_add_test(tests, json_is_written_and_read_back);
    tcase_add_test(tests, a_leaf_may_stop_the_reading);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
