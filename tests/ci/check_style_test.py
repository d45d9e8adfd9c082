#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Feeds the style checker code that breaks each rule, and code that only looks like it."""
import os
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, ".ci"))
import check_style  # noqa: E402


def rules(body, path="tests/core/x_test.cpp"):
    text = "tandem::task<int> f(int a) {\n" + body + "\n}\n"
    found = []
    for complaint in check_style.File(path, text).check():
        found.append(complaint.split(": ", 2)[1])
    return found


class Style(unittest.TestCase):
    def breaks(self, rule, body):
        self.assertIn(rule, rules(body), body)

    def clean(self, body, path="tests/core/x_test.cpp"):
        self.assertEqual(rules(body, path), [], body)

    def test_s1(self):
        self.breaks("S1", "if (co_await x()) { g(); }")
        self.breaks("S1", "while (n < 3 && co_await x()) { g(); }")
        self.breaks("S1", "switch (co_await x()) { default: break; }")
        self.breaks("S1", "for (int i = 0; i < co_await x(); ++i) { g(); }")
        self.breaks("S1", "bool b = a && co_await x();")
        self.clean("bool b = co_await x();\nif (b && a) { co_await y(); }")
        self.clean("for (int i = 0; i < 3; ++i) { co_await x(); }")
        self.clean("auto&& r = co_await x();")
        self.clean("if (auto v = co_await x(); v) { g(); }")
        self.clean("// if (co_await x())\nconst char* s = \"if (co_await x())\";")
        self.clean("if (run([&]() -> task<> { co_await y(); })) { g(); }")

    def test_s2(self):
        self.breaks("S2", "co_await g([s] { return s; });")
        self.breaks("S2", "co_await g(1, [p = std::move(p)]() mutable { use(p); });")
        self.breaks("S2", "co_return co_await g([=] { return 1; });")
        self.breaks("S2", "auto r = co_await g([&, s](int i) -> int { return s + i; });")
        self.clean("co_await g([&] { return s; });")
        self.clean("co_await g([](int x) { return x; }, 3);")
        self.clean("auto fn = [s] { return s; };\nco_await g(moved(fn));")
        self.clean("co_await with_task_group([&](task_group& group) -> task<> {\n"
                   "    group.create_task([s]() -> task<> { co_await x(); }());\n    co_return;\n});")
        self.clean("v[i] = co_await x();\nint y = v[0];")

    def test_s3(self):
        self.breaks("S3", "co_await q.put(job{1, \"a\"});")
        self.breaks("S3", "co_await q.put({1, \"a\"});")
        self.breaks("S3", "auto r = co_await f(1, std::array<std::string, 2>{a, b});")
        self.breaks("S3", "co_return co_await f(options{});")
        self.clean("job next{1, \"a\"};\nco_await q.put(std::move(next));")
        self.clean("co_await q.put(job(1, \"a\"));")
        self.clean("co_await f(std::size_t{4}, std::chrono::seconds{2});")
        self.clean("co_await write(text, {});")
        self.clean("co_await with_task_group([&](task_group& g) -> task<> { q.put_nowait(job{1}); co_return; });")

    def test_sources_of_others(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "my program.cc")
            with open(path, "w", encoding="utf-8") as file:
                file.write("// TODO: canceled\ntask<> f() {\n    if (co_await x()) g();\n}\n")
            for given in (path, folder):
                complaints = check_style.check_sources([given])
                self.assertEqual([c.split(": ", 2)[1] for c in complaints], ["S1"])
            self.assertEqual(check_style.main(["--sources", path]), 1)
            self.assertEqual(check_style.main(["--sources", os.path.join(folder, "none")]), 2)
            self.assertEqual(check_style.main(["--sources"]), 2)

    def test_s4(self):
        self.breaks("S4", "pair p{co_await x(), 1};")
        self.breaks("S4", "g({co_await x()});")
        self.breaks("S4", "co_return answer{co_await x()};")
        self.breaks("S4", "auto v = std::vector<int>{co_await x()};")
        self.breaks("S4", "g(h(co_await x()));")
        self.clean("g(co_await x());")
        self.clean("if (a) { co_await x(); } else { co_await y(); }")
        self.clean("try { co_await x(); } catch (const error& e) { h(); }")
        self.clean("co_await with([&](group& g) -> tandem::task<int> { co_await x(); co_return 1; });")
        self.clean("auto fn = [] -> tandem::task<> { co_await x(); };")
        self.clean("auto v = std::vector<int>{1, 2};\nco_await x(v);")

    def test_s5(self):
        self.breaks("S5", "int x = a ? co_await x() : co_await y();")
        self.breaks("S5", "co_await (a ? x() : y());")
        self.breaks("S5", "int x = co_await y() ? 1 : 2;")
        self.clean("co_await sleep(a ? 1 : 2);")
        self.clean("int x = a ? 1 : 2;\nco_await y(x);")

    def test_s6(self):
        self.breaks("S6", "auto [x, y] = co_await gather(a(), b());")
        self.breaks("S6", "for (const auto [k, v] : map) { co_await g(k); }")
        self.clean("auto r = co_await gather(a(), b());\nauto& [x, y] = r;")
        self.clean("for (const auto& [k, v] : map) { co_await g(k); }")
        plain = check_style.File("tests/x.cpp", "int f() {\n    auto [x, y] = g();\n    return x;\n}\n")
        self.assertEqual(plain.check(), [])

    def test_the_escape_works_in_must_fail_tests_only(self):
        line = "auto [x, y] = co_await g();  // tandem-lint: allow S6 (the form under test)"
        self.clean(line, "tests/compile/x.cpp")
        self.assertEqual(rules(line), ["S6"])
        self.assertEqual(rules("auto [x, y] = co_await g();  // tandem-lint: allow S6", "tests/compile/x.cpp"), ["S6"])

    def test_words(self):
        spelled_once = "cancel" + "ed"
        self.assertEqual(len(rules(f"// the task was {spelled_once}")), 1)
        self.clean(f"return std::errc::operation_{spelled_once};")
        self.assertEqual(len(rules("// TO" + "DO: later")), 1)
        self.clean("// TO" + "DO(#12): later")
        self.assertEqual(len(rules("// FIX" + "ME")), 1)

    def test_calls(self):
        self.assertEqual(len(rules("std::this_thread::sleep_for(1ms);")), 1)
        self.clean("std::this_thread::sleep_for(1ms);", "tests/stress/x_test.cpp")
        self.clean("std::this_thread::sleep_for(1ms);", "examples/x.cpp")
        self.assertEqual(len(rules("std::random_device seed;")), 1)

    def test_a_tree_with_documents(self):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "docs"))
            page = ("text\n\n```cpp\nauto [x, y] = f();\ntask<> g() {\n    auto [x, y] = co_await f();\n}\n```\n"
                    "\n```cpp fails\ntask<> g() { if (co_await x()) {} }\n```\n")
            with open(os.path.join(root, "docs", "page.md"), "w", encoding="utf-8") as file:
                file.write(page)
            complaints = check_style.check_tree(root)
            self.assertEqual(len(complaints), 1)
            self.assertTrue(complaints[0].startswith(os.path.join("docs", "page.md") + ":6: S6"), complaints)


if __name__ == "__main__":
    unittest.main()
