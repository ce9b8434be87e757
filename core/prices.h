/* prices.h - the terms and rates that priced events, each kept once for as long as the books. */
#ifndef SCRIP_CORE_PRICES_H
#define SCRIP_CORE_PRICES_H

#include "names.h"

#include <scrip/scrip.h>

/* A currency's policy beyond the columns of its terms; see struct scrip_policy. */
struct rules {
    int64_t overdraft, overdraft_limit, draw_mode, refund_us, capture_over, hold_us, hold_rule, reset_keeps;
    struct scrip_decimal hold_decay;
    char hold_group[256];
    char draw_order[256]; /* in words; "": not recorded */
};

struct terms {
    struct scrip_terms_row row; /* its texts are the terms' own */
    struct rules rules;
    uint8_t mark[16]; /* hash of its content: what a head sees of it */
};

struct rate {
    struct scrip_rate_row row;
    const struct terms *terms;
    uint8_t mark[16];
};

struct prices;

struct prices *prices_open(void);
void prices_close(struct prices *prices);
/* Rows of a store, as they are read at open and when there are more. SCRIP_EINVALID where a number is missing. */
int prices_load_terms(struct prices *prices, const struct scrip_terms_row *row, struct scrip_error *err);
int prices_load_rate(struct prices *prices, const struct scrip_rate_row *row, struct scrip_error *err);
/* The one with this content; numbered anew where there is none. Pointers stay good until close. */
const struct terms *prices_terms(struct prices *prices, const struct scrip_terms_row *content);
const struct rate *prices_rate(struct prices *prices, const struct scrip_rate_row *content);
/* A policy's rules as a terms row keeps them, "" where all are defaults; and back: SCRIP_EINVALID where damaged. */
struct json_out;
void rules_write(const struct scrip_policy *policy, struct json_out *out);
int rules_read(const char *json, size_t size, struct rules *out);
/* What is asked for by a number above all that are known may have come from another writer: `more` brings it in, where it
 * can. */
void prices_more(struct prices *prices, void (*more)(void *sink), void *sink);
/* Forgets those above these numbers: another writer has given them to others. */
void prices_trim(struct prices *prices, uint64_t terms_count, uint64_t rate_count);
/* By number; NULL: none. */
const struct terms *prices_terms_at(const struct prices *prices, uint64_t number);
const struct rate *prices_rate_at(const struct prices *prices, uint64_t number);
/* The last terms recorded of a currency; NULL: none. */
const struct terms *prices_terms_of(const struct prices *prices, const struct scrip_name *currency);
uint64_t prices_terms_count(const struct prices *prices);
uint64_t prices_rate_count(const struct prices *prices);

#endif
