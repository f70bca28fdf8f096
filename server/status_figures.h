// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the status endpoint shows of a server, read at one moment.

#include <cppipc/host.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cppipc::server {

// Of this process, as the kernel counts it. What cannot be read, for want of a descriptor for
// instance, is empty.
struct ProcessFigures {
  std::optional<double> start_time_s;  // since 1970, UTC
  std::optional<double> cpu_s;         // user and system time of all threads
  std::optional<std::uint64_t> resident_bytes;
  std::optional<std::uint64_t> virtual_bytes;
  std::optional<std::uint64_t> threads;
  std::optional<std::uint64_t> open_fds;
  std::optional<std::uint64_t> max_fds;
};

// Errors: none but std::bad_alloc. Threads: any.
ProcessFigures process_figures();

struct StatusFigures {
  std::string version;
  int pid = 0;
  bool is_draining = false;
  std::chrono::system_clock::time_point now;
  std::vector<std::string> addresses;  // for clients, as unity.connect() takes them
  std::uint64_t reloads = 0;           // by SIGHUP, since the start
  std::uint64_t reloads_failed = 0;    // of these, in which something failed
  HostStats host;
  std::vector<SessionStats> sessions;  // the oldest ones, at most kSessionsListed
  ProcessFigures process;
};

// More would make a page that nobody reads and an answer that takes long to write.
inline constexpr std::size_t kSessionsListed = 1'000;

double seconds_since_1970(std::chrono::system_clock::time_point time);

}  // namespace cppipc::server
