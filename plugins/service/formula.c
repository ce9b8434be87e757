/* formula.c - prices a usage by a formula over its quantity and attributes: see formula.h for what may stand in one.
 *
 *     divide = half-even
 *     let.mp = width * height / 1e6 * frames * (if view = 'panorama' then 6 else 1)
 *     price.rendering = if quality = 'standard' and mp <= 6 then 0 else mp
 *
 * The result is the amount in `currency`, or, with a `sheet`, the quantity that the sheet's dated rate is for. What a
 * formula needs and the event does not have leaves the usage unpriced: it is never taken as 0.
 */
#include "formula.h"
#include "sheet.h"

static const struct scrip_option options[] = {
    { "price.*", SCRIP_OPTION_TEXT, NULL, NULL, 0,
      "price.PRODUCT = formula; price.PREFIX* and price.* stand for several" },
    { "let.*", SCRIP_OPTION_TEXT, NULL, NULL, 0, "let.NAME = formula, for the formulas below it" },
    { "const.*", SCRIP_OPTION_DECIMAL, NULL, NULL, 0, "const.NAME = number, for all formulas" },
    { "divide", SCRIP_OPTION_CHOICE, NULL, "half-even,half-up,up,down", 0,
      "how / rounds its 18th digit; needed where / is used" },
    { "currency", SCRIP_OPTION_NAME, NULL, NULL, 0,
      "the formula's result is an amount of this; needed without a sheet" },
    { "label", SCRIP_OPTION_TEXT, NULL, NULL, 0, "what explanations call the price; absent: the formula itself" },
    SHEET_OPTIONS_IF(0),
    SCRIP_OPTIONS_END,
};

struct formulas {
    struct sheet sheet; /* first: sheet.h frees it */
    struct formula_set set;
    struct formula prices[FORMULA_NAMES];
    int price_count;
    int has_sheet;
};

static int name_check(struct scrip_ctx *ctx, const struct formula_set *set, const char *kind, const char *name)
{
    static const char *const taken[] = { "quantity", "seconds", "product", "user", "unit", "if",
                                         "then",     "else",    "and",     "or",   "not" };

    if (name[0] == 0 || formula_name(name) != strlen(name))
        return scrip_fail(ctx, SCRIP_EINVALID, "%s%s: want a name of letters, digits, _ and .", kind, name);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strcmp(taken[i], name) == 0)
            return scrip_fail(ctx, SCRIP_EINVALID, "%s%s: the name means something already: choose another", kind,
                              name);
    for (int i = 0; i < set->const_count; i++)
        if (strcmp(set->const_names[i], name) == 0)
            return scrip_fail(ctx, SCRIP_EINVALID, "%s%s: there is a constant of this name: choose another", kind,
                              name);
    return SCRIP_OK;
}

static int consts_read(struct scrip_ctx *ctx, struct formula_set *set)
{
    const char *name, *text;

    for (uint64_t i = 0; ctx->host->option_member(ctx, "const.*", i, &name, &text) == SCRIP_OK; i++) {
        int at = set->const_count;

        if (at == FORMULA_NAMES)
            return scrip_fail(ctx, SCRIP_ELIMIT, "const.%s: more than %d constants", name, FORMULA_NAMES);
        if (name_check(ctx, set, "const.", name) < 0)
            return SCRIP_EINVALID;
        if ((set->const_names[at] = table_copy(name)) == NULL)
            return scrip_fail(ctx, SCRIP_ENOMEM, "const.%s: no memory for it", name);
        set->const_count++;
        if (ctx->host->decimal_parse(text, strlen(text), &set->const_values[at]) < 0)
            return scrip_fail(ctx, SCRIP_EINVALID, "const.%s: want a decimal number, got '%s'", name, text);
    }
    return SCRIP_OK;
}

static int formulas_read(struct scrip_ctx *ctx, struct formulas *all)
{
    const char *name, *text;

    for (uint64_t i = 0; ctx->host->option_member(ctx, "let.*", i, &name, &text) == SCRIP_OK; i++) {
        if (all->set.let_count == FORMULA_NAMES)
            return scrip_fail(ctx, SCRIP_ELIMIT, "let.%s: more than %d of them", name, FORMULA_NAMES);
        if (name_check(ctx, &all->set, "let.", name) < 0)
            return SCRIP_EINVALID;
        if (formula_read(ctx, &all->set, "let.", name, text, &all->set.lets[all->set.let_count]) < 0) {
            formula_free(&all->set.lets[all->set.let_count]);
            return SCRIP_EINVALID;
        }
        all->set.let_count++;
    }
    for (uint64_t i = 0; ctx->host->option_member(ctx, "price.*", i, &name, &text) == SCRIP_OK; i++) {
        struct formula *price = &all->prices[all->price_count];

        if (all->price_count == FORMULA_NAMES)
            return scrip_fail(ctx, SCRIP_ELIMIT, "price.%s: more than %d prices: add a second section", name,
                              FORMULA_NAMES);
        all->price_count++;
        if (formula_read(ctx, &all->set, "price.", name, text, price) < 0)
            return SCRIP_EINVALID;
        if (price->type != FORMULA_NUMBER)
            return scrip_fail(ctx, SCRIP_EINVALID, "%s: want a number, not %s", price->name,
                              formula_types[price->type]);
    }
    return SCRIP_OK;
}

