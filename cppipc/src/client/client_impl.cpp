// SPDX-License-Identifier: Apache-2.0
// A call is measured and marshalled on the caller's thread, sent by it, and waited for by it.
#include "client/client_impl.h"

#include <cppipc/broker.capnp.h>

#include <kj/exception.h>
#include <sys/stat.h>
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <system_error>

#include "client/client_call.h"
#include "rpc/socket_options.h"
#include "wire/attach.h"

namespace cppipc {
namespace {

constexpr std::uint16_t kDescribe = 0, kCreate = 1, kRun = 2, kCancel = 3, kPing = 4, kStats = 5,
                        kSave = 6, kRestore = 7, kWatch = 8, kUnwatch = 9, kTakeFile = 10;
constexpr std::uint64_t kPlainWords = 32;
// What a server may send before it has said what its own limit is.
constexpr std::uint64_t kHandshakeBytes = 64 << 20;
// Of the server's, mapped here: as many as it may need, and far fewer than there can be mappings.
constexpr std::size_t kArenasMax = 16384;
// A client has few sessions, and sends the same sizes again and again.
constexpr std::uint64_t kRetainedBytes = 512ull << 20;

// Not a number is the least.
std::chrono::seconds whole_seconds(double seconds) {
  const double known = seconds >= 1 ? seconds : 1;
  return std::chrono::seconds(std::llround(std::ceil(std::min<double>(known, kKeepAliveMaxS))));
}

// Why a server may have left before the session was open.
std::string doubt_of(const std::string& address) {
  if (!address.starts_with("unix:")) return "; is it a unity_server?";
  return "; is it a unity_server, and of this user (uid " + std::to_string(::geteuid()) +
         ")? It serves its own user only";
}

// For calls whose reply says nothing.
struct Ignored final : PendingReply {
  void on_return(Returned) override {}
};

}  // namespace

ClientImpl::ClientImpl(Descriptor socket, std::unique_ptr<Channel> channel, std::string address,
                       std::string transport, ConnectOptions options)
    : options_(std::move(options)),
      address_(std::move(address)),
      transport_(std::move(transport)),
      poller_(std::make_shared<Poller>()),
      references_(std::make_shared<ReferenceSource>(poller_)),
      peer_(std::make_shared<Peer>(std::move(socket),
                                   std::min(options_.message_bytes, kHandshakeBytes), references_,
                                   std::move(channel))),
      share_(std::make_shared<MemoryShare>(
          MemoryLimits{.arenas = kArenasMax, .retained_bytes = kRetainedBytes})) {
  set_keep_alive(peer_->connection().fd(), whole_seconds(options_.keep_alive_s));
  limits_.message_bytes = options_.message_bytes;
  limits_.inline_bytes = options_.inline_bytes;
  if (!options_.on_interrupt) return;
  // A signal handler may fork: the child then comes back from here into the parent's wait.
  options_.on_interrupt = [this, look = std::move(options_.on_interrupt)] {
    look();
    throw_if_child();
  };
}

ClientImpl::~ClientImpl() {
  if (guard_.is_child()) {
    abandon();
  } else {
    close();
  }
}

void ClientImpl::throw_if_child() const {
  if (!guard_.is_child()) return;
  throw Error(ErrorKind::kForkedSession,
              "this session was opened by the parent process; open one of your own in this child");
}

std::string ClientImpl::tls_version() const {
  const Channel* channel = std::as_const(*peer_).connection().channel();
  return channel == nullptr ? std::string() : channel->agreed().version;
}

Error ClientImpl::loss(const Error& error) {
  if (options_.explain_loss && !is_explained_.exchange(true)) {
    if (auto explained = options_.explain_loss()) return *explained;
  }
  if (error.kind() != ErrorKind::kConnectionLost) return error;
  if (error.is_tls) {
    Error lost(error.kind(), std::string(error.text()) + " (" + address_ + ")");
    lost.is_tls = true;
    return lost;
  }
  return Error(ErrorKind::kConnectionLost,
               std::string(error.text()) + " (" + address_ +
                   (is_open_ ? "); open another session" : ")" + doubt_of(address_)));
}

Error ClientImpl::closed() const {
  return Error(ErrorKind::kConnectionLost,
               "session closed (" + address_ + "); open another session");
}

void ClientImpl::ended(const Error& error) {
  const Error end = is_closed_ ? closed() : loss(error);
  share_->end();
  peer_->disconnect(end);
}

template <class Params, class Fill>
CallPtr ClientImpl::start_plain(std::uint16_t method_id, int results, const CallOptions& options,
                                Fill&& fill, int descriptor) {
  throw_if_child();
  const auto id = next_call_id();
  std::optional<Driver::Clock::time_point> deadline;
  if (options.timeout_s) deadline = Driver::after(*options.timeout_s);
  auto call = std::make_shared<ClientCall>(std::static_pointer_cast<ClientImpl>(shared_from_this()),
                                           id, static_cast<ClientCall::Results>(results), deadline,
                                           options.is_awaited);
  auto builder =
      peer_->begin_call(session_, capnp::typeId<wire::Session>(), method_id, kPlainWords);
  auto params = builder.params<Params>();
  fill(params, builder.message());
  peer_->carry_out_let_go();
  driver_->send(std::move(builder), call, options.is_awaited, descriptor);
  return call;
}

template <class Params, class Name>
CallPtr ClientImpl::start(const std::shared_ptr<Import>& target, std::uint64_t interface_id,
                          std::uint16_t method_id, ValueWriter& arguments,
                          const CallOptions& options, Name&& name) {
  throw_if_child();
  arguments.finish();
  const auto id = next_call_id();
  std::optional<Driver::Clock::time_point> deadline;
  auto builder =
      peer_->begin_call(target, interface_id, method_id, arguments.words().size() + kPlainWords);
  auto params = builder.params<Params>();
  auto info = params.initCall();
  info.setId(id);
  info.setChain(Callback::chain_here(*this));
  if (options.timeout_s) {
    deadline = Driver::after(*options.timeout_s);
    const auto left =
        std::chrono::duration_cast<std::chrono::microseconds>(*deadline - Driver::Clock::now());
    info.setTimeoutUs(static_cast<std::uint64_t>(std::max<std::int64_t>(1, left.count())));
  }
  name(params);
  OutgoingMessageCaps caps(builder.message(), *this);
  attach(arguments, kj::mv(params), kArgumentsPointer, caps);
  { const ValueWriter taken = std::move(arguments); }  // gives back the memory before the wait
  auto call =
      std::make_shared<ClientCall>(std::static_pointer_cast<ClientImpl>(shared_from_this()), id,
                                   ClientCall::Results::kOutcome, deadline, options.is_awaited);
  if (options.is_awaited) call->expect_wait();
  peer_->carry_out_let_go();
  driver_->send(std::move(builder), call, options.is_awaited);
  return call;
}

CallPtr ClientImpl::call(const std::shared_ptr<RemoteObject>& target, const std::string& method,
                         ValueWriter& arguments, CallOptions options) {
  throw_if_child();
  const auto import = std::get<std::shared_ptr<Import>>(cap_of(target));
  return start<wire::Object::CallParams>(
      import, capnp::typeId<wire::Object>(), 0, arguments, options,
      [&](wire::Object::CallParams::Builder& params) { params.setMethod(method); });
}

CallPtr ClientImpl::create(const std::string& type, ValueWriter& arguments, CallOptions options) {
  return start<wire::Session::CreateParams>(
      session_, capnp::typeId<wire::Session>(), kCreate, arguments, options,
      [&](wire::Session::CreateParams::Builder& params) { params.setType(type); });
}

CallPtr ClientImpl::run(const std::string& function, ValueWriter& arguments, CallOptions options) {
  return start<wire::Session::RunParams>(
      session_, capnp::typeId<wire::Session>(), kRun, arguments, options,
      [&](wire::Session::RunParams::Builder& params) { params.setFunction(function); });
}

ValueWriter ClientImpl::written(const Arguments& arguments) const {
  throw_if_child();
  return write(arguments, limits_);
}

CallPtr ClientImpl::call(const std::shared_ptr<RemoteObject>& target, const std::string& method,
                         Arguments arguments, CallOptions options) {
  ValueWriter writer = written(arguments);
  return call(target, method, writer, options);
}

CallPtr ClientImpl::create(const std::string& type, Arguments arguments, CallOptions options) {
  ValueWriter writer = written(arguments);
  return create(type, writer, options);
}

CallPtr ClientImpl::run(const std::string& function, Arguments arguments, CallOptions options) {
  ValueWriter writer = written(arguments);
  return run(function, writer, options);
}

CallPtr ClientImpl::stats(CallOptions options) {
  return start_plain<wire::Session::StatsParams>(
      kStats, static_cast<int>(ClientCall::Results::kStats), options, [](auto&, auto&) {});
}

CallPtr ClientImpl::ping(CallOptions options) {
  return start_plain<wire::Session::PingParams>(
      kPing, static_cast<int>(ClientCall::Results::kNothing), options, [](auto&, auto&) {});
}

CallPtr ClientImpl::save_once(const std::shared_ptr<RemoteObject>& object, CallOptions options) {
  const auto cap = cap_of(object);
  return start_plain<wire::Session::SaveParams>(
      kSave, static_cast<int>(ClientCall::Results::kOutcome), options,
      [&](wire::Session::SaveParams::Builder& params, OutgoingMessage& message) {
        params.setObject(message.add(cap).castAs<wire::Object>());
        params.setIsOnce(true);
      });
}

CallPtr ClientImpl::save(const std::shared_ptr<RemoteObject>& object,
                         std::span<const std::uint8_t> earlier, CallOptions options) {
  const auto cap = cap_of(object);
  return start_plain<wire::Session::SaveParams>(
      kSave, static_cast<int>(ClientCall::Results::kOutcome), options,
      [&](wire::Session::SaveParams::Builder& params, OutgoingMessage& message) {
        params.setObject(message.add(cap).castAs<wire::Object>());
        if (!earlier.empty()) params.setEarlier({earlier.data(), earlier.size()});
      });
}

CallPtr ClientImpl::restore(std::span<const std::uint8_t> token, CallOptions options) {
  return start_plain<wire::Session::RestoreParams>(
      kRestore, static_cast<int>(ClientCall::Results::kOutcome), options,
      [&](wire::Session::RestoreParams::Builder& params, OutgoingMessage&) {
        params.setToken({token.data(), token.size()});
      });
}

CallPtr ClientImpl::watch(const std::string& prefix, const CallablePtr& watcher,
                          CallOptions options) {
  const auto cap = cap_of(watcher);
  return start_plain<wire::Session::WatchParams>(
      kWatch, static_cast<int>(ClientCall::Results::kOutcome), options,
      [&](wire::Session::WatchParams::Builder& params, OutgoingMessage& message) {
        params.setPrefix(prefix);
        params.setWatcher(message.add(cap).castAs<wire::Object>());
      });
}

CallPtr ClientImpl::unwatch(std::uint64_t watch, CallOptions options) {
  return start_plain<wire::Session::UnwatchParams>(
      kUnwatch, static_cast<int>(ClientCall::Results::kNothing), options,
      [&](wire::Session::UnwatchParams::Builder& params, OutgoingMessage&) {
        params.setWatch(watch);
      });
}

CallPtr ClientImpl::give_file(int fd, CallOptions options) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    throw std::system_error(errno, std::generic_category(), "looking at the file");
  }
  return start_plain<wire::Session::TakeFileParams>(
      kTakeFile, static_cast<int>(ClientCall::Results::kOutcome), options,
      [&](wire::Session::TakeFileParams::Builder& params, OutgoingMessage&) {
        params.setInode(status.st_ino);
      },
      fd);
}

