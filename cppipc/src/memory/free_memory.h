// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace cppipc {

// How many bytes this process could still use, of the machine and of its control group.
std::uint64_t free_memory_bytes();

}  // namespace cppipc
