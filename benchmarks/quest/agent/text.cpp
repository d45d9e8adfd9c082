// SPDX-License-Identifier: BSL-1.0
#include "text.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace quest::text {
namespace {

bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
bool is_word(char c) noexcept {
    return (c >= 'a' && c <= 'z') || is_upper(c) || (c >= '0' && c <= '9') ||
           static_cast<unsigned char>(c) >= 0x80;
}
char to_small(char c) noexcept { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

/// Calls on_word(begin, end) for each word of the text.
template <class F>
void each_word(std::string_view text, F on_word) {
    for (std::size_t at = 0; at < text.size();) {
        if (!is_word(text[at])) {
            ++at;
            continue;
        }
        const std::size_t begin = at;
        while (at < text.size() &&
               (is_word(text[at]) || (text[at] == '\'' && at + 1 < text.size() && is_word(text[at + 1])))) {
            ++at;
        }
        on_word(begin, at);
    }
}

word normal_hash(std::string_view of) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char c : of) {
        if (c != '\'') hash = (hash ^ static_cast<unsigned char>(to_small(c))) * 0x100000001b3u;
    }
    return mix(hash, 0);
}

bool ends_sentence(std::string_view gap) noexcept {
    for (std::size_t i = 0; i < gap.size(); ++i) {
        const bool mark = gap[i] == '.' || gap[i] == '!' || gap[i] == '?';
        if (mark && i + 1 < gap.size() && gap.find_first_of(" \n\t\r", i) != std::string_view::npos)
            return true;
    }
    return false;
}

bool ends_paragraph(std::string_view gap) noexcept {
    const std::size_t line = gap.find('\n');
    return line != std::string_view::npos && gap.find('\n', line + 1) != std::string_view::npos;
}

/// Where `what`, in small letters, stands in the text in letters of any size; its end if nowhere.
std::size_t find_in_any_case(std::string_view text, std::string_view what, std::size_t from) {
    const auto found = std::search(text.begin() + static_cast<std::ptrdiff_t>(from), text.end(), what.begin(),
                                   what.end(), [](char a, char b) { return to_small(a) == b; });
    return static_cast<std::size_t>(found - text.begin());
}

/// A tag begins with a letter, "/", "!" or "?" behind its "<"; in "1 < 2" there is none.
bool begins_tag(std::string_view text) {
    if (text[0] != '<') return false;
    if (text.size() == 1) return true;
    const char next = to_small(text[1]);
    return (next >= 'a' && next <= 'z') || next == '/' || next == '!' || next == '?';
}

/// The first position behind the tag or the comment that begins at `at`; npos if it does not end.
std::size_t end_of_tag(std::string_view html, std::size_t at) {
    const std::string_view mark = html.substr(at).starts_with("<!--") ? "-->" : ">";
    const std::size_t end = html.find(mark, at);
    return end == html.npos ? end : end + mark.size();
}

}  // namespace

std::uint64_t hash_of(std::string_view bytes) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return hash;
}

std::string normalise(std::string_view text) {
    std::string normal;
    each_word(text, [&](std::size_t begin, std::size_t end) {
        if (!normal.empty()) normal += ' ';
        for (const char c : text.substr(begin, end - begin)) {
            if (c != '\'') normal += to_small(c);
        }
    });
    return normal;
}

std::string without_markup(std::string_view html) {
    static constexpr std::string_view inline_tags[] = {"a",    "b",    "i",   "em", "strong",
                                                       "span", "code", "sup", "sub"};
    static constexpr std::pair<std::string_view, char> entities[] = {
        {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}, {"&nbsp;", ' '}};
    std::string plain;
    for (std::size_t at = 0; at < html.size();) {
        if (begins_tag(html.substr(at))) {
            const std::size_t end = end_of_tag(html, at);
            if (end == std::string_view::npos) break;
            const bool closing = html[at + 1] == '/';
            const std::size_t from = at + (closing ? 2 : 1);
            const std::string name = normalise(html.substr(from, html.find_first_of(" \n\t/>", from) - from));
            at = end;
            if (!closing && (name == "script" || name == "style"))
                at = find_in_any_case(html, "</" + name, at);
            if (std::find(std::begin(inline_tags), std::end(inline_tags), name) == std::end(inline_tags))
                plain += "\n\n";
            continue;
        }
        const auto known = std::find_if(std::begin(entities), std::end(entities),
                                        [&](const auto& e) { return html.substr(at).starts_with(e.first); });
        plain += known == std::end(entities) ? html[at] : known->second;
        at += known == std::end(entities) ? 1 : known->first.size();
    }
    return plain;
}

std::vector<token> tokenise(std::string_view text) {
    std::vector<token> tokens;
    each_word(text, [&](std::size_t begin, std::size_t end) {
        tokens.emplace_back(normal_hash(text.substr(begin, end - begin)), begin, end);
    });
    return tokens;
}

std::vector<word> words_of(std::string_view text) {
    std::vector<word> words;
    for (const token& t : tokenise(text)) words.push_back(t.normal);
    return words;
}

document::document(std::string text) : text_(std::move(text)), tokens_(tokenise(text_)) {
    std::size_t paragraph = 0;
    for (std::size_t i = 1; i <= tokens_.size(); ++i) {
        if (i < tokens_.size() && !ends_paragraph(between(i - 1, i))) continue;
        cut_paragraph(stretch(paragraph, i));
        paragraph = i;
    }
}

std::string_view document::between(std::size_t left, std::size_t right) const noexcept {
    const std::size_t begin = tokens_[left].end;
    return std::string_view(text_).substr(begin, tokens_[right].begin - begin);
}

void document::cut_paragraph(stretch paragraph) {
    std::size_t sentence = paragraph.first;
    for (std::size_t i = paragraph.first + 1; i <= paragraph.last; ++i) {
        if (i < paragraph.last && !ends_sentence(between(i - 1, i))) continue;
        sentences_.emplace_back(sentence, i);
        sentence = i;
    }
    for (std::size_t from = paragraph.first;; from += stride) {
        passages_.emplace_back(from, std::min(from + window, paragraph.last));
        if (from + window >= paragraph.last) break;
    }
}

std::string_view document::text_of(stretch part) const noexcept {
    if (part.size() == 0) return {};
    const std::size_t begin = tokens_[part.first].begin;
    std::size_t end = tokens_[part.last - 1].end;
    if (end < text_.size() && (text_[end] == '.' || text_[end] == '!' || text_[end] == '?')) ++end;
    return std::string_view(text_).substr(begin, end - begin);
}

std::vector<word> document::words_of(stretch part) const {
    std::vector<word> words;
    words.reserve(part.size());
    for (std::size_t i = part.first; i < part.last; ++i) words.push_back(tokens_[i].normal);
    return words;
}

}  // namespace quest::text
