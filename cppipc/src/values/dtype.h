// SPDX-License-Identifier: Apache-2.0
#pragma once
// How a dtype's text is taken apart, and which element types cast to which without loss.

#include <cppipc/array.h>

#include <bit>
#include <cstdint>
#include <optional>

namespace cppipc::detail {

inline constexpr char kNativeOrder = std::endian::native == std::endian::little ? '<' : '>';

// The parts of a text such as "<f8": byte order, kind, number. The number counts bytes, but
// characters for kind 'U'.
struct DTypeText {
  char order = '|';
  char kind = 0;
  std::uint32_t number = 0;

  bool is_native() const { return order == '|' || order == '=' || order == kNativeOrder; }
};

// Nothing for structured types, units and anything else that is not order, letter and number.
std::optional<DTypeText> parse_dtype(const std::string& text);

// The parts of a dtype whose elements are plain numbers or bools; nothing for others, and for a
// dtype whose size is not the one its text gives.
std::optional<DTypeText> number_dtype(const DType& dtype);

// Whether NumPy's can_cast(from, to, "safe") holds for number dtypes of any byte order.
bool casts_safely(const DTypeText& from, char to_kind, std::uint32_t to_size);

}  // namespace cppipc::detail
