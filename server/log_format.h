// SPDX-License-Identifier: Apache-2.0
#pragma once
// How a log line looks: plain text, or one JSON object.

#include <spdlog/formatter.h>
#include <spdlog/pattern_formatter.h>

#include <memory>
#include <string>
#include <string_view>

namespace cppipc::server {

// `text` with control characters but tab, those of Unicode above 0x7f too, as escapes (\n, \x1b),
// so that it stays on one line.
std::string on_one_line(std::string_view text);

// The beginning of a text that others have chosen the length of, with a word on how long it was.
std::string shortened(std::string_view text);

// 2026-11-21T11:04:03.123+00:00 info [4711] text
class TextFormatter final : public spdlog::formatter {
 public:
  TextFormatter();
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override;
  std::unique_ptr<spdlog::formatter> clone() const override;

 private:
  spdlog::pattern_formatter time_;
};

// {"time":"2026-11-21T11:04:03.123+00:00","level":"info","pid":4710,"thread":4711,"message":"text"}
// Bytes that are not UTF-8 become U+FFFD.
class JsonFormatter final : public spdlog::formatter {
 public:
  JsonFormatter();
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override;
  std::unique_ptr<spdlog::formatter> clone() const override;

 private:
  spdlog::pattern_formatter time_;
};

}  // namespace cppipc::server
