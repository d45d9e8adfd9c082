// tandem - the recording of the process: hands out rings to threads, and collects them
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <tandem/base/detail/trace_point.hpp>
#include <tandem/core/loop_core.hpp>
#include <tandem/trace/detail/clock.hpp>
#include <tandem/trace/detail/ring.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// The recording of the process: hands out rings, and collects them. Never destroyed, since threads may
/// outlive everything else.
class trace_session {
public:
    TANDEM_PROCESS_WIDE static trace_session& get() {
        static trace_session& only = *new trace_session();
        return only;
    }

    /// What was recorded. The rings' threads may still write to them.
    struct capture {
        std::vector<std::shared_ptr<thread_ring>> rings;
        trace_clock begin;
        trace_clock end;
        unsigned unrecorded_threads = 0;  // there was no memory for their rings
    };

    /// False if a recording runs already.
    bool begin(std::size_t capacity) {
        {
            const std::lock_guard hold(mutex_);
            if (active_) return false;
            names_ = std::make_shared<trace_names>();
            capture_ = capture();
            capacity_ = capacity;
            loops_ = workers_ = 0;
            ++recording_;
            capture_.begin = trace_clock::read();
            active_ = true;
        }
        changed();
        return true;
    }

    /// False if no recording runs.
    bool end(capture& into) {
        {
            const std::lock_guard hold(mutex_);
            if (!active_) return false;
            active_ = false;
            into = std::exchange(capture_, capture());
            into.end = trace_clock::read();
        }
        changed();
        return true;
    }

    bool active() const {
        const std::lock_guard hold(mutex_);
        return active_;
    }

    /// A loop is watched from now on, or no longer: its thread is to look again.
    static void changed() noexcept {
        trace_attach.store(&trace_session::attach, std::memory_order_release);
        trace_epoch.fetch_add(1, std::memory_order_acq_rel);
        trace_attach_thread(loop_core::current(), nullptr);
    }

private:
    /// Lets go of a thread's ring when the thread ends.
    struct ring_owner {
        std::shared_ptr<thread_ring> ring;
        ~ring_owner() {
            trace_here = trace_thread();
            gone = true;
        }
        TANDEM_PROCESS_WIDE inline static constinit thread_local bool gone = false;
    };

    TANDEM_PROCESS_WIDE static void attach(trace_thread& here, loop_core* loop,
                                           const char* worker_of) noexcept {
        if (ring_owner::gone) return;
        static thread_local ring_owner own;
        here.cursor = nullptr;
        bool is_new = false;
        try {
            is_new = get().take_ring(own.ring, loop, worker_of);
        } catch (...) {
            own.ring.reset();
            get().note_unrecorded();
        }
        if (!own.ring) return;
        own.ring->serve(loop);
        here.cursor = own.ring.get();
        if (!is_new || !loop) return;
        const auto describe = [](void* to, fiber& f) { static_cast<thread_ring*>(to)->describe(f); };
        if (loop->main()) loop->main()->each_child(describe, own.ring.get());
        if (loop->root()) loop->root()->each_child(describe, own.ring.get());
        own.ring->join(loop->running());
    }

    /// True if the thread had none in this recording.
    bool take_ring(std::shared_ptr<thread_ring>& ring, loop_core* loop, const char* worker_of) {
        const std::lock_guard hold(mutex_);
        if (!active_ && !(loop && loop->watch())) {
            ring.reset();
            return false;
        }
        const std::uint64_t wanted = active_ ? recording_ : 0;
        const bool is_new = !ring || ring->recording() != wanted;
        if (is_new) {
            ring.reset();
            ring = std::make_shared<thread_ring>(active_ ? capacity_ : 0, names_, wanted,
                                                 capture_.rings.size() + 1);
            if (!active_) return false;
            capture_.rings.push_back(ring);
        }
        if (active_) name_thread(*ring, loop, worker_of);
        return is_new;
    }

    void name_thread(thread_ring& ring, loop_core* loop, const char* worker_of) {
        if (loop && ring.as != thread_ring::role::loop) {
            ring.as = thread_ring::role::loop;
            ring.label = ++loops_ == 1 ? std::string("loop") : "loop " + std::to_string(loops_);
        } else if (!loop && worker_of && ring.as == thread_ring::role::thread) {
            ring.as = thread_ring::role::worker;
            ring.label = std::string(worker_of) + " worker " + std::to_string(++workers_);
        } else if (ring.label.empty()) {
            ring.label = "thread " + std::to_string(ring.number);
        }
    }

    void note_unrecorded() noexcept {
        const std::lock_guard hold(mutex_);
        ++capture_.unrecorded_threads;
    }

    mutable std::mutex mutex_;
    bool active_ = false;
    std::size_t capacity_ = 0;
    std::uint64_t recording_ = 0;
    unsigned loops_ = 0;
    unsigned workers_ = 0;
    std::shared_ptr<trace_names> names_;
    capture capture_;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
