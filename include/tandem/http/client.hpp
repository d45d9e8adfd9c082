// tandem - http::client: requests over kept connections
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <tandem/core/context.hpp>
#include <tandem/core/task.hpp>
#include <tandem/core/this_task.hpp>
#include <tandem/http/client_options.hpp>
#include <tandem/http/impl/separate.hpp>
#include <tandem/http/message.hpp>
#include <tandem/http/response.hpp>
#if TANDEM_HTTP_BODIES
#include <tandem/http/impl/client_state.hpp>
#include <tandem/http/impl/serializer.hpp>
#endif

namespace tandem::inline TANDEM_ABI {
namespace http {

class multipart;

namespace detail {

class client_handle;

/// Sends a request in another way than once; retry.hpp has the one that repeats it.
class request_sender {
public:
    virtual ~request_sender() = default;
    virtual task<response> send(std::shared_ptr<client_state> with, request r) const = 0;
    virtual task<response_stream> stream(std::shared_ptr<client_state> with, request r) const = 0;
};

}  // namespace detail

/// A request on its way to be sent: `co_await client.post(url).header("X-Key", key).body(text)`.
/// Awaiting it is the same as awaiting `send()`. A named one is copied when it is awaited, and can be
/// awaited again.
class request_builder {
public:
    using duration = http::timeouts::duration;

    request_builder(std::shared_ptr<detail::client_state> with, request r) : with_(std::move(with)), request_(std::move(r)) {}

    /// Replaces a header. Errors: `invalid_request` for what could end a line.
    request_builder& header(std::string_view name, std::string_view value) & { return request_.header(name, value), *this; }
    /// Adds a name and a value to the query, encoded.
    request_builder& query(std::string_view name, std::string_view value) & { return request_.url().add_query(name, value), *this; }
    request_builder& body(std::string bytes) & { return request_.body(std::move(bytes)), *this; }
    request_builder& body(std::shared_ptr<body_source> source) & { return request_.body(std::move(source)), *this; }
    /// Adds a field to a form; the body is all of them, as application/x-www-form-urlencoded.
    request_builder& form(std::string_view name, std::string_view value) &;
    /// The body is `value` as JSON, with its Content-Type; include http/json.hpp.
    template <class T>
    request_builder& json(const T& value) &;
    /// The body is this form, as multipart/form-data, files included; include http/multipart.hpp.
    request_builder& multipart(http::multipart form) &;
    request_builder& basic_auth(std::string_view user, std::string_view password) &;
    request_builder& bearer(std::string_view token) & { return header("Authorization", "Bearer " + std::string(token)); }
    /// The time for the whole call; the others are set through `timeouts`.
    request_builder& timeout(duration total) & {
        total_given_ = true;
        request_.timeouts().total(total);
        return *this;
    }
    request_builder& timeouts(const http::timeouts& t) & { return request_.timeouts() = t, *this; }
    request_builder& limits(const http::limits& l) & { return request_.limits() = l, *this; }
    request_builder& follow_redirects(bool yes) & { return request_.follow_redirects(yes), *this; }
    request_builder& decompress(bool yes) & { return request_.decompress(yes), *this; }
    request_builder& expect_continue(bool yes) & { return request_.expect_continue(yes), *this; }
    request_builder& version(http::version v) & { return request_.version(v), *this; }
    /// Heard instead of the client's hooks.
    request_builder& hooks(std::shared_ptr<const http::hooks> h) & { return request_.hooks(std::move(h)), *this; }
    /// Sends it again while the policy says so; include http/retry.hpp, see there.
    template <class Policy>
    request_builder& retry(const Policy& policy) &;

    request_builder&& header(std::string_view name, std::string_view value) && { return std::move(header(name, value)); }
    request_builder&& query(std::string_view name, std::string_view value) && { return std::move(query(name, value)); }
    request_builder&& body(std::string bytes) && { return std::move(body(std::move(bytes))); }
    request_builder&& body(std::shared_ptr<body_source> source) && { return std::move(body(std::move(source))); }
    request_builder&& form(std::string_view name, std::string_view value) && { return std::move(form(name, value)); }
    template <class T>
    request_builder&& json(const T& value) && {
        return std::move(json(value));
    }
    request_builder&& multipart(http::multipart form) &&;
    request_builder&& basic_auth(std::string_view user, std::string_view password) && {
        return std::move(basic_auth(user, password));
    }
    request_builder&& bearer(std::string_view token) && { return std::move(bearer(token)); }
    request_builder&& timeout(duration total) && { return std::move(timeout(total)); }
    request_builder&& timeouts(const http::timeouts& t) && { return std::move(timeouts(t)); }
    request_builder&& limits(const http::limits& l) && { return std::move(limits(l)); }
    request_builder&& follow_redirects(bool yes) && { return std::move(follow_redirects(yes)); }
    request_builder&& decompress(bool yes) && { return std::move(decompress(yes)); }
    request_builder&& expect_continue(bool yes) && { return std::move(expect_continue(yes)); }
    request_builder&& version(http::version v) && { return std::move(version(v)); }
    request_builder&& hooks(std::shared_ptr<const http::hooks> h) && { return std::move(hooks(std::move(h))); }
    template <class Policy>
    request_builder&& retry(const Policy& policy) && {
        return std::move(retry(policy));
    }

