// SPDX-License-Identifier: Apache-2.0
#include "server/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

namespace cppipc::server {
namespace {

constexpr char kVariable[] = "NOTIFY_SOCKET";

}  // namespace

Notifier Notifier::from_environment() {
  const char* const address = std::getenv(kVariable);
  Notifier notifier(address == nullptr ? "" : address);
  ::unsetenv(kVariable);
  return notifier;
}

Notifier::Notifier(const std::string& address) {
  if (address.empty()) return;
  sockaddr_un place{};
  place.sun_family = AF_UNIX;
  if ((address.front() != '/' && address.front() != '@') || address.size() < 2 ||
      address.size() >= sizeof place.sun_path) {
    failure_ = kVariable;
    failure_ += " is '" + address +
                "', which is neither a path nor an abstract name; nobody is told how the server is";
    return;
  }
  std::memcpy(place.sun_path, address.data(), address.size());
  if (address.front() == '@') place.sun_path[0] = '\0';
  // The size counts for an abstract name, which ends where the address does.
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size() +
                                           (address.front() == '@' ? 0 : 1));
  fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ >= 0 && ::connect(fd_, reinterpret_cast<const sockaddr*>(&place), size) == 0) return;
  failure_ = std::string(kVariable) + " '" + address +
             "' cannot be reached: " + std::generic_category().message(errno);
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Notifier::~Notifier() {
  if (fd_ >= 0) ::close(fd_);
}

Notifier::Notifier(Notifier&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), failure_(std::move(other.failure_)) {}

bool Notifier::send(std::string_view lines) const noexcept {
  if (!is_wanted()) return true;
  ssize_t sent = -1;
  do {
    sent = ::send(fd_, lines.data(), lines.size(), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(lines.size());
}

}  // namespace cppipc::server
