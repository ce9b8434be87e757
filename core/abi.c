/* abi.c - the layout of ABI 1.0, as every plugin that was ever built against it relies on it. Nothing here may change:
 * what a later minor adds stands behind, and gets lines of its own. A line that does not hold stops the build. */
#include <scrip/plugin.h>

#if INTPTR_MAX == INT64_MAX

#define AT(type, member, at) \
    _Static_assert(offsetof(struct scrip_##type, member) == (at), #type "." #member " has moved");
/* Stands in lists, in other structs or in a plugin's memory: it does not grow. */
#define FIXED(type, size) _Static_assert(sizeof(struct scrip_##type) == (size), #type " has another size");
/* Made by the host, or cut to the plugin's size when it is loaded: it may grow at its end. */
#define GROWS(type, size) _Static_assert(sizeof(struct scrip_##type) >= (size), #type " has lost something");

AT(decimal, whole, 0) AT(decimal, atto, 8) FIXED(decimal, 16)

AT(attribute, name, 0) AT(attribute, value, 8) FIXED(attribute, 16)

AT(event, type, 0) AT(event, time_us, 8) AT(event, end_us, 16) AT(event, account, 24) AT(event, source, 32)
AT(event, id, 40) AT(event, service, 48) AT(event, product, 56) AT(event, user, 64) AT(event, unit, 72)
AT(event, currency, 80) AT(event, quantity, 88) AT(event, amount, 104) AT(event, has_amount, 120)
AT(event, attributes, 128) AT(event, attribute_count, 136) GROWS(event, 144)

AT(option, key, 0) AT(option, type, 8) AT(option, fallback, 16) AT(option, choices, 24) AT(option, required, 32)
AT(option, help, 40) FIXED(option, 48)

AT(line, time_us, 0) AT(line, currency, 8) AT(line, quantity, 16) AT(line, rate, 32) AT(line, per, 48)
AT(line, label, 64) AT(line, group, 72) FIXED(line, 80)

AT(grant, id, 0) AT(grant, account, 8) AT(grant, class_name, 16) AT(grant, created_us, 24)
AT(grant, effective_us, 32) AT(grant, expires_us, 40) AT(grant, amount, 48) AT(grant, has_priority, 56)
AT(grant, priority, 64) AT(grant, has_cost, 72) AT(grant, cost, 80) AT(grant, cost_currency, 96)
AT(grant, is_scoped, 104) AT(grant, number, 112) AT(grant, floor, 120) AT(grant, type, 128) AT(grant, every, 136)
AT(grant, from, 144) GROWS(grant, 152)

AT(policy, decimals, 0) AT(policy, rounding, 8) AT(policy, split, 16) AT(policy, accept_from_us, 24)
AT(policy, accept_until_us, 32) AT(policy, settle_lag_us, 40) AT(policy, late, 48) AT(policy, overdraft, 56)
AT(policy, overdraft_limit, 64) AT(policy, draw_mode, 72) AT(policy, refund_us, 80) AT(policy, capture_over, 88)
AT(policy, hold_us, 96) AT(policy, hold_rule, 104) AT(policy, hold_group, 112) AT(policy, hold_decay, 120)
AT(policy, reset_keeps, 136) AT(policy, convert_keeps, 144) AT(policy, topup_below, 152) AT(policy, topup_to, 160)
AT(policy, topup_least, 168) AT(policy, draw_order, 176) GROWS(policy, 184)

AT(field, key, 0) AT(field, name, 8) AT(field, text, 16) AT(field, size, 24) FIXED(field, 32)

AT(row, bytes, 0) AT(row, size, 8) AT(row, position, 16) AT(row, line, 24) AT(row, fields, 32)
AT(row, field_count, 40) AT(row, time_us, 48) AT(row, end_us, 56) FIXED(row, 64)

AT(cursor, position, 0) AT(cursor, line, 8) AT(cursor, tail_size, 16) AT(cursor, tail_hash, 24) FIXED(cursor, 32)

AT(ctx, host, 0) AT(ctx, self, 8) AT(ctx, instance, 16) AT(ctx, host_private, 24) GROWS(ctx, 32)

AT(host, size, 0) AT(host, fail, 8) AT(host, log, 16) AT(host, option_given, 24) AT(host, option_text, 32)
AT(host, option_int, 40) AT(host, option_decimal, 48) AT(host, option_item, 56) AT(host, option_member, 64)
AT(host, option_where, 72) AT(host, decimal_parse, 80) AT(host, decimal_write, 88) AT(host, decimal_add, 96)
AT(host, decimal_multiply, 104) AT(host, decimal_divide, 112) AT(host, decimal_round, 120)
AT(host, decimal_compare, 128) AT(host, time_parse, 136) AT(host, time_write, 144) AT(host, time_add, 152)
AT(host, time_floor, 160) AT(host, hash, 168) AT(host, state_get, 176) AT(host, state_put, 184)
AT(host, line_add, 192) AT(host, verdict, 200) AT(host, price, 208) AT(host, currency_find, 216)
AT(host, digest_add, 224) AT(host, timer_set, 232) AT(host, account_zone, 240) AT(host, usage_name, 248)
AT(host, order_check, 256) AT(host, order_key, 264) AT(host, feed_add, 272) AT(host, row_add, 280)
AT(host, row_skip, 288) AT(host, row_bad, 296) AT(host, row_json, 304) AT(host, write, 312) AT(host, name, 320)
AT(host, shared, 328) AT(host, feed_grows, 336) AT(host, feed_size, 344) GROWS(host, 352)

AT(plugin_head, magic, 0) AT(plugin_head, abi_major, 4) AT(plugin_head, abi_minor, 6) AT(plugin_head, kind, 8)
AT(plugin_head, size, 12) AT(plugin_head, name, 16) AT(plugin_head, summary, 24) FIXED(plugin_head, 32)

AT(service, head, 0) AT(service, options, 32) AT(service, open, 40) AT(service, close, 48) AT(service, quote, 56)
AT(service, timer, 64) GROWS(service, 72)

AT(currency, head, 0) AT(currency, options, 32) AT(currency, open, 40) AT(currency, close, 48)
AT(currency, policy, 56) AT(currency, grant, 64) AT(currency, convert, 72) GROWS(currency, 80)

AT(source, head, 0) AT(source, options, 32) AT(source, open, 40) AT(source, close, 48) AT(source, feeds, 56)
AT(source, claims, 64) AT(source, feed_open, 72) AT(source, read, 80) AT(source, feed_close, 88)
AT(source, settled, 96) GROWS(source, 104)

AT(column, name, 0) AT(column, type, 8) FIXED(column, 16)

AT(cell, type, 0) AT(cell, text, 8) FIXED(cell, 16)

AT(delivery, id, 0) AT(delivery, account, 8) AT(delivery, body, 16) AT(delivery, size, 24)
AT(delivery, signature, 32) AT(delivery, attempt, 40) GROWS(delivery, 48)

AT(report, head, 0) AT(report, options, 32) AT(report, open, 40) AT(report, close, 48) AT(report, begin, 56)
AT(report, row, 64) AT(report, end, 72) AT(report, deliver, 80) GROWS(report, 88)

AT(name, number, 0) AT(name, size, 8) AT(name, text, 16) FIXED(name, 24)

AT(terms_row, number, 0) AT(terms_row, currency, 8) AT(terms_row, decimals, 16) AT(terms_row, rounding, 24)
AT(terms_row, split, 32) AT(terms_row, settle_lag_us, 40) AT(terms_row, late, 48) AT(terms_row, rules, 56)
AT(terms_row, rules_size, 64) FIXED(terms_row, 72)

AT(rate_row, number, 0) AT(rate_row, service, 8) AT(rate_row, terms, 16) AT(rate_row, rate, 24) AT(rate_row, per, 40)
AT(rate_row, label, 56) AT(rate_row, digest, 64) FIXED(rate_row, 72)

AT(event_row, account, 0) AT(event_row, number, 8) AT(event_row, source, 16) AT(event_row, id, 24)
AT(event_row, id_size, 32) AT(event_row, time_us, 40) AT(event_row, type, 48) AT(event_row, outcome, 56)
AT(event_row, product, 64) AT(event_row, user, 72) AT(event_row, service, 80) AT(event_row, unit, 88)
AT(event_row, currency, 96) AT(event_row, has_quantity, 104) AT(event_row, quantity, 112)
AT(event_row, has_amount, 128) AT(event_row, amount, 136) AT(event_row, data, 152) AT(event_row, data_size, 160)
AT(event_row, rate, 168) AT(event_row, lines, 176) AT(event_row, lines_size, 184) AT(event_row, reason, 192)
AT(event_row, reason_size, 200) AT(event_row, digest, 208) AT(event_row, flags, 216) FIXED(event_row, 224)

AT(entry_row, account, 0) AT(entry_row, number, 8) AT(entry_row, event, 16) AT(entry_row, line, 24)
AT(entry_row, time_us, 32) AT(entry_row, event_time_us, 40) AT(entry_row, debit, 48) AT(entry_row, credit, 56)
AT(entry_row, grant, 64) AT(entry_row, terms, 72) AT(entry_row, amount, 80) AT(entry_row, of, 88)
FIXED(entry_row, 96)

AT(grant_row, account, 0) AT(grant_row, number, 8) AT(grant_row, id, 16) AT(grant_row, id_size, 24)
AT(grant_row, event, 32) AT(grant_row, class_name, 40) AT(grant_row, terms, 48) AT(grant_row, created_us, 56)
AT(grant_row, effective_us, 64) AT(grant_row, expires_us, 72) AT(grant_row, has_priority, 80)
AT(grant_row, priority, 88) AT(grant_row, has_cost, 96) AT(grant_row, cost, 104) AT(grant_row, cost_currency, 120)
AT(grant_row, scope, 128) AT(grant_row, scope_size, 136) AT(grant_row, order_key, 144)
AT(grant_row, order_key_size, 152) AT(grant_row, floor, 160) AT(grant_row, unlimited, 168)
AT(grant_row, balance, 176) AT(grant_row, rules, 240) AT(grant_row, rules_size, 248) AT(grant_row, next_us, 256)
AT(grant_row, changed, 264) FIXED(grant_row, 272)

AT(claim_row, account, 0) AT(claim_row, number, 8) AT(claim_row, kind, 16) AT(claim_row, stage, 24)
AT(claim_row, id, 32) AT(claim_row, id_size, 40) AT(claim_row, event, 48) AT(claim_row, line, 56)
AT(claim_row, terms, 64) AT(claim_row, amount, 72) AT(claim_row, expires_us, 80) AT(claim_row, group, 88)
AT(claim_row, group_size, 96) AT(claim_row, draws, 104) AT(claim_row, draws_size, 112) FIXED(claim_row, 120)

AT(limit_row, account, 0) AT(limit_row, number, 8) AT(limit_row, id, 16) AT(limit_row, id_size, 24)
AT(limit_row, event, 32) AT(limit_row, terms, 40) AT(limit_row, amount, 48) AT(limit_row, per, 56)
AT(limit_row, per_size, 64) AT(limit_row, anchor_us, 72) AT(limit_row, expires_us, 80) AT(limit_row, scope, 88)
AT(limit_row, scope_size, 96) AT(limit_row, windows, 104) AT(limit_row, windows_size, 112) FIXED(limit_row, 120)

AT(timer_row, account, 0) AT(timer_row, service, 8) AT(timer_row, key, 16) AT(timer_row, key_size, 24)
AT(timer_row, due_us, 32) FIXED(timer_row, 40)

AT(batch_row, account, 0) AT(batch_row, first, 8) AT(batch_row, last, 16) AT(batch_row, recorded_us, 24)
FIXED(batch_row, 32)

AT(account_row, name, 0) AT(account_row, event_count, 8) AT(account_row, entry_count, 16)
AT(account_row, grant_count, 24) AT(account_row, clock_us, 32) AT(account_row, head, 40) AT(account_row, data, 72)
AT(account_row, data_size, 80) AT(account_row, first_number, 88) AT(account_row, latest_us, 96)
AT(account_row, clock_rank, 104) AT(account_row, clock_event, 112) AT(account_row, closed_us, 120)
AT(account_row, claim_count, 128) AT(account_row, limit_count, 136) AT(account_row, timer_count, 144)
FIXED(account_row, 152)

AT(checkpoint_row, account, 0) AT(checkpoint_row, number, 8) AT(checkpoint_row, entry_count, 16)
AT(checkpoint_row, latest_us, 24) AT(checkpoint_row, earliest_us, 32) AT(checkpoint_row, head, 40)
AT(checkpoint_row, state, 72) AT(checkpoint_row, state_size, 80) FIXED(checkpoint_row, 88)

AT(state_row, account, 0) AT(state_row, service, 8) AT(state_row, key, 16) AT(state_row, key_size, 24)
AT(state_row, value, 32) AT(state_row, value_size, 40) AT(state_row, discard_after_us, 48) FIXED(state_row, 56)

AT(usage_row, period, 0) AT(usage_row, user, 8) AT(usage_row, product, 16) AT(usage_row, service, 24)
AT(usage_row, class_name, 32) AT(usage_row, currency, 40) AT(usage_row, account, 48) AT(usage_row, amount, 56)
AT(usage_row, charge_count, 64) FIXED(usage_row, 72)

AT(cursor_row, source, 0) AT(cursor_row, feed, 8) AT(cursor_row, cursor, 16) FIXED(cursor_row, 48)

AT(quarantine_row, key, 0) AT(quarantine_row, source, 16) AT(quarantine_row, feed, 24) AT(quarantine_row, line, 32)
AT(quarantine_row, reason_class, 40) AT(quarantine_row, reason, 48) AT(quarantine_row, bytes, 56)
AT(quarantine_row, size, 64) AT(quarantine_row, time_us, 72) AT(quarantine_row, account, 80)
AT(quarantine_row, id, 88) AT(quarantine_row, event, 96) AT(quarantine_row, event_size, 104)
FIXED(quarantine_row, 112)

AT(commit, accounts, 0) AT(commit, account_count, 8) AT(commit, events, 16) AT(commit, event_count, 24)
AT(commit, entries, 32) AT(commit, entry_count, 40) AT(commit, grants, 48) AT(commit, grant_count, 56)
AT(commit, states, 64) AT(commit, state_count, 72) AT(commit, checkpoints, 80) AT(commit, checkpoint_count, 88)
AT(commit, days, 96) AT(commit, day_count, 104) AT(commit, months, 112) AT(commit, month_count, 120)
AT(commit, terms, 128) AT(commit, terms_count, 136) AT(commit, rates, 144) AT(commit, rate_count, 152)
AT(commit, cursors, 160) AT(commit, cursor_count, 168) AT(commit, quarantine, 176) AT(commit, quarantine_count, 184)
AT(commit, settled, 192) AT(commit, settled_count, 200) AT(commit, claims, 208) AT(commit, claim_count, 216)
AT(commit, limits, 224) AT(commit, limit_count, 232) AT(commit, timers, 240) AT(commit, timer_count, 248)
AT(commit, recorded_us, 256) AT(commit, batches, 264) AT(commit, batch_count, 272) GROWS(commit, 280)

AT(scan, table, 0) AT(scan, account, 8) AT(scan, from_number, 16) AT(scan, to_number, 24) AT(scan, from_period, 32)
AT(scan, to_period, 40) AT(scan, descending, 48) AT(scan, only_open, 56) AT(scan, id, 64) AT(scan, of, 72)
AT(scan, row, 80) AT(scan, sink, 88) AT(scan, by, 96) GROWS(scan, 104)

AT(store, head, 0) AT(store, options, 32) AT(store, open, 40) AT(store, close, 48) AT(store, begin, 56)
AT(store, commit, 64) AT(store, scan, 72) AT(store, event_find, 80) AT(store, source_last, 88)
AT(store, state_find, 96) AT(store, cursor_find, 104) AT(store, check, 112) AT(store, snapshot, 120)
GROWS(store, 128)

/* What the macros write into the head of a plugin that asks for 1.0. */
_Static_assert(SCRIP_CURRENCY_SIZE_0 == 80 && SCRIP_SERVICE_SIZE_0 == 72 && SCRIP_SOURCE_SIZE_0 == 104 &&
                   SCRIP_STORE_SIZE_0 == 128 && SCRIP_REPORT_SIZE_0 == 88, "the sizes of 1.0");

#endif

/* Numbers that plugins were compiled with, and that stand in stores. */
#define IS(name, number) _Static_assert(SCRIP_##name == (number), #name " is another number");

/* code */
IS(OK, 0) IS(EINVALID, -1) IS(EREFUSED, -2) IS(ENOTFOUND, -3) IS(EIO, -4) IS(ELIMIT, -5) IS(ERANGE, -6)
IS(ECONFLICT, -7) IS(EBUSY, -8) IS(ENOMEM, -9) IS(EVERSION, -10) IS(EAGAIN, -11)

/* kind */
IS(CURRENCY, 1) IS(SERVICE, 2) IS(SOURCE, 3) IS(STORE, 4) IS(REPORT, 5)

/* event type */
IS(USAGE, 0) IS(GRANT, 1) IS(ACCOUNT, 2) IS(ADJUSTMENT, 3) IS(VOID, 4) IS(LIMIT, 5) IS(HOLD, 6) IS(EXTEND, 7)
IS(CAPTURE, 8) IS(RELEASE, 9) IS(REVERSAL, 10) IS(CONVERSION, 11) IS(TRANSFER, 12) IS(RESET, 13) IS(CLOSE, 14)
IS(RERATE, 15)

/* field key */
IS(F_TYPE, 0) IS(F_ID, 1) IS(F_SOURCE, 2) IS(F_ACCOUNT, 3) IS(F_TIME, 4) IS(F_SERVICE, 5) IS(F_PRODUCT, 6)
IS(F_USER, 7) IS(F_QUANTITY, 8) IS(F_UNIT, 9) IS(F_AMOUNT, 10) IS(F_CURRENCY, 11) IS(F_END, 12) IS(F_GRANT, 13)
IS(F_ACCEPT, 14) IS(F_CLASS, 15) IS(F_EFFECTIVE, 16) IS(F_EXPIRES, 17) IS(F_BALANCE, 18) IS(F_PRIORITY, 19)
IS(F_COST_AMOUNT, 20) IS(F_COST_CURRENCY, 21) IS(F_SCOPE_SERVICES, 22) IS(F_SCOPE_PRODUCTS, 23) IS(F_SCOPE_USERS, 24)
IS(F_SCOPE_ATTRIBUTE, 25) IS(F_RECURRENCE_EVERY, 26) IS(F_RECURRENCE_ANCHOR, 27) IS(F_ROLLOVER_MIN, 28)
IS(F_ROLLOVER_MAX, 29) IS(F_FLOOR, 30) IS(F_MAX_PER_CHARGE, 31) IS(F_GRANT_UNIT, 32) IS(F_RENEWS, 33) IS(F_LIMIT, 34)
IS(F_PER, 35) IS(F_ANCHOR, 36) IS(F_HOLD, 37) IS(F_OF_SOURCE, 38) IS(F_OF_ID, 39) IS(F_OF_LINE, 40) IS(F_REASON, 41)
IS(F_FROM, 42) IS(F_TO, 43) IS(F_RATE, 44) IS(F_PRESERVE_OVERAGE, 45) IS(F_PERIOD, 46) IS(F_NAME, 47) IS(F_ZONE, 48)
IS(F_START, 49) IS(F_PARENT, 50) IS(F_LABEL, 51) IS(F_ATTRIBUTE, 52) IS(F_GRANTS, 53) IS(F_RECURRENCE_MODE, 54)
IS(F_RECURRENCE_FROM, 55) IS(F_SHARE, 56) IS(F_LINE, 57)

/* option type */
IS(OPTION_TEXT, 0) IS(OPTION_NAME, 1) IS(OPTION_INT, 2) IS(OPTION_DECIMAL, 3) IS(OPTION_BOOL, 4) IS(OPTION_TIME, 5)
IS(OPTION_DURATION, 6) IS(OPTION_PATH, 7) IS(OPTION_LIST, 8) IS(OPTION_CHOICE, 9) IS(OPTION_ZONE, 10)

/* verdict */
IS(NOT_MINE, 0) IS(PRICED, 1) IS(FREE, 2) IS(GATE, 3) IS(UNPRICED, 4)

/* rounding */
IS(HALF_EVEN, 0) IS(HALF_UP, 1) IS(UP, 2) IS(DOWN, 3)

/* late */
IS(LATE_POST, 0) IS(LATE_REPLAY, 1)

/* recurrence from */
IS(FROM_ANCHOR, 0) IS(FROM_CALENDAR, 1) IS(FROM_START, 2) IS(FROM_FIRST_USE, 3)

/* overdraft */
IS(OVERDRAFT_NONE, 0) IS(OVERDRAFT_DEBT, 1)

/* draw mode */
IS(DRAW_ORDERED, 0) IS(DRAW_PROPORTIONAL, 1) IS(DRAW_LISTED, 2)

/* split */
IS(SPLIT_NONE, 0) IS(SPLIT_ANY, 1) IS(SPLIT_CLASS, 2)

/* hold rule */
IS(HOLD_SUM, 0) IS(HOLD_MAX, 1)

/* cell type */
IS(CELL_NONE, 0) IS(CELL_TEXT, 1) IS(CELL_NUMBER, 2) IS(CELL_TIME, 3)

/* outcome */
IS(CHARGED, 0) IS(ZERO, 1) IS(APPLIED, 2) IS(REFUSED, 3) IS(DUPLICATE, 4) IS(QUARANTINED, 5) IS(FILTERED, 6)

/* book */
IS(BOOK_ISSUED, 0) IS(BOOK_AVAILABLE, 1) IS(BOOK_HELD, 2) IS(BOOK_USED, 3) IS(BOOK_EXPIRED, 4) IS(BOOK_VOIDED, 5)
IS(BOOK_CLEARING, 6) IS(BOOK_DEBT, 7)

/* claim kind */
IS(CLAIM_HOLD, 0) IS(CLAIM_DEBT, 1)

/* claim stage */
IS(CLAIM_OPEN, 0) IS(CLAIM_CAPTURED, 1) IS(CLAIM_RELEASED, 2) IS(CLAIM_TIMED_OUT, 3) IS(CLAIM_SETTLED, 4)

/* table */
IS(TABLE_ACCOUNTS, 0) IS(TABLE_GRANTS, 1) IS(TABLE_EVENTS, 2) IS(TABLE_ENTRIES, 3) IS(TABLE_CHECKPOINTS, 4)
IS(TABLE_STATES, 5) IS(TABLE_DAYS, 6) IS(TABLE_MONTHS, 7) IS(TABLE_TERMS, 8) IS(TABLE_RATES, 9) IS(TABLE_CURSORS, 10)
IS(TABLE_QUARANTINE, 11) IS(TABLE_CLAIMS, 12) IS(TABLE_LIMITS, 13) IS(TABLE_TIMERS, 14) IS(TABLE_BATCHES, 15)

/* session */
IS(SESSION_WRITE, 0) IS(SESSION_READ, 1) IS(SESSION_INIT, 2) IS(SESSION_UPGRADE, 3)

/* limits, and what is no enum */
IS(MAGIC, 1396920912) IS(MESSAGE_SIZE, 512) IS(TIME_NONE, INT64_MIN) IS(TIME_MIN, -2208988800000000)
IS(TIME_MAX, 253402300800000000) IS(SECOND, 1000000) IS(DAY, 86400000000) IS(NAME_SIZE, 255) IS(ATTRIBUTE_LIMIT, 64)
IS(LINE_LIMIT, 64) IS(STATE_KEY_SIZE, 255) IS(STATE_VALUE_SIZE, 4096) IS(ORDER_KEY_SIZE, 512) IS(ROW_SIZE, 1048576)
IS(ATTO, 1000000000000000000) IS(KEEP_CLASS, 1) IS(KEEP_EXPIRES, 2) IS(KEEP_PRIORITY, 4) IS(KEEP_COST, 8)
IS(EVENT_TOLD, 1) IS(EVENT_PLACED, 2) IS(EVENT_ANEW, 4) IS(BY_PERIOD, 1) IS(BY_ACCOUNT, 2) IS(BY_PRODUCT, 4)
IS(BY_USER, 8) IS(BY_SERVICE, 16) IS(BY_CLASS, 32) IS(BY_CURRENCY, 64) IS(VOLATILE, 1) IS(BOOK_COUNT, 8)
