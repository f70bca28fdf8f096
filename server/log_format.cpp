// SPDX-License-Identifier: Apache-2.0
#include "server/log_format.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

namespace cppipc::server {
namespace {

constexpr char kTimePattern[] = "%Y-%m-%dT%H:%M:%S.%e%z";

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
}

void append(spdlog::memory_buf_t& line, std::string_view text) {
  line.append(text.data(), text.data() + text.size());
}

std::string_view name_of(spdlog::level::level_enum level) {
  const auto name = spdlog::level::to_string_view(level);
  return {name.data(), name.size()};
}

std::string_view payload_of(const spdlog::details::log_msg& message) {
  return {message.payload.data(), message.payload.size()};
}

}  // namespace

std::string shortened(std::string_view text) {
  constexpr std::size_t kMost = 500;
  if (text.size() <= kMost) return std::string(text);
  std::size_t size = kMost;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return std::string(text.substr(0, size)) + "... (" + std::to_string(text.size()) + " bytes)";
}

std::string on_one_line(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    // Those above 0x7f are two bytes in UTF-8; the first says nothing.
    const bool is_upper = byte >= 0x80 && byte < 0xa0 && !out.empty() && out.back() == '\xc2';
    if (is_upper) out.pop_back();
    if (c == '\n') {
      out += "\\n";
    } else if ((is_control(c) && c != '\t') || is_upper) {
      out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 0xf]};
    } else {
      out.push_back(c);
    }
  }
  return out;
}

TextFormatter::TextFormatter() : time_(kTimePattern, spdlog::pattern_time_type::local, "") {}

void TextFormatter::format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) {
  time_.format(message, line);
  append(line, " ");
  append(line, name_of(message.level));
  append(line, " [" + std::to_string(message.thread_id) + "] ");
  append(line, on_one_line(payload_of(message)));
  append(line, "\n");
}

std::unique_ptr<spdlog::formatter> TextFormatter::clone() const {
  return std::make_unique<TextFormatter>();
}

JsonFormatter::JsonFormatter() : time_(kTimePattern, spdlog::pattern_time_type::local, "") {}

void JsonFormatter::format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) {
  spdlog::memory_buf_t time;
  time_.format(message, time);
  nlohmann::ordered_json object;
  object["time"] = std::string_view(time.data(), time.size());
  object["level"] = name_of(message.level);
  object["pid"] = ::getpid();
  object["thread"] = message.thread_id;
  object["message"] = payload_of(message);
  append(line, object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  append(line, "\n");
}

std::unique_ptr<spdlog::formatter> JsonFormatter::clone() const {
  return std::make_unique<JsonFormatter>();
}

}  // namespace cppipc::server
