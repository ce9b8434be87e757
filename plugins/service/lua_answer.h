/* lua_answer.h - an event as a script sees it, and what the script's answer means. Part of lua.c.
 *
 * quote(event) answers nil: another service may have a price; "free"; "unpriced" (and why); or a line, or a list of
 * lines: { currency = "credits", rate = "1.25", quantity = ..., per = ..., label = ..., group = ..., time_us = ... }.
 * With gate = true beside them the lines' amounts must be there, and nothing is drawn. */
#ifndef SCRIP_LUA_ANSWER_H
#define SCRIP_LUA_ANSWER_H

static void text_set(lua_State *lua, const char *name, const char *text)
{
    if (text[0] == 0)
        return;
    lua_pushstring(lua, text);
    lua_setfield(lua, -2, name);
}

static void time_set(lua_State *lua, const char *name, const char *name_us, int64_t time_us)
{
    char text[64];

    if (time_us == SCRIP_TIME_NONE)
        return;
    lua_pushinteger(lua, time_us);
    lua_setfield(lua, -2, name_us);
    lua_pushlstring(lua, text, script_of(lua)->ctx->host->time_write(time_us, text, sizeof text));
    lua_setfield(lua, -2, name);
}

static void event_push(lua_State *lua, const struct scrip_event *event)
{
    lua_createtable(lua, 0, 16);
    text_set(lua, "account", event->account);
    text_set(lua, "source", event->source);
    text_set(lua, "id", event->id);
    text_set(lua, "product", event->product);
    text_set(lua, "user", event->user);
    text_set(lua, "unit", event->unit);
    text_set(lua, "currency", event->currency);
    text_set(lua, "type", event->type == SCRIP_HOLD ? "hold" : "usage");
    time_set(lua, "time", "time_us", event->time_us);
    time_set(lua, "until", "until_us", event->end_us);
    decimal_push(lua, &event->quantity);
    lua_setfield(lua, -2, "quantity");
    if (event->has_amount) {
        decimal_push(lua, &event->amount);
        lua_setfield(lua, -2, "amount");
    }
    lua_createtable(lua, 0, (int)event->attribute_count);
    for (uint64_t i = 0; i < event->attribute_count; i++) {
        lua_pushstring(lua, event->attributes[i].value);
        lua_setfield(lua, -2, event->attributes[i].name);
    }
    lua_setfield(lua, -2, "attributes");
}

/* ---- the answer ---------------------------------------------------------------------------------------------------- */

/* An answer has no line of the script to show: the function's own stands for it. */
static int answer_fault(lua_State *lua, const char *format, ...)
{
    lua_Debug at = { 0 };
    va_list args;

    lua_getglobal(lua, "quote");
    lua_getinfo(lua, ">S", &at);
    lua_pushfstring(lua, "%s:%d: quote answers ", at.short_src, at.linedefined);
    va_start(args, format);
    lua_pushvfstring(lua, format, args);
    va_end(args);
    lua_concat(lua, 2);
    return lua_error(lua);
}

static int64_t whole_at(lua_State *lua, int at, const char *what)
{
    int is_whole;
    int64_t value = lua_tointegerx(lua, at, &is_whole);

    if (!is_whole)
        answer_fault(lua, "%s = %s: want a whole number", what, luaL_tolstring(lua, at, NULL));
    return value;
}

/* A number of a line; the faults of decimal_at have no place of their own here. */
static struct scrip_decimal number_at(lua_State *lua, int at, const char *what)
{
    struct scrip_decimal out = { 0, 0 };

    if (luaL_testudata(lua, at, DECIMAL_NAME) == NULL) {
        const char *text = luaL_tolstring(lua, at, NULL);

        if (lua_type(lua, at) == LUA_TNUMBER && !lua_isinteger(lua, at))
            answer_fault(lua, "%s = %s: a Lua number with a fraction is not exact: write \"%s\", "
                         "and calculate with decimal \"0.8\"", what, text, text);
        if (lua_type(lua, at) != LUA_TNUMBER && lua_type(lua, at) != LUA_TSTRING)
            answer_fault(lua, "%s = %s: want a decimal", what, text);
        if (script_of(lua)->ctx->host->decimal_parse(text, strlen(text), &out) < 0)
            answer_fault(lua, "%s = '%s': want a decimal such as 12.5", what, text);
        lua_pop(lua, 1);
        return out;
    }
    return decimal_at(lua, at, what);
}

