// SPDX-License-Identifier: Apache-2.0
// A block is allocated until its owner frees it. While somebody holds it (pin()), it is then in
// quarantine: the heap gets it back with the last hold. Blocks of share() have no owner but holds.
//
// Whatever may take long, or call what others have made, happens outside of the lock: clearing,
// copying, and the end of arenas, with which goes what peers have given for them.
#include "memory/pool.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <vector>

#include "memory/address_index.h"
#include "memory/fork.h"

namespace cppipc {
namespace {

// All pools, for forks. Never destroyed: arrays are freed while the process exits, too.
struct Pools {
  std::mutex mutex;
  std::vector<Pool*> list;
};

Pools& pools() {
  static auto* pools = new Pools;
  return *pools;
}

SharedPoolOptions checked(SharedPoolOptions options) {
  if (!std::has_single_bit(options.alignment) || options.alignment > (4u << 20)) {
    throw Error(ErrorKind::kInvalidArgument,
                "the alignment of a pool is a power of two up to 4 MiB, not " +
                    std::to_string(options.alignment));
  }
  return options;
}

HeapOptions heap_options(const SharedPoolOptions& options) {
  return {
      .arena = {.access = options.is_writable ? ArenaAccess::kWrite : ArenaAccess::kRead,
                .has_huge_pages = options.has_huge_pages,
                .is_copied_at_fork = options.is_copied_at_fork},
      .alignment = std::max<std::size_t>(options.alignment, 64),
      .bytes_max = options.bytes_max,
      .retained_bytes = options.retained_bytes,
  };
}

}  // namespace

class Pool::Guard {
 public:
  explicit Guard(const Pool& pool) : heap_(pool.heap_), lock_(pool.lock_) {}
  ~Guard() {
    if (!heap_.has_doomed()) return;
    const auto doomed = heap_.take_doomed();
    lock_.unlock();
  }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  Heap& heap_;
  std::unique_lock<QuickLock> lock_;
};

Pool::Pool(const SharedPoolOptions& options)
    : options_(checked(options)), heap_(heap_options(options_), this) {
  watch_forks();
  std::lock_guard lock(pools().mutex);
  pools().list.push_back(this);
}

Pool::~Pool() {
  std::lock_guard lock(pools().mutex);
  std::erase(pools().list, this);
}

std::byte* Pool::take(std::size_t bytes, bool is_zeroed, bool is_new) noexcept {
  DirtyRanges dirty;
  std::byte* begin = nullptr;
  {
    Guard guard(*this);
    try {
      begin = heap_.allocate(bytes, is_zeroed ? &dirty : nullptr).begin;
    } catch (const std::bad_alloc&) {
      begin = nullptr;  // no ordinary memory for what is known about the block
    }
    if (!begin) {
      stats_.failures++;
      return nullptr;
    }
    if (is_new) {
      stats_.live_blocks++;
      count_live(0, bytes);
    }
  }
  for (const auto& [from, size] : dirty) std::memset(from, 0, size);
  return begin;
}

void Pool::count_live(std::size_t old_bytes, std::size_t bytes) noexcept {
  stats_.live_bytes += bytes - old_bytes;
  stats_.peak_bytes = std::max(stats_.peak_bytes, stats_.live_bytes);
}

void* Pool::allocate(std::size_t bytes, bool is_zeroed) noexcept {
  return take(std::max<std::size_t>(bytes, 1), is_zeroed, true);
}

// The block that begins there and that its owner has. Anything else is memory corruption already,
// or will be.
Block Pool::block_at(const void* begin, const char* function) {
  const Block block = heap_.find(begin);
  if (block && block.begin == begin) {
    const auto held = holds_.empty() ? holds_.end() : holds_.find(block.begin);
    if (held == holds_.end() || !(held->second.is_freed || held->second.is_shared)) return block;
  }
  std::fprintf(stderr, "cppipc: SharedPool::%s: %p is no block of this pool, or was freed before\n",
               function, begin);
  std::abort();
}

// Gives a block back to the heap. Without ordinary memory for that, it is not used again.
void Pool::give_back(const Block& block) noexcept {
  try {
    heap_.free(block);
  } catch (const std::bad_alloc&) {
    std::fputs("cppipc: SharedPool: no memory to free a block\n", stderr);
  }
}

// The end of a block for its owner.
void Pool::let_go(const Block& block) noexcept {
  const auto held = holds_.empty() ? holds_.end() : holds_.find(block.begin);
  if (held == holds_.end()) return give_back(block);
  held->second.is_freed = true;
  stats_.leased_blocks++;
}

void Pool::deallocate(void* block) noexcept {
  if (!block) return;
  Guard guard(*this);
  const Block found = block_at(block, "deallocate");
  stats_.frees++;
  stats_.live_blocks--;
  stats_.live_bytes -= found.requested();
  let_go(found);
}

void Pool::release(std::byte* begin) noexcept {
  Guard guard(*this);
  const auto held = holds_.find(begin);
  if (--held->second.count > 0) return;
  const Holds holds = held->second;
  holds_.erase(held);
  if (!holds.is_freed && !holds.is_shared) return;
  const Block block = heap_.find(begin);
  if (holds.is_shared) {
    stats_.frees++;
    stats_.live_blocks--;
    stats_.live_bytes -= block.requested();
  } else {
    stats_.leased_blocks--;
  }
  give_back(block);
}

void* Pool::reallocate(void* block, std::size_t bytes) noexcept {
  if (!block) return allocate(bytes, false);
  bytes = std::max<std::size_t>(bytes, 1);
  std::size_t old_bytes = 0;
  {
    Guard guard(*this);
    const Block found = block_at(block, "reallocate");
    old_bytes = found.requested();
    const bool is_held = !holds_.empty() && holds_.contains(found.begin);
    if (!is_held && heap_.resize(found, bytes)) {
      stats_.reallocations++;
      count_live(old_bytes, bytes);
      return block;
    }
  }
  std::byte* moved = take(bytes, false, false);
  if (!moved) return nullptr;
  std::memcpy(moved, block, std::min(old_bytes, bytes));
  Guard guard(*this);
  stats_.reallocations++;
  count_live(old_bytes, bytes);
  let_go(block_at(block, "reallocate"));
  return moved;
}

bool Pool::owns(const void* block) const noexcept {
  Guard guard(*this);
  const Block found = heap_.find(block);
  if (!found || found.begin != block) return false;
  const auto held = holds_.find(found.begin);
  return held == holds_.end() || !held->second.is_freed;
}

std::size_t Pool::size_of(const void* block) const noexcept {
  Guard guard(*this);
  const Block found = heap_.find(block);
  return found && found.begin == block ? found.requested() : 0;
}

void Pool::retain_nothing() noexcept {
  Guard guard(*this);
  heap_.retain_nothing();
}

SharedPoolStats Pool::stats() const noexcept {
  Guard guard(*this);
  SharedPoolStats stats = stats_;
  stats.allocations = stats.live_blocks + stats.frees;  // so there is one counter less to keep
  stats.arenas = heap_.arena_count();
  stats.arena_bytes = heap_.arena_bytes();
  return stats;
}

// Null unless the bytes lie in one block that its owner has not freed, and that peers can map.
Block Pool::block_around(const void* begin, std::size_t bytes) const {
  const Block block = heap_.find(begin);
  if (!block || block.span->arena->arena->is_inherited()) return {};
  const auto offset = static_cast<std::size_t>(static_cast<const std::byte*>(begin) - block.begin);
  const std::size_t size = block.requested();
  if (offset > size || bytes > size - offset) return {};
  const auto held = holds_.find(block.begin);
  return held != holds_.end() && held->second.is_freed ? Block{} : block;
}

BlockHold Pool::make_hold(const Block& block) {
  return {.arena = block.span->arena->arena,
          .begin = block.begin,
          .size_bytes = block.capacity,
          .use = options_.is_given ? BlockUse::kGiven : BlockUse::kLent,
          .pool = shared_from_this()};
}

std::shared_ptr<const void> Pool::pin(const void* begin, std::size_t bytes) {
  BlockHold hold;
  {
    Guard guard(*this);
    const Block block = block_around(begin, bytes);
    if (!block) return nullptr;
    hold = make_hold(block);
    holds_[block.begin].count++;
  }
  // Outside of the lock, which the hold takes if this throws.
  const void* at = hold.begin;
  return {at, std::move(hold)};
}

bool Pool::has(const void* begin, std::size_t bytes) const noexcept {
  Guard guard(*this);
  return static_cast<bool>(block_around(begin, bytes));
}

std::shared_ptr<std::byte> Pool::share(std::size_t bytes) {
  std::byte* begin = take(std::max<std::size_t>(bytes, 1), false, true);
  if (!begin) throw std::bad_alloc();
  BlockHold hold;
  {
    Guard guard(*this);
    hold = make_hold(heap_.find(begin));
    holds_[begin] = {.count = 1, .is_freed = false, .is_shared = true};
  }
  return {begin, std::move(hold)};
}

std::shared_ptr<Pool> Pool::share_if_alive() {
  return std::static_pointer_cast<Pool>(weak_from_this().lock());
}

void Pool::lock_all() {
  pools().mutex.lock();
  for (Pool* pool : pools().list) pool->lock_.lock();
}

void Pool::unlock_all() {
  for (Pool* pool : pools().list) pool->lock_.unlock();
  pools().mutex.unlock();
}

void Pool::leave_all_to_parent() {
  for (Pool* pool : pools().list) pool->heap_.close_all();
}

}  // namespace cppipc
