// SPDX-License-Identifier: Apache-2.0
// What the library exports: one function, by which all of it is reached.
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <new>
#include <utility>

#include "rpc/tls_library.h"
#include "tls/context.h"
#include "tls/stream.h"

namespace cppipc::tls {
namespace {

// Threads: any. A connection shares the context that it began with, so that a reload cannot take
// it away.
class Acceptor final : public TlsAcceptor {
 public:
  explicit Acceptor(TlsServerOptions options)
      : options_(std::move(options)), now_(make_server_context(options_)) {}

  void reload() override {
    ServerContext fresh = make_server_context(options_);
    const std::lock_guard lock(mutex_);
    std::swap(now_, fresh);
  }
  std::string summary() const override {
    const std::lock_guard lock(mutex_);
    return now_.summary;
  }
  std::vector<std::string> warnings() const override {
    const std::lock_guard lock(mutex_);
    return now_.warnings;
  }

  std::unique_ptr<Channel> accept(int fd) override {
    Owned<SSL> ssl;
    {
      const std::lock_guard lock(mutex_);
      ssl.reset(checked(SSL_new(now_.context.get())));
    }
    SSL_set_accept_state(ssl.get());
    return std::make_unique<Stream>(
        std::move(ssl), fd,
        About{true, options_.client_authority_file, options_.certificate_file, {}});
  }

 private:
  const TlsServerOptions options_;
  mutable std::mutex mutex_;
  ServerContext now_;
};

bool is_ip_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

// A host as certificates have it: without the zone of an IPv6 address, or the dot at the end.
std::string plain(std::string host) {
  host.resize(std::min(host.size(), host.find('%')));
  if (host.size() > 1 && host.back() == '.') host.pop_back();
  return host;
}

void expect_name(SSL* ssl, const std::string& name) {
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl);
  bool is_taken = false;
  if (is_ip_address(name)) {
    is_taken = X509_VERIFY_PARAM_set1_ip_asc(wanted, name.c_str()) == 1;
  } else {
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    // To OpenSSL a dot in front would mean any host below that name.
    is_taken = name.find('\0') == std::string::npos && !name.starts_with('.') &&
               X509_VERIFY_PARAM_set1_host(wanted, name.c_str(), name.size()) == 1 &&
               SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
  }
  ERR_clear_error();
  if (!is_taken) {
    throw Error(ErrorKind::kInvalidArgument,
                "'" + std::string(name.c_str()) + "' is no name that a server can have");
  }
}

class Library final : public TlsLibrary {
 public:
  std::shared_ptr<TlsAcceptor> acceptor(TlsServerOptions options) const override {
    return std::make_shared<Acceptor>(std::move(options));
  }

  std::unique_ptr<Channel> connector(int fd, const TlsClientOptions& options,
                                     const std::string& host) const override {
    const std::string name = plain(options.server_name.empty() ? host : options.server_name);
    if (name.empty()) {
      throw Error(ErrorKind::kInvalidArgument,
                  "the server_name is missing, which its certificate is to have");
    }
    const Owned<SSL_CTX> context = make_client_context(options);
    Owned<SSL> ssl(checked(SSL_new(context.get())));
    SSL_set_connect_state(ssl.get());
    expect_name(ssl.get(), name);
    return std::make_unique<Stream>(
        std::move(ssl), fd, About{false, options.authority_file, options.certificate_file, name});
  }
};

}  // namespace
}  // namespace cppipc::tls

extern "C" __attribute__((visibility("default"))) const cppipc::TlsLibrary* cppipc_tls_library_1() {
  // Before anything else of OpenSSL's. It is not taken down at exit: threads, and objects that
  // outlive main(), may still use it.
  static const bool is_ready = OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, nullptr) == 1;
  static const cppipc::tls::Library library;
  return is_ready ? &library : nullptr;
}
