"""abi.py - the promise of ABI 1.0: plugins as they were at 1.0, built against the plugin.h of 1.0, run on this host, and on a host
of a later minor, without a rebuild; and what asks for that minor is refused here.
"""
import glob
import hashlib
import os
import re
import shutil
import subprocess

import lib

OLD = os.path.join(lib.ROOT, "tests", "abi", "1.0")
HEADER = os.path.join(lib.ROOT, "include", "scrip", "plugin.h")
CC = os.environ.get("CC", "gcc")
FLAGS = "-std=c11 -D_GNU_SOURCE -O2 -g -fPIC -shared -fvisibility=hidden -pthread -Wall -Wextra -Wpedantic -Werror".split()
SAN = "-fsanitize=address,undefined -fno-sanitize-recover=undefined".split() if os.environ.get("SAN") else []


# ---- declarations: what 1.0 had is there, unchanged, and first ----------------------------------------------

def plain(text):
    return " ".join(re.sub(r"/\*.*?\*/", " ", text, flags=re.S).split())


def declarations(path):
    """Structs and enums, each as the list of its members' declarations."""
    with open(path) as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    made = {}
    for kind, name, body in re.findall(r"^(struct|enum) (\w+) \{(.*?)\};", text, flags=re.S | re.M):
        parts = body.split(";" if kind == "struct" else ",")
        made[kind, name] = [plain(part) for part in parts if plain(part) and "#" not in part and "_COUNT" not in part
                            or "#if" in part and kind == "struct"]
    for name in re.findall(r"^#define (SCRIP_\w+)\(X\)", text, flags=re.M):
        lines = text[text.index(f"#define {name}(X)"):].split("\n")
        last = next(i for i, line in enumerate(lines) if not line.rstrip().endswith("\\"))
        made["list", name] = re.findall(r"X\(.*?\)", "\n".join(lines[1:last + 1]))
    return made


def names_of(member):
    """The names that a member's declaration makes."""
    if found := re.search(r"\(\*(\w+)\)\(", member):
        return [found[1]]
    return [re.search(r"(\w+)(\[.*\])?$", part.strip())[1] for part in member.split(",")]


def declarations_stay():
    old, now = declarations(os.path.join(OLD, "scrip", "plugin.h")), declarations(HEADER)
    with open(os.path.join(lib.ROOT, "core", "abi.c")) as file:
        held = file.read()
    lines = 0
    for (kind, name), members in old.items():
        lib.equal(now.get((kind, name), [])[:len(members)], members, f"plugin.h: {name}: what ABI 1.0 had of it")
        for member in members:
            if kind == "struct":
                words = [f"AT({name[6:]}, {each}, " for each in names_of(member.removeprefix("SCRIP_COMMON_MEMBERS").strip())]
            else:
                words = [re.search(r"\w+", member.removeprefix("X(").removeprefix("SCRIP_"))[0] + ", "]
            for word in words:
                assert word in held, f"core/abi.c: no line for {name}: {member}"
                lines += 1
    assert lines > 500, lines


# ---- plugins of 1.0 -----------------------------------------------------------------------------------------

