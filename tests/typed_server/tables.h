// SPDX-License-Identifier: Apache-2.0
#pragma once
// Functions that take and return dataframes and graphs.

namespace cppipc {
class Registry;
}

namespace cppipc::test {

// Adds "tables.NAME" for each.
void register_tables(Registry& registry);

}  // namespace cppipc::test
