// SPDX-License-Identifier: Apache-2.0
#pragma once
// Answers HTTP/1.1 at one address of the status endpoint.

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "server/listener.h"
#include "server/logging.h"
#include "server/status_pages.h"

namespace cppipc::server {

// For tests, which are not to wait.
struct StatusLimits {
  std::chrono::milliseconds patience{5'000};  // for a whole request, and for a whole reply
  unsigned connections = 64;                  // at one time; further ones wait to be accepted
  std::uint32_t header_bytes = 8'192;         // of a request
};

// A client costs a descriptor, a timer, a buffer of two headers and one reply, however it behaves.
// While there is none, nothing wakes up. Owns: the listening socket and the connections, which end
// with the io_context. Threads: everything on the thread that runs the io_context.
class StatusServer {
 public:
  // `written` is the host that the user wrote; empty if there is none. Clients of a Unix socket
  // that are of another user than this process are refused, as by Listener.
  StatusServer(boost::asio::io_context& loop, ListeningSocket socket, const std::string& written,
               StatusSource source, Log& log, const StatusLimits& limits = {});
  ~StatusServer();
  StatusServer(const StatusServer&) = delete;
  StatusServer& operator=(const StatusServer&) = delete;

  // Begins to accept.
  void start();
  // "unix:/run/s.sock", or "http://127.0.0.1:9100/" as a browser takes it.
  std::string url() const;

 private:
  class Connection;
  struct Shared;

  void accept(OwnedFd socket);

  boost::asio::io_context& loop_;
  Listener listener_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace cppipc::server
