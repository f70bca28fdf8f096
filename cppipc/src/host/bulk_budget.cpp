// SPDX-License-Identifier: Apache-2.0
#include "host/bulk_budget.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace cppipc {
namespace {

constexpr std::uint64_t kLeastBytes = 1ull << 30;
constexpr std::uint64_t kUnknown = std::numeric_limits<std::uint64_t>::max();

// Adds `bytes` unless that passes `bytes_max`; what was there before goes to `held`.
bool add(std::atomic<std::uint64_t>& counter, std::uint64_t bytes, std::uint64_t bytes_max,
         std::uint64_t& held) {
  held = counter.load();
  do {
    if (held > bytes_max || bytes > bytes_max - held) return false;
  } while (!counter.compare_exchange_weak(held, held + bytes));
  return true;
}

[[noreturn]] void refuse(std::uint64_t bytes, std::uint64_t held, std::uint64_t bytes_max,
                         const char* whose, const char* option) {
  throw Error(ErrorKind::kQuotaExceeded,
              "there is no room for " + std::to_string(bytes) + " bytes: the server holds " +
                  std::to_string(held) + " bytes of arrays, str, bytes and waiting calls for " +
                  whose + ", and may hold " + std::to_string(bytes_max) + " (" + option + ")");
}

// The number in a file of the system; kUnknown if there is none.
std::uint64_t number_in(const char* path) {
  std::ifstream file(path);
  std::uint64_t number = 0;
  return file >> number ? number : kUnknown;
}

// What a container may use; kUnknown outside of one.
std::uint64_t container_limit() {
  return std::min(number_in("/sys/fs/cgroup/memory.max"),
                  number_in("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
}

std::uint64_t physical_bytes() {
  const auto pages = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES));
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t available_bytes() {
  std::ifstream file("/proc/meminfo");
  std::string name;
  std::uint64_t kib = 0;
  std::string unit;
  while (file >> name >> kib && std::getline(file, unit)) {
    if (name == "MemAvailable:") return kib << 10;
  }
  return physical_bytes();
}

}  // namespace

void BulkBudget::charge(std::uint64_t bytes) {
  std::uint64_t held = 0;
  if (!add(held_, bytes, bytes_max_, held)) {
    refuse(bytes, held, bytes_max_, "this session", "--bulk-mib");
  }
  if (!add(total_->held, bytes, total_->bytes_max, held)) {
    held_ -= bytes;
    refuse(bytes, held, total_->bytes_max, "all sessions", "--bulk-total-mib");
  }
}

void BulkBudget::discharge(std::uint64_t bytes) noexcept {
  held_ -= bytes;
  total_->held -= bytes;
}

std::uint64_t default_arena_bytes() { return std::min(physical_bytes(), container_limit()); }

std::uint64_t default_bulk_bytes() {
  return std::max(kLeastBytes, std::min(physical_bytes(), container_limit()) / 4);
}

std::uint64_t default_bulk_total_bytes() {
  return std::max(kLeastBytes, std::min(available_bytes(), container_limit()) / 2);
}

}  // namespace cppipc
