// quest - what the agent says in the end: a sentence, and who says so
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reading.hpp"

namespace quest::text {

class citation {
public:
    citation(std::string from, std::size_t number, std::string words)
        : source(std::move(from)), passage(number), quote(std::move(words)) {}

    std::string source;
    std::size_t passage;
    std::string quote;
};

class answer {
public:
    answer() {}
    bool empty() const noexcept { return text.empty(); }
    /// Equal for equal answers; zero if there is none.
    std::uint64_t hash() const noexcept;

    std::string text;
    std::vector<citation> citations;  ///< of those passages among the best five that say the same
    std::vector<citation> best;       ///< the best five passages
    std::size_t passages = 0;         ///< looked at
    std::size_t duplicates = 0;       ///< of these, near-duplicates of an earlier one
};

/// Whether two sentences answer the question alike: at least half of what one adds to the question's
/// words is in the other, too.
bool agree(std::string_view a, std::string_view b, std::string_view question);

/// Fuses what was found in each source, without near-duplicates, also across sources. The order of the
/// digests does not matter: they are taken in the order of their sources' names.
answer conclude(std::vector<const digest*> found, std::string_view question);

}  // namespace quest::text
