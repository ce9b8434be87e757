/* tiered.c - prices from a sheet of tiers, for each event or for what a period adds up to.
 *
 * Over a period an event costs what it adds to the period's price, so that many small events cost what one large one
 * would. Kept for each period: the quantity so far, what was charged for it, and what was charged ahead of the model's
 * price, which later charges make good: a minimum paid at once, or a price that fell as the quantity reached a cheaper
 * tier of a volume.
 */
#include "period.h"
#include "tiers.h"
#include "usage.h"

static const struct scrip_option options[] = {
    { "sheet", SCRIP_OPTION_PATH, NULL, NULL, 1,
      "CSV file: product, from, to, model, up_to or at_least, rate, per, flat, factor, block, free, minimum, maximum, "
      "currency, label; a row a tier, model in a schedule's first row only, currency in each" },
    { "currencies", SCRIP_OPTION_LIST, NULL, NULL, 0, "currencies that may pay, in this order; only without a period" },
    PERIOD_OPTION("none", "quantities add up over this; none: each event by itself"),
    PERIOD_OPTION_ANCHOR,
    PERIOD_OPTIONS_ZONE,
    USAGE_OPTION_COUNT_BY,
    { "charge", SCRIP_OPTION_CHOICE, "event", "event,period", 0,
      "event: each pays what it adds; period: all of it at the period's end, also where a price falls with the "
      "quantity" },
    { "minimum_at", SCRIP_OPTION_CHOICE, "end", "end,first", 0,
      "what is missing to a minimum is due at the period's end, when it is known; or at once with the first event" },
    { "flat_at_zero", SCRIP_OPTION_BOOL, "yes", NULL, 0,
      "yes: an event of quantity 0 owes the first tier's flat price; no: only what was used does" },
    { "carry", SCRIP_OPTION_BOOL, "yes", NULL, 0,
      "yes: what rounding takes from a charge, or adds, the period's next ones make good; no: each is rounded by "
      "itself" },
    { "keep", SCRIP_OPTION_DURATION, "35d", NULL, 0, "so long after a period's end late events still count in it" },
    SCRIP_OPTIONS_END,
};

/* What a period has come to. */
struct tally {
    struct scrip_decimal quantity, billed, ahead;
    struct scrip_decimal fraction; /* of what was billed, not charged yet; below 0: charged too much */
    int64_t last_us;  /* of its newest event: whose schedule counts at the end */
    int64_t is_known; /* 0: no event yet */
    int64_t is_closed;
};
#define TALLY_SIZE (4 * 16 + 2 * 8)

static int open_tiers(struct scrip_ctx *ctx)
{
    struct tiers *tiers = ctx->self = calloc(1, sizeof *tiers);
    int has_period = ctx->host->option_int(ctx, "period") != PERIOD_NONE;
    int code;

    if (tiers == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "no memory for the sheet");
    tiers->is_free_at_zero = !ctx->host->option_int(ctx, "flat_at_zero");
    if (length_check(ctx, "keep") < 0)
        return SCRIP_EINVALID;
    if (has_period && ctx->host->option_given(ctx, "currencies"))
        return scrip_fail(ctx, SCRIP_EINVALID,
                          "%s: currencies: a period adds up in one currency: leave this out, or period",
                          ctx->host->option_where(ctx, "currencies"));
    if (!has_period && (ctx->host->option_int(ctx, "charge") != 0 || ctx->host->option_given(ctx, "anchor")))
        return scrip_fail(ctx, SCRIP_EINVALID, "period: none: charge = period and anchor need one such as month");
    if ((code = paid_list_check(ctx, "currencies")) < 0 || (code = tiers_read(ctx, tiers)) < 0)
        return code;
    if (ctx->host->option_int(ctx, "count_by") == COUNT_BY_ACCOUNT && tiers_product(tiers, "*") == NULL)
        return scrip_fail(ctx, SCRIP_EINVALID,
                          "count_by = account: the sheet needs the product *, which prices all usage");
    return SCRIP_OK;
}

static void close_tiers(struct scrip_ctx *ctx)
{
    if (ctx->self != NULL)
        tiers_free(ctx->self);
    free(ctx->self);
    ctx->self = NULL;
}

/* ---- what is due -------------------------------------------------------------------------------------------- */

