// SPDX-License-Identifier: Apache-2.0
#pragma once
// The sum of an array's elements, of any number type, byte order, shape and strides.

#include <cppipc/variant.h>

namespace cppipc::toolkits {

// An int for integers and bools, else a float or complex number, summed up with compensation.
// Errors: kWrongType if the elements are no numbers; std::overflow_error if the sum of integers
// does not fit into 64 bits.
Variant total_of(const AnyArray& array);

}  // namespace cppipc::toolkits
