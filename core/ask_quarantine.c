/* ask_quarantine.c - what could not be taken in: row by row, or counted by what the rows have in common. */
#include "ask.h"

#include "hash.h"

#include <ctype.h>
#include <stdio.h>

/* ---- rows ----------------------------------------------------------------------------------------------------- */

enum dimension { BY_NONE, BY_CLASS, BY_REASON, BY_SOURCE, BY_FEED };

static const char *const dimensions[] = { "", "class", "reason", "source", "feed" };

struct counted {
    char *text;
    uint64_t rows;
};

struct quarantine_listing {
    struct table table;
    struct bytes shown[3]; /* room for what is no text */
    const char *key;
    uint64_t found;
    /* Where it is counted: */
    enum dimension by;
    struct bytes text;
    struct counted *counted;
    size_t count, room;
    size_t *slots; /* open addressing over counted: index + 1 */
    size_t slot_count;
};

/* Bytes as text: what is no UTF-8 is shown as \\xff, so that every format can hold it. */
static const char *bytes_shown(const char *text, struct bytes *room)
{
    size_t size = strlen(text), n;
    char hex[8];

    if (utf8_check(text, size, 1) == SCRIP_OK)
        return text;
    room->size = 0;
    for (size_t i = 0; i < size; i += n) {
        n = (unsigned char)text[i] < 0x80 ? 1 : 2;
        while (n > 1 && n <= 4 && (n > size - i || utf8_check(text + i, n, 1) < 0))
            n++;
        if (n <= 4)
            bytes_add(room, text + i, n);
        else {
            snprintf(hex, sizeof hex, "\\x%02x", (unsigned char)text[i]);
            bytes_add(room, hex, 4);
            n = 1;
        }
    }
    bytes_add(room, "", 1);
    return (const char *)room->start;
}

static int quarantine_row(void *sink, const void *found)
{
    struct quarantine_listing *listing = sink;
    const struct scrip_quarantine_row *row = found;
    struct table *table = &listing->table;
    char hex[33];

    hash_hex(row->key, sizeof row->key, hex);
    if (listing->key != NULL && strncmp(hex, listing->key, strlen(listing->key)) != 0)
        return SCRIP_OK;
    listing->found++;
    if (listing->key == NULL)
        hex[12] = 0;
    table_text(table, hex);
    table_text(table, row->reason_class);
    table_text(table, row->source->text);
    table_text(table, bytes_shown(row->feed, &listing->shown[0]));
    if (row->line)
        table_count(table, row->line);
    else
        table_none(table);
    table_text(table, row->account);
    table_text(table, row->id);
    table_text(table, bytes_shown(row->reason, &listing->shown[1]));
    if (listing->key != NULL) {
        table_text(table, bytes_shown(row->bytes, &listing->shown[2]));
        table_text(table, row->event);
    }
    return table_row(table);
}

/* ---- counts --------------------------------------------------------------------------------------------------- */

/* What reasons of one kind have in common: without what they quote, and without numbers. */
static void reason_shape(const char *reason, struct bytes *out)
{
    for (const char *at = reason; *at;) {
        const char *end = *at == '\'' ? strchr(at + 1, '\'') : NULL;

        if (end != NULL) {
            bytes_add(out, "'...'", 5);
            at = end + 1;
        } else if (isdigit((unsigned char)*at)) {
            bytes_add(out, "N", 1);
            while (isdigit((unsigned char)*at))
                at++;
        } else {
            bytes_add(out, at++, 1);
        }
    }
}

static size_t slot_find(const struct quarantine_listing *listing, const char *text)
{
    size_t at = (size_t)hash_short(text, strlen(text)) & (listing->slot_count - 1);

    while (listing->slots[at] && strcmp(listing->counted[listing->slots[at] - 1].text, text) != 0)
        at = (at + 1) & (listing->slot_count - 1);
    return at;
}

static void slots_grow(struct quarantine_listing *listing)
{
    free(listing->slots);
    listing->slot_count = listing->slot_count ? listing->slot_count * 2 : 64;
    listing->slots = memory_get(listing->slot_count * sizeof *listing->slots);
    for (size_t i = 0; i < listing->count; i++)
        listing->slots[slot_find(listing, listing->counted[i].text)] = i + 1;
}

