// SPDX-License-Identifier: Apache-2.0
#include "memory/free_memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

namespace cppipc {
namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

std::uint64_t free_of_machine() {
  std::ifstream lines("/proc/meminfo");
  std::string name;
  std::uint64_t kib = 0;
  while (lines >> name >> kib) {
    if (name == "MemAvailable:") return kib * 1024;
    lines.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  const auto pages = static_cast<std::uint64_t>(std::max(::sysconf(_SC_PHYS_PAGES), 0L));
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// The number in a file of the group; none where it says "max" or there is no such file.
std::optional<std::uint64_t> number_in(const std::string& path) {
  std::uint64_t number = 0;
  if (std::ifstream(path) >> number) return number;
  return std::nullopt;
}

// What the groups of version 2 that the process is in leave, from its own up to the root.
std::uint64_t free_of_groups() {
  std::ifstream lines("/proc/self/cgroup");
  std::string line;
  std::uint64_t least = kUnlimited;
  while (std::getline(lines, line)) {
    if (!line.starts_with("0::")) continue;
    for (std::string group = line.substr(3);; group.erase(group.rfind('/'))) {
      const std::string folder = "/sys/fs/cgroup" + group;
      const auto limit = number_in(folder + "/memory.max");
      const std::uint64_t used = number_in(folder + "/memory.current").value_or(0);
      if (limit) least = std::min(least, *limit > used ? *limit - used : 0);
      if (group.rfind('/') == std::string::npos) break;
    }
  }
  return least;
}

}  // namespace

std::uint64_t free_memory_bytes() { return std::min(free_of_machine(), free_of_groups()); }

}  // namespace cppipc
