"""install.py - what `make install` gives those who build against scrip: a plugin and a program, each out of the tree, with what
scrip.pc says and nothing else; the plugin is found where it is put.
"""
import os
import subprocess

import lib

if os.environ.get("SAN"):
    lib.skip("what is installed is not instrumented")
made = lib.Books(None)
root = os.path.join(made.folder, "root")
build = os.path.relpath(os.path.dirname(lib.SCRIP), lib.ROOT)
done = subprocess.run(["make", "-C", lib.ROOT, "--no-print-directory", "install", "BUILD=" + build, "DESTDIR=" + root], capture_output=True,
                      text=True)
assert done.returncode == 0, done.stdout + done.stderr
ENV = dict(os.environ, PKG_CONFIG_LIBDIR=os.path.join(root, "usr/local/lib/pkgconfig"), PKG_CONFIG_SYSROOT_DIR=root)
ENV.pop("PKG_CONFIG_PATH", None)


def ask(*words):
    return subprocess.run(["pkg-config", *words, "scrip"], capture_output=True, text=True, check=True, env=ENV).stdout.split()


def compile(*words):
    done = subprocess.run([os.environ.get("CC", "gcc"), "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", *words], capture_output=True,
                          text=True, cwd=made.folder)
    assert done.returncode == 0, done.stderr


# scrip.pc: headers, library, the folder of plugins, the version of the ABI.
lib.equal(ask("--cflags"), [f"-I{root}/usr/local/include"], "cflags")
plugindir = ask("--variable=plugindir")[0]
plugindir = plugindir if plugindir.startswith(root) else root + plugindir
assert os.path.exists(os.path.join(plugindir, "store", "sqlite.so")), plugindir
lib.SCRIP = os.path.join(root, "usr/local/bin/scrip")
version = subprocess.run([lib.SCRIP, "--version"], capture_output=True, text=True, check=True).stdout
lib.equal(version, f"scrip {ask('--modversion')[0]}, plugin ABI {ask('--variable=abi')[0]}\n", "versions")

# A plugin: as `plugin new` writes it, put where scrip.pc says.
subprocess.run([lib.SCRIP, "plugin", "new", "service", "acme"], check=True, capture_output=True, cwd=made.folder)
compile("-shared", "-fPIC", *ask("--cflags"), "-o", "acme.so", "acme/acme.c")
names = subprocess.run(["nm", "-D", "--defined-only", "acme.so"], capture_output=True, text=True, check=True, cwd=made.folder).stdout
lib.equal([line.split()[-1] for line in names.splitlines()], ["scrip_plugin"], "what it exports, by the plainest command")
subprocess.run(["install", "-m", "755", os.path.join(made.folder, "acme.so"), os.path.join(plugindir, "service", "acme.so")], check=True)
os.chmod(made.write("scrip.ini", "[store/sqlite]\nfile = books.db\n[currency/prepaid credits]\ndecimals = 2\n"
                    "[service/acme]\ncurrency = credits\nprice.WIDGET = 1.50\n"), 0o600)
made.run("init")
made.run("grant", "team", "credits", "10", "--time", "2022-01-01T00:00:00Z")
made.run("charge", "team", "WIDGET", "2", "--time", "2022-01-02T00:00:00Z")
lib.equal([row["available"] for row in made.ask("balance")], ["7.00"], "a charge by it")
listed = {(row["kind"], row["name"]): row for row in made.ask("plugins") if row["file"].startswith(os.path.dirname(plugindir))
          or "/../lib/scrip/" in row["file"]}
row = listed["service", "acme"]
lib.equal((row["summary"], row["abi"], row["wants"], row["instances"]), ("prices of acme", ask("--variable=abi")[0], "currency price.*", "acme"),
          "how it is listed")
lib.equal(len({kind for kind, _ in listed}), 5, "kinds that are installed")

# `plugin help` of every plugin that is installed: each key once, with its type and help, the host's last.
for kind, name in listed:
    rows = made.ask("plugin", "help", f"{kind}/{name}")
    keys = [row["key"] for row in rows]
    assert len(set(keys)) == len(keys), keys
    assert all(row["help"] and row["type"] and row["of"] in ("plugin", "host") for row in rows), rows
    lib.equal(sorted(rows, key=lambda row: row["of"] == "host"), rows, f"{kind}/{name}: the plugin's keys come first")
    lib.equal(any(row["of"] == "host" for row in rows), kind in ("service", "source", "report"), f"{kind}/{name}: keys of its kind")
    wants = [row["key"] for row in rows if row["of"] == "plugin" and row["default"] == "(required)"]
    lib.equal(" ".join(wants), listed[kind, name]["wants"] or "", f"{kind}/{name}: what it wants")
    page = made.run("plugin", "help", f"{kind}/{name}").stdout
    assert page.startswith(f"{kind}/{name}: ") and "(ABI " + ask("--variable=abi")[0] + ")\n" in page, page
    for row in rows:
        assert f"\n{row['key']} (" in page and f"\n    {row['help']}\n" in page, (row, page)

# A program.
made.write("program.c", """#include <scrip/scrip.h>
#include <stdio.h>
int main(void)
{
    struct scrip_error err = { 0, "" };
    struct scrip *scrip;
    if (scrip_open("scrip.ini", SCRIP_ACCESS_READ, &scrip, &err) != SCRIP_OK)
        return fprintf(stderr, "%s\\n", err.message), 1;
    scrip_close(scrip);
    return puts("open") < 0;
}
""")
compile("-o", "program", "program.c", *ask("--cflags", "--libs"))
done = subprocess.run(["./program"], capture_output=True, text=True, cwd=made.folder,
                      env=dict(os.environ, LD_LIBRARY_PATH=os.path.join(root, "usr/local/lib")))
lib.equal((done.returncode, done.stdout, done.stderr), (0, "open\n", ""), "a program that links with libscrip")
print(f"{len(listed)} plugins installed")
made.done()