/* Adds the lines of a bill, or one line where another amount than its sum is due, and why. */
static int due_add(struct scrip_ctx *ctx, const struct tiers *tiers, const struct schedule *schedule,
                   const struct bill *bill, const struct scrip_decimal *due, const char *why, uint64_t group,
                   struct scrip_quote *out)
{
    struct scrip_line line = { SCRIP_TIME_NONE, schedule->currency, *due, { 1, 0 }, { 1, 0 }, NULL, group };
    char label[SCRIP_NAME_SIZE + 1];
    int is_plain = ctx->host->decimal_compare(due, &bill->total) == 0 && (group == 0 || bill->count < 2);

    for (int i = 0; i < bill->count; i++)
        is_plain &= !number_is_negative(bill->lines[i].quantity) && !number_is_negative(bill->lines[i].rate);
    if (!is_plain || bill->count == 0) {
        snprintf(label, sizeof label, "%s%s%.200s", why, why[0] ? ": " : "", tiers->all[schedule->first].label);
        line.label = label;
        if (number_is_zero(*due)) {
            line.quantity = number_one;
            line.rate = number_zero;
        }
        return ctx->host->line_add(ctx, out, &line);
    }
    for (int i = 0; i < bill->count; i++) {
        line = bill->lines[i];
        line.group = group;
        if (ctx->host->line_add(ctx, out, &line) < 0)
            return SCRIP_EINVALID;
    }
    return SCRIP_OK;
}

/* One event by itself. Returns how many currencies may pay, or the fault. */
static int event_price(struct scrip_ctx *ctx, const struct tiers *tiers, const struct scrip_event *event,
                       const char *currency, uint64_t group, struct scrip_quote *out)
{
    const struct schedule *schedule = tiers_find(tiers, event->product, currency, event->time_us);
    struct scrip_decimal due;
    const char *why = "";
    struct bill bill;
    int code;

    if (schedule == NULL)
        return 0;
    if ((code = schedule_bill(ctx, tiers, schedule, NULL, event->quantity, &bill)) < 0)
        return code;
    due = bill.total;
    if (schedule->has_minimum && ctx->host->decimal_compare(&due, &schedule->minimum) < 0) {
        due = schedule->minimum;
        why = "minimum";
    }
    if (schedule->has_maximum && ctx->host->decimal_compare(&due, &schedule->maximum) > 0) {
        due = schedule->maximum;
        why = "maximum";
    }
    code = due_add(ctx, tiers, schedule, &bill, &due, why, group, out);
    return code < 0 ? code : 1;
}

static int events_price(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    int has_currencies = ctx->host->option_given(ctx, "currencies"), count = 0, code;

    for (uint64_t i = 0; has_currencies || i == 0; i++) {
        const char *currency = has_currencies ? ctx->host->option_item(ctx, "currencies", i) : NULL;

        if (has_currencies && currency == NULL)
            break;
        code = event_price(ctx, ctx->self, event, currency, has_currencies ? 1 : 0, out);
        if (code < 0)
            return code;
        count += code;
    }
    ctx->host->verdict(ctx, out, SCRIP_PRICED);
    return count > 0 ? SCRIP_OK
                     : scrip_fail(ctx, SCRIP_ENOTFOUND,
                                  "product '%s': the sheet has it, but no row for this time: add one", event->product);
}

/* ---- periods ------------------------------------------------------------------------------------------------ */

static int tally_load(struct scrip_ctx *ctx, const struct usage_key *key, struct tally *out)
{
    char bytes[TALLY_SIZE];
    uint64_t size = sizeof bytes;
    int code = ctx->host->state_get(ctx, key->bytes, key->size, bytes, &size);

    memset(out, 0, sizeof *out);
    if (code < 0)
        return code == SCRIP_ENOTFOUND ? SCRIP_OK : code;
    decimal_read_bytes(bytes, &out->quantity);
    decimal_read_bytes(bytes + 16, &out->billed);
    decimal_read_bytes(bytes + 32, &out->ahead);
    decimal_read_bytes(bytes + 48, &out->fraction);
    out->last_us = int64_read(bytes + 64);
    out->is_closed = int64_read(bytes + 72);
    out->is_known = 1;
    return SCRIP_OK;
}

