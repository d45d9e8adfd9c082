// tandem - http::hooks: what a program wants to hear of its requests, and may change on their way
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <utility>

#include <tandem/base/detail/unique_function.hpp>
#include <tandem/http/message.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

/// The head of a response, for hooks: a view, valid during the call.
class head_view {
public:
    explicit head_view(const detail::response_head& head) noexcept : head_(head) {}
    int status() const noexcept { return head_.status; }
    const std::string& reason() const noexcept { return head_.reason; }
    const http::headers& headers() const noexcept { return head_.fields; }

private:
    const detail::response_head& head_;
};

/// What `on_redirect` makes of a redirect: go there, or give the 3xx to the caller.
enum class redirect_action { follow, deliver };

/// Functions that are called while requests are made: `client_options().hooks(hooks().on_response(log))`.
/// Errors: what a hook throws ends the request that it was called for, and no other.
/// Threads: called on the loop, between two steps of the request; do not block in them.
class hooks {
public:
    hooks() {}

    /// Before each sending: the request itself, after each redirect, and its repetition. It may add
    /// headers; those for credentials are dropped, as always, when a redirect leads to another origin.
    template <class F>
    hooks& on_request(F&& fn) {
        return request_ = function<void(http::request&)>(std::forward<F>(fn)), *this;
    }
    /// After each final head: that of the response and those of redirects.
    template <class F>
    hooks& on_response(F&& fn) {
        return response_ = function<void(const http::request&, const head_view&)>(std::forward<F>(fn)), *this;
    }
    /// After each informational (1xx) head, such as 103 Early Hints.
    template <class F>
    hooks& on_informational(F&& fn) {
        return informational_ = function<void(const http::request&, const head_view&)>(std::forward<F>(fn)),
               *this;
    }
    /// Before a redirect is followed: `fn(head, next)` gives a `redirect_action`; `next` is the request as
    /// it would be sent, and may be changed. It is not asked about redirects that are never followed.
    template <class F>
    hooks& on_redirect(F&& fn) {
        return redirect_ = function<redirect_action(const head_view&, http::request&)>(std::forward<F>(fn)),
               *this;
    }
    /// Before a request is sent once more because a kept connection was closed: the request, why.
    template <class F>
    hooks& on_repeat(F&& fn) {
        return repeat_ = function<void(const http::request&, const error&)>(std::forward<F>(fn)), *this;
    }
    /// When a phase begins; those that a kept connection makes unnecessary are left out.
    template <class F>
    hooks& on_phase(F&& fn) {
        return phase_ = function<void(const http::request&, http::phase)>(std::forward<F>(fn)), *this;
    }
    /// After each piece of a request's body that the system took: the bytes so far, for a progress bar.
    template <class F>
    hooks& on_sent(F&& fn) {
        return sent_ = function<void(const http::request&, std::uint64_t)>(std::forward<F>(fn)), *this;
    }

    // ---- for the client

    void request(http::request& r) const {
        if (request_) request_(r);
    }
    void response(const http::request& r, const detail::response_head& head) const {
        if (response_) response_(r, head_view(head));
    }
    void informational(const http::request& r, const detail::response_head& head) const {
        if (informational_) informational_(r, head_view(head));
    }
    redirect_action redirect(const detail::response_head& head, http::request& next) const {
        return redirect_ ? redirect_(head_view(head), next) : redirect_action::follow;
    }
    void repeat(const http::request& r, const error& why) const {
        if (repeat_) repeat_(r, why);
    }
    void phase(const http::request& r, http::phase begins) const {
        if (phase_) phase_(r, begins);
    }
    void sent(const http::request& r, std::uint64_t bytes) const {
        if (sent_) sent_(r, bytes);
    }

private:
    template <class Signature>
    using function = tandem::detail::unique_function<Signature>;

    function<void(http::request&)> request_;
    function<void(const http::request&, const head_view&)> response_;
    function<void(const http::request&, const head_view&)> informational_;
    function<redirect_action(const head_view&, http::request&)> redirect_;
    function<void(const http::request&, const error&)> repeat_;
    function<void(const http::request&, http::phase)> phase_;
    function<void(const http::request&, std::uint64_t)> sent_;
};

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
