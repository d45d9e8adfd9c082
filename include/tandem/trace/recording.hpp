// tandem - trace::start, stop, recording: what tasks, loops and workers did, for Perfetto
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

#include <tandem/base/error.hpp>
#include <tandem/trace/detail/chrome_json.hpp>
#include <tandem/trace/detail/session.hpp>
#include <tandem/trace/span.hpp>

namespace tandem::inline TANDEM_ABI {
namespace trace {

/// Says that a recording could not be made or written.
class trace_error : public error {
public:
    using error::error;
};

class options {
public:
    options() {}

    /// How many events each thread keeps, rounded up to a power of two; the oldest give way. Default: 65,536,
    /// which are 2 MiB.
    options& ring_size(std::size_t events) {
        if (events == 0 || events > std::size_t{1} << 30) {
            throw std::invalid_argument("tandem::trace::options::ring_size: " + std::to_string(events) +
                                        " events; give 1 to 1,073,741,824");
        }
        ring_size_ = std::bit_ceil(events);
        return *this;
    }
    std::size_t ring_size() const noexcept { return ring_size_; }

private:
    std::size_t ring_size_ = 65'536;
};

/// Records what all threads do from its construction until `stop`, or its end. One at a time. Threads: made
/// and stopped on any thread; others find out when they next turn to their loop or line of jobs. What they
/// note after the stop is lost.
/// Cost: 32 bytes and about 20 ns an event; one branch where nothing is recorded.
class recording {
public:
    /// Keeps the events in memory, for `write_chrome` and `chrome_json`.
    /// Errors: `invalid_state_error` if a recording runs.
    explicit recording(options with = options()) { begin(with); }
    /// Writes them to `path` when it stops.
    /// Errors: also `trace_error` if the file cannot be opened, at once and not when the run is over.
    explicit recording(std::string path, options with = options());
    recording(const recording&) = delete;
    recording& operator=(const recording&) = delete;
    /// Stops; a failure to write goes to standard error.
    ~recording();

    /// Ends the recording and writes the file. Calling it again does nothing.
    /// Errors: `trace_error` if the file could not be written.
    void stop();

    /// Writes what was recorded as Chrome trace JSON. Stops first.
    /// Errors: `trace_error`.
    void write_chrome(const std::string& path);
    std::string chrome_json();

    /// Events that were displaced by newer ones. Stops first.
    std::uint64_t dropped();

private:
    struct close_file {
        void operator()(std::FILE* file) const noexcept { std::fclose(file); }
    };
    using file = std::unique_ptr<std::FILE, close_file>;

    static file open(const char* call, const std::string& path);
    void begin(const options& with);
    void end() noexcept;
    void write_to(file to, const std::string& path);

    std::string path_;
    file file_;
    bool running_ = false;
    detail::trace_session::capture capture_;
};

/// Begins to record the process into a file, which `stop` writes.
/// Errors: `invalid_state_error` if a recording runs; `trace_error` if the file cannot be opened.
void start(std::string path, options with = options());
/// Ends the recording that `start` began and writes its file.
/// Errors: `invalid_state_error` if there is none; `trace_error` if the file could not be written.
void stop();

/// True while something is recorded, by whomever.
inline bool active() { return detail::trace_session::get().active(); }

// ---- implementation

inline recording::recording(std::string path, options with) : path_(std::move(path)) {
    begin(with);
    try {
        file_ = open("start", path_);
    } catch (...) {
        end();
        throw;
    }
}

inline recording::~recording() {
    try {
        stop();
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
    }
}

inline void recording::begin(const options& with) {
#ifdef TANDEM_NO_TRACE
    throw trace_error(
        "tandem::trace::start: tracing was compiled out; build "
        "without TANDEM_NO_TRACE");
#endif
    if (!detail::trace_session::get().begin(with.ring_size())) {
        throw invalid_state_error("tandem::trace::start: a recording runs already; stop it first");
    }
    running_ = true;
}

inline void recording::end() noexcept {
    if (!std::exchange(running_, false)) return;
    detail::trace_session::get().end(capture_);
}

inline void recording::stop() {
    end();
    if (file_) write_to(std::move(file_), path_);
}

inline recording::file recording::open(const char* call, const std::string& path) {
    file opened(std::fopen(path.c_str(), "wb"));
    if (!opened) {
        throw trace_error(std::string("tandem::trace::") + call + ": cannot open \"" + path +
                          "\" for writing (" + std::strerror(errno) + "); give a path that can be written");
    }
    return opened;
}

inline void recording::write_to(file to, const std::string& path) {
    detail::json_out out(to.get());
    detail::chrome_json::write(capture_, out);
    int failed = out.finish();
    if (std::fclose(to.release()) != 0 && failed == 0) failed = errno;
    if (failed == 0) return;
    throw trace_error("tandem::trace::stop: \"" + path + "\" was not written whole (" +
                      std::strerror(failed) + "); make room, or give another path");
}

inline void recording::write_chrome(const std::string& path) {
    end();
    write_to(open("write_chrome", path), path);
}

inline std::string recording::chrome_json() {
    end();
    detail::json_out out;
    detail::chrome_json::write(capture_, out);
    return out.text();
}

inline std::uint64_t recording::dropped() {
    end();
    return detail::chrome_json::dropped(capture_);
}

// The recording of `start`. Never destroyed: `stop` may be called as the process exits.
struct process_recording {
    std::mutex mutex;
    std::unique_ptr<recording> now;

    TANDEM_PROCESS_WIDE static process_recording& get() {
        static process_recording& only = *new process_recording();
        return only;
    }
};

inline void start(std::string path, options with) {
    process_recording& process = process_recording::get();
    const std::lock_guard hold(process.mutex);
    if (process.now) {
        throw invalid_state_error("tandem::trace::start: a recording runs already; stop it first");
    }
    process.now = std::make_unique<recording>(std::move(path), with);
}

inline void stop() {
    process_recording& process = process_recording::get();
    const std::lock_guard hold(process.mutex);
    if (!process.now) {
        throw invalid_state_error(
            "tandem::trace::stop: nothing is being recorded; "
            "call trace::start first");
    }
    const std::unique_ptr<recording> ended = std::move(process.now);
    ended->stop();
}

/// TANDEM_TRACE=file: the first loop that runs starts a recording, the end of the process writes it.
inline void start_from_environment() noexcept {
    detail::trace_first_run.store(nullptr, std::memory_order_relaxed);
    const char* const path = std::getenv("TANDEM_TRACE");
    if (!path || *path == '\0') return;
    try {
        start(path);
        std::atexit([] {
            try {
                stop();
            } catch (const invalid_state_error&) {  // the program has stopped it
            } catch (const std::exception& e) {
                std::fprintf(stderr, "%s\n", e.what());
            }
        });
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
    }
}

TANDEM_PROCESS_WIDE inline const bool reads_environment = [] {
    detail::trace_first_run.store(&start_from_environment, std::memory_order_release);
    return true;
}();

}  // namespace trace
}  // namespace tandem::inline TANDEM_ABI
