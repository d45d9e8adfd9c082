// SPDX-License-Identifier: BSL-1.0
#include <tandem/cpu/detail/available_cores.hpp>

#include <map>
#include <optional>
#include <string>

#include <support/catch.hpp>

namespace {

using files = std::map<std::string, std::string>;

std::size_t cores(const files& known, std::size_t in_mask) {
    return tandem::detail::cores_within(in_mask, [&](const std::string& path) -> std::optional<std::string> {
        const auto found = known.find(path);
        return found == known.end() ? std::nullopt : std::optional<std::string>(found->second);
    });
}

}  // namespace

TEST_CASE("available_cores: without control groups the affinity mask counts", "[cpu]") {
    CHECK(cores({}, 8) == 8);
    CHECK(cores({}, 0) == 1);
    CHECK(cores({{"/proc/self/cgroup", "0::/\n"}}, 8) == 8);
}

TEST_CASE("available_cores: a quota of version 2 is rounded up", "[cpu]") {
    const std::string groups = "0::/user.slice/job\n";
    const std::string file = "/sys/fs/cgroup/user.slice/job/cpu.max";
    CHECK(cores({{"/proc/self/cgroup", groups}, {file, "200000 100000\n"}}, 8) == 2);
    CHECK(cores({{"/proc/self/cgroup", groups}, {file, "150000 100000\n"}}, 8) == 2);
    CHECK(cores({{"/proc/self/cgroup", groups}, {file, "1000 100000\n"}}, 8) == 1);
    CHECK(cores({{"/proc/self/cgroup", groups}, {file, "max 100000\n"}}, 8) == 8);
    CHECK(cores({{"/proc/self/cgroup", groups}, {file, "1600000 100000\n"}}, 8) == 8);
}

TEST_CASE("available_cores: ancestors limit too, up to the root of the namespace", "[cpu]") {
    const std::string groups = "0::/a/b/c\n";
    CHECK(cores({{"/proc/self/cgroup", groups},
                 {"/sys/fs/cgroup/a/b/c/cpu.max", "max 100000"},
                 {"/sys/fs/cgroup/a/cpu.max", "300000 100000"}},
                8) == 3);
    CHECK(cores({{"/proc/self/cgroup", groups},
                 {"/sys/fs/cgroup/a/b/c/cpu.max", "400000 100000"},
                 {"/sys/fs/cgroup/cpu.max", "200000 100000"}},
                8) == 2);
}

TEST_CASE("available_cores: a quota of version 1 counts, -1 is none", "[cpu]") {
    const std::string groups = "7:memory:/pod\n4:cpu,cpuacct:/pod\n3:cpuset:/\n";
    const std::string folder = "/sys/fs/cgroup/cpu/pod/";
    CHECK(cores({{"/proc/self/cgroup", groups},
                 {folder + "cpu.cfs_quota_us", "250000\n"},
                 {folder + "cpu.cfs_period_us", "100000\n"}},
                8) == 3);
    CHECK(cores({{"/proc/self/cgroup", groups},
                 {folder + "cpu.cfs_quota_us", "-1\n"},
                 {folder + "cpu.cfs_period_us", "100000\n"}},
                8) == 8);
}

TEST_CASE("available_cores: files that make no sense limit nothing", "[cpu]") {
    for (const char* text : {"", "100000", "x y", "100000 0", "-5 100000", "0 100000", " "}) {
        CHECK(cores({{"/proc/self/cgroup", "0::/g"}, {"/sys/fs/cgroup/g/cpu.max", text}}, 8) == 8);
    }
    CHECK(cores({{"/proc/self/cgroup", "nonsense\n::\n1:\n"}}, 8) == 8);
}

TEST_CASE("available_cores: this machine has at least one", "[cpu]") {
    CHECK(tandem::available_cores() >= 1);
}
