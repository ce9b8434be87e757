/* config.c - what a configuration may not be: each fault by its file and line, and nothing of it applied. */
#include "unit.h"

#include "config.h"

#include <scrip/scrip.h>
#include <sys/types.h>

static char folder[SCRATCH_SIZE];

static void setup(void)
{
    scratch_open(folder);
}

static void teardown(void)
{
    scratch_close(folder);
}

/* ---- the file as it was written -------------------------------------------------------------------------------- */

static struct config *reads(const void *bytes, size_t size)
{
    const char *path = scratch_bytes(folder, "scrip.ini", bytes, size);
    struct scrip_error err = { 0 };
    struct config *config;
    int code = config_read(path, &config, &err);

    ck_assert_msg(code == SCRIP_OK, "%s", err.message);
    return config;
}

static void refuses_bytes(const void *bytes, size_t size, int line, const char *what)
{
    const char *path = scratch_bytes(folder, "scrip.ini", bytes, size);
    struct scrip_error err = { 0 };
    struct config *config = (struct config *)&err;
    char where[SCRATCH_SIZE + 16];

    ck_assert_msg(config_read(path, &config, &err) == SCRIP_EINVALID, "wanted: %s", what);
    ck_assert_ptr_null(config);
    ck_assert_int_eq(err.code, SCRIP_EINVALID);
    snprintf(where, sizeof where, "%s:%d: ", path, line);
    ck_assert_msg(line == 0 || strncmp(err.message, where, strlen(where)) == 0, "'%s' does not begin with '%s'",
                  err.message, where);
    text_holds(err.message, what, NULL);
}

static void refuses(const char *text, int line, const char *what)
{
    refuses_bytes(text, strlen(text), line, what);
}

START_TEST(what_is_written_is_read)
{
    static const char text[] = "; a comment\n# another\n\n[scrip]\ndimensions = a, b\n\n[currency/prepaid gold]\n"
                               "decimals=2\ndraw_order : expires\nclass =  \"x y\"  ; why\n[service/metered]\n"
                               "[source/events a.b]\nfiles = x;y\n[report/my/own.so]\nempty =\n";
    struct config *config = reads(text, sizeof text - 1);
    const struct config_section *at = config->sections;

    ck_assert_uint_eq(config->section_count, 5);
    ck_assert_str_eq(config->folder, folder);
    ck_assert_int_eq(at[0].kind, 0);
    ck_assert_ptr_eq(config_host(config), &at[0]);
    ck_assert_str_eq(config_find(&at[0], "dimensions")->value, "a, b");
    ck_assert_int_eq(config_find(&at[0], "dimensions")->line, 5);
    ck_assert_int_eq(at[1].kind, SCRIP_CURRENCY);
    ck_assert_str_eq(at[1].plugin, "prepaid");
    ck_assert_str_eq(at[1].instance, "gold");
    ck_assert_int_eq(at[1].line, 7);
    ck_assert_str_eq(config_find(&at[1], "decimals")->value, "2");
    ck_assert_str_eq(config_find(&at[1], "draw_order")->value, "expires");
    ck_assert_str_eq(config_find(&at[1], "class")->value, "\"x y\"");
    ck_assert_int_eq(config_find(&at[1], "class")->line, 10);
    ck_assert_ptr_null(config_find(&at[1], "clas"));
    ck_assert_int_eq(at[2].kind, SCRIP_SERVICE);
    ck_assert_str_eq(at[2].instance, "metered");
    ck_assert_uint_eq(at[2].item_count, 0);
    ck_assert_str_eq(at[3].instance, "a.b");
    ck_assert_str_eq(config_find(&at[3], "files")->value, "x;y");
    ck_assert_str_eq(at[4].plugin, "my/own.so");
    ck_assert_str_eq(at[4].instance, "own");
    ck_assert_str_eq(config_find(&at[4], "empty")->value, "");
    config_free(config);
    config = reads("", 0);
    ck_assert_uint_eq(config->section_count, 0);
    ck_assert_uint_eq(config_host(config)->item_count, 0);
    config_free(config);
}
END_TEST

START_TEST(marks_and_line_ends)
{
    static const char text[] = "\xef\xbb\xbf[currency/prepaid gold]\r\ndecimals = 2\r\n"
                               "class = free\r\n\r\nrounding = up";
    struct config *config = reads(text, sizeof text - 1);

    ck_assert_uint_eq(config->section_count, 1);
    ck_assert_str_eq(config->sections[0].instance, "gold");
    ck_assert_str_eq(config_find(&config->sections[0], "decimals")->value, "2");
    ck_assert_str_eq(config_find(&config->sections[0], "class")->value, "free");
    ck_assert_str_eq(config_find(&config->sections[0], "rounding")->value, "up");
    ck_assert_int_eq(config_find(&config->sections[0], "rounding")->line, 5);
    config_free(config);
    refuses("[scrip]\n\xef\xbb\xbf" "dimensions = a\n[scrip]\n", 3, "stands in line 1 already");
}
END_TEST

