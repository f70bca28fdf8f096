// SPDX-License-Identifier: Apache-2.0
#pragma once
// Descriptive statistics of an array of numbers.

#include <cppipc/array.h>
#include <cppipc/variant.h>

namespace cppipc {
class Registry;
}

namespace cppipc::toolkits {

// Adds the toolkit "array_stats".
void register_array_stats(Registry& registry);

// "count", and over all elements in double precision "sum", "mean", "std" (of the population),
// "min" and "max"; a NaN makes all of them NaN. The mean and the deviation are Welford's (B. P.
// Welford, Technometrics 4, 1962), so that large means lose no precision. Errors:
// std::invalid_argument for an array without elements.
VariantMap array_stats(const ArrayView<double>& x);

}  // namespace cppipc::toolkits
