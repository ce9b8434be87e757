/* abi.c - what is fixed and cannot be asked by the compiler: names behind numbers, lists that are whole. The layout itself is
 * held by core/abi.c. */
#include "unit.h"

#include "event.h"

#include <scrip/rows.h>
#include <scrip/scrip.h>
#include <stddef.h>

/* Lists whose numbers stand in stores and in canonical bytes: each name keeps its place. */
static const char *const types[] = {
    "scrip.usage", "scrip.grant", "scrip.account", "scrip.adjustment", "scrip.void", "scrip.limit", "scrip.hold",
    "scrip.extend", "scrip.capture", "scrip.release", "scrip.reversal", "scrip.conversion", "scrip.transfer",
    "scrip.reset", "scrip.close", "scrip.rerate",
};
static const char *const fields[] = {
    "type", "id", "source", "account", "time", "service", "product", "user", "quantity", "unit", "amount",
    "currency", "end", "grant", "accept", "class", "effective", "expires", "balance", "priority", "cost.amount",
    "cost.currency", "scope.services", "scope.products", "scope.users", "scope.attributes", "recurrence.every",
    "recurrence.anchor", "rollover.min", "rollover.max", "floor", "max_per_charge", "grant_unit", "renews", "limit",
    "per", "anchor", "hold", "of.source", "of.id", "of.line", "reason", "from", "to", "rate", "preserve_overage",
    "period", "name", "zone", "start", "parent", "label", "attribute",
};
static const char *const books[] = { "issued", "available", "held", "used", "expired", "voided", "clearing", "debt" };
static const char *const books_now[] = {
#define X(id, text) text,
    SCRIP_BOOKS(X)
#undef X
};

START_TEST(numbers_keep_their_names)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        ck_assert_str_eq(event_type_names[i], types[i]);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        ck_assert_str_eq(field_text((int)i), fields[i]);
    for (size_t i = 0; i < sizeof books / sizeof *books; i++)
        ck_assert_str_eq(books_now[i], books[i]);
}
END_TEST

START_TEST(names_find_their_numbers)
{
    const char *name;
    size_t name_size;

    for (int i = 0; i < SCRIP_EVENT_TYPE_COUNT; i++)
        ck_assert_int_eq(event_type_find(event_type_names[i], strlen(event_type_names[i])), i);
    ck_assert_int_eq(event_type_find("scrip.usag", 10), -1);
    ck_assert_int_eq(event_type_find("scrip.usages", 12), -1);
    for (int i = 0; i < SCRIP_FIELD_COUNT; i++) {
        int is_family = i == SCRIP_F_ATTRIBUTE || i == SCRIP_F_LABEL || i == SCRIP_F_SCOPE_ATTRIBUTE ||
                        i == SCRIP_F_SHARE || i == SCRIP_F_LINE;

        ck_assert_int_eq(field_find(field_text(i), strlen(field_text(i)), &name, &name_size), is_family ? -1 : i);
    }
    ck_assert_int_eq(field_find("attribute.pool.x", 16, &name, &name_size), SCRIP_F_ATTRIBUTE);
    ck_assert_uint_eq(name_size, 6);
    ck_assert_int_eq(memcmp(name, "pool.x", 6), 0);
    ck_assert_int_eq(field_find("scope.attributes.a", 18, &name, &name_size), SCRIP_F_SCOPE_ATTRIBUTE);
    ck_assert_int_eq(field_find("attribute.", 10, &name, &name_size), -1);
    ck_assert_int_eq(field_find("", 0, &name, &name_size), -1);
}
END_TEST

START_TEST(outcomes_have_names)
{
    static const char *const names[] = { "charged", "zero", "applied", "refused", "duplicate", "quarantined",
                                         "filtered" };

    for (int i = 0; i < SCRIP_OUTCOME_COUNT; i++)
        ck_assert_str_eq(scrip_outcome_name(i), names[i]);
    ck_assert_str_eq(scrip_outcome_name(-1), "unknown");
    ck_assert_str_eq(scrip_outcome_name(SCRIP_OUTCOME_COUNT), "unknown");
}
END_TEST

/* rows.h says all of each row: every byte of a struct belongs to one member, but for what a commit adds to an account. */
START_TEST(rows_are_listed_whole)
{
    for (uint32_t t = 0; t < SCRIP_TABLE_COUNT; t++) {
        const struct scrip_table_rows *table = &scrip_tables[t];
        uint8_t seen[512] = { 0 };

        ck_assert_uint_eq(table->table, t);
        if (t == SCRIP_TABLE_ACCOUNTS)
            memset(seen + offsetof(struct scrip_account_row, first_number), 1, 8);
        for (uint32_t m = 0; m < table->member_count; m++) {
            const struct scrip_member *member = &table->members[m];
            uint32_t size = member->kind == SCRIP_MEMBER_FIXED ? member->size : 8;

            for (uint32_t i = 0; i < size; i++)
                ck_assert_msg(seen[member->at + i]++ == 0, "%s.%s is listed twice", table->name, member->name);
            for (uint32_t i = 0; i < 8 && member->kind == SCRIP_MEMBER_BYTES; i++)
                ck_assert_msg(seen[member->size + i]++ == 0, "the count of %s.%s is listed twice", table->name, member->name);
        }
        for (uint32_t i = 0; i < table->row_size; i++)
            ck_assert_msg(seen[i] == 1, "%s: byte %u belongs to no member", table->name, i);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("abi");
    TCase *tests = tcase_create("layout");

    tcase_add_test(tests, numbers_keep_their_names);
    tcase_add_test(tests, names_find_their_numbers);
    tcase_add_test(tests, outcomes_have_names);
    tcase_add_test(tests, rows_are_listed_whole);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
