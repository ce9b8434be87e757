/* loader.c - plugins that the host refuses, each with a message of its own, and nothing of any of them runs. */
#include "unit.h"

#include "registry.h"

#include <elf.h>
#include <limits.h>
#include <sys/wait.h>

static char folder[SCRATCH_SIZE], plugins[SCRATCH_SIZE], mark[SCRATCH_SIZE];
static struct registry *registry;

static void setup(void)
{
    const char *folders[] = { folder, plugins };
    char absolute[PATH_MAX];

    scratch_open(folder);
    ck_assert_ptr_nonnull(realpath(build_folder(), absolute));
    snprintf(plugins, sizeof plugins, "%.480s/tests/plugins", absolute);
    snprintf(mark, sizeof mark, "%.480s/mark", folder);
    setenv("SCRIP_TEST_MARK", mark, 1);
    registry = registry_open(folders, 2);
}

static void teardown(void)
{
    registry_close(registry);
    scratch_close(folder);
}

/* Loads, and looks whether anything ran. */
static int load(int kind, const char *name, struct plugin **out, struct scrip_error *err)
{
    int code;

    memset(err, 0, sizeof *err);
    code = registry_load(registry, kind, name, "books.ini:7", out, err);
    ck_assert_msg(!file_exists(mark), "%s: something of it ran", name);
    ck_assert_int_eq(code, err->code);
    ck_assert((*out != NULL) == (code == SCRIP_OK));
    return code;
}

/* The whole file of a shared object, to be changed. */
static unsigned char *bytes_of(const char *path, size_t *size)
{
    FILE *in = fopen(path, "rb");
    unsigned char *bytes;

    ck_assert_msg(in != NULL, "%s", path);
    fseek(in, 0, SEEK_END);
    *size = (size_t)ftell(in);
    rewind(in);
    bytes = malloc(*size);
    ck_assert_uint_eq(fread(bytes, 1, *size, in), *size);
    fclose(in);
    return bytes;
}

static unsigned char *plugin_bytes(const char *name, size_t *size)
{
    char path[SCRATCH_SIZE * 2];

    snprintf(path, sizeof path, "%s/%s.so", plugins, name);
    return bytes_of(path, size);
}

START_TEST(each_fault_has_its_message)
{
    static const struct {
        int kind;
        const char *name, *found, *wanted, *mend;
    } cases[] = {
        { SCRIP_SERVICE, "wrong_magic", "magic 0x12345678", "want 0x53435250", "fill scrip_plugin with the macro" },
        { SCRIP_SERVICE, "wrong_major", "built for ABI 2.0", "this host has 1.0",
          "build it against this host's plugin.h" },
        { SCRIP_SERVICE, "newer_minor", "asks for ABI 1.1", "this host has 1.0", "use a newer scrip" },
        { SCRIP_SERVICE, "old_major", "built for ABI 0.1", "this host has 1.0", "build it against" },
        { SCRIP_SERVICE, "beyond", "sets members that ABI 1.0", "does not have", "#define SCRIP_WANTS_MINOR" },
        { SCRIP_SERVICE, "wrong_size", "its constant has 76 bytes", "ABI 1.0 has 72 for a service",
          "build it against plugin.h" },
        { SCRIP_SERVICE, "wrong_name", "is named 'another_name'", "'wrong_name' was asked for", "rename one of both" },
        { SCRIP_SERVICE, "no_name", "has no name", "1 to 255 bytes", "give the macro one" },
        { SCRIP_SERVICE, "no_summary", "has no summary", "", "give the macro one" },
        { SCRIP_SOURCE, "trapped", "is a service", "but a source was asked for", "name it in a [service/...] section" },
        { SCRIP_STORE, "trapped", "is a service", "but a store was asked for", "name it in a [service/...] section" },
        { SCRIP_SERVICE, "missing_read", "is a source", "but a service was asked for", "[source/...]" },
        { SCRIP_SERVICE, "missing_quote", "has no quote", "a service must have one", "" },
        { SCRIP_CURRENCY, "missing_grant", "has no grant", "a currency must have one", "" },
        { SCRIP_SOURCE, "missing_read", "has no read", "a source must have one", "" },
        { SCRIP_STORE, "missing_commit", "has no commit", "a store must have one", "" },
        { SCRIP_REPORT, "missing_row", "has no row", "a report must have one", "" },
        { SCRIP_SERVICE, "missing_symbol", "exports no scrip_plugin", "", "fill it with the macro of its kind" },
        { SCRIP_SERVICE, "unresolved", "cannot be loaded", "scrip_test_function_that_is_nowhere", "" },
        { SCRIP_SERVICE, "option_twice", "option 'rate': declared twice", "", "" },
        { SCRIP_SERVICE, "option_untyped", "option 'rate': no such type", "", "" },
    };
    struct scrip_error err;
    struct plugin *plugin;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char file[SCRATCH_SIZE * 2];

        ck_assert_msg(load(cases[i].kind, cases[i].name, &plugin, &err) == SCRIP_EINVALID, "%s", cases[i].name);
        snprintf(file, sizeof file, "books.ini:7: plugin %s/%s.so: ", plugins, cases[i].name);
        ck_assert_msg(strncmp(err.message, file, strlen(file)) == 0, "%s", err.message);
        text_holds(err.message, cases[i].found, cases[i].wanted, cases[i].mend, NULL);
        ck_assert_uint_eq(registry_count(registry), 0);
    }
}
END_TEST

