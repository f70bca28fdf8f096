// SPDX-License-Identifier: Apache-2.0
#include "toolkits/parallel.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace cppipc::toolkits {

unsigned default_threads() { return std::max(1u, std::thread::hardware_concurrency()); }

Parallel::Parallel(unsigned threads) {
  for (unsigned i = 1; i < threads; ++i) {
    try {
      helpers_.emplace_back([this] { serve(); });
    } catch (const std::system_error&) {
      break;  // the threads that there are do the work of the others
    }
  }
}

Parallel::~Parallel() {
  {
    std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  begun_.notify_all();
  for (auto& helper : helpers_) helper.join();
}

void Parallel::run(std::size_t count, const Step& step) {
  std::unique_lock lock(mutex_);
  step_ = &step;
  next_ = 0;
  count_ = count;
  if (count > 1) begun_.notify_all();
  take_steps(lock);
  ended_.wait(lock, [this] { return running_ == 0; });
  step_ = nullptr;
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Parallel::take_steps(std::unique_lock<std::mutex>& lock) {
  while (step_ != nullptr && next_ < count_) {
    const Step& step = *step_;
    const std::size_t taken = next_++;
    ++running_;
    lock.unlock();
    std::exception_ptr failure;
    try {
      step(taken);
    } catch (...) {
      failure = std::current_exception();  // thrown by run()
    }
    lock.lock();
    --running_;
    if (failure) {
      if (!failure_) failure_ = failure;
      next_ = count_;
    }
  }
  if (running_ == 0) ended_.notify_one();
}

void Parallel::serve() {
  std::unique_lock lock(mutex_);
  while (!is_over_) {
    take_steps(lock);
    begun_.wait(lock, [this] { return is_over_ || (step_ != nullptr && next_ < count_); });
  }
}

}  // namespace cppipc::toolkits
