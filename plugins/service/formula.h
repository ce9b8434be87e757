/* formula.h - arithmetic in exact decimals over a usage: parsed once, evaluated without allocation.
 *
 *     expression = "if" expression "then" expression "else" expression | or
 *     or         = and { "or" and }              and     = not { "and" not }
 *     not        = "not" not | compare           compare = sum [ ("=" | "!=" | "<" | "<=" | ">" | ">=") sum ]
 *     sum        = product { ("+" | "-") product }
 *     product    = minus { ("*" | "/") minus }   minus   = "-" minus | value
 *     value      = NUMBER | 'TEXT' | NAME | FUNCTION "(" ... ")" | "(" expression ")"
 *
 * A name is a constant, an earlier `let`, one of quantity, seconds (of the session), product, user and unit, or else an
 * attribute; attribute('NAME') is one with any name. An attribute is a number, and text beside a text.
 * Functions: min(a, ...), max(a, ...), ceil(a [, step]), floor(a [, step]), round(a [, step]) (halves away from 0),
 * has(NAME), value(NAME, if missing), count(NAME) (items of a list split by commas).
 * Sums are exact. A product is kept to 18 digits after the point, halves to even; a quotient is rounded there as
 * configured.
 */
#ifndef SCRIP_FORMULA_H
#define SCRIP_FORMULA_H

#include "usage.h"

#include <stdio.h>
#include <stdlib.h>

#define FORMULA_OPS 256   /* steps of one formula */
#define FORMULA_STACK 24  /* values at hand at one time */
#define FORMULA_NESTING 48
#define FORMULA_NAMES 64  /* of one set: constants, and as many lets */
#define FORMULA_NAME_SIZE 256

enum formula_type { FORMULA_NUMBER, FORMULA_TEXT, FORMULA_TRUTH, FORMULA_OPEN /* an attribute: as it is used */ };
static const char *const formula_types[] = { "a number", "a text", "a comparison", "an attribute" };

enum formula_kind {
    OP_NUMBER, OP_TEXT, OP_LET, OP_QUANTITY, OP_SECONDS, OP_PRODUCT, OP_USER, OP_UNIT, OP_ATTRIBUTE_NUMBER,
    OP_ATTRIBUTE_TEXT, OP_HAS, OP_COUNT, OP_VALUE, OP_ADD, OP_SUBTRACT, OP_MULTIPLY, OP_DIVIDE, OP_MINUS, OP_MIN,
    OP_MAX, OP_CEIL, OP_FLOOR, OP_ROUND, OP_COMPARE, OP_SAME, OP_DIFFERENT, OP_NOT, OP_AND, OP_OR, OP_UNLESS,
    OP_JUMP
};

/* OP_COMPARE's argument: which orders are true, by bits: below 1, equal 2, above 4. */
struct formula_op {
    int kind, argument; /* a let, a place to go on at, or orders */
    int column;
    struct scrip_decimal number;
    char *text; /* a text, or an attribute's name */
};

struct formula {
    char *name, *text;
    int type;
    struct formula_op *ops;
    int count;
};

struct formula_set {
    struct formula lets[FORMULA_NAMES];
    int let_count;
    char *const_names[FORMULA_NAMES];
    struct scrip_decimal const_values[FORMULA_NAMES];
    int const_count;
    int rounding; /* of quotients, enum scrip_rounding; -1: not configured */
};

/* ---- parsing ------------------------------------------------------------------------------------------------ */

struct formula_reading {
    struct scrip_ctx *ctx;
    const struct formula_set *set;
    struct formula *formula;
    const char *at;
    int depth, nesting;
};

static int formula_expression(struct formula_reading *r, int *type);

static int formula_fault(struct formula_reading *r, const char *at, const char *what)
{
    return scrip_fail(r->ctx, SCRIP_EINVALID, "%s: column %d, at '%.24s': %s", r->formula->name,
                      (int)(at - r->formula->text) + 1, at, what);
}

static void formula_space(struct formula_reading *r)
{
    r->at += strspn(r->at, " \t");
}

static int formula_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int formula_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The length of the name that begins here, or 0. */
static size_t formula_name(const char *at)
{
    size_t size = 0;

    if (formula_is_letter(at[0]))
        while (formula_is_letter(at[size]) || formula_is_digit(at[size]) || at[size] == '.')
            size++;
    return size;
}

