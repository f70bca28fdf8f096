// SPDX-License-Identifier: Apache-2.0
#include "toolkits/parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <stdexcept>
#include <string>
#include <vector>

namespace cppipc::toolkits::parallel_test {
namespace {

TEST(Parallel, RunsEachStepOnce) {
  for (const unsigned threads : {1u, 2u, 5u}) {
    Parallel parallel(threads);
    for (const std::size_t count : {0u, 1u, 2u, 1'000u}) {
      std::vector<int> runs(count);
      parallel.run(count, [&](std::size_t step) { ++runs[step]; });
      EXPECT_EQ(std::count(runs.begin(), runs.end(), 1), static_cast<std::ptrdiff_t>(count));
    }
  }
}

// Each step waits for the others, so the loop ends only if all of them run at one time.
TEST(Parallel, StepsRunAtOneTime) {
  Parallel parallel(3);
  std::barrier all(3);
  parallel.run(3, [&](std::size_t) { all.arrive_and_wait(); });
}

TEST(Parallel, ALoopSeesWhatTheOneBeforeHasWritten) {
  Parallel parallel(4);
  std::vector<int> from(100, 1);
  std::vector<int> to(100);
  for (int i = 0; i < 200; ++i) {
    parallel.run(100, [&](std::size_t step) { to[step] = from[99 - step] + 1; });
    std::swap(from, to);
  }
  EXPECT_EQ(from, std::vector<int>(100, 201));
}

TEST(Parallel, AnExceptionEndsTheLoopAndIsThrown) {
  for (const unsigned threads : {1u, 3u}) {
    Parallel parallel(threads);
    std::atomic<std::size_t> begun{0};
    try {
      parallel.run(1'000'000, [&](std::size_t step) {
        ++begun;
        if (step == 3) throw std::runtime_error("step 3");
      });
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(std::string(error.what()), "step 3");
    }
    EXPECT_LT(begun, 1'000'000u);
    std::atomic<int> runs{0};
    parallel.run(10, [&](std::size_t) { ++runs; });  // it is as good as new
    EXPECT_EQ(runs, 10);
  }
}

}  // namespace
}  // namespace cppipc::toolkits::parallel_test