START_TEST(sections_that_are_none)
{
    refuses("[scrip]\n[currency]\n", 2, "want [scrip], [KIND/PLUGIN]");
    refuses("[money/prepaid]\n", 1, "KIND one of currency, service, source, store, report");
    refuses("[currency/]\n", 1, "want [scrip]");
    refuses("[currency/ gold]\n", 1, "want [scrip]");
    refuses("[/prepaid]\n", 1, "want [scrip]");
    refuses("[]\n", 1, "want [scrip]");
    refuses("[scrip\n", 1, "without a ']'");
    refuses("\n\n[Scrip]\n", 3, "want [scrip]");
    refuses("[scrip]\ndimensions = a\n[scrip]\n", 3, "stands in line 1 already");
    refuses("[currency/prepaid gold]\n[currency/other gold]\n", 2, "a currency of this name stands in line 1 already");
    refuses("[service/metered]\n\n[service/metered]\n", 3, "stands in line 1 already");
}
END_TEST

START_TEST(keys_that_are_none)
{
    refuses("decimals = 2\n[scrip]\n", 1, "stands before the first section");
    refuses("[scrip]\ndimensions = a\ndimensions = b\n", 3, "key 'dimensions': given twice in this section (line 2)");
    refuses("[scrip]\ndimensions\n", 2, "neither a section, nor a comment, nor 'key = value'");
    refuses("[scrip]\n\nwhat is this\n[store/sqlite]\n", 3, "neither a section");
    refuses("[scrip]\ndimensions = a\n  b, c\n", 3, "an indented line");
    refuses("[scrip]\n\tdimensions = a\n", 2, "an indented line");
    refuses("[scrip]\nlabel = say \"a ; b\"\n", 2, "its value would be cut to");
    refuses("[scrip]\n= 5\n", 2, "a value without a key");
}
END_TEST

START_TEST(nothing_is_cut)
{
    char text[1024], name[256];
    struct config *config;

    memset(name, 'n', sizeof name);
    /* A section's name has 49 bytes, and a key's 48: what the library keeps whole. */
    snprintf(text, sizeof text, "[currency/prepaid %.*s]\nclass = x\n", 49 - 17, name);
    config = reads(text, strlen(text));
    ck_assert_uint_eq(strlen(config->sections[0].instance), 49 - 17);
    config_free(config);
    snprintf(text, sizeof text, "[currency/prepaid %.*s]\nclass = x\n", 50 - 17, name);
    refuses(text, 1, "a name longer than 49 bytes");
    snprintf(text, sizeof text, "[scrip]\n%.48s = x\n", name);
    config = reads(text, strlen(text));
    ck_assert_uint_eq(strlen(config->sections[0].items[0].key), 48);
    config_free(config);
    snprintf(text, sizeof text, "[scrip]\n%.49s = x\n", name);
    refuses(text, 2, "longer than 48 bytes");
    snprintf(text, sizeof text, "[scrip]\n%.50s = x\n", name);
    refuses(text, 2, "longer than 48 bytes");
    /* A line of 197 bytes comes whole, with every line end; the next is refused. */
    for (int i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "[scrip]\nk = %.193s%s", name, i == 0 ? "" : i == 1 ? "\n" : "\nl = 2\n");
        config = reads(text, strlen(text));
        ck_assert_uint_eq(strlen(config->sections[0].items[0].value), 193);
        config_free(config);
        snprintf(text, sizeof text, "[scrip]\nk = %.194s%s", name, i == 0 ? "" : i == 1 ? "\n" : "\nl = 2\n");
        refuses(text, 2, "a line longer than 197 bytes");
    }
    memset(text, 'x', 1000);
    memcpy(text, "[scrip]\n; ", 10);
    text[1000] = 0;
    refuses(text, 2, "a line longer than");
}
END_TEST

