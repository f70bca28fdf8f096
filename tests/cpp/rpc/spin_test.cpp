// SPDX-License-Identifier: Apache-2.0
#include "rpc/spin.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>

namespace cppipc::spin_test {
namespace {

// Runs on a thread of its own, whose cores the test may choose.
template <class Test>
void on_cores(int most, Test test) {
  std::thread([&] {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    int left = most;
    for (int core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(core, &allowed) && left-- <= 0) CPU_CLR(core, &allowed);
    }
    ASSERT_EQ(sched_setaffinity(0, sizeof allowed, &allowed), 0);
    test(CPU_COUNT(&allowed));
  }).join();
}

TEST(Spin, OneCoreNeverLooks) {
  on_cores(1, [](int) {
    Spin spin;
    for (int i = 0; i < 1000; ++i) {
      EXPECT_EQ(spin.budget().count(), 0);
      spin.found();
    }
  });
}

TEST(Spin, LookingThatFindsNothingStopsAndIsTriedAgainNowAndThen) {
  on_cores(2, [](int cores) {
    if (cores < 2) GTEST_SKIP() << "needs two cores";
    Spin spin;
    EXPECT_GT(spin.budget().count(), 0);
    int looks = 0;
    for (int i = 0; i < 2560; ++i) {
      if (spin.budget().count() == 0) continue;
      ++looks;
      spin.slept();
    }
    EXPECT_GT(looks, 5);
    EXPECT_LT(looks, 30);
  });
}

TEST(Spin, LookingThatPaysGoesOn) {
  on_cores(2, [](int cores) {
    if (cores < 2) GTEST_SKIP() << "needs two cores";
    Spin spin;
    for (int i = 0; i < 1000; ++i) {
      EXPECT_GT(spin.budget().count(), 0) << i;
      if (i % 4 == 0) {
        spin.slept();
      } else {
        spin.found();
      }
    }
  });
}

}  // namespace
}  // namespace cppipc::spin_test
