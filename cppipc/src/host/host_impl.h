// SPDX-License-Identifier: Apache-2.0
#pragma once
// The host behind the public interface: what its sessions share.

#include <cppipc/host.h>
#include <cppipc/registry.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "host/bulk_budget.h"
#include "host/crew.h"
#include "host/instance.h"
#include "host/offers.h"
#include "host/slots.h"
#include "host/tokens.h"
#include "rpc/poller.h"

namespace cppipc {

class CallTask;
class HostSession;

struct HostCounters {
  std::atomic<std::uint64_t> live_objects{0};
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> calls_failed{0};
  std::atomic<std::uint64_t> bytes_inline{0};  // of sessions that have ended, as the next
  std::atomic<std::uint64_t> bytes_sent{0};
  std::atomic<std::uint64_t> bytes_copied{0};
};

// Owns: the crew, the poller, the sessions. Shared by sessions and their objects.
// Threads: any.
class HostCore : public std::enable_shared_from_this<HostCore> {
 public:
  HostCore(const Registry& registry, HostOptions options);
  void start();

  std::uint64_t adopt(int socket_fd, const std::string& peer, const Admission& admission);
  bool end_pending(std::uint64_t id, const std::string& reason);
  bool stop(std::chrono::milliseconds patience);
  // Ends the sessions, drops what waits, and waits for running calls.
  void shut_down();
  HostStats stats() const;
  std::vector<SessionStats> session_stats(std::size_t most) const;

  // The host's own, without what was added.
  const Registry& registry() const { return offers_.registry_of(nullptr); }
  const Offers& offers() const { return offers_; }
  // As Host::add().
  std::vector<std::string> add(LoadedExtension extension);
  const Registry& builtins() const { return builtins_; }
  const HostOptions& options() const { return options_; }
  const std::array<std::uint8_t, 16>& server_id() const { return server_id_; }
  Crew& crew() { return *crew_; }
  Order& order() { return order_; }
  Instances& instances() { return *instances_; }
  Tokens& tokens() { return tokens_; }
  Poller& poller() { return poller_; }
  Slots& slots() { return slots_; }
  const std::shared_ptr<BulkTotal>& bulk_total() const { return bulk_total_; }
  // The limit of each session.
  std::uint64_t bulk_bytes() const { return bulk_bytes_; }
  // Of the arenas that each session's peer may register.
  std::uint64_t arena_bytes() const { return arena_bytes_; }
  HostCounters& counters() { return counters_; }
  bool is_draining() const { return is_draining_; }
  void log(HostOptions::LogLevel level, const std::string& text) const;

  // Runs a call's task now or when its objects are free.
  void submit(std::unique_ptr<Ticket> task, std::vector<std::shared_ptr<Instance>> objects,
              std::uint64_t session, std::uint64_t chain);
  // A reply of the session was queued with kLater: it leaves with those that follow it at once, and
  // in a moment in any case.
  void gathered(const std::shared_ptr<HostSession>& session);
  // The session has dropped something of its peer's, which is told so soon.
  void let_go(std::uint64_t session) noexcept;
  // A task has ended: what waited for its objects runs next.
  void finished(CallTask& call);
  // The method of a call waits for its caller, and others may run meanwhile; and runs on.
  void pause(CallTask& call);
  void resume(CallTask& call);
  // Lets go of an object on a thread where its destructor may take its time; the object was one of
  // the live ones if `is_counted`.
  void dispose(std::shared_ptr<Instance> instance, bool is_counted);
  // The session is over; `reason` is empty if the peer closed it.
  void end_session(std::uint64_t id, const std::string& reason);

 private:
  // Tells every session what is offered now.
  void tell_offer(const ExtensionDescription& added);
  void end_all_sessions();
  void wait_until_sent(std::chrono::steady_clock::time_point until);
  void poll(bool may_wait);
  void send_gathered();
  void send_let_go();
  // True if the session was read, or is gone.
  bool handle(const PollEvent& event);
  void read(const std::shared_ptr<HostSession>& session);
  std::shared_ptr<HostSession> find(std::uint64_t id) const;
  // Runs calls that hold their objects when their sessions have threads for them.
  void post(std::unique_ptr<Ticket> call);
  // Runs calls that have waited for a slot.
  void hand_out_slots();
  void post_all(std::vector<std::unique_ptr<Ticket>> calls);

  const Registry builtins_;
  const HostOptions options_;
  Offers offers_;
  std::array<std::uint8_t, 16> server_id_{};
  Poller poller_;
  HostCounters counters_;
  const std::uint64_t bulk_bytes_;
  const std::uint64_t arena_bytes_;
  const std::shared_ptr<BulkTotal> bulk_total_;
  Slots slots_;
  Order order_;
  std::shared_ptr<Instances> instances_;
  std::shared_ptr<Crew> crew_;
  Tokens tokens_;
  std::atomic<bool> is_draining_{false};

  mutable std::mutex mutex_;
  std::condition_variable sent_;  // while draining: something was sent or fetched
  std::map<std::uint64_t, std::shared_ptr<HostSession>> sessions_;
  std::uint64_t last_session_ = 0;
  std::vector<std::uint64_t> unread_;  // sessions with more to read; the leader's

  std::mutex gathered_mutex_;
  std::vector<std::shared_ptr<HostSession>> gathered_;  // those with replies to be sent
  std::chrono::steady_clock::time_point gathered_since_;
  std::atomic<bool> has_gathered_{false};

  std::mutex let_go_mutex_;
  std::vector<std::uint64_t> let_go_;  // sessions that have dropped something
};

}  // namespace cppipc