START_TEST(bytes_that_are_no_text)
{
    refuses("[scrip]\nlabel = \xff\n", 2, "no UTF-8 text");
    refuses("[scrip]\nlabel = \xc3\n", 2, "no UTF-8 text");
    refuses("[scrip]\nlabel = a\x01" "b\n", 2, "no UTF-8 text");
    refuses("[scrip]\nlabel = a\rb\n", 2, "no UTF-8 text");
    refuses_bytes("[scrip]\nlabel = a\0b\n", 20, 2, "no UTF-8 text");
    refuses_bytes("\0\0\0\0", 4, 1, "no UTF-8 text");
    refuses_bytes("\xff\xfe[\0s\0", 6, 1, "no UTF-8 text"); /* UTF-16 */
}
END_TEST

/* ---- who may have written it ------------------------------------------------------------------------------------ */

START_TEST(owner_and_mode)
{
    const char *path = scratch_text(folder, "scrip.ini", "[scrip]\n"), *link = scratch_path(folder, "link.ini");
    struct scrip_error err = { 0 };
    struct config *config;

    ck_assert_int_eq(symlink(path, link), 0);
    ck_assert_int_eq(chmod(path, 0602), 0);
    ck_assert_int_eq(config_read(path, &config, &err), SCRIP_EINVALID);
    text_holds(err.message, path, "others may write it (mode 0602): chmod go-w", NULL);
    ck_assert_int_eq(config_read(link, &config, &err), SCRIP_EINVALID); /* the file counts, not its name */
    text_holds(err.message, "others may write it", NULL);
    ck_assert_int_eq(chmod(path, 0620), 0);
    ck_assert_int_eq(config_read(path, &config, &err), SCRIP_OK); /* by a group that is the user's own */
    config_free(config);
    ck_assert_int_eq(chmod(path, 0644), 0);
    ck_assert_int_eq(config_read(link, &config, &err), SCRIP_OK);
    config_free(config);
    if (geteuid() != 0)
        return; /* the rest needs files of other users */
    ck_assert_int_eq(chown(path, 0, 12345), 0);
    ck_assert_int_eq(chmod(path, 0620), 0);
    ck_assert_int_eq(config_read(path, &config, &err), SCRIP_EINVALID);
    text_holds(err.message, "others may write it (mode 0620)", NULL);
    ck_assert_int_eq(chmod(path, 0640), 0);
    ck_assert_int_eq(config_read(path, &config, &err), SCRIP_OK);
    config_free(config);
    ck_assert_int_eq(chown(path, 12345, 0), 0);
    ck_assert_int_eq(config_read(path, &config, &err), SCRIP_EINVALID);
    text_holds(err.message, "belongs to user 12345: want root or user 0", NULL);
}
END_TEST

START_TEST(what_is_no_file)
{
    struct scrip_error err = { 0 };
    struct config *config;
    const char *pipe = scratch_path(folder, "pipe");

    ck_assert_int_eq(config_read(scratch_path(folder, "absent.ini"), &config, &err), SCRIP_EINVALID);
    text_holds(err.message, "absent.ini: No such file or directory: name the configuration with -c FILE", NULL);
    ck_assert_int_eq(config_read(folder, &config, &err), SCRIP_EINVALID);
    text_holds(err.message, folder, "is not a file", NULL);
    ck_assert_int_eq(mkfifo(pipe, 0600), 0); /* nobody writes to it: reading must not wait */
    ck_assert_int_eq(config_read(pipe, &config, &err), SCRIP_EINVALID);
    text_holds(err.message, "is not a file", NULL);
    ck_assert_int_eq(config_read("/dev/null", &config, &err), SCRIP_EINVALID);
    if (geteuid() != 0) {
        const char *secret = scratch_text(folder, "secret.ini", "[scrip]\n");

        chmod(secret, 0);
        ck_assert_int_eq(config_read(secret, &config, &err), SCRIP_EINVALID);
        text_holds(err.message, "Permission denied", NULL);
    }
}
END_TEST

/* ---- keys against their plugins --------------------------------------------------------------------------------- */

#define HEAD "[store/sqlite]\nfile = books.db\n"

/* The host refuses it whole: no store comes to be. text stands behind a [scrip] section that names our plugins. */
static void host_refuses(const char *text, int line, const char *what)
{
    char whole[2048], where[64], absolute[SCRATCH_SIZE], plugins[SCRATCH_SIZE];
    struct scrip_error err = { 0 };
    struct scrip *scrip = (struct scrip *)&err;
    const char *path;

    ck_assert_ptr_nonnull(realpath(build_folder(), absolute));
    snprintf(plugins, sizeof plugins, "%.480s/plugins", absolute);
    ck_assert_int_eq(symlink(plugins, scratch_path(folder, "p")), 0);
    snprintf(whole, sizeof whole, "%s\n[scrip]\nplugins = p\n", text);
    path = scratch_text(folder, "scrip.ini", whole);
    ck_assert_msg(scrip_open(path, SCRIP_ACCESS_INIT, &scrip, &err) == SCRIP_EINVALID ||
                      (err.code == SCRIP_ENOTFOUND && strstr(what, "not found") != NULL),
                  "wanted: %s, found: %d %s", what, (int)err.code, err.message);
    ck_assert_ptr_null(scrip);
    snprintf(where, sizeof where, "scrip.ini:%d: ", line);
    text_holds(err.message, where, what, NULL);
    ck_assert_msg(!file_exists(scratch_path(folder, "books.db")), "%s: the store came to be", what);
    unlink(scratch_path(folder, "p"));
}

