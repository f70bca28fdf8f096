// SPDX-License-Identifier: Apache-2.0
#pragma once
// The options of TLS, and the certificate that they name.

#include <cppipc/tls.h>

#include <memory>
#include <vector>

#include "server/address.h"
#include "server/logging.h"

namespace CLI {
class App;
}

namespace cppipc::server {

// Whether a command line asked for TLS.
inline bool is_given(const TlsServerOptions& tls) { return !tls.certificate_file.empty(); }

// Adds --tls-cert, --tls-key and --tls-client-ca.
void add_tls(CLI::App& app, TlsServerOptions& tls);
// Errors: std::invalid_argument if TLS was asked for and nobody would speak it.
void check_tls(const TlsServerOptions& tls, const std::vector<Address>& listen);

// Reads the files and logs what they are, with warnings. Null if TLS was not asked for.
// Errors: cppipc::Error naming a file and what is wrong with it.
std::shared_ptr<TlsServer> load_tls(const TlsServerOptions& tls, Log& log);

}  // namespace cppipc::server
