// SPDX-License-Identifier: Apache-2.0
#pragma once
// How many descriptors the process may have.

#include <cstdint>

namespace cppipc::server {

// Allows as many as the system lets this user have, since each connection takes one. Returns how
// many that are. Programs that a toolkit starts inherit the limit. Errors: none; if it cannot be
// raised, it stays.
std::uint64_t raise_descriptor_limit() noexcept;

}  // namespace cppipc::server
