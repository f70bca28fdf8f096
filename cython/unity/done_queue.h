// SPDX-License-Identifier: Apache-2.0
#pragma once
// The calls that are done and whose callbacks are due, on their way from the C++ threads that
// found out to the one Python thread that runs callbacks; and calls of Python callables for which
// no thread waits.

#include <Python.h>
#include <cppipc/client.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "runtime.h"

namespace unity {

// Threads: all methods from any thread, without the GIL.
class DoneQueue : public std::enable_shared_from_this<DoneQueue> {
 public:
  using Clock = std::chrono::steady_clock;

  // When a call that is sent now with that limit is overdue.
  static std::optional<Clock::time_point> deadline_after(std::optional<double> timeout_s) {
    constexpr double kNever = 1e9;
    if (!timeout_s || *timeout_s > kNever) return std::nullopt;
    return Clock::now() +
           std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(*timeout_s));
  }

  // Puts `object`, of which `kept` is a share, into the queue once `call` is done. Nobody may be
  // waiting for the call, so it is also ended here at its own deadline, if it has one.
  void watch(const cppipc::CallPtr& call, PyObject* object, std::shared_ptr<const void> kept,
             std::optional<Clock::time_point> deadline) {
    call->on_done([queue = shared_from_this(), object, kept = std::move(kept)] {
      queue->push({object, kept, {}});
    });
    if (!deadline) return;
    const std::lock_guard lock(mutex_);
    deadlines_.emplace(*deadline, call);
    is_changed_.notify_one();
  }

  // Runs `task` on that thread, without the GIL.
  void post(std::function<void()> task) { push({nullptr, nullptr, std::move(task)}); }

  // Has pop() return null in a moment.
  void return_soon() {
    constexpr std::chrono::milliseconds kMoment{100};
    const std::lock_guard lock(mutex_);
    if (return_at_) return;
    return_at_ = Clock::now() + kMoment;
    is_changed_.notify_one();
  }

  // The next object, borrowed: `kept` is what keeps it. Blocks until there is one. Null after a
  // task, which has been run, and after return_soon().
  PyObject* pop(std::shared_ptr<const void>* kept) {
    std::unique_lock lock(mutex_);
    while (entries_.empty()) {
      if (return_at_ && *return_at_ <= Clock::now()) {
        return_at_.reset();
        return nullptr;
      }
      if (return_at_ && (deadlines_.empty() || *return_at_ < deadlines_.begin()->first)) {
        is_changed_.wait_until(lock, *return_at_);
      } else if (deadlines_.empty()) {
        is_changed_.wait(lock);
      } else if (const auto first = deadlines_.begin(); first->first > Clock::now()) {
        is_changed_.wait_until(lock, first->first);
      } else {
        const std::weak_ptr<cppipc::Call> overdue = first->second;
        deadlines_.erase(first);
        lock.unlock();
        end_overdue(overdue);
        lock.lock();
      }
    }
    Entry entry = std::move(entries_.front());
    entries_.pop_front();
    *kept = std::move(entry.kept);
    lock.unlock();
    if (entry.task) entry.task();
    return entry.object;
  }

 private:
  struct Entry {
    PyObject* object;
    std::shared_ptr<const void> kept;
    std::function<void()> task;
  };

  void push(Entry entry) {
    const std::lock_guard lock(mutex_);
    entries_.push_back(std::move(entry));
    is_changed_.notify_one();
  }

  // A call ends at its deadline when somebody waits for it, so this does, for no time.
  void end_overdue(const std::weak_ptr<cppipc::Call>& overdue) {
    const cppipc::CallPtr call = overdue.lock();
    if (!call || call->is_done()) return;
    try {
      call->wait(0.0);
    } catch (const cppipc::Error&) {
      // The call keeps how it ended, for whoever asks for its result.
    }
    if (call->is_done()) return;
    const std::lock_guard lock(mutex_);  // the clock has not quite got there
    deadlines_.emplace(Clock::now() + std::chrono::milliseconds(1), call);
  }

  std::mutex mutex_;
  std::condition_variable is_changed_;
  std::deque<Entry> entries_;
  std::multimap<Clock::time_point, std::weak_ptr<cppipc::Call>> deadlines_;
  std::optional<Clock::time_point> return_at_;
};

// The thread that serves `queue` is the callback thread of this process.
inline void serve_tasks(Runtime& runtime, const std::shared_ptr<DoneQueue>& queue) {
  runtime.set_callback_thread([queue](std::function<void()> task) { queue->post(std::move(task)); },
                              [queue] { queue->return_soon(); });
}

}  // namespace unity
