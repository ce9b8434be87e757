/* lua.c - prices in Lua: a script's function `quote(event)` answers with what a usage costs.
 *
 * A script has what prices are made of and nothing else: base, math, string and table without what reaches files, loads
 * code, catches errors, keeps the clock or is different each time; exact decimals; what the host remembers for it. What
 * it runs and what it holds is limited for each event, so that a script that does not come to an end, or is wrong,
 * stops its event alone: with the script's name and line as the reason. See lua_sandbox.h, lua_decimal.h, lua_answer.h.
 *
 * scrip-needs: lua5.4 liblua5.4-dev
 */
#include <scrip/plugin.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SCRIPT_SIZE_LIMIT (1 << 20)

static const struct scrip_option options[] = {
    { "script", SCRIP_OPTION_PATH, NULL, NULL, 1, "the file with the function quote(event)" },
    { "set.*", SCRIP_OPTION_TEXT, NULL, NULL, 0, "set.NAME = TEXT: the script finds it as settings.NAME" },
    { "instructions", SCRIP_OPTION_INT, "1000000", NULL, 0, "that an event may take at most" },
    { "memory", SCRIP_OPTION_INT, "16", NULL, 0, "megabytes that the script may hold at most" },
    SCRIP_OPTIONS_END,
};

struct script {
    struct scrip_ctx *ctx;
    lua_State *lua;
    char *text; /* the file; its name as messages show it */
    size_t size;
    char name[LUA_IDSIZE];
    size_t memory, memory_limit;
    int64_t left, limit; /* instructions */
    int64_t end_ns;      /* of the thread's own time, for what one instruction can make long */
    /* During a call: */
    const struct scrip_event *event;
    struct scrip_quote *out;
    int code; /* what a host service said; its message is set */
};

static struct script *script_of(lua_State *lua)
{
    return *(struct script **)lua_getextraspace(lua);
}

#include "lua_decimal.h"
#include "lua_sandbox.h"
/* uses both */
#include "lua_answer.h"

/* ---- an instance ------------------------------------------------------------------------------------------------- */

static int script_read(struct scrip_ctx *ctx, struct script *script, const char *path)
{
    FILE *file = fopen(path, "rb");
    const char *slash = strrchr(path, '/');

    if (file == NULL)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: %s: %s", ctx->host->option_where(ctx, "script"), path,
                          strerror(errno));
    snprintf(script->name, sizeof script->name, "@%.50s", slash ? slash + 1 : path);
    script->text = malloc(SCRIPT_SIZE_LIMIT + 1);
    script->size = script->text ? fread(script->text, 1, SCRIPT_SIZE_LIMIT + 1, file) : 0;
    if (script->text == NULL || ferror(file) || script->size > SCRIPT_SIZE_LIMIT) {
        int code = scrip_fail(ctx, SCRIP_EINVALID, "%s: cannot be read, or is longer than %d bytes", path,
                              SCRIPT_SIZE_LIMIT);

        fclose(file);
        return code;
    }
    fclose(file);
    ctx->host->digest_add(ctx, script->text, script->size);
    return SCRIP_OK;
}

static int limits_read(struct scrip_ctx *ctx, struct script *script)
{
    int64_t megabytes = ctx->host->option_int(ctx, "memory");

    script->limit = ctx->host->option_int(ctx, "instructions");
    if (script->limit < 1000)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: instructions: want 1000 or more",
                          ctx->host->option_where(ctx, "instructions"));
    if (megabytes < 1 || megabytes > 1024)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: memory: want 1 to 1024 megabytes",
                          ctx->host->option_where(ctx, "memory"));
    script->memory_limit = (size_t)megabytes << 20;
    return SCRIP_OK;
}

/* Runs the whole file once; what it leaves global is what events are priced with. */
static int script_load(lua_State *lua)
{
    struct script *script = script_of(lua);

    sandbox_open(lua);
    decimal_open(lua);
    settings_open(lua);
    if (luaL_loadbufferx(lua, script->text, script->size, script->name, "t") != LUA_OK)
        return lua_error(lua);
    lua_call(lua, 0, 0);
    if (lua_getglobal(lua, "quote") != LUA_TFUNCTION)
        return luaL_error(lua, "%s: has no function quote(event): define one", script->name + 1);
    globals_freeze(lua);
    return 0;
}

static int open_script(struct scrip_ctx *ctx)
{
    struct script *script = calloc(1, sizeof *script);
    int code;

    if (script == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "out of memory");
    ctx->self = script;
    script->ctx = ctx;
    if ((code = limits_read(ctx, script)) < 0 ||
        (code = script_read(ctx, script, ctx->host->option_text(ctx, "script"))) < 0)
        return code;
    script->lua = lua_newstate(memory_limited, script);
    if (script->lua == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "out of memory");
    *(struct script **)lua_getextraspace(script->lua) = script;
    return limited_call(script, script_load);
}

static void close_script(struct scrip_ctx *ctx)
{
    struct script *script = ctx->self;

    if (script == NULL)
        return;
    if (script->lua != NULL)
        lua_close(script->lua);
    free(script->text);
    free(script);
}

static int quote(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    struct script *script = ctx->self;
    int code;

    script->event = event;
    script->out = out;
    code = limited_call(script, event_quote);
    script->event = NULL;
    script->out = NULL;
    return code;
}

SCRIP_SERVICE_PLUGIN("lua", "a script in Lua says what a usage costs", .options = options, .open = open_script,
                     .close = close_script, .quote = quote);
