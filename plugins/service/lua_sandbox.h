/* lua_sandbox.h - what a script may reach, run and hold. Part of lua.c.
 *
 * Every call into a script has so many instructions, and a second of the processor for what one instruction can make
 * long. Nothing in a script can catch an error, so none can go on behind a limit. What is global is fixed once the file
 * was run: a price depends on its event and on what `state` keeps, which the host knows of and takes back with a
 * refused event. */
#ifndef SCRIP_LUA_SANDBOX_H
#define SCRIP_LUA_SANDBOX_H

#define HOOK_INSTRUCTIONS 100
#define CALL_NS INT64_C(1000000000)
#define REPEAT_LIMIT 1000000
/* Steps that the matching of a pattern may take at worst. */
#define MATCH_LIMIT 1e9

/* ---- limits ------------------------------------------------------------------------------------------------------ */

static void *memory_limited(void *sink, void *old, size_t old_size, size_t size)
{
    struct script *script = sink;
    void *made = NULL;

    old_size = old ? old_size : 0; /* else it says what kind of thing is made */
    if (size == 0)
        free(old);
    else if (size > old_size && size - old_size > script->memory_limit - script->memory)
        return NULL;
    else if ((made = realloc(old, size)) == NULL)
        return NULL;
    script->memory = script->memory - old_size + size;
    return made;
}

static int64_t thread_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void limits_check(lua_State *lua, lua_Debug *at)
{
    struct script *script = script_of(lua);

    script->left -= HOOK_INSTRUCTIONS;
    if (script->left > 0 && thread_ns() < script->end_ns)
        return;
    lua_getinfo(lua, "Sl", at);
    if (script->left > 0)
        lua_pushfstring(lua, "%s:%d: does not come to an end: more than a second for one event", at->short_src,
                        at->currentline);
    else
        lua_pushfstring(lua, "%s:%d: does not come to an end: more than %I instructions for one event", at->short_src,
                        at->currentline, (LUAI_UACINT)script->limit);
    lua_error(lua);
}

/* 1: a message begins with the script's name, as those do that Lua gives a place. */
static int is_placed(const struct script *script, const char *message)
{
    return strncmp(message, script->name + 1, strlen(script->name + 1)) == 0;
}

/* Calls a C function that may raise Lua's errors. */
static int limited_call(struct script *script, lua_CFunction function)
{
    lua_State *lua = script->lua;
    const char *why;
    int code = SCRIP_OK;

    script->left = script->limit;
    script->end_ns = thread_ns() + CALL_NS;
    script->code = SCRIP_OK;
    lua_settop(lua, 0);
    lua_sethook(lua, limits_check, LUA_MASKCOUNT, HOOK_INSTRUCTIONS);
    lua_pushcfunction(lua, function);
    switch (lua_pcall(lua, 0, 0, 0)) {
    case LUA_OK:
        code = script->code;
        break;
    case LUA_ERRMEM:
        code = scrip_fail(script->ctx, SCRIP_EINVALID, "%s: more than %zu megabytes for one event: memory = ... allows more",
                          script->name + 1, script->memory_limit >> 20);
        break;
    default:
        why = lua_type(lua, -1) == LUA_TSTRING ? lua_tostring(lua, -1) : "the script raised an error that is no text";
        code = scrip_fail(script->ctx, SCRIP_EINVALID, "%s%s%s", is_placed(script, why) ? "" : script->name + 1,
                          is_placed(script, why) ? "" : ": ", why);
    }
    lua_settop(lua, 0);
    return code;
}

/* ---- what would run on below an instruction ------------------------------------------------------------------------ */

/* Calls the plain function, the first upvalue, with what came; its faults get the line that called. */
static int plain_call(lua_State *lua)
{
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_insert(lua, 1);
    if (lua_pcall(lua, lua_gettop(lua) - 1, LUA_MULTRET, 0) == LUA_OK)
        return lua_gettop(lua);
    if (lua_type(lua, -1) == LUA_TSTRING && !is_placed(script_of(lua), lua_tostring(lua, -1))) {
        luaL_where(lua, 1);
        lua_insert(lua, -2);
        lua_concat(lua, 2);
    }
    return lua_error(lua);
}

