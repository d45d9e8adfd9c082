// tandem - what a loop owns beside its tasks: a default pool, a client that many calls share
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <utility>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {

/// Base of what `loop.owned<T>()` makes on first use. The loop destroys them when `run` has
/// joined all tasks, the newest first; the next use makes new ones.
class loop_owned {
public:
    loop_owned(const loop_owned&) = delete;
    loop_owned& operator=(const loop_owned&) = delete;
    virtual ~loop_owned() = default;

protected:
    loop_owned() noexcept = default;

private:
    friend class loop_possessions;

    const void* key_ = nullptr;
    loop_owned* below_ = nullptr;
};

class loop_possessions {
public:
    loop_possessions() noexcept = default;
    loop_possessions(const loop_possessions&) = delete;
    loop_possessions& operator=(const loop_possessions&) = delete;
    ~loop_possessions() { clear(); }

    /// The object of type `T`, made by its default constructor if there is none yet.
    template <class T>
    T& get() {
        for (loop_owned* s = top_; s; s = s->below_) {
            if (s->key_ == &key_of<T>) return static_cast<T&>(*s);
        }
        T* const made = new T();
        loop_owned& base = *made;
        base.key_ = &key_of<T>;
        base.below_ = std::exchange(top_, &base);
        return *made;
    }

    void clear() noexcept {
        while (top_) delete std::exchange(top_, top_->below_);
    }

private:
    template <class T>
    TANDEM_PROCESS_WIDE inline static const char key_of = 0;

    loop_owned* top_ = nullptr;
};

}  // namespace tandem::inline TANDEM_ABI
