// SPDX-License-Identifier: BSL-1.0
#include <tandem/cpu/executor_statistics.hpp>

#include <support/catch.hpp>

using tandem::duration_histogram;

TEST_CASE("duration_histogram: percentiles are at most an eighth too high", "[cpu]") {
    for (const std::int64_t scale : {1, 7, 1000, 123'456, 10'000'000}) {
        duration_histogram h;
        for (std::int64_t i = 1; i <= 1000; ++i) h.add(i * scale);
        CHECK(h.count() == 1000);
        CHECK(h.max().count() == 1000 * scale);
        for (const double p : {0.01, 0.5, 0.9, 0.99, 1.0}) {
            const double exact = p * 1000 * static_cast<double>(scale);
            const auto found = static_cast<double>(h.percentile(p).count());
            CHECK(found >= exact * 0.999);
            CHECK(found <= exact * 1.126);
        }
    }
}

TEST_CASE("duration_histogram: zero, negative, huge, none", "[cpu]") {
    duration_histogram h;
    CHECK(h.percentile(0.5).count() == 0);
    CHECK(h.mean().count() == 0);
    h.add(0);
    h.add(-5);
    CHECK(h.percentile(0.99).count() == 0);
    h.add(INT64_MAX / 4);
    CHECK(h.max().count() == INT64_MAX / 4);
    CHECK(h.percentile(1.0).count() <= INT64_MAX / 4);
}

TEST_CASE("duration_histogram: one value is every percentile; weights count", "[cpu]") {
    duration_histogram h;
    h.add(777, 16);
    CHECK(h.count() == 16);
    CHECK(h.mean().count() == 777);
    CHECK(h.percentile(0.0).count() == 777);
    CHECK(h.percentile(0.5).count() == 777);
    h.add(1'000'000);
    CHECK(h.percentile(0.5).count() < 1000);
    CHECK(h.percentile(1.0).count() == 1'000'000);
}
