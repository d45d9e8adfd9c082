// tandem - names to addresses: lookups on detached threads, one at a time for a name, with a cache
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <netdb.h>
#include <sys/socket.h>

#include <boost/asio/ip/address.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <tandem/core/loop_core.hpp>
#include <tandem/core/task.hpp>
#include <tandem/core/this_task.hpp>
#include <tandem/http/error.hpp>
#include <tandem/http/headers.hpp>
#include <tandem/sync/event.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {
namespace detail {

class name_cache;
using address_list = std::vector<boost::asio::ip::address>;

/// One call of getaddrinfo. It cannot be cancelled, so it shares nothing with the loop but this.
class lookup {
public:
    explicit lookup(std::string name) : host(std::move(name)) {}

    std::string host;
    address_list addresses;
    std::string failure;
    std::mutex mutex;             // guards what follows
    loop_core* loop = nullptr;    // null once the loop does not want to know any more
    name_cache* cache = nullptr;  // touched on the loop's thread only
};

/// At most four threads, detached, gone when there is nothing to look up.
class lookup_threads {
public:
    static void submit(std::shared_ptr<lookup> job) {
        const std::shared_ptr<lookup_threads> self = instance();
        const std::lock_guard lock(self->mutex_);
        self->waiting_.push_back(std::move(job));
        if (self->running_ == most) return;
        try {
            std::thread([self] { self->work(); }).detach();
            ++self->running_;
        } catch (...) {
            if (self->running_ == 0) {
                self->waiting_.pop_back();
                throw;
            }
        }
    }

private:
    static constexpr std::size_t most = 4;

    TANDEM_PROCESS_WIDE static std::shared_ptr<lookup_threads> instance() {
        static const std::shared_ptr<lookup_threads> one = std::make_shared<lookup_threads>();
        return one;
    }
    void work() noexcept {
        for (;;) {
            std::shared_ptr<lookup> job;
            {
                const std::lock_guard lock(mutex_);
                if (waiting_.empty()) {
                    --running_;
                    return;
                }
                job = std::move(waiting_.front());
                waiting_.pop_front();
            }
            run(job);
        }
    }
    static void run(const std::shared_ptr<lookup>& job) noexcept;

    std::mutex mutex_;
    std::deque<std::shared_ptr<lookup>> waiting_;
    std::size_t running_ = 0;
};

/// The names that one loop has asked for. Lives with the loop, not with a client.
class name_cache final : public loop_owned {
public:
    name_cache() = default;
    ~name_cache() override {
        for (const auto& e : entries_) {
            if (!e->job) continue;
            const std::lock_guard lock(e->job->mutex);
            e->job->loop = nullptr;
            e->job->cache = nullptr;
        }
    }

    /// Cancellation: leaves at once; the answer is still kept for those who ask later.
    /// Errors: `resolve`, with what the system says.
    task<address_list> find(std::string host);
    void arrived(const lookup& job);

private:
    static constexpr std::int64_t keep_good = 30'000'000'000;
    static constexpr std::int64_t keep_bad = 1'000'000'000;
    static constexpr std::size_t most_hosts = 256;

    class entry {
    public:
        std::string host;
        std::shared_ptr<lookup> job;  // while it runs
        event done;
        address_list addresses;
        std::string failure;
        std::int64_t expires = 0;
    };

    std::shared_ptr<entry>* known(const std::string& host) noexcept {
        for (auto& e : entries_) {
            if (e->host == host) return &e;
        }
        return nullptr;
    }
    void make_room();
    std::shared_ptr<entry> start(const std::string& host, loop_core& loop);

    std::vector<std::shared_ptr<entry>> entries_;  // the first was asked for first
};

// ---- implementation

TANDEM_COLD inline void lookup_threads::run(const std::shared_ptr<lookup>& job) noexcept {
    try {
        addrinfo wanted;
        std::memset(&wanted, 0, sizeof(wanted));
        wanted.ai_family = AF_UNSPEC;
        wanted.ai_socktype = SOCK_STREAM;
        wanted.ai_flags = AI_ADDRCONFIG;
        addrinfo* found = nullptr;
        const int code = ::getaddrinfo(job->host.c_str(), nullptr, &wanted, &found);
        if (code != 0) job->failure = ::gai_strerror(code);
        for (const addrinfo* a = found; a; a = a->ai_next) {
            if (a->ai_family == AF_INET) {
                const auto* const in = reinterpret_cast<const sockaddr_in*>(a->ai_addr);
                job->addresses.push_back(boost::asio::ip::address_v4(ntohl(in->sin_addr.s_addr)));
            } else if (a->ai_family == AF_INET6) {
                const auto* const in = reinterpret_cast<const sockaddr_in6*>(a->ai_addr);
                boost::asio::ip::address_v6::bytes_type bytes;
                std::memcpy(bytes.data(), in->sin6_addr.s6_addr, bytes.size());
                job->addresses.push_back(boost::asio::ip::address_v6(bytes, in->sin6_scope_id));
            }
        }
        if (found) ::freeaddrinfo(found);
        if (job->addresses.empty() && job->failure.empty()) job->failure = "no addresses";
    } catch (...) {
        job->failure = "out of memory";
    }
    const std::lock_guard lock(job->mutex);
    if (!job->loop) return;
    try {
        job->loop->call_soon_threadsafe([job] {
            if (job->cache) job->cache->arrived(*job);
        });
    } catch (...) {  // no memory for the message: who waits has a connect limit
    }
}

inline void name_cache::make_room() {
    if (entries_.size() < most_hosts) return;
    for (auto oldest = entries_.begin(); oldest != entries_.end(); ++oldest) {
        if ((*oldest)->job) continue;
        entries_.erase(oldest);
        return;
    }
}

TANDEM_COLD inline std::shared_ptr<name_cache::entry> name_cache::start(const std::string& host,
                                                                        loop_core& loop) {
    auto made = std::make_shared<entry>();
    made->host = host;
    made->job = std::make_shared<lookup>(host);
    made->job->loop = &loop;
    made->job->cache = this;
    std::shared_ptr<entry>* const before = known(host);
    if (!before) {
        make_room();
        entries_.reserve(entries_.size() + 1);  // once the lookup has begun, nothing may fail
    }
    lookup_threads::submit(made->job);
    if (before) {
        *before = made;
    } else {
        entries_.push_back(made);
    }
    return made;
}

TANDEM_COLD inline task<address_list> name_cache::find(std::string host) {
    loop_core& loop = this_task::loop();
    std::shared_ptr<entry> e;
    if (const auto* const found = known(host)) e = *found;
    if (!e || (!e->job && e->expires <= loop.ticks())) e = start(host, loop);
    if (e->job) co_await e->done.wait();
    if (!e->failure.empty()) {
        throw error(errc::resolve, phase::resolve,
                    shown(host) + ": " + e->failure + "; check the name and the network");
    }
    co_return e->addresses;
}

TANDEM_COLD inline void name_cache::arrived(const lookup& job) {
    const auto* const found = known(job.host);
    if (!found) return;
    entry& e = **found;
    e.addresses = job.addresses;
    e.failure = job.failure;
    e.expires = job.loop->ticks() + (e.failure.empty() ? keep_good : keep_bad);
    e.job.reset();
    e.done.set();
}

}  // namespace detail
}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
