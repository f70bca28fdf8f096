// SPDX-License-Identifier: Apache-2.0
#pragma once
// Text on the wire is UTF-8 as Unicode defines it: no surrogates, no overlong forms, nothing above
// U+10FFFF. NUL is a character like any other.

#include <cstddef>
#include <string>
#include <string_view>

namespace cppipc {

// The offset of the first byte that does not belong to a valid sequence; npos if there is none.
std::size_t find_invalid_utf8(std::string_view text);

inline bool is_utf8(std::string_view text) {
  return find_invalid_utf8(text) == std::string_view::npos;
}

// Appends a code point, which must be a Unicode scalar value.
void append_utf8(std::string& text, char32_t code_point);

// `text` with U+FFFD in place of every byte that is not part of a valid sequence: for messages.
std::string to_valid_utf8(std::string_view text);

}  // namespace cppipc
