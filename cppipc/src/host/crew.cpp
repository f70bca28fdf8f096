// SPDX-License-Identifier: Apache-2.0
// One mutex guards every field; it is free while a thread polls, runs a task or waits.
//
// The timer is set lazily: if it runs already when a leader leaves, it stays as it is, and the
// stand-by, when woken, looks how long the task at hand has run and sets the rest of the
// millisecond. So a busy host pays at most one wake-up a millisecond for the watch, an idle one
// nothing, and a task is overtaken after one to two milliseconds.
#include "host/crew.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace cppipc {
namespace {

constexpr std::chrono::milliseconds kPatience{1};
constexpr std::chrono::nanoseconds kAtOnce{1};
// Threads that rest, beyond leader and stand-by, before further ones end.
constexpr unsigned kRestingMax = 8;

}  // namespace

Crew::Crew(std::function<void(bool)> poll, std::function<void()> wake, unsigned running_max,
           std::function<void()> settle)
    : poll_(std::move(poll)),
      wake_(std::move(wake)),
      running_max_(running_max),
      settle_(std::move(settle)),
      timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)) {
  if (!timer_) throw std::system_error(errno, std::generic_category(), "timerfd_create");
}

Crew::~Crew() = default;

void Crew::start() {
  std::lock_guard lock(mutex_);
  ensure_stand_by_locked();  // the first thread finds no leader, and leads
}

void Crew::set_timer(std::chrono::nanoseconds in) {
  itimerspec spec{};
  spec.it_value.tv_nsec = in.count();
  timerfd_settime(timer_.get(), 0, &spec, nullptr);
}

void Crew::ensure_stand_by_locked() {
  if (has_stand_by_ || called_ + starting_ > 0 || is_stopping_) return;
  if (resting_ > 0) {
    ++called_;
    rest_.notify_one();
    return;
  }
  ++starting_;
  ++threads_;
  try {
    std::thread([self = shared_from_this()] { self->serve(); }).detach();
  } catch (const std::system_error&) {
    // No thread to be had: slow tasks delay others until one ends. Only the first must exist.
    --starting_;
    if (--threads_ == 0) throw;
  }
}

std::unique_ptr<Task> Crew::take_locked() {
  auto place = ready_.begin();
  if (running_ - paused_ >= running_max_) {
    place = std::find_if(place, ready_.end(), [](const auto& task) { return task->is_admitted(); });
  }
  auto task = std::move(*place);
  ready_.erase(place);
  if (task->is_admitted()) --admitted_;
  return task;
}

void Crew::post(std::unique_ptr<Task> task) {
  std::lock_guard lock(mutex_);
  if (is_over_) return;
  if (task->is_admitted()) ++admitted_;
  ready_.push_back(std::move(task));
  // A leader that waits for sockets would not look. If nobody leads, the stand-by soon will.
  if (has_leader_ && leader_ != std::this_thread::get_id()) wake_();
}

void Crew::hand_lead_on_locked() {
  if (has_leader_ || is_handed_on_) return;
  ensure_stand_by_locked();
  is_handed_on_ = is_timer_set_ = true;
  set_timer(kAtOnce);
}

void Crew::wait(Waiter& waiter) {
  settle_();
  std::unique_lock lock(mutex_);
  if (!has_leader_ && !is_handed_on_) {
    has_leader_ = true;
    leader_ = std::this_thread::get_id();
    while (!is_stopping_ && !waiter.is_done() && !may_run_locked()) {
      lock.unlock();
      poll_(true);
      lock.lock();
    }
    leave_lead_locked(!waiter.is_done());
  }
  if (!waiter.is_done()) hand_lead_on_locked();
  lock.unlock();
  while (!waiter.is_done()) waiter.sleep(std::chrono::hours(1));
}

void Crew::pause() {
  std::lock_guard lock(mutex_);
  ++paused_;
  if (has_leader_ && !ready_.empty()) wake_();
}

void Crew::resume() {
  std::lock_guard lock(mutex_);
  --paused_;
}

