// SPDX-License-Identifier: Apache-2.0
#include "rpc/waiter.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <memory>
#include <thread>

#include "support/leak_check.h"

namespace cppipc::waiter_test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using WaiterTest = test::LeakCheck;

TEST_F(WaiterTest, AWakeUpBeforeTheSleepCounts) {
  Waiter waiter;
  waiter.wake();
  waiter.sleep(hours(1));
  EXPECT_FALSE(waiter.is_done());
}

TEST_F(WaiterTest, EachWakeUpEndsOneSleep) {
  Waiter waiter;
  waiter.wake();
  waiter.wake();
  waiter.sleep(hours(1));
  waiter.sleep(hours(1));
  const auto begin = std::chrono::steady_clock::now();
  waiter.sleep(milliseconds(20));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(20));
}

TEST_F(WaiterTest, ANegativeOrZeroTimeReturnsAtOnce) {
  Waiter waiter;
  waiter.sleep(milliseconds(0));
  waiter.sleep(milliseconds(-5));
  EXPECT_FALSE(waiter.is_done());
}

TEST_F(WaiterTest, WhatHappenedBeforeFinishIsSeenAfterIt) {
  for (int round = 0; round < 200; ++round) {
    auto waiter = std::make_shared<Waiter>();
    int value = 0;
    std::thread other([&value, waiter] {
      value = 42;
      waiter->finish();
    });
    while (!waiter->is_done()) waiter->sleep(hours(1));
    EXPECT_EQ(value, 42);
    waiter.reset();  // the other thread may still be inside finish()
    other.join();
  }
}

TEST_F(WaiterTest, ASignalEndsASleep) {
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) {};
  ::sigaction(SIGUSR1, &action, &before);
  Waiter waiter;
  std::atomic<bool> is_back{false};
  std::thread sleeping([&] {
    waiter.sleep(hours(1));
    is_back = true;
  });
  EXPECT_TRUE(test::eventually([&] {
    if (!is_back) pthread_kill(sleeping.native_handle(), SIGUSR1);
    return is_back.load();
  }));
  sleeping.join();
  ::sigaction(SIGUSR1, &before, nullptr);
}

}  // namespace
}  // namespace cppipc::waiter_test