static int open_formulas(struct scrip_ctx *ctx)
{
    struct formulas *all = ctx->self = calloc(1, sizeof *all);
    const char *currency = ctx->host->option_text(ctx, "currency");

    if (all == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "no memory for its formulas");
    all->has_sheet = ctx->host->option_given(ctx, "sheet");
    all->set.rounding = ctx->host->option_given(ctx, "divide") ? (int)ctx->host->option_int(ctx, "divide") : -1;
    if (all->has_sheet == (currency[0] != 0))
        return scrip_fail(ctx, SCRIP_EINVALID,
                          "currency and sheet: want one of them: an amount has a currency, and a quantity "
                          "has its rate in a sheet");
    if (currency[0] && paid_check(ctx, "currency", currency) < 0)
        return SCRIP_EINVALID;
    if (!all->has_sheet && ctx->host->option_given(ctx, "currencies"))
        return scrip_fail(ctx, SCRIP_EINVALID, "currencies: only with a sheet, which has a rate in each");
    if (consts_read(ctx, &all->set) < 0 || formulas_read(ctx, all) < 0 || paid_list_check(ctx, "currencies") < 0)
        return SCRIP_EINVALID;
    if (all->price_count == 0)
        return scrip_fail(ctx, SCRIP_EINVALID, "price.PRODUCT: missing: give at least one formula");
    return all->has_sheet ? sheet_read(ctx, &all->sheet) : SCRIP_OK;
}

static void close_formulas(struct scrip_ctx *ctx)
{
    struct formulas *all = ctx->self;

    for (int i = 0; all != NULL && i < all->price_count; i++)
        formula_free(&all->prices[i]);
    for (int i = 0; all != NULL && i < all->set.let_count; i++)
        formula_free(&all->set.lets[i]);
    for (int i = 0; all != NULL && i < all->set.const_count; i++)
        free(all->set.const_names[i]);
    sheet_close(ctx);
}

/* The formula of a product: its own before the longest prefix. */
static const struct formula *price_find(const struct formulas *all, const char *product)
{
    const struct formula *found = NULL;
    size_t longest = 0;

    for (int i = 0; i < all->price_count; i++) {
        const char *pattern = all->prices[i].name + strlen("price.");
        size_t size = strlen(pattern);

        if (strcmp(pattern, product) == 0)
            return &all->prices[i];
        if (size > longest && pattern[size - 1] == '*' && strncmp(pattern, product, size - 1) == 0) {
            found = &all->prices[i];
            longest = size;
        }
    }
    return found;
}

static int quote(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    const struct formulas *all = ctx->self;
    const struct formula *price = event->product[0] ? price_find(all, event->product) : NULL;
    struct sheet_ask ask = { event->product, event->unit, event->time_us, { 0, 0 }, NULL, 1 };
    struct formula_value value = { { 0, 0 }, NULL };
    char label[SCRIP_NAME_SIZE + 1], number[64];
    int code;

    if (price == NULL)
        return SCRIP_OK; /* another service may have a price */
    code = formula_run(ctx, &all->set, price, event, &value);
    if (code >= 0 && number_is_negative(value.number)) {
        ctx->host->decimal_write(&value.number, number, sizeof number);
        code = scrip_fail(ctx, SCRIP_ENOTFOUND, "%s: comes to %s, a price below 0", price->name, number);
    }
    if (code < 0) {
        ctx->host->verdict(ctx, out, SCRIP_UNPRICED);
        return code == SCRIP_ENOTFOUND ? SCRIP_OK : code;
    }
    ctx->host->verdict(ctx, out, SCRIP_PRICED);
    if (all->has_sheet) {
        ask.quantity = value.number;
        code = sheet_price(ctx, &all->sheet, &ask, out);
        return code == 0 ? sheet_unpriced(ctx, &ask, out) : code < 0 ? code : SCRIP_OK;
    }
    snprintf(label, sizeof label, "%.200s",
             ctx->host->option_text(ctx, "label")[0] ? ctx->host->option_text(ctx, "label") : price->text);
    struct scrip_line line = {
        SCRIP_TIME_NONE, ctx->host->option_text(ctx, "currency"), value.number, { 1, 0 }, { 1, 0 }, label, 0
    };
    return ctx->host->line_add(ctx, out, &line);
}

SCRIP_SERVICE_PLUGIN("formula", "a formula over quantity and attributes", .options = options, .open = open_formulas,
                     .close = close_formulas, .quote = quote);
