// SPDX-License-Identifier: Apache-2.0
#pragma once
// A listening TCP socket on an address that only this machine reaches.

#include <string>

#include "server/address.h"
#include "server/socket_file.h"

namespace cppipc::server {

// Whoever can connect may use everything that the server offers, so this listens on loopback
// addresses only: 127.0.0.0/8 and ::1, or a name that means nothing else.
// Owns: the listening descriptor. Threads: one at a time.
class TcpSocket {
 public:
  // Errors: std::runtime_error with a text for users, naming the address: it is none of loopback,
  // nobody knows the name, the port is taken, or what the system said.
  explicit TcpSocket(const Address& address);
  // The same, but if the address is none of loopback the text is `refusal`; with an empty one any
  // address is good.
  TcpSocket(const Address& address, const std::string& refusal);

  int fd() const { return listener_.get(); }
  // The number of the host and the port that it really got.
  const Address& address() const { return address_; }
  // Stops listening; what was not accepted yet is refused. Twice is fine.
  void close() { listener_.reset(); }

 private:
  Address address_;
  OwnedFd listener_;
};

// "tcp: 127.0.0.1:4000": the other side of a connection. Errors: none; "tcp: unknown".
std::string tcp_peer_name(int fd);

}  // namespace cppipc::server
