// quest - sources behind HTTP, each with what it takes to live with it
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <tandem/http/client.hpp>
#include <tandem/resilience/circuit_breaker.hpp>
#include <tandem/resilience/rate_limiter.hpp>
#include <tandem/resilience/retry_budget.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "arena_tools.hpp"

namespace quest {

/// A source and where it is to be had. With several addresses it is replicated, and asked with a hedge.
class web_source {
public:
    enum class shape {
        text,    ///< the body is the text; or JSON with a member "text"
        events,  ///< server-sent events, a paragraph each
    };
    web_source(std::string title, std::vector<std::string> addresses, shape how = shape::text)
        : name(std::move(title)), urls(std::move(addresses)), body(how) {}

    std::string name;
    std::vector<std::string> urls;
    shape body;
};

/// How patient the agent is with its sources.
class web_options {
public:
    web_options() {}
    /// The first wait before another attempt is at most this; three attempts in all.
    web_options& retry_base(tandem::duration wait) noexcept { return retry_base_ = wait, *this; }
    /// When a second replica is asked, too.
    web_options& hedge_after(tandem::duration wait) noexcept { return hedge_after_ = wait, *this; }
    /// No source is asked more often than this.
    web_options& limit(std::size_t requests, tandem::duration window) noexcept {
        return requests_ = requests, window_ = window, *this;
    }
    /// What the requests go through: TLS, proxies, in tests another network.
    web_options& client(tandem::http::client_options how) { return client_ = std::move(how), *this; }
    web_options& body_bytes(std::uint64_t most) noexcept { return body_bytes_ = most, *this; }
    /// Whether a source whose last question failed, with all attempts, is left alone for 5 s.
    web_options& breaker(bool yes) noexcept { return breaker_ = yes, *this; }

    tandem::duration retry_base() const noexcept { return retry_base_; }
    tandem::duration hedge_after() const noexcept { return hedge_after_; }
    std::size_t requests() const noexcept { return requests_; }
    tandem::duration window() const noexcept { return window_; }
    const tandem::http::client_options& client() const noexcept { return client_; }
    std::uint64_t body_bytes() const noexcept { return body_bytes_; }
    bool breaker() const noexcept { return breaker_; }

private:
    tandem::duration retry_base_ = std::chrono::milliseconds(100);
    tandem::duration hedge_after_ = std::chrono::milliseconds(300);
    std::size_t requests_ = 60;
    tandem::duration window_ = std::chrono::minutes(1);
    tandem::http::client_options client_;
    std::uint64_t body_bytes_ = 8 << 20;
    bool breaker_ = true;
};

/// An answer that is none: a status of 300 or above, redirects that lead nowhere among them.
class status_error : public std::runtime_error {
public:
    status_error(int code, const std::string& text) : std::runtime_error(text), status(code) {}
    int status;
};

/// Asks sources over HTTP: circuit breaker > retry, within a budget > rate limiter > hedge > request. The
/// limits of time around it are the agent's.
/// Threads: tasks of one loop.
class web_tools final : public arena_tools {
public:
    web_tools(tandem::executor& pool, std::string question, std::vector<web_source> sources,
              web_options options = web_options());
    ~web_tools() override;

    std::vector<std::string> sources() const override;
    tandem::task<std::string> fetch(std::size_t source, source_slot& slot) override;

    tandem::http::pool_statistics connections() const noexcept { return client_.statistics(); }

private:
    class guards;

    static tandem::task<std::string> with_retries(web_tools& self, std::size_t source, source_slot& slot);
    static tandem::task<std::string> attempt(web_tools& self, std::size_t source, source_slot& slot);
    static tandem::task<std::string> ask_replica(std::size_t number, web_tools& self, std::size_t source,
                                                 source_slot& slot);
    tandem::task<std::string> read_events(tandem::http::response_stream answer, source_slot& slot);
    void check_status(const tandem::http::response_stream& answer, std::size_t source);

    web_options options_;
    std::vector<web_source> sources_;
    std::vector<std::unique_ptr<guards>> guards_;
    tandem::http::client client_;
};

/// What a Retry-After header asks for: seconds, also with decimals, or a date. Empty if it is neither.
std::optional<tandem::duration> parse_retry_after(std::string_view value,
                                                  std::chrono::system_clock::time_point now);

}  // namespace quest
