/* lua_decimal.h - exact decimals in a script: decimal "1.25", + - * /, comparisons, round. No number that is not exact
 * comes in: a Lua number with a fraction is an error that says so. Part of lua.c. */
#ifndef SCRIP_LUA_DECIMAL_H
#define SCRIP_LUA_DECIMAL_H

#define DECIMAL_NAME "decimal"
#define DECIMAL_TEXT 64

static int decimal_push(lua_State *lua, const struct scrip_decimal *value)
{
    *(struct scrip_decimal *)lua_newuserdatauv(lua, sizeof *value, 0) = *value;
    luaL_setmetatable(lua, DECIMAL_NAME);
    return 1;
}

/* A decimal, a whole number, or a text that is one. `what` begins the message of what is none. */
static struct scrip_decimal decimal_at(lua_State *lua, int at, const char *what)
{
    const struct scrip_host *host = script_of(lua)->ctx->host;
    struct scrip_decimal *known = luaL_testudata(lua, at, DECIMAL_NAME), out = { 0, 0 };
    size_t size;
    const char *text;

    if (known != NULL)
        return *known;
    if (lua_type(lua, at) == LUA_TNUMBER && !lua_isinteger(lua, at))
        luaL_error(lua, "%s: %f is a Lua number with a fraction, which is not exact: write decimal \"0.1\" instead of 0.1",
                   what, lua_tonumber(lua, at));
    if (lua_type(lua, at) != LUA_TNUMBER && lua_type(lua, at) != LUA_TSTRING)
        luaL_error(lua, "%s: want a decimal, got %s", what, luaL_typename(lua, at));
    lua_pushvalue(lua, at);
    text = lua_tolstring(lua, -1, &size);
    if (host->decimal_parse(text, size, &out) < 0)
        luaL_error(lua, "%s: want a decimal such as 12.5, within 18 digits before the point and 18 after it, got '%s'",
                   what, text);
    lua_pop(lua, 1);
    return out;
}

static int decimal_new(lua_State *lua)
{
    struct scrip_decimal value = decimal_at(lua, 1, "decimal");

    return decimal_push(lua, &value);
}

static int decimal_answer(lua_State *lua, int code, const struct scrip_decimal *value, const char *what)
{
    if (code < 0)
        return luaL_error(lua, "%s: the result is out of range: at most 18 digits before the point", what);
    return decimal_push(lua, value);
}

static int decimal_plus(lua_State *lua)
{
    struct scrip_decimal a = decimal_at(lua, 1, "+"), b = decimal_at(lua, 2, "+"), out = { 0, 0 };

    return decimal_answer(lua, script_of(lua)->ctx->host->decimal_add(&a, &b, &out), &out, "+");
}

static struct scrip_decimal decimal_negated(lua_State *lua, struct scrip_decimal value)
{
    static const struct scrip_decimal minus = { -1, 0 };
    struct scrip_decimal out = { 0, 0 };

    if (script_of(lua)->ctx->host->decimal_multiply(&value, &minus, &out) < 0)
        luaL_error(lua, "-: the result is out of range");
    return out;
}

static int decimal_minus(lua_State *lua)
{
    struct scrip_decimal a = decimal_at(lua, 1, "-"), b = decimal_negated(lua, decimal_at(lua, 2, "-")), out = { 0, 0 };

    return decimal_answer(lua, script_of(lua)->ctx->host->decimal_add(&a, &b, &out), &out, "-");
}

static int decimal_negative(lua_State *lua)
{
    struct scrip_decimal value = decimal_negated(lua, decimal_at(lua, 1, "-"));

    return decimal_push(lua, &value);
}

static int decimal_times(lua_State *lua)
{
    struct scrip_decimal a = decimal_at(lua, 1, "*"), b = decimal_at(lua, 2, "*"), out = { 0, 0 };

    return decimal_answer(lua, script_of(lua)->ctx->host->decimal_multiply(&a, &b, &out), &out, "*");
}

static int decimal_over(lua_State *lua)
{
    struct scrip_decimal a = decimal_at(lua, 1, "/"), b = decimal_at(lua, 2, "/"), out = { 0, 0 };

    if (b.whole == 0 && b.atto == 0)
        return luaL_error(lua, "/: divided by 0");
    return decimal_answer(lua, script_of(lua)->ctx->host->decimal_divide(&a, &b, SCRIP_HALF_EVEN, &out), &out, "/");
}

static int decimal_order(lua_State *lua)
{
    struct scrip_decimal a = decimal_at(lua, 1, "comparison"), b = decimal_at(lua, 2, "comparison");

    return script_of(lua)->ctx->host->decimal_compare(&a, &b);
}

static int decimal_is_less(lua_State *lua)
{
    lua_pushboolean(lua, decimal_order(lua) < 0);
    return 1;
}

static int decimal_is_at_most(lua_State *lua)
{
    lua_pushboolean(lua, decimal_order(lua) <= 0);
    return 1;
}

static int decimal_is_same(lua_State *lua)
{
    lua_pushboolean(lua, decimal_order(lua) == 0);
    return 1;
}

static int decimal_text(lua_State *lua)
{
    struct scrip_decimal value = decimal_at(lua, 1, "tostring");
    char text[DECIMAL_TEXT];

    lua_pushlstring(lua, text, script_of(lua)->ctx->host->decimal_write(&value, text, sizeof text));
    return 1;
}

static int decimal_joined(lua_State *lua)
{
    luaL_tolstring(lua, 1, NULL);
    luaL_tolstring(lua, 2, NULL);
    lua_concat(lua, 2);
    return 1;
}

/* d:round(step, how): to a multiple of step ("1"), "half-even" unless how says "half-up", "up" or "down". */
static int decimal_rounded(lua_State *lua)
{
    static const char *const ways[] = { "half-even", "half-up", "up", "down", NULL };
    struct scrip_decimal value = decimal_at(lua, 1, "round"), step = { 1, 0 }, out = { 0, 0 };
    int way = luaL_checkoption(lua, 3, "half-even", ways);

    if (!lua_isnoneornil(lua, 2))
        step = decimal_at(lua, 2, "round: step");
    if (step.whole < 0 || (step.whole == 0 && step.atto == 0))
        return luaL_error(lua, "round: step: want a number above 0");
    return decimal_answer(lua, script_of(lua)->ctx->host->decimal_round(&value, &step, way, &out), &out, "round");
}

static void decimal_open(lua_State *lua)
{
    static const luaL_Reg meta[] = {
        { "__add", decimal_plus },       { "__sub", decimal_minus },       { "__mul", decimal_times },
        { "__div", decimal_over },       { "__unm", decimal_negative },    { "__lt", decimal_is_less },
        { "__le", decimal_is_at_most },  { "__eq", decimal_is_same },      { "__tostring", decimal_text },
        { "__concat", decimal_joined },  { NULL, NULL },
    };

    luaL_newmetatable(lua, DECIMAL_NAME);
    luaL_setfuncs(lua, meta, 0);
    lua_newtable(lua);
    lua_pushcfunction(lua, decimal_rounded);
    lua_setfield(lua, -2, "round");
    lua_setfield(lua, -2, "__index");
    lua_pop(lua, 1);
    lua_register(lua, "decimal", decimal_new);
}

#endif
