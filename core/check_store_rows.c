/* check_store_rows.c - what becomes of a store's rows when they are written again: added to, replaced, forgotten. */
#include "check_store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void check_store_rollups(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct build build = { .check = check };
    const struct scrip_name *account;
    struct rows entries, days;
    struct holder holder;
    int64_t posted = 0, summed = 0;

    if (suite_start(check)) {
        struct scrip_scan scan = scan_for(SCRIP_TABLE_ENTRIES, "rollups");

        holder_set(&holder, "rollups");
        for (int i = 0; i < 5; i++) { /* four events a day: the same keys again and again */
            build_events(&build, &holder, 3);
            build_keep(&build);
        }
        account = suite_name(suite, "rollups");
        rows_scan(suite, &suite->reader, &scan, &entries);
        scan.table = SCRIP_TABLE_DAYS;
        rows_scan(suite, &suite->reader, &scan, &days);
        for (uint64_t i = 0; i < entries.count; i++)
            posted += ((struct scrip_entry_row *)(void *)entries.list)[i].amount;
        for (uint64_t i = 0; i < days.count; i++)
            if (((struct scrip_usage_row *)(void *)days.list)[i].account == account)
                summed += ((struct scrip_usage_row *)(void *)days.list)[i].amount;
        if (posted != summed)
            check_break(check, NULL, "days sum up to %" PRId64 ", entries to %" PRId64, summed, posted);
        /* Of accounts that are not in the commit, downwards, and without any amount. */
        *(struct scrip_usage_row *)build_add(&build, SCRIP_TABLE_DAYS) = *(struct scrip_usage_row *)(void *)days.list;
        ((struct scrip_usage_row *)(void *)build.rows[SCRIP_TABLE_DAYS].list)->amount = -7;
        ((struct scrip_usage_row *)(void *)build.rows[SCRIP_TABLE_DAYS].list)->charge_count = 0;
        build_keep(&build);
        model_compare(suite, &suite->reader, NULL);
        free(entries.list);
        free(days.list);
    }
    suite_end(check);
}

void check_store_cursors(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct build build = { .check = check };
    struct scrip_cursor found;
    struct scrip_cursor_row *row;

    if (suite_start(check)) {
        const struct check_instance *reader = &suite->reader;

        for (uint64_t n = 1; n < 4; n++) {
            for (int feed = 0; feed < 3; feed++) {
                row = build_add(&build, SCRIP_TABLE_CURSORS);
                row->source = suite_name(suite, feed == 2 ? "cursor b" : "cursor a");
                row->feed = feed ? "two" : "one";
                row->cursor = (struct scrip_cursor){ n * 100 + (uint64_t)feed, n, 10 - n, n * 7 };
            }
            build_keep(&build);
            for (int feed = 0; feed < 3; feed++) {
                int code = store_api(reader)->cursor_find(reader->ctx, feed == 2 ? "cursor b" : "cursor a",
                                                          feed ? "two" : "one", &found);

                if (code != SCRIP_OK)
                    check_break(check, NULL, "a cursor that was committed: answered %d: %s", code,
                                check_message(reader));
                else if (found.position != n * 100 + (uint64_t)feed || found.line != n || found.tail_size != 10 - n ||
                         found.tail_hash != n * 7)
                    check_break(check, NULL, "stands at %" PRIu64 ", want %" PRIu64, found.position,
                                n * 100 + (uint64_t)feed);
            }
        }
        if (store_api(reader)->cursor_find(reader->ctx, "cursor b", "one", &found) != SCRIP_ENOTFOUND)
            check_break(check, "Required. Where a feed stands; SCRIP_ENOTFOUND.",
                        "a feed that was never read is found");
        model_compare(suite, reader, NULL);
    }
    suite_end(check);
}

