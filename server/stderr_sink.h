// SPDX-License-Identifier: Apache-2.0
#pragma once
// A sink for a stderr that may be a pipe nobody reads.

#include <spdlog/sinks/base_sink.h>

#include <cstdint>
#include <mutex>
#include <string_view>

namespace cppipc::server {

// Writes lines to a descriptor, but never waits for it: a line that does not fit into a full pipe
// is dropped, and the count of dropped lines is written before the next one that fits.
// Does not own the descriptor. Threads: any, by the base class's mutex.
class StderrSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit StderrSink(int fd) : fd_(fd) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}  // nothing is kept back

 private:
  const int fd_;
  std::uint64_t dropped_ = 0;
};

// Writes all of `text` unless the descriptor would make the caller wait. Returns whether it did.
// A line that was begun and cannot be ended is cut.
bool write_without_waiting(int fd, std::string_view text);

}  // namespace cppipc::server
