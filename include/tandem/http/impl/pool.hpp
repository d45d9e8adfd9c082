// tandem - the connections of a client: who has one, who waits for one, which are idle
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <tandem/base/detail/intrusive_list.hpp>
#include <tandem/core/fiber.hpp>
#include <tandem/http/client_options.hpp>
#include <tandem/http/impl/connection.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {
namespace detail {

class pool;
class pool_waiter;

/// The connections to one origin, and the line of those who want one.
class pool_host : public tandem::detail::list_links<pool_host> {
public:
    explicit pool_host(std::string name) : key(std::move(name)) {}
    pool_host(const pool_host&) = delete;
    pool_host& operator=(const pool_host&) = delete;

    std::string key;
    std::vector<connection*> idle;  // the last one is the warmest
    tandem::detail::intrusive_list<pool_waiter> waiters;
    std::size_t count = 0;  // connections that exist or are being made
};

/// The right to one connection, made or still to be made. Whatever way it goes, its destructor gives
/// the right to the next in line; the connection is closed unless it was said to be reusable.
class lease {
public:
    lease() noexcept = default;
    lease(std::shared_ptr<pool> of, pool_host& host, connection* c) noexcept
        : pool_(std::move(of)), host_(&host), connection_(c), reused_(c != nullptr) {}
    lease(lease&& other) noexcept
        : pool_(std::move(other.pool_)),
          host_(std::exchange(other.host_, nullptr)),
          connection_(std::exchange(other.connection_, nullptr)),
          reused_(other.reused_),
          reusable_(other.reusable_) {}
    lease& operator=(lease&& other) noexcept {
        lease moved(std::move(other));
        std::swap(pool_, moved.pool_);
        std::swap(host_, moved.host_);
        std::swap(connection_, moved.connection_);
        std::swap(reused_, moved.reused_);
        std::swap(reusable_, moved.reusable_);
        return *this;
    }
    inline ~lease();

    explicit operator bool() const noexcept { return host_ != nullptr; }
    connection* get() const noexcept { return connection_; }
    connection& operator*() const noexcept { return *connection_; }
    connection* operator->() const noexcept { return connection_; }
    pool& of() const noexcept { return *pool_; }
    /// Whether the connection has served a request before.
    bool reused() const noexcept { return reused_; }
    inline void connected(std::unique_ptr<byte_stream> stream);
    /// The connection may serve another request.
    void set_reusable() noexcept { reusable_ = true; }

private:
    friend class pool;

    std::shared_ptr<pool> pool_;
    pool_host* host_ = nullptr;
    connection* connection_ = nullptr;
    bool reused_ = false;
    bool reusable_ = false;
};

/// Owns the connections of one client on one loop.
class pool final : public std::enable_shared_from_this<pool>, private tandem::detail::timer_node {
public:
    pool(loop_core& loop, const client_options& options) : loop_(loop), options_(options) {}
    pool(const pool&) = delete;
    pool& operator=(const pool&) = delete;
    ~pool() { close(); }

    /// Awaits a lease for `key`; an idle connection that still looks alive, or room for a new one.
    /// `fresh`: no connection that was used before.
    /// Cancellation: leaves the line; a lease already handed over is delivered, and passed on unused.
    /// Errors: `pool_timeout`, `pool_closed`.
    [[nodiscard("co_await it")]] inline pool_waiter acquire(std::string key, bool fresh,
                                                            timeouts::duration limit);

    /// Closes what is idle, and all that comes back from now on; who waits gets `pool_closed`.
    void close() noexcept;
    bool closed() const noexcept { return closed_; }
    /// The loop ends: closes the active ones too. A stream that somebody kept beyond it is an empty shell.
    void abandon() noexcept {
        close();
        for (connection* c = active_.front(); c; c = active_.next(*c)) c->kill();
    }
    pool_statistics statistics() const noexcept {
        pool_statistics s = totals_;
        s.idle = idle_count_;
        s.active = count_ - idle_count_;
        s.waiters = waiters_;
        return s;
    }
    loop_core& loop() const noexcept { return loop_; }

private:
    friend class lease;
    friend class pool_waiter;

    bool slot_wanted() const noexcept;
    lease try_take(pool_host& host, bool fresh);
    pool_host& host_for(const std::string& key);
    void give_back(pool_host& host, connection* c, bool reusable) noexcept;
    void serve_line() noexcept;
    void leave_line(pool_host& host, pool_waiter& w) noexcept;
    void enter_line(pool_host& host, pool_waiter& w) noexcept;
    void drop_idle(connection& c) noexcept;
    void free_slot(pool_host& host) noexcept;
    void forget_if_empty(pool_host& host) noexcept;
    void arm_sweep() noexcept;
    void fire() noexcept override;

