// SPDX-License-Identifier: Apache-2.0
#pragma once
// Certificates and keys in files of PEM.

#include <string>
#include <vector>

#include "tls/openssl.h"

namespace cppipc::tls {

// All certificates of a file, in its order; at least one. `what` says what the file is, for the
// texts of errors: "the certificate". Errors: kInputOutput, kInvalidArgument.
std::vector<Owned<X509>> read_certificates(const std::string& file, const std::string& what);

// The private key of a file. Errors: as above; also if it wants a passphrase.
Owned<EVP_PKEY> read_key(const std::string& file);

// Has a context show the first certificate with those behind it, and prove it by the key.
// Errors: kInvalidArgument if they do not belong together, or are too weak to be used.
void use(SSL_CTX* context, const std::vector<Owned<X509>>& chain, const std::string& chain_file,
         EVP_PKEY* key, const std::string& key_file);

// Has a context trust those who have signed. `certificates` are their own.
void trust(SSL_CTX* context, const std::vector<Owned<X509>>& certificates);

// A warning if users other than the owner may read the file; else empty.
std::string exposure_of(const std::string& key_file);
// A warning if the certificate is not good now; else empty.
std::string age_of(const X509* certificate, const std::string& file);

}  // namespace cppipc::tls
