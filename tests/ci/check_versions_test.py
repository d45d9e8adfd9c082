#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Changes one number at a time in a copy of the files, and expects that complaint."""
import os
import shutil
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, ".ci"))
import check_versions  # noqa: E402

FILES = ("include/tandem/base/version.hpp", "CMakeLists.txt", "conanfile.py", "ports/tandem/vcpkg.json",
         "CHANGELOG.md")


class Versions(unittest.TestCase):
    def complaints(self, path=None, old="", new=""):
        with tempfile.TemporaryDirectory() as root:
            for file in FILES:
                os.makedirs(os.path.dirname(os.path.join(root, file)), exist_ok=True)
                shutil.copy(os.path.join(ROOT, file), os.path.join(root, file))
            if path:
                full = os.path.join(root, path)
                with open(full, encoding="utf-8") as file:
                    text = file.read()
                self.assertIn(old, text)
                with open(full, "w", encoding="utf-8") as file:
                    file.write(text.replace(old, new, 1))
            return check_versions.check(root)

    def one(self, path, old, new):
        found = self.complaints(path, old, new)
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(path), found)

    def test_the_tree_agrees(self):
        self.assertEqual(self.complaints(), [])

    def test_each_file_is_compared(self):
        self.one("CMakeLists.txt", "VERSION ${tandem_version}", "VERSION 9.9.9")
        self.one("conanfile.py", '    name = "tandem"', '    name = "tandem"\n    version = "9.9.9"')
        self.one("ports/tandem/vcpkg.json", '"version": "', '"version": "9')
        self.one("CHANGELOG.md", "\n## ", "\n## 9.9.9\n\n## ")

    def test_the_header_is_the_source(self):
        found = self.complaints("include/tandem/base/version.hpp", "MAJOR 0", "MAJOR 7")
        self.assertEqual(len(found), 2, found)


if __name__ == "__main__":
    unittest.main()
