/* late_inner.h - an account that is made anew, between late.c and late_merge.c. */
#ifndef SCRIP_CORE_LATE_INNER_H
#define SCRIP_CORE_LATE_INNER_H

#include "late.h"

/* A movement that is to be compared: what it is part of, from where to where, and when. */
struct net {
    uint64_t of; /* event of the charge; 0: of none */
    uint64_t line, grant;
    int64_t credit, debit, time_us, amount;
};

struct making {
    struct late *late;
    const struct event *own; /* the late event */
    const struct quote *own_quote;
    struct quote own_final; /* as it was asked in its place */
    uint64_t own_quote_number;
    struct account *scratch;
    struct engine engine;
    struct quote quote;
    struct arena arena;
    struct past_row **order;
    struct scrip_entry_row *entries;
    size_t entry_count, entry_room;
    struct note_list before, made; /* what its events added to usage, and what they add now */
    struct net *nets;
    size_t net_count, net_room;
    struct grant **grants; /* of the account, by the scratch account's numbers */
    const struct scrip_name **keepers; /* services that keep something of this account */
    size_t keeper_count, keeper_room;
    struct scrip_error *err;
};

/* The account becomes what was made; the differences are the late event's effect. */
void late_merge(struct making *m);

#endif
