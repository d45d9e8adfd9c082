// tandem - http::retryable: which answers and errors are worth another request; builder.retry(policy)
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <charconv>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <tandem/http/client.hpp>
#include <tandem/http/impl/http_date.hpp>
#include <tandem/resilience/retry.hpp>
#include <tandem/tasks/timeout.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

/// What a Retry-After field asks for, in seconds or as a date; empty if there is none that can be read. Zero
/// for a date in the past. `now`: seconds since 1970.
std::optional<duration> retry_after(const headers& fields,
                                    std::int64_t now = static_cast<std::int64_t>(std::time(nullptr)));

/// The classifier of HTTP calls for `retry` and `circuit_breaker`: `policy.classify(http::retryable())`.
/// Worth another try are 408, 425, 429, 500, 502, 503 and 504, with the server's Retry-After as hint, and
/// failures of the connection before a byte of the answer. Final are all other answers and errors: a body cut
/// short may have been acted upon, a limit in size or a bad certificate will be met again.
class retryable {
public:
    retryable() {}

    /// Whether the request may be made twice. If not, only what failed before anything was sent is tried
    /// again. Default: yes, so give it no POST; `request_builder::retry` finds out by itself.
    retryable& idempotent(bool yes) noexcept { return idempotent_ = yes, *this; }
    /// Counts 409 Conflict as worth another try. Default: no.
    retryable& conflict(bool yes) noexcept { return conflict_ = yes, *this; }

    verdict operator()(const outcome<response>& ended) const { return of(ended); }
    verdict operator()(const outcome<response_stream>& ended) const { return of(ended); }

private:
    template <class Response>
    verdict of(const outcome<Response>& ended) const {
        if (ended.has_exception()) return of_error(ended.exception());
        if (!ended.has_value()) return verdict::give_up;
        return of_answer(ended.value());
    }
    verdict of_answer(const response_base& r) const;
    verdict of_error(const std::exception_ptr& e) const;

    bool idempotent_ = true;
    bool conflict_ = false;
};

// ---- implementation

inline std::optional<duration> retry_after(const headers& fields, std::int64_t now) {
    const auto value = fields.get("Retry-After");
    if (!value) return std::nullopt;
    constexpr std::int64_t longest = 366LL * 24 * 3600;
    std::int64_t seconds = 0;
    const char* const end = value->data() + value->size();
    const auto parsed = std::from_chars(value->data(), end, seconds);
    if (value->empty() || parsed.ec != std::errc() || parsed.ptr != end) {
        const auto when = detail::parse_date(*value);
        if (!when) return std::nullopt;
        seconds = *when - now;
    } else if (seconds < 0) {
        return std::nullopt;
    }
    return std::chrono::seconds(seconds < 0 ? 0 : seconds < longest ? seconds : longest);
}

inline verdict retryable::of_answer(const response_base& r) const {
    switch (r.status()) {
        case 408:
        case 425:
        case 429:
        case 500:
        case 502:
        case 503:
        case 504:
            break;
        case 409:
            if (conflict_) break;
            return verdict::done;
        default:
            return verdict::done;
    }
    if (!idempotent_) return verdict::done;
    const auto wait = retry_after(r.headers());
    return wait ? verdict::retry_after(*wait) : verdict::retry;
}

inline verdict retryable::of_error(const std::exception_ptr& e) const {
    try {
        std::rethrow_exception(e);
    } catch (const error& failed) {
        switch (failed.code()) {
            case errc::resolve:
            case errc::connect:
            case errc::connect_timeout:
            case errc::pool_timeout:
                return verdict::retry;  // nothing was sent
            case errc::write_timeout:
            case errc::header_timeout:
            case errc::server_disconnected:
            case errc::connection_lost_reused:
                return idempotent_ ? verdict::retry : verdict::give_up;
            default:
                return verdict::give_up;
        }
    } catch (const timeout_error&) {  // of the policy: one attempt took too long
        return idempotent_ ? verdict::retry : verdict::give_up;
    } catch (...) {
        return verdict::give_up;
    }
}

namespace detail {

/// Makes attempts of one request. Each gets what is left of the time for the whole call.
class attempts {
public:
    attempts(std::shared_ptr<client_state> with, request r)
        : with_(std::move(with)), request_(std::move(r)), loop_(this_task::loop()) {
        const timeouts::duration total = request_.timeouts().total();
        if (total != timeouts::none) end_ = tandem::detail::later(loop_.ticks(), total.count());
    }

    task<response> make(const response*) { return next().send(); }
    task<response_stream> make(const response_stream*) { return next().stream(); }

