// SPDX-License-Identifier: Apache-2.0
// The lock guards who leads; it is never held while a thread blocks on the socket or handles
// messages. A leader gives the lead up in one place (hand_over_locked), which every way out of
// leading passes, an exception of the interrupt included.
#include "client/driver.h"

#include <algorithm>
#include <array>
#include <utility>

namespace cppipc {
namespace {

constexpr std::chrono::milliseconds kSlice{100};
constexpr std::chrono::milliseconds kRest{50};
// For so long nobody may lead while a callback runs, and so long after one the next is expected.
constexpr std::chrono::milliseconds kPatience{1};
constexpr std::chrono::milliseconds kStandBy{10};
// Calls closer to each other than this are a burst; gathered up to so many bytes at a time.
constexpr std::chrono::microseconds kBurst{20};
constexpr std::uint64_t kGatheredBytes = 16 << 10;

int milliseconds_until(std::optional<Driver::Clock::time_point> until, bool is_sliced) {
  std::optional<std::chrono::milliseconds> most;
  if (is_sliced) most = kSlice;
  if (until) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - Driver::Clock::now());
    const auto bounded = std::max(left, std::chrono::milliseconds(0));
    most = most ? std::min(*most, bounded) : std::min(bounded, std::chrono::milliseconds(60'000));
  }
  return most ? static_cast<int>(most->count()) : -1;
}

// What pending calls get. A frame beyond the limit is the server's breach of the rules: to a
// caller, "too large" would speak of the arguments.
Error as_end(const Error& error) {
  if (error.kind() == ErrorKind::kConnectionLost) return error;
  return Error(ErrorKind::kProtocol, error.what());
}

}  // namespace

Driver::Driver(std::shared_ptr<Peer> peer, std::shared_ptr<Poller> poller,
               std::function<void(const Error&)> on_end)
    : peer_(std::move(peer)), poller_(std::move(poller)), on_end_(std::move(on_end)) {
  poller_->add(peer_->connection().fd(), 0);
}

Driver::Clock::time_point Driver::after(double seconds) {
  const double bounded = seconds > 0 ? std::min(seconds, 1e9) : 0.0;
  return Clock::now() +
         std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(bounded));
}

void Driver::start() {
  watcher_ = std::thread([self = shared_from_this()] { self->watch(); });
}

void Driver::end(const Error& error) {
  {
    std::lock_guard lock(mutex_);
    if (is_ended_) return;
    is_ended_ = true;
  }
  poller_->remove(peer_->connection().fd());
  on_end_(error);
  std::lock_guard lock(mutex_);
  for (auto* follower : followers_) follower->wake();
}

bool Driver::lead(int timeout_ms) {
  std::array<PollEvent, 4> events;
  std::size_t count = 0;
  try {
    count = poller_->wait(events, timeout_ms);
    send_gathered();
    for (std::size_t i = 0; i < count; ++i) {
      if (events[i].is_ended) peer_->connection().expect_end();
      if (events[i].is_writable) {
        const bool is_done = peer_->connection().flush();
        std::lock_guard lock(mutex_);
        if (is_done && is_write_wanted_) {
          is_write_wanted_ = false;
          poller_->want_write(peer_->connection().fd(), 0, false);
        }
      }
      if (events[i].is_readable && peer_->receive() == Connection::State::kEnded) {
        end(Error(ErrorKind::kConnectionLost, "the server closed the connection"));
      }
    }
    if (peer_->connection().is_full()) {  // an answer of ours, to whoever reads a blob
      std::lock_guard lock(mutex_);
      want_write_locked();
    }
  } catch (const Error& error) {
    end(as_end(error));
  } catch (const std::exception& error) {
    end(Error(ErrorKind::kConnectionLost, std::string("reading failed: ") + error.what()));
  }
  return count > 0;
}

void Driver::hand_over_locked() {
  has_leader_ = false;
  if (!followers_.empty()) {
    followers_.front()->wake();
  } else if (peer_->questions_open() > 0 || peer_->connection().has_queued()) {
    // Replies to calls that were only sent, or bytes that wait for room in the socket.
    if (peer_->questions_open() > 0 || is_write_wanted_) {
      is_watch_wanted_ = true;
      watcher_wakes_.notify_one();
    }
  }
}

