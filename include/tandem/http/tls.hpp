// tandem - http::tls: https for a client, by OpenSSL, verified unless you say otherwise
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <array>
#include <cerrno>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tandem/http/client_options.hpp>
#include <tandem/http/impl/socket_stream.hpp>
#include <tandem/http/transport.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

/// How https connections are secured. By default: TLS 1.2 or newer, the certificate is checked against
/// the system's roots (SSL_CERT_FILE and SSL_CERT_DIR are honoured) and against the host name.
class tls_config {
public:
    tls_config() {}

    /// Trusts only the authorities in this PEM file, or in this PEM text, instead of the system's.
    tls_config& ca_file(std::string path) { return ca_file_ = std::move(path), *this; }
    tls_config& ca_pem(std::string text) { return ca_pem_ = std::move(text), *this; }
    /// Shows this certificate chain to servers that ask; PEM files.
    tls_config& client_certificate(std::string chain, std::string key) {
        certificate_ = std::move(chain);
        key_ = std::move(key);
        return *this;
    }
    /// Accepts any certificate of anybody. For experiments: it protects from nothing.
    tls_config& insecure_accept_any_certificate(bool yes) noexcept { return insecure_ = yes, *this; }
    /// Refuses TLS 1.2.
    tls_config& tls13_only(bool yes) noexcept { return tls13_only_ = yes, *this; }

    const std::string& ca_file() const noexcept { return ca_file_; }
    const std::string& ca_pem() const noexcept { return ca_pem_; }
    const std::string& certificate() const noexcept { return certificate_; }
    const std::string& key() const noexcept { return key_; }
    bool insecure() const noexcept { return insecure_; }
    bool tls13_only() const noexcept { return tls13_only_; }

private:
    std::string ca_file_;
    std::string ca_pem_;
    std::string certificate_;
    std::string key_;
    bool insecure_ = false;
    bool tls13_only_ = false;
};

/// Makes what `client_options::tls` takes: `client_options().tls(http::tls())`. Link OpenSSL.
/// Errors: `certificate` if a file cannot be used.
/// Cost: reading the system's roots takes 20 ms; once here, not per connection.
std::shared_ptr<tls_connector> tls(const tls_config& config = tls_config());

// ---- implementation

namespace detail {

template <class Socket>
class tls_stream final : public byte_stream {
public:
    tls_stream(Socket&& socket, boost::asio::ssl::context& context) : stream_(std::move(socket), context) {}

    boost::asio::ssl::stream<Socket>& ssl() noexcept { return stream_; }
    void handshake_done() noexcept { secured_ = true; }

