// SPDX-License-Identifier: Apache-2.0
#include "host/host_impl.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <thread>

#include "host/builtins.h"
#include "host/call_task.h"
#include "host/host_session.h"
#include "rpc/tls_library.h"

namespace cppipc {
namespace {

// Replies are gathered up to so many bytes, and until the first of them is so old.
constexpr std::uint64_t kGatheredBytes = 16 << 10;
constexpr std::chrono::microseconds kGatheredFor{50};

std::uint64_t or_default(std::uint64_t limit, std::uint64_t (*of_machine)()) {
  return limit != 0 ? limit : of_machine();
}

class DisposeTask final : public Task {
 public:
  DisposeTask(std::shared_ptr<HostCore> core, std::shared_ptr<Instance> instance, bool is_counted)
      : core_(std::move(core)), instance_(std::move(instance)), is_counted_(is_counted) {}
  ~DisposeTask() override {
    instance_.reset();
    if (is_counted_) --core_->counters().live_objects;
  }
  void run() override {}

 private:
  const std::shared_ptr<HostCore> core_;
  std::shared_ptr<Instance> instance_;
  const bool is_counted_;
};

}  // namespace

HostCore::HostCore(const Registry& registry, HostOptions options)
    : builtins_(make_builtins()),
      options_(std::move(options)),
      offers_(registry, options_.version),
      bulk_bytes_(or_default(options_.limits.bulk_bytes, default_bulk_bytes)),
      arena_bytes_(or_default(options_.limits.arena_bytes, default_arena_bytes)),
      bulk_total_(std::make_shared<BulkTotal>(
          or_default(options_.limits.bulk_total_bytes, default_bulk_total_bytes))),
      slots_(options_.limits.worker_threads),
      instances_(std::make_shared<Instances>()),
      tokens_(options_.limits.object_tokens, options_.limits.object_token_lifetime,
              [this](std::shared_ptr<Instance> object) { dispose(std::move(object), false); }) {
  if (::getrandom(server_id_.data(), server_id_.size(), 0) !=
      static_cast<ssize_t>(server_id_.size())) {
    throw std::system_error(errno, std::generic_category(), "getrandom");
  }
}

void HostCore::start() {
  // Tasks that wait share the core, and end with the crew; the crew itself only borrows it.
  crew_ =
      std::make_shared<Crew>([this](bool may_wait) { poll(may_wait); }, [this] { poller_.wake(); },
                             options_.limits.worker_threads, [this] { send_gathered(); });
  crew_->start();
}

void HostCore::log(HostOptions::LogLevel level, const std::string& text) const {
  if (options_.log) options_.log(level, text);
}

std::vector<std::string> HostCore::add(LoadedExtension extension) {
  const auto [addition, is_new] = offers_.add(std::move(extension));
  if (is_new) tell_offer(addition.about);
  return addition.names();
}

void HostCore::tell_offer(const ExtensionDescription& added) {
  log(HostOptions::LogLevel::kInfo,
      "extension '" + added.name + "' of " + added.file + " is offered");
  std::vector<std::shared_ptr<HostSession>> sessions;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, session] : sessions_) sessions.push_back(session);
  }
  const CallTask* call = CallTask::current();
  for (const auto& session : sessions) {
    session->tell_offer(call != nullptr && call->session() == session);
  }
}

std::uint64_t HostCore::adopt(int socket_fd, const std::string& peer, const Admission& admission) {
  Descriptor socket(socket_fd);
  std::unique_ptr<Channel> channel;
  if (admission.tls) channel = static_cast<TlsAcceptor&>(*admission.tls).accept(socket.get());
  std::shared_ptr<HostSession> session;
  {
    std::lock_guard lock(mutex_);
    if (is_draining_) throw Error(ErrorKind::kConnectionLost, "the server is shutting down");
    const auto id = ++last_session_;
    session = std::make_shared<HostSession>(shared_from_this(), id, std::move(socket), peer,
                                            admission.needs_token, std::move(channel));
    session->offer_broker();
    sessions_.emplace(id, session);
    std::lock_guard let_go_lock(let_go_mutex_);
    let_go_.reserve(sessions_.size());  // each is in it once at most
  }
  if (options_.session_began) options_.session_began(session->id(), peer);
  try {
    poller_.add(session->peer().connection().fd(), session->id());
  } catch (const std::system_error& refused) {  // a descriptor that is no socket
    Error error(ErrorKind::kInputOutput, std::string("cannot serve it: ") + refused.what());
    error.error_number = refused.code().value();
    end_session(session->id(), error.what());
    throw error;
  }
  return session->id();
}