void Crew::leave_lead_locked(bool is_handed_on) {
  has_leader_ = false;
  ensure_stand_by_locked();
  is_handed_on_ = is_handed_on;
  if (is_handed_on) {
    is_timer_set_ = true;
    set_timer(kAtOnce);
    return;
  }
  left_at_ = Clock::now();
  if (!is_timer_set_) {
    is_timer_set_ = true;
    set_timer(kPatience);
  }
}

std::unique_ptr<Task> Crew::lead(std::unique_lock<std::mutex>& lock) {
  has_leader_ = true;
  leader_ = std::this_thread::get_id();
  is_handed_on_ = false;
  while (!is_stopping_) {
    if (may_run_locked()) {
      auto task = take_locked();
      leave_lead_locked(task->is_blocking());
      return task;
    }
    lock.unlock();
    poll_(true);
    lock.lock();
  }
  has_leader_ = false;
  return nullptr;
}

void Crew::run(std::unique_ptr<Task> task, std::unique_lock<std::mutex>& lock) {
  ++running_;
  lock.unlock();
  if (task->is_blocking()) settle_();
  task->run();
  task.reset();
  lock.lock();
  --running_;
  if (has_leader_ || is_stopping_) {  // otherwise this thread leads next
    lock.unlock();
    settle_();
    lock.lock();
  }
  if (idle_waiters_ > 0 && running_ == 0 && ready_.empty()) idle_.notify_all();
}

void Crew::stand_by(std::unique_lock<std::mutex>& lock) {
  has_stand_by_ = true;
  while (!is_stopping_) {
    lock.unlock();
    std::uint64_t expirations = 0;
    const ssize_t got = ::read(timer_.get(), &expirations, sizeof expirations);
    lock.lock();
    if (got < 0) continue;  // EINTR
    is_timer_set_ = false;
    if (has_leader_) continue;
    const auto ran = Clock::now() - left_at_;
    if (is_handed_on_ || ran >= kPatience) break;
    is_timer_set_ = true;
    set_timer(kPatience - ran);
  }
  has_stand_by_ = false;
  lock.unlock();
  settle_();
  lock.lock();
}

void Crew::serve() {
  std::unique_lock lock(mutex_);
  --starting_;
  while (!is_stopping_) {
    if (!has_leader_) {
      // After a short task: the thread that ran it. Otherwise whoever is free first.
      if (auto task = lead(lock)) run(std::move(task), lock);
    } else if (may_run_locked()) {
      auto task = take_locked();
      if (!ready_.empty()) wake_();  // the leader sees to the others
      run(std::move(task), lock);
    } else if (!has_stand_by_) {
      stand_by(lock);
    } else if (resting_ < kRestingMax) {
      ++resting_;
      rest_.wait(lock, [this] { return is_stopping_ || called_ > 0; });
      --resting_;
      if (called_ > 0) --called_;
    } else {
      break;
    }
  }
  if (--threads_ == 0) all_gone_.notify_all();
}

void Crew::stop() {
  std::deque<std::unique_ptr<Task>> dropped;
  std::unique_lock lock(mutex_);
  is_stopping_ = true;
  rest_.notify_all();
  // Both stay until the leader and the stand-by have seen them.
  set_timer(kAtOnce);
  wake_();
  all_gone_.wait(lock, [this] { return threads_ == 0; });
  // Not before: the leader may be handling a message, and the order of calls knows those queued.
  dropped.swap(ready_);
  admitted_ = 0;
  is_over_ = true;
  lock.unlock();
}

bool Crew::wait_until_idle(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  ++idle_waiters_;
  const bool is_idle =
      idle_.wait_for(lock, patience, [this] { return running_ == 0 && ready_.empty(); });
  --idle_waiters_;
  return is_idle;
}

unsigned Crew::threads() const {
  std::lock_guard lock(mutex_);
  return threads_;
}

unsigned Crew::running() const {
  std::lock_guard lock(mutex_);
  return running_;
}

}  // namespace cppipc