START_TEST(nothing_is_there)
{
    struct scrip_error err;
    struct plugin *plugin;

    ck_assert_int_eq(load(SCRIP_SERVICE, "nowhere", &plugin, &err), SCRIP_ENOTFOUND);
    text_holds(err.message, "books.ini:7: plugin service/nowhere: not found in ", folder, ", ", plugins, "plugins =",
               NULL);
    ck_assert_int_lt(load(SCRIP_SERVICE, "/nonexistent/nowhere.so", &plugin, &err), 0);
    text_holds(err.message, "/nonexistent/nowhere.so", "No such file", NULL);
}
END_TEST

/* A service in the folder of sources: found where a source is looked for, and refused for what it is. */
START_TEST(a_service_among_the_sources)
{
    struct scrip_error err;
    struct plugin *plugin;
    size_t size;
    unsigned char *bytes = plugin_bytes("trapped", &size);

    mkdir(scratch_path(folder, "source"), 0700);
    scratch_bytes(folder, "source/trapped.so", bytes, size);
    ck_assert_int_eq(load(SCRIP_SOURCE, "trapped", &plugin, &err), SCRIP_EINVALID);
    text_holds(err.message, "/source/trapped.so: is a service, but a source was asked for", NULL);
    free(bytes);
}
END_TEST

START_TEST(files_that_are_no_plugins)
{
    struct scrip_error err;
    struct plugin *plugin;
    size_t size;
    unsigned char *bytes;
    char self[PATH_MAX];

    scratch_text(folder, "text.so", "This is a letter, and no plugin at all.\n");
    ck_assert_int_eq(load(SCRIP_SERVICE, "text", &plugin, &err), SCRIP_EINVALID);
    text_holds(err.message, "text.so: is not an ELF file", "cc -shared -fPIC", NULL);
    scratch_text(folder, "empty.so", "");
    ck_assert_int_eq(load(SCRIP_SERVICE, "empty", &plugin, &err), SCRIP_EINVALID);
    text_holds(err.message, "is not an ELF file", NULL);
    scratch_text(folder, "short.so", "\177ELF");
    ck_assert_int_eq(load(SCRIP_SERVICE, "short", &plugin, &err), SCRIP_EINVALID);
    mkdir(scratch_path(folder, "folder.so"), 0700);
    ck_assert_int_lt(load(SCRIP_SERVICE, "folder", &plugin, &err), 0);
    text_holds(err.message, "folder.so", NULL);
    /* A program: the one that runs here. */
    self[readlink("/proc/self/exe", self, sizeof self - 1)] = 0;
    bytes = bytes_of(self, &size);
    scratch_bytes(folder, "program.so", bytes, size);
    ck_assert_int_eq(load(SCRIP_SERVICE, "program", &plugin, &err), SCRIP_EINVALID);
    text_holds(err.message, "program.so: ", NULL);
    ((Elf64_Ehdr *)(void *)bytes)->e_type = ET_EXEC;
    scratch_bytes(folder, "fixed.so", bytes, size);
    ck_assert_int_eq(load(SCRIP_SERVICE, "fixed", &plugin, &err), SCRIP_EINVALID);
    text_holds(err.message, "is an ELF file, but not a shared object", NULL);
    free(bytes);
    /* For another machine. */
    bytes = plugin_bytes("trapped", &size);
    ((Elf64_Ehdr *)(void *)bytes)->e_machine = EM_68K;
    scratch_bytes(folder, "foreign.so", bytes, size);
    ck_assert_int_eq(load(SCRIP_SERVICE, "foreign", &plugin, &err), SCRIP_EINVALID);
    text_holds(err.message, "foreign.so: cannot be loaded: ", NULL);
    free(bytes);
}
END_TEST

