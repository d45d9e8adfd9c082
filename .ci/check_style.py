#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks the rules of coroutine code that compilers do not check, by pattern.

S1  no co_await in a condition, nor beside && or ||: await into a local, then test it
S2  no lambda with captures by value inside an expression that awaits: name it, or pass arguments
S3  no braced temporary as an argument, f(point{1, 2}), in an expression that awaits: name it
S4  no co_await inside the braces of an initialiser, nor below two levels of parentheses
S5  no ternary that contains co_await or selects what is awaited
S6  no structured binding by value in a coroutine: auto r = co_await f(); auto& [x, y] = r;
Each of them is code that some supported compiler gets wrong without a warning.
Also: "cancelled" has two l's, no unfinished words, no real sleeping in tests, no random_device.

Looks at C++ in include, examples, tests and benchmarks, and at the cpp blocks of README.md and docs.
Escape, in tests/compile only, on the line or the one above: // tandem-lint: allow S1 (reason)
`check_style.py [root]` prints one line per complaint and exits with 1 if there is any.
`check_style.py --sources path...` looks for S1 to S6 in your files and folders, whatever their names.
"""
import os
import re
import sys

import reporting

FOLDERS = ("include", "examples", "tests", "benchmarks")
SUFFIXES = (".hpp", ".cpp")
SOURCES = SUFFIXES + (".h", ".hh", ".hxx", ".cc", ".cxx", ".ipp")
OPEN, CLOSE = "([{", ")]}"
PAIR = dict(zip(CLOSE, OPEN))
AWAIT = re.compile(r"\bco_await\b")
# Their temporaries have no destructor that could run twice.
SCALAR = re.compile(r"(std::)?(u?int\w*|size_t|ptrdiff_t|byte|char|bool|short|long|unsigned|float|double)"
                    r"|(std::)?(chrono::)?\w*seconds")
COROUTINE = re.compile(r"\bco_(await|return|yield)\b")


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def strip(text):
    """Blanks comments, and what is inside strings; positions and lines stay."""
    def replace(match):
        token = match.group(0)
        if token.startswith("/"):
            return blank(token)
        if token.startswith("R\""):
            return '"' + blank(token[1:-1]) + '"'
        return token[0] + blank(token[1:-1]) + token[-1]
    pattern = (r'//[^\n]*|/\*.*?\*/|\bR"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
               r"|(?<![0-9a-zA-Z_])'(?:\\.|[^'\\\n])+'")
    return re.sub(pattern, replace, text, flags=re.S)


def match_forward(text, start):
    """The position of the bracket that closes the one at start, or the end."""
    depth = 0
    for position in range(start, len(text)):
        if text[position] in OPEN:
            depth += 1
        elif text[position] in CLOSE:
            depth -= 1
            if depth == 0:
                return position
    return len(text) - 1


def match_back(text, start):
    depth = 0
    for position in range(start, -1, -1):
        if text[position] in CLOSE:
            depth += 1
        elif text[position] in OPEN:
            depth -= 1
            if depth == 0:
                return position
    return 0


def find_lambdas(text):
    """(start, captures, first and last position of the body) of every lambda, outer ones first."""
    found = []
    for match in re.finditer(r"\[", text):
        start = match.start()
        before = text[:start].rstrip()
        if text[start:start + 2] == "[[" or before.endswith("["):
            continue
        # A subscript follows a name or a bracket, a structured binding follows auto.
        word = re.search(r"\w+$", before)
        if before.endswith((")", "]", "auto&", "auto&&")) or (word and word.group(0) not in (
                "return", "co_return", "co_await", "co_yield", "case", "else", "and", "or", "not")):
            continue
        end = match_forward(text, start)
        rest = end + 1
        parsed = re.compile(r"\s*(<[^(){};]*>)?\s*").match(text, rest)
        rest = parsed.end()
        if rest < len(text) and text[rest] == "(":
            rest = match_forward(text, rest) + 1
        specifiers = re.compile(r"[\w\s:<>,&*.()]*?(->[\w\s:<>,&*.()]*)?\{").match(text, rest)
        if not specifiers:
            continue
        body = specifiers.end() - 1
        found.append((start, text[start + 1:end], body, match_forward(text, body)))
    return found


def without_lambda_bodies(text):
    """Blanks what is inside the bodies of the lambdas in an expression."""
    for _, _, first, last in find_lambdas(text):
        text = text[:first + 1] + blank(text[first + 1:last]) + text[last:]
    return text


def opens_block(text, brace):
    """Whether the brace opens a block of statements or a class, and not an initialiser."""
    before = text[:brace].rstrip()
    if not before or before[-1] in ");{}:":
        return True
    if re.search(r"\b(else|do|try|const|noexcept|mutable|override|final)$", before):
        return True
    head = before[max(before.rfind(";"), before.rfind("{"), before.rfind("}")) + 1:]
    if re.search(r"\)\s*(mutable\s*|noexcept\s*|const\s*)*->[\w\s:<>,&*().]*$", head):
        return True
    return re.search(r"\b(struct|class|namespace|enum|union|requires|concept|extern)\b", head) is not None


def enclosing(text, position):
    """Positions of the brackets that are open at position, innermost first."""
    closed = 0
    for index in range(position - 1, -1, -1):
        if text[index] in CLOSE:
            closed += 1
        elif text[index] in OPEN:
            if closed:
                closed -= 1
            else:
                yield index


def statement(text, position):
    """The extent of the statement around position; bodies of lambdas in it are part of it."""
    first = position
    while first > 0:
        char = text[first - 1]
        if char in ")]":
            first = match_back(text, first - 1)
            continue
        if char == "}":
            after = text[first:position].lstrip()[:1]
            if not after or after not in ".,)]?:&|=<>+-*/":
                break
            first = match_back(text, first - 1)
            continue
        if char == ";" or (char == "{" and opens_block(text, first - 1)):
            break
        first -= 1
    last = position
    while last < len(text):
        char = text[last]
        if char in OPEN:
            # The brace of an if, while or for body ends the statement that is its head.
            if char == "{" and opens_block(text, last) and not in_lambda_head(text, last):
                break
            last = match_forward(text, last)
        elif char == ";" or char == "}":
            break
        last += 1
    return first, last


def in_lambda_head(text, brace):
    head = text[max(0, brace - 400):brace + 1]
    return any(body == len(head) - 1 for _, _, body, _ in find_lambdas(head))


def function_body(text, position):
    """The extent of the function or lambda body around position, or None."""
    for index in enclosing(text, position):
        if text[index] != "{" or not opens_block(text, index):
            continue
        before = text[:index].rstrip()
        if before.endswith(")"):
            head = text[:match_back(before, len(before) - 1)].rstrip()
            if re.search(r"\b(if|for|while|switch|catch|constexpr)$", head):
                continue
        elif re.search(r"\b(else|do|try)$", before) or before.endswith((";", "{", "}", ":")):
            continue
        elif re.search(r"\b(struct|class|namespace|enum|union)\b[^;{}]*$", before):
            return None
        return index, match_forward(text, index)
    return None


class File:
    def __init__(self, path, text, first_line=1):
        self.path = path
        self.raw = text
        self.first_line = first_line
        self.text = strip(text)
        self.complaints = []

    def complain(self, position, rule, sentence):
        line = self.text.count("\n", 0, position)
        if rule and self.path.replace(os.sep, "/").startswith("tests/compile/"):
            lines = self.raw.split("\n")
            near = "\n".join(lines[max(0, line - 1):line + 1])
            if re.search(rf"// tandem-lint: allow {rule} \([^)]+\)", near):
                return
        complaint = f"{self.path}:{line + self.first_line}: {rule + ': ' if rule else ''}{sentence}"
        if complaint not in self.complaints:
            self.complaints.append(complaint)

    # ---- rules of coroutines

    def check_s1(self):
        for match in re.finditer(r"\b(if|while|switch|for)\s*(constexpr\s*)?\(", self.text):
            start = match.end() - 1
            inside = without_lambda_bodies(self.text[start + 1:match_forward(self.text, start)])
            parts = inside.split(";")
            if match.group(1) == "for":
                condition = parts[1] if len(parts) == 3 else ""
            else:
                condition = parts[-1]
            if AWAIT.search(condition):
                self.complain(match.start(), "S1", f"co_await in the condition of {match.group(1)}; "
                              "await into a local, then test it")
        for expression, position in self.awaiting_statements():
            if re.search(r"\s(&&|\|\|)\s", expression) and not re.search(r"\brequires\b", expression):
                self.complain(position, "S1", "co_await beside && or ||; await into a local, then test it")

    def awaiting_statements(self):
        for match in AWAIT.finditer(self.text):
            first, last = statement(self.text, match.start())
            expression = without_lambda_bodies(self.text[first:last])
            if AWAIT.search(expression):
                yield expression, match.start()

    def check_s2(self):
        for match in AWAIT.finditer(self.text):
            first, last = statement(self.text, match.start())
            region = self.text[first:last]
            flat = without_lambda_bodies(region)
            if not AWAIT.search(flat):
                continue
            for start, captures, _, _ in find_lambdas(flat):
                if any(captured_by_value(capture) for capture in split_commas(captures)):
                    self.complain(first + start, "S2", "a lambda with captures by value in an expression that "
                                  "awaits; pass arguments, or name it and pass moved(fn)")

    def check_s3(self):
        for expression, position in self.awaiting_statements():
            for match in re.finditer(r"[(,]\s*((?:[\w:]|<[\w:<>,\s*&]*>)*)\s*\{(\s*\})?", expression):
                nothing = not match.group(1) and match.group(2)
                if not nothing and not SCALAR.fullmatch(match.group(1)):
                    self.complain(position, "S3", "a braced temporary as an argument in an expression that awaits; "
                                  "name it, then pass it or std::move(it)")

    def check_s4(self):
        for match in AWAIT.finditer(self.text):
            parentheses = 0
            for index in enclosing(self.text, match.start()):
                if self.text[index] == "(":
                    head = self.text[:index].rstrip()
                    if not re.search(r"\b(if|for|while|switch)$", head):
                        parentheses += 1
                elif self.text[index] == "{":
                    if not opens_block(self.text, index) and not in_lambda_head(self.text, index):
                        self.complain(match.start(), "S4", "co_await inside the braces of an initialiser; "
                                      "await into a local first")
                    break
            if parentheses > 1:
                self.complain(match.start(), "S4", f"co_await below {parentheses} levels of parentheses; "
                              "await into a local first")

    def check_s5(self):
        for match in re.finditer(r"\?", self.text):
            first, last = match.start(), match.start()
            while first > 0 and self.text[first - 1] not in "([{,;=}":
                first = match_back(self.text, first - 1) if self.text[first - 1] == ")" else first - 1
            while last < len(self.text) and self.text[last] not in ")]},;":
                last = match_forward(self.text, last) if self.text[last] in OPEN else last
                last += 1
            ternary = without_lambda_bodies(self.text[first:last])
            if AWAIT.search(ternary):
                self.complain(match.start(), "S5", "a ternary with co_await in it; write if and else")
            elif self.text[first - 1:first] == "(" and re.search(r"\bco_await\s*$", self.text[:first - 1]):
                self.complain(match.start(), "S5", "a ternary that selects what is awaited; write if and else")

    def check_s6(self):
        for match in re.finditer(r"\bauto\s*\[", self.text):
            body = function_body(self.text, match.start())
            if body and COROUTINE.search(without_lambda_bodies(self.text[body[0] + 1:body[1]])):
                self.complain(match.start(), "S6", "a structured binding by value in a coroutine; "
                              "name the value, then bind auto& [x, y]")

    # ---- words

    def check_words(self):
        # std::errc::operation_canceled keeps its spelling: the underscore is part of the word.
        for match in re.finditer(r"\bcancel(ed|ing)\b", self.raw, re.I):
            self.complain(match.start(), "", f"\"{match.group(0)}\": write it with two l's")
        for match in re.finditer(r"\b(TODO(?!\s?\(?#\d)|FIXME|XXX|HACK)\b", self.raw):
            self.complain(match.start(), "", f"\"{match.group(0)}\": finish it, or give the number of an issue")

    def check_calls(self):
        path = self.path.replace(os.sep, "/")
        if path.startswith("tests/") and not path.startswith("tests/stress/"):
            for match in re.finditer(r"\bthis_thread\s*::\s*sleep_(for|until)\b|\b(u|nano)sleep\s*\(", self.text):
                self.complain(match.start(), "", "real sleeping in a test; use virtual time, or move it to tests/stress")
        for match in re.finditer(r"\brandom_device\b", self.text):
            self.complain(match.start(), "", "random_device; take a seed, so that a run can be repeated")

    def check_coroutines(self):
        self.check_s1()
        self.check_s2()
        self.check_s3()
        self.check_s4()
        self.check_s5()
        self.check_s6()
        return self.complaints

    def check(self):
        self.check_coroutines()
        self.check_words()
        self.check_calls()
        return self.complaints


def split_commas(text):
    parts, depth, start = [], 0, 0
    for position, char in enumerate(text):
        if char in OPEN:
            depth += 1
        elif char in CLOSE:
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    parts.append(text[start:])
    return [part.strip() for part in parts if part.strip()]


def captured_by_value(capture):
    return not capture.startswith("&") and capture != "this"


def code_blocks(text):
    """The cpp blocks of a Markdown file that must compile, each with its first line."""
    for match in re.finditer(r"^```cpp *([^\n]*)\n(.*?)^```", text, re.M | re.S):
        if "fails" not in match.group(1):
            yield match.group(2), text.count("\n", 0, match.start(2)) + 1


def check_tree(root):
    complaints = []
    for folder in FOLDERS:
        for parent, folders, names in os.walk(os.path.join(root, folder)):
            folders.sort()
            for name in sorted(names):
                if name.endswith(SUFFIXES):
                    path = os.path.join(parent, name)
                    with open(path, encoding="utf-8") as file:
                        complaints += File(os.path.relpath(path, root), file.read()).check()
    pages = [os.path.join(root, "README.md")]
    for parent, folders, names in os.walk(os.path.join(root, "docs")):
        folders.sort()
        pages += [os.path.join(parent, name) for name in sorted(names) if name.endswith(".md")]
    for page in pages:
        if not os.path.exists(page):
            continue
        with open(page, encoding="utf-8") as file:
            text = file.read()
        for block, line in code_blocks(text):
            complaints += File(os.path.relpath(page, root), block, line).check()
    return complaints


def files_of(path):
    if not os.path.isdir(path):
        return [path]
    found = []
    for parent, folders, names in os.walk(path):
        folders.sort()
        found += [os.path.join(parent, name) for name in sorted(names) if name.endswith(SOURCES)]
    return found


def check_sources(paths):
    """The rules of coroutines, in sources of other projects."""
    complaints = []
    files = [file for path in paths for file in files_of(path)]
    for path in files:
        with open(path, encoding="utf-8", errors="replace") as file:
            complaints += File(path, file.read()).check_coroutines()
    print(f"{len(files)} files")
    return complaints


def main(arguments):
    if "--sources" in arguments:
        paths = [argument for argument in arguments if argument != "--sources"]
        missing = [path for path in paths if not os.path.exists(path)]
        if missing or not paths:
            print(f"style: there is no {', '.join(missing)}" if missing else "style: --sources which files or folders?")
            return 2
        return reporting.tell("style", check_sources(paths))
    return reporting.tell("style", check_tree(reporting.root_of(arguments)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
