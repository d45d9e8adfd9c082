// SPDX-License-Identifier: BSL-1.0
#include "text_rank.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace quest::text {

ranking best_of(std::span<const double> scores, std::size_t most) {
    ranking order(scores.size());
    std::iota(order.begin(), order.end(), 0u);
    std::erase_if(order, [&](std::uint32_t i) { return !(scores[i] > 0); });
    const auto better = [&](std::uint32_t x, std::uint32_t y) {
        return scores[x] != scores[y] ? scores[x] > scores[y] : x < y;
    };
    const std::size_t kept = std::min(most, order.size());
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(), better);
    order.resize(kept);
    return order;
}

bm25::bm25(const document& of) {
    for (const stretch& passage : of.passages()) {
        const auto number = static_cast<std::uint32_t>(lengths_.size());
        lengths_.push_back(static_cast<double>(passage.size()));
        for (std::size_t i = passage.first; i < passage.last; ++i) {
            postings_.emplace_back(of.tokens()[i].normal, number);
        }
    }
    std::sort(postings_.begin(), postings_.end());
    if (!lengths_.empty()) {
        mean_length_ =
            std::accumulate(lengths_.begin(), lengths_.end(), 0.0) / static_cast<double>(lengths_.size());
    }
}

std::vector<double> bm25::scores(std::vector<word> query) const {
    std::sort(query.begin(), query.end());
    query.erase(std::unique(query.begin(), query.end()), query.end());
    std::vector<double> sums(lengths_.size(), 0.0);
    const double passages = static_cast<double>(lengths_.size());
    for (const word w : query) {
        const auto first = std::lower_bound(postings_.begin(), postings_.end(), posting(w, 0));
        double containing = 0;
        for (auto at = first; at != postings_.end() && at->normal == w; ++at) {
            containing += at == first || at->passage != std::prev(at)->passage;
        }
        const double rarity = std::log(1 + (passages - containing + 0.5) / (containing + 0.5));
        for (auto at = first; at != postings_.end() && at->normal == w;) {
            const auto next = std::find_if(at, postings_.end(), [&](const posting& p) { return p != *at; });
            const auto times = static_cast<double>(next - at);
            const double length = 1 - b + b * lengths_[at->passage] / mean_length_;
            sums[at->passage] += rarity * times * (k1 + 1) / (times + k1 * length);
            at = next;
        }
    }
    return sums;
}

std::vector<double> fuse(std::span<const ranking> rankings, std::size_t count) {
    std::vector<double> sums(count, 0.0);
    for (const ranking& r : rankings) {
        for (std::size_t i = 0; i < r.size(); ++i) sums[r[i]] += 1 / (60.0 + static_cast<double>(i + 1));
    }
    return sums;
}

}  // namespace quest::text