/* Matching tries, at worst, every length of every repeated part. */
static int pattern_checked(lua_State *lua)
{
    size_t size, pattern_size;
    double steps;

    luaL_checklstring(lua, 1, &size);
    if (lua_type(lua, 2) == LUA_TSTRING && !lua_toboolean(lua, 4)) {
        const char *pattern = lua_tolstring(lua, 2, &pattern_size);

        steps = (double)size + 1;
        for (size_t i = 0; i < pattern_size && steps <= MATCH_LIMIT; i++)
            if (strchr("*+-?", pattern[i]) != NULL && pattern[i] != 0 && (i == 0 || pattern[i - 1] != '%'))
                steps *= pattern[i] == '?' ? 2 : (double)size + 1;
        if (steps > MATCH_LIMIT)
            return luaL_error(lua, "pattern '%s': too many repeated parts for a text of %d bytes: match it in steps",
                              pattern, (int)size);
    }
    return plain_call(lua);
}

static int repeat_checked(lua_State *lua)
{
    if (luaL_checkinteger(lua, 2) > REPEAT_LIMIT)
        return luaL_error(lua, "string.rep: more than %d times", REPEAT_LIMIT);
    return plain_call(lua);
}

static void field_wrap(lua_State *lua, const char *name, lua_CFunction by)
{
    lua_getfield(lua, -1, name);
    lua_pushcclosure(lua, by, 1);
    lua_setfield(lua, -2, name);
}

/* ---- what a script finds ------------------------------------------------------------------------------------------- */

static int log_line(lua_State *lua)
{
    int count = lua_gettop(lua);
    luaL_Buffer line;

    luaL_buffinit(lua, &line);
    for (int i = 1; i <= count; i++) {
        if (i > 1)
            luaL_addchar(&line, '\t');
        luaL_tolstring(lua, i, NULL);
        luaL_addvalue(&line);
    }
    luaL_pushresult(&line);
    script_of(lua)->ctx->host->log(script_of(lua)->ctx, "%s", lua_tostring(lua, -1));
    return 0;
}

static void call_wanted(lua_State *lua, const char *name)
{
    if (script_of(lua)->event == NULL)
        luaL_error(lua, "%s: works for an event only: call it in quote", name);
}

/* state.get(key): the text that was put, or nil. */
static int state_get(lua_State *lua)
{
    struct script *script = script_of(lua);
    size_t key_size;
    const char *key = luaL_checklstring(lua, 1, &key_size);
    char value[SCRIP_STATE_VALUE_SIZE];
    uint64_t size = sizeof value;
    int code;

    call_wanted(lua, "state.get");
    luaL_argcheck(lua, key_size >= 1 && key_size <= SCRIP_STATE_KEY_SIZE, 1, "want 1 to 255 bytes");
    code = script->ctx->host->state_get(script->ctx, key, key_size, value, &size);
    if (code == SCRIP_OK)
        lua_pushlstring(lua, value, size);
    else if (code == SCRIP_ENOTFOUND)
        lua_pushnil(lua);
    else
        return luaL_error(lua, "state.get: the store cannot be read");
    return 1;
}

/* state.put(key, value, until_us): nil forgets it; it may be forgotten once the account's time has passed until_us. */
static int state_put(lua_State *lua)
{
    struct script *script = script_of(lua);
    size_t key_size, size = 0;
    const char *key = luaL_checklstring(lua, 1, &key_size);
    const char *value = lua_isnoneornil(lua, 2) ? "" : luaL_tolstring(lua, 2, &size);
    int64_t until_us = luaL_optinteger(lua, 3, SCRIP_TIME_NONE);

    call_wanted(lua, "state.put");
    luaL_argcheck(lua, key_size >= 1 && key_size <= SCRIP_STATE_KEY_SIZE, 1, "want 1 to 255 bytes");
    luaL_argcheck(lua, size <= SCRIP_STATE_VALUE_SIZE, 2, "want at most 4096 bytes");
    if (script->ctx->host->state_put(script->ctx, key, key_size, value, size, until_us) < 0)
        return luaL_error(lua, "state.put: does not fit");
    return 0;
}

static const char *zone_at(lua_State *lua, int at)
{
    struct scrip_ctx *ctx = script_of(lua)->ctx;

    return lua_isnoneornil(lua, at) && script_of(lua)->event != NULL ? ctx->host->account_zone(ctx)
                                                                     : luaL_optstring(lua, at, "UTC");
}

static int time_answer(lua_State *lua, int code, int64_t time_us, const char *what)
{
    if (code < 0)
        return luaL_error(lua, "%s: cannot be read, or is outside the years 1900 to 9999", what);
    lua_pushinteger(lua, time_us);
    return 1;
}

