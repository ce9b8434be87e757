/* prices.c - dictionaries of terms and rates: small, immutable rows that events share. */
#include "prices.h"

#include "event.h"
#include "hash.h"

struct prices {
    struct terms **terms; /* by number - 1 */
    size_t terms_count, terms_room;
    struct rate **rates;
    size_t rate_count, rate_room;
    uint32_t *table; /* of rates: index + 1 by content */
    size_t table_size;
    struct bytes scratch;
    void (*more)(void *sink);
    void *more_sink;
};

struct prices *prices_open(void)
{
    struct prices *prices = memory_get(sizeof *prices);

    prices->table_size = 256;
    prices->table = memory_get(prices->table_size * sizeof *prices->table);
    return prices;
}

void prices_close(struct prices *prices)
{
    if (prices == NULL)
        return;
    prices_trim(prices, 0, 0);
    free(prices->terms);
    free(prices->rates);
    free(prices->table);
    free(prices->scratch.start);
    free(prices);
}

void prices_more(struct prices *prices, void (*more)(void *sink), void *sink)
{
    prices->more = more;
    prices->more_sink = sink;
}

const struct terms *prices_terms_at(const struct prices *prices, uint64_t number)
{
    if (number > prices->terms_count && prices->more != NULL)
        prices->more(prices->more_sink);
    return number >= 1 && number <= prices->terms_count ? prices->terms[number - 1] : NULL;
}

const struct rate *prices_rate_at(const struct prices *prices, uint64_t number)
{
    if (number > prices->rate_count && prices->more != NULL)
        prices->more(prices->more_sink);
    return number >= 1 && number <= prices->rate_count ? prices->rates[number - 1] : NULL;
}

uint64_t prices_terms_count(const struct prices *prices)
{
    return prices->terms_count;
}

uint64_t prices_rate_count(const struct prices *prices)
{
    return prices->rate_count;
}

const struct terms *prices_terms_of(const struct prices *prices, const struct scrip_name *currency)
{
    for (size_t i = prices->terms_count; i-- > 0;)
        if (prices->terms[i]->row.currency == currency)
            return prices->terms[i];
    return NULL;
}

static void terms_mark(struct prices *prices, struct terms *terms)
{
    struct bytes *b = &prices->scratch;

    b->size = 0;
    bytes_add_text(b, terms->row.currency->text, terms->row.currency->size);
    bytes_add_number(b, (uint64_t)terms->row.decimals);
    bytes_add_number(b, (uint64_t)terms->row.rounding);
    bytes_add_number(b, (uint64_t)terms->row.split);
    bytes_add_number(b, (uint64_t)terms->row.settle_lag_us);
    bytes_add_number(b, (uint64_t)terms->row.late);
    bytes_add_text(b, terms->row.rules, terms->row.rules_size);
    hash_key(b->start, b->size, terms->mark);
}

static void rate_mark(struct prices *prices, struct rate *rate)
{
    struct bytes *b = &prices->scratch;

    b->size = 0;
    bytes_add(b, rate->terms->mark, sizeof rate->terms->mark);
    bytes_add_text(b, rate->row.service->text, rate->row.service->size);
    bytes_add_number(b, (uint64_t)rate->row.rate.whole);
    bytes_add_number(b, (uint64_t)rate->row.rate.atto);
    bytes_add_number(b, (uint64_t)rate->row.per.whole);
    bytes_add_number(b, (uint64_t)rate->row.per.atto);
    bytes_add_text(b, rate->row.label->text, rate->row.label->size);
    bytes_add_number(b, rate->row.digest);
    hash_key(b->start, b->size, rate->mark);
}

static const struct terms *terms_keep(struct prices *prices, const struct scrip_terms_row *row)
{
    struct terms *terms = memory_get(sizeof *terms);

    terms->row = *row;
    terms->row.number = prices->terms_count + 1;
    terms->row.rules = memory_text_part(row->rules_size ? row->rules : "", row->rules_size);
    rules_read(terms->row.rules, terms->row.rules_size, &terms->rules);
    terms_mark(prices, terms);
    ARRAY_ROOM(prices->terms, prices->terms_count, prices->terms_room);
    prices->terms[prices->terms_count++] = terms;
    return terms;
}

const struct terms *prices_terms(struct prices *prices, const struct scrip_terms_row *content)
{
    for (size_t i = prices->terms_count; i-- > 0;) {
        const struct scrip_terms_row *row = &prices->terms[i]->row;

        if (row->currency == content->currency && row->decimals == content->decimals &&
            row->rounding == content->rounding && row->split == content->split &&
            row->settle_lag_us == content->settle_lag_us && row->late == content->late &&
            row->rules_size == content->rules_size &&
            (row->rules_size == 0 || memcmp(row->rules, content->rules, row->rules_size) == 0))
            return prices->terms[i];
    }
    return terms_keep(prices, content);
}

