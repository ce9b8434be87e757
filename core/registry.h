/* registry.h - plugins found, proven and loaded; instances configured from their sections. */
#ifndef SCRIP_CORE_REGISTRY_H
#define SCRIP_CORE_REGISTRY_H

#include "config.h"

/* A plugin that was loaded. `api` is a zeroed copy of its constant, cut to what this host knows. */
struct plugin {
    int kind;
    char *name;
    char *file;
    int abi_minor;
    union {
        struct scrip_plugin_head head;
        struct scrip_currency currency;
        struct scrip_service service;
        struct scrip_source source;
        struct scrip_store store;
        struct scrip_report report;
    } api;
    const struct scrip_option *options; /* never NULL: at least the end */
};

/* The value of one option of an instance, checked and parsed. */
struct option_value {
    const struct scrip_option *option;
    const char *suffix;  /* of a family's member; else NULL */
    char *text;          /* a PATH made absolute; "" where absent */
    char **items;        /* of a LIST; NULL-terminated */
    int64_t number;      /* INT, BOOL, TIME, CHOICE (index), DURATION in us where it is fixed */
    struct scrip_decimal decimal;
    int given;           /* 1: in the file or by default */
    char *where;         /* FILE:LINE, or "default" */
};

struct instance {
    struct scrip_ctx ctx; /* ctx.host_private is this instance */
    const struct plugin *plugin;
    const struct config_section *section;
    struct option_value *values;
    size_t value_count, value_room;
    struct scrip_error error; /* of the call that goes on; set by fail */
    void *owner;              /* the host that opened it */
    int is_open;
    uint64_t digest; /* of what decides its prices: plugin, section, digest_add */
    const char *profile; /* of a source: the profile that its section names; else NULL */
    /* Of a source with profile = auto: one for each profile, itself the first. They share its name. */
    struct instance **profiles;
    size_t profile_count, profile_room;
    /* For one call, set by the host around it: */
    void *call;
};

struct registry;

/* folders: where plugins are searched, in this order, as FOLDER/KIND/NAME.so, then FOLDER/NAME.so. */
struct registry *registry_open(const char *const *folders, size_t folder_count);
void registry_close(struct registry *registry); /* frees; never unloads a plugin */

/* Finds and loads a plugin, once. A name with a '/' is a file. Every refusal has a message of its own, and none of the
 * plugin's functions runs before all checks passed. where: "FILE:LINE" of who asked, for messages. */
int registry_load(struct registry *registry, int kind, const char *name, const char *where, struct plugin **out,
                  struct scrip_error *err);
/* All plugins loaded so far. */
size_t registry_count(const struct registry *registry);
const struct plugin *registry_at(const struct registry *registry, size_t index);
/* Every plugin file in the folders that are there, for `scrip plugins`: calls `found` with kind and name of the file's
 * place (kind 0: not in a kind's folder). */
int registry_list(struct registry *registry, void (*found)(void *sink, int kind, const char *name, const char *file),
                  void *sink, struct scrip_error *err);

/* Checks a section against the plugin's option table and `common` (the host's own keys of that kind; may be NULL; ends with
 * SCRIP_OPTIONS_END) and makes an instance of it, not yet opened. Faults name file, line, key, what was found, what is
 * wanted; an unknown key gets the nearest known one as a hint. section may be NULL: all defaults. */
int instance_make(const struct plugin *plugin, const struct config *config, const struct config_section *section,
                  const char *name, const struct scrip_option *common, const struct scrip_host *host, void *owner,
                  struct instance **out, struct scrip_error *err);
void instance_free(struct instance *instance); /* after close */
/* Runs the plugin's open and close. On failure the message is "KIND/NAME INSTANCE: ..." with FILE:LINE of the section. */
int instance_open(struct instance *instance, struct scrip_error *err);
void instance_close(struct instance *instance);
/* The option's value, or NULL where it is absent. A key that no table has ends the process: a bug. */
const struct option_value *instance_option(const struct instance *instance, const char *key);
const char *instance_text(const struct instance *instance, const char *key); /* "" where absent */

/* The host's services of this file: what registry.c implements for struct scrip_host. */
int registry_fail(struct scrip_ctx *ctx, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
void registry_log(struct scrip_ctx *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));
int registry_option_given(struct scrip_ctx *ctx, const char *key);
const char *registry_option_text(struct scrip_ctx *ctx, const char *key);
int64_t registry_option_int(struct scrip_ctx *ctx, const char *key);
void registry_option_decimal(struct scrip_ctx *ctx, const char *key, struct scrip_decimal *out);
const char *registry_option_item(struct scrip_ctx *ctx, const char *key, uint64_t index);
int registry_option_member(struct scrip_ctx *ctx, const char *family, uint64_t index, const char **suffix,
                           const char **value);
const char *registry_option_where(struct scrip_ctx *ctx, const char *key);
void registry_digest_add(struct scrip_ctx *ctx, const void *bytes, uint64_t size);

#endif
