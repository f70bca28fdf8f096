// SPDX-License-Identifier: Apache-2.0
#pragma once
// The one implementation of SharedPool: a heap under a lock, with counters and holds.

#include <cppipc/shared_pool.h>

#include <cstddef>
#include <memory>
#include <unordered_map>

#include "memory/block.h"
#include "memory/heap.h"
#include "memory/quick_lock.h"

namespace cppipc {

class Pool final : public SharedPool {
 public:
  explicit Pool(const SharedPoolOptions& options);
  ~Pool() override;

  void* allocate(std::size_t bytes, bool is_zeroed) noexcept override;
  void* reallocate(void* block, std::size_t bytes) noexcept override;
  void deallocate(void* block) noexcept override;
  bool owns(const void* block) const noexcept override;
  std::size_t size_of(const void* block) const noexcept override;
  std::shared_ptr<std::byte> share(std::size_t bytes) override;
  void retain_nothing() noexcept override;
  SharedPoolStats stats() const noexcept override;
  const SharedPoolOptions& options() const noexcept override { return options_; }

  // The block that those bytes lie in, held; null if there is none that is in use and can be sent.
  std::shared_ptr<const void> pin(const void* begin, std::size_t bytes);
  bool has(const void* begin, std::size_t bytes) const noexcept;
  // The end of one hold.
  void release(std::byte* begin) noexcept;
  std::shared_ptr<Pool> share_if_alive();

  // Around a fork; see fork.cpp.
  static void lock_all();
  static void unlock_all();
  static void leave_all_to_parent();

 private:
  // What is held of a block.
  struct Holds {
    std::size_t count = 0;
    bool is_freed = false;   // by its owner: it goes with the last hold
    bool is_shared = false;  // made by share(): the holds are its owners
  };
  // The lock, and after it the end of the arenas that were given up under it.
  class Guard;

  std::byte* take(std::size_t bytes, bool is_zeroed, bool is_new) noexcept;
  void count_live(std::size_t old_bytes, std::size_t bytes) noexcept;
  Block block_at(const void* begin, const char* function);
  Block block_around(const void* begin, std::size_t bytes) const;
  void give_back(const Block& block) noexcept;
  void let_go(const Block& block) noexcept;
  BlockHold make_hold(const Block& block);

  const SharedPoolOptions options_;
  mutable QuickLock lock_;
  mutable Heap heap_;  // finding remembers where it found something
  std::unordered_map<const std::byte*, Holds> holds_;
  SharedPoolStats stats_;
};

}  // namespace cppipc
