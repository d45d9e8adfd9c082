#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""One version number: version.hpp, and everything that repeats it or reads it.

`check_versions.py [root]` prints one line per complaint and exits with 1 if there is any.
"""
import json
import os
import re
import sys

import reporting


def check(root):
    def read(path):
        with open(os.path.join(root, path), encoding="utf-8") as file:
            return file.read()

    complaints = []
    header = read("include/tandem/base/version.hpp")
    parts = [re.search(rf"^#define TANDEM_VERSION_{part} (\d+)$", header, re.M) for part in ("MAJOR", "MINOR", "PATCH")]
    if not all(parts):
        return ["include/tandem/base/version.hpp: TANDEM_VERSION_MAJOR, _MINOR, _PATCH are not all there"]
    version = ".".join(part.group(1) for part in parts)

    # CMake and Conan read the header: a number of their own would be a second source.
    cmake = read("CMakeLists.txt")
    if "base/version.hpp" not in cmake or not re.search(r"project\(tandem VERSION \$\{tandem_version\}", cmake):
        complaints.append("CMakeLists.txt: the version is not the one read from base/version.hpp")
    conan = read("conanfile.py")
    if "base/version.hpp" not in conan or re.search(r"^    version\s*=", conan, re.M):
        complaints.append("conanfile.py: set_version must read base/version.hpp, and no version stand beside it")

    port = json.loads(read("ports/tandem/vcpkg.json")).get("version")
    if port != version:
        complaints.append(f"ports/tandem/vcpkg.json: version {port}, base/version.hpp says {version}")
    entry = re.search(r"^## \[?(\d+\.\d+\.\d+)", read("CHANGELOG.md"), re.M)
    if not entry or entry.group(1) != version:
        found = entry.group(1) if entry else "none"
        complaints.append(f"CHANGELOG.md: the first entry is {found}, base/version.hpp says {version}")
    return complaints


def main(arguments):
    return reporting.tell("versions", check(reporting.root_of(arguments)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
