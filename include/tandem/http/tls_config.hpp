// tandem - http::tls_config: whom https trusts, and what it shows of itself
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <utility>

#include <tandem/base/config.hpp>

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
    /// Refuses the certificates in these revocation lists; every authority in use needs one then.
    tls_config& revoked_pem(std::string lists) { return revoked_ = std::move(lists), *this; }
    /// Shows this certificate chain to servers that ask: PEM files, or PEM texts.
    tls_config& client_certificate(std::string chain, std::string key) {
        return own_is_text_ = false, identify(std::move(chain), std::move(key));
    }
    tls_config& client_certificate_pem(std::string chain, std::string key) {
        return own_is_text_ = true, identify(std::move(chain), std::move(key));
    }
    /// Accepts any certificate of anybody. For experiments: it protects from nothing.
    tls_config& insecure_accept_any_certificate(bool yes) noexcept { return insecure_ = yes, *this; }
    /// Refuses TLS 1.2.
    tls_config& tls13_only(bool yes) noexcept { return tls13_only_ = yes, *this; }
    /// Whether a connection may go on where an earlier one to the same host has left, which saves the
    /// exchange of certificates. Default: yes.
    tls_config& reuse_sessions(bool yes) noexcept { return reuse_sessions_ = yes, *this; }

    const std::string& ca_file() const noexcept { return ca_file_; }
    const std::string& ca_pem() const noexcept { return ca_pem_; }
    const std::string& revoked_pem() const noexcept { return revoked_; }
    const std::string& certificate() const noexcept { return certificate_; }
    const std::string& key() const noexcept { return key_; }
    bool certificate_is_text() const noexcept { return own_is_text_; }
    bool insecure() const noexcept { return insecure_; }
    bool tls13_only() const noexcept { return tls13_only_; }
    bool reuse_sessions() const noexcept { return reuse_sessions_; }

private:
    tls_config& identify(std::string chain, std::string key) {
        certificate_ = std::move(chain);
        key_ = std::move(key);
        return *this;
    }

    std::string ca_file_;
    std::string ca_pem_;
    std::string revoked_;
    std::string certificate_;
    std::string key_;
    bool own_is_text_ = false;
    bool insecure_ = false;
    bool tls13_only_ = false;
    bool reuse_sessions_ = true;
};

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
