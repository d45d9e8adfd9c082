#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compiles and runs what README.md and docs/ show.

Every fenced ```cpp block is compiled: as a program if it has a main, else in a namespace of its own
after the headers of PRELUDE, all of a page at once.
A program followed by a ```text block is run, and must print that.
A ```cpp fails block must not compile, and the compiler must say the sentence of the ```text block
that follows; ```cpp fails gcc12 says that of GCC before 13 only, others must compile it.
Links to files of the repository must lead somewhere.

`check_docs.py [--cxx COMPILER] [--flags FLAGS] [page...]`, from anywhere; a page is a path from the
repository's root. Prints one line per complaint and exits with 1 if there is any.
"""
import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PRELUDE = """#include <tandem/tandem.hpp>
#include <tandem/testing/test_loop.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <iostream>
"""
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```[ \t]*$", re.M | re.S)
LINK = re.compile(r"\[[^\]]+\]\(([^)\s#]+)(?:#[^)\s]*)?\)")


class Block:
    def __init__(self, page, line, options, code):
        self.page, self.line, self.options, self.code = page, line, options.split(), code
        self.expected = None
        self.is_program = re.search(r"\bint main\(", code) is not None

    def fails(self, before_gcc_13):
        return "fails" in self.options and ("gcc12" not in self.options or before_gcc_13)


def blocks_of(page, text):
    found, end_of_last = [], None
    for match in BLOCK.finditer(text):
        language, options, code = match.groups()
        if language == "cpp":
            found.append(Block(page, text.count("\n", 0, match.start(3)) + 1, options, code))
        elif language == "text" and end_of_last and text.count("\n", end_of_last, match.start()) <= 4:
            found[-1].expected = code  # with at most a sentence between them
        end_of_last = match.end() if language == "cpp" else None
    return found


def source_of(blocks):
    """One file of one program, or of blocks that are none."""
    if blocks[0].is_program:
        return f'#line {blocks[0].line} "{blocks[0].page}"\n' + blocks[0].code
    includes, body = "", ""
    for block in blocks:
        includes += "".join(re.findall(r"^#include[^\n]*\n", block.code, re.M))
        code = re.sub(r"^#include[^\n]*$", "", block.code, flags=re.M)
        body += (f"namespace block_{block.line} {{\nusing namespace std::chrono_literals;\n"
                 f'#line {block.line} "{block.page}"\n{code}}}\n')
    return PRELUDE + includes + body


def run(command, seconds):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=seconds, check=False)


def squeeze(text):
    return re.sub(r"\s+", " ", text).strip()


class Checker:
    def __init__(self, compiler, flags, folder):
        self.compiler, self.flags, self.folder = compiler, flags, folder
        macros = run([*compiler, "-x", "c++", "-dM", "-E", os.devnull], 60).stdout
        version = re.search(r"#define __GNUC__ (\d+)", macros)
        self.before_gcc_13 = "__clang__" not in macros and version is not None and int(version.group(1)) < 13

    def compile(self, blocks, *options):
        source = os.path.join(self.folder, "block.cpp")
        with open(source, "w", encoding="utf-8") as file:
            file.write(source_of(blocks))
        return run([*self.compiler, "-std=c++20", *self.flags, f"-I{ROOT}/include", *options, source,
                    *(("-ltbb",) if "-o" in options else ())], 900)

    def check(self, blocks):
        """What is wrong with one block, or with several that are no programs; or None."""
        first = blocks[0]
        program = os.path.join(self.folder, "block")
        runs = first.is_program and first.expected is not None and not first.fails(self.before_gcc_13)
        compiled = self.compile(blocks, *(("-pthread", "-o", program) if runs else ("-fsyntax-only",)))
        if first.fails(self.before_gcc_13):
            if compiled.returncode == 0:
                return "compiles, and should not"
            sentence = squeeze(first.expected or "")
            said = sentence and sentence in squeeze(compiled.stdout)
            return None if said else f"fails without saying \"{sentence}\":\n{compiled.stdout}"
        if compiled.returncode != 0 or not runs:
            return f"does not compile:\n{compiled.stdout}" if compiled.returncode != 0 else None
        ran = run([program], 60)
        if ran.returncode != 0:
            return f"ends with {ran.returncode}:\n{ran.stdout}"
        return None if ran.stdout == first.expected else f"prints\n{ran.stdout}and not\n{first.expected}"

    def check_page(self, page):
        with open(os.path.join(ROOT, page), encoding="utf-8") as file:
            text = file.read()
        complaints = []
        for target in LINK.findall(BLOCK.sub("", text)):
            path = os.path.join(ROOT, os.path.dirname(page), target)
            if not re.match(r"[a-z]+:", target) and not os.path.exists(path):
                complaints.append(f"{page}: the link to {target} is dead")
        blocks = blocks_of(page, text)
        alone = [b for b in blocks if b.is_program or b.fails(self.before_gcc_13)]
        together = [b for b in blocks if b not in alone]
        for group in [[b] for b in alone] + ([together] if together else []):
            problem = self.check(group)
            if problem:
                complaints.append(f"{page}:{group[0].line}: {problem}")
        print(*complaints, sep="\n", end="\n" if complaints else "", flush=True)
        return len(blocks), len(complaints)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cxx", default=os.environ.get("CXX", "g++"), help="may begin with a launcher")
    parser.add_argument("--flags", default="-Wall -Wextra")
    parser.add_argument("pages", nargs="*")
    arguments = parser.parse_args()
    docs = [os.path.relpath(os.path.join(parent, name), ROOT) for parent, _, names in os.walk(f"{ROOT}/docs")
            for name in names if name.endswith(".md")]
    with tempfile.TemporaryDirectory() as folder:
        checker = Checker(shlex.split(arguments.cxx), shlex.split(arguments.flags), folder)
        counts = [checker.check_page(page) for page in arguments.pages or ["README.md", *sorted(docs)]]
    print(f"docs: {sum(c[0] for c in counts)} blocks, {sum(c[1] for c in counts)} complaints")
    return 1 if any(c[1] for c in counts) else 0


if __name__ == "__main__":
    sys.exit(main())
