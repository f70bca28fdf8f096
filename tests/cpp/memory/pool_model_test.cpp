// SPDX-License-Identifier: Apache-2.0
// Random use of pools, checked against what the blocks ought to hold, and use by many threads.
#include <cppipc/shared_pool.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include "memory/block.h"
#include "support/committed.h"

namespace cppipc::pool_model_test {
namespace {

// What is known about a pool from outside: each block, its bytes, and what fills its ends.
class Model {
 public:
  Model(const SharedPoolOptions& options, std::uint32_t seed)
      : pool_(SharedPool::make(options)), random_(seed) {}

  void step() {
    const auto choice = random_() % 100;
    if (blocks_.empty() || choice < 45) return allocate();
    auto at = blocks_.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(random_() % blocks_.size()));
    if (choice < 75) {
      free(at);
    } else if (choice < 90) {
      reallocate(at);
    } else {
      pin_and_maybe_free(at);
    }
  }

  void check() {
    std::uint64_t bytes = 0;
    for (const auto& [block, known] : blocks_) {
      check(block, known);
      bytes += known.bytes;
    }
    for (const auto& lease : leases_) check(lease.begin, lease.known);
    const SharedPoolStats stats = pool_->stats();
    EXPECT_EQ(stats.live_blocks, blocks_.size());
    EXPECT_EQ(stats.live_bytes, bytes);
    EXPECT_EQ(stats.leased_blocks, leases_.size());
    EXPECT_EQ(stats.failures, failures_);
    EXPECT_EQ(stats.allocations, allocations_);
    EXPECT_LE(stats.arena_bytes, pool_->options().bytes_max);
  }

  void end() {
    leases_.clear();
    while (!blocks_.empty()) free(blocks_.begin());
    EXPECT_EQ(pool_->stats().live_bytes, 0u);
    EXPECT_EQ(pool_->stats().leased_blocks, 0u);
  }

 private:
  struct Known {
    std::size_t bytes;
    unsigned char fill;
  };
  struct Lease {
    std::byte* begin;
    Known known;
    std::shared_ptr<const void> pinned;
  };
  using Blocks = std::map<std::byte*, Known>;

  std::size_t some_size() {
    const std::size_t most = std::size_t{1} << (random_() % 25);
    return 1 + random_() % most;
  }

  // Only the ends are filled and checked: that is where blocks would overlap.
  static void fill(std::byte* block, const Known& known) {
    const std::size_t end = std::min<std::size_t>(known.bytes, 64);
    std::memset(block, known.fill, end);
    std::memset(block + known.bytes - end, known.fill, end);
  }
  static void check(const std::byte* block, const Known& known) {
    const std::size_t end = std::min<std::size_t>(known.bytes, 64);
    ASSERT_TRUE(test::is_filled(block, end, known.fill)) << known.bytes;
    ASSERT_TRUE(test::is_filled(block + known.bytes - end, end, known.fill)) << known.bytes;
  }

  void check_apart(const std::byte* block, std::size_t bytes) {
    const auto next = blocks_.lower_bound(const_cast<std::byte*>(block));
    if (next != blocks_.end()) {
      EXPECT_LE(block + bytes, next->first);
    }
    if (next != blocks_.begin()) {
      EXPECT_LE(std::prev(next)->first + std::prev(next)->second.bytes, block);
    }
    for (const auto& lease : leases_) {
      EXPECT_TRUE(block + bytes <= lease.begin || lease.begin + lease.known.bytes <= block);
    }
  }

  void allocate() {
    const std::size_t bytes = some_size();
    const bool is_zeroed = random_() % 4 == 0;
    auto* block = static_cast<std::byte*>(pool_->allocate(bytes, is_zeroed));
    if (!block) {
      failures_++;
      return;
    }
    allocations_++;
    if (is_zeroed) {
      EXPECT_TRUE(test::is_filled(block, bytes, 0)) << bytes;
    }
    check_apart(block, bytes);
    const Known known{bytes, static_cast<unsigned char>(1 + random_() % 255)};
    fill(block, known);
    blocks_.emplace(block, known);
  }

  void free(Blocks::iterator at) {
    check(at->first, at->second);
    pool_->deallocate(at->first);
    blocks_.erase(at);
  }

