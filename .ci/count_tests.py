#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Adds up ctest's JUnit reports. A skipped test has neither passed nor failed.

--last            the last line of CI, and before it the end of what each failed test printed: of a
                  long log only the end may be kept. Exits with 1 if something failed
--broken=<n>      counts n more failures, of legs that failed without a failing test
"""
import os
import sys
import xml.etree.ElementTree as ElementTree


LINES_OF_A_FAILURE = 40


def show_failures(leg, suite):
    for case in suite.iter("testcase"):
        if case.get("status") != "fail":
            continue
        output = (case.findtext("system-out") or "").rstrip().splitlines()
        print(f"==== {leg}: {case.get('name')} failed after {float(case.get('time', 0)):.1f} s")
        print("\n".join(output[-LINES_OF_A_FAILURE:]), end="\n\n")


def main(arguments):
    last = "--last" in arguments
    total = failed = skipped = broken = 0
    for path in arguments:
        if path.startswith("--broken="):
            broken = int(path.removeprefix("--broken="))
        if not os.path.exists(path):
            continue
        suite = ElementTree.parse(path).getroot()
        if last:
            show_failures(os.path.basename(path).removesuffix(".xml"), suite)
        total += int(suite.get("tests", 0))
        failed += int(suite.get("failures", 0))
        skipped += int(suite.get("skipped", 0)) + int(suite.get("disabled", 0))
    text = f"{total - failed - skipped} passed, {failed + broken} failed"
    if last:
        print(text)
        return 1 if failed or broken else 0
    print(text + (f", {skipped} skipped" if skipped else "") if total else "")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