    void start_read(stream_operation& op, std::span<char> into) override {
        stream_.async_read_some(boost::asio::mutable_buffer(into.data(), into.size()), handler(op));
    }
    void start_write(stream_operation& op, std::string_view first, std::string_view second) override {
        const std::array<boost::asio::const_buffer, 2> both{boost::asio::const_buffer(first.data(), first.size()),
                                                            boost::asio::const_buffer(second.data(), second.size())};
        stream_.async_write_some(both, handler(op));
    }
    void cancel() noexcept override {
        boost::system::error_code ignored;
        stream_.next_layer().cancel(ignored);
    }
    // Says goodbye if that takes no waiting; does not wait for the peer to say it too.
    void close() noexcept override {
        boost::system::error_code ignored;
        if (std::exchange(secured_, false)) {
            stream_.next_layer().non_blocking(true, ignored);
            if (!ignored) stream_.shutdown(ignored);
        }
        stream_.next_layer().close(ignored);
    }
    bool looks_alive() noexcept override {
        char byte;
        return ::SSL_pending(stream_.native_handle()) == 0 &&
               ::recv(stream_.next_layer().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
               (errno == EAGAIN || errno == EWOULDBLOCK);
    }

private:
    boost::asio::ssl::stream<Socket> stream_;
    bool secured_ = false;
};

/// One context for all connections of a config.
class openssl_connector final : public tls_connector {
public:
    explicit openssl_connector(const tls_config& config) : context_(boost::asio::ssl::context::tls_client), insecure_(config.insecure()) {
        namespace ssl = boost::asio::ssl;
        boost::system::error_code ec;
        ::SSL_CTX_set_min_proto_version(context_.native_handle(), config.tls13_only() ? TLS1_3_VERSION : TLS1_2_VERSION);
        context_.set_verify_mode(insecure_ ? ssl::verify_none : ssl::verify_peer, ec);
        constexpr unsigned char protocols[] = "\x08http/1.1";
        ::SSL_CTX_set_alpn_protos(context_.native_handle(), protocols, sizeof(protocols) - 1);
        if (!config.ca_pem().empty()) {
            context_.add_certificate_authority(boost::asio::buffer(config.ca_pem()), ec);
            check(ec, "the text of ca_pem");
        }
        if (!config.ca_file().empty()) {
            context_.load_verify_file(config.ca_file(), ec);
            check(ec, shown(config.ca_file()));
        }
        if (config.ca_pem().empty() && config.ca_file().empty() && !insecure_) context_.set_default_verify_paths(ec);
        if (!config.certificate().empty()) {
            context_.use_certificate_chain_file(config.certificate(), ec);
            check(ec, shown(config.certificate()));
            context_.use_private_key_file(config.key(), ssl::context::pem, ec);
            check(ec, shown(config.key()));
        }
    }

    task<std::unique_ptr<byte_stream>> secure(std::unique_ptr<byte_stream> plain, std::string host) override {
        using tcp = socket_stream<boost::asio::ip::tcp>;
        using local = socket_stream<boost::asio::local::stream_protocol>;
        if (auto* const over_tcp = dynamic_cast<tcp*>(plain.get())) {
            return handshake<tcp::socket>(over_tcp->release(), std::move(host));
        }
        if (auto* const over_local = dynamic_cast<local*>(plain.get())) {
            return handshake<local::socket>(over_local->release(), std::move(host));
        }
        throw error(errc::tls, phase::tls, "only over TCP and Unix sockets");
    }

private:
    static void check(const boost::system::error_code& ec, const std::string& what) {
        if (ec) throw error(errc::certificate, phase::tls, what + " cannot be used: " + ec.message());
    }

    template <class Socket>
    task<std::unique_ptr<byte_stream>> handshake(Socket socket, std::string host) {
        auto stream = std::make_unique<tls_stream<Socket>>(std::move(socket), context_);
        ::SSL* const ssl = stream->ssl().native_handle();
        boost::system::error_code is_name;
        boost::asio::ip::make_address(host, is_name);
        if (is_name) {
            ::SSL_set_tlsext_host_name(ssl, host.c_str());  // never for an address
            ::SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
            ::SSL_set1_host(ssl, host.c_str());
        } else {
            ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl), host.c_str());
        }
        boost::system::error_code ec;
        co_await stream->ssl().async_handshake(boost::asio::ssl::stream_base::client,
                                               boost::asio::redirect_error(use_task, ec));
        if (ec) refuse(ssl, host, ec);
        stream->handshake_done();
        std::unique_ptr<byte_stream> made = std::move(stream);
        co_return made;
    }

    void refuse(::SSL* ssl, const std::string& host, const boost::system::error_code& ec) const {
        const long verdict = ::SSL_get_verify_result(ssl);
        if (verdict != X509_V_OK && !insecure_) {
            throw error(errc::certificate, phase::tls,
                        shown(host) + ": " + ::X509_verify_cert_error_string(verdict) +
                            "; check the host name, or trust its authority with tls_config::ca_file");
        }
        error failed(errc::tls, phase::tls, shown(host) + ": " + ec.message());
        throw failed.cause(ec);
    }

    boost::asio::ssl::context context_;
    bool insecure_;
};

}  // namespace detail

inline std::shared_ptr<tls_connector> tls(const tls_config& config) {
    return std::make_shared<detail::openssl_connector>(config);
}

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
