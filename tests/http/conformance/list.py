#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Writes README.md, the list of all rows, from the tests of this folder; `--check` compares instead."""
import os
import re
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
README = os.path.join(FOLDER, "README.md")
TEXT = r'"((?:[^"\\]|\\.)*)"'

HEAD = """# Conformance table of the HTTP client

Each line is a behaviour and the name of a test that fails without it. Messages go through the parser in one piece,
byte by byte, and split at every position; exchanges go through a whole client on `http::mock_transport`, the answers
in one piece, byte by byte, and in pieces of other sizes. Certificates have their rows in `tests/http/tls`.
Written by `list.py`; do not edit.
"""


def groups():
    for name in sorted(os.listdir(FOLDER)):
        if not name.endswith("_test.cpp"):
            continue
        with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
            text = re.sub(r"^\s*#define.*$", "", file.read(), flags=re.M)
        title, rows = None, []
        pattern = rf'^TEST_CASE\({TEXT}|^// ---- (\w.*)$|^ROW\({TEXT}\)|^\s+row\(\s*{TEXT}'
        for match in re.finditer(pattern, text, flags=re.M):
            heading = match.group(1) or (match.group(2) and "messages: " + match.group(2))
            if heading:
                if rows:
                    yield title, rows
                title, rows = heading, []
            else:
                rows.append(match.group(3) or match.group(4))
        if rows:
            yield title, rows


def main():
    out, number = [HEAD], 0
    for title, rows in groups():
        out.append(f"\n## {title[0].upper() + title[1:]}\n\n")
        for row in rows:
            number += 1
            out.append(f"{number}. {row}\n")
    text = "".join(out)
    if "--check" not in sys.argv:
        with open(README, "w", encoding="utf-8") as file:
            file.write(text)
        print(f"conformance: {number} rows")
        return 0
    with open(README, encoding="utf-8") as file:
        same = file.read() == text
    print(f"conformance: {number} rows" if same else "tests/http/conformance/README.md is stale; run list.py")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
