// SPDX-License-Identifier: Apache-2.0
#pragma once
// The threads of a host: a leader, a stand-by, and as many more as slow tasks need.
//
// The leader waits for sockets and handles what arrives, which posts tasks; then it leaves the
// lead and runs the first task itself, so that a short one costs no hop between threads. While
// it does, nobody leads, and the stand-by watches the time: when a task has run for a
// millisecond, the stand-by leads on, and another thread becomes stand-by. A thread whose task
// was overtaken takes further tasks if there are any, and rests otherwise.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "rpc/descriptor.h"
#include "rpc/waiter.h"

namespace cppipc {

// Something to run once on a thread of the crew.
class Task {
 public:
  virtual ~Task() = default;
  // Must not throw.
  virtual void run() = 0;
  // Known to take long: the lead is handed on before it begins.
  virtual bool is_blocking() const { return false; }
  // Somebody else has limited how many of its kind run at one time.
  virtual bool is_admitted() const { return false; }
};

// Owns: its threads and the tasks that were posted and not begun.
// Threads: every method from any thread.
class Crew : public std::enable_shared_from_this<Crew> {
 public:
  // `poll` is called by one thread at a time: it waits for sockets, or only looks if its argument
  // is false, and handles what arrived. `wake` makes a waiting poll return.
  // While `running_max` tasks run, only those that were admitted are begun.
  // `settle` finishes what tasks have put off. It is called by any thread, with no lock held, when
  // tasks that were expected soon may be late: a task is slow, or about to block, or the thread
  // that ran one will not poll next. A poll settles by itself.
  Crew(
      std::function<void(bool may_wait)> poll, std::function<void()> wake, unsigned running_max,
      std::function<void()> settle = [] {});
  ~Crew();

  // Errors: std::system_error if there can be no thread or timer.
  void start();
  // Queues a task. Posted while polling, or by a task at its end, it runs on the very thread.
  void post(std::unique_ptr<Task> task);
  // The calling task waits for something that arrives by a socket. If nobody leads, this thread
  // does, until it is there or tasks are to be run; else the lead is handed on.
  void wait(Waiter& waiter);
  // The task that runs on this thread waits, and counts for no limit until it goes on.
  void pause();
  void resume();
  // Waits until nothing runs or is queued, for at most `patience`; true if so.
  bool wait_until_idle(std::chrono::milliseconds patience);
  // Begins no further task, waits until running ones have ended, and then drops those that were not
  // begun.
  // Not from a thread of the crew.
  void stop();

  unsigned threads() const;
  unsigned running() const;
  // Whether a thread polls, or is about to. If none does, the next one begins a poll anew.
  bool has_leader() const { return has_leader_; }

 private:
  using Clock = std::chrono::steady_clock;
  void serve();
  void hand_lead_on_locked();
  std::unique_ptr<Task> lead(std::unique_lock<std::mutex>& lock);
  void run(std::unique_ptr<Task> task, std::unique_lock<std::mutex>& lock);
  void stand_by(std::unique_lock<std::mutex>& lock);
  void leave_lead_locked(bool is_handed_on);
  void ensure_stand_by_locked();
  void set_timer(std::chrono::nanoseconds in);
  bool may_run_locked() const {
    return running_ - paused_ < running_max_ ? !ready_.empty() : admitted_ > 0;
  }
  std::unique_ptr<Task> take_locked();

  const std::function<void(bool)> poll_;
  const std::function<void()> wake_;
  const unsigned running_max_;
  const std::function<void()> settle_;
  Descriptor timer_;

  mutable std::mutex mutex_;
  std::deque<std::unique_ptr<Task>> ready_;
  std::size_t admitted_ = 0;             // of them
  std::atomic<bool> has_leader_{false};  // changed with the lock held
  std::thread::id leader_;
  bool has_stand_by_ = false;
  bool is_timer_set_ = false;
  bool is_handed_on_ = false;    // the stand-by should lead at once
  Clock::time_point left_at_{};  // when the last leader left to run a task
  bool is_stopping_ = false;
  bool is_over_ = false;  // all threads are gone
  unsigned threads_ = 0;
  unsigned running_ = 0;
  unsigned paused_ = 0;  // of them
  unsigned resting_ = 0;
  unsigned called_ = 0;    // resting threads that were told to stand by
  unsigned starting_ = 0;  // new threads that have not begun
  std::condition_variable rest_;
  unsigned idle_waiters_ = 0;
  std::condition_variable idle_;
  std::condition_variable all_gone_;
};

}  // namespace cppipc
