// SPDX-License-Identifier: Apache-2.0
#include "server/descriptors.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

namespace cppipc::server {

void open_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // The lowest free number is taken, which is `fd`. Inherited by children on purpose.
    if (::open("/dev/null", O_RDWR) != fd) {
      throw std::system_error(errno, std::generic_category(), "/dev/null");
    }
  }
}

void check_inherited_socket(int fd) {
  const std::string what = "descriptor " + std::to_string(fd) + " (--inherited-fd)";
  int type = 0;
  socklen_t size = sizeof(type);
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM) {
    throw std::runtime_error(what + " is not a stream socket");
  }
  sockaddr_storage peer{};
  size = sizeof(peer);
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) {
    throw std::runtime_error(what + " is not connected");
  }
}

void prepare_inherited_socket(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "preparing the inherited socket");
  }
}

}  // namespace cppipc::server
