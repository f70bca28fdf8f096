// SPDX-License-Identifier: Apache-2.0
#include "client/client_call.h"

#include <cppipc/broker.capnp.h>

#include <kj/exception.h>
#include <algorithm>

namespace cppipc {
namespace {

Error timed_out() {
  return Error(ErrorKind::kTimeout,
               "the call did not return in time; it may still be running on the server");
}

}  // namespace

bool ClientCall::is_done() const {
  std::lock_guard lock(mutex_);
  return is_done_;
}

bool ClientCall::settle(std::optional<Returned> returned, std::optional<Error> error) {
  std::vector<std::shared_ptr<Waiter>> waiters;
  std::vector<std::function<void()>> callbacks;
  std::deque<std::unique_ptr<Callback>> left;
  bool is_known = false;
  {
    std::lock_guard lock(mutex_);
    if (is_done_) return false;
    is_done_ = true;
    is_known = std::exchange(is_known_, false);
    left.swap(for_waiters_);
    returned_ = std::move(returned);
    error_ = std::move(error);
    waiters.swap(waiters_);
    callbacks.swap(callbacks_);
  }
  if (is_known) client_->waited_.remove(id_);
  for (const auto& waiter : waiters) waiter->finish();
  post_elsewhere(std::move(left));
  for (const auto& callback : callbacks) callback();
  return true;
}

void ClientCall::on_return(Returned returned) {
  auto error = std::move(returned.error);
  if (error) {
    settle(std::nullopt, std::move(error));
  } else {
    settle(std::move(returned), std::nullopt);
  }
}

void ClientCall::on_done(std::function<void()> callback) {
  {
    std::lock_guard lock(mutex_);
    if (!is_done_) {
      callbacks_.push_back(std::move(callback));
      return;
    }
  }
  callback();
}

bool ClientCall::cancel() {
  client_->throw_if_child();
  if (!settle(std::nullopt, Error(ErrorKind::kCancelled, "the call was cancelled"))) return false;
  client_->ask_cancel(id_);
  return true;
}

void ClientCall::expect_wait() {
  is_known_ = true;
  client_->waited_.add(id_, weak_from_this());
}

std::shared_ptr<Waiter> ClientCall::begin_wait() {
  std::lock_guard lock(mutex_);
  if (is_done_) return nullptr;
  if (!is_known_) {
    expect_wait();
    for (auto& left : client_->left_.take(id_)) for_waiters_.push_back(std::move(left));
  }
  waiters_.push_back(std::make_shared<Waiter>());
  if (!for_waiters_.empty()) waiters_.back()->call();
  return waiters_.back();
}

void ClientCall::end_wait(const std::shared_ptr<Waiter>& waiter) {
  std::deque<std::unique_ptr<Callback>> left;
  {
    std::lock_guard lock(mutex_);
    std::erase(waiters_, waiter);
    if (!waiters_.empty() || !std::exchange(is_known_, false)) return;
    left.swap(for_waiters_);
  }
  client_->waited_.remove(id_);
  post_elsewhere(std::move(left));
}

bool ClientCall::take(std::unique_ptr<Callback>& callback) {
  std::lock_guard lock(mutex_);
  if (is_done_ || !is_known_) return false;
  for_waiters_.push_back(std::move(callback));
  for (const auto& waiter : waiters_) waiter->call();
  return true;
}

void ClientCall::run_callbacks() {
  for (;;) {
    std::unique_ptr<Callback> next;
    {
      std::lock_guard lock(mutex_);
      if (for_waiters_.empty()) return;
      next = std::move(for_waiters_.front());
      for_waiters_.pop_front();
    }
    next->run([this] {
      const bool is_past_deadline = deadline_ && Driver::Clock::now() >= *deadline_;
      if (is_past_deadline && settle(std::nullopt, timed_out())) client_->ask_cancel(id_);
    });
  }
}

void ClientCall::post_elsewhere(std::deque<std::unique_ptr<Callback>> callbacks) {
  for (auto& callback : callbacks) client_->run_elsewhere(std::move(callback));
}

std::shared_ptr<Result> ClientCall::receive(std::optional<double> timeout_s) {
  // Last of all, whether there is a result or an exception on its way.
  struct Return {
    ~Return() {
      if (on_return) on_return();
    }
    const std::function<void()>& on_return;
  } const at_return{client_->options_.on_return};
  client_->throw_if_child();
  const auto waiter = begin_wait();
  if (!waiter) return result();
  auto until = deadline_;
  if (timeout_s)
    until = std::min(until.value_or(Driver::Clock::time_point::max()), Driver::after(*timeout_s));
  bool is_in_time = false;
  try {
    const LeftCallbacks::Attention attention(client_->left_, *waiter);
    is_in_time = client_->wait(*waiter, until, [this] {
      run_callbacks();
      client_->left_.run_all();
    });
  } catch (...) {                           // an interrupt, which goes on to the caller
    if (client_->guard_.is_child()) throw;  // it forked, and the call is the parent's
    end_wait(waiter);
    if (is_awaited_) cancel();
    throw;
  }
  if (!is_in_time) {
    end_wait(waiter);
    const bool is_past_deadline = deadline_ && Driver::Clock::now() >= *deadline_;
    if (!is_past_deadline) throw timed_out();
    if (settle(std::nullopt, timed_out())) client_->ask_cancel(id_);
  }
  return result();
}

std::shared_ptr<Result> ClientCall::result() {
  std::lock_guard result_lock(result_mutex_);
  if (returned_) {
    try {
      // What interrupts it leaves the reply as it was.
      reply_ = Reply::of(client_, *returned_, results_);
      returned_.reset();
    } catch (const Error& error) {
      std::lock_guard lock(mutex_);
      error_ = error;
      returned_.reset();
    }
  }
  std::lock_guard lock(mutex_);
  if (!error_) return reply_;
  const Error error = *error_;
  // An exception may refer to whoever holds this call: it goes out once.
  error_->raised = nullptr;
  throw error;
}

}  // namespace cppipc
