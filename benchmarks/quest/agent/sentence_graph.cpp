// SPDX-License-Identifier: BSL-1.0
#include "sentence_graph.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace quest::text {
namespace {

constexpr double damping = 0.85;
constexpr float unrelated = 0.1f;  // cosines below are noise of the hashing

// Four sums, so that an addition does not wait for the one before. The order of the additions is always
// the same, and so is the result.
float product(const float* a, const float* b, std::size_t size) noexcept {
    float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    std::size_t i = 0;
    for (; i + 4 <= size; i += 4) {
        s0 += a[i] * b[i];
        s1 += a[i + 1] * b[i + 1];
        s2 += a[i + 2] * b[i + 2];
        s3 += a[i + 3] * b[i + 3];
    }
    for (; i < size; ++i) s0 += a[i] * b[i];
    return (s0 + s1) + (s2 + s3);
}

}  // namespace

sentence_graph::sentence_graph(const document& of)
    : size_(std::min(of.sentences().size(), most)),
      vectors_(size_ * dimensions, 0.0f),
      cosines_(std::make_unique_for_overwrite<float[]>(size_ * size_)),
      degrees_(size_) {
    std::unordered_map<word, std::size_t> counts;
    for (const token& t : of.tokens()) ++counts[t.normal];
    const double all = static_cast<double>(of.tokens().size());
    for (std::size_t s = 0; s < size_; ++s) {
        float* const v = &vectors_[s * dimensions];
        const auto add = [v](word w, double weight) {
            const bool negative = (w >> 40 & 1) != 0;
            v[w % dimensions] += static_cast<float>(negative ? -weight : weight);
        };
        for (std::size_t i = of.sentences()[s].first; i < of.sentences()[s].last; ++i) {
            const word w = of.tokens()[i].normal;
            const double weight = std::log(1 + all / static_cast<double>(counts[w]));
            add(w, weight);
            if (i != of.sentences()[s].first) add(mix(of.tokens()[i - 1].normal, w), weight / 2);
        }
        const float length = std::sqrt(product(v, v, dimensions));
        if (length > 0) std::transform(v, v + dimensions, v, [length](float x) { return x / length; });
    }
}

// A slice of a tile of rows stays in the first cache while the same slice of all sentences passes by.
void sentence_graph::measure(std::size_t first, std::size_t last) noexcept {
    constexpr std::size_t slice = 512;
    static_assert(dimensions % slice == 0);
    std::fill(&cosines_[first * size_], &cosines_[first * size_] + (last - first) * size_, 0.0f);
    for (std::size_t from = first; from < last; from += tile) {
        const std::size_t until = std::min(from + tile, last);
        for (std::size_t d = 0; d < dimensions; d += slice) {
            for (std::size_t column = 0; column < size_; ++column) {
                const float* const other = &vectors_[column * dimensions + d];
                for (std::size_t row = from; row < until; ++row) {
                    cosines_[row * size_ + column] += product(&vectors_[row * dimensions + d], other, slice);
                }
            }
        }
    }
    for (std::size_t row = first; row < last; ++row) {
        cosines_[row * size_ + row] = 0;  // a sentence does not speak for itself
        float sum = 0;
        for (std::size_t column = 0; column < size_; ++column) {
            float& cosine = cosines_[row * size_ + column];
            if (cosine < unrelated) cosine = 0;
            sum += cosine;
        }
        degrees_[row] = sum;
    }
}

void sentence_graph::begin_ranking() {
    ranks_.assign(size_, size_ == 0 ? 0 : 1 / static_cast<double>(size_));
    next_.resize(size_);
    shares_.resize(size_);
    for (std::size_t i = 0; i < size_; ++i)
        shares_[i] = degrees_[i] > 0 ? static_cast<float>(ranks_[i]) / degrees_[i] : 0;
}

// The matrix is symmetric, so a row is read where the formula has a column.
void sentence_graph::spread(std::size_t first, std::size_t last) noexcept {
    const double floor = (1 - damping) / static_cast<double>(size_);
    for (std::size_t row = first; row < last; ++row) {
        next_[row] =
            floor + damping * static_cast<double>(product(&cosines_[row * size_], shares_.data(), size_));
    }
}

void sentence_graph::end_round() noexcept {
    double sum = 0;
    for (const double r : next_) sum += r;
    for (std::size_t i = 0; i < size_; ++i) {
        ranks_[i] = next_[i] / sum;
        shares_[i] = degrees_[i] > 0 ? static_cast<float>(ranks_[i]) / degrees_[i] : 0;
    }
}

}  // namespace quest::text
