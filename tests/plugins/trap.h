/* trap.h - functions that must never run: each leaves a mark and ends the process. For plugins that the host must
 * refuse. */
#ifndef SCRIP_TESTS_TRAP_H
#define SCRIP_TESTS_TRAP_H

#include <scrip/plugin.h>

#include <stdio.h>
#include <stdlib.h>

/* Leaves a file at the path that the test gives in its environment. */
static inline void mark(void)
{
    const char *path = getenv("SCRIP_TEST_MARK");
    FILE *out = path ? fopen(path, "w") : NULL;

    if (out != NULL)
        fclose(out);
}

static inline int trap(void)
{
    mark();
    abort();
}

static inline int trap_open(struct scrip_ctx *ctx)
{
    (void)ctx;
    return trap();
}

static inline void trap_close(struct scrip_ctx *ctx)
{
    (void)ctx;
    trap();
}

static inline int trap_quote(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    (void)ctx, (void)event, (void)out;
    return trap();
}

static inline int trap_policy(struct scrip_ctx *ctx, struct scrip_policy *out)
{
    (void)ctx, (void)out;
    return trap();
}

static inline int trap_grant(struct scrip_ctx *ctx, struct scrip_grant *grant, void *key, uint64_t *key_size)
{
    (void)ctx, (void)grant, (void)key, (void)key_size;
    return trap();
}

static inline int trap_feeds(struct scrip_ctx *ctx, struct scrip_rows *out)
{
    (void)ctx, (void)out;
    return trap();
}

static inline int trap_claims(struct scrip_ctx *ctx, const char *feed, const char *start, uint64_t start_size)
{
    (void)ctx, (void)feed, (void)start, (void)start_size;
    return trap();
}

static inline int trap_feed_open(struct scrip_ctx *ctx, const char *feed, const struct scrip_cursor *from)
{
    (void)ctx, (void)feed, (void)from;
    return trap();
}

static inline int trap_read(struct scrip_ctx *ctx, struct scrip_rows *out, uint64_t limit)
{
    (void)ctx, (void)out, (void)limit;
    return trap();
}

static inline int trap_begin(struct scrip_ctx *ctx, const char *title, const struct scrip_column *columns,
                             uint64_t column_count)
{
    (void)ctx, (void)title, (void)columns, (void)column_count;
    return trap();
}

static inline int trap_row(struct scrip_ctx *ctx, const struct scrip_cell *cells, uint64_t cell_count)
{
    (void)ctx, (void)cells, (void)cell_count;
    return trap();
}

static inline int trap_session(struct scrip_ctx *ctx, int session)
{
    (void)ctx, (void)session;
    return trap();
}

static inline int trap_commit(struct scrip_ctx *ctx, const struct scrip_commit *commit)
{
    (void)ctx, (void)commit;
    return trap();
}

static inline int trap_scan(struct scrip_ctx *ctx, const struct scrip_scan *scan)
{
    (void)ctx, (void)scan;
    return trap();
}

static inline int trap_event_find(struct scrip_ctx *ctx, const char *account, const char *source, const char *id,
                                  uint64_t id_size, const struct scrip_event_row **out)
{
    (void)ctx, (void)account, (void)source, (void)id, (void)id_size, (void)out;
    return trap();
}

static inline int trap_source_last(struct scrip_ctx *ctx, const char *source, char *out)
{
    (void)ctx, (void)source, (void)out;
    return trap();
}

static inline int trap_state_find(struct scrip_ctx *ctx, const char *account, const char *service, const void *key,
                                  uint64_t key_size, void *value, uint64_t *size, int64_t *discard_after_us)
{
    (void)ctx, (void)account, (void)service, (void)key, (void)key_size, (void)value, (void)size, (void)discard_after_us;
    return trap();
}

static inline int trap_cursor_find(struct scrip_ctx *ctx, const char *source, const char *feed,
                                   struct scrip_cursor *out)
{
    (void)ctx, (void)source, (void)feed, (void)out;
    return trap();
}

static inline int trap_check(struct scrip_ctx *ctx, int (*finding)(void *sink, const char *text), void *sink)
{
    (void)ctx, (void)finding, (void)sink;
    return trap();
}

/* A service whose head is written by hand: each refusal has one number or text that is wrong. */
#define TRAP_SERVICE(magic_, major_, minor_, size_, name_, summary_)                                          \
    SCRIP_EXPORT extern const struct scrip_service scrip_plugin;                                              \
    const struct scrip_service scrip_plugin = {                                                               \
        .head = { (magic_), (major_), (minor_), SCRIP_SERVICE, (size_), (name_), (summary_) },                \
        .open = trap_open,                                                                                    \
        .close = trap_close,                                                                                  \
        .quote = trap_quote }

#endif
