// SPDX-License-Identifier: BSL-1.0
#include "answer.hpp"

#include <algorithm>

namespace quest::text {
namespace {

std::vector<word> sorted_words(std::string_view text) {
    std::vector<word> words = words_of(text);
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    return words;
}

std::vector<word> without(const std::vector<word>& words, const std::vector<word>& these) {
    std::vector<word> rest;
    std::set_difference(words.begin(), words.end(), these.begin(), these.end(), std::back_inserter(rest));
    return rest;
}

std::size_t in_common(const std::vector<word>& a, const std::vector<word>& b) {
    std::vector<word> common;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(common));
    return common.size();
}

}  // namespace

bool agree(std::string_view a, std::string_view b, std::string_view question) {
    const std::vector<word> asked = sorted_words(question);
    const std::vector<word> all_of_a = sorted_words(a);
    const std::vector<word> all_of_b = sorted_words(b);
    const std::vector<word> new_in_a = without(all_of_a, asked);
    const std::vector<word> new_in_b = without(all_of_b, asked);
    const std::size_t fewer = std::min(new_in_a.size(), new_in_b.size());
    const bool on_the_question =
        2 * in_common(all_of_a, asked) >= asked.size() && 2 * in_common(all_of_b, asked) >= asked.size();
    return on_the_question && fewer != 0 && 2 * in_common(new_in_a, new_in_b) >= fewer;
}

std::uint64_t answer::hash() const noexcept {
    if (empty()) return 0;
    std::uint64_t h = hash_of(text);
    for (const std::vector<citation>* const list : {&citations, &best}) {
        for (const citation& c : *list) h = mix(mix(h, hash_of(c.source)), mix(c.passage, hash_of(c.quote)));
    }
    return h;
}

answer conclude(std::vector<const digest*> found, std::string_view question) {
    std::sort(found.begin(), found.end(),
              [](const digest* x, const digest* y) { return x->source < y->source; });
    std::vector<const fingerprint*> prints;
    std::vector<ranking> rankings;
    std::vector<citation> passages;
    for (const digest* const d : found) {
        const auto base = static_cast<std::uint32_t>(passages.size());
        for (std::size_t i = 0; i < d->fingerprints.size(); ++i) {
            prints.push_back(&d->fingerprints[i]);
            passages.emplace_back(d->source, i, d->quotes[i]);
        }
        for (ranking r : d->rankings) {
            for (std::uint32_t& p : r) p += base;
            rankings.push_back(std::move(r));
        }
    }
    answer made;
    made.passages = passages.size();
    std::vector<double> scores = fuse(rankings, passages.size());
    const std::vector<std::uint32_t> first = first_of_its_kind(prints);
    for (std::uint32_t i = 0; i < first.size(); ++i) {
        if (first[i] == i) continue;
        scores[i] = 0;
        ++made.duplicates;
    }
    for (const std::uint32_t p : best_of(scores, 5)) made.best.push_back(passages[p]);
    const std::vector<word> asked = sorted_words(question);
    std::size_t most = 0;
    for (const citation& c : made.best) {
        const std::size_t common = in_common(sorted_words(c.quote), asked);
        if (common <= most) continue;
        most = common;
        made.text = c.quote;
    }
    for (const citation& c : made.best) {
        if (c.quote == made.text || agree(c.quote, made.text, question)) made.citations.push_back(c);
    }
    return made;
}

}  // namespace quest::text
