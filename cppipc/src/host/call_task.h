// SPDX-License-Identifier: Apache-2.0
#pragma once
// One call of a method, constructor or function, from its arrival to its reply.

#include <cppipc/context.h>
#include <cppipc/function.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "host/crew.h"
#include "host/host_session.h"
#include "host/instance.h"
#include "rpc/incoming.h"

namespace cppipc {

// Where the params of a call are, which differ by method.
struct CallParams {
  std::uint64_t id = 0;
  std::uint64_t chain = 0;
  std::uint64_t timeout_us = 0;

  // The outermost call that this one happens inside of; itself, if in none.
  std::uint64_t outermost() const { return chain != 0 ? chain : id; }
};

// Owns: the call with its message, and the objects it holds. Runs on a thread of the crew; the
// arguments are unmarshalled there too, so large ones hold nobody up.
class CallTask final : public Task, public Ticket {
 public:
  // `self` is null for constructors and functions; `where` names the call in errors.
  CallTask(std::shared_ptr<HostSession> session, IncomingCall call, CallParams params,
           Found<FunctionInfo> function, std::shared_ptr<Instance> self, std::string where);
  ~CallTask() override;

  // Sends it on its way: it runs when its objects are free.
  static void submit(std::unique_ptr<CallTask> task);

  void run() override;
  bool is_admitted() const override { return true; }  // by Slots
  bool is_blocking() const override { return function_.is_blocking; }

  const std::shared_ptr<HostSession>& session() const { return session_; }
  // What its function belongs to; null: the host's own registry.
  const Addition* addition() const { return addition_; }
  std::uint64_t id() const { return params_.id; }
  std::uint64_t chain() const { return params_.outermost(); }

  // Its object, and the exposed objects among its arguments.
  std::vector<std::shared_ptr<Instance>> objects();

  // The call whose method runs on this thread, or whose reply is written there, and its context;
  // null if there is none.
  static CallTask* current();
  static Context* current_context();

  // While a method waits for its own caller: its objects are lent to calls of its chain, its thread
  // counts for no limit. The end waits until its objects are given back. `task` may be null.
  class Pause {
   public:
    explicit Pause(CallTask* task);
    ~Pause();
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    CallTask* const task_;
  };

 private:
  // What the arguments take of the session's budget for this call alone goes to `charge`.
  Arguments unmarshal_arguments(Charge& charge);
  Variant invoke();
  // Says to those who watch its progress that there is no more.
  void tell_end();
  void reply(Variant value);
  void reply(Error error);
  // With all of its text. Errors: std::bad_alloc, kQuotaExceeded, and nothing was sent.
  void reply_whole(const Error& error);
  // It is no call in flight any more. Before its reply is sent: who has that may make another one.
  std::size_t end();
  IncomingCall::ReplyBuilder begin_reply(std::uint64_t words) { return call_.begin_reply(words); }

  const std::shared_ptr<HostSession> session_;
  IncomingCall call_;
  const CallParams params_;
  const FunctionInfo& function_;
  const Addition* const addition_;
  const std::shared_ptr<Instance> self_;
  const std::string where_;
  std::stop_source stop_;
  std::optional<Context::Clock::time_point> deadline_;
  std::atomic<bool> has_told_{false};  // of its progress
  bool has_begun_ = false;             // counted as a call of the session
  Charge waiting_;                     // for its message, until it runs
};

// Answers a call whose results have an outcome with an error, at once. Of a long text only the
// beginning goes.
void reply_fault(IncomingCall call, const Error& error);

// The reply with a value, to be sent. Errors: as write(); kQuotaExceeded for objects.
IncomingCall::ReplyBuilder value_reply(HostSession& session, const IncomingCall& call,
                                       const Variant& value);

}  // namespace cppipc
