// SPDX-License-Identifier: Apache-2.0
#pragma once
// The server as a service: what its manager is told, and when.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <optional>
#include <string>

#include "server/logging.h"
#include "server/notify.h"

namespace cppipc::server {

// What the environment says of the manager.
struct ServiceManager {
  Notifier notifier{""};
  std::optional<std::chrono::microseconds> watchdog = {};  // how long it waits for a sign of life

  // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID and removes them, so that no child takes
  // them for its own. Before there are other threads.
  static ServiceManager from_environment();
};

// Says that the server is ready, reloads and ends. If the manager has a watchdog, signs of life go
// out at half its interval, from the loop: so they stop when that does. Without one there is no
// timer. Threads: everything on the thread that runs the io_context.
class Service {
 public:
  Service(boost::asio::io_context& loop, ServiceManager manager, Log& log);

  // The server accepts clients. `status` is shown beside its name.
  void ready(const std::string& status);
  void reloading();
  // `at_most`: until the process is gone.
  void stopping(const std::string& status, std::chrono::milliseconds at_most);

 private:
  void tell(const std::string& lines);
  void watch();

  const Notifier notifier_;
  const std::optional<std::chrono::microseconds> watchdog_;
  Log& log_;
  boost::asio::steady_timer timer_;
  bool is_failure_logged_ = false;
};

}  // namespace cppipc::server
