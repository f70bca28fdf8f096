// SPDX-License-Identifier: Apache-2.0
#pragma once
// Who may connect, and how long one may take for it: the part of the command line about that.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "server/address.h"

namespace CLI {
class App;
}

namespace cppipc::server {

// The defaults are those that --help shows.
struct AccessOptions {
  std::string token_file = {};   // empty: there are no access tokens
  bool is_insecure_tcp = false;  // TCP without tokens and TLS, on loopback addresses
  double open_timeout_s = 10;    // for a client, until its session is open
  std::uint64_t pending_connections = 1'024;
  std::uint64_t keep_alive_s = 30;

  bool has_tokens() const { return !token_file.empty(); }
  std::chrono::milliseconds open_timeout() const;
};

// Adds --token-file, --insecure-tcp, --open-timeout-s, --pending-connections, --keep-alive-s.
void add_access(CLI::App& app, AccessOptions& options);

// Whether only this machine may be able to reach a TCP listener: without tokens and TLS.
bool is_loopback_only(const AccessOptions& options, bool has_tls);

// Errors: std::invalid_argument with a text for users if that is a TCP address, and nothing
// protects the server there and nothing says that it may be so. Where it is on loopback
// addresses only, is found out when its name is looked up (TcpSocket).
void check_may_listen(const Address& address, const AccessOptions& options, bool has_tls);

}  // namespace cppipc::server
