// SPDX-License-Identifier: Apache-2.0
#pragma once
// How clients come in: the listeners, what they ask of who connects, and those who have connected
// and opened no session yet.

#include <cppipc/access.h>
#include <cppipc/host.h>

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/listener.h"
#include "server/logging.h"
#include "server/options.h"
#include "server/passed_sockets.h"
#include "server/pending_sessions.h"
#include "server/reloads.h"
#include "server/token_file.h"

namespace cppipc::server {

// Owns: the listeners, the access tokens and the certificate.
// Threads: settled() on any, everything else on the thread that runs the io_context.
class Entrance {
 public:
  // Reads the files that the options name. Errors: std::exception with a text for users.
  Entrance(boost::asio::io_context& loop, const Options& options, Log& log);

  // Null if there are none.
  std::shared_ptr<const AccessTokens> tokens() const;
  // Adds what can be read again while the server runs.
  void add_reloads(Reloads& reloads);

  // Listens where the options say. Errors: std::runtime_error with a text for users.
  void listen();
  // Listens on a socket that was passed. Errors: std::runtime_error.
  void take(PassedSocket socket);
  // Once all are there: logs a warning if nobody can come by them whom an option is about.
  void look_over();
  // Of the listeners, each once, as clients take them.
  std::vector<std::string> addresses() const;

  // Begins to accept for `host`, which must live until close().
  void start(Host& host);
  // Accepts no more, and ends no session any more.
  void close();
  // A session is open, or over.
  void settled(std::uint64_t session);

 private:
  void listen_tcp(const Address& address);
  // Logs what is open to others. `is_far`: from other machines too.
  void warn_of(const Address& address, bool is_far);
  void add(ListeningSocket socket);
  void accept(OwnedFd socket, const std::string& peer, const Admission& admission);

  boost::asio::io_context& loop_;
  const Options& options_;
  Log& log_;
  Host* host_ = nullptr;
  PendingSessions pending_;
  std::optional<TokenFile> token_file_;
  std::shared_ptr<TlsServer> tls_;  // of all that come over TCP; null: nothing is encrypted
  std::vector<std::unique_ptr<Listener>> listeners_;
};

}  // namespace cppipc::server
