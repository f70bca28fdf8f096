// SPDX-License-Identifier: Apache-2.0
// What a connection offers: the broker, its session, and the calls on objects.
//
// Everything short is answered here, on the thread that reads; calls of registered code become
// tasks.
#include <cppipc/broker.capnp.h>

#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "host/builtins.h"
#include "host/call_task.h"
#include "host/host_session.h"

namespace cppipc {
namespace {

constexpr std::uint64_t kSmallWords = 32;

CallParams read_info(wire::CallInfo::Reader info) {
  return {info.getId(), info.getChain(), info.getTimeoutUs()};
}

kj::ArrayPtr<const kj::byte> bytes_of(const std::string& bytes) {
  return {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()};
}

Error unknown(const std::string& message) { return Error(ErrorKind::kUnknownName, message); }

// Null if they cannot be counted, for which it takes one.
Variant open_descriptors() {
  std::error_code failure;
  std::filesystem::directory_iterator entry("/proc/self/fd", failure);
  std::int64_t count = -1;  // the directory itself
  for (; !failure && entry != std::filesystem::directory_iterator(); entry.increment(failure)) {
    ++count;
  }
  return failure ? Variant() : Variant(count);
}

Variant as_variant(const HostStats& stats) {
  const auto number = [](std::uint64_t value) { return Variant(static_cast<std::int64_t>(value)); };
  Dict dict;
  dict.entries = {{"live_objects", number(stats.live_objects)},
                  {"sessions", number(stats.sessions)},
                  {"pending", number(stats.pending)},
                  {"sessions_total", number(stats.sessions_total)},
                  {"calls", number(stats.calls)},
                  {"calls_failed", number(stats.calls_failed)},
                  {"calls_running", number(stats.calls_running)},
                  {"calls_waiting", number(stats.calls_waiting)},
                  {"bytes_inline", number(stats.bytes_inline)},
                  {"bytes_sent", number(stats.bytes_sent)},
                  {"bytes_copied", number(stats.bytes_copied)},
                  {"bytes_held", number(stats.bytes_held)},
                  {"threads", number(stats.threads)},
                  {"object_tokens", number(stats.object_tokens)},
                  {"arenas", number(stats.arenas)},
                  {"fds", open_descriptors()}};
  return dict;
}

// Of a session; the peer holds it as long as it likes, so it may outlive the session.
class SessionServant final : public Exported {
 public:
  explicit SessionServant(std::weak_ptr<HostSession> session) : session_(std::move(session)) {}

  void call(IncomingCall call) override {
    const auto session = session_.lock();
    if (!session) return call.fail("the session is over");
    if (call.interface_id() != capnp::typeId<wire::Session>()) {
      return call.fail("a session does not have that interface", true);
    }
    switch (call.method_id()) {
      case 0:
        return describe(*session, std::move(call));
      case 1:
        return create(session, std::move(call));
      case 2:
        return run(session, std::move(call));
      case 3:
        return cancel(*session, std::move(call));
      case 4:
        return ping(std::move(call));
      case 5:
        return stats(*session, std::move(call));
      case 6:
        return save(*session, std::move(call));
      case 7:
        return restore(*session, std::move(call));
      case 8:
        return watch(*session, std::move(call));
      case 9:
        return unwatch(*session, std::move(call));
      case 10:
        return take_file(*session, std::move(call));
      default:
        return call.fail("a session does not have that method", true);
    }
  }

 private:
  static void describe(HostSession& session, IncomingCall call) {
    auto reply = call.begin_reply(4096);
    const auto offer = session.core().offers().now();
    auto results = reply.results<wire::Session::DescribeResults>();
    marshal(offer->description, results.initDescription());
    results.setHash(bytes_of(offer->hash));
    results.setVersion(offer->version);
    call.reply(std::move(reply));
  }

