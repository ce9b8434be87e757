/* account_clone.c - an account once more, to try events on. */
#include "account.h"

static void grants_copy(struct account *out, const struct account *account)
{
    for (size_t i = 0; i < account->grant_count; i++)
        account_grant_add(out, &account->grants[i]->row, account->grants[i]->terms);
}

void account_claim_copy(struct account *out, const struct claim *claim)
{
    struct scrip_claim_row row = claim->row;
    struct claim *copy;

    row.draws_size = 0;
    copy = account_claim_add(out, &row, &claim->event, claim->terms);
    copy->nominal = claim->nominal;
    copy->captured_by = claim->captured_by;
    for (size_t i = 0; i < claim->draw_count; i++) {
        struct claim_draw draw = claim->draws[i];

        draw.grant = draw.grant ? out->grants[draw.grant->row.number - 1] : NULL;
        claim_draw_add(copy, &draw);
    }
}

static void limits_copy(struct account *out, const struct account *account)
{
    for (size_t i = 0; i < account->limit_count; i++) {
        const struct limit *limit = account->limits[i];
        struct scrip_limit_row row = limit->row;
        struct limit *copy;

        row.windows_size = 0;
        copy = account_limit_add(out, &row, limit->terms);
        copy->since_us = limit->since_us;
        copy->window_count = limit->window_count;
        memcpy(copy->windows, limit->windows, limit->window_count * sizeof *copy->windows);
    }
}

static void states_copy(struct account *out, const struct account *account)
{
    for (size_t i = 0; i < account->state_size; i++) {
        const struct state *state = account->states[i];

        if (state != NULL && state->value_size > 0)
            account_state_set(out, account_state_add(out, state->service, state->key, state->key_size), state->value,
                              state->value_size, state->discard_after_us);
    }
    for (size_t i = 0; i < account->service_timer_count; i++) {
        const struct service_timer *timer = account->service_timers[i];

        if (timer->due_us != SCRIP_TIME_NONE)
            account_timer_add(out, timer->service, timer->key, timer->key_size)->due_us = timer->due_us;
    }
}

struct account *account_clone(const struct account *account)
{
    struct account *out = account_make(account->row.name);

    out->row = account->row;
    out->row.data = account->row.data_size ? memory_text_part(account->row.data, account->row.data_size) : NULL;
    out->zone = account->zone ? memory_text(account->zone) : NULL;
    out->start_us = account->start_us;
    out->last_source = account->last_source;
    memcpy(out->last_id, account->last_id, sizeof out->last_id);
    grants_copy(out, account);
    account_changes_order(out);
    for (size_t i = 0; i < account->claim_count; i++)
        if (account->claims[i]->row.stage == SCRIP_CLAIM_OPEN)
            account_claim_copy(out, account->claims[i]);
    limits_copy(out, account);
    states_copy(out, account);
    account_restart(out);
    return out;
}
