// SPDX-License-Identifier: Apache-2.0
#pragma once
// Connected sockets, and raw bytes on them.

#include "rpc/descriptor.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace cppipc::test {

inline std::pair<Descriptor, Descriptor> socket_pair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    throw std::runtime_error("socketpair failed");
  }
  return {Descriptor(fds[0]), Descriptor(fds[1])};
}

// The smallest buffers the kernel gives, so that little data fills them.
inline void shrink_buffers(int fd) {
  const int size = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

// Writes all of it, blocking. False if the other side is gone.
inline bool write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

// What has arrived by now, at most `most` bytes.
inline std::vector<std::byte> read_available(int fd, std::size_t most = ~std::size_t{0}) {
  std::vector<std::byte> bytes;
  std::byte buffer[65536];
  while (bytes.size() < most) {
    const std::size_t room = std::min(sizeof buffer, most - bytes.size());
    const ssize_t got = ::recv(fd, buffer, room, MSG_DONTWAIT);
    if (got <= 0) break;
    bytes.insert(bytes.end(), buffer, buffer + got);
  }
  return bytes;
}

// Whether the other side has closed (or shut down) the connection and all was read. Blocks.
inline bool is_at_end(int fd) {
  std::byte byte;
  ssize_t got = 0;
  do {
    got = ::recv(fd, &byte, 1, 0);
  } while (got < 0 && errno == EINTR);
  return got <= 0;
}

}  // namespace cppipc::test