/* 1: the sign or word is here, and was taken. */
static int formula_takes(struct formula_reading *r, const char *word)
{
    size_t size = strlen(word);

    formula_space(r);
    if (strncmp(r->at, word, size) != 0 || (formula_is_letter(word[0]) && formula_name(r->at) != size))
        return 0;
    r->at += size;
    return 1;
}

/* Adds a step that changes the number of values at hand by `change`; returns its place, or the fault. */
static int formula_emit(struct formula_reading *r, const char *at, int kind, int argument, int change)
{
    struct formula *f = r->formula;
    struct formula_op *op;

    if (f->count == FORMULA_OPS || r->depth + change > FORMULA_STACK)
        return formula_fault(r, at, "too long: put a part of it into a let of its own");
    r->depth += change;
    op = &f->ops[f->count];
    memset(op, 0, sizeof *op);
    op->kind = kind;
    op->argument = argument;
    op->column = (int)(at - f->text) + 1;
    return f->count++;
}

static int formula_emit_text(struct formula_reading *r, const char *at, int kind, const char *text, size_t size)
{
    int place = formula_emit(r, at, kind, 0, 1);

    if (place < 0)
        return place;
    if ((r->formula->ops[place].text = malloc(size + 1)) == NULL)
        return scrip_fail(r->ctx, SCRIP_ENOMEM, "%s: no memory for it", r->formula->name);
    memcpy(r->formula->ops[place].text, text, size);
    r->formula->ops[place].text[size] = 0;
    return place;
}

/* What was parsed last must be of a type. An attribute becomes it. */
static int formula_want(struct formula_reading *r, const char *at, int found, int wanted, int place)
{
    char what[96];

    if (found == wanted)
        return SCRIP_OK;
    if (found == FORMULA_OPEN && wanted != FORMULA_TRUTH) {
        r->formula->ops[place].kind = wanted == FORMULA_TEXT ? OP_ATTRIBUTE_TEXT : OP_ATTRIBUTE_NUMBER;
        return SCRIP_OK;
    }
    snprintf(what, sizeof what, "want %s here, not %s", formula_types[wanted], formula_types[found]);
    return formula_fault(r, at, what);
}

/* A part that must be of a type. */
static int formula_part(struct formula_reading *r, int (*part)(struct formula_reading *, int *), int wanted)
{
    const char *at;
    int type;

    formula_space(r);
    at = r->at;
    if (part(r, &type) < 0)
        return SCRIP_EINVALID;
    return formula_want(r, at, type, wanted, r->formula->count - 1);
}

static int formula_must(struct formula_reading *r, const char *word, const char *what)
{
    return formula_takes(r, word) ? SCRIP_OK : formula_fault(r, r->at, what);
}

/* An attribute's name inside a function's parentheses: NAME, or 'ANY NAME'. */
static int formula_attribute_name(struct formula_reading *r, const char **name, size_t *size)
{
    formula_space(r);
    if (*r->at == '\'' || *r->at == '"') {
        const char *end = strchr(r->at + 1, *r->at);

        if (end == NULL)
            return formula_fault(r, r->at, "a text that is never closed");
        *name = r->at + 1;
        *size = (size_t)(end - *name);
        r->at = end + 1;
        return SCRIP_OK;
    }
    *name = r->at;
    *size = formula_name(r->at);
    r->at += *size;
    return *size ? SCRIP_OK : formula_fault(r, r->at, "want the name of an attribute");
}

/* min, max: two or more become steps of two each. ceil, floor, round: a step of 1 where none is given. */
static int formula_call_numbers(struct formula_reading *r, const char *at, int kind)
{
    int many = kind == OP_MIN || kind == OP_MAX, count = 0;

    do {
        if (count > 0 && !many && count == 2)
            return formula_fault(r, r->at, "one number too many: want a number, and perhaps a step");
        if (formula_part(r, formula_expression, FORMULA_NUMBER) < 0 ||
            (many && count > 0 && formula_emit(r, at, kind, 0, -1) < 0))
            return SCRIP_EINVALID;
        count++;
    } while (formula_takes(r, ","));
    if (!many && count == 1) {
        int place = formula_emit(r, at, OP_NUMBER, 0, 1);

        if (place < 0)
            return place;
        r->formula->ops[place].number = number_one;
    }
    if (!many && formula_emit(r, at, kind, 0, -1) < 0)
        return SCRIP_EINVALID;
    return formula_must(r, ")", "want , or )");
}

