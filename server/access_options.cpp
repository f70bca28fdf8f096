// SPDX-License-Identifier: Apache-2.0
#include "server/access_options.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <stdexcept>

#include "server/between.h"

namespace cppipc::server {

std::chrono::milliseconds AccessOptions::open_timeout() const {
  return std::chrono::milliseconds(std::llround(open_timeout_s * 1e3));
}

void add_access(CLI::App& app, AccessOptions& options) {
  constexpr std::uint64_t kSecondsMax = 3'600;
  app.add_option("--token-file", options.token_file,
                 "clients over TCP need one of the access tokens in this file: NAME TOKEN or TOKEN "
                 "on each line, as python -m unity token makes them; it has to be this user's own, "
                 "and readable by nobody else (mode 0600)")
      ->type_name("FILE")
      ->check(NotEmpty());
  app.add_flag(
      "--insecure-tcp", options.is_insecure_tcp,
      "allow --listen tcp:HOST:PORT on loopback addresses without --token-file and TLS; every "
      "user of this machine can then use the server");
  app.add_option("--open-timeout-s", options.open_timeout_s,
                 "seconds after which a connection is closed whose client has opened no session")
      ->check(Between(1, kSecondsMax, Numbers::kReal))
      ->capture_default_str();
  app.add_option("--pending-connections", options.pending_connections,
                 "connections without a session at one time; of more the oldest is closed")
      ->check(Between(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--keep-alive-s", options.keep_alive_s,
                 "seconds after which a client over TCP counts as gone that does not answer, or "
                 "takes nothing of what it is sent")
      ->check(Between(1, kSecondsMax))
      ->capture_default_str();
}

bool is_loopback_only(const AccessOptions& options, bool has_tls) {
  return !options.has_tokens() && !has_tls;
}

void check_may_listen(const Address& address, const AccessOptions& options, bool has_tls) {
  if (!address.is_tcp() || !is_loopback_only(options, has_tls) || options.is_insecure_tcp) return;
  throw std::invalid_argument(
      "--listen " + address.text() +
      ": over TCP anybody who can connect could use the server; give --token-file FILE with access "
      "tokens for its clients, or --tls-cert and --tls-key to encrypt it, with --tls-client-ca for "
      "clients with a certificate, or --insecure-tcp to allow it all the same on loopback "
      "addresses; unix:PATH needs none of them");
}

}  // namespace cppipc::server