def build(source, out, *include):
    os.makedirs(os.path.dirname(out), exist_ok=True)
    done = subprocess.run([CC, *FLAGS, *SAN, *(f"-I{folder}" for folder in include), "-o", out, source], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out


def exported(path):
    names = subprocess.run(["nm", "-D", "--defined-only", path], capture_output=True, text=True, check=True).stdout.split("\n")
    return [line.split()[-1] for line in names if line and not re.search(r" (__asan_|__odr_asan|__ubsan_)", line)]


def plugins_build(folder):
    made = {}
    for source in sorted(glob.glob(os.path.join(OLD, "*", "*.c"))):
        kind, name = source.split(os.sep)[-2:]
        made[f"{kind}/{name[:-2]}"] = build(source, os.path.join(folder, kind, name[:-2] + ".so"), OLD)
        build(source, os.path.join(folder, "today.so"), os.path.join(lib.ROOT, "include"))  # its source is good today, too
        lib.equal(exported(made[f"{kind}/{name[:-2]}"]), ["scrip_plugin"], f"{source}: symbols")
    lib.equal({name.split("/")[0] for name in made}, {"currency", "service", "source", "store", "report"}, "kinds")
    return made


CONFIG = """[scrip]
plugins = {plugins}
[store/memory]
[currency/prepaid credits]
decimals = 2
term.free = P1M
[service/meter]
currency = credits
fee.job = 2.50
free = gift
[source/events native]
files = native.jsonl
[source/lines feed]
file = feed.txt
[report/csv lots]
query = balance
by = grant
as_of = 2022-03-01
file = lots.csv
[report/csv uses]
query = usage
by = product,month
file = uses.csv
[report/csv events]
query = events
file = events.csv
"""
FEED = """2022-01-02T00:00:00Z acct job 1
2022-01-03T00:00:00Z acct job 1
2022-01-04T00:00:00Z acct gift 1
what is this
2022-02-05T00:00:00Z acct job 1
"""


def books(plugins, more=()):
    made = lib.Books(None)
    made.write("native.jsonl", "".join(lib.json.dumps(e) + "\n" for e in (
        lib.event("grant", "g1", "acct", "2022-01-01T00:00:00Z", currency="credits", amount="3", **{"class": "free"}),
        lib.event("grant", "g2", "acct", "2022-01-01T00:00:00Z", currency="credits", amount="100"), *more)))
    made.write("feed.txt", FEED)
    os.chmod(made.write("scrip.ini", CONFIG.format(plugins=plugins)), 0o600)
    return made


def read(made, name):
    with open(os.path.join(made.folder, name)) as file:
        return file.read()


def story(program, plugins, more=()):
    """One run of a program with the plugins of 1.0: what its reports say."""
    lib.SCRIP = program
    made = books(plugins, more)
    listed = {f"{row['kind']}/{row['name']}": row for row in made.ask("plugins") if row["abi"]}
    for name, path in old_plugins.items():
        lib.equal((listed[name]["file"], listed[name]["abi"]), (path, "1.0"), f"{name} as {program} has it")
    done = made.run("run", ok=(1,)) # one line is none
    assert "1 quarantined" in done.stderr or "quarantined" in done.stdout + done.stderr, done
    said = {name: read(made, name) for name in ("lots.csv", "uses.csv", "events.csv")}
    made.done()
    return said


# ---- a host of a later minor --------------------------------------------------------------------------------

def patch(path, *pairs):
    with open(path) as file:
        text = file.read()
    for old, new in pairs:
        lib.equal(text.count(old), 1, f"{path}: places of {old!r}")
        text = text.replace(old, new)
    with open(path, "w") as file:
        file.write(text)


def last_member(text, name):
    """Where a struct ends."""
    start = re.search(rf"^struct {name} \{{", text, flags=re.M).start()
    return text.index("\n};", start)


def later_host(folder):
    """This host with a minor more: a member more in each struct that may grow, a service, an event type, a field."""
    for name in ("core", "include", "Makefile", "tests/deps.sh"):
        source, target = os.path.join(lib.ROOT, name), os.path.join(folder, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copytree(source, target) if os.path.isdir(source) else shutil.copy(source, target)
    header = os.path.join(folder, "include", "scrip", "plugin.h")
    with open(header) as file:
        text = file.read()
    with open(os.path.join(folder, "core", "abi.c")) as file:
        grows = re.findall(r"GROWS\((\w+), \d", file.read())
    assert len(grows) >= 12, grows
    for name in grows:
        kind = name in ("service", "currency", "source", "store", "report")
        more = ("    int (*later)(struct scrip_ctx *ctx, const char *what);" if kind else
                "    int (*later_answer)(struct scrip_ctx *ctx);" if name == "host" else "    int64_t later;")
        at = last_member(text, "scrip_" + name)
        text = text[:at] + "\n" + more + text[at:]
    for kind in ("SERVICE", "CURRENCY", "SOURCE", "STORE", "REPORT"):
        text = text.replace(f"#define SCRIP_{kind}_SIZE_0", f"#define SCRIP_{kind}_SIZE_1 SCRIP_END_OF(struct scrip_{kind.lower()}, later)\n"
                            f"#define SCRIP_{kind}_SIZE_0")
    with open(header, "w") as file:
        file.write(text)
    patch(header, ("#define SCRIP_ABI_MINOR 0\n", "#define SCRIP_ABI_MINOR 1\n"),
          ('X(RERATE, "scrip.rerate")', 'X(RERATE, "scrip.rerate") X(NOTE, "scrip.note")'))
    core = os.path.join(folder, "core")
    registry = os.path.join(core, "registry.c")
    with open(registry) as file:
        text, count = re.subn(r"\{ SCRIP_(\w+)_SIZE_0 \}", r"{ SCRIP_\1_SIZE_0, SCRIP_\1_SIZE_1 }", file.read())
    lib.equal(count, 5, "sizes of kinds")
    with open(registry, "w") as file:
        file.write(text)
    patch(os.path.join(core, "host.c"),
          ("const struct scrip_host host_table = {", "static int later_answer(struct scrip_ctx *ctx)\n{\n    (void)ctx;\n    return 42;\n}\n\n"
           "const struct scrip_host host_table = {\n    .later_answer = later_answer,"))
    # A service that has what 1.1 added is asked it as it is opened.
    patch(os.path.join(core, "host.c"),
          ("    return instance_open(instance, err);\n}\n\n/* Currencies come first",
           "    int code = instance_open(instance, err);\n\n"
           "    if (code == SCRIP_OK && instance->plugin->api.service.later != NULL)\n"
           "        code = instance->plugin->api.service.later(&instance->ctx, \"opened\");\n"
           "    return code;\n}\n\n/* Currencies come first"))
    jobs = ["make", "-C", folder, "-j2", "--no-print-directory", "CFLAGS=-O0", "SAN=", "CC=" + CC, "BUILD=build", "build/scrip"]
    done = subprocess.run(jobs, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    shutil.copytree(os.path.join(os.path.dirname(today), "plugins"), os.path.join(folder, "build", "plugins"))
    return os.path.join(folder, "build", "scrip"), os.path.join(folder, "include")


NEWER = """#define SCRIP_WANTS_MINOR 1
#include <scrip/plugin.h>
static int quote(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    (void)event;
    return ctx->host->price(ctx, out, "credits", "1", "newer");
}
static int later(struct scrip_ctx *ctx, const char *what)
{
    ctx->host->log(ctx, "%s: the host answers %d", what, ctx->host->later_answer(ctx));
    return SCRIP_OK;
}
SCRIP_SERVICE_PLUGIN("newer", "asks for 1.1", .quote = quote, .later = later);
"""
EITHER = """#include <scrip/plugin.h>
static int quote(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    (void)event;
    return ctx->host->price(ctx, out, "credits", "1", "either");
}
static int open_either(struct scrip_ctx *ctx)
{
    ctx->host->log(ctx, "answer: %d", SCRIP_HAS(ctx, later_answer) ? ctx->host->later_answer(ctx) : 0);
    return SCRIP_OK;
}
SCRIP_SERVICE_PLUGIN("either", "takes what there is", .quote = quote, .open = open_either);
"""
FORGETS = NEWER.replace("#define SCRIP_WANTS_MINOR 1\n", "").replace('"newer"', '"forgets"')


def asks(program, made, name):
    """A program with one more plugin: exit, and what it says."""
    config = made.write(f"{name}.ini", f"[currency/prepaid credits]\n[service/./{name}.so {name}]\n[report/csv]\n")
    os.chmod(config, 0o600)
    done = subprocess.run([program, "-c", config, "plugin", "help", "service/./" + name + ".so"], capture_output=True, text=True)
    return done.returncode, done.stderr


def later_plugins(today, later, include):
    made = lib.Books(None)
    for name, text in (("newer", NEWER), ("either", EITHER), ("forgets", FORGETS)):
        build(made.write(name + ".c", text), os.path.join(made.folder, name + ".so"), include)
    code, said = asks(later, made, "newer")
    assert code == 0 and "opened: the host answers 42" in said, (code, said)
    code, said = asks(today, made, "newer")
    assert code == 2 and "asks for ABI 1.1, this host has 1.0: use a newer scrip" in said, (code, said)
    assert asks(later, made, "either") == (0, "scrip: either: answer: 42\n"), asks(later, made, "either")
    assert asks(today, made, "either") == (0, "scrip: either: answer: 0\n"), asks(today, made, "either")
    for program in (today, later):
        code, said = asks(program, made, "forgets")
        assert code == 2 and "sets members that ABI 1.0, which it asks for, does not have: #define SCRIP_WANTS_MINOR" in said, (code, said)
    made.done()


declarations_stay()
scratch = lib.Books(None)
today = lib.SCRIP
old_plugins = plugins_build(os.path.join(scratch.folder, "plugins"))
sums = {path: hashlib.sha256(open(path, "rb").read()).digest() for path in old_plugins.values()}
said = story(today, os.path.join(scratch.folder, "plugins"))
# 1, then 1.25, and at the month's end the fee of 2.50, when the free lot has ended; 1 again in February, and its fee on March 1.
lib.equal([line.split(",")[1:12] for line in said["lots.csv"].splitlines()[1:]],
          [["g1", "free", "credits", "2022-01-01T00:00:00Z", "2022-02-01T00:00:00Z", "ended", "3.00", "0.00", "0.00", "2.25", "0.75"],
           ["g2", "", "credits", "2022-01-01T00:00:00Z", "", "live", "100.00", "94.00", "0.00", "6.00", "0.00"]], "lots")
lib.equal(said["uses.csv"].splitlines()[1:], ["gift,2022-01,,1,0", "job,2022-01,credits,2,2.25", "job,2022-02,credits,2,3.50"], "uses")
for name, path in old_plugins.items():
    options = {"service/meter": ["--option", "currency=credits", "--option", "fee.scrip check=1"], "source/lines": [
        "--option", "file=" + scratch.write("feed.txt", FEED)]}.get(name, [])
    scratch.write("scrip.ini", "")
    os.chmod(scratch.config, 0o600)
    rows = lib.json.loads(scratch.run("plugin", "check", path, *options, "--format", "json").stdout)
    assert all(row["result"] != "broken" for row in rows) and len(rows) > 3, (name, rows)
if SAN: # a host of its own cannot be made of what is instrumented in a test's time
    print(f"{len(old_plugins)} plugins of 1.0 on this host")
else:
    later, include = later_host(os.path.join(scratch.folder, "later"))
    lib.equal(story(later, os.path.join(scratch.folder, "plugins")), said, "the same on a host of ABI 1.1")
    # An event of a type that 1.0 did not have: their source passes it on, their store keeps it, their report shows it.
    note = lib.event("note", "n1", "acct", "2022-01-02T12:00:00Z", name="a note")
    shown = story(later, os.path.join(scratch.folder, "plugins"), (note,))["events.csv"]
    assert "2022-01-02T12:00:00Z,scrip.note,test,n1" in shown and "applied" in shown, shown
    later_plugins(today, later, include)
    lib.equal(subprocess.run([later, "--version"], capture_output=True, text=True).stdout.split()[-1], "1.1", "the later host's ABI")
    print(f"{len(old_plugins)} plugins of 1.0 on this host and on one of 1.1")
for path, before in sums.items():
    lib.equal(hashlib.sha256(open(path, "rb").read()).digest(), before, f"{path}: it was built again")
scratch.done()
