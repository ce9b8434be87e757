/* new.c - `scrip plugin new`: a folder with a plugin that works, its configuration and its test, to be changed into one's own. What
 * is written stands in core/cli/new, with @NAME@ and the like in it; the build puts it into templates.h. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#pragma GCC diagnostic ignored "-Woverlength-strings"
#include "templates.h"

struct kit {
    const char *kind, *lang;
    const char *extension; /* of the file that is the plugin */
    const char *source, *configuration, *test, *sample;
};

static const struct kit kits[] = {
    { "service", "c", "c", template_service_c, template_service_ini, template_service_sh, NULL },
    { "service", "lua", "lua", template_service_lua, template_service_lua_ini, template_service_sh, NULL },
    { "source", "c", "c", template_source_c, template_source_ini, template_source_sh, template_sample_txt },
    { "source", "exec", "py", template_source_py, template_source_exec_ini, template_source_sh, template_sample_txt },
    { "report", "c", "c", template_report_c, template_report_ini, template_report_sh, NULL },
    { "report", "exec", "py", template_report_py, template_report_exec_ini, template_report_sh, NULL },
    { "currency", "c", "c", template_currency_c, template_currency_ini, template_currency_sh, NULL },
};

static const struct kit *kit_find(const char *kind, const char *lang)
{
    for (size_t i = 0; i < sizeof kits / sizeof *kits; i++)
        if (strcmp(kits[i].kind, kind) == 0 && strcmp(kits[i].lang, lang) == 0)
            return &kits[i];
    return NULL;
}

/* What a template's words stand for. */
struct words {
    const char *name;
    char file[80], plugin[120], section[200];
};

static void words_make(struct words *words, const struct kit *kit, const char *name)
{
    words->name = name;
    snprintf(words->file, sizeof words->file, "%s.%s", name, kit->extension);
    if (strcmp(kit->lang, "c") == 0) {
        snprintf(words->plugin, sizeof words->plugin, "%s/./%s.so", kit->kind, name);
        snprintf(words->section, sizeof words->section, "%s", words->plugin);
    } else {
        snprintf(words->plugin, sizeof words->plugin, "%s/%s", kit->kind, kit->lang);
        snprintf(words->section, sizeof words->section, "%s %s", words->plugin, name);
    }
}

static void text_write(FILE *file, const struct words *words, const char *text)
{
    const struct {
        const char *word, *text;
    } known[] = { { "@NAME@", words->name }, { "@FILE@", words->file }, { "@PLUGIN@", words->plugin },
                  { "@SECTION@", words->section } };

    while (*text) {
        size_t plain = strcspn(text, "@"), i = 0;

        fwrite(text, 1, plain, file);
        text += plain;
        while (*text && i < 4 && strncmp(text, known[i].word, strlen(known[i].word)) != 0)
            i++;
        if (*text && i < 4) {
            fputs(known[i].text, file);
            text += strlen(known[i].word);
        } else if (*text)
            fputc(*text++, file);
    }
}

/* One file of the folder, of up to four templates in a row. */
static int file_write(const struct words *words, const char *name, mode_t mode, const char *const texts[4])
{
    char path[160];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", words->name, name);
    if ((file = fopen(path, "wx")) != NULL)
        for (int i = 0; i < 4; i++)
            if (texts[i] != NULL)
                text_write(file, words, texts[i]);
    if (file == NULL || ferror(file) != 0 || fclose(file) != 0 || chmod(path, mode) != 0) {
        fprintf(stderr, "scrip: %s: %s\n", path, strerror(errno));
        return EXIT_STORE;
    }
    printf("%s\n", path);
    return EXIT_DONE;
}

static int is_name(const char *name)
{
    return name[0] >= 'a' && name[0] <= 'z' && strlen(name) <= 60 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(name);
}

int plugin_new(struct use *use)
{
    const char *kind = use->words[1], *name = use->word_count > 2 ? use->words[2] : "", *lang = flag_value(use, "lang", 0);
    const struct kit *kit = kit_find(kind, lang ? lang : "c");
    struct words words;
    char sample[80];
    int is_c, code;

    if (strcmp(kind, "store") == 0)
        return wrong_use("plugin new: a store is more than a page: begin with plugins/store/memory.c, and let scrip plugin check tell "
                         "which clause of plugin.h is missing");
    if (kit == NULL)
        return wrong_use("plugin new: '%s' in '%s': want service (c, lua), source (c, exec), report (c, exec) or currency (c)", kind,
                         lang ? lang : "c");
    if (!is_name(name))
        return wrong_use("plugin new: name '%s': want a to z, 0 to 9, - and _, a letter first, at most 60", name);
    words_make(&words, kit, name);
    if (mkdir(name, 0777) != 0)
        return wrong_use("plugin new: folder %s: %s", name, strerror(errno));
    is_c = strcmp(kit->lang, "c") == 0;
    code = file_write(&words, words.file, strcmp(kit->lang, "exec") == 0 ? 0755 : 0644, (const char *const[4]){ kit->source });
    if (code == EXIT_DONE)
        code = file_write(&words, "scrip.ini", 0644, (const char *const[4]){ kit->configuration });
    snprintf(sample, sizeof sample, "%s.txt", name);
    if (code == EXIT_DONE && kit->sample != NULL)
        code = file_write(&words, sample, 0644, (const char *const[4]){ kit->sample });
    if (code == EXIT_DONE)
        code = file_write(&words, "test.sh", 0755,
                          (const char *const[4]){ template_head_sh, is_c ? template_build_sh : NULL, kit->test, template_tail_sh });
    if (code == EXIT_DONE)
        printf("now: %s/test.sh %s it on a store of its own\n", name, is_c ? "builds it and tries" : "tries");
    return code;
}
