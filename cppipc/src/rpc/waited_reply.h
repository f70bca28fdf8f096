// SPDX-License-Identifier: Apache-2.0
#pragma once
// A reply that one thread waits for.

#include <utility>

#include "rpc/peer.h"
#include "rpc/waiter.h"

namespace cppipc {

// Threads: `returned` is for whoever has waited.
struct WaitedReply : PendingReply {
  void on_return(Returned reply) override {
    returned = std::move(reply);
    waiter.finish();
  }
  Waiter waiter;
  Returned returned;
};

}  // namespace cppipc
