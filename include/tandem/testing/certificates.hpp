// tandem - testing::certificate_authority: keys and certificates for tests, made on the spot
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace testing {
namespace detail {

template <auto Free>
class openssl_deleter {
public:
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
using key_ptr = std::unique_ptr<EVP_PKEY, openssl_deleter<::EVP_PKEY_free>>;
using x509_ptr = std::unique_ptr<X509, openssl_deleter<::X509_free>>;
using bio_ptr = std::unique_ptr<BIO, openssl_deleter<::BIO_free_all>>;

inline void check_openssl(bool good, const std::string& what) {
    if (good) return;
    const char* const reason = ::ERR_reason_error_string(::ERR_get_error());
    ::ERR_clear_error();
    throw std::runtime_error("tandem::testing::certificate_authority: " + what +
                             " failed: " + (reason ? reason : "OpenSSL says no more"));
}

/// What `write` writes.
template <class Write>
std::string pem_text(Write write) {
    const bio_ptr to(::BIO_new(::BIO_s_mem()));
    check_openssl(to && write(to.get()) == 1, "writing PEM");
    char* text = nullptr;
    const long size = BIO_get_mem_data(to.get(), &text);
    return std::string(text, static_cast<std::size_t>(size));
}
inline std::string pem_of(X509& certificate) {
    return pem_text([&](BIO* to) { return ::PEM_write_bio_X509(to, &certificate); });
}
inline std::string pem_of(EVP_PKEY& key) {
    return pem_text(
        [&](BIO* to) { return ::PEM_write_bio_PrivateKey(to, &key, nullptr, nullptr, 0, nullptr, nullptr); });
}

}  // namespace detail

/// A certificate and its key, as PEM texts.
class certificate {
public:
    certificate(std::string own, std::string authorities, std::string secret)
        : pem(std::move(own)), chain(std::move(authorities)), key(std::move(secret)) {}

    std::string pem;
    std::string chain;  ///< the authorities below the root, the nearest first; empty if the root has signed
    std::string key;
};

/// What a certificate is to say. By default it is good for "localhost", 127.0.0.1 and ::1, for a day.
class certificate_wish {
public:
    /// As OpenSSL writes them: "DNS:example.org,DNS:*.example.org,IP:127.0.0.1".
    explicit certificate_wish(std::string names = "DNS:localhost,IP:127.0.0.1,IP:::1")
        : names_(std::move(names)) {}

    /// When it begins and ends, from now.
    certificate_wish& valid(std::chrono::seconds from, std::chrono::seconds to) {
        return from_ = from, to_ = to, *this;
    }
    certificate_wish& expired() { return valid(-std::chrono::hours(48), -std::chrono::hours(24)); }
    certificate_wish& not_yet_valid() { return valid(std::chrono::hours(24), std::chrono::hours(48)); }

    const std::string& names() const noexcept { return names_; }
    std::chrono::seconds from() const noexcept { return from_; }
    std::chrono::seconds to() const noexcept { return to_; }

private:
    std::string names_;
    std::chrono::seconds from_ = -std::chrono::hours(1);
    std::chrono::seconds to_ = std::chrono::hours(24);
};

/// Signs certificates for test servers and clients. Its own certificate is what a client is told to
/// trust: `http::tls_config().ca_pem(authority.pem())`. Nothing is written to disk.
/// Errors: `std::runtime_error` if OpenSSL refuses, names that it does not understand first of all.
class certificate_authority {
public:
    explicit certificate_authority(const std::string& name = "tandem test authority");

    const std::string& pem() const noexcept { return pem_; }
    certificate issue(const certificate_wish& wish = certificate_wish());
    /// An authority that this one has signed.
    certificate_authority intermediate(const std::string& name);
    /// A list of revoked certificates, as PEM: this one, or none.
    std::string revocation_list(const std::string& revoked_pem = {}) const;
    /// A certificate that nobody but itself vouches for.
    static certificate self_signed(const certificate_wish& wish = certificate_wish());

private:
    certificate_authority(detail::key_ptr key, detail::x509_ptr own, std::string chain)
        : key_(std::move(key)), own_(std::move(own)), pem_(detail::pem_of(*own_)), chain_(std::move(chain)) {}

    static detail::key_ptr new_key() {
        detail::key_ptr key(EVP_EC_gen("P-256"));
        detail::check_openssl(key != nullptr, "making a key");
        return key;
    }
    /// A certificate without extensions and signature, by `issuer` or by itself.
    static detail::x509_ptr draft(const std::string& name, const certificate_wish& wish, EVP_PKEY& key,
                                  X509* issuer);
    static void extend(X509& one, X509* issuer, int what, const std::string& value);
    static void make_authority(X509& one, X509* issuer, EVP_PKEY& signer);
    static void make_leaf(X509& one, X509* issuer, EVP_PKEY& signer, const certificate_wish& wish);

    detail::key_ptr key_;
    detail::x509_ptr own_;
    std::string pem_;
    std::string chain_;
};

// ---- implementation

inline detail::x509_ptr certificate_authority::draft(const std::string& name, const certificate_wish& wish,
                                                     EVP_PKEY& key, X509* issuer) {
    detail::x509_ptr one(::X509_new());
    detail::check_openssl(one != nullptr, "making a certificate");
    unsigned char serial[8];
    bool good = ::RAND_bytes(serial, sizeof(serial)) == 1;
    serial[0] &= 0x7f;  // no negative numbers
    const std::unique_ptr<BIGNUM, detail::openssl_deleter<::BN_free>> number(
        ::BN_bin2bn(serial, sizeof(serial), nullptr));
    good = good && number && ::BN_to_ASN1_INTEGER(number.get(), ::X509_get_serialNumber(one.get()));
    good =
        good && ::X509_set_version(one.get(), X509_VERSION_3) == 1 && ::X509_set_pubkey(one.get(), &key) == 1;
    good = good && ::X509_gmtime_adj(::X509_getm_notBefore(one.get()), wish.from().count()) &&
           ::X509_gmtime_adj(::X509_getm_notAfter(one.get()), wish.to().count());
    X509_NAME* const subject = ::X509_get_subject_name(one.get());
    good = good && ::X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                                reinterpret_cast<const unsigned char*>(name.data()),
                                                static_cast<int>(name.size()), -1, 0) == 1;
    good = good && ::X509_set_issuer_name(one.get(), issuer ? ::X509_get_subject_name(issuer) : subject) == 1;
    detail::check_openssl(good, "filling in a certificate");
    return one;
}

inline void certificate_authority::extend(X509& one, X509* issuer, int what, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    ::X509V3_set_ctx(&context, issuer ? issuer : &one, &one, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, detail::openssl_deleter<::X509_EXTENSION_free>> extension(
        ::X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str()));
    detail::check_openssl(extension && ::X509_add_ext(&one, extension.get(), -1) == 1,
                          "the extension \"" + value + "\"");
}

inline void certificate_authority::make_authority(X509& one, X509* issuer, EVP_PKEY& signer) {
    extend(one, issuer, NID_basic_constraints, "critical,CA:TRUE");
    extend(one, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
    extend(one, issuer, NID_subject_key_identifier, "hash");
    detail::check_openssl(::X509_sign(&one, &signer, ::EVP_sha256()) != 0, "signing");
}

inline void certificate_authority::make_leaf(X509& one, X509* issuer, EVP_PKEY& signer,
                                             const certificate_wish& wish) {
    extend(one, issuer, NID_basic_constraints, "critical,CA:FALSE");
    extend(one, issuer, NID_subject_alt_name, wish.names());
    detail::check_openssl(::X509_sign(&one, &signer, ::EVP_sha256()) != 0, "signing");
}

inline certificate_authority::certificate_authority(const std::string& name) : key_(new_key()) {
    own_ = draft(name, certificate_wish(), *key_, nullptr);
    make_authority(*own_, nullptr, *key_);
    pem_ = detail::pem_of(*own_);
}

inline certificate certificate_authority::issue(const certificate_wish& wish) {
    const detail::key_ptr key = new_key();
    const detail::x509_ptr one = draft("tandem test", wish, *key, own_.get());
    make_leaf(*one, own_.get(), *key_, wish);
    return certificate(detail::pem_of(*one), chain_, detail::pem_of(*key));
}

inline certificate_authority certificate_authority::intermediate(const std::string& name) {
    detail::key_ptr key = new_key();
    detail::x509_ptr one = draft(name, certificate_wish(), *key, own_.get());
    make_authority(*one, own_.get(), *key_);
    std::string chain = detail::pem_of(*one) + chain_;
    return certificate_authority(std::move(key), std::move(one), std::move(chain));
}

inline certificate certificate_authority::self_signed(const certificate_wish& wish) {
    const detail::key_ptr key = new_key();
    const detail::x509_ptr one = draft("tandem test", wish, *key, nullptr);
    make_leaf(*one, nullptr, *key, wish);
    return certificate(detail::pem_of(*one), {}, detail::pem_of(*key));
}

inline std::string certificate_authority::revocation_list(const std::string& revoked_pem) const {
    const std::unique_ptr<X509_CRL, detail::openssl_deleter<::X509_CRL_free>> list(::X509_CRL_new());
    const std::unique_ptr<ASN1_TIME, detail::openssl_deleter<::ASN1_TIME_free>> now(
        ::X509_gmtime_adj(nullptr, -3600));
    const std::unique_ptr<ASN1_TIME, detail::openssl_deleter<::ASN1_TIME_free>> next(
        ::X509_gmtime_adj(nullptr, 24 * 3600));
    bool good = list && now && next && ::X509_CRL_set_version(list.get(), X509_CRL_VERSION_2) == 1 &&
                ::X509_CRL_set_issuer_name(list.get(), ::X509_get_subject_name(own_.get())) == 1 &&
                ::X509_CRL_set1_lastUpdate(list.get(), now.get()) == 1 &&
                ::X509_CRL_set1_nextUpdate(list.get(), next.get()) == 1;
    if (good && !revoked_pem.empty()) {
        const detail::bio_ptr from(
            ::BIO_new_mem_buf(revoked_pem.data(), static_cast<int>(revoked_pem.size())));
        const detail::x509_ptr which(::PEM_read_bio_X509(from.get(), nullptr, nullptr, nullptr));
        std::unique_ptr<X509_REVOKED, detail::openssl_deleter<::X509_REVOKED_free>> row(::X509_REVOKED_new());
        good = which && row &&
               ::X509_REVOKED_set_serialNumber(row.get(), ::X509_get_serialNumber(which.get())) == 1 &&
               ::X509_REVOKED_set_revocationDate(row.get(), now.get()) == 1 &&
               ::X509_CRL_add0_revoked(list.get(), row.get()) == 1;
        if (good) row.release();
    }
    good = good && ::X509_CRL_sign(list.get(), key_.get(), ::EVP_sha256()) != 0;
    detail::check_openssl(good, "a revocation list");
    return detail::pem_text([&](BIO* to) { return ::PEM_write_bio_X509_CRL(to, list.get()); });
}

}  // namespace testing
}  // namespace tandem::inline TANDEM_ABI
