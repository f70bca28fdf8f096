// SPDX-License-Identifier: Apache-2.0
#pragma once
// The element types of arrays, taken apart and put together by their NumPy names.

#include <cppipc/array.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cppipc::toolkits {

// The parts of a type string such as ">i4".
struct ElementType {
  char order = '|';            // '<', '>', or '|' where there is none
  char kind = 0;               // NumPy's: b i u f c S U V M m
  std::uint32_t itemsize = 0;  // bytes

  bool is_swapped() const;  // another byte order than this machine's
};

// Nothing for structured types.
std::optional<ElementType> element_type_of(const DType& dtype);

// The dtype of a name: "float64", "bool" and so on, or a type string: "f8", ">i4", "S5", "<M8[ns]".
// Errors: kWrongType naming it.
DType dtype_of(std::string_view name);

// The element's format in the terms of the buffer protocol: "d", ">i", "Zd", "5s". Empty if it has
// none (dates, structured types).
std::string buffer_format_of(const DType& dtype);

}  // namespace cppipc::toolkits
