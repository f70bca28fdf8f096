// SPDX-License-Identifier: Apache-2.0
#include "server/tls_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <stdexcept>
#include <string>

#include "server/between.h"

namespace cppipc::server {

void add_tls(CLI::App& app, TlsServerOptions& tls) {
  auto* certificate =
      app.add_option("--tls-cert", tls.certificate_file,
                     "speak TLS on every tcp listener, with the certificate in this file: PEM, the "
                     "server's own first, then those that lead to its authority");
  auto* key = app.add_option("--tls-key", tls.key_file,
                             "its private key: PEM, without a passphrase, mode 0600");
  auto* authority =
      app.add_option("--tls-client-ca", tls.client_authority_file,
                     "demand a certificate of every client over TCP, signed by one of the "
                     "authorities in this file: PEM");
  for (auto* option : {certificate, key, authority}) option->type_name("FILE")->check(NotEmpty());
  certificate->needs(key);
  key->needs(certificate);
  authority->needs(certificate);
}

void check_tls(const TlsServerOptions& tls, const std::vector<Address>& listen) {
  if (!is_given(tls)) return;
  if (std::any_of(listen.begin(), listen.end(), [](const Address& a) { return a.is_tcp(); }))
    return;
  throw std::invalid_argument(
      "--tls-cert is for TCP, and nothing listens there; add --listen tcp:HOST:PORT");
}

std::shared_ptr<TlsServer> load_tls(const TlsServerOptions& tls, Log& log) {
  if (!is_given(tls)) return nullptr;
  auto server = TlsServer::load(tls);
  log.info("tcp listeners speak TLS: " + server->summary() +
           (tls.client_authority_file.empty() ? "" : "; clients need a certificate"));
  for (const std::string& warning : server->warnings()) log.warning(warning);
  return server;
}

}  // namespace cppipc::server
