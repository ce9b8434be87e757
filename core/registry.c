/* registry.c - plugins found, proven and loaded: nothing of one runs before all of it was checked. */
#include "registry.h"

#include "error.h"
#include "event.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct registry {
    char **folders;
    size_t folder_count;
    struct plugin **plugins;
    size_t count, room;
};

/* What a kind's constant must have: its size in each minor of the ABI, and the functions that are required. */
static const struct {
    uint32_t sizes[SCRIP_ABI_MINOR + 1];
    size_t required[9]; /* offsets */
    const char *names[9]; /* NULL ends */
} kinds[] = {
    [SCRIP_CURRENCY] = { { SCRIP_CURRENCY_SIZE_0 },
                         { offsetof(struct scrip_currency, policy), offsetof(struct scrip_currency, grant) },
                         { "policy", "grant" } },
    [SCRIP_SERVICE] = { { SCRIP_SERVICE_SIZE_0 }, { offsetof(struct scrip_service, quote) }, { "quote" } },
    [SCRIP_SOURCE] = { { SCRIP_SOURCE_SIZE_0 },
                       { offsetof(struct scrip_source, feed_open), offsetof(struct scrip_source, read),
                         offsetof(struct scrip_source, feed_close) },
                       { "feed_open", "read", "feed_close" } },
    [SCRIP_STORE] = { { SCRIP_STORE_SIZE_0 },
                      { offsetof(struct scrip_store, begin), offsetof(struct scrip_store, commit),
                        offsetof(struct scrip_store, scan), offsetof(struct scrip_store, event_find),
                        offsetof(struct scrip_store, source_last), offsetof(struct scrip_store, state_find),
                        offsetof(struct scrip_store, cursor_find), offsetof(struct scrip_store, check) },
                      { "begin", "commit", "scan", "event_find", "source_last", "state_find", "cursor_find",
                        "check" } },
    [SCRIP_REPORT] = { { SCRIP_REPORT_SIZE_0 }, { offsetof(struct scrip_report, row) }, { "row" } },
};

struct registry *registry_open(const char *const *folders, size_t folder_count)
{
    struct registry *registry = memory_get(sizeof *registry);

    registry->folders = memory_get((folder_count + 1) * sizeof *registry->folders);
    for (size_t i = 0; i < folder_count; i++)
        registry->folders[i] = memory_text(folders[i]);
    registry->folder_count = folder_count;
    return registry;
}

void registry_close(struct registry *registry)
{
    for (size_t i = 0; i < registry->count; i++) {
        free(registry->plugins[i]->name);
        free(registry->plugins[i]->file);
        free(registry->plugins[i]);
    }
    free(registry->plugins);
    for (size_t i = 0; i < registry->folder_count; i++)
        free(registry->folders[i]);
    free(registry->folders);
    free(registry);
}

/* ---- finding -------------------------------------------------------------------------------------------------- */

static char *file_try(const char *folder, const char *kind, const char *name)
{
    char *path = kind ? memory_print("%s/%s/%s.so", folder, kind, name) : memory_print("%s/%s.so", folder, name);

    if (access(path, F_OK) == 0)
        return path; /* whether it can be read is told when it is */
    free(path);
    return NULL;
}

static char *file_find(const struct registry *registry, int kind, const char *name)
{
    char *path = NULL;

    for (size_t i = 0; i < registry->folder_count && path == NULL; i++)
        if ((path = file_try(registry->folders[i], kind_names[kind], name)) == NULL)
            path = file_try(registry->folders[i], NULL, name);
    return path;
}

static int missing_fault(const struct registry *registry, int kind, const char *name, const char *where,
                         struct scrip_error *err)
{
    char folders[SCRIP_MESSAGE_SIZE] = "";
    size_t used = 0;

    for (size_t i = 0; i < registry->folder_count && used < sizeof folders; i++)
        used += (size_t)snprintf(folders + used, sizeof folders - used, "%s%s", i ? ", " : "", registry->folders[i]);
    return error_set(err, SCRIP_ENOTFOUND, "%s: plugin %s/%s: not found in %s: correct the name, or add its folder to "
                     "plugins = in [scrip]", where, kind_names[kind], name, folders);
}

