// SPDX-License-Identifier: Apache-2.0
#pragma once
// A service manager's end of the protocol of sd_notify(3).

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>

#include "server/socket_file.h"
#include "server_process.h"
#include "temporary_folder.h"
#include "unix_client.h"

namespace cppipc::server {

// Owns: the socket, and the folder with its file.
class NotifySocket {
 public:
  enum class Kind { kPath, kAbstract };
  explicit NotifySocket(Kind kind = Kind::kPath) {
    if (kind == Kind::kPath) {
      address_ = folder_ / "notify";
      socket_ = bind_at(address_, SOCK_DGRAM);
      return;
    }
    address_ = "@" + folder_ / "notify";
    sockaddr_un place{};
    place.sun_family = AF_UNIX;
    std::memcpy(place.sun_path + 1, address_.data() + 1, address_.size() - 1);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
    socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&place), size) != 0) {
      throw std::runtime_error("bind failed");
    }
  }
  // For NOTIFY_SOCKET.
  const std::string& address() const { return address_; }

  // The next message; empty if none comes in time.
  std::string next() const {
    if (!is_readable_in_time(socket_.get())) return "";
    std::array<char, 4096> text;
    const ssize_t size = ::recv(socket_.get(), text.data(), text.size(), 0);
    return size < 0 ? "" : std::string(text.data(), static_cast<std::size_t>(size));
  }
  bool has_more() const {
    char c = 0;
    return ::recv(socket_.get(), &c, 1, MSG_DONTWAIT | MSG_PEEK) >= 0;
  }

 private:
  const TemporaryFolder folder_;
  std::string address_;
  OwnedFd socket_;
};

}  // namespace cppipc::server
