/* abi.c - the layout of plugin ABI 0.1: what a plugin that was built against it relies on. Nothing here may ever
 * change; what is added stands behind, and gets lines of its own. */
#include "unit.h"

#include "event.h"

#include <scrip/rows.h>
#include <scrip/scrip.h>
#include <stddef.h>

#if INTPTR_MAX == INT64_MAX

#define AT(type, member, at) _Static_assert(offsetof(struct type, member) == (at), #type "." #member " has moved");
#define SIZE(type, size) _Static_assert(sizeof(struct type) == (size), #type " has another size");

AT(scrip_decimal, whole, 0) AT(scrip_decimal, atto, 8)
AT(scrip_attribute, name, 0) AT(scrip_attribute, value, 8)
AT(scrip_event, type, 0) AT(scrip_event, time_us, 8) AT(scrip_event, end_us, 16) AT(scrip_event, account, 24)
AT(scrip_event, source, 32) AT(scrip_event, id, 40) AT(scrip_event, service, 48) AT(scrip_event, product, 56)
AT(scrip_event, user, 64) AT(scrip_event, unit, 72) AT(scrip_event, currency, 80) AT(scrip_event, quantity, 88)
AT(scrip_event, amount, 104) AT(scrip_event, has_amount, 120) AT(scrip_event, attributes, 128)
AT(scrip_event, attribute_count, 136)
AT(scrip_option, key, 0) AT(scrip_option, type, 8) AT(scrip_option, fallback, 16) AT(scrip_option, choices, 24)
AT(scrip_option, required, 32) AT(scrip_option, help, 40)
AT(scrip_line, time_us, 0) AT(scrip_line, currency, 8) AT(scrip_line, quantity, 16) AT(scrip_line, rate, 32)
AT(scrip_line, per, 48) AT(scrip_line, label, 64) AT(scrip_line, group, 72)
AT(scrip_grant, id, 0) AT(scrip_grant, account, 8) AT(scrip_grant, class_name, 16) AT(scrip_grant, created_us, 24)
AT(scrip_grant, effective_us, 32) AT(scrip_grant, expires_us, 40) AT(scrip_grant, amount, 48)
AT(scrip_grant, has_priority, 56) AT(scrip_grant, priority, 64) AT(scrip_grant, has_cost, 72)
AT(scrip_grant, cost, 80) AT(scrip_grant, cost_currency, 96) AT(scrip_grant, is_scoped, 104)
AT(scrip_grant, number, 112) AT(scrip_grant, floor, 120)
AT(scrip_policy, decimals, 0) AT(scrip_policy, rounding, 8) AT(scrip_policy, split, 16)
AT(scrip_policy, accept_from_us, 24) AT(scrip_policy, accept_until_us, 32) AT(scrip_policy, settle_lag_us, 40)
AT(scrip_policy, late, 48)
AT(scrip_field, key, 0) AT(scrip_field, name, 8) AT(scrip_field, text, 16) AT(scrip_field, size, 24)
AT(scrip_row, bytes, 0) AT(scrip_row, size, 8) AT(scrip_row, position, 16) AT(scrip_row, line, 24)
AT(scrip_row, fields, 32) AT(scrip_row, field_count, 40) AT(scrip_row, time_us, 48) AT(scrip_row, end_us, 56)
AT(scrip_cursor, position, 0) AT(scrip_cursor, line, 8) AT(scrip_cursor, tail_size, 16)
AT(scrip_cursor, tail_hash, 24)
AT(scrip_ctx, host, 0) AT(scrip_ctx, self, 8) AT(scrip_ctx, instance, 16) AT(scrip_ctx, host_private, 24)
AT(scrip_host, size, 0) AT(scrip_host, fail, 8) AT(scrip_host, log, 16) AT(scrip_host, option_given, 24)
AT(scrip_host, option_text, 32) AT(scrip_host, option_int, 40) AT(scrip_host, option_decimal, 48)
AT(scrip_host, option_item, 56) AT(scrip_host, option_member, 64) AT(scrip_host, option_where, 72)
AT(scrip_host, decimal_parse, 80) AT(scrip_host, decimal_write, 88) AT(scrip_host, decimal_add, 96)
AT(scrip_host, decimal_multiply, 104) AT(scrip_host, decimal_divide, 112) AT(scrip_host, decimal_round, 120)
AT(scrip_host, decimal_compare, 128) AT(scrip_host, time_parse, 136) AT(scrip_host, time_write, 144)
AT(scrip_host, time_add, 152) AT(scrip_host, time_floor, 160) AT(scrip_host, hash, 168)
AT(scrip_host, state_get, 176) AT(scrip_host, state_put, 184) AT(scrip_host, line_add, 192)
AT(scrip_host, verdict, 200) AT(scrip_host, price, 208) AT(scrip_host, currency_find, 216)
AT(scrip_host, digest_add, 224) AT(scrip_host, order_check, 256) AT(scrip_host, order_key, 264)
AT(scrip_host, feed_add, 272) AT(scrip_host, row_add, 280) AT(scrip_host, row_skip, 288)
AT(scrip_host, row_bad, 296) AT(scrip_host, row_json, 304) AT(scrip_host, write, 312) AT(scrip_host, name, 320)
AT(scrip_host, shared, 328)
AT(scrip_plugin_head, magic, 0) AT(scrip_plugin_head, abi_major, 4) AT(scrip_plugin_head, abi_minor, 6)
AT(scrip_plugin_head, kind, 8) AT(scrip_plugin_head, size, 12) AT(scrip_plugin_head, name, 16)
AT(scrip_plugin_head, summary, 24)
AT(scrip_service, head, 0) AT(scrip_service, options, 32) AT(scrip_service, open, 40) AT(scrip_service, close, 48)
AT(scrip_service, quote, 56)
AT(scrip_currency, head, 0) AT(scrip_currency, options, 32) AT(scrip_currency, open, 40)
AT(scrip_currency, close, 48) AT(scrip_currency, policy, 56) AT(scrip_currency, grant, 64)
AT(scrip_source, head, 0) AT(scrip_source, options, 32) AT(scrip_source, open, 40) AT(scrip_source, close, 48)
AT(scrip_source, feeds, 56) AT(scrip_source, claims, 64) AT(scrip_source, feed_open, 72) AT(scrip_source, read, 80)
AT(scrip_source, feed_close, 88) AT(scrip_source, settled, 96)
AT(scrip_column, name, 0) AT(scrip_column, type, 8)
AT(scrip_cell, type, 0) AT(scrip_cell, text, 8)
AT(scrip_report, head, 0) AT(scrip_report, options, 32) AT(scrip_report, open, 40) AT(scrip_report, close, 48)
AT(scrip_report, begin, 56) AT(scrip_report, row, 64) AT(scrip_report, end, 72)
AT(scrip_report, deliver, 80)
AT(scrip_name, number, 0) AT(scrip_name, size, 8) AT(scrip_name, text, 16)
AT(scrip_terms_row, number, 0) AT(scrip_terms_row, currency, 8) AT(scrip_terms_row, decimals, 16)
AT(scrip_terms_row, rounding, 24) AT(scrip_terms_row, split, 32) AT(scrip_terms_row, settle_lag_us, 40)
AT(scrip_terms_row, late, 48)
AT(scrip_rate_row, number, 0) AT(scrip_rate_row, service, 8) AT(scrip_rate_row, terms, 16)
AT(scrip_rate_row, rate, 24) AT(scrip_rate_row, per, 40) AT(scrip_rate_row, label, 56)
AT(scrip_rate_row, digest, 64)
AT(scrip_event_row, account, 0) AT(scrip_event_row, number, 8) AT(scrip_event_row, source, 16)
AT(scrip_event_row, id, 24) AT(scrip_event_row, id_size, 32) AT(scrip_event_row, time_us, 40)
AT(scrip_event_row, type, 48) AT(scrip_event_row, outcome, 56) AT(scrip_event_row, product, 64)
AT(scrip_event_row, user, 72) AT(scrip_event_row, service, 80) AT(scrip_event_row, unit, 88)
AT(scrip_event_row, currency, 96) AT(scrip_event_row, has_quantity, 104) AT(scrip_event_row, quantity, 112)
AT(scrip_event_row, has_amount, 128) AT(scrip_event_row, amount, 136) AT(scrip_event_row, data, 152)
AT(scrip_event_row, data_size, 160) AT(scrip_event_row, rate, 168) AT(scrip_event_row, lines, 176)
AT(scrip_event_row, lines_size, 184) AT(scrip_event_row, reason, 192) AT(scrip_event_row, reason_size, 200)
AT(scrip_event_row, digest, 208)
AT(scrip_entry_row, account, 0) AT(scrip_entry_row, number, 8) AT(scrip_entry_row, event, 16)
AT(scrip_entry_row, line, 24) AT(scrip_entry_row, time_us, 32) AT(scrip_entry_row, event_time_us, 40)
AT(scrip_entry_row, debit, 48) AT(scrip_entry_row, credit, 56) AT(scrip_entry_row, grant, 64)
AT(scrip_entry_row, terms, 72) AT(scrip_entry_row, amount, 80)
AT(scrip_grant_row, account, 0) AT(scrip_grant_row, number, 8) AT(scrip_grant_row, id, 16)
AT(scrip_grant_row, id_size, 24) AT(scrip_grant_row, event, 32) AT(scrip_grant_row, class_name, 40)
AT(scrip_grant_row, terms, 48) AT(scrip_grant_row, created_us, 56) AT(scrip_grant_row, effective_us, 64)
AT(scrip_grant_row, expires_us, 72) AT(scrip_grant_row, has_priority, 80) AT(scrip_grant_row, priority, 88)
AT(scrip_grant_row, has_cost, 96) AT(scrip_grant_row, cost, 104) AT(scrip_grant_row, cost_currency, 120)
AT(scrip_grant_row, scope, 128) AT(scrip_grant_row, scope_size, 136) AT(scrip_grant_row, order_key, 144)
AT(scrip_grant_row, order_key_size, 152) AT(scrip_grant_row, floor, 160) AT(scrip_grant_row, unlimited, 168)
AT(scrip_grant_row, balance, 176)
AT(scrip_account_row, name, 0) AT(scrip_account_row, event_count, 8) AT(scrip_account_row, entry_count, 16)
AT(scrip_account_row, grant_count, 24) AT(scrip_account_row, clock_us, 32) AT(scrip_account_row, head, 40)
AT(scrip_account_row, data, 72) AT(scrip_account_row, data_size, 80) AT(scrip_account_row, first_number, 88)
AT(scrip_account_row, latest_us, 96)
AT(scrip_checkpoint_row, account, 0) AT(scrip_checkpoint_row, number, 8) AT(scrip_checkpoint_row, entry_count, 16)
AT(scrip_checkpoint_row, latest_us, 24) AT(scrip_checkpoint_row, earliest_us, 32) AT(scrip_checkpoint_row, head, 40)
AT(scrip_checkpoint_row, state, 72) AT(scrip_checkpoint_row, state_size, 80)
AT(scrip_state_row, account, 0) AT(scrip_state_row, service, 8) AT(scrip_state_row, key, 16)
AT(scrip_state_row, key_size, 24) AT(scrip_state_row, value, 32) AT(scrip_state_row, value_size, 40)
AT(scrip_state_row, discard_after_us, 48)
AT(scrip_usage_row, period, 0) AT(scrip_usage_row, user, 8) AT(scrip_usage_row, product, 16)
AT(scrip_usage_row, service, 24) AT(scrip_usage_row, class_name, 32) AT(scrip_usage_row, currency, 40)
AT(scrip_usage_row, account, 48) AT(scrip_usage_row, amount, 56) AT(scrip_usage_row, charge_count, 64)
AT(scrip_cursor_row, source, 0) AT(scrip_cursor_row, feed, 8) AT(scrip_cursor_row, cursor, 16)
AT(scrip_quarantine_row, key, 0) AT(scrip_quarantine_row, source, 16) AT(scrip_quarantine_row, feed, 24)
AT(scrip_quarantine_row, line, 32) AT(scrip_quarantine_row, reason_class, 40) AT(scrip_quarantine_row, reason, 48)
AT(scrip_quarantine_row, bytes, 56) AT(scrip_quarantine_row, size, 64) AT(scrip_quarantine_row, time_us, 72)
AT(scrip_quarantine_row, account, 80) AT(scrip_quarantine_row, id, 88) AT(scrip_quarantine_row, event, 96)
AT(scrip_quarantine_row, event_size, 104)
AT(scrip_commit, accounts, 0) AT(scrip_commit, account_count, 8) AT(scrip_commit, events, 16)
AT(scrip_commit, event_count, 24) AT(scrip_commit, entries, 32) AT(scrip_commit, entry_count, 40)
AT(scrip_commit, grants, 48) AT(scrip_commit, grant_count, 56) AT(scrip_commit, states, 64)
AT(scrip_commit, state_count, 72) AT(scrip_commit, checkpoints, 80) AT(scrip_commit, checkpoint_count, 88)
AT(scrip_commit, days, 96) AT(scrip_commit, day_count, 104) AT(scrip_commit, months, 112)
AT(scrip_commit, month_count, 120) AT(scrip_commit, terms, 128) AT(scrip_commit, terms_count, 136)
AT(scrip_commit, rates, 144) AT(scrip_commit, rate_count, 152) AT(scrip_commit, cursors, 160)
AT(scrip_commit, cursor_count, 168) AT(scrip_commit, quarantine, 176) AT(scrip_commit, quarantine_count, 184)
AT(scrip_commit, settled, 192) AT(scrip_commit, settled_count, 200)
AT(scrip_scan, table, 0) AT(scrip_scan, account, 8) AT(scrip_scan, from_number, 16) AT(scrip_scan, to_number, 24)
AT(scrip_scan, from_period, 32) AT(scrip_scan, to_period, 40) AT(scrip_scan, descending, 48) AT(scrip_scan, row, 80)
AT(scrip_scan, sink, 88) AT(scrip_scan, by, 96)
AT(scrip_store, head, 0) AT(scrip_store, options, 32) AT(scrip_store, open, 40) AT(scrip_store, close, 48)
AT(scrip_store, begin, 56) AT(scrip_store, commit, 64) AT(scrip_store, scan, 72) AT(scrip_store, event_find, 80)
AT(scrip_store, source_last, 88) AT(scrip_store, state_find, 96) AT(scrip_store, cursor_find, 104)
AT(scrip_store, check, 112) AT(scrip_store, snapshot, 120)
AT(scrip_account_row, clock_rank, 104) AT(scrip_account_row, clock_event, 112) AT(scrip_account_row, closed_us, 120)
AT(scrip_account_row, claim_count, 128) AT(scrip_account_row, limit_count, 136)
AT(scrip_account_row, timer_count, 144)
AT(scrip_commit, claims, 208) AT(scrip_commit, claim_count, 216) AT(scrip_commit, limits, 224)
AT(scrip_commit, limit_count, 232) AT(scrip_commit, timers, 240) AT(scrip_commit, timer_count, 248)
AT(scrip_commit, recorded_us, 256) AT(scrip_commit, batches, 264) AT(scrip_commit, batch_count, 272)
AT(scrip_currency, convert, 72)
AT(scrip_entry_row, of, 88)
AT(scrip_event_row, flags, 216)
AT(scrip_grant, type, 128) AT(scrip_grant, every, 136) AT(scrip_grant, from, 144)
AT(scrip_grant_row, rules, 240) AT(scrip_grant_row, rules_size, 248) AT(scrip_grant_row, next_us, 256)
AT(scrip_grant_row, changed, 264)
AT(scrip_delivery, id, 0) AT(scrip_delivery, account, 8) AT(scrip_delivery, body, 16) AT(scrip_delivery, size, 24)
AT(scrip_delivery, signature, 32) AT(scrip_delivery, attempt, 40)
AT(scrip_host, timer_set, 232) AT(scrip_host, account_zone, 240) AT(scrip_host, usage_name, 248)
AT(scrip_policy, overdraft, 56) AT(scrip_policy, overdraft_limit, 64) AT(scrip_policy, draw_mode, 72)
AT(scrip_policy, refund_us, 80) AT(scrip_policy, capture_over, 88) AT(scrip_policy, hold_us, 96)
AT(scrip_policy, hold_rule, 104) AT(scrip_policy, hold_group, 112) AT(scrip_policy, hold_decay, 120)
AT(scrip_policy, reset_keeps, 136) AT(scrip_policy, convert_keeps, 144) AT(scrip_policy, topup_below, 152)
AT(scrip_policy, topup_to, 160) AT(scrip_policy, topup_least, 168)
AT(scrip_scan, only_open, 56) AT(scrip_scan, id, 64) AT(scrip_scan, of, 72)
AT(scrip_service, timer, 64)
AT(scrip_terms_row, rules, 56) AT(scrip_terms_row, rules_size, 64)
AT(scrip_claim_row, account, 0) AT(scrip_claim_row, number, 8) AT(scrip_claim_row, kind, 16)
AT(scrip_claim_row, stage, 24) AT(scrip_claim_row, id, 32) AT(scrip_claim_row, id_size, 40)
AT(scrip_claim_row, event, 48) AT(scrip_claim_row, line, 56) AT(scrip_claim_row, terms, 64)
AT(scrip_claim_row, amount, 72) AT(scrip_claim_row, expires_us, 80) AT(scrip_claim_row, group, 88)
AT(scrip_claim_row, group_size, 96) AT(scrip_claim_row, draws, 104) AT(scrip_claim_row, draws_size, 112)
AT(scrip_limit_row, account, 0) AT(scrip_limit_row, number, 8) AT(scrip_limit_row, id, 16)
AT(scrip_limit_row, id_size, 24) AT(scrip_limit_row, event, 32) AT(scrip_limit_row, terms, 40)
AT(scrip_limit_row, amount, 48) AT(scrip_limit_row, per, 56) AT(scrip_limit_row, per_size, 64)
AT(scrip_limit_row, anchor_us, 72) AT(scrip_limit_row, expires_us, 80) AT(scrip_limit_row, scope, 88)
AT(scrip_limit_row, scope_size, 96) AT(scrip_limit_row, windows, 104) AT(scrip_limit_row, windows_size, 112)
AT(scrip_timer_row, account, 0) AT(scrip_timer_row, service, 8) AT(scrip_timer_row, key, 16)
AT(scrip_timer_row, key_size, 24) AT(scrip_timer_row, due_us, 32)
AT(scrip_batch_row, account, 0) AT(scrip_batch_row, first, 8) AT(scrip_batch_row, last, 16)
AT(scrip_batch_row, recorded_us, 24)

