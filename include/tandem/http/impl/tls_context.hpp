// tandem - the OpenSSL context of a tls_config: authorities, own certificate, versions
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <string>
#include <system_error>

#include <tandem/http/error.hpp>
#include <tandem/http/impl/tls_stream.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {
namespace detail {

using context_ptr = openssl_ptr<SSL_CTX, ::SSL_CTX_free>;
using x509_ptr = openssl_ptr<X509, ::X509_free>;
using bio_ptr = openssl_ptr<BIO, ::BIO_free_all>;

inline bio_ptr text_bio(const std::string& text) {
    bio_ptr bio(::BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    if (!bio) throw std::bad_alloc();
    return bio;
}

/// Throws `certificate` with OpenSSL's reason unless `good`.
inline void check_tls_setting(bool good, const std::string& what) {
    if (good) return;
    const unsigned long code = ::ERR_get_error();
    ::ERR_clear_error();
    const char* const reason = code != 0 ? ::ERR_reason_error_string(code) : nullptr;
    throw error(errc::certificate, phase::tls,
                what + " cannot be used: " + (reason ? reason : "it holds nothing of that kind"));
}

/// Calls `take` with each thing that `read` finds in a PEM text; says how many there were.
template <class Read, class Take>
int each_in_pem(const std::string& text, Read read, Take take) {
    const bio_ptr bio = text_bio(text);
    int count = 0;
    while (auto* const found = read(bio.get(), nullptr, nullptr, nullptr)) {
        ++count;
        take(found);
    }
    ::ERR_clear_error();  // the end of the text
    return count;
}

inline void trust_pem(SSL_CTX* context, const std::string& text) {
    X509_STORE* const store = ::SSL_CTX_get_cert_store(context);
    const int count = each_in_pem(text, &::PEM_read_bio_X509, [&](X509* found) {
        const x509_ptr authority(found);
        ::X509_STORE_add_cert(store, authority.get());
    });
    check_tls_setting(count != 0, "the text of ca_pem");
}

inline void revoke_pem(SSL_CTX* context, const std::string& text) {
    X509_STORE* const store = ::SSL_CTX_get_cert_store(context);
    const int count = each_in_pem(text, &::PEM_read_bio_X509_CRL, [&](X509_CRL* found) {
        const openssl_ptr<X509_CRL, ::X509_CRL_free> list(found);
        ::X509_STORE_add_crl(store, list.get());
    });
    check_tls_setting(count != 0, "the text of revoked_pem");
    ::X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
}

/// The certificate first, then the rest of the chain, and the key, from PEM texts.
inline void identify_pem(SSL_CTX* context, const std::string& chain, const std::string& key) {
    int at = 0;
    bool good = true;
    each_in_pem(chain, &::PEM_read_bio_X509, [&](X509* found) {
        x509_ptr one(found);
        if (at++ == 0) {
            good = ::SSL_CTX_use_certificate(context, one.get()) == 1;
        } else if (::SSL_CTX_add_extra_chain_cert(context, one.get()) == 1) {
            one.release();
        } else {
            good = false;
        }
    });
    check_tls_setting(good && at != 0, "the text of the certificate");
    const bio_ptr bio = text_bio(key);
    const openssl_ptr<EVP_PKEY, ::EVP_PKEY_free> own(
        ::PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
    check_tls_setting(own && ::SSL_CTX_use_PrivateKey(context, own.get()) == 1, "the text of the key");
}

/// Trusts what the system trusts. Gives the places that were tried if there is nothing in any.
inline std::string trust_system(SSL_CTX* context) {
    const auto given = [](const char* name, const char* otherwise) {
        const char* const value = std::getenv(name);
        return std::string(value && *value ? value : otherwise);
    };
    std::error_code ignored;
    const std::string file = given(::X509_get_default_cert_file_env(), ::X509_get_default_cert_file());
    const std::string folder = given(::X509_get_default_cert_dir_env(), ::X509_get_default_cert_dir());
    ::SSL_CTX_set_default_verify_paths(context);
    ::ERR_clear_error();
    if (std::filesystem::is_regular_file(file, ignored)) return {};
    const bool folder_filled =
        std::filesystem::is_directory(folder, ignored) && !std::filesystem::is_empty(folder, ignored);
    if (folder_filled && !ignored) return {};
    static constexpr std::array<const char*, 4> bundles{"/etc/ssl/certs/ca-certificates.crt",
                                                        "/etc/pki/tls/certs/ca-bundle.crt",
                                                        "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};
    std::string tried = file + ", " + folder;
    for (const char* const bundle : bundles) {
        if (::SSL_CTX_load_verify_locations(context, bundle, nullptr) == 1) return {};
        tried += std::string(", ") + bundle;
    }
    ::ERR_clear_error();
    return tried;
}

}  // namespace detail
}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