static int formula_call_attribute(struct formula_reading *r, const char *at, int kind, int *type)
{
    const char *name;
    size_t size;
    int place;

    *type = kind == OP_HAS ? FORMULA_TRUTH : kind == OP_ATTRIBUTE_NUMBER ? FORMULA_OPEN : FORMULA_NUMBER;
    if (formula_attribute_name(r, &name, &size) < 0)
        return SCRIP_EINVALID;
    if (kind == OP_VALUE) { /* the number for a missing one comes first, and is replaced */
        if (formula_must(r, ",", "want , and the number for where the attribute is missing") < 0 ||
            formula_part(r, formula_expression, FORMULA_NUMBER) < 0)
            return SCRIP_EINVALID;
        r->depth--;
    }
    if ((place = formula_emit_text(r, at, kind, name, size)) < 0)
        return place;
    return formula_must(r, ")", "want )");
}

static int formula_call(struct formula_reading *r, const char *at, size_t size, int *type)
{
    static const struct {
        const char *name;
        int kind, takes_name;
    } calls[] = { { "min", OP_MIN, 0 }, { "max", OP_MAX, 0 }, { "ceil", OP_CEIL, 0 }, { "floor", OP_FLOOR, 0 },
                  { "round", OP_ROUND, 0 }, { "has", OP_HAS, 1 }, { "count", OP_COUNT, 1 }, { "value", OP_VALUE, 1 },
                  { "attribute", OP_ATTRIBUTE_NUMBER, 1 } };

    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (strlen(calls[i].name) == size && strncmp(at, calls[i].name, size) == 0) {
            *type = FORMULA_NUMBER;
            return calls[i].takes_name ? formula_call_attribute(r, at, calls[i].kind, type)
                                       : formula_call_numbers(r, at, calls[i].kind);
        }
    return formula_fault(r, at, "no such function: want min, max, ceil, floor, round, has, value, count or attribute");
}

static int formula_named(struct formula_reading *r, const char *at, size_t size, int *type)
{
    static const struct {
        const char *name;
        int kind, type;
    } words[] = { { "quantity", OP_QUANTITY, FORMULA_NUMBER }, { "seconds", OP_SECONDS, FORMULA_NUMBER },
                  { "product", OP_PRODUCT, FORMULA_TEXT }, { "user", OP_USER, FORMULA_TEXT },
                  { "unit", OP_UNIT, FORMULA_TEXT } };
    const struct formula_set *set = r->set;
    int place;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i].name) == size && strncmp(at, words[i].name, size) == 0) {
            *type = words[i].type;
            return formula_emit(r, at, words[i].kind, 0, 1);
        }
    for (int i = 0; i < set->const_count; i++)
        if (strlen(set->const_names[i]) == size && strncmp(at, set->const_names[i], size) == 0) {
            *type = FORMULA_NUMBER;
            if ((place = formula_emit(r, at, OP_NUMBER, 0, 1)) >= 0)
                r->formula->ops[place].number = set->const_values[i];
            return place;
        }
    for (int i = 0; i < set->let_count; i++) /* its own is not among them yet, so that there is no circle */
        if (strlen(set->lets[i].name) == size + 4 && strncmp(at, set->lets[i].name + 4, size) == 0) {
            *type = set->lets[i].type;
            return formula_emit(r, at, OP_LET, i, 1);
        }
    *type = FORMULA_OPEN;
    return formula_emit_text(r, at, OP_ATTRIBUTE_NUMBER, at, size);
}

static int formula_is_word(const char *at, size_t size)
{
    static const char *const words[] = { "if", "then", "else", "and", "or", "not" };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == size && strncmp(at, words[i], size) == 0)
            return 1;
    return 0;
}

