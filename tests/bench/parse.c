/* parse.c - what the csv source costs alone: no engine, no store, beside the bare hand loop over the same file.
 *
 *     parse CONFIG SOURCE FILE
 *
 * The source is the plugin itself, configured as for a run; only the host's calls that take rows are others: they
 * count.
 *   lines   the hand loop: cells found, nothing done with them
 *   values  the hand loop, and each row's time and quantity as numbers
 *   fields  the source: rows taken apart, checked, mapped to fields
 *   events  the same, and the host's reading of the fields: names interned, numbers parsed, texts checked
 * Prints a line each: name, rows, seconds. Quantities must come to the same sum. */
#include "hand.h"

#include "host.h"

#include <time.h>

#define ROWS_AT_ONCE 512

/* What the host's calls come back to: here a counter. */
struct scrip_rows {
    struct names *names;
    struct arena arena;
    const struct scrip_name *source;
    int reads_events;
    uint64_t count, bad;
    int64_t tenths;
};

static double now(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static int row_count(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row)
{
    struct event event;

    (void)ctx;
    out->count++;
    if (!out->reads_events)
        return SCRIP_OK;
    if (event_read(&event, row->fields, row->field_count, row->time_us, row->end_us, out->source, out->names,
                   &out->arena, NULL) < 0)
        out->bad++;
    out->tenths += event.shown.quantity.whole * 10 + event.shown.quantity.atto / (SCRIP_ATTO / 10);
    return SCRIP_OK;
}

static int row_bad(struct scrip_ctx *ctx, struct scrip_rows *out, const struct scrip_row *row, const char *format, ...)
{
    (void)ctx;
    (void)row;
    (void)format;
    out->bad++;
    return SCRIP_OK;
}

static void show(const char *name, uint64_t rows, double start)
{
    printf("%s %llu %.4f\n", name, (unsigned long long)rows, now() - start);
}

static int64_t hand_run(const char *file, int takes_values)
{
    double start = now();
    struct hand hand;
    uint64_t rows = 0;
    int64_t tenths = 0, times = 0;

    hand_open(&hand, file);
    hand_line(&hand);
    while (hand_line(&hand)) {
        rows++;
        if (takes_values) {
            times ^= hand_time(&hand.cells[2]);
            tenths += hand_number(&hand.cells[5], 10);
        }
    }
    hand_close(&hand);
    if (takes_values && times == INT64_MIN) /* they are asked for, so that they are made */
        hand_die("times");
    show(takes_values ? "values" : "lines", rows, start);
    return tenths;
}

static int64_t source_run(struct instance *source, const char *file, int reads_events)
{
    const struct scrip_source *api = &source->plugin->api.source;
    struct scrip_cursor cursor = { 0 };
    struct scrip_rows rows = { .names = names_open(), .reads_events = reads_events };
    double start = now();
    int more = api->feed_open(&source->ctx, file, &cursor) < 0 ? -1 : 1;

    rows.source = names_add(rows.names, "usage", 5);
    while (more > 0) {
        more = api->read(&source->ctx, &rows, ROWS_AT_ONCE);
        arena_reset(&rows.arena);
    }
    api->feed_close(&source->ctx);
    if (more < 0 || rows.bad)
        hand_die(source->error.message[0] ? source->error.message : "a row could not be read");
    show(reads_events ? "events" : "fields", rows.count, start);
    names_close(rows.names);
    arena_free(&rows.arena);
    return rows.tenths;
}

static struct instance *source_find(struct scrip *scrip, const char *name)
{
    for (size_t i = 0; i < scrip->source_count; i++)
        if (strcmp(scrip->sources[i]->ctx.instance, name) == 0)
            return scrip->sources[i];
    hand_die("the configuration has no such source");
    return NULL;
}

int main(int argc, char **argv)
{
    struct scrip_error err = { 0 };
    struct scrip_host table;
    struct instance *source;
    struct scrip *scrip;
    int64_t tenths;

    if (argc != 4) {
        fputs("usage: parse CONFIG SOURCE FILE\n", stderr);
        return 2;
    }
    if (scrip_open(argv[1], SCRIP_ACCESS_PLUGINS, &scrip, &err) < 0)
        hand_die(err.message);
    source = source_find(scrip, argv[2]);
    table = *source->ctx.host;
    table.row_add = table.row_skip = row_count;
    table.row_bad = row_bad;
    source->ctx.host = &table;
    hand_run(argv[3], 0);
    tenths = hand_run(argv[3], 1);
    source_run(source, argv[3], 0);
    if (source_run(source, argv[3], 1) != tenths)
        hand_die("the source and the hand loop read different quantities");
    scrip_close(scrip);
    return 0;
}
