// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where a server listens, as users write it.

#include <string>
#include <string_view>

namespace cppipc::server {

// A Unix socket's place, or a host and a port.
struct Address {
  // Unix: an absolute path, or "@NAME" for an abstract name: one that has no file.
  std::string path = {};
  // TCP: a name or a number, without brackets; and the port, 0 for any that is free.
  std::string host = {};
  std::string port = {};

  bool is_tcp() const { return !host.empty(); }
  bool is_abstract() const { return path.starts_with('@'); }
  // As printed and as clients accept it: "unix:/run/u.sock", "unix:@NAME", "tcp:127.0.0.1:4000",
  // "tcp:[::1]:4000".
  std::string text() const;
  bool operator==(const Address&) const = default;
};

// Reads unix:PATH, unix://PATH or ipc://PATH; a relative path is taken from the working directory.
// A path that begins with '@' is an abstract name. Also tcp:HOST:PORT or tcp://HOST:PORT, an IPv6
// host in brackets; what the host is, is not looked at.
// Errors: std::invalid_argument with a text for users: for any other form, for an empty path or
// name, for a path that ends in a slash, for a NUL, and for a port that cannot be.
Address parse_address(std::string_view text);

}  // namespace cppipc::server