void ClientImpl::ask_cancel(std::uint64_t id) {
  auto builder = peer_->begin_call(session_, capnp::typeId<wire::Session>(), kCancel, kPlainWords);
  builder.params<wire::Session::CancelParams>().setId(id);
  driver_->send(std::move(builder), std::make_shared<Ignored>(), false);
}

bool ClientImpl::wait(Waiter& waiter, std::optional<Driver::Clock::time_point> until,
                      const std::function<void()>& work) {
  return driver_->wait(waiter, until, options_.on_interrupt, work);
}

void ClientImpl::wait(Waiter& waiter) { wait(waiter, std::nullopt); }

void ClientImpl::post(std::unique_ptr<Callback> callback) {
  const auto call = callback->cause() == 0 ? nullptr : waited_.find(callback->cause());
  if (!call || !call->take(callback)) run_elsewhere(std::move(callback));
}

void ClientImpl::run_elsewhere(std::unique_ptr<Callback> callback) {
  left_.push(std::move(callback));
  auto task = [self = std::static_pointer_cast<ClientImpl>(shared_from_this())] {
    try {
      self->left_.run_first();
    } catch (const Error&) {
      // The function has forked, and in the child nobody waits for what comes of it.
    }
  };
  if (options_.run_callback) {
    options_.run_callback(std::move(task));
  } else {
    callback_thread_->post(std::move(task));
  }
}

