// SPDX-License-Identifier: Apache-2.0
#pragma once
// Accepts connections of one listening socket and hands them on.

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string>
#include <variant>

#include "server/logging.h"
#include "server/passed_sockets.h"
#include "server/socket_file.h"
#include "server/tcp_socket.h"

namespace cppipc::server {

// Takes a connected descriptor (non-blocking, close-on-exec) and a name for the other side. It
// owns the descriptor from then on; what it throws is logged.
using Accepted = std::function<void(OwnedFd socket, const std::string& peer)>;

using ListeningSocket = std::variant<SocketFile, TcpSocket, PassedSocket>;

// Owns: the listening socket. Threads: everything on the thread that runs the io_context.
class Listener {
 public:
  // Clients of a Unix socket that are of another user than `allowed_uid` are closed at once and
  // logged.
  Listener(boost::asio::io_context& loop, ListeningSocket socket, uid_t allowed_uid,
           Accepted accepted, Log& log);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Begins to accept; until then connections wait in the socket's queue.
  void start();
  // Accepts no more for a while: connections wait in the socket's queue again. go_on() ends that;
  // without a hold() before it does nothing.
  void hold() { is_held_ = true; }
  void go_on();
  // Stops accepting and removes the socket file, if there is one. Twice is fine.
  void close();
  const Address& address() const {
    return std::visit([](const auto& socket) -> const Address& { return socket.address(); },
                      socket_);
  }

 private:
  void wait();
  // Accepts those that wait, or a share of them.
  void accept_all();
  // Accepts one connection. Returns whether there may be more to accept now.
  bool accept_one();
  int fd() const;
  // The name of the other side; empty if it may not connect, which is logged.
  std::string admit(int fd);
  void hand_on(OwnedFd socket);
  // Looks again after a while, since the system has no descriptor or memory to spare.
  void pause(int error);

  ListeningSocket socket_;
  const uid_t allowed_uid_;
  const Accepted accepted_;
  Log& log_;
  boost::asio::posix::stream_descriptor readable_;  // a duplicate: socket_ closes its own
  boost::asio::steady_timer retry_;
  bool is_held_ = false;
  bool is_pause_logged_ = false;
};

}  // namespace cppipc::server
