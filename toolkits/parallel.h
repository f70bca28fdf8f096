// SPDX-License-Identifier: Apache-2.0
#pragma once
// A loop whose steps run on several threads.

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace cppipc::toolkits {

// How many threads a toolkit uses that is not told: one for each core that this process may run on.
unsigned default_threads();

// Owns: its threads, which wait between loops. Threads: one caller at a time.
class Parallel {
 public:
  using Step = std::function<void(std::size_t step)>;

  // The caller is one of the threads. Where the system gives no more of them, there are fewer.
  explicit Parallel(unsigned threads);
  ~Parallel();
  Parallel(const Parallel&) = delete;
  Parallel& operator=(const Parallel&) = delete;

  // Calls step(0) to step(count - 1), each once and on any thread, and returns when all have
  // ended. What a step writes is seen by the steps of later loops.
  // Errors: what a step throws, the first of them; steps that were not begun are left out then.
  void run(std::size_t count, const Step& step);

 private:
  void serve();
  // Takes steps of the loop at hand until there are none.
  void take_steps(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  const Step* step_ = nullptr;  // null: no loop is at hand
  std::size_t next_ = 0;
  std::size_t count_ = 0;
  std::size_t running_ = 0;  // steps that were begun and have not ended
  std::exception_ptr failure_;
  bool is_over_ = false;
  std::condition_variable begun_;
  std::condition_variable ended_;
  std::vector<std::thread> helpers_;
};

}  // namespace cppipc::toolkits
