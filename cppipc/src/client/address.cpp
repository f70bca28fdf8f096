// SPDX-License-Identifier: Apache-2.0
#include "client/address.h"

#include <cppipc/error.h>

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <memory>

namespace cppipc {
namespace {

bool take_prefix(std::string& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.erase(0, prefix.size());
  return true;
}

[[noreturn]] void bad_address(const std::string& text) {
  throw Error(ErrorKind::kInvalidArgument,
              std::string("'") + text.c_str() +  // a NUL would end the message
                  "' is no address; use unix:PATH or tcp:HOST:PORT");
}

[[noreturn]] void cannot_connect(const Address& address, int number) {
  throw Error(number == ETIMEDOUT ? ErrorKind::kTimeout : ErrorKind::kConnectionLost,
              "cannot connect to " + address.text() + ": " + std::strerror(number) +
                  (number == ENOENT || number == ECONNREFUSED ? "; is the server running?" : ""));
}

using Clock = Patience::Clock;

// Waits for a connect() that is under way; 0 or an errno.
int finish_connect(int fd, const Patience& patience) {
  pollfd wanted{fd, POLLOUT, 0};
  for (;;) {
    const int ready = ::poll(&wanted, 1, patience.slice_ms());
    if (ready > 0) break;
    if (ready < 0 && errno != EINTR) return errno;
    if (!patience.look()) return ETIMEDOUT;
  }
  int number = 0;
  socklen_t size = sizeof number;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size);
  return number;
}

// Of a socket that does not block; 0 or an errno.
int connect_now(int fd, const sockaddr* to, socklen_t size, const Patience& patience) {
  if (::connect(fd, to, size) == 0) return 0;
  if (errno == EINPROGRESS || errno == EINTR) return finish_connect(fd, patience);
  return errno;
}

// Of a Unix socket that blocks for a slice while the listener's queue is full; 0 or an errno.
int connect_patiently(int fd, const sockaddr* to, socklen_t size, const Patience& patience) {
  while (::connect(fd, to, size) != 0) {
    if (errno != EAGAIN && errno != EINTR) return errno;
    if (!patience.look()) return ETIMEDOUT;
  }
  return 0;
}

// Where a Unix socket is, in the form the kernel takes.
struct UnixPlace {
  sockaddr_un address{};
  socklen_t size = sizeof(sockaddr_un);
  Descriptor directory;  // for a long path; open until the connection is made
};

UnixPlace place_of_name(const Address& address) {
  UnixPlace place;
  const std::string name = address.path.substr(1);
  if (name.size() >= sizeof place.address.sun_path) {
    throw Error(ErrorKind::kInvalidArgument,
                "the name of " + address.text() + " is too long for a socket; it has at most " +
                    std::to_string(sizeof place.address.sun_path - 1) + " bytes after the '@'");
  }
  place.address.sun_family = AF_UNIX;
  std::memcpy(place.address.sun_path + 1, name.data(), name.size());  // the first byte stays 0
  // The name ends where the address does.
  place.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return place;
}

UnixPlace place_of_path(const Address& address) {
  UnixPlace place;
  place.address.sun_family = AF_UNIX;
  std::string path = address.path;
  if (path.size() >= sizeof place.address.sun_path) {
    // The kernel's limit is on the text, not on the place: go there through a short name.
    const std::filesystem::path whole(path);
    const auto parent = whole.has_parent_path() ? whole.parent_path() : ".";
    place.directory = Descriptor(::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!place.directory) cannot_connect(address, errno);
    path =
        "/proc/self/fd/" + std::to_string(place.directory.get()) + "/" + whole.filename().string();
    if (path.size() >= sizeof place.address.sun_path) {
      throw Error(ErrorKind::kInvalidArgument,
                  "the file name of " + address.text() + " is too long for a socket");
    }
  }
  std::memcpy(place.address.sun_path, path.c_str(), path.size() + 1);
  return place;
}

// Anybody may take an abstract name once its server is gone; no folder protects it.
void check_owner(int fd, const Address& address) {
  ucred server{};
  socklen_t size = sizeof server;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &server, &size) != 0) {
    cannot_connect(address, errno);
  }
  if (server.uid == ::geteuid()) return;
  throw Error(ErrorKind::kConnectionLost, "cannot connect to " + address.text() +
                                              ": it belongs to another user (uid " +
                                              std::to_string(server.uid) + ")");
}