static const char *text_at(lua_State *lua, int at, const char *what)
{
    if (lua_type(lua, at) != LUA_TSTRING)
        answer_fault(lua, "%s = %s: want a text", what, luaL_tolstring(lua, at, NULL));
    return lua_tostring(lua, at);
}

/* One member of a line: key below value on the stack. */
static void member_read(lua_State *lua, struct scrip_line *line)
{
    const char *key = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : "";
    int at = lua_gettop(lua);

    if (strcmp(key, "currency") == 0)
        line->currency = text_at(lua, at, key);
    else if (strcmp(key, "label") == 0)
        line->label = text_at(lua, at, key);
    else if (strcmp(key, "rate") == 0)
        line->rate = number_at(lua, at, key);
    else if (strcmp(key, "per") == 0)
        line->per = number_at(lua, at, key);
    else if (strcmp(key, "quantity") == 0)
        line->quantity = number_at(lua, at, key);
    else if (strcmp(key, "group") == 0)
        line->group = (uint64_t)whole_at(lua, at, key);
    else if (strcmp(key, "time_us") == 0)
        line->time_us = whole_at(lua, at, key);
    else if (strcmp(key, "gate") != 0)
        answer_fault(lua, "a line with '%s': want currency, rate, quantity, per, label, group, time_us or gate",
                     luaL_tolstring(lua, -2, NULL));
    lua_settop(lua, at);
}

static int line_take(lua_State *lua, int at)
{
    struct script *script = script_of(lua);
    struct scrip_line line = { SCRIP_TIME_NONE, NULL, script->event->quantity, { 0, 0 }, { 1, 0 }, script->name + 1, 0 };
    int has_rate = 0;

    if (lua_type(lua, at) != LUA_TTABLE)
        return answer_fault(lua, "%s for a line: want { currency = ..., rate = ... }", luaL_typename(lua, at));
    lua_pushnil(lua);
    while (lua_next(lua, at) != 0) {
        has_rate |= lua_type(lua, -2) == LUA_TSTRING && strcmp(lua_tostring(lua, -2), "rate") == 0;
        member_read(lua, &line);
        lua_pop(lua, 1);
    }
    if (line.currency == NULL || !has_rate)
        return answer_fault(lua, "a line without its %s: add it", line.currency == NULL ? "currency" : "rate");
    if (script->code == SCRIP_OK)
        script->code = script->ctx->host->line_add(script->ctx, script->out, &line);
    return 0;
}

static int word_take(lua_State *lua, const char *word)
{
    struct script *script = script_of(lua);
    int is_free = strcmp(word, "free") == 0;

    if (!is_free && strcmp(word, "unpriced") != 0)
        return answer_fault(lua, "'%s': want nil, \"free\", \"unpriced\", a line or a list of lines", word);
    if (!is_free)
        scrip_fail(script->ctx, SCRIP_ENOTFOUND, "%s: product '%s': %s", script->name + 1, script->event->product,
                   lua_type(lua, 2) == LUA_TSTRING ? lua_tostring(lua, 2)
                                                   : "the script has no price for it: add one, then scrip quarantine retry");
    script->ctx->host->verdict(script->ctx, script->out, is_free ? SCRIP_FREE : SCRIP_UNPRICED);
    return 0;
}

static int event_quote(lua_State *lua)
{
    struct script *script = script_of(lua);
    int is_gate;
    lua_Integer count;

    lua_getglobal(lua, "quote");
    event_push(lua, script->event);
    lua_call(lua, 1, 2); /* the answer at 1, perhaps why at 2 */
    if (!lua_toboolean(lua, 1))
        return 0; /* another service may have a price */
    if (lua_type(lua, 1) == LUA_TSTRING)
        return word_take(lua, lua_tostring(lua, 1));
    if (lua_type(lua, 1) != LUA_TTABLE)
        return answer_fault(lua, "a %s: want nil, \"free\", \"unpriced\", a line or a list of lines", luaL_typename(lua, 1));
    lua_getfield(lua, 1, "gate");
    is_gate = lua_toboolean(lua, -1);
    count = luaL_len(lua, 1);
    if (count > SCRIP_LINE_LIMIT)
        return answer_fault(lua, "more than %d lines", SCRIP_LINE_LIMIT);
    script->ctx->host->verdict(script->ctx, script->out, is_gate ? SCRIP_GATE : SCRIP_PRICED);
    if (count == 0)
        return line_take(lua, 1);
    for (lua_Integer i = 1; i <= count && script->code == SCRIP_OK; i++) {
        lua_settop(lua, 1);
        lua_geti(lua, 1, i);
        line_take(lua, 2);
    }
    return 0;
}

#endif
