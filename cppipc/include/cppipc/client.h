// SPDX-License-Identifier: Apache-2.0
#pragma once
// Client: one session with a server, seen from the caller's side.
//
// There is no I/O thread on the way of a call: the thread that waits for a reply reads the socket,
// and wakes others whose replies it finds. One watcher thread per client reads only while
// nobody waits: it notices a lost connection and carries out what was left behind (dropped
// references, notices that a reply was received), and sleeps without waking when there is nothing.

#include <cppipc/callable.h>
#include <cppipc/description.h>
#include <cppipc/function.h>
#include <cppipc/tls.h>
#include <cppipc/value_reader.h>
#include <cppipc/value_writer.h>
#include <cppipc/variant.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace cppipc {

class Client;

// A counted hold on one server object. The last share dropped lets the object go; that never
// blocks, never sends by itself and may happen on any thread, in any state (finalisers).
// Within a client one server object is always one RemoteObject while it lives.
class RemoteObject : public Object {
 public:
  std::string_view type_name() const override = 0;
  // Random, given by the server; the same in every session; grants nothing.
  virtual const std::array<std::uint8_t, 16>& object_id() const = 0;
  // The client it belongs to; null once that was destroyed.
  virtual std::shared_ptr<Client> client() const = 0;

  // For a binding to another language: what stands for this object there. Null at first; the
  // library never looks at it. Threads: whoever uses it sees to that.
  void* counterpart = nullptr;
};

struct CallOptions {
  // Seconds the caller waits; the server sees it as the call's deadline. nullopt: no limit.
  std::optional<double> timeout_s;
  // The caller waits for this call at once and drops it: its thread reads the reply itself, no
  // other is woken for it, and what interrupts the wait cancels the call.
  bool is_awaited = false;
};

// A result as it came. Owns: the reply. Threads: any.
class Result {
 public:
  virtual ~Result() = default;
  // A reader of the whole value, good while this lives; null if only variant() can tell it, as
  // when there are objects in it, or bulk beside the message.
  virtual const ValueReader* reader() const = 0;
  // Where the reader begins.
  virtual ValueReader::Value value() const = 0;
  // The value, made at the first use. Errors: kProtocol; kOutOfMemory.
  virtual const Variant& variant() = 0;
};

// The first argument in what a ValueWriter has written, read without a server. The words must
// outlive the result. Errors: kProtocol.
std::shared_ptr<Result> open_message(std::span<const std::uint64_t> words);

// A function of this side that writes its result into a message itself: for a binding to another
// language, which has no Variants of its own.
class WritingFunction : public Callable {
 public:
  // Calls the function, and writes its result as `out`, which is fresh (ValueWriter::begin_value).
  // Errors: as call().
  virtual void answer(Arguments arguments, ValueWriter& out, const MarshalLimits& limits) = 0;
};

// One call that was sent. Owns: a share of the client's connection and its own result.
// Threads: all methods from any thread.
class Call {
 public:
  virtual ~Call() = default;
  virtual std::uint64_t id() const = 0;
  virtual bool is_done() const = 0;
  // Blocks until the reply is there (or `timeout_s` passed: kTimeout, the call goes on).
  // While it waits it calls ConnectOptions::on_interrupt at least every 0.1 s and after each
  // signal; what that throws ends the wait and is passed on. It also runs the functions of this
  // side that the server calls on behalf of this call; without a thread that waits they run
  // elsewhere (ConnectOptions::run_callback). The call goes on and can be waited for again, unless
  // it was sent with CallOptions::is_awaited: then it is cancelled. Errors: the fault of the call;
  // kConnectionLost, kServerCrashed; kTimeout; kCancelled.
  virtual Variant wait(std::optional<double> timeout_s = {}) = 0;
  // The same, and leaves it to the caller to read the value.
  virtual std::shared_ptr<Result> receive(std::optional<double> timeout_s = {}) = 0;
  // Asks the server to cancel; false if the reply is there already. Waiters get kCancelled
  // at once; the method runs on until it looks.
  virtual bool cancel() = 0;
  // `callback` runs once, when the call is done: on the thread that found out, without locks,
  // or at once if it is done already. It must not throw and must not wait for calls.
  virtual void on_done(std::function<void()> callback) = 0;
};
using CallPtr = std::shared_ptr<Call>;

struct ConnectOptions {
  double timeout_s = 10.0;  // for connecting and the handshake
  // Of one message, either way; the smaller limit of both sides holds.
  std::uint64_t message_bytes = 2048ull << 20;
  std::uint64_t inline_bytes = 1ull << 20;
  // On one machine bulk lies in memory that both sides map, if the server can do so too; else, and
  // without this, it crosses in pieces.
  bool shares_memory = true;
  // For servers that want one, as they may over TCP: see access.h. Forgotten once the session is
  // open, and shown nowhere.
  std::string access_token;
  // Seconds after which a server that is gone without a word is noticed, in whole ones from 1 to
  // 3600. TCP only.
  double keep_alive_s = 30.0;
  // Speaks TLS; over TCP only. None: it does not.
  std::optional<TlsClientOptions> tls;
  std::string peer_name;  // shown as Client::address(); empty: the address connected to
  // See Call::wait. Runs on the waiting thread without locks.
  std::function<void()> on_interrupt;
  // Runs on the waiting thread, without locks, when a Call::wait ends, however it does: a binding
  // may hold back threads there that must not come back any more. Must not throw.
  std::function<void()> on_return;
  // Asked once when the connection is lost, from any thread, without locks: returns the error
  // that pending and later calls get (kServerCrashed with details), or nullopt.
  std::function<std::optional<Error>()> explain_loss;
  // Runs a call of a function of this side for which no thread waits, once, on some thread where it
  // may take its time; from any thread, without locks. Empty: the client has a thread for them.
  std::function<void(std::function<void()> call)> run_callback;
};

