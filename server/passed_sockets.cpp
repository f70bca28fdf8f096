// SPDX-License-Identifier: Apache-2.0
// The protocol is that of sd_listen_fds(3), which systemd declares stable.
#include "server/passed_sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "server/environment.h"

namespace cppipc::server {
namespace {

constexpr int kFirst = 3;     // the first descriptor that is passed
constexpr int kMost = 1'000;  // of them
constexpr char kPid[] = "LISTEN_PID";
constexpr char kCount[] = "LISTEN_FDS";
constexpr char kNames[] = "LISTEN_FDNAMES";

// The count, or 0 if they are not for this process.
std::int64_t count_passed() {
  if (number_in(kPid) != ::getpid()) return 0;
  return number_in(kCount).value_or(0);
}

std::vector<std::string> names() {
  std::vector<std::string> found;
  const char* const text = std::getenv(kNames);
  std::string_view rest = text == nullptr ? "" : text;
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    found.emplace_back(rest.substr(0, colon));
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return found;
}

int option_of(int fd, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

Address unix_address_of(const sockaddr_un& place, socklen_t size) {
  const std::size_t bytes = size - offsetof(sockaddr_un, sun_path);
  const std::string text(place.sun_path, bytes);
  if (text.front() == '\0') return {"@" + text.substr(1)};
  return {text.c_str()};  // without the zero at its end
}

Address tcp_address_of(int family, const void* host, in_port_t port) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family, host, text.data(), text.size());
  return {.host = text.data(), .port = std::to_string(ntohs(port))};
}

// Where a socket is bound; empty for other families, and for one without a name.
Address address_of(int fd) {
  sockaddr_storage place{};
  socklen_t size = sizeof place;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&place), &size) != 0) return {};
  switch (place.ss_family) {
    case AF_UNIX:
      if (size <= offsetof(sockaddr_un, sun_path)) return {};
      return unix_address_of(reinterpret_cast<const sockaddr_un&>(place), size);
    case AF_INET: {
      const auto& v4 = reinterpret_cast<const sockaddr_in&>(place);
      return tcp_address_of(AF_INET, &v4.sin_addr, v4.sin_port);
    }
    case AF_INET6: {
      const auto& v6 = reinterpret_cast<const sockaddr_in6&>(place);
      return tcp_address_of(AF_INET6, &v6.sin6_addr, v6.sin6_port);
    }
    default:
      return {};
  }
}

// As a socket that this process has made.
void prepare(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "preparing a passed socket");
  }
}

}  // namespace

PassedSocket::PassedSocket(OwnedFd fd, std::string name)
    : fd_(std::move(fd)), name_(std::move(name)) {
  const std::string what = "descriptor " + std::to_string(fd_.get()) + " ('" + name_ +
                           "'), which was passed to the server (" + kCount + "), ";
  if (option_of(fd_.get(), SO_TYPE) != SOCK_STREAM || option_of(fd_.get(), SO_ACCEPTCONN) != 1) {
    throw std::runtime_error(what +
                             "is not a listening stream socket; a socket unit for it has "
                             "ListenStream= and Accept=no");
  }
  address_ = address_of(fd_.get());
  if (address_.path.empty() && !address_.is_tcp()) {
    throw std::runtime_error(what + "is neither a named Unix socket nor one of TCP");
  }
  prepare(fd_.get());
  // Clients of a Unix socket see who has called listen() last: from now on this server.
  if (!address_.is_tcp() && ::listen(fd_.get(), SOMAXCONN) != 0) {
    throw std::system_error(errno, std::generic_category(), what + "cannot be listened on");
  }
}

bool PassedSocket::is_reachable_from_elsewhere() const {
  return address_.is_tcp() && !address_.host.starts_with("127.") && address_.host != "::1";
}

std::string PassedSocket::text() const {
  return "the socket '" + name_ + "' that was passed, " + address_.text();
}

bool has_passed_sockets() { return count_passed() > 0; }

std::vector<PassedSocket> take_passed_sockets() {
  const long count = count_passed();
  const std::vector<std::string> given = names();
  for (const char* variable : {kPid, kCount, kNames}) ::unsetenv(variable);
  if (count > kMost) {
    throw std::runtime_error(std::string(kCount) + " is " + std::to_string(count) + "; at most " +
                             std::to_string(kMost) + " sockets can be passed");
  }
  std::vector<PassedSocket> sockets;
  for (long i = 0; i < count; ++i) {
    const auto number = static_cast<std::size_t>(i);
    sockets.emplace_back(OwnedFd(kFirst + static_cast<int>(i)),
                         number < given.size() ? given[number] : "unknown");
  }
  return sockets;
}

}  // namespace cppipc::server
