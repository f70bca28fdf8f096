// SPDX-License-Identifier: Apache-2.0
#include <cppipc/shared_pool.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "support/committed.h"
#include "support/in_child.h"

namespace cppipc::fork_test {
namespace {

using test::in_child;
using test::is_filled;

// A sign from one process to another.
class Sign {
 public:
  Sign() { EXPECT_EQ(::pipe(ends_), 0); }
  ~Sign() {
    for (const int fd : ends_) ::close(fd);
  }
  bool give() { return ::write(ends_[1], "x", 1) == 1; }
  bool wait() {
    char got = 0;
    return ::read(ends_[0], &got, 1) == 1;
  }

 private:
  int ends_[2];
};

TEST(Fork, WhatTheChildWritesStaysInTheChild) {
  for (const bool is_copied : {false, true}) {
    const auto pool = SharedPool::make({.is_writable = true, .is_copied_at_fork = is_copied});
    std::vector<void*> blocks;
    for (const std::size_t bytes : {100, 100'000, 30 << 20}) {
      blocks.push_back(pool->allocate(bytes));
      std::memset(blocks.back(), 7, bytes);
    }
    const int status = in_child([&] {
      for (void* block : blocks) {
        if (!is_filled(block, 100, 7)) return 1;
        std::memset(block, 8, 100);
        if (!is_filled(block, 100, 8)) return 2;
      }
      return 42;
    });
    EXPECT_EQ(status, 42);
    EXPECT_TRUE(is_filled(blocks[0], 100, 7));
    EXPECT_TRUE(is_filled(blocks[1], 100'000, 7));
    EXPECT_TRUE(is_filled(blocks[2], 30 << 20, 7));
    for (void* block : blocks) pool->deallocate(block);
  }
}

TEST(Fork, ACopiedArenaStaysInTheChildAsItWas) {
  constexpr std::size_t kBytes = 30 << 20;
  const auto pool = SharedPool::make({.is_copied_at_fork = true});
  void* block = pool->allocate(kBytes);
  std::memset(block, 7, kBytes);
  Sign written;
  const pid_t child = ::fork();
  if (child == 0) {
    if (!written.wait()) ::_exit(1);
    ::_exit(is_filled(block, kBytes, 7) ? 42 : 2);
  }
  std::memset(block, 8, kBytes);
  EXPECT_TRUE(written.give());
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 42);
  pool->deallocate(block);
}

TEST(Fork, ThePagesThatAChildHasTouchedAreItsOwn) {
  const auto pool = SharedPool::make();
  void* block = pool->allocate(100);
  std::memset(block, 7, 100);
  Sign touched;
  Sign written;
  const pid_t child = ::fork();
  if (child == 0) {
    std::memset(block, 9, 1);
    if (!touched.give() || !written.wait()) ::_exit(1);
    ::_exit(is_filled(static_cast<std::byte*>(block) + 1, 99, 7) ? 42 : 2);
  }
  EXPECT_TRUE(touched.wait());
  EXPECT_TRUE(is_filled(block, 100, 7));
  std::memset(block, 8, 100);
  EXPECT_TRUE(written.give());
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 42);
  pool->deallocate(block);
}

TEST(Fork, TheChildGetsBlocksFromArenasOfItsOwn) {
  const auto pool = SharedPool::make();
  void* block = pool->allocate(100'000);
  void* freed = pool->allocate(100'000);
  pool->deallocate(freed);
  const int status = in_child([&] {
    for (const std::size_t bytes : {100, 100'000, 30 << 20}) {
      void* own = pool->allocate(bytes, true);
      if (!own || own == freed || !is_filled(own, bytes, 0)) return 1;
      const auto arena = test::arena_of(own);
      if (!arena || arena->is_inherited() || arena->contains(block, 1)) return 2;
      pool->deallocate(own);
    }
    return 42;
  });
  EXPECT_EQ(status, 42);
  EXPECT_EQ(pool->allocate(100'000), freed) << "the child's frees are not the parent's";
  pool->deallocate(freed);
  pool->deallocate(block);
}

TEST(Fork, TheChildMayFreeAndReallocateWhatItInherited) {
  const auto pool = SharedPool::make({.is_writable = true});
  std::vector<void*> blocks;
  for (const std::size_t bytes : {100, 100, 100'000, 30 << 20, 30 << 20}) {
    blocks.push_back(pool->allocate(bytes));
    std::memset(blocks.back(), 7, bytes);
  }
  auto held = pin(blocks[4], 1);
  const int status = in_child([&] {
    auto* moved = pool->reallocate(blocks[2], 99'000);
    if (moved == blocks[2] || !is_filled(moved, 99'000, 7)) return 1;
    pool->deallocate(moved);
    pool->deallocate(blocks[0]);
    if (!is_filled(blocks[1], 100, 7)) return 2;
    pool->deallocate(blocks[1]);
    pool->deallocate(blocks[3]);
    pool->deallocate(blocks[4]);
    held.reset();
    const SharedPoolStats stats = pool->stats();
    return stats.live_blocks == 0 && stats.leased_blocks == 0 ? 42 : 3;
  });
  EXPECT_EQ(status, 42);
  EXPECT_EQ(pool->stats().live_blocks, 5u);
  EXPECT_TRUE(is_filled(blocks[3], 30 << 20, 7));
  for (void* block : blocks) pool->deallocate(block);
}

TEST(Fork, WhatIsInheritedIsNotShared) {
  const auto pool = SharedPool::make();
  void* block = pool->allocate(100);
  const auto arena = test::arena_of(block);
  const int status = in_child([&] {
    if (pin(block, 1) || is_shared(block, 1)) return 1;
    if (!pool->owns(block) || pool->size_of(block) != 100) return 2;
    return arena->is_inherited() ? 42 : 3;
  });
  EXPECT_EQ(status, 42);
  EXPECT_FALSE(arena->is_inherited());
  EXPECT_TRUE(is_shared(block, 1));
  pool->deallocate(block);
}

TEST(Fork, TheBudgetOfTheChildIsItsOwn) {
  const auto pool = SharedPool::make({.bytes_max = 10 << 20});
  void* block = pool->allocate(9 << 20);
  const int status = in_child([&] {
    void* own = pool->allocate(9 << 20);
    const SharedPoolStats stats = pool->stats();
    return own && stats.arenas == 1 && stats.arena_bytes <= 10u << 20 ? 42 : 1;
  });
  EXPECT_EQ(status, 42);
  pool->deallocate(block);
}

TEST(Fork, GrandchildrenHaveWhatTheirParentWrote) {
  for (const bool is_copied : {false, true}) {
    const auto pool = SharedPool::make({.is_copied_at_fork = is_copied});
    void* block = pool->allocate(100);
    std::memset(block, 7, 100);
    const int status = in_child([&] {
      std::memset(block, 8, 100);
      void* own = pool->allocate(100);
      std::memset(own, 9, 100);
      const int inner = in_child([&] {
        if (!is_filled(block, 100, 8) || !is_filled(own, 100, 9)) return 1;
        std::memset(block, 1, 100);
        std::memset(own, 1, 100);
        pool->deallocate(own);
        return pool->allocate(100) ? 42 : 2;
      });
      return inner == 42 && is_filled(block, 100, 8) && is_filled(own, 100, 9) ? 42 : 3;
    });
    EXPECT_EQ(status, 42);
    pool->deallocate(block);
  }
}

TEST(Fork, FindsEveryLockFreeWhileOtherThreadsWork) {
  const auto pool = SharedPool::make({.retained_bytes = 0});
  std::atomic<bool> is_done{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; i++) {
    threads.emplace_back([&] {
      while (!is_done) {
        void* block = pool->allocate(100'000);
        pin(block, 1).reset();
        pool->deallocate(block);
        SharedPool::make()->share(1).reset();
        make_block(1).reset();
      }
    });
  }
  for (int i = 0; i < 20; i++) {
    EXPECT_EQ(in_child([&] {
                void* block = pool->allocate(100'000);
                if (!pin(block, 1)) return 1;
                pool->deallocate(block);
                return make_block(1) ? 42 : 2;
              }),
              42);
  }
  is_done = true;
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace cppipc::fork_test
