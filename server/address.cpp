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

[[noreturn]] void bad_tcp(std::string_view text) {
  throw std::invalid_argument(std::string("'") + std::string(text).c_str() +  // a NUL would end it
                              "' is no address; give tcp:HOST:PORT, for example tcp:127.0.0.1:0, "
                              "and an IPv6 host in brackets");
}

Address parse_tcp(std::string_view text) {
  std::string_view rest = text.substr(text.starts_with("tcp://") ? 6 : 4);
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos) bad_tcp(text);
  std::string_view host = rest.substr(0, colon);
  const std::string_view port = rest.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (host.find_first_of("[]") != std::string_view::npos) bad_tcp(text);
  } else if (host.find_first_of(":[]") != std::string_view::npos) {
    bad_tcp(text);
  }
  const bool is_number = port.find_first_not_of("0123456789") == std::string_view::npos;
  if (host.empty() || host.find('\0') != std::string_view::npos || !is_number || port.empty() ||
      port.size() > 5 || std::stoi(std::string(port)) > 65'535) {
    bad_tcp(text);
  }
  return {.host = std::string(host), .port = std::string(port)};
}

}  // namespace

std::string Address::text() const {
  if (!is_tcp()) return "unix:" + path;
  const bool is_v6 = host.find(':') != std::string::npos;
  return "tcp:" + (is_v6 ? "[" + host + "]" : host) + ":" + port;
}

Address parse_address(std::string_view text) {
  const std::string shown(text);
  if (text.starts_with("tcp:")) return parse_tcp(text);
  const std::string_view path = path_of(text);
  if (path.empty() || path == "@") {
    throw std::invalid_argument("'" + shown +
                                "' is no address; give unix:PATH, for example "
                                "unix:/run/u.sock, or tcp:HOST:PORT");
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