std::shared_ptr<LocalServant> ClientImpl::find_servant_locked(const void* identity) const {
  const auto found = servants_.find(identity);
  if (found == servants_.end()) return nullptr;
  return std::static_pointer_cast<LocalServant>(found->second->weak_from_this().lock());
}

std::shared_ptr<LocalServant> ClientImpl::servant_of(const ObjectPtr& object) {
  const void* identity = identity_of(*object);
  // Outlives the lock, which its end would take.
  auto servant = std::make_shared<LocalServant>(
      std::static_pointer_cast<ClientImpl>(shared_from_this()), object);
  std::lock_guard lock(servants_mutex_);
  if (auto known = find_servant_locked(identity)) return known;
  servants_[identity] = servant.get();
  return servant;
}

void ClientImpl::forget(const LocalServant& servant) {
  std::lock_guard lock(servants_mutex_);
  const auto found = servants_.find(identity_of(*servant.object()));
  // Its place may be taken by another one for the same function.
  if (found != servants_.end() && found->second == &servant) servants_.erase(found);
}

Cap ClientImpl::cap_of(const ObjectPtr& object) {
  auto* reference = dynamic_cast<Reference*>(object.get());
  const bool is_local =
      object != nullptr && reference == nullptr &&
      (dynamic_cast<Callable*>(object.get()) != nullptr || object->type_name() == kRaisedTypeName);
  if (is_local) return servant_of(object);
  if (reference == nullptr || reference->connection() != references_.get()) {
    throw Error(
        ErrorKind::kInvalidArgument,
        "the object belongs to another session than the one it is used with (" + address_ + ")");
  }
  return std::shared_ptr<Import>(object, reference);
}