/* ---- proving -------------------------------------------------------------------------------------------------- */

struct proof {
    int kind;
    const char *name, *file, *where;
    struct scrip_error *err;
};

static int refuse(const struct proof *proof, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int refuse(const struct proof *proof, const char *format, ...)
{
    char what[SCRIP_MESSAGE_SIZE];
    va_list list;

    va_start(list, format);
    vsnprintf(what, sizeof what, format, list);
    va_end(list);
    return error_set(proof->err, SCRIP_EINVALID, "%s: plugin %s: %s", proof->where, proof->file, what);
}

/* The loader maps what the program headers name and dies of a bus error where the file ends before: a copy that broke
 * off. */
static int is_whole(FILE *in, const ElfW(Ehdr) *head)
{
    ElfW(Phdr) part;
    struct stat info;

    if (fstat(fileno(in), &info) != 0 || head->e_phentsize != sizeof part)
        return 0;
    for (size_t i = 0; i < head->e_phnum; i++)
        if (fseeko(in, (off_t)(head->e_phoff + i * sizeof part), SEEK_SET) != 0 ||
            fread(&part, sizeof part, 1, in) != 1 ||
            part.p_offset > (uint64_t)info.st_size || part.p_filesz > (uint64_t)info.st_size - part.p_offset)
            return 0;
    return 1;
}

/* Before the loader sees it: is it a shared object at all, and all of it? What is made for another machine is left to
 * the loader, which refuses it by name. */
static int elf_check(const struct proof *proof)
{
    ElfW(Ehdr) head = { 0 };
    const uint16_t one = 1;
    FILE *in = fopen(proof->file, "rb");
    int is_own, is_cut;

    if (in == NULL)
        return refuse(proof, "%s", strerror(errno));
    if (fread(&head, 1, sizeof head, in) < SELFMAG || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0) {
        fclose(in);
        return refuse(proof, "is not an ELF file: build it with cc -shared -fPIC");
    }
    is_own = head.e_ident[EI_CLASS] == (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) &&
             head.e_ident[EI_DATA] == (*(const uint8_t *)&one ? ELFDATA2LSB : ELFDATA2MSB);
    is_cut = head.e_ident[EI_CLASS] == 0 || (is_own && !is_whole(in, &head));
    fclose(in);
    if (is_own && head.e_type != ET_DYN && head.e_type != ET_NONE)
        return refuse(proof, "is an ELF file, but not a shared object: build it with cc -shared -fPIC");
    if (is_cut)
        return refuse(proof, "is an ELF file that breaks off: copy or build it again");
    return SCRIP_OK;
}

static int head_check(const struct proof *proof, const struct scrip_plugin_head *head)
{
    if (head->magic != SCRIP_MAGIC)
        return refuse(proof, "magic 0x%08x, want 0x%08x: fill scrip_plugin with the macro of its kind", head->magic,
                      SCRIP_MAGIC);
    if (head->abi_major != SCRIP_ABI_MAJOR)
        return refuse(proof, "built for ABI %u.%u, this host has %d.%d: build it against this host's plugin.h",
                      head->abi_major, head->abi_minor, SCRIP_ABI_MAJOR, SCRIP_ABI_MINOR);
    if (head->abi_minor > SCRIP_ABI_MINOR)
        return refuse(proof, "asks for ABI %u.%u, this host has %d.%d: use a newer scrip", head->abi_major,
                      head->abi_minor, SCRIP_ABI_MAJOR, SCRIP_ABI_MINOR);
    if (head->kind != (uint32_t)proof->kind)
        return refuse(proof, "is a %s, but a %s was asked for: name it in a [%s/...] section",
                      head->kind >= 1 && head->kind <= SCRIP_REPORT ? kind_names[head->kind] : "plugin of no kind",
                      kind_names[proof->kind],
                      head->kind >= 1 && head->kind <= SCRIP_REPORT ? kind_names[head->kind] : "KIND");
    if (head->size != kinds[proof->kind].sizes[head->abi_minor])
        return refuse(proof, "its constant has %u bytes, ABI %u.%u has %u for a %s: build it against plugin.h",
                      head->size, head->abi_major, head->abi_minor, kinds[proof->kind].sizes[head->abi_minor],
                      kind_names[proof->kind]);
    if (head->name == NULL || name_check(head->name, strlen(head->name)) < 0)
        return refuse(proof, "has no name: give the macro one of 1 to 255 bytes");
    if (strcmp(head->name, proof->name) != 0)
        return refuse(proof, "is named '%s', but '%s' was asked for: rename one of both", head->name, proof->name);
    if (head->summary == NULL)
        return refuse(proof, "has no summary: give the macro one");
    return SCRIP_OK;
}

static int functions_check(const struct proof *proof, const void *constant)
{
    for (size_t i = 0; kinds[proof->kind].names[i] != NULL; i++) {
        void *function;

        memcpy(&function, (const char *)constant + kinds[proof->kind].required[i], sizeof function);
        if (function == NULL && proof->kind == SCRIP_REPORT && ((const struct scrip_report *)constant)->deliver != NULL)
            continue;
        if (function == NULL)
            return refuse(proof, "has no %s: a %s must have one", kinds[proof->kind].names[i], kind_names[proof->kind]);
    }
    return SCRIP_OK;
}

/* What is set behind the size that was asked for would never be called: the author forgot to ask for its minor. */
static int rest_check(const struct proof *proof, const struct scrip_plugin_head *head)
{
    const ElfW(Sym) *symbol = NULL;
    Dl_info info;

    if (dladdr1(head, &info, (void **)&symbol, RTLD_DL_SYMENT) == 0 || symbol == NULL || info.dli_saddr != head)
        return SCRIP_OK; /* the loader does not tell how much there is */
    for (uint64_t at = head->size; at < symbol->st_size; at++)
        if (((const char *)head)[at] != 0)
            return refuse(proof,
                          "sets members that ABI %u.%u, which it asks for, does not have: #define SCRIP_WANTS_MINOR to "
                          "theirs before it includes plugin.h",
                          head->abi_major, head->abi_minor);
    return SCRIP_OK;
}

static int options_check(const struct proof *proof, const struct scrip_option *options)
{
    for (size_t i = 0; options && options[i].key != NULL; i++) {
        const struct scrip_option *option = &options[i];

        if (i == 256)
            return refuse(proof, "more than 256 options: end the table with SCRIP_OPTIONS_END");
        if (option->key[0] == 0 || strlen(option->key) > 48)
            return refuse(proof, "option %zu: its key has not 1 to 48 bytes", i);
        if (option->type > SCRIP_OPTION_ZONE)
            return refuse(proof, "option '%s': no such type", option->key);
        if (option->type == SCRIP_OPTION_CHOICE && option->choices == NULL)
            return refuse(proof, "option '%s': a choice without choices", option->key);
        if (option->help == NULL)
            return refuse(proof, "option '%s': has no help", option->key);
        for (size_t j = 0; j < i; j++)
            if (strcmp(options[j].key, option->key) == 0)
                return refuse(proof, "option '%s': declared twice", option->key);
    }
    return SCRIP_OK;
}

/* ---- loading -------------------------------------------------------------------------------------------------- */

static const void *constant_get(const struct proof *proof)
{
    void *handle, *constant;
    const char *why;

    if (elf_check(proof) < 0)
        return NULL;
    handle = dlopen(proof->file, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        why = dlerror(); /* clears itself */
        refuse(proof, "cannot be loaded: %s", why ? why : "the loader does not say why");
        return NULL;
    }
    constant = dlsym(handle, "scrip_plugin");
    if (constant == NULL)
        refuse(proof, "exports no scrip_plugin: fill it with the macro of its kind");
    return constant;
}

int registry_load(struct registry *registry, int kind, const char *name, const char *where, struct plugin **out,
                  struct scrip_error *err)
{
    static const struct scrip_option none[] = { SCRIP_OPTIONS_END };
    char *file = strchr(name, '/') ? memory_text(name) : file_find(registry, kind, name);
    const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
    char *wanted = memory_text_part(base, strchr(name, '/') ? strcspn(base, ".") : strlen(base));
    struct proof proof = { kind, wanted, file, where, err };
    const struct scrip_service *constant; /* the members that all kinds share */
    struct plugin *plugin;
    int code = SCRIP_EINVALID;

    *out = NULL;
    for (size_t i = 0; i < registry->count && file; i++)
        if (registry->plugins[i]->kind == kind && strcmp(registry->plugins[i]->file, file) == 0)
            *out = registry->plugins[i];
    if (file == NULL)
        code = missing_fault(registry, kind, name, where, err);
    else if (*out != NULL)
        code = SCRIP_OK;
    else if ((constant = constant_get(&proof)) != NULL && (code = head_check(&proof, &constant->head)) == SCRIP_OK &&
             (code = rest_check(&proof, &constant->head)) == SCRIP_OK &&
             (code = functions_check(&proof, constant)) == SCRIP_OK &&
             (code = options_check(&proof, constant->options)) == SCRIP_OK) {
        plugin = memory_get(sizeof *plugin);
        plugin->kind = kind;
        plugin->name = memory_text(constant->head.name);
        plugin->file = memory_text(file);
        plugin->abi_minor = constant->head.abi_minor;
        memcpy(&plugin->api, constant,
               constant->head.size < sizeof plugin->api ? constant->head.size : sizeof plugin->api);
        plugin->options = constant->options ? constant->options : none;
        ARRAY_ROOM(registry->plugins, registry->count, registry->room);
        *out = registry->plugins[registry->count++] = plugin;
    }
    free(wanted);
    free(file);
    return code;
}

size_t registry_count(const struct registry *registry)
{
    return registry->count;
}

const struct plugin *registry_at(const struct registry *registry, size_t index)
{
    return registry->plugins[index];
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A folder that is not there holds nothing; one that cannot be read is a fault. */
static int folder_list(const char *folder, int kind,
                       void (*found)(void *sink, int kind, const char *name, const char *file), void *sink,
                       struct scrip_error *err)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    char **names = NULL;
    size_t count = 0, room = 0;

    if (dir == NULL && errno != ENOENT && errno != ENOTDIR)
        return error_set(err, SCRIP_EIO, "%s: %s", folder, strerror(errno));
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        size_t size = strlen(entry->d_name);

        if (size > 3 && strcmp(entry->d_name + size - 3, ".so") == 0) {
            ARRAY_ROOM(names, count, room);
            names[count++] = memory_text_part(entry->d_name, size - 3);
        }
    }
    if (dir != NULL)
        closedir(dir);
    if (count)
        qsort(names, count, sizeof *names, by_text);
    for (size_t i = 0; i < count; i++) {
        char *file = memory_print("%s/%s.so", folder, names[i]);

        found(sink, kind, names[i], file);
        free(file);
        free(names[i]);
    }
    free(names);
    return SCRIP_OK;
}

int registry_list(struct registry *registry, void (*found)(void *sink, int kind, const char *name, const char *file),
                  void *sink, struct scrip_error *err)
{
    int code = SCRIP_OK;

    for (size_t i = 0; i < registry->folder_count && code == SCRIP_OK; i++) {
        for (int kind = 1; kind_names[kind] != NULL && code == SCRIP_OK; kind++) {
            char *folder = memory_print("%s/%s", registry->folders[i], kind_names[kind]);

            code = folder_list(folder, kind, found, sink, err);
            free(folder);
        }
        if (code == SCRIP_OK)
            code = folder_list(registry->folders[i], 0, found, sink, err);
    }
    return code;
}