    /// A body that cannot be sent again ends it.
    verdict allowed(const verdict& wanted) {
        if (wanted.what() != verdict::kind::retry || !request_.source() || request_.source()->rewind())
            return wanted;
        return verdict::give_up;
    }
    bool idempotent() const noexcept { return request_.is_idempotent(); }
    std::int64_t end() const noexcept { return end_; }
    bool over() const noexcept { return loop_.ticks() >= end_; }
    [[noreturn]] void timed_out() const {
        throw error(error(errc::total_timeout, phase::header,
                          "within " + std::to_string(request_.timeouts().total().count() / 1'000'000) +
                              " ms, all attempts together; see http::timeouts"),
                    request_.url().redacted(), 1);
    }

private:
    request_builder next() {
        request_builder once(with_, request_);
        if (end_ == tandem::detail::never) return once;
        const std::int64_t left = end_ - loop_.ticks();
        return once.timeout(timeouts::duration(left > 0 ? left : 0));
    }

    std::shared_ptr<client_state> with_;
    request request_;
    loop_core& loop_;
    std::int64_t end_ = tandem::detail::never;
};

/// The classifier of a policy, whatever its type, for both kinds of response.
class judge {
public:
    virtual ~judge() = default;
    virtual verdict of(const outcome<response>& ended, bool idempotent) = 0;
    virtual verdict of(const outcome<response_stream>& ended, bool idempotent) = 0;
};

template <class Classifier>
class judge_of final : public judge {
public:
    explicit judge_of(const Classifier& classifier) : classifier_(classifier) {}

    verdict of(const outcome<response>& ended, bool idempotent) override { return ask(ended, idempotent); }
    verdict of(const outcome<response_stream>& ended, bool idempotent) override {
        return ask(ended, idempotent);
    }

private:
    template <class Response>
    verdict ask(const outcome<Response>& ended, bool idempotent) {
        if constexpr (!std::is_same_v<Classifier, default_classifier> &&
                      std::is_invocable_r_v<verdict, Classifier&, const outcome<Response>&>) {
            return classifier_(ended);
        } else {
            return retryable().idempotent(idempotent)(ended);
        }
    }

    Classifier classifier_;
};

/// What `retry` is given: how to make an attempt, how to judge it.
template <class Response>
class attempt_call {
public:
    explicit attempt_call(attempts& of) noexcept : of_(&of) {}
    task<Response> operator()() const { return of_->make(static_cast<const Response*>(nullptr)); }

private:
    attempts* of_;
};

class attempt_judge {
public:
    attempt_judge(attempts& of, judge& by) noexcept : of_(&of), by_(&by) {}
    template <class Response>
    verdict operator()(const outcome<Response>& ended) const {
        return of_->allowed(by_->of(ended, of_->idempotent()));
    }

private:
    attempts* of_;
    judge* by_;
};

class retrying_sender final : public request_sender {
public:
    retrying_sender(const tandem::detail::retry_settings& settings, std::shared_ptr<judge> by)
        : settings_(settings), judge_(std::move(by)) {}

    task<response> send(std::shared_ptr<client_state> with, request r) const override {
        return run<response>(settings_, judge_, std::move(with), std::move(r));
    }
    task<response_stream> stream(std::shared_ptr<client_state> with, request r) const override {
        return run<response_stream>(settings_, judge_, std::move(with), std::move(r));
    }

private:
    template <class Response>
    static task<Response> run(tandem::detail::retry_settings settings, std::shared_ptr<judge> by,
                              std::shared_ptr<client_state> with, request r) {
        attempts made(std::move(with), std::move(r));
        const basic_retry_policy<attempt_judge> policy(settings, attempt_judge(made, *by));
        const attempt_call<Response> call(made);
        std::exception_ptr late;
        try {
            auto calls = tandem::retry(policy, call);
            if (made.end() == tandem::detail::never) {
                Response got = co_await std::move(calls);
                co_return got;
            }
            Response got = co_await deadline(tandem::detail::to_time_point(made.end()), std::move(calls));
            co_return got;
        } catch (const timeout_error&) {
            late = std::current_exception();
        }
        if (made.over()) made.timed_out();
        std::rethrow_exception(late);
    }

    tandem::detail::retry_settings settings_;
    std::shared_ptr<judge> judge_;
};

}  // namespace detail

/// `policy` is a `retry_policy`. Unless it has a classifier of its own, `retryable` judges, with what the
/// request says of itself: POST and PATCH are repeated only with an Idempotency-Key, which stays the same. A
/// body that cannot be sent again is not. The total timeout holds for all attempts and the waits between
/// them.
template <class Policy>
request_builder& request_builder::retry(const Policy& policy) & {
    Policy copy(policy);
    using classifier = std::remove_cvref_t<decltype(copy.classifier())>;
    via_ = std::make_shared<detail::retrying_sender>(
        copy.settings(), std::make_shared<detail::judge_of<classifier>>(copy.classifier()));
    return *this;
}

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
