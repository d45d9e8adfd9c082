// tandem - what the tests of pipelines share: items that are counted, stages that take their time
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include <tandem/core/sleep.hpp>
#include <tandem/cpu/inline_executor.hpp>
#include <tandem/pipeline/pipeline.hpp>

#include "probes.hpp"
#include "tandem_test.hpp"

namespace tandem_test {

using namespace std::chrono_literals;
using tandem::stage_options;

/// Counts items that have content: what was moved from counts no more.
class population {
public:
    int live = 0;
    int peak = 0;
};
class counted_item {
public:
    counted_item(population& all, int number) noexcept : number_(number), all_(&all) { add(); }
    counted_item(const counted_item& other) noexcept : number_(other.number_), all_(other.all_) { add(); }
    counted_item(counted_item&& other) noexcept
        : number_(other.number_), all_(std::exchange(other.all_, nullptr)) {}
    counted_item& operator=(counted_item&& other) noexcept {
        std::swap(number_, other.number_);
        std::swap(all_, other.all_);
        return *this;
    }
    ~counted_item() {
        if (all_) --all_->live;
    }
    int number() const noexcept { return number_; }

private:
    void add() noexcept {
        if (!all_) return;
        ++all_->live;
        if (all_->live > all_->peak) all_->peak = all_->live;
    }
    int number_;
    population* all_;
};

inline std::vector<int> numbers(int count) {
    std::vector<int> all;
    for (int i = 0; i < count; ++i) all.push_back(i);
    return all;
}

inline tandem::task<int> pass(int v) { co_return v; }
inline tandem::task<int> pass_after_1ms(int v) {
    co_await tandem::sleep(1ms);
    co_return v;
}
/// The later ones are quicker.
inline tandem::task<int> pass_in_reverse(int v) {
    co_await tandem::sleep(std::chrono::milliseconds(100 - v));
    co_return v;
}
inline int twice(const int& v) { return 2 * v; }
inline tandem::task<> forget(int) { co_return; }

/// A sink that keeps what it gets.
class collector {
public:
    explicit collector(std::vector<int>& into) noexcept : into_(&into) {}
    tandem::task<> operator()(int v) const {
        into_->push_back(v);
        co_return;
    }

private:
    std::vector<int>* into_;
};

inline const tandem::stage_report& stage_of(const tandem::pipeline_report& r, const char* name) {
    const tandem::stage_report* const found = r.stage(name);
    REQUIRE(found != nullptr);
    return *found;
}

/// Every nanosecond of every slot is in one of the states.
inline void check_times(const tandem::pipeline_report& r) {
    for (const tandem::stage_report& s : r.stages) {
        std::chrono::nanoseconds all{0};
        for (const auto each : s.times) all += each;
        CHECK(all == s.elapsed * static_cast<std::int64_t>(s.concurrency));
        CHECK(s.elapsed == r.elapsed);
    }
}
inline void check_books(const tandem::pipeline_report& r) {
    CHECK(r.balanced());
    CHECK(r.peak_live <= r.max_live);
    check_times(r);
}

}  // namespace tandem_test
