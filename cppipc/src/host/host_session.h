// SPDX-License-Identifier: Apache-2.0
#pragma once
// One connected peer of a host.

#include <cppipc/error.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "host/bulk_budget.h"
#include "host/follower.h"
#include "host/host_impl.h"
#include "host/saving.h"
#include "host/watch.h"
#include "rpc/memory_share.h"
#include "rpc/message_caps.h"
#include "rpc/peer.h"
#include "values/once.h"

namespace cppipc {

// One exposed object offered to one session, as long as the session's peer holds it.
// There may be millions, so every byte of it counts.
// Owns: a share of the instance, and one of the session: a circle that the end of the connection
// opens, for the peer then lets go of all that it offered. Threads: any.
class ObjectServant final : public Exported {
 public:
  ObjectServant(std::shared_ptr<HostSession> session, std::shared_ptr<Instance> instance);
  ~ObjectServant() override;
  void call(IncomingCall call) override;
  const std::shared_ptr<Instance>& instance() const { return instance_; }

 private:
  const std::shared_ptr<HostSession> session_;
  std::shared_ptr<Instance> instance_;
};

// Owns: the connection. Threads: read() on the crew's leader; everything else on any thread.
class HostSession final : public ObjectMap, public std::enable_shared_from_this<HostSession> {
 public:
  // `channel`: as of a Connection.
  HostSession(std::shared_ptr<HostCore> core, std::uint64_t id, Descriptor socket,
              std::string peer_name, bool needs_token, std::unique_ptr<Channel> channel);
  ~HostSession() override;
  // Lets the peer begin. Once, before the first read().
  void offer_broker();
  // The peer opens the session, with a token if it has one; on the thread that reads. Until then
  // it may send a few small messages only.
  // Errors: kNotPermitted with a text for users; kConnectionLost after give_up().
  void open(std::string_view token);
  bool is_open() const { return opening_ == Opening::kOpen; }
  // The peer cannot open the session any more. False if it has. Any thread.
  bool give_up();

  std::uint64_t id() const { return id_; }
  const std::string& peer_name() const { return peer_name_; }
  // See peer_identity.h. Settled once the session is open.
  const std::string& peer_identity() const { return peer_identity_; }
  HostCore& core() { return *core_; }
  Peer& peer() { return *peer_; }
  const MarshalLimits& limits() const { return limits_; }
  // The smaller limits of both sides, from the handshake.
  void set_limits(std::uint64_t message_bytes, std::uint64_t inline_bytes);

  // Memory is shared from now on with the peer, whose Memory that is.
  void share_memory(std::shared_ptr<Import> remote);

  // The peer hears of what is offered from now on by that. Before it knows the session.
  void follow(std::shared_ptr<Import> follower);
  // What is offered has changed, which the peer hears soon, or at once.
  void tell_offer(bool at_once);

  // Reads what has arrived, up to a fair share. True if there is more to read.
  // Errors: as Peer::receive().
  bool read();
  // Reading had stopped for replies that the peer did not read, and need not any more.
  bool may_read_again() const;
  // True once the peer has closed the connection.
  bool is_ended() const { return is_ended_; }
  // The socket takes more. True if reading had stopped for that.
  bool write_more();
  // Sends what it can; true if the peer has still to take replies, or parts of them.
  bool has_unsent(SendQueue::Dropped& dropped);
  // After a reply that the socket did not take whole.
  void want_write();
  // Tells the peer what was dropped of its own.
  void send_let_go();
  void disconnect(const Error& error);

  // Calls being run or waiting. Errors: kQuotaExceeded; kProtocol if one has that id already.
  std::stop_source begin_call(std::uint64_t id);
  // Returns how many others there are.
  std::size_t end_call(std::uint64_t id);
  void cancel_call(std::uint64_t id);
  // Whom the messages of calls are charged to that wait; apart from what values take.
  const std::shared_ptr<BulkBudget>& waiting_account() const { return waiting_; }
  // A call that may run now is given back; if the session has as many threads as it may, or there
  // are no more (see Slots), the call is kept until one of the next two gives it out.
  std::unique_ptr<CallTask> take_thread(std::unique_ptr<CallTask> call);
  // A call that was given out has ended; returns the next one, or null.
  std::unique_ptr<CallTask> leave_thread();
  // A call that was given out, and had left its thread's slot to others, goes on.
  void take_thread_back();
  // The session's turn has come to take a slot; returns a call that may run now, or null.
  std::unique_ptr<CallTask> next_kept();
  // All calls that were kept. Once the session has ended none is kept any more.
  std::deque<std::unique_ptr<CallTask>> kept_calls();
  // Calls of the client's functions. Errors: kQuotaExceeded.
  void callback_begins();
  void callback_ends() { --callbacks_; }
  std::uint64_t next_callback_id() { return ++last_callback_; }
  void object_added();
  void object_removed() { --objects_; }