std::array<std::uint8_t, 16> ClientImpl::id_of(const ObjectPtr& object) {
  const auto* reference = dynamic_cast<const Reference*>(object.get());
  return reference != nullptr ? reference->object_id() : std::array<std::uint8_t, 16>{};
}

ObjectPtr ClientImpl::object_of(const Cap& cap, std::string_view type,
                                std::span<const std::uint8_t> id) {
  if (const auto* exported = std::get_if<std::shared_ptr<Exported>>(&cap)) {
    // What was sent comes home.
    const auto* servant = dynamic_cast<const LocalServant*>(exported->get());
    if (servant != nullptr) return servant->object();
  }
  const auto* import = std::get_if<std::shared_ptr<Import>>(&cap);
  if (import == nullptr || id.size() != 16) {
    throw Error(ErrorKind::kProtocol, "the server sent a reference that refers to nothing");
  }
  return references_->reference_of(*import, type, id.first<16>());
}

void ClientImpl::close() {
  if (guard_.is_child() || is_closed_.exchange(true)) return;
  if (driver_) driver_->send_gathered();
  peer_->disconnect(closed());
  share_->close();
  if (driver_) driver_->stop();
  callback_thread_->stop();
  left_.close();
}

void ClientImpl::abandon() noexcept {
  is_closed_ = true;
  // Nothing of the parent's connection may be touched here, not even to free it.
  new std::shared_ptr<Peer>(peer_);
  new std::shared_ptr<Poller>(poller_);
  new std::shared_ptr<Driver>(driver_);
  new std::shared_ptr<Import>(session_);
  new std::shared_ptr<MemoryShare>(share_);
  new std::shared_ptr<CallbackThread>(callback_thread_);
  new std::shared_ptr<FollowedOffer>(offers_);
}

}  // namespace cppipc
