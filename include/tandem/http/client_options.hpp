// tandem - http::client_options: pool, times, limits and defaults of a client
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tandem/http/headers.hpp>
#include <tandem/http/limits.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

class content_coding;
class cookie_store;
class hooks;
class network;
class request_gate;
class proxies;
class proxy_route;
class tls_connector;

/// Numbers of a client's pool.
class pool_statistics {
public:
    std::size_t active = 0;   ///< connections in use, or being made
    std::size_t idle = 0;
    std::size_t waiters = 0;
    std::uint64_t created = 0;
    std::uint64_t reused = 0;
    std::uint64_t stale = 0;    ///< found closed when a request wanted them
    std::uint64_t evicted = 0;  ///< closed because they were idle too long or too many
};

/// How a client behaves. What can be set for one request too is the default here.
/// Errors: `std::invalid_argument` for a limit of 0 connections.
class client_options {
public:
    using duration = http::timeouts::duration;

    client_options() {}

    /// Connections in all, per origin, and kept while nobody uses them. Defaults: 100, 10, 20.
    client_options& connections_total(std::size_t count) { return total_ = positive(count, "connections_total"), *this; }
    client_options& connections_per_host(std::size_t count) {
        return per_host_ = positive(count, "connections_per_host"), *this;
    }
    client_options& connections_idle(std::size_t count) noexcept { return idle_ = count, *this; }
    /// How long a connection is kept idle. Default: 4 s, because servers close at 5. A server's
    /// "Keep-Alive: timeout=n" shortens it to n - 1.
    client_options& idle_limit(duration time) noexcept { return idle_limit_ = time, *this; }

    client_options& timeouts(const http::timeouts& t) noexcept { return timeouts_ = t, *this; }
    client_options& limits(const http::limits& l) noexcept { return limits_ = l, *this; }
    /// Redirects followed in a row. Default: 10. `follow_redirects(false)`: 3xx is delivered.
    client_options& max_redirects(std::size_t count) noexcept { return max_redirects_ = count, *this; }
    client_options& follow_redirects(bool yes) noexcept { return follow_redirects_ = yes, *this; }
    /// Whether a redirect may lead from https to http. Default: no, it is delivered as it is.
    client_options& allow_downgrade(bool yes) noexcept { return allow_downgrade_ = yes, *this; }
    /// Whether a request that may be repeated is sent once more, on a fresh connection, if a kept one
    /// was closed as the request left. Default: yes.
    client_options& retry_reused(bool yes) noexcept { return retry_reused_ = yes, *this; }
    client_options& decompress(bool yes) noexcept { return decompress_ = yes, *this; }
    /// Sent with every request that does not say otherwise. Errors: as `headers::add`.
    client_options& header(std::string_view name, std::string_view value) { return headers_.set(name, value), *this; }
    client_options& user_agent(std::string_view text) { return header("User-Agent", text); }

    /// Connects to this address where a URL says `host`: for tests, and instead of /etc/hosts. Several
    /// addresses, with commas between, are raced as those of a name are.
    client_options& resolve(std::string host, std::string address) {
        for (char& c : host) c = detail::to_lower(c);  // as a URL's host is
        addresses_[std::move(host)] = std::move(address);
        return *this;
    }
    /// Connects to this Unix socket, whatever host a URL says.
    client_options& unix_socket(std::string path) { return unix_socket_ = std::move(path), *this; }
    /// Sends requests through these proxies; see proxy.hpp. The environment is asked only if you do:
    /// `proxy(http::proxies::from_environment())`. A Unix socket is used without any.
    client_options& proxy(const http::proxies& which);
    /// What makes https work; see tls.hpp.
    client_options& tls(std::shared_ptr<tls_connector> connector) noexcept { return tls_ = std::move(connector), *this; }

    /// Who hears of the client's requests; see hooks.hpp.
    client_options& hooks(std::shared_ptr<const http::hooks> h) noexcept { return hooks_ = std::move(h), *this; }
    /// Keeps cookies and sends them; see cookie_jar.hpp. Clients may share a store. Default: none.
    client_options& cookies(std::shared_ptr<cookie_store> store) noexcept { return cookies_ = std::move(store), *this; }
    /// What a request passes before each sending; see host_limits.hpp. Clients may share it.
    client_options& gate(std::shared_ptr<request_gate> g) noexcept { return gate_ = std::move(g), *this; }
    /// A coding to ask for beside gzip and deflate; see brotli.hpp.
    client_options& coding(std::shared_ptr<content_coding> c) { return codings_.push_back(std::move(c)), *this; }
    /// Connections from here instead of from the sockets, for tests; see testing/mock_transport.hpp.
    client_options& network(std::shared_ptr<http::network> n) noexcept { return network_ = std::move(n), *this; }

    std::size_t connections_total() const noexcept { return total_; }
    std::size_t connections_per_host() const noexcept { return per_host_; }
    std::size_t connections_idle() const noexcept { return idle_; }
    duration idle_limit() const noexcept { return idle_limit_; }
    const http::timeouts& timeouts() const noexcept { return timeouts_; }
    const http::limits& limits() const noexcept { return limits_; }
    std::size_t max_redirects() const noexcept { return max_redirects_; }
    bool follow_redirects() const noexcept { return follow_redirects_; }
    bool allow_downgrade() const noexcept { return allow_downgrade_; }
    bool retry_reused() const noexcept { return retry_reused_; }
    bool decompress() const noexcept { return decompress_; }
    const http::headers& headers() const noexcept { return headers_; }
    const std::map<std::string, std::string>& addresses() const noexcept { return addresses_; }
    const std::string& unix_socket() const noexcept { return unix_socket_; }
    const std::shared_ptr<const proxy_route>& proxy() const noexcept { return proxies_; }
    const std::shared_ptr<tls_connector>& tls() const noexcept { return tls_; }
    const std::shared_ptr<const http::hooks>& hooks() const noexcept { return hooks_; }
    const std::shared_ptr<cookie_store>& cookies() const noexcept { return cookies_; }
    const std::shared_ptr<request_gate>& gate() const noexcept { return gate_; }
    const std::vector<std::shared_ptr<content_coding>>& codings() const noexcept { return codings_; }
    const std::shared_ptr<http::network>& network() const noexcept { return network_; }

private:
    static std::size_t positive(std::size_t count, const char* what) {
        if (count != 0) return count;
        throw std::invalid_argument(std::string("tandem::http::client_options: ") + what +
                                    " is 0 and no request could be made; give 1 or more");
    }

    std::size_t total_ = 100;
    std::size_t per_host_ = 10;
    std::size_t idle_ = 20;
    std::size_t max_redirects_ = 10;
    duration idle_limit_ = std::chrono::seconds(4);
    http::timeouts timeouts_;
    http::limits limits_;
    http::headers headers_;
    std::map<std::string, std::string> addresses_;
    std::string unix_socket_;
    std::shared_ptr<const proxy_route> proxies_;
    std::shared_ptr<tls_connector> tls_;
    std::shared_ptr<const http::hooks> hooks_;
    std::shared_ptr<cookie_store> cookies_;
    std::shared_ptr<request_gate> gate_;
    std::vector<std::shared_ptr<content_coding>> codings_;
    std::shared_ptr<http::network> network_;
    bool follow_redirects_ = true;
    bool allow_downgrade_ = false;
    bool retry_reused_ = true;
    bool decompress_ = true;
};

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
