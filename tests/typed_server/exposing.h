// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cppipc/registry.h>

namespace cppipc::test {

// The types that docs/exposing.md shows.
void register_exposing(Registry& registry);

}  // namespace cppipc::test
