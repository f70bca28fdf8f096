// SPDX-License-Identifier: Apache-2.0
#include "client/callback.h"

#include <cppipc/broker.capnp.h>

#include <kj/exception.h>

#include <algorithm>
#include <optional>
#include <string>

#include "client/client_call.h"
#include "client/client_impl.h"
#include "wire/attach.h"
#include "wire/marshal.h"

namespace cppipc {
namespace {

constexpr std::uint64_t kOutcomeWords = 24;
constexpr unsigned kValuePointer = 0;  // of an Outcome

// What this thread runs.
struct RunningHere {
  const ClientImpl* client = nullptr;
  std::uint64_t chain = 0;
};
thread_local RunningHere running_here;

// Whether this is a thread for callbacks, and how many are inside each other because it waits.
struct ThreadHere {
  static constexpr int kDepthMax = 20;
  bool is_for_callbacks = false;
  int depth = 0;

  bool may_run_left() const { return is_for_callbacks && depth < kDepthMax; }
};
thread_local ThreadHere thread_here;

class Running {
 public:
  Running(const ClientImpl& client, std::uint64_t chain) : before_(running_here) {
    running_here = {&client, chain};
  }
  ~Running() { running_here = before_; }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  const RunningHere before_;
};

}  // namespace

const void* identity_of(const Object& object) {
  const auto* function = dynamic_cast<const Callable*>(&object);
  return function != nullptr ? function->identity() : &object;
}

LocalServant::LocalServant(std::weak_ptr<ClientImpl> client, ObjectPtr object)
    : client_(std::move(client)), object_(std::move(object)) {}

LocalServant::~LocalServant() {
  if (const auto client = client_.lock()) client->forget(*this);
}

void LocalServant::call(IncomingCall call) {
  const auto client = client_.lock();
  auto function = std::dynamic_pointer_cast<Callable>(object_);
  if (!client || !function) return call.fail("nothing of this side can be called here");
  if (call.interface_id() != capnp::typeId<wire::Object>() || call.method_id() != 0) {
    return call.fail("a function has the method call() only", true);
  }
  client->post(std::make_unique<Callback>(client, std::move(function), std::move(call)));
}

Callback::Callback(std::shared_ptr<ClientImpl> client, CallablePtr function, IncomingCall call)
    : client_(std::move(client)),
      function_(std::move(function)),
      call_(std::make_unique<IncomingCall>(std::move(call))) {
  const auto info = call_->params().getAs<wire::Object::CallParams>().getCall();
  cause_ = info.getCause();
  chain_ = info.getChain();
}

Callback::~Callback() {
  // An answer would go over the parent's connection.
  if (client_->is_of_parent()) (void)call_.release();
}

std::uint64_t Callback::chain_here(const ClientImpl& client) {
  return running_here.client == &client ? running_here.chain : 0;
}

void Callback::run(const std::function<void()>& before_reply) {
  client_->throw_if_child();
  std::optional<Error> failure;
  try {
    const Running running(*client_, chain_);
    answer(before_reply);
  } catch (const kj::Exception& broken) {
    failure.emplace(ErrorKind::kProtocol, std::string("the server sent a malformed call: ") +
                                              broken.getDescription().cStr());
  } catch (...) {
    failure = current_error();
  }
  client_->throw_if_child();
  if (failure) {
    if (before_reply) before_reply();
    refuse(*failure);
  }
  client_->sent_answer();
}

ValueWriter Callback::result() {
  const auto& limits = client_->limits();
  IncomingMessageCaps caps(call_->peer(), call_->caps(), *client_);
  const auto params = caps.imbue(call_->params()).getAs<wire::Object::CallParams>();
  const auto method = params.getMethod();
  if (method != "__call__") {
    throw Error(ErrorKind::kUnknownName,
                "a function has no method '" + std::string(method.cStr()) + "'");
  }
  Arguments arguments = unmarshal(params.getArguments(), caps);
  auto* writing = dynamic_cast<WritingFunction*>(function_.get());
  if (writing == nullptr) return write(function_->call(std::move(arguments)), limits);
  ValueWriter written;
  writing->answer(std::move(arguments), written, limits);
  return written;
}

void Callback::answer(const std::function<void()>& before_reply) {
  const ValueWriter result = this->result();
  if (client_->is_of_parent()) return;
  if (before_reply) before_reply();
  auto reply = call_->begin_reply(result.words().size() + kOutcomeWords);
  OutgoingMessageCaps caps(reply.message(), *client_);
  attach(result, reply.results<wire::Object::CallResults>().initOutcome(), kValuePointer, caps);
  call_->reply(std::move(reply));
}

void Callback::refuse(const Error& error) {
  const auto& limits = client_->limits();
  const auto in_message = std::min<std::uint64_t>(error.text().size(), limits.inline_bytes);
  auto reply = call_->begin_reply(kOutcomeWords + (error.where.size() + in_message) / 8);
  OutgoingMessageCaps caps(reply.message(), *client_);
  marshal(error, reply.results<wire::Object::CallResults>().initOutcome().initFault(), caps,
          limits);
  call_->reply(std::move(reply));
}

void CallbackThread::serve(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  for (;;) {
    state->changed.wait(lock, [&] { return state->is_stopping || !state->tasks.empty(); });
    if (state->is_stopping) return;
    Task task = std::move(state->tasks.front());
    state->tasks.pop_front();
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
  }
}

void CallbackThread::post(Task task) {
  {
    std::lock_guard lock(state_->mutex);
    if (state_->is_stopping) return;
    state_->tasks.push_back(std::move(task));
    state_->changed.notify_one();
  }
  std::lock_guard lock(mutex_);
  if (!thread_.joinable()) thread_ = std::thread([state = state_] { serve(state); });
}

void CallbackThread::stop() {
  std::deque<Task> dropped;
  {
    std::lock_guard lock(state_->mutex);
    state_->is_stopping = true;
    dropped.swap(state_->tasks);
    state_->changed.notify_all();
  }
  std::thread thread;
  {
    std::lock_guard lock(mutex_);
    thread.swap(thread_);
  }
  if (!thread.joinable()) return;
  if (thread.get_id() == std::this_thread::get_id()) {
    thread.detach();
  } else {
    thread.join();
  }
}

void LeftCallbacks::push(std::unique_ptr<Callback> callback) {
  const std::lock_guard lock(mutex_);
  if (is_closed_) return;
  callbacks_.push_back(std::move(callback));
  if (!waiters_.empty()) waiters_.back()->call();
}

std::unique_ptr<Callback> LeftCallbacks::pop() {
  const std::lock_guard lock(mutex_);
  if (callbacks_.empty()) return nullptr;
  auto first = std::move(callbacks_.front());
  callbacks_.pop_front();
  return first;
}

std::deque<std::unique_ptr<Callback>> LeftCallbacks::take(std::uint64_t cause) {
  std::deque<std::unique_ptr<Callback>> taken;
  const std::lock_guard lock(mutex_);
  for (auto& callback : callbacks_) {
    if (callback->cause() == cause) taken.push_back(std::move(callback));
  }
  if (!taken.empty()) std::erase(callbacks_, nullptr);
  return taken;
}

void LeftCallbacks::close() {
  std::deque<std::unique_ptr<Callback>> dropped;
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  dropped.swap(callbacks_);
}

LeftCallbacks::Attention::Attention(LeftCallbacks& left, Waiter& waiter)
    : left_(left), waiter_(thread_here.may_run_left() ? &waiter : nullptr) {
  if (waiter_ == nullptr) return;
  const std::lock_guard lock(left_.mutex_);
  left_.waiters_.push_back(waiter_);
  if (!left_.callbacks_.empty()) waiter_->call();
}

LeftCallbacks::Attention::~Attention() {
  if (waiter_ == nullptr) return;
  const std::lock_guard lock(left_.mutex_);
  std::erase(left_.waiters_, waiter_);
  if (!left_.callbacks_.empty() && !left_.waiters_.empty()) left_.waiters_.back()->call();
}

void LeftCallbacks::run_first() {
  thread_here.is_for_callbacks = true;
  if (const auto first = pop()) first->run();
}

void LeftCallbacks::run_all() {
  if (!thread_here.may_run_left()) return;
  ++thread_here.depth;
  try {
    while (const auto first = pop()) first->run();
  } catch (...) {
    --thread_here.depth;
    throw;
  }
  --thread_here.depth;
}

void WaitedCalls::add(std::uint64_t id, std::weak_ptr<ClientCall> call) {
  std::lock_guard lock(mutex_);
  calls_.emplace_back(id, std::move(call));
}

void WaitedCalls::remove(std::uint64_t id) {
  std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(calls_, id, [](const auto& entry) { return entry.first; });
  if (found == calls_.end()) return;
  std::swap(*found, calls_.back());
  calls_.pop_back();
}

std::shared_ptr<ClientCall> WaitedCalls::find(std::uint64_t id) const {
  std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(calls_, id, [](const auto& entry) { return entry.first; });
  return found == calls_.end() ? nullptr : found->second.lock();
}

}  // namespace cppipc
