#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks who includes whom in include/tandem: the graph is the design.

`check_floors.py [root]` prints one line per complaint and exits with 1 if there is any.
`check_floors.py --write-headers [root]` rewrites cmake/headers.cmake from the folder.
"""
import os
import re
import sys

import reporting

# floor: (floors its headers may include besides their own, lines per header at most)
FLOORS = {
    "base": ((), 250),
    "core": (("base",), 350),
    "sync": (("base", "core"), 250),
    "tasks": (("base", "core", "sync"), 350),
    "asio": (("base", "core", "sync", "tasks"), 350),
    "cpu": (("base", "core", "sync"), 300),
    "resilience": (("base", "core", "sync", "tasks"), 300),
    "pipeline": (("base", "core", "sync", "tasks", "cpu", "resilience"), 350),
    "http": (("base", "core", "sync", "tasks", "asio", "resilience"), 400),
    "trace": (("base", "core", "sync", "tasks"), 300),
    "testing": (("base", "core", "sync", "tasks", "asio", "cpu", "resilience", "http", "trace"), 350),
}
UMBRELLA = "tandem.hpp"
UMBRELLA_LINES = 120
NOT_IN_UMBRELLA = re.compile(r"testing/|http/")  # what costs seconds to compile is named by who uses it

FORBIDDEN = {
    "boost/asio.hpp": "name the narrow boost/asio/... header",
    "boost/beast.hpp": "name the narrow boost/beast/... header",
    "oneapi/tbb.h": "name the narrow oneapi/tbb/... header",
    "tbb/tbb.h": "name the narrow oneapi/tbb/... header",
    "boost/beast/core/tcp_stream.hpp": "streams and timeouts are ours",
}
FORBIDDEN_PREFIX = {"boost/asio/experimental/": "experimental interfaces change"}

# Third party: what matches the first pattern may be included only where the second matches.
# The first row that matches decides.
THIRD_PARTY = (
    (r"openssl/|boost/asio/ssl", r"http/tls\.hpp|http/(impl|detail)/tls\w*\.hpp|testing/(certificates|server_tls)\.hpp", "OpenSSL"),
    (r"nlohmann/", r"http/json\.hpp", "nlohmann json"),
    (r"brotli/", r"http/brotli\.hpp", "brotli"),
    (r"zlib\.h", r"http/(impl|detail)/\w+\.hpp", "zlib"),
    (r"(oneapi/)?tbb/", r"cpu/(cpu_executor|parallel_for|parallel_reduce)\.hpp", "oneTBB"),
    (r"boost/", r"(asio|http)/.*|testing/(http_server|fault_stream)\.hpp", "Boost"),
    (r"catch2/", r"(?!)", "Catch2"),
)
# Floors that stay within the standard library; the others may name the system's headers too.
STD_ONLY = {"base", "core", "sync", "tasks", "resilience", "pipeline"}
# Of those floors, what has to ask the system: files that survive a crash, and whether a terminal listens.
POSIX = ("pipeline/detail/log_file.hpp", "pipeline/progress.hpp")
SANITIZER_HEADERS = ("sanitizer/", "valgrind/")

HEADERS_CMAKE = """# SPDX-License-Identifier: BSL-1.0
# Every header, by the target that it belongs to; written by .ci/check_floors.py --write-headers,
# compared with the folder by .ci/check_floors.py. A header belongs to tandem_core when nothing it
# includes, near or far, is third party.
"""


def strip_comments(text):
    """Blanks comments, keeps strings and line numbers."""
    def blank(match):
        if match.group(0).startswith("/"):
            return re.sub(r"[^\n]", " ", match.group(0))
        return match.group(0)
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


class Tree:
    def __init__(self, root):
        self.root = root
        self.complaints = []
        self.files = {}      # path below include/tandem -> text
        self.others = []     # what is no .hpp
        base = os.path.join(root, "include", "tandem")
        for folder, _, names in sorted(os.walk(base)):
            for name in sorted(names):
                path = os.path.relpath(os.path.join(folder, name), base)
                if name.endswith(".hpp"):
                    with open(os.path.join(folder, name), encoding="utf-8") as file:
                        self.files[path] = file.read()
                else:
                    self.others.append(path)
        self.includes = {path: self.includes_of(path) for path in self.files}

    def includes_of(self, path):
        found = []
        for number, line in enumerate(strip_comments(self.files[path]).split("\n"), 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if match:
                found.append((number, match.group(1), match.group(2)))
        return found

    def complain(self, path, line, text):
        self.complaints.append(f"include/tandem/{path}:{line}: {text}")

    def own_includes(self, path):
        for line, _, name in self.includes[path]:
            if name.startswith("tandem/"):
                yield line, name[len("tandem/"):]

    # ---- the checks

    def check_head(self, path):
        lines = self.files[path].split("\n") + ["", "", ""]
        if not re.match(r"// tandem - \S", lines[0]):
            self.complain(path, 1, 'the first line is not "// tandem - <what this header gives>"')
        if lines[1] != "// SPDX-License-Identifier: BSL-1.0":
            self.complain(path, 2, 'the second line is not "// SPDX-License-Identifier: BSL-1.0"')
        if lines[2] != "#pragma once":
            self.complain(path, 3, 'the third line is not "#pragma once"')

    def check_size(self, path):
        lines = self.files[path].count("\n")
        limit = UMBRELLA_LINES if path == UMBRELLA else FLOORS.get(floor_of(path), ((), 0))[1]
        if limit and lines > limit:
            self.complain(path, lines, f"{lines} lines, at most {limit} on this floor")

    def check_clock(self, path):
        if path == "core/clock.hpp":
            return
        for number, line in enumerate(strip_comments(self.files[path]).split("\n"), 1):
            if re.search(r"\bsteady_clock\s*::\s*now\b", line):
                self.complain(path, number, "steady_clock::now outside core/clock.hpp; virtual time would not see it")

    def check_includes(self, path):
        floor = floor_of(path)
        if path != UMBRELLA and floor not in FLOORS:
            self.complain(path, 1, f"\"{floor}\" is no floor; there are {', '.join(FLOORS)}")
            return
        for line, quote, name in self.includes[path]:
            if quote == '"':
                self.complain(path, line, f'"{name}": write <tandem/...>')
            elif name in FORBIDDEN:
                self.complain(path, line, f"<{name}> is forbidden; {FORBIDDEN[name]}")
            elif any(name.startswith(prefix) for prefix in FORBIDDEN_PREFIX):
                reason = next(r for p, r in FORBIDDEN_PREFIX.items() if name.startswith(p))
                self.complain(path, line, f"<{name}> is forbidden; {reason}")
            elif name.endswith(".ipp"):
                self.complain(path, line, f"<{name}> is forbidden; .ipp files are their owner's own")
            elif name.startswith("tandem/"):
                self.check_own_include(path, line, name[len("tandem/"):])
            else:
                self.check_foreign_include(path, line, name)

    def check_own_include(self, path, line, target):
        if target not in self.files:
            self.complain(path, line, f"<tandem/{target}> does not exist")
            return
        if path == UMBRELLA:
            return
        if target == UMBRELLA:
            self.complain(path, line, "a header does not include the umbrella")
            return
        floor, other = floor_of(path), floor_of(target)
        if other != floor and other not in FLOORS[floor][0]:
            allowed = ", ".join((floor,) + FLOORS[floor][0])
            self.complain(path, line, f"<tandem/{target}>: {floor} may include {allowed} only")
        elif other not in (floor, "base") and is_private(target):
            self.complain(path, line, f"<tandem/{target}> is private to {other}")

    def check_foreign_include(self, path, line, name):
        for pattern, where, owner in THIRD_PARTY:
            if re.match(pattern, name):
                if not re.fullmatch(where, path):
                    self.complain(path, line, f"<{name}>: {owner} may not be named in this header")
                return
        system = "/" in name or name.endswith((".h", ".hpp"))
        if path in POSIX or name.startswith(SANITIZER_HEADERS):
            return
        if system and floor_of(path) in STD_ONLY:
            self.complain(path, line, f"<{name}>: {floor_of(path)} includes the standard library only")

    def check_cycles(self):
        done, trail = set(), []

        def visit(path):
            if path in trail:
                cycle = trail[trail.index(path):] + [path]
                self.complain(path, 1, "a cycle: " + " -> ".join(cycle))
            elif path not in done and path in self.files:
                trail.append(path)
                for _, target in self.own_includes(path):
                    visit(target)
                trail.pop()
                done.add(path)

        for path in self.files:
            visit(path)

    def check_umbrella(self):
        if UMBRELLA not in self.files:
            self.complain(UMBRELLA, 1, "the umbrella is missing")
            return
        named = {target for _, target in self.own_includes(UMBRELLA)}
        for path in self.files:
            public = path != UMBRELLA and not is_private(path)
            if public and not NOT_IN_UMBRELLA.match(path) and path not in named:
                self.complain(UMBRELLA, 1, f"<tandem/{path}> is public and not in the umbrella")
        for line, target in self.own_includes(UMBRELLA):
            if NOT_IN_UMBRELLA.match(target) or is_private(target):
                self.complain(UMBRELLA, line, f"<tandem/{target}> does not belong in the umbrella")

    # ---- cmake/headers.cmake

    def third_parties(self, path, seen=None):
        """Who owns what this header includes, near or far."""
        seen = set() if seen is None else seen
        if path in seen or path not in self.files:
            return set()
        seen.add(path)
        found = {next((owner for pattern, _, owner in THIRD_PARTY if re.match(pattern, name)), None)
                 for _, _, name in self.includes[path]} - {None}
        for _, target in self.own_includes(path):
            found |= self.third_parties(target, seen)
        return found

    def header_lists(self):
        lists = {"TANDEM_CORE_HEADERS": [], "TANDEM_TANDEM_HEADERS": [], "TANDEM_TESTING_HEADERS": [],
                 "TANDEM_TLS_HEADERS": [], "TANDEM_JSON_HEADERS": []}
        order = list(FLOORS)
        for path in sorted(self.files, key=lambda p: (order.index(floor_of(p)) if floor_of(p) in order else -1, p)):
            needs = self.third_parties(path)
            if path == UMBRELLA:
                lists["TANDEM_TANDEM_HEADERS"].append(path)
            elif not needs:
                lists["TANDEM_CORE_HEADERS"].append(path)
            elif "OpenSSL" in needs:
                lists["TANDEM_TLS_HEADERS"].append(path)
            elif "nlohmann json" in needs:
                lists["TANDEM_JSON_HEADERS"].append(path)
            elif floor_of(path) == "testing":
                lists["TANDEM_TESTING_HEADERS"].append(path)
            else:
                lists["TANDEM_TANDEM_HEADERS"].append(path)
        return lists

    def headers_cmake(self):
        text = HEADERS_CMAKE
        for variable, paths in self.header_lists().items():
            lines = "".join(f"\n  include/tandem/{path}" for path in paths)
            text += f"\nset({variable}{lines}\n)\n"
        return text

    def check_headers_cmake(self):
        file = os.path.join(self.root, "cmake", "headers.cmake")
        text = ""
        if os.path.exists(file):
            with open(file, encoding="utf-8") as stream:
                text = stream.read()
        for variable, paths in self.header_lists().items():
            match = re.search(rf"set\({variable}\s([^)]*)\)", text)
            listed = set(match.group(1).split()) if match else set()
            actual = {f"include/tandem/{path}" for path in paths}
            for path in sorted(actual - listed):
                self.complaints.append(f"cmake/headers.cmake: {path} is missing from {variable}")
            for path in sorted(listed - actual):
                self.complaints.append(f"cmake/headers.cmake: {path} does not belong in {variable}")

    def check(self):
        for path in self.others:
            self.complain(path, 1, "only .hpp files live here")
        for path in self.files:
            self.check_head(path)
            self.check_size(path)
            self.check_clock(path)
            self.check_includes(path)
        self.check_cycles()
        self.check_umbrella()
        self.check_headers_cmake()
        return self.complaints


def floor_of(path):
    return path.split("/")[0] if "/" in path else ""


def is_private(path):
    return "/detail/" in path or "/impl/" in path


def main(arguments):
    root = reporting.root_of(arguments)
    tree = Tree(root)
    if "--write-headers" in arguments:
        with open(os.path.join(root, "cmake", "headers.cmake"), "w", encoding="utf-8") as file:
            file.write(tree.headers_cmake())
        return 0
    return reporting.tell(f"floors: {len(tree.files)} headers", tree.check())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