/* A copy that broke off is refused wherever it broke off, and does not end the host. */
START_TEST(truncated_files)
{
    struct scrip_error err;
    struct plugin *plugin;
    size_t size, step;
    unsigned char *bytes = plugin_bytes("trapped", &size);
    size_t needed = 0;

    for (int i = 0; i < ((Elf64_Ehdr *)(void *)bytes)->e_phnum; i++) {
        const Elf64_Phdr *part = (const Elf64_Phdr *)(void *)(bytes + ((Elf64_Ehdr *)(void *)bytes)->e_phoff) + i;

        if (part->p_type == PT_LOAD && part->p_offset + part->p_filesz > needed)
            needed = part->p_offset + part->p_filesz;
    }
    ck_assert_uint_gt(needed, 1000);
    ck_assert_uint_le(needed, size);
    step = needed / 300;
    for (size_t n = 0; n < needed; n += n < 1200 ? 40 : step) {
        char name[32], file[40];

        snprintf(name, sizeof name, "cut%zu", n);
        snprintf(file, sizeof file, "%s.so", name);
        scratch_bytes(folder, file, bytes, n);
        ck_assert_msg(load(SCRIP_SERVICE, name, &plugin, &err) == SCRIP_EINVALID, "%zu of %zu bytes", n, size);
        text_holds(err.message, file, NULL);
    }
    free(bytes);
}
END_TEST

/* Every size but the right one, in a copy whose head was changed. */
START_TEST(sizes_that_never_were)
{
    static const uint32_t sizes[] = { 0, 1, 32, 63, 65, 72, 80, 1 << 20, UINT32_MAX, SCRIP_SERVICE_SIZE_0 };
    const struct scrip_plugin_head wanted = { SCRIP_MAGIC, SCRIP_ABI_MAJOR, 0, SCRIP_SERVICE, SCRIP_SERVICE_SIZE_0,
                                              NULL, NULL };
    struct scrip_error err;
    struct plugin *plugin;
    size_t size, at = 0, found = 0;
    unsigned char *bytes = plugin_bytes("trapped", &size);

    for (size_t i = 0; i + 16 <= size; i += 4)
        if (memcmp(bytes + i, &wanted, 16) == 0) {
            at = i;
            found++;
        }
    ck_assert_uint_eq(found, 1);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char name[40], path[SCRATCH_SIZE];

        memcpy(bytes + at + offsetof(struct scrip_plugin_head, size), &sizes[i], sizeof *sizes);
        snprintf(name, sizeof name, "size%zu", i);
        mkdir(scratch_path(folder, name), 0700);
        snprintf(name, sizeof name, "size%zu/trapped.so", i);
        snprintf(path, sizeof path, "%s", scratch_bytes(folder, name, bytes, size));
        if (sizes[i] == SCRIP_SERVICE_SIZE_0)
            ck_assert_msg(load(SCRIP_SERVICE, path, &plugin, &err) == SCRIP_OK, "%s", err.message);
        else {
            ck_assert_int_eq(load(SCRIP_SERVICE, path, &plugin, &err), SCRIP_EINVALID);
            snprintf(name, sizeof name, "its constant has %u bytes", sizes[i]);
            text_holds(err.message, name, "ABI 1.0 has 72 for a service", NULL);
        }
    }
    free(bytes);
}
END_TEST

