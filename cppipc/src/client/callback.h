// SPDX-License-Identifier: Apache-2.0
#pragma once
// Functions of this side that the server calls.

#include <cppipc/callable.h>
#include <cppipc/value_writer.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "rpc/cap.h"
#include "rpc/incoming.h"
#include "rpc/waiter.h"

namespace cppipc {

class ClientCall;
class ClientImpl;

// A function of this side, or what one has raised, as the server refers to it.
// Owns: the object, as long as the server has a hold on it. Threads: any.
class LocalServant final : public Exported {
 public:
  LocalServant(std::weak_ptr<ClientImpl> client, ObjectPtr object);
  ~LocalServant() override;
  void call(IncomingCall call) override;
  const ObjectPtr& object() const { return object_; }

 private:
  const std::weak_ptr<ClientImpl> client_;
  const ObjectPtr object_;
};

// What tells a local object from others: equal for two that are one function.
const void* identity_of(const Object& object);

// One call of a function of this side, from its arrival to its reply.
// Owns: the call, shares of the client and the function. In a forked child it does nothing.
class Callback {
 public:
  Callback(std::shared_ptr<ClientImpl> client, CallablePtr function, IncomingCall call);
  ~Callback();
  Callback(const Callback&) = delete;
  Callback& operator=(const Callback&) = delete;

  // The call of this client that it is a part of; 0 for none.
  std::uint64_t cause() const { return cause_; }
  // Runs the function here, and replies, after `before_reply`. Calls that the function makes are of
  // the same chain. Errors: kForkedSession if the function has forked, and this is the child.
  void run(const std::function<void()>& before_reply = {});
  // The chain that calls made on this thread belong to; 0 if it runs no callback of that client.
  static std::uint64_t chain_here(const ClientImpl& client);

 private:
  ValueWriter result();
  void answer(const std::function<void()>& before_reply);
  void refuse(const Error& error);

  const std::shared_ptr<ClientImpl> client_;
  const CallablePtr function_;
  std::unique_ptr<IncomingCall> call_;
  std::uint64_t cause_ = 0;
  std::uint64_t chain_ = 0;
};

// The thread for callbacks that no thread waits for, if a client has no other one for them.
// Owns: the thread, which begins with the first task, and the tasks. Threads: any.
class CallbackThread {
 public:
  using Task = std::function<void()>;
  ~CallbackThread() { stop(); }
  void post(Task task);
  // Begins no further task, and waits for the one that runs, unless it is the one that stops this.
  void stop();

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Task> tasks;
    bool is_stopping = false;
  };
  static void serve(const std::shared_ptr<State>& state);

  const std::shared_ptr<State> state_ = std::make_shared<State>();
  std::mutex mutex_;
  std::thread thread_;
};

// Callbacks for which no thread waits, in the order in which they came. Threads: any.
//
// They are for the callback thread; but who begins to wait for the call that one is a part of takes
// it along, and while the callback thread itself waits for a call, it runs others there: one of
// them may be what that call waits for.
class LeftCallbacks {
 public:
  void push(std::unique_ptr<Callback> callback);
  // The first one; null if there is none.
  std::unique_ptr<Callback> pop();
  // All that are a part of that call.
  std::deque<std::unique_ptr<Callback>> take(std::uint64_t cause);
  // Drops them, and those to come.
  void close();

  // Until its end `waiter` is called for each that is pushed, if this is a callback thread that may
  // run them.
  class Attention {
   public:
    Attention(LeftCallbacks& left, Waiter& waiter);
    ~Attention();
    Attention(const Attention&) = delete;
    Attention& operator=(const Attention&) = delete;

   private:
    LeftCallbacks& left_;
    Waiter* const waiter_;  // null: it is no such thread
  };
  // Runs the first one on this thread, which is a callback thread from now on.
  void run_first();
  // On a callback thread that waits: runs all of them, unless it is too deep inside others.
  void run_all();

 private:
  std::mutex mutex_;
  std::deque<std::unique_ptr<Callback>> callbacks_;
  std::vector<Waiter*> waiters_;  // innermost last
  bool is_closed_ = false;
};

// The calls that a thread waits for, or is about to. There are few at one time. Threads: any.
class WaitedCalls {
 public:
  void add(std::uint64_t id, std::weak_ptr<ClientCall> call);
  void remove(std::uint64_t id);
  std::shared_ptr<ClientCall> find(std::uint64_t id) const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<std::uint64_t, std::weak_ptr<ClientCall>>> calls_;
};

}  // namespace cppipc
