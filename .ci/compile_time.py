#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Measures what our headers cost the compiler, in CPU seconds, against compile_budget.json.

CPU time, best of two runs, no compiler cache. A program fails above 1.2 times its budget or 1.2 times
the figure recorded for it. Both were set on one machine; a program of the standard library alone
says how this machine compares. `--record` writes today's figures as the recorded ones.
"""
import argparse
import json
import os
import resource
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUDGET = os.path.join(ROOT, ".ci", "compile_budget.json")
FLAGS = ["-std=c++20", "-O2", "-DNDEBUG", "-pthread", "-Iinclude"]
SLACK = 1.2


def measure(compiler, source, defines=()):
    command = [compiler, *FLAGS, "-c", source, "-o", os.devnull]
    environment = dict(os.environ, CCACHE_DISABLE="1")
    command[1:1] = defines
    figures = []
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = subprocess.run(command, cwd=ROOT, env=environment, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if result.returncode != 0:
            sys.exit(f"compile_time.py: {source} does not compile")
        figures.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    return min(figures)


def unnamed_headers():
    """Public headers that the program of these floors should include and does not."""
    with open(os.path.join(ROOT, "tests", "compile_time", "tasks.cpp"), encoding="utf-8") as file:
        text = file.read()
    for floor in ("core", "sync", "tasks"):
        folder = os.path.join(ROOT, "include", "tandem", floor)
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            if name.endswith(".hpp") and f"<tandem/{floor}/{name}>" not in text:
                yield f"<tandem/{floor}/{name}>"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--record", action="store_true")
    arguments = parser.parse_args()
    with open(BUDGET, encoding="utf-8") as file:
        table = json.load(file)

    calibration = measure(arguments.compiler, table["calibration"]["source"])
    # Noise in a small figure must not tighten the budgets: a faster machine gets no bonus.
    scale = max(1.0, calibration / table["calibration"]["recorded"]) if table["calibration"]["recorded"] else 1.0
    failed = 0
    for header in unnamed_headers():
        print(f"tests/compile_time/tasks.cpp does not include {header}")
        failed += 1
    print(f"this machine takes {scale:.2f} times as long as the one the budgets were set on")
    print(f"{'program':<24}{'CPU s':>8}{'budget':>9}{'recorded':>10}")
    for program in table["programs"]:
        seconds = measure(arguments.compiler, program["source"], program.get("defines", ()))
        limits = [program["budget"]] + ([program["recorded"]] if program["recorded"] else [])
        limit = min(limits) * SLACK * scale
        verdict = "" if seconds <= limit else f"  above {limit:.2f}"
        recorded = f"{program['recorded']:.2f}" if program["recorded"] else "-"
        print(f"{program['name']:<24}{seconds:>8.2f}{program['budget']:>9.2f}{recorded:>10}{verdict}")
        if arguments.record:
            program["recorded"] = round(seconds, 2)
        elif verdict:
            failed += 1
    if arguments.record:
        table["calibration"]["recorded"] = round(calibration, 2)
        programs = ",\n    ".join(json.dumps(program) for program in table["programs"])
        with open(BUDGET, "w", encoding="utf-8") as file:
            file.write('{\n  "calibration": ' + json.dumps(table["calibration"]) +
                       ',\n  "programs": [\n    ' + programs + "\n  ]\n}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
