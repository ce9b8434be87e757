"""plugin_new.py - `scrip plugin new`: what it writes builds without a warning, works, and passes the test that comes with it."""
import os
import shutil
import subprocess
import tempfile

import lib

top = tempfile.mkdtemp(prefix="scrip-test-")
os.chdir(top)


def scrip(*args):
    return subprocess.run([lib.SCRIP, *args], capture_output=True, text=True)


tried = 0
for kind, lang in (("service", "c"), ("service", "lua"), ("source", "c"), ("source", "exec"), ("report", "c"),
                   ("report", "exec"), ("currency", "c")):
    if lang == "lua" and not os.path.exists(os.path.join(os.path.dirname(lib.SCRIP), "plugins", "service", "lua.so")):
        continue
    name = f"my-{kind}-{lang}"
    done = scrip("plugin", "new", kind, name, "--lang", lang)
    lib.equal(done.returncode, 0, done.stderr)
    written = [line for line in done.stdout.splitlines() if not line.startswith("now: ")]
    lib.equal(sorted(os.path.join(name, n) for n in os.listdir(name)), sorted(written), "the files that it names")
    for path in written:
        with open(path) as file:
            text = file.read()
        assert "@" not in text.replace("$@", ""), f"{path}: a word of the template is left: {text}"
    env = dict(os.environ, SCRIP=lib.SCRIP, CFLAGS="-Werror", PKG_CONFIG_LIBDIR=top)
    for _ in range(2): # a second time, too: on a fresh store
        done = subprocess.run([os.path.join(name, "test.sh")], capture_output=True, text=True, env=env)
        assert done.returncode == 0 and f"{name}: as it should be" in done.stdout and "warning" not in done.stderr, (name, done)
    assert "findings" in done.stdout and "0 findings" in done.stdout, done.stdout
    if lang == "c": # and it keeps every clause
        options = ["--option", f"file={name}/{name}.txt"] if kind == "source" else []
        options += ["--option", "currency=credits", "--option", "price.WIDGET=1.50"] if kind == "service" else []
        done = scrip("plugin", "check", f"{name}/{name}.so", *options)
        assert done.returncode == 0 and "kept " in done.stdout and "broken " not in done.stdout, (name, done)
    tried += 1
assert tried >= 6, tried
# A test that cannot fail is none: another price is found out.
with open("my-service-c/scrip.ini") as file:
    text = file.read()
with open("my-service-c/scrip.ini", "w") as file:
    file.write(text.replace("1.50", "1.51"))
done = subprocess.run(["my-service-c/test.sh"], capture_output=True, text=True, env=dict(os.environ, SCRIP=lib.SCRIP))
assert done.returncode == 1 and "wanted" in done.stderr, done

for args, wanted in ((("store", "mine"), "begin with plugins/store/memory.c"), (("service", "my-service-c"), "File exists"),
                     (("service", "Mine"), "want a to z"), (("service", "../mine"), "want a to z"), (("service",), "name ''"),
                     (("nothing", "mine"), "want service (c, lua)"), (("currency", "mine", "--lang", "lua"), "'currency' in 'lua'")):
    done = scrip("plugin", "new", *args)
    assert done.returncode == 2 and wanted in done.stderr, (args, done)
assert not os.path.exists("mine")
shutil.rmtree(top)
