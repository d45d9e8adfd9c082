// tandem - testing::server_tls: TLS for a testing::http_server
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include <tandem/http/tls.hpp>
#include <tandem/testing/certificates.hpp>
#include <tandem/testing/http_server.hpp>

namespace tandem::inline TANDEM_ABI {
namespace testing {

/// `http_server server(std::make_shared<server_tls>(authority.issue()))` answers on https.
/// Everything is said before the server is made; the counts may be read from any thread.
class server_tls final : public server_security {
public:
    explicit server_tls(const certificate& own) : context_(::SSL_CTX_new(::TLS_server_method())) {
        if (!context_) throw std::bad_alloc();
        http::detail::identify_pem(context_.get(), own.pem + own.chain, own.key);
        ::SSL_CTX_set_alpn_select_cb(context_.get(), &choose, this);
        constexpr unsigned char name[] = "tandem";
        ::SSL_CTX_set_session_id_context(context_.get(), name, sizeof(name) - 1);
    }
    server_tls(const server_tls&) = delete;
    server_tls& operator=(const server_tls&) = delete;

    /// Refuses clients that show no certificate of this authority.
    server_tls& require_client(const std::string& ca_pem) {
        http::detail::trust_pem(context_.get(), ca_pem);
        ::SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
        return *this;
    }
    /// Speaks no other version than this: TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION.
    server_tls& only_version(int version) {
        if (version < TLS1_2_VERSION) ::SSL_CTX_set_cipher_list(context_.get(), "ALL:@SECLEVEL=0");
        ::SSL_CTX_set_min_proto_version(context_.get(), version);
        ::SSL_CTX_set_max_proto_version(context_.get(), version);
        return *this;
    }

    /// Handshakes that came to their end, and how many of them took up a session.
    std::size_t handshakes() const noexcept { return handshakes_; }
    std::size_t resumed() const noexcept { return resumed_; }
    /// How many clients asked for "http/1.1" by ALPN, and for the server by its name.
    std::size_t asked_for_http11() const noexcept { return http11_; }
    std::size_t asked_by_name() const noexcept { return named_; }

    task<std::unique_ptr<http::byte_stream>> accept(std::unique_ptr<http::byte_stream> plain) override {
        auto stream =
            std::make_unique<http::detail::tls_stream>(http::detail::take_socket(*plain), context_.get());
        plain.reset();
        ::SSL_set_accept_state(stream->ssl());
        const boost::system::error_code ec = co_await stream->handshake();
        std::unique_ptr<http::byte_stream> made;
        if (!ec) {
            ++handshakes_;
            if (::SSL_session_reused(stream->ssl()) == 1) ++resumed_;
            if (::SSL_get_servername(stream->ssl(), TLSEXT_NAMETYPE_host_name)) ++named_;
            made = std::move(stream);
        }
        co_return made;
    }

private:
    static int choose(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                      unsigned int offered_size, void* self) {
        static constexpr unsigned char http11[] = "\x08http/1.1";
        unsigned char* found = nullptr;
        if (::SSL_select_next_proto(&found, size, http11, sizeof(http11) - 1, offered, offered_size) !=
            OPENSSL_NPN_NEGOTIATED) {
            return SSL_TLSEXT_ERR_ALERT_FATAL;
        }
        ++static_cast<server_tls*>(self)->http11_;
        *chosen = found;
        return SSL_TLSEXT_ERR_OK;
    }

    http::detail::context_ptr context_;
    std::atomic<std::size_t> handshakes_{0}, resumed_{0}, http11_{0}, named_{0};
};

}  // namespace testing
}  // namespace tandem::inline TANDEM_ABI
