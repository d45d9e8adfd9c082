#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compiles one snippet and compares the outcome with the comments in it.

    // expect: <regex>       it must not compile, and the diagnostics must match; may be repeated
    // expect-ok             it must compile
    // compiler: gcc<13      only on that compiler (gcc or clang; <, <=, >, >=, ==; version optional)
    // flags: -DX            further options

Exit status: 0 as expected, 1 not as expected, 77 not for this compiler.
"""
import argparse
import re
import subprocess
import sys

SKIPPED = 77


def directives(text, word):
    return [found.strip() for found in re.findall(rf"^// {word}:(.*)$", text, re.M)]


def version_tuple(text, length):
    return tuple(int(part) for part in (text.split(".") + ["0"] * length)[:length])


def applies(condition, name, version):
    match = re.fullmatch(r"(gcc|clang)\s*(?:(<=|>=|==|<|>)\s*([\d.]+))?", condition)
    if not match:
        sys.exit(f"must_fail.py: \"// compiler: {condition}\" is not understood; write gcc<13 or clang")
    if match.group(1) != name:
        return False
    if not match.group(2):
        return True
    length = match.group(3).count(".") + 1
    have, want = version_tuple(version, length), version_tuple(match.group(3), length)
    outcomes = {"<": have < want, "<=": have <= want, ">": have > want, ">=": have >= want, "==": have == want}
    return outcomes[match.group(2)]


def judge(text, status, diagnostics):
    """Returns a list of complaints, empty when the outcome is as expected."""
    wanted = directives(text, "expect")
    must_compile = re.search(r"^// expect-ok\s*$", text, re.M) is not None
    if must_compile == bool(wanted):
        return ["give either \"// expect: <regex>\" or \"// expect-ok\""]
    if must_compile:
        return [] if status == 0 else ["it must compile and does not"]
    if status == 0:
        return ["it compiles and must not"]
    # Compilers break and indent long messages: compare with all white space made one space.
    flat = re.sub(r"\s+", " ", diagnostics)
    return [f"the diagnostics do not contain: {regex}" for regex in wanted if not re.search(regex, flat)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--id", required=True)
    parser.add_argument("--compiler-version", required=True)
    parser.add_argument("--include", action="append", default=[])
    parser.add_argument("snippet")
    arguments = parser.parse_args()

    with open(arguments.snippet, encoding="utf-8") as file:
        text = file.read()
    name = {"GNU": "gcc", "Clang": "clang", "AppleClang": "clang"}.get(arguments.id, arguments.id)
    conditions = directives(text, "compiler")
    if conditions and not any(applies(c, name, arguments.compiler_version) for c in conditions):
        print(f"skipped: for {' or '.join(conditions)}, this is {name} {arguments.compiler_version}")
        return SKIPPED
    flags = [flag for line in directives(text, "flags") for flag in line.split()]
    command = [arguments.compiler, "-std=c++20", "-fsyntax-only", *flags]
    command += [f"-I{folder}" for folder in arguments.include] + [arguments.snippet]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    complaints = judge(text, result.returncode, result.stdout + result.stderr)
    for complaint in complaints:
        print(f"{arguments.snippet}: {complaint}")
    if complaints:
        print(" ".join(command), result.stdout, result.stderr, sep="\n")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
