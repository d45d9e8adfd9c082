// tandem - thread_crew: threads that come when they are called, and go when nobody calls for long
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#if defined(__linux__)
#include <pthread.h>
#endif

#include <tandem/core/clock.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Each call has one thread run `work()` once. The thread that went idle last is woken first, so that
/// in quiet times the others can end. A thread that ends joins the one that ended before it.
/// `Work` must not throw. Threads: `call` from any; the destructor needs that no call is under way.
template <class Work>
class thread_crew {
public:
    thread_crew(std::size_t most, std::int64_t idle_life, const std::string& name, Work work)
        : most_(most), idle_life_(idle_life), name_(name.substr(0, 15)), work_(std::move(work)) {}
    thread_crew(const thread_crew&) = delete;
    thread_crew& operator=(const thread_crew&) = delete;

    ~thread_crew() {
        lock held(mutex_);
        ending_ = true;
        for (member* m = idle_; m; m = m->below) m->wake.notify_one();
        all_gone_.wait(held, [this] { return threads_ == 0; });
        held.unlock();
        if (last_ended_.joinable()) last_ended_.join();
        while (unused_) delete std::exchange(unused_, unused_->below);
    }

    /// Errors: `std::system_error` if a thread is needed and cannot be made.
    void call() {
        member* woken = nullptr;
        {
            const lock held(mutex_);
            if (idle_) {
                woken = std::exchange(idle_, idle_->below);
                woken->called = true;
            } else if (calls_ >= coming_back_ && threads_ < most_) {
                add_thread(true);
            } else {
                ++calls_;  // for one who is on the way back
            }
        }
        // Without the lock, or the one who wakes up runs into it. A member lives as long as the crew.
        if (woken) woken->wake.notify_one();
    }

    /// A thread is about to leave `work()`: rather than make another, the next call waits for it.
    /// Either all of them say so each time, or none does.
    void coming_back() noexcept {
        const lock held(mutex_);
        ++coming_back_;
    }

    /// Makes all threads now.
    void assemble() {
        const lock held(mutex_);
        while (threads_ < most_) add_thread(false);
    }

    std::size_t size() const {
        const lock held(mutex_);
        return threads_;
    }

private:
    using lock = std::unique_lock<std::mutex>;

    struct member {
        std::thread thread;
        std::condition_variable wake;
        member* below = nullptr;  // among the idle, or the unused
        bool called = false;
    };

    void add_thread(bool called) {
        std::unique_ptr<member> made(unused_ ? std::exchange(unused_, unused_->below) : new member());
        member& m = *made;
        try {
            m.thread = std::thread([this, &m, called] { live(m, called); });
        } catch (const std::system_error& e) {
            retire(*made.release());
            throw std::system_error(e.code(),
                                    "tandem::executor: a thread of \"" + name_ + "\" cannot be started (" +
                                        std::to_string(threads_) + " of " + std::to_string(most_) +
                                        " run); raise the limit (ulimit -u, pids.max), or ask for fewer");
        } catch (...) {
            retire(*made.release());
            throw;
        }
        static_cast<void>(made.release());
        ++threads_;
    }
    void retire(member& m) noexcept {
        m.called = false;
        m.below = std::exchange(unused_, &m);
    }

    void live(member& self, bool called) noexcept {
#if defined(__linux__)
        ::pthread_setname_np(::pthread_self(), name_.c_str());
#endif
        if (called) work_();
        lock held(mutex_);  // also: `self` is complete once the one who made it lets go
        while (next_call(self, held)) {
            held.unlock();
            work_();
            held.lock();
        }
        std::thread before = std::exchange(last_ended_, std::move(self.thread));
        retire(self);
        if (--threads_ == 0) all_gone_.notify_all();
        held.unlock();
        if (before.joinable()) before.join();
    }

    bool next_call(member& self, lock& held) noexcept {
        if (coming_back_ != 0) --coming_back_;
        if (calls_ != 0) {
            --calls_;
            return true;
        }
        if (ending_) return false;
        self.called = false;
        self.below = std::exchange(idle_, &self);
        const auto done = [&] { return self.called || ending_; };
        if (idle_life_ == never) {
            self.wake.wait(held, done);
        } else {
            self.wake.wait_for(held, std::chrono::nanoseconds(idle_life_), done);
        }
        if (self.called) return true;
        member** place = &idle_;
        while (*place != &self) place = &(*place)->below;
        *place = self.below;
        return false;
    }

    const std::size_t most_;
    const std::int64_t idle_life_;
    const std::string name_;
    Work work_;
    mutable std::mutex mutex_;
    std::condition_variable all_gone_;
    member* idle_ = nullptr;  // the one that went idle last
    member* unused_ = nullptr;
    std::size_t threads_ = 0;
    std::size_t calls_ = 0;
    std::size_t coming_back_ = 0;
    std::thread last_ended_;
    bool ending_ = false;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