void Driver::interrupt_lead_locked() {
  // The one question is what the leader waits for.
  const bool is_needed = !followers_.empty() || peer_->questions_open() > 1 || is_write_wanted_;
  if (is_needed) return hand_over_locked();
  has_leader_ = false;
  left_at_ = Clock::now();
  if (std::exchange(is_standing_by_, true)) return;
  watcher_wakes_.notify_one();
}

void Driver::leave_locked(std::list<Waiter*>::iterator follower, bool is_leader, bool is_brief) {
  followers_.erase(follower);
  if (is_leader && is_brief) {
    interrupt_lead_locked();
  } else if (is_leader) {
    hand_over_locked();
  } else if (!has_leader_ && !followers_.empty()) {
    followers_.front()->wake();  // it may have been our turn to lead
  }
}

bool Driver::wait(Waiter& waiter, std::optional<Clock::time_point> until,
                  const std::function<void()>& interrupt, const std::function<void()>& work) {
  if (waiter.is_done()) return true;
  // Also what another thread has been told to send and has not yet sent.
  if (peer_->connection().has_queued()) peer_->connection().flush();
  std::unique_lock lock(mutex_);
  ++activity_;
  if (peer_->connection().is_full()) want_write_locked();
  auto place = followers_.insert(followers_.end(), &waiter);
  bool is_leader = false;
  auto look_at = Clock::now() + kSlice;
  for (;;) {
    if (waiter.is_done() || (until && Clock::now() >= *until)) {
      leave_locked(place, is_leader);
      return waiter.is_done();
    }
    if (!has_leader_ && !is_ended_ && !is_stopping_) has_leader_ = is_leader = true;
    const int timeout_ms = milliseconds_until(until, static_cast<bool>(interrupt));
    lock.unlock();
    bool is_event = true;
    if (!waiter.is_called()) {
      is_event = is_leader ? lead(timeout_ms)
                           : waiter.sleep(timeout_ms < 0 ? std::chrono::hours(1)
                                                         : std::chrono::milliseconds(timeout_ms));
    }
    const bool is_called = work && waiter.answer();
    const bool may_look = interrupt && !waiter.is_done();
    const bool is_due = may_look && (!is_event || Clock::now() >= look_at);
    lock.lock();
    if (!is_due && !is_called) continue;
    leave_locked(place, std::exchange(is_leader, false), is_called && !is_due);
    lock.unlock();
    if (is_called) work();
    if (is_due) interrupt();
    look_at = Clock::now() + kSlice;
    lock.lock();
    if (peer_->connection().is_full()) want_write_locked();
    place = followers_.insert(followers_.end(), &waiter);
  }
}

void Driver::want_write_locked() {
  if (is_write_wanted_ || is_ended_) return;
  is_write_wanted_ = true;
  poller_->want_write(peer_->connection().fd(), 0, true);
}

void Driver::send(Peer::CallBuilder call, std::shared_ptr<PendingReply> reply, bool is_awaited,
                  int descriptor) {
  const bool is_gathered = !is_awaited && is_burst();
  const bool is_flushed =
      peer_->send(std::move(call), std::move(reply),
                  is_gathered ? Connection::Flush::kLater : Connection::Flush::kNow, descriptor);
  if (is_gathered) {
    gathered();
  } else {
    sent(is_flushed, is_awaited);
  }
}

void Driver::see_to_unsent() {
  if (peer_->connection().has_queued()) sent(false, false);
}

bool Driver::is_burst() {
  const auto now = Clock::now().time_since_epoch();
  const Clock::duration before(sent_at_.exchange(now.count(), std::memory_order_relaxed));
  return now - before < kBurst && peer_->connection().queued_bytes() < kGatheredBytes;
}

void Driver::gathered() {
  if (is_gathering_.exchange(true)) return;  // whoever reads has been told
  std::lock_guard lock(mutex_);
  ++activity_;
  if (has_leader_) {
    poller_->wake();
  } else if (!is_watch_wanted_) {
    is_watch_wanted_ = true;
    watcher_wakes_.notify_one();
  }
}

