// SPDX-License-Identifier: Apache-2.0
#pragma once
// Waiting in tests: for a condition, or for another thread to pass a point. Deadlines are generous:
// they only bound how long a broken test hangs.

#include <poll.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace cppipc::test {

inline constexpr std::chrono::seconds kDeadline{30};

// Looks at `condition` until it is true; false when the deadline has passed.
template <class Condition>
bool eventually(Condition condition, std::chrono::milliseconds deadline = kDeadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= until) return condition();
    ::poll(nullptr, 0, 1);
  }
  return true;
}

// A point that threads wait at until it is opened, once and for all. Threads: any.
class Gate {
 public:
  void open() {
    std::lock_guard lock(mutex_);
    is_open_ = true;
    opened_.notify_all();
  }
  bool is_open() const {
    std::lock_guard lock(mutex_);
    return is_open_;
  }
  // False when the deadline has passed.
  bool wait(std::chrono::milliseconds deadline = kDeadline) {
    std::unique_lock lock(mutex_);
    return opened_.wait_for(lock, deadline, [this] { return is_open_; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable opened_;
  bool is_open_ = false;
};

}  // namespace cppipc::test