  void reallocate(Blocks::iterator at) {
    const std::size_t bytes = some_size();
    auto* block = static_cast<std::byte*>(pool_->reallocate(at->first, bytes));
    if (!block) {
      failures_++;
      return check(at->first, at->second);
    }
    const Known old = at->second;
    blocks_.erase(at);
    EXPECT_TRUE(test::is_filled(block, std::min<std::size_t>({bytes, old.bytes, 64}), old.fill));
    check_apart(block, bytes);
    const Known known{bytes, old.fill};
    fill(block, known);
    blocks_.emplace(block, known);
  }

  void pin_and_maybe_free(Blocks::iterator at) {
    const auto& [block, known] = *at;
    auto pinned = pin(block + random_() % known.bytes, 1);
    ASSERT_TRUE(pinned);
    EXPECT_EQ(block_hold(pinned)->begin, block);
    if (leases_.size() > 8) leases_.erase(leases_.begin());
    if (random_() % 2 == 0) return;
    leases_.push_back({block, known, std::move(pinned)});
    free(at);
  }

  std::shared_ptr<SharedPool> pool_;
  std::mt19937 random_;
  Blocks blocks_;
  std::vector<Lease> leases_;
  std::uint64_t failures_ = 0;
  std::uint64_t allocations_ = 0;
};

void run_model(const SharedPoolOptions& options) {
  for (std::uint32_t seed = 1; seed <= 3; seed++) {
    Model model(options, seed);
    for (int step = 0; step < 2000 && !::testing::Test::HasFailure(); step++) {
      model.step();
      if (step % 200 == 0) model.check();
    }
    model.check();
    model.end();
  }
}

TEST(PoolModel, HoldsForReadablePools) {
  run_model({.bytes_max = 512 << 20, .retained_bytes = 16 << 20});
}

TEST(PoolModel, HoldsForWritablePoolsThatGiveMemoryBack) {
  run_model({.is_writable = true, .bytes_max = 512 << 20, .retained_bytes = 1 << 20});
}

TEST(PoolModel, HoldsForALargeAlignment) {
  run_model({.is_writable = true, .alignment = 64 << 10, .bytes_max = 512 << 20});
}

TEST(PoolModel, HoldsWhereRoomIsShort) {
  run_model({.bytes_max = 20 << 20, .retained_bytes = 4 << 20});
}

TEST(PoolThreads, AllocateFreeAndPinAtTheSameTime) {
  const auto pool = SharedPool::make({.is_writable = true, .retained_bytes = 4 << 20});
  std::vector<std::atomic<std::byte*>> handed(64);  // freed by another thread than made them
  std::atomic<int> wrong{0};
  const auto work = [&](std::uint32_t seed) {
    std::mt19937 random(seed);
    for (int i = 0; i < 3000; i++) {
      const std::size_t bytes = 8 + random() % (std::size_t{1} << (3 + random() % 18));
      auto* block = static_cast<std::byte*>(pool->allocate(bytes, i % 3 == 0));
      if (!block) continue;
      std::memcpy(block, &bytes, sizeof bytes);
      const auto pinned = pin(block, bytes);
      if (!pinned || !is_shared(block, bytes)) wrong++;
      std::byte* other = handed[random() % handed.size()].exchange(block);
      if (!other) continue;
      std::size_t kept = 0;
      std::memcpy(&kept, other, sizeof kept);
      if (pool->size_of(other) != kept) wrong++;
      other = static_cast<std::byte*>(pool->reallocate(other, 8 + random() % 5000));
      if (std::memcmp(other, &kept, sizeof kept) != 0) wrong++;
      pool->deallocate(other);
    }
  };
  std::vector<std::thread> threads;
  for (std::uint32_t seed = 0; seed < 4; seed++) threads.emplace_back(work, seed);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  for (auto& block : handed) pool->deallocate(block.load());
  EXPECT_EQ(pool->stats().live_blocks, 0u);
  EXPECT_EQ(pool->stats().leased_blocks, 0u);
}

TEST(PoolThreads, PinWhilePoolsComeAndGo) {
  std::atomic<bool> is_done{false};
  std::atomic<std::byte*> block{nullptr};
  std::thread looker([&] {
    while (!is_done) {
      if (auto pinned = pin(block.load(), 1)) {
        EXPECT_TRUE(block_hold(pinned));
      }
    }
  });
  for (int i = 0; i < 300; i++) {
    auto pool = SharedPool::make({.retained_bytes = 0});
    block = static_cast<std::byte*>(pool->allocate(100));
    pool->deallocate(block.load());
  }
  is_done = true;
  looker.join();
}

}  // namespace
}  // namespace cppipc::pool_model_test
