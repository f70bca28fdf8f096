// SPDX-License-Identifier: Apache-2.0
#pragma once
// Raw Unix sockets for tests.

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

#include "server/socket_file.h"

namespace cppipc::server {

inline sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) throw std::runtime_error("path too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// A connected socket; -1 with errno set if nobody accepts.
inline OwnedFd connect_to(const std::string& path) {
  OwnedFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = unix_address(path);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    const int error = errno;
    socket.reset();
    errno = error;
  }
  return socket;
}

// The same to a path of any length.
inline OwnedFd connect_through_folder(const std::string& folder, const std::string& name) {
  const OwnedFd directory(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  return connect_to("/proc/self/fd/" + std::to_string(directory.get()) + "/" + name);
}

// A bound socket of the given type, which is not listening.
inline OwnedFd bind_at(const std::string& path, int type = SOCK_STREAM) {
  OwnedFd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  const sockaddr_un address = unix_address(path);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    throw std::runtime_error("bind failed");
  }
  return socket;
}

}  // namespace cppipc::server
