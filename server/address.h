// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where a server listens, as users write it.

#include <string>
#include <string_view>

namespace cppipc::server {

// A Unix socket's path, absolute. The only kind of address a server listens on so far.
struct Address {
  std::string path;

  // As printed and as clients accept it: "unix:/run/u.sock".
  std::string text() const { return "unix:" + path; }
  bool operator==(const Address&) const = default;
};

// Reads unix:PATH, unix://PATH or ipc://PATH; a relative path is taken from the working directory.
// Errors: std::invalid_argument with a text for users: for tcp: (not offered by this version), for
// any other form, for an empty path and for one that ends in a slash or contains a NUL.
Address parse_address(std::string_view text);

}  // namespace cppipc::server
