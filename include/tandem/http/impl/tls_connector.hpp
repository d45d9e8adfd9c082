// tandem - the tls_connector of OpenSSL: one context for all connections of a config
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include <tandem/http/error.hpp>
#include <tandem/http/headers.hpp>
#include <tandem/http/socket_stream.hpp>
#include <tandem/http/impl/tls_context.hpp>
#include <tandem/http/impl/tls_sessions.hpp>
#include <tandem/http/impl/tls_stream.hpp>
#include <tandem/http/tls_config.hpp>
#include <tandem/http/transport.hpp>
#include <tandem/http/url.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {
namespace detail {

/// The socket below a plain stream, for TLS to sit on.
inline socket_stream::socket take_socket(byte_stream& plain) {
    if (auto* const over_socket = dynamic_cast<socket_stream*>(&plain)) return over_socket->release();
    throw error(errc::tls, phase::tls, "only over TCP and Unix sockets");
}

/// The names that a certificate is for, as a server's operator would list them.
inline std::string names_in(const X509* certificate) {
    std::string out;
    const auto add = [&out](std::string name) {
        std::replace_if(
            name.begin(), name.end(), [](char c) { return c <= ' ' || c >= 0x7f; }, '?');
        out += (out.empty() ? "" : ", ") + name;
    };
    const openssl_ptr<GENERAL_NAMES, ::GENERAL_NAMES_free> names(
        static_cast<GENERAL_NAMES*>(::X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        const GENERAL_NAME* const one = sk_GENERAL_NAME_value(names.get(), i);
        if (one->type != GEN_DNS && one->type != GEN_IPADD) continue;
        const unsigned char* const bytes = ::ASN1_STRING_get0_data(one->d.ia5);
        const int size = ::ASN1_STRING_length(one->d.ia5);
        if (one->type == GEN_DNS) {
            add(std::string(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)));
        } else if (one->type == GEN_IPADD && size == 4) {
            boost::asio::ip::address_v4::bytes_type v4;
            std::copy(bytes, bytes + size, v4.begin());
            add(boost::asio::ip::address_v4(v4).to_string());
        } else if (one->type == GEN_IPADD && size == 16) {
            boost::asio::ip::address_v6::bytes_type v6;
            std::copy(bytes, bytes + size, v6.begin());
            add(boost::asio::ip::address_v6(v6).to_string());
        }
    }
    return out.empty() ? "no name at all" : out;
}

inline std::string end_of_validity(const X509* certificate) {
    const bio_ptr bio(::BIO_new(::BIO_s_mem()));
    if (!bio || ::ASN1_TIME_print(bio.get(), ::X509_get0_notAfter(certificate)) != 1)
        return "an unknown time";
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return std::string(text, static_cast<std::size_t>(size));
}

/// What can be done about a certificate that was refused.
inline std::string advice_on(long verdict, const X509* certificate) {
    switch (verdict) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return "; it is for " + (certificate ? names_in(certificate) : "nobody");
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return (certificate ? ", on " + end_of_validity(certificate) : std::string()) +
                   "; compare this machine's clock";
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return "; compare this machine's clock";
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return "; the server does not send the whole chain, or trust its authority with "
                   "tls_config::ca_file";
        case X509_V_ERR_CERT_REVOKED:
            return "; the server needs another one";
        case X509_V_ERR_UNABLE_TO_GET_CRL:
            return "; tls_config::revoked_pem needs a list of each authority";
        default:
            return "; trust its authority with tls_config::ca_file";
    }
}

/// What can be done about a handshake that failed for other reasons.
inline const char* advice_on(const boost::system::error_code& ec) {
    if (ec == boost::asio::ssl::error::stream_truncated || ec == boost::asio::error::connection_reset) {
        return "; the server hung up, is it one for TLS?";
    }
    if (ec.category() != boost::asio::error::get_ssl_category()) return "";
    switch (ERR_GET_REASON(static_cast<unsigned long>(ec.value()))) {
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_HTTP_REQUEST:
            return "; the server does not speak TLS on this port";
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_VERSION_TOO_LOW:
            return "; the two sides have no version of TLS in common, see tls_config::tls13_only";
        case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
            return "; the two sides have no cipher in common, or a client certificate is missing";
        default:
            return "";
    }
}

/// Remembers which certificate of a chain was refused: OpenSSL gives only the reason.
class refused_certificate {
public:
    static void watch(SSL_CTX* context) { ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER, &judged); }
    /// Null if none was.
    static const X509* of(const SSL* ssl) noexcept {
        return static_cast<const X509*>(::SSL_get_ex_data(ssl, index()));
    }

