// quest - text: words, sentences and passages of a document
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quest::text {

/// A word is known by the hash of its normal form.
using word = std::uint64_t;

/// Mixes `more` into a hash; the same on every machine.
constexpr std::uint64_t mix(std::uint64_t hash, std::uint64_t more) noexcept {
    hash ^= more;
    hash *= 0x9e3779b97f4a7c15u;
    return hash ^ (hash >> 32);
}
std::uint64_t hash_of(std::string_view bytes) noexcept;

/// The normal form of a text: its words in small letters, one blank between them. A word is letters,
/// digits and bytes beyond ASCII; an apostrophe inside it is left out.
std::string normalise(std::string_view text);

/// What a reader sees of an HTML page, roughly: no tags, no scripts and styles, blocks as paragraphs.
std::string without_markup(std::string_view html);

/// A word and where it stands in the text.
class token {
public:
    token(word hash, std::size_t from, std::size_t until) noexcept : normal(hash), begin(from), end(until) {}
    word normal;
    std::size_t begin;
    std::size_t end;
};
std::vector<token> tokenise(std::string_view text);
std::vector<word> words_of(std::string_view text);

/// A run of tokens: [first, last).
class stretch {
public:
    stretch(std::size_t from, std::size_t until) noexcept : first(from), last(until) {}
    std::size_t size() const noexcept { return last - first; }
    bool operator==(const stretch&) const = default;

    std::size_t first;
    std::size_t last;
};

/// A text, cut up. Sentences end with . ! ? before a blank, or with their paragraph; passages are windows
/// of tokens that overlap by half and do not cross the empty line between paragraphs.
class document {
public:
    static constexpr std::size_t window = 120;
    static constexpr std::size_t stride = 60;

    explicit document(std::string text);

    const std::vector<token>& tokens() const noexcept { return tokens_; }
    const std::vector<stretch>& sentences() const noexcept { return sentences_; }
    const std::vector<stretch>& passages() const noexcept { return passages_; }
    /// The text of a run of tokens, with the mark that ends it.
    std::string_view text_of(stretch part) const noexcept;
    std::vector<word> words_of(stretch part) const;

private:
    void cut_paragraph(stretch paragraph);
    std::string_view between(std::size_t left, std::size_t right) const noexcept;

    std::string text_;
    std::vector<token> tokens_;
    std::vector<stretch> sentences_;
    std::vector<stretch> passages_;
};

}  // namespace quest::text
