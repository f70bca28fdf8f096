// SPDX-License-Identifier: Apache-2.0
#pragma once
// A type for the Python tests of saving, of which a part is implemented in Python.

namespace cppipc {
class Registry;
}

namespace cppipc::test {

// Registers the type Model.
void register_saved(Registry& registry);

}  // namespace cppipc::test
