// tandem - what a loop owns beside its tasks: a default pool, a client that many calls share
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <utility>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {

/// Base of what `loop.service<S>()` makes on first use. The loop destroys its services when `run` has
/// joined all tasks, the newest first; the next use makes new ones.
class loop_service {
public:
    loop_service(const loop_service&) = delete;
    loop_service& operator=(const loop_service&) = delete;
    virtual ~loop_service() = default;

protected:
    loop_service() noexcept = default;

private:
    friend class loop_services;

    const void* key_ = nullptr;
    loop_service* below_ = nullptr;
};

class loop_services {
public:
    loop_services() noexcept = default;
    loop_services(const loop_services&) = delete;
    loop_services& operator=(const loop_services&) = delete;
    ~loop_services() { clear(); }

    /// The service of type `S`, made by its default constructor if there is none yet.
    template <class S>
    S& get() {
        for (loop_service* s = top_; s; s = s->below_) {
            if (s->key_ == &key_of<S>) return static_cast<S&>(*s);
        }
        S* const made = new S();
        loop_service& base = *made;
        base.key_ = &key_of<S>;
        base.below_ = std::exchange(top_, &base);
        return *made;
    }

    void clear() noexcept {
        while (top_) delete std::exchange(top_, top_->below_);
    }

private:
    template <class S>
    inline static const char key_of = 0;

    loop_service* top_ = nullptr;
};

}  // namespace tandem::inline TANDEM_ABI
