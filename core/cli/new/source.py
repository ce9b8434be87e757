#!/usr/bin/env python3
"""@NAME@.py - a feed: prints native events, one JSON object a line, from lines "TIME ACCOUNT PRODUCT AMOUNT".

Any program will do. What it prints twice counts once, by account, source and id; it is started again when it fails."""
import json

with open("@NAME@.txt") as file:
    for number, line in enumerate(file, 1):
        time, account, product, amount = line.split()
        print(json.dumps({"specversion": "1.0", "id": f"line-{number}", "source": "@NAME@", "type": "scrip.usage",
                          "subject": account, "time": time, "data": {"product": product, "amount": amount}}))
