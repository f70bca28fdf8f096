// SPDX-License-Identifier: Apache-2.0
#pragma once
// NumPy's scalars, which reach C++ as arrays of no dimension.

#include <cppipc/variant.h>

#include <complex>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace cppipc::detail {

// A number of any width and byte order.
using Number = std::variant<bool, std::int64_t, std::uint64_t, double, std::complex<double>>;

// Nothing unless the value is an array of no dimension whose dtype is a number's.
std::optional<Number> scalar_number(const Variant& value);

// The text of a numpy.str_. Nothing if it is none. Errors: kInvalidArgument if it holds what is
// no Unicode character.
std::optional<std::string> scalar_text(const Variant& value);

}  // namespace cppipc::detail