  static void create(const std::shared_ptr<HostSession>& session, IncomingCall call) {
    const auto params = call.params().getAs<wire::Session::CreateParams>();
    const auto info = read_info(params.getCall());
    const std::string name(params.getType().cStr(), params.getType().size());
    const auto [type, addition] = session->core().offers().find_type(name);
    if (type == nullptr || !type->constructor) {
      const char* why = type == nullptr ? "the server has no type '" : "clients cannot create a '";
      return reply_fault(std::move(call), unknown(why + name + "'"));
    }
    start(session, std::move(call), info, {&*type->constructor, addition}, nullptr, name);
  }

  static void run(const std::shared_ptr<HostSession>& session, IncomingCall call) {
    const auto params = call.params().getAs<wire::Session::RunParams>();
    const auto info = read_info(params.getCall());
    const std::string name(params.getFunction().cStr(), params.getFunction().size());
    const bool is_builtin = is_builtin_name(name);
    const auto& core = session->core();
    const Found<FunctionInfo> function =
        is_builtin ? Found<FunctionInfo>{find_builtin(core.builtins(), name), nullptr}
                   : core.offers().find_function(name);
    if (function.thing == nullptr) {
      const char* kind = is_builtin ? "builtin" : "toolkit";
      return reply_fault(std::move(call),
                         unknown("the server has no " + std::string(kind) + " '" + name + "'"));
    }
    start(session, std::move(call), info, function, nullptr,
          is_builtin ? where_of_builtin(name) : function.thing->signature->qualified);
  }

  static void cancel(HostSession& session, IncomingCall call) {
    session.cancel_call(call.params().getAs<wire::Session::CancelParams>().getId());
    auto reply = call.begin_reply(kSmallWords);
    reply.results<wire::Session::CancelResults>();
    call.reply(std::move(reply));
  }

  static void ping(IncomingCall call) {
    auto reply = call.begin_reply(kSmallWords);
    reply.results<wire::Session::PingResults>();
    call.reply(std::move(reply));
  }

  static void stats(HostSession& session, IncomingCall call) {
    auto reply = call.begin_reply(256);
    OutgoingMessageCaps caps(reply.message(), session);
    marshal(as_variant(session.core().stats()),
            reply.results<wire::Session::StatsResults>().initStats(), caps, session.limits());
    call.reply(std::move(reply));
  }

  static void save(HostSession& session, IncomingCall call) {
    const auto params = call.params().getAs<wire::Session::SaveParams>();
    const auto earlier = params.getEarlier();
    const auto& caps = call.caps();
    const auto* exported =
        caps.size() == 1 ? std::get_if<std::shared_ptr<Exported>>(&caps.front()) : nullptr;
    const auto* servant =
        exported == nullptr ? nullptr : dynamic_cast<const ObjectServant*>(exported->get());
    if (servant == nullptr) {
      return reply_fault(std::move(call), Error(ErrorKind::kInvalidArgument,
                                                "only an object of the session has a token"));
    }
    auto& tokens = session.core().tokens();
    try {
      const auto token = params.getIsOnce()
                             ? tokens.give_once(session.id(), servant->instance())
                             : tokens.give(session.id(), session.peer_identity(),
                                           servant->instance(), {earlier.begin(), earlier.end()});
      // Its tokens may have ended before this one was there.
      if (session.is_ended()) tokens.session_ended(session.id());
      const auto* bytes = reinterpret_cast<const char*>(token.data());
      auto reply = value_reply(session, call, Bytes(std::string_view(bytes, token.size())));
      call.reply(std::move(reply));
    } catch (...) {
      reply_fault(std::move(call), current_error());
    }
  }

