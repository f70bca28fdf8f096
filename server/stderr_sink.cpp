// SPDX-License-Identifier: Apache-2.0
#include "server/stderr_sink.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <string>

namespace cppipc::server {
namespace {

// A pipe that is writable at all takes this much without making the writer wait.
constexpr std::size_t kPieceBytes = PIPE_BUF;

bool is_writable(int fd) {
  pollfd wanted{fd, POLLOUT, 0};
  int ready = 0;
  do {
    ready = ::poll(&wanted, 1, 0);
  } while (ready < 0 && errno == EINTR);
  return ready == 1 && (wanted.revents & POLLOUT) != 0;
}

}  // namespace

bool write_without_waiting(int fd, std::string_view text) {
  while (!text.empty()) {
    if (!is_writable(fd)) return false;
    const ssize_t written = ::write(fd, text.data(), std::min(text.size(), kPieceBytes));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

void StderrSink::sink_it_(const spdlog::details::log_msg& message) {
  spdlog::memory_buf_t line;
  formatter_->format(message, line);
  if (dropped_ != 0) {
    const std::string note =
        "unity_server: " + std::to_string(dropped_) + " log lines were dropped, nobody read them\n";
    if (!write_without_waiting(fd_, note)) {
      ++dropped_;
      return;
    }
    dropped_ = 0;
  }
  if (!write_without_waiting(fd_, {line.data(), line.size()})) ++dropped_;
}

}  // namespace cppipc::server
