// SPDX-License-Identifier: Apache-2.0
#pragma once
// What all connections of one side have in common: versions, certificates, whom they trust.

#include <cppipc/tls.h>

#include <string>
#include <vector>

#include "tls/openssl.h"

namespace cppipc::tls {

// How the parts of a connection are called in texts of errors.
struct About {
  bool is_server = false;
  std::string authority;    // the file with those whom this side trusts; empty: the system's
  std::string certificate;  // the file with what this side shows; empty: nothing
  std::string name;         // which the other side's certificate must have; empty: any
};

// What was made of a server's files.
struct ServerContext {
  Owned<SSL_CTX> context;
  std::string summary;
  std::vector<std::string> warnings;
};

// Errors of both: as TlsServer::load().
ServerContext make_server_context(const TlsServerOptions& options);
Owned<SSL_CTX> make_client_context(const TlsClientOptions& options);

}  // namespace cppipc::tls
