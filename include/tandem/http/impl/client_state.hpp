// tandem - what the copies of a client share, and how a request runs: redirects, one repetition
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tandem/base/detail/intrusive_list.hpp>
#include <tandem/http/client_options.hpp>
#include <tandem/http/extension.hpp>
#include <tandem/http/hooks.hpp>
#include <tandem/http/impl/connect.hpp>
#include <tandem/http/impl/exchange.hpp>
#include <tandem/http/impl/journey.hpp>
#include <tandem/http/impl/limit_reached.hpp>
#include <tandem/http/impl/pool.hpp>
#include <tandem/http/impl/response_stream.hpp>
#include <tandem/http/impl/upload.hpp>
#include <tandem/http/response.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {
namespace detail {

/// The clients that have used a loop: when it ends, they let go of its sockets.
class loop_clients final : public loop_owned {
public:
    loop_clients() = default;
    inline ~loop_clients() override;

    tandem::detail::intrusive_list<client_state> clients;
};

class client_state : public std::enable_shared_from_this<client_state>,
                     public tandem::detail::list_links<client_state> {
public:
    explicit client_state(client_options options) : options_(std::move(options)) {
        for (const auto& more : options_.codings()) accept_encoding_.append(", ").append(more->name());
    }
    client_state(const client_state&) = delete;
    client_state& operator=(const client_state&) = delete;
    ~client_state() { leave_loop(); }

    static task<response> send(std::shared_ptr<client_state> self, request r);
    static task<response_stream> stream(std::shared_ptr<client_state> self, request r);

    const client_options& options() const noexcept { return options_; }
    pool_statistics statistics() const noexcept { return pool_ ? pool_->statistics() : pool_statistics(); }
    void close() noexcept {
        closed_ = true;
        if (pool_) pool_->close();
    }
    void leave_loop() noexcept {
        if (!pool_) return;
        home_->clients.erase(*this);
        pool_->abandon();
        pool_.reset();
    }

private:
    pool& pool_here();
    task<> travel(request& r, journey& j);
    static task<> leave(exchange& x);
    task<std::unique_ptr<exchange>> open(request& r, journey& j);
    task<> pass_gate(const request& r, const journey& j);
    task<std::unique_ptr<byte_stream>> connect_for(const request& r, const journey& j);
    const http::hooks* hooks_of(const request& r) const noexcept {
        return r.hooks() ? r.hooks().get() : options_.hooks().get();
    }
    bool may_repeat(const request& r, const exchange& x, const error& e, unsigned attempt) const;
    bool redirect(request& r, journey& j) const;
    static void turn(request& r, http::url next, int status);
    [[noreturn]] static void too_many(const request& r, const journey& j);
    [[noreturn]] static void no_tls();
    [[noreturn]] static void attempt_failed(const request& r, const exchange& x, const error& e);
    [[noreturn]] void call_failed(const request& r, const journey& j, const error& e) const;
    void answered(const request& r, const response_head& head) const;
    static response_base told(request& r, journey& j, const loop_core& loop);

    client_options options_;
    std::string accept_encoding_ = "gzip, deflate";
    std::shared_ptr<pool> pool_;
    loop_clients* home_ = nullptr;
    bool closed_ = false;
};

/// What the copies of a client own together; requests on their way outlive it.
class client_handle {
public:
    explicit client_handle(client_options options)
        : state(std::make_shared<client_state>(std::move(options))) {}
    client_handle(const client_handle&) = delete;
    client_handle& operator=(const client_handle&) = delete;
    ~client_handle() { state->close(); }

