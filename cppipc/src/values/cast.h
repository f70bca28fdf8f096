// SPDX-License-Identifier: Apache-2.0
#pragma once
// Elements of one type to elements of another.

#include <cppipc/array.h>
#include <cppipc/variant.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace cppipc::detail {

// Whether cast_elements() takes this dtype to that kind and size: numbers and bools of any byte
// order, by NumPy's "safe" rule, to every type that is_element names.
bool can_cast(const DType& from, char to_kind, std::uint32_t to_size);

// Writes all elements, in C order, as elements of the wanted kind and size in native byte order.
// Only if can_cast(). `out` holds size() * to_size bytes, aligned for the type.
void cast_elements(const AnyArray& from, char to_kind, std::uint32_t to_size, void* out);

// What an array is called where its shape does not fit: "ndarray[float64] of shape (2, 3)".
std::string array_text(const Variant& value);

}  // namespace cppipc::detail