static int formula_number(struct formula_reading *r, int *type)
{
    const char *at = r->at;
    struct scrip_decimal number;
    int place;

    while (formula_is_digit(*r->at) || *r->at == '.')
        r->at++;
    if ((*r->at == 'e' || *r->at == 'E') &&
        (formula_is_digit(r->at[1]) || ((r->at[1] == '-' || r->at[1] == '+') && formula_is_digit(r->at[2]))))
        for (r->at += 2; formula_is_digit(*r->at);)
            r->at++;
    *type = FORMULA_NUMBER;
    if (formula_is_letter(*r->at) || r->ctx->host->decimal_parse(at, (uint64_t)(r->at - at), &number) < 0)
        return formula_fault(r, at, "want a decimal number of at most 18 digits after the point");
    if ((place = formula_emit(r, at, OP_NUMBER, 0, 1)) >= 0)
        r->formula->ops[place].number = number;
    return place;
}

static int formula_value(struct formula_reading *r, int *type)
{
    const char *at, *name;
    size_t size;

    formula_space(r);
    at = r->at;
    if (formula_is_digit(*at) || *at == '.')
        return formula_number(r, type);
    if (*at == '\'' || *at == '"') {
        *type = FORMULA_TEXT;
        return formula_attribute_name(r, &name, &size) < 0 ? SCRIP_EINVALID
                                                           : formula_emit_text(r, at, OP_TEXT, name, size);
    }
    if (formula_takes(r, "("))
        return formula_expression(r, type) < 0 ? SCRIP_EINVALID : formula_must(r, ")", "want )");
    size = formula_name(at);
    if (size == 0 || formula_is_word(at, size))
        return formula_fault(r, at,
                             at[0] ? "want a number, a name or (" : "ends too early: want a number, a name or (");
    r->at += size;
    return formula_takes(r, "(") ? formula_call(r, at, size, type) : formula_named(r, at, size, type);
}

static int formula_minus(struct formula_reading *r, int *type)
{
    const char *at;

    formula_space(r);
    at = r->at;
    if (!formula_takes(r, "-"))
        return formula_value(r, type);
    *type = FORMULA_NUMBER;
    if (++r->nesting > FORMULA_NESTING)
        return formula_fault(r, at, "too many signs and parentheses in each other");
    if (formula_part(r, formula_minus, FORMULA_NUMBER) < 0)
        return SCRIP_EINVALID;
    r->nesting--;
    return formula_emit(r, at, OP_MINUS, 0, 0);
}

/* Parts of one kind with signs between them, from left to right. */
static int formula_chain(struct formula_reading *r, int (*part)(struct formula_reading *, int *),
                         const char *const signs[2], const int kinds[2], int *type)
{
    const char *at;

    formula_space(r);
    at = r->at;
    if (part(r, type) < 0)
        return SCRIP_EINVALID;
    for (;;) {
        const char *sign = r->at + strspn(r->at, " \t");
        int which = formula_takes(r, signs[0]) ? 0 : formula_takes(r, signs[1]) ? 1 : -1;

        if (which < 0)
            return SCRIP_OK;
        if (kinds[which] == OP_DIVIDE && r->set->rounding < 0)
            return formula_fault(r, sign, "a quotient must be rounded: set divide = half-even, half-up, up or down");
        if (formula_want(r, at, *type, FORMULA_NUMBER, r->formula->count - 1) < 0 ||
            formula_part(r, part, FORMULA_NUMBER) < 0 || formula_emit(r, sign, kinds[which], 0, -1) < 0)
            return SCRIP_EINVALID;
        *type = FORMULA_NUMBER;
    }
}

static int formula_product(struct formula_reading *r, int *type)
{
    static const char *const signs[] = { "*", "/" };
    static const int kinds[] = { OP_MULTIPLY, OP_DIVIDE };

    return formula_chain(r, formula_minus, signs, kinds, type);
}

static int formula_sum(struct formula_reading *r, int *type)
{
    static const char *const signs[] = { "+", "-" };
    static const int kinds[] = { OP_ADD, OP_SUBTRACT };

    return formula_chain(r, formula_product, signs, kinds, type);
}

