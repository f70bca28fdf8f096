// SPDX-License-Identifier: Apache-2.0
#include "tls/context.h"

#include <openssl/err.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <utility>

#include "tls/files.h"
#include "tls/stream.h"

namespace cppipc::tls {
namespace {

// Four records at a time: fewer calls of the system, and no more memory while nothing is read.
constexpr std::size_t kReadBytes = 64 << 10;

// Where systems keep the authorities that they trust, if OpenSSL was built on another one.
constexpr std::array<const char*, 5> kSystemAuthorities{
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem"};

Owned<SSL_CTX> make_context(const SSL_METHOD* method) {
  Owned<SSL_CTX> context(checked(SSL_CTX_new(method)));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(),
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
  // Nothing is resumed, so nothing has to be kept for it.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  // So that whoever reads notices when there is nothing but control messages.
  SSL_CTX_clear_mode(context.get(), SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_read_ahead(context.get(), 1);
  SSL_CTX_set_default_read_buffer_len(context.get(), kReadBytes);
  return context;
}

const std::string& key_file_of(const std::string& key_file, const std::string& certificate_file) {
  return key_file.empty() ? certificate_file : key_file;
}

void demand_certificates(SSL_CTX* context, const std::string& authority_file) {
  const auto authorities = read_certificates(authority_file, "the clients' authority");
  trust(context, authorities);
  // What clients may be told, so that they find the right one of theirs.
  STACK_OF(X509_NAME)* names = checked(sk_X509_NAME_new_null());
  for (const auto& authority : authorities) {
    X509_NAME* name = X509_NAME_dup(X509_get_subject_name(authority.get()));
    if (name == nullptr || sk_X509_NAME_push(names, name) == 0) {
      X509_NAME_free(name);
      sk_X509_NAME_pop_free(names, X509_NAME_free);
      throw std::bad_alloc();
    }
  }
  SSL_CTX_set_client_CA_list(context, names);  // takes them
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     &Stream::note_verification);
}

void trust_system(SSL_CTX* context) {
  SSL_CTX_set_default_verify_paths(context);  // also those of the two variables
  const bool is_found = ::secure_getenv(X509_get_default_cert_file_env()) != nullptr ||
                        ::secure_getenv(X509_get_default_cert_dir_env()) != nullptr ||
                        ::access(X509_get_default_cert_file(), R_OK) == 0 ||
                        ::access(X509_get_default_cert_dir(), R_OK) == 0;
  for (const char* file : kSystemAuthorities) {
    if (is_found) break;
    if (::access(file, R_OK) == 0 && SSL_CTX_load_verify_file(context, file) == 1) break;
  }
  ERR_clear_error();
}

}  // namespace

ServerContext make_server_context(const TlsServerOptions& options) {
  ServerContext made;
  made.context = make_context(TLS_server_method());
  const std::string& key_file = key_file_of(options.key_file, options.certificate_file);
  const auto chain = read_certificates(options.certificate_file, "the certificate");
  const auto key = read_key(key_file);
  use(made.context.get(), chain, options.certificate_file, key.get(), key_file);
  if (!options.client_authority_file.empty()) {
    demand_certificates(made.context.get(), options.client_authority_file);
  }
  const X509* own = chain.front().get();
  const std::string subject = text_of(X509_get_subject_name(own));
  made.summary = "certificate " + (subject.empty() ? names_of(own) : subject) + ", valid until " +
                 text_of(X509_get0_notAfter(own));
  for (std::string warning : {age_of(own, options.certificate_file), exposure_of(key_file)}) {
    if (!warning.empty()) made.warnings.push_back(std::move(warning));
  }
  return made;
}

Owned<SSL_CTX> make_client_context(const TlsClientOptions& options) {
  Owned<SSL_CTX> context = make_context(TLS_client_method());
  if (options.authority_file.empty()) {
    trust_system(context.get());
  } else {
    trust(context.get(), read_certificates(options.authority_file, "the authority"));
  }
  if (!options.certificate_file.empty()) {
    const std::string& key_file = key_file_of(options.key_file, options.certificate_file);
    const auto chain = read_certificates(options.certificate_file, "the certificate");
    use(context.get(), chain, options.certificate_file, read_key(key_file).get(), key_file);
  } else if (!options.key_file.empty()) {
    throw Error(ErrorKind::kInvalidArgument, "there is a key of TLS, '" + options.key_file +
                                                 "', without the certificate that it belongs to");
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, &Stream::note_verification);
  return context;
}

}  // namespace cppipc::tls
