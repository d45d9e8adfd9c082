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
#include <tandem/http/impl/connect.hpp>
#include <tandem/http/impl/exchange.hpp>
#include <tandem/http/impl/pool.hpp>
#include <tandem/http/impl/response_stream.hpp>
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
    explicit client_state(client_options options) : options_(std::move(options)) {}
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
    class journey;

    pool& pool_here();
    task<> travel(request& r, journey& j);
    task<std::unique_ptr<exchange>> open(const request& r, journey& j);
    task<std::unique_ptr<byte_stream>> connect_for(const request& r, const journey& j);
    bool may_repeat(const request& r, const exchange& x, const error& e, unsigned attempt) const;
    bool redirect(request& r, journey& j) const;
    static task<> read_body(exchange& x, std::string& to) { return x.read_all(to); }

    client_options options_;
    std::shared_ptr<pool> pool_;
    loop_clients* home_ = nullptr;
    bool closed_ = false;
};

/// One call on its way.
class client_state::journey {
public:
    journey(std::int64_t now, timeouts::duration total, bool body_too)
        : began(now),
          end(total == timeouts::none ? tandem::detail::never : tandem::detail::later(now, total.count())),
          in_memory(body_too) {}

    /// The least of a phase's limit and what is left of the call.
    timeouts::duration within(timeouts::duration limit, std::int64_t now) const noexcept {
        if (end == tandem::detail::never) return limit;
        const timeouts::duration left(end > now ? end - now : 0);
        return left < limit ? left : limit;
    }
    /// Which of the two it was.
    [[noreturn]] static void timed_out(errc code, phase where, const request& r, timeouts::duration limit, bool of_call,
                                       const std::string& what) {
        if (of_call) {
            code = errc::total_timeout;
            limit = r.timeouts().total();
        }
        throw error(code, where, what + "within " + std::to_string(limit.count() / 1'000'000) + " ms; see http::timeouts");
    }

    std::unique_ptr<exchange> last;
    std::vector<hop> history;
    std::string body;
    std::int64_t began;
    std::int64_t end;
    unsigned attempt = 1;
    bool in_memory;
};

/// What the copies of a client own together; requests on their way outlive it.
class client_handle {
public:
    explicit client_handle(client_options options) : state(std::make_shared<client_state>(std::move(options))) {}
    client_handle(const client_handle&) = delete;
    client_handle& operator=(const client_handle&) = delete;
    ~client_handle() { state->close(); }

    const std::shared_ptr<client_state> state;
};

// ---- implementation

inline loop_clients::~loop_clients() {
    while (client_state* const c = clients.front()) c->leave_loop();
}

inline pool& client_state::pool_here() {
    loop_core& loop = this_task::loop();
    if (closed_) throw error(errc::pool_closed, phase::pool, "close() was called; make another client");
    if (pool_) {
        if (&pool_->loop() == &loop) return *pool_;
        throw invalid_state_error(
            "tandem::http::client: it belongs to another loop that still runs; make one client for each loop");
    }
    if (!loop.io()) {
        throw invalid_state_error("tandem::http::client: this loop has no sockets; run it with tandem::run");
    }
    loop_clients& home = loop.owned<loop_clients>();
    pool_ = std::make_shared<pool>(loop, options_);
    home.clients.push_back(*this);
    home_ = &home;
    return *pool_;
}

inline bool client_state::may_repeat(const request& r, const exchange& x, const error& e, unsigned attempt) const {
    return attempt == 1 && options_.retry_reused() && x.reused() && x.unanswered() &&
           e.code() == errc::server_disconnected && r.is_idempotent() && (!r.source() || r.source()->rewind());
}

inline task<std::unique_ptr<byte_stream>> client_state::connect_for(const request& r, const journey& j) {
    const timeouts::duration own = r.timeouts().connect();
    const timeouts::duration limit = j.within(own, pool_->loop().ticks());
    auto stream = co_await move_on_after(limit, connect(r.url(), options_));
    if (!stream) {
        journey::timed_out(errc::connect_timeout, phase::connect, r, own, limit < own, shown(r.url().authority()) + " ");
    }
    co_return std::move(*stream);
}

