// SPDX-License-Identifier: Apache-2.0
#pragma once
// The library that speaks TLS: what is asked of it, and loading it.

#include <cppipc/tls.h>

#include <memory>
#include <string>

#include "rpc/channel.h"

namespace cppipc {

class TlsAcceptor : public TlsServer {
 public:
  // The server's side of a connection, whose handshake has not begun. Errors: kOutOfMemory.
  virtual std::unique_ptr<Channel> accept(int fd) = 0;
};

// Threads: any.
class TlsLibrary {
 public:
  virtual ~TlsLibrary() = default;
  // Errors: as TlsServer::load().
  virtual std::shared_ptr<TlsAcceptor> acceptor(TlsServerOptions options) const = 0;
  // The client's side. `host` is the name that was connected to. Errors: as TlsServer::load().
  virtual std::unique_ptr<Channel> connector(int fd, const TlsClientOptions& options,
                                             const std::string& host) const = 0;
};

// Loads the library at its first use; it stays. It lies beside the library or the program that this
// is part of. Errors: kNotSupported saying what is missing.
const TlsLibrary& tls_library();

// What it exports, by this name: a function that returns the one instance, or null if OpenSSL is of
// no use. The number changes with
// the classes above and with Channel.
inline constexpr char kTlsEntry[] = "cppipc_tls_library_1";
using TlsEntry = const TlsLibrary* (*)();

}  // namespace cppipc