static int formula_compare(struct formula_reading *r, int *type)
{
    static const char *const signs[] = { "!=", "<=", ">=", "=", "<", ">" };
    static const int orders[] = { 1 | 4, 1 | 2, 2 | 4, 2, 1, 4 };
    const char *at, *sign, *other;
    int place, right, kind = OP_COMPARE;

    formula_space(r);
    at = r->at;
    if (formula_sum(r, type) < 0)
        return SCRIP_EINVALID;
    place = r->formula->count - 1;
    formula_space(r);
    sign = r->at;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (!formula_takes(r, signs[i]))
            continue;
        formula_space(r);
        other = r->at;
        if (formula_sum(r, &right) < 0)
            return SCRIP_EINVALID;
        if (*type == FORMULA_TEXT || right == FORMULA_TEXT) {
            if (orders[i] != 2 && orders[i] != (1 | 4))
                return formula_fault(r, sign, "texts are the same or not: want = or !=");
            kind = orders[i] == 2 ? OP_SAME : OP_DIFFERENT;
        }
        if (formula_want(r, at, *type, kind == OP_COMPARE ? FORMULA_NUMBER : FORMULA_TEXT, place) < 0 ||
            formula_want(r, other, right, kind == OP_COMPARE ? FORMULA_NUMBER : FORMULA_TEXT, r->formula->count - 1) <
                0)
            return SCRIP_EINVALID;
        *type = FORMULA_TRUTH;
        return formula_emit(r, sign, kind, orders[i], -1);
    }
    return SCRIP_OK;
}

static int formula_not(struct formula_reading *r, int *type)
{
    const char *at;

    formula_space(r);
    at = r->at;
    if (!formula_takes(r, "not"))
        return formula_compare(r, type);
    if (++r->nesting > FORMULA_NESTING)
        return formula_fault(r, at, "too many signs and parentheses in each other");
    if (formula_part(r, formula_not, FORMULA_TRUTH) < 0)
        return SCRIP_EINVALID;
    r->nesting--;
    *type = FORMULA_TRUTH;
    return formula_emit(r, at, OP_NOT, 0, 0);
}

/* "and" and "or": the right side is not looked at where the left one decides. */
static int formula_logic(struct formula_reading *r, const char *word, int kind,
                         int (*part)(struct formula_reading *, int *), int *type)
{
    const char *at;

    formula_space(r);
    at = r->at;
    if (part(r, type) < 0)
        return SCRIP_EINVALID;
    while (formula_takes(r, word)) {
        int place;

        if (formula_want(r, at, *type, FORMULA_TRUTH, r->formula->count - 1) < 0 ||
            (place = formula_emit(r, at, kind, 0, -1)) < 0 || formula_part(r, part, FORMULA_TRUTH) < 0)
            return SCRIP_EINVALID;
        r->formula->ops[place].argument = r->formula->count;
        *type = FORMULA_TRUTH;
    }
    return SCRIP_OK;
}

static int formula_and(struct formula_reading *r, int *type)
{
    return formula_logic(r, "and", OP_AND, formula_not, type);
}

static int formula_or(struct formula_reading *r, int *type)
{
    return formula_logic(r, "or", OP_OR, formula_and, type);
}

static int formula_if(struct formula_reading *r, const char *at, int *type)
{
    int unless, jump;

    if (formula_part(r, formula_expression, FORMULA_TRUTH) < 0 ||
        (unless = formula_emit(r, at, OP_UNLESS, 0, -1)) < 0 || formula_must(r, "then", "want then") < 0 ||
        formula_part(r, formula_expression, FORMULA_NUMBER) < 0 || (jump = formula_emit(r, at, OP_JUMP, 0, -1)) < 0 ||
        formula_must(r, "else", "want else") < 0)
        return SCRIP_EINVALID;
    r->formula->ops[unless].argument = r->formula->count;
    if (formula_part(r, formula_expression, FORMULA_NUMBER) < 0)
        return SCRIP_EINVALID;
    r->formula->ops[jump].argument = r->formula->count;
    *type = FORMULA_NUMBER;
    return SCRIP_OK;
}

static int formula_expression(struct formula_reading *r, int *type)
{
    const char *at;
    int code;

    formula_space(r);
    at = r->at;
    if (++r->nesting > FORMULA_NESTING)
        return formula_fault(r, at, "too many signs and parentheses in each other");
    code = formula_takes(r, "if") ? formula_if(r, at, type) : formula_or(r, type);
    r->nesting--;
    return code;
}