  Watches& watches() { return watches_; }
  GivenFiles& files() { return files_; }
  // Counts a call that has ended, with an error or without.
  void count_call() { calls_done_.fetch_add(1, std::memory_order_relaxed); }
  void count_failure() { calls_failed_.fetch_add(1, std::memory_order_relaxed); }
  SessionStats stats() const;

  // What types registered with per_session() have made for it.
  const std::shared_ptr<detail::SessionObjects>& own_objects() const { return own_objects_; }

  // ObjectMap.
  Cap cap_of(const ObjectPtr& object) override;
  std::array<std::uint8_t, 16> id_of(const ObjectPtr& object) override;
  ObjectPtr object_of(const Cap& cap, std::string_view type,
                      std::span<const std::uint8_t> id) override;
  CallablePtr function_of(std::string_view name) override;
  void wait(Waiter& waiter) override;
  void count_bulk(std::uint64_t bytes) override;
  std::shared_ptr<MemoryAccount> account() override;
  std::shared_ptr<MemoryShare> memory() override { return share_; }
  bool is_giving() const override { return true; }

 private:
  enum class Opening : std::uint8_t { kPending, kOpen, kGivenUp };
  // A peer needs two messages to open its session; that of another library may use some more.
  static constexpr std::uint64_t kOpeningMessages = 16;
  friend class ObjectServant;
  // Takes the name of the token as the peer's identity. Errors: kNotPermitted.
  void check_token(std::string_view token);
  bool has_too_many_unread() const;
  // Takes a thread's slot if the session may have one.
  bool take_slot_locked();
  void wait_for_slot_locked();
  std::unique_ptr<CallTask> take_kept_locked();
  // The living servant of an instance; null if there is none.
  std::shared_ptr<ObjectServant> find_servant_locked(const Instance* instance) const;
  // Null unless it is a function of this session's client.
  const ClientFunction* own_function(const Object& object) const;
  // Called by the destructor of a servant, which is whole until this returns.
  void forget(const ObjectServant* servant);

  const std::shared_ptr<HostCore> core_;
  const std::uint64_t id_;
  const std::string peer_name_;
  const bool needs_token_;
  std::string peer_identity_;
  bool is_certified_ = false;  // its certificate says so
  std::atomic<Opening> opening_{Opening::kPending};
  const std::shared_ptr<BulkBudget> bulk_;
  const std::shared_ptr<BulkBudget> waiting_;
  const std::chrono::system_clock::time_point since_ = std::chrono::system_clock::now();
  std::shared_ptr<Peer> peer_;
  const std::shared_ptr<MemoryShare> share_;
  MarshalLimits limits_;
  Watches watches_;
  GivenFiles files_;
  const std::shared_ptr<detail::SessionObjects> own_objects_ =
      std::make_shared<detail::SessionObjects>();
  std::shared_ptr<Follower> follower_;  // guarded by mutex_; null: the peer does not follow
  std::atomic<bool> is_ended_{false};
  bool is_paused_ = false;  // the leader's: too many replies unread
  std::atomic<std::uint64_t> objects_{0};
  std::atomic<std::uint64_t> calls_done_{0};
  std::atomic<std::uint64_t> calls_failed_{0};
  std::atomic<std::uint64_t> callbacks_{0};  // being made
  std::atomic<std::uint64_t> last_callback_{0};

  std::mutex mutex_;
  bool is_write_wanted_ = false;
  std::unordered_map<std::uint64_t, std::stop_source> calls_;
  unsigned threads_ = 0;  // that run calls, or are about to
  std::deque<std::unique_ptr<CallTask>> kept_;
  bool is_waiting_ = false;  // for a slot
  // Those that live, and those whose destructor is about to take them out.
  std::unordered_map<const Instance*, ObjectServant*> servants_;
};

// What a connection offers first.
std::shared_ptr<Exported> make_broker(std::weak_ptr<HostSession> session);

}  // namespace cppipc