private:
    TANDEM_PROCESS_WIDE static int index() {
        static const int one = ::SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, &free_certificate);
        return one;
    }
    static void free_certificate(void*, void* certificate, CRYPTO_EX_DATA*, int, long, void*) {
        ::X509_free(static_cast<X509*>(certificate));
    }
    static int judged(int good, X509_STORE_CTX* chain) {
        auto* const ssl =
            static_cast<SSL*>(::X509_STORE_CTX_get_ex_data(chain, ::SSL_get_ex_data_X509_STORE_CTX_idx()));
        X509* const current = ::X509_STORE_CTX_get_current_cert(chain);
        if (!good && current && !of(ssl) && ::X509_up_ref(current) == 1) {
            if (::SSL_set_ex_data(ssl, index(), current) != 1) ::X509_free(current);
        }
        return good;
    }
};

class openssl_connector final : public tls_connector {
public:
    explicit openssl_connector(const tls_config& config)
        : context_(::SSL_CTX_new(::TLS_client_method())), insecure_(config.insecure()) {
        if (!context_) throw std::bad_alloc();
        SSL_CTX* const c = context_.get();
        ::SSL_CTX_set_min_proto_version(c, config.tls13_only() ? TLS1_3_VERSION : TLS1_2_VERSION);
        ::SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION);
        if (!insecure_) refused_certificate::watch(c);
        constexpr unsigned char protocols[] = "\x08http/1.1";
        ::SSL_CTX_set_alpn_protos(c, protocols, sizeof(protocols) - 1);
        if (config.reuse_sessions()) {
            sessions_ = std::make_shared<tls_sessions>();
            tls_sessions::collect(c);
        }
        trust(config);
        if (config.certificate().empty()) return;
        if (config.certificate_is_text()) {
            identify_pem(c, config.certificate(), config.key());
            return;
        }
        check_tls_setting(::SSL_CTX_use_certificate_chain_file(c, config.certificate().c_str()) == 1,
                          shown(config.certificate()));
        check_tls_setting(::SSL_CTX_use_PrivateKey_file(c, config.key().c_str(), SSL_FILETYPE_PEM) == 1,
                          shown(config.key()));
    }

    task<std::unique_ptr<byte_stream>> secure(std::unique_ptr<byte_stream> plain, url to) override {
        if (!no_roots_.empty()) {
            throw error(errc::certificate, phase::tls,
                        "this system has no trusted authorities (tried " + no_roots_ +
                            "); install ca-certificates, or name them with tls_config::ca_file");
        }
        auto stream = std::make_unique<tls_stream>(take_socket(*plain), context_.get());
        plain.reset();
        std::string host = to.host();
        if (host.ends_with('.')) host.pop_back();  // DNS has that dot, certificates and RFC 6066 do not
        expect(stream->ssl(), host);
        if (sessions_) sessions_->use(stream->ssl(), to.authority());
        const boost::system::error_code ec = co_await stream->handshake();
        if (ec) refuse(stream->ssl(), host, ec);
        std::unique_ptr<byte_stream> made = std::move(stream);
        co_return made;
    }

private:
    void trust(const tls_config& config) {
        SSL_CTX* const c = context_.get();
        if (!config.ca_pem().empty()) trust_pem(c, config.ca_pem());
        if (!config.ca_file().empty()) {
            check_tls_setting(::SSL_CTX_load_verify_locations(c, config.ca_file().c_str(), nullptr) == 1,
                              shown(config.ca_file()));
        }
        if (config.ca_pem().empty() && config.ca_file().empty() && !insecure_) no_roots_ = trust_system(c);
        if (!config.revoked_pem().empty()) revoke_pem(c, config.revoked_pem());
    }

    // Says whom the connection is for: in the clear to the server, and to the check of its certificate.
    void expect(SSL* ssl, const std::string& host) {
        ::SSL_set_connect_state(ssl);
        boost::system::error_code is_name;
        boost::asio::ip::make_address(host, is_name);
        bool good = true;
        if (is_name) {
            // SSL_set_tlsext_host_name, a macro with a C cast; never for an address
            good = ::SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                              const_cast<char*>(host.c_str())) == 1;
            ::SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
            good = ::SSL_set1_host(ssl, host.c_str()) == 1 && good;
        } else {
            good = ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl), host.c_str()) == 1;
        }
        if (!good)
            throw error(errc::tls, phase::tls,
                        shown(host) + " is no name that a certificate could be checked for");
    }

    [[noreturn]] void refuse(SSL* ssl, const std::string& host, const boost::system::error_code& ec) const {
        const long verdict = ::SSL_get_verify_result(ssl);
        if (verdict != X509_V_OK && !insecure_) {
            throw error(errc::certificate, phase::tls,
                        shown(host) + ": " + ::X509_verify_cert_error_string(verdict) +
                            advice_on(verdict, refused_certificate::of(ssl)));
        }
        error failed(errc::tls, phase::tls, shown(host) + ": " + ec.message() + advice_on(ec));
        throw failed.cause(ec);
    }

    context_ptr context_;
    std::shared_ptr<tls_sessions> sessions_;
    std::string no_roots_;
    bool insecure_;
};

}  // namespace detail
}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