    loop_core& loop_;
    const client_options& options_;
    std::unordered_map<std::string, std::unique_ptr<pool_host>> hosts_;
    tandem::detail::intrusive_list<connection> idle_;  // the first is the coldest
    tandem::detail::intrusive_list<connection> active_;
    tandem::detail::intrusive_list<pool_host> with_waiters_;  // in the order of their turns
    buffer_store buffers_;
    std::size_t count_ = 0;
    std::size_t idle_count_ = 0;
    std::size_t waiters_ = 0;
    pool_statistics totals_;
    bool closed_ = false;
};

/// Awaitable of `pool::acquire`.
class pool_waiter final : public leaf,
                          public tandem::detail::list_links<pool_waiter>,
                          private tandem::detail::timer_node {
public:
    pool_waiter(pool& of, std::string key, bool fresh, timeouts::duration limit)
        : pool_(of.shared_from_this()), key_(std::move(key)), limit_(limit), fresh_(fresh) {}

    // Asked again for a stop before the fast path: a cancelled task takes nothing.
    bool await_ready() {
        if (stop_pending()) return false;
        if (pool_->closed_) return true;
        pool_host& host = pool_->host_for(key_);
        if (host.waiters.empty()) granted_ = pool_->try_take(host, fresh_);
        return static_cast<bool>(granted_);
    }
    void await_suspend(std::coroutine_handle<> h) noexcept {
        const auto found = pool_->hosts_.find(key_);
        if (found != pool_->hosts_.end()) host_ = found->second.get();
        if (!suspend(h)) {
            if (host_) pool_->forget_if_empty(*host_);
            return;
        }
        pool_->enter_line(*host_, *this);
        if (limit_ == timeouts::none) return;
        if (loop().arm_timer(*this, tandem::detail::later(loop().ticks(), limit_.count()))) return;
        pool_->leave_line(*host_, *this);
        failure_ = errc::pool_timeout;
        complete();
    }
    lease await_resume() {
        if (!granted_) went_without();
        return std::move(granted_);
    }
    const char* kind() const noexcept override { return "http pool"; }

private:
    friend class pool;

    [[noreturn]] void went_without() const;
    void granted(lease l) noexcept {
        granted_ = std::move(l);
        loop().disarm_timer(*this);
        complete();
    }
    void refused(errc why) noexcept {
        failure_ = why;
        loop().disarm_timer(*this);
        complete();
    }
    void fire() noexcept override {
        pool_->leave_line(*host_, *this);
        refused(errc::pool_timeout);
    }
    detach on_cancel() noexcept override {
        loop().disarm_timer(*this);
        pool_->leave_line(*host_, *this);
        return detach::done;
    }

    std::shared_ptr<pool> pool_;
    std::string key_;
    pool_host* host_ = nullptr;
    lease granted_;
    timeouts::duration limit_;
    errc failure_ = errc::pool_closed;
    bool fresh_;
};

// ---- implementation

inline lease::~lease() {
    if (host_) pool_->give_back(*host_, connection_, reusable_);
}

inline void lease::connected(std::unique_ptr<byte_stream> stream) {
    connection_ = new connection(pool_->loop_, std::move(stream), pool_->buffers_);
    pool_->active_.push_back(*connection_);
    ++pool_->totals_.created;
}

TANDEM_COLD inline void pool_waiter::went_without() const {
    if (failure_ == errc::pool_closed)
        throw error(errc::pool_closed, phase::pool, "make requests while a client lives");
    throw error(errc::pool_timeout, phase::pool,
                "waited " + std::to_string(limit_.count() / 1'000'000) + " ms for one of " +
                    std::to_string(pool_->options_.connections_per_host()) +
                    " connections; raise client_options::connections_per_host, or finish streams sooner");
}

inline pool_waiter pool::acquire(std::string key, bool fresh, timeouts::duration limit) {
    return pool_waiter(*this, std::move(key), fresh, limit);
}

inline pool_host& pool::host_for(const std::string& key) {
    const auto found = hosts_.find(key);
    if (found != hosts_.end()) return *found->second;
    return *hosts_.emplace(key, std::make_unique<pool_host>(key)).first->second;
}

inline lease pool::try_take(pool_host& host, bool fresh) {
    while (!host.idle.empty()) {
        connection& c = *(fresh ? host.idle.front() : host.idle.back());
        const bool alive = !fresh && c.usable(loop_.ticks(), options_.idle_limit().count());
        if (alive) c.wake(buffers_);  // may find no memory: then the connection stays where it is
        std::erase(host.idle, &c);
        idle_.erase(c);
        --idle_count_;
        if (alive) {
            ++totals_.reused;
            active_.push_back(c);
            return lease(shared_from_this(), host, &c);
        }
        ++(fresh ? totals_.evicted : totals_.stale);
        delete &c;
        if (fresh) return lease(shared_from_this(), host, nullptr);  // its slot
        --host.count;
        --count_;
    }
    if (host.count >= options_.connections_per_host()) return lease();
    if (count_ >= options_.connections_total()) {
        if (idle_.empty()) return lease();
        ++totals_.evicted;
        drop_idle(*idle_.front());
    }
    ++host.count;
    ++count_;
    return lease(shared_from_this(), host, nullptr);
}

inline void pool::give_back(pool_host& host, connection* c, bool reusable) noexcept {
    if (c && reusable && !closed_) {
        if (pool_waiter* const next = host.waiters.front(); next && !next->fresh_) {
            leave_line(host, *next);
            ++totals_.reused;
            c->next_exchange();
            next->granted(lease(shared_from_this(), host, c));
            return;
        }
        if (host.waiters.empty() && !slot_wanted()) {
            try {
                host.idle.push_back(c);
                active_.erase(*c);
                c->rest(buffers_, host, loop_.ticks());
                idle_.push_back(*c);
                ++idle_count_;
                if (idle_count_ > options_.connections_idle()) {
                    ++totals_.evicted;
                    drop_idle(*idle_.front());
                }
                arm_sweep();
                return;
            } catch (...) {  // no memory to remember it by
            }
        }
    }
    if (c) {
        c->release_buffer(buffers_);
        active_.erase(*c);
        delete c;
    }
    free_slot(host);
    serve_line();
}

// Below the limit nobody waits for a slot that all share: who could use one has it.
inline bool pool::slot_wanted() const noexcept {
    if (count_ < options_.connections_total()) return false;
    for (pool_host* h = with_waiters_.front(); h; h = with_waiters_.next(*h)) {
        if (h->count < options_.connections_per_host()) return true;
    }
    return false;
}

inline void pool::free_slot(pool_host& host) noexcept {
    --host.count;
    --count_;
    forget_if_empty(host);
}

inline void pool::forget_if_empty(pool_host& host) noexcept {
    if (host.count == 0 && host.waiters.empty()) hosts_.erase(hosts_.find(host.key));
}

TANDEM_COLD inline void pool::drop_idle(connection& c) noexcept {
    pool_host& host = c.host();
    std::erase(host.idle, &c);
    idle_.erase(c);
    --idle_count_;
    delete &c;
    free_slot(host);
}

// Origins take turns: one with a long line does not keep the others from the slots that all share.
inline void pool::serve_line() noexcept {
    while (!with_waiters_.empty() && count_ < options_.connections_total()) {
        pool_host* host = with_waiters_.front();
        while (host && host->count >= options_.connections_per_host()) host = with_waiters_.next(*host);
        if (!host) return;
        pool_waiter& next = *host->waiters.front();
        ++host->count;
        ++count_;
        leave_line(*host, next);
        if (!host->waiters.empty()) {
            with_waiters_.erase(*host);
            with_waiters_.push_back(*host);
        }
        next.granted(lease(shared_from_this(), *host, nullptr));
    }
}

inline void pool::enter_line(pool_host& host, pool_waiter& w) noexcept {
    if (host.waiters.empty()) with_waiters_.push_back(host);
    host.waiters.push_back(w);
    ++waiters_;
}

inline void pool::leave_line(pool_host& host, pool_waiter& w) noexcept {
    host.waiters.erase(w);
    --waiters_;
    if (host.waiters.empty()) with_waiters_.erase(host);
    forget_if_empty(host);
}

inline void pool::arm_sweep() noexcept {
    if (armed() || idle_.empty()) return;
    // Not armed for lack of memory: the stale check finds what the sweep would have closed.
    static_cast<void>(loop_.arm_timer(
        *this, tandem::detail::later(idle_.front()->idle_since(), options_.idle_limit().count())));
}

TANDEM_COLD inline void pool::fire() noexcept {
    const std::int64_t now = loop_.ticks();
    while (!idle_.empty() && now - idle_.front()->idle_since() >= options_.idle_limit().count()) {
        ++totals_.evicted;
        drop_idle(*idle_.front());
    }
    arm_sweep();
}

TANDEM_COLD inline void pool::close() noexcept {
    closed_ = true;
    loop_.disarm_timer(*this);
    while (!idle_.empty()) drop_idle(*idle_.front());
    while (pool_host* const host = with_waiters_.front()) {
        pool_waiter& next = *host->waiters.front();
        leave_line(*host, next);
        next.refused(errc::pool_closed);
    }
}

}  // namespace detail
}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