void check_store_quarantine(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct build build = { .check = check };
    struct scrip_quarantine_row first, *row;

    if (suite_start(check)) {
        for (int i = 0; i < 4; i++)
            build_add(&build, SCRIP_TABLE_QUARANTINE);
        first = *(struct scrip_quarantine_row *)(void *)build.rows[SCRIP_TABLE_QUARANTINE].list;
        build_keep(&build);
        row = build_add(&build, SCRIP_TABLE_QUARANTINE); /* the same key, with another reason: the first one stays */
        memcpy(row->key, first.key, sizeof row->key);
        build_keep(&build);
        model_compare(suite, &suite->reader, NULL);
        row = build_settle(&build);
        memcpy(row->key, first.key, sizeof row->key);
        build_settle(&build); /* one that is not there */
        build_add(&build, SCRIP_TABLE_QUARANTINE);
        build_keep(&build);
        model_compare(suite, &suite->reader, "by key: to be removed from quarantine");
    }
    suite_end(check);
}

void check_store_states(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct build build = { .check = check };
    struct scrip_state_row *row;
    char value[SCRIP_STATE_VALUE_SIZE];
    struct holder holder;
    int64_t discard;
    uint64_t size;

    if (suite_start(check)) {
        const struct check_instance *reader = &suite->reader;

        holder_set(&holder, "states");
        for (int step = 0; step < 3; step++) { /* put, replaced, forgotten */
            int code;

            build_events(&build, &holder, 1);
            for (int key = 0; key < 3; key++) {
                row = build_add(&build, SCRIP_TABLE_STATES);
                row->account = build_account(&build)->name;
                row->service = suite_name(suite, key == 2 ? "service b" : "service a");
                row->key = key ? "two" : "one";
                row->key_size = 3;
                row->value = step ? "new" : "first";
                row->value_size = step == 2 && key == 1 ? 0 : step ? 3 : 5;
                row->discard_after_us = step ? SCRIP_TIME_NONE : SCRIP_DAY;
            }
            build_keep(&build);
            size = sizeof value;
            code = store_api(reader)->state_find(reader->ctx, "states", "service a", "two", 3, value, &size, &discard);
            if (step == 2 ? code != SCRIP_ENOTFOUND : code != SCRIP_OK)
                check_break(check, NULL, "%s: state_find answered %d",
                            step == 2 ? "a value that was forgotten" : "a value", code);
            else if (step < 2 && (size != (step ? 3 : 5) || memcmp(value, step ? "new" : "first", size) != 0 ||
                                  discard != (step ? SCRIP_TIME_NONE : SCRIP_DAY)))
                check_break(check, NULL, "state_find answered another value, size or time");
        }
        model_compare(suite, reader, NULL);
    }
    suite_end(check);
}

void check_store_timers(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct build build = { .check = check };
    struct scrip_timer_row *row;
    struct holder holder;

    if (suite_start(check)) {
        holder_set(&holder, "timers");
        for (int step = 0; step < 3; step++) { /* set, moved, taken back */
            holder.timers = step == 2 ? 1 : 2;
            build_events(&build, &holder, 1);
            for (int key = 0; key < 2; key++) {
                row = build_add(&build, SCRIP_TABLE_TIMERS);
                row->account = build_account(&build)->name;
                row->service = suite_name(suite, "service");
                row->key = key ? "two" : "one";
                row->key_size = 3;
                row->due_us = step == 2 && key ? SCRIP_TIME_NONE : (step + 1) * SCRIP_DAY;
            }
            build_keep(&build);
        }
        model_compare(suite, &suite->reader, NULL);
    }
    suite_end(check);
}

void check_store_batches(struct check *check)
{
    struct suite *suite = suite_of(check);
    struct build build = { .check = check };
    struct holder holder;

    if (suite_start(check)) {
        holder_set(&holder, "batches");
        build_events(&build, &holder, 2);
        build_keep(&build);
        build_events(&build, &holder, 6);
        for (uint64_t n = 0; n < 3; n++) {
            struct scrip_batch_row *row = build_add(&build, SCRIP_TABLE_BATCHES);

            row->account = build_account(&build)->name;
            row->first = 3 + 2 * n;
            row->last = 4 + 2 * n;
        }
        build_keep(&build);
        model_compare(suite, &suite->reader, NULL);
    }
    suite_end(check);
}
