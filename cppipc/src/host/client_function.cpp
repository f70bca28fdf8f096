// SPDX-License-Identifier: Apache-2.0
#include "host/client_function.h"

#include <cppipc/broker.capnp.h>
#include <cppipc/detail/load.h>
#include <cppipc/iterator.h>
#include <cppipc/registry.h>

#include <kj/exception.h>

#include <string>
#include <utility>

#include "host/call_task.h"
#include "host/host_session.h"
#include "rpc/waited_reply.h"
#include "wire/attach.h"
#include "wire/marshal.h"

namespace cppipc {
namespace {

// Objects that are given for the first time get their registered type, by the registry of the
// function that runs here.
ValueWriter written(Arguments& arguments, HostSession& session) {
  detail::Place place;
  const CallTask* task = CallTask::current();
  const Addition* addition =
      task != nullptr && &task->session()->core() == &session.core() ? task->addition() : nullptr;
  place.registry = &session.core().offers().registry_of(addition);
  place.name = "argument";
  for (Variant& value : arguments.values) {
    value = detail::store_variant(std::move(value), place);
  }
  return write(arguments, session.limits());
}

// Counts a call of a client's function while it is made. Errors: kQuotaExceeded.
class InFlight {
 public:
  explicit InFlight(HostSession& session) : session_(session) { session_.callback_begins(); }
  ~InFlight() { session_.callback_ends(); }
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;

 private:
  HostSession& session_;
};

Variant value_of(HostSession& session, Returned& returned) {
  if (returned.error) throw *returned.error;
  try {
    IncomingMessageCaps caps(session.peer().shared_from_this(), returned.caps, session);
    const auto outcome =
        caps.imbue(returned.content()).getAs<wire::Object::CallResults>().getOutcome();
    if (outcome.isFault()) throw unmarshal(outcome.getFault(), caps);
    return unmarshal(outcome.getValue(), caps);
  } catch (const kj::Exception& broken) {
    throw Error(ErrorKind::kProtocol, std::string("the client sent a malformed result: ") +
                                          broken.getDescription().cStr());
  }
}

Error client_is_gone() {
  return Error(ErrorKind::kConnectionLost, "the session is over whose client has the function");
}

class RegisteredFunction final : public Callable {
 public:
  RegisteredFunction(const Registry& registry, const FunctionInfo& function)
      : registry_(registry), function_(function) {}

  Variant call(Arguments arguments) override {
    Context detached;
    Context* context = CallTask::current_context();
    Invocation invocation{nullptr, std::move(arguments), context != nullptr ? *context : detached,
                          registry_};
    return function_.invoke(invocation);
  }
  std::string_view registered_name() const override { return function_.description.name; }

 private:
  const Registry& registry_;
  const FunctionInfo& function_;
};

}  // namespace

ClientHold::~ClientHold() {
  import_.reset();
  const auto session = session_.lock();
  if (!session || session->is_ended()) return;
  session->peer().carry_out_let_go();
  session->want_write();
}

Variant ClientFunction::call(Arguments arguments) {
  const auto session = hold_.session();
  if (!session || session->is_ended()) throw client_is_gone();
  auto& peer = session->peer();
  ValueWriter values = written(arguments, *session);
  auto builder = peer.begin_call(hold_.import(), capnp::typeId<wire::Object>(), 0,
                                 values.words().size() + kCallWords);
  auto params = builder.params<wire::Object::CallParams>();
  params.setMethod("__call__");
  CallTask* task = CallTask::current();
  auto info = params.initCall();
  info.setId(session->next_callback_id());
  if (task != nullptr && task->session() == session) {
    info.setCause(task->id());
    info.setChain(task->chain());
  }
  OutgoingMessageCaps caps(builder.message(), *session);
  attach(values, kj::mv(params), kArgumentsPointer, caps);
  arguments = Arguments();
  const auto reply = std::make_shared<WaitedReply>();
  {
    const InFlight in_flight(*session);
    const CallTask::Pause pause(task);
    peer.send(std::move(builder), reply, Connection::Flush::kNow);
    session->wait(reply->waiter);
  }
  return value_of(*session, reply->returned);
}

const TypeInfo& function_type() {
  static const TypeInfo kType = [] {
    FunctionInfo call;
    call.description.name = "__call__";
    call.invoke = [](Invocation& invocation) {
      auto* function = static_cast<Callable*>(invocation.self.get());
      return function->call(std::move(invocation.arguments));
    };
    TypeInfo type;
    type.name = Callable::kTypeName;
    type.cpp_type = typeid(Callable);
    type.is_thread_safe = true;
    type.methods.emplace("__call__", std::move(call));
    return type;
  }();
  return kType;
}

const TypeInfo& iterator_type() {
  static const TypeInfo kType = [] {
    FunctionInfo next;
    next.description.name = "next";
    next.invoke = [](Invocation& invocation) -> Variant {
      const auto& values = invocation.arguments.values;
      const auto* count = values.size() == 1 ? values.front().get_if<std::int64_t>() : nullptr;
      if (count == nullptr || *count < 1 || *count > IteratorSource::kBatchMax) {
        throw Error(ErrorKind::kInvalidArgument,
                    "next() of an iterator takes a number of items from 1 to " +
                        std::to_string(IteratorSource::kBatchMax));
      }
      auto* source = static_cast<IteratorSource*>(invocation.self.get());
      auto [items, is_done] = source->next_batch(static_cast<std::size_t>(*count));
      return Tuple{{std::move(items), is_done}};
    };
    TypeInfo type;
    type.name = IteratorSource::kTypeName;
    type.cpp_type = typeid(IteratorSource);
    type.methods.emplace("next", std::move(next));
    return type;
  }();
  return kType;
}

CallablePtr registered_function(const Registry& registry, const FunctionInfo& function) {
  return std::make_shared<RegisteredFunction>(registry, function);
}

}  // namespace cppipc
