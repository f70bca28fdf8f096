// SPDX-License-Identifier: Apache-2.0
#include "server/status_figures.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>

namespace cppipc::server {
namespace {

std::optional<double> seconds_of(clockid_t clock) {
  timespec now{};
  if (::clock_gettime(clock, &now) != 0) return std::nullopt;
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// Fields of /proc/self/stat behind the name of the program, which may contain anything; the first
// is the one that proc(5) numbers 3.
std::vector<std::string> stat_fields() {
  std::ifstream file("/proc/self/stat");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream rest(text.substr(name_end + 1));
  return {std::istream_iterator<std::string>(rest), {}};
}

std::optional<std::uint64_t> number_at(const std::vector<std::string>& fields, std::size_t field) {
  constexpr std::size_t kFirst = 3;
  if (field - kFirst >= fields.size()) return std::nullopt;
  return std::stoull(fields[field - kFirst]);
}

// The kernel tells the start in ticks after the boot.
std::optional<double> start_time_s(const std::vector<std::string>& fields) {
  constexpr std::size_t kStartTime = 22;
  const auto ticks = number_at(fields, kStartTime);
  const auto since_boot_s = seconds_of(CLOCK_BOOTTIME);
  const auto now_s = seconds_of(CLOCK_REALTIME);
  const long ticks_per_s = ::sysconf(_SC_CLK_TCK);
  if (!ticks || !since_boot_s || !now_s || ticks_per_s <= 0) return std::nullopt;
  const double age_s =
      *since_boot_s - static_cast<double>(*ticks) / static_cast<double>(ticks_per_s);
  return *now_s - age_s;
}

std::optional<std::uint64_t> open_descriptors() {
  std::error_code failure;
  std::filesystem::directory_iterator entry("/proc/self/fd", failure);
  std::uint64_t count = 0;
  for (; !failure && entry != std::filesystem::directory_iterator(); entry.increment(failure)) {
    ++count;
  }
  if (failure || count == 0) return std::nullopt;
  return count - 1;  // without the directory itself
}

}  // namespace

ProcessFigures process_figures() {
  constexpr std::size_t kThreads = 20;
  constexpr std::size_t kVirtualBytes = 23;
  constexpr std::size_t kResidentPages = 24;
  const auto fields = stat_fields();
  ProcessFigures figures;
  // One and the same for all readers, once it could be read: 0 until then.
  static std::atomic<double> started_s = 0;
  double none = 0;
  if (const auto read_s = start_time_s(fields)) started_s.compare_exchange_strong(none, *read_s);
  if (started_s != 0) figures.start_time_s = started_s;
  figures.cpu_s = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  figures.threads = number_at(fields, kThreads);
  figures.virtual_bytes = number_at(fields, kVirtualBytes);
  if (const auto pages = number_at(fields, kResidentPages)) {
    figures.resident_bytes = *pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  figures.open_fds = open_descriptors();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) figures.max_fds = limit.rlim_cur;
  return figures;
}

double seconds_since_1970(std::chrono::system_clock::time_point time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

}  // namespace cppipc::server
