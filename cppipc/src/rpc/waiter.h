// SPDX-License-Identifier: Apache-2.0
#pragma once
// One thread that waits for one thing.

#include <semaphore.h>

#include <atomic>
#include <chrono>

namespace cppipc {

// Threads: one waits, any other finishes or wakes. finish() must be the last that others do to
// it before its owner may destroy it, so share it when the owner can leave early.
class Waiter {
 public:
  Waiter() { sem_init(&semaphore_, 0, 0); }
  ~Waiter() { sem_destroy(&semaphore_); }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  bool is_done() const { return is_done_.load(std::memory_order_acquire); }
  // It has happened.
  void finish() {
    is_done_.store(true, std::memory_order_release);
    wake();
  }
  // There is something to do for the thread that waits.
  void call() {
    is_called_.store(true, std::memory_order_release);
    wake();
  }
  bool is_called() const { return is_called_.load(std::memory_order_acquire); }
  // Whether it was called since it last answered.
  bool answer() { return is_called_.exchange(false, std::memory_order_acq_rel); }
  // Makes sleep() return once.
  void wake() { sem_post(&semaphore_); }
  // Returns after a wake(), a signal to this thread, or `most`; true if it was a wake().
  bool sleep(std::chrono::nanoseconds most);

 private:
  sem_t semaphore_;
  std::atomic<bool> is_done_{false};
  std::atomic<bool> is_called_{false};
};

}  // namespace cppipc
