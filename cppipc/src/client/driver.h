// SPDX-License-Identifier: Apache-2.0
#pragma once
// Who reads the socket of a client: leader and followers, and a watcher when nobody waits.
//
// A thread that waits for a reply becomes the leader if there is none: it blocks on the socket
// and handles what arrives. Other waiting threads sleep, each on its own semaphore, until the
// leader has their reply or makes one of them the leader. So a reply reaches the thread that
// waits for it without a hop.
//
// The watcher leads while nobody waits. After callers were active it rests for a moment instead
// of competing with them, then reports dropped references, and goes back to lead: it notices the
// end of the connection and the replies nobody waits for yet, and sleeps without waking up.
//
// A leader that runs a callback of the server's comes back to lead, most often within microseconds;
// the watcher leads only if that takes longer than a millisecond.

#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "rpc/peer.h"
#include "rpc/poller.h"
#include "rpc/waiter.h"

namespace cppipc {

// Owns: the watcher thread; a share of the peer and its poller.
// Threads: every method from any thread, without locks held.
class Driver : public std::enable_shared_from_this<Driver> {
 public:
  // `on_end` is called once, on the thread that found the connection ended, with what ended it;
  // it must disconnect the peer.
  Driver(std::shared_ptr<Peer> peer, std::shared_ptr<Poller> poller,
         std::function<void(const Error&)> on_end);
  ~Driver() = default;
  // Begins to watch. The watcher shares the driver until stop().
  void start();

  using Clock = std::chrono::steady_clock;
  // So many seconds from now; what is no sensible time is the nearest one.
  static Clock::time_point after(double seconds);
  // Blocks until `waiter` is done or `until` has passed; true if it is done. `interrupt` is called
  // at least every 0.1 s and after each signal, by a thread that does not lead: it may take its
  // time, and wait here itself. What it throws ends the wait. `work` likewise, and whenever the
  // waiter was called.
  bool wait(Waiter& waiter, std::optional<Clock::time_point> until,
            const std::function<void()>& interrupt, const std::function<void()>& work = {});

  // Sends a call. Unless the caller waits for it at once (`is_awaited`), this sees to it that
  // somebody reads. Calls that nobody awaits and that follow each other closely are gathered, and
  // leave together: when enough bytes have come together, when somebody begins to wait, or when
  // the thread that reads has been woken for it, whichever is first.
  // With a descriptor: as Connection::send().
  void send(Peer::CallBuilder call, std::shared_ptr<PendingReply> reply, bool is_awaited,
            int descriptor = -1);
  // After an answer to a call of the server: sees to what the socket did not take.
  void see_to_unsent();
  // Sends at once what was gathered.
  void send_gathered();

  // Ends the watcher and lets nobody lead any more. Joins, unless called on the watcher itself.
  void stop();
  // In a forked child: the watcher does not exist here.
  void abandon() noexcept;

 private:
  // Reads once what has arrived, or waits for it up to `timeout_ms`; true if something had, false
  // also after a signal. Called by the leader only.
  bool lead(int timeout_ms);
  void end(const Error& error);
  void watch();
  void rest(std::unique_lock<std::mutex>& lock);
  // Sees to it that somebody leads again soon after the leader has left for a callback.
  void stand_by(std::unique_lock<std::mutex>& lock);
  // Sends what callers left behind.
  void tidy(std::unique_lock<std::mutex>& lock);
  void watch_lead(std::unique_lock<std::mutex>& lock);
  // Makes a follower the leader, or calls the watcher if replies are due that nobody waits for.
  void hand_over_locked();
  // The same for a leader that will lead again in a moment, unless somebody else needs one now.
  void interrupt_lead_locked();
  // Ends the wait of a follower, who may lead; a brief while means that it comes back soon.
  void leave_locked(std::list<Waiter*>::iterator follower, bool is_leader, bool is_brief = false);
  void want_write_locked();
  bool is_burst();
  void sent(bool is_flushed, bool is_awaited);
  void gathered();

  std::shared_ptr<Peer> peer_;
  std::shared_ptr<Poller> poller_;
  std::function<void(const Error&)> on_end_;
  std::atomic<Clock::rep> sent_at_{0};     // when the last call that nobody awaits was sent
  std::atomic<bool> is_gathering_{false};  // calls wait to be sent by whoever reads

  std::mutex mutex_;
  bool has_leader_ = false;
  bool is_watcher_leading_ = false;
  bool is_watch_wanted_ = false;  // the watcher should lead at once
  bool is_standing_by_ = false;   // it should lead if nobody does a millisecond after left_at_
  Clock::time_point left_at_{};
  bool is_stopping_ = false;
  bool is_ended_ = false;
  bool is_write_wanted_ = false;
  std::uint64_t activity_ = 0;  // goes up whenever a caller waits or sends
  std::list<Waiter*> followers_;
  std::condition_variable watcher_wakes_;
  std::thread watcher_;
};

}  // namespace cppipc
