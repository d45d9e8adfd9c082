// quest - text: which sentences the others are about; the part of the work that costs
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "text.hpp"

namespace quest::text {

/// Ranks sentences: each is a vector, the cosine of two says how much they have to do with each other, and
/// 30 rounds of the power method on that matrix say which are central (LexRank, with every cosine).
/// Used so: `measure` for all rows, then `rounds` times `spread` for all rows and `end_round`.
/// Threads: rows may be measured, and spread, in any order and by several threads at a time; the result
///   does not depend on how they were shared out.
/// Cost: measuring is sentences^2 * dimensions multiplications, a round sentences^2.
class sentence_graph {
public:
    static constexpr std::size_t dimensions = 2048;
    static constexpr int rounds = 30;
    static constexpr std::size_t tile = 16;  ///< rows that are measured best together
    /// Of a longer text only the beginning is ranked: the matrix would not fit.
    static constexpr std::size_t most = 4000;

    /// Makes the vectors: words and pairs of words, weighted by rarity, hashed to dimensions, of length 1.
    explicit sentence_graph(const document& of);

    std::size_t size() const noexcept { return size_; }
    /// Fills rows [first, last) of the matrix.
    void measure(std::size_t first, std::size_t last) noexcept;
    /// Begins the ranking; all rows have been measured.
    void begin_ranking();
    void spread(std::size_t first, std::size_t last) noexcept;
    void end_round() noexcept;

    /// A number for each sentence; together they are 1.
    const std::vector<double>& ranks() const noexcept { return ranks_; }

private:
    std::size_t size_;
    std::vector<float> vectors_;
    std::unique_ptr<float[]> cosines_;  // not zeroed: that would be work on one thread
    std::vector<float> degrees_;
    std::vector<float> shares_;  // what each sentence gives to its neighbours in this round
    std::vector<double> ranks_;
    std::vector<double> next_;
};

}  // namespace quest::text
