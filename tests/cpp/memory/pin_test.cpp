// SPDX-License-Identifier: Apache-2.0
#include <cppipc/shared_pool.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "memory/block.h"
#include "support/committed.h"

namespace cppipc::pin_test {
namespace {

TEST(Pin, HoldsTheWholeBlockThatTheBytesLieIn) {
  for (const std::size_t bytes : {100, 5000, 1 << 20, 100 << 20}) {
    const auto pool = SharedPool::make();
    auto* block = static_cast<std::byte*>(pool->allocate(bytes));
    const auto pinned = pin(block + bytes / 2, bytes / 2);
    const BlockHold* hold = block_hold(pinned);
    ASSERT_TRUE(hold) << bytes;
    EXPECT_EQ(hold->begin, block);
    EXPECT_GE(hold->size_bytes, bytes);
    EXPECT_EQ(hold->use, BlockUse::kLent);
    EXPECT_TRUE(hold->arena->contains(block, hold->size_bytes));
    EXPECT_EQ(hold->arena->access(), ArenaAccess::kRead);
    pool->deallocate(block);
  }
}

TEST(Pin, IsNothingForWhatLiesInNoBlock) {
  const auto pool = SharedPool::make();
  auto* block = static_cast<std::byte*>(pool->allocate(100));
  int local = 0;
  EXPECT_FALSE(pin(&local, 1));
  EXPECT_FALSE(pin(block, 101));
  EXPECT_FALSE(pin(block + 100, 1));
  EXPECT_FALSE(pin(block + 4096, 1));
  EXPECT_TRUE(pin(block + 99, 1));
  EXPECT_TRUE(pin(block, 0));
  pool->deallocate(block);
  EXPECT_FALSE(pin(block, 1));
}

TEST(Pin, KeepsAFreedBlockFromBeingUsedAgainUntilTheLastHoldIsGone) {
  for (const std::size_t bytes : {100, 1 << 20, 100 << 20}) {
    const auto pool = SharedPool::make();
    void* block = pool->allocate(bytes);
    std::memset(block, 7, 100);
    auto first = pin(block, bytes);
    auto second = pin(block, bytes);
    pool->deallocate(block);
    EXPECT_EQ(pool->stats().leased_blocks, 1u);
    EXPECT_EQ(pool->stats().live_blocks, 0u);
    EXPECT_FALSE(pool->owns(block));
    EXPECT_FALSE(pin(block, 1)) << "freed";
    void* other = pool->allocate(bytes);
    EXPECT_NE(other, block);
    first.reset();
    EXPECT_EQ(pool->stats().leased_blocks, 1u);
    EXPECT_TRUE(test::is_filled(block, 100, 7));
    second.reset();
    EXPECT_EQ(pool->stats().leased_blocks, 0u);
    EXPECT_EQ(pool->allocate(bytes), block);
    pool->deallocate(block);
    pool->deallocate(other);
  }
}

TEST(Pin, OfABlockThatLivesOnChangesNothing) {
  const auto pool = SharedPool::make();
  void* block = pool->allocate(100);
  pin(block, 100).reset();
  EXPECT_TRUE(pool->owns(block));
  EXPECT_EQ(pool->stats().leased_blocks, 0u);
  EXPECT_EQ(pool->stats().live_blocks, 1u);
  pool->deallocate(block);
}

TEST(Pin, MakesReallocationMoveTheBlock) {
  const auto pool = SharedPool::make();
  auto* block = static_cast<std::byte*>(pool->allocate(5000));
  std::memset(block, 7, 5000);
  auto pinned = pin(block, 5000);
  auto* moved = static_cast<std::byte*>(pool->reallocate(block, 4999));
  ASSERT_NE(moved, block);
  std::memset(moved, 8, 4999);
  EXPECT_TRUE(test::is_filled(block, 5000, 7));
  EXPECT_EQ(pool->stats().leased_blocks, 1u);
  EXPECT_EQ(pool->stats().live_bytes, 4999u);
  pinned.reset();
  EXPECT_EQ(pool->stats().leased_blocks, 0u);
  EXPECT_EQ(pool->reallocate(moved, 5000), moved);
  pool->deallocate(moved);
}

TEST(Pin, LeavesTheBlockAsItIsWhenThereIsNoRoomToMove) {
  const auto pool = SharedPool::make({.bytes_max = 1 << 20});
  void* block = pool->allocate(900'000);
  const auto pinned = pin(block, 1);
  EXPECT_FALSE(pool->reallocate(block, 800'000));
  EXPECT_TRUE(pool->owns(block));
  EXPECT_EQ(pool->size_of(block), 900'000u);
  EXPECT_EQ(pool->stats().failures, 1u);
  EXPECT_EQ(pool->stats().reallocations, 0u);
  pool->deallocate(block);
}

TEST(Pin, KeepsThePool) {
  auto pool = SharedPool::make();
  const std::weak_ptr<SharedPool> weak = pool;
  void* block = pool->allocate(100);
  std::memset(block, 7, 100);
  auto pinned = pin(block, 100);
  pool->deallocate(block);
  pool.reset();
  EXPECT_TRUE(test::is_filled(block, 100, 7));
  EXPECT_FALSE(weak.expired());
  pinned.reset();
  EXPECT_TRUE(weak.expired());
}

// A peer is known to an arena, and goes.
void retire(Arena& arena) {
  const int peer = 0;
  arena.attach(&peer, std::make_shared<int>(1));
  arena.detach(&peer);
}

TEST(Retirement, OfAnArenaKeepsNewBlocksOutOfIt) {
  const auto pool = SharedPool::make({.is_writable = true});
  std::vector<void*> blocks;
  for (const std::size_t bytes : {100, 100, 5000, 1 << 20, 100 << 20, 100 << 20}) {
    blocks.push_back(pool->allocate(bytes));
    std::memset(blocks.back(), 7, 100);
  }
  pool->deallocate(blocks[1]);  // free before: within a slab, and an arena of its own
  pool->deallocate(blocks[5]);
  auto arena = test::arena_of(blocks[0]);
  auto dedicated = test::arena_of(blocks[4]);
  retire(*arena);
  retire(*dedicated);
  for (const std::size_t bytes : {100, 5000, 1 << 20, 100 << 20}) {
    for (int i = 0; i < 3; i++) {
      void* block = pool->allocate(bytes);
      EXPECT_FALSE(arena->contains(block, 1)) << bytes;
      EXPECT_FALSE(dedicated->contains(block, 1)) << bytes;
      blocks.push_back(block);
    }
  }
  // What lies in it stays good, and moves out of it when its size changes.
  EXPECT_TRUE(test::is_filled(blocks[2], 100, 7));
  void* moved = pool->reallocate(blocks[2], 4900);
  EXPECT_FALSE(arena->contains(moved, 1));
  EXPECT_TRUE(test::is_filled(moved, 100, 7));
  blocks[2] = moved;
  for (std::size_t i = 0; i < blocks.size(); i++) {
    if (i != 1 && i != 5) pool->deallocate(blocks[i]);
  }
  EXPECT_EQ(pool->stats().live_blocks, 0u);
}

TEST(Retirement, EndsAnArenaWithItsLastBlock) {
  const auto pool = SharedPool::make({.is_writable = true});
  void* first = pool->allocate(100);
  void* second = pool->allocate(100'000);
  std::weak_ptr<Arena> arena = test::arena_of(first);
  retire(*arena.lock());
  auto pinned = pin(second, 1);
  pool->deallocate(first);
  pool->deallocate(second);
  EXPECT_FALSE(arena.expired());
  pinned.reset();
  EXPECT_TRUE(arena.expired());
}

TEST(Retirement, GivesTheMemoryOfFreedBlocksBackAtOnce) {
  const auto pool = SharedPool::make({.is_writable = true});
  void* kept = pool->allocate(100);
  void* block = pool->allocate(10 << 20);
  std::memset(block, 7, 10 << 20);
  const auto arena = test::arena_of(block);
  retire(*arena);
  EXPECT_GE(test::committed_bytes(arena->fd()), 10u << 20);
  pool->deallocate(block);
  EXPECT_LT(test::committed_bytes(arena->fd()), 1u << 20);
  pool->deallocate(kept);
}

}  // namespace
}  // namespace cppipc::pin_test