START_TEST(keys_of_plugins)
{
    host_refuses(HEAD "[currency/prepaid gold]\ndecimal = 2\n", 4, "key 'decimal': unknown: did you mean 'decimals'");
    host_refuses(HEAD "[currency/prepaid gold]\nabcdefg = 2\n", 4,
                 "key 'abcdefg': unknown: want one of decimals, rounding");
    host_refuses(HEAD "[currency/prepaid gold]\nterm. = 2\n", 4, "key 'term.': unknown");
    host_refuses("[store/sqlite]\n[currency/prepaid gold]\n", 1, "key 'file': missing");
    host_refuses(HEAD "[currency/nosuch gold]\n", 3, "plugin currency/nosuch: not found in");
    host_refuses(HEAD "[service/prepaid]\n", 3, "plugin service/prepaid: not found in");
    host_refuses(HEAD "[scrip x]\n", 3, "want [scrip]");
}
END_TEST

START_TEST(values_of_every_type)
{
    host_refuses(HEAD "[currency/prepaid gold]\ndecimals = two\n", 4, "key 'decimals': 'two' is not a whole number");
    host_refuses(HEAD "[currency/prepaid gold]\ndecimals = 2x\n", 4, "'2x' is not a whole number");
    host_refuses(HEAD "[currency/prepaid gold]\ndecimals =\n", 4, "'' is not a whole number");
    host_refuses(HEAD "[currency/prepaid gold]\ndecimals = 9999999999999999999\n", 4, "is not a whole number");
    host_refuses(HEAD "[currency/prepaid gold]\ndecimals = 10\n", 4, "decimals = 10: want 0 to 9");
    host_refuses(HEAD "[currency/prepaid gold]\nrounding = sideways\n", 4,
                 "'sideways' is not one of half-even,half-up,up,down");
    host_refuses(HEAD "[currency/prepaid gold]\nrounding = half\n", 4, "is not one of");
    host_refuses(HEAD "[currency/prepaid gold]\nsplit = maybe\n", 4, "'maybe' is not one of no,yes,class");
    host_refuses(HEAD "[source/events e]\nalways = maybe\n", 4, "'maybe' is not yes or no");
    host_refuses(HEAD "[currency/prepaid gold]\nexpire_all = tomorrow\n", 4, "'tomorrow' is not a time");
    host_refuses(HEAD "[currency/prepaid gold]\nexpire_all = 2022-02-30\n", 4, "is not a time");
    host_refuses(HEAD "[currency/prepaid gold]\nsettle_lag = soon\n", 4, "'soon' is not a duration");
    host_refuses(HEAD "[currency/prepaid gold]\nsettle_lag = -1d\n", 4, "'-1d' is not a duration");
    host_refuses(HEAD "[currency/prepaid gold]\nzone = Europe/Nowhere\n", 4, "'Europe/Nowhere' is not a zone");
    host_refuses(HEAD "[currency/prepaid gold]\nclass =\n", 4, "'' is not a name of 1 to 255 bytes");
    host_refuses(HEAD "[currency/prepaid gold]\nsale_classes = a,,b\n", 4, "is not a list of names split by commas");
    host_refuses(HEAD "[service/metered]\nproducts = a, ,b\n", 4, "is not a list of names split by commas");
    host_refuses("[store/sqlite]\nfile =\n", 2, "'' is not a path");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *tests = tcase_create("config");

    tcase_set_timeout(tests, 20);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_is_written_is_read);
    tcase_add_test(tests, marks_and_line_ends);
    tcase_add_test(tests, sections_that_are_none);
    tcase_add_test(tests, keys_that_are_none);
    tcase_add_test(tests, nothing_is_cut);
    tcase_add_test(tests, bytes_that_are_no_text);
    tcase_add_test(tests, owner_and_mode);
    tcase_add_test(tests, what_is_no_file);
    tcase_add_test(tests, keys_of_plugins);
    tcase_add_test(tests, values_of_every_type);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
