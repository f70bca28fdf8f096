// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where a server listens, as users write it.

#include <string>
#include <string_view>

namespace cppipc::server {

// A Unix socket's place, the only kind of address a server listens on so far.
struct Address {
  // An absolute path, or "@NAME" for an abstract name: one that has no file.
  std::string path;

  bool is_abstract() const { return path.starts_with('@'); }
  // As printed and as clients accept it: "unix:/run/u.sock" or "unix:@NAME".
  std::string text() const { return "unix:" + path; }
  bool operator==(const Address&) const = default;
};

// Reads unix:PATH, unix://PATH or ipc://PATH; a relative path is taken from the working directory.
// A path that begins with '@' is an abstract name.
// Errors: std::invalid_argument with a text for users: for tcp: (not offered by this version), for
// any other form, for an empty path or name, for a path that ends in a slash, and for a NUL.
Address parse_address(std::string_view text);

}  // namespace cppipc::server
