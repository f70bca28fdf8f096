// SPDX-License-Identifier: Apache-2.0
#pragma once
// A fixture whose tests leave nothing behind: no descriptor, no thread.

#include "support/eventually.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <thread>

namespace cppipc::test {

inline std::size_t entries_of(const char* directory) {
  const std::filesystem::directory_iterator entries(directory);
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}
inline std::size_t open_descriptors() { return entries_of("/proc/self/fd") - 1; }  // its own

inline std::size_t running_threads() { return entries_of("/proc/self/task"); }

class LeakCheck : public testing::Test {
 protected:
  void SetUp() override {
    // With a program's first thread a sanitizer starts one of its own, which stays.
    static std::once_flag is_first_over;
    std::call_once(is_first_over, [] { std::thread([] {}).join(); });
    descriptors_ = open_descriptors();
    threads_ = running_threads();
  }
  void TearDown() override {
    // A thread that was joined, or has left its last function, may still be listed for a moment.
    EXPECT_TRUE(eventually([this] { return running_threads() <= threads_; }))
        << running_threads() << " threads, " << threads_ << " before the test";
    EXPECT_TRUE(eventually([this] { return open_descriptors() == descriptors_; }))
        << open_descriptors() << " descriptors, " << descriptors_ << " before the test";
  }

 private:
  std::size_t descriptors_ = 0;
  std::size_t threads_ = 0;
};

}  // namespace cppipc::test