// Owns: the socket and the watcher thread. Threads: all methods from any thread.
class Client : public std::enable_shared_from_this<Client> {
 public:
  // `address` is unix:PATH (unix://PATH and ipc://PATH too) or tcp:HOST:PORT. Of several addresses
  // that a host's name has, the first that answers.
  // Errors: kInvalidArgument for an address of another form; kConnectionLost if nobody listens;
  // kTimeout if nobody answers; kProtocol if the other side is no server of ours; kNotPermitted if
  // the server wants an access token, and not this one. With TLS also kConnectionLost with
  // Error::is_tls, saying what is wrong with which certificate or version; and kInputOutput or
  // kInvalidArgument for its files, kNotSupported if TLS cannot be loaded.
  static std::shared_ptr<Client> connect(const std::string& address, ConnectOptions options = {});
  // The same over a connected socket; takes the descriptor, also when it throws. TLS needs a
  // server_name here.
  static std::shared_ptr<Client> adopt(int socket_fd, ConnectOptions options = {});

  virtual ~Client() = default;

  // What the server offers, with its description and the hash of it: fetched at connect, and
  // another one whenever the server has told of a change. Never null; what was returned stays as it
  // is. The result of a call that makes the server offer more comes after the change.
  virtual std::shared_ptr<const Offer> offer() const = 0;
  // The version of offer(), at the cost of reading a number.
  virtual std::uint64_t offer_version() const = 0;
  virtual const std::string& address() const = 0;
  virtual const std::string& transport() const = 0;  // "unix" or "tcp"
  virtual std::int64_t server_pid() const = 0;
  virtual std::array<std::uint8_t, 16> server_id() const = 0;  // random per server process
  // Whether bulk crosses in shared memory, as the handshake has found out.
  virtual bool shares_memory() const = 0;

  // Arguments may have functions of this side in them (callable.h), which the server may call as
  // long as it keeps them.
  // Each sends one call and returns at once; references and errors of sending come by wait(),
  // but for arguments that cannot cross (kWrongType, kTooLarge, kInvalidArgument: an object of
  // another client), which are thrown here, with nothing sent.
  // `method` is a method's name, or "value" / "value=" to read / write the property `value`.
  virtual CallPtr call(const std::shared_ptr<RemoteObject>& target, const std::string& method,
                       Arguments arguments, CallOptions options = {}) = 0;
  virtual CallPtr create(const std::string& type, Arguments arguments,
                         CallOptions options = {}) = 0;
  virtual CallPtr run(const std::string& function, Arguments arguments,
                      CallOptions options = {}) = 0;
  // The same with arguments that were written before, for limits(). They are taken, unless it
  // throws: the reference is not const so that `{}` stays an empty Arguments.
  virtual const MarshalLimits& limits() const = 0;
  virtual CallPtr call(const std::shared_ptr<RemoteObject>& target, const std::string& method,
                       ValueWriter& arguments, CallOptions options = {}) = 0;
  virtual CallPtr create(const std::string& type, ValueWriter& arguments,
                         CallOptions options = {}) = 0;
  virtual CallPtr run(const std::string& function, ValueWriter& arguments,
                      CallOptions options = {}) = 0;
  // A dict of HostStats' fields and of the server's own.
  virtual CallPtr stats(CallOptions options = {}) = 0;
  // An empty call.
  virtual CallPtr ping(CallOptions options = {}) = 0;
  // A token of an object: bytes that stand for it in other sessions of the same user with the same
  // server. It keeps the object for as long as the server is set to. If `earlier` is a token of it
  // that this client was given, that one is renewed and the result.
  // Errors: kInvalidArgument at once for an object of another client; kQuotaExceeded by wait().
  virtual CallPtr save(const std::shared_ptr<RemoteObject>& object,
                       std::span<const std::uint8_t> earlier = {}, CallOptions options = {}) = 0;
  // The same of one that is good for one restore(), by whomever, and no longer than this session.
  virtual CallPtr save_once(const std::shared_ptr<RemoteObject>& object,
                            CallOptions options = {}) = 0;
  // The object of a token. Errors, by wait(): kStaleReference if the server knows it not, or no
  // more; kNotPermitted if another user was given it.
  virtual CallPtr restore(std::span<const std::uint8_t> token, CallOptions options = {}) = 0;

  // From now on `watcher` is called with what calls of this session report whose name begins with
  // `prefix`: their name, a fraction or null for a line of the log, and a text. It is called as by
  // ConnectOptions::run_callback; if it is slow, old messages are dropped. The result is a number
  // for unwatch(). Errors: kQuotaExceeded by wait().
  virtual CallPtr watch(const std::string& prefix, const CallablePtr& watcher,
                        CallOptions options = {}) = 0;
  virtual CallPtr unwatch(std::uint64_t watch, CallOptions options = {}) = 0;

  // Gives the server an open file, for one run() of "$save" (a value, the file) or "$load" (the
  // file); see docs/saving.md. The value is the file's number there, null if descriptors do not
  // cross. The caller may close its own one at once. Errors: kInputOutput at once;
  // kQuotaExceeded by wait().
  virtual CallPtr give_file(int fd, CallOptions options = {}) = 0;

  // Ends the session: pending calls get kConnectionLost "session closed", objects on the server
  // are freed. Twice is fine. Joins the watcher (unless called by it).
  virtual void close() = 0;
  virtual bool is_closed() const = 0;
  // Leaves everything as it is and makes every further use a kForkedSession: for a forked child.
  virtual void abandon() noexcept = 0;

  // "TLSv1.3" or "TLSv1.2"; empty if nothing is encrypted.
  virtual std::string tls_version() const = 0;
};

}  // namespace cppipc
