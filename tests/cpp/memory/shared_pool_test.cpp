// SPDX-License-Identifier: Apache-2.0
#include <cppipc/error.h>
#include <cppipc/shared_pool.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory_resource>
#include <set>
#include <string>
#include <vector>

#include "support/committed.h"

namespace cppipc::shared_pool_test {
namespace {

bool is_aligned(const void* block, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(block) % alignment == 0;
}

TEST(SharedPool, AlignsEachBlock) {
  for (std::size_t alignment = 1; alignment <= 4u << 20; alignment *= 2) {
    const auto pool = SharedPool::make({.alignment = alignment, .bytes_max = 1ull << 30});
    std::vector<void*> blocks;
    for (const std::size_t bytes : {0, 1, 63, 64, 65, 1000, 5000, 40'000, 100'000, 20'000'000}) {
      void* block = pool->allocate(bytes);
      ASSERT_TRUE(block) << alignment << " " << bytes;
      EXPECT_TRUE(is_aligned(block, std::max<std::size_t>(alignment, 64)));
      if (bytes >= 64 << 10) {
        EXPECT_TRUE(is_aligned(block, page_bytes()));
      }
      blocks.push_back(block);
    }
    EXPECT_EQ(std::set(blocks.begin(), blocks.end()).size(), blocks.size());
    for (void* block : blocks) pool->deallocate(block);
  }
}

TEST(SharedPool, RefusesAnAlignmentThatIsNone) {
  for (const std::size_t alignment : {0, 3, 96, 8 << 20}) {
    EXPECT_THROW(SharedPool::make({.alignment = alignment}), Error) << alignment;
  }
}

TEST(SharedPool, GivesOneByteWhenAskedForNone) {
  const auto pool = SharedPool::make();
  void* first = pool->allocate(0);
  void* second = pool->allocate(0);
  EXPECT_NE(first, second);
  EXPECT_EQ(pool->size_of(first), 1u);
  pool->deallocate(first);
  pool->deallocate(second);
  pool->deallocate(nullptr);
}

TEST(SharedPool, KnowsItsBlocksAndTheirSizes) {
  const auto pool = SharedPool::make();
  for (const std::size_t bytes : {1, 100, 5000, 70'000, 30'000'000}) {
    auto* block = static_cast<std::byte*>(pool->allocate(bytes));
    EXPECT_TRUE(pool->owns(block));
    EXPECT_EQ(pool->size_of(block), bytes);
    EXPECT_FALSE(pool->owns(block + 1));
    EXPECT_EQ(pool->size_of(block + 1), 0u);
    pool->deallocate(block);
    EXPECT_FALSE(pool->owns(block));
  }
  int other = 0;
  EXPECT_FALSE(pool->owns(&other));
  EXPECT_FALSE(pool->owns(nullptr));
}

TEST(SharedPool, ZeroesBlocksThatWereUsedBefore) {
  for (const bool is_writable : {false, true}) {
    const auto pool = SharedPool::make({.is_writable = is_writable});
    for (const std::size_t bytes : {50, 5000, 300'000, 30'000'000}) {
      void* block = pool->allocate(bytes);
      std::memset(block, 0xff, bytes);
      pool->deallocate(block);
      void* again = pool->allocate(bytes, true);
      EXPECT_EQ(again, block) << "was to be used again";
      EXPECT_TRUE(test::is_filled(again, bytes, 0)) << bytes;
      pool->deallocate(again);
    }
  }
}

TEST(SharedPool, CommitsNothingForZeroedBlocksThatWereNeverUsed) {
  const auto pool = SharedPool::make();
  for (const std::size_t bytes : {10 << 20, 100 << 20}) {
    void* block = pool->allocate(bytes, true);
    ASSERT_TRUE(block);
    EXPECT_EQ(test::committed_bytes(test::arena_of(block)->fd()), 0u);
    EXPECT_TRUE(test::is_filled(block, 1000, 0));
    pool->deallocate(block);
  }
}

TEST(SharedPool, ZeroesOnlyThePagesThatWereUsed) {
  constexpr std::size_t kAll = 16 << 20;
  const auto pool = SharedPool::make({.bytes_max = kAll});
  void* used = pool->allocate(1 << 20);
  std::memset(used, 0xff, 1 << 20);
  const auto arena = test::arena_of(used);
  const std::uint64_t before = test::committed_bytes(arena->fd());
  pool->deallocate(used);
  void* all = pool->allocate(kAll, true);
  EXPECT_EQ(all, used) << "was to be joined with the pages behind it";
  EXPECT_EQ(test::committed_bytes(arena->fd()), before);
  EXPECT_TRUE(test::is_filled(all, kAll, 0));
  pool->deallocate(all);
}

TEST(SharedPool, ReallocationKeepsTheBytes) {
  const auto pool = SharedPool::make();
  auto* block = static_cast<std::byte*>(pool->reallocate(nullptr, 3));
  std::memset(block, 7, 3);
  std::size_t kept = 3;
  for (const std::size_t bytes : {100, 64, 5000, 70'000, 30'000'000, 20'000'000, 900, 0}) {
    block = static_cast<std::byte*>(pool->reallocate(block, bytes));
    ASSERT_TRUE(block);
    kept = std::min(kept, std::max<std::size_t>(bytes, 1));
    EXPECT_TRUE(test::is_filled(block, kept, 7)) << bytes;
    EXPECT_EQ(pool->size_of(block), std::max<std::size_t>(bytes, 1));
  }
  pool->deallocate(block);
  const SharedPoolStats stats = pool->stats();
  EXPECT_EQ(stats.reallocations, 8u);
  EXPECT_EQ(stats.allocations, 1u);
  EXPECT_EQ(stats.frees, 1u);
  EXPECT_EQ(stats.peak_bytes, 30'000'000u);
}

TEST(SharedPool, CountsExactly) {
  const auto pool = SharedPool::make({.bytes_max = 100 << 20});
  void* first = pool->allocate(100);
  void* second = pool->allocate(70'000);
  EXPECT_FALSE(pool->allocate(200 << 20));
  SharedPoolStats stats = pool->stats();
  EXPECT_EQ(stats.allocations, 2u);
  EXPECT_EQ(stats.frees, 0u);
  EXPECT_EQ(stats.failures, 1u);
  EXPECT_EQ(stats.live_blocks, 2u);
  EXPECT_EQ(stats.live_bytes, 70'100u);
  EXPECT_EQ(stats.arenas, 1u);
  EXPECT_EQ(stats.arena_bytes, 64u << 20);
  pool->deallocate(first);
  pool->deallocate(second);
  stats = pool->stats();
  EXPECT_EQ(stats.allocations, 2u);
  EXPECT_EQ(stats.frees, 2u);
  EXPECT_EQ(stats.live_blocks, 0u);
  EXPECT_EQ(stats.live_bytes, 0u);
  EXPECT_EQ(stats.peak_bytes, 70'100u);
}

TEST(SharedPool, SharesAreFreedWithTheLast) {
  const auto pool = SharedPool::make({.is_given = true});
  auto block = pool->share(5000);
  const auto copy = block;
  const BlockHold* hold = block_hold(block);
  ASSERT_TRUE(hold);
  EXPECT_EQ(hold->begin, block.get());
  EXPECT_GE(hold->size_bytes, 5000u);
  EXPECT_EQ(hold->use, BlockUse::kGiven);
  EXPECT_TRUE(hold->arena->contains(hold->begin, hold->size_bytes));
  block.reset();
  EXPECT_EQ(pool->stats().live_blocks, 1u);
  EXPECT_EQ(copy.use_count(), 1);
  auto last = pin(copy.get(), 1);
  const_cast<std::shared_ptr<std::byte>&>(copy).reset();
  EXPECT_EQ(pool->stats().live_blocks, 1u);
  last.reset();
  EXPECT_EQ(pool->stats().live_blocks, 0u);
  EXPECT_THROW(SharedPool::make({.bytes_max = 1 << 20})->share(2 << 20), std::bad_alloc);
}

TEST(SharedPool, LivesAsLongAsWhatIsShared) {
  auto pool = SharedPool::make();
  const auto block = pool->share(5000);
  void* owned = pool->allocate(100);
  std::memset(owned, 7, 100);
  pool.reset();
  std::memset(block.get(), 1, 5000);
  EXPECT_TRUE(is_shared(block.get(), 5000));
  EXPECT_TRUE(test::is_filled(owned, 100, 7));
}

TEST(SharedPool, LeavesMappedWhatWasNeverFreed) {
  auto pool = SharedPool::make();
  void* block = pool->allocate(100'000);
  std::memset(block, 7, 100'000);
  pool.reset();
  EXPECT_TRUE(test::is_filled(block, 100'000, 7));
  EXPECT_FALSE(is_shared(block, 1));
}

TEST(SharedPool, SaysWhatIsSharedAndHow) {
  const auto reading = SharedPool::make();
  const auto writing = SharedPool::make({.is_writable = true});
  auto* first = static_cast<std::byte*>(reading->allocate(100'000));
  auto* second = static_cast<std::byte*>(writing->allocate(100));
  bool is_writable = true;
  EXPECT_TRUE(is_shared(first + 5, 99'995, &is_writable));
  EXPECT_FALSE(is_writable);
  EXPECT_TRUE(is_shared(second, 100, &is_writable));
  EXPECT_TRUE(is_writable);
  EXPECT_FALSE(is_shared(first + 5, 99'996));
  EXPECT_FALSE(is_shared(first - 1, 2));
  EXPECT_FALSE(is_shared(&is_writable, 1));
  EXPECT_FALSE(is_shared(nullptr, 0));
  EXPECT_FALSE(is_shared(first, SIZE_MAX));
  reading->deallocate(first);
  writing->deallocate(second);
  EXPECT_FALSE(is_shared(first, 1));
}

TEST(SharedPoolDeathTest, EndsTheProcessForWhatItDoesNotOwn) {
  const auto pool = SharedPool::make();
  const auto other = SharedPool::make();
  auto* small = static_cast<std::byte*>(pool->allocate(100));
  auto* large = static_cast<std::byte*>(pool->allocate(100'000));
  const auto shared = pool->share(100);
  int local = 0;
  const char* message = "is no block of this pool, or was freed before";
  EXPECT_DEATH(pool->deallocate(&local), message);
  EXPECT_DEATH(pool->deallocate(small + 1), message);
  EXPECT_DEATH(pool->deallocate(large + page_bytes()), message);
  EXPECT_DEATH(other->deallocate(small), message);
  EXPECT_DEATH(pool->deallocate(shared.get()), message);
  EXPECT_DEATH(pool->reallocate(&local, 5), message);
  pool->deallocate(small);
  pool->deallocate(large);
  EXPECT_DEATH(pool->deallocate(small), message);
  EXPECT_DEATH(pool->deallocate(large), message);
}

TEST(SharedMemoryResource, HoldsContainers) {
  const auto pool = SharedPool::make();
  {
    SharedMemoryResource resource(pool);
    std::pmr::vector<double> numbers(100'000, 1.0, &resource);
    EXPECT_TRUE(is_shared(numbers.data(), 800'000));
    numbers.resize(200'000);
    EXPECT_TRUE(is_shared(numbers.data(), 1'600'000));
    SharedMemoryResource same(pool);
    SharedMemoryResource another(SharedPool::make());
    EXPECT_TRUE(resource.is_equal(same));
    EXPECT_FALSE(resource.is_equal(another));
    EXPECT_FALSE(resource.is_equal(*std::pmr::new_delete_resource()));
    EXPECT_THROW((void)resource.allocate(8, 4096), std::bad_alloc);
    EXPECT_THROW((void)resource.allocate(SIZE_MAX / 2), std::bad_alloc);
  }
  EXPECT_EQ(pool->stats().live_blocks, 0u);
}

}  // namespace
}  // namespace cppipc::shared_pool_test
