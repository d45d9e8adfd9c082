# SPDX-License-Identifier: BSL-1.0
import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir
from conan.tools.scm import Version

required_conan_version = ">=2.3"


class TandemConan(ConanFile):
    name = "tandem"
    description = "asyncio's concurrency for C++20: an Asio loop for waiting, a oneTBB arena for computing"
    license = "BSL-1.0"
    topics = ("coroutines", "asyncio", "structured-concurrency", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"with_tls": [True, False], "with_json": [True, False]}
    default_options = {"with_tls": True, "with_json": False}
    exports = "include/tandem/base/version.hpp"
    exports_sources = "CMakeLists.txt", "LICENSE", "cmake/*", "include/*"
    no_copy_source = True
    test_package_folder = "tests/package/conan"

    def set_version(self):
        text = load(self, os.path.join(self.recipe_folder, "include/tandem/base/version.hpp"))
        parts = [re.search(rf"TANDEM_VERSION_{part} (\d+)", text).group(1) for part in ("MAJOR", "MINOR", "PATCH")]
        self.version = ".".join(parts)

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        self.requires("boost/[>=1.81 <2]", transitive_headers=True)
        self.requires("onetbb/[>=2021.8]", transitive_headers=True, transitive_libs=True)
        self.requires("zlib/[>=1.2 <2]", transitive_headers=True, transitive_libs=True)
        if self.options.with_tls:
            self.requires("openssl/[>=3 <4]", transitive_headers=True, transitive_libs=True)
        if self.options.with_json:
            self.requires("nlohmann_json/[>=3.10 <4]", transitive_headers=True)

    def package_id(self):
        self.info.clear()

    def validate(self):
        check_min_cppstd(self, 20)
        floors = {"gcc": "12.2", "clang": "16"}
        compiler, version = str(self.settings.compiler), str(self.settings.compiler.version)
        # A profile may say 12 and mean any 12.x: only what is certainly too old is refused.
        floor = floors.get(compiler)
        if floor and Version(version) < Version(floor.split(".", maxsplit=1)[0]):
            raise ConanInvalidConfiguration(f"tandem needs {compiler} {floor} or newer, this is {version}")

    def generate(self):
        toolchain = CMakeToolchain(self)
        for part in ("TESTS", "EXAMPLES", "BENCHMARKS"):
            toolchain.cache_variables[f"TANDEM_BUILD_{part}"] = False
        toolchain.cache_variables["TANDEM_INSTALL"] = True
        toolchain.generate()
        CMakeDeps(self).generate()

    def package(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.install()
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        # CMakeDeps and PkgConfigDeps write these for the consumer.
        rmdir(self, os.path.join(self.package_folder, "share"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "tandem")
        self.cpp_info.set_property("pkg_config_name", "tandem")

        core = self.cpp_info.components["core"]
        core.set_property("cmake_target_name", "tandem::core")
        if self.settings.os in ("Linux", "FreeBSD"):
            core.system_libs = ["pthread"]

        everything = self.cpp_info.components["tandem"]
        everything.set_property("cmake_target_name", "tandem::tandem")
        # boost::headers, not boost::boost: nothing of Boost is linked.
        everything.requires = ["core", "boost::headers", "onetbb::libtbb", "zlib::zlib"]

        testing = self.cpp_info.components["testing"]
        testing.set_property("cmake_target_name", "tandem::testing")
        testing.requires = ["tandem"]

        components = [core, everything, testing]
        for name, target in (("tls", "openssl::ssl"), ("json", "nlohmann_json::nlohmann_json")):
            if not self.options.get_safe(f"with_{name}"):
                continue
            component = self.cpp_info.components[name]
            component.set_property("cmake_target_name", f"tandem::{name}")
            component.requires = ["tandem", target]
            components.append(component)

        for component in components:
            component.bindirs = []
            component.libdirs = []
