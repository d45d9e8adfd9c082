// tandem - TLS sessions by host and port: the next connection there skips the certificates
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <tandem/http/impl/tls_stream.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {
namespace detail {

/// What servers gave to come back with. A session of TLS 1.3 is used once, as it asks for, so several
/// are kept for each server. May be used from any thread.
class tls_sessions : public std::enable_shared_from_this<tls_sessions> {
public:
    /// Has sessions of this context's connections kept here.
    static void collect(SSL_CTX* context) {
        ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        ::SSL_CTX_sess_set_new_cb(context, &arrived);
    }

    /// Begins with a session of `server`, its host and port, if there is one, and keeps those that come.
    void use(SSL* ssl, const std::string& server) {
        auto slot = std::make_unique<origin>(shared_from_this(), server);
        if (::SSL_set_ex_data(ssl, index(), slot.get()) != 1) throw std::bad_alloc();
        slot.release();  // freed with the SSL
        const std::lock_guard lock(mutex_);
        const auto known = by_server_.find(server);
        if (known == by_server_.end()) return;
        const SSL_SESSION* const last = known->second.back().get();
        const bool good = ::SSL_SESSION_is_resumable(last) == 1;
        if (good) ::SSL_set_session(ssl, known->second.back().get());
        if (!good || ::SSL_SESSION_get_protocol_version(last) >= TLS1_3_VERSION) known->second.pop_back();
        if (known->second.empty()) by_server_.erase(known);
    }

private:
    using session_ptr = openssl_ptr<SSL_SESSION, ::SSL_SESSION_free>;
    class origin {
    public:
        origin(std::shared_ptr<tls_sessions> where, std::string of)
            : sessions(std::move(where)), server(std::move(of)) {}
        std::shared_ptr<tls_sessions> sessions;
        std::string server;
    };

    static constexpr std::size_t most_servers = 256;
    static constexpr std::size_t most_per_server = 8;

    TANDEM_PROCESS_WIDE static int index() {
        static const int one = ::SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, &free_origin);
        return one;
    }
    static void free_origin(void*, void* slot, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<origin*>(slot);
    }
    // 1: the session is ours now.
    static int arrived(SSL* ssl, SSL_SESSION* session) {
        const auto* const slot = static_cast<const origin*>(::SSL_get_ex_data(ssl, index()));
        if (!slot || ::SSL_SESSION_is_resumable(session) != 1) return 0;
        try {
            slot->sessions->keep(slot->server, session);
        } catch (...) {
            return 0;
        }
        return 1;
    }
    void keep(const std::string& server, SSL_SESSION* session) {
        const std::lock_guard lock(mutex_);
        if (by_server_.size() >= most_servers && !by_server_.contains(server))
            by_server_.erase(by_server_.begin());
        std::vector<session_ptr>& of_server = by_server_[server];
        of_server.reserve(most_per_server);
        if (of_server.size() == most_per_server) of_server.erase(of_server.begin());
        of_server.emplace_back(session);
    }

    std::mutex mutex_;
    std::unordered_map<std::string, std::vector<session_ptr>> by_server_;
};

}  // namespace detail
}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
