// SPDX-License-Identifier: Apache-2.0
#pragma once
// A function for each kind of C++ parameter and result, most of which return what they get.

namespace cppipc {
class Registry;
}

namespace cppipc::test {

// Adds "typed.NAME" for each, the enumeration "Color", and the types "Shape" and "Square".
void register_typed(Registry& registry);

}  // namespace cppipc::test
