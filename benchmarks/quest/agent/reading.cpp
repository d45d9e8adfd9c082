// SPDX-License-Identifier: BSL-1.0
#include "reading.hpp"

#include <tandem/cpu/throw_if_stopped.hpp>

#include <algorithm>
#include <utility>

namespace quest::text {
namespace {

// A part of the rows is about a hundredth of the document's work: 20 ms if that is 2 s.
constexpr std::size_t parts_of_rows = 96;
constexpr std::size_t most_candidates = 10;

std::vector<stretch> cut(std::size_t size, std::size_t parts) {
    std::vector<stretch> cuts;
    for (std::size_t i = 0; i < parts; ++i) {
        const stretch part(size * i / parts, size * (i + 1) / parts);
        if (part.size() != 0) cuts.push_back(part);
    }
    return cuts;
}

}  // namespace

reading::reading(std::string source, std::string text, std::string question)
    : text_(std::move(text)), question_(words_of(question)) {
    result_.source = std::move(source);
    std::sort(question_.begin(), question_.end());
    question_.erase(std::unique(question_.begin(), question_.end()), question_.end());
}

void reading::prepare() {
    document_.emplace(std::move(text_));
    index_.emplace(*document_);
    graph_.emplace(*document_);
    result_.fingerprints.resize(document_->passages().size());
    const std::size_t sentences = graph_->size();
    fingerprint_parts_ =
        cut(result_.fingerprints.size(), std::max<std::size_t>(4, result_.fingerprints.size() / 512));
    row_parts_ = cut(sentences, parts_of_rows);
    // A round must be worth the way to the workers and back.
    round_parts_ = cut(sentences, std::clamp<std::size_t>(sentences * sentences / 60'000, 1, 16));
}

void reading::take_fingerprints(stretch passages) {
    for (std::size_t i = passages.first; i < passages.last; ++i) {
        result_.fingerprints[i] = fingerprint(document_->words_of(document_->passages()[i]));
    }
}

std::size_t reading::sentence_after(std::size_t token) const noexcept {
    const auto& all = document_->sentences();
    const auto ends_later = [token](const stretch& s) { return s.last <= token; };
    return static_cast<std::size_t>(std::partition_point(all.begin(), all.end(), ends_later) - all.begin());
}

double reading::centrality_of(stretch passage) const {
    const std::size_t first = sentence_after(passage.first);
    double sum = 0;
    std::size_t count = 0;
    for (std::size_t s = first; s < graph_->size() && document_->sentences()[s].first < passage.last; ++s) {
        sum += graph_->ranks()[s];
        ++count;
    }
    return count == 0 ? 0 : sum / static_cast<double>(count);
}

std::string reading::quote_of(stretch passage, double& score) const {
    stretch best(0, 0);
    score = 0;
    for (std::size_t s = sentence_after(passage.first); s < document_->sentences().size(); ++s) {
        const stretch sentence = document_->sentences()[s];
        if (sentence.first >= passage.last) break;
        std::vector<word> words = document_->words_of(sentence);
        std::sort(words.begin(), words.end());
        double found = 0;
        for (const word w : question_) found += std::binary_search(words.begin(), words.end(), w);
        if (best.size() != 0 && found <= score) continue;
        best = sentence;
        score = found;
    }
    return std::string(document_->text_of(best));
}

digest reading::finish() {
    const std::vector<stretch>& passages = document_->passages();
    const ranking by_words = best_of(index_->scores(question_), most_candidates);
    std::vector<double> quoted(passages.size(), 0.0);
    std::vector<double> central(passages.size(), 0.0);
    result_.quotes.resize(passages.size());
    for (const std::uint32_t p : by_words) {
        result_.quotes[p] = quote_of(passages[p], quoted[p]);
        central[p] = centrality_of(passages[p]);
    }
    result_.rankings = {by_words, best_of(quoted, most_candidates), best_of(central, most_candidates)};
    return std::move(result_);
}

digest read_whole(const std::stop_token& token, reading& work) {
    const auto all = [&token](const std::vector<stretch>& parts, auto step) {
        for (const stretch part : parts) {
            tandem::throw_if_stopped(token);
            step(part);
        }
    };
    work.prepare();
    all(work.fingerprints(), [&](stretch part) { work.take_fingerprints(part); });
    all(work.rows(), [&](stretch part) { work.measure(part); });
    work.begin_ranking();
    for (int i = 0; i < reading::rounds; ++i) {
        all(work.round(), [&](stretch part) { work.spread(part); });
        work.end_round();
    }
    return work.finish();
}

}  // namespace quest::text