/* Structs that stand in arrays, in other structs, or in a plugin's memory when the host reads them: one more member
 * would change what an older plugin means. They may grow only behind a check of the plugin's minor. */
SIZE(scrip_decimal, 16) SIZE(scrip_attribute, 16) SIZE(scrip_option, 48) SIZE(scrip_field, 32)
SIZE(scrip_column, 16) SIZE(scrip_cell, 16) SIZE(scrip_cursor, 32) SIZE(scrip_line, 80) SIZE(scrip_row, 64)
SIZE(scrip_plugin_head, 32) SIZE(scrip_terms_row, 72) SIZE(scrip_rate_row, 72) SIZE(scrip_event_row, 224)
SIZE(scrip_entry_row, 96) SIZE(scrip_grant_row, 272) SIZE(scrip_account_row, 152) SIZE(scrip_checkpoint_row, 88)
SIZE(scrip_state_row, 56) SIZE(scrip_usage_row, 72) SIZE(scrip_cursor_row, 48) SIZE(scrip_quarantine_row, 112)
SIZE(scrip_claim_row, 120) SIZE(scrip_limit_row, 120) SIZE(scrip_timer_row, 40) SIZE(scrip_batch_row, 32)

/* What the macros of ABI 0.1 write into a plugin's head. */
_Static_assert(SCRIP_SERVICE_SIZE_1 == 72, "a service of ABI 0.1");
_Static_assert(SCRIP_CURRENCY_SIZE_1 == 80, "a currency of ABI 0.1");
_Static_assert(SCRIP_SOURCE_SIZE_1 == 104, "a source of ABI 0.1");
_Static_assert(SCRIP_REPORT_SIZE_1 == 88, "a report of ABI 0.1");
_Static_assert(SCRIP_STORE_SIZE_1 == 128, "a store of ABI 0.1");

