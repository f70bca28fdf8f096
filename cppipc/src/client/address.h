// SPDX-License-Identifier: Apache-2.0
#pragma once
// Addresses of servers, and connecting to them.

#include <chrono>
#include <functional>
#include <string>

#include "client/patience.h"
#include "rpc/descriptor.h"

namespace cppipc {

struct Address {
  enum class Transport { kUnix, kTcp };
  Transport transport = Transport::kUnix;
  std::string path;  // unix; "@NAME" for an abstract name
  std::string host;  // tcp; without brackets
  std::string port;

  bool is_abstract() const { return transport == Transport::kUnix && path.starts_with('@'); }
  // "unix:PATH", "unix:@NAME" or "tcp:HOST:PORT", the plain spelling.
  std::string text() const;
  std::string transport_name() const { return transport == Transport::kUnix ? "unix" : "tcp"; }
};

// unix:PATH, unix://PATH, ipc://PATH, tcp:HOST:PORT, tcp://HOST:PORT; an IPv6 host in brackets. A
// path that begins with '@' is an abstract name: a socket without a file.
// Errors: kInvalidArgument naming the forms that there are.
Address parse_address(const std::string& text);

// A connected, close-on-exec socket. Of several addresses that a host has, the first that answers;
// to look a name up may take as long as the system's resolver likes.
// Errors: kConnectionLost naming the address if nobody listens, or if another user has an abstract
// name; kTimeout; kInvalidArgument for a
// path or name that no socket can have.
// `interrupt`, if there is one, is called at least every 0.1 s and after each signal while the
// attempt lasts; what it throws ends the attempt.
Descriptor connect_to(const Address& address, std::chrono::milliseconds timeout,
                      const std::function<void()>& interrupt = {});
Descriptor connect_to(const Address& address, const Patience& patience);

}  // namespace cppipc