static int tally_store(struct scrip_ctx *ctx, const struct usage_key *key, const struct tally *tally, int64_t end_us)
{
    char bytes[TALLY_SIZE];

    decimal_write_bytes(bytes, &tally->quantity);
    decimal_write_bytes(bytes + 16, &tally->billed);
    decimal_write_bytes(bytes + 32, &tally->ahead);
    decimal_write_bytes(bytes + 48, &tally->fraction);
    int64_write(bytes + 64, tally->last_us);
    int64_write(bytes + 72, tally->is_closed);
    return ctx->host->state_put(ctx, key->bytes, key->size, bytes, sizeof bytes,
                                end_us + ctx->host->option_int(ctx, "keep"));
}

/* Charges of a period add up to its price rounded once: each is what the sum, rounded to the currency's smallest unit,
 * grows by. The host has nothing left to round. */
static struct scrip_decimal tally_whole(struct calc *c, const struct schedule *schedule, struct tally *tally,
                                        struct scrip_decimal due, const char **why)
{
    struct scrip_decimal unit = { 1, 0 }, exact = calc_add(c, due, tally->fraction), whole;
    int64_t decimals = 0;

    if (!c->ctx->host->option_int(c->ctx, "carry") ||
        c->ctx->host->currency_find(c->ctx, schedule->currency, &decimals) < 0)
        return due;
    if (decimals > 0)
        unit = (struct scrip_decimal){ 0, SCRIP_ATTO };
    while (decimals-- > 0)
        unit.atto /= 10;
    whole = calc_max(c, calc_round(c, exact, unit, SCRIP_HALF_EVEN), number_zero);
    tally->fraction = calc_subtract(c, exact, whole);
    if (calc_compare(c, whole, due) != 0 && (*why)[0] == 0)
        *why = "rounded in sum";
    return whole;
}

/* What is due of an amount that the model adds: less what was charged ahead, at least what is still missing to
 * `minimum`, at most what is left to the maximum. */
static struct scrip_decimal tally_due(struct calc *c, const struct schedule *schedule, struct tally *tally,
                                      struct scrip_decimal added, int with_minimum, const char **why)
{
    struct scrip_decimal due = calc_subtract(c, added, tally->ahead), missing, room;

    *why = number_is_zero(tally->ahead) ? "" : "less what was charged ahead";
    tally->ahead = number_zero;
    if (number_is_negative(due)) {
        tally->ahead = calc_subtract(c, number_zero, due);
        due = number_zero;
    }
    missing = calc_subtract(c, schedule->minimum, tally->billed);
    if (with_minimum && calc_compare(c, due, missing) < 0) {
        tally->ahead = calc_add(c, tally->ahead, calc_subtract(c, missing, due));
        due = missing;
        *why = "minimum";
    }
    room = calc_max(c, calc_subtract(c, schedule->maximum, tally->billed), number_zero);
    if (schedule->has_maximum && calc_compare(c, due, room) > 0) {
        due = room;
        *why = "maximum";
    }
    tally->billed = calc_add(c, tally->billed, due);
    return tally_whole(c, schedule, tally, due, why);
}

/* Asks to be called at the last instant of the period, while what expires with it can still pay. */
static int period_watch(struct scrip_ctx *ctx, const struct usage_key *key, const struct schedule *schedule,
                        const struct period *period)
{
    int at_end = ctx->host->option_int(ctx, "charge") == 1 ||
                 (schedule->has_minimum && ctx->host->option_int(ctx, "minimum_at") == 0);

    return at_end ? ctx->host->timer_set(ctx, key->bytes, key->size, period->end_us - 1) : SCRIP_OK;
}

