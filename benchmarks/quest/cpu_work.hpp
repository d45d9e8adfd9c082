// quest - real work for the processor: sums of squares, as many as this machine does in a given time
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <tandem/core/clock.hpp>
#include <tandem/core/task.hpp>
#include <tandem/core/this_task.hpp>

#include "chapter_result.hpp"

namespace quest {

/// What the processor was busy with so far, in core-seconds: for one thread, for the whole process.
seconds cpu_time_of_thread();
seconds cpu_time_of_process();

/// How many squares one core of this machine sums up in a second. Measured when first asked for, which
/// takes some 150 ms; calculated with from then on.
double squares_per_second();

/// The sum of the squares of first .. last - 1, modulo 2^64, one by one.
std::uint64_t sum_of_squares(std::uint64_t first, std::uint64_t last);

/// A part of the work: the squares of first .. last - 1.
class cpu_piece {
public:
    cpu_piece(std::uint64_t from, std::uint64_t until) : first(from), last(until) {}
    std::uint64_t first;
    std::uint64_t last;
};

/// A piece that was worked on: what came out, when, on which thread, and what it cost.
class cpu_run {
public:
    /// Ends early, with another sum, once `give_up` says so.
    explicit cpu_run(cpu_piece piece, bool (*give_up)() = nullptr);
    std::uint64_t sum;
    tandem::time_point begin;
    tandem::time_point end;
    seconds cpu;
    std::thread::id thread;
};

/// Works on a piece, on the thread that calls: what is handed to tasks, threads and workers.
cpu_run run_piece(const cpu_piece& piece);

/// Works on a piece on the loop, which has no time for anything else meanwhile, as tasks that compute do.
/// Only Ctrl-C is looked for: nobody should have to wait seconds for that.
tandem::task<cpu_run> on_the_loop(cpu_piece piece);

/// Work that one core of this machine needs `on_one_core` for: the same count of squares in every run.
class cpu_work {
public:
    explicit cpu_work(seconds on_one_core);

    std::uint64_t squares() const noexcept { return squares_; }
    /// The work in equal pieces.
    std::vector<cpu_piece> split(std::size_t pieces) const;
    /// Whether it is done: the sum is the one that the formula gives.
    bool done_by(std::uint64_t sum) const;
    bool done_by(const std::vector<cpu_run>& runs) const;

private:
    std::uint64_t squares_;
};

/// The core-seconds of all runs.
seconds cpu_time_of(const std::vector<cpu_run>& runs);

/// Draws the runs: a lane for each thread, "core 1" and up or `lane` if it is given, and the number of
/// cores busy.
void draw(variant& on, const std::vector<cpu_run>& runs, tandem::time_point start,
          const std::string& lane = {});

}  // namespace quest
