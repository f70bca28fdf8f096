// SPDX-License-Identifier: Apache-2.0
#include "host/host_session.h"

#include <cppipc/broker.capnp.h>
#include <cppipc/iterator.h>

#include <algorithm>

#include "host/call_task.h"
#include "host/client_function.h"
#include "host/peer_identity.h"
#include "rpc/socket_options.h"

namespace cppipc {
namespace {

// Bytes read from one session before others have their turn.
constexpr std::uint64_t kFairShareBytes = 1 << 20;

// Of what a session holds of its peer's: arrays that lie there. They may be dropped at any time,
// by any thread, while the peer waits for its memory.
class HostImports final : public ImportSource {
 public:
  HostImports(std::weak_ptr<HostCore> core, std::uint64_t session)
      : ImportSource(nullptr), core_(std::move(core)), session_(session) {
    arm();
  }

 private:
  void wake() noexcept override {
    if (const auto core = core_.lock()) core->let_go(session_);
  }

  const std::weak_ptr<HostCore> core_;
  const std::uint64_t session_;
};

// An iterator holds, while it makes items, what the call held that made it: the one that runs here.
void hold_for(IteratorSource& iterator) {
  CallTask* const task = CallTask::current();
  if (task == nullptr) return;
  std::vector<std::shared_ptr<void>> objects;
  for (auto& object : task->objects()) objects.push_back(std::move(object));
  iterator.hold(std::move(objects));
}

// A function or an iterator as an object to be offered; null for all else. A function of another
// session's client is called there through this host.
ObjectPtr as_local(const ObjectPtr& object) {
  if (auto* iterator = dynamic_cast<IteratorSource*>(object.get())) {
    hold_for(*iterator);
    return std::make_shared<LocalObject>(std::shared_ptr<void>(object, iterator), iterator_type());
  }
  auto* function = dynamic_cast<Callable*>(object.get());
  if (function == nullptr) return nullptr;
  return std::make_shared<LocalObject>(std::shared_ptr<void>(object, function), function_type());
}

}  // namespace

ObjectServant::ObjectServant(std::shared_ptr<HostSession> session,
                             std::shared_ptr<Instance> instance)
    : session_(std::move(session)), instance_(std::move(instance)) {
  session_->object_added();
  ++session_->core().counters().live_objects;
}

ObjectServant::~ObjectServant() {
  session_->forget(this);
  session_->object_removed();
  session_->core().dispose(std::move(instance_), true);
}

HostSession::HostSession(std::shared_ptr<HostCore> core, std::uint64_t id, Descriptor socket,
                         std::string peer_name, bool needs_token, std::unique_ptr<Channel> channel)
    : core_(std::move(core)),
      id_(id),
      peer_name_(std::move(peer_name)),
      needs_token_(needs_token),
      peer_identity_(cppipc::peer_identity(socket.get())),
      bulk_(std::make_shared<BulkBudget>(core_->bulk_total(), core_->bulk_bytes())),
      waiting_(std::make_shared<BulkBudget>(core_->bulk_total(), core_->bulk_bytes())),
      share_(std::make_shared<MemoryShare>(
          MemoryLimits{.arenas = core_->options().limits.arenas, .bytes = core_->arena_bytes()})) {
  const auto& limits = core_->options().limits;
  set_limits(limits.message_bytes, limits.inline_bytes);
  if (channel) log_agreement(*channel, core_, id_);
  // The envelope of a message is all there may be of it.
  peer_ = std::make_shared<Peer>(std::move(socket), 0, std::make_shared<HostImports>(core_, id_),
                                 std::move(channel));
  peer_->limit_messages(kOpeningMessages);
  set_keep_alive(peer_->connection().fd(), core_->options().keep_alive);
}

void HostSession::offer_broker() { peer_->offer(make_broker(weak_from_this())); }

HostSession::~HostSession() {
  peer_->disconnect(Error(ErrorKind::kConnectionLost, "the session is over"));
}

void HostSession::set_limits(std::uint64_t message_bytes, std::uint64_t inline_bytes) {
  const auto& limits = core_->options().limits;
  limits_.message_bytes = std::min(message_bytes, limits.message_bytes);
  limits_.inline_bytes = std::min(inline_bytes, limits.inline_bytes);
}

void HostSession::share_memory(std::shared_ptr<Import> remote) {
  share_->open(peer_, std::move(remote));
  limits_.pool = share_->pool();
  limits_.inline_bytes = std::min(limits_.inline_bytes, kSharedInlineBytes);
}

void HostSession::follow(std::shared_ptr<Import> follower) {
  std::lock_guard lock(mutex_);
  follower_ = std::make_shared<Follower>(weak_from_this(), std::move(follower));
}

void HostSession::tell_offer(bool at_once) {
  std::shared_ptr<Follower> follower;
  {
    std::lock_guard lock(mutex_);
    follower = follower_;
  }
  if (follower) follower->tell(at_once);
}

bool HostSession::has_too_many_unread() const {
  return peer_->connection().queued_bytes() > core_->options().limits.queued_reply_bytes;
}

bool HostSession::may_read_again() const { return is_paused_ && !has_too_many_unread(); }

bool HostSession::read() {
  is_paused_ = has_too_many_unread();
  if (is_paused_) return false;  // a peer that reads no replies is not read either
  const auto state = peer_->receive(kFairShareBytes);
  if (state == Connection::State::kEnded) is_ended_ = true;
  return state == Connection::State::kMore;
}

bool HostSession::write_more() {
  SendQueue::Dropped dropped;  // destroyed without the lock
  {
    std::lock_guard lock(mutex_);
    if (peer_->connection().flush(dropped)) {
      is_write_wanted_ = false;
      core_->poller().want_write(peer_->connection().fd(), id_, false);
    }
  }
  return is_paused_;
}

bool HostSession::has_unsent(SendQueue::Dropped& dropped) {
  return !is_ended_ && (!peer_->connection().flush(dropped) || peer_->has_transfers());
}

void HostSession::want_write() {
  if (!peer_->connection().has_queued()) return;
  SendQueue::Dropped dropped;  // destroyed without the lock
  std::lock_guard lock(mutex_);
  if (is_write_wanted_ || is_ended_) return;
  if (peer_->connection().flush(dropped)) return;
  is_write_wanted_ = true;
  core_->poller().want_write(peer_->connection().fd(), id_, true);
}

void HostSession::send_let_go() {
  peer_->let_go().arm();
  peer_->carry_out_let_go();
  want_write();
}

void HostSession::disconnect(const Error& error) {
  is_ended_ = true;
  std::vector<std::stop_source> running;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, stop] : calls_) running.push_back(stop);
  }
  for (auto& stop : running) stop.request_stop();
  for (Variant& own : own_objects_->close()) {
    const auto* object = own.get_if<ObjectPtr>();
    const auto* local =
        object == nullptr ? nullptr : dynamic_cast<const LocalObject*>(object->get());
    if (local == nullptr) continue;
    auto instance = core_->instances().find_or_add(*local);
    own = Variant();
    // The last share goes on a thread of the crew: who ends the session waits for no destructor.
    core_->dispose(std::move(instance), false);
  }
  watches_.end();
  peer_->disconnect(error);
  share_->close();
}