/* time_floor(us, unit, zone): where the hour, day, month or year begins; the zone is the account's unless given. */
static int time_floor(lua_State *lua)
{
    static const char *const units[] = { "hour", "day", "month", "year", NULL };
    int64_t out = 0;
    int code = script_of(lua)->ctx->host->time_floor(luaL_checkinteger(lua, 1), units[luaL_checkoption(lua, 2, NULL, units)],
                                                     zone_at(lua, 3), &out);

    return time_answer(lua, code, out, "time_floor");
}

/* time_add(us, "P1M", count, zone) */
static int time_add(lua_State *lua)
{
    int64_t out = 0;
    int code = script_of(lua)->ctx->host->time_add(luaL_checkinteger(lua, 1), luaL_checkstring(lua, 2),
                                                   luaL_optinteger(lua, 3, 1), zone_at(lua, 4), &out);

    return time_answer(lua, code, out, "time_add");
}

/* time_us("2022-03-29") */
static int time_us(lua_State *lua)
{
    size_t size;
    const char *text = luaL_checklstring(lua, 1, &size);
    int64_t out = 0;
    int code = script_of(lua)->ctx->host->time_parse(text, size, NULL, zone_at(lua, 2), &out);

    return time_answer(lua, code, out, "time_us");
}

static void names_drop(lua_State *lua, const char *const *names)
{
    for (; *names != NULL; names++) {
        lua_pushnil(lua);
        lua_setfield(lua, -2, *names);
    }
}

static void sandbox_open(lua_State *lua)
{
    static const char *const base[] = { "collectgarbage", "dofile", "getmetatable", "load",  "loadfile",
                                        "pcall",          "rawset", "setmetatable", "xpcall", "warn", NULL };
    static const char *const math[] = { "random", "randomseed", NULL };
    static const char *const table[] = { "move", NULL }, *const string[] = { "dump", NULL };
    static const luaL_Reg states[] = { { "get", state_get }, { "put", state_put }, { NULL, NULL } };

    luaL_requiref(lua, LUA_GNAME, luaopen_base, 1);
    names_drop(lua, base);
    luaL_requiref(lua, LUA_MATHLIBNAME, luaopen_math, 1);
    names_drop(lua, math);
    luaL_requiref(lua, LUA_TABLIBNAME, luaopen_table, 1);
    names_drop(lua, table);
    luaL_requiref(lua, LUA_STRLIBNAME, luaopen_string, 1);
    names_drop(lua, string);
    field_wrap(lua, "find", pattern_checked);
    field_wrap(lua, "match", pattern_checked);
    field_wrap(lua, "gmatch", pattern_checked);
    field_wrap(lua, "gsub", pattern_checked);
    field_wrap(lua, "rep", repeat_checked);
    luaL_newlib(lua, states);
    lua_setglobal(lua, "state");
    lua_register(lua, "print", log_line);
    lua_register(lua, "time_floor", time_floor);
    lua_register(lua, "time_add", time_add);
    lua_register(lua, "time_us", time_us);
    lua_settop(lua, 0);
}

static void settings_open(lua_State *lua)
{
    struct scrip_ctx *ctx = script_of(lua)->ctx;
    const char *name, *value;

    lua_newtable(lua);
    for (uint64_t i = 0; ctx->host->option_member(ctx, "set.*", i, &name, &value) == SCRIP_OK; i++) {
        lua_pushstring(lua, value);
        lua_setfield(lua, -2, name);
    }
    lua_setglobal(lua, "settings");
}

static int global_refuse(lua_State *lua)
{
    return luaL_error(lua, "global '%s': a price may not depend on the events before it: make it local, or keep it with "
                           "state.put",
                      lua_tostring(lua, 2) ? lua_tostring(lua, 2) : "?");
}

/* The table of globals becomes an empty one that reads from what it was, and takes nothing. */
static void globals_freeze(lua_State *lua)
{
    lua_pushglobaltable(lua);
    lua_newtable(lua); /* what it was */
    lua_pushnil(lua);
    while (lua_next(lua, -3) != 0) {
        lua_pushvalue(lua, -2);
        lua_insert(lua, -2);
        lua_settable(lua, -4);
    }
    lua_pushnil(lua);
    while (lua_next(lua, -2) != 0) {
        lua_pop(lua, 1);
        lua_pushvalue(lua, -1);
        lua_pushnil(lua);
        lua_settable(lua, -5);
    }
    lua_newtable(lua);
    lua_insert(lua, -2);
    lua_setfield(lua, -2, "__index");
    lua_pushcfunction(lua, global_refuse);
    lua_setfield(lua, -2, "__newindex");
    lua_setmetatable(lua, -2);
    lua_pop(lua, 1);
}

#endif
