/* usage.h - what services read of a usage: attributes as numbers, and the names under which things are counted. */
#ifndef SCRIP_USAGE_H
#define SCRIP_USAGE_H

#include "number.h"

#include <string.h>

/* An attribute's text, or NULL. */
static inline const char *usage_attribute(const struct scrip_event *event, const char *name)
{
    for (uint64_t i = 0; i < event->attribute_count; i++)
        if (strcmp(event->attributes[i].name, name) == 0)
            return event->attributes[i].value;
    return NULL;
}

/* An attribute as a number. SCRIP_ENOTFOUND where it is missing, SCRIP_EINVALID where it is none; both are told. */
static inline int usage_number(struct scrip_ctx *ctx, const struct scrip_event *event, const char *name,
                               struct scrip_decimal *out)
{
    const char *text = usage_attribute(event, name);

    if (text == NULL)
        return scrip_fail(ctx, SCRIP_ENOTFOUND, "attribute '%s': missing: the price needs it", name);
    if (ctx->host->decimal_parse(text, strlen(text), out) < 0)
        return scrip_fail(ctx, SCRIP_EINVALID, "attribute '%s': want a decimal number, got '%.60s'", name, text);
    return SCRIP_OK;
}

/* ---- what is counted together ------------------------------------------------------------------------------------ */

/* The option `count_by`: what has one count of its own in an account. */
enum usage_count_by { COUNT_BY_PRODUCT, COUNT_BY_USER, COUNT_BY_ACCOUNT };

#define USAGE_OPTION_COUNT_BY                                                                                 \
    {                                                                                                         \
        "count_by", SCRIP_OPTION_CHOICE, "product", "product,user,account", 0,                                \
            "what has a count of its own: each product, each user and product, or the account as a whole"     \
    }

/* A state or timer key: a letter for what it keeps, a start, product and user. Names have no line feed in them. */
struct usage_key {
    char bytes[SCRIP_STATE_KEY_SIZE];
    uint64_t size;
};

static inline void int64_write(char *out, int64_t value)
{
    for (int i = 0; i < 8; i++)
        out[i] = (char)((uint64_t)value >> 8 * i);
}

static inline int64_t int64_read(const void *bytes)
{
    const unsigned char *at = bytes;
    uint64_t value = 0;

    for (int i = 7; i >= 0; i--)
        value = value << 8 | at[i];
    return (int64_t)value;
}

static inline void decimal_write_bytes(char *out, const struct scrip_decimal *value)
{
    int64_write(out, value->whole);
    int64_write(out + 8, value->atto);
}

static inline void decimal_read_bytes(const void *bytes, struct scrip_decimal *out)
{
    out->whole = int64_read(bytes);
    out->atto = int64_read((const char *)bytes + 8);
}

static inline int usage_key(struct scrip_ctx *ctx, char what, int64_t start_us, const char *product, const char *user,
                            struct usage_key *out)
{
    size_t product_size = strlen(product), user_size = strlen(user);

    out->size = 1 + 8 + product_size + 1 + user_size;
    if (out->size > sizeof out->bytes)
        return scrip_fail(ctx, SCRIP_ELIMIT, "product and user: longer than %d bytes together: shorten them",
                          SCRIP_STATE_KEY_SIZE - 10);
    out->bytes[0] = what;
    int64_write(out->bytes + 1, start_us);
    memcpy(out->bytes + 9, product, product_size);
    out->bytes[9 + product_size] = '\n';
    memcpy(out->bytes + 10 + product_size, user, user_size);
    return SCRIP_OK;
}

/* The same for an event, by the option `count_by`. */
static inline int usage_key_of(struct scrip_ctx *ctx, char what, int64_t start_us, const struct scrip_event *event,
                               struct usage_key *out)
{
    int64_t by = ctx->host->option_int(ctx, "count_by");

    return usage_key(ctx, what, start_us, by == COUNT_BY_ACCOUNT ? "" : event->product,
                     by == COUNT_BY_USER ? event->user : "", out);
}

/* A key taken apart again. */
struct usage_names {
    char what;
    int64_t start_us;
    char product[SCRIP_STATE_KEY_SIZE + 1], user[SCRIP_STATE_KEY_SIZE + 1];
};

static inline int usage_names(struct scrip_ctx *ctx, const void *key, uint64_t key_size, struct usage_names *out)
{
    const char *bytes = key, *split;
    size_t size;

    if (key_size < 10 || key_size > SCRIP_STATE_KEY_SIZE || (split = memchr(bytes + 9, '\n', key_size - 9)) == NULL)
        return scrip_fail(ctx, SCRIP_EINVALID, "timer: a key that this service does not set");
    out->what = bytes[0];
    out->start_us = int64_read(bytes + 1);
    size = (size_t)(split - bytes) - 9;
    memcpy(out->product, bytes + 9, size);
    out->product[size] = 0;
    size = key_size - 10 - size;
    memcpy(out->user, split + 1, size);
    out->user[size] = 0;
    return SCRIP_OK;
}

#endif