static uint64_t rate_hash(const struct scrip_rate_row *row)
{
    uint64_t h = hash_mix(row->service->number, row->terms);

    h = hash_mix(h, (uint64_t)row->rate.whole ^ (uint64_t)row->rate.atto << 1);
    h = hash_mix(h, (uint64_t)row->per.whole ^ (uint64_t)row->per.atto << 1);
    return hash_mix(h, row->label->number ^ row->digest);
}

static int rate_same(const struct scrip_rate_row *a, const struct scrip_rate_row *b)
{
    return a->service == b->service && a->terms == b->terms && a->label == b->label && a->digest == b->digest &&
           a->rate.whole == b->rate.whole && a->rate.atto == b->rate.atto && a->per.whole == b->per.whole &&
           a->per.atto == b->per.atto;
}

static void table_put(struct prices *prices, size_t index)
{
    size_t at = rate_hash(&prices->rates[index]->row) & (prices->table_size - 1);

    while (prices->table[at] != 0)
        at = (at + 1) & (prices->table_size - 1);
    prices->table[at] = (uint32_t)index + 1;
}

void prices_trim(struct prices *prices, uint64_t terms_count, uint64_t rate_count)
{
    for (; prices->terms_count > terms_count; prices->terms_count--) {
        free((char *)prices->terms[prices->terms_count - 1]->row.rules);
        free(prices->terms[prices->terms_count - 1]);
    }
    if (prices->rate_count <= rate_count)
        return;
    for (; prices->rate_count > rate_count; prices->rate_count--)
        free(prices->rates[prices->rate_count - 1]);
    memset(prices->table, 0, prices->table_size * sizeof *prices->table);
    for (size_t i = 0; i < prices->rate_count; i++)
        table_put(prices, i);
}

static const struct rate *rate_keep(struct prices *prices, const struct scrip_rate_row *row)
{
    struct rate *rate = memory_get(sizeof *rate);

    rate->row = *row;
    rate->row.number = prices->rate_count + 1;
    rate->terms = prices_terms_at(prices, row->terms);
    rate_mark(prices, rate);
    ARRAY_ROOM(prices->rates, prices->rate_count, prices->rate_room);
    prices->rates[prices->rate_count++] = rate;
    if (prices->rate_count * 2 > prices->table_size) {
        prices->table_size *= 2;
        free(prices->table);
        prices->table = memory_get(prices->table_size * sizeof *prices->table);
        for (size_t i = 0; i + 1 < prices->rate_count; i++)
            table_put(prices, i);
    }
    table_put(prices, prices->rate_count - 1);
    return rate;
}

const struct rate *prices_rate(struct prices *prices, const struct scrip_rate_row *content)
{
    size_t at = rate_hash(content) & (prices->table_size - 1);

    for (; prices->table[at] != 0; at = (at + 1) & (prices->table_size - 1)) {
        struct rate *rate = prices->rates[prices->table[at] - 1];

        if (rate_same(&rate->row, content))
            return rate;
    }
    return rate_keep(prices, content);
}

int prices_load_terms(struct prices *prices, const struct scrip_terms_row *row, struct scrip_error *err)
{
    struct rules rules;

    if (row->number >= 1 && row->number <= prices->terms_count)
        return SCRIP_OK; /* known from before */
    if (row->number != prices->terms_count + 1)
        return error_set(err, SCRIP_EINVALID, "terms %llu: the store has no terms %zu: run verify",
                         (unsigned long long)row->number, prices->terms_count + 1);
    if (rules_read(row->rules, row->rules_size, &rules) < 0)
        return error_set(err, SCRIP_EINVALID, "terms %llu: their rules are damaged: run verify",
                         (unsigned long long)row->number);
    terms_keep(prices, row);
    return SCRIP_OK;
}

int prices_load_rate(struct prices *prices, const struct scrip_rate_row *row, struct scrip_error *err)
{
    if (row->number >= 1 && row->number <= prices->rate_count)
        return SCRIP_OK;
    if (row->number != prices->rate_count + 1 || prices_terms_at(prices, row->terms) == NULL)
        return error_set(err, SCRIP_EINVALID, "rate %llu: its number or its terms do not fit: run verify",
                         (unsigned long long)row->number);
    rate_keep(prices, row);
    return SCRIP_OK;
}
