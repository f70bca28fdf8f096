// SPDX-License-Identifier: Apache-2.0
#pragma once
// Owners of OpenSSL's objects, and what it says of certificates, as text.

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

namespace cppipc::tls {

struct Free {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

inline std::string in_quotes(const std::string& text) { return "'" + text + "'"; }
// "CN=engine,O=Example", as RFC 2253 writes it but in the order of the certificate; empty if the
// name is.
std::string text_of(const X509_NAME* name);
// "2027-01-31 12:00:00 UTC".
std::string text_of(const ASN1_TIME* time);
// The host names and addresses that a certificate is for, each in quotes.
std::string names_of(const X509* certificate);
// Who a certificate says it is for: its subject and who says so; its SHA-256 if it has no subject.
std::string identity_of(const X509* certificate);
// What the oldest error of this thread's queue is called: "no suitable signature algorithm". The
// queue is empty afterwards. "an unknown error" if there is none.
std::string take_error();
// Errors: std::bad_alloc with a null pointer: that is all that can be the reason.
template <class T>
T* checked(T* made) {
  if (made == nullptr) throw std::bad_alloc();
  return made;
}

}  // namespace cppipc::tls
