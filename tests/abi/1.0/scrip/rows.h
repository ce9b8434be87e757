/* rows.h - the rows of a store as lists of their fields: for a store, or a program, that copies, compares or writes
 * rows, and would rather not do so field by field. It says what plugin.h says, in the same order, and nothing else.
 *
 * A field that is added to a row at its end is added here, too; who includes this header knows the rows of its day. */
#ifndef SCRIP_ROWS_H
#define SCRIP_ROWS_H

#include <scrip/plugin.h>

enum scrip_member_kind {
    SCRIP_MEMBER_NAME,   /* a const struct scrip_name *, never NULL */
    SCRIP_MEMBER_NUMBER, /* 8 bytes, signed or not */
    SCRIP_MEMBER_FIXED,  /* bytes in the row itself */
    SCRIP_MEMBER_BYTES,  /* a pointer, and a uint64_t beside it that counts; the pointer may be NULL where that is 0 */
    SCRIP_MEMBER_TEXT    /* a const char * that ends in NUL */
};

struct scrip_member {
    const char *name;
    uint32_t kind;
    uint32_t is_key; /* 1: a part of the table's key */
    uint32_t at;     /* offset in the row */
    uint32_t size;   /* bytes there; of BYTES: the offset of its count */
};

/* A table; where its rows stand in a commit. */
struct scrip_table_rows {
    const char *name;
    uint32_t table;
    uint32_t row_size;
    const struct scrip_member *members;
    uint32_t member_count;
    uint32_t account; /* offset of the account's name; SCRIP_NO_ACCOUNT */
    uint32_t number;  /* offset of the row's number; SCRIP_NO_NUMBER */
    uint32_t rows;    /* offsets in struct scrip_commit: of the list, and of its count */
    uint32_t count;
};
#define SCRIP_NO_ACCOUNT UINT32_MAX
#define SCRIP_NO_NUMBER UINT32_MAX