void Driver::send_gathered() {
  // Cleared first: a call that is gathered from now on tells the reader anew.
  if (is_gathering_.load(std::memory_order_acquire) && is_gathering_.exchange(false)) {
    peer_->connection().flush();  // a full socket is seen to by the caller
  }
}

void Driver::sent(bool is_flushed, bool is_awaited) {
  if (is_flushed && is_awaited) return;
  std::lock_guard lock(mutex_);
  ++activity_;
  if (!is_flushed) want_write_locked();
  if (!has_leader_ && !is_watch_wanted_) {
    is_watch_wanted_ = true;
    watcher_wakes_.notify_one();
  }
}

void Driver::tidy(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  is_gathering_ = false;
  peer_->carry_out_let_go();
  const bool is_flushed = peer_->connection().flush();
  lock.lock();
  if (!is_flushed) want_write_locked();
}

void Driver::stand_by(std::unique_lock<std::mutex>& lock) {
  // A callback that is short costs no wake-up of its own: at most one a millisecond is paid for
  // all of them.
  watcher_wakes_.wait_for(lock, kPatience, [this] { return is_stopping_ || is_watch_wanted_; });
  if (is_stopping_ || is_ended_) return;
  tidy(lock);
  const auto away = Clock::now() - left_at_;
  is_standing_by_ = away < kStandBy;
  if (has_leader_) {
    is_watch_wanted_ = false;
  } else if (is_watch_wanted_ || away >= kPatience) {
    has_leader_ = is_watcher_leading_ = true;
    is_standing_by_ = false;
  }
}

void Driver::rest(std::unique_lock<std::mutex>& lock) {
  // Callers that call one after the other lead themselves; a watcher that led in between would
  // take their replies and cost each a hop.
  const auto seen = activity_;
  watcher_wakes_.wait_for(lock, kRest,
                          [this] { return is_stopping_ || is_watch_wanted_ || is_standing_by_; });
  if (is_stopping_ || is_ended_ || (is_standing_by_ && !is_watch_wanted_)) return;
  // Again for calls that were gathered meanwhile: a leader that came meanwhile was not told.
  do tidy(lock);
  while (is_gathering_ && !is_stopping_);
  if (has_leader_) {
    is_watch_wanted_ = false;  // it is watched; whoever leads calls when it stops
  } else if (activity_ == seen || is_watch_wanted_) {
    has_leader_ = is_watcher_leading_ = true;
  }
}

void Driver::watch_lead(std::unique_lock<std::mutex>& lock) {
  is_watch_wanted_ = false;
  // Notices that a reply was received, and dropped references, leave here at the latest. A
  // reference that is dropped while the watcher sleeps wakes it.
  peer_->let_go().arm();
  tidy(lock);
  const auto calls = peer_->calls_received();
  lock.unlock();
  if (peer_->let_go().is_empty()) lead(-1);
  lock.lock();
  // After a call of the server's others follow, as the messages of a watch do.
  const bool is_needed = peer_->questions_open() > 0 || peer_->calls_received() != calls;
  const bool has_dropped = !peer_->let_go().is_empty();
  if (followers_.empty() && is_needed && !has_dropped && !is_ended_) return;
  // Somebody waits, or references are being dropped: give way, or let them gather.
  is_watcher_leading_ = false;
  hand_over_locked();
}

void Driver::watch() {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    if (is_ended_ && !is_watcher_leading_) {
      watcher_wakes_.wait(lock, [this] { return is_stopping_; });
    } else if (is_watcher_leading_) {
      watch_lead(lock);
    } else if (is_standing_by_) {
      stand_by(lock);
    } else {
      rest(lock);
    }
  }
  if (is_watcher_leading_) {
    is_watcher_leading_ = false;
    has_leader_ = false;
  }
}

void Driver::stop() {
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
    watcher_wakes_.notify_all();
  }
  poller_->wake();
  if (watcher_.joinable()) {
    if (watcher_.get_id() == std::this_thread::get_id()) {
      watcher_.detach();
    } else {
      watcher_.join();
    }
  }
}

void Driver::abandon() noexcept {
  // Joining or detaching a thread that does not exist here is what must not happen.
  new std::thread(std::move(watcher_));
}

}  // namespace cppipc