    const std::shared_ptr<client_state> state;
};

// ---- implementation

TANDEM_COLD inline loop_clients::~loop_clients() {
    while (client_state* const c = clients.front()) c->leave_loop();
}

inline pool& client_state::pool_here() {
    loop_core& loop = this_task::loop();
    if (closed_) throw error(errc::pool_closed, phase::pool, "close() was called; make another client");
    if (pool_) {
        if (&pool_->loop() == &loop) return *pool_;
        throw invalid_state_error(
            "tandem::http::client: it belongs to another loop that still runs; make one client for each "
            "loop");
    }
    if (!loop.io() && !options_.network()) {
        throw invalid_state_error("tandem::http::client: this loop has no sockets; run it with tandem::run");
    }
    loop_clients& home = loop.owned<loop_clients>();
    pool_ = std::make_shared<pool>(loop, options_);
    home.clients.push_back(*this);
    home_ = &home;
    return *pool_;
}

TANDEM_COLD inline bool client_state::may_repeat(const request& r, const exchange& x, const error& e,
                                                 unsigned attempt) const {
    return attempt == 1 && options_.retry_reused() && x.reused() && x.unanswered() &&
           e.code() == errc::server_disconnected && r.is_idempotent() &&
           (!r.source() || r.source()->rewind());
}

TANDEM_COLD inline task<std::unique_ptr<byte_stream>> client_state::connect_for(const request& r,
                                                                                const journey& j) {
    const timeouts::duration own = r.timeouts().connect();
    const timeouts::duration limit = j.within(own, pool_->loop().ticks());
    task<std::unique_ptr<byte_stream>> making;
    if (options_.network()) {
        making = options_.network()->connect(r.url());
    } else {
        making = connect(r.url(), options_);
    }
    auto stream = co_await move_on_after(limit, std::move(making));
    if (!stream) {
        limit_reached(errc::connect_timeout, phase::connect, r.timeouts(), own, limit < own,
                      shown(r.url().authority()) + " ");
    }
    co_return std::move(*stream);
}

// The time in the line of a gate counts for the whole call, and for no other limit.
inline task<> client_state::pass_gate(const request& r, const journey& j) {
    const timeouts::duration left = j.within(timeouts::none, this_task::loop().ticks());
    if (left == timeouts::none) {
        co_await options_.gate()->enter(r);
        co_return;
    }
    const auto outer = this_task::deadline();
    bool passed = false;
    try {
        const auto in_time = co_await move_on_after(left, options_.gate()->enter(r));
        passed = in_time.has_value();
    } catch (const timeout_error&) {  // a limiter that knows that the turn will not come in time
        if (outer && tandem::detail::to_ticks(*outer) <= j.end) throw;
    }
    if (!passed)
        limit_reached(errc::total_timeout, phase::pool, r.timeouts(), left, true,
                      "it waited in client_options::gate ");
}

inline task<std::unique_ptr<exchange>> client_state::open(request& r, journey& j) {
    if (r.url().is_https() && !options_.tls() && !options_.network()) no_tls();
    const http::hooks* const hooks = hooks_of(r);
    unsigned& attempt = j.times.attempt;
    for (attempt = 1;; ++attempt) {
        if (hooks) hooks->request(r);
        if (options_.gate()) co_await pass_gate(r, j);
        pool& from = pool_here();
        if (hooks) hooks->phase(r, phase::pool);
        const timeouts::duration limit = j.within(r.timeouts().pool(), from.loop().ticks());
        lease l = co_await from.acquire(r.url().origin(), attempt > 1, limit);
        j.times.queued = j.since(from.loop());
        j.times.connected = duration();
        j.times.reused = l.reused();
        if (!l.get()) {
            if (hooks) hooks->phase(r, phase::connect);
            std::unique_ptr<byte_stream> stream = co_await connect_for(r, j);
            l.connected(std::move(stream));
            j.times.connected = j.since(from.loop());
        }
        const std::string cookies =
            options_.cookies() ? options_.cookies()->cookies_for(r.url()) : std::string();
        if (hooks) hooks->phase(r, phase::write);
        auto x = std::make_unique<exchange>(std::move(l), r, hooks, j.end, j.in_memory ? &j.body : nullptr);
        std::optional<error> failure;
        try {
            const tandem::detail::trace_scope traced("http: request to head");
            head_defaults defaults("tandem", accept_encoding_, cookies);
            if (!r.url().is_https() && !options_.network()) defaults.ask(proxy_for(r.url(), options_));
            co_await x->round_trip(r, defaults, options_.codings());
            co_return x;
        } catch (const error& e) {
            failure = e;
        }
        if (may_repeat(r, *x, *failure, attempt)) {
            if (hooks) hooks->repeat(r, *failure);
            continue;
        }
        attempt_failed(r, *x, *failure);
    }
}

TANDEM_COLD inline void client_state::no_tls() {
    throw error(errc::tls_unavailable, phase::tls,
                "include <tandem/http/tls.hpp> and give client_options::tls a connector");
}

/// For one that is not repeated.
TANDEM_COLD inline void client_state::attempt_failed(const request& r, const exchange& x, const error& e) {
    if (e.code() != errc::server_disconnected || !x.reused()) throw e;
    error lost(errc::connection_lost_reused, e.phase(),
               r.is_idempotent()
                   ? std::string("it was sent once more before, or may not be")
                   : r.method() + " is not repeated by itself; add an Idempotency-Key if it may be");
    throw lost.cause(e.cause());
}

/// Says whether `r` was turned into the request that the last response redirects to.
inline bool client_state::redirect(request& r, journey& j) const {
    const response_head& h = j.last->head();
    const int status = h.status;
    if (!r.follow_redirects()) return false;
    if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308) return false;
    const std::string location(h.fields.get("Location").value_or(""));
    if (location.empty()) return false;
    http::url next = r.url().resolve(location);
    if (!next.fragment()) next.set_fragment(r.url().fragment());
    if (r.url().is_https() && !next.is_https() && !options_.allow_downgrade()) return false;
    if (j.history.size() == options_.max_redirects()) too_many(r, j);
    const hop from(status, r.url());
    const http::hooks* const hooks = hooks_of(r);
    if (!hooks) {
        turn(r, std::move(next), status);
    } else {
        request changed(r);
        turn(changed, std::move(next), status);
        if (hooks->redirect(h, changed) == redirect_action::deliver) return false;
        r = std::move(changed);
    }
    j.history.push_back(from);
    return true;
}

