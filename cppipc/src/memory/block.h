// SPDX-License-Identifier: Apache-2.0
#pragma once
// A share of a block in an arena that was made here.

#include <cstddef>
#include <memory>

#include "memory/arena.h"

namespace cppipc {

// What becomes of a block that a peer gets to see.
enum class BlockUse {
  kLent,   // the maker goes on using it: NumPy's arrays of an allocator
  kGiven,  // made to be given away: the peer may have it for itself
};

// The deleter of every shared_ptr that keeps a block: while there is one, the block's memory is not
// used again, whatever its owner does.
struct BlockHold {
  std::shared_ptr<Arena> arena;
  std::byte* begin = nullptr;  // of the whole block
  std::size_t size_bytes = 0;  // of all that is reserved for it: at least what was asked for
  BlockUse use = BlockUse::kGiven;
  std::shared_ptr<void> pool;  // null for an arena that is one block
  void operator()(const void*) const noexcept;
};

// What `owner` keeps, if that is a block of an arena made here; else null.
inline const BlockHold* block_hold(const std::shared_ptr<const void>& owner) {
  return std::get_deleter<BlockHold>(owner);
}

// The block of any pool of this process in which those bytes lie, kept from being used again;
// null if they lie in none (or in a forked child, in one of its parent's).
std::shared_ptr<const void> pin(const void* begin, std::size_t bytes);

// Zeroed memory in an arena of its own, kGiven, whose access is undecided: it can be given away, or
// kept and shown, without a copy. Errors: as Arena::make().
std::shared_ptr<std::byte> make_block(std::size_t size_bytes);

}  // namespace cppipc
