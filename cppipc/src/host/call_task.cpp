// SPDX-License-Identifier: Apache-2.0
#include "host/call_task.h"

#include <cppipc/broker.capnp.h>
#include <cppipc/iterator.h>

#include <kj/exception.h>

#include <new>
#include <utility>

#include "host/client_function.h"
#include "memory/birth.h"
#include "wire/attach.h"

namespace cppipc {
namespace {

// The results of create, run and Object.call have one shape.
using OutcomeResults = wire::Session::RunResults;
constexpr std::uint64_t kOutcomeWords = 24;
constexpr unsigned kValuePointer = 0;  // of an Outcome
// Messages up to that size may wait without being charged: the calls in flight are limited.
constexpr std::uint64_t kUncountedBytes = 4 << 10;

// The params of the three have their arguments in one place each.
wire::Arguments::Reader arguments_in(const IncomingCall& call, capnp::AnyPointer::Reader params) {
  if (call.interface_id() == capnp::typeId<wire::Object>()) {
    return params.getAs<wire::Object::CallParams>().getArguments();
  }
  return params.getAs<wire::Session::RunParams>().getArguments();
}

// Says to whoever wants to know that a method runs on this thread.
class Notice {
 public:
  Notice(const HostOptions& options, std::uint64_t session, std::string_view where,
         const Addition* addition)
      : options_(options) {
    if (!options_.call_began) return;
    options_.call_began(session, where, addition == nullptr ? "" : addition->about.file);
  }
  ~Notice() {
    if (options_.call_ended) options_.call_ended();
  }
  Notice(const Notice&) = delete;
  Notice& operator=(const Notice&) = delete;

 private:
  const HostOptions& options_;
};

// What runs on this thread.
struct Running {
  CallTask* task = nullptr;
  Context* context = nullptr;
};
thread_local Running running_here;

class RunningHere {
 public:
  RunningHere(CallTask* task, Context* context) : before_(running_here) {
    running_here = {task, context};
  }
  ~RunningHere() { running_here = before_; }
  RunningHere(const RunningHere&) = delete;
  RunningHere& operator=(const RunningHere&) = delete;

