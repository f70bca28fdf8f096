// SPDX-License-Identifier: Apache-2.0
#pragma once
// The calls that are done and whose callbacks are due, on their way from the C++ threads that
// found out to the one Python thread that runs callbacks.

#include <Python.h>
#include <cppipc/client.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

namespace unity {

// Threads: all methods from any thread, without the GIL.
class DoneQueue {
 public:
  // Puts `object` into `queue` once `call` is done. `kept` is a share of `object`.
  static void watch(const std::shared_ptr<DoneQueue>& queue, cppipc::Call& call, PyObject* object,
                    std::shared_ptr<const void> kept) {
    call.on_done([queue, object, kept = std::move(kept)] { queue->push({object, kept}); });
  }

  // The next object, borrowed: `kept` is what keeps it. Blocks until there is one.
  PyObject* pop(std::shared_ptr<const void>* kept) {
    std::unique_lock lock(mutex_);
    is_filled_.wait(lock, [this] { return !entries_.empty(); });
    Entry entry = std::move(entries_.front());
    entries_.pop_front();
    *kept = std::move(entry.kept);
    return entry.object;
  }

 private:
  struct Entry {
    PyObject* object;
    std::shared_ptr<const void> kept;
  };

  void push(Entry entry) {
    {
      std::lock_guard lock(mutex_);
      entries_.push_back(std::move(entry));
    }
    is_filled_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable is_filled_;
  std::deque<Entry> entries_;
};

}  // namespace unity
