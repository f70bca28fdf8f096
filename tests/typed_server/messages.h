// SPDX-License-Identifier: Apache-2.0
#pragma once
// Functions that take and return messages of Cap'n Proto.

namespace cppipc {
class Registry;
}

namespace cppipc::test {

// Adds "messages.NAME" for each.
void register_messages(Registry& registry);

}  // namespace cppipc::test
