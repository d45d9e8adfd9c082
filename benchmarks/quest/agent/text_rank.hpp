// quest - text: BM25, and a ranking that follows from several
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "text.hpp"

namespace quest::text {

/// Numbers of passages or sentences, best first.
using ranking = std::vector<std::uint32_t>;

/// Orders by score, equal ones by number; at most `most`, and none with a score of zero.
ranking best_of(std::span<const double> scores, std::size_t most);

/// An index of the passages of a document for BM25 with k1 = 1.2 and b = 0.75.
class bm25 {
public:
    static constexpr double k1 = 1.2;
    static constexpr double b = 0.75;

    explicit bm25(const document& of);

    /// A score for every passage. A word that stands twice in the query counts once.
    std::vector<double> scores(std::vector<word> query) const;

private:
    class posting {
    public:
        posting(word w, std::uint32_t p) noexcept : normal(w), passage(p) {}
        bool operator==(const posting&) const = default;
        auto operator<=>(const posting&) const = default;
        word normal;
        std::uint32_t passage;
    };

    std::vector<posting> postings_;  // one for each token of each passage, sorted
    std::vector<double> lengths_;
    double mean_length_ = 0;
};

/// Reciprocal rank fusion: each ranking gives 1 / (60 + rank) to what it names, ranks counted from 1.
/// Gives the sum for each of `count` numbers.
std::vector<double> fuse(std::span<const ranking> rankings, std::size_t count);

}  // namespace quest::text
