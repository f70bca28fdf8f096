// SPDX-License-Identifier: Apache-2.0
#pragma once
// Numbers that a manager of services passes in the environment.
//
// Threads: as std::getenv(): not while another thread changes the environment.

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <system_error>

namespace cppipc::server {

// The decimal number that a variable holds; none if it is not set or holds anything else.
inline std::optional<std::int64_t> number_in(const char* variable) {
  const char* const text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  std::int64_t number = 0;
  const char* const end = text + std::strlen(text);
  const auto [rest, error] = std::from_chars(text, end, number);
  if (error != std::errc() || rest != end) return std::nullopt;
  return number;
}

}  // namespace cppipc::server