#endif

_Static_assert(SCRIP_MAGIC == 0x53435250, "the magic is frozen");
_Static_assert(SCRIP_TIME_NONE == INT64_MIN && SCRIP_ATTO == INT64_C(1000000000000000000), "values are frozen");
_Static_assert(SCRIP_CURRENCY == 1 && SCRIP_SERVICE == 2 && SCRIP_SOURCE == 3 && SCRIP_STORE == 4 &&
               SCRIP_REPORT == 5, "kinds");
_Static_assert(SCRIP_OK == 0 && SCRIP_EINVALID == -1 && SCRIP_EREFUSED == -2 && SCRIP_ENOTFOUND == -3 &&
               SCRIP_EIO == -4 &&
                   SCRIP_ELIMIT == -5 && SCRIP_ERANGE == -6 && SCRIP_ECONFLICT == -7 && SCRIP_EBUSY == -8 &&
                   SCRIP_ENOMEM == -9 && SCRIP_EVERSION == -10, "codes");
_Static_assert(SCRIP_OPTION_TEXT == 0 && SCRIP_OPTION_NAME == 1 && SCRIP_OPTION_INT == 2 && SCRIP_OPTION_DECIMAL == 3 &&
                   SCRIP_OPTION_BOOL == 4 && SCRIP_OPTION_TIME == 5 && SCRIP_OPTION_DURATION == 6 &&
                   SCRIP_OPTION_PATH == 7 && SCRIP_OPTION_LIST == 8 && SCRIP_OPTION_CHOICE == 9 &&
                   SCRIP_OPTION_ZONE == 10, "option types");
