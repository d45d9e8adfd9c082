// tandem - available_cores: how many cores this process may really use
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

inline std::optional<std::string> read_whole_file(const std::string& path) {
    std::ifstream file(path);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

inline std::optional<long long> leading_number(std::string_view text) noexcept {
    long long value = 0;
    const std::from_chars_result read = std::from_chars(text.data(), text.data() + text.size(), value);
    return read.ec == std::errc() ? std::optional<long long>(value) : std::nullopt;
}

/// Cores that a quota grants, rounded up; empty if it grants all of them.
inline std::optional<std::size_t> cores_of_quota(std::optional<long long> quota,
                                                 std::optional<long long> period) noexcept {
    if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
    return static_cast<std::size_t>(std::max(1ll, *quota / *period + (*quota % *period != 0)));
}

/// The least quota of the control groups this process is in and of their ancestors, in cores.
/// `read(path)` gives the text of a file, or nothing: /proc and /sys, or what a test says they hold.
template <class Read>
class cgroup_quota {
public:
    explicit cgroup_quota(Read& read) : read_(read) {}

    std::optional<std::size_t> cores() {
        const std::optional<std::string> groups = read_("/proc/self/cgroup");
        std::string_view rest = groups ? std::string_view(*groups) : std::string_view();
        while (!rest.empty()) {
            const std::string_view line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(std::min(rest.size(), line.size() + 1));
            take_line(line);
        }
        return least_;
    }

private:
    // "0::/path" in version 2, "4:cpu,cpuacct:/path" in version 1.
    void take_line(std::string_view line) {
        const std::size_t first = line.find(':');
        const std::size_t second = first == line.npos ? line.npos : line.find(':', first + 1);
        if (second == line.npos) return;
        const std::string_view controllers = line.substr(first + 1, second - first - 1);
        const std::string path(line.substr(second + 1));
        if (controllers.empty()) {
            each_ancestor(path, [this](const std::string& group) { take_v2("/sys/fs/cgroup" + group); });
        } else if (has_word(controllers, "cpu")) {
            each_ancestor(path, [this](const std::string& group) { take_v1("/sys/fs/cgroup/cpu" + group); });
        }
    }
    void take_v2(const std::string& folder) {
        const std::optional<std::string> text = read_(folder + "/cpu.max");
        if (!text) return;
        const std::size_t blank = text->find(' ');
        if (blank != text->npos)
            take(leading_number(*text), leading_number(std::string_view(*text).substr(blank + 1)));
    }
    void take_v1(const std::string& folder) {
        const std::optional<std::string> quota = read_(folder + "/cpu.cfs_quota_us");
        const std::optional<std::string> period = read_(folder + "/cpu.cfs_period_us");
        if (quota && period) take(leading_number(*quota), leading_number(*period));
    }
    void take(std::optional<long long> quota, std::optional<long long> period) {
        const std::optional<std::size_t> cores = cores_of_quota(quota, period);
        if (cores) least_ = least_ ? std::min(*least_, *cores) : *cores;
    }

    template <class Fn>
    static void each_ancestor(std::string path, Fn fn) {
        while (!path.empty() && path.back() == '/') path.pop_back();
        for (;;) {
            fn(path);
            if (path.empty()) return;
            const std::size_t slash = path.rfind('/');
            path.resize(slash == path.npos ? 0 : slash);
        }
    }
    static bool has_word(std::string_view list, std::string_view word) {
        while (!list.empty()) {
            const std::string_view one = list.substr(0, list.find(','));
            if (one == word) return true;
            list.remove_prefix(std::min(list.size(), one.size() + 1));
        }
        return false;
    }

    Read& read_;
    std::optional<std::size_t> least_;
};

inline std::size_t cores_in_affinity_mask() noexcept {
#if defined(__linux__)
    cpu_set_t mask;
    if (::sched_getaffinity(0, sizeof mask, &mask) == 0 && CPU_COUNT(&mask) > 0) {
        return static_cast<std::size_t>(CPU_COUNT(&mask));
    }
#endif
    return std::max(1u, std::thread::hardware_concurrency());
}

template <class Read>
std::size_t cores_within(std::size_t in_mask, Read read) {
    const std::optional<std::size_t> quota = cgroup_quota<Read>(read).cores();
    return std::max<std::size_t>(1, quota ? std::min(*quota, in_mask) : in_mask);
}

}  // namespace detail

/// How many cores this process may use: the least of its affinity mask and the CPU quotas of its
/// control groups and their ancestors (versions 1 and 2), rounded up, at least 1.
/// `std::thread::hardware_concurrency` knows nothing of quotas, and oneTBB neither.
/// Cost: reads a few files; not for a hot path.
inline std::size_t available_cores() {
    return detail::cores_within(detail::cores_in_affinity_mask(), &detail::read_whole_file);
}

}  // namespace tandem::inline TANDEM_ABI