/* What is right is loaded, once, and still nothing of it runs; and the traps do snap when they are stepped on. */
START_TEST(what_is_right_is_loaded)
{
    struct scrip_error err;
    struct plugin *plugin, *again;
    int status;
    pid_t child;

    ck_assert_msg(load(SCRIP_SERVICE, "trapped", &plugin, &err) == SCRIP_OK, "%s", err.message);
    ck_assert_int_eq(plugin->kind, SCRIP_SERVICE);
    ck_assert_int_eq(plugin->abi_minor, 0);
    ck_assert_str_eq(plugin->name, "trapped");
    ck_assert_ptr_nonnull(plugin->options);
    ck_assert_ptr_null(plugin->options[0].key);
    ck_assert_int_eq(load(SCRIP_SERVICE, "trapped", &again, &err), SCRIP_OK);
    ck_assert_ptr_eq(plugin, again);
    ck_assert_uint_eq(registry_count(registry), 1);
    ck_assert_ptr_eq(registry_at(registry, 0), plugin);
    child = fork();
    if (child == 0)
        plugin->api.service.quote(NULL, NULL, NULL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
    ck_assert(file_exists(mark));
}
END_TEST

/* The loader runs constructors before anything can be checked. So what may be loaded is settled before: by a
 * configuration that nobody else could have written. */
START_TEST(constructors_run_only_for_a_trusted_configuration)
{
    struct scrip_error err = { 0 };
    struct scrip *scrip;
    char text[SCRATCH_SIZE * 2];
    const char *path;

    snprintf(text, sizeof text, "[scrip]\nplugins = t\n[service/constructor]\n");
    ck_assert_int_eq(symlink(plugins, scratch_path(folder, "t")), 0);
    path = scratch_text(folder, "scrip.ini", text);
    ck_assert_int_eq(chmod(path, 0606), 0);
    ck_assert_int_eq(scrip_open(path, SCRIP_ACCESS_PLUGINS, &scrip, &err), SCRIP_EINVALID);
    text_holds(err.message, "others may write it", NULL);
    ck_assert_ptr_null(scrip);
    ck_assert_msg(!file_exists(mark), "a constructor ran for a configuration that others may write");
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert_int_eq(scrip_open(path, SCRIP_ACCESS_PLUGINS, &scrip, &err), SCRIP_EINVALID);
    text_holds(err.message, "scrip.ini:3: plugin ", "constructor.so: magic 0x00000000", NULL);
    ck_assert_msg(file_exists(mark), "the loader ran no constructor: then the host could check more than it does");
}
END_TEST

/* Every kind that we ship, by name, from the folder that it stands in. */
START_TEST(our_own_plugins)
{
    static const struct {
        int kind;
        const char *name;
    } own[] = { { SCRIP_CURRENCY, "prepaid" }, { SCRIP_SERVICE, "metered" }, { SCRIP_SOURCE, "events" },
                { SCRIP_STORE, "sqlite" },     { SCRIP_REPORT, "json" } };
    char where[SCRATCH_SIZE];
    const char *folders[] = { where };
    struct registry *mine;
    struct scrip_error err = { 0 };
    struct plugin *plugin;

    snprintf(where, sizeof where, "%s/plugins", build_folder());
    mine = registry_open(folders, 1);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        ck_assert_msg(registry_load(mine, own[i].kind, own[i].name, "here", &plugin, &err) == SCRIP_OK, "%s",
                      err.message);
    ck_assert_uint_eq(registry_count(mine), 5);
    registry_close(mine);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("loader");
    TCase *tests = tcase_create("loader");

    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, each_fault_has_its_message);
    tcase_add_test(tests, nothing_is_there);
    tcase_add_test(tests, a_service_among_the_sources);
    tcase_add_test(tests, files_that_are_no_plugins);
    tcase_add_test(tests, truncated_files);
    tcase_add_test(tests, sizes_that_never_were);
    tcase_add_test(tests, what_is_right_is_loaded);
    tcase_add_test(tests, constructors_run_only_for_a_trusted_configuration);
    tcase_add_test(tests, our_own_plugins);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