bool HostCore::end_pending(std::uint64_t id, const std::string& reason) {
  const auto session = find(id);
  if (!session || !session->give_up()) return false;
  end_session(id, reason);
  return true;
}

std::shared_ptr<HostSession> HostCore::find(std::uint64_t id) const {
  std::lock_guard lock(mutex_);
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second;
}

void HostCore::read(const std::shared_ptr<HostSession>& session) {
  try {
    if (session->read()) unread_.push_back(session->id());
    if (session->is_ended()) {
      const bool is_cut = session->peer().connection().is_within_message();
      end_session(session->id(), is_cut ? "the peer left in the middle of a message" : "");
    }
    session->want_write();
    if (session->may_read_again()) unread_.push_back(session->id());
  } catch (const Error& error) {
    const char* state = session->is_open() ? "" : "; it has opened no session";
    end_session(session->id(), error.what() + std::string(state));
  } catch (const std::exception& error) {
    end_session(session->id(), std::string("an error of the host: ") + error.what());
  }
}

void HostCore::let_go(std::uint64_t session) noexcept {
  {
    std::lock_guard lock(let_go_mutex_);
    if (let_go_.size() == let_go_.capacity()) return;  // it ended, and has nobody to tell
    let_go_.push_back(session);
  }
  // Whoever leads next looks at them before it waits.
  if (crew_->has_leader()) poller_.wake();
}

void HostCore::send_let_go() {
  std::vector<std::uint64_t> ids;
  {
    std::lock_guard lock(let_go_mutex_);
    if (let_go_.empty()) return;
    ids.assign(let_go_.begin(), let_go_.end());
    let_go_.clear();  // keeps its capacity
  }
  for (const auto id : ids) {
    if (const auto session = find(id)) session->send_let_go();
  }
}

bool HostCore::handle(const PollEvent& event) {
  const auto session = find(event.tag);
  if (!session) return true;
  if (event.is_ended) session->peer().connection().expect_end();
  const bool may_flush = event.is_writable || event.is_ended;
  const bool was_paused = may_flush && session->write_more();
  if (!event.is_readable && !was_paused) return false;
  read(session);
  return true;
}

void HostCore::gathered(const std::shared_ptr<HostSession>& session) {
  bool is_due = session->peer().connection().queued_bytes() >= kGatheredBytes;
  {
    const auto now = std::chrono::steady_clock::now();
    std::lock_guard lock(gathered_mutex_);
    if (std::find(gathered_.begin(), gathered_.end(), session) == gathered_.end()) {
      if (gathered_.empty()) gathered_since_ = now;
      gathered_.push_back(session);
    }
    is_due = is_due || now - gathered_since_ >= kGatheredFor;
    has_gathered_ = true;
  }
  if (is_due) send_gathered();
}

void HostCore::send_gathered() {
  if (!has_gathered_) return;
  std::vector<std::shared_ptr<HostSession>> sessions;
  {
    std::lock_guard lock(gathered_mutex_);
    sessions.swap(gathered_);
    has_gathered_ = false;
  }
  for (const auto& session : sessions) session->want_write();
}

void HostCore::poll(bool may_wait) {
  send_gathered();
  send_let_go();
  std::vector<std::uint64_t> unread;
  unread.swap(unread_);
  std::array<PollEvent, 64> events;
  const std::size_t count = poller_.wait(events, may_wait && unread.empty() ? -1 : 0);
  for (std::size_t i = 0; i < count; ++i) {
    if (handle(events[i])) std::erase(unread, events[i].tag);
  }
  for (const auto id : unread) {
    if (const auto session = find(id)) read(session);
  }
  if (is_draining_) {
    std::lock_guard lock(mutex_);
    sent_.notify_all();
  }
}