 private:
  const Running before_;
};

Error as_error(const kj::Exception& broken) {
  return Error(ErrorKind::kProtocol,
               std::string("a malformed message: ") + broken.getDescription().cStr());
}

}  // namespace

void reply_fault(IncomingCall call, const Error& error) {
  auto reply = call.begin_reply(kOutcomeWords + error.where.size() / 8 + error.text().size() / 8);
  marshal(error, reply.results<OutcomeResults>().initOutcome().initFault());
  call.reply(std::move(reply));
}

IncomingCall::ReplyBuilder value_reply(HostSession& session, const IncomingCall& call,
                                       const Variant& value) {
  const ValueWriter written = write(value, session.limits());
  auto reply = call.begin_reply(written.words().size() + kOutcomeWords);
  OutgoingMessageCaps caps(reply.message(), session);
  static_assert(wire::Outcome::VALUE == 0, "an outcome is a value unless it is made a fault");
  attach(written, reply.results<OutcomeResults>().initOutcome(), kValuePointer, caps);
  return reply;
}

CallTask* CallTask::current() { return running_here.task; }
Context* CallTask::current_context() { return running_here.context; }

CallTask::Pause::Pause(CallTask* task) : task_(task) {
  if (task_ == nullptr) return;
  task_->session_->core().order().lend(*task_);
  task_->session_->core().pause(*task_);
}

CallTask::Pause::~Pause() {
  if (task_ == nullptr) return;
  task_->session_->core().order().take_back(*task_);
  task_->session_->core().resume(*task_);
}

CallTask::CallTask(std::shared_ptr<HostSession> session, IncomingCall call, CallParams params,
                   Found<FunctionInfo> function, std::shared_ptr<Instance> self, std::string where)
    : session_(std::move(session)),
      call_(std::move(call)),
      params_(params),
      function_(*function.thing),
      addition_(function.addition),
      self_(std::move(self)),
      where_(std::move(where)) {
  if (params_.timeout_us != 0) {
    constexpr std::uint64_t kLongest = 1'000'000'000'000'000;  // thirty years
    deadline_ =
        Context::Clock::now() + std::chrono::microseconds(std::min(params_.timeout_us, kLongest));
  }
}

CallTask::~CallTask() { end(); }

std::size_t CallTask::end() {
  return std::exchange(has_begun_, false) ? session_->end_call(params_.id) : 0;
}

std::vector<std::shared_ptr<Instance>> CallTask::objects() {
  std::vector<std::shared_ptr<Instance>> objects;
  if (self_) objects.push_back(self_);
  for (const auto& cap : call_.caps()) {
    const auto* exported = std::get_if<std::shared_ptr<Exported>>(&cap);
    if (exported == nullptr) continue;
    if (const auto* servant = dynamic_cast<const ObjectServant*>(exported->get())) {
      objects.push_back(servant->instance());
    }
  }
  return objects;
}

void CallTask::submit(std::unique_ptr<CallTask> task) {
  auto& session = *task->session_;
  try {
    task->stop_ = session.begin_call(task->params_.id);
    task->has_begun_ = true;
    if (task->call_.size_bytes() > kUncountedBytes) {
      task->waiting_.add(session.waiting_account(), task->call_.size_bytes());
    }
  } catch (const Error& error) {
    return reply_fault(std::move(task->call_), error);
  }
  task->call_.on_cancel([stop = task->stop_]() mutable { stop.request_stop(); });
  auto objects = task->objects();
  if (task->self_ && &task->self_->type() == &iterator_type()) {
    const auto* iterator = static_cast<const IteratorSource*>(task->self_->object().get());
    for (const auto& held : iterator->held()) {
      objects.push_back(std::static_pointer_cast<Instance>(held));
    }
  }
  const auto id = session.id();
  const auto chain = task->chain();
  session.core().submit(std::move(task), std::move(objects), id, chain);
}

Arguments CallTask::unmarshal_arguments(Charge& charge) {
  IncomingMessageCaps caps(call_.peer(), call_.caps(), *session_);
  Arguments arguments = unmarshal(arguments_in(call_, caps.imbue(call_.params())), caps);
  charge = caps.take_charge();
  return arguments;
}

Variant CallTask::invoke() {
  Context context(stop_.get_token(), deadline_);
  context.call_id = params_.id;
  context.chain = chain();
  context.session_objects = session_->own_objects();
  context.on_log = [this](LogLevel level, std::string_view text) {
    session_->core().log(level, where_ + ": " + std::string(text));
    session_->watches().tell(where_, std::nullopt, text, params_.id);
  };
  context.on_progress = [this](double fraction, std::string_view text) {
    has_told_ = true;
    session_->watches().tell(where_, fraction, text, params_.id);
  };
  context.throw_if_cancelled();
  Charge charge;  // outlives the arguments
  Invocation invocation{self_ ? self_->object() : nullptr, unmarshal_arguments(charge), context,
                        session_->core().offers().registry_of(addition_)};
  const Notice notice(session_->core().options(), session_->id(), where_, addition_);
  const SharedBirths births(session_->limits().pool != nullptr);
  const RunningHere here(this, &context);
  return function_.invoke(invocation);
}

void CallTask::tell_end() {
  if (!has_told_.exchange(false)) return;
  try {
    session_->watches().tell_end(where_, params_.id);
  } catch (const std::exception& error) {
    // Its reply matters more than what is shown of it.
    session_->core().log(HostOptions::LogLevel::kWarning,
                         where_ + ": its watchers do not hear of its end: " + error.what());
  }
}

void CallTask::reply(Variant value) {
  const RunningHere here(this, nullptr);
  auto reply = value_reply(*session_, call_, value);
  // Whoever has the reply finds the memory given back that the call had for itself.
  value = Variant();
  // Those of a burst leave together.
  const bool is_gathered = end() > 0;
  call_.reply(std::move(reply), is_gathered ? Connection::Flush::kLater : Connection::Flush::kNow);
  if (is_gathered) {
    session_->core().gathered(session_);
  } else {
    session_->want_write();
  }
}

void CallTask::reply(Error error) {
  ++session_->core().counters().calls_failed;
  session_->count_failure();
  // What a function of another client raised is nothing to this one.
  const auto* raised = dynamic_cast<const ClientRaised*>(error.raised.get());
  if (raised == nullptr || raised->hold().session() != session_) error.raised = nullptr;
  tell_end();
  if (error.where.empty()) error.where = where_;
  error.in_toolkit = error.in_toolkit || function_.description.is_toolkit;
  end();
  try {
    reply_whole(error);
  } catch (const std::exception&) {  // a text so long that there is no memory or budget for it
    reply_fault(std::move(call_), error);
  }
  session_->want_write();
}

void CallTask::reply_whole(const Error& error) {
  const auto& limits = session_->limits();
  const auto in_message = std::min<std::uint64_t>(error.text().size(), limits.inline_bytes);
  auto reply = call_.begin_reply(kOutcomeWords + (error.where.size() + in_message) / 8);
  OutgoingMessageCaps caps(reply.message(), *session_);
  marshal(error, reply.results<OutcomeResults>().initOutcome().initFault(), caps, limits);
  call_.reply(std::move(reply));
}

void CallTask::run() {
  waiting_ = Charge();
  if (session_->is_ended()) {
    reply_fault(std::move(call_), Error(ErrorKind::kConnectionLost, "the session is over"));
  } else {
    try {
      Variant value = invoke();
      tell_end();
      reply(std::move(value));
    } catch (const kj::Exception& broken) {
      reply(as_error(broken));
    } catch (...) {
      reply(session_->core().offers().registry_of(addition_).current_error());
    }
  }
  auto& core = session_->core();
  ++core.counters().calls;
  session_->count_call();
  core.finished(*this);
}

}  // namespace cppipc
