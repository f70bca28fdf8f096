// SPDX-License-Identifier: Apache-2.0
#pragma once
// Setting all elements of an array.

#include <cppipc/variant.h>

namespace cppipc::toolkits {

// Sets every element of `array`, of any shape and strides, to `value`: a number for numbers, which
// must fit, or an array of no dimension and the same dtype for any. Errors: kWrongType, kOverflow.
void fill(const AnyArray& array, const Variant& value);

}  // namespace cppipc::toolkits
