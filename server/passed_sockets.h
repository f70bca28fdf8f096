// SPDX-License-Identifier: Apache-2.0
#pragma once
// Listening sockets that a service manager has made and passed on: socket activation.

#include <string>
#include <string_view>
#include <vector>

#include "server/address.h"
#include "server/socket_file.h"

namespace cppipc::server {

// Owns: the descriptor, and nothing else: a socket file stays, since whoever made it goes on
// listening while no server runs. Threads: one at a time.
class PassedSocket {
 public:
  // `fd` is listening and `name` its name in LISTEN_FDNAMES.
  // Errors: std::runtime_error naming the descriptor, if it is no listening stream socket of the
  // families Unix and TCP.
  PassedSocket(OwnedFd fd, std::string name);

  int fd() const { return fd_.get(); }
  const Address& address() const { return address_; }
  const std::string& name() const { return name_; }
  // Whether it listens on TCP, on an address that other machines may reach.
  bool is_reachable_from_elsewhere() const;
  // "the socket 'status' that was passed, tcp:127.0.0.1:9100": for errors.
  std::string text() const;
  // From now on only others accept. Twice is fine.
  void close() { fd_.reset(); }

 private:
  OwnedFd fd_;
  std::string name_;
  Address address_;
};

// The name by which a passed socket belongs to the status endpoint; all others are for clients.
inline constexpr std::string_view kStatusName = "status";

// Whether sockets were passed to this very process. Threads: none else may change the environment.
bool has_passed_sockets();

// Takes them, by LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES, which are removed from the environment,
// so that no child takes them for its own. Sockets for another process are none. Once per process,
// before there are other threads. Errors: std::runtime_error.
std::vector<PassedSocket> take_passed_sockets();

}  // namespace cppipc::server
