// tandem benchmarks - a measurement that is a task, as a contender
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <tandem/asio/run.hpp>

#include <cstddef>

#include <support/meter.hpp>

/// Runs it on an event loop of its own, with tandem's defaults.
template <tandem::task<bench::sample> (*Main)(std::size_t)>
bench::sample contender(std::size_t operations) {
    return tandem::run(Main(operations));
}