#define SCRIP_MEMBER_(type, kind, key, member)                                                                \
    { #member, kind, key, (uint32_t)offsetof(struct type, member), (uint32_t)sizeof(((struct type *)0)->member) }
#define SCRIP_BYTES_(type, key, member, count)                                                                \
    {                                                                                                         \
        #member, SCRIP_MEMBER_BYTES, key, (uint32_t)offsetof(struct type, member),                            \
            (uint32_t)offsetof(struct type, count)                                                            \
    }
#define SCRIP_K_(type, kind, member) SCRIP_MEMBER_(type, SCRIP_MEMBER_##kind, 1, member)
#define SCRIP_M_(type, kind, member) SCRIP_MEMBER_(type, SCRIP_MEMBER_##kind, 0, member)
#define SCRIP_B_(type, member) SCRIP_BYTES_(type, 0, member, member##_size)
#define SCRIP_KB_(type, member) SCRIP_BYTES_(type, 1, member, member##_size)

/* first_number is a commit's, and no part of the row. */
static const struct scrip_member scrip_account_members[] = {
#define SCRIP_T_ scrip_account_row
    SCRIP_K_(SCRIP_T_, NAME, name), SCRIP_M_(SCRIP_T_, NUMBER, event_count), SCRIP_M_(SCRIP_T_, NUMBER, entry_count),
    SCRIP_M_(SCRIP_T_, NUMBER, grant_count), SCRIP_M_(SCRIP_T_, NUMBER, clock_us), SCRIP_M_(SCRIP_T_, FIXED, head),
    SCRIP_B_(SCRIP_T_, data), SCRIP_M_(SCRIP_T_, NUMBER, latest_us), SCRIP_M_(SCRIP_T_, NUMBER, clock_rank),
    SCRIP_M_(SCRIP_T_, NUMBER, clock_event), SCRIP_M_(SCRIP_T_, NUMBER, closed_us),
    SCRIP_M_(SCRIP_T_, NUMBER, claim_count), SCRIP_M_(SCRIP_T_, NUMBER, limit_count),
    SCRIP_M_(SCRIP_T_, NUMBER, timer_count),
#undef SCRIP_T_
};
static const struct scrip_member scrip_grant_members[] = {
#define SCRIP_T_ scrip_grant_row
    SCRIP_K_(SCRIP_T_, NAME, account), SCRIP_K_(SCRIP_T_, NUMBER, number), SCRIP_B_(SCRIP_T_, id),
    SCRIP_M_(SCRIP_T_, NUMBER, event), SCRIP_M_(SCRIP_T_, NAME, class_name), SCRIP_M_(SCRIP_T_, NUMBER, terms),
    SCRIP_M_(SCRIP_T_, NUMBER, created_us), SCRIP_M_(SCRIP_T_, NUMBER, effective_us),
    SCRIP_M_(SCRIP_T_, NUMBER, expires_us), SCRIP_M_(SCRIP_T_, NUMBER, has_priority),
    SCRIP_M_(SCRIP_T_, NUMBER, priority), SCRIP_M_(SCRIP_T_, NUMBER, has_cost), SCRIP_M_(SCRIP_T_, FIXED, cost),
    SCRIP_M_(SCRIP_T_, NAME, cost_currency), SCRIP_B_(SCRIP_T_, scope), SCRIP_B_(SCRIP_T_, order_key),
    SCRIP_M_(SCRIP_T_, NUMBER, floor), SCRIP_M_(SCRIP_T_, NUMBER, unlimited), SCRIP_M_(SCRIP_T_, FIXED, balance),
    SCRIP_B_(SCRIP_T_, rules), SCRIP_M_(SCRIP_T_, NUMBER, next_us), SCRIP_M_(SCRIP_T_, NUMBER, changed),
#undef SCRIP_T_
};
static const struct scrip_member scrip_event_members[] = {
#define SCRIP_T_ scrip_event_row
    SCRIP_K_(SCRIP_T_, NAME, account), SCRIP_K_(SCRIP_T_, NUMBER, number), SCRIP_M_(SCRIP_T_, NAME, source),
    SCRIP_B_(SCRIP_T_, id), SCRIP_M_(SCRIP_T_, NUMBER, time_us), SCRIP_M_(SCRIP_T_, NUMBER, type),
    SCRIP_M_(SCRIP_T_, NUMBER, outcome), SCRIP_M_(SCRIP_T_, NAME, product), SCRIP_M_(SCRIP_T_, NAME, user),
    SCRIP_M_(SCRIP_T_, NAME, service), SCRIP_M_(SCRIP_T_, NAME, unit), SCRIP_M_(SCRIP_T_, NAME, currency),
    SCRIP_M_(SCRIP_T_, NUMBER, has_quantity), SCRIP_M_(SCRIP_T_, FIXED, quantity),
    SCRIP_M_(SCRIP_T_, NUMBER, has_amount), SCRIP_M_(SCRIP_T_, FIXED, amount), SCRIP_B_(SCRIP_T_, data),
    SCRIP_M_(SCRIP_T_, NUMBER, rate), SCRIP_B_(SCRIP_T_, lines), SCRIP_B_(SCRIP_T_, reason),
    SCRIP_M_(SCRIP_T_, NUMBER, digest), SCRIP_M_(SCRIP_T_, NUMBER, flags),
#undef SCRIP_T_
};
static const struct scrip_member scrip_entry_members[] = {
#define SCRIP_T_ scrip_entry_row
    SCRIP_K_(SCRIP_T_, NAME, account), SCRIP_K_(SCRIP_T_, NUMBER, number), SCRIP_M_(SCRIP_T_, NUMBER, event),
    SCRIP_M_(SCRIP_T_, NUMBER, line), SCRIP_M_(SCRIP_T_, NUMBER, time_us), SCRIP_M_(SCRIP_T_, NUMBER, event_time_us),
    SCRIP_M_(SCRIP_T_, NUMBER, debit), SCRIP_M_(SCRIP_T_, NUMBER, credit), SCRIP_M_(SCRIP_T_, NUMBER, grant),
    SCRIP_M_(SCRIP_T_, NUMBER, terms), SCRIP_M_(SCRIP_T_, NUMBER, amount), SCRIP_M_(SCRIP_T_, NUMBER, of),
#undef SCRIP_T_
};
static const struct scrip_member scrip_checkpoint_members[] = {
#define SCRIP_T_ scrip_checkpoint_row
    SCRIP_K_(SCRIP_T_, NAME, account), SCRIP_K_(SCRIP_T_, NUMBER, number), SCRIP_M_(SCRIP_T_, NUMBER, entry_count),
    SCRIP_M_(SCRIP_T_, NUMBER, latest_us), SCRIP_M_(SCRIP_T_, NUMBER, earliest_us), SCRIP_M_(SCRIP_T_, FIXED, head),
    SCRIP_B_(SCRIP_T_, state),
#undef SCRIP_T_
};
static const struct scrip_member scrip_state_members[] = {
#define SCRIP_T_ scrip_state_row
    SCRIP_K_(SCRIP_T_, NAME, account), SCRIP_K_(SCRIP_T_, NAME, service), SCRIP_KB_(SCRIP_T_, key),
    SCRIP_B_(SCRIP_T_, value), SCRIP_M_(SCRIP_T_, NUMBER, discard_after_us),
#undef SCRIP_T_
};
static const struct scrip_member scrip_usage_members[] = {
#define SCRIP_T_ scrip_usage_row
    SCRIP_K_(SCRIP_T_, NUMBER, period), SCRIP_K_(SCRIP_T_, NAME, user), SCRIP_K_(SCRIP_T_, NAME, product),
    SCRIP_K_(SCRIP_T_, NAME, service), SCRIP_K_(SCRIP_T_, NAME, class_name), SCRIP_K_(SCRIP_T_, NAME, currency),
    SCRIP_K_(SCRIP_T_, NAME, account), SCRIP_M_(SCRIP_T_, NUMBER, amount), SCRIP_M_(SCRIP_T_, NUMBER, charge_count),
#undef SCRIP_T_
};
static const struct scrip_member scrip_terms_members[] = {
#define SCRIP_T_ scrip_terms_row
    SCRIP_K_(SCRIP_T_, NUMBER, number), SCRIP_M_(SCRIP_T_, NAME, currency), SCRIP_M_(SCRIP_T_, NUMBER, decimals),
    SCRIP_M_(SCRIP_T_, NUMBER, rounding), SCRIP_M_(SCRIP_T_, NUMBER, split),
    SCRIP_M_(SCRIP_T_, NUMBER, settle_lag_us), SCRIP_M_(SCRIP_T_, NUMBER, late), SCRIP_B_(SCRIP_T_, rules),
#undef SCRIP_T_
};
static const struct scrip_member scrip_rate_members[] = {
#define SCRIP_T_ scrip_rate_row
    SCRIP_K_(SCRIP_T_, NUMBER, number), SCRIP_M_(SCRIP_T_, NAME, service), SCRIP_M_(SCRIP_T_, NUMBER, terms),
    SCRIP_M_(SCRIP_T_, FIXED, rate), SCRIP_M_(SCRIP_T_, FIXED, per), SCRIP_M_(SCRIP_T_, NAME, label),
    SCRIP_M_(SCRIP_T_, NUMBER, digest),
#undef SCRIP_T_
};
static const struct scrip_member scrip_cursor_members[] = {
#define SCRIP_T_ scrip_cursor_row
    SCRIP_K_(SCRIP_T_, NAME, source), SCRIP_K_(SCRIP_T_, TEXT, feed), SCRIP_M_(SCRIP_T_, FIXED, cursor),
#undef SCRIP_T_
};
static const struct scrip_member scrip_quarantine_members[] = {
#define SCRIP_T_ scrip_quarantine_row
    SCRIP_K_(SCRIP_T_, FIXED, key), SCRIP_M_(SCRIP_T_, NAME, source), SCRIP_M_(SCRIP_T_, TEXT, feed),
    SCRIP_M_(SCRIP_T_, NUMBER, line), SCRIP_M_(SCRIP_T_, TEXT, reason_class), SCRIP_M_(SCRIP_T_, TEXT, reason),
    SCRIP_BYTES_(SCRIP_T_, 0, bytes, size), SCRIP_M_(SCRIP_T_, NUMBER, time_us), SCRIP_M_(SCRIP_T_, TEXT, account),
    SCRIP_M_(SCRIP_T_, TEXT, id), SCRIP_B_(SCRIP_T_, event),
#undef SCRIP_T_
};
static const struct scrip_member scrip_claim_members[] = {
#define SCRIP_T_ scrip_claim_row
    SCRIP_K_(SCRIP_T_, NAME, account), SCRIP_K_(SCRIP_T_, NUMBER, number), SCRIP_M_(SCRIP_T_, NUMBER, kind),
    SCRIP_M_(SCRIP_T_, NUMBER, stage), SCRIP_B_(SCRIP_T_, id), SCRIP_M_(SCRIP_T_, NUMBER, event),
    SCRIP_M_(SCRIP_T_, NUMBER, line), SCRIP_M_(SCRIP_T_, NUMBER, terms), SCRIP_M_(SCRIP_T_, NUMBER, amount),
    SCRIP_M_(SCRIP_T_, NUMBER, expires_us), SCRIP_B_(SCRIP_T_, group), SCRIP_B_(SCRIP_T_, draws),
#undef SCRIP_T_
};
static const struct scrip_member scrip_limit_members[] = {
#define SCRIP_T_ scrip_limit_row
    SCRIP_K_(SCRIP_T_, NAME, account), SCRIP_K_(SCRIP_T_, NUMBER, number), SCRIP_B_(SCRIP_T_, id),
    SCRIP_M_(SCRIP_T_, NUMBER, event), SCRIP_M_(SCRIP_T_, NUMBER, terms), SCRIP_M_(SCRIP_T_, NUMBER, amount),
    SCRIP_B_(SCRIP_T_, per), SCRIP_M_(SCRIP_T_, NUMBER, anchor_us), SCRIP_M_(SCRIP_T_, NUMBER, expires_us),
    SCRIP_B_(SCRIP_T_, scope), SCRIP_B_(SCRIP_T_, windows),
#undef SCRIP_T_
};
static const struct scrip_member scrip_timer_members[] = {
#define SCRIP_T_ scrip_timer_row
    SCRIP_K_(SCRIP_T_, NAME, account), SCRIP_K_(SCRIP_T_, NAME, service), SCRIP_KB_(SCRIP_T_, key),
    SCRIP_M_(SCRIP_T_, NUMBER, due_us),
#undef SCRIP_T_
};
static const struct scrip_member scrip_batch_members[] = {
#define SCRIP_T_ scrip_batch_row
    SCRIP_K_(SCRIP_T_, NAME, account), SCRIP_K_(SCRIP_T_, NUMBER, first), SCRIP_M_(SCRIP_T_, NUMBER, last),
    SCRIP_M_(SCRIP_T_, NUMBER, recorded_us),
#undef SCRIP_T_
};

#define SCRIP_ROWS_(id, name, type, members, account, number, list, count)                                    \
    {                                                                                                         \
        name, SCRIP_TABLE_##id, (uint32_t)sizeof(struct type), members,                                       \
            (uint32_t)(sizeof members / sizeof *members), account, number,                                    \
            (uint32_t)offsetof(struct scrip_commit, list), (uint32_t)offsetof(struct scrip_commit, count)     \
    }
#define SCRIP_AT_(type, member) (uint32_t)offsetof(struct type, member)
#define SCRIP_NUMBERED_(id, name, type, members, list, count)                                                 \
    SCRIP_ROWS_(id, name, type, members, SCRIP_AT_(type, account), SCRIP_AT_(type, number), list, count)
#define SCRIP_KEYED_(id, name, type, members, list, count)                                                    \
    SCRIP_ROWS_(id, name, type, members, SCRIP_AT_(type, account), SCRIP_NO_NUMBER, list, count)

/* By enum scrip_table. The account of a row of accounts is its name. */
static const struct scrip_table_rows scrip_tables[SCRIP_TABLE_COUNT] = {
    SCRIP_ROWS_(ACCOUNTS, "accounts", scrip_account_row, scrip_account_members,
                SCRIP_AT_(scrip_account_row, name), SCRIP_NO_NUMBER, accounts, account_count),
    SCRIP_NUMBERED_(GRANTS, "grants", scrip_grant_row, scrip_grant_members, grants, grant_count),
    SCRIP_NUMBERED_(EVENTS, "events", scrip_event_row, scrip_event_members, events, event_count),
    SCRIP_NUMBERED_(ENTRIES, "entries", scrip_entry_row, scrip_entry_members, entries, entry_count),
    SCRIP_NUMBERED_(CHECKPOINTS, "checkpoints", scrip_checkpoint_row, scrip_checkpoint_members,
                    checkpoints, checkpoint_count),
    SCRIP_KEYED_(STATES, "states", scrip_state_row, scrip_state_members, states, state_count),
    SCRIP_KEYED_(DAYS, "usage by day", scrip_usage_row, scrip_usage_members, days, day_count),
    SCRIP_KEYED_(MONTHS, "usage by month", scrip_usage_row, scrip_usage_members, months, month_count),
    SCRIP_ROWS_(TERMS, "terms", scrip_terms_row, scrip_terms_members,
                SCRIP_NO_ACCOUNT, SCRIP_AT_(scrip_terms_row, number), terms, terms_count),
    SCRIP_ROWS_(RATES, "rates", scrip_rate_row, scrip_rate_members,
                SCRIP_NO_ACCOUNT, SCRIP_AT_(scrip_rate_row, number), rates, rate_count),
    SCRIP_ROWS_(CURSORS, "cursors", scrip_cursor_row, scrip_cursor_members,
                SCRIP_NO_ACCOUNT, SCRIP_NO_NUMBER, cursors, cursor_count),
    SCRIP_ROWS_(QUARANTINE, "quarantine", scrip_quarantine_row, scrip_quarantine_members,
                SCRIP_NO_ACCOUNT, SCRIP_NO_NUMBER, quarantine, quarantine_count),
    SCRIP_NUMBERED_(CLAIMS, "claims", scrip_claim_row, scrip_claim_members, claims, claim_count),
    SCRIP_NUMBERED_(LIMITS, "limits", scrip_limit_row, scrip_limit_members, limits, limit_count),
    SCRIP_KEYED_(TIMERS, "timers", scrip_timer_row, scrip_timer_members, timers, timer_count),
    SCRIP_ROWS_(BATCHES, "batches", scrip_batch_row, scrip_batch_members,
                SCRIP_AT_(scrip_batch_row, account), SCRIP_AT_(scrip_batch_row, first), batches, batch_count),
};

#endif
