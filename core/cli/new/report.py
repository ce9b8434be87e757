#!/usr/bin/env python3
"""@NAME@.py - a report: reads JSON lines, writes a Markdown table. Any program will do."""
import json
import sys

head, *rows = [json.loads(line) for line in sys.stdin]
names = [column["name"] for column in head["columns"]]
print("#", head["title"], "\n")
print("|" + "|".join(names) + "|")
print("|" + "|".join("--:" if column["type"] == "number" else "---" for column in head["columns"]) + "|")
for row in rows:
    print("|" + "|".join(row[name] or "" for name in names) + "|")
