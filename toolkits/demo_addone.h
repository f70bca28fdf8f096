// SPDX-License-Identifier: Apache-2.0
#pragma once
// The smallest toolkit: a map in, a map out.

#include <cppipc/variant.h>

namespace cppipc {
class Registry;
}

namespace cppipc::toolkits {

// Returns {"x": x + 1}, of the type of the given "x", an int or a float.
// Errors: kWrongType if "x" is missing, of another type, or not alone; std::overflow_error if
// x + 1 does not fit into 64 bits.
VariantMap demo_addone(const VariantMap& params);

// Registers the toolkit demo_addone.
void register_demo_addone(Registry& registry);

}  // namespace cppipc::toolkits
