// SPDX-License-Identifier: Apache-2.0
#include "rpc/socket_options.h"

#include <cppipc/error.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace cppipc {
namespace {

constexpr int kQuestions = 3;  // unanswered, and the connection is over

bool set(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

}  // namespace

void prepare_socket(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
      ::fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
    const int number = errno;
    Error error(ErrorKind::kInputOutput,
                std::string("cannot use the descriptor of a socket: ") + std::strerror(number));
    error.error_number = number;
    throw error;
  }
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

void set_keep_alive(int fd, std::chrono::seconds within) {
  // Half of the time nothing need be heard; in the other half it is asked.
  const int seconds = static_cast<int>(std::clamp<std::int64_t>(within.count(), 1, kKeepAliveMaxS));
  const int interval = std::max(1, seconds / 2 / kQuestions);
  // Sockets that are not TCP refuse the first of these, and have no need for the others.
  if (!set(fd, IPPROTO_TCP, TCP_KEEPIDLE, std::max(1, seconds - interval * kQuestions))) return;
  set(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval);
  set(fd, IPPROTO_TCP, TCP_KEEPCNT, kQuestions);
  // The same for what was sent and is not acknowledged, which else is tried again for minutes.
  set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, seconds * 1000);
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

}  // namespace cppipc
