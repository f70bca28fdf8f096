// SPDX-License-Identifier: Apache-2.0
#pragma once
// Settings of several types, which keep what they are given.

namespace cppipc {
class Registry;
}

namespace cppipc::test {

// Adds "typed.NAME" for each; those of functions.h come first.
void register_settings(Registry& registry);

}  // namespace cppipc::test
