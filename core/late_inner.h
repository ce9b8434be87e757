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
    const struct past_rows *rows; /* that are applied */
    struct late_base *base;       /* what they are applied on a copy of; NULL: on an empty account */
    const struct event *own; /* the late event; NULL: as it was before */
    const struct quote *own_quote;
    struct quote own_final; /* as it was asked in its place */
    uint64_t own_quote_number;
    int asks; /* 1: services that keep state are asked again */
    int keeps_prices; /* 1: what they answer changes no price */
    struct account *scratch;
    struct engine engine;
    struct quote quote;
    struct arena arena;
    struct past_row **order;
    struct scrip_entry_row *entries;
    size_t entry_count, entry_room;
    struct note_list made; /* what its events add to usage */
    struct net *nets;
    size_t net_count, net_room;
    struct grant **grants; /* of the account, by the scratch account's numbers */
    struct scrip_error *err;
};

/* The account becomes what was made; the differences from what was made before are the late event's effect. */
void late_merge(struct making *m, struct making *before);

/* late_charge.c: brings the hold that an event is about into the scratch account; and finds the charge. */
void making_hold(struct making *m, const struct event *event);
int making_charge(struct making *m, const struct event *event);

/* late_base.c: before which instant nothing more is to be put in its place, as far as currencies say; the same as an event of
 * another time comes late. */
int64_t late_horizon(const struct account *account);
int64_t late_horizon_behind(const struct account *account, int64_t time_us);
size_t late_base_settled(const struct past_rows *rows, int64_t horizon_us, struct place *last);
/* The first `count` of its rows were applied to its account; last: the place of the last of them by its order */
void late_base_advance(struct late_base *base, size_t count, const struct place *last);

#endif