/* Reads a text into a formula whose name is in messages: "let.mp". An attribute alone is a number. */
static int formula_read(struct scrip_ctx *ctx, const struct formula_set *set, const char *kind, const char *name,
                        const char *text, struct formula *out)
{
    struct formula_reading r = { ctx, set, out, NULL, 0, 0 };
    size_t size = strlen(kind) + strlen(name) + 1;

    memset(out, 0, sizeof *out);
    out->name = malloc(size);
    out->text = malloc(strlen(text) + 1);
    out->ops = calloc(FORMULA_OPS, sizeof *out->ops);
    if (out->name == NULL || out->text == NULL || out->ops == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "%s%s: no memory for it", kind, name);
    snprintf(out->name, size, "%s%s", kind, name);
    strcpy(out->text, text);
    r.at = out->text;
    if (formula_expression(&r, &out->type) < 0)
        return SCRIP_EINVALID;
    if (out->type == FORMULA_OPEN)
        out->type = FORMULA_NUMBER;
    formula_space(&r);
    return *r.at ? formula_fault(&r, r.at, "want a sign such as + or *, or the end") : SCRIP_OK;
}

static void formula_free(struct formula *formula)
{
    for (int i = 0; formula->ops != NULL && i < FORMULA_OPS; i++)
        free(formula->ops[i].text);
    free(formula->ops);
    free(formula->name);
    free(formula->text);
}

/* ---- evaluation --------------------------------------------------------------------------------------------- */

struct formula_value {
    struct scrip_decimal number; /* a truth: 1 or 0 */
    const char *text;
};

static int formula_run(struct scrip_ctx *ctx, const struct formula_set *set, const struct formula *formula,
                       const struct scrip_event *event, struct formula_value *out);

static int formula_trouble(struct scrip_ctx *ctx, const struct formula *f, const struct formula_op *op,
                           const char *what)
{
    return scrip_fail(ctx, SCRIP_ENOTFOUND, "%s: column %d: %s", f->name, op->column, what);
}

/* The items of a list. */
static int formula_count(const char *text)
{
    int count = 0;

    while (text != NULL && text[strspn(text, " ,\n")] != 0) {
        text += strspn(text, " ,\n");
        text += strcspn(text, ",\n");
        count++;
    }
    return count;
}

/* What a step brings in: a number or a text of the event. */
static int formula_load(struct scrip_ctx *ctx, const struct formula_set *set, const struct formula *f,
                        const struct formula_op *op, const struct scrip_event *event, struct formula_value *top)
{
    const char *text = op->text ? usage_attribute(event, op->text) : NULL;
    struct calc c = { ctx, SCRIP_OK };

    switch (op->kind) {
    case OP_NUMBER:
        top->number = op->number;
        return SCRIP_OK;
    case OP_QUANTITY:
        top->number = event->quantity;
        return SCRIP_OK;
    case OP_SECONDS:
        if (event->end_us == SCRIP_TIME_NONE)
            return formula_trouble(ctx, f, op, "seconds: the event has no end");
        top->number = calc_divide(&c, (struct scrip_decimal){ event->end_us - event->time_us, 0 },
                                  (struct scrip_decimal){ SCRIP_SECOND, 0 }, SCRIP_HALF_EVEN);
        return c.code;
    case OP_LET:
        return formula_run(ctx, set, &set->lets[op->argument], event, top);
    case OP_HAS:
        top->number = (struct scrip_decimal){ text != NULL, 0 };
        return SCRIP_OK;
    case OP_COUNT:
        top->number = (struct scrip_decimal){ formula_count(text), 0 };
        return text ? SCRIP_OK
                    : scrip_fail(ctx, SCRIP_ENOTFOUND, "attribute '%s': missing: %s needs it", op->text, f->name);
    case OP_VALUE:
        if (text == NULL)
            return SCRIP_OK;
        return usage_number(ctx, event, op->text, &top->number) < 0 ? SCRIP_ENOTFOUND : SCRIP_OK;
    case OP_ATTRIBUTE_NUMBER:
        return usage_number(ctx, event, op->text, &top->number) < 0 ? SCRIP_ENOTFOUND : SCRIP_OK;
    case OP_ATTRIBUTE_TEXT:
        top->text = text;
        return text ? SCRIP_OK
                    : scrip_fail(ctx, SCRIP_ENOTFOUND, "attribute '%s': missing: %s needs it", op->text, f->name);
    default:
        top->text = op->kind == OP_TEXT ? op->text : op->kind == OP_PRODUCT ? event->product
                    : op->kind == OP_USER ? event->user : event->unit;
        return SCRIP_OK;
    }
}

