// SPDX-License-Identifier: Apache-2.0
// How much memory a pool takes, and when it gives it back.
#include <cppipc/shared_pool.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "memory/free_memory.h"
#include "support/committed.h"

namespace cppipc::budget_test {
namespace {

constexpr std::size_t kMiB = 1 << 20;

TEST(Budget, IsNeverExceeded) {
  const auto pool = SharedPool::make({.bytes_max = 100 * kMiB});
  std::vector<void*> blocks;
  while (void* block = pool->allocate(3 * kMiB)) blocks.push_back(block);
  EXPECT_GE(blocks.size(), 30u);
  EXPECT_LE(pool->stats().arena_bytes, 100 * kMiB);
  EXPECT_EQ(pool->stats().failures, 1u);
  EXPECT_FALSE(pool->allocate(50 * kMiB));
  pool->deallocate(blocks.back());
  blocks.back() = pool->allocate(3 * kMiB);
  EXPECT_TRUE(blocks.back());
  for (void* block : blocks) pool->deallocate(block);
}

TEST(Budget, CanBeUsedUpByOneBlock) {
  const auto pool = SharedPool::make({.bytes_max = 100 * kMiB});
  void* block = pool->allocate(100 * kMiB);
  EXPECT_TRUE(block);
  EXPECT_FALSE(pool->allocate(1));
  pool->deallocate(block);
  void* small = pool->allocate(1);
  EXPECT_TRUE(small) << "the arena of the large one was to go";
  EXPECT_LE(pool->stats().arena_bytes, 100 * kMiB);
  pool->deallocate(small);
  EXPECT_TRUE(block = pool->allocate(100 * kMiB)) << "the empty arena was to go";
  pool->deallocate(block);
}

TEST(Budget, MayBeLessThanAnArena) {
  const auto pool = SharedPool::make({.bytes_max = kMiB});
  void* block = pool->allocate(700'000);
  EXPECT_TRUE(block);
  EXPECT_LE(pool->stats().arena_bytes, kMiB);
  pool->deallocate(block);
}

TEST(Budget, OfNothingGivesNothing) {
  const auto pool = SharedPool::make({.bytes_max = 1});
  EXPECT_FALSE(pool->allocate(1));
  EXPECT_FALSE(pool->allocate(0, true));
  EXPECT_EQ(pool->stats().arenas, 0u);
}

TEST(Budget, RefusesAbsurdSizes) {
  const auto pool = SharedPool::make();
  for (const std::size_t bytes : {SIZE_MAX, SIZE_MAX - 4096, SIZE_MAX / 2, std::size_t{1} << 50}) {
    EXPECT_FALSE(pool->allocate(bytes, true)) << bytes;
  }
  void* block = pool->allocate(100);
  EXPECT_FALSE(pool->reallocate(block, SIZE_MAX));
  EXPECT_TRUE(pool->owns(block));
  pool->deallocate(block);
}

TEST(Budget, IsHalfOfTheFreeMemoryUnlessGiven) {
  const std::uint64_t before = free_memory_bytes();
  EXPECT_GT(before, 0u);
  const std::uint64_t budget = SharedPool::make()->options().bytes_max;
  EXPECT_GT(budget, before / 8);
  EXPECT_LT(budget, before);
}

TEST(Arenas, GrowWithWhatIsUsed) {
  const auto pool = SharedPool::make({.bytes_max = 4096 * kMiB});
  std::vector<void*> blocks;
  for (int i = 0; i < 300; i++) blocks.push_back(pool->allocate(10 * kMiB));
  // 64 MiB, and then as much again each time, up to 1 GiB.
  EXPECT_LE(pool->stats().arenas, 7u);
  for (void* block : blocks) pool->deallocate(block);
}

TEST(Arenas, OfOneBlockAreNoLargerThanIt) {
  const auto pool = SharedPool::make();
  void* block = pool->allocate(100 * kMiB + 1);
  EXPECT_EQ(pool->stats().arena_bytes, round_up(100 * kMiB + 1, page_bytes()));
  pool->deallocate(block);
}

TEST(Retained, MemoryStaysWarmUpToTheLimit) {
  for (const bool is_writable : {false, true}) {
    const auto pool = SharedPool::make({.is_writable = is_writable, .retained_bytes = 200 * kMiB});
    void* block = pool->allocate(100 * kMiB);
    std::memset(block, 7, 100 * kMiB);
    const auto arena = test::arena_of(block);
    pool->deallocate(block);
    EXPECT_EQ(test::committed_bytes(arena->fd()), 100 * kMiB);
    EXPECT_EQ(pool->allocate(99 * kMiB), block);
    pool->deallocate(block);
    EXPECT_EQ(pool->stats().arenas, 1u);
  }
}

TEST(Retained, ArenasPastTheLimitGo) {
  for (const bool is_writable : {false, true}) {
    const auto pool = SharedPool::make({.is_writable = is_writable, .retained_bytes = 200 * kMiB});
    std::vector<void*> blocks;
    for (int i = 0; i < 5; i++) {
      blocks.push_back(pool->allocate(50 * kMiB + 1000 * kMiB * (i == 4)));
    }
    std::vector<void*> small;
    for (int i = 0; i < 3000; i++) small.push_back(pool->allocate(20'000));
    for (void* block : small) pool->deallocate(block);
    for (void* block : blocks) pool->deallocate(block);
    EXPECT_LE(pool->stats().arena_bytes, 200 * kMiB + 64 * kMiB);
  }
}

TEST(Retained, NothingStaysWhenNothingMay) {
  const auto pool = SharedPool::make({.retained_bytes = 0});
  std::vector<void*> blocks;
  for (const std::size_t bytes : {100, 5000, 100'000, 5 << 20, 100 << 20}) {
    blocks.push_back(pool->allocate(bytes));
  }
  for (void* block : blocks) pool->deallocate(block);
  EXPECT_EQ(pool->stats().arenas, 0u);
  EXPECT_EQ(pool->stats().arena_bytes, 0u);
}

TEST(Retained, FreePagesOfAWritableArenaGoBackToTheKernel) {
  const auto pool = SharedPool::make({.is_writable = true, .retained_bytes = 4 * kMiB});
  void* kept = pool->allocate(100);
  std::vector<void*> blocks;
  for (int i = 0; i < 20; i++) {
    blocks.push_back(pool->allocate(kMiB));
    std::memset(blocks.back(), 7, kMiB);
  }
  const auto arena = test::arena_of(blocks[0]);
  EXPECT_GE(test::committed_bytes(arena->fd()), 20 * kMiB);
  for (void* block : blocks) pool->deallocate(block);
  EXPECT_LE(test::committed_bytes(arena->fd()), 5 * kMiB);
  void* zeroed = pool->allocate(15 * kMiB, true);
  EXPECT_TRUE(arena->contains(zeroed, 15 * kMiB));
  EXPECT_TRUE(test::is_filled(zeroed, 15 * kMiB, 0));
  pool->deallocate(zeroed);
  pool->deallocate(kept);
}

TEST(Retained, PagesOfAReadableArenaStayUntilItIsEmpty) {
  const auto pool = SharedPool::make({.retained_bytes = 4 * kMiB});
  void* kept = pool->allocate(100);
  void* block = pool->allocate(10 * kMiB);
  std::memset(block, 7, 10 * kMiB);
  auto arena = test::arena_of(block);
  const std::weak_ptr<Arena> weak = arena;
  pool->deallocate(block);
  EXPECT_GE(test::committed_bytes(arena->fd()), 10 * kMiB);
  arena.reset();
  EXPECT_FALSE(weak.expired());
  pool->deallocate(kept);
  EXPECT_TRUE(weak.expired());
}

}  // namespace
}  // namespace cppipc::budget_test
