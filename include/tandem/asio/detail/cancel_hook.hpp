// tandem - where an Asio operation puts what cancels it: in the awaiting frame
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>

#include <new>
#include <type_traits>
#include <utility>

#include <tandem/asio/detail/recycled_state.hpp>
#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// What an operation put there to be called when its task is cancelled; lives in the awaiting frame,
/// where asio::cancellation_signal would allocate it for each operation.
class cancel_hook {
public:
    cancel_hook() noexcept {}
    cancel_hook(const cancel_hook&) = delete;
    cancel_hook& operator=(const cancel_hook&) = delete;
    ~cancel_hook() { clear(); }

    template <class Handler, class... Args>
    Handler& emplace(Args&&... args) {
        clear();
        if constexpr (recyclable_state<Handler, Args...>) {
            return emplace_recycled<Handler>(std::forward<Args>(args)...);
        } else {
            return emplace_new<Handler>(std::forward<Args>(args)...);
        }
    }
    void emit() {
        if (act_) act_(*this, true);
    }
    void clear() noexcept {
        if (act_) std::exchange(act_, nullptr)(*this, false);
    }
    bool has_handler() const noexcept { return act_ != nullptr; }
    /// For operations that name Asio's own type: the same slot as long as nothing else is put here.
    boost::asio::cancellation_slot as_asio_slot() {
        if (act_ != &act_on_signal) {
            clear();
            ::new (static_cast<void*>(room_)) boost::asio::cancellation_signal();
            act_ = &act_on_signal;
        }
        return signal_of(*this).slot();
    }

private:
    template <class T>
    void put(T* p) noexcept {
        ::new (static_cast<void*>(room_)) T*(p);
    }
    template <class T>
    T* get() noexcept {
        return *std::launder(reinterpret_cast<T**>(room_));
    }

    template <class Handler, class... Args>
    Handler& emplace_new(Args&&... args) {
        constexpr bool fits = sizeof(Handler) <= sizeof(room_) && alignof(Handler) <= alignof(void*);
        void* const place = fits ? static_cast<void*>(room_) : ::operator new(sizeof(Handler));
        Handler* const made = ::new (place) Handler(std::forward<Args>(args)...);
        if constexpr (!fits) put(made);
        act_ = [](cancel_hook& self, bool emit) {
            Handler* handler;
            if constexpr (fits) {
                handler = std::launder(reinterpret_cast<Handler*>(self.room_));
            } else {
                handler = self.get<Handler>();
            }
            if (emit) return (*handler)(boost::asio::cancellation_type::terminal);
            handler->~Handler();
            if constexpr (!fits) ::operator delete(static_cast<void*>(handler));
        };
        return *made;
    }
    template <class State, class... Args>
    State& emplace_recycled(Args&&... args) {
        using shelf = state_shelf<State>;
        auto* const taken = shelf::take(std::forward<Args>(args)...);
        put(taken);
        act_ = [](cancel_hook& self, bool emit) {
            auto* const place = self.get<typename shelf::place>();
            if (!emit) return shelf::put(place);
            self.act_ = &act_on_used<State>;
            place->state(boost::asio::cancellation_type::terminal);
        };
        return taken->state;
    }
    template <class State>
    static void act_on_used(cancel_hook& self, bool emit) {
        auto* const place = self.get<typename state_shelf<State>::place>();
        if (emit) return place->state(boost::asio::cancellation_type::terminal);
        delete place;
    }

    static boost::asio::cancellation_signal& signal_of(cancel_hook& self) noexcept {
        return *std::launder(reinterpret_cast<boost::asio::cancellation_signal*>(self.room_));
    }
    static void act_on_signal(cancel_hook& self, bool emit) {
        if (emit) return signal_of(self).emit(boost::asio::cancellation_type::terminal);
        signal_of(self).~cancellation_signal();
    }

    static_assert(sizeof(boost::asio::cancellation_signal) <= 32);
    alignas(void*) unsigned char room_[32];
    void (*act_)(cancel_hook&, bool emit) = nullptr;
};

/// The hook as Asio's operations see it.
class cancel_slot {
public:
    constexpr cancel_slot() noexcept = default;
    explicit cancel_slot(cancel_hook& hook) noexcept : hook_(&hook) {}
    template <class Handler, class... Args>
    Handler& emplace(Args&&... args) {
        return hook_->emplace<Handler>(std::forward<Args>(args)...);
    }
    template <class Handler>
    std::decay_t<Handler>& assign(Handler&& handler) {
        return emplace<std::decay_t<Handler>>(std::forward<Handler>(handler));
    }
    void clear() noexcept {
        if (hook_) hook_->clear();
    }
    bool is_connected() const noexcept { return hook_ != nullptr; }
    bool has_handler() const noexcept { return hook_ && hook_->has_handler(); }
    operator boost::asio::cancellation_slot() const {
        return hook_ ? hook_->as_asio_slot() : boost::asio::cancellation_slot();
    }
    bool operator==(const cancel_slot&) const noexcept = default;

private:
    cancel_hook* hook_ = nullptr;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