std::stop_source HostSession::begin_call(std::uint64_t id) {
  std::lock_guard lock(mutex_);
  if (calls_.size() >= core_->options().limits.calls_in_flight) {
    throw Error(ErrorKind::kQuotaExceeded,
                "the session has " + std::to_string(calls_.size()) +
                    " calls in flight, which is its limit; wait for some of them");
  }
  const auto [entry, is_new] = calls_.try_emplace(id);
  if (!is_new) {
    throw Error(ErrorKind::kProtocol, "two calls in flight have the id " + std::to_string(id));
  }
  return entry->second;
}

std::size_t HostSession::end_call(std::uint64_t id) {
  std::lock_guard lock(mutex_);
  calls_.erase(id);
  return calls_.size();
}

void HostSession::cancel_call(std::uint64_t id) {
  std::stop_source stop{std::nostopstate};
  {
    std::lock_guard lock(mutex_);
    const auto found = calls_.find(id);
    if (found == calls_.end()) return;
    stop = found->second;
  }
  stop.request_stop();
}

bool HostSession::take_slot_locked() {
  if (threads_ == 0 || is_ended_) {
    core_->slots().take_first();
  } else if (threads_ >= core_->options().limits.session_threads) {
    return false;  // leave_thread() will see to it
  } else if (!core_->slots().take()) {
    wait_for_slot_locked();
    return false;
  }
  ++threads_;
  return true;
}

void HostSession::wait_for_slot_locked() {
  if (!std::exchange(is_waiting_, true)) core_->slots().wait(shared_from_this());
}

std::unique_ptr<CallTask> HostSession::take_kept_locked() {
  auto next = std::move(kept_.front());
  kept_.pop_front();
  if (!kept_.empty()) wait_for_slot_locked();
  return next;
}

std::unique_ptr<CallTask> HostSession::take_thread(std::unique_ptr<CallTask> call) {
  std::lock_guard lock(mutex_);
  if ((kept_.empty() || is_ended_) && take_slot_locked()) return call;
  kept_.push_back(std::move(call));
  return nullptr;
}

std::unique_ptr<CallTask> HostSession::leave_thread() {
  std::lock_guard lock(mutex_);
  --threads_;
  core_->slots().give_back();
  if (kept_.empty()) return nullptr;
  if (threads_ == 0 && take_slot_locked()) return take_kept_locked();
  wait_for_slot_locked();
  return nullptr;
}

void HostSession::take_thread_back() {
  std::lock_guard lock(mutex_);
  ++threads_;
  core_->slots().take_first();
}

