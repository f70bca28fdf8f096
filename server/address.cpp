// SPDX-License-Identifier: Apache-2.0
#include "server/address.h"

#include <filesystem>
#include <stdexcept>

namespace cppipc::server {
namespace {

// The part after the first prefix that fits; the longer spellings come first.
std::string_view path_of(std::string_view text) {
  for (const std::string_view prefix : {"unix://", "ipc://", "unix:"}) {
    if (text.starts_with(prefix)) return text.substr(prefix.size());
  }
  return {};
}

bool is_tcp(std::string_view text) { return text.starts_with("tcp:"); }

}  // namespace

Address parse_address(std::string_view text) {
  const std::string shown(text);
  if (is_tcp(text)) {
    throw std::invalid_argument("'" + shown +
                                "': this version does not listen on TCP; give unix:PATH and let "
                                "clients of other machines come through an SSH tunnel");
  }
  const std::string_view path = path_of(text);
  if (path.empty() || path == "@") {
    throw std::invalid_argument("'" + shown +
                                "' is no address; give unix:PATH, for example "
                                "unix:/run/u.sock");
  }
  if (path.find('\0') != std::string_view::npos) {
    throw std::invalid_argument("the path of an address cannot contain a NUL");
  }
  if (path.front() == '@') return {std::string(path)};
  if (path.back() == '/') {
    throw std::invalid_argument("'" + shown +
                                "' names a directory; give the path of a socket file");
  }
  return {std::filesystem::absolute(std::filesystem::path(path)).string()};
}

}  // namespace cppipc::server
