/* configuration.c - configurations: read whole or refused with file and line; no value that the file does not hold. */
#include "fuzz.h"

#include "config.h"

#include <scrip/scrip.h>

/* The text of a line, from 1; its size without the line end. */
static const char *line_at(const char *text, size_t size, int line, size_t *line_size)
{
    const char *end = text + size, *stop;

    while (line-- > 1) {
        stop = memchr(text, '\n', (size_t)(end - text));
        PROMISE(stop != NULL);
        text = stop + 1;
    }
    stop = memchr(text, '\n', (size_t)(end - text));
    *line_size = (size_t)((stop ? stop : end) - text);
    return text;
}

static void item_check(const struct config_item *item, const char *text, size_t size)
{
    size_t line_size, key_size = strlen(item->key), value_size = strlen(item->value);
    const char *line = line_at(text, size, item->line, &line_size), *at;

    at = memmem(line, line_size, item->key, key_size);
    PROMISE(at != NULL);
    /* A value stands behind its key as a whole, up to the line's end or a comment. */
    if (value_size == 0)
        return;
    for (at += key_size; at < line + line_size && strchr(" \t", *at) != NULL;)
        at++;
    PROMISE(at < line + line_size && (*at == '=' || *at == ':'));
    at++;
    at = memmem(at, (size_t)(line + line_size - at), item->value, value_size);
    PROMISE(at != NULL);
    for (at += value_size; at < line + line_size && strchr(" \t\r", *at) != NULL;)
        at++;
    PROMISE(at == line + line_size || *at == ';');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scrip_error err = { 0 };
    struct config *config;
    char path[64];
    int fd = fuzz_file(data, size, path);
    int code = config_read(path, &config, &err);

    if (code < 0) {
        PROMISE(config == NULL && strncmp(err.message, path, strlen(path)) == 0 && err.message[strlen(path)] == ':');
        close(fd);
        return 0;
    }
    for (size_t i = 0; i < config->section_count; i++) {
        const struct config_section *section = &config->sections[i];

        PROMISE((section->kind == 0) == (section->plugin[0] == 0));
        for (size_t k = 0; k < section->item_count; k++) {
            item_check(&section->items[k], (const char *)data, size);
            PROMISE(config_find(section, section->items[k].key) == &section->items[k]);
        }
    }
    PROMISE(config_host(config) != NULL);
    config_free(config);
    close(fd);
    return 0;
}