inline task<std::unique_ptr<exchange>> client_state::open(const request& r, journey& j) {
    if (r.url().is_https() && !options_.tls()) {
        throw error(errc::tls_unavailable, phase::tls,
                    "include <tandem/http/tls.hpp> and give client_options::tls a connector");
    }
    unsigned& attempt = j.attempt;
    for (attempt = 1;; ++attempt) {
        pool& from = pool_here();
        const timeouts::duration limit = j.within(r.timeouts().pool(), from.loop().ticks());
        lease l = co_await from.acquire(r.url().origin(), attempt > 1, limit);
        if (!l.get()) {
            std::unique_ptr<byte_stream> stream = co_await connect_for(r, j);
            l.connected(std::move(stream));
        }
        auto x = std::make_unique<exchange>(std::move(l), r, j.end, j.in_memory);
        std::optional<error> failure;
        try {
            co_await x->round_trip(r);
            co_return x;
        } catch (const error& e) {
            failure = e;
        }
        if (may_repeat(r, *x, *failure, attempt)) continue;
        if (failure->code() == errc::server_disconnected && x->reused()) {
            error lost(errc::connection_lost_reused, failure->phase(),
                       r.is_idempotent() ? std::string("it was sent once more before, or may not be")
                                         : r.method() + " is not repeated by itself; add an Idempotency-Key if it may be");
            throw lost.cause(failure->cause());
        }
        throw *failure;
    }
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
    if (j.history.size() == options_.max_redirects()) {
        std::string chain;
        for (const hop& past : j.history) chain += past.url().redacted() + " -> ";
        throw error(errc::too_many_redirects, phase::header,
                    std::to_string(j.history.size()) + " were followed: " + chain + r.url().redacted() +
                        "; raise client_options::max_redirects");
    }
    const bool to_get = (status == 303 && r.method() != "HEAD" && r.method() != "GET") ||
                        ((status == 301 || status == 302) && r.method() == "POST");
    if (to_get) {
        r.method("GET").remove_body();
        for (const char* const name : {"Content-Type", "Content-Encoding", "Content-Language", "Content-Location",
                                       "Content-MD5", "Content-Range", "Digest"}) {
            r.remove_header(name);
        }
    } else if (r.source() && !r.source()->rewind()) {
        throw error(errc::body_not_replayable, phase::write,
                    std::to_string(status) + " asks for the body again; give it as a string, or a source that can rewind()");
    }
    if (!r.url().same_origin(next)) {
        for (const char* const name : {"Authorization", "Proxy-Authorization", "Cookie", "WWW-Authenticate", "Host"}) {
            r.remove_header(name);
        }
    } else if (next.credentials().empty()) {
        next.set_credentials(r.url().credentials());
    }
    j.history.push_back(hop(status, r.url()));
    r.url() = std::move(next);
    return true;
}

inline task<> client_state::travel(request& r, journey& j) {
    for (;;) {
        std::optional<error> failure;
        try {
            j.last = co_await open(r, j);
            const bool onward = redirect(r, j);
            if (onward) {
                co_await move_on_after(std::chrono::milliseconds(50), j.last->drain());
                j.last.reset();
                continue;
            }
            if (j.in_memory) co_await j.last->read_all(j.body);
            co_return;
        } catch (const error& e) {
            failure = e;
        }
        if (failure->code() == errc::pool_timeout && j.end <= pool_->loop().ticks()) {
            failure.emplace(errc::total_timeout, phase::pool,
                            "within " + std::to_string(r.timeouts().total().count() / 1'000'000) +
                                " ms, all of them waiting for a connection; see http::timeouts");
        }
        throw error(*failure, r.url().redacted(), j.attempt);
    }
}

inline task<response> client_state::send(std::shared_ptr<client_state> self, request r) {
    loop_core& loop = this_task::loop();
    journey j(loop.ticks(), r.timeouts().total(), true);
    co_await self->travel(r, j);
    const duration elapsed = std::chrono::nanoseconds(loop.ticks() - j.began);
    response_base base(std::move(j.last->head()), std::move(r.url()), std::move(j.history), elapsed);
    co_return response(std::move(base), std::move(j.body));
}

inline task<response_stream> client_state::stream(std::shared_ptr<client_state> self, request r) {
    loop_core& loop = this_task::loop();
    journey j(loop.ticks(), r.timeouts().total(), false);
    co_await self->travel(r, j);
    const duration elapsed = std::chrono::nanoseconds(loop.ticks() - j.began);
    response_base base(response_head(j.last->head()), std::move(r.url()), std::move(j.history), elapsed);
    co_return response_stream(std::move(base), std::move(j.last));
}

}  // namespace detail
}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
