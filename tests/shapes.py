"""shapes.py - the table of rule shapes in conf/README.md, made from the heads of tests/cases/*.case.

A head's first line is the shape; `keys:` what expresses it. tests/system/cases.py calls this; by itself it shows the table.
"""
import glob
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
README = os.path.join(ROOT, "conf", "README.md")
START, END = "<!-- from tests/cases: UPDATE=1 writes it -->\n", "<!-- end -->\n"


def field(head, name, path):
    found = re.search(rf"^# {name}: (.+(?:\n#   .+)*)", head, flags=re.M)
    assert found, f"{path}: no line '# {name}: ...' in its head"
    return re.sub(r"\n#\s+", " ", found[1])


def table():
    rows = ["| # | shape | what expresses it | case |", "|---|---|---|---|"]
    for path in sorted(glob.glob(os.path.join(ROOT, "tests", "cases", "*.case"))):
        name = os.path.basename(path)
        with open(path, encoding="utf-8") as file:
            head = file.read().split("\n--- ")[0]
        keys = field(head, "keys", name).replace("|", "\\|")
        field(head, "from", name)
        rows.append(f"| {int(name[:2])} | {head.splitlines()[0][2:]} | {keys} | "
                    f"[{name[3:-5]}](../tests/cases/{name}) |")
    return "\n".join(rows) + "\n"


def check(update):
    with open(README, encoding="utf-8") as file:
        text = file.read()
    before, rest = text.split(START)
    after = rest.split(END)[1]
    wanted = before + START + table() + END + after
    if update and wanted != text:
        with open(README, "w", encoding="utf-8") as file:
            file.write(wanted)
    elif wanted != text:
        raise AssertionError("conf/README.md: the table of shapes is not what tests/cases say: run "
                             "UPDATE=1 make check TESTS=cases")


if __name__ == "__main__":
    print(table(), end="")