static int period_price(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    const struct tiers *tiers = ctx->self;
    int by_account = ctx->host->option_int(ctx, "count_by") == COUNT_BY_ACCOUNT;
    const struct schedule *schedule = tiers_find(tiers, by_account ? "*" : event->product, NULL, event->time_us);
    struct calc c = { ctx, SCRIP_OK };
    struct scrip_decimal total, due;
    struct period period;
    struct usage_key key;
    struct tally tally;
    struct bill bill;
    const char *why;
    int code;

    if (schedule == NULL)
        return scrip_fail(ctx, SCRIP_ENOTFOUND, "product '%s': the sheet has it, but no row for this time: add one",
                          event->product);
    if (period_at(ctx, event->time_us, &period) < 0 || usage_key_of(ctx, 'C', period.start_us, event, &key) < 0 ||
        tally_load(ctx, &key, &tally) < 0)
        return SCRIP_EINVALID;
    total = calc_add(&c, tally.quantity, event->quantity);
    if ((code = schedule_bill(ctx, tiers, schedule, tally.is_known ? &tally.quantity : NULL, total, &bill)) < 0)
        return code;
    if (!tally.is_known && (code = period_watch(ctx, &key, schedule, &period)) < 0)
        return code;
    tally.quantity = total;
    if (!tally.is_known || event->time_us > tally.last_us)
        tally.last_us = event->time_us;
    if (ctx->host->option_int(ctx, "charge") == 1 && !tally.is_closed) {
        ctx->host->verdict(ctx, out, SCRIP_FREE);
        return c.code < 0 ? c.code : tally_store(ctx, &key, &tally, period.end_us);
    }
    due = tally_due(&c, schedule, &tally, bill.total,
                    schedule->has_minimum && ctx->host->option_int(ctx, "minimum_at") == 1, &why);
    if (c.code < 0)
        return scrip_fail(ctx, c.code, "quantity: its price is out of range");
    ctx->host->verdict(ctx, out, SCRIP_PRICED);
    code = due_add(ctx, tiers, schedule, &bill, &due, why, 0, out);
    return code < 0 ? code : tally_store(ctx, &key, &tally, period.end_us);
}

static int quote(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    int code;

    if (event->product[0] == 0 || tiers_known(ctx->self, event->product) == NULL)
        return SCRIP_OK; /* another service may have a price */
    code = ctx->host->option_int(ctx, "period") == PERIOD_NONE ? events_price(ctx, event, out)
                                                               : period_price(ctx, event, out);
    if (code != SCRIP_ENOTFOUND)
        return code;
    ctx->host->verdict(ctx, out, SCRIP_UNPRICED);
    return SCRIP_OK;
}

/* A period ends: all that it came to, or what is missing to its minimum. */
static int period_end(struct scrip_ctx *ctx, const void *bytes, uint64_t size, int64_t due_us, struct scrip_quote *out)
{
    const struct tiers *tiers = ctx->self;
    const struct schedule *schedule;
    struct calc c = { ctx, SCRIP_OK };
    struct bill bill = { .count = 0 };
    struct scrip_decimal due;
    struct usage_names names;
    struct usage_key key;
    struct tally tally;
    const char *why;

    if (usage_names(ctx, bytes, size, &names) < 0 ||
        usage_key(ctx, 'C', names.start_us, names.product, names.user, &key) < 0 || tally_load(ctx, &key, &tally) < 0)
        return SCRIP_EINVALID;
    if (!tally.is_known || tally.is_closed)
        return SCRIP_OK; /* what it was set for was refused since, or is done */
    if ((schedule = tiers_find(tiers, names.product, NULL, tally.last_us)) == NULL)
        return scrip_fail(ctx, SCRIP_ENOTFOUND,
                          "product '%s': the sheet has lost the row that its last usage counted by", names.product);
    if (ctx->host->option_int(ctx, "charge") == 1 &&
        schedule_bill(ctx, tiers, schedule, NULL, tally.quantity, &bill) < 0)
        return SCRIP_EINVALID;
    due = tally_due(&c, schedule, &tally, bill.total, schedule->has_minimum, &why);
    if (c.code < 0)
        return scrip_fail(ctx, c.code, "period: its price is out of range");
    if (number_is_zero(due) && ctx->host->option_int(ctx, "charge") == 0)
        return SCRIP_OK;
    tally.is_closed = 1;
    if (ctx->host->usage_name(ctx, out, names.product, names.user) < 0)
        return SCRIP_EINVALID;
    ctx->host->verdict(ctx, out, SCRIP_PRICED);
    if (due_add(ctx, tiers, schedule, &bill, &due, why, 0, out) < 0)
        return SCRIP_EINVALID;
    return tally_store(ctx, &key, &tally, due_us + 1);
}

SCRIP_SERVICE_PLUGIN("tiered", "tiers: graduated, volume, package, capacity, threshold, step; by event or period",
                     .options = options, .open = open_tiers, .close = close_tiers, .quote = quote, .timer = period_end);
