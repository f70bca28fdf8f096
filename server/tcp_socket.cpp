// SPDX-License-Identifier: Apache-2.0
// A name such as localhost may mean an address of IPv4 and one of IPv6. Both are listened on, since
// clients try them in an order of their own; those that this machine does not have are left out.
// All have one port: what another server listened on beside it would get some of the clients, so a
// port that is taken on one of the addresses is an error, or, if any port will do, another is
// tried.
#include "server/tcp_socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace cppipc::server {
namespace {

// Ports that are tried for a name of several addresses if any will do.
constexpr int kPortsTried = 20;

// An address and a port, as the system has it.
struct Place {
  sockaddr_storage address{};
  socklen_t size = 0;

  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&address); }
  int family() const { return address.ss_family; }
  void set_port(in_port_t port) {
    if (family() == AF_INET) reinterpret_cast<sockaddr_in&>(address).sin_port = port;
    if (family() == AF_INET6) reinterpret_cast<sockaddr_in6&>(address).sin6_port = port;
  }
  in_port_t port() const {
    return family() == AF_INET ? reinterpret_cast<const sockaddr_in&>(address).sin_port
                               : reinterpret_cast<const sockaddr_in6&>(address).sin6_port;
  }
  bool operator==(const Place& other) const {
    return size == other.size && std::memcmp(&address, &other.address, size) == 0;
  }
};

[[noreturn]] void fail(const Address& address, const std::string& why) {
  throw std::runtime_error("cannot listen on " + address.text() + ": " + why);
}

// All addresses of a host, each once.
std::vector<Place> places_of(const Address& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | AI_PASSIVE;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  if (failed != 0) {
    fail(address, failed == EAI_SYSTEM ? std::generic_category().message(errno)
                                       : std::string(::gai_strerror(failed)));
  }
  std::vector<Place> places;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    if (one->ai_family != AF_INET && one->ai_family != AF_INET6) continue;
    Place place;
    place.size = one->ai_addrlen;
    std::memcpy(&place.address, one->ai_addr, one->ai_addrlen);
    if (std::find(places.begin(), places.end(), place) == places.end()) places.push_back(place);
  }
  return places;
}

bool is_local(const Place& place) {
  if (place.family() == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(place.address);
    return (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(place.address);
  return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

bool is_every_v6(const Place& place) {
  return place.family() == AF_INET6 &&
         IN6_IS_ADDR_UNSPECIFIED(&reinterpret_cast<const sockaddr_in6&>(place.address).sin6_addr);
}

// Of a client by IPv4 at a socket of IPv6: the address that it has. Else as it is.
Place without_mapping(const Place& place) {
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(place.address);
  if (place.family() != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) return place;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = v6.sin6_port;
  std::memcpy(&v4.sin_addr, &v6.sin6_addr.s6_addr[12], sizeof v4.sin_addr);
  Place plain;
  plain.size = sizeof v4;
  std::memcpy(&plain.address, &v4, sizeof v4);
  return plain;
}

// In numbers; nullopt if the system cannot say it.
std::optional<Address> address_of(const Place& place) {
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (::getnameinfo(place.raw(), place.size, host.data(), host.size(), port.data(), port.size(),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return std::nullopt;
  }
  return Address{.host = host.data(), .port = port.data()};
}

// A listening socket, or none with errno set.
OwnedFd listen_at(const Place& place) {
  const int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  OwnedFd listener(::socket(place.family(), type, 0));
  if (listener.get() < 0) return listener;
  const int on = 1;
  const int is_v6_only = is_every_v6(place) ? 0 : 1;
  // A port of a server that has just ended is free again.
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (place.family() == AF_INET6) {
    ::setsockopt(listener.get(), IPPROTO_IPV6, IPV6_V6ONLY, &is_v6_only, sizeof is_v6_only);
  }
  if (::bind(listener.get(), place.raw(), place.size) != 0 ||
      ::listen(listener.get(), SOMAXCONN) != 0) {
    const int error = errno;
    listener.reset();
    errno = error;
  }
  return listener;
}

struct Listening {
  Place place;  // with the port that it got
  OwnedFd socket;
};

// Sockets at all places that this machine has, on one port. Errors: an errno, and no socket.
int listen_at_all(std::vector<Place> places, std::vector<Listening>& sockets) {
  int error = EADDRNOTAVAIL;
  for (Place& place : places) {
    if (!sockets.empty()) place.set_port(sockets.front().place.port());
    OwnedFd socket = listen_at(place);
    if (socket.get() < 0) {
      error = errno;
      // The kernel has no IPv6, or no interface has the address.
      if (error == EAFNOSUPPORT || error == EADDRNOTAVAIL) continue;
      sockets.clear();
      return error;
    }
    place.size = sizeof place.address;
    if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&place.address), &place.size) !=
        0) {
      sockets.clear();
      return errno;
    }
    sockets.push_back({place, std::move(socket)});
  }
  return sockets.empty() ? error : 0;
}

std::vector<Listening> listen_on_a_port(const Address& address, const std::vector<Place>& places) {
  std::vector<Listening> sockets;
  int error = 0;
  for (int tries = 0; tries < kPortsTried; ++tries) {
    error = listen_at_all(places, sockets);
    const bool is_luck = error == EADDRINUSE && address.port == "0" && places.size() > 1;
    if (!is_luck) break;
  }
  if (error != 0) fail(address, std::generic_category().message(error));
  return sockets;
}

// "*" as an address: every interface, by IPv4 alone where there is no IPv6.
Address without_star(const Address& address) {
  if (address.host != "*") return address;
  const OwnedFd probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return {.host = probe.get() < 0 ? "0.0.0.0" : "::", .port = address.port};
}

}  // namespace

std::vector<TcpSocket> TcpSocket::listen(const Address& given, Reach reach,
                                         const std::string& refusal) {
  const Address address = without_star(given);
  const std::vector<Place> places = places_of(address);
  if (reach == Reach::kLoopbackOnly && !std::all_of(places.begin(), places.end(), is_local)) {
    fail(given, refusal);
  }
  std::vector<Listening> sockets = listen_on_a_port(address, places);
  std::vector<TcpSocket> result;
  for (Listening& one : sockets) {
    auto shown = address_of(one.place);
    if (!shown) fail(given, "its own address could not be found out");
    if (sockets.size() > 1) shown->host = address.host;
    result.push_back(TcpSocket(std::move(*shown), std::move(one.socket), is_local(one.place)));
  }
  return result;
}

std::string tcp_peer_name(int fd) {
  Place peer;
  peer.size = sizeof peer.address;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer.address), &peer.size) == 0) {
    if (const auto address = address_of(without_mapping(peer))) {
      return "tcp: " + address->text().substr(4);
    }
  }
  return "tcp: unknown";
}

}  // namespace cppipc::server
