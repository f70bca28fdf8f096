// SPDX-License-Identifier: Apache-2.0
#include "memory/quick_lock.h"

#include <gtest/gtest.h>

#include <mutex>
#include <thread>
#include <vector>

#include "support/in_child.h"

namespace cppipc::quick_lock_test {
namespace {

TEST(QuickLock, LetsOneThreadInAtATime) {
  QuickLock lock;
  int count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; i++) {
    threads.emplace_back([&] {
      for (int n = 0; n < 20'000; n++) {
        std::lock_guard guard(lock);
        count++;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(count, 80'000);
}

TEST(QuickLock, WakesWhoSleeps) {
  QuickLock lock;
  lock.lock();
  bool has_been_in = false;
  std::thread sleeper([&] {
    std::lock_guard guard(lock);
    has_been_in = true;
  });
  EXPECT_FALSE(has_been_in);
  lock.unlock();
  sleeper.join();
  EXPECT_TRUE(has_been_in);
}

TEST(QuickLock, IsUnlockedByAForkedChild) {
  QuickLock lock;
  lock.lock();
  EXPECT_EQ(test::in_child([&] {
              lock.unlock();
              std::lock_guard guard(lock);
              return 42;
            }),
            42);
  lock.unlock();
  std::lock_guard guard(lock);
}

}  // namespace
}  // namespace cppipc::quick_lock_test
