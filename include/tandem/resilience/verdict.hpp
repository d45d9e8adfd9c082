// tandem - verdict: what a classifier says of the outcome of a call: done, worth another try, hopeless
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <stdexcept>

#include <tandem/base/error.hpp>
#include <tandem/base/outcome.hpp>
#include <tandem/core/clock.hpp>

namespace tandem::inline TANDEM_ABI {

/// What a classifier says of an outcome. A classifier is a callable `verdict(const outcome<T>&)`; it
/// is never asked about a call that was stopped.
class verdict {
public:
    enum class kind : std::uint8_t { done, retry, give_up };

    static const verdict done;     ///< as wanted; a value is returned, an exception thrown
    static const verdict retry;    ///< failed, and another try may help
    static const verdict give_up;  ///< failed in a way that another try does not change

    /// Failed; the server says when to come again.
    template <class Rep, class Period>
    static verdict retry_after(std::chrono::duration<Rep, Period> wait) noexcept {
        return verdict(kind::retry, detail::to_ticks(wait));
    }

    kind what() const noexcept { return kind_; }
    bool operator==(const verdict& other) const noexcept {
        return kind_ == other.kind_ && hint_ == other.hint_;
    }
    /// How long the server asked to wait, in nanoseconds; never positive if it did not.
    std::int64_t hint() const noexcept { return hint_; }

private:
    explicit constexpr verdict(kind k, std::int64_t hint = 0) noexcept : hint_(hint), kind_(k) {}

    std::int64_t hint_;
    kind kind_;
};

inline constexpr verdict verdict::done{verdict::kind::done};
inline constexpr verdict verdict::retry{verdict::kind::retry};
inline constexpr verdict verdict::give_up{verdict::kind::give_up};

/// Base of the errors by which a call is refused on this side, without having been made.
class refused_error : public error {
public:
    using error::error;
};

/// Thrown by a circuit breaker that is open.
class circuit_open : public refused_error {
public:
    explicit circuit_open(time_point until)
        : refused_error("tandem::circuit_breaker::call: the circuit is open; come again after until()"),
          until_(until) {}

    /// When the next call is let through as a probe; the time of the refusal while one is on its way.
    time_point until() const noexcept { return until_; }

private:
    time_point until_;
};

/// Thrown to a task that an `adaptive_semaphore` does not let wait.
class overloaded : public refused_error {
public:
    using refused_error::refused_error;
};

/// Derive an exception from it, too, to say when the server wants to be asked again.
class server_hint {
public:
    virtual ~server_hint() = default;
    /// How long to wait; empty if the server did not say.
    virtual std::optional<duration> retry_after() const noexcept = 0;

protected:
    server_hint() = default;
    server_hint(const server_hint&) = default;
    server_hint& operator=(const server_hint&) = default;
};

/// The classifier that is used when none is given: a value is done, an exception is worth another try,
/// after the `server_hint` it carries. Hopeless are `circuit_open`, `cancelled_error`,
/// `std::logic_error` and `std::bad_alloc`: the next try would end the same.
class default_classifier {
public:
    default_classifier() = default;

    template <class T>
    verdict operator()(const outcome<T>& ended) const {
        return ended.has_value() ? verdict::done : of(ended.exception());
    }

private:
    static verdict of(const std::exception_ptr& e) {
        try {
            std::rethrow_exception(e);
        } catch (const server_hint& hint) {
            const std::optional<duration> wait = hint.retry_after();
            return wait ? verdict::retry_after(*wait) : verdict::retry;
        } catch (const circuit_open&) {
            return verdict::give_up;
        } catch (const cancelled_error&) {
            return verdict::give_up;
        } catch (const std::logic_error&) {
            return verdict::give_up;
        } catch (const std::bad_alloc&) {
            return verdict::give_up;
        } catch (...) {
            return verdict::retry;
        }
    }
};

}  // namespace tandem::inline TANDEM_ABI
