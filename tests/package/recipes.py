#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The vcpkg port and the Conan recipe.

lint   always: both name what CMake needs, in the same versions, and every file they name exists
conan  `conan create` with the test package, if conan is on PATH
vcpkg  `vcpkg install` from the overlay port, if vcpkg and VCPKG_ROOT are there
Exit status 77: the tool is not here, nothing was checked.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED = 77

# CMake's name: (vcpkg's names, Conan's name)
NAMES = {"Boost": (("boost-asio", "boost-beast"), "boost"), "TBB": (("tbb",), "onetbb"), "ZLIB": (("zlib",), "zlib"),
         "OpenSSL": (("openssl",), "openssl"), "nlohmann_json": (("nlohmann-json",), "nlohmann_json")}
# What stands behind a feature of the port, and the component of that name.
OPTIONAL = {"OpenSSL": "tls", "nlohmann_json": "json"}


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def lint():
    complaints = []
    cmake = dict(re.findall(r"find_package\((\w+)(?: ([\d.]+))? QUIET", read("cmake/dependencies.cmake")))
    if set(cmake) != set(NAMES):
        complaints.append(f"cmake/dependencies.cmake looks for {sorted(cmake)}, recipes.py knows {sorted(NAMES)}")

    manifest = json.loads(read("ports/tandem/vcpkg.json"))
    port = {}
    features = [e for name in OPTIONAL.values() for e in manifest["features"][name]["dependencies"]]
    for entry in manifest["dependencies"] + features:
        entry = {"name": entry} if isinstance(entry, str) else entry
        if not entry.get("host"):
            port[entry["name"]] = entry.get("version>=", "")
    recipe = read("conanfile.py")
    conan = dict(re.findall(r'self\.requires\("([\w-]+)/\[>=([\d.]+)', recipe))
    for name, (vcpkg_names, conan_name) in NAMES.items():
        wanted = cmake.get(name, "")
        for vcpkg_name in vcpkg_names:
            have = port.pop(vcpkg_name, None)
            if have is None or not have.startswith(wanted):
                complaints.append(f"ports/tandem/vcpkg.json: {vcpkg_name} is {have}, CMake wants {wanted or 'any'}")
        have = conan.pop(conan_name, None)
        if have is None or not have.startswith(wanted):
            complaints.append(f"conanfile.py: {conan_name} is {have}, CMake wants {wanted or 'any'}")
    for left in list(port) + list(conan):
        complaints.append(f"a recipe requires {left}, CMake does not look for it")

    developer = {entry if isinstance(entry, str) else entry["name"]
                 for entry in json.loads(read("vcpkg.json"))["dependencies"]}
    for name in (name for names, _ in NAMES.values() for name in names):
        if name not in developer:
            complaints.append(f"vcpkg.json: {name} is missing")

    for path in re.findall(r'exports_sources = (.*)', recipe)[0].replace('"', "").split(", "):
        if not os.path.exists(os.path.join(ROOT, path.rstrip("*"))):
            complaints.append(f"conanfile.py names {path}, which does not exist")
    folder = re.search(r'test_package_folder = "([^"]+)"', recipe).group(1)
    if not os.path.exists(os.path.join(ROOT, folder, "conanfile.py")):
        complaints.append(f"conanfile.py names {folder}, which has no conanfile.py")
    options = set(re.findall(r"-D(TANDEM_\w+)=", read("ports/tandem/portfile.cmake")))
    known = set(re.findall(r"option\((TANDEM_\w+)", read("CMakeLists.txt")))
    for option in sorted(options - known):
        complaints.append(f"ports/tandem/portfile.cmake sets {option}, CMakeLists.txt does not know it")

    # The targets in usage are the ones that the consumers in this folder link and run.
    consumers = "".join(read(f"tests/package/{name}/CMakeLists.txt") for name in ("find_package", "core_only", "components"))
    for target in re.findall(r"target_link_libraries\(main PRIVATE ([\w:]+)\)", read("ports/tandem/usage")):
        if target not in consumers:
            complaints.append(f"ports/tandem/usage shows {target}, which no consumer links")

    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


def conan(work):
    if shutil.which("conan") is None:
        print("skipped: conan is not on PATH")
        return SKIPPED
    environment = dict(os.environ)
    environment.setdefault("CONAN_HOME", os.path.join(work, "conan_home"))
    subprocess.run(["conan", "profile", "detect", "--exist-ok"], env=environment, check=True)
    # Nothing is written into the checkout.
    return subprocess.run(["conan", "create", ROOT, "-s", "compiler.cppstd=20", "--build=missing",
                           "-c", f"tools.cmake.cmake_layout:test_folder={work}"],
                          env=environment, check=False).returncode


def vcpkg(work):
    if shutil.which("vcpkg") is None or "VCPKG_ROOT" not in os.environ:
        print("skipped: vcpkg is not on PATH, or VCPKG_ROOT is not set")
        return SKIPPED
    return subprocess.run(["vcpkg", "install", "tandem", f"--overlay-ports={os.path.join(ROOT, 'ports')}",
                           f"--x-install-root={os.path.join(work, 'vcpkg_installed')}"], check=False).returncode


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("recipe", choices=("lint", "conan", "vcpkg"))
    parser.add_argument("--work", required=True)
    arguments = parser.parse_args()
    os.makedirs(arguments.work, exist_ok=True)
    return lint() if arguments.recipe == "lint" else globals()[arguments.recipe](arguments.work)


if __name__ == "__main__":
    sys.exit(main())