_Static_assert(SCRIP_NOT_MINE == 0 && SCRIP_PRICED == 1 && SCRIP_FREE == 2 && SCRIP_GATE == 3 && SCRIP_UNPRICED == 4,
               "verdicts");
_Static_assert(SCRIP_HALF_EVEN == 0 && SCRIP_HALF_UP == 1 && SCRIP_UP == 2 && SCRIP_DOWN == 3, "roundings");
_Static_assert(SCRIP_LATE_POST == 0 && SCRIP_LATE_REPLAY == 1, "what is done with late events");
_Static_assert(SCRIP_CHARGED == 0 && SCRIP_ZERO == 1 && SCRIP_APPLIED == 2 && SCRIP_REFUSED == 3 &&
               SCRIP_DUPLICATE == 4 &&
                   SCRIP_QUARANTINED == 5 && SCRIP_FILTERED == 6, "outcomes are stored");
_Static_assert(SCRIP_SESSION_WRITE == 0 && SCRIP_SESSION_READ == 1 && SCRIP_SESSION_INIT == 2 &&
               SCRIP_SESSION_UPGRADE == 3,
               "sessions");
_Static_assert(SCRIP_TABLE_ACCOUNTS == 0 && SCRIP_TABLE_GRANTS == 1 && SCRIP_TABLE_EVENTS == 2 &&
               SCRIP_TABLE_ENTRIES == 3 &&
                   SCRIP_TABLE_CHECKPOINTS == 4 && SCRIP_TABLE_STATES == 5 && SCRIP_TABLE_DAYS == 6 &&
                   SCRIP_TABLE_MONTHS == 7 && SCRIP_TABLE_TERMS == 8 && SCRIP_TABLE_RATES == 9 &&
                   SCRIP_TABLE_CURSORS == 10 && SCRIP_TABLE_QUARANTINE == 11, "tables");
_Static_assert(SCRIP_CELL_NONE == 0 && SCRIP_CELL_TEXT == 1 && SCRIP_CELL_NUMBER == 2 && SCRIP_CELL_TIME == 3, "cells");

/* Lists whose numbers stand in stores and in canonical bytes: each name keeps its place. */
static const char *const types[] = {
    "scrip.usage", "scrip.grant", "scrip.account", "scrip.adjustment", "scrip.void", "scrip.limit", "scrip.hold",
    "scrip.extend", "scrip.capture", "scrip.release", "scrip.reversal", "scrip.conversion", "scrip.transfer",
    "scrip.reset", "scrip.close",
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