  static void restore(HostSession& session, IncomingCall call) {
    const auto token = call.params().getAs<wire::Session::RestoreParams>().getToken();
    std::shared_ptr<Instance> object;
    try {
      object = session.core().tokens().find({token.begin(), token.size()}, session.peer_identity());
      if (!object) {
        throw Error(ErrorKind::kStaleReference,
                    "the server does not know this reference (any more): the object is gone, or "
                    "the reference has expired");
      }
      auto reply =
          value_reply(session, call,
                      ObjectPtr(std::make_shared<LocalObject>(object->object(), object->type())));
      call.reply(std::move(reply));
    } catch (...) {
      reply_fault(std::move(call), current_error());
    }
    if (object) session.core().dispose(std::move(object), false);
  }

  static void watch(HostSession& session, IncomingCall call) {
    const auto prefix = call.params().getAs<wire::Session::WatchParams>().getPrefix();
    const auto& caps = call.caps();
    const auto* watcher =
        caps.size() == 1 ? std::get_if<std::shared_ptr<Import>>(&caps.front()) : nullptr;
    if (watcher == nullptr) {
      return reply_fault(std::move(call),
                         Error(ErrorKind::kInvalidArgument, "a watcher is a function"));
    }
    try {
      const auto number = session.watches().add(std::make_shared<Watch>(
          std::string(prefix.cStr(), prefix.size()), session.weak_from_this(), *watcher));
      auto reply = value_reply(session, call, Variant(number));
      call.reply(std::move(reply));
    } catch (...) {
      reply_fault(std::move(call), current_error());
    }
  }

  static void unwatch(HostSession& session, IncomingCall call) {
    session.watches().remove(call.params().getAs<wire::Session::UnwatchParams>().getWatch());
    auto reply = call.begin_reply(kSmallWords);
    reply.results<wire::Session::UnwatchResults>();
    call.reply(std::move(reply));
  }

  static void take_file(HostSession& session, IncomingCall call) {
    const auto inode = call.params().getAs<wire::Session::TakeFileParams>().getInode();
    try {
      Descriptor file = session.peer().connection().take_descriptor(inode);
      const auto number = file ? Variant(session.files().add(std::move(file))) : Variant();
      auto reply = value_reply(session, call, number);
      call.reply(std::move(reply));
    } catch (...) {
      reply_fault(std::move(call), current_error());
    }
  }

 public:
  static void start(const std::shared_ptr<HostSession>& session, IncomingCall call,
                    const CallParams& info, Found<FunctionInfo> function,
                    std::shared_ptr<Instance> self, std::string where) {
    if (session->core().is_draining()) {
      return reply_fault(std::move(call),
                         Error(ErrorKind::kConnectionLost, "the server is shutting down"));
    }
    CallTask::submit(std::make_unique<CallTask>(session, std::move(call), info, function,
                                                std::move(self), std::move(where)));
  }

 private:
  const std::weak_ptr<HostSession> session_;
};

class BrokerServant final : public Exported {
 public:
  explicit BrokerServant(std::weak_ptr<HostSession> session) : session_(std::move(session)) {}

  void call(IncomingCall call) override {
    const auto session = session_.lock();
    if (!session) return call.fail("the session is over");
    if (call.interface_id() != capnp::typeId<wire::Broker>() || call.method_id() != 0) {
      return call.fail("a broker can only be opened", true);
    }
    if (was_asked_.exchange(true)) return call.fail("a connection is opened once");
    IncomingMessageCaps caps(call.peer(), call.caps(), *session);
    const auto params = caps.imbue(call.params()).getAs<wire::Broker::OpenParams>();
    try {
      const auto token = params.getToken().asChars();
      session->open({token.begin(), token.size()});
    } catch (const Error& refusal) {
      auto reply = call.begin_reply(256);
      marshal(refusal, reply.results<wire::Broker::OpenResults>().initFault());
      return call.reply(std::move(reply));
    }
    session->set_limits(params.getMessageBytes(), params.getInlineBytes());
    const auto& core = session->core();
    // Before it is told what is offered now, so that it misses no change.
    if (auto follower = import_of(caps, params.hasFollower(), params.getFollower())) {
      session->follow(std::move(follower));
    }
    const auto offer = core.offers().now();
    auto reply = call.begin_reply(kSmallWords);
    auto results = reply.results<wire::Broker::OpenResults>();
    results.setSession(
        reply.message()
            .add(std::shared_ptr<Exported>(std::make_shared<SessionServant>(session_)))
            .castAs<wire::Session>());
    share_memory(*session, import_of(caps, params.hasMemory(), params.getMemory()),
                 params.getProbe(), reply.message(), results);
    auto welcome = results.initWelcome();
    welcome.setProtocol(wire::PROTOCOL);
    welcome.setServerPid(::getpid());
    welcome.setServerId({core.server_id().data(), core.server_id().size()});
    welcome.setDescriptionHash(bytes_of(offer->hash));
    welcome.setDescriptionVersion(offer->version);
    welcome.setMessageBytes(session->limits().message_bytes);
    welcome.setInlineBytes(session->limits().inline_bytes);
    call.reply(std::move(reply));
  }