TANDEM_COLD inline void client_state::too_many(const request& r, const journey& j) {
    std::string chain;
    for (const hop& past : j.history) chain += past.url().redacted() + " -> ";
    throw error(errc::too_many_redirects, phase::header,
                std::to_string(j.history.size()) + " were followed: " + chain + r.url().redacted() +
                    "; raise client_options::max_redirects");
}

/// Makes of `r` the request that follows a redirect to `next`.
TANDEM_COLD inline void client_state::turn(request& r, http::url next, int status) {
    const bool to_get = (status == 303 && r.method() != "HEAD" && r.method() != "GET") ||
                        ((status == 301 || status == 302) && r.method() == "POST");
    if (to_get) {
        r.method("GET").remove_body();
        for (const char* const name : {"Content-Type", "Content-Encoding", "Content-Language",
                                       "Content-Location", "Content-MD5", "Content-Range", "Digest"}) {
            r.remove_header(name);
        }
    } else if (r.source() && !r.source()->rewind()) {
        throw error(errc::body_not_replayable, phase::write,
                    std::to_string(status) +
                        " asks for the body again; give it as a string, or a source that can rewind()");
    }
    if (!r.url().same_origin(next)) {
        for (const char* const name :
             {"Authorization", "Proxy-Authorization", "Cookie", "WWW-Authenticate", "Host"}) {
            r.remove_header(name);
        }
    } else if (next.credentials().empty()) {
        next.set_credentials(r.url().credentials());
    }
    r.url() = std::move(next);
}

inline void client_state::answered(const request& r, const response_head& head) const {
    if (options_.cookies()) options_.cookies()->received(r.url(), head.fields);
    if (options_.gate()) options_.gate()->answered(r.url(), head.status, head.fields);
    if (const http::hooks* const hooks = hooks_of(r)) hooks->response(r, head);
}

// Of a redirect nobody wants the body: whatever is wrong with it costs the connection, not the request.
TANDEM_COLD inline task<> client_state::leave(exchange& x) {
    try {
        co_await move_on_after(std::chrono::milliseconds(50), x.drain());
    } catch (const error&) {
    }
}

inline task<> client_state::travel(request& r, journey& j) {
    for (;;) {
        std::optional<error> failure;
        try {
            j.last = co_await open(r, j);
            answered(r, j.last->head());
            const bool onward = redirect(r, j);
            if (onward) {
                co_await leave(*j.last);
                j.last.reset();
                continue;
            }
            if (j.in_memory && !j.last->body_done()) {
                if (hooks_of(r)) hooks_of(r)->phase(r, phase::body);
                co_await j.last->read_all(j.body);
            }
            co_return;
        } catch (const error& e) {
            failure = e;
        }
        call_failed(r, j, *failure);
    }
}

TANDEM_COLD inline void client_state::call_failed(const request& r, const journey& j, const error& e) const {
    const bool in_line = e.code() == errc::pool_timeout && j.end <= pool_->loop().ticks();
    if (!in_line) throw error(e, r.url().redacted(), j.times.attempt);
    const error waited(errc::total_timeout, phase::pool,
                       "within " + std::to_string(r.timeouts().total().count() / 1'000'000) +
                           " ms, all of them waiting for a connection; see http::timeouts");
    throw error(waited, r.url().redacted(), j.times.attempt);
}

inline response_base client_state::told(request& r, journey& j, const loop_core& loop) {
    j.times.sent = j.at(j.last->sent_at());
    j.times.answered = j.at(j.last->answered_at());
    const duration elapsed = j.since(loop);
    if (j.in_memory) j.times.done = elapsed;
    response_head head = j.in_memory ? std::move(j.last->head()) : j.last->head();
    return response_base(std::move(head), std::move(r.url()), std::move(j.history), j.times, elapsed);
}

inline task<response> client_state::send(std::shared_ptr<client_state> self, request r) {
    loop_core& loop = this_task::loop();
    journey j(loop.ticks(), r.timeouts().total(), true);
    co_await self->travel(r, j);
    co_return response(told(r, j, loop), std::move(j.body));
}

inline task<response_stream> client_state::stream(std::shared_ptr<client_state> self, request r) {
    loop_core& loop = this_task::loop();
    journey j(loop.ticks(), r.timeouts().total(), false);
    co_await self->travel(r, j);
    response_base base = told(r, j, loop);
    co_return response_stream(std::move(base), std::move(self), std::move(j.last));
}

}  // namespace detail
}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
