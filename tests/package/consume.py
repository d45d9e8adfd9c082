#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Builds one consumer of tandem and compares what it prints. Expects an install in <work>/prefix."""
import argparse
import os
import shlex
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SKIPPED = 77
EXPECTED = "42\n"


class Consumer:
    def __init__(self, arguments):
        self.cmake = arguments.cmake
        self.compiler = arguments.compiler
        self.prefix = os.path.join(arguments.work, "prefix")
        self.folder = os.path.join(arguments.work, arguments.consumer)
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)

    def run(self, *command, **options):
        print("$", shlex.join(command), flush=True)
        return subprocess.run(command, check=True, **options)

    def output(self, *command):
        return self.run(*command, stdout=subprocess.PIPE, text=True).stdout

    def configure(self, source, build, *options, build_type="Release"):
        # Not what the surrounding build happens to have in its environment.
        environment = {k: v for k, v in os.environ.items() if k not in ("CXXFLAGS", "CMAKE_PREFIX_PATH")}
        self.run(self.cmake, "-S", os.path.join(HERE, source), "-B", build, "-G", "Ninja",
                 f"-DCMAKE_CXX_COMPILER={self.compiler}", f"-DCMAKE_BUILD_TYPE={build_type}", *options,
                 env=environment)

    def build_and_run(self, source, *options, **more):
        build = os.path.join(self.folder, "build")
        self.configure(source, build, *options, **more)
        self.run(self.cmake, "--build", build)
        self.compare(self.output(os.path.join(build, "consumer")))

    def compare(self, printed):
        if printed != EXPECTED:
            sys.exit(f"the consumer printed {printed!r}, expected {EXPECTED!r}")

    # ---- the consumers

    def find_package(self):
        self.build_and_run("find_package", f"-DCMAKE_PREFIX_PATH={self.prefix}")

    def moved_prefix(self):
        moved = os.path.join(self.folder, "moved")
        shutil.copytree(self.prefix, moved)
        for parent, _, names in os.walk(moved):
            for name in names:
                with open(os.path.join(parent, name), "rb") as file:
                    text = file.read()
                if self.prefix.encode() in text or ROOT.encode() in text:
                    sys.exit(f"{os.path.join(parent, name)} names the place where it was built or installed")
        self.build_and_run("find_package", f"-DCMAKE_PREFIX_PATH={moved}")

    def core_only(self):
        self.build_and_run("core_only", f"-DCMAKE_PREFIX_PATH={self.prefix}")

    def components(self):
        self.build_and_run("components", f"-DCMAKE_PREFIX_PATH={self.prefix}")

    def separate(self):
        self.build_and_run("separate", f"-DCMAKE_PREFIX_PATH={self.prefix}")

    def subdirectory(self):
        self.build_and_run("subdirectory", f"-DTANDEM_SOURCE={ROOT}")

    def reexport(self):
        build, prefix = os.path.join(self.folder, "parent"), os.path.join(self.folder, "prefix")
        self.configure("reexport", build, f"-DTANDEM_SOURCE={ROOT}")
        self.run(self.cmake, "--install", build, "--prefix", prefix)
        self.build_and_run("reexport/user", f"-DCMAKE_PREFIX_PATH={prefix}")

    def fetch_content(self):
        if shutil.which("git") is None:
            print("skipped: git is not installed")
            return SKIPPED
        repository = os.path.join(self.folder, "repository")
        shutil.copytree(ROOT, repository, ignore=shutil.ignore_patterns(".git", "build", "__pycache__"))
        # A repository of its own, whatever the user's settings for signing, hooks and names are.
        git = ["git", "-C", repository, "-c", "user.name=test", "-c", "user.email=test@example.org",
               "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null"]
        self.run(*git, "init", "--quiet", "--initial-branch=main")
        self.run(*git, "add", "--all")
        self.run(*git, "commit", "--quiet", "--message", "as it is now")
        self.build_and_run("fetch_content", f"-DTANDEM_REPOSITORY=file://{repository}", "-DTANDEM_TAG=main")
        return 0

    def pkg_config(self):
        if shutil.which("pkg-config") is None:
            print("skipped: pkg-config is not installed")
            return SKIPPED
        environment = dict(os.environ, PKG_CONFIG_PATH=os.path.join(self.prefix, "share", "pkgconfig"))
        flags = self.run("pkg-config", "--cflags", "--libs", "tandem", env=environment,
                         stdout=subprocess.PIPE, text=True).stdout.split()
        program = os.path.join(self.folder, "consumer")
        self.run(self.compiler, "-std=c++20", "-O2", os.path.join(HERE, "src", "main.cpp"), "-o", program, *flags)
        self.compare(self.output(program))
        return 0

    def two_units(self):
        self.build_and_run("find_package", f"-DCMAKE_PREFIX_PATH={self.prefix}", "-DSECOND_UNIT=ON")

    def two_libraries(self):
        self.build_and_run("two_libraries", f"-DTANDEM_SOURCE={ROOT}")

    def strict_warnings(self):
        self.build_and_run("find_package", f"-DCMAKE_PREFIX_PATH={self.prefix}", "-DSTRICT=ON")

    def debug_is_trampoline(self):
        """The consumer's own configuration decides between tail calls and the trampoline."""
        version = self.output(self.compiler, "--version")
        if "clang" in version:
            print("skipped: clang makes tail calls at every level")
            return SKIPPED
        found = {}
        for build_type, flags in (("Debug", ""), ("Release", ""), ("Debug", "-O1"), ("", "-O2"), ("Release", "-O1")):
            build = os.path.join(self.folder, f"build{len(found)}")
            # The configuration's flags come last, so -O1 has to stand there to count.
            where = f"-DCMAKE_CXX_FLAGS_{build_type.upper()}={flags}" if build_type and flags else \
                f"-DCMAKE_CXX_FLAGS={flags}"
            self.configure("find_package", build, f"-DCMAKE_PREFIX_PATH={self.prefix}", where,
                           "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", build_type=build_type)
            with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
                found[build_type, flags] = "-DTANDEM_TRAMPOLINE=1" in file.read()
        expected = {("Debug", ""): True, ("Release", ""): False, ("Debug", "-O1"): True, ("", "-O2"): False,
                    ("Release", "-O1"): True}
        if found != expected:
            sys.exit(f"trampoline by configuration: {found}, expected {expected}")
        return 0


def main():
    consumers = [name for name, value in vars(Consumer).items() if callable(value) and not name.startswith("_")]
    parser = argparse.ArgumentParser()
    parser.add_argument("consumer", choices=consumers)
    parser.add_argument("--cmake", default="cmake")
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--work", required=True)
    arguments = parser.parse_args()
    try:
        return getattr(Consumer(arguments), arguments.consumer)() or 0
    except subprocess.CalledProcessError as error:
        return f"{arguments.consumer}: {error.cmd[0]} ended with {error.returncode}"


if __name__ == "__main__":
    sys.exit(main())