    /// The request as it stands.
    const request& get() const noexcept { return request_; }

    /// Sends the request and reads the whole response, following redirects.
    /// Cancellation: leaves the pool's line, or closes the connection; nothing stays behind.
    /// Errors: `http::error`, for a response that was not received; 4xx and 5xx are responses.
    [[nodiscard("co_await it")]] task<response> send() const&;
    [[nodiscard("co_await it")]] task<response> send() &&;
    /// Sends the request and reads the head; the body is read from what it gives. The whole request goes
    /// first, also if the server begins to answer earlier. No total timeout unless `timeout` was called; it
    /// then ends with the head.
    [[nodiscard("co_await it")]] task<response_stream> stream() const&;
    [[nodiscard("co_await it")]] task<response_stream> stream() &&;

private:
    std::shared_ptr<detail::client_state> with_;
    request request_;
    std::shared_ptr<const detail::request_sender> via_;
    bool total_given_ = false;
};

/// Makes requests and keeps connections for the next ones. Copies share them.
/// Threads: belongs to the loop that first uses it; another loop may use it when that one has ended.
/// Lifetime: when the last copy goes, idle connections are closed; requests on their way are finished
///   and close theirs. It owns no task, so nothing is left running.
class client {
public:
    explicit client(client_options options = client_options());

    request_builder get(http::url from) const { return request("GET", std::move(from)); }
    request_builder head(http::url from) const { return request("HEAD", std::move(from)); }
    request_builder post(http::url to) const { return request("POST", std::move(to)); }
    request_builder put(http::url to) const { return request("PUT", std::move(to)); }
    request_builder patch(http::url to) const { return request("PATCH", std::move(to)); }
    request_builder del(http::url which) const { return request("DELETE", std::move(which)); }
    /// Errors: `invalid_request` for a method that is no token.
    request_builder request(std::string_view method, http::url to) const;
    /// Sends a request that was built before; its limits and headers are its own.
    request_builder request(http::request r) const;

    pool_statistics statistics() const noexcept;
    const client_options& options() const noexcept;
    /// Closes idle connections and refuses new requests, as the end of the last copy does.
    void close() noexcept;

private:
    std::shared_ptr<detail::client_handle> handle_;
};

// ---- implementation

#if TANDEM_HTTP_BODIES

TANDEM_HTTP_INLINE client::client(client_options options) : handle_(std::make_shared<detail::client_handle>(std::move(options))) {}

TANDEM_HTTP_INLINE request_builder client::request(std::string_view method, http::url to) const {
    const client_options& o = options();
    http::request r(method, std::move(to));
    r.timeouts() = o.timeouts();
    r.limits() = o.limits();
    r.follow_redirects(o.follow_redirects()).decompress(o.decompress());
    for (const header_view field : o.headers()) r.header(field.name(), field.value());
    return request(std::move(r));
}

TANDEM_HTTP_INLINE request_builder client::request(http::request r) const { return request_builder(handle_->state, std::move(r)); }

TANDEM_HTTP_INLINE pool_statistics client::statistics() const noexcept { return handle_->state->statistics(); }
TANDEM_HTTP_INLINE const client_options& client::options() const noexcept { return handle_->state->options(); }
TANDEM_HTTP_INLINE void client::close() noexcept { handle_->state->close(); }

TANDEM_HTTP_INLINE request_builder& request_builder::form(std::string_view name, std::string_view value) & {
    std::string text = request_.body();
    if (!text.empty()) text += '&';
    text += percent_encode(name) + "=" + percent_encode(value);
    request_.header("Content-Type", "application/x-www-form-urlencoded").body(std::move(text));
    return *this;
}

TANDEM_HTTP_INLINE request_builder& request_builder::basic_auth(std::string_view user, std::string_view password) & {
    if (user.find(':') != std::string_view::npos) {
        throw error(errc::invalid_request, phase::write, "a user name with a colon cannot be sent by Basic authentication");
    }
    return header("Authorization", "Basic " + detail::base64(std::string(user) + ":" + std::string(password)));
}

TANDEM_HTTP_INLINE task<response> request_builder::send() const& { return request_builder(*this).send(); }
TANDEM_HTTP_INLINE task<response> request_builder::send() && {
    if (via_) return via_->send(std::move(with_), std::move(request_));
    return detail::client_state::send(std::move(with_), std::move(request_));
}
TANDEM_HTTP_INLINE task<response_stream> request_builder::stream() const& { return request_builder(*this).stream(); }
TANDEM_HTTP_INLINE task<response_stream> request_builder::stream() && {
    if (!total_given_) request_.timeouts().total(http::timeouts::none);
    if (via_) return via_->stream(std::move(with_), std::move(request_));
    return detail::client_state::stream(std::move(with_), std::move(request_));
}

#endif

}  // namespace http

/// Makes `co_await client.get(url)` the same as `co_await client.get(url).send()`.
template <>
struct await_adapter<http::request_builder> {
    template <class B>
    static auto adapt(B&& builder, detail::fiber& f) {
        return detail::task_awaiter<http::response>(std::forward<B>(builder).send().release(), &f);
    }
};

}  // namespace tandem::inline TANDEM_ABI
