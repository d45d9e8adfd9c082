#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The harness must tell a wrong outcome: a snippet that compiles, a missing sentence, no sentence."""
import os
import subprocess
import sys
import tempfile
import unittest

import must_fail

COMPILER = sys.argv[1:4]
HARNESS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "must_fail.py")


def run(text):
    with tempfile.TemporaryDirectory() as folder:
        snippet = os.path.join(folder, "snippet.cpp")
        with open(snippet, "w", encoding="utf-8") as file:
            file.write(text)
        command = [sys.executable, "-B", HARNESS, "--compiler", COMPILER[0], "--id", COMPILER[1],
                   "--compiler-version", COMPILER[2], snippet]
        return subprocess.run(command, capture_output=True, text=True, check=False).returncode


class MustFail(unittest.TestCase):
    def test_the_expected_sentence_passes(self):
        self.assertEqual(run('// expect: the sentence is here\nstatic_assert(false, "the sentence is here");\n'), 0)

    def test_another_sentence_fails(self):
        self.assertEqual(run('// expect: the sentence is here\nstatic_assert(false, "another");\n'), 1)

    def test_a_program_that_compiles_fails(self):
        self.assertEqual(run("// expect: anything\nint main() {}\n"), 1)

    def test_expect_ok_wants_a_program_that_compiles(self):
        self.assertEqual(run("// expect-ok\nint main() {}\n"), 0)
        self.assertEqual(run("// expect-ok\nint main() { return nothing; }\n"), 1)

    def test_a_snippet_without_an_expectation_fails(self):
        self.assertEqual(run("int main() {}\n"), 1)

    def test_flags_reach_the_compiler(self):
        self.assertEqual(run("// expect-ok\n// flags: -DVALUE=1\nint value = VALUE;\n"), 0)

    def test_conditions_compare_versions(self):
        self.assertTrue(must_fail.applies("gcc<13", "gcc", "12.2.0"))
        self.assertFalse(must_fail.applies("gcc<13", "gcc", "13.1.0"))
        self.assertFalse(must_fail.applies("gcc<13", "clang", "12.0.0"))
        self.assertTrue(must_fail.applies("clang", "clang", "16.0.6"))
        self.assertTrue(must_fail.applies("gcc>=12.2", "gcc", "12.2.0"))

    def test_another_compiler_is_skipped(self):
        other = "clang" if COMPILER[1] == "GNU" else "gcc"
        self.assertEqual(run(f"// expect: x\n// compiler: {other}\nint main() {{}}\n"), must_fail.SKIPPED)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
