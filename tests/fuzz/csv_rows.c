/* csv_rows.c - the source `csv` on any bytes: the first picks a section, the rest is a feed in a file.
 *
 * Its rows are the feed's bytes, one after the other with their lines; they are the same however few are asked for at a
 * time; and from wherever a run left off, the next one gives the rest of them, with the same ids. Of a feed that is still
 * being written they are the first of those that it has when it is whole.
 */
#include "fuzz.h"

#include "../../plugins/source/csv.c"

#include "calendar.h"
#include "event.h"
#include "hash.h"
#include "money.h"

struct pair {
    const char *key, *value;
};

/* The sections; what all share stands in `always`. */
static const struct pair always[] = { { "map.time", "time" },   { "map.product", "product" },   { "map.user", "user?" },
                                      { "const.account", "t" }, { "map.quantity", "quantity?" } };
static const struct pair sections[][8] = {
    { { "map.attribute.note", "note?" } },
    { { "map.id", "id?" }, { "map.reason", "note" } },
    { { "delimiter", "semicolon" }, { "decimal", "comma" }, { "amounts", "loose" }, { "time", "%d.%m.%Y %H:%M" },
      { "zone", "Europe/Berlin" }, { "const.attribute.pool", "CY" } },
    { { "identity", "product,note" }, { "skip.product", "skipped, \"a, b\"" }, { "map.scope.products", "note" } },
    { { "header", "time,product,user,quantity,note,id" }, { "map.end", "note?" }, { "filter.user", "ann,bob," },
      { "skip_lines", "1" } },
};
#define SECTION_COUNT (sizeof sections / sizeof *sections)

/* One row as it was given. */
struct given {
    uint64_t position, size, line;
    uint64_t fate;
    uint64_t fields; /* a hash of them */
};

static struct {
    const struct pair *section;
    const uint8_t *feed;
    size_t size;
    struct given *rows;
    size_t count, room;
    uint64_t at; /* of the feed, behind the last row */
    int grows;   /* the feed is said to be still being written */
    struct names *names;
    struct arena arena;
} test;

/* ---- a host, as far as the plugin needs one ------------------------------------------------- */

static const char *option_find(const char *key)
{
    for (size_t i = 0; i < 8 && test.section[i].key; i++)
        if (strcmp(test.section[i].key, key) == 0)
            return test.section[i].value;
    for (const struct scrip_option *option = options; option->key != NULL; option++)
        if (strcmp(option->key, key) == 0)
            return option->fallback ? option->fallback : "";
    abort();
}

static const char *host_text(struct scrip_ctx *ctx, const char *key)
{
    (void)ctx;
    return option_find(key);
}

static int64_t host_int(struct scrip_ctx *ctx, const char *key)
{
    (void)ctx;
    return strtoll(option_find(key), NULL, 10);
}

static const char *host_item(struct scrip_ctx *ctx, const char *key, uint64_t index)
{
    static char item[64];
    const char *text = option_find(key);

    (void)ctx;
    while (index-- > 0 && *text)
        text = *strchrnul(text, ',') ? strchrnul(text, ',') + 1 : "";
    snprintf(item, sizeof item, "%.*s", (int)strcspn(text, ","), text);
    if (item[0] == 0)
        return NULL;
    return arena_text(&test.arena, item, strlen(item));
}

static int host_member(struct scrip_ctx *ctx, const char *family, uint64_t index, const char **suffix,
                       const char **value)
{
    size_t size = strlen(family) - 1;

    (void)ctx;
    for (size_t i = 0; i < sizeof always / sizeof *always + 8; i++) {
        const struct pair *pair = i < 8 ? &test.section[i] : &always[i - 8];

        if (pair->key == NULL || strncmp(pair->key, family, size) != 0 || index-- > 0)
            continue;
        *suffix = pair->key + size;
        *value = pair->value;
        return SCRIP_OK;
    }
    return SCRIP_ENOTFOUND;
}

static int host_fail(struct scrip_ctx *ctx, int code, const char *format, ...)
{
    char text[SCRIP_MESSAGE_SIZE];
    va_list list;

    (void)ctx;
    va_start(list, format);
    PROMISE(vsnprintf(text, sizeof text, format, list) > 0);
    va_end(list);
    return code;
}

static void host_log(struct scrip_ctx *ctx, const char *format, ...)
{
    (void)ctx;
    (void)format;
}

/* Whatever lies between the last row and this one is an empty line. */
static void place_check(const struct scrip_row *row)
{
    uint64_t start = row->position - row->size, line = 1;

    PROMISE(row->size > 0 && row->position <= test.size && start >= test.at);
    PROMISE(memcmp(test.feed + start, row->bytes, row->size) == 0);
    for (uint64_t i = test.at; test.at > 0 && i < start; i++)
        PROMISE(test.feed[i] == '\n' || test.feed[i] == '\r');
    for (uint64_t i = 0; i < start; i++)
        line += test.feed[i] == '\n';
    PROMISE(row->line == line);
    test.at = row->position;
}

static int row_keep(const struct scrip_row *row, uint64_t fate)
{
    struct given *given;

    place_check(row);
    ARRAY_ROOM(test.rows, test.count, test.room);
    given = &test.rows[test.count++];
    *given = (struct given){ row->position, row->size, row->line, fate, 0 };
    for (uint64_t i = 0; fate == 0 && i < row->field_count; i++) {
        const struct scrip_field *field = &row->fields[i];

        given->fields = hash_mix(given->fields, hash_mix(field->key, hash_short(field->text, field->size)));
        PROMISE(field->key != SCRIP_F_ID || field->size <= SCRIP_ROW_SIZE);
    }
    return SCRIP_OK;
}

