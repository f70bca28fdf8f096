// SPDX-License-Identifier: Apache-2.0
#pragma once
// One call of a client, from sending to its result.

#include <cppipc/client.h>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "client/callback.h"
#include "client/client_impl.h"
#include "client/reply.h"
#include "rpc/peer.h"
#include "rpc/waiter.h"

namespace cppipc {

// The reply is kept as it came, and looked into by the first thread that asks for the result: on
// that thread, not on the one that read it for all.
// Owns: a share of the client, its reply. Threads: any.
class ClientCall final : public Call,
                         public PendingReply,
                         public std::enable_shared_from_this<ClientCall> {
 public:
  using Results = Reply::Results;

  ClientCall(std::shared_ptr<ClientImpl> client, std::uint64_t id, Results results,
             std::optional<Driver::Clock::time_point> deadline, bool is_awaited)
      : client_(std::move(client)),
        id_(id),
        results_(results),
        deadline_(deadline),
        is_awaited_(is_awaited) {}

  std::uint64_t id() const override { return id_; }
  bool is_done() const override;
  Variant wait(std::optional<double> timeout_s) override { return receive(timeout_s)->variant(); }
  std::shared_ptr<Result> receive(std::optional<double> timeout_s) override;
  bool cancel() override;
  void on_done(std::function<void()> callback) override;

  // Its callbacks are kept for who waits. Before it is sent, if it is awaited.
  void expect_wait();
  // Gives a callback to the thread that waits for this call, or is about to; false if none is.
  bool take(std::unique_ptr<Callback>& callback);

  // PendingReply.
  void on_return(Returned returned) override;

 private:
  // Ends the call; false if it is done already. Tells everybody who waits.
  bool settle(std::optional<Returned> returned, std::optional<Error> error);
  std::shared_ptr<Waiter> begin_wait();
  void end_wait(const std::shared_ptr<Waiter>& waiter);
  void run_callbacks();
  void post_elsewhere(std::deque<std::unique_ptr<Callback>> callbacks);
  std::shared_ptr<Result> result();

  const std::shared_ptr<ClientImpl> client_;
  const std::uint64_t id_;
  const Results results_;
  const std::optional<Driver::Clock::time_point> deadline_;
  const bool is_awaited_;  // an interrupt of the wait cancels it

  mutable std::mutex mutex_;
  bool is_done_ = false;
  std::vector<std::shared_ptr<Waiter>> waiters_;
  bool is_known_ = false;  // as one that is waited for
  std::deque<std::unique_ptr<Callback>> for_waiters_;
  std::vector<std::function<void()>> callbacks_;
  std::optional<Error> error_;  // how it ended, unless there is a result

  std::mutex result_mutex_;           // held while the reply is looked into
  std::optional<Returned> returned_;  // not looked into yet
  std::shared_ptr<Reply> reply_;
};

}  // namespace cppipc