 private:
  // Something of the peer's in the params; null if there is none.
  static std::shared_ptr<Import> import_of(const IncomingMessageCaps& caps, bool is_there,
                                           const capnp::Capability::Client& client) {
    if (!is_there) return nullptr;
    const auto* import = std::get_if<std::shared_ptr<Import>>(&caps.find(client));
    return import == nullptr ? nullptr : *import;
  }

  // If the peer can share memory, and the descriptor has come that it sent to try it.
  static void share_memory(HostSession& session, std::shared_ptr<Import> memory,
                           std::uint64_t probe, OutgoingMessage& message,
                           wire::Broker::OpenResults::Builder results) {
    if (!session.core().options().shares_memory || memory == nullptr) return;
    if (!session.peer().connection().take_descriptor(probe)) return;
    session.share_memory(std::move(memory));
    results.setMemory(message.add(session.memory()->servant()).castAs<wire::Memory>());
  }

  const std::weak_ptr<HostSession> session_;
  std::atomic<bool> was_asked_{false};
};

const FunctionInfo* find_member(const TypeInfo& type, const std::string& name) {
  if (const auto method = type.methods.find(name); method != type.methods.end()) {
    return &method->second;
  }
  const bool is_write = name.ends_with('=');
  const auto plain = is_write ? name.substr(0, name.size() - 1) : name;
  const auto property = type.properties.find(plain);
  if (property == type.properties.end()) return nullptr;
  if (!is_write) return &property->second.get;
  return property->second.set ? &*property->second.set : nullptr;
}

Error no_member(const Offers& offers, const TypeInfo& type, const std::string& name) {
  const std::string text = "'" + type.name + "' has no method or writable property '" + name + "'";
  const Addition* home = offers.home_of(type);
  const bool is_replaced = home != nullptr && offers.find_type(type.name).thing != &type;
  if (!is_replaced) return unknown(text);
  return unknown(text + "; the object is of an earlier version of the extension '" +
                 home->about.name + "', make another one");
}

}  // namespace

std::shared_ptr<Exported> make_broker(std::weak_ptr<HostSession> session) {
  return std::make_shared<BrokerServant>(std::move(session));
}

void ObjectServant::call(IncomingCall call) {
  if (call.interface_id() != capnp::typeId<wire::Object>() || call.method_id() != 0) {
    return call.fail("an object has the method call() only", true);
  }
  const auto params = call.params().getAs<wire::Object::CallParams>();
  const auto info = read_info(params.getCall());
  const std::string name(params.getMethod().cStr(), params.getMethod().size());
  const auto& type = instance_->type();
  const FunctionInfo* member = find_member(type, name);
  if (member == nullptr) {
    return reply_fault(std::move(call), no_member(session_->core().offers(), type, name));
  }
  const auto self = member->description.is_static ? nullptr : instance_;
  SessionServant::start(session_, std::move(call), info,
                        {member, session_->core().offers().home_of(type)}, self,
                        type.name + "." + name);
}

}  // namespace cppipc