static int host_row_add(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row)
{
    struct scrip_error err = { 0 };
    struct event event;

    (void)ctx;
    (void)out;
    PROMISE(event_read(&event, row->fields, row->field_count, row->time_us, row->end_us, names_add(test.names, "feed", 4),
                       test.names, &test.arena, &err) == SCRIP_OK || err.message[0]);
    return row_keep(row, 0);
}

static int host_row_skip(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row)
{
    (void)ctx;
    (void)out;
    return row_keep(row, 1);
}

static int host_row_bad(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row, const char *format,
                        ...)
{
    char text[SCRIP_MESSAGE_SIZE * 2];
    va_list list;

    (void)ctx;
    (void)out;
    va_start(list, format);
    PROMISE(vsnprintf(text, sizeof text, format, list) > 0 && strlen(text) < SCRIP_MESSAGE_SIZE);
    va_end(list);
    PROMISE(csv_is_utf8(text, strlen(text)) || !csv_is_utf8(row->bytes, row->size));
    return row_keep(row, 2);
}

static const char *host_where(struct scrip_ctx *ctx, const char *key)
{
    (void)ctx;
    (void)key;
    return "fuzz.ini:1";
}

static int host_grows(struct scrip_ctx *ctx)
{
    (void)ctx;
    return test.grows;
}

static void host_size(struct scrip_ctx *ctx, uint64_t size)
{
    (void)ctx;
    (void)size;
}

static const struct scrip_host host = {
    .size = sizeof host,         .fail = host_fail,           .log = host_log,         .option_text = host_text,
    .option_int = host_int,
    .option_item = host_item,    .option_member = host_member, .decimal_parse = decimal_parse, .time_parse = time_parse,
    .time_write = time_write,    .hash = hash_short,          .row_add = host_row_add, .row_skip = host_row_skip,
    .row_bad = host_row_bad,     .option_where = host_where,  .feed_grows = host_grows, .feed_size = host_size,
};

/* ---- the promises --------------------------------------------------------------------------- */

/* The rows behind `from`, at most `limit` at a time, into test.rows from `count` on. 0: the feed was refused. */
static int rows_read(struct scrip_ctx *ctx, const char *path, const struct scrip_cursor *from, uint64_t limit)
{
    int code = scrip_plugin.feed_open(ctx, path, from);

    test.at = from->position;
    while (code >= 0 && (code = scrip_plugin.read(ctx, NULL, limit)) > 0)
        ;
    scrip_plugin.feed_close(ctx);
    return code == 0;
}

static void rows_compare(size_t from, size_t first, size_t count)
{
    PROMISE(test.count - from == count);
    for (size_t i = 0; i < count; i++)
        PROMISE(memcmp(&test.rows[from + i], &test.rows[first + i], sizeof *test.rows) == 0);
}

static void again_check(struct scrip_ctx *ctx, const char *path, size_t count)
{
    struct scrip_cursor from = { 0 };

    PROMISE(rows_read(ctx, path, &from, 1));
    rows_compare(count, 0, count);
    test.count = count;
    for (size_t step = 1 + count / 8, i = 0; i < count; i += step) {
        const struct given *row = &test.rows[i];

        from.position = row->position;
        from.tail_size = row->size;
        from.tail_hash = hash_short(test.feed + row->position - row->size, row->size);
        from.line = row->line;
        for (uint64_t at = row->position - row->size; at < row->position; at++)
            from.line += test.feed[at] == '\n';
        PROMISE(rows_read(ctx, path, &from, 3));
        rows_compare(count, i + 1, count - i - 1);
        test.count = count;
    }
}

/* Of a feed that is still being written, only what its end may have cut is left: the rows before are the same. */
static void grows_check(struct scrip_ctx *ctx, const char *path, size_t count)
{
    struct scrip_cursor start = { 0 };

    test.grows = 1;
    if (rows_read(ctx, path, &start, 2)) {
        PROMISE(test.count <= 2 * count);
        for (size_t i = count; i < test.count; i++)
            PROMISE(memcmp(&test.rows[i], &test.rows[i - count], sizeof *test.rows) == 0);
        PROMISE(test.count == count || test.feed[test.rows[test.count - 1].position - 1] == '\n');
    }
    test.grows = 0;
    test.count = count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct scrip_ctx contexts[SECTION_COUNT]; /* an instance reads many feeds, one after the other */
    struct scrip_cursor start = { 0 };
    struct scrip_ctx *ctx;
    char path[64];
    int fd;

    if (size < 1)
        return 0;
    memset(&test, 0, sizeof test);
    test.section = sections[data[0] % SECTION_COUNT];
    test.feed = data + 1;
    test.size = size - 1;
    test.names = names_open();
    fd = fuzz_file(test.feed, test.size, path);
    ctx = &contexts[data[0] % SECTION_COUNT];
    if (ctx->host == NULL) {
        ctx->host = &host;
        ctx->instance = "feed";
        PROMISE(scrip_plugin.open(ctx) == SCRIP_OK);
    }
    scrip_plugin.claims(ctx, path, (const char *)test.feed, test.size);
    if (rows_read(ctx, path, &start, 512)) {
        for (uint64_t i = test.at; test.at > 0 && i < test.size; i++)
            PROMISE(test.feed[i] == '\n' || test.feed[i] == '\r');
        again_check(ctx, path, test.count);
        grows_check(ctx, path, test.count);
    }
    close(fd);
    names_close(test.names);
    arena_free(&test.arena);
    free(test.rows);
    return 0;
}