void HostSession::callback_begins() {
  const auto max = core_->options().limits.callbacks_in_flight;
  if (++callbacks_ <= max) return;
  --callbacks_;
  throw Error(ErrorKind::kQuotaExceeded,
              "the session has " + std::to_string(max) +
                  " calls of its client's functions in flight, which is its limit "
                  "(--callbacks-in-flight)");
}

std::unique_ptr<CallTask> HostSession::next_kept() {
  std::lock_guard lock(mutex_);
  is_waiting_ = false;
  if (kept_.empty() || !take_slot_locked()) return nullptr;
  return take_kept_locked();
}

std::deque<std::unique_ptr<CallTask>> HostSession::kept_calls() {
  std::lock_guard lock(mutex_);
  return std::exchange(kept_, {});
}

void HostSession::object_added() {
  if (++objects_ <= core_->options().limits.live_objects) return;
  const auto count = objects_--;
  throw Error(ErrorKind::kQuotaExceeded, "the session would hold " + std::to_string(count) +
                                             " objects, one more than its limit; drop some");
}

void HostSession::forget(const ObjectServant* servant) {
  std::lock_guard lock(mutex_);
  const auto found = servants_.find(servant->instance().get());
  // Its place may be taken: the object was offered anew while this servant was on its way out.
  if (found != servants_.end() && found->second == servant) servants_.erase(found);
}

std::shared_ptr<ObjectServant> HostSession::find_servant_locked(const Instance* instance) const {
  const auto found = servants_.find(instance);
  if (found == servants_.end()) return nullptr;
  return std::static_pointer_cast<ObjectServant>(found->second->weak_from_this().lock());
}

const ClientFunction* HostSession::own_function(const Object& object) const {
  const auto* function = dynamic_cast<const ClientFunction*>(&object);
  return function != nullptr && function->hold().session().get() == this ? function : nullptr;
}

Cap HostSession::cap_of(const ObjectPtr& object) {
  if (const auto* function = own_function(*object)) return function->hold().import();
  if (const auto offered = as_local(object)) return cap_of(offered);
  if (const auto* raised = dynamic_cast<const ClientRaised*>(object.get())) {
    return raised->hold().import();
  }
  const auto* local = dynamic_cast<const LocalObject*>(object.get());
  if (local == nullptr) {
    throw Error(ErrorKind::kInvalidArgument, "a reference to an object that is not exposed here");
  }
  auto instance = core_->instances().find_or_add(*local);
  {
    std::lock_guard lock(mutex_);
    if (auto servant = find_servant_locked(instance.get())) return servant;
  }
  // Made outside the lock, which its end wants: if it is over a quota, or not needed after all.
  auto servant = std::make_shared<ObjectServant>(shared_from_this(), instance);
  std::lock_guard lock(mutex_);
  // The peer takes one object for one capability, whichever thread was first to offer it.
  if (auto first = find_servant_locked(instance.get())) return first;
  servants_[instance.get()] = servant.get();
  return servant;
}

std::array<std::uint8_t, 16> HostSession::id_of(const ObjectPtr& object) {
  const auto* local = dynamic_cast<const LocalObject*>(object.get());
  if (local != nullptr) return core_->instances().find_or_add(*local)->id();
  if (own_function(*object) != nullptr) return {};
  return id_of(as_local(object));
}

ObjectPtr HostSession::object_of(const Cap& cap, std::string_view type,
                                 std::span<const std::uint8_t>) {
  if (const auto* import = std::get_if<std::shared_ptr<Import>>(&cap)) {
    if (type == kRaisedTypeName) {
      return std::make_shared<ClientRaised>(weak_from_this(), *import);
    }
    if (type == Callable::kTypeName) {
      return std::make_shared<ClientFunction>(weak_from_this(), *import);
    }
  }
  const auto* exported = std::get_if<std::shared_ptr<Exported>>(&cap);
  const auto* servant =
      exported == nullptr ? nullptr : dynamic_cast<const ObjectServant*>(exported->get());
  if (servant == nullptr) {
    throw Error(ErrorKind::kProtocol,
                "an argument refers to something that is no object of this "
                "session");
  }
  const auto& instance = servant->instance();
  if (&instance->type() == &function_type()) {
    auto* function = static_cast<Callable*>(instance->object().get());
    return CallablePtr(instance->object(), function);
  }
  return std::make_shared<LocalObject>(instance->object(), instance->type());
}

CallablePtr HostSession::function_of(std::string_view name) {
  const auto found = core_->offers().find_function(name);
  if (found.thing == nullptr) {
    throw Error(ErrorKind::kUnknownName, "the server has no toolkit '" + std::string(name) + "'");
  }
  return registered_function(core_->offers().registry_of(found.addition), *found.thing);
}

void HostSession::wait(Waiter& waiter) {
  want_write();
  core_->crew().wait(waiter);
}

std::shared_ptr<MemoryAccount> HostSession::account() { return bulk_; }

void HostSession::count_bulk(std::uint64_t bytes) { core_->counters().bytes_copied += bytes; }

}  // namespace cppipc
