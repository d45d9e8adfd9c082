// tandem - io_leaf: a pending Asio operation as what a task waits for, and the handlers that complete it
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/error.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include <coroutine>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

#include <tandem/asio/detail/cancel_hook.hpp>
#include <tandem/asio/detail/handler_memory.hpp>
#include <tandem/asio/detail/loop_executor.hpp>
#include <tandem/core/drain.hpp>
#include <tandem/core/fiber.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

// Whether a completion says "cancelled", by what comes first in it.
inline bool says_aborted(const boost::system::error_code& ec) noexcept {
    return ec && ec == boost::asio::error::operation_aborted;
}
inline bool says_aborted(const std::exception_ptr& e) noexcept {
    if (!e) return false;
    try {
        std::rethrow_exception(e);
    } catch (const boost::system::system_error& known) {
        return says_aborted(known.code());
    } catch (...) {
        return false;
    }
}
template <class First, class... Rest>
bool says_aborted(const std::tuple<First, Rest...>& results) noexcept {
    if constexpr (requires { says_aborted(std::get<0>(results)); }) {
        return says_aborted(std::get<0>(results));
    } else {
        return false;
    }
}
inline bool says_aborted(const std::tuple<>&) noexcept { return false; }

/// A pending Asio operation, apart from its results.
class io_leaf : public leaf {
public:
    const char* kind() const noexcept override { return "asio operation"; }
    boost::asio::io_context& context() const noexcept {
        return *static_cast<boost::asio::io_context*>(loop().io());
    }
    handler_memory& memory() noexcept { return memory_; }
    cancel_slot slot() noexcept { return cancel_slot(hook_); }

protected:
    io_leaf() noexcept = default;
    ~io_leaf() = default;

    template <class Initiate>
    void start(std::coroutine_handle<> h, Initiate&& initiate) noexcept {
        if (!suspend(h)) return;
        in_call_ = true;
        try {
            if (!loop().io()) {
                throw std::logic_error(
                    "tandem::use_task: this loop has no io_context; run I/O with tandem::run, "
                    "not on virtual time");
            }
            initiate();
        } catch (...) {
            failure_ = std::current_exception();
            if (fiber().current_leaf() == this) complete();  // unless that was done before it threw
        }
        in_call_ = false;
    }

    void completed(bool aborted) noexcept {
        if (!loop().on_its_thread()) return come_over([this, aborted] { arrive(aborted); });
        arrive(aborted);
    }
    // Nothing will complete the operation any more. What would cancel it may be gone: from here on it is
    // not called, and not touched either, for this may be inside it.
    void abandoned() noexcept {
        if (!loop().on_its_thread()) return come_over([this] { abandon(); });
        abandon();
    }
    void rethrow_failure() const {
        if (failure_) std::rethrow_exception(failure_);
    }

private:
    detach on_cancel() noexcept override {
        in_call_ = true;
        hook_.emit();
        in_call_ = false;
        return detach::later;
    }

    void arrive(bool aborted) noexcept {
        if (aborted && stop_pending()) return stop();
        // Called from inside the initiation, a cancellation or a task: the ready queue takes it.
        if (in_call_ || loop().running()) return complete();
        loop().resume_now(*this);
    }
    void abandon() noexcept {
        failure_ = destroyed_uncompleted();
        stop_pending() ? stop() : complete();
    }
    TANDEM_NEVER_INLINE static std::exception_ptr destroyed_uncompleted() noexcept {
        try {
            const std::string what =  // not a literal: GCC 12 warns of Boost's concatenation then
                "tandem::use_task: the operation was destroyed before it had completed; keep the io_context "
                "or pool that runs it until then";
            throw boost::system::system_error(boost::asio::error::operation_aborted, what);
        } catch (...) {
            return std::current_exception();
        }
    }
    // From a thread of another io_context: its destructor's, or that of an executor bound to the handler.
    template <class F>
    TANDEM_NEVER_INLINE void come_over(F then) const noexcept {
        loop_executor(loop()).require(boost::asio::execution::blocking.never).execute(then);
    }

    cancel_hook hook_;
    handler_memory memory_;
    std::exception_ptr failure_;  // of the initiation
    bool in_call_ = false;
};

template <class... Results>
class io_result_leaf : public io_leaf {
public:
    void complete_with(Results... results) noexcept {
        results_.emplace(std::move(results)...);
        completed(says_aborted(*results_));
    }
    using io_leaf::abandoned;

protected:
    ~io_result_leaf() = default;
    std::optional<std::tuple<Results...>> results_;  // some, such as sockets, have no default constructor
};

/// Completes a leaf. Whoever starts the operation sees to it that it is called.
template <class... Results>
class io_handler {
public:
    using allocator_type = handler_allocator<void>;
    using cancellation_slot_type = cancel_slot;
    using executor_type = loop_executor;

    explicit io_handler(io_result_leaf<Results...>& waiting) noexcept : waiting_(&waiting) {}

    allocator_type get_allocator() const noexcept { return allocator_type(waiting_->memory()); }
    cancellation_slot_type get_cancellation_slot() const noexcept { return waiting_->slot(); }
    executor_type get_executor() const noexcept { return executor_type(waiting_->loop()); }

    void operator()(Results... results) { waiting_->complete_with(std::move(results)...); }

protected:
    io_result_leaf<Results...>* waiting_;
};

/// The same for operations that are not tandem's: its leaf hears of it when the handler is destroyed
/// uncalled, by an io_context or a pool that goes, for example.
template <class... Results>
class sole_io_handler final : public io_handler<Results...> {
public:
    explicit sole_io_handler(io_result_leaf<Results...>& waiting) noexcept
        : io_handler<Results...>(waiting) {}
    sole_io_handler(sole_io_handler&& other) noexcept : io_handler<Results...>(other) {
        other.waiting_ = nullptr;
    }
    sole_io_handler& operator=(sole_io_handler&&) = delete;
    ~sole_io_handler() {
        if (this->waiting_) this->waiting_->abandoned();
    }

    void operator()(Results... results) {
        std::exchange(this->waiting_, nullptr)->complete_with(std::move(results)...);
    }
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
