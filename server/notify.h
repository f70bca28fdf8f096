// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tells a service manager how the server is: the protocol of sd_notify(3).

#include <string>
#include <string_view>

namespace cppipc::server {

// Owns: a socket, if somebody listens. Threads: any.
class Notifier {
 public:
  // The one that NOTIFY_SOCKET names, which is removed from the environment, so that no child
  // speaks for this process. Before there are other threads.
  static Notifier from_environment();

  // `address` is an absolute path, or '@' and an abstract name; empty: nobody listens.
  explicit Notifier(const std::string& address);
  ~Notifier();
  Notifier(Notifier&& other) noexcept;
  Notifier& operator=(Notifier&&) = delete;

  // Whether somebody listens.
  bool is_wanted() const { return fd_ >= 0; }
  // Why nobody does though an address was given; empty if there is no such reason.
  const std::string& failure() const { return failure_; }

  // Sends lines such as "READY=1\nSTATUS=text". False if that failed, with errno set; true too if
  // nobody listens. Never waits: what does not fit is lost.
  bool send(std::string_view lines) const noexcept;

 private:
  int fd_ = -1;
  std::string failure_;
};

}  // namespace cppipc::server
