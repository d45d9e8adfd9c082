// quest - what the workers of the agent did and when
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <tandem/core/clock.hpp>

#include <chrono>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

namespace quest {

/// Notes each part of the work: for which source, on which worker, from when to when, and how much of the
/// processor it had. Threads: parts may be noted from several threads at once.
class work_log {
public:
    using seconds = std::chrono::duration<double>;
    static constexpr std::size_t no_source = static_cast<std::size_t>(-1);

    class entry {
    public:
        std::size_t source = no_source;
        std::size_t worker = 0;  ///< counted from 0 in the order of their first part
        tandem::time_point begin;
        tandem::time_point end;
        seconds cpu{};
    };
    /// Notes its own life.
    class part {
    public:
        part(work_log& log, std::size_t source);
        part(const part&) = delete;
        part& operator=(const part&) = delete;
        ~part();

    private:
        work_log& log_;
        entry noted_;
    };

    work_log() {}
    /// The entries so far, which are forgotten here.
    std::vector<entry> take();
    seconds cpu_of(std::size_t source) const;

private:
    mutable std::mutex mutex_;
    std::vector<std::thread::id> workers_;
    std::vector<entry> entries_;
};

/// The most parts that ran at one time.
std::size_t most_at_once(const std::vector<work_log::entry>& work);

/// The processor time that this thread has had.
std::chrono::duration<double> thread_cpu_time() noexcept;

}  // namespace quest
