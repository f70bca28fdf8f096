// SPDX-License-Identifier: Apache-2.0
#include "server/service.h"

#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "server/environment.h"

namespace cppipc::server {
namespace {

constexpr char kWatchdog[] = "WATCHDOG_USEC";
constexpr char kWatchdogPid[] = "WATCHDOG_PID";

// Of the clock by which managers compare.
std::uint64_t monotonic_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000;
}

}  // namespace

ServiceManager ServiceManager::from_environment() {
  ServiceManager manager{Notifier::from_environment(), {}};
  constexpr std::int64_t kLeast = 2;                     // half of it is a microsecond
  constexpr std::int64_t kMost = 1'000'000'000'000'000;  // thirty years
  const auto interval = number_in(kWatchdog);
  const bool is_for_others =
      std::getenv(kWatchdogPid) != nullptr && number_in(kWatchdogPid) != ::getpid();
  if (interval && *interval >= kLeast && *interval <= kMost && !is_for_others) {
    manager.watchdog = std::chrono::microseconds(*interval);
  }
  ::unsetenv(kWatchdog);
  ::unsetenv(kWatchdogPid);
  return manager;
}

Service::Service(boost::asio::io_context& loop, ServiceManager manager, Log& log)
    : notifier_(std::move(manager.notifier)), watchdog_(manager.watchdog), log_(log), timer_(loop) {
  if (!notifier_.failure().empty()) log_.warning(notifier_.failure());
  if (notifier_.is_wanted() && watchdog_) watch();
}

void Service::ready(const std::string& status) { tell("READY=1\nSTATUS=" + status); }

void Service::reloading() {
  tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_us()) + "\nSTATUS=reloading");
}

void Service::stopping(const std::string& status, std::chrono::milliseconds at_most) {
  // A manager that would be more patient takes no notice of the time.
  constexpr std::chrono::seconds kSpare{5};
  const std::chrono::microseconds time = at_most + kSpare;
  tell("STOPPING=1\nSTATUS=" + status + "\nEXTEND_TIMEOUT_USEC=" + std::to_string(time.count()));
}

void Service::tell(const std::string& lines) {
  if (notifier_.send(lines) || std::exchange(is_failure_logged_, true)) return;
  log_.warning("the service manager cannot be told how the server is: " +
               std::generic_category().message(errno));
}

void Service::watch() {
  tell("WATCHDOG=1");
  timer_.expires_after(*watchdog_ / 2);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) watch();
  });
}

}  // namespace cppipc::server
