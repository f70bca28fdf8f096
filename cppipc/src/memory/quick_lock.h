// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

namespace cppipc {

// A mutex for what takes some ten nanoseconds: half as dear as std::mutex when it is free. Whoever
// finds it taken sleeps. It may be held over a fork, and be unlocked by the child.
class QuickLock {
 public:
  void lock() noexcept {
    int expected = kFree;
    if (!state_.compare_exchange_strong(expected, kTaken, std::memory_order_acquire)) wait();
  }
  void unlock() noexcept {
    if (state_.exchange(kFree, std::memory_order_release) == kAwaited) state_.notify_one();
  }

 private:
  static constexpr int kFree = 0;
  static constexpr int kTaken = 1;
  static constexpr int kAwaited = 2;  // taken, and somebody sleeps

  void wait() noexcept {
    while (state_.exchange(kAwaited, std::memory_order_acquire) != kFree) state_.wait(kAwaited);
  }

  std::atomic<int> state_{kFree};
};

}  // namespace cppipc
