// SPDX-License-Identifier: Apache-2.0
#include "rpc/socket_options.h"

#include <cppipc/error.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace cppipc {
namespace {

constexpr int kIdleSeconds = 60;      // without a word, until it is asked for one
constexpr int kIntervalSeconds = 10;  // between further questions
constexpr int kQuestions = 6;         // unanswered, and the connection is over

// Sockets that are not TCP refuse the first option, and have no need for the others.
void prepare_tcp(int fd) {
  const auto set = [fd](int level, int option, int value) {
    return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
  };
  if (!set(IPPROTO_TCP, TCP_NODELAY, 1)) return;
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, kIdleSeconds);
  set(IPPROTO_TCP, TCP_KEEPINTVL, kIntervalSeconds);
  set(IPPROTO_TCP, TCP_KEEPCNT, kQuestions);
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
  prepare_tcp(fd);
}

}  // namespace cppipc