void HostCore::end_session(std::uint64_t id, const std::string& reason) {
  std::shared_ptr<HostSession> session;
  {
    std::lock_guard lock(mutex_);
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    session = std::move(found->second);
    sessions_.erase(found);
  }
  poller_.remove(session->peer().connection().fd());
  counters_.bytes_inline += session->peer().connection().received_bytes();
  counters_.bytes_sent += session->peer().connection().sent_bytes();
  session->disconnect(
      Error(ErrorKind::kConnectionLost, reason.empty() ? "the peer closed the session" : reason));
  poller_.wake();  // a leader may wait for what the session's client was to send
  std::vector<std::unique_ptr<Ticket>> freed;
  // Calls that waited for an object are never begun.
  const auto dropped = order_.drop(id, freed);
  post_all(std::move(freed));
  // Nor are those that waited for a thread, which hold their objects already.
  for (const auto& call : session->kept_calls()) post_all(order_.leave(*call));
  tokens_.session_ended(id);
  if (options_.session_ended) options_.session_ended(id, reason);
}

void HostCore::post(std::unique_ptr<Ticket> call) {
  std::unique_ptr<CallTask> task(static_cast<CallTask*>(call.release()));
  const auto session = task->session();  // a call that is kept may be gone at once
  if (auto ready = session->take_thread(std::move(task))) {
    crew_->post(std::move(ready));
  } else {
    hand_out_slots();
  }
}

void HostCore::hand_out_slots() {
  while (const auto session = slots_.next()) {
    if (auto ready = session->next_kept()) crew_->post(std::move(ready));
  }
}

void HostCore::post_all(std::vector<std::unique_ptr<Ticket>> calls) {
  for (auto& call : calls) post(std::move(call));
}

void HostCore::submit(std::unique_ptr<Ticket> task, std::vector<std::shared_ptr<Instance>> objects,
                      std::uint64_t session, std::uint64_t chain) {
  auto ready = order_.enter(std::move(task), std::move(objects), session, chain);
  if (ready) post(std::move(ready));
}

void HostCore::finished(CallTask& call) {
  if (auto next = call.session()->leave_thread()) crew_->post(std::move(next));
  hand_out_slots();
  post_all(order_.leave(call));
}

void HostCore::pause(CallTask& call) {
  crew_->pause();
  if (auto next = call.session()->leave_thread()) crew_->post(std::move(next));
  hand_out_slots();
}

void HostCore::resume(CallTask& call) {
  call.session()->take_thread_back();
  crew_->resume();
}

void HostCore::dispose(std::shared_ptr<Instance> instance, bool is_counted) {
  crew_->post(std::make_unique<DisposeTask>(shared_from_this(), std::move(instance), is_counted));
}

bool HostCore::stop(std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  {
    // No session may be adopted between here and the end of all of them.
    std::lock_guard lock(mutex_);
    is_draining_ = true;
  }
  const bool is_idle = crew_->wait_until_idle(patience);
  if (is_idle) wait_until_sent(until);
  end_all_sessions();
  return is_idle;
}

void HostCore::wait_until_sent(std::chrono::steady_clock::time_point until) {
  SendQueue::Dropped dropped;  // destroyed without the lock
  std::unique_lock lock(mutex_);
  sent_.wait_until(lock, until, [&] {
    return std::none_of(sessions_.begin(), sessions_.end(),
                        [&](const auto& entry) { return entry.second->has_unsent(dropped); });
  });
}

void HostCore::end_all_sessions() {
  std::vector<std::uint64_t> ids;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, session] : sessions_) ids.push_back(id);
  }
  for (const auto id : ids) end_session(id, "the server is shutting down");
}

void HostCore::shut_down() {
  {
    std::lock_guard lock(mutex_);
    is_draining_ = true;
  }
  end_all_sessions();
  tokens_.stop();
  // What is queued is answered at once, as its session is over; but a call that runs may wait for
  // it to give an object back.
  while (!crew_->wait_until_idle(std::chrono::hours(1))) {
  }
  crew_->stop();
  send_gathered();
  // A call that was being read while its session ended may wait for one that was dropped.
  order_.drop_all();
}

}  // namespace cppipc
