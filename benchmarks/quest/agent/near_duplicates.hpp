// quest - text: passages that say the same, found by MinHash and locality-sensitive hashing
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "text.hpp"

namespace quest::text {

/// What is needed to compare a passage with others: its runs of five words, and 128 least hashes of them.
class fingerprint {
public:
    static constexpr std::size_t hashes = 128;
    static constexpr std::size_t shingle = 5;

    fingerprint() {}
    explicit fingerprint(std::span<const word> words);

    const std::array<std::uint32_t, hashes>& least() const noexcept { return least_; }
    /// Sorted, each once.
    const std::vector<std::uint64_t>& shingles() const noexcept { return shingles_; }

private:
    std::array<std::uint32_t, hashes> least_{};
    std::vector<std::uint64_t> shingles_;
};

/// The share of shingles that two have in common, of those that either has.
double similarity(const fingerprint& a, const fingerprint& b);
/// The same, estimated from the least hashes alone.
double estimated_similarity(const fingerprint& a, const fingerprint& b) noexcept;

/// For each passage the number of the first one that it is a near-duplicate of, or its own number.
/// Candidates share one of 32 bands of four hashes, which passages as similar as `at_least` practically
/// always do; what is said of them is exact. "First" is by number, so the order of the work is no matter.
std::vector<std::uint32_t> first_of_its_kind(std::span<const fingerprint* const> passages,
                                             double at_least = 0.75);

}  // namespace quest::text
