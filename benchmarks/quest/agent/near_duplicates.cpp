// SPDX-License-Identifier: BSL-1.0
#include "near_duplicates.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <unordered_map>

namespace quest::text {
namespace {

constexpr std::size_t rows = 4;
constexpr std::size_t bands = fingerprint::hashes / rows;

// 128 functions of one hash: multiply by an odd number, add, take the upper half.
class hash_family {
public:
    constexpr hash_family() : factor(), summand() {
        std::uint64_t state = 0x2545f4914f6cdd1du;
        for (std::size_t i = 0; i < fingerprint::hashes; ++i) {
            state = mix(state + i, 0x9e3779b97f4a7c15u);
            factor[i] = state | 1;
            state = mix(state, i);
            summand[i] = state;
        }
    }
    std::array<std::uint64_t, fingerprint::hashes> factor;
    std::array<std::uint64_t, fingerprint::hashes> summand;
};
constexpr hash_family family;

std::uint64_t band_of(const fingerprint& f, std::size_t band) noexcept {
    std::uint64_t hash = band;
    for (std::size_t i = 0; i < rows; ++i) hash = mix(hash, f.least()[band * rows + i]);
    return hash;
}

}  // namespace

fingerprint::fingerprint(std::span<const word> words) {
    const std::size_t width = std::min(shingle, words.size());
    for (std::size_t i = 0; width != 0 && i + width <= words.size(); ++i) {
        std::uint64_t hash = width;
        for (std::size_t k = 0; k < width; ++k) hash = mix(hash, words[i + k]);
        shingles_.push_back(hash);
    }
    std::sort(shingles_.begin(), shingles_.end());
    shingles_.erase(std::unique(shingles_.begin(), shingles_.end()), shingles_.end());
    least_.fill(std::numeric_limits<std::uint32_t>::max());
    for (const std::uint64_t s : shingles_) {
        for (std::size_t i = 0; i < hashes; ++i) {
            least_[i] = std::min(
                least_[i], static_cast<std::uint32_t>((s * family.factor[i] + family.summand[i]) >> 32));
        }
    }
}

double similarity(const fingerprint& a, const fingerprint& b) {
    std::size_t common = 0;
    auto y = b.shingles().begin();
    for (const std::uint64_t s : a.shingles()) {
        while (y != b.shingles().end() && *y < s) ++y;
        common += y != b.shingles().end() && *y == s;
    }
    const std::size_t either = a.shingles().size() + b.shingles().size() - common;
    return either == 0 ? 0 : static_cast<double>(common) / static_cast<double>(either);
}

double estimated_similarity(const fingerprint& a, const fingerprint& b) noexcept {
    std::size_t equal = 0;
    for (std::size_t i = 0; i < fingerprint::hashes; ++i) equal += a.least()[i] == b.least()[i];
    return static_cast<double>(equal) / fingerprint::hashes;
}

std::vector<std::uint32_t> first_of_its_kind(std::span<const fingerprint* const> passages, double at_least) {
    std::vector<std::uint32_t> first(passages.size());
    std::iota(first.begin(), first.end(), 0u);
    std::vector<std::unordered_map<std::uint64_t, std::vector<std::uint32_t>>> buckets(bands);
    std::vector<std::uint32_t> candidates;
    for (std::uint32_t i = 0; i < passages.size(); ++i) {
        if (passages[i]->shingles().empty()) continue;
        candidates.clear();
        for (std::size_t band = 0; band < bands; ++band) {
            std::vector<std::uint32_t>& bucket = buckets[band][band_of(*passages[i], band)];
            candidates.insert(candidates.end(), bucket.begin(), bucket.end());
            bucket.push_back(i);
        }
        std::sort(candidates.begin(), candidates.end());
        candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
        for (const std::uint32_t earlier : candidates) {
            if (similarity(*passages[earlier], *passages[i]) < at_least) continue;
            first[i] = first[earlier];
            break;
        }
    }
    return first;
}

}  // namespace quest::text
