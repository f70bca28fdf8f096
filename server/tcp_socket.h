// SPDX-License-Identifier: Apache-2.0
#pragma once
// Listening TCP sockets.

#include <string>
#include <vector>

#include "server/address.h"
#include "server/socket_file.h"

namespace cppipc::server {

// Who may be able to reach a listener.
enum class Reach { kLoopbackOnly, kAnybody };

// Why an address that others reach is refused, unless somebody knows better.
inline constexpr char kOnlyLoopback[] =
    "--insecure-tcp is for loopback addresses only (127.0.0.0/8, [::1], localhost); with "
    "--token-file FILE the clients need access tokens, or with --tls-cert FILE what crosses is "
    "encrypted, and then it may listen on any address";

// One listening socket; a name that has several addresses has several.
// Owns: the listening descriptor. Threads: one at a time.
class TcpSocket {
 public:
  // Listens on every address that the host has and this machine too, all on one port. The host "*"
  // is every interface, by IPv4 and IPv6, as "::" is.
  // Errors: std::runtime_error with a text for users, naming the address: with kLoopbackOnly it is
  // another than those of loopback (127.0.0.0/8 and ::1), and the text is `refusal`; nobody knows
  // the name, a port is taken, or what the system said.
  static std::vector<TcpSocket> listen(const Address& address, Reach reach,
                                       const std::string& refusal = kOnlyLoopback);

  int fd() const { return listener_.get(); }
  // What clients connect to: the number of the host, or its name if that has several addresses, and
  // the port that it really got.
  const Address& address() const { return address_; }
  // Whether only this machine can reach it.
  bool is_loopback() const { return is_loopback_; }
  // Stops listening; what was not accepted yet is refused. Twice is fine.
  void close() { listener_.reset(); }

 private:
  TcpSocket(Address address, OwnedFd listener, bool is_loopback)
      : address_(std::move(address)), listener_(std::move(listener)), is_loopback_(is_loopback) {}

  Address address_;
  OwnedFd listener_;
  bool is_loopback_;
};

// "tcp: 127.0.0.1:4000": the other side of a connection. Errors: none; "tcp: unknown".
std::string tcp_peer_name(int fd);

}  // namespace cppipc::server
