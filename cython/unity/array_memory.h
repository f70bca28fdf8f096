// SPDX-License-Identifier: Apache-2.0
#pragma once
// The functions that NumPy calls for the memory of its arrays (NEP 49), over a cppipc::SharedPool.
//
// NumPy calls them with or without the GIL, with an exception set, on any thread, in forked
// children, and while the process exits. So nothing here touches Python, waits, or throws.
//
// A block is shared, from the pool; or private, from malloc: small ones, and those that found no
// room. Which of the two an address is can be seen from it: blocks of the pool lie at multiples of
// twice the alignment, private ones at odd multiples of the alignment. Private blocks have their
// size before them. What NumPy says about the size of a block it frees is not always true, and is
// not used.

#include <cppipc/shared_pool.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

namespace unity {

// The structures of NumPy's C API (ndarraytypes.h) as they have been since NumPy 1.22, in 1.x and
// in 2.x: a handler of version 1 is part of its ABI, and may only ever get fields at the end.
struct DataMemFunctions {
  void* context;
  void* (*malloc)(void* context, std::size_t size);
  void* (*calloc)(void* context, std::size_t count, std::size_t size);
  void* (*realloc)(void* context, void* block, std::size_t size);
  void (*free)(void* context, void* block, std::size_t size);
};
struct DataMemHandler {
  char name[127];
  std::uint8_t version;
  DataMemFunctions functions;
};
static_assert(sizeof(DataMemHandler) == 128 + sizeof(DataMemFunctions));

struct PrivateStats {
  std::uint64_t blocks;
  std::uint64_t bytes;
  std::uint64_t allocations;
};

// What the handler of one unity.allocator works with. Owns: a share of its pool. Threads: any.
class ArrayMemory {
 public:
  // `pool` aligns to twice of `alignment`, a power of two of 64 or more. Requests of less than
  // `bytes_min` are private, and where `is_strict` is false also those that the pool has no room
  // for.
  ArrayMemory(std::shared_ptr<cppipc::SharedPool> pool, std::size_t alignment,
              std::size_t bytes_min, bool is_strict)
      : pool_(std::move(pool)),
        alignment_(alignment),
        bytes_min_(bytes_min),
        is_strict_(is_strict),
        handler_{"unity_shared", 1, {this, &on_malloc, &on_calloc, &on_realloc, &on_free}} {}

  DataMemHandler* handler() { return &handler_; }
  cppipc::SharedPoolStats pool_stats() const { return pool_->stats(); }
  std::uint64_t bytes_max() const { return pool_->options().bytes_max; }
  PrivateStats private_stats() const {
    const std::uint64_t allocations = allocations_.load(std::memory_order_relaxed);
    return {allocations - frees_.load(std::memory_order_relaxed),
            bytes_.load(std::memory_order_relaxed), allocations};
  }

 private:
  struct Header {
    void* raw;  // as malloc gave it
    std::size_t bytes;
  };

  static void* on_malloc(void* context, std::size_t size) noexcept {
    return static_cast<ArrayMemory*>(context)->allocate(size, false);
  }
  static void* on_calloc(void* context, std::size_t count, std::size_t size) noexcept {
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) return nullptr;
    return static_cast<ArrayMemory*>(context)->allocate(bytes, true);
  }
  static void* on_realloc(void* context, void* block, std::size_t size) noexcept {
    return static_cast<ArrayMemory*>(context)->reallocate(block, size);
  }
  static void on_free(void* context, void* block, std::size_t) noexcept {
    static_cast<ArrayMemory*>(context)->free(block);
  }

  bool is_private(const void* block) const {
    return (reinterpret_cast<std::uintptr_t>(block) & alignment_) != 0;
  }
  static Header& header_of(void* block) { return static_cast<Header*>(block)[-1]; }

  void* allocate(std::size_t bytes, bool is_zeroed) noexcept {
    if (bytes < bytes_min_) return allocate_private(bytes, is_zeroed);
    void* block = pool_->allocate(bytes, is_zeroed);
    return block || is_strict_ ? block : allocate_private(bytes, is_zeroed);
  }

  void* allocate_private(std::size_t bytes, bool is_zeroed) noexcept {
    bytes = std::max<std::size_t>(bytes, 1);
    const std::size_t extra = sizeof(Header) + 2 * alignment_;
    if (bytes > SIZE_MAX / 2 - extra) return nullptr;
    void* raw = is_zeroed ? std::calloc(1, bytes + extra) : std::malloc(bytes + extra);
    if (!raw) return nullptr;
    const std::uintptr_t least = reinterpret_cast<std::uintptr_t>(raw) + sizeof(Header);
    // The first odd multiple of the alignment from there on.
    const std::uintptr_t offset = (alignment_ - least) & (2 * alignment_ - 1);
    void* block = static_cast<char*>(raw) + sizeof(Header) + offset;
    header_of(block) = {raw, bytes};
    allocations_.fetch_add(1, std::memory_order_relaxed);
    bytes_.fetch_add(bytes, std::memory_order_relaxed);
    return block;
  }

  // Private blocks that grow to `bytes_min` become shared; shared ones stay shared if they can.
  void* reallocate(void* block, std::size_t bytes) noexcept {
    if (!block) return allocate(bytes, false);
    const bool was_private = is_private(block);
    if (!was_private) {
      void* moved = pool_->reallocate(block, bytes);
      if (moved || is_strict_) return moved;
    }
    void* moved = was_private ? allocate(bytes, false) : allocate_private(bytes, false);
    if (!moved) return nullptr;
    const std::size_t old_bytes = was_private ? header_of(block).bytes : pool_->size_of(block);
    std::memcpy(moved, block, std::min(old_bytes, bytes));
    free(block);
    return moved;
  }

  void free(void* block) noexcept {
    if (!block) return;
    if (!is_private(block)) return pool_->deallocate(block);
    const Header header = header_of(block);
    frees_.fetch_add(1, std::memory_order_relaxed);
    bytes_.fetch_sub(header.bytes, std::memory_order_relaxed);
    std::free(header.raw);
  }

  const std::shared_ptr<cppipc::SharedPool> pool_;
  const std::size_t alignment_;
  const std::size_t bytes_min_;
  const bool is_strict_;
  std::atomic<std::uint64_t> allocations_{0};  // private ones
  std::atomic<std::uint64_t> frees_{0};
  std::atomic<std::uint64_t> bytes_{0};
  DataMemHandler handler_;
};

}  // namespace unity
