#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Feeds the floors checker small trees, each with one fault, and expects that complaint alone."""
import os
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, ".ci"))
import check_floors  # noqa: E402

HEAD = "// tandem - a header of a test\n// SPDX-License-Identifier: BSL-1.0\n#pragma once\n"


def header(*includes, more=""):
    return HEAD + "".join(f"#include <{name}>\n" for name in includes) + more


def good_tree():
    return {
        "base/config.hpp": header("cstdio"),
        "core/task.hpp": header("tandem/base/config.hpp", "tandem/core/detail/frame.hpp"),
        "core/detail/frame.hpp": header("new"),
        "core/clock.hpp": header("chrono", more="auto now() { return std::chrono::steady_clock::now(); }\n"),
        "asio/run.hpp": header("tandem/core/task.hpp", "boost/asio/io_context.hpp"),
        "testing/test_loop.hpp": header("tandem/core/task.hpp"),
        "tandem.hpp": header("tandem/base/config.hpp", "tandem/core/task.hpp", "tandem/core/clock.hpp",
                             "tandem/asio/run.hpp"),
    }


def complaints(changes, keep_list=False):
    """Complaints about the good tree with changes; the list of headers is brought up to date first."""
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.join(root, "cmake"))
        files = good_tree()
        if keep_list:
            write(root, files)
            check_floors.main(["--write-headers", root])
        files.update(changes)
        write(root, files)
        if not keep_list:
            check_floors.main(["--write-headers", root])
        return check_floors.Tree(root).check()


def write(root, files):
    for path, text in files.items():
        full = os.path.join(root, "include", "tandem", path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)


class Floors(unittest.TestCase):
    def one(self, changes, part, **options):
        found = complaints(changes, **options)
        self.assertEqual(len(found), 1, found)
        self.assertIn(part, found[0])

    def test_a_good_tree_has_no_complaints(self):
        self.assertEqual(complaints({}), [])

    def test_a_floor_includes_only_what_its_row_names(self):
        self.one({"base/config.hpp": header("tandem/core/clock.hpp")}, "base may include base only")
        self.one({"testing/test_loop.hpp": header("tandem/pipeline/stage.hpp"),
                  "pipeline/stage.hpp": header(),
                  "tandem.hpp": good_tree()["tandem.hpp"] + "#include <tandem/pipeline/stage.hpp>\n"},
                 "testing may include")

    def test_a_commented_include_is_none(self):
        self.assertEqual(complaints({"base/config.hpp": HEAD + "// #include <tandem/core/clock.hpp>\n"}), [])

    def test_an_unknown_floor(self):
        self.assertIn('"attic" is no floor', "\n".join(complaints({"attic/old.hpp": header()})))

    def test_a_cycle(self):
        found = complaints({"core/detail/frame.hpp": header("tandem/core/task.hpp")})
        self.assertEqual(len(found), 1, found)
        self.assertIn("a cycle: ", found[0])

    def test_forbidden_includes(self):
        for name in ("boost/asio.hpp", "boost/beast.hpp", "oneapi/tbb.h", "tbb/tbb.h",
                     "boost/asio/experimental/channel.hpp", "boost/beast/core/tcp_stream.hpp",
                     "boost/asio/impl/src.ipp"):
            self.one({"asio/run.hpp": header(name)}, "is forbidden")

    def test_third_party_stays_in_its_place(self):
        self.one({"core/task.hpp": header("boost/asio/post.hpp")}, "Boost may not be named")
        self.one({"asio/run.hpp": header("oneapi/tbb/task_arena.h")}, "oneTBB may not be named")
        self.one({"core/task.hpp": header("unistd.h")}, "core includes the standard library only")
        self.assertEqual(complaints({"testing/http_server.hpp": header("boost/asio/ip/tcp.hpp")}), [])
        self.one({"testing/test_loop.hpp": header("boost/asio/post.hpp")}, "Boost may not be named")

    def test_the_clock_is_read_in_one_place(self):
        self.one({"core/task.hpp": header(more="auto t = std::chrono::steady_clock::now();\n")}, "steady_clock")

    def test_size(self):
        self.one({"base/config.hpp": header(more="\n" * 250)}, "at most 250")

    def test_private_folders(self):
        self.one({"asio/run.hpp": header("tandem/core/detail/frame.hpp")}, "is private to core")
        self.assertEqual(complaints({"base/detail/tool.hpp": header(),
                                     "asio/run.hpp": header("tandem/base/detail/tool.hpp")}), [])

    def test_the_umbrella_names_every_public_header(self):
        self.one({"core/sleep.hpp": header()}, "<tandem/core/sleep.hpp> is public and not in the umbrella")
        self.one({"tandem.hpp": good_tree()["tandem.hpp"] + "#include <tandem/testing/test_loop.hpp>\n"},
                 "does not belong in the umbrella")

    def test_missing_and_quoted_includes(self):
        self.one({"core/task.hpp": header("tandem/core/none.hpp")}, "does not exist")
        self.one({"core/task.hpp": header(more='#include "clock.hpp"\n')}, "write <tandem/...>")

    def test_the_head_of_a_file(self):
        self.assertEqual(len(complaints({"core/detail/frame.hpp": "#include <new>\n"})), 3)

    def test_the_list_of_headers(self):
        self.one({"core/detail/new.hpp": header()}, "is missing from TANDEM_CORE_HEADERS", keep_list=True)
        found = complaints({"asio/run.hpp": header("tandem/core/task.hpp")}, keep_list=True)
        self.assertEqual(len(found), 2, found)

    def test_what_needs_third_party_leaves_core(self):
        with tempfile.TemporaryDirectory() as root:
            files = good_tree()
            files["trace/ring.hpp"] = header("tandem/asio/run.hpp")
            write(root, files)
            lists = check_floors.Tree(root).header_lists()
            self.assertIn("testing/test_loop.hpp", lists["TANDEM_CORE_HEADERS"])
            self.assertEqual(lists["TANDEM_TANDEM_HEADERS"], ["tandem.hpp", "asio/run.hpp", "trace/ring.hpp"])


if __name__ == "__main__":
    unittest.main()