Descriptor connect_unix(const Address& address, const Patience& patience) {
  const UnixPlace to = address.is_abstract() ? place_of_name(address) : place_of_path(address);
  Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) cannot_connect(address, errno);
  // A blocking connect() waits while the listener's queue is full, for as long as a send may.
  timeval slice{};
  slice.tv_usec = patience.slice_ms() * 1000 + 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &slice, sizeof slice);
  const int number = connect_patiently(fd.get(), reinterpret_cast<const sockaddr*>(&to.address),
                                       to.size, patience);
  if (number != 0) cannot_connect(address, number);
  if (address.is_abstract()) check_owner(fd.get(), address);
  return fd;
}

// A loopback port that nobody listens on may be the very one that the kernel chose for our end.
bool is_connected_to_itself(int fd) {
  sockaddr_storage own{};
  sockaddr_storage peer{};
  socklen_t own_size = sizeof own;
  socklen_t peer_size = sizeof peer;
  return ::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &own_size) == 0 &&
         ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0 &&
         own_size == peer_size && std::memcmp(&own, &peer, own_size) == 0;
}

// One of the addresses that a name has; 0 or an errno.
int connect_place(const addrinfo& place, const Patience& patience, Descriptor& connected) {
  Descriptor fd(::socket(place.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno;
  const int number = connect_now(fd.get(), place.ai_addr, place.ai_addrlen, patience);
  if (number != 0) return number;
  if (is_connected_to_itself(fd.get())) return ECONNREFUSED;
  connected = std::move(fd);
  return 0;
}

Descriptor connect_tcp(const Address& address, const Patience& patience) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> results(found, &::freeaddrinfo);
  if (failed != 0) {
    throw Error(ErrorKind::kConnectionLost,
                "cannot find " + address.text() + ": " +
                    (failed == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(failed)));
  }
  int places = 0;
  for (const addrinfo* place = results.get(); place != nullptr; place = place->ai_next) ++places;
  int number = ECONNREFUSED;
  for (const addrinfo* place = results.get(); place != nullptr; place = place->ai_next) {
    // Each has its share of the time that is left, so that one that is silent hides no other.
    const auto now = Clock::now();
    const Patience share{now + (patience.until - now) / places--, patience.interrupt};
    Descriptor connected;
    number = connect_place(*place, share, connected);
    if (number == 0) return connected;
  }
  cannot_connect(address, number);
}

}  // namespace

std::string Address::text() const {
  if (transport == Transport::kUnix) return "unix:" + path;
  const bool is_v6 = host.find(':') != std::string::npos;
  return "tcp:" + (is_v6 ? "[" + host + "]" : host) + ":" + port;
}

Address parse_address(const std::string& text) {
  Address address;
  std::string rest = text;
  if (take_prefix(rest, "unix://") || take_prefix(rest, "ipc://") || take_prefix(rest, "unix:")) {
    address.path = rest;
    if (rest.empty() || rest == "@" || rest.find('\0') != std::string::npos) bad_address(text);
    return address;
  }
  if (!take_prefix(rest, "tcp://") && !take_prefix(rest, "tcp:")) bad_address(text);
  address.transport = Address::Transport::kTcp;
  const auto colon = rest.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == rest.size()) bad_address(text);
  address.host = rest.substr(0, colon);
  address.port = rest.substr(colon + 1);
  if (address.host.front() == '[' && address.host.back() == ']') {
    address.host = address.host.substr(1, address.host.size() - 2);
  } else if (address.host.find_first_of(":[]") != std::string::npos) {
    bad_address(text);
  }
  const bool is_number = address.port.find_first_not_of("0123456789") == std::string::npos;
  if (address.host.empty() || !is_number || address.port.size() > 5 ||
      std::stoi(address.port) > 65535) {
    bad_address(text);
  }
  return address;
}

Descriptor connect_to(const Address& address, std::chrono::milliseconds timeout,
                      const std::function<void()>& interrupt) {
  return connect_to(address, Patience{Clock::now() + timeout, interrupt});
}

Descriptor connect_to(const Address& address, const Patience& patience) {
  return address.transport == Address::Transport::kUnix ? connect_unix(address, patience)
                                                        : connect_tcp(address, patience);
}

}  // namespace cppipc
