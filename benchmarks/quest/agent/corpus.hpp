// quest - text: documents made from a seed, in which it is known what is to be found
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace quest::text {

/// A paragraph that was copied from another source, with so many words changed that this is the
/// similarity of the two (the share of common runs of five words).
class planted_copy {
public:
    planted_copy() {}
    std::size_t source = 0;
    std::size_t paragraph = 0;
    std::size_t of_source = 0;
    std::size_t of_paragraph = 0;
    double similarity = 0;
};

/// Documents of some sources, and a question that each of them answers in one sentence.
class corpus {
public:
    corpus() {}
    std::string question;
    std::string answer;  ///< the one word
    std::vector<std::string> documents;
    std::vector<std::size_t> gold;  ///< for each document the paragraph with the answer
    std::vector<planted_copy> copies;
};

/// Makes documents of exactly `sentences` sentences, about 80 bytes each, in paragraphs of eight. Beside the
/// answer there are sentences that share the question's words and do not answer it, and copies at the
/// similarities 0.7, 0.8, 0.9 and 0.95, as far as there is room. The same seed gives the same bytes.
/// Errors: `std::invalid_argument` for fewer than 32 sentences.
corpus make_corpus(std::uint64_t seed, std::size_t sources, std::size_t sentences);

}  // namespace quest::text
