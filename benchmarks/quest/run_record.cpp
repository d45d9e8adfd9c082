// SPDX-License-Identifier: BSL-1.0
#include "run_record.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include <oneapi/tbb/version.h>

#include "support/machine.hpp"

namespace quest {
namespace {

std::string machine() {
    utsname system{};
    ::uname(&system);
    return std::to_string(::sysconf(_SC_NPROCESSORS_ONLN)) + " x " + bench::processor() + ", " +
           system.sysname + ' ' + system.release;
}

std::string load() {
    std::array<char, 40> text;
    std::snprintf(text.data(), text.size(), "%.2f before the run", bench::load_average());
    return text.data();
}

}  // namespace

std::vector<std::pair<std::string, std::string>> machine_facts() {
    const std::string tbb =
        ", oneTBB " + std::to_string(TBB_VERSION_MAJOR) + '.' + std::to_string(TBB_VERSION_MINOR);
    std::vector<std::pair<std::string, std::string>> facts;
    facts.emplace_back("machine", machine());
    facts.emplace_back("compiler", bench::compiler_version() + ", " + bench::compiler_flags());
    facts.emplace_back("libraries", bench::library_versions() + tbb);
    facts.emplace_back("load", load());
    return facts;
}

std::optional<double> share_of_bound(const chapter_result& of) {
    if (!of.bound || !of.tandem || of.tandem->count() <= 0) return std::nullopt;
    return *of.bound / *of.tandem;
}

std::optional<double> speed_up(const chapter_result& of) {
    if (!of.sequential || !of.tandem || of.tandem->count() <= 0) return std::nullopt;
    return *of.sequential / *of.tandem;
}

std::optional<seconds> bound_for(const chapter_result& of, const variant& one) {
    return one.bound || !one.same_work ? one.bound : of.bound;
}

const variant* variant_of_tandem(const chapter_result& of) {
    const auto is_it = [&](const variant& one) {
        return !one.runs.empty() && median(one.runs) == *of.tandem;
    };
    if (!of.tandem) return nullptr;
    const auto found = std::ranges::find_if(of.variants, is_it);
    return found == of.variants.end() ? nullptr : &*found;
}

}  // namespace quest
