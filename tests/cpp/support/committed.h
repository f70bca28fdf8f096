// SPDX-License-Identifier: Apache-2.0
#pragma once
// What shared memory really takes.

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>

#include "memory/block.h"

namespace cppipc::test {

// The bytes that the kernel has given to a file.
inline std::uint64_t committed_bytes(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? static_cast<std::uint64_t>(status.st_blocks) * 512 : 0;
}

// The arena that a block of a pool lies in; null if it lies in none.
inline std::shared_ptr<Arena> arena_of(const void* block) {
  const auto pinned = pin(block, 1);
  const BlockHold* hold = block_hold(pinned);
  return hold ? hold->arena : nullptr;
}

inline bool is_filled(const void* block, std::size_t bytes, int value) {
  const auto* at = static_cast<const unsigned char*>(block);
  for (std::size_t i = 0; i < bytes; i++) {
    if (at[i] != value) return false;
  }
  return true;
}

}  // namespace cppipc::test