static int row_count(void *sink, const void *found)
{
    struct quarantine_listing *listing = sink;
    const struct scrip_quarantine_row *row = found;
    const char *text = listing->by == BY_CLASS    ? row->reason_class
                       : listing->by == BY_SOURCE ? row->source->text
                       : listing->by == BY_FEED   ? row->feed
                                                  : NULL;
    size_t at;

    if (text == NULL) {
        listing->text.size = 0;
        reason_shape(row->reason, &listing->text);
        bytes_add(&listing->text, "", 1);
        text = (const char *)listing->text.start;
    }
    if (listing->count * 2 >= listing->slot_count)
        slots_grow(listing);
    at = slot_find(listing, text);
    if (listing->slots[at] == 0) {
        ARRAY_ROOM(listing->counted, listing->count, listing->room);
        listing->counted[listing->count++] = (struct counted){ memory_text(text), 0 };
        listing->slots[at] = listing->count;
    }
    listing->counted[listing->slots[at] - 1].rows++;
    return SCRIP_OK;
}

static int by_rows(const void *left, const void *right)
{
    const struct counted *a = left, *b = right;

    return a->rows != b->rows ? (a->rows < b->rows) - (a->rows > b->rows) : strcmp(a->text, b->text);
}

static int counts_show(struct quarantine_listing *listing, const struct scrip_answer *answer)
{
    struct scrip_column columns[] = { { dimensions[listing->by], SCRIP_CELL_TEXT }, { "rows", SCRIP_CELL_NUMBER } };
    int code = table_begin(&listing->table, answer, "quarantine", columns, 2);

    if (listing->count)
        qsort(listing->counted, listing->count, sizeof *listing->counted, by_rows);
    for (size_t i = 0; i < listing->count && code == SCRIP_OK; i++) {
        table_text(&listing->table, bytes_shown(listing->counted[i].text, &listing->shown[0]));
        table_count(&listing->table, listing->counted[i].rows);
        code = table_row(&listing->table);
    }
    return code ? code : table_end(&listing->table);
}

static int quarantine_count(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
                            struct scrip_error *err)
{
    struct quarantine_listing listing = { .by = BY_NONE };
    struct scrip_scan scan = { .table = SCRIP_TABLE_QUARANTINE,
                               .from_period = INT64_MIN,
                               .to_period = INT64_MAX,
                               .row = row_count,
                               .sink = &listing };
    int code;

    for (enum dimension by = BY_CLASS; by <= BY_FEED; by++)
        if (strcmp(query->by, dimensions[by]) == 0)
            listing.by = by;
    if (listing.by == BY_NONE)
        return error_set(err, SCRIP_EINVALID, "by '%s': want class, reason, source or feed", query->by);
    code = host_scan(scrip, &scan, err);
    if (code == SCRIP_OK)
        code = counts_show(&listing, answer);
    for (size_t i = 0; i < listing.count; i++)
        free(listing.counted[i].text);
    free(listing.counted);
    free(listing.slots);
    free(listing.text.start);
    free(listing.shown[0].start);
    return code;
}

/* ---- the question --------------------------------------------------------------------------------------------- */

int ask_quarantine(struct scrip *scrip, const struct scrip_query *query, const struct scrip_answer *answer,
                   struct scrip_error *err)
{
    static const struct scrip_column columns[] = {
        { "key", SCRIP_CELL_TEXT },   { "class", SCRIP_CELL_TEXT },  { "source", SCRIP_CELL_TEXT },
        { "feed", SCRIP_CELL_TEXT },  { "line", SCRIP_CELL_NUMBER }, { "account", SCRIP_CELL_TEXT },
        { "id", SCRIP_CELL_TEXT },    { "reason", SCRIP_CELL_TEXT }, { "bytes", SCRIP_CELL_TEXT },
        { "event", SCRIP_CELL_TEXT },
    };
    struct quarantine_listing listing = { .key = query->id };
    struct scrip_scan scan = { .table = SCRIP_TABLE_QUARANTINE,
                               .from_period = INT64_MIN,
                               .to_period = INT64_MAX,
                               .row = quarantine_row,
                               .sink = &listing };
    int code;

    if (query->by != NULL && query->by[0])
        return quarantine_count(scrip, query, answer, err);
    code = table_begin(&listing.table, answer, "quarantine", columns, query->id ? 10 : 8);
    if (code == SCRIP_OK)
        code = host_scan(scrip, &scan, err);
    if (code == SCRIP_OK && query->id && listing.found == 0)
        code = error_set(err, SCRIP_ENOTFOUND, "quarantine: nothing there with key '%s'", query->id);
    for (size_t i = 0; i < sizeof listing.shown / sizeof *listing.shown; i++)
        free(listing.shown[i].start);
    return code ? code : table_end(&listing.table);
}
