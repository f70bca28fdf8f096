// SPDX-License-Identifier: Apache-2.0
#pragma once
// Structured element types, which are written as Python literals: those that numpy.dtype() takes.

#include <cstdint>
#include <string_view>

namespace cppipc::toolkits {

// The size of an element of the type that `text` describes: a list of (name, format[, shape]), or
// a dict of 'names', 'formats', 'offsets' and 'itemsize'. Errors: kWrongType if it is neither.
std::uint32_t structure_bytes(std::string_view text);

}  // namespace cppipc::toolkits
