// SPDX-License-Identifier: Apache-2.0
#pragma once
// A log whose lines a test can read.

#include <spdlog/sinks/ostream_sink.h>

#include <memory>
#include <sstream>
#include <string>

#include "server/logging.h"

namespace cppipc::server {

// Threads: one at a time.
class CapturedLog {
 public:
  explicit CapturedLog(LogOptions options = {.level = LogLevel::kDebug})
      : log_(options, std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)) {}
  Log& log() { return log_; }
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  Log log_;
};

// How often `part` occurs in `text`.
inline int count_of(const std::string& text, const std::string& part) {
  int count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace cppipc::server
