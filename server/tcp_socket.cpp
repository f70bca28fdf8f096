// SPDX-License-Identifier: Apache-2.0
#include "server/tcp_socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <system_error>

namespace cppipc::server {
namespace {

using Places = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

[[noreturn]] void fail(const Address& address, const std::string& why) {
  throw std::runtime_error("cannot listen on " + address.text() + ": " + why);
}

std::string text_of(int error) { return std::generic_category().message(error); }

Places places_of(const Address& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
  Places places(found, &::freeaddrinfo);
  if (failed != 0) {
    fail(address, failed == EAI_SYSTEM ? text_of(errno) : std::string(::gai_strerror(failed)));
  }
  return places;
}

bool is_loopback(const sockaddr& place) {
  if (place.sa_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(place);
    return (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
  }
  if (place.sa_family != AF_INET6) return false;
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(place);
  return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

// Host and port of a socket's address in numbers. Errors: false, with empty texts.
bool in_numbers(const sockaddr_storage& place, socklen_t size, Address& address) {
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (::getnameinfo(reinterpret_cast<const sockaddr*>(&place), size, host.data(), host.size(),
                    port.data(), port.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return false;
  }
  address.host = host.data();
  address.port = port.data();
  return true;
}

// A listening socket, or none with errno set.
OwnedFd listen_at(const addrinfo& place) {
  const int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  OwnedFd listener(::socket(place.ai_family, type, 0));
  if (listener.get() < 0) return listener;
  const int on = 1;
  // A port of a server that has just ended is free again.
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(listener.get(), place.ai_addr, place.ai_addrlen) != 0 ||
      ::listen(listener.get(), SOMAXCONN) != 0) {
    const int error = errno;
    listener.reset();
    errno = error;
  }
  return listener;
}

}  // namespace

TcpSocket::TcpSocket(const Address& address)
    : TcpSocket(
          address,
          "without tokens and TLS, which are still to come, --insecure-tcp listens on loopback "
          "addresses only (127.0.0.0/8, [::1], localhost); let clients of other machines come "
          "through an SSH tunnel") {}

TcpSocket::TcpSocket(const Address& address, const std::string& refusal) : address_(address) {
  const Places places = places_of(address);
  for (const addrinfo* place = places.get(); place != nullptr; place = place->ai_next) {
    if (refusal.empty() || is_loopback(*place->ai_addr)) continue;
    fail(address, refusal);
  }
  int error = EADDRNOTAVAIL;
  for (const addrinfo* place = places.get(); place != nullptr; place = place->ai_next) {
    listener_ = listen_at(*place);
    if (listener_.get() >= 0) break;
    error = errno;
  }
  if (listener_.get() < 0) fail(address, text_of(error));
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  if (::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&own), &size) != 0 ||
      !in_numbers(own, size, address_)) {
    fail(address, "its own address could not be found out");
  }
}

std::string tcp_peer_name(int fd) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  Address address;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0 ||
      !in_numbers(peer, size, address)) {
    return "tcp: unknown";
  }
  return "tcp: " + address.text().substr(4);
}

}  // namespace cppipc::server