/* Two numbers become one. */
static int formula_combine(struct scrip_ctx *ctx, const struct formula_set *set, const struct formula *f,
                           const struct formula_op *op, struct scrip_decimal *a, struct scrip_decimal b)
{
    struct calc c = { ctx, SCRIP_OK };
    int order = calc_compare(&c, *a, b), up = number_is_negative(*a) ? SCRIP_DOWN : SCRIP_UP;

    if (op->kind == OP_DIVIDE && number_is_zero(b))
        return formula_trouble(ctx, f, op, "a division by 0");
    if ((op->kind == OP_CEIL || op->kind == OP_FLOOR || op->kind == OP_ROUND) &&
        (number_is_negative(b) || number_is_zero(b)))
        return formula_trouble(ctx, f, op, "a step that is not above 0");
    switch (op->kind) {
    case OP_ADD: *a = calc_add(&c, *a, b); break;
    case OP_SUBTRACT: *a = calc_subtract(&c, *a, b); break;
    case OP_MULTIPLY: *a = calc_multiply(&c, *a, b); break;
    case OP_DIVIDE: *a = calc_divide(&c, *a, b, set->rounding); break;
    case OP_MIN: *a = order <= 0 ? *a : b; break;
    case OP_MAX: *a = order >= 0 ? *a : b; break;
    case OP_CEIL: *a = calc_round(&c, *a, b, up); break;
    case OP_FLOOR: *a = calc_round(&c, *a, b, up == SCRIP_UP ? SCRIP_DOWN : SCRIP_UP); break;
    case OP_ROUND: *a = calc_round(&c, *a, b, SCRIP_HALF_UP); break;
    default: *a = (struct scrip_decimal){ op->argument >> (order + 1) & 1, 0 }; break; /* OP_COMPARE */
    }
    return c.code < 0 ? formula_trouble(ctx, f, op, "a result that is out of range") : SCRIP_OK;
}

/* SCRIP_ENOTFOUND where the event does not have what the formula needs; what that is, is told. */
static int formula_run(struct scrip_ctx *ctx, const struct formula_set *set, const struct formula *formula,
                       const struct scrip_event *event, struct formula_value *out)
{
    struct formula_value stack[FORMULA_STACK + 1] = { { { 0, 0 }, NULL } };
    int top = -1, code = SCRIP_OK;

    for (int at = 0; at < formula->count && code >= 0; at++) {
        const struct formula_op *op = &formula->ops[at];

        if (op->kind == OP_JUMP)
            at = op->argument - 1;
        else if (op->kind == OP_UNLESS)
            at = number_is_zero(stack[top--].number) ? op->argument - 1 : at;
        else if (op->kind == OP_AND || op->kind == OP_OR) {
            if (number_is_zero(stack[top].number) == (op->kind == OP_AND))
                at = op->argument - 1;
            else
                top--;
        } else if (op->kind == OP_NOT)
            stack[top].number.whole = !stack[top].number.whole;
        else if (op->kind == OP_MINUS)
            code = formula_combine(ctx, set, formula, &(struct formula_op){ .kind = OP_MULTIPLY, .column = op->column },
                                   &stack[top].number, (struct scrip_decimal){ -1, 0 });
        else if (op->kind == OP_SAME || op->kind == OP_DIFFERENT) {
            top--;
            stack[top].number =
                (struct scrip_decimal){ (strcmp(stack[top].text, stack[top + 1].text) == 0) == (op->kind == OP_SAME),
                                        0 };
        } else if (op->kind <= OP_VALUE) {
            top += op->kind != OP_VALUE;
            code = formula_load(ctx, set, formula, op, event, &stack[top]);
        } else {
            top--;
            code = formula_combine(ctx, set, formula, op, &stack[top].number, stack[top + 1].number);
        }
    }
    if (code >= 0)
        *out = stack[0];
    return code;
}

#endif
